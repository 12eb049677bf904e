"""What is measured, declared once: our command, theirs, and at most how much ours may cost."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from string import Formatter

from measure import Measured

ROUGH = {"median", "p95"}  # beyond a million rows ours are right to 0.1 %, and say so
Numbers = dict[str, float]


@dataclass(frozen=True)
class Command:
    """A whole process. Its words may hold `{python}`, `{here}` (this folder) and names of data.DATA."""

    label: str
    words: tuple[str, ...]  # none: another command measures it
    needs: tuple[str, ...] = ()  # distributions to install, or programs

    def fields(self) -> set[str]:
        """The names that its words hold in braces."""
        return {field for word in self.words for _, field, _, _ in Formatter().parse(word) if field}


def ours(label: str, *words: str) -> Command:
    """Of this checkout."""
    return Command(label, ("{python}", "-m", "losscli", *words))


def piped(label: str, data: str, *words: str) -> Command:
    """Of this checkout, from a pipe."""
    line = f"cat '{{{data}}}' | '{{python}}' -m losscli {' '.join(words)}"
    return Command(label, ("sh", "-c", line))


def peer(label: str, script: str, *words: str, needs: tuple[str, ...] = ()) -> Command:
    """A script of peers/."""
    return Command(label, ("{python}", f"{{here}}/peers/{script}.py", *words), needs)


def values(output: str) -> Numbers:
    """One number a line."""
    return {f"line {i}": float(line) for i, line in enumerate(output.split(), 1)}


def statistics(output: str) -> Numbers:
    """Every number of a TSV with a row a loss."""
    rows = csv.DictReader(output.splitlines(), delimiter="\t")
    return {f"{row['loss']} {name}": float(text) for row in rows for name, text in row.items() if name != "loss"}


def losses(output: str) -> Numbers:
    """The values alone of a TSV with a row a loss."""
    return {row["loss"]: float(row["value"]) for row in csv.DictReader(output.splitlines(), delimiter="\t")}


def differences(one: Numbers, other: Numbers) -> list[str]:
    """Where two outputs do not say the same, to 1e-9."""
    if one.keys() != other.keys():
        return [f"{name} is missing" for name in sorted(one.keys() ^ other.keys())]
    return [f"{name}: {one[name]!r} and {other[name]!r}" for name in one if not _same(name, one[name], other[name])]


def _same(name: str, one: float, other: float) -> bool:
    rough = name.rsplit(maxsplit=1)[-1] in ROUGH
    return math.isclose(one, other, rel_tol=1e-3 if rough else 1e-9, abs_tol=1e-12)


@dataclass(frozen=True)
class Compared:
    """A work's numbers: seconds, peaks in MB, and the ratio that its limit is for."""

    ratio: float
    seconds: tuple[float | None, float | None]
    peaks: tuple[float | None, float | None]


def by_seconds(ours: Measured, theirs: Measured) -> Compared:
    """How much longer ours takes."""
    return Compared(ours.seconds / theirs.seconds, (ours.seconds, theirs.seconds), (ours.peak, theirs.peak))


def by_peak(ours: Measured, theirs: Measured) -> Compared:
    """How much more memory ours takes."""
    return replace(by_seconds(ours, theirs), ratio=ours.peak / theirs.peak)


def as_told(ours: Measured, _: Measured) -> Compared:
    """By a script that measures inside its process. Its last line is JSON: `ratio`, and `ours` and `theirs` or not."""
    told = json.loads(ours.output.strip().splitlines()[-1])
    return Compared(float(told["ratio"]), (told.get("ours"), told.get("theirs")), (ours.peak, None))


@dataclass(frozen=True)
class Work:
    """Ours against theirs."""

    name: str  # may hold {rows} and {rows5}
    ours: Command
    theirs: Command
    limit: float | None = None  # of the ratio; None: told, not judged
    peak: float | None = None  # of our memory, in MB
    by: Callable[[Measured, Measured], Compared] = by_seconds
    read: Callable[[str], Numbers] | None = None  # what both must agree on
    rounds: int | None = None  # at most: what takes long, or hardly varies, or has rounds of its own
    at_once: bool = False  # one command right after the other, as in the loop of a shell script


SKLEARN, POLARS, DUCKDB, TORCH = ("scikit-learn",), ("polars",), ("duckdb",), ("torch",)
EIGHT = "mse,mae,huber,smooth_l1:beta=0.5,log_cosh,quantile:tau=0.9,pseudo_huber,cauchy:c=1"
FIVE = "mse,mae,huber,log_cosh,quantile:tau=0.9"
AWK = 'NR > 1 { e = $1 - $2; s += e * e } END { printf "%.17g\\n", s / (NR - 1) }'

