"""--fail-if: conditions on groups and models, and what cannot be judged; options that contradict each other."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import losscli
from losscli.errors import UsageError
from tests.conftest import ENVIRONMENT, LOSSCLI, Cli, write_npy, write_parquet

ROWS = "y_true,y_pred,other,region,size\n1,2,1,eu,s\n3,5,3,eu,l\n2,2,9,us,s\n4,4,9,us,l\n"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text(ROWS)


@pytest.mark.parametrize(
    ("gate", "status", "words"),
    [
        ("mse[region=eu].value>2", 1, "mse (region eu) is 2.5, > 2"),
        ("mse[region=eu]>2", 1, "mse (region eu) is 2.5, > 2"),
        ("mse[region=us]>0", 0, ""),
        ("mse[region=us].max>=0", 1, "mse.max (region us) is 0.0, >= 0"),
        ("mse[region=mars]>2", 1, "mse (region mars) cannot be judged: there are region=eu, region=us"),
        ("mse[planet=eu]>2", 1, "mse (planet eu) cannot be judged"),
        ("mse[eu]>2", 1, "mse (model eu) cannot be judged"),
        ("quantile:tau=0.9[region=eu]>0.1", 1, "quantile:tau=0.9 (region eu) is 0.1"),
        ("mse>2", 1, "mse (region eu) is 2.5, > 2"),
    ],
)
def test_a_gate_on_a_group(gate: str, status: int, words: str, cli: Cli) -> None:
    result = cli("compute", "mse,quantile:tau=0.9", "data.csv", "--group-by", "region", "--fail-if", gate, "-q")
    assert result.status == status
    assert result.err.startswith(f"losscli: failed: {words}" if words else "")


def test_a_gate_on_groups_of_two_columns(cli: Cli) -> None:
    words = ["compute", "mse", "data.csv", "--group-by", "region,size", "-q", "--fail-if"]
    assert cli(*words, "mse[region=eu,size=l]>3").status == 1
    assert cli(*words, "mse[region=eu,size=s]>3").status == 0
    assert cli(*words, "mse[size=l]>3").err == "losscli: failed: mse (region eu) (size l) is 4.0, > 3\n"


@pytest.mark.parametrize(
    "gate",
    [
        "mse［地区＝东部］．value＞２",
        "mse[地区＝东部]≥2。5",
        "均方误差【地区=东部，大小=大】>３",
        "mse[价格（元）＝９]>3",
    ],
)
def test_a_condition_typed_in_full_width(gate: str, cli: Cli) -> None:
    Path("data.csv").write_text("y_true,y_pred,地区,大小,价格（元）\n1,2,东部,小,8\n3,5,东部,大,9\n2,2,西部,小,8\n")
    words = ["compute", "mse", "data.csv", "--group-by", "地区，大小，价格（元）", "-q", "--fail-if"]
    assert "(地区 东部)" in cli(*words, gate).err or "(价格（元） 9)" in cli(*words, gate).err
    assert cli(*words, gate).status == 1
    gate = re.sub("(２|2。5|３|3)$", "９", gate)
    assert cli(*words, gate).status == 0


def test_a_gate_on_a_group_without_groups(cli: Cli) -> None:
    result = cli("compute", "mse", "data.csv", "--fail-if", "mse[region=eu]>3", "-q")
    assert (result.status, "there are no groups and no models" in result.err) == (1, True)


def test_a_group_of_odd_characters(cli: Cli) -> None:
    Path("data.csv").write_text(ROWS.replace("eu", "<=3]").replace("us", "a.b"))
    words = ["compute", "mse", "data.csv", "--group-by", "region", "-q", "--fail-if"]
    assert cli(*words, "mse[region=<=3]]>2").status == 1
    assert cli(*words, "mse[region=a.b]>2").status == 0


def test_a_gate_on_a_model(cli: Cli) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    columns = np.column_stack([y, y + 0.1, y + rng.normal(size=200)])
    np.savetxt("models.csv", columns, delimiter=",", header="y_true,good,bad", comments="")
    words = ["compare", "--losses", "mae", "models.csv", "--pred", "good", "--pred", "bad", "-q", "--fail-if"]
    assert cli(*words, "mae[bad].diff_low>0").status == 1
    assert cli(*words, "mae[good].diff_low>0").status == 0  # the best differs from itself by 0
    assert cli(*words, "mae[model=good]>0.2").status == 0
    few = ["compare", "--losses", "mse", "data.csv", "--pred", "other", "--pred", "y_pred", "-q", "--fail-if"]
    assert cli(*few, "mse[y_pred].diff_low>0").status == 0  # also where it ties with the next
    unknown = cli(*words, "mae[ugly].diff_low>0")
    assert (unknown.status, "cannot be judged: there are model=good, model=bad" in unknown.err) == (1, True)


@pytest.mark.parametrize("loss", ["mse", "rmse", "medae"])
def test_models_that_predict_the_same_differ_by_nothing(loss: str, cli: Cli) -> None:
    Path("same.csv").write_text("y_true,a,b\n" + "".join(f"{i},{i + i % 3},{i + i % 3}\n" for i in range(20)))
    words = ["compare", "--losses", loss, "same.csv", "--pred", "a", "--pred", "b", "-q"]
    for gate in (f"{loss}[b].diff_low>0", f"{loss}[a].diff_high>0", f"{loss}.diff_low>0"):
        assert cli(*words, "--fail-if", gate).status == 0


def test_a_missing_interval_is_no_pass(cli: Cli) -> None:
    Path("few.csv").write_text("y_true,a,b\n1,1,3\n")
    words = ["--pred", "a", "--pred", "b", "--fail-if", "mse[b].diff_low>0"]
    result = cli("compare", "--losses", "mse", "few.csv", *words)
    assert (result.status, "cannot be judged" in result.err) == (1, True)


def test_a_condition_is_about_one_loss(cli: Cli) -> None:
    result = cli("compute", "mse,mae", "data.csv", "--fail-if", "mae,mse>1")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(
        "losscli: error: --fail-if 'mae,mse>1': 'mae,mse' is a list, but a condition is of one loss"
    )


@pytest.mark.parametrize("gate", ["mse>inf", "mse>-inf", "mse>1e999", "mse<inf", "mse.max>=-1e400"])
def test_a_limit_is_finite(gate: str, cli: Cli) -> None:
    result = cli("compute", "mse", "data.csv", "--fail-if", gate)
    assert (result.status, result.out) == (2, "")
    assert "the limit must be a finite number" in result.err


@pytest.mark.parametrize("command", [["compute", "mse,mae"], ["compare", "--losses", "mse,mae"]])
def test_a_group_without_a_row_that_counts_is_no_pass(command: list[str], cli: Cli) -> None:
    """Its rows were left out, or have weight 0: nobody looked at it."""
    Path("data.csv").write_text("y_true,y_pred,g,w\n1,2,a,1\n3,5,b,1\n3,5,c,0\n1,,d,1\n1,,a,1\n")
    words = [*command, "data.csv", "--group-by", "g", "--weight", "w", "--nan", "omit", "-q", "-f", "value"]
    result = cli(*words, "--fail-if", "mse>100")
    assert (result.status, result.err) == (
        1,
        "losscli: failed: mse (g c) has no row that counts and cannot be judged\n"
        "losscli: failed: mse (g d) has no row that counts and cannot be judged\n",
    )
    assert cli(*words, "--fail-if", "mse[g=a]>100").status == 0


def test_each_group_counts_its_own_clipped_rows(cli: Cli) -> None:
    Path("data.csv").write_text("y_true,y_pred,g,w\n1,0,a,1\n1,0.5,a,1\n0,0.5,b,1\n1,0.9,b,1\n1,0,b,0\n")
    for command in (["compute", "bce"], ["compare", "--losses", "bce"]):
        words = [*command, "data.csv", "--group-by", "g", "--weight", "w", "-f", "value", "-q"]
        result = cli(*words, "--fail-if", "bce.clipped>0")
        assert (result.status, result.err) == (1, "losscli: failed: bce.clipped (g a) is 1, > 0\n")


def test_json_has_the_verdicts(cli: Cli) -> None:
    words = ["compute", "mse", "data.csv", "--fail-if", "mse>100", "--fail-if", "mse.max>1", "-f", "json", "-q"]
    passed, failed = json.loads(cli(*words).out)["gates"]
    assert passed == {"condition": "mse>100", "value": 1.25, "failed": False}
    assert failed == {"condition": "mse.max>1", "value": 4.0, "failed": True, "reason": "is 4.0, > 1"}
    assert json.loads(cli(*words, "--per-sample").out)["gates"] == [passed, failed]
    assert "gates" not in json.loads(cli("compute", "mse", "data.csv", "-f", "json").out)


CONTRADICTIONS = {
    "two columns": (["mse", "data.csv", "--true", "y_true", "--column", "y_true=other"], "y_true is 'y_true' as well"),
    "columns twice": (["mse", "data.csv", "--column", "y_true=a", "--column", "y_true=b"], "y_true is 'a' as well"),
    "two weights": (["mse", "data.csv", "--weight", "a", "--column", "weight=b"], "weight is 'a' as well"),
    "loss and -P": (["huber:delta=2", "data.csv", "-P", "delta=3"], "delta is 2 with the loss and 3 for all losses"),
    "a parameter twice": (
        ["huber:delta=2:delta=3", "data.csv"],
        "'huber:delta=2:delta=3': delta is set twice, to 2 and to 3",
    ),
    "-P twice": (["huber", "data.csv", "-P", "delta=2", "-P", "delta=3"], "-P delta=2 and -P delta=3 contradict"),
    "-P and a short form": (["bce", "data.csv", "-P", "from_logits=false", "--from-logits"], "contradict each other"),
    "classes of none": (["mse", "data.csv", "--classes", "a,b"], "--classes a,b: no loss here has classes"),
    "header of arrays": (["mse", "data.npy", "--no-header"], "--no-header: is for CSV and other text, and data.npy is"),
    "header of Parquet": (["mse", "data.parquet", "--no-header"], "--no-header: is for CSV and other text"),
    "delimiter of Parquet": (["mse", "data.parquet", "--delimiter", ";"], "is for CSV and other text"),
    "decimal sign of JSON": (["mse", "data.json", "--decimal", ","], "is for CSV and other text"),
    "comments of arrays": (["mse", "data.npy", "--comment", "#"], "is for CSV and other text"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradictions(case: tuple[list[str], str], cli: Cli) -> None:
    write_npy("data.npy", [[1.0, 2.0], [3.0, 5.0]])
    write_parquet("data.parquet", {"y_true": [1.0, 3.0], "y_pred": [2.0, 5.0]})
    Path("data.json").write_text('{"y_true": [1, 3], "y_pred": [2, 5]}')
    words, message = case
    result = cli("compute", *words)
    assert (result.status, result.out) == (2, "")
    assert message in result.err


@pytest.mark.parametrize("name", ["baseline", "classes", "column", "output", "param", "plugin", "true", "weight"])
def test_an_empty_value_is_no_way_to_leave_an_option_out(name: str, cli: Cli) -> None:
    """It is that of a variable that is not set."""
    result = cli("compute", "mse", "data.csv", f"--{name}", "")
    assert (result.status, result.out) == (2, "")
    assert result.err == f"losscli: error: --{name}: its value is empty: leave out the option\n"


def test_the_same_value_twice_is_no_contradiction(cli: Cli) -> None:
    words = ["--true", "y_true", "--column", "y_true=y_true", "-P", "delta=2", "-P", "delta=2"]
    assert cli("compute", "huber:delta=2.0", "data.csv", *words).status == 0


def test_the_api_refuses_alike() -> None:
    with pytest.raises(UsageError, match="delta is 2 with the loss and 3 for all losses"):
        losscli.compute("huber:delta=2", "data.csv", delta=3)
    with pytest.raises(UsageError, match="no loss here has classes"):
        losscli.compute("mse", "data.csv", classes=["a", "b"])


def signature(cli: Cli, *words: str) -> str:
    document = json.loads(cli("compute", *words, "-f", "json", "-q").out)
    found: str = document["losses"][0]["signature"]
    return found


def test_a_signature_names_the_classes_in_order(cli: Cli) -> None:
    np.savez("classes.npz", y_true=["a", "c"], y_pred=[[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]])
    words = ["rps", "classes.npz", "--classes"]
    assert "|classes=a,b,c|" in signature(cli, *words, "a,b,c")
    assert "|classes=b,a,c|" in signature(cli, *words, "b,a,c")
    assert "classes=" not in signature(cli, "mse", "data.csv")
    Path("rows.csv").write_text("t_a,t_b,t_c,p_a,p_b,p_c\n1,0,0,0.5,0.2,0.3\n")
    words = ["wasserstein", "rows.csv", "--column", "y_true=t_*", "--pred"]
    assert "|classes=a,b,c|" in signature(cli, *words, "p_a,p_b,p_c")
    assert "|classes=c,a,b|" in signature(cli, *words, "p_c,p_a,p_b")


def test_a_signature_tells_parameters_of_a_penalty_apart(cli: Cli) -> None:
    np.save("w.npy", np.ones(3))
    np.save("v.npy", -np.ones(3))  # of the same penalty
    found = [
        signature(cli, "mse", "data.csv", "--penalty", "l2:lambda=1", "--parameters", name)
        for name in ("w.npy", "v.npy")
    ]
    assert found[0] != found[1]


PLUGIN = """
from losscli.declaration.domains import Array, Real
from losscli.declaration.loss import loss

