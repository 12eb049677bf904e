"""A Dask cluster of several processes: the digits, messages and notes of one machine, whatever becomes of a worker."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import losscli
from losscli import errors
from losscli.data import dataset
from losscli.data.csv import table as text
from losscli.evaluation import reduce
from losscli.evaluation.dask import cluster as cluster_module
from losscli.evaluation.dask import engine
from losscli.options import EvaluationOptions
from tests.conftest import Cli, Result, interruptible
from tests.test_parts import DATA, LOSSES, P, W, Y, kinds_of_data, table

pytest.importorskip("distributed")

pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning"  # sockets of workers that were killed
)
ROWS = len(Y)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster of two worker processes."""
    with cluster_module.local_cluster(2, 1) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Cut data into pieces of so many bytes, or a sixth as many rows."""

    def apply(size: int) -> None:
        monkeypatch.setattr(text, "BYTES_PARSED_BY_CSV_MODULE", 64)
        monkeypatch.setattr(text, "BYTES_PER_PIECE", size)
        monkeypatch.setattr(dataset, "ROWS_PER_PART", size // 6)

    return apply


@pytest.fixture
def sections(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have the workers put sections together from the start; gives a list with the rows of each that came of it."""
    taken: list[int] = []
    inner = reduce.OrderedReducer._take

    def take(self: reduce.OrderedReducer, some: Sequence[dataset.Part], found: reduce.PartResult) -> None:
        inner(self, some, found)
        taken.extend([found.policy.n] if len(some) > 1 else [])

    monkeypatch.setattr(engine, "TASKS_PER_THREAD_BEFORE_DOUBLING", 0.01)
    monkeypatch.setattr(reduce.OrderedReducer, "_take", take)
    return taken


Both = Callable[..., tuple[Result, Result]]


@pytest.fixture
def both(cli: Cli, scheduler: str) -> Both:
    """A command line evaluated here, and by the cluster."""

    def call(*arguments: str, stdin: bytes = b"") -> tuple[Result, Result]:
        here = cli("compute", *arguments, stdin=stdin)
        return here, cli("compute", *arguments, "--engine", "dask", "--scheduler", scheduler, stdin=stdin)

    return call


# ------------------------------------------------------------------------------------------------- the digits


TRIED_FIRST = ("plain", "weights", "groups")
EACH = [name if name in TRIED_FIRST else pytest.param(name, marks=pytest.mark.slow) for name in DATA]


@pytest.mark.parametrize("name", EACH)
def test_the_digits_of_one_machine(name: str, both: Both, cut: Callable[[int], None]) -> None:
    data, options = DATA[name]
    Path("d.csv").write_bytes(data)
    cut(700)
    here, there = both(LOSSES, "d.csv", *options)
    assert here == there
    assert here.status == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one newline in quotes", "fractional weights", "omitted", "groups", "value", "flags"])
def test_the_digits_of_sections_that_workers_put_together(
    name: str, both: Both, cut: Callable[[int], None], sections: list[int]
) -> None:
    data, options = kinds_of_data(100)[name]
    Path("d.csv").write_bytes(data)
    cut(60)
    here, there = both(LOSSES, "d.csv", *options)
    assert here == there
    assert any(sections)


@pytest.mark.parametrize(
    ("odd", "row"),
    [
        ({150: "0,0.5", 590: "-1,0.5"}, "1.csv: column 'y_true', row 290"),  # seen in the middle of a section
        ({1: "0,0.5", 850: "-1,0.5"}, "2.csv: column 'y_true', row 250"),
        ({2: "NA,0.5", 400: "1,NA", 870: "NA,1"}, "0.csv: column 'y_true', row 2: 3 rows lack a value, of 900"),
        ({600: "1,x"}, "1.csv: column 'y_pred', row 300"),
        ({150: "0,0.5", 880: "0,0.5"}, ""),
    ],
)
@pytest.mark.slow
def test_sections_that_do_not_know_what_came_before(
    odd: dict[int, str], row: str, both: Both, cut: Callable[[int], None], sections: list[int]
) -> None:
    Path("d").mkdir()
    for i in range(3):
        lines = [odd.get(n, f"1,{n / 1000}") for n in range(1 + ROWS * i, 1 + ROWS * (i + 1))]
        Path(f"d/{i}.csv").write_bytes(table(lines))
    cut(90)
    here, there = both("hinge", "d")
    assert here == there
    assert row in here.err
    assert len(sections) > 1


