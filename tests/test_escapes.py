"""Names from the data do nothing to a terminal or a page, and output is UTF-8 whatever they hold."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from losscli.messages import escape_controls
from tests.conftest import ENVIRONMENT, LOSSCLI, Cli

HOSTILE = "a\x1b[31mred\x07\x9b2J\u202eb"
SHOWN = r"a\u001b[31mred\u0007\u009b2J\u202eb"


def write_records(path: Path, **columns: list[object]) -> Path:
    path.write_text(json.dumps(columns))
    return path


@pytest.mark.parametrize(
    "command",
    [
        "compute mse {0} --group-by site -f table",
        "compute mse {0} --per-sample --id site -f table",
        "compute mse {0} --top 1 --id site -f table",
        "compare --losses mse,mae {0} --group-by site -f table",
        "compute mse {0} --group-by site -q --fail-if mse>=0 -f value",
    ],
)
def test_cells_do_not_reach_the_terminal(cli: Cli, tmp_path: Path, command: str) -> None:
    path = write_records(tmp_path / "d.json", y_true=[1, 2], y_pred=[3, 3], site=[HOSTILE, "x"])
    done = cli(*command.format(path).split())
    assert SHOWN in done.out + done.err
    assert "\x1b" not in done.out + done.err
    assert "\u202e" not in done.out + done.err


def test_models_and_columns_do_not_reach_the_terminal(cli: Cli, tmp_path: Path) -> None:
    name = f"m_{HOSTILE}"
    path = write_records(tmp_path / "d.json", y_true=[1, 2, 4], m_a=[1, 3, 3], **{name: [2, 2, 9]})
    for done in (
        cli("compare", "--losses", "mse", "--pred", "m_a", "--pred", name, path, "-f", "table"),
        cli("compute", "mse", path),
    ):
        assert SHOWN in done.out + done.err
        assert "\x1b" not in done.out + done.err


def test_names_of_files_do_not_reach_the_terminal(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / f"{HOSTILE}.csv"
    assert SHOWN in cli("compute", "mse", path).err
    path.write_text("a,b\n1,2\n3,5\n")
    done = cli("compute", "mse", path)
    assert "by position" in done.err
    assert SHOWN in done.err
    path.write_text("y_true,y_pred\n1,2\n3,x\n")
    assert SHOWN in cli("compute", "mse", path).err


def test_markdown_keeps_rows_and_tags_apart(cli: Cli, tmp_path: Path) -> None:
    site = "<img src=x>\n| `b` [c](d) *e* \\"
    path = write_records(tmp_path / "d.json", y_true=[1, 2], y_pred=[1, 3], **{"a<b\r\n|c": [site, "x"]})
    lines = cli("compute", "mse", path, "--group-by", "a<b\r\n|c", "-f", "markdown", "-q").out.splitlines()
    assert len(lines) == 4
    assert r"a&lt;b<br>\|c" in lines[0]
    assert any(r"&lt;img src=x&gt;<br>\| \`b\` \[c\](d) \*e\* \\ |" in line for line in lines)


@pytest.mark.parametrize(
    "format_",
    ["json", "csv", *(pytest.param(f, marks=pytest.mark.slow) for f in ("jsonl", "tsv", "markdown", "table"))],
)
@pytest.mark.parametrize("to_file", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_lone_surrogates_are_written_as_utf8(tmp_path: Path, format_: str, to_file: bool) -> None:
    (tmp_path / "d.json").write_text('{"y_true": [1, 2], "y_pred": [1, 3], "g": ["\\ud800", "a"]}')
    out = ["-o", "out"] if to_file else []
    command = [*LOSSCLI, "compute", "mse", "d.json", "--group-by", "g", "-f", format_, *out]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=True)
    text = ((tmp_path / "out").read_bytes() if to_file else done.stdout).decode("utf-8")
    assert r"\ud800" in text
    if format_ == "json":
        assert {loss["group"]["g"] for loss in json.loads(text)["losses"]} == {"\ud800", "a"}


def test_a_file_name_that_is_not_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"d\xff.csv")
    (tmp_path / name).write_text("y_true,y_pred\n1,2\n3,5\n")
    done = subprocess.run(
        [*LOSSCLI, "compute", "mse", name, "-f", "json"], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=True
    )
    assert json.loads(done.stdout.decode("utf-8"))["data"]["paths"] == ["d\udcff.csv"]


def test_other_formats_on_a_terminal(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    path = write_records(tmp_path / "d.json", y_true=[1, 2], y_pred=[1, 3], site=[HOSTILE, "x\ty"])
    for format_ in ("tsv", "csv", "json", "markdown"):
        master, slave = pty.openpty()
        command = [*LOSSCLI, "compute", "mse", str(path), "--group-by", "site", "-f", format_, "-q"]
        subprocess.run(command, stdout=slave, env=ENVIRONMENT, check=True)
        os.close(slave)
        shown = os.read(master, 1 << 16).decode("utf-8")
        os.close(master)
        assert "\x1b" not in shown
        assert r"\u001b[31m" in shown.replace("\\\\u", "\\u").replace("\\[", "[")


def test_ordinary_text_stays() -> None:
    assert escape_controls("naïve 均方误差 ≈ 1") == "naïve 均方误差 ≈ 1"
    assert escape_controls("a\tb\nc\r") == r"a\tb\nc\r"
    assert escape_controls("a\tb\n\x00", keep="\n\t") == "a\tb\n\\u0000"


def test_invisible_characters_are_shown() -> None:
    for character in "\u061c\u200e\u200f\u2066\u202e\ufeff\ufffe\uffff":  # direction, byte order mark, not in XML
        assert escape_controls(f"a{character}") == f"a\\u{ord(character):04x}"


def test_a_loss_near_the_largest_number(cli: Cli) -> None:
    done = cli("compute", "mae", "-f", "json", "-", stdin=b"y_true,y_pred\n1.7976931348623157e308,0\n")
    assert done.status == 0
    assert json.loads(done.out)["losses"][0]["value"] == 1.7976931348623157e308
