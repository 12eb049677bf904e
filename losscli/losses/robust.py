"""Losses of `e = y_pred - y_true` that limit the influence of outliers.

Most are `c² rho(e/c)` with rho(u) = u²/2 near zero, so they equal half_mse for a large c.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import numpy as np

from losscli.declaration.domains import Array, ExtendedReal, FiniteNonZero, FinitePositive, Number, Real
from losscli.declaration.domains.intervals import FINITE_POSITIVE
from losscli.declaration.equivalent import minimised_by, same
from losscli.declaration.loss import loss
from losscli.declaration.properties import Claim, Ordering, Property
from losscli.losses._numerics import (
    HUGE,
    expm1_minus_x,
    hypot_excess,
    hypot_slope,
    log1p_square,
    residual,
    where_compute,
    x_minus_log1p,
)
from losscli.losses._symbols import RESIDUAL

CONVEX, SMOOTH, SYMMETRIC = Property.CONVEX, Property.DIFFERENTIABLE, Property.SYMMETRIC
BOUNDED_VALUE, BOUNDED_GRADIENT = Property.BOUNDED_VALUE, Property.BOUNDED_GRADIENT
SHIFT = Property.TRANSLATION_INVARIANT
CENTRE = "the centre, where errors are symmetric and have one peak"

FirstKnee = Annotated[float, Number(FINITE_POSITIVE, usual=(0.5, 1.5))]
SecondKnee = Annotated[float, Number(FINITE_POSITIVE, usual=(2.0, 3.5))]
ThirdKnee = Annotated[float, Number(FINITE_POSITIVE, usual=(4.0, 8.0))]


def scaled_rho(e: Array, c: float, rho: Callable[[Array], Array]) -> Array:
    """Compute c² rho(e/c), where rho(u) is u²/2 near zero, to all digits where u² would underflow."""
    u = e / c
    return where_compute(c * (c * rho(u)), np.abs(u) < 1e-20, lambda e: 0.5 * np.square(e), e)


robust_loss = partial(loss, family="regression", unit="y²", symbols=RESIDUAL, elicits=CENTRE)
convex_robust_loss = partial(robust_loss, properties=CONVEX | SMOOTH | BOUNDED_GRADIENT | SYMMETRIC | SHIFT)
redescending_loss = partial(robust_loss, properties=SMOOTH | BOUNDED_VALUE | BOUNDED_GRADIENT | SYMMETRIC | SHIFT)


@convex_robust_loss(
    aliases=("伪 Huber 损失",),
    formula="delta² (sqrt(1 + (e/delta)²) - 1)",
    references=("Charbonnier et al. 1997, doi:10.1109/83.551699", "Hartley & Zisserman 2003, appendix 6.8"),
    equivalents=(
        same("scipy", "scipy.special.pseudo_huber(delta, y_pred - y_true)", condition="delta < inf"),
        same(
            "scipy",
            "scipy.optimize.least_squares(lambda b: (y_pred - y_true).ravel(), [0.0], loss='soft_l1', "
            "f_scale=delta).cost / y_pred.size",
        ),
        minimised_by("xgboost", "xgboost.XGBRegressor(objective='reg:pseudohubererror', huber_slope=delta)"),
    ),
)
def pseudo_huber(y_true: Real, y_pred: Real, *, delta: FinitePositive = 1.0) -> Array:
    """A smooth huber: e²/2 near zero, delta |e| for large errors.

    It is charbonnier(eps=delta) minus its value at zero, times delta.
    Use: huber for methods that need second derivatives, such as boosting.
    Avoid: when errors below delta must count exactly as in half_mse.
    Pitfalls: delta is in the unit of the target; a small delta also makes the value small.
    """
    return delta * hypot_excess(np.abs(residual(y_true, y_pred)), delta)


@pseudo_huber.gradient
def _(y_true: Array, y_pred: Array, *, delta: float) -> Array:
    """e / sqrt(1 + (e/delta)²)"""
    return delta * hypot_slope(residual(y_true, y_pred), delta)


@convex_robust_loss(
    aliases=("Charbonnier 损失",),
    formula="sqrt(e² + eps²)",
    unit="y",
    references=("Charbonnier et al. 1994, doi:10.1109/ICIP.1994.413553",),
    equivalents=(("others", "with eps² written as eps in much image code: their 1e-6 is 1e-3 here"),),
)
def charbonnier(y_true: Real, y_pred: Real, *, eps: FinitePositive = 1e-3) -> Array:
    """mae with a rounded kink, for image restoration and optical flow.

    A perfect prediction costs eps, not 0.
    Use: mae with a gradient that vanishes at zero.
    Avoid: when a perfect prediction must cost 0 (pseudo_huber).
    Pitfalls: for errors far below eps the value is eps for any model.
    """
    e = residual(y_true, y_pred)
    squares = np.square(e) + eps * eps
    safe = (squares > 1e-280) & (squares < HUGE)  # no square overflows or underflows
    return where_compute(np.sqrt(squares), ~safe, lambda e: np.hypot(e, eps), e)


@charbonnier.gradient
def _(y_true: Array, y_pred: Array, *, eps: float) -> Array:
    """e / sqrt(e² + eps²)"""
    return hypot_slope(residual(y_true, y_pred), eps)


@convex_robust_loss(
    aliases=("Fair 损失",),
    formula="c² (|e|/c - log(1 + |e|/c))",
    references=(
        "Fair 1974, On the robust estimation of econometric models, Ann. Econ. Soc. Meas. 3, 667-677",
        "Holland & Welsch 1977, doi:10.1080/03610927708827533",
    ),
    equivalents=(
        minimised_by("lightgbm", "lightgbm.LGBMRegressor(objective='fair', fair_c=c)"),
        ("matlab", "robustfit(wfun='fair', tune=1.4), on residuals divided by their scale"),
    ),
)
def fair(y_true: Real, y_pred: Real, *, c: FinitePositive = 1.3998) -> Array:
    """Convex, between mse and mae: nearly c |e| for large errors, minus a logarithm.

    Use: a robust fit with a single optimum; the default c keeps 95 % of mse's efficiency for normal errors of unit
    scale.
    Avoid: gross outliers that should have no influence (tukey, welsch).
    Pitfalls: c is in units of the residual scale: divide the residuals by it, or scale c.
    """
    return scaled_rho(residual(y_true, y_pred), c, lambda u: x_minus_log1p(np.abs(u)))


@fair.gradient
def _(y_true: Array, y_pred: Array, *, c: float) -> Array:
    """e / (1 + |e|/c)"""
    u = residual(y_true, y_pred) / c
    return c * (np.sign(u) / (1 + 1 / np.abs(u)))


@redescending_loss(
    aliases=("biweight", "bisquare", "Tukey 双权损失", "双权损失", "Tukey 损失", "图基双权损失"),
    formula="c²/6 (1 - (1 - (e/c)²)³) where |e| <= c, else c²/6",
    references=("Beaton & Tukey 1974, doi:10.1080/00401706.1974.10489171",),
    equivalents=(same("statsmodels", "statsmodels.robust.norms.TukeyBiweight(c).rho(y_pred - y_true)"),),
)
def tukey(y_true: Real, y_pred: Real, *, c: FinitePositive = 4.685) -> Array:
    """Tukey's biweight: all errors beyond c cost the same.

    Use: gross outliers without information; the default c keeps 95 % of mse's efficiency for normal errors of unit
    scale.
    Avoid: as the first loss of a fit: there is no gradient where all errors exceed c.
    Pitfalls: c is in units of the residual scale: the default 4.685 treats all residuals in the hundreds as outliers;
    there may be several optima.
    """

    def rho(u: Array) -> Array:
        x = np.square(np.minimum(np.abs(u), 1.0))
        return x * (3 + x * (x - 3)) / 6

    return scaled_rho(residual(y_true, y_pred), c, rho)


@tukey.gradient
def _(y_true: Array, y_pred: Array, *, c: float) -> Array:
    """e (1 - (e/c)²)² where |e| <= c, else 0"""
    u = np.clip(residual(y_true, y_pred) / c, -1.0, 1.0)
    return c * (u * np.square((1 - u) * (1 + u)))


@robust_loss(
    aliases=("lorentzian", "柯西损失"),
    formula="c²/2 log(1 + (e/c)²)",
    properties=SMOOTH | BOUNDED_GRADIENT | SYMMETRIC | SHIFT,
    references=("Black & Anandan 1996, doi:10.1006/cviu.1996.0006",),
    equivalents=(
        same(
            "scipy",
            "scipy.optimize.least_squares(lambda b: (y_pred - y_true).ravel(), [0.0], loss='cauchy', "
            "f_scale=c).cost / y_pred.size",
        ),
        same("losscli", "c**2 / 2 * losscli.get_loss('barron', alpha=0, c=c / 2**0.5)(y_true, y_pred)"),
    ),
)
def cauchy(y_true: Real, y_pred: Real, *, c: FinitePositive = 2.3849) -> Array:
    """Grows like a logarithm: the negative log-likelihood of Cauchy errors, up to constants.

    Use: very heavy tails, when even the largest errors should have some influence.
    Avoid: when a single optimum is needed: it is not convex.
    Pitfalls: c is in the unit of the target; the default keeps 95 % of mse's efficiency for normal errors of unit
    scale.
    """
    return scaled_rho(residual(y_true, y_pred), c, lambda u: 0.5 * log1p_square(u))


@cauchy.gradient
def _(y_true: Array, y_pred: Array, *, c: float) -> Array:
    """e / (1 + (e/c)²)"""
    u = residual(y_true, y_pred) / c
    return c * (1 / (1 / u + u))


@redescending_loss(
    aliases=("leclerc", "Welsch 损失"),
    formula="c²/2 (1 - exp(-(e/c)²))",
    references=("Dennis & Welsch 1978, doi:10.1080/03610917808812083", "Leclerc 1989, doi:10.1007/BF00054839"),
    equivalents=(
        same("losscli", "c**2 / 2 * losscli.get_loss('barron', alpha=-np.inf, c=c / 2**0.5)(y_true, y_pred)"),
    ),
)
def welsch(y_true: Real, y_pred: Real, *, c: FinitePositive = 2.9846) -> Array:
    """An inverted bell curve: errors beyond about 2c all cost c²/2.

    It is 1 minus a Gaussian kernel (times c²/2): minimising it maximises correntropy.
    Use: gross outliers, without the hard cut-off of tukey.
    Avoid: as the first loss of a fit: the gradient vanishes far from the data.
    Pitfalls: c is in the unit of the target; some definitions have a factor 1/2 in the exponent.
    """
    return scaled_rho(residual(y_true, y_pred), c, lambda u: -0.5 * np.expm1(-np.square(u)))


@welsch.gradient
def _(y_true: Array, y_pred: Array, *, c: float) -> Array:
    """e exp(-(e/c)²)"""
    u = np.clip(residual(y_true, y_pred) / c, -40.0, 40.0)  # exp(-u²) is 0 there; keeps inf * 0 out
    return c * (u * np.exp(-np.square(u)))


@redescending_loss(
    aliases=("Hampel 损失",),
    formula="r²/2 to a, a r - a²/2 to b, a (b+c-a)/2 - a (c-r)²/(2 (c-b)) to c, then constant; r = |e|",
    references=("Hampel 1974, doi:10.1080/01621459.1974.10482962",),
    equivalents=(same("statsmodels", "statsmodels.robust.norms.Hampel(a, b, c).rho(y_pred - y_true)"),),
)
def hampel(y_true: Real, y_pred: Real, *, a: FirstKnee = 2.0, b: SecondKnee = 4.0, c: ThirdKnee = 8.0) -> Array:
    """Huber up to b, then a slope that falls to zero at c.

    Use: when limits between good, doubtful and bad errors can be stated as numbers.
    Avoid: when one scale suffices: three parameters need justification.
    Pitfalls: a, b and c are in units of the residual scale; there is no gradient beyond c.
    """
    r = np.abs(residual(y_true, y_pred))
    near, middle, far = np.minimum(r, a), np.clip(r, a, b) - a, np.clip(r, b, c) - b
    return 0.5 * np.square(near) + a * (middle + far * (1 - 0.5 * far / (c - b)))


@hampel.gradient
def _(y_true: Array, y_pred: Array, *, a: float, b: float, c: float) -> Array:
    """e to a, a sign(e) to b, a sign(e) (c-r)/(c-b) to c, then 0; r = |e|"""
    e = residual(y_true, y_pred)
    return np.clip(e, -a, a) * ((c - np.clip(np.abs(e), b, c)) / (c - b))


@hampel.requires
def _(*, a: float, b: float, c: float) -> str:
    """a < b < c"""
    return "" if a < b < c else f"a < b < c must hold, not {a:g}, {b:g}, {c:g}"


@redescending_loss(
    aliases=("andrew_wave", "Andrews 损失"),
    formula="a² (1 - cos(e/a)) where |e| <= a pi, else 2 a²",
    references=("Andrews 1974, doi:10.1080/00401706.1974.10489233",),
    equivalents=(same("statsmodels", "statsmodels.robust.norms.AndrewWave(a).rho(y_pred - y_true)"),),
)
def andrews(y_true: Real, y_pred: Real, *, a: FinitePositive = 1.339) -> Array:
    """Andrews' sine wave: half a wave, then constant beyond a pi.

    Use: as tukey, which has nearly the same shape.
    Avoid: as the first loss of a fit: there is no gradient beyond a pi.
    Pitfalls: the cut-off is at a pi (4.2 for the default), not at a.
    """
    return scaled_rho(residual(y_true, y_pred), a, lambda u: 2 * np.square(np.sin(0.5 * np.minimum(np.abs(u), np.pi))))


@andrews.gradient
def _(y_true: Array, y_pred: Array, *, a: float) -> Array:
    """a sin(e/a) where |e| <= a pi, else 0"""
    u = residual(y_true, y_pred) / a
    return a * np.where(np.abs(u) < np.pi, np.sin(u), 0.0)


@redescending_loss(
    aliases=("ramsay_e", "Ramsay 损失"),
    formula="(1 - exp(-a |e|) (1 + a |e|)) / a²",
    references=(
        "Ramsay 1977, A comparative study of several robust estimates of slope, intercept, and scale in linear "
        "regression, Journal of the American Statistical Association 72, 608-615",
    ),
    equivalents=(same("statsmodels", "statsmodels.robust.norms.RamsayE(a).rho(y_pred - y_true)"),),
)
def ramsay(y_true: Real, y_pred: Real, *, a: FinitePositive = 0.3) -> Array:
    """Ramsay's Ea: the influence of an error decays as exp(-a |e|) and peaks at 1/a.

    Use: a redescending loss without a cut-off.
    Avoid: when large errors must count.
    Pitfalls: a is an inverse scale: a larger a is more robust, unlike c in other losses; the limit is 1/a².
    """

    def rho(u: Array) -> Array:
        t = np.minimum(np.abs(u), 700.0)  # exp(-t) is negligible there, and exp t finite
        return np.exp(-t) * expm1_minus_x(t)

    return scaled_rho(residual(y_true, y_pred), 1 / a, rho)


@ramsay.gradient
def _(y_true: Array, y_pred: Array, *, a: float) -> Array:
    """e exp(-a |e|)"""
    scale = 1 / a
    t = np.clip(residual(y_true, y_pred) / scale, -800.0, 800.0)
    return scale * (t * np.exp(-np.abs(t)))


INFINITE_ALPHA = 1e20
"""From here |alpha| is treated as infinite, and below the inverse as zero."""


def barron_rho(u: Array, alpha: float) -> Array:
    """Compute Barron's rho(u, alpha)."""
    if abs(alpha) >= INFINITE_ALPHA:
        return np.abs(np.expm1(np.copysign(0.5 * np.square(u), alpha)))
    if alpha == 2:
        return 0.5 * np.square(u)
    b = abs(alpha - 2)
    growth = log1p_square(u / np.sqrt(b))
    return growth if abs(alpha) <= 1 / INFINITE_ALPHA else b / alpha * np.expm1(0.5 * alpha * growth)


