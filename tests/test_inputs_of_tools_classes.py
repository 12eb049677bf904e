"""Class numbers and names: one rule however the columns of the predictions were named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import losscli
from tests.conftest import Cli
from tests.input_cases import (
    Case,
    Misfit,
    Words,
    case,
    cross_entropy,
    npy,
    npz,
    parquet,
    refused,
    softmax_loss,
    to_csv,
    to_json,
    to_jsonl,
    to_parquet,
    value,
)

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.6, 0.1, 0.3], [0.25, 0.15, 0.6]])
CODES = [0, 1, 2, 2]
CE = value(cross_entropy(CODES, PROBABILITIES))


def table(labels: Any, names: Any, probabilities: Any = PROBABILITIES) -> pd.DataFrame:
    """Return labels beside a column of probabilities per name."""
    frame = pd.DataFrame(np.asarray(probabilities), columns=list(names))
    frame.insert(0, "label", list(labels))
    return frame


def called(*names: str) -> list[str]:
    """Return the labels of the rows if the classes are called so."""
    return [names[code] for code in CODES]


def two_files(labels: Any, names: Any, probabilities: Any = PROBABILITIES) -> dict[str, bytes]:
    frame = table(labels, names, probabilities)
    return {"t.csv": to_csv(frame[["label"]]), "p.csv": to_csv(frame.drop(columns="label"))}


# -------------------------------------------------------------------------------------- numbers at the end of the names

FROM_1 = {"d.csv": to_csv(table([1, 2, 3, 3], ["p1", "p2", "p3"]))}
FROM_1_TURNED = {"d.csv": to_csv(table([1, 2, 3, 3], ["p3", "p1", "p2"], PROBABILITIES[:, [2, 0, 1]]))}
GAPS = {"d.csv": to_csv(table([2, 5, 9, 9], ["p2", "p5", "p9"]))}
NO_CLASS = refused(r"\b0\b.*(class|1, 2, 3|p1)")

MANY = np.random.default_rng(5).dirichlet(np.ones(12), size=8)
MANY_CODES = [0, 8, 6, 7, 1, 5, 10, 2]
TEXT_ORDER = sorted(range(12), key=str)
MANY_COLUMNS = MANY[:, TEXT_ORDER]
MANY_CE = value(cross_entropy(MANY_CODES, MANY))
CUMULATED = MANY.cumsum(1) - (np.arange(12) >= np.array(MANY_CODES)[:, None])
MANY_RPS = float(np.mean((CUMULATED**2).sum(1)))


def many(prefix: str) -> dict[str, bytes]:
    return {"d.csv": to_csv(table(MANY_CODES, [f"{prefix}{i}" for i in TEXT_ORDER], MANY_COLUMNS))}


TEXT_LIST = ",".join(f"p{i}" for i in TEXT_ORDER)

NUMBERED = [
    case("from-1-list", "compute cross_entropy d.csv --pred p1,p2,p3", FROM_1, CE),
    case("from-1-pattern", "compute cross_entropy d.csv --pred 'p*'", FROM_1, CE),
    case("from-1-question-mark", "compute cross_entropy d.csv --pred 'p?'", FROM_1, CE),
    case("from-1-class-pattern", "compute cross_entropy d.csv --pred 'p[1-3]'", FROM_1, CE),
    case("from-1-column", "compute cross_entropy d.csv --column y_pred=p1,p2,p3", FROM_1, CE),
    case("from-1-turned-list", "compute cross_entropy d.csv --pred p3,p1,p2", FROM_1_TURNED, CE),
    case("from-1-list-in-another-order", "compute cross_entropy d.csv --pred p2,p3,p1", FROM_1, CE),
    case("from-1-turned-pattern", "compute cross_entropy d.csv --pred 'p*'", FROM_1_TURNED, CE),
    case("from-1-two-files", "compute cross_entropy t.csv p.csv", two_files([1, 2, 3, 3], ["p1", "p2", "p3"]), CE),
    case(
        "from-1-two-files-digits",
        "compute cross_entropy t.csv p.csv --header",
        two_files([1, 2, 3, 3], ["1", "2", "3"]),
        CE,
    ),
    case(
        "from-1-two-files-turned",
        "compute cross_entropy t.csv p.csv",
        two_files([1, 2, 3, 3], ["p3", "p1", "p2"], PROBABILITIES[:, [2, 0, 1]]),
        CE,
    ),
    case(
        "from-1-long-prefix",
        "compute cross_entropy d.csv --pred prob1,prob2,prob3",
        {"d.csv": to_csv(table([1, 2, 3, 3], ["prob1", "prob2", "prob3"]))},
        CE,
    ),
    case(
        "from-1-underscore",
        "compute cross_entropy d.csv --pred p_1,p_2,p_3",
        {"d.csv": to_csv(table([1, 2, 3, 3], ["p_1", "p_2", "p_3"]))},
        CE,
    ),
    case(
        "from-1-brackets",
        "compute cross_entropy d.csv",
        {"d.csv": to_csv(table([1, 2, 3, 3], ["y_pred[1]", "y_pred[2]", "y_pred[3]"]))},
        CE,
    ),
    case(
        "from-1-dots",
        "compute cross_entropy d.csv --pred 'p.*'",
        {"d.csv": to_csv(table([1, 2, 3, 3], ["p.1", "p.2", "p.3"]))},
        CE,
    ),
    case(
        "from-1-spaces",
        "compute cross_entropy d.csv --pred 'class *'",
        {"d.csv": to_csv(table([1, 2, 3, 3], ["class 1", "class 2", "class 3"]))},
        CE,
    ),
    case(
        "from-1-float-labels",
        "compute cross_entropy d.csv --pred p1,p2,p3",
        {"d.csv": to_csv(table([1.0, 2.0, 3.0, 3.0], ["p1", "p2", "p3"]))},
        CE,
    ),
    case(
        "from-1-text-labels",
        "compute cross_entropy d.jsonl --pred p1,p2,p3",
        {"d.jsonl": to_jsonl(table(["1", "2", "3", "3"], ["p1", "p2", "p3"]))},
        CE,
    ),
    case(
        "from-1-parquet",
        "compute cross_entropy d.parquet --pred p1,p2,p3",
        {"d.parquet": to_parquet(table([1, 2, 3, 3], ["p1", "p2", "p3"]))},
        CE,
    ),
    case(
        "from-1-label-0",
        "compute cross_entropy d.csv --pred p1,p2,p3",
        {"d.csv": to_csv(table([0, 1, 2, 2], ["p1", "p2", "p3"]))},
        NO_CLASS,
    ),
    case(
        "from-1-label-0-two-files",
        "compute cross_entropy t.csv p.csv",
        two_files([0, 1, 2, 2], ["p1", "p2", "p3"]),
        NO_CLASS,
    ),
    case(
        "from-1-label-0-zero-one",
        "compute zero_one d.csv --pred p1,p2,p3",
        {"d.csv": to_csv(table([0, 1, 2, 2], ["p1", "p2", "p3"]))},
        NO_CLASS,
    ),
    case("from-1-compare", "compare --losses cross_entropy d.csv --pred p1,p2,p3", FROM_1, CE),
    case(
        "from-1-recommend", "recommend d.csv --pred p1,p2,p3 -f value", FROM_1, Words(("cross_entropy|softmax|brier",))
    ),
    case(
        "from-1-api",
        lambda: losscli.compute("cross_entropy", "d.csv", columns={"y_pred": "p1,p2,p3"}).value,
        FROM_1,
        CE,
    ),
    case(
        "from-1-api-frame",
        lambda: (
            losscli.compute(
                "cross_entropy", table([1, 2, 3, 3], ["p1", "p2", "p3"]), columns={"y_pred": "p1,p2,p3"}
            ).value
        ),
        {},
        CE,
    ),
    case("gaps-list", "compute cross_entropy d.csv --pred p2,p5,p9", GAPS, CE),
    case("gaps-pattern", "compute cross_entropy d.csv --pred 'p*'", GAPS, CE),
    case("gaps-two-files", "compute cross_entropy t.csv p.csv", two_files([2, 5, 9, 9], ["p2", "p5", "p9"]), CE),
    case(
        "shared-first-digit",
        "compute cross_entropy d.csv --pred class10,class11,class12",
        {"d.csv": to_csv(table([10, 11, 12, 12], ["class10", "class11", "class12"]))},
        CE,
    ),
    case(
        "shared-first-digit-two-files",
        "compute cross_entropy t.csv p.csv",
        two_files([10, 11, 12, 12], ["c10", "c11", "c12"]),
        CE,
    ),
    case(
        "shared-first-digit-label-0",
        "compute cross_entropy d.csv --pred 'class*'",
        {"d.csv": to_csv(table([0, 1, 2, 2], ["class10", "class11", "class12"]))},
        refused("0"),
    ),
    *[
        case(
            f"negative-{way}",
            f"compute cross_entropy d.csv --pred {pred}",
            {"d.csv": to_csv(table([-1, 0, 1, 1], ["p_-1", "p_0", "p_1"]))},
            CE,
        )
        for way, pred in (("list", "p_-1,p_0,p_1"), ("pattern", "'p_*'"))
    ],
    case("text-order-list", f"compute cross_entropy d.csv --pred {TEXT_LIST}", many("p"), MANY_CE),
    case("text-order-pattern", "compute cross_entropy d.csv --pred 'p*'", many("p"), MANY_CE),
    case("text-order-pattern-underscore", "compute cross_entropy d.csv --pred 'prob_*'", many("prob_"), MANY_CE),
    case("text-order-usual-name", "compute cross_entropy d.csv", many("y_pred_"), MANY_CE),
    case("text-order-rps", f"compute rps d.csv --pred {TEXT_LIST}", many("p"), value(MANY_RPS)),
    case(
        "text-order-two-files",
        "compute cross_entropy t.csv p.csv",
        two_files(MANY_CODES, [f"p{i}" for i in TEXT_ORDER], MANY_COLUMNS),
        MANY_CE,
    ),
    case(
        "text-order-two-files-digits",
        "compute cross_entropy t.csv p.csv --header",
        two_files(MANY_CODES, TEXT_ORDER, MANY_COLUMNS),
        MANY_CE,
    ),
    case(
        "text-order-zero-one",
        f"compute zero_one d.csv --pred {TEXT_LIST}",
        many("p"),
        value(np.mean(MANY.argmax(1) != MANY_CODES)),
    ),
    case("text-order-compare", f"compare --losses cross_entropy d.csv --pred {TEXT_LIST}", many("p"), MANY_CE),
    case(
        "targets-text-order",
        "compute brier d.csv --true t2,t10,t1 --pred p1,p2,p10",
        {
            "d.csv": to_csv(
                pd.DataFrame(
                    {"t2": [0, 1], "t10": [0, 0], "t1": [1, 0], "p1": [0.5, 0.3], "p2": [0.2, 0.6], "p10": [0.3, 0.1]}
                )
            )
        },
        value(np.mean([0.25 + 0.04 + 0.09, 0.09 + 0.16 + 0.01]) / 3),  # of several labels a row it is their mean
    ),
    case(
        "targets-two-files",
        "compute brier t.csv p.csv",
        {"t.csv": b"t2,t10,t1\n0,0,1\n1,0,0\n", "p.csv": b"p1,p2,p10\n0.5,0.2,0.3\n0.3,0.6,0.1\n"},
        value(np.mean([0.25 + 0.04 + 0.09, 0.09 + 0.16 + 0.01]) / 3),  # of several labels a row it is their mean
    ),
]


@pytest.mark.parametrize("given", NUMBERED)
def test_a_label_is_the_class_of_that_number(given: Case, cli: Cli) -> None:
    given.verify(cli)


# ---------------------------------------------------------------------------------------------- names, and their prefix

CATBOOST = b"SampleId\tProbability:Class=cat\tProbability:Class=dog\tLabel\n0\t0.9\t0.1\tcat\n1\t0.2\t0.8\tdog\n"
CATS = called("cat", "dog", "owl")

NAMED = [
    case(
        "no-underscore-list",
        "compute cross_entropy d.csv --pred probcat,probdog,probowl",
        {"d.csv": to_csv(table(CATS, ["probcat", "probdog", "probowl"]))},
        CE,
    ),
    case(
        "no-underscore-pattern",
        "compute cross_entropy d.csv --pred 'prob*'",
        {"d.csv": to_csv(table(CATS, ["probcat", "probdog", "probowl"]))},
        CE,
    ),
    case(
        "no-underscore-two-files",
        "compute cross_entropy t.csv p.csv",
        two_files(CATS, ["probcat", "probdog", "probowl"]),
        CE,
    ),
    case(
        "underscore-pattern",
        "compute cross_entropy d.csv --pred 'p_*'",
        {"d.csv": to_csv(table(CATS, ["p_cat", "p_dog", "p_owl"]))},
        CE,
    ),
    case(
        "underscore-list-turned",
        "compute cross_entropy d.csv --pred p_owl,p_cat,p_dog",
        {"d.csv": to_csv(table(CATS, ["p_cat", "p_dog", "p_owl"]))},
        CE,
    ),
    case(
        "underscore-in-the-prefix",
        "compute cross_entropy d.csv --pred my_prob_cat,my_prob_dog,my_prob_owl",
        {"d.csv": to_csv(table(CATS, ["my_prob_cat", "my_prob_dog", "my_prob_owl"]))},
        CE,
    ),
    case("underscore-two-files", "compute cross_entropy t.csv p.csv", two_files(CATS, ["p_cat", "p_dog", "p_owl"]), CE),
    case(
        "bare-list",
        "compute cross_entropy d.csv --pred cat,dog,owl",
        {"d.csv": to_csv(table(CATS, ["cat", "dog", "owl"]))},
        CE,
    ),
    case("bare-two-files", "compute cross_entropy t.csv p.csv", two_files(CATS, ["cat", "dog", "owl"]), CE),
    *[
        case(f"names-that-start-alike-{way}", f"compute cross_entropy {typed}", files, CE)
        for way, typed, files in (
            (
                "list",
                "d.csv --pred car,carp,cat",
                {"d.csv": to_csv(table(called("car", "carp", "cat"), ["car", "carp", "cat"]))},
            ),
            ("two-files", "t.csv p.csv", two_files(called("car", "carp", "cat"), ["car", "carp", "cat"])),
            (
                "pattern",
                "d.csv --pred 'prob_*'",
                {"d.csv": to_csv(table(called("car", "carp", "cat"), ["prob_car", "prob_carp", "prob_cat"]))},
            ),
        )
    ],
    case(
        "names-with-underscores",
        "compute cross_entropy d.csv --pred 'prob_*'",
        {"d.csv": to_csv(table(called("big_cat", "big_dog", "owl"), ["prob_big_cat", "prob_big_dog", "prob_owl"]))},
        CE,
    ),
    case(
        "names-that-all-share-an-underscore",
        "compute cross_entropy d.csv --pred 'prob_*'",
        {
            "d.csv": to_csv(
                table(called("big_cat", "big_dog", "big_owl"), ["prob_big_cat", "prob_big_dog", "prob_big_owl"])
            )
        },
        CE,
    ),
    case(
        "unknown-label",
        "compute cross_entropy d.csv --pred probcat,probdog,probowl",
        {"d.csv": to_csv(table(called("cat", "dog", "cow"), ["probcat", "probdog", "probowl"]))},
        refused("cow", "cat, dog, owl"),
    ),
    # CatBoost: catboost calc --prediction-type Probability
    case(
        "catboost-pattern",
        "compute cross_entropy d.tsv --pred 'Probability*'",
        {"d.tsv": CATBOOST},
        value(-np.log([0.9, 0.8]).mean()),
    ),
    case("catboost-no-option", "compute cross_entropy d.tsv", {"d.tsv": CATBOOST}, value(-np.log([0.9, 0.8]).mean())),
    case(
        "catboost-numbers",
        "compute cross_entropy d.tsv --pred 'Probability*'",
        {"d.tsv": b"SampleId\tProbability:Class=1\tProbability:Class=2\tLabel\n0\t0.9\t0.1\t1\n1\t0.2\t0.8\t2\n"},
        value(-np.log([0.9, 0.8]).mean()),
    ),
    case(
        "catboost-raw",
        "compute softmax_loss d.tsv --pred 'RawFormulaVal*'",
        {"d.tsv": b"SampleId\tRawFormulaVal:Class=b\tRawFormulaVal:Class=a\tLabel\n0\t2\t-1\tb\n1\t0\t1\ta\n"},
        value(softmax_loss([0, 1], [[2, -1], [0, 1]])),
    ),
    case(
        "catboost-two-files",
        "compute cross_entropy t.csv p.tsv --pred 'Probability*'",
        {
            "t.csv": b"y\ncat\ndog\n",
            "p.tsv": b"SampleId\tProbability:Class=cat\tProbability:Class=dog\n0\t0.9\t0.1\n1\t0.2\t0.8\n",
        },
        value(-np.log([0.9, 0.8]).mean()),
    ),
    # H2O: predict, then p0, p1 or p and the level of the factor
    case(
        "h2o-two-classes",
        "compute cross_entropy d.csv --pred p1,p2",
        {"d.csv": b"y,predict,p1,p2\n1,1,0.9,0.1\n2,2,0.2,0.8\n2,1,0.7,0.3\n"},
        value(-np.log([0.9, 0.8, 0.3]).mean()),
    ),
    case(
        "h2o-two-classes-brier",
        "compute brier d.csv --pred p1,p2",
        {"d.csv": b"y,predict,p1,p2\n1,1,0.9,0.1\n2,2,0.2,0.8\n2,1,0.7,0.3\n"},
        value(np.mean([2 * 0.01, 2 * 0.04, 2 * 0.49])),
    ),
    case(
        "h2o-two-classes-zero-one",
        "compute zero_one d.csv --pred p1,p2",
        {"d.csv": b"y,predict,p1,p2\n1,1,0.9,0.1\n2,2,0.2,0.8\n2,1,0.7,0.3\n"},
        value(1 / 3),
    ),
    case(
        "h2o-two-files",
        "compute cross_entropy t.csv p.csv --pred p1,p2",
        {"t.csv": b"y\n1\n2\n2\n", "p.csv": b"predict,p1,p2\n1,0.9,0.1\n2,0.2,0.8\n1,0.7,0.3\n"},
        value(-np.log([0.9, 0.8, 0.3]).mean()),
    ),
    case(
        "h2o-two-files-pattern",
        "compute cross_entropy t.csv p.csv --pred 'p?'",
        {"t.csv": b"y\n1\n2\n2\n", "p.csv": b"predict,p1,p2\n1,0.9,0.1\n2,0.2,0.8\n1,0.7,0.3\n"},
        value(-np.log([0.9, 0.8, 0.3]).mean()),
    ),
    case(
        "h2o-names",
        "compute cross_entropy d.csv --pred no,yes",
        {"d.csv": b"y,predict,no,yes\nno,no,0.9,0.1\nyes,yes,0.2,0.8\n"},
        value(-np.log([0.9, 0.8]).mean()),
    ),
    # leading zeros belong to the name
    *[
        case(f"zeros-{way}", f"compute cross_entropy {typed}", files, CE)
        for way, typed, files in (
            (
                "pattern",
                "d.csv --pred 'prob_*'",
                {"d.csv": to_csv(table(called("01", "02", "10"), ["prob_01", "prob_02", "prob_10"]))},
            ),
            (
                "list",
                "d.csv --pred p01,p02,p10",
                {"d.csv": to_csv(table(called("01", "02", "10"), ["p01", "p02", "p10"]))},
            ),
            (
                "usual-name",
                "d.csv",
                {"d.csv": to_csv(table(called("01", "02", "10"), ["prob_01", "prob_02", "prob_10"]))},
            ),
            (
                "from-0",
                "d.csv --pred 'prob_*'",
                {"d.csv": to_csv(table(called("00", "01", "02"), ["prob_00", "prob_01", "prob_02"]))},
            ),
            ("two-files", "t.csv p.csv --header", two_files(called("01", "02", "10"), ["01", "02", "10"])),
            (
                "json",
                "d.jsonl --pred 'prob_*'",
                {"d.jsonl": to_jsonl(table(called("01", "02", "10"), ["prob_01", "prob_02", "prob_10"]))},
            ),
            (
                "parquet",
                "d.parquet --pred 'prob_*'",
                {"d.parquet": to_parquet(table(called("01", "02", "10"), ["prob_01", "prob_02", "prob_10"]))},
            ),
            (
                "only-in-the-names",
                "d.csv --pred 'prob_*'",
                {"d.csv": to_csv(table([1, 2, 10, 10], ["prob_01", "prob_02", "prob_10"]))},
            ),
        )
    ],
    # NA is Namibia
    *[
        case(f"{gap}-{way}", f"compute cross_entropy {typed}", files, CE)
        for gap in ("NA", "None", "null")
        for way, typed, files in (
            (
                "pattern",
                "d.csv --pred 'prob_*'",
                {"d.csv": to_csv(table(called("EU", gap, "AS"), ["prob_EU", f"prob_{gap}", "prob_AS"]))},
            ),
            ("two-files", "t.csv p.csv", two_files(called("EU", gap, "AS"), ["EU", gap, "AS"])),
        )
    ],
    case(
        "NA-json",
        "compute cross_entropy d.jsonl --pred 'prob_*'",
        {"d.jsonl": to_jsonl(table(called("EU", "NA", "AS"), ["prob_EU", "prob_NA", "prob_AS"]))},
        CE,
    ),
    case(
        "NA-parquet",
        "compute cross_entropy d.parquet --pred 'prob_*'",
        {"d.parquet": to_parquet(table(called("EU", "NA", "AS"), ["prob_EU", "prob_NA", "prob_AS"]))},
        CE,
    ),
    case(
        "NA-option",
        "compute cross_entropy d.csv --pred p0,p1,p2 --classes EU,NA,AS",
        {"d.csv": to_csv(table(called("EU", "NA", "AS"), ["p0", "p1", "p2"]))},
        CE,
    ),
    case(
        "NA-omit-keeps-it",
        "compute cross_entropy d.csv --pred 'prob_*' --nan omit",
        {"d.csv": to_csv(table(called("EU", "NA", "AS"), ["prob_EU", "prob_NA", "prob_AS"]))},
        CE,
    ),
    case(
        "empty-label-is-a-gap",
        "compute cross_entropy d.csv --pred 'prob_*'",
        {"d.csv": to_csv(table(called("EU", "NA", ""), ["prob_EU", "prob_NA", "prob_AS"]))},
        refused("label", "row 3"),
    ),
    case(
        "NA-among-numbers-is-a-gap",
        "compute mse d.csv",
        {"d.csv": b"y_true,y_pred\nNA,1\n2,3\n"},
        refused("row 1", "--nan"),
    ),
    case(
        "NA-api",
        lambda: (
            losscli.compute("cross_entropy", table(called("EU", "NA", "AS"), ["prob_EU", "prob_NA", "prob_AS"])).value
        ),
        {},
        CE,
    ),
]


@pytest.mark.parametrize("given", NAMED)
def test_a_label_is_the_class_of_that_name(given: Case, cli: Cli) -> None:
    given.verify(cli)


# ------------------------------------------------------------------------------------------------------------ --classes

WORDS = {"d.csv": to_csv(table(CATS, ["p0", "p1", "p2"]))}
ARRAYS = {"t.csv": b"label\ncat\ndog\nowl\nowl\n", "p.npy": npy(PROBABILITIES)}
EMBEDDINGS = {
    "labels": ["a", "b", "a"],
    "embeddings": [[1.0, 0], [0, 1], [1, 1]],
    "weights": [[1.0, 0], [0, 1], [1, -1]],
}
WEIGHTS = {"l.csv": b"labels\na\nb\na\n", "e.npy": npy(EMBEDDINGS["embeddings"]), "w.npy": npy(EMBEDDINGS["weights"])}
TYPED_WEIGHTS = "labels=l.csv embeddings=e.npy weights=w.npy"
LINEAR = value(softmax_loss([0, 1, 0], np.array(EMBEDDINGS["embeddings"]) @ np.array(EMBEDDINGS["weights"]).T))


CLASSES = [
    case("names-columns", "compute cross_entropy d.csv --pred p0,p1,p2 --classes cat,dog,owl", WORDS, CE),
    case("names-columns-of-a-pattern", "compute cross_entropy d.csv --pred 'p?' --classes cat,dog,owl", WORDS, CE),
    case("names-an-array", "compute cross_entropy t.csv p.npy --classes cat,dog,owl", ARRAYS, CE),
    case("names-rows-of-weights", f"compute linear_softmax {TYPED_WEIGHTS} --classes a,b,c", WEIGHTS, LINEAR),
    case(
        "numbers-from-1-of-an-array",
        "compute cross_entropy t.npy p.npy --classes 1,2,3",
        {"t.npy": npy([1, 2, 3, 3]), "p.npy": npy(PROBABILITIES)},
        CE,
    ),
    case(
        "columns-say-more-than-order",
        "compute cross_entropy d.csv --pred 'prob_*' --classes owl,cat,dog",
        {"d.csv": to_csv(table(CATS, ["prob_cat", "prob_dog", "prob_owl"]))},
        CE,
    ),
    case(
        "too-few-for-columns",
        "compute cross_entropy d.csv --pred p0,p1,p2 --classes cat,dog",
        WORDS,
        Misfit(("classes", "2", "3")),
    ),
    case(
        "too-many-for-columns",
        "compute cross_entropy d.csv --pred p0,p1,p2 --classes cat,dog,owl,cow",
        WORDS,
        Misfit(("classes", "4", "3")),
    ),
    *[
        case(f"too-{way}-for-{what}", f"compute {loss} {typed} --classes {names}", files, Misfit(("classes", count)))
        for way, names, count in (("few", "cat,dog", "2"), ("many", "cat,dog,owl,cow", "4"))
        for what, loss, typed, files in (
            ("an-array", "cross_entropy", "t.npy p.npy", {"t.npy": npy([0, 1, 1, 0]), "p.npy": npy(PROBABILITIES)}),
            ("scores", "multi_margin", "t.npy p.npy", {"t.npy": npy([0, 1, 1, 0]), "p.npy": npy(PROBABILITIES)}),
            ("zero-one", "zero_one", "t.npy p.npy", {"t.npy": npy([0, 1, 1, 0]), "p.npy": npy(PROBABILITIES)}),
            (
                "lists",
                "cross_entropy",
                "d.json",
                {"d.json": to_json({"y_true": [0, 1, 1, 0], "y_pred": PROBABILITIES.tolist()})},
            ),
            (
                "parquet",
                "cross_entropy",
                "d.parquet",
                {"d.parquet": parquet({"y_true": [0, 1, 1, 0], "y_pred": PROBABILITIES.tolist()})},
            ),
            ("npz", "brier", "d.npz", {"d.npz": npz(y_true=[0, 1, 1, 0], y_pred=PROBABILITIES)}),
            (
                "weights",
                "linear_softmax",
                "labels=l.npy embeddings=e.npy weights=w.npy",
                WEIGHTS | {"l.npy": npy([0, 1, 0])},
            ),
            ("margins", "arcface", "labels=l.npy embeddings=e.npy weights=w.npy", WEIGHTS | {"l.npy": npy([0, 1, 0])}),
            ("centers", "center", "labels=l.npy embeddings=e.npy centers=w.npy", WEIGHTS | {"l.npy": npy([0, 1, 0])}),
        )
    ],
    case(
        "too-few-for-named-weights",
        f"compute linear_softmax {TYPED_WEIGHTS} --classes a,b",
        WEIGHTS,
        Misfit(("classes", "2", "3")),
    ),
    case(
        "too-few-in-compare",
        "compare --losses cross_entropy t.npy p.npy --classes cat,dog",
        {"t.npy": npy([0, 1, 1, 0]), "p.npy": npy(PROBABILITIES)},
        Misfit(("classes", "2", "3")),
    ),
    case(
        "too-few-in-recommend",
        "recommend t.npy p.npy --classes cat,dog",
        {"t.npy": npy([0, 1, 1, 0]), "p.npy": npy(PROBABILITIES)},
        Misfit(("classes", "2", "3")),
    ),
    case(
        "too-few-in-python",
        lambda: losscli.compute("cross_entropy", y_true=[0, 1, 1, 0], y_pred=PROBABILITIES, classes=["a", "b"]).value,
        {},
        Misfit(("classes", "2", "3")),
    ),
    case(
        "class-weights",
        "compute cross_entropy:class_weight=1/2 t.npy p.npy",
        {"t.npy": npy([0, 1, 1, 0]), "p.npy": npy(PROBABILITIES)},
        Misfit(("class_weight", "2", "3")),
    ),
    case(
        "twice-the-same",
        "compute cross_entropy d.csv --pred p0,p1,p2 --classes cat,cat,owl",
        WORDS,
        refused("cat", "twice|repeat|again|duplicate", status=2),
    ),
    *[
        case(
            f"file-{way}",
            "compute cross_entropy t.csv p.npy --classes @classes.txt",
            ARRAYS | {"classes.txt": text},
            CE,
        )
        for way, text in (
            ("lines", b"cat\ndog\nowl\n"),
            ("no-last-newline", b"cat\ndog\nowl"),
            ("crlf", b"cat\r\ndog\r\nowl\r\n"),
            ("blank-end", b"cat\ndog\nowl\n\n"),
            ("byte-order-mark", b"\xef\xbb\xbfcat\ndog\nowl\n"),
        )
    ],
    case(
        "file-commas-in-names",
        "compute cross_entropy t.csv p.npy --classes @classes.txt",
        {
            "t.csv": b'label\n"cat, wild"\ndog\nowl\nowl\n',
            "p.npy": npy(PROBABILITIES),
            "classes.txt": b"cat, wild\ndog\nowl\n",
        },
        CE,
    ),
    case(
        "file-NA",
        "compute cross_entropy t.csv p.npy --classes @classes.txt",
        {"t.csv": b"label\nEU\nNA\nAS\nAS\n", "p.npy": npy(PROBABILITIES), "classes.txt": b"EU\nNA\nAS\n"},
        CE,
    ),
    case(
        "file-for-columns",
        "compute cross_entropy d.csv --pred 'p?' --classes @classes.txt",
        WORDS | {"classes.txt": b"cat\ndog\nowl\n"},
        CE,
    ),
    case(
        "file-too-short",
        "compute cross_entropy t.csv p.npy --classes @classes.txt",
        ARRAYS | {"t.csv": b"label\ncat\ndog\ncat\ncat\n", "classes.txt": b"cat\ndog\n"},
        Misfit(("class", "2", "3")),
    ),
    case(
        "file-not-there",
        "compute cross_entropy t.csv p.npy --classes @clases.txt",
        ARRAYS,
        Misfit(("clases.txt", "no such file")),
    ),
    case(
        "file-empty",
        "compute cross_entropy t.csv p.npy --classes @classes.txt",
        ARRAYS | {"classes.txt": b"\n"},
        Misfit(("classes.txt", "empty|no ")),
    ),
    case(
        "file-in-compare",
        "compare --losses cross_entropy t.csv p.npy --classes @classes.txt",
        ARRAYS | {"classes.txt": b"cat\ndog\nowl\n"},
        CE,
    ),
    case(
        "name-that-starts-so",
        "compute cross_entropy t.csv p.npy --classes cat,@dog,owl",
        ARRAYS | {"t.csv": b"label\ncat\n@dog\nowl\nowl\n"},
        CE,
    ),
]


@pytest.mark.parametrize("given", CLASSES)
def test_names_of_classes_fit_the_data(given: Case, cli: Cli) -> None:
    given.verify(cli)
