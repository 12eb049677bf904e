"""What comes out of a process: every byte or an error, the right status, whole files, no temporary files left."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import losscli.cli
from losscli.cli import files
from losscli.data import folders
from tests.conftest import ENVIRONMENT, LOSSCLI, Cli, interruptible, write_feather

SMALL = "y_true,y_pred\n1,2\n3,5\n"
N_ROWS = 30_000
BYTES_OF_LIMIT = 1 << 16
SIGNALS = {"INT": 130, "TERM": 143, "HUP": 129}
UNBUFFERED = [pytest.param({}, id="buffered"), pytest.param({"PYTHONUNBUFFERED": "1"}, id="unbuffered")]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("small.csv").write_text(SMALL)
    return tmp_path


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("many") / "many.csv"
    path.write_text("y_true,y_pred\n" + "".join(f"{i},{i + 0.5}\n" for i in range(N_ROWS)))
    return str(path)


def start(*words: str, variables: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[bytes]:
    options = {"preexec_fn": interruptible} | options
    return subprocess.Popen([*LOSSCLI, *words], env=ENVIRONMENT | (variables or {}), **options)


def run(*words: str, **options: Any) -> tuple[int, bytes, bytes]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    with start(*words, **options) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out or b"", err or b""


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES_OF_LIMIT, BYTES_OF_LIMIT))


def temporary_files(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith(".losscli") or name.endswith(".tmp")]


# ------------------------------------------------------------------------------------------------ every byte


@pytest.mark.parametrize("variables", UNBUFFERED)
def test_a_stop_signal_loses_nothing(variables: dict[str, str], many: str) -> None:
    with start("compute", "mse", many, "--per-sample", variables=variables, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        time.sleep(0.5)
        received = b""
        for _ in range(20):  # it waits in a write to the full pipe
            process.send_signal(signal.SIGTSTP)
            time.sleep(0.01)
            process.send_signal(signal.SIGCONT)
            received += os.read(process.stdout.fileno(), 1 << 14)
        received += process.stdout.read()
    assert process.returncode == 0
    assert received.count(b"\n") == N_ROWS + 1
    assert received.endswith(b"\t0.25\n")


@pytest.mark.parametrize("variables", UNBUFFERED)
def test_a_pipe_that_does_not_block(variables: dict[str, str], many: str) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with start("compute", "mse", many, "--per-sample", "-f", "csv", variables=variables, stdout=writer) as process:
        os.close(writer)
        time.sleep(0.5)
        with open(reader, "rb") as file:
            assert file.read().count(b"\n") == N_ROWS + 1
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("variables", UNBUFFERED)
def test_a_disk_that_is_nearly_full(variables: dict[str, str], many: str, folder: Path) -> None:
    """A limit on the size of files is like a disk with so many bytes left: the last write is a short one."""
    words = "compute", "mse", many, "--per-sample"
    with open("out.tsv", "wb") as file:
        status, _, err = run(*words, stdout=file, variables=variables, preexec_fn=limit_file_size)
    assert (status, err) == (2, b"losscli: error: cannot write to standard output: File too large\n")
    Path("old.csv").write_text("before")
    status, _, err = run(*words, "-o", "old.csv", variables=variables, preexec_fn=limit_file_size)
    assert (status, err) == (2, b"losscli: error: -o old.csv: cannot be written: File too large\n")
    assert Path("old.csv").read_text() == "before"
    assert temporary_files(folder) == []


@pytest.mark.parametrize("format", ["tsv", *(pytest.param(one, marks=pytest.mark.slow) for one in ("json", "table"))])
def test_a_full_disk(format: str) -> None:
    with open("/dev/full", "wb") as file:
        status, _, err = run("compute", "mse", "small.csv", "-f", format, stdout=file)
    assert (status, err) == (2, b"losscli: error: cannot write to standard output: No space left on device\n")
    assert run("compute", "mse", "small.csv", "-o", "/dev/full")[::2] == (
        2,
        b"losscli: error: -o /dev/full: cannot be written: No space left on device\n",
    )


STATUSES: dict[str, tuple[list[str], int]] = {
    "fine": (["compute", "mse", "small.csv"], 0),
    "a note": (["compute", "mse", "small.csv", "--fail-if", "mse>9"], 0),
    "a gate": (["compute", "mse", "small.csv", "--fail-if", "mse>1"], 1),
    "an option": (["compute", "mse", "small.csv", "--nan", "maybe"], 2),
    "no command": ([], 2),
    "a loss": (["compute", "mze", "small.csv"], 2),
    "a file": (["compute", "mse", "missing.csv"], 3),
    "no number": (["compute", "mse", "gap.csv", "--nan", "propagate"], 4),
}


TRIED_FIRST = ("fine", "a gate", "a file")
EACH = [
    pytest.param(case, id=name, marks=() if name in TRIED_FIRST else pytest.mark.slow)
    for name, case in STATUSES.items()
]


@pytest.mark.parametrize("where", ["closed", *(pytest.param(one, marks=pytest.mark.slow) for one in ("full", "gone"))])
@pytest.mark.parametrize("case", EACH)
def test_the_status_without_standard_error(case: tuple[list[str], int], where: str) -> None:
    Path("gap.csv").write_text("y_true,y_pred\n1,\n2,2\n")
    words, status = case
    redirection = {"closed": "2>&-", "full": "2>/dev/full", "gone": "2> >(true)"}[where]
    done = subprocess.run(
        ["bash", "-c", f'"$@" {redirection}', "bash", *LOSSCLI, *words],
        capture_output=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == status
    assert (b"mse\t" in done.stdout) == (status in (0, 1, 4))


def test_a_file_that_is_opened_does_not_take_the_place_of_a_closed_stream() -> None:
    script = '"$@" -o out.csv >&- 2>&- <&-'
    words = [*LOSSCLI, "compute", "mse", "small.csv"]
    done = subprocess.run(["bash", "-c", script, "bash", *words], env=ENVIRONMENT, check=False)
    assert (done.returncode, Path("out.csv").read_text().count("\n")) == (0, 2)


@pytest.mark.parametrize(
    "words",
    [["--help"], ["list"], *(pytest.param(w, marks=pytest.mark.slow) for w in (["--version"], ["explain", "mse"]))],
)
def test_help_and_lists_say_when_they_cannot_be_written(words: list[str]) -> None:
    with open("/dev/full", "wb") as file:
        status, _, err = run(*words, stdout=file)
    assert (status, err.count(b"\n"), b"No space left" in err) == (2, 1, True)


# ---------------------------------------------------------------------------------------------------- signals


def wait_until_signals_are_handled(process: subprocess.Popen[bytes]) -> None:
    """Wait until the process is losscli: before, it is Python that starts, and that ends as Python does."""
    caught = 0
    while not caught >> (signal.SIGTERM - 1) & 1:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        caught = int(next(line for line in lines if line.startswith("SigCgt")).split()[1], 16)
        time.sleep(0.001)


def end_at_a_random_moment(name: str, many: str, folder: Path, generator: random.Random) -> int:
    """Start a command that writes a file, end it by a signal, and return its status; the file is old or new."""
    Path("out.csv").write_text("before")
    number = getattr(signal, f"SIG{name}")
    with start("compute", "mse,mae", many, "--per-sample", "-o", "out.csv", stderr=subprocess.PIPE) as process:
        wait_until_signals_are_handled(process)
        time.sleep(0.25 * generator.random())  # the command takes 0.3 seconds
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert temporary_files(folder) == []
    assert not err.strip(), err.decode()
    text = Path("out.csv").read_text()
    is_complete = text.count("\n") == N_ROWS + 1
    assert is_complete or (text == "before" and process.returncode != 0)  # it may come after the last byte
    return process.returncode


@pytest.mark.parametrize("runs", [pytest.param(3, id="few"), pytest.param(50, id="many", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SIGNALS)
def test_signals(name: str, runs: int, many: str, folder: Path) -> None:
    generator = random.Random(f"{name} {runs}")
    statuses = [end_at_a_random_moment(name, many, folder, generator) for _ in range(runs)]
    assert set(statuses) <= {SIGNALS[name], 0}
    assert SIGNALS[name] in statuses


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_while_input_is_awaited(name: str) -> None:
    with start("compute", "mse", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"y_true,y_pred\n1,2\n")
        process.stdin.flush()
        time.sleep(1)
        process.send_signal(getattr(signal, f"SIG{name}"))
        process.wait(timeout=10)
        process.stdin.close()
        assert process.stdout is not None
        assert (process.returncode, process.stdout.read()) == (SIGNALS[name], b"")


def test_an_ignored_signal_stays_ignored(many: str) -> None:
    script = 'trap "" HUP; "$@"'
    words = [*LOSSCLI, "compute", "mse", many]
    with subprocess.Popen(["bash", "-c", script, "bash", *words], env=ENVIRONMENT, stdout=subprocess.PIPE) as process:
        time.sleep(0.3)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=30)
    assert process.returncode == 0


# ------------------------------------------------------------------------------------------------------ files

UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
    ".zst": lambda data: pa.CompressedInputStream(pa.BufferReader(data), "zstd").read(),
    ".zip": lambda data: zipfile.ZipFile(io.BytesIO(data)).read(zipfile.ZipFile(io.BytesIO(data)).namelist()[0]),
}


@pytest.mark.parametrize("ending", UNPACK)
def test_compressed_files(ending: str, cli: Cli) -> None:
    for format in ("csv", "json", "tsv", "jsonl", "md", "txt"):
        plain, packed = f"out.{format}", f"out.{format}{ending}"
        for name in (plain, packed, f"again.{format}{ending}"):
            assert cli("compute", "mse", "small.csv", "--per-sample", "-o", name).status == 0
        assert UNPACK[ending](Path(packed).read_bytes()) == Path(plain).read_bytes()
    if ending != ".zip":  # the member has the name of the file
        assert Path(packed).read_bytes() == Path(f"again.{format}{ending}").read_bytes()
    assert cli("compute", "mse", f"out.csv{ending}", "-f", "value").out == "2.5\n"
    refused = cli("compute", "mse", "small.csv", "-o", f"out{ending}")
    assert (refused.status, f"its ending before {ending} names no format" in refused.err) == (2, True)


@pytest.mark.parametrize(
    "path", ["/dev/stdout", *(pytest.param(p, marks=pytest.mark.slow) for p in ("/dev/fd/1", "/proc/self/fd/1"))]
)
def test_standard_output_by_its_path(path: str) -> None:
    script = f'(echo first; "$@" -o {path}; echo last) > out.txt'
    words = [*LOSSCLI, "compute", "mse", "small.csv", "-f", "value"]
    subprocess.run(["bash", "-c", script, "bash", *words], env=ENVIRONMENT, check=True)
    assert Path("out.txt").read_text() == "first\n2.5\nlast\n"


def test_a_descriptor_and_a_process_substitution() -> None:
    words = [*LOSSCLI, "compute", "mse", "small.csv"]
    subprocess.run(["bash", "-c", '"$@" -o /dev/fd/5 5> five.txt', "bash", *words], env=ENVIRONMENT, check=True)
    assert Path("five.txt").read_text().startswith("loss\tn\t")
    script = '"$@" -o >(cat > cat.txt); while [ ! -s cat.txt ]; do sleep 0.01; done'
    subprocess.run(["bash", "-c", script, "bash", *words], env=ENVIRONMENT, check=True)
    assert Path("cat.txt").read_text() == Path("five.txt").read_text()


REFUSED = {
    "no folder": ("nowhere/out.csv", "there is no folder nowhere"),
    "a folder": (".", "is a folder"),
    "a folder with an ending": ("folder.csv", "is a folder"),
    "too long": (f"{'x' * 300}.csv", "cannot be written: File name too long"),
    "below a file": ("small.csv/out.csv", "there is no folder small.csv"),
    "a descriptor": ("/dev/fd/999", "cannot be written: Bad file descriptor"),
    "no format": ("out.dat", "its ending names no format"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_the_output_is_checked_before_the_data(case: tuple[str, str], cli: Cli) -> None:
    path, message = case
    Path("folder.csv").mkdir()
    result = cli("compute", "mse", "missing.csv", "-o", path)
    assert (result.status, message in result.err) == (2, True)


PENALTY = ["--penalty", "l2:lambda=1", "--parameters", "kept.csv"]
READ: dict[str, tuple[list[str], str]] = {
    "a part of a folder": (["compute", "mse", "folder"], "is the input"),
    "a match of a glob": (["compute", "mse", "y_true=fold*/*.csv", "y_pred=small.csv"], "is the input"),
    "a URI": (["recommend", "file://{folder}/kept.csv"], "is the input"),
    "a plugin": (["compute", "mse", "small.csv", "--plugin", "kept.csv"], "is the plugin"),
    "a plugin of list": (["list", "--plugin", "kept.csv"], "is the plugin"),
    "a plugin of explain": (["explain", "mse", "--plugin", "kept.csv"], "is the plugin"),
    "parameters": (["compute", "mse", "small.csv", *PENALTY], "is the file of the parameters"),
    "classes": (["compute", "mse", "small.csv", "--classes", "@kept.csv"], "is the file of the classes"),
}


@pytest.fixture
def kept() -> Path:
    """A file that is also `folder/kept.csv`, and by a link `out.csv`."""
    Path("folder").mkdir()
    Path("kept.csv").write_text(SMALL)
    Path("folder/kept.csv").hardlink_to("kept.csv")
    Path("out.csv").symlink_to("kept.csv")
    return Path("kept.csv")


@pytest.mark.parametrize("case", READ.values(), ids=READ)
def test_a_file_that_is_read_is_not_written(case: tuple[list[str], str], kept: Path, folder: Path, cli: Cli) -> None:
    words, message = case
    result = cli(*[word.format(folder=folder) for word in words], "-o", "out.csv")
    assert (result.status, result.out, kept.read_text()) == (2, "", SMALL)
    assert result.err == f"losscli: error: -o out.csv: {message}: choose another name\n"


def test_standard_input_is_not_written(kept: Path) -> None:
    with kept.open("rb") as file:
        status, out, err = run("compute", "mse", "-o", "out.csv", stdin=file)
    assert (status, out, kept.read_text()) == (2, b"", SMALL)
    assert err == b"losscli: error: -o out.csv: is the input: choose another name\n"


@pytest.mark.parametrize(
    ("refused", "message"), [("out.csv", "the file is write-protected"), ("", "no permission to write to the folder")]
)
def test_permissions_are_checked(
    refused: str, message: str, folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    if refused:
        Path(refused).write_text("before")
    monkeypatch.setattr(files.os, "access", lambda path, mode: os.path.realpath(path) != str(folder / refused))
    result = cli("compute", "mse", "missing.csv", "-o", "out.csv")
    assert (result.status, message in result.err) == (2, True)


def test_a_file_that_cannot_be_replaced_is_written_into(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is with a file that is mounted, as containers do it."""

    def refuse(*paths: str) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(files.os, "replace", refuse)
    Path("out.csv").write_text("before" * 100)
    inode = os.stat("out.csv").st_ino
    assert cli("compute", "mse", "small.csv", "-o", "out.csv").status == 0
    assert (os.stat("out.csv").st_ino, Path("out.csv").read_text().count("\n")) == (inode, 2)
    assert temporary_files(Path()) == []


