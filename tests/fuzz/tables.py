"""Arrow tables of every type, for the fuzzers of Parquet and Feather."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

NUMBER_TYPES = [
    *(pa.float64(), pa.float64(), pa.float32(), pa.int64(), pa.int32(), pa.int16(), pa.int8()),
    *(pa.uint64(), pa.uint32(), pa.uint8(), pa.bool_()),
]
OTHER_TYPES = [
    *(pa.float16(), pa.string(), pa.large_string(), pa.decimal128(9, 2), pa.list_(pa.float64()), pa.null()),
    *(pa.list_(pa.float64(), 2), pa.large_list(pa.int32()), pa.dictionary(pa.int8(), pa.string()), pa.date32()),
    *(pa.struct([("a", pa.float64())]), pa.timestamp("us"), pa.binary(), pa.dictionary(pa.int32(), pa.float64())),
]
FEATHER_1_TYPES = [*NUMBER_TYPES, pa.string(), pa.binary()]


def value_of(type_: Any, i: int) -> Any:
    """Return the i-th value of a column."""
    number = i * 7 % 11
    if pa.types.is_boolean(type_):
        return number % 2 == 0
    if pa.types.is_floating(type_):
        return number / 4
    if pa.types.is_integer(type_):
        return number
    if pa.types.is_decimal(type_):
        return Decimal(number) / 4
    if pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_):
        return [number, i]
    if pa.types.is_struct(type_):
        return {"a": number}
    if pa.types.is_dictionary(type_):
        return value_of(type_.value_type, i)
    if pa.types.is_binary(type_):
        return str(number).encode()
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return str(number)
    return None if pa.types.is_null(type_) else i


@st.composite
def tables(draw: st.DrawFn, types: Any = NUMBER_TYPES, is_plain: bool = True, in_chunks: bool = True) -> Any:
    """Draw a table of y_true, y_pred and g, with nulls and in several chunks; other columns unless it is plain."""
    rows = draw(st.sampled_from([1, 2, 5, 9, 20] if is_plain else [0, 1, 5, 20]))
    columns = {}
    for name in ("y_true", "y_pred"):
        type_ = draw(st.sampled_from(list(types)))
        lacking = draw(st.sets(st.integers(0, 19), max_size=3)) if draw(st.booleans()) else set()
        values = [None if i in lacking else value_of(type_, i + (name == "y_pred")) for i in range(rows)]
        columns[name] = pa.array(values, type_)
    texts = ["a", "b", "c d", *([] if is_plain else ["", None, "é", "\x00", "\x1b[31m", "a\nb", "NA"])]
    columns["g"] = pa.array([draw(st.sampled_from(texts)) for _ in range(rows)], pa.string())
    if not is_plain and draw(st.integers(0, 2)) == 0:
        columns[draw(st.sampled_from(["", "id", "x", "y_true.1", "__index_level_0__"]))] = pa.array(range(rows))
    table = pa.table(columns)
    cut = draw(st.integers(0, rows)) if in_chunks and draw(st.booleans()) else 0
    return pa.concat_tables([table.slice(0, cut), table.slice(cut)]) if cut else table
