"""Scores of distributions and ensembles: their columns, refusals, and what they share with other losses."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import losscli
from tests.conftest import Cli

CRPS = ("crps_normal", "crps_laplace", "crps_logistic")
DENSITIES = ("laplace_nll", "logistic_nll", "lognormal_nll")


@pytest.mark.parametrize("name", ["scale", "sigma", "SD", "std", "stddev"])
def test_the_scale_is_found_by_its_usual_names(name: str, cli: Cli) -> None:
    rows = f"y_true,y_pred,{name}\n3,2.5,1\n-0.5,0,0.5\n".encode()
    found = cli("compute", "crps_laplace", "--per-sample", "-f", "csv", stdin=rows)
    assert found.status == 0, found.err
    expected = losscli.get_loss("crps_laplace")([3, -0.5], [2.5, 0], [1, 0.5])
    assert [float(line.split(",")[-1]) for line in found.out.splitlines()[1:]] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(("loss", "scale", "rule"), [
    *((loss, "-0.5", ">= 0") for loss in CRPS),
    *((loss, scale, "> 0") for loss in DENSITIES for scale in ("0", "-0.5")),
])  # fmt: skip
def test_a_scale_that_is_none_is_refused_by_row(loss: str, scale: str, rule: str, cli: Cli) -> None:
    found = cli("compute", loss, stdin=f"y_true,y_pred,sigma\n1,2,1\n3,5,{scale}\n".encode())
    assert found.status == 3
    assert found.err == f"losscli: error: standard input: column 'sigma' (scale), row 2: {scale} is not {rule}\n"


def test_two_scales_are_ambiguous(cli: Cli) -> None:
    found = cli("compute", "crps_normal", stdin=b"y_true,y_pred,sd,sigma\n1,2,1,1\n")
    assert found.status == 3
    assert "columns 'sd' and 'sigma' could both be scale" in found.err


@pytest.mark.parametrize("loss", CRPS)
def test_a_scale_of_zero_is_a_point_forecast(loss: str) -> None:
    y_true, y_pred = [1.0, 2.0, 3.0, 4.0], [1.5, 2.0, 1.0, 3.0]
    got = losscli.compute(loss, y_true=y_true, y_pred=y_pred, scale=[0.0, 0.0, -0.0, 1e-320], gradient=True)
    assert got.per_sample.tolist() == [0.5, 0.0, 2.0, 1.0]
    assert got.gradient.tolist() == [1.0, 0.0, -1.0, -1.0]


@pytest.mark.parametrize("loss", CRPS)
def test_a_crps_is_the_integral_of_squared_differences_of_distribution_functions(loss: str) -> None:
    from scipy import integrate, stats

    distribution = getattr(stats, {"normal": "norm"}.get(loss[5:], loss[5:]))
    for y, mean, scale in ((0.3, 1.1, 0.7), (-4.0, 0.0, 2.5)):
        frozen = distribution(mean, scale)
        below, _ = integrate.quad(lambda x, d=frozen: d.cdf(x) ** 2, -math.inf, y)
        above, _ = integrate.quad(lambda x, d=frozen: d.sf(x) ** 2, y, math.inf)
        assert losscli.get_loss(loss)([y], [mean], [scale])[0] == pytest.approx(below + above, rel=1e-7)


def test_gradients_keep_their_digits_near_the_truth() -> None:
    e = np.array([1e-12, -1e-17, 1e-300])
    for loss, factor in (("crps_laplace", 1.0), ("crps_logistic", 0.5), ("crps_normal", math.sqrt(2 / math.pi))):
        gradient = losscli.get_loss(loss).gradient(np.zeros(3), e, np.ones(3))
        np.testing.assert_allclose(gradient, factor * e, rtol=1e-11)


# ------------------------------------------------------------------------------------------------------- ensembles


def test_members_are_columns_and_one_column_is_one_member(cli: Cli) -> None:
    many = cli("compute", "crps_ensemble", "-f", "value", stdin=b"y_true,y_pred_1,y_pred_2\n0.5,0,1\n1,3,3\n")
    assert (many.status, float(many.out)) == (0, (0.25 + 2) / 2), many.err
    one = cli("compute", "crps_ensemble,mae", "-f", "value", stdin=b"y_true,y_pred\n0.5,0\n1,3\n")
    assert (one.status, one.out.split()) == (0, ["1.25", "1.25"]), one.err


@pytest.mark.parametrize("ending", ["npz", "json", "jsonl", "parquet"])
def test_members_that_are_vectors_are_read_from_nested_lists(ending: str, tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    rng = np.random.default_rng(1)
    rows = {"y_true": rng.normal(size=(6, 3)), "y_pred": rng.normal(size=(6, 4, 3))}
    lists = {name: array.tolist() for name, array in rows.items()}
    path = tmp_path / f"d.{ending}"
    if ending == "npz":
        np.savez(path, **rows)
    elif ending == "parquet":
        parquet.write_table(pa.table(lists), path)
    else:
        lines = [json.dumps(dict(zip(lists, row, strict=True))) for row in zip(*lists.values(), strict=True)]
        path.write_text(json.dumps(lists) if ending == "json" else "\n".join(lines))
    expected = losscli.get_loss("energy_score").value(**rows)
    assert losscli.compute("energy_score", str(path)).value == pytest.approx(expected, rel=1e-14)


REFUSED = {
    "crps_ensemble:fair=true y_true,y_pred\n1,2\n": "column 'y_pred': one member a row, but fair=true needs 2 or "
    "more; set -P fair=false",
    "dss y_true,y_pred\n1,2\n": "column 'y_pred': one member a row, but ddof=1 needs 2 or more, or a scale; "
    "--column scale=COL says which",
    "dss:ddof=0 y_true,y_pred\n1,2\n": "column 'y_pred', row 1: 2 is what all members are: they have no variance",
    "dss y_true,y_pred_0,y_pred_1\n1,2,3\n1,4,4\n1,5,5\n": "column 'y_pred_0' (y_pred), row 2: 4 is what all members "
    "are: they have no variance (and 1 more row like it)",
    "dss y_true,y_pred,sd\n1,2,0\n": "column 'sd' (scale), row 1: 0 is not > 0",
    "energy_score y_true,y_pred_0,y_pred_1\n1,2,3\n": "y_pred: shape (N, 2), but energy_score needs (N, M, D)",
    "crps_ensemble y_true,y_pred_0,y_pred_1\n1,2,\n": "column 'y_pred_1' (y_pred), row 1: 1 row lacks a value, of 1 "
    "(this is the first); --nan omit leaves them out, --nan propagate keeps them as NaN",
}


@pytest.mark.parametrize("typed", REFUSED)
def test_ensembles_that_cannot_be_scored(typed: str, cli: Cli) -> None:
    loss, _, rows = typed.partition(" ")
    found = cli("compute", loss, stdin=rows.encode())
    assert (found.status, found.err) == (3, f"losscli: error: standard input: {REFUSED[typed]}\n")


def test_an_ensemble_of_numbers_is_one_of_vectors_of_one_number() -> None:
    rng = np.random.default_rng(2)
    y, x = rng.normal(size=7), rng.normal(size=(7, 5)).round(1)
    for fair in (False, True):
        one, several = (losscli.get_loss(name, fair=fair) for name in ("crps_ensemble", "energy_score"))
        np.testing.assert_allclose(several(y, x[:, :, None]), one(y, x), atol=1e-15)
        np.testing.assert_allclose(several.gradient(y, x[:, :, None])[..., 0], one.gradient(y, x), atol=1e-15)


def test_dss_of_a_scale_is_that_of_a_likelihood() -> None:
    y, mean, scale = np.random.default_rng(3).gamma(2.0, size=(3, 8))
    likelihood = losscli.get_loss("gaussian_nll", eps=0)(y, mean, scale**2)
    np.testing.assert_allclose(losscli.get_loss("dss")(y, mean, scale), 2 * likelihood, rtol=1e-13)


@pytest.mark.parametrize("fair", [False, True])
def test_wide_and_narrow_ensembles_are_scored_by_all_pairs(fair: bool) -> None:
    rng = np.random.default_rng(4)
    for members in (2, 63, 64, 65, 200):
        y, x = rng.normal(size=40), rng.normal(size=(40, members)).round(2)
        pairs = np.abs(x[:, :, None] - x[:, None, :]).sum(axis=(1, 2)) / (2 * members * (members - fair))
        expected = np.abs(x - y[:, None]).mean(axis=1) - pairs
        found = losscli.compute("crps_ensemble", fair=fair, y_true=y, y_pred=x, gradient=True)
        np.testing.assert_allclose(found.per_sample, expected, atol=1e-14)
        pull = np.sign(x[:, :, None] - x[:, None, :]).sum(axis=2) / (members - fair)
        np.testing.assert_allclose(found.gradient, (np.sign(x - y[:, None]) - pull) / members, atol=1e-15)


# ------------------------------------------------------------------------------- a number a row, or one for all

ONE_OF = {"student_t_nll": ("df", "nu"), "gamma_nll": ("shape", "k"), "negative_binomial_nll": ("dispersion", "alpha")}
ROWS = {"y_true": [3.0, 1.0, 2.0], "y_pred": [2.5, 1.0, 4.0]}


@pytest.mark.parametrize("loss", ONE_OF)
def test_a_number_for_all_rows_is_the_same_for_each(loss: str) -> None:
    role, parameter = ONE_OF[loss]
    rows = ROWS | ({"scale": [1.0, 0.5, 2.0]} if loss == "student_t_nll" else {})
    one = losscli.compute(loss, **rows, **{parameter: 0.7}, gradient=True)
    each = losscli.compute(loss, **rows, **{role: [0.7] * 3}, gradient=True)
    assert one.per_sample.tolist() == each.per_sample.tolist()
    assert one.gradient.tolist() == each.gradient.tolist()


@pytest.mark.parametrize("loss", ONE_OF)
def test_none_and_both_are_refused(loss: str, cli: Cli) -> None:
    role, parameter = ONE_OF[loss]
    for columns, given, found in (("", "", "neither is"), (f",{role}", f":{parameter}=1", "both are")):
        rows = f"y_true,y_pred,scale{columns}\n1,2,1{',1' if columns else ''}\n".encode()
        refused = cli("compute", loss + given, stdin=rows)
        assert refused.status == 3
        choice = f"a number for each row ({role}) or one for all (its parameter {parameter})"
        assert refused.err.count("\n") == 1
        assert f"{loss}{given} takes {choice}: {found} given" in refused.err


@pytest.mark.parametrize(("typed", "problem"), {
    "gamma_nll:k=0": "gamma_nll: k=0 must be > 0 and finite",
    "gamma_nll:k=inf": "gamma_nll: k=inf must be > 0 and finite",
    "negative_binomial_nll:alpha=-1": "negative_binomial_nll: alpha=-1 must be >= 0 and finite",
    "student_t_nll:nu=0": "student_t_nll: nu=0 must be > 0",
}.items())  # fmt: skip
def test_parameters_that_are_none_are_refused(typed: str, problem: str, cli: Cli) -> None:
    refused = cli("compute", typed, stdin=b"y_true,y_pred,scale\n1,2,1\n")
    assert (refused.status, refused.err) == (2, f"losscli: error: {problem}\n")


@pytest.mark.parametrize(("loss", "column", "cell", "rule"), [
    ("gamma_nll", "shape", "0", "> 0 and finite"),
    ("gamma_nll", "y_true", "0", "> 0"),
    ("negative_binomial_nll", "dispersion", "-1", ">= 0 and finite"),
    ("negative_binomial_nll", "y_pred", "-1", ">= 0"),
    ("student_t_nll", "df", "0", "> 0"),
])  # fmt: skip
def test_cells_outside_of_their_domain_are_named(loss: str, column: str, cell: str, rule: str, cli: Cli) -> None:
    row = {"y_true": "1", "y_pred": "2", "scale": "1", ONE_OF[loss][0]: "1"}
    lines = [",".join(row), ",".join(row.values()), ",".join((row | {column: cell}).values())]
    refused = cli("compute", loss, stdin="\n".join(lines).encode())
    assert refused.status == 3
    assert refused.err == f"losscli: error: standard input: column {column!r}, row 2: {cell} is not {rule}\n"


def test_counts_without_dispersion_are_those_of_poisson() -> None:
    y, mean = [0.0, 3.0, 2.5, 0.0, 7.0], [0.0, 0.0, 4.0, 2.0, 7.0]
    poisson = losscli.get_loss("poisson_nll", full=True)
    for alpha in (0.0, 1e-320, 1e-30):
        found = losscli.get_loss("negative_binomial_nll", alpha=alpha)
        np.testing.assert_allclose(found(y, mean), poisson(y, mean), rtol=1e-14)
        np.testing.assert_allclose(found.gradient(y, mean), poisson.gradient(y, mean), rtol=1e-14)


def test_many_degrees_of_freedom_are_those_of_a_normal_distribution() -> None:
    y, mean, scale = np.zeros(3), np.array([0.0, 1e-5, 3.0]), np.array([1.0, 2.0, 0.5])
    normal = losscli.get_loss("gaussian_nll", eps=0, full=True)
    for nu in (math.inf, 1e200):
        found = losscli.get_loss("student_t_nll", nu=nu)
        np.testing.assert_allclose(found(y, mean, scale), normal(y, mean, scale**2), rtol=1e-14)
        np.testing.assert_allclose(found.gradient(y, mean, scale), normal.gradient(y, mean, scale**2), rtol=1e-14)


def test_gamma_of_shape_one_is_what_xgboost_calls_gamma_nloglik() -> None:
    y, mean = np.random.default_rng(5).gamma(2.0, size=(2, 6))
    np.testing.assert_allclose(losscli.get_loss("gamma_nloglik", k=1)(y, mean), y / mean + np.log(mean), rtol=1e-13)


def test_an_estimator_is_scored_with_one_number_for_all_rows() -> None:
    class Constant:
        def predict(self, rows: np.ndarray) -> np.ndarray:
            return np.full(len(rows), 2.0)

    y = np.array([1.0, 2.0, 4.0])
    expected = losscli.compute("gamma_nll", k=3, y_true=y, y_pred=np.full(3, 2.0)).value
    assert losscli.scorer("gamma_nll", k=3)(Constant(), np.zeros((3, 1)), y) == pytest.approx(-expected, rel=1e-15)
    with pytest.raises(losscli.UsageError, match="reads y_true, y_pred, shape"):
        losscli.scorer("gamma_nll")


def test_the_fair_score_is_for_random_members_alone() -> None:
    """Members that are chosen far apart cost nothing: the score is proper for draws of a distribution only."""
    gamed = losscli.compute("crps_ensemble:fair=true", y_true=[3.0], y_pred=[[-1e6, 1e6]])
    assert gamed.value == pytest.approx(0, abs=1e-9)
    for name in ("crps_ensemble", "energy_score"):
        pitfalls = losscli.explain(name).loss.documentation.advice["Pitfalls"]
        assert "random draws of the forecast distribution" in pitfalls


@pytest.mark.parametrize("family", ["normal", "laplace", "logistic"])
def test_scores_of_a_family_aim_at_its_parameters_alone(family: str) -> None:
    found = losscli.explain(f"crps_{family}").to_dict()["elicits"]
    assert found.lower() == f"location and scale of a {family} distribution"
    assert losscli.explain("crps_ensemble").to_dict()["elicits"] == "the whole distribution"
