"""The docstrings of the public Python API: each name has one, in the style that the site reads, with examples."""

from __future__ import annotations

import ast
import doctest
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import pytest

import losscli
from losscli import registry
from losscli.declaration.loss import pending

OPTIONS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
NAMES = [name for name in losscli.__all__ if name != "__version__"]
DRAW = ("plot", "report")
"""Those that matplotlib makes slow."""


@pytest.fixture
def clean() -> Iterator[None]:
    """Forget the loss that an example declares, and the figures that it draws."""
    yield
    pending[:] = [loss for loss in pending if loss.in_catalogue]
    registry._by_name.pop("three_halves", None)
    plt.close("all")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in DRAW else ()) for n in NAMES])
def test_examples_run(name: str, clean: None) -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = finder.find(getattr(losscli, name), name, globs={"losscli": losscli}, module=False)
    assert name == "domains" or any(test.examples for test in tests), f"{name} has no example"
    output: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for test in tests:
        runner.run(test, out=output.append)
    assert runner.failures == 0, "".join(output)


def public_members() -> Iterator[tuple[str, Any]]:
    """Yield every public function and class, and the public methods and properties of classes, by name."""
    for name in NAMES:
        value = getattr(losscli, name)
        yield name, value
        for key, member in inspect.getmembers(value) if inspect.isclass(value) else ():
            is_own = getattr(member, "__module__", getattr(getattr(member, "fget", None), "__module__", "")) or ""
            if not key.startswith("_") and is_own.startswith("losscli"):
                yield f"{name}.{key}", member


@pytest.mark.parametrize(
    ("name", "value"), [*public_members()], ids=lambda value: value if isinstance(value, str) else ""
)
def test_docstrings_say_what_arguments_are(name: str, value: Any) -> None:
    text = inspect.getdoc(value)
    assert text
    assert text.splitlines()[0].endswith((".", ":"))
    function = value if inspect.isfunction(value) else None
    if function is None or inspect.isclass(value):
        return
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    wanted = [{p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "") + p.name for p in parameters]
    lacking = [name for name in wanted if f"\n    {name}: " not in text and f"`{name}`" not in text]
    assert lacking == []


def test_fields_of_results_are_documented() -> None:
    for kind in (losscli.LossResult, losscli.Evaluation):
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
        (definition,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        fields = [
            n.target.id for n in definition.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
        ]
        text = inspect.getdoc(kind) or ""
        lacking = [f for f in fields if f"\n    {f}: " not in text and f"`{f}`" not in text]
        assert lacking == []
