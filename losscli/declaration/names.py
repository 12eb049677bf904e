"""Names as people type them: which of the names that are known one is."""

from __future__ import annotations

import re
from collections.abc import Iterable

DASHES = r"\-\u2010-\u2015\u2212"
WORDS_FOR_LOSS = r"(?<=.)(?:loss(?:function)?|损失|函数)$"


def normalize_name(name: str) -> str:
    """Return a name as it is looked up: in lower case, with _ for spaces and dashes."""
    if name.isidentifier() and name.isascii():  # most are: no pattern is compiled
        return name.lower()
    return re.sub(rf"[\s{DASHES}]+", "_", half_width(name).strip().lower())


def half_width(text: str) -> str:
    """Return text with letters and punctuation in ASCII that Chinese input methods type in full width, as `：`.

    The comma of Chinese lists, `、`, is a comma, too.
    """
    if text.isascii():
        return text
    import unicodedata

    return unicodedata.normalize("NFKC", text).replace("、", ",")


def squash_name(name: str) -> str:
    """Return a name in lower case without spaces, dashes, underscores and accents: `smoothl1loss`."""
    squashed = re.sub(rf"[\s_{DASHES}]+", "", half_width(name).lower())
    if squashed.isascii():
        return squashed
    import unicodedata

    letters = unicodedata.normalize("NFD", squashed)
    return unicodedata.normalize("NFC", "".join(c for c in letters if not unicodedata.combining(c)))


def bare_name(name: str) -> str:
    """Return a squashed name without words for loss at its end: `loss`, `loss function`, 损失, 函数."""
    bare = squash_name(name)
    while (shorter := re.sub(WORDS_FOR_LOSS, "", bare)) != bare:
        bare = shorter
    return bare


def is_chinese(name: str) -> bool:
    """Return whether a name has Chinese characters."""
    return any("\u4e00" <= character <= "\u9fff" for character in name)


def matching_names(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that a name means: the first of these that finds some.

    They are the same; the same without separators; that without words for loss at the end of the name; and without
    them at the end of the known names, too. So `l2_loss` is not `l2` if both are known.
    """
    by_squashed: dict[str, list[str]] = {}
    for one in known:
        if one == name:
            return [one]
        by_squashed.setdefault(squash_name(one), []).append(one)
    bare = bare_name(name)
    for wanted in (squash_name(name), bare):
        if wanted in by_squashed:
            return by_squashed[wanted]
    return [one for squashed, several in by_squashed.items() if bare_name(squashed) == bare for one in several]
