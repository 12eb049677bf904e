"""The site: pages of losses and commands say everything, the navigation has every page, and no link is dead."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import click
import pytest

from losscli import registry
from losscli.cli import COMMANDS
from losscli.declaration.loss import Loss
from tests.browser import Browser, find_chromium
from tests.conftest import ROOT
from tools.pages import assemble, check, commands, links, loss_examples, losses, text
from tools.pages.curves import Curve

yaml = pytest.importorskip("yaml")

CONFIG = ROOT / "mkdocs.yml"
LOSSES = [loss for family in losses.families().values() for loss in family]
CURVE = Curve("<svg></svg>", "it is flat")


class PlainLoader(yaml.SafeLoader):
    """Reads the configuration; what names a function of Python is its name."""


PlainLoader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: suffix)


@cache
def configuration() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(CONFIG.read_text(encoding="utf-8"), PlainLoader)
    return found


@cache
def generated() -> dict[str, str]:
    """Return the generated pages, without pictures and examples, which take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(losses, "example_of", lambda loss: "the example\n")
        pages = dict(losses.loss_pages({loss.name: CURVE for loss in LOSSES}))
    return pages | dict(commands.command_pages())


@cache
def all_pages() -> dict[str, Path | None]:
    """Return the files of the site by their paths, and where those come from that somebody wrote."""
    return dict.fromkeys(generated()) | assemble.written_files()


# ---------------------------------------------------------------------------------------------------- configuration


def test_the_configuration_is_plain() -> None:
    plugins = {name for entry in configuration()["plugins"] for name in ([entry] if isinstance(entry, str) else entry)}
    assert plugins == {"search", "mkdocstrings"}
    assert "hooks" not in configuration()
    assert configuration()["theme"]["font"] is False
    assert "analytics" not in configuration()["extra"]
    assert not [one for one in re.findall(r"https?://[^\s'\"]+", CONFIG.read_text()) if "losscli" not in one]


def test_the_configuration_asks_for_all_warnings() -> None:
    for part in configuration()["validation"].values():
        assert {*part.values()} == {"warn"}


def pages_of(entry: Any) -> Iterator[str]:
    """Yield the pages of an entry of the navigation."""
    if isinstance(entry, str):
        yield entry
    else:
        for below in entry if isinstance(entry, list) else entry.values():
            yield from pages_of(below)


def test_the_navigation_has_every_page_once() -> None:
    listed = list(pages_of(configuration()["nav"]))
    assert sorted(listed) == sorted(page for page in all_pages() if page.endswith(".md"))


def test_the_navigation_of_losses_and_commands_is_current() -> None:
    from tools import regenerate

    text = CONFIG.read_text(encoding="utf-8")
    assert regenerate.make_navigation(text) == text, regenerate.command_for("nav")


def test_translations_exist() -> None:
    for pair in configuration()["extra"]["translations"]:
        for page in pair.values():
            assert page.replace(".html", ".md") in all_pages()


# ------------------------------------------------------------------------------------------------------------ losses


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_a_page_says_what_a_loss_declares(loss: Loss) -> None:
    page = generated()[f"losses/{loss.name}.md"]
    assert f"\n# {loss.name}\n" in page
    assert f"\n{loss.formula}\n" in page
    assert CURVE.svg in page
    for alias in loss.aliases:
        assert alias in page
    for role in {role.name for form in loss.forms for role in form.roles} | {p.name for p in loss.parameters}:
        assert f"`{role}` |" in page
    for heading in ("Reads", "Gradient", "Properties", "Elsewhere", "References", "Try it"):
        assert f"\n## {heading}\n" in page or heading in ("Elsewhere", "References"), heading
    assert page.count("](https://") >= sum("doi:" in one or "arXiv:" in one for one in loss.references)


def test_pages_of_losses_link_to_each_other() -> None:
    page = generated()["losses/huber.md"]
    assert "[smooth_l1](smooth_l1.md)" in page
    assert "[tukey](tukey.md)" in page


