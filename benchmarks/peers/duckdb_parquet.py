"""DuckDB SQL over Parquet."""

import sys

import duckdb

query = f"SELECT avg((y_true - y_pred) ^ 2) FROM read_parquet('{sys.argv[1]}')"
print(duckdb.sql(query).fetchall()[0][0])
