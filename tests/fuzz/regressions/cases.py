"""The smallest input of each cause that fuzzing has found."""

from __future__ import annotations

import base64
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from losscli.version import __version__
from tests.fuzz.check import Case
from tests.fuzz.commands import TABLE
from tests.fuzz.test_baselines import NAME as BASELINE

COLUMNS = ("--true", "y_true", "--pred", "y_pred")
CSV = (*COLUMNS, "--delimiter", ",")
BY_G = ("--group-by", "g")


def data(name: str, content: bytes, options: Sequence[str] = COLUMNS, cut: int = 24) -> Case:
    """Return a case of one file; the ending of its name is the subject."""
    subject = name.rpartition(".")[2]
    return Case({"arrow": "feather"}.get(subject, subject), ((name, content),), tuple(options), cut=cut)


def baseline(value: Any) -> Case:
    """Return a case of an earlier result of mse."""
    signature = f"mse|n=5|nan=error|reduction=mean|weights=no|losscli={__version__}"
    document = {"losses": [{"loss": "mse", "value": value, "signature": signature}]}
    return Case("baselines", (TABLE, (BASELINE, json.dumps(document).encode())), ("mse.change>2%",))


def damaged_lzma() -> bytes:
    """Return an archive of which a compressed member is damaged."""
    member, file = io.BytesIO(), io.BytesIO()
    np.save(member, np.arange(12.0))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("y_true.npy", member.getvalue())
        archive.writestr("y_pred.npy", member.getvalue())
    packed = bytearray(file.getvalue())
    packed[60:68] = b"\xff" * 8
    return bytes(packed)


