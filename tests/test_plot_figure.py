"""Pictures drawn by matplotlib: the structure of SVG, the same bytes each time, labels that do not overlap."""

import hashlib
import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from losscli.errors import UsageError
from losscli.plot.figure import draw_all, draw_figure, figure_size, inline_svg, own_settings, save_figure
from losscli.plot.figure_axes import ticks_with_texts
from losscli.plot.figure_fonts import families_for, glyphs_of, glyphs_of_file, new_font_files
from losscli.plot.figure_labels import spread
from losscli.plot.pictures import Axis, Band, Bars, IntervalMark, Line, Panel, Picture, Point, Rule
from losscli.plot.styles import style_of

SVG = "{http://www.w3.org/2000/svg}"
NAMES = (
    "mse $x^2$ <b>&amp;</b>",
    "huber:delta=0.1234567890123456789",
    "中文损失函数",
    "_under",
    "a\x1b[31m\x00",
    "é",
    "7",
    "\ufeffmark",
    "no\uffff",
)


def line(label="mse", style=0, slope=1.0, **fields):
    x = np.linspace(0.0, 10.0, 50)
    return Line(label, x, slope * x, style=style, **fields)


def picture(*panels, is_stacked=False, title="Title"):
    return Picture("curves", title, panels, "what to see", ("mse",), is_stacked=is_stacked)


X, Y = Axis("x", 0.0, 10.0), Axis("y", 0.0, 10.0)


def panel(*marks, x=X, y=Y, **fields):
    return Panel("Panel", x, y, marks, **fields)


def every_mark():
    edges = np.linspace(0.0, 10.0, 6)
    first = panel(
        line("mse", 0),
        line("mae", 1, 0.5),
        line("all alike", slope=0.9, is_reference=True),
        Band("band", edges, edges * 0.3, edges * 0.6, style=2),
        Point("9 rows", 2.0, 2.0, style=0),
        Point("74 rows", 6.0, 3.0, style=1),
        Rule("half", y=5.0),
        Rule("limit", x=8.0),
        notes=("a note",),
    )
    second = panel(
        Bars("rows", edges, np.array([1.0, 2.0, 3.0, 2.0, 1.0]), style=1, is_marked=(True, *[False] * 4)),
        Bars("share", edges, np.array([5.0, 1.0, 1.0, 1.0, 2.0]), is_outline=True),
    )
    third = Panel(
        "Groups",
        Axis("mae", 0.0, 200.0),
        Axis("", -0.5, 1.5, categories=("benign", "malignant")),
        (IntervalMark("", 0, 43.4, 39.6, 47.6, "43.4", "few rows"), IntervalMark("", 1, 159.8, None, None, "159.8")),
    )
    return picture(first, second, third)


def ends_at_one_point(names=NAMES):
    x = np.linspace(0.0, 10.0, 30)
    marks = [Line(name, x, 5 + (10 - x) * (i - 3) / 8, style=i) for i, name in enumerate(names)]
    return picture(panel(*marks, Rule("rule $r$", x=3.0), notes=("note $n$ <&>",)))


def svg_of(found):
    return ET.fromstring(save_figure(found, "svg"))


def by_id(root, gid):
    return next(element for element in root.iter(f"{SVG}g") if element.get("id") == gid)


def texts_of(root):
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


@pytest.fixture(scope="module")
def files():
    """Format -> the file of the picture with every mark."""
    return {format: save_figure(every_mark(), format) for format in ("svg", "png", "pdf")}


def test_svg_has_an_element_for_each_mark(files):
    root = ET.fromstring(files["svg"])
    ids = [element.get("id") for element in root.iter(f"{SVG}g")]
    for gid in ("panel-0", "panel-1", "panel-2", "line-0", "line-1", "reference-0", "band-0", "point-0", "point-1"):
        assert ids.count(gid) == 1, gid
    for gid in ("rule-0", "rule-1", "bars-0", "bars-0-marked", "bars-1", "interval-0", "interval-1", "list", "notes-0"):
        assert ids.count(gid) == 1, gid
    for gid in ("line-0", "line-1", "reference-0", "bars-0", "bars-1", "interval-0"):
        assert len(list(by_id(root, gid).iter(f"{SVG}path"))) == 1, gid


