"""The benchmarks, declared once: our command, the peer's command, and the limits of ours."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from string import Formatter

from measure import Measured

SKETCHED_STATISTICS = {"median", "p95"}
"""Statistics that losscli estimates to 0.1 % beyond a million rows, and says so."""

Numbers = dict[str, float]


@dataclass(frozen=True)
class Command:
    """A command line. Its words may hold `{python}`, `{here}` (this folder) and the names of data.DATASETS."""

    label: str
    words: tuple[str, ...]  # empty if our command measures the peer too
    requires: tuple[str, ...] = ()  # distributions or programs

    def fields(self) -> set[str]:
        """Return the names in braces."""
        return {field for word in self.words for _, field, _, _ in Formatter().parse(word) if field}


def losscli(label: str, *words: str) -> Command:
    """Return a losscli command of this checkout."""
    return Command(label, ("{python}", "-m", "losscli", *words))


def losscli_piped(label: str, data: str, *words: str) -> Command:
    """Return a losscli command of this checkout that reads a pipe."""
    line = f"cat '{{{data}}}' | '{{python}}' -m losscli {' '.join(words)}"
    return Command(label, ("sh", "-c", line))


def peer(label: str, script: str, *words: str, requires: tuple[str, ...] = ()) -> Command:
    """Return the command that runs a script of peers/."""
    return Command(label, ("{python}", f"{{here}}/peers/{script}.py", *words), requires)


def parse_values(output: str) -> Numbers:
    """Parse one number per line."""
    return {f"line {i}": float(line) for i, line in enumerate(output.split(), 1)}


def parse_statistics(output: str) -> Numbers:
    """Parse all numbers of a TSV with one row per loss."""
    rows = csv.DictReader(output.splitlines(), delimiter="\t")
    return {f"{row['loss']} {name}": float(text) for row in rows for name, text in row.items() if name != "loss"}


def parse_losses(output: str) -> Numbers:
    """Parse the values alone of a TSV with one row per loss."""
    return {row["loss"]: float(row["value"]) for row in csv.DictReader(output.splitlines(), delimiter="\t")}


def differences(one: Numbers, other: Numbers) -> list[str]:
    """Describe numbers that differ between two outputs by more than 1e-9."""
    if one.keys() != other.keys():
        return [f"{name} is missing" for name in sorted(one.keys() ^ other.keys())]
    return [f"{name}: {one[name]!r} and {other[name]!r}" for name in one if not _agree(name, one[name], other[name])]


def _agree(name: str, one: float, other: float) -> bool:
    is_sketched = name.rsplit(maxsplit=1)[-1] in SKETCHED_STATISTICS
    return math.isclose(one, other, rel_tol=1e-3 if is_sketched else 1e-9, abs_tol=1e-12)


@dataclass(frozen=True)
class Comparison:
    """The numbers of a benchmark, ours and theirs: seconds, peaks in MB, and the ratio that is limited."""

    ratio: float
    seconds: tuple[float | None, float | None]
    peaks: tuple[float | None, float | None]


def compare_seconds(ours: Measured, theirs: Measured) -> Comparison:
    """Compare wall times."""
    return Comparison(ours.seconds / theirs.seconds, (ours.seconds, theirs.seconds), (ours.peak, theirs.peak))


def compare_peaks(ours: Measured, theirs: Measured) -> Comparison:
    """Compare peak memory."""
    return replace(compare_seconds(ours, theirs), ratio=ours.peak / theirs.peak)


def from_json_output(ours: Measured, _: Measured) -> Comparison:
    """Read the ratio that a script prints in its last line: JSON with `ratio`."""
    printed = json.loads(ours.output.strip().splitlines()[-1])
    return Comparison(float(printed["ratio"]), (None, None), (ours.peak, None))


@dataclass(frozen=True)
class Benchmark:
    """Our command against a peer's."""

    name: str  # may hold {rows} and {rows5}
    ours: Command
    theirs: Command
    max_ratio: float | None = None
    max_peak: float | None = None  # of our memory, in MB
    compare: Callable[[Measured, Measured], Comparison] = compare_seconds
    parse: Callable[[str], Numbers] | None = None  # reads the numbers on which both must agree
    max_rounds: int | None = None  # for commands that take long, hardly vary, or have rounds of their own
    has_no_pause: bool = False  # commands follow each other immediately, as in the loop of a shell script


SKLEARN, POLARS, DUCKDB, TORCH = ("scikit-learn",), ("polars",), ("duckdb",), ("torch",)
EIGHT_LOSSES = "mse,mae,huber,smooth_l1:beta=0.5,log_cosh,quantile:tau=0.9,pseudo_huber,cauchy:c=1"
FIVE_LOSSES = "mse,mae,huber,log_cosh,quantile:tau=0.9"
AWK_PROGRAM = 'NR > 1 { e = $1 - $2; s += e * e } END { printf "%.17g\\n", s / (NR - 1) }'

