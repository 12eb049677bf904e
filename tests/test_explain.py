"""What explain shows: parameters, several losses side by side, curves on a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np
import pytest

import losscli
from losscli.cli import explain as command
from losscli.cli.explain import curve_text
from losscli.cli.output import Output
from losscli.declaration.grammar import parse_specs
from losscli.declaration.loss import BoundLoss
from losscli.errors import UsageError
from losscli.explain import explain
from losscli.explanations import Explanations
from losscli.plot import curves
from losscli.plot.pictures import Axis, Line, Panel, Picture
from losscli.registry import resolve
from losscli.report.formats import Style
from tests.conftest import Cli


def fake_curves(losses: Sequence[BoundLoss], x_range: tuple[float, float] | None = None) -> Picture:
    if len({bound.loss.family for bound in losses}) > 1:
        raise UsageError("mse is a loss of a residual, bce of a probability")
    x, axis = np.linspace(-1, 1, 11), Axis("residual", -1, 1)
    marks = tuple(Line(bound.label, x, x**2, i) for i, bound in enumerate(losses))
    panels = (Panel("loss", axis, Axis("loss", 0, 1), marks), Panel("gradient", axis, Axis("gradient", -2, 2), marks))
    labels = tuple(bound.label for bound in losses)
    return Picture("curves", "curves", panels, "they are parabolas", labels, is_stacked=True)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have curves, and a terminal of 80 columns."""
    parse = Output.parse
    monkeypatch.setattr(Output, "parse", lambda *values: parse(*values)._replace(style=Style(width=80)))
    monkeypatch.setattr(curves, "curves_picture", fake_curves)


# ------------------------------------------------------------------------------------------------------ parameters


def test_parameters_that_are_set_are_said(cli: Cli) -> None:
    lines = cli("explain", "huber:delta=2").out.splitlines()
    assert lines[0] == "huber:delta=2"
    assert "  delta=2  > 0; 1 by default" in lines
    assert "  bounded gradient       yes" in lines
    infinite = cli("explain", "huber:delta=inf").out.splitlines()
    assert "  bounded gradient       no" in infinite


def test_parameters_are_in_the_document() -> None:
    document = losscli.explain("huber:delta=2").to_dict()
    assert (document["name"], document["label"], document["values"]) == ("huber", "huber:delta=2", {"delta": 2.0})
    assert document["properties"]["bounded_gradient"] is True
    assert "bounded_gradient" not in document["properties_where"]


@pytest.mark.parametrize("name", ["huber", "huber:delta=1"])
def test_the_document_of_the_defaults_is_what_it_was(name: str) -> None:
    document = losscli.explain(name).to_dict()
    assert list(document)[:3] == ["name", "aliases", "family"]
    assert "label" not in document
    assert document["properties_where"]["bounded_gradient"] == ["delta is finite"]


@pytest.mark.parametrize("loss", losscli.list_losses(), ids=lambda loss: loss.name)
def test_what_is_said_with_parameters_is_what_the_loss_declares(loss: losscli.declaration.loss.Loss) -> None:  # type: ignore[name-defined]
    bound = loss.bind({})
    assert explain(bound) == explain(loss)
    assert explain(bound).label == loss.name


def test_a_parameter_out_of_range_is_refused(cli: Cli) -> None:
    result = cli("explain", "huber:delta=-1")
    assert (result.status, result.out) == (2, "")
    assert "huber: delta=-1" in result.err


# ---------------------------------------------------------------------------------------------------- side by side


def test_losses_stand_side_by_side(cli: Cli) -> None:
    out = cli("explain", "mse,huber,bce").out
    lines = re.sub("[\u4e00-\u9fff]", "##", out).splitlines()  # a Chinese character takes two columns
    assert lines[0].split() == ["mse", "huber", "bce"]
    assert max(map(len, lines)) <= 80
    assert all(name in out for name in ("均方误差", "胡贝尔损失", "对数损失"))
    rows = {line[:21].strip(): line[23:] for line in lines if line[:1].strip()}
    assert rows["aims at"].split()[:3] == ["mean", "Huber", "mean"]
    assert rows["unit"].split() == ["y²", "y²", "nat"]
    assert rows["bounded gradient"].split()[:3] == ["no", "where", "delta"]
    for name in ("formula", "symbols", "bounded value", "convex", "reduced by", "use", "avoid"):
        assert name in rows
    starts = {lines[0].index(name) for name in ("mse", "huber", "bce")}
    assert all(lines[i][start - 1] == " " for start in starts for i in range(1, len(lines)) if len(lines[i]) > start)


@pytest.mark.parametrize("width", [40, 60, 79, 80, 100])
@pytest.mark.parametrize("names", ["mse,huber", "mse,huber,bce", "mse,huber,bce,arcface,ctc,kl,info_nce"])
def test_they_fit_the_width(names: str, width: int) -> None:
    found = losscli.explain(names.split(","))
    lines = list(found.lines(width))
    assert max(map(len, lines)) <= width
    heads = [line.split() for line in lines if line[:1] == " " and line.strip() and line[:23].strip() == ""]
    assert [name for head in heads for name in head if name in names.split(",")] != []
    if width < 80:
        assert sum(line.startswith("formula") for line in lines) == len(names.split(","))


