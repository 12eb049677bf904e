"""recommend: what it says is true, what it recommends runs, and the command it prints runs as printed."""

from __future__ import annotations

import ast
import contextlib
import json
import math
import os
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

import losscli
from losscli.binding import bind_for_recommend, role_names
from losscli.data.sources import Sources
from losscli.data.table import ArraysTable
from losscli.options import EvaluationOptions
from losscli.recommend import rules
from losscli.recommend.advise import TO_TRY, Recommendation, advise, list_notes
from losscli.recommend.profile import profile_of
from losscli.recommend.residuals import EFFICIENT_DELTA, TRIED_DELTAS, Residuals, huber_centre
from losscli.recommend.rules.findings import Verdict, avoid, consider, use
from losscli.recommend.tasks import Task
from tests.conftest import Cli
from tests.recommend_cases import BESIDE, CASES, Arrays
from tests.recommend_data import DATA_SETS, DataSet, recommend_data_set
from tests.test_recommend_tasks import BY_TASK, FURTHER

TraceFunction = Callable[[FrameType, str, Any], Any]
SAMPLES = Path(__file__).parent.parent / "sample_data"
TUMOURS = str(SAMPLES / "tumours.csv")


@cache
def recommended(name: str, **more: object) -> Recommendation:
    """Recommend losses for a case, once for all tests."""
    return losscli.recommend(**CASES[name](), **more)


def said(found: Recommendation, loss: str) -> tuple[Verdict, str]:
    return next((a.verdict, a.reason) for a in found if a.loss == loss or a.bound.loss.name == loss)


def fact(found: Recommendation, key: str) -> object:
    return next(f.value for f in found.facts if f.key == key)


# ------------------------------------------------------------------------------------- every kind of data


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_what_is_recommended_runs(name: str) -> None:
    arrays, found = CASES[name](), recommended(name)
    for loss in found.losses:
        roles = {role for advice in found if advice.loss == loss for role in role_names([advice.bound])}
        read = {role: array for role, array in arrays.items() if role in roles}
        assert math.isfinite(losscli.compute(loss, **read).value), loss
    if found.losses:
        losscli.compare(found.losses, **{role: array[:60] for role, array in arrays.items()})


def test_what_is_said_to_refuse_refuses() -> None:
    refused = []
    for name, make in CASES.items():
        arrays, found = make(), recommended(name)
        has_labels = found.task is not Task.REGRESSION
        for advice in (*found, *(recommended(name, from_logits=True) if has_labels else ())):
            if advice.verdict is Verdict.REFUSED:
                refused.append((name, advice.loss))
                with pytest.raises(losscli.DataError):
                    losscli.compute(advice.loss, **arrays)
    assert {loss.partition(":")[0] for _, loss in refused} >= {"bce", "cross_entropy", "kl", "mape", "rmsle"}, refused


@pytest.mark.parametrize("name", CASES)
def test_documents_are_json(name: str) -> None:
    document = json.loads(json.dumps(recommended(name).to_dict(), allow_nan=False))
    assert {"schema_version", "data", "task", "facts", "losses", "command", "notes"} <= set(document)
    assert all(entry["reason"] and "nan" not in entry["reason"].split() for entry in document["losses"])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*is read as masks:UserWarning")
def test_every_rule_speaks_somewhere() -> None:
    """A rule that none of the cases reaches is not tested: one of them executes the line of every finding."""
    folder = Path(rules.__file__).parent
    start = f"{folder}{os.sep}"
    executed: set[tuple[str, int]] = set()

    def trace(frame: FrameType, _event: str, _argument: object) -> TraceFunction | None:
        file = frame.f_code.co_filename  # text is compared: most calls are of other files
        if not file.startswith(start):
            return None
        executed.add((file.removeprefix(start), frame.f_lineno))
        return trace

    of_numbers: list[dict[str, Any]] = [{"target": target} for target in ("mean", "median", "quantile:0.9")]
    of_tasks = [*(make for make, _ in BY_TASK.values()), *FURTHER.values()]
    for make in (*CASES.values(), *BESIDE.values(), *DATA_SETS.values(), *of_tasks):
        given = make()
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            if isinstance(given, DataSet):
                recommend_data_set(given)
                continue
            columns = {"weight": "weight"} if "weight" in given else None
            task = losscli.recommend(given, columns=columns).task
            for options in of_numbers if task in ("regression", "ratings") else [{"from_logits": True}]:
                with contextlib.suppress(losscli.DataError):  # no column of that quantile
                    losscli.recommend(given, columns=columns, **options)
        finally:
            sys.settrace(before)
    verdicts = {"use", "consider", "avoid", "refuse"}
    findings = {
        (file.name, node.lineno)
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Yield, ast.YieldFrom))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in verdicts)
    }
    assert len(findings) > 60
    assert findings - executed == set()


