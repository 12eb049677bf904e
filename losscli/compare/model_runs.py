"""The runs of several models over the same rows, which share the draws of their bootstraps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from losscli.data.batch import Batch
from losscli.data.gather import rows_in_batch, split_batch
from losscli.evaluation.run import RunState

LOSSES_HELD = 1 << 19
"""Losses, of some rows under all losses by all models, that are held to be resampled together."""


def evaluate_models(run: RunState, batch: Batch, models: Sequence[str]) -> dict[str, RunState]:
    """Evaluate the losses of a run by the predictions of each model, piece by piece of the rows.

    Raises:
        NoResultError: No row counts.
        LosscliError: The predictions of a model do not fit a loss.
    """
    runs = {model: replace(run.fresh_copy(), draws_apart=True) for model in models}
    pieces: Iterable[Batch] = (batch,)
    if not any(evaluator.needs_all_rows(batch.arrays) for evaluator in run.evaluators):
        pieces = split_batch(batch, None if run.resampling is None else _rows_of_piece(runs, batch))
    for piece in pieces:
        for model, own in runs.items():
            for _ in own.evaluate(iter((piece.predicted_by(model),)), may_be_empty=True):
                pass
        _resample_up_to(runs, float(piece.rows[-1]))
    _resample_up_to(runs, float("inf"))
    for own in runs.values():
        own.check_not_empty()
    return runs


def _rows_of_piece(runs: dict[str, RunState], batch: Batch) -> int:
    """Return how many rows to evaluate at once; rows that are too many to hold are not held from the start."""
    from losscli.statistics.bootstrap.draws import ROWS_PER_DRAW

    n_rows = len(batch) if batch.left_out is None else int(np.count_nonzero(~batch.left_out))
    n_losses = 0
    for own in runs.values():
        for evaluator, accumulator in zip(own.evaluators, own.accumulators, strict=True):
            n_losses += 1
            bootstrap = accumulator.bootstrap
            if bootstrap is None or bootstrap.resampling.resamples_units or "row_mask" in evaluator.form.hooks:
                continue
            if n_rows > bootstrap.limit:
                bootstrap.limit = 0
    blocks = max(1, LOSSES_HELD // (ROWS_PER_DRAW * n_losses))
    return min(blocks * ROWS_PER_DRAW, rows_in_batch(batch))


def _resample_up_to(runs: dict[str, RunState], before: float) -> None:
    """Resample the rows up to one, those of all models by the same draws."""
    if bootstraps := [bootstrap for own in runs.values() for bootstrap in own.bootstraps]:
        from losscli.statistics.bootstrap.accumulator import draw_completed_blocks

        draw_completed_blocks(bootstraps, before)
