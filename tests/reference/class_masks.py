"""Losses of class masks once more, in mpmath, straight from the textbook formulas."""

from __future__ import annotations

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import Reference, Roles, both_logs, by_row, log_softmax, target_row, weigh
from tests.reference.masks import LOGITS, lovasz
from tests.reference.sets import MASKS, dice


def pixels(t: list, p: list, ignore_index: int | None) -> tuple[list, list]:
    """The pixels that count: their targets as rows of C numbers, and their predictions."""
    kept = [
        (a, b) for a, b in zip(t, p, strict=True) if isinstance(a, list) or ignore_index is None or a != ignore_index
    ]
    return [target_row(a, len(b)) for a, b in kept], [b for _, b in kept]


def chances(p: list, from_logits: bool, normalize: bool) -> list:
    if from_logits:
        return [[mp.exp(x) for x in log_softmax(row)] for row in p]
    return [[x / mp.fsum(row) for x in row] for row in p] if normalize else p


def by_class(t: list, p: list) -> list[tuple[mpf, mpf, mpf]]:
    """For each class the sums of t p, of t and of p."""
    pairs = zip(zip(*t, strict=True), zip(*p, strict=True), strict=True)
    return [(mp.fsum(map(mp.fmul, a, b)), mp.fsum(a), mp.fsum(b)) for a, b in pairs]


def is_counted(observed: mpf, classes: str) -> bool:
    return classes == "all" or observed > 0


def multiclass_dice(
    t: list, p: list, smooth: float, classes: str, from_logits: bool, normalize: bool, ignore_index: int | None
) -> mpf:
    t, p = pixels(t, p, ignore_index)
    if not t:
        return mpf(0)
    sums = [s for s in by_class(t, chances(p, from_logits, normalize)) if is_counted(s[1], classes)]
    totals = [a + b + mpf(smooth) for _, a, b in sums]
    parts = [
        1 - (2 * both + mpf(smooth)) / total if total else mpf(0)
        for (both, _, _), total in zip(sums, totals, strict=True)
    ]
    return mp.fsum(parts) / len(parts)


def generalized_dice(
    t: list, p: list, weighting: str, smooth: float, from_logits: bool, normalize: bool, ignore_index: int | None
) -> mpf:
    t, p = pixels(t, p, ignore_index)
    if not t:
        return mpf(0)
    power = {"square": 2, "simple": 1, "uniform": 0}[weighting]
    sums = by_class(t, chances(p, from_logits, normalize))
    largest = max(1 / a**power for _, a, _ in sums if a)
    weights = [1 / a**power if a else largest for _, a, _ in sums]
    both = mp.fsum(w * s[0] for w, s in zip(weights, sums, strict=True))
    total = mp.fsum(w * (s[1] + s[2]) for w, s in zip(weights, sums, strict=True))
    return 1 - (2 * both + mpf(smooth)) / (total + mpf(smooth))


def lovasz_softmax(t: list, p: list, classes: str, from_logits: bool, normalize: bool, ignore_index: int | None) -> mpf:
    t, p = pixels(t, p, ignore_index)
    if not t:
        return mpf(0)
    p = chances(p, from_logits, normalize)
    parts = []
    for target, predicted in zip(zip(*t, strict=True), zip(*p, strict=True), strict=True):
        if is_counted(mp.fsum(target), classes):
            errors = [abs(a - b) for a, b in zip(target, predicted, strict=True)]
            parts.append(lovasz(errors, [a == 1 for a in target]))
    return mp.fsum(parts) / len(parts)


def entropy_of_classes(t: list, p: list, from_logits: bool, normalize: bool, eps: float) -> mpf:
    logs = [
        log_softmax(row) if from_logits else [mp.log(max(x, mpf(eps))) if x or eps else -mp.inf for x in row]
        for row in (p if from_logits else chances(p, False, normalize))
    ]
    terms = [weigh(a, x) for target, row in zip(t, logs, strict=True) for a, x in zip(target, row, strict=True)]
    return -mp.fsum(terms) / len(t)


def entropy_of_two(y: list, p: list, from_logits: bool, eps: float) -> mpf:
    logs = [both_logs(x, from_logits, eps) for x in p]
    return -mp.fsum(weigh(a, yes) + weigh(1 - a, no) for a, (yes, no) in zip(y, logs, strict=True)) / len(y)


