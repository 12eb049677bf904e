"""Options of compute, compare and recommend, checked once for the command line and the Python API."""

from __future__ import annotations

import functools
import numbers
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from losscli.errors import UsageError
from losscli.messages import Hint, did_you_mean, one_line

if TYPE_CHECKING:
    from losscli.statistics.bootstrap.options import Resampling

REDUCTIONS = ("mean", "sum", "median")
NAN_POLICIES = ("error", "omit", "propagate")
ENGINES = ("local", "dask")
DRAW_OPTIONS = ("resamples", "seed", "ci_method", "cluster", "block")
"""Options of how rows are drawn for intervals."""

LOSS_AND_TABLE = 2
"""How many arguments functions of the API take by place."""

PICTURE_KINDS = ("rows", "share", "stress", "groups", "models", "reliability", "murphy")
"""Kinds of pictures of data."""


class UnknownOptionError(UsageError, TypeError):
    """A keyword is no option, role or parameter."""

    @classmethod
    def of_keyword(cls, function: str, unknown: str, known: Sequence[str]) -> UnknownOptionError:
        """Return the error for an unknown keyword of a function that knows others.

        A keyword that is a usual name of a role's column is meant for that role.
        """
        from losscli.data.role_names import roles_usually_called

        usual = [role for role in roles_usually_called(unknown) if role in known]
        hint = did_you_mean(usual[0] if usual else unknown, known) or f"it takes {', '.join(known)}"
        return cls(f"{function}() got an unknown keyword {unknown!r} ({hint})")


CallArguments = ParamSpec("CallArguments")
Returned = TypeVar("Returned")


def refuse_further_arrays(function: Callable[CallArguments, Returned]) -> Callable[CallArguments, Returned]:
    """Make a function of a loss and a table refuse further arguments by place, with what to type instead."""

    @functools.wraps(function)
    def call(*args: CallArguments.args, **keywords: CallArguments.kwargs) -> Returned:
        if len(args) > LOSS_AND_TABLE:
            taken = f"{function.__name__}() takes a loss and a table by place, and all else by name"
            raise UnknownOptionError(f"{taken}: arrays as y_true= and y_pred=")
        return function(*args, **keywords)

    return call


