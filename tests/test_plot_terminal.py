"""Pictures as text: each kind of mark, widths, names that hold anything."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import numpy as np
import pytest

from losscli.plot.braille import Canvas
from losscli.plot.line_ends import do_ends_meet, points_apart
from losscli.plot.pictures import Axis, Band, Bars, IntervalMark, Line, Mark, Panel, Picture, Point, Rule
from losscli.plot.terminal import draw_small, draw_text
from losscli.plot.text_bars import bar_text
from losscli.plot.text_panels import separate_rows, text_ticks
from losscli.plot.text_width import display_width, shorten_name, wrap_columns

ESCAPE = "\x1b"
UNIT = Axis("x", 0.0, 1.0)


def picture(*panels: Panel, **more: object) -> Picture:
    return Picture("curves", "a title", panels, "what to see", ("mse",), **more)  # type: ignore[arg-type]


def panel(*marks: Mark, x: Axis = UNIT, y: Axis = UNIT, **more: object) -> Panel:
    return Panel("a title", x, y, marks, **more)  # type: ignore[arg-type]


def line(label: str, *y: float, style: int = 0) -> Line:
    return Line(label, np.linspace(0, 1, len(y)), np.array(y), style)


def columns(text: str) -> int:
    """Count the columns that a terminal gives a line, by another way than the code does."""
    return sum(2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in text if not unicodedata.combining(c))


def curves() -> Picture:
    x = np.linspace(-3, 3, 301)
    axis = Axis("y_pred − y_true", -3, 3)
    losses = {"mse": x**2, "huber:delta=0.5": np.where(abs(x) < 0.5, x**2 / 2, 0.5 * (abs(x) - 0.25)), "mae": abs(x)}
    top = Panel(
        "loss",
        axis,
        Axis("loss of one row", 0, 4.5),
        tuple(Line(n, x, y, i) for i, (n, y) in enumerate(losses.items())),
    )
    bottom = Panel("gradient", axis, Axis("gradient", -2.5, 2.5), (Line("mse", x, 2 * x), Rule("", y=0.0)), height=0.7)
    return picture(top, bottom, is_stacked=True)


def bins(*names: str) -> Picture:
    edges = np.array([-np.inf, -1000.0, -1.5, 1.5, np.inf])
    details = {"rows": ("3", "12", "1 000", "1")}
    marked = (True, False, False, True)
    axis = Axis("y_pred − y_true", -2000, 2000)
    first = panel(Bars("rows", edges, np.array([3.0, 12, 1000, 1]), is_marked=marked, details=details), x=axis)
    bars = [Bars(name, edges, np.array([60.0, 0, 5, 35]), i, is_marked=marked) for i, name in enumerate(names)]
    return picture(first, Panel("where it comes from", axis, UNIT, tuple(bars)))


def intervals() -> Picture:
    names = ("benign", "恶性肿瘤", "a very long name of a group of rows indeed", "evil\x1b[31m\n")
    axis, marks = Axis("mae", 0, 200), [Rule("all rows: 86.8", x=86.8)]
    marks.append(IntervalMark("", 0, 43.4, 39.6, 47.6, "43.4 [39.6, 47.6]"))  # type: ignore[arg-type]
    marks.append(IntervalMark("", 1, 160, 137, 192, "160 [137, 192]", "3 rows decide"))  # type: ignore[arg-type]
    marks.append(IntervalMark("", 2, 80, -10, 300, "80"))  # type: ignore[arg-type]
    marks.append(IntervalMark("", 3, 50, None, None))  # type: ignore[arg-type]
    return picture(panel(*marks, x=axis, y=Axis("group", 0, 4, categories=names)))


def reliability() -> Picture:
    x = np.linspace(0, 1, 50)
    marks = (
        Line("perfect", np.array([0.0, 1.0]), np.array([0.0, 1.0]), is_reference=True),
        Band("where a calibrated curve would lie", x, np.maximum(x - 0.1, 0), np.minimum(x + 0.1, 1)),
        Line("$预测$ <b>", x, x**1.5),
        Point("worst", 0.5, 0.5**1.5),
        Rule("base rate", y=0.4),
        Rule("threshold", x=0.5),
    )
    rows = Bars("rows", np.linspace(0, 1, 51), np.linspace(0, 9, 50))
    below = panel(rows, y=Axis("rows", 0, 10), height=0.4)
    return picture(panel(*marks, notes=("miscalibration 0.01",)), below, is_stacked=True, remarks=("of 50 rows",))


PICTURES = {
    "curves": curves(),
    "bins": bins("mse", "mae"),
    "many bars": bins(*(f"huber:delta={i}" for i in range(9))),
    "intervals": intervals(),
    "reliability": reliability(),
    "beside": replace(reliability(), is_stacked=False),
}


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("name", PICTURES)
def test_lines_fit_the_width(name: str, width: int) -> None:
    text = draw_text(PICTURES[name], width)
    assert max(map(columns, text.splitlines())) <= width
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text), "control characters"
    assert not any(one.endswith(" ") for one in text.splitlines())
    for words in ("a title", "what to see"):
        assert words in text


@pytest.mark.parametrize("name", PICTURES)
def test_colour_changes_no_character(name: str) -> None:
    plain, coloured = draw_text(PICTURES[name], 80), draw_text(PICTURES[name], 80, colour=True)
    codes = re.findall(r"\x1b\[([\d;]*)m", coloured)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    assert set(codes[1::2]) == {"0"}
    assert all(re.fullmatch(r"1|2|38;5;\d+", code) for code in codes[::2]), "a background"


# ------------------------------------------------------------------------------------------------------- curves


def test_a_small_picture() -> None:
    marks = (line("up", 0, 1), Rule("half", y=0.5), Rule("here", x=0.25), Point("p", 0.75, 0.25, 1))
    assert (
        draw_text(picture(panel(*marks)), 40)
        == """\
