"""Bootstrap intervals against NumPy, SciPy's definitions and simulation."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.errors import UsageError
from losscli.statistics import ratios
from losscli.statistics.bootstrap import draws
from losscli.statistics.bootstrap.accumulator import Bootstrap, CountedRows, Estimand, draw_completed_blocks
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD, ROWS_PER_DRAW
from losscli.statistics.bootstrap.intervals import intervals
from losscli.statistics.bootstrap.options import ConfidenceInterval, Resampling, parse_resampling
from losscli.statistics.quantiles import quantile
from losscli.statistics.ratios import paired
from tests.conftest import Cli
from tests.registry_cases import draw, settings

RNG = np.random.default_rng(5)
LOSSES = RNG.lognormal(0, 1, size=120)
OTHERS = LOSSES + RNG.normal(0.1, 0.5, size=120)
WEIGHTS = RNG.uniform(0.2, 3, size=120)
DIVISORS = RNG.uniform(0.5, 2, size=120)


def ends(ci: ConfidenceInterval) -> tuple[float, float]:
    assert ci.low is not None
    assert ci.high is not None
    return ci.low, ci.high


# ---------------------------------------------------------------------------------------------------- oracles


def resampled(n: int, resamples: int, seed: int) -> np.ndarray:
    """Which rows each resample has (resamples, n), from the counts that losscli draws."""
    drawn = draws.over_resamples(draws.multinomial(n, seed), n, resamples, lambda counts: counts)
    return np.stack([np.repeat(np.arange(n), counts) for counts in drawn])


def poisson_counts(n: int, resamples: int, seed: int) -> np.ndarray:
    """How often each row is drawn in each Poisson resample (resamples, n)."""
    blocks = [draws.poisson(block, seed) for block in range(-(-n // ROWS_PER_DRAW))]
    counts = [draws.over_resamples(block, ROWS_PER_DRAW, resamples, lambda drawn: drawn) for block in blocks]
    return np.concatenate(counts, axis=1)[:, :n].astype(float)


def mean_of(x: np.ndarray, w: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Ratio means of rows (..., n)."""
    return (w * x).sum(axis=-1) / (w * d).sum(axis=-1)


def oracle_percentile(x, w, d, rows, level):
    means = mean_of(x[rows], w[rows], d[rows])
    return tuple(np.quantile(means, [(1 - level) / 2, (1 + level) / 2]))


def oracle_bca(x, w, d, rows, level):
    """As in scipy.stats.bootstrap: bias from the share below the estimate, acceleration by leaving each row out."""
    normal, n = NormalDist(), len(x)
    means = mean_of(x[rows], w[rows], d[rows])
    estimate = mean_of(x, w, d)
    bias = normal.inv_cdf(((means < estimate).mean() + (means <= estimate).mean()) / 2)
    without = np.array([mean_of(*(np.delete(each, i) for each in (x, w, d))) for i in range(n)])
    gaps = without.mean() - without
    acceleration = (gaps**3).sum() / (6 * (gaps**2).sum() ** 1.5)
    z = [bias + normal.inv_cdf(tail) for tail in ((1 - level) / 2, (1 + level) / 2)]
    return tuple(np.quantile(means, [normal.cdf(bias + each / (1 - acceleration * each)) for each in z]))


def oracle_studentized(x, w, d, rows, level):
    def error(x, w, d, mean):
        u = w * (x - np.asarray(mean)[..., None] * d)
        return np.sqrt((u**2).sum(axis=-1)) / (w * d).sum(axis=-1)

    means = mean_of(x[rows], w[rows], d[rows])
    estimate = mean_of(x, w, d)
    t = (means - estimate) / error(x[rows], w[rows], d[rows], means)
    low, high = np.quantile(t, [(1 - level) / 2, (1 + level) / 2])
    own = error(x, w, d, estimate)
    return estimate - high * own, estimate - low * own


ORACLES = {"percentile": oracle_percentile, "bca": oracle_bca, "studentized": oracle_studentized}
ONES = np.ones(120)


# ------------------------------------------------------------------------------------------------ paired rows


