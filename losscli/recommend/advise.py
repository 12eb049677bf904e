"""recommend: which losses suit the data, with parameters worked out from it, and the command that compares them."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from losscli.binding import bind_for_recommend, columns_to_spell_out
from losscli.data.batch import Batch
from losscli.data.sources import ReadOptions
from losscli.declaration.loss import BoundLoss
from losscli.errors import DataError
from losscli.evaluation.evaluator import Evaluator, choose_form
from losscli.options import EvaluationOptions
from losscli.recommend.facts import LABELS, Fact, facts, variance_power
from losscli.recommend.profile import Profile, Task, profile_of
from losscli.recommend.rules import RULES, Verdict, few, rises
from losscli.recommend.summary import short
from losscli.results import DataInfo, data_info, json_header, jsonable

if TYPE_CHECKING:
    import pandas as pd

    from losscli.data.dataset import Dataset
    from losscli.data.sources import Sources

TO_TRY = (Verdict.USE, Verdict.CONSIDER)
"""The verdicts of losses that are worth comparing."""


@dataclass(frozen=True)
class Advice:
    """What is said of a loss, and why."""

    verdict: Verdict
    bound: BoundLoss
    reason: str

    @property
    def loss(self) -> str:
        """The loss as it is typed, with its parameters."""
        return self.bound.label

    def to_dict(self) -> dict[str, Any]:
        return {
            "verdict": str(self.verdict), "loss": self.loss, "name": self.bound.loss.name,
            "params": {key: jsonable(value) for key, value in self.bound.params.items()}, "reason": self.reason,
        }  # fmt: skip


@dataclass(frozen=True)
class Recommendation(Sequence[Advice]):
    """What the data is and what is said of losses, the best first.

    `losses` are those worth comparing, as typed; `command` compares them, and is None where the data is no file.
    """

    data: DataInfo
    task: str
    facts: tuple[Fact, ...]
    advice: tuple[Advice, ...]
    command: str | None
    notes: tuple[str, ...]

    @property
    def losses(self) -> list[str]:
        return [advice.loss for advice in self.advice if advice.verdict in TO_TRY]

    def __len__(self) -> int:
        return len(self.advice)

    def __getitem__(self, index: Any) -> Any:
        return self.advice[index]

    def __iter__(self) -> Iterator[Advice]:
        return iter(self.advice)

    def to_dict(self) -> dict[str, Any]:
        """The document that `--format json` prints."""
        return json_header(self.data) | {
            "task": self.task,
            "facts": [{"key": f.key, "value": _finite(f.value), "text": f.text} for f in self.facts],
            "losses": [advice.to_dict() for advice in self.advice],
            "command": self.command,
            "notes": list(self.notes),
        }

    def to_frame(self) -> pd.DataFrame:
        """A row a loss."""
        import pandas as pd

        rows = [{"verdict": str(a.verdict), "reason": a.reason} for a in self.advice]
        return pd.DataFrame(rows, index=pd.Index([a.loss for a in self.advice], name="loss"))


def _finite(value: Any) -> Any:
    """A fact's value as JSON can hold it."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def advise(d: Profile) -> list[Advice]:
    """What the rules say of losses on this data, the best first; what is recommended was tried on it."""
    said: dict[str, Advice] = {}
    for rule in RULES:
        if d.task in rule.tasks and rule.when(d):
            bound = _bound(rule.loss(d))
            said.setdefault(bound.canonical, _tried(Advice(rule.verdict, bound, rule.reason(d)), d))
    order = list(Verdict)
    return sorted(said.values(), key=lambda advice: order.index(advice.verdict))


def _bound(text: str) -> BoundLoss:
    from losscli import registry
    from losscli.declaration import grammar

    return registry.resolve(grammar.parse(text))[0]


def _tried(advice: Advice, d: Profile) -> Advice:
    """The advice, or that to avoid the loss where it refuses the data or gives no finite number."""
    if advice.verdict not in TO_TRY:
        return advice
    form = choose_form(advice.bound, {role: array.shape for role, array in d.sample.arrays.items()})
    assert form is not None
    evaluator = Evaluator(advice.bound, form)
    whole = d.task is Task.ONE_DISTRIBUTION  # of which a few rows are no sample
    try:
        largest = max(_largest(evaluator, batch) for batch in ((d.sample,) if whole else (d.sample, d.extreme_rows)))
    except DataError as error:
        return Advice(Verdict.REFUSED, advice.bound, str(error))
    if not math.isfinite(largest * max(d.weight, 1.0)):  # also where only the sum overflows
        return Advice(Verdict.AVOID, advice.bound, "its value on this data is not a finite number")
    return advice


def _largest(evaluator: Evaluator, batch: Batch) -> float:
    """The largest size of a row's loss, or of one of its elements."""
    values = np.abs(evaluator(batch).elements)
    return math.inf if np.isnan(values).any() else float(values.max())


# --------------------------------------------------------------------------------------------------- the command


def command(
    losses: Sequence[str],
    data: Sequence[str],
    request: EvaluationOptions,
    options: ReadOptions,
    found: Mapping[str, str],
) -> str | None:
    """The command that compares the losses on this data, quoted for a shell; None where there is nothing to compare.

    Args:
        losses: as typed.
        data: DATA as it was given.
        request: the columns, classes, key and policy that were asked for.
        options: how the data is to be read.
        found: roles whose columns compare would not find by itself, and the columns.
    """
    if not losses:
        return None
    columns = dict(request.columns) | dict(found)
    words = ["losscli", "compare", "--losses", ",".join(losses)]
    for role, option in (("y_true", "--true"), ("y_pred", "--pred"), ("weight", "--weight")):
        words += [option, columns[role]] if role in columns else []
    for option, value in (
        ("--id", request.id),
        ("--classes", ",".join(request.classes)),
        ("--nan", None if request.nan == "error" else request.nan),
        ("--input-format", options.format),
        ("--delimiter", {"\t": "tab"}.get(options.delimiter or "", options.delimiter)),
    ):
        words += [option, value] if value else []
    words += {None: [], True: ["--header"], False: ["--no-header"]}[options.header]
    words += ["--"] if any(name.startswith("-") and name != "-" for name in data) else []
    return shlex.join([*words, *data])