def barron_psi(u: Array, alpha: float) -> Array:
    """Compute the derivative of Barron's rho by u."""
    if abs(alpha) >= INFINITE_ALPHA:
        near = np.clip(u, -40.0, 40.0) if alpha < 0 else u
        return near * np.exp(np.copysign(0.5 * np.square(near), alpha))
    if alpha == 2:
        return u
    b = abs(alpha - 2)
    z = u / np.sqrt(b)
    # u (1 + z²)^(alpha/2 - 1) as a product whose factors do not overflow where the other underflows
    return np.sqrt(b) * hypot_slope(z, 1.0) * (np.exp(0.5 * (alpha - 1) * log1p_square(z)) if alpha != 1 else 1.0)


@robust_loss(
    aliases=("adaptive_robust", "自适应鲁棒损失", "自适应稳健损失"),
    formula="|alpha-2|/alpha (((e/c)²/|alpha-2| + 1)^(alpha/2) - 1), and its limits at 2, 0, -inf and inf",
    unit="1",
    properties=SMOOTH | SYMMETRIC | SHIFT,
    claims=(
        Claim(CONVEX, "alpha >= 1", lambda *, alpha, **_: alpha >= 1),
        Claim(BOUNDED_GRADIENT, "alpha <= 1", lambda *, alpha, **_: alpha <= 1),
        Claim(BOUNDED_VALUE, "alpha < 0", lambda *, alpha, **_: alpha < 0),
    ),
    references=("Barron 2019, arXiv:1701.03077",),
    equivalents=(
        same(
            "robust_loss_pytorch",
            "robust_loss_pytorch.general.lossfun(y_pred - y_true, torch.tensor(alpha).to(y_pred), "
            "torch.tensor(c).to(y_pred))",
        ),
    ),
)
def barron(y_true: Real, y_pred: Real, *, alpha: ExtendedReal = 1.0, c: FinitePositive = 1.0) -> Array:
    """Barron's general loss: alpha interpolates between mse and welsch.

    alpha=2 is (e/c)²/2, 1 is pseudo_huber/c², 0 cauchy, -2 geman_mcclure, -inf welsch (scales differ by constant
    factors).
    Use: tuning robustness with one continuous parameter.
    Avoid: learning alpha by minimising this loss: a smaller alpha always costs less; the paper adds a normalising
    constant.
    Pitfalls: values of different alpha are not comparable; it is not convex for alpha < 1.
    """
    return barron_rho(residual(y_true, y_pred) / c, alpha)


