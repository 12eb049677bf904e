"""DuckDB SQL over the CSV files of a folder, one mean per file."""

import sys

import duckdb

source = f"read_csv('{sys.argv[1]}/*.csv', filename=true)"
query = f"SELECT avg((y_true - y_pred) ^ 2) FROM {source} GROUP BY filename ORDER BY filename"
print("value", *(mean for (mean,) in duckdb.sql(query).fetchall()), sep="\n")