def test_a_page_shows_names_of_other_libraries() -> None:
    page = generated()["losses/pseudo_huber.md"]
    assert "`mphe`" in page
    assert "`reg:pseudohubererror`" in page
    assert "`MSELoss`" in generated()["losses/mse.md"]


def test_a_loss_without_a_curve_says_why() -> None:
    loss = registry.find("medae")
    page = losses.loss_page(loss, Curve("", "medae has no curve: it is the median of all rows"), [loss])
    assert "No curve: medae has no curve: it is the median of all rows." in page
    assert "losscli explain medae" in page
    assert "losscli plot medae" not in page


def test_every_property_is_explained() -> None:
    rows = {cells[0] for page in generated().values() for cells in rows_of(page, "Properties")}
    assert rows == {*losses.MEANINGS}


def rows_of(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading."""
    found = re.search(rf"^## {heading}\n\n\|.*\n\| ---.*\n((?:\|.*\n)+)", page, re.MULTILINE)
    return [line.strip("| ").split(" | ") for line in found[1].splitlines()] if found else []


@pytest.mark.parametrize("name", ["mse", "deepid", "poly", "ctc"])
def test_an_example_is_what_the_command_prints(name: str) -> None:
    example = loss_examples.example_of(registry.find(name))
    assert re.search(rf"\$ losscli compute {name}\S* data.json\nloss .*\n─+\n{name}", example)
    assert "error" not in example


def test_the_list_has_each_loss() -> None:
    page = generated()["losses/index.md"]
    for loss in LOSSES:
        assert f"[{loss.name}]({loss.name}.md)" in page
    assert "均方误差" in page


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (
            "Huber 1964, doi:10.1214/aoms/1177703732",
            "[doi:10.1214/aoms/1177703732](https://doi.org/10.1214/aoms/1177703732)",
        ),
        (
            "A 2001, doi:10.1002/1097-0258(20000915)19:17<1>3.0.CO;2-5, p. 3",
            "(https://doi.org/10.1002/1097-0258%2820000915%2919:17%3C1%3E3.0.CO;2-5)",
        ),
        ("B 2018, arXiv:1807.03748", "[arXiv:1807.03748](https://arxiv.org/abs/1807.03748)"),
        ("C 1809, no number", "C 1809, no number"),
    ],
)
def test_references_are_links(reference: str, expected: str) -> None:
    assert expected in text.with_links(reference)


def test_text_of_the_source_has_no_meaning_in_markdown() -> None:
    assert text.plain("a_b *c* <d> [e] |f| ~") == r"a_b \*c\* &lt;d&gt; \[e\] \|f\| ~"


# ---------------------------------------------------------------------------------------------------------- commands


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_has_every_option(name: str) -> None:
    command = commands.commands()[name]
    page = generated()[f"reference/commands/{name}.md"]
    context = commands.context_of(name, command)
    for option in command.get_params(context):
        if not isinstance(option, click.Option) or option.hidden:
            continue
        anchor = max(option.opts, key=len)
        assert f"{{ #{anchor} }}" in page
        entry = page.partition(f"{{ #{anchor} }}")[2].partition("\n#")[0]
        assert option.multiple == ("Repeatable: yes" in entry)
        for choice in getattr(option.type, "choices", ()):
            assert f"`{choice}`" in entry
        default = option.get_help_extra(context).get("default") or re.search(r"\[default: (.*)\]", option.help or "")
        assert bool(default) == ("Default: " in entry)
    for example in re.findall(r"^ +(losscli .*)$", command.help or "", re.MULTILINE):
        assert f"\n{example}\n" in page


def test_a_section_has_its_options() -> None:
    page = generated()["reference/commands/compute.md"]
    headings = re.findall(r"^##+ .*$", page, re.MULTILINE)
    assert headings.index("## Gates") < headings.index("### `--fail-if` `CONDITION` { #--fail-if }")
    assert "mean, sum, median" not in page
    assert "- One of: `mean`, `sum`, `median`, `none`\n- Default: mean\n" in page


# ------------------------------------------------------------------------------------------------------------- links


def markdown_files() -> list[Path]:
    skipped = ("build", ".venv", ".git", "node_modules")
    found = [path for path in ROOT.rglob("*.md") if not {*path.relative_to(ROOT).parts[:1]} & {*skipped}]
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)]


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_of_the_repository(path: Path) -> None:
    assert list(check.problems_of_file(path, ROOT, all_pages())) == []


def test_dead_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/other.md").write_text("# A title, and more\n\n```\n# no heading\n```\n")
    page = tmp_path / "docs/page.md"
    page.write_text(
        "# Übersicht\n[a](other.md#a-title-and-more) [b](other.md#no-heading) [c](#übersicht)\n"
        "[d](gone.md) `[e](gone)`\n"
        "[f](losses/mse.md) [g](https://losscli.github.io/losscli/losses/mse.html) [h](https://example) <https://a.b/c>\n"
        f"[i]({links.ADDRESSES.site}losses/msee.html) [j]({links.ADDRESSES.repository}docs/page.md#übersicht)\n"
        f"[k]({links.ADDRESSES.raw}docs/x.svg)\n\n```sh\n[l](gone)\n```\n"
    )
    pages = {"losses/mse.md": None, "page.md": page}
    found = [problem.removeprefix("docs/page.md: ") for problem in check.problems_of_file(page, tmp_path, pages)]
    assert [problem.partition(": ")[0] for problem in found] == [
        "other.md#no-heading",
        "gone.md",
        "losses/mse.md",
        "https://example",
        f"{links.ADDRESSES.site}losses/msee.html",
        f"{links.ADDRESSES.raw}docs/x.svg",
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("../concepts/intervals.md#tails", "../concepts/intervals.md#tails"),
        ("../../CHANGELOG.md", "../changelog.md"),
        ("../../sample_data/README.md", f"{links.ADDRESSES.repository}sample_data/README.md"),
        (f"{links.ADDRESSES.site}losses/mse.html#formula", "../losses/mse.md#formula"),
        (f"{links.ADDRESSES.site}", "../index.md"),
        ("#here", "#here"),
        ("https://example.org/a(b)", "https://example.org/a(b)"),
    ],
)
def test_links_are_rewritten_for_the_site(target: str, expected: str) -> None:
    pages = {"concepts/intervals.md", "changelog.md", "losses/mse.md", "index.md", "how-to/ci.md"}

    def rewrite(one: str) -> str:
        return links.site_target(one, "how-to/ci.md", "docs/how-to/ci.md", pages)

    line = f"See [this]({target}), not `[this]({target})`.\n```\n[this]({target})\n```\n"
    assert links.rewrite_links(line, rewrite) == line.replace(f"({target}), not", f"({expected}), not", 1)


def test_rows_of_tables_link_to_losses() -> None:
    row = "| `mse` | `huber:delta=2`, `nothing` | `a\\|b` | [`mae`](x.md) |\n"
    assert assemble.row_of_site(row, "concepts/a.md", {"losses/mse.md", "losses/huber.md", "losses/mae.md"}) == (
        "| [`mse`](../losses/mse.md) | [`huber:delta=2`](../losses/huber.md), `nothing` | `a|b` | [`mae`](x.md) |\n"
    )


def test_problems_of_a_built_site_are_found(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.html").write_text(
        '<h1 id="top"></h1><p id="top"></p><a href="../c.html#x">x</a><img src="gone.png">'
    )
    (tmp_path / "c.html").write_text(
        '<a href="a/b.html#top">b</a><a href="a/d.html">d</a><script src="https://cdn.example.org/x.js"></script>'
        '<a href="https://example.org/">e</a><link rel="canonical" href="https://losscli.github.io/losscli/c.html">'
    )
    (tmp_path / "s.css").write_text(
        "@font-face { src: url(//fonts.example.org/f.woff2) } a { background: url(data:x) }"
    )
    assert sorted(check.problems_of_site(tmp_path)) == [
        "a/b.html: ../c.html#x: there is no such anchor",
        "a/b.html: gone.png: there is no such file",
        "a/b.html: the id 'top' stands twice",
        "c.html: a/d.html: there is no such file",
        "c.html: https://cdn.example.org/x.js: is loaded from the network",
        "s.css: //fonts.example.org/f.woff2: is loaded from the network",
    ]


# --------------------------------------------------------------------------------------------------------- the build


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site once for all processes of a run, and return its folder; $SITE is one that was just built."""
    if "SITE" in os.environ:
        return Path(os.environ["SITE"]).resolve()
    if any(find_spec(name) is None for name in ("mkdocs", "material", "mkdocstrings", "matplotlib")):
        pytest.skip("mkdocs-material is not installed")
    built = tmp_path_factory.getbasetemp().parent / f"site-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    with built.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            command = [sys.executable, "tools/site.py", "--strict"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert "WARNING" not in done.stderr
            built.touch()
    return ROOT / "build/site/html"


@pytest.fixture(scope="module")
def address(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the site on this machine, below the path that it has in the network."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "losscli").symlink_to(site, target_is_directory=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/losscli/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("there is no Chromium")
    found = Browser(chromium)
    yield found
    found.close()


def open_address(browser: Browser, page: str) -> None:
    """Open a page that a server has, and wait until it is loaded."""
    browser.send("Page.navigate", url="about:blank")
    browser.problems, browser.requests = [], []
    browser.send("Page.navigate", url=page)
    browser.evaluate(
        "new Promise(done => location.protocol === 'http:' && document.readyState === 'complete'"
        " ? done() : addEventListener('load', () => done()))"
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", ["index.html", "losses/huber.html", "losses/index.html", "zh/index.html", "404.html"])
def test_a_page_asks_nothing_of_the_network(page: str, browser: Browser, address: str) -> None:
    open_address(browser, address + page)
    assert [one for one in browser.requests if not one.startswith((address, "data:"))] == []
    assert browser.problems == []


@pytest.mark.slow
def test_a_page_opens_from_a_folder(browser: Browser, site: Path) -> None:
    browser.open(site / "losses/huber.html")
    assert [one for one in browser.requests if not one.startswith((site.as_uri(), "data:"))] == []
    assert browser.evaluate("document.querySelector('figure.curve svg').clientWidth") > 300


SEARCH = """new Promise(done => {{
  const field = document.querySelector(".md-search__input");
  const results = document.querySelector(".md-search-result__list");
  const look = () => {{
    const links = [...results.querySelectorAll(".md-search-result__item > a")].map(a => new URL(a.href).pathname);
    links.length ? done(links) : setTimeout(look, 100);
  }};
  field.focus();
  setTimeout(() => {{
    field.value = {query};
    for (const name of ["input", "keyup"]) field.dispatchEvent(new Event(name, {{bubbles: true}}));
    look();
  }}, 500);
}})"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "page"), [("均方误差", "mse"), ("cross entropy", "cross_entropy"), ("mphe", "pseudo_huber")]
)
def test_the_search_finds_a_loss_by_its_names(query: str, page: str, browser: Browser, address: str) -> None:
    open_address(browser, f"{address}index.html")
    found = browser.evaluate(SEARCH.format(query=json.dumps(query)))
    assert f"/losscli/losses/{page}.html" in found[:2]


@pytest.mark.slow
def test_the_list_of_losses_is_filtered(browser: Browser, address: str) -> None:
    open_address(browser, f"{address}losses/index.html")
    count = """(() => {
      const field = document.querySelector("#loss-filter input");
      field.value = "Smooth L1";
      field.dispatchEvent(new Event("input"));
      return document.querySelector("#loss-filter output").textContent;
    })()"""
    shown, all_ = map(int, re.findall(r"\d+", browser.evaluate(count)))
    assert 0 < shown < 5
    assert all_ == len(LOSSES)