VERSION = losscli("`losscli --version`", "--version")
SMALL = losscli_piped("`cat data.csv \\| losscli compute mse`", "small_csv", "compute", "mse", "-f", "value")
CSV = losscli("`losscli compute mse data.csv`", "compute", "mse", "{csv}", "-q", "-f", "value")
CSV_X5 = losscli("the same, five times the rows", "compute", "mse", "{csv_x5}", "-q", "-f", "value")
PIPE = losscli_piped("`cat data.csv \\| losscli compute mse`", "csv", "compute", "mse", "-q", "-f", "value")
PIPE_X5 = losscli_piped("the same, five times the rows", "csv_x5", "compute", "mse", "-q", "-f", "value")
PARQUET = losscli("`losscli compute mse data.parquet`", "compute", "mse", "{parquet}", "-q", "-f", "value")
NPY = losscli(
    "`losscli compute mse true.npy pred.npy`", "compute", "mse", "{true_npy}", "{pred_npy}", "-q", "-f", "value"
)
COMPUTE_EIGHT = losscli("`losscli compute` of eight losses", "compute", EIGHT_LOSSES, "{csv}", "-q", "-f", "tsv")
COMPUTE_FIVE = losscli("`losscli compute` of five losses", "compute", FIVE_LOSSES, "{csv}", "-q", "-f", "tsv")
COMPARE_FIVE = losscli(
    "`losscli compare` of five losses", "compare", "--losses", FIVE_LOSSES, "{csv}", "-q", "-f", "tsv"
)

KERNELS = Command("kernels on blocks", ("{python}", "{here}/kernels.py"))

IMPORT_CLICK = Command("`python -c 'import click'`", ("{python}", "-c", "import click"))
IMPORT_NUMPY = Command("`python -c 'import numpy'`", ("{python}", "-c", "import numpy"))
PANDAS_SMALL = peer("pandas one-liner", "pandas_small", "{small_csv}")
SKLEARN_CSV = peer("pandas + scikit-learn", "sklearn_csv", "{csv}", requires=SKLEARN)
SKLEARN_ARROW = peer('the same, `engine="pyarrow"`', "sklearn_arrow_csv", "{csv}", requires=SKLEARN)
POLARS_CSV = peer("Polars, streaming", "polars_csv", "{csv}", requires=POLARS)
DUCKDB_CSV = peer("DuckDB SQL", "duckdb_csv", "{csv}", requires=DUCKDB)
AWK_CSV = Command("awk", ("awk", "-F,", AWK_PROGRAM.replace("{", "{{").replace("}", "}}"), "{csv}"), ("awk",))
DUCKDB_PARQUET = peer("DuckDB SQL", "duckdb_parquet", "{parquet}", requires=DUCKDB)
NUMPY_NPY = peer("NumPy one-liner", "numpy_npy", "{true_npy}", "{pred_npy}")
PANDAS_EIGHT = peer("pandas + NumPy", "pandas_eight", "{csv}")
TORCH_INSIDE_KERNELS = Command("torch, two threads", (), TORCH)

BENCHMARKS = [
    Benchmark("start", VERSION, IMPORT_CLICK, 1.6, has_no_pause=True),
    Benchmark("1 000 rows, piped", SMALL, PANDAS_SMALL, 0.40, parse=parse_values, has_no_pause=True),
    Benchmark("1 000 rows, piped", SMALL, IMPORT_NUMPY, 2.0, has_no_pause=True),
    Benchmark("{rows} rows, CSV", CSV, SKLEARN_CSV, 0.33, max_peak=400, parse=parse_values),
    Benchmark("{rows} rows, CSV", CSV, SKLEARN_ARROW, parse=parse_values),
    Benchmark("{rows} rows, CSV", CSV, POLARS_CSV, 1.4, parse=parse_values),
    Benchmark("{rows} rows, CSV", CSV, DUCKDB_CSV, 1.5, parse=parse_values),
    Benchmark("{rows} rows, CSV", CSV, AWK_CSV, parse=parse_values),
    Benchmark("{rows} rows, Parquet", PARQUET, DUCKDB_PARQUET, 2.5, parse=parse_values),
    Benchmark("{rows} rows, NPY pair", NPY, NUMPY_NPY, 0.9, parse=parse_values),
    Benchmark("{rows} rows, NPY pair, at once", NPY, NUMPY_NPY, parse=parse_values, has_no_pause=True),
    Benchmark("{rows} rows, CSV, 8 losses, all statistics", COMPUTE_EIGHT, PANDAS_EIGHT, 0.6, parse=parse_statistics),
    Benchmark(
        "kernels in memory, 10 losses", KERNELS, TORCH_INSIDE_KERNELS, 1.0, compare=from_json_output, max_rounds=0
    ),
    Benchmark("peak memory, {rows5} rows, CSV", CSV_X5, CSV, 1.3, max_peak=400, compare=compare_peaks, max_rounds=1),
    Benchmark(
        "peak memory, {rows5} rows, piped", PIPE_X5, PIPE, 1.3, max_peak=400, compare=compare_peaks, max_rounds=1
    ),
    Benchmark(
        "{rows} rows, CSV, 5 losses", COMPARE_FIVE, COMPUTE_FIVE, 3.0, max_peak=2000, parse=parse_losses, max_rounds=3
    ),
]
