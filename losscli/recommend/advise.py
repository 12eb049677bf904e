"""Recommend losses for data: parameters are computed from it, and a command compares the losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from losscli import shell
from losscli.binding import OBSERVED_ROLES, bind_for_recommend, columns_to_spell_out
from losscli.data.batch import Batch
from losscli.data.sources import ReadOptions
from losscli.declaration.loss import BoundLoss
from losscli.errors import DataError
from losscli.evaluation.evaluator import Evaluator, choose_form
from losscli.messages import Hint, Message
from losscli.options import EvaluationOptions
from losscli.recommend.facts import LABELS, Fact, list_facts, variance_power_text
from losscli.recommend.notes import list_calibration_notes, list_order_notes
from losscli.recommend.profile import Profile, Task, profile_of
from losscli.recommend.role_profile import RoleProfile, list_role_facts, list_role_notes, role_profile_of
from losscli.recommend.role_sets import bind_boxes, bind_role_set
from losscli.recommend.rules import RULES_OF_TASK
from losscli.recommend.rules.findings import Verdict
from losscli.recommend.summary import short
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
    """A verdict on a loss, with the reason."""

    verdict: Verdict
    bound: BoundLoss
    reason: str

    @property
    def loss(self) -> str:
        """The loss as it is typed, with its parameters."""
        return self.bound.label

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
        return {"verdict": str(self.verdict), "loss": self.loss, "name": name, "params": params, "reason": self.reason}


@dataclass(frozen=True, eq=False, repr=False)
class Recommendation(ResultSequence[Advice]):
    """Facts about the data, and advice on losses, the best first.

    `losses` are those worth comparing, as typed; `command` compares them, and is None if the data is not from files.
    """

    _field_of_items = "advice"
    data: DataInfo
    task: str
    facts: tuple[Fact, ...]
    advice: tuple[Advice, ...]
    command: str | None
    notes: tuple[str, ...]

    @property
    def losses(self) -> list[str]:
        return [advice.loss for advice in self.advice if advice.verdict in TO_TRY]

    def __repr__(self) -> str:
        return f"Recommendation({self.task}: {shown(self.losses)}; n={self.data.n_used})"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return json_header(self.data) | {
            "task": self.task,
            "facts": [{"key": f.key, "value": jsonable(f.value), "text": f.text} for f in self.facts],
            "losses": [advice.to_dict() for advice in self.advice],
            "command": self.command,
            "notes": list(self.notes),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a frame with one row per loss."""
        import pandas as pd

        rows = [{"verdict": str(a.verdict), "reason": a.reason} for a in self.advice]
        return pd.DataFrame(rows, index=pd.Index([a.loss for a in self.advice], name="loss"))


def recommend_from(
    sources: Sources,
    options: EvaluationOptions,
    note: Callable[[str], None],
    track: Callable[[Dataset, Iterator[Batch]], Iterable[Batch]],
    *,
    from_logits: bool,
    paths: Sequence[str] | None,
    read_options: ReadOptions,
) -> Recommendation:
    """Read y_true and y_pred once and recommend losses for them; arguments are those of `pipeline.recommend`.

    Raises:
        UsageError: A role is unknown.
        DataError: A column is missing, shapes differ, or values do not allow any statement.
        NoResultError: No row is left.
    """
    profile: Profile | RoleProfile
    if (boxes := bind_boxes(sources, options, note)) is not None:
        named_format, dataset = boxes
        profile = profile_of(dataset, track=lambda batches: track(dataset, batches), named_format=named_format)
    elif (other_roles := bind_role_set(sources, options, note)) is not None:
        role_set, dataset = other_roles
        profile = role_profile_of(dataset, role_set.task, lambda batches: track(dataset, batches))
    else:
        dataset = bind_for_recommend(sources, options, note)
        profile = profile_of(dataset, from_logits, lambda batches: track(dataset, batches))
    advice = advise(profile)
    losses = [a.bound for a in advice if a.verdict in TO_TRY]
    command = None
    if paths is not None and losses:
        found = columns_to_spell_out(losses, dataset, sources, options)
        command = compare_command([loss.label for loss in losses], paths, options, read_options, found)
    facts = list_role_facts(profile) if isinstance(profile, RoleProfile) else list_facts(profile)
    notes = list_role_notes(profile) if isinstance(profile, RoleProfile) else list_notes(profile, advice)
    return Recommendation(
        data_info(dataset, profile.weight), str(profile.task), tuple(facts), tuple(advice), command, tuple(notes)
    )


