"""What the fuzzers of options share: a small table, and the results of losses on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.fuzz.check import Failure, losses_of, unsound, worker
from tests.fuzz.worker import Died, Outcome, Run

TRUE = np.array([1.0, 2.0, 3.5, -4.0, 0.5])
PREDICTED = np.array([1.5, 1.0, 3.0, -2.0, 0.25])
ROWS = "\n".join(f"{y!r},{p!r}" for y, p in zip(TRUE.tolist(), PREDICTED.tolist(), strict=True))
TABLE = ("data.csv", f"y_true,y_pred\n{ROWS}\n".encode())


def run_command(
    losses: str, options: Sequence[str], files: Sequence[tuple[str, bytes]], statuses: Sequence[int]
) -> tuple[Outcome | None, Failure | None]:
    """Run compute on the table; return its outcome, and what is wrong with it whatever was typed."""
    arguments = ("compute", *options, "-f", "json", "-q", "--", losses, TABLE[0])
    answer = worker("losscli").ask("run", dict([TABLE, *files]), [Run(arguments)])
    if isinstance(answer, Died):
        return None, Failure(str(answer), "")
    outcome: Outcome = answer[0]
    if outcome.status == 1 and 1 in statuses:  # verdicts, each in a line
        lines = outcome.err.splitlines()
        is_verdict = lines and all(line.startswith("losscli: failed: ") for line in lines) and losses_of(outcome.out)
        return outcome, None if is_verdict else Failure("status 1 without a verdict", outcome.err)
    return outcome, unsound(outcome, statuses)
