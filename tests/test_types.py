"""The Python API as type checkers and callers see it: result types, unknown keywords, the line a warning points at."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import losscli

ROOT = Path(__file__).parent.parent
Y, P = [3, -0.5, 2, 7], [2.5, 0.0, 2, 8]


PYRIGHT = ("pyright", "--pythonpath", sys.executable)
MYPY = ("mypy", "--strict", "--config-file", "pyproject.toml")
MYPY += ("--python-version", f"{sys.version_info.major}.{sys.version_info.minor}")  # the one that NumPy's stubs are for


CALLS = """
import losscli
from losscli import Evaluation, LossResult
from typing import assert_type

y = [1.0, 2.0]
assert_type(losscli.compute("mse", y_true=y, y_pred=y), LossResult)
assert_type(losscli.compute(losscli.get_loss("mse"), y_true=y, y_pred=y), LossResult)
assert_type(losscli.compute(["mse", "mae"], y_true=y, y_pred=y), Evaluation)
assert_type(losscli.compute("mse", "d.csv", group_by="g"), Evaluation)
assert_type(losscli.compute("mse", "d.csv", group_by=["g"]), Evaluation)
assert_type(losscli.compute(losscli.list_losses()[0], y_true=y, y_pred=y), LossResult)
assert_type(losscli.compute("mse", y_true=y, y_pred=y).median, float)
assert_type(losscli.get_loss("mse", delta=1.0).value(y, y, weight=y, reduction="sum"), float)
assert_type(losscli.explain(losscli.get_loss("mse")).title, str)
assert_type(losscli.compare(losscli.get_loss("mse"), "d.csv", models="a")[0].rank, int | None)
assert_type(losscli.compute("mse", [{"y_true": 1.0, "y_pred": 2.0}]), LossResult)
score = losscli.scorer("rps", classes=["low", "high"], reduction="sum")
assert_type(score, losscli.Scorer)
assert_type(score(object(), y, y, sample_weight=y), float)
assert_type(score.set_score_request(sample_weight=True).loss, losscli.LossFunction)
"""


@pytest.mark.slow
@pytest.mark.parametrize("tool", [MYPY, PYRIGHT], ids=["mypy", "pyright"])
def test_the_page_is_typed_and_results_by_their_arguments(tool: tuple[str, ...], tmp_path: Path) -> None:
    text = (ROOT / "docs/reference/python.md").read_text(encoding="utf-8")
    block = "".join(re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    wrong = 'import losscli\nlosscli.compute("mse", y_true=[1.0], y_pred=[1.0], nan=5)\n'
    paths = [tmp_path / name for name in ("block.py", "calls.py", "wrong.py")]
    for path, code in zip(paths, (block, CALLS, wrong), strict=True):
        path.write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", *tool, *paths], cwd=ROOT, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    found = [line for line in output.splitlines() if "error:" in line]
    assert (done.returncode, {Path(line.strip().partition(":")[0]).name for line in found}) == (1, {"wrong.py"}), output
    assert any("nan" in line or "overload" in line.lower() for line in found), output


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: losscli.compute("mse", y_true=Y, y_pred=P, reducton="sum"), "'reduction'"),
        (lambda: losscli.compute("huber", y_true=Y, y_pred=P, dleta=1), "'delta'"),
        (lambda: losscli.compute(["mse", "mae"], y_ture=Y, y_pred=P), "'y_true'"),
        (lambda: losscli.compare(["mse"], y_true=Y, y_pred=P, outlier="top:1%"), "'outliers'"),
        (lambda: losscli.compare(["mse"], y_true=Y, y_pred=P, engine="dask"), "it takes"),
        (lambda: losscli.plot("mse", y_true=Y, y_pred=P, knid="share"), "'kind'"),
        (lambda: losscli.recommend(y_true=Y, y_pred=P, from_logit=True), "'from_logits'"),
    ],
)
def test_an_unknown_keyword_is_a_type_error_with_a_suggestion(call: object, meant: str) -> None:
    with pytest.raises(TypeError, match="unknown keyword") as caught:
        call()  # type: ignore[operator]
    assert meant in str(caught.value)
    assert isinstance(caught.value, losscli.UsageError)


def test_warnings_point_at_the_line_of_the_caller() -> None:
    data = {"a": Y, "b": P}
    for call in (
        lambda: losscli.compute("mse", data=data),
        lambda: losscli.compute(["mse", "mae"], data=data),
        lambda: losscli.compare(["mse"], data=data),
        lambda: losscli.plot("mse", data=data, ax=Figure().subplots()),
        lambda: losscli.recommend(data),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        assert {(Path(w.filename).name, w.lineno) for w in caught} == {("test_types.py", call.__code__.co_firstlineno)}


def test_messages_speak_of_keywords_in_python_and_of_options_on_the_command_line(cli: object, tmp_path: Path) -> None:
    with pytest.raises(losscli.DataError, match='nan="omit" leaves them out, nan="propagate" keeps them as NaN'):
        losscli.compute("mse", y_true=[1, None], y_pred=[1, 2])
    (tmp_path / "d.csv").write_text("y_true,y_pred\n1,2\n,3\n")
    result = cli("compute", "mse", str(tmp_path / "d.csv"))  # type: ignore[operator]
    assert "--nan omit leaves them out, --nan propagate keeps them as NaN" in result.err


def test_options_are_keywords_only() -> None:
    with pytest.raises(TypeError):
        losscli.compute("mse", {"y_true": Y, "y_pred": P}, "sum")  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losscli.compute([], y_true=Y, y_pred=P), "no loss is named"),
        (lambda: losscli.compare([], y_true=Y, y_pred=P), "no loss is named"),
        (lambda: losscli.compute(["mse", None], y_true=Y, y_pred=P), "not None"),
        (lambda: losscli.compare(5, y_true=Y, y_pred=P), "not 5"),
        (lambda: losscli.plot(5), "not 5"),
        (lambda: losscli.plot([]), "no loss is named"),
        (lambda: losscli.compute("mse", "d.csv", input_format="xlsy"), 'input_format="xlsy": must be one of csv'),
        (lambda: losscli.compute("mse", "d.csv", delimiter=";;"), 'delimiter=";;": must be one character'),
        (lambda: losscli.compute("mse", "d.csv", header="no"), 'header="no": must be'),
        (lambda: losscli.compute("mse", "d.csv", columns={"y_pred": 3}), "columns map roles"),
        (lambda: losscli.recommend("d.csv", columns="y_pred"), "columns map roles"),
        (lambda: losscli.compute("mse", "d.csv", group_by=3), "not 3"),
        (lambda: losscli.compare(["mse"], "d.csv", sort=3), "sort=3: must be text"),
        (lambda: losscli.compute("mse", "d.csv", jobs=1.5), "jobs=1.5: must be a whole number"),
        (lambda: losscli.compute("mse", "d.csv", nan=None), "nan=None: must be one of"),
    ],
)
def test_an_argument_of_a_wrong_type_is_a_usage_error(call: Callable[[], object], message: str) -> None:
    with pytest.raises(losscli.UsageError, match=re.escape(message)):
        call()
