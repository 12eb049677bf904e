"""The Python API on losses: get_loss, explain, list_losses."""

from __future__ import annotations

from typing import Any, overload

from losscli import pipeline, registry
from losscli.arguments import LossName, bind_loss_name, plain_parameters, split_losses, typed_name
from losscli.catalogue import entry_of, find_entries
from losscli.data.values import shorten
from losscli.declaration.loss import BoundLoss, Loss
from losscli.declaration.names import normalize_name
from losscli.errors import UsageError
from losscli.explain import Explanation
from losscli.explain import explain as explain_loss
from losscli.explanations import Explanations
from losscli.loss_function import LossFunction
from losscli.messages import Hint


def get_loss(name: LossName, /, **params: Any) -> LossFunction:
    """Return the loss of that name as a function of arrays.

    Args:
        name: A loss as typed on the command line (`"huber:delta=0.5"`), a function from `get_loss`, or a declared loss.
        **params: Parameters of the loss (`delta=0.5`).

    Returns:
        A LossFunction. It stands for the loss wherever one is asked for.

    Raises:
        UsageError: The name or a parameter is unknown, or a value is out of range.

    Examples:
        >>> huber = losscli.get_loss("huber", delta=0.5)
        >>> huber([0.0, 1.0], [2.0, 1.0]).tolist()
        [0.875, 0.0]
        >>> huber.gradient([0.0, 1.0], [2.0, 1.0]).tolist()
        [0.5, 0.0]
        >>> huber.value([0.0, 1.0], [2.0, 1.0], weight=[3, 1])
        0.65625
    """
    loss = bind_loss_name(name)
    if isinstance(loss, BoundLoss):
        if not params:
            return LossFunction(loss)
        loss = typed_name(loss)
    found = pipeline.resolve_losses(loss, plain_parameters(params))
    if len(found) != 1:
        raise UsageError(f"get_loss takes one loss, not {len(found)}")
    return LossFunction(found[0])


def list_losses(text: str | None = None, *, family: str | None = None) -> list[Loss]:
    """Return every loss by family, the common ones first; or those of a family, or those that have a text.

    Args:
        text: A family, or words that are in the names of a loss (also Chinese ones and those of other libraries), in
            its summary or formula.
        family: A family alone.

    Returns:
        Losses as they were declared, with `name`, `aliases`, `family`, `formula`, `summary`, `unit`, `parameters`,
            `properties` and `references`. Each can be called, and passed where a loss is asked for.

    Raises:
        UsageError: There are none.

    Examples:
        >>> [loss.name for loss in losscli.list_losses(family="divergence")][:2]
        ['kl', 'js']
        >>> losscli.list_losses("hinge")[0].formula
        'max(0, margin - y s), y in {-1, 1}'
    """
    losses = registry.all_losses()
    families = {normalize_name(loss.family): loss.family for loss in losses}
    if family is not None:
        wanted = families.get(normalize_name(family)) if isinstance(family, str) else None
        if wanted is None:
            raise UsageError(f"no family {shorten(family)}; they are {', '.join(families)}")
        losses = [loss for loss in losses if loss.family == wanted]
    if text is None:
        return losses
    if not isinstance(text, str):
        raise UsageError(f"the argument of list_losses is text, not {shorten(text)}")
    found = {entry["name"] for entry in find_entries([entry_of(loss) for loss in losses], text)}
    return [loss for loss in losses if loss.name in found]


@overload
def explain(loss: LossName, /) -> Explanation: ...
@overload
def explain(loss: list[Any] | tuple[Any, ...], /) -> Explanations: ...
def explain(loss: Any, /) -> Any:
    """Return everything that is known of a loss: formula, roles, gradient, properties, use, pitfalls, references.

    Args:
        loss: A loss as for `get_loss`; several in a list, or joined by commas, are shown side by side.

    Returns:
        An Explanation, or Explanations of several losses. `print` shows it as text, `to_dict` is the JSON document of
            the command line.

    Raises:
        UsageError: A name or a parameter is unknown, or a value is out of range.

    Examples:
        >>> losscli.explain("huber").summary
        'Squared for small errors, absolute for large ones.'
        >>> [one.loss.unit for one in losscli.explain(["mse", "mae"])]
        ['y²', 'y']
    """
    given = [bind_loss_name(one) for one in split_losses(loss)]
    if not given:
        raise UsageError("no loss is named", Hint.LIST_LOSSES)
    found = tuple(map(explain_loss, pipeline.resolve_losses(given)))
    is_one = len(found) == 1 and isinstance(loss, LossName)
    return found[0] if is_one else Explanations(found)
