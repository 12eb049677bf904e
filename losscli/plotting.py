"""The Python API of pictures: plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from numpy.typing import ArrayLike

from losscli import pipeline
from losscli.api import CiMethod, Data, Names, NanPolicy
from losscli.arguments import (
    LossName,
    bind_data,
    split_classes,
    split_cluster,
    split_keywords,
    split_losses,
    split_models,
    split_names,
)
from losscli.data.sources import check_read_options
from losscli.data.values import shorten
from losscli.errors import UsageError
from losscli.loss_function import ReductionName
from losscli.messages import warn_caller
from losscli.model_arguments import models_apart, read_models
from losscli.options import PICTURE_KINDS, EvaluationOptions
from losscli.plot.figure import check_matplotlib, draw_figure
from losscli.plot.kinds import PlotOptions

PictureKind: TypeAlias = Literal["rows", "share", "stress", "groups", "models", "reliability", "murphy"]


def plot(
    losses: LossName | Sequence[LossName],
    /,
    data: Data = None,
    *,
    kind: PictureKind | None = None,
    range: tuple[float, float] | None = None,
    outliers: str | None = None,
    ax: Any = None,
    models: Names | Mapping[str, Any] = (),
    model_column: str | None = None,
    reference: str | None = None,
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
    ci: float | None = None,
    resamples: int | None = None,
    seed: int | None = None,
    ci_method: CiMethod | None = None,
    cluster: str | ArrayLike | None = None,
    block: int | Literal["auto"] | None = None,
    jobs: int | None = None,
    **roles_and_params: Any,
) -> Any:
    """Draw losses with matplotlib: their curves and gradients, or with data where they come from.

    Args:
        losses: One loss or a list of them, as for `compute`, or names joined by commas.
        data: As for `compute`; without data, and without arrays for roles, curves are drawn.
        kind: What to draw of the data: `rows` (residuals, and where the loss comes from), `share` (how few rows carry
            it), `stress`, `groups`, `models`, `reliability`, `murphy`; by default what fits.
        range: The ends of the x axis of curves; by default those that fit the parameters.
        outliers: The rule that flags outlier rows, as for `compare`.
        ax: An Axes, or a sequence of one for each panel; by default a new figure of pyplot.
        models: The columns of the predictions of several models; or name -> array, path or frame, a list of paths or
            a pattern, whose rows are paired with those of y_true in order or by `id`.
        model_column: The column of the models' names, of data with a row for each model of an id.
        reference: The model that the others are compared with; by default the best under each loss.
        group_by: Columns whose values make groups; `@file` is the file that a row came from.
        reduction: As for `compute`; so are `columns`, `id`, `classes`, `nan` and how to read a file (`input_format`,
            `header`, `delimiter`, `decimal`, `comment`).
        ci: The level of the intervals of groups and of differences of models.
        resamples: How often rows are resampled.
        seed: The seed of the resampling.
        ci_method: The kind of interval.
        cluster: The column whose values (patients, days) are resampled whole; an array if y_true is one.
        block: How many consecutive rows of a time series are resampled together; `"auto"` finds it.
        jobs: The number of threads.
        **roles_and_params: Roles as arrays and parameters of the losses.

    Returns:
        The Axes of matplotlib that were drawn into; an array of them if there are several panels.

    Raises:
        UsageError: matplotlib is not installed, `ax` has not as many axes as the picture, or the kind does not fit.
        LosscliError: As for `compute`.

    Examples:
        >>> losses, gradients = losscli.plot("mse,huber:delta=2", range=(-3, 3))
        >>> losses.get_xlabel()
        'y_pred − y_true'
        >>> y, p = [1, 2, 3, 90], [1.5, 2, 2, 4]
        >>> axes = losscli.plot("mse", y_true=y, y_pred=p, kind="share")
    """
    given = losses.split(",") if isinstance(losses, str) else split_losses(losses)
    classes, roles_and_params = split_classes(given, classes, roles_and_params)
    bound, arrays = split_keywords(plot, given, roles_and_params)
    check_matplotlib()
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
    if kind is not None and (not isinstance(kind, str) or kind not in PICTURE_KINDS):
        raise UsageError(f"must be one of {', '.join(PICTURE_KINDS)}", option=("kind", kind))
    plot_options = PlotOptions(kind, outliers, check_range(range))
    options.check()
    open_sources = None
    if data is not None or arrays or options.model_files:
        if range is not None:
            raise UsageError("is for curves, which are drawn without data", option=("range", range))
        open_sources, options = bind_data(data, arrays, options, read_options)
    else:
        defaults = EvaluationOptions(models=(), draws=True)._asdict()
        about_data = {"kind": kind, "input_format": input_format, "header": header, "delimiter": delimiter}
        about_data |= {"decimal": decimal, "comment": comment} | options._replace(jobs=None)._asdict()
        of_data = next((item for item in about_data.items() if item[1] != defaults.get(item[0])), None)
        if of_data is not None:
            raise UsageError("is about data, and there is none", option=of_data)
    picture = pipeline.plot(bound, open_sources, options, plot_options, warn_caller)
    return draw_figure(picture, ax)


def check_range(given: Any) -> tuple[float, float] | None:
    """Return the ends of an axis.

    Raises:
        UsageError: They are not two finite numbers, the smaller one first.
    """
    if given is None:
        return None
    try:
        low, high = map(float, given)
    except (TypeError, ValueError):
        raise UsageError(f"range: must be two numbers, as in (-3, 3), not {shorten(given)}") from None
    if not (abs(low) < float("inf") and abs(high) < float("inf")):
        raise UsageError("must be two finite numbers, as in (-3, 3)", option=("range", given))
    from losscli.plot.curves import check_ends

    check_ends(low, high, given)
    return low, high
