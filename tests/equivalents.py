"""Runs what losses state of other libraries: the text that `explain` prints, on random arrays."""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

import losscli
from losscli.declaration.domains import ClassTargets, Domain, Simplex
from losscli.declaration.domains.masks import PixelProbabilities, PixelTargets
from losscli.declaration.equivalent import Equivalent, StatedDifference
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss, Loss
from losscli.errors import UsageError
from tests.registry_cases import DIMS, FURTHER, LOSSES, classes, read_tuples, variants

OF_TENSORS = {
    "torch",
    "torchvision",
    "torchmetrics",
    "pytorch_metric_learning",
    "mmdet",
    "mmpose",
    "open_clip",
    "pycox",
    "monai",
}
"""Libraries whose calls take tensors; others take NumPy arrays."""

PER_LABEL = {"bce": [{"pos_weight": [2.0, 0.5, 3.0]}]}
"""Parameters with a number for each of the K labels of a row."""

STATEMENTS = [(loss, s) for loss in LOSSES for s in loss.statements if isinstance(s, Equivalent)]


class Call(NamedTuple):
    """The expression of a statement: its code, the modules it needs, and the names that are roles or parameters."""

    code: Any
    modules: tuple[str, ...]
    names: frozenset[str]


def parse(loss: Loss, statement: Equivalent) -> Call:
    """Parse the text that users are shown."""
    tree = ast.parse(statement.call, mode="eval")
    known = {role.name for form in loss.forms for role in form.roles} | {p.name for p in loss.parameters}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    dotted = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    modules = {path for path in dotted if path.split(".")[0] in names - known - {"np"} and path.isascii()}
    return Call(
        compile(tree, statement.call, "eval"),
        tuple(sorted(m for m in modules if "(" not in m and "[" not in m)),
        frozenset(names & known),
    )


def is_missing(library: str) -> bool:
    return importlib.util.find_spec(library) is None


def missing(call: Call) -> str:
    """Return the first library that is not installed, or ''."""
    roots = dict.fromkeys(path.split(".")[0] for path in call.modules)
    return next((root for root in roots if is_missing(root)), "")


def namespace(call: Call) -> dict[str, Any]:
    """Import what the expression names."""
    found: dict[str, Any] = {"np": np}
    for path in call.modules:
        parts = path.split(".")
        found[parts[0]] = importlib.import_module(parts[0])
        for i in range(2, len(parts)):
            module = ".".join(parts[:i])
            if importlib.util.find_spec(module) is None:  # a class
                break
            importlib.import_module(module)
    return found


def takes_tensors(call: Call) -> bool:
    return any(path.split(".")[0] in OF_TENSORS for path in call.modules)


def convert(value: Any, tensors: bool) -> Any:
    """Return an argument as the library takes it: lists of numbers are tensors or arrays."""
    if not isinstance(value, np.ndarray | list | tuple):
        return value
    array = np.asarray(value)
    if not tensors:
        return array
    import torch

    return torch.from_numpy(np.array(array))


def evaluate(loss: Loss, statement: Equivalent, arguments: Mapping[str, Any]) -> Any:
    """Return what the library gives."""
    call = parse(loss, statement)
    converted = {name: convert(arguments.get(name), takes_tensors(call)) for name in call.names}
    return eval(call.code, namespace(call) | converted)


def to_numpy(result: Any) -> np.ndarray:
    """Return a result as float64: a number, or one per sample."""
    if hasattr(result, "detach"):
        result = result.detach().cpu().numpy()
    values = np.asarray(result, dtype=float)
    return values.reshape(len(values), -1).mean(axis=1) if values.ndim > 1 else values


# -------------------------------------------------------------------------------------------------- their arguments


def settings_of(loss: Loss, statement: Equivalent) -> list[BoundLoss]:
    """The parameters under which the statement holds: those it names vary, others have their defaults."""
    free = parse(loss, statement).names - set(statement.params)
    tried = [*variants(loss), *FURTHER.get(loss.name, []), *PER_LABEL.get(loss.name, [])]
    single = [{k: v for k, v in read_tuples(params).items() if k in free} for params in tried]
    flags = [{p.name: True} for p in loss.parameters if p.name in free and isinstance(p.default, bool)]
    bound: dict[str, BoundLoss] = {}
    for one, other in itertools.product([*single, *flags], repeat=2):
        with contextlib.suppress(UsageError):  # they do not go together
            setting = loss.bind(one | other | statement.params)
            bound[setting.label] = setting
    if statement.condition:
        scope = {"inf": math.inf}
        return [b for b in bound.values() if eval(statement.condition, scope, dict(b.params))]
    return list(bound.values())


