"""losscli evaluates losses: the number, the rows behind it, and whether to believe it.

>>> import losscli
>>> losscli.compute("mse", y_true=[3, -0.5, 2, 7], y_pred=[2.5, 0.0, 2, 8]).value
0.375
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from losscli.version import __version__

if TYPE_CHECKING:
    from losscli import domains
    from losscli.api import compare, compute
    from losscli.declaration.checks import Conflict, Refusal, Remark
    from losscli.declaration.equivalent import minimised_by, same, unlike
    from losscli.declaration.loss import loss
    from losscli.declaration.properties import Functional, Property, Reduction, given
    from losscli.errors import ClusterError, DataError, LosscliError, NoResultError, UsageError
    from losscli.lookup import explain, get_loss, list_losses
    from losscli.loss_function import LossFunction
    from losscli.plotting import plot
    from losscli.recommending import recommend
    from losscli.reporting import report
    from losscli.results import Evaluation, LossResult
    from losscli.scoring import Scorer, scorer

_PUBLIC = {
    "losscli.api": ("compare", "compute"),
    "losscli.errors": ("ClusterError", "DataError", "LosscliError", "NoResultError", "UsageError"),
    "losscli.lookup": ("explain", "get_loss", "list_losses"),
    "losscli.loss_function": ("LossFunction",),
    "losscli.plotting": ("plot",),
    "losscli.recommending": ("recommend",),
    "losscli.reporting": ("report",),
    "losscli.results": ("Evaluation", "LossResult"),
    "losscli.scoring": ("Scorer", "scorer"),
    "losscli.declaration.checks": ("Conflict", "Refusal", "Remark"),
    "losscli.declaration.equivalent": ("minimised_by", "same", "unlike"),
    "losscli.declaration.loss": ("loss",),
    "losscli.declaration.properties": ("Functional", "Property", "Reduction", "given"),
}

__all__ = ["__version__", "compare", "compute", "explain", "get_loss", "list_losses", "plot", "recommend"]
__all__ += ["report", "scorer"]
__all__ += ["ClusterError", "DataError", "LosscliError", "NoResultError", "UsageError"]
__all__ += ["Evaluation", "LossFunction", "LossResult", "Scorer"]
# What a loss of one's own is written with
__all__ += ["Conflict", "Functional", "Property", "Reduction", "Refusal", "Remark", "domains", "given", "loss"]
__all__ += ["minimised_by", "same", "unlike"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: `import losscli` alone costs nothing."""
    if name == "domains":
        return importlib.import_module("losscli.domains")
    module = next((module for module, names in _PUBLIC.items() if name in names), None)
    if module is None:
        raise AttributeError(f"module 'losscli' has no attribute {name!r}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return sorted([*__all__, *(name for name in globals() if name.startswith("__") and name not in __all__)])


def _public_function(name: str, home: str = "losscli.api") -> property:
    """Return a property for a function whose name a module has, too: importing the module does not replace it."""
    return property(lambda package: getattr(importlib.import_module(home), name), lambda package, module: None)


class Package(ModuleType):
    """This package, in which `compare`, `explain`, `plot` and `recommend` are functions, and so is `report`."""

    compare = _public_function("compare")
    explain = _public_function("explain", "losscli.lookup")
    plot = _public_function("plot", "losscli.plotting")
    recommend = _public_function("recommend", "losscli.recommending")
    report = _public_function("report", "losscli.reporting")


sys.modules[__name__].__class__ = Package
