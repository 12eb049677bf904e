"""What each shell sends, and how it is told what may come next."""

from __future__ import annotations

import sys
from typing import Any

from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from losscli.cli.shells.bash_words import LastWord, split_line
from losscli.cli.shells.resolve import TypedLine, offers

CHARACTERS_OF_HELP = 100


class LossShell(ShellComplete):
    """A shell that sends how many words there are before the one at the cursor, and all words."""

    after: tuple[str, ...] = ()

    def get_completion_args(self) -> tuple[list[str], str]:
        number, *words = sys.argv[1:]
        before = int(number)
        self.after = tuple(words[before + 1 :])
        return words[:before], words[before] if words[before:] else ""

    def complete(self) -> str:
        """Return a line for each thing that may come next."""
        text = super().complete()
        return text and text + "\n"

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        items = offers(self.cli, TypedLine(tuple(args), incomplete, self.after))
        return [item for item in items if item.value.isprintable()]

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Return a line: kind, what comes before it in the word, the value, what a list shows, a description."""
        return "\t".join([item.type, item.before or "", item.value, item.shown or item.value, _first_sentence(item)])


class Zsh(LossShell):
    """Zsh, which quotes what is inserted by itself."""

    name = "zsh"


class Fish(LossShell):
    """Fish, which quotes what is inserted by itself, and sends the word at the cursor as typed."""

    name = "fish"

    def get_completion_args(self) -> tuple[list[str], str]:
        before, typed = super().get_completion_args()
        return before, next(iter(split_arg_string(typed)), "")


class Bash(LossShell):
    """Bash, which replaces what comes after the last of some characters in the word, and inserts it as it is."""

    name = "bash"
    last = LastWord("", "", 0, False)

    def get_completion_args(self) -> tuple[list[str], str]:
        line, rest, breaks = sys.argv[1:4]
        words, self.last = split_line(line, breaks)
        self.after = tuple(split_line(rest + " ", breaks)[0])
        return words[1:], self.last.text

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        if self.last.is_redirection:
            return [CompletionItem(incomplete, type="file")]
        return super().get_completions(args, incomplete)

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Return a line: kind, what the shell does not replace but must be given back, and the value, quoted."""
        before = item.before or ""
        if item.type == "file":
            kept = before[self.last.kept :]
            return f"{'unquoted' if kept and not self.last.quote else 'file'}|{kept}|{item.value}"
        return f"{item.type}||{self.last.quote_rest(before + item.value)}"


PROTOCOLS: dict[str, type[LossShell]] = {shell.name: shell for shell in (Bash, Zsh, Fish)}


def _first_sentence(item: CompletionItem[Any]) -> str:
    text = " ".join((item.help or "").split()).partition(". ")[0]
    return text if len(text) <= CHARACTERS_OF_HELP else text[: CHARACTERS_OF_HELP - 1] + "…"
