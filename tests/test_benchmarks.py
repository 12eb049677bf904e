"""The benchmarks run and notice different numbers. Speed is not tested here."""

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent.parent / "benchmarks" / "run.py"
FAILING = """
from measure import Measured
from results import judge
from outputs import differences, parse_statistics, parse_values
from suite import BENCHMARKS
benchmark = next(it for it in BENCHMARKS if it.parse is parse_values and it.max_ratio)
def verdict(ours, theirs, seconds=0.001):
    result = judge(benchmark, {benchmark.ours: Measured(seconds, 1, ours), benchmark.theirs: Measured(1, 1, theirs)})
    print(result.verdict, *result.failures)
verdict("1.0", "1.0000000001")
verdict("1.0", "1.00000001")
verdict("1.0", "")
verdict("one", "1.0")
verdict("1.0", "1.0", seconds=10)
groups = "loss\\tcity\\tn\\tvalue\\nmse\\ta\\t3\\t0.5\\nmse\\tb\\t3\\t0.25\\n"
print(differences(parse_statistics(groups), parse_statistics(groups.replace("0.25", "0.2500001")), 1e-6))
print(differences(parse_statistics(groups), parse_statistics(groups.replace("0.25", "0.251")), 1e-6))
print(differences(parse_statistics(groups), parse_statistics(groups.replace("b", "c"))))
"""


def python(*words, folder=None):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, cwd=folder)


def test_list_names_every_benchmark():
    done = python(RUN, "--list", "--only", "duckdb")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "200 files of 500 rows / `--group-by @file` / DuckDB SQL",
        "10 M rows, CSV / `losscli compute mse data.csv` / DuckDB SQL",
        "10 M rows, Parquet / `losscli compute mse data.parquet` / DuckDB SQL",
        "2 M rows, JSON Lines / `losscli compute mse data.jsonl` / DuckDB SQL",
        "3 M rows, 20 groups / `--group-by city` / DuckDB SQL",
        "3 M rows, 2 000 groups / `--group-by user` / DuckDB SQL",
    ]


def test_a_benchmark_fails_if_it_is_slow_or_numbers_differ():
    done = python("-c", FAILING, folder=RUN.parent)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "pass",
        "FAIL ours and theirs differ in 1 of their numbers: line 1: 1.0 and 1.00000001",
        "FAIL ours and theirs differ in 1 of their numbers: line 1 is missing",
        "FAIL the output is not what was expected: could not convert string to float: 'one'",
        "FAIL ratio 10.00 is more than 0.35",
        "[]",
        "['mse b value: 0.25 and 0.251']",
        "['mse b n is missing', 'mse b value is missing', 'mse c n is missing', 'mse c value is missing']",
    ]


@pytest.mark.slow
def test_written_files_with_rows_in_another_order_have_another_summary(tmp_path):
    rows = [f"{i},{i / 7!r}" for i in range(100)]
    summaries = []
    for lines in (rows, [*rows[:-2], rows[-1], rows[-2]]):
        (tmp_path / "d.csv").write_text("\n".join(["row,mse", *lines]) + "\n")
        summaries.append(python(RUN.with_name("summarize.py"), tmp_path / "d.csv").stdout.split())
    assert summaries[0][:3] == summaries[1][:3] == ["100", "2", "4950.0"]
    assert summaries[0][3] != summaries[1][3]


@pytest.mark.slow
def test_peers_that_need_nothing_more_agree(tmp_path):
    only = ["--only", "NumPy$|one-liner|of five losses$"]
    done = python(RUN, "--rows", "5000", "--rounds", "0", "--pause", "0", "--data", tmp_path, *only)
    table = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 5
    wrong = [line for line in done.stderr.splitlines() if line.startswith("FAIL")]
    assert [line for line in wrong if " is more than " not in line] == []
    assert done.returncode == (1 if wrong else 0)
