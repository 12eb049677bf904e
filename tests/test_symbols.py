"""Every symbol of every formula is defined: by a shared table, by the declaration or in the formula itself."""

from __future__ import annotations

import json
import re

import pytest

from losscli.declaration.loss import Loss
from losscli.declaration.symbols import symbols_in, words_of
from losscli.explain import explain, gradient_formulas, symbols_of
from tests.conftest import Cli
from tests.registry_cases import LOSSES

FUNCTIONS = frozenset(
    re.findall(
        r"\w+",
        "argmax atan cos cosh dt exp integral inf log max mean min pi prod sigmoid sign sin softmax sqrt sum tanh",
    )
)
"""Names that mean the same everywhere."""

PROSE = frozenset(
    re.findall(
        r"\w+",
        """
        above add after agree all an anchor anchors and angle any are area around as at below best between bin blanks
        box both bracket by censored class compare constant cosine cosines count cumulative cut diagonal distance
        dropped each edges else empty euclidean every exponentials for fraction frame from give given gradient half has
        height held hot how if in is it its itself known label labels largest limits logits loss many margin maximum
        means median merged mined minus nearer other negative negatives non not number of one or others over pair
        partner part past paths place positive positives pred probabilities probability product repeats right
        root row score share signs slopes sqeuclidean such sums target that the their then through times to total
        towards triplets true up value view views what where whose width with without wrong centers
        """,
    )
)
"""Words of plain English."""

ARTICLE = re.compile(r"\ba(?= [a-z]{3,})")


def undefined(loss: Loss) -> set[str]:
    """The words of the formulas of a loss that nothing defines."""
    names = {role.name for form in loss.forms for role in form.roles} | {p.name for p in loss.parameters}
    text = "; ".join([loss.formula, *(text for _, text in gradient_formulas(loss))])
    words = set(words_of(ARTICLE.sub("", text), names, loss.symbols))
    inline = {
        w for w in words if re.search(rf"(?:^|[,;] | and |log: ){w}(?:_[a-z])? (?:= |the |their |towards |from )", text)
    }
    return words - inline - set(loss.symbols) - FUNCTIONS - PROSE - {loss.name for loss in LOSSES}


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_every_symbol_is_defined(loss: Loss) -> None:
    assert not undefined(loss)


def test_symbols_that_no_formula_uses_are_not_shown() -> None:
    for loss in LOSSES:
        text = "; ".join([loss.formula, *(text for _, text in gradient_formulas(loss))])
        assert all(re.sub(r"\W.*", "", symbol) in text for symbol in symbols_of(loss)), loss.name


def test_symbols_are_parts_of_words_but_names_are_not() -> None:
    symbols = {"p": "probability", "c": "class", "p_t": "that of the target", "y": "label"}
    assert symbols_in("p_c y_true", {"y_true"}, symbols) == {"p": "probability", "c": "class"}
    assert symbols_in("p_t²", set(), symbols) == {"p_t": "that of the target"}
    assert "[...]" in symbols_in("[c = y]", set(), symbols)
    assert "[...]" not in symbols_in("[s_n + m]+", set(), symbols)


@pytest.mark.parametrize("name", ["mse", "bce", "kl", "supcon", "diou", "arcface"])
def test_explain_and_list_define_symbols(name: str, cli: Cli) -> None:
    loss = next(loss for loss in LOSSES if loss.name == name)
    symbols = symbols_of(loss)
    assert symbols
    formula = next(section for section in explain(loss).sections if section.title == "Formula")
    assert dict(formula.rows) == symbols
    assert json.loads(cli("explain", name, "-f", "json").out)["symbols"] == symbols
    (entry,) = (entry for entry in json.loads(cli("list", "-f", "json").out) if entry["name"] == name)
    assert entry["symbols"] == symbols
    in_formula = "; ".join(f"{symbol} = {meaning}" for symbol, meaning in symbols_of(loss, gradients=False).items())
    rows = [line.split("\t") for line in cli("list").out.splitlines()]
    (row,) = (row for row in rows if row[0] == name)
    assert row[rows[0].index("symbols")] == in_formula
