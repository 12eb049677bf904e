"""Rules of the source: one way of imports, small files, unique names, and no option of the command line below it."""

from __future__ import annotations

import ast
import importlib
import pickle
import pkgutil
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from inspect import signature
from pathlib import Path
from string import Formatter

import click
import pytest

import losscli
from losscli import registry, shell
from losscli.cli import COMMANDS
from losscli.cli import cli as program
from losscli.errors import LosscliError
from losscli.messages import Hint, Message
from tests.conftest import ENVIRONMENT, ROOT, Cli

PACKAGE = ROOT / "losscli"
MAX_LINES_PER_FILE = 400
MAX_SHARED_NAMES = 15
COLUMNS_OF_TERMINAL = 80


def sources(package: Path = PACKAGE) -> list[Path]:
    return sorted(package.rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def commands() -> dict[str, click.Command]:
    context = click.Context(program)
    found = {name: program.get_command(context, name) for name in COMMANDS}
    return {name: command for name, command in found.items() if command is not None}


@cache
def typed_options() -> set[str]:
    """Return every option of the command line as it is typed: `--nan`, `-P`."""
    parameters = [
        parameter
        for command in (program, *commands().values())
        for parameter in command.get_params(click.Context(command, help_option_names=["-h", "--help"]))
        if isinstance(parameter, click.Option)
    ]
    return {name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts)}


@cache
def keywords_of_api() -> set[str]:
    functions = (losscli.compute, losscli.compare, losscli.recommend, losscli.plot)
    parameters = {parameter.name for loss in registry.all_losses() for parameter in loss.parameters}
    return parameters.union(*(signature(function).parameters for function in functions))


# ------------------------------------------------------------------------------------------------------- imports


def test_imports_go_one_way() -> None:
    pytest.importorskip("importlinter")
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "first",
    [
        "import losscli",
        "import losscli.compare.compare",
        "import losscli.recommend.advise",
        "from losscli.compare import models",
        "import losscli.pipeline",
        "import losscli.cli.compare, losscli.cli.compute, losscli.cli.recommend",
        "import losscli; losscli.compare; import losscli.compare.compare",
        "import losscli.plot.curves",
    ],
)
def test_functions_are_functions_in_any_order_of_imports(first: str) -> None:
    code = f"{first}\nimport losscli\nfrom losscli import compare, explain, plot, recommend\n"
    code += "in_package = (losscli.compare, losscli.explain, losscli.plot, losscli.recommend)\n"
    code += "for f in (*in_package, compare, explain, plot, recommend):\n"
    code += "    print(type(f).__name__, f.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.stdout == 2 * "function compare\nfunction explain\nfunction plot\nfunction recommend\n", done.stderr


# --------------------------------------------------------------------------------------------------------- files


def test_files_are_small() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in sources()}
    too_long = {name: n for name, n in lengths.items() if n > MAX_LINES_PER_FILE and not name.startswith("losses/")}
    assert too_long == {}


def top_level_names(tree: ast.Module) -> Iterator[str]:
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement.name
        for target in getattr(statement, "targets", [getattr(statement, "target", None)]):
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name)) if target else ()


def test_a_name_stands_for_one_thing() -> None:
    modules = defaultdict(set)
    for path in sources():
        for name in top_level_names(ast.parse(path.read_text())):
            if name != "_" and not name.startswith("__"):
                modules[name].add(relative(path))
    shared = {
        name: sorted(places)
        for name, places in modules.items()
        if len(places) > 1 and not all(place.startswith("losses/") for place in places)
    }
    assert len(shared) <= MAX_SHARED_NAMES, shared


def test_options_of_the_command_line_are_named_in_its_folder_alone() -> None:
    long = "|".join(re.escape(name) for name in sorted(typed_options(), reverse=True) if name.startswith("--"))
    pattern = re.compile(rf"(?<![\w-])(?:{long})(?![\w-])|(?<![\w-])-P \w+=|(?<![\w-])-o [A-Z]")
    named = [
        f"{relative(path)}:{number}: {found.group()}"
        for path in sources()
        if not relative(path).startswith("cli/")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for found in pattern.finditer(line)
    ]
    assert named == []


# ------------------------------------------------------------------------------------------------------ messages


def option_names() -> set[str]:
    """Return names of options as hints write them: those of the Python API, and `from_logits` for `--from-logits`."""
    from_shell = {name.lstrip("-").replace("-", "_") for name in typed_options()}
    return from_shell | keywords_of_api() | {*shell.LONG_NAMES, "list_losses"}


def replacement_fields(template: str) -> Iterator[tuple[str, bool]]:
    """Yield the names in braces, and whether each has a value, as `nan` of `{nan:omit}` does."""
    for _, name, value, _ in Formatter().parse(template):
        if name is not None:
            yield name, bool(value)
            yield from replacement_fields(value or "")


def names_to_fill(hint: Hint) -> set[str]:
    return {name for name, has_value in replacement_fields(hint.value) if not has_value and name not in option_names()}


