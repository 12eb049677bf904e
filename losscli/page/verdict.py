"""The verdict of the page: a few sentences that say what to believe, made from the numbers alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple

from losscli.messages import join_names
from losscli.plot.scales import human_number, human_percent
from losscli.plot.words import count_text
from losscli.statistics.bootstrap.options import MIN_ROWS_FOR_LEVEL

MIN_ROWS_FOR_SHARES = 20
"""Rows below which no share of the worst of them says anything."""

CONCENTRATED_SHARE, CONCENTRATED_N = 0.25, 0.2
"""A loss rests on few rows if its worst 1 % carry this share, or its effective n is below this share of the rows."""

ONE_ROW_SHARE = 0.3
"""A row that carries so much is named alone."""

MIN_ROWS_OF_WORST_GROUP = 30
"""Smaller groups are not called the worst while there are others."""

MAX_LOSSES_NAMED, MAX_MODELS_NAMED = 3, 3
UNTESTED = "with no interval to tell whether that is chance"

MAX_NAME_IN_SENTENCE = 60
"""Characters of a name in a sentence."""


class LossFacts(NamedTuple):
    """What the verdict needs of a loss (of the best model, if there are several).

    `top_rows` is the number of rows in the worst 1 %, `top_share` their share, `worst_share` that of the worst row;
    None where shares mean nothing. `low` and `high` are the ends of the interval, None if there is none.
    """

    label: str
    name: str
    value: float
    n: int
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    top_rows: int = 0
    top_share: float | None = None
    worst_share: float | None = None
    effective_n: float | None = None
    rank: int | None = None
    smallest: float = math.nan
    largest: float = math.nan
    is_weighted: bool = False

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.value)

    @property
    def is_concentrated(self) -> bool:
        """Whether few rows make up the number."""
        if self.top_share is None or self.n < MIN_ROWS_FOR_SHARES:
            return False
        rests_on_few = self.effective_n is not None and self.effective_n < CONCENTRATED_N * self.n
        return self.top_share >= CONCENTRATED_SHARE or rests_on_few or (self.worst_share or 0.0) >= ONE_ROW_SHARE


class GroupFacts(NamedTuple):
    """The value of a loss in a group of rows, its interval if there is one, and its number and weight of rows."""

    name: str
    value: float
    n: int
    weight: float
    low: float | None = None
    high: float | None = None


class ModelFacts(NamedTuple):
    """How models stand under a loss: the best first, those that may be the best, and the best one's advantage.

    `confidence_set` is empty where it cannot be had. `difference` is by how much the loss of `other` is above the best
    one's, with its interval; `other` is empty for the next in order.
    """

    label: str
    models: tuple[str, ...]
    confidence_set: tuple[str, ...]
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    other: str = ""
    is_finite: bool = True


def verdict(
    losses: Sequence[LossFacts],
    n: int,
    groups: Sequence[GroupFacts] = (),
    group_by: Sequence[str] = (),
    models: Sequence[ModelFacts] = (),
) -> list[str]:
    """Return the sentences, the first of which is the one to read.

    Args:
        losses: The losses, in the order asked for.
        n: The number of rows that were evaluated.
        groups: The groups by the most robust loss.
        group_by: The columns that make the groups.
        models: How several models stand, an entry per loss.
    """
    broken = [loss for loss in losses if not loss.is_finite]
    sound = [loss for loss in losses if loss.is_finite]
    sentences = [_not_finite(broken)] if broken else []
    model = models[0].models[0] if models else ""
    lead, robust = _most_concentrated(sound), most_robust(losses)
    if models:
        sentences.append(_models_sentence(models))
    if lead is not None:
        sentences.append(_lead_sentence(lead, sound, model))
    if robust is not None and (lead is None or robust.label != lead.label) and not _is_plain(robust):
        sentences.append(_robust_sentence(robust))
    if robust is not None and len(groups) > 1 and (text := _groups_sentence(robust, groups, group_by)):
        sentences.append(text)
    if n < MIN_ROWS_FOR_SHARES:
        rows = "There is only one row" if n == 1 else f"There are only {n} rows"
        sentences.append(f"{rows}: the numbers say little of other data.")
    return sentences


def most_robust(losses: Sequence[LossFacts]) -> LossFacts | None:
    """Return the loss with the best rank, or else the one that rests on the most rows; None if none is finite."""
    finite = [loss for loss in losses if loss.is_finite]
    ranked = [loss for loss in finite if loss.rank is not None]
    if ranked:
        return min(ranked, key=lambda loss: loss.rank or 0)
    return max(finite, key=lambda loss: (loss.effective_n or 0.0) / max(1, loss.n), default=None)


def _most_concentrated(losses: Sequence[LossFacts]) -> LossFacts | None:
    """Return the loss whose worst rows carry most; the first one if no loss has shares."""
    known = [loss for loss in losses if loss.top_share is not None]
    if not known:
        return losses[0] if losses else None
    return max(known, key=lambda loss: (loss.top_share or 0.0, loss.worst_share or 0.0))


def _not_finite(broken: Sequence[LossFacts]) -> str:
    named = [f"{brief(loss.label)} is {loss.value}" for loss in broken[:MAX_LOSSES_NAMED]]
    more = [f"{len(broken) - MAX_LOSSES_NAMED} more are not finite either"] if len(broken) > MAX_LOSSES_NAMED else []
    return f"{join_names([*named, *more])}: no number to believe; the worst rows below say why."


def _is_plain(loss: LossFacts) -> bool:
    """Whether all rows have the same loss, of which the first sentence says all there is."""
    return loss.smallest == loss.largest


def _lead_sentence(lead: LossFacts, losses: Sequence[LossFacts], model: str) -> str:
    name, value = brief(lead.label), human_number(lead.value)
    of_model = f" of {brief(model)}" if model else ""
    if all(loss.smallest == loss.largest == 0 for loss in losses):
        labels = join_names([brief(loss.label) for loss in losses[:MAX_LOSSES_NAMED]])
        verb = "is" if len(losses) == 1 else "are"
        return f"The predictions{of_model} are perfect: {labels} {verb} 0 in {_all_rows(lead.n)}."
    if _is_plain(lead):
        return f"Every row has the same {name}{of_model}, {value}." if lead.n > 1 else _value_sentence(lead)
    if lead.top_share is None or lead.n < MIN_ROWS_FOR_SHARES:
        return _value_sentence(lead)
    if lead.worst_share is not None and lead.worst_share >= ONE_ROW_SHARE:
        one = f"one row of {count_text(lead.n)} makes up {_share_text(lead.worst_share)} of it"
        return f"{name}{of_model} is {value}, and {one}: a number to distrust."
    rows = f"{count_text(lead.top_rows)} rows" if lead.top_rows > 1 else "one row"
    if lead.is_concentrated:
        verb = "make" if lead.top_rows > 1 else "makes"
        share = human_percent(lead.top_share)
        return f"{name}{of_model} is {value}, and {rows} of {count_text(lead.n)} {verb} up {share} of it."
    carried = f"{human_percent(lead.top_share)} of {name}"
    if len(losses) == 1:
        share = human_percent(lead.top_share)
        return f"{_value_text(lead)}, and no few rows make it up: the worst 1\u00a0% of them carry {share}."
    return f"No few rows make up these numbers: the worst 1\u00a0% of them carry {carried}, the most of any loss here."


def _share_text(share: float) -> str:
    return "nearly all" if share >= 0.995 else human_percent(share)


def _robust_sentence(loss: LossFacts) -> str:
    """Say the value of the most robust loss, unless a few rows make up that as well."""
    if loss.n >= MIN_ROWS_FOR_SHARES and loss.worst_share is not None and loss.worst_share >= ONE_ROW_SHARE:
        share = _share_text(loss.worst_share)
        return f"Even of {brief(loss.label)} ({human_number(loss.value)}), the most robust here, it makes up {share}."
    if loss.n >= MIN_ROWS_FOR_SHARES and loss.top_share is not None and loss.top_share >= CONCENTRATED_SHARE:
        name, share = f"{brief(loss.label)} ({human_number(loss.value)})", human_percent(loss.top_share)
        return f"Even of {name}, the most robust here, the worst 1\u00a0% of the rows make up {share}."
    return _value_sentence(loss)


def _value_sentence(loss: LossFacts) -> str:
    return f"{_value_text(loss)}."


def _value_text(loss: LossFacts) -> str:
    """Say a value with its interval; of an average of absolute errors, what that means."""
    interval = _interval_text(loss.low, loss.high, loss.level)
    value = human_number(loss.value)
    if loss.label == "mae":
        return f"By mae the predictions are off by {value} on average{interval}"
    if loss.label == "zero_one":
        rows = "of the weight is of rows that are" if loss.is_weighted else "of the rows are"
        interval = _interval_text(loss.low, loss.high, loss.level, human_percent)
        return f"By zero_one {human_percent(loss.value)} {rows} wrong{interval}"
    return f"{brief(loss.label)} is {value}{interval}"


def _interval_text(
    low: float | None, high: float | None, level: float, write: Callable[[float], str] = human_number
) -> str:
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f" ({100 * level:g}\u00a0%: {write(low)} to {write(high)})"


def _groups_sentence(loss: LossFacts, groups: Sequence[GroupFacts], group_by: Sequence[str]) -> str:
    """Say which group is worst, by how much, and whether that is sure."""
    finite = [group for group in groups if math.isfinite(group.value)]
    large = [group for group in finite if group.n >= MIN_ROWS_OF_WORST_GROUP]
    judged = large if len(large) > 1 else finite
    if len(judged) < 2:
        return ""
    worst = max(judged, key=lambda group: group.value)
    others = [group for group in judged if group is not worst]
    weight = sum(group.weight for group in others)
    if not weight > 0:
        return ""
    rest = sum(group.value * group.weight for group in others) / weight
    names = brief(", ".join(group_by))
    label, name = brief(loss.label), brief(worst.name)
    left_out = "" if len(judged) == len(finite) else f" with at least {MIN_ROWS_OF_WORST_GROUP} rows"
    if worst.value == min(group.value for group in judged):
        return f"{label} is the same in all {len(judged)} groups of {names}{left_out}."
    other = brief(others[0].name) if len(others) == 1 else "the others"
    ratio = worst.value / rest if rest > 0 and worst.value > 0 else None
    times = f"{times_text(ratio)} as much as" if ratio is not None and ratio >= 1.05 else "more than"
    if len(judged) == 2:
        text = f"For {names} {name}, {label} is {human_number(worst.value)}, {times} for {other} ({human_number(rest)})"
    else:
        group = f"the worst of {len(judged)} groups of {names}{left_out}"
        text = f"By {label}, {name} is {group}: {human_number(worst.value)}, {times} for {other} ({human_number(rest)})"
    is_sure = _is_sure(worst, others, rest, loss.level)
    if is_sure is None:
        return f"{text}, {UNTESTED}."
    return f"{text}." if is_sure else f"{text}, but that may be chance."


def _is_sure(worst: GroupFacts, others: Sequence[GroupFacts], rest: float, level: float) -> bool | None:
    """Tell whether a group that was picked as the worst differs from the others, by their intervals; None without them.

    Bonferroni's correction is for the pick. With few rows no interval keeps its level.
    """
    if min(group.n for group in (worst, *others)) < MIN_ROWS_FOR_LEVEL:
        return False
    errors = [_standard_error(group, level) for group in (worst, *others)]
    known = [error for error in errors if error is not None]
    if len(known) < len(errors):
        return None
    total = sum(group.weight for group in others)
    of_rest = sum((group.weight / total * error) ** 2 for group, error in zip(others, known[1:], strict=True))
    z = NormalDist().inv_cdf(1 - (1 - level) / 2 / len(errors))
    return worst.value - rest > z * math.sqrt(known[0] ** 2 + of_rest)


def _standard_error(group: GroupFacts, level: float) -> float | None:
    if group.low is None or group.high is None:
        return None
    return (group.high - group.low) / 2 / NormalDist().inv_cdf((1 + level) / 2)


def times_text(ratio: float) -> str:
    """Say a ratio of at least 1 as people do."""
    if ratio < 1.95:
        return f"{human_number(ratio, 3)} times"
    if abs(ratio - 2) <= 0.05:
        return "twice"
    return f"{human_number(ratio, 2 if ratio < 100 else 3)} times"


def _models_sentence(models: Sequence[ModelFacts]) -> str:
    """Say which model is best, or that it is undecided; then where only values tell models apart."""
    count = len(models[0].models)
    decided = [entry for entry in models if entry.is_finite]
    if not decided:
        return f"No loss tells which of the {count} models is best."
    tested = [entry for entry in decided if entry.confidence_set]
    sentences = [_tested_sentence(tested, count, len(models))] if tested else []
    lowest: dict[str, list[str]] = {}
    for entry in decided:
        if not entry.confidence_set:
            lowest.setdefault(entry.models[0], []).append(brief(entry.label))
    if lowest:
        texts = [f"by {_labels_text(labels)} {brief(model)}" for model, labels in lowest.items()][:MAX_MODELS_NAMED]
        text = f"{'; '.join(texts)} is lowest of {count} models, {UNTESTED}."
        sentences.append(text[0].upper() + text[1:])
    return " ".join(sentences)


def _labels_text(labels: Sequence[str]) -> str:
    """Name losses, or say how many they are."""
    return join_names(labels) if len(labels) <= MAX_LOSSES_NAMED else f"{len(labels)} losses"


def _tested_sentence(decided: Sequence[ModelFacts], count: int, n_losses: int) -> str:
    """Say which of so many models is best, or that it is undecided; the losses that agree together."""
    first, is_every = decided[0], len(decided) == n_losses
    if all(entry.confidence_set == first.confidence_set and len(entry.confidence_set) == 1 for entry in decided):
        label, gap = brief(first.label), first.difference
        losses = "both losses" if len(decided) == 2 else f"all {len(decided)} losses"
        by = losses if is_every and len(decided) > 1 else _labels_text([brief(entry.label) for entry in decided])
        text = f"{brief(first.confidence_set[0])} is the best of {count} models by {by}"
        if gap:
            other = brief(first.other) if first.other else "the next"
            of_gap = _interval_text(first.low, first.high, first.level)
            text += f"; its {label} is {human_number(gap)} below that of {other}{of_gap}"
        return f"{text}."
    if all(len(entry.confidence_set) > 1 for entry in decided):
        shown = [brief(model) for model in first.confidence_set[:MAX_MODELS_NAMED]]
        n_more = len(first.confidence_set) - MAX_MODELS_NAMED
        names = join_names([*shown, f"{n_more} more"] if n_more > 0 else shown)
        by = "By every loss"
        if not is_every or len(decided) == 1:
            by = f"By {_labels_text([brief(entry.label) for entry in decided])}"
        return f"{by} these rows do not decide which of {count} models is best: {names} may each be the best."
    texts = []
    for entry in decided[:MAX_LOSSES_NAMED]:
        names = join_names([brief(model) for model in entry.confidence_set[:MAX_MODELS_NAMED]])
        is_decided = len(entry.confidence_set) == 1
        texts.append(f"by {brief(entry.label)} {names} {'is best' if is_decided else 'cannot be told apart'}")
    if len(decided) > MAX_LOSSES_NAMED:
        texts.append(f"{len(decided) - MAX_LOSSES_NAMED} more losses are in the table")
    return f"Which of {count} models is best depends on the loss: {'; '.join(texts)}."


def brief(name: str) -> str:
    """Return a name, shortened where it is too long for a sentence."""
    return name if len(name) <= MAX_NAME_IN_SENTENCE else name[: MAX_NAME_IN_SENTENCE - 1] + "…"


def _all_rows(n: int) -> str:
    return "the only row" if n == 1 else f"all {count_text(n)} rows"
