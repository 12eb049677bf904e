"""The picture of calibration: how targets follow predictions, and what miscalibration costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from losscli.data.dataset import Dataset
from losscli.declaration.domains import Array
from losscli.errors import DataError
from losscli.plot.calibration_observers import (
    CalibrationSample,
    CalibrationSums,
    ModelRows,
    ShownLosses,
    losses_to_show,
)
from losscli.plot.kinds import Kind, Request
from losscli.plot.pictures import Axis, Band, Bars, Line, Mark, Panel, Picture, Point
from losscli.plot.scales import MINUS, NO_BREAK_SPACE, human_number, human_percent
from losscli.results import DataInfo, results_of
from losscli.statistics.calibration import (
    Calibration,
    CalibrationTable,
    ConsistencyBand,
    Decomposition,
    calibrate,
    consistency_band,
    decompose,
    leaving,
)


MAX_POINTS = 400
"""Most points of a drawn curve or band."""

N_BINS = 40
"""Bars of the histogram of predictions."""

CENTRAL_SHARE, RANGES_SHOWN = 0.98, 3.0
"""An axis shows all values up to so many times the range of the central ones; farther ones are left out."""

MIN_ENTRIES = 50
"""Distinct predictions, once they are pooled, below which a remark says so."""

BAND_STYLE = 2

LARGEST_FIXED = 1e7
"""Numbers from here on are shown as powers of 10."""

PARTS = ("miscalibration", "discrimination", "uncertainty")

MAX_MODELS_IN_NOTES = 4


class ModelCalibration(NamedTuple):
    """A model with its fit, the scores of the losses in parts, and the band if it was computed."""

    name: str
    table: CalibrationTable
    fit: Calibration
    parts: dict[str, Decomposition]
    band: ConsistencyBand | None


def reliability_observers(request: Request) -> tuple[CalibrationSums | CalibrationSample]:
    """Return what observes the run for the picture.

    Raises:
        UsageError: No loss is consistent for a functional.
    """
    rows = model_rows(request)
    is_quantile = rows.shown.first.functional.name == "quantile"
    return (CalibrationSample(rows) if is_quantile else CalibrationSums(rows),)


def model_rows(request: Request) -> ModelRows:
    """Return what turns batches into the rows of each model."""
    evaluators = request.run.evaluators
    return ModelRows(losses_to_show(evaluators, request.dataset), evaluators, request.dataset.models)


def draw_reliability(request: Request, observer: CalibrationSums | CalibrationSample) -> Picture:
    """Return the picture from what was observed of all rows."""
    names = model_names(request.dataset)
    remarks: list[str] = []
    if isinstance(observer, CalibrationSample):
        tables = observer.tables()
        if observer.n_halvings:
            remarks.append(f"of a random sample of {count(tables[0].target.size)} of {count(observer.n)} rows")
    else:
        tables = observer.tables()
        if not tables[0].is_exact:
            remarks.append("predictions that differ by less than 0.1 % are pooled")
    level, seed = request.resampling.level, request.resampling.seed
    return reliability_picture(
        observer.rows.shown,
        dict(zip(names, tables, strict=True)),
        target=column_name(request.dataset, "y_true"),
        data=results_of(request.dataset, request.run).data,
        level=level,
        seed=seed,
        remarks=remarks,
    )


def reliability_picture(
    shown: ShownLosses,
    tables: Mapping[str, CalibrationTable],
    *,
    target: str,
    data: DataInfo | None = None,
    level: float = 0.95,
    seed: int = 0,
    remarks: Sequence[str] = (),
) -> Picture:
    """Return the picture of the calibration of models: curves, the diagonal, a band, and a histogram of predictions.

    Args:
        shown: The losses.
        tables: The rows of each model by their predictions.
        target: The name of the target.
        data: The data.
        level: The level of the band.
        seed: The seed of the band.
        remarks: How the tables were made.

    Raises:
        DataError: The targets have no finite mean.
    """
    loss = shown.first
    models = []
    for name, table in tables.items():
        if not table.target.size:
            raise DataError("no row has a weight")
        fit = calibrate(loss, table)
        if not np.isfinite(fit.recalibrated).all():
            raise DataError(f"{target}: a target is infinite, so that predictions cannot be recalibrated")
        parts = {each.label: decompose(each, table, fit, i) for i, each in enumerate(shown.losses)}
        band = consistency_band(loss, table, level, seed) if len(tables) == 1 else None
        models.append(ModelCalibration(name, table, fit, parts, band))
    x_range = (0.0, 1.0) if loss.is_probability else _shown_range(models)
    y_axis = _y_axis(shown, target, models, x_range)
    main = Panel(
        "",
        _x_axis(shown, target, x_range),
        y_axis,
        tuple(_main_marks(models, x_range, y_axis, level)),
        tuple(_notes(models, loss.label)),
        height=4.0,
    )
    histogram = _histogram(models, _x_axis(shown, target, x_range))
    said = [*shown.remarks, *remarks, *_remarks(shown, models, x_range, y_axis, level, seed)]
    facts = {
        "functional": loss.name,
        "decomposition": {
            model.name: {label: parts._asdict() for label, parts in model.parts.items()} for model in models
        },
        "best_constant": models[0].fit.best_constant,
        "outside_band": {model.name: outside_share(model) for model in models},
    }
    title = f"Reliability of {', '.join(model.name for model in models)}"
    return Picture(
        "reliability",
        title,
        (main, histogram),
        sentence(shown, models),
        tuple(each.label for each in shown.losses),
        facts,
        data,
        is_stacked=True,
        remarks=tuple(said),
    )


def _main_marks(
    models: Sequence[ModelCalibration], x_range: tuple[float, float], y_axis: Axis, level: float
) -> list[Mark]:
    """Return the band, the diagonal and the curves; what is beyond the axis runs along its end."""
    low, high = x_range
    marks: list[Mark] = []
    for model in models:
        if model.band is not None and model.band.prediction.size > 1:
            label = f"where a calibrated model would lie, {human_percent(level)}"
            keep = _within(model.band.prediction, x_range)
            x, below, above = (_thin(values[keep]) for values in model.band[:3])
            ends = (np.clip(values, y_axis.low, y_axis.high) for values in (below, above))
            marks.append(Band(label, x, *ends, style=BAND_STYLE))
    marks.append(Line("as predicted", np.array([low, high]), np.array([low, high]), is_reference=True))
    for i, model in enumerate(models):
        x, y = curve_points(model.fit)
        keep = _within(x, x_range)
        y = np.clip(y, y_axis.low, y_axis.high)
        if np.count_nonzero(keep) == 1:
            marks.append(Point(model.name, float(x[keep][0]), float(y[keep][0]), style=i))
        else:
            marks.append(Line(model.name, x[keep], y[keep], style=i))
    return marks


def curve_points(fit: Calibration) -> tuple[Array, Array]:
    """Return points of the fit: both ends of each of its steps, between which it is a straight line."""
    value = fit.recalibrated
    is_end = np.ones(value.size, dtype=bool)
    is_end[1:-1] = (value[1:-1] != value[:-2]) | (value[1:-1] != value[2:])
    return _thin(fit.prediction[is_end]), _thin(value[is_end])


def _thin(values: Array) -> Array:
    """Return at most MAX_POINTS of the values, evenly chosen, the first and the last among them."""
    if values.size <= MAX_POINTS:
        return values
    return np.asarray(values[np.linspace(0, values.size - 1, MAX_POINTS).astype(np.intp)])


def _within(values: Array, x_range: tuple[float, float]) -> Any:
    return (values >= x_range[0]) & (values <= x_range[1])


def shown_range(values: Array, n_rows: Array) -> tuple[float, float]:
    """Return the range of an axis: of all values (k,), or where some are far away, of the central ones and around them.

    A single value has some room around it.
    """
    is_finite = np.isfinite(values)
    values, n_rows = values[is_finite], n_rows[is_finite]
    if not values.size:
        return 0.0, 1.0
    order = np.argsort(values, kind="stable")
    values, rank = values[order], np.cumsum(n_rows[order])
    low, high = float(values[0]), float(values[-1])
    tail = (1 - CENTRAL_SHARE) / 2
    ends = [float(values[np.searchsorted(rank, share * rank[-1])]) for share in (tail, 1 - tail)]
    if rank[-1] < 1 / tail:  # of few rows the central ones are those between the quartiles, and around them
        ends = [float(values[np.searchsorted(rank, share * rank[-1])]) for share in (0.25, 0.75)]
        room = 1.5 * (ends[1] - ends[0])
        ends = [max(low, ends[0] - room), min(high, ends[1] + room)]
    width = ends[1] - ends[0]
    if width > 0 and high - low > RANGES_SHOWN * width:
        low, high = max(low, ends[0] - width / 2), min(high, ends[1] + width / 2)
    if low == high:
        room = abs(low) / 2 or 1.0
        return low - room, high + room
    return low, high


def _shown_range(models: Sequence[ModelCalibration]) -> tuple[float, float]:
    values = np.concatenate([model.table.prediction for model in models])
    return shown_range(values, np.concatenate([model.table.n_rows for model in models]))


def _x_axis(shown: ShownLosses, target: str, x_range: tuple[float, float]) -> Axis:
    loss = shown.first
    return Axis("predicted probability" if loss.is_probability else f"predicted {loss.name} of {target}", *x_range)


def _y_axis(
    shown: ShownLosses, target: str, models: Sequence[ModelCalibration], x_range: tuple[float, float]
) -> Axis:
    if shown.first.is_probability:
        return Axis("observed frequency", 0.0, 1.0)
    seen = [np.array(x_range)]
    for model in models:
        seen.append(model.fit.recalibrated[_within(model.fit.prediction, x_range)])
        if model.band is not None:
            keep = _within(model.band.prediction, x_range)
            seen += [model.band.low[keep], model.band.high[keep]]
    values = np.concatenate(seen)
    # beyond the range of the predictions by at most as much
    width = x_range[1] - x_range[0]
    low, high = max(float(values.min()), x_range[0] - width), min(float(values.max()), x_range[1] + width)
    return Axis(f"{shown.first.name} of {target}", low, high)


def _histogram(models: Sequence[ModelCalibration], axis: Axis) -> Panel:
    edges = np.linspace(axis.low, axis.high, N_BINS + 1)
    marks = []
    for i, model in enumerate(models):
        counts, _ = np.histogram(model.table.prediction, edges, weights=model.table.n_rows)
        style, is_outline = (BAND_STYLE, False) if len(models) == 1 else (i, True)
        label = "" if len(models) == 1 else model.name
        marks.append(Bars(label, edges, counts, style=style, is_outline=is_outline))
    most = max(float(bars.heights.max()) for bars in marks)
    return Panel("", axis, Axis("rows", 0.5, max(10.0, 2 * most), is_log=True), tuple(marks), height=1.0)


def decimals_of(parts: Decomposition) -> int:
    """Return the decimals that show three digits of a score and two of its miscalibration, if these are not too many."""
    sizes = [abs(value) for value in parts if math.isfinite(value) and value]
    if not sizes or not math.isfinite(parts.score):
        return 4
    wanted = 2 - magnitude(parts.score or min(sizes))
    if parts.miscalibration > 0:
        wanted = max(wanted, min(1 - magnitude(parts.miscalibration), wanted + 2))
    return max(0, min(wanted, 5 - magnitude(max(sizes))))


def magnitude(value: float) -> int:
    """Return the power of 10 of the first digit of a number."""
    return math.floor(math.log10(abs(value)))


def fixed(value: float, decimals: int) -> str:
    """Return a number with so many decimals, a real minus, thousands apart; no minus before what rounds to 0."""
    if not abs(value) < LARGEST_FIXED:
        return human_number(value)
    text = f"{abs(value):,.{decimals}f}".replace(",", NO_BREAK_SPACE)
    is_zero = not float(text.replace(NO_BREAK_SPACE, ""))
    return text if value >= 0 or is_zero else MINUS + text


def _notes(models: Sequence[ModelCalibration], label: str) -> list[str]:
    """Return the parts of a loss, a line each: of several models beside each other."""
    if len(models) == 1:
        parts = models[0].parts[label]
        score, miscalibration, discrimination, uncertainty = fixed_parts(parts)
        return [
            f"{label} {score}",
            f"= miscalibration {miscalibration}",
            f"{MINUS} discrimination {discrimination}",
            f"+ uncertainty {uncertainty}",
        ]
    lines = []
    for i, name in enumerate(PARTS[:2], start=1):
        values = [f"{model.name} {fixed_parts(model.parts[label])[i]}" for model in models[:MAX_MODELS_IN_NOTES]]
        lines.append(f"{name}: {', '.join(values)}{', …' if len(models) > MAX_MODELS_IN_NOTES else ''}")
    return [*lines, f"uncertainty of {label}: {fixed_parts(models[0].parts[label])[3]}"]


def fixed_parts(parts: Decomposition) -> list[str]:
    """Return the score and its parts with the same number of decimals."""
    decimals = decimals_of(parts)
    return [fixed(value, decimals) for value in parts]


def equation(label: str, parts: Decomposition) -> str:
    """Return a decomposition on one line."""
    score, miscalibration, discrimination, uncertainty = fixed_parts(parts)
    signs = f"miscalibration {miscalibration} {MINUS} discrimination {discrimination} + uncertainty {uncertainty}"
    return f"{label} {score} = {signs}"


def outside_share(model: ModelCalibration) -> float | None:
    """Return the share of the weight at which the fit is outside of the band; None without a band."""
    if model.band is None:
        return None
    side = leaving(model.fit, model.band)
    return float(model.fit.weight[side != 0].sum() / model.fit.weight.sum())


class Stretch(NamedTuple):
    """Predictions next to each other whose fit is on one side outside of the band, with their means."""

    low: float
    high: float
    is_too_low: bool
    n_rows: int
    predicted: float
    happened: float


def worst_stretch(fit: Calibration, band: ConsistencyBand) -> Stretch | None:
    """Return the stretch outside of the band that matters most: by its weight and its distance from the diagonal."""
    side = leaving(fit, band)
    if not side.any():
        return None
    start = np.flatnonzero(np.append(True, side[1:] != side[:-1]))
    gap = np.abs(np.add.reduceat(fit.weight * (fit.recalibrated - fit.prediction), start))
    worst = int(np.argmax(np.where(side[start] != 0, gap, -1.0)))
    end = int(np.append(start[1:], side.size)[worst])
    part = slice(int(start[worst]), end)
    weight = fit.weight[part] / fit.weight[part].sum()
    return Stretch(
        float(fit.prediction[part][0]),
        float(fit.prediction[part][-1]),
        bool(side[part][0] > 0),
        round(float(fit.n_rows[part].sum())),
        float(np.dot(fit.prediction[part], weight)),
        float(np.dot(fit.recalibrated[part], weight)),
    )


def sentence(shown: ShownLosses, models: Sequence[ModelCalibration]) -> str:
    """Say whether predictions can be taken at their word, and what it costs where they cannot."""
    label = shown.first.label
    if len(models) > 1:
        return _sentence_of_several(label, models)
    model = models[0]
    fit, parts = model.fit, model.parts[label]
    decimals = decimals_of(parts)
    cost = f"miscalibration is {fixed(parts.miscalibration, decimals)} of {label} {fixed(parts.score, decimals)}"
    if fit.prediction.size == 1:
        at, is_at = human_number(float(fit.prediction[0]), 3), human_number(float(fit.recalibrated[0]), 3)
        return f"all predictions are {at}, and the {shown.first.name} is {is_at}: {cost}"
    stretch = None if model.band is None else worst_stretch(fit, model.band)
    if shown.first.functional.name == "quantile":
        below = float(model.table.weight[model.table.target <= model.table.prediction].sum() / model.table.weight.sum())
        level = human_percent(shown.first.functional.level, 4)
        return f"{human_percent(below, 3)} of the targets are at most the prediction, and {level} should be; {cost}"
    if model.band is None:
        return f"{cost}, discrimination {fixed(parts.discrimination, decimals)}"
    share = outside_share(model)
    if stretch is None or share is None:
        rows = count(round(float(fit.n_rows.sum())))
        return f"{model.name} is calibrated as far as {rows} rows can tell: the curve stays in the band; {cost}"
    ends = [human_number(end, 3) for end in (stretch.low, stretch.high)]
    where = f"around {ends[0]}" if ends[0] == ends[1] else f"from {ends[0]} to {ends[1]}"
    happened = human_number(stretch.happened, 3)
    on_average = human_number(stretch.predicted, 3)
    rows = "1 row" if stretch.n_rows == 1 else f"{count(stretch.n_rows)} rows"
    what = f"too {'low' if stretch.is_too_low else 'high'}: {happened}, not {on_average}, on average"
    return (
        f"predictions {where} ({rows}) are {what}; "
        f"{human_percent(share)} of the rows are outside of the band of a calibrated model; {cost}"
    )


def _sentence_of_several(label: str, models: Sequence[ModelCalibration]) -> str:
    parts = {model.name: model.parts[label] for model in models}
    calibrated = min(parts, key=lambda name: parts[name].miscalibration)
    discriminating = max(parts, key=lambda name: parts[name].discrimination)
    decimals = max(map(decimals_of, parts.values()))

    def others(name: str, part: str) -> str:
        shown = [f"{other} {fixed(getattr(parts[other], part), decimals)}" for other in parts if other != name]
        return ", ".join(shown[:3]) + (", ..." if len(shown) > 3 else "")

    best = fixed(parts[calibrated].miscalibration, decimals)
    first = f"{calibrated} has the least miscalibration of {label}, {best} ({others(calibrated, 'miscalibration')})"
    most = fixed(parts[discriminating].discrimination, decimals)
    return f"{first}; {discriminating} tells rows apart best, {most} ({others(discriminating, 'discrimination')})"


def _remarks(
    shown: ShownLosses,
    models: Sequence[ModelCalibration],
    x_range: tuple[float, float],
    y_axis: Axis,
    level: float,
    seed: int,
) -> list[str]:
    loss = shown.first
    others = [
        (f"{model.name}: " if len(models) > 1 else "", label, parts)
        for model in models
        for label, parts in model.parts.items()
        if len(models) > 1 or label != loss.label
    ]
    said = [who + equation(label, parts) for who, label, parts in others]
    if loss.scale == "logit":
        said.append(f"logits are turned into probabilities ({loss.label})")
    if loss.scale == "log":
        said.append(f"logarithms are turned into means ({loss.label})")
    band = models[0].band
    if band is not None:
        said.append(
            f"band: {human_percent(level)} at each prediction, of {count(band.resamples)} resamples if predictions are "
            f"right, seed {seed}"
        )
    elif len(models) > 1:
        said.append("several models are drawn without bands, which would hide one another")
    elif loss.functional.name == "quantile":
        said.append("no band: where a calibrated model would lie depends on the spread of the targets, too")
    table = models[0].table
    if not table.is_exact and table.prediction.size < MIN_ENTRIES and table.n_rows.max(initial=0) > 1:
        said.append(
            "the predictions differ by little compared with their size, so that few groups of them are left: subtract "
            "a constant from predictions and targets to see more"
        )
    far = [
        human_number(value, 3)
        for model in models
        for value in (float(model.fit.recalibrated[0]), float(model.fit.recalibrated[-1]))
        if not y_axis.low <= value <= y_axis.high
    ]
    if far:
        said.append(f"the curve goes to {' and '.join(far)}, beyond the axis")
    outside = sum(float(model.table.n_rows[~_within(model.table.prediction, x_range)].sum()) for model in models)
    if outside:
        said.append(f"{count(round(outside))} predictions are beyond the axis")
    return said


def count(n: int) -> str:
    """Return a count for people."""
    return f"{n:,}".replace(",", NO_BREAK_SPACE)


def model_names(dataset: Dataset) -> tuple[str, ...]:
    """Return the names of the models; of one, the name of its column."""
    return dataset.models or (column_name(dataset, "y_pred"),)


def column_name(dataset: Dataset, role: str) -> str:
    """Return the name of the column of a role; of several columns, that of the role."""
    columns = dataset.bound[role].columns
    return str(columns[0].name) if len(columns) == 1 else role


KIND = Kind(reliability_observers, draw_reliability)
