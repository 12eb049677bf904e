"""Losses of one class out of C, from labels or rows of target probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from losscli.declaration.checks import Remark
from losscli.declaration.domains import (
    EPS,
    Array,
    Boolean,
    ClassLabel,
    ClassProbabilities,
    ClassTarget,
    Epsilon,
    IgnoreIndex,
    LogProbabilities,
    Mask,
    Scores,
    UnitInterval,
    Weights,
    expand_per_class,
)
from losscli.declaration.equivalent import StatedDifference, same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Claim, Property, given
from losscli.losses._classes import (
    NOT_NORMALIZED_NOTE,
    Targets,
    backprop_normalize,
    backprop_softmax,
    cross_entropy_of_logits,
    label_mask,
    log_of_shares,
    log_softmax,
    one_hot,
    order_of_cross_entropy,
    softmax_minus,
    unnormalized_rows,
)
from losscli.losses._numerics import clipped_log, weigh
from losscli.losses._symbols import CLASSES

Term = Callable[[Array], Array]
Picked = Callable[[Targets, Array], Array]


def class_terms(
    y_true: Targets, classes: int, label_smoothing: float, class_weight: Any, ignore_index: int | None
) -> Array:
    """Return w_c t'_c, the factors of -log p_c; zero rows for ignored labels."""
    t = one_hot(y_true, classes, ignore_index)
    if label_smoothing:
        t = t * (1 - label_smoothing) + label_smoothing / classes
        mask = label_mask(y_true, ignore_index)
        t = t if mask is None else t * mask[:, None]
    return t if class_weight is None else t * expand_per_class(class_weight, classes, "class_weight")


def weighted_cross_entropy(y_true: Targets, y_pred: Array, log: Term, pick: Picked, **how: Any) -> Array:
    """Compute -sum_c w_c t'_c log p_c by `log` of all classes, or by `pick` of the labels only."""
    if y_true.ndim == 1 and not how["label_smoothing"]:
        mask = label_mask(y_true, how["ignore_index"])
        labels = y_true if mask is None else np.where(mask, y_true, 0)
        picked = pick(labels, y_pred)
        if how["class_weight"] is not None:
            picked = picked * expand_per_class(how["class_weight"], y_pred.shape[1], "class_weight")[labels]
        return picked + 0.0 if mask is None else np.where(mask, picked + 0.0, 0.0)
    return -weigh(class_terms(y_true, y_pred.shape[1], **how), log(y_pred)).sum(axis=1) + 0.0


def normalize_rows(y_pred: Array, normalize: bool) -> Array:
    """Divide rows by their sums if `normalize` is set."""
    return y_pred / y_pred.sum(axis=1, keepdims=True) if normalize else y_pred


CLIPPED_CLASSES = (
    Claim(
        Property.BOUNDED_VALUE,
        "from_logits=false and eps > 0",
        lambda *, from_logits, eps, **_: not from_logits and eps > 0,
    ),
    Claim(
        Property.BOUNDED_GRADIENT,
        "from_logits=false, normalize=false and eps > 0",
        lambda *, from_logits, normalize, eps, **_: not from_logits and not normalize and eps > 0,
    ),
)
"""As CLIPPED; the slope of rows that are divided by their sums is divided, too, and a sum may be close to 0."""

CROSS_ENTROPY_CLAIMS = (
    # a convex function of p need not be convex in unnormalised p; logits are not normalised
    given(Property.CONVEX, normalize=False),
    given(Property.CONVEX | Property.BOUNDED_GRADIENT, from_logits=True),
    *CLIPPED_CLASSES,
)

multiclass_loss = partial(loss, family="multiclass", unit="nat", symbols=CLASSES)
cross_entropy_loss = partial(
    multiclass_loss,
    properties=Property.DIFFERENTIABLE,
    claims=CROSS_ENTROPY_CLAIMS,
    elicits="mean (the class probabilities)",
)


