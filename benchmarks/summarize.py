"""Print the numbers of a CSV file that a command wrote: rows, and of each column the sum, plain and by position.

    python benchmarks/summarize.py FILE

Two files with the same numbers in another order differ in the sums by position. This is a separate program because it
takes much memory (see measure.py).
"""

from __future__ import annotations

import sys

import numpy as np
from pyarrow import csv


def main(path: str) -> None:
    """Print one number per line."""
    table = csv.read_csv(path)
    position = np.arange(1.0, table.num_rows + 1) / table.num_rows
    print(table.num_rows, table.num_columns)
    for column in table.columns:
        values = column.to_numpy()
        print(float(values.sum()), float(position @ values))


if __name__ == "__main__":
    main(sys.argv[1])
