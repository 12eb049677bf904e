"""An earlier result as a baseline, and how far each value has moved since."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from losscli.errors import DataError, UsageError
from losscli.messages import Hint
from losscli.results import Baseline, Evaluation, LossResult, ResultKey, result_name


@dataclass(frozen=True)
class BaselineFile:
    """The losses of an earlier JSON result."""

    path: str
    losses: Mapping[ResultKey, Mapping[str, Any]]

    def attach_to(self, evaluation: Evaluation) -> Evaluation:
        """Return the evaluation with the earlier value of each loss.

        Raises:
            UsageError: A loss is not in the file, or has another signature there.
        """
        return replace(evaluation, losses=tuple(self._attach(result) for result in evaluation))

    def _attach(self, result: LossResult) -> LossResult:
        found = self.losses.get(result.key)
        if found is None:
            known = ", ".join(dict.fromkeys(map(result_name, self.losses)))
            problem = f"has no {result.full_name}; what it has is {known}"
            raise UsageError(problem, option=("baseline", self.path))
        if found["signature"] != result.signature:
            raise UsageError(_describe_difference(result, str(found["signature"])), option=("baseline", self.path))
        before = found["value"]
        return replace(result, baseline=Baseline(None if before is None else float(before), result.value))


def read(path: str) -> BaselineFile:
    """Read a result that was written as JSON.

    Raises:
        DataError: The file cannot be read, or is no such result.
    """
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        raise DataError(error.strerror or str(error), option=("baseline", path)) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not JSON ({error})", Hint.WRITE_BASELINE, option=("baseline", path)) from error
    losses = document.get("losses") if isinstance(document, dict) else None
    if not isinstance(losses, list) or not all(map(_is_loss, losses)):
        raise DataError("is not a result of losscli", Hint.WRITE_BASELINE, option=("baseline", path))
    return BaselineFile(path, {_key(loss): loss for loss in losses})


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
    model = {"model": entry["model"]} if "model" in entry else {}
    return entry["loss"], tuple({**(entry.get("group") or {}), **model}.items())


def _describe_difference(result: LossResult, before: str) -> str:
    """Return how two signatures differ, in words."""
    then, now = _signature_parts(before), _signature_parts(result.signature)
    named = [
        f"{key} was {then.get(key, 'none')}, is {now.get(key, 'none')}"
        for key in dict.fromkeys([*then, *now])
        if then.get(key) != now.get(key)
    ]
    return f"{result.label} is not the same number: {'; '.join(named)}"


def _signature_parts(signature: str) -> dict[str, str]:
    first, *rest = signature.split("|")
    return {"the loss": first} | dict(part.split("=", 1) for part in rest if "=" in part)