def test_the_first_finding_on_a_loss_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [avoid("mae", "first"), consider("mse", "second"), use("mae", "third")]
    monkeypatch.setitem(rules.RULES_OF_TASK, Task.REGRESSION, lambda d: iter(findings))
    found = losscli.recommend(**CASES["normal"]())
    said_of = {a.loss: a.reason for a in found}
    assert said_of == {"mse": "aims at the mean: second", "mae": "aims at the median: first"}


TASKS = {
    "regression": ["normal", "contaminated", "counts", "vectors", "three rows", "soft labels"],
    "binary": ["binary", "binary, signs", "binary, labels"],
    "binary from logits": ["binary, logits", "binary, linear"],
    "multi-label": ["multi-label"],
    "multi-label from logits": ["multi-label, logits"],
    "multi-class": ["classes", "classes, one-hot"],
    "multi-class from logits": ["classes, logits", "classes, one-hot logits"],
    "multi-class from log-probabilities": ["classes, log-probabilities"],
    "distributions": ["distributions"],
    "distributions from logits": ["distributions from logits"],
    "one distribution": ["one distribution"],
    "ratings": ["ratings"],
    "ranking": ["relevances"],
    "boxes": ["boxes", "boxes that miss"],
    "embeddings with classes": ["embeddings", "embeddings, each a class"],
    "embeddings with prototypes": ["prototypes"],
    "embeddings with centers": ["centers"],
    "pairs of embeddings with classes": ["verification"],
    "pairs of vectors": ["pairs", "pairs, far apart"],
    "distances of pairs": ["distances"],
    "ranked pairs": ["ranked pairs"],
    "triplets": ["triplets", "triplets, long"],
    "pairs of views": ["views"],
    "sequences": ["sequences"],
    "unclear": ["only zeros", "zeros and logits", "only ones, probabilities", "one row"],
}


@pytest.mark.parametrize(("task", "names"), TASKS.items(), ids=TASKS)
def test_tasks(task: str, names: list[str]) -> None:
    assert {name: recommended(name).task for name in names} == dict.fromkeys(names, task)


# ------------------------------------------------------------------------------------- the numbers are right


def mad_scale(e: np.ndarray) -> float:
    return float(np.median(np.abs(e - np.median(e)))) / 0.6745


def test_contaminated_data() -> None:
    arrays = CASES["contaminated"]()
    e = arrays["y_pred"] - arrays["y_true"]
    sd = mad_scale(e)
    far = np.abs(e - np.median(e)) / sd > 3.5
    found = losscli.recommend(**arrays)
    assert far.sum() == 40
    assert fact(found, "scale") == pytest.approx(sd)
    assert fact(found, "outliers") == pytest.approx(0.1)
    for loss, parameter, constant in (("huber", "delta", 1.345), ("tukey", "c", 4.685), ("cauchy", "c", 2.385)):
        advice = next(a for a in found if a.bound.loss.name == loss)
        assert advice.bound.params[parameter] == pytest.approx(constant * sd, rel=1e-3)
        assert advice.verdict in TO_TRY
    verdict, reason = said(found, "mse")
    assert verdict is Verdict.AVOID
    assert "40 of 400 rows (10 %) are outliers" in reason
    assert np.square(e[far]).sum() / np.square(e).sum() > 0.995
    assert fact(found, "target") == "median"
    mean = losscli.recommend(**arrays, target="mean")
    assert "over 99 % of the sum of squares" in said(mean, "mse")[1]


def test_clean_data() -> None:
    found = recommended("normal")
    assert said(found, "mse")[0] is Verdict.USE
    assert said(found, "mae")[0] is Verdict.CONSIDER
    assert not any(a.bound.loss.name in ("tukey", "cauchy", "quantile") for a in found)