def advise(d: Profile | RoleProfile) -> list[Advice]:
    """Return the findings on this data, the best first; recommended losses were tried on it."""
    from losscli.declaration.grammar import parse_specs
    from losscli.registry import resolve

    found: dict[str, Advice] = {}
    for finding in RULES_OF_TASK[d.task](d):  # the first one on a loss counts
        bound = resolve(parse_specs(finding.loss))[0]
        if bound.canonical not in found:
            advice = Advice(finding.verdict, bound, finding.reason)
            found[bound.canonical] = try_loss(advice, d) if advice.verdict in TO_TRY else advice
    order = list(Verdict)
    return sorted(found.values(), key=lambda advice: order.index(advice.verdict))


def try_loss(advice: Advice, d: Profile | RoleProfile) -> Advice:
    """Return the advice, or another one if the loss refuses the data or gives no finite number."""
    form = choose_form(advice.bound, {role: array.shape for role, array in d.sample.arrays.items()})
    assert form is not None
    evaluator = Evaluator(advice.bound, form)
    # a few rows are no sample of one distribution, nor of rows that a loss compares with each other
    batches = (d.sample,) if evaluator.needs_all_rows(d.sample.arrays) else (d.sample, d.extreme_rows)
    try:
        values = [np.abs(evaluator(batch).elements) for batch in batches]
    except DataError as error:
        return Advice(Verdict.REFUSED, advice.bound, error.message.problem)
    largest = max(math.inf if np.isnan(array).any() else float(array.max()) for array in values)
    if not math.isfinite(largest * max(d.weight, 1.0)):  # the sum may overflow even if no value does
        return Advice(Verdict.AVOID, advice.bound, "its value on this data is not a finite number")
    return advice


def compare_command(
    losses: Sequence[str],
    paths: Sequence[str],
    options: EvaluationOptions,
    read_options: ReadOptions,
    found: Mapping[str, str],
) -> str:
    """Return the command that compares the losses on this data, quoted for a shell.

    `found` maps roles to columns that compare would not find by itself.
    """
    columns = dict(options.columns) | dict(found)
    values = [
        ("losses", ",".join(losses)),
        *((role, columns.get(role)) for role in OBSERVED_ROLES),
        *(("columns", f"{role}={names}") for role, names in columns.items() if role not in OBSERVED_ROLES),
        ("id", options.id),
        ("classes", ",".join(options.classes)),
        ("nan", None if options.nan == "error" else options.nan),
        ("input_format", read_options.format),
        ("delimiter", "tab" if read_options.delimiter == "\t" else read_options.delimiter),
        ("header", read_options.header),
        ("decimal", read_options.decimal),
        ("comment", read_options.comment),
    ]
    given = [(name, value) for name, value in values if value not in (None, "")]
    return shell.command("losscli", "compare", options=given, data=paths)


def list_notes(d: Profile, advice: Sequence[Advice]) -> Iterator[str]:
    """Yield notes on the advice."""
    if d.is_subsampled:
        sampled = f"quantiles, scales and outliers are of a random sample of {len(d.sample)} of {d.n} rows"
        yield f"{sampled}; ranges, labels and zeros are of all"
    if d.task is Task.REGRESSION:
        yield from list_regression_notes(d)
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


def list_regression_notes(d: Profile) -> Iterator[str]:
    """Yield notes on targets and predictions that are numbers."""
    r = d.residuals
    if r.has_few_rows and not r.are_zero:
        yield "there are too few rows for tails, outliers or parameters"
    if d.true.is_constant:
        yield f"y_true is {short(d.true.low)} in every row: no model can be better than that constant"
    if r.has_scale and abs(r.median) > r.scale:
        off = f"the predictions are off by {short(r.median)} in the median, more than the residuals' scale"
        yield f"{off}: parameters are for a fitted model, which has no such offset"
    if r.is_spread_rising:
        yield (
            f"residuals spread more where y_pred is large (their squares as y_pred^{variance_power_text(r)}): one "
            "delta for all rows treats those as outliers, and a robust centre is not the mean that a deviance aims at"
        )
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