a title
x
  1 ┤       ┊ here              ⡠⠔⠊ up
    │       ┊               ⢀⡠⠒⠉
    │       ┊            ⣀⠔⠊⠁
    │       ┊        ⢀⡠⠔⠉
0.5 ┤┈┈┈┈┈┈┈┊┈┈┈┈┈⢀⠤⠒⠁┈┈┈┈┈┈┈┈┈┈┈┈┈ half
    │       ┊  ⣀⠔⠊⠁
    │      ⢀⡠⠔⠉            ○ p
    │   ⣀⠤⠊⠁┊
  0 ┤⡠⠔⠊    ┊
    └┴──────────────┴─────────────┴
     0             0.5            1
                   x
what to see
"""
    )


def dots(canvas: Canvas) -> np.ndarray:
    codes = np.array([[ord(c) - 0x2800 if c != " " else 0 for c, _ in row] for row in canvas.cells()])
    bits = np.array([[0, 3], [1, 4], [2, 5], [6, 7]])
    return (codes[:, None, :, None] >> bits[None, :, None, :] & 1).reshape(canvas.rows * 4, canvas.columns * 2) > 0


@pytest.mark.parametrize("seed", range(20))
def test_a_line_has_no_gap_and_is_where_it_should(seed: int) -> None:
    rng = np.random.default_rng(seed)
    canvas = Canvas(13, 6)
    (x0, x1), (y0, y1) = rng.uniform(-0.5, 1.5, (2, 2))
    canvas.draw_line(np.array([x0, x1]), np.array([y0, y1]), 0)
    drawn = dots(canvas)
    t = np.linspace(0, 1, 20001)  # brute force: every dot that a fine sampling meets, and none but their neighbours
    across, down = canvas.dots_of(x0 + t * (x1 - x0), y0 + t * (y1 - y0))
    columns_met, rows_met = np.floor(across + 0.5).astype(int), np.floor(down + 0.5).astype(int)
    inside = (columns_met >= 0) & (columns_met < 26) & (rows_met >= 0) & (rows_met < 24)
    fine = np.zeros_like(drawn)
    fine[rows_met[inside], columns_met[inside]] = True
    assert not (drawn & ~fine).any()
    longer = max(np.ptp(np.nonzero(fine)[0]), np.ptp(np.nonzero(fine)[1])) if fine.any() else -1
    assert drawn.sum() >= longer


def test_a_step_is_drawn_without_gaps() -> None:
    canvas = Canvas(4, 4)
    canvas.draw_line(np.array([0.5, 0.5]), np.array([0.0, 1.0]), 0)
    assert dots(canvas).sum() == 16


def test_values_that_are_not_finite_are_gaps_and_huge_ones_leave_the_panel() -> None:
    canvas = Canvas(10, 2)
    x = np.linspace(0, 1, 5)
    canvas.draw_line(x, np.array([0.5, 0.5, np.nan, 0.5, 0.5]), 0)
    drawn = dots(canvas)
    assert drawn[:, :5].any()
    assert not drawn[:, 7:12].any()
    assert drawn[:, 15:].any()
    text = draw_text(picture(panel(line("steep", 0, 1e300, np.inf, -np.inf, np.nan))), 60)
    assert "steep" in text


def test_labels_stand_at_the_ends_of_their_lines() -> None:
    text = draw_text(picture(panel(line("low", 0, 0.1), line("high", 1, 0.9), line("middle", 0.5, 0.5))), 60)
    rows = [i for name in ("high", "middle", "low") for i, one in enumerate(text.splitlines()) if one.endswith(name)]
    assert len(rows) == 3
    assert rows == sorted(rows)
    assert rows[0] <= 2


def test_marked_bins_are_explained_once() -> None:
    shown = bins("mse")
    text = draw_text(replace(shown, panels=tuple(replace(one, notes=("2 outlier rows",)) for one in shown.panels)), 80)
    assert text.splitlines().count("* outlier rows") == 1
    assert "2 outlier rows" not in text  # which the sentence says


def test_labels_of_lines_that_end_alike_do_not_overlap() -> None:
    names = [f"loss {i}" for i in range(15)]
    text = draw_text(picture(panel(*(line(name, 0, 1) for name in names))), 80)
    assert [name for one in text.splitlines() for name in names if one.endswith(" " + name)] != []
    assert all(sum(one.endswith(" " + name) for one in text.splitlines()) == 1 for name in names)


def test_of_lines_that_meet_at_the_end_the_higher_is_named_above() -> None:
    text = draw_text(picture(panel(line("slow", 0, 0.1, 1), line("fast", 0, 0.9, 1))), 60)
    assert text.index("fast") < text.index("slow")


def test_lines_that_meet_at_the_end_have_signs_that_lines_which_end_apart_do_not_need() -> None:
    meeting = [line("slow", 0.1, 0.3, 0.9), line("fast", 0.4, 0.8, 0.9, style=1)]
    text = draw_text(picture(panel(*meeting)), 60)
    assert [text.count(sign) for sign in "●○"] == [2, 2]  # on the curve, and before its name
    assert "● slow" in text
    assert "○ fast" in text
    apart = draw_text(picture(panel(line("slow", 0.1, 0.3), line("fast", 0.4, 0.8, style=1))), 60)
    assert not set("●○") & set(apart)
    alike = draw_text(picture(panel(line("slow", 0.1, 0.9), line("fast", 0.1, 0.9, style=1))), 60)
    assert not set("●○") & set(alike)  # no sign would tell them apart


@pytest.mark.parametrize("is_log", [False, True])
def test_the_sign_of_a_line_is_where_the_others_are_far(is_log: bool) -> None:
    axis = Axis("x", 1.0, 1000.0, is_log)
    x = np.geomspace(1.0, 1000.0, 400)
    jump = panel(Line("a", x, np.where(x < 30, 0.2, 0.5), 0), Line("b", x, np.where(x < 31, 0.2, 0.5), 1), x=axis)
    assert not do_ends_meet(replace(jump, y=Axis("y", 0.0, 100.0)))
    bump = panel(
        Line("a", x, 0.2 + 0.7 * np.clip(np.minimum(x / 300 - 1, 3 - x / 300) * 4, 0, 1), 0),
        Line("b", x, np.full(400, 0.2), 1),
        x=axis,
    )
    first, second = points_apart(bump, [mark for mark in bump.marks if isinstance(mark, Line)])
    assert 300 < first.x < 900
    assert first.y > 0.4
    assert second.y == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("wanted", "rows", "expected"),
    [
        ([0, 5, 9], 10, [0, 5, 9]),
        ([5, 5, 5], 10, [4, 5, 6]),
        ([0, 0, 0], 10, [0, 1, 2]),
        ([9, 9, 9], 10, [7, 8, 9]),
        ([0, 1, 1, 9], 10, [0, 1, 2, 9]),
    ],
)
def test_rows_of_labels(wanted: list[int], rows: int, expected: list[int]) -> None:
    found = separate_rows(wanted, rows)
    assert len(set(found)) == len(found)
    assert sum(map(abs, np.subtract(found, wanted))) <= sum(map(abs, np.subtract(expected, wanted)))
    assert min(found) >= 0
    assert max(found) < rows


def test_labels_of_points_hide_no_other() -> None:
    points = [Point(f"point {i}", 0.5, 0.5, i) for i in range(12)]
    text = draw_text(picture(panel(*points)), 40)
    for i in range(12):
        assert len(re.findall(rf"point {i}\b", text)) == 1


def test_axes_of_stacked_panels_are_one() -> None:
    lines = draw_text(curves(), 80).splitlines()
    corners = [one.index("└") for one in lines if "└" in one]
    ticks = [one for one in lines if one.split()[:2] == ["−3", "−2"]]
    assert len(corners) == 2
    assert len(set(corners)) == 1
    assert ticks[0] == ticks[1]
    assert sum("y_pred − y_true" in one for one in lines) == 1


def test_ticks_of_a_logarithmic_axis_are_powers() -> None:
    assert [text for _, text in text_ticks(Axis("rows", 1, 1e5, is_log=True), 3)] == ["1", "100", "10\u00a0000"]
    assert [place for place, _ in text_ticks(Axis("rows", 1, 1e4, is_log=True), 9)] == [0, 0.25, 0.5, 0.75, 1]


def test_panels_stand_side_by_side_where_there_is_room() -> None:
    unstacked = replace(curves(), is_stacked=False)
    assert draw_text(unstacked, 80).count("\n") > draw_text(unstacked, 120).count("\n") + 5


def test_the_small_picture_of_one_line_has_no_label() -> None:
    small = draw_small(picture(panel(line("up", 0, 1)), panel(line("up", 1, 0))), 78)
    assert "up" not in small
    assert "what to see" not in small
    assert small.count("└") == 2
    assert "└" in next(one for one in small.splitlines() if one.count("└") == 2)
    two = draw_small(picture(panel(line("up", 0, 1), line("down", 1, 0))), 78)
    assert "up\n" in two
    assert "down\n" in two
    assert "what to see" in two


# --------------------------------------------------------------------------------------------------------- bars


def test_a_table_of_bins() -> None:
    text = draw_text(bins("mse"), 80)
    rows = [line.split() for line in text.splitlines()]
    assert rows[0] == ["a", "title"]
    assert ["below", "−1\u00a0000", "*", "3"] == re.split(r" +", text.splitlines()[3].strip())[:4]
    assert text.splitlines()[5].split()[:3] == ["−1.5", "to", "1.5"]
    assert "*" not in text.splitlines()[4]
    assert text.splitlines()[6].split()[:3] == ["above", "1.5", "*"]
    heads = text.splitlines()[2]
    assert heads.startswith("y_pred − y_true")
    assert "mse" in heads
    assert display_width(text.splitlines()[3].rstrip()) > display_width(text.splitlines()[5].rstrip()) - 30


@pytest.mark.parametrize("height", np.linspace(0, 1, 23))
def test_bars_are_right_to_an_eighth(height: float) -> None:
    text = bar_text(height, 1.0, 10)
    eighths = sum({"█": 8, "▉": 7, "▊": 6, "▋": 5, "▌": 4, "▍": 3, "▎": 2, "▏": 1}[c] for c in text)
    assert eighths == pytest.approx(height * 80, abs=0.5001) or (height > 0 and eighths == 1)
    assert bar_text(1e-9, 1.0, 10) == "▏"
    assert bar_text(0.0, 0.0, 10) == ""


def test_bins_are_named_by_the_details_of_their_axis() -> None:
    bars = Bars("rows", np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0]), details={"residual": ("first", "second")})
    text = draw_text(picture(panel(bars, x=Axis("residual, the ends all beyond", 0, 2))), 60)
    assert re.search(r"^ first ", text, re.MULTILINE)
    assert re.search(r"^second ", text, re.MULTILINE)
    assert " to " not in text.replace("what to see", "")


def test_tables_that_are_too_wide_are_several() -> None:
    text = draw_text(PICTURES["many bars"], 80)
    assert text.count("above") > 2
    assert all(f"huber:delta={i}" in text for i in range(9))


def test_many_bins_are_drawn_as_a_curve_of_steps() -> None:
    bars = Bars("rows", np.linspace(0, 1, 101), np.linspace(0, 1, 100))
    text = draw_text(picture(panel(bars)), 60)
    assert " to " not in text.replace("what to see", "")
    drawn = [one[5:] for one in text.splitlines() if "│" in one or "┤" in one]
    assert drawn[-1].count("⣿") > drawn[1].count("⣿")


# ---------------------------------------------------------------------------------------------------- intervals


def test_intervals() -> None:
    rows = draw_text(intervals(), 80).splitlines()
    assert "┊ all rows: 86.8" in rows[1]
    bar = rows[1].index("┊")
    assert rows[2].startswith("benign")
    assert rows[2][bar] == "┊"
    assert re.search(r"├?●┤ .* 43\.4 \[39\.6, 47\.6\]$", rows[2])
    assert rows[3].strip() == "3 rows decide"
    assert re.search(r"├─+●─+┤ +160 \[137, 192\]$", rows[4])
    assert rows[4].startswith("恶性肿瘤 ")
    assert columns(rows[4][: rows[4].index("┊")]) == bar
    assert re.match(r"a very long n… rows indeed ◂─+●─+▸ 80", rows[5])
    assert rows[6].startswith(r"evil\u001b[31m\n")
    assert re.search(r" ● +┊$", rows[6])
    assert rows[8].split() == ["0", "50", "100", "150", "200"]


def test_names_are_shortened_before_numbers() -> None:
    mark = IntervalMark("", 0, 0.5, 0.4, 0.6, "0.1234 [0.1234, 0.5678]")
    text = draw_text(picture(panel(mark, y=Axis("", 0, 1, categories=("a name of a group of rows",)))), 50)
    assert "0.1234 [0.1234, 0.5678]" in text
    assert "…" in text


def test_intervals_of_several_losses_are_named() -> None:
    marks = [IntervalMark(f"loss {i}", i // 2, i, i - 0.5, i + 0.5, str(i), style=i % 2) for i in range(4)]
    text = draw_text(picture(panel(*marks, x=Axis("x", -1, 4), y=Axis("", 0, 2, categories=("a", "b")))), 60)
    assert re.findall(r"^([ab]?) *(loss \d)", text, re.MULTILINE) == [
        ("a", "loss 0"),
        ("", "loss 1"),
        ("b", "loss 2"),
        ("", "loss 3"),
    ]
    assert text.count("●") == text.count("○") == 2


# -------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["预测", "e\u0301a", "ｆｕｌｌ", "plain", "", "한국어 이름"])
def test_the_width_of_a_name(name: str) -> None:
    assert display_width(name) == columns(name)


@pytest.mark.parametrize("room", range(12))
@pytest.mark.parametrize("name", ["huber:delta=0.5", "预测模型的名字", "e\u0301" * 20])
def test_a_short_name_fits_and_keeps_its_end(name: str, room: int) -> None:
    short = shorten_name(name, room)
    assert columns(short) <= room
    assert "…" in short or room == 0
    if room > 4:
        assert short[-1] == name[-1]


def test_long_words_are_broken() -> None:
    assert wrap_columns("a " + "预" * 10 + " b", 8) == ["a", "预预预预", "预预预预", "预预 b"]
    assert wrap_columns("", 8) == [""]


# ----------------------------------------------------------------------------------------------------- odd numbers

ODD = [0.0, np.nan, np.inf, -np.inf, 1e300, -1e300, 1e-300, 0.5]
NAMES = ["", "mse", "预测模型" * 9, "x" * 90, "evil\x1b[31m", "a label of several words", "\u0301"]


class Random:
    """Pictures of odd numbers and names."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def numbers(self, k: int) -> np.ndarray:
        return np.where(self.rng.random(k) < 0.3, self.rng.choice(ODD, k), self.rng.normal(size=k))

    def number(self) -> float:
        return float(self.numbers(1)[0])

    def name(self) -> str:
        return str(self.rng.choice(NAMES))

    def axis(self) -> Axis:
        low, high = sorted(np.nan_to_num([self.number(), self.number()], posinf=9, neginf=-9).tolist())
        names = tuple(self.name() for _ in range(self.rng.integers(4))) if self.rng.random() < 0.2 else ()
        return Axis(self.name(), low, high, bool(self.rng.random() < 0.2), names)

    def mark(self) -> Mark:
        k, style = int(self.rng.integers(0, 50)), int(self.rng.integers(9))
        edges = np.sort(np.nan_to_num(self.numbers(k + 1), nan=0.0, posinf=np.inf, neginf=-np.inf))
        ends = sorted([self.number(), self.number()])
        makers = [
            lambda: Line(self.name(), self.numbers(k), self.numbers(k), style),
            lambda: Bars(self.name(), edges, abs(self.numbers(k)), style, is_marked=(True,) * k),
            lambda: Bars(self.name(), edges, np.arange(k), style, details={self.name(): (self.name(),) * k}),
            lambda: Band(self.name(), self.numbers(k), self.numbers(k), self.numbers(k), style),
            lambda: Point(self.name(), self.number(), self.number(), style),
            lambda: Rule(self.name(), x=self.number()),
            lambda: Rule(self.name(), y=self.number()),
            lambda: IntervalMark(self.name(), k % 4, self.number(), *ends, self.name(), self.name(), style),
        ]
        return makers[self.rng.integers(len(makers))]()

    def picture(self) -> Picture:
        marks = [tuple(self.mark() for _ in range(self.rng.integers(5))) for _ in range(self.rng.integers(1, 4))]
        panels = tuple(Panel(self.name(), self.axis(), self.axis(), some, (self.name(),)) for some in marks)
        return Picture("curves", self.name(), panels, self.name(), ("mse",), is_stacked=bool(self.rng.random() < 0.5))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_odd_numbers_and_names_are_drawn(seed: int) -> None:
    drawn = Random(seed).picture()
    for width in (40, 80, 130):
        for text in (draw_text(drawn, width), draw_small(drawn, width)):
            assert max(map(columns, text.splitlines()), default=0) <= width
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)


def test_points_and_rules_outside_of_the_axes_are_not_drawn() -> None:
    text = draw_text(picture(panel(Point("far", 2.0, 0.5), Rule("farther", x=3.0), Point("near", 0.5, 0.5))), 60)
    assert "far" not in text
    assert "┊" not in text
    assert "near" in text
