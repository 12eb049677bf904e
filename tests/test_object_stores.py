"""Files in an S3 bucket, read by the protocol from a local server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import losscli
from tests.conftest import Result

pytestmark = pytest.mark.slow
ROWS = 150_000  # enough of them to be cut into several parts
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "someone",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of files."""
    folder = tmp_path_factory.mktemp("local")
    rng = np.random.default_rng(5)
    y, p = rng.normal(size=(2, ROWS))
    for name in ("csv", "parquet", "faulty"):
        (folder / name).mkdir()
    for i in range(3):
        some = slice(i * ROWS // 3, (i + 1) * ROWS // 3)
        lines = [f"{a!r},{b!r}" for a, b in zip(y[some].tolist(), p[some].tolist(), strict=True)]
        (folder / f"csv/{i}.csv").write_text("\n".join(["y_true,y_pred", *lines, ""]))
        pq.write_table(pa.table({"y_true": y[some], "y_pred": p[some]}), folder / f"parquet/{i}.parquet")
        if i == 2:
            lines[49] = "1,oops"
        (folder / f"faulty/{i}.csv").write_text("\n".join(["y_true,y_pred", *lines, ""]))
    for key in ("fold=0/site=a%2Fb", "fold=1/site=c d"):
        (folder / "hive" / key).mkdir(parents=True)
        pq.write_table(pa.table({"y_true": y[:9], "y_pred": p[:9]}), folder / "hive" / key / "part 0.parquet")
    np.save(folder / "y.npy", y)
    np.save(folder / "p.npy", p)
    return folder


@pytest.fixture(scope="module")
def store(local: Path) -> Iterator[dict[str, str]]:
    """Yield the environment of a command that finds the same files in s3://bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environment = os.environ | SETTINGS | {"AWS_ENDPOINT_URL": address}
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for_server(port)
        put = subprocess.run([sys.executable, "-c", PUT, str(local)], env=environment, capture_output=True, check=False)
        assert put.returncode == 0, put.stderr.decode()
        yield environment | {"PYTHONPATH": str(Path(losscli.__file__).parent.parent)}
    finally:
        server.kill()
        server.wait()


PUT = """
import os, sys
from pyarrow import fs
store = fs.S3FileSystem(allow_bucket_creation=True, endpoint_override=os.environ["AWS_ENDPOINT_URL"])
store.create_dir("bucket")
fs.copy_files(sys.argv[1], "bucket", destination_filesystem=store)
"""


def _wait_for_server(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not start")


def run(*arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "losscli", *arguments],
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("data", ["csv/0.csv", "csv", "csv/*.csv", "parquet", "parquet/1.parquet"])
def test_remote_files_give_the_numbers_of_local_files(data: str, local: Path, store: dict[str, str]) -> None:
    expected = run("compute", "mse,huber", data, "-f", "csv", cwd=local)
    assert expected.status == 0
    assert run("compute", "mse,huber", f"s3://bucket/{data}", "-f", "csv", env=store) == expected


def test_folders_of_keys(local: Path, store: dict[str, str]) -> None:
    options = ("--group-by", "fold,site", "-f", "csv")
    expected = run("compute", "mse", "hive", *options, cwd=local)
    assert [line.split(",")[1:3] for line in expected.out.splitlines()[1:]] == [["0", "a/b"], ["1", "c d"]]
    assert run("compute", "mse", "s3://bucket/hive", *options, env=store) == expected


def test_a_file_per_role(local: Path, store: dict[str, str]) -> None:
    expected = run("compute", "mse", "y.npy", "p.npy", "-f", "value", cwd=local)
    assert run("compute", "mse", "s3://bucket/y.npy", "s3://bucket/p.npy", "-f", "value", env=store) == expected


def test_a_cluster_reads_the_bucket(local: Path, store: dict[str, str]) -> None:
    expected = run("compute", "mse,huber", "csv", "-f", "csv", cwd=local)
    options = ("--engine", "dask", "--workers", "2")
    assert run("compute", "mse,huber", "s3://bucket/csv", "-f", "csv", *options, env=store) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("faulty", "s3://bucket/faulty/2.csv: column 'y_pred', row 50: 'oops' is not a number"),
        ("none.csv", "s3://bucket/none.csv: no such file"),
        ("csv/*.tsv", "s3://bucket/csv/*.tsv: no file matches"),
    ],
)
def test_errors_name_the_uri(data: str, message: str, store: dict[str, str]) -> None:
    result = run("compute", "mse", f"s3://bucket/{data}", env=store)
    assert result == Result(3, "", f"losscli: error: {message}\n")