def test_svg_has_its_labels_as_text(files):
    texts = texts_of(ET.fromstring(files["svg"]))
    for text in ("Panel", "x", "y", "mse: 9 rows", "mae: 74 rows", "all alike", "band", "half", "limit", "a note"):
        assert text in texts, text
    for text in ("rows", "share", "benign", "malignant", "43.4", "few rows", "159.8", "what to see", "Title"):
        assert text in texts, text


def test_a_curve_is_drawn_where_its_numbers_are():
    root = svg_of(picture(panel(line("mse"))))
    points = np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", by_id(root, "line-0")[0].get("d")), dtype=float)
    frame = np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", by_id(root, "panel-0")[0][0].get("d")), dtype=float)
    assert points[0] == pytest.approx([frame[:, 0].min(), frame[:, 1].max()], abs=0.02)  # (0, 0), at the lower left
    assert points[-1] == pytest.approx([frame[:, 0].max(), frame[:, 1].min()], abs=0.02)


def test_the_first_category_is_at_the_top(files):
    root = ET.fromstring(files["svg"])
    heights = {text: float(e.get("y")) for e in root.iter(f"{SVG}text") for text in ["".join(e.itertext())]}
    assert heights["benign"] < heights["malignant"]


def test_a_gap_in_a_curve_is_a_gap():
    y = np.where(np.arange(10) == 5, np.nan, 1.0)
    root = svg_of(picture(panel(Line("mae", np.arange(10.0), y))))
    assert by_id(root, "line-0")[0].get("d").count("M") == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_names_are_taken_literally(name):
    groups = Axis("", 0.0, 1.0, categories=(name,))
    found = picture(
        panel(line(name), Point(name, 3.0, 3.0), Rule(name, x=5.0), notes=(name,), x=Axis(name, 0.0, 10.0)),
        Panel(name, Axis(name, 0.0, 1.0), groups, (IntervalMark(name, 0, 0.5, 0, 1, name),)),
        title=name,
    )
    shown = name.replace("\x1b", "\\u001b").replace("\x00", "\\u0000")
    shown = shown.replace("\ufeff", "\\ufeff").replace("\uffff", "\\uffff")
    texts = texts_of(svg_of(found))
    assert sum(text.startswith(shown[:8]) for text in texts) == 9
    assert "\x1b" not in "".join(texts)
    assert save_figure(found, "pdf").startswith(b"%PDF")


@pytest.mark.parametrize("tick", [' d="M 1.23456"', "fill: #222222", 'id="x"', "'DejaVu Sans'"])
def test_names_that_look_like_attributes_stay(tick):
    found = picture(panel(line(tick)))
    assert tick in texts_of(svg_of(found))
    assert tick in texts_of(ET.fromstring(inline_svg(found, "p-")))


