"""Pictures in Python: losscli.plot, and the plots of results."""

import subprocess
import sys

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import losscli

Y_TRUE = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
Y_PRED = np.array([1.1, 2.3, 2.8, 4.4, 5.5, 16.0])
DATA = {"y_true": Y_TRUE, "y_pred": Y_PRED, "other": Y_TRUE + 0.5, "site": list("aaabbb")}


@pytest.fixture(autouse=True)
def _no_open_figures():
    yield
    plt.close("all")


def text_of(axes):
    """Return all text of a figure."""
    figure = np.ravel(axes)[0].figure
    figure.canvas.draw()
    return "\n".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))


def test_one_panel_returns_its_axes_and_shows_with_pyplot():
    axes = losscli.plot("mse,mae", y_true=Y_TRUE, y_pred=Y_PRED, kind="share")
    assert isinstance(axes, Axes)
    assert plt.get_fignums() == [axes.figure.number]
    assert [line.get_gid() for line in axes.lines if "line" in line.get_gid()] == ["line-0", "line-1"]
    text = text_of(axes)
    assert "mse: 1 row" in text
    assert "half of mse" in text  # the sentence


def test_several_panels_return_an_array_of_axes():
    axes = losscli.plot(["huber:delta=2", "mae"], range=(-4, 4))
    assert [type(one) is type(axes[0]) for one in axes] == [True, True]
    assert axes.dtype == object
    assert axes[0].get_xlim() == (-4, 4)
    line = next(line for line in axes[0].lines if line.get_gid() == "line-0")
    x, y = np.array(line.get_data(), dtype=float)
    assert y == pytest.approx(np.where(abs(x) <= 2, x**2 / 2, 2 * (abs(x) - 1)))


def test_given_axes_are_drawn_into_and_no_figure_is_opened():
    figure = Figure()
    given = figure.subplots(1, 2)
    assert list(losscli.plot("mse", ax=given)) == list(given)
    one = Figure().subplots()
    assert losscli.plot("mse", DATA, kind="share", ax=one) is one
    assert plt.get_fignums() == []
    assert figure.texts == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("result", "texts"),
    [
        (lambda: losscli.compute("mse", DATA), ["How few rows carry half of the loss", "1 row"]),
        (lambda: losscli.compute(["mse", "mae"], DATA), ["mse: 1 row", "mae: 1 row"]),
        (lambda: losscli.compute(["mae"], DATA, group_by="site"), ["mae by site", "a, 3 rows", "0.2", "3.633"]),
        (lambda: losscli.compute("mae", DATA, group_by="site", ci=0.9, seed=1), ["mae by site, 90", "a, 3 rows"]),
        (lambda: losscli.compare("mse,mae", DATA), ["inflation", "stress", "pull", "mse", "outlier rows make mse"]),
        (lambda: losscli.compare("mae", DATA, models=["y_pred", "other"]), ["How much worse y_pred is than other"]),
        (lambda: losscli.explain("huber:delta=2"), ["Loss of one row", "huber:delta=2"]),
        (lambda: losscli.explain(["mse", "mae"]), ["Loss of one row", "mse", "mae"]),
        (lambda: losscli.get_loss("hinge"), ["Loss of one row", "hinge"]),
    ],
)
def test_results_have_plots(result, texts):
    axes = result().plot()
    found = text_of(axes)
    for text in texts:
        assert text in found


def test_the_share_of_a_result_is_that_of_its_data():
    data = losscli.plot("mse", DATA, kind="share")
    result = losscli.compute("mse", DATA).plot(Figure().subplots())
    curve, same = (next(line for line in axes.lines if line.get_gid() == "line-0") for axes in (data, result))
    assert np.array_equal(curve.get_xydata(), same.get_xydata())
    losses = np.sort((Y_PRED - Y_TRUE) ** 2)[::-1]
    x, y = same.get_data()
    assert np.interp(100 / 6, x, y) == pytest.approx(100 * losses[0] / losses.sum())


