"""Options of an evaluation, checked once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from losscli.errors import UsageError

if TYPE_CHECKING:
    pass


class EvaluationOptions(NamedTuple):
    """What is to be evaluated, apart from losses and data.

    `columns` maps roles to what was asked for (a name, a comma list, a pattern); `id` is the key that pairs files
    and names rows; `classes` the class names; `group_by` the columns whose values make groups; `carry` other columns
    to bring along; `models` what was asked for as the predictions of several models, None where there can be but one;
    `ci` is the level of bootstrap intervals, the next three are how they are found; None is their defaults. With
    `value_only` no statistic is kept that the value does not need; `jobs` are the threads, None being all processors.
    `engine` is where it is done (`local`, `dask`), `scheduler` the address of a Dask cluster and `workers` how many
    processes are started, or waited for where there is an address.
    """

    columns: Mapping[str, str] = {}
    id: str | None = None
    classes: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    carry: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None
    nan: str = "error"
    reduction: str = "mean"
    gradient: bool = False
    ci: float | None = None
    resamples: int | None = None
    seed: int | None = None
    ci_method: str | None = None
    value_only: bool = False
    jobs: int | None = None
    engine: str = "local"
    scheduler: str | None = None
    workers: int | None = None


def processors() -> int:
    """How many processors there are for us."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_choices(request: EvaluationOptions) -> None:
    """UsageError where a policy is none of those there are."""
    for name, value, choices in (
        ("reduction", request.reduction, ("mean", "sum", "median")),
        ("nan", request.nan, ("error", "omit", "propagate")),
        ("engine", request.engine, ("local", "dask")),
    ):
        if value not in choices:
            raise UsageError(f"{name}={value!r} must be one of {', '.join(choices)}")
    for name, count in (("jobs", request.jobs), ("workers", request.workers)):
        if count is not None and count < 1:
            raise UsageError(f"{name}={count!r} must be at least 1")
    if request.engine == "local" and (request.scheduler or request.workers):
        raise UsageError(f"{'scheduler' if request.scheduler else 'workers'} goes with engine dask")
