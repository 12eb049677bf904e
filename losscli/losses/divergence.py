"""Divergences between a true distribution P (`y_true`) and a predicted one Q (`y_pred`).

Each is a function of p, q and log q. Its gradient by q is converted to one by logits or unnormalised numbers where
these are given.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from losscli.declaration.domains import Array, Boolean, NonNegativeRow, Order, PositiveRow
from losscli.declaration.domains import PredictedDistribution as Q
from losscli.declaration.domains import TrueDistribution as P
from losscli.declaration.equivalent import minimised_by, same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Claim, Property, given
from losscli.losses._classes import backprop_normalize, backprop_softmax, log_softmax, log_sum_exp, sum_minus_one
from losscli.losses._numerics import (
    SERIES_RADIUS,
    log_ratio,
    power_minus_linear,
    power_remainder,
    relative_difference,
    weigh,
    where_compute,
    x_minus_log1p,
)
from losscli.losses._symbols import DISTRIBUTIONS
from losscli.losses.multiclass import normalize_rows

CONVEX, SMOOTH, SYMMETRIC = Property.CONVEX, Property.DIFFERENTIABLE, Property.SYMMETRIC
BOUNDED, BOUNDED_GRADIENT = Property.BOUNDED_VALUE, Property.BOUNDED_GRADIENT

# A loss of logits is not symmetric, because the target is not given by logits. The slope by a logit has q as a factor.
# A function that is convex in a distribution need not be convex in numbers that are divided by their sum.
EXCHANGEABLE = given(SYMMETRIC, from_logits=False)
TAME_LOGITS = given(BOUNDED_GRADIENT, from_logits=True)
CONVEX_IN_Q = given(CONVEX, from_logits=False, normalize=False)
CONVEX_LOGITS = given(CONVEX, from_logits=True)


Distributions = tuple[Array, Array, Array]
"""P and Q, and the logarithm of p / q, which is 0 where p = q = 0."""


def read_distributions(y_true: Array, y_pred: Array, from_logits: bool, normalize: bool) -> Distributions:
    """Return P and Q, both divided by their sums if normalize is set; log(p / q) from logits without underflow."""
    p = normalize_rows(y_true, normalize)
    if from_logits:
        log_q = log_softmax(y_pred)
        return p, np.exp(log_q), np.log(p) - log_q
    q = normalize_rows(y_pred, normalize)
    log_quotient = log_ratio(p, q)
    unknown = np.isnan(log_quotient)
    return p, q, where_compute(log_quotient, unknown, lambda p, q: np.where(p == q, 0.0, np.nan), p, q)


def gradient_by_prediction(slope: Array, y_pred: Array, q: Array, from_logits: bool, normalize: bool) -> Array:
    """Convert a gradient by q to one by y_pred."""
    if from_logits:
        return backprop_softmax(weigh(q, slope), q)
    return backprop_normalize(slope, q, y_pred.sum(axis=1, keepdims=True)) if normalize else slope


def kl_terms(p: Array, q: Array, log_quotient: Array) -> Array:
    """Compute p log(p/q) - p + q; each term is at least 0, and the sum does not cancel where p is near q."""
    rise = q - p
    terms = weigh(p, log_quotient) + rise
    if np.isinf(q).any():
        terms = np.where(np.isinf(q), rise, terms)
    near = (np.abs(rise) < SERIES_RADIUS * p) & np.isfinite(p)
    return where_compute(terms, near, lambda p, rise: p * power_remainder(rise / p, 2.0), p, rise)


def sum_errors(p: Array, q: Array, from_logits: bool, normalize: bool) -> tuple[Array, Array]:
    """Return how far the sums of P and Q are from 1 within tolerance; 0 after normalisation."""
    none = np.zeros(len(p))
    return none if normalize else sum_minus_one(p), none if normalize or from_logits else sum_minus_one(q)


divergence_loss = partial(loss, family="divergence", unit="nat", properties=SMOOTH, symbols=DISTRIBUTIONS)
bounded_divergence_loss = partial(divergence_loss, unit="1", properties=BOUNDED)


@divergence_loss(
    aliases=("kl_divergence", "kullback_leibler", "kl_div", "KL 散度", "相对熵", "Kullback-Leibler 散度", "KL 距离"),
    formula="sum_c p_c log(p_c / q_c)",
    claims=(given(CONVEX, normalize=False), CONVEX_LOGITS, TAME_LOGITS),
    elicits="the distribution",
    references=("Kullback & Leibler 1951, doi:10.1214/aoms/1177729694",),
    equivalents=(
        same("torch", "torch.nn.KLDivLoss(reduction='batchmean')(y_pred.log(), y_true)", shapes={"y_true": "N,C"}),
        same("torch", "y_pred.shape[1] * torch.nn.KLDivLoss()(y_pred.log(), y_true)", shapes={"y_true": "N,C"}),
        same(
            "keras",
            "keras.losses.KLDivergence()(y_true, y_pred)",
            unlike("it clips both to [1e-7, 1]", 16.1181, y_true=[[1, 0]], y_pred=[[0, 1]]),
            shapes={"y_true": "N,C"},
        ),
        same(
            "scipy",
            "scipy.stats.entropy(y_true, y_pred, axis=1)",
            shapes={"y_true": "N,C"},
            data="rows of any sums",
            normalize=True,
        ),
        same("optax", "optax.losses.kl_divergence(jax.numpy.log(y_pred), y_true)", shapes={"y_true": "N,C"}),
    ),
)
def kl(y_true: P, y_pred: Q, *, from_logits: Boolean = False, normalize: Boolean = False) -> Array:
    """Kullback-Leibler divergence: the nats lost by using Q when P is true.

    It is cross-entropy minus the entropy of P.
    Use: predicted distributions against true ones, as in distillation.
    Avoid: distributions that may not overlap (js, wasserstein).
    Pitfalls: it is not symmetric, and libraries differ in the order of arguments; it is infinite if Q has a zero where
    P has not (nothing is clipped).
    """
    p, q, log_quotient = read_distributions(y_true, y_pred, from_logits, normalize)
    more_p, more_q = sum_errors(p, q, from_logits, normalize)
    return kl_terms(p, q, log_quotient).sum(axis=1) + (more_p - more_q)


@kl.gradient
def _(y_true: Array, y_pred: Array, *, from_logits: bool, normalize: bool) -> Array:
    """-p_c / q_c; from logits softmax(s) - p"""
    p, q, _ = read_distributions(y_true, y_pred, from_logits, normalize)
    if from_logits:
        return backprop_softmax(-p, q)
    return gradient_by_prediction(-weigh(p, 1 / q) + 0.0, y_pred, q, from_logits, normalize)


@divergence_loss(
    aliases=("反向 KL 散度", "逆向 KL 散度"),
    formula="sum_c q_c log(q_c / p_c) = KL(Q, P)",
    claims=(CONVEX_IN_Q,),
    elicits="the geometric mean of the distributions, normalised",
    references=("Kullback & Leibler 1951, doi:10.1214/aoms/1177729694",),
    equivalents=(
        same("torch", "torch.nn.KLDivLoss(reduction='batchmean')(y_true.log(), y_pred)", shapes={"y_true": "N,C"}),
        same(
            "keras",
            "keras.losses.KLDivergence()(y_pred, y_true)",
            unlike("it clips both to [1e-7, 1]", 16.1181, y_true=[[1, 0]], y_pred=[[0, 1]]),
            shapes={"y_true": "N,C"},
        ),
        same(
            "scipy",
            "scipy.stats.entropy(y_pred, y_true, axis=1)",
            shapes={"y_true": "N,C"},
            data="rows of any sums",
            normalize=True,
        ),
        same("optax", "optax.losses.kl_divergence(jax.numpy.log(y_true), y_pred)", shapes={"y_true": "N,C"}),
    ),
)
def reverse_kl(y_true: P, y_pred: Q, *, from_logits: Boolean = False, normalize: Boolean = False) -> Array:
    """KL with exchanged distributions: probability of Q where P has little counts most.

    Minimising it fits one mode of P; minimising kl covers all modes.
    Use: variational inference, policies, students that may omit what they cannot model.
    Avoid: when no part of P may be missed.
    Pitfalls: it is infinite if P has a zero where Q has not, which is always the case for a softmax.
    """
    p, q, log_quotient = read_distributions(y_true, y_pred, from_logits, normalize)
    more_p, more_q = sum_errors(p, q, from_logits, normalize)
    return kl_terms(q, p, -log_quotient).sum(axis=1) + (more_q - more_p)


@reverse_kl.gradient
def _(y_true: Array, y_pred: Array, *, from_logits: bool, normalize: bool) -> Array:
    """1 + log(q_c / p_c); from logits q_c (log(q_c / p_c) - KL(Q, P))"""
    _, q, log_quotient = read_distributions(y_true, y_pred, from_logits, normalize)
    return gradient_by_prediction(1 - log_quotient, y_pred, q, from_logits, normalize)


@divergence_loss(
    aliases=("广义 KL 散度",),
    formula="sum_c p_c log(p_c / q_c) - p_c + q_c",
    properties=CONVEX | SMOOTH,
    elicits="the mean",
    references=("Csiszár 1991, doi:10.1214/aos/1176348385",),
    equivalents=(
        same("scipy", "scipy.special.kl_div(y_true, y_pred).sum(axis=1)", shapes={"y_true": "N,C"}),
        minimised_by("sklearn", "sklearn.decomposition.NMF(solver='mu', beta_loss='kullback-leibler')"),
        same(
            "optax", "optax.losses.generalized_kl_divergence(jax.numpy.log(y_pred), y_true)", shapes={"y_true": "N,C"}
        ),
    ),
)
def generalized_kl(y_true: NonNegativeRow, y_pred: NonNegativeRow) -> Array:
    """KL for non-negative numbers that need not sum to 1 (I-divergence).

    Use: counts and spectra, as in non-negative matrix factorisation.
    Avoid: negative numbers.
    Pitfalls: it is half the Poisson deviance, summed over the row instead of averaged.
    """
    return kl_terms(*read_distributions(y_true, y_pred, False, False)).sum(axis=1)


@generalized_kl.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """1 - p_c / q_c"""
    return 1 - weigh(y_true, 1 / y_pred)


@divergence_loss(
    aliases=("symmetric_kl", "杰弗里斯散度", "Jeffreys 散度", "对称 KL 散度"),
    formula="KL(P, Q) + KL(Q, P) = sum_c (p_c - q_c) log(p_c / q_c)",
    claims=(CONVEX_IN_Q, EXCHANGEABLE),
    references=("Jeffreys 1946, doi:10.1098/rspa.1946.0056",),
    equivalents=(
        same(
            "scipy",
            "scipy.stats.entropy(y_true, y_pred, axis=1) + scipy.stats.entropy(y_pred, y_true, axis=1)",
            shapes={"y_true": "N,C"},
            data="rows of any sums",
            normalize=True,
        ),
    ),
)
def jeffreys(y_true: P, y_pred: Q, *, from_logits: Boolean = False, normalize: Boolean = False) -> Array:
    """The sum of KL in both directions.

    Use: two distributions with the same support, if neither is the true one.
    Avoid: distributions with zeros (js, hellinger).
    Pitfalls: it is infinite if one distribution has a zero where the other has not.
    """
    p, q, log_quotient = read_distributions(y_true, y_pred, from_logits, normalize)
    return weigh(p - q, log_quotient).sum(axis=1)


@jeffreys.gradient
def _(y_true: Array, y_pred: Array, *, from_logits: bool, normalize: bool) -> Array:
    """1 + log(q_c / p_c) - p_c / q_c; from logits q_c (1 + log(q_c / p_c) - KL(Q, P)) - p_c"""
    p, q, log_quotient = read_distributions(y_true, y_pred, from_logits, normalize)
    if from_logits:  # q p/q is p, also where q underflows
        return backprop_softmax(weigh(q, 1 - log_quotient) - p, q)
    return gradient_by_prediction(1 - log_quotient - weigh(p, 1 / q), y_pred, q, from_logits, normalize)


@divergence_loss(
    aliases=("jensen_shannon", "JS 散度", "詹森-香农散度", "Jensen-Shannon 散度"),
    formula="KL(P, M)/2 + KL(Q, M)/2, M = (P + Q)/2",
    properties=SMOOTH | BOUNDED,
    claims=(CONVEX_IN_Q, EXCHANGEABLE, TAME_LOGITS),
    references=("Lin 1991, doi:10.1109/18.61115",),
    equivalents=(
        same(
            "scipy",
            "scipy.spatial.distance.jensenshannon(y_true, y_pred, axis=1) ** 2",
            shapes={"y_true": "N,C"},
            data="rows of any sums",
            normalize=True,
        ),
        same(
            "torchmetrics",
            "torchmetrics.regression.JensenShannonDivergence()(y_pred, y_true)",
            shapes={"y_true": "N,C"},
        ),
    ),
)
def js(y_true: P, y_pred: Q, *, from_logits: Boolean = False, normalize: Boolean = False) -> Array:
    """Jensen-Shannon divergence: mean KL to the mixture of both; at most log 2.

    Use: distributions that may not overlap; neither need be the true one.
    Avoid: training: the gradient is small when the two are far apart.
    Pitfalls: SciPy returns its root, a metric; with log base 2 it is at most 1.
    """
    p, q, _ = read_distributions(y_true, y_pred, from_logits, normalize)
    m = (p + q) / 2
    halves = [kl_terms(x, m, np.where(x == m, 0.0, log_ratio(x, m))) for x in (p, q)]
    return (halves[0] + halves[1]).sum(axis=1) / 2


@js.gradient
def _(y_true: Array, y_pred: Array, *, from_logits: bool, normalize: bool) -> Array:
    """log(q_c / m_c) / 2; from logits q_c (log(q_c / m_c) - KL(Q, M)) / 2"""
    p, q, _ = read_distributions(y_true, y_pred, from_logits, normalize)
    m = (p + q) / 2
    slope = np.where(q == m, 0.0, log_ratio(q, m)) / 2
    return gradient_by_prediction(slope, y_pred, q, from_logits, normalize)


def log_mixture(p: Array, log_quotient: Array, alpha: float) -> Array:
    """Compute log(p^alpha q^(1-alpha)), also where q or the product overflows or underflows."""
    return np.where(p == 0, -np.inf, np.log(p) + (alpha - 1) * log_quotient)


def log_mixture_sum(beyond: Array, p: Array, log_quotient: Array, alpha: float) -> Array:
    """Compute the logarithm of sum_c p_c^alpha q_c^(1-alpha), where `beyond` is that sum minus 1.

    log1p(beyond) is exact for a sum near 1, the sum of logarithms for one so near 0 that powers underflow.
    """
    return np.where(np.abs(beyond) < 0.5, np.log1p(beyond), log_sum_exp(log_mixture(p, log_quotient, alpha)))


def mixture_slope(pair: Distributions, y_pred: Array, alpha: float, from_logits: bool, normalize: bool) -> Array:
    """Compute d/d y_pred of log(sum_c p_c^alpha q_c^(1-alpha)) / (alpha - 1), by q -(p/q)^alpha over the sum."""
    p, q, log_quotient = pair
    part = np.exp(log_softmax(log_mixture(p, log_quotient, alpha)))
    if from_logits:
        return backprop_softmax(-part, q)
    slope = np.where(p == 0, 0.0, np.where(q == 0, -np.inf, -part / q))
    return gradient_by_prediction(slope, y_pred, q, from_logits, normalize)


def one_minus_affinity(p: Array, q: Array) -> Array:
    """Compute 1 - sum_c sqrt(p_c q_c) as half the squared distance of the roots, which does not cancel near Q = P."""
    gap = (p - q) / (np.sqrt(p) + np.sqrt(q))
    return np.square(np.where(p == q, 0.0, gap)).sum(axis=1) / 2


@bounded_divergence_loss(
    aliases=("海林格距离", "Hellinger 距离", "赫林格距离"),
    formula="sqrt(sum_c (sqrt p_c - sqrt q_c)² / 2)",
    claims=(EXCHANGEABLE, TAME_LOGITS),
    references=("Hellinger 1909, doi:10.1515/crll.1909.136.210",),
    equivalents=(
        same(
            "scipy",
            "scipy.spatial.distance.cdist(y_true**0.5, y_pred**0.5).diagonal() / 2**0.5",
            shapes={"y_true": "N,C"},
        ),
    ),
)
def hellinger(y_true: P, y_pred: Q, *, from_logits: Boolean = False, normalize: Boolean = False) -> Array:
    """Hellinger distance: a metric from 0 to 1, finite with zeros.

    Use: distances of histograms; rare classes count more than in total_variation.
    Avoid: training: the slope is infinite where a q is 0 and jumps where Q = P.
    Pitfalls: some texts square it or omit the factor 1/2.
    """
    p, q, _ = read_distributions(y_true, y_pred, from_logits, normalize)
    return np.sqrt(one_minus_affinity(p, q))


@hellinger.gradient
def _(y_true: Array, y_pred: Array, *, from_logits: bool, normalize: bool) -> Array:
    """(1 - sqrt(p_c / q_c)) / (4 H), H the distance; from logits (q_c (1 - H²) - sqrt(p_c q_c)) / (4 H)"""
    p, q, _ = read_distributions(y_true, y_pred, from_logits, normalize)
    h = np.sqrt(one_minus_affinity(p, q))[:, None]
    slope = np.where(h > 0, (1 - np.sqrt(weigh(p, 1 / q))) / (4 * h), 0.0)
    return gradient_by_prediction(slope, y_pred, q, from_logits, normalize)


@divergence_loss(
    aliases=("巴氏距离", "巴塔恰里雅距离", "Bhattacharyya 距离", "巴塔恰里亚距离"),
    formula="-log sum_c sqrt(p_c q_c)",
    claims=(CONVEX_IN_Q, EXCHANGEABLE, TAME_LOGITS),
    references=("Bhattacharyya 1943, Bull. Calcutta Math. Soc. 35, 99-109",),
    equivalents=(
        same("numpy", "-np.log(np.sqrt(y_true * y_pred).sum(axis=1))", shapes={"y_true": "N,C"}),
        same("losscli", "-np.log(1 - losscli.get_loss('hellinger')(y_true, y_pred) ** 2)", shapes={"y_true": "N,C"}),
    ),
)
def bhattacharyya(y_true: P, y_pred: Q, *, from_logits: Boolean = False, normalize: Boolean = False) -> Array:
    """The negative logarithm of the overlap of two distributions.

    Use: bounds on the classification error of two classes.
    Avoid: distributions that may not overlap: it is then infinite.
    Pitfalls: it is not a metric; it is half the Rényi divergence of order 1/2.
    """
    p, q, log_quotient = read_distributions(y_true, y_pred, from_logits, normalize)
    beyond = sum(sum_errors(p, q, from_logits, normalize)) / 2 - one_minus_affinity(p, q)
    return -log_mixture_sum(beyond, p, log_quotient, 0.5) + 0.0


@bhattacharyya.gradient
def _(y_true: Array, y_pred: Array, *, from_logits: bool, normalize: bool) -> Array:
    """-sqrt(p_c / q_c) / (2 S), S = sum_k sqrt(p_k q_k); from logits (q_c - sqrt(p_c q_c) / S) / 2"""
    pair = read_distributions(y_true, y_pred, from_logits, normalize)
    return mixture_slope(pair, y_pred, 0.5, from_logits, normalize) / 2


@bounded_divergence_loss(
    aliases=("总变差距离", "全变差距离", "总变差", "全变差", "全变分距离"),
    formula="sum_c |p_c - q_c| / 2",
    claims=(CONVEX_IN_Q, EXCHANGEABLE, given(BOUNDED_GRADIENT, normalize=False), TAME_LOGITS),
    references=("Levin, Peres & Wilmer 2009, Markov Chains and Mixing Times, ch. 4",),
    equivalents=(
        same(
            "scipy",
            "scipy.spatial.distance.cdist(y_true, y_pred, 'cityblock').diagonal() / 2",
            shapes={"y_true": "N,C"},
        ),
    ),
)
def total_variation(y_true: P, y_pred: Q, *, from_logits: Boolean = False, normalize: Boolean = False) -> Array:
    """The largest difference of the probabilities that P and Q assign to any event.

    Use: a value that is easy to explain: at 0.1, no event is off by more than 10 %.
    Avoid: training: the gradient does not depend on the distance.
    Pitfalls: some libraries omit the factor 1/2.
    """
    p, q, _ = read_distributions(y_true, y_pred, from_logits, normalize)
    return np.abs(p - q).sum(axis=1) / 2


@total_variation.gradient
def _(y_true: Array, y_pred: Array, *, from_logits: bool, normalize: bool) -> Array:
    """sign(q_c - p_c) / 2; from logits q_c (sign(q_c - p_c) - sum_k q_k sign(q_k - p_k)) / 2"""
    p, q, _ = read_distributions(y_true, y_pred, from_logits, normalize)
    return gradient_by_prediction(np.sign(q - p) / 2, y_pred, q, from_logits, normalize)


@divergence_loss(
    aliases=("chi_square", "卡方散度", "卡方距离"),
    formula="sum_c (p_c - q_c)² / q_c",
    unit="1",
    claims=(given(CONVEX, normalize=False), CONVEX_LOGITS),
    elicits="the root mean square of the distributions, normalised",
    references=("Pearson 1900, doi:10.1080/14786440009463897",),
    equivalents=(same("scipy", "scipy.stats.chisquare(y_true, y_pred, axis=1).statistic", shapes={"y_true": "N,C"}),),
)
def chi2(y_true: P, y_pred: Q, *, from_logits: Boolean = False, normalize: Boolean = False) -> Array:
    """Pearson's chi-square divergence: squared differences relative to the prediction.

    Use: goodness of fit; an upper bound of kl (kl <= log(1 + chi2)).
    Avoid: very small predicted probabilities: one can dominate the sum.
    Pitfalls: it is not symmetric; Neyman's version divides by p; times the number of observations it is the test
    statistic.
    """
    p, q, _ = read_distributions(y_true, y_pred, from_logits, normalize)
    return np.where(p == q, 0.0, (p - q) * ((p - q) / q)).sum(axis=1)


@chi2.gradient
def _(y_true: Array, y_pred: Array, *, from_logits: bool, normalize: bool) -> Array:
    """1 - (p_c / q_c)²; from logits q_c sum_k p_k²/q_k - p_c²/q_c"""
    p, q, _ = read_distributions(y_true, y_pred, from_logits, normalize)
    if from_logits:  # (p/q)² overflows before p (p/q) does
        weighted = q - weigh(p, p / q)
        return weighted - weigh(q, weighted.sum(axis=1, keepdims=True))
    slope = 1 - np.square(np.where(p == q, np.where(p == 0, 0.0, 1.0), p / q))
    return gradient_by_prediction(slope, y_pred, q, from_logits, normalize)


@divergence_loss(
    aliases=("雷尼散度", "Rényi 散度", "瑞尼散度"),
    formula="log(sum_c p_c^alpha q_c^(1-alpha)) / (alpha - 1)",
    claims=(
        CONVEX_IN_Q,
        TAME_LOGITS,
        given(SYMMETRIC, alpha=0.5, from_logits=False),
        Claim(CONVEX, "from_logits=true and alpha > 1", lambda *, from_logits, alpha, **_: from_logits and alpha > 1),
    ),
    references=("Rényi 1961, Proc. 4th Berkeley Symp. 1, 547-561", "van Erven & Harremoës 2014, arXiv:1206.2459"),
    equivalents=(
        same("losscli", "2 * losscli.get_loss('bhattacharyya')(y_true, y_pred)", shapes={"y_true": "N,C"}, alpha=0.5),
        same("losscli", "np.log1p(losscli.get_loss('chi2')(y_true, y_pred))", shapes={"y_true": "N,C"}, alpha=2.0),
    ),
)
def renyi(
    y_true: P, y_pred: Q, *, alpha: Order = 0.5, from_logits: Boolean = False, normalize: Boolean = False
) -> Array:
    """Rényi divergence of order alpha: kl as alpha goes to 1; larger alpha stresses the worst class.

    Use: privacy accounting; kl with more or less weight on rare classes.
    Avoid: alpha >= 1 when Q may have zeros: it is infinite.
    Pitfalls: alpha = 1 is kl and is not accepted; a small alpha depends on little but the supports.
    """
    p, q, log_quotient = read_distributions(y_true, y_pred, from_logits, normalize)
    more_p, more_q = sum_errors(p, q, from_logits, normalize)
    # sum p^a q^(1-a) - 1, from terms that do not cancel near a = 0 (taken from q), near a = 1 (from p) or near P = Q
    if alpha > 0.5:
        terms = np.where(p == 0, -(1 - alpha) * q, p * power_minus_linear((q - p) / p, -log_quotient, 1 - alpha))
    else:
        terms = np.where(q == 0, -alpha * p, q * power_minus_linear((p - q) / q, log_quotient, alpha))
    beyond = terms.sum(axis=1) + alpha * more_p + (1 - alpha) * more_q
    return log_mixture_sum(beyond, p, log_quotient, alpha) / (alpha - 1) + 0.0


@renyi.gradient
def _(y_true: Array, y_pred: Array, *, alpha: float, from_logits: bool, normalize: bool) -> Array:
    """-(p_c / q_c)^alpha / S, S = sum_k p_k^alpha q_k^(1-alpha); from logits q_c - p_c^alpha q_c^(1-alpha) / S"""
    pair = read_distributions(y_true, y_pred, from_logits, normalize)
    return mixture_slope(pair, y_pred, alpha, from_logits, normalize)


@bounded_divergence_loss(
    aliases=("emd", "推土机距离", "Wasserstein 距离", "沃瑟斯坦距离", "瓦瑟斯坦距离", "EM 距离"),
    formula="sum_{k<C} |F_p(k) - F_q(k)|, F the cumulative sums",
    unit="bin",
    claims=(CONVEX_IN_Q, EXCHANGEABLE, given(BOUNDED_GRADIENT, normalize=False), TAME_LOGITS),
    elicits="the distribution whose cumulative sums are the medians of the targets' cumulative sums",
    references=("Rubner, Tomasi & Guibas 2000, doi:10.1023/A:1026543900054",),
    equivalents=(
        same(
            "scipy",
            "[scipy.stats.wasserstein_distance(range(len(p)), range(len(p)), p, q) for p, q in zip(y_true, y_pred)]",
            shapes={"y_true": "N,C"},
        ),
    ),
)
def wasserstein(y_true: P, y_pred: Q, *, from_logits: Boolean = False, normalize: Boolean = False) -> Array:
    """Earth mover's distance: probability moved times the number of bins.

    Neighbouring bins are one unit apart.
    Use: ordered classes: ages, grades, histograms.
    Avoid: unordered classes: the value depends on their order.
    Pitfalls: rps sums squared differences of the same cumulative sums.
    """
    p, q, _ = read_distributions(y_true, y_pred, from_logits, normalize)
    return np.abs(np.cumsum(p - q, axis=1)[:, :-1]).sum(axis=1)


@wasserstein.gradient
def _(y_true: Array, y_pred: Array, *, from_logits: bool, normalize: bool) -> Array:
    """g_c = sum_{c <= k < C} sign(F_q(k) - F_p(k)); from logits q_c (g_c - sum_k q_k g_k)"""
    p, q, _ = read_distributions(y_true, y_pred, from_logits, normalize)
    signs = np.sign(np.cumsum(q - p, axis=1))
    signs[:, -1] = 0.0
    slope = np.cumsum(signs[:, ::-1], axis=1)[:, ::-1]
    return gradient_by_prediction(slope, y_pred, q, from_logits, normalize)


@divergence_loss(
    aliases=("板仓-斋藤距离", "板仓-斋藤散度", "Itakura-Saito 散度"),
    formula="sum_c p_c/q_c - log(p_c/q_c) - 1",
    unit="1",
    elicits="the mean",
    references=("Févotte, Bertin & Durrieu 2009, doi:10.1162/neco.2008.04-08-771",),
    equivalents=(minimised_by("sklearn", "sklearn.decomposition.NMF(solver='mu', beta_loss='itakura-saito')"),),
)
def itakura_saito(y_true: PositiveRow, y_pred: PositiveRow) -> Array:
    """Compares positive numbers by their ratios: it is invariant to common scaling.

    Use: power spectra of sound, when quiet parts matter as much as loud ones.
    Avoid: numbers that may be 0.
    Pitfalls: it is half the gamma deviance, summed over the row; predicting too little costs far more than too much.
    """
    d = (y_true - y_pred) / y_pred
    far = y_true / y_pred - 1 - log_ratio(y_true, y_pred)
    return np.where(np.abs(d) < 0.5, x_minus_log1p(d), far).sum(axis=1)


@itakura_saito.gradient
def _(y_true: Array, y_pred: Array) -> Array:
    """(q_c - p_c) / q_c²"""
    return relative_difference(y_true, y_pred) / y_pred


renyi.orders_like(lambda *, alpha, **params: ("bhattacharyya", params) if alpha == 0.5 else None)
