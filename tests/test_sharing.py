"""What several losses need is worked out once, and no loss can spoil it for another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import losscli
from losscli.declaration.memo import BATCH_CACHE
from losscli.losses import _classes, _numerics
from losscli.losses._numerics import cached_per_batch

RNG = np.random.default_rng(4)
SCORES, LABELS = RNG.normal(size=(50, 4)), RNG.integers(0, 4, 50)


@pytest.fixture
def batch_cache() -> Iterator[None]:
    token = BATCH_CACHE.set({})
    yield
    BATCH_CACHE.reset(token)


@pytest.mark.usefixtures("batch_cache")
def test_once_a_batch_and_anew_outside() -> None:
    calls: list[int] = []

    @cached_per_batch
    def square(x: np.ndarray) -> np.ndarray:
        calls.append(1)
        return x * x

    assert square(SCORES) is square(SCORES)
    square(SCORES.copy())
    assert len(calls) == 2
    BATCH_CACHE.set(None)
    assert square(SCORES) is not square(SCORES)


@pytest.mark.usefixtures("batch_cache")
def test_what_is_shared_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        _classes.log_softmax(SCORES)[0] = 0.0


def test_losses_of_the_same_scores_share_their_softmax(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    plain = _numerics.np.log1p
    monkeypatch.setattr(_numerics.np, "log1p", lambda x, *a, **k: counted.append(1) or plain(x, *a, **k))
    names = ["cross_entropy:from_logits=true", "softmax_loss", "cross_entropy:from_logits=true:label_smoothing=0.1"]
    together = losscli.compute(names, y_true=LABELS, y_pred=SCORES)
    alone = [losscli.compute(name, y_true=LABELS, y_pred=SCORES) for name in names]
    assert [a.value for a in alone] == [t.value for t in together]
    assert len(counted) < 2 * len(names)
