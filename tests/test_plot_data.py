"""Pictures of data: their numbers against NumPy, compute and compare; which kind fits; what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import losscli
from losscli import pipeline
from losscli.data.batch import Batch
from losscli.data.sources import open_data
from losscli.declaration.domains import ValueOrigin
from losscli.declaration.grammar import parse_specs
from losscli.errors import LosscliError
from losscli.evaluation.outcome import Outcome
from losscli.evaluation.row_sample import RowSampler
from losscli.options import EvaluationOptions
from losscli.plot.kinds import PlotOptions
from losscli.plot.pictures import Bars, IntervalMark, Line, Mark, Picture, Point, Rule
from losscli.registry import resolve
from tests.conftest import SAMPLE_DATA, write_csv, write_parquet

TUMOURS, DIABETES = SAMPLE_DATA / "tumours.csv", SAMPLE_DATA / "diabetes.csv"

N_STREAMED = 200_000
"""More rows than are kept."""


def draw(losses: str, path: Path, kind: str | None = None, outliers: str | None = None, **options: Any) -> Picture:
    """Return the picture of losses on a file."""
    return pipeline.plot(
        resolve(parse_specs(losses)),
        lambda roles: open_data([str(path)], roles),
        EvaluationOptions(**options),
        PlotOptions(kind, outliers),
        lambda text: None,
    )


def refusal(losses: str, path: Path, kind: str | None = None, outliers: str | None = None, **options: Any) -> str:
    """Return the message of the error."""
    with pytest.raises(LosscliError) as found:
        draw(losses, path, kind, outliers, **options)
    return str(found.value)


def marks_of(picture: Picture, kind: type[Mark], panel: int = 0) -> list[Any]:
    return [mark for mark in picture.panels[panel].marks if isinstance(mark, kind)]


def as_json(picture: Picture) -> str:
    return json.dumps(picture.to_dict(), allow_nan=False)


def columns_of(path: Path) -> dict[str, Any]:
    table = np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8")
    return {name: table[name] for name in table.dtype.names}


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of more rows than are kept, with heavy tails, two models, groups and one absurd row."""
    rng = np.random.default_rng(5)
    y_true = rng.standard_t(3, N_STREAMED)
    y_true[N_STREAMED // 3] = 1e6
    columns = {
        "y_true": y_true,
        "y_pred": rng.standard_t(3, N_STREAMED),
        "other": y_true + rng.normal(0, 1.9, N_STREAMED),
        "times": rng.integers(0, 3, N_STREAMED).astype(float),
        "site": rng.integers(0, 3, N_STREAMED),
    }
    path = tmp_path_factory.mktemp("plot") / "streamed.parquet"
    write_parquet(path, columns, rows_per_group=20_000)
    return path


# ------------------------------------------------------------------------------------------------------------- rows


@pytest.mark.parametrize("rule", ["mad:3.5", "iqr:1.5", "mad:1", "mad:12"])
def test_bins_hold_the_rows_and_the_losses_that_lie_in_them(rule: str) -> None:
    table = columns_of(TUMOURS)
    residual = table["y_pred"] - table["y_true"]
    picture = draw("mse,mae", TUMOURS, "rows", rule)
    rows, mse, mae = marks_of(picture, Bars)
    inner = rows.edges.copy()
    inner[0], inner[-1] = -np.inf, np.inf
    counts, _ = np.histogram(residual, inner)
    np.testing.assert_allclose(rows.heights, 100 * counts / len(residual))
    assert rows.details["rows"] == tuple(map(str, counts))
    for bars, loss in ((mse, residual**2), (mae, np.abs(residual))):
        sums, _ = np.histogram(residual, inner, weights=loss)
        np.testing.assert_allclose(bars.heights, 100 * sums / loss.sum(), atol=1e-9)
    flagged = losscli.compare(["mse"], TUMOURS, outliers=rule).flagged[0].numbers
    assert flagged is not None
    marked = np.array(rows.is_marked)
    assert counts[marked].sum() == len(flagged) == picture.facts["outlier_rows"]
    share = residual[np.array(flagged, dtype=int) - 1] ** 2
    assert picture.facts["outlier_loss_share"]["mse"] == pytest.approx(share.sum() / (residual**2).sum())


def test_bounds_of_outliers_are_edges() -> None:
    table = columns_of(TUMOURS)
    residual = table["y_pred"] - table["y_true"]
    centre = np.median(residual)
    reach = 3.5 * np.median(np.abs(residual - centre)) / 0.6745
    picture = draw("mse", TUMOURS)
    assert picture.kind == "rows"
    (rows, _), rules = marks_of(picture, Bars), marks_of(picture, Rule)
    np.testing.assert_allclose([rule.x for rule in rules], [centre - reach, centre + reach])
    assert {rule.x for rule in rules} <= set(rows.edges.tolist())
    assert (
        picture.sentence == "43 rows of 569 (7.6\u00a0%) are outliers (beyond 3.5 robust sd) and carry 78\u00a0% of mse"
    )


def test_a_row_at_the_bound_is_in_the_bin_that_the_rule_says(tmp_path: Path) -> None:
    residual = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 1.0 * 1.75 / 0.6745, 9.0, -9.0, 0.5])
    write_csv(tmp_path / "d.csv", {"y_true": np.zeros(9), "y_pred": residual})
    for rule in ("mad:1.75", "mad:0.6745", "mad:1.349", "iqr:0.5"):
        picture = draw("mse", tmp_path / "d.csv", "rows", rule)
        flagged = losscli.compare(["mse"], tmp_path / "d.csv", outliers=rule).flagged[0].numbers
        (rows, _) = marks_of(picture, Bars)
        counts = np.array([int(count) for count in rows.details["rows"]])
        assert counts[np.array(rows.is_marked)].sum() == len(flagged or ())
        assert counts.sum() == 9


