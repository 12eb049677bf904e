"""The page of `report`: its numbers are those of compute and compare, and what it says follows from them."""

from __future__ import annotations

import json
import re
import sys
import tracemalloc
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from losscli.page import html
from losscli.page.verdict import GroupFacts, LossFacts, ModelFacts, verdict
from losscli.statistics.keyed_sums import KeyedSums
from tests.conftest import SAMPLE_DATA, Cli, write_csv

pytest.importorskip("matplotlib", reason="report needs matplotlib")

VOID = {"meta", "img", "br", "hr", "input", "link"}
MAX_BYTES = 300_000


class Page(HTMLParser):
    """A page as its tables, texts and attributes; unbalanced tags are errors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables: dict[str, list[dict[str, str]]] = {}
        self.attributes: list[tuple[str, str, str]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._heads: list[str] = []
        self._cells: list[str] = []
        self._caption = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self._heads, self._caption = [], ""
        elif tag == "tr":
            self._cells = []
        elif tag in ("td", "th"):
            self._cells.append("")
            self._value = dict(attrs).get("data-value")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("td", "th") and self._value is not None:
            self._cells[-1] = self._value
        elif tag == "tr" and not self._heads:
            self._heads = self._cells
            self.tables[self._caption] = []
        elif tag == "tr":
            self.tables[self._caption].append(dict(zip(self._heads, self._cells, strict=True)))

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif "style" not in self.open:
            self.words.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self._cells[-1] += data
        elif self.open and self.open[-1] == "caption":
            self._caption += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def table(self, start: str) -> list[dict[str, str]]:
        """Return the table whose caption starts so."""
        return next(rows for caption, rows in self.tables.items() if caption.startswith(start))


def page_of(cli: Cli, *arguments: Any, status: int = 0) -> Page:
    result = cli("report", *arguments, "-o", "-")
    assert result.status == status, result.err
    assert len(result.out.encode()) <= MAX_BYTES
    return Page(result.out)


def number(text: str) -> float | None:
    return float(text) if text else None


def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the pictures out, where a test is of the rest: they take most of the time."""
    monkeypatch.setattr("losscli.page.drawings.Drawings.draw", lambda *arguments: iter(()))


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pictures(monkeypatch)


SENSITIVITY = ("inflation", "pull", "stress", "effective_n", "top_share", "skill")


# ------------------------------------------------------------------------------------------------- the numbers


@pytest.mark.parametrize(
    ("file", "losses", "more"),
    [
        ("tumours.csv", "mse,huber:delta=50,mae,medae,rmse", ()),
        ("breast_cancer.csv", "bce,brier,focal,hinge", ()),
        ("wine.csv", "cross_entropy,brier", ()),
        ("diabetes.csv", "mse,mae", ("--pred", "y_pred", "--pred", "forest")),
        ("tumours.csv", "mse,mae", ("--outliers", "iqr:1.5", "--ci", "0.9", "--resamples", "500", "--seed", "3")),
    ],
)
@pytest.mark.slow
def test_that_the_table_is_that_of_compare(
    cli: Cli, plain: None, file: str, losses: str, more: tuple[str, ...]
) -> None:
    page = page_of(cli, SAMPLE_DATA / file, "--losses", losses, *more)
    ci = more if "--ci" in more else (*more, "--ci", "0.95")
    compared = json.loads(cli("compare", SAMPLE_DATA / file, "--losses", losses, *ci, "-f", "json").out)["losses"]
    rows = page.table("Losses")
    assert len(rows) == len(compared)
    for row, loss in zip(rows, compared, strict=True):
        assert row["loss"] == loss["loss"]
        assert row.get("model") == loss.get("model")
        interval = next(name for name in row if name.endswith("interval"))
        assert number(row["value"]) == loss["value"]
        assert number(row[interval]) == loss["ci_low"]
        for name in SENSITIVITY:
            heading = {"effective_n": "effective n", "top_share": "worst 1\u00a0%"}.get(name, name)
            assert number(row.get(heading, "")) == loss[name]
        if "difference" in loss:
            assert number(row["difference"]) == loss["difference"]


