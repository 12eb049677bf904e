"""Tables as HTML and LaTeX: structure, alignment, and names that mean something to either."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from losscli.report.formats.latex import escape_latex
from losscli.report.formats.markdown import escape_markdown
from tests.conftest import SAMPLE_DATA, Cli

DIABETES = str(SAMPLE_DATA / "diabetes.csv")
HOSTILE = '<b>&"x"</b>|$a$ `q` _i_ ~~s~~ ^%#{}\\ [l](u) δ−≈中文'
FORMATS = {"html": ".html", "latex": ".tex"}


class Page(HTMLParser):
    """The elements of a fragment; every one that is opened is closed, in order."""

    VOID = ("br",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


COMMANDS = {
    "compute": ["compute", "mse,mae", DIABETES],
    "rows": ["compute", "mse", DIABETES, "--per-sample"],
    "worst rows": ["compute", "mse", DIABETES, "--top", "3"],
    "compare": ["compare", "--losses", "mse,mae", DIABETES, "--show-outliers", "2", "--outliers", "top:1%"],
    "recommend": ["recommend", DIABETES],
    "list": ["list"],
}


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_html_holds_the_table_of_the_other_formats(cli: Cli, arguments: list[str]) -> None:
    page = Page(cli(*arguments, "-f", "html", "-q").out)
    markdown = cli(*arguments, "-f", "markdown", "-q").out
    header = next(line for line in markdown.splitlines() if line.startswith("| "))
    assert page.rows[0] == [cell.strip() for cell in header.strip("|").split(" | ")]
    lines = [line for line in markdown.splitlines() if line.startswith("| ") and not line.startswith("| --")]
    assert [len(row) for row in page.rows] == [line.strip("|").count(" | ") + 1 for line in lines]
    assert page.tags.count("table") == page.tags.count("caption") == page.tags.count("thead") >= 1
    scopes = [attributes["scope"] for tag, attributes in page.attributes if tag == "th"]
    assert scopes.count("row") == len(lines) - page.tags.count("table")
    assert not {"html", "body", "style", "script"} & set(page.tags)


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_latex_has_the_rules_of_booktabs_and_as_many_cells_as_columns(cli: Cli, arguments: list[str]) -> None:
    lines = cli(*arguments, "-f", "latex", "-q").out.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("\\begin{tabular}")]
    assert starts
    for start in starts:
        end = lines.index("\\end{tabular}", start)
        assert lines[start + 1] == "\\toprule"
        assert lines[start + 3] == "\\midrule"
        assert lines[end - 1] == "\\bottomrule"
        types = re.findall(r"r@\{\}l|p\{0\.5\\linewidth\}|[lr]", lines[start].partition("}{")[2])
        width = sum(2 if kind == "r@{}l" else 1 for kind in types)
        for line in [lines[start + 2], *lines[start + 4 : end - 1]]:
            assert line.endswith(" \\\\")
            cells = re.split(r"(?<!\\) ?& ", line)
            assert len(cells) + line.count("\\multicolumn{2}") == width
    outside = lines[: starts[0]] + lines[lines.index("\\end{tabular}", starts[-1]) + 1 :]
    assert all(line.startswith("%") for line in outside if line)


@pytest.mark.parametrize(("name", "ending"), FORMATS.items())
def test_the_ending_of_a_file_sets_the_format(cli: Cli, name: str, ending: str) -> None:
    cli("compute", "mse", DIABETES, "-o", f"out{ending}")
    assert Path(f"out{ending}").read_text() == cli("compute", "mse", DIABETES, "-f", name).out
    if ending == ".html":
        cli("compute", "mse", DIABETES, "-o", "out.htm")
        assert Path("out.htm").read_text() == Path("out.html").read_text()


def test_latex_puts_decimal_points_in_line(cli: Cli) -> None:
    Path("d.csv").write_text("y_true,y_pred\n0,-0.25\n0,3\n0,1e-9\n0,1e20\n0,nan\n0,inf\n0,-inf\n")
    out = cli("compute", "mse", "d.csv", "--per-sample", "--nan", "propagate", "-f", "latex").out
    rows = [line.removesuffix(" \\\\").split(" & ") for line in out.splitlines() if re.match(r"\d+ &", line)]
    assert [row[3:5] for row in rows[:4]] == [
        ["$-$0", ".25"], ["3", ""], ["1", "$\\cdot 10^{-9}$"], ["1", "$\\cdot 10^{20}$"],
    ]  # fmt: skip
    assert rows[4][3] == "\\multicolumn{2}{c}{nan}"
    assert rows[6][3] == "\\multicolumn{2}{c}{$-$inf}"


def test_missing_cells_are_empty_or_a_dash(cli: Cli) -> None:
    Path("d.csv").write_text("y_true,a,b\n1,1,2\n2,2,4\n3,3,2\n")
    arguments = ("compare", "--losses", "mse", "d.csv", "--true", "y_true", "--pred", "a", "--pred", "b", "-q")
    tsv = [line.split("\t") for line in cli(*arguments).out.splitlines()]
    html = Page(cli(*arguments, "-f", "html").out).rows
    assert tsv[1].count("") > 0
    assert [[cell == "" for cell in row] for row in html] == [[cell == "" for cell in row] for row in tsv]
    assert "{--}" in cli(*arguments, "-f", "latex").out


def test_precision_sets_the_digits(cli: Cli) -> None:
    assert ">2987<" in cli("compute", "mse", DIABETES, "-f", "html", "--precision", "4").out
    assert "& 2987.3" not in cli("compute", "mse", DIABETES, "-f", "latex", "--precision", "5").out
    assert "& 2987 & .3 &" in cli("compute", "mse", DIABETES, "-f", "latex", "--precision", "5").out


def hostile_data(names: list[str]) -> None:
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    lines = [f"y_true,y_pred,{quoted[0]}", *(f"1,{i},{name}" for i, name in enumerate(quoted))]
    Path("h.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_names_are_text_in_html(cli: Cli) -> None:
    names = [HOSTILE, "<script>alert(1)</script>", "two\nlines", "\x1b[31mred", "&amp;"]
    hostile_data(names)
    out = cli("compute", "mse", "h.csv", "--group-by", HOSTILE, "-f", "html", "-q").out
    page = Page(out)
    assert set(page.tags) == {"table", "caption", "thead", "tbody", "tr", "th", "td", "br"}
    assert page.rows[0][1] == HOSTILE
    assert {row[1] for row in page.rows[1:]} == {HOSTILE, names[1], "twolines", "\\u001b[31mred", "&amp;"}
    assert "\x1b" not in out


def test_names_are_text_in_latex(cli: Cli) -> None:
    hostile_data([HOSTILE, "[1cm]", "*", "a--b---c", "two\nlines"])
    out = cli("compute", "mse", "h.csv", "--group-by", HOSTILE, "-f", "latex", "-q").out
    body = "".join(line for line in out.splitlines(keepends=True) if not line.startswith("%"))
    plain = re.sub(r"\\[&%$#_{}\\]|\\[a-z]+|\$[^$]*\$", "", body)
    assert not set(plain) & set("$#%_^~")
    assert "{[}1cm]" in body  # not the height of the row before
    assert "& {*} &" in body
    assert "a-{}-b-{}-{}-c" in body
    assert "two lines" in body
    assert body.count("{") == body.count("}")


def test_escapes_of_latex() -> None:
    escaped = escape_latex("\\&%$#_{}~^<>|`")
    assert escaped == (
        "\\textbackslash{}\\&\\%\\$\\#\\_\\{\\}\\textasciitilde{}\\textasciicircum{}\\textless{}\\textgreater{}"
        "\\textbar{}\\`{}"
    )
    assert escape_latex("δ−≈²₀µ") == "$\\delta$$-$$\\approx$$^{2}$$_{0}$$\\mu$"
    assert escape_latex("Ελ 中文 é") == "Ε$\\lambda$ 中文 é"


def test_escapes_of_markdown() -> None:
    assert escape_markdown("_a_ y_true ~~b~~ $c$") == "\\_a\\_ y_true \\~\\~b\\~\\~ &#36;c&#36;"


def test_rows_are_written_as_they_come(cli: Cli) -> None:
    from losscli.report.formats import Style
    from losscli.report.formats.html import html
    from losscli.report.formats.latex import latex
    from losscli.report.tables import Report, ReportColumn

    for write_report in (html, latex):
        written: list[str] = []
        seen = []

        def blocks(written: list[str] = written, seen: list[int] = seen):  # type: ignore[no-untyped-def]
            for i in range(3):
                seen.append(len(written))
                yield [np.full(2, float(i)).tolist()]

        write_report(Report((ReportColumn("x"),), blocks(), dict, ("x",)), written.append, Style())
        assert seen[0] < seen[1] < seen[2] < len(written)


def test_explain_has_html_and_names_its_formats(cli: Cli) -> None:
    page = Page(cli("explain", "huber", "-f", "html").out)
    assert page.tags[0] == "h3"
    assert ["delta=1", "> 0"] in page.rows
    refused = cli("explain", "huber", "-f", "latex")
    assert refused.status == 2
    assert "explain prints table, markdown, html or json, not latex" in refused.err