def test_median_that_is_off() -> None:
    arrays = CASES["off centre"]()
    found = losscli.recommend(**arrays)
    share = float((arrays["y_true"] < arrays["y_pred"]).mean())
    advice = next(a for a in found if a.bound.loss.name == "quantile")
    assert advice.bound.params["tau"] == pytest.approx(share, abs=5e-4)


@pytest.mark.parametrize(("name", "power"), [("counts", 1.0), ("amounts", 2.0), ("claims", 1.5)])
def test_power_of_the_variance(name: str, power: float) -> None:
    arrays = CASES[name]()
    grown = Residuals(arrays["y_true"][:, None], arrays["y_pred"][:, None], None).variance_power
    assert grown is not None
    assert grown.power == pytest.approx(power, abs=3 * grown.error)
    # against the grid: the normal pseudo-likelihood, written down plainly
    e2, m = np.square(arrays["y_pred"] - arrays["y_true"]), arrays["y_pred"]
    grid = np.arange(0, 3, 0.01)
    best = grid[np.argmin([np.log(np.mean(e2 * m**-p)) + p * np.mean(np.log(m)) for p in grid])]
    assert grown.power == pytest.approx(best, abs=0.011)


def test_losses_of_amounts() -> None:
    assert said(recommended("counts"), "poisson_deviance")[0] is Verdict.USE
    assert said(recommended("amounts"), "gamma_deviance")[0] is Verdict.USE
    assert said(recommended("claims"), "tweedie_deviance:power=1.5")[0] is Verdict.USE
    assert not any("deviance" in a.loss for a in recommended("negative targets"))


def test_weights_of_rare_labels() -> None:
    arrays = CASES["binary, rare"]()
    rate = float(arrays["y_true"].mean())
    found = losscli.recommend(**arrays)
    assert said(found, f"focal:alpha={1 - rate:.4g}")[0] is Verdict.CONSIDER
    assert said(found, f"bce:pos_weight={(1 - rate) / rate:.4g}")[0] is Verdict.CONSIDER
    y = arrays["y_true"]
    alpha = next(a.bound.params["alpha"] for a in found if a.bound.loss.name == "focal")
    assert np.where(y == 1, alpha, 0).sum() == pytest.approx(np.where(y == 0, 1 - alpha, 0).sum(), rel=1e-3)


def test_weights_of_uneven_classes() -> None:
    arrays = CASES["classes, uneven"]()
    counts = np.bincount(arrays["y_true"].astype(int))
    advice = next(a for a in losscli.recommend(**arrays) if a.bound.params.get("class_weight"))
    assert advice.bound.params["class_weight"] == pytest.approx(600 / (4 * counts), rel=1e-3)


def test_logits_are_said_to_be_logits() -> None:
    found = recommended("binary, logits")
    assert found.losses[0] == "bce:from_logits=true"
    assert "of logits" in said(found, "bce:from_logits=true")[1]
    assert said(found, "bce")[0] is Verdict.USE  # the first of that name
    assert said(losscli.recommend(**CASES["binary"](), from_logits=True), "bce:from_logits=true")[0] is Verdict.USE


@pytest.mark.parametrize("value", [0.999999, 1.0000001, 1 - 1e-13])
def test_ranges_are_not_rounded_to_what_they_are_not(value: float) -> None:
    y = np.array([0.0, 1] * 20)
    found = losscli.recommend(y_true=y, y_pred=np.where(y == 1, value, 0.25))
    assert str(value) in next(f.text for f in found.facts if f.key == "predictions")


def test_weights_count_as_rows() -> None:
    arrays = CASES["contaminated"]()
    times = np.arange(400) % 3
    weighted = losscli.recommend(**arrays, weight=times)
    repeated = losscli.recommend(**{k: np.repeat(v, times) for k, v in arrays.items()})
    for key in ("scale", "outliers", "covered"):
        assert fact(weighted, key) == pytest.approx(fact(repeated, key), rel=2e-2)
    assert weighted.data.n_used == 266


# ------------------------------------------------------------------------------------- how steady a centre is


