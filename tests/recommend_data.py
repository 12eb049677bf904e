"""Realistic data sets, each with what an expert would say of losses for it, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

import losscli
from losscli.recommend.advise import Recommendation
from tests.recommend_cases import Arrays, rated, softmax


class DataSet(NamedTuple):
    """A table or arrays, and the verdicts on it.

    Names of losses stand for the loss with any parameters, unless they have some: `huber`, `huber:delta=1`.

    Attributes:
        columns: Name -> column (n,) or vectors (n, k).
        task: What the data is.
        options: What is typed besides the data.
        use: Losses whose verdict is `use`.
        use_one_of: Losses of which one at least is.
        consider: Losses that are worth a try, `use` or `consider`.
        not_use: Losses that may be worth a try, and not more.
        never: Losses that are not recommended at all.
        facts: Keys of facts that are told, with the value if it is not None.
        note: A pattern that one of the notes has; empty if there is none to look for.
    """

    columns: Arrays
    task: str
    options: Mapping[str, str] = MappingProxyType({})
    use: tuple[str, ...] = ()
    use_one_of: tuple[str, ...] = ()
    consider: tuple[str, ...] = ()
    not_use: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    facts: Mapping[str, object] = MappingProxyType({})
    note: str = ""


def recommend_data_set(data: DataSet) -> Recommendation:
    """Recommend losses for a data set, as in Python."""
    roles = {role: columns for role, columns in data.options.items() if role != "classes"}
    return losscli.recommend(dict(data.columns), columns=roles, classes=data.options.get("classes"))


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def drawn(rng: np.random.Generator, p: np.ndarray) -> np.ndarray:
    """Draw labels, 0 or 1, with probabilities."""
    return (rng.random(p.shape) < p).astype(float)


# --------------------------------------------------------------------------------------------------- numbers


def house_prices() -> DataSet:
    """The forecast is a mean of lognormal prices: mae would ask for their median, which is 12 % below."""
    rng = np.random.default_rng(1)
    mean = np.exp(rng.normal(12.5, 0.6, size=600))
    price = mean * np.exp(0.5 * rng.normal(size=600) - 0.125)
    return DataSet(
        {"price": price, "predicted": mean},
        "regression",
        {"y_true": "price", "y_pred": "predicted"},
        use_one_of=("gamma_deviance", "mse"),
        not_use=("mae", "medae", "huber"),
        never=("poisson_deviance",),
        facts={"growth": None},
    )


def insurance_claims() -> DataSet:
    """95 % of the policies have no claim: only the mean says anything, and the others are of size gamma."""
    rng = np.random.default_rng(2)
    mean = np.exp(rng.normal(3, 1, size=3000))
    has_claim = rng.random(3000) < 0.05
    return DataSet(
        {"claim": has_claim * rng.gamma(1.5, mean / 0.05 / 1.5), "pure_premium": mean},
        "regression",
        {"y_true": "claim", "y_pred": "pure_premium"},
        use=("tweedie_deviance:power=1.5",),
        never=("rmsle", "quantile", "mae", "medae", "mape", "gamma_deviance", "huber"),
    )


def rented_bikes() -> DataSet:
    """Counts of a Poisson distribution: their variance is the mean, so its deviance weights rows as it should."""
    rng = np.random.default_rng(3)
    mean = np.exp(rng.normal(3, 0.8, size=1000))
    return DataSet(
        {"bikes": rng.poisson(mean).astype(float), "pred": mean},
        "regression",
        {"y_true": "bikes"},
        use=("poisson_deviance",),
        not_use=("mae", "gamma_deviance"),
        never=("mape",),
    )


def intermittent_demand() -> DataSet:
    """70 % of the weeks sell nothing: the median is 0 whatever the model, and no ratio to 0 exists."""
    rng = np.random.default_rng(4)
    mean = rng.gamma(2, 0.4, size=800)
    sold = rng.poisson(rng.gamma(0.5, mean / 0.5)).astype(float)
    return DataSet(
        {"sold": sold, "forecast": np.maximum(mean, 0.01)},
        "regression",
        {"y_true": "sold", "y_pred": "forecast"},
        use_one_of=("poisson_deviance", "tweedie_deviance", "mse"),
        never=("mae", "medae", "huber", "mape", "gamma_deviance"),
    )


def temperatures() -> DataSet:
    """Errors of one hour are like those of the last one: the interval must allow for it; normal tails ask for mse."""
    rng = np.random.default_rng(5)
    errors = np.zeros(600)
    for i, noise in enumerate(rng.normal(size=600)):
        errors[i] = 0.8 * errors[i - 1] + noise
    y = 12 + 8 * np.sin(np.arange(600) * 2 * np.pi / 24) + errors
    return DataSet({"y_true": y, "y_pred": y - errors}, "regression", use=("mse",), note="block|resample")


def lengths_of_stay() -> DataSet:
    """The forecast is a median of skewed days: squares and gamma's deviance would ask for means, which are longer."""
    rng = np.random.default_rng(6)
    median = np.exp(rng.normal(1.5, 0.4, size=900))
    days = median * np.exp(0.8 * rng.normal(size=900))
    return DataSet(
        {"days": days, "pred": median},
        "regression",
        {"y_true": "days"},
        use=("mae",),
        not_use=("mse", "gamma_deviance", "rmse"),
    )


