"""How several models stand in each group, for gates of a page: the page itself compares models over all rows."""

from __future__ import annotations

from losscli.compare.models import RESAMPLING_OF_MODELS, rank_models
from losscli.compare.subset import RowSubset
from losscli.data.batch import groups_of
from losscli.page.findings import Findings
from losscli.result_names import ResultKey, group_columns


def standings_in_groups(findings: Findings) -> dict[ResultKey, dict[str, float | None]]:
    """Return the key of each group, model and loss -> what gates can test of it; nothing if not all rows were kept."""
    run, sample, dataset = findings.run, findings.sample, findings.dataset
    if not run.group_by or not dataset.models or sample is None or not findings.is_exact:
        return {}
    subsets = {model: RowSubset(sample.batch.predicted_by(model), run) for model in dataset.models}
    found: dict[ResultKey, dict[str, float | None]] = {}
    for key, rows in groups_of(next(iter(subsets.values())).batch, run.group_by):
        group = dict(zip(run.group_by, key, strict=True))
        keys = {model: tuple(group_columns(group, model).items()) for model in dataset.models}
        losses = {model: subset.take(rows).losses for model, subset in subsets.items()}
        places = [
            i
            for i, evaluator in enumerate(run.evaluators)
            if all((evaluator.label, keys[model]) in findings.results for model in dataset.models)
        ]
        rankings = rank_models(
            [{model: its[i] for model, its in losses.items()} for i in places],
            [{m: findings.results[run.evaluators[i].label, keys[m]].value for m in dataset.models} for i in places],
            group,
            run.resampling or RESAMPLING_OF_MODELS._replace(level=findings.level),
            None,
            findings.options.reference,
        )
        for ranking in rankings:
            for model in ranking.values:
                cells = ranking.standing(model)._asdict()
                left_out = {"verdict", *(["p"] if model == ranking.reference else [])}
                left_out |= {"flip"} if cells["flip"] is None else set()
                found[ranking.label, keys[model]] = {key: cells[key] for key in cells if key not in left_out}
    return found
