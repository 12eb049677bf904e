"""An earlier result as a baseline: how far each number has moved since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from losscli.errors import DataError, UsageError
from losscli.results import Baseline, Evaluation, LossResult

WRITES = "'losscli compute ... -o old.json' writes one"

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A loss by its label, and the group and model that it is of."""


@dataclass(frozen=True)
class BaselineFile:
    """The losses of an earlier JSON result."""

    path: str
    losses: Mapping[Key, Mapping[str, Any]]

    def attach_to(self, evaluation: Evaluation) -> Evaluation:
        """The evaluation with the earlier value beside each of its own.

        Raises:
            UsageError: a loss that is not there, or whose signature is another.
        """
        return replace(evaluation, losses=tuple(self._attach(result) for result in evaluation))

    def _attach(self, result: LossResult) -> LossResult:
        found = self.losses.get(result.key)
        if found is None:
            known = ", ".join(dict.fromkeys(_text(key) for key in self.losses))
            raise UsageError(f"--baseline {self.path}: has no {_text(result.key)}; what it has is {known}")
        if found["signature"] != result.signature:
            raise UsageError(f"--baseline {self.path}: {_difference(result, str(found['signature']))}")
        before = found["value"]
        return replace(result, baseline=Baseline(None if before is None else float(before), result.value))


def read(path: str) -> BaselineFile:
    """The result that `--format json` wrote.

    Raises:
        DataError: the file cannot be read, or is no such result.
    """
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        raise DataError(f"--baseline {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"--baseline {path}: is not JSON ({error}); {WRITES}") from error
    losses = document.get("losses") if isinstance(document, dict) else None
    if not isinstance(losses, list) or not all(map(_is_loss, losses)):
        raise DataError(f"--baseline {path}: is not a result of losscli; {WRITES}")
    return BaselineFile(path, {_key(loss): loss for loss in losses})


def _is_loss(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and {"loss", "value", "signature"} <= set(entry)
        and (entry["value"] is None or isinstance(entry["value"], (int, float)))
    )


def _key(entry: Mapping[str, Any]) -> Key:
    model = {"model": entry["model"]} if "model" in entry else {}
    return entry["loss"], tuple({**(entry.get("group") or {}), **model}.items())


def _text(key: Key) -> str:
    label, group = key
    return label + "".join(f" ({column} {value})" for column, value in group)


def _difference(result: LossResult, before: str) -> str:
    """How two signatures differ, in words."""
    then, now = _parts(before), _parts(result.signature)
    named = [
        f"{key} was {then.get(key, 'none')}, is {now.get(key, 'none')}"
        for key in dict.fromkeys([*then, *now])
        if then.get(key) != now.get(key)
    ]
    return f"{result.label} is not the same number: {'; '.join(named)}"


def _parts(signature: str) -> dict[str, str]:
    first, *rest = signature.split("|")
    return {"the loss": first} | dict(part.split("=", 1) for part in rest if "=" in part)