def faulty_sensor() -> DataSet:
    """3 % of the readings are garbage: a square is their sum alone, and huber bounds what each can do."""
    rng = np.random.default_rng(7)
    y = rng.normal(20, 3, size=700)
    noise = 0.2 * rng.normal(size=700) + np.where(rng.random(700) < 0.03, 40 * rng.normal(size=700), 0)
    return DataSet(
        {"y_true": y, "y_pred": y + noise},
        "regression",
        use=("huber",),
        consider=("mae",),
        not_use=("mse", "rmse"),
        facts={"outliers": None},
    )


def fifty_normal_errors() -> DataSet:
    """Nothing is wrong with the mean of normal errors; that another delta is a little steadier here is noise."""
    rng = np.random.default_rng(8)
    y = rng.normal(size=50)
    return DataSet(
        {"y_true": y, "y_pred": y + rng.normal(size=50)}, "regression", use=("mse",), never=("tukey", "cauchy")
    )


def ages() -> DataSet:
    """Whole years in a wide range are numbers like others: their median has a variance, rounded as they are."""
    rng = np.random.default_rng(9)
    age = rng.integers(18, 81, size=500).astype(float)
    return DataSet(
        {"age": age, "pred": np.rint(age + 4 * rng.normal(size=500))},
        "regression",
        {"y_true": "age"},
        use=("mse",),
        not_use=("poisson_deviance",),
        never=("gamma_deviance", "rps"),
    )


def quantile_columns() -> DataSet:
    """Each column is scored by the quantile loss of its level: none of them is a mean."""
    rng = np.random.default_rng(10)
    centre = rng.normal(size=500)
    y = centre + rng.normal(size=500)
    return DataSet(
        {"y_true": y, "q10": centre - 1.2816, "q50": centre, "q90": centre + 1.2816},
        "regression",
        use=("quantile:tau=0.1", "quantile:tau=0.9"),
        facts={"quantiles": None},
    )


def means_with_variances() -> DataSet:
    """A variance for each row makes the forecast a normal distribution: its likelihood scores both."""
    rng = np.random.default_rng(11)
    mean, variance = rng.normal(size=500), rng.gamma(2, 0.5, size=500) + 0.1
    y = mean + np.sqrt(variance) * rng.normal(size=500)
    return DataSet(
        {"y_true": y, "y_pred": mean, "variance": variance}, "regression", use=("gaussian_nll",), facts={"spread": None}
    )


def proportions() -> DataSet:
    """Shares in [0, 1] may be scored as probabilities; ratios to a share near 0 say nothing."""
    rng = np.random.default_rng(12)
    p = rng.uniform(0.02, 0.6, size=500)
    return DataSet(
        {"y_true": rng.beta(10 * p, 10 * (1 - p)), "y_pred": p},
        "regression",
        consider=("mse", "bce"),
        never=("mape", "rmsle", "poisson_deviance"),
    )


def percentages_with_zeros() -> DataSet:
    """A percentage of a percentage that is 0 does not exist."""
    rng = np.random.default_rng(13)
    p = rng.uniform(1, 60, size=500)
    percents = np.clip(p + 5 * rng.normal(size=500), 0, 100)
    return DataSet({"y_true": percents, "y_pred": p}, "regression", never=("mape",), use_one_of=("mse", "mae", "huber"))


# ---------------------------------------------------------------------------------------------------- labels


