"""Losses of language models: the exponential of a mean in all statistics, ratios by bytes, log-probabilities alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.compare.model_terms import RatioTerms
from losscli.compare.streamed_models import PairedSums
from losscli.declaration.properties import Reduction
from losscli.errors import UsageError
from losscli.page.intervals import interval_of_mean
from tests.conftest import Cli

RNG = np.random.default_rng(11)
N = 400
LOG_PROB = -RNG.gamma(1.5, size=N)
WEIGHT = RNG.uniform(0.5, 2, size=N)
P = RNG.dirichlet([1.0, 2.0, 1.0], size=N)
Q = 0.7 * P + 0.3 * RNG.dirichlet([1.0, 1.0, 1.0], size=N)
Y = np.array([RNG.choice(3, p=row) for row in P])


@pytest.mark.parametrize("reduction", [Reduction.MEAN, Reduction.ROOT_MEAN, Reduction.EXP_MEAN])
def test_a_reduction_knows_its_slope_and_its_differences(reduction: Reduction) -> None:
    mean, step = 1.7, 1e-6
    value, above = reduction.of_mean(mean), reduction.of_mean(mean + step)
    assert reduction.mean_of(value) == pytest.approx(mean, rel=1e-15)
    assert reduction.slope(value) == pytest.approx((above - value) / step, rel=1e-5)
    assert reduction.difference(2.0, reduction.of_mean(3.7), value) == pytest.approx(reduction.of_mean(3.7) - value)
    tiny = reduction.difference(1e-20, value, value)  # the values are the same to all digits
    assert tiny == pytest.approx(1e-20 * reduction.slope(value), rel=1e-12)


def test_ends_of_intervals_are_possible_values() -> None:
    assert Reduction.ROOT_MEAN.of_end(-0.1) == 0.0
    assert math.isnan(Reduction.ROOT_MEAN.of_mean(-0.1))
    assert Reduction.EXP_MEAN.of_end(-0.1) == math.exp(-0.1)
    assert Reduction.EXP_MEAN.of_mean(1000.0) == math.inf


def test_groups_and_intervals_are_those_of_the_mean_to_the_power_of_e() -> None:
    data = {"log_prob": LOG_PROB, "weight": WEIGHT, "language": np.where(np.arange(N) % 3 == 0, "en", "zh")}
    found = losscli.compute(
        ["perplexity", "bits_per_token"], data, columns={"weight": "weight"}, ci=0.9, resamples=99, group_by="language"
    )
    for group in ("en", "zh"):
        value, bits = [r for r in found if r.group == {"language": group}]
        assert value.value == pytest.approx(2**bits.value, rel=1e-12)
        assert value.ci is not None
        assert bits.ci is not None
        assert (value.ci.low, value.ci.high) == pytest.approx((2**bits.ci.low, 2**bits.ci.high), rel=1e-12)


def test_the_interval_by_the_normal_distribution_is_that_of_the_mean_to_the_power_of_e() -> None:
    found = interval_of_mean(math.exp(1.5), 0.1, 1000, Reduction.EXP_MEAN, 0.95)
    assert found is not None
    assert np.log([found.low, found.high]) == pytest.approx([1.5 - 0.1959964, 1.5 + 0.1959964], rel=1e-6)


def test_the_difference_of_exponentials_is_resampled_to_first_order() -> None:
    data = {"y_true": Y, "models": {"p": P, "q": Q}, "weight": WEIGHT}
    compared = losscli.compare(["perplexity", "cross_entropy"], **data)
    found = {(row.label, row.model): row for row in compared}
    p, q, same = found["perplexity", "p"], found["perplexity", "q"], found["cross_entropy", "q"]
    assert q.difference == pytest.approx(q.value - p.value, rel=1e-12)
    assert (q.verdict, q.flip) == (same.verdict, same.flip)
    drawn = np.random.default_rng(0).integers(N, size=(4000, N))
    surprise = [-np.log(model[np.arange(N), Y]) for model in (P, Q)]
    values = [np.exp((each * WEIGHT)[drawn].sum(axis=1) / WEIGHT[drawn].sum(axis=1)) for each in surprise]
    reach, critical = q.diff_high - q.difference, compared.contests[0].critical_value
    assert reach == pytest.approx(critical * np.std(values[1] - values[0]), rel=0.1)


@pytest.mark.parametrize("reduction", [Reduction.MEAN, Reduction.ROOT_MEAN, Reduction.EXP_MEAN])
def test_models_whose_rows_stream_by_have_the_same_differences(reduction: Reduction) -> None:
    surprise = [-np.log(model[np.arange(N), Y]) for model in (P, Q)]
    sums = PairedSums(2, has_own_denominators=False)
    for start in range(0, N, 150):
        rows = slice(start, start + 150)
        sums.update([RatioTerms(each[rows] * WEIGHT[rows], WEIGHT[rows]) for each in surprise])
    means = [float(np.average(each, weights=WEIGHT)) for each in surprise]
    values = [reduction.of_mean(mean) for mean in means]
    assert sums.differences([0, 1], reduction) == pytest.approx([0.0, values[1] - values[0]], rel=1e-12)
    moves = [
        reduction.slope(value) * WEIGHT * (each - mean) / WEIGHT.sum()
        for value, mean, each in zip(values, means, surprise, strict=True)
    ]
    covariance, errors = sums.covariance([0, 1], reduction)
    expected = float(np.square(moves[1] - moves[0]).sum())
    assert covariance[1, 1] == pytest.approx(expected, rel=1e-9)
    assert errors == pytest.approx([math.sqrt(expected)], rel=1e-9)


def test_bits_per_byte_is_a_ratio_of_sums(cli: Cli, tmp_path: Path) -> None:
    size = RNG.integers(0, 5, N).astype(float)
    result = losscli.compute("bits_per_byte", log_prob=LOG_PROB, bytes=size)
    assert result.value == pytest.approx(-LOG_PROB.sum() / math.log(2) / size.sum(), rel=1e-13)
    (tmp_path / "none.csv").write_text("logprob,n_bytes\n-1,0\n-2,0\n")
    none = cli("compute", "bits_per_byte", str(tmp_path / "none.csv"))
    assert none.status == 4
    assert "all of them are 0" in none.err


@pytest.mark.parametrize("name", ["perplexity", "bits_per_token", "bits_per_byte"])
def test_a_likely_token_has_all_its_digits(name: str) -> None:
    unit = 1 if name == "perplexity" else math.log(2)
    size = {"bytes": [1.0]} if name == "bits_per_byte" else {}
    result = losscli.compute(name, y_true=[0], y_pred=[[20.0, -1.0, -1.5]], from_logits=True, gradient=True, **size)
    rest = math.exp(-21) + math.exp(-21.5)
    assert result.per_sample[0] == pytest.approx(math.log1p(rest) / unit, rel=1e-14)
    assert result.gradient is not None
    assert result.gradient[0, 0] == pytest.approx(-rest / (1 + rest) / unit, rel=1e-14)


@pytest.mark.parametrize("column", ["log_prob", "logprob", "token_logprobs", "对数概率"])
def test_log_probabilities_are_found_and_are_not_above_0(cli: Cli, tmp_path: Path, column: str) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text(f"token,{column}\nThe,-0.5\ncat,-1.5\n", encoding="utf-8")
    assert cli("compute", "perplexity", str(path), "-f", "value").out.split() == [f"{math.e}"]
    path.write_text(f"token,{column}\nThe,-0.5\ncat,1.5\n", encoding="utf-8")
    wrong = cli("compute", "perplexity", str(path))
    assert wrong.status == 3
    assert all(part in wrong.err for part in (column, "row 2", "1.5 is not <= 0", "change their signs"))


def test_a_student_near_its_teacher_has_all_its_digits() -> None:
    teacher, step = np.array([[1.0, 2.0, 3.0]]), 2.0**-30
    student = teacher + np.array([0.0, step, 0.0])
    result = losscli.compute("distillation", teacher=teacher, student=student, gradient=True)
    p = np.exp(teacher / 2) / np.exp(teacher / 2).sum()
    second_order = 4 * p[0, 1] * (1 - p[0, 1]) * (step / 2) ** 2 / 2
    assert result.value == pytest.approx(second_order, rel=1e-8)
    assert result.gradient is not None
    assert result.gradient[0, 1] == pytest.approx(2 * p[0, 1] * (1 - p[0, 1]) * step / 2, rel=1e-8)


def test_classes_that_teacher_and_student_both_exclude_cost_nothing() -> None:
    logits = {"teacher": [[1.0, 0.0, -np.inf]], "student": [[0.0, 0.5, -np.inf]]}
    without = {role: [rows[0][:2]] for role, rows in logits.items()}
    assert losscli.compute("distillation", **logits).value == losscli.compute("distillation", **without).value
    logits["student"][0][1] = -np.inf  # a class that the teacher does not exclude
    assert losscli.get_loss("distillation")(**logits).tolist() == [math.inf]


def test_a_policy_that_is_its_reference_has_log_2(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(
        "policy_chosen_logps,policy_rejected_logps,ref_chosen_logps,ref_rejected_logps\n-5,-7,-5,-7\n-3,-2,-3,-2\n"
    )
    assert cli("compute", "dpo", str(path), "-f", "value").out.split() == [f"{math.log(2)}"]
    wrong = cli("compute", "dpo:label_smoothing=0.5", str(path))
    assert wrong.status == 2
    assert "label_smoothing=0.5 must be in [0, 0.5)" in wrong.err


def test_scores_of_pairs_are_found(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "rewards.csv"
    path.write_text("prompt,chosen,rejected\na,2,1\nb,0,0.5\n")
    expected = (math.log1p(math.exp(-1)) + math.log1p(math.exp(0.5))) / 2
    assert float(cli("compute", "bpr", str(path), "-f", "value").out) == pytest.approx(expected, rel=1e-14)


def test_ties_of_many_labels_are_in_the_wrong_order() -> None:
    rng = np.random.default_rng(3)
    y, s = rng.integers(0, 2, (50, 7)), rng.integers(0, 4, (50, 7)).astype(float)
    pairs = (y[:, :, None] == 1) & (y[:, None, :] == 0)
    wrong = pairs & (s[:, :, None] <= s[:, None, :])
    found = losscli.compute("label_ranking_loss", y_true=y, y_pred=s).per_sample
    counts = pairs.sum(axis=(1, 2))
    np.testing.assert_allclose(found, np.where(counts, wrong.sum(axis=(1, 2)) / np.maximum(counts, 1), 0), rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "loss"), [("排序损失", "label_ranking_loss"), ("困惑度", "perplexity"), ("kd", "distillation")]
)
def test_the_other_names_are_known(name: str, loss: str) -> None:
    assert losscli.get_loss(name).bound.loss.name == loss


def test_tokens_of_texts_have_bytes_of_their_own() -> None:
    rng = np.random.default_rng(0)
    labels, scores, size = rng.integers(0, 5, (4, 6)), rng.normal(size=(4, 6, 5)), rng.integers(1, 4, (4, 6))
    labels[1, 4:] = -100
    how = {"from_logits": True, "ignore_index": -100}
    by_text = losscli.compute("bits_per_byte", y_true=labels, y_pred=scores, bytes=size, **how)
    one_each = {"y_true": labels.ravel(), "y_pred": scores.reshape(-1, 5), "bytes": size.ravel()}
    by_token = losscli.compute("bits_per_byte", **one_each, **how)
    assert (by_text.value, by_text.n) == (by_token.value, 22)
    assert losscli.get_loss("bits_per_byte", **how).value(labels, scores, size) == pytest.approx(by_token.value)
    with pytest.raises(losscli.DataError, match="bytes has no value for each of the labels y_true"):
        losscli.compute("bits_per_byte", y_true=labels, y_pred=scores, bytes=size[:, 0], **how)


@pytest.mark.parametrize(("loss", "given"), [
    ("perplexity:ignore_index=3", {"log_prob": LOG_PROB}),
    ("bits_per_token:from_logits=true", {"log_prob": LOG_PROB}),
    ("zero_one:threshold=0.3", {"y_true": [0, 1], "y_pred": [[0.6, 0.4], [0.3, 0.7]]}),
])  # fmt: skip
def test_a_parameter_that_does_nothing_is_refused(loss: str, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"=\S+ does nothing where it reads .*: leave it out"):
        losscli.compute(loss, **given)


def test_scores_beside_the_texts_they_are_of_are_read(cli: Cli) -> None:
    rows = b"chosen,rejected,score_chosen,score_rejected\nyes,no,1,0\n"
    assert float(cli("compute", "bpr", "-f", "value", stdin=rows).out) == pytest.approx(np.log1p(np.exp(-1)))


def test_what_is_lacking_is_the_least(cli: Cli) -> None:
    assert "no column for bytes, which bits_per_byte needs" in cli("compute", "bpb", stdin=b"log_prob\n-1\n").err


@pytest.mark.parametrize("temperature", [1e120, 1e155, 1e200, 1e308])
def test_distillation_has_a_limit_at_high_temperatures(temperature: float) -> None:
    """It is half of the variance, over the classes, of the differences of the logits."""
    teacher, student = np.array([[1.0, 2.0, 4.0]]), np.array([[0.0, 3.0, 1.0]])
    found = losscli.compute("distillation", teacher=teacher, student=student, temperature=temperature).value
    assert found == pytest.approx(np.var(teacher - student) / 2, rel=1e-12)
    large = losscli.compute("distillation", teacher=teacher * 1e290, student=student * 1e290, temperature=temperature)
    assert large.value == np.inf
