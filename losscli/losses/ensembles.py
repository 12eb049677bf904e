"""Scores of ensembles: forecasts that are several members, each of which could come true."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import numpy as np

from losscli.declaration.checks import Refusal
from losscli.declaration.domains import Array, Boolean, Ensemble, Number, Score, VectorEnsemble, VectorOutcome
from losscli.declaration.domains.arrays import Numbers
from losscli.declaration.domains.intervals import POSITIVE, UNIT
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.losses._numerics import residual
from losscli.losses._references import GNEITING_RAFTERY

Scale = Annotated[Array, Numbers(("N",), POSITIVE)]
DegreesOfFreedomLost = Annotated[int, Number(UNIT, integer=True)]

LARGEST_TO_SQUARE, SMALLEST_TO_SQUARE = 1e150, 1e-140
"""Distances whose squares neither overflow nor lose digits."""

MEMBERS = {
    "x": "the members, y_pred",
    "i": "a member",
    "j": "any member",
    "ij": "any two members",
    "y": "y_true",
    "M": "the number of members",
    "mu": "y_pred, or the mean of the members",
    "v": "scale², or the variance of the members, sum_i (x_i - mu)² / (M - ddof)",
}

ensemble_loss = partial(
    loss,
    family="ensembles",
    unit="y",
    symbols=MEMBERS,
    properties=Property.BOUNDED_GRADIENT,
    elicits="the whole distribution",
)

FERRO = "Ferro 2014, doi:10.1002/qj.2270"
FRICKER = "Fricker, Ferro & Stephenson 2013, doi:10.1002/met.1409"


# ---------------------------------------------------------------------------------------------------------- CRPS


def shares_of_ranks(members: int, fair: bool) -> Array:
    """Return the weights of the distances |x_i - y|.

    Members below the outcome are ranked from the lowest, those above from the highest. The CRPS is the sum of these
    products, none of which is negative: mean |x_i - y| minus half the mean difference of members would cancel.
    """
    k = np.arange(members)
    return 2 * k / (members * (members - 1)) if fair else (2 * k + 1) / members**2


@ensemble_loss(
    aliases=("crps", "crps_empirical", "continuous_ranked_probability_score", "连续分级概率评分"),
    formula="mean_i |x_i - y| - sum_ij |x_i - x_j| / (2 M²); fair: / (2 M (M - 1))",
    references=(
        "Hersbach 2000, doi:10.1175/1520-0434(2000)015<0559:DOTCRP>2.0.CO;2",
        GNEITING_RAFTERY,
        "Laio & Tamea 2007, doi:10.5194/hess-11-1267-2007",
        FERRO,
        FRICKER,
    ),
    equivalents=(
        same("scoringrules", "scoringrules.crps_ensemble(y_true, y_pred, estimator='nrg')"),
        same("scoringrules", "scoringrules.crps_ensemble(y_true, y_pred, estimator='fair')", fair=True),
        same("properscoring", "properscoring.crps_ensemble(y_true, y_pred)"),
        same(
            "scores",
            "scores.probability.crps_for_ensemble(xarray.DataArray(y_pred, dims=('row', 'member')), "
            "xarray.DataArray(y_true, dims='row'), 'member', method='fair' if fair else 'ecdf')",
        ),
        same("torchmetrics", "torchmetrics.functional.regression.continuous_ranked_probability_score(y_pred, y_true)"),
    ),
)
def crps_ensemble(y_true: Score, y_pred: Ensemble, *, fair: Boolean = False) -> Array:
    """Continuous ranked probability score of an ensemble of M members, in the unit of y.

    It generalizes the absolute error, which a single member costs, to distributions. Members have equal weight and need
    no order.
    Use: comparing ensembles of one size, or samples of predicted distributions, with each other and with forecasts of
    one number.
    Avoid: ensembles of different sizes without fair; several variables at once (use energy_score).
    Pitfalls: a small ensemble costs more than a large one from the same distribution; fair=true tells what infinitely
    many members would cost, but only if members are random draws of the forecast distribution: fixed ones, such as
    quantiles, can game it (-1e6 and 1e6 cost 0); it takes two members, and does not compare with values without it.
    """
    shares = shares_of_ranks(y_pred.shape[1], fair)
    above = np.sort(y_pred, axis=1)
    above -= y_true[:, None]
    below = -np.minimum(above, 0.0)
    np.maximum(above, 0.0, out=above)
    first = int(fair)  # the lowest and the highest member count nothing, not even infinite ones
    return below[:, first:] @ shares[first:] + above[:, : above.shape[1] - first] @ shares[first:][::-1]


def balance_of_members(x: Array) -> Array:
    """Return how many members are below each one less how many are above."""
    index, order = np.arange(x.shape[1]), np.argsort(x, axis=1)
    ordered = np.take_along_axis(x, order, axis=1)
    differs = ordered[:, 1:] != ordered[:, :-1]
    first, last = np.zeros(x.shape, dtype=np.intp), np.full(x.shape, x.shape[1] - 1)  # of the members that are equal
    first[:, 1:] = np.maximum.accumulate(np.where(differs, index[1:], 0), axis=1)
    ends = np.where(differs, index[:-1], x.shape[1] - 1)
    last[:, :-1] = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    found = np.empty_like(x)
    np.put_along_axis(found, order, (first + last - (x.shape[1] - 1)).astype(np.float64), axis=1)
    return found


@crps_ensemble.gradient
def _(y_true: Array, y_pred: Array, *, fair: bool) -> Array:
    """(sign(x_i - y) - sum_j sign(x_i - x_j) / M) / M; fair: sum_j sign(x_i - x_j) / (M - 1)"""
    members = y_pred.shape[1]
    return (np.sign(y_pred - y_true[:, None]) - balance_of_members(y_pred) / (members - fair)) / members


# --------------------------------------------------------------------------------------------------- energy score


def lengths(vectors: Array) -> Array:
    """Compute the Euclidean length of vectors, whose coordinates are the first axis."""
    total = np.square(vectors[0])
    for coordinate in vectors[1:]:
        total += np.square(coordinate)
    return np.sqrt(total, out=total)


def unit_vectors(vectors: Array) -> Array:
    """Compute vectors of length 1; 0 for the vector 0, and the infinite coordinates alone of an infinite one."""
    length = lengths(vectors)
    if length.min(initial=1.0) > SMALLEST_TO_SQUARE and length.max(initial=1.0) < LARGEST_TO_SQUARE:
        return vectors / length
    vectors = np.where(np.isnan(vectors), 0.0, vectors)  # a difference of infinities
    size = np.abs(vectors).max(axis=0)
    endless = np.isinf(size)
    vectors = np.where(endless, np.where(np.isinf(vectors), np.sign(vectors), 0.0), vectors)
    vectors /= np.where(endless | (size == 0), 1.0, size)
    return vectors / np.maximum(lengths(vectors), 1.0)


def members_from_truth(y_true: Array, y_pred: Array) -> Array:
    """Compute x_i - y as an array (D, M, N), whose slices of members are contiguous."""
    return np.subtract(y_pred.transpose(2, 1, 0), y_true.T[:, None, :], order="C")


@ensemble_loss(
    aliases=("es_ensemble", "能量评分"),
    formula="mean_i |x_i - y| - sum_ij |x_i - x_j| / (2 M²); fair: / (2 M (M - 1))",
    references=(GNEITING_RAFTERY, "Gneiting et al. 2008, doi:10.1007/s11749-008-0114-x", FERRO, FRICKER),
    equivalents=(
        same("scoringrules", "scoringrules.es_ensemble(y_true, y_pred, estimator='nrg')"),
        same("scoringrules", "scoringrules.es_ensemble(y_true, y_pred, estimator='fair')", fair=True),
    ),
)
def energy_score(y_true: VectorOutcome, y_pred: VectorEnsemble, *, fair: Boolean = False) -> Array:
    """Energy score of an ensemble whose members are vectors of D numbers: crps_ensemble with Euclidean distances.

    A single member costs its distance.
    Use: forecasts of several variables, places or times at once.
    Avoid: coordinates of different units or sizes, unless they are standardized first.
    Pitfalls: it sees errors of the means well, of the dependence between coordinates much less; fair=true is for
    members that are random draws of the forecast distribution, as chosen ones can game it; it takes two members or
    more, and its values may be negative.
    """
    gaps = members_from_truth(y_true, y_pred)
    members = gaps.shape[1]
    size = np.abs(gaps).max(axis=(0, 1))
    is_odd = (size > LARGEST_TO_SQUARE) | (size < SMALLEST_TO_SQUARE)
    unit = np.where(is_odd & np.isfinite(size) & (size > 0), size, 1.0)
    if is_odd.any():
        gaps /= unit
    apart = np.zeros(len(y_true))
    for lag in range(1, members):
        apart += lengths(gaps[:, lag:] - gaps[:, :-lag]).sum(axis=0)
    value = unit * (lengths(gaps).mean(axis=0) - apart / (members * (members - fair)))
    return value if fair else np.where(np.isinf(size), np.inf, value)


@energy_score.gradient
def _(y_true: Array, y_pred: Array, *, fair: bool) -> Array:
    """((x_i - y) / |x_i - y| - sum_j (x_i - x_j) / |x_i - x_j| / M) / M; fair: sum_j ... / (M - 1)"""
    gaps = members_from_truth(y_true, y_pred)
    members = gaps.shape[1]
    pull = unit_vectors(gaps)
    for lag in range(1, members):
        apart = unit_vectors(gaps[:, lag:] - gaps[:, :-lag]) / (members - fair)
        pull[:, lag:] -= apart
        pull[:, :-lag] += apart
    return pull.transpose(2, 1, 0) / members


# ------------------------------------------------------------------------------------------------------------ DSS


@loss(
    family="ensembles",
    aliases=("dawid_sebastiani", "dawid_sebastiani_score", "Dawid-Sebastiani 评分"),
    arbitrary_zero=True,
    formula="(y - mu)²/v + log v",
    symbols=MEMBERS,
    properties=Property.NONE,
    elicits="mean and variance",
    references=("Dawid & Sebastiani 1999, doi:10.1214/aos/1018031101", GNEITING_RAFTERY),
    equivalents=(
        same("scipy", "-2 * scipy.stats.norm.logpdf(y_true, y_pred, scale) - np.log(2 * np.pi)"),
        same("scoringrules", "scoringrules.dssuv_ensemble(y_true, y_pred, bias=ddof == 0)", shapes={"y_pred": "N,M"}),
    ),
)
def dss(y_true: Score, y_pred: Score, scale: Scale, *, ddof: DegreesOfFreedomLost = 1) -> Array:
    """Dawid-Sebastiani score: judges a distribution by its mean and variance alone.

    Mean and variance are y_pred and scale², or those of the members. It is twice gaussian_nll without eps.
    Use: ensembles or distributions of which mean and variance are what matters.
    Avoid: small ensembles, whose variance is uncertain; outcomes with heavy tails.
    Pitfalls: the value may be negative, and has no lower bound as the variance goes to 0; skewed distributions with the
    right two moments cost the same; a single member has no variance.
    """
    return np.square(residual(y_true, y_pred) / scale) + 2 * np.log(scale)


dss.form_properties(Property.CONVEX | Property.DIFFERENTIABLE)


@dss.gradient
def _(y_true: Array, y_pred: Array, scale: Array, *, ddof: int) -> Array:
    """2 (mu - y) / v"""
    return 2 * (residual(y_true, y_pred) / scale / scale)


class MemberMoments:
    """Mean and variance of the members, in units of how far they are from the first one: no squares overflow.

    `error` is the mean minus the outcome, `deviations` (N, M) are from the mean.
    """

    def __init__(self, y_true: Array, y_pred: Array, ddof: int) -> None:
        gaps = y_pred - y_pred[:, :1]
        self.unit = np.abs(gaps).max(axis=1)
        gaps /= self.unit[:, None]
        mean = gaps.mean(axis=1)
        self.deviations = gaps - mean[:, None]
        self.variance = np.square(self.deviations).sum(axis=1) / (y_pred.shape[1] - ddof)
        self.error = (y_pred[:, 0] - y_true) / self.unit + mean
        self.endless = ~np.isfinite(self.unit)


@dss.form
def _(y_true: Score, y_pred: Ensemble, *, ddof: DegreesOfFreedomLost = 1) -> Array:
    of = MemberMoments(y_true, y_pred, ddof)
    value = np.square(of.error) / of.variance + (2 * np.log(of.unit) + np.log(of.variance))
    return np.where(of.endless, np.inf, value)


@dss.validate
def _(y_true: Array, y_pred: Array) -> Iterator[Refusal]:
    equal = (y_pred == y_pred[:, :1]).all(axis=1)
    yield Refusal(
        "y_pred", np.broadcast_to(equal[:, None], y_pred.shape), "is what all members are: they have no variance"
    )


@dss.gradient
def _(y_true: Array, y_pred: Array, *, ddof: int) -> Array:
    """2 (mu - y) / (M v) + 2 (x_i - mu) (1 - (y - mu)²/v) / (v (M - ddof))"""
    members, of = y_pred.shape[1], MemberMoments(y_true, y_pred, ddof)
    steep = (1 - np.square(of.error) / of.variance) / (members - ddof)
    slope = 2 * (of.error[:, None] / members + of.deviations * steep[:, None]) / (of.variance * of.unit)[:, None]
    return np.where(of.endless[:, None], 0.0, slope)