@pytest.mark.parametrize("divisor", [None, DIVISORS], ids=["", "divisor"])
@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("method", ORACLES)
def test_paired_intervals_are_those_of_their_definition(method, level, weight, divisor) -> None:
    asked = Resampling(level, 999, seed=3, method=method)
    differences = np.stack([OTHERS - LOSSES, LOSSES], axis=1)
    found = paired(differences, weight, asked, divisor)
    rows = resampled(120, 999, 3)
    w, d = (ONES if each is None else each for each in (weight, divisor))
    for ci, x in zip(found, differences.T, strict=True):
        assert ends(ci) == pytest.approx(ORACLES[method](x, w, d, rows, level), rel=1e-9, abs=1e-12)
        assert (ci.level, ci.method, ci.resamples, ci.seed, ci.why) == (level, method, 999, 3, "")


def test_a_pair_does_not_depend_on_those_beside_it() -> None:
    asked = Resampling(0.95, 999)
    columns = np.stack([LOSSES, OTHERS, OTHERS - LOSSES], axis=1)
    together = paired(columns, WEIGHTS, asked)
    assert together == [paired(column[:, None], WEIGHTS, asked)[0] for column in columns.T]


def test_pairs_without_an_interval_say_why() -> None:
    columns = np.stack([OTHERS - LOSSES, np.where(LOSSES > 3, math.inf, 0), np.full(120, 2.0)], axis=1)
    fine, infinite, alike = paired(columns, None, Resampling(0.95, 999))
    assert fine == paired(columns[:, :1], None, Resampling(0.95, 999))[0]
    assert (infinite.low, infinite.high, infinite.method) == (None, None, None)
    assert infinite.why == f"no interval: {ratios.NOT_FINITE}"
    assert alike.why == f"no interval: {ratios.NO_SPREAD}"
    assert paired(columns[:1], None, Resampling(0.95))[0].why == f"no interval: {ratios.ONE_ROW}"


def test_pairing_narrows_the_interval() -> None:
    """Two models that mostly fail on the same rows."""
    both = RNG.lognormal(0, 2, size=500)
    better = both + RNG.normal(0.2, 0.5, size=500)
    difference, one = paired(np.stack([better - both, both], axis=1), None, Resampling(0.95, 999))
    low, high = ends(difference)
    assert low > 0
    assert high - low < 0.2 * (ends(one)[1] - ends(one)[0])


@pytest.mark.parametrize("weight", [None, np.resize(WEIGHTS, MAX_ROWS_HELD + 500)], ids=["", "weighted"])
def test_many_pairs_are_those_of_a_poisson_bootstrap(weight) -> None:
    n, resamples = MAX_ROWS_HELD + 500, 99
    columns = np.random.default_rng(8).lognormal(size=(n, 2))
    found = paired(columns, weight, Resampling(0.9, resamples, seed=4))
    counts = poisson_counts(n, resamples, seed=4)
    w = np.ones(n) if weight is None else weight
    means = (counts @ (w[:, None] * columns)) / (counts @ w)[:, None]
    for ci, replicates in zip(found, means.T, strict=True):
        assert ends(ci) == pytest.approx(np.quantile(replicates, [0.05, 0.95]), rel=1e-12)
        assert (ci.method, ci.resamples, ci.why) == ("poisson", resamples, "")


# ---------------------------------------------------------------------------------------------------- drawing


def test_poisson_counts_have_mean_and_variance_one() -> None:
    counts = np.frombuffer(draws.POISSON_COUNTS, dtype=np.uint8).astype(float)
    assert (len(counts), counts.mean(), counts.var()) == (256, 1.0, 1.0)
    shares = np.bincount(counts.astype(int)) / 256
    expected = [math.exp(-1) / math.factorial(k) for k in range(len(shares))]
    assert np.abs(shares - expected).max() < 0.005


def test_resamples_draw_each_row_alike() -> None:
    counts = draws.over_resamples(draws.multinomial(50, 1), 50, 20_000, lambda drawn: drawn)
    assert (counts.sum(axis=1) == 50).all()
    assert np.abs(counts.mean(axis=0) - 1).max() < 5 * math.sqrt(0.98 / 20_000)
    assert np.cov(counts[:, 0], counts[:, 1])[0, 1] == pytest.approx(-1 / 50, abs=0.02)


