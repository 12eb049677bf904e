"""Data that is evaluated by parts: whatever the cuts and the threads, the same numbers, messages and notes."""

from __future__ import annotations

import gzip
import itertools
import pickle
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import losscli
from losscli import binding, registry
from losscli.data import dataset, prefetch
from losscli.data.csv import split
from losscli.data.csv import table as csv_table
from losscli.data.csv.schema import CsvSchema
from losscli.data.open_file import OpenFile
from losscli.data.sources import open_data
from losscli.declaration import grammar
from losscli.declaration.properties import Reduction
from losscli.evaluation import threads
from losscli.evaluation.reduce import Plan, evaluate_part
from losscli.options import EvaluationOptions
from losscli.statistics.summary import Accumulator
from tests.conftest import Cli, Result

ROWS = 300
rng = np.random.default_rng(7)
Y, P = rng.normal(size=ROWS), rng.normal(size=ROWS)
PAIRS = list(zip(Y.tolist(), P.tolist(), strict=True))
W = [i % 4 for i in range(ROWS)]


def table(rows: list[str], header: str = "y_true,y_pred", end: str = "\n") -> bytes:
    return (end.join([header, *rows]) + end).encode()


PLAIN = table([f"{a!r},{b!r}" for a, b in PAIRS])


def kinds_of_data(rows: int) -> dict[str, tuple[bytes, list[str]]]:
    """Return data of so many rows, and options for it, by what is special about it."""
    pairs, plain = PAIRS[:rows], table([f"{a!r},{b!r}" for a, b in PAIRS[:rows]])
    numbered, weighted = list(enumerate(pairs)), [(a, b, i % 4) for i, (a, b) in enumerate(pairs)]
    return {
        "plain": (plain, []),
        "crlf": (table([f"{a!r},{b!r}" for a, b in pairs], end="\r\n"), []),
        "no last newline": (plain.rstrip(b"\n"), []),
        "blank lines": (plain.replace(b"\n", b"\n\n\n"), []),
        "byte order mark": (b"\xef\xbb\xbf" + plain, []),
        "all in quotes": (table([f'"{a!r}","{b!r}"' for a, b in pairs]), []),
        "newlines in quotes": (
            table([f'{a!r},"a\n{"1,2" * (i % 9)}\n{i}",{b!r}' for i, (a, b) in numbered], "y_true,text,y_pred"), [],
        ),
        "one newline in quotes": (
            table([f'{a!r},{"n" * 30},{b!r}' if i != rows // 2 else f'{a!r},"n\n1,2,3\n{"m" * 900}\n",{b!r}'
                   for i, (a, b) in numbered], "y_true,text,y_pred"), [],
        ),
        "escaped quotes": (table([f'{a!r},"a ""{i}""",{b!r}' for i, (a, b) in numbered], "y_true,t,y_pred"), []),
        "long lines": (
            table([f"{a!r},{'x' * (2000 if i % 50 == 9 else 3)},{b!r}" for i, (a, b) in numbered],
                  "y_true,text,y_pred"), [],
        ),
        "no header": (plain.partition(b"\n")[2], ["--no-header"]),
        "weights": (table([f"{a!r},{b!r},{w}" for a, b, w in weighted], "y_true,y_pred,weight"),
                    ["--weight", "weight"]),
        "fractional weights": (
            table([f"{a!r},{b!r},{0.1 * w}" for a, b, w in weighted], "y_true,y_pred,weight"),
            ["--weight", "weight"],
        ),
        "omitted": (table([f"{a!r},{'NA' if i % 7 == 3 else repr(b)}" for i, (a, b) in numbered]),
                    ["--nan", "omit"]),
        "groups": (table([f"{a!r},{b!r},{'xyz'[i * i % 3]}" for i, (a, b) in numbered], "y_true,y_pred,g"),
                   ["--group-by", "g"]),
        "sum": (plain, ["--reduction", "sum"]),
        "median": (plain, ["--reduction", "median"]),
        "value": (plain, ["-f", "value"]),
        "flags": (table([f"{['false', 'true'][i % 2]},{0.2 + 0.6 * (i % 2)}" for i in range(rows)]), []),
    }  # fmt: skip


