"""Test compare where one value is absurd, all values are tiny, or the prediction is perfect."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest

import losscli
from losscli import registry
from losscli.pipeline import resolve_losses
from losscli.statistics.minimizer import middle_float
from tests.conftest import Cli
from tests.registry_cases import draw

RNG = np.random.default_rng(14)
N = 40
Y = RNG.normal(size=N) * 3 + 10
P = Y + RNG.normal(size=N) + 0.2

# ------------------------------------------------------------- the best constant, by trying many: losses as in papers

Rho = Callable[[Any, Any], Any]


class Mp:
    """What NumPy has for arrays, for one number of 150 digits."""

    minimum, maximum, pi = min, max, mpmath.pi
    exp, expm1, sqrt, cos = mpmath.exp, mpmath.expm1, mpmath.sqrt, mpmath.cos

    @staticmethod
    def log1p(x: Any) -> Any:
        return mpmath.log(1 + x)

    @staticmethod
    def where(condition: bool, yes: Any, no: Any) -> Any:
        return yes if condition else no


def barron(alpha: float) -> Rho:
    b = abs(alpha - 2)
    return lambda e, m: b / alpha * m.expm1(alpha / 2 * m.log1p(e * e / b))


def hampel(e: Any, m: Any) -> Any:
    r = abs(e)
    falling = 2 * (4 + 8 - 2) / 2 - 2 * (8 - m.minimum(r, 8.0)) ** 2 / (2 * (8 - 4))
    return m.where(r <= 2, r * r / 2, m.where(r <= 4, 2 * r - 2, falling))


ROBUST: dict[str, Rho] = {
    "tukey": lambda e, m: 4.685**2 / 6 * (1 - (1 - m.minimum(abs(e) / 4.685, 1.0) ** 2) ** 3),
    "cauchy": lambda e, m: 2.3849**2 / 2 * m.log1p((e / 2.3849) * (e / 2.3849)),
    "welsch": lambda e, m: -(2.9846**2) / 2 * m.expm1(-(e / 2.9846) * (e / 2.9846)),
    "hampel": hampel,
    "andrews": lambda e, m: 1.339**2 * (1 - m.cos(m.minimum(abs(e) / 1.339, m.pi))),
    "ramsay": lambda e, m: (1 - m.exp(-0.3 * abs(e)) * (1 + 0.3 * abs(e))) / 0.3**2,
    "geman_mcclure": lambda e, m: 2 * e * e / (e * e + 4),
    "barron:alpha=-2": barron(-2.0),
    "barron:alpha=0.5": barron(0.5),
    "wing": lambda e, m: 10 * m.log1p(m.minimum(abs(e), 10.0) / 2) + m.maximum(abs(e) - 10, 0.0),
}
CONVEX: dict[str, Rho] = {
    "huber": lambda e, m: m.where(abs(e) <= 1, e * e / 2, abs(e) - 0.5),
    "pseudo_huber": lambda e, m: m.sqrt(1 + e * e) - 1,
    "charbonnier": lambda e, m: m.sqrt(e * e + 1e-3 * 1e-3),
    "fair": lambda e, m: 1.3998**2 * (abs(e) / 1.3998 - m.log1p(abs(e) / 1.3998)),
    "log_cosh": lambda e, m: abs(e) + m.log1p(m.exp(-2 * abs(e))) - float(np.log(2)),
    "expectile:tau=0.8": lambda e, m: m.where(e > 0, 1 - 0.8, 0.8) * e * e,
    "barron:alpha=1.5": barron(1.5),
    "mse": lambda e, m: e * e,
}


def exactly(x: np.longdouble) -> Any:
    return mpmath.mpf(float(x)) + mpmath.mpf(float(x - float(x)))


def rise(rho: Rho, e: np.ndarray, shifts: np.ndarray, centre: float) -> list[Any]:
    """Return how much more the sum of losses is at each shift than at the centre; that of far rows in 150 digits."""
    near = np.abs(e + centre) < 50
    moved = e[near].astype(np.longdouble) + shifts.astype(np.longdouble)[:, None]
    here = rho(e[near].astype(np.longdouble) + centre, np)
    with mpmath.workdps(150):
        far = [mpmath.mpf(float(x)) for x in e[~near]]
        there = [rho(x + centre, Mp) for x in far]
        return [
            exactly((losses - here).sum())
            + sum(rho(x + mpmath.mpf(float(c)), Mp) - known for x, known in zip(far, there, strict=True))
            for losses, c in zip(rho(moved, np), shifts, strict=True)
        ]


def best_shift(rho: Rho, e: np.ndarray) -> float:
    """Return the constant c of the least sum of rho(e + c): the best of many, with ever finer grids around three."""
    own = np.unique(-e)
    powers = np.logspace(-3, 61, 65)
    linear = np.linspace(*np.quantile(own, (0.05, 0.95)), 41)
    grid = np.unique(np.concatenate([own, own[1:] / 2 + own[:-1] / 2, linear, -powers, powers, [0.0]]))
    grid = grid[(grid >= own[0]) & (grid <= own[-1])]
    centre = float(np.median(own))
    losses = rise(rho, e, grid, centre)
    found = []
    for i in sorted(range(len(grid)), key=losses.__getitem__)[:3]:
        finer, at = grid, i
        for _ in range(30):
            low, high = finer[max(at - 1, 0)], finer[min(at + 1, len(finer) - 1)]
            finer = np.linspace(low, high, 9)
            closer = rise(rho, e, finer, centre)
            at = min(range(len(finer)), key=closer.__getitem__)
            if high - low <= 1e-11 * max(abs(low), abs(high), 1):
                break
        found.append((closer[at], float(finer[at])))
    return min(found)[1]


def mean_loss(rho: Rho, e: np.ndarray, shift: float) -> Any:
    with mpmath.workdps(150):
        return sum(rho(mpmath.mpf(float(x)) + mpmath.mpf(shift), Mp) for x in e) / len(e)


@cache
def best_shift_of_bytes(rho: Rho, e: bytes) -> float:
    return best_shift(rho, np.frombuffer(e))


def check_pull_and_skill(losses: dict[str, Rho], y: np.ndarray, p: np.ndarray) -> None:
    e = p - y
    distance = np.abs(e - np.median(e))
    out, sd = 0.6745 * distance / np.median(distance) > 3.5, 1.4826 * np.median(distance)
    assert out.any()
    for got in losscli.compare(list(losses), y_true=y, y_pred=p):
        rho = losses[got.label if got.label in losses else f"{got.label}:alpha=1"]
        moved = best_shift(rho, e) - best_shift_of_bytes(rho, e[~out].tobytes())
        assert got.pull == pytest.approx(abs(moved) / sd, rel=1e-7, abs=1e-7), got.label
        constant = mean_loss(rho, -y, best_shift(rho, -y))
        skill = float(1 - mean_loss(rho, e, 0.0) / constant)
        assert got.skill == pytest.approx(skill, rel=1e-9, abs=1e-9), got.label


SIZES = (*(10.0**power for power in range(2, 61, 2)), 3.4e38, 9.97e36, -9999e30)


def with_absurd_value(role: str, size: float) -> tuple[np.ndarray, np.ndarray]:
    y, p = Y.copy(), P.copy()
    (y if role == "y_true" else p)[7] = size
    return y, p


@pytest.mark.slow
@pytest.mark.parametrize("role", ["y_true", "y_pred"])
def test_one_absurd_value(role: str) -> None:
    check_pull_and_skill(ROBUST | {"huber": CONVEX["huber"]}, *with_absurd_value(role, 9.97e36))


@pytest.mark.slow
@pytest.mark.parametrize("role", ["y_true", "y_pred"])
@pytest.mark.parametrize("size", SIZES)
def test_one_absurd_value_of_any_size(role: str, size: float) -> None:
    check_pull_and_skill(ROBUST | CONVEX, *with_absurd_value(role, size))


@pytest.mark.slow
def test_many_minima_and_several_absurd_values() -> None:
    wide = RNG.normal(size=N) * 50
    wide[:4] = 3.4e38
    check_pull_and_skill(ROBUST, wide, wide[::-1] * 0.1 + RNG.standard_t(2, size=N) * 20)


def test_minima_between_rows_of_very_different_size() -> None:
    """Of losses that are none of the residual alone, and of a loss with a minimum in every other place."""
    y = np.exp(RNG.normal(size=N))
    y[3] = 9.97e36
    p = y * np.exp(RNG.normal(size=N) * 0.3)
    tried = np.unique(np.concatenate([y, np.logspace(-2, 37, 800), [y.mean(), np.expm1(np.log1p(y).mean())]]))
    for name in ("msle", "gamma_deviance", "tweedie_deviance:power=1.5", "smape", "medae"):
        (got,) = losscli.compare([name], y_true=y, y_pred=p)
        every = losscli.compute(name, y_true=y, y_pred=p)
        function = losscli.get_loss(every.name, **every.params)
        of_constants = [function(y, np.full(N, c)) for c in tried]
        reduced = np.median(of_constants, axis=1) if name == "medae" else np.mean(of_constants, axis=1)
        best = 1 - every.value / reduced.min()
        assert got.skill == pytest.approx(best, rel=1e-4) or got.skill < best, name
        assert got.skill == pytest.approx(best, rel=1e-2, abs=1e-2), name


def test_weights_groups_and_models_with_one_absurd_value() -> None:
    y, p = with_absurd_value("y_pred", 3.4e38)
    weight = RNG.integers(1, 4, size=N)
    names = ["cauchy", "huber", "wing"]
    repeated = losscli.compare(names, y_true=np.repeat(y, weight), y_pred=np.repeat(p, weight), sort="loss")
    weighted = losscli.compare(names, y_true=y, y_pred=p, weight=weight, sort="loss")
    alone = losscli.compare(names, y_true=y, y_pred=p, sort="loss")
    data = {"y_true": np.append(Y, y), "y_pred": np.append(P, p), "part": ["a"] * N + ["b"] * N}
    grouped = [
        c for c in losscli.compare(names, data=data, group_by=["part"], sort="loss") if c.group_columns["part"] == "b"
    ]
    models = losscli.compare(names, y_true=y, models={"good": Y + 1, "bad": p}, sort="loss")
    for i in range(len(names)):
        assert weighted[i].pull == pytest.approx(repeated[i].pull, rel=1e-9)
        assert weighted[i].skill == pytest.approx(repeated[i].skill, rel=1e-9)
        assert (grouped[i].pull, grouped[i].skill) == (alone[i].pull, alone[i].skill)
        assert [c.pull for c in models if c.label == names[i] and c.model == "bad"] == [alone[i].pull]


@pytest.mark.parametrize("size", [1e12, 1e20, 3.4e38])
@pytest.mark.parametrize("turned", [False, True])
def test_models_that_share_an_absurd_target(size: float, turned: bool) -> None:
    """Its loss takes all digits of the values, but none of the paired differences."""
    y, good, bad = Y.copy(), Y + RNG.normal(size=N) * 0.1, Y + RNG.normal(size=N)
    y[7] = size
    e_good, e_bad = good - Y, bad - Y
    names = ["mae", "huber", "mse", "rmse"]
    models = {"bad": bad, "good": good} if turned else {"good": good, "bad": bad}
    compared = {(c.label, c.model): c for c in losscli.compare(names, y_true=y, models=models)}
    far = good[7] - bad[7]  # how much nearer one of them is to the absurd target
    others = np.arange(N) != 7
    gap = (np.abs(e_bad).sum() - np.abs(e_good).sum() - np.abs(e_bad[7]) + np.abs(e_good[7]) + far) / N
    assert compared["mae", "good"].verdict == "best"
    assert compared["mae", "bad"].difference == pytest.approx(gap, rel=1e-6 if size > 1e13 else 1e-3)
    assert compared["mae", "bad"].diff_low > 0
    huber = [np.where(np.abs(e) <= 1, e * e / 2, np.abs(e) - 0.5)[others].sum() for e in (e_good, e_bad)]
    gap = (huber[1] - huber[0] + far) / N
    assert compared["huber", "bad"].difference == pytest.approx(gap, rel=1e-6 if size > 1e13 else 1e-3)
    if size > 1e13:  # the square of that row decides alone
        worse = "bad" if far > 0 else "good"
        assert compared["mse", worse].difference == pytest.approx(2 * size * abs(far) / N, rel=1e-6)
        assert compared["rmse", worse].difference == pytest.approx(abs(far) / N**0.5, rel=1e-6)
        assert {c.verdict for (label, _), c in compared.items() if label in ("mse", "rmse")} == {None}


def test_one_row_that_decides_alone_decides_nothing() -> None:
    rng = np.random.default_rng(5)
    y = rng.normal(size=400)
    models = {"a": y + rng.normal(size=400) * 0.5, "b": y + rng.normal(size=400) * 0.9}
    y[3] = 1e20
    compared = losscli.compare(["mse"], y_true=y, models=models)
    assert [c.verdict for c in compared] == [None, None]
    assert {c.diff_low for c in compared} == {0.0, None}


def test_all_values_are_tiny() -> None:
    """Below 1e-300, where products underflow: a pull is a ratio, so it is the same as of larger values."""
    y, p = Y.copy(), P.copy()
    p[7] = 99
    large = {c.label: c for c in losscli.compare(["mae", "huber", "smooth_l1:beta=1e-320"], y_true=y, y_pred=p)}
    tiny = {c.label: c for c in losscli.compare(["mae", "smooth_l1:beta=0"], y_true=y * 1e-305, y_pred=p * 1e-305)}
    assert tiny["mae"].pull == pytest.approx(large["mae"].pull, rel=1e-6)
    assert tiny["smooth_l1:beta=0"].pull == pytest.approx(large["mae"].pull, rel=1e-6)
    assert tiny["mae"].skill == pytest.approx(large["mae"].skill, rel=1e-6)
    (zero,) = losscli.compare(["tukey"], y_true=y * 1e-310, y_pred=p * 1e-310)
    assert (zero.value, zero.pull, zero.skill) == (0, None, None)  # the squares are 0 whatever is predicted


def test_skill_of_a_median_next_to_an_infinite_row() -> None:
    p = P.copy()
    p[7] = np.inf
    (got,) = losscli.compare(["medae"], y_true=Y, y_pred=p)
    tried = np.linspace(5, 15, 4001)
    best = min(np.median(np.abs(Y - c)) for c in tried)
    assert got.skill == pytest.approx(1 - np.median(np.abs(p - Y)) / best, abs=1e-3)


def test_constant_data_and_two_rows() -> None:
    constant = losscli.compare(["mse", "cauchy", "charbonnier"], y_true=[5.0] * 6, y_pred=[5.0] * 6)
    assert {c.label: c.skill for c in constant} == {"mse": None, "cauchy": None, "charbonnier": 0.0}
    for c in losscli.compare(["huber", "cauchy", "wing"], y_true=[1.0, 1e60], y_pred=[1.5, 2.0]):
        assert c.pull == 0
        assert -1e-9 <= c.skill <= 1 or c.skill < 0


@pytest.mark.parametrize("a", [-1e60, -1.0, -5e-324, 0.0, 5e-324, 2.5])
@pytest.mark.parametrize("b", [0.0, 1e-300, 2.5, 1.7e308])
def test_the_middle_in_the_order_of_floats(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    middle = middle_float(low, high)
    assert low <= middle <= high
    assert middle_float(-high, -low) == pytest.approx(-middle, rel=1e-15, abs=1e-323)
    steps = 0
    while low < middle < high:
        low, middle, steps = middle, middle_float(middle, high), steps + 1
    assert np.nextafter(low, np.inf) >= high
    assert steps <= 64


# ---------------------------------------------------------------------------------- perfect predictions, and no divisor


def test_a_perfect_prediction_has_skill_1() -> None:
    names = ["mse", "rmse", "mae", "medae", "max_error", "wape", "mape", "cauchy", "tukey", "huber", "msle"]
    y = np.array([1.0, 2.0, 4.0, 9.0])
    assert {c.label: c.skill for c in losscli.compare(names, y_true=y, y_pred=y)} == dict.fromkeys(names, 1.0)
    vectors = np.stack([y, y[::-1]], axis=1)
    assert losscli.compare(["mse"], y_true=vectors, y_pred=vectors)[0].skill == 1
    labels = np.array([0, 1, 1, 0, 1])
    assert [c.skill for c in losscli.compare(["bce", "brier", "zero_one"], y_true=labels, y_pred=labels)] == [1, 1, 1]
    classes = losscli.compare(["cross_entropy", "zero_one"], y_true=labels, y_pred=np.eye(2)[labels])
    assert [c.skill for c in classes] == [1, 1]
    assert losscli.compare(["mse"], y_true=[3.0, 3.0], y_pred=[3.0, 3.0])[0].skill is None  # a constant is perfect, too


def test_wape_of_targets_that_are_all_0_says_so(cli: Cli) -> None:
    says = "wape is nan: it divides by the sum of |y_true|, and all targets are 0"
    data = b"y_true,y_pred,site\n0,1,a\n0,2,a\n3,4,b\n"
    assert says in cli("compute", "wape", "-q", stdin=data[:-6]).err
    assert "--top" not in cli("compute", "wape", "-q", stdin=data[:-6]).err
    assert says in cli("compare", "--losses", "wape,mae", stdin=data[:-6]).err
    grouped = cli("compute", "wape", "--group-by", "site", stdin=data)
    assert grouped.status == 4
    assert "it divides by the sum of |y_true|" in grouped.err
    with pytest.warns(UserWarning, match="all targets are 0"):
        assert np.isnan(losscli.compute("wape", y_true=[0, 0], y_pred=[1, 2]).value)
    with pytest.warns(UserWarning, match="weights of the rows' classes"):
        losscli.compute("cross_entropy", y_true=[0, 0], y_pred=[[0.5, 0.5], [0.1, 0.9]], class_weight=(0, 1))


# ------------------------------------------------------------------------------------------------------------- ranks


def ranks(names: list[str], **data: Any) -> dict[str, int | None]:
    return {c.label: c.rank for c in losscli.compare(names, **data)}


def test_ranks_are_by_pull() -> None:
    y, p = with_absurd_value("y_pred", 60.0)
    p[11] = 45.0
    compared = losscli.compare(["mse", "tukey", "mae", "huber", "wing"], y_true=y, y_pred=p)
    assert [c.rank for c in compared] == [1, 2, 3, 4, 5]
    pulls = [c.pull for c in compared]
    assert pulls == sorted(pulls)
    inflation = [c.inflation for c in compared]
    assert inflation != sorted(inflation)


def test_losses_that_order_predictions_alike_share_a_rank() -> None:
    y, p = with_absurd_value("y_pred", 60.0)
    names = ["mse", "huber", "rmse", "smooth_l1", "half_mse", "mae", "wape", "quantile", "huber:delta=2"]
    got = ranks(names, y_true=y, y_pred=p)
    assert got["mse"] == got["rmse"] == got["half_mse"] == 7
    assert got["huber"] == got["smooth_l1"] != got["huber:delta=2"]
    assert got["mae"] == got["wape"] == got["quantile"]
    assert sorted(got.values()) == [1, 1, 3, 3, 3, 6, 7, 7, 7]


def test_without_pull_ranks_are_by_inflation() -> None:
    labels, scores = RNG.integers(0, 2, size=60), RNG.uniform(0.02, 0.98, size=60)
    names = ["bce", "brier", "focal", "focal:alpha=none:gamma=0"]
    compared = losscli.compare(names, y_true=labels, y_pred=scores)
    inflation = {c.label: c.inflation for c in compared}
    by_label = {c.label: c.rank for c in compared}
    assert all(c.pull is None for c in compared)
    assert sorted(by_label, key=inflation.__getitem__) == sorted(by_label, key=by_label.__getitem__)
    assert by_label["bce"] == by_label["focal:alpha=none:gamma=0"]
    mixed = losscli.compare(["mse", "mae", "bce"], y_true=labels, y_pred=scores, outliers="top:5%")
    assert sorted(mixed, key=lambda c: c.inflation) == list(mixed)
    assert "rank is by inflation: bce cannot be ranked by pull" in mixed.notes


def test_where_outliers_move_nothing_all_share_the_first_rank() -> None:
    assert set(ranks(["mse", "mae", "cauchy"], y_true=Y, y_pred=P, outliers="mad:99").values()) == {1}


ALIKE = [
    "rmse", "half_mse", "wape", "rmae", "rmsse", "wis:taus=0.1/0.9",
    "crps_quantile:taus=0.2/0.5", "wql:taus=0.1/0.5", "rmsle", "quantile", "expectile", "epsilon_insensitive:epsilon=0",
    "squared_epsilon_insensitive:epsilon=0", "huber:delta=inf", "smooth_l1:beta=0", "smooth_l1:beta=1.7",
    "pseudo_huber:delta=2", "barron:alpha=2", "barron:alpha=1:c=2", "barron:alpha=0:c=2", "barron:alpha=-2:c=2",
    "barron:alpha=-inf:c=2", "tweedie_deviance", "tweedie_deviance:power=1", "tweedie_deviance:power=2", "poisson_nll",
    "poisson_nll:log_input=true:full=true", "poisson_nll:full=true", "gaussian_nll:full=true",
    "focal:gamma=0:alpha=none", "focal:gamma=0:alpha=0.5:from_logits=true", "multilabel_soft_margin", "soft_margin",
    "sparse_cross_entropy", "cross_entropy:from_logits=true", "categorical_focal:gamma=0",
    "symmetric_cross_entropy:beta=0", "poly:epsilon=0:from_logits=true", "cosine_distance", "renyi", "am_softmax",
    "gamma_nll:k=2", "negative_binomial_nll:alpha=0",
    "alpha_iou:alpha=1", "alpha_iou:alpha=1:penalty=ciou", "jaccard", "focal_tversky:gamma=1",
    "perplexity", "bits_per_token",
    "bits_per_byte",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("text", ALIKE)
def test_declared_orders_are_those_of_values(text: str) -> None:
    (bound,) = resolve_losses(text)
    assert bound.loss.order is not None
    name, params = bound.loss.order(**bound.params)
    other = registry.find(name).bind(params)
    assert other.ordering == bound.ordering
    assert other.loss is bound.loss or other.ordering.startswith(f"{name} ")
    rng = np.random.default_rng(3)
    form = bound.loss.forms[0]
    arrays = draw(bound, form, rng)
    if text == "soft_margin":
        arrays["y_true"] = (arrays["y_true"] > 0).astype(float)
    values: list[tuple[float, float]] = []
    for _ in range(25):
        arrays[form.gradient_role] = draw(bound, form, rng)[form.gradient_role]
        both = losscli.compute([losscli.LossFunction(bound), losscli.LossFunction(other)], **arrays)
        values.append((both[0].value, both[1].value))
    orders = np.argsort(np.array(values), axis=0)
    np.testing.assert_array_equal(orders[:, 0], orders[:, 1])


def test_every_declared_order_is_tried() -> None:
    assert {loss.name for loss in registry.all_losses() if loss.order is not None} <= {
        *(bound.loss.name for bound in resolve_losses(",".join(ALIKE))),
        "bce",
        "cross_entropy",
    }


# ------------------------------------------------------------------------------------------------------------ bounds


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("bce", (True, True)),
        ("bce:eps=0", (False, False)),
        ("bce:from_logits=true", (False, True)),
        ("focal", (True, True)),
        ("ghm_c", (True, True)),
        ("asymmetric:eps=0", (False, False)),
    ],
)
def test_bounds_count_the_clipping_in_force(text: str, bounds: tuple[bool, bool]) -> None:
    y, p = [0, 1, 1, 0], np.array([0.2, 0.7, 0.99, 0.01])
    (got,) = losscli.compare([text], y_true=y, y_pred=p)
    assert (got.bounded_value, got.bounded_gradient) == bounds
    worst = losscli.compute(text, y_true=y, y_pred=[1e9, 0, 0, 0] if "logits" in text else [1.0, 0.0, 0.99, 0.01])
    assert (worst.value < 1e3) is bounds[0]


def test_bounds_of_classes_count_the_clipping_in_force() -> None:
    names = ["cross_entropy", "cross_entropy:eps=0", "categorical_focal", "poly", "softmax_loss"]
    compared = losscli.compare(names, y_true=[0, 1, 0], y_pred=[[0.5, 0.5], [0.1, 0.9], [0.3, 0.7]])
    found = {c.label: (c.bounded_value, c.bounded_gradient) for c in compared}
    clipped, free, logits = (True, True), (False, False), (False, True)
    assert found == dict(zip(names, (clipped, free, clipped, clipped, logits), strict=True))