@pytest.mark.parametrize("delta", TRIED_DELTAS)
def test_centre_minimises_huber(delta: float) -> None:
    rng = np.random.default_rng(1)
    values, weight = rng.standard_t(2, size=101), rng.integers(1, 4, size=101).astype(float)
    c = huber_centre(values, weight, delta)
    assert np.clip(values - c, -delta, delta) @ weight == pytest.approx(0, abs=1e-9)
    huber = losscli.get_loss("huber", delta=delta)
    risks = [huber(values, np.full(101, c + step)) @ weight for step in (-1e-3, 0, 1e-3)]
    assert min(risks) == risks[1]


def test_the_mean_of_normal_residuals_is_steadiest() -> None:
    """Huber 1964: at 1.345 the centre has 1/0.95 times the variance of the mean; the median pi/2 times."""
    e = np.random.default_rng(2).normal(size=(20000, 1))
    r = Residuals(np.zeros_like(e), e, None)
    assert r.variance_ratio(math.inf) == pytest.approx(0.95, abs=0.03)
    assert r.median_variance_ratio == pytest.approx(math.pi / 2, rel=0.1)
    assert r.best_delta == EFFICIENT_DELTA


def test_a_small_delta_is_steadiest_where_tails_are_heavy() -> None:
    found = recommended("Laplace errors")
    usual, other = (a.bound.params["delta"] for a in found if a.name == "huber" and a.verdict in TO_TRY)
    assert usual == pytest.approx(1.345 * float(fact(found, "scale")), rel=1e-3)  # type: ignore[arg-type]
    assert other < usual


# ------------------------------------------------------------------------------------- what is unknown


def test_what_cannot_be_told() -> None:
    assert "too few rows" in " ".join(recommended("three rows").notes)
    assert "cannot show" in said(recommended("perfect"), "mse")[1]
    assert "no delta can be computed" in said(recommended("most residuals the same"), "huber")[1]
    assert "no model can be better" in " ".join(recommended("constant target").notes)
    assert "linear model" in " ".join(recommended("binary, linear").notes)
    assert recommended("binary, infinite logits").losses == []
    reason = "its value on this data is not a finite number"
    assert said(recommended("beyond squares"), "mse") == (Verdict.AVOID, reason)


def test_large_data_is_sampled() -> None:
    rng = np.random.default_rng(3)
    y = rng.normal(size=60_000)
    p = y + rng.normal(size=60_000)
    whole = losscli.recommend(y_true=y, y_pred=p)
    p[45_678] = 1e200  # one row, which the sample need not hold; but its square is infinite
    sources = Sources(ArraysTable("", "arrays", {"y_true": y, "y_pred": p}))
    dataset = bind_for_recommend(sources, EvaluationOptions(), lambda text: None)
    profile = profile_of(dataset, values_per_sample=20_000)
    advice = {a.loss: a.verdict for a in advise(profile)}
    assert "random sample of 20000 of 60000 rows" in next(list_notes(profile, []))
    assert profile.residuals.scale == pytest.approx(fact(whole, "scale"), rel=0.03)
    assert advice["mse"] is Verdict.AVOID
    assert advice["mae"] in TO_TRY


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y_true": [0, 1, 7], "y_pred": np.eye(3)}, "must hold class labels 0..2, but goes from 0 to 7"),
        ({"y_true": [1, 2, 3], "y_pred": np.eye(3)}, "labels start at 0: subtract 1"),
        ({"y_true": [0.5, 1, 2], "y_pred": np.eye(3)}, "with fractions"),
        ({"y_true": np.eye(3), "y_pred": [0, 1, 2]}, "shapes differ"),
        ({"y_true": [1, 2], "y_pred": [1.5, np.inf]}, "row 2: inf is not a finite number"),
        ({"y_true": [1, 2, -1e308], "y_pred": [1.5, 1, 1e308]}, "overflows"),
        ({"y_true": [1.0, 2]}, "no column for y_pred"),
    ],
)
def test_bad_data(arrays: Arrays, message: str) -> None:
    with pytest.raises(losscli.DataError, match=message.replace("(", r"\(")):
        losscli.recommend(**arrays)


def test_unknown_option() -> None:
    with pytest.raises(losscli.UsageError, match="unknown keyword 'delta'"):
        losscli.recommend(y_true=[1], y_pred=[1], delta=2)


# ------------------------------------------------------------------------------------- the command line


