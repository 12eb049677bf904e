"""Batches are cut by bytes: wide rows make few of them, whatever the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from losscli.data.arrow_frame import ArrowFrame
from losscli.data.batch import Batch, RowPolicy, bytes_per_row, rows_per_batch
from losscli.data.dataset import Dataset
from losscli.data.gather import split_batch
from losscli.data.open_file import OpenFile
from losscli.data.role_columns import RoleColumns
from losscli.data.sources import open_table
from losscli.data.stored import StoredRows, reader_of_rows
from losscli.data.table import ArraysTable, Column, Kind, Table
from losscli.losses._classes import cross_entropy_of_logits, log_softmax
from tests.conftest import Cli, write_csv, write_feather, write_npy, write_npz, write_parquet

rng = np.random.default_rng(16)
ROWS, WIDTH = 600, 2000
ROWS_OF_A_BATCH = (1 << 22) // (8 * WIDTH)
WIDE = rng.integers(0, 9, (ROWS, WIDTH)).astype(np.float32)
LISTS = pa.FixedSizeListArray.from_arrays(WIDE.ravel(), WIDTH)
LISTS_OF_ANY_LENGTH = LISTS.cast(pa.list_(pa.float32()))


@pytest.mark.parametrize(
    ("width", "rows"), [(1, 1 << 18), (2, 1 << 18), (10, 52_428), (32_000, 16), (512 * 512, 2), (1 << 20, 1)]
)
def test_rows_of_a_batch_by_their_width(width: int, rows: int) -> None:
    assert rows_per_batch(bytes_per_row([(7, width)])) == rows


def chunk_sizes(table: Table, columns: Sequence[str] = ("y_pred",)) -> list[int]:
    chunks = list(table.chunks(dict.fromkeys(columns, Kind.NUMBER)))
    np.testing.assert_array_equal(np.concatenate([chunk[columns[0]] for chunk in chunks])[:, -3:], WIDE[:, -3:])
    return [len(chunk[columns[0]]) for chunk in chunks]


WRITERS: dict[str, Callable[[str], Any]] = {
    "d.npy": lambda path: write_npy(path, WIDE),
    "by-column.npy": lambda path: write_npy(path, np.asfortranarray(WIDE)),
    "d.npz": lambda path: write_npz(path, {"y_pred": WIDE}),
    "d.parquet": lambda path: write_parquet(path, {"y_pred": LISTS}),
    "of-any-length.parquet": lambda path: write_parquet(path, {"y_pred": LISTS_OF_ANY_LENGTH}),
    "d.feather": lambda path: write_feather(path, {"y_pred": LISTS_OF_ANY_LENGTH}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_readers_cut_wide_rows(name: str, tmp_path: Path) -> None:
    path = str(tmp_path / name)
    WRITERS[name](path)
    assert max(chunk_sizes(open_table(path, "y_pred"))) <= ROWS_OF_A_BATCH


def test_what_is_in_memory_is_cut_too() -> None:
    several = pa.table({"y_pred": pa.chunked_array([LISTS[:5], LISTS[5:]])})
    for table in (ArraysTable("", "arrays", {"y_pred": WIDE}), ArrowFrame(several)):
        assert max(chunk_sizes(table)) <= ROWS_OF_A_BATCH
    batch = Batch(range(1, ROWS + 1), {"y_true": np.zeros(ROWS), "y_pred": WIDE.astype(np.float64)}, {})
    assert max(map(len, split_batch(batch))) <= ROWS_OF_A_BATCH


def test_thousands_of_columns_of_text_are_cut(tmp_path: Path) -> None:
    path = str(tmp_path / "d.csv")
    write_csv(path, {f"p{i}": WIDE[:300, i].astype(int) for i in range(WIDTH)})
    table = open_table(path, None)
    sizes = [len(chunk["p0"]) for chunk in table.chunks({column.name: Kind.NUMBER for column in table.columns})]
    assert sizes == [ROWS_OF_A_BATCH, 300 - ROWS_OF_A_BATCH]


def test_tables_that_are_read_together_share_a_batch(tmp_path: Path) -> None:
    write_npy(tmp_path / "d.npy", WIDE)
    table = open_table(str(tmp_path / "d.npy"), "y_pred")
    table.bytes_beside = 3 * 8 * WIDTH
    assert max(chunk_sizes(table)) == ROWS_OF_A_BATCH // 4


def test_records_count_with_all_their_fields(tmp_path: Path) -> None:
    records = np.zeros(3000, dtype=[(f"f{i}", "f8") for i in range(500)] + [("y_true", "f8"), ("y_pred", "f8")])
    write_npy(tmp_path / "d.npy", records)
    table = open_table(str(tmp_path / "d.npy"), None)
    sizes = [len(chunk["y_true"]) for chunk in table.chunks({"y_true": Kind.NUMBER})]
    assert max(sizes) == (1 << 22) // (8 * 502)


def test_rows_of_stored_arrays_are_read_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "d.bin").write_bytes(b"head" + WIDE.tobytes())
    read = reader_of_rows(OpenFile(str(tmp_path / "d.bin"), "d"), 4, WIDE.shape, WIDE.dtype)
    piece = StoredRows("d", "npz", [Column("y_pred", Kind.NUMBER, (WIDTH,))], 500)
    piece.readers, piece.start = {"y_pred": read}, 100
    chunks = [chunk["y_pred"] for chunk in piece.chunks({"y_pred": Kind.NUMBER})]
    assert list(map(len, chunks)) == [ROWS_OF_A_BATCH, 500 - ROWS_OF_A_BATCH]
    np.testing.assert_array_equal(np.concatenate(chunks), WIDE[100:])


@pytest.mark.parametrize("order", ["C", "F"])
def test_tokens_have_the_same_digits_on_any_threads(order: Any, cli: Cli) -> None:
    scores, labels = rng.normal(size=(300, 3000)).astype(np.float16), rng.integers(0, 3000, 300)
    write_npy("t.npy", labels)
    write_npy("p.npy", np.array(scores, order=order))
    found = {cli("compute", "softmax_loss", "t.npy", "p.npy", "--jobs", jobs).out for jobs in ("1", "2", "8")}
    assert len(found) == 1
    wide = scores.astype(np.longdouble)
    expected = np.log(np.exp(wide).sum(axis=1)) - wide[np.arange(300), labels]
    assert float(found.pop().split()[-1]) == pytest.approx(float(expected.sum()), rel=1e-14)


def test_scores_are_summed_alike_in_blocks_and_whole() -> None:
    scores = rng.integers(-3, 3, (50, 5000)).astype(np.float64)
    scores[3], scores[4, 7], scores[5, 8:10] = -np.inf, np.inf, np.inf
    labels = np.full(50, 8)
    with np.errstate(invalid="ignore"):
        below = np.where(scores == (top := scores.max(axis=1, keepdims=True)), 0.0, scores - top)
        others = np.where(below == 0, 0.0, np.exp(below)).sum(axis=1) + (below == 0).sum(axis=1) - 1
        np.testing.assert_array_equal(log_softmax(scores), below - np.log1p(others)[:, None])
        np.testing.assert_array_equal(cross_entropy_of_logits(labels, scores), np.log1p(others) - below[:, 8])


@pytest.mark.slow
def test_a_row_group_of_wide_rows_takes_little_memory(tmp_path: Path) -> None:
    from tests.test_memory import peak

    lists = pa.FixedSizeListArray.from_arrays(rng.normal(size=100_000 * 128), 128)
    write_parquet(tmp_path / "d.parquet", {"y_true": lists, "y_pred": lists})  # 205 MB in one row group
    write_npy(tmp_path / "d.npy", rng.normal(size=(10_000_000, 2)), allow_pickle=False)
    for name in ("d.parquet", "d.npy"):
        assert peak(tmp_path / name, False, "--jobs", "8") < 250_000


def test_fewer_threads_read_wide_rows_of_text(tmp_path: Path) -> None:
    seen: dict[int, int] = {}
    for width in (3, 1000):
        row = f"[{', '.join(['0.5'] * width)}]"
        path = tmp_path / f"{width}.csv"
        path.write_text("y_true,y_pred\n" + f'"{row}","{row}"\n' * ((5 << 20) // (2 * len(row))))
        table = open_table(str(path))
        columns = {column.name: RoleColumns(column.name, table, (column,)) for column in table.columns}
        seen[width] = Dataset(columns, {}, RowPolicy(), lambda text: None, jobs=8).threads
        table.close()
    assert seen == {3: 8, 1000: 4}
