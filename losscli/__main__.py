"""`python -m losscli`, and the entry point of the `losscli` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; an interrupt at any moment ends with status 130."""
    try:
        from losscli.cli import run
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run())


if __name__ == "__main__":
    main()
