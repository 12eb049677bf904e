"""Build the site: the pages of docs/, the changelog, a page for each loss and for each command.

    python tools/site.py [--strict] [--serve]

puts the pages together in build/site/docs, builds build/site/html from them with mkdocs (`pip install '.[docs]'`), and
checks its links. With --strict every warning is an error, as in `.ci/run`; --serve shows the site on this machine, and
follows changes of docs/.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "site"
SECONDS_BETWEEN_LOOKS = 1.0


def run_mkdocs(*arguments: str) -> int:
    """Run mkdocs, and return its exit status."""
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", *arguments, "--config-file", str(ROOT / "mkdocs.yml")]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def follow_changes() -> None:
    """Copy what changes in docs/ for as long as the site is shown."""
    from tools.pages.assemble import DOCS, copied_files, write_if_changed

    newest = 0.0
    while True:
        changed = max(path.stat().st_mtime for path in DOCS.rglob("*"))
        if changed > newest:
            newest = changed
            folder = BUILD / "docs"
            there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
            for path, data in copied_files(there).items():
                write_if_changed(folder / path, data)
        time.sleep(SECONDS_BETWEEN_LOOKS)


def main() -> int:
    """Build or show the site, and return the exit status."""
    parser = argparse.ArgumentParser(description="Build the site into build/site/html.")
    parser.add_argument("--strict", action="store_true", help="a warning is an error")
    parser.add_argument("--serve", action="store_true", help="show the site on this machine")
    options = parser.parse_args()
    missing = [name for name in ("mkdocs", "material", "mkdocstrings", "matplotlib") if find_spec(name) is None]
    if missing:
        print(f"{', '.join(missing)} not installed: pip install '.[docs]'", file=sys.stderr)
        return 2
    from tools.pages.assemble import assemble
    from tools.pages.check import problems_of_site

    assemble(BUILD / "docs", BUILD / "curves")
    strict = ["--strict"] if options.strict else []
    if options.serve:
        threading.Thread(target=follow_changes, daemon=True).start()
        return run_mkdocs("serve", *strict)
    if run_mkdocs("build", "--clean", *strict):
        return 1
    problems = problems_of_site(BUILD / "html") if options.strict else []  # otherwise mkdocs has said what is missing
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # losscli and tools of this checkout; and this file does not hide Python's own module site
    sys.exit(main())