def test_more_resamples_begin_with_the_fewer() -> None:
    few, many = (draws.sums(draws.multinomial(120, 1), LOSSES[:, None], count) for count in (5000, 9999))
    np.testing.assert_array_equal(few[:2000], many[:2000])


def test_sums_do_not_depend_on_their_order() -> None:
    """They are those of math.fsum, to the last bits, though terms cancel."""
    scale = 2.0**1000
    columns = np.stack([LOSSES * scale, np.where(np.arange(120) % 2, 1, -1) * LOSSES + 1e-9, ONES], axis=1)
    counts = draws.over_resamples(draws.multinomial(120, 2), 120, 40, lambda drawn: drawn)
    found = draws.sums(draws.multinomial(120, 2), columns, 40)
    for drawn, sums in zip(counts, found, strict=True):
        for column, total in zip(columns.T, sums, strict=True):
            unit = scale if column[0] == columns[0, 0] else 1.0
            exact = math.fsum(np.repeat(column / unit, drawn))
            assert total / unit == pytest.approx(exact, rel=2e-16, abs=1e-18)


def test_poisson_is_efron_on_many_rows() -> None:
    """The two bootstraps differ by how random their ends are: 6 % of the width's half with 2000 resamples."""
    x = np.random.default_rng(3).exponential(size=20_000)[:, None]
    efron, poisson = (
        ends(paired(x, None, Resampling(0.95, 2000, method=method))[0]) for method in ("percentile", "poisson")
    )
    half = 1.96 * x.std() / math.sqrt(len(x))
    assert np.abs(np.subtract(efron, poisson)).max() < 0.2 * half
    for low, high in (efron, poisson):
        assert (low, high) == pytest.approx((x.mean() - half, x.mean() + half), abs=0.2 * half)


# ------------------------------------------------------------------------------------- intervals of a loss


TRUE = RNG.normal(size=120)
PRED = TRUE + RNG.standard_t(4, size=120)
SQUARES, ABSOLUTE = (PRED - TRUE) ** 2, np.abs(PRED - TRUE)


def interval_of(loss: str, **options: Any) -> ConfidenceInterval:
    data = {"y_true": TRUE, "y_pred": PRED} if "data" not in options else {}
    ci = losscli.compute(loss, **data, **{"ci": 0.95, "resamples": 999, "seed": 2, **options}).ci
    assert ci is not None
    return ci


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("method", ORACLES)
def test_intervals_of_losses_and_their_reductions(method: str, weight: np.ndarray | None) -> None:
    rows, w = resampled(120, 999, 2), ONES if weight is None else weight
    options = {"ci_method": method} | ({} if weight is None else {"weight": weight})
    low, high = ORACLES[method](SQUARES, w, ONES, rows, 0.95)
    assert ends(interval_of("mse", **options)) == pytest.approx((low, high), rel=1e-9)
    assert ends(interval_of("rmse", **options)) == pytest.approx((math.sqrt(low), math.sqrt(high)), rel=1e-9)
    low, high = ORACLES[method](w * SQUARES, ONES, ONES, rows, 0.95)
    assert ends(interval_of("mse", reduction="sum", **options)) == pytest.approx((120 * low, 120 * high), rel=1e-9)


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("loss", ["medae", "mae"])
def test_intervals_of_medians_are_percentiles_of_medians(loss: str, weight: np.ndarray | None) -> None:
    rows = resampled(120, 999, 2)
    w = ONES if weight is None else weight
    if weight is None:
        medians = np.median(ABSOLUTE[rows], axis=1)
    else:
        medians = np.array([quantile(ABSOLUTE[each], w[each], 0.5) for each in rows])
    options = {} if weight is None else {"weight": weight}
    found = interval_of(loss, **options, **({} if loss == "medae" else {"reduction": "median"}))
    assert ends(found) == pytest.approx(np.quantile(medians, [0.025, 0.975]), rel=1e-12)
    assert found.method == "percentile"
    assert "jackknife" in interval_of(loss, ci_method="bca", reduction="median").why


