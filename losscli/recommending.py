"""The Python API on data: recommend."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from losscli import pipeline
from losscli.api import Data, Names, NanPolicy
from losscli.arguments import bind_data, reject_keyword, split_names
from losscli.data.sources import check_read_options
from losscli.errors import UsageError
from losscli.messages import warn_caller
from losscli.options import EvaluationOptions

if TYPE_CHECKING:
    from losscli.recommend.advise import Recommendation


def recommend(
    data: Data = None,
    *,
    y_true: ArrayLike | None = None,
    y_pred: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    from_logits: bool = False,
    target: str = "auto",
    columns: Mapping[str, str] | None = None,
    id: str | None = None,
    classes: Names | None = None,
    nan: NanPolicy = "error",
    input_format: str | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    comment: str | None = None,
    **roles: Any,
) -> Recommendation:
    """Recommend losses for the data, with reasons.

    Args:
        data: As for `compute`.
        y_true: Targets (N,) or (N, D).
        y_pred: Predictions of the same shape, or (N, C).
        weight: Sample weights (N,).
        from_logits: Whether predictions are logits, even if they all lie in [0, 1].
        target: What forecasts shall be: `mean`, `median`, a quantile such as `quantile:0.9`, or `auto`, which says what
            it assumes.
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
        **roles: Arrays of other roles: embeddings and labels, anchor, positive and negative, x1 and x2, ...

    Returns:
        A Recommendation. `losses` are those worth comparing, as typed; iterating gives an Advice per loss, with its
        `verdict` and `reason`; `facts` describe the data; `command` compares the losses if the data is a file.

    Raises:
        UsageError: An option is wrong; an unknown keyword is a TypeError as well.
        DataError: Shapes do not fit, a label is no class, or a value is missing or infinite.
        NoResultError: No row is left.

    Examples:
        >>> y, p = [0, 1, 1, 0, 1, 0], [0.1, 0.8, 0.7, 0.3, 0.9, 0.4]
        >>> found = losscli.recommend(y_true=y, y_pred=p)
        >>> found.task
        'binary'
        >>> found.losses
        ['bce', 'brier', 'zero_one', 'auc_loss']
        >>> found[0].reason
        'a proper score: its minimum is at the true probability; no true label was given 0'
    """
    from losscli.recommend.role_sets import ALL_ROLES

    unknown = next((name for name in roles if name not in ALL_ROLES), None)
    if unknown is not None:
        raise reject_keyword(recommend, unknown)
    if not isinstance(from_logits, bool):
        raise UsageError("must be True or False", option=("from_logits", from_logits))
    given = {"y_true": y_true, "y_pred": y_pred, "weight": weight, **roles}
    arrays = {role: array for role, array in given.items() if array is not None}
    options = EvaluationOptions(
        columns={} if columns is None else columns, id=id, classes=split_names("classes", classes), nan=nan
    )
    read_options = check_read_options(input_format, header, delimiter, decimal, comment)
    open_sources, options = bind_data(data, arrays, options, read_options)
    paths = [os.fspath(data)] if isinstance(data, (str, os.PathLike)) and not arrays else None
    return pipeline.recommend(
        open_sources,
        options,
        warn_caller,
        from_logits=from_logits,
        target=target,
        paths=paths,
        read_options=read_options,
    )
