"""Names as people type them: which of the names that are known one is."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence

DASHES = r"\-\u2010-\u2015\u2212"
WORD_FOR_LOSS = r"(?<=.)(?:(?<=loss)function|loss|损失|代价|函数)$"

CHINESE_MARKS = str.maketrans(dict(zip("、；。", ",,.", strict=True)) | dict.fromkeys("“”‘’「」"))


def normalize_name(name: str) -> str:
    """Return a name as it is looked up: in lower case, with _ for spaces and dashes."""
    if name.isidentifier() and name.isascii():  # most are: no pattern is compiled
        return name.lower()
    return re.sub(rf"[\s{DASHES}]+", "_", half_width(name).strip().lower())


def half_width(text: str) -> str:
    """Return text with letters, digits and punctuation in ASCII that Chinese input methods type in full width, as `：`.

    `、` and `；` are commas, too, and `。` is a full stop; quotes such as `“` are left out.
    """
    if all(c.isascii() or "\u4e00" <= c <= "\u9fff" or "α" <= c <= "ω" for c in text):  # without what takes a while
        return text
    import unicodedata

    return unicodedata.normalize("NFKC", text.translate(CHINESE_MARKS))


def equals_sign(text: str) -> str:
    """Return the first equals sign of a text: `=`, or `＝` of Chinese text."""
    return next((character for character in text if character in "=＝"), "=")


def names_in_list(text: str) -> list[str]:
    """Return the names of a list, joined by commas, also those of Chinese text."""
    return [name.strip() for name in text.replace("，", ",").split(",")]


@functools.lru_cache(maxsize=4096)  # the names of the catalogue, and those typed
def squash_name(name: str) -> str:
    """Return a name in lower case without spaces, dashes, underscores and accents: `smoothl1loss`."""
    squashed = re.sub(rf"[\s_{DASHES}]+", "", half_width(name).lower())
    if squashed.isascii():
        return squashed
    import unicodedata

    letters = unicodedata.normalize("NFD", squashed)
    return unicodedata.normalize("NFC", "".join(c for c in letters if not unicodedata.combining(c)))


@functools.lru_cache(maxsize=4096)
def bare_name(name: str) -> str:
    """Return a squashed name without words for loss at its end: `loss`, `loss function`, 损失, 函数."""
    return _without_words_for_loss(squash_name(name))[-1]


def _without_words_for_loss(squashed: str) -> list[str]:
    """Return a squashed name, and the same without the last word for loss, without the last two, ..."""
    found = [squashed]
    while (shorter := re.sub(WORD_FOR_LOSS, "", found[-1])) != found[-1]:
        found.append(shorter)
    return found


def is_chinese(name: str) -> bool:
    """Return whether a name has Chinese characters."""
    return any("\u4e00" <= character <= "\u9fff" for character in name)


def names_by_squashed(known: Iterable[str]) -> dict[str, list[str]]:
    """Return known names by what they are without separators, for `match_squashed`."""
    found: dict[str, list[str]] = {}
    for name in known:
        found.setdefault(squash_name(name), []).append(name)
    return found


def matching_names(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that a name means, as `match_squashed` does."""
    return match_squashed(name, names_by_squashed(known))


def match_squashed(name: str, by_squashed: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the known names that a name means: the first of these that finds some.

    They are the same; the same without separators; that without words for loss at the end of the name, one after the
    other; and without them at the end of the known names, too. So `l2_loss` is not `l2` if both are known.
    """
    squashed = squash_name(name)
    if name in by_squashed.get(squashed, ()):
        return [name]
    for wanted in _without_words_for_loss(squashed):
        if wanted in by_squashed:
            return list(by_squashed[wanted])
    bare = bare_name(name)
    return [one for key, names in by_squashed.items() if bare_name(key) == bare for one in names]
