"""Pictures drawn by matplotlib."""

from __future__ import annotations

from typing import Any

from losscli.plot.pictures import Picture


def draw_figure(picture: Picture, ax: Any = None) -> Any:
    """Draw a picture and return its axes: one of matplotlib's Axes, or an array of them for several panels.

    `ax` is an Axes or a sequence of as many as there are panels; None makes a figure.
    """
    raise NotImplementedError


def save_figure(picture: Picture, format: str) -> bytes:
    """Return a picture as the bytes of an SVG, PNG or PDF file; the same for the same picture."""
    raise NotImplementedError
