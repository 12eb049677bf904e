"""The command line: parse, call the pipeline, format. A command is imported when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from losscli.cli.command import SITE, IncompleteCommandError
from losscli.cli.shells import VARIABLE, answer
from losscli.cli.streams import OutputClosedError, discard_output
from losscli.errors import DataError, LosscliError
from losscli.messages import escape_controls
from losscli.shell import option
from losscli.signals import EndedBySignal, status_of_signal
from losscli.version import __version__

COMMANDS = {
    "compute": "compute",
    "compare": "compare",
    "recommend": "recommend",
    "list": "list_losses",
    "explain": "explain",
    "plot": "plot",
    "report": "report",
    "completion": "completion",
    "help": "help_command",
}
"""Command -> the module that holds it, under the name `command`."""

STATUS_INTERRUPTED, STATUS_BROKEN_PIPE, STATUS_BUG = 130, 141, 70


class LazyGroup(click.Group):
    """A group that imports a command when it is called."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise OutputClosedError from error

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what comes before the name of the command.

        Raises:
            click.UsageError: It is no option of the program.
        """
        typed = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            from losscli.cli.mistakes import option_before_command

            raise option_before_command(error, typed, tuple(COMMANDS)) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            command: click.Command = importlib.import_module(f"losscli.cli.{COMMANDS[cmd_name]}").command
            return command
        if ctx.resilient_parsing:
            return None
        from losscli.cli.mistakes import unknown_command

        raise unknown_command(cmd_name, ctx.obj or [cmd_name], tuple(COMMANDS))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the options."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)


@click.group(
    cls=LazyGroup,
    epilog=f"\b\n'losscli help COMMAND' explains a command, 'losscli explain LOSS' a loss.\n{SITE}",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", message="losscli %(version)s")
def cli() -> None:
    """Evaluate losses: the number, the rows behind it, and whether to believe it.

    \b
    Examples:
      losscli compute mse data.csv
      losscli compare --losses mse,mae,huber data.csv
      cat data.csv | losscli compute huber:delta=0.5 -f value
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status. Tracebacks are shown with `--debug` only."""
    if (instruction := os.environ.get(VARIABLE)) and arguments is None:
        return answer(cli, instruction)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # NumPy's BLAS starts a thread per processor, and they spin for a while before they sleep; there is little for them
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
    try:
        status = cli.main(args=arguments, prog_name="losscli", standalone_mode=False, obj=arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return int(status or 0)
    except (OutputClosedError, BrokenPipeError):
        discard_output()
        return STATUS_BROKEN_PIPE
    except (click.exceptions.Abort, KeyboardInterrupt):
        discard_output()
        return STATUS_INTERRUPTED
    except EndedBySignal:
        discard_output()
        raise
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return 2
    except IncompleteCommandError as error:
        sys.stderr.write(f"losscli: error: {error.format_message()}\n{error.details}")
        return error.exit_code
    except Exception as error:
        if (ended := status_of_signal()) is not None:  # Python wraps what is raised in some places
            discard_output()
            return ended
        message, status = describe_error(error)
        if "--debug" in arguments:
            import traceback

            traceback.print_exception(error)
        sys.stderr.write(f"losscli: error: {escape_controls(' '.join(message.split()))}\n")
        return status


def describe_error(error: Exception) -> tuple[str, int]:
    """Return the message and the exit status for an error."""
    if isinstance(error, click.ClickException):
        return error.format_message(), error.exit_code
    if isinstance(error, LosscliError):
        return error.message.word(option), error.exit_status
    if isinstance(error, OSError) and error.strerror:  # an error of the output has become an OutputError
        name = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
        return f"{name}cannot be read: {error.strerror}", DataError.exit_status
    if isinstance(error, MemoryError):
        return "not enough memory for this dataset", 3
    return f"{type(error).__name__}: {error} (a bug in losscli; --debug shows where)", STATUS_BUG