def test_nothing_is_lost_by_wrapping() -> None:
    found = losscli.explain(["mse", "huber"])
    words = str(found).split()
    for _, cells in found.rows():
        for cell in cells:
            assert all(word in words for word in cell.split())


def test_formats_of_several(cli: Cli) -> None:
    document = json.loads(cli("explain", "mse,huber:delta=2", "-f", "json").out)
    assert list(document) == ["losses"]
    assert [one["name"] for one in document["losses"]] == ["mse", "huber"]
    assert document["losses"][0] == json.loads(cli("explain", "mse", "-f", "json").out)
    lines = cli("explain", "mse,mae", "-f", "markdown").out.splitlines()
    assert lines[:2] == ["| | mse | mae |", "| --- | --- | --- |"]
    assert r"| formula | e² | \|e\| |" in lines
    assert {line.replace(r"\|", "").count("|") for line in lines} == {4}


def test_several_in_python() -> None:
    found = losscli.explain(["mse", "huber:delta=2", losscli.get_loss("mae")])
    assert isinstance(found, Explanations)
    assert [one.label for one in found] == ["mse", "huber:delta=2", "mae"]
    assert found["mae"].title.startswith("mae")
    assert repr(found) == "<explanations of mse, huber:delta=2, mae>"
    assert found == losscli.explain("mse,huber:delta=2,mae")
    assert str(found).splitlines()[0].split() == ["mse", "huber:delta=2", "mae"]
    assert len(losscli.explain(["mse"])) == 1
    assert str(losscli.explain("mse")).startswith("mse (")
    with pytest.raises(UsageError, match="no loss is named"):
        losscli.explain([])


def test_several_in_a_notebook() -> None:
    found = losscli.explain(["mse", "huber"])
    frame = found.to_frame()
    assert list(frame.columns) == ["mse", "huber"]
    assert frame.loc["unit", "mse"] == "y²"
    html = found._repr_html_() or ""
    assert "e²/2 where |e| &lt;= delta" in html
    assert "y_true: (N,) or (N, ...): any real number<br>y_pred: (N,)" in html
    assert "..." not in html.replace("(N, ...)", "")


# ---------------------------------------------------------------------------------------------------------- curves


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_the_curve_below_the_formula(cli: Cli) -> None:
    out = cli("explain", "mse").out
    assert out.index("Formula") < out.index("└") < out.index("What it does" if "What it does" in out else "Reads")
    assert out.count("└") == 2
    assert max(map(len, out.splitlines())) <= 80
    assert "└" not in cli("explain", "mse", "-f", "markdown").out


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_the_curves_of_several_in_one_picture(cli: Cli) -> None:
    out = cli("explain", "mse,huber:delta=2").out
    assert out.count("└") == 2
    assert out.endswith("they are parabolas\n")
    apart = cli("explain", "mse,bce")
    assert apart.status == 0
    assert apart.out.endswith("\n\nNo curves in one picture: mse is a loss of a residual, bce of a probability\n")


def test_a_pipe_has_no_curve(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "curve_text", lambda *_: pytest.fail("drawn"))
    assert cli("explain", "mse").status == 0


def test_a_loss_without_a_curve_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(losses: Sequence[BoundLoss]) -> Picture:
        raise UsageError("ctc has no curve")

    monkeypatch.setattr(curves, "curves_picture", refuse)
    assert curve_text(resolve(parse_specs("ctc")), 80, False) == ""


def test_several_losses_use_the_width_of_a_wide_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = Output.parse
    monkeypatch.setattr(Output, "parse", lambda *values: parse(*values)._replace(style=Style(width=150)))
    table = cli("explain", "mse,mae,huber,log_cosh").out.partition("Loss of one row")[0]
    assert 120 < max(map(len, table.splitlines())) <= 150


def test_help_names_the_formats_that_there_are(cli: Cli) -> None:
    text = cli("explain", "--help").out
    assert "[table|markdown|html|json]" in text
    assert "precision" not in text


@pytest.mark.parametrize("name", ["ghm_c", "poly", "symmetric_cross_entropy"])
def test_what_holds_for_both_values_of_a_parameter_has_no_condition(name: str) -> None:
    found = losscli.explain(name).to_dict()
    assert found["properties"]["bounded_gradient"] is True
    assert "bounded_gradient" not in found["properties_where"]
    assert found["properties_where"]["bounded_value"] == ["from_logits=false"]


@pytest.mark.parametrize(
    ("loss", "claim", "where"),
    [
        ("mase", "bounded_gradient", ["eps > 0", "train is given"]),
        ("dss", "convex", ["scale is given"]),
        ("interval_score", "convex", ["y_pred is given"]),
        ("perplexity", "bounded_value", ["y_pred is given and from_logits=false and eps > 0"]),
    ],
)
def test_conditions_on_roles_name_those_that_tell_forms_apart(loss: str, claim: str, where: list[str]) -> None:
    assert losscli.explain(loss).to_dict()["properties_where"][claim] == where


def test_derivatives_are_of_what_the_loss_is(cli: Cli) -> None:
    assert "Derivatives of the number, without weights" in cli("explain", "proxy_anchor").out
    assert "Derivatives of the sum of the per-sample losses" in cli("explain", "mse").out