def click_through() -> DataSet:
    """2 % click, and the probabilities are right: weights of the rare label would spoil that, accuracy is blind."""
    rng = np.random.default_rng(20)
    p = sigmoid(rng.normal(-4.2, 0.8, size=6000))
    return DataSet(
        {"click": drawn(rng, p), "p_click": p},
        "binary",
        {"y_true": "click", "y_pred": "p_click"},
        use=("bce", "brier"),
        not_use=("focal", "bce:pos_weight"),
        never=("zero_one", "mae", "hinge"),
        facts={"calibration": "calibrated", "labels": None},
    )


def overconfident_classifier() -> DataSet:
    """Logits are twice too large, as of networks fitted too long: bce sees it, the share of errors does not."""
    rng = np.random.default_rng(21)
    z = 1.3 * rng.normal(size=1500)
    return DataSet(
        {"y_true": drawn(rng, sigmoid(z)), "y_pred": sigmoid(2 * z)},
        "binary",
        use=("bce", "brier"),
        never=("zero_one",),
        facts={"calibration": "overconfident"},
        note="divide their logits by",
    )


def timid_classifier() -> DataSet:
    """The average of many models that differ is too near to the middle: its logits are too small."""
    rng = np.random.default_rng(22)
    z = 2 * rng.normal(size=1500)
    p = sigmoid(0.5 * z)
    return DataSet(
        {"y_true": drawn(rng, sigmoid(z)), "y_pred": p}, "binary", use=("bce",), facts={"calibration": "underconfident"}
    )


def resampled_classifier() -> DataSet:
    """Fitted where labels were balanced, it says 1 too often where they are rare: an intercept mends it, no slope."""
    rng = np.random.default_rng(123)
    z = rng.normal(-2, 1.2, size=2000)
    columns = {"y_true": drawn(rng, sigmoid(z)), "y_pred": sigmoid(z + 2)}
    return DataSet(columns, "binary", use=("bce",), facts={"calibration": "too high"}, note="add -")


def logits() -> DataSet:
    """Scores of both signs are logits: bce of them as they are, and none of what reads probabilities."""
    rng = np.random.default_rng(24)
    z = 2 * rng.normal(size=1000)
    return DataSet(
        {"y_true": drawn(rng, sigmoid(z)), "logit": z},
        "binary from logits",
        use=("bce:from_logits=true",),
        not_use=("hinge",),
        never=("brier", "mae", "mse"),
        facts={"calibration": "calibrated"},
    )


def uneven_classes() -> DataSet:
    """Classes from 60 % to 3 %: the proper score is right for all, weights are a choice with a price."""
    rng = np.random.default_rng(25)
    s = 1.3 * rng.normal(size=(1500, 5)) + np.log([0.6, 0.2, 0.1, 0.06, 0.04])
    p = softmax(s)
    names = ["cat", "dog", "owl", "fox", "elk"]
    y = np.array(names)[[rng.choice(5, p=row) for row in p]]
    return DataSet(
        {"y_true": y} | {f"prob_{name}": p[:, i] for i, name in enumerate(names)},
        "multi-class",
        use=("cross_entropy",),
        consider=("categorical_focal", "cross_entropy:class_weight"),
        not_use=("categorical_focal", "cross_entropy:class_weight"),
        never=("rps", "softmax_loss"),
        facts={"calibration": "calibrated", "classes": None},
    )


def certain_classes() -> DataSet:
    """The likeliest class has 90 % and is right in 70 %: cross-entropy and the slope say so, accuracy does not."""
    rng = np.random.default_rng(26)
    s = 1.5 * rng.normal(size=(1000, 4))
    y = np.array([rng.choice(4, p=row) for row in softmax(s)]).astype(float)
    p = softmax(2.5 * s)
    return DataSet(
        {"y_true": y, "y_pred": p},
        "multi-class",
        use=("cross_entropy",),
        never=("zero_one", "softmax_loss"),
        facts={"calibration": "overconfident"},
        note="divide their logits by",
    )


def star_ratings() -> DataSet:
    """Stars have an order, and one number per row has steps from them; there are no probabilities to score."""
    data = rated()
    expected = data["y_pred"] @ np.arange(1.0, 6)
    return DataSet(
        {"stars": data["y_true"], "predicted": expected},
        "ratings",
        {"y_true": "stars", "y_pred": "predicted"},
        use=("mae", "mse"),
        never=("huber", "poisson_deviance", "cross_entropy", "tukey", "mape", "rps"),
        facts={"ratings": None, "steps": None},
    )


