"""Losses are found by name, whatever has been read of the catalogue before."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from losscli import registry
from losscli.catalogue import entry_of
from losscli.explain import symbols_of
from losscli.report import tables
from tools import regenerate


def test_the_index_has_the_names_of_the_declarations() -> None:
    text = regenerate.INDEX.read_text(encoding="utf-8")
    assert regenerate.make_index(text) == text, regenerate.command_for("index")


def test_the_catalogue_file_says_what_the_declarations_say() -> None:
    text = regenerate.CATALOGUE.read_text(encoding="utf-8")
    assert regenerate.make_catalogue(text) == text, regenerate.command_for("catalogue")


def test_the_table_has_the_symbols_of_the_formula_alone() -> None:
    losses = [loss for loss in registry.all_losses() if loss.in_catalogue]
    (block,) = tables.catalogue([entry_of(loss) for loss in losses]).blocks
    assert block[3] == tuple(
        "; ".join(f"{name} = {meaning}" for name, meaning in symbols_of(loss, gradients=False).items())
        for loss in losses
    )


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


def test_list_needs_neither_numpy_nor_the_losses() -> None:
    listed = run("""
        import sys
        from losscli.cli import run

        sys.modules["numpy"] = sys.modules["losscli.registry"] = None  # importing them fails
        for format_ in ("tsv", "json", "jsonl", "markdown", "value"):
            assert run(["list", "--family", "boxes", "-f", format_]) == 0
    """)
    assert listed.endswith("iou\ngiou\ndiou\nciou\neiou\nalpha_iou\nsiou\n")


def test_explain_reads_the_module_of_the_loss_alone() -> None:
    read = run("""
        import sys
        from losscli.cli import run

        run(["explain", "huber"])  # its texts begin with words that are names of no loss
        print([name for name in sys.modules if name.startswith("losscli.losses.") and "._" not in name])
    """)
    assert read.endswith("['losscli.losses.regression']\n")


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
