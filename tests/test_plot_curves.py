"""Pictures of curves: which axis, which numbers, which range, which words."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from losscli.declaration import loss as declared
from losscli.declaration.domains import Array, ClassLabel, Label, NonNegativeReal, Probability, Real, Vector
from losscli.declaration.loss import BoundLoss, Loss
from losscli.errors import UsageError
from losscli.pipeline import resolve_losses
from losscli.plot.curve_axes import AXES
from losscli.plot.curve_rules import find_paths
from losscli.plot.curve_values import PathValues, with_gaps
from losscli.plot.curves import curves_picture, fit_height
from losscli.plot.pictures import Line, Panel, Picture, Rule
from tests.registry_cases import FURTHER, LOSSES

WITHOUT_A_CURVE = {
    "medae": "it is the median of all rows",
    "max_error": "it is the largest of all rows",
    "wape": "it is a ratio of sums over all rows",
    "rmae": "it is a ratio of sums over all rows",
    "mdape": "it is the median of all rows",
    "multi_quantile": "it needs its parameter taus",
    "crps_quantile": "it needs its parameter taus",
    "wis": "it needs its parameter taus",
    "wql": "it is a ratio of sums over all rows",
    "interval_miss": "it is 1 outside of the interval and 0 inside",
    "bits_per_byte": "it is a ratio of sums over all rows",
    "adaface": "with these parameters what a row costs depends on all others",
    "ghm_c": "how much a row counts depends on all others",
    "ghm_r": "how much a row counts depends on all others",
    "proxy_anchor": "it is one number for all rows",
    "triplet_mined": "which rows count is mined from all of them; triplet has the curve",
    "ctc": "it is a loss of whole sequences",
    "cox": "how much a row counts depends on all others",
    "ipcw_brier": "how much a row counts depends on all others",
    "integrated_brier": "how much a row counts depends on all others",
    "logistic_hazard_nll": "it is a loss of the hazards of all intervals until the event",
}
WITHOUT_A_CURVE |= {loss.name: "it is one number for all rows" for loss in LOSSES if loss.dataset_wide}


def settings() -> Iterator[BoundLoss]:
    """Every loss that has a curve, with its defaults, with parameters for which it is another, and from logits."""
    for loss in LOSSES:
        flags = [{name: True} for name in ("from_logits", "log_input") if name in {p.name for p in loss.parameters}]
        for params in ({}, *FURTHER.get(loss.name, []), *flags):
            if loss.name not in WITHOUT_A_CURVE:
                yield loss.bind(params)


WITH_A_CURVE = list(settings())


def picture(losses: str, *ends: float) -> Picture:
    return curves_picture(resolve_losses(losses), (ends[0], ends[1]) if ends else None)


def lines_of(panel: Panel) -> dict[str, Line]:
    return {mark.label: mark for mark in panel.marks if isinstance(mark, Line)}


def curve(losses: str, label: str = "", panel: int = 0, *ends: float) -> tuple[Array, Array]:
    """Return the points of a curve, without gaps."""
    line = lines_of(picture(losses, *ends).panels[panel])[label or losses]
    is_there = ~np.isnan(line.y)
    return line.x[is_there], line.y[is_there]


@pytest.mark.parametrize(
    "losses", ["quantile:tau=0.1,quantile:tau=0.9", "quantile:tau=0.1,mae,quantile:tau=0.9", "expectile:tau=0.95,mse"]
)
def test_a_curve_that_goes_as_far_as_another_to_the_other_side_is_not_cut_off(losses: str) -> None:
    for panel in picture(losses).panels:
        for name, line in lines_of(panel).items():
            assert panel.y.low <= np.nanmin(line.y), name
            assert np.nanmax(line.y) <= panel.y.high, name


def test_all_losses_but_these_have_a_curve() -> None:
    found = {}
    for loss in LOSSES:
        try:
            curves_picture([loss.bind({})])
        except UsageError as error:
            found[loss.name] = str(error)
    assert len(LOSSES) - len(found) >= 105
    assert set(found) == set(WITHOUT_A_CURVE)
    for name, reason in WITHOUT_A_CURVE.items():
        assert found[name].startswith(f"{name} has no curve: {reason}")


def test_all_losses_without_a_curve_are_named() -> None:
    with pytest.raises(UsageError, match=r"^medae has no curve: .*; ctc has no curve: "):
        picture("medae,mse,ctc")


def softplus(x: Array) -> Array:
    return np.logaddexp(0, x)


def softmax_loss_of_angles(x: Array) -> Array:
    return softplus(-64 * (np.cos(np.radians(x)) - 0.35))


FORMULAS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "mse": ("residual", np.square),
    "huber:delta=50": ("residual", lambda e: special.huber(50, e)),
    "quantile:tau=0.9": ("residual", lambda e: np.where(e < 0, -0.9 * e, 0.1 * e)),
    "gaussian_nll:full=true": ("residual", lambda e: -stats.norm.logpdf(e)),
    "crps_normal": ("residual", lambda e: e * special.erf(e / 2**0.5) + 2 * stats.norm.pdf(e) - np.pi**-0.5),
    "crps_ensemble": ("residual", lambda e: np.abs(e[:, None] + np.linspace(-1, 1, 5)).mean(axis=1) - 0.4),
    "dss": ("residual", np.square),
    "student_t_nll:nu=3": ("residual", lambda e: -stats.t.logpdf(e, 3)),
    "negative_binomial_nll": ("prediction", lambda p: -stats.nbinom.logpmf(1, 1, 1 / (1 + p))),
    "wis:taus=0.5": ("residual", np.abs),
    "bias": ("residual", lambda e: e),
    "mrae": ("prediction", lambda p: np.abs(p - 1)),
    "interval_score": ("residual", lambda e: 2 + 20 * np.maximum(np.abs(e) - 1, 0)),
    "mape": ("prediction", lambda p: np.abs(p - 1)),
    "gamma_deviance": ("prediction", lambda p: 2 * (np.log(p) + 1 / p - 1)),
    "poisson_nll:full=true": ("prediction", lambda p: -stats.poisson.logpmf(1, p)),
    "msle": ("prediction", lambda p: (np.log1p(p) - np.log(2)) ** 2),
    "itakura_saito": ("prediction", lambda p: 1 / p + np.log(p) - 1),
    "bce": ("probability", lambda p: -np.log(p)),
    "brier": ("probability", lambda p: (1 - p) ** 2),
    "rps": ("probability", lambda p: (1 - p) ** 2),
    "nll": ("probability", lambda p: -np.log(p)),
    "dice:smooth=0": ("probability", lambda p: 1 - 2 * p / (1 + p + 3 * (1 - p))),
    "softmax_loss": ("logit", lambda s: softplus(-s)),
    "ranking_softmax": ("logit", lambda s: softplus(-s)),
    "hinge:margin=2": ("margin", lambda m: np.maximum(0, 2 - m)),
    "exponential": ("margin", lambda m: np.exp(-m)),
    "multi_margin": ("margin", lambda m: np.maximum(0, 1 - m) / 2),
    "margin_ranking:margin=1": ("margin", lambda m: np.maximum(0, 1 - m)),
    "center": ("distance", lambda d: d**2 / 2),
    "triplet": ("distance_gap", lambda d: np.maximum(0, d + 0.2)),
    "triplet:distance=cosine": ("distance_gap", lambda d: np.maximum(0, d + 0.2)),
    "triplet:distance=euclidean:swap=true": ("distance_gap", lambda d: np.maximum(0, d + 0.2)),
    "iou": ("shift", lambda x: 1 - np.maximum(0, 1 - x) / (1 + x - np.maximum(0, x - 1) * (x > 1) + 0 * x)),
    "giou:box_format=cxcywh": ("shift", lambda x: np.where(x < 1, 2 * x / (1 + x), 1 + (x - 1) / (1 + x))),
    "cosface": ("angle", softmax_loss_of_angles),
    "cosine_distance": ("cosine", lambda c: 1 - c),
    "info_nce": ("cosine", lambda c: softplus(-10 * c)),
    "supcon": ("cosine", lambda c: np.log(np.exp(10 * c) + 2) - 10 * c),
    "kl": ("q", lambda q: special.rel_entr(0.3, q) + special.rel_entr(0.7, 1 - q)),
    "perplexity": ("probability", lambda p: -np.log(p)),
    "bits_per_token": ("probability", lambda p: -np.log2(p)),
    "bpr": ("margin", lambda m: softplus(-m)),
    "dpo:beta=0.5:label_smoothing=0.1": ("margin", lambda h: 0.9 * softplus(-h / 2) + 0.1 * softplus(h / 2)),
    "distillation": ("q", lambda q: 4 * (special.rel_entr(0.3, q) + special.rel_entr(0.7, 1 - q))),
    "label_ranking_loss": ("margin", lambda m: np.where(m <= 0, 1.0, 0.0)),
    "wasserstein": ("q", lambda q: np.abs(q - 0.3)),
}


@pytest.mark.parametrize("losses", FORMULAS)
def test_a_curve_is_its_formula(losses: str) -> None:
    axis, formula = FORMULAS[losses]
    assert picture(losses).facts["x"] == axis
    x, y = curve(losses)
    np.testing.assert_allclose(y, formula(x), rtol=1e-9, atol=1e-12)


def test_both_labels_have_a_curve_where_they_differ() -> None:
    x, y = curve("focal", "focal (y = 1)")
    np.testing.assert_allclose(y, -0.25 * (1 - x) ** 2 * np.log(x), rtol=1e-9, atol=1e-15)
    x, y = curve("focal", "focal (y = 0)")
    np.testing.assert_allclose(y, -0.75 * (1 - x) ** 2 * np.log(x), rtol=1e-9, atol=1e-15)
    x, y = curve("contrastive:margin=3", "contrastive:margin=3 (y = 0)")
    np.testing.assert_allclose(y, np.maximum(0, 3 - x) ** 2, rtol=1e-12)
    x, y = curve("cosine_embedding:margin=0.5", "cosine_embedding:margin=0.5 (y = −1)")
    np.testing.assert_allclose(y, np.maximum(0, x - 0.5), rtol=1e-12)


@pytest.mark.parametrize(
    ("losses", "labels"),
    [
        ("bce", ["bce"]),
        ("bce:pos_weight=3", ["bce:pos_weight=3 (y = 1)", "bce:pos_weight=3 (y = 0)"]),
        ("bce:pos_weight=2/4", ["bce:pos_weight=2/4 (y = 1)", "bce:pos_weight=2/4 (y = 0)"]),
        ("cross_entropy:class_weight=1/2/1", [f"cross_entropy:class_weight=1/2/1 (class {k})" for k in (0, 1)]),
        ("cross_entropy:ignore_index=0", ["cross_entropy:ignore_index=0"]),
        ("zero_one", ["zero_one"]),
        ("hamming:threshold=0.3", ["hamming:threshold=0.3 (y = 1)", "hamming:threshold=0.3 (y = 0)"]),
        ("mse,rmse,half_mse", ["mse, rmse", "half_mse"]),
        ("bce,cross_entropy,focal:gamma=0:alpha=none", ["bce, cross_entropy, focal:alpha=none:gamma=0"]),
    ],
)
def test_curves_that_are_alike_are_one(losses: str, labels: list[str]) -> None:
    assert list(lines_of(picture(losses).panels[0])) == labels


def test_losses_that_differ_by_a_constant_share_their_gradient() -> None:
    shown = picture("gaussian_nll,gaussian_nll:full=true")
    assert list(lines_of(shown.panels[0])) == ["gaussian_nll", "gaussian_nll:full=true"]
    assert list(lines_of(shown.panels[1])) == ["gaussian_nll, gaussian_nll:full=true"]


def test_class_weights_are_those_of_their_class() -> None:
    x, y = curve("cross_entropy:class_weight=1/2/5", "cross_entropy:class_weight=1/2/5 (class 2)")
    np.testing.assert_allclose(y, -5 * np.log(x), rtol=1e-12)


def central_differences(values: PathValues, x: Array) -> tuple[Array, Array, Array]:
    """Return x where the losses are finite, their slopes, and where the curve is smooth: both sides agree."""
    step = 1e-5 * np.ptp(x)
    x = x[np.isfinite(values.losses(x))]
    before, here, after = (values.losses(x + k * step) for k in (-1, 0, 1))
    left, right = (here - before) / step, (after - here) / step
    size = np.abs(left).max()
    return x, (after - before) / (2 * step), np.abs(left - right) <= 1e-2 * np.abs(left) + 1e-4 * size


@pytest.mark.slow
@pytest.mark.parametrize("bound", WITH_A_CURVE, ids=lambda bound: bound.label)
def test_gradients_are_the_slopes_of_the_losses(bound: BoundLoss) -> None:
    for key, paths in find_paths(bound).items():
        for path in paths:
            values = PathValues(bound, path)
            if not values.has_slope:
                continue
            low, high = AXES[key].usual
            low = max(low, 0.0) if np.isfinite(path.interval[0]) else low
            n = 12 if path.form.coupled else 50
            x = low + (high - low) * np.random.default_rng(7).uniform(0.02, 0.98, n)
            x, expected, is_smooth = central_differences(values, x)
            assert is_smooth.mean() > 0.7, key
            size = np.abs(expected[is_smooth]).max()
            np.testing.assert_allclose(values.slopes(x)[is_smooth], expected[is_smooth], rtol=2e-3, atol=2e-5 * size)


def test_no_line_goes_through_a_jump() -> None:
    line = lines_of(picture("mae").panels[1])["mae"]
    (gap,) = np.flatnonzero(np.isnan(line.y))
    assert set(line.y[:gap]) == {-1.0}
    assert set(line.y[gap + 1 :]) == {1.0}
    assert -1e-6 < line.x[gap - 1] < 0 < line.x[gap + 1] < 1e-6
    assert (np.diff(line.x) >= 0).all()


@pytest.mark.parametrize(
    ("losses", "panel", "places"),
    [
        ("zero_one", 0, [0.5]),
        ("hinge:margin=0.7", 1, [0.7]),
        ("epsilon_insensitive:epsilon=0.13", 1, [-0.13, 0.13]),
        ("quantile:tau=0.9", 1, [0.0]),
        ("huber", 1, []),
        ("hampel", 1, []),
        ("smape", 1, [0.0, 1.0]),
        ("diou", 1, [1.0]),
        ("bce", 1, []),
        ("arcface", 0, [180 - np.degrees(0.5)]),
    ],
)
def test_gaps_are_where_a_curve_jumps(losses: str, panel: int, places: list[float]) -> None:
    line = lines_of(picture(losses).panels[panel])[losses]
    np.testing.assert_allclose(line.x[np.isnan(line.y)], places, atol=1e-6)


def test_a_steep_curve_is_no_jump() -> None:
    x = np.linspace(-1, 1, 21)
    for function in (lambda x: np.tanh(1e4 * x), np.cbrt):
        found = with_gaps(function, x, function(x), -1.0, 1.0)
        assert not np.isnan(found[1]).any()


def test_a_jump_out_of_sight_is_not_looked_for() -> None:
    x = np.linspace(-1, 1, 21)
    assert not np.isnan(with_gaps(np.sign, x, 5 * np.sign(x) + 20, -1.0, 1.0)[1]).any()


@pytest.mark.parametrize(
    ("losses", "low", "high"),
    [
        ("mse", -3, 3),
        ("mse,mae", -3, 3),
        ("huber", -3, 3),
        ("huber:delta=50", -150, 150),
        ("huber:delta=0.5,huber:delta=2", -5, 5),
        ("huber:delta=0.01", -0.03, 0.03),
        ("huber:delta=0.01,mse", -3, 3),
        ("huber:delta=1e6", -3e6, 3e6),
        ("tukey", -8, 8),
        ("hampel", -15, 15),
        ("hinge", -3, 3),
        ("hinge:margin=50", -80, 80),
        ("bce:from_logits=true", -5, 5),
        ("bce", 0, 1),
        ("contrastive:margin=30", 0, 50),
        ("triplet", -1, 1),
        ("triplet:margin=50", -80, 80),
        ("arcface", 0, 180),
        ("info_nce", -1, 1),
        ("gamma_deviance", 0, 4),
        ("mape", -2, 4),
        ("mape,gamma_deviance", 0, 4),
        ("linex:a=1000", -0.004, 0.004),
    ],
)
def test_the_range_fits_the_parameters(losses: str, low: float, high: float) -> None:
    shown = picture(losses)
    for panel in shown.panels:
        np.testing.assert_allclose((panel.x.low, panel.x.high), (low, high), rtol=1e-12)
    assert shown.facts["range"] == [panel.x.low, panel.x.high]


@pytest.mark.parametrize("delta", [1e-4, 0.03, 0.7, 12.0, 3e5])
@pytest.mark.parametrize("name", ["huber:delta", "tukey:c", "cauchy:c", "welsch:c", "pseudo_huber:delta", "andrews:a"])
def test_what_a_parameter_does_is_in_sight(name: str, delta: float) -> None:
    shown = picture(f"{name}={delta}")
    assert 1.2 * delta <= shown.panels[0].x.high <= 8 * delta


def test_a_range_that_is_asked_for_is_the_range() -> None:
    shown = picture("huber:delta=50,mse", -1.5, 2)
    assert (shown.panels[0].x.low, shown.panels[0].x.high) == (-1.5, 2)
    x, _ = curve("mse", "mse", 0, -1.5, 2)
    assert (x[0], x[-1]) == (-1.5, 2)
    assert picture("mse", -2, 3).sentence == "the loss of mse (4 at −2, 9 at 3) goes on growing, and so does the pull"


@pytest.mark.parametrize(
    ("losses", "ends", "message"),
    [
        ("mse", (3, -3), "two finite numbers, the smaller one first"),
        ("mse", (0, np.nan), "two finite numbers, the smaller one first"),
        ("mse", (0, np.inf), "two finite numbers, the smaller one first"),
        ("bce", (-99, 3), "the range −99 to 3 does not fit: the probability of the true class is from 0 to 1"),
        ("arcface", (-3, 3), "the range −3 to 3 does not fit: the angle is from 0 to 180"),
        ("poisson_nll", (-1, 3), "the range −1 to 3 does not fit: y_pred is >= 0"),
        ("contrastive", (-1, 3), "the range −1 to 3 does not fit: the distance is >= 0"),
        ("hinge,bce", (-100, 100), "the range −100 to 100 does not fit: the margin is from −30 to 30"),
        ("mse", (1e200, 1e201), "no loss is finite"),
    ],
)
def test_a_range_that_is_none_of_the_axis_is_refused(losses: str, ends: tuple[float, float], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace(".", r"\.")):
        picture(losses, *ends)


def test_the_axis_is_one_that_has_the_range() -> None:
    assert picture("bce").facts["x"] == "probability"
    assert picture("bce", -3, 3).facts["x"] == "logit"
    assert picture("iou,diou,ciou", -2, 2).facts["x"] == "shift"
    assert picture("normface", -1, 1).facts["x"] == "cosine"


def test_a_curve_that_explodes_does_not_flatten_the_others() -> None:
    shown = picture("mse,huber,mae,linex", -10, 10)
    assert shown.panels[0].y.high < 300  # exp(10) is 22026
    assert shown.panels[1].y.high < 40
    for panel in shown.panels:
        assert max(line.y.max() for line in lines_of(panel).values()) > panel.y.high


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ([9.0], 9.0),
        ([9.0, 8.0], 9.0),
        ([9.0, 4.0, 3.0, 2.5], 5.6),
        ([1e9, 2.0], 2.8),
        ([5.0, 4.5, 1.0, 0.9], 5.0),
        ([0.0, 0.0], 1.0),
    ],
)
def test_the_height_is_that_of_all_but_few_curves(heights: list[float], expected: float) -> None:
    series = [np.linspace(0, height, 11) for height in heights]
    assert fit_height(series, 3.0) == (0.0, pytest.approx(expected))


def test_a_pull_that_ends_is_not_hidden_by_the_edge() -> None:
    for losses in ("hinge", "iou", "triplet", "mae"):
        axis = picture(losses).panels[1].y
        y = curve(losses, "", 1)[1]
        assert axis.low < y.min() <= y.max() < axis.high


SENTENCES = {
    "mse": "the loss of mse (9 at ±3) goes on growing, and so does the pull",
    "mse,half_mse": "the loss of mse (9 at ±3) and half_mse (4.5 at ±3) goes on growing, and so does the pull",
    "mse,huber:delta=2,huber,mae": (
        "the loss of mse (25 at ±5) goes on growing, and so does the pull; the pull of huber:delta=2 stays at 2 beyond "
        "±2, that of huber at 1 beyond ±1; the pull of mae is 1 everywhere"
    ),
    "tukey,cauchy": (
        "the pull of tukey ends at ±4.685, at a loss of 3.66; the pull of cauchy fades beyond ±2.385 (1.19 there)"
    ),
    "log_cosh,fair:c=2": "the pull of log_cosh levels off at 1, that of fair:c=2 at 2",
    "quantile:tau=0.9": "the pull of quantile:tau=0.9 is 0.9 below 0 and 0.1 above",
    "hinge,squared_hinge": (
        "the pull of hinge is 1 below 1 and 0 above; the loss of squared_hinge (16 at −3) goes on growing, and so does "
        "the pull; the pull of squared_hinge is 0 above 1"
    ),
    "bce,brier": (
        "the loss of bce rises to 36 as the probability of the true class goes to 0; at 0.9 the pull of bce is 1.11, "
        "that of brier is 0.2; the loss of brier is at most 1"
    ),
    "bce:eps=0": (
        "the loss of bce:eps=0 grows without end as the probability of the true class goes to 0; at 0.9 the pull of "
        "bce:eps=0 is 1.11"
    ),
    "iou,giou": "the pull of iou is 0 above 1; the pull of giou is still 0.222 at 2",
    "kl,js,renyi": (
        "the loss of kl grows without end as q goes to 0 or 1; the loss of js is at most 0.342, that of renyi at most "
        "1.2"
    ),
    "mape,gamma_deviance": ("under mape half of y_true costs 0.5, twice of it 1, under gamma_deviance 0.614 and 0.386"),
    "poisson_nll:log_input=true": "the loss of poisson_nll:log_input=true is least at 0",
    "zero_one": "the loss of zero_one has steps and no gradient",
    "triplet": "the pull of triplet is 1 above −0.2 and 0 below",
    "arcface,normface": "the pull of arcface is more than half of its largest above 62°, that of normface above 90°",
    "contrastive": (
        "the loss of contrastive (y = 1) (4 at 2) goes on growing, and so does the pull; the pull of contrastive "
        "(y = 0) ends at 1, at a loss of 0"
    ),
    "quantile:tau=0": "the pull of quantile:tau=0 is 1 everywhere above 0",
}


@pytest.mark.parametrize("losses", SENTENCES)
def test_the_sentence_says_what_the_numbers_are(losses: str) -> None:
    assert picture(losses).sentence == SENTENCES[losses]


@pytest.mark.parametrize(
    ("losses", "axis", "label"),
    [
        ("mse,mape", "prediction", "y_pred, where y_true = 1"),
        ("mse,gaussian_nll", "residual", "y_pred − y_true"),
        ("mse,tweedie_deviance", "residual", "y_pred − y_true"),
        ("tweedie_deviance:power=1.5,itakura_saito", "prediction", "y_pred, where y_true = 1"),
        ("hinge,soft_margin", "margin", "margin: y · score"),
        ("multi_margin,categorical_hinge", "margin", "margin: score of the true class − the other's"),
        ("hinge,multi_margin", "margin", "margin: y · score"),
        ("margin_ranking", "margin", "margin: y · (x1 − x2)"),
        ("bce,hinge", "logit", "logit of the true class"),
        ("hinge,bce:from_logits=true,focal:from_logits=true", "logit", "logit of the true class"),
        ("cross_entropy,brier", "probability", "probability of the true class"),
        ("bce:from_logits=true,zero_one", "logit", "logit of the true class"),
        ("generalized_kl,kl", "q", "q of a class, whose true probability is 0.3"),
        ("contrastive,center", "distance", "distance of the pair"),
        ("center", "distance", "distance to the centre of the class"),
        ("arcface,cosine_distance", "angle", "angle to the class centre, degrees"),
        ("cosine_embedding", "cosine", "cosine of x1 and x2"),
        ("info_nce,cosine_similarity", "cosine", "cosine"),
        ("iou,giou", "shift", "shift of the box, in widths: IoU 1 at 0, 0 from 1 on"),
        ("diou,ciou", "width", "width of the box; the true one is 1"),
    ],
)
def test_losses_share_an_axis(losses: str, axis: str, label: str) -> None:
    shown = picture(losses)
    assert shown.facts["x"] == axis
    assert {panel.x.label for panel in shown.panels} == {label}


def test_losses_without_a_common_axis_are_told_apart() -> None:
    with pytest.raises(UsageError) as caught:
        picture("mse,bce,kl")
    assert str(caught.value) == (
        "these losses have no x axis in common: mse has the residual or y_pred; bce has the probability of the true "
        "class, the logit of the true class or the margin; kl has q; plot them apart"
    )


def test_a_style_is_that_of_a_curve_in_both_panels() -> None:
    shown = picture("mse,mae,huber,tukey")
    first, second = (
        {label: line.style for label, line in lines_of(panel).items()} for panel in shown.panels
    )  # fmt: skip
    assert first == second == {"mse": 0, "mae": 1, "huber": 2, "tukey": 3}


def test_what_is_held_constant_is_said() -> None:
    assert picture("gaussian_nll").remarks == ("variance is 1",)
    assert picture("dice").remarks == ("a row is a mask of 4 pixels, 1 of them in the object",)
    assert picture("sphereface,arcface").remarks == (
        "the centre of the other class is at 90°",
        "embeddings have length 10",
    )
    assert picture("mse,rmse").remarks == ("rmse is the root of the mean of these losses of rows",)


def test_panels_units_and_rules() -> None:
    shown = picture("mse,huber")
    assert [panel.title for panel in shown.panels] == ["Loss of one row", "Gradient: how hard it pulls"]
    assert [panel.y.label for panel in shown.panels] == ["loss, y²", "gradient by y_pred"]
    assert [(rule.x, rule.y) for panel in shown.panels for rule in panel.marks if isinstance(rule, Rule)] == [
        (0.0, None), (None, 0.0), (0.0, None),
    ]  # fmt: skip
    assert picture("mse,mae").panels[0].y.label == "loss"
    assert shown.losses == ("mse", "huber")
    assert shown.title == "mse and huber: loss and gradient"


@pytest.mark.parametrize("losses", ["bce,zero_one", "chi2", "iou:log=true", "gamma_deviance", "linex:a=300"])
def test_the_document_is_json(losses: str) -> None:
    ends = (-9, 9) if losses.startswith("linex") else ()
    document = json.loads(json.dumps(picture(losses, *ends).to_dict(), allow_nan=False))
    assert document["kind"] == "curves"
    assert document["facts"]["curves"]


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A decorator of losses that no registry gets to know."""
    monkeypatch.setattr(declared, "pending", [])
    return lambda **fields: declared.loss(**{"formula": "", **fields})


