"""How long a small command takes, against what people would use instead: ratios of medians, in one run.

    python benchmarks/startup.py [ROUNDS]

Each command is a whole process; commands take turns, so that all of them see the same machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PANDAS = "import pandas as pd; d = pd.read_csv({path!r}); print(((d.y_true - d.y_pred) ** 2).mean())"
LIMITS = [("losscli, 1 000 rows piped", "pandas one-liner", 0.40), ("losscli, 1 000 rows piped", "import numpy", 2.0),
          ("losscli --version", "import click", 1.6)]  # fmt: skip


def commands(path: str) -> dict[str, list[str]]:
    """Name -> command."""
    python = sys.executable
    return {
        "losscli, 1 000 rows piped": ["sh", "-c", f"cat '{path}' | '{python}' -m losscli compute mse"],
        "losscli --version": [python, "-m", "losscli", "--version"],
        "pandas one-liner": [python, "-c", PANDAS.format(path=path)],
        "import numpy": [python, "-c", "import numpy"],
        "import click": [python, "-c", "import click"],
    }


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Run and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        rows = np.random.default_rng(0).normal(size=(1000, 2))
        np.savetxt(path, rows, delimiter=",", header="y_true,y_pred", comments="")
        times: dict[str, list[float]] = {name: [] for name in commands(str(path))}
        for _ in range(rounds + 1):  # the first round warms up
            for name, command in commands(str(path)).items():
                times[name].append(seconds(command))
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    for name, value in medians.items():
        print(f"{name:28} {value:.3f} s")
    for ours, theirs, limit in LIMITS:
        print(f"{ours} / {theirs}: {medians[ours] / medians[theirs]:.2f} (at most {limit})")


if __name__ == "__main__":
    main()
