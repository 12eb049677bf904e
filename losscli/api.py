"""The Python API: compute, compare, recommend, get_loss, list_losses."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from losscli import binding, registry
from losscli.data.sources import ReadOptions, Sources, open_data
from losscli.data.table import ArraysTable
from losscli.declaration import grammar
from losscli.declaration.domains import Array
from losscli.declaration.loss import BoundLoss, Loss
from losscli.errors import DataError, UsageError
from losscli.evaluation.evaluator import Evaluator, choose_form
from losscli.evaluation.in_memory import BlockEvaluator
from losscli.options import EvaluationOptions, check_choices
from losscli.results import Evaluation, LossResult, results_by_group, results_of

if TYPE_CHECKING:
    from losscli.baseline import BaselineFile
    from losscli.compare.result import Comparison
    from losscli.data.dataset import Dataset
    from losscli.evaluation.run import RunState
    from losscli.penalty import Applied
    from losscli.recommend.advise import Recommendation

Data = Any
"""A path, a DataFrame, a mapping of role or column names to arrays."""


def resolve(losses: str | Sequence[str | LossFunction], params: Mapping[str, Any] | None = None) -> list[BoundLoss]:
    """Losses as typed, with their parameters; UsageError names everything that is unknown."""
    if isinstance(losses, str):
        return registry.resolve(grammar.parse(losses), params)
    bound: list[BoundLoss] = []
    for item in losses:
        bound += registry.resolve(grammar.parse(item), params) if isinstance(item, str) else [item.bound]
    return bound


@overload
def compute(loss: str | LossFunction, /, data: Data = None, **options: Any) -> LossResult: ...
@overload
def compute(loss: Sequence[str], /, data: Data = None, **options: Any) -> Evaluation: ...
def compute(loss: Any, /, data: Data = None, **options: Any) -> LossResult | Evaluation:
    """Evaluate one loss, or a list of them, on one dataset.

    Args:
        loss: a loss as typed on the command line (`"huber:delta=0.5"`), or a list of them.
        data: a path, a pandas DataFrame, or a mapping of names to arrays; or give roles as arrays.
        **options: roles as arrays (`y_true=`, `y_pred=`, `weight=`, ...); parameters of the loss (`delta=0.5`);
            and `reduction` (`mean`, `sum`, `median`), `nan` (`error`, `omit`, `propagate`), `gradient` (bool),
            `columns` (role -> column name, comma list or pattern), `classes`, `id`, `group_by` (column names),
            `jobs` (threads);
            `penalty` (`"l2:lambda=0.01"`) on `parameters` (an array, several, or a path), added to every value;
            `baseline`, the path of an earlier JSON result, for `result.baseline.change`;
            `engine="dask"` for the workers of a cluster, on which `data`, a path, is read: that at the address
            `scheduler`, or one of `workers` processes (a script then has its calls under `if __name__ ==
            "__main__"`), without per-sample losses;
            and `ci` (a level such as 0.95), `resamples`, `seed`, `ci_method` (`auto`, `studentized`, `bca`,
            `percentile`, `poisson`) for a bootstrap interval of the value.

    Returns:
        A LossResult with `value`, `per_sample`, the statistics and, where a level was given, `ci`; for a list,
        or with groups, an Evaluation: a sequence of them.

    Raises:
        UsageError: an unknown loss or parameter, or one out of range.
        DataError: shapes that do not fit, a value outside its domain, a missing value.
        NoResultError: no row was left.
        ClusterError: the cluster is not there, or goes away.
    """
    one = isinstance(loss, (str, LossFunction))
    if isinstance(loss, str) and "," in loss:
        raise UsageError(f"compute takes one loss as text; for several give a list: {loss.split(',')!r}")
    charge = _charge(options.pop("penalty", None), options.pop("parameters", None))
    earlier = _earlier(options.pop("baseline", None))
    evaluation = _evaluate([loss] if one else list(loss), data, options)
    evaluation = evaluation.with_penalty(charge) if charge else evaluation
    evaluation = earlier.attach_to(evaluation) if earlier else evaluation
    return evaluation.losses[0] if one and not options.get("group_by") else evaluation


def _earlier(path: str | os.PathLike[str] | None) -> BaselineFile | None:
    if path is None:
        return None
    from losscli import baseline

    return baseline.read(os.fspath(path))


def _charge(text: str | None, parameters: Any) -> Applied | None:
    """The penalty on the parameters, where both are given."""
    if text is None and parameters is None:
        return None
    if text is None or parameters is None:
        raise UsageError("penalty and parameters go together, as in penalty='l2:lambda=0.01', parameters=w")
    from losscli import penalty

    if isinstance(parameters, (str, os.PathLike)):
        return penalty.apply(penalty.parse(text), os.fspath(parameters))
    several = isinstance(parameters, Sequence) and any(np.ndim(item) for item in parameters)
    return penalty.applied(penalty.parse(text), list(parameters) if several else [parameters], "")


def compare(losses: Sequence[str] | str, /, data: Data = None, *, outliers: str | None = None,
            sort: str | None = None, show_outliers: int = 0, **options: Any) -> Comparison:  # fmt: skip
    """Rank losses on one dataset by how much its outlier rows move them.

    Args:
        losses: a list of losses, or a comma list.
        data: as in `compute`.
        outliers: the rule that flags rows: `mad:3.5` (by default where there is a residual), `iqr:1.5`, `top:1%` (by
            default where there is none), `column:NAME`.
        sort: the column to sort by, with a minus from the largest; `rank` by default.
        show_outliers: how many outlier rows to list in `rows`.
        **options: as in `compute`; and `models`, the columns of the predictions of several models, or name -> array
            where `y_true` is an array. With `ci` each loss has an interval of its value in `result.ci`.
    """
    from losscli.compare.compare import CompareOptions, compare_run

    names = losses.split(",") if isinstance(losses, str) else list(losses)
    if options.get("engine", "local") != "local":
        raise UsageError("compare has no engine: it needs all rows in one place")
    asked = CompareOptions.of(outliers, sort, show_outliers, options.get("ci") is not None)
    column = asked.rule.column if asked.rule else ""
    earlier = _earlier(options.pop("baseline", None))
    named = {"models": ()} | options | ({"carry": (column,)} if column else {})
    with _prepared(names, data, named) as (dataset, run):
        compared = compare_run(dataset, run, asked)
    return compared.with_baseline(earlier) if earlier else compared


def recommend(data: Data = None, *, from_logits: bool = False, **options: Any) -> Recommendation:
    """Look at the data and say which losses suit it, and why.

    Args:
        data: as in `compute`.
        from_logits: predictions are logits, even where they all lie in [0, 1].
        **options: `y_true` (N,) or (N, D), `y_pred` of the same shape or (N, C), and `weight` (N,) as arrays; and
            `columns`, `classes`, `id` and `nan` as in `compute`.

    Returns:
        A Recommendation: `losses` are those worth comparing, as typed; iterating gives an Advice a loss, with its
        `verdict` and `reason`; `facts` say what the data is; `command` compares them where the data is a file.

    Raises:
        UsageError: an unknown option.
        DataError: shapes that do not fit, labels that are no class, a missing or infinite value.
        NoResultError: no row was left.
    """
    from losscli.recommend.advise import recommend_from

    asked = {key: value for key, value in options.items() if key in ("columns", "classes", "id", "nan")}
    arrays = {key: value for key, value in options.items() if key in binding.OBSERVED and value is not None}
    unknown = [key for key in options if key not in asked and key not in binding.OBSERVED]
    if unknown:
        raise UsageError(f"recommend takes no {unknown[0]!r}")
    asked["classes"] = tuple(map(str, asked.get("classes", ())))
    request = EvaluationOptions(**asked)
    paths = [os.fspath(data)] if isinstance(data, (str, os.PathLike)) and not arrays else None
    bound = request._replace(columns={"weight": "weight", **request.columns}) if "weight" in arrays else request
    with closing(_sources(data, arrays, binding.OBSERVED)) as sources:
        return recommend_from(sources, bound, _warn, data=paths, logits=from_logits)


@contextmanager
def _prepared(losses: Sequence[Any], data: Data, options: Mapping[str, Any]) -> Iterator[tuple[Dataset, RunState]]:
    """The dataset and the run that the arguments of compute and compare ask for."""
    asked = {key: value for key, value in options.items() if key in EvaluationOptions._fields}
    models = asked.get("models") or ()
    predictions = dict(models) if isinstance(models, Mapping) else {}
    if predictions and data is not None:
        raise UsageError("models as arrays go with y_true as an array; of data they are columns")
    if "models" in asked:
        asked["models"] = tuple(map(str, models))
    rest = {key: value for key, value in options.items() if key not in EvaluationOptions._fields}
    probe = resolve(losses)
    roles = binding.role_names(probe)
    arrays = {key: value for key, value in rest.items() if key in roles and value is not None}
    params = {key: value for key, value in rest.items() if key not in roles}
    bound = resolve(losses, params) if params else probe
    for key in ("classes", "group_by"):
        asked[key] = tuple(map(str, asked.get(key, ())))
    request = EvaluationOptions(**asked)
    if "weight" in arrays:
        request = request._replace(columns={"weight": "weight", **request.columns})
    with closing(_sources(data, arrays | predictions, roles)) as sources:
        yield binding.bind(bound, sources, request, _warn)


def _sources(data: Data, arrays: Mapping[str, ArrayLike], roles: Sequence[str]) -> Sources:
    by_role = {name: ArraysTable("", "arrays", {name: _array(array)}) for name, array in arrays.items()}
    if data is None:
        return Sources(ArraysTable("", "arrays", {n: _array(a) for n, a in arrays.items()}) if arrays else None)
    if isinstance(data, (str, os.PathLike)):
        opened = open_data([os.fspath(data)], roles, ReadOptions())
        return Sources(opened.common, {**opened.by_role, **by_role})
    if not hasattr(data, "columns") and not isinstance(data, Mapping):
        raise UsageError(f"data is a path, a DataFrame or a mapping of names to arrays, not a {type(data).__name__}; "
                         "arrays are given as y_true=, y_pred=")  # fmt: skip
    columns = {str(name): _array(data[name]) for name in (data.columns if hasattr(data, "columns") else data)}
    return Sources(ArraysTable("", "arrays", columns), by_role)


def _array(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    return array if array.dtype.kind in "fiubOUS" else np.asarray(array, dtype=object)


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=5)


def _evaluate(losses: Sequence[Any], data: Data, options: Mapping[str, Any]) -> Evaluation:
    with _prepared(losses, data, options) as (dataset, run):
        if options.get("engine", "local") != "local":
            return _reduced(dataset, run, options)
        kept = [(item.batch.rows, item.outcomes) for item in run.evaluate(dataset.batches())]
        if run.group_by:
            return results_by_group(dataset, run)
        evaluation = results_of(dataset, run)
    return replace(evaluation, losses=tuple(_with_samples(r, i, kept) for i, r in enumerate(evaluation.losses)))


def _reduced(dataset: Dataset, run: RunState, options: Mapping[str, Any]) -> Evaluation:
    """The statistics alone, from where they are found."""
    from losscli.evaluation.engines import reduced

    request = EvaluationOptions(
        **{key: options[key] for key in ("engine", "scheduler", "workers", "jobs") if key in options}
    )
    for _ in reduced(dataset, run, request, _warn):
        pass
    return results_by_group(dataset, run) if run.group_by else results_of(dataset, run)


def _with_samples(result: LossResult, i: int, kept: Sequence[tuple[NDArray[np.int64], Any]]) -> LossResult:
    outcomes = [outcomes[i] for _, outcomes in kept]
    per_sample = np.concatenate([outcome.per_sample for outcome in outcomes])
    slopes = [outcome.gradient for outcome in outcomes if outcome.gradient is not None]
    rows = np.concatenate([rows for rows, _ in kept])
    return replace(
        result,
        per_sample=per_sample,
        gradient=np.concatenate(slopes) if slopes else None,
        rows=rows if len(rows) == len(per_sample) else np.arange(1, len(per_sample) + 1),
    )


# ---------------------------------------------------------------------------------------- a loss as a function


@dataclass(frozen=True)
class LossFunction:
    """A loss with its parameters, as a function of arrays."""

    bound: BoundLoss

    @property
    def name(self) -> str:
        return self.bound.loss.name

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.bound.params)

    def __call__(self, *arrays: ArrayLike, **roles: ArrayLike) -> Array:
        """Per-sample values (N,) of arrays given in the order of the loss's roles, or by name."""
        return self._on(arrays, roles).per_sample()

    def gradient(self, *arrays: ArrayLike, **roles: ArrayLike) -> Array:
        """d(sum of the per-sample values)/d(prediction), of the prediction's shape."""
        return self._on(arrays, roles).gradient()

    def value(self, *arrays: ArrayLike, reduction: str = "mean", **roles: ArrayLike) -> float:
        """The reduced loss (`mean`, `sum`, `median`) alone: `compute(...).value` without the statistics beside it."""
        check_choices(EvaluationOptions(reduction=reduction))
        return self._on(arrays, roles).value(reduction)

    def _on(self, arrays: Sequence[ArrayLike], roles: Mapping[str, ArrayLike]) -> BlockEvaluator:
        values = {name: np.asarray(array) for name, array in self._named(arrays, roles).items()}
        form = choose_form(self.bound, {name: array.shape for name, array in values.items()})
        if form is None:
            wanted = " or ".join("(" + ", ".join(r.name for r in f.roles) + ")" for f in self.bound.loss.forms)
            raise UsageError(f"{self.bound.label} takes the arrays {wanted}, not ({', '.join(values)})")
        values = {name: np.atleast_1d(array) for name, array in values.items()}
        by_row = [role.name for role in form.roles if role.domain.per_row and role.name in values]
        sizes = {len(values[name]) for name in by_row}
        if len(sizes) > 1:
            shapes = ", ".join(f"{name} is {values[name].shape}" for name in by_row)
            raise DataError(f"shapes differ: {shapes}")
        tables = frozenset(name for name in values if name not in by_row)
        return BlockEvaluator(Evaluator(self.bound, form), values, tables, sizes.pop())

    def _named(self, arrays: Sequence[ArrayLike], roles: Mapping[str, ArrayLike]) -> dict[str, ArrayLike]:
        names = next((f for f in self.bound.loss.forms if len(f.roles) == len(arrays)), self.bound.loss.forms[0]).roles
        if len(arrays) > len(names):
            raise UsageError(f"{self.bound.label} takes at most {len(names)} arrays, not {len(arrays)}")
        return {role.name: array for role, array in zip(names, arrays, strict=False)} | dict(roles)

    def __repr__(self) -> str:
        return f"<loss {self.bound.label}>"


def get_loss(name: str, /, **params: Any) -> LossFunction:
    """The loss of that name, as a function of arrays.

    Raises:
        UsageError: an unknown name or parameter, or one out of range.
    """
    found = resolve(name, {grammar.normal(key): value for key, value in params.items()})
    if len(found) != 1:
        raise UsageError(f"get_loss takes one loss, not {len(found)}")
    return LossFunction(found[0])


def list_losses(family: str | None = None) -> list[Loss]:
    """Every loss of a family, or of all."""
    return [loss for loss in registry.all_losses() if family is None or loss.family == family]
