"""The file that `--summary` appends to: checked before the work, written last and in one piece."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from losscli import shell
from losscli.cli.files import append_text, check_is_not_read, check_path, descriptor_of, is_device, split_endings
from losscli.cli.output import Output, inputs_of
from losscli.errors import UsageError

if TYPE_CHECKING:
    from losscli.compare.result import ComparedLoss
    from losscli.data.dataset import Dataset
    from losscli.evaluation.run import RunState
    from losscli.gates import GateVerdict
    from losscli.page.content import WorstTable
    from losscli.results import Evaluation

WORST_ROWS_SHOWN = 5


class SummaryFile:
    """A summary of a run, which it observes for the worst rows."""

    def __init__(self, path: str, command: Sequence[str]) -> None:
        self._path, self._command = path, command
        self._seen: tuple[Dataset, RunState] | None = None

    @classmethod
    def parse(
        cls, values: Mapping[str, Any], data: Sequence[str], output: Output, command: Sequence[str] | None
    ) -> SummaryFile | None:
        """Return the summary that the options ask for, None if they do not.

        Raises:
            UsageError: The file cannot be appended to, or is one that is read or written.
        """
        path = values["summary"]
        if path is None:
            return None
        option = ("summary", path)
        if path == "-":
            raise UsageError("is a file: results go to standard output", option=option)
        if ending := split_endings(path)[1]:
            raise UsageError(f"is appended to as text: choose a name without {ending}", option=option)
        check_path(path, "summary")
        inputs = [*inputs_of(values, data), ("the baseline", values["baseline"] or "")]
        check_is_not_read(path, inputs, "summary")
        if output.path is not None and not is_device(path) and os.path.realpath(path) == os.path.realpath(output.path):
            raise UsageError("is the output: choose another name", option=option)
        return cls(path, without_option(command or (), path))

    def observe(self, dataset: Dataset, run: RunState) -> None:
        """Observe a run."""
        from losscli.evaluation.worst_rows import WorstRows

        run.observers = (*run.observers, WorstRows(len(run.evaluators), WORST_ROWS_SHOWN))
        self._seen = dataset, run

    def append(
        self,
        evaluation: Evaluation,
        verdicts: Sequence[GateVerdict] = (),
        compared: Sequence[ComparedLoss] = (),
        notes: Sequence[str] = (),
        worst: WorstTable | None = None,
    ) -> None:
        """Append the summary of what came out; `worst` are the worst rows of a run that it did not observe.

        Raises:
            OutputError: It cannot be written.
        """
        from losscli.page.ci_summary import ci_summary, page_section, worst_sections

        sections = list(page_section(worst))
        if self._seen is not None:
            dataset, run = self._seen
            sections = list(worst_sections(run.runs_by_model or {"": run}, dataset))
        text = ci_summary(evaluation, verdicts, compared, sections, notes, shell.command("losscli", *self._command))
        if descriptor_of(self._path) is not None and sys.stdout is not None:
            sys.stdout.flush()
        before = b""
        with suppress(OSError):
            if not is_device(self._path) and os.path.getsize(self._path):
                with open(self._path, "rb") as file:
                    file.seek(-1, os.SEEK_END)
                    before = b"\n" if file.read() == b"\n" else b"\n\n"
        append_text(self._path, before.decode() + text, "summary")


def without_option(command: Sequence[str], path: str) -> list[str]:
    """Return a command as typed, without the option that names the summary: its path means nothing elsewhere."""
    flag = shell.flag("summary")
    words = list(command)
    for i in range(len(words) - 1):
        if words[i] == flag and words[i + 1] == path:
            return [*words[:i], *words[i + 2 :]]
    return [one for one in words if one != f"{flag}={path}"]