def test_that_groups_are_those_of_compute(cli: Cli, plain: None) -> None:
    arguments = (SAMPLE_DATA / "tumours.csv", "--group-by", "diagnosis")
    rows = page_of(cli, *arguments, "--losses", "mse,mae").table("The groups")
    computed = json.loads(cli("compute", "mse,mae", *arguments, "-f", "json").out)["losses"]
    found = {(row["diagnosis"], name): float(row[name]) for row in rows for name in ("mse", "mae")}
    assert found == {(loss["group"]["diagnosis"], loss["loss"]): loss["value"] for loss in computed}
    assert [row["diagnosis"] for row in rows] == ["malignant", "benign"]  # the worst first


def test_that_the_worst_rows_are_those_of_compute(cli: Cli, plain: None) -> None:
    data = SAMPLE_DATA / "tumours.csv"
    rows = page_of(cli, data, "--losses", "mae,mse", "--id", "id", "--top", "7").table("The worst rows under mse")
    per_sample = cli("compute", "mse", data, "--id", "id", "--top", "7", "-f", "json").out
    samples = json.loads(per_sample)["samples"]
    assert [row["id"] for row in rows] == [sample["id"] for sample in samples]
    assert [float(row["mse"]) for row in rows] == [sample["mse"] for sample in samples]
    assert [float(row["off by"]) for row in rows] == [s["y_pred"] - s["y_true"] for s in samples]
    total = json.loads(cli("compute", "mse", data, "-f", "json").out)["losses"][0]["sum"]
    assert float(rows[0]["share of mse"]) == pytest.approx(samples[0]["mse"] / total, rel=1e-12)


def test_worst_rows_by_weight(cli: Cli, plain: None, tmp_path: Path) -> None:
    columns = {"y_true": np.zeros(30), "y_pred": np.arange(30.0), "weight": np.ones(30)}
    columns["weight"][3], columns["weight"][29] = 1000.0, 0.0
    write_csv(tmp_path / "d.csv", columns)
    page = page_of(cli, "d.csv", "--losses", "mse", "--top", "3", "--weight", "weight")
    rows = page.table("The worst rows under mse")
    assert [row["row"] for row in rows] == ["4", "29", "28"]
    assert float(rows[0]["share of mse"]) == pytest.approx(9000 / (columns["weight"] @ columns["y_pred"] ** 2))


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_row_numbers_of_many_parts(cli: Cli, plain: None, tmp_path: Path, jobs: str) -> None:
    """Parts do not know how many rows come before them, of which some are left out."""
    n = 600_000
    y = np.zeros(n)
    worst = [17, 262_150, 300_000, 524_290, n - 1]
    y[worst] = [5.0, 4.0, 3.0, 2.0, 1.0]
    y[100_000] = np.nan
    np.save(tmp_path / "t.npy", np.zeros(n))
    np.save(tmp_path / "p.npy", y)
    page = page_of(cli, "t.npy", "p.npy", "--losses", "mse,mae", "--nan", "omit", "--top", "5", "--jobs", jobs)
    rows = page.table("The worst rows under mse")
    assert [int(row["row"]) for row in rows] == [row + 1 for row in worst]
    assert "1 left out" in page.text


