"""Lines of JSON that are written alike, with the same keys in the same order, which PyArrow checks and reads at once.

A pattern made of the first line says all that a line may be: the text around the values as it is there, and the grammar
of JSON for the values. PyArrow matches the whole block against it, so a block that matches is read as the json module
would read each line. Each key ends with `":`; if there are no more of these than keys, then they tell where the values
are, and NumPy finds all of them at once. Otherwise (strings that hold these signs, lists, lines that lack keys or have
them in another order), PyArrow's JSON reader reads what a pattern has checked. The json module reads all other blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from losscli.data.arrow import to_numpy
from losscli.data.arrow_values import number_array
from losscli.data.csv.quotes import NEWLINE, QUOTE
from losscli.data.csv.schema import ByteSlice
from losscli.data.json import refuse_repeated_keys
from losscli.data.table import Chunk, Kind
from losscli.errors import DataError

# not -0, which is 0 for Python and -0.0 for PyArrow
_INTEGER = "0|-?[1-9][0-9]*"
_FLOAT = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)"
_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
_NUMBER_OR_CONSTANT = rf"(?:{_FLOAT}|{_INTEGER}|null|true|false|NaN|-?Infinity)"
_SCALAR = rf"(?:{_NUMBER_OR_CONSTANT}|{_STRING})"
_BLANKS = r"[ \t\r]*"


def _list_of(item: str) -> str:
    return rf"\[{_BLANKS}(?:{item}(?:{_BLANKS},{_BLANKS}{item})*)?{_BLANKS}\]"


def _object_of(value: str) -> str:
    pair = rf"{_STRING}{_BLANKS}:{_BLANKS}{value}"
    return rf"\{{{_BLANKS}(?:{pair}(?:{_BLANKS},{_BLANKS}{pair})*)?{_BLANKS}\}}"


_LIST = _list_of(rf"(?:{_SCALAR}|{_list_of(_SCALAR)})")
_ANY = rf"(?:{_SCALAR}|{_LIST})"
_RECORD = _object_of(rf"(?:{_ANY}|{_object_of(_ANY)})")
_PATTERN_BY_TYPE = {list: rf"(?:{_LIST}|null)", str: rf"(?:{_STRING}|null)", type(None): _SCALAR}
_KEY_OR_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")\s*:\s*|[^\s,]')

MAX_DIGITS = 640
"""Digits of an integer that Python reads whatever its settings are."""

END_OF_KEY = b'":'
COLON = ord(":")
LEAD_OF_NULL, LEAD_OF_TRUE, LEAD_OF_FALSE, FIRST_LETTER = map(ord, "ntfA")

MAX_KEYS = 300
"""Most keys of lines for which an automaton is made: the states for more do not fit into its memory."""

MAX_BYTES_OF_LAYOUT = 1 << 20
"""Longest line that a pattern is made of."""


class LineLayout(NamedTuple):
    """How lines are written: the text before each value that is no object, and that after the last one.

    `keys` are those of the values, None within an object in the record; `values` are patterns of those that are not
    wanted: of the same type as in the first line, or null.
    """

    keys: tuple[str | None, ...]
    heads: tuple[str, ...]
    tail: str
    values: tuple[str, ...]

    def pattern(self, wanted: Mapping[str | None, str]) -> str:
        """Return the pattern of such lines; values of the keys that are wanted have patterns of their own."""
        line = ""
        for key, head, value in zip(self.keys, self.heads, self.values, strict=True):
            line += re.escape(head) + wanted.get(key, value)
        return _pattern_of_lines(line + re.escape(self.tail))

    def marks_before(self, i: int) -> int:
        """Return how many ends of keys stand before the i-th value of a line; there may be some within a key."""
        return sum(head.encode().count(END_OF_KEY) for head in self.heads[:i])

    def place(self, key: str) -> tuple[int, int, int]:
        """Return the last end of a key before the value of a key, and the bytes from there to the value.

        The third number is that of the bytes from the end of the value to the next end of a key.
        """
        i = self.keys.index(key)
        head = self.heads[i].encode()
        after = self.heads[i + 1] if i + 1 < len(self.heads) else f"{self.tail}\n{self.heads[0]}"
        return self.marks_before(i + 1) - 1, len(head) - head.rindex(END_OF_KEY), after.encode().index(END_OF_KEY)


def _pattern_of_lines(line: str) -> str:
    return rf"\A(?:{line}(?:\n|\z))*\z"


def _find_layout(line: bytes) -> LineLayout | None:
    """Return how a line is written, None if it is no record, long, or has many keys."""
    try:
        text = line.decode() if len(line) < MAX_BYTES_OF_LAYOUT else ""
        if not isinstance(json.loads(text, object_pairs_hook=refuse_repeated_keys), dict):
            return None
    except (ValueError, RecursionError):
        return None
    decoder = json.JSONDecoder()
    keys: list[str | None] = []
    heads, values = [], []
    key, depth, at, end = None, 0, 0, 0
    while token := _KEY_OR_TOKEN.search(text, at):
        at = token.end()
        if token[1] is not None:
            key = json.loads(token[1])
        elif token[0] in "{}":
            depth += 1 if token[0] == "{" else -1
        else:
            value, at = decoder.raw_decode(text, token.start())
            keys.append(key if depth == 1 else None)
            heads.append(text[end : token.start()])
            values.append(_PATTERN_BY_TYPE.get(type(value), _NUMBER_OR_CONSTANT))
            end = at
    return LineLayout(tuple(keys), tuple(heads), text[end:], tuple(values)) if len(keys) <= MAX_KEYS else None


def read_alike(lines: ByteSlice, wanted: Mapping[str, Kind], trailing: Mapping[str, tuple[int, ...]]) -> Chunk | None:
    """Return the wanted columns of lines, None if they are not written alike: the json module then reads them.

    Args:
        lines: The lines.
        wanted: The kind of each column.
        trailing: The shape of a row's value, by column.
    """
    block = memoryview(lines.data)[lines.start : lines.stop]
    if not block:
        return None
    text = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, len(block)], np.int32)), pa.py_buffer(block))
    codes = np.frombuffer(block, np.uint8)
    marks = np.flatnonzero(codes == COLON) - 1
    marks = marks[codes[marks] == QUOTE]
    values: dict[str | None, str] = {name: _value_pattern(kind, trailing[name]) for name, kind in wanted.items()}
    end = lines.find(b"\n")
    layout = _find_layout(lines.data[lines.start : end if end >= 0 else lines.stop])
    longest = max(len(block) - marks[-1], np.diff(marks).max(initial=0)) if len(marks) else len(block)
    try:
        text.validate(full=True)  # the pattern takes some bytes that are no UTF-8
        if longest >= MAX_DIGITS and _follows(text, f"[0-9]{{{MAX_DIGITS}}}"):
            return None
        if layout and wanted.keys() <= set(layout.keys) and _follows(text, layout.pattern(values)):
            by_line = _group_by_line(codes, marks, layout)
            plain = {
                name: kind
                for name, kind in wanted.items()
                if by_line is not None and not trailing[name] and (kind is Kind.NUMBER or lines.find(b"\\") < 0)
            }
            others = {name: kind for name, kind in wanted.items() if name not in plain}
            cut_out = {} if by_line is None else _cut_out(codes, by_line, layout, plain)
            return cut_out | (_read_with_arrow(block, others, trailing, "ignore") if others else {})
        if _follows(text, _pattern_of_lines(f"{_BLANKS}{_RECORD}{_BLANKS}")):
            return _read_with_arrow(block, wanted, trailing, "infer")
    except (pa.ArrowInvalid, DataError, ValueError):
        pass
    return None


def _value_pattern(kind: Kind, trailing: tuple[int, ...]) -> str:
    """Return the pattern of the values of a column that PyArrow reads as the json module does."""
    if kind is not Kind.NUMBER:
        return rf"(?:{_STRING}|{_INTEGER}|null)"
    pattern = rf"(?:{_FLOAT}|{_INTEGER}|null|NaN|true|false)"
    for _ in trailing:
        pattern = _list_of(pattern)
    return pattern


def _follows(text: pa.Array, pattern: str) -> bool:
    """Return whether a text matches a pattern, of which PyArrow makes an automaton: it looks at each byte once."""
    return bool(pc.match_substring_regex(text, pattern)[0].as_py())


def _read_with_arrow(
    block: memoryview, wanted: Mapping[str, Kind], trailing: Mapping[str, tuple[int, ...]], others: str
) -> Chunk:
    """Return columns as PyArrow's JSON reader reads them; what to do with `others` is "ignore" or "infer".

    It looks for keys that stand twice only where it infers types.

    Raises:
        ArrowInvalid, DataError, ValueError: The json module may read them otherwise.
    """
    from pyarrow import json as arrow_json

    fields = []
    for name, kind in wanted.items():
        type_ = pa.float64() if kind is Kind.NUMBER else pa.string()
        for _ in trailing[name]:
            type_ = pa.list_(type_)
        fields.append(pa.field(name, type_))
    table = arrow_json.read_json(
        pa.BufferReader(block),
        arrow_json.ReadOptions(use_threads=False, block_size=len(block) + 1),
        arrow_json.ParseOptions(explicit_schema=pa.schema(fields), unexpected_field_behavior=others),
    )
    table.validate(full=True)
    columns = {name: to_numpy(table.column(name), kind, "", name, 0) for name, kind in wanted.items()}
    for name, values in columns.items():
        if wanted[name] is Kind.NUMBER:
            _check_finite(values)
        if values.shape[1:] != trailing[name]:
            raise ValueError(name)
    return columns


def _check_finite(numbers: NDArray[np.float64]) -> None:
    """Raise a ValueError if a number is infinite: of one that has too many digits Python's reader may make an error."""
    if np.isinf(numbers).any():
        raise ValueError("infinite")


