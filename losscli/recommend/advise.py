"""Recommend losses for data: parameters are computed from it, and a command compares the losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from losscli.binding import bind_for_recommend, columns_to_spell_out
from losscli.data.batch import Batch
from losscli.data.sources import ReadOptions
from losscli.declaration.domains import Array
from losscli.declaration.loss import BoundLoss
from losscli.declaration.properties import Functional
from losscli.errors import DataError, UsageError
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.shapes import choose_form
from losscli.messages import Hint, Message, join_names, number_text
from losscli.options import EvaluationOptions
from losscli.recommend.aim import MOSTLY_ZERO, parse_target
from losscli.recommend.beside import BesideColumns, carry_beside, find_beside, with_numbers
from losscli.recommend.commands import compare_command
from losscli.recommend.facts import CLASSES, DISTRIBUTIONS, LABEL_SETS, LABELS, NUMBERS, list_facts, variance_power_text
from losscli.recommend.functionals import functional_text
from losscli.recommend.label_facts import Fact
from losscli.recommend.notes import list_calibration_notes, list_order_notes
from losscli.recommend.profile import Profile, profile_of
from losscli.recommend.role_profile import RoleProfile, list_role_facts, list_role_notes, role_profile_of
from losscli.recommend.role_sets import bind_boxes, bind_observed, bind_role_set
from losscli.recommend.rules import RULES_OF_TASK
from losscli.recommend.rules.findings import Finding, Verdict
from losscli.recommend.rules.forecasts import SPREAD_ROLES, are_symmetric, quantile_columns, quantile_set, spread_column
from losscli.recommend.summary import short
from losscli.recommend.tasks import Task
from losscli.result_base import Result, ResultSequence, short_text, shown
from losscli.results import DataInfo, data_info, json_header, jsonable

if TYPE_CHECKING:
    import pandas as pd

    from losscli.data.dataset import Dataset
    from losscli.data.sources import Sources

TO_TRY = (Verdict.USE, Verdict.CONSIDER)
"""Verdicts on losses that are tried on the data and compared."""


@dataclass(frozen=True, eq=False, repr=False)
class Advice(Result):
    """A verdict on a loss, with the reason; `column` is the one that it is for, if that is not y_pred."""

    verdict: Verdict
    bound: BoundLoss
    reason: str
    column: str | None = None

    @property
    def aims_at(self) -> str:
        """The functional of the targets that the loss aims at, in words; empty if none is known."""
        return functional_text(self.bound)

    @property
    def loss(self) -> str:
        """The loss as it is typed, with its parameters."""
        return self.bound.label

    @property
    def is_of_queries(self) -> bool:
        """Whether a sample of the loss is a query, not a row."""
        return self.bound.loss.forms[0].by_query

    @property
    def label(self) -> str:
        return self.bound.label

    @property
    def name(self) -> str:
        return self.bound.loss.name

    def __repr__(self) -> str:
        return f"Advice({self.verdict}: {short_text(self.loss)})"

    def to_dict(self) -> dict[str, Any]:
        params = {key: jsonable(value) for key, value in self.bound.params.items()}
        name = self.bound.loss.name
        advice = {"verdict": str(self.verdict), "loss": self.loss, "name": name, "params": params}
        return advice | {"aims_at": self.aims_at, "column": self.column, "reason": self.reason}


@dataclass(frozen=True, eq=False, repr=False)
class Recommendation(ResultSequence[Advice]):
    """Facts about the data, and advice on losses, the best first.

    `losses` are those worth comparing, as typed; `commands` compare them, first those of y_pred, then those of other
    columns. `command` is the first, and None if the data is not from files.
    """

    _field_of_items = "advice"
    data: DataInfo
    task: str
    facts: tuple[Fact, ...]
    advice: tuple[Advice, ...]
    commands: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def losses(self) -> list[str]:
        return [advice.loss for advice in next(iter(by_forecast(self.advice)), [])]

    @property
    def command(self) -> str | None:
        return next(iter(self.commands), None)

    def __repr__(self) -> str:
        return f"Recommendation({self.task}: {shown(self.losses)}; n={self.data.n_used})"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return json_header(self.data) | {
            "task": self.task,
            "facts": [{"key": f.key, "value": jsonable(f.value), "text": f.text} for f in self.facts],
            "losses": [advice.to_dict() for advice in self.advice],
            "command": self.command,
            "commands": list(self.commands),
            "notes": list(self.notes),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a frame with one row per loss."""
        import pandas as pd

        rows = [{"verdict": str(a.verdict), "reason": a.reason} for a in self.advice]
        return pd.DataFrame(rows, index=pd.Index([a.loss for a in self.advice], name="loss"))


