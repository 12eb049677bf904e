"""The words of a line of bash. The words that it sends itself are cut at `:` and `=`, and cannot be put together."""

from __future__ import annotations

import re
from typing import NamedTuple

_SPECIAL = re.compile(r"""([\s"'\\$`!&|;<>(){}\[\]*?#~])""")
"""Characters that mean something to the shell in a word without quotes."""


KEPT_WITH_WORD = "$@"
"""Characters that end a part of a word, but belong to what comes after them: readline's special prefixes."""


class LastWord(NamedTuple):
    """The word at the cursor.

    Attributes:
        text: The word without quotes.
        quote: The quote that is open, else empty.
        kept: How many characters of the text come before the part that the shell replaces.
        is_redirection: Whether it is a file that output goes to, or that input comes from.
    """

    text: str
    quote: str
    kept: int
    is_redirection: bool

    def quote_rest(self, text: str) -> str:
        """Return the part of a text that replaces the part of the word, quoted as the word is."""
        rest = text[self.kept :]
        if self.quote == "'":
            return rest.replace("'", "'\\''")
        if self.quote == '"':
            return re.sub(r'(["\\$`])', r"\\\1", rest)
        return _SPECIAL.sub(r"\\\1", rest)


def split_line(line: str, breaks: str) -> tuple[list[str], LastWord]:
    """Return the words of a simple command but the last, and the last one, which is empty after a blank.

    Redirections are left out. Nothing is expanded.

    Args:
        line: The line up to the cursor.
        breaks: The characters that end the part of a word that bash leaves alone.
    """
    words: list[str] = []
    text, quote, kept, has_begun, is_redirection = "", "", 0, False, False
    characters = iter(range(len(line)))
    for i in characters:
        sign = line[i]
        if quote:
            if sign == quote:
                quote, kept = "", len(text)
            elif sign == "\\" and quote == '"' and line[i + 1 : i + 2] in ('"', "\\", "$", "`"):
                text += line[next(characters)]
            else:
                text += sign
        elif sign in "\"'":
            quote, kept, has_begun = sign, len(text), True
        elif sign == "\\":
            if (following := next(characters, None)) is not None:
                text += line[following]
            has_begun = True
        elif sign.isspace() or sign in "<>":
            is_number = sign in "<>" and (text.isdigit() or text == "&")
            if has_begun and not is_number and not is_redirection:
                words.append(text)
            is_redirection = sign in "<>" or (is_redirection and not has_begun)
            text, kept, has_begun = "", 0, False
        else:
            text, has_begun = text + sign, True
            if sign in breaks:
                kept = len(text) - (sign in KEPT_WITH_WORD)
    return words, LastWord(text, quote, kept, is_redirection)
