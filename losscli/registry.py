"""Every loss by name, alias and family; unknown names with suggestions; plugins."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from losscli.declaration import grammar
from losscli.declaration.grammar import LossSpec, RawValue
from losscli.declaration.loss import BoundLoss, Loss, _pending
from losscli.errors import UsageError
from losscli.losses import MODULES
from losscli.losses._index import module_of

ENTRY_POINT_GROUP = "losscli.losses"

_by_name: dict[str, Loss] = {}


def all_losses() -> list[Loss]:
    """Every loss: the catalogue's file by file, then others, in the order of declaration."""
    _load_entry_points()
    _register_pending()
    order = {f"losscli.losses.{name}": i for i, name in enumerate(MODULES)}
    last = len(order)
    return sorted(
        dict.fromkeys(_by_name.values()),
        key=lambda loss: last + 1 if not loss.in_catalogue else order.get(loss.module, last),
    )


def _register_pending(names: Iterable[str] = ()) -> None:
    """Add the losses that were declared since, and the catalogue's: those of these names, or all.

    Raises:
        UsageError: a name is that of another loss.
    """
    homes = {module_of(name) for name in names}
    if _pending or not homes or None in homes:
        _load()
    else:
        for home in homes:
            importlib.import_module(f"losscli.losses.{home}")
    while _pending:
        loss = _pending.pop(0)
        names = [grammar.normal(name) for name in (loss.name, *loss.aliases)]
        for name in names:
            other = _by_name.get(name)
            if other is not None and (other.name, other.module) != (loss.name, loss.module):
                raise UsageError(f"{name!r} is already the loss {other.name} of {other.module}")
        _by_name.update(dict.fromkeys(names, loss))


@functools.cache
def _load() -> None:
    mine, _pending[:] = _pending[:], []  # the catalogue comes first: nothing may take its names
    import pkgutil

    package = importlib.import_module("losscli.losses")
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"losscli.losses.{module.name}")
    _pending.extend(mine)


@functools.cache
def _load_entry_points() -> None:
    """Installed plugins: looked for only when a name is not in the catalogue, because looking takes time."""
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            point.load()
        except Exception as error:
            raise UsageError(f"plugin {point.name} ({point.value}) cannot be loaded: {error}") from error


def load_plugin(path: str) -> ModuleType:
    """Run a Python file so that the losses it declares are known from then on.

    Raises:
        UsageError: there is no such file, or it fails.
    """
    from pathlib import Path

    file = Path(path)
    if not file.is_file():
        raise UsageError(f"--plugin {path}: no such file")
    name = f"losscli_plugin_{file.stem}"
    module_spec = importlib.util.spec_from_file_location(name, file)
    if module_spec is None or module_spec.loader is None:
        raise UsageError(f"--plugin {path}: not a Python file (its name must end in .py)")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module
    try:
        module_spec.loader.exec_module(module)
        _register_pending()
    except UsageError as error:
        raise UsageError(f"--plugin {path}: {error}") from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"--plugin {path}: {type(error).__name__}: {error}") from error
    return module


# ------------------------------------------------------------------------------------------------ look-ups


def known(name: str) -> bool:
    """Whether a loss goes by that name."""
    _register_pending([name])
    return name in _by_name


def find(name: str) -> Loss:
    """The loss of that name or alias, or a UsageError with suggestions."""
    return resolve([LossSpec(grammar.normal(name), {})])[0].loss


def resolve(requests: Sequence[LossSpec], shared: Mapping[str, Any] | None = None) -> list[BoundLoss]:
    """Look up losses and set their parameters; every unknown name is reported in one UsageError.

    Args:
        requests: losses as typed or asked for.
        shared: parameters for each loss that has them (`-P`); one that none has is an error.
    """
    _register_pending([request.name for request in requests])
    if any(request.name not in _by_name for request in requests):
        _load_entry_points()
        _register_pending()
    shared = shared or {}
    problems = [_unknown("loss", r.name, _by_name) for r in requests if r.name not in _by_name]
    found = [(r, _by_name[r.name]) for r in requests if r.name in _by_name]
    for request, loss in found:
        names = [p.name for p in loss.parameters]
        problems += [_unknown(f"parameter of {loss.name}", key, names) for key in request.params if key not in names]
    if len(found) == len(requests):
        every = {p.name for _, loss in found for p in loss.parameters}
        kind = f"parameter of {', '.join(dict.fromkeys(loss.name for _, loss in found))}"
        problems += [_unknown(kind, key, every) for key in shared if key not in every]
    if problems:
        raise UsageError("; ".join(dict.fromkeys(problems)) + ("" if "?" in problems[-1] else "; see 'losscli list'"))
    bound = [loss.bind(_merged(loss, shared, request.params)) for request, loss in found]
    return list({loss.canonical: loss for loss in bound}.values())


def _merged(loss: Loss, shared: Mapping[str, Any], own: Mapping[str, RawValue]) -> dict[str, Any]:
    names = {p.name for p in loss.parameters}
    return {key: value for key, value in shared.items() if key in names} | dict(own)


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    import difflib

    names = sorted(known)
    close = _suggest(name) if kind == "loss" else difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f"unknown {kind}: {name!r} (did you mean {', '.join(close)}?)"
    if kind == "loss":
        return f"unknown {kind}: {name!r}"
    return f"unknown {kind}: {name!r} (it has {', '.join(names) if names else 'none'})"


def _suggest(name: str) -> list[str]:
    """Losses that an unknown name may stand for: as it is, or as other libraries write it (`KLDivLoss`, `mse_loss`)."""
    import difflib

    bare = {squeezed: loss.name for key, loss in _by_name.items() if (squeezed := _squash(key))}
    wanted = _squash(name)
    if wanted in bare:
        return [bare[wanted]]
    found = [own for key, own in bare.items() if len(wanted) > 2 and key.startswith(wanted)]
    found += [_by_name[key].name for key in difflib.get_close_matches(name, sorted(_by_name), n=3, cutoff=0.6)]
    found += [bare[key] for key in difflib.get_close_matches(wanted, sorted(bare), n=3, cutoff=0.6)]
    return list(dict.fromkeys(found))[:3]


def _squash(name: str) -> str:
    """A name without what says only that it is one of a loss."""
    return name.replace("_", "").removesuffix("loss")