@pytest.mark.slow
def test_the_same_picture_is_the_same_file_in_another_process_without_pyplot(files):
    program = (
        "import hashlib, sys; from tests.test_plot_figure import *; "
        "found = [hashlib.sha256(save_figure(every_mark(), f)).hexdigest() for f in ('svg', 'png', 'pdf')]; "
        "print(*found, 'matplotlib.pyplot' in sys.modules)"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.split() == [*(hashlib.sha256(one).hexdigest() for one in files.values()), "False"]


def test_files_have_text_and_no_date(files):
    assert b"/CIDFontType2" in files["pdf"]
    assert b"CreationDate" not in files["pdf"]
    assert b"<dc:date>" not in files["svg"]
    assert files["png"].startswith(b"\x89PNG")


@pytest.mark.slow
def test_files_do_not_depend_on_the_users_settings_and_change_none(files):
    theirs = {"font.size": 20, "lines.linewidth": 9, "axes.facecolor": "red", "svg.fonttype": "path", "pdf.fonttype": 3}
    with matplotlib.rc_context(theirs):
        matplotlib.rcParams["axes.prop_cycle"] = matplotlib.cycler(color="rgb")
        settings = dict(matplotlib.rcParams)
        assert {format: save_figure(every_mark(), format) for format in files} == files
        draw_figure(picture(panel(line())), Figure().subplots())
        assert dict(matplotlib.rcParams) == settings


def drawn_texts(axes, renderer):
    """Return the texts of a panel with their boxes, without arrows."""
    found = [*axes.texts, axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
    found += [tick for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_ticklabels()]
    found += axes.get_legend().get_texts() if axes.get_legend() else []
    return [(text.get_text(), Text.get_window_extent(text, renderer)) for text in found if text.get_text()]


HARD = {
    "one end": ends_at_one_point(),
    "below the top": picture(panel(*(line(name, i, 50 + i) for i, name in enumerate(NAMES)))),
    "many": picture(panel(*(line(f"quantile:q=0.{i:02}", i, i / 40) for i in range(40)))),
    "long names": ends_at_one_point([f"{'a_very_long_name' * 5}{i}" for i in range(7)]),
    "every mark": every_mark(),
    "points": picture(panel(*(Point(f"point {i}", 5 + i / 50, 5.0, style=i) for i in range(6)), line("mse"))),
    "log": picture(panel(line("mse"), x=Axis("x", 0.01, 10.0, True), y=Axis("y", 1e-3, 1e6, True))),
    "stacked": picture(panel(line("mse"), height=4), panel(line("mae"), height=1), is_stacked=True),
    "two labels": picture(
        Panel(
            "g",
            Axis("mae", 0.0, 10.0),
            Axis("", -0.5, 2.5, categories=("中" * 40, "b", "c")),
            tuple(
                IntervalMark(f"model {j}", i, 5.0 + j, 4.0, 10.0, "5 [4, 10]", "3 rows decide", style=j)
                for i in range(3)
                for j in range(3)
            ),
        )
    ),
}


@pytest.mark.parametrize(
    "name", [name if i % 2 else pytest.param(name, marks=pytest.mark.slow) for i, name in enumerate(HARD)]
)
def test_labels_do_not_overlap(name):
    found = HARD[name]
    figure = Figure(dpi=150)

    with own_settings(found):
        figure.set_size_inches(figure_size(found))
        draw_all(found, figure)
        canvas = FigureCanvasAgg(figure)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")
            canvas.draw()
        boxes = [(i, *item) for i, axes in enumerate(figure.axes) for item in drawn_texts(axes, canvas.get_renderer())]
    for (_, one, first), (_, other, second) in combinations(boxes, 2):
        assert not first.padded(-0.5).overlaps(second.padded(-0.5)), (one, other)
    for _, text, box in boxes:
        assert min(*box.min, *(figure.bbox.max + 1 - box.max)) >= 0, text


def test_a_text_in_another_script_has_a_font_if_one_is_installed():
    from matplotlib import font_manager

    plain, chinese = picture(panel(line("mse", 0))), picture(panel(line("均方误差", 0)))
    assert families_for(plain, ["DejaVu Sans"]) == ["DejaVu Sans"]
    found = glyphs_of(families_for(chinese, ["DejaVu Sans"]))
    installed = [font.fname for font in font_manager.fontManager.ttflist] + new_font_files()
    assert (ord("误") in found) == any(ord("误") in glyphs_of_file(path) for path in installed if "CJK" in path)
    assert "均方误差" in save_figure(chinese, "svg").decode()


def test_labels_at_the_right_are_in_the_order_of_the_curves():
    root = svg_of(picture(panel(*(line(f"slope {slope}", i, slope) for i, slope in enumerate((0.5, 0.9, 3, 2))))))
    heights = [float(next(by_id(root, f"line-{i}-label").iter(f"{SVG}text")).get("y")) for i in range(4)]
    assert heights[0] > heights[1] > heights[3] > heights[2]


def test_curves_that_meet_have_a_sample_of_each_beside_its_label():
    root = svg_of(ends_at_one_point(("a", "b", "c")))
    for i in range(3):
        style, sample = (by_id(root, f"line-{i}{part}")[0].get("style") for part in ("", "-sample"))
        assert sample == style
    svg = save_figure(picture(panel(line("mse"), line("mae", 1, 0.5))), "svg")
    assert b"-sample" not in svg


def test_the_label_of_a_curve_that_ends_early_is_nearest_to_it():
    x = np.linspace(0.0, 6.0, 30)
    lines = [Line("steep", x, 10 * x / 6, 0), Line("flat", np.linspace(0.0, 7.5, 30), np.linspace(0.0, 10.0, 30), 1)]
    reference = Line("as predicted", np.array([0.0, 10.0]), np.array([0.0, 10.0]), is_reference=True)
    axes = draw_figure(picture(panel(*lines, reference)), Figure(figsize=(5, 4)).subplots())
    canvas = FigureCanvasAgg(axes.get_figure())
    canvas.draw()
    for text in axes.texts[-3:-1]:
        middle = Text.get_window_extent(text, canvas.get_renderer())
        middle = (middle.x0 + middle.x1) / 2, (middle.y0 + middle.y1) / 2
        away = {
            mark.label: np.hypot(*(axes.transData.transform(np.column_stack([mark.x, mark.y])) - middle).T).min()
            for mark in lines
        }
        assert min(away, key=away.get) == text.get_text()


def test_many_curves_that_end_early_are_named_beside_the_panel_with_samples():
    names = [f"a long name that differs at its very end: {i}" for i in range(6)]
    x = np.linspace(0.0, 8.0, 20)
    root = svg_of(picture(panel(*(Line(name, x * (1 - i / 20), x, i) for i, name in enumerate(names)))))
    ids = [element.get("id") for element in root.iter(f"{SVG}g")]
    assert sum(str(gid).endswith("-sample") for gid in ids) == 6
    shown = [text for text in texts_of(root) if text.startswith("a long")]
    assert [text[-1] for text in sorted(shown)] == list("012345")  # cut in the middle
    assert max(map(len, shown)) <= 32


def test_no_two_curves_have_the_same_colour_and_dashes():
    assert len({(style_of(i).colour, style_of(i).dashes) for i in range(49)}) == 49


def test_spread_is_the_least_squares_solution():
    scipy_optimize = pytest.importorskip("scipy.optimize")
    generator = np.random.default_rng(3)
    wanted = np.sort(generator.uniform(0, 50, 8))
    heights = generator.uniform(5, 12, 8)
    gaps = (heights[1:] + heights[:-1]) / 2
    best = scipy_optimize.minimize(
        lambda places: np.sum((places - wanted) ** 2),
        np.cumsum([0, *gaps]),
        constraints=[{"type": "ineq", "fun": lambda places: np.diff(places) - gaps}],
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert spread(wanted, heights, -1e6, 1e6) == pytest.approx(best.x, abs=1e-3)


def test_spread_stays_inside():
    found = spread(np.array([99.0, 99.5, 100.0]), np.full(3, 10.0), 0.0, 100.0)
    assert found == pytest.approx([75, 85, 95])


def test_draw_figure_draws_into_given_axes():
    axes = Figure().subplots(1, 3)
    found = draw_figure(every_mark(), axes)
    assert list(found) == list(axes)
    assert [len(one.lines) > 0 or len(one.patches) > 0 for one in axes] == [True] * 3
    one = Figure().subplots()
    assert draw_figure(picture(panel(line())), one) is one
    assert draw_figure(picture(panel(line())), [Figure().subplots()]).get_xlabel() == "x"


def test_what_no_font_has_is_a_box_without_a_warning():
    axes = draw_figure(picture(panel(line("中文 é \U0010fffd"))), Figure().subplots())
    FigureCanvasAgg(axes.figure).draw()
    (label,) = (text.get_text() for text in axes.texts)
    assert label.endswith(" é □")
    assert label[:2] in ("中文", "□□")


@pytest.mark.parametrize("ax", [3, "ax", [None], Figure()])
def test_what_is_no_axes_is_refused(ax):
    with pytest.raises(UsageError, match="ax: must be an Axes of matplotlib, or a sequence of them"):
        draw_figure(picture(panel(line())), ax)


def test_the_number_of_axes_is_checked():
    with pytest.raises(UsageError, match="ax: this picture has 3 panels, and takes as many axes, not 1"):
        draw_figure(every_mark(), Figure().subplots())
    with pytest.raises(UsageError, match="ax: this picture has one panel, and takes one Axes, not 2"):
        draw_figure(picture(panel(line())), Figure().subplots(2))


def test_inline_svg_has_its_ids_to_itself_and_colours_of_the_page():
    text = inline_svg(every_mark(), "p7-")
    root = ET.fromstring(text)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(one.startswith("p7-") for one in ids)
    used = set(re.findall(r"url\(#([^)]*)\)", text)) | set(re.findall(r'href="#([^"]*)"', text))
    assert used <= set(ids)
    assert not re.search(r"(?<!, )#[0-9a-f]{6}", text)  # each colour is the default of a variable
    assert "what to see" not in texts_of(root)
    assert "<style" not in text
    assert root.get("width") is None
    assert len(text) < 25_000


def test_a_page_has_the_titles_of_panels_that_are_not_that_of_the_picture():
    named = Panel("Named", X, Y, (line(),))
    found = texts_of(ET.fromstring(inline_svg(picture(named, panel(line()), title="Named"), "")))
    assert "Named" not in found
    assert "Panel" in found


def test_pictures_of_one_panel_are_equally_wide_in_a_page():
    groups = Axis("", -0.5, 0.5, categories=("a group with a long name",))
    intervals = Panel("Groups", X, groups, (IntervalMark("", 0, 5.0, 4.0, 6.0, "5 [4, 6]"),))
    boxes = [ET.fromstring(inline_svg(picture(one), "")).get("viewBox") for one in (panel(line()), intervals)]
    assert boxes[0].split()[2] == boxes[1].split()[2]


def test_paths_of_a_page_are_those_of_the_file():
    found = every_mark()
    file, page = svg_of(found), ET.fromstring(inline_svg(found, ""))
    for gid in ("line-0", "line-1", "bars-1", "reference-0"):
        drawn, same = (np.array(re.findall(r"[\d.]+", by_id(root, gid)[0].get("d")), float) for root in (file, page))
        assert np.ptp(drawn[::2]) == pytest.approx(np.ptp(same[::2]), abs=0.2)
        assert len(drawn) == len(same)


def test_curves_of_400_points_are_small_files():
    x = np.linspace(-3, 3, 400)
    marks = tuple(Line(f"huber:delta={i}", x, i * np.log(np.cosh(x)), style=i) for i in range(1, 6))
    axes = Axis("x", -3.0, 3.0), Axis("y", 0.0, 10.0)
    found = picture(Panel("Loss", *axes, marks), Panel("Gradient", *axes, marks))
    assert len(inline_svg(found, "p-")) < 25_000


@pytest.mark.parametrize(
    ("low", "high", "is_log", "texts"),
    [
        (0.0, 100.0, False, ["0", "20", "40", "60", "80", "100"]),
        (1000000.0, 1000010.0, False, [f"1\u00a0000\u00a0{i:03}" for i in range(0, 11, 2)]),
        (-0.3, 0.3, False, ["−0.3", "−0.2", "−0.1", "0", "0.1", "0.2", "0.3"]),
        (0.8, 400.0, True, ["1", "10", "100"]),
        (10.0, 1.0, False, ["2", "4", "6", "8", "10"]),
    ],
)
def test_ticks_are_in_human_form(low, high, is_log, texts):
    for is_vertical in (False, True):
        assert ticks_with_texts(low, high, is_log, 5.0, is_vertical)[1] == texts
        assert len(ticks_with_texts(low, high, is_log, 0.4, is_vertical)[1]) < len(texts)


def test_axes_without_a_range_are_drawn():
    flat = Axis("x", 5.0, 5.0), Axis("y", float("nan"), float("nan"))
    for format in ("svg", "png"):
        save_figure(picture(Panel("", *flat, (Line("a", np.array([5.0]), np.array([1.0])),))), format)
        save_figure(picture(Panel("", Axis("x", 0.0, 1.0, True), Axis("y", 0.0, 1.0), ())), format)
