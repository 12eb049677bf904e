"""Names of the columns of binary files, from the bytes that hold them, without the library that reads the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

BYTES_OF_FOOTER_PEEKED = 1 << 20
"""A footer starts with the schema; what comes after it is not needed."""


def names_of_parquet(file: BinaryIO) -> Sequence[str]:
    """Return the columns that the footer of a Parquet file names, a nested one once.

    The footer is a struct of Thrift's compact protocol, whose second field lists the elements of the schema, depth
    first: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
    """
    size = file.seek(-8, 2)
    footer = int.from_bytes(file.read(4), "little")
    file.seek(size - footer)
    elements = _Thrift(file.read(min(footer, BYTES_OF_FOOTER_PEEKED))).struct(last=2)[2]
    names, skipped = [], 0
    for element in elements[1:]:  # the first one is the root
        if skipped:
            skipped -= 1
        else:
            names.append(element[4].decode())
        skipped += element.get(5, 0)
    return names


class _Thrift:
    """A reader of Thrift's compact protocol: https://github.com/apache/thrift/blob/master/doc/specs/."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def struct(self, last: int | None = None) -> dict[int, Any]:
        """Return the fields of a struct by their numbers, up to the field `last`."""
        fields: dict[int, Any] = {}
        number = 0
        while byte := self._byte():
            number = number + (byte >> 4) if byte >> 4 else self._signed()
            kind = byte & 15
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind)
            if number == last:
                break
        return fields

    def _value(self, kind: int) -> Any:
        if kind in (1, 2, 3):  # of a list, whose booleans are bytes
            return self._byte()
        if kind in (4, 5, 6):
            return self._signed()
        if kind == 7:
            return self._bytes(8)
        if kind == 8:
            return self._bytes(self._varint())
        if kind in (9, 10):
            header = self._byte()
            size = header >> 4 if header >> 4 < 15 else self._varint()
            return [self._value(header & 15) for _ in range(size)]
        if kind == 12:
            return self.struct()
        raise ValueError(f"kind {kind}")  # a map: no schema has any

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def _signed(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)


def names_of_arrow(file: BinaryIO) -> Sequence[str]:
    """Return the fields of the schema that an Arrow file or stream starts with.

    It is a flatbuffer: https://github.com/apache/arrow/blob/main/format/Message.fbs and Schema.fbs.
    """
    head = file.read(8)
    start = head if not head.startswith(b"ARROW1") else file.read(8)
    message = file.read(int.from_bytes(start[4:8], "little"))

    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(message[at : at + size], "little")

    def field(table: int, i: int) -> int:
        """Return where the value of a table's field is, to which an offset points."""
        offsets = table - int.from_bytes(message[table : table + 4], "little", signed=True)
        at = table + number(offsets + 4 + 2 * i, 2)
        return at + number(at)

    fields = field(field(number(0), 2), 1)
    places = range(fields + 4, fields + 4 + 4 * number(fields), 4)
    names = [field(at + number(at), 0) for at in places]
    return [message[at + 4 : at + 4 + number(at)].decode() for at in names]


def names_of_npy(file: BinaryIO) -> Sequence[str]:
    """Return the fields of a structured array, by the header of its file.

    https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """
    import ast

    major = file.read(8)[6]
    size = int.from_bytes(file.read(2 if major == 1 else 4), "little")
    descr = ast.literal_eval(file.read(min(size, BYTES_OF_FOOTER_PEEKED)).decode())["descr"]
    return [entry[0] for entry in descr] if isinstance(descr, list) else ()


def names_of_safetensors(file: BinaryIO) -> Sequence[str]:
    """Return the tensors that the header of a file names: https://huggingface.co/docs/safetensors."""
    import json

    size = int.from_bytes(file.read(8), "little")
    return [name for name in json.loads(file.read(size)) if name != "__metadata__"]


READERS: dict[str, Callable[[BinaryIO], Sequence[str]]] = {
    "parquet": names_of_parquet,
    "feather": names_of_arrow,
    "arrow": names_of_arrow,
    "npy": names_of_npy,
    "safetensors": names_of_safetensors,
}
"""Format -> what reads the names of a file of it."""
