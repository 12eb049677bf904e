"""Losses for ratings, and for relevances of ranked documents."""

from __future__ import annotations

from collections.abc import Iterator

from losscli.recommend.beside import quantile_text
from losscli.recommend.profile import Profile
from losscli.recommend.rules.findings import Finding, avoid, consider, refuse, use
from losscli.recommend.summary import percent, short


def ratings(d: Profile) -> Iterator[Finding]:
    """Yield findings for ratings that are predicted by one number."""
    low, high = short(d.true.low), short(d.true.high)
    scale = f"y_true are ratings from {low} to {high}"
    wanted = d.target
    if wanted is not None and wanted.name == "quantile" and wanted.level != 0.5:
        yield use(quantile_text(wanted.level), f"{scale}, and that quantile was asked for")
    if wanted is None or (wanted.name, wanted.level) == ("quantile", 0.5):
        yield use("mae", f"{scale}: how many steps predictions are off")
    if wanted is None or wanted.name == "mean":
        yield use("mse", f"{scale}: two steps off cost four times as much as one, as in quadratic kappa")
    if wanted is None and d.pred.is_whole:
        yield consider("zero_one", "the share of ratings that are not hit; it does not see how far off they are")
    yield refuse("rps", f"suits ratings, but reads a probability for each from {low} to {high}; y_pred is one number")
    yield avoid("mape", "a rating of 4 is not twice one of 2: the zero of the scale is arbitrary")


def ranking(d: Profile) -> Iterator[Finding]:
    """Yield findings for scores by which documents are ranked, a list per row or a document per row."""
    scores = f"y_true are relevances from 0 to {short(d.true.high)}, y_pred scores from {d.pred.range}"
    if d.width > 1:
        yield use("ndcg_loss", f"{scores}: the order within a list of {d.width} alone counts, most at its top")
        yield use("ranking_softmax", f"only differences within a list of {d.width} count: it has a gradient")
        reason = "suits if scores are meant to be relevances: their scales differ"
    else:
        yield use("ndcg_loss", f"{scores}: the order of a query's documents alone counts, most at the top")
        yield consider(
            "pairwise_logistic", "costs for every pair of documents of a query in the wrong order; it has a gradient"
        )
        yield refuse("ranking_softmax", "it reads a list per row, but each row is one document of a query: see listnet")
        reason = "suits if scores are meant to be relevances; it does not see the order of a query's documents"
    yield consider("mse", reason)


def ordered_classes(d: Profile) -> Iterator[Finding]:
    """Yield the loss for probabilities of classes that have an order, if they may have one."""
    if d.width < 3:
        return
    if d.has_ordered_classes:
        share = f"{percent(d.one_peak_share)} of the rows rise to one peak and fall from there"
        ordered = f"the classes have an order: {share}"
        yield use("rps", f"{ordered}; a proper score, for which a distant class costs more")
    elif d.is_order_given:
        yield consider("rps", f"suits if the {d.width} classes have an order, the one that was given")
    elif not d.has_class_names:
        yield consider("rps", f"suits if the {d.width} classes have an order: a distant class then costs more")