@barron.gradient
def _(y_true: Array, y_pred: Array, *, alpha: float, c: float) -> Array:
    """e/c² ((e/c)²/|alpha-2| + 1)^(alpha/2 - 1), and its limits at 2, -inf and inf"""
    return barron_psi(residual(y_true, y_pred) / c, alpha) / c


@redescending_loss(
    aliases=("Geman-McClure 损失",),
    formula="2 (e/c)² / ((e/c)² + 4)",
    unit="1",
    references=(
        "Geman & McClure 1985, Bayesian image analysis: an application to single photon emission tomography",
        "Barron 2019, arXiv:1701.03077",
    ),
    equivalents=(same("losscli", "losscli.get_loss('barron', alpha=-2, c=c)(y_true, y_pred)"),),
)
def geman_mcclure(y_true: Real, y_pred: Real, *, c: FinitePositive = 1.0) -> Array:
    """Saturates like a rational function: (e/c)²/2 near zero, 2 for large errors.

    Use: registration and tracking with many wrong matches.
    Avoid: as the first loss of a fit: the gradient falls with the cube of the error.
    Pitfalls: many texts write u²/(1 + u²), which is half of this with c = 1/2.
    """
    return barron_rho(residual(y_true, y_pred) / c, -2.0)


@geman_mcclure.gradient
def _(y_true: Array, y_pred: Array, *, c: float) -> Array:
    """16 e/c² / ((e/c)² + 4)²"""
    return barron_psi(residual(y_true, y_pred) / c, -2.0) / c


