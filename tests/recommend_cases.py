"""Kinds of data that losses are recommended for: arrays by role."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Arrays = dict[str, np.ndarray]


def softmax(s: np.ndarray) -> np.ndarray:
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _regression(noise: Callable[[np.random.Generator, int], np.ndarray], n: int = 400) -> Arrays:
    rng = np.random.default_rng(5)
    y = rng.normal(size=n) * 10
    return {"y_true": y, "y_pred": y + noise(rng, n)}


def _contaminated(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.where(np.arange(n) % 10 == 0, 50 + rng.normal(size=n), rng.normal(size=n))


def _means(rng: np.random.Generator, n: int = 3000) -> np.ndarray:
    return np.exp(rng.normal(1.5, 1, size=n))


def _counts_per_exposure() -> Arrays:
    rng = np.random.default_rng(21)
    exposure, rate = rng.integers(1, 5, size=400) / 2.0, np.exp(rng.normal(size=400) * 0.5)
    return {"y_true": rng.poisson(rate * exposure) / exposure, "y_pred": rate, "weight": exposure}


def _rain() -> Arrays:
    rng = np.random.default_rng(22)
    mean = np.exp(rng.normal(size=1500))
    amounts = rng.gamma(2.0, mean / 2, size=1500) / 0.7
    return {"y_true": np.where(rng.random(1500) < 0.3, 0.0, amounts), "y_pred": mean}


def _counts() -> Arrays:
    rng = np.random.default_rng(6)
    mean = _means(rng)
    return {"y_true": rng.poisson(mean).astype(float), "y_pred": mean}


def _amounts(shape: float = 2.0) -> Arrays:
    rng = np.random.default_rng(7)
    mean = _means(rng)
    return {"y_true": rng.gamma(shape, mean / shape), "y_pred": mean}


def _claims() -> Arrays:
    rng = np.random.default_rng(8)
    mean = _means(rng, 10_000)
    number = rng.poisson(mean**0.5)  # a Tweedie distribution of power 1.5
    return {"y_true": rng.gamma(np.maximum(number, 1e-9), mean**0.5) * (number > 0), "y_pred": mean}


def _mostly_zero() -> Arrays:
    rng = np.random.default_rng(8)
    mean = rng.uniform(0.5, 2, size=2000)
    return {"y_true": rng.gamma(1.0, mean / 0.4, size=2000) * (rng.random(2000) < 0.4), "y_pred": mean}


def _half_zero(outliers: float) -> Arrays:
    """Amounts, 60 % of them 0, with normal errors and a share of outliers at 6 standard deviations."""
    rng = np.random.default_rng(15)
    y = np.where(rng.random(1000) < 0.6, 0.0, rng.uniform(5, 9, size=1000))
    return {"y_true": y, "y_pred": y + rng.normal(size=1000) + 6.0 * (rng.random(1000) < outliers)}


def _binary(rate: float = 0.4, logits: bool = False, sign: bool = False, n: int = 2000) -> Arrays:
    rng = np.random.default_rng(9)
    s = rng.normal(size=n) * 2 + np.log(rate / (1 - rate))
    y = (rng.random(n) < 1 / (1 + np.exp(-s))).astype(float)
    return {"y_true": 2 * y - 1 if sign else y, "y_pred": s if logits else 1 / (1 + np.exp(-s))}


def _classes(kind: str = "probabilities", uneven: bool = False, one_hot: bool = False) -> Arrays:
    rng = np.random.default_rng(10)
    s = rng.normal(size=(600, 4)) * 2 + (np.array([3.0, 0, 0, -1]) if uneven else 0.0)
    p = softmax(s)
    y = np.array([rng.choice(4, p=row) for row in p]).astype(float)
    given = {"probabilities": p, "logits": s, "logs": np.log(p)}[kind]
    return {"y_true": np.eye(4)[y.astype(int)] if one_hot else y, "y_pred": given}


def _labels(logits: bool = False, rate: float = 0.3) -> Arrays:
    rng = np.random.default_rng(11)
    s = rng.normal(size=(500, 5)) + np.log(rate / (1 - rate))
    p = 1 / (1 + np.exp(-s))
    return {"y_true": (rng.random((500, 5)) < p).astype(float), "y_pred": s if logits else p}


def _distributions(logits: bool = False, zeros: bool = False) -> Arrays:
    rng = np.random.default_rng(12)
    p, q = rng.dirichlet(np.ones(5), size=(2, 100))
    if zeros:
        q[:, 0] = 0
        q /= q.sum(axis=1, keepdims=True)
    return {"y_true": p, "y_pred": np.log(q) + 3 if logits else q}


def _one_distribution() -> Arrays:
    p, q = np.random.default_rng(13).dirichlet(np.ones(30), size=2)
    return {"y_true": p, "y_pred": q}


def _with(arrays: Arrays, **more: np.ndarray) -> Arrays:
    return arrays | more


def _few(n: int) -> Arrays:
    return {"y_true": np.arange(float(n)), "y_pred": np.arange(float(n)) ** 2 + 1}


def _stuck() -> Arrays:
    y = np.arange(60.0) - 7
    return {"y_true": y, "y_pred": np.where(np.arange(60) % 3 == 0, y + 5, y)}


def _certain() -> Arrays:
    arrays = _binary()
    return arrays | {"y_pred": np.where(np.arange(2000) == 3, 1 - arrays["y_true"], arrays["y_pred"])}


def _whole(low: int, high: int, spread: float) -> Arrays:
    rng = np.random.default_rng(20)
    y = rng.integers(low, high, size=500).astype(float)
    return {"y_true": y, "y_pred": np.maximum(y + spread * rng.normal(size=500), 0.5)}


def _boxes() -> Arrays:
    rng = np.random.default_rng(14)
    corner = rng.uniform(size=(50, 2))
    y = np.hstack([corner, corner + rng.uniform(0.5, 1, size=(50, 2))])
    return {"y_true": y, "y_pred": y + rng.normal(size=(50, 4)) * 0.05}


def _vectors(n: int = 60, classes: int = 6, length: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels (n,), vectors (n, 5) near the prototype of their class, and prototypes (classes, 5)."""
    rng = np.random.default_rng(16)
    weights = rng.normal(size=(classes, 5))
    labels = np.arange(n) % classes
    x = weights[labels] + 0.4 * rng.normal(size=(n, 5))
    x *= length * (1.0 if length == 1 else rng.uniform(0.5, 2, size=(n, 1))) / np.linalg.norm(x, axis=1, keepdims=True)
    return labels.astype(float), x, weights