def star_probabilities() -> DataSet:
    """A probability of each number of stars: rps sees that 4 is nearer to 5 than 1 is."""
    data = rated()
    return DataSet(
        {"stars": data["y_true"]} | {f"p_{k + 1}": data["y_pred"][:, k] for k in range(5)},
        "multi-class",
        {"y_true": "stars", "y_pred": "p_*"},
        use=("rps", "cross_entropy"),
        facts={"order": None},
    )


def severities() -> DataSet:
    """Names such as low and high are in no order for a computer, until someone names it."""
    rng = np.random.default_rng(27)
    p = softmax(rng.normal(size=(300, 3)))
    y = np.array(["high", "low", "medium"])[[rng.choice(3, p=row) for row in p]]
    columns = {"severity": y, "p_high": p[:, 0], "p_low": p[:, 1], "p_medium": p[:, 2]}
    return DataSet(
        columns,
        "multi-class",
        {"y_true": "severity", "y_pred": "p_*"},
        use=("cross_entropy",),
        never=("rps",),
        note="scale",
    )


def severities_in_order() -> DataSet:
    """Once the order is named, a distant class may cost more."""
    data = severities()
    options = {**data.options, "classes": "low,medium,high"}
    return data._replace(options=options, use=("cross_entropy",), consider=("rps",), never=(), note="")


def tags() -> DataSet:
    """Each of eight tags is rare: predicting none of them is right in most, which hamming does not punish."""
    rng = np.random.default_rng(28)
    p = sigmoid(rng.normal(-3.2, 1, size=(800, 8)))
    return DataSet(
        {"y_true": drawn(rng, p), "y_pred": p},
        "multi-label",
        use=("bce",),
        consider=("asymmetric",),
        not_use=("hamming", "asymmetric"),
        facts={"calibration": "calibrated", "labels": None},
    )


def distillation() -> DataSet:
    """Targets are a teacher's probabilities: the divergence from them, which is 0 where the student agrees."""
    rng = np.random.default_rng(29)
    s = 2 * rng.normal(size=(400, 6))
    teacher, student = softmax(s / 2), softmax((s + rng.normal(size=s.shape)) / 2)
    return DataSet(
        {"y_true": teacher, "y_pred": student},
        "distributions",
        use=("kl",),
        consider=("cross_entropy", "js"),
        never=("mse", "mae", "zero_one"),
    )


# -------------------------------------------------------------------------------------- boxes, vectors, ranks


def _boxes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return corners (n, 4) of boxes and of predicted ones."""
    rng = np.random.default_rng(30)
    corner = rng.uniform(0, 400, size=(n, 2))
    true = np.hstack([corner, corner + rng.uniform(20, 200, size=(n, 2))])
    return true, true + 6 * rng.normal(size=(n, 4))


def corner_boxes() -> DataSet:
    """Four numbers of a box are one thing: IoU does not depend on its size, squares of its corners do."""
    true, pred = _boxes(150)
    parts = ("xmin", "ymin", "xmax", "ymax")
    columns = {f"{part}_gt": true[:, i] for i, part in enumerate(parts)}
    return DataSet(
        columns | {f"{part}_pred": pred[:, i] for i, part in enumerate(parts)},
        "boxes",
        use=("giou", "iou"),
        consider=("ciou", "diou"),
        not_use=("mae",),
        never=("mse", "huber", "tukey"),
        facts={"overlap": None, "format": "xyxy"},
    )


def sized_boxes() -> DataSet:
    """Boxes as x, y, width and height are read as such: as corners they would mean others."""
    true, pred = (np.hstack([b[:, :2], b[:, 2:] - b[:, :2]]) for b in _boxes(150))
    parts = ("x", "y", "width", "height")
    columns = {f"true_{part}": true[:, i] for i, part in enumerate(parts)}
    return DataSet(
        columns | {f"pred_{part}": pred[:, i] for i, part in enumerate(parts)},
        "boxes",
        use=("giou:box_format=xywh", "iou:box_format=xywh"),
        never=("mse", "giou:box_format=xyxy"),
        facts={"format": "xywh"},
    )


def unnamed_boxes() -> DataSet:
    """Two arrays whose rows are ordered as corners are, and overlap, are boxes: other numbers do not meet so."""
    true, pred = _boxes(150)
    return DataSet({"y_true": true, "y_pred": pred}, "boxes", use=("giou", "iou"), never=("mse", "huber"))


def _faces(classes: int = 20, each: int = 6, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels (n,), embeddings (n, 16) and prototypes (classes, 16)."""
    rng = np.random.default_rng(31)
    weights = rng.normal(size=(classes, 16))
    labels = np.repeat(np.arange(classes), each)
    x = weights[labels] + 0.8 * rng.normal(size=(len(labels), 16))
    return labels.astype(float), scale * x / np.linalg.norm(x, axis=1, keepdims=True), weights


