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
    "another reduction": (["mse", "--reduction", "sum"], "reduction was mean, is sum"),
    "weights": (["mse", "--weight", "w"], "mse is not the same number: weights was no, is w"),
    "missing values": (["mse", "--nan", "omit"], "nan was error, is omit"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_compared(case: tuple[list[str], str], data: Path, old: Path, cli: Cli) -> None:
    words, message = case
    result = cli("compute", words[0], str(data), *words[1:], "--baseline", str(old))
    assert (result.status, result.out) == (2, "")
    assert message in result.err


def test_weights_are_those_of_a_column(data: Path, old: Path, cli: Cli) -> None:
    data.write_text(ROWS.replace("w\n", "w,no\n").replace("\n1,2,a,1", "\n1,2,a,1,4").replace(",b,2", ",b,2,5"))
    data.write_text(data.read_text().replace(",a,3", ",a,3,6"))
    assert cli("compute", "mse", str(data), "--weight", "w", "-o", str(old)).status == 0
    assert cli("compute", "mse", str(data), "--weight", "w", "--baseline", str(old)).status == 0
    for words, now in ((["--weight", "no"], "weights was w, is %6Eo"), ([], "weights was w, is no")):
        result = cli("compute", "mse", str(data), *words, "--baseline", str(old))
        assert (result.status, now in result.err) == (2, True)


NOTED = {
    "other rows": (["mse"], "1,2,a,1\n", "", "of mse, n was 3, is 4"),
    "another version": (["mse"], "", "losscli=9", "of mse, losscli was 9, is "),
    "another loss": (["huber"], "", "", "has no huber; it has mse, mae"),
    "groups": (["mse", "--group-by", "cell"], "", "", "has no mse (cell a); it has mse, mae"),
}


@pytest.mark.parametrize("case", NOTED.values(), ids=NOTED)
def test_what_is_noted(case: tuple[list[str], str, str, str], data: Path, old: Path, cli: Cli) -> None:
    words, more, version, message = case
    data.write_text(ROWS + more)
    if version:
        old.write_text(old.read_text().replace(f"losscli={losscli.__version__}", version))
    command = ["compute", words[0], str(data), *words[1:], "--baseline", str(old)]
    result = cli(*command)
    assert result.status == 0
    assert f"losscli: note: {old}: {message}" in result.err
    has_change = "has no" not in message
    gated = cli(*command, "--fail-if", f"{words[0]}.change>0.2", "-q")
    assert gated.status == int(not has_change)
    assert ("cannot be judged; the baseline has none, or it is 0" in gated.err) != has_change


def test_a_group_that_only_the_baseline_has_fails_every_gate(data: Path, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "groups.json"
    assert cli("compute", "mse,mae", str(data), "--group-by", "cell", "-o", str(path)).status == 0
    data.write_text("".join(line for line in ROWS.splitlines(keepends=True) if ",b," not in line))
    words = ["compute", "mse,mae", str(data), "--group-by", "cell", "--baseline", str(path), "-q"]
    assert cli(*words).status == 0
    for gate in ("mse.change>2%", "mse>1e9", "mse[cell=b].change>2%"):
        result = cli(*words, "--fail-if", gate)
        name = "mse.change" if "change" in gate else "mse"
        assert (result.status, result.err) == (1, f"losscli: failed: {name} (cell b) is in the baseline only\n")
    assert cli(*words, "--fail-if", "mse[cell=a].change>2%").status == 0


def test_a_baseline_is_not_replaced_while_a_gate_fails(data: Path, old: Path, cli: Cli) -> None:
    words = ["compute", "mse", str(data), "--baseline", str(old), "-o", str(old)]
    moved(old, 0.5)
    before = old.read_text()
    failed = cli(*words, "--fail-if", "mse.change>2%")
    assert (failed.status, old.read_text()) == (1, before)
    assert f"{old}: the baseline is kept, and this result is not written" in failed.err
    data.write_text(ROWS.replace("1,2,a", "1,nan,a"))
    undefined = cli(*words, "--nan", "propagate")
    assert (undefined.status, old.read_text()) == (2, before)  # another policy
    rows = cli(*words, "--per-sample")
    assert (rows.status, "is the baseline" in rows.err) == (2, True)
    data.write_text(ROWS)
    passed = cli(*words, "--fail-if", "mse.change>200%")
    assert (passed.status, old.read_text() != before) == (0, True)
    assert json.loads(old.read_text())["losses"][0]["change"] == pytest.approx(1.0)


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


@pytest.mark.parametrize("ending", [".gz", ".xz", ".zst", ".zip"])
def test_a_baseline_may_be_compressed(ending: str, data: Path, tmp_path: Path, cli: Cli) -> None:
    path = str(tmp_path / f"old.json{ending}")
    assert cli("compute", "mse", str(data), "-o", path).status == 0
    result = cli("compute", "mse", str(data), "--baseline", path, "--fail-if", "mse.change!=0", "-q")
    assert (result.status, result.err) == (0, "")
    Path(path).write_bytes(b"no archive")
    assert cli("compute", "mse", str(data), "--baseline", path).status == 3


def test_unreadable_baselines(data: Path, tmp_path: Path, cli: Cli) -> None:
    one = '{"losses": [{"loss": "mse", "value": 1.5, "signature": "mse"}]}'
    for name, text, message in (
        ("none.json", None, "No such file"),
        ("data.json", "y_true,y_pred", "is not JSON"),
        ("list.json", "[1, 2]", "is not a result of losscli; a JSON result of 'losscli compute' is one"),
        ("odd.json", '{"losses": [{"loss": "mse"}]}', "is not a result of losscli"),
        ("deep.json", "[" * 100_000, "is not a result of losscli"),
        ("huge.json", one.replace("1.5", "1" + "0" * 400), "is not a result of losscli"),
        (
            "twice.json",
            one.replace("[", "[" + one[one.index("{", 1) : one.index("]")] + ", "),
            "has mse more than once",
        ),
        ("two.json", one.replace("1.5", '1.5, "value": 9'), "is not JSON (two values for 'value')"),
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
    with pytest.warns(UserWarning, match="has no huber"):
        assert losscli.compute("huber", str(data), baseline=str(old)).baseline.change is None
    with pytest.raises(UsageError, match="weights was no, is w"):
        losscli.compute("mse", str(data), columns={"weight": "w"}, baseline=str(old))
    with pytest.raises(DataError, match="No such file"):
        losscli.compute("mse", str(data), baseline="nowhere.json")