@robust_loss(
    aliases=("Wing 损失",),
    formula="w log(1 + |e|/epsilon) where |e| < w, else |e| - w + w log(1 + w/epsilon)",
    unit="y",
    properties=BOUNDED_GRADIENT | SYMMETRIC | SHIFT,
    references=("Feng et al. 2018, arXiv:1711.06753",),
    equivalents=(
        same(
            "mmpose",
            "mmpose.models.losses.WingLoss(omega=w, epsilon=epsilon)(y_pred, y_true) / y_pred[0].numel()",
            shapes={"y_true": "N,K,D"},
        ),
    ),
)
def wing(y_true: Real, y_pred: Real, *, w: FinitePositive = 10.0, epsilon: FinitePositive = 2.0) -> Array:
    """Amplifies small errors, for facial landmarks.

    A steep logarithm up to w, mae beyond.
    Use: landmark regression in pixels, when the last pixels of accuracy matter.
    Avoid: noisy targets: the model fits the noise.
    Pitfalls: w and epsilon are in pixels: coordinates scaled to [0, 1] stay within the logarithm.
    """
    r = np.abs(residual(y_true, y_pred))
    near = np.minimum(r, w)
    return w * np.log1p(near / epsilon) + (r - near)


@wing.gradient
def _(y_true: Array, y_pred: Array, *, w: float, epsilon: float) -> Array:
    """sign(e) w / (epsilon + |e|) where |e| < w, else sign(e)"""
    e = residual(y_true, y_pred)
    return np.sign(e) * np.where(np.abs(e) < w, w / (epsilon + np.abs(e)), 1.0)


