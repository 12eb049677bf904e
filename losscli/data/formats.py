"""Tell the format of data from its first bytes, where these are clearer than the ending of its name."""

from __future__ import annotations

import re

from losscli.errors import DataError

FORMAT_BY_MAGIC = {b"\x93NUMPY": "npy", b"PK\x03\x04": "npz", b"PK\x05\x06": "npz", b"PAR1": "parquet"}
FORMAT_BY_MAGIC |= {b"ARROW1": "feather", b"FEA1": "feather", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "excel"}
BYTES_OF_STREAM_START = b"\xff\xff\xff\xff"
"""How a message of Arrow's stream format begins; its length follows."""

MAX_BYTES_OF_SAFETENSORS_HEADER = 100_000_000
"""Longest header that safetensors itself allows."""

TEXT_FORMATS = ("csv", "tsv", "json", "jsonl")
LINES_COMPARED = 4

_OBJECT_OR_RECORDS = re.compile(rb'\{\s*["}]|\[\s*\{')
_RECORDS = re.compile(rb"\[\s*\{")
_CONTROL_CHARACTERS = bytes(range(0x20)).translate(None, b"\t\n\v\f\r\x1b")

_SAVE_ARRAYS = "save its arrays as NPZ, numpy.savez('data.npz', y_true=..., y_pred=...)"
_SAVE_TABLE = "save its table as Parquet or CSV"

_PICKLE = f"is a Python pickle, and nothing is ever unpickled; {_SAVE_ARRAYS}, or a frame with to_parquet"
TORCH_FILE = (
    "is a PyTorch file, a pickle, and nothing is ever unpickled; save its tensors as NPZ, "
    "numpy.savez('data.npz', **torch.load('data.pt', map_location='cpu')), or as safetensors"
)
_MATLAB = "is a MATLAB file; save its arrays as NPZ, numpy.savez('data.npz', **scipy.io.loadmat('data.mat'))"
_MATLAB_7_3 = f"is a MATLAB 7.3 file; read it with h5py and {_SAVE_ARRAYS}"
_HDF5 = f"is an HDF5 file; read it with h5py and {_SAVE_ARRAYS}, or a frame with pandas.read_hdf(...).to_parquet(...)"
_SQLITE = "is an SQLite database; export the table as CSV, sqlite3 -header -csv data.db 'SELECT ...' > data.csv"
_TFRECORD = f"is a TFRecord file; read it with TensorFlow and {_SAVE_ARRAYS}"
_R = "is an R object; save it with write.csv(x, 'data.csv', row.names = FALSE)"
_PANDAS_READS = "save it as Parquet, pandas.{}('{}').to_parquet('data.parquet')"
_SPSS = f"is an SPSS file; {_PANDAS_READS.format('read_spss', 'data.sav')}"
_STATA = f"is a Stata file; {_PANDAS_READS.format('read_stata', 'data.dta')}"
_SAS = f"is a SAS file; {_PANDAS_READS.format('read_sas', 'data.sas7bdat')}"
_ORC = f"is an ORC file; {_PANDAS_READS.format('read_orc', 'data.orc')}"
_AVRO = f"is an Avro file; {_SAVE_TABLE}"
_TAR = "is a tar archive; unpack it and give the file or the folder"
_PACKED = "is compressed in a way that is not read here; unpack it, or compress it with gzip, bzip2, xz or zstd"
_HTML = "is an HTML page, not data; a download may have ended at a page to log in, or at an error"
_XML = f"is an XML document; {_SAVE_TABLE}"
_POINTER = "is a pointer of Git LFS, not the data; 'git lfs pull' fetches it"
_PDF = f"is a PDF document; {_SAVE_TABLE}"
_IMAGE = f"is an image; {_SAVE_ARRAYS}"

_FOREIGN_BINARY = (
    (0, b"\x89HDF\r\n\x1a\n", _HDF5),
    (0, b"MATLAB 7.3", _MATLAB_7_3),
    (0, b"MATLAB 5.0", _MATLAB),
    (0, b"SQLite format 3\x00", _SQLITE),
    (8, b"DUCK", "is a DuckDB database; export the table as Parquet, COPY t TO 'data.parquet'"),
    (0, b"ORC", _ORC),
    (0, b"Obj\x01", _AVRO),
    (0, b"RDX", _R),
    (0, b"X\n\x00\x00\x00", _R),
    (0, b"$FL2", _SPSS),
    (257, b"ustar", _TAR),
    (0, b"7z\xbc\xaf\x27\x1c", _PACKED),
    (0, b"Rar!\x1a\x07", _PACKED),
    (0, b"\x04\x22\x4d\x18", _PACKED),
    (0, b"\x89PNG\r\n\x1a\n", _IMAGE),
    (0, b"\xff\xd8\xff", _IMAGE),
)
"""Offset, bytes there, and what a binary file of another format is."""

_FOREIGN_TEXT = {b"%pdf-": _PDF, b"<!doctype html": _HTML, b"<html": _HTML, b"<table": _HTML, b"<?xml": _XML}
_FOREIGN_TEXT |= {b"<stata_dta>": _STATA, b"version https://git-lfs": _POINTER}
"""First bytes in lower case, and what a text of another format is."""

