"""Losses of faces once more, in mpmath, straight from the papers' formulas: cosines, angles by acos, psi by pieces."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
from mpmath import mpf

from tests.reference.classification import DIGITS, Params, Reference, Roles
from tests.reference.distances import cosine, gap, length

Row = list


def cross_entropy_of_logits(logits: Row, y: int) -> mpf:
    """-log softmax, as the logarithm of 1 and what the others add to it"""
    return mp.log1p(mp.fsum(mp.exp(z - logits[y]) for j, z in enumerate(logits) if j != y))


def inner(a: Row, b: Row) -> mpf:
    return mp.fsum(x * y for x, y in zip(a, b, strict=True))


def linear(x: Row, y: int, weights: Row, bias: Row | None) -> mpf:
    return cross_entropy_of_logits([inner(x, w) + (bias[j] if bias else 0) for j, w in enumerate(weights)], y)


def psi(cos: mpf, margin: int, annealing: float) -> mpf:
    theta = mp.acos(cos)
    k = next(k for k in range(margin) if theta <= (k + 1) * mp.pi / margin or k == margin - 1)
    value = (-1) ** k * mp.cos(margin * theta) - 2 * k
    return (mpf(annealing) * cos + value) / (1 + mpf(annealing))


def arc(cos: mpf, margin: float, easy_margin: bool = False) -> mpf:
    theta, m = mp.acos(cos), mpf(margin)
    if easy_margin:
        return mp.cos(theta + m) if cos > 0 else cos
    return mp.cos(theta + m) if theta + m <= mp.pi else cos - m * mp.sin(m)


def clipped(cos: mpf) -> mpf:
    return max(mpf(-1), min(mpf(1), cos))


def of_rows(f: Callable[..., mpf]) -> Reference:
    def rows(roles: Roles, params: Params) -> list:
        with mp.workdps(DIGITS):
            by_row = zip(roles["embeddings"], map(int, roles["labels"]), strict=True)
            tables = [roles.get("weights"), roles.get("bias")]
            return [f(x, y, *tables, **params) for x, y in by_row]

    return rows


def on_sphere(target: Callable[..., mpf]) -> Reference:
    """Scaled cosines, that of the target changed; prototypes given, the means of classes, or cosines given."""

    def rows(roles: Roles, params: Params) -> list:
        with mp.workdps(DIGITS):
            labels = [int(y) for y in roles["labels"]]
            cosines = roles.get("y_pred")
            if cosines is None:
                weights = roles.get("weights") or means(roles["embeddings"], labels)
                labels = labels if "weights" in roles else [sorted(set(labels)).index(y) for y in labels]
                cosines = [[cosine(x, w) for w in weights] for x in roles["embeddings"]]
            return [of_row([clipped(c) for c in row], y, **params) for row, y in zip(cosines, labels, strict=True)]

    def of_row(cosines: Row, y: int, scale: float, **params: float) -> mpf:
        changed = [target(c, **params) if j == y else c for j, c in enumerate(cosines)]
        return cross_entropy_of_logits([mpf(scale) * c for c in changed], y)

    return rows


def combined(cos: mpf, m1: float, m2: float, m3: float) -> mpf:
    return mp.cos(mpf(m1) * mp.acos(cos) + mpf(m2)) - mpf(m3)


def by_cosines(f: Callable[..., mpf]) -> Reference:
    """A loss of a row's cosines with its class and all classes, of sub-centers the largest, and of its length."""

    def rows(roles: Roles, params: Params) -> list:
        with mp.workdps(DIGITS):
            found = []
            lengths = [length(x) for x in roles.get("embeddings", [])]
            for i, y in enumerate(int(label) for label in roles["labels"]):
                if "y_pred" in roles:
                    row = [max(map(clipped, c)) if isinstance(c, list) else clipped(c) for c in roles["y_pred"][i]]
                    found.append(f(row, y, **params))
                    continue
                x = roles["embeddings"][i]
                row = [
                    max(cosine(x, k) for k in w) if isinstance(w[0], list) else cosine(x, w) for w in roles["weights"]
                ]
                found.append(f(row, y, **params, **({"lengths": lengths, "own": lengths[i]} if f in OF_LENGTH else {})))
            return found

    return rows


