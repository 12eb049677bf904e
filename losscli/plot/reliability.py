"""The picture of calibration: how targets follow predictions, and what miscalibration costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from losscli.data.dataset import Dataset
from losscli.declaration.domains import Array
from losscli.errors import DataError, UsageError
from losscli.evaluation.row_sample import RowSampler
from losscli.plot.calibration_observers import CalibrationSums, ModelRows, ShownLosses, losses_to_show, tables_of_sample
from losscli.plot.kinds import PictureRecipe, Request
from losscli.plot.pictures import Axis, Band, Bars, Line, Mark, Panel, Picture, Point
from losscli.plot.reliability_words import ModelCalibration, equation, fixed_parts, outside_share, reliability_sentence
from losscli.plot.scales import MINUS, human_number, human_percent
from losscli.plot.words import count_text, rows_text
from losscli.results import DataInfo, results_of
from losscli.statistics.bootstrap.options import Resampling
from losscli.statistics.calibration import (
    LEVEL,
    MAX_ROWS_FOR_QUANTILES,
    Calibration,
    CalibrationTable,
    calibrate,
    consistency_band,
    decompose,
)
from losscli.statistics.consistency import ConsistentLoss

DEFAULT_RESAMPLING = Resampling(LEVEL)

MAX_POINTS = 400
"""Most points of a drawn curve or band."""

N_BINS = 40
"""Bars of the histogram of predictions."""

CENTRAL_SHARE, RANGES_SHOWN = 0.98, 3.0
"""An axis shows all values up to so many times the range of the central ones; farther ones are left out."""

MIN_ROWS_FOR_TAILS, RANGES_SHOWN_OF_FEW = 100, 10.0
"""Of fewer rows the central values are those within 1.5 interquartile ranges of the quartiles."""

LARGEST_SHOWN = 1e300

BAND_STYLE = 2

PARTS = ("miscalibration", "discrimination", "uncertainty")

MAX_MODELS_IN_NOTES = 3
"""Parts of the scores of more models are remarks alone, and the title has their number."""


def reliability_observers(request: Request) -> tuple[CalibrationSums | RowSampler]:
    """Return what observes the run for the picture: sums, or a sample of the rows for quantiles.

    Raises:
        UsageError: No loss is consistent for a functional.
    """
    rows = model_rows(request)
    return (RowSampler() if rows.shown.first.functional.name == "quantile" else CalibrationSums(rows),)


def model_rows(request: Request) -> ModelRows:
    """Return what turns batches into the rows of each model.

    Raises:
        UsageError: No loss is consistent for a functional, or its median is asked for.
    """
    if request.run.reduction == "median":
        raise UsageError("calibration is measured by means of losses", option=("reduction", "median"))
    return ModelRows(losses_to_show(request.evaluators, request.dataset), request.evaluators, request.dataset.models)


def outputs_remark(request: Request, loss: ConsistentLoss) -> list[str]:
    """Say that several outputs of a row count as rows, if there are several."""
    shape = request.dataset.bound["y_pred"].shape
    if loss.has_classes or len(shape) < 2 or shape[1] == 1:
        return []
    several = f"{shape[1]} outputs" if shape[1] > 0 else "outputs"
    return [f"the {several} of a row are taken together"]


def draw_reliability(request: Request, observer: CalibrationSums | RowSampler) -> Picture:
    """Return the picture from what was observed of all rows."""
    rows = model_rows(request)
    remarks = outputs_remark(request, rows.shown.first)
    if isinstance(observer, RowSampler):
        sample = observer.sample()
        tables = tables_of_sample(rows, sample, "weight" in request.dataset.bound)
        if not sample.is_complete:
            remarks.append(f"of a random sample of {count_text(len(sample.batch))} of {rows_text(sample.n)}")
    else:
        tables = observer.tables()
        if not tables[0].is_exact:
            remarks.append("predictions that differ by less than 0.1 % are pooled")
    return reliability_picture(
        rows.shown,
        dict(zip(model_names(request.dataset), tables, strict=True)),
        target=predicted_class(request.dataset)
        if rows.shown.first.has_classes
        else column_name(request.dataset, "y_true"),
        data=results_of(request.dataset, request.run).data,
        resampling=request.resampling,
        remarks=remarks,
    )


def reliability_picture(
    shown: ShownLosses,
    tables: Mapping[str, CalibrationTable],
    *,
    target: str,
    data: DataInfo | None = None,
    resampling: Resampling = DEFAULT_RESAMPLING,
    remarks: Sequence[str] = (),
) -> Picture:
    """Return the picture of the calibration of models: curves, the diagonal, a band, and a histogram of predictions.

    Args:
        shown: The losses.
        tables: The rows of each model by their predictions.
        target: The name of the target; of classes, that of the second.
        data: The data.
        resampling: The level of the band, and how targets are resampled for it.
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
        how = resampling.level, resampling.seed, resampling.resamples
        band = consistency_band(loss, table, *how) if len(tables) == 1 else None
        models.append(ModelCalibration(name, table, fit, parts, band))
    x_range = (0.0, 1.0) if loss.is_probability else _shown_range(models)
    y_axis = _y_axis(shown, target, models, x_range)
    main = Panel(
        "",
        _x_axis(shown, target, x_range),
        y_axis,
        tuple(_main_marks(models, x_range, y_axis, resampling.level)),
        tuple(_notes(models, loss.label)),
        height=4.0,
    )
    histogram = _histogram(models, _x_axis(shown, target, x_range))
    said = [*shown.remarks, *remarks, *_remarks(shown, models, x_range, y_axis, resampling)]
    facts = {
        "functional": loss.name,
        "decomposition": {
            model.name: {label: parts._asdict() for label, parts in model.parts.items()} for model in models
        },
        "best_constant": models[0].fit.best_constant,
        "outside_band": {model.name: outside_share(model) for model in models},
        "outside_by_chance": {
            model.name: None if model.band is None else model.band.outside_by_chance for model in models
        },
    }
    bands = [model.band for model in models if model.band is not None]
    intervals = resampling.to_dict(["consistency band"], bands[0].resamples) if bands else {}
    names = [model.name for model in models]
    title = f"Reliability of {f'{len(names)} models' if len(names) > MAX_MODELS_IN_NOTES else ', '.join(names)}"
    return Picture(
        "reliability",
        title,
        (main, histogram),
        reliability_sentence(shown, models),
        tuple(each.label for each in shown.losses),
        facts,
        data,
        is_stacked=True,
        remarks=tuple(said),
        intervals=intervals,
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
            bottom, top = np.clip(below, y_axis.low, y_axis.high), np.clip(above, y_axis.low, y_axis.high)
            marks.append(Band(label, x, bottom, top, style=BAND_STYLE))
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
    is_shown = np.abs(values) <= LARGEST_SHOWN
    values, n_rows = values[is_shown], n_rows[is_shown]
    if not values.size:
        return 0.0, 1.0
    order = np.argsort(values, kind="stable")
    values, rank = values[order], np.cumsum(n_rows[order])
    low, high = float(values[0]), float(values[-1])
    tail = (1 - CENTRAL_SHARE) / 2
    ends = [float(values[np.searchsorted(rank, share * rank[-1])]) for share in (tail, 1 - tail)]
    ranges_shown = RANGES_SHOWN
    if rank[-1] < MIN_ROWS_FOR_TAILS:
        ranges_shown = RANGES_SHOWN_OF_FEW
        ends = [float(values[np.searchsorted(rank, share * rank[-1])]) for share in (0.25, 0.75)]
        room = 1.5 * (ends[1] - ends[0])
        ends = [max(low, ends[0] - room), min(high, ends[1] + room)]
    width = ends[1] - ends[0]
    if width > 0 and high - low > ranges_shown * width:
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
    is_of_label = loss.is_probability and not loss.has_classes
    return Axis("predicted probability" if is_of_label else f"predicted {loss.name} of {target}", *x_range)


def _y_axis(shown: ShownLosses, target: str, models: Sequence[ModelCalibration], x_range: tuple[float, float]) -> Axis:
    if shown.first.is_probability:
        return Axis("observed frequency", 0.0, 1.0)
    seen = [np.array(x_range)]
    for model in models:
        seen.append(model.fit.recalibrated[_within(model.fit.prediction, x_range)])
        if model.band is not None:
            keep = _within(model.band.prediction, x_range)
            seen += [model.band.low[keep], model.band.high[keep]]
    values = np.concatenate(seen)
    values = values[np.isfinite(values)]
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
        label = model.name if 1 < len(models) <= MAX_MODELS_IN_NOTES else ""
        marks.append(Bars(label, edges, counts, style=style, is_outline=is_outline))
    most = max(float(bars.heights.max()) for bars in marks)
    return Panel("", axis, Axis("rows", 0.5, max(10.0, 2 * most), is_log=True), tuple(marks), height=1.0)


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
    if len(models) > MAX_MODELS_IN_NOTES:
        return []
    lines = []
    for i, name in enumerate(PARTS[:2], start=1):
        lines.append(f"{name}: {', '.join(f'{model.name} {fixed_parts(model.parts[label])[i]}' for model in models)}")
    return [*lines, f"uncertainty of {label}: {fixed_parts(models[0].parts[label])[3]}"]


def _remarks(
    shown: ShownLosses,
    models: Sequence[ModelCalibration],
    x_range: tuple[float, float],
    y_axis: Axis,
    resampling: Resampling,
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
    if band is not None and band.prediction.size > 1:
        said.append(
            f"band: {human_percent(resampling.level)} at each prediction, of {count_text(band.resamples)} resamples if "
            f"predictions are right, seed {resampling.seed}"
        )
    elif len(models) > 1:
        said.append("several models are drawn without bands, which would hide one another")
    elif band is None and loss.functional.name == "quantile":
        said.append(f"no band: quantiles of more than {rows_text(MAX_ROWS_FOR_QUANTILES)} are not resampled")
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
        said.append(f"{count_text(round(outside))} prediction{'s are' if outside > 1 else ' is'} beyond the axis")
    return said


def model_names(dataset: Dataset) -> tuple[str, ...]:
    """Return the names of the models; of one, the name of its column."""
    return dataset.models or (column_name(dataset, "y_pred"),)


def predicted_class(dataset: Dataset) -> str:
    """Return the name of the second of two classes, whose probability is shown."""
    names = dataset.classes.names
    return names[1] if len(names) == 2 else "class 1"


def column_name(dataset: Dataset, role: str) -> str:
    """Return the name of the column of a role; of several columns, that of the role."""
    columns = dataset.bound[role].columns
    return str(columns[0].name) if len(columns) == 1 else role


KIND = PictureRecipe(reliability_observers, draw_reliability)
