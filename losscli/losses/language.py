"""Losses of language models: of the tokens that a text has, of pairs of answers, of a teacher and its student."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from losscli.declaration.domains import (
    EPS,
    Array,
    Boolean,
    ByteCount,
    ClassProbabilities,
    ClassTarget,
    Epsilon,
    FinitePositive,
    IgnoreIndex,
    LogProbability,
    Mask,
    Scores,
    Smoothing,
)
from losscli.declaration.equivalent import same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property, Reduction, given
from losscli.losses._classes import Targets, label_mask, log_softmax, log_sum_exp, order_of_cross_entropy, shift_down
from losscli.losses._numerics import CLIPPED, expm1_minus_x, sigmoid, softplus, weigh, where_compute
from losscli.losses._symbols import CLASSES
from losscli.losses.multiclass import cross_entropy

CONVEX, SMOOTH, BOUNDED_GRADIENT = Property.CONVEX, Property.DIFFERENTIABLE, Property.BOUNDED_GRADIENT

# --------------------------------------------------------------------------------------------------------- tokens

TOKENS = {name: CLASSES[name] for name in ("t", "t_c", "s", "c")} | {
    "p": "y_pred, or softmax(s)",
    "p_t": "the probability of the token that occurred: exp(log_prob), or p of the class of y_true",
    "p_c": "p of class c",
    "log2": "the logarithm of base 2",
}
BITS_PER_NAT = 1 / math.log(2)

token_loss = partial(
    loss, family="language", symbols=TOKENS, properties=CONVEX | SMOOTH, elicits="mean (the class probabilities)"
)


def nats(y_true: Targets, y_pred: Array, *, from_logits: bool, ignore_index: int | None, eps: float) -> Array:
    """Compute -log p_t as cross_entropy does."""
    kernel = cross_entropy.forms[0].kernel
    values: Array = kernel(y_true, y_pred, from_logits=from_logits, ignore_index=ignore_index, eps=eps)
    return values


def slope_of_nats(y_true: Targets, y_pred: Array, *, from_logits: bool, ignore_index: int | None, eps: float) -> Array:
    """-t_c / p_c; from logits softmax(s)_c - t_c"""
    fixed = {"label_smoothing": 0.0, "class_weight": None, "normalize": False}
    gradient = cross_entropy.forms[0].hooks["gradient"]
    slope = gradient(y_true, y_pred, from_logits=from_logits, ignore_index=ignore_index, eps=eps, **fixed)
    return np.asarray(slope)


def are_clipped(y_true: Targets, y_pred: Array, *, from_logits: bool, ignore_index: int | None, eps: float) -> Mask:
    """Return a mask of the probabilities that were clipped."""
    clipped = cross_entropy.forms[0].hooks["clipped"]
    mask: Mask = clipped(
        y_true,
        y_pred,
        from_logits=from_logits,
        ignore_index=ignore_index,
        eps=eps,
        label_smoothing=0.0,
        normalize=False,
    )
    return mask


CLIPPED_TOKENS = (CLIPPED, given(BOUNDED_GRADIENT, from_logits=True))


@token_loss(
    aliases=("ppl", "困惑度"),
    formula="-log p_t, then exp of the mean",
    reduction=Reduction.EXP_MEAN,
    references=("Jelinek et al. 1977, doi:10.1121/1.2016299",),
    equivalents=(
        same(
            "torch",
            "torch.nn.CrossEntropyLoss(ignore_index=-100 if ignore_index is None else ignore_index)"
            "(y_pred, y_true).exp()",
            shapes={"y_true": "N"},
            from_logits=True,
        ),
        same(
            "torchmetrics",
            "torchmetrics.text.Perplexity(ignore_index=ignore_index)(y_pred[None], y_true[None])",
            shapes={"y_true": "N"},
            from_logits=True,
        ),
        same("numpy", "np.exp(-np.mean(np.log(y_pred[np.arange(len(y_true)), y_true])))", shapes={"y_true": "N"}),
        ("others", "evaluate of Hugging Face: the mean over texts of the perplexity of each, not that of all tokens"),
    ),
)
def perplexity(
    y_true: ClassTarget,
    y_pred: ClassProbabilities,
    *,
    from_logits: Boolean = False,
    ignore_index: IgnoreIndex = None,
    eps: Epsilon = EPS,
) -> Array:
    """The exponential of the mean negative log-probability of the tokens that occurred.

    A model that is unsure among k equally likely tokens has a perplexity of k; 1 is the best. Per-sample losses are
    -log p of each token, in nats. Instead of labels and predictions it reads the log-probabilities of the tokens alone.
    Use: language models with the same vocabulary on the same text.
    Avoid: models that cut a text into different tokens (bits_per_byte).
    Pitfalls: the perplexity of a text is not the mean of the perplexities of its parts; it depends on the context that
    the model saw before each token.
    """
    return nats(y_true, y_pred, from_logits=from_logits, ignore_index=ignore_index, eps=eps)


perplexity.gradient(slope_of_nats)
perplexity.clipped(are_clipped)
perplexity.share_hooks(cross_entropy, "row_mask")
perplexity.form_properties(Property.NONE, *CLIPPED_TOKENS)


@perplexity.form
def _perplexity(log_prob: LogProbability) -> Array:
    return -log_prob + 0.0


@perplexity.gradient
def _(log_prob: Array) -> Array:
    """-1"""
    return -np.ones_like(log_prob)


perplexity.form_properties(BOUNDED_GRADIENT)


@token_loss(
    aliases=("bpt", "bits_per_character"),
    formula="-log2 p_t",
    unit="bit",
    references=("Shannon 1951, doi:10.1002/j.1538-7305.1951.tb01366.x",),
    equivalents=(
        same(
            "torch",
            "torch.nn.CrossEntropyLoss(ignore_index=-100 if ignore_index is None else ignore_index)"
            "(y_pred, y_true) / np.log(2)",
            shapes={"y_true": "N"},
            from_logits=True,
        ),
        same("numpy", "-np.mean(np.log2(y_pred[np.arange(len(y_true)), y_true]))", shapes={"y_true": "N"}),
    ),
)
def bits_per_token(
    y_true: ClassTarget,
    y_pred: ClassProbabilities,
    *,
    from_logits: Boolean = False,
    ignore_index: IgnoreIndex = None,
    eps: Epsilon = EPS,
) -> Array:
    """The mean negative log-probability of the tokens that occurred, in bits.

    It is cross_entropy divided by log 2, and 2 to its power is the perplexity. Instead of labels and predictions it
    reads the log-probabilities (natural logarithms) of the tokens alone.
    Use: how well a model compresses a text; where tokens are characters, bits per character.
    Avoid: models that cut a text into different tokens (bits_per_byte).
    Pitfalls: log-probabilities of base 2 must be multiplied by log 2 first.
    """
    return BITS_PER_NAT * nats(y_true, y_pred, from_logits=from_logits, ignore_index=ignore_index, eps=eps)


@bits_per_token.gradient
def _(y_true: Targets, y_pred: Array, *, from_logits: bool, ignore_index: int | None, eps: float) -> Array:
    """-t_c / (p_c log 2); from logits (softmax(s)_c - t_c) / log 2"""
    return BITS_PER_NAT * slope_of_nats(y_true, y_pred, from_logits=from_logits, ignore_index=ignore_index, eps=eps)


bits_per_token.share_hooks(perplexity, "row_mask", "clipped")
bits_per_token.form_properties(Property.NONE, *CLIPPED_TOKENS)


@bits_per_token.form
def _bits_per_token(log_prob: LogProbability) -> Array:
    return -BITS_PER_NAT * log_prob + 0.0


@bits_per_token.gradient
def _(log_prob: Array) -> Array:
    """-1 / log 2"""
    return np.full_like(log_prob, -BITS_PER_NAT)


bits_per_token.form_properties(BOUNDED_GRADIENT)


@token_loss(
    aliases=("bpb",),
    formula="sum -log2 p_t / sum bytes",
    unit="bit",
    references=("Gao et al. 2020, arXiv:2101.00027",),
    equivalents=(
        same(
            "numpy", "-np.sum(np.log2(y_pred[np.arange(len(y_true)), y_true])) / np.sum(bytes)", shapes={"y_true": "N"}
        ),
        ("others", "bits_per_byte of lm-evaluation-harness, of the same tokens"),
    ),
)
def bits_per_byte(
    y_true: ClassTarget,
    y_pred: ClassProbabilities,
    bytes: ByteCount,
    *,
    from_logits: Boolean = False,
    ignore_index: IgnoreIndex = None,
    eps: Epsilon = EPS,
) -> Array:
    """The bits that a model needs for each byte of a text.

    Per-sample losses are the bits of tokens, -log2 p; their sum is divided by the bytes of the text. Instead of labels
    and predictions it reads the log-probabilities (natural logarithms) of the tokens, beside their bytes.
    Use: models with different tokens, on the same text.
    Avoid: comparing different texts: some hold more information per byte.
    Pitfalls: bytes are those of the text of a token in UTF-8, not its characters; a token without text, such as the end
    of a text, has 0 bytes, and its bits count.
    """
    return BITS_PER_NAT * nats(y_true, y_pred, from_logits=from_logits, ignore_index=ignore_index, eps=eps)


@bits_per_byte.gradient
def _(
    y_true: Targets, y_pred: Array, bytes: Array, *, from_logits: bool, ignore_index: int | None, eps: float
) -> Array:
    """-t_c / (p_c log 2); from logits (softmax(s)_c - t_c) / log 2"""
    return BITS_PER_NAT * slope_of_nats(y_true, y_pred, from_logits=from_logits, ignore_index=ignore_index, eps=eps)


@bits_per_byte.clipped
def _(y_true: Targets, y_pred: Array, bytes: Array, *, from_logits: bool, ignore_index: int | None, eps: float) -> Mask:
    return are_clipped(y_true, y_pred, from_logits=from_logits, ignore_index=ignore_index, eps=eps)


@bits_per_byte.row_mask
def _(y_true: Targets, y_pred: Array, bytes: Array, *, ignore_index: int | None) -> Mask | None:
    """its label is not ignore_index"""
    return label_mask(y_true, ignore_index)


@bits_per_byte.denominator
def _(y_true: Targets, y_pred: Array, bytes: Array) -> Array:
    """the number of bytes, and all of them are 0"""
    return bytes


bits_per_byte.form_properties(Property.NONE, *CLIPPED_TOKENS)


@bits_per_byte.form
def _bits_per_byte(log_prob: LogProbability, bytes: ByteCount) -> Array:
    return -BITS_PER_NAT * log_prob + 0.0


@bits_per_byte.gradient
def _(log_prob: Array, bytes: Array) -> Array:
    """-1 / log 2"""
    return np.full_like(log_prob, -BITS_PER_NAT)


@bits_per_byte.denominator
def _(log_prob: Array, bytes: Array) -> Array:
    """the number of bytes, and all of them are 0"""
    return bytes


bits_per_byte.form_properties(BOUNDED_GRADIENT)

for token in (perplexity, bits_per_token, bits_per_byte):
    token.orders_like(order_of_cross_entropy)


# ------------------------------------------------------------------------------------------------ pairs of answers

LOG_RATIO = "((policy_chosen - policy_rejected) - (reference_chosen - reference_rejected))"


@loss(
    family="language",
    aliases=("direct_preference_optimization", "直接偏好优化"),
    formula="-(1 - label_smoothing) log sigmoid(beta h) - label_smoothing log sigmoid(-beta h)",
    symbols={
        "h": "(policy_chosen - policy_rejected) - (reference_chosen - reference_rejected): "
        "how much more the policy prefers the chosen answer than the reference does"
    },
    unit="nat",
    properties=CONVEX | SMOOTH | BOUNDED_GRADIENT,
    references=("Rafailov et al. 2023, arXiv:2305.18290", "Mitchell 2023, A note on DPO with noisy preferences"),
    equivalents=(
        same("torch", f"-torch.nn.functional.logsigmoid(beta * {LOG_RATIO})", label_smoothing=0.0),
        same("numpy", f"np.logaddexp(0, -beta * {LOG_RATIO})", label_smoothing=0.0),
        ("others", "TRL: DPOTrainer with loss_type='sigmoid', beta and label_smoothing"),
    ),
)
def dpo(
    policy_chosen: LogProbability,
    policy_rejected: LogProbability,
    reference_chosen: LogProbability,
    reference_rejected: LogProbability,
    *,
    beta: FinitePositive = 0.1,
    label_smoothing: Smoothing = 0.0,
) -> Array:
    """Direct preference optimization: whether a policy prefers the chosen answer more than its reference does.

    Each role is the log-probability of a whole answer: the sum over its tokens. A policy that equals its
    reference has a loss of log 2.
    Use: pairs of answers of which people chose one, for a policy that should stay near its reference.
    Avoid: scores of answers, without a reference (bpr).
    Pitfalls: it falls, too, where both answers become less likely; the value depends on beta: runs with
    different beta do not compare.
    """
    x = beta * log_ratio_gap(policy_chosen, policy_rejected, reference_chosen, reference_rejected)
    if not label_smoothing:
        return softplus(-x)
    return (1 - label_smoothing) * softplus(-x) + label_smoothing * softplus(x)


def log_ratio_gap(
    policy_chosen: Array, policy_rejected: Array, reference_chosen: Array, reference_rejected: Array
) -> Array:
    """Compute h, the preference of the policy less that of the reference."""
    return (policy_chosen - policy_rejected) - (reference_chosen - reference_rejected)


@dpo.gradient
def _(
    policy_chosen: Array,
    policy_rejected: Array,
    reference_chosen: Array,
    reference_rejected: Array,
    *,
    beta: float,
    label_smoothing: float,
) -> Array:
    """beta (label_smoothing sigmoid(beta h) - (1 - label_smoothing) sigmoid(-beta h))"""
    x = beta * log_ratio_gap(policy_chosen, policy_rejected, reference_chosen, reference_rejected)
    return beta * (label_smoothing * sigmoid(x) - (1 - label_smoothing) * sigmoid(-x))


# ---------------------------------------------------------------------------------------------- teacher and student


class Divergence(NamedTuple):
    """How far a student is from its teacher: p, the teacher's probabilities (N, C), and the divergence `kl` (N,).

    `x` (N, C) is log(p / q) less its mean under p, which is the divergence.
    """

    p: Array
    x: Array
    kl: Array


HOT = 1e140
"""A temperature at which the divergence of logits below COLD_LOGIT is at its limit; its square is still a float."""

COLD_LOGIT = 1e130


def soften(logits: Array, temperature: float) -> Array:
    """Compute log softmax(z/T); differences of large logits keep their digits."""
    return log_softmax(shift_down(logits, logits.max(axis=1)) / temperature)


def compare_logits(teacher: Array, student: Array, temperature: float) -> Divergence:
    """Compute the divergence of softmax(t/T) and softmax(s/T); nothing cancels where they are near each other.

    With x = log(p / q) less its mean under p, KL is log sum_c p_c exp(-x_c), and that sum is 1 plus the sum of
    p_c (exp(-x_c) - 1 + x_c), whose terms are not negative.
    """
    rows, top = np.arange(len(teacher)), teacher.argmax(axis=1)
    log_p = soften(teacher, temperature)
    p = np.exp(log_p)

    def relative(values: Array) -> Array:
        """Subtract the value of the teacher's class; 0 there, also where it is infinite."""
        gaps = np.asarray(values - values[rows, top][:, None])
        gaps[rows, top] = 0.0
        return gaps / temperature

    gaps = relative(np.where(teacher == student, 0.0, teacher - student))
    mean = weigh(p, gaps).sum(axis=1)
    x = gaps - mean[:, None]
    log_q = relative(student) + (log_p[rows, top] + mean)[:, None]
    terms = np.exp(log_q) - p + weigh(p, x)
    terms = where_compute(terms, np.abs(x) < 1, lambda p, x: p * expm1_minus_x(-x), p, x)
    beyond = terms.sum(axis=1)
    kl = np.where(beyond < 1, np.log1p(beyond), log_sum_exp(log_q))
    return Divergence(p, x, np.where(np.isinf(mean), np.inf, kl))