POWER = 2

@loss(name="powered", family="other", formula="|e|^p")
def powered(y_true: Real, y_pred: Real) -> Array:
    '''Return |e|^p.'''
    return abs(y_pred - y_true) ** POWER
"""


def test_a_signature_tells_an_edited_plugin_apart() -> None:
    Path("own.py").write_text(PLUGIN)
    words = [*LOSSCLI, "compute", "powered", "data.csv", "--plugin", "own.py", "-f", "json"]
    found = []
    for power in ("2", "4", "2"):
        Path("own.py").write_text(PLUGIN.replace("POWER = 2", f"POWER = {power}"))
        done = subprocess.run(words, capture_output=True, check=True, env=ENVIRONMENT)
        found.append(json.loads(done.stdout)["losses"][0]["signature"])
    assert "|source=" in found[0]
    assert found[0] != found[1]
    assert found[0] == found[2]


def test_a_signature_names_the_model(cli: Cli) -> None:
    words = ["compare", "--losses", "mse", "data.csv", "--pred", "y_pred", "--pred", "other", "-f", "json", "-q"]
    found = {loss["signature"].rpartition("|")[2] for loss in json.loads(cli(*words).out)["losses"]}
    assert found == {"model=y_pred", "model=other"}


@pytest.mark.parametrize(
    ("gate", "status", "words"),
    [
        ("mae[worse].relative_low>10%", 1, "mae.relative_low (region eu) (model worse) is "),
        ("mae[worse|region=us].diff_low>0", 1, "mae.diff_low (region us) (model worse) is "),
        ("mae[region=us|worse].p<0.05", 1, "mae.p (region us) (model worse) is "),
        ("mae[model=worse,region=us].value>0.001", 1, "mae (region us) (model worse) is "),
        ("mae[lr=0.1|region=us].relative_high>50%", 0, ""),
        ("mae[lr=0.1].relative_high>50%", 0, ""),
        ("mae[base].diff_high>0", 0, ""),
        ("mae[wors|region=us].p<0.05", 1, "mae.p (model wors) (region us) cannot be judged: there are model=base, mod"),
        ("mae[worse|region=mars].p<0.05", 1, "mae.p (model worse) (region mars) cannot be judged: there are region=eu"),
    ],
)
def test_a_gate_on_a_model_in_a_group(gate: str, status: int, words: str, cli: Cli) -> None:
    """Also of a model whose name has a = in it, and of a page, which compares models over all rows."""
    rng = np.random.default_rng(3)
    y, noise = rng.normal(size=80), rng.normal(size=(3, 80))
    columns = {"y_true": y, "base": y + noise[0], "lr=0.1": y + noise[0] * 1.01, "worse": y + 4 * noise[2]}
    columns["region"] = np.resize(["eu", "us"], 80)
    text = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    Path("models.csv").write_text("\n".join(text))
    words_typed = ["--losses", "mae", "models.csv", "--group-by", "region", "--reference", "base", "-q"]
    words_typed += [word for name in list(columns)[1:4] for word in ("--pred", name)]
    commands = [["compare"], *([["report", "-o", "r.html"]] if gate.startswith("mae[worse|region=us]") else [])]
    for command in commands:
        result = cli(*command, *words_typed, "--fail-if", gate)
        assert result.status == status
        assert result.err.startswith(f"losscli: failed: {words}" if words else "")


def test_a_selector_that_may_mean_two_things_is_no_pass(cli: Cli) -> None:
    Path("models.csv").write_text("y_true,a,region=eu,region\n" + "1,2,3,eu\n2,2,4,us\n" * 5)
    words = ["compare", "--losses", "mae", "models.csv", "--pred", "a", "--pred", "region=eu", "--group-by", "region"]
    result = cli(*words, "-q", "--fail-if", "mae[region=eu]>9")
    assert (result.status, "may mean region=eu or model=region=eu" in result.err) == (1, True)


def test_the_reference_has_no_p(cli: Cli) -> None:
    words = ["compare", "--losses", "mse", "data.csv", "--pred", "y_pred", "--pred", "other", "-q", "--fail-if"]
    assert cli(*words, "mse.p<0.0001").status == 0  # of the other model alone
    result = cli(*words, "mse[y_pred].p<0.0001", "--reference", "y_pred")
    assert (result.status, "cannot be judged" in result.err) == (1, True)


@pytest.mark.parametrize(
    ("gate", "status", "words"),
    [
        ("mae[worse].diff_high>1%", 2, "diff_high is in the unit of the loss; relative_high is in % of the reference"),
        ("mae[worse].difference>1%", 2, "relative is in % of the reference"),
        ("mae[worse,region=eu]>0", 1, "mae (region eu) (model worse) is "),
        (
            "mae[worse|size=1]>0",
            1,
            "mae (model worse) (size 1) cannot be judged: there are no groups by size; there are ",
        ),
    ],
)
def test_a_gate_that_may_be_misread_says_what_is_meant(gate: str, status: int, words: str, cli: Cli) -> None:
    Path("m.csv").write_text("region,y_true,good,worse\n" + "eu,1,1,2\nus,2,2,4\n" * 4)
    models = ("--pred", "good", "--pred", "worse", "--resamples", "99")
    done = cli("compare", "m.csv", "--losses", "mae", *models, "--group-by", "region", "--fail-if", gate)
    assert done.status == status
    assert words in done.err