def test_an_archive_whose_name_is_not_utf8(cli: Cli) -> None:
    name = os.fsdecode(b"\xfe.csv.zip")
    assert cli("compute", "mse", "small.csv", "--per-sample", "-o", name).status == 0
    assert cli("compute", "mse", name, "-f", "value").out == "2.5\n"


@pytest.mark.slow
def test_names_that_are_not_utf8() -> None:
    name = b"\xff\xe9.csv"
    os.rename(b"small.csv", name)
    for format in ("json", "table"):
        done = subprocess.run(
            [*LOSSCLI, "compute", "mse", name, "-f", format, "-o", b"\xfe.txt"], env=ENVIRONMENT, check=False
        )
        assert done.returncode == 0
        text = Path(os.fsdecode(b"\xfe.txt")).read_bytes().decode("utf-8")
        if format == "json":
            assert json.loads(text)["data"]["paths"] == [os.fsdecode(name)]
    status, _, err = run("compute", "mse", os.fsdecode(b"\xfa.csv"))
    assert (status, err.decode("utf-8")) == (3, "losscli: error: \\udcfa.csv: no such file\n")


# ------------------------------------------------------------------------------------ errors of the other side


@pytest.mark.slow
def test_a_temporary_folder_without_room_is_no_matter_of_the_output(many: str) -> None:
    np.savez("many.npz", y_true=np.zeros(N_ROWS), y_pred=np.ones(N_ROWS))
    with open("many.npz", "rb") as file:
        status, out, err = run("compute", "mse", "-", stdin=file, preexec_fn=limit_file_size)
    if status == 0:  # a file needs no copy
        with subprocess.Popen(["cat", "many.npz"], stdout=subprocess.PIPE) as cat:
            status, out, err = run("compute", "mse", "-", stdin=cat.stdout, preexec_fn=limit_file_size)
    assert (status, out) == (3, b"")
    assert b"cannot be copied to a temporary file: File too large; TMPDIR names its folder" in err
    write_feather("many.feather", {"y_true": np.zeros(N_ROWS), "y_pred": np.ones(N_ROWS)}, version=1)
    assert run("compute", "mse", "many.feather", preexec_fn=limit_file_size) == (status, out, err)