def test_the_median_of_all_elements_is_resampled_by_rows() -> None:
    truth, guess = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 3))
    rows = resampled(40, 999, 2)
    medians = np.median(np.abs(truth - guess)[rows].reshape(999, -1), axis=1)
    found = interval_of("medae", data={"y_true": truth, "y_pred": guess}, columns={})
    assert ends(found) == pytest.approx(np.quantile(medians, [0.025, 0.975]), rel=1e-12)


def test_class_weights_are_in_the_divisor() -> None:
    probabilities, labels = RNG.dirichlet(np.ones(3), 120), RNG.integers(0, 3, 120)
    weights = np.array([1.0, 2.0, 5.0])
    rows = resampled(120, 999, 2)
    losses = -np.log(probabilities[np.arange(120), labels]) * weights[labels]
    expected = oracle_bca(losses, ONES, weights[labels], rows, 0.95)
    result = losscli.compute(
        "sparse_cross_entropy", y_true=labels, y_pred=probabilities, class_weight=tuple(weights.tolist()), ci=0.95,
        resamples=999, seed=2, ci_method="bca",
    )  # fmt: skip
    assert result.value == pytest.approx(losses.sum() / weights[labels].sum(), rel=1e-12)
    assert ends(result.ci) == pytest.approx(expected, rel=1e-9)


def test_intervals_by_group_are_those_of_each_group_alone() -> None:
    names = np.array(["a", "b"])[RNG.integers(0, 2, 120)]
    data = {"y_true": TRUE, "y_pred": PRED, "g": names}
    found = losscli.compute("mse", data, group_by=["g"], ci=0.9, resamples=499)
    for result in found:
        kept = names == result.group["g"]
        alone = losscli.compute("mse", y_true=TRUE[kept], y_pred=PRED[kept], ci=0.9, resamples=499)
        assert result.ci == alone.ci


def test_rows_of_weight_zero_and_ignored_rows_are_not_drawn() -> None:
    weight = np.where(np.arange(120) % 3, 1.0, 0.0)
    kept = weight > 0
    data = {"y_true": TRUE[kept], "y_pred": PRED[kept]}
    assert ends(interval_of("mse", weight=weight)) == ends(interval_of("mse", data=data))


def test_the_interval_moves_with_the_penalty() -> None:
    plain, charged = (interval_of("mse", **more) for more in ({}, {"penalty": "l1:lambda=2", "parameters": [1.5, -1]}))
    assert ends(charged) == pytest.approx(np.add(ends(plain), 5), rel=1e-12)


@pytest.mark.parametrize(("n", "resamples"), [(10_000, 9999), (10_001, 1000)])
def test_how_often_rows_are_resampled_by_default(n: int, resamples: int) -> None:
    assert Resampling(0.95).n_resamples_in_memory(n) == resamples
    assert Resampling(0.95, 77).n_resamples_in_memory(n) == 77
    assert Resampling(0.999).n_resamples_in_memory(n) == max(resamples, 1999)


# --------------------------------------------------------------------------------- the same digits, however


def summed(resampling: Resampling, parts: Sequence[np.ndarray], limit: int, estimand: str) -> Bootstrap:
    """A bootstrap of weighted squares that got its rows in parts, and settled after each."""
    n = parts[-1][-1]
    values, weights = np.random.default_rng(4).lognormal(size=(2, n))
    bootstrap = Bootstrap(resampling, Estimand(estimand), limit=limit)
    for rows in parts:
        bootstrap.add(CountedRows(rows, values[rows - 1], weights[rows - 1], None))
        draw_completed_blocks([bootstrap], before=float(rows[-1]))
    return bootstrap


