"""Signatures: everything about the method that a number depends on, the rows excepted, as one text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from losscli.messages import digest
from losscli.registry import source_of
from losscli.version import __version__

if TYPE_CHECKING:
    from losscli.data.dataset import Dataset
    from losscli.evaluation.evaluator import Evaluator

NO_WEIGHTS = "no"


def signer(evaluators: Sequence[Evaluator], reduction: str, dataset: Dataset) -> Callable[[Evaluator, int], str]:
    """Return what makes the signature of one of these losses, reduced over a number of rows of a dataset."""
    ends = {evaluator: _end_of_signature(evaluator, reduction, dataset) for evaluator in evaluators}
    return lambda evaluator, n: f"{evaluator.bound.canonical}|n={n}|{ends[evaluator]}"


def _end_of_signature(evaluator: Evaluator, reduction: str, dataset: Dataset) -> str:
    """Return the parts of a signature after the number of rows."""
    loss = evaluator.bound.loss
    weight = dataset.bound.get("weight")
    domains = [role.domain for role in evaluator.form.roles]
    has_classes = any(domain.is_label or "N,C" in domain.shapes for domain in domains)
    names = dataset.classes.names if has_classes else ()
    parts = {
        "nan": dataset.policy.nan,
        "reduction": loss.reduction if reduction == "mean" else reduction,
        "weights": NO_WEIGHTS if weight is None else signed_name(weight.columns[0].name),
        **({"classes": ",".join(map(signed_name, names))} if names else {}),
        **({} if loss.in_catalogue else {"source": digest(source_of(loss))}),
        "losscli": __version__,
    }
    return "|".join(f"{key}={value}" for key, value in parts.items())


def signed_name(name: str) -> str:
    """Return a name as signatures have it: what separates their parts, and the word for no weights, as `%` escapes."""
    if name == NO_WEIGHTS:
        return f"%{ord(name[0]):02X}{name[1:]}"
    return re.sub(r"[%|,\x00-\x1f]", lambda found: f"%{ord(found[0]):02X}", name)


def split_signature(signature: str) -> dict[str, str]:
    """Return the parts of a signature by their names."""
    first, *rest = signature.split("|")
    return {"the loss": first} | dict(part.split("=", 1) for part in rest if "=" in part)