@pytest.mark.slow
def test_quantiles_of_sections_with_more_values_than_are_kept(
    both: Both, cut: Callable[[int], None], sections: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = zip(Y.tolist(), P.tolist(), W, strict=True)
    lines = [f"{a!r},{b!r},{'xyz'[i % 2 + i // 200]},{0.1 * w}" for i, (a, b, w) in enumerate(columns)]
    Path("d.csv").write_bytes(table(lines, "y_true,y_pred,g,weight"))
    cut(100)
    monkeypatch.setattr(reduce, "MAX_VALUES_KEPT", 30)
    for budget, *options in ((30, "--weight", "weight"), (200, "--weight", "weight"), (100, "--group-by", "g")):
        monkeypatch.setattr("losscli.statistics.quantiles.Quantiles.__init__.__defaults__", (budget,))
        here, there = both("mse,medae", "d.csv", *options)
        assert here == there, (budget, options)
    assert sections


@pytest.mark.slow
def test_quantiles_of_more_values_than_are_kept(
    both: Both, cut: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = zip(Y.tolist(), P.tolist(), W, strict=True)
    lines = [f"{a!r},{b!r},{'xy'[i % 2]},{0.1 * w}" for i, (a, b, w) in enumerate(columns)]
    Path("d.csv").write_bytes(table(lines, "y_true,y_pred,g,weight"))
    cut(500)
    monkeypatch.setattr("losscli.statistics.quantiles.Quantiles.__init__.__defaults__", (100,))
    for options in ((), ("--group-by", "g"), ("--weight", "weight")):
        here, there = both(LOSSES, "d.csv", *options)
        assert here == there
        assert "≈" in here.err


@pytest.mark.slow
def test_folders_parquet_and_arrays(both: Both, cut: Callable[[int], None]) -> None:
    columns = pa.table({"y_true": Y, "y_pred": P, "g": [f"g{i % 3}" for i in range(ROWS)]})
    for folder in ("csv", "groups", "single"):
        Path(folder).mkdir()
    for i in range(3):
        some = columns.slice(100 * i, 100)
        Path(f"csv/{i}.csv").write_bytes(
            table([f"{a},{b},{g}" for a, b, g in zip(*(c.to_pylist() for c in some.columns), strict=True)],
                  "y_true,y_pred,g")
        )  # fmt: skip
        pq.write_table(some, f"groups/{i}.parquet", row_group_size=30)
        pq.write_table(some, f"single/{i}.parquet")
    pq.write_table(columns, "d.parquet", row_group_size=50)
    np.save("pair.npy", np.stack([Y, P], axis=1))
    np.save("y.npy", Y)
    np.save("p.npy", P)
    cut(600)
    for data in (["csv"], ["csv/*.csv"], ["groups"], ["single"], ["d.parquet"], ["pair.npy"], ["y.npy", "p.npy"]):
        here, there = both(LOSSES, *data)
        assert here == there, data
        assert here.status == 0
    uri = f"file://{Path('groups').absolute()}"
    assert both(LOSSES, uri, "--group-by", "g")[0] == both(LOSSES, "groups", "--group-by", "g")[1]


def test_folders_of_keys(both: Both, cut: Callable[[int], None]) -> None:
    for fold in ("0", "1"):
        Path(f"hive/fold={fold}").mkdir(parents=True)
        Path(f"hive/fold={fold}/p.csv").write_bytes(DATA["plain"][0])
    cut(600)
    here, there = both("mse", "hive", "--group-by", "fold")
    assert here == there
    assert [line.split("\t")[1] for line in here.out.splitlines()] == ["fold", "0", "1"]


def test_vectors_and_tables_that_have_no_rows(both: Both, cut: Callable[[int], None]) -> None:
    rng = np.random.default_rng(3)
    np.save("e.npy", rng.normal(size=(ROWS, 4)))
    np.save("l.npy", rng.integers(3, size=ROWS))
    np.save("w.npy", rng.normal(size=(3, 4)))
    cut(600)
    here, there = both("arcface,cosface", "labels=l.npy", "embeddings=e.npy", "weights=w.npy")
    assert here == there
    assert here.status == 0


def test_penalty_gate_and_json(both: Both, cut: Callable[[int], None]) -> None:
    Path("d.csv").write_bytes(DATA["plain"][0])
    Path("w.json").write_text("[3, 4]")
    cut(600)
    more = ("--penalty", "l2:lambda=1", "--parameters", "w.json", "--fail-if", "mse>1", "-f", "json")
    here, there = both("mse", "d.csv", *more)
    assert here == there
    assert here.status == 1


# ------------------------------------------------------------------------------------------------ what is wrong


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ({250: "0.5,oops"}, ()),
        ({40: "0.5,0.5,0.5", 260: "0.5,oops"}, ()),
        ({3: "NA,0.5", 299: "0.5,NA"}, ()),
        ({200: "0.5,inf", 201: "0.5,-1"}, ("--weight", "y_pred")),
        ({270: '"0.5,0.5'}, ()),
        ({123: "2,0.5"}, ("bce",)),
        ({11: "-1,0.5", 210: "0,0.5"}, ("bce",)),
    ],
)  # fmt: skip
def test_errors_name_the_row(
    rows: dict[int, str], options: tuple[str, ...], both: Both, cut: Callable[[int], None]
) -> None:
    lines = [rows.get(i, f"1,{0.1 + i / 1000}") for i in range(1, ROWS + 1)]
    Path("d.csv").write_bytes(table(lines))
    cut(400)
    loss, *more = options if options[:1] == ("bce",) else ("mse", *options)
    here, there = both(loss, "d.csv", *more)
    assert here == there
    assert here.status == 3
    assert here.err.count("\n") == 1
    assert "row" in here.err


