"""Properties of every loss of the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, product

import numpy as np
import pytest

import losscli
from losscli.binding import bind
from losscli.data.sources import Sources
from losscli.data.table import ArraysTable
from losscli.declaration.domains import EPS, Boxes, ClassTargets, Domain, Simplex
from losscli.declaration.domains.arrays import BinPositions, QueryKeys, WholeNumbers
from losscli.declaration.domains.intervals import REALS
from losscli.declaration.domains.labels import BinaryLabels
from losscli.declaration.domains.masks import PixelTargets
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss
from losscli.declaration.properties import Claim, Property, Reduction
from losscli.options import EvaluationOptions
from losscli.results import results_of
from tests.registry_cases import GOLDEN, LOSSES, draw, golden, kernel, name_of, per_sample
from tests.registry_cases import settings as registry_settings

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*no other row:UserWarning"),  # labels are drawn
    pytest.mark.filterwarnings("ignore:.*(left out of the mean|in row order|all rows are one query):UserWarning"),
    pytest.mark.filterwarnings("ignore:.*lower end is above:UserWarning", "ignore:.*quantiles cross:UserWarning"),
]

SETTINGS = list(registry_settings())
FLAGGED = list(registry_settings("from_logits", "log_input", "normalize", further=True))
Setting = tuple[BoundLoss, Form]


class UnsuitableDrawError(Exception):
    """Another draw is asked for."""


def few(test: Callable[[Setting, int], None]) -> Callable[[Setting], None]:
    """Run a test on three draws. Hypothesis, which would draw a seed, would take half as long again."""

    def drawn(setting: Setting) -> None:
        suitable, seeds = 0, count()
        while suitable < 3:
            seed = next(seeds)
            assert seed < 30, "most draws are unsuitable"
            try:
                test(setting, seed)
                suitable += 1
            except UnsuitableDrawError:
                pass
            except Exception as error:
                error.add_note(f"the seed is {seed}")
                raise

    drawn.__doc__ = test.__doc__
    return drawn


def for_each(chosen: list[Setting]) -> pytest.MarkDecorator:
    """Give a test each setting; those with other parameters than the defaults are slow tests."""
    usual = [loss.bind({}).label for loss in LOSSES]
    marked = [s if s[0].label in usual else pytest.param(s, marks=pytest.mark.slow) for s in chosen]
    return pytest.mark.parametrize("setting", marked, ids=map(name_of, chosen))


every = for_each(SETTINGS)


def claiming(claim: Property) -> pytest.MarkDecorator:
    return for_each([s for s in FLAGGED if claim in s[0].properties_of(s[1])])


def value(bound: BoundLoss, arrays: dict[str, np.ndarray], **options: object) -> float:
    return losscli.compute([losscli.LossFunction(bound)], **arrays, **options)[0].value


# ------------------------------------------------------------------------------------------- rows and weights


# where rows are coupled, or of one query, repeating one changes the others
ROW_BY_ROW = [s for s in SETTINGS if not s[1].coupled and not s[1].by_query]


@for_each(ROW_BY_ROW)
@few
def test_integer_weights_are_repeated_rows(setting: tuple[BoundLoss, Form], seed: int) -> None:
    bound, form = setting
    rng = np.random.default_rng(seed)
    arrays = draw(bound, form, rng)
    rows = [role.name for role in form.roles if role.domain.per_row]
    times = rng.integers(0, 4, size=len(arrays[rows[0]]))
    times[0] = 1
    repeated = {name: np.repeat(a, times, axis=0) if name in rows else a for name, a in arrays.items()}
    if bound.loss.reduction is Reduction.MEDIAN:
        expected = np.median(np.repeat(kernel(bound, form, arrays), times, axis=0))
        assert value(bound, arrays, weight=times) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(value(bound, arrays, weight=times), value(bound, repeated), rtol=1e-12)


@every
@few
def test_a_row_of_weight_zero_is_absent(setting: tuple[BoundLoss, Form], seed: int) -> None:
    bound, form = setting
    arrays = draw(bound, form, np.random.default_rng(seed))
    rows = [role.name for role in form.roles if role.domain.per_row]
    weight = np.ones(len(arrays[rows[0]]))
    weight[2] = 0
    without = {name: np.delete(a, 2, axis=0) if name in rows else a for name, a in arrays.items()}
    np.testing.assert_allclose(value(bound, arrays, weight=weight), value(bound, without), rtol=1e-12)


BY_ORDER = [s for s in SETTINGS if s[0].loss.name in ("listmle", "lambda_rank") or s[0].params.get("ties") == "order"]
"""Losses that take equal relevances or scores in the order of rows."""


@for_each([s for s in SETTINGS if s not in BY_ORDER])
@few
def test_the_order_of_rows_does_not_matter(setting: tuple[BoundLoss, Form], seed: int) -> None:
    bound, form = setting
    rng = np.random.default_rng(seed)
    arrays = draw(bound, form, rng)
    rows = [role.name for role in form.roles if role.domain.per_row]
    order = rng.permutation(len(arrays[rows[0]]))
    shuffled = {name: a[order] if name in rows else a for name, a in arrays.items()}
    np.testing.assert_allclose(value(bound, arrays), value(bound, shuffled), rtol=1e-12)


def compute_in_batches(
    bound: BoundLoss, arrays: dict[str, np.ndarray], weight: np.ndarray, rows_per_batch: int
) -> tuple[losscli.LossResult, np.ndarray]:
    """Return a result and the loss of each row, evaluated a few rows at a time."""
    options = EvaluationOptions(columns={"weight": "weight"})
    dataset, run = bind([bound], Sources(ArraysTable("", "arrays", arrays | {"weight": weight})), options, print)
    batches = (
        batch.take(slice(start, start + rows_per_batch))
        for batch in dataset.batches()
        for start in range(0, len(batch), rows_per_batch)
    )
    values = [item.outcomes[0].per_sample for item in run.evaluate(batches)]
    return results_of(dataset, run)[0], np.concatenate(values)


@every
def test_the_size_of_batches_does_not_matter(setting: tuple[BoundLoss, Form]) -> None:
    bound, form = setting
    arrays = draw(bound, form, np.random.default_rng(5), rows=23)
    weight = np.random.default_rng(6).uniform(0.5, 2, size=len(next(iter(arrays.values()))))
    weight = weight[arrays["query"]] if form.by_query else weight  # one a query
    whole, whole_values = compute_in_batches(bound, arrays, weight, rows_per_batch=len(weight))
    assert whole.value == value(bound, arrays, weight=weight)
    pieces, values = compute_in_batches(bound, arrays, weight, rows_per_batch=5)
    np.testing.assert_allclose(pieces.value, whole.value, rtol=1e-12)
    np.testing.assert_allclose(pieces.summary.std, whole.summary.std, rtol=1e-9)
    np.testing.assert_allclose(values, whole_values, rtol=1e-12)


# ------------------------------------------------------------------------------------------------ gradients

HELD_CONSTANT = {("coco", ("labels", "embeddings")), ("adaface", ("labels", "embeddings", "weights"))}
"""Forms whose gradient takes class means or lengths as they are, so that it is not the slope of the value."""

WITH_GRADIENT = [
    s for s in SETTINGS if "gradient" in s[1].hooks and (s[0].loss.name, tuple(s[1].names)) not in HELD_CONSTANT
]

STEP = 1e-6


def slope_by_differences(bound: BoundLoss, form: Form, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, float]:
    """Return the slope of the sum of the losses by each number of the gradient role, and the largest curvature."""
    role = form.gradient_role
    at = arrays[role].astype(float)
    here = per_sample(bound, form, arrays)
    rows_are_apart = not form.coupled and len(here) == len(at) and at.ndim > 0
    numeric, curvature = np.zeros_like(at), 0.0
    for index in np.ndindex(at.shape[1:] if rows_are_apart else at.shape):
        place = (slice(None), *index) if rows_are_apart else index  # one number of every row, or one of all
        step = np.zeros_like(at)
        step[place] = STEP
        below, above = (per_sample(bound, form, arrays | {role: moved}) for moved in (at - step, at + step))
        if not rows_are_apart:
            below, above = below.sum(), above.sum()
        middle = here if rows_are_apart else here.sum()
        numeric[place] = (above - below) / (2 * STEP)
        curvature = max(curvature, float(np.max(np.abs(above - 2 * middle + below))) / STEP)
    return numeric, curvature


@for_each(WITH_GRADIENT)
@few
def test_gradient_is_the_slope(setting: tuple[BoundLoss, Form], seed: int) -> None:
    bound, form = setting
    arrays = draw(bound, form, np.random.default_rng(seed))
    declared = kernel(bound, form, arrays, "gradient")
    elements = kernel(bound, form, arrays)
    declared = declared / (elements[0].size if elements.ndim > 1 else 1)
    numeric, curvature = slope_by_differences(bound, form, arrays)
    if curvature > 1e-2 * (1 + np.abs(numeric).max()):
        raise UnsuitableDrawError("it fell on a kink")
    scale = max(1.0, float(np.abs(numeric).max()))
    np.testing.assert_allclose(declared, numeric, rtol=2e-5, atol=2e-5 * scale)


# ---------------------------------------------------------------------------------------------- properties


@claiming(Property.CONVEX)
@few
def test_convex_in_the_prediction(setting: tuple[BoundLoss, Form], seed: int) -> None:
    bound, form = setting
    rng = np.random.default_rng(seed)
    arrays, others = draw(bound, form, rng), draw(bound, form, rng)
    role = form.gradient_role
    a, b = arrays, arrays | {role: others[role]}
    part = rng.uniform()
    between = arrays | {role: (1 - part) * a[role] + part * b[role]}
    chord = (1 - part) * per_sample(bound, form, a) + part * per_sample(bound, form, b)
    assert (per_sample(bound, form, between) <= chord + 1e-9 * (1 + np.abs(chord))).all()


@claiming(Property.SYMMETRIC)
@few
def test_symmetric(setting: tuple[BoundLoss, Form], seed: int) -> None:
    bound, form = setting
    arrays = draw(bound, form, np.random.default_rng(seed))
    swapped = arrays | {"y_true": arrays["y_pred"], "y_pred": arrays["y_true"]}
    np.testing.assert_allclose(per_sample(bound, form, swapped), per_sample(bound, form, arrays), rtol=1e-12)


@claiming(Property.TRANSLATION_INVARIANT)
@few
def test_translation_invariant(setting: tuple[BoundLoss, Form], seed: int) -> None:
    """The loss depends on the residual alone, and all rows count alike."""
    bound, form = setting
    assert [role.name for role in form.roles] == ["y_true", "y_pred"]
    assert not {"row_mask", "denominator"} & set(form.hooks)
    arrays = draw(bound, form, np.random.default_rng(seed))
    moved = {role: values + 3.0 for role, values in arrays.items()}
    here = per_sample(bound, form, arrays)
    np.testing.assert_allclose(per_sample(bound, form, moved), here, rtol=1e-9, atol=1e-9 * (1 + np.abs(here).max()))


FAR = np.array([1e3, 1e6, 1e9])


def far_rows(domain: Domain, row: np.ndarray, size: float) -> list[np.ndarray]:
    """Return other values of a row: far out on either side, near an end of the domain, or near 0."""
    signs = np.where(np.arange(row.size) % 2, -1.0, 1.0).reshape(row.shape)
    if isinstance(domain, BinaryLabels):
        soft = [np.full(row.shape, 1 / size)] if domain.soft else []
        off = -1.0 if domain.signs else 0.0
        return [np.full(row.shape, off), np.ones(row.shape), np.where(signs > 0, 1.0, off), *soft]
    if domain.is_label and row.ndim == 0 and not domain.accepts_any_label:
        return [np.array(0), np.array(2)]
    if isinstance(domain, PixelTargets):
        return [np.zeros_like(row), np.arange(row.size) % 3]
    if isinstance(domain, (BinPositions, QueryKeys, WholeNumbers)) or not domain.per_row:
        return [row]
    if domain.is_label and row.ndim == 0:
        return [row]
    if isinstance(domain, (Simplex, ClassTargets)):
        classes = row.shape[-1]
        corners = np.eye(classes) * (1 - 1 / size - 1 / size / (classes - 1)) + 1 / size / (classes - 1)
        if row.ndim > 1:  # pixels
            corners = np.stack([*(np.broadcast_to(c, row.shape) for c in corners), corners[np.arange(len(row)) % 2]])
        scaled = [row * size, row / size] if getattr(domain, "normalize", False) else []
        return [row, *(np.broadcast_to(corner, row.shape) for corner in corners), *scaled]
    if isinstance(domain, Boxes):
        return [row, row * size, row / size]
    interval = getattr(domain, "interval", REALS)
    if np.isfinite(interval.low) and np.isfinite(interval.high):
        ends = interval.low + 1 / size, interval.high - 1 / size
        return [row, *(np.full(row.shape, end) for end in ends), np.where(signs > 0, *ends)]
    if np.isfinite(interval.low):
        near, far = interval.low + 1 / size, interval.low + size
        return [row, np.full(row.shape, near), np.full(row.shape, far), np.where(signs > 0, near, far)]
    if np.isfinite(interval.high):
        return [row, row * size, row / size]
    return [
        row,
        signs * size,
        -signs * size,
        np.full(row.shape, size),
        np.full(row.shape, -size),
        signs / size,
        row / size,
    ]


def with_a_far_row(bound: BoundLoss, form: Form, size: float) -> Iterator[dict[str, np.ndarray]]:
    """Yield data with all combinations of far values in the first row."""
    arrays, others = (draw(bound, form, np.random.default_rng(seed), rows=4) for seed in (1, 2))
    if all(role.domain.shapes[0] == "N*" for role in form.roles):
        arrays = {name: np.stack([arrays[name], others[name]], axis=1) for name in arrays}
    keys = (role for role in form.roles if role.domain.accepts_any_label or isinstance(role.domain, QueryKeys))
    free = (role for role in keys if role.domain.per_row)
    arrays |= {role.name: np.array([0, 0, 1, 1]) for role in free}
    roles = [role for role in form.roles if role.name in arrays]
    choices = [far_rows(role.domain.with_params(bound.params), arrays[role.name][0], size) for role in roles]
    for rows in product(*choices):
        changed = {name: array.copy() for name, array in arrays.items()}
        for role, row in zip(roles, rows, strict=True):
            if role.domain.per_row:
                changed[role.name][0] = row
        yield changed


def largest(bound: BoundLoss, form: Form, hook: str) -> list[float]:
    """Return the largest loss (or slope) of a row for growing distances."""
    function = partial(kernel, hook=hook) if hook else per_sample
    middle = bound.loss.reduction is Reduction.MEDIAN and not hook
    reduced = (lambda values: np.median(np.abs(values))) if middle else (lambda values: np.abs(values).max())
    return [
        max(float(reduced(function(bound, form, arrays))) for arrays in with_a_far_row(bound, form, size))
        for size in FAR / smallest(bound, form)
    ]


def smallest(bound: BoundLoss, form: Form) -> float:
    """Return the smallest addend of a divisor, or probability: only far smaller values show that it is a bound."""
    if "clipped" in form.hooks:
        return bound.params.get("eps", EPS) or 1.0
    return min(1.0, *(bound.params.get(name) or 1.0 for name in ("smooth", "eps")))


def grows(bound: BoundLoss, form: Form, hook: str = "") -> bool:
    """Return whether a row can make the loss (or slope) arbitrarily large."""
    nearest, near, far = largest(bound, form, hook)
    rise = far - near  # a logarithm rises by as much each time, what approaches a limit by less
    return not np.isfinite(far) or (rise > 0.02 * near + 1e-9 and rise > 0.75 * (near - nearest))


OF_CENSORING = ("ipcw_brier", "integrated_brier")
"""Losses that are inf where no row is left that was not censored: no row alone makes these data so."""


@pytest.mark.slow
@for_each(FLAGGED)
def test_the_value_is_bounded_where_that_is_claimed(setting: tuple[BoundLoss, Form]) -> None:
    bound, form = setting
    has_no_bound = grows(bound, form) or bound.loss.name in OF_CENSORING
    assert has_no_bound is (Property.BOUNDED_VALUE not in bound.properties_of(form))


SLOPED = [s for s in FLAGGED if "gradient" in s[1].hooks]


@pytest.mark.slow
@for_each(SLOPED)
def test_the_gradient_is_bounded_where_that_is_claimed(setting: tuple[BoundLoss, Form]) -> None:
    bound, form = setting
    has_no_bound = grows(bound, form, "gradient") or bound.loss.name in OF_CENSORING
    assert has_no_bound is (Property.BOUNDED_GRADIENT not in bound.properties_of(form))


CONDITIONAL = [(loss, claim) for loss in LOSSES for claims in (loss, *loss.forms) for claim in claims.claims]


@pytest.mark.parametrize(("loss", "claim"), CONDITIONAL, ids=lambda x: getattr(x, "condition", None) or x.name)
def test_each_condition_is_tried_where_it_holds_and_where_not(loss: losscli.api.Loss, claim: Claim) -> None:
    assert {claim.holds(**bound.params) for bound, _ in FLAGGED if bound.loss is loss} == {True, False}
    assert not claim.properties & loss.properties


def has_a_place_for_kinks(bound: BoundLoss, form: Form) -> bool:
    """Return whether kinks can only be where a residual (or a score with labels -1 and 1) is 0 or a parameter."""
    roles = {role.name: role.domain.with_params(bound.params) for role in form.roles}
    signs = getattr(roles.get("y_true"), "signs", False)
    return form.gradient_role == "y_pred" and (bound.loss.of_residual or signs)


SMOOTH = [s for s in SETTINGS if Property.DIFFERENTIABLE in s[0].properties_of(s[1]) and has_a_place_for_kinks(*s)]


@for_each(SMOOTH)
def test_differentiable_where_a_kink_would_be(setting: tuple[BoundLoss, Form]) -> None:
    """Slopes from both sides agree where the residual or the score is 0 or a parameter, with either sign."""
    bound, form = setting
    arrays = draw(bound, form, np.random.default_rng(2))
    domain = next(r.domain for r in form.roles if r.name == "y_pred").with_params(bound.params)
    low = getattr(getattr(domain, "interval", None), "low", -np.inf)
    sizes = [v for v in bound.params.values() if isinstance(v, (int, float)) and np.isfinite(v) and v is not True]
    centre = arrays["y_true"] if bound.loss.of_residual else np.zeros_like(arrays["y_true"])
    for offset in (0.0, *sizes, *(-size for size in sizes)):
        inside = centre + offset > low + 1e-3
        assert inside.any(), f"no row can have its prediction at {offset}"
        at = np.where(inside, centre + offset, arrays["y_pred"])
        below, above = (
            kernel(bound, form, arrays | {"y_pred": at + step}, "gradient")[inside] for step in (-1e-12, 1e-12)
        )
        np.testing.assert_allclose(below, above, atol=1e-4 * (1 + np.abs(above).max()))


OTHER_SMOOTH = [s for s in FLAGGED if Property.DIFFERENTIABLE in s[0].properties and not has_a_place_for_kinks(*s)]


@for_each(OTHER_SMOOTH)
def test_differentiable_at_the_truth_and_where_classes_are_equal(setting: tuple[BoundLoss, Form]) -> None:
    """Slopes from both sides agree at the kinks of distances, and where another class becomes the largest."""
    bound, form = setting
    rng = np.random.default_rng(2)
    arrays = draw(bound, form, rng)
    drawn, truth = arrays[form.gradient_role], arrays.get("y_true")
    centres = [np.broadcast_to(drawn.mean(axis=-1, keepdims=True), drawn.shape)]
    if truth is not None and truth.shape == drawn.shape and (truth > 0).all():
        centres.append(np.log(truth) if bound.params.get("from_logits") else truth)
    for centre in centres:
        move = 1e-9 * centre * rng.normal(size=centre.shape)
        below, above = (
            kernel(bound, form, arrays | {form.gradient_role: centre + m}, "gradient") for m in (-move, move)
        )
        np.testing.assert_allclose(below, above, atol=1e-6 * (1 + np.abs(above).max()))


# --------------------------------------------------------------------------------------------- completeness


def bound_names(loss: losscli.api.Loss) -> set[str]:
    return {parameter.name for parameter in loss.parameters}


def test_the_catalogue_is_complete() -> None:
    known = {path.stem for path in GOLDEN.glob("*.json")} - {"penalty"}
    assert known == {loss.name for loss in LOSSES}


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_every_loss_is_complete(loss: losscli.api.Loss) -> None:
    assert golden(loss.name), "no golden cases"
    assert loss.summary.endswith(".")
    assert loss.formula
    assert set(loss.documentation.advice) == {"Use", "Avoid", "Pitfalls"}
    assert loss.equivalents
    assert loss.references
    assert loss.declares_properties
    for parameter in loss.parameters:
        if parameter.required:
            continue
        assert parameter.domain.check(parameter.default) == parameter.default
        assert parameter.domain.parse(parameter.domain.text(parameter.default)) == parameter.default
    if any(case["gradient"] is not None for case in golden(loss.name)):
        assert loss.has_gradient
    for form in loss.forms:
        if slope := form.hooks.get("gradient"):
            formula, _, _ = (slope.__doc__ or "").partition("\n\n")
            assert formula.strip(), f"the gradient by {form.gradient_role} has no formula"
            assert "from_logits" not in form.keywords[form.kernel] or "logits" in formula, "it gives none from logits"