_FOREIGN_BY_ENDING = (
    dict.fromkeys((".pt", ".pth", ".ckpt"), TORCH_FILE)
    | dict.fromkeys((".pkl", ".pickle", ".joblib", ".p"), _PICKLE)
    | dict.fromkeys((".h5", ".hdf5", ".keras"), _HDF5)
    | dict.fromkeys((".tfrecord", ".tfrecords"), _TFRECORD)
    | dict.fromkeys((".sqlite", ".sqlite3", ".db"), _SQLITE)
    | dict.fromkeys((".rds", ".rda", ".rdata"), _R)
    | {".mat": _MATLAB, ".pdf": _PDF, ".sav": _SPSS, ".dta": _STATA, ".sas7bdat": _SAS, ".orc": _ORC, ".avro": _AVRO}
    | {".tar": _TAR, ".7z": _PACKED, ".rar": _PACKED}
)
"""Ending -> what a file of it is whose first bytes say nothing else."""

_PICKLE_START = re.compile(rb"\x80[\x02-\x05](?:\x95|[\]\[}{()cCXKMJGNU\x8a\x8c\x88\x89])", re.DOTALL)


def detect_format(name: str, head: bytes, ending: str, named: str | None) -> str:
    """Return the format of data by its first bytes; where these leave it open, the one that the ending stands for.

    Args:
        name: What messages call the data.
        head: The first bytes, all of them if they are few.
        ending: The ending of the name, such as `.csv`.
        named: The format of that ending, None if there is none or the data has no name.

    Raises:
        DataError: The data is of a format that is not read; the message says which, and what to do.
    """
    found = _binary_format(head)
    if found is not None:
        return found
    foreign = _foreign_format(head, ending)
    if foreign:
        raise DataError(f"{name}: {foreign}")
    if named is None and ending.lower() in _FOREIGN_BY_ENDING and not _looks_like_rows(head):
        raise DataError(f"{name}: {_FOREIGN_BY_ENDING[ending.lower()]}")
    return _text_format(head, named)


def _binary_format(head: bytes) -> str | None:
    found = next((kind for magic, kind in FORMAT_BY_MAGIC.items() if head.startswith(magic)), None)
    if found is not None:  # a column may be called PAR1
        return None if _is_text(head) and len(head) > len(b"ARROW1") else found
    size = int.from_bytes(head[4:8], "little", signed=True)
    if head.startswith(BYTES_OF_STREAM_START) and size > 0:
        return "arrow"
    size = int.from_bytes(head[:8], "little")
    if 2 <= size <= MAX_BYTES_OF_SAFETENSORS_HEADER and head[8:9] == b"{" and not _is_text(head[:8]):
        return "safetensors"
    return None


def _foreign_format(head: bytes, ending: str) -> str | None:
    """Return what data of a format that is not read is, None if it does not look like any."""
    if _PICKLE_START.match(head):
        is_torch = ending.lower() in (".pt", ".pth", ".ckpt") or b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19" in head[:16]
        return TORCH_FILE if is_torch else _PICKLE
    start = head[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    text = next((what for magic, what in _FOREIGN_TEXT.items() if start.startswith(magic)), None)
    if text is not None or _is_text(head):
        return text
    return next((what for at, magic, what in _FOREIGN_BINARY if head.startswith(magic, at)), None)


def _text_format(head: bytes, named: str | None) -> str:
    """Return the format of text; binary formats stay what they are named, unless the text is clearly a table."""
    if not _is_text(head):  # UTF-16 too
        return named or "csv"
    if named is not None and named not in TEXT_FORMATS:
        if not _looks_like_rows(head):
            return named
        named = None
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    first, _, rest = (part.strip() for part in text.partition(b"\n"))
    may_be_json = named in (None, "json", "jsonl") and text[:1] in (b"{", b"[")
    if may_be_json or _OBJECT_OR_RECORDS.match(text):
        is_record = first.startswith(b"{") and first.endswith(b"}")
        if named == "jsonl":
            is_frame = not rest and _is_object_of_objects(first)  # as pandas writes it
            return "json" if is_frame or first in (b"{", b"[") or _RECORDS.match(text) else "jsonl"
        return "jsonl" if is_record and rest[:1] == b"{" else "json"
    if named in ("json", "jsonl"):
        if not _looks_like_rows(head):
            return named
        named = None
    is_tab_separated = b"\t" in first and b"," not in first
    if named == "tsv" and b"\t" not in first and b"," in first:
        return "csv"
    return named or ("tsv" if is_tab_separated else "csv")


def _is_object_of_objects(text: bytes) -> bool:
    import json

    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and all(isinstance(value, dict) for value in document.values())


def _is_text(head: bytes) -> bool:
    """Return whether bytes have no control characters, as UTF-8 and its like."""
    return len(head.translate(None, _CONTROL_CHARACTERS)) == len(head)


def _looks_like_rows(head: bytes) -> bool:
    """Return whether bytes are an object or records of JSON, or lines with the same number of delimiters."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not _is_text(head):
        return False
    if _OBJECT_OR_RECORDS.match(text):
        return True
    lines = [line for line in text.split(b"\n")[:LINES_COMPARED] if line.strip()]
    if len(lines) < 2 or any(mark in lines[0] for mark in (b"{", b"}", b"[", b"]")):
        return False
    return any(0 < lines[0].count(mark) == lines[1].count(mark) for mark in (b",", b"\t", b";", b"|"))
