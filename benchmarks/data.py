"""Seeded data for the benchmarks, written once into a folder.

    python benchmarks/data.py FOLDER ROWS NAME...

This is a separate program because making the data takes much memory (see measure.py). `y_true` is normal and `y_pred`
is `y_true` plus a normal error of standard deviation 0.5, both with all their digits. Rows are drawn in blocks, each
with its own seed, so that a longer file starts with the rows of a shorter one.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import writers
from measure import environment

DEFAULT_ROWS = 10_000_000
MIN_ROWS = 200


@dataclass(frozen=True)
class DataFile:
    """A file or folder: its ending, its writer, and its number of rows at DEFAULT_ROWS, which grows with `--rows`."""

    ending: str
    write: writers.Write
    default_rows: int
    is_fixed: bool = False  # whether it has as many rows whatever --rows says

    def rows(self, rows: int) -> int:
        """Return the number of rows for a value of `--rows`."""
        return self.default_rows if self.is_fixed else max(MIN_ROWS, self.default_rows * rows // DEFAULT_ROWS)

    def path(self, folder: Path, rows: int) -> Path:
        """Return the path of the file, which need not exist yet."""
        return folder / f"normal{writers.SEED}-{self.rows(rows)}{self.ending}"


PAIRS = writers.csv_writer(writers.generate_pairs)
MODELS = writers.csv_writer(writers.generate_models)
GROUPED_PAIRS = writers.csv_writer(writers.generate_grouped_pairs)

DATASETS = {
    "small_csv": DataFile(".csv", PAIRS, 1_000, is_fixed=True),
    "medium_csv": DataFile(".csv", PAIRS, 3_000_000),
    "csv": DataFile(".csv", PAIRS, 10_000_000),
    "csv_x5": DataFile(".csv", PAIRS, 50_000_000),
    "models_csv": DataFile("-models.csv", MODELS, 100_000, is_fixed=True),
    "groups_csv": DataFile("-groups.csv", GROUPED_PAIRS, 3_000_000),
    "many_csv": DataFile("-in-files", writers.write_many, 500 * writers.N_FILES, is_fixed=True),
    "json_lines": DataFile(".jsonl", writers.write_json_lines, 2_000_000),
    "parquet": DataFile(".parquet", writers.write_parquet, 10_000_000),
    "true_npy": DataFile("-true.npy", writers.npy_writer("y_true"), 10_000_000),
    "pred_npy": DataFile("-pred.npy", writers.npy_writer("y_pred"), 10_000_000),
    "scores_npy": DataFile("-scores.npy", writers.write_scores, 4_096),
    "tokens_npy": DataFile("-tokens.npy", writers.write_tokens, 4_096),
    "anchor_npy": DataFile("-anchor.npy", writers.embedding_writer(0.0), 6_000),
    "positive_npy": DataFile("-positive.npy", writers.embedding_writer(1.0), 6_000),
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
