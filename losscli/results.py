"""What an evaluation gives back: values, statistics, signatures; as objects, frames and JSON documents."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from losscli.declaration.domains import Array
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.run import RunState
from losscli.statistics.summary import Accumulator, Summary
from losscli.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from losscli.data.dataset import Dataset
    from losscli.penalty import Applied
    from losscli.statistics.bootstrap.options import ConfidenceInterval

SCHEMA_VERSION = 1
STATISTICS = ("std", "min", "median", "p95", "max", "sum")
CI_COLUMNS = ("ci_low", "ci_high")
NO_VALUE = "the value is not a finite number"


class DataInfo(NamedTuple):
    """What was read: `n` rows, of which `n_used` were evaluated and `n_omitted` left out for a missing value."""

    paths: list[str]
    format: str
    n: int
    n_used: int
    n_omitted: int
    weight_sum: float
    weighted: bool

    def to_dict(self) -> dict[str, Any]:
        return {
            "paths": self.paths, "format": self.format, "n": self.n, "n_used": self.n_used,
            "n_omitted": self.n_omitted, "weight_sum": finite_or_none(self.weight_sum),
        }  # fmt: skip


class Baseline(NamedTuple):
    """An earlier value of the same signature, and the value since."""

    value: float | None
    now: float

    @property
    def change(self) -> float | None:
        """The relative change; None where there is none to speak of."""
        if self.value is None or not np.isfinite(self.now):
            return None
        if self.value == 0:
            return 0.0 if self.now == 0 else None
        return (self.now - self.value) / abs(self.value)


@dataclass(frozen=True)
class LossResult:
    """One loss over a dataset.

    `label` is the loss with the parameters that are not defaults. `value` is reduced; the statistics are of the
    per-sample losses, `std` being divided by n. `per_sample` (n,), `gradient` (the prediction's shape) and `rows`
    (n,), the 1-based numbers of the rows that were used, are there after `losscli.compute`. `penalty` is the part of
    the value that is none of the data's, where one was asked for; `baseline` an earlier value; `ci` the interval of the
    value; `group` and `model` say of which rows and predictions it is, where there are several.
    """

    label: str
    name: str
    params: dict[str, Any]
    summary: Summary
    signature: str
    per_sample: Array | None = None
    gradient: Array | None = None
    rows: NDArray[np.int64] | None = None
    group: dict[str, str] | None = None
    penalty: float | None = None
    baseline: Baseline | None = None
    model: str | None = None
    ci: ConfidenceInterval | None = None

    @property
    def group_json(self) -> dict[str, Any]:
        """The group and the model that it is of, as JSON has them."""
        group = {} if self.group is None else {"group": self.group}
        return group if self.model is None else group | {"model": self.model}

    @property
    def group_columns(self) -> dict[str, str]:
        """The group and the model that it is of, as columns."""
        group = self.group or {}
        return group if self.model is None else group | {"model": self.model}

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What tells it apart from the other results of an evaluation: its label, and where it is of."""
        return self.label, tuple(self.group_columns.items())

    @property
    def extra_columns(self) -> dict[str, float | None]:
        """What was asked for beside the value, as columns."""
        columns: dict[str, float | None] = {}
        if self.ci is not None:
            columns |= {"ci_low": self.ci.low, "ci_high": self.ci.high}
        if self.penalty is not None:
            columns["penalty"] = self.penalty
        if self.baseline is not None:
            columns |= {"baseline": self.baseline.value, "change": self.baseline.change}
        return columns

    @property
    def value(self) -> float:
        return self.summary.value

    @property
    def status(self) -> str:
        """`ok`, `inf` or `nan`."""
        return self.summary.status

    @property
    def n(self) -> int:
        return self.summary.n

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON has it: numbers that are not finite are None."""
        summary = self.summary
        beside = {key: finite_or_none(value) for key, value in self.extra_columns.items()}
        return self.group_json | {
            "loss": self.label, "name": self.name, "params": {k: jsonable(v) for k, v in self.params.items()},
            "value": finite_or_none(summary.value), **beside, "status": summary.status, "n": summary.n,
            "weight_sum": finite_or_none(summary.weight_sum),
            **{key: finite_or_none(getattr(summary, key)) for key in STATISTICS},
            **({} if self.ci is None else {"ci": self.ci.to_dict()}),
            "exact": summary.exact, "clipped": summary.clipped, "signature": self.signature,
        }  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """The per-sample losses as a frame, indexed by row number."""
        import pandas as pd

        if self.per_sample is None or self.rows is None:
            raise ValueError("per-sample losses were not kept")
        columns: dict[str, Any] = {self.label: self.per_sample}
        if self.gradient is not None:
            columns |= gradient_columns(self.label, self.gradient)
        return pd.DataFrame(columns, index=pd.Index(self.rows, name="row"))


@dataclass(frozen=True)
class Evaluation(Sequence[LossResult]):
    """Several losses over one dataset; a sequence of results."""

    data: DataInfo
    losses: tuple[LossResult, ...]
    penalty: Applied | None = None

    def with_penalty(self, penalty: Applied) -> Evaluation:
        """The structural risk: every value plus the penalty."""
        signed = f"penalty={penalty.bound.label}"
        losses = tuple(
            replace(
                loss,
                summary=loss.summary._replace(value=loss.value + penalty.value),
                signature=f"{loss.signature}|{signed}",
                penalty=penalty.value,
                ci=loss.ci and loss.ci.map_endpoints(lambda end: end + penalty.value),
            )
            for loss in self.losses
        )
        return Evaluation(self.data, losses, penalty)

    def __len__(self) -> int:
        return len(self.losses)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, str):
            return next(loss for loss in self.losses if index in (loss.label, loss.name))
        return self.losses[index]

    def __iter__(self) -> Iterator[LossResult]:
        return iter(self.losses)

    def to_dict(self) -> dict[str, Any]:
        """The document that `--format json` prints."""
        penalty = {} if self.penalty is None else {"penalty": self.penalty.to_dict()}
        return json_header(self.data) | penalty | {"losses": [loss.to_dict() for loss in self.losses]}

    def to_frame(self) -> pd.DataFrame:
        """A row a loss."""
        import pandas as pd

        keys = ("value", "n", *STATISTICS)
        rows = [
            (loss.group or {}) | loss.extra_columns | {key: getattr(loss.summary, key) for key in keys}
            for loss in self.losses
        ]
        return pd.DataFrame(rows, index=pd.Index([loss.label for loss in self.losses], name="loss"))


def json_header(data: DataInfo) -> dict[str, Any]:
    """What every JSON document starts with."""
    return {"schema_version": SCHEMA_VERSION, "losscli": __version__, "data": data.to_dict()}


def finite_or_none(value: float | None) -> float | None:
    """A number as JSON can hold it: None where it is not finite; a whole number stays one."""
    return None if value is None or not np.isfinite(value) else value if type(value) is int else float(value)


def jsonable(value: Any) -> Any:
    """A parameter's value as JSON can hold it."""
    return list(value) if isinstance(value, tuple) else finite_or_none(value) if isinstance(value, float) else value


def gradient_columns(label: str, gradient: Array) -> dict[str, Array]:
    """A gradient (n, ...) as named columns."""
    if gradient.ndim == 1 or gradient[0].size == 1:
        return {f"{label}.gradient": gradient.reshape(-1)}
    flat = gradient.reshape(len(gradient), -1)
    return {f"{label}.gradient_{i}": flat[:, i] for i in range(flat.shape[1])}


def data_info(dataset: Dataset, weight: float) -> DataInfo:
    """What was read, once that is over; `weight` is the sum of weights, where there are any."""
    policy = dataset.policy
    used = policy.n - policy.omitted - policy.weightless
    weighted = "weight" in dataset.bound
    weight_sum = weight if weighted else float(used)
    return DataInfo(dataset.paths, dataset.format, policy.n, used, policy.omitted, weight_sum, weighted)


def results_of(dataset: Dataset, run: RunState) -> Evaluation:
    """The results of a run that is over."""
    info = data_info(dataset, run.weight.value)
    return Evaluation(info, tuple(_results(run.accumulators, info, run, dataset, None)))


def group_order(key: Sequence[str]) -> list[tuple[bool, float, str]]:
    """What groups are sorted by: numbers by their size, before other names."""
    return [(as_number is None, as_number or 0.0, text) for text in key for as_number in [_as_number(text)]]


def _as_number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def results_by_group(dataset: Dataset, run: RunState) -> Evaluation:
    """The results of each group, in the order of their names; losses in the order they were asked for."""
    info = data_info(dataset, run.weight.value)
    results: list[LossResult] = []
    for key in sorted(run.groups, key=group_order):
        group = dict(zip(run.group_by, key, strict=True))
        results += _results(run.groups[key], info, run, dataset, group)
    return Evaluation(info, tuple(results))


def _results(
    accumulators: Sequence[Accumulator], info: DataInfo, run: RunState, dataset: Dataset, group: dict[str, str] | None
) -> list[LossResult]:
    """The results of all losses over all rows, or of those of which any row of a group counts."""
    there = [(e, a) for e, a in zip(run.evaluators, accumulators, strict=True) if group is None or a.moments.n]
    cis = _intervals([accumulator for _, accumulator in there])
    return [_result(e, a.summary(), ci, info, run, dataset, group) for (e, a), ci in zip(there, cis, strict=True)]


def _result(
    evaluator: Evaluator, summary: Summary, ci: ConfidenceInterval | None, info: DataInfo, run: RunState, dataset: Dataset,
    group: dict[str, str] | None,
) -> LossResult:  # fmt: skip
    if ci is not None and summary.status != "ok":
        ci = ci._replace(low=None, high=None, method=None, why=f"no interval: {NO_VALUE}")
    bound, signature = evaluator.bound, _signature(evaluator, summary, info, run, dataset)
    return LossResult(evaluator.label, bound.loss.name, bound.params, summary, signature, group=group, ci=ci)


def _intervals(accumulators: Sequence[Accumulator]) -> Sequence[ConfidenceInterval | None]:
    kept = [accumulator.bootstrap for accumulator in accumulators if accumulator.bootstrap is not None]
    if not kept:
        return [None] * len(accumulators)
    from losscli.statistics.bootstrap.intervals import intervals

    return intervals(kept)


def _signature(evaluator: Evaluator, summary: Summary, info: DataInfo, run: RunState, dataset: Dataset) -> str:
    """Everything that the number depends on."""
    reduction = evaluator.bound.loss.reduction if run.reduction == "mean" else run.reduction
    parts = {
        "n": summary.n, "nan": dataset.policy.nan, "reduction": reduction,
        "weights": "yes" if info.weighted else "no", "losscli": __version__,
    }  # fmt: skip
    return "|".join([evaluator.bound.canonical, *(f"{key}={value}" for key, value in parts.items())])
