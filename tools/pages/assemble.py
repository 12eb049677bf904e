"""All pages of the site in one folder: those of docs/, the changelog, and those made from losses and commands."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from tools.pages import commands, losses
from tools.pages.curves import draw_curves
from tools.pages.links import MOVED, outside_of_blocks, relative_to, rewrite_links, site_target

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
SUFFIXES = (".md", ".svg", ".png", ".css", ".js", ".json")
"""Files of docs/ that are part of the site."""


def written_files() -> dict[str, Path]:
    """Return the files of the site that somebody wrote: path below docs/ -> file."""
    found = {
        path.relative_to(DOCS).as_posix(): path
        for path in sorted(DOCS.rglob("*"))
        if path.suffix in SUFFIXES and path.is_file()
    }
    return found | {page: ROOT / name for name, page in MOVED.items()}


def generated_pages(cache: Path) -> Iterator[tuple[str, str]]:
    """Yield the pages that are made from losses and commands: path below docs/, text."""
    names = [loss.name for family in losses.families().values() for loss in family]
    yield from losses.loss_pages(draw_curves(names, cache))
    yield from commands.command_pages()


def assemble(folder: Path, cache: Path) -> None:
    """Make a folder hold the files of the site and nothing else; a file that stays the same is not written."""
    generated = {path: text.encode() for path, text in generated_pages(cache)}
    wanted = generated | copied_files({*generated})
    for path, data in wanted.items():
        write_if_changed(folder / path, data)
    for found in sorted(folder.rglob("*"), reverse=True):
        if found.is_file() and found.relative_to(folder).as_posix() not in wanted:
            found.unlink()
        elif found.is_dir() and not any(found.iterdir()):
            found.rmdir()


def copied_files(generated: set[str]) -> dict[str, bytes]:
    """Return the files that somebody wrote, with links as the site has them."""
    written = written_files()
    pages = generated | {*written}
    return {page: file_of_site(page, path, pages) for page, path in written.items()}


def file_of_site(page: str, path: Path, pages: set[str]) -> bytes:
    """Return a file as the site has it."""
    if path.suffix != ".md":
        return path.read_bytes()
    source = path.relative_to(ROOT).as_posix()
    text = path.read_text(encoding="utf-8")
    text = rewrite_links(text, lambda target: site_target(target, page, source, pages))
    text = outside_of_blocks(text, lambda line: row_of_site(line, page, pages) if line.startswith("|") else line)
    if page in MOVED.values():
        text = f'---\nsource: "{source}"\n---\n\n{text}'
    return text.encode()


CODE = re.compile(r"(?<![\[`])`([^`\n]+)`(?![\]`])")


def row_of_site(line: str, page: str, pages: Collection[str]) -> str:
    """Return a row of a table as the site has it: losses are links, and | in code has no backslash."""

    def changed(found: re.Match[str]) -> str:
        loss = f"losses/{found[1].partition(':')[0]}.md"
        return f"[{found[0]}]({relative_to(loss, page)})" if loss in pages else found[0].replace("\\|", "|")

    return CODE.sub(changed, line)


def write_if_changed(path: Path, data: bytes) -> None:
    """Write a file unless it holds the same already: `mkdocs serve` builds again what is written."""
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
