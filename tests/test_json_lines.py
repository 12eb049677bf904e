"""JSON Lines: PyArrow reads lines as the json module does, or leaves them to it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from losscli.data.csv.schema import ByteSlice
from losscli.data.json_layout import read_alike
from losscli.data.json_lines import BYTES_READ_BY_JSON_MODULE, JsonLinesSchema
from losscli.data.table import Column, Kind
from losscli.errors import DataError
from tests.conftest import Cli
from tests.fuzz.test_jsonl import NASTY_NUMBERS, NASTY_STRINGS

NUMBER, TEXT = Kind.NUMBER, Kind.TEXT
WANTED = {"y": NUMBER, "g": TEXT}
PLAIN = '{"id": 1, "y": 0.5, "g": "a", "v": [1, 2.5], "m": {"s": "x", "t": null}}'


def read(data: bytes, wanted: Mapping[str, Kind], is_large: bool, width: int = 2) -> dict[str, Any] | str:
    """Return columns as lists, or why they are refused."""
    columns = [Column(name, kind, (width,) if name == "v" else ()) for name, kind in wanted.items()]
    schema = JsonLinesSchema("d.jsonl", tuple(columns))
    try:
        chunk = schema.parse(ByteSlice(data), wanted, 7, is_large)
    except DataError as error:
        return str(error)
    return {name: values.tolist() for name, values in chunk.items()}


def is_read_by_arrow(data: bytes, wanted: Mapping[str, Kind]) -> bool:
    trailing = {name: (2,) if name == "v" else () for name in wanted}
    return read_alike(ByteSlice(data), wanted, trailing) is not None


def same(data: bytes, wanted: Mapping[str, Kind]) -> bool:
    """Return whether lines are read alike by PyArrow, if it reads them, and by the json module; -0.0 is not 0."""
    return repr(read(data, wanted, is_large=True)) == repr(read(data, wanted, is_large=False))


ALIKE = {
    "plain": (PLAIN, PLAIN.replace("0.5", "-2e-7").replace('"a"', '"a: b, {c}"')),
    "compact": (PLAIN.replace(" ", ""), PLAIN.replace(" ", "").replace("0.5", "12")),
    "carriage returns": (PLAIN + "\r", PLAIN + "\r"),
    "null, NaN, true and false": (*(PLAIN.replace("0.5", value) for value in ("null", "NaN", "true", "false")),),
    "groups that are integers": tuple(PLAIN.replace('"a"', value) for value in ("3", "-12", "null")),
    "groups without a name": (PLAIN, PLAIN.replace('"a"', '""'), PLAIN.replace('"a"', "null")),
    "escapes": (PLAIN.replace('"a"', r'"\u00e9\n"'), PLAIN.replace('"x"', r'"\ud83d\ude00\""')),
    "text like a key": (PLAIN.replace('"a"', '":"'), PLAIN),
    "an escaped key": (PLAIN.replace('"id"', r'"\u4e2d"'), PLAIN.replace('"id"', r'"\u4e2d"')),
    "keys that are lacking": ('{"id": 1, "g": "a"}', '{"id": 2, "y": 2, "g": "b"}', '{"y": 3}'),
    "long numbers": (PLAIN.replace("0.5", "12345678901234567890"), PLAIN.replace("0.5", "9007199254740993.5")),
    "keys in any order": ('{"y": 1, "g": "a", "m": {"s": [1]}}', '{"g": "b", "m": {}, "y": 2}'),
    "a key with blanks": ('{"y" : 1, "g" : "a"}', '{"y" : 2, "g" : "b"}'),
}


@pytest.mark.parametrize("lines", ALIKE.values(), ids=ALIKE)
@pytest.mark.parametrize("end", ["", "\n"])
def test_lines_that_are_written_alike_are_read_by_arrow(lines: tuple[str, ...], end: str) -> None:
    data = ("\n".join(lines * 3) + end).encode()
    for wanted in ({"y": NUMBER}, WANTED, WANTED | {"v": NUMBER}):
        if all(f'"{name}"' in data.decode() for name in wanted):
            assert is_read_by_arrow(data, wanted)
            assert same(data, wanted)


@pytest.mark.parametrize(
    ("value", "places"),
    [*((value, ("0.5", "2.5")) for value in NASTY_NUMBERS), *((value, ('"a"', '"x"')) for value in NASTY_STRINGS)],
)
def test_odd_values_are_read_as_the_json_module_reads_them(value: str, places: tuple[str, str]) -> None:
    for place in places:
        odd = PLAIN.replace(place, value, 1)
        wanted = {"v": NUMBER} if place == "2.5" else WANTED
        assert same("\n".join([PLAIN, odd, PLAIN]).encode(), wanted), odd


ODD_LINES = [
    *(
        PLAIN + PLAIN,
        PLAIN + ",",
        PLAIN + " {}",
        PLAIN[:-1],
        PLAIN[1:],
        "",
        "  ",
        "{}",
        "[1]",
        "null",
        "\ufeff" + PLAIN,
    ),
    *(PLAIN[:-1] + ', "id": 2}', PLAIN[:-1] + ', "x": 2}', PLAIN[:-1] + ",}", PLAIN.replace('"s"', '"t"')),
    *(PLAIN.replace('"g"', r'"\u0067"'), PLAIN.replace('"id"', '"y"'), PLAIN.replace('"id"', r'"\u0079"')),
    *(PLAIN.replace('"y": 0.5, "g": "a"', '"g": "a", "y": 0.5'), PLAIN.replace(", ", ",\n"), PLAIN.replace(", ", " ")),
    *(
        PLAIN.replace("1, ", "1,, "),
        PLAIN + "\r",
        "\t" + PLAIN,
        "\x0b" + PLAIN,
        PLAIN + "\x00",
        PLAIN.replace("{", "{{"),
    ),
]


@pytest.mark.parametrize("line", ODD_LINES)
def test_odd_lines_are_read_as_the_json_module_reads_them(line: str) -> None:
    for lines in ([PLAIN, line, PLAIN], [line, line]):
        assert same("\n".join(lines).encode(), WANTED)


def test_bytes_that_are_not_UTF_8_are_read_as_the_json_module_reads_them() -> None:
    for odd in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80"):
        for place in (b'"a"', b'"x"'):
            line = PLAIN.encode().replace(place, b'"' + odd + b'"')
            assert same(line + b"\n" + line, WANTED), (odd, place)
            assert same(PLAIN.encode() + b"\n" + line, {"y": NUMBER}), (odd, place)


def test_marks_within_strings_are_no_keys() -> None:
    """Text that looks like a key makes up for lines: as many marks as some lines have are in the strings of others."""
    lines = [json.dumps({"a": '":' * (i % 3), "y": i}) for i in range(30)]
    found = read("\n".join(lines).encode(), {"y": NUMBER}, is_large=True)
    assert found == {"y": [float(i) for i in range(30)]}


def test_random_numbers_keep_their_digits() -> None:
    bits = np.random.default_rng(3).integers(0, 1 << 64, 2000, dtype=np.uint64)
    values = bits.view(np.float64)
    values = values[np.isfinite(values)]
    data = "\n".join(json.dumps({"y": value}) for value in values.tolist()).encode()
    assert is_read_by_arrow(data, {"y": NUMBER})
    assert read(data, {"y": NUMBER}, is_large=True) == {"y": values.tolist()}


def test_long_files_and_pipes_give_the_same(cli: Cli) -> None:
    rng = np.random.default_rng(5)
    y, p = rng.normal(size=(2, 14_000))
    records = [
        {"id": i, "y_true": a, "y_pred": b, "g": f"é{i % 3}", "note": 'says ":"' if i > 13_000 else "x" * 20}
        for i, (a, b) in enumerate(zip(y.tolist(), p.tolist(), strict=True))
    ]
    data = "\n".join(map(json.dumps, records)).encode()
    assert len(data) > BYTES_READ_BY_JSON_MODULE
    Path("d.jsonl").write_bytes(data)
    Path("d.jsonl.gz").write_bytes(gzip.compress(data, 1))
    command = ("compute", "mse", "--group-by", "g", "-f", "json", "-q")
    outputs = [cli(*command, "d.jsonl", "-j", jobs).out for jobs in (1, 2)]
    outputs += [cli(*command, "d.jsonl.gz").out.replace(".gz", ""), cli(*command, "-", stdin=data).out]
    found = [json.loads(output)["losses"] for output in outputs]
    assert found[1:] == found[:1] * 3
    for loss in found[0]:
        of_group = np.arange(14_000) % 3 == int(loss["group"]["g"][1])
        assert loss["n"] == of_group.sum()
        assert loss["value"] == pytest.approx(np.mean((y - p)[of_group] ** 2), rel=1e-12)


def test_a_faulty_line_far_down_is_named(cli: Cli) -> None:
    lines = [json.dumps({"y_true": 0.5, "y_pred": i / 7, "text": "x" * 40}) for i in range(14_000)]
    for odd, words in (
        (lines[0].replace("0.5", "[1]"), "column 'y_true', row 13001: has shape (1,), the first has ()"),
        (lines[0].replace('"text"', '"y_true"'), "row 13001: an object has two values for the key 'y_true'"),
    ):
        text = "\n".join([*lines[:13_000], odd, *lines[13_001:]])
        assert len(text) > BYTES_READ_BY_JSON_MODULE
        Path("d.jsonl").write_text(text)
        result = cli("compute", "mse", "d.jsonl")
        assert (result.status, result.out) == (3, "")
        assert f"d.jsonl: {words}" in result.err
