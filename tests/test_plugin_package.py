"""The example of a plugin is built as a wheel, installed, and found by every command and by Python."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import losscli
import losscli.domains
from losscli.declaration import domains as declared

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "losscli-plugin-example"
PUBLIC = {"Conflict", "Functional", "Property", "Reduction", "Refusal", "Remark"}
PUBLIC |= {"domains", "given", "loss", "minimised_by", "same", "unlike"}
DOMAINS = """
Alpha Angle AnyLabel Array Bias BinCount BinPosition BinPositionRow Boolean Box BoxFormat BoxPenalty ByteCount
CenterLabel Choice ClassLabel ClassOrder ClassProbabilities ClassTarget ClassesCounted Cosine CosineRow CosineTable
Count Distance Distances DistributionRow Ensemble Epsilon Event ExtendedReal FiniteNonNegative FiniteNonZero
FinitePositive FiniteReal FrameCounts Frames GroupLabel HardLabel Hazards IgnoreIndex Interval Label LabelOrOneHot
LabelRow LogProbabilities LogProbability LowerTime Mask MaskProbability Mining NonNegative NonNegativeReal
NonNegativeRow NonZeroReal Number Numbers OrNone Order OrderedLabel OverlapWeighting PairLabel PerClass PixelClasses
PixelLabel PixelTarget Position Positive PositiveNumber PositiveOrNone PositiveReal PositiveRow PositiveWeight Power
PredictedDistribution PredictedLabel Probability PrototypeLabel Prototypes ProxyLabel Quality Queries Rate Real
RealAboveMinusOne Relevance Relevances Score Scores ScoresOfRows SignLabel SignPairLabel Smoothing SoftLabel SoftMask
SubPrototypes SurvivalCurve SurvivalProbability SymbolCounts Symbols Time TimeStep Times TrueDistribution TweedieMean
TweedieTarget UnitInterval UpperTime Vector VectorEnsemble VectorOutcome Weights
"""


def test_names_that_plugins_import_stay() -> None:
    """A name may be added here, and none may go: plugins outside of this repository import them."""
    assert set(losscli.__all__) >= PUBLIC
    assert set(DOMAINS.split()) == set(losscli.domains.__all__)
    assert losscli.domains.Real is declared.Real


def test_every_domain_is_public_and_documented() -> None:
    source = Path(declared.__file__).read_text(encoding="utf-8")
    named = re.findall(r'^(\w+) = Annotated\[.*\]\n(""")?', source, re.MULTILINE)
    assert [name for name, docstring in named if not docstring] == []
    assert {name for name, _ in named} <= set(losscli.domains.__all__)


def test_annotations_make_domains_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from typing import Annotated\n"
        "from losscli import loss\n"
        "from losscli.domains import Array, Choice, Interval, Number, Numbers, OrNone\n"
        "Share = Annotated[Array, Numbers(interval=Interval(0, 100))]\n"
        "Cap = Annotated[float | None, OrNone(Number(Interval(0, 5, low_open=True)))]\n"
        "@loss(family='regression', formula='min(|e|, cap)')\n"
        "def capped(y_true: Share, y_pred: Share, *, cap: Cap = None, way: Annotated[str, Choice(('a', 'b'))] = 'a'):\n"
        "    'Capped.'\n"
        "    return abs(y_pred - y_true).clip(max=cap) if way == 'a' else y_true * 0\n"
    )
    code = (
        "import losscli, own\n"
        "print(losscli.compute('capped:cap=3', y_true=[1, 50], y_pred=[2, 60]).value)\n"
        "for text, pred in (('capped:cap=6', 60), ('capped:way=c', 60), ('capped', 101)):\n"
        "    try:\n"
        "        losscli.compute(text, y_true=[1, 50], y_pred=[2, pred])\n"
        "    except losscli.LosscliError as error:\n"
        "        print(error)\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "2.0",
        "capped: cap=6 must be in (0, 5]",
        "capped: way=c must be a or b",
        "y_pred, row 2: 101 is not in [0, 100]",
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the example is installed, from a wheel that was built without a network."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("plugin")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--no-input"]
    offline = "--no-deps", "--no-index"
    wheels = folder / "wheels"
    subprocess.run([*pip, "wheel", *offline, "--no-build-isolation", "-w", wheels, EXAMPLE], check=True)
    (wheel,) = wheels.iterdir()
    assert wheel.name == "losscli_plugin_example-1.0.0-py3-none-any.whl"
    subprocess.run([*pip, "install", *offline, "--target", folder / "site", wheel], check=True)
    (folder / "demand.csv").write_text("y_true,y_pred\n10,8\n20,25\n30,30\n")
    return folder


def run(folder: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder / 'site'}"}
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_commands_find_an_installed_plugin(site: Path) -> None:
    for name in ("stock_cost", "newsvendor", "报童损失"):
        assert float(run(site, "-m", "losscli", "compute", name, "demand.csv", "-f", "value")) == 11 / 3
    rows = run(site, "-m", "losscli", "compute", "stock_cost:surplus=2", "demand.csv", "--gradient", "-f", "csv")
    assert [line.split(",")[-1] for line in rows.splitlines()[1:]] == ["-3.0", "2.0", "0.0"]
    compared = json.loads(
        run(site, "-m", "losscli", "compare", "-f", "json", "--losses", "mae,too_far_off", "demand.csv")
    )
    assert "too_far_off" in json.dumps(compared)
    listed = {entry["name"] for entry in json.loads(run(site, "-m", "losscli", "list", "-f", "json"))}
    assert {"stock_cost", "too_far_off", "mse"} <= listed
    explained = run(site, "-m", "losscli", "explain", "stock_cost")
    assert "报童损失" in explained
    assert "-shortage where p < y" in explained
    assert "which is far from the mean if one price" in " ".join(explained.split())


@pytest.mark.slow
def test_python_finds_an_installed_plugin(site: Path) -> None:
    code = "import losscli; print(losscli.compute('too_far_off:percent=20', 'demand.csv').value)"
    assert run(site, "-c", code) == f"{1 / 3}\n"


@pytest.mark.slow
def test_the_tests_of_the_plugin_pass(site: Path) -> None:
    options = "-q", "-p", "no:cacheprovider", "-o", "addopts="
    assert "4 passed" in run(site, "-m", "pytest", *options, str(EXAMPLE / "tests"))
