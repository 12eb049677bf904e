"""The runs of several models over the same rows, which share the draws of their bootstraps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from losscli.data.batch import Batch
from losscli.data.gather import split_batch
from losscli.evaluation.run import RunState


def evaluate_models(run: RunState, batch: Batch, models: Sequence[str]) -> dict[str, RunState]:
    """Evaluate the losses of a run by the predictions of each model, piece by piece of the rows.

    Raises:
        NoResultError: No row counts.
        LosscliError: The predictions of a model do not fit a loss.
    """
    runs = {model: replace(run.fresh_copy(), draws_apart=True) for model in models}
    needs_all_rows = any(evaluator.needs_all_rows(batch.arrays) for evaluator in run.evaluators)
    for piece in (batch,) if needs_all_rows else split_batch(batch):
        for model, own in runs.items():
            for _ in own.evaluate(iter((piece.predicted_by(model),)), may_be_empty=True):
                pass
        if run.resampling is not None:
            from losscli.statistics.bootstrap.accumulator import draw_completed_blocks

            bootstraps = [bootstrap for own in runs.values() for bootstrap in own.bootstraps]
            draw_completed_blocks(bootstraps, before=float(piece.rows[-1]))
    for own in runs.values():
        own.check_not_empty()
    return runs
