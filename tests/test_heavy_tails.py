"""Intervals of losses that few rows carry: where they are warned of, and where not."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.page.intervals import group_interval
from losscli.result_base import fit_names
from losscli.statistics.bootstrap.draws import MAX_ROWS_HELD
from losscli.statistics.bootstrap.options import Resampling
from losscli.statistics.ratios import paired
from losscli.statistics.tails import TailSums
from tests.conftest import Cli

N = 200
HEAVY = np.random.default_rng(3).standard_t(3, size=N)
NORMAL = np.random.default_rng(3).normal(size=N)


def kish(shares: np.ndarray) -> float:
    return float(shares.sum() ** 2 / (shares**2).sum())


def tail_index(x: np.ndarray) -> float:
    return float(x.sum() * (x**3).sum() / (x**2).sum() ** 2)


def write(errors: np.ndarray, **columns: Any) -> str:
    names = ["y_true", "y_pred", *columns]
    rows = zip(np.zeros(len(errors)), errors.tolist(), *columns.values(), strict=True)
    Path("d.csv").write_text("\n".join([",".join(names), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return "d.csv"


# ------------------------------------------------------------------------------------------------------- the sums


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e300])
def test_sums_of_parts_are_those_of_all(scale: float) -> None:
    x = np.random.default_rng(0).lognormal(0, 2, size=1000)
    merged = TailSums.of(x[:10] * scale)
    merged.merge(TailSums.of(x[10:700] * scale))
    merged.merge(TailSums.of(np.zeros(3)))
    merged.merge(TailSums())
    merged.update(x[700:] * scale)
    assert merged.effective_n == pytest.approx(kish(x), rel=1e-12)
    first, second, third = merged.sums
    assert first * third / second**2 == pytest.approx(tail_index(x), rel=1e-12)


@pytest.mark.parametrize("values", [[-1.0, 2.0], [math.inf, 1.0], [math.nan, 1.0], [0.0, 0.0], []])
def test_what_has_no_shares_has_no_effective_n(values: list[float]) -> None:
    sums = TailSums.of(np.array(values))
    assert sums.effective_n is None
    assert not sums.is_heavy(1000)


def fired(sample: Any, n: int, samples: int = 200) -> float:
    """The share of samples of n losses that are warned of."""
    rng = np.random.default_rng(0)
    return sum(TailSums.of(sample(rng, n)).is_heavy(n) for _ in range(samples)) / samples


def test_heavy_tails_are_told_from_light_ones_and_from_zeros() -> None:
    def squared_t3(rng: Any, n: int) -> np.ndarray:
        return rng.standard_t(3, n) ** 2

    assert fired(squared_t3, 200) > 0.9
    assert fired(squared_t3, 2000) > 0.98
    assert fired(lambda rng, n: rng.lognormal(0, 2, n), 2000) > 0.98
    assert fired(lambda rng, n: rng.normal(size=n) ** 2, 200) < 0.04
    assert fired(lambda rng, n: rng.normal(size=n) ** 2, 2000) == 0
    assert fired(lambda rng, n: rng.exponential(size=n), 200) == 0
    # the few large losses of claims and of a good classifier: effective_n is small, the interval right
    assert fired(lambda rng, n: rng.exponential(size=n) * (rng.random(n) < 0.05), 2000) < 0.15
    assert fired(lambda rng, n: np.log1p(np.exp(-4 - 4 * rng.normal(size=n))), 2000) == 0


# ------------------------------------------------------------------------------------------------------- results


@pytest.mark.parametrize(("loss", "is_warned"), [("mse", True), ("rmse", True), ("mae", False), ("medae", False)])
@pytest.mark.parametrize("n", [N, MAX_ROWS_HELD + 1])
def test_the_interval_of_squared_heavy_errors_is_warned_of(loss: str, is_warned: bool, n: int) -> None:
    errors = np.resize(np.random.default_rng(3).standard_t(3, size=n), n)
    weight = np.random.default_rng(1).uniform(0.5, 2, size=n)
    ci = losscli.compute(loss, y_true=np.zeros(n), y_pred=errors, weight=weight, ci=0.95, resamples=39).ci
    assert bool(ci.warning) is is_warned
    assert ci.effective_n == (pytest.approx(kish(weight * errors**2), rel=1e-12) if is_warned else None)
    assert ci.why == ""
    assert ("warning" in ci.to_dict()) is is_warned


def test_sums_and_medians_of_losses() -> None:
    data: dict[str, Any] = {"y_true": np.zeros(N), "y_pred": HEAVY, "ci": 0.95, "resamples": 39}
    assert losscli.compute("mse", reduction="sum", **data).ci.warning
    assert not losscli.compute("mse", reduction="median", **data).ci.warning
    assert not losscli.compute("mse", **data | {"y_pred": NORMAL}).ci.warning
    assert losscli.compute("mse", penalty="l2:lambda=1", parameters=[1.0], **data).ci.warning


def test_groups_are_those_of_each_alone() -> None:
    frame = {"y_true": np.zeros(2 * N), "y_pred": np.r_[HEAVY, NORMAL], "g": ["a"] * N + ["b"] * N}
    a, b = losscli.compute("mse", frame, group_by="g", ci=0.95, resamples=39)
    assert a.ci.effective_n == losscli.compute("mse", y_true=np.zeros(N), y_pred=HEAVY, ci=0.9).ci.effective_n
    assert not b.ci.warning


# ------------------------------------------------------------------------------------------- the command line

NOTE = (
    "losscli: note: mse rests on about 16 of 200 rows: the interval is too short, and ci_high too low; "
    "try a robust loss or more rows"
)


def test_a_note_says_it_and_what_to_do(cli: Cli) -> None:
    path = write(HEAVY)
    assert f"{NOTE}; see --top 5\n" in cli("compute", "mse,mae", path, "--ci", "0.95", "--resamples", "39").err
    assert f"{NOTE}\n" in cli("compare", "--losses", "mse", path, "--ci", "0.95", "--resamples", "39").err
    assert "ci_high too low" not in cli("compute", "mse,mae", path).err
    assert "ci_high too low" not in cli("compute", "mse,mae", write(NORMAL), "--ci", "0.95").err


def test_groups_are_counted_in_one_note(cli: Cli) -> None:
    path = write(np.r_[HEAVY, NORMAL, HEAVY], g=["a"] * N + ["b"] * N + ["c"] * N)
    command = ("compute", "mse", path, "--ci", "0.95", "--resamples", "39", "--group-by", "g")
    notes = [line for line in cli(*command).err.splitlines() if "ci_high too low" in line]
    assert len(notes) == 1
    assert notes[0].startswith("losscli: note: mse rests on few rows in 2 of 3 groups: the intervals are too short")
    assert max(map(len, notes)) <= 160
    drawn = cli("plot", "mse", path, "--group-by", "g", "-f", "json", "--resamples", "39")
    assert any("2 of 3 groups" in remark for remark in json.loads(drawn.out)["remarks"])
    assert "2 of 3 groups" not in drawn.err  # the picture says it


def test_names_are_cut_only_where_a_note_is_too_long() -> None:
    def write(names: Sequence[str]) -> str:
        return f"{names[0]}: {'x' * 100}"

    assert fit_names(write, ["epsilon_insensitive, y_pred"], 12) == write(["epsilon_insensitive, y_pred"])
    assert fit_names(write, ["a" * 20 + "b" * 30], 12) == write(["a" * 18 + "…" + "b" * 19])
    assert fit_names(write, ["a" * 20 + "b" * 30], 12, 50) == write(["aaaaa…bbbbbb"])


def test_a_gate_that_passes_has_the_warning_beside_its_verdict(cli: Cli) -> None:
    path = write(HEAVY)
    command = ("compute", "mse,mae", path, "--ci", "0.95", "-f", "json")
    gates = ("--fail-if", "mse.ci_high>9", "--fail-if", "mae.ci_high>9", "--fail-if", "mse>9", "--summary", "s.md")
    found = cli(*command, *gates)
    assert found.status == 0
    assert "note: mse.ci_high>9 passed by an interval that is too short: few rows carry the value\n" in found.err
    assert found.err.count("passed by") == 1
    verdicts = json.loads(found.out)["gates"]
    assert ["warning" in verdict for verdict in verdicts] == [True, False, False]
    assert Path("s.md").read_text().count("(optimistic: few rows carry it)") == 1
    failed = cli(*command, "--fail-if", "mse.ci_high>1")
    assert failed.status == 1
    assert "passed by" not in failed.err
    assert "warning" not in json.loads(failed.out)["gates"][0]


@pytest.mark.slow
def test_the_page_says_it_of_many_rows_too(cli: Cli) -> None:
    pytest.importorskip("matplotlib")
    cli("report", write(HEAVY, g=["a", "b"] * 100), "--losses", "mse", "--group-by", "g", "-o", "r.html")
    page = Path("r.html").read_text()
    assert "mse rests on about 16 of 200 rows: the interval is too short, and ci_high too low" in page
    assert "mse rests on few rows in 2 of 2 groups" in page


# ---------------------------------------------------------------------------------------------- simulation


@pytest.mark.slow
def test_coverage_of_squared_t3_is_what_the_documents_say() -> None:
    """83 % of 95 % intervals of squared t3 errors at n = 200 hold their mean, 3; the others lie below it."""
    rng, held, below, samples = np.random.default_rng(1), 0, 0, 4000
    for seed in range(samples // 25):
        for ci in paired(rng.standard_t(3, (N, 25)) ** 2, None, Resampling(0.95, 999, seed)):
            assert ci.low is not None
            assert ci.high is not None
            held += ci.low <= 3 <= ci.high
            below += ci.high < 3
    assert held / samples == pytest.approx(0.835, abs=0.02)
    assert below / (samples - held) > 0.95


# ------------------------------------------------------------------------------------------- notes of compare


@pytest.mark.parametrize(("far", "is_second"), [(20, False), (21, True), (0, False)])
def test_more_than_a_fifth_of_the_rows_is_a_second_population(far: int, is_second: bool, cli: Cli) -> None:
    near = np.random.default_rng(0).uniform(-1, 1, size=100 - far)
    path = write(np.r_[near, np.full(far, 30.0) + np.arange(far) / 100])
    note = cli("compare", "--losses", "mse", path).err.splitlines()[0]
    assert ("that is a second population, not outliers" in note) is is_second
    if is_second:
        assert note.startswith("losscli: note: 21 of 100 rows (21 %) are flagged by mad:3.5: ")
        assert note.endswith("; look at them by --group-by COL or --show-outliers 5")
    for kind in ("stress", "rows"):
        remarks = json.loads(cli("plot", "mse", path, "--kind", kind, "-f", "json").out)["remarks"]
        assert any("a second population, not outliers" in remark for remark in remarks) is is_second


def test_notes_fit_two_lines_whatever_the_names(cli: Cli) -> None:
    errors = np.random.default_rng(1).standard_t(2, size=300)
    path = write(errors, g=[f"the department of long names of a hospital {'ab'[i % 2]}" for i in range(300)])
    losses = "mse,quantile:tau=0.975,medae,max_error,linex:a=-0.123456"
    command = ("compare", "--losses", losses, path, "--ci", "0.95", "--resamples", "39")
    for more in ((), ("--group-by", "g"), ("--outliers", "iqr:1.5")):
        notes = [line for line in cli(*command, *more).err.splitlines() if "no interval" not in line]
        assert len(notes) > 3
        assert [note for note in notes if len(note) > 160] == []
    no_spread = cli("compare", "--losses", losses, write(np.r_[np.zeros(80), np.ones(20)])).err.splitlines()
    assert [note for note in no_spread if len(note) > 160] == []


def test_notes_of_a_comparison_in_python() -> None:
    found = losscli.compare("mse,mae", y_true=np.zeros(N), y_pred=HEAVY, ci=0.95, resamples=39)
    assert found.notes[-1] == (
        "mse rests on about 16 of 200 rows: the interval is too short, and ci_high too low; "
        "try a robust loss or more rows"
    )
    assert found["mse"].result.ci.warning


def test_intervals_by_the_normal_distribution_are_warned_of_by_effective_n() -> None:
    heavy = losscli.compute("mse", y_true=np.zeros(N), y_pred=HEAVY)
    ci = group_interval(heavy, losscli.get_loss("mse").bound.loss, is_weighted=False, level=0.95)
    assert ci is not None
    assert ci.effective_n == pytest.approx(kish(HEAVY**2), rel=1e-9)
    normal = losscli.compute("mse", y_true=np.zeros(N), y_pred=NORMAL)
    ci = group_interval(normal, losscli.get_loss("mse").bound.loss, is_weighted=False, level=0.95)
    assert ci is not None
    assert not ci.warning