CROSS_ENTROPY_OF_TORCH = (
    "torch.nn.CrossEntropyLoss(class_weight, label_smoothing=label_smoothing, ignore_index=-100 if "
    "ignore_index is None else ignore_index)(y_pred, y_true)"
)


def divides_by_rows(**params: Any) -> StatedDifference:
    """Return where the mean of torch differs with class weights."""
    return unlike(
        "with class weights and probability targets its mean divides by N, not by the weights",
        1.03972,
        y_true=[[1, 0], [0.5, 0.5]],
        y_pred=[[0, 0], [0, 0]],
        class_weight=[1.0, 3.0],
        **params,
    )


@cross_entropy_loss(
    aliases=("ce", "categorical_crossentropy", "交叉熵", "多分类交叉熵", "分类交叉熵", "交叉熵误差"),
    formula="-sum_c w_c t_c log p_c; t_c (1 - label_smoothing) + label_smoothing/C in place of t_c",
    references=("Good 1952, doi:10.1111/j.2517-6161.1952.tb00104.x", "Szegedy et al. 2016, arXiv:1512.00567"),
    equivalents=(
        same("torch", CROSS_ENTROPY_OF_TORCH, divides_by_rows(from_logits=True), from_logits=True),
        same(
            "keras",
            "keras.losses.CategoricalCrossentropy(from_logits=from_logits, "
            "label_smoothing=label_smoothing)(y_true, y_pred)",
            unlike("it clips p to [1e-7, 1 - 1e-7]", 16.1181, y_true=[[1, 0]], y_pred=[[0, 1]]),
            shapes={"y_true": "N,C"},
        ),
        same(
            "sklearn",
            "sklearn.metrics.log_loss(y_true, y_pred, labels=range(y_pred.shape[1]))",
            shapes={"y_true": "N"},
            data="probabilities of 0 too",
        ),
        same(
            "keras",
            "keras.losses.CategoricalCrossentropy()(y_true, y_pred)",
            shapes={"y_true": "N,C"},
            data="predictions of any sums",
            normalize=True,
        ),
        same("optax", "optax.losses.softmax_cross_entropy(y_pred, y_true)", shapes={"y_true": "N,C"}, from_logits=True),
    ),
)
def cross_entropy(
    y_true: ClassTarget,
    y_pred: ClassProbabilities,
    *,
    from_logits: Boolean = False,
    label_smoothing: UnitInterval = 0.0,
    class_weight: Weights = None,
    ignore_index: IgnoreIndex = None,
    normalize: Boolean = False,
    eps: Epsilon = EPS,
) -> Array:
    """The negative log-likelihood, in nats, of the observed class.

    Targets are labels 0..C-1 or rows of probabilities.
    Use: class probabilities; it is a proper score.
    Avoid: ordered classes, when distant errors should cost more (rps).
    Pitfalls: with class weights the mean is divided by the weights of the observed classes, not by the number of rows;
    the distribution over wrong classes has no effect.
    """
    how = {"label_smoothing": label_smoothing, "class_weight": class_weight, "ignore_index": ignore_index}
    if from_logits:
        return weighted_cross_entropy(y_true, y_pred, log_softmax, cross_entropy_of_logits, **how)

    def pick(labels: Targets, p: Array) -> Array:
        return -clipped_log(p[np.arange(len(labels)), labels], eps)

    if not normalize:
        return weighted_cross_entropy(y_true, y_pred, lambda p: clipped_log(p, eps), pick, **how)
    logs = log_of_shares(y_pred, eps)
    return weighted_cross_entropy(y_true, logs, np.asarray, lambda labels, x: -x[np.arange(len(x)), labels], **how)