DATA = kinds_of_data(ROWS)
LOSSES = "mse,huber:delta=0.5,rmse,medae,max_error,quantile"


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Cut data into pieces of so many bytes, or a sixth as many rows; gives a list with an entry a part evaluated."""
    evaluated: list[int] = []
    inner = evaluate_part

    def counted(*arguments: object, **options: object) -> object:
        evaluated.append(1)
        return inner(*arguments, **options)  # type: ignore[arg-type]

    def apply(size: int) -> list[int]:
        monkeypatch.setattr(csv_table, "BYTES_PARSED_BY_CSV_MODULE", 64)
        monkeypatch.setattr(csv_table, "BYTES_PER_PIECE", size)
        monkeypatch.setattr(split, "BYTES_PAST_RANGE", 16)
        monkeypatch.setattr(dataset, "ROWS_PER_PART", size // 6)
        monkeypatch.setattr(threads, "evaluate_part", counted)
        return evaluated

    return apply


def numbers(result: Result) -> list[list[str]]:
    assert result.status == 0, result.err
    return [line.split("\t") for line in result.out.splitlines()]


def same(a: list[list[str]], b: list[list[str]], tolerance: float) -> None:
    assert [len(row) for row in a] == [len(row) for row in b]
    for x, y in zip(itertools.chain(*a), itertools.chain(*b), strict=True):
        try:
            assert float(x) == pytest.approx(float(y), rel=tolerance, abs=tolerance)
        except ValueError:
            assert x == y


@pytest.mark.parametrize(
    ("size", "rows"),
    [pytest.param(100, 100, marks=pytest.mark.slow), pytest.param(700, ROWS, marks=pytest.mark.slow), (2500, ROWS)],
)
@pytest.mark.parametrize("name", DATA)
def test_cuts_and_threads_change_nothing(
    name: str, size: int, rows: int, cli: Cli, cut: Callable[[int], list[int]]
) -> None:
    data, options = kinds_of_data(rows)[name]
    Path("d.csv").write_bytes(data)
    whole = cli("compute", LOSSES, "d.csv", *options)
    evaluated = cut(size)
    results = [cli("compute", LOSSES, "d.csv", *options, "-j", jobs) for jobs in (1, 2, 5)]
    assert len(evaluated) > 3 * (1 + len(data) // size // 3)
    assert [r.out for r in results] == [results[0].out] * 3
    assert [r.err for r in results] == [whole.err] * 3
    same(numbers(results[0]), numbers(whole), 1e-12)
    piped = cli("compute", LOSSES, *options, "-j", 2, stdin=data)
    same(numbers(piped), numbers(whole), 1e-12)
    assert piped.err == whole.err.replace("d.csv", "standard input")


@pytest.mark.parametrize("name", ["plain", "weights", "omitted"])
def test_a_pipe_gives_the_digits_of_a_file(name: str, cli: Cli, cut: Callable[[int], list[int]]) -> None:
    data, options = DATA[name]
    Path("d.csv").write_bytes(data)
    cut(700)
    assert cli("compute", LOSSES, "d.csv", *options).out == cli("compute", LOSSES, *options, stdin=data).out


@pytest.mark.parametrize("name", ["plain", "newlines in quotes", "omitted", "weights"])
def test_rows_stay_in_order(name: str, cli: Cli, cut: Callable[[int], list[int]]) -> None:
    data, options = DATA[name]
    Path("d.csv").write_bytes(data)
    whole = cli("compute", "mse,mae", "d.csv", "--per-sample", *options)
    cut(500)
    for jobs in (1, 3):
        assert cli("compute", "mse,mae", "d.csv", "--per-sample", "-j", jobs, *options).out == whole.out
        assert cli("compute", "mse,mae", "--per-sample", "-j", jobs, *options, stdin=data).out == whole.out


# -------------------------------------------------------------------------------------------------- what is wrong


def broken(row: int, line: str, good: str = "0.5,0.25", header: str = "y_true,y_pred", rows: int = ROWS) -> bytes:
    return table([line if i == row else good for i in range(1, rows + 1)], header)


def mixed() -> bytes:
    return table([*["0,0.5"] * 100, *["1,0.5"] * 100, *["-1,0.5"] * 100])


REFUSED: dict[str, tuple[bytes, list[str]]] = {
    "no number": (broken(217, "1,x"), ["mse"]),
    "too few cells": (broken(217, "1"), ["mse"]),
    "too many cells": (broken(217, "1,2,3"), ["mse"]),
    "missing": (broken(217, "1,"), ["mse"]),
    "missing in several parts": (PLAIN.replace(b"\n1.", b"\nNA,1."), ["mse"]),
    "missing, then outside of the domain": (broken(40, "1,") + b"1,7\n", ["bce"]),
    "outside of the domain": (broken(217, "1,1.5"), ["bce"]),
    "outside of the domain twice": (broken(217, "1,1.5") + broken(30, "1,1.5").partition(b"\n")[2], ["bce"]),
    "labels of two kinds": (mixed(), ["bce"]),
    "negative weight": (broken(217, "1,2,-1", "1,2,1", "y_true,y_pred,weight"), ["mse", "--weight", "weight"]),
    "open quote": (broken(217, '1,"2'), ["mse"]),
    "NUL": (broken(217, "1,2\0"), ["mse"]),
    "nothing left": (broken(0, "", "1,NA"), ["mse", "--nan", "omit"]),
    "sums of rows": (broken(217, "0,0.5,0.4", "0,0.5,0.5", "y_true,prob_0,prob_1"), ["cross_entropy"]),
    "no such class": (broken(217, "cow,0.5,0.5", "cat,0.5,0.5", "y_true,prob_cat,prob_dog"), ["cross_entropy"]),
}


def test_these_are_refused_by_what_they_are_named(cli: Cli) -> None:
    for data, arguments in REFUSED.values():
        assert cli("compute", *arguments, stdin=data).status in (3, 4)


@pytest.mark.parametrize("size", [150, 900])
@pytest.mark.parametrize("name", REFUSED)
def test_messages_name_the_same_row(name: str, size: int, cli: Cli, cut: Callable[[int], list[int]]) -> None:
    data, arguments = REFUSED[name]
    Path("d.csv").write_bytes(data)
    whole = cli("compute", *arguments, "d.csv")
    cut(size)
    for jobs in (1, 3):
        result = cli("compute", *arguments, "d.csv", "-j", jobs)
        assert (result.status, result.out, in_short(result.err)) == (whole.status, "", in_short(whole.err))
        piped = cli("compute", *arguments, "-j", jobs, stdin=data)
        assert in_short(piped.err) == in_short(whole.err).replace("d.csv", "standard input")


def test_a_part_does_not_say_that_its_count_is_all(cli: Cli, cut: Callable[[int], list[int]]) -> None:
    Path("d.csv").write_bytes(table(["1,1.5"] * 300))
    assert "(and 299 more rows like it)" in cli("compute", "bce", "d.csv").err
    cut(100)
    assert "(and at least " in cli("compute", "bce", "d.csv").err


def in_short(message: str) -> str:
    """Without the count of other rows: a part knows only of its own."""
    return re.sub(r" \(and (at least )?\d+ more rows? like it\)", "", message)


def test_a_note_names_its_row_once(cli: Cli, cut: Callable[[int], list[int]]) -> None:
    rows = ["0,0.5,0.5"] * 100 + ["0,0.50001,0.5"] * 200
    Path("d.csv").write_bytes(table(rows, "y_true,prob_0,prob_1"))
    whole = cli("compute", "cross_entropy", "d.csv")
    assert "row 101 " in whole.err
    cut(200)
    assert cli("compute", "cross_entropy", "d.csv", "-j", 3).err == whole.err


def test_header_only(cli: Cli, cut: Callable[[int], list[int]]) -> None:
    names = ",".join(f"column_{i}" for i in range(40))
    Path("d.csv").write_text(f"y_true,y_pred,{names}\n")
    cut(100)
    assert "d.csv: has a header but no rows" in cli("compute", "mse", "d.csv").err
    Path("d.csv").write_text(f"y_true,y_pred,{names}\n" + "\n" * 900)
    assert "d.csv: has a header but no rows" in cli("compute", "mse", "d.csv").err


def test_one_column_distributions_are_read_whole(cli: Cli, cut: Callable[[int], list[int]]) -> None:
    p = np.full(ROWS, 1 / ROWS)
    Path("d.csv").write_bytes(table([f"{a!r},{a!r}" for a in p.tolist()]))
    evaluated = cut(200)
    assert numbers(cli("compute", "kl", "d.csv"))[1][1] == "1"
    assert not evaluated


# ------------------------------------------------------------------------------------------- other kinds of files


def test_a_folder_of_parts(cli: Cli, cut: Callable[[int], list[int]]) -> None:
    Path("parts").mkdir()
    lines = PLAIN.splitlines(keepends=True)[1:]
    for i in range(3):
        Path(f"parts/{i}.csv").write_bytes(b"y_true,y_pred\n" + b"".join(lines[100 * i : 100 * (i + 1)]))
    Path("d.csv").write_bytes(PLAIN)
    whole = cli("compute", LOSSES, "d.csv")
    evaluated = cut(500)
    results = [cli("compute", LOSSES, "parts", "-j", jobs) for jobs in (1, 2)]
    assert len(evaluated) > 20
    assert results[0].out == results[1].out
    same(numbers(results[0]), numbers(whole), 1e-12)
    assert cli("compute", "mse", "parts", "--per-sample").out == cli("compute", "mse", "d.csv", "--per-sample").out


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("1,x", "1.csv: column 'y_pred', row 60: 'x'"),
        ("1,", "1.csv: column 'y_pred', row 60: 1 row lacks a value, of 400"),
    ],
)
def test_a_folder_with_a_faulty_part(line: str, fragment: str, cli: Cli, cut: Callable[[int], list[int]]) -> None:
    Path("parts").mkdir()
    Path("parts/0.csv").write_bytes(broken(0, "", rows=200))
    Path("parts/1.csv").write_bytes(broken(60, line, rows=200))
    cut(400)
    for options in (("-j", 1), ("-j", 3), ("--per-sample",), ("--per-sample", "-j", 1), ("--ci", 0.9)):
        assert fragment in cli("compute", "mse", "parts", *options).err
    assert fragment in cli("compare", "--losses", "mse,mae", "parts").err


def test_what_the_losses_refuse_is_found_in_its_file(cli: Cli, cut: Callable[[int], list[int]]) -> None:
    Path("parts").mkdir()
    columns = pa.table({"y_true": np.ones(200), "y_pred": np.full(200, 0.5)})
    for i in range(3):
        Path(f"parts/{i}.csv").write_bytes(broken(60 if i == 1 else 0, "1,1.5", rows=200))
    Path("groups").mkdir()
    for i in range(3):
        odd = pa.table({"y_true": np.ones(200), "y_pred": np.r_[np.full(150, 0.5), np.full(50, 1.5 if i == 2 else 1)]})
        pq.write_table(odd if i else columns, f"groups/{i}.parquet", row_group_size=70)
    for size in (1 << 20, 400):
        cut(size)
        for options in ((), ("-j", 1), ("--per-sample",)):
            assert "parts/1.csv: column 'y_pred', row 60: 1.5" in cli("compute", "bce", "parts", *options).err
            found = cli("compute", "bce", "groups", *options).err
            assert "groups/2.parquet: column 'y_pred', row 151: 1.5" in found


def test_a_folder_with_newlines_in_quotes(cli: Cli, cut: Callable[[int], list[int]]) -> None:
    Path("parts").mkdir()
    data, _ = DATA["one newline in quotes"]
    for i in range(3):
        Path(f"parts/{i}.csv").write_bytes(data)
    cut(700)
    assert numbers(cli("compute", "mse", "parts"))[1][1] == str(3 * ROWS)


def test_row_groups(cli: Cli, cut: Callable[[int], list[int]]) -> None:
    columns = pa.table({"y_true": Y, "y_pred": P})
    pq.write_table(columns, "one.parquet")
    pq.write_table(columns, "d.parquet", row_group_size=40)
    whole = cli("compute", LOSSES, "one.parquet")
    evaluated = cut(600)
    results = [cli("compute", LOSSES, "d.parquet", "-j", jobs) for jobs in (1, 2)]
    assert len(evaluated) == 2 * 8
    assert results[0].out == results[1].out
    same(numbers(results[0]), numbers(whole), 1e-12)
    p = P.copy()
    p[250] = np.nan
    pq.write_table(pa.table({"y_true": Y, "y_pred": p}), "d.parquet", row_group_size=40)
    assert "d.parquet: column 'y_pred', row 251: 1 row lacks a value, of 300" in cli("compute", "mse", "d.parquet").err


def test_mapped_arrays(cli: Cli, cut: Callable[[int], list[int]]) -> None:
    np.save("y.npy", Y)
    np.save("p.npy", P)
    np.save("both.npy", np.stack([Y, P], axis=1))
    np.save("short.npy", P[:-1])
    whole = cli("compute", LOSSES, "both.npy")
    evaluated = cut(240)
    pair = [cli("compute", LOSSES, "y.npy", "p.npy", "-j", jobs) for jobs in (1, 2)]
    assert len(evaluated) == 2 * 8
    assert pair[0].out == pair[1].out == cli("compute", LOSSES, "both.npy").out
    same(numbers(pair[0]), numbers(whole), 1e-12)
    assert "y.npy has 300 rows, short.npy has 299" in cli("compute", "mse", "y.npy", "short.npy").err
    p = P.copy()
    p[250] = np.nan
    np.save("p.npy", p)
    assert "p.npy: column 'y_pred', row 251: 1 row lacks a value, of 300" in cli("compute", "mse", "y.npy", "p.npy").err


def test_a_compressed_array_is_read_as_the_array_itself(cli: Cli) -> None:
    records = np.zeros(4, dtype=[("y_true", "U1"), ("y_pred", "f8", (2,))])
    records["y_true"] = ["a", "b", "a", "b"]
    records["y_pred"] = [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]]
    np.save("d.npy", records)
    Path("d.npy.gz").write_bytes(gzip.compress(Path("d.npy").read_bytes()))
    mapped, streamed = (cli("compute", "cross_entropy", name, "--classes", "a,b") for name in ("d.npy", "d.npy.gz"))
    assert (streamed.status, streamed.out) == (0, mapped.out)


def test_endings_of_parts_are_read_in_either_case(cli: Cli) -> None:
    Path("folder").mkdir()
    for name, row in (("a.csv.gz", "1,2"), ("B.CSV.GZ", "1,4")):
        Path("folder", name).write_bytes(gzip.compress(f"y_true,y_pred\n{row}\n".encode()))
    assert cli("compute", "mse", "folder", "-f", "value").out == "5.0\n"


# --------------------------------------------------------------------------------------------- the machinery


def test_a_part_travels(tmp_path: Path, cut: Callable[[int], list[int]]) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(PLAIN)
    cut(1000)
    bound = registry.resolve(grammar.parse_specs("mse"), {})
    sources = open_data([str(path)], ["y_true", "y_pred"])
    data, run = binding.bind(bound, sources, EvaluationOptions(), lambda note: None)
    found = data.parts()
    assert found is not None
    several = list(found)
    assert len(several) > 5
    again = pickle.loads(pickle.dumps(several))
    sources.close()
    setup = Plan(data, run)
    for mine, theirs in zip(several, again, strict=True):
        a, b = evaluate_part(mine, setup), evaluate_part(theirs, setup)
        assert a.policy.n == b.policy.n > 0
        assert a.run.accumulators[0].summary() == b.run.accumulators[0].summary()


def test_threads_give_results_in_order_and_do_not_run_far_ahead() -> None:
    taken = []

    def items() -> Iterator[int]:
        for i in range(50):
            taken.append(i)
            yield i

    def slow(i: int) -> int:
        time.sleep(0.02 if i == 3 else 0)
        if i == 20:
            raise ValueError("twenty")
        return i * i

    results = []
    for item, result in prefetch.ordered_map(slow, items(), 3):
        results.append(result)
        assert len(taken) - item <= 3 + prefetch.ITEMS_AHEAD
    assert isinstance(results.pop(20), ValueError)
    assert results == [i * i for i in range(50) if i != 20]


def test_what_is_abandoned_stops() -> None:
    done = []
    results = prefetch.ordered_map(done.append, iter(range(1_000_000)), 2)
    next(results)
    results.close()
    count = len(done)
    time.sleep(0.05)
    assert len(done) == count < 1000


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 64])
def test_blocks_and_ranges_cut_at_the_same_lines(size: int, tmp_path: Path) -> None:
    data = b"aa\n\nb\ncccccccccccc\n\n\nd\neeeee\nf"
    path = tmp_path / "d.csv"
    path.write_bytes(data)
    schema = CsvSchema("d", (), ",")
    reader = iter([data])
    blocks = list(split.split_stream(lambda n: next(reader, b""), size, size))
    cuts = [piece.lines() for piece in split.range_pieces(schema, "csv", OpenFile(str(path), "d"), 0, len(data), size)]
    by_range = [lines.data[lines.start : lines.stop] for lines in cuts]
    assert b"".join(by_range) == data
    assert by_range == blocks


def test_quotes_are_counted_across_blocks() -> None:
    data = b'1,"a\n2,b\n",3\n4,5,6\n'
    reader = iter([data])
    blocks = split.split_stream(lambda n: next(reader, b""), 2, 2)
    assert [block for block in blocks if block] == [b'1,"a\n2,b\n",3\n', b"4,5,6\n"]


def test_jobs_is_a_positive_number(cli: Cli) -> None:
    Path("d.csv").write_bytes(PLAIN)
    assert cli("compute", "mse", "d.csv", "-j", "0").status == 2
    with pytest.raises(losscli.UsageError, match="jobs=0"):
        losscli.compute("mse", "d.csv", jobs=0)
    a, b = (losscli.compute("mse", "d.csv", jobs=jobs) for jobs in (1, 2))
    assert a.value == b.value


def test_many_values_are_counted_alike(
    monkeypatch: pytest.MonkeyPatch, cli: Cli, cut: Callable[[int], list[int]]
) -> None:
    monkeypatch.setattr("losscli.statistics.quantiles.Quantiles.__init__.__defaults__", (100,), raising=False)
    monkeypatch.setattr("losscli.evaluation.reduce.MAX_VALUES_KEPT", 100)
    data, options = DATA["fractional weights"]
    Path("d.csv").write_bytes(data)
    cut(500)
    results = [cli("compute", LOSSES, "d.csv", *options, "-j", jobs) for jobs in (1, 2, 3, 3, 3)]
    assert "median and p95 are ≈" in results[0].err
    assert len({result.out for result in results}) == 1


def test_counts_of_a_part_do_not_depend_on_where_they_are_made() -> None:
    def accumulator(values: np.ndarray, weights: np.ndarray) -> Accumulator:
        made = Accumulator(Reduction.MEAN)
        for part in np.array_split(np.arange(len(values)), 7):
            made.update(values[part], values[part], weights[part])
        return made

    values, weights = np.full(900, 1.25), rng.random(900)
    tails = []
    for early in (False, True):
        first, second = accumulator(values[:500], weights[:500]), accumulator(values[500:], weights[500:])
        first.condense()
        if early:
            second.condense()
        first.merge(second)
        assert first.quantiles.histogram is not None
        tails.append(float(first.quantiles.histogram._counts.sum()))
    assert tails[0] == tails[1]