def _group_by_line(codes: NDArray[np.uint8], marks: NDArray[np.intp], layout: LineLayout) -> NDArray[np.intp] | None:
    """Return the marks of each line that matches a layout; None if there are others in strings.

    If lines are counted by the marks in the layout, others make them more than there are: the first mark of one of them
    is then not where the first of a line is, after a line end.
    """
    if not all('":' in head for head in layout.heads):
        return None
    per_line = layout.marks_before(len(layout.keys))
    starts = marks[per_line::per_line] - layout.heads[0].encode().index(END_OF_KEY)
    return None if len(marks) % per_line or (codes[starts - 1] != NEWLINE).any() else marks.reshape(-1, per_line)


def _cut_out(
    codes: NDArray[np.uint8], marks: NDArray[np.intp], layout: LineLayout, wanted: Mapping[str, Kind]
) -> Chunk:
    """Return columns of lines that match a layout; raise as `_read_with_arrow`.

    Args:
        codes: The bytes of the lines.
        marks: Where keys end, by line.
        layout: How the lines are written.
        wanted: The kind of each column.
    """
    n = len(marks)
    end = len(codes) + int(codes[-1] != NEWLINE) + layout.heads[0].encode().index(END_OF_KEY)
    following = np.append(marks.ravel()[1:], end).reshape(marks.shape)
    columns = {}
    for name, kind in wanted.items():
        i, before, after = layout.place(name)
        bounds = np.stack([marks[:, i] + before, following[:, i] - after], axis=1, dtype=np.int32, casting="same_kind")
        lead = codes[bounds[:, 0]]
        if kind is not Kind.NUMBER:
            bounds += np.multiply.outer(lead == QUOTE, np.array([1, -1], np.int32))
            cells = _cells(codes, bounds, lead != LEAD_OF_NULL).take(number_array(np.arange(0, 2 * n, 2)))
            cells.validate(full=True)
            columns[name] = to_numpy(cells, kind, "", name, 0)
            continue
        is_number = lead < FIRST_LETTER
        found = pc.cast(_cells(codes, bounds, is_number), pa.float64())
        numbers = np.frombuffer(found.buffers()[1], np.float64, 2 * n - 1)[::2].copy()
        if not is_number.all():
            numbers[~is_number] = np.nan
            numbers[lead == LEAD_OF_TRUE] = 1
            numbers[lead == LEAD_OF_FALSE] = 0
        _check_finite(numbers)
        columns[name] = numbers
    return columns


def _cells(codes: NDArray[np.uint8], bounds: NDArray[np.int32], present: NDArray[np.bool_]) -> pa.StringArray:
    """Return parts of a text, without a copy: at 0, 2, 4, ... those within bounds, null unless present; between, nulls.

    Args:
        codes: The bytes of the text.
        bounds: Where the parts begin and end (n, 2), in order.
        present: Which parts are not null (n,).
    """
    valid = np.zeros(2 * len(present), bool)
    valid[::2] = present
    packed = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.StringArray.from_buffers(2 * len(present) - 1, pa.py_buffer(bounds.ravel()), pa.py_buffer(codes), packed)
