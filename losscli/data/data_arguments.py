"""What is typed for DATA: the roles of files, and whether options of text fit them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from losscli.data.table import Table
from losscli.errors import UsageError

if TYPE_CHECKING:
    from losscli.data.sources import ReadOptions

_ROLE_AND_FILE = re.compile(r"([A-Za-z_]\w*)[=＝](.+)", re.DOTALL)


def check_text_options(tables: Sequence[Table], options: ReadOptions) -> None:
    """Raise a UsageError if an option says how to read text, and no table is text."""
    if not tables or any(table.format in ("csv", "tsv") for table in tables):
        return
    for name in ("header", "delimiter", "decimal", "comment"):
        if (value := getattr(options, name)) is not None:
            shown = str(value).lower() if isinstance(value, bool) else value
            problem = f"is for CSV and other text, and {tables[0].name} is {tables[0].format}"
            raise UsageError(problem, option=(name, shown))


def split_role(argument: str, roles: Sequence[str]) -> tuple[str | None, str]:
    """Return role and file of ROLE=FILE, or None and what is a file, a folder or a glob as a whole.

    Raises:
        UsageError: it is both.
    """
    match = _ROLE_AND_FILE.fullmatch(argument)
    is_file = os.path.exists(argument)
    if match is None:
        return None, argument
    role, path = match.groups()
    if role in roles and is_file and os.path.exists(path):
        raise UsageError(
            f"{argument}: is a file, and could mean {path} for {role}: type ./{argument} or {role}=./{path}"
        )
    is_glob_of_folders = role not in roles and "*" in path  # fold=*/part.csv
    return (None, argument) if is_file or is_glob_of_folders else (role, path)
