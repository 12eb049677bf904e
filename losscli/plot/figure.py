"""Pictures drawn by matplotlib: into axes of the user's, or as files that are the same for the same picture."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from losscli.errors import UsageError
from losscli.plot.line_ends import needs_samples
from losscli.plot.pictures import IntervalMark, Line, Panel, Picture
from losscli.version import __version__

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURE_FORMATS = ("svg", "png", "pdf")

PANEL_WIDTH, PANEL_HEIGHT = 4.3, 3.1
ONLY_PANEL_WIDTH = 5.2
"""Inches of a panel without what is written beside it."""

INLINE_WIDTH, MIN_INLINE_PANEL_WIDTH = 5.8, 2.2
"""Inches of a picture in a page, and of its panel without what is written beside it."""

HEIGHT_PER_INTERVAL, HEIGHT_PER_INTERVAL_OF_MANY, HEIGHT_PER_LABEL = 0.42, 0.26, 0.17
"""Inches."""
MANY_INTERVALS = 8

EM, EM_OF_BOLD = 0.6, 0.64
"""The mean width of a character, in font sizes."""

DOTS_PER_INCH = 150

MAX_WIDTH = 16.0
"""Inches: panels that are wider together go into several rows."""

TITLE_SIZE, SENTENCE_SIZE, REMARK_SIZE = 12.0, 9.0, 8.0
"""Points."""


def check_matplotlib() -> None:
    """Check that pictures can be drawn.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UsageError("pictures need matplotlib: pip install 'losscli[plot]'") from None


def draw_figure(picture: Picture, ax: Any = None) -> Any:
    """Draw a picture and return its axes: one of matplotlib's Axes, or an array of them for several panels.

    Args:
        picture: What to draw.
        ax: An Axes, or a sequence of as many as there are panels; None makes a figure with pyplot.

    Raises:
        UsageError: matplotlib is not installed, or `ax` is not what the picture takes.
    """
    check_matplotlib()
    import matplotlib

    from losscli.plot.figure_fonts import families_for, with_known_glyphs

    families = families_for(picture, matplotlib.rcParams["font.family"])
    picture = with_known_glyphs(picture, families)
    with matplotlib.rc_context({"text.parse_math": False, "text.usetex": False, "font.family": families}):
        if ax is not None:
            axes = check_axes(picture, ax)
            draw_panels(picture, axes)
        else:
            import matplotlib.pyplot as plt

            axes = draw_all(picture, plt.figure(figsize=figure_size(picture)))
    return axes[0] if len(axes) == 1 else np.array(axes, dtype=object)


def check_axes(picture: Picture, ax: Any) -> list[Axes]:
    """Return the axes that a user gives, one a panel.

    Raises:
        UsageError: They are no axes, or not as many as panels.
    """
    from matplotlib.axes import Axes

    given = [ax] if isinstance(ax, Axes) else list(np.ravel(np.array(ax, dtype=object)))
    wrong = [type(one).__name__ for one in given if not isinstance(one, Axes)]
    if wrong:
        raise UsageError(f"ax: must be an Axes of matplotlib, or a sequence of them, not {wrong[0]}")
    if len(given) != len(picture.panels):
        n = len(picture.panels)
        takes = "one panel, and takes one Axes" if n == 1 else f"{n} panels, and takes as many axes"
        raise UsageError(f"ax: this picture has {takes}, not {len(given)}")
    return given


def save_figure(picture: Picture, format: str) -> bytes:
    """Return a picture as the bytes of an SVG, PNG or PDF file; the same for the same picture.

    Raises:
        UsageError: matplotlib is not installed.
    """
    metadata: dict[str, dict[str, Any]] = {
        "svg": {"Date": None, "Creator": f"losscli {__version__}", "Title": one_text(picture.title)},
        "pdf": {"CreationDate": None, "Creator": f"losscli {__version__}", "Producer": None},
        "png": {"Software": None},
    }
    with own_settings(picture):
        from matplotlib.figure import Figure

        figure = Figure(figsize=figure_size(picture))
        draw_all(picture, figure)
        return save(figure, format, metadata[format])


def inline_svg(picture: Picture, prefix: str) -> str:
    """Return a picture as an SVG element for a page that has its title and its sentence.

    The background is transparent. Colours are variables of CSS, with those of files where there are none: `--ink`
    (text), `--muted` (axes and notes), `--grid`, and `--style-0` to `--style-6`; the font is the page's. All ids start
    with `prefix`; marks and their labels have ids such as `line-0` and `line-0-label`.

    Raises:
        UsageError: matplotlib is not installed.
    """
    with own_settings(picture):
        from matplotlib.figure import Figure

        from losscli.plot.figure_svg import inline

        figure = Figure(figsize=inline_size(picture))
        figure.patch.set_visible(False)
        draw_all(picture, figure, has_words=False)
        return inline(save(figure, "svg", {"Date": None, "Creator": None, "Format": None, "Type": None}), prefix)