def test_terminal_output(cli: Cli) -> None:
    result = cli("recommend", TUMOURS, "-f", "table")
    assert result.status == 0
    assert "use       gamma_deviance" in result.out
    assert "consider  huber:delta=95.11" in result.out
    assert "\n\nlosscli compare --losses" in result.out
    assert all(len(line) <= 80 or line.startswith("  gamma_deviance,mse") for line in result.out.splitlines())


def test_pipe(cli: Cli) -> None:
    result = cli("recommend", TUMOURS)
    header, *rows = [line.split("\t") for line in result.out.splitlines()]
    assert header == ["verdict", "loss", "reason"]
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), key=[str(v) for v in Verdict].index)
    assert "to compare them: losscli compare --losses gamma_deviance,mse,huber:delta=95.11" in result.err


@pytest.mark.parametrize("format", ["table", "tsv", "csv", "json", "jsonl", "markdown", "value"])
def test_formats(format: str, cli: Cli) -> None:
    result = cli("recommend", TUMOURS, "-f", format)
    assert result.status == 0
    assert "huber:delta=95.11" in result.out
    if format == "json":
        assert json.loads(result.out)["command"].startswith("losscli compare --losses gamma_deviance,")
    if format == "jsonl":
        assert all(json.loads(line)["verdict"] for line in result.out.splitlines())
    if format == "value":
        assert "mae" not in result.out.splitlines()


def test_quiet(cli: Cli) -> None:
    assert cli("recommend", TUMOURS, "-q").err == ""


def printed_command(cli: Cli, *arguments: str) -> list[str]:
    """The command that recommend prints, as a shell reads it."""
    return words_of(output(cli, "recommend", *arguments, "-f", "json"))


def words_of(document: str | bytes) -> list[str]:
    return shlex.split(json.loads(document)["command"])


def output(cli: Cli, *arguments: str) -> str:
    result = cli(*arguments)
    assert result.status == 0, result.err
    return result.out


def process(*arguments: str, stdin: bytes = b"") -> bytes:
    root = str(Path(__file__).parent.parent)
    command = [sys.executable, "-m", "losscli", *arguments]
    environment = os.environ | {"PYTHONPATH": root}
    return subprocess.run(command, input=stdin, capture_output=True, check=True, env=environment).stdout


WEIGHTED = b"a b;p;w;id\n1;2;1;x\n2;2.5;2;y\n4;;1;z\n3;1;0;u\n" + b"5;4;1;v\n" * 3

COMMANDS = {
    "a table": ["tumours.csv"],
    "columns": ["diabetes.parquet", "--pred", "forest"],
    "two files": ["diabetes_true.npy", "diabetes_pred.npy"],
    "roles": ["y_true=diabetes_true.npy", "y_pred=diabetes_pred.npy"],
    "classes": ["wine.csv"],
    "classes by pattern": ["wine.csv", "--pred", "prob_*"],
    "labels": ["breast_cancer.json"],
    "key": ["diabetes.csv", "--id", "id"],
}


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_the_printed_command_runs(arguments: list[str], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLES)
    command = printed_command(cli, *arguments)
    assert command[0] == "losscli"
    assert "\n" in output(cli, *command[1:])


def test_the_printed_command_has_the_options(cli: Cli) -> None:
    Path("it's data;.txt").write_bytes(WEIGHTED)
    options = shlex.split("--true 'a b' --pred p --weight w --nan omit --delimiter ';' --input-format csv")
    command = printed_command(cli, "it's data;.txt", *options)
    assert command[-1] == "it's data;.txt"
    assert set(options) <= set(command)
    assert output(cli, *command[1:])


def test_the_printed_command_names_a_column_that_reads_like_a_flag(cli: Cli) -> None:
    Path("data.csv").write_text("false,true,-x\n1,1.5,2\n2,2.5,3\n")
    command = printed_command(cli, "data.csv", "--true", "true", "--pred", "false", "--header")
    assert command[4:] == ["--true", "true", "--pred", "false", "--header", "data.csv"]
    assert output(cli, *command[1:])


def test_the_printed_command_for_a_pipe(cli: Cli) -> None:
    data = Path(TUMOURS).read_bytes()
    command = words_of(process("recommend", "-f", "json", stdin=data))
    assert cli(*command[1:], stdin=data).status == 0
    assert "give it to the command in the same way" in cli("recommend", stdin=data).err