def dice_ce(
    t: object, p: object, dice_weight: float, ce_weight: float, smooth: float, eps: float, **how: object
) -> mpf:
    if not isinstance(p, list) or not isinstance(p[0], list):
        t, p = (x if isinstance(x, list) else [x] for x in (t, p))
        from_logits = bool(how["from_logits"])
        parts = dice(t, p, smooth, from_logits), entropy_of_two(t, p, from_logits, eps)
    else:
        overlap = multiclass_dice(t, p, smooth=smooth, **how)
        classes = {key: how[key] for key in ("from_logits", "normalize")}
        t, p = pixels(t, p, how["ignore_index"])
        parts = overlap, entropy_of_classes(t, p, eps=eps, **classes) if t else mpf(0)
    return mpf(dice_weight) * parts[0] + weigh(mpf(ce_weight), parts[1])


REFERENCE: dict[str, Reference] = {
    "multiclass_dice": by_row(multiclass_dice, "y_true", "y_pred"),
    "generalized_dice": by_row(generalized_dice, "y_true", "y_pred"),
    "lovasz_softmax": by_row(lovasz_softmax, "y_true", "y_pred"),
    "dice_ce": by_row(dice_ce, "y_true", "y_pred"),
}

FAR = 1 - 2**-40
CLASS_MASKS: Roles = {
    "y_true": [[0, 1, 2, 0], [0, 0, 0, 0], [2, 1, 1, 0], [1, 1, 2, 2]],
    "y_pred": [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]],
        [[FAR, 2**-40, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.25, 0.25]],
        [[0.0, 2**-40, FAR], [2**-41, FAR, 2**-41], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]],
        [[0.5, 0.5, 0.0], [0.25, 0.25, 0.5], [0.25, 0.5, 0.25], [1.0, 0.0, 0.0]],
    ],
}
ONE_HOT: Roles = {
    "y_true": [[[1 if c == t else 0 for c in range(3)] for t in row] for row in CLASS_MASKS["y_true"]],
    "y_pred": CLASS_MASKS["y_pred"],
}
SOFT_MASKS: Roles = {
    "y_true": [[[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]], [[1e-9, 1 - 1e-9, 0.0], [0.0, 1.0, 0.0]]],
    "y_pred": [[[0.25, 0.5, 0.25], [0.5, 0.5, 0.0]], [[0.0, 1.0, 0.0], [1e-9, 1 - 1e-9, 0.0]]],
}
CLASS_LOGITS: Roles = {
    "y_true": [[0, 1], [2, 2], [0, 0]],
    "y_pred": [
        [[40.0, 0.0, -40.0], [-30.0, 20.0, -800.0]],
        [[0.0, 0.0, 700.0], [1.0, 2.0, 38.0]],
        [[-3.0, 3.0, 1e-9], [0.0, 0.0, 0.0]],
    ],
}
IGNORED: Roles = {"y_true": [[9, 1, 9, 0], [9, 9, 9, 9], [2, 1, 9, 0], [1, 9, 2, 2]], "y_pred": CLASS_MASKS["y_pred"]}
ONE_PIXEL: Roles = {"y_true": [[0], [1]], "y_pred": [[[0.25, 0.5, 0.25]], [[0.0, 1.0, 0.0]]]}
NORMALIZED: Roles = {"y_true": [[0, 1], [1, 2]], "y_pred": [[[8.0, 1.0, 3.0], [0.0, 7.0, 0.0]], [[1.0, 2.0, 4.0]] * 2]}

OF_LABELS: list[tuple[dict, Roles]] = [
    ({}, CLASS_MASKS),
    ({}, ONE_PIXEL),
    ({"from_logits": True}, CLASS_LOGITS),
    ({"ignore_index": 9}, IGNORED),
    ({"normalize": True}, NORMALIZED),
]
OF_TARGETS = [*OF_LABELS, ({}, ONE_HOT), ({}, SOFT_MASKS)]

EXTREMES: dict[str, list[tuple[dict, Roles]]] = {
    "multiclass_dice": [*OF_TARGETS, *(({"classes": "present", "smooth": s}, CLASS_MASKS) for s in (0.0, 1.0))],
    "generalized_dice": [*OF_TARGETS, *(({"weighting": w, "smooth": 0.5}, CLASS_MASKS) for w in ("simple", "uniform"))],
    "lovasz_softmax": [*OF_LABELS, ({"classes": "all"}, CLASS_MASKS)],
    "dice_ce": [
        *OF_TARGETS,
        *((params, MASKS) for params in ({}, {"ce_weight": 0.0}, {"eps": 0.0}, {"dice_weight": 0.0})),
        ({"from_logits": True}, LOGITS),
        ({"eps": 0.0}, CLASS_MASKS),
    ],
}
