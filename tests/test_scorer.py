"""`losscli.scorer`: what it asks of an estimator, how labels are numbered, and that scikit-learn takes it."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

import losscli

N = 12
RNG = np.random.default_rng(3)
PROBABILITIES = RNG.dirichlet([1, 1, 1], N)
NAMES = np.array(["ant", "bee", "cow"])
CODES = RNG.integers(0, 3, N)
BINARY = CODES % 2
P = PROBABILITIES[:, 0]
ROWS = np.arange(N).reshape(-1, 1)


class Estimator:
    """A fitted estimator that has what it is made with; `X` are the numbers of rows."""

    def __init__(self, classes: Any = None, **answers: Any) -> None:
        if classes is not None:
            self.classes_ = classes
        for method, answer in answers.items():
            setattr(self, method, lambda X, answer=answer: np.asarray(answer)[np.ravel(X).astype(int)])


def two(p: Any = P) -> np.ndarray:
    return np.stack([1 - p, p], axis=1)


LOGITS = np.log(P / (1 - P))


@pytest.mark.parametrize(
    ("loss", "estimator", "y", "expected"),
    [
        ("mse", Estimator(predict=P), BINARY + 0.5, losscli.get_loss("mse").value(BINARY + 0.5, P)),
        ("mse", Estimator(predict=P[:, None]), BINARY[:, None], losscli.get_loss("mse").value(BINARY, P)),
        ("quantile:tau=0.9", Estimator(predict=P), BINARY, losscli.get_loss("quantile:tau=0.9").value(BINARY, P)),
        ("mse", Estimator(predict=two()), two(P / 2), losscli.get_loss("mse").value(two(P / 2), two())),
        ("bce", Estimator([0, 1], predict_proba=two()), BINARY, losscli.get_loss("bce").value(BINARY, P)),
        ("bce", Estimator([0, 1], predict_proba=P), BINARY, losscli.get_loss("bce").value(BINARY, P)),
        ("bce", Estimator(predict_proba=two()), BINARY, losscli.get_loss("bce").value(BINARY, P)),
        ("brier", Estimator([-1, 1], predict_proba=two()), 2 * BINARY - 1, losscli.get_loss("brier").value(BINARY, P)),
        ("bce:from_logits=true", Estimator([0, 1], decision_function=LOGITS), BINARY, None),
        ("cross_entropy", Estimator([0, 1], predict_proba=two()), BINARY, None),
        ("cross_entropy:from_logits=true", Estimator([0, 1], decision_function=LOGITS), BINARY, None),
        ("softmax_loss", Estimator([0, 1], decision_function=LOGITS), BINARY, None),
        ("nll", Estimator([0, 1], predict_log_proba=np.log(two())), BINARY, None),
        ("nll", Estimator([0, 1], predict_proba=two()), BINARY, None),
        ("kl", Estimator([0, 1], predict_proba=two()), BINARY, None),
        ("hinge", Estimator([0, 1], decision_function=LOGITS), BINARY, losscli.get_loss("hinge").value(BINARY, LOGITS)),
        ("zero_one", Estimator([0, 1], predict=CODES), BINARY, float(np.mean(CODES != BINARY))),
        ("zero_one:threshold=0.5", Estimator([0, 1], predict_proba=two()), BINARY, np.mean((P >= 0.5) != BINARY)),
        ("brier", Estimator([0, 1, 2], predict_proba=PROBABILITIES), CODES, None),
        ("rps", Estimator([0, 1, 2], predict_proba=PROBABILITIES), CODES, None),
        ("hamming", Estimator(predict=two() > 0.5), two(BINARY), losscli.get_loss("hamming").value(two(BINARY), two())),
        ("bce", Estimator(predict_proba=two()), two(BINARY), losscli.get_loss("bce").value(two(BINARY), two())),
    ],
)
def test_the_loss_says_what_the_estimator_is_asked_for(loss: str, estimator: Any, y: Any, expected: Any) -> None:
    if expected is None:
        scores = PROBABILITIES if loss in ("brier", "rps") else P
        expected = losscli.get_loss(loss.partition(":")[0] if loss in ("brier", "rps") else "bce").value(y, scores)
    assert losscli.scorer(loss)(estimator, ROWS, y) == pytest.approx(-expected, rel=1e-12)


@pytest.mark.parametrize("kind", [np.array, list, pd.Series, lambda y: pd.Series(y, dtype="category")])
def test_labels_of_text_are_numbered_as_the_estimator_has_them(kind: Any) -> None:
    estimator = Estimator(NAMES, predict_proba=PROBABILITIES, predict=NAMES[(CODES + (CODES == 1)) % 3])
    y = kind(NAMES[CODES])
    expected = losscli.get_loss("cross_entropy").value(CODES, PROBABILITIES)
    assert losscli.scorer("cross_entropy")(estimator, ROWS, y) == pytest.approx(-expected, rel=1e-14)
    assert losscli.scorer("zero_one")(estimator, ROWS, y) == pytest.approx(-np.mean(CODES == 1))


def test_a_fold_may_lack_classes() -> None:
    expected = losscli.get_loss("cross_entropy")(CODES, PROBABILITIES)
    known = CODES < 2
    whole = Estimator(NAMES, predict_proba=PROBABILITIES)
    score = losscli.scorer("cross_entropy")
    assert score(whole, ROWS[known], NAMES[CODES[known]]) == pytest.approx(-expected[known].mean(), rel=1e-12)
    part = Estimator(NAMES[:2], predict_proba=two())
    with pytest.raises(
        losscli.DataError, match=r"y, row \d+: 'cow' is not one of the classes .* \(ant, bee\); classes"
    ):
        score(part, ROWS, NAMES[CODES])
    padded = losscli.scorer("rps", classes=NAMES)(part, ROWS, NAMES[CODES])
    columns = np.column_stack([two(), np.zeros(N)])
    assert padded == pytest.approx(-losscli.get_loss("rps").value(CODES, columns), rel=1e-14)
    alone = losscli.scorer("bce", classes=[0, 1])(Estimator([1], predict_proba=np.ones((N, 1))), ROWS, np.ones(N))
    assert alone == pytest.approx(0, abs=1e-6)


def test_classes_say_the_order_and_which_one_is_positive() -> None:
    order = [2, 0, 1]
    whole = Estimator(NAMES, predict_proba=PROBABILITIES)
    ordered = losscli.scorer("rps", classes=["cow", "ant", "bee"])(whole, ROWS, NAMES[CODES])
    expected = losscli.get_loss("rps").value([order.index(code) for code in CODES], PROBABILITIES[:, order])
    assert ordered == pytest.approx(-expected, rel=1e-14)
    pair = Estimator(["no", "yes"], decision_function=LOGITS, predict_proba=two())
    y = np.array(["no", "yes"])[BINARY]
    for loss in ("hinge", "bce"):  # both are symmetric in the classes
        swapped = losscli.scorer(loss, classes=["yes", "no"])(pair, ROWS, y)
        assert swapped == pytest.approx(losscli.scorer(loss)(pair, ROWS, y), rel=1e-12)
    focal = losscli.scorer("focal", classes=["yes", "no"])(pair, ROWS, y)
    assert focal == pytest.approx(-losscli.get_loss("focal").value(1 - BINARY, 1 - P), rel=1e-12)


def test_weights_reductions_and_parameters() -> None:
    weight = np.arange(N)
    estimator = Estimator(predict=P)
    huber = losscli.get_loss("huber", delta=0.1)
    for score in (losscli.scorer("huber:delta=0.1"), losscli.scorer("huber", delta=0.1), losscli.scorer(huber)):
        assert score(estimator, ROWS, BINARY, sample_weight=weight) == -huber.value(BINARY, P, weight=weight)
    assert losscli.scorer(huber, reduction="sum")(estimator, ROWS, BINARY) == -huber.value(BINARY, P, reduction="sum")
    assert repr(losscli.scorer("mse")(Estimator(predict=BINARY), ROWS, BINARY)) == "0.0"

    with pytest.raises(losscli.DataError, match="sample_weight, row 2: a value is missing"):
        losscli.scorer("mse")(estimator, ROWS, BINARY, sample_weight=np.where(weight == 1, np.nan, 1.0))


def test_all_columns_of_a_frame_are_outputs() -> None:
    class Estimator2:
        def predict(self, X: Any) -> Any:
            return pd.DataFrame({"a": P, "id": P + 1})

    y = pd.DataFrame({"id": P, "a": P})
    assert losscli.scorer("mse")(Estimator2(), ROWS, y[["a", "id"]]) == pytest.approx(-0.5)
    with pytest.raises(losscli.DataError, match="columns of y in another order"):
        losscli.scorer("mse")(Estimator2(), ROWS, y)


def test_a_variance_is_the_square_of_the_deviation() -> None:
    class Process:
        def predict(self, X: Any, return_std: bool = False) -> Any:
            return (P, P + 1) if return_std else P

    expected = losscli.get_loss("gaussian_nll").value(y_true=BINARY, y_pred=P, variance=(P + 1) ** 2)
    assert losscli.scorer("gaussian_nll")(Process(), ROWS, BINARY) == pytest.approx(-expected, rel=1e-14)


def test_several_outputs_of_two_classes_are_labels() -> None:
    class Forest:
        classes_ = [np.array([0, 1]), np.array([0])]  # noqa: RUF012

        def predict_proba(self, X: Any) -> Any:
            return [two(), np.ones((N, 1))]

    y = np.column_stack([BINARY, np.zeros(N)])
    expected = losscli.get_loss("brier").value(y, np.column_stack([P, np.zeros(N)]))
    assert losscli.scorer("brier")(Forest(), ROWS, y) == pytest.approx(-expected, rel=1e-14)


@pytest.mark.parametrize(
    ("loss", "estimator", "y", "message"),
    [
        (
            "bce",
            Estimator([0, 1], decision_function=P),
            BINARY,
            "no predict_proba; from_logits=true reads its decision",
        ),
        ("rps", Estimator([0, 1], decision_function=P), BINARY, "no predict_proba; hinge reads margins"),
        ("bce", Estimator(predict=P), BINARY, "has no predict_proba; zero_one, mse and others read its predict"),
        (
            "hinge",
            Estimator(predict_proba=P),
            BINARY,
            "has no decision_function; bce and cross_entropy read its predict_p",
        ),
        ("mse", Estimator(), BINARY, "Estimator has no predict; a scorer is given a fitted estimator"),
        ("mse", Estimator(predict=P), None, "a scorer needs y"),
        ("mse", Estimator(predict=NAMES[CODES]), NAMES[CODES], r"labels such as '\w+'; zero_one, bce"),
        ("bce", Estimator(NAMES, predict_proba=PROBABILITIES), NAMES[CODES], "bce is for two classes, .* fitted on 3"),
        (
            "bce",
            Estimator([1], predict_proba=np.ones((N, 1))),
            np.ones(N),
            "fitted on 1; .* gives those that a fold lacks",
        ),
        ("bce", Estimator(predict_proba=two()), NAMES[BINARY], r"does not say its classes_, and y holds names"),
        ("hinge", Estimator([0, 1, 2, 3], decision_function=np.ones((N, 6))), CODES, r"\(12, 6\) for 4 classes.*ovr"),
        ("gaussian_nll", Estimator(predict=P), BINARY, "reads a variance, .* takes no return_std=True"),
        ("mse", Estimator(predict=np.where(P > 0.9, P, np.nan)), BINARY, r"predict, row \d+: a value is missing"),
        ("mse", Estimator(predict=P), np.where(P > 0.9, P, np.nan), r"y, row \d+: a value is missing"),
        ("mse", Estimator(predict=P), BINARY[:5], "shapes differ"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_one_line(loss: str, estimator: Any, y: Any, message: str) -> None:
    with pytest.raises(losscli.LosscliError, match=message) as caught:
        losscli.scorer(loss)(estimator, ROWS, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losscli.scorer("triplet"), "triplet reads anchor, positive, negative; a scorer has targets"),
        (lambda: losscli.scorer("mse,mae"), "one loss, not 2|unknown"),
        (lambda: losscli.scorer("mse", dleta=1), "dleta"),
        (lambda: losscli.scorer("mse", reduction="max"), 'reduction="max"'),  # type: ignore[arg-type]
        (lambda: losscli.scorer("bce", classes=["a"]), "two classes or more"),
        (lambda: losscli.scorer("bce", classes=["a", "a"]), "named twice"),
        (lambda: losscli.scorer("bce", classes=3), "classes"),
        (
            lambda: losscli.scorer("bce", classes=["a", "b"])(Estimator([0, 1], predict_proba=two()), ROWS, BINARY),
            "'b'",
        ),
        (lambda: losscli.scorer("mse").set_score_request(sample_weight=True), "enable_metadata_routing=True"),
    ],
)
def test_a_scorer_is_refused_early(make: Any, message: str) -> None:
    with pytest.raises(losscli.UsageError, match=message):
        make()


def test_a_scorer_can_be_pickled_copied_compared_and_shown() -> None:
    score = losscli.scorer("huber", delta=2, reduction="sum")
    for same in (
        pickle.loads(pickle.dumps(score)),
        copy.deepcopy(score),
        losscli.scorer("huber:delta=2", reduction="sum"),
    ):
        assert same == score
        assert hash(same) == hash(score)
    assert score != losscli.scorer("huber:delta=2")
    assert eval(repr(score)) == score
    assert repr(losscli.scorer("rps", classes=["lo", "hi"])) == "losscli.scorer('rps', classes=['lo', 'hi'])"


def test_scikit_learn_is_not_imported() -> None:
    code = (
        "import sys, losscli\nclass E:\n    def predict(self, X): return [1.0, 2.0]\n"
        "print(losscli.scorer('mse')(E(), None, [1, 4]), 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "-2.0 False\n"


# --------------------------------------------------------------------------------------------------- scikit-learn


@pytest.mark.parametrize(
    ("ours", "theirs", "model"),
    [
        ("mse", "neg_mean_squared_error", "Ridge"),
        ("rmse", "neg_root_mean_squared_error", "Ridge"),
        ("mae", "neg_mean_absolute_error", "Ridge"),
        ("medae", "neg_median_absolute_error", "Ridge"),
        ("poisson_deviance", "neg_mean_poisson_deviance", "PoissonRegressor"),
        ("bce", "neg_log_loss", "LogisticRegression"),
        ("brier", "neg_brier_score", "LogisticRegression"),
        ("softmax_loss", "neg_log_loss", "LogisticRegression"),
        ("cross_entropy", "neg_log_loss", "LogisticRegression"),
    ],
)
def test_scores_are_those_of_scikit_learn(ours: str, theirs: str, model: str) -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    from sklearn.model_selection import cross_val_score

    X = RNG.normal(size=(60, 2))
    y = X[:, 0] + RNG.normal(size=60)
    targets = (y > 0).astype(int) if model == "LogisticRegression" else np.exp(y)
    estimator = getattr(linear, model)()
    scores = [cross_val_score(estimator, X, targets, cv=3, scoring=s) for s in (losscli.scorer(ours), theirs)]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-10)


def test_scikit_learn_searches_clones_and_routes() -> None:
    sklearn = pytest.importorskip("sklearn")
    from sklearn.linear_model import Ridge
    from sklearn.metrics import get_scorer
    from sklearn.model_selection import GridSearchCV, cross_validate

    X = RNG.normal(size=(40, 2))
    y = X[:, 0] + RNG.normal(size=40)
    score = losscli.scorer("huber:delta=2")
    search = sklearn.base.clone(GridSearchCV(Ridge(), {"alpha": [1, 10]}, scoring=score, cv=2)).fit(X, y)
    assert search.score(X, y) == -losscli.get_loss("huber:delta=2").value(y, search.predict(X))
    both = cross_validate(Ridge(), X, y, scoring={"a": losscli.scorer("mse"), "b": "neg_mean_squared_error"}, cv=2)
    np.testing.assert_allclose(both["test_a"], both["test_b"], rtol=1e-12)
    with sklearn.config_context(enable_metadata_routing=True):
        weighted = [
            s.set_score_request(sample_weight=True)
            for s in (losscli.scorer("mse"), get_scorer("neg_mean_squared_error"))
        ]
        ridge, params = Ridge().set_fit_request(sample_weight=False), {"sample_weight": np.arange(40.0)}
        ours, theirs = (cross_validate(ridge, X, y, scoring=s, cv=2, params=params)["test_score"] for s in weighted)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match=re.escape("losscli.scorer('mse')")):
            cross_validate(ridge, X, y, scoring=losscli.scorer("mse"), cv=2, params=params)
        with pytest.raises(losscli.UsageError, match="a name"):
            losscli.scorer("mse").set_score_request(sample_weight="two words")


@pytest.mark.slow
def test_scikit_learn_scores_in_other_processes() -> None:
    pytest.importorskip("sklearn")
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import cross_val_score

    X = RNG.normal(size=(40, 2))
    one, two_ = (cross_val_score(Ridge(), X, X[:, 0], scoring=losscli.scorer("huber"), n_jobs=n) for n in (1, 2))
    np.testing.assert_array_equal(one, two_)
