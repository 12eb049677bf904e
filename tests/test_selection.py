"""Order statistics of many values are exact, however well a sample bounds them."""

import numpy as np
import pytest

from losscli.statistics.quantiles import deviation, order_statistics, quantiles

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


def select(
    values: np.ndarray, ranks: list[int], rows: np.ndarray | None = None, centre: float | None = None
) -> list[float]:
    """Return order statistics, from a sample of so few values."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("losscli.statistics.quantiles.MIN_VALUES_TO_SAMPLE", 1000)
        patch.setattr("losscli.statistics.quantiles.VALUES_PER_BRACKET_SAMPLE", 1024)
        return order_statistics(values, ranks, rows, centre)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("ranks", [[0], [N - 1], [7, 8], [N // 2, N // 2 + 1], [12345, 99, 40_000, 12346]])
@pytest.mark.parametrize("centre", [None, 0.25], ids=["values", "distances"])
def test_order_statistics_are_those_of_sorting(name: str, ranks: list[int], centre: float | None) -> None:
    values = DATA[name]
    given = values.copy()
    expected = np.sort(values if centre is None else np.abs(values - centre))
    assert select(values, ranks, centre=centre) == [expected[rank] for rank in ranks]
    assert np.array_equal(values, given)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("share", [0.001, 0.1, 0.97])
def test_order_statistics_of_masked_rows(name: str, share: float) -> None:
    values, rows = DATA[name], RNG.random(N) < share
    expected = np.sort(values[rows])
    ranks = [0, len(expected) // 3, len(expected) - 1]
    assert select(values, ranks, rows) == [expected[rank] for rank in ranks]


def test_a_good_sample_spares_copying_all_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("losscli.statistics.quantiles.MaskedValues.copy_all")
    assert select(DATA["normal"], [N // 2]) == [np.sort(DATA["normal"])[N // 2]]


def test_quantiles_and_deviations_are_numpys() -> None:
    values = DATA["normal"]
    assert quantiles(values, None, (0.25, 0.5, 0.999)) == pytest.approx(
        np.quantile(values, (0.25, 0.5, 0.999)), rel=1e-15
    )
    assert deviation(values, None, 0.25) == pytest.approx(np.median(np.abs(values - 0.25)), rel=1e-15)
    assert quantiles(np.append(values, np.nan), None, (0.5,)) != quantiles(values, None, (0.5,))
    weights = RNG.random(N)
    assert deviation(values, weights, 0.25) == quantiles(np.abs(values - 0.25), weights, (0.5,))[0]