def _embeddings(length: float = 1.0, **more: str) -> Arrays:
    labels, x, weights = _vectors(length=length)
    return {"labels": labels, "embeddings": x} | dict.fromkeys(more, weights)


def _pairs(length: float = 1.0) -> Arrays:
    labels, x, _ = _vectors(length=length)
    other = np.where(np.arange(60) % 2, np.roll(np.arange(60), -6), np.roll(np.arange(60), -1))
    return {"y_true": (labels == labels[other]).astype(float), "x1": x, "x2": x[other]}


def _triplets(length: float = 1.0) -> Arrays:
    _, x, _ = _vectors(length=length)
    return {"anchor": x, "positive": np.roll(x, -6, axis=0), "negative": np.roll(x, -1, axis=0)}


def _distances(scale: float = 1.0) -> Arrays:
    pairs = _pairs()
    return {"y_true": pairs["y_true"], "distance": scale * np.linalg.norm(pairs["x1"] - pairs["x2"], axis=1)}


def _ranked_pairs() -> Arrays:
    rng = np.random.default_rng(17)
    x1, x2 = rng.normal(size=(2, 80))
    return {"y_true": np.where(x1 + rng.normal(size=80) > x2, 1.0, -1.0), "x1": x1, "x2": x2}


def _verification() -> Arrays:
    labels, x, weights = _vectors()
    more = {"labels2": np.roll(labels, -1), "embeddings2": np.roll(x, -1, axis=0), "weights": weights}
    return {"labels1": labels, "embeddings1": x} | more


