"""Completion: what each kind of value may be, names of columns without reading data, and real shells."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from losscli import penalty, registry
from losscli.cli import cli as program
from losscli.cli import value_types
from losscli.cli.shells import SCRIPTS, answer, candidates, script_of
from losscli.cli.shells.bash_words import split_line
from losscli.cli.shells.resolve import TypedLine, offers
from losscli.data.column_peek import peek_columns
from losscli.declaration.domains import parameters
from losscli.statistics.bootstrap.options import CI_METHODS
from tests.conftest import ENVIRONMENT, ROOT, Cli
from tests.shells import InteractiveShell, install_program

BREAKS = " \t\n\"'@><=;|&(:"
"""The characters at which bash cuts words, unless somebody says otherwise."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = tmp_path / "files"
    (files / "sub dir").mkdir(parents=True)
    (files / "data.csv").write_text("label,prob one,y_pred,site\n1,2,3,a\n")
    (files / "my file.csv").write_text("y_true,y_pred\n1,2\n")
    (files / "it's.csv").write_text("quoted,y_pred\n1,2\n")
    (files / "preds.csv").write_text("y_pred\n1\n")
    (files / "classes.txt").write_text("a\nb\n")
    (files / "sub dir" / "inner.csv").write_text("u,v\n1,2\n")
    monkeypatch.chdir(files)
    return files


def values(line: str, after: str = "") -> list[str]:
    """Return what may come next, whole words; a file is shown as `<start>`."""
    *before, current = line.split(" ")
    items = offers(program, TypedLine(tuple(before), current, tuple(after.split())))
    return [f"{item.before or ''}<{item.value}>" if item.type == "file" else item.value for item in items]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("comp", ["compute", "compare", "completion"]),
        ("-", ["-V", "--version", "-h", "--help"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("nothing like it ", []),
        ("compute --he", ["--header", "--help"]),
        ("compute hub", ["huber"]),
        ("compute mse,hub", ["mse,huber"]),
        ("compute log_l", ["log_loss"]),
        ("compute huber,hu", []),
        ("compute huber:", ["huber:delta="]),
        ("compute mse,triplet:margin=1:d", ["mse,triplet:margin=1:distance="]),
        ("compute triplet:distance=", [f"triplet:distance={one}" for one in ("sqeuclidean", "euclidean", "cosine")]),
        ("compute log_loss:from_logits=", ["log_loss:from_logits=true", "log_loss:from_logits=false"]),
        ("compute focal:alpha=", ["focal:alpha=none"]),
        ("compute nothing:de", []),
        ("compute SmoothL1Loss:b", ["SmoothL1Loss:beta="]),
        ("compute mse,均方根误", ["mse,均方根误差"]),
        ("list rob", []),
        ("list reg", ["regression"]),
        ("help comp", ["compute", "compare", "completion"]),
        ("compute --unknown mse data.csv --nan ", ["error", "omit", "propagate"]),
        ("compute --unknown mse da", ["<da>"]),
        ("compare --losses mse,hub", ["mse,huber"]),
        ("compare --losses=mse,hub", ["--losses=mse,huber"]),
        ("compare --losses mse,huber -P ", ["delta="]),
        ("compare --losses mse,huber -Pd", ["-Pdelta="]),
        ("compute bce -P from_logits=t", ["from_logits=true"]),
        ("compute mse --penalty e", ["elastic_net:lambda="]),
        ("compute mse --penalty elastic_net:lambda=2:", ["elastic_net:lambda=2:ratio="]),
        ("explain mse,pseudo", ["mse,pseudo_huber"]),
        ("plot mse,welsc", ["mse,welsch"]),
        ("list --family reg", ["regression"]),
        ("compute mse data.csv --nan=o", ["--nan=omit"]),
        ("compute mse data.csv -j ", []),
        ("compute mse ", ["<>"]),
        ("compute mse y_p", ["<y_p>", "y_pred="]),
        ("compute mse y_pred=pr", ["y_pred=<pr>"]),
        ("compute triplet anc", ["<anc>", "anchor="]),
        ("compute mse -- -x", ["<-x>"]),
        ("compute mse -o o", ["<o>"]),
        ("compute mse -oo", ["-o<o>"]),
        ("compute mse --output=o", ["--output=<o>"]),
        ("compute mse --baseline b", ["<b>"]),
        ("compute mse --plugin p", ["<p>"]),
        ("compute mse --parameters p", ["<p>"]),
        ("compute mse --summary s", ["<s>"]),
        ("compute mse --classes @c", ["@<c>"]),
        ("compare --model new=p", ["new=<p>"]),
        ("compare --model p", ["<p>"]),
        ("compare --pred a --pred b --reference ", ["a", "b"]),
        ("compare data.csv --sort -val", ["-value"]),
        ("compare data.csv --sort diff", []),
        ("compare data.csv --pred a --pred b --sort diff", ["difference", "diff_low", "diff_high"]),
        ("compare data.csv --outliers ", ["mad:3.5", "iqr:1.5", "top:1%", "column:"]),
        ("compare data.csv --outliers column:si", ["column:site"]),
        ("compare data.csv --ci-method b", ["bca"]),
        ("recommend data.csv --target m", ["mean", "median"]),
        ("compute mse data.csv --true ", ["label", "prob one", "y_pred", "site"]),
        ("compute mse --true= data.csv --id ", ["label", "prob one", "y_pred", "site"]),
        ("compute mse y_pred=data.csv --weight s", ["site"]),
        ("compute mse data.csv --pred prob", ["prob one"]),
        ("compute mse data.csv --group-by site,", ["site,label", "site,prob one", "site,y_pred", "site,@file"]),
        ("compute mse data.csv --cluster @", ["@file"]),
        ("compute mse data.csv --column y_pr", ["y_pred="]),
        ("compute mse data.csv --column y_pred=label,s", ["y_pred=label,site"]),
        ("compare --model a=data.csv --model-column si", ["site"]),
        ("compute mse data.csv --no-header --true ", ["1", "2", "3", "4"]),
        ("compute mse data.csv --delimiter ; --true label", ["label,prob one,y_pred,site"]),
        ("compute mse s3://bucket/data.csv - --true ", []),
    ],
)
def test_what_may_come_next(folder: Path, line: str, expected: list[str]) -> None:
    assert values(line) == expected


