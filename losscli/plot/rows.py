"""The picture of the rows by their residuals: where they lie, and where the losses come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from losscli.compare.outliers import SECOND_POPULATION, is_second_population, robust_scale
from losscli.declaration.domains import Array
from losscli.errors import NoResultError
from losscli.messages import join_names
from losscli.plot.kinds import PictureRecipe, Request, has_shares
from losscli.plot.observers import ResidualSpread
from losscli.plot.pictures import Axis, Bars, Mark, Panel, Picture, Rule
from losscli.plot.residual_bins import bin_residuals, flag_entries, key_and_weight, residual_rule, rule_text
from losscli.plot.scales import human_number, human_percent
from losscli.plot.words import count_text, residual_name, rows_text, share_text
from losscli.results import results_of
from losscli.statistics.keyed_sums import SumsByKey
from losscli.statistics.quantiles import quantile

STYLE_OF_ROWS = 5
"""The light blue of the bars of rows, beside the colours of the losses."""

RESIDUAL_BUCKETS_REMARK = "rows are summed in buckets of 0.1 % of their residual: edges and shares are right to that"


def observe_rows(request: Request) -> tuple[ResidualSpread]:
    """Return what sums the losses that are of a residual by it."""
    residual_rule(request.plot_options.outliers)
    of_residual = [i for i, evaluator in enumerate(request.evaluators) if evaluator.bound.loss.of_residual]
    return (ResidualSpread(of_residual),)


def rows_picture(request: Request, spread: ResidualSpread) -> Picture:
    """Return the picture of the rows and of the losses in bins of the residual.

    Outlier rows by the rule asked for have bins of their own. Heights are shares of the rows, or of their weight, and
    of each loss.

    Raises:
        NoResultError: No row has a residual.
    """
    evaluation, rule = results_of(request.dataset, request.run), residual_rule(request.plot_options.outliers)
    table, is_weighted = spread.sums.table(), "weight" in request.dataset.bound
    if not table.key.size:
        raise NoResultError("no row has a residual: each lacks a value")
    flags = flag_entries(rule, table, is_weighted)
    bins = bin_residuals(flags, table)
    outliers = np.zeros(len(table.key), dtype=bool) if flags.rows is None else flags.rows
    shares, remarks = loss_shares(request, spread, table)
    n, n_outliers = int(table.n_rows.sum()), int(table.n_rows[outliers].sum())
    by_weight = table.weight / table.weight.sum()
    name = residual_name(request.dataset)
    row_shares = bins.totals(by_weight)
    of_what = "weight" if is_weighted else "share"
    details = {
        name: bins.texts(),
        "rows": tuple(count_text(int(count)) for count in bins.totals(table.n_rows)),
        of_what: tuple(map(share_text, row_shares.tolist())),
    }
    marked = bins.is_outlier
    marks: list[Mark] = [Bars("rows", bins.edges, 100 * row_shares, STYLE_OF_ROWS, is_marked=marked, details=details)]
    for label, (style, share) in shares.items():
        heights = bins.totals(share)
        texts = {"share": tuple(map(share_text, heights.tolist()))}
        marks.append(Bars(label, bins.edges, 100 * heights, style, is_outline=True, is_marked=marked, details=texts))
    if n_outliers and flags.bounds is not None:
        marks += [Rule("", x=bound) for bound in flags.bounds if bins.edges[0] < bound < bins.edges[-1]]
    if flags.rows is None:
        assert flags.reason is not None
        remarks.insert(0, f"no outlier rows by {rule.text}: {flags.reason.problem}")
    elif is_second_population(n_outliers, n):
        remarks.insert(0, f"{human_percent(n_outliers / n)} of the rows are flagged: {SECOND_POPULATION}")
    if not table.is_exact:
        remarks.append(RESIDUAL_BUCKETS_REMARK)
    carried = {label: float(share[outliers].sum()) for label, (_, share) in shares.items()}
    facts: dict[str, Any] = {
        "n": n,
        "rule": rule.text,
        "bounds": None if flags.bounds is None or flags.rows is None else list(flags.bounds),
        "robust_sd": robust_scale(*key_and_weight(table, is_weighted), flags.mad),
        "median": quantile(*key_and_weight(table, is_weighted), 0.5),
        "outlier_rows": None if flags.rows is None else n_outliers,
        "outlier_row_share": None if flags.rows is None else float(by_weight[outliers].sum()),
        "outlier_loss_share": None if flags.rows is None else carried,
    }
    highest = max(float(mark.heights.max()) for mark in marks if isinstance(mark, Bars))
    beyond = " (the outermost bins hold all beyond)" if any(bins.is_open) else ""
    panel = Panel(
        title_of(list(shares)),
        Axis(name + beyond, float(bins.edges[0]), float(bins.edges[-1])),
        Axis("% of the total" + (", rows by weight" if is_weighted else ""), 0.0, 1.08 * highest),
        tuple(marks),
        outlier_lines(n_outliers, rule.text, carried),
    )
    text = rows_sentence(facts, rule_text(rule), table, is_weighted)
    return Picture("rows", panel.title, (panel,), text, tuple(shares), facts, evaluation.data, remarks=tuple(remarks))


def loss_shares(
    request: Request, spread: ResidualSpread, table: SumsByKey
) -> tuple[dict[str, tuple[int, Array]], list[str]]:
    """Return the share of each loss in each entry with the index of the loss, and why others have none."""
    found: dict[str, tuple[int, Array]] = {}
    remarks = []
    places = {index: place for place, index in enumerate(spread.indices)}
    for i, evaluator in enumerate(request.evaluators):
        label, place = evaluator.label, places.get(i)
        if place is None:
            remarks.append(f"{label} is left out: it is not a loss of a residual y_pred − y_true")
        elif not has_shares(evaluator, request.run.reduction):
            remarks.append(f"{label} is left out: rows have shares of a sum, not of a median or a maximum")
        else:
            sums = table.sums[place]
            total = float(sums.sum())
            if 0 < total < math.inf and sums.min() >= 0:
                found[label] = i, sums / total
            else:
                reason = "it is 0 in all rows" if total == 0 else "it is below 0 in some rows"
                reason = reason if math.isfinite(total) else "it is not finite"
                remarks.append(f"{label} has no shares: {reason}")
    return found, remarks


def title_of(labels: list[str]) -> str:
    """Return the title: what the losses are, or how many."""
    if not labels:
        return "Where the rows lie"
    losses = labels[0] if len(labels) == 1 else "losses"
    return f"Where the rows lie, and where {losses} come{'s' if len(labels) == 1 else ''} from"


def carried_text(carried: Mapping[str, float]) -> str:
    """Return `78 % of mse and 45 % of mae`."""
    return join_names([f"{human_percent(share)} of {label}" for label, share in carried.items()])


def outlier_lines(n_outliers: int, rule: str, carried: Mapping[str, float]) -> tuple[str, ...]:
    """Say in the panel how many outlier rows there are, and what they carry if there is one loss."""
    if not n_outliers:
        return ()
    rows = f"{count_text(n_outliers)} outlier row{'' if n_outliers == 1 else 's'} ({rule})"
    verb = "carries" if n_outliers == 1 else "carry"
    return (rows, f"{verb} {carried_text(carried)}") if len(carried) == 1 else (rows,)


def rows_sentence(facts: Mapping[str, Any], rule: str, table: SumsByKey, is_weighted: bool) -> str:
    """Say what outlier rows carry, or where all rows lie."""
    n, n_outliers, carried = facts["n"], facts["outlier_rows"], facts["outlier_loss_share"]
    low, high = (human_number(float(table.key[i]), 3) for i in (0, -1))
    between = f"all residuals are {low}" if low == high else f"the residuals lie between {low} and {high}"
    if n == 1:
        return f"there is 1 row, with a residual of {low}"
    if n_outliers is None:
        return between
    if not n_outliers:
        return f"no row of {count_text(n)} is an outlier ({rule}): {between}"
    share = human_percent(facts["outlier_row_share"]) + (" of the weight" if is_weighted else "")
    rows = f"{rows_text(n_outliers)} of {count_text(n)} ({share}) "
    called = "flagged" if is_second_population(n_outliers, n) else "an outlier" if n_outliers == 1 else "outliers"
    rows += f"{'is' if n_outliers == 1 else 'are'} {called} ({rule})"
    if not carried:
        return rows
    return f"{rows} and carr{'ies' if n_outliers == 1 else 'y'} {carried_text(carried)}"


KIND = PictureRecipe(observe_rows, rows_picture)