def _sequences() -> Arrays:
    rng = np.random.default_rng(18)
    logits = rng.normal(size=(8, 12, 4))
    logs = logits - np.logaddexp.reduce(logits, axis=2)[:, :, None]
    lengths = {"input_lengths": np.full(8, 12.0), "target_lengths": np.full(8, 3.0)}
    return {"log_probs": logs, "targets": rng.integers(1, 4, size=(8, 3)).astype(float)} | lengths


def rated(n: int = 400) -> Arrays:
    """Return ratings from 1 to 5, and probabilities of each by an ordered logistic model."""
    rng = np.random.default_rng(19)
    score = 1.5 * rng.normal(size=n)
    below = 1 / (1 + np.exp(-(np.array([-2.0, -0.7, 0.7, 2.0]) - score[:, None])))
    p = np.diff(np.column_stack([np.zeros(n), below, np.ones(n)]), axis=1)
    y = 1.0 + (below < rng.random(n)[:, None]).sum(axis=1)
    return {"y_true": y, "y_pred": p / p.sum(axis=1, keepdims=True)}


def _relevances() -> Arrays:
    rng = np.random.default_rng(20)
    y = rng.integers(0, 4, size=(50, 8)).astype(float)
    return {"y_true": y, "y_pred": 2 * y - 4 + 2 * rng.normal(size=(50, 8))}


def _unfitted(n: int = 1000) -> Arrays:
    """Return labels, and probabilities whose logits are twice too large."""
    rng = np.random.default_rng(21)
    s = 1.2 * rng.normal(size=n)
    return {"y_true": (rng.random(n) < 1 / (1 + np.exp(-s))).astype(float), "y_pred": 1 / (1 + np.exp(-2 * s))}