def test_words_after_the_cursor_count(folder: Path) -> None:
    assert values("compute mse --true la", "data.csv") == ["label"]
    assert values("compute ", "data.csv")[:2] == ["mse", "mae"]


def test_every_loss_and_option_has_a_description() -> None:
    for line in ("compute ", "compute huber:", "compute --", "", "list --family "):
        *before, current = line.split(" ")
        assert all(item.help for item in offers(program, TypedLine(tuple(before), current))), line


def test_choices_are_those_that_the_parameters_take() -> None:
    entries = candidates.entries_by_name()
    for loss in (loss for loss in registry.all_losses() if loss.in_catalogue):
        for parameter, entry in zip(loss.parameters, entries[loss.name]["params"], strict=True):
            choices = candidates.choices_of(entry)
            domain = parameter.domain
            words = getattr(domain, "words", ("true", "false") if isinstance(domain, parameters.Flag) else ())
            assert choices == [*words, *["none"] * isinstance(domain, parameters.OrNone)]


def test_settings_of_penalties_and_methods_of_intervals_are_all_offered() -> None:
    settings = {name: tuple(one.name for one in parts) for name, (_, parts) in penalty.PENALTIES.items()}
    assert settings == candidates.SETTINGS_OF_PENALTIES
    assert set(value_types.INTERVAL_METHOD.words) == set(CI_METHODS) - {"auto"}


def test_each_option_of_text_says_what_it_takes() -> None:
    untyped = {
        parameter.opts[-1]
        for command in map(program.get_command, [click.Context(program)] * 9, program.list_commands(None))  # type: ignore[arg-type]
        if command is not None
        for parameter in command.params
        if type(parameter.type) is type(click.STRING) and not getattr(parameter, "hidden", False)
    }
    assert untyped == {"--decimal", "--comment", "--fail-if", "--scheduler", "--range", "--title"}
    kinds = [one for one in vars(value_types).values() if isinstance(one, value_types.CompletedText)]
    assert all(callable(getattr(candidates, one.kind)) for one in kinds)


# ------------------------------------------------------------------------------------------------------- columns


