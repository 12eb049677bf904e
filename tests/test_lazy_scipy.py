"""SciPy takes longer to import than most commands take: only losses that need its functions import it."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ENVIRONMENT

ROWS = "y_true,y_pred,scale\n1,2,1\n3,5,0.5\n"
COMMANDS = """
compute mse,crps_laplace,logistic_nll,lognormal_nll d.csv
compute crps_logistic d.csv --per-sample --gradient
plot crps_laplace
explain crps_normal
list
recommend d.csv
"""
SCRIPT = """
import contextlib, io, sys
from losscli.cli import run
for line in sys.stdin.read().split("\\n"):
    if line:
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            status = run(line.split())
        assert not status, (line, status)
        if "scipy" in sys.modules:
            sys.exit(f"{line}: imports SciPy")
"""


def test_other_losses_do_not_import_scipy(tmp_path) -> None:
    (tmp_path / "d.csv").write_text(ROWS)

    def run(commands: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=tmp_path,
            env=ENVIRONMENT,
            input=commands,
            check=False,
            capture_output=True,
            text=True,
        )
        return done.stderr if done.returncode else ""

    assert run(COMMANDS) == ""
    assert run("compute crps_normal d.csv").endswith("imports SciPy\n")