def test_dots_of_a_comparison_are_its_numbers():
    comparison = losscli.compare("mse,mae", DATA)
    for axes, name in zip(comparison.plot(), ("inflation", "stress", "pull"), strict=True):
        dots = [line.get_xdata()[0] for line in axes.lines if line.get_gid().endswith("-value")]
        assert dots == [getattr(loss, name) for loss in comparison]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: losscli.plot("mse", DATA, knid="share"),
            r"plot\(\) got an unknown keyword 'knid' \(did you mean 'kind'",
        ),
        (lambda: losscli.plot("huber", DATA, detla=2), "did you mean 'delta'"),
        (lambda: losscli.plot("mse", DATA, kind="shares"), 'kind="shares": must be one of rows, share'),
        (lambda: losscli.plot("mse", DATA, kind=["share"]), "kind=.*: must be one of rows, share"),
        (lambda: losscli.plot("mse", kind="share"), 'kind="share": is about data, and there is none'),
        (lambda: losscli.plot("mse", group_by="site"), "group_by=.*: is about data, and there is none"),
        (lambda: losscli.plot("mse", delimiter=";"), 'delimiter=";": is about data, and there is none'),
        (lambda: losscli.plot("mse", ci=0.9), "ci=0.9: is about data, and there is none"),
        (lambda: losscli.plot("mse", DATA, range=(-3, 3)), "is for curves, which are drawn without data"),
        (lambda: losscli.plot("mse", range=(-1e308, 1e308)), "a number is too large to be drawn"),
        (lambda: losscli.plot("mse", range=(3, -3)), "the first number must be less than the second"),
        (lambda: losscli.plot("mse", range="a:b"), r"range: must be two numbers, as in \(-3, 3\), not 'a:b'"),
        (lambda: losscli.plot("mse", range=(0, float("inf"))), "must be two finite numbers"),
        (lambda: losscli.plot("mse", DATA, kind="share", ax=7), "ax: must be an Axes of matplotlib"),
        (lambda: losscli.plot("mes"), "unknown loss: 'mes'"),
        (lambda: next(iter(losscli.compute("mse", DATA, group_by="site"))).plot(), "there is nothing to draw"),
        (lambda: losscli.compute("mse", DATA, weight=Y_TRUE).plot(), "draws weighted rows"),
        (lambda: losscli.compare("mse", DATA, group_by="site").plot(), "a comparison of groups has no picture"),
        (
            lambda: losscli.compute(
                "cross_entropy", y_true=[1, -1, 0], y_pred=np.eye(3), from_logits=True, ignore_index=-1
            ).plot(),
            "not all rows count in cross_entropy",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(losscli.UsageError, match=message) as found:
        call()
    assert plt.get_fignums() == []
    assert "\n" not in str(found.value)


def test_an_unknown_keyword_is_a_type_error():
    with pytest.raises(TypeError):
        losscli.plot("mse", DATA, knid="share")


def run(program):
    """Return what a new process prints."""
    found = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


ONLY_TEXT = """
import runpy, sys
import losscli
losscli.plot
data = {"y_true": [1.0, 2.0], "y_pred": [1.5, 2.0]}
for result in (losscli.compute("mse", data), losscli.compare("mse,mae", data), losscli.recommend(data)):
    print(repr(result))
COMMANDS = ["list", "explain mse", "plot mse", "compute mse PATH", "compare --losses mse,mae PATH", "plot mse PATH"]
for command in COMMANDS:
    sys.argv = ["losscli", *command.split()]
    try:
        runpy.run_module("losscli", run_name="__main__")
    except SystemExit as ended:
        assert not ended.code
print([name for name in sys.modules if name.startswith("matplotlib")])
"""


def test_matplotlib_is_imported_only_to_draw(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("y_true,y_pred\n1,1.5\n2,2.5\n3,7\n")
    assert run(ONLY_TEXT.replace("PATH", str(path))).endswith("[]")


WITHOUT_MATPLOTLIB = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
import losscli
calls = [
    lambda: losscli.plot("mse"),
    lambda: losscli.compute("mse", y_true=[1, 2], y_pred=[1, 3]).plot(),
    lambda: losscli.explain("mse").plot(),
    lambda: losscli.get_loss("mse").plot(),
    lambda: losscli.compare("mse", y_true=[1, 2], y_pred=[1, 3]).plot(),
]
for call in calls:
    try:
        call()
    except losscli.UsageError as error:
        print(error)
"""


def test_without_matplotlib_the_error_says_what_to_install():
    assert run(WITHOUT_MATPLOTLIB).split("\n") == ["pictures need matplotlib: pip install 'losscli[plot]'"] * 5
