"""Every loss by name and alias; unknown names with suggestions; plugins."""

from __future__ import annotations

import copyreg
import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from losscli.declaration.grammar import LossSpec, normalize_name
from losscli.declaration.loss import BoundLoss, Loss, checked, pending, unwrap
from losscli.errors import UsageError
from losscli.losses import ENTRY_POINT_GROUP, MODULES, modules_found
from losscli.losses._index import NAMES_BY_MODULE
from losscli.messages import Hint, did_you_mean_path
from losscli.signals import check_signals

_by_name: dict[str, Loss] = {}


def all_losses() -> list[Loss]:
    """Return every loss: the catalogue's file by file, then others, in the order of declaration."""
    _load_entry_points()
    _register_pending()
    order = {f"losscli.losses.{name}": i for i, name in enumerate(MODULES)}
    last = len(order)
    return sorted(
        dict.fromkeys(_by_name.values()),
        key=lambda loss: last + 1 if not loss.in_catalogue else order.get(loss.module, last),
    )


def _register_pending(names: Iterable[str] = ()) -> None:
    """Add the losses declared since the last call, and those of the catalogue: the modules of these names, or all.

    Raises:
        UsageError: A name is that of another loss.
    """
    modules = {next((m for m, known in NAMES_BY_MODULE.items() if name in known.split()), None) for name in names}
    if pending or not modules or None in modules:
        _load_catalogue()
    else:
        for module in modules:
            importlib.import_module(f"losscli.losses.{module}")
    while pending:
        loss = pending.pop(0)
        names = names_of(loss)
        for name in names:
            other = _by_name.get(name)
            if other is not None and (other.name, other.module) != (loss.name, loss.module):
                raise UsageError(f"{name!r} is already the loss {other.name} of {other.module}")
        _by_name.update(dict.fromkeys(names, loss))


def names_of(loss: Loss) -> list[str]:
    """Return the name and the aliases of a loss, as they are looked up."""
    return [normalize_name(name) for name in (loss.name, *loss.aliases)]


@functools.cache
def _load_catalogue() -> None:
    own, pending[:] = pending[:], []  # the catalogue comes first: nothing may take its names
    for module in modules_found():
        importlib.import_module(f"losscli.losses.{module}")
    pending.extend(own)


@functools.cache
def _load_entry_points() -> None:
    """Load installed plugins. It takes time: it is done only for an unknown name or for a list of all losses."""
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            point.load()
        except Exception as error:
            raise UsageError(f"plugin {point.name} ({point.value}) cannot be loaded: {error}") from error


def load_plugin(path: str) -> None:
    """Run a Python file and register the losses that it declares.

    Raises:
        UsageError: There is no such file, or it fails.
    """
    from pathlib import Path

    file, option = Path(path), ("plugin", path)
    if not file.is_file():
        raise UsageError(f"no such file{did_you_mean_path(path)}", option=option)
    name = f"losscli_plugin_{file.stem}"
    module_spec = importlib.util.spec_from_file_location(name, file)
    if module_spec is None or module_spec.loader is None:
        raise UsageError("not a Python file (its name must end in .py)", option=option)
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module
    try:
        module_spec.loader.exec_module(module)
        _register_pending()
    except UsageError as error:
        raise UsageError(str(error), option=option) from error
    except (Exception, SystemExit) as error:
        check_signals()
        raise UsageError(f"{type(error).__name__}: {error}", option=option) from error


@functools.cache
def source_of(loss: Loss) -> bytes:
    """Return the source of a loss that is not in the catalogue: its file, else the function, else its bytecode."""
    import inspect
    from pathlib import Path

    function = unwrap(loss.forms[0].kernel)
    code = getattr(function, "__code__", None)
    if code is None:  # compiled
        return repr((function.__module__, function.__qualname__)).encode()
    try:
        return Path(code.co_filename).read_bytes()
    except (OSError, ValueError):  # it was typed, as in a notebook
        pass
    try:
        return inspect.getsource(function).encode()
    except (OSError, TypeError):
        return bytes(code.co_code) + repr(code.co_consts).encode()


