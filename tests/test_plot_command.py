"""The command plot: when it reads data, which options go together, what it writes where."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from losscli.cli.plot import is_data_waiting
from losscli.declaration.loss import BoundLoss
from losscli.plot import curves, figure
from losscli.plot.pictures import Axis, Line, Panel, Picture
from losscli.report.formats import Style
from tests.conftest import ENVIRONMENT, LOSSCLI, SAMPLE_DATA, Cli

TUMOURS = str(SAMPLE_DATA / "tumours.csv")
ROWS = b"y_true,y_pred\n1,2\n2,2\n3,5\n4,4\n"


def fake_curves(losses: Sequence[BoundLoss], x_range: tuple[float, float] | None = None) -> Picture:
    low, high = x_range or (-1.0, 1.0)
    x = np.linspace(low, high, 11)
    lines = tuple(Line(bound.label, x, x**2, i) for i, bound in enumerate(losses))
    panel = Panel("loss", Axis("residual", low, high), Axis("loss", 0.0, 1.0), lines)
    return Picture("curves", "curves", (panel,), "it is a parabola", tuple(bound.label for bound in losses))


@pytest.fixture(autouse=True)
def _curves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "curves_picture", fake_curves)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Draw images without matplotlib: the formats asked for."""
    formats: list[str] = []

    def save_figure(picture: Picture, format: str) -> bytes:
        formats.append(format)
        return b"\x00 image of " + format.encode()

    monkeypatch.setattr(figure, "save_figure", save_figure)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    return formats


# ------------------------------------------------------------------------------------------------ curves or data


def test_without_data_it_draws_curves_and_reads_nothing(cli: Cli) -> None:
    result = cli("plot", "mse,huber:delta=2", stdin=b"this is no data")
    assert (result.status, result.err) == (0, "")
    assert "huber:delta=2" in result.out
    assert result.out.endswith("it is a parabola\n")
    assert "\x1b" not in result.out
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize("option", [["-"], ["--kind", "share"], ["--true", "y_true"], ["--nan", "omit"], ["-j", "2"]])
def test_options_of_data_read_standard_input(option: list[str], cli: Cli) -> None:
    result = cli("plot", "mse", *option, "-f", "json", stdin=ROWS)
    assert result.status == 0, result.err
    assert json.loads(result.out)["data"]["n"] == 4


class Terminal:
    def isatty(self) -> bool:
        return True