def by_forecast(advice: Iterable[Advice]) -> list[list[Advice]]:
    """Return the advice on losses to try: on rows, on queries, and on other columns than y_pred, where there is any."""
    tried = [a for a in advice if a.verdict in TO_TRY]
    of_rows = [a for a in tried if a.column is None and not a.is_of_queries]
    of_queries, of_columns = [a for a in tried if a.is_of_queries], [a for a in tried if a.column is not None]
    parts = (of_queries, of_rows, of_columns) if tried and tried[0].is_of_queries else (of_rows, of_queries, of_columns)
    return [part for part in parts if part]


def recommend_from(
    sources: Sources,
    options: EvaluationOptions,
    note: Callable[[str], None],
    track: Callable[[Dataset, Iterator[Batch]], Iterable[Batch]],
    *,
    from_logits: bool,
    target: str,
    paths: Sequence[str] | None,
    read_options: ReadOptions,
) -> Recommendation:
    """Read y_true and y_pred once and recommend losses for them; arguments are those of `pipeline.recommend`.

    Raises:
        UsageError: A role is unknown, or forecasts cannot be of that functional.
        DataError: A column is missing, shapes differ, or values do not allow any statement.
        NoResultError: No row is left.
    """
    functional = parse_target(target)
    level = functional.level if functional is not None and functional.name == "quantile" else None
    beside = find_beside(sources, options.columns, level)
    options = options._replace(
        columns={role: name for role, name in options.columns.items() if role not in SPREAD_ROLES}
    )
    if beside.centre is not None:
        options = options._replace(columns={**options.columns, "y_pred": beside.centre})
    if beside.point is not None:
        if functional is not None and "y_pred" not in options.columns:
            check_column_of(beside, functional, target)
        options = options._replace(columns={**options.columns, "y_pred": beside.point})
    profile: Profile | RoleProfile
    if (boxes := bind_boxes(sources, options, note)) is not None:
        named_format, dataset = boxes
        profile = profile_of(dataset, track=lambda batches: track(dataset, batches), named_format=named_format)
    elif (other_roles := bind_role_set(sources, options, note) or bind_observed(sources, options, note)) is not None:
        role_set, dataset, first_loss = other_roles
        profile = role_profile_of(dataset, role_set.task, first_loss, lambda batches: track(dataset, batches))
    else:
        dataset, beside = carry_beside(bind_for_recommend(sources, options, note), beside)
        profile = profile_of(
            dataset, from_logits, lambda batches: track(dataset, batches), target=functional, beside=beside
        )
    check_target(profile.task, functional, target)
    advice = advise(profile)
    box_format = profile.box_format if isinstance(profile, Profile) and profile.has_unnamed_format else None
    commands = []
    for part in by_forecast(advice) if paths is not None else ():
        found = columns_to_spell_out([a.bound for a in part], dataset, sources, options)
        for one in part:
            found |= spread_column(one.name, beside)
        columns = list(dict.fromkeys(a.column for a in part if a.column is not None))
        losses = list(dict.fromkeys(a.loss for a in part))
        commands.append(
            compare_command(
                losses, paths or (), options, read_options, found, columns, dependence_option(profile), box_format
            )
        )
    together = quantile_set(profile) if isinstance(profile, Profile) else []
    if together and paths is not None:
        levels = "/".join(number_text(forecast.level) for forecast in together)
        losses = [f"{name}:taus={levels}" for name in ("crps_quantile", *(["wis"] if are_symmetric(together) else []))]
        found = {"y_pred": ",".join(forecast.column for forecast in together)}
        commands.append(compare_command(losses, paths, options, read_options, found))
    return Recommendation(
        data_info(dataset, profile.weight),
        str(profile.task),
        tuple(list_role_facts(profile) if isinstance(profile, RoleProfile) else list_facts(profile)),
        tuple(advice),
        tuple(commands),
        tuple(list_role_notes(profile) if isinstance(profile, RoleProfile) else list_notes(profile, advice)),
    )


def check_column_of(beside: BesideColumns, functional: Functional, target: str) -> None:
    """Raise a DataError if none of the columns of quantiles, the only forecasts, is of the functional."""
    if functional.name != "quantile" or all(q.level != functional.level for q in beside.quantiles):
        names = join_names([repr(q.column) for q in beside.quantiles])
        problem = f"columns {names} are quantiles, and none is the {target} that was asked for"
        raise DataError(problem, Hint.CHOOSE_COLUMN, role="y_pred")


