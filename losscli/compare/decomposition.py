"""Why a model has its value under a loss: miscalibration, discrimination, uncertainty, and bias.

`value = mcb - dsc + unc` (Dimitriadis, Gneiting & Jordan 2021, doi:10.1073/pnas.2016191118; Gneiting & Resin 2023,
doi:10.1214/23-EJS2180), for losses that are consistent for a mean, a probability or a quantile. All is of the losses as
they are evaluated, with the clipping of probabilities: what is decomposed is the value that is shown.

The bias is the mean of the identification function of the functional, which is 0 on average for predictions that are
right on average: y_pred - y_true of a mean or a probability, [y_true <= y_pred] - tau of a quantile.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.compare.subset import LossOnRows, RowSubset
from losscli.data.batch import Batch
from losscli.data.dataset import Dataset
from losscli.declaration.domains import Array, Mask
from losscli.errors import UsageError
from losscli.evaluation.run import RunState
from losscli.messages import Hint, Message, join_names, number_text
from losscli.result_base import MAX_NOTE_LENGTH, short_text
from losscli.results import finite_or_none
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD
from losscli.statistics.bootstrap.options import AUTO, ConfidenceInterval, Resampling
from losscli.statistics.calibration import (
    Calibration,
    CalibrationTable,
    calibrate,
    consistency_band,
    decompose_score,
    leaving,
    sorted_table,
)
from losscli.statistics.consistency import ConsistentLoss, check_shapes, consistent_loss
from losscli.statistics.ratios import paired

PART_COLUMNS = {
    "mcb": "miscalibration: what isotonic recalibration would take off the value",
    "dsc": "discrimination: what recalibrated predictions gain on the best constant",
    "unc": "uncertainty: the loss of the best constant; value = mcb - dsc + unc",
    "bias": "mean of y_pred - y_true; of a quantile: share of y_true <= y_pred less tau",
    "bias_low": "lower end of the interval of the bias",
    "bias_high": "upper end of that interval",
}
"""The columns that a decomposition adds."""

MIN_SHARE_OF_MISCALIBRATION = 0.05
"""Share of the value from which a note tells of miscalibration: less is no reason to choose or mend a model."""

MAX_MISCALIBRATION_NOTES = 4
"""Notes on the miscalibration of groups and models: the first that are found."""

BAND_LEVEL, BAND_RESAMPLES = 0.99, 200
"""Level at which chance is told from miscalibration, and of how many resamples: as several models and groups are looked
at, and the bands of quantiles are narrow in small samples, one of 95 % would tell of chance too often."""

MIN_SHARE_OF_TIES = 0.05
"""Share of the rows whose target equals a predicted quantile from which a note tells how they are counted."""

LENGTH_OF_MODEL = 24
"""Fewest characters of a loss and a model that a note keeps."""


class ScoreParts(NamedTuple):
    """The parts of a value and its bias: what has no decomposition, or is not finite, is None."""

    mcb: float | None = None
    dsc: float | None = None
    unc: float | None = None
    bias: float | None = None
    interval: ConfidenceInterval | None = None

    @property
    def bias_low(self) -> float | None:
        return None if self.interval is None else self.interval.low

    @property
    def bias_high(self) -> float | None:
        return None if self.interval is None else self.interval.high

    @property
    def cells(self) -> dict[str, float | None]:
        """Column -> its cell."""
        return {name: getattr(self, name) for name in PART_COLUMNS}

    def to_dict(self) -> dict[str, Any]:
        """Return the parts as JSON has them."""
        interval = {} if self.interval is None else {"bias_ci": self.interval.to_dict()}
        return {**{name: finite_or_none(cell) for name, cell in self.cells.items()}, **interval}


class RowsOfModel(NamedTuple):
    """The rows of a group with the predictions of a model, and the values of the losses on them (None: to be found).

    `name` is that of the group and the model, in words; it is empty where there is one of each. `is_rival` tells
    whether there are other models.
    """

    subset: RowSubset
    values: Sequence[float | None]
    name: str
    is_rival: bool = False


class Misses(NamedTuple):
    """By how much predictions miss the targets: the identification function of each row (n,), whose mean is the bias.

    It is the mean over the outputs of a row. `weight` are the weights of the rows (n,), None if all are 1; `tied` is
    the share of the weight where the target equals the prediction; `clusters` are what is resampled whole (n,).
    """

    values: Array
    weight: Array | None
    tied: float
    clusters: NDArray[np.uint64] | None = None

    @classmethod
    def of(
        cls,
        loss: ConsistentLoss,
        targets: Array,
        predicted: Array,
        weight: Array | None,
        clusters: NDArray[np.uint64] | None = None,
    ) -> Misses:
        """Return those of targets and values of the functional, (n,) or (n, K); a quantile that is met is covered."""
        if loss.functional.name == "quantile":
            misses: Array = np.where(targets <= predicted, 1 - loss.functional.level, -loss.functional.level)
        else:
            misses = np.asarray(predicted - targets)
        tied = (targets == predicted).astype(np.float64)
        if misses.ndim > 1:
            misses, tied = (each.reshape(len(each), -1).mean(axis=1) for each in (misses, tied))
        return cls(misses, weight, float(np.average(tied, weights=weight)), clusters)

    @property
    def bias(self) -> float:
        return float(np.average(self.values, weights=self.weight))


class FittedFunctional:
    """The isotonic fit of the targets to the predictions of one model, which all losses for that functional share."""

    def __init__(self, loss: ConsistentLoss, batch: Batch, counted: Mask | None, cluster: str | None = None) -> None:
        y_true, y_pred, weight = batch.arrays["y_true"], batch.arrays["y_pred"], batch.weight
        if counted is not None:
            y_true, y_pred, weight = y_true[counted], y_pred[counted], None if weight is None else weight[counted]
        clusters = batch.clusters(cluster)
        clusters = clusters if clusters is None or counted is None else clusters[counted]
        targets, keys = loss.targets(y_true), loss.keys(y_pred)
        self.loss, self.misses = loss, Misses.of(loss, targets, loss.values_of_keys(keys), weight, clusters)
        ones = np.ones(len(targets)) if weight is None else weight
        if targets.ndim > 1:  # every output counts as a row
            width = int(np.prod(targets.shape[1:]))
            ones = np.repeat(ones / max(1, width), width)
        self.table: CalibrationTable = sorted_table(loss, targets.ravel(), keys.ravel(), ones, [])
        self.calibration: Calibration = calibrate(loss, self.table)

    def score(self, loss: ConsistentLoss) -> float:
        """Return the mean of a loss over the rows."""
        losses = loss.losses(self.table.target, self.table.prediction) * self.table.weight
        return float(losses.sum()) / float(self.table.weight.sum())

    def is_miscalibrated(self) -> bool:
        """Tell whether the fit leaves the band of a calibrated model more than chance lets it.

        Of more quantiles than are resampled, what chance makes of miscalibration is below the share that is told of.
        """
        band = consistency_band(self.loss, self.table, BAND_LEVEL, resamples=BAND_RESAMPLES)
        if band is None:
            return True
        fit = self.calibration
        outside = float(fit.weight[leaving(fit, band) != 0].sum() / fit.weight.sum())
        return outside > band.outside_by_chance


def find_consistent(
    run: RunState, dataset: Dataset, shape: tuple[int, ...] | None = None
) -> tuple[list[ConsistentLoss | None], dict[str, str]]:
    """Return the losses of a run that have a decomposition, None for the others, and why these have none, by label.

    `shape` is that of the predictions (N, ...) where it is known; otherwise that of their columns counts.

    Raises:
        UsageError: None has one, or the values are medians.
    """
    if run.reduction == "median":
        raise UsageError("means of losses have parts, medians have none", option=("reduction", run.reduction))
    found: list[ConsistentLoss | None] = []
    reasons: dict[str, str] = {}
    problem: UsageError | None = None
    for evaluator in run.evaluators:
        try:
            loss = consistent_loss(evaluator.bound, evaluator.form)
            check_shapes(loss, dataset.bound["y_pred"].shape if shape is None else shape)
            found.append(loss)
        except UsageError as error:
            problem = problem or error
            found.append(None)
            reasons[evaluator.label] = error.message.problem.partition(";")[0]
    if len(reasons) == len(found):
        assert problem is not None
        raise UsageError(problem.message.problem, option=("decompose", "true"))
    return found, reasons


class Decomposer:
    """Decomposes the losses of models, group by group; keeps of each no more than its bias needs."""

    def __init__(self, losses: Sequence[ConsistentLoss | None], run: RunState, resampling: Resampling) -> None:
        self._losses = losses
        self._resampling = resampling
        self._is_interval_asked = run.resampling is not None or resampling.resamples_units
        self._is_sum = run.reduction == "sum"
        self._n_miscalibrated = 0
        self._has_told_of_ties = False
        self.notes: list[Message] = []

    def decompose(self, models: Sequence[RowsOfModel], with_bias: bool = True) -> list[list[ScoreParts]]:
        """Return the parts of each loss, by the predictions of each model, on the rows of one group."""
        found: list[list[ScoreParts]] = []
        misses: list[list[Misses | None]] = []
        for model in models:
            fits = self._fit(model)
            found.append(self._parts(model, fits))
            if with_bias:
                misses.append([None if fit is None else fit.misses for fit in fits])
                self._note_ties(model, misses[-1])
        if not with_bias:
            return found
        intervals = self._intervals([each for of_model in misses for each in of_model if each is not None])
        without: dict[str, list[str]] = {}
        for model, parts, of_model in zip(models, found, misses, strict=True):
            for i, (loss, each) in enumerate(zip(self._losses, of_model, strict=True)):
                if loss is None or each is None:
                    continue
                interval = intervals[id(each)]
                parts[i] = parts[i]._replace(bias=each.bias, interval=interval)
                if interval.low is None:
                    without.setdefault(interval.why, []).append(named(loss, model))
        self.notes += [Message(f"bias of {join_names(names[:2])} has {why}") for why, names in without.items()]
        return found

    def _fit(self, model: RowsOfModel) -> list[FittedFunctional | None]:
        """Return the fit for each loss, None where there is none; losses for one functional share it."""
        known: dict[Any, FittedFunctional] = {}
        fits: list[FittedFunctional | None] = []
        for loss, on_rows, value in zip(self._losses, model.subset.losses, model.values, strict=True):
            if loss is None or (value is not None and not math.isfinite(value)) or not on_rows.is_per_sample:
                fits.append(None)
                continue
            counted = counted_mask(on_rows)
            mask = None if counted is None else counted.tobytes()
            key = loss.functional, loss.scale, loss.has_classes, loss.bound.params.get("normalize"), mask
            if key not in known:
                known[key] = FittedFunctional(loss, on_rows.batch, counted, self._resampling.cluster)
            fits.append(known[key])
        return fits

    def _parts(self, model: RowsOfModel, fits: Sequence[FittedFunctional | None]) -> list[ScoreParts]:
        found: list[ScoreParts] = []
        told: set[int] = set()
        for loss, fit, known in zip(self._losses, fits, model.values, strict=True):
            if loss is None or fit is None:
                found.append(ScoreParts())
                continue
            total = float(fit.table.weight.sum())
            factor = total if self._is_sum else 1.0
            with np.errstate(all="ignore"):
                score = fit.score(loss) if known is None else known / factor
                parts = decompose_score(score, loss, fit.table, fit.calibration)
            size = max(abs(score), abs(parts.uncertainty))
            mcb, dsc = (without_rounding(part, size) for part in (parts.miscalibration, parts.discrimination))
            unc = finite_or_none(factor * parts.uncertainty)
            found.append(ScoreParts(finite_or_none(factor * mcb), finite_or_none(factor * dsc), unc))
            if id(fit) not in told and mcb >= MIN_SHARE_OF_MISCALIBRATION * score > 0:
                told.add(id(fit))
                self._note_miscalibration(model, fit, loss, factor * mcb, factor * score)
        return found

    def _note_miscalibration(
        self, model: RowsOfModel, fit: FittedFunctional, loss: ConsistentLoss, mcb: float, value: float
    ) -> None:
        if self._n_miscalibrated >= MAX_MISCALIBRATION_NOTES or not fit.is_miscalibrated():
            return
        self._n_miscalibrated += 1
        text = f"{rounded(mcb)} of {rounded(value)} is miscalibration: recalibrate (isotonic, linear)"
        before = " before you compare" if model.is_rival else ""
        most = MAX_NOTE_LENGTH - len(Hint.SHOW_RELIABILITY.value) - len(text) - len(before)
        name = short_text(named(loss, model), max(most // 2 * 2, LENGTH_OF_MODEL))
        self.notes.append(Message(f"{name}: {text}{before}", Hint.SHOW_RELIABILITY))

    def _note_ties(self, model: RowsOfModel, misses: Sequence[Misses | None]) -> None:
        if self._has_told_of_ties:
            return
        for loss, each in zip(self._losses, misses, strict=True):
            is_quantile = loss is not None and loss.functional.name == "quantile"
            if loss is None or each is None or not is_quantile or each.tied < MIN_SHARE_OF_TIES:
                continue
            text = f"the bias of {named(loss, model)} counts y_true = y_pred as covered ({rounded(100 * each.tied)} %"
            self.notes.append(Message(f"{text} of the rows); without these it is {rounded(each.bias - each.tied)}"))
            self._has_told_of_ties = True
            return

    def _intervals(self, misses: Sequence[Misses]) -> dict[int, ConfidenceInterval]:
        """Return the intervals of the biases, by the identity of each; those over the same rows share draws.

        They are by a bootstrap; of more rows than are held, by the normal distribution unless an interval is asked for.
        """
        found: dict[int, ConfidenceInterval] = {}
        waiting: dict[Any, list[Misses]] = {}
        for each in {id(each): each for each in misses}.values():
            if len(each.values) > MAX_ROWS_HELD and not self._is_interval_asked:
                found[id(each)] = normal_interval_of_mean(each, self._resampling)
            else:
                arrays = (each.weight, each.clusters)
                key = len(each.values), *(None if array is None else array.tobytes() for array in arrays)
                own = id(each) if self._resampling.block == AUTO else 0  # the length of its blocks is its own
                waiting.setdefault((*key, own), []).append(each)
        for same in waiting.values():
            columns, first = np.stack([each.values for each in same], axis=1), same[0]
            intervals = paired(columns, first.weight, self._resampling, clusters=first.clusters)
            for each, interval in zip(same, intervals, strict=True):
                found[id(each)] = interval
        return found


def named(loss: ConsistentLoss, model: RowsOfModel) -> str:
    """Return the name of a loss and, if there are several, of the model and the group."""
    return f"{loss.label} of {model.name}" if model.name else loss.label


def rounded(value: float) -> str:
    """Return a number with three digits."""
    return number_text(float(f"{value:.3g}"))


def counted_mask(on_rows: LossOnRows) -> Mask | None:
    """Return the rows that count for a loss (n,); None if all do."""
    if "row_mask" not in on_rows.evaluator.form.hooks:
        return None
    counted = on_rows.evaluate()[0].counted
    return None if counted is None or counted.all() else counted


def without_rounding(part: float, size: float) -> float:
    """Return a part of a score, 0 for what is below it by no more than the rounding of numbers of this size."""
    return 0.0 if -4 * float(np.finfo(float).eps) * size <= part < 0 else part


def normal_interval_of_mean(misses: Misses, resampling: Resampling) -> ConfidenceInterval:
    """Return the interval of the mean over many rows by the normal distribution, from the delta method."""
    from statistics import NormalDist

    mean = misses.bias
    influence = (misses.values - mean) * (1.0 if misses.weight is None else misses.weight)
    total = float(len(misses.values) if misses.weight is None else misses.weight.sum())
    reach = NormalDist().inv_cdf(resampling.tails[1]) * math.sqrt(float(influence @ influence)) / total
    if not math.isfinite(reach):
        return ConfidenceInterval.none(resampling, "its standard error is not finite")
    return ConfidenceInterval(mean - reach, mean + reach, resampling.level, "normal", 0, resampling.seed)


def refusal_notes(reasons: Mapping[str, str]) -> Iterator[Message]:
    """Yield which losses have no parts, and why, on two lines."""
    if not reasons:
        return
    text = f"not decomposed: {'; '.join(reasons.values())}"
    if len(text) > MAX_NOTE_LENGTH:
        names = list(reasons)
        names = names[:3] + ([f"{len(names) - 3} more"] if len(names) > 3 else [])
        why = "they are not consistent for a mean, a quantile or a probability of one number"
        text = f"{join_names(names)} are not decomposed: {why}"
    yield Message(text)
