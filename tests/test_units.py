"""What is resampled whole: rows, clusters and circular blocks, against loops over them."""

import numpy as np
import pytest

from losscli.statistics.bootstrap import draws
from losscli.statistics.bootstrap.options import Resampling
from losscli.statistics.bootstrap.units import unit_terms

ASKED = Resampling(0.95)


def test_sums_of_clusters_are_those_of_loops_in_the_order_of_first_rows():
    rng = np.random.default_rng(1)
    terms, rows = rng.normal(size=(50, 3)), np.arange(3, 153, 3)
    clusters = rng.integers(0, 9, 50).astype(np.uint64) + np.uint64(2**63)
    expected = []
    for cluster in dict.fromkeys(clusters.tolist()):
        total = np.zeros(3)
        for i in range(50):
            if int(clusters[i]) == cluster:
                total = total + terms[i]
        expected.append(total)
    found = unit_terms(terms, rows, clusters, ASKED._replace(cluster="day"), None)
    np.testing.assert_array_equal(found.terms, expected)
    assert found.size == len(expected) == 9


@pytest.mark.parametrize("length", [2, 3, 7, 8, 16, 19, 20])
def test_blocks_run_around_the_end(length):
    terms = np.random.default_rng(length).normal(size=(20, 2))
    expected = [sum(terms[(i + j) % 20] for j in range(length)) for i in range(20)]
    found = unit_terms(terms, np.arange(20), None, ASKED._replace(block="auto"), length)
    np.testing.assert_allclose(found.terms, expected, rtol=0, atol=1e-13)
    assert found.size == -(-20 // length)


def test_rows_are_their_own_units_without_clusters_or_blocks():
    terms = np.arange(6.0).reshape(3, 2)
    for asked, block in ((ASKED, None), (ASKED._replace(block=1), None), (ASKED._replace(block="auto"), 1)):
        found = unit_terms(terms, np.arange(1, 4), None, asked, block)
        assert found.terms is terms
        assert found.size == 3


def test_fewer_units_than_there_are_may_be_drawn():
    counts = draws.multinomial(30, 5, size=7)(0, 2000)
    assert counts.shape == (2000, 30)
    assert (counts.sum(axis=1) == 7).all()
    assert abs(counts.mean(axis=0) - 7 / 30).max() < 5 * np.sqrt(7 / 30 / 2000)
    np.testing.assert_array_equal(draws.multinomial(30, 5)(4, 3), draws.multinomial(30, 5, size=30)(4, 3))
