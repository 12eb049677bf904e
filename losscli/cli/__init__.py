"""The command line: parses, calls the API, renders. Commands are imported when they are called."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from losscli import shell
from losscli.errors import LosscliError
from losscli.version import __version__

COMMANDS = {"compute": "compute", "compare": "compare", "recommend": "recommend", "list": "list_losses",
            "explain": "explain"}  # fmt: skip
"""Command -> the module that holds it, under the name `command`."""

CANNOT_WRITE = (errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS, errno.EDQUOT, errno.EBADF, errno.EIO)
INTERRUPTED, BROKEN_PIPE, BUG = 130, 141, 70


class OutputClosedError(Exception):
    """The reader of our output went away. No OSError: click would make status 1 of a broken pipe."""


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for it."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise OutputClosedError from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"losscli.cli.{COMMANDS[cmd_name]}")
        command: click.Command = module.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(_no_command(args[0]))
        return super().resolve_command(ctx, args)


def _no_command(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the commands are {', '.join(COMMANDS)}"
    return f"no such command: {name!r} ({hint})"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", message="losscli %(version)s")
def cli() -> None:
    """Evaluate losses: the number, the rows behind it, and whether to believe it.

    \b
    losscli compute mse data.csv
    losscli compare --losses mse,mae,huber data.csv
    cat data.csv | losscli compute huber:delta=0.5 -f value
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status; nothing that goes wrong shows a traceback without --debug."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # NumPy's BLAS starts a thread a processor, which spin for a while before they sleep: there is seldom work for them
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
    _write_utf8()
    try:
        status = cli.main(args=arguments, prog_name="losscli", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        return int(status or 0)
    except (OutputClosedError, BrokenPipeError):
        _discard_output()
        return BROKEN_PIPE
    except (click.exceptions.Abort, KeyboardInterrupt):
        _discard_output()
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return 2
    except click.ClickException as error:
        return _complain(_one_line(error.format_message()), error.exit_code, error, arguments)
    except LosscliError as error:
        return _complain(_one_line(error.message.word(shell.option)), error.exit_status, error, arguments)
    except OSError as error:
        if error.errno not in CANNOT_WRITE:
            return _bug(error, arguments)
        return _complain(f"cannot write the output: {error.strerror}", 2, error, arguments)
    except MemoryError as error:
        return _complain("not enough memory for this dataset", 3, error, arguments)
    except Exception as error:
        return _bug(error, arguments)


def _bug(error: Exception, arguments: Sequence[str]) -> int:
    text = _one_line(f"{type(error).__name__}: {error}")
    return _complain(f"{text} (a bug in losscli; --debug shows where)", BUG, error, arguments)


def _write_utf8() -> None:
    """Results are UTF-8 whatever the locale says, as files are."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    if encoding != "utf8" and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")


def _complain(message: str, status: int, error: BaseException, arguments: Sequence[str]) -> int:
    if "--debug" in arguments:
        import traceback

        traceback.print_exception(error)
    sys.stderr.write(f"losscli: error: {message}\n")
    return status


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _discard_output() -> None:
    """Point stdout at nothing, so that no flush at exit fails again."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return