def plotted(loss: Loss) -> Picture:
    return curves_picture([loss.bind({})])


def test_a_plugin_has_a_curve_by_the_same_rules(declare: Callable[..., Callable[[Any], Loss]]) -> None:
    @declare(family="regression")
    def three_halves(y_true: Real, y_pred: Real) -> Array:
        return np.abs(y_pred - y_true) ** 1.5

    @declare(family="regression")
    def relative(y_true: Real, y_pred: Real) -> Array:
        return np.abs(y_pred / y_true - 1)

    @declare(family="regression")
    def counts(y_true: NonNegativeReal, y_pred: NonNegativeReal, exposure: NonNegativeReal) -> Array:
        return np.abs(exposure * y_pred - y_true)

    @declare(family="binary")
    def spherical(y_true: Label, y_pred: Probability) -> Array:
        return 1 - np.where(y_true == 1, y_pred, 1 - y_pred) / np.hypot(y_pred, 1 - y_pred)

    @declare(family="metric")
    def far(x1: Vector, x2: Vector) -> Array:
        return np.abs(x1 - x2).sum(axis=1)

    shown = plotted(three_halves)
    assert (shown.facts["x"], len(shown.panels)) == ("residual", 1)
    line = lines_of(shown.panels[0])["three_halves"]
    np.testing.assert_allclose(line.y, np.abs(line.x) ** 1.5)
    assert shown.sentence == "the loss of three_halves has no gradient to show and goes up to 5.2"
    assert plotted(relative).facts["x"] == "prediction"
    assert plotted(counts).remarks == ("exposure is 1",)
    assert plotted(spherical).facts["x"] == "probability"
    line = lines_of(plotted(far).panels[0])["far"]
    np.testing.assert_allclose(line.y, line.x)


