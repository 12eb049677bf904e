"""The runs of several models over the same rows, which share the draws of their bootstraps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from losscli.data.batch import Batch
from losscli.data.gather import rows_in_batch, split_batch
from losscli.evaluation.run import RunState

if TYPE_CHECKING:
    from losscli.statistics.bootstrap.accumulator import Bootstrap

LOSSES_HELD = 1 << 19
"""Losses, of some rows under all losses by all models, that are held to be resampled together."""


def evaluate_models(run: RunState, batch: Batch, models: Sequence[str]) -> dict[str, RunState]:
    """Evaluate the losses of a run by the predictions of each model, piece by piece of the rows.

    Raises:
        NoResultError: No row counts.
        LosscliError: The predictions of a model do not fit a loss.
    """
    runs = {model: replace(run.fresh_copy(), draws_apart=True) for model in models}
    needs_all_rows = any(evaluator.needs_all_rows(batch.arrays) for evaluator in run.evaluators)
    rows: int | None = None
    bootstraps: list[Bootstrap] = []
    if run.resampling is not None:  # the losses of all models wait until their block is drawn
        from losscli.statistics.bootstrap.accumulator import draw_completed_blocks
        from losscli.statistics.bootstrap.draws import ROWS_PER_DRAW

        blocks = LOSSES_HELD // (ROWS_PER_DRAW * len(runs) * len(run.evaluators))
        rows = min(max(blocks, 1) * ROWS_PER_DRAW, rows_in_batch(batch))
        left_out = batch.left_out
        n_rows = len(batch) if left_out is None else int((~left_out).sum())
        for own in runs.values():
            for evaluator, accumulator in zip(own.evaluators, own.accumulators, strict=True):
                bootstrap = accumulator.bootstrap
                if bootstrap is not None and "row_mask" not in evaluator.form.hooks and n_rows > bootstrap.limit:
                    bootstrap.limit = 0  # too many rows to hold, which is known before they come
    for piece in (batch,) if needs_all_rows else split_batch(batch, rows):
        for model, own in runs.items():
            for _ in own.evaluate(iter((piece.predicted_by(model),)), may_be_empty=True):
                pass
        if run.resampling is not None:
            bootstraps = [bootstrap for own in runs.values() for bootstrap in own.bootstraps]
            draw_completed_blocks(bootstraps, before=float(piece.rows[-1]))
    if run.resampling is not None:
        draw_completed_blocks(bootstraps)
    for own in runs.values():
        own.check_not_empty()
    return runs
