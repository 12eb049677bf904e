"""losscli against what people would use instead: ratios of medians and peak memory, with limits.

    python benchmarks/run.py [--only PATTERN] [--rounds N] [--rows N] [--pause SECONDS] [--data FOLDER] [--write]
                             [--list]

Every command is a whole process; commands take turns, so that all see the same machine. Exit status 1: a limit is
passed, a command failed, or two outputs differ. A peer that is not installed is skipped: `pip install '.[bench]'`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import machine
import table
from data import DATA, make
from measure import ROOT, in_turn
from results import Result, document, judge, skipped
from works import WORKS, Command, Work

HERE = Path(__file__).resolve().parent
DOCUMENT = ROOT / "docs" / "performance.md"


@dataclass(frozen=True)
class Settings:
    """What was asked for."""

    folder: Path
    rows: int
    rounds: int
    pause: float

    def fill(self, command: Command) -> list[str]:
        """Its words, with paths."""
        places = {name: str(data.path(self.folder, self.rows)) for name, data in DATA.items()}
        return [word.format(python=sys.executable, here=HERE, **places) for word in command.words]


def name(work: Work, rows: int) -> str:
    """Of a work, with its rows."""
    return work.name.format(rows=table.rows_of(rows), rows5=table.rows_of(5 * rows))


def sides(work: Work, rows: int) -> str:
    """What `--list` prints and `--only` is matched against."""
    return " / ".join((name(work, rows), work.ours.label, work.theirs.label)).replace("\\|", "|")


def lacking(work: Work) -> list[str]:
    """What must be installed first."""
    return [name for name in work.theirs.needs if not machine.version(name) and not shutil.which(name)]


def groups(works: list[Work]) -> Iterator[list[Work]]:
    """Works that share our command: it is run once a round for all of them."""
    for _, group in groupby(works, key=lambda work: (work.ours, work.rounds, work.at_once)):
        yield list(group)


def evaluate(group: list[Work], settings: Settings) -> list[Result]:
    """Run the commands of a group in turn."""
    missing = {work: lacking(work) for work in group}
    wanted = [command for work in group if not missing[work] for command in (work.ours, work.theirs)]
    commands = {command: settings.fill(command) for command in wanted if command.words}
    make(settings.folder, settings.rows, {field for command in commands for field in command.fields() & DATA.keys()})
    most, pause = group[0].rounds, 0.0 if group[0].at_once else settings.pause
    measured = in_turn(commands, settings.rounds if most is None else min(settings.rounds, most), pause)
    return [skipped(work, missing[work]) if missing[work] else judge(work, measured) for work in group]


def evaluate_all(works: list[Work], settings: Settings) -> list[Result]:
    """Run them all, saying how far it is."""
    results = []
    for group in groups(works):
        print(f"... {name(group[0], settings.rows)}", file=sys.stderr, flush=True)
        results += evaluate(group, settings)
    return results


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--only", metavar="PATTERN", default="", help="works whose line in --list matches, as a regex")
    made.add_argument("--rounds", metavar="N", type=int, default=7, help="after one that warms up (default: 7)")
    made.add_argument("--rows", metavar="N", type=int, default=10_000_000, help="of the large data (default: 10 M)")
    made.add_argument("--pause", metavar="SECONDS", type=float, default=1.0, help="before a command (default: 1)")
    made.add_argument("--data", metavar="FOLDER", type=Path, help="where data is kept (default: made anew)")
    made.add_argument("--write", action="store_true", help=f"write the table into {DOCUMENT.relative_to(ROOT)}")
    made.add_argument("--list", action="store_true", help="list the works and stop")
    return made


def arguments() -> argparse.Namespace:
    """As typed."""
    options = parser().parse_args()
    if options.write and options.only:
        parser().error("--write takes the whole table: not with --only")
    options.works = [work for work in WORKS if re.search(options.only, sides(work, options.rows), re.IGNORECASE)]
    if not options.works:
        parser().error("no work matches --only: see --list")
    return options


def main() -> int:
    """Run, print, judge."""
    options = arguments()
    if options.list:
        print(*(sides(work, options.rows) for work in options.works), sep="\n")
        return 0
    about = machine.describe()
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings((options.data or Path(temporary)).resolve(), options.rows, options.rounds, options.pause)
        results = evaluate_all(options.works, settings)
    rounds = f"{options.rounds}, {options.pause:g} s before each command"
    text = document([result.cells(name(result.work, options.rows)) for result in results], rounds, about)
    print(text)
    if options.write:
        table.write(DOCUMENT, text)
    for result in results:
        for wrong in result.wrong:
            print(f"FAIL: {sides(result.work, options.rows)}: {wrong}", file=sys.stderr)
    return 1 if any(result.wrong for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