@cross_entropy.gradient
def _(
    y_true: Targets,
    y_pred: Array,
    *,
    from_logits: bool,
    label_smoothing: float,
    class_weight: Any,
    ignore_index: int | None,
    normalize: bool,
    eps: float,
) -> Array:
    """-w_c t_c / p_c; from logits softmax(s)_c sum_k w_k t_k - w_c t_c"""
    terms = class_terms(y_true, y_pred.shape[1], label_smoothing, class_weight, ignore_index)
    if from_logits:
        return softmax_minus(np.exp(log_softmax(y_pred)), terms)
    p = normalize_rows(y_pred, normalize)
    slope = -np.where((p >= eps) & (terms != 0), weigh(terms, 1 / p), 0.0) + 0.0
    return backprop_normalize(slope, p, y_pred.sum(axis=1, keepdims=True)) if normalize else slope


@cross_entropy.row_mask
def _(y_true: Targets, y_pred: Array, *, ignore_index: int | None) -> Mask | None:
    """its label is not ignore_index"""
    return label_mask(y_true, ignore_index)


@cross_entropy.denominator
def _(y_true: Targets, y_pred: Array, *, class_weight: Any, ignore_index: int | None) -> Array | None:
    """the weights of the rows' classes, and all of them are 0"""
    if y_true.ndim == 1 and class_weight is None:
        return None  # sum_c w_c t_c is 1 for all rows that count
    return class_terms(y_true, y_pred.shape[1], 0.0, class_weight, ignore_index).sum(axis=1)


@cross_entropy.clipped
def _(
    y_true: Targets,
    y_pred: Array,
    *,
    from_logits: bool,
    label_smoothing: float,
    ignore_index: int | None,
    normalize: bool,
    eps: float,
) -> Mask:
    if from_logits:
        return np.zeros(len(y_pred), dtype=bool)
    below: Mask = normalize_rows(y_pred, normalize) < eps
    if below.any():
        below &= class_terms(y_true, y_pred.shape[1], label_smoothing, None, ignore_index) > 0
    return below


@cross_entropy_loss(
    aliases=("sparse_categorical_crossentropy", "稀疏分类交叉熵", "稀疏交叉熵"),
    formula="-w_t log p_t",
    references=("Good 1952, doi:10.1111/j.2517-6161.1952.tb00104.x",),
    equivalents=(
        same("torch", CROSS_ENTROPY_OF_TORCH, from_logits=True),
        same(
            "keras",
            "keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits, "
            "ignore_class=ignore_index)(y_true, y_pred)",
            unlike("it clips p to [1e-7, 1 - 1e-7]", 16.1181, y_true=[0], y_pred=[[0, 1]]),
        ),
        same(
            "sklearn",
            "sklearn.metrics.log_loss(y_true, y_pred, labels=range(y_pred.shape[1]))",
            data="probabilities of 0 too",
        ),
        same(
            "keras",
            "keras.losses.SparseCategoricalCrossentropy()(y_true, y_pred)",
            data="predictions of any sums",
            normalize=True,
        ),
        same("optax", "optax.losses.softmax_cross_entropy_with_integer_labels(y_pred, y_true)", from_logits=True),
    ),
)
def sparse_cross_entropy(
    y_true: ClassLabel,
    y_pred: ClassProbabilities,
    *,
    from_logits: Boolean = False,
    label_smoothing: UnitInterval = 0.0,
    class_weight: Weights = None,
    ignore_index: IgnoreIndex = None,
    normalize: Boolean = False,
    eps: Epsilon = EPS,
) -> Array:
    """cross_entropy for labels only: rows of target probabilities are an error.

    Use: integer labels, when a one-hot row would be a mistake.
    Avoid: soft targets.
    Pitfalls: the same as for cross_entropy.
    """
    how = {"label_smoothing": label_smoothing, "class_weight": class_weight, "ignore_index": ignore_index}
    kernel = cross_entropy.forms[0].kernel
    return kernel(y_true, y_pred, from_logits=from_logits, normalize=normalize, eps=eps, **how)


sparse_cross_entropy.share_hooks(cross_entropy)


