"""Write generated files: the index of losses, what `list` says of them, how accurate they are, the site's navigation,
man pages, the JSON Schemas and their page, the outputs in pages.

    python tools/regenerate.py [index] [catalogue] [accuracy] [nav] [man] [schemas] [examples [PAGE...]] [--check]

writes all of them, or those named; `examples` alone is all pages that have some. With --check it writes nothing and
exits with 1 if one is out of date. Tests compare the same texts and name this command.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
INDEX = ROOT / "losscli" / "losses" / "_index.py"
CATALOGUE = ROOT / "losscli" / "losses" / "_catalogue.json"
ACCURACY = ROOT / "docs" / "accuracy.md"
SITE = ROOT / "mkdocs.yml"
SCHEMAS = ROOT / "docs" / "schema"
PAGE_OF_SCHEMAS = ROOT / "docs" / "reference" / "json-schema.md"

# --------------------------------------------------------------------------------------------- the index of losses

COLUMNS_PER_LINE = 120
TABLE = re.compile(r"(?<= = )\{.*?\}\n", re.DOTALL)


def names_by_module() -> dict[str, list[str]]:
    """Return the names and aliases that each module of the catalogue declares."""
    from losscli import registry
    from losscli.losses import MODULES

    found: dict[str, list[str]] = {module: [] for module in MODULES}
    for loss in registry.all_losses():
        if loss.in_catalogue:
            found.setdefault(loss.module.rpartition(".")[2], []).extend(registry.names_of(loss))
    return {module: names for module, names in found.items() if names}


def columns_of(text: str) -> int:
    """Return how many columns text takes: a Chinese character takes two."""
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


def wrap_names(names: Iterable[str], width: int) -> list[str]:
    """Return names, joined by spaces, in lines of at most so many columns."""
    lines = [""]
    for name in names:
        longer = f"{lines[-1]} {name}".lstrip()
        lines[len(lines) - (columns_of(longer) <= width) :] = [longer if columns_of(longer) <= width else name]
    return lines


def make_index(text: str) -> str:
    """Return the text of `_index.py` with the table of today's declarations."""
    entries = []
    for module, names in names_by_module().items():
        text_of_module = " ".join(names)
        entry = f'    "{module}": "{text_of_module}",'
        if columns_of(entry) > COLUMNS_PER_LINE:
            *lines, last = wrap_names(names, 94)
            entry = "\n    ".join(
                [f'    "{module}": "{lines[0]} "', *(f'"{line} "' for line in lines[1:]), f'"{last}",']
            )
        entries.append(entry)
    table = "{\n" + "\n".join(entries) + "\n}\n"
    return TABLE.sub(lambda _: table, text, count=1)


def make_catalogue(text: str) -> str:
    """Return the text of `_catalogue.json`, a line for each loss of today."""
    from losscli import registry
    from losscli.catalogue import entry_of

    entries = [entry_of(loss) for loss in registry.all_losses() if loss.in_catalogue]
    return "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False, allow_nan=False) for entry in entries) + "\n]\n"


# ------------------------------------------------------------------------------------------- the table of accuracy

FIGURE = re.compile(r"^\| (\w+) \| (\d\S+) \|$", re.MULTILINE)
ULP = 2.0**-52
"""The relative distance of neighbouring floats: smaller errors are as good as none."""

MAX_FACTOR = 10
"""Figures of other versions of NumPy and of other processors may differ by so much."""


def listed_errors(text: str) -> dict[str, float]:
    """Return loss -> largest relative error, as the table has them."""
    return {name: float(figure) for name, figure in FIGURE.findall(text)}


def is_same_error(listed: float, measured: float) -> bool:
    """Return whether two figures differ by no more than versions of NumPy do."""
    low, high = sorted((max(listed, ULP), max(measured, ULP)))
    return high <= MAX_FACTOR * low


