"""Test models that predict something else than y_pred: log-probabilities, intervals, what a policy says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import losscli
from losscli.errors import DataError, UsageError
from tests.conftest import Cli

RNG = np.random.default_rng(5)
N = 12
Y, TIME = RNG.normal(size=N).round(3), RNG.exponential(size=N).round(3) + 0.1
TRUTHS = {
    "perplexity": {},
    "interval_score": {"y_true": Y},
    "dpo": {role: -RNG.exponential(size=N).round(3) for role in ("reference_chosen", "reference_rejected")},
    "cox": {"time": TIME, "event": np.arange(N) % 2},
}
PREDICTED = {
    "perplexity": ("log_prob",),
    "interval_score": ("lower", "upper"),
    "dpo": ("policy_chosen", "policy_rejected"),
    "cox": ("y_pred",),
}
SHIFT = {"lower": -1.0, "upper": 1.0, "log_prob": -4.0, "y_pred": 0.0}


def predict(loss: str) -> dict[str, dict[str, np.ndarray]]:
    """Return model -> role -> its values (N,)."""
    return {
        model: {role: (RNG.normal(size=N) / 2 + SHIFT.get(role, -4)).round(3) for role in PREDICTED[loss]}
        for model in "ab"
    }


@pytest.mark.parametrize("loss", TRUTHS)
@pytest.mark.parametrize("way", ["truth", "alone", "long", "python"])
def test_models_predict_what_a_loss_reads(loss: str, way: str, cli: Cli, tmp_path: Path) -> None:
    """The values are those of each model alone."""
    truth, models = TRUTHS[loss], predict(loss)
    expected = {m: losscli.compute(loss, **truth, **roles).value for m, roles in models.items()}
    if way == "python":
        data = pd.DataFrame(truth) if truth else None
        rows = losscli.compare(loss, data, models={m: pd.DataFrame(its) for m, its in models.items()})
        assert {row.model: row.value for row in rows} == pytest.approx(expected, rel=1e-12)
        return
    frames = {m: pd.DataFrame({**({} if way == "truth" else truth), **its, "m": m}) for m, its in models.items()}
    for model, frame in frames.items():
        frame.to_csv(tmp_path / f"{model}.csv", index=False)
    pd.concat(frames.values()).to_csv(tmp_path / "long.csv", index=False)
    pd.DataFrame(truth).to_csv(tmp_path / "truth.csv", index=False)
    typed = [f"--model={tmp_path / m}.csv" for m in models]
    typed += [str(tmp_path / "truth.csv")] if way == "truth" and truth else []
    typed = [str(tmp_path / "long.csv"), "--model-column", "m"] if way == "long" else typed
    result = cli("compare", "--losses", loss, *typed, "-f", "csv")
    assert result.status == 0, result.err
    found = {row.split(",")[1]: float(row.split(",")[2]) for row in result.out.splitlines()[1:]}
    assert found == pytest.approx(expected, rel=1e-12)


def test_times_that_differ_between_models_are_an_error() -> None:
    frame = pd.DataFrame({**TRUTHS["cox"], "y_pred": Y})
    with pytest.raises(DataError, match=r"row 1.*time is 9"):
        losscli.compare("cox", models={"a": frame, "b": frame.assign(time=[9.0, *TIME[1:]])})


def test_a_model_that_lacks_a_role_is_named() -> None:
    frame = pd.DataFrame({"lower": Y, "upper": Y + 1})
    with pytest.raises(DataError, match="'b': no column for upper"):
        losscli.compare("interval_score", pd.DataFrame({"y_true": Y}), models={"a": frame, "b": frame[["lower"]]})


def test_models_that_hold_no_truth_are_an_error() -> None:
    frame = pd.DataFrame({"y_pred": Y})
    with pytest.raises(DataError, match="holds no time or lower, and no data does"):
        losscli.compare("aft", models={"a": frame, "b": frame})


def test_losses_without_predictions_take_no_models() -> None:
    frame = pd.DataFrame({"z": Y})
    with pytest.raises(UsageError, match="reads nothing that models predict"):
        losscli.compare("bpr", models={"a": frame, "b": frame})
