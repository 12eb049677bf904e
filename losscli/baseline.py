"""An earlier result as a baseline, and how far each value has moved since."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from losscli.data.files import ENDINGS_OF_PACKED_FILES, Input
from losscli.errors import DataError, UsageError
from losscli.messages import Hint, did_you_mean_path
from losscli.result_base import Baseline
from losscli.result_names import ResultKey, group_columns, result_name
from losscli.results import Evaluation, LossResult
from losscli.signature import split_signature

NOTED = ("n", "losscli")
"""The parts of a signature that may differ: they do not change what the number means."""

MOST_NAMES = 10
"""How many results a message names."""


@dataclass(frozen=True)
class BaselineFile:
    """The losses of an earlier JSON result."""

    path: str
    losses: Mapping[ResultKey, Mapping[str, Any]]

    def attach_to(self, evaluation: Evaluation, note: Callable[[str], None]) -> Evaluation:
        """Return the evaluation with the earlier value of each loss, and what only the file has of these losses.

        Another number of rows, another version or date are notes.

        Raises:
            UsageError: A loss was evaluated in another way there: other weights, classes, reduction.
        """
        notes: list[str] = []
        losses = tuple(self._attach(result, notes) for result in evaluation)
        for text in dict.fromkeys(notes):
            note(f"{self.path}: {text}")
        keys, labels = {result.key for result in evaluation}, {result.label for result in evaluation}
        only_before = tuple(key for key in self.losses if key[0] in labels and key not in keys)
        return replace(evaluation, losses=losses, only_in_baseline=only_before)

    def _attach(self, result: LossResult, notes: list[str]) -> LossResult:
        found = self.losses.get(result.key)
        if found is None:
            known = list(dict.fromkeys(map(result_name, self.losses)))
            more = f" and {len(known) - MOST_NAMES} more" if len(known) > MOST_NAMES else ""
            notes.append(f"has no {result.full_name}; it has {', '.join(known[:MOST_NAMES])}{more}")
            return replace(result, baseline=Baseline(None, result.value))
        then, now = split_signature(str(found["signature"])), split_signature(result.signature)
        differing = [key for key in dict.fromkeys([*then, *now]) if then.get(key) != now.get(key)]
        words = {key: f"{key} was {then.get(key, 'none')}, is {now.get(key, 'none')}" for key in differing}
        if refused := [text for key, text in words.items() if key not in NOTED]:
            problem = f"{result.full_name} is not the same number: {'; '.join(refused)}"
            raise UsageError(problem, option=("baseline", self.path))
        if words:
            notes.append(f"of {result.full_name}, {'; '.join(words.values())}")
        before = found["value"]
        return replace(result, baseline=Baseline(None if before is None else float(before), result.value))


def read(path: str) -> BaselineFile:
    """Read a result that was written as JSON.

    Raises:
        DataError: The file cannot be read, or is no such result.
    """
    try:
        document = json.loads(_read_text(path), object_pairs_hook=_object)
    except OSError as error:
        meant = did_you_mean_path(path) if isinstance(error, FileNotFoundError) else ""
        raise DataError(f"{error.strerror or error}{meant}", option=("baseline", path)) from error
    except RecursionError as error:
        raise DataError("is not a result of losscli", Hint.WRITE_BASELINE, option=("baseline", path)) from error
    except ValueError as error:
        raise DataError(f"is not JSON ({error})", Hint.WRITE_BASELINE, option=("baseline", path)) from error
    losses = document.get("losses") if isinstance(document, dict) else None
    if not isinstance(losses, list) or not all(map(_is_loss, losses)):
        raise DataError("is not a result of losscli", Hint.WRITE_BASELINE, option=("baseline", path))
    by_key = {_key(loss): loss for loss in losses}
    if len(by_key) < len(losses):
        keys = [_key(loss) for loss in losses]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DataError(f"has {result_name(twice)} more than once", option=("baseline", path))
    return BaselineFile(path, by_key)


def _read_text(path: str) -> str:
    """Return the text of a file, which may be compressed, as an output may be."""
    if os.path.splitext(path)[1].lower() not in ENDINGS_OF_PACKED_FILES:
        with open(path, encoding="utf-8") as file:
            return file.read()
    with closing(Input(path)) as source:
        return source.stream.read().decode("utf-8")


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        ValueError: It has two values for a key.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"two values for {next(name for name in names if names.count(name) > 1)!r}")
    return found


def _is_loss(entry: Any) -> bool:
    """Return whether an entry has what is read of it, of the types that are written."""
    if not isinstance(entry, dict) or not {"loss", "value", "signature"} <= set(entry):
        return False
    value, group = entry["value"], entry.get("group") or {}
    texts = [
        entry["loss"],
        entry["signature"],
        entry.get("model", ""),
        *(group.values() if type(group) is dict else [0]),
    ]
    return all(type(text) is str for text in texts) and (
        value is None or (type(value) in (int, float) and abs(value) <= sys.float_info.max)
    )


def _key(entry: Mapping[str, Any]) -> ResultKey:
    return entry["loss"], tuple(group_columns(entry.get("group") or {}, entry.get("model")).items())
