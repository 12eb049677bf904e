"""The published JSON Schemas: documents of many commands are as they say, and say nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from losscli.plot import pictures
from losscli.registry import all_losses
from tests.conftest import SAMPLE_DATA, Cli, write_csv
from tools import regenerate, schemas

jsonschema = pytest.importorskip("jsonschema")

WINE, BOXES, TRIPLETS = (str(SAMPLE_DATA / name) for name in ("wine.csv", "digits_boxes.csv", "digits_triplets.npz"))

COMPUTE = [
    "mse,mae,huber:delta=0.5 m.csv --pred a",
    "mse m.csv --pred a --group-by site --fail-if mse[site=A]>0",
    "mse,medae m.csv --pred a --ci 0.9 --resamples 99",
    "mse m.csv --pred a --ci 0.9 --resamples 99 --cluster site",
    "mse m.csv --pred a --ci 0.9 --resamples 99 --block 5 --group-by site",
    "mse m.csv --pred c --ci 0.9 --resamples 99",
    "mse m.csv --pred a --penalty elastic_net:lambda=0.1 --parameters w.npy",
    "mse m.csv --pred a --weight w --reduction sum --fail-if mse>0",
    "mse,mae m.csv --pred a --per-sample --id id",
    "mse m.csv --pred a --gradient --fail-if mse<0",
    f"cross_entropy:class_weight=1/2/3 {WINE} --top 2 --gradient",
    "bce,mse odd.csv --nan propagate",
    "mse odd.csv --nan omit",
    "mse m.csv --pred a --baseline base.json --fail-if mse.change>2%",
    f"triplet {TRIPLETS}",
    "mse m.csv --pred a --group-by @file",
]
COMPARE = [
    "--losses mse,mae m.csv --pred a --show-outliers 3 --id id",
    "--losses mse,mae m.csv --pred a --group-by site --decompose",
    "--losses mse,mae m.csv --pred a --pred b --pred c --ci 0.9 --resamples 99 --fail-if mae[a].diff_low>0",
    "--losses mse,mae m.csv --pred a --pred b --leaderboard --group-by site --cluster w",
    "--losses bce,brier p.csv --pred p --pred q --decompose",
    "--losses mse,mae m.csv --pred a --baseline base.json --ci 0.9 --resamples 99",
    "--losses mse m.csv --pred a --pred b --block 4 --show-outliers 2 --reference b",
    f"--losses cross_entropy,categorical_focal {WINE}",
    "--losses mse,bce odd.csv --nan omit",
]
RECOMMEND = ["m.csv --pred a", "p.csv --pred p", WINE, BOXES, TRIPLETS]
PLOT = [
    "mse,huber,mae",
    "mse m.csv --pred a",
    "mse m.csv --pred a --kind share",
    "mse m.csv --pred a --kind stress",
    "mse m.csv --pred a --group-by site --ci 0.9 --resamples 99",
    "mse m.csv --pred a --pred b --resamples 99",
    "bce p.csv --pred p --kind reliability --resamples 99",
    "mse m.csv --pred a --pred b --kind murphy",
]


@cache
def validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(schemas.schema(name))


@pytest.fixture
def in_folder(cli: Cli, tmp_path: Path) -> Cli:
    rng = np.random.default_rng(0)
    n, y = 60, rng.normal(size=60)
    noise = {name: y + rng.normal(size=n) / 2 for name in "ab"}
    columns = {"y_true": y, **noise, "c": y + np.where(np.arange(n) == 7, 60, noise["a"] - y)}
    rows = {
        "site": np.array(list("ABCDEF"))[np.arange(n) % 6],
        "w": 1 + np.arange(n) % 3,
        "id": [f"r{i}" for i in range(n)],
    }
    write_csv(tmp_path / "m.csv", columns | rows)
    p = rng.uniform(0.05, 0.95, size=n)
    write_csv(tmp_path / "p.csv", {"y_true": rng.random(n) < p, "p": p, "q": np.clip(p + 0.05, 0, 0.99)})
    (tmp_path / "odd.csv").write_text("y_true,y_pred\n1,0\n0,0.5\n1,\n")
    np.save(tmp_path / "w.npy", rng.normal(size=(3, 2)))
    assert cli("compute", "mse,mae", "m.csv", "--pred", "b", "-f", "json", "-o", "base.json").status == 0
    return cli


def documents(cli: Cli, command: str, lines: list[str]) -> Iterator[tuple[str, Any]]:
    for line in lines:
        done = cli(command, *line.split(), "-f", "json", "-q")
        assert done.out, f"{command} {line}: {done.err}"
        yield line, json.loads(done.out)


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("compute", COMPUTE),
        pytest.param("compare", COMPARE, marks=pytest.mark.slow),
        pytest.param("recommend", RECOMMEND, marks=pytest.mark.slow),
        pytest.param("plot", PLOT, marks=pytest.mark.slow),
    ],
)
def test_documents_are_as_their_schema_says(in_folder: Cli, command: str, lines: list[str]) -> None:
    wrong = {
        line: (error.json_path, error.message)
        for line, document in documents(in_folder, command, lines)
        for error in validator(command).iter_errors(document)
    }
    assert wrong == {}


@pytest.mark.slow
def test_losses_are_as_their_schema_says(cli: Cli) -> None:
    validator("list").validate(json.loads(cli("list", "-f", "json").out))
    names = ",".join(loss.name for loss in all_losses() if loss.in_catalogue)
    validator("explain").validate(json.loads(cli("explain", f"{names},huber:delta=2", "-f", "json").out))
    validator("explain").validate(json.loads(cli("explain", "huber:delta=2", "-f", "json").out))


def test_results_are_baselines(in_folder: Cli) -> None:
    for command, line in (("compute", COMPUTE[1]), ("compare", "--losses mse,mae m.csv --pred a")):
        ((_, document),) = documents(in_folder, command, [line])
        validator("baseline").validate(document)
        without = {**document, "losses": [{**document["losses"][0], "signature": None}]}
        assert not validator("baseline").is_valid(without)


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield each schema of an object with known keys."""
    if isinstance(schema, dict):
        if "properties" in schema and "type" in schema:
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


