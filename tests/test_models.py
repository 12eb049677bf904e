"""Test compare with several models, and within groups, against straightforward NumPy."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.compare.agreement import kendall_w
from losscli.compare.result import MODEL_COLUMNS
from losscli.errors import DataError
from tests.conftest import Cli

RNG = np.random.default_rng(11)
N = 300
Y = RNG.normal(size=N) * 10 + 50
MODELS = {"a": Y + RNG.normal(size=N), "b": Y + 1.3 * RNG.normal(size=N), "c": Y + 1.02 * RNG.normal(size=N)}
W = RNG.integers(1, 4, size=N).astype(float)
SITE = RNG.choice(["north", "south"], size=N)


@pytest.fixture
def data(tmp_path: Path) -> str:
    path = tmp_path / "models.csv"
    columns = {"y_true": Y, **{f"model_{name}": p for name, p in MODELS.items()}, "w": W, "site": SITE}
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def compare_models(losses: list[str], **options: Any) -> dict[tuple[str, str], Any]:
    found = losscli.compare(losses, y_true=Y, models=MODELS, **options)
    return {(c.label, c.model): c for c in found}


# ----------------------------------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize("weight", [None, W], ids=["unweighted", "weighted"])
def test_differences_and_verdicts(weight: np.ndarray | None) -> None:
    found = compare_models(["mse", "mae"], weight=weight)
    for name, loss in (("mse", np.square), ("mae", np.abs)):
        values = {m: np.average(loss(p - Y), weights=weight) for m, p in MODELS.items()}
        for model, value in values.items():
            row = found[name, model]
            assert row.value == pytest.approx(value, rel=1e-12)
            assert row.difference == pytest.approx(value - min(values.values()), rel=1e-9, abs=1e-12)
    assert [found["mse", m].verdict for m in "abc"] == ["undecided", "worse", "undecided"]


@pytest.mark.parametrize("weight", [None, W], ids=["unweighted", "weighted"])
def test_intervals_are_those_of_paired_resamples(weight: np.ndarray | None) -> None:
    row = compare_models(["mse"], weight=weight)["mse", "b"]
    w = np.ones(N) if weight is None else weight
    gaps = (MODELS["b"] - Y) ** 2 - (MODELS["a"] - Y) ** 2
    rng = np.random.default_rng(0)
    drawn = rng.integers(N, size=(4000, N))
    means = (gaps[drawn] * w[drawn]).sum(axis=1) / w[drawn].sum(axis=1)
    pairs = [np.square(MODELS[m] - Y) - np.square(MODELS[k] - Y) for m, k in ("ba", "bc", "ca")]
    centred = [((pair[drawn] * w[drawn]).sum(axis=1) / w[drawn].sum(axis=1)) for pair in pairs]
    t = [np.abs(each - each.mean()) / each.std() for each in centred]
    reach = np.quantile(np.max(t, axis=0), 0.95) * means.std()  # a fixed error: nearly the same for so many rows
    assert row.diff_high - row.diff_low == pytest.approx(2 * reach, rel=0.1)
    assert (row.diff_low + row.diff_high) / 2 == pytest.approx(row.difference)


def test_the_difference_of_roots_is_resampled_to_first_order() -> None:
    compared = losscli.compare(["mse", "rmse"], y_true=Y, models=MODELS)
    found = {(c.label, c.model): c for c in compared}
    a, b = found["rmse", "a"].value, found["rmse", "b"].value
    rng = np.random.default_rng(0)
    drawn = rng.integers(N, size=(4000, N))
    roots = [np.sqrt(((MODELS[m] - Y) ** 2)[drawn].mean(axis=1)) for m in "ab"]
    assert found["rmse", "b"].difference == pytest.approx(b - a, rel=1e-12)
    reach, critical = found["rmse", "b"].diff_high - (b - a), compared.contests[1].critical_value
    assert reach == pytest.approx(critical * np.std(roots[1] - roots[0]), rel=0.05)
    assert 1.96 < critical < 2.6  # of three pairs


@pytest.mark.parametrize("weight", [None, W], ids=["unweighted", "weighted"])
def test_the_difference_of_medians(weight: np.ndarray | None) -> None:
    compared = losscli.compare(["medae"], y_true=Y, models=MODELS, weight=weight)
    found = {(c.label, c.model): c for c in compared}
    rng = np.random.default_rng(0)
    drawn = rng.integers(N, size=(1000, N))
    w = np.ones(N) if weight is None else weight

    def middles(values: np.ndarray) -> np.ndarray:
        order = np.argsort(values)
        counts = np.stack([np.bincount(rows, minlength=N) for rows in drawn])
        below = np.cumsum((w * counts)[:, order], axis=1)
        return values[order][np.argmax(below >= below[:, -1:] / 2, axis=1)]

    medians = {m: middles(np.abs(MODELS[m] - Y)) for m in "abc"}
    best = next(m for m in "abc" if found["medae", m].difference == 0)
    critical = compared.contests[0].critical_value
    for model in set("abc") - {best}:
        reach = critical * np.std(np.subtract(medians[model], medians[best]))
        assert found["medae", model].diff_high - found["medae", model].difference == pytest.approx(reach, rel=0.1)


def test_equal_models_are_undecided() -> None:
    found = losscli.compare(["mse", "mae"], y_true=Y, models={"one": MODELS["a"], "two": MODELS["a"]})
    assert {(c.verdict, c.difference, c.diff_low, c.diff_high) for c in found} == {("undecided", 0.0, 0.0, 0.0)}
    assert found.agreements[0].kendall_w is None
    assert found.contests[0].critical_value is None
    assert any(note.startswith("one and two are alike under mse and mae") for note in found.notes)


def test_errors_of_the_same_size_are_alike_whatever_their_rounding() -> None:
    truth, misses = np.round(np.sin(3 * Y), 3), np.round(0.1 + 0.1 * np.sin(Y), 3)
    found = losscli.compare(["mse", "mae"], y_true=truth, models={"high": truth + misses, "low": truth - misses})
    assert {(c.verdict, c.difference, c.diff_low, c.diff_high) for c in found} == {("undecided", 0.0, 0.0, 0.0)}


def test_few_clusters_are_warned_of() -> None:
    for clusters, level in ((8, ", and fewer than 10 of them keep no level"), (12, "")):
        data = {"y_true": Y, **MODELS, "day": np.arange(N) % clusters}
        found = losscli.compare("mse", data=data, models=["a", "b"], cluster="day", resamples=99)
        assert f"the intervals of the differences are of {clusters} clusters (day){level}" in found.notes


def test_values_that_are_not_finite_are_why_there_is_no_interval() -> None:
    chances = {"a": [0.2, 0.7] * 10, "b": [0.3, 0.9] * 10, "c": [1.0, *[0.7, 0.2] * 9, 0.7]}
    for reference, verdict in ((None, "undecided"), ("c", None)):
        found = losscli.compare("bce:eps=0", y_true=[0, 1] * 10, models=chances, reference=reference)
        ranking = found.contests[0]
        assert (ranking.verdict(ranking.best), ranking.no_interval_reason) == (verdict, "where values are not finite")
        assert ranking.gaps["c"].difference is None


def test_a_note_tells_where_resamples_are_too_few_for_a_small_p() -> None:
    many = {f"m{i}": Y + np.sin(np.arange(N) * (i + 2)) for i in range(8)}
    found = losscli.compare("mse", y_true=Y, models=many, resamples=99)
    text = "so few resamples (99) of so many pairs of models cannot give a p below 0.28; resamples=560 can"
    assert text in found.notes
    assert not any("so few" in note for note in losscli.compare("mse", y_true=Y, models=many, resamples=560).notes)


def test_a_clear_winner_under_one_loss_and_another_under_the_other() -> None:
    spiked = MODELS["a"] + np.where(np.arange(N) < 12, 40.0, 0.0)
    steady = MODELS["a"] + 2.0
    found = losscli.compare(["mse", "mae"], y_true=Y, models={"spiked": spiked, "steady": steady})
    assert [c.verdict for c in found] == ["best", "worse", "undecided", "undecided"]
    assert found.agreements[0].same_winner is None
    medians = losscli.compare(["medae", "mse"], y_true=Y, models={"spiked": spiked, "steady": steady})
    assert medians.agreements[0].same_winner is False
    assert any("the losses do not agree" in text for text in medians.notes)


# ------------------------------------------------------------------------------------------------------- flips


def count_fewest(loss: Any, first: np.ndarray, second: np.ndarray, y: np.ndarray, w: np.ndarray) -> int | None:
    """Return the fewest rows without which the loss of the second is smaller, by trying all."""
    n = len(y)
    for count in range(1, n):
        for rows in combinations(range(n), count):
            kept = np.setdiff1d(np.arange(n), rows)
            if loss(second[kept] - y[kept], w[kept]) < loss(first[kept] - y[kept], w[kept]):
                return count
    return None


REDUCED = {
    "mse": lambda e, w: np.average(e**2, weights=w),
    "rmse": lambda e, w: np.sqrt(np.average(e**2, weights=w)),
    "mae": lambda e, w: np.average(np.abs(e), weights=w),
    "max_error": lambda e, w: np.abs(e).max(),
}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", REDUCED)
def test_the_fewest_rows_that_decide(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, a, b = rng.normal(size=(3, 9))
    w = rng.uniform(0.5, 2, size=9)
    found = losscli.compare([name], y_true=y, models={"a": a, "b": b}, weight=w)
    best, other = (a, b) if found[0].model == "a" else (b, a)
    assert found[0].flip == count_fewest(REDUCED[name], best, other, y, w)
    flip = found.contests[0].flip
    if flip is not None:
        kept = np.setdiff1d(np.arange(9), np.array(flip.rows) - 1)
        assert REDUCED[name](other[kept] - y[kept], w[kept]) < REDUCED[name](best[kept] - y[kept], w[kept])


def test_no_removal_helps_a_model_that_is_worse_everywhere() -> None:
    found = losscli.compare(["mse", "max_error"], y_true=Y, models={"a": Y + 1, "b": Y + 2})
    assert [(c.model, c.flip) for c in found] == [("a", None), ("b", None)] * 2


def test_deciding_rows_are_named(data: str, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("id,y_true,a,b\nu,0,1,2\nv,0,1,2\nw,0,1,2\nx,0,5,2\n")
    result = cli("compare", "--losses", "max_error", str(path), "--pred", "a", "--pred", "b", "--id", "id")
    assert "max_error: without id x a would be the best" in result.err


# --------------------------------------------------------------------------------------------------- agreement


def test_kendalls_w() -> None:
    # m = 3 judges of k = 4 items: rank sums 4, 5, 10, 11, S = 37, W = 12 * 37 / (9 * 60)
    assert kendall_w(np.array([[1.0, 2, 3, 4], [1, 2, 4, 3], [2, 1, 3, 4]])) == pytest.approx(37 * 12 / 540)
    assert kendall_w(np.array([[1.0, 2, 3], [10, 20, 30]])) == pytest.approx(1)
    assert kendall_w(np.array([[1.0, 2], [2, 1]])) == 0
    # with ties: W = chi² / (m (k - 1)), and scipy.stats.friedmanchisquare (1.17.1) gives chi² = 4.909090909090909
    assert kendall_w(np.array([[1.0, 2, 2], [1, 2, 3], [1, 3, 2]])) == pytest.approx(4.909090909090909 / 6)
    assert kendall_w(np.array([[1.0, 1], [2, 2]])) is None


# ------------------------------------------------------------------------------------------- columns of models


def test_what_outliers_do_to_fits_is_measured_where_it_is_asked_for(cli: Cli, data: str) -> None:
    words = ("compare", "--losses", "mse,mae", data, "--pred", "model_a", "--pred", "model_c")
    document = {(one["loss"], one["model"]): one for one in json.loads(cli(*words, "-f", "json").out)["losses"]}
    assert all(one[key] is not None for one in document.values() for key in ("rank", "pull", "stress", "skill"))
    header, *rows = [line.split("\t") for line in cli(*words).out.splitlines()]
    assert "pull" not in header
    for row in rows:
        cells = dict(zip(header, row, strict=True))
        one = document[cells["loss"], cells["model"]]
        assert [float(cells[key]) for key in ("inflation", "effective_n")] == [one["inflation"], one["effective_n"]]
    pulls = sorted(one["pull"] for one in document.values())
    sorted_rows = [line.split("\t")[:2] for line in cli(*words, "--sort", "pull").out.splitlines()[1:]]
    assert [document[loss, model]["pull"] for loss, model in sorted_rows] == pulls
    assert cli(*words, "--fail-if", "mse[model_a].skill>0").status == 1


def test_a_pattern_is_several_models_where_no_loss_takes_it_as_one(data: str, cli: Cli) -> None:
    by_pattern = cli("compare", "--losses", "mse", data, "--pred", "model_*")
    one_by_one = cli("compare", "--losses", "mse", data, *(w for m in "abc" for w in ("--pred", f"model_{m}")))
    assert by_pattern.out == one_by_one.out
    assert by_pattern.out.split("\n")[0].split("\t")[:4] == ["loss", "model", "value", "difference"]


def test_vectors_of_classes(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_text(
        "y_true,a_cat,a_dog,b_dog,b_cat\ncat,.9,.1,.4,.6\ndog,.2,.8,.7,.3\ncat,.8,.2,.2,.8\ndog,.1,.9,.6,.4\n"
    )
    result = cli("compare", "--losses", "cross_entropy", str(path), "--pred", "a_*", "--pred", "b_*", "-f", "json")
    values = {row["model"]: row["value"] for row in json.loads(result.out)["losses"]}
    assert values["a"] == pytest.approx(-np.log([0.9, 0.8, 0.8, 0.9]).mean())
    assert values["b"] == pytest.approx(-np.log([0.6, 0.7, 0.8, 0.6]).mean())
    one = cli("compare", "--losses", "cross_entropy", str(path), "--pred", "a_*", "-f", "json")
    assert json.loads(one.out)["losses"][0]["value"] == pytest.approx(values["a"], rel=1e-14)


def test_rows_that_one_model_lacks_are_left_out_for_all(cli: Cli) -> None:
    rows = b"y_true,a,b\n1,2,3\n1,,3\n1,4,4\n"
    refused = cli("compare", "--losses", "mse", "--pred", "a", "--pred", "b", stdin=rows)
    assert refused.status == 3
    assert "column 'a' (y_pred), row 2" in refused.err
    result = cli("compare", "--losses", "mse", "--pred", "a", "--pred", "b", "--nan", "omit", "-f", "json", stdin=rows)
    assert [(row["model"], row["n"], row["value"]) for row in json.loads(result.out)["losses"]] == [
        ("a", 2, 5.0),
        ("b", 2, 6.5),
    ]


@pytest.mark.parametrize("flags", [[], ["--leaderboard"], ["--show-outliers", "2"], ["--decompose"]])
def test_a_group_in_which_a_model_has_no_values_is_nan(flags: list[str], cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("y_true,a,b,g\n1,,2,u\n2,,3,u\n3,3,5,v\n4,6,4,v\n,3,5,w\n")
    asked = ["compare", "--losses", "mse,mae", str(path), "--pred", "a", "--pred", "b", "--nan", "propagate", *flags]
    grouped = cli(*asked, "--group-by", "g", "-f", "json")
    assert (grouped.status, grouped.err.count("a bug")) == (4, 0)
    found = {(row["group"]["g"], row["model"]): row["status"] for row in json.loads(grouped.out)["losses"]}
    assert found == {
        ("u", "a"): "nan", ("u", "b"): "ok", ("v", "a"): "ok", ("v", "b"): "ok", ("w", "a"): "nan", ("w", "b"): "nan"
    }  # fmt: skip


@pytest.mark.parametrize("rule", ["mad:3.5", "iqr:1.5", "top:1%"])
def test_rows_that_all_lack_a_value_have_no_outliers(rule: str, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("y_true,y_pred\n,1\n2,\n")
    result = cli("compare", "--losses", "mse", str(path), "--nan", "propagate", "--outliers", rule)
    assert result.status == 4
    assert f"no rank, inflation, pull, stress by {rule}: no row has all its values" in result.err
    assert cli("plot", "mse", str(path), "--nan", "propagate", "--kind", "stress").status == 4


def test_a_reference_whose_value_is_not_finite_has_no_differences() -> None:
    found = losscli.compare("mse", y_true=[1.0, 2.0], models={"a": [np.inf, 1.0], "b": [np.inf, 2.0]})
    assert [row.standing.difference for row in found] == [None, None]


def test_wrong_models_are_refused(data: str, cli: Cli) -> None:
    for words, status, message in (
        (
            ["compare", "--losses", "mse", "--pred", "model_a", "--pred", "model_a"],
            2,
            "two models are called 'model_a'",
        ),
        (["compare", "--losses", "mse", "--pred", "model_a", "--pred", "model_x"], 3, "no column 'model_x'"),
        (["compute", "mse", "--pred", "model_a", "--pred", "model_b"], 2, "compared by 'losscli compare'"),
        (["recommend", "--pred", "model_a", "--pred", "model_b"], 2, "compared by 'losscli compare'"),
    ):
        result = cli(*words, data)
        assert (result.status, result.out) == (status, "")
        assert message in result.err
    columns = {"y_true": np.array([0.0, 1]), **{n: np.full(2, 0.5) for n in ("a_x", "a_y", "b_x", "b_z")}}
    with pytest.raises(DataError, match="different classes"):
        losscli.compare(["cross_entropy"], data=columns, models=["a_*", "b_*"])


def test_each_model_is_compared_as_if_it_were_alone() -> None:
    together = compare_models(["mse", "huber"])
    for model, predicted in MODELS.items():
        for alone in losscli.compare(["mse", "huber"], y_true=Y, y_pred=predicted):
            assert together[alone.label, model].sensitivity == alone.sensitivity


def test_gates_on_models(data: str, cli: Cli) -> None:
    words = ["compare", "--losses", "mse", data, "--pred", "model_*", "-q"]
    failed = cli(*words, "--fail-if", "mse.difference>0.2")
    assert failed.status == 1
    assert failed.err.startswith("losscli: failed: mse.difference (model model_b) is ")
    assert cli(*words, "--fail-if", "mse.flip<1").status == 0


def test_outlier_rows_of_each_model(data: str, cli: Cli) -> None:
    result = cli(
        "compare", "--losses", "mse", data, "--pred", "model_*", "--outliers", "top:1%", "--show-outliers", "1"
    )
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert rows[0] == ["model", "row", "y_true", "y_pred", "residual", "share of mse"]
    assert [row[0] for row in rows[1:]] == ["model_a", "model_b", "model_c"]
    for name, row, *_ in rows[1:]:
        assert int(row) == np.argmax(np.abs(MODELS[name[-1]] - Y)) + 1


# ------------------------------------------------------------------------------------------------------ groups


def test_each_group_is_compared_as_if_it_were_alone() -> None:
    columns = {"y_true": Y, "y_pred": MODELS["a"], "site": SITE, "w": W}
    found = losscli.compare(["mse", "tukey"], data=columns, group_by=["site"], columns={"weight": "w"})
    for site in ("north", "south"):
        rows = site == SITE
        alone = losscli.compare(["mse", "tukey"], y_true=Y[rows], y_pred=MODELS["a"][rows], weight=W[rows])
        there = {c.label: c for c in found if c.result.group == {"site": site}}
        for loss in alone:
            assert there[loss.label].value == pytest.approx(loss.value, rel=1e-12)
            assert there[loss.label].rank == loss.rank
            for key in ("inflation", "pull", "stress", "effective_n", "skill"):
                assert getattr(there[loss.label], key) == pytest.approx(getattr(loss, key), rel=1e-9, abs=1e-9)
        assert there["mse"].result.n == rows.sum()
        assert there["mse"].result.summary.weight_sum == W[rows].sum()


def test_coupled_losses_of_groups_are_those_of_compute(data: str, cli: Cli) -> None:
    words = [data, "--pred", "model_a", "--group-by", "site", "-f", "value", "-q"]
    assert cli("compare", "--losses", "ghm_r", *words).out == cli("compute", "ghm_r", *words).out


def test_groups_on_the_command_line(data: str, cli: Cli) -> None:
    words = ["compare", "--losses", "mse", data, "--pred", "model_a", "--pred", "model_b", "--group-by", "site"]
    result = cli(*words, "--weight", "w")
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert rows[0][:6] == ["loss", "site", "model", "n", "weight", "value"]
    assert [row[1:3] for row in rows[1:]] == [
        ["north", "model_a"],
        ["north", "model_b"],
        ["south", "model_a"],
        ["south", "model_b"],
    ]
    assert "north: model_a is best under mse" in result.err
    document = json.loads(cli(*words, "-f", "json").out)
    assert document["losses"][0]["group"] == {"site": "north"}
    assert [ranking["group"]["site"] for ranking in document["contests"]] == ["north", "south"]
    assert len(document["outliers"]) == 4


def test_a_note_warns_of_small_groups(cli: Cli) -> None:
    rows = "y_true,y_pred,cell\n" + "".join(f"{i},{i + i % 3},{'a' if i < 40 else 'b'}\n" for i in range(45))
    result = cli("compare", "--losses", "mse", "--group-by", "cell", stdin=rows.encode())
    assert "1 group has fewer than 30 rows (the smallest, 'b', has 5)" in result.err


# --------------------------------------------------------------------------------------------------- references


def test_differences_to_a_reference_that_is_named(data: str, cli: Cli) -> None:
    by_best = compare_models(["mse", "mae"])
    found = losscli.compare(["mse", "mae"], y_true=Y, models=MODELS, reference="b")
    for row in found:
        reference = next(one for one in found if (one.label, one.model) == (row.label, "b"))
        assert row.difference == row.value - reference.value
        assert row.relative == row.difference / reference.value
        assert row.verdict == by_best[row.label, row.model].verdict
        if row is not reference:
            assert row.diff_low < row.difference < row.diff_high
            assert (row.relative_low, row.relative_high) == (
                row.diff_low / reference.value,
                row.diff_high / reference.value,
            )
    assert (reference.difference, reference.diff_low, reference.diff_high, reference.relative_high) == (0, 0, 0, 0)
    assert reference.p is None
    a = next(one for one in found if (one.label, one.model) == ("mse", "a"))
    pair = by_best["mse", "b"]  # of all three pairs, not of two
    assert -pair.diff_high < a.diff_low < a.diff_high < -pair.diff_low
    assert a.p <= pair.p
    words = ["compare", "--losses", "mse,mae", data, "--pred", "model_*", "--reference", "model_b", "-f", "json"]
    contest = json.loads(cli(*words).out)["contests"][0]
    assert (contest["best"], contest["reference"], contest["confidence_set"]) == (
        "model_a",
        "model_b",
        ["model_a", "model_c"],
    )
    assert list(contest["models"][0]) == [
        "model", "value", "difference", "diff_low", "diff_high", "relative", "relative_low", "relative_high", "p",
        "verdict",
    ]  # fmt: skip
    assert (contest["level"], contest["method"], contest["resamples"], contest["seed"]) == (
        0.95,
        "studentized",
        9999,
        0,
    )


@pytest.mark.parametrize("command", [["compare", "--losses", "mse"], ["plot", "mse"], ["report", "--losses", "mse"]])
def test_a_reference_that_is_not_there(command: list[str], data: str, cli: Cli) -> None:
    result = cli(*command, data, "--pred", "model_*", "--reference", "modela")
    assert (result.status, result.out) == (2, "")
    assert "did you mean 'model_a'? the models are model_a, model_b, model_c" in result.err
    alone = cli(*command, data, "--pred", "model_a", "--reference", "model_a")
    assert (alone.status, "is for several models, and there is only one" in alone.err) == (2, True)


def test_without_an_interval_there_is_no_verdict(data: str, cli: Cli) -> None:
    result = cli("compare", "--losses", "max_error,mse", data, "--pred", "model_*")
    rows = [line.split("\t") for line in result.out.splitlines()]
    column = rows[0].index("verdict")
    assert [row[column] for row in rows[1:4]] == [""] * 3
    assert "max_error: no verdict, as there is no interval of a difference of maxima" in result.err
    for found in (
        losscli.compare(["mse"], y_true=[1.0], models={"a": [2.0], "b": [3.0]}),
        losscli.compare(["mae"], y_true=Y, models={"a": Y + 1, "b": Y + 2}),
        losscli.compare(["ghm_r"], y_true=Y, models=MODELS),
        losscli.compare(["mae"], y_true=Y, models={"a": Y + 1, "b": np.where(np.arange(N) < 1, 3.0, Y + 1)}),
        losscli.compare(["medae"], y_true=Y[:9], models={"a": Y[:9] + 1, "b": Y[:9] ** 2}),
        losscli.compare(["medae"], y_true=np.zeros(70_000), models={"a": np.arange(70_000.0), "b": np.ones(70_000)}),
    ):
        assert {(one.verdict, one.p) for one in found} == {(None, None)}
        assert found.contests[0].no_interval_reason
        assert found.contests[0].confidence_set == ()


def test_the_release_gate(data: str, cli: Cli) -> None:
    words = [
        "compare",
        "--losses",
        "mse",
        data,
        "--pred",
        "model_a",
        "--pred",
        "model_c",
        "--reference",
        "model_a",
        "-q",
    ]
    for limit, status in (("1%", 1), ("200%", 0)):
        assert cli(*words, "--fail-if", f"mse[model_c].relative_high>{limit}").status == status


def test_columns_of_a_frame_are_in_the_order_of_the_table() -> None:
    """The first row has no p, as nothing is compared with it."""
    frame = losscli.compare("mae", y_true=[1.0, 2, 3], models={"a": [1.0, 2, 4], "b": [2.0, 2, 5]}).to_frame()
    assert [name for name in frame if name in MODEL_COLUMNS] == [*MODEL_COLUMNS]


def test_notes_on_models_of_long_names_fit_two_lines(cli: Cli) -> None:
    """Models of runs have long names that differ at the end; losses that disagree name many of them."""
    rng, n = np.random.default_rng(3), 60
    y = rng.normal(size=n).round(3)
    names = [f"2024-11-1{i}_resnet50_lr0.001_batch256_seed{i}" for i in range(4)]
    columns = {name: (y + rng.normal(size=n)).round(3) for name in names}
    site = np.repeat(["hospital_of_saint_mary_in_the_north", "b"], n // 2)
    rows = zip(site, y, *columns.values(), strict=True)
    Path("long.csv").write_text("\n".join(",".join(map(str, row)) for row in [("site", "y_true", *columns), *rows]))
    command = ["compare", "long.csv", "--losses", "mse,mae,quantile:tau=0.9,max_error,huber:delta=0.5"]
    command += [part for name in names for part in ("--pred", name)] + ["--resamples", "99", "-f", "csv"]
    for more in ([], ["--group-by", "site"], ["--decompose"]):
        done = cli(*command, *more)
        assert done.status == 0
        assert max(map(len, done.err.splitlines())) <= 160
        assert "…" in done.err
