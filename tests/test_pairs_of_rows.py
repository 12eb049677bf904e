"""Losses of all pairs of rows, against their definitions on whole matrices: tiles, classes across tiles, gradients."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

import losscli
from losscli.losses._tiles import TILE, LogSumExp

Values = np.ndarray

ROWS = TILE + 40
RNG = np.random.default_rng(11)
X, OTHER = RNG.normal(size=(2, ROWS, 6))
LABELS = np.where(RNG.random(ROWS) < 0.4, 7, RNG.integers(0, 300, ROWS))  # one large class, some with a single row


def unit(x: Values) -> Values:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def log_softmax(z: Values) -> Values:
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def supcon(labels: Values, x: Values) -> Values:
    z = unit(x) @ unit(x).T / 0.1
    np.fill_diagonal(z, -np.inf)
    alike = (labels[:, None] == labels) & ~np.eye(len(x), dtype=bool)
    return -np.where(alike, log_softmax(z), 0.0).sum(axis=1) / np.maximum(alike.sum(axis=1), 1)


def info_nce(anchor: Values, positive: Values) -> Values:
    return -np.diagonal(log_softmax(unit(anchor) @ unit(positive).T / 0.1))


def n_pair(anchor: Values, positive: Values) -> Values:
    return -np.diagonal(log_softmax(anchor @ positive.T))


def ntxent(anchor: Values, positive: Values) -> Values:
    views = np.concatenate([anchor, positive])
    return supcon(np.tile(np.arange(len(anchor)), 2), views).reshape(2, -1).mean(axis=0)


def multi_similarity(labels: Values, x: Values) -> Values:
    s, same = unit(x) @ unit(x).T, labels[:, None] == labels
    positive = np.where(same & ~np.eye(len(x), dtype=bool), np.exp(-2 * (s - 0.5)), 0.0)
    return np.log1p(positive.sum(axis=1)) / 2 + np.log1p(np.where(same, 0.0, np.exp(50 * (s - 0.5))).sum(axis=1)) / 50


def circle(labels: Values, x: Values) -> Values:
    s, same = unit(x) @ unit(x).T, labels[:, None] == labels
    positive = np.where(same & ~np.eye(len(x), dtype=bool), np.exp(2 * np.maximum(1.4 - s, 0) * (0.6 - s)), 0.0)
    negative = np.where(same, 0.0, np.exp(2 * np.maximum(s + 0.4, 0) * (s - 0.4)))
    return np.log1p(positive.sum(axis=1) * negative.sum(axis=1))


DEFINITIONS: dict[str, tuple[Callable[[Values, Values], Values], Values, Values]] = {
    "info_nce": (info_nce, X, OTHER),
    "n_pair": (n_pair, X, OTHER),
    "ntxent": (ntxent, X, OTHER),
    "supcon": (supcon, LABELS, X),
    "multi_similarity": (multi_similarity, LABELS, X),
    "circle:gamma=2": (circle, LABELS, X),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_tiles_give_what_the_whole_matrix_gives(name: str) -> None:
    definition, first, second = DEFINITIONS[name]
    np.testing.assert_allclose(losscli.get_loss(name)(first, second), definition(first, second), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_gradients_across_tiles_are_slopes_of_the_sum(name: str) -> None:
    _, first, second = DEFINITIONS[name]
    loss, is_view = losscli.get_loss(name), first is X
    gradient, step = loss.gradient(first, second), 1e-5
    move = np.zeros_like(X)
    move[[3, TILE + 1]] = step * np.array([[1, -2, 3, 1, 0, -1], [2, 0, 1, 1, -1, 3]])
    ends = [loss(X + m, second) if is_view else loss(first, X + m) for m in (move, -move)]
    assert (gradient * move).sum() == pytest.approx((ends[0] - ends[1]).sum() / 2, rel=1e-6, abs=1e-9 * step)


def torch_loss(name: str, torch: object, first: object, second: object) -> object:
    f = torch.nn.functional  # type: ignore[attr-defined]
    if name == "info_nce":
        z = f.normalize(first) @ f.normalize(second).T / 0.1
        return f.cross_entropy(z, torch.arange(len(z)), reduction="sum")  # type: ignore[attr-defined]
    x = torch.cat([first, second]) if name == "ntxent" else second  # type: ignore[attr-defined]
    labels = torch.arange(len(first)).repeat(2) if name == "ntxent" else first  # type: ignore[attr-defined, arg-type]
    own = torch.eye(len(x), dtype=torch.bool)  # type: ignore[attr-defined]
    log_p = (f.normalize(x) @ f.normalize(x).T / 0.1).masked_fill(own, -torch.inf).log_softmax(1)  # type: ignore[attr-defined]
    alike = (labels[:, None] == labels) & ~own  # type: ignore[index]
    losses = -log_p.masked_fill(~alike, 0).sum(1) / alike.sum(1).clamp(min=1)
    return losses.sum() / (2 if name == "ntxent" else 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["info_nce", "ntxent", "supcon"])
def test_gradients_are_those_of_torch(name: str) -> None:
    torch = pytest.importorskip("torch")
    _, first, second = DEFINITIONS[name]
    tensors = [torch.from_numpy(first[: TILE + 9].copy()), torch.from_numpy(second[: TILE + 9].copy())]
    of = tensors[1 if name == "supcon" else 0].requires_grad_()
    torch_loss(name, torch, *tensors).backward()
    found = losscli.get_loss(name).gradient(first[: TILE + 9], second[: TILE + 9])
    np.testing.assert_allclose(found, of.grad.numpy(), rtol=1e-9, atol=1e-12)


def triplet_losses(labels: Values, x: Values, mining: str, margin: float) -> Values:
    d = np.square(x[:, None] - x).sum(axis=2)
    losses = []
    for i, row in enumerate(d):
        near, far = row[(labels == labels[i]) & (np.arange(len(x)) != i)], row[labels != labels[i]]
        if not len(near):
            losses.append(0.0)
        elif mining == "hard":
            losses.append(max(0.0, near.max() - far.min() + margin))
        elif mining == "all":
            losses.append(np.maximum(near[:, None] - far + margin, 0.0).mean())
        else:
            chosen = np.where(far > near[:, None], far, np.inf).min(axis=1)
            chosen[np.isinf(chosen)] = far.max()
            losses.append(np.maximum(near - chosen + margin, 0.0).mean())
    return np.array(losses)


@pytest.mark.parametrize("mining", ["hard", "semihard", "all"])
def test_mined_triplets_across_blocks_are_those_of_all_distances(mining: str) -> None:
    labels, x = LABELS[:540], X[:540].copy()
    x[50:100] = x[:50]  # some with another label: ties
    x[100:110] = x[110:120] + 1e-7  # near rows, where products would cancel
    loss = losscli.get_loss(f"triplet_mined:mining={mining}:margin=0.3")
    np.testing.assert_allclose(loss(labels, x), triplet_losses(labels, x, mining, 0.3), rtol=1e-12, atol=1e-13)
    gradient, move = loss.gradient(labels, X[:540]), 1e-6 * np.ones(6)
    ends = [loss(labels, np.where(np.arange(540)[:, None] == 3, X[:540] + m, X[:540])) for m in (move, -move)]
    assert gradient[3] @ move == pytest.approx((ends[0] - ends[1]).sum() / 2, rel=1e-5)


def test_near_rows_have_exact_distances() -> None:
    x = X[:40] + 1e4 * np.array([1, 0, 0, 0, 0, 0])  # all products cancel
    loss = losscli.get_loss("triplet_mined:mining=hard:margin=0")
    np.testing.assert_allclose(loss(LABELS[:40], x), triplet_losses(LABELS[:40], x, "hard", 0.0), rtol=1e-13)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e8])
def test_a_running_log_sum_exp_is_that_of_all_columns(scale: float) -> None:
    z = scale * RNG.normal(size=(5, 30))
    z[0], z[1, :12], z[2, 20], z[3, 4] = -np.inf, -np.inf, np.inf, -np.inf
    running = LogSumExp(5)
    top = np.where(np.isfinite(z.max(axis=1)), z.max(axis=1), 0.0)
    with np.errstate(all="ignore"):
        for start, stop in ((0, 7), (7, 12), (12, 25), (25, 30)):
            running.add(slice(0, 5), z[:, start:stop].copy())
        np.testing.assert_allclose(running.above(0.0), top + np.log(np.exp(z - top[:, None]).sum(axis=1)), rtol=1e-14)


def test_memory_does_not_grow_with_pairs_whatever_else_is_evaluated() -> None:
    rows = 2000
    anchor, positive = RNG.normal(size=(2, rows, 8))
    tracemalloc.start()
    losscli.compute(["info_nce", "n_pair"], anchor=anchor, positive=positive)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < rows * rows * 8 / 2


def test_a_class_head_of_several_blocks_is_that_of_each_row() -> None:
    weights = RNG.normal(size=(TILE + 30, 6))
    labels = RNG.integers(0, len(weights), ROWS)
    loss = losscli.get_loss("arcface")
    some = np.arange(0, ROWS, 97)
    np.testing.assert_allclose(loss(labels, X, weights)[some], loss(labels[some], X[some], weights), rtol=1e-13)
    z = 64 * unit(X) @ unit(weights).T
    own = np.arange(ROWS), labels
    theta = np.arccos(z[own] / 64)
    z[own] = 64 * np.where(theta + 0.5 > np.pi, np.cos(theta) - 0.5 * np.sin(0.5), np.cos(theta + 0.5))
    np.testing.assert_allclose(loss(labels, X, weights), -log_softmax(z)[own], rtol=1e-9)
