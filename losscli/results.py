"""Results of an evaluation: values, statistics, signatures; as objects, frames and JSON documents."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.data.folders import files_without_rows
from losscli.declaration.domains import Array
from losscli.errors import UsageError
from losscli.evaluation.undefined import remarks_of, why_nan
from losscli.result_base import (
    Baseline,
    Plottable,
    Result,
    ResultSequence,
    SummaryStatistics,
    rows_to_frame,
    short_text,
    shown,
)
from losscli.result_names import ResultKey, distinct_names, gradient_columns, group_columns, group_sort_key, result_name
from losscli.signature import signed_name, signer
from losscli.statistics.summary import Summary, status_of
from losscli.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from losscli.data.dataset import Dataset
    from losscli.evaluation.evaluator import Evaluator
    from losscli.evaluation.kept_losses import KeptLosses
    from losscli.evaluation.run import Evaluated, RunState
    from losscli.penalty import AddedPenalty
    from losscli.statistics.bootstrap.accumulator import Bootstrap
    from losscli.statistics.bootstrap.options import ConfidenceInterval, Resampling

Reduced = tuple["Evaluator", Summary, "Bootstrap | None"]
"""A loss, its statistics over some rows, and what its interval is computed from."""

SCHEMA_VERSION = 1
STATISTICS = ("std", "min", "median", "p95", "max", "sum")
CI_COLUMNS = ("ci_low", "ci_high")


class DataInfo(NamedTuple):
    """The data read: `n` rows, of which `n_used` were evaluated and `n_omitted` left out for a missing value."""

    paths: list[str]
    format: str
    n: int
    n_used: int
    n_omitted: int
    weight_sum: float
    weighted: bool

    def to_dict(self) -> dict[str, Any]:
        return {
            "paths": self.paths,
            "format": self.format,
            "n": self.n,
            "n_used": self.n_used,
            "n_omitted": self.n_omitted,
            "weight_sum": finite_or_none(self.weight_sum),
        }


@dataclass(frozen=True, eq=False, repr=False)
class LossResult(SummaryStatistics, Plottable, Result):
    """One loss over a dataset; `float` of it is the value.

    The statistics of the summary are attributes, too: `value`, `n`, `std`, `min`, `median`, `p95`, `max`, `sum`.

    Attributes:
        label: The loss with the parameters that are not defaults.
        name: The name of the loss.
        params: All its parameters.
        statistics: The summary, or the losses to compute it from.
        signature: Everything that the value depends on.
        gradient: The gradient by the prediction, in its shape, if it was asked for.
        group: Column -> value of the group.
        penalty: The part of the value that is the penalty.
        baseline: The value in the baseline file.
        model: The model, if there are several.
        ci: The interval of the value.
        nan_reason: Why the value is NaN where no row is: what it divides by is 0.
        unit: What a sample is, `row` or `query`.

    Examples:
        >>> result = losscli.compute("mae", y_true=[1, 2, 3], y_pred=[1, 4, 3], ci=0.9, seed=1)
        >>> result.n, result.median, result.sum
        (3, 0.0, 2.0)
        >>> result.ci.low <= result.value <= result.ci.high
        True
        >>> result.signature
        'mae|n=3|nan=error|reduction=mean|weights=no|losscli=...'
    """

    label: str
    name: str
    params: dict[str, Any]
    value: float
    n: int
    statistics: Summary | KeptLosses = field(compare=False)
    signature: str
    gradient: Array | None = None
    group: dict[str, str] | None = None
    penalty: float | None = None
    baseline: Baseline | None = None
    model: str | None = None
    ci: ConfidenceInterval | None = None
    nan_reason: str = ""
    unit: str = "row"

    _compared_too = ("summary", "per_sample", "rows")

    @property
    def summary(self) -> Summary:
        """The reduced value and the statistics of the per-sample losses; `std` divides by n."""
        known = self.statistics if isinstance(self.statistics, Summary) else self.statistics.summary()
        return known if known.value is self.value else known._replace(value=self.value)

    @property
    def per_sample(self) -> Array | None:
        """The per-sample losses (n,), if they were kept."""
        return None if isinstance(self.statistics, Summary) else self.statistics.per_sample()

    @property
    def rows(self) -> NDArray[np.int64] | None:
        """The numbers of the rows, from 1, that `per_sample` belongs to (n,)."""
        return None if isinstance(self.statistics, Summary) else self.statistics.rows()

    def of_model(self, model: str | None) -> LossResult:
        """Return the result as that of a `model`; None if there is one model only."""
        if model is None:
            return self
        return replace(self, model=model, signature=f"{self.signature}|model={signed_name(model)}")

    @property
    def group_json(self) -> dict[str, Any]:
        """The group and the model of the result, for JSON."""
        group = {} if self.group is None else {"group": self.group}
        return group if self.model is None else group | {"model": self.model}

    @property
    def group_columns(self) -> dict[str, str]:
        """The group and the model of the result, as columns."""
        return group_columns(self.group or {}, self.model)

    @property
    def key(self) -> ResultKey:
        """What identifies the result within an evaluation."""
        return self.label, tuple(self.group_columns.items())

    @property
    def full_name(self) -> str:
        """The label, with the group and the model."""
        return result_name(self.key)

    @property
    def extra_columns(self) -> dict[str, float | None]:
        """Columns that follow the value, if they were asked for: interval, penalty, baseline."""
        columns: dict[str, float | None] = {}
        if self.ci is not None:
            columns |= {"ci_low": self.ci.low, "ci_high": self.ci.high}
        if self.penalty is not None:
            columns["penalty"] = self.penalty
        if self.baseline is not None:
            columns |= {"baseline": self.baseline.value, "change": self.baseline.change}
        return columns

    def __float__(self) -> float:
        return self.value

    @property
    def status(self) -> str:
        """`ok`, `inf` or `nan`."""
        return status_of(self.value)

    @property
    def row(self) -> dict[str, Any]:
        """Column -> cell, of the result as a row of a frame."""
        numbers = self.extra_columns | {key: getattr(self.summary, key) for key in ("value", "n", *STATISTICS)}
        names = distinct_names(self.group_columns, "group", ["loss", *numbers])
        return {**dict(zip(names, self.group_columns.values(), strict=True)), **numbers}

    def __repr__(self) -> str:
        return f"LossResult({short_text(self.full_name)}: value={self.value:.6g}, n={self.n})"

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON: numbers that are not finite are None."""
        summary = self.summary
        beside = {key: finite_or_none(value) for key, value in self.extra_columns.items()}
        return self.group_json | {
            "loss": self.label,
            "name": self.name,
            "params": {k: jsonable(v) for k, v in self.params.items()},
            "value": finite_or_none(summary.value),
            **beside,
            "status": summary.status,
            "n": summary.n,
            "weight_sum": finite_or_none(summary.weight_sum),
            **{key: finite_or_none(getattr(summary, key)) for key in STATISTICS},
            **({} if self.ci is None else {"ci": self.ci.to_dict()}),
            "exact": summary.exact,
            "clipped": summary.clipped,
            "signature": self.signature,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the per-sample losses as a frame, indexed by row number.

        Raises:
            UsageError: There are none, or none were kept: of a group, a comparison, a cluster.
        """
        import pandas as pd

        if self.per_sample is None or self.rows is None:
            raise UsageError("per-sample losses, of losses that have them, are kept by compute alone, without groups")
        columns: dict[str, Any] = {self.label: self.per_sample}
        if self.gradient is not None and len(self.gradient) == len(self.per_sample):  # that of queries is by row
            columns |= gradient_columns(self.label, self.gradient)
        return pd.DataFrame(columns, index=pd.Index(self.rows, name="row"))


class SampleStream(NamedTuple):
    """Per-sample losses batch by batch; `evaluate` returns the reduced losses of the batches consumed so far."""

    dataset: Dataset
    run: RunState
    batches: Iterator[Evaluated]
    evaluate: Callable[[], Evaluation]


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Plottable, ResultSequence[LossResult]):
    """Several losses over one dataset; a sequence of results, which a label indexes, too.

    Attributes:
        data: What was read: `n` rows, of which `n_used` were evaluated.
        losses: The results.
        penalty: The penalty on the parameters of a model, if one was asked for.
        only_in_baseline: The keys of groups and models that a baseline has of these losses, and this has not.
        without_rows: The keys of groups in the data of which no row counts.
        resampling: How rows were drawn for intervals.

    Examples:
        >>> results = losscli.compute(["mse", "mae"], y_true=[1, 2], y_pred=[1, 4])
        >>> len(results), results[0].value, results["mae"].value
        (2, 2.0, 1.0)
        >>> results.to_frame()["value"].to_dict()
        {'mse': 2.0, 'mae': 1.0}
    """

    _field_of_items = "losses"
    data: DataInfo
    losses: tuple[LossResult, ...]
    penalty: AddedPenalty | None = None
    only_in_baseline: tuple[ResultKey, ...] = ()
    without_rows: tuple[ResultKey, ...] = ()
    resampling: Resampling | None = None

    def with_penalty(self, penalty: AddedPenalty) -> Evaluation:
        """Return the structural risk: every value plus the `penalty`."""
        signed = f"penalty={penalty.bound.label}:sha256={penalty.digest}"
        losses = tuple(
            replace(
                loss,
                value=loss.value + penalty.value,
                signature=f"{loss.signature}|{signed}",
                penalty=penalty.value,
                ci=loss.ci and loss.ci.map_endpoints(lambda end: end + penalty.value),
            )
            for loss in self.losses
        )
        return replace(self, losses=losses, penalty=penalty)

    def __repr__(self) -> str:
        return f"Evaluation({shown([f'{loss.full_name}={loss.value:.6g}' for loss in self])}; n={self.data.n_used})"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        penalty = {} if self.penalty is None else {"penalty": self.penalty.to_dict()}
        losses = {"losses": [loss.to_dict() for loss in self.losses]}
        return json_header(self.data) | penalty | self.intervals | losses

    @property
    def intervals(self) -> dict[str, Any]:
        """How the intervals were found, under the key that JSON has it by; empty without intervals."""
        found = [loss.ci for loss in self.losses if loss.ci is not None]
        if self.resampling is None or not found:
            return {}
        resamples = max(ci.resamples for ci in found)
        return {"intervals": self.resampling.to_dict([ci.method for ci in found], resamples)}

    def to_frame(self) -> pd.DataFrame:
        """Return a frame with one row per loss."""
        return rows_to_frame(self.losses)


def json_header(data: DataInfo) -> dict[str, Any]:
    """Return the start of every JSON document."""
    return {"schema_version": SCHEMA_VERSION, "losscli": __version__, "data": data.to_dict()}


def finite_or_none(value: float | None) -> float | None:
    """Return a number for JSON: None if it is not finite; an integer stays one."""
    return None if value is None or not np.isfinite(value) else value if type(value) is int else float(value)


def jsonable(value: Any) -> Any:
    """Return a value for JSON: tuples as lists, numbers that are not finite as None, inside of lists and dicts too."""
    if isinstance(value, float):
        return finite_or_none(value)
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    return [jsonable(item) for item in value] if isinstance(value, (list, tuple)) else value


def data_info(dataset: Dataset, weight: float) -> DataInfo:
    """Describe a dataset that was read; `weight` is the sum of weights, if there are weights."""
    policy = dataset.policy
    used = policy.n - policy.omitted - policy.weightless
    weighted = "weight" in dataset.bound
    weight_sum = weight if weighted else float(used)
    return DataInfo(dataset.paths, dataset.format, policy.n_given, used, policy.n_left_out, weight_sum, weighted)


def results_of(dataset: Dataset, run: RunState) -> Evaluation:
    """Return the results of a finished run over all rows."""
    found = [(e, a.summary(), a.bootstrap) for e, a in zip(run.evaluators, run.accumulators, strict=True)]
    sign = signer(run.evaluators, run.reduction, dataset)
    results = tuple(loss_results(found, sign, None, remarks_of(dataset.memory)))
    return Evaluation(data_info(dataset, run.weight.value), results, resampling=run.resampling)


def results_by_group(dataset: Dataset, run: RunState) -> Evaluation:
    """Return the results of each group of a finished run, sorted by group; losses in the order given."""
    results = group_results(dataset, run)
    without_rows = keys_without_rows(dataset, run, results)
    data = data_info(dataset, run.weight.value)
    return Evaluation(data, tuple(results), without_rows=without_rows, resampling=run.resampling)


def group_results(dataset: Dataset, run: RunState) -> list[LossResult]:
    """Return the same without what is known of the data."""
    results: list[LossResult] = []
    reduced = [] if run.groups is None else [accumulator.reduced() for accumulator in run.groups.accumulators]
    sign, said = signer(run.evaluators, run.reduction, dataset), remarks_of(dataset.memory)
    for key in sorted(run.group_places, key=group_sort_key):
        i, group = run.group_places[key], dict(zip(run.group_by, key, strict=True))
        found = [(e, *of_groups[i]) for e, of_groups in zip(run.evaluators, reduced, strict=True)]
        results += loss_results([each for each in found if each[1].n], sign, group, said)
    return results


def keys_without_rows(dataset: Dataset, run: RunState, results: Sequence[LossResult]) -> tuple[ResultKey, ...]:
    """Return the keys that have no result, because no row of the group counts: omitted, ignored or of weight 0."""
    n_known = sum(result.group is not None for result in results)
    omitted = dataset.policy.omitted_groups if run.group_by else set()  # a page compares a run without its groups, too
    omitted = omitted | files_without_rows(dataset.row_tables, [result.group for result in results], dataset.note)
    groups, models = {*omitted, *run.group_places}, dataset.models or (None,)
    if n_known == len(groups) * len(run.evaluators) * len(models):
        return ()
    found = [
        (evaluator.label, tuple(group_columns(dict(zip(run.group_by, key, strict=True)), model).items()))
        for key in sorted(groups, key=group_sort_key)
        for evaluator in run.evaluators
        for model in models
    ]
    known = {result.key for result in results if result.group is not None}
    return tuple(key for key in found if key not in known)


def loss_results(
    reduced: Sequence[Reduced], sign: Callable[[Evaluator, int], str], group: dict[str, str] | None, said: set[str]
) -> list[LossResult]:
    """Return the results of losses over all rows, or over those of a group; `said` is what notes say of the rows."""
    bootstraps = [bootstrap for _, _, bootstrap in reduced if bootstrap is not None]
    intervals: Sequence[ConfidenceInterval | None] = [None] * len(reduced)
    if bootstraps:
        from losscli.statistics.bootstrap.intervals import intervals as compute_intervals

        intervals = compute_intervals(bootstraps)
    results = []
    for (evaluator, summary, _), found in zip(reduced, intervals, strict=True):
        bound, ci = evaluator.bound, found
        if ci is not None and summary.status != "ok":
            ci = ci._replace(low=None, high=None, method=None, why="no interval: the value is not a finite number")
        reason = why_nan(evaluator, summary, said) if math.isnan(summary.value) else ""
        signature, params = sign(evaluator, summary.n), bound.params
        known = evaluator.label, bound.loss.name, params, summary.value, summary.n, summary, signature
        unit = evaluator.form.unit_of_samples
        results.append(LossResult(*known, group=group, ci=ci and ci.in_units(unit), nan_reason=reason, unit=unit))
    return results
