"""Pictures drawn by matplotlib: into axes of the user's, or as files that are the same for the same picture."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from losscli.errors import UsageError
from losscli.plot.pictures import Interval, Line, Panel, Picture
from losscli.version import __version__

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURE_FORMATS = ("svg", "png", "pdf")

PANEL_WIDTH, PANEL_HEIGHT = 4.3, 3.1
ONLY_PANEL_WIDTH = 5.2
"""Inches of a panel without what is written beside it."""

HEIGHT_PER_INTERVAL, HEIGHT_PER_LABEL = 0.42, 0.17
"""Inches."""

EM, EM_OF_BOLD = 0.6, 0.66
"""The mean width of a character, in font sizes."""

DOTS_PER_INCH = 150

SENTENCE_SIZE = 9.0
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

    with matplotlib.rc_context({"text.parse_math": False, "text.usetex": False}):
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
    with own_settings():
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
    with own_settings():
        from matplotlib.figure import Figure

        from losscli.plot.figure_svg import inline

        figure = Figure(figsize=figure_size(picture, has_words=False))
        figure.patch.set_visible(False)
        draw_all(picture, figure, has_words=False)
        return inline(save(figure, "svg", {"Date": None, "Creator": None, "Format": None, "Type": None}), prefix)


def save(figure: Figure, format: str, metadata: dict[str, Any]) -> bytes:
    """Return a figure as the bytes of a file."""
    from losscli.plot.figure_svg import tidy

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph|.*missing from.*font", category=UserWarning)
        figure.savefig(buffer, format=format, metadata=metadata, dpi=DOTS_PER_INCH)
    return tidy(buffer.getvalue()) if format == "svg" else buffer.getvalue()


@contextmanager
def own_settings() -> Iterator[None]:
    """Draw with settings of our own, whatever the user's are.

    Raises:
        UsageError: matplotlib is not installed.
    """
    check_matplotlib()
    import matplotlib
    from matplotlib import style

    from losscli.plot.figure_axes import INK

    ours: Any = {
        "axes.facecolor": "none",
        "figure.facecolor": "white",
        "font.family": ["DejaVu Sans", *further_fonts()],
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


def further_fonts() -> list[str]:
    """Return the installed fonts for the scripts that DejaVu Sans lacks."""
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    wanted: tuple[str, ...] = (
        "Noto Sans CJK SC",
        "Noto Sans CJK JP",
        "Source Han Sans SC",
        "WenQuanYi Micro Hei",
        "Microsoft YaHei",
    )
    wanted += (
        "PingFang SC",
        "Hiragino Sans GB",
        "SimHei",
        "Arial Unicode MS",
        "Noto Sans Devanagari",
        "Noto Sans Thai",
    )
    return [name for name in wanted if name in known]


def draw_all(picture: Picture, figure: Figure, has_words: bool = True) -> list[Axes]:
    """Draw a picture into an empty figure: its panels, and with `has_words` its title and sentence."""
    width, height = figure.get_size_inches()
    sentence, title = figure_words(picture, width) if has_words else ("", "")
    below = text_height(sentence, SENTENCE_SIZE) / height
    above = text_height(title, 12) / height
    figure.set_layout_engine("constrained", rect=(0, below, 1, 1 - below - above))
    n = len(picture.panels)
    if picture.is_stacked:
        ratios = [panel.height for panel in picture.panels]
        axes = list(figure.subplots(n, 1, sharex=True, squeeze=False, height_ratios=ratios).ravel())
    else:
        axes = list(figure.subplots(1, n, squeeze=False).ravel())
    draw_panels(picture, axes, has_title=has_words or n > 1, is_own=True)
    if title:
        found = figure.text(0.012, 1 - 0.05 / height, title, va="top", fontsize=12, fontweight="bold")
        found.set_gid("title")
    if sentence:
        found = figure.text(0.012, 0.08 / height, sentence, va="bottom", fontsize=SENTENCE_SIZE, linespacing=1.4)
        found.set_gid("sentence")
    return axes


def draw_panels(picture: Picture, axes: Sequence[Axes], has_title: bool = True, is_own: bool = False) -> None:
    """Draw each panel into its axes."""
    import matplotlib

    from losscli.plot.figure_labels import pixel_size
    from losscli.plot.figure_marks import PanelArtist

    counts: Counter[str] = Counter()
    for i, (panel, one) in enumerate(zip(picture.panels, axes, strict=True)):
        is_above_other = is_own and picture.is_stacked and i < len(axes) - 1
        inches = one.bbox.width * pixel_size(one) / 72
        title_width = int(
            72 * max(inches, PANEL_WIDTH * 0.85) / (1.1 * float(matplotlib.rcParams["font.size"]) * EM_OF_BOLD)
        )
        PanelArtist(one, panel, counts).draw(not is_above_other, title_width if has_title else 0)
        if is_own and repeats_names(picture, i):
            one.tick_params(axis="y", labelleft=False)


def repeats_names(picture: Picture, i: int) -> bool:
    """Return whether the names beside a panel are those of the panel on its left, which then stand there alone."""
    names = [panel.y.categories for panel in picture.panels]
    return not picture.is_stacked and i > 0 and bool(names[i]) and names[i] == names[i - 1]


def figure_size(picture: Picture, has_words: bool = True) -> tuple[float, float]:
    """Return the width and the height of a figure in inches: both grow with what is written."""
    least = ONLY_PANEL_WIDTH if len(picture.panels) == 1 else PANEL_WIDTH
    widths = [least + inches_beside(panel, not repeats_names(picture, i)) for i, panel in enumerate(picture.panels)]
    heights = [inches_high(panel) for panel in picture.panels]
    if picture.is_stacked:
        most = max(panel.height for panel in picture.panels)
        width, height = max(widths), sum(max(PANEL_HEIGHT * panel.height / most, 0.9) for panel in picture.panels)
        height += 0.25 * len(heights)
    else:
        width, height = sum(widths), max(heights)
    if has_words:
        sentence, title = figure_words(picture, width)
        height += text_height(sentence, SENTENCE_SIZE) + text_height(title, 12)
    return width, height


def inches_beside(panel: Panel, has_names: bool) -> float:
    """Return the inches that names on the left and labels on the right of a panel take."""
    from losscli.plot.figure_axes import CATEGORY_LENGTH
    from losscli.plot.figure_marks import LABEL_LENGTH, interval_texts, listed_points

    named = {point.style for point in listed_points(panel.marks)}
    lines = [mark for mark in panel.marks if isinstance(mark, Line) and not (mark.is_reference or mark.style in named)]
    right = [min(cells_of_text(mark.label), LABEL_LENGTH) for mark in lines]
    right += [cells_of_text(text) for text in interval_texts(panel.marks).values()]
    left = [min(cells_of_text(name), CATEGORY_LENGTH) for name in panel.y.categories if has_names]
    return (max(right, default=0) + max(left, default=0)) * 9 * EM / 72


def inches_high(panel: Panel) -> float:
    """Return the height of a panel in inches."""
    n_intervals = sum(isinstance(mark, Interval) for mark in panel.marks)
    if panel.y.categories:
        return 1.1 + HEIGHT_PER_INTERVAL * max(n_intervals, len(panel.y.categories), 2)
    n_lines = sum(isinstance(mark, Line) and not mark.is_reference for mark in panel.marks)
    return max(PANEL_HEIGHT, 1.0 + HEIGHT_PER_LABEL * n_lines)


def figure_words(picture: Picture, width: float) -> tuple[str, str]:
    """Return the sentence in lines, and the title, unless a panel has the same one."""
    from losscli.plot.figure_labels import wrap

    characters = int(72 * width / (SENTENCE_SIZE * EM * 0.95))
    sentence = wrap(picture.sentence, characters)
    is_said = any(panel.title == picture.title for panel in picture.panels) or len(picture.panels) == 1
    return sentence, "" if is_said and picture.panels[0].title else wrap(picture.title, int(characters * 0.66))


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
