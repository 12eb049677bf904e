"""recommend on realistic data: the verdicts that an expert would give, by losses and facts, not by wording."""

from __future__ import annotations

import csv
import json
import re
import shlex
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from losscli.recommend.advise import Recommendation
from losscli.recommend.rules.findings import Verdict
from tests.conftest import Cli
from tests.recommend_data import DATA_SETS, DataSet, recommend_data_set

TRIED = {Verdict.USE, Verdict.CONSIDER}


@cache
def made(name: str) -> tuple[DataSet, Recommendation]:
    data = DATA_SETS[name]()
    return data, recommend_data_set(data)


def verdicts(found: Recommendation, loss: str) -> set[Verdict]:
    """Return the verdicts on a loss: with these parameters, or with any value of the one that is named, or with any."""
    start = loss if "=" in loss or ":" not in loss else f"{loss}="
    if loss == "contrastive":  # there the parameter makes the difference
        return {a.verdict for a in found if a.loss == loss}
    return {
        a.verdict for a in found if a.loss == loss or a.loss.startswith((f"{start}:", start if "=" in start else "\0"))
    }


@pytest.mark.parametrize("name", DATA_SETS)
def test_verdicts_of_an_expert(name: str) -> None:
    data, found = made(name)
    assert found.task == data.task
    said = {loss: verdicts(found, loss) for loss in (*data.use, *data.consider, *data.not_use, *data.never)}
    reasons = "\n".join(f"{a.verdict} {a.loss}: {a.reason}" for a in found)
    assert [loss for loss in data.use if Verdict.USE not in said[loss]] == [], reasons
    assert [loss for loss in data.consider if not said[loss] & TRIED] == [], reasons
    assert [loss for loss in data.not_use if Verdict.USE in said[loss]] == [], reasons
    assert [loss for loss in data.never if said[loss] & TRIED] == [], reasons
    if data.use_one_of:
        assert any(Verdict.USE in verdicts(found, loss) for loss in data.use_one_of), reasons
    facts = {fact.key: fact.value for fact in found.facts}
    for key, value in data.facts.items():
        told = facts[key]
        assert value is None or value == (told["verdict"] if isinstance(told, dict) else told), key
    assert re.search(data.note, "\n".join(found.notes)), found.notes


@pytest.mark.parametrize("name", DATA_SETS)
def test_no_reason_contradicts_itself(name: str) -> None:
    _, found = made(name)
    for advice in found:
        assert not re.search(r"\b0 times|\bnan\b|\binf\b", advice.reason), advice
        assert not ("95 %" in advice.reason and "100 % of the residuals" in advice.reason), advice
    assert [note for note in found.notes if len(f"losscli: note: {note}") > 160] == []


def write(columns: dict[str, np.ndarray], stem: str) -> str:
    """Write columns as CSV, or as NPZ if one has several numbers per row."""
    if any(column.ndim > 1 for column in columns.values()):
        np.savez(f"{stem}.npz", **columns)
        return f"{stem}.npz"
    with Path(f"{stem}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return f"{stem}.csv"


OF_EACH_KIND = ("severities in order", "sized boxes", "pairs")
"""Data sets whose commands are run each time; those of the others are slow tests."""


@pytest.mark.parametrize(
    "name", [name if name in OF_EACH_KIND else pytest.param(name, marks=pytest.mark.slow) for name in DATA_SETS]
)
def test_the_commands_run_as_typed(name: str, cli: Cli) -> None:
    data, found = made(name)
    flags = {"y_true": "--true", "y_pred": "--pred", "classes": "--classes"}
    typed = [word for role, value in data.options.items() for word in (flags[role], value)]
    result = cli("recommend", write(data.columns, "data"), *typed, "-f", "json")
    assert result.status == 0, result.err
    document = json.loads(result.out)
    assert [loss["loss"] for loss in document["losses"]] == [advice.loss for advice in found]
    assert document["command"]
    done = cli(*shlex.split(document["command"])[1:])
    assert done.status == 0, done.err
    assert all(loss.partition(":")[0] in done.out for loss in found.losses)
