"""Papers that several modules of losses refer to."""

from __future__ import annotations

GNEITING_RAFTERY = "Gneiting & Raftery 2007, doi:10.1198/016214506000001437"
