"""Losses of censored times once more, in mpmath, straight from the formulas."""

from __future__ import annotations

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import DIGITS, Params, Reference, Roles


def logistic_hazard_nll(roles: Roles, params: Params) -> list:
    with mp.workdps(DIGITS):
        losses = []
        for time, event, row in zip(roles["time"], roles["event"], roles["y_pred"], strict=True):
            k, eps = int(time), mpf(params["eps"])
            if params["from_logits"]:
                hazards, eps = [1 / (1 + mp.exp(-s)) for s in row], mpf(0)
            else:
                hazards = row
            occurred = [1 - h for h in hazards[:k]] + [hazards[k] if event else 1 - hazards[k]]
            losses.append(-mp.fsum(mp.log(max(p, eps)) if p or eps else -mp.inf for p in occurred))
        return losses


def weibull_nll(roles: Roles, params: Params) -> list:
    with mp.workdps(DIGITS):
        return [
            (t / a) ** b - (mp.log(b / a * (t / a) ** (b - 1)) if event else 0)
            for t, event, a, b in zip(*(roles[name] for name in ("time", "event", "y_pred", "shape")), strict=True)
        ]


DENSITY = {
    "normal": lambda z: mp.exp(-(z**2) / 2) / mp.sqrt(2 * mp.pi),
    "logistic": lambda z: mp.exp(-z) / (1 + mp.exp(-z)) ** 2,
    "extreme": lambda z: mp.exp(z - mp.exp(z)),
}
ABOVE = {
    "normal": lambda z: mp.erfc(z / mp.sqrt(2)) / 2,
    "logistic": lambda z: 1 / (1 + mp.exp(z)),
    "extreme": lambda z: mp.exp(-mp.exp(z)),
}
BELOW = {
    "normal": lambda z: mp.erfc(-z / mp.sqrt(2)) / 2,
    "logistic": lambda z: 1 / (1 + mp.exp(-z)),
    "extreme": lambda z: -mp.expm1(-mp.exp(z)),
}


def aft(roles: Roles, params: Params) -> list:
    if "time" in roles:
        upper = [t if event else mp.inf for t, event in zip(roles["time"], roles["event"], strict=True)]
        roles = {"lower": roles["time"], "upper": upper, "y_pred": roles["y_pred"]}
    scale = mpf(params["scale"])
    density, above, below = (table[params["distribution"]] for table in (DENSITY, ABOVE, BELOW))
    with mp.workdps(DIGITS):
        losses = []
        for low, high, location in zip(roles["lower"], roles["upper"], roles["y_pred"], strict=True):
            if low == high:
                losses.append(-mp.log(density((mp.log(low) - location) / scale) / (scale * low)))
                continue
            a, b = (mp.log(bound) - location if 0 < bound < mp.inf else mp.log(bound) for bound in (low, high))
            is_right = a > 0  # where probabilities below are 1 to more digits than these
            losses.append(
                -mp.log(above(a / scale) - above(b / scale) if is_right else below(b / scale) - below(a / scale))
            )
        return losses


def cox(roles: Roles, params: Params) -> list:
    with mp.workdps(DIGITS):
        rows = list(zip(roles["time"], roles["event"], [mp.exp(s) for s in roles["y_pred"]], strict=True))

        def of_event(time: mpf, own: mpf) -> mpf:
            at_risk = mp.fsum(term for t, _, term in rows if t >= time)
            tied = [term for t, event, term in rows if t == time and event]
            if params["ties"] == "breslow":
                return mp.log(at_risk / own)
            shares = (mpf(k) / len(tied) for k in range(len(tied)))
            return mp.fsum(mp.log((at_risk - share * mp.fsum(tied)) / own) for share in shares) / len(tied)

        return [of_event(time, own) if event else mpf(0) for time, event, own in rows]


def concordance_loss(roles: Roles, params: Params) -> list:
    with mp.workdps(DIGITS):
        sign = 1 if params["predicts"] == "risk" else -1
        rows = list(zip(roles["time"], roles["event"], roles["y_pred"], strict=True))
        orders = [
            sign * (other - score)
            for time, event, score in rows
            for other_time, other_event, other in rows
            if event and (time < other_time or (time == other_time and not other_event))
        ]
        wrong = mp.fsum(1 if order > 0 else mpf(order == 0) / 2 for order in orders)
        return [wrong / len(orders) if orders else mp.nan]


def uncensored(roles: Roles, at: mpf, including: bool) -> mpf:
    """The Kaplan-Meier estimate of the probability of no censoring before a time, or up to it."""
    rows = list(zip(roles["time"], roles["event"], strict=True))
    product = mpf(1)
    for time in sorted({t for t, event in rows if not event and (t < at or (including and t == at))}):
        censored = sum(t == time and not event for t, event in rows)
        product *= 1 - mpf(censored) / (censored + sum(t > time for t, _ in rows))
    return product


def brier_at(roles: Roles, row: int, survival: mpf, at: mpf, censoring: str) -> mpf:
    time, event = roles["time"][row], roles["event"][row]
    if event and time <= at:
        return survival**2 / uncensored(roles, time, censoring == "at") if survival else mpf(0)
    return (1 - survival) ** 2 / uncensored(roles, at, True) if time > at else mpf(0)


def ipcw_brier(roles: Roles, params: Params) -> list:
    with mp.workdps(DIGITS):
        at, censoring = mpf(params["at"]), params["censoring"]
        return [brier_at(roles, i, s, at, censoring) for i, s in enumerate(roles["y_pred"])]


