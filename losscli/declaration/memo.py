"""Intermediate results that several losses of a batch share, while a kernel stays a function of its arrays alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

BATCH_CACHE: ContextVar[dict[Any, Any] | None] = ContextVar("BATCH_CACHE", default=None)
"""Function and identities of its arrays -> these arrays and the result; None outside of a batch."""


@contextmanager
def batch_cache() -> Iterator[None]:
    """Keep the results of functions that are `cached_per_batch`, in this thread, for as long as the context lasts."""
    token = BATCH_CACHE.set({})
    try:
        yield
    finally:
        BATCH_CACHE.reset(token)
