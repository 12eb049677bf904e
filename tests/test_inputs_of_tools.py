"""What today's tools write by default is read, or refused in words that name the remedy."""

from __future__ import annotations

import decimal
import pickle
import sys
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import losscli
from tests.conftest import Cli
from tests.input_cases import (
    Case,
    Either,
    Misfit,
    arrow_stream,
    bce,
    case,
    corners,
    cross_entropy,
    feather,
    iou_loss,
    mse,
    npy,
    npz,
    parquet,
    refused,
    safetensors,
    savetxt,
    softmax_loss,
    to_csv,
    to_json,
    to_jsonl,
    to_parquet,
    value,
    xlsx,
    zipped,
)

TRUE, PRED = [3.0, 5.0, 2.0], [2.5, 5.0, 4.0]
FRAME = pd.DataFrame({"y_true": TRUE, "y_pred": PRED})
TABLE = pa.Table.from_pandas(FRAME, preserve_index=False)
MSE = value(mse(TRUE, PRED))
P = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
CODES = [0, 1, 2]
CE = value(cross_entropy(CODES, P))
CSV = to_csv(FRAME)


def decimals(values: Any, type_: Any) -> pa.Array:
    return pa.array([decimal.Decimal(str(v)) for v in values], type_)


def read(id: str, name: str, data: bytes, expected: Any = MSE, options: str = "", loss: str = "mse") -> Any:
    return case(id, f"compute {loss} {name} {options}".strip(), {name: data}, expected)


# ----------------------------------------------------------------------------------------------------------- containers

DECIMAL = pa.table({"y_true": decimals(TRUE, pa.decimal128(10, 2)), "y_pred": decimals(PRED, pa.decimal128(5, 1))})
WIDE = pa.table({"y_true": decimals(TRUE, pa.decimal256(50, 20)), "y_pred": decimals(PRED, pa.decimal128(38, 10))})
VECTOR = pa.struct(
    [("type", pa.int8()), ("size", pa.int32()), ("indices", pa.list_(pa.int32())), ("values", pa.list_(pa.float64()))]
)
DENSE = [{"type": 1, "size": None, "indices": None, "values": row.tolist()} for row in P]
SPARSE = [
    {"type": 0, "size": 3, "indices": [0, 2], "values": [1.5, -1.0]},
    {"type": 0, "size": 3, "indices": [], "values": []},
    DENSE[2],
]
SPARSE_AS_DENSE = [[1.5, 0, -1], [0, 0, 0], P[2]]


def spark(rows: Any) -> bytes:
    return parquet({"label": pa.array([0.0, 1.0, 2.0]), "probability": pa.array(rows, VECTOR)})


HIVE = {"fold=0/part-0.parquet": to_parquet(FRAME[:2]), "fold=1/part-0.parquet": to_parquet(FRAME[2:]), "_SUCCESS": b""}
HIVE = {f"runs/{name}": data for name, data in HIVE.items()}
NESTED = {"runs/year=2024/month=01/a.csv": to_csv(FRAME[:1]), "runs/year=2024/month=02/a.csv": to_csv(FRAME[1:])}
SHEET = [["y_true", "y_pred"], *map(list, zip(TRUE, PRED, strict=True))]