@robust_loss(
    aliases=("LINEX 损失", "线性指数损失"),
    formula="exp(a e) - a e - 1",
    unit="1",
    properties=CONVEX | SMOOTH | SHIFT,
    elicits="-log(mean of exp(-a y)) / a",
    references=(
        "Varian 1975, A Bayesian approach to real estate assessment",
        "Zellner 1986, doi:10.1080/01621459.1986.10478289",
    ),
    equivalents=(same("numpy", "np.expm1(a * (y_pred - y_true)) - a * (y_pred - y_true)"),),
)
def linex(y_true: Real, y_pred: Real, *, a: FiniteNonZero = 1.0) -> Array:
    """Linear on one side, exponential on the other: a > 0 penalises high predictions.

    Near zero it is (a e)²/2.
    Use: asymmetric costs: real-estate assessment, dams, doses.
    Avoid: errors of many times 1/|a|: a single one dominates the sum.
    Pitfalls: the value is inf where a e exceeds 709.
    """
    return expm1_minus_x(a * residual(y_true, y_pred))


@linex.gradient
def _(y_true: Array, y_pred: Array, *, a: float) -> Array:
    """a (exp(a e) - 1)"""
    return a * np.expm1(a * residual(y_true, y_pred))


BARRON_ORDERS: dict[float, Callable[[float], Ordering]] = {
    2.0: lambda c: ("mse", {}),
    1.0: lambda c: ("charbonnier", {"eps": c}),
    0.0: lambda c: ("cauchy", {"c": float(np.sqrt(2)) * c}),
    -2.0: lambda c: ("geman_mcclure", {"c": c}),
    -np.inf: lambda c: ("welsch", {"c": float(np.sqrt(2)) * c}),
}
"""alpha -> the loss that barron is a multiple of, but for a constant."""

pseudo_huber.orders_like(lambda *, delta: ("charbonnier", {"eps": delta}))
barron.orders_like(lambda *, alpha, c: BARRON_ORDERS[alpha](c) if alpha in BARRON_ORDERS else None)