def test_files_that_only_this_side_sees(cli: Cli, scheduler: str, cut: Callable[[int], None],
                                        monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    Path("d.csv").write_bytes(DATA["plain"][0])
    cut(600)
    sent = engine.evaluate_task

    def blind(block: engine.Block, full: object, data: bytes) -> object:
        return sent(tuple(_gone(part) for part in block), full, data)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "evaluate_task", blind)
    result = cli("compute", "mse", "d.csv", "--engine", "dask", "--scheduler", scheduler)
    assert result.status == 3
    assert result.err == (
        "losscli: error: d.csv: cannot be read: No such file or directory on a worker, though it can be here: the "
        "files must be where every worker finds them by the same name (s3://, hdfs://, a shared folder)\n"
    )


def test_files_that_workers_have_another_version_of(cli: Cli, scheduler: str, cut: Callable[[int], None],
                                                    monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    Path("d.csv").write_bytes(DATA["plain"][0])
    cut(600)
    sent = engine.evaluate_task

    def older(block: engine.Block, full: object, data: bytes) -> object:
        for piece in (piece for part in block for piece in part.pieces):
            file = piece._file  # type: ignore[attr-defined]
            file.state = file.state._replace(version=file.state.version - 1)
        return sent(block, full, data)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "evaluate_task", older)
    result = cli("compute", "mse", "d.csv", "--engine", "dask", "--scheduler", scheduler)
    assert (result.status, result.out) == (3, "")
    assert result.err == (
        "losscli: error: d.csv: changed while it was read or is another file there than here: run it again when "
        "nothing writes to it\n"
    )


def _gone(part: dataset.Part) -> dataset.Part:
    for piece in part.pieces:
        piece._file.path = "/nowhere/d.csv"  # type: ignore[attr-defined]
    return part


@pytest.mark.parametrize(
    ("address", "status", "message"),
    [
        ("tcp://127.0.0.1:9", 69, "no Dask scheduler answers there in 0.3 s\n"),
        ("nonsense://x", 2, "is not the address of a Dask scheduler (unknown address scheme 'nonsense' "),
    ],
)
def test_no_such_cluster(
    address: str, status: int, message: str, cli: Cli, monkeypatch: pytest.MonkeyPatch, cut: Callable[[int], None]
) -> None:
    Path("d.csv").write_bytes(DATA["plain"][0])
    cut(600)
    monkeypatch.setattr(cluster_module, "CLUSTER_TIMEOUT_SECONDS", 0.3)
    result = cli("compute", "mse", "d.csv", "--engine", "dask", "--scheduler", address)
    assert result.status == status
    assert result.err.startswith(f"losscli: error: scheduler {address}: {message}")
    assert result.err.count("\n") == 1


