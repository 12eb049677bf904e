"""--baseline: how far each number has moved since an earlier result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import losscli
from losscli.errors import DataError, UsageError
from tests.conftest import Cli

ROWS = "y_true,y_pred,cell,w\n1,2,a,1\n3,5,b,2\n2,2,a,3\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text(ROWS)
    return path


@pytest.fixture
def old(tmp_path: Path, data: Path, cli: Cli) -> Path:
    path = tmp_path / "old.json"
    assert cli("compute", "mse,mae", str(data), "-o", str(path)).status == 0
    return path


def moved(path: Path, factor: float) -> Path:
    document = json.loads(path.read_text())
    for loss in document["losses"]:
        loss["value"] *= factor
    path.write_text(json.dumps(document))
    return path


def test_the_change_is_relative(data: Path, old: Path, cli: Cli) -> None:
    moved(old, 0.8)
    result = cli("compute", "mse,mae", str(data), "--baseline", str(old), "-f", "json")
    first = json.loads(result.out)["losses"][0]
    assert first["baseline"] == pytest.approx(5 / 3 * 0.8)
    assert first["change"] == pytest.approx(0.25)
    assert cli("compute", "mse", str(data), "--baseline", str(old)).out.split("\n")[0].split("\t")[2:5] == [
        "value",
        "baseline",
        "change",
    ]
    assert losscli.compute("mse", str(data), baseline=old).baseline.change == pytest.approx(0.25)


@pytest.mark.parametrize(("condition", "status"), [("mse.change>2%", 1), ("mse.change>0.3", 0), ("mae.change>=24%", 1)])
def test_gates_on_the_change(condition: str, status: int, data: Path, old: Path, cli: Cli) -> None:
    moved(old, 0.8)
    result = cli("compute", "mse,mae", str(data), "--baseline", str(old), "--fail-if", condition)
    assert result.status == status
    assert ("failed: m" in result.err) == bool(status)


def test_a_verdict_in_percent(data: Path, old: Path, cli: Cli) -> None:
    result = cli("compute", "mse", str(data), "--baseline", str(moved(old, 0.8)), "--fail-if", "mse.change>2%")
    assert result.err == "losscli: failed: mse.change is 25%, > 2%\n"


@pytest.mark.parametrize(("before", "now", "change"), [(0.0, "mse", None), (0.0, "zero", 0.0), (-2.0, "mse", 11 / 6)])
def test_changes_from_nothing_and_from_below(
    before: float, now: str, change: float | None, data: Path, old: Path, cli: Cli
) -> None:
    document = json.loads(old.read_text())
    document["losses"][0]["value"] = before
    old.write_text(json.dumps(document))
    if now == "zero":
        data.write_text(ROWS.replace("1,2,a", "1,1,a").replace("3,5,b", "3,3,b"))
    result = cli("compute", "mse", str(data), "--baseline", str(old), "-f", "json")
    found = json.loads(result.out)["losses"][0]["change"]
    assert found == (None if change is None else pytest.approx(change))


REFUSED = {
    "other rows": (["mse"], "1,2,a,1\n", "", "mse is not the same number: n was 3, is 4"),
    "another reduction": (["mse", "--reduction", "sum"], "", "", "reduction was mean, is sum"),
    "weights": (["mse", "--weight", "w"], "", "", "weights was no, is yes"),
    "another version": (["mse"], "", "losscli=9", "losscli was 9, is "),
    "another loss": (["huber"], "", "", "has no huber; what it has is mse, mae"),
    "groups": (["mse", "--group-by", "cell"], "", "", "has no mse (cell a); what it has is mse, mae"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_compared(case: tuple[list[str], str, str, str], data: Path, old: Path, cli: Cli) -> None:
    words, more, version, message = case
    data.write_text(ROWS + more)
    if version:
        old.write_text(old.read_text().replace(f"losscli={losscli.__version__}", version))
    result = cli("compute", words[0], str(data), *words[1:], "--baseline", str(old))
    assert (result.status, result.out) == (2, "")
    assert message in result.err


def test_groups_have_their_own_baselines(data: Path, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "groups.json"
    assert cli("compute", "mse", str(data), "--group-by", "cell", "-o", str(path)).status == 0
    data.write_text(ROWS.replace("3,5,b", "3,6,b"))
    words = ["compute", "mse", str(data), "--group-by", "cell", "--baseline", str(path)]
    result = cli(*words, "--fail-if", "mse.change>2%")
    assert "failed: mse.change (cell b) is 125%, > 2%" in result.err
    assert [line.split("\t")[1:5] for line in result.out.splitlines()[1:]] == [
        ["a", "2", "0.5", "0.5"],
        ["b", "1", "9.0", "4.0"],
    ]


def test_unreadable_baselines(data: Path, tmp_path: Path, cli: Cli) -> None:
    for name, text, message in (
        ("none.json", None, "No such file"),
        ("data.json", "y_true,y_pred", "is not JSON"),
        ("list.json", "[1, 2]", "is not a result of losscli; a JSON result of 'losscli compute' is one"),
        ("odd.json", '{"losses": [{"loss": "mse"}]}', "is not a result of losscli"),
    ):
        if text is not None:
            (tmp_path / name).write_text(text)
        result = cli("compute", "mse", str(data), "--baseline", str(tmp_path / name))
        assert (result.status, result.out) == (3, "")
        assert message in result.err


def test_a_change_needs_a_baseline(data: Path, cli: Cli) -> None:
    result = cli("compute", "mse", str(data), "--fail-if", "mse.change>2%")
    assert result.status == 2
    assert "needs --baseline FILE.json" in result.err


def test_the_api_refuses_alike(data: Path, old: Path) -> None:
    with pytest.raises(UsageError, match="has no huber"):
        losscli.compute("huber", str(data), baseline=str(old))
    with pytest.raises(DataError, match="No such file"):
        losscli.compute("mse", str(data), baseline="nowhere.json")