def forms_of(loss: Loss, statement: Equivalent) -> list[Form]:
    """The forms whose roles the statement names and whose shapes are those of the statement."""
    roles = parse(loss, statement).names & {role.name for form in loss.forms for role in form.roles}

    def fits(form: Form) -> bool:
        domains = {role.name: role.domain for role in form.roles}
        return roles <= set(form.names) and all(
            any(shape == s or (s == "N*" and "C" not in shape) for s in domains[name].shapes)
            for name, shape in statement.shapes.items()
        )

    return [form for form in loss.forms if fits(form)][:1] if roles else loss.forms[:1]


def draws(loss: Loss, statement: Equivalent, bound: BoundLoss, seed: int) -> Iterator[dict[str, Any]]:
    """Random arrays for the roles, in each of the shapes that the statement is for."""
    (form,) = forms_of(loss, statement)
    rng = np.random.default_rng(seed)
    dims = DIMS | {"C": classes(bound), "M": classes(bound)}
    elementwise = any(role.domain.shapes[0] == "N*" for role in form.roles)
    shape = next(iter(statement.shapes.values()), "")
    is_per_label = elementwise and any(isinstance(value, tuple) for value in bound.params.values())
    for all_have in [shape] if shape or not elementwise else ["N,K"] if is_per_label else ["N", "N,K"]:
        arrays = {}
        without = {role for role, parameter in loss.alternatives if bound.params[parameter] is not None}
        for role in form.roles:
            if role.name in without:
                continue
            domain = role.domain.with_params(bound.params)
            if form.by_query and role.optional:
                continue  # each row is a query
            if domain.shapes[0] == "N*":
                domain = _with_shape(domain, all_have)
            elif role.name in statement.shapes:
                domain = _with_shape(domain, statement.shapes[role.name])
            arrays[role.name] = domain.sample(rng, dims)
        if bound.params.get("ignore_index") is not None and arrays["y_true"].ndim == 1:
            arrays["y_true"][0] = bound.params["ignore_index"]
        yield restrict(statement.data, arrays)


def _with_shape(domain: Domain, shape: str) -> Domain:
    """Return the domain with one shape; of targets with classes, rows of probabilities."""
    if isinstance(domain, ClassTargets) and shape == "N,C":
        domain = OneHotRows(("N,C",)) if type(domain).__name__ == "OneHotTargets" else Simplex(("N,C",))
    if isinstance(domain, PixelTargets) and shape == "N,P,C":
        return PixelProbabilities()
    if not hasattr(domain, "__dataclass_fields__"):
        raise TypeError(f"{domain} cannot take another shape")
    return replace(domain, shapes=(shape,))


class OneHotRows(Simplex):
    """One-hot rows."""

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> np.ndarray:
        return np.eye(dims["C"])[rng.integers(0, dims["C"], size=dims["N"])]


