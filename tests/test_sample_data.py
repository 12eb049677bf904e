"""Losses on the sample data against a computation of their own: textbook formulas, slopes by differences."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from tests.conftest import SAMPLE_DATA, Cli

Arrays = dict[str, np.ndarray]
PerSample = Callable[[np.ndarray, np.ndarray, Arrays], np.ndarray]
"""The loss of each row, by the truth (or the anchor, or the first vector), what is differentiated, and all arrays."""


def softmax(scores: np.ndarray) -> np.ndarray:
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def of_label(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return rows[np.arange(len(rows)), labels.astype(int)]


def squared_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return ((a - b) ** 2).sum(axis=1)


def log_likelihood(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.where(y == 1, np.log(p), np.log(1 - p))


def huber(y: np.ndarray, p: np.ndarray, _: Arrays) -> np.ndarray:
    return np.where(abs(p - y) <= 1, (p - y) ** 2 / 2, abs(p - y) - 0.5)


def focal(y: np.ndarray, p: np.ndarray, _: Arrays) -> np.ndarray:
    p_t = np.where(y == 1, p, 1 - p)
    return -np.where(y == 1, 0.25, 0.75) * (1 - p_t) ** 2 * np.log(p_t)


def mse(y: np.ndarray, p: np.ndarray, _: Arrays) -> np.ndarray:
    return ((p - y) ** 2).reshape(len(y), -1).mean(axis=1)


def cross_entropy(y: np.ndarray, p: np.ndarray, _: Arrays) -> np.ndarray:
    return -np.log(of_label(p, y))


def contrastive(y: np.ndarray, x1: np.ndarray, arrays: Arrays) -> np.ndarray:
    d = np.sqrt(squared_distance(x1, arrays["x2"]))
    return np.where(y == 1, d**2, np.maximum(0, 1 - d) ** 2)


def triplet(_: np.ndarray, anchor: np.ndarray, arrays: Arrays) -> np.ndarray:
    near, far = (squared_distance(anchor, arrays[role]) for role in ("positive", "negative"))
    return np.maximum(0, near - far + 0.2)


def cosine_similarity(y: np.ndarray, p: np.ndarray, _: Arrays) -> np.ndarray:
    return -(y * p).sum(axis=1) / np.linalg.norm(y, axis=1) / np.linalg.norm(p, axis=1)


FORMULAS: dict[str, PerSample] = {
    "mse": mse,
    "rmse": mse,
    "mae": lambda y, p, _: abs(p - y),
    "huber": huber,
    "smooth_l1": huber,
    "log_cosh": lambda y, p, _: np.logaddexp(p - y, y - p) - np.log(2),
    "quantile": lambda y, p, _: abs(p - y) / 2,
    "bce": lambda y, p, _: -log_likelihood(y, p),
    "bce:from_logits=true": lambda y, s, _: -log_likelihood(y, 1 / (1 + np.exp(-s))),
    "focal": focal,
    "hinge": lambda y, s, _: np.maximum(0, 1 - (2 * y - 1) * s),
    "cross_entropy": cross_entropy,
    "sparse_cross_entropy": cross_entropy,
    "softmax_loss": lambda y, s, _: -np.log(of_label(softmax(s), y)),
    "kl": lambda p, q, _: (p * np.log(p / q)).sum(axis=1),
    "contrastive": contrastive,
    "triplet": triplet,
    "cosine_similarity": cosine_similarity,
}


def read_columns(name: str) -> Arrays:
    with (SAMPLE_DATA / name).open() as file:
        header, *rows = csv.reader(file)
    return {column: np.array(cells) for column, cells in zip(header, zip(*rows, strict=True), strict=True)}


def numbers(name: str) -> Arrays:
    columns = read_columns(name)
    return {role: columns[role].astype(float) for role in ("y_true", "y_pred")}


def scores() -> Arrays:
    columns = json.loads((SAMPLE_DATA / "breast_cancer.json").read_text())
    return {role: np.array(values) for role, values in columns.items()}


def classes() -> Arrays:
    columns = read_columns("wine.csv")
    names = [f"class_{i}" for i in range(3)]
    labels = np.array([names.index(label) for label in columns["y_true"]])
    return {"y_true": labels, "y_pred": np.stack([columns[f"prob_{name}"].astype(float) for name in names], axis=1)}


def arrays_of(name: str) -> Arrays:
    with np.load(SAMPLE_DATA / name) as archive:
        return dict(archive)


def same_distributions() -> Arrays:
    q = arrays_of("wine.npz")["y_pred"]
    return {"y_true": q, "y_pred": q}


def vectors() -> Arrays:
    arrays = arrays_of("digits_triplets.npz")
    return {"y_true": arrays["anchor"], "y_pred": arrays["positive"]}


class Example(NamedTuple):
    """What to type after `losscli compute`, the arrays of the data, and the role that gradients are by."""

    words: str
    load: Callable[[], Arrays]
    gradient_role: str = "y_pred"


RESIDUAL_LOSSES = "mse,rmse,mae,huber,smooth_l1,log_cosh,quantile"
EXAMPLES = {
    "regression": Example(
        "mse,rmse,mae,huber,smooth_l1,log_cosh,quantile diabetes.csv", lambda: numbers("diabetes.csv")
    ),
    "binary": Example("bce,focal breast_cancer.csv", lambda: numbers("breast_cancer.csv")),
    "scores": Example("hinge,bce:from_logits=true breast_cancer.json", scores),
    "classes": Example("cross_entropy,sparse_cross_entropy,softmax_loss wine.csv", classes),
    "classes by number": Example("cross_entropy wine.npz", lambda: arrays_of("wine.npz")),
    "divergence": Example("kl wine.npz --column y_true=y_pred", same_distributions),
    "pairs": Example("contrastive digits_pairs.npz", lambda: arrays_of("digits_pairs.npz"), "x1"),
    "triplets": Example("triplet digits_triplets.npz", lambda: arrays_of("digits_triplets.npz"), "anchor"),
    "vectors": Example("cosine_similarity,mse digits_triplets.npz --true anchor --pred positive", vectors),
}

every_example = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)


def run_example(example: Example, cli: Cli, *options: str) -> list[dict[str, str]]:
    losses, data, *more = example.words.split()
    result = cli("compute", losses, str(SAMPLE_DATA / data), *more, *options)
    assert result.status == 0, result.err
    header, *rows = csv.reader(io.StringIO(result.out), delimiter="\t")
    return [dict(zip(header, row, strict=True)) for row in rows]


def expected_losses(example: Example) -> dict[str, np.ndarray]:
    arrays = example.load()
    role = example.gradient_role
    truth = arrays.get("y_true", arrays[role])
    return {name: FORMULAS[name](truth, arrays[role], arrays) for name in example.words.split()[0].split(",")}


@every_example
def test_statistics(example: Example, cli: Cli) -> None:
    rows = run_example(example, cli)
    expected = expected_losses(example)
    assert [row["loss"] for row in rows] == list(expected)
    for row in rows:
        values = expected[row["loss"]]
        mean = values.mean()
        statistics = {
            "n": len(values),
            "value": np.sqrt(mean) if row["loss"] == "rmse" else mean,
            "std": values.std(),
            "min": values.min(),
            "median": np.median(values),
            "p95": np.quantile(values, 0.95),
            "max": values.max(),
            "sum": values.sum(),
        }
        assert set(row) == {"loss", *statistics}
        found = {name: float(row[name]) for name in statistics}
        assert found == pytest.approx(statistics, rel=1e-9, abs=1e-12), row["loss"]


@every_example
def test_per_sample_values(example: Example, cli: Cli) -> None:
    rows = run_example(example, cli, "--per-sample")
    assert [int(row["row"]) for row in rows] == list(range(1, len(rows) + 1))
    for name, values in expected_losses(example).items():
        np.testing.assert_allclose([float(row[name]) for row in rows], values, rtol=1e-9, atol=1e-12, err_msg=name)


@every_example
def test_top_rows(example: Example, cli: Cli) -> None:
    rows = run_example(example, cli, "--top", "2")
    expected = expected_losses(example)
    largest = np.argsort(-next(iter(expected.values())), kind="stable")[:2]  # by the first loss
    assert [int(row["row"]) - 1 for row in rows] == largest.tolist()
    for name, values in expected.items():
        np.testing.assert_allclose([float(row[name]) for row in rows], values[largest], rtol=1e-9, atol=1e-12)


@every_example
def test_gradients(example: Example, cli: Cli) -> None:
    role = example.gradient_role
    rows = run_example(example, cli, "--gradient")
    arrays = example.load()
    by = arrays[role].astype(float)
    truth = arrays.get("y_true", by)
    elements = by.reshape(len(by), -1).shape[1]
    for name in example.words.split()[0].split(","):
        columns = [f"{name}.gradient"] if by.ndim == 1 else [f"{name}.gradient_{i}" for i in range(elements)]
        for i, column in enumerate(columns):
            step = np.zeros_like(by)
            step[(slice(None), i) if by.ndim > 1 else slice(None)] = 1e-6 * np.abs(by if by.ndim == 1 else by[:, i])
            above, below = (FORMULAS[name](truth, by + sign * step, arrays) for sign in (1, -1))
            width = 2 * step.max(axis=1) if by.ndim > 1 else 2 * step
            found = np.array([float(row[column]) for row in rows])
            moved = width > 0
            assert moved.sum() > 0.9 * len(rows)
            slope = (above - below)[moved] / width[moved]
            np.testing.assert_allclose(found[moved], slope, rtol=2e-4, atol=2e-6, err_msg=column)
