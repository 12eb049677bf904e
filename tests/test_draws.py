"""Seeds and numbers of resamples, wherever rows are drawn; and how JSON says it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.errors import UsageError
from losscli.statistics.bootstrap.options import Resampling
from losscli.statistics.ratios import paired
from tests.conftest import Cli

N = 60
RNG = np.random.default_rng(2)
TRUTH = RNG.normal(size=N)
A, B = TRUTH + RNG.normal(0, 1, N), TRUTH + RNG.normal(0.2, 1, N)


@pytest.fixture
def path(cli: Cli) -> str:  # in the folder of the command
    del cli
    rows = zip(TRUTH.tolist(), A.tolist(), B.tolist(), ["x", "y"] * (N // 2), strict=True)
    lines = ["y_true,a,b,g", *(",".join(map(str, row)) for row in rows)]
    Path("d.csv").write_text("\n".join(lines) + "\n")
    score = 1 / (1 + np.exp(-B))
    lines = ["label,prob", *(f"{int(t > 0)},{s}" for t, s in zip(TRUTH.tolist(), score.tolist(), strict=True))]
    Path("p.csv").write_text("\n".join(lines) + "\n")
    return "d.csv"


MODELS = ("--pred", "a", "--pred", "b")
DRAWING = {
    "compare": ("compare", "--losses", "mse,mae", "d.csv", *MODELS),
    "compare groups": ("compare", "--losses", "mse", "d.csv", *MODELS, "--group-by", "g"),
    "compare medians": ("compare", "--losses", "medae", "d.csv", *MODELS),
    "plot models": ("plot", "mse", "d.csv", *MODELS),
    "plot groups": ("plot", "mse", "d.csv", "--pred", "a", "--group-by", "g"),
    "plot reliability": ("plot", "bce", "p.csv", "--kind", "reliability"),
    "compute with a level": ("compute", "mse", "d.csv", "--pred", "a", "--ci", "0.95"),
}


def without_notes(document: dict[str, Any]) -> str:
    """The numbers of a document: neither how they were drawn nor words that name the seed."""
    kept = {key: value for key, value in document.items() if key not in ("intervals", "remarks", "sentence")}
    return re.sub(r'"seed": \d+', "", json.dumps(kept))


@pytest.mark.parametrize("name", DRAWING)
def test_a_seed_decides_the_draws(name: str, path: str, cli: Cli) -> None:
    command = (*DRAWING[name], "-f", "json", "--resamples", "99")
    once, again, other = (cli(*command, "--seed", seed) for seed in ("1", "1", "2"))
    assert once.status == 0, once.err
    assert once.out == again.out
    found = json.loads(once.out)
    assert without_notes(found) != without_notes(json.loads(other.out))
    assert found["intervals"]["seed"] == 1
    assert found["intervals"]["resamples"] == 99
    assert found["intervals"]["level"] == 0.95
    assert found["intervals"]["method"]


@pytest.mark.slow
def test_a_seed_decides_the_draws_of_a_page(path: str, cli: Cli) -> None:
    pytest.importorskip("matplotlib")
    pages = []
    for seed in ("1", "1", "2"):
        assert cli("report", "d.csv", *MODELS, "--losses", "mse", "-o", "r.html", "--seed", seed).status == 0
        pages.append(re.sub(r"seed.\d+", "", Path("r.html").read_text()))
    assert pages[0] == pages[1] != pages[2]


def test_the_difference_has_the_interval_of_the_draws_asked_for(path: str, cli: Cli) -> None:
    command = ("compare", "--losses", "mse", path, *MODELS, "--resamples", "199", "--seed", "7", "-f", "json")
    worse = json.loads(cli(*command).out)["losses"][1]
    gaps = (B - TRUTH) ** 2 - (A - TRUTH) ** 2
    sign = 1 if gaps.mean() > 0 else -1
    [expected] = paired(sign * gaps[:, None], None, Resampling(0.95, 199, 7))
    # of two models the largest |t| is that of the one pair: only the tails are joined
    assert expected.low is not None
    assert worse["diff_low"] < gaps.mean() * sign < worse["diff_high"]
    assert worse["diff_low"] == pytest.approx(expected.low, abs=0.1)


@pytest.mark.parametrize("option", [("--seed", "1"), ("--resamples", "99"), ("--ci-method", "bca")])
def test_where_nothing_is_drawn_an_option_is_refused(option: tuple[str, str], path: str, cli: Cli) -> None:
    compute = cli("compute", "mse", path, "--pred", "a", *option)
    asks = "needs an interval; --ci 0.95 asks for one"
    assert (compute.status, compute.err) == (2, f"losscli: error: {option[0]}: {asks}\n")
    compare = cli("compare", "--losses", "mse", path, "--pred", "a", *option)
    asks = "needs an interval, or differences of models; --ci 0.95 asks for one"
    assert (compare.status, compare.err) == (2, f"losscli: error: {option[0]}: {asks}\n")
    plot = cli("plot", "mse", path, "--pred", "a", "--kind", "share", *option)
    assert plot.status == 2
    assert f"{' '.join(option)}: share has no intervals; groups, models, reliability have" in plot.err


def test_bad_numbers_are_refused_without_a_level(path: str, cli: Cli) -> None:
    for command in (("compare", "--losses", "mse", path, *MODELS), ("report", path, "--losses", "mse", "-o", "r.html")):
        found = cli(*command, "--resamples", "5")
        assert (found.status, found.out) == (2, "")
        assert "--resamples 5: must be a whole number from 39 to 1000000 for a level of 0.95" in found.err


def test_the_same_in_python() -> None:
    models = {"a": A, "b": B}
    ends = [losscli.compare("mse", y_true=TRUTH, models=models, seed=seed)[1].diff_low for seed in (1, 1, 2)]
    assert ends[0] == ends[1] != ends[2]
    with pytest.raises(UsageError, match="seed: needs an interval, or differences of models"):
        losscli.compare("mse", y_true=TRUTH, y_pred=A, seed=1)
    with pytest.raises(UsageError, match=r"seed: needs an interval; ci=0\.95"):
        losscli.compute("mse", y_true=TRUTH, y_pred=A, seed=1)


# ----------------------------------------------------------------------------------------------------- documents


def test_a_document_says_how_intervals_were_found() -> None:
    data: dict[str, Any] = {"y_true": TRUTH, "y_pred": A}
    found = losscli.compute(["mse", "mae"], **data, ci=0.9, resamples=99, seed=3).to_dict()
    assert found["intervals"] == {"level": 0.9, "method": "studentized", "resamples": 99, "seed": 3}
    assert list(found) == ["schema_version", "losscli", "data", "intervals", "losses"]
    mixed = losscli.compute(["mse", "medae", "max_error"], **data, ci=0.9, resamples=99).to_dict()
    assert mixed["intervals"] == {"level": 0.9, "method": None, "resamples": 99, "seed": 0}
    assert [loss["ci"]["method"] for loss in mixed["losses"]] == ["studentized", "percentile", None]
    assert "intervals" not in losscli.compute(["mse"], **data).to_dict()


def test_a_comparison_says_how_the_intervals_of_differences_were_found() -> None:
    models = {"a": A, "b": B}
    found = losscli.compare(["mse"], y_true=TRUTH, models=models).to_dict()
    [contest] = found["contests"]
    assert found["intervals"] == {key: contest[key] for key in ("level", "method", "resamples", "seed")}
    assert found["intervals"]["resamples"] == 9999
    assert "intervals" not in losscli.compare(["max_error"], y_true=TRUTH, models=models).to_dict()
    assert "intervals" not in losscli.compare(["mse"], y_true=TRUTH, y_pred=A).to_dict()
    one = losscli.compare(["mse"], y_true=TRUTH, y_pred=A, ci=0.9, resamples=99).to_dict()
    assert one["intervals"] == {"level": 0.9, "method": "studentized", "resamples": 99, "seed": 0}
