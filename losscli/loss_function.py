"""A loss with its parameters, as a function of arrays in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from losscli.data.frames import as_array, check_class_columns, check_column_order, check_identifiers, check_index
from losscli.data.interchange import materialize
from losscli.data.labels import number_compared, number_names
from losscli.data.positions import class_label_role, find_positions, weights_of_samples
from losscli.data.table import Kind, convert
from losscli.declaration.domains import Array, ValueOrigin
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss
from losscli.declaration.row_lists import QUERY
from losscli.errors import DataError, UsageError
from losscli.evaluation.evaluator import Evaluator
from losscli.evaluation.in_memory import BlockEvaluator
from losscli.evaluation.shapes import check_frames, choose_form
from losscli.messages import warn_caller
from losscli.options import EvaluationOptions, UnknownOptionError

if TYPE_CHECKING:
    from losscli.evaluation.queries_in_memory import QueryEvaluator

ReductionName: TypeAlias = Literal["mean", "sum", "median"]


def number_labels(
    form: Form, values: Mapping[str, NDArray[Any]], names: dict[str, int] | None = None
) -> dict[str, NDArray[Any]]:
    """Return the arrays of a form with names as numbers where any text may be a label, if all such roles hold text.

    `names` receives the numbers of names.

    Raises:
        DataError: A text is no number where one is needed.
    """
    domains = {role.name: role.domain for role in form.roles}
    free = [name for name, domain in domains.items() if name in values and domain.accepts_any_label]
    is_named = all(values[name].dtype.kind in "OUST" for name in free)
    codes: dict[str, int] = {} if names is None else names
    found = dict(values)
    for name, array in values.items():
        if array.dtype.kind in "fiub":
            continue
        if name in free and (is_named or domains[name].may_mix_names):
            number = number_compared if domains[name].is_compared else number_names
            found[name] = number(convert(array, Kind.TEXT, "", name, 0), codes)
        else:
            found[name] = convert(array, Kind.NUMBER, "", name, 0)
    return found


class LossFunction:
    """A loss with its parameters, as a function of arrays: `losscli.get_loss` makes it.

    Two are equal if loss and parameters are. `__name__` is the name of the loss, `__doc__` what it is.

    Attributes:
        bound: The loss with all its parameters set; its `label` names it.

    Examples:
        >>> mae = losscli.get_loss("mae")
        >>> mae([1, 2], [1.5, 1]).tolist(), mae.value([1, 2], [1.5, 1])
        ([0.5, 1.0], 0.75)
        >>> mae == losscli.get_loss("l1")
        True
    """

    def __init__(self, bound: BoundLoss) -> None:
        self.bound = bound
        self.__name__ = bound.loss.name
        self.__doc__ = describe(bound)

    @property
    def name(self) -> str:
        """The name of the loss."""
        return self.bound.loss.name

    @property
    def params(self) -> dict[str, Any]:
        """All its parameters, by name."""
        return dict(self.bound.params)

    def plot(self, ax: Any = None) -> Any:
        """Draw the curve of the loss and its gradient with matplotlib, and return the axes.

        Args:
            ax: An Axes, or a sequence of one for each panel; None makes a figure with pyplot.

        Raises:
            UsageError: matplotlib is not installed, the loss has no curve, or `ax` has not an Axes for each panel.
        """
        from losscli.plot.curves import curves_picture
        from losscli.plot.figure import check_matplotlib, draw_figure

        check_matplotlib()
        return draw_figure(curves_picture([self.bound]), ax)

    def __call__(self, *arrays: ArrayLike, **roles: ArrayLike) -> Array:
        """Return the per-sample values (N,) of arrays given in the order of the loss's roles, or by name.

        Class labels (N, T) with scores (N, T, C) or (N, C, T) are N T samples. A missing value gives NaN.

        Args:
            *arrays: The arrays in the order of the loss's roles.
            **roles: Arrays by role.

        Raises:
            UsageError: A keyword is unknown, which is a TypeError as well, or a role is given twice or not at all.
            DataError: Shapes do not fit, or a value is outside of its domain.
        """
        self._check_unweighted(roles, "the per-sample values")
        return self._evaluator("__call__", arrays, roles).per_sample()

    def gradient(self, *arrays: ArrayLike, **roles: ArrayLike) -> Array:
        """Return d(sum of the per-sample values)/d(prediction), in the shape of the prediction.

        Args:
            *arrays: The arrays in the order of the loss's roles.
            **roles: Arrays by role.

        Raises:
            UsageError: The loss has no gradient.
            LosscliError: As for a call.
        """
        self._check_unweighted(roles, "the gradients")
        evaluator = self._evaluator("gradient", arrays, roles)
        gradient, positions = evaluator.gradient(), evaluator.positions
        return gradient if positions is None else positions.unflatten(gradient)

    def value(
        self, *arrays: ArrayLike, weight: ArrayLike | None = None, reduction: ReductionName = "mean", **roles: ArrayLike
    ) -> float:
        """Return the reduced loss (`mean`, `sum`, `median`) without other statistics.

        Args:
            *arrays: The arrays in the order of the loss's roles.
            weight: Sample weights (N,), as for `compute`.
            reduction: How per-sample losses become one number.
            **roles: Arrays by role.

        Raises:
            NoResultError: No row counts: there is none, or all have weight 0.
            LosscliError: As for a call.
        """
        EvaluationOptions(reduction=reduction).check()
        given = roles if weight is None else {**roles, "weight": weight}
        return self._evaluator("value", arrays, given).value(reduction)

    def _check_unweighted(self, roles: Mapping[str, Any], what: str) -> None:
        if roles.get("weight") is not None:
            raise UnknownOptionError(f"weight is for {self.name}.value(): {what} have none, multiply them by it")

    def _name_roles(self, method: str, arrays: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
        """Return role -> array for all that was given.

        Raises:
            UsageError: There are too many arrays, an unknown keyword, or a role twice.
        """
        forms = self.bound.loss.forms
        named = next((form for form in forms if len(form.roles) == len(arrays)), forms[0]).roles
        if len(arrays) > len(named):
            raise UsageError(f"{self.bound.label} takes at most {len(named)} arrays, not {len(arrays)}")
        given = {role.name: array for role, array in zip(named, arrays, strict=False)}
        for key in keywords:
            known = [*dict.fromkeys(role.name for form in forms for role in form.roles), "weight"]
            if key in given:
                raise UnknownOptionError(f"{self.name}() got {key!r} twice: by place and by name")
            if key in self.bound.params:
                raise UnknownOptionError(f"{key} is a parameter of {self.name}: get_loss({self.name!r}, {key}=...)")
            if key not in known:
                function = self.name if method == "__call__" else f"{self.name}.{method}"
                options = ["reduction"] if method == "value" else []
                raise UnknownOptionError.of_keyword(function, key, [*known, *options])
        return {name: array for name, array in {**given, **keywords}.items() if array is not None}

    def _evaluator(
        self, method: str, arrays: Sequence[Any], keywords: Mapping[str, Any]
    ) -> BlockEvaluator | QueryEvaluator:
        named = self._name_roles(method, arrays, keywords)
        given = {name: materialize(array, name) for name, array in named.items()}
        if any(type(value) is not np.ndarray for value in given.values()):
            check_index(given.items(), warn_caller)
            check_column_order(given.items())
            check_identifiers(given.items())
        values = {name: np.atleast_1d(as_array(array, name)) for name, array in given.items()}
        weight = values.pop("weight", None)
        self.bound.check_complete()
        form = choose_form(self.bound, {name: array.shape for name, array in values.items()})
        if form is None or not {role.name for role in form.roles}.issuperset(values):
            forms = self.bound.loss.forms
            wanted = " or ".join("(" + ", ".join(role.name for role in form.roles) + ")" for form in forms)
            raise UsageError(f"{self.bound.label} takes the arrays {wanted}, not ({', '.join(values)})")
        self.bound.check_alternatives(values)
        self.bound.check_form(form)
        query = values.pop(QUERY, None) if form.by_query else None
        names: dict[str, int] = {}
        values = number_labels(form, values, names)
        check_frames(form, {name: array.shape for name, array in values.items()})
        by_row = [role.name for role in form.roles if role.domain.per_row and role.name in values]
        shapes = {name: values[name].shape for name in by_row} | ({} if weight is None else {"weight": weight.shape})
        shapes |= {} if query is None else {QUERY: query.shape}
        sizes = {shape[0] for shape in shapes.values()}
        if len(sizes) > 1:
            raise DataError("shapes differ: " + ", ".join(f"{name} is {shape}" for name, shape in shapes.items()))
        tables = frozenset(name for name in values if name not in by_row)
        label = class_label_role(form)
        if label is not None and values[label].ndim == 1:
            check_class_columns(given.get("y_pred"))
        positions = find_positions({name: array.shape for name, array in values.items()}, label)
        if positions is not None and label is not None:
            values = positions.flatten(values, label)
        if weight is not None:
            weight = convert(weight, Kind.NUMBER, "", "weight", 0)
            weight = weight[:, 0] if weight.shape[1:] == (1,) else weight
            if positions is not None:
                weight = weights_of_samples(weight, positions.axes)
            elif weight.ndim > 1:
                raise DataError("weight: one number per row is needed, not several columns")
        if form.by_query and (queries := self._queries(form, values, query, weight)) is not None:
            return queries
        rows = sizes.pop() * (1 if positions is None else positions.per_row)
        return BlockEvaluator(Evaluator(self.bound, form), values, tables, rows, positions, weight, names)

    def _queries(
        self, form: Form, values: Mapping[str, NDArray[Any]], query: NDArray[Any] | None, weight: Array | None
    ) -> QueryEvaluator | None:
        """Return the loss on arrays whose rows are gathered into queries, None where each row is a query.

        Raises:
            UsageError: Rows that are queries have a query.
        """
        from losscli.data.coded_text import encode
        from losscli.data.queries import refuse_fractions
        from losscli.evaluation.queries_in_memory import QueryEvaluator

        if any(array.shape[1:] not in ((), (1,)) for array in values.values()):
            if query is not None:
                raise UsageError(f"each row is a query, as there are several scores a row: leave out {QUERY}")
            return None
        rows = len(next(iter(values.values())))
        keys = None if query is None else encode(query.reshape(-1))
        if keys is not None:
            refuse_fractions(keys, ValueOrigin(QUERY, rows=range(1, rows + 1)))
        return QueryEvaluator(Evaluator(self.bound, form), values, keys, rows, weight)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LossFunction):
            return NotImplemented
        return (self.bound.loss, self.bound.canonical) == (other.bound.loss, other.bound.canonical)

    def __hash__(self) -> int:
        return hash(self.bound.canonical)

    def __repr__(self) -> str:
        return f"<loss {self.bound.label}>"


def describe(bound: BoundLoss) -> str:
    """Return what a loss is: its summary, formula, forms and parameters."""
    loss = bound.loss
    calls = [f"{loss.name}({', '.join(form.names)})" for form in loss.forms]
    params = [f"Parameters: {', '.join(f'{key}={value!r}' for key, value in bound.params.items())}"]
    parts = [loss.summary, f"Formula: {loss.formula}", f"Call: {' or '.join(calls)}", *(params if bound.params else [])]
    return "\n\n".join(parts)
