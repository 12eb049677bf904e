"""The scripts in `examples/` run as they are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import losscli
from tests.conftest import ENVIRONMENT, ROOT


@pytest.mark.slow
def test_the_training_with_torch_logs_its_losses(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    log = tmp_path / "log.jsonl"
    command = [sys.executable, "-W", "error", str(ROOT / "examples/torch_training.py"), str(log)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, 31))
    assert lines[-1]["huber"] < lines[0]["huber"] / 2
    value = losscli.compute("mse", tmp_path / "held_out.csv").value
    assert lines[-1]["mse"] == pytest.approx(value, rel=1e-6)
    assert "the worst rows are [" in done.stdout