def curricular(cosines: Row, y: int, scale: float, margin: float, t: float) -> mpf:
    bound = mp.cos(mp.acos(cosines[y]) + mpf(margin))
    others = [c * (mpf(t) + c) if c > bound else c for c in cosines]
    return cross_entropy_of_logits(
        [mpf(scale) * (arc(cosines[y], margin) if j == y else c) for j, c in enumerate(others)], y
    )


def subcenter(cosines: Row, y: int, scale: float, margin: float, easy_margin: bool) -> mpf:
    logits = [mpf(scale) * (arc(c, margin, easy_margin) if j == y else c) for j, c in enumerate(cosines)]
    return cross_entropy_of_logits(logits, y)


def magface(
    cosines: Row,
    y: int,
    scale: float,
    l_a: float,
    u_a: float,
    l_margin: float,
    u_margin: float,
    lambda_g: float,
    easy_margin: bool,
    lengths: Row,
    own: mpf,
) -> mpf:
    low, high = mpf(l_a), mpf(u_a)
    a = min(max(own, low), high)
    margin = mpf(l_margin) + (mpf(u_margin) - mpf(l_margin)) * (a - low) / (high - low)
    return subcenter(cosines, y, scale, margin, easy_margin) + mpf(lambda_g) * (a / high**2 + 1 / a)


def adaface(
    cosines: Row,
    y: int,
    scale: float,
    margin: float,
    h: float,
    norm_mean: float | None,
    norm_std: float | None,
    lengths: Row,
    own: mpf,
) -> mpf:
    mean = mp.fsum(lengths) / len(lengths)
    if norm_std is None:
        square = mp.fsum((a - mean) ** 2 for a in lengths) / (len(lengths) - 1)
        deviation = mp.sqrt(square) if square > mpf(10) ** -300 else mpf(0)
    else:
        deviation = mpf(norm_std)
    excess = own - (mean if norm_mean is None else mpf(norm_mean))
    m, z = mpf(margin), min(max(mpf(h) * excess / deviation, -1), 1) if deviation else mpf(0)
    target = mp.cos(min(max(mp.acos(cosines[y]) - m * z, 0), mp.pi)) - m - m * z
    return cross_entropy_of_logits([mpf(scale) * (target if j == y else c) for j, c in enumerate(cosines)], y)


OF_LENGTH = (magface, adaface)


def means(embeddings: Row, labels: list[int]) -> Row:
    groups = [[x for x, own in zip(embeddings, labels, strict=True) if own == y] for y in sorted(set(labels))]
    return [[mp.fsum(column) / len(group) for column in zip(*group, strict=True)] for group in groups]


def l2_softmax(x: Row, y: int, weights: Row, bias: Row | None, scale: float) -> mpf:
    size = length(x) or mpf(1)
    return linear([mpf(scale) * v / size for v in x], y, weights, bias)


def l_softmax(x: Row, y: int, weights: Row, bias: None, margin: int, annealing: float) -> mpf:
    logits = [length(w) * length(x) * cosine(x, w) for w in weights]
    logits[y] = length(weights[y]) * length(x) * psi(cosine(x, weights[y]), margin, annealing)
    return cross_entropy_of_logits(logits, y)


def sphereface(x: Row, y: int, weights: Row, bias: None, margin: int, annealing: float) -> mpf:
    logits = [length(x) * cosine(x, w) for w in weights]
    logits[y] = length(x) * psi(cosine(x, weights[y]), margin, annealing)
    return cross_entropy_of_logits(logits, y)


