"""Summaries for the pages of CI jobs, badges of gates, and the worst rows that summaries show."""

from __future__ import annotations

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest
from markdown_it import MarkdownIt

import losscli
from losscli import pipeline
from losscli.data.sources import check_read_options, open_data
from losscli.evaluation.reduce import Plan, evaluate_block
from losscli.evaluation.worst_rows import WorstRows, largest
from losscli.options import EvaluationOptions
from losscli.page.badge import text_width
from losscli.results import Evaluation
from tests.conftest import ENVIRONMENT, LOSSCLI, SAMPLE_DATA, Cli

DIABETES = str(SAMPLE_DATA / "diabetes.csv")
NBSP = "\u00a0"
HOSTILE = "<b>x</b>|$a$ `q` _i_ ~~s~~ **b** [l](u)"


# ------------------------------------------------------------------------------------------------------ summaries


def tables_of(text: str) -> list[list[list[str]]]:
    """Return the tables of Markdown as its readers see them: the text of the cells."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    tables: list[list[list[str]]] = []
    for token in tokens:
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and token.level >= 4 and tables:
            assert {child.type for child in token.children or ()} <= {"text", "code_inline", "text_special"}
            tables[-1][-1].append("".join(child.content for child in token.children or ()))
    return tables


def summarize(cli: Cli, *arguments: str, status: int = 0) -> str:
    Path("s.md").unlink(missing_ok=True)
    found = cli(*arguments, "--summary", "s.md")
    assert found.status == status, found.err
    return Path("s.md").read_text(encoding="utf-8")


def test_a_failed_gate_is_in_the_heading_and_the_first_row(cli: Cli) -> None:
    cli("compute", "mse,mae", DIABETES, "-o", "main.json")
    document = json.loads(Path("main.json").read_text())
    document["losses"][0]["value"] = 2897.5
    Path("main.json").write_text(json.dumps(document))
    gates = ("--fail-if", "mae.ci_high > 50", "--fail-if", "mse.change>2%")
    text = summarize(cli, "compute", "mse,mae", DIABETES, "--ci", "0.95", "--baseline", "main.json", *gates, status=1)
    assert text.startswith("### losscli: 1 of 2 gates failed\n")
    gate_rows, results, worst = tables_of(text)
    assert gate_rows == [
        ["", "gate", "is", "limit", "before"],
        ["✗", "mse.change > 2%", f"+3.1{NBSP}%", f"2{NBSP}%", f"2{NBSP}897.5"],
        ["✓", "mae.ci_high > 50", "47.368", "50", ""],
    ]
    assert results[0] == ["loss", "n", "value", "95 %", "before", "change", "min, median, p95, max"]
    assert results[1][:3] == ["mse", "442", f"2{NBSP}987.3"]
    assert results[1][3] == f"2{NBSP}641.8 – 3{NBSP}387.2"
    assert results[1][5] == f"+3.1{NBSP}%"
    assert results[1][6] == "▁▁▄█"
    assert worst[0] == ["row", "y_true", "y_pred", "off by", "mse", "mae", "share of mse", "share of mae"]
    assert "losscli compute mse,mae" in text
    assert "--summary" not in text
    assert text.count("|n=442|") == 2


def test_gates_that_pass_and_none(cli: Cli) -> None:
    passed = summarize(cli, "compute", "mse", DIABETES, "--fail-if", "mse>1e6", "--fail-if", "mse.p95>1e6")
    assert passed.startswith("### losscli: 2 gates passed\n")
    assert [row[0] for row in tables_of(passed)[0][1:]] == ["✓", "✓"]
    plain = summarize(cli, "compute", "mse", DIABETES)
    assert plain.startswith("### losscli: mse over 442 rows\n")
    assert len(tables_of(plain)) == 2


def test_a_value_near_its_limit_has_the_digits_that_tell_them_apart(cli: Cli) -> None:
    Path("d.csv").write_text("y_true,y_pred\n0,2.0000001\n")
    text = summarize(cli, "compute", "mae", "d.csv", "--fail-if", "mae>2", status=1)
    assert tables_of(text)[0][1][2:] == ["2.0000001", "2"]


def test_a_value_that_is_not_finite(cli: Cli) -> None:
    Path("d.csv").write_text("y_true,y_pred\n1,1\n1,inf\n2,4\n")
    text = summarize(cli, "compute", "mse,mae", "d.csv", status=4)
    assert text.startswith("### losscli: mse is inf, and 1 more are not finite\n")
    assert tables_of(text)[1][1][0] == "2"  # the row that makes it so
    assert "carr" not in text
    Path("d.csv").write_text("y_true,y_pred\n1,1\n1,\n2,4\n")
    text = summarize(cli, "compute", "mse", "d.csv", "--nan", "propagate", status=4)
    assert text.startswith("### losscli: mse is nan\n")
    assert tables_of(text)[1][1][:2] == ["2", "1"]


def test_names_are_text_in_a_summary(cli: Cli) -> None:
    pd.DataFrame({"y_true": [1, 2, 3.0], "y_pred": [2, 5, 9.0], HOSTILE: [HOSTILE, "two\nlines", "\x1b["]}).to_csv(
        "h.csv", index=False
    )
    text = summarize(cli, "compute", "mse", "h.csv", "--group-by", HOSTILE, "--fail-if", "mse>2", "-q", status=1)
    gate_rows, results, worst = tables_of(text.replace("<br>", " "))
    assert gate_rows[0][2] == results[0][1] == worst[0][1] == HOSTILE
    assert {row[1] for row in results[1:]} == {HOSTILE, "two lines", "\\u001b["}
    assert {row[1] for row in worst[1:]} == {HOSTILE, "two lines", "\\u001b["}
    assert "$" not in text.replace("'", "").partition("Command and")[0]


def test_groups_and_models(cli: Cli) -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"y_true": rng.normal(size=60), "site": ["n", "s", "w"] * 20, "key": [f"k{i}" for i in range(60)]}
    )
    frame["a"], frame["b"] = frame.y_true + rng.normal(size=60), frame.y_true + 0.1 * rng.normal(size=60)
    frame.to_csv("m.csv", index=False)
    gate = ("--fail-if", "mae[site=s].value>0", "-q")
    columns = ("--pred", "a", "--id", "key", "--group-by", "site")
    gates, results, worst = tables_of(summarize(cli, "compute", "mae", "m.csv", *columns, *gate, status=1))
    assert gates[1][:3] == ["✗", "mae > 0", "s"]
    assert [row[:2] for row in results[1:]] == [["mae", "n"], ["mae", "s"], ["mae", "w"]]
    order = (frame.a - frame.y_true).abs().sort_values(ascending=False).index[:5]
    assert worst[0][:3] == ["key", "row", "site"]
    assert [[row[0], row[2]] for row in worst[1:]] == frame.loc[order, ["key", "site"]].to_numpy().tolist()

    two = ("compare", "--losses", "mae", "m.csv", "--pred", "a", "--pred", "b", "-q")
    text = summarize(cli, *two, "--fail-if", "mae[a].diff_low>0", status=1)
    gates, results, *worst = tables_of(text)
    assert gates[1][1:3] == ["mae.diff_low > 0", "a"]
    assert [row[:2] for row in results[1:]] == [["mae", "b"], ["mae", "a"]]
    assert results[0][4:] == ["verdict", "difference", "interval", "p", "min, median, p95, max"]
    assert re.findall(r"\(model (\w)\)", text) == ["a", "b"]
    for rows, name in zip(worst, ("a", "b"), strict=True):
        order = (frame[name] - frame.y_true).abs().sort_values(ascending=False).index[:5]
        assert [row[0] for row in rows[1:]] == [str(i + 1) for i in order]


def test_long_tables_are_cut(cli: Cli) -> None:
    pd.DataFrame({"y_true": np.arange(90.0), "y_pred": 0.0, "g": np.arange(90)}).to_csv("g.csv", index=False)
    text = summarize(cli, "compute", "mae", "g.csv", "--group-by", "g", "-q")
    assert len(tables_of(text)[0]) == 51
    assert "\nand 40 more rows\n" in text


def test_a_summary_is_appended(cli: Cli) -> None:
    Path("s.md").write_text("before")
    assert cli("compute", "mse", DIABETES, "--summary", "s.md", "--per-sample", "-o", "rows.csv").status == 0
    assert cli("compute", "mse", DIABETES, "--summary", "s.md", "-f", "value").status == 0
    text = Path("s.md").read_text()
    assert text.startswith("before\n\n### losscli: mse over 442 rows\n")
    assert text.count("\n\n### losscli") == 2
    assert "\n\n\n" not in text
    first, second = text.removeprefix("before\n\n").split("\n\n### losscli: ")
    assert tables_of(first) == tables_of(second)


def test_a_summary_beside_a_page(cli: Cli) -> None:
    pytest.importorskip("matplotlib")
    arguments = ("report", DIABETES, "--losses", "mse,mae", "-o", "page.html", "--fail-if", "mse>1")
    text = summarize(cli, *arguments, status=1)
    assert text.startswith("### losscli: 1 of 1 gate failed\n")
    gates, results, worst = tables_of(text)
    assert gates[1][1] == "mse > 1"
    assert [row[0] for row in results[1:]] == ["mse", "mae"]
    assert worst[1][0] == "57"
    assert Path("page.html").exists()


def test_a_summary_costs_nothing_if_the_run_fails(cli: Cli) -> None:
    assert cli("compute", "mse", "missing.csv", "--summary", "s.md").status == 3
    assert not Path("s.md").exists()


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("d.csv", "is the input: choose another name"),
        ("main.json", "is the baseline: choose another name"),
        ("out.md", "is the output: choose another name"),
        ("-", "is a file: results go to standard output"),
        ("s.md.gz", "is appended to as text: choose a name without .gz"),
        ("none/s.md", "there is no folder none"),
        (".", "is a folder"),
    ],
)
def test_a_summary_that_cannot_be_is_refused_before_the_work(cli: Cli, path: str, problem: str) -> None:
    Path("d.csv").write_bytes(Path(DIABETES).read_bytes())
    cli("compute", "mse", "d.csv", "-o", "main.json")
    before = Path("d.csv").read_bytes(), Path("main.json").read_bytes()
    refused = cli("compute", "mse", "d.csv", "--baseline", "main.json", "-o", "out.md", "--summary", path)
    assert (refused.status, refused.out) == (2, "")
    assert refused.err == f"losscli: error: --summary {path}: {problem}\n"
    assert (Path("d.csv").read_bytes(), Path("main.json").read_bytes()) == before
    assert not Path("out.md").exists()


def test_a_summary_is_not_standard_input(cli: Cli) -> None:
    Path("d.csv").write_bytes(Path(DIABETES).read_bytes())
    command = [*LOSSCLI, "compute", "mse", "--summary", "d.csv"]
    with open("d.csv", "rb") as data:
        done = subprocess.run(command, stdin=data, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "losscli: error: --summary d.csv: is the input: choose another name\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device")
def test_a_summary_that_cannot_be_written(cli: Cli) -> None:
    failed = cli("compute", "mse", DIABETES, "--summary", "/dev/full", "-f", "value")
    assert failed.status == 2
    assert failed.out
    assert failed.err == "losscli: error: --summary /dev/full: cannot be written: No space left on device\n"


# ----------------------------------------------------------------------------------------------------- worst rows


def observe(losses: str, paths: Sequence[str], count: int = 6, **options: Any) -> tuple[Evaluation, WorstRows]:
    bound, observers = pipeline.resolve_losses(losses), []

    def add(dataset: Any, run: Any) -> None:
        observers.append(WorstRows(len(bound), count))
        run.observers = tuple(observers)

    reading = check_read_options(None, None, None, None, None)
    found = pipeline.compute(
        bound,
        lambda roles: open_data(tuple(paths), roles, reading),
        EvaluationOptions(**options),
        lambda text: None,
        observe=add,
    )
    return found, observers[0]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, pd.DataFrame]:
    """Return a file of several parts; rows lack a value, also the last ones of parts."""
    rng = np.random.default_rng(5)
    n = 400_000
    frame = pd.DataFrame({"y_true": rng.normal(size=n).round(3), "y_pred": rng.standard_t(3, size=n).round(3)})
    frame["weight"] = rng.integers(0, 3, size=n)
    frame.loc[rng.integers(n, size=n // 3), "y_pred"] = np.nan
    path = tmp_path_factory.mktemp("worst") / "large.csv"
    pyarrow.csv.write_csv(pa.Table.from_pandas(frame), path)  # much faster than pandas
    return str(path), frame


@pytest.mark.parametrize("jobs", [1, 2])
def test_worst_rows_have_their_numbers_in_the_data(large: tuple[str, pd.DataFrame], jobs: int) -> None:
    path, frame = large
    found, worst = observe("mse,mae", [path], nan="omit", jobs=jobs, columns={"weight": "weight"})
    loss = (frame.y_pred - frame.y_true).abs() * frame.weight.where(frame.weight > 0)
    order = loss.sort_values(ascending=False, kind="stable", na_position="last").index[:6]
    mae = worst.by_loss[1]
    assert mae.rows.tolist() == (order + 1).tolist()
    np.testing.assert_array_equal(mae.roles["y_pred"], frame.y_pred[order])
    np.testing.assert_allclose(mae.losses, (frame.y_pred - frame.y_true).abs()[order])
    assert mae.shares is not None
    np.testing.assert_allclose(mae.shares, loss[order] / loss.sum())
    assert found[1].sum == pytest.approx(mae.total)


def test_worst_rows_of_blocks_that_a_cluster_merges(large: tuple[str, pd.DataFrame]) -> None:
    path, frame = large
    seen: list[Any] = []
    bound = pipeline.resolve_losses("mae")
    reading = check_read_options(None, None, None, None, None)

    class Seen(Exception):
        pass

    def evaluate_two_parts(dataset: Any, run: Any) -> None:
        run.observers = (WorstRows(1, 4),)
        parts = tuple(dataset.parts())
        assert len(parts) >= 2
        seen.append(evaluate_block(parts[:2], Plan(dataset, run)))
        raise Seen

    options = EvaluationOptions(nan="omit", columns={"weight": "weight"})
    open_large = lambda roles: open_data((path,), roles, reading)
    with pytest.raises(Seen):
        pipeline.compute(bound, open_large, options, lambda text: None, observe=evaluate_two_parts)
    whole = seen[0]
    loss = ((frame.y_pred - frame.y_true).abs() * frame.weight).iloc[: sum(whole.sizes)]
    order = loss.sort_values(ascending=False, kind="stable").index[:4]
    assert whole.run.observers[0].by_loss[0].rows.tolist() == (order + 1).tolist()


def test_ties_go_to_the_earlier_row_and_what_is_not_known_comes_first(cli: Cli) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"y_true": 0.0, "y_pred": rng.integers(4, size=60).astype(float)})
    frame.loc[[30, 7], "y_pred"] = np.nan
    frame.loc[9, "y_pred"] = np.inf
    frame.to_csv("d.csv", index=False)
    _, worst = observe("mae", ["d.csv"], 20, nan="propagate")
    order = np.argsort(-frame.y_pred.fillna(np.inf).to_numpy(), kind="stable")[:20] + 1
    assert worst.by_loss[0].rows.tolist() == order.tolist()


def test_the_largest_of_many_values() -> None:
    rng = np.random.default_rng(0)
    for key in (rng.exponential(size=5000), rng.integers(3, size=5000).astype(float), np.arange(5000.0), np.ones(9)):
        for count in (1, 5, 40):
            assert largest(key, count).tolist() == np.argsort(-key, kind="stable")[:count].tolist()


def test_worst_rows_of_coupled_losses_and_of_one_distribution(cli: Cli) -> None:
    rng = np.random.default_rng(2)
    pd.DataFrame({"y_true": rng.normal(size=50), "y_pred": rng.normal(size=50)}).to_csv("d.csv", index=False)
    per_row = losscli.compute("ghm_r", "d.csv").per_sample
    assert per_row is not None
    _, worst = observe("ghm_r", ["d.csv"], 3)
    assert worst.by_loss[0].rows.tolist() == (np.argsort(-per_row, kind="stable")[:3] + 1).tolist()
    pd.DataFrame({"y_true": [0.5, 0.5], "y_pred": [0.25, 0.75]}).to_csv("p.csv", index=False)
    _, worst = observe("kl", ["p.csv"], 3)
    assert not len(worst.by_loss[0].rows)
    assert "<details><summary>The" not in summarize(cli, "compute", "kl", "p.csv", "-q")


def test_shares_are_left_out_where_a_row_has_none(cli: Cli) -> None:
    for arguments in (("mse", "--reduction", "median"), ("gaussian_nll", "--column", "variance=v")):
        Path("d.csv").write_text("y_true,y_pred,v\n1,1,0.01\n1,3,1\n2,4,2\n")
        text = summarize(cli, "compute", arguments[0], "d.csv", *arguments[1:], "-q")
        assert "with the largest" in text
        assert "share of" not in text


# --------------------------------------------------------------------------------------------------------- badges


def badge(cli: Cli, *arguments: str, status: int) -> tuple[list[str], str, list[str | None]]:
    """Return the texts of a badge, its title, and its colours."""
    found = cli("compute", *arguments, "-o", "badge.svg", "-q")
    assert (found.status, found.out) == (status, ""), found.err
    root = ET.parse("badge.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    texts = list(root.iter(f"{space}text"))
    for element in texts:
        assert text_width(element.text or "") == int(element.attrib["textLength"])
        assert int(element.attrib["x"]) + int(element.attrib["textLength"]) < int(root.attrib["width"])
    title = root.find(f"{space}title")
    assert title is not None
    assert title.text == root.attrib["aria-label"]
    return (
        [element.text or "" for element in texts],
        title.text or "",
        [r.get("fill") for r in root.iter(f"{space}rect")],
    )


def test_badges_that_pass(cli: Cli) -> None:
    plain = badge(cli, "mae", DIABETES, "--fail-if", "mae>50", status=0)
    assert plain[0] == ["mae", "✓ 44.28"]
    assert plain[1] == "losscli: 1 gate passed; ✓ mae 44.278 (limit > 50)"
    interval = badge(cli, "mae", DIABETES, "--ci", "0.95", "--fail-if", "mae.ci_high>50", status=0)
    assert interval[0] == ["mae", "✓ 44.28 [41.36, 47.37]"]
    assert badge(cli, "mae", DIABETES, "--fail-if", "mae.p95>1e3", status=0)[0] == ["mae p95", "✓ 101.02"]


def test_badges_that_fail(cli: Cli) -> None:
    passed = badge(cli, "mae", DIABETES, "--fail-if", "mae>50", status=0)
    failed = badge(cli, "mse,mae", DIABETES, "--fail-if", "mse>1e6", "--fail-if", "mae>40", status=1)
    assert failed[0] == ["mae", "✗ 44.278 > 40"]
    assert failed[1].startswith("losscli: 1 of 2 gates failed; ✓ mse")
    assert failed[2][1] != passed[2][1]
    unknown = badge(cli, "mae", DIABETES, "--fail-if", "mae[site=x]>40", status=1)
    assert unknown[0] == ["mae (site x)", "✗ cannot be judged"]
    Path("d.csv").write_text("y_true,y_pred\n1,inf\n")
    assert badge(cli, "mse", "d.csv", "--fail-if", "mse<1", status=4)[0] == ["mse", "✗ is inf"]


def test_a_badge_of_a_change(cli: Cli) -> None:
    cli("compute", "mse", DIABETES, "-o", "main.json")
    Path("main.json").write_text(re.sub(r'"value": [0-9.]+', '"value": 2897.5', Path("main.json").read_text()))
    arguments = ("mse", DIABETES, "--baseline", "main.json", "--fail-if")
    assert badge(cli, *arguments, "mse.change>2%", status=1)[0] == ["mse", f"✗ +3.1{NBSP}% > 2{NBSP}%"]
    assert badge(cli, *arguments, "mse.change>4%", status=0)[0] == ["mse", f"✓ +3.1{NBSP}%"]


def test_names_are_text_in_a_badge(cli: Cli) -> None:
    pd.DataFrame({"y_true": [1.0], "y_pred": [3.0], "g": ["<a>&\"'\x1b\uffff" + 60 * "x"]}).to_csv("h.csv", index=False)
    (name, _), title, _ = badge(cli, "mse", "h.csv", "--group-by", "g", "--fail-if", "mse>1", status=1)
    assert name.startswith("mse (g <a>&\"'\\u001b\\uffff")
    assert name.endswith("…")
    assert 60 * "x" in title


def test_an_svg_without_a_gate_is_refused(cli: Cli) -> None:
    without = cli("compute", "mse", DIABETES, "-o", "b.svg")
    assert (without.status, Path("b.svg").exists()) == (2, False)
    assert "is a badge of a gate" in without.err
    assert "losscli plot" in without.err
    assert "losscli plot" in cli("recommend", DIABETES, "-o", "b.svg").err
    assert "losscli plot" in cli("compute", "mse", DIABETES, "-o", "b.png").err
    rows = cli("compute", "mse", DIABETES, "--per-sample", "--fail-if", "mse>1", "-o", "b.svg")
    assert (rows.status, Path("b.svg").exists()) == (2, False)
    assert cli("compute", "mse", DIABETES, "-o", "b.svg", "-f", "csv").status == 0
    compared = cli("compare", "--losses", "mse,mae", DIABETES, "--fail-if", "mse.skill<0.9", "-o", "c.svg", "-q")
    assert compared.status == 1
    assert "✗ 0.49623 &lt; 0.9" in Path("c.svg").read_text()


def test_bars_of_losses_near_the_largest_number(cli: Cli) -> None:
    Path("far.csv").write_text("y_true,y_pred\n0,1e154\n0,1\n0,1\n")
    found = cli("compute", "mse", "far.csv", "--summary", "s.md", "-q")
    assert (found.status, found.err) == (0, "")
    assert "`▁▁" in Path("s.md").read_text()


def test_large_labels_are_shown_as_they_are(cli: Cli) -> None:
    Path("big.csv").write_text("y_true,y_pred\n0,9007199254740991\n")
    found = cli("compute", "zero_one", "big.csv", "--summary", "big.md", "-q")
    assert (found.status, found.err) == (0, "")
    assert "| 0 | 9007199254740991 |" in Path("big.md").read_text()
