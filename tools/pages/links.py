"""Links in Markdown: found, and rewritten for the site."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection
from typing import NamedTuple

FENCE = re.compile(r"^\s*(?:[-*] +)?(`{3,}|~{3,})")
LINK = re.compile(r"(`+).+?\1|(\]\()([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)((?:\s+\"[^\"]*\")?\))|(<)(https?:[^>\s]+)(>)")
"""Code, which is left alone; or a link or picture; or an address between < and >."""

SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
MOVED = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""File of the repository -> page of the site."""


class Addresses(NamedTuple):
    """Where things are: the site, files of the repository, and the same as bytes."""

    site: str = "https://losscli.github.io/losscli/"
    repository: str = "https://github.com/losscli/losscli/blob/main/"
    raw: str = "https://raw.githubusercontent.com/losscli/losscli/main/"


ADDRESSES = Addresses()


def outside_of_blocks(text: str, change: Callable[[str], str]) -> str:
    """Return Markdown with each line changed that is in no block of code."""
    lines, fence = [], ""
    for line in text.splitlines(keepends=True):
        found = FENCE.match(line)
        if fence:
            fence = "" if found and found[1].startswith(fence) and not line.strip().strip(fence[0]) else fence
            lines.append(line)
        elif found:
            fence = found[1]
            lines.append(line)
        else:
            lines.append(change(line))
    return "".join(lines)


def rewrite_links(text: str, rewrite: Callable[[str], str]) -> str:
    """Return Markdown with the targets of its links and pictures rewritten; code is left as it is."""

    def changed(link: re.Match[str]) -> str:
        if link[2]:
            return f"{link[2]}{rewrite(link[3])}{link[4]}"
        return f"{link[5]}{rewrite(link[6])}{link[7]}" if link[5] else link[0]

    return outside_of_blocks(text, lambda line: LINK.sub(changed, line))


def links_of(text: str) -> list[str]:
    """Return the targets of the links and pictures of Markdown."""
    found: list[str] = []
    rewrite_links(text, lambda target: found.append(target) or target)  # type: ignore[func-returns-value]
    return found


def page_of_site(target: str) -> str | None:
    """Return the page below docs/ that an address of the site is of, without its anchor; None for other addresses."""
    path = target.partition("#")[0]
    if not path.startswith(ADDRESSES.site):
        return None
    inside = path.removeprefix(ADDRESSES.site)
    if not inside or inside.endswith("/"):
        inside += "index.html"
    return inside.removesuffix(".html") + ".md" if inside.endswith(".html") else inside


def site_target(target: str, page: str, source: str, pages: Collection[str]) -> str:
    """Return the target of a link as the site has it.

    Args:
        target: The target, as it is written.
        page: The path of the page below docs/.
        source: The path of the file in the repository that the link was written in.
        pages: All files of the site, by their paths below docs/.
    """
    path, mark, anchor = target.partition("#")
    inside = page_of_site(target)
    if inside in pages:
        return relative_to(str(inside), page) + mark + anchor
    if not path or SCHEME.match(path) or path.startswith("/"):
        return target
    in_repository = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    inside = MOVED.get(in_repository, in_repository.removeprefix("docs/"))
    if inside in pages and (in_repository in MOVED or in_repository.startswith("docs/")):
        return relative_to(inside, page) + mark + anchor
    if in_repository.startswith(("docs/", "../")):
        return target  # mkdocs says that it is missing
    return f"{ADDRESSES.repository}{in_repository}{mark}{anchor}"


def relative_to(path: str, page: str) -> str:
    """Return a path below docs/ as a link of a page has it."""
    return posixpath.relpath(path, posixpath.dirname(page) or ".")