def column_files(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Write files of all kinds, and yield their names and columns."""
    frame = pa.table({"y_true": [1.0, 2.0], "prob a": [0.5, 0.25], "ü": ["x", "y"]})
    names = frame.column_names
    text = "y_true,prob a,ü\n1,0.5,x\n2,0.25,y\n"
    for name, data in {
        "a.csv": text,
        "bom.csv": "\ufeff" + text,
        "semicolons.csv": text.replace(",", ";"),
        "separator.csv": "sep=;\n" + text.replace(",", ";"),
        "comments.csv": "# by hand, twice\n\n" + text,
        "a.tsv": text.replace(",", "\t"),
        "quoted.csv": text.replace("prob a", '"prob a"'),
        "a.json": '{"y_true": [1, [2]], "prob a": ["]", "{"], "ü": []}',
        "records.json": '[{"y_true": 1, "prob a": 2, "ü": "x"}, {"y_true": 2}]',
        "split.json": '{"columns": ["y_true", "prob a", "ü"], "index": [0], "data": [[1, 2, 3]]}',
        "a.jsonl": '{"y_true": 1, "prob a": 2, "ü": "x"}\n{"y_true": 2}\n',
    }.items():
        (folder / name).write_text(data)
        yield name, names
    (folder / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    pq.write_table(frame, folder / "a.parquet")
    pyarrow.feather.write_feather(frame, folder / "a.feather")
    with pyarrow.ipc.new_stream(folder / "a.arrows", frame.schema) as stream:
        stream.write_table(frame)
    yield from ((name, names) for name in ("a.csv.gz", "a.parquet", "a.feather", "a.arrows"))
    nested = pa.table({"s": [{"a": 1, "b": {"c": [2]}}], "t": [1]})
    pq.write_table(nested, folder / "nested.parquet")
    yield "nested.parquet", ["s", "t"]
    (folder / "fold=0").mkdir()
    pq.write_table(nested, folder / "fold=0" / "part.parquet")
    yield "fold=*", ["s", "t", "fold"]
    np.savez(folder / "a.npz", y_true=np.zeros(2), y_pred=np.zeros(2))
    yield "a.npz", ["y_true", "y_pred"]
    np.save(folder / "a.npy", np.zeros(2, dtype=[("y_true", "f8"), ("y_pred", "f4", 2)]))
    yield "a.npy", ["y_true", "y_pred"]
    np.savetxt(folder / "a.txt", np.zeros((3, 2)), header="y_true y_pred")
    yield "a.txt", ["y_true", "y_pred"]
    wide = [f"column_{i}" for i in range(9000)]
    (folder / "wide.csv").write_text(",".join(wide) + "\n" + "1," * 8999 + "1\n")
    yield "wide.csv", wide
    (folder / "numbers.csv").write_text("1,2\n3,4\n")
    (folder / "damaged.parquet").write_bytes(b"PAR1....PAR1")
    (folder / "empty.csv").write_text("")
    os.mkfifo(folder / "pipe.csv")
    yield from ((name, []) for name in ("numbers.csv", "damaged.parquet", "empty.csv", "pipe.csv", "missing.csv", "-"))


def test_names_of_columns_are_read_of_every_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = {name: found for name, names in column_files(tmp_path) if (found := peek_columns([name], {})) != names}
    assert wrong == {}


# -------------------------------------------------------------------------------------------------------- shells


@pytest.mark.parametrize(
    ("line", "words", "rest"),
    [
        ("losscli compute hu", ["losscli", "compute"], "hu"),
        ("losscli compute mse ", ["losscli", "compute", "mse"], ""),
        ("losscli explain huber:de", ["losscli", "explain"], "de"),
        ("losscli compute mse 'my fi", ["losscli", "compute", "mse"], "my fi"),
        (r"losscli compute mse my\ fi", ["losscli", "compute", "mse"], r"my\ fi"),
        ('losscli compute mse "a b".csv y_pred="c d', ["losscli", "compute", "mse", "a b.csv"], "c d"),
        ("losscli compute mse d.csv 2> log --nan=", ["losscli", "compute", "mse", "d.csv"], ""),
    ],
)
def test_lines_of_bash_are_split_as_bash_does(line: str, words: list[str], rest: str) -> None:
    before, last = split_line(line, BREAKS)
    assert (before, last.quote_rest(last.text)) == (words, rest)
    assert not last.is_redirection
    assert split_line("losscli compute mse d.csv > o", BREAKS)[1].is_redirection


def test_a_tab_says_nothing_that_went_wrong(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for sent in ([], ["x", "compute"]):
        monkeypatch.setattr(sys, "argv", ["losscli", *sent])
        assert answer(program, "zsh_complete") == 1
    assert answer(program, "tcsh_complete") == 1
    assert capfd.readouterr() == ("", "")


def test_scripts_are_printed(cli: Cli) -> None:
    for shell in SCRIPTS:
        assert cli("completion", shell) == (0, script_of(shell), "")
    assert cli("completion", "tcsh") == (
        2,
        "",
        "losscli: error: no completion for 'tcsh': the shells are bash, zsh, fish\n",
    )
    how = cli("completion").out
    assert all(f"losscli completion {shell}" in how for shell in SCRIPTS)
    assert how.splitlines()[2] in cli("completion", "--help").out


def test_scripts_are_given_to_whoever_asks_as_of_click(capfd: pytest.CaptureFixture[str]) -> None:
    assert answer(program, "zsh_source") == 0
    assert capfd.readouterr().out == script_of("zsh")


def test_the_wheel_has_the_scripts_where_shells_look() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    shipped = {path.rpartition("/")[2] for path in build["targets"]["wheel"]["shared-data"]}
    assert set(SCRIPTS.values()) < shipped


def test_a_tab_imports_no_numbers(folder: Path) -> None:
    code = (
        "import sys; from losscli.cli import cli; from losscli.cli.shells import answer; answer(cli, 'zsh_complete');"
        "print([name for name in ('numpy', 'pandas', 'pyarrow', 'rich', 'losscli.registry') if name in sys.modules])"
    )
    for words in (["1", "compute", "mse,huber:de"], ["3", "compare", "data.csv", "--sort", "val"], ["3", "compute"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words, *["data.csv", "--true", "la"][: 3 * (len(words) < 3)]],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.endswith("[]\n")


LINES = {
    "losscli compu": "losscli compute ",
    "losscli compute mse,hub": "losscli compute mse,huber ",
    "losscli compute huber:de": "losscli compute huber:delta=",
    "losscli compute triplet:margin=1:distance=co": "losscli compute triplet:margin=1:distance=cosine ",
    "losscli compare --losses=mse,hub": "losscli compare --losses=mse,huber ",
    "losscli compute mse --nan=o": "losscli compute mse --nan=omit ",
    "losscli compute mse da": "losscli compute mse data.csv ",
    "losscli compute mse my": r"losscli compute mse my\ file.csv ",
    "losscli compute mse 'my": "losscli compute mse 'my file.csv' ",
    "losscli compute mse it": r"losscli compute mse it\'s.csv ",
    "losscli compute mse sub": r"losscli compute mse sub\ dir/",
    r"losscli compute mse sub\ dir/": r"losscli compute mse sub\ dir/inner.csv ",
    "losscli compute mse y_pred=my": r"losscli compute mse y_pred=my\ file.csv ",
    "losscli compute mse ~/in": "losscli compute mse ~/in_home.csv ",
    "losscli compute mse data.csv --output=cl": "losscli compute mse data.csv --output=classes.txt ",
    "losscli compute mse data.csv --classes @cl": "losscli compute mse data.csv --classes @classes.txt ",
    "losscli compare data.csv --model new=pre": "losscli compare data.csv --model new=preds.csv ",
    "losscli compute mse data.csv > cl": "losscli compute mse data.csv > classes.txt ",
    "losscli compute mse data.csv --true la": "losscli compute mse data.csv --true label ",
    "losscli compute mse data.csv --pred=prob": r"losscli compute mse data.csv --pred=prob\ one ",
    "losscli compute mse data.csv --pred 'prob": "losscli compute mse data.csv --pred 'prob one' ",
    "losscli compute mse data.csv --group-by label,si": "losscli compute mse data.csv --group-by label,site ",
    r"losscli compute mse my\ file.csv --true y_t": r"losscli compute mse my\ file.csv --true y_true ",
    "losscli compute mse it\\'s.csv --true q": "losscli compute mse it\\'s.csv --true quoted ",
    "cat data.csv | losscli compute hub": "cat data.csv | losscli compute huber ",
    "losscli compare data.csv --outliers column:si": "losscli compare data.csv --outliers column:site ",
}
"""What is typed before TAB, and what the line is then. Bash adds no blank where a comma may follow."""


@pytest.mark.slow
@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_completion_in_a_shell(folder: Path, tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    (tmp_path / "in_home.csv").write_text("a\n1\n")
    with InteractiveShell(shell, folder, install_program(tmp_path)) as terminal:
        for typed, expected in LINES.items():
            line = terminal.complete(typed)
            assert line.rstrip(" ") == expected.rstrip(" "), shell
            assert line == expected or shell == "bash", shell
        if shell != "fish":  # which tells nothing of the words after the cursor
            line = terminal.complete("losscli compute mse --true la data.csv", left=len(" data.csv"))
            assert line.startswith("losscli compute mse --true label")
        if shell != "bash":
            terminal.complete("losscli compute squared_")
            terminal.wait_for("excess of an error over epsilon")  # the description of a loss


@pytest.mark.slow
def test_completion_in_bash_that_cuts_words_elsewhere(folder: Path, tmp_path: Path) -> None:
    lines = ['eval "$(losscli completion bash)"', "COMP_WORDBREAKS=${COMP_WORDBREAKS//[:=@]}"]
    with InteractiveShell("bash", folder, install_program(tmp_path), *lines) as terminal:
        for typed in [*list(LINES)[:6], "losscli compute mse y_pred=my", "losscli compute mse data.csv --pred=prob"]:
            assert terminal.complete(typed).rstrip(" ") == LINES[typed].rstrip(" ")