# -------------------------------------------------------------------------------------------------------- notes


def notes(d: Profile, advice: Sequence[Advice]) -> Iterator[str]:
    """What should be known of the advice itself."""
    yield from (text(d) for holds, text in NOTES if holds(d))
    if not any(a.verdict in TO_TRY for a in advice):
        yield "no loss is recommended: every one that was tried refuses this data or has no finite value on it"


def _scores_without_sign(d: Profile) -> bool:
    return d.task in LABELS and not d.pred.within(0, 1) and d.pred.low >= 0


def _least_squares(d: Profile) -> bool:
    return d.task is Task.BINARY_SCORES and not d.pred.within(0, 1) and d.true.only(0, 1) and d.pred.within(-0.5, 1.5)


def _maybe_classes(d: Profile) -> bool:
    few_values = all(v.whole and v.counts is not None and 2 < len(v.counts) <= 20 for v in (d.true, d.pred))
    return d.task is Task.REGRESSION and few_values and set(d.pred.counts or ()) <= set(d.true.counts or ())


def _scales_differ(d: Profile) -> bool:
    r = d.residuals
    return d.task is Task.REGRESSION and d.width > 1 and r.known and max(r.scales) > 3 * min(r.scales)


def _off_zero(d: Profile) -> bool:
    return d.task is Task.REGRESSION and d.residuals.known and abs(d.residuals.median) > d.residuals.scale


NOTES: tuple[tuple[Callable[[Profile], bool], Callable[[Profile], str]], ...] = (
    (lambda d: d.sampled,
     lambda d: f"quantiles, scales and outliers are of a random sample of {len(d.sample)} of {d.n} rows; ranges, "
               "labels and zeros are of all"),
    (lambda d: d.task is Task.REGRESSION and not d.residuals.zero and few(d),
     lambda d: "there are too few rows to tell tails, outliers or parameters by"),
    (lambda d: d.task is Task.REGRESSION and d.true.constant,
     lambda d: f"y_true is {short(d.true.low)} in every row: no model can be better than that constant"),
    (_off_zero,
     lambda d: f"the predictions are off by {short(d.residuals.median)} in the median, more than the residuals' scale: "
               "parameters are for a fit, which takes that away"),
    (lambda d: d.task is Task.REGRESSION and rises(d),
     lambda d: f"residuals spread more where y_pred is large (their squares as y_pred^{variance_power(d)}): one delta for all "
               "rows takes those for outliers, and a robust centre is not the mean that a deviance aims at"),
    (_scales_differ,
     lambda d: f"the robust scales of the columns go from {short(min(d.residuals.scales))} to "
               f"{short(max(d.residuals.scales))}: one delta cannot suit them all, nor is their mean loss of much use"),
    (_scores_without_sign,
     lambda d: f"no y_pred is below 0 (the least is {short(d.pred.low)}), as logits of rows with the label 0 would be: "
               "are these logits?"),
    (_least_squares,
     lambda d: f"y_pred goes from {d.pred.range}, just beyond [0, 1]: if these are a linear model's guesses at the "
               "label, and no logits, mse and mae are what they are for"),
    (_maybe_classes,
     lambda d: "both columns hold a few whole numbers: taken for numbers; if they are class labels, no loss of numbers "
               "means anything of them"),
    (lambda d: d.one_hot and d.task is Task.MULTILABEL,
     lambda d: "every row has just one label on, but y_pred does not sum to 1: taken for labels that are each on or "
               "off; if it is one class a row, -P normalize=true divides by the sum"),
    (lambda d: d.one_hot and d.task is Task.CLASS_SCORES,
     lambda d: "every row has just one label on: taken for one class a row, not for labels that are each on or off"),
)  # fmt: skip


# --------------------------------------------------------------------------------------------------------- entry


def recommend_from(
    sources: Sources,
    request: EvaluationOptions,
    note: Callable[[str], None],
    *,
    data: Sequence[str] | None = None,
    options: ReadOptions | None = None,
    logits: bool = False,
    track: Callable[[Dataset, Iterator[Batch]], Iterable[Batch]] = lambda dataset, batches: batches,
) -> Recommendation:
    """Read y_true and y_pred once and say which losses suit them.

    Args:
        sources: the tables that they are looked for in.
        request: the columns, classes, key and policy.
        note: where notes on the reading go.
        data: DATA as it was given, for the command; None where it is no file.
        options: how the data is read, for the command.
        logits: predictions are logits, whatever they look like.
        track: wraps the batches, to show progress.

    Raises:
        UsageError: a role that there is not.
        DataError: columns that are not there, shapes that do not fit, values of which nothing can be told.
        NoResultError: no row is left.
    """
    dataset = bind_for_recommend(sources, request, note)
    profile = profile_of(dataset, logits, lambda batches: track(dataset, batches))
    advice = advise(profile)
    losses = [a.bound for a in advice if a.verdict in TO_TRY]
    typed = None
    if data is not None and losses:
        found = columns_to_spell_out(losses, dataset, sources, request)
        typed = command([loss.label for loss in losses], data, request, options or ReadOptions(), found)
    return Recommendation(
        data_info(dataset, profile.weight), str(profile.task), tuple(facts(profile)), tuple(advice), typed,
        tuple(notes(profile, advice)),
    )  # fmt: skip
