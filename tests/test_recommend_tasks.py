"""What is recommended for tasks beside numbers and probabilities: times, labels, members, queries, tokens, masks."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from losscli.recommend.rules.findings import Verdict
from losscli.recommend.tasks import Task
from tests.conftest import Cli

RNG = np.random.default_rng(19)
N = 60


def survival() -> pd.DataFrame:
    return pd.DataFrame(
        {"time": RNG.exponential(5, N) + 0.1, "event": RNG.integers(0, 2, N), "y_pred": RNG.normal(size=N)}
    )


def hazards() -> pd.DataFrame:
    columns = {f"y_pred_{k}": RNG.uniform(0.1, 0.4, N) for k in range(4)}
    return pd.DataFrame({"time": RNG.integers(0, 4, N), "event": RNG.integers(0, 2, N), **columns})


def labels() -> pd.DataFrame:
    names = np.array(["cat", "dog", "bird"])
    return pd.DataFrame(
        {"y_true": names[RNG.choice(3, N, p=[0.8, 0.15, 0.05])], "y_pred": names[RNG.integers(0, 3, N)]}
    )


def members() -> pd.DataFrame:
    y = RNG.normal(size=N)
    return pd.DataFrame({"y_true": y, **{f"y_pred_{k}": y + RNG.normal(size=N) for k in range(5)}})


def queries() -> pd.DataFrame:
    y = RNG.integers(0, 5, N)
    return pd.DataFrame({"query_id": np.arange(N) // 6, "y_true": y, "y_pred": y + 3 * RNG.normal(size=N)})


def quantiles() -> pd.DataFrame:
    y = RNG.normal(size=N)
    return pd.DataFrame({"y_true": y, "q0.1": y - 1.2, "q0.5": y + 0.1, "q0.9": y + 1.3})


def tokens() -> pd.DataFrame:
    return pd.DataFrame({"log_prob": -RNG.exponential(2, N)})


def preferences() -> pd.DataFrame:
    roles = ("policy_chosen", "policy_rejected", "reference_chosen", "reference_rejected")
    return pd.DataFrame({role: -RNG.exponential(2, N) for role in roles})


def choices() -> pd.DataFrame:
    return pd.DataFrame({"positive": RNG.normal(size=N) + 1, "negative": RNG.normal(size=N)})


def masks() -> dict[str, np.ndarray]:
    scores = np.moveaxis(RNG.dirichlet(np.ones(3), (6, 4, 5)), -1, 1)
    return {"y_true": RNG.integers(0, 3, (6, 4, 5)), "y_pred": scores}


def teaching() -> dict[str, np.ndarray]:
    return {"teacher": RNG.normal(size=(N, 3)), "student": RNG.normal(size=(N, 3))}


def rare_labels_of_queries() -> pd.DataFrame:
    y = (np.arange(N) % 15 == 0).astype(int)
    return pd.DataFrame({"query_id": np.arange(N) // 6, "y_true": y, "y_pred": RNG.uniform(0.01, 0.9, N)})


FURTHER: dict[str, Callable[[], Any]] = {
    "no event": lambda: survival().assign(event=0),
    "chances to survive": lambda: survival().assign(y_pred=lambda d: d.time / (d.time + 5)),
    "logits of hazards": lambda: hazards().assign(y_pred_0=-3.0),
    "survival curves": lambda: hazards().assign(
        **{f"y_pred_{k}": 0.9 - 0.2 * k for k in range(4)}, time=np.arange(N) + 1
    ),
    "masks": masks,
    "masks of two classes": lambda: {"y_true": 1.0 * (RNG.random((6, 4, 5)) < 0.05), "y_pred": RNG.random((6, 4, 5))},
    "teaching": teaching,
    "rare labels of queries": rare_labels_of_queries,
    "even labels": lambda: pd.DataFrame({"y_true": ["a", "b"] * 30, "y_pred": ["a"] * 60}),
    "lists": lambda: {"y_true": RNG.integers(0, 5, (N, 6)).astype(float), "y_pred": 9 * RNG.normal(size=(N, 6))},
}
"""Other data on which rules speak."""

BY_TASK: dict[Task, tuple[Callable[[], pd.DataFrame], str]] = {
    Task.SURVIVAL: (survival, "concordance_loss"),
    Task.SURVIVAL_CURVES: (hazards, "logistic_hazard_nll"),
    Task.PREDICTED_LABELS: (labels, "balanced_error"),
    Task.ENSEMBLES: (members, "crps_ensemble"),
    Task.RANKING: (queries, "ndcg_loss"),
    Task.REGRESSION: (quantiles, "quantile:tau=0.1"),
    Task.TOKENS: (tokens, "perplexity"),
    Task.PREFERENCES: (preferences, "dpo"),
    Task.CHOICES: (choices, "bpr"),
}


@pytest.mark.parametrize("task", BY_TASK)
def test_the_task_is_recognised_and_its_commands_run(task: Task, cli: Cli) -> None:
    make, loss = BY_TASK[task]
    make().to_csv("data.csv", index=False)
    document = json.loads(cli("recommend", "data.csv", "-f", "json").out)
    assert document["task"] == task
    assert {"loss": loss, "verdict": Verdict.USE}.items() <= document["losses"][0].items()
    assert document["commands"]
    for command in document["commands"]:
        result = cli(*shlex.split(command)[1:])
        assert result.status == 0, (command, result.err)


def test_quantiles_are_scored_together_too(cli: Cli) -> None:
    quantiles().to_csv("data.csv", index=False)
    document = json.loads(cli("recommend", "data.csv", "-f", "json").out)
    losses = "crps_quantile:taus=0.1/0.5/0.9,wis:taus=0.1/0.5/0.9"
    assert document["commands"][-1] == f"losscli compare --losses {losses} --pred q0.1,q0.5,q0.9 data.csv"
    assert any("one forecast of a distribution" in note for note in document["notes"])


@pytest.mark.parametrize(("labels", "scores", "losses"), [
    (RNG.integers(0, 3, (6, 4, 5)), 4 * RNG.normal(size=(6, 3, 4, 5)), "multiclass_dice:from_logits=true"),
    (
        np.where(RNG.random((6, 4, 5)) < 0.1, 255, RNG.integers(0, 3, (6, 4, 5))),
        masks()["y_pred"],
        "multiclass_dice:ignore_index=255",
    ),
    (RNG.integers(0, 2, (6, 4, 5)), RNG.random((6, 4, 5)), "dice"),
    (RNG.integers(0, 2, (6, 4, 5)), RNG.normal(size=(6, 4, 5)), "dice:from_logits=true"),
])  # fmt: skip
def test_values_of_masks_say_the_parameters(labels: np.ndarray, scores: np.ndarray, losses: str, cli: Cli) -> None:
    np.save("true.npy", labels)
    np.save("pred.npy", scores)
    document = json.loads(cli("recommend", "true.npy", "pred.npy", "-f", "json").out)
    assert document["losses"][0]["loss"] == losses
    assert cli(*shlex.split(document["command"])[1:]).status == 0


@pytest.mark.parametrize("start", ["y_pred_", "member_", "m", "ens_"])
def test_numbered_columns_beside_a_number_are_members(start: str, cli: Cli) -> None:
    """They are no classes, whose labels the target would hold."""
    frame = members().rename(columns=lambda name: name.replace("y_pred_", start))
    frame.to_csv("data.csv", index=False)
    frame.to_parquet("data.parquet")
    for file in ("data.csv", "data.parquet"):
        document = json.loads(cli("recommend", file, "-f", "json").out)
        assert document["task"] == Task.ENSEMBLES
        expected = cli("compute", "crps_ensemble", file, "--pred", f"{start}*", "-f", "value").out
        assert cli("compute", "crps_ensemble", file, "-f", "value").out == expected


def test_columns_called_members_are_no_classes_of_whole_targets(cli: Cli) -> None:
    for typed in ((), ("--pred", "member_*")):
        rows = b"y_true,member_1,member_2,member_3\n3,1,2.5,4\n2,4,1,3\n5,4,5,7\n"
        document = json.loads(cli("recommend", *typed, "-f", "json", stdin=rows).out)
        assert document["task"] == Task.ENSEMBLES


def test_a_class_may_be_called_none(cli: Cli) -> None:
    labels().replace("cat", "none").to_csv("data.csv", index=False)
    assert json.loads(cli("recommend", "data.csv", "-f", "json").out)["task"] == Task.PREDICTED_LABELS


def test_masks_are_recognised_by_their_axes(cli: Cli) -> None:
    np.save("true.npy", RNG.integers(0, 3, (6, 4, 5)))
    np.save("pred.npy", np.moveaxis(RNG.dirichlet(np.ones(3), (6, 4, 5)), -1, 1))
    document = json.loads(cli("recommend", "y_true=true.npy", "y_pred=pred.npy", "-f", "json").out)
    assert document["task"] == Task.MASKS
    assert document["facts"][-1]["text"] == "20 pixels a row, 3 classes"
    assert cli(*shlex.split(document["command"])[1:]).status == 0


def test_a_number_with_fractions_beside_probabilities_is_no_ensemble(cli: Cli) -> None:
    Path("data.csv").write_text("y_true,y_pred_0,y_pred_1\n0.5,0.2,0.8\n1,0.5,0.5\n")
    assert "must hold class labels" in cli("recommend", "data.csv").err
