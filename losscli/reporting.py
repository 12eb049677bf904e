"""The Python API of pages: report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from numpy.typing import ArrayLike

from losscli import pipeline
from losscli.api import CiMethod, Data, FilePath, Names, NanPolicy
from losscli.arguments import (
    LossName,
    bind_data,
    path_or_none,
    split_baseline,
    split_classes,
    split_cluster,
    split_keywords,
    split_losses,
    split_models,
    split_names,
)
from losscli.data.sources import check_read_options
from losscli.errors import DataError
from losscli.messages import python_option, warn_caller
from losscli.model_arguments import models_apart, read_models
from losscli.options import EvaluationOptions


def report(
    losses: LossName | list[LossName] | tuple[LossName, ...],
    /,
    data: Data = None,
    *,
    output: FilePath | None = None,
    title: str | None = None,
    top: int = 10,
    models: Names | Mapping[str, Any] = (),
    model_column: str | None = None,
    reference: str | None = None,
    outliers: str | None = None,
    decompose: bool = False,
    group_by: Names | None = None,
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
) -> str:
    """Return one HTML page on losses: what to believe, the table, pictures, the worst rows, how it was computed.

    Args:
        losses: One loss or a list of them, as for `compute`, or names joined by commas.
        data: As for `compute`.
        output: The path of a file to write the page to.
        title: The heading; by default the name of the data.
        top: How many of the worst rows to list.
        models: The columns of the predictions of several models; or name -> array, path or frame, a list of paths or
            a pattern, whose rows are paired with those of y_true in order or by `id`.
        model_column: The column of the models' names, of data with a row for each model of an id.
        reference: The model that the others are compared with; by default the best under each loss.
        outliers: The rule that flags outlier rows, as for `compare`.
        decompose: Whether to decompose the losses on all rows, which are kept in memory, with biases, and by group.
        group_by: Columns whose values make groups; `@file` is the file that a row came from.
        columns: As for `compute`; so are `id`, `classes`, `nan` and how to read a file (`input_format`, `header`,
            `delimiter`, `decimal`, `comment`).
        baseline: The path of an earlier JSON result.
        ci: The level of the intervals, 0.95 by default. If it is given, they are by a bootstrap for any number of rows.
        resamples: How often rows are resampled.
        seed: The seed of the resampling.
        ci_method: The kind of interval.
        cluster: The column whose values (patients, days) are resampled whole; an array if y_true is one.
        block: How many consecutive rows of a time series are resampled together; `"auto"` finds it.
        jobs: The number of threads.
        **roles_and_params: Roles as arrays and parameters of the losses.

    Returns:
        The page, of at most 300 kB.

    Raises:
        LosscliError: As for `compute`; a UsageError if matplotlib is not installed.

    Examples:
        >>> y, p = [1, 2, 3, 90], [1.5, 2, 2, 4]
        >>> page = losscli.report(["mse", "mae"], y_true=y, y_pred=p, title="Four rows")
        >>> "<title>Four rows" in page
        True
    """
    given = losses.split(",") if isinstance(losses, str) else split_losses(losses)
    classes, roles_and_params = split_classes(given, classes, roles_and_params)
    baseline, roles_and_params = split_baseline(given, baseline, roles_and_params)
    bound, arrays = split_keywords(report, given, roles_and_params)
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
        outliers=outliers,
        decompose=decompose,
        baseline=path_or_none("baseline", baseline),
        ci=ci,
        resamples=resamples,
        seed=seed,
        ci_method=ci_method,
        cluster=cluster,
        block=block,
        draws=True,
        value_only=True,
        jobs=jobs,
    )
    path = path_or_none("output", output)
    read_options = check_read_options(input_format, header, delimiter, decimal, comment)
    open_sources, options = bind_data(data, arrays, options, read_options)
    from losscli.page.build import PageOptions
    from losscli.page.html import render

    page_options = PageOptions(title, top, "", python_option)
    page = render(pipeline.report(bound, open_sources, options, page_options, warn_caller))
    if path is not None:
        _write(path, page)
    return page


def _write(path: str, page: str) -> None:
    """Write a page: whole, or not at all.

    Raises:
        DataError: It cannot be written.
    """
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(page)
        os.replace(temporary, path)
    except OSError as error:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error
