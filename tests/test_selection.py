"""Order statistics of many values are exact, however well a sample tells where they are."""

from collections.abc import Callable

import numpy as np
import pytest

from losscli.statistics import order_statistics as selection
from losscli.statistics.order_statistics import order_statistics
from losscli.statistics.quantiles import deviation, quantiles

N = 50_000
RNG = np.random.default_rng(5)
STEP = -(-N // 1024)

DATA = {
    "normal": RNG.normal(size=N),
    "sorted": np.sort(RNG.normal(size=N)),
    "ties": RNG.integers(0, 3, N).astype(float),
    "constant": np.full(N, 2.5),
    "infinite": np.where(RNG.random(N) < 0.3, np.inf, RNG.normal(size=N)),
    "misleading": np.where(np.arange(N) % STEP == 0, 100.0 + RNG.random(N), RNG.normal(size=N)),  # all that is sampled
    "zeros": RNG.choice([0.0, -0.0, 1.0], N),
}


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "MANY", 1000)
    monkeypatch.setattr(selection, "SAMPLE", 1024)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("positions", [(0,), (N - 1,), (7, 8), (N // 2, N // 2 + 1), (12345, 99, 40_000, 12346)])
@pytest.mark.parametrize("of", [None, lambda block: np.abs(block - 0.25)], ids=["values", "distances"])
def test_what_is_placed_is_what_sorting_puts_there(
    name: str, positions: tuple[int, ...], of: Callable[[np.ndarray], np.ndarray] | None
) -> None:
    values = DATA[name]
    given = values.copy()
    expected = np.sort(values if of is None else of(values))
    assert order_statistics(values, positions, of=of) == [expected[place] for place in positions]
    assert np.array_equal(values, given)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("share", [0.001, 0.1, 0.97])
def test_rows_of_a_mask_are_placed_among_themselves(name: str, share: float) -> None:
    values, rows = DATA[name], RNG.random(N) < share
    expected = np.sort(values[rows])
    positions = [0, len(expected) // 3, len(expected) - 1]
    assert order_statistics(values, positions, rows) == [expected[place] for place in positions]


def test_a_good_sample_spares_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("losscli.statistics.order_statistics.MaskedValues.all")
    assert order_statistics(DATA["normal"], [N // 2]) == [np.sort(DATA["normal"])[N // 2]]


def test_quantiles_and_deviations_are_numpys() -> None:
    values = DATA["normal"]
    assert quantiles(values, None, (0.25, 0.5, 0.999)) == pytest.approx(
        np.quantile(values, (0.25, 0.5, 0.999)), rel=1e-15
    )
    assert deviation(values, None, 0.25) == pytest.approx(np.median(np.abs(values - 0.25)), rel=1e-15)
    assert quantiles(np.append(values, np.nan), None, (0.5,)) != quantiles(values, None, (0.5,))
    weights = RNG.random(N)
    assert deviation(values, weights, 0.25) == quantiles(np.abs(values - 0.25), weights, (0.5,))[0]
