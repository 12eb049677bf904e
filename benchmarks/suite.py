"""The benchmarks, declared once: our command, the peer's command, and the limits of ours."""

from __future__ import annotations

from benchmark import (
    Benchmark,
    Command,
    compare_peaks,
    from_json_output,
    in_memory,
    losscli,
    losscli_asked_by_shell,
    losscli_piped,
    peer,
)
from outputs import parse_column, parse_losses, parse_statistics, parse_values

SKLEARN, POLARS, DUCKDB, TORCH = ("scikit-learn",), ("polars",), ("duckdb",), ("torch",)
SCORINGRULES = ("scoringrules", "numba")
EIGHT_LOSSES = "mse,mae,huber,smooth_l1:beta=0.5,log_cosh,quantile:tau=0.9,pseudo_huber,cauchy:c=1"
FIVE_LOSSES = "mse,mae,huber,log_cosh,quantile:tau=0.9"
AWK_PROGRAM = 'NR > 1 { e = $1 - $2; s += e * e } END { printf "%.17g\\n", s / (NR - 1) }'

VERSION = losscli("`losscli --version`", "--version")
LIST = losscli("`losscli list`", "list")
EXPLAIN = losscli("`losscli explain huber`", "explain", "huber")
TAB = losscli_asked_by_shell("TAB after `compute mse,hu`", "compute", "mse,hu")
TAB_FOR_COLUMN = losscli_asked_by_shell(
    "TAB after `compute mse data.csv --true=`", "compute", "mse", "{csv}", "--true="
)
SMALL = losscli_piped("`cat data.csv \\| losscli compute mse`", "small_csv", "compute", "mse", "-f", "value")
CSV = losscli("`losscli compute mse data.csv`", "compute", "mse", "{csv}", "-q", "-f", "value")
CSV_X5 = losscli("the same, five times the rows", "compute", "mse", "{csv_x5}", "-q", "-f", "value")
PIPE = losscli_piped("`cat data.csv \\| losscli compute mse`", "csv", "compute", "mse", "-q", "-f", "value")
PIPE_X5 = losscli_piped("the same, five times the rows", "csv_x5", "compute", "mse", "-q", "-f", "value")
PARQUET = losscli("`losscli compute mse data.parquet`", "compute", "mse", "{parquet}", "-q", "-f", "value")
NPY = losscli(
    "`losscli compute mse true.npy pred.npy`", "compute", "mse", "{true_npy}", "{pred_npy}", "-q", "-f", "value"
)
JSON_LINES = losscli("`losscli compute mse data.jsonl`", "compute", "mse", "{json_lines}", "-q", "-f", "value")
COMPUTE_EIGHT = losscli("`losscli compute` of eight losses", "compute", EIGHT_LOSSES, "{csv}", "-q", "-f", "tsv")
COMPUTE_FIVE = losscli("`losscli compute` of five losses", "compute", FIVE_LOSSES, "{medium_csv}", "-q", "-f", "tsv")
COMPARE_FIVE = losscli(
    "`losscli compare` of five losses", "compare", "--losses", FIVE_LOSSES, "{medium_csv}", "-q", "-f", "tsv"
)
ONE_MODEL = losscli(
    "`losscli compare` of one model, `--ci 0.95`",
    *("compare", "--losses", FIVE_LOSSES, "{models_csv}", "--pred", "m0", "--ci", "0.95", "-q", "-f", "tsv"),
)
TEN_MODELS = losscli(
    "`losscli compare` of ten models, `--ci 0.95`",
    *("compare", "--losses", FIVE_LOSSES, "{models_csv}", "--pred", "m*", "--ci", "0.95", "-q", "-f", "tsv"),
)
PER_SAMPLE = losscli(
    "`compute mse data.csv --per-sample`", "compute", "mse", "{medium_csv}", "--per-sample", "-q", "-o", "{ours_csv}"
)
BY_CITY = losscli("`--group-by city`", "compute", "mse", "{groups_csv}", "--group-by", "city", "-q", "-f", "tsv")
BY_USER = losscli("`--group-by user`", "compute", "mse", "{groups_csv}", "--group-by", "user", "-q", "-f", "tsv")
BY_FILE = losscli("`--group-by @file`", "compute", "mse", "{many_csv}", "--group-by", "@file", "-q", "-f", "tsv")
TOKENS = losscli(
    "`compute softmax_loss tokens.npy scores.npy`",
    *("compute", "softmax_loss", "{tokens_npy}", "{scores_npy}", "-q", "-f", "value"),
)
INFO_NCE = losscli(
    "`compute info_nce a.npy p.npy`",
    *("compute", "info_nce", "anchor={anchor_npy}", "positive={positive_npy}", "-q", "-f", "value"),
)