def test_no_folder_for_temporary_files(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    Path("folder").mkdir()
    Path("folder/out.csv").touch()
    monkeypatch.setattr(files.os, "access", lambda path, mode: os.path.basename(path) != "folder")
    monkeypatch.setattr(tempfile, "gettempdir", refuse)
    result = cli("compute", "mse", "small.csv", "-o", "folder/out.csv")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("losscli: error: -o folder/out.csv: cannot be written: No usable temporary directory")


def test_a_pipe_that_does_not_wait_for_data() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with start("compute", "mse", "-f", "value", stdin=reader, stdout=subprocess.PIPE) as process:
        os.close(reader)
        time.sleep(0.5)
        with open(writer, "w") as file:
            file.write(SMALL)
        assert process.communicate()[0] == b"2.5\n"


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert losscli.cli.run(["compute", "mse", "-"]) == 3
    assert capsys.readouterr() == ("", "losscli: error: standard input: is closed\n")


def test_a_folder_that_hides_its_files_is_an_error(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "part.csv").write_text(SMALL)
    assert cli("compute", "mse", "runs/*/part.csv", "-f", "value").out == "2.5\n"
    monkeypatch.setattr(folders.os, "access", lambda path, mode: path != "runs/b")
    result = cli("compute", "mse", "runs/*/part.csv")
    assert (result.status, result.out) == (3, "")
    assert "runs/b: cannot be read: Permission denied" in result.err


# ----------------------------------------------------------------------------------------------------- headers


def test_names_that_would_appear_twice(cli: Cli) -> None:
    Path("data.csv").write_text("n,model,value,mse,row,y_true,y_pred,p2\n1,a,x,q,5,1,2,1\n2,b,y,r,6,3,5,3\n")

    def header(*words: str) -> str:
        result = cli(*words, "data.csv", "-q")
        assert result.status == 0
        return result.out.splitlines()[0].replace("\t", " ")

    by_all = ("--group-by", "n,model,value", "--pred", "y_pred", "--true", "y_true")
    assert header("compute", "mse", *by_all).startswith("loss group.n model group.value n value std")
    models = ("--pred", "y_pred", "--pred", "p2", "--group-by", "model")
    assert header("compare", "--losses", "mse", *models).startswith("loss group.model model n value difference")
    rows = ("--true", "y_true", "--pred", "y_pred", "--per-sample")
    assert header("compute", "mse", *rows, "--id", "mse") == "id.mse y_true y_pred mse"
    document = json.loads(cli("compare", "--losses", "mse", *models, "data.csv", "-f", "json", "-q").out)
    assert {(loss["group"]["model"], loss["model"]) for loss in document["losses"]} == {
        *(("a", "y_pred"), ("a", "p2"), ("b", "y_pred"), ("b", "p2"))
    }
    names = [name for block in (by_all, models) for name in header("compare", "--losses", "mse,mae", *block).split()]
    assert names.count("group.model") == 1


def test_a_missing_value_is_an_empty_cell(cli: Cli) -> None:
    result = cli("compare", "--losses", "bce", stdin=b"y_true,y_pred\n1,0.5\n0,0.5\n")
    row = dict(zip(*(line.split("\t") for line in result.out.splitlines()), strict=True))
    assert row["pull"] == ""