class EvaluationOptions(NamedTuple):
    """What to evaluate and how, apart from losses and data.

    Attributes:
        columns: Role -> column name, comma list or pattern.
        id: The key column that pairs files and names rows.
        classes: Class names, in order.
        group_by: The columns whose values make groups.
        models: The predictions of several models, as columns; None where there can be one model only.
        model_files: Files of the predictions of models as typed, NAME=FILE, a file or a pattern; or name -> path,
            frame or array.
        model_column: The column of the models' names, of data with a row for each model of a row.
        reference: The model that others are compared with; None for the best under each loss.
        nan: What to do with rows that lack a value: `error`, `omit`, `propagate`.
        reduction: How per-sample losses become one number: `mean` (the loss's own), `sum`, `median`.
        per_sample: Whether per-sample losses are wanted rather than statistics.
        gradient: Whether gradients are wanted with the per-sample losses.
        penalty: A penalty with its strength, such as `l2:lambda=0.01`.
        parameters: The parameters that the penalty is on: a path, or arrays.
        baseline: The path of an earlier JSON result.
        outliers: The rule that flags outlier rows.
        sort: The column or model to sort a comparison by, with a minus from the largest.
        leaderboard: Whether a comparison of models shows a row a model and a column a loss.
        show_outliers: How many outlier rows to list.
        table_only: Whether of what outliers do to the losses of several models only what their table shows is wanted.
        decompose: Whether the parts of the losses are wanted: miscalibration, discrimination, uncertainty, and bias.
        ci: The level of bootstrap intervals; None for no intervals.
        resamples: How often rows are resampled; None for the default.
        seed: The seed of the resampling; None for the default.
        ci_method: The kind of the interval; None for the default.
        cluster: The column whose values are resampled whole, with all their rows.
        block: How many consecutive rows are resampled together, or `auto`.
        draws: Whether rows are drawn for intervals that nobody asks for: of models, in pictures, on pages.
        value_only: Whether no statistic but the value is wanted.
        jobs: The number of threads; None for all processors.
        engine: Where files are evaluated: `local` or `dask`.
        scheduler: The address of a Dask scheduler.
        workers: How many processes to start, or with a scheduler how many to wait for.
        carry: Further columns to read along.
    """

    columns: Mapping[str, str] = {}
    id: str | None = None
    classes: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None
    model_files: tuple[str, ...] | Mapping[str, Any] = {}
    model_column: str | None = None
    reference: str | None = None
    nan: str = "error"
    reduction: str = "mean"
    per_sample: bool = False
    gradient: bool = False
    penalty: str | None = None
    parameters: Any = None
    baseline: str | None = None
    outliers: str | None = None
    sort: str | None = None
    leaderboard: bool = False
    show_outliers: int = 0
    table_only: bool = False
    decompose: bool = False
    ci: float | None = None
    resamples: int | None = None
    seed: int | None = None
    ci_method: str | None = None
    cluster: str | None = None
    block: int | str | None = None
    draws: bool = False
    value_only: bool = False
    jobs: int | None = None
    engine: str = "local"
    scheduler: str | None = None
    workers: int | None = None
    carry: tuple[str, ...] = ()

    def with_level_of_units(self, level: float) -> EvaluationOptions:
        """Return the options with a level if clusters or blocks are resampled and none is asked for.

        Then rows are evaluated in order, and every interval is by resampling.
        """
        resamples_units = self.cluster is not None or self.block is not None
        return self._replace(ci=level) if resamples_units and self.ci is None else self

    @property
    def extras(self) -> tuple[str, ...]:
        """The columns that are read and are no role."""
        found = (*self.group_by, *self.carry)
        return found if self.cluster is None or self.cluster in found else (*found, self.cluster)

    def check(self) -> Resampling | None:
        """Check all that makes sense or not whatever the data holds, and return how values are resampled.

        It is None without a level: `resampling` is how rows are drawn then, where they are.

        Raises:
            UsageError: A value is out of range, or two options contradict each other.
        """
        self._check_types()
        for name, choices in (("reduction", REDUCTIONS), ("nan", NAN_POLICIES), ("engine", ENGINES)):
            if not isinstance(value := getattr(self, name), str) or value not in choices:
                raise UsageError(f"must be one of {', '.join(choices)}", option=(name, value))
        for name in ("jobs", "workers"):
            if (count := getattr(self, name)) is not None and count < 1:
                raise UsageError("must be at least 1", option=(name, count))
        for name in ("scheduler", "workers"):
            if self.engine == "local" and getattr(self, name):
                raise UsageError("needs a cluster", Hint.ADD_ENGINE, option=(name, getattr(self, name)))
        for name in ("group_by", "classes"):
            names = getattr(self, name)
            twice = next((one for one in names if names.count(one) > 1), None)
            if not all(names) or twice is not None:
                problem = f"{twice!r} is named twice" if all(names) else "a name is empty"
                raise UsageError(problem, option=(name, ",".join(names)))
        if (self.penalty is None) != (self.parameters is None):
            raise UsageError("a penalty and parameters go together", Hint.PENALTY_EXAMPLE)
        if self.per_sample and self.penalty is not None:
            raise UsageError(
                "is added to the reduced value: per-sample losses have none", option=("penalty", self.penalty)
            )
        return self._check_draws()

    def _check_draws(self) -> Resampling | None:
        if self.ci is None and not self.draw_options:
            return None
        if self.per_sample and self.ci is not None:
            raise UsageError("an interval needs a reduced value: per-sample losses have none", option=("ci", self.ci))
        from losscli.statistics.bootstrap.options import parse_resampling

        level, how = self.ci, [getattr(self, name) for name in DRAW_OPTIONS]
        checked = self.resampling if self.draws else parse_resampling(level, *how)
        return None if level is None else checked

    @property
    def draw_options(self) -> dict[str, Any]:
        """The options of how rows are drawn that were given."""
        return {name: value for name in DRAW_OPTIONS if (value := getattr(self, name)) is not None}

    @property
    def resampling(self) -> Resampling:
        """How rows are drawn, for intervals of 95 % if no level is asked for."""
        from losscli.statistics.bootstrap.options import DEFAULT_LEVEL, parse_resampling

        level = DEFAULT_LEVEL if self.ci is None else self.ci
        found = parse_resampling(level, *(getattr(self, name) for name in DRAW_OPTIONS))
        assert found is not None
        return found

    def _check_types(self) -> None:
        """Refuse what only the Python API can be given: the command line has texts and numbers."""
        for name in (
            "id",
            "model_column",
            "reference",
            "penalty",
            "baseline",
            "outliers",
            "sort",
            "ci_method",
            "scheduler",
        ):
            if not isinstance(value := getattr(self, name), (str, type(None))):
                raise UsageError("must be text", option=(name, value))
        for name in ("per_sample", "gradient", "leaderboard", "decompose"):
            if not isinstance(value := getattr(self, name), bool):
                raise UsageError("must be True or False", option=(name, value))
        if not isinstance(self.show_outliers, numbers.Integral) or self.show_outliers < 0:
            raise UsageError("must be a whole number, 0 or more", option=("show_outliers", self.show_outliers))
        is_mapping = isinstance(self.columns, Mapping)
        if not is_mapping or not all(isinstance(named, str) for named in self.columns.values()):
            given = one_line(self.columns)
            raise UsageError(f"columns map roles to a name, a comma list or a pattern, not {given}")
        for name in ("jobs", "workers"):
            if not isinstance(count := getattr(self, name), (numbers.Integral, type(None))):
                raise UsageError("must be a whole number", option=(name, count))


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
