"""Intervals of dependent rows, by clusters and by circular blocks, against loops, index arithmetic and simulation."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import losscli
from losscli.data.coded_text import text_digests
from losscli.errors import DataError, UsageError
from losscli.statistics.bootstrap import draws
from losscli.statistics.bootstrap.accumulator import CountedRows, Estimand
from losscli.statistics.bootstrap.dependent import FIXED_BLOCKS, new_bootstrap
from losscli.statistics.bootstrap.intervals import intervals, median_units, medians
from losscli.statistics.bootstrap.options import Resampling
from losscli.statistics.bootstrap.units import block_length, unit_terms
from losscli.statistics.ratios import paired, ratios
from tests.conftest import write_jsonl

ASKED = Resampling(0.95)


def test_sums_of_clusters_are_those_of_loops_in_the_order_of_first_rows():
    rng = np.random.default_rng(1)
    terms, rows = rng.normal(size=(50, 3)), np.arange(3, 153, 3)
    clusters = rng.integers(0, 9, 50).astype(np.uint64) + np.uint64(2**63)
    expected = []
    for cluster in dict.fromkeys(clusters.tolist()):
        total = np.zeros(3)
        for i in range(50):
            if int(clusters[i]) == cluster:
                total = total + terms[i]
        expected.append(total)
    found = unit_terms(terms, rows, clusters, ASKED._replace(cluster="day"), None)
    np.testing.assert_array_equal(found.terms, expected)
    assert found.size == len(expected) == 9


@pytest.mark.parametrize("length", [2, 3, 7, 8, 16, 19, 20])
def test_blocks_run_around_the_end(length):
    terms = np.random.default_rng(length).normal(size=(20, 2))
    expected = [sum(terms[(i + j) % 20] for j in range(length)) for i in range(20)]
    found = unit_terms(terms, np.arange(20), None, ASKED._replace(block="auto"), length)
    np.testing.assert_allclose(found.terms, expected, rtol=0, atol=1e-13)
    assert found.size == -(-20 // length)


def test_rows_are_their_own_units_without_clusters_or_blocks():
    terms = np.arange(6.0).reshape(3, 2)
    for asked, block in ((ASKED, None), (ASKED._replace(block=1), None), (ASKED._replace(block="auto"), 1)):
        found = unit_terms(terms, np.arange(1, 4), None, asked, block)
        assert found.terms is terms
        assert found.size == 3


def test_fewer_units_than_there_are_may_be_drawn():
    counts = draws.multinomial(30, 5, size=7)(0, 2000)
    assert counts.shape == (2000, 30)
    assert (counts.sum(axis=1) == 7).all()
    assert abs(counts.mean(axis=0) - 7 / 30).max() < 5 * np.sqrt(7 / 30 / 2000)
    np.testing.assert_array_equal(draws.multinomial(30, 5)(4, 3), draws.multinomial(30, 5, size=30)(4, 3))


def autoregressive(rng, n, correlation=0.7, columns=None):
    """Return series (n,), or several (n, columns), each value of which is `correlation` times the last plus noise."""
    noise = rng.normal(size=n if columns is None else (n, columns))
    series = noise / np.sqrt(1 - correlation**2)
    for i in range(1, n):
        series[i] = correlation * series[i - 1] + noise[i]
    return series


def fed(asked, x, clusters=None, step=None, estimand=Estimand.MEAN, weight=None, limit=None):
    """Return what accumulates losses (n,) that come in batches of `step` rows."""
    found = new_bootstrap(asked, estimand)
    found.limit = limit or found.limit
    for start in range(0, len(x), step or len(x)):
        rows = slice(start, start + (step or len(x)))
        numbers = np.arange(1, len(x) + 1)[rows]
        found.add(CountedRows(numbers, x[rows], *(None if c is None else c[rows] for c in (weight, None, clusters))))
    return found


def drawn_units(units, size, resamples, seed=0):
    """Which units each resample has (resamples, size), from the counts that losscli draws."""
    counts = draws.over_resamples(draws.multinomial(units, seed, size), units, resamples, lambda drawn: drawn)
    return np.stack([np.repeat(np.arange(units), each) for each in counts])


# ------------------------------------------------------------------------------------------------- clusters


def test_a_cluster_bootstrap_is_that_of_loops_over_clusters():
    rng = np.random.default_rng(2)
    clusters = rng.integers(0, 15, 120)
    x, weight = rng.lognormal(size=120) + 0.3 * clusters, rng.uniform(0.5, 2, 120)
    bootstrap = fed(Resampling(0.9, 399, 3, cluster="g"), x, clusters.astype(np.uint64), step=50, weight=weight)
    units, _ = bootstrap.held_units()
    labels = list(dict.fromkeys(clusters.tolist()))
    means, errors = [], []
    for chosen in drawn_units(15, 15, 399, seed=3):
        rows = np.concatenate([np.flatnonzero(clusters == labels[i]) for i in chosen])
        mean = np.average(x[rows], weights=weight[rows])
        sums = [np.sum(weight[clusters == labels[i]] * (x[clusters == labels[i]] - mean)) for i in chosen]
        means.append(mean)
        errors.append(math.sqrt(np.square(sums).sum()) / weight[rows].sum())
    (ratio,) = ratios([units], bootstrap.resampling)
    np.testing.assert_allclose(ratio.ratio + ratio.gaps, means, rtol=1e-11)
    np.testing.assert_allclose(ratio.errors, errors, rtol=1e-9)
    (found,) = intervals([bootstrap])
    low, high = np.quantile((np.array(means) - ratio.ratio) / errors, [0.05, 0.95], method="hazen")
    expected = ratio.ratio - high * ratio.error, ratio.ratio - low * ratio.error
    assert (found.low, found.high) == pytest.approx(expected, rel=0.02)
    assert (found.method, found.cluster, found.units, found.block) == ("studentized", "g", 15, None)


def test_sums_of_clusters_do_not_depend_on_batches_or_merges():
    rng = np.random.default_rng(3)
    x, clusters = rng.lognormal(size=150), rng.integers(0, 2**64, 20, dtype=np.uint64)[rng.integers(0, 20, 150)]
    asked = Resampling(0.95, 199, cluster="g")
    whole = fed(asked, x, clusters)
    for step in (1, 7, 149):
        np.testing.assert_array_equal(fed(asked, x, clusters, step).held_units()[0].terms, whole.held_units()[0].terms)
    later = new_bootstrap(asked, Estimand.MEAN)
    later.add(CountedRows(np.arange(61, 151), x[60:], None, None, clusters[60:]))
    merged = fed(asked, x[:60], clusters[:60])
    merged.merge(later)
    np.testing.assert_allclose(merged.held_units()[0].terms, whole.held_units()[0].terms, rtol=1e-14)
    assert merged.n == 150


def test_clusters_of_one_row_are_rows():
    x = np.random.default_rng(4).lognormal(size=90)
    for method in ("studentized", "bca", "percentile"):
        asked = Resampling(0.95, 499, method=method)
        (rows,) = intervals([fed(asked, x)])
        (found,) = intervals([fed(asked._replace(cluster="id"), x, np.arange(90)[::-1].astype(np.uint64))])
        assert found[:6] == rows[:6]
        assert "90 clusters in 90 rows" in found.why


def test_more_clusters_than_are_held_stream_in_blocks(monkeypatch):
    rng = np.random.default_rng(5)
    clusters, x = np.repeat(np.arange(300), 3).astype(np.uint64), rng.lognormal(size=900)
    (held,) = intervals([fed(Resampling(0.95, 4000, method="percentile", cluster="g"), x, clusters)])
    monkeypatch.setattr("losscli.statistics.ratios.MAX_ROWS_HELD", 299)
    (found,) = intervals([fed(Resampling(0.95, 4000, cluster="g"), x, clusters, step=100)])
    assert (found.method, found.units) == ("poisson", 300)
    assert (found.low, found.high) == pytest.approx((held.low, held.high), abs=0.15 * (held.high - held.low))


def test_digests_of_text_are_the_same_in_every_process():
    found = text_digests(np.array(["a", "é", "a", None], dtype=object)).tolist()
    assert found == [3405396810240292928, 3394012004367669963, 3405396810240292928, 13020603013274838756]


# --------------------------------------------------------------------------------------------------- blocks


@pytest.mark.parametrize("length", [4, 15])
def test_a_block_bootstrap_is_that_of_index_arithmetic(length):
    n, rng = 90, np.random.default_rng(length)
    x, weight = autoregressive(rng, n) ** 2, rng.uniform(0.5, 2, n)
    bootstrap = fed(Resampling(0.9, 300, 1, block=length), x, weight=weight, step=32)
    units, block = bootstrap.held_units()
    (ratio,) = ratios([units], bootstrap.resampling)
    means, errors = [], []
    for starts in drawn_units(n, -(-n // length), 300, seed=1):
        blocks = (starts[:, None] + np.arange(length)) % n
        mean = np.average(x[blocks], weights=weight[blocks])
        means.append(mean)
        sums = (weight[blocks] * (x[blocks] - mean)).sum(axis=1)
        errors.append(math.sqrt(np.square(sums).sum()) / weight[blocks].sum())
    np.testing.assert_allclose(ratio.ratio + ratio.gaps, means, rtol=1e-10)
    np.testing.assert_allclose(ratio.errors, errors, rtol=1e-8)
    (found,) = intervals([bootstrap])
    assert (found.block, found.units, block) == (length, -(-n // length), length)


def test_the_error_of_a_mean_weighs_correlations_by_a_trapezoid():
    n, length = 120, 9
    x = autoregressive(np.random.default_rng(7), n)
    bootstrap = fed(Resampling(0.95, 99, block=length), x)
    (ratio,) = ratios([bootstrap.held_units()[0]], bootstrap.resampling)
    e = x - x.mean()
    weighted = sum(
        min(1.0, 2 - abs(lag) / length) * np.mean(e * np.roll(e, lag)) for lag in range(1 - 2 * length, 2 * length)
    )
    size = -(-n // length)  # blocks, which may have more rows than the data
    assert ratio.error == pytest.approx(math.sqrt(weighted / (size * length)), rel=1e-10)


def length_by_loops(x):
    """The length of Politis & White (2004), corrected 2009, by its formulas."""
    n, e = len(x), x - np.mean(x)
    covariance = [sum(e[i] * e[i + lag] for i in range(n - lag)) / n for lag in range(n)]
    in_a_row, most = max(5, math.ceil(math.sqrt(math.log10(n)))), math.ceil(math.sqrt(n)) + 5
    bound = 2 * math.sqrt(math.log10(n) / n)
    m = 0
    while any(abs(covariance[m + k] / covariance[0]) >= bound for k in range(1, in_a_row + 1)):
        m += 1
    window = min(2 * max(m, 1), most)
    g = variance = 0.0
    for lag in range(-window, window + 1):
        share = abs(lag) / window
        weight = 1 if share <= 0.5 else 2 * (1 - share)
        g += weight * abs(lag) * covariance[abs(lag)]
        variance += weight * covariance[abs(lag)]
    return min(math.ceil((2 * g**2 / (4 / 3 * variance**2)) ** (1 / 3) * n ** (1 / 3)), math.ceil(3 * math.sqrt(n)))


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.4, 0.7])
def test_the_length_of_blocks_is_that_of_the_formulas(correlation):
    series = autoregressive(np.random.default_rng(11), 150, correlation)
    assert block_length(series) == length_by_loops(series)
    assert block_length(1e200 * series) == block_length(series)


def test_the_length_of_blocks_of_an_autoregression_grows_with_the_root_of_the_rows():
    rng = np.random.default_rng(12)
    for n in (1000, 27_000):
        expected = (2 * 0.7 / (1 - 0.7**2)) ** (2 / 3) * (1.5 * n) ** (1 / 3)
        assert block_length(autoregressive(rng, n)) == pytest.approx(expected, rel=0.25)
    several = np.stack([rng.normal(size=300), autoregressive(rng, 300)], axis=1)
    assert block_length(several) == block_length(several[:, 1]) > block_length(several[:, 0])
    assert block_length(np.ones(50)) == block_length(np.zeros(2)) == 1


def test_auto_takes_the_length_of_the_losses():
    x = autoregressive(np.random.default_rng(13), 200)
    (auto,) = intervals([fed(Resampling(0.95, 199, block="auto"), x)])
    assert auto.block == block_length(x - x.mean()) > 1
    (same,) = intervals([fed(Resampling(0.95, 199, block=auto.block), x)])
    assert auto == same
    differences = np.stack([np.random.default_rng(14).normal(size=200), x], axis=1)
    assert {ci.block for ci in paired(differences, None, Resampling(0.95, 199, block="auto"))} == {auto.block}
    white = np.random.default_rng(14).permutation(x)
    (rows,) = intervals([fed(Resampling(0.95, 199), white)])
    (alone,) = intervals([fed(Resampling(0.95, 199, block=1), white)])
    assert alone[:6] == rows[:6]


@pytest.mark.parametrize("length", [5, "auto"])
def test_blocks_of_more_rows_than_are_held_do_not_overlap(length, monkeypatch):
    """Against NumPy's Poisson counts of fixed blocks; the draws differ, and so the ends within a seventh."""
    monkeypatch.setattr("losscli.statistics.bootstrap.dependent.ROWS_PER_DRAW", 4096)
    rng = np.random.default_rng(15)
    x = autoregressive(rng, 1503) ** 2
    asked = Resampling(0.95, 1500, block=length)
    (found,) = intervals([fed(asked, x, limit=400)])
    used = block_length(x[:400] - x[:400].mean()) if length == "auto" else length
    assert (found.block, found.units, found.method) == (used, -(-1503 // used), "poisson")
    assert FIXED_BLOCKS in found.why
    for step in (77, 1000):
        assert intervals([fed(asked, x, step=step, limit=400)]) == [found]
    sums = np.array([[x[i : i + used].sum(), len(x[i : i + used])] for i in range(0, 1503, used)])
    means = [np.divide(*(rng.poisson(size=len(sums)) @ sums)) for _ in range(1500)]
    low, high = np.quantile(means, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.15 * (high - low))


# -------------------------------------------------------------------------------------------------- medians


def test_medians_of_clusters_and_blocks_are_those_of_the_rows_drawn():
    rng = np.random.default_rng(16)
    x, clusters = autoregressive(rng, 60), rng.integers(0, 12, 60).astype(np.uint64)
    rows = CountedRows(np.arange(1, 61), x, None, None, clusters)
    by_cluster = [np.flatnonzero(clusters == c) for c in dict.fromkeys(clusters.tolist())]
    expected = [
        np.median(x[np.concatenate([by_cluster[i] for i in chosen])]) for chosen in drawn_units(12, 12, 200, seed=2)
    ]
    asked = Resampling(0.95, 200, 2, cluster="g")
    np.testing.assert_array_equal(medians(rows, asked), expected)
    asked, plain = Resampling(0.95, 200, 2, block=7), rows._replace(clusters=None)
    expected = [np.median(x[(starts[:, None] + np.arange(7)) % 60]) for starts in drawn_units(60, 9, 200, seed=2)]
    np.testing.assert_array_equal(medians(plain, asked), expected)
    sides = np.sign(x - np.median(x))
    assert median_units(plain, asked._replace(block="auto")).block == block_length(sides)
    (found,) = intervals([fed(asked, x, estimand=Estimand.MEDIAN)])
    assert (found.method, found.block, found.units) == ("percentile", 7, 9)
    for option in ({"cluster": "g"}, {"block": 7}):
        given = clusters if "cluster" in option else None
        (none,) = intervals([fed(Resampling(0.95, 200, **option), x, given, 20, Estimand.MEDIAN, limit=50)])
        assert "the median of more than 50 rows is not resampled" in none.why


# ----------------------------------------------------------------------------------- the command line and Python


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(17)
    patient = rng.permutation(np.repeat(np.arange(24), 10))
    y_true = rng.normal(size=240)
    y_pred = y_true + rng.normal(size=24)[patient] + autoregressive(rng, 240, 0.5)
    day = pd.Timestamp("2026-01-01") + pd.to_timedelta(patient, unit="D")
    columns = {"y_true": y_true, "y_pred": y_pred, "w": rng.uniform(0.5, 2, 240), "patient": [f"p{i}" for i in patient]}
    return pd.DataFrame({**columns, "number": patient, "day": day, "site": rng.choice(["a", "b"], 240)})


@pytest.fixture(scope="module")
def folder(frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dependent")
    frame.to_csv(folder / "data.csv", index=False)
    frame.to_parquet(folder / "data.parquet", row_group_size=50)
    write_jsonl(folder / "data.jsonl", frame.drop(columns="day").to_dict("list"))
    (folder / "parts").mkdir()
    for i in range(4):
        frame[i * 60 : i * 60 + 60].to_csv(folder / "parts" / f"{i}.csv", index=False)
    return folder


def ends(result):
    return result.ci.low, result.ci.high


@pytest.mark.parametrize("option", [{"cluster": "patient"}, {"block": "auto"}, {"block": 6}])
def test_digits_are_the_same_wherever_rows_come_from(option, frame, folder, cli):
    asked = {"ci": 0.9, "resamples": 299, **option}
    results = losscli.compute(["rmse", "medae"], data=frame, **asked)
    expected = [value for result in results for value in ends(result)]
    flags = [f"--{name}={value}" for name, value in asked.items()]
    for words in (
        ["data.csv", "-j1"],
        ["data.parquet", "-j8"],
        ["data.jsonl"],
        ["parts", "-j2"],
        ["data.csv", "--engine=dask", "--workers=1"],
    ):
        result = cli("compute", "rmse,medae", folder / words[0], *words[1:], *flags, "--format=json")
        assert result.status == 0
        found = [loss["ci"][end] for loss in json.loads(result.out)["losses"] for end in ("low", "high")]
        assert found == expected, words
    roles = {"y_true": frame["y_true"].to_numpy(), "y_pred": frame["y_pred"].to_numpy()}
    arrays = {"cluster": frame["patient"]} if "cluster" in option else option
    found = losscli.compute(["rmse", "medae"], **roles, **asked | arrays)
    assert [value for result in found for value in ends(result)] == expected


@pytest.mark.parametrize("column", ["number", "day"])
def test_clusters_may_be_text_numbers_or_dates(column, frame):
    asked = {"ci": 0.9, "resamples": 299}
    expected = losscli.compute("mse", data=frame, cluster="patient", **asked)
    assert ends(losscli.compute("mse", data=frame, cluster=column, **asked)) == ends(expected)
    roles = {"y_true": frame["y_true"], "y_pred": frame["y_pred"]}
    assert ends(losscli.compute("mse", **roles, cluster=frame[column], **asked)) == ends(expected)


@pytest.mark.parametrize("option", [{"cluster": "patient"}, {"block": "auto"}])
@pytest.mark.parametrize("reduction", ["mean", "sum", "median"])
def test_a_group_has_the_interval_of_its_rows_alone(option, reduction, frame):
    asked = {"ci": 0.9, "resamples": 199, "reduction": reduction, "columns": {"weight": "w"}, **option}
    for result in losscli.compute(["mae"], data=frame, group_by="site", **asked):
        alone = losscli.compute("mae", data=frame[frame["site"] == result.group["site"]], **asked)
        assert result.ci == alone.ci
        assert result.ci.low < result.value < result.ci.high


def test_rows_that_do_not_count_are_left_out(frame):
    """Blocks are of the rows that are left, in their order; so are clusters."""
    holes = frame.copy()
    holes.loc[[3, 50, 51], "y_pred"] = np.nan
    left = holes.dropna()
    for option in ({"cluster": "patient"}, {"block": 6}):
        found = losscli.compute("mse", data=holes, nan="omit", ci=0.9, resamples=199, **option)
        assert ends(found) == ends(losscli.compute("mse", data=left, ci=0.9, resamples=199, **option))
    holes = frame.assign(patient=frame["patient"].where(frame.index != 7))
    found = losscli.compute("mse", data=holes, nan="omit", ci=0.9, resamples=199, cluster="patient")
    assert found.n == 239
    assert ends(found) == ends(losscli.compute("mse", data=frame.drop(7), ci=0.9, resamples=199, cluster="patient"))
    with pytest.raises(DataError, match="column 'patient' \\(cluster\\), row 8: 1 row lacks a value, of 240"):
        losscli.compute("mse", data=holes, ci=0.9, cluster="patient")


def test_json_and_notes_say_what_was_resampled(folder, cli):
    result = cli("compute", "mse", folder / "data.csv", "--ci=0.9", "--cluster=patient", "--format=json")
    found = json.loads(result.out)["losses"][0]["ci"]
    assert {key: found[key] for key in ("method", "resamples", "seed", "cluster", "units")} == {
        "method": "studentized",
        "resamples": 9999,
        "seed": 0,
        "cluster": "patient",
        "units": 24,
    }
    assert "block" not in found
    assert "90 % intervals: studentized bootstrap of 24 clusters (patient), 9999 resamples, seed 0" in result.err
    result = cli("compute", "mse", folder / "data.csv", "--ci=0.9", "--block=30", "--format=json")
    found = json.loads(result.out)["losses"][0]["ci"]
    assert (found["block"], found["units"], "cluster" in found) == (30, 8, False)
    assert "bootstrap of blocks of 30 rows" in result.err
    assert "8 blocks are too few: no interval keeps its level; use shorter blocks, or more rows" in result.err
    result = cli("compute", "mse", folder / "data.csv", "--ci=0.9", "--cluster=site")
    assert "no interval: 2 clusters are too few to resample: it takes 5, better 20" in result.err


@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        (["--cluster=patient"], 2, "--cluster: needs an interval; --ci 0.95 asks for one"),
        (["--block=auto"], 2, "--block: needs an interval"),
        (["--ci=0.9", "--cluster=patient", "--block=3"], 2, "by clusters or by blocks: leave one out"),
        (["--ci=0.9", "--block=0"], 2, "--block 0: must be a whole number of rows, at least 1, or auto"),
        (["--ci=0.9", "--block=2.5"], 2, "--block 2.5: must be a whole number of rows"),
        (["--ci=0.9", "--block=daily"], 2, "--block daily: must be a whole number of rows, at least 1, or auto"),
        (["--ci=0.9", "--block=241"], 2, "--block 241: a block of so many rows is longer than the data, 240 rows"),
        (["--ci=0.9", "--cluster=nobody"], 3, "no column 'nobody'"),
        (["--ci=0.9", "--cluster=@file"], 3, "column '@file' of clusters is the same in all 240 rows"),
        (["--ci=0.9", "--cluster=site", "--group-by=site"], 2, "--cluster site: makes the groups"),
    ],
)
def test_wrong_units_are_one_line(flags, status, message, folder, cli):
    result = cli("compute", "mse", folder / "data.csv", *flags)
    assert (result.status, result.out) == (status, "")
    assert message in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("option", [{"cluster": "patient"}, {"block": 5}])
def test_one_distribution_is_one_unit_whatever_is_resampled(option, frame):
    shares = frame.assign(y_true=1 / len(frame), y_pred=1 / len(frame))
    distribution, rows = losscli.compute(["kl", "mse"], data=shares, ci=0.9, **option)
    assert (distribution.value, distribution.n, distribution.to_dict()["ci_low"]) == (0, 1, None)
    assert rows.n == len(frame)


def test_clusters_in_python_are_a_column_or_an_array(frame):
    roles = {"y_true": frame["y_true"], "y_pred": frame["y_pred"]}
    for wrong, error, message in (
        ({"data": frame, "cluster": frame["patient"]}, UsageError, "with data, cluster is the name of a column"),
        ({**roles, "cluster": 5}, UsageError, "is the name of a column, or an array"),
        ({**roles, "cluster": frame[["patient"]]}, UsageError, "is one column, not a frame"),
        ({**roles, "cluster": frame["patient"][:9]}, DataError, "shapes differ"),
        ({"y_true": frame[["y_true"]], "y_pred": frame[["y_pred"]], "cluster": frame["w"]}, UsageError, "are frames"),
    ):
        with pytest.raises(error, match=message):
            losscli.compute("mse", ci=0.9, **wrong)


def test_files_may_be_clusters(frame, tmp_path, cli):
    for i in range(6):
        frame[i * 40 : i * 40 + 40].to_csv(tmp_path / f"{i}.csv", index=False)
    result = cli("compute", "mse", tmp_path, "--ci=0.9", "--cluster=@file", "--resamples=199", "--format=json")
    found = json.loads(result.out)["losses"][0]["ci"]
    expected = losscli.compute("mse", data=frame.assign(part=frame.index // 40), cluster="part", ci=0.9, resamples=199)
    assert (found["units"], found["low"]) == (6, expected.ci.low)


# --------------------------------------------------------------------------------------------------- models


@pytest.fixture(scope="module")
def models():
    """Two models whose errors differ by an autoregression, and by patients."""
    rng = np.random.default_rng(21)
    y_true, patient = rng.normal(size=300), np.repeat(np.arange(30), 10)
    error = autoregressive(rng, 300)
    worse = error + 0.3 * autoregressive(rng, 300) + rng.normal(0, 0.4, size=30)[patient]
    return pd.DataFrame({"y_true": y_true, "a": y_true + error, "b": y_true + worse, "patient": patient})


def difference_of(frame, loss, **asked):
    (ranking,) = losscli.compare(loss, data=frame, models=("a", "b"), ci=0.9, **asked).contests
    (gap,) = (gap for model, gap in ranking.gaps.items() if model != ranking.reference)
    return gap.diff_low, gap.diff_high


@pytest.mark.parametrize("option", [{"cluster": "patient"}, {"block": 8}])
def test_differences_of_models_are_resampled_by_units(option, models):
    """Against the studentized bootstrap by loops: symmetric, as of one pair |t| is."""
    x = ((models["b"] - models["y_true"]) ** 2 - (models["a"] - models["y_true"]) ** 2).to_numpy()
    x = x if x.mean() > 0 else -x
    if "cluster" in option:
        units = [np.flatnonzero(models["patient"] == i) for i in range(30)]
        size, error = 30, math.sqrt(sum(((x - x.mean())[rows].sum()) ** 2 for rows in units)) / 300
    else:
        units, size = [(i + np.arange(8)) % 300 for i in range(300)], 38
        e = x - x.mean()
        squares = [np.mean([e[(i + np.arange(b)) % 300].sum() ** 2 for i in range(300)]) for b in (8, 16)]
        error = math.sqrt(max(squares[1] - squares[0], squares[0]) * size) / (size * 8)
    t = []
    for chosen in drawn_units(len(units), size, 499):
        sums = np.array([x[units[i]].sum() for i in chosen])
        rows = len(units[0])
        mean = sums.sum() / (size * rows)
        t.append(abs(mean - x.mean()) / (math.sqrt(np.square(sums - mean * rows).sum()) / (size * rows)))
    reach = np.quantile(t, 0.9) * error
    found = difference_of(models, "mse", resamples=499, **option)
    assert found == pytest.approx((x.mean() - reach, x.mean() + reach), rel=0.03)


def test_comparisons_say_what_was_resampled(models, tmp_path, cli):
    models.to_csv(tmp_path / "models.csv", index=False)
    words = "compare", "models.csv", "--losses=mse,medae", "--pred=a", "--pred=b", "--resamples=99"
    result = cli(*words, "--block=6", "--format=json")
    assert "the intervals of the differences are of blocks of 6 rows" in result.err
    rankings = [each for each in json.loads(result.out)["contests"] if each["loss"] in ("mse", "medae")]
    assert [(each["block"], each["units"], "cluster" in each) for each in rankings] == [(6, 50, False)] * 2
    result = cli(*words, "--cluster=patient", "--decompose", "--format=json")
    assert "the intervals of the differences are of 30 clusters (patient)" in result.err
    found = json.loads(result.out)
    assert [(each["cluster"], each["units"]) for each in found["contests"]] == [("patient", 30)] * 2
    result = cli(*words, "--block=100")
    assert "there is no interval where 3 blocks are too few to resample: it takes 5, better 20" in result.err


def test_biases_are_resampled_by_units(models):
    e = (models["a"] - models["y_true"]).to_numpy()
    (loss,) = losscli.compare("mse", data=models, columns={"y_pred": "a"}, decompose=True, cluster="patient", ci=0.9)
    interval = loss.decomposition.interval
    assert (interval.cluster, interval.units) == ("patient", 30)
    assert interval[:2] == paired(e[:, None], None, Resampling(0.9, cluster="patient"), clusters=text_digests(
        models["patient"].astype(str).to_numpy(object)))[0][:2]  # fmt: skip


def test_auto_blocks_and_clusters_widen_differences(models):
    rows = np.diff(difference_of(models, "mse", resamples=299))[0]
    assert np.diff(difference_of(models, "mse", resamples=299, block="auto"))[0] > 1.3 * rows
    assert np.diff(difference_of(models, "mse", resamples=299, cluster="patient"))[0] > 1.3 * rows
    rows = np.diff(difference_of(models, "medae", resamples=299))[0]
    assert np.diff(difference_of(models, "medae", resamples=299, cluster="patient"))[0] > rows


@pytest.mark.parametrize("option", [{"cluster": "patient"}, {"block": 8}])
@pytest.mark.parametrize("loss", ["mse", "rmse", "wape"])
def test_differences_while_rows_stream_are_those_of_all_rows(option, loss, models, monkeypatch):
    """A picture of many rows keeps sums of units, and has the intervals that rows in memory have."""
    for module in ("ratios", "bootstrap.units"):
        monkeypatch.setattr(f"losscli.statistics.{module}.MAX_ROWS_HELD", 60)
    expected = difference_of(models, loss, resamples=299, **option)
    monkeypatch.setattr("losscli.evaluation.row_sample.MAX_SAMPLE_ROWS", 60)
    from losscli import pipeline
    from losscli.arguments import bind_data
    from losscli.data.sources import ReadOptions
    from losscli.options import EvaluationOptions
    from losscli.plot.kinds import PlotOptions

    options = EvaluationOptions(models=("a", "b"), ci=0.9, resamples=299, **option)
    sources, options = bind_data(models, {}, options, ReadOptions())
    losses = pipeline.resolve_losses(loss)
    picture = pipeline.plot(losses, sources, options, PlotOptions("models"), print)
    (facts,) = picture.facts["losses"].values()
    ((_, found),) = facts["relative"].items()
    best = min(facts["values"].values())
    assert (found["low"] * best, found["high"] * best) == pytest.approx(expected, rel=1e-9)


# ---------------------------------------------------------------------------------------------- simulations


def coverage(samples, truth, asked, clusters=None, at_once=25):
    """Return the share of samples (n, k) whose interval of the mean holds it."""
    held = 0
    for start in range(0, samples.shape[1], at_once):
        several = [
            fed(asked._replace(seed=start), np.ascontiguousarray(x), clusters)
            for x in samples[:, start : start + at_once].T
        ]
        held += sum(found.low <= truth <= found.high for found in intervals(several))
    return held / samples.shape[1]


@pytest.mark.slow
@pytest.mark.parametrize(("n", "lengths"), [(200, ("auto", 10, 20)), (500, ("auto", 20, 40))])
def test_coverage_of_autoregressions(n, lengths):
    """Of 95 % intervals of the mean of AR(0.7), and of its squares, 90 to 97 % hold it; rows one by one: under 60 %."""
    series = autoregressive(np.random.default_rng(n), n, columns=800)
    for length in lengths:
        asked = Resampling(0.95, 499, block=length)
        assert 0.90 <= coverage(series, 0.0, asked) <= 0.97
        assert 0.90 <= coverage(series**2, 1 / 0.51, asked) <= 0.97
    assert coverage(series[:, :200], 0.0, Resampling(0.95, 499)) < 0.7


@pytest.mark.slow
@pytest.mark.parametrize("uneven", [False, True])
def test_coverage_of_clusters(uneven):
    """Of 20 clusters of 10 rows, or of 1 to 25, with a correlation of 0.5 within."""
    rng = np.random.default_rng(20)
    sizes = rng.integers(1, 26, 20) if uneven else np.full(20, 10)
    clusters = np.repeat(np.arange(20), sizes)
    x = math.sqrt(0.5) * (rng.normal(size=(20, 1500))[clusters] + rng.normal(size=(len(clusters), 1500)))
    asked = Resampling(0.95, 499, cluster="patient")
    assert 0.90 <= coverage(x, 0.0, asked, clusters.astype(np.uint64)) <= 0.97
    assert 0.90 <= coverage(x**2, 1.0, asked, clusters.astype(np.uint64)) <= 0.97
    assert coverage(x[:, :300], 0.0, asked._replace(cluster=None)) < 0.7