VERSION = ours("`losscli --version`", "--version")
SMALL = piped("`cat data.csv \\| losscli compute mse`", "small_csv", "compute", "mse", "-f", "value")
CSV = ours("`losscli compute mse data.csv`", "compute", "mse", "{csv}", "-q", "-f", "value")
CSV_X5 = ours("the same, five times the rows", "compute", "mse", "{csv_x5}", "-q", "-f", "value")
PIPE = piped("`cat data.csv \\| losscli compute mse`", "csv", "compute", "mse", "-q", "-f", "value")
PIPE_X5 = piped("the same, five times the rows", "csv_x5", "compute", "mse", "-q", "-f", "value")
PARQUET = ours("`losscli compute mse data.parquet`", "compute", "mse", "{parquet}", "-q", "-f", "value")
NPY = ours("`losscli compute mse true.npy pred.npy`", "compute", "mse", "{true_npy}", "{pred_npy}", "-q", "-f", "value")
COMPUTE_EIGHT = ours("`losscli compute` of eight losses", "compute", EIGHT, "{csv}", "-q", "-f", "tsv")
COMPUTE_FIVE = ours("`losscli compute` of five losses", "compute", FIVE, "{csv}", "-q", "-f", "tsv")
COMPARE_FIVE = ours("`losscli compare` of five losses", "compare", "--losses", FIVE, "{csv}", "-q", "-f", "tsv")

KERNELS = Command("kernels on blocks", ("{python}", "{here}/kernels.py"))

IMPORT_CLICK = Command("`python -c 'import click'`", ("{python}", "-c", "import click"))
IMPORT_NUMPY = Command("`python -c 'import numpy'`", ("{python}", "-c", "import numpy"))
PANDAS_SMALL = peer("pandas one-liner", "pandas_small", "{small_csv}")
SKLEARN_CSV = peer("pandas + scikit-learn", "sklearn_csv", "{csv}", needs=SKLEARN)
SKLEARN_ARROW = peer('the same, `engine="pyarrow"`', "sklearn_arrow_csv", "{csv}", needs=SKLEARN)
POLARS_CSV = peer("Polars, streaming", "polars_csv", "{csv}", needs=POLARS)
DUCKDB_CSV = peer("DuckDB SQL", "duckdb_csv", "{csv}", needs=DUCKDB)
AWK_CSV = Command("awk", ("awk", "-F,", AWK.replace("{", "{{").replace("}", "}}"), "{csv}"), ("awk",))
DUCKDB_PARQUET = peer("DuckDB SQL", "duckdb_parquet", "{parquet}", needs=DUCKDB)
NUMPY_NPY = peer("NumPy one-liner", "numpy_npy", "{true_npy}", "{pred_npy}")
PANDAS_EIGHT = peer("pandas + NumPy", "pandas_eight", "{csv}")
INSIDE = Command("torch, two threads", (), TORCH)

WORKS = [
    Work("start", VERSION, IMPORT_CLICK, 1.6, at_once=True),
    Work("1 000 rows, piped", SMALL, PANDAS_SMALL, 0.40, read=values, at_once=True),
    Work("1 000 rows, piped", SMALL, IMPORT_NUMPY, 2.0, at_once=True),
    Work("{rows} rows, CSV", CSV, SKLEARN_CSV, 0.33, peak=400, read=values),
    Work("{rows} rows, CSV", CSV, SKLEARN_ARROW, read=values),
    Work("{rows} rows, CSV", CSV, POLARS_CSV, 1.4, read=values),
    Work("{rows} rows, CSV", CSV, DUCKDB_CSV, 1.5, read=values),
    Work("{rows} rows, CSV", CSV, AWK_CSV, read=values),
    Work("{rows} rows, Parquet", PARQUET, DUCKDB_PARQUET, 2.5, read=values),
    Work("{rows} rows, NPY pair", NPY, NUMPY_NPY, 0.9, read=values),
    Work("{rows} rows, NPY pair, at once", NPY, NUMPY_NPY, read=values, at_once=True),
    Work("{rows} rows, CSV, 8 losses, all statistics", COMPUTE_EIGHT, PANDAS_EIGHT, 0.6, read=statistics),
    Work("kernels in memory, 10 losses", KERNELS, INSIDE, 1.0, by=as_told, rounds=0),
    Work("peak memory, {rows5} rows, CSV", CSV_X5, CSV, 1.3, peak=400, by=by_peak, rounds=1),
    Work("peak memory, {rows5} rows, piped", PIPE_X5, PIPE, 1.3, peak=400, by=by_peak, rounds=1),
    Work("{rows} rows, CSV, 5 losses", COMPARE_FIVE, COMPUTE_FIVE, 3.0, peak=2000, read=losses, rounds=3),
]
