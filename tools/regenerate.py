"""Write generated files: the index of losses, what `list` says of them, how accurate they are, the site's navigation,
the README's outputs.

    python tools/regenerate.py [index] [catalogue] [accuracy] [nav] [readme] [--check]

writes all of them, or those named; with --check it writes nothing and exits with 1 if one is out of date. Tests compare
the same texts and name this command.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
INDEX = ROOT / "losscli" / "losses" / "_index.py"
CATALOGUE = ROOT / "losscli" / "losses" / "_catalogue.json"
ACCURACY = ROOT / "docs" / "accuracy.md"
README = ROOT / "README.md"
SITE = ROOT / "mkdocs.yml"

# --------------------------------------------------------------------------------------------- the index of losses

CHARACTERS_PER_LINE = 120
TABLE = re.compile(r"(?<= = )\{.*?\}\n", re.DOTALL)


def names_by_module() -> dict[str, list[str]]:
    """Return the names and aliases that each module of the catalogue declares."""
    from losscli import registry

    found: dict[str, list[str]] = {}
    for loss in registry.all_losses():
        if loss.in_catalogue:
            found.setdefault(loss.module.rpartition(".")[2], []).extend(registry.names_of(loss))
    return found


def make_index(text: str) -> str:
    """Return the text of `_index.py` with the table of today's declarations."""
    entries = []
    for module, names in names_by_module().items():
        text_of_module = " ".join(names)
        entry = f'    "{module}": "{text_of_module}",'
        if len(entry) > CHARACTERS_PER_LINE:
            *lines, last = textwrap.wrap(text_of_module, 94)
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


# ----------------------------------------------------------------------------------------- the outputs in the README

CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)


@contextmanager
def terminal() -> Iterator[dict[str, str]]:
    """Make an environment in which `losscli` is this checkout, on a terminal of 80 columns without colours."""
    with tempfile.TemporaryDirectory() as folder:
        for name, call in (("losscli", "-m losscli "), ("python3", "")):
            script = Path(folder) / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {call}"$@"\n', encoding="utf-8")
            script.chmod(0o755)
        kept = {key: value for key, value in os.environ.items() if key in ("HOME", "LANG", "TMPDIR", "SYSTEMROOT")}
        path = f"{folder}:{os.environ['PATH']}"
        yield kept | {"PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "NO_COLOR": "1", "TERM": "xterm"}


def run_on_terminal(command: str, environment: dict[str, str]) -> str:
    """Return what a terminal shows of a command."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-c", command], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave
    )
    os.close(slave)
    data = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # how Linux says that the other side was closed
            break
        if not piece:
            break
        data += piece
    os.close(master)
    process.wait(timeout=60)
    return "".join(line.rstrip() + "\n" for line in data.decode().replace("\r\n", "\n").splitlines())


def commands_of(block: str) -> list[str]:
    """Return the commands of a console block."""
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def replay(block: str, environment: dict[str, str]) -> str:
    """Return a console block with the outputs of today."""
    return "".join(f"$ {command}\n{run_on_terminal(command, environment)}" for command in commands_of(block))


def make_readme(text: str) -> str:
    """Return the text of the README with the outputs of today."""
    with terminal() as environment:
        return CONSOLE.sub(lambda match: f"```console\n{replay(match.group(1), environment)}```", text)


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
    "readme": Target(README, make_readme),
}


def command_for(target: str) -> str:
    """Return the command that writes a target."""
    return f"python tools/regenerate.py {target}"


def main() -> int:
    """Write or check the targets, and return the exit status."""
    parser = argparse.ArgumentParser(description="Write generated files.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(TARGETS)}; all if none is named")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    options = parser.parse_args()
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    stale = []
    for name in options.targets or TARGETS:
        path, make = TARGETS[name]
        old = path.read_text(encoding="utf-8")
        new = make(old)
        if new != old:
            stale.append(name)
            if not options.check:
                path.write_text(new, encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {'is current' if new == old else 'is stale' if options.check else 'written'}")
    if stale and options.check:
        print(f"run: {command_for(' '.join(stale))}", file=sys.stderr)
    return int(bool(stale) and options.check)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # losscli and tests of this checkout
    sys.exit(main())
