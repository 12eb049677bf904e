"""Draw `compare.svg`, the screenshot in the README, from what `losscli compare` prints on a terminal.

Run from the root of the checkout: `python docs/render_screenshot.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COMMAND = "losscli compare --losses mse,mae,huber:delta=50 sample_data/tumours.csv"
SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px; }}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    """Run the command as on a colour terminal and draw its output."""
    words = COMMAND.split()
    run = subprocess.run(
        [sys.executable, "-m", *words, "-f", "table", "--color", "always"],
        env=os.environ | {"COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
    )
    with open(os.devnull, "w", encoding="utf-8") as null_file:
        console = Console(record=True, width=80, file=null_file, force_terminal=True)
        console.print(Text.assemble(("$ ", "bold green"), COMMAND))
        console.print(Text.from_ansi(run.stdout.decode()))
        svg = console.export_svg(title="losscli", theme=MONOKAI, code_format=SVG, unique_id="losscli")
    Path(__file__).with_name("compare.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