def test_too_few_workers(cli: Cli, scheduler: str, monkeypatch: pytest.MonkeyPatch, cut: Callable[[int], None]) -> None:
    Path("d.csv").write_bytes(DATA["plain"][0])
    cut(600)
    monkeypatch.setattr(cluster_module, "CLUSTER_TIMEOUT_SECONDS", 2)
    result = cli("compute", "mse", "d.csv", "--engine", "dask", "--scheduler", scheduler, "--workers", 3)
    assert result.status == 69
    assert result.err == f"losscli: error: scheduler {scheduler}: 2 of 3 workers are there after 2 s\n"


def test_without_dask(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("d.csv").write_bytes(DATA["plain"][0])
    monkeypatch.setattr(cluster_module, "find_spec", lambda name: None)
    result = cli("compute", "mse", "d.csv", "--engine", "dask")
    assert result.status == 2
    assert result.err == (
        "losscli: error: the engine dask needs Dask, which is not installed: python3 -m pip install 'losscli[dask]'\n"
    )


@pytest.mark.parametrize("is_late", [False, True])
def test_workers_with_another_losscli(
    is_late: bool, cli: Cli, scheduler: str, monkeypatch: pytest.MonkeyPatch, cut: Callable[[int], None]
) -> None:
    Path("d.csv").write_bytes(DATA["plain"][0])
    cut(600)
    for module in (cluster_module, engine):
        monkeypatch.setattr(module, "identify_losscli", lambda: "losscli 9.9 (source 0)")
    if is_late:  # they come once the others have been checked
        monkeypatch.setattr(cluster_module, "_check_workers", lambda client: None)
    result = cli("compute", "mse", "d.csv", "--engine", "dask", "--scheduler", scheduler)
    assert (result.status, result.out) == (69, "")
    there = rf"losscli {re.escape(losscli.__version__)} \(source \w{{12}}\)"
    assert re.fullmatch(
        rf"losscli: error: worker tcp://[\d.:]+ has {there}, here is losscli 9.9 \(source 0\): "
        r"install the same version on all workers\n",
        result.err,
    )


@pytest.mark.slow
def test_a_worker_joins_late_with_another_losscli(slow: Path, tmp_path: Path) -> None:
    """What it has is not even imported: only the text of the check runs there."""
    shutil.copytree(Path(losscli.__file__).parent, tmp_path / "other" / "losscli")
    (tmp_path / "other" / "losscli" / "version.py").write_text('__version__ = "9.9"\n')
    (tmp_path / "other" / "losscli" / "evaluation" / "reduce.py").write_text("raise SystemExit(1)\n")
    environment = _environment(slow)
    with cluster_module.local_cluster(1, 1) as cluster:
        address = cluster.scheduler_address
        command = [sys.executable, "-m", "losscli", "compute", "mse,slow", str(slow.parent / "big"), "--plugin",
                   str(slow.parent / "slow.py"), "--engine", "dask", "--scheduler", address]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        while len(list(slow.iterdir())) < 3:
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.05)
        late = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny", "--no-dashboard"],
            stderr=subprocess.DEVNULL, cwd=tmp_path, env=environment | {"PYTHONPATH": str(tmp_path / "other")},
        )  # fmt: skip
        out, err = process.communicate(timeout=60)
        late.terminate()
        late.wait()
    assert (process.returncode, out) == (69, "")
    assert re.fullmatch(r"losscli: error: worker \S+ has losscli 9.9 \(.*\), here is .*: install the same .*\n", err)


def test_versions_of_dask_are_not_complained_about(scheduler: str) -> None:
    from distributed.versions import VersionMismatchWarning

    with cluster_module.open_client(EvaluationOptions(engine="dask", scheduler=scheduler), 1):
        warnings.warn(VersionMismatchWarning("they differ"), stacklevel=1)  # an error, unless it is silenced


@pytest.mark.parametrize("option", [("--scheduler", "tcp://h:1"), ("--workers", "2")])
def test_options_of_the_other_engine(option: tuple[str, str], cli: Cli) -> None:
    result = cli("compute", "mse", "d.csv", *option)
    assert result.status == 2
    assert result.err == f"losscli: error: {option[0]} {option[1]}: needs a cluster; add --engine dask\n"


