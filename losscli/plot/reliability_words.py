"""What the picture of calibration says in words, and the numbers in them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from losscli.messages import join_names
from losscli.plot.calibration_observers import ShownLosses
from losscli.plot.scales import MINUS, NO_BREAK_SPACE, human_number, human_percent
from losscli.plot.words import rows_text
from losscli.statistics.calibration import Calibration, CalibrationTable, ConsistencyBand, Decomposition, leaving

LARGEST_FIXED, MOST_DECIMALS = 1e7, 6
"""Numbers from here on, or with more decimals, are shown as powers of 10."""


class ModelCalibration(NamedTuple):
    """A model with its fit, the scores of the losses in parts, and the band if it was computed."""

    name: str
    table: CalibrationTable
    fit: Calibration
    parts: dict[str, Decomposition]
    band: ConsistencyBand | None


def outside_share(model: ModelCalibration) -> float | None:
    """Return the share of the weight at which the fit is outside of the band; None without a band."""
    if model.band is None:
        return None
    side = leaving(model.fit, model.band)
    return float(model.fit.weight[side != 0].sum() / model.fit.weight.sum())


def is_by_chance(model: ModelCalibration, share: float) -> bool:
    """Tell whether a calibrated model would be outside of its band at such a share of the weight, too."""
    return model.band is not None and share <= model.band.outside_by_chance


def chance_text(model: ModelCalibration, share: float) -> str:
    """Say how far the curve leaves the band, and how far it may by chance; empty where it does not."""
    if not share or model.band is None:
        return ""
    chance = human_percent(model.band.outside_by_chance)
    return f"{human_percent(share)} of the rows are outside of the band, and by chance up to {chance} may be"


class Stretch(NamedTuple):
    """Predictions next to each other whose fit is on one side outside of the band, with their means."""

    low: float
    high: float
    is_too_low: bool
    n_rows: int
    predicted: float
    happened: float


def worst_stretch(fit: Calibration, band: ConsistencyBand) -> Stretch | None:
    """Return the stretch outside of the band that matters most: by its weight and its distance from the diagonal."""
    side = leaving(fit, band)
    if not side.any():
        return None
    start = np.flatnonzero(np.append(True, side[1:] != side[:-1]))
    gap = np.abs(np.add.reduceat(fit.weight * (fit.recalibrated - fit.prediction), start))
    worst = int(np.argmax(np.where(side[start] != 0, gap, -1.0)))
    end = int(np.append(start[1:], side.size)[worst])
    part = slice(int(start[worst]), end)
    weight = fit.weight[part] / fit.weight[part].sum()
    return Stretch(
        float(fit.prediction[part][0]),
        float(fit.prediction[part][-1]),
        bool(side[part][0] > 0),
        round(float(fit.n_rows[part].sum())),
        float(np.dot(fit.prediction[part], weight)),
        float(np.dot(fit.recalibrated[part], weight)),
    )


def reliability_sentence(shown: ShownLosses, models: Sequence[ModelCalibration]) -> str:
    """Say whether predictions can be taken at their word, and what it costs where they cannot."""
    label = shown.first.label
    if len(models) > 1:
        return _sentence_of_several(label, models)
    model = models[0]
    fit, parts = model.fit, model.parts[label]
    decimals = decimals_of(parts)
    cost = f"miscalibration is {fixed(parts.miscalibration, decimals)} of {label} {fixed(parts.score, decimals)}"
    if fit.prediction.size == 1:
        at, is_at = human_number(float(fit.prediction[0]), 3), human_number(float(fit.recalibrated[0]), 3)
        return f"all predictions are {at}, and the {shown.first.name} is {is_at}: {cost}"
    stretch = None if model.band is None else worst_stretch(fit, model.band)
    if shown.first.functional.name == "quantile":
        below = float(model.table.weight[model.table.target <= model.table.prediction].sum() / model.table.weight.sum())
        level = human_percent(shown.first.functional.level, 4)
        text = f"{human_percent(below, 3)} of the targets are at most the prediction, and {level} should be"
        share = outside_share(model)
        if share is not None and is_by_chance(model, share):
            text += f"; {chance_text(model, share) or 'the curve stays in the band of a calibrated model'}"
        elif share is not None:
            text += f"; {human_percent(share)} of the rows are outside of the band of a calibrated model"
        return f"{text}; {cost}"
    if model.band is None:
        return f"{cost}, discrimination {fixed(parts.discrimination, decimals)}"
    share = outside_share(model)
    if stretch is None or share is None or is_by_chance(model, share):
        rows = rows_text(round(float(fit.n_rows.sum())))
        where = chance_text(model, share or 0.0) or "the curve stays in the band"
        return f"{model.name} is calibrated as far as {rows} can tell: {where}; {cost}"
    ends = [human_number(end, 3) for end in (stretch.low, stretch.high)]
    where = f"around {ends[0]}" if ends[0] == ends[1] else f"from {ends[0]} to {ends[1]}"
    happened = human_number(stretch.happened, 3)
    on_average = human_number(stretch.predicted, 3)
    rows = rows_text(stretch.n_rows)
    what = f"too {'low' if stretch.is_too_low else 'high'}: {happened}, not {on_average}, on average"
    return (
        f"predictions {where} ({rows}) are {what}; "
        f"{human_percent(share)} of the rows are outside of the band of a calibrated model; {cost}"
    )


def _sentence_of_several(label: str, models: Sequence[ModelCalibration]) -> str:
    """Compare models by what is shown of their parts: equal digits are no difference."""
    parts = {model.name: model.parts[label] for model in models}
    decimals = max(map(decimals_of, parts.values()))
    costs = {name: fixed(part.miscalibration, decimals) for name, part in parts.items()}
    gains = {name: fixed(part.discrimination, decimals) for name, part in parts.items()}
    least = costs[min(parts, key=lambda name: parts[name].miscalibration)]
    most = gains[max(parts, key=lambda name: parts[name].discrimination)]
    calibrated, discriminating = _holders(costs, least), _holders(gains, most)
    if len(calibrated) == len(parts):
        first = f"{_joined(calibrated)} have the same miscalibration of {label}, {least}"
    else:
        verb = "has" if len(calibrated) == 1 else "have"
        first = (
            f"{_joined(calibrated)} {verb} the least miscalibration of {label}, {least} ({_with_others(costs, least)})"
        )
    if len(discriminating) == len(parts):
        return f"{first}; {_joined(discriminating)} tell rows apart equally well, {most}"
    verb = "tells" if len(discriminating) == 1 else "tell"
    return f"{first}; {_joined(discriminating)} {verb} rows apart best, {most} ({_with_others(gains, most)})"


def _holders(shown: Mapping[str, str], value: str) -> list[str]:
    return [name for name, text in shown.items() if text == value]


def _joined(names: Sequence[str]) -> str:
    """Return the names of models as in a sentence; of many the first ones."""
    return join_names(names) if len(names) < 4 else f"{', '.join(names[:2])} and {len(names) - 2} others"


def _with_others(shown: Mapping[str, str], value: str) -> str:
    """Return the names and numbers of models that have another number; of many the first ones."""
    texts = [f"{name} {text}" for name, text in shown.items() if text != value]
    return ", ".join(texts[:3]) + (", ..." if len(texts) > 3 else "")


def decimals_of(parts: Decomposition) -> int:
    """Return the decimals that show three digits of a score, and two of its miscalibration if they are few."""
    sizes = [abs(value) for value in parts if math.isfinite(value) and value]
    if not sizes or not math.isfinite(parts.score):
        return 4 if sizes else 0
    wanted = 2 - magnitude(parts.score or min(sizes))
    if parts.miscalibration > 0:
        wanted = max(wanted, min(1 - magnitude(parts.miscalibration), wanted + 2))
    return max(0, min(wanted, 5 - magnitude(max(sizes))))


def magnitude(value: float) -> int:
    """Return the power of 10 of the first digit of a number."""
    return math.floor(math.log10(abs(value)))


def fixed(value: float, decimals: int) -> str:
    """Return a number with so many decimals, a real minus, thousands apart; no minus before what rounds to 0."""
    if not abs(value) < LARGEST_FIXED or decimals > MOST_DECIMALS:
        return human_number(value, 3 if decimals > MOST_DECIMALS else 4)
    text = f"{abs(value):,.{decimals}f}".replace(",", NO_BREAK_SPACE)
    is_zero = not float(text.replace(NO_BREAK_SPACE, ""))
    return text if value >= 0 or is_zero else MINUS + text


def fixed_parts(parts: Decomposition) -> list[str]:
    """Return the score and its parts with the same number of decimals."""
    decimals = decimals_of(parts)
    return [fixed(value, decimals) for value in parts]


def equation(label: str, parts: Decomposition) -> str:
    """Return a decomposition on one line."""
    score, miscalibration, discrimination, uncertainty = fixed_parts(parts)
    signs = f"miscalibration {miscalibration} {MINUS} discrimination {discrimination} + uncertainty {uncertainty}"
    return f"{label} {score} = {signs}"
