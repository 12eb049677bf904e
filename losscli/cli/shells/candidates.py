"""What a value may be, by its kind: losses and their parameters, files, columns of the files on the line.

Each function gets the context of the line and the value so far, and returns whole values. Their `type` is `plain`,
`list` where a comma or a colon may follow, `open` where something must follow, and `file` for files that start so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from losscli.cli.words import lists_of_losses

if TYPE_CHECKING:
    Item = CompletionItem[Any]


def words(ctx: click.Context, text: str, *choices: str) -> list[Item]:
    """Return the choices that start so; more follows one that ends in a colon."""
    found = (choice for choice in choices if choice.startswith(text))
    return [CompletionItem(choice, "open" if choice.endswith((":", "=")) else "plain") for choice in found]


def commands(ctx: click.Context, text: str) -> list[Item]:
    """Return the commands that start so."""
    group = ctx.parent
    names = group.command.list_commands(group) if group and isinstance(group.command, click.Group) else []
    return words(ctx, text, *names)


# -------------------------------------------------------------------------------------------------------- losses


def catalogue_as_stored() -> list[dict[str, Any]]:
    """Return what is known of the losses of the catalogue; plugins would have to be run to know theirs."""
    import json
    import pkgutil

    from losscli import losses as package

    entries: list[dict[str, Any]] = json.loads(pkgutil.get_data(package.__name__, "_catalogue.json") or "[]")
    return entries


def entries_by_name() -> dict[str, dict[str, Any]]:
    """Return the entries of losses by names and aliases."""
    from losscli.declaration.names import normalize_name

    entries = catalogue_as_stored()
    found = {normalize_name(alias): entry for entry in entries for alias in entry["aliases"]}
    return found | {entry["name"]: entry for entry in entries}


def entry_called(name: str, known: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """Return the entry of the loss that a name means, as loosely as commands read it."""
    from losscli.declaration.names import matching_names

    return next((known[one] for one in matching_names(name, known)), None)


def losses(ctx: click.Context, text: str) -> list[Item]:
    """Return losses, joined by commas, with parameters after colons."""
    before, comma, piece = text.rpartition(",")
    start = before + comma
    name, colon, rest = piece.partition(":")
    if colon:
        entry = entry_called(name, entries_by_name())
        return [] if entry is None else _settings_after(f"{start}{name}:", rest, entry["params"])
    taken = {one.partition(":")[0] for one in before.split(",")}
    names, aliases = [], []
    for entry in catalogue_as_stored():
        if entry["name"] not in taken and entry["name"].startswith(piece):
            names.append((entry["name"], entry["summary"]))
        elif piece:
            aliases += [(alias, f"{entry['name']}: {entry['summary']}") for alias in entry["aliases"]]
    names += [(alias, help) for alias, help in aliases if alias.startswith(piece) and alias not in taken]
    return [CompletionItem(start + name, "list", help, shown=name) for name, help in names]


def _settings_after(start: str, rest: str, parameters: Sequence[dict[str, Any]]) -> list[Item]:
    """Return what may follow `name:`, settings joined by colons."""
    before, colon, setting = rest.rpartition(":")
    taken = {one.partition("=")[0] for one in before.split(":")}
    start += before + colon
    name, equals, value = setting.partition("=")
    if equals:
        choices = next((choices_of(one) for one in parameters if one["name"] == name), ())
        return [
            CompletionItem(f"{start}{name}={choice}", "list", shown=choice)
            for choice in choices
            if choice.startswith(value)
        ]
    return [
        CompletionItem(f"{start}{one['name']}=", "open", help_of(one), shown=f"{one['name']}=")
        for one in parameters
        if one["name"].startswith(setting) and one["name"] not in taken
    ]


def choices_of(parameter: dict[str, Any]) -> list[str]:
    """Return the words that a parameter can be; of a number `none`, if it can be that."""
    kinds = parameter["range"].removesuffix(", or none")
    is_of_words = isinstance(parameter["default"], (bool, str))
    found = kinds.replace(" or ", ", ").split(", ") if is_of_words else []
    return found if kinds == parameter["range"] else [*found, "none"]


def help_of(parameter: dict[str, Any]) -> str:
    """Return what a parameter can be, and what it is by default."""
    default = parameter["default"]
    return f"{parameter['range']} (default {'none' if default is None else str(default).lower()})"


def losses_typed(ctx: click.Context) -> list[dict[str, Any]]:
    """Return the entries of the losses on the line; all of them if there is none."""
    known = entries_by_name()
    pieces = ",".join(lists_of_losses(ctx)).split(",")
    typed = (entry_called(piece.partition(":")[0], known) for piece in pieces)
    return [entry for entry in typed if entry is not None] or list(known.values())


def settings(ctx: click.Context, text: str) -> list[Item]:
    """Return a parameter of the losses on the line, with its value."""
    parameters = {one["name"]: one for entry in losses_typed(ctx) for one in entry["params"]}
    return [item for item in _settings_after("", text, list(parameters.values())) if ":" not in item.value]


SETTINGS_OF_PENALTIES = {"l1": ("lambda",), "l2": ("lambda",), "elastic_net": ("lambda", "ratio")}


def penalties(ctx: click.Context, text: str) -> list[Item]:
    """Return a penalty with its settings."""
    name, colon, rest = text.partition(":")
    if not colon:
        return words(ctx, text, *(f"{penalty}:lambda=" for penalty in SETTINGS_OF_PENALTIES))
    before, _, setting = rest.rpartition(":")
    start = text[: len(text) - len(setting)]
    left = [one for one in SETTINGS_OF_PENALTIES.get(name, ()) if one not in before]
    return words(ctx, text, *(f"{start}{one}=" for one in left))


def families(ctx: click.Context, text: str) -> list[Item]:
    """Return families of losses, and how many losses they have."""
    from collections import Counter

    sizes = Counter(entry["family"] for entry in catalogue_as_stored())
    return [CompletionItem(name, help=f"{n} losses") for name, n in sizes.items() if name.startswith(text)]


# --------------------------------------------------------------------------------------------------------- files


def files(ctx: click.Context, text: str, before: str = "") -> list[Item]:
    """Return the files that start so, which the shell finds."""
    return [CompletionItem(text, "file", before=before)]


def named_files(ctx: click.Context, text: str) -> list[Item]:
    """Return the files after `NAME=`, or those that start so."""
    import os

    name, equals, path = text.partition("=")
    is_name = equals and "/" not in name and not os.path.exists(text)
    return files(ctx, path, name + equals) if is_name else files(ctx, text)


def data_files(ctx: click.Context, text: str) -> list[Item]:
    """Return files, also after `ROLE=`, and the roles that start so."""
    found = named_files(ctx, text)
    if not text or "=" in text:
        return found
    roles = [f"{role}=" for role in roles_typed(ctx)]
    return [*found, *words(ctx, text, *roles)]


def roles_typed(ctx: click.Context) -> list[str]:
    """Return the roles of the losses on the line, and that of weights."""
    roles = (role for entry in losses_typed(ctx) for form in entry["roles"] for role in form)
    return list(dict.fromkeys([*roles, "weight"]))


def files_after_at(ctx: click.Context, text: str) -> list[Item]:
    """Return files after `@`."""
    return files(ctx, text[1:], "@") if text.startswith("@") else words(ctx, text, "@")


# ------------------------------------------------------------------------------------------------------- columns


def columns_on_line(ctx: click.Context) -> list[str]:
    """Return the columns of the files on the line."""
    from losscli.data.column_peek import peek_columns

    typed = [*ctx.params.get("data", ()), *(ctx.params.get("model_files") or ())]
    return peek_columns(list(dict.fromkeys(map(_path_of, typed))), ctx.params)


def _path_of(text: str) -> str:
    """Return the path of `[ROLE=]FILE`."""
    import os

    name, equals, path = text.partition("=")
    return path if equals and "/" not in name and not os.path.exists(text) else text


def column(ctx: click.Context, text: str, *more: str) -> list[Item]:
    """Return a column of the files on the line."""
    return [CompletionItem(name) for name in (*columns_on_line(ctx), *more) if name.startswith(text)]


def columns(ctx: click.Context, text: str, *more: str, start: str = "") -> list[Item]:
    """Return columns of the files on the line, joined by commas."""
    before, comma, piece = text.rpartition(",")
    start += before + comma
    return [
        CompletionItem(start + name, "list", shown=name)
        for name in (*columns_on_line(ctx), *more)
        if name.startswith(piece) and name not in before.split(",")
    ]


def columns_of_role(ctx: click.Context, text: str) -> list[Item]:
    """Return a role, and after `=` columns."""
    role, equals, names = text.partition("=")
    if equals:
        return columns(ctx, names, start=role + equals)
    return words(ctx, text, *(f"{one}=" for one in roles_typed(ctx)))


def outlier_rules(ctx: click.Context, text: str, *rules: str) -> list[Item]:
    """Return rules, and after `column:` a column."""
    kind, colon, name = text.partition(":")
    if kind == "column" and colon:
        return [CompletionItem(f"{kind}:{item.value}", shown=item.value) for item in column(ctx, name)]
    return words(ctx, text, *rules)


def models(ctx: click.Context, text: str) -> list[Item]:
    """Return the models that the line names."""
    named = [one.partition("=")[0] for one in ctx.params.get("model_files") or () if "=" in one]
    return words(ctx, text, *dict.fromkeys([*ctx.params.get("preds", ()), *named]))


def sort_columns(ctx: click.Context, text: str) -> list[Item]:
    """Return columns of a comparison, and models; a minus before one sorts from the largest."""
    from losscli.compare.columns import COMPARISON_COLUMNS, MODEL_COLUMNS

    minus = "-" * text.startswith("-")
    known = {"loss": ""} | COMPARISON_COLUMNS
    if len(ctx.params.get("preds", ())) > 1 or ctx.params.get("model_files") or ctx.params.get("model_column"):
        known |= MODEL_COLUMNS | {item.value: "a model" for item in models(ctx, "")}
    return [CompletionItem(minus + name, help=help) for name, help in known.items() if (minus + name).startswith(text)]