def test_a_plugin_of_other_roles_has_none(declare: Callable[..., Callable[[Any], Loss]]) -> None:
    @declare(family="regression")
    def odd(first: Real, labels: ClassLabel) -> Array:
        return first + 0 * labels

    with pytest.raises(UsageError, match=r"^odd has no curve: no axis is known for a loss of first, labels$"):
        plotted(odd)


def test_a_plugin_that_fails_is_a_usage_error(declare: Callable[..., Callable[[Any], Loss]]) -> None:
    @declare(family="regression")
    def picky(y_true: Real, y_pred: Real) -> Array:
        if np.abs(y_pred).max() > 100:
            raise RuntimeError("too large")
        return np.square(y_pred - y_true)

    @picky.gradient
    def _(y_true: Array, y_pred: Array) -> Array:
        return 2 * (y_pred - y_true)

    assert plotted(picky).sentence == "the loss of picky is at most 9 here"
    with pytest.raises(UsageError, match="its kernel failed: RuntimeError: too large"):
        curves_picture([picky.bind({})], (-200, 200))


@pytest.mark.parametrize("slope", [lambda y: y[:2], lambda y: "steep", lambda y: {}["y"]])
def test_a_gradient_of_ones_own_that_fails_is_no_bug(slope: Any, declare: Callable[..., Callable[[Any], Loss]]) -> None:
    @declare(family="regression")
    def wrong(y_true: Real, y_pred: Real) -> Array:
        return np.square(y_pred - y_true)

    @wrong.gradient
    def _(y_true: Array, y_pred: Array) -> Any:
        return slope(y_pred)

    with pytest.raises(UsageError, match="wrong: its gradient failed: "):
        curves_picture([wrong.bind({})])


def test_a_curve_imports_nothing_heavy() -> None:
    program = (
        "import sys, numpy\nbefore = set(sys.modules)  # NumPy 1 imports numpy.ma itself\n"
        "from losscli.pipeline import resolve_losses\nfrom losscli.plot.curves import curves_picture\n"
        "for loss in resolve_losses('mse,bce,cross_entropy,iou,info_nce,kl,arcface'):\n    curves_picture([loss])\n"
        "print(*{'numpy.ma', 'pandas', 'pyarrow', 'rich', 'matplotlib', 'scipy'} & set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