CASES: dict[str, Callable[[], Arrays]] = {
    "normal": lambda: _regression(lambda rng, n: rng.normal(size=n)),
    "contaminated": lambda: _regression(_contaminated),
    "heavy tails": lambda: _regression(lambda rng, n: rng.standard_t(1.5, size=n)),
    "Laplace errors": lambda: _regression(lambda rng, n: rng.laplace(size=n), n=2000),
    "skewed": lambda: _regression(lambda rng, n: rng.exponential(size=n)),
    "off centre": lambda: _regression(lambda rng, n: 3 + rng.normal(size=n)),
    "tiny": lambda: _regression(lambda rng, n: 1e-6 * rng.normal(size=n)),
    "huge": lambda: {k: 1e150 * v for k, v in _regression(lambda rng, n: rng.normal(size=n)).items()},
    "beyond squares": lambda: {k: 1e200 * v for k, v in _regression(lambda rng, n: rng.normal(size=n)).items()},
    "vectors": lambda: {
        "y_true": np.zeros((50, 3)) + np.arange(3) + np.arange(50)[:, None],
        "y_pred": np.random.default_rng(1).normal(size=(50, 3)) * [1, 10, 100],
    },
    "boxes": _boxes,
    "counts": _counts,
    "counts, predictions not above 0": lambda: _counts() | {"y_pred": _counts()["y_pred"] - 3},
    "whole numbers of one spread": lambda: _whole(18, 90, 9.0),
    "whole numbers of little spread": lambda: _whole(1, 9, 0.8),
    "counts of one rate": lambda: {
        "y_true": np.random.default_rng(15).poisson(4, size=200) * 1.0,
        "y_pred": np.linspace(3.9, 4.1, 200),
    },
    "counts that spread too much": lambda: {"y_true": 9 * _counts()["y_true"], "y_pred": 9 * _counts()["y_pred"]},
    "counts per exposure": _counts_per_exposure,
    "amounts": _amounts,
    "amounts, some of them 0": _rain,
    "amounts, rounded": lambda: {"y_true": np.ceil(10 * _amounts()["y_true"]), "y_pred": 10 * _amounts()["y_pred"]},
    "claims": _claims,
    "orders of magnitude": lambda: {k: v**4 for k, v in _amounts().items()},
    "negative targets": lambda: {k: -v for k, v in _amounts().items()},
    "perfect": lambda: _regression(lambda rng, n: np.zeros(n)),
    "constant target": lambda: _regression(lambda rng, n: rng.normal(size=n)) | {"y_true": np.full(400, 7.0)},
    "one row": lambda: _few(1),
    "three rows": lambda: _few(3),
    "most residuals the same": _stuck,
    "only zeros": lambda: {"y_true": np.zeros(30), "y_pred": np.zeros(30)},
    "mostly zeros": _mostly_zero,
    "mostly zeros, light tails": lambda: _half_zero(0.0),
    "mostly zeros, some outliers": lambda: _half_zero(0.012),
    "zeros and logits": lambda: {"y_true": np.zeros(30), "y_pred": np.linspace(-3, 3, 30)},
    "only ones, probabilities": lambda: {"y_true": np.ones(30), "y_pred": np.linspace(0, 1, 30)},
    "soft labels": lambda: {"y_true": np.linspace(0.1, 0.9, 40), "y_pred": np.linspace(0.2, 0.7, 40)},
    "binary": _binary,
    "binary, signs": lambda: _binary(sign=True),
    "binary, rare": lambda: _binary(0.02),
    "binary, certain and wrong": _certain,
    "binary, labels": lambda: {k: np.round(v) for k, v in _binary().items()},
    "binary, logits": lambda: _binary(logits=True),
    "binary, rare logits": lambda: _binary(0.02, logits=True),
    "binary, infinite logits": lambda: {"y_true": np.array([0.0, 1] * 20), "y_pred": np.array([np.inf, 1] * 20)},
    "binary, linear": lambda: {"y_true": np.array([0.0, 1] * 20), "y_pred": np.linspace(-0.2, 1.2, 40)},
    "multi-label": _labels,
    "multi-label, rare": lambda: _labels(rate=0.03),
    "multi-label, rare logits": lambda: _labels(logits=True, rate=0.03),
    "multi-label, labels": lambda: {k: np.round(v) for k, v in _labels().items()},
    "multi-label, certain and wrong": lambda: _labels() | {"y_pred": _labels()["y_pred"] * (np.arange(5) != 2)},
    "multi-label, logits": lambda: _labels(logits=True),
    "classes": _classes,
    "classes, uneven": lambda: _classes(uneven=True),
    "classes, one-hot": lambda: _classes(one_hot=True),
    "classes, logits": lambda: _classes("logits"),
    "classes, uneven logits": lambda: _classes("logits", uneven=True),
    "classes, one-hot logits": lambda: _classes("logits", one_hot=True),
    "classes, log-probabilities": lambda: _classes("logs"),
    "classes, uneven log-probabilities": lambda: _classes("logs", uneven=True),
    "classes, certain and wrong": lambda: {"y_true": np.array([0.0, 1, 2] * 9), "y_pred": np.eye(3)[[1, 1, 2] * 9]},
    "distributions": _distributions,
    "distributions with zeros": lambda: _distributions(zeros=True),
    "distributions from logits": lambda: _distributions(logits=True),
    "one distribution": _one_distribution,
    "binary, overconfident": _unfitted,
    "ratings": lambda: {"y_true": rated()["y_true"], "y_pred": 1.0 + rated()["y_pred"].argmax(axis=1)},
    "ratings, probabilities": lambda: rated() | {"y_true": rated()["y_true"] - 1},
    "relevances": _relevances,
    "boxes, three rows": lambda: {k: v[:3] for k, v in _boxes().items()},
    "boxes that miss": lambda: {k: np.vstack([v, v + 3 * (k == "y_pred")]) for k, v in _boxes().items()},
    "embeddings": _embeddings,
    "embeddings, of any length": lambda: _embeddings(3.0),
    "embeddings, each a class": lambda: _embeddings() | {"labels": np.arange(60.0)},
    "prototypes": lambda: _embeddings(weights=""),
    "prototypes, of any length": lambda: _embeddings(3.0, weights=""),
    "centers": lambda: _embeddings(centers=""),
    "verification": _verification,
    "pairs": _pairs,
    "pairs, far apart": lambda: _pairs(20.0),
    "distances": _distances,
    "distances, large": lambda: _distances(50.0),
    "ranked pairs": _ranked_pairs,
    "triplets": _triplets,
    "triplets, long": lambda: _triplets(20.0),
    "views": lambda: {role: x for role, x in _triplets().items() if role != "negative"},
    "sequences": _sequences,
    "weighted": lambda: _regression(_contaminated) | {"weight": np.arange(400) % 3 * 1.0},
}
"""A name -> arrays of y_true and y_pred, and perhaps weights."""


