"""Which column is which role: identifiers are never data, and no choice is made silently."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import losscli
from tests.conftest import Cli
from tests.input_cases import (
    NO_TRUTH,
    Case,
    Words,
    case,
    feather,
    mae,
    mse,
    npy,
    npz,
    parquet,
    refused,
    savetxt,
    softmax_loss,
    to_csv,
    to_json,
    to_jsonl,
    to_parquet,
    value,
)

TRUE, PRED, IDS = [3.0, 5.0, 2.0], [2.5, 5.0, 4.0], [10, 11, 12]
MSE = value(mse(TRUE, PRED))
FRAME = pd.DataFrame({"y_true": TRUE, "y_pred": PRED})
ONLY_PRED = pd.DataFrame({"id": IDS, "y_pred": PRED})

# ------------------------------------------------------------------------------ predictions alone, beside an identifier

IDENTIFIERS = ["id", "ID", "Id", "index", "level_0", "Unnamed: 0", "", "__index_level_0__"]


def named(identifier: str, frame: pd.DataFrame = ONLY_PRED) -> pd.DataFrame:
    return frame.rename(columns={"id": identifier})


def stored(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


INDEXED = pd.DataFrame({"y_pred": PRED}, index=pd.Index(IDS, name="sample"))

ALONE = [
    *[case(f"csv-{name}", "compute mse p.csv", {"p.csv": to_csv(named(name))}, NO_TRUTH) for name in IDENTIFIERS],
    case("tsv", "compute mse p.tsv", {"p.tsv": to_csv(ONLY_PRED, sep="\t")}, NO_TRUTH),
    case("stdin", "compute mse", {}, NO_TRUTH, stdin=to_csv(ONLY_PRED)),
    case("after-the-prediction", "compute mse p.csv", {"p.csv": to_csv(ONLY_PRED[["y_pred", "id"]])}, NO_TRUTH),
    case("two-identifiers", "compute mse p.csv", {"p.csv": to_csv(named("id").assign(index=IDS))}, NO_TRUTH),
    case("series", "compute mse p.csv", {"p.csv": to_csv(pd.Series(PRED), index=True)}, NO_TRUTH),
    case("json-records", "compute mse p.json", {"p.json": ONLY_PRED.to_json(orient="records").encode()}, NO_TRUTH),
    case("json-arrays", "compute mse p.json", {"p.json": to_json({"id": IDS, "y_pred": PRED})}, NO_TRUTH),
    case("json-lines", "compute mse p.jsonl", {"p.jsonl": to_jsonl(ONLY_PRED)}, NO_TRUTH),
    case("npz-ids", "compute mse p.npz", {"p.npz": npz(ids=IDS, y_pred=PRED)}, NO_TRUTH),
    case("npz-id", "compute mse p.npz", {"p.npz": npz(id=IDS, predictions=PRED)}, NO_TRUTH),
    case(
        "npy-fields",
        "compute mse p.npy",
        {"p.npy": npy(np.array(list(zip(IDS, PRED, strict=True)), dtype=[("id", "i8"), ("y_pred", "f8")]))},
        NO_TRUTH,
    ),
    case("parquet-id", "compute mse p.parquet", {"p.parquet": parquet(stored(ONLY_PRED))}, NO_TRUTH),
    case("parquet-reset-index", "compute mse p.parquet", {"p.parquet": to_parquet(named("level_0"))}, NO_TRUTH),
    case("feather-id", "compute mse p.feather", {"p.feather": feather(stored(ONLY_PRED))}, NO_TRUTH),
    case("parquet-named-index", "compute mse p.parquet", {"p.parquet": to_parquet(INDEXED)}, NO_TRUTH),
    case(
        "parquet-unnamed-index",
        "compute mse p.parquet",
        {"p.parquet": to_parquet(INDEXED.rename_axis(index=None))},
        NO_TRUTH,
    ),
    case(
        "feather-named-index", "compute mse p.feather", {"p.feather": feather(pa.Table.from_pandas(INDEXED))}, NO_TRUTH
    ),
    case(
        "parquet-two-indexes",
        "compute mse p.parquet",
        {"p.parquet": to_parquet(INDEXED.set_index(pd.Index([1, 2, 3], name="fold"), append=True))},
        NO_TRUTH,
    ),
    case("key", "compute mse p.csv --id Id", {"p.csv": to_csv(named("Id"))}, NO_TRUTH),
    case("key-of-another-name", "compute mse p.csv --id sample", {"p.csv": to_csv(named("sample"))}, NO_TRUTH),
    case("key-parquet", "compute mse p.parquet --id sample", {"p.parquet": parquet(stored(named("sample")))}, NO_TRUTH),
    case("key-json", "compute mse p.jsonl --id sample", {"p.jsonl": to_jsonl(named("sample"))}, NO_TRUTH),
    case("compare", "compare --losses mse,mae p.csv", {"p.csv": to_csv(ONLY_PRED)}, NO_TRUTH),
    case("compare-key", "compare --losses mse,mae p.csv --id Id", {"p.csv": to_csv(named("Id"))}, NO_TRUTH),
    case(
        "compare-models",
        "compare --losses mse p.csv --pred a --pred b",
        {"p.csv": to_csv(pd.DataFrame({"id": IDS, "a": PRED, "b": TRUE}))},
        NO_TRUTH,
    ),
    case("recommend", "recommend p.csv", {"p.csv": to_csv(ONLY_PRED)}, refused("y_true")),
    case("recommend-index", "recommend p.parquet", {"p.parquet": to_parquet(INDEXED)}, refused("y_true")),
    case("recommend-key", "recommend p.csv --id Id", {"p.csv": to_csv(named("Id"))}, refused("y_true")),
    *[
        case(f"api-frame-{name}", lambda name=name: losscli.compute("mse", named(name)).value, {}, NO_TRUTH)
        for name in IDENTIFIERS
    ],
    case(
        "api-reset-index",
        lambda: losscli.compute("mse", INDEXED.rename_axis(index=None).reset_index()).value,
        {},
        NO_TRUTH,
    ),
    case("api-key", lambda: losscli.compute("mse", named("sample"), id="sample").value, {}, NO_TRUTH),
    case("api-mapping", lambda: losscli.compute("mse", {"ids": IDS, "y_pred": PRED}).value, {}, NO_TRUTH),
    case("api-path", lambda: losscli.compute("mse", "p.csv").value, {"p.csv": to_csv(ONLY_PRED)}, NO_TRUTH),
    case("api-compare", lambda: losscli.compare("mse,mae", ONLY_PRED).to_frame()["value"], {}, NO_TRUTH),
    case("api-recommend", lambda: len(losscli.recommend(ONLY_PRED).losses), {}, refused("y_true")),
]


@pytest.mark.parametrize("given", ALONE)
def test_an_identifier_is_no_truth(given: Case, cli: Cli) -> None:
    given.verify(cli)


# ------------------------------------------------------------------------------------- both roles, beside an identifier

UNNAMED_ROLES = pd.DataFrame({"id": IDS, "obs": TRUE, "mod": PRED})

BESIDE = [
    *[
        case(f"by-position-{name}", "compute mse d.csv", {"d.csv": to_csv(named(name, UNNAMED_ROLES))}, MSE)
        for name in IDENTIFIERS
    ],
    case(
        "by-position-says-so",
        "compute mse d.csv -f csv",
        {"d.csv": to_csv(UNNAMED_ROLES)},
        Words(("y_true is column .obs.", "y_pred is column .mod.")),
    ),
    case(
        "by-position-stored-index",
        "compute mse d.parquet",
        {"d.parquet": to_parquet(UNNAMED_ROLES.set_index("id"))},
        MSE,
    ),
    case(
        "by-position-named-index",
        "compute mse d.parquet",
        {"d.parquet": to_parquet(named("run", UNNAMED_ROLES).set_index("run"))},
        MSE,
    ),
    case("by-position-key", "compute mse d.csv --id run", {"d.csv": to_csv(named("run", UNNAMED_ROLES))}, MSE),
    case("by-position-npz", "compute mse d.npz", {"d.npz": npz(ids=IDS, obs=TRUE, mod=PRED)}, MSE),
    case("by-position-json", "compute mse d.json", {"d.json": UNNAMED_ROLES.to_json(orient="records").encode()}, MSE),
    case("three-numbers", "compute mse d.csv", {"d.csv": to_csv(named("run", UNNAMED_ROLES))}, NO_TRUTH),
    case("default-index", "compute mse d.csv", {"d.csv": to_csv(FRAME, index=True)}, MSE),
    case("half-named", "compute mse d.csv", {"d.csv": to_csv(UNNAMED_ROLES.rename(columns={"mod": "y_pred"}))}, MSE),
    case(
        "half-named-index",
        "compute mse d.parquet",
        {"d.parquet": to_parquet(FRAME.rename(columns={"y_true": "obs"}).set_index(pd.Index(IDS)))},
        MSE,
    ),
    case("asked-for", "compute mse d.csv --true id", {"d.csv": to_csv(ONLY_PRED)}, value(mse(IDS, PRED))),
    case(
        "compare",
        "compare --losses mse,mae d.csv --sort value",
        {"d.csv": to_csv(UNNAMED_ROLES)},
        value(*sorted([mse(TRUE, PRED), mae(TRUE, PRED)])),
    ),
    case("api-frame", lambda: losscli.compute("mse", UNNAMED_ROLES).value, {}, MSE),
    case("api-key", lambda: losscli.compute("mse", named("run", UNNAMED_ROLES), id="run").value, {}, MSE),
    case(
        "top-shows-the-key",
        "compute mse d.csv --id id --top 1",
        {"d.csv": to_csv(FRAME.assign(id=IDS))},
        Words((r"\b12\s",)),
    ),
]


@pytest.mark.parametrize("given", BESIDE)
def test_an_identifier_does_not_count_as_a_column(given: Case, cli: Cli) -> None:
    given.verify(cli)


# ---------------------------------------------------------------- a file of scores (N, C) that also holds an identifier

KEYS, LABELS = [4, 1, 7, 2, 9, 0], [0, 1, 2, 1, 0, 2]
SCORES = np.array(
    [
        [2.04, -2.56, 0.42],
        [-0.57, -0.45, -0.22],
        [-2.02, -0.23, -0.87],
        [3.32, 0.23, -0.35],
        [-0.28, -0.67, -1.06],
        [-0.39, 0.48, -0.24],
    ]
)
SOFTMAX = value(softmax_loss(LABELS, SCORES))
LABEL_FILE = pd.DataFrame({"label": LABELS})
SCORE_FILE = pd.DataFrame(SCORES, columns=["a", "b", "c"])
WORSE_ORDER = [5, 2, 0, 1, 4, 3]


def keyed(frame: pd.DataFrame, name: str = "PassengerId", keys: Any = KEYS) -> pd.DataFrame:
    return pd.concat([pd.Series(keys, name=name, index=frame.index), frame], axis=1)


def indexed(frame: pd.DataFrame, name: str | None = None, keys: Any = KEYS) -> pd.DataFrame:
    return frame.set_index(pd.Index(keys, name=name))


def unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def two_csv(true: pd.DataFrame, pred: pd.DataFrame) -> dict[str, bytes]:
    return {"t.csv": to_csv(true), "p.csv": to_csv(pred)}


def two_parquet(true: pd.DataFrame, pred: pd.DataFrame) -> dict[str, bytes]:
    return {"t.parquet": to_parquet(true), "p.parquet": to_parquet(pred)}


MATRICES = [
    *[
        case(f"csv-{name}", "compute softmax_loss t.csv p.csv", two_csv(LABEL_FILE, keyed(SCORE_FILE, name)), SOFTMAX)
        for name in IDENTIFIERS
    ],
    case("shared-key", "compute softmax_loss t.csv p.csv", two_csv(keyed(LABEL_FILE), keyed(SCORE_FILE)), SOFTMAX),
    case(
        "shared-key-last",
        "compute softmax_loss t.csv p.csv",
        two_csv(keyed(LABEL_FILE)[["label", "PassengerId"]], keyed(SCORE_FILE)[["a", "b", "c", "PassengerId"]]),
        SOFTMAX,
    ),
    case(
        "shared-key-zero-one",
        "compute zero_one t.csv p.csv",
        two_csv(keyed(LABEL_FILE), keyed(SCORE_FILE)),
        value(np.mean(SCORES.argmax(1) != LABELS)),
    ),
    case(
        "shared-key-compare",
        "compare --losses softmax_loss t.csv p.csv",
        two_csv(keyed(LABEL_FILE), keyed(SCORE_FILE)),
        SOFTMAX,
    ),
    case(
        "shared-key-two-formats",
        "compute softmax_loss t.jsonl p.parquet",
        {"t.jsonl": to_jsonl(keyed(LABEL_FILE)), "p.parquet": to_parquet(keyed(SCORE_FILE))},
        SOFTMAX,
    ),
    case(
        "shared-key-roles",
        "compute softmax_loss y_pred=p.csv y_true=t.csv",
        two_csv(keyed(LABEL_FILE), keyed(SCORE_FILE)),
        SOFTMAX,
    ),
    case(
        "unnamed-index",
        "compute softmax_loss t.parquet p.parquet",
        two_parquet(indexed(LABEL_FILE), indexed(SCORE_FILE)),
        SOFTMAX,
    ),
    case(
        "named-index",
        "compute softmax_loss t.parquet p.parquet",
        two_parquet(indexed(LABEL_FILE, "row"), indexed(SCORE_FILE, "row")),
        SOFTMAX,
    ),
    case(
        "named-index-of-one",
        "compute softmax_loss t.parquet p.parquet",
        two_parquet(LABEL_FILE, indexed(SCORE_FILE, "row")),
        SOFTMAX,
    ),
    case(
        "named-index-feather",
        "compute softmax_loss t.feather p.feather",
        {
            "t.feather": feather(pa.Table.from_pandas(LABEL_FILE)),
            "p.feather": feather(pa.Table.from_pandas(indexed(SCORE_FILE, "row"))),
        },
        SOFTMAX,
    ),
    case(
        "asked-for-key",
        "compute softmax_loss t.csv p.csv --id PassengerId",
        two_csv(keyed(LABEL_FILE), keyed(SCORE_FILE)),
        SOFTMAX,
    ),
    case(
        "npz-ids",
        "compute softmax_loss t.npy p.npz",
        {"t.npy": npy(LABELS), "p.npz": npz(ids=KEYS, scores=SCORES)},
        SOFTMAX,
    ),
    case(
        "json-id",
        "compute softmax_loss t.json p.json",
        {"t.json": to_json({"id": KEYS, "label": LABELS}), "p.json": to_json({"id": KEYS, "scores": SCORES.tolist()})},
        SOFTMAX,
    ),
    case(
        "json-key-columns",
        "compute softmax_loss t.json p.json",
        {
            "t.json": keyed(LABEL_FILE).to_json(orient="records").encode(),
            "p.json": keyed(SCORE_FILE).to_json(orient="records").encode(),
        },
        SOFTMAX,
    ),
    case(
        "two-outputs",
        "compute mse t.csv p.csv",
        two_csv(keyed(SCORE_FILE[["a", "b"]]), keyed(SCORE_FILE[["a", "b"]] + 1)),
        value(1),
    ),
    case(
        "vectors",
        "compute cosine_distance t.csv p.csv",
        two_csv(keyed(SCORE_FILE), keyed(SCORE_FILE + 1)),
        value(np.mean(1 - np.sum(unit(SCORES) * unit(SCORES + 1), axis=1))),
    ),
    case(
        "embeddings",
        "compute center labels=t.csv embeddings=p.csv centers=c.npy",
        two_csv(keyed(LABEL_FILE), keyed(SCORE_FILE)) | {"c.npy": npy(np.eye(3))},
        value(np.mean(np.sum((SCORES - np.eye(3)[LABELS]) ** 2, axis=1) / 2)),
    ),
    case(
        "two-outputs-index",
        "compute mse t.parquet p.parquet",
        two_parquet(indexed(SCORE_FILE[["a", "b"]]), indexed(SCORE_FILE[["a", "b"]] + 1)),
        value(1),
    ),
    case(
        "series",
        "compute mse t.csv p.csv",
        {"t.csv": to_csv(pd.Series(TRUE), index=True), "p.csv": to_csv(pd.Series(PRED), index=True)},
        MSE,
    ),
    case(
        "kaggle",
        "compute mse t.csv p.csv",
        two_csv(pd.DataFrame({"Id": IDS, "SalePrice": TRUE}), pd.DataFrame({"Id": IDS, "SalePrice": PRED})),
        MSE,
    ),
    case(
        "kaggle-other-name",
        "compute mse t.csv p.csv",
        two_csv(pd.DataFrame({"PassengerId": IDS, "Fare": TRUE}), pd.DataFrame({"PassengerId": IDS, "Guess": PRED})),
        MSE,
    ),
    case(
        "weight-file",
        "compute mse d.csv weight=w.csv",
        {"d.csv": to_csv(FRAME), "w.csv": to_csv(pd.DataFrame({"id": IDS, "w": [1.0, 2.0, 1.0]}))},
        value(np.average([0.25, 0, 4], weights=[1, 2, 1])),
    ),
]


@pytest.mark.parametrize("given", MATRICES)
def test_an_identifier_is_no_class_and_no_output(given: Case, cli: Cli) -> None:
    given.verify(cli)


# --------------------------------------------------------------------------- a key that both files have, in other order

SHUFFLED = SCORE_FILE.iloc[WORSE_ORDER].reset_index(drop=True)
SHUFFLED_KEYS = [KEYS[i] for i in WORSE_ORDER]
OTHER_ORDER = refused("--id|id=", "order|differ|row")
PRICES = pd.DataFrame({"Id": [1461, 1462, 1463], "SalePrice": TRUE})
GUESSES = pd.DataFrame({"Id": [1463, 1461, 1462], "SalePrice": [PRED[2], PRED[0], PRED[1]]})
TEXT_KEYS = ["t1", "t2", "t3", "t4", "t5", "t6"]

ORDERS = [
    *[
        case(
            f"csv-{name}",
            "compute softmax_loss t.csv p.csv",
            two_csv(keyed(LABEL_FILE, name), keyed(SHUFFLED, name, SHUFFLED_KEYS)),
            OTHER_ORDER,
        )
        for name in ("id", "PassengerId", "index", "Unnamed: 0", "")
    ],
    case("one-number", "compute mse t.csv p.csv", two_csv(PRICES, GUESSES), refused("--id", "'?Id'?")),
    case("reversed-two-rows", "compute mse t.csv p.csv", two_csv(PRICES[:2], PRICES[1::-1]), OTHER_ORDER),
    case("other-keys", "compute mse t.csv p.csv", two_csv(PRICES, GUESSES.assign(Id=[1, 2, 3])), OTHER_ORDER),
    case(
        "text-keys",
        "compute softmax_loss t.csv p.csv",
        two_csv(keyed(LABEL_FILE, "name", TEXT_KEYS), keyed(SHUFFLED, "name", TEXT_KEYS[::-1])),
        OTHER_ORDER,
    ),
    case("compare", "compare --losses mse,mae t.csv p.csv", two_csv(PRICES, GUESSES), OTHER_ORDER),
    case("recommend", "recommend t.csv p.csv", two_csv(PRICES, GUESSES), OTHER_ORDER),
    case("roles", "compute mse y_true=t.csv y_pred=p.csv", two_csv(PRICES, GUESSES), OTHER_ORDER),
    case("parquet", "compute mse t.parquet p.parquet", two_parquet(PRICES, GUESSES), OTHER_ORDER),
    case(
        "parquet-index",
        "compute softmax_loss t.parquet p.parquet",
        two_parquet(indexed(LABEL_FILE), indexed(SHUFFLED, None, SHUFFLED_KEYS)),
        OTHER_ORDER,
    ),
    case(
        "parquet-named-index",
        "compute mse t.parquet p.parquet",
        two_parquet(PRICES.set_index("Id"), GUESSES.set_index("Id")),
        OTHER_ORDER,
    ),
    case(
        "json-lines",
        "compute mse t.jsonl p.jsonl",
        {"t.jsonl": to_jsonl(PRICES), "p.jsonl": to_jsonl(GUESSES)},
        OTHER_ORDER,
    ),
    case(
        "two-formats",
        "compute mse t.csv p.parquet",
        {"t.csv": to_csv(PRICES), "p.parquet": to_parquet(GUESSES)},
        OTHER_ORDER,
    ),
    case(
        "npz",
        "compute mse t.npz p.npz",
        {"t.npz": npz(ids=[1, 2, 3], y_true=TRUE), "p.npz": npz(ids=[3, 1, 2], y_pred=[PRED[2], *PRED[:2]])},
        OTHER_ORDER,
    ),
    case(
        "series",
        "compute mse t.csv p.csv",
        {"t.csv": to_csv(pd.Series(TRUE), index=True), "p.csv": to_csv(pd.Series(PRED)[::-1], index=True)},
        OTHER_ORDER,
    ),
    case("paired", "compute mse t.csv p.csv --id Id", two_csv(PRICES, GUESSES), MSE),
    case(
        "paired-scores",
        "compute softmax_loss t.csv p.csv --id PassengerId",
        two_csv(keyed(LABEL_FILE), keyed(SHUFFLED, keys=SHUFFLED_KEYS)),
        SOFTMAX,
    ),
    case(
        "paired-index",
        "compute mse t.parquet p.parquet --id Id",
        two_parquet(PRICES.set_index("Id"), GUESSES.set_index("Id")),
        MSE,
    ),
    case("paired-float-key", "compute mse t.csv p.csv --id Id", two_csv(PRICES, GUESSES.astype({"Id": float})), MSE),
    case(
        "paired-float-key-parquet",
        "compute mse t.csv p.parquet --id Id",
        {"t.csv": to_csv(PRICES), "p.parquet": to_parquet(GUESSES.astype({"Id": float}))},
        MSE,
    ),
    case(
        "paired-float-key-json",
        "compute mse t.jsonl p.csv --id Id",
        {"t.jsonl": to_jsonl(PRICES), "p.csv": to_csv(GUESSES.astype({"Id": float}))},
        MSE,
    ),
    case(
        "paired-exponent-key",
        "compute mse t.csv p.csv --id Id",
        {"t.csv": to_csv(PRICES), "p.csv": to_csv(GUESSES.astype({"Id": float}), float_format="%.3e")},
        MSE,
    ),
    case(
        "paired-zeros-are-text",
        "compute mse t.csv p.csv --id Id",
        two_csv(PRICES.assign(Id=["007", "7", "x"]), GUESSES.assign(Id=["x", "007", "7"])),
        MSE,
    ),
    case(
        "float-key-same-order",
        "compute mse t.csv p.csv",
        two_csv(PRICES, PRICES.assign(SalePrice=PRED).astype({"Id": float})),
        MSE,
    ),
    case(
        "paired-duplicate",
        "compute mse t.csv p.csv --id Id",
        two_csv(PRICES, GUESSES.assign(Id=[1463, 1461, 1461])),
        refused("1461", "same key|twice|duplicate|again|more than once"),
    ),
    case(
        "paired-duplicate-of-two-spellings",
        "compute mse t.csv p.csv --id Id",
        two_csv(PRICES, GUESSES.assign(Id=["1463", "1461", "1461.0"])),
        refused("1461"),
    ),
    case(
        "paired-missing",
        "compute mse t.csv p.csv --id Id",
        two_csv(PRICES, GUESSES.assign(Id=[1463, 1461, 9])),
        refused("1462|9"),
    ),
]


@pytest.mark.parametrize("given", ORDERS)
def test_a_shared_key_pairs_rows_or_is_an_error(given: Case, cli: Cli) -> None:
    given.verify(cli)


# ---------------------------------------------------------------------------------- two files that each hold both roles

A, B = (
    pd.DataFrame({"y_true": [1.0, 2.0], "y_pred": [1.5, 4.0]}),
    pd.DataFrame({"y_true": [7.0, 5.0], "y_pred": [8.0, 5.0]}),
)
WHOLE = value(mse([1, 2, 7, 5], [1.5, 4, 8, 5]))
OTHER_NAMES = {"y_true": "target", "y_pred": "prediction"}
BOTH_ROLES = refused("both|each", "folder|glob")

BOTH = [
    case("csv", "compute mse a.csv b.csv", {"a.csv": to_csv(A), "b.csv": to_csv(B)}, BOTH_ROLES),
    case("in-the-order-of-find", "compute mse b.csv a.csv", {"a.csv": to_csv(A), "b.csv": to_csv(B)}, BOTH_ROLES),
    case(
        "other-names",
        "compute mse a.csv b.csv",
        {"a.csv": to_csv(A.rename(columns=OTHER_NAMES)), "b.csv": to_csv(B.rename(columns=OTHER_NAMES))},
        BOTH_ROLES,
    ),
    case(
        "mixed-names",
        "compute mse a.csv b.csv",
        {"a.csv": to_csv(A), "b.csv": to_csv(B.rename(columns=OTHER_NAMES))},
        BOTH_ROLES,
    ),
    case(
        "beside-identifiers",
        "compute mse a.csv b.csv",
        {"a.csv": to_csv(A.assign(id=[1, 2])), "b.csv": to_csv(B.assign(id=[3, 4]))},
        refused(),
    ),
    case(
        "folders",
        "compute mse fold=0/p.csv fold=1/p.csv",
        {"fold=0/p.csv": to_csv(A), "fold=1/p.csv": to_csv(B)},
        BOTH_ROLES,
    ),
    case(
        "parquet",
        "compute mse a.parquet b.parquet",
        {"a.parquet": to_parquet(A), "b.parquet": to_parquet(B)},
        BOTH_ROLES,
    ),
    case("json-lines", "compute mse a.jsonl b.jsonl", {"a.jsonl": to_jsonl(A), "b.jsonl": to_jsonl(B)}, BOTH_ROLES),
    case(
        "npz",
        "compute mse a.npz b.npz",
        {"a.npz": npz(**A.to_dict("list")), "b.npz": npz(**B.to_dict("list"))},
        refused("both|each"),
    ),
    case(
        "scores",
        "compute softmax_loss a.csv b.csv",
        {
            "a.csv": to_csv(SCORE_FILE.add_prefix("score_").assign(label=LABELS)),
            "b.csv": to_csv(SCORE_FILE.add_prefix("score_").assign(label=LABELS)),
        },
        BOTH_ROLES,
    ),
    case("compare", "compare --losses mse,mae a.csv b.csv", {"a.csv": to_csv(A), "b.csv": to_csv(B)}, BOTH_ROLES),
    case("recommend", "recommend a.csv b.csv", {"a.csv": to_csv(A), "b.csv": to_csv(B)}, BOTH_ROLES),
    case("folder-form", "compute mse parts", {"parts/a.csv": to_csv(A), "parts/b.csv": to_csv(B)}, WHOLE),
    case("glob-form", "compute mse '*.parquet'", {"a.parquet": to_parquet(A), "b.parquet": to_parquet(B)}, WHOLE),
    case("two-outputs-each", "compute mse t.npy p.npy", {"t.npy": npy(A), "p.npy": npy(B)}, value(mse(A, B))),
]


@pytest.mark.parametrize("given", BOTH)
def test_two_files_of_both_roles_are_no_pair(given: Case, cli: Cli) -> None:
    given.verify(cli)


# ------------------------------------------------------------------------------------------ headers that begin with a #

PINBALL = value(np.mean([0.9 * (2 - 1), 0.9 * (7 - 3)]))  # y_true 2, 7; y_pred 1, 3
PRED_FIRST = [[1.0, 2.0], [3.0, 7.0]]

HEADERS = [
    *[
        case(
            f"written-as-{header}",
            "compute quantile:tau=0.9 d.csv",
            {"d.csv": f"{header}\n1,2\n3,7\n".encode()},
            PINBALL,
        )
        for header in (
            "# y_pred,obs",
            "#y_pred,obs",
            "# y_pred,y_true",
            "#y_pred, y_true",
            "# pred,target",
            "y_pred,obs",
            "# prediction,label",
            "##y_pred,y_true",
        )
    ],
    case("tab", "compute quantile:tau=0.9 d.tsv", {"d.tsv": b"# y_pred\tobs\n1\t2\n3\t7\n"}, PINBALL),
    case("semicolon", "compute quantile:tau=0.9 d.csv", {"d.csv": b"# y_pred;y_true\n1;2\n3;7\n"}, PINBALL),
    case(
        "savetxt-spaces",
        "compute quantile:tau=0.9 d.txt",
        {"d.txt": savetxt(PRED_FIRST, header="y_pred y_true")},
        PINBALL,
    ),
    case(
        "savetxt-commas",
        "compute quantile:tau=0.9 d.csv",
        {"d.csv": savetxt(PRED_FIRST, header="y_pred,y_true", delimiter=",")},
        PINBALL,
    ),
    case(
        "savetxt-no-mark",
        "compute quantile:tau=0.9 d.csv",
        {"d.csv": savetxt(PRED_FIRST, header="y_pred,y_true", delimiter=",", comments="")},
        PINBALL,
    ),
    case(
        "after-other-comments",
        "compute quantile:tau=0.9 d.csv",
        {"d.csv": b"# run 3\n# y_pred,obs\n1,2\n3,7\n"},
        PINBALL,
    ),
    case("stdin", "compute quantile:tau=0.9", {}, PINBALL, stdin=b"# y_pred,obs\n1,2\n3,7\n"),
    case(
        "byte-order-mark", "compute quantile:tau=0.9 d.csv", {"d.csv": b"\xef\xbb\xbf# y_pred,obs\n1,2\n3,7\n"}, PINBALL
    ),
    case(
        "asked-for",
        "compute quantile:tau=0.9 d.csv --pred y_pred --true obs",
        {"d.csv": b"# y_pred,obs\n1,2\n3,7\n"},
        PINBALL,
    ),
    case("compare", "compare --losses quantile:tau=0.9 d.csv", {"d.csv": b"# y_pred,obs\n1,2\n3,7\n"}, PINBALL),
    case("three-columns", "compute mse d.csv", {"d.csv": b"# y_pred,obs,run\n1,2,1\n3,7,1\n"}, NO_TRUTH),
    case(
        "api",
        lambda: losscli.compute("quantile:tau=0.9", "d.csv").value,
        {"d.csv": b"# y_pred,obs\n1,2\n3,7\n"},
        PINBALL,
    ),
]


@pytest.mark.parametrize("given", HEADERS)
def test_a_header_after_a_hash_names_columns(given: Case, cli: Cli) -> None:
    given.verify(cli)
