"""Open ZIP archives: those of one file are read as that file, those of arrays or sheets as what they are."""

from __future__ import annotations

import re
import zipfile
from typing import BinaryIO, NamedTuple, cast

from losscli.data.formats import TORCH_FILE
from losscli.data.remote import summarize_error
from losscli.errors import DataError

MAX_MEMBERS_SHOWN = 5

_NOT_DATA = re.compile(r"(?:^|/)(?:__MACOSX/|\.DS_Store$|\._)|/$")
"""What packers of macOS add, and folders."""


class Archive(NamedTuple):
    """What a ZIP archive is: `npz`, `excel`, or a file called `member` that is read from `stream`."""

    format: str | None
    member: str | None = None
    stream: BinaryIO | None = None


def open_archive(file: BinaryIO, name: str) -> Archive:
    """Return what an archive holds.

    Raises:
        DataError: It is damaged or encrypted, holds several files, or is a file of another program.
    """
    try:
        archive = zipfile.ZipFile(file)
        members = [info for info in archive.infolist() if not _NOT_DATA.search(info.filename)]
        names = [info.filename for info in members]
        kind = _program_format(names, name)
        if kind is not None:
            return Archive(kind)
        if any(info.flag_bits & 1 for info in members):
            raise DataError(f"{name}: is an encrypted ZIP archive; unpack it, and give the file in it")
        if len(members) == 1:
            return Archive(None, names[0], cast(BinaryIO, archive.open(members[0])))
    except DataError:
        raise
    except Exception as error:  # zipfile lets through whatever its decoders raise
        raise DataError(f"{name}: is not a ZIP archive, or is damaged ({summarize_error(error)})") from None
    if not names:
        raise DataError(f"{name}: is an empty ZIP archive")
    more = f" and {len(names) - MAX_MEMBERS_SHOWN} more" if len(names) > MAX_MEMBERS_SHOWN else ""
    shown = ", ".join(map(repr, names[:MAX_MEMBERS_SHOWN])) + more
    raise DataError(f"{name}: is a ZIP archive of {len(names)} files ({shown}); unpack it, and give one of them")


def _program_format(members: list[str], name: str) -> str | None:
    """Return the format of an archive that a program writes as its file, None of a plain one.

    Raises:
        DataError: The format is not read.
    """
    if any(member.startswith("xl/workbook.") for member in members) or {"mimetype", "content.xml"} <= {*members}:
        return "excel"
    if any(member == "data.pkl" or member.endswith("/data.pkl") for member in members):
        raise DataError(f"{name}: {TORCH_FILE}")
    if any(member.startswith("word/document") for member in members):
        raise DataError(f"{name}: is a Word document; save its table as CSV")
    is_zipped_npy = len(members) == 1 and name.lower().endswith(".zip")
    return "npz" if any(member.endswith(".npy") for member in members) and not is_zipped_npy else None
