"""Every kernel against mpmath, at the edges of its domain and at random points: 1e-12, relative.

`docs/accuracy.md` lists the largest error of each loss.
"""

from __future__ import annotations

import pytest

from tests.accuracy import EXTREMES, REFERENCE, TOLERANCE, exact_cases, measure, worst_error
from tests.registry_cases import LOSSES
from tools import regenerate

NAMES = [loss.name for loss in LOSSES]
LISTED = regenerate.listed_errors(regenerate.ACCURACY.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_its_error_is_listed(name: str) -> None:
    assert name in LISTED, f"docs/accuracy.md has no figure of {name}: {regenerate.command_for('accuracy')}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_against_mpmath(name: str) -> None:
    for measured in measure(name):
        assert measured.error <= TOLERANCE, measured.where
    command = regenerate.command_for("accuracy")
    found = f"docs/accuracy.md says {LISTED[name]:.1e} of {name}, measured is {worst_error(name):.1e}: {command}"
    assert regenerate.is_same_error(LISTED[name], worst_error(name)), found


def test_the_table_has_no_other_losses() -> None:
    assert list(LISTED) == sorted(NAMES), regenerate.command_for("accuracy")


def test_a_stale_figure_is_found() -> None:
    assert regenerate.is_same_error(2.2e-16, 1.1e-15)
    assert not regenerate.is_same_error(2.2e-16, 3e-15)
    assert not regenerate.is_same_error(1e-13, 3e-15)


def test_every_loss_has_a_reference_and_edges_or_exact_golden_cases() -> None:
    assert set(REFERENCE) == set(EXTREMES) <= set(NAMES)
    assert all(exact_cases(name) for name in set(NAMES) - set(REFERENCE))
