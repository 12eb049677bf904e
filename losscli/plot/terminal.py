"""Pictures as text, for terminals and pipes."""

from __future__ import annotations

from losscli.plot.pictures import Picture


def draw_text(picture: Picture, width: int = 80, colour: bool = False) -> str:
    """Return a picture as lines of text of at most `width` characters."""
    raise NotImplementedError
