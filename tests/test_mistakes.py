"""Command lines that are wrong: each says what to type instead. And the help that shows how."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from losscli.cli import COMMANDS
from losscli.messages import close_names, did_you_mean, did_you_mean_path
from tests.conftest import ENVIRONMENT, LOSSCLI, Cli

DATA = "y_true,y_pred\n1,2\n2,2\n3,5\n"


@pytest.fixture(autouse=True)
def files(cli: Cli) -> None:
    """Write data into the empty folder of a test."""
    for name in ("data.csv", "file.csv"):
        Path(name).write_text(DATA)


# ---------------------------------------------------------------------------------------------- what was meant

MEANT = {
    "mse data.csv": "'mse' is a loss, not a command: losscli compute mse data.csv",
    "mse,mae data.csv --top 2": "'mse,mae' are losses, not a command: losscli compute mse,mae data.csv --top 2",
    "huber:delta=1 data.csv": "losscli compute huber:delta=1 data.csv",
    "l2 data.csv -f json": "'l2' is a loss, not a command: losscli compute l2 data.csv -f json",
    "mse mae data.csv": "losscli compute mse,mae data.csv",
    "mse": "losscli compute mse data.csv computes it, losscli explain mse explains it",
    "mse --help": "losscli explain mse explains it",
    "data.csv": "'data.csv' is a file, not a command: losscli compute mse data.csv; losscli recommend data.csv says",
    "data.csv mae": "losscli compute mae data.csv",
    "mes data.csv": "no such command: 'mes' (did you mean losscli compute mse data.csv?)",
    "mphe data.csv": "no such command: 'mphe' (did you mean losscli compute pseudo_huber data.csv?)",
    "accuracy data.csv": "no such command: 'accuracy'; unknown loss: 'accuracy' (",
    "mean squared error data.csv": "quote a name that has spaces: losscli compute 'mean squared error' data.csv",
    "compute mean squared error data.csv": "has spaces: losscli compute 'mean squared error' data.csv",
    "compute focal loss data.csv --top 1": "has spaces: losscli compute 'focal loss' data.csv --top 1",
    "compare --losses smooth l1 loss,mae data.csv": "losscli compare --losses 'smooth l1 loss,mae' data.csv",
    "compute 均方误差 平均绝对误差 data.csv": "join losses by commas: losscli compute '均方误差,平均绝对误差' data.csv",
    "compar data.csv": "no such command: 'compar' (did you mean 'compare'?)",
    "xyzzy": "the commands are compute, compare",
    "version": "type losscli --version",
    "help compote": "(did you mean 'compute'?)",
    "help huber": "losscli explain huber explains it",
    "help compute compare": "unexpected extra argument (compare); 'losscli help help' shows its arguments",
    "compute help": "'losscli help compute' shows the help",
    "compute mse mae data.csv": "join losses by commas: losscli compute mse,mae data.csv",
    "compute mse mae huber:delta=2 data.csv --top 3 -qf json": "mse,mae,huber:delta=2 data.csv --top 3 -qf json",
    "compute mse, mae data.csv": "join losses by commas: losscli compute mse,mae data.csv",
    "compute mse , mae data.csv": "join losses by commas: losscli compute mse,mae data.csv",
    "compute mse ,mae data.csv": "join losses by commas: losscli compute mse,mae data.csv",
    "compute mse mae data.csv --pred mae": "losscli compute mse,mae data.csv --pred mae",
    "compare --losses mse mae data.csv": "join losses by commas: losscli compare --losses mse,mae data.csv",
    "compare data.csv --losses=mse mae": "join losses by commas: losscli compare --losses mse,mae data.csv",
    "report --losses mse mae data.csv -o r.html": "losscli report --losses mse,mae data.csv -o r.html",
    "compare mse mae data.csv": "'losscli compare --losses mse,mae data.csv'",
    "report data.csv mse mae": "'losscli report --losses mse,mae data.csv -o report.html'",
    "plot mse mae": "join losses by commas: losscli plot mse,mae",
    "plot mse mae data.csv": "join losses by commas: losscli plot mse,mae data.csv",
    "explain mse mae": "join losses by commas: losscli explain mse,mae",
    "explain mse data.csv": "data.csv: explain reads no data; leave it out, as in losscli explain mse",
    "explain data.csv": "data.csv is a file, not a loss",
    "recommend mse data.csv": "mse is a loss, and recommend takes none: losscli recommend data.csv",
    "compute data.csv mse": "losses come before the data, as in losscli compute mse data.csv",
    "compute data.csv mse --top 1": "as in losscli compute mse data.csv --top 1",
    "compute data.csv": "as in losscli compute mse data.csv",
    "compute none.csv mse,mae": "as in losscli compute mse,mae none.csv",
    "compute *.csv mse": "as in losscli compute mse '*.csv'",
    "compute . mse": ". is a folder, not a loss: losses come before the data, as in losscli compute mse .",
    "plot data.csv mse": "as in losscli plot mse data.csv",
    "compute --losses mse data.csv": "--losses is an option of compare and report; losses come before the data, "
    "as in losscli compute mse data.csv",
    "compute data.csv --loss=mae": "as in losscli compute mae data.csv",
    "explain --losses mse": "losses come without an option, as in losscli explain mse",
    "compare data.csv --loss mse": "no such option: --loss (did you mean --losses?)",
    "compare data.csv --metrics mse": "(did you mean --losses?)",
    "compute mse data.csv --per_sample": "no such option: --per_sample (did you mean --per-sample?)",
    "compute mse data.csv --groupby y_true": "(did you mean --group-by?)",
    "compute mse data.csv --GROUP-BY y_true": "(did you mean --group-by?)",
    "compute mse data.csv --y-true y_true": "(did you mean --true?)",
    "compute mse data.csv --json": "(did you mean --format json?)",
    "compute mse data.csv --kind share": "no such option: --kind; it is an option of plot",
    "compute mse data.csv --leader-board": "(did you mean --leaderboard? It is an option of compare)",
    "compute mse data.csv --xyzzy": "'losscli help compute' lists the options",
    "compute mse data.csv -format json": "no such option: -format (did you mean --format? an option of several letters",
    "compute mse data.csv -output=x.json": "no such option: -output (did you mean --output?",
    "compute mse data.csv -per-sample": "no such option: -per-sample (did you mean --per-sample?",
    "compute mse data.csv —top 3": "no such option: —top (did you mean --top? it starts with a long dash)",
    "compute mse fiel.csv": "fiel.csv: no such file (did you mean file.csv?)",
    "compute mse data.csv --baseline dta.csv": "(did you mean data.csv?)",
    "compute mse data.csv --plugin dta.csv": "--plugin dta.csv: no such file (did you mean data.csv?)",
    "compute mse data.csv --classes @dta.csv": "(did you mean data.csv?)",
}


@pytest.mark.parametrize("line", MEANT)
def test_a_wrong_command_line_says_what_to_type(line: str, cli: Cli) -> None:
    result = cli(*line.split())
    assert result.out == ""
    assert result.status == (3 if "fiel.csv" in line or "--baseline" in line else 2)
    assert MEANT[line] in result.err
    assert len(result.err.splitlines()) == 1
    assert "a bug" not in result.err


def test_a_file_named_as_a_loss_is_data(cli: Cli) -> None:
    Path("mae").write_text(DATA)
    assert cli("compute", "mse", "mae", "-f", "value").status == 0
    assert cli("compute", "mse", "y_true=mae", "y_pred=mae", "--true", "y_true", "--pred", "y_pred").status == 0


def test_losses_may_be_given_by_several_options(cli: Cli) -> None:
    """The first was once left out in silence."""
    twice = cli("compare", "data.csv", "--losses", "mse", "--losses", "mae,huber", "-q")
    assert (twice.status, twice.out) == (0, cli("compare", "data.csv", "--losses", "mse,mae,huber", "-q").out)


def test_one_dash_and_letters_are_options_still(cli: Cli) -> None:
    assert (
        cli("compute", "mse", "data.csv", "-qfvalue").out == cli("compute", "mse", "data.csv", "-q", "-f", "value").out
    )
    assert cli("compare", "data.csv", "--losses", "mse,mae", "--sort", "-value").status == 0


def test_names_that_are_close() -> None:
    assert close_names("Y_TRUE", ["x", "y_true"]) == ["y_true"]
    assert did_you_mean("alpha", ["alhpa", "beta"]) == "did you mean 'alhpa'?"
    assert did_you_mean("alpha", ["beta"]) == ""
    assert did_you_mean_path(os.path.join("none", "data.csv")) == ""


# ------------------------------------------------------------------------------------------------------- nothing


@pytest.mark.parametrize("name", ["compute", "compare", "report", "plot", "explain"])
def test_a_command_alone_shows_three_examples(name: str, cli: Cli) -> None:
    result = cli(name)
    first, usage, heading, *examples, more = result.err.splitlines()
    assert (result.status, result.out, heading) == (2, "", "Examples:")
    assert first.startswith("losscli: error: ")
    assert usage.startswith(f"Usage: losscli {name} ")
    assert len(examples) == 3
    assert all(f"losscli {name} " in example for example in examples)
    assert f"losscli help {name}" in more


def test_nothing_to_read_shows_examples() -> None:
    for words in (["recommend"], ["compute", "mse"]):
        done = subprocess.run(
            [*LOSSCLI, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=ENVIRONMENT, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert len([line for line in done.stderr.splitlines() if line.startswith("  ")]) == 3


# --------------------------------------------------------------------------------------------------------- gates

UNQUOTED = {
    "--fail-if mse>0.5": "--fail-if 'mse>0.5'; the shell took > for itself, and sent the output to the file '0.5'",
    "--fail-if mse>=0.5": "quote the condition: --fail-if 'mse>=0.5'; the shell took >",
    "--fail-if mse > 0.5": "quote the condition: --fail-if 'mse>0.5'; the shell took >",
    "--fail-if mse.p95>3": "quote the condition: --fail-if 'mse.p95>3'; the shell took >",
    "--fail-if mse.change>2%": "quote the condition: --fail-if 'mse.change>2%'; the shell took >",
    "--fail-if mse[a]>1": "quote the condition: --fail-if 'mse[a]>1'; the shell took >",
    "--fail-if mse<7": "quote the condition: --fail-if 'mse<7'; the shell took < for itself, and read the file '7'",
    "--fail-if mse": "quote the condition: --fail-if 'mse>0.5'",
    "--fail-if mse '>' 0.5": "quote the condition: --fail-if 'mse>0.5'",
    "--fail-if mse 0.7": "quote the condition: --fail-if 'mse>0.7'",
    "--fail-if 'mse >' 0.7": "quote the condition: --fail-if 'mse >0.7'",
    "--fail-if 'mse>'": "quote the condition: --fail-if 'mse>0.5'",
}


def test_a_condition_without_quotes_is_hinted_at(tmp_path: Path) -> None:
    (tmp_path / "7").touch()
    program = shlex.join(LOSSCLI)
    for i, (typed, hint) in enumerate(UNQUOTED.items()):
        if i not in (0, 6):  # a process takes a quarter of a second
            continue
        script = f"{program} compute mse data.csv {typed}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, env=ENVIRONMENT, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("quote") == 1
        assert hint in done.stderr
    assert (tmp_path / "0.5").exists()  # a file of the user's may not be deleted


@pytest.mark.parametrize("typed", [typed for typed in UNQUOTED if not set(typed.replace("'>'", "")) & set("<>")])
def test_a_condition_without_a_comparison_is_hinted_at(typed: str, cli: Cli) -> None:
    assert UNQUOTED[typed] in cli("compute", "mse", "data.csv", *shlex.split(typed)).err


# ---------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_starts_with_examples_and_the_usual_options(name: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = cli("help", name)
    assert (result.status, result.err) == (0, "")
    assert result.out == cli(name, "--help").out
    lines = result.out.splitlines()
    examples = lines.index("  Examples:")
    assert all("losscli" in line for line in lines[examples + 1 : examples + 4])
    headings = [line for line in lines if line.endswith(":") and line[0] not in " "]
    if name == "completion":  # it ends with how to install it
        return
    if name != "help":
        assert headings[0] == "Usual options:"
        assert lines.index("Usual options:") < 24
    assert "losscli list" in lines[-2]
    assert lines[-1].strip().startswith("https://")
    assert max(map(len, lines)) <= 80


def test_help_alone_is_that_of_the_program(cli: Cli) -> None:
    assert cli("help").out == cli("--help").out
    assert cli("help", "help").status == 0
