"""Test leaderboards, winners per group, critical differences and sorting, against straightforward NumPy and SciPy."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import losscli
from losscli.compare.across_groups import count_wins, rank_in_groups, rank_values
from losscli.compare.leaderboard import make_leaderboard
from losscli.compare.models import ModelRanking
from losscli.errors import UsageError
from losscli.report.boards import leaderboard
from losscli.report.formats import Style
from losscli.report.formats.table import table
from losscli.statistics.bootstrap.draws import FixedPoint
from losscli.statistics.distributions import f_tail, studentized_range_quantile
from tests.conftest import Cli

RNG = np.random.default_rng(5)
N = 120
Y = RNG.normal(size=N) * 3 + 10
MODELS = {"b": Y + RNG.normal(size=N), "a": Y + 2 * RNG.normal(size=N), "c": Y + RNG.normal(size=N) + 0.5}
SITE = np.array([f"s{i % 6}" for i in range(N)])
HIGH = "quantile:tau=0.9"
LOSSES = {
    "mse": lambda e: np.mean(e**2),
    "mae": lambda e: np.mean(np.abs(e)),
    HIGH: lambda e: np.mean(np.maximum(-0.9 * e, 0.1 * e)),
}
NAMES = ["mse", "mae", HIGH]


@pytest.fixture
def data(tmp_path: Path) -> str:
    path = tmp_path / "models.csv"
    columns = {"y_true": Y, **MODELS, "site": SITE, "model": SITE, "mae": SITE}
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


FEW_DRAWS: dict[str, Any] = {"ci": 0.95, "resamples": 199}
FEW = ["--ci", "0.95", "--resamples", "199"]


@cache
def board_of(*losses: str) -> Any:
    return losscli.compare(list(losses or NAMES), y_true=Y, models=MODELS, leaderboard=True, **FEW_DRAWS)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# -------------------------------------------------------------------------------------------------- the leaderboard


def test_ranks_and_values_are_those_of_numpy() -> None:
    board = board_of().leaderboard
    values = {name: {m: loss(p - Y) for m, p in MODELS.items()} for name, loss in LOSSES.items()}
    ranks = {name: dict(zip(MODELS, stats.rankdata(list(of.values())), strict=True)) for name, of in values.items()}
    means = {model: np.mean([ranks[name][model] for name in NAMES]) for model in MODELS}
    assert [row.model for row in board] == sorted(means, key=means.__getitem__)
    for row in board:
        assert row.values == pytest.approx({name: values[name][row.model] for name in NAMES}, rel=1e-12)
        assert row.mean_rank == pytest.approx(means[row.model])
        assert row.best == tuple(name for name in NAMES if values[name][row.model] == min(values[name].values()))
        assert (row.n, row.overall_rank) == (N, None)
    assert board["a"].mean_rank == 3


def test_ties_share_their_rank_and_nan_is_last() -> None:
    assert rank_values(np.array([2.0, 1.0, 2.0, math.inf, math.nan])).tolist() == [2.5, 1, 2.5, 4.5, 4.5]
    one = MODELS["b"]
    board = losscli.compare("mae", y_true=Y, models={"one": one, "two": one, "bad": one + 1}, **FEW_DRAWS).leaderboard
    assert [(row.model, row.mean_rank, row.best) for row in board] == [
        ("one", 1.5, ("mae",)), ("two", 1.5, ("mae",)), ("bad", 3.0, ()),
    ]  # fmt: skip


def test_the_frame_the_document_and_the_html_are_those_of_the_leaderboard() -> None:
    compared = board_of()
    frame, board = compared.to_frame(), compared.leaderboard
    assert frame.index.name == "model"
    assert list(frame.columns) == ["mean_rank", *NAMES]
    assert frame.loc["b", "mse"] == board["b"].values["mse"]
    assert board.to_frame().equals(frame)
    document = compared.to_dict()
    assert [row["model"] for row in document["leaderboard"]] == list(frame.index)
    assert document["leaderboard"] == board.to_dict()["leaderboard"]
    assert len(document["losses"]) == 9
    html = compared._repr_html_()
    assert html == board._repr_html_()
    assert html.count("<strong>") == 3
    assert repr(compared).startswith("Leaderboard(b=")
    plain = losscli.compare(NAMES, y_true=Y, models=MODELS, **FEW_DRAWS)
    assert plain.leaderboard.rows == board.rows
    assert len(plain.to_frame()) == 9


def test_the_confidence_set_is_marked() -> None:
    board = board_of("mse", "max_error")
    sets = {ranking.label: set(ranking.confidence_set) for ranking in board.contests}
    assert sets["mse"] != set(MODELS)
    for row in board.leaderboard:
        assert ("mse" in row.in_set) is (row.model in sets["mse"])
        losses = row.to_dict()["losses"]
        assert losses["mse"]["in_set"] is (row.model in sets["mse"])
        assert losses["max_error"]["in_set"] is None


def test_one_model_is_no_leaderboard(cli: Cli, data: str) -> None:
    refused = cli("compare", "--losses", "mse,mae", data, "--pred", "a", "--leaderboard")
    assert refused.status == 2
    assert "--leaderboard: has a row per model and a column per loss, but there is only one model" in refused.err
    with pytest.raises(UsageError, match="there is only one model"):
        _ = losscli.compare("mse", y_true=Y, y_pred=MODELS["a"]).leaderboard
    with pytest.raises(UsageError, match="must be True or False"):
        losscli.compare("mse", y_true=Y, models=MODELS, leaderboard="yes")  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------------- formats


@pytest.fixture
def command(data: str) -> list[str]:
    return [
        "compare",
        "--losses",
        ",".join(NAMES),
        data,
        "--pred",
        "b",
        "--pred",
        "a",
        "--pred",
        "c",
        "--leaderboard",
        *FEW,
    ]


def test_formats_for_programs_have_plain_numbers(cli: Cli, command: list[str]) -> None:
    board = board_of().leaderboard
    rows = rows_of(cli(*command, "-f", "csv").out)
    assert list(rows[0]) == ["model", "mean_rank", *NAMES]
    for row, expected in zip(rows, board, strict=True):
        assert {name: float(row[name]) for name in NAMES} == pytest.approx(dict(expected.values), rel=1e-12)
    assert cli(*command).out == cli(*command, "-f", "csv").out.replace(",", "\t")
    values = [[row[name] for name in NAMES] for row in rows]
    assert cli(*command, "-f", "value").out == "".join("\t".join(cells) + "\n" for cells in values)
    records = [json.loads(line) for line in cli(*command, "-f", "jsonl").out.splitlines()]
    assert records == json.loads(cli(*command, "-f", "json").out)["leaderboard"]
    assert [record["losses"]["mse"]["best"] for record in records].count(True) == 1


@pytest.mark.parametrize(
    ("form", "best", "tied", "legend"),
    [
        ("table", "{}*", "{}~", "*: the smallest value"),
        ("markdown", "**{}**", "*{}*", "- bold: the smallest value"),
        ("html", "<strong>{}</strong>", "<em>{}</em>", "<dt>bold</dt>"),
        ("latex", "\\textbf{{{0}}} & \\textbf{{{1}}}", "\\textit{{{0}}} & \\textit{{{1}}}", "% bold: the smallest"),
    ],
)
def test_formats_for_people_mark_the_best(
    cli: Cli, command: list[str], form: str, best: str, tied: str, legend: str
) -> None:
    out = cli(*command, "-f", form).out
    assert legend in out
    marked = dict.fromkeys((best, tied), 0)
    for row in board_of().leaderboard:
        for label, value in row.values.items():
            text = f"{value:.6g}"
            whole, point, digits = text.partition(".")
            for template, losses in ((best, row.best), (tied, set(row.in_set) - set(row.best))):
                shown = template.format(whole, point + digits) if form == "latex" else template.format(text)
                found = re.search(rf"(?<!\*){re.escape(shown)}(?!\*)", out)
                marked[template] += label in losses
                assert (found is not None) is (label in losses), (row.model, label)
    assert all(marked.values())


def test_marks_are_bold_on_a_terminal_and_keep_digits_in_line(cli: Cli, command: list[str]) -> None:
    lines = cli(*command, "-f", "table", "--color", "always").out.splitlines()
    assert sum(line.count("\x1b[1m") for line in lines[2:5]) >= 3
    plain = cli(*command, "-f", "table", "--precision", "3").out.splitlines()
    assert {line[: len(plain[0]) - 1].rstrip()[-1] for line in plain[2:5]} <= set("0123456789")
    assert [line[len(plain[0]) - 1 :] for line in plain[2:5]].count("*") == 1


def test_fifty_models_and_ten_losses_fit_a_terminal() -> None:
    names, values = [f"model_{i:02}" for i in range(50)], RNG.normal(size=(10, 50)) ** 2
    rankings = [
        ModelRanking(f"quantile:tau=0.{i}", None, dict(zip(names, row.tolist(), strict=True)), {}, None)
        for i, row in enumerate(values)
    ]
    lines: list[str] = []
    data = losscli.compute(["mse"], y_true=Y, y_pred=Y).data
    table(leaderboard(make_leaderboard(rankings, names, (), data)), lines.append, Style(width=80))
    lines = "".join(lines).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("model_") for line in lines) == 150


# ----------------------------------------------------------------------------------------------------------- groups


def test_blocks_per_group_and_overall_ranks(cli: Cli, command: list[str]) -> None:
    rows = rows_of(cli(*command, "--group-by", "site", "-f", "csv").out)
    assert list(rows[0]) == ["site", "model", "n", "mean_rank", "overall_rank", *NAMES]
    assert len(rows) == 18
    for site in sorted(set(SITE)):
        kept = SITE == site
        block = [row for row in rows if row["site"] == site]
        values = np.array([[loss((MODELS[r["model"]] - Y)[kept]) for loss in LOSSES.values()] for r in block])
        means = stats.rankdata(values, axis=0).mean(axis=1)
        assert [float(row["mean_rank"]) for row in block] == pytest.approx(sorted(means))
        assert [float(row["mean_rank"]) for row in block] == pytest.approx(means)
    for model in MODELS:
        mine = [row for row in rows if row["model"] == model]
        overall = np.mean([float(row["mean_rank"]) for row in mine])
        assert [float(row["overall_rank"]) for row in mine] == pytest.approx([overall] * 6)


def ranking(group: str, values: dict[str, float], confidence_set: tuple[str, ...]) -> ModelRanking:
    ordered = dict(sorted(values.items(), key=lambda item: item[1]))
    return ModelRanking("mae", {"g": group}, ordered, {}, None, n=9, confidence_set=confidence_set)


def test_winners_per_group_are_counted() -> None:
    rankings = [
        ranking("1", {"a": 1.0, "b": 2.0}, ("a",)),
        ranking("2", {"a": 1.0, "b": 2.0}, ("a", "b")),
        ranking("3", {"a": 3.0, "b": 2.0}, ("b",)),
        ranking("4", {"a": 3.0, "b": 3.0}, ()),
        ranking("5", {"a": 0.5, "b": math.nan}, ()),
        ranking("6", {"a": 0.5, "b": 1.0}, ("a",)),
    ]
    (found,) = count_wins(rankings, ("a", "b"), 0.95)
    assert (found.n_groups, found.best, found.undecided, found.untested) == (6, {"a": 2, "b": 1}, 1, 2)
    assert found.smallest == {"a": 3, "b": 1}
    assert found.ranks is not None
    assert found.ranks.n_groups == 5


def test_winners_per_group_in_notes_and_json(cli: Cli, data: str) -> None:
    command = [
        "compare",
        "--losses",
        "mse,max_error,mae",
        data,
        "--pred",
        "b",
        "--pred",
        "a",
        "--group-by",
        "site",
        *FEW,
    ]
    ended = cli(*command, "-f", "json")
    document = json.loads(ended.out)
    for found in document["wins"]:
        of_loss = [each for each in document["contests"] if each["loss"] == found["loss"]]
        sets = [each["confidence_set"] for each in of_loss]
        assert found["groups"] == 6
        alone = [models[0] for models in sets if len(models) == 1]
        assert found["best"] == {model: alone.count(model) for model in ("b", "a") if model in alone}
        assert found["undecided"] == sum(len(models) > 1 for models in sets)
        assert sum(found["smallest"].values()) == 6
    won = {found["loss"]: found for found in document["wins"]}
    best, smallest = won["mse"]["best"]["b"], won["max_error"]["smallest"]["b"]
    assert f"mse: b is best in {best} of 6 groups, undecided in {6 - best}" in ended.err
    assert f"max_error: b has the best value in {smallest} of 6 groups" in ended.err
    assert "JSON has the same of the other loss (wins)" in ended.err
    assert "(Nemenyi, 95 %)" in ended.err
    assert all(len(line) <= 2 * 80 for line in ended.err.splitlines() if "mse: " in line)


def test_a_leaderboard_without_groups_says_that_it_has_no_critical_difference(cli: Cli, command: list[str]) -> None:
    assert "losses on the same rows are not independent blocks; --group-by COL" in cli(*command).err
    assert "no independent blocks" not in cli(*command, "--group-by", "site").err


# -------------------------------------------------------------------------------------------- the critical difference


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("k", [2, 3, 10, 50])
def test_quantiles_of_the_studentized_range(level: float, k: int) -> None:
    expected = stats.studentized_range.ppf(level, k, math.inf)
    assert studentized_range_quantile(level, k) == pytest.approx(expected, rel=1e-9)


def test_critical_values_of_demsar() -> None:
    # Demšar 2006, table 5: q for alpha = 0.05 and 0.1, 2 to 10 classifiers
    table = {
        0.95: [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164],
        0.9: [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920],
    }
    for level, values in table.items():
        found = [studentized_range_quantile(level, k) / math.sqrt(2) for k in range(2, 11)]
        assert found == pytest.approx(values, abs=1.1e-3)


@pytest.mark.parametrize("f", [0.0, 1e-3, 0.7, 3.2, 40.0])
@pytest.mark.parametrize(("a", "b"), [(1, 4), (3, 39), (9, 2000)])
def test_the_tail_of_f(f: float, a: int, b: int) -> None:
    assert f_tail(f, a, b) == pytest.approx(stats.f.sf(f, a, b), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("digits", [6, 0])
def test_friedman_is_that_of_scipy(digits: int) -> None:
    values = np.round(np.random.default_rng(1).normal(size=(14, 4)) * 2 + [0, 0, 1, 2], digits)
    models = ["w", "x", "y", "z"]
    rankings = [ranking(str(i), dict(zip(models, row.tolist(), strict=True)), ()) for i, row in enumerate(values)]
    test = rank_in_groups(rankings, models, 0.95)
    assert test is not None
    chi = stats.friedmanchisquare(*values.T).statistic
    f = 13 * chi / (14 * 3 - chi)  # Iman & Davenport 1980
    assert test.f == pytest.approx(f, rel=1e-9)
    assert test.p == pytest.approx(stats.f.sf(f, 3, 39), rel=1e-9)
    means = stats.rankdata(values, axis=1).mean(axis=0)
    assert test.mean_ranks == pytest.approx(dict(zip(models, means, strict=True)))
    assert list(test.mean_ranks.values()) == sorted(means)
    expected = stats.studentized_range.ppf(0.95, 4, math.inf) / math.sqrt(2) * math.sqrt(4 * 5 / (6 * 14))
    assert test.critical_difference == pytest.approx(expected, rel=1e-9)


def test_few_groups_and_groups_that_rank_alike() -> None:
    same = [ranking(str(i), {"a": 1.0, "b": 2.0}, ()) for i in range(5)]
    assert rank_in_groups(same[:4], ["a", "b"], 0.95) is None
    test = rank_in_groups(same, ["a", "b"], 0.95)
    assert test is not None
    assert (test.f, test.p, test.to_dict()["f"]) == (math.inf, 0.5**4, None)  # four groups that follow the first
    tied = rank_in_groups([ranking(str(i), {"a": 1.0, "b": 1.0}, ()) for i in range(5)], ["a", "b"], 0.95)
    assert tied is not None
    assert (tied.f, tied.p, list(tied.mean_ranks.values())) == (None, None, [1.5, 1.5])


# --------------------------------------------------------------------------------------------------- names and order


@pytest.mark.parametrize(("name", "form"), [("site", "csv"), ("model", "tsv"), ("mae", "csv")])
def test_groups_and_models_keep_their_columns(cli: Cli, data: str, name: str, form: str) -> None:
    models = ["--losses", "mae,mse", data, "--pred", "b", "--pred", "a"]
    command = ["compare", *models, "--group-by", name, "-f", form, *FEW]
    for more in ([], ["--leaderboard"]):
        lines = cli(*command, *more).out.splitlines()
        header = lines[0].split("," if form == "csv" else "\t")
        assert len(set(header)) == len(header)
        rows = [dict(zip(header, line.split("," if form == "csv" else "\t"), strict=True)) for line in lines[1:]]
        column = name if name in header and name not in ("model", "mae" if more else "") else f"group.{name}"
        assert {row[column] for row in rows} == set(SITE)
        assert {row["model"] for row in rows} == {"a", "b"}


@pytest.mark.parametrize("name", ["g", "model", "value", "loss"])
def test_frames_keep_groups_of_any_name(name: str) -> None:
    columns = {"y_true": Y, name: SITE, "p": MODELS["a"], "q": MODELS["b"]}
    found = losscli.compare("mae", columns, models=["p", "q"], group_by=name, **FEW_DRAWS)
    frame = found.to_frame()
    column = name if name == "g" else f"group.{name}"
    assert sorted(set(frame[column])) == sorted(set(SITE))
    assert set(frame["model"]) == {"p", "q"}
    assert [float(value) for value in frame["value"]] == [loss.value for loss in found]


@pytest.mark.parametrize("sort", ["difference", "-diff_high", "relative_high", "-p", "n", "ci_low", "flip", "verdict"])
def test_sorting_by_any_column_puts_what_is_missing_last(cli: Cli, data: str, sort: str) -> None:
    command = ["compare", "--losses", "mae", data, "--pred", "b", "--pred", "a", "--group-by", "site", "-q", *FEW]
    ended = cli(*command, "-f", "json", f"--sort={sort}")
    cells = [loss[sort.removeprefix("-")] for loss in json.loads(ended.out)["losses"]]
    present = [cell for cell in cells if cell is not None]
    assert cells == present + [None] * (len(cells) - len(present))
    assert present == sorted(present, reverse=sort.startswith("-"))
    assert len(set(present)) > 1 or sort == "n"


def test_sorting_by_names(cli: Cli, data: str) -> None:
    command = ["compare", "--losses", "mse,mae", data, "--pred", "b", "--pred", "a", "--group-by", "site", "-q", *FEW]
    for name in ("site", "model", "loss"):
        cells = [row[name] for row in rows_of(cli(*command, "-f", "csv", "--sort", name).out)]
        assert cells == sorted(cells)
        assert len(set(cells)) > 1
    rows = rows_of(cli(*command, "-f", "csv", "--sort=-a").out)
    assert [row["site"] + row["loss"] for row in rows[::2]] == [row["site"] + row["loss"] for row in rows[1::2]]
    values = [float(row["value"]) for row in rows if row["model"] == "a"]
    assert values == sorted(values, reverse=True)


def test_sorting_a_leaderboard(cli: Cli, command: list[str]) -> None:
    by_loss = rows_of(cli(*command, "-f", "csv", "--sort=-mse").out)
    assert all(float(one["mse"]) >= float(two["mse"]) for one, two in pairwise(by_loss))
    assert [row["model"] for row in rows_of(cli(*command, "-f", "csv", "--sort", "model").out)] == ["a", "b", "c"]
    unknown = cli(*command, "--sort", "mean_rnk")
    assert (unknown.status, unknown.out) == (2, "")
    assert "did you mean 'mean_rank'? There are model, mean_rank, mse, mae, quantile:tau=0.9" in unknown.err
    assert cli(*command, "--sort", "difference").status == 2


def test_sorting_by_what_is_not_there(cli: Cli, data: str) -> None:
    command = ["compare", "--losses", "mse,mae", data, "--pred", "b", "--pred", "a"]
    for name, advice in (("modle", "did you mean 'model'?"), ("xyzzy", "there are loss, model, rank, value")):
        ended = cli(*command, "--sort", name)
        assert ended.status == 2
        assert f"there is no column or model '{name}'; {advice}" in ended.err
    assert (
        "there is no column 'mean_rank'"
        in cli("compare", "--losses", "mse", data, "--pred", "b", "--sort", "mean_rank").err
    )


def test_sorting_by_the_change_since_a_baseline(cli: Cli, data: str, tmp_path: Path) -> None:
    path = str(tmp_path / "base.json")
    command = ["compare", "--losses", "mse,mae,huber", data, "--pred", "b"]
    assert cli(*command, "-o", path).status == 0
    document = json.loads(Path(path).read_text())
    for loss, factor in zip(document["losses"], (0.5, 2.0, 1.0), strict=True):
        loss["value"] *= factor
    Path(path).write_text(json.dumps(document))
    rows = rows_of(cli(*command, "--baseline", path, "-f", "csv", "--sort=-change").out)
    assert [float(row["change"]) for row in rows] == pytest.approx([1.0, 0.0, -0.5])


# -------------------------------------------------------------------------------------------------- shared resamples


@pytest.mark.parametrize("options", [{}, {"ci_method": "poisson"}], ids=["held", "streamed"])
def test_intervals_of_models_are_those_of_each_alone(options: dict[str, str]) -> None:
    rows = np.arange(9000) % N
    y, models = Y[rows], {name: predicted[rows] + 0.1 * RNG.normal(size=9000) for name, predicted in MODELS.items()}
    together = losscli.compare(["mse", "mae"], y_true=y, models=models, ci=0.9, resamples=100, **options)  # type: ignore[arg-type]
    for name, predicted in models.items():
        alone = losscli.compare(["mse", "mae"], y_true=y, y_pred=predicted, ci=0.9, resamples=100, **options)  # type: ignore[arg-type]
        for loss in alone:
            (mine,) = (each for each in together if (each.model, each.label) == (name, loss.label))
            assert mine.result.ci == loss.result.ci
            assert mine.sensitivity == loss.sensitivity


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"cluster": "c"}, {"block": 20}])
def test_intervals_of_models_on_many_rows_are_those_of_each_alone(options: dict[str, Any]) -> None:
    n = 70_000
    y = RNG.normal(size=n)
    columns = {"y_true": y, "c": np.repeat(np.arange(n // 50), 50), "a": y + RNG.normal(size=n), "b": 0.9 * y}
    together = losscli.compare(["mse", "mae"], columns, models=["a", "b"], ci=0.9, **options)
    for name in ("a", "b"):
        for loss in losscli.compare(["mse", "mae"], columns, columns={"y_pred": name}, ci=0.9, **options):
            (mine,) = (each for each in together if (each.model, each.label) == (name, loss.label))
            assert mine.result.ci == loss.result.ci


def test_fixed_point_sums_share_equal_columns() -> None:
    columns = np.stack([RNG.normal(size=500), np.ones(500), RNG.normal(size=500), np.ones(500)], axis=1)
    columns[1:499, 2] = columns[1:499, 0]  # alike in all but two rows
    fixed = FixedPoint.of(columns)
    counts = RNG.poisson(1.0, size=(7, 500)).astype(np.uint8)
    found = fixed.restored(fixed.totals(counts))
    expected = [[math.fsum(count * column) for column in columns.T] for count in counts]
    assert fixed.parts.shape[1] == 6  # two of each column that differs, the ones, and their zeros
    assert found == pytest.approx(np.array(expected), rel=1e-13)
