"""Seeded data for the benchmarks, written once into a folder.

    python benchmarks/data.py FOLDER ROWS NAME...

This is a separate program because making the data takes much memory (see measure.py). `y_true` is normal and `y_pred`
is `y_true` plus a normal error of standard deviation 0.5, both with all their digits. Rows are drawn in blocks, each
with its own seed, so that a longer file starts with the rows of a shorter one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import environment

ROWS_PER_BLOCK = 1_000_000
ROWS_OF_SMALL_FILE = 1_000
SEED = 7


@dataclass(frozen=True)
class DataFile:
    """A file: its name, its writer, and its number of rows (from `--rows`)."""

    ending: str
    write: Callable[[Path, int], None]
    factor: int = 1
    fixed_rows: int | None = None

    def rows(self, rows: int) -> int:
        """Return the number of rows for a value of `--rows`."""
        return self.fixed_rows or self.factor * rows

    def path(self, folder: Path, rows: int) -> Path:
        """Return the path of the file, which need not exist yet."""
        return folder / f"normal{SEED}-{self.rows(rows)}{self.ending}"


def generate_blocks(rows: int) -> Iterator[dict[str, Any]]:
    """Yield `y_true` and `y_pred` block by block."""
    import numpy as np

    for block, start in enumerate(range(0, rows, ROWS_PER_BLOCK)):
        y_true, error = np.random.default_rng((SEED, block)).normal(size=(2, ROWS_PER_BLOCK))[:, : rows - start]
        yield {"y_true": y_true, "y_pred": y_true + 0.5 * error}


def write_csv(path: Path, rows: int) -> None:
    """Write all digits, as pandas and NumPy users do."""
    import pyarrow as pa
    from pyarrow import csv

    schema = pa.schema([("y_true", pa.float64()), ("y_pred", pa.float64())])
    options = csv.WriteOptions(quoting_header="none")
    with csv.CSVWriter(path, schema, write_options=options) as writer:
        for block in generate_blocks(rows):
            writer.write_table(pa.table(block))


def write_parquet(path: Path, rows: int) -> None:
    """Write with PyArrow's defaults (snappy), one row group per block."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([("y_true", pa.float64()), ("y_pred", pa.float64())])
    with parquet.ParquetWriter(path, schema) as writer:
        for block in generate_blocks(rows):
            writer.write_table(pa.table(block))


def npy_writer(column: str) -> Callable[[Path, int], None]:
    """Return a writer of one column."""

    def write(path: Path, rows: int) -> None:
        import numpy as np

        array = np.lib.format.open_memmap(path, "w+", dtype=float, shape=(rows,))
        for block, values in enumerate(generate_blocks(rows)):
            array[block * ROWS_PER_BLOCK : (block + 1) * ROWS_PER_BLOCK] = values[column]
        array.flush()

    return write


DATASETS = {
    "small_csv": DataFile(".csv", write_csv, fixed_rows=ROWS_OF_SMALL_FILE),
    "csv": DataFile(".csv", write_csv),
    "csv_x5": DataFile(".csv", write_csv, factor=5),
    "parquet": DataFile(".parquet", write_parquet),
    "true_npy": DataFile("-true.npy", npy_writer("y_true")),
    "pred_npy": DataFile("-pred.npy", npy_writer("y_pred")),
}


def make_files(folder: Path, rows: int, names: set[str]) -> None:
    """Write the files that do not exist, in another process."""
    missing = sorted(name for name in names if not DATASETS[name].path(folder, rows).exists())
    if missing:
        command = [sys.executable, __file__, str(folder), str(rows), *missing]
        subprocess.run(command, check=True, env=environment())


def _write(data: DataFile, folder: Path, rows: int) -> None:
    """Write under another name and rename, so that a file that exists is complete."""
    path = data.path(folder, rows)
    unfinished = path.with_name(f"unfinished-{path.name}")
    data.write(unfinished, data.rows(rows))
    unfinished.replace(path)


def main(folder: str, rows: str, *names: str) -> None:
    """Write the files of these names."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names:
        _write(DATASETS[name], Path(folder), int(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