@pytest.mark.slow
def test_what_is_exact_and_what_is_estimated_of_many_rows(cli: Cli, plain: None, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    n = 150_000
    truth = rng.normal(size=n)
    residual = rng.standard_t(4, size=n)
    np.save(tmp_path / "t.npy", truth)
    np.save(tmp_path / "p.npy", truth + residual)
    page = page_of(cli, "t.npy", "p.npy", "--losses", "mse,mae,medae")
    compared = json.loads(cli("compare", "t.npy", "p.npy", "--losses", "mse,mae,medae", "-f", "json").out)["losses"]
    exact = {loss["loss"]: loss for loss in compared}
    by_loss = {row["loss"]: row for row in page.table("Losses")}
    for label, row in by_loss.items():
        assert float(row["value"]) == exact[label]["value"]
        for name, places in (("inflation", 0.02), ("stress", 0.02), ("skill", 0.02)):
            assert float(row[name]) == pytest.approx(exact[label][name], abs=places)
    for label in ("mse", "mae"):
        assert float(by_loss[label]["effective n"]) == pytest.approx(exact[label]["effective_n"], rel=1e-9)
        assert float(by_loss[label]["worst 1\u00a0%"]) == pytest.approx(exact[label]["top_share"], rel=1e-3)
    losses = np.abs((truth + residual) - truth)
    reach = 1.959964 * losses.std() / np.sqrt(n)
    assert float(by_loss["mae"]["95\u00a0% interval"]) == pytest.approx(losses.mean() - reach, rel=1e-7)
    low = np.sort(losses)[int(n * (0.5 - 1.959964 / 2 / np.sqrt(n)))]
    assert float(by_loss["medae"]["95\u00a0% interval"]) == pytest.approx(low, rel=1e-3)
    assert "by the normal distribution" in page.text
    assert "≈: estimated, as said under how it was computed" in page.text
    shown = re.findall(r"≈\W?(\d[\d.]*)", page.text)
    assert shown
    assert all(len(number.rstrip(".").replace(".", "").lstrip("0")) <= 3 for number in shown)


@pytest.mark.slow
@pytest.mark.parametrize("is_weighted", [False, True])
def test_outliers_of_many_rows_do_what_compare_says(
    cli: Cli, plain: None, tmp_path: Path, *, is_weighted: bool
) -> None:
    """Rows that are rare and far off, in a sorted file: a sample alone would say little of them."""
    rng = np.random.default_rng(8)
    n = 100_000
    residual = rng.normal(size=n)
    residual[rng.choice(n, 60, replace=False)] *= rng.choice([-300.0, 400.0], 60)
    residual.sort()
    truth = rng.normal(size=n)
    columns = {"y_true": truth, "y_pred": truth + residual}
    if is_weighted:
        columns["weight"] = rng.gamma(0.5, 1, n) * np.where(np.abs(residual) > 2, 10, 1)
    np.savez(tmp_path / "d.npz", **columns)
    losses = ["--losses", "mse,mae,huber,log_cosh"]
    page = page_of(cli, "d.npz", *losses, "--fail-if", "mae.effective_n<0")
    comparison = json.loads(cli("compare", "d.npz", *losses, "-f", "json").out)
    compared, rows = comparison["losses"], page.table("Losses")
    counted = re.search(r"(\d+) of 100000 rows \(\S+ %\) are outliers", page.text)
    assert counted
    assert int(counted[1]) == pytest.approx(comparison["outliers"]["n"], rel=0.02)
    assert re.search(
        r"mse rests on about \d+ of 100000 rows \(normal errors: \d+\): its 1000 largest rows carry", page.text
    )
    assert [row["loss"] for row in rows] == [loss["loss"] for loss in compared]  # the ranks
    for row, exact in zip(rows, compared, strict=True):
        for name in ("inflation", "pull", "stress"):
            assert float(row[name]) == pytest.approx(exact[name], rel=0.05, abs=2e-5), (row["loss"], name)
        assert float(row["effective n"]) == pytest.approx(exact["effective_n"], rel=1e-9)
        assert float(row["worst 1\u00a0%"]) == pytest.approx(exact["top_share"], rel=1e-3)


@pytest.mark.slow
def test_notes_on_models_of_many_rows_are_of_all_rows(cli: Cli, plain: None, tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    y = rng.normal(size=100_000)
    np.savez(tmp_path / "d.npz", y_true=y, a=y + rng.normal(size=y.size), b=y + rng.normal(scale=1.01, size=y.size))
    page = page_of(cli, "d.npz", "--losses", "mse,mae", "--true", "y_true", "--pred", "a", "--pred", "b")
    assert "a is best under mse and mae" in page.text
    assert "would win" not in page.text  # which rows decide is known of the sample alone
    labels = (rng.random(y.size) < 1 / (1 + np.exp(-y))).astype(float)
    np.savez(tmp_path / "p.npz", y_true=labels, y_pred=1 / (1 + np.exp(-y)))
    page = page_of(cli, "p.npz", "--losses", "bce")
    assert "In a sample of the rows: 3" in page.text


def test_gates_test_what_the_table_of_many_rows_says(cli: Cli, plain: None, tmp_path: Path) -> None:
    residual = np.random.default_rng(9).normal(size=100_000)
    np.savez(tmp_path / "d.npz", y_true=np.zeros(100_000), y_pred=residual)
    size = np.abs(residual)
    effective_n = float(size.sum() ** 2 / (size**2).sum())
    for limit, status in ((effective_n * 0.999, 0), (effective_n * 1.001, 1)):
        gate = f"mae.effective_n<{limit}"
        assert cli("report", "d.npz", "--losses", "mae", "-o", "r.html", "--fail-if", gate).status == status


def test_normal_intervals_with_weights(cli: Cli, plain: None, tmp_path: Path) -> None:
    """The delta method for a ratio of sums, as survey statisticians have it."""
    rng = np.random.default_rng(6)
    n = 70_000
    y, w = rng.exponential(size=n), rng.uniform(0.5, 3, size=n)
    np.savez(tmp_path / "d.npz", y_true=np.zeros(n), y_pred=y, weight=w)
    rows = {
        row["loss"]: row for row in page_of(cli, "d.npz", "--losses", "mae,rmse", "--weight", "weight").table("Losses")
    }
    mean = np.average(y, weights=w)
    error = np.sqrt((w**2 * (y - mean) ** 2).sum()) / w.sum()
    assert float(rows["mae"]["95\u00a0% interval"]) == pytest.approx(mean - 1.959964 * error, rel=1e-6)
    square = np.average(y**2, weights=w)
    error = np.sqrt((w**2 * (y**2 - square) ** 2).sum()) / w.sum()
    assert float(rows["rmse"]["95\u00a0% interval"]) == pytest.approx(np.sqrt(square - 1.959964 * error), rel=1e-6)


def test_calibration_adds_up(cli: Cli, plain: None) -> None:
    page = page_of(cli, SAMPLE_DATA / "breast_cancer.csv", "--losses", "bce,brier,focal")
    values = {row["loss"]: float(row["value"]) for row in page.table("Losses")}
    rows = page.table("loss = miscalibration")
    assert [row["loss"] for row in rows] == ["bce", "brier"]
    for row in rows:
        parts = float(row["miscalibration"]) - float(row["discrimination"]) + float(row["uncertainty"])
        assert parts == pytest.approx(values[row["loss"]], rel=1e-9)


def test_how_it_was_computed(cli: Cli, plain: None) -> None:
    data = SAMPLE_DATA / "tumours.csv"
    page = page_of(cli, data, "--losses", "mse,mae", "--title", "It's mine", "--ci", "0.9", "--top", "3")
    signatures = [loss["signature"] for loss in json.loads(cli("compute", "mse,mae", data, "-f", "json").out)["losses"]]
    for signature in signatures:
        assert signature in page.text
    assert f"losscli report {data} --losses mse,mae --ci 0.9 --top 3 --title 'It'\"'\"'s mine' -o -" in page.text
    assert "90\u00a0% by a studentized bootstrap, 9999 resamples, seed 0" in page.text.replace("90 %", "90\u00a0%")
    assert "NumPy" in page.text
    assert page.text.startswith("It's mine It's mine")  # the title of the window, and the heading


def test_values_that_are_not_finite(cli: Cli, plain: None, tmp_path: Path) -> None:
    write_csv(tmp_path / "d.csv", {"y_true": [0, 1, 1, 0], "y_pred": [0.1, 0.0, 0.9, 0.3]})
    page = page_of(cli, "d.csv", "--losses", "bce:eps=0,brier", status=4)
    assert "bce:eps=0 is inf: no number to believe" in page.text
    rows = page.table("The worst rows under bce:eps=0, a loss that is not finite")
    assert rows[0]["row"] == "2"
    assert {row["loss"]: row["value"] for row in page.table("Losses")}["bce:eps=0"] == "inf"


def test_missing_values_that_propagate(cli: Cli, plain: None, tmp_path: Path) -> None:
    write_csv(tmp_path / "d.csv", {"y_true": [0, 1, "", 0], "y_pred": [0.1, 0.0, 0.9, 0.3]})
    page = page_of(cli, "d.csv", "--losses", "mse,mae", "--nan", "propagate", status=4)
    assert "mse is nan and mae is nan" in page.text


@pytest.mark.parametrize(
    ("losses", "columns"),
    [
        ("mse,mae", {"y_true": [1.0], "y_pred": [2.0]}),
        ("mse,mae", {"y_true": [1.0, 2.0, 3.0], "y_pred": [1.0, 2.0, 3.0]}),
        ("gaussian_nll,mse", {"y_true": [1.0, 2.0] * 20, "y_pred": [1.1, 2.0] * 20, "variance": [0.1] * 40}),
        ("mse,max_error", {"y_true": [1.0, 2.0] * 20, "y_pred": [1.5, 9.0] * 20}),
        ("poisson,mae", {"y_true": [0, 1, 4, 9] * 10, "y_pred": [0.5, 1.0, 3.0, 9.0] * 10}),
    ],
)
def test_data_of_all_kinds(cli: Cli, tmp_path: Path, losses: str, columns: dict[str, Any]) -> None:
    write_csv(tmp_path / "d.csv", columns)
    result = cli("report", "d.csv", "--losses", losses, "-o", "r.html")
    if "unknown" in result.err or "no parameter" in result.err:
        pytest.skip(result.err)
    assert result.status == 0, result.err
    Page((tmp_path / "r.html").read_text("utf-8"))


@pytest.mark.parametrize("weighted", [False, True])
def test_that_rows_without_loss_take_no_room(weighted: bool) -> None:
    """Between 0 and the smallest loss that is seen there are a million buckets."""
    rng = np.random.default_rng(2)
    key = rng.normal(size=3000) * rng.integers(0, 2, size=3000)
    key[:3] = 5e-324, -5e-324, -0.0
    column, weight = rng.uniform(size=3000), rng.uniform(size=3000) if weighted else None
    sums = KeyedSums(1, max_rows=10)
    tracemalloc.start()
    for part in np.array_split(np.arange(3000), 3):
        other = KeyedSums(1, max_rows=10)
        other.update(key[part], [column[part]], None if weight is None else weight[part])
        sums.merge(other)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6
    table, weights = sums.table(), np.ones(3000) if weight is None else weight
    is_zero = np.abs(key) < 1e-300
    assert np.all(np.diff(table.key) > 0)
    assert table.n_rows[table.key == 0].tolist() == [is_zero.sum()]
    assert table.sums[0][table.key == 0] == pytest.approx((column * weights)[is_zero].sum())
    assert table.sums[0].sum() == pytest.approx((column * weights).sum())
    assert table.weight.sum() == pytest.approx(weights.sum())


# ------------------------------------------------------------------------------------------------- HTML

NASTY = [
    "<script>alert(1)</script>",
    '"onload="alert(1)',
    "$x$ & 'y'",
    "a\x1b[31m\x07b",
    "\u202eevil",
    "平均",
    "x" * 5000,
]


def test_that_all_names_are_escaped(cli: Cli, tmp_path: Path) -> None:
    n = 70
    name = "<script>alert(2)</script>.csv".replace("/", "\u2215")
    columns = {
        '<b id="x">site</b>': [NASTY[i % len(NASTY)] for i in range(n)],
        "key\"'>": [f"<i>{i}</i>" for i in range(n)],
        "y_true": [float(i % 9) for i in range(n)],
        "<u>p</u>": [float(i % 7) for i in range(n)],
        "p&q": [float(i % 5) for i in range(n)],
    }
    write_csv(tmp_path / name, columns)
    models = ("--pred", "<u>p</u>", "--pred", "p&q", "--true", "y_true")
    keys = ("--group-by", '<b id="x">site</b>', "--id", "key\"'>")
    page = page_of(cli, name, "--losses", "mse,mae", *models, *keys, "--title", "</title><script>1</script>")
    tags = {tag for tag, _, _ in page.attributes}
    assert not tags & {"b", "i", "u", "img", "iframe", "object", "link"}
    assert len(page.scripts) == 1
    assert not [(tag, name) for tag, name, _ in page.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in page.text
    assert "\\u001b[31m" in page.text
    assert "\\u202e" in page.text


def test_that_nothing_is_loaded(cli: Cli) -> None:
    page = page_of(cli, SAMPLE_DATA / "tumours.csv", "--losses", "mse,mae", "--group-by", "diagnosis")
    loads = [(tag, name, value) for tag, name, value in page.attributes if name in ("src", "data", "action", "srcset")]
    assert loads == []
    assert all(value.startswith("#") for _, name, value in page.attributes if name in ("href", "xlink:href"))
    policy = next(value for tag, name, value in page.attributes if tag == "meta" and value.startswith("default-src"))
    assert "default-src 'none'" in policy
    urls = [value for _, name, value in page.attributes if "url(" in value]
    assert all("url(#" in value for value in urls)


def test_that_ids_are_unique_and_figures_have_words(cli: Cli) -> None:
    page = page_of(cli, SAMPLE_DATA / "tumours.csv", "--losses", "mse,mae", "--group-by", "diagnosis")
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    labels = [value for tag, name, value in page.attributes if tag == "div" and name == "aria-label"]
    assert len([value for value in labels if value.endswith(".")]) == 4
    assert ("html", "lang", "en") in page.attributes


@pytest.mark.slow
def test_the_size_with_many_of_everything(cli: Cli, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    n, long = 700, "long name " * 40
    columns: dict[str, Any] = {
        long: [f"{long}{i % 100}" for i in range(n)],
        f"{long}2": [f"g{i % 7}" for i in range(n)],
        "y_true": rng.normal(size=n),
        "y_pred": rng.normal(size=n),
    }
    write_csv(tmp_path / "d.csv", columns)
    losses = ",".join(f"huber:delta={0.1 * i:.1f}" for i in range(1, 15))
    page = page_of(cli, "d.csv", "--losses", losses, "--group-by", f"{long},{long}2", "--top", "100")
    assert len(page.table("Losses")) == 14
    assert len(page.table("The groups")) == 20
    assert re.search(r"and 680 more groups", page.text)
    assert "more losses" in page.text


@pytest.mark.slow
def test_the_size_with_many_losses(cli: Cli) -> None:
    losses = ",".join(f"huber:delta={i}" for i in range(1, 51))
    page = page_of(cli, SAMPLE_DATA / "tumours.csv", "--losses", losses, "--ci", "0.9", "--resamples", "99")
    assert len(page.table("Losses")) == 50
    assert "only the first 7 losses are drawn" in page.text.lower()


def test_that_pictures_that_do_not_fit_are_left_out(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MAX_BYTES", 30_000)
    result = cli("report", SAMPLE_DATA / "tumours.csv", "--losses", "mse,mae", "-o", "-")
    assert len(result.out.encode()) <= 30_000
    assert "more pictures, which would make this page too large" in result.out


# ------------------------------------------------------------------------------------------------- the command


def test_that_a_page_is_written_whole_or_not_at_all(cli: Cli, tmp_path: Path) -> None:
    write_csv(tmp_path / "d.csv", {"y_true": [1.0, 2.0], "y_pred": [1.0, "x"]})
    (tmp_path / "r.html").write_text("before")
    assert cli("report", "d.csv", "--losses", "mse", "-o", "r.html").status == 3
    assert (tmp_path / "r.html").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv", "r.html"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["d.csv"], "--losses says which losses to report, as in losscli report --losses mse,mae,huber"),
        (["d.csv", "--losses", "mse", "-o", "r.pdf"], "a page is HTML: name it *.html, or add --format html"),
        (["d.csv", "--losses", "mse", "-o", "no/r.html"], "there is no folder no"),
        (["d.csv", "--losses", "mse", "-o", "d.csv", "-f", "html"], "is the input: choose another name"),
        (["d.csv", "--losses", "mse", "--outliers", "x", "-o", "r.html"], "--outliers x: must be mad:NUMBER"),
        (["d.csv", "--losses", "mse", "--fail-if", "mae>3", "-o", "r.html"], "mae"),
    ],
)
def test_refusals(cli: Cli, tmp_path: Path, arguments: list[str], message: str) -> None:
    write_csv(tmp_path / "d.csv", {"y_true": [1.0, 2.0], "y_pred": [1.0, 1.0]})
    result = cli("report", *arguments)
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv"]


def test_that_a_terminal_gets_no_page(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(tmp_path / "d.csv", {"y_true": [1.0, 2.0], "y_pred": [1.0, 1.0]})
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    result = cli("report", "d.csv", "--losses", "mse")
    assert result.status == 2
    assert "-o report.html" in result.err


def test_that_matplotlib_is_asked_for_before_the_data(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = cli("report", "missing.csv", "--losses", "mse", "-o", "r.html")
    assert result.status == 2
    assert "pip install 'losscli[plot]'" in result.err


def test_gates(cli: Cli, plain: None) -> None:
    gates = ("--fail-if", "mse>3", "--fail-if", "mae[diagnosis=benign]>100", "--fail-if", "mse.inflation>4")
    page = page_of(cli, SAMPLE_DATA / "tumours.csv", "--losses", "mse,mae", "--group-by", "diagnosis", *gates, status=1)
    assert "✗ failed: mse is 25662.936673918754, > 3" in page.text
    assert "✗ failed: mse (diagnosis malignant) is" in page.text
    assert "✗ failed: mse.inflation is 4.29" in page.text
    assert "✓ passed: not mae[diagnosis=benign]>100" in page.text


def test_a_baseline(cli: Cli, plain: None, tmp_path: Path) -> None:
    data = SAMPLE_DATA / "tumours.csv"
    cli("compute", "mse,mae", data, "-o", "old.json")
    result = cli(
        "report", data, "--losses", "mse,mae", "--baseline", "old.json", "--fail-if", "mse.change>2%", "-o", "-"
    )
    assert result.status == 0
    row = Page(result.out).table("Losses")[0]
    assert row["baseline"] == row["value"]
    assert float(row["change"]) == 0


@pytest.mark.slow
def test_that_the_same_page_comes_again(cli: Cli, tmp_path: Path) -> None:
    for jobs in ("1", "2"):
        assert (
            cli("report", SAMPLE_DATA / "diabetes.csv", "--losses", "mse,mae", "-q", "-o", f"{jobs}.html").status == 0
        )
    pages = [(tmp_path / f"{jobs}.html").read_text().replace(f"{jobs}.html", "") for jobs in ("1", "2")]
    assert pages[0] == pages[1]


# ------------------------------------------------------------------------------------------------- the verdict

MAE = LossFacts("mae", "mae", 2.0, 1000, 1.8, 2.2, 0.95, 10, 0.05, 0.01, 600.0, 1, 0.0, 9.0)
MSE = LossFacts("mse", "mse", 9.0, 1000, 7.0, 12.0, 0.95, 10, 0.45, 0.1, 80.0, 2, 0.0, 81.0)
NBSP = "\u00a0"


def said(*arguments: Any, **more: Any) -> str:
    return " ".join(verdict(*arguments, **more)).replace(NBSP, " ")


def test_verdict_few_rows_make_up_a_loss() -> None:
    assert said([MSE, MAE], 1000) == (
        "mse is 9, and 10 rows of 1 000 make up 45 % of it. "
        "By mae the predictions are off by 2 on average (95 %: 1.8 to 2.2)."
    )


def test_verdict_one_huge_row() -> None:
    facts = [MSE._replace(value=1e9, worst_share=0.9999, top_share=1.0), MAE._replace(worst_share=0.9, top_share=0.95)]
    assert said(facts, 1000) == (
        "mse is 1e9, and one row of 1 000 makes up nearly all of it: a number to distrust. "
        "Even of mae (2), the most robust here, it makes up 90 %."
    )


def test_verdict_no_few_rows() -> None:
    facts = [MSE._replace(top_share=0.08, effective_n=340.0), MAE]
    assert said(facts, 1000).startswith("No few rows make up these numbers: the worst 1 % of them carry 8 % of mse")
    assert said([MAE], 1000) == (
        "By mae the predictions are off by 2 on average (95 %: 1.8 to 2.2), and no few rows make it up: "
        "the worst 1 % of them carry 5 %."
    )


def test_verdict_perfect_and_equal() -> None:
    perfect = [loss._replace(value=0.0, top_share=None, smallest=0.0, largest=0.0) for loss in (MSE, MAE)]
    assert said(perfect, 1000) == "The predictions are perfect: mse and mae are 0 in all 1 000 rows."
    equal = [MSE._replace(value=4.0, smallest=4.0, largest=4.0, top_share=0.01)]
    assert said(equal, 1000) == "Every row has the same mse, 4."


def test_verdict_tiny() -> None:
    assert said([MSE._replace(n=3, top_rows=1)], 3).endswith(
        "There are only 3 rows: the numbers say little of other data."
    )
    assert said([MSE._replace(n=1, low=None, high=None, smallest=9.0, largest=9.0)], 1) == (
        "mse is 9. There is only one row: the numbers say little of other data."
    )


def test_verdict_not_finite() -> None:
    infinite = MSE._replace(label="bce", value=float("inf"), top_share=None)
    assert said([infinite, MAE], 1000).startswith("bce is inf: no number to believe; the worst rows below say why.")
    assert said([infinite], 1000) == "bce is inf: no number to believe; the worst rows below say why."


def test_verdict_negative_losses() -> None:
    nll = LossFacts("gaussian_nll", "gaussian_nll", -0.5, 400, -0.7, -0.3)
    assert said([nll], 400) == "gaussian_nll is −0.5 (95 %: −0.7 to −0.3)."


def test_verdict_weighted_errors() -> None:
    wrong = LossFacts("zero_one", "zero_one", 0.25, 400, 0.2, 0.3)
    assert said([wrong], 400) == "By zero_one 25 % of the rows are wrong (95 %: 20 % to 30 %)."
    weighted = wrong._replace(is_weighted=True)
    assert said([weighted], 400).startswith("By zero_one 25 % of the weight is of rows that are wrong")


def test_verdict_groups() -> None:
    two = [GroupFacts("benign", 40.0, 300, 300, 35, 45), GroupFacts("malignant", 160.0, 200, 200, 140, 190)]
    assert said([MSE, MAE], 1000, two, ["diagnosis"]).endswith(
        "For diagnosis malignant, mae is 160, 4 times as much as for benign (40)."
    )
    near = [GroupFacts("a", 2.0, 300, 300, 1.8, 2.2), GroupFacts("b", 2.1, 200, 200, 1.8, 2.4)]
    assert said([MAE], 1000, near, ["g"]).endswith("1.05 times as much as for a (2), but that may be chance.")
    many = [GroupFacts(f"g{i}", 1.0 + (i == 7), 100, 100) for i in range(20)]
    many.append(GroupFacts("tiny", 99.0, 2, 2))
    assert said([MAE], 1000, many, ["site"]).endswith(
        "By mae, g7 is the worst of 20 groups of site with at least 30 rows: 2, twice as much as for the others (1), "
        "with no interval to tell whether that is chance."
    )
    pairs = [GroupFacts(f"g{i}", 1.0 + i, 2, 2) for i in range(50)]
    assert said([MAE], 100, pairs, ["site"]).endswith(", but that may be chance.")
    pairs = [GroupFacts(f"g{i}", 1.0 + i, 2, 2, 0.9 + i, 1.1 + i) for i in range(50)]
    assert said([MAE], 100, pairs, ["site"]).endswith(", but that may be chance.")
    same = [GroupFacts(name, 1.0, 100, 100) for name in "abc"]
    assert said([MAE], 1000, same, ["g"]).endswith("mae is the same in all 3 groups of g.")


def test_verdict_models() -> None:
    best = [ModelFacts("mse", ("a", "b"), ("a",), 2.0, 1.0, 3.0), ModelFacts("mae", ("a", "b"), ("a",), 0.2, 0.1, 0.3)]
    assert said([MSE, MAE], 1000, models=best).startswith(
        "a is the best of 2 models by both losses; its mse is 2 below that of the next (95 %: 1 to 3). mse of a is 9"
    )
    named = [ModelFacts("mse", ("a", "b", "c"), ("a",), 2.0, 1.0, 3.0, other="c")]
    assert said([MSE], 1000, models=named).startswith(
        "a is the best of 3 models by mse; its mse is 2 below that of c (95 %: 1 to 3)."
    )
    tie = [ModelFacts("mse", ("a", "b"), ("a", "b"), 2.0, -1.0, 3.0)]
    assert said([MSE], 1000, models=tie).startswith(
        "By mse these rows do not decide which of 2 models is best: a and b may each be the best."
    )
    mixed = [best[0], ModelFacts("mae", ("b", "a"), ("b",), 0.2, 0.1, 0.3)]
    assert said([MSE, MAE], 1000, models=mixed).startswith(
        "Which of 2 models is best depends on the loss: by mse a is best; by mae b is best."
    )
    untested = ModelFacts("medae", ("b", "a"), (), 0.2)
    assert said([MSE], 1000, models=[untested]).startswith(
        "By medae b is lowest of 2 models, with no interval to tell whether that is chance."
    )
    assert said([MSE], 1000, models=[best[0], untested]).startswith(
        "a is the best of 2 models by mse; its mse is 2 below that of the next (95 %: 1 to 3). By medae b is lowest"
    )
    infinite = ModelFacts("bce", ("a", "b"), (), is_finite=False)
    assert said([MSE], 1000, models=[*best, infinite]).startswith("a is the best of 2 models by mse and mae; its mse")
    assert said([MSE], 1000, models=[*tie, infinite]).startswith("By mse these rows do not decide")


def test_verdict_long_names() -> None:
    long = "n" * 500
    groups = [GroupFacts(long, 2.0, 100, 100), GroupFacts(long + "2", 1.0, 100, 100)]
    models = [ModelFacts(long, (long, "b"), (long,), 2.0)]
    text = said([MAE._replace(label=long)], 1000, groups, [long], models)
    assert len(text) < 1000
    assert "…" in text


def test_a_group_of_which_a_row_is_omitted(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("y_true,y_pred,site\n1,2,a\n2,4,a\n,5,b\n3,4,b\n4,4,b\n")
    found = cli("report", path, "--losses", "mse", "--group-by", "site", "--nan", "omit", "-q")
    assert (found.status, found.err) == (0, "")
    assert "<!doctype html>" in found.out.lower()