@pytest.mark.parametrize("estimand", Estimand)
@pytest.mark.parametrize("limit", [20_000, 3000], ids=["held", "streamed"])
def test_batches_and_threads_change_no_digit(limit: int, estimand: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Resampling(0.95, 99, seed=1)
    rows = np.arange(1, 13_001)
    whole = intervals([summed(asked, [rows], limit, estimand)])
    for size, threads in ((1000, 1), (5001, 3), (12_999, 8)):
        monkeypatch.setattr("os.cpu_count", lambda threads=threads: threads)
        parts = np.split(rows, range(size, 13_000, size))
        assert intervals([summed(asked, parts, limit, estimand)]) == whole
    if estimand != Estimand.MAX:
        streamed = limit < 13_000
        assert (whole[0].method == "poisson") == streamed
        assert whole[0].low < whole[0].high


@pytest.mark.parametrize("settled", [False, True], ids=["", "settled"])
@pytest.mark.parametrize("estimand", ["mean", "median"])
@pytest.mark.parametrize("limit", [20_000, 9000, 3000], ids=["held", "streamed at last", "streamed"])
def test_bootstraps_of_parts_merge(limit: int, estimand: str, settled: bool) -> None:
    """Parts may end within a block, and may be drawn before or after they are merged."""
    asked = Resampling(0.95, 99, seed=1)
    rows = np.arange(1, 13_001)
    halves = rows[:7000], rows[7000:]
    values, weights = np.random.default_rng(4).lognormal(size=(2, 13_000))
    merged = [Bootstrap(asked, Estimand(estimand), limit=limit) for _ in halves]
    for bootstrap, half in zip(merged, halves, strict=True):
        bootstrap.add(CountedRows(half, values[half - 1], weights[half - 1], None))
        draw_completed_blocks([bootstrap] if settled else [])
    merged[1].merge(merged[0])
    assert ends(intervals([merged[1]])[0]) == pytest.approx(
        ends(intervals([summed(asked, [rows], limit, estimand)])[0]), rel=1e-13
    )


def test_a_seed_gives_the_same_digits_for_any_batch_size(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    n = MAX_ROWS_HELD + 3000
    truth, guess = np.random.default_rng(1).normal(size=(2, n))
    np.save("big.npy", np.stack([truth, guess], axis=1))
    command = ("compute", "mse,rmse", "big.npy", "--ci", "0.9", "--resamples", "99", "-f", "tsv")
    first = cli(*command)
    assert "90 % intervals: poisson bootstrap, 99 resamples, seed 0" in first.err
    monkeypatch.setattr("losscli.data.batch.ROWS_PER_BATCH", 10_007)
    ends_of_both = [[line.split("\t")[3:5] for line in text.splitlines()] for text in (first.out, cli(*command).out)]
    assert ends_of_both[0] == ends_of_both[1]
    other = cli(*command, "--seed", "1").out
    assert [line.split("\t")[3:5] for line in other.splitlines()][1:] != ends_of_both[0][1:]


def test_a_power_of_two_scales_the_ends_exactly() -> None:
    one = interval_of("mse")
    other = interval_of("mse", data={"y_true": TRUE * 4, "y_pred": PRED * 4})
    assert ends(other) == (16 * one.low, 16 * one.high)


def test_huge_losses_have_an_interval() -> None:
    low, high = ends(interval_of("mae", data={"y_true": TRUE, "y_pred": PRED * 1e305}))
    assert 0 < low < high < math.inf


# ------------------------------------------------------------------------------------- where there is none


@pytest.mark.parametrize(
    ("loss", "data", "why"),
    [
        ("ghm_r", {"y_true": TRUE, "y_pred": PRED}, "its rows are coupled"),
        ("info_nce", {"anchor": RNG.normal(size=(9, 4)), "positive": RNG.normal(size=(9, 4))}, "its rows are coupled"),
        ("max_error", {"y_true": TRUE, "y_pred": PRED}, "the largest loss has no bootstrap interval"),
        ("mse", {"y_true": [1.0], "y_pred": [2.0]}, "there is only 1 row"),
        ("mse", {"y_true": [1.0, 2.0], "y_pred": [2.0, math.inf]}, "the value is not a finite number"),
        ("mse", {"y_true": TRUE, "y_pred": TRUE}, "all resamples give the same value"),
        ("medae", {"y_true": TRUE, "y_pred": TRUE + 1}, "all resamples give the same value"),
    ],
)
def test_no_interval_and_why(loss: str, data: dict[str, Any], why: str) -> None:
    ci = interval_of(loss, data=data)
    assert (ci.low, ci.high, ci.method) == (None, None, None)
    assert ci.why.startswith(f"no interval: {why}")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*(no other row|lower end is above|quantiles cross):UserWarning")  # all is drawn
@pytest.mark.filterwarnings("ignore:.*(left out of the mean|in row order|all rows are one query):UserWarning")
def test_every_loss_has_an_interval_around_its_value_or_says_why_not() -> None:
    rng = np.random.default_rng(0)
    for bound, form in settings():
        result = losscli.compute([losscli.LossFunction(bound)], **draw(bound, form, rng), ci=0.95, resamples=99)[0]
        ci = result.ci
        assert (ci.low is None) == ci.why.startswith("no interval: "), bound.label
        none = form.couples(bound.params) or bound.loss.reduction == "max" or result.summary.std == 0
        assert bound.loss.dataset_wide or none == (ci.low is None), bound.label
        assert ci.low is None or ci.low <= result.value <= ci.high, bound.label


def test_a_median_of_losses_some_of_which_are_infinite_has_no_interval() -> None:
    data = {"y_true": [1.0, 2.0, 3.0], "y_pred": [2.0, math.inf, 4.0]}
    assert "not all values are finite" in interval_of("mae", data=data, reduction="median").why


def test_a_value_that_overflows_has_no_interval() -> None:
    ci = interval_of("mse", data={"y_true": [0.0, 0.0, 0.0], "y_pred": [1e154, 1e154, 0.0]})
    assert ci.why == "no interval: the value is not a finite number"


def test_missing_values_that_are_kept_leave_no_interval() -> None:
    ci = interval_of("mse", data={"y_true": [1.0, math.nan, 3.0], "y_pred": [1.0, 2.0, 2.0]}, nan="propagate")
    assert "the value is not a finite number" in ci.why


def test_few_rows_leave_the_studentized_interval_open() -> None:
    ci = interval_of("mse", data={"y_true": [1.0, 2.0, 3.0], "y_pred": [1.5, 2.1, 4.0]})
    assert ci.method == "bca"
    assert ci.why == (
        "bca interval: resamples without any spread leave the studentized one open; with fewer than 10 rows no "
        "interval keeps its level"
    )


# --------------------------------------------------------------------------------------- the command line


def table(cli: Cli, rows: int = 120) -> str:
    lines = [f"{a},{b},{'xy'[i % 2]}" for i, (a, b) in enumerate(zip(TRUE, PRED, strict=True))]
    Path("d.csv").write_text("\n".join(["y_true,y_pred,g", *lines[:rows]]) + "\n")
    return "d.csv"


def test_columns_of_intervals(cli: Cli) -> None:
    path = table(cli)
    expected = losscli.compute("mse", path, ci=0.95).ci
    tsv = cli("compute", "mse,ghm_r", path, "--ci", "0.95")
    header, first, second = (line.split("\t") for line in tsv.out.splitlines())
    assert header[:5] == ["loss", "n", "value", "ci_low", "ci_high"]
    assert first[3:5] == [repr(expected.low), repr(expected.high)]
    assert second[3:5] == ["", ""]
    assert "95 % intervals: studentized bootstrap, 9999 resamples, seed 0" in tsv.err
    assert "note: ghm_r: no interval: its rows are coupled" in tsv.err
    assert cli("compute", "mse", path, "--ci", "0.95", "-f", "csv").out.startswith("loss,n,value,ci_low,ci_high,")
    losses = json.loads(cli("compute", "mse,ghm_r", path, "--ci", "0.95", "-f", "json").out)["losses"]
    known = {"low": expected.low, "high": expected.high, "level": 0.95, "method": "studentized", "resamples": 9999}
    assert losses[0]["ci"] | known == losses[0]["ci"]
    assert set(losses[0]["ci"]) == {*known, "seed", "warning", "effective_n"}
    assert "why" not in losses[0]["ci"]
    assert (losses[1]["ci"]["low"], losses[1]["ci"]["method"]) == (None, None)
    record = json.loads(cli("compute", "mse", path, "--ci", "0.95", "-f", "jsonl").out)
    assert (record["ci_low"], record["ci_high"]) == ends(expected)
    assert "ci_low" in cli("compute", "mse", path, "--ci", "0.95", "-f", "table").out
    assert "ci_low" not in cli("compute", "mse", path).out


def test_intervals_of_compare(cli: Cli) -> None:
    path = table(cli)
    expected = losscli.compute("mae", path, ci=0.9, resamples=199).ci
    command = ("compare", "--losses", "mse,mae", path, "--ci", "0.9", "--resamples", "199")
    header, *rows = (line.split("\t") for line in cli(*command).out.splitlines())
    assert header[:5] == ["loss", "rank", "value", "ci_low", "ci_high"]
    assert next(row[3:5] for row in rows if row[0] == "mae") == [repr(expected.low), repr(expected.high)]
    document = json.loads(cli(*command, "-f", "json").out)
    assert {loss["ci"]["method"] for loss in document["losses"]} == {"studentized"}
    assert "ci_low: lower end of the value's 90 % interval" in cli(*command, "-f", "table").out
    assert cli(*command, "--sort", "-ci_high").out.splitlines()[1].startswith("mse")
    refused = cli("compare", "--losses", "mse,mae", path, "--sort", "ci_high")
    assert (refused.status, "there is no interval; --ci 0.95" in refused.err) == (2, True)
    frame = losscli.compare(["mse", "mae"], path, ci=0.9, resamples=199).to_frame()
    assert tuple(frame.loc["mae", ["ci_low", "ci_high"]]) == ends(expected)


def test_gates_of_intervals(cli: Cli) -> None:
    path = table(cli)
    low, high = ends(losscli.compute("mse", path, ci=0.95).ci)
    between = (low + high) / 2
    failed = cli("compute", "mse", path, "--ci", "0.95", "--fail-if", f"mse.ci_high>{between}")
    assert (failed.status, "failed: mse.ci_high is" in failed.err) == (1, True)
    assert cli("compute", "mse", path, "--ci", "0.95", "--fail-if", f"mse.ci_low>{between}").status == 0
    assert cli("compare", "--losses", "mse", path, "--ci", "0.95", "--fail-if", f"mse.ci_low<{between}").status == 1
    untold = cli("compute", "ghm_r", path, "--ci", "0.95", "--fail-if", "ghm_r.ci_low<1")
    assert (untold.status, "ghm_r.ci_low has no value on this data" in untold.err) == (1, True)
    refused = cli("compute", "mse", path, "--fail-if", "mse.ci_low<1")
    assert (refused.status, refused.out) == (2, "")
    assert refused.err == "losscli: error: --fail-if 'mse.ci_low<1': there is no interval; --ci 0.95 asks for one\n"


def test_notes_of_groups_are_few(cli: Cli) -> None:
    rows = "".join(f"{i},{i + 1},g{i // 2}\n" for i in range(20))
    Path("d.csv").write_text("y_true,y_pred,g\n" + rows)
    notes = cli("compute", "mse", "d.csv", "--ci", "0.9", "--group-by", "g").err.splitlines()
    assert [line for line in notes if "no interval" in line] == [
        "losscli: note: mse (g g0), mse (g g1), mse (g g2), and 7 more: no interval: all resamples give the same "
        "value: equal rows say nothing of the spread"
    ]


BAD = [
    (["--ci", "95"], "--ci 95: a level is a number above 0 and below 1; 95 % is 0.95"),
    (["--ci", "95%"], "--ci 95%: a level is a number above 0 and below 1, as 0.95"),
    (["--ci", "0"], "--ci 0: a level is a number above 0 and below 1, as 0.95"),
    (["--ci", "nan"], "--ci nan: a level is a number above 0 and below 1, as 0.95"),
    (["--ci", "0.9999999"], "--ci 0.9999999: is too near to 1: it needs more than 1000000 resamples, the limit; "
     "0.999 needs fewer"),
    (["--ci", "0.95", "--resamples", "38"], "--resamples 38: must be a whole number from 39 to 1000000 for a level "
     "of 0.95"),
    (["--ci", "0.9", "--resamples", "99.5"], "--resamples 99.5: must be a whole number from 19 to 1000000 for a level "
     "of 0.9"),
    (["--ci", "0.9", "--resamples", "many"], "--resamples many: must be a whole number from 19 to 1000000 for a level "
     "of 0.9"),
    (["--ci", "0.9", "--seed", "-1"], "--seed -1: must be a whole number from 0 to 18446744073709551615"),
    (["--ci", "0.9", "--ci-method", "normal"], "--ci-method normal: must be one of auto, studentized, bca, percentile, "
     "poisson"),
    (["--seed", "1"], "--seed: needs an interval; --ci 0.95 asks for one"),
    (["--resamples", "99"], "--resamples: needs an interval; --ci 0.95 asks for one"),
    (["--ci", "0.9", "--top", "3"], "--ci 0.9: an interval needs a reduced value: per-sample losses have none"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), BAD, ids=[" ".join(options) for options, _ in BAD])
def test_refused_options(options: list[str], message: str, cli: Cli) -> None:
    result = cli("compute", "mse", table(cli), *options)
    assert (result.status, result.out, result.err) == (2, "", f"losscli: error: {message}\n")


def test_refused_options_of_the_api() -> None:
    with pytest.raises(UsageError, match="a level is a number"):
        losscli.compute("mse", y_true=TRUE, y_pred=PRED, ci=True)
    with pytest.raises(UsageError, match="needs an interval"):
        losscli.compute("mse", y_true=TRUE, y_pred=PRED, seed=1)
    assert parse_resampling(None) is None
    assert parse_resampling(np.float64(0.5), np.int64(99), 2.0) == Resampling(0.5, 99, 2)


# ---------------------------------------------------------------------------------------------- simulations


SIMULATED = {
    "normal": (lambda rng, size: rng.normal(size=size), 0.0),
    "t3": (lambda rng, size: rng.standard_t(3, size=size), 0.0),
    "lognormal": (lambda rng, size: rng.lognormal(size=size), math.exp(0.5)),
}
AT_ONCE = 25


@pytest.mark.slow
@pytest.mark.parametrize("name", SIMULATED)
def test_coverage_of_the_default(name: str) -> None:
    """Of 95 % intervals of means of 200 losses, 93 to 97 % hold the mean; the standard error is 0.25 %."""
    sample, mean = SIMULATED[name]
    rng, held, samples = np.random.default_rng(1), 0, 8000
    for seed in range(samples // AT_ONCE):
        found = paired(sample(rng, (200, AT_ONCE)), None, Resampling(0.95, 999, seed))
        held += sum(low <= mean <= high for low, high in map(ends, found))
    assert 0.93 <= held / samples <= 0.97


@pytest.mark.slow
def test_coverage_of_medians() -> None:
    rng, held, samples = np.random.default_rng(1), 0, 1000
    for seed in range(samples):
        ci = losscli.compute("medae", y_true=np.zeros(200), y_pred=rng.normal(size=200), ci=0.95, resamples=399,
                             seed=seed).ci  # fmt: skip
        held += ci.low <= NormalDist().inv_cdf(0.75) <= ci.high
    assert 0.93 <= held / samples <= 0.97


def test_medians_of_infinite_losses_of_models_give_no_warning() -> None:
    data = {"y_true": [np.inf, 1, np.inf, 2, 3, np.inf], "a": [1.0, 2, 3, 3, 4, 4], "b": [2.0, 4, 1, 3, 7, 3]}
    found = losscli.compare("medae", data=data, models=("a", "b"))
    assert len(found.to_frame()) == 2


@pytest.mark.parametrize("name", ["wape", "rmae", "wql:taus=0.5"])
@pytest.mark.parametrize("method", ["auto", "studentized", "bca"])
def test_one_row_that_carries_the_divisor_leaves_no_interval(name: str, method: Any) -> None:
    more = {"baseline": [3, 4, 5, 6]} if name == "rmae" else {}
    found = losscli.compute(name, y_true=[1, 2, 1e17, 3], y_pred=[1, 2.5, 4, 4], ci=0.9, ci_method=method, **more)
    assert found.ci is not None
    assert (found.ci.low, found.ci.high) == (None, None)
    assert found.ci.why == "no interval: without one of the rows there is next to nothing to divide by"
