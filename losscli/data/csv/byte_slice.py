"""Whole lines of text as a slice of bytes."""

from __future__ import annotations


class ByteSlice:
    """Whole lines: a stretch of some bytes, which are not copied for it."""

    def __init__(self, data: bytes, start: int = 0, stop: int | None = None) -> None:
        self.data, self.start = data, start
        self.stop = len(data) if stop is None else stop
        self.size = self.stop - self.start
        self.quotes = data.count(b'"', start, self.stop) if b'"' in self else 0

    def __contains__(self, byte: object) -> bool:
        assert isinstance(byte, bytes)
        return self.data.find(byte, self.start, self.stop) >= 0

    @property
    def open_quote(self) -> bool:
        """Whether a quote is opened and not closed."""
        return self.quotes % 2 == 1

    def text(self) -> str:
        return decode(self.data[self.start : self.stop])


def decode(data: bytes) -> str:
    """Bytes as text; what is not UTF-8 can be told afterwards."""
    return data.decode("utf-8", "surrogateescape")
