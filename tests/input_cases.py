"""Files and frames as other tools write them, what losscli must make of each, and whether it does so already."""

from __future__ import annotations

import io
import json
import re
import shlex
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from losscli.errors import LosscliError
from tests.conftest import Cli, Result

# ---------------------------------------------------------------------------------------------------- what is expected


class Value(NamedTuple):
    """Status 0 and these numbers, one a line."""

    numbers: tuple[float, ...]

    def verify(self, result: Result) -> None:
        assert result.status == 0, result.err
        found = [float(line) for line in result.out.split()]
        assert found == pytest.approx(list(self.numbers), rel=1e-9, abs=1e-12), result.err


class Refusal(NamedTuple):
    """A status, nothing on stdout, and one line of error that has all these words (patterns, in any case)."""

    status: int
    words: tuple[str, ...]

    def verify(self, result: Result) -> None:
        assert result.status == self.status, result
        assert result.out == ""
        errors = [line for line in result.err.splitlines() if not line.startswith("losscli: note: ")]
        assert len(errors) == 1, result.err
        assert errors[0].startswith("losscli: error: ")
        assert "bug in losscli" not in errors[0]
        for word in self.words:
            assert re.search(word, errors[0], re.IGNORECASE), errors[0]


class Misfit(NamedTuple):
    """A refusal, with the status of an option or of data: the two do not fit each other."""

    words: tuple[str, ...]

    def verify(self, result: Result) -> None:
        Refusal(2 if result.status == 2 else 3, self.words).verify(result)


class Either(NamedTuple):
    """The contract leaves open whether the value is given or the input is refused; any other number is wrong."""

    value: Value
    refusal: Refusal

    def verify(self, result: Result) -> None:
        (self.value if result.status == 0 else self.refusal).verify(result)


class Words(NamedTuple):
    """Status 0, and words on stdout or stderr."""

    words: tuple[str, ...]

    def verify(self, result: Result) -> None:
        assert result.status == 0, result.err
        for word in self.words:
            assert re.search(word, result.out + result.err, re.IGNORECASE), result


Expected = Value | Refusal | Misfit | Either | Words


def value(*numbers: float) -> Value:
    return Value(tuple(map(float, numbers)))


def refused(*words: str, status: int = 3) -> Refusal:
    return Refusal(status, words)


NO_TRUTH = refused("no column for y_true")


# ----------------------------------------------------------------------------------------------------------- cases

Call = Callable[[], Any]
"""A call of the Python API that returns numbers."""


class Case(NamedTuple):
    """Files by name, what is typed or called, and what is expected."""

    action: str | Call
    files: Mapping[str, bytes]
    expected: Expected
    stdin: bytes

    def verify(self, cli: Cli) -> None:
        for name, data in self.files.items():
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        wrong = self._mismatch(cli)
        if wrong:  # hundreds of tracebacks would take longer than the cases themselves
            pytest.fail(wrong.encode(errors="backslashreplace").decode(), pytrace=False)

    def _mismatch(self, cli: Cli) -> str:
        """Return what differs from what is expected, "" if nothing does."""
        try:
            self.expected.verify(self._run(cli))
        except UnicodeError as error:  # what is captured is UTF-8, as every output should be
            return str(error)
        except AssertionError as error:
            return str(error) or "another result"
        return ""

    def _run(self, cli: Cli) -> Result:
        if not isinstance(self.action, str):
            return call(self.action)
        arguments = shlex.split(self.action)
        prints_values = arguments[0] != "recommend" and not {"-f", "--top"} & {*arguments}
        return cli(*arguments, *(["-f", "value"] if prints_values else []), stdin=self.stdin)