def check_target(task: Task, functional: Functional | None, target: str) -> None:
    """Raise a UsageError if forecasts that are no numbers were said to be medians or quantiles."""
    if functional is not None and functional.name != "mean" and (task not in NUMBERS or task is Task.RANKING):
        if task in LABELS + LABEL_SETS + CLASSES + DISTRIBUTIONS:
            labels = "distributions" if task in DISTRIBUTIONS else "labels"
            problem = f"y_true holds {labels}, and forecasts of them are probabilities, which are means: mean or auto"
        else:
            problem = f"the task is {task}, not forecasts of numbers: leave it out, or auto"
        raise UsageError(problem, option=("target", target))


def dependence_option(d: Profile | RoleProfile) -> tuple[str, str] | None:
    """Return the option, with its value, by which an interval allows for errors that depend on each other."""
    if isinstance(d, RoleProfile) or d.task is not Task.REGRESSION:
        return None
    if d.clusters is not None:
        return "cluster", d.clusters.column
    return ("block", "auto") if d.serial is not None and d.serial.is_sure else None


def advise(d: Profile | RoleProfile) -> list[Advice]:
    """Return the findings on this data, the best first; recommended losses were tried on it."""
    from losscli.declaration.grammar import parse_specs
    from losscli.registry import resolve

    found: dict[tuple[str, str | None], Advice] = {}
    of_columns: Iterable[tuple[Finding, str | None]] = ()
    if isinstance(d, Profile) and d.task is Task.REGRESSION and d.target is None:
        of_columns = quantile_columns(d)
    findings = [*((finding, None) for finding in RULES_OF_TASK[d.task](d)), *of_columns]
    for finding, column in findings:  # the first one on a loss counts
        bound = resolve(parse_specs(finding.loss))[0]
        if (bound.canonical, column) not in found:
            advice = Advice(finding.verdict, bound, finding.reason, column)
            if d.task in NUMBERS and advice.aims_at and advice.verdict is not Verdict.REFUSED:
                advice = replace(advice, reason=f"aims at {advice.aims_at}: {advice.reason}")
            found[bound.canonical, column] = try_loss(advice, d) if advice.verdict in TO_TRY else advice
    order = list(Verdict)
    return sorted(found.values(), key=lambda advice: order.index(advice.verdict))


def try_loss(advice: Advice, d: Profile | RoleProfile) -> Advice:
    """Return the advice, or another one if the loss refuses the data or gives no finite number."""
    batches = [d.sample, d.extreme_rows]
    for role, column in spread_column(advice.name, d.beside).items():
        batches = [with_numbers(batch, role, column) for batch in batches]
    if advice.column is not None:
        batches = [with_numbers(batch, "y_pred", advice.column) for batch in batches]
    form = choose_form(advice.bound, {role: array.shape for role, array in batches[0].arrays.items()})
    assert form is not None
    if form.by_query:  # a sample of rows has no whole queries
        return advice
    evaluator = Evaluator(advice.bound, form)
    if evaluator.needs_all_rows(batches[0].arrays):  # a few rows are no sample where rows are compared with each other
        del batches[1]
    try:
        values = [np.abs(losses_of(evaluator, batch)) for batch in batches]
    except DataError as error:
        return replace(advice, verdict=Verdict.REFUSED, reason=error.message.problem)
    largest = max(math.inf if not array.size or np.isnan(array).any() else float(array.max()) for array in values)
    if not math.isfinite(largest * max(d.weight, 1.0)):  # the sum may overflow even if no value does
        return replace(advice, verdict=Verdict.AVOID, reason="its value on this data is not a finite number")
    return advice


def losses_of(evaluator: Evaluator, batch: Batch) -> Array:
    """Return the losses of a batch, or the one number of a loss that has none of rows."""
    outcome = evaluator(batch)
    if outcome.inputs is None:
        return outcome.elements
    return np.array([evaluator.number_of(evaluator.counts(outcome.inputs))])