def test_options_of_data_need_data(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from losscli.cli import run

    monkeypatch.setattr(sys, "stdin", Terminal())
    assert run(["plot", "mse", "--kind", "share"]) == 2


def test_an_option_of_data_names_itself(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from losscli.cli import run

    monkeypatch.setattr(sys, "stdin", Terminal())
    run(["plot", "mse", "--group-by", "site"])
    assert "--group-by is about data, and there is none: name a file, or pipe it in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "is_file", "waits"),
    [(b"data", False, True), (b"", False, False), (b"data", True, True), (b"", True, False)],
)
def test_data_that_waits_is_noticed(
    written: bytes, is_file: bool, waits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_file:
        (tmp_path / "data").write_bytes(written)
        reader, writer = os.open(tmp_path / "data", os.O_RDONLY), os.open(os.devnull, os.O_WRONLY)
    else:
        reader, writer = os.pipe()
        os.write(writer, written)
    before = os.dup(0)
    try:
        os.dup2(reader, 0)
        with open(0, closefd=False) as stream:
            monkeypatch.setattr(sys, "stdin", stream)
            assert is_data_waiting() is waits
    finally:
        os.dup2(before, 0)
        for descriptor in (before, reader, writer):
            os.close(descriptor)


# ------------------------------------------------------------------------------------------------------- refusals

REFUSALS = {
    "a range of data": (["mse", TUMOURS, "--range", "-3:3"], "--range -3:3: is for curves"),
    "a range and a kind": (["mse", "--range", "-3:3", "--kind", "rows"], "--kind is about data: leave one out"),
    "one number": (["mse", "--range", "3"], "must be two numbers, as in -3:3"),
    "three numbers": (["mse", "--range", "1:2:3"], "must be two numbers"),
    "words": (["mse", "--range", "low:high"], "must be two numbers"),
    "nothing": (["mse", "--range", ":"], "must be two numbers"),
    "an end that is infinite": (["mse", "--range=-inf:3"], "must be two finite numbers"),
    "an end that is NaN": (["mse", "--range", "nan:3"], "must be two finite numbers"),
    "the wrong order": (["mse", "--range", "3:-3"], "must be less than the second"),
    "a range of no digits": (["mse", "--range", "1:1.0000000000000002"], "the numbers are too near to each other"),
    "a range near the smallest number": (["hinge", "--range", "0:5e-324"], "the numbers are too near to each other"),
    "an infinite range": (["mse", "--range=-1e308:1e308"], "--range -1e308:1e308: a number is too large to be drawn"),
    "an empty range": (["mse", "--range", "3:3"], "must be less than the second"),
    "an unknown loss": (["msee"], "mse"),
    "a file in place of losses": ([TUMOURS], "losses come before the data"),
    "an unknown ending": (["mse", "-o", "x.jpg"], ".txt, .json, .svg, .png, .pdf"),
    "no ending": (["mse", "-o", "x"], "names no format"),
    "no folder": (["mse", "-o", "no/x.txt"], "there is no folder"),
    "the input": (["mse", "d.csv", "-o", "d.csv", "-f", "text"], "is the input"),
    "an unknown kind": (["mse", TUMOURS, "--kind", "pie"], "pie"),
    "an unknown format": (["mse", "-f", "tsv"], "tsv"),
}


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
def test_refusals(case: tuple[list[str], str], cli: Cli) -> None:
    Path("d.csv").write_bytes(ROWS)
    words, message = case
    result = cli("plot", *words)
    assert (result.status, result.out) == (2, "")
    assert message in result.err
    assert result.err.count("\n") == 1
    assert os.listdir() == ["d.csv"]


@pytest.mark.parametrize("text", ["-3:3", "1e-3:1e3", "-3.5:-1"])
def test_a_range(text: str, cli: Cli) -> None:
    document = json.loads(cli("plot", "mse", "--range", text, "-f", "json").out)
    axis = document["panels"][0]["x"]
    assert [axis["low"], axis["high"]] == [float(end) for end in text.split(":")]


# --------------------------------------------------------------------------------------------------------- output


@pytest.mark.parametrize("name", ["x.txt", "x.txt.gz", "x.json"])
def test_files_of_text(name: str, cli: Cli) -> None:
    printed = cli("plot", "mse", TUMOURS, "--kind", "share", "-f", "json" if name == "x.json" else "text").out
    result = cli("plot", "mse", TUMOURS, "--kind", "share", "-o", name, "--color", "always")
    assert (result.status, result.out) == (0, "")
    data = Path(name).read_bytes()
    assert (gzip.decompress(data) if name.endswith("gz") else data).decode() == printed


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_files_of_images(ending: str, cli: Cli, drawn: list[str]) -> None:
    result = cli("plot", "mse", "-o", f"x.{ending}")
    assert (result.status, result.out, result.err) == (0, "", "")
    assert Path(f"x.{ending}").read_bytes() == b"\x00 image of " + ending.encode()
    assert cli("plot", "mse", "-o", f"x.{ending}.gz").status == 0
    assert gzip.decompress(Path(f"x.{ending}.gz").read_bytes()) == Path(f"x.{ending}").read_bytes()
    assert drawn == [ending, ending]


def test_images_go_to_a_pipe_as_bytes(drawn: list[str], capfdbinary: Any) -> None:
    from losscli.cli import run

    assert run(["plot", "mse", "-f", "png"]) == 0
    assert capfdbinary.readouterr().out == b"\x00 image of png"


@pytest.mark.parametrize(("format_", "status"), [("png", 2), ("pdf", 2), ("svg", 0)])
def test_a_terminal_shows_no_bitmap(
    format_: str, status: int, cli: Cli, drawn: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from losscli.cli.output import Output

    parse = Output.parse
    on_terminal = lambda *arguments: parse(*arguments)._replace(style=Style(width=80))
    monkeypatch.setattr(Output, "parse", on_terminal)
    result = cli("plot", "mse", "-f", format_)
    assert result.status == status
    assert drawn == ["svg"] * (status == 0)
    assert status == 0 or f"-o FILE.{format_}" in result.err


def test_an_image_that_fails_leaves_no_file(cli: Cli, drawn: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("x.svg").write_text("earlier")

    def fail(picture: Picture, format: str) -> bytes:
        raise MemoryError

    monkeypatch.setattr(figure, "save_figure", fail)
    assert cli("plot", "mse", "-o", "x.svg").status == 3
    assert Path("x.svg").read_text() == "earlier"
    assert os.listdir() == ["x.svg"]


def test_images_need_matplotlib_before_any_work(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = cli("plot", "mse", "no such file.csv", "-o", "x.svg")
    assert result.status == 2
    assert "svg is drawn by matplotlib, which is missing: pip install 'losscli[plot]'" in result.err


@pytest.mark.parametrize(
    ("options", "environment", "is_coloured"),
    [
        ([], {}, False),
        (["--color", "always"], {}, True),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour(
    options: list[str], environment: dict[str, str], is_coloured: bool, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in cli("plot", "mse,mae", *options).out) is is_coloured


def test_json_is_the_document_of_the_picture(cli: Cli) -> None:
    document = json.loads(cli("plot", "mse", TUMOURS, "--kind", "share", "-f", "json").out)
    assert document["kind"] == "share"
    assert document["losses"] == ["mse"]
    assert "evaluation" not in document


# ------------------------------------------------------------------------------------------------- notes and status


def test_notes_are_those_of_compute(cli: Cli) -> None:
    Path("d.csv").write_bytes(b"y_true,y_pred\n1,2\n2,\n3,5\n")
    words = ["mse", "d.csv", "--nan", "omit"]
    drawn, computed = cli("plot", *words, "--kind", "share"), cli("compute", *words)
    assert drawn.status == 0
    assert "1 of 3 rows lacks a value and was left out" in drawn.err
    assert drawn.err == computed.err
    assert cli("plot", *words, "--kind", "share", "-q").err == ""


def test_a_value_that_is_not_finite_has_the_status_of_compute(cli: Cli) -> None:
    Path("d.csv").write_bytes(b"y_true,y_pred\n1,2\n2,\n3,5\n")
    words = ["mse", "d.csv", "--nan", "propagate"]
    drawn, computed = cli("plot", *words, "--kind", "share"), cli("compute", *words)
    assert (drawn.status, drawn.err) == (computed.status, computed.err)
    assert drawn.status == 4
    assert "carr" in drawn.out


@pytest.mark.parametrize(("data", "status"), [(b"y_true,y_pred\n1,a\n", 3), (b"", 3), (b"y_true,y_pred\n", 3)])
def test_bad_data_has_the_status_of_compute(data: bytes, status: int, cli: Cli) -> None:
    drawn = cli("plot", "mse", "-", "-o", "x.txt", stdin=data)
    assert drawn.status == cli("compute", "mse", "-", stdin=data).status
    assert (drawn.status, drawn.out) == (status, "")
    assert not os.path.exists("x.txt")


@pytest.mark.slow
@pytest.mark.parametrize("command", [["plot", "mse"], ["report", "--losses", "mse", TUMOURS]])
def test_surroundings_of_matplotlib_change_nothing(tmp_path: Path, command: Sequence[str]) -> None:
    (tmp_path / "matplotlibrc").write_text("nonsense: 3\nfont.size: huge\n")
    odd = {"MPLBACKEND": "nonsense", "MATPLOTLIBRC": str(tmp_path), "MPLCONFIGDIR": "/dev/null/no"}
    typed = [*LOSSCLI, *command, "-q", "-f", "svg" if command[0] == "plot" else "html"]
    pages = []
    for surroundings in ({}, odd):
        done = subprocess.run(typed, env=ENVIRONMENT | surroundings, capture_output=True, cwd=tmp_path, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        pages.append(done.stdout)
    assert pages[0] == pages[1] != b""