# ------------------------------------------------------------------------------------- what stays in one place


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["mse", "-"], "standard input is read as it comes, in one place"),
        (["mse", "d.csv", "--top", "3"], "rows are printed in order, from one place"),
        (["mse", "d.csv", "--ci", "0.9"], "a bootstrap needs all rows in one place"),
        (["ghm_r", "d.csv"], "ghm_r needs all rows in one place"),
        (["mse", "s.csv"], "the data is too small to be divided"),
        (["mse", "t.csv", "p.csv"], "the rows of its files are paired as they come"),
    ],
)  # fmt: skip
def test_what_is_evaluated_here(arguments: list[str], why: str, cli: Cli, cut: Callable[[int], None]) -> None:
    data = DATA["plain"][0]
    Path("d.csv").write_bytes(data)
    Path("s.csv").write_text("y_true,y_pred\n1,2\n")
    for name, values in (("t", Y), ("p", P)):
        Path(f"{name}.csv").write_text("\n".join(["value", *map(str, values.tolist()), ""]))
    cut(600)
    here = cli("compute", *arguments, stdin=data)
    there = cli("compute", *arguments, "--engine", "dask", stdin=data)
    assert there.out == here.out
    assert there.err == f"losscli: note: evaluated here, not by Dask: {why}\n" + here.err


# --------------------------------------------------------------------------------------------- workers that die

SLOW = """
import os, time
from pathlib import Path
import numpy as np
import losscli
from losscli.declaration.domains import Real

def _mark(folder):
    (Path(folder) / f"{os.getpid()}-{time.time_ns()}").touch()

@losscli.loss(family="test", formula="|e|")
def slow(y_true: Real, y_pred: Real):
    "Slow enough to be interrupted, and says who is at it."
    _mark(os.environ["LOSSCLI_TEST_MARKS"])
    time.sleep(0.05)
    return np.abs(y_pred - y_true)
"""


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Callable[[int], None]) -> Path:
    """A folder in which a loss of a plugin leaves a mark for each part, by the number of its process."""
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "d.csv").write_bytes(DATA["weights"][0])
    marks = tmp_path / "marks"
    marks.mkdir()
    monkeypatch.setenv("LOSSCLI_TEST_MARKS", str(marks))
    cut(200)
    return marks


def pids(marks: Path) -> set[int]:
    return {int(mark.name.partition("-")[0]) for mark in marks.iterdir()}


def kill_one(marks: Path, after: int, killed: list[int]) -> None:
    while len(list(marks.iterdir())) < after:
        time.sleep(0.01)
    killed.append(int(max(marks.iterdir(), key=lambda mark: mark.stat().st_mtime_ns).name.partition("-")[0]))
    os.kill(killed[0], signal.SIGKILL)


