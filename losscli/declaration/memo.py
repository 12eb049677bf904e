"""What several losses of a batch need is worked out once, while a kernel stays a function of its arrays and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

_known: ContextVar[dict[Any, Any] | None] = ContextVar("known", default=None)


@contextmanager
def batch_cache() -> Iterator[None]:
    """Within it, in this thread, what `shared` functions gave for some arrays is what they give for them again."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def cached_per_batch(function: Callable[P, R]) -> Callable[P, R]:
    """A function of arrays alone, whose result nobody writes to: several losses may be given the same one."""

    @wraps(function)
    def wrapper(*arrays: P.args, **none: P.kwargs) -> R:
        known = _known.get()
        if known is None:
            return function(*arrays, **none)
        key = (function, *map(id, arrays))
        if key not in known:  # the arrays are kept with it, so that no other gets their identity
            known[key] = arrays, _frozen(function(*arrays, **none))
        result: R = known[key][1]
        return result

    return wrapper


def _frozen(result: Any) -> Any:
    for array in result if isinstance(result, tuple) else (result,):
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return result
