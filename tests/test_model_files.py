"""Test the ways of naming models: a file each, patterns, long form, frames. All say what columns of one table say."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import losscli
from losscli.data import pivot
from losscli.data.model_sources import find_model_files, names_by_path, names_by_pattern
from losscli.errors import DataError, LosscliError, UsageError
from tests.conftest import Cli

RNG = np.random.default_rng(17)
N = 24
IDS = [f"k{i}" for i in range(N)]
Y = RNG.normal(size=N).round(3)
MODELS = {"a": (Y + RNG.normal(size=N) / 3).round(3), "b": (Y + RNG.normal(size=N) / 2).round(3), "c": Y.round(1)}
TRUTH = pd.DataFrame({"id": IDS, "y_true": Y, "site": ["north", "south", "east"] * (N // 3), "w": range(1, N + 1)})
WIDE = TRUTH.assign(**MODELS)
LONG = pd.concat([TRUTH.assign(model=m, y_pred=p) for m, p in MODELS.items()], ignore_index=True)
LONG = LONG[["model", *TRUTH, "y_pred"]]
SLOW = pytest.mark.slow
COMPARE = ("compare", "--losses", "mse,mae", "--resamples", "99", "--ci", "0.9", "--jobs", "1", "-f", "json")


def preds(model: str, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({**columns, "y_pred": MODELS[model]})


WRITE: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "jsonl": lambda frame, path: path.write_text("\n".join(map(json.dumps, frame.to_dict("records")))),
    "json": lambda frame, path: path.write_text(json.dumps(frame.to_dict("list"))),
    "npy": lambda frame, path: np.save(path, frame["y_pred"].to_numpy()),
    "npz": lambda frame, path: np.savez(path, y_pred=frame["y_pred"].to_numpy()),
}


def written() -> dict[str, str]:
    """Return the text of each file: all columns, the truth, and for each model a file in order and one in another."""
    texts = {"wide.csv": WIDE, "truth.csv": TRUTH, "long.csv": LONG}
    for i, model in enumerate(MODELS):
        texts[f"runs/{model}/preds.csv"] = preds(model, id=IDS, y_true=Y)
        texts[f"p_{model}.csv"] = preds(model)
        texts[f"s_{model}.csv"] = preds(model, id=IDS).sample(frac=1, random_state=i)
    return {name: frame.to_csv(index=False) for name, frame in texts.items()}


FILES = written()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with all files."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def numbers(text: str) -> dict[str, Any]:
    """Return a JSON result without what depends on the files and on whether rows have names."""
    found = json.loads(text)
    for entry in ("data", "notes"):
        found.pop(entry, None)
    text = json.dumps(found, default=str)
    without: dict[str, Any] = json.loads(text, object_hook=lambda o: {k: v for k, v in o.items() if k != "ids"})
    return without


@cache
def expected(*more: str) -> dict[str, Any]:
    """Return what columns of one table give."""
    options: dict[str, Any] = {"group_by": "site", "columns": {"weight": "w"}} if more else {}
    found = losscli.compare(["mse", "mae"], data=WIDE, models=["a", "b", "c"], resamples=99, ci=0.9, jobs=1, **options)
    return numbers(json.dumps(found.to_dict()))


# ------------------------------------------------------------------------------------- the same as columns


@pytest.mark.parametrize(
    "typed",
    [
        "truth.csv --model a=p_a.csv --model b=p_b.csv --model c=p_c.csv",
        "truth.csv --model p_*.csv",
        "--model runs/*/preds.csv",
        "truth.csv --model runs/*/preds.csv",
        "--model runs/a/preds.csv --model runs/b/preds.csv --model runs/c/preds.csv",
        "y_true=truth.csv --true y_true --model p_?.csv",
        "truth.csv --model s_*.csv --id id",
        "long.csv --model-column model --id id",
        "long.csv --model-column model",
        "truth.csv lean.csv --model-column model --id id",
        "y_true=truth.csv y_pred=shuffled.csv --model-column model --id id",
    ],
)
def test_every_way_gives_the_numbers_of_columns(files: Path, cli: Cli, typed: str) -> None:
    LONG[["model", "id", "y_pred"]].to_csv("lean.csv", index=False)
    heads = LONG.groupby("model").head(1)  # the first rows name the models in their order
    rest = LONG.drop(heads.index).sample(frac=1, random_state=3)
    pd.concat([heads, rest])[["model", "id", "y_pred"]].to_csv("shuffled.csv", index=False)
    result = cli(*COMPARE, *typed.split())
    assert result.status == 0, result.err
    assert numbers(result.out) == expected()


@pytest.mark.parametrize(
    "ending", ["parquet", "jsonl", "npy", "npz", *(pytest.param(e, marks=SLOW) for e in ("csv.gz", "json"))]
)
def test_every_format(files: Path, cli: Cli, ending: str) -> None:
    for model in MODELS:
        WRITE[ending](preds(model, id=IDS), files / f"f_{model}.{ending}")
    result = cli(*COMPARE, "truth.csv", "--model", f"f_*.{ending}")
    assert numbers(result.out) == expected()
    assert json.loads(result.out)["data"]["paths"] == ["truth.csv", *(f"f_{m}.{ending}" for m in MODELS)]


def test_groups_and_weights_come_from_the_truth(files: Path, cli: Cli) -> None:
    more = ("--group-by", "site", "--weight", "w")
    of_columns = expected(*more)
    LONG[["model", "id", "y_pred"]].to_csv("lean.csv", index=False)
    lean = "truth.csv lean.csv --model-column model --id id"
    for typed in ("truth.csv --model s_*.csv --id id", "long.csv --model-column model", lean):
        assert numbers(cli(*COMPARE, *typed.split(), *more).out) == of_columns


def test_weights_of_two_files_stand_in_one_of_them(files: Path, cli: Cli) -> None:
    result = cli("compute", "mse", "truth.csv", "p_a.csv", "--weight", "w", "-f", "value")
    assert float(result.out) == pytest.approx(np.average((MODELS["a"] - Y) ** 2, weights=TRUTH.w))
    wrong = cli("compute", "mse", "truth.csv", "p_a.csv", "--weight", "v")
    assert (wrong.status, wrong.out) == (3, "")
    assert "truth.csv: no column 'v'; the columns are id, y_true, site, w\n" in wrong.err


@SLOW
@pytest.mark.parametrize("typed", ["truth.npy --model f_*.npy", "truth.npy --model f_*.parquet"])
def test_threads_change_no_digit(files: Path, cli: Cli, typed: str) -> None:
    y = np.random.default_rng(1).normal(size=300_000)
    np.save("truth.npy", y)
    for i, model in enumerate("ab"):
        p = y + np.random.default_rng(i + 2).normal(size=len(y))
        np.save(f"f_{model}.npy", p)
        pd.DataFrame({"y_pred": p}).to_parquet(f"f_{model}.parquet", row_group_size=100_000)
    outputs = {cli("compare", "--losses", "mse", *typed.split(), "--jobs", jobs).out for jobs in ("1", "2", "8")}
    assert len(outputs) == 1
    value = {row.split("\t")[1]: row.split("\t")[2] for row in outputs.pop().splitlines()}["a"]
    assert float(value) == pytest.approx(np.mean((np.load("f_a.npy") - y) ** 2), rel=1e-12)


@pytest.mark.parametrize("data", [(), ("-",)])
def test_the_truth_comes_through_a_pipe(files: Path, cli: Cli, data: tuple[str, ...]) -> None:
    result = cli(*COMPARE, *data, "--model", "p_*.csv", stdin=TRUTH.to_csv(index=False).encode())
    assert numbers(result.out) == expected()
    piped = cli(*COMPARE, "truth.csv", "--model", "a=-", "--model", "b=p_b.csv", "--model", "c=p_c.csv",
                stdin=preds("a").to_csv(index=False).encode())  # fmt: skip
    assert numbers(piped.out) == expected()


def test_models_in_a_store_are_found_by_a_pattern(files: Path, cli: Cli) -> None:
    fsspec = pytest.importorskip("fsspec")
    for model in MODELS:
        with fsspec.filesystem("memory").open(f"/models/{model}/preds.csv", "wb") as file:
            file.write(preds(model).to_csv(index=False).encode())
    result = cli(*COMPARE, "truth.csv", "--model", "memory://models/*/preds.csv")
    fsspec.filesystem("memory").rm("/models", recursive=True)
    assert numbers(result.out) == expected()


def test_class_columns_in_another_order(files: Path, cli: Cli) -> None:
    scores = RNG.dirichlet(np.ones(3), size=N)
    names = ["prob_cat", "prob_dog", "prob_emu"]
    labels = np.array(["cat", "dog", "emu"])[RNG.integers(0, 3, N)]
    pd.DataFrame({"y_true": labels}).to_csv("labels.csv", index=False)
    pd.DataFrame(scores, columns=names).to_csv("p1.csv", index=False)
    pd.DataFrame(scores[:, ::-1], columns=names[::-1]).to_csv("p2.csv", index=False)
    np.save("p3.npy", scores)
    models = ("--model", "p1.csv", "--model", "p2.csv", "--model", "p3.npy")
    rows = cli("compare", "--losses", "cross_entropy", "labels.csv", *models).out.splitlines()[1:]
    right = -np.log(scores[np.arange(N), np.searchsorted(["cat", "dog", "emu"], labels)]).mean()
    assert [float(row.split("\t")[2]) for row in rows] == pytest.approx([right] * 3)
    pd.DataFrame(scores, columns=[*names[:2], "prob_fox"]).to_csv("p4.csv", index=False)
    wrong = cli("compare", "--losses", "cross_entropy", "labels.csv", "--model", "p1.csv", "--model", "p4.csv")
    assert wrong.status == 3
    assert "p4.csv (model 'p4'): the models predict different classes" in wrong.err


def test_text_labels(files: Path, cli: Cli) -> None:
    names = np.array(["cat", "dog"])
    truth, a, b = (names[RNG.integers(0, 2, N)] for _ in range(3))
    for name, values in (("t", truth), ("a", a), ("b", b)):
        pd.DataFrame({"y_true" if name == "t" else "guess": values}).to_csv(f"{name}.csv", index=False)
    rows = cli("compare", "--losses", "zero_one", "t.csv", "--model", "a.csv", "--model", "b.csv").out.splitlines()[1:]
    found = {row.split("\t")[1]: float(row.split("\t")[2]) for row in rows}
    assert found == pytest.approx({"a": np.mean(a != truth), "b": np.mean(b != truth)})


@pytest.mark.parametrize("typed", ["truth.csv --model g_*.csv --id id", "g.csv --model-column model --id id"])
def test_a_model_has_its_own_variance(files: Path, cli: Cli, typed: str) -> None:
    variances = {model: RNG.uniform(0.5, 2, N).round(3) for model in "ab"}
    frames = [preds(m, id=IDS, variance=v).assign(model=m, y_true=Y) for m, v in variances.items()]
    pd.concat(frames).to_csv("g.csv", index=False)
    for model, frame in zip("ab", frames, strict=True):
        frame[["id", "y_pred", "variance"]][::-1].to_csv(f"g_{model}.csv", index=False)
    result = cli("compare", "--losses", "gaussian_nll", *typed.split())
    rows = result.out.splitlines()[1:]
    for row in rows:
        _, model, value, *_ = row.split("\t")
        v = variances[model]
        assert float(value) == pytest.approx(np.mean(0.5 * (np.log(v) + (MODELS[model] - Y) ** 2 / v)))
    assert len(rows) == 2


@SLOW
def test_fifty_models(files: Path, cli: Cli) -> None:
    for i in range(50):
        preds("a").add(i / 100).to_csv(f"many_{i}.csv", index=False)
    result = cli("compare", "--losses", "mse", "truth.csv", "--model", "many_*.csv", "--resamples", "99", "--ci", "0.9")
    found = {row.split("\t")[1]: float(row.split("\t")[2]) for row in result.out.splitlines()[1:]}
    assert found == pytest.approx({str(i): np.mean((MODELS["a"] + i / 100 - Y) ** 2) for i in range(50)})


def test_a_column_is_named_once_for_all_files(files: Path, cli: Cli) -> None:
    for model, p in MODELS.items():
        pd.DataFrame({"other": 0.0, "guess": p}, index=range(N)).to_csv(f"g_{model}.csv", index=False)
    assert numbers(cli(*COMPARE, "truth.csv", "--model", "g_*.csv", "--pred", "guess").out) == expected()
    for model, p in MODELS.items():
        pd.DataFrame({"kind": ["x", "y"] * (N // 2), "guess": p}).to_csv(f"g_{model}.csv", index=False)
    found = cli(*COMPARE, "truth.csv", "--model", "g_*.csv")
    assert numbers(found.out) == expected()
    assert found.err.count("y_pred is column 'guess', the only one of numbers") == 1  # not three times


def test_predictions_beside_the_truth_are_no_model(files: Path, cli: Cli) -> None:
    preds("c", id=IDS, y_true=Y).to_csv("truth.csv", index=False)
    result = cli(*COMPARE, "truth.csv", "--model", "p_*.csv")
    assert numbers(result.out) == expected()
    not_used = "truth.csv: column 'y_pred' is not used: the models have files of their own"
    assert f"{not_used}; --model truth.csv makes it one\n" in result.err
    assert "is not used" not in cli(*COMPARE, "truth.csv", "--model", "truth.csv", "--model", "p_a.csv").err


def test_folders_may_name_the_models_of_long_data(files: Path, cli: Cli) -> None:
    for model in MODELS:
        (files / "hive" / f"model={model}").mkdir(parents=True)
        preds(model, id=IDS, y_true=Y).to_csv(files / "hive" / f"model={model}" / "part.csv", index=False)
    assert numbers(cli(*COMPARE, "hive", "--model-column", "model", "--id", "id").out) == expected()


def test_one_model_is_no_contest(files: Path, cli: Cli) -> None:
    plain = cli("compare", "--losses", "mse", "wide.csv", "--pred", "a").out
    assert cli("compare", "--losses", "mse", "truth.csv", "--model", "p_a.csv").out == plain
    LONG[LONG.model == "a"].to_csv("one.csv", index=False)
    assert cli("compare", "--losses", "mse", "one.csv", "--model-column", "model", "--id", "id").out == plain


def test_pictures_and_pages_take_files(files: Path, cli: Cli) -> None:
    columns = ("wide.csv", "--pred", "a", "--pred", "b", "--pred", "c")
    drawn = cli("plot", "mse", *columns).out
    assert cli("plot", "mse", "--model", "runs/*/preds.csv").out == drawn
    assert cli("plot", "mse", "long.csv", "--model-column", "model", "--kind", "models").out == drawn


# ------------------------------------------------------------------------------------------------- names


def test_names_of_patterns() -> None:
    assert names_by_pattern("runs/*/preds.csv", ["runs/a/preds.csv", "runs/b.2/preds.csv"]) == ["a", "b.2"]
    assert names_by_pattern("runs/*", ["runs/a.csv.gz", "runs/b.parquet"]) == ["a", "b"]
    assert names_by_pattern("*/seed_*.npy", ["x/seed_1.npy", "y/seed_1.npy"]) == ["x", "y"]
    assert names_by_pattern("*/seed_*.npy", ["x/seed_1.npy", "x/seed_2.npy", "y/seed_1.npy"]) == ["x/1", "x/2", "y/1"]
    assert names_by_pattern("**/p.csv", ["a/p.csv", "b/c/p.csv"]) == ["a", "b/c"]
    assert names_by_pattern("p_[ab].csv", ["p_a.csv", "p_b.csv"]) == ["a", "b"]
    assert names_by_path(["a.csv", "x/b.csv.gz"]) == ["a", "b"]
    assert names_by_path(["runs/a/out/p.csv", "runs/b/out/p.csv"]) == ["a", "b"]


def test_a_name_may_hold_much_and_a_path_an_equals_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr=1").mkdir()
    (tmp_path / "lr=2").mkdir()
    for name in ("lr=1/p.csv", "lr=2/p.csv", "x.csv"):
        (tmp_path / name).touch()
    assert find_model_files(["it's @ v1, so=x.csv"]) == {"it's @ v1, so": "x.csv"}
    assert find_model_files(["lr=*/p.csv"]) == {"1": "lr=1/p.csv", "2": "lr=2/p.csv"}
    assert find_model_files(["lr=1/p.csv", "x.csv"]) == {"p": "lr=1/p.csv", "x": "x.csv"}
    assert find_model_files(["a=s3://b/y=1/p.csv"]) == {"a": "s3://b/y=1/p.csv"}
    (tmp_path / "a=x.csv").touch()
    with pytest.raises(UsageError, match=r"could mean x\.csv for 'a'"):
        find_model_files(["a=x.csv"])


# ------------------------------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ("truth.csv --model a=p_a.csv --model a=p_b.csv", 2, "two models are called 'a': p_a.csv and p_b.csv"),
        ("truth.csv --model p_*.csv --pred a --pred b", 2, "--pred b: names the column in the files of all models"),
        ("truth.csv --model p_*.csv --model-column m", 2, "--model-column m: names the models of one table"),
        ("truth.csv p_a.csv --model p_b.csv", 2, "--model: 2 files without a role: one holds the truth"),
        ("truth.csv --model p_a.csv p_b.csv p_c.csv", 2, "; quote a pattern of models, so that the shell leaves it"),
        ("truth.csv --model =p_a.csv", 2, "--model =p_a.csv: has no name before the ="),
        ("truth.csv --model p_a.csv --model b=", 2, "--model b=: has no file after the ="),
        ("wide.csv --pred a --pred b --sort ci_low", 2, "--sort ci_low: there is no interval; --ci 0.95 asks for one"),
        ("truth.csv y_pred=p_a.csv --model p_b.csv", 2, "y_pred is read from the files of the models"),
        ("wide.csv --pred a --pred b --model-column id", 2, "--model-column id: models are a and b already"),
        ("long.csv --model-column id --id id", 2, "--model-column id: is the id or a group, too"),
        ("long.csv --model-column modell", 3, "long.csv: no column 'modell' (did you mean 'model'?)"),
        ("truth.csv --model a=nope.csv", 3, "model 'a': nope.csv: no such file"),
        ("truth.csv --model nope/*.csv", 3, "nope/*.csv: no file matches"),
        ("--model p_*.csv", 3, "p_a.csv (model 'a'): holds no y_true, and no data does; give a table or y_true=FILE"),
        ("truth.csv --model p_*.csv --pred z", 3, "p_a.csv (model 'a'): no column 'z'; the columns are y_pred"),
        ("truth.csv --model p_*.csv --id id", 3, "p_a.csv (model 'a'): no column 'id' to join by"),
        ("truth.csv --model s_*.csv", 3, "s_a.csv (model 'a'): column 'id', row 1: "),
        ("truth.csv runs/*/preds.csv", 3, "72 in 3 files; compare with --model 'runs/*/preds.csv' takes each"),
        ("truth.csv long.csv --model-column model", 3, "has several rows for each of truth.csv; --id id pairs them"),
    ],
)
def test_what_is_wrong_is_said(files: Path, cli: Cli, typed: str, status: int, said: str) -> None:
    result = cli("compare", "--losses", "mse", *typed.split())
    assert (result.status, result.out) == (status, "")
    assert result.err.startswith("losscli: error: ")
    assert said in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl", "npy"])
def test_files_that_do_not_fit(files: Path, cli: Cli, ending: str) -> None:
    frame = preds("b", id=IDS)

    def compared(changed: pd.DataFrame, *more: str) -> str:
        WRITE[ending](changed, files / f"bad.{ending}")
        WRITE[ending](preds("a", id=IDS), files / f"good.{ending}")
        models = ("--model", f"a=good.{ending}", "--model", f"b=bad.{ending}")
        result = cli("compare", "--losses", "mse", "truth.csv", *models, *more)
        assert result.status == 3
        return result.err

    label = f"bad.{ending} (model 'b')"
    assert f"truth.csv has {N} rows, {label} has {N - 2}; rows are paired in order" in compared(frame[:-2])
    gap = frame.assign(y_pred=frame.y_pred.where(frame.index != 4))
    assert f"{label}: column 'y_pred', row 5: 1 row lacks a value" in compared(gap)
    assert cli("compare", "--losses", "mse", "truth.csv", "--model", "p_a.csv", "--model", f"b=bad.{ending}", "--nan",
               "omit", "-f", "json").out.count(f'"n": {N - 1}') >= 2  # fmt: skip
    if ending != "npy":
        assert f"{label}: has no row with the key 'k1', which truth.csv has; --nan omit leaves out" in compared(
            frame.drop(1), "--id", "id"
        )
        twice = pd.concat([frame, frame[3:4]])
        assert f"{label}: rows 4 and {N + 1} have the same key 'k3'" in compared(twice, "--id", "id")
        lacks = frame.rename(columns={"y_pred": "text"}).assign(text="x")
        assert f"{label}: no column for y_pred, which model 'b' needs" in compared(lacks.assign(more="y"))


def test_the_truth_in_all_files_is_the_same(files: Path, cli: Cli) -> None:
    path = files / "runs" / "b" / "preds.csv"
    preds("b", id=IDS, y_true=np.where(np.arange(N) == 6, 9.5, Y)).to_csv(path, index=False)
    result = cli("compare", "--losses", "mse", "--model", "runs/*/preds.csv")
    assert result.status == 3
    where = "runs/b/preds.csv (model 'b'): column 'y_true', row 7: y_true is 9.5, but"
    assert f"{where} {Y[6]:g} in runs/a/preds.csv (model 'a')" in result.err
    by_key = cli("compare", "--losses", "mse", "--model", "runs/*/preds.csv", "--id", "id")
    assert f"row 7 (id 'k6'): y_true is 9.5, but {Y[6]:g} in runs/a/preds.csv (model 'a')\n" in by_key.err
    preds("b", id=IDS, label=Y).to_csv(path, index=False)
    assert cli("compare", "--losses", "mse", "--model", "runs/*/preds.csv").status == 0
    preds("b", id=IDS).to_csv(path, index=False)
    lacking = cli("compare", "--losses", "mse", "--model", "runs/*/preds.csv")
    assert "runs/b/preds.csv (model 'b'): holds no y_true" in lacking.err


def test_keys_that_a_model_lacks_are_left_out_if_asked(files: Path, cli: Cli) -> None:
    preds("b", id=IDS).drop([1, 4]).to_csv("s_b.csv", index=False)
    result = cli("compare", "--losses", "mse", "truth.csv", "--model", "s_*.csv", "--id", "id", "--nan", "omit")
    kept = np.setdiff1d(np.arange(N), [1, 4])
    found = {row.split("\t")[1]: float(row.split("\t")[2]) for row in result.out.splitlines()[1:]}
    assert found == pytest.approx({m: np.mean((p - Y)[kept] ** 2) for m, p in MODELS.items()})
    assert f"2 of {N} keys are left out: s_b.csv (model 'b') lacks 2\n" in result.err
    LONG[~((LONG.model == "b") & LONG.id.isin(["k1", "k4"]))].to_csv("gaps.csv", index=False)
    long = cli("compare", "--losses", "mse", "gaps.csv", "--model-column", "model", "--id", "id", "--nan", "omit")
    assert long.out == result.out
    assert f"gaps.csv: 2 ids are left out: model 'b' lacks 2 of {N}\n" in long.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f[1:], "model 'a' has no row with id 'k0', which model 'b' has (model 'a' lacks 1 of 24)"),
        (lambda f: pd.concat([f, f[2:4]]), "model 'a' has id 'k2' twice: rows 3 and 73 (2 such ids)"),
        (lambda f: f.assign(y_true=f.y_true + (f.model == "c")), "column 'y_true', id 'k0': model 'c' has"),
        (lambda f: f.assign(site=f.site.where(f.model != "b", "x")), "column 'site', id 'k0': model 'b' has 'x'"),
        (lambda f: f.assign(w=f.w.where(f.model != "b", 7)), "column 'w', id 'k0': model 'b' has 7, model 'a' 1 (23"),
        (lambda f: f.assign(model=f.model.where(f.id != "k3")), "column 'model', row 4: is missing (3 such rows)"),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "parquet", pytest.param("jsonl", marks=SLOW)])
def test_long_data_that_does_not_fit(
    files: Path, cli: Cli, ending: str, change: Callable[[pd.DataFrame], pd.DataFrame], said: str
) -> None:
    WRITE[ending](change(LONG).reset_index(drop=True), files / f"long.{ending}")
    options = ("--model-column", "model", "--id", "id", "--group-by", "site", "--weight", "w")
    result = cli("compare", "--losses", "mse", f"long.{ending}", *options)
    assert result.status == 3
    assert f"long.{ending}: {said}" in result.err


def test_long_data_without_ids_must_be_in_one_order(files: Path, cli: Cli) -> None:
    LONG[:-1].to_csv("short.csv", index=False)
    short = cli("compare", "--losses", "mse", "short.csv", "--model-column", "model")
    assert (
        "lengths differ: model 'a' has 24 rows, model 'c' has 23 rows; rows are paired in order, or by a key"
        in short.err
    )
    LONG.sort_values("id").iloc[::-1].sort_values("model", kind="stable").to_csv("same.csv", index=False)
    assert cli("compare", "--losses", "mse", "same.csv", "--model-column", "model").status == 0
    pd.concat([LONG[:N], LONG[N:].iloc[::-1]]).to_csv("other.csv", index=False)
    other = cli("compare", "--losses", "mse", "other.csv", "--model-column", "model")
    assert "column 'y_true', row 1 of each model: model 'c' has" in other.err
    assert "by a key with --id COL" in other.err


def test_model_names_may_be_numbers(files: Path, cli: Cli) -> None:
    LONG.assign(model=LONG.model.map({"a": 3, "b": 1, "c": 2})).to_parquet("long.parquet")
    result = cli("compare", "--losses", "mse", "long.parquet", "--model-column", "model", "--id", "id")
    assert {row.split("\t")[1] for row in result.out.splitlines()[1:]} == {"1", "2", "3"}


@pytest.mark.parametrize("option", ["--model=a=p_a.csv", "--model-column=model"])
@pytest.mark.parametrize("command", [("compute", "mse"), ("recommend",)])
def test_commands_of_one_model_refuse_several(files: Path, cli: Cli, command: tuple[str, ...], option: str) -> None:
    result = cli(*command, "truth.csv", option)
    assert result.status == 2
    assert f"{command[0]} takes one model: several are compared by 'losscli compare'\n" in result.err


def test_no_file_of_a_model_is_overwritten(files: Path, cli: Cli) -> None:
    before = (files / "p_b.csv").read_bytes()
    for option in ("-o", "--summary"):
        for model in ("b=p_b.csv", "p_*.csv"):
            result = cli("compare", "--losses", "mse", "truth.csv", "--model", model, option, "p_b.csv")
            assert result.status == 2
            assert f"{option} p_b.csv: is the file of a model's predictions: choose another name\n" in result.err
    assert (files / "p_b.csv").read_bytes() == before


# ------------------------------------------------------------------------------------------------- pooled files

POOLED = "were pooled as one dataset; compare with --model"


@pytest.mark.parametrize("command", [("compute", "mse"), ("compare", "--losses", "mse"), ("recommend",)])
def test_models_that_were_pooled_are_noted(files: Path, cli: Cli, command: tuple[str, ...]) -> None:
    err = cli(*command, "runs/*/preds.csv").err
    note = f"runs/*/preds.csv: 3 files of the same y_true {POOLED} 'runs/*/preds.csv' takes each for a model\n"
    assert note in err
    assert len(f"losscli: note: {note}") <= 160


def test_a_folder_of_models_and_files_with_the_same_keys_are_noted(files: Path, cli: Cli) -> None:
    (files / "flat").mkdir()
    for model in MODELS:
        preds(model, id=IDS, y_true=1.0).to_csv(files / "flat" / f"{model}.csv", index=False)
    assert f"flat: 3 files of the same 'id' {POOLED} 'flat/*.csv' takes each" in cli("compute", "mse", "flat").err
    with pytest.warns(UserWarning, match=r"3 files of the same 'id' .* models=dict"):
        losscli.compute("mse", data=str(files / "flat"))


@pytest.mark.parametrize("kind", ["other truth", "other keys", "one value", "hive", "by file", "other length"])
def test_parts_of_a_dataset_are_not_noted(files: Path, cli: Cli, kind: str) -> None:
    first, second = (WIDE.assign(y_pred=WIDE.a)[["id", "y_true", "y_pred"]] for _ in range(2))
    more: tuple[str, ...] = ()
    if kind == "other truth":
        second = second[::-1]
    elif kind == "other keys":
        second = second.assign(id=[f"{key}0" for key in IDS])
    elif kind == "one value":
        first, second = (frame.assign(y_true=0).drop(columns="id") for frame in (first, second))
    elif kind == "by file":
        more = ("--group-by", "@file")
    elif kind == "other length":
        first, second = first.drop(columns="id"), second.drop(columns="id")[:-1]
    for i, frame in enumerate((first, second)):
        folder = files / "parts" / (f"fold={i}" if kind == "hive" else "")
        folder.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(folder / f"part{i}.parquet")
    result = cli("compute", "mse", "parts", *more)
    assert result.status == 0
    assert "pooled" not in result.err


# ------------------------------------------------------------------------------------------------- Python


def as_numbers(compared: Any) -> dict[str, Any]:
    return numbers(json.dumps(compared.to_dict()))


def test_models_of_python(files: Path) -> None:
    def compared(**given: Any) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return as_numbers(losscli.compare(["mse", "mae"], resamples=99, ci=0.9, jobs=1, **given))

    columns = expected()
    truth = TRUTH[["id", "y_true"]]
    paths = {model: str(files / f"p_{model}.csv") for model in MODELS}
    shuffled = {m: preds(m, id=IDS).sample(frac=1, random_state=1, ignore_index=True) for m in MODELS}
    assert compared(data=truth, models=MODELS) == columns
    assert compared(data=str(files / "truth.csv"), models=MODELS) == columns
    assert compared(data=files / "truth.csv", models={m: Path(path) for m, path in paths.items()}) == columns
    assert compared(y_true=Y, models=paths) == columns
    assert compared(data={"y_true": Y}, models=pd.DataFrame(MODELS)) == columns
    assert compared(data=truth, models=shuffled, id="id") == columns
    assert compared(models={m: preds(m, y_true=Y) for m in MODELS}) == columns
    assert compared(data=LONG.reset_index(drop=True), model_column="model", id="id") == columns
    assert compared(data=str(files / "long.csv"), model_column="model") == columns


def test_a_function_of_one_model_says_so() -> None:
    with pytest.raises(TypeError, match=r"compute\(\) takes one model, not models=: .* by losscli\.compare"):
        losscli.compute("mse", data=TRUTH, models=MODELS)


def test_a_column_of_too_many_names_is_none_of_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pivot, "MAX_MODELS", 3)
    assert len(losscli.compare("mse", data=LONG, model_column="model", id="id")) == 3
    with pytest.raises(DataError, match="column 'id' holds 24 names, the first 'k0': at most 3 models are compared"):
        losscli.compare("mse", data=LONG, model_column="id")


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"data": TRUTH, "models": {"b": "nope.csv"}}, DataError, "model 'b': nope.csv: no such file"),
        ({"data": TRUTH, "models": {"a": Y, "b": Y[1:]}}, DataError, "y_true has 24 rows, model 'b' has 23"),
        ({"models": {"a": preds("a"), "b": preds("b")}}, DataError, "model 'a': holds no y_true, and no data does"),
        ({"data": TRUTH, "models": MODELS, "y_pred": Y}, UsageError, "models hold the predictions: leave out y_pred"),
        ({"data": LONG, "models": MODELS, "model_column": "model"}, UsageError, 'model_column="model": names the'),
        ({"data": LONG, "model_column": 3}, UsageError, "model_column=3: must be text"),
    ],
)  # fmt: skip
def test_what_python_refuses(given: dict[str, Any], error: type[LosscliError], said: str) -> None:
    with pytest.raises(error) as caught:
        losscli.compare("mse", **given)
    assert said in str(caught.value)


def test_models_of_python_are_paths_and_patterns(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command line takes for files of models, Python takes, too."""
    monkeypatch.chdir(files)
    by_name = losscli.compare("mse", "truth.csv", models={m: f"runs/{m}/preds.csv" for m in MODELS}, resamples=99)
    of_files = [Path("runs/a/preds.csv"), "runs/b/preds.csv", "runs/c/preds.csv"]
    for models in ("runs/*/preds.csv", of_files):
        assert losscli.compare("mse", "truth.csv", models=models, resamples=99).to_frame().equals(by_name.to_frame())
    with pytest.raises(DataError, match=r"no column 'runs/\*/none.csv'"):
        losscli.compare("mse", "truth.csv", models="runs/*/none.csv")


def test_two_files_of_both_roles_are_refused_in_python(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    with pytest.raises(DataError, match=r"both hold y_true and y_pred: .*; compare with models=dict"):
        losscli.compute("mse", ["runs/a/preds.csv", "runs/b/preds.csv"])