def calls_with_hints() -> Iterator[tuple[str, Hint, set[str] | None]]:
    """Yield where a hint is passed, with the names of the fields beside it; None if these are not literal."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            passed = {keyword.arg for keyword in node.keywords}
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                for part in ast.walk(argument) if not isinstance(argument, ast.Call) else ():
                    if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "Hint":
                        literal = None if None in passed else {name for name in passed if name is not None}
                        yield f"{relative(path)}:{node.lineno}", Hint[part.attr], literal


def test_each_hint_is_given_its_fields() -> None:
    wrong = [
        f"{place}: {hint.name} needs {sorted(names_to_fill(hint))}"
        for place, hint, passed in calls_with_hints()
        if passed is not None and not names_to_fill(hint) <= passed
    ]
    assert wrong == []


def test_each_hint_is_used() -> None:
    text = "".join(path.read_text() for path in sources() if path.name != "messages.py")
    assert [hint.name for hint in Hint if not re.search(rf"\bHint\.{hint.name}\b", text)] == []


@pytest.mark.parametrize("hint", Hint, ids=lambda hint: hint.name)
def test_a_hint_words_well(hint: Hint) -> None:
    unknown = {name for name, has_value in replacement_fields(hint.value) if has_value and name not in option_names()}
    assert unknown == set()
    message = Message("problem", hint, **dict.fromkeys(names_to_fill(hint), "FIELD"))
    typed, called = message.word(shell.option), str(message)
    assert typed.startswith("problem; ")
    assert called.startswith("problem; ")
    assert "{" not in typed
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*|(?<![\w-])-[A-Za-z](?!\w)", typed)) <= typed_options()
    called = re.sub(r'columns=\{"[^"{}]*": "[^"{}]*"\}', "columns=...", called)
    assert "{" not in called
    assert "}" not in called
    assert not re.search(r"(?<![\w-])--?[A-Za-z]", called)
    called = re.sub(r'"[^"]*"', "...", called)
    assert set(re.findall(r"\b([a-z_]+)=", called)) <= keywords_of_api()


def error_classes(base: type[LosscliError] = LosscliError) -> set[type[LosscliError]]:
    for module in pkgutil.walk_packages(losscli.__path__, "losscli."):
        if not module.name.startswith(("losscli.__main__", "losscli.evaluation.dask")):
            importlib.import_module(module.name)
    found, waiting = {base}, [base]
    while waiting:
        below = waiting.pop().__subclasses__()
        found.update(below)
        waiting += below
    return {kind for kind in found if kind.__module__.startswith("losscli.")}


MESSAGES = [
    Message("y_pred: 3 rows lack a value", Hint.OMIT_OR_PROPAGATE),
    Message("must be error, omit or propagate", option=("nan", "drop")),
    Message("id is in both files", Hint.PAIR_BY_ID, column="id"),
    Message("no option at all"),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_survives_pickle(message: Message) -> None:
    copy = pickle.loads(pickle.dumps(message))
    assert type(copy) is Message
    assert copy == message
    assert copy.word(shell.option) == message.word(shell.option)
    assert copy.after("group a: ").word(shell.option) == message.after("group a: ").word(shell.option)


@pytest.mark.parametrize("kind", sorted(error_classes(), key=str), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("message", MESSAGES)
def test_an_error_survives_pickle(kind: type[LosscliError], message: Message) -> None:
    error = kind(message.problem, message.hint, option=message.option, **message.fields)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error) == message
    assert copy.message.word(shell.option) == message.word(shell.option)


def test_a_message_has_two_wordings() -> None:
    message = Message("is unknown", Hint.OMIT_OR_PROPAGATE, option=("reduction", "most"))
    assert message == 'reduction="most": is unknown; nan="omit" leaves them out, nan="propagate" keeps them as NaN'
    typed = "--reduction most: is unknown; --nan omit leaves them out, --nan propagate keeps them as NaN"
    assert message.word(shell.option) == typed


# ---------------------------------------------------------------------------------------------------------- help


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS_OF_TERMINAL))


def test_help_lists_each_command_with_its_whole_summary(cli: Cli, narrow: None) -> None:
    text = cli("--help").out
    assert max(map(len, text.splitlines())) <= COLUMNS_OF_TERMINAL
    assert "..." not in text.partition("Commands:")[2]
    for name, command in commands().items():
        summary = " ".join(command.get_short_help_str(limit=1000).split())
        assert summary
        assert f"{name} {summary}" in " ".join(text.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_has_sections(name: str, cli: Cli, narrow: None) -> None:
    text = cli(name, "--help").out
    assert max(map(len, text.splitlines())) <= COLUMNS_OF_TERMINAL
    blocks = re.findall(r"^(\S[^\n]*):\n((?:  [^\n]*\n|\n(?=  ))+)", text, re.MULTILINE)
    sections = {
        heading: [line for line in block.splitlines() if re.match(r"  \S", line)]
        for heading, block in blocks
        if re.search(r"^  -", block, re.MULTILINE)
    }
    assert len(sections) > (name not in ("completion", "help")), "a command has more than --help"
    entries = [line for lines in sections.values() for line in lines]
    assert [line for line in entries if not line.startswith("  -")] == [], "an argument is no option"
    listed = set(re.findall(r"(?<![\w-])--?[A-Za-z][a-z-]*", " ".join(line.partition("   ")[0] for line in entries)))
    for parameter in commands()[name].get_params(click.Context(commands()[name])):
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert {*parameter.opts} <= listed
