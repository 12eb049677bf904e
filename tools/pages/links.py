"""Links in Markdown: rewritten for the site."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

FENCE = re.compile(r"^( {0,3}|\s+)(`{3,}|~{3,})")
LINK = re.compile(r"(`+).+?\1|(\]\()([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)((?:\s+\"[^\"]*\")?\))")


def rewrite_links(text: str, rewrite: Callable[[str], str]) -> str:
    """Return Markdown with the targets of its links rewritten; code is left as it is."""
    lines, fence = [], ""
    for line in text.splitlines(keepends=True):
        found = FENCE.match(line)
        if fence:
            if found and found[2].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif found:
            fence = found[2]
        else:
            line = LINK.sub(lambda link: link[0] if link[1] else f"{link[2]}{rewrite(link[3])}{link[4]}", line)  # noqa: PLW2901
        lines.append(line)
    return "".join(lines)


def site_target(target: str, page: str, source: str, pages: set[str], site: str, repository: str) -> str:
    """Return the target of a link as the site has it.

    Args:
        target: The target, as it is written.
        page: The path of the page below docs/.
        source: The path of the file in the repository that the link was written in.
        pages: All files of the site, by their paths below docs/.
        site: The address of the site, which pages of the repository link to for generated pages.
        repository: The address that files of the repository are below.
    """
    path, mark, anchor = target.partition("#")
    if path.startswith(site):
        inside = path.removeprefix(site).removesuffix("/") or "index.html"
        found = inside.removesuffix(".html") + ".md"
        return relative_to(found, page) + mark + anchor if found in pages else target
    if not path or re.match(r"[a-z][a-z+.-]*:|/", path):
        return target
    below_docs = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    if below_docs in pages and source.startswith("docs/"):
        return target
    in_repository = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    moved = MOVED.get(in_repository, in_repository.removeprefix("docs/"))
    if (in_repository in MOVED or in_repository.startswith("docs/")) and moved in pages:
        return relative_to(moved, page) + mark + anchor
    if in_repository.startswith(("docs/", "../")):
        return target  # mkdocs says that it is missing
    return f"{repository}{in_repository}{mark}{anchor}"


MOVED = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""File of the repository -> page."""


def relative_to(path: str, page: str) -> str:
    """Return a path below docs/ as a link of a page has it."""
    return posixpath.relpath(path, posixpath.dirname(page) or ".")
