"""Results in notebooks: HTML that fits light and dark pages, and short texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import losscli
from tests.test_table_formats import HOSTILE, Page

RNG = np.random.default_rng(7)
Y = RNG.normal(size=300)
P = Y + RNG.standard_t(2, size=300)
FRAME = pd.DataFrame({"y_true": Y, "y_pred": P, "site": [f"{HOSTILE} {i % 75}" for i in range(300)]})


def models() -> losscli.Comparison:
    return losscli.compare("mse,mae", y_true=Y, models={HOSTILE: P, "b": 2 * P})


RESULTS: dict[str, Callable[[], Any]] = {
    "loss": lambda: losscli.compute("huber:delta=0.5", y_true=Y, y_pred=P, gradient=True),
    "interval": lambda: losscli.compute(["mse", "mae"], y_true=Y, y_pred=P, ci=0.9, resamples=50),
    "groups": lambda: losscli.compute(["mse", "mae"], FRAME, group_by="site"),
    "group": lambda: losscli.compute(["mse"], FRAME, group_by="site")[0],
    "comparison": lambda: losscli.compare("mse,mae", y_true=Y, y_pred=P, show_outliers=3),
    "models": models,
    "compared": lambda: models()[0],
    "recommendation": lambda: losscli.recommend(y_true=Y, y_pred=P),
    "advice": lambda: losscli.recommend(y_true=Y, y_pred=P)[0],
    "explanation": lambda: losscli.explain("huber"),
    "explanations": lambda: losscli.explain(["huber", "mse", "mae", "quantile", "squared_epsilon_insensitive", "wing"]),
}


@pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS)
def test_results_are_tables_in_notebooks(make: Callable[[], Any]) -> None:
    result = make()
    html = result._repr_html_()
    page = Page(html)
    assert "table" in page.tags
    assert not {"script", "b", "img"} & set(page.tags)
    assert "color" not in html  # light and dark pages have their own
    assert "background" not in html
    assert len(page.rows) <= 1 + 60 + 10


@pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS)
def test_texts_of_results_are_short(make: Callable[[], Any]) -> None:
    text = repr(make())
    assert len(text) <= 100
    assert "\n" not in text
    assert "array" not in text


def test_texts_of_parts_of_a_comparison_are_short() -> None:
    compared = models()
    listed = losscli.compare("mse,mae", y_true=Y, y_pred=P, show_outliers=3)
    assert repr(listed.flagged[0]) == f"Flagged(mad:3.5: {len(listed.outliers or ())} of 300 rows)"
    assert all(len(repr(part)) <= 100 for part in (*compared.contests, *compared.agreements, *listed.rows))


def test_long_tables_say_how_many_rows_follow() -> None:
    html = RESULTS["groups"]()._repr_html_()
    assert len(Page(html).rows) == 61
    assert "<p>and 90 more rows</p>" in html


def test_a_table_has_the_numbers_of_the_result() -> None:
    result = losscli.compute(["mse", "mae"], FRAME)
    page = Page(result._repr_html_())
    assert page.rows[0][:3] == ["loss", "n", "value"]
    assert [row[0] for row in page.rows[1:]] == ["mse", "mae"]
    assert [float(row[2]) for row in page.rows[1:]] == pytest.approx([r.value for r in result], rel=1e-5)
    compared = losscli.compare(["mse", "mae"], FRAME)
    assert all(f"<li>{str(note)[:9]}" in compared._repr_html_() for note in compared.notes)
    models = Page(RESULTS["models"]().evaluation._repr_html_())
    assert models.rows[0][:2] == ["loss", "model"]
    assert HOSTILE in [row[1] for row in models.rows]


def test_a_row_says_all_in_its_text() -> None:
    listed = losscli.compare("mse,mae", y_true=Y, y_pred=P, show_outliers=3)
    assert listed.rows[0]._repr_html_() is None
