"""What the symbols of formulas stand for: those of a loss that a text uses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

WORD = re.compile(r"[^\W\d_]\w*'*")
SUPERSCRIPTS = str.maketrans("", "", "²³")
NOTATION = {
    "[...]": ("1 where it holds, else 0", re.compile(r"\[[^]]*(?:=|<|>| in )[^]]*\](?!\+)")),
    "[...]+": ("max(0, ...)", re.compile(r"\]\+")),
    "·": ("the inner product", re.compile("·")),
}
"""Notation of all formulas that is no word: what it means, and a pattern that finds it."""


def words_of(text: str, names: Collection[str], symbols: Collection[str] = ()) -> Iterator[str]:
    """Yield the words of a formula that are no names of roles or parameters, and what they are made of.

    `p_c` is made of `p` and `c` and `z'` of `z` and `'`, unless it is a symbol itself.
    """
    for word in WORD.findall(text.translate(SUPERSCRIPTS)):
        bare = word.rstrip("'")
        if word in symbols:
            yield word
        elif bare not in names:
            owner = next((name for name in names if bare.startswith(f"{name}_")), "")
            yield from [bare] if bare in symbols else filter(None, bare.removeprefix(owner).split("_"))
            if bare != word:
                yield "'"


def symbols_in(text: str, names: Collection[str], symbols: Mapping[str, str]) -> dict[str, str]:
    """Return the symbols that a formula uses, in the order of their declaration, with what they stand for."""
    used = set(words_of(text, names, symbols))
    found = {symbol: meaning for symbol, meaning in symbols.items() if symbol in used}
    return found | {sign: meaning for sign, (meaning, pattern) in NOTATION.items() if pattern.search(text)}
