"""Test losses of queries: how rows are gathered, what counts, and that neither order nor batches matter."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import losscli
from losscli.data import queries
from losscli.data.batch import Batch
from losscli.data.coded_text import encode
from losscli.data.queries import batches_of_queries
from losscli.declaration.domains import ValueOrigin
from losscli.errors import DataError, NoResultError, UsageError
from losscli.losses import _queries
from tests.conftest import Cli

pytestmark = pytest.mark.filterwarnings("ignore:.*(left out of the mean|in row order|all rows are one query)")

LOSSES = [
    "ndcg_loss",
    "mrr_loss",
    "map_loss",
    "pairwise_logistic",
    "pairwise_hinge",
    "lambda_rank",
    "listmle",
    "listnet",
]
RNG = np.random.default_rng(8)
QUERY = np.repeat([f"q{i}" for i in range(12)], RNG.integers(2, 9, 12))
N = len(QUERY)
ROWS = pd.DataFrame(
    {"query": QUERY, "y_true": RNG.permutation(N) % 5 + np.arange(N) / 1000, "y_pred": RNG.normal(size=N)}
)
ROWS["y_true"] = ROWS["y_true"].round(3)
SHUFFLED = ROWS.sample(frac=1, random_state=1)
TEXT = b"query,y_true,y_pred\na,0,0.3\nb,1,1.2\na,2,-0.5\na,0,1.1\nb,3,0.9\nb,1,2.2\nc,0,1\n"


def arrays(frame: pd.DataFrame) -> dict[str, Any]:
    return {name: frame[name].to_numpy() for name in frame}


def compute(loss: str, frame: pd.DataFrame, **options: Any) -> losscli.LossResult:
    result = losscli.compute(loss, **arrays(frame), **options)
    assert isinstance(result, losscli.LossResult)
    return result


# ------------------------------------------------------------------------------------------------ gathering


@pytest.mark.parametrize("loss", LOSSES)
def test_the_order_of_rows_does_not_matter(loss: str) -> None:
    has_gradient = "gradient" in losscli.get_loss(loss).bound.loss.forms[0].hooks
    first, other = (compute(loss, frame, gradient=has_gradient) for frame in (ROWS, SHUFFLED))
    np.testing.assert_allclose(other.value, first.value, rtol=1e-12)
    keys = list(dict.fromkeys(SHUFFLED["query"]))
    of_keys = dict(zip(dict.fromkeys(QUERY), first.per_sample, strict=True))
    np.testing.assert_allclose(other.per_sample, [of_keys[key] for key in keys], rtol=1e-12)
    if has_gradient:
        np.testing.assert_allclose(other.gradient, first.gradient[SHUFFLED.index], rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_is_that_of_each_query_alone(loss: str) -> None:
    alone = [
        losscli.compute(loss, y_true=its["y_true"], y_pred=its["y_pred"]).value for _, its in by_appearance(SHUFFLED)
    ]
    np.testing.assert_allclose(compute(loss, SHUFFLED).per_sample, alone, rtol=1e-12)


def by_appearance(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return list(frame.groupby("query", sort=False))


@pytest.mark.parametrize("loss", LOSSES)
def test_functions_say_what_compute_says(loss: str) -> None:
    function, result = losscli.get_loss(loss), compute(loss, SHUFFLED)
    np.testing.assert_array_equal(function(**arrays(SHUFFLED)), result.per_sample)
    assert function.value(**arrays(SHUFFLED)) == pytest.approx(result.value, rel=1e-12)
    if "gradient" in function.bound.loss.forms[0].hooks:
        gradient = compute(loss, SHUFFLED, gradient=True).gradient
        np.testing.assert_array_equal(function.gradient(**arrays(SHUFFLED)), gradient)


@pytest.mark.parametrize("rows_per_batch", [1, 3, 1000])
def test_queries_that_are_adjacent_are_the_same_in_any_batches(
    rows_per_batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "ROWS_PER_PIECE", 7)
    found = []
    for adjacent in (True, False):
        monkeypatch.setattr(queries, "are_adjacent_in_large_file", lambda columns, it=adjacent: it)
        found.append(list(batches_of_queries(batches(rows_per_batch), None)))
        for batch in found[-1]:
            assert batch.query is not None
            assert list(batch.numbers) == list(range(batch.numbers[0], batch.numbers[0] + len(batch)))
        lists = [batch.arrays["y_pred"][slice(i, i + 1)] for batch in found[-1] for i in range(len(batch))]
        assert [one.values.tolist() for one in lists] == [its["y_pred"].tolist() for _, its in by_appearance(ROWS)]
        assert [n for one in lists for n in one.numbers] == list(range(1, N + 1))
    assert [name for b in found[0] for name in b.query] == list(dict.fromkeys(QUERY))


def batches(size: int) -> list[Batch]:
    whole = Batch(
        range(1, N + 1),
        {name: ROWS[name].to_numpy() for name in ("y_true", "y_pred")},
        {name: ValueOrigin(name, rows=range(1, N + 1)) for name in ("y_true", "y_pred")},
        query=encode(ROWS["query"].to_numpy(dtype=object)),
    )
    return [whole.take(slice(i, i + size)) for i in range(0, N, size)]


@pytest.mark.slow
@pytest.mark.parametrize("format", ["csv", "parquet"])
@pytest.mark.parametrize("frame", [ROWS, SHUFFLED], ids=["adjacent", "shuffled"])
def test_large_files_are_read_query_by_query(
    frame: pd.DataFrame, format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[bool] = []
    look = queries._are_adjacent
    monkeypatch.setattr(queries, "BYTES_OF_LARGE_FILE", 0)
    monkeypatch.setattr(queries, "_are_adjacent", lambda parts: looked.append(look(parts)) or looked[-1])
    path = tmp_path / f"rows.{format}"
    several = pd.concat([frame.assign(query=frame["query"] + f"-{i}") for i in range(3000 if format == "csv" else 300)])
    if format == "csv":
        several.to_csv(path, index=False)
    else:
        several.to_parquet(path, row_group_size=5000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = losscli.compute("ndcg_loss", str(path))
    assert looked == [frame is ROWS]
    assert found.n == len(several) // N * 12
    assert found.value == pytest.approx(compute("ndcg_loss", ROWS).value, rel=1e-12)


@pytest.mark.parametrize(
    ("parts", "adjacent"), [("aab bbc", True), ("aab bba", False), ("aba", False), ("a a b", True), ("ab ca", False)]
)
def test_whether_queries_are_adjacent(parts: str, adjacent: bool) -> None:
    assert queries._are_adjacent(encode(np.array(list(part), dtype=object)) for part in parts.split()) is adjacent


def test_long_queries_are_compared_pair_by_pair_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = compute("pairwise_logistic", ROWS.assign(query=0), gradient=True)
    monkeypatch.setattr(_queries, "PAIRS_PER_BLOCK", 100)
    tiles = compute("pairwise_logistic", ROWS.assign(query=0), gradient=True)
    np.testing.assert_allclose(tiles.value, whole.value, rtol=1e-14)
    np.testing.assert_allclose(tiles.gradient, whole.gradient, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("name", ["query", "query_id", "qid", "group"])
def test_usual_names_of_the_column(name: str) -> None:
    result = losscli.compute("ndcg_loss", ROWS.rename(columns={"query": name}))
    assert result.value == compute("ndcg_loss", ROWS).value


@pytest.mark.parametrize("keys", [[2**53, 2**53 + 1], ["01", "1"], [-1, 1], [True, False]])
def test_keys_are_told_apart(keys: list[Any]) -> None:
    query = np.repeat(np.array(keys), 2)
    assert losscli.compute("listnet", y_true=[0, 1, 2, 1], y_pred=[1, 2, 3, 4], query=query).n == 2


@pytest.mark.parametrize("keys", [[2, 1.5, 1.5, 2], ["2", "1.5", "1.5", "a"], ["a", "1.5", None, "b"]])
def test_fractions_name_no_query(keys: list[Any], cli: Cli) -> None:
    data = {"y_true": [0, 1, 2, 1], "y_pred": [1, 2, 3, 4], "query": keys}
    with pytest.raises(DataError, match=r"query, row 2: .?1\.5.? is not the name of a query, or an integer"):
        losscli.compute("listnet", **data)
    with pytest.raises(DataError, match=r"query, row 2: .?1\.5.? is not the name of a query, or an integer"):
        losscli.get_loss("listnet").value(**data)
    pd.DataFrame(data).to_csv("d.csv", index=False)
    result = cli("compute", "listnet", "d.csv")
    assert result.status == 3
    assert "d.csv: column 'query', row 2: '1.5' is not the name of a query, or an integer" in result.err


def test_large_integers_are_told_apart_in_files(tmp_path: Path) -> None:
    frame = pd.DataFrame({"query": [2**53, 2**53 + 1], "y_true": [1, 1], "y_pred": [1, 2]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, frame.to_dict("records"))))
    assert [losscli.compute("listnet", str(path)).n for path in sorted(tmp_path.iterdir())] == [2, 2, 2]


# ---------------------------------------------------------------------------------------------- what counts


def test_rows_that_are_queries_and_rows_of_queries() -> None:
    y, s = RNG.integers(0, 3, (6, 4)).astype(float), RNG.normal(size=(6, 4))
    y[0] = 0
    for loss in ("ndcg_loss", "pairwise_hinge:average=pair", "lambda_rank"):
        rows = losscli.compute(loss, y_true=y, y_pred=s)
        of_queries = losscli.compute(loss, y_true=y.ravel(), y_pred=s.ravel(), query=np.repeat(np.arange(6), 4))
        np.testing.assert_allclose(rows.per_sample, of_queries.per_sample, rtol=1e-13)
        np.testing.assert_allclose(rows.value, of_queries.value, rtol=1e-13)
        assert rows.n == of_queries.n
    message = "^each row is a query"
    with pytest.raises(UsageError, match=message):
        losscli.compute("ndcg_loss", y_true=y, y_pred=s, query=range(6))
    with pytest.raises(UsageError, match=message):
        losscli.get_loss("ndcg_loss")(y, s, query=range(6))


def test_rows_that_are_queries_go_without_a_query_in_files(cli: Cli, tmp_path: Path) -> None:
    for name, values in (("yt", [[1.0, 0], [0, 2]]), ("yp", [[1.0, 2], [3, 4]]), ("qq", [1, 2])):
        np.save(tmp_path / f"{name}.npy", values)
    lists = [{"y_true": [1, 0], "y_pred": [1, 2], "group": 1}, {"y_true": [0, 2], "y_pred": [3, 4], "group": 1}]
    (tmp_path / "group.json").write_text(json.dumps(lists))
    (tmp_path / "query.json").write_text(json.dumps(lists).replace("group", "query"))
    arrays, query = [f"y_true={tmp_path}/yt.npy", f"y_pred={tmp_path}/yp.npy"], f"query={tmp_path}/qq.npy"
    for files in (arrays, [str(tmp_path / "group.json")]):
        refused, expected = cli("compute", "ndcg", *files, query), cli("compute", "ndcg", *files)
        assert (refused.status, expected.status) == (2, 0)
        assert "each row is a query, as y_pred has several scores a row: the role query goes without" in refused.err
    found = cli("compute", "ndcg", str(tmp_path / "query.json"))
    assert (found.status, found.out, found.err.count("\n")) == (3, "", 1)
    assert (
        "query.json: each row is a query, as y_pred has several scores a row: leave out the column 'query'" in found.err
    )


def test_without_a_query_all_rows_are_one(cli: Cli) -> None:
    result = cli("compute", "ndcg_loss", stdin=b"y_true,y_pred\n0,1\n1,2\n2,0\n")
    assert "note: no column for query: all rows are one query" in result.err
    assert result.out.splitlines()[1].split("\t")[:2] == ["ndcg_loss", "1"]


def test_queries_that_cannot_be_judged_are_counted_in_a_note(cli: Cli) -> None:
    result = cli("compute", "ndcg_loss,ndcg_loss:no_relevant=0,ndcg_loss:no_relevant=1", stdin=TEXT)
    note = (
        "ndcg_loss: 1 query is left out of the mean, of 3: a query counts only where it has a document with y_true > 0"
    )
    assert note in result.err
    assert result.err.count("left out") == 1
    skipped, zero, one = (line.split("\t") for line in result.out.splitlines()[1:])
    assert [row[1] for row in (skipped, zero, one)] == ["2", "3", "3"]
    assert float(zero[2]) == pytest.approx(float(skipped[2]) * 2 / 3)
    assert float(one[2]) == pytest.approx((float(skipped[2]) * 2 + 1) / 3)
    assert losscli.compute("ndcg_loss", no_relevant=1, y_true=[0], y_pred=[1]).value == 1
    with pytest.raises(NoResultError, match="counts a query only where it has a document with y_true > 0"):
        losscli.compute("ndcg_loss", y_true=[0, 0], y_pred=[1, 2])


def test_ties_in_row_order_are_counted_in_a_note(cli: Cli) -> None:
    result = cli("compute", "listmle,ndcg_loss:ties=order", stdin=TEXT + b"a,0,1.1\n")
    assert "note: listmle: equal relevances are taken in row order in 2 queries of 3" in result.err
    assert "note: ndcg_loss:ties=order: equal scores are taken in row order in 1 query of 3" in result.err


def test_each_pair_counts_once() -> None:
    by_pair = losscli.compute("pairwise_logistic", average="pair", **arrays(ROWS))
    gaps = [
        s - t
        for _, its in by_appearance(ROWS)
        for y, s in zip(its["y_true"], its["y_pred"], strict=True)
        for z, t in zip(its["y_true"], its["y_pred"], strict=True)
        if y > z
    ]
    assert by_pair.value == pytest.approx(np.logaddexp(0, -np.array(gaps)).mean(), rel=1e-12)
    assert by_pair.summary.weight_sum == len(gaps)
    weight = np.repeat([2.0, 3.0], [5, N - 5])
    one_query = ROWS.assign(query=[0] * 5 + [1] * (N - 5))
    weighed = losscli.compute("pairwise_logistic", average="pair", weight=weight, **arrays(one_query))
    each = compute("pairwise_logistic", one_query).per_sample
    pairs = np.array([n * (n - 1) / 2 for n in (5, N - 5)])
    assert weighed.value == pytest.approx(np.average(each, weights=pairs * [2, 3]), rel=1e-12)


def test_one_weight_a_query() -> None:
    weight = pd.Series(QUERY).map({key: i for i, key in enumerate(dict.fromkeys(QUERY))}).to_numpy(dtype=float)
    each, whole = compute("listnet", ROWS).per_sample, losscli.compute("listnet", weight=weight, **arrays(ROWS))
    assert whole.value == pytest.approx(np.average(each, weights=np.arange(12)), rel=1e-12)
    assert whole.n == 11, "the first one is no query, for it has no row left"
    weight[-1] = 0.0
    assert losscli.compute("listnet", weight=weight, **arrays(ROWS)).per_sample[-1] != each[-1]
    weight[-1] = 5.0
    with pytest.raises(DataError, match=r"^weight: query 'q11' has rows of weight 5 and 11: give its rows one weight$"):
        losscli.compute("listnet", weight=weight, **arrays(ROWS))


def test_missing_values() -> None:
    frame = ROWS.copy()
    frame.loc[0, "y_pred"] = np.nan
    without, whole = compute("listnet", ROWS.drop(index=0)), compute("listnet", ROWS)
    omitted = compute("listnet", frame, nan="omit", gradient=True)
    np.testing.assert_array_equal(omitted.per_sample, without.per_sample)
    assert np.isnan(omitted.gradient[0])
    assert not np.isnan(omitted.gradient[1:]).any()
    kept = compute("listnet", frame, nan="propagate", gradient=True)
    assert np.isnan(kept.per_sample[0])
    np.testing.assert_array_equal(kept.per_sample[1:], whole.per_sample[1:])
    np.testing.assert_array_equal(np.isnan(kept.gradient), QUERY == "q0")
    frame = ROWS.copy()
    frame.loc[3, "query"] = None
    with pytest.raises(DataError, match=r"query, row 4: 1 row lacks a value"):
        compute("listnet", frame)
    assert compute("listnet", frame, nan="omit").n == 12


def test_intervals_are_those_of_the_losses_of_queries() -> None:
    options = {"ci": 0.9, "resamples": 500, "seed": 3}
    found = compute("pairwise_hinge", SHUFFLED, **options)
    each = losscli.compute("mae", y_true=np.zeros(12), y_pred=found.per_sample, **options)
    assert found.value == pytest.approx(each.value, rel=1e-12)
    np.testing.assert_allclose([found.ci.low, found.ci.high], [each.ci.low, each.ci.high], rtol=1e-12)


def test_groups_of_queries() -> None:
    frame = SHUFFLED.assign(site=[int(q[1:]) % 2 for q in SHUFFLED["query"]])
    found = {r.group["site"]: r.value for r in losscli.compute("map_loss", frame, group_by="site")}
    for site in (0, 1):
        assert found[str(site)] == pytest.approx(
            compute("map_loss", frame.loc[frame["site"] == site, [*ROWS]]).value, rel=1e-12
        )
    frame.iloc[0, frame.columns.get_loc("site")] ^= 1
    with pytest.raises(
        DataError, match=r"^column 'site': query 'q\d+' has '.' and '.': the rows of a query go together$"
    ):
        losscli.compute("map_loss", frame, group_by="site")


@pytest.mark.parametrize(
    ("loss", "y", "scores", "expected"),
    [
        ("ndcg_loss", [3, 3.000000001], [2, 1], 1.7926323230141951702e-10),
        ("ndcg_loss", [2, 2.000000001, 2], [1, 3, 3], 8.0033929307493905326e-11),
        ("ndcg_loss", [600, 600.0000001, 3], [3, 2, 1], 1.5685526018394564337e-8),
        ("ndcg_loss:gain=linear", [1e9, 1e9 + 1, 1e9], [1, 2, 2], 8.6598407487806835255e-11),
        ("lambda_rank", [2, 2.000000001, 2], [1, 2, 3], 2.2799954369714984916e-10),
        ("lambda_rank:gain=linear", [2, 2.000000001, 2], [1, 2, 3], 1.2335017911311416959e-10),
        ("lambda_rank", [2000, 0, 0.5], [1, 2, 3], 1.2354090346430835051),
    ],
)
def test_relevances_that_are_nearly_equal_keep_their_digits(
    loss: str, y: list[float], scores: list[float], expected: float
) -> None:
    assert losscli.compute(loss, y_true=y, y_pred=scores).value == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("rows", "relevant", "k", "expected"),
    [
        (1_000_000, 1, 3, 0.99999816666666666667),
        (1000, 1, None, 0.99251452913944965509),
        (100_000, 7, None, 0.99932514927986635202),
        (70, 30, None, 0.36254905362120923086),
    ],
)
def test_the_mean_rank_of_many_equal_scores(rows: int, relevant: int, k: int | None, expected: float) -> None:
    y_true = np.arange(rows) < relevant
    found = losscli.compute("mrr_loss", k=k, y_true=y_true, y_pred=np.zeros(rows))
    assert found.value == pytest.approx(expected, rel=2e-15)


def test_a_query_of_one_document_has_a_loss_of_zero_without_a_sign(cli: Cli) -> None:
    text = b"query,y_true,y_pred\na,1,2\nb,1,0\nb,2,0\n"
    assert cli("compute", "listnet", "--per-sample", stdin=text).out.splitlines()[1] == "1\ta\t0.0"
    assert "-0" not in cli("compute", "listnet,listmle", stdin=text).out


def test_listmle_keeps_its_digits_beside_a_common_offset_and_scores_far_apart() -> None:
    y, loss = [3, 1, 2, 0], losscli.get_loss("listmle")
    far = [1000000.2, 999999.7, 1000001.25, 1000000.4]
    assert loss.value(y_true=y, y_pred=far) == pytest.approx(3.335610667082428882, rel=1e-15)
    slope = [-0.82411658930738792627, -0.43206298780116400145, 0.11249488104056743023, 1.1436846960679844975]
    np.testing.assert_allclose(loss.gradient(y_true=y, y_pred=far), slope, rtol=1e-14)
    apart = [1e6, 0.3, 0.2, 0.7]  # the largest one costs the others no digits
    assert loss.value(y_true=y, y_pred=apart) == pytest.approx(2.2358084711257053032, rel=1e-15)


# -------------------------------------------------------------------------------------------------- commands


def test_rows_of_the_output_are_queries(cli: Cli) -> None:
    lines = cli("compute", "ndcg_loss,mrr_loss", "--per-sample", stdin=TEXT).out.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [["row", "query"], ["1", "a"], ["2", "b"], ["3", "c"]]
    assert float(lines[1].split("\t")[2]) == pytest.approx(0.5)
    assert cli("compute", "listnet", "--top", "1", stdin=TEXT).out.splitlines()[1].split("\t")[1] == "a"


@pytest.mark.parametrize(
    ("arguments", "text", "status", "message"),
    [
        (["ndcg_loss,mse"], TEXT, 2, "ndcg_loss is a loss of queries and mse one of rows: they"),
        (["listnet", "--per-sample", "--gradient"], TEXT, 2, "a gradient has a number per row, and the samples"),
        (["ndcg_loss"], b"2 qid:1 1:0.3 2:0.5\n0 qid:1 1:0.2\n", 3, "is libsvm text (label qid:1 1:0.3)"),
        (["ndcg_loss"], TEXT.replace(b"2,-0.5", b"-2,-0.5"), 3, "column 'y_true', row 3: -2 is not >= 0 and finite"),
    ],
)
def test_what_is_refused(cli: Cli, arguments: list[str], text: bytes, status: int, message: str) -> None:
    result = cli("compute", *arguments, stdin=text)
    assert (result.status, message in result.err) == (status, True), result.err


@pytest.fixture
def files(tmp_path: Path) -> Path:
    truth = SHUFFLED[["query", "y_true"]]
    truth.to_csv(tmp_path / "truth.csv", index=False)
    for name, noise in (("a", 1.0), ("b", 1.3)):
        predicted = truth["y_true"] + np.random.default_rng(4).normal(size=N) * noise
        pd.DataFrame({"query": truth["query"], "y_pred": predicted}).to_csv(tmp_path / f"{name}.csv", index=False)
        truth.assign(y_pred=predicted).to_csv(tmp_path / f"all_{name}.csv", index=False)
    return tmp_path


@pytest.mark.parametrize("has_all", [False, True])
def test_models_are_compared_query_by_query(cli: Cli, files: Path, has_all: bool) -> None:
    data = [] if has_all else [str(files / "truth.csv")]
    prefix = "all_" if has_all else ""
    models = [f"--model={name}={files / f'{prefix}{name}.csv'}" for name in "ab"]
    result = cli("compare", "--losses", "ndcg_loss,listnet", *data, *models, "-f", "json")
    assert result.status == 0, result.err
    compared = json.loads(result.out)["losses"]
    for name in "ab":
        alone = losscli.compute("ndcg_loss", str(files / f"all_{name}.csv"))
        value = next(c["value"] for c in compared if (c["loss"], c["model"]) == ("ndcg_loss", name))
        assert value == pytest.approx(alone.value, rel=1e-12)
    assert all(set(c["flip"]["ids"]) <= set(QUERY) for c in compared if c.get("flip"))


def test_files_of_models_hold_the_same_queries(cli: Cli, files: Path) -> None:
    frame = pd.read_csv(files / "all_b.csv")
    frame.loc[2, "query"] = "q99"
    frame.to_csv(files / "all_b.csv", index=False)
    result = cli("compare", "--losses", "ndcg_loss", *(f"--model={n}={files / f'all_{n}.csv'}" for n in "ab"))
    assert result.status == 3
    assert "column 'query', row 3: query is 'q99', but 'q" in result.err


@pytest.mark.slow
def test_pages_and_pictures(cli: Cli, files: Path) -> None:
    page = files / "page.html"
    assert cli("report", "--losses", "ndcg_loss", str(files / "all_a.csv"), "-o", str(page)).status == 0
    assert "ndcg_loss" in page.read_text(encoding="utf-8")
    assert "of 12 rows" in cli("plot", "ndcg_loss", str(files / "all_b.csv")).out


def test_workers_leave_queries_to_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    monkeypatch.setattr("losscli.evaluation.dask.cluster.check_installed", lambda: None)
    with pytest.warns(UserWarning, match="evaluated here, not by Dask: the rows of a query may be anywhere"):
        found = losscli.compute("ndcg_loss", str(tmp_path / "rows.csv"), engine="dask")
    assert found.value == pytest.approx(compute("ndcg_loss", ROWS).value, rel=1e-12)


def test_an_infinite_score_takes_all_the_shares_of_listmle() -> None:
    """The document that comes last by relevance is chosen at both places before its own."""
    gradient = losscli.get_loss("listmle").gradient([2.0, 1.0, 0.0], [0.0, 1.0, np.inf], [1, 1, 1])
    assert gradient.tolist() == [-1.0, -1.0, 2.0]


def test_notes_on_queries_call_them_so(cli: Cli, tmp_path: Path) -> None:
    frame = pd.concat([ROWS.assign(query=ROWS["query"] + f"-{i}") for i in range(2)])
    frame["site"] = frame["query"].str[-1]
    frame.loc[frame["query"] == "q3-0", "y_pred"] *= 50
    frame["other"] = frame["y_pred"].to_numpy()[::-1]
    frame.to_csv(tmp_path / "many.csv", index=False)
    frame[frame["query"].isin([f"q{i}-0" for i in range(7)])].to_csv(tmp_path / "few.csv", index=False)
    many, few = str(tmp_path / "many.csv"), str(tmp_path / "few.csv")
    for command, expected in (
        (["compute", "listnet", many, "--ci", "0.9", "--group-by", "site"], "2 groups have fewer than 30 queries"),
        (["compute", "listnet", many, "--ci", "0.9", "--block", "4"], "of blocks of 4 queries"),
        (
            ["compute", "listnet", few, "--ci", "0.9", "--ci-method", "bca"],
            "with fewer than 10 queries no interval keeps its level",
        ),
        (["compare", "--losses", "listnet", many, "--pred", "y_pred"], "1 of 24 queries (4.2 %) are outliers"),
        (
            ["compare", "--losses", "listnet", few, "--pred", "y_pred", "--pred", "other"],
            "the intervals of the differences are of 7 queries: with fewer than 10 queries",
        ),
    ):
        notes = cli(*command).err
        assert expected in notes
        assert " rows" not in notes.replace("try a robust loss or more rows", "")
    nothing = cli("compute", "ndcg", stdin=b"y_true,y_pred\n0,1\n0,2\n").err
    assert "no query is left to evaluate: all were ignored, because ndcg_loss counts a query only where" in nothing