@pytest.mark.parametrize("name", sorted(schemas.DOCUMENTS))
def test_schemas_are_valid_and_strict(name: str) -> None:
    schema = schemas.schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    for one in objects(schema):
        assert "additionalProperties" in one or name == "baseline"
        assert all(value.keys() & {"description", "$ref"} for value in one["properties"].values())


def test_an_unknown_key_and_a_wrong_type_are_seen(in_folder: Cli) -> None:
    ((_, document),) = documents(in_folder, "compute", COMPUTE[:1])
    changes: list[Callable[[dict[str, Any]], object]] = [
        lambda d: d.update(more=1),
        lambda d: d["losses"][0].update(more=1),
        lambda d: d["losses"][0].update(value="1"),
        lambda d: d["losses"][0].update(status="fine"),
        lambda d: d["losses"][0].pop("signature"),
        lambda d: d["data"].update(n=1.5),
        lambda d: d.update(schema_version=2),
    ]
    for change in changes:
        changed = json.loads(json.dumps(document))
        change(changed)
        assert not validator("compute").is_valid(changed)


def test_every_mark_of_a_picture_has_a_schema() -> None:
    kinds = {mark["properties"]["type"]["const"]: set(mark["properties"]) - {"type"} for mark in schemas.MARKS}
    declared = {one.type: set(one.__dataclass_fields__) - {"type"} for one in pictures.Mark.__subclasses__()}
    assert kinds == declared


def test_files_and_page_are_those_of_today() -> None:
    for name, (path, make) in regenerate.chosen(["schemas"]).items():
        text = path.read_text(encoding="utf-8")
        assert make(text) == text, regenerate.command_for("schemas") + f" ({name})"
