"""losscli evaluates losses: the number, the rows behind it, and whether to believe it.

>>> import losscli
>>> losscli.compute("mse", y_true=[3, -0.5, 2, 7], y_pred=[2.5, 0.0, 2, 8]).value
0.375
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from losscli.version import __version__

if TYPE_CHECKING:
    from losscli.api import LossFunction, compare, compute, get_loss, list_losses, recommend
    from losscli.errors import ClusterError, DataError, LosscliError, NoResultError, UsageError
    from losscli.results import Evaluation, LossResult
    from losscli.spec import Property, Reduction, loss

_HOMES = {
    "losscli.api": ("LossFunction", "compare", "compute", "get_loss", "list_losses", "recommend"),
    "losscli.errors": ("ClusterError", "DataError", "LosscliError", "NoResultError", "UsageError"),
    "losscli.results": ("Evaluation", "LossResult"),
    "losscli.spec": ("Property", "Reduction", "loss"),
}

__all__ = [
    "ClusterError", "DataError", "Evaluation", "LossFunction", "LossResult", "LosscliError", "NoResultError",
    "Property", "Reduction", "UsageError", "__version__", "compare", "compute", "get_loss", "list_losses", "loss",
    "recommend",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: `import losscli` alone costs nothing."""
    import importlib

    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'losscli' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value