def npy(array: Any, version: tuple[int, int] | None = None) -> bytes:
    """Return an NPY file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def npz(array: Any) -> bytes:
    """Return an archive in which y_true and y_pred are the same array."""
    file = io.BytesIO()
    np.savez(file, y_true=array, y_pred=array)
    return file.getvalue()


def parquet(columns: dict[str, Any], rows_per_group: int | None = None) -> bytes:
    """Return a Parquet file."""
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, row_group_size=rows_per_group)
    return file.getvalue()


def short_of_a_page() -> bytes:
    """Return a Parquet file of which a damaged header of a page ends a row group early."""
    file = io.BytesIO()
    table = pa.table({"y_true": [1.0, 2.0, 3.0, 4.0], "y_pred": [2.0, 2.0, 5.0, 4.0]})
    pq.write_table(table, file, row_group_size=2, use_dictionary=False, compression="none", write_statistics=False)
    damaged = bytearray(file.getvalue())
    damaged[5] ^= 1
    return bytes(damaged)


def unpack(text: str) -> bytes:
    """Return damaged bytes that were compressed and written in base 85."""
    return zlib.decompress(base64.b85decode(text))


NUMBERS = {
    "y_true": [4.6, -1.4, -4.3, 0.2, -1.7, 5.1, -3.5, -0.4, 1.5],
    "y_pred": [7.3, 0.1, -3.9, 4.6, 2.1, -4.5, 7.4, 8.7, 5.6],
}

REGRESSIONS: list[tuple[str, Case]] = [
    ("csv: CR inside a header cell", data("b.csv", b"y_true,y_pred,g\rx\n1,2,a\n", CSV)),
    (
        "csv: stray quote in an unquoted cell",
        data(
            "c.csv",
            b'y_pred,g,y_true\n-68,"""",1\n-51,"a\r\nb",1.0\n1.0,a",1e3\n'
            b'57,"a\r\nb",29\n1e-45,"""",-2.5\n2,5" pipe,1.0\n\n',
            CSV,
            29,
        ),
    ),
    (
        "csv: stray quote in the header swallows rows",
        data("e.csv", b'y_true,y_pred,5" pipe\n1,2,x\n3,9,5" y\n4,4,z\n', CSV),
    ),
    (
        "csv: one stray quote is no open quote",
        data("d.csv", b'y_true,y_pred,g\n1,2,5" pipe\n3,5,b\n', CSV)._replace(is_valid=True),
    ),
    ("json: true beside null", data("a.json", b'{"y_true": [true, null], "y_pred": [1, 2]}')),
    (
        "json: lone surrogate as a group",
        data("b.json", b'{"y_true": [1], "y_pred": [2], "g": ["\\ud800"]}', (*COLUMNS, *BY_G)),
    ),
    ("json: lists as groups", data("c.json", b'{"y_true": [1], "y_pred": [2], "g": [[1]]}', (*COLUMNS, *BY_G))),
    ("json: vectors of no numbers", data("d.json", b'{"y_true": [[]], "y_pred": [[]]}')),
    ("json: a list of one number is that number", data("e.json", b'{"y_true": [[1]], "y_pred": [3]}')),
    *[
        (f"json: odd {what}", data("g.json", json.dumps({"data": [[1, 2], [3, 4]], **document}).encode()))
        for what, document in {
            "names of an index": {"index": [0, 1], "columns": ["y_true", "y_pred"], "index_names": [["a"]]},
            "levels of an index": {"index": [[0, 1], [1]], "columns": ["y_true", "y_pred"]},
            "names of levels": {"index": [[0], [1]], "columns": ["y_true", "y_pred"], "index_names": 5},
            "primary key": {"schema": {"primaryKey": 5}, "data": [{"y_true": 1, "y_pred": 2}]},
            "index of a vector": {"y_true": [{"type": 0, "size": 3, "indices": [[1]], "values": [2]}]},
            "size of a vector": {"y_true": [{"type": 0, "size": -3, "indices": [], "values": []}]},
        }.items()
    ],
    ("json: a file is taken for text", data("f.json", b'_true": 1,\n"y_\xf0": 2,\n')),
    ("jsonl: lists as groups", data("d.jsonl", b'{"y_true": 1, "y_pred": 2, "g": [1, 2]}\n' * 3, (*COLUMNS, *BY_G))),
    (
        "jsonl: true is one group beside texts and alone",
        data(
            "e.jsonl",
            b'{"y_true": 1, "y_pred": 2, "g": true}\n{"y_true": 1, "y_pred": 5, "g": "a"}\n',
            (*COLUMNS, *BY_G),
        ),
    ),
    (
        "jsonl: a long number is one group beside fractions and alone",
        data(
            "f.jsonl",
            b'{"y_true": 1, "y_pred": 2, "g": 9007199254740993}\n{"y_true": 1, "y_pred": 5, "g": 0.5}\n',
            (*COLUMNS, *BY_G),
        ),
    ),
    (
        "jsonl: the sum of all values overflows",
        data("g.jsonl", b'{"y_true": 1e308, "y_pred": 1}\n{"y_true": 1e308, "y_pred": 2}\n'),
    ),
    ("jsonl: a record over two lines is a document", data("h.jsonl", b'{\n"y_pred": 50, "y_true":  50}\n')),
    (
        "jsonl: records joined over two lines",
        data("a.jsonl", b'{"y_true": 1, "y_pred": 2}, {"y_true": 5\n"y_pred": 5}\n'),
    ),
    (
        "jsonl: a later block has other shapes",
        data("b.jsonl", b'{"y_true": 12, "y_pred": -16}\n' * 2 + b'{"y_true": [1, 2], "y_pred": [1, 5]}\n', cut=30),
    ),
    (
        "jsonl: a column begins after the first block",
        data("c.jsonl", b'{"y_true": 1}\n{"y_true": 2}\n{"y_true": 3, "y_pred": 4}\n', cut=20),
    ),
    ("npz: bytes before the archive", data("b.npz", b"PK\x01\x02" + npz(np.arange(3.0)), ())),
    ("npz: an archive behind the bytes of NPY", data("c.npz", b"\x93NUMPY" + npz(np.arange(2.0)), ())),
    ("npz: long doubles overflow", data("d.npz", npz(np.array([1e308, 2.0], "g") ** 2), ())),
    ("npz: damaged LZMA", data("a.npz", damaged_lzma(), ())),
    (
        "npy: memory address in an error",
        data(
            "a.npy",
            b"\x93NUMPY\x01\x00\x41\x00{'descr'|O: '<f8', 'fortran_order': False, 'shape': (1, 2), }" + b"\n" * 6,
            (),
        ),
    ),
    ("npy: text that is no Unicode", data("b.npy", npy(np.array([[0x110000, 0x31]], "<u4").view("<U1")), ())),
    ("npy: unknown version", data("c.npy", b"\x93NUMPY\x02\x80" + npy(np.ones((2, 2)), (2, 0))[8:], ())),
    (
        "groups that end in NUL",
        data("a.parquet", parquet({"y_true": [1.0, 2.0], "y_pred": [2.0, 5.0], "g": ["a", "a\0"]}), (*COLUMNS, *BY_G)),
    ),
    ("parquet: row groups change the last digits", data("b.parquet", parquet(NUMBERS, 2))),
    ("grammar: a parameter twice", Case("grammar", (TABLE,), ("huber:delta=1:delta=2",))),
    ("parquet: the page of a column is lost", data("c.parquet", short_of_a_page())),
    (
        "parquet: its first bytes are those of a stream",
        data("d.parquet", b"\xff\xff\xff\xff\x15\4\x15\4" + parquet(NUMBERS)[8:]),
    ),
    ("gates: space after a loss with parameters", Case("gates", (TABLE,), ("huber:delta=0.5.median > 1",))),
    ("gates: the second loss of a list is not judged", Case("gates", (TABLE,), ("mae,mse>0",))),
    ("gates: 1_0 is read as 10", Case("gates", (TABLE,), ("mse > 1_0",))),
    ("control characters in an error", Case("gates", (TABLE,), ("rmse\x1b>1",))),
    (
        "baseline: keys that are no text",
        Case(
            "baselines",
            (TABLE, (BASELINE, b'{"losses": [{"loss": true, "value": 1, "signature": ""}]}')),
            ("mse.change>2%",),
        ),
    ),
    ("baseline: an integer beyond all floats", baseline(10**400)),
    ("baseline: nested too deep", Case("baselines", (TABLE, (BASELINE, b"[" * 100_000)), ("mse.change>2%",))),
    ("baseline: a huge value", baseline(1e308)),
    (
        "feather 1: damaged bytes kill the process",
        data(
            "267.feather",
            unpack(
                "c-nJwbu?ta0tA4V2M9rcg@FUi;s9bMAZ7;Q0w6Z||NlP+SRDfcBM_$p@eH6Ckm44An!^F5FF@7G05Ka7SH>3<rKW&nxZt*MLG6X;"
                ";{n^t0X0JbuCJu1G!>*yf`J`wz5q-g4+q#JBzu9_4d_Pz-Q5)c"
            ),
            (*COLUMNS, *BY_G),
        ),
    ),
    (
        "feather 1: damaged bytes of a text are decoded",
        data(
            "299.feather",
            unpack(
                "c-nJwbu?ta0tA4V2M9rcg@FUi;s9bMAZ7;Q4j}db%P}zY{Qv(SBqsyJj6j?Y)-Myy4%GwV2|$eHhSE@R2sneJpACpB;|q#XQ$R9Y"
                "Kz$HXxFAYd5&C(+?&5%&r2x{)2+~_pRGJF1QGx-B{X86K_P+pPH((e50F8_j5&"
            ),
            (*COLUMNS, *BY_G),
        ),
    ),
    (
        "feather 1: a number of rows that needs more memory than there is",
        data(
            "387.feather",
            unpack(
                "c-nJwbu?sv0(Kx~24XHCX2T)I#DD;dP&pQ;I*^(qKgXnGg_K0DB#0Ujs9GKd2{6gRzyTy7;vlnFk<0^`)d0jcP&23e|Nox@tP5gS"
                "IuLgN#efvI1ym1AzXp^(0o5Y_b#G;SK~ZW71H%D`K6V8(eG*Wb1L`&oFq?rv0is`_GQOm!G!<l?0@#lnV3Q@lB*;7t9OnH1VmDye"
                "0szm#9i0"
            ),
            (*COLUMNS, *BY_G),
        ),
    ),
]