@multiclass_loss(
    aliases=("softmax_cross_entropy", "softmax 损失", "softmax 交叉熵"),
    formula="-sum_c w_c t_c log softmax(s)_c",
    properties=Property.CONVEX | Property.DIFFERENTIABLE | Property.BOUNDED_GRADIENT,
    elicits="log-odds",
    references=("Bridle 1990, doi:10.1007/978-3-642-76153-9_28",),
    equivalents=(
        same("torch", CROSS_ENTROPY_OF_TORCH, divides_by_rows()),
        same(
            "keras",
            "keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing)(y_true, y_pred)",
            shapes={"y_true": "N,C"},
        ),
        same("optax", "optax.losses.softmax_cross_entropy(y_pred, y_true)", shapes={"y_true": "N,C"}),
    ),
)
def softmax_loss(
    y_true: ClassTarget,
    y_pred: Scores,
    *,
    label_smoothing: UnitInterval = 0.0,
    class_weight: Weights = None,
    ignore_index: IgnoreIndex = None,
) -> Array:
    """cross_entropy from logits: the usual loss of the last layer of a classifier.

    y_pred holds scores before the softmax, of any size. Nothing is clipped.
    Use: logits of a network.
    Avoid: probabilities: their softmax is nearly uniform.
    Pitfalls: the same as for cross_entropy.
    """
    how = {"label_smoothing": label_smoothing, "class_weight": class_weight, "ignore_index": ignore_index}
    return weighted_cross_entropy(y_true, y_pred, log_softmax, cross_entropy_of_logits, **how)


@softmax_loss.gradient
def _(y_true: Targets, y_pred: Array, *, label_smoothing: float, class_weight: Any, ignore_index: int | None) -> Array:
    """softmax(s)_c sum_k w_k t_k - w_c t_c"""
    terms = class_terms(y_true, y_pred.shape[1], label_smoothing, class_weight, ignore_index)
    return backprop_softmax(-terms, np.exp(log_softmax(y_pred)))


softmax_loss.share_hooks(cross_entropy, "row_mask", "denominator")


@multiclass_loss(
    aliases=("负对数似然",),
    formula="-w_t y_pred_t, y_pred log-probabilities",
    properties=Property.CONVEX | Property.DIFFERENTIABLE | Property.BOUNDED_GRADIENT,
    elicits="log of the class probabilities, where they sum to 1",
    references=("Good 1952, doi:10.1111/j.2517-6161.1952.tb00104.x",),
    equivalents=(
        same(
            "torch",
            "torch.nn.NLLLoss(class_weight, ignore_index=-100 if ignore_index is None else "
            "ignore_index)(y_pred, y_true)",
            shapes={"y_true": "N"},
        ),
    ),
)
def nll(
    y_true: ClassTarget, y_pred: LogProbabilities, *, class_weight: Weights = None, ignore_index: IgnoreIndex = None
) -> Array:
    """The negative predicted log-probability of the observed class.

    Targets are labels 0..C-1 or rows of probabilities.
    Use: models that return log-probabilities (log_softmax).
    Avoid: logits (softmax_loss) and probabilities (cross_entropy).
    Pitfalls: with class weights the mean is divided by the weights of the observed classes; most libraries do not
    notice log-probabilities that do not sum to 1.
    """
    return -weigh(class_terms(y_true, y_pred.shape[1], 0.0, class_weight, ignore_index), y_pred).sum(axis=1) + 0.0


@nll.gradient
def _(y_true: Targets, y_pred: Array, *, class_weight: Any, ignore_index: int | None) -> Array:
    """-w_t for the target, 0 for the others"""
    return -class_terms(y_true, y_pred.shape[1], 0.0, class_weight, ignore_index) + 0.0


@nll.warn
def _(y_true: Targets, y_pred: Array, *, ignore_index: int | None) -> Iterator[Remark]:
    odd, mask = unnormalized_rows(y_pred), label_mask(y_true, ignore_index)
    yield Remark("y_pred", odd if mask is None else odd & mask, NOT_NORMALIZED_NOTE)


nll.share_hooks(cross_entropy, "row_mask", "denominator")


for labelled in (cross_entropy, sparse_cross_entropy):
    labelled.orders_like(order_of_cross_entropy)