def make_accuracy(text: str) -> str:
    """Return the text of `accuracy.md` with the figures of today; those that are the same stay."""
    from tests.accuracy import worst_error
    from tests.registry_cases import LOSSES

    old = listed_errors(text)
    rows = []
    for name in sorted(loss.name for loss in LOSSES):
        error = worst_error(name)
        same = name in old and is_same_error(old[name], error)
        rows.append(f"| {name} | {old[name] if same else error:.1e} |\n")
    head = re.split(r"(?<=\| ---: \|\n)", text, maxsplit=1)[0]
    return head + "".join(rows)


# --------------------------------------------------------------------------------------- the navigation of the site

NAVIGATION = re.compile(r"^( *)# (\w+): generated\n.*?^ *# \2: end\n", re.DOTALL | re.MULTILINE)


def make_navigation(text: str) -> str:
    """Return the text of `mkdocs.yml` with the pages of today's losses and commands."""
    from tools.pages import commands, losses

    lists = {"losses": losses.navigation, "commands": commands.navigation}

    def listed(found: re.Match[str]) -> str:
        indent, name = found.groups()
        lines = [f"# {name}: generated", *lists[name](), f"# {name}: end"]
        return "".join(f"{indent}{line}\n" for line in lines)

    return NAVIGATION.sub(listed, text)


# ------------------------------------------------------------------------------------------------------- command


class Target(NamedTuple):
    """A generated file, and the function that returns its text from the text it has."""

    path: Path
    make: Callable[[str], str]


TARGETS = {
    "index": Target(INDEX, make_index),
    "catalogue": Target(CATALOGUE, make_catalogue),
    "accuracy": Target(ACCURACY, make_accuracy),
    "nav": Target(SITE, make_navigation),
}


def command_for(target: str) -> str:
    """Return the command that writes a target."""
    return f"python tools/regenerate.py {target}"


def name_of(path: Path) -> str:
    """Return how commands and messages call a file of this checkout."""
    return path.relative_to(ROOT).as_posix()


def chosen(names: list[str]) -> dict[str, Target]:
    """Return the targets that are named, each under the words that name it; all of them if none is."""
    from tools import examples, schemas

    pages = [Path(name).resolve() for name in names if name.endswith(".md")]
    targets = {name: TARGETS[name] for name in names if name in TARGETS} if names else dict(TARGETS)
    if not names or "schemas" in names:
        targets["schemas page"] = Target(PAGE_OF_SCHEMAS, schemas.make_page)
        for name in schemas.DOCUMENTS:
            targets[f"schemas {name}"] = Target(SCHEMAS / f"{name}.json", partial(schemas.make_schema, name))
    if not names or "examples" in names:
        for page in pages or examples.pages():
            name = name_of(page)
            targets[f"examples {name}"] = Target(page, partial(examples.replay, page=name))
    if not names or "man" in names:
        from tools import man

        targets |= {f"man {name_of(path)}": Target(path, partial(man.make_page, path)) for path in man.man_pages()}
    return targets


def main() -> int:
    """Write or check the targets, and return the exit status."""
    from tools import examples

    parser = argparse.ArgumentParser(description="Write generated files.")
    words = ", ".join([*TARGETS, "man", "schemas", "examples [PAGE...]"])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{words}; all if none is named")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    options = parser.parse_intermixed_args()
    known = {*TARGETS, "man", "schemas", "examples"}
    unknown = {name for name in options.targets if name not in known and not name.endswith(".md")}
    if unknown:
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    stale, failed = [], False
    for name, (path, make) in chosen(options.targets).items():
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        try:
            new = make(old)
        except examples.ExampleError as error:
            print(error, file=sys.stderr)
            failed = True
            continue
        if new != old:
            stale.append(name)
            if not options.check:
                path.write_text(new, encoding="utf-8")
        print(f"{name_of(path)}: {'is current' if new == old else 'is stale' if options.check else 'written'}")
    if stale and options.check:
        for name in stale:
            print(f"run: {command_for(name)}", file=sys.stderr)
    return int(failed or (bool(stale) and options.check))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # losscli and tests of this checkout
    sys.exit(main())
