"""Which bytes of delimited text are inside quotes, and which lines are comments; as the csv module decides.

A quote opens a quoted cell only where a cell begins: after a delimiter or a line end. Anywhere else in an unquoted cell
it is a character, as in `5" pipe`. Inside, two quotes are a character, and one closes. A run of adjacent quotes is thus
one of three functions of the state before it: an even run changes nothing; an odd run where a cell begins turns outside
into inside and inside into outside; any other odd run leaves the text outside. That is computed for all runs at once;
the state at the end depends on no more than what follows the last run that leaves the text outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

QUOTE, NEWLINE, CARRIAGE_RETURN = 0x22, 0x0A, 0x0D
BYTES_PER_LOOK = 1 << 12
"""Bytes that are searched first for the end of a line that goes on inside quotes; then twice as many, and so on."""

MAX_BYTES_PER_LOOK = 1 << 22
"""Bytes that are searched at once at most, unless a line is longer."""


class Quoting(NamedTuple):
    """What decides on quotes besides the quotes: the delimiter, a space for any blanks, and what starts a comment."""

    delimiter: str = ","
    comment: str = ""

    def is_inside(self, data: bytes, start: int, stop: int, inside: bool = False, size: int = BYTES_PER_LOOK) -> bool:
        """Return whether `stop` is inside quotes, given that for `start`, where a line begins.

        The last `size` bytes are searched first, as they nearly always tell.
        """
        if data.find(b'"', start, stop) < 0:
            return inside
        data, start, stop = self._without_quoted_comments(data, start, stop, inside)
        codes = np.frombuffer(data, np.uint8, stop - start, start)
        low = len(codes)
        while low:
            low = max(len(codes) - size, 0)
            if low and codes[low - 1] == QUOTE:  # no run is cut
                low = len(data[start : start + low].rstrip(b'"'))
            places = _odd_runs(low + np.flatnonzero(codes[low:] == QUOTE))
            others = np.flatnonzero(~self._begins_cell(codes, places)) if len(places) else places
            if len(others):
                return (len(places) - 1 - int(others[-1])) % 2 == 1
            size *= 8
        return (len(places) + inside) % 2 == 1

    def find_line_end(self, data: bytes, start: int, least: int = 0, inside: bool = False) -> tuple[int, int, bool]:
        """Return the position after the first newline at `least` or later that is outside quotes; 0 if there is none.

        A line begins at `start`, `inside` quotes or not. The other two values are how far the search got, always just
        after a newline, and whether that is inside quotes: to go on from there when there are more data.
        """
        end = data.find(b"\n", max(start, least)) + 1
        if not end:
            return 0, start, inside
        inside = self.is_inside(data, start, end, inside)
        size = BYTES_PER_LOOK
        while inside:
            start = end
            end = data.rfind(b"\n", start, start + size) + 1 or data.find(b"\n", start + size) + 1
            if not end:
                return 0, start, True
            text, low, high = self._without_quoted_comments(data, start, end, True)
            codes = np.frombuffer(text, np.uint8, high - low, low)
            places, states = self._changes(codes, np.flatnonzero(codes == QUOTE), True)
            ends = np.flatnonzero(codes == NEWLINE)
            outside = np.flatnonzero(~np.concatenate([[True], states])[np.searchsorted(places, ends)])
            if len(outside):
                return start + int(ends[outside[0]]) + 1, 0, False
            size = min(2 * size, MAX_BYTES_PER_LOOK)
        return end, end, False

    def first_line_end(self, data: bytes, start: int) -> int:
        """Return the position after the line that begins at `start`, whatever ends it; the last one if nothing does."""
        end = data.find(b"\n", start) + 1
        if end and data.find(b'"', start, end) < 0 and data.find(b"\r", start, end) < 0:
            return end
        inside, size = False, BYTES_PER_LOOK
        while start < len(data):
            stop = _after_line_end(data, start, start + size)
            text, low, high = self._without_quoted_comments(data, start, stop, inside)
            codes = np.frombuffer(text, np.uint8, high - low, low)
            places, states = self._changes(codes, np.flatnonzero(codes == QUOTE), inside)
            are_ends = codes == NEWLINE
            are_ends[:-1] |= (codes[:-1] == CARRIAGE_RETURN) & ~are_ends[1:]
            are_ends[-1] |= codes[-1] == CARRIAGE_RETURN
            ends = np.flatnonzero(are_ends)
            outside = np.flatnonzero(~np.concatenate([[inside], states])[np.searchsorted(places, ends)])
            if len(outside):
                return start + int(ends[outside[0]]) + 1
            inside = bool(states[-1]) if len(states) else inside
            start, size = stop, min(2 * size, MAX_BYTES_PER_LOOK)
        return len(data)

    def last_line(self, data: bytes, start: int, stop: int) -> int:
        """Return where the last line begins: after the last line end before `stop` that is outside quotes."""
        text, low, high = self._without_quoted_comments(data, start, stop, False)
        codes = np.frombuffer(text, np.uint8, high - low, low)
        places, states = self._changes(codes, np.flatnonzero(codes == QUOTE), False)
        end = stop
        for i in range(len(places), -1, -1):
            begin = start + int(places[i - 1]) if i else start
            if not (i and states[i - 1]):
                ending = max(data.rfind(b"\n", begin, end), data.rfind(b"\r", begin, end))
                if ending >= 0:
                    return ending + 1
            end = begin
        return start

    def comments(self, data: bytes, start: int, stop: int, inside: bool = False) -> Iterator[tuple[int, int]]:
        """Yield the start and the end of each line that is a comment."""
        bare, at = Quoting(self.delimiter), start
        has_quotes = data.find(b'"', start, stop) >= 0
        for low in self._lines_like_comments(data, start, stop):
            if low < at:
                continue
            if has_quotes:
                inside = bare.is_inside(data, at, low, inside)
            at = low
            if not inside:
                newline = data.find(b"\n", low, stop) + 1 or stop
                lone = data.find(b"\r", low, newline) + 1
                at = lone if lone and lone != newline - 1 else newline
                yield low, at

    def _lines_like_comments(self, data: bytes, start: int, stop: int) -> Iterator[int]:
        """Yield where the sign of a comment starts a line."""
        sign = self.comment.encode()
        if not sign:
            return
        if data.startswith(sign, start, stop):
            yield start
        if data.find(b"\r" + sign, start, stop) < 0:  # to find bytes is several times faster than to match a pattern
            at = start
            while (at := data.find(b"\n" + sign, at, stop) + 1) > 0:
                yield at
            return
        for found in re.compile(rb"[\r\n]" + re.escape(sign)).finditer(data, start, stop):
            yield found.start() + 1

    def without_comments(self, data: bytes, start: int, stop: int) -> tuple[bytes, int, int]:
        """Return the text without the lines that are comments, as bytes from a start to a stop."""
        kept, at = [], start
        for low, high in self.comments(data, start, stop):
            kept.append(data[at:low])
            at = high
        if at == start:
            return data, start, stop
        text = b"".join([*kept, data[at:stop]])
        return text, 0, len(text)

    def _without_quoted_comments(self, data: bytes, start: int, stop: int, inside: bool) -> tuple[bytes, int, int]:
        """Return the text with other bytes for the quotes in comments, which quote nothing."""
        if not self.comment:
            return data, start, stop
        text = None
        for low, high in self.comments(data, start, stop, inside):
            if data.find(b'"', low, high) >= 0:
                text = text or bytearray(data[start:stop])
                text[low - start : high - start] = data[low:high].replace(b'"', b"'")
        return (data, start, stop) if text is None else (bytes(text), 0, stop - start)

    def _changes(
        self, codes: NDArray[np.uint8], quotes: NDArray[np.intp], inside: bool
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return where each odd run of quotes begins, and whether the text is inside quotes after it."""
        places = _odd_runs(quotes)
        if not len(places):
            return places, np.zeros(0, dtype=bool)
        opens = self._begins_cell(codes, places)
        toggles = np.cumsum(opens)
        base = np.maximum.accumulate(np.where(opens, -int(inside), toggles))
        return places, np.asarray((toggles - base) % 2, dtype=bool)

    def _begins_cell(self, codes: NDArray[np.uint8], places: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return whether a cell begins at each place, if that is outside quotes."""
        ends, several = _bytes_before_cells(self.delimiter)
        found = ends[codes[places - 1]]
        if several:  # a delimiter of several bytes
            whole = places >= len(several)
            for i, code in enumerate(reversed(several)):
                whole &= codes[np.maximum(places - 1 - i, 0)] == code
            found |= whole
        found[0] |= places[0] == 0
        return found


def _odd_runs(quotes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return where the runs of an odd number of adjacent quotes begin, given the places of all quotes."""
    gaps = np.diff(quotes)
    if not (gaps == 1).any():
        return quotes
    firsts = np.concatenate([[0], np.flatnonzero(gaps != 1) + 1])
    return np.asarray(quotes[firsts[np.diff(firsts, append=len(quotes)) % 2 == 1]])


def _after_line_end(data: bytes, start: int, stop: int) -> int:
    """Return the position after the last line end in some bytes; if there is none, after the next, or the last byte."""
    end = max(data.rfind(b"\n", start, stop), data.rfind(b"\r", start, stop)) + 1
    if not end:
        newline = data.find(b"\n", stop) + 1 or len(data)
        end = data.find(b"\r", stop, newline) + 1 or newline
    return end + data.startswith(b"\r\n", end - 1)


@lru_cache
def _bytes_before_cells(delimiter: str) -> tuple[NDArray[np.bool_], bytes]:
    """Return which bytes a cell may follow, as a table of all bytes, and the delimiter if it is of several bytes."""
    ends, encoded = np.zeros(256, dtype=bool), delimiter.encode()
    ends[list(b"\r\n" + (b" \t" if delimiter == " " else encoded if len(encoded) == 1 else b""))] = True
    return ends, encoded if len(encoded) > 1 else b""
