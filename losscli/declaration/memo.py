"""Intermediate results that several losses of a batch share, while a kernel stays a function of its arrays alone."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

BATCH_CACHE: ContextVar[dict[Any, Any] | None] = ContextVar("BATCH_CACHE", default=None)
"""Function and identities of its arrays -> these arrays and the result; None where nothing is shared."""