def is_known(name: str) -> bool:
    """Return whether a loss has this name or alias."""
    return name in _by_name or any(name in known.split() for known in NAMES_BY_MODULE.values())


def find(name: str) -> Loss:
    """Return the loss of a name or alias.

    Raises:
        UsageError: There is none; the message has suggestions.
    """
    return resolve([LossSpec(normalize_name(name), {})])[0].loss


def resolve(specs: Sequence[LossSpec], shared: Mapping[str, Any] | None = None) -> list[BoundLoss]:
    """Look up losses as typed and set their parameters; `shared` ones are for each loss that has them.

    Raises:
        UsageError: Losses or parameters are unknown, all of which it names, or a value is out of range.
    """
    shared = shared or {}
    _register_pending([spec.name for spec in specs])
    if any(spec.name not in _by_name for spec in specs):
        _load_entry_points()
        _register_pending()
    problems = [_unknown("loss", spec.name, _by_name) for spec in specs if spec.name not in _by_name]
    found = [(_by_name[spec.name], spec.params) for spec in specs if spec.name in _by_name]
    known = {loss.name: [parameter.name for parameter in loss.parameters] for loss, _ in found}
    for loss, params in found:
        names = known[loss.name]
        problems += [_unknown(f"parameter of {loss.name}", key, names) for key in params if key not in names]
        problems += _contradictions(loss, params, shared)
    if len(found) == len(specs):
        every = {name for names in known.values() for name in names}
        problems += [_unknown(f"parameter of {', '.join(known)}", key, every) for key in shared if key not in every]
    if problems:
        is_unknown = any(text.startswith("unknown") for text in problems)
        hint = Hint.LIST_LOSSES if is_unknown and "?" not in problems[-1] else None
        raise UsageError("; ".join(dict.fromkeys(problems)), hint)
    bound = [
        loss.bind({key: value for key, value in shared.items() if key in known[loss.name]} | params)
        for loss, params in found
    ]
    return list({loss.canonical: loss for loss in bound}.values())


def _contradictions(loss: Loss, params: Mapping[str, Any], shared: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a parameter has one value with the loss and another for all losses."""
    for parameter in loss.parameters:
        if (key := parameter.name) in params and key in shared:
            values = [checked(loss.name, parameter, typed[key]) for typed in (params, shared)]
            if values[0] != values[1]:
                texts = [parameter.domain.text(value) for value in values]
                yield f"{loss.name}: {key} is {texts[0]} with the loss and {texts[1]} for all losses; leave one out"


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    import difflib

    names = sorted(known)
    close = _suggest_losses(name) if kind == "loss" else difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f"unknown {kind}: {name!r} (did you mean {', '.join(close)}?)"
    if kind == "loss":
        return f"unknown {kind}: {name!r}"
    return f"unknown {kind}: {name!r} (it has {', '.join(names) if names else 'none'})"


def _suggest_losses(name: str) -> list[str]:
    """Return losses that an unknown name may mean, also as other libraries write it (`KLDivLoss`, `mse_loss`)."""
    import difflib

    bare = {squashed: loss.name for key, loss in _by_name.items() if (squashed := _squash(key))}
    wanted = _squash(name)
    if wanted in bare:
        return [bare[wanted]]
    found = [own for key, own in bare.items() if len(wanted) > 2 and key.startswith(wanted)]
    found += [_by_name[key].name for key in difflib.get_close_matches(name, sorted(_by_name), n=3, cutoff=0.6)]
    found += [bare[key] for key in difflib.get_close_matches(wanted, sorted(bare), n=3, cutoff=0.6)]
    return list(dict.fromkeys(found))[:3]


def _squash(name: str) -> str:
    """Return a name without underscores and a final "loss"."""
    return name.replace("_", "").removesuffix("loss")


def _reduce(loss: Loss) -> str | tuple[Any, ...]:
    """Send a loss of the catalogue by its name: its kernel's name stands for the loss, so it cannot be pickled."""
    return (find, (loss.name,)) if loss.in_catalogue else loss.__reduce_ex__(2)


copyreg.pickle(Loss, _reduce)  # not a method of Loss, which knows nothing of the registry