CONTAINERS = [
    read("decimal-parquet", "d.parquet", parquet(DECIMAL)),
    read("decimal-wide", "d.parquet", parquet(WIDE)),
    read("decimal-feather", "d.feather", feather(DECIMAL)),
    read(
        "decimal-null",
        "d.parquet",
        parquet(
            {
                "y_true": decimals([1, 2], pa.decimal128(4, 1)),
                "y_pred": pa.array([decimal.Decimal("1.5"), None], pa.decimal128(4, 1)),
            }
        ),
        refused("y_pred", "row 2"),
    ),
    *[
        read(f"orient-{o}", "d.json", FRAME.to_json(orient=o).encode())
        for o in ("columns", "index", "split", "records", "table")
    ],
    read("orient-values", "d.json", FRAME.to_json(orient="values").encode()),
    read("orient-index-shuffled", "d.json", FRAME[::-1].to_json(orient="index").encode()),
    read("orient-columns-text-index", "d.json", FRAME.set_index(pd.Index(["a", "b", "c"])).to_json().encode()),
    read(
        "orient-columns-twelve-rows",
        "d.json",
        pd.DataFrame({"y_true": range(12), "y_pred": np.arange(12.0) ** 2}).to_json().encode(),
        value(mse(np.arange(12), np.arange(12.0) ** 2)),
    ),
    case(
        "orient-columns-two-files",
        "compute mse y_true=t.json y_pred=p.json",
        {"t.json": FRAME[["y_true"]].to_json().encode(), "p.json": FRAME[["y_pred"]].to_json().encode()},
        MSE,
    ),
    read("lines-called-json", "d.json", to_jsonl(FRAME)),
    read("json-called-lines", "d.jsonl", FRAME.to_json(orient="records", indent=1).encode()),
    read("stream-arrow", "d.arrow", arrow_stream(TABLE)),
    read("stream-feather", "d.feather", arrow_stream(TABLE)),
    read("stream-arrows", "d.arrows", arrow_stream(TABLE)),
    case("stream-stdin", "compute mse", {}, MSE, stdin=arrow_stream(TABLE)),
    case("stream-compare", "compare --losses mse d.arrow", {"d.arrow": arrow_stream(TABLE)}, MSE),
    read("zip-csv", "d.csv.zip", zipped(d__csv=CSV)),
    read("zip-plain", "d.zip", zipped(d__csv=CSV)),
    read("zip-json", "d.json.zip", zipped(d__json=FRAME.to_json(orient="records").encode())),
    read("zip-two-members", "d.zip", zipped(a__csv=CSV, b__csv=CSV), refused("2|two|several|one", "a.csv|member|file")),
    case("zip-stdin", "compute mse", {}, MSE, stdin=zipped(d__csv=CSV)),
    case("zip-api", lambda: losscli.compute("mse", "d.csv.zip").value, {"d.csv.zip": zipped(d__csv=CSV)}, MSE),
    case("hive", "compute mse runs", HIVE, MSE),
    case(
        "hive-groups", "compute mse runs --group-by fold", HIVE, value(mse(TRUE[:2], PRED[:2]), mse(TRUE[2:], PRED[2:]))
    ),
    case(
        "hive-escaped",
        "compute mse runs --group-by city",
        {f"runs/city={city}/a.csv": to_csv(FRAME[:2]) for city in ("S%C3%A3o%20Paulo", "Roma")},
        value(mse(TRUE[:2], PRED[:2]), mse(TRUE[:2], PRED[:2])),
    ),
    case("hive-nested", "compute mse runs", NESTED, MSE),
    case(
        "hive-key-is-no-role",
        "compute mse runs",
        {k: parquet({"y_pred": PRED}) for k in ("runs/fold=0/a.parquet", "runs/fold=1/a.parquet")},
        refused("no column for y_true"),
    ),
    read("spark-dense", "d.parquet", spark(DENSE), CE, loss="cross_entropy"),
    read("spark-sparse", "d.parquet", spark(SPARSE), value(softmax_loss(CODES, SPARSE_AS_DENSE)), loss="softmax_loss"),
    read("spark-compare", "d.parquet", spark(DENSE), value(np.mean(P.argmax(1) != CODES)), loss="zero_one"),
    read(
        "trainer",
        "d.npz",
        npz(predictions=np.log(P).astype("f2"), label_ids=CODES),
        value(softmax_loss(CODES, np.log(P).astype("f2"))),
        loss="softmax_loss",
    ),
    *[
        read(f"safetensors-{t}", "d.safetensors", safetensors({"format": "pt"}, y_true=(t, TRUE), y_pred=(t, PRED)))
        for t in ("F64", "F32", "F16", "BF16")
    ],
    read(
        "safetensors-bf16-rounds",
        "d.safetensors",
        safetensors(y_true=("F32", [1, 2]), y_pred=("BF16", [1.00390625, 2])),
        value(0),
    ),
    read(
        "safetensors-logits",
        "d.safetensors",
        safetensors(logits=("F32", np.log(P)), labels=("I64", CODES)),
        value(softmax_loss(CODES, np.log(P).astype("f4"))),
        loss="softmax_loss",
    ),
    case(
        "safetensors-two-files",
        "compute cross_entropy t.safetensors p.safetensors",
        {"t.safetensors": safetensors(a=("I32", CODES)), "p.safetensors": safetensors(b=("F64", P))},
        CE,
    ),
    read(
        "safetensors-cut",
        "d.safetensors",
        safetensors(y_true=("F32", TRUE), y_pred=("F32", PRED))[:-3],
        refused("cut short|damaged|truncated"),
    ),
    *[
        read(f"named-{name}", name, data, refused(*words))
        for name, data, words in (
            (
                "d.pt",
                zipped(**{"d/data__pkl": b"\x80\x02}q\x00.", "d/version": b"3\n"}),
                ("pytorch|torch", "npy|npz|safetensors|numpy"),
            ),
            ("d.pth", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.", ("torch|pickle",)),
            ("d.pkl", pickle.dumps(TRUE), ("pickle", "parquet|csv|npy")),
            ("data.csv", pickle.dumps(TRUE), ("pickle",)),
            (
                "d.mat",
                b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x01IM" + bytes(16),
                ("matlab", "csv|npy|scipy"),
            ),
            (
                "v73.mat",
                b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124)
                + b"\x00\x02IM"
                + bytes(384)
                + b"\x89HDF\r\n\x1a\n",
                ("matlab",),
            ),
            ("d.h5", b"\x89HDF\r\n\x1a\n" + bytes(64), ("hdf5",)),
            ("d.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), ("excel",)),
        )
    ],
]


@pytest.mark.parametrize("given", CONTAINERS)
def test_containers(given: Case, cli: Cli) -> None:
    given.verify(cli)


def test_excel(cli: Cli) -> None:
    pytest.importorskip("python_calamine")
    Case("compute mse d.xlsx", {"d.xlsx": xlsx(SHEET)}, MSE, b"").verify(cli)


@pytest.mark.parametrize("name", ["d.xlsx", "d.csv"])
def test_excel_without_the_extra_is_named(name: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("python_calamine", "openpyxl"):
        monkeypatch.setitem(sys.modules, module, None)
    Case(f"compute mse {name}", {name: xlsx(SHEET)}, refused("Excel", r"losscli\[excel\]|extra"), b"").verify(cli)


# ----------------------------------------------------------------------------------------------------------------- text

GBK = "真值,预测\n3,2.5\n5,5\n".encode("gbk")
LISTS = [str(row.tolist()) for row in P]

TEXT = [
    read("savetxt", "d.txt", savetxt(FRAME)),
    read("savetxt-csv-ending", "d.csv", savetxt(FRAME)),
    read("savetxt-short", "d.dat", savetxt(FRAME, fmt="%g")),
    read("savetxt-header", "d.txt", savetxt(FRAME, header="y_true y_pred")),
    read("savetxt-header-and-footer", "d.txt", savetxt(FRAME, header="run 3\ny_true y_pred", footer="end")),
    case("savetxt-stdin", "compute mse", {}, MSE, stdin=savetxt(FRAME)),
    case(
        "savetxt-matrix",
        "compute cross_entropy t.txt p.txt",
        {"t.txt": savetxt(CODES, fmt="%d"), "p.txt": savetxt(P)},
        CE,
    ),
    read("comment-lines", "d.csv", b"# model: rf 3\n# date: 2024-01-01, Monday\n" + CSV),
    read("comment-option", "d.csv", b"% made by hand\n" + CSV + b"% end\n", options="--comment %"),
    read("comment-in-the-middle", "d.csv", CSV[:22] + b"# again\n" + CSV[22:], options="--comment '#'"),
    read("comment-suggested", "d.csv", b"% made by hand\n" + CSV, refused("--comment")),
    read("sep-line", "d.csv", b"sep=;\r\n" + to_csv(FRAME, sep=";", lineterminator="\r\n")),
    read("sep-line-mark", "d.csv", b"\xef\xbb\xbfsep=;\n" + to_csv(FRAME, sep=";")),
    read("sep-line-pipe", "d.csv", b"sep=|\n" + to_csv(FRAME, sep="|")),
    read("decimal-comma", "d.csv", to_csv(FRAME, sep=";", decimal=","), options="--decimal ,"),
    read("decimal-comma-sep-line", "d.csv", b"sep=;\n" + to_csv(FRAME, sep=";", decimal=","), options="--decimal ,"),
    read("decimal-comma-tabs", "d.tsv", to_csv(FRAME, sep="\t", decimal=","), options="--decimal ,"),
    read("decimal-suggested", "d.csv", to_csv(FRAME, sep=";", decimal=","), refused("row 1", "--decimal")),
    read("aligned", "d.txt", FRAME.to_string(index=False).encode()),
    read("aligned-index", "d.txt", FRAME.to_string().encode(), Either(MSE, refused("d.txt"))),
    read("delimiter-suggested", "d.csv", CSV.replace(b",", b"~"), refused("--delimiter")),
    read("list-commas", "d.csv", to_csv(pd.DataFrame({"y_true": CODES, "y_pred": LISTS})), CE, loss="cross_entropy"),
    read(
        "list-spaces",
        "d.csv",
        to_csv(pd.DataFrame({"y_true": CODES, "y_pred": [str(row) for row in P]})),
        CE,
        loss="cross_entropy",
    ),
    read(
        "list-tsv",
        "d.tsv",
        to_csv(pd.DataFrame({"y_true": CODES, "y_pred": LISTS}), sep="\t"),
        CE,
        loss="cross_entropy",
    ),
    read(
        "list-targets",
        "d.csv",
        to_csv(pd.DataFrame({"y_true": ["[1, 2]", "[3, 4]"], "y_pred": ["[1.5 2]", "[3 5]"]})),
        value(mse([[1, 2], [3, 4]], [[1.5, 2], [3, 5]])),
    ),
    read("list-of-one", "d.csv", b"y_true,y_pred\n1,[0.9]\n0,[0.2]\n", value(bce([1, 0], [0.9, 0.2])), loss="bce"),
    read(
        "list-ragged",
        "d.csv",
        b'y_true,y_pred\n0,"[0.7, 0.3]"\n1,"[0.2, 0.7, 0.1]"\n',
        refused("y_pred", "row 2"),
        loss="cross_entropy",
    ),
    read("gbk-header", "d.csv", GBK, refused("not UTF-8")),
    read("gbk-cell", "d.csv", "y_true,y_pred\n猫,狗\n".encode("gbk"), refused("not UTF-8"), loss="zero_one"),
    read("gbk-tsv", "d.tsv", GBK.replace(b",", b"\t"), refused("not UTF-8")),
]


@pytest.mark.parametrize("given", TEXT)
def test_text(given: Case, cli: Cli) -> None:
    given.verify(cli)


# --------------------------------------------------------------------------------------------------------------- shapes

RNG = np.random.default_rng(7)
TOKENS, TOKEN_SCORES = RNG.integers(0, 5, (2, 4)), RNG.normal(size=(2, 4, 5))
TOKEN_LOSS = value(softmax_loss(TOKENS.ravel(), TOKEN_SCORES.reshape(-1, 5)))
PADDED = np.where(np.arange(4) < [[4], [2]], TOKENS, -100)
KEPT = PADDED.ravel() >= 0
PIXELS, PIXEL_SCORES = RNG.integers(0, 3, (2, 4, 5)), RNG.normal(size=(2, 3, 4, 5))
PIXEL_LOSS = value(softmax_loss(PIXELS.ravel(), np.moveaxis(PIXEL_SCORES, 1, -1).reshape(-1, 3)))
CUBE = RNG.normal(size=(3, 3, 3))
BOXES = np.array([[0, 0, 4, 4], [1, 1, 3, 5.0]])
GUESSED = np.array([[1, 0, 4, 5], [1, 2, 4, 5.0]])
IOU = value(iou_loss(BOXES, GUESSED))
NAMES_A, NAMES_B = ["cat", "dog", "owl", "dog"], ["cat", "cat", "owl", "dog"]
MASK, SOFT = np.array([[0, 255], [255, 255]], np.uint8), np.array([[0.2, 0.9], [0.8, 0.6]])
LABELS2, PROBS2 = np.array([[1, 0], [0, 1], [1, 1]]), np.array([[0.9, 0.2], [0.3, 0.6], [0.7, 0.8]])
LOG_P = np.log(RNG.dirichlet(np.ones(4), size=(6, 2)))
CTC = {"targets": [[1, 2], [3, 1]], "input_lengths": [6, 6], "target_lengths": [2, 2]}


def ctc(log_p: Any, target: Any) -> float:
    """Return the loss of one sample by adding up all paths that give the target."""
    total = 0.0
    for path in np.ndindex(*[4] * 6):
        symbols = [s for i, s in enumerate(path) if s and (i == 0 or path[i - 1] != s)]
        if symbols == list(target):
            total += np.exp(sum(log_p[t, s] for t, s in enumerate(path)))
    return float(-np.log(total))


CTC_LOSS = [ctc(LOG_P[:, i], CTC["targets"][i]) for i in range(2)]


def pair(true: Any, pred: Any) -> dict[str, bytes]:
    return {"t.npy": npy(true), "p.npy": npy(pred)}


def boxes(true: str, pred: str, a: Any = BOXES, b: Any = GUESSED) -> dict[str, bytes]:
    columns = dict(zip(true.split(","), a.T, strict=True)) | dict(zip(pred.split(","), b.T, strict=True))
    return {"d.csv": to_csv(pd.DataFrame(columns))}


VOC = "xmin,ymin,xmax,ymax"
SIZES = np.array([[10, 20, 30, 40], [5, 5, 10, 10.0]])
SIZES_GUESSED = SIZES + np.array([1, 2, 3, 4])
COCO = {
    "t.json": to_json([{"image_id": i, "category_id": 1, "bbox": b.tolist()} for i, b in enumerate(SIZES)]),
    "p.json": to_json(
        [
            {"image_id": 1 - i, "category_id": 1, "bbox": b.tolist(), "score": 0.9}
            for i, b in enumerate(SIZES_GUESSED[::-1])
        ]
    ),
}
COCO_IOU = value(iou_loss(corners(SIZES), corners(SIZES_GUESSED)))

SHAPES = [
    case("tokens", "compute softmax_loss t.npy p.npy", pair(TOKENS, TOKEN_SCORES), TOKEN_LOSS),
    case(
        "tokens-npz",
        "compute softmax_loss d.npz",
        {"d.npz": npz(label_ids=TOKENS, predictions=TOKEN_SCORES)},
        TOKEN_LOSS,
    ),
    case(
        "tokens-ignored",
        "compute softmax_loss:ignore_index=-100 t.npy p.npy",
        pair(PADDED, TOKEN_SCORES),
        value(softmax_loss(PADDED.ravel()[KEPT], TOKEN_SCORES.reshape(-1, 5)[KEPT])),
    ),
    case(
        "tokens-api", lambda: losscli.compute("softmax_loss", y_true=TOKENS, y_pred=TOKEN_SCORES).value, {}, TOKEN_LOSS
    ),
    case("pixels", "compute softmax_loss t.npy p.npy", pair(PIXELS, PIXEL_SCORES), PIXEL_LOSS),
    case(
        "tokens-or-channels",
        "compute softmax_loss t.npy p.npy",
        pair(RNG.integers(0, 3, (3, 3)), CUBE),
        refused(r"\(3, 3, 3\)|either|both|ambiguous"),
    ),
    case("tokens-misfit", "compute softmax_loss t.npy p.npy", pair(TOKENS[:, :3], TOKEN_SCORES), refused("shape")),
    case(
        "two-probabilities",
        "compute bce t.npy p.npy",
        pair([1, 0, 1], [[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]]),
        refused("shapes differ"),
    ),
    read("hard-bce", "d.csv", b"label,pred,pred_proba\n1,1,0.9\n0,0,0.2\n1,0,0.4\n", refused("all 0 or 1"), loss="bce"),
    *[
        read(
            f"hard-{loss}-{way}", "d.csv", to_csv(pd.DataFrame({"y_true": a, "y_pred": b})), value(0.25), options, loss
        )
        for loss in ("zero_one", "hamming")
        for way, a, b, options in (
            ("names", NAMES_A, NAMES_B, "--classes cat,dog,owl"),
            ("names-alone", NAMES_A, NAMES_B, ""),
            ("numbers", [0, 1, 2, 1], [0, 0, 2, 1], ""),
            ("from-1", [1, 2, 3, 2], [1, 1, 3, 2], ""),
            ("binary", [0, 1, 1, 1], [0, 0, 1, 1], ""),
        )
    ],
    case(
        "hard-two-files",
        "compute zero_one t.csv p.csv",
        {"t.csv": b"y\ncat\ndog\n", "p.csv": b"y\ncat\ncat\n"},
        value(0.5),
    ),
    case(
        "ctc-batch-first",
        "compute ctc d.npz",
        {"d.npz": npz(log_probs=LOG_P.transpose(1, 0, 2), **CTC)},
        value(np.mean(CTC_LOSS)),
    ),
    case(
        "ctc-torch",
        "compute ctc d.npz",
        {"d.npz": npz(log_probs=LOG_P, **CTC)},
        Either(value(np.mean(CTC_LOSS)), refused("T, ?N, ?C|transpose|swap")),
    ),
    read(
        "ctc-ragged",
        "d.json",
        to_json({"log_probs": [LOG_P[:, 0].tolist(), LOG_P[:4, 1].tolist()], **CTC}),
        refused("log_probs", "row 2", "pad|input_lengths"),
        loss="ctc",
    ),
    *[
        case(f"mask-255-{loss}", f"compute {loss} t.npy p.npy", pair(MASK, SOFT), refused("255", "divide"))
        for loss in ("dice", "bce", "tversky")
    ],
    case("mask-255-of-both", "compute dice t.npy p.npy", pair(MASK // 255, MASK), refused("255", "divide")),
    case("voc", "compute iou d.csv", boxes(VOC, "pred_xmin,pred_ymin,pred_xmax,pred_ymax"), IOU),
    case(
        "voc-pred-first",
        "compute iou d.csv",
        boxes("pred_xmin,pred_ymin,pred_xmax,pred_ymax", VOC, GUESSED, BOXES),
        IOU,
    ),
    case("voc-ending", "compute iou d.csv", boxes(VOC, "xmin_pred,ymin_pred,xmax_pred,ymax_pred"), IOU),
    case("voc-truth-named", "compute iou d.csv", boxes("gt_xmin,gt_ymin,gt_xmax,gt_ymax", VOC), IOU),
    case("x1-pred", "compute iou d.csv", boxes("x1,y1,x2,y2", "pred_x1,pred_y1,pred_x2,pred_y2"), IOU),
    case("coco", "compute iou t.json p.json --id image_id --box-format xywh", COCO, COCO_IOU),
    case("coco-is-xywh", "compute iou t.json p.json --id image_id", COCO, Either(COCO_IOU, refused("xywh|box.format"))),
    case("coco-other-order", "compute iou t.json p.json --box-format xywh", COCO, refused("--id")),
    case(
        "pos-weight",
        "compute bce:pos_weight=2/3 t.npy p.npy",
        pair(LABELS2, PROBS2),
        value(bce(LABELS2, PROBS2, np.array([2, 3]))),
    ),
    case(
        "pos-weight-api",
        lambda: losscli.compute("bce", y_true=LABELS2, y_pred=PROBS2, pos_weight=[2, 3]).value,
        {},
        value(bce(LABELS2, PROBS2, np.array([2, 3]))),
    ),
    case(
        "pos-weight-misfit",
        "compute bce:pos_weight=2/3/4 t.npy p.npy",
        pair(LABELS2, PROBS2),
        Misfit(("pos_weight.*(label|column|fit|but)",)),
    ),
]


@pytest.mark.parametrize("given", SHAPES)
def test_shapes(given: Case, cli: Cli) -> None:
    given.verify(cli)
