"""Bootstrap intervals against NumPy, SciPy's definitions and simulation."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from losscli.statistics import draws, ratios
from losscli.statistics.draws import BLOCK, LIMIT
from losscli.statistics.ratios import paired
from losscli.statistics.resampling import ConfidenceInterval, Resampling

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
    blocks = [draws.poisson(block, seed) for block in range(-(-n // BLOCK))]
    counts = [draws.over_resamples(block, BLOCK, resamples, lambda drawn: drawn) for block in blocks]
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
    assert infinite.why == f"no interval: {ratios.INFINITE}"
    assert alike.why == f"no interval: {ratios.ALIKE}"
    assert paired(columns[:1], None, Resampling(0.95))[0].why == f"no interval: {ratios.ONE}"


def test_pairing_narrows_the_interval() -> None:
    """Two models that mostly fail on the same rows."""
    both = RNG.lognormal(0, 2, size=500)
    better = both + RNG.normal(0.2, 0.5, size=500)
    difference, one = paired(np.stack([better - both, both], axis=1), None, Resampling(0.95, 999))
    low, high = ends(difference)
    assert low > 0
    assert high - low < 0.2 * (ends(one)[1] - ends(one)[0])


@pytest.mark.parametrize("weight", [None, np.resize(WEIGHTS, LIMIT + 500)], ids=["", "weighted"])
def test_many_pairs_are_those_of_a_poisson_bootstrap(weight) -> None:
    n, resamples = LIMIT + 500, 99
    columns = np.random.default_rng(8).lognormal(size=(n, 2))
    found = paired(columns, weight, Resampling(0.9, resamples, seed=4))
    counts = poisson_counts(n, resamples, seed=4)
    w = np.ones(n) if weight is None else weight
    means = (counts @ (w[:, None] * columns)) / (counts @ w)[:, None]
    for ci, replicates in zip(found, means.T, strict=True):
        assert ends(ci) == pytest.approx(np.quantile(replicates, [0.05, 0.95]), rel=1e-12)
        assert (ci.method, ci.resamples, ci.why) == ("poisson", resamples, "")
