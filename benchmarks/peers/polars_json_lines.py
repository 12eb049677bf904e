"""Polars over JSON Lines, streaming."""

import sys

import polars as pl

error = pl.col("y_true") - pl.col("y_pred")
print(pl.scan_ndjson(sys.argv[1]).select((error**2).mean()).collect(engine="streaming").item())