def test_columns_that_compare_would_not_find(cli: Cli) -> None:
    """Labels with names in two sets of columns: the losses of labels look for numbered ones."""
    arrays = CASES["multi-label"]()
    names = ["cat", "dog", "cow", "pig", "hen"]
    header = ",".join([f"y_true_{n}" for n in names] + [f"y_pred_{n}" for n in names])
    np.savetxt("labels.csv", np.hstack([*arrays.values()]), delimiter=",", header=header, comments="")
    command = printed_command(cli, "labels.csv")
    assert "y_true_cat,y_true_dog,y_true_cow,y_true_pig,y_true_hen" in command
    assert output(cli, *command[1:])


def test_text_labels(cli: Cli) -> None:
    data = b"y,prob\nyes,0.9\nno,0.2\nyes,0.7\nno,0.4\n"
    assert "is not a number; --classes A,B" in cli("recommend", stdin=data).err
    result = cli("recommend", "--classes", "no,yes", stdin=data)
    assert result.out.splitlines()[1].startswith("use\tbce\t")
    assert "--classes no,yes" in result.err
    result = cli("recommend", "--classes", "no,yes,perhaps", stdin=data)
    assert (result.status, result.out) == (3, "")
    assert "there are 3 classes, but y_pred is one number per row" in result.err


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "message"),
    [
        (["nowhere.csv"], b"", 3, "nowhere.csv"),
        ([], b"a,b,c\n1,2,3\n", 3, "no column for y_true or y_pred, which a recommendation needs"),
        ([], b"y_true,y_pred\n1,\n2,3\n", 3, "--nan omit leaves them out"),
        (["--nan", "propagate"], b"y_true,y_pred\n1,\n2,3\n", 4, "every loss is NaN"),
        (["--nan", "omit"], b"y_true,y_pred\n1,\n,3\n", 4, "no row is left"),
        (
            ["--column", "anchor=y_true"],
            b"y_true,y_pred\n1,2\n",
            3,
            "no column for positive or negative, which triplet",
        ),
        (["--column", "nothing=y"], b"y_true,y_pred\n1,2\n", 2, "no loss here reads 'nothing'"),
        (["-o", "x.xyz"], b"y_true,y_pred\n1,2\n", 2, "names no format"),
        (["--weight", "w"], b"y_true,y_pred,w\n1,2,-1\n", 3, "is not a weight"),
    ],
)
def test_refusals(arguments: list[str], stdin: bytes, status: int, message: str, cli: Cli) -> None:
    result = cli("recommend", *arguments, stdin=stdin)
    assert (result.status, result.out) == (status, "")
    assert message in result.err.splitlines()[-1]


def test_nothing_to_recommend(cli: Cli) -> None:
    result = cli("recommend", stdin=b"y_true,y_pred\n" + b"0,inf\n1,1\n" * 20)
    assert result.status == 0
    assert "no loss is recommended" in result.err
    assert "to compare them" not in result.err


def test_api_of_a_path_and_a_frame() -> None:
    import pandas as pd

    found = losscli.recommend(TUMOURS)
    assert found.command == f"losscli compare --losses {','.join(found.losses)} {shlex.quote(TUMOURS)}"
    frame = losscli.recommend(pd.read_csv(TUMOURS), columns={"y_true": "y_true", "y_pred": "y_pred"})
    assert frame.command is None
    assert frame.losses == found.losses
    assert list(found.to_frame().index) == [advice.loss for advice in found]
    assert len(losscli.compare(found.losses, data=TUMOURS)) == len(found.losses)


def test_notes_are_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losscli.recommend(**CASES["three rows"]())


def test_start_is_quick() -> None:
    """Nothing of the recommendation is imported by other commands."""
    code = "import losscli.cli, sys; losscli.cli.run(['list']); assert 'losscli.recommend.rules' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, cwd=SAMPLES.parent)


def test_targets_that_are_mostly_zero() -> None:
    """The median of such targets is 0: what aims at it says nothing of the others."""
    verdicts = {
        advice.loss.partition(":")[0]: str(advice.verdict) for advice in losscli.recommend(CASES["mostly zeros"]())
    }
    assert verdicts["mae"] == verdicts["huber"] == "avoid"
    assert verdicts["mse"] in ("use", "consider")
