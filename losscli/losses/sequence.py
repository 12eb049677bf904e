"""Losses of sequences without a known alignment to their targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.checks import Refusal, Remark
from losscli.declaration.domains import Array, FrameCounts, Frames, Mask, Position, SymbolCounts, Symbols
from losscli.declaration.equivalent import same, unlike
from losscli.declaration.loss import loss
from losscli.declaration.properties import Property
from losscli.errors import UsageError
from losscli.losses._classes import NOT_NORMALIZED_NOTE, unnormalized_rows
from losscli.messages import Hint

Integers = NDArray[np.int64]
Blank = Position


class Lattice(NamedTuple):
    """States of a path: blank, first symbol, blank, second symbol, ..., blank.

    `state` (N, L) holds their classes, `skips` (N, L) whether a path may skip the blank before a state, `emitted`
    (T, N, L) log-probabilities of states in frames, `end` (N,) the last state of each target.
    """

    state: Integers
    skips: Mask
    emitted: Array
    end: Integers


def build_lattice(log_probs: Array, targets: Integers, target_lengths: Integers, blank: int) -> Lattice:
    """Build the lattice of each target; states beyond its end have no successors."""
    rows, symbols = targets.shape
    used = np.arange(symbols) < target_lengths[:, None]
    state = np.full((rows, 2 * symbols + 1), blank)
    state[:, 1::2] = np.where(used, targets, blank)
    skips = np.zeros(state.shape, dtype=bool)
    skips[:, 2:] = (state[:, 2:] != blank) & (state[:, 2:] != state[:, :-2])
    emitted = np.take_along_axis(log_probs, state[:, None, :], axis=2).transpose(1, 0, 2)
    return Lattice(state, skips, emitted, 2 * target_lengths)


def shift_later(x: Array, by: int) -> Array:
    """Return x of the state `by` states before; -inf if there is none."""
    moved = np.full_like(x, -np.inf)
    moved[:, by:] = x[:, : x.shape[1] - by]
    return moved


def shift_earlier(x: Array, by: int) -> Array:
    """Return x of the state `by` states after; -inf if there is none."""
    return shift_later(x[:, ::-1], by)[:, ::-1]


def iter_forward(paths: Lattice) -> Iterator[Array]:
    """Yield alpha_t(s) = log p of all paths in state s at frame t: one (N, L) array per frame."""
    alpha = np.full(paths.state.shape, -np.inf)
    alpha[:, :2] = paths.emitted[0][:, :2]
    yield alpha
    for emitted in paths.emitted[1:]:
        over = np.where(paths.skips, shift_later(alpha, 2), -np.inf)
        alpha = np.logaddexp(np.logaddexp(alpha, shift_later(alpha, 1)), over) + emitted
        yield alpha


def iter_backward(paths: Lattice, input_lengths: Integers) -> Iterator[Array]:
    """Yield beta_t(s) = log p of everything after state s at frame t, from the last frame to the first."""
    states = np.arange(paths.state.shape[1])
    ends = (states == paths.end[:, None]) | (states == paths.end[:, None] - 1)
    beta = np.full(paths.state.shape, -np.inf)
    skips = np.zeros_like(paths.skips)
    skips[:, :-2] = paths.skips[:, 2:]
    for t in reversed(range(len(paths.emitted))):
        if t + 1 < len(paths.emitted):
            ahead = beta + paths.emitted[t + 1]
            over = np.where(skips, shift_earlier(ahead, 2), -np.inf)
            beta = np.logaddexp(np.logaddexp(ahead, shift_earlier(ahead, 1)), over)
        last = np.equal(input_lengths - 1, t)[:, None]
        beta = np.where(last, np.where(ends, 0.0, -np.inf), beta)
        yield beta


def log_total(paths: Lattice, alpha: Array) -> Array:
    """Compute log p of all paths that end in one of the last two states."""
    rows = np.arange(len(alpha))
    before = np.where(paths.end > 0, alpha[rows, np.maximum(paths.end - 1, 0)], -np.inf)
    return np.logaddexp(alpha[rows, paths.end], before)


@loss(
    aliases=("CTC 损失", "连接时序分类", "联结时序分类", "连接主义时间分类"),
    family="multiclass",
    formula="-log sum over all paths that give the target, of prod_t p_t; repeats are merged, then blanks dropped",
    symbols={
        "p": "probabilities: exp(log_probs)",
        "t": "a frame",
        "c": "a class",
        "s": "a place in the target with blanks between its symbols",
        "alpha": "the logarithm of the probability of all beginnings of paths that are at s in frame t",
        "beta": "the logarithm of the probability of all ends of paths from there",
    },
    unit="nat",
    properties=Property.DIFFERENTIABLE | Property.BOUNDED_GRADIENT,
    references=("Graves et al. 2006, doi:10.1145/1143844.1143891",),
    equivalents=(
        same(
            "torch",
            "torch.nn.CTCLoss(blank, 'none')(log_probs.transpose(0, 1), targets, input_lengths, target_lengths)",
            unlike(
                "its gradient is that by the logits",
                [[[0.367879, -0.367879]]],
                gradient=True,
                log_probs=[[[-1.0, -0.4586751453870819]]],
                targets=[[1]],
                input_lengths=[1],
                target_lengths=[1],
            ),
        ),
        same("keras", "keras.losses.CTC()(targets, log_probs)", data="full lengths"),
        same(
            "optax",
            "optax.losses.ctc_loss(log_probs, np.arange(log_probs.shape[1]) >= input_lengths[:, None], "
            "targets, np.arange(targets.shape[1]) >= target_lengths[:, None], blank_id=blank)",
            rtol=1e-6,
        ),
    ),
)
def ctc(
    log_probs: Frames, targets: Symbols, input_lengths: FrameCounts, target_lengths: SymbolCounts, *, blank: Blank = 0
) -> Array:
    """Connectionist temporal classification: the likelihood of a target over all alignments with the frames.

    log_probs has a row of C log-probabilities for each of T frames. Frames beyond input_lengths and symbols beyond
    target_lengths are ignored. A target that does not fit into its frames costs inf.
    Use: speech or handwriting without known alignment of symbols and frames.
    Avoid: when the alignment is known (cross_entropy per frame).
    Pitfalls: longer targets cost more, and the mean does not divide by their length; a repeated symbol needs a blank
    frame in between.
    """
    paths = build_lattice(log_probs, targets, target_lengths, blank)
    likelihood = np.where(target_lengths == 0, 0.0, -np.inf)  # the value without frames
    for t, alpha in enumerate(iter_forward(paths)):
        likelihood = np.where(t == input_lengths - 1, log_total(paths, alpha), likelihood)
    return -likelihood + 0.0


@ctc.gradient
def _(log_probs: Array, targets: Integers, input_lengths: Integers, target_lengths: Integers, *, blank: int) -> Array:
    """minus the probability, given the target, that frame t is class c: -sum_{s is c} exp(alpha + beta - log p)"""
    paths = build_lattice(log_probs, targets, target_lengths, blank)
    alphas = list(iter_forward(paths))
    slope = np.zeros_like(log_probs)
    rows = np.arange(len(log_probs))[:, None]
    frames = reversed(range(len(alphas)))
    for alpha, t, beta in zip(reversed(alphas), frames, iter_backward(paths, input_lengths), strict=True):
        both = alpha + beta
        likelihood = np.logaddexp.reduce(both, axis=1, keepdims=True)
        share = np.where(np.isneginf(likelihood), 0.0, np.exp(both - likelihood))
        np.subtract.at(slope[:, t], (rows, paths.state), share)
    return slope


@ctc.warn
def _(log_probs: Array, targets: Integers, input_lengths: Integers, target_lengths: Integers) -> Iterator[Remark]:
    """Warn of frames within input_lengths that are not log-probabilities."""
    rows, frames, classes = log_probs.shape
    odd = unnormalized_rows(log_probs.reshape(-1, classes)).reshape(rows, frames)
    used = np.arange(frames) < input_lengths[:, None]
    yield Remark("log_probs", (odd & used).any(axis=1), NOT_NORMALIZED_NOTE)


@ctc.validate
def _(
    log_probs: Array, targets: Integers, input_lengths: Integers, target_lengths: Integers, *, blank: int
) -> Iterator[Refusal]:
    """Check that symbols within target_lengths are classes other than the blank."""
    classes = log_probs.shape[2]
    if blank >= classes:
        raise UsageError(f"ctc: blank={blank}, but log_probs has the classes 0..{classes - 1}")
    used = np.arange(targets.shape[1]) < target_lengths[:, None]
    unknown = (targets < 0) | (targets >= classes)
    yield Refusal("targets", used & unknown, f"is not a class 0..{classes - 1}")
    yield Refusal("targets", used & (targets == blank), "is the blank", Hint.SET_BLANK)