def call(function: Call) -> Result:
    """Return what a call of the Python API comes to, as a command would print it."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        try:
            found = function()
        except LosscliError as error:
            return Result(error.exit_status, "", f"losscli: error: {error}\n")
        except Exception as error:
            return Result(70, "", f"losscli: error: bug in losscli: {error!r}\n")
    numbers = np.atleast_1d(found).tolist()
    return Result(0, "\n".join(map(repr, numbers)), "".join(f"losscli: note: {note.message}\n" for note in notes))


def case(id: str, action: str | Call, files: Mapping[str, bytes], expected: Expected, *, stdin: bytes = b"") -> Any:
    """Return a parameter of a test: what is typed or called, and what must come of it."""
    return pytest.param(Case(action, files, expected, stdin), id=id)


# -------------------------------------------------------------------------------------------------- losses, by NumPy


def mse(y_true: Any, y_pred: Any) -> float:
    return float(np.mean((np.asarray(y_pred, float) - np.asarray(y_true, float)) ** 2))


def mae(y_true: Any, y_pred: Any) -> float:
    return float(np.mean(np.abs(np.asarray(y_pred, float) - np.asarray(y_true, float))))


def cross_entropy(codes: Any, probabilities: Any) -> float:
    """Return the mean of -log p of the observed class; codes (N,) count from 0, probabilities (N, C)."""
    codes = np.asarray(codes)
    return float(-np.log(np.asarray(probabilities, float)[np.arange(len(codes)), codes]).mean())


def softmax_loss(codes: Any, scores: Any) -> float:
    """Return the mean of log sum exp(s) - s_y; codes (N,), scores (N, C)."""
    codes, scores = np.asarray(codes), np.asarray(scores, float)
    return float(np.mean(np.log(np.exp(scores).sum(-1)) - scores[np.arange(len(codes)), codes]))


def bce(y_true: Any, y_pred: Any, pos_weight: Any = 1.0) -> float:
    y, p = np.asarray(y_true, float), np.asarray(y_pred, float)
    return float(np.mean(-(pos_weight * y * np.log(p) + (1 - y) * np.log1p(-p))))


def iou_loss(a: Any, b: Any) -> float:
    """Return the mean of 1 - IoU of boxes (N, 4) given as corners."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    size = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    inside = np.clip(size, 0, None).prod(1)
    areas = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1)
    return float(np.mean(1 - inside / (areas - inside)))


def corners(boxes: Any) -> np.ndarray[Any, Any]:
    """Return boxes (N, 4) of a corner and a size as corners."""
    boxes = np.asarray(boxes, float)
    return np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


# ------------------------------------------------------------------------------------------------------ files of tools

Frame = pd.DataFrame


def to_csv(frame: Frame | pd.Series[Any], **options: Any) -> bytes:
    return frame.to_csv(**({"index": False} | options)).encode()


def to_parquet(frame: Frame, **options: Any) -> bytes:
    """Write as pandas does, with its metadata."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, **options)
    return buffer.getvalue()


def parquet(columns: Mapping[str, Any] | pa.Table) -> bytes:
    """Write as PyArrow does."""
    buffer = io.BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(dict(columns)), buffer)
    return buffer.getvalue()


def feather(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pyarrow.feather.write_feather(table, buffer)
    return buffer.getvalue()


def arrow_stream(table: pa.Table) -> bytes:
    """Write as `datasets` and Flight do: the stream format, which has no magic bytes."""
    buffer = io.BytesIO()
    with pyarrow.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def to_json(rows: Any) -> bytes:
    return json.dumps(rows).encode()


def to_jsonl(frame: Frame) -> bytes:
    return frame.to_json(orient="records", lines=True).encode()


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array))
    return buffer.getvalue()


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.asarray(array) for name, array in arrays.items()})
    return buffer.getvalue()


def savetxt(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.savetxt(buffer, np.asarray(array), **options)
    return buffer.getvalue()


def zipped(**members: bytes) -> bytes:
    """Return a ZIP archive; members are named by keywords with `__` for the dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return buffer.getvalue()


BYTES_OF_TYPE = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "|u1", "BOOL": "|b1"}


def safetensors(metadata: Mapping[str, str] | None = None, /, **tensors: tuple[str, Any]) -> bytes:
    """Return tensors as Hugging Face's library stores them: length of the header, header (JSON), data."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    body = b""
    for name, (dtype, values) in tensors.items():
        array = np.asarray(values)
        if dtype == "BF16":  # the upper half of a float32
            data = (array.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
        else:
            data = array.astype(BYTES_OF_TYPE[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


XLSX_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default '
    'Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
    'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
    'Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://'
    'schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" '
    'r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
    'Target="worksheets/sheet1.xml"/></Relationships>',
}


def xlsx(rows: Sequence[Sequence[str | float]]) -> bytes:
    """Return a workbook of one sheet, as Excel stores it."""

    def cell(content: str | float, place: str) -> str:
        if isinstance(content, str):
            return f'<c r="{place}" t="inlineStr"><is><t>{content}</t></is></c>'
        return f'<c r="{place}"><v>{content}</v></c>'

    lines = [
        f'<row r="{i}">' + "".join(cell(content, f"{'ABCDEFGH'[j]}{i}") for j, content in enumerate(row)) + "</row>"
        for i, row in enumerate(rows, 1)
    ]
    sheet = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    parts = XLSX_PARTS | {"xl/worksheets/sheet1.xml": f"{sheet}{''.join(lines)}</sheetData></worksheet>"}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + text)
    return buffer.getvalue()
