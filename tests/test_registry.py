"""Losses are found by name, whatever has been read of the catalogue before.

`LOSSCLI_UPDATE_HOMES=1 python -m pytest -n0 tests/test_registry.py` writes anew which file declares which names.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from losscli import registry
from losscli.declaration import grammar
from losscli.losses import _index

TABLE = re.compile(r"(?<= = )\{.*?\}\n", re.DOTALL)


def homes() -> dict[str, list[str]]:
    """File -> all names and aliases that it declares."""
    found: dict[str, list[str]] = {}
    for loss in registry.all_losses():
        if loss.in_catalogue:
            names = [grammar.normalize_name(name) for name in (loss.name, *loss.aliases)]
            found.setdefault(loss.module.rpartition(".")[2], []).extend(names)
    return found


@pytest.mark.skipif(not os.environ.get("LOSSCLI_UPDATE_HOMES"), reason="writes the table")
def test_write_homes() -> None:
    path = Path(_index.__file__)
    entries = []
    for home, names in homes().items():
        wrapped = textwrap.wrap(" ".join(names), 98)
        entries.append(f'    "{home}":\n' + "\n".join(f'        "{line} "' for line in wrapped) + ",")
    table = "{\n" + "\n".join(entries) + "\n}\n"
    path.write_text(TABLE.sub(lambda _: table, path.read_text(encoding="utf-8"), count=1), encoding="utf-8")


@pytest.mark.skipif(bool(os.environ.get("LOSSCLI_UPDATE_HOMES")), reason="being written anew")
def test_homes_are_those_of_the_declarations() -> None:
    assert {home: names.split() for home, names in _index.NAMES_BY_MODULE.items()} == homes()


def run(code: str) -> str:
    """What a new process prints."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_loss_is_found_without_reading_the_whole_catalogue() -> None:
    read = run("""
        import sys, losscli
        losscli.get_loss("mse"), losscli.get_loss("L1")
        print([name for name in sys.modules if name.startswith("losscli.losses.")])
    """)
    assert "losscli.losses.regression" in read
    assert "losscli.losses.robust" not in read


def test_the_list_is_the_same_whatever_was_asked_for_before() -> None:
    before, after = (
        run("""
        import losscli
        losscli.get_loss("tversky")
        print([loss.name for loss in losscli.list_losses()])
    """),
        run("""
        import losscli
        print([loss.name for loss in losscli.list_losses()])
    """),
    )
    assert before == after
    assert before.count(",") > 100


def test_an_own_loss_does_not_take_a_name_of_the_catalogue_whatever_was_read_before() -> None:
    told = run("""
        import losscli
        from losscli.declaration.domains import Real

        losscli.get_loss("mse")

        @losscli.loss(family="regression", formula="0")
        def huber(y_true: Real, y_pred: Real):
            return y_true * 0

        try:
            losscli.get_loss("mse")
        except losscli.UsageError as error:
            print(error)
    """)
    assert told == "'huber' is already the loss huber of losscli.losses.regression\n"


def test_a_loss_that_the_table_does_not_have_is_found_all_the_same() -> None:
    found = run("""
        import losscli
        from losscli.losses import _index

        _index.NAMES_BY_MODULE.clear()
        print(losscli.get_loss("huber").name)
    """)
    assert found == "huber\n"
