"""Writers of seeded data: each writes so many rows to a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SEED = 7
ROWS_PER_BLOCK = 1_000_000
N_CITIES, N_USERS = 20, 2_000
N_MODELS = 10
N_FILES = 200
N_TOKENS = 32_000  # of a vocabulary
DIMENSIONS = 128  # of an embedding

Block = dict[str, Any]
Write = Callable[[Path, int], None]


def generate_pairs(rows: int) -> Iterator[Block]:
    """Yield `y_true` and `y_pred` block by block."""
    import numpy as np

    for block, start in enumerate(range(0, rows, ROWS_PER_BLOCK)):
        y_true, error = np.random.default_rng((SEED, block)).normal(size=(2, ROWS_PER_BLOCK))[:, : rows - start]
        yield {"y_true": y_true, "y_pred": y_true + 0.5 * error}


def generate_grouped_pairs(rows: int) -> Iterator[Block]:
    """Yield `y_true`, `y_pred`, `city` and `user` block by block."""
    import numpy as np
    import pyarrow as pa

    for block, pairs in enumerate(generate_pairs(rows)):
        rng, n = np.random.default_rng((SEED, block, 1)), len(pairs["y_true"])
        names = {
            "city": pa.array([f"city{i:02d}" for i in range(N_CITIES)]).take(pa.array(rng.integers(0, N_CITIES, n))),
            "user": pa.array([f"u{i:05d}" for i in range(N_USERS)]).take(pa.array(rng.integers(0, N_USERS, n))),
        }
        yield pairs | names


def generate_models(rows: int) -> Iterator[Block]:
    """Yield `y_true` and the predictions `m0`, `m1`, ... of N_MODELS models, each worse than the last."""
    import numpy as np

    for block, pairs in enumerate(generate_pairs(rows)):
        rng, y_true = np.random.default_rng((SEED, block, 2)), pairs["y_true"]
        errors = {f"m{i}": (1 + 0.02 * i) * rng.normal(size=len(y_true)) for i in range(N_MODELS)}
        yield {"y_true": y_true} | {name: y_true + error for name, error in errors.items()}


def csv_writer(generate: Callable[[int], Iterator[Block]]) -> Write:
    """Return a writer of all digits, as pandas and NumPy users write them."""

    def write(path: Path, rows: int) -> None:
        import pyarrow as pa
        from pyarrow import csv

        blocks = map(pa.table, generate(rows))
        first = next(blocks)
        options = csv.WriteOptions(quoting_style="needed", quoting_header="none")
        with csv.CSVWriter(path, first.schema, write_options=options) as writer:
            for table in (first, *blocks):
                writer.write_table(table)

    return write


def write_parquet(path: Path, rows: int) -> None:
    """Write with PyArrow's defaults (snappy), one row group per block."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([("y_true", pa.float64()), ("y_pred", pa.float64())])
    with parquet.ParquetWriter(path, schema) as writer:
        for block in generate_pairs(rows):
            writer.write_table(pa.table(block))


def write_json_lines(path: Path, rows: int) -> None:
    """Write a number, `y_true`, `y_pred` and `city` on each line."""
    with path.open("w") as file:
        number = 0
        for block in generate_grouped_pairs(rows):
            for y, p, city in zip(block["y_true"].tolist(), block["y_pred"].tolist(), block["city"], strict=True):
                file.write(f'{{"id": {number}, "y_true": {y!r}, "y_pred": {p!r}, "city": "{city}"}}\n')
                number += 1


def write_many(path: Path, rows: int) -> None:
    """Write a folder of N_FILES files of as many rows each."""
    path.mkdir()
    pairs = next(generate_pairs(rows))
    lines = [f"{y!r},{p!r}\n" for y, p in zip(pairs["y_true"].tolist(), pairs["y_pred"].tolist(), strict=True)]
    for i in range(N_FILES):
        part = lines[i * rows // N_FILES : (i + 1) * rows // N_FILES]
        (path / f"run{i:03d}.csv").write_text("y_true,y_pred\n" + "".join(part))


def npy_writer(column: str) -> Write:
    """Return a writer of one column."""

    def write(path: Path, rows: int) -> None:
        import numpy as np

        array = np.lib.format.open_memmap(path, "w+", dtype=float, shape=(rows,))
        for block, values in enumerate(generate_pairs(rows)):
            array[block * ROWS_PER_BLOCK : (block + 1) * ROWS_PER_BLOCK] = values[column]
        array.flush()

    return write


def write_scores(path: Path, rows: int) -> None:
    """Write float16 scores of all tokens, as models give them."""
    import numpy as np

    rng = np.random.default_rng((SEED, 2))
    array = np.lib.format.open_memmap(path, "w+", dtype=np.float16, shape=(rows, N_TOKENS))
    for start in range(0, rows, 256):
        array[start : start + 256] = 3 * rng.normal(size=array[start : start + 256].shape)
    array.flush()


def write_tokens(path: Path, rows: int) -> None:
    """Write one token per row."""
    import numpy as np

    np.save(path, np.random.default_rng((SEED, 3)).integers(0, N_TOKENS, rows))


def embedding_writer(noise: float) -> Write:
    """Return a writer of embeddings with this much noise; all have the same without it."""

    def write(path: Path, rows: int) -> None:
        import numpy as np

        shared = np.random.default_rng((SEED, 4)).normal(size=(rows, DIMENSIONS))
        np.save(path, shared + noise * np.random.default_rng((SEED, 5)).normal(size=shared.shape))

    return write
