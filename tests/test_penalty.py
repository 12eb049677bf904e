"""Structural risk: penalties on a parameter vector, added after reduction."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import losscli
from losscli import penalty
from tests.conftest import Cli
from tests.registry_cases import golden

DATA = "y_true,y_pred,group\n1,2,a\n3,5,b\n"  # squared errors 1 and 4


def typed(case: dict[str, Any]) -> str:
    ratio = f":ratio={case['ratio']}" if "ratio" in case else ""
    return f"{case['penalty']}:lambda={case['lambda']}{ratio}"


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in golden("penalty")])
def test_golden(case: dict[str, Any]) -> None:
    added = penalty.penalize(penalty.parse_penalty(typed(case)), [np.array(case["params"])], "")
    assert added.value == pytest.approx(case["value"], rel=case["rtol"])


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text(DATA)
    np.save("w.npy", np.array([[1.0, -2.0], [3.0, 0.0]]))
    np.savez("model.npz", W=np.ones((2, 2)), b=np.array([3.0, -1.0, 1.0]))
    Path("w.csv").write_text("a,b\n1,-2\n3,0\n")
    Path("w.json").write_text("[[1, -2], [3, 0]]")
    Path("text.csv").write_text("a,b\n1,x\n")
    Path("gap.csv").write_text("a,b\n1,2\n3,NA\n")
    return tmp_path


@pytest.mark.parametrize(("file", "squares"), [("w.npy", 14), ("w.csv", 14), ("w.json", 14), ("model.npz", 15)])
def test_every_format_gives_all_numbers(cli: Cli, files: Path, file: str, squares: float) -> None:
    result = cli("compute", "mse", "data.csv", "--penalty", "l2:lambda=0.5", "--parameters", file, "-f", "value")
    assert float(result.out) == 2.5 + 0.5 * squares


def test_it_is_added_once_after_reduction(cli: Cli, files: Path) -> None:
    options = ("--penalty", "l1:lambda=2", "--parameters", "w.npy")
    total = cli("compute", "mse", "data.csv", "--reduction", "sum", *options, "-f", "value")
    assert float(total.out) == 5 + 12
    root = cli("compute", "rmse", "data.csv", *options, "-f", "value")
    assert float(root.out) == pytest.approx(2.5**0.5 + 12)
    grouped = cli("compute", "mse", "data.csv", "--group-by", "group", *options, "-f", "value")
    assert [float(line) for line in grouped.out.split()] == [13, 16]


def test_json_and_signature_tell_of_it(cli: Cli, files: Path) -> None:
    options = ("--penalty", "elastic_net:lambda=1", "--parameters", "w.npy", "-f", "json")
    document = json.loads(cli("compute", "mse", "data.csv", *options).out)
    assert document["penalty"] == {
        "name": "elastic_net",
        "params": {"lambda": 1.0, "ratio": 0.5},
        "value": 10.0,
        "n": 4,
        "parameters": "w.npy",
    }
    (loss,) = document["losses"]
    assert (loss["value"], loss["penalty"], loss["sum"]) == (12.5, 10.0, 5.0)
    start, _, digest = loss["signature"].partition(":sha256=")
    assert start.endswith("|penalty=elastic_net:lambda=1:ratio=0.5")
    assert digest == hashlib.sha256(np.load("w.npy").tobytes()).hexdigest()[:16]


def test_gates_see_the_sum(cli: Cli, files: Path) -> None:
    options = ("--penalty", "l2:lambda=1", "--parameters", "w.npy", "--fail-if", "mse>16")
    assert cli("compute", "mse", "data.csv", *options).status == 1


REFUSED = {
    "no such penalty": ("--penalty l3:lambda=1 --parameters w.npy", 2, ["l3", "elastic_net"]),
    "no strength": ("--penalty l2 --parameters w.npy", 2, ["l2:lambda=0.01"]),
    "strength below 0": ("--penalty l2:lambda=-1 --parameters w.npy", 2, ["lambda=-1", ">= 0"]),
    "ratio beyond 1": ("--penalty elastic_net:lambda=1:ratio=2 --parameters w.npy", 2, ["ratio=2", "[0, 1]"]),
    "no such setting": ("--penalty l2:lambda=1:ratio=1 --parameters w.npy", 2, ["'ratio'", "lambda"]),
    "two": ("--penalty l1:lambda=1,l2:lambda=1 --parameters w.npy", 2, ["elastic_net"]),
    "no parameters": ("--penalty l2:lambda=1", 2, ["--parameters"]),
    "no penalty": ("--parameters w.npy", 2, ["--penalty"]),
    "rows": ("--penalty l2:lambda=1 --parameters w.npy --per-sample", 2, ["reduced value"]),
    "standard input": ("--penalty l2:lambda=1 --parameters -", 2, ["standard input"]),
    "no file": ("--penalty l2:lambda=1 --parameters no.npy", 3, ["no.npy"]),
    "text": ("--penalty l2:lambda=1 --parameters text.csv", 3, ["text.csv", "'b'", "text"]),
    "missing": ("--penalty l2:lambda=1 --parameters gap.csv", 3, ["gap.csv", "nan", "finite"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(cli: Cli, files: Path, name: str) -> None:
    arguments, code, fragments = REFUSED[name]
    result = cli("compute", "mse", "data.csv", *arguments.split())
    assert (result.status, result.out) == (code, "")
    assert result.err.count("\n") == 1
    assert all(fragment in result.err for fragment in fragments), result.err


def test_python(files: Path) -> None:
    arrays = {"y_true": [1.0, 3.0], "y_pred": [2.0, 5.0]}
    for parameters in (np.array([1.0, -2.0, 3.0]), [1.0, -2.0, 3.0], [np.ones((2, 2)), [3.0, -1.0]], "w.npy"):
        result = losscli.compute("mse", **arrays, penalty="l2:lambda=0.5", parameters=parameters)
        assert result.value == 2.5 + 7
        assert result.penalty == 7
    with pytest.raises(losscli.UsageError, match="go together"):
        losscli.compute("mse", **arrays, penalty="l2:lambda=0.5")