@loss(
    family="language",
    aliases=("kd", "knowledge_distillation", "知识蒸馏"),
    formula="T² sum_c p_c log(p_c / q_c), p = softmax(teacher/T), q = softmax(student/T)",
    symbols={"T": "temperature", "c": "a class"},
    unit="nat",
    properties=CONVEX | SMOOTH | BOUNDED_GRADIENT,
    references=("Hinton, Vinyals & Dean 2015, arXiv:1503.02531",),
    equivalents=(
        same(
            "torch",
            "temperature**2 * torch.nn.functional.kl_div(torch.log_softmax(student / temperature, 1), "
            "torch.log_softmax(teacher / temperature, 1), log_target=True, reduction='batchmean')",
        ),
        same(
            "scipy",
            "temperature**2 * scipy.stats.entropy(scipy.special.softmax(teacher / temperature, 1), "
            "scipy.special.softmax(student / temperature, 1), axis=1)",
        ),
        ("paper", "Hinton et al. add the cross-entropy of the labels, with a weight of its own"),
    ),
)
def distillation(teacher: Scores, student: Scores, *, temperature: FinitePositive = 2.0) -> Array:
    """The divergence of a student's softened class probabilities from its teacher's, times the squared temperature.

    Both roles are logits. A temperature above 1 makes the small probabilities count; its square keeps the gradients as
    large as without it.
    Use: to tell how well a small model follows a large one.
    Avoid: probabilities (kl).
    Pitfalls: values at different temperatures cannot be compared; a student that copies a bad teacher has a loss of
    0.
    """
    if temperature > HOT and max(np.abs(teacher).max(initial=0), np.abs(student).max(initial=0)) < COLD_LOGIT:
        temperature = HOT
    return temperature * (temperature * compare_logits(teacher, student, temperature).kl)


@distillation.gradient
def _(teacher: Array, student: Array, *, temperature: float) -> Array:
    """T (softmax(student/T) - softmax(teacher/T)), by the logits"""
    p, x, kl = compare_logits(teacher, student, temperature)
    gap = np.exp(soften(student, temperature)) - p
    near = (np.abs(x) < 1) & (kl < 1)[:, None]
    return temperature * where_compute(gap, near, lambda p, ratio: p * np.expm1(-ratio), p, x + kl[:, None])
