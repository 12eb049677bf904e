"""The command line as a user drives it: formats, pipes, terminals, interrupts."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import losscli
from losscli.cli import COMMANDS
from losscli.statistics.quantiles import Quantiles
from tests.conftest import (
    ENVIRONMENT,
    LOSSCLI,
    SAMPLE_DATA,
    Cli,
    as_bytes,
    interruptible,
    records,
    write_csv,
    write_feather,
    write_json,
    write_jsonl,
    write_npy,
    write_npz,
    write_parquet,
)

DIABETES = str(SAMPLE_DATA / "diabetes.csv")

# ------------------------------------------------------------------------------------------ formats of data


def table() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    y = rng.normal(size=50)
    return {"y_true": y, "y_pred": y + rng.normal(size=50)}


def formats() -> dict[str, bytes]:
    t = table()
    both = np.stack(list(t.values()), axis=1)
    fields = np.array([tuple(row) for row in both], dtype=[("y_true", "f8"), ("y_pred", "f8")])
    return {
        "csv": as_bytes(write_csv, t),
        "tsv": as_bytes(write_csv, t, delimiter="\t"),
        "json": as_bytes(write_json, t),
        "records.json": json.dumps(records(t)).encode(),
        "indented.json": json.dumps(records(t), indent=1).encode(),
        "jsonl": as_bytes(write_jsonl, t),
        "npy": as_bytes(write_npy, both),
        "fortran.npy": as_bytes(write_npy, np.asfortranarray(both)),
        "big_endian.npy": as_bytes(write_npy, both.astype(">f8")),
        "fields.npy": as_bytes(write_npy, fields),
        "npz": as_bytes(write_npz, t),
        "packed.npz": as_bytes(write_npz, t, compressed=True),
        "parquet": as_bytes(write_parquet, t),
        "feather": as_bytes(write_feather, t),
        "v1.feather": as_bytes(write_feather, t, version=1),
    }


FORMATS = formats()
COMPRESSED = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}
DIGITS = losscli.compute(["mse", "huber"], data=table())
EXPECTED = f"{DIGITS[0].value!r}\n{DIGITS[1].value!r}\n"


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_digits(name: str, cli: Cli) -> None:
    Path(f"d.{name}").write_bytes(FORMATS[name])
    assert cli("compute", "mse,huber", f"d.{name}", "-f", "value").out == EXPECTED
    assert cli("compute", "mse,huber", "-f", "value", stdin=FORMATS[name]).out == EXPECTED, "sniffed in a pipe"
    named = cli("compute", "mse,huber", "-f", "value", "--input-format", name.rpartition(".")[2], stdin=FORMATS[name])
    assert named.out == EXPECTED


@pytest.mark.parametrize("ending", COMPRESSED)
@pytest.mark.parametrize("name", ["csv", "json", "jsonl", "npy", "npz", "parquet", "feather"])
def test_compressed(name: str, ending: str, cli: Cli) -> None:
    data = COMPRESSED[ending](FORMATS[name])
    Path(f"d.{name}.{ending}").write_bytes(data)
    assert cli("compute", "mse,huber", f"d.{name}.{ending}", "-f", "value").out == EXPECTED
    assert cli("compute", "mse,huber", "-f", "value", stdin=data).out == EXPECTED


def test_two_files_and_roles(cli: Cli) -> None:
    for role, values in table().items():
        np.save(f"{role}.npy", values)
        np.save(f"column_{role}.npy", values[:, None])
        Path(f"{role}.csv").write_text("anything\n" + "".join(f"{v!r}\n" for v in values.tolist()))
    for pair in (["y_true.npy", "y_pred.npy"], ["y_true.npy", "y_pred.csv"], ["y_true.csv", "column_y_pred.npy"]):
        assert cli("compute", "mse,huber", *pair, "-f", "value").out == EXPECTED
    assert cli("compute", "mse,huber", "y_pred=y_pred.npy", "y_true=y_true.csv", "-f", "value").out == EXPECTED


def test_parts_of_a_dataset(cli: Cli) -> None:
    Path("parts").mkdir()
    lines = FORMATS["csv"].splitlines(keepends=True)
    Path("parts/a.csv").write_bytes(b"".join(lines[:21]))
    Path("parts/b.csv").write_bytes(lines[0] + b"".join(lines[21:]))
    for parts in ("parts", "parts/*.csv"):
        values = [float(line) for line in cli("compute", "mse,huber", parts, "-f", "value").out.split()]
        assert values == pytest.approx([result.value for result in DIGITS], rel=1e-13)


def test_files_paired_by_a_key(cli: Cli) -> None:
    Path("t.csv").write_text("key,truth\na,1\nb,2\nc,3\n")
    Path("p.jsonl").write_text('{"key": "c", "guess": 5}\n{"key": "a", "guess": 1}\n{"key": "b", "guess": 2}\n')
    result = cli("compute", "mae", "t.csv", "p.jsonl", "--id", "key", "--per-sample")
    assert result.out == "key\ty_true\ty_pred\tmae\na\t1.0\t1.0\t0.0\nb\t2.0\t2.0\t0.0\nc\t3.0\t5.0\t2.0\n"


@pytest.mark.parametrize("guess", ["7", "x", ""])
def test_files_paired_by_a_key_name_rows_by_their_own_numbers(guess: str, cli: Cli) -> None:
    Path("t.csv").write_text("key,y_true\na,1\nb,0\nc,1\n")
    Path("p.csv").write_text(f"key,y_pred\nc,0.5\na,0.5\nb,{guess}\n")
    assert "p.csv: column 'y_pred', row 3: " in cli("compute", "bce", "t.csv", "p.csv", "--id", "key").err


def test_columns_by_name_list_and_pattern(cli: Cli) -> None:
    data = b"y,p_dog,p_cat,w\ndog,0.75,0.25,1\ncat,0.5,0.5,3\n"
    expected = (np.log(4 / 3) + 3 * np.log(2)) / 4
    for pred in ("p_*", "p_dog,p_cat", "p_cat,p_dog"):
        result = cli("compute", "cross_entropy", "--pred", pred, "--weight", "w", "-f", "value", stdin=data)
        assert float(result.out) == pytest.approx(expected, rel=1e-15)


# ------------------------------------------------------------------------------------------ formats of output


def test_a_pipe_gets_tsv_in_full_precision(cli: Cli) -> None:
    result = cli("compute", "mse,huber:delta=50", DIABETES)
    header, *rows = [line.split("\t") for line in result.out.splitlines()]
    assert header == ["loss", "n", "value", "std", "min", "median", "p95", "max", "sum"]
    results = losscli.compute(["mse", "huber:delta=50"], data=DIABETES)
    assert [float(row[2]) for row in rows] == [r.value for r in results]
    assert "\x1b" not in result.out


def test_csv(cli: Cli) -> None:
    (row,) = csv.DictReader(io.StringIO(cli("compute", "mse", DIABETES, "-f", "csv").out))
    assert row["loss"] == "mse"
    assert row["n"] == "442"


def test_json(cli: Cli) -> None:
    document = json.loads(cli("compute", "huber:delta=50", DIABETES, "-f", "json").out)
    result = losscli.compute("huber:delta=50", data=DIABETES)
    assert document["schema_version"] == 1
    counts = {"n": 442, "n_used": 442, "n_omitted": 0, "weight_sum": 442.0}
    assert document["data"] == {"paths": [DIABETES], "format": "csv", **counts}
    (loss,) = document["losses"]
    assert (loss["name"], loss["params"], loss["value"]) == ("huber", {"delta": 50.0}, result.value)
    assert loss["signature"] == "huber:delta=50|n=442|nan=error|reduction=mean|weights=no|losscli=0.2.0"


def test_jsonl(cli: Cli) -> None:
    lines = cli("compute", "mse,mae", DIABETES, "-f", "jsonl").out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["mse", "mae"]


def test_markdown(cli: Cli) -> None:
    lines = cli("compute", "mse", DIABETES, "-f", "markdown").out.splitlines()
    assert lines[0].startswith("| loss | n | value |")
    assert lines[2].startswith("| mse | 442 | 2987.29 |")


def test_value(cli: Cli) -> None:
    assert cli("compute", "mse,mae", DIABETES, "-f", "value").out == "2987.2917369585066\n44.2775778280543\n"


def test_precision_is_for_people_only(cli: Cli) -> None:
    assert "2987.3 " in cli("compute", "mse", DIABETES, "-f", "table", "--precision", "5").out
    assert "| 2987.3 |" in cli("compute", "mse", DIABETES, "-f", "markdown", "--precision", "5").out
    for format_ in ("tsv", "csv", "json", "jsonl", "value"):
        assert "2987.2917369585066" in cli("compute", "mse", DIABETES, "-f", format_, "--precision", "5").out


def test_samples_as_json(cli: Cli) -> None:
    document = json.loads(cli("compute", "mae", "--per-sample", "-f", "json", stdin=b"y_true,y_pred\n1,2\n3,5\n").out)
    assert document["samples"][1] == {"row": 2, "y_true": 3.0, "y_pred": 5.0, "mae": 2.0}
    assert document["losses"][0]["value"] == 1.5


def test_top_rows_are_the_worst_of_all_batches(cli: Cli) -> None:
    header, *lines = Path(DIABETES).read_text().splitlines(keepends=True)
    Path("parts").mkdir()
    for start in range(0, len(lines), 7):  # each file is a batch at least
        Path(f"parts/{start:03}.csv").write_text(header + "".join(lines[start : start + 7]))
    result = cli("compute", "mse,mae", "parts", "--top", "3", "--id", "id", "-f", "jsonl")
    worst = losscli.compute("mse", data=DIABETES).to_frame()["mse"].nlargest(3)
    found = [json.loads(line) for line in result.out.splitlines()]
    assert [row["mse"] for row in found] == worst.tolist()
    assert [row["id"] for row in found] == [f"p{i:03}" for i in worst.index]


def test_gradient_columns(cli: Cli) -> None:
    data = b"y,p_a,p_b\na,0.5,0.5\n"
    result = cli("compute", "cross_entropy", "--pred", "p_*", "--gradient", stdin=data)
    assert result.out.splitlines()[0].endswith("cross_entropy.gradient_0\tcross_entropy.gradient_1")
    assert result.out.splitlines()[1].endswith("-2.0\t0.0")


@pytest.mark.parametrize(("reduction", "expected"), [("mean", 5 / 3), ("sum", 5.0), ("median", 1.0)])
def test_reductions(reduction: str, expected: float, cli: Cli) -> None:
    data = b"y_true,y_pred\n0,1\n0,1\n0,3\n"
    result = cli("compute", "mae", "--reduction", reduction, "-f", "json", stdin=data)
    loss = json.loads(result.out)["losses"][0]
    assert loss["value"] == pytest.approx(expected)
    assert f"reduction={reduction}" in loss["signature"]


def test_reduction_none_is_per_sample(cli: Cli) -> None:
    data = b"y_true,y_pred\n0,1\n0,3\n"
    assert cli("compute", "mae", "--reduction", "none", "-f", "value", stdin=data).out == "1.0\n3.0\n"


def test_groups(cli: Cli) -> None:
    data = b"y_true,y_pred,site,week,w\n0,1,b,1,1\n0,3,a,1,2\n0,5,a,1,4\n0,9,,2,1\n"
    result = cli("compute", "mae,max_error", "--group-by", "site,week", "--weight", "w", stdin=data)
    rows = [line.split("\t")[:6] for line in result.out.splitlines()]
    assert rows == [
        ["loss", "site", "week", "n", "weight", "value"],
        ["mae", "", "2", "1", "1.0", "9.0"],
        ["max_error", "", "2", "1", "1.0", "9.0"],
        ["mae", "a", "1", "2", "6.0", repr(26 / 6)],
        ["max_error", "a", "1", "2", "6.0", "5.0"],
        ["mae", "b", "1", "1", "1.0", "1.0"],
        ["max_error", "b", "1", "1", "1.0", "1.0"],
    ]
    assert "3 groups have fewer than 30 rows" in result.err


def test_quiet_hides_notes(cli: Cli) -> None:
    data = b"a,b\n1,2\n"
    assert "by position" in cli("compute", "mse", stdin=data).err
    assert cli("compute", "mse", "-q", stdin=data).err == ""


@pytest.mark.parametrize("ending", ["csv", "tsv", "json", "jsonl", "md", "txt"])
def test_output_file_by_its_ending(ending: str, cli: Cli) -> None:
    format_ = {"md": "markdown", "txt": "table"}.get(ending, ending)
    shown = cli("compute", "mse", DIABETES, "-f", format_)
    written = cli("compute", "mse", DIABETES, "-o", f"out.{ending}")
    assert (written.status, written.out) == (0, "")
    assert Path(f"out.{ending}").read_text() == shown.out
    assert [path.name for path in Path().iterdir()] == [f"out.{ending}"]


def test_format_wins_over_the_ending(cli: Cli) -> None:
    cli("compute", "mse", DIABETES, "-o", "out.dat", "-f", "value")
    assert Path("out.dat").read_text() == "2987.2917369585066\n"


@pytest.mark.parametrize(
    ("options", "environment", "coloured"),
    [
        ([], {}, False),
        (["--color", "always"], {}, True),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour(
    options: list[str], environment: dict[str, str], coloured: bool, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in cli("compute", "mse", DIABETES, "-f", "table", *options).out) is coloured
    assert "\x1b" not in cli("compute", "mse", DIABETES, *options).out, "never in TSV"


# ------------------------------------------------------------------------------------------------ compare, list


def test_compare_keys(cli: Cli) -> None:
    document = json.loads(cli("compare", "--losses", "mse,mae", str(SAMPLE_DATA / "tumours.csv"), "-f", "json").out)
    assert document["outliers"] == {"rule": "mad:3.5", "n": 43, "share": 43 / 569}
    assert [(loss["rank"], loss["name"]) for loss in document["losses"]] == [(1, "mae"), (2, "mse")]
    assert {"value", "inflation", "effective_n", "status", "signature"} <= set(document["losses"][0])


def test_compare_suggests_the_next_command(cli: Cli) -> None:
    result = cli("compare", "--losses", "mse", str(SAMPLE_DATA / "tumours.csv"))
    assert "43 of 569 rows (7.6 %) are outliers by mad:3.5" in result.err
    option = result.err.partition("; see ")[2].splitlines()[0].split()
    shown = cli("compare", "--losses", "mse", str(SAMPLE_DATA / "tumours.csv"), *option)
    assert shown.out.splitlines()[0].split("\t") == ["row", "y_true", "y_pred", "residual", "share of mse"]
    assert len(shown.out.splitlines()) == 6


def test_compare_without_residuals(cli: Cli) -> None:
    result = cli("compare", "--losses", "bce", str(SAMPLE_DATA / "breast_cancer.csv"))
    row = dict(zip(*(line.split("\t") for line in result.out.splitlines()), strict=True))
    assert (row["rank"], row["pull"], row["stress"]) == ("1", "", "")
    assert float(row["inflation"]) > 1
    assert float(row["effective_n"]) > 1
    assert "6 of 569 rows (1.1 %) are outliers by top:1%" in result.err
    assert "pull and stress are left out" in result.err


GATES = {
    "true": (["mse>2000"], 1, "failed: mse is 2987.2917369585066, > 2000"),
    "not true": (["mse>5000"], 0, "passed: mse>5000 is not true"),
    "one of two": (["mse>5000", "huber.p95 >= 3000"], 1, "failed: huber:delta=50.p95 is 3801.12"),
    "by its parameters": (["huber:delta=50<2000"], 1, "failed: huber:delta=50 is 1241.2"),
    "another statistic": (["mse.n!=442"], 0, "passed"),
    "by an alias": (["l2 == 1"], 0, "passed"),
}


@pytest.mark.parametrize("case", GATES.values(), ids=GATES)
def test_gates(case: tuple[list[str], int, str], cli: Cli) -> None:
    conditions, status, message = case
    options = [word for condition in conditions for word in ("--fail-if", condition)]
    result = cli("compute", "mse,huber:delta=50", DIABETES, "-f", "value", *options)
    assert result.status == status
    assert message in result.err
    assert len(result.out.splitlines()) == 2


def test_a_gate_of_a_group_and_of_compare(cli: Cli) -> None:
    tumours = str(SAMPLE_DATA / "tumours.csv")
    result = cli("compute", "mae", tumours, "--group-by", "diagnosis", "--fail-if", "mae>100")
    assert result.status == 1
    assert "failed: mae (diagnosis malignant) is 159.8" in result.err
    assert cli("compare", "--losses", "mse,mae", tumours, "--fail-if", "mse.effective_n<20").status == 1
    assert cli("compare", "--losses", "mse,mae", tumours, "--fail-if", "mae.inflation>1.5").status == 0


def test_a_gate_on_a_number_that_is_undefined(cli: Cli) -> None:
    data = b"y_true,y_pred\n1,2\n2,3\n3,4\n"
    result = cli("compare", "--losses", "mse", "--fail-if", "mse.inflation>2", stdin=data.replace(b"3,4", b"3,9"))
    assert result.status == 1
    assert "failed: mse.inflation has no value on this data and cannot be judged" in result.err


def test_list_by_family(cli: Cli) -> None:
    entries = json.loads(cli("list", "-f", "json").out)
    assert {"name", "aliases", "family", "roles", "params", "formula", "properties", "unit", "references"} <= set(
        entries[0]
    )
    assert cli("list", "--family", "metric", "-f", "value").out.splitlines() == [
        entry["name"] for entry in entries if entry["family"] == "metric"
    ]


def test_names_are_forgiving(cli: Cli) -> None:
    for name in ("Smooth-L1", "SMOOTH_L1", "smooth_l1"):
        assert cli("compute", name, DIABETES, "-f", "value").status == 0
    assert cli("compute", "l2", DIABETES, "-f", "value").out == cli("compute", "mse", DIABETES, "-f", "value").out


@pytest.mark.slow
@pytest.mark.parametrize("loss", losscli.list_losses(), ids=lambda loss: loss.name)
def test_explain_fits_80_columns(loss: losscli.declaration.loss.Loss, cli: Cli) -> None:
    for format_ in ("table", "markdown", "json"):
        result = cli("explain", loss.name, "-f", format_)
        assert result.status == 0
    text = cli("explain", loss.name).out
    assert max(map(len, text.splitlines())) <= 80
    for heading in ("Formula", "Reads", "Gradient", "Properties", "When to use it", "When not", "Pitfalls"):
        assert f"\n{heading}\n" in text


@pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)], ids=lambda c: " ".join(c) or "losscli")
def test_help(command: list[str], cli: Cli) -> None:
    result = cli(*command, "-h")
    assert result.status == 0
    assert result.out.startswith("Usage: losscli")


def test_version(cli: Cli) -> None:
    assert cli("--version").out == f"losscli {losscli.__version__}\n"


# --------------------------------------------------------------------------------- pipes, terminals, interrupts


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("big") / "big.csv"
    path.write_text("y_true,y_pred\n" + "1.5,2.25\n" * 400_000)
    return path


def test_a_closed_pipe_ends_without_a_message(big: Path) -> None:
    command = f"{' '.join(LOSSCLI)} compute mse {big} --per-sample | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert done.stdout == "row\ty_true\ty_pred\tmse\n141\n"
    assert done.stderr == ""


def test_interrupt() -> None:
    process = subprocess.Popen(
        [*LOSSCLI, "compute", "mse"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        preexec_fn=interruptible,
    )
    assert process.stdin is not None
    process.stdin.write(b"y_true,y_pred\n1,2\n")
    process.stdin.flush()
    time.sleep(1.5)  # until it waits for more
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in err


def on_terminal(*arguments: str, stdin: bool = False) -> tuple[int, str]:
    """Exit status and screen of a command on a terminal of 80 columns."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*LOSSCLI, *arguments],
        stdin=slave if stdin else subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
        env=ENVIRONMENT | {"COLUMNS": "80", "TERM": "xterm"},
    )
    os.close(slave)
    data = b""
    while select.select([master], [], [], 20)[0]:
        try:
            piece = os.read(master, 1 << 16)
        except OSError:
            break
        if not piece:
            break
        data += piece
    os.close(master)
    return process.wait(timeout=20), data.decode()