def _beside(**more: np.ndarray) -> Arrays:
    """Normal targets with a standard deviation of a half or one around their forecasts, which are means and medians."""
    rng = np.random.default_rng(16)
    mean, spread = rng.normal(size=600) * 3, rng.choice([0.5, 1.0], size=600)
    return {"y_true": mean + spread * rng.normal(size=600), "y_pred": mean} | {
        name: mean * of[0] + of[1] * spread ** of[2] for name, of in more.items()
    }


def _clusters() -> Arrays:
    rng = np.random.default_rng(17)
    patient = rng.permutation(np.repeat(np.arange(40), 8))
    y = rng.normal(size=320) * 3
    return {"y_true": y, "y_pred": y + rng.normal(size=40)[patient] + rng.normal(size=320), "patient_id": patient}


def _series(correlation: float = 0.7, n: int = 400) -> Arrays:
    rng = np.random.default_rng(18)
    e, y = rng.normal(size=n), rng.normal(size=n)
    for i in range(1, n):
        e[i] += correlation * e[i - 1]
    return {"y_true": y + e, "y_pred": y}


def _often_zero(shift: float = 0.0, n: int = 3000) -> Arrays:
    """Claims, 95 % of them 0, with their means."""
    rng = np.random.default_rng(19)
    mean = np.exp(rng.normal(0, 0.3, size=n))
    return {"y_true": np.where(rng.random(n) < 0.05, rng.gamma(2, 10 * mean), 0.0), "y_pred": mean + shift}


BESIDE: dict[str, Callable[[], Arrays]] = {
    "variance": lambda: _beside(y_var=np.array([0.0, 1, 2])),
    "deviation": lambda: _beside(sigma=np.array([0.0, 1, 1])),
    "variance that is a deviation": lambda: {
        name.replace("sigma", "variance"): 100 * values for name, values in _beside(sigma=np.array([0.0, 1, 1])).items()
    },
    "variance with gaps": lambda: _beside() | {"y_var": np.where(np.arange(600) % 9 == 0, np.nan, 1.0)},
    "interval": lambda: _beside(lower_80=np.array([1, -1.2816, 1]), upper_80=np.array([1, 1.2816, 1])),
    "interval of no level": lambda: _beside(lower=np.array([1, -1.645, 1]), upper=np.array([1, 1.645, 1])),
    "quantiles": lambda: {
        name: values
        for name, values in _beside(
            p10=np.array([1, -1.2816, 1]), p50=np.array([1.0, 0, 0]), p90=np.array([1, 1.2816, 1])
        ).items()
        if name != "y_pred"
    },
    "clusters": _clusters,
    "series": _series,
    "claims of which 95 % are 0": _often_zero,
    "claims with one prediction": lambda: _often_zero() | {"y_pred": np.full(3000, _often_zero()["y_true"].mean())},
    "claims of which 95 % are 0, predictions not above 0": lambda: _often_zero(-0.8),
}
"""A name -> columns of a table: targets, forecasts, and what is beside them."""