def save(figure: Figure, format: str, metadata: dict[str, Any]) -> bytes:
    """Return a figure as the bytes of a file."""
    from losscli.plot.figure_svg import tidy

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph|.*missing from.*font", category=UserWarning)
        if format == "svg":
            place_axes(figure)
        figure.savefig(buffer, format=format, metadata=metadata, dpi=DOTS_PER_INCH)
    return tidy(buffer.getvalue()) if format == "svg" else buffer.getvalue()


def place_axes(figure: Figure) -> None:
    """Place the axes of a figure for an SVG file once and for all: savefig would draw all of it to do so."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)  # type: ignore[no-untyped-call, unused-ignore]
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)


@contextmanager
def own_settings(picture: Picture) -> Iterator[None]:
    """Draw a picture with settings of our own, whatever the user's are.

    Raises:
        UsageError: matplotlib is not installed.
    """
    check_matplotlib()
    import matplotlib
    from matplotlib import style

    from losscli.plot.figure_axes import INK
    from losscli.plot.figure_fonts import families_for

    ours: Any = {
        "axes.facecolor": "none",
        "figure.facecolor": "white",
        "font.family": families_for(picture, ["DejaVu Sans"]),
        "font.size": 10.0,
        "pdf.fonttype": 42,
        "savefig.facecolor": "auto",
        "svg.fonttype": "none",
        "svg.hashsalt": "losscli",
        "text.color": INK,
        "text.parse_math": False,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
    }
    with style.context("default"), matplotlib.rc_context(ours):
        yield


def draw_all(picture: Picture, figure: Figure, has_words: bool = True) -> list[Axes]:
    """Draw a picture into an empty figure: its panels, and with `has_words` its title, sentence and remarks."""
    from losscli.plot.figure_axes import MUTED

    grid = grid_of(picture)
    words = words_around(picture, sum(grid.widths)) if has_words else Words("", "", "")
    height = figure.get_size_inches()[1]
    below = text_height(words.remarks, REMARK_SIZE)
    bottom = below + text_height(words.sentence, SENTENCE_SIZE)
    top = text_height(words.title, TITLE_SIZE)
    figure.set_layout_engine("constrained", rect=(0, bottom / height, 1, 1 - (bottom + top) / height))
    cells = figure.add_gridspec(
        len(grid.heights), len(grid.widths), width_ratios=grid.widths, height_ratios=grid.heights
    )
    axes: list[Axes] = []
    for i in range(len(picture.panels)):
        above = axes[0] if axes and picture.is_stacked else None
        axes.append(figure.add_subplot(cells[divmod(i, len(grid.widths))], sharex=above))
    draw_panels(picture, axes, without_title="" if has_words else picture.title, is_own=True)
    places: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
        ("title", words.title, 1 - 0.05 / height, {"va": "top", "fontsize": TITLE_SIZE, "fontweight": "bold"}),
        ("sentence", words.sentence, (below + 0.08) / height, {"va": "bottom", "fontsize": SENTENCE_SIZE}),
        ("remarks", words.remarks, 0.08 / height, {"va": "bottom", "fontsize": REMARK_SIZE, "color": MUTED}),
    )
    for gid, text, y, properties in places:
        if text:
            figure.text(0.1 / sum(grid.widths), y, text, linespacing=1.4, gid=gid, **properties)
    return axes


def draw_panels(picture: Picture, axes: Sequence[Axes], without_title: str = "", is_own: bool = False) -> None:
    """Draw each panel into its axes, with its title, unless that is `without_title`."""
    from losscli.plot.figure_axes import font_size
    from losscli.plot.figure_labels import pixel_size
    from losscli.plot.figure_marks import PanelArtist

    counts: Counter[str] = Counter()
    n_columns = len(grid_of(picture).widths)
    least = ONLY_PANEL_WIDTH if is_own and len(axes) == 1 else PANEL_WIDTH
    for i, (panel, one) in enumerate(zip(picture.panels, axes, strict=True)):
        is_above_other = is_own and picture.is_stacked and i < len(axes) - 1
        inches = max(one.bbox.width * pixel_size(one) / 72, least - 0.55)
        title_width = int(72 * inches / (font_size(1.1) * EM_OF_BOLD))
        PanelArtist(one, panel, counts).draw(not is_above_other, 0 if panel.title == without_title else title_width)
        if is_own and repeats_names(picture, i, n_columns):
            one.tick_params(axis="y", labelleft=False)


class Grid(NamedTuple):
    """The inches of the columns and of the rows of panels."""

    widths: tuple[float, ...]
    heights: tuple[float, ...]


def grid_of(picture: Picture) -> Grid:
    """Return where the panels go: below each other, or beside each other in as many rows as it takes."""
    n = len(picture.panels)
    least = ONLY_PANEL_WIDTH if n == 1 else PANEL_WIDTH
    if picture.is_stacked:
        most = max(panel.height for panel in picture.panels)
        heights = tuple(max(PANEL_HEIGHT * panel.height / most, 0.9) + 0.25 for panel in picture.panels)
        return Grid((max(least + inches_beside(panel, True) for panel in picture.panels),), heights)
    for n_columns in range(n, 0, -1):
        widths, rows = [0.0] * n_columns, [0.0] * -(-n // n_columns)
        for i, panel in enumerate(picture.panels):
            row, column = divmod(i, n_columns)
            has_names = not repeats_names(picture, i, n_columns)
            widths[column] = max(widths[column], least + inches_beside(panel, has_names))
            rows[row] = max(rows[row], inches_high(panel))
        if sum(widths) <= MAX_WIDTH:
            break
    return Grid(tuple(widths), tuple(rows))


def repeats_names(picture: Picture, i: int, n_columns: int) -> bool:
    """Return whether the names beside a panel are those of the panel on its left, which then stand there alone."""
    names = [panel.y.categories for panel in picture.panels]
    return not picture.is_stacked and i % n_columns > 0 and bool(names[i]) and names[i] == names[i - 1]


def figure_size(picture: Picture, has_words: bool = True) -> tuple[float, float]:
    """Return the width and the height of a figure in inches: both grow with what is written."""
    grid = grid_of(picture)
    width, height = sum(grid.widths), sum(grid.heights)
    if has_words:
        words = words_around(picture, width)
        height += text_height(words.title, TITLE_SIZE)
        height += text_height(words.sentence, SENTENCE_SIZE) + text_height(words.remarks, REMARK_SIZE)
    return width, height


def inline_size(picture: Picture) -> tuple[float, float]:
    """Return the size of a figure in a page: one column of panels is always as wide, for text of the same size."""
    width, height = figure_size(picture, has_words=False)
    if len(grid_of(picture).widths) > 1:
        return width, height
    least = max(inches_beside(panel, True) for panel in picture.panels) + MIN_INLINE_PANEL_WIDTH
    return max(INLINE_WIDTH, least), height


def inches_beside(panel: Panel, has_names: bool) -> float:
    """Return the inches that names on the left and labels on the right of a panel take."""
    from losscli.plot.figure_axes import CATEGORY_LENGTH
    from losscli.plot.figure_labels import LEADER_LENGTH, SAMPLE_LENGTH
    from losscli.plot.figure_marks import LABEL_LENGTH, listed_points, texts_at_ends

    named = {point.style for point in listed_points(panel.marks)}
    lines = [mark for mark in panel.marks if isinstance(mark, Line) and not (mark.is_reference or mark.style in named)]
    right = [min(cells_of_text(mark.label), LABEL_LENGTH) for mark in lines]
    right += [cells_of_text(text) for text in texts_at_ends(panel.marks).values()]
    left = [min(cells_of_text(name), CATEGORY_LENGTH) for name in panel.y.categories if has_names]
    sample = (SAMPLE_LENGTH + LEADER_LENGTH) / 72 if needs_samples(panel) else 0.0
    return (max(right, default=0) + max(left, default=0)) * 9 * EM / 72 + sample


def inches_high(panel: Panel) -> float:
    """Return the height of a panel in inches."""
    if panel.y.categories:
        intervals = [mark for mark in panel.marks if isinstance(mark, IntervalMark)]
        n = max(len(intervals), len(panel.y.categories), 2)
        is_dense = n > MANY_INTERVALS and not any(mark.remark for mark in intervals)
        return 1.1 + n * (HEIGHT_PER_INTERVAL_OF_MANY if is_dense else HEIGHT_PER_INTERVAL)
    n_lines = sum(isinstance(mark, Line) and not mark.is_reference for mark in panel.marks)
    return max(PANEL_HEIGHT, 1.0 + HEIGHT_PER_LABEL * n_lines)


class Words(NamedTuple):
    """What is written above and below the panels, in lines."""

    title: str
    sentence: str
    remarks: str


def words_around(picture: Picture, width: float) -> Words:
    """Return the words for a figure so many inches wide; the title only if no panel has the same one."""
    from losscli.plot.figure_labels import wrap

    titles = [panel.title for panel in picture.panels]
    is_said = picture.title in titles or (len(titles) == 1 and titles[0])
    characters = 72 * width / (EM * 0.95)
    return Words(
        "" if is_said else wrap(picture.title, int(72 * width / (TITLE_SIZE * EM_OF_BOLD))),
        wrap(picture.sentence, int(characters / SENTENCE_SIZE)),
        "\n".join(wrap(remark, int(characters / REMARK_SIZE)) for remark in picture.remarks),
    )


def text_height(text: str, size: float) -> float:
    """Return the height of lines of text in inches, with some room."""
    return (text.count("\n") + 1) * size * 1.45 / 72 + 0.12 if text else 0.0


def one_text(text: str) -> str:
    """Return a text for the metadata of a file."""
    from losscli.plot.figure_labels import plain

    return plain(text)


def cells_of_text(text: str) -> int:
    """Return how many columns a text takes: Chinese characters take two."""
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