KERNELS = in_memory("`get_loss(...).value`", "kernels")
COMPUTE_IN_MEMORY = in_memory("`compute(...).value`", "kernels", "--through", "compute", "--rows", "4000000")
STATISTICS_IN_MEMORY = in_memory(
    "`compute(...)`, all statistics", "kernels", "--through", "statistics", "--rows", "4000000"
)
GRADIENT_IN_MEMORY = in_memory('`get_loss("info_nce").gradient`', "coupled", "info_nce-gradient")
ARCFACE_IN_MEMORY = in_memory('`get_loss("arcface").value`', "coupled", "arcface")
TRIPLETS_IN_MEMORY = in_memory('`get_loss("triplet_mined:mining=hard").value`', "coupled", "hard-triplets")
SUPCON_IN_MEMORY = in_memory('`get_loss("supcon").value`', "coupled", "supcon")
NDCG_IN_MEMORY = in_memory('`get_loss("ndcg_loss").value`', "tasks", "ndcg")
ENSEMBLES_IN_MEMORY = in_memory('`get_loss("crps_ensemble").value`', "tasks", "crps_ensemble")
LABELS_IN_MEMORY = in_memory('`get_loss("f1_loss").value`', "tasks", "labels")

IMPORT_CLICK = Command("`python -c 'import click'`", ("{python}", "-c", "import click"))
IMPORT_NUMPY = Command("`python -c 'import numpy'`", ("{python}", "-c", "import numpy"))
PANDAS_SMALL = peer("pandas one-liner", "pandas_small", "{small_csv}")
SKLEARN_CSV = peer("pandas + scikit-learn", "sklearn_csv", "{csv}", requires=SKLEARN)
SKLEARN_ARROW = peer('the same, `engine="pyarrow"`', "sklearn_arrow_csv", "{csv}", requires=SKLEARN)
POLARS_CSV = peer("Polars, streaming", "polars_csv", "{csv}", requires=POLARS)
DUCKDB_CSV = peer("DuckDB SQL", "duckdb_csv", "{csv}", requires=DUCKDB)
AWK_CSV = Command("awk", ("awk", "-F,", AWK_PROGRAM.replace("{", "{{").replace("}", "}}"), "{csv}"), ("awk",))
DUCKDB_PARQUET = peer("DuckDB SQL", "duckdb_parquet", "{parquet}", requires=DUCKDB)
NUMPY_NPY = peer("NumPy one-liner", "numpy_npy", "{true_npy}", "{pred_npy}")
JSON_DUCKDB = peer("DuckDB SQL", "duckdb_json_lines", "{json_lines}", requires=DUCKDB)
JSON_POLARS = peer("Polars, streaming", "polars_json_lines", "{json_lines}", requires=POLARS)
PANDAS_EIGHT = peer("pandas + NumPy", "pandas_eight", "{csv}")
POLARS_ROWS = peer("Polars, `sink_csv`", "polars_rows", "{medium_csv}", "{theirs_csv}", requires=POLARS)
DUCKDB_CITY = peer("DuckDB SQL", "duckdb_groups", "{groups_csv}", "city", requires=DUCKDB)
DUCKDB_USER = peer("DuckDB SQL", "duckdb_groups", "{groups_csv}", "user", requires=DUCKDB)
DUCKDB_FILES = peer("DuckDB SQL", "duckdb_files", "{many_csv}", requires=DUCKDB)
TORCH_TOKENS = peer("torch, 256 rows at a time", "torch_tokens", "{tokens_npy}", "{scores_npy}", requires=TORCH)
TORCH_INFO_NCE = peer("torch", "torch_info_nce", "{anchor_npy}", "{positive_npy}", requires=TORCH)
TORCH_INSIDE = Command("torch, all processors", (), TORCH)
SKLEARN_INSIDE = Command("scikit-learn", (), SKLEARN)
SCORINGRULES_INSIDE = Command("scoringrules with numba", (), SCORINGRULES)