def test_a_terminal_gets_a_table_that_fits() -> None:
    status, screen = on_terminal("compute", "mse,mae,huber:delta=50,quantile:tau=0.9", DIABETES)
    assert status == 0
    assert "───" in screen
    assert "\x1b[1m" in screen
    plain = screen.replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert max(map(len, plain.splitlines())) <= 80


def test_a_terminal_without_data_gets_help() -> None:
    status, screen = on_terminal("compute", "mse", stdin=True)
    assert status == 2
    assert "Usage: losscli compute" in screen
    assert "no data: name a file, or pipe it in" in screen


def test_debug_shows_the_traceback(cli: Cli) -> None:
    result = cli("compute", "mse", "none.csv", "--debug")
    assert result.status == 3
    assert "Traceback" in result.err


def test_python_dash_m() -> None:
    done = subprocess.run([*LOSSCLI, "--version"], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert done.stdout == f"losscli {losscli.__version__}\n"


# ------------------------------------------------------------------------ once a wrong number without a message


def test_classes_do_not_rename_columns_that_have_names(cli: Cli) -> None:
    data = b"label,prob_cat,prob_dog\ncat,0.25,0.75\ndog,0.5,0.5\n"
    plain = cli("compute", "cross_entropy", "-f", "value", stdin=data).out
    assert cli("compute", "cross_entropy", "-f", "value", "--classes", "dog,cat", stdin=data).out == plain
    result = cli("compute", "cross_entropy", "--classes", "dog,cow", stdin=data)
    assert result.status == 2
    assert "--classes dog,cow" in result.err


def test_the_input_is_never_written_over(cli: Cli) -> None:
    Path("d.csv").write_bytes(b"y_true,y_pred\n1,2\n")
    result = cli("compute", "mse", "d.csv", "-o", "d.csv")
    assert result.status == 2
    assert "is the input" in result.err
    assert Path("d.csv").read_bytes() == b"y_true,y_pred\n1,2\n"


def test_a_key_that_two_files_share_in_another_order(cli: Cli) -> None:
    Path("a.csv").write_text("id,y_true\nx,1\ny,2\n")
    Path("b.csv").write_text("id,y_pred\ny,2\nx,1\n")
    assert "--id id pairs them by it" in cli("compute", "mse", "a.csv", "b.csv").err
    assert cli("compute", "mse", "a.csv", "b.csv", "--id", "id", "-f", "value") == (0, "0.0\n", "")


def test_an_id_is_no_part_of_a_vector(cli: Cli) -> None:
    Path("a.csv").write_text("id,e0,e1\n900,1,0\n901,0,1\n")
    Path("b.csv").write_text("id,e0,e1\n900,1,0\n901,1,0\n")
    assert cli("compute", "cosine_similarity", "a.csv", "b.csv", "-f", "value").out == "-0.5\n"


def test_a_row_of_weight_zero_is_not_the_worst(cli: Cli) -> None:
    data = b"y_true,y_pred,w\n0,9,0\n0,2,1\n0,1,1\n"
    assert cli("compute", "mae", "--weight", "w", "--top", "1", "-f", "value", stdin=data).out == "2.0\n"


MANY = Quantiles().budget + 5
"""More values than are kept for exact quantiles."""


def test_estimated_quantiles_stay_inside_the_data(cli: Cli) -> None:
    write_npy("d.npy", np.tile([0.0, 1.0], (MANY, 1)))
    row = json.loads(cli("compute", "mae", "d.npy", "-q", "-f", "jsonl").out)
    assert (row["exact"], row["median"], row["p95"]) == (False, 1.0, 1.0)


def test_estimated_quantiles_are_marked_for_people_alone(cli: Cli) -> None:
    write_npy("d.npy", np.tile([0.0, 1.0], (MANY, 1)))
    shown = cli("compute", "mae", "d.npy", "-f", "markdown")
    assert f"| 1 | 0 | 1 | ≈1 | ≈1 | 1 | {MANY} |" in shown.out
    assert "median and p95 are ≈, right to 0.1 %" in shown.err
    assert "≈" not in cli("compute", "mae", "d.npy", "-f", "tsv").out
    assert "≈" not in cli("compute", "mae", "d.npy", "-f", "csv").out


def test_compare_with_an_infinite_residual_says_so(cli: Cli) -> None:
    result = cli("compare", "--losses", "mse,mae", stdin=b"y_true,y_pred\n1,inf\n2,3\n")
    assert result.status == 4
    assert "a residual is not a finite number" in result.err


def test_output_is_utf8_whatever_the_locale() -> None:
    environment = ENVIRONMENT | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*LOSSCLI, "list", "-f", "json"], capture_output=True, env=environment, check=True)
    assert "e²" in done.stdout.decode("utf-8")


def test_closed_output() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(LOSSCLI)} list >&-"], capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    assert done.returncode == 2
    assert "standard output: it is closed" in done.stderr


def test_weights_of_one_column(cli: Cli) -> None:
    np.save("w.npy", np.array([[1.0], [3.0]]))
    Path("d.csv").write_bytes(b"y_true,y_pred\n0,1\n0,2\n")
    assert cli("compute", "mae", "d.csv", "weight=w.npy", "-f", "value").out == "1.75\n"


HINTS = {
    "the losses of compare": (["compare", "mse,mae", "x.csv"], "as in losscli compare --losses mse,mae x.csv"),
    "losses after the data": (["compute", DIABETES, "mse"], "losses come before the data, as in losscli compute mse"),
}


@pytest.mark.parametrize("case", HINTS.values(), ids=HINTS)
def test_a_wrong_order_of_words_is_explained(case: tuple[list[str], str], cli: Cli) -> None:
    words, message = case
    result = cli(*words)
    assert (result.status, result.out) == (2, "")
    assert message in result.err
