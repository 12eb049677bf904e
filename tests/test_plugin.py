"""The loss that CONTRIBUTING shows, as a file of the catalogue and as a plugin, works in every command."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from losscli import registry
from losscli.declaration.properties import Functional
from tests.conftest import Cli

ROOT = Path(__file__).parent.parent
CODE = re.search(r"```python\n(import numpy.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
DATA = "y_true,y_pred\n1,2\n2,6\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the file added and nothing else touched."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "losscli", folder / "losscli", ignore=shutil.ignore_patterns("__pycache__"))
    assert CODE is not None
    (folder / "losscli" / "losses" / "three_halves.py").write_text(CODE.group(1))
    (folder / "data.csv").write_text(DATA)
    return folder


GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
BLOCK = r"`([\w/]+\.{ending})`:\n\n```{language}\n(.*?)```"
NEEDED = ("losscli", "tests", "tools", "docs", "README.md", "CONTRIBUTING.md", "pyproject.toml")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with the first file that the guide shows, and nothing of what comes after it."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    write_block(folder, "py", "python")
    return folder


def write_block(folder: Path, ending: str, language: str) -> None:
    """Write a block of the guide to the file that the guide names."""
    ((path, text),) = re.findall(BLOCK.format(ending=ending, language=language), GUIDE, re.DOTALL)
    (folder / path).write_text(text)


def run_tests(folder: Path, *modules: str) -> subprocess.CompletedProcess[str]:
    files = [f"tests/test_{module}.py" for module in modules]
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", "-k", "three_halves", *files]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)


@pytest.mark.slow
def test_without_golden_cases_a_sentence_says_what_is_missing(checkout: Path) -> None:
    done = run_tests(checkout, "golden", "reference", "properties")
    failures = [line for line in done.stdout.splitlines() if line.startswith("E  ") and "Error: " in line]
    missing = "tests/golden/three_halves.json is missing: see 'A new loss' in CONTRIBUTING.md"
    unlisted = "docs/accuracy.md has no figure of three_halves: python tools/regenerate.py accuracy"
    assert done.returncode == 1, done.stdout
    assert sorted({line.partition("Error: ")[2] for line in failures}) == [unlisted, missing]


@pytest.mark.slow
def test_the_guide_to_a_new_loss_is_followed_literally(checkout: Path) -> None:
    write_block(checkout, "json", "json")
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    (command,) = re.findall(r"^(python tools/.*)\npython -m pytest$", GUIDE, re.MULTILINE)
    words = [sys.executable, *command.split()[1:], "index", "catalogue", "accuracy"]
    done = subprocess.run(words, cwd=checkout, env=environment, check=True, capture_output=True, text=True)
    names = ("losscli/losses/_index.py", "losscli/losses/_catalogue.json", "docs/accuracy.md")
    assert done.stdout == "".join(f"{name}: written\n" for name in names)
    done = run_tests(checkout, "golden", "reference", "properties", "infinities", "registry", "cli")
    assert done.returncode == 0, done.stdout


def run(folder: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-W", "error", "-m", "losscli", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


def test_it_is_ten_lines() -> None:
    assert CODE is not None
    assert len([line for line in CODE.group(1).splitlines() if line.strip()]) == 10


def test_compute(house: Path) -> None:
    assert run(house, "compute", "three_halves:scale=2", "data.csv", "-f", "value") == "9.0\n"


def test_gradient(house: Path) -> None:
    assert "three_halves.gradient\n1\t1.0\t2.0\t1.0\t1.5\n" in run(
        house, "compute", "three_halves", "data.csv", "--gradient"
    )


def test_compare(house: Path) -> None:
    assert "three_halves" in run(house, "compare", "--losses", "mse,three_halves", "data.csv")


def test_list(house: Path) -> None:
    entries = json.loads(run(house, "list", "-f", "json"))
    (mine,) = [entry for entry in entries if entry["name"] == "three_halves"]
    assert mine["params"] == [{"name": "scale", "default": 1.0, "range": "> 0", "required": False}]


def test_explain(house: Path) -> None:
    assert "Between mae and mse." in run(house, "explain", "three_halves")


def test_as_a_plugin(tmp_path: Path) -> None:
    assert CODE is not None
    (tmp_path / "mine.py").write_text(CODE.group(1).replace("three_halves", "my_halves"))
    (tmp_path / "data.csv").write_text(DATA)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "losscli", "compute", "my_halves", "data.csv", "--plugin", "mine.py"]
    done = subprocess.run([*command, "-f", "value"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert done.stdout == b"4.5\n"


def test_a_command_that_ends_at_once_loses_nothing(house: Path, tmp_path: Path) -> None:
    """The process is not taken apart at its end: what is to be done there must be done all the same."""
    assert CODE is not None
    left = tmp_path / "left.txt"
    farewell = f"import atexit, pathlib\natexit.register(lambda: pathlib.Path({str(left)!r}).write_text('seen'))\n"
    (tmp_path / "mine.py").write_text(farewell + CODE.group(1).replace("three_halves", "my_halves"))
    (tmp_path / "data.csv").write_text("y_true,y_pred\n" + "1,2.5\n" * 50_000)
    words = "compute", "my_halves", str(tmp_path / "data.csv"), "--plugin", str(tmp_path / "mine.py"), "--per-sample"
    assert run(house, *words, "-f", "tsv").count("\n") == 50_001
    assert left.read_text() == "seen"


WRAPPED = """
import functools

