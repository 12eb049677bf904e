"""The pictures of the page, drawn from what the one pass over the data observed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from losscli.data.dataset import Dataset
from losscli.data.model_roles import is_of_model, split_model_role
from losscli.errors import LosscliError
from losscli.evaluation.row_sample import RowSample
from losscli.evaluation.run import RunState
from losscli.options import EvaluationOptions
from losscli.page.content import DrawnPicture
from losscli.page.findings import Findings, Observed, without_groups
from losscli.page.observers import Shown
from losscli.plot.groups import picture_of_groups
from losscli.plot.kinds import PlotOptions, Request, is_of_probability, kind_of, misfit
from losscli.plot.models import picture_of_rankings
from losscli.plot.observers import ResidualSpread
from losscli.plot.pictures import IntervalMark, Picture
from losscli.results import results_of

MAX_LOSSES_DRAWN = 7
"""Losses of a picture: as many as there are colours."""

KINDS_THAT_OBSERVE = ("murphy", "reliability")
"""Kinds that observe the run by themselves; the others draw what the page observes for its table."""


class SampleOfModel(NamedTuple):
    """A sampler whose rows have the predictions of one model."""

    sampled: RowSample

    def sample(self) -> RowSample:
        """Return the sample."""
        return self.sampled


class Drawings:
    """The pictures that the page will have: what observes the run for them, and how they are drawn after it."""

    def __init__(self, dataset: Dataset, run: RunState, options: EvaluationOptions) -> None:
        self.dataset, self.options = dataset, options
        before = replace(run, evaluators=run.evaluators[:MAX_LOSSES_DRAWN], group_by=(), observers=())
        self._observed: dict[str, tuple[Shown, ...]] = {}
        for name in KINDS_THAT_OBSERVE:
            request = self._request(name, dataset, before)
            is_wanted = bool(dataset.models) if name == "murphy" else any(map(is_of_probability, request.evaluators))
            if not is_wanted or misfit(name, request):
                continue
            with suppress(LosscliError):
                observers = kind_of(name).observers(request)
                self._observed[name] = tuple(Shown(observer, MAX_LOSSES_DRAWN) for observer in observers)

    @property
    def observers(self) -> tuple[Shown, ...]:
        """What observes the run."""
        return tuple(observer for observers in self._observed.values() for observer in observers)

    def residuals(self, run: RunState) -> Shown | None:
        """Return what sums losses by residual, for one model; None where there are no residuals."""
        if misfit("rows", self._request("rows", replace_models(self.dataset), replace(run, group_by=()))):
            return None
        shown = run.evaluators[:MAX_LOSSES_DRAWN]
        indices = [i for i, evaluator in enumerate(shown) if evaluator.bound.loss.of_residual]
        return Shown(ResidualSpread(indices), MAX_LOSSES_DRAWN)

    def _request(self, kind: str, dataset: Dataset, run: RunState) -> Request:
        outliers = self.options.outliers if kind in ("rows", "stress") else None
        plot_options = PlotOptions(kind, outliers)
        return Request(dataset, run, self.options, plot_options, self.options.resampling)

    def draw(self, findings: Findings, robust: str) -> Iterator[DrawnPicture]:
        """Yield the pictures; those that mean nothing on this data are left out. Groups are by the `robust` loss."""
        from losscli.plot.figure import inline_svg

        for i, picture in enumerate(self._pictures(findings, robust)):
            if len(findings.run.evaluators) > MAX_LOSSES_DRAWN:
                remark = f"only the first {MAX_LOSSES_DRAWN} losses are drawn"
                picture = replace(picture, remarks=(*picture.remarks, remark))  # noqa: PLW2901
            yield DrawnPicture(picture, inline_svg(picture, f"p{i}-"))

    def _pictures(self, findings: Findings, robust: str) -> Iterator[Picture]:
        whole = some_losses(without_groups(findings.run))
        data = findings.evaluation.data
        if findings.contests:
            rankings, models = findings.contests[:MAX_LOSSES_DRAWN], self.dataset.models
            with suppress(LosscliError):
                yield picture_of_rankings(rankings, models, findings.level, findings.is_exact, data)
        yield from self._draw("murphy", self._request("murphy", self.dataset, whole))
        each = findings.best(findings.run.evaluators[0].label)
        yield from self._of_model(findings, each)
        if self.options.group_by:
            i = [evaluator.label for evaluator in findings.run.evaluators].index(robust)
            each = findings.best(robust)
            groups = [result for result in findings.groups(robust) if result.label == robust]
            evaluation = replace(findings.evaluation, losses=tuple(groups), without_rows=())
            overall = {robust: results_of(self.dataset, without_groups(each.run))[robust].value}
            with suppress(LosscliError):
                picture = picture_of_groups(evaluation, overall, findings.level, self.options.group_by)
                yield of_model(styled(picture, i), each.model)
        yield from self._draw("reliability", self._request("reliability", self.dataset, whole))

    def _draw(self, name: str, request: Request) -> Iterator[Picture]:
        """Yield the picture of a kind that observed the run, if it did."""
        observers = self._observed.get(name)
        if observers and not any(observer.has_failed for observer in observers):
            with suppress(LosscliError):
                yield kind_of(name).draw(request, *(observer.observer for observer in observers))

    def _of_model(self, findings: Findings, each: Observed) -> Iterator[Picture]:
        """Yield the pictures of the rows under the predictions of one model."""
        dataset = replace_models(self.dataset, each.model)
        run = some_losses(without_groups(each.run))
        draws: dict[str, tuple[Any, ...]] = {"share": (each.spread,)}
        if each.residuals is not None and not each.residuals.has_failed:
            residuals = each.residuals.observer
            draws = {"rows": (residuals,), **draws}
            if findings.sample is not None:
                sample = findings.sample
                if each.model is not None:
                    sample = sample._replace(batch=sample.batch.predicted_by(each.model))
                draws["stress"] = (residuals, SampleOfModel(sample))
        for name, observers in draws.items():
            request = self._request(name, dataset, run)
            if misfit(name, request):
                continue
            with suppress(LosscliError):
                yield of_model(kind_of(name).draw(request, *observers), each.model)


def of_model(picture: Picture, model: str | None) -> Picture:
    """Return a picture whose title names the model, if there are several."""
    return picture if model is None else replace(picture, title=f"{picture.title} ({model})")


def styled(picture: Picture, style: int) -> Picture:
    """Return the picture of one loss in the style that it has in the others."""
    panels = [
        replace(panel, marks=tuple(replace(m, style=style) if isinstance(m, IntervalMark) else m for m in panel.marks))
        for panel in picture.panels
    ]
    return replace(picture, panels=tuple(panels))


def some_losses(run: RunState) -> RunState:
    """Return a finished run with the losses that are drawn."""
    found = replace(run, evaluators=run.evaluators[:MAX_LOSSES_DRAWN], observers=())
    found.accumulators, found.weight = run.accumulators[:MAX_LOSSES_DRAWN], run.weight
    return found


def replace_models(dataset: Dataset, model: str | None = None) -> Dataset:
    """Return a dataset of one model: by default the first."""
    if not dataset.models:
        return dataset
    bound = {role: columns for role, columns in dataset.bound.items() if not is_of_model(role)}
    for role, columns in dataset.bound.items():
        base, owner = split_model_role(role)
        if is_of_model(role) and owner == (dataset.models[0] if model is None else model):
            bound[base] = columns
    return replace(dataset, bound=bound, models=())
