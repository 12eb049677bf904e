"""Pictures of losses without data: their curves and gradients."""

from __future__ import annotations

from collections.abc import Sequence

from losscli.declaration.loss import BoundLoss
from losscli.plot.pictures import Picture


def curves_picture(losses: Sequence[BoundLoss], x_range: tuple[float, float] | None = None) -> Picture:
    """Return the picture of the curves of losses, and of their gradients.

    Raises:
        UsageError: A loss has no curve, or the losses have none in common.
    """
    raise NotImplementedError
