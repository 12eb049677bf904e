"""What is wrong with links: those of files of the repository, and those of the built site. No address is asked for."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.pages.links import ADDRESSES, SCHEME, links_of, outside_of_blocks, page_of_site

HEADING = re.compile(r"^#{1,6} +(.*?)(?: *\{ *#([\w-]+)[^}]*\})? *#* *$")
MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[`*]|\{[^}]*\}|<[^>]*>")
NO_WORD = re.compile(r"[^\w\- ]")
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?", re.IGNORECASE)
STYLE_ADDRESS = re.compile(r"url\(\s*[\"']?([^)\"']+)")

LOADED = {"img": "src", "script": "src", "source": "src", "iframe": "src", "object": "data", "video": "src"}
"""Element -> the attribute whose address is loaded with the page."""

LINKS_THAT_LOAD = ("stylesheet", "icon", "preload", "prefetch", "preconnect", "modulepreload", "manifest")


# ------------------------------------------------------------------------------------------- files of the repository


def anchors_of(text: str) -> set[str]:
    """Return the anchors of the headings of Markdown, as code hosts and the site make them."""
    found: set[str] = set()

    def collect(line: str) -> str:
        if heading := HEADING.match(line):
            found.add(heading[2] or slug(heading[1]))
        found.update(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", line))
        return line

    outside_of_blocks(text, collect)
    return found


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    text = unicodedata.normalize("NFC", MARKUP.sub(lambda found: found[1] or "", heading))
    return NO_WORD.sub("", text.strip().lower()).replace(" ", "-")


def problems_of_file(path: Path, root: Path, pages: Mapping[str, Path | None]) -> Iterator[str]:
    """Yield what is wrong with the links of a Markdown file of the repository.

    Args:
        path: The file.
        root: The folder of the repository.
        pages: All files of the site by their paths below docs/, with the file that each comes from, if it has one.
    """
    source = path.relative_to(root).as_posix()
    for target in links_of(path.read_text(encoding="utf-8")):
        problem = _problem_of_target(target, path, root, pages)
        if problem:
            yield f"{source}: {target}: {problem}"


def _problem_of_target(target: str, path: Path, root: Path, pages: Mapping[str, Path | None]) -> str:
    where, _, anchor = target.partition("#")
    for address in (ADDRESSES.repository, ADDRESSES.raw, ADDRESSES.repository.replace("/blob/", "/tree/")):
        if where.startswith(address):
            return _problem_of_path(root / unquote(where.removeprefix(address)), anchor)
    page = page_of_site(target)
    if page is not None:
        if page not in pages:
            return "the site has no such page"
        file = pages[page]
        return _problem_of_path(file, anchor) if file else ""  # the site says what anchors a generated page has
    if SCHEME.match(target):
        return problem_of_address(target)
    if target.startswith("/"):
        return "is an absolute path"
    file = path if not where else path.parent / unquote(where)
    if not file.exists() and os.path.relpath(file, root / "docs") in pages:
        return f"is a generated page: write {ADDRESSES.site}..., so that code hosts find it, too"
    return _problem_of_path(file, anchor)


def _problem_of_path(file: Path, anchor: str) -> str:
    if not file.exists():
        return "there is no such file"
    if anchor and file.suffix == ".md" and anchor not in anchors_of(file.read_text(encoding="utf-8")):
        return "there is no such heading"
    return ""


def problem_of_address(target: str) -> str:
    """Return what is wrong with the form of an address of the network, or ''."""
    try:
        parts = urlsplit(target)
        port = parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme in ("mailto", "data"):
        return ""
    if parts.scheme not in ("http", "https"):
        return f"unknown scheme {parts.scheme!r}"
    is_local = parts.hostname in ("localhost", "127.0.0.1")
    if not (is_local or HOST.fullmatch(parts.netloc)) or (port is not None and not is_local):
        return f"no host: {parts.netloc!r}"
    return "a space in an address" if " " in target else ""


# ---------------------------------------------------------------------------------------------------- the built site


class Page(HTMLParser):
    """The anchors, links and loaded files of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.repeated: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self._style = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if name := values.get("id"):
            (self.repeated if name in self.anchors else self.anchors).add(name)
        if tag == "a":
            self.anchors.add(values.get("name", ""))
            self.links += [values["href"]] if "href" in values else []
        if tag == "link" and set(values.get("rel", "").split()) & {*LINKS_THAT_LOAD}:
            self.loaded.append(values.get("href", ""))
        if tag in LOADED and LOADED[tag] in values:
            self.loaded.append(values[LOADED[tag]])
        if values.get("srcset"):
            self.loaded += [part.split()[0] for part in values["srcset"].split(",")]
        self.loaded += STYLE_ADDRESS.findall(values.get("style", ""))
        self._style = tag == "style"

    def handle_data(self, data: str) -> None:
        if self._style:
            self.loaded += STYLE_ADDRESS.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self._style = False


def problems_of_site(folder: Path) -> list[str]:
    """Return what is wrong with the links of a built site, and what its pages would load from the network."""
    pages = {
        path.relative_to(folder).as_posix(): Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")
    }
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    found: list[str] = []
    for name, page in pages.items():
        found += [f"{name}: the id {one!r} stands twice" for one in sorted(page.repeated)]
        found += [
            f"{name}: {target}: {problem}"
            for target in dict.fromkeys(page.links)
            if (problem := _problem_of_link(target, name, pages, files))
        ]
        found += [
            f"{name}: {target}: {problem}"
            for target in dict.fromkeys(page.loaded)
            if (problem := _problem_of_loaded(target, name, files))
        ]
    for path in folder.rglob("*.css"):
        name = path.relative_to(folder).as_posix()
        for target in STYLE_ADDRESS.findall(path.read_text(encoding="utf-8")):
            if problem := _problem_of_loaded(target, name, files):
                found.append(f"{name}: {target}: {problem}")
    return found


def _problem_of_link(target: str, name: str, pages: Mapping[str, Page], files: Collection[str]) -> str:
    if target.startswith(ADDRESSES.site):
        target = posixpath.relpath(target.removeprefix(ADDRESSES.site) or "index.html", posixpath.dirname(name) or ".")
    if SCHEME.match(target):
        return problem_of_address(target)
    if target in ("", "."):
        return ""
    path, _, anchor = target.partition("#")
    file = resolved(path, name)
    if file not in files:
        return "there is no such file"
    if anchor and file in pages and unquote(anchor) not in pages[file].anchors:
        return "there is no such anchor"
    return ""


def _problem_of_loaded(target: str, name: str, files: Collection[str]) -> str:
    if target.startswith(("data:", "#")):
        return ""
    if SCHEME.match(target):
        return "is loaded from the network"
    return "" if resolved(target.partition("#")[0], name) in files else "there is no such file"


def resolved(path: str, name: str) -> str:
    """Return the file of the site that a link of a page leads to."""
    bare = unquote(path.partition("?")[0])
    if bare.startswith("/"):  # of the page for missing addresses, which is shown at any of them
        return bare.removeprefix(urlsplit(ADDRESSES.site).path)
    found = posixpath.normpath(posixpath.join(posixpath.dirname(name), bare)) if bare else name
    return posixpath.join(found, "index.html").removeprefix("./") if bare.endswith("/") or found == "." else found
