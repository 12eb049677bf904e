"""What a declaration may ask for: parameters without default, a role or a parameter, weights, rows that depend on each
other.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pytest

import losscli
from losscli.declaration.domains import FinitePositive, Mask, Number, OrNone, PositiveReal, Real
from losscli.declaration.domains.intervals import FINITE_POSITIVE
from losscli.declaration.loss import Loss, loss, pending
from losscli.evaluation.evaluator import Evaluator
from losscli.explain import explain, parameter_entries
from losscli.loss_function import LossFunction

OptionalPositive = Annotated[float | None, OrNone(Number(FINITE_POSITIVE))]


def declare(kernel: Any, **more: Any) -> Loss:
    """A loss that no registry knows."""
    declared = loss(family="regression", formula="|e|", **more)(kernel)
    pending.remove(declared)
    return declared


def needy(y_true: Real, y_pred: Real, *, level: FinitePositive) -> Any:
    """A loss that needs a level."""
    return level * np.abs(y_pred - y_true)


def spread(y_true: Real, y_pred: Real, df: PositiveReal | None = None, *, nu: OptionalPositive = None) -> Any:
    """A loss that takes a number a row, or one for all."""
    return np.abs(y_pred - y_true) * (nu if df is None else df)


def share(y_true: Real, y_pred: Real, weight: Any, *, whole: Annotated[float, Number()] = 1.0) -> Any:
    """A loss whose rows are shares of the weighted sum."""
    sizes = np.ones(len(y_true)) if weight is None else weight
    return np.abs(y_pred - y_true) * sizes / sizes.sum()


def test_a_required_parameter_has_no_default_and_is_asked_for() -> None:
    declared = declare(needy)
    bare, bound = declared.bind({}), declared.bind({"level": 2.0})
    assert (bare.label, bound.label) == ("needy", "needy:level=2")
    assert LossFunction(bound)([0.0], [3.0]).tolist() == [6.0]
    with pytest.raises(losscli.UsageError, match=r"^needy needs its parameter level, > 0"):
        LossFunction(bare)([0.0], [3.0])
    assert ("level=...", "> 0 and finite; required") in next(
        section.rows for section in explain(declared).sections if section.title == "Parameters"
    )
    assert parameter_entries(declared) == [
        {"name": "level", "default": None, "range": "> 0 and finite", "required": True}
    ]


def test_a_role_or_a_parameter_is_given_not_both_and_not_neither() -> None:
    declared = declare(spread)
    declared.takes_one_of("df", "nu")
    for params, roles in (({"nu": 2.0}, {}), ({}, {"df": [2.0]})):
        assert LossFunction(declared.bind(params))([0.0], [3.0], **roles).tolist() == [6.0]
    choice = r"takes a number for each row \(df\) or one for all \(its parameter nu\): "
    with pytest.raises(losscli.DataError, match=choice + "neither is given"):
        LossFunction(declared.bind({}))([0.0], [3.0])
    with pytest.raises(losscli.DataError, match=choice + "both are given"):
        LossFunction(declared.bind({"nu": 2.0}))([0.0], [3.0], [2.0])


def test_a_kernel_that_ends_in_weight_gets_the_weights_of_the_rows_that_are_there() -> None:
    declared = declare(share, coupled=True)
    assert [role.name for role in declared.forms[0].roles] == ["y_true", "y_pred"]
    function = LossFunction(declared.bind({}))
    assert function([0.0, 0.0], [1.0, 3.0]).tolist() == [0.5, 1.5]
    value = function.value([0.0, 0.0, 0.0], [1.0, 3.0, 9.0], weight=[3.0, 1.0, 0.0], reduction="sum")
    assert value == 3 * 0.75 * 1 + 1 * 0.25 * 3


def test_parameters_say_whether_rows_depend_on_each_other() -> None:
    declared = declare(share, coupled=lambda *, whole: whole > 1)
    coupled = [Evaluator(declared.bind({"whole": whole}), declared.forms[0]).coupled for whole in (0.5, 2.0)]
    assert coupled == [False, True]
    assert declared.forms[0].coupled


def test_hooks_take_weights_if_they_name_them() -> None:
    declared = declare(share, coupled=True)

    @declared.row_mask
    def _(y_true: Any, y_pred: Any, weight: Any, *, whole: float) -> Mask:
        return np.asarray(weight > 1)

    value = LossFunction(declared.bind({})).value([0.0, 0.0], [1.0, 3.0], weight=[3.0, 1.0])
    assert value == 0.75