def list_notes(d: Profile, advice: Sequence[Advice]) -> Iterator[str]:
    """Yield notes on the advice."""
    if d.is_subsampled:
        sampled = f"quantiles, scales and outliers are of a random sample of {len(d.sample)} of {d.n} rows"
        yield f"{sampled}; ranges, labels and zeros are of all"
    if d.task is Task.REGRESSION:
        yield from list_regression_notes(d, advice)
    if together := quantile_set(d):
        names = join_names([repr(forecast.column) for forecast in together])
        also = ", and wis, too, by intervals" if are_symmetric(together) else ""
        yield f"{names} are one forecast of a distribution: crps_quantile scores them together{also}"
    if d.task in LABELS and not d.pred.is_within(0, 1):
        yield from list_score_notes(d)
    yield from list_calibration_notes(d)
    yield from list_order_notes(d)
    one_label, on_or_off = "every row has exactly one label on", "labels that are each on or off"
    if d.is_one_hot and d.task is Task.MULTILABEL:
        treated = f"treated as {on_or_off}, not as one class per row"
        yield Message(f"{one_label}, but y_pred does not sum to 1: {treated}", Hint.DIVIDE_BY_SUM)
    if d.is_one_hot and d.task is Task.CLASS_SCORES:
        yield f"{one_label}: treated as one class per row, not as {on_or_off}"
    if not any(a.verdict in TO_TRY for a in advice):
        yield "no loss is recommended: every one that was tried refuses this data or has no finite value on it"


def list_regression_notes(d: Profile, advice: Sequence[Advice]) -> Iterator[str]:
    """Yield notes on targets and predictions that are numbers."""
    r = d.residuals
    if r.has_few_rows and not r.are_zero:
        yield "there are too few rows for tails, outliers or parameters"
    if d.true.is_constant and d.n > 1:
        yield f"y_true is {short(d.true.low)} in every row: no model can be better than that constant"
    is_meant = d.aim.is_quantile or d.has_quantiles_only or d.zero_share >= MOSTLY_ZERO  # zeros are below all means
    is_said = d.is_off_centre and d.aim.is_unclear
    if r.has_scale and min(abs(r.median), abs(r.mean)) > r.scale and not (is_meant or is_said):
        off = f"the predictions are off by {short(r.median)} in the median, more than the residuals' scale"
        yield f"{off}: parameters are for a fitted model, which has no such offset"
    if r.is_spread_clearly_rising and any(a.name == "huber" and a.verdict in TO_TRY for a in advice):
        growth = f"residuals spread more where y_pred is large (squares as y_pred^{variance_power_text(r)})"
        yield f"{growth}: one delta for all rows takes those for outliers"
    if d.aim.is_unclear and not r.are_zero and not r.has_few_rows and not d.has_quantiles_only:
        assumed = f"assumes forecasts of the {d.aim.label}, as the data does not tell"
        if d.is_off_centre:
            side = "high" if r.coverage > 0.5 else "low"
            assumed = f"predictions are too {side}, or none of the {d.aim.label}, as is assumed"
        yield Message(assumed, Hint.CHOOSE_TARGET)
    if d.clusters is not None:
        alike = (
            f"errors of rows of one {d.clusters.column!r} are alike (correlation {short(d.clusters.correlation, 2)})"
        )
        yield Message(alike, Hint.RESAMPLE_CLUSTERS, column=d.clusters.column)
    elif d.serial is not None and d.serial.is_sure:
        largest = f"{short(d.serial.largest, 2)} at lag {d.serial.lag}"
        related = f"errors of neighbouring rows are correlated ({largest})"
        yield Message(related, Hint.RESAMPLE_BLOCKS)
    if d.width > 1 and r.has_scale and max(r.scales) > 3 * min(r.scales):
        scales = f"the robust scales of the columns go from {short(min(r.scales))} to {short(max(r.scales))}"
        yield f"{scales}: one delta cannot suit them all, and their mean loss says little"
    are_few = all(v.is_whole and v.counts is not None and 2 < len(v.counts) <= 20 for v in (d.true, d.pred))
    if are_few and set(d.pred.counts or ()) <= set(d.true.counts or ()):
        few = "both columns hold a few whole numbers: treated as numbers"
        yield f"{few}; if they are class labels, losses for numbers mean nothing"


def list_score_notes(d: Profile) -> Iterator[str]:
    """Yield notes on two labels with predictions outside [0, 1]."""
    if d.pred.low >= 0:
        least = f"no y_pred is below 0 (the least is {short(d.pred.low)})"
        yield f"{least}, as logits of rows with the label 0 would be: are these logits?"
    if d.task is Task.BINARY_SCORES and d.true.has_only(0, 1) and d.pred.is_within(-0.5, 1.5):
        beyond = f"y_pred goes from {d.pred.range}, just beyond [0, 1]"
        yield f"{beyond}: if these are a linear model's predictions of the label, not logits, use mse and mae"