@pytest.mark.parametrize(
    ("residual", "sentence"),
    [
        ([2.0], "there is 1 row, with a residual of 2"),
        ([1.0, 1.0, 1.0], "no row of 3 is an outlier (beyond 3.5 robust sd): all residuals are 1"),
        ([0.0] * 7 + [1.0, 2.0, -5.0], "the residuals lie between −5 and 2"),
        (
            [-0.5, 0.0, 0.5, 2.0],
            "no row of 4 is an outlier (beyond 3.5 robust sd): the residuals lie between −0.5 and 2",
        ),
    ],
)
def test_few_rows_have_bins(residual: list[float], sentence: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "d.csv", {"y_true": np.zeros(len(residual)), "y_pred": residual})
    picture = draw("mae", tmp_path / "d.csv", "rows")
    assert picture.sentence == sentence
    for bars in marks_of(picture, Bars):
        assert bars.heights.sum() == pytest.approx(100)
        assert (np.diff(bars.edges) > 0).all()
    as_json(picture)


def test_one_absurd_row_does_not_widen_the_bins(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    y_true = np.append(rng.normal(size=300), 1e12)
    write_csv(tmp_path / "d.csv", {"y_true": y_true, "y_pred": np.zeros(301)})
    rows, mse = marks_of(draw("mse", tmp_path / "d.csv", "rows"), Bars)
    assert rows.edges[0] > -10
    assert rows.details["rows"][0] == "1"
    assert mse.heights[0] == pytest.approx(100)
    assert next(iter(rows.details.values()))[0].startswith("below −")


def test_infinite_residuals_are_in_the_outermost_bin(tmp_path: Path) -> None:
    y_true = ["-inf", *np.random.default_rng(1).normal(size=30)]
    write_csv(tmp_path / "d.csv", {"y_true": y_true, "y_pred": np.zeros(31)})
    picture = draw("mse,welsch", tmp_path / "d.csv", "rows")
    rows, welsch = marks_of(picture, Bars)
    assert rows.heights.sum() == pytest.approx(100)
    assert welsch.label == "welsch"
    assert picture.remarks[0] == "no outlier rows by mad:3.5: a residual is not a finite number"
    assert "mse has no shares: it is not finite" in picture.remarks
    as_json(picture)


@pytest.mark.parametrize("kind", ["rows", "share"])
def test_weights_count_as_repeated_rows(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    n = 400
    y_true, y_pred, weight = rng.standard_t(2, n), rng.normal(size=n), rng.integers(0, 4, n)
    write_csv(tmp_path / "w.csv", {"y_true": y_true, "y_pred": y_pred, "weight": weight})
    write_csv(tmp_path / "r.csv", {"y_true": y_true.repeat(weight), "y_pred": y_pred.repeat(weight)})
    weighted = draw("mse,mae", tmp_path / "w.csv", kind, columns={"weight": "weight"})
    repeated = draw("mse,mae", tmp_path / "r.csv", kind)
    if kind == "share":
        for label in ("mse", "mae"):
            half = [picture.facts["row_share_for_half"][label] for picture in (weighted, repeated)]
            assert half[0] == pytest.approx(half[1])
        return
    for mine, theirs in zip(marks_of(weighted, Bars), marks_of(repeated, Bars), strict=True):
        bounds = [np.interp(edge, theirs.edges, np.append(0, np.cumsum(theirs.heights))) for edge in mine.edges[3:-3]]
        np.testing.assert_allclose(np.cumsum(mine.heights)[2:-3], bounds, atol=1.5)
    for fact in ("outlier_row_share", "median"):
        assert weighted.facts[fact] == pytest.approx(repeated.facts[fact], rel=1e-2)


# ------------------------------------------------------------------------------------------------------------ share


def test_shares_are_those_of_the_sorted_losses() -> None:
    table = columns_of(TUMOURS)
    residual = np.abs(table["y_pred"] - table["y_true"])
    picture = draw("mse,huber:delta=50,mae", TUMOURS)
    assert picture.kind == "share"
    lines = {line.label: line for line in marks_of(picture, Line)}
    for label, loss in (("mse", residual**2), ("mae", residual)):
        carried = np.cumsum(np.sort(loss)[::-1]) / loss.sum()
        shown = lines[label]
        expected = np.interp(shown.x / 100, np.arange(len(loss) + 1) / len(loss), np.append(0, carried))
        np.testing.assert_allclose(shown.y, 100 * expected, atol=1e-9)
        assert picture.facts["rows_for_half"][label] == int(np.argmax(carried >= 0.5)) + 1
    assert [point.label for point in marks_of(picture, Point)] == ["9 rows", "49 rows", "74 rows"]
    assert picture.sentence == "the worst 9 rows (1.6\u00a0%) carry half of mse; of mae it takes 74 (13\u00a0%)"
    assert picture.panels[0].x.high == 50


@pytest.mark.parametrize("weight", [None, "y_true"])
def test_top_share_is_that_of_compare(weight: str | None) -> None:
    options = {} if weight is None else {"columns": {"weight": weight}}
    picture = draw("mse,mae,rmse", TUMOURS, "share", **options)
    for loss in losscli.compare(["mse", "mae", "rmse"], TUMOURS, **options):
        assert picture.facts["top_share"][loss.label] == pytest.approx(loss.top_share, rel=1e-12)


def test_losses_without_shares_are_named(tmp_path: Path) -> None:
    write_csv(tmp_path / "d.csv", {"y_true": [1, 2, 9], "y_pred": [5, 5, 5]})
    picture = draw("mse,medae,poisson", tmp_path / "d.csv")
    assert picture.losses == ("mse",)
    assert picture.remarks == (
        "medae has no shares: rows have shares of a sum, not of a median or a maximum",
        "poisson_nll has no shares: it is below 0 in some rows",
    )
    write_csv(tmp_path / "e.csv", {"y_true": [1, 2, 3], "y_pred": [1, 2, 3]})
    assert "mse has no shares: it is 0 in all rows; other kinds: rows" in refusal("mse", tmp_path / "e.csv", "share")


def test_rows_that_are_alike_and_one_row_have_sentences(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", {"y_true": [1, 2, 3], "y_pred": [2, 3, 4]})
    assert draw("mse", tmp_path / "a.csv", "share").sentence == "all rows carry the same share of mse"
    write_csv(tmp_path / "b.csv", {"y_true": [1], "y_pred": [2]})
    assert draw("mse,mae", tmp_path / "b.csv", "share").sentence == "there is 1 row, which carries all of mse and mae"
    write_csv(tmp_path / "c.csv", {"y_true": [1, 2, 3], "y_pred": [1.1, 2.1, 9]})
    picture = draw("mse,mae", tmp_path / "c.csv", "share")
    assert picture.sentence == "the worst row (33.3\u00a0%) carries half of mse and mae"


def test_one_distribution_has_no_rows_with_shares(tmp_path: Path) -> None:
    write_csv(tmp_path / "d.csv", {"y_true": [0.2, 0.3, 0.5], "y_pred": [0.3, 0.3, 0.4]})
    assert "kl: all rows are one distribution" in refusal("kl", tmp_path / "d.csv")


# ----------------------------------------------------------------------------------------------------------- stress

STRESSED = ["mse", "rmse", "mae", "huber:delta=50", "log_cosh", "mape", "medae", "max_error", "quantile:tau=0.9"]


@pytest.mark.parametrize("rule", ["mad:3.5", pytest.param("iqr:1.5", marks=pytest.mark.slow)])
@pytest.mark.parametrize("weight", [None, "y_true"])
def test_stress_is_that_of_compare(rule: str, weight: str | None) -> None:
    options = {} if weight is None else {"columns": {"weight": weight}}
    picture = draw(",".join(STRESSED), TUMOURS, "stress", rule, **options)
    compared = losscli.compare(STRESSED, TUMOURS, outliers=rule, **options)
    assert {loss.label: loss.stress for loss in compared} == picture.facts["stress"]
    for line in marks_of(picture, Line):
        assert line.y[line.x == 10] == picture.facts["stress"][line.label]
        assert (line.x[0], line.x[-1]) == (0, 15)


def test_stress_follows_its_definition() -> None:
    table = columns_of(TUMOURS)
    residual = table["y_pred"] - table["y_true"]
    deviation = residual - np.median(residual)
    mad = np.median(np.abs(deviation))
    inner = (residual[0.6745 * np.abs(deviation) <= 3.5 * mad] ** 2).mean()
    (line,) = marks_of(draw("mse", TUMOURS, "stress"), Line)
    np.testing.assert_allclose(line.y, 0.99 + 0.01 * (line.x * 1.4826 * mad) ** 2 / inner, rtol=1e-12)


def test_stress_ends_where_a_loss_is_not_defined() -> None:
    picture = draw("msle,mse", TUMOURS, "stress")
    assert picture.remarks == ("msle ends at 2.5 robust sd: beyond that is outside of its domain",)
    assert picture.facts["stress"]["msle"] is None


def test_residuals_without_a_spread_have_no_stress(tmp_path: Path) -> None:
    write_csv(tmp_path / "d.csv", {"y_true": [1, 2, 3], "y_pred": [2, 3, 4]})
    assert "their MAD is 0; other kinds: rows, share" in refusal("mse", tmp_path / "d.csv", "stress")
    write_csv(tmp_path / "e.csv", {"y_true": [1, 2, 3, 4, 5], "y_pred": [1, 2, 3, 4, 9]})
    assert "at least half of the residuals are equal" in refusal("mse", tmp_path / "e.csv", "stress")


# ----------------------------------------------------------------------------------------------------------- groups


@pytest.mark.parametrize("level", [None, 0.8])
def test_groups_have_the_intervals_of_compute(level: float | None) -> None:
    picture = draw("mae,mse", TUMOURS, group_by=("diagnosis",), ci=level, models=("y_pred",))
    computed = losscli.compute(["mae", "mse"], TUMOURS, group_by="diagnosis", ci=level or 0.95)
    assert picture.kind == "groups"
    for i, label in enumerate(("mae", "mse")):
        found = {mark.label: (mark.value, mark.low, mark.high) for mark in marks_of(picture, IntervalMark, i)}
        results = [result for result in computed if result.label == label]
        assert found == {r.group["diagnosis"]: (r.value, r.ci.low, r.ci.high) for r in results if r.group and r.ci}
        (rule,) = marks_of(picture, Rule, i)
        assert rule.x == losscli.compute(label, TUMOURS).value
        assert picture.panels[i].y.categories == ("malignant, 212 rows", "benign, 357 rows")
    if level is None:
        assert picture.sentence == (
            "mae is largest for malignant, 159.8 [137.5, 191.8], and smallest for benign, 43.41 [39.56, 47.61]; "
            "over all rows it is 86.78"
        )


def test_of_many_groups_those_at_both_ends_are_shown(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    site = np.repeat(np.arange(100), 12)
    error = rng.normal(size=1200) * (1 + site)
    write_csv(tmp_path / "d.csv", {"y_true": np.zeros(1200), "y_pred": error, "site": site})
    picture = draw("mae", tmp_path / "d.csv", group_by=("site",), resamples=99, ci=0.9)
    means = np.abs(error).reshape(100, 12).mean(axis=1)
    expected = np.argsort(-means)[[*range(15), *range(85, 100)]]
    assert [mark.label for mark in marks_of(picture, IntervalMark)] == list(map(str, expected))
    assert picture.remarks == ("70 groups between the 15 largest and the 15 smallest are not shown",)
    assert picture.facts["n_groups"] == 100


def test_groups_of_few_rows_do_not_stretch_the_axis(tmp_path: Path) -> None:
    values = [1.0, 2.0, 3.0, 2.5] * 10 + [0.1, 0.1, 0.1, 8.0]
    site = ["a"] * 20 + ["b"] * 20 + ["few"] * 4
    write_csv(tmp_path / "d.csv", {"y_true": np.zeros(44), "y_pred": values, "site": site})
    picture = draw("mae", tmp_path / "d.csv", group_by=("site",))
    few = next(mark for mark in marks_of(picture, IntervalMark) if mark.label == "few")
    assert few.low is None
    assert picture.facts["groups"]["mae"]["few"]["high"] > picture.panels[0].x.high
    assert any(remark.startswith("not drawn: intervals of few") for remark in picture.remarks)


def test_groups_without_a_number_are_named(tmp_path: Path) -> None:
    columns = {"y_true": [1, 2, "inf", 4, ""], "y_pred": [2, 4, 1, 1, 1], "site": ["a", "a", "b", "", "c"]}
    write_csv(tmp_path / "d.csv", columns)
    picture = draw("mae", tmp_path / "d.csv", group_by=("site",), nan="omit")
    assert [mark.label for mark in marks_of(picture, IntervalMark)] == ["(empty)", "a"]
    assert "not a finite number: b" in picture.remarks
    assert "no row counts of c" in picture.remarks
    as_json(picture)


# ----------------------------------------------------------------------------------------------------------- models


def test_models_have_the_differences_of_compare() -> None:
    losses = ["mse", "mae", "huber:delta=50"]
    picture = draw(",".join(losses), DIABETES, models=("y_pred", "forest"))
    assert picture.kind == "models"
    compared = losscli.compare(losses, DIABETES, models=["y_pred", "forest"])
    for mark, contest in zip(marks_of(picture, IntervalMark), compared.contests, strict=True):
        gap, value = contest.gaps["forest"], contest.values["y_pred"]
        assert (mark.value, mark.low, mark.high) == pytest.approx(tuple(100 * end / value for end in gap[:3]))
        assert mark.value == pytest.approx(100 * gap.relative)
    assert [mark.remark for mark in marks_of(picture, IntervalMark)] == [
        "17 rows decide",
        "23 rows decide",
        "20 rows decide",
    ]
    assert picture.sentence == "y_pred is best under all three losses"
    assert picture.panels[0].y.categories == tuple(losses)


def test_the_reference_is_the_model_that_is_best_most_often(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    n = 300
    error_a, error_b = rng.normal(size=n), rng.laplace(scale=0.25, size=n)
    error_b[:2] = 40
    write_csv(tmp_path / "d.csv", {"y_true": np.zeros(n), "a": error_a, "b": error_b})
    picture = draw("mse,mae,huber", tmp_path / "d.csv", models=("a", "b"))
    assert picture.facts["reference"] == "b"
    mse, mae, _ = marks_of(picture, IntervalMark)
    assert mae.value == pytest.approx(100 * (np.abs(error_a).mean() / np.abs(error_b).mean() - 1))
    assert mse.value == pytest.approx(100 * ((error_a**2).mean() / (error_b**2).mean() - 1))
    assert mse.low <= mse.value <= mse.high
    assert mse.value < 0 < mae.value


def test_several_models_have_a_panel_for_each_loss(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    columns = {name: rng.normal(scale=scale, size=80) for name, scale in (("a", 1.0), ("b", 1.01), ("c", 3.0))}
    write_csv(tmp_path / "d.csv", {"y_true": np.zeros(80), **columns})
    picture = draw("mse,max_error", tmp_path / "d.csv", models=("c", "a", "b"))
    assert len(picture.panels) == 2
    order = sorted(columns, key=lambda name: float((columns[name] ** 2).mean()))
    assert picture.panels[0].y.categories == tuple(order)
    first, *others = marks_of(picture, IntervalMark)
    assert (first.value, first.low) == (0, None)
    assert [mark.style for mark in (first, *others)] == [("c", "a", "b").index(name) for name in order]
    assert "max_error: there is no interval of a difference of maxima" in picture.remarks
    named = draw("mse", tmp_path / "d.csv", models=("c", "a", "b"), reference="c")
    assert (named.title, named.facts["reference"]) == ("How much worse each model is than c", "c")
    contest = losscli.compare("mse", tmp_path / "d.csv", models=["c", "a", "b"], reference="c").contests[0]
    for mark, model in zip(marks_of(named, IntervalMark), order, strict=True):
        gap = contest.gaps[model]
        assert mark.value == pytest.approx(100 * gap.relative)
        if model != "c":
            assert (mark.low, mark.high) == pytest.approx((100 * gap.relative_low, 100 * gap.relative_high))


def test_differences_beyond_all_percentages_are_not_shown(tmp_path: Path) -> None:
    write_csv(tmp_path / "d.csv", {"y_true": [0, 1, 2], "a": ["1e154", 2, 3], "b": [1, 2, 4]})
    message = refusal("mse", tmp_path / "d.csv", models=("a", "b"))
    assert message == "mse is not shown: its differences are too large to be percentages of 2"


def test_losses_of_0_have_no_percentages(tmp_path: Path) -> None:
    write_csv(tmp_path / "d.csv", {"y_true": [1, 2, 3], "a": [1, 2, 3], "b": [1, 2, 4]})
    message = refusal("mse", tmp_path / "d.csv", models=("a", "b"))
    assert message == "mse is not shown: for a it is 0, of which there are no percentages"


# -------------------------------------------------------------------------------------------------------- streaming


@pytest.mark.parametrize(
    ("kind", "losses", "options"),
    [
        ("rows", "mse,mae", {}),
        ("share", "mse,mae", {"columns": {"weight": "times"}}),
        ("stress", "mse,log_cosh,mae", {}),
        ("models", "mse,rmse,mae", {"models": ("y_pred", "other")}),
    ],
)
def test_threads_do_not_change_a_digit(kind: str, losses: str, options: dict[str, Any], streamed: Path) -> None:
    pictures = [as_json(draw(losses, streamed, kind, jobs=jobs, **options)) for jobs in (1, 2)]
    assert pictures[0] == pictures[1]


def test_streamed_bins_are_those_of_all_rows(streamed: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(streamed)
    residual = table["y_pred"].to_numpy() - table["y_true"].to_numpy()
    picture = draw("mse,mae", streamed, "rows")
    rows, _, mae = marks_of(picture, Bars)
    centre = np.median(residual)
    reach = 3.5 * np.median(np.abs(residual - centre)) / 0.6745
    np.testing.assert_allclose(picture.facts["bounds"], [centre - reach, centre + reach], rtol=2e-3)
    edges = np.concatenate([[-np.inf], rows.edges[1:-1], [np.inf]])
    np.testing.assert_allclose(rows.heights, 100 * np.histogram(residual, edges)[0] / N_STREAMED, atol=0.02)
    loss = np.abs(residual)
    sums = np.histogram(residual, edges, weights=loss)[0]
    np.testing.assert_allclose(mae.heights, 100 * sums / loss.sum(), atol=0.02)
    assert picture.remarks[-1].startswith("rows are summed in buckets of 0.1 %")
    assert mae.heights[0] > 50  # the absurd row


@pytest.mark.slow
def test_streamed_stress_is_near_that_of_compare(streamed: Path) -> None:
    losses = ["mse", "mae", "rmse", "log_cosh", "medae", "smape"]
    picture = draw(",".join(losses), streamed, "stress")
    compared = losscli.compare(losses, streamed)
    for loss in compared:
        assert picture.facts["stress"][loss.label] == pytest.approx(loss.stress, rel=5e-3), loss.label
    assert picture.facts["is_sample"]


@pytest.mark.slow
def test_streamed_models_have_the_differences_of_compare(streamed: Path) -> None:
    losses, models = ["mse", "rmse", "welsch"], ("y_pred", "other")
    for options in ({}, {"columns": {"weight": "times"}}):
        picture = draw(",".join(losses), streamed, models=models, **options)
        compared = losscli.compare(losses, streamed, models=list(models), **options)
        for mark, contest in zip(marks_of(picture, IntervalMark), compared.contests, strict=True):
            best, other = contest.values
            value, gap = contest.values[best], contest.gaps[other]
            assert (best, other) == ("other", "y_pred")
            assert mark.value == pytest.approx(100 * (gap.difference or 0) / value)
            if contest.label == "welsch":  # of the others one row is most
                assert mark.high - mark.low == pytest.approx(
                    100 * ((gap.diff_high or 0) - (gap.diff_low or 0)) / value, rel=0.1
                )
        assert picture.facts["method"] == "delta method"


def test_models_are_told_apart_whatever_another_one_does(tmp_path: Path) -> None:
    """One absurd prediction of the first model takes no digits from the difference of the others."""
    rng = np.random.default_rng(16)
    n = 70_000
    b, c = rng.normal(size=n), rng.normal(scale=1.02, size=n)
    columns = {"y_true": np.zeros(n), "a": rng.normal(size=n), "b": b, "c": c}
    columns["a"][5] = 1e9
    write_parquet(tmp_path / "d.parquet", columns)
    for models in (("a", "b", "c"), ("c", "b", "a")):
        facts = draw("mse,rmse,medae", tmp_path / "d.parquet", models=models).facts["losses"]
        gap = c**2 - b**2  # three pairs, of which two are the same but for rounding: c is 0.975**0.5 of |z|
        reach = 2.2365 * gap.std() / np.sqrt(n)
        expected = np.array([gap.mean(), gap.mean() - reach, gap.mean() + reach]) / (b**2).mean()
        found = facts["mse"]["relative"]["c"]
        assert [found["difference"], found["low"], found["high"]] == pytest.approx(expected, rel=0.03)
        assert found["difference"] == pytest.approx(expected[0], rel=1e-3)
        root = np.sqrt((c**2).mean() / (b**2).mean()) - 1
        assert facts["rmse"]["relative"]["c"]["difference"] == pytest.approx(root, rel=1e-6)


def test_only_an_interval_makes_a_model_the_best(tmp_path: Path) -> None:
    rng = np.random.default_rng(17)
    n = 70_000
    columns = {"y_true": np.zeros(n), "a": rng.normal(size=n), "b": rng.normal(size=n)}
    write_parquet(tmp_path / "d.parquet", columns)
    picture = draw("medae", tmp_path / "d.parquet", models=("a", "b"))
    assert "is lowest (no interval) under medae" in picture.sentence
    assert "is best" not in picture.sentence


def test_weighted_shares_of_many_rows_are_those_of_all(tmp_path: Path) -> None:
    """Weights that go with the loss: a share of the weight is no share of the rows."""
    rng = np.random.default_rng(18)
    n = 70_000
    residual = rng.standard_t(2, n)
    weight = np.where(np.abs(residual) > 2, 20.0, 0.5) * rng.gamma(1, 1, n)
    write_parquet(tmp_path / "d.parquet", {"y_true": np.zeros(n), "y_pred": residual, "w": weight})
    facts = draw("mse,mae", tmp_path / "d.parquet", "share", columns={"weight": "w"}).facts
    for label, losses in (("mse", residual**2), ("mae", np.abs(residual))):
        worst = np.argsort(-losses)
        carried = np.cumsum((losses * weight)[worst])
        assert facts["rows_for_half"][label] == pytest.approx(np.searchsorted(carried, carried[-1] / 2) + 1, rel=0.01)
        largest = np.sort(losses * weight)[::-1][: n // 100]
        assert facts["top_share"][label] == pytest.approx(largest.sum() / carried[-1], rel=1e-4)


def test_the_standard_error_of_a_difference_is_the_delta_method(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    n = 70_000
    a, b, weight = rng.normal(size=n), rng.normal(scale=1.01, size=n), rng.uniform(0.5, 2, n)
    write_parquet(tmp_path / "d.parquet", {"y_true": np.zeros(n), "a": a, "b": b, "weight": weight})
    picture = draw("mse,rmse", tmp_path / "d.parquet", models=("b", "a"), columns={"weight": "weight"})
    total = weight.sum()
    means = [float((weight * e**2).sum() / total) for e in (a, b)]
    moved = [weight * (e**2 - mean) / total for e, mean in zip((a, b), means, strict=True)]
    mse, rmse = marks_of(picture, IntervalMark)
    error = np.sqrt(((moved[1] - moved[0]) ** 2).sum())
    assert mse.high - mse.value == pytest.approx(100 * 1.959963984540054 * error / means[0], rel=1e-9)
    roots = np.sqrt(means)
    error = np.sqrt(((moved[1] / (2 * roots[1]) - moved[0] / (2 * roots[0])) ** 2).sum())
    assert rmse.value == pytest.approx(100 * (roots[1] / roots[0] - 1), rel=1e-9)
    assert rmse.high - rmse.value == pytest.approx(100 * 1.959963984540054 * error / roots[0], rel=1e-9)


# ------------------------------------------------------------------------------------------------------- the sample


def batches_of(n: int, size: int) -> list[Batch]:
    rng = np.random.default_rng(7)
    y_true, y_pred = rng.normal(size=n), rng.normal(size=n)
    y_pred[n // 2] = 1e12
    origins = {"y_true": ValueOrigin("y_true"), "y_pred": ValueOrigin("y_pred")}
    return [
        Batch(
            range(i + 1, min(i + size, n) + 1),
            {"y_true": y_true[i : i + size], "y_pred": y_pred[i : i + size]},
            origins,
        )
        for i in range(0, n, size)
    ]


def sampled(batches: list[Batch], max_rows: int) -> RowSampler:
    sampler = RowSampler(max_rows)
    for batch in batches:
        losses = np.abs(batch.arrays["y_pred"] - batch.arrays["y_true"])
        sampler.update(batch, [Outcome(losses, losses)])
    return sampler


def test_all_rows_are_sampled_while_they_fit() -> None:
    sample = sampled(batches_of(1000, 300), 1000).sample()
    assert sample.is_complete
    assert sample.batch.weight is None
    np.testing.assert_array_equal(sample.batch.rows, np.arange(1, 1001))


def test_a_sample_does_not_depend_on_batches() -> None:
    first, second = (sampled(batches_of(5000, size), 800).sample().batch for size in (5000, 700))
    random = [set(batch.rows[batch.weight > 1].tolist()) for batch in (first, second) if batch.weight is not None]
    assert len(random[0] & random[1]) > 300
    assert len(random[0] ^ random[1]) < 80  # the extreme rows of batches differ


def test_a_sample_merges_keeps_the_extreme_rows_and_estimates_totals() -> None:
    batches = batches_of(20_000, 1000)
    total = sampled(batches[:7], 800)
    total.merge(sampled(batches[7:8], 800))
    total.merge(sampled(batches[8:], 800))
    sample = total.sample()
    assert not sample.is_complete
    assert sample.n == 20_000
    weight = sample.batch.weight
    assert weight is not None
    assert weight.sum() == pytest.approx(20_000)
    y_pred, y_true = sample.batch.arrays["y_pred"], sample.batch.arrays["y_true"]
    assert weight[y_pred == 1e12] == [1]
    assert sample.batch.rows[y_pred == 1e12] == [10_001]
    assert (np.diff(sample.batch.rows) > 0).all()
    near = y_pred < 1e3
    assert np.average(y_true[near] ** 2, weights=weight[near]) == pytest.approx(1, abs=0.3)


def test_each_row_is_as_likely_to_be_sampled() -> None:
    counts = np.zeros(500)
    for seed in range(60):
        values = np.random.default_rng(seed).normal(size=(2, 500))
        batch = Batch(
            range(1, 501),
            {"y_true": values[0], "y_pred": values[1]},
            {role: ValueOrigin(role) for role in ("y_true", "y_pred")},
        )
        sample = sampled([batch], 300).sample().batch
        assert sample.weight is not None
        counts[sample.rows[sample.weight > 1] - 1] += 1
    share = counts.sum() / (60 * 500)
    spread = counts.var() / (60 * share * (1 - share))
    assert 0.75 < spread < 1.25  # 1 for independent draws


# -------------------------------------------------------------------------------------------- which kind, and errors


@pytest.mark.parametrize(
    ("losses", "options", "kind"),
    [
        ("mse", {}, "rows"),
        ("mse,mae", {}, "share"),
        ("max_error", {}, "rows"),
        ("mse", {"group_by": ("sex",)}, "groups"),
        ("mse", {"models": ("y_pred", "forest")}, "models"),
    ],
)
def test_the_kind_that_fits_is_the_default(losses: str, options: dict[str, Any], kind: str) -> None:
    assert draw(losses, DIABETES, **options).kind == kind


@pytest.mark.parametrize(
    ("losses", "kind", "options", "message"),
    [
        (
            "mse",
            "models",
            {},
            "there is one model, and models compares several predictions of the same rows; what fits:",
        ),
        ("mse", "groups", {}, "there are no groups: no column to group by is named; what fits: rows, share, stress"),
        ("mse", "share", {"group_by": ("sex",)}, "share shows all rows, not groups; what fits: groups"),
        ("mse", "rows", {"models": ("y_pred", "forest")}, "rows shows one model, and there are 2; what fits: models"),
        (
            "max_error",
            "share",
            {},
            "rows have shares of a sum or a mean, not of a median or a maximum; what fits: rows",
        ),
        ("mse", "rows", {"ci": 0.9}, "rows has no intervals"),
        ("mse", None, {"ci": 0.9}, "rows has no intervals"),
        ("mse", "rows", {"outliers": "top:1%"}, "a picture of residuals takes mad:NUMBER or iqr:NUMBER"),
        ("mse", "stress", {"outliers": "column:sex"}, "a picture of residuals takes mad:NUMBER or iqr:NUMBER"),
        ("mse", "rows", {"outliers": "mad:-1"}, "mad takes a number above 0"),
        ("mse", "share", {"outliers": "mad:3"}, "share flags no outlier rows; rows and stress do"),
    ],
)
def test_a_kind_that_does_not_fit_is_refused(
    losses: str, kind: str | None, options: dict[str, Any], message: str
) -> None:
    assert message in refusal(losses, DIABETES, kind, **options)


def test_several_residuals_per_row_have_no_bins(tmp_path: Path) -> None:
    columns = {f"{role}_{i}": np.arange(4.0) + i * k for k, role in enumerate(("y_true", "y_pred")) for i in range(2)}
    write_csv(tmp_path / "d.csv", columns)
    assert "rows shows one residual per row, and here a row has several" in refusal("mse", tmp_path / "d.csv", "rows")
    assert draw("mse", tmp_path / "d.csv").kind == "share"


def test_names_may_hold_anything(tmp_path: Path) -> None:
    odd = "<b>$x_1$</b>\t" + "长" * 60
    columns = {
        "y_true": [1, 2, 3, 4, 5, 6],
        "y_pred": [2, 4, 1, 1, 2, 9],
        odd: [0, 2, 3, 4, 5, 5],
        "g": [odd] * 3 + ["", "(empty)", "(empty)"],
    }
    write_csv(tmp_path / "d.csv", columns)
    picture = draw("mae", tmp_path / "d.csv", group_by=("g",))
    names = [mark.label for mark in marks_of(picture, IntervalMark)]
    assert sorted(names) == sorted([odd, "''", "'(empty)'"])
    assert max(map(len, picture.panels[0].y.categories)) < 60
    picture = draw("mae,mse", tmp_path / "d.csv", models=("y_pred", odd))
    assert len(picture.title) < 80
    assert len(picture.panels[0].x.label) < 120
