"""The data of the benchmarks: seeded, made once in a folder, by name.

    python benchmarks/data.py FOLDER ROWS NAME...

It is a program of its own because what makes data holds much memory (see measure.py). `y_true` is normal and `y_pred`
is `y_true` plus a normal error of standard deviation 0.5, both with all their digits. Rows are drawn in blocks, each
from a seed of its own, so that a longer file starts with the rows of a shorter one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import environment

BLOCK = 1_000_000
SMALL = 1_000
SEED = 7


@dataclass(frozen=True)
class Data:
    """A file: how it is named and written, and how many rows it has (of the `--rows` asked for)."""

    ending: str
    write: Callable[[Path, int], None]
    times: int = 1
    fixed: int | None = None

    def rows(self, rows: int) -> int:
        """Of the file, where `--rows` says `rows`."""
        return self.fixed or self.times * rows

    def path(self, folder: Path, rows: int) -> Path:
        """Of the file, which need not be there yet."""
        return folder / f"normal{SEED}-{self.rows(rows)}{self.ending}"


def blocks(rows: int) -> Iterator[dict[str, Any]]:
    """`y_true` and `y_pred`, block by block."""
    import numpy as np

    for block, start in enumerate(range(0, rows, BLOCK)):
        y_true, error = np.random.default_rng((SEED, block)).normal(size=(2, BLOCK))[:, : rows - start]
        yield {"y_true": y_true, "y_pred": y_true + 0.5 * error}


def write_csv(path: Path, rows: int) -> None:
    """All digits, as pandas and NumPy users write them."""
    import pyarrow as pa
    from pyarrow import csv

    schema = pa.schema([("y_true", pa.float64()), ("y_pred", pa.float64())])
    options = csv.WriteOptions(quoting_header="none")
    with csv.CSVWriter(path, schema, write_options=options) as writer:
        for block in blocks(rows):
            writer.write_table(pa.table(block))


def write_parquet(path: Path, rows: int) -> None:
    """With PyArrow's defaults: snappy, a row group a block."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([("y_true", pa.float64()), ("y_pred", pa.float64())])
    with parquet.ParquetWriter(path, schema) as writer:
        for block in blocks(rows):
            writer.write_table(pa.table(block))


def npy_writer(column: str) -> Callable[[Path, int], None]:
    """The writer of one column."""

    def write(path: Path, rows: int) -> None:
        import numpy as np

        array = np.lib.format.open_memmap(path, "w+", dtype=float, shape=(rows,))
        for block, values in enumerate(blocks(rows)):
            array[block * BLOCK : (block + 1) * BLOCK] = values[column]
        array.flush()

    return write


DATA = {
    "small_csv": Data(".csv", write_csv, fixed=SMALL),
    "csv": Data(".csv", write_csv),
    "csv_x5": Data(".csv", write_csv, times=5),
    "parquet": Data(".parquet", write_parquet),
    "true_npy": Data("-true.npy", npy_writer("y_true")),
    "pred_npy": Data("-pred.npy", npy_writer("y_pred")),
}


def make(folder: Path, rows: int, names: set[str]) -> None:
    """Make what is not there, in another process."""
    missing = sorted(name for name in names if not DATA[name].path(folder, rows).exists())
    if missing:
        command = [sys.executable, __file__, str(folder), str(rows), *missing]
        subprocess.run(command, check=True, env=environment())


def _write(data: Data, folder: Path, rows: int) -> None:
    """Under another name first, so that a file that is there is whole."""
    path = data.path(folder, rows)
    unfinished = path.with_name(f"unfinished-{path.name}")
    data.write(unfinished, data.rows(rows))
    unfinished.replace(path)


def main(folder: str, rows: str, *names: str) -> None:
    """Make the files of these names."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names:
        _write(DATA[name], Path(folder), int(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
