"""Nothing in the README and in docs/ is unproven: their examples are replayed as a reader would type them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from losscli.cli import COMMANDS
from tools import examples, regenerate

ROOT = Path(__file__).parent.parent
FAST = ("README.md", "CONTRIBUTING.md")
TRANSLATED = ("README.zh-CN.md", "docs/zh/tutorial.md", "docs/zh/which-loss.md")
"""Pages with the same blocks as English ones, which are replayed (test_readmes.py, test_pages.py)."""
PAGES = [
    pytest.param(name, id=name, marks=() if name in FAST else pytest.mark.slow)
    for name, page in ((regenerate.name_of(page), page) for page in examples.pages())
    if name not in TRANSLATED and examples.is_replayed(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("name", PAGES)
def test_examples_of(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert examples.replay(text, name) == text, regenerate.command_for(f"examples {name}")


def test_every_command_is_shown() -> None:
    shown = "".join(page.read_text(encoding="utf-8") for page in examples.pages())
    assert [command for command in COMMANDS if f"losscli {command}" not in shown] == []


@pytest.mark.slow
@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "pictures").iterdir()), ids=lambda path: path.name)
def test_a_picture_says_what_its_command_says_today(picture: Path) -> None:
    blocks = [block for page in examples.pages() for block in examples.blocks_of(page.read_text(encoding="utf-8"))]
    commands = set(re.findall(rf"losscli .* -o {picture.name}$", "".join(block.text for block in blocks), re.MULTILINE))
    with examples.new_session() as session:
        session.run(commands.pop(), must_succeed=True)
        drawn, shown = ((path / picture.name).read_text(encoding="utf-8") for path in (session.folder, picture.parent))
    assert not commands
    assert re.findall(r"<text.*>(.*)</text>", drawn) == re.findall(r"<text.*>(.*)</text>", shown)


PAGE = """\
```csv title="in/preds.csv"
y_true,y_pred
1,2
```

```sh
factor=3
cp in/preds.csv copy.csv
```

```console
$ tail -1 copy.csv; ls sample_data | head -1; echo "$factor"
1,2
README.md
3
$ cat <<'END'
> one
>
> two
> END
one

two
$ false
$ echo $?
1
```

=== "Indented"

    ```python title="mine.py"
    NUMBER = 5
    ```

    ```python
    import mine
    from pathlib import Path
    number = mine.NUMBER
    print(Path("made.txt").write_text("made"))
    ```

```python title="needs no_such_module and numpy"
import no_such_module
```

```console title="needs numpy"
$ cat made.txt; tput cols; [ -t 1 ] && echo terminal
made80
terminal
```

```python
assert number == 5
```

```bash
exit 1
```
"""


def test_a_page_is_one_session() -> None:
    stale = PAGE.replace("1,2\nREADME.md\n3\n", "stale\n").replace("$?\n1\n", "$?\n").replace("\none\n\ntwo\n", "\n")
    assert stale.count("\n") == PAGE.count("\n") - 6
    assert examples.replay(stale) == PAGE


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("```sh\necho begun\nfalse\necho not reached\n```\n", r"page, line 3: the command failed:\n.*\nbegun\n$"),
        ("```sh\nif\n```\n", "line 3: .*syntax error"),
        ("```console\n$ exit 3\n```\n", "line 3: the command ended the shell"),
        ("```python\n1 + 1\nassert 1 == 2\n```\n", r"line 3: .*page\", line 5, in <module>\n.*AssertionError"),
    ],
)
def test_an_example_that_fails_is_named_with_its_line(block: str, message: str) -> None:
    with pytest.raises(examples.ExampleError, match=f"(?s){message}"):
        examples.replay("Text.\n\n" + block)
