"""The Python API on data: compute and compare."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from numpy.typing import ArrayLike

from losscli import pipeline
from losscli.arguments import (
    LossName,
    bind_data,
    path_or_none,
    penalty_arrays,
    split_baseline,
    split_classes,
    split_cluster,
    split_keywords,
    split_losses,
    split_models,
    split_names,
    split_penalty,
)
from losscli.data.sources import check_read_options
from losscli.declaration.loss import BoundLoss, Loss
from losscli.errors import UsageError
from losscli.loss_function import LossFunction, ReductionName
from losscli.messages import warn_caller
from losscli.model_arguments import models_apart, read_models
from losscli.options import EvaluationOptions, refuse_further_arrays
from losscli.results import Evaluation, LossResult

if TYPE_CHECKING:
    from losscli.compare.result import Comparison

Data: TypeAlias = Any
"""A path, a frame, or a mapping of role or column names to arrays."""

FilePath: TypeAlias = "str | os.PathLike[str]"
Names: TypeAlias = str | Sequence[str]
NanPolicy: TypeAlias = Literal["error", "omit", "propagate"]
CiMethod: TypeAlias = Literal["auto", "studentized", "bca", "percentile", "poisson"]


@overload
def compute(
    loss: LossName,
    /,
    data: Data = None,
    *,
    group_by: None = None,
    reduction: ReductionName = "mean",
    gradient: bool = False,
    penalty: str | None = None,
    parameters: Any = None,
    columns: Mapping[str, str] | None = None,
    id: str | None = None,
    classes: Names | None = None,
    nan: NanPolicy = "error",
    input_format: str | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    comment: str | None = None,
    baseline: FilePath | None = None,
    ci: float | None = None,
    resamples: int | None = None,
    seed: int | None = None,
    ci_method: CiMethod | None = None,
    cluster: str | ArrayLike | None = None,
    block: int | Literal["auto"] | None = None,
    jobs: int | None = None,
    engine: Literal["local", "dask"] = "local",
    scheduler: str | None = None,
    workers: int | None = None,
    **roles_and_params: Any,
) -> LossResult: ...
@overload
def compute(
    loss: LossName | Sequence[LossName],
    /,
    data: Data = None,
    *,
    group_by: Names | None = None,
    reduction: ReductionName = "mean",
    gradient: bool = False,
    penalty: str | None = None,
    parameters: Any = None,
    columns: Mapping[str, str] | None = None,
    id: str | None = None,
    classes: Names | None = None,
    nan: NanPolicy = "error",
    input_format: str | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    comment: str | None = None,
    baseline: FilePath | None = None,
    ci: float | None = None,
    resamples: int | None = None,
    seed: int | None = None,
    ci_method: CiMethod | None = None,
    cluster: str | ArrayLike | None = None,
    block: int | Literal["auto"] | None = None,
    jobs: int | None = None,
    engine: Literal["local", "dask"] = "local",
    scheduler: str | None = None,
    workers: int | None = None,
    **roles_and_params: Any,
) -> Evaluation: ...
@refuse_further_arrays
def compute(
    loss: LossName | Sequence[LossName],
    /,
    data: Data = None,
    *,
    group_by: Names | None = None,
    reduction: ReductionName = "mean",
    gradient: bool = False,
    penalty: str | None = None,
    parameters: Any = None,
    columns: Mapping[str, str] | None = None,
    id: str | None = None,
    classes: Names | None = None,
    nan: NanPolicy = "error",
    input_format: str | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    comment: str | None = None,
    baseline: FilePath | None = None,
    ci: float | None = None,
    resamples: int | None = None,
    seed: int | None = None,
    ci_method: CiMethod | None = None,
    cluster: str | ArrayLike | None = None,
    block: int | Literal["auto"] | None = None,
    jobs: int | None = None,
    engine: Literal["local", "dask"] = "local",
    scheduler: str | None = None,
    workers: int | None = None,
    **roles_and_params: Any,
) -> LossResult | Evaluation:
    """Evaluate one loss, or a list of them, on one dataset.

    Args:
        loss: A loss as typed on the command line (`"huber:delta=0.5"`), a function from `get_loss`, or a list of them.
        data: A path or several; a frame of pandas, Polars (a LazyFrame is collected), PyArrow, DuckDB, or whatever has
            `__arrow_c_stream__` or `__arrow_c_array__`; a Dataset of xarray; a mapping of names to arrays; or records:
            a list of dicts, named tuples or dataclasses. Roles can also be given as arrays: of NumPy (what is masked is
            missing) or xarray, as tensors, as columns of frames, as lists.
        group_by: Columns whose values make groups: names in a list, or joined by commas; `@file` is the file of a row.
        reduction: How per-sample losses become one number; `mean` is the loss's own (rmse: the root of the mean).
        gradient: Whether to compute per-sample gradients.
        penalty: A penalty such as `"l2:lambda=0.01"` on `parameters`, added to every value; without these it is the
            parameter of a loss that has one of this name.
        parameters: An array of any shape, several arrays, or a path.
        columns: Role -> column name, comma list or pattern.
        id: The key column that names rows, and pairs those of frames that are given for roles.
        classes: Class names, in order.
        nan: What to do with rows that lack a value.
        input_format: The format of the file, if not by its name or content.
        header: Whether text data starts with column names; None to find out.
        delimiter: The character between the cells of text data; a space for any blanks.
        decimal: The decimal sign of text data, `.` or `,`.
        comment: What starts lines of text data that are comments; an empty text if there are none. None: `#` at the
            start of the data.
        baseline: The path of an earlier JSON result, for `result.baseline.change`; an array is the role of that name.
        ci: The level of a bootstrap interval of the value, such as 0.95; `result.ci.warning` says where it is too
            short, because few rows carry the value.
        resamples: How often rows are resampled.
        seed: The seed of the resampling.
        ci_method: The kind of interval.
        cluster: The column whose values (patients, days) are resampled whole; an array if y_true is one.
        block: How many consecutive rows of a time series are resampled together; `"auto"` finds it.
        jobs: The number of threads; all processors by default.
        engine: `"dask"` evaluates files on a cluster, without per-sample losses. A script then needs its calls under
            `if __name__ == "__main__"`.
        scheduler: The address of a Dask scheduler; without it a cluster is started on this machine.
        workers: The number of worker processes.
        **roles_and_params: Roles as arrays or frames (`y_true=`, `y_pred=`, `weight=`) and parameters of the losses
            (`delta=`).

    Returns:
        A LossResult for one loss without groups, else an Evaluation: a sequence of them.

    Raises:
        UsageError: A loss or parameter is unknown or out of range; an unknown keyword is a TypeError as well.
        DataError: Shapes do not fit, a value is outside of its domain, or a value is missing.
        NoResultError: No row is left.
        ClusterError: The cluster does not answer or went away.

    Examples:
        >>> y, p = [3, -0.5, 2, 7], [2.5, 0.0, 2, 8]
        >>> result = losscli.compute("huber:delta=0.5", y_true=y, y_pred=p)
        >>> result
        LossResult(huber:delta=0.5: value=0.15625, n=4)
        >>> result.max, result.per_sample.tolist()
        (0.375, [0.125, 0.125, 0.0, 0.375])

        A list of losses, and groups, give several results:

        >>> data = {"y_true": y, "y_pred": p, "site": ["a", "b", "a", "b"]}
        >>> results = losscli.compute(["mse", "mae"], data)
        >>> results["mae"].value
        0.5
        >>> groups = losscli.compute("mse", data, group_by="site")
        >>> [(r.group["site"], r.value) for r in groups]
        [('a', 0.125), ('b', 0.625)]
    """
    if isinstance(loss, str) and "," in loss:
        raise UsageError(f"compute takes one loss as text; for several give a list: {loss.split(',')!r}")
    is_one = isinstance(loss, (str, LossFunction, Loss, BoundLoss))
    classes, roles_and_params = split_classes(split_losses(loss), classes, roles_and_params)
    baseline, roles_and_params = split_baseline(split_losses(loss), baseline, roles_and_params)
    penalty, roles_and_params = split_penalty(split_losses(loss), penalty, parameters, roles_and_params)
    losses, arrays = split_keywords(compute, split_losses(loss), roles_and_params)
    cluster, arrays = split_cluster(cluster, data, arrays)
    options = EvaluationOptions(
        columns={} if columns is None else columns,
        id=id,
        classes=split_names("classes", classes),
        group_by=split_names("group_by", group_by),
        nan=nan,
        reduction=reduction,
        gradient=gradient,
        penalty=penalty,
        parameters=penalty_arrays(parameters),
        baseline=path_or_none("baseline", baseline),
        ci=ci,
        resamples=resamples,
        seed=seed,
        ci_method=ci_method,
        cluster=cluster,
        block=block,
        jobs=jobs,
        engine=engine,
        scheduler=scheduler,
        workers=workers,
    )
    read_options = check_read_options(input_format, header, delimiter, decimal, comment)
    open_sources, options = bind_data(data, arrays, options, read_options)
    if options.group_by or engine != "local":
        if gradient:
            raise UsageError("is for single samples: leave out groups and the cluster", option=("gradient", gradient))
        evaluation = pipeline.compute(losses, open_sources, options, warn_caller)
    else:
        evaluation = pipeline.compute_samples(losses, open_sources, options, warn_caller)
    for result in evaluation:
        if result.nan_reason:
            warn_caller(f"{result.full_name} is nan: {result.nan_reason}")
    return evaluation.losses[0] if is_one and not options.group_by else evaluation


@refuse_further_arrays
def compare(
    losses: LossName | Sequence[LossName],
    /,
    data: Data = None,
    *,
    models: Names | Mapping[str, Any] = (),
    model_column: str | None = None,
    reference: str | None = None,
    outliers: str | None = None,
    sort: str | None = None,
    leaderboard: bool = False,
    show_outliers: int = 0,
    decompose: bool = False,
    group_by: Names | None = None,
    reduction: ReductionName = "mean",
    columns: Mapping[str, str] | None = None,
    id: str | None = None,
    classes: Names | None = None,
    nan: NanPolicy = "error",
    input_format: str | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    comment: str | None = None,
    baseline: FilePath | None = None,
    ci: float | None = None,
    resamples: int | None = None,
    seed: int | None = None,
    ci_method: CiMethod | None = None,
    cluster: str | ArrayLike | None = None,
    block: int | Literal["auto"] | None = None,
    jobs: int | None = None,
    **roles_and_params: Any,
) -> Comparison:
    """Rank losses by their sensitivity to outliers, or compare models under each loss.

    Args:
        losses: One loss or a list of them, as for `compute`, or names joined by commas.
        data: As for `compute`.
        models: The columns of the predictions of several models; or name -> array, path or frame, a list of paths or
            a pattern, whose rows are paired with those of y_true in order or by `id`.
        model_column: The column of the models' names, of data with a row for each model of an id.
        reference: The model that the others are compared with; by default the best under each loss.
        outliers: The rule that flags outlier rows: `mad:3.5` (default for losses of a residual), `iqr:1.5`, `top:1%`
            (default for others), `column:NAME`.
        sort: The column or model to sort by, with a minus from the largest; `rank` by default.
        leaderboard: Whether the result's frame and table are those of its `leaderboard`: a row per model.
        show_outliers: How many outlier rows to list in `rows`.
        decompose: Whether to split the values of consistent losses: `value = mcb - dsc + unc` (miscalibration,
            discrimination, uncertainty), with the `bias` of the predictions and its interval.
        group_by: Columns whose values make groups; `@file` is the file that a row came from.
        reduction: As for `compute`; so are `columns`, `id`, `classes`, `nan` and how to read a file (`input_format`,
            `header`, `delimiter`, `decimal`, `comment`).
        baseline: The path of an earlier JSON result.
        ci: The level of the intervals of the values in `result.ci`, and of the differences of models.
        resamples: How often rows are resampled.
        seed: The seed of the resampling.
        ci_method: The kind of interval.
        cluster: The column whose values (patients, days) are resampled whole; an array if y_true is one.
        block: How many consecutive rows of a time series are resampled together; `"auto"` finds it.
        jobs: The number of threads.
        **roles_and_params: Roles as arrays and parameters of the losses.

    Returns:
        A Comparison: a sequence of losses by rank, each with its `value`, its columns as attributes (`inflation`,
            `pull`, `skill`) and, of several models, `model`, `difference` and `verdict`. `to_frame()` is the table.

    Raises:
        LosscliError: As for `compute`.

    Examples:
        The last row is an outlier. `mae` is moved less by it than `mse`:

        >>> y = [1, 2, 3, 4, 5, 6, 7, 80]
        >>> p = [1.1, 2.3, 2.8, 4.2, 4.9, 6.2, 7.1, 8.0]
        >>> ranked = losscli.compare(["mse", "mae"], y_true=y, y_pred=p)
        >>> [(loss.label, loss.rank, round(loss.inflation)) for loss in ranked]
        [('mae', 1, 53), ('mse', 2, 18901)]

        Two models under one loss:

        >>> y = list(range(20))
        >>> near, far = [value + 0.1 * (value % 3) for value in y], [value - 1 for value in y]
        >>> found = losscli.compare("mae", y_true=y, models={"near": near, "far": far})
        >>> [(loss.model, round(loss.value, 3), loss.verdict) for loss in found]
        [('near', 0.095, 'best'), ('far', 1.0, 'worse')]
    """
    given = losses.split(",") if isinstance(losses, str) else split_losses(losses)
    classes, roles_and_params = split_classes(given, classes, roles_and_params)
    baseline, roles_and_params = split_baseline(given, baseline, roles_and_params)
    bound, arrays = split_keywords(compare, given, roles_and_params)
    models = read_models(models)
    names, arrays, columns = split_models(models, data, arrays, {} if columns is None else columns)
    cluster, arrays = split_cluster(cluster, data, arrays)
    options = EvaluationOptions(
        columns=columns,
        id=id,
        classes=split_names("classes", classes),
        group_by=split_names("group_by", group_by),
        models=names,
        model_files=models_apart(models, data),
        model_column=model_column,
        reference=reference,
        nan=nan,
        reduction=reduction,
        outliers=outliers,
        sort=sort,
        leaderboard=leaderboard,
        show_outliers=show_outliers,
        decompose=decompose,
        baseline=path_or_none("baseline", baseline),
        ci=ci,
        resamples=resamples,
        seed=seed,
        ci_method=ci_method,
        cluster=cluster,
        block=block,
        draws=True,
        jobs=jobs,
    )
    read_options = check_read_options(input_format, header, delimiter, decimal, comment)
    open_sources, options = bind_data(data, arrays, options, read_options)
    from losscli.tail_notes import tail_notes

    compared = pipeline.compare(bound, open_sources, options, warn_caller)
    return replace(compared, notes=(*compared.notes, *tail_notes(compared.evaluation.losses)))
