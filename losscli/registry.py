"""Every loss by name and alias; unknown names with suggestions; plugins."""

from __future__ import annotations

import copyreg
import functools
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from losscli.declaration.equivalent import Equivalent
from losscli.declaration.form import unwrap
from losscli.declaration.grammar import LossSpec, parse_specs
from losscli.declaration.loss import BoundLoss, Loss, checked, pending
from losscli.declaration.names import match_squashed, names_by_squashed, normalize_name, squash_name
from losscli.errors import UsageError
from losscli.losses import ENTRY_POINT_GROUP, MODULES, modules_found, place_in_list
from losscli.losses._index import NAMES_BY_MODULE
from losscli.messages import Hint, close_names, cut_text, did_you_mean_path
from losscli.signals import check_signals

_by_name: dict[str, Loss] = {}


def all_losses() -> list[Loss]:
    """Return every loss by family, the common ones first, in each those of plugins last."""
    _load_entry_points()
    _register_pending()
    order = {f"losscli.losses.{name}": i for i, name in enumerate(MODULES)}
    last = len(order)

    def place(loss: Loss) -> tuple[int, ...]:
        of_file = last + 1 if not loss.in_catalogue else order.get(loss.module, last)
        return (*place_in_list(loss.name, loss.family), of_file)

    return sorted(dict.fromkeys(_by_name.values()), key=place)


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
    meant = _look_up([spec.name for spec in specs])
    problems = [_unknown_loss(name, losses) for name, losses in meant.items() if len(losses) != 1]
    found = [(meant[spec.name][0], spec.params) for spec in specs if len(meant[spec.name]) == 1]
    known = {loss.name: [parameter.name for parameter in loss.parameters] for loss, _ in found}
    for loss, params in found:
        names = known[loss.name]
        problems += [_unknown_parameter(f"of {loss.name}", key, names) for key in params if key not in names]
        problems += _contradictions(loss, params, shared)
    if len(found) == len(specs):
        every = {name for names in known.values() for name in names}
        problems += [_unknown_parameter(f"of {', '.join(known)}", key, every) for key in shared if key not in every]
    if problems:
        is_unknown = any(text.startswith("unknown") for text in problems)
        is_explained = problems[-1].endswith(")")
        hint = Hint.LIST_LOSSES if is_unknown and not is_explained else None
        raise UsageError("; ".join(dict.fromkeys(problems)), hint)
    bound = [
        loss.bind({key: value for key, value in shared.items() if key in known[loss.name]} | params)
        for loss, params in found
    ]
    return list({loss.canonical: loss for loss in bound}.values())


def losses_called(name: str) -> list[Loss]:
    """Return the losses that a name means: one; none if it is unknown, and several if it is that of several."""
    return _look_up([name])[name]


def label_of(text: str) -> str:
    """Return the label of a loss as typed, as `huber` of `Huber Loss`; the text if it is not a loss."""
    try:
        (bound,) = resolve(parse_specs(text))
    except (UsageError, ValueError):  # no loss, or several
        return text
    return bound.label


def _look_up(names: Sequence[str]) -> dict[str, list[Loss]]:
    """Return the losses that each name means: one, but none if it is unknown, and several if it is that of several.

    A name of the catalogue reads the module of that loss alone. Any other may be one of a plugin.
    """
    if pending:
        _register_pending()
    if not all(map(is_known, names)):
        _load_entry_points()
    keys = _meant_names(names)
    if not all(keys.values()):  # the index may lack some
        _register_pending()
        keys = _meant_names(names)
    _register_pending([key for found in keys.values() for key in found])
    return {name: list(dict.fromkeys(_by_name[key] for key in found)) for name, found in keys.items()}


def _meant_names(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the names and aliases that each name means: none of a score, as f1, though f1_loss is a loss."""
    if pending:
        _register_pending()
    if all(map(is_known, names)):
        return {name: [name] for name in names}
    known = [*_by_name, *(name for several in NAMES_BY_MODULE.values() for name in several.split())]
    by_squashed = names_by_squashed(dict.fromkeys(known))
    from losscli.losses._other_names import is_no_loss

    return {
        name: [] if squash_name(name) not in by_squashed and is_no_loss(name) else match_squashed(name, by_squashed)
        for name in names
    }


def means_loss(name: str) -> bool:
    """Return whether a name, as loosely as it may be typed, means a loss or several."""
    return is_known(name) or bool(_meant_names([name])[name])


def _contradictions(loss: Loss, params: Mapping[str, Any], shared: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a parameter has one value with the loss and another for all losses."""
    for parameter in loss.parameters:
        if (key := parameter.name) in params and key in shared:
            values = [checked(loss.name, parameter, typed[key]) for typed in (params, shared)]
            if values[0] != values[1]:
                texts = [cut_text(parameter.domain.text(value)) for value in values]
                yield f"{loss.name}: {key} is {texts[0]} with the loss and {texts[1]} for all losses; leave one out"


def _unknown_parameter(of: str, name: str, known: Iterable[str]) -> str:
    from losscli.losses._other_names import PARAMETERS_ELSEWHERE

    names = sorted(known)
    if (meant := PARAMETERS_ELSEWHERE.get(normalize_name(name))) in names:
        return f"unknown parameter {of}: {name!r} (did you mean {meant}?)"
    if close := close_names(name, names, 3):
        return f"unknown parameter {of}: {name!r} (did you mean {', '.join(close)}?)"
    return f"unknown parameter {of}: {name!r} (it has {', '.join(names) if names else 'none'})"


def _unknown_loss(name: str, several: Sequence[Loss]) -> str:
    """Return why a name means no loss, or not one alone."""
    from losscli.losses._other_names import what_is_meant

    if several:
        return f"{name!r} may be {' or '.join(loss.name for loss in several)}: give the name of one"
    losses = all_losses()
    own = {alias: loss.name for loss in losses for alias in (loss.name, *loss.aliases)}
    statements = [(loss.name, one) for loss in losses for one in loss.statements if isinstance(one, Equivalent)]
    return f"unknown loss: {cut_text(name)!r}{_mistyped(name, losses) or what_is_meant(name, own, statements)}"


def _mistyped(name: str, losses: Sequence[Loss]) -> str:
    """Return what was meant by losses joined by other signs, in brackets or quotes, or with a parameter, or ''."""
    pieces = [piece for piece in re.split(r"[;+/|&\s]+", name.strip("'\"`‘’“”「」[](){} ")) if piece]
    if pieces and "".join(pieces) != name and all(map(means_loss, pieces)):
        return f" (did you mean {','.join(pieces)}?)"
    called = re.fullmatch(r"(\w+)[(\[{](\w+=[^)\]}]+)[)\]}]?", name)
    if called and means_loss(called[1]):
        return f" (did you mean {called[1]}:{called[2]}?)"
    key, equals, _ = name.partition("=")
    having = [loss.name for loss in losses if key in [parameter.name for parameter in loss.parameters]]
    return f" (a parameter follows its loss, as in {having[0]}:{name})" if equals and having else ""


def _reduce(loss: Loss) -> str | tuple[Any, ...]:
    """Send a loss of the catalogue by its name: its kernel's name stands for the loss, so it cannot be pickled."""
    return (find, (loss.name,)) if loss.in_catalogue else loss.__reduce_ex__(2)


copyreg.pickle(Loss, _reduce)  # not a method of Loss, which knows nothing of the registry
