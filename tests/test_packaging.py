"""What is said of the project outside of its code agrees with it: metadata, citation, public CI."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import losscli

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PREFIX = "Programming Language :: Python :: 3."
VERSIONS = [kind.removeprefix(PREFIX[:-2]) for kind in PROJECT["classifiers"] if kind.startswith(PREFIX)]


def workflow(name: str) -> dict[Any, Any]:
    yaml = pytest.importorskip("yaml")
    found: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text(encoding="utf-8"))
    return found


def test_the_oldest_python_is_the_one_that_pip_allows() -> None:
    assert PROJECT["requires-python"] == f">={VERSIONS[0]}"
    assert VERSIONS == ["3.11", "3.12", "3.13", "3.14"]


def test_the_citation_names_this_version() -> None:
    cited = dict(
        re.findall(r"^(version|license|repository-code|url): (.*)$", (ROOT / "CITATION.cff").read_text(), re.M)
    )
    urls = PROJECT["urls"]
    assert cited == {
        "version": losscli.__version__,
        "license": PROJECT["license"],
        "repository-code": urls["Source"],
        "url": urls["Homepage"],
    }


def test_public_ci_runs_the_same_with_every_python() -> None:
    jobs = workflow("ci.yml")["jobs"]
    assert jobs["tests"]["strategy"]["matrix"]["python"] == VERSIONS
    commands = [step.get("run") for job in jobs.values() for step in job["steps"]]
    assert {".ci/run", ".ci/oldest"} <= set(commands)
    for command in filter(None, commands):
        assert not command.startswith(".ci/") or (ROOT / command).stat().st_mode & 0o100, command


@pytest.mark.parametrize("name", ["ci.yml", "release.yml"])
def test_workflows_may_do_little(name: str) -> None:
    found = workflow(name)
    assert found["permissions"] == {"contents": "read"}
    for job_name, job in found["jobs"].items():
        assert job.get("permissions", {"id-token": "write"}) == {"id-token": "write"}
        assert ("permissions" in job) == (job_name == "publish")
        assert job["timeout-minutes"] <= 45
        actions = [step["uses"] for step in job["steps"] if "uses" in step]
        assert [action for action in actions if not re.search(r"@(v\d+|release/v\d+)$", action)] == []