def deepid(roles: Roles, params: Params) -> list:
    def pair(y: mpf, z: mpf, a: Row, b: Row, margin: float, verification_weight: float) -> mpf:
        tables = roles["weights"], roles.get("bias")
        d = length(gap(a, b))
        verification = d**2 / 2 if y == z else max(mpf(0), mpf(margin) - d) ** 2 / 2
        return linear(a, int(y), *tables) + linear(b, int(z), *tables) + mpf(verification_weight) * verification

    with mp.workdps(DIGITS):
        names = ("labels1", "labels2", "embeddings1", "embeddings2")
        return [pair(*row, **params) for row in zip(*(roles[name] for name in names), strict=True)]


REFERENCE: dict[str, Reference] = {
    "linear_softmax": of_rows(linear),
    "l2_softmax": of_rows(l2_softmax),
    "normface": on_sphere(lambda c: c),
    "coco": on_sphere(lambda c: c),
    "l_softmax": of_rows(l_softmax),
    "sphereface": of_rows(sphereface),
    "am_softmax": on_sphere(lambda c, margin: c - mpf(margin)),
    "cosface": on_sphere(lambda c, margin: c - mpf(margin)),
    "arcface": on_sphere(arc),
    "deepid": deepid,
    "combined_margin": on_sphere(combined),
    "curricularface": by_cosines(curricular),
    "subcenter_arcface": by_cosines(subcenter),
    "magface": by_cosines(magface),
    "adaface": by_cosines(adaface),
}

# along, against, at a right angle to and nearly along the prototype of class 0; nothing, tiny, huge
EMBEDDINGS = [
    [3.0, 4.0], [-3.0, -4.0], [4.0, -3.0], [3.0, 4.0 + 1e-9], [3.0 - 1e-13, 4.0], [-3.0, -4.0 + 1e-9], [0.0, 0.0],
    [1e-200, 2e-200], [1e150, -1e150], [0.6, 0.8], [1e-9, -1.0], [-5.0, 12.0],
]  # fmt: skip
WEIGHTS = [[6.0, 8.0], [1.0, 0.0], [-0.5, 0.25], [0.0, 0.0]]
PLAIN = [x for x in EMBEDDINGS if abs(x[0]) < 1e100]
COSINES = [
    [1.0, 0.0, -1.0], [-1.0, 1.0, 1.0], [1 - 2.0**-53, 0.5, 0.5], [-1 + 2.0**-53, 0.5, 0.5], [0.0, 0.0, 0.0],
    [1.0 + 1e-9, 0.0, 0.0], [-1.0 - 1e-9, 1e-9, 1.0 + 1e-9], [1e-300, 1e-300, -1e-300], [0.3, 0.3 + 1e-15, -0.9],
]  # fmt: skip


def rows(x: list, y: int) -> dict:
    return {"labels": [y] * len(x), "embeddings": x}


def prototypes(x: list, **tables: list) -> list[dict]:
    return [rows(x, y) | {"weights": WEIGHTS} | tables for y in range(4)]