def integrated_brier(roles: Roles, params: Params) -> list:
    with mp.workdps(DIGITS):
        times, losses = [mpf(t) for t in params["times"]], []
        for i, row in enumerate(roles["y_pred"]):
            scores = [brier_at(roles, i, s, at, params["censoring"]) for s, at in zip(row, times, strict=True)]
            areas = ((times[k + 1] - times[k]) * (scores[k] + scores[k + 1]) / 2 for k in range(len(times) - 1))
            losses.append(mp.fsum(areas) / (times[-1] - times[0]))
        return losses


REFERENCE: dict[str, Reference] = {
    "cox": cox,
    "concordance_loss": concordance_loss,
    "ipcw_brier": ipcw_brier,
    "integrated_brier": integrated_brier,
    "aft": aft,
    "weibull_nll": weibull_nll,
    "logistic_hazard_nll": logistic_hazard_nll,
}

HAZARDS = {
    "time": [0, 1, 2, 2, 0, 2],
    "event": [1, 0, 1, 0, 0, 1],
    "y_pred": [[0.0, 0.5, 0.5], [1e-17, 1.0, 0.5], [1e-9, 0.1, 1e-9], [0.1, 0.2, 1 - 1e-12], [1e-300, 0.5, 0.5],
               [0.0, 0.0, 1.0]],
}  # fmt: skip
LOGITS = {
    "time": [0, 1, 2, 2, 0],
    "event": [1, 0, 1, 0, 0],
    "y_pred": [[-40.0, 0.0, 0.0], [800.0, 1.0, 0.0], [-1e-9, 30.0, 700.0], [-50.0, -60.0, -70.0], [-750.0, 0.0, 0.0]],
}
WEIBULL = {
    "time": [1.0, 1 + 1e-9, 1e-9, 1e9, 3.0, 3.0, 1e-300, 5.0],
    "event": [1, 0, 1, 0, 1, 0, 1, 1],
    "y_pred": [1.0, 1.0, 1e9, 1e3, 3.0000001, 2.0, 1e300, 4.0],
    "shape": [2.0, 0.5, 1e-3, 0.5, 100.0, 700.0, 0.1, 1e-9],
}
BOUNDS = {
    "lower": [1.0, 1e-300, 0.0, 1.0, 1.0, 2.0, 2.0, 1e9, 1.0, 0.5, 0.0, 1e-9, 1.0, 3.0, 0.0, 7.0, 1.0],
    "upper": [1.0, 1e-300, 1e-9, 1 + 1e-12, 1 + 1e-6, 1e9, mp.inf, mp.inf, 1.5, 40.0, 1e9, 1e9, 1.1, 3.0001, 1e-4,
              7.5, mp.inf],
    "y_pred": [0.0, 3.0, 5.0, 0.3, -8.0, 20.0, -30.0, 15.0, 40.0, 1.0, 0.0, 0.0, -30.0, 1.0, 2.0, -3.0, 37.0],
}  # fmt: skip
BOUNDS["upper"] = [float(bound) for bound in BOUNDS["upper"]]

RISKS = {"time": [5.0, 8.0, 2.0, 9.5, 4.0, 7.0, 1e-9, 1e12, 3.0], "event": [1, 0, 1, 1, 0, 1, 1, 1, 1]}
TIED = {"time": [2.0, 2.0, 2.0, 3.0, 4.0, 4.0, 4.0, 5.0, 1.0], "event": [1, 1, 0, 0, 1, 1, 1, 1, 1]}
SCORES = (
    [30.0, 0.0, -1.0, 3.0, 0.0, -2.0, 60.0, -40.0, 1.0],
    [700.0, -700.0, 5.0, 0.0, 600.0, 1400.0, -2.0, 1.0, 2000.0],
    [1e9, 1e9 - 1, 1e9 + 2, 1e9, 1e9, 1e9 + 30, 1e9, 1e9, 1e9],
)
CURVES = {"time": [1.0, 2.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.0], "event": [1, 1, 0, 0, 1, 1, 0, 1]}
PROBABILITIES = [0.0, 1e-9, 0.5, 1.0, 1 - 1e-12, 1e-200, 0.3, 0.0]

EXTREMES: dict[str, list[tuple[dict, Roles]]] = {
    "cox": [
        ({"ties": ties}, rows | {"y_pred": scores})
        for ties in ("breslow", "efron")
        for rows in (RISKS, TIED)
        for scores in SCORES
    ],
    "concordance_loss": [
        ({"predicts": predicts}, rows | {"y_pred": scores})
        for predicts in ("risk", "time")
        for rows in (RISKS, TIED, {"time": [1.0, 2.0], "event": [0, 0]})
        for scores in ([*SCORES[0]][: len(rows["time"])], [0.5] * len(rows["time"]))
    ],
    "ipcw_brier": [
        ({"at": at, "censoring": c}, CURVES | {"y_pred": PROBABILITIES})
        for at in (0.5, 3.0, 3.5, 100.0)
        for c in ("at", "before")
    ],
    "integrated_brier": [
        ({"times": [1.0, 1 + 1e-9, 3.0, 7.0]}, CURVES | {"y_pred": [[p, 0.9, 1 - p, p] for p in PROBABILITIES]})
    ],
    "logistic_hazard_nll": [({}, HAZARDS), ({"eps": 0.0}, HAZARDS), ({"from_logits": True}, LOGITS)],
    "weibull_nll": [({}, WEIBULL)],
    "aft": [({"distribution": d, "scale": s}, BOUNDS) for d in DENSITY for s in (0.5, 1.0, 3.0)],
}
