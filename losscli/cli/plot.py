"""The command `losscli plot`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from losscli.cli import options as shared
from losscli.cli.command import SectionCommand, SectionOption
from losscli.cli.interval_options import INTERVAL_OPTIONS
from losscli.cli.model_options import MODEL_OPTIONS
from losscli.cli.value_types import LOSSES, OUTLIER_RULE
from losscli.declaration.names import half_width
from losscli.errors import UsageError
from losscli.messages import number_of
from losscli.options import PICTURE_KINDS

if TYPE_CHECKING:
    from losscli.cli.output import Output
    from losscli.plot.pictures import Picture

FORMAT_OF_PICTURE = {".txt": "text", ".json": "json", ".svg": "svg", ".png": "png", ".pdf": "pdf"}
IMAGES = ("svg", "png", "pdf")

KIND_OPTION = SectionOption(
    "Evaluation", "--kind", type=click.Choice(PICTURE_KINDS), help="What to draw of the data.  [default: what fits]"
)
PLOT_OUTLIERS_OPTION = SectionOption(
    "Evaluation",
    "--outliers",
    type=OUTLIER_RULE,
    help="Rule for outlier rows: mad:3.5, iqr:1.5, top:1% or column:NAME.  [default: as in compare]",
)
OPTIONS_OF_DATA = [
    *shared.DATA_OPTIONS,
    shared.SERIES_OPTION,
    *MODEL_OPTIONS,
    KIND_OPTION,
    PLOT_OUTLIERS_OPTION,
    shared.GROUP_OPTION,
    *INTERVAL_OPTIONS,
    shared.JOBS_OPTION,
]
PICTURE_OPTIONS = [
    SectionOption(
        "Output",
        "-f",
        "--format",
        "format_",
        type=click.Choice(tuple(FORMAT_OF_PICTURE.values())),
        help="Output format: json holds the numbers of the picture; svg, png and pdf need matplotlib.  [default: text]",
    ),
    *(option for option in shared.OUTPUT_OPTIONS if option.name not in ("format_", "precision")),
]


@click.command(
    "plot",
    cls=SectionCommand,
    short_help="Draw losses: curves, or where a loss comes from.",
    params=[
        click.Argument(["losses"], type=LOSSES),
        shared.DATA_ARGUMENT,
        *shared.LOSS_OPTIONS,
        SectionOption("Losses", "--range", "range_", metavar="A:B", help="Ends of the x axis of curves, such as -3:3."),
        *OPTIONS_OF_DATA,
        *PICTURE_OPTIONS,
    ],
)
def command(losses: str, data: tuple[str, ...], **values: Any) -> int:
    """Draw LOSSES: their curves and gradients, or with DATA where they come from.

    Standard input is read if DATA is -, or if there is no DATA but an option that is about data, such as --kind.

    \b
    Examples:
      losscli plot mse,huber:delta=2,mae
      losscli plot mse data.csv --kind share
      losscli plot mse,mae data.csv --group-by site --ci 0.95 -o groups.svg
    """
    from losscli.cli.output import Output

    of_data = [] if data else list(options_typed(click.get_current_context()))
    has_data = bool(data or of_data)
    note = shared.NoteWriter(values["quiet"])
    read = data or (("-",) if has_data else ())
    output = Output.parse(values | {"precision": None}, read, FORMAT_OF_PICTURE, "text")
    check_image(output)
    bound = shared.parse_losses(losses, values)
    x_range = parse_range(values["range_"])
    if has_data and x_range is not None:
        beside = f"{of_data[0]} is about data: leave one out" if of_data else "leave it out, or leave out the data"
        raise UsageError(f"is for curves, which are drawn without data; {beside}", option=("range", values["range_"]))
    if of_data and not values["model_files"] and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError(f"{of_data[0]} is about data, and there is none: name a file, or pipe it in")
    if not has_data:
        from losscli.plot.curves import curves_picture

        write_picture(curves_picture(bound, x_range), output)
        note.release()
        if is_data_waiting():
            note(f"standard input is not read: 'losscli plot {losses} -' draws its data")
        return 0
    from losscli.cli.finish import finish
    from losscli.pipeline import plot
    from losscli.plot.kinds import PlotOptions

    options = shared.parse_options(values, models=values["preds"], outliers=values["outliers"])
    plot_options = PlotOptions(values["kind"], values["outliers"])
    open_sources = shared.open_files(data, values)
    picture = plot(bound, open_sources, options, plot_options, note, output.track(values["quiet"]))
    write_picture(picture, output)
    if picture.evaluation is None:
        note.release()
        return 0
    return finish(picture.evaluation, note, shown=picture.remarks)


def options_typed(context: click.Context) -> Iterator[str]:
    """Yield the options about data that were typed, with their dashes."""
    for option in OPTIONS_OF_DATA:
        if option.name and context.get_parameter_source(option.name) is click.core.ParameterSource.COMMANDLINE:
            yield max(option.opts, key=len)


def parse_range(text: str | None) -> tuple[float, float] | None:
    """Return the ends of `A:B`.

    Raises:
        UsageError: They are no numbers, or not in order.
    """
    if text is None:
        return None
    try:
        low, high = map(number_of, half_width(text).split(":"))
    except ValueError:
        raise UsageError("must be two numbers, as in -3:3", option=("range", text)) from None
    if not (abs(low) < float("inf") and abs(high) < float("inf")):
        raise UsageError("must be two finite numbers, as in -3:3", option=("range", text))
    from losscli.plot.curves import check_ends

    check_ends(low, high, text)
    return low, high


def check_image(output: Output) -> None:
    """Check that an image can be drawn, and that it does not go to a terminal.

    Raises:
        UsageError: It cannot.
    """
    if output.format not in IMAGES:
        return
    if output.path is None and output.style.width and output.format != "svg":
        raise UsageError(f"a terminal cannot show {output.format.upper()}: -o FILE.{output.format} writes it to a file")
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise UsageError(f"{output.format} is drawn by matplotlib, which is missing: pip install 'losscli[plot]'")


def write_picture(picture: Picture, output: Output) -> None:
    """Write a picture in the format asked for."""
    if output.format in IMAGES:
        from losscli.cli.matplotlib_settings import ignore_matplotlib_settings

        ignore_matplotlib_settings()
        from losscli.plot.figure import save_figure

        output.write_bytes(save_figure(picture, output.format))
        return
    if output.format == "json":
        import json

        text = json.dumps(picture.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    else:
        from losscli.plot.terminal import draw_text

        text = draw_text(picture, output.style.width or 80, output.style.colour)
    with output.open() as write:
        write(text)


def is_data_waiting() -> bool:
    """Return whether a file or a pipe that is standard input holds bytes that nobody has asked for."""
    import stat

    try:
        mode = os.fstat(0).st_mode
        if sys.stdin is None or sys.stdin.fileno() != 0 or not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            return False
        import fcntl
        import termios

        waiting = fcntl.ioctl(0, termios.FIONREAD, bytes(4))
    except (ImportError, OSError, ValueError):
        return False
    return int.from_bytes(waiting, sys.byteorder) > 0