BENCHMARKS = [
    Benchmark("start", VERSION, IMPORT_CLICK, 1.1, has_no_pause=True),
    Benchmark("completion", TAB, IMPORT_CLICK, 2.0, has_no_pause=True),
    Benchmark("completion of a column", TAB_FOR_COLUMN, IMPORT_CLICK, 2.3, has_no_pause=True),
    Benchmark("list", LIST, IMPORT_NUMPY, 1.2, has_no_pause=True),
    Benchmark("explain", EXPLAIN, IMPORT_NUMPY, 1.2, has_no_pause=True),
    Benchmark("1 000 rows, piped", SMALL, PANDAS_SMALL, 0.35, parse=parse_values, has_no_pause=True),
    Benchmark("1 000 rows, piped", SMALL, IMPORT_NUMPY, 2.0, has_no_pause=True),
    Benchmark("200 files of 500 rows", BY_FILE, DUCKDB_FILES, 2.0, parse=parse_column),
    Benchmark("{csv} rows, CSV", CSV, SKLEARN_CSV, 0.33, max_peak=400, parse=parse_values),
    Benchmark("{csv} rows, CSV", CSV, SKLEARN_ARROW, parse=parse_values),
    Benchmark("{csv} rows, CSV", CSV, POLARS_CSV, 0.9, parse=parse_values),
    Benchmark("{csv} rows, CSV", CSV, DUCKDB_CSV, 0.85, parse=parse_values),
    Benchmark("{csv} rows, CSV", CSV, AWK_CSV, parse=parse_values),
    Benchmark("{csv} rows, Parquet", PARQUET, DUCKDB_PARQUET, 1.0, parse=parse_values),
    Benchmark("{csv} rows, NPY pair", NPY, NUMPY_NPY, 0.9, parse=parse_values),
    Benchmark("{csv} rows, NPY pair, at once", NPY, NUMPY_NPY, parse=parse_values, has_no_pause=True),
    Benchmark("{json_lines} rows, JSON Lines", JSON_LINES, JSON_DUCKDB, 1.0, max_peak=400, parse=parse_values),
    Benchmark("{json_lines} rows, JSON Lines", JSON_LINES, JSON_POLARS, 1.0, parse=parse_values),
    Benchmark("{csv} rows, CSV, 8 losses, all statistics", COMPUTE_EIGHT, PANDAS_EIGHT, 0.45, parse=parse_statistics),
    Benchmark("{medium_csv} rows, CSV, 5 losses", COMPARE_FIVE, COMPUTE_FIVE, 2.0, max_peak=2000, parse=parse_losses),
    Benchmark("{models_csv} rows, CSV, 5 losses, 10 models", TEN_MODELS, ONE_MODEL, 3.0, max_peak=250),
    Benchmark(
        "peak memory, {models_csv} rows, 10 models", TEN_MODELS, ONE_MODEL, 1.6, compare=compare_peaks, max_rounds=1
    ),
    Benchmark("{medium_csv} rows to rows", PER_SAMPLE, POLARS_ROWS, 1.0, max_peak=400, parse=parse_values),
    Benchmark("{groups_csv} rows, 20 groups", BY_CITY, DUCKDB_CITY, 1.0, max_peak=400, parse=parse_statistics),
    Benchmark("{groups_csv} rows, 2 000 groups", BY_USER, DUCKDB_USER, 1.5, max_peak=400, parse=parse_statistics),
    Benchmark(
        "{scores_npy} tokens, 32 000 scores each, NPY",
        TOKENS,
        TORCH_TOKENS,
        1.0,
        max_peak=500,
        parse=parse_values,
        tolerance=1e-6,
    ),
    Benchmark("{anchor_npy} pairs, info_nce", INFO_NCE, TORCH_INFO_NCE, max_peak=300, parse=parse_values),
    *(
        Benchmark(name, ours, TORCH_INSIDE, limit, compare=from_json_output, max_rounds=0)
        for name, ours, limit in [
            ("in memory, ten losses of 10 M numbers", KERNELS, 1.0),
            ("in memory, ten losses of 4 M numbers", COMPUTE_IN_MEMORY, 1.0),
            ("in memory, ten losses of 4 M numbers", STATISTICS_IN_MEMORY, 1.5),
            ("in memory, 5 000 x 128, gradient", GRADIENT_IN_MEMORY, 1.5),
            ("in memory, 5 000 x 512, 1 000 classes", ARCFACE_IN_MEMORY, 1.0),
            ("in memory, 3 000 x 128", TRIPLETS_IN_MEMORY, 1.0),
            ("in memory, 5 000 x 128", SUPCON_IN_MEMORY, 1.0),
        ]
    ),
    *(
        Benchmark(name, ours, theirs, limit, compare=from_json_output, max_rounds=0)
        for name, ours, theirs, limit in [
            ("in memory, 1 M documents of 50 000 queries", NDCG_IN_MEMORY, SKLEARN_INSIDE, 3.0),
            ("in memory, 1 M ensembles of 50 members", ENSEMBLES_IN_MEMORY, SCORINGRULES_INSIDE, 1.0),
            ("in memory, 10 M labels of 10 classes", LABELS_IN_MEMORY, SKLEARN_INSIDE, 1.0),
        ]
    ),
    Benchmark("peak memory, {csv_x5} rows, CSV", CSV_X5, CSV, 1.3, max_peak=400, compare=compare_peaks, max_rounds=1),
    Benchmark(
        "peak memory, {csv_x5} rows, piped", PIPE_X5, PIPE, 1.3, max_peak=400, compare=compare_peaks, max_rounds=1
    ),
]