import numpy as np
from losscli.declaration.domains import Positive, Real
from losscli.declaration.loss import loss
from losscli.declaration.properties import Functional


def traced(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        return function(*args, **kwargs)

    return call


def kernel(y_true: Real, y_pred: Real, *, scale: Positive = 1.0, shift: Positive = 1.0):
    \"\"\"Scaled.\"\"\"
    return scale * np.abs(y_pred - y_true) + shift


def slope(y_true, y_pred, *, scale):
    return scale * np.sign(y_pred - y_true)


def level(*, scale):
    return Functional("quantile", min(scale, 4.0) / 4)


def rows(y_true, y_pred, *, shift):
    return y_true < shift


for name, wrap in {"plain": lambda f: f, "decorated": traced, "partial": functools.partial}.items():
    declared = loss(family="regression", formula="scale |e| + shift", name=name)(wrap(kernel))
    declared.gradient(wrap(slope))
    declared.row_mask(wrap(rows))
    declared.minimized_by(wrap(level))

preset = loss(family="regression", formula="3 |e| + shift", name="preset")(functools.partial(kernel, scale=3.0))
"""


@pytest.mark.parametrize("name", ["plain", "decorated", "partial"])
def test_wrapped_kernels_and_hooks_keep_their_parameters(name: str, cli: Cli) -> None:
    Path("wrapped.py").write_text(WRAPPED)
    Path("data.csv").write_text("y_true,y_pred\n0,1\n2,4\n6,4\n")
    options = "data.csv", "--plugin", "wrapped.py", "-f", "value"
    for setting, value in {"": 2.0, ":scale=2": 3.0, ":scale=2:shift=9": 2 * 5 / 3 + 9}.items():  # shift counts rows
        assert float(cli("compute", name + setting, *options).out) == pytest.approx(value)
    lines = cli("compute", f"{name}:scale=2:shift=9", *options[:-2], "--gradient").out.splitlines()
    assert [line.split("\t")[-1] for line in lines[1:]] == ["2.0", "2.0", "-2.0"]
    bound = registry.find(name).bind({"scale": 2.0})
    assert bound.functional == Functional("quantile", 0.5)
    assert (bound.loss.summary, bound.loss.module) == ("Scaled.", "losscli_plugin_wrapped")


def test_a_partial_kernel_has_the_defaults_that_it_sets(cli: Cli) -> None:
    Path("wrapped.py").write_text(WRAPPED)
    data = b"y_true,y_pred\n0,1\n"
    for setting, value in {"": "4.0\n", ":scale=5": "6.0\n"}.items():
        assert cli("compute", f"preset{setting}", "-", "--plugin", "wrapped.py", "-f", "value", stdin=data).out == value


def test_losses_are_sent_by_name_or_whole(cli: Cli) -> None:
    mse = registry.find("mse").bind({})
    assert pickle.loads(pickle.dumps(mse)).loss is mse.loss
    Path("wrapped.py").write_text(WRAPPED)
    registry.load_plugin("wrapped.py")
    sent = pickle.loads(pickle.dumps(registry.find("plain").bind({"scale": 2.0})))
    assert (sent.label, sent.loss.name, sent.functional.level) == ("plain:scale=2", "plain", 0.5)
