"""DuckDB SQL over JSON Lines."""

import sys

import duckdb

source = f"read_json('{sys.argv[1]}', format='newline_delimited', columns={{y_true: 'DOUBLE', y_pred: 'DOUBLE'}})"
print(duckdb.sql(f"SELECT avg((y_true - y_pred) ^ 2) FROM {source}").fetchall()[0][0])