def restrict(data: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """Return arrays that are of the kind that a statement is for."""
    if data == "counts":
        arrays["y_true"] = np.floor(arrays["y_true"])
    elif data == "targets of 0 too":
        arrays["y_true"].flat[0] = 0.0
    elif data == "numbers >= 0":
        arrays = {name: np.abs(array) for name, array in arrays.items()}
    elif data == "predictions 0 and 1":
        arrays["y_pred"] = np.round(arrays["y_pred"])
        arrays["y_true"][:, 0] = 1.0  # no mask is empty in both
    elif data == "one-hot rows":
        arrays["y_true"] = np.eye(arrays["y_true"].shape[1])[arrays["y_true"].argmax(axis=1)]
    elif data == "probabilities of 0 too":
        labels, p = arrays["y_true"].astype(int), arrays["y_pred"]
        p[0] = 1.0 - labels[0] if p.ndim == 1 else np.eye(p.shape[1])[labels[0] - 1]
    elif data in ("rows of any sums", "predictions of any sums"):
        for name in arrays if data.startswith("rows") else ["y_pred"]:
            arrays[name] = arrays[name] * np.linspace(0.5, 2.0, len(arrays[name]))[:, None]
    elif data == "lower ends below the upper ones":
        arrays["lower"], arrays["upper"] = np.sort([arrays["lower"], arrays["upper"]], axis=0)
    elif data == "full lengths":
        _, frames, _ = arrays["log_probs"].shape
        arrays["input_lengths"] = np.full(len(arrays["targets"]), frames)
        arrays["target_lengths"] = np.full(len(arrays["targets"]), arrays["targets"].shape[1])
    elif data not in ("", "labels 0 and 1"):
        raise ValueError(f"no test knows data that are {data!r}")
    return arrays


# ----------------------------------------------------------------------------------------------------- differences


def arguments_of(
    loss: Loss, statement: Equivalent, difference: StatedDifference
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the roles and the parameters of an example."""
    parameters = {p.name for p in loss.parameters}
    params = dict(statement.params) | {k: v for k, v in difference.inputs.items() if k in parameters}
    roles = {}
    for name, value in difference.inputs.items():
        if name not in parameters:
            domain = next(r.domain for form in loss.forms for r in form.roles if r.name == name)
            array = np.asarray(value)
            is_index = array.ndim == 1 and isinstance(domain, ClassTargets)
            whole = is_index or "length" in name or name == "targets"
            roles[name] = array.astype(np.int64 if whole else float)
    return roles, read_tuples(params)


def library_at(loss: Loss, statement: Equivalent, difference: StatedDifference) -> Any:
    """Return what the library gives for an example: the reduced value, or the gradient of the sum."""
    roles, params = arguments_of(loss, statement, difference)
    arguments = {**loss.bind(params).params, **roles}
    if not difference.gradient:
        result = to_numpy(evaluate(loss, statement, arguments))
        return float(result.mean())
    role = next(form.gradient_role for form in loss.forms)
    call = parse(loss, statement)
    converted = {name: convert(arguments.get(name), True) for name in call.names}
    converted[role].requires_grad_(True)
    result = eval(call.code, namespace(call) | converted)
    total = result * len(converted[role]) if result.ndim == 0 else result.sum()
    total.backward()
    return converted[role].grad.numpy()


def losscli_at(loss: Loss, statement: Equivalent, difference: StatedDifference) -> Any:
    """Return what losscli gives for an example."""
    roles, params = arguments_of(loss, statement, difference)
    result = losscli.compute(loss.name, gradient=difference.gradient, **roles, **params)
    return result.gradient if difference.gradient else result.value


# ------------------------------------------------------------------------------------------------------ estimators


def objectives(loss: Loss, bound: BoundLoss, estimator: Any) -> tuple[Any, Any]:
    """Fit the estimator; return what it says of its objective, and what the loss says of the same fit."""
    return OBJECTIVES[type(estimator).__name__](loss, bound.params, estimator)


ROWS = 40
TO_THE_LAST_DIGIT: dict[str, Any] = {"method": "Nelder-Mead", "options": {"xatol": 1e-7, "fatol": 1e-10}}
Numbers = np.ndarray


def _regression_data() -> tuple[Numbers, Numbers]:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(ROWS, 2))
    return x, x @ [2.0, -1.0] + 0.5 * rng.standard_t(2, size=ROWS)


def _classification_data() -> tuple[Numbers, Numbers]:
    x, y = _regression_data()
    return x, (y > 0).astype(int)


def _losses(loss: Loss, params: Mapping[str, Any], y_true: Numbers, y_pred: Numbers) -> Numbers:
    return losscli.get_loss(loss.name, **params)(y_true, y_pred)


def _descend(loss: Loss, params: Mapping[str, Any], estimator: Any) -> tuple[Numbers, Numbers]:
    """Steps of stochastic gradient descent, a row each, by the estimator and by the gradient of the loss."""
    is_classifier = "Classifier" in type(estimator).__name__
    x, y = _classification_data() if is_classifier else _regression_data()
    estimator.set_params(penalty=None, learning_rate="constant", eta0=0.1, shuffle=False, max_iter=1, tol=None)
    estimator.fit(x, y, coef_init=np.array([[1.0, 1.0]] if is_classifier else [1.0, 1.0]), intercept_init=[0.5])
    gradient = losscli.get_loss(loss.name, **params).gradient
    coef, intercept = np.ones(2), 0.5
    for row, target in zip(x, y, strict=True):
        step = 0.1 * float(gradient([float(target)], [row @ coef + intercept])[0])
        coef, intercept = coef - step * row, intercept - step
    return np.append(estimator.coef_, estimator.intercept_), np.append(coef, intercept)


def _fit_linear(loss: Loss, params: Mapping[str, Any], estimator: Any) -> tuple[Numbers, Numbers]:
    """The coefficients of a penalised linear model, and those that minimise |w|²/2 + C times the sum of the loss."""
    import scipy.optimize

    x, y = _classification_data() if type(estimator).__name__ == "LinearSVC" else _regression_data()
    has_intercept = type(estimator).__name__ == "SVR"
    features = np.column_stack((x, np.ones(ROWS))) if has_intercept else x
    estimator.set_params(tol=1e-9, C=0.5)
    if not has_intercept:
        estimator.set_params(fit_intercept=False, max_iter=1_000_000)
    estimator.fit(x, y)
    fitted = np.append(estimator.coef_, estimator.intercept_)[: features.shape[1]]

    def objective(w: Numbers) -> float:
        return float(w[:2] @ w[:2] / 2 + 0.5 * _losses(loss, params, y, features @ w).sum())

    best = scipy.optimize.minimize(
        objective, fitted + 0.1, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10}
    )
    return np.append(fitted, objective(fitted)), np.append(best.x, best.fun)


def _fit_huber(loss: Loss, params: Mapping[str, Any], estimator: Any) -> tuple[Numbers, Numbers]:
    """Coefficients, intercept and scale, and those that minimise the sum of sigma + 2 sigma huber(e / sigma)."""
    import scipy.optimize

    x, y = _regression_data()
    estimator.set_params(alpha=0.0, tol=1e-10, max_iter=10_000).fit(x, y)
    fitted = np.array([*estimator.coef_, estimator.intercept_, estimator.scale_])

    def objective(w: Numbers) -> float:
        e = (x @ w[:2] + w[2] - y) / w[3]
        return float((w[3] + 2 * w[3] * _losses(loss, params, np.zeros(ROWS), e)).sum())

    best = scipy.optimize.minimize(
        objective, fitted * 1.1, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10}
    )
    return fitted, best.x


def _fit_factors(loss: Loss, params: Mapping[str, Any], estimator: Any) -> tuple[float, float]:
    """The divergence of a factorisation from its data."""
    x = np.random.default_rng(5).gamma(2.0, size=(9, 4))
    estimator.set_params(n_components=2, max_iter=50)
    product = estimator.fit_transform(x) @ estimator.components_
    return estimator.reconstruction_err_**2 / 2, _losses(loss, params, x, product).sum()


def _boost_classes(loss: Loss, params: Mapping[str, Any], estimator: Any) -> tuple[float, float]:
    """The training loss after a few trees."""
    x, y = _classification_data()
    estimator.set_params(n_estimators=3).fit(x, y)
    return estimator.train_score_[-1], _losses(loss, params, y, estimator.decision_function(x)).mean()


def _boost(loss: Loss, params: Mapping[str, Any], estimator: Any) -> tuple[float, float]:
    """The training loss after a few trees, by the metric that belongs to the objective."""
    x, y = _regression_data()
    estimator.set_params(n_estimators=3)
    if type(estimator).__name__ == "XGBRegressor":
        estimator.fit(x, y, eval_set=[(x, y)], verbose=False)
        history = estimator.evals_result()
    else:
        estimator.set_params(verbose=-1, min_child_samples=2).fit(x, y, eval_set=[(x, y)])
        history = estimator.evals_result_
    ((metric,),) = (scores.values() for scores in history.values())
    return metric[-1], _losses(loss, params, y, estimator.predict(x)).mean()


OBJECTIVES = {
    "SGDRegressor": _descend,
    "SGDClassifier": _descend,
    "LinearSVC": _fit_linear,
    "LinearSVR": _fit_linear,
    "SVR": _fit_linear,
    "HuberRegressor": _fit_huber,
    "NMF": _fit_factors,
    "GradientBoostingClassifier": _boost_classes,
    "XGBRegressor": _boost,
    "LGBMRegressor": _boost,
}
"""How to tell that an estimator minimises a loss."""