def faces() -> DataSet:
    """Persons and vectors of length 1, no prototypes: other faces of a person are the positives."""
    labels, x, _ = _faces()
    return DataSet(
        {"labels": labels, "embeddings": x},
        "embeddings with classes",
        use=("supcon",),
        consider=("multi_similarity", "triplet_mined"),
        never=("arcface", "mse", "center"),
        facts={"classes": 20, "vectors": None, "equal pairs": None, "nearest": None},
    )


def faces_with_prototypes() -> DataSet:
    """With a vector per person, margins between these are the usual choice."""
    labels, x, weights = _faces()
    return DataSet(
        {"labels": labels, "embeddings": x, "weights": weights},
        "embeddings with prototypes",
        use=("arcface",),
        consider=("cosface", "supcon"),
        facts={"prototypes": None},
    )


def pairs() -> DataSet:
    """Pairs of sentences, alike or not, whose vectors are long: a margin of 1 would be nothing."""
    labels, x, _ = _faces(scale=30.0)
    other = np.where(np.arange(120) % 2, np.roll(np.arange(120), 1), np.roll(np.arange(120), 7))
    return DataSet(
        {"y_true": (labels == labels[other]).astype(float), "x1": x, "x2": x[other]},
        "pairs of vectors",
        use=("contrastive:margin",),
        consider=("cosine_embedding",),
        never=("contrastive",),
        facts={"labels": None, "distances": None, "vectors": None},
    )


def triplets() -> DataSet:
    """An anchor with a positive and a negative of length 1, for which the usual margin is made."""
    _, x, _ = _faces()
    order = np.arange(120)
    columns = {"anchor": x, "positive": x[order // 6 * 6 + (order + 1) % 6], "negative": np.roll(x, 6, axis=0)}
    return DataSet(columns, "triplets", use=("triplet",), consider=("info_nce",), facts={"ordered": None})


def learned_ranks() -> DataSet:
    """Two scores and which of them should be higher: only their difference counts."""
    rng = np.random.default_rng(32)
    x1, x2 = rng.normal(size=(2, 300))
    columns = {"y_true": np.where(x1 + rng.normal(size=300) > x2, 1.0, -1.0), "x1": x1, "x2": x2}
    return DataSet(
        columns, "ranked pairs", use=("margin_ranking",), never=("mse", "contrastive"), facts={"ordered": None}
    )


def search_results() -> DataSet:
    """A row is a query with ten documents: relevances are ranked by scores that have no scale."""
    rng = np.random.default_rng(33)
    y = rng.integers(0, 5, size=(120, 10)).astype(float)
    return DataSet(
        {"y_true": y, "y_pred": 1.5 * y - 5 + 2 * rng.normal(size=y.shape)},
        "ranking",
        use=("ranking_softmax",),
        not_use=("mse",),
        never=("mae", "huber"),
    )


def documents_of_queries() -> DataSet:
    """A row is a document of a query: a loss of lists needs them in one row, and squares do not see their order."""
    data = search_results().columns
    return DataSet(
        {"query_id": np.repeat(np.arange(120), 10), "label": data["y_true"].ravel(), "score": data["y_pred"].ravel()},
        "ranking",
        not_use=("mse",),
        never=("ranking_softmax", "huber", "mae"),
        note="one row",
    )


DATA_SETS: dict[str, Callable[[], DataSet]] = {
    make.__name__.replace("_", " "): make
    for make in (
        *(house_prices, insurance_claims, rented_bikes, intermittent_demand, temperatures, lengths_of_stay),
        *(faulty_sensor, fifty_normal_errors, ages, quantile_columns, means_with_variances, proportions),
        *(percentages_with_zeros, click_through, overconfident_classifier, timid_classifier, resampled_classifier),
        *(logits, uneven_classes, certain_classes, star_ratings, star_probabilities, severities, severities_in_order),
        *(tags, distillation, corner_boxes, sized_boxes, unnamed_boxes, faces, faces_with_prototypes, pairs, triplets),
        *(learned_ranks, search_results, documents_of_queries),
    )
}