def test_a_loss_that_needs_what_workers_lack(
    cli: Cli, scheduler: str, cut: Callable[[int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "only_here.py").write_text("def size(e):\n    return abs(e)\n")
    monkeypatch.syspath_prepend(tmp_path / "lib")
    Path("p.py").write_text(
        "import losscli, only_here\nfrom losscli.declaration.domains import Real\n"
        "@losscli.loss(family='test', formula='|e|')\n"
        "def needy(y_true: Real, y_pred: Real):\n    'Needs a module.'\n    return only_here.size(y_pred - y_true)\n"
    )
    Path("d.csv").write_bytes(DATA["plain"][0])
    cut(600)
    result = cli("compute", "needy", "d.csv", "--plugin", "p.py", "--engine", "dask", "--scheduler", scheduler)
    assert result.status == 2
    assert result.err == (
        "losscli: error: a worker lacks what a loss needs (No module named 'only_here'): install it there\n"
    )


@pytest.mark.slow
def test_a_worker_is_killed(cli: Cli, slow: Path) -> None:
    arguments = ["compute", "slow,mse", "d.csv", "--weight", "weight", "--plugin", "slow.py"]
    here = cli(*arguments)
    for mark in slow.iterdir():
        mark.unlink()
    killed: list[int] = []
    with cluster_module.local_cluster(3, 1) as cluster:
        killer = threading.Thread(target=kill_one, args=(slow, 6, killed))
        killer.start()
        there = cli(*arguments, "--engine", "dask", "--scheduler", cluster.scheduler_address)
        killer.join()
    assert killed
    assert killed[0] != os.getpid()
    assert len(pids(slow)) > 2
    assert there == here


@pytest.mark.slow
def test_all_workers_go_away(cli: Cli, slow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SECONDS_WITHOUT_WORKERS", 2)
    with cluster_module.local_cluster(1, 1) as cluster:

        def go() -> None:
            while len(list(slow.iterdir())) < 2:
                time.sleep(0.01)
            cluster.scale(0)

        away = threading.Thread(target=go)
        away.start()
        address = cluster.scheduler_address
        result = cli(
            "compute", "slow", "d.csv", "--plugin", "slow.py", "-q", "--engine", "dask", "--scheduler", address
        )
        away.join()
    assert result == (69, "", "losscli: error: all workers are gone, and no other one came in 2 s\n")


SIGNALS = [
    (signal.SIGINT, False, 130), (signal.SIGINT, True, 130), (signal.SIGTERM, False, 143), (signal.SIGHUP, False, 129),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("is_starting", [True, False])
@pytest.mark.parametrize(("number", "to_all", "status"), SIGNALS)
def test_a_cluster_of_its_own_is_ended(
    number: signal.Signals, to_all: bool, status: int, is_starting: bool, slow: Path
) -> None:
    """A signal ends the command, quietly, and the processes that it started."""
    process = subprocess.Popen(
        [sys.executable, "-m", "losscli", "compute", "slow", str(slow.parent / "big"), "--plugin",
         str(slow.parent / "slow.py"), "--engine", "dask", "--workers", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=_environment(slow),
        preexec_fn=interruptible,
    )  # fmt: skip
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not _are_starting(process.pid) if is_starting else len(list(slow.iterdir())) < 3:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.02)
    started = [int(pid) for pid in children.read_text().split()] if children.exists() else []
    (os.killpg if to_all else os.kill)(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (status, "", "")
    deadline = time.monotonic() + 5
    while any(map(_is_running, {*started, *pids(slow)})):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_running(pid: int) -> bool:
    """Tell whether a process is more than an exit status that nobody has asked for."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False


def _are_starting(pid: int) -> bool:
    """Tell whether a command is starting processes."""
    return any(Path(f"/proc/{pid}/task/{thread}/children").read_text() for thread in os.listdir(f"/proc/{pid}/task"))


def _environment(slow: Path) -> dict[str, str]:
    """Large parts take long: two hundred files of them."""
    (slow.parent / "big").mkdir()
    for i in range(200):
        (slow.parent / "big" / f"{i}.csv").write_bytes(DATA["plain"][0])
    root = str(Path(losscli.__file__).parent.parent)
    return os.environ | {"PYTHONPATH": root, "LOSSCLI_TEST_MARKS": str(slow)}


# ------------------------------------------------------------------------------------------------------ Python


def test_python(tmp_path: Path, scheduler: str, cut: Callable[[int], None]) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(DATA["weights"][0])
    cut(600)
    options = {"data": path, "columns": {"weight": "weight"}}
    here = losscli.compute(["mse", "huber"], **options)
    there = losscli.compute(["mse", "huber"], **options, engine="dask", scheduler=scheduler)
    assert [r.summary._replace(std=0) for r in there] == [r.summary._replace(std=0) for r in here]
    assert [r.summary.std for r in there] == pytest.approx([r.summary.std for r in here], rel=1e-15)
    assert there[0].per_sample is None
    one = losscli.compute("mse", **options, engine="dask", scheduler=scheduler)
    assert one.value == here[0].value


def test_python_arrays_stay_here(scheduler: str) -> None:
    with pytest.warns(UserWarning, match="evaluated here, not by Dask: arrays is read as it comes"):
        result = losscli.compute("mse", y_true=Y, y_pred=P, engine="dask", scheduler=scheduler)
    assert result.value == losscli.compute("mse", y_true=Y, y_pred=P).value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "spark"}, 'engine="spark": must be one of local, dask'),
        ({"scheduler": "tcp://h:1"}, 'scheduler="tcp://h:1": needs a cluster; add engine="dask"'),
        ({"engine": "dask", "workers": 0}, "workers=0: must be at least 1"),
    ],
)
def test_python_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(errors.UsageError, match=message):
        losscli.compute("mse", y_true=Y, y_pred=P, **options)
    with pytest.raises(errors.UsageError):
        losscli.compare(["mse"], y_true=Y, y_pred=P, engine="dask")