BIAS = {"bias": [0.5, -1e3, 1e-9, 2.0]}
SPHERE = prototypes(EMBEDDINGS) + [{"labels": [y] * len(COSINES), "y_pred": COSINES} for y in (0, 1)]
MARGINS = [{"margin": margin, "annealing": annealing} for margin in (1, 2, 3, 4, 7) for annealing in (0.0, 5.0, 1e6)]
NEARLY_5 = [[3.0, 4.0], [3.0 + 1e-15, 4.0], [3.0, -4.0 - 1e-12], [4.0, 3.0 + 1e-9], [5.0, 1e-7], [-3.0 + 1e-13, 4.0]]
SUB_CENTERS = [[[6.0, 8.0], [1.0, 0.5]], [[1.0, 0.0], [0.0, -1.0]], [[-0.5, 0.25], [0.0, 0.0]]]
EXTREMES: dict[str, list[tuple[dict, dict]]] = {
    "linear_softmax": [({}, roles) for roles in prototypes(PLAIN) + prototypes(PLAIN, **BIAS)],
    "l2_softmax": [
        ({"scale": scale}, roles)
        for scale in (1e-6, 16.0, 100.0)
        for roles in prototypes(EMBEDDINGS) + prototypes(EMBEDDINGS, **BIAS)
    ],
    "normface": [({"scale": scale}, roles) for scale in (1e-6, 20.0, 100.0) for roles in SPHERE],
    "coco": [
        ({"scale": scale}, roles)
        for scale in (1e-6, 10.0)
        for roles in [*SPHERE, {"labels": [0, 0, 5, 5, 5, 9, 9, 9, 9, 9, 10, 10], "embeddings": EMBEDDINGS}]
    ],
    "l_softmax": [(params, roles) for params in MARGINS for roles in prototypes(PLAIN)],
    "sphereface": [(params, roles) for params in MARGINS for roles in prototypes(PLAIN)],
    **{
        name: [
            ({"scale": scale, "margin": margin}, roles)
            for scale in (1e-6, 64.0)
            for margin in (0.0, 0.35, 2.0)
            for roles in SPHERE
        ]
        for name in ("am_softmax", "cosface")
    },
    "arcface": [
        ({"scale": scale, "margin": margin, "easy_margin": easy}, roles)
        for scale in (1e-6, 64.0)
        for margin in (0.0, 1e-9, 0.5, 2.0, 3.0)
        for easy in (False, True)
        for roles in SPHERE
    ],
    "combined_margin": [
        ({"scale": scale, "m1": m1, "m2": m2, "m3": m3}, roles)
        for scale in (1e-6, 64.0)
        for m1, m2, m3 in ((1.0, 0.3, 0.2), (0.9, 0.4, 0.15), (4.0, 0.0, 0.0), (1.0, 0.5, 0.0))
        for roles in SPHERE
    ],
    "curricularface": [
        ({"scale": scale, "margin": margin, "t": t}, roles)
        for scale in (1e-6, 64.0)
        for margin, t in ((0.5, 0.0), (0.0, 1.0), (0.3, -1.0))
        for roles in SPHERE
    ],
    "subcenter_arcface": [
        ({"margin": margin, "easy_margin": easy}, roles)
        for margin in (0.0, 0.5, 2.0)
        for easy in (False, True)
        for roles in [
            *(rows(EMBEDDINGS, y) | {"weights": SUB_CENTERS} for y in (0, 1)),
            *({"labels": [y] * 3, "y_pred": [COSINES[:3], COSINES[3:6], COSINES[6:]]} for y in (0, 2)),
        ]
    ],
    "magface": [
        (params, roles)
        for params in (
            {"scale": 1.0},
            {"l_a": 5.0, "u_a": 5.0 + 1e-9, "lambda_g": 0.0},
            {"l_a": 5.0 - 1e-12, "u_a": 5.0 + 1e-12},
            {"l_a": 0.5, "u_a": 1e4, "easy_margin": True},
        )
        for roles in prototypes(EMBEDDINGS) + prototypes(NEARLY_5)
    ],
    "adaface": [
        (params, roles)
        for params in ({}, {"h": 5.0, "margin": 1.0}, {"norm_mean": 5.0, "norm_std": 1e-9}, {"norm_std": 1e-12})
        for roles in [
            *prototypes(PLAIN),
            *prototypes(NEARLY_5),
            rows([[3.0, 4.0], [4.0, -3.0]], 1) | {"weights": WEIGHTS},
        ]
    ],
    "deepid": [
        (
            params,
            {
                "labels1": [y] * len(PLAIN),
                "labels2": [z] * len(PLAIN),
                "embeddings1": PLAIN,
                "embeddings2": PLAIN[1:] + PLAIN[:1],
                "weights": WEIGHTS,
            }
            | bias,
        )
        for params in ({"margin": 0.0}, {"margin": 20.0, "verification_weight": 3.0})
        for y, z in ((0, 0), (0, 1), (3, 2))
        for bias in ({}, BIAS)
    ],
}
