"""DuckDB SQL: all statistics of a loss by group."""

import sys

import duckdb

path, column = sys.argv[1:]
query = f"""
    SELECT {column}, count(*), avg(loss), stddev_pop(loss),
           min(loss), quantile_cont(loss, [0.5, 0.95]), max(loss), sum(loss)
    FROM (SELECT {column}, (y_true - y_pred) ^ 2 AS loss FROM read_csv('{path}'))
    GROUP BY {column} ORDER BY {column}
"""
print("loss", column, "n", "value", "std", "min", "median", "p95", "max", "sum", sep="\t")
for group, n, mean, std, smallest, (median, p95), largest, total in duckdb.sql(query).fetchall():
    print("mse", group, n, mean, std, smallest, median, p95, largest, total, sep="\t")
