"""A loss is found by every name that people have for it: in any spelling, in Chinese, by those of other libraries."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import losscli
from losscli import registry
from losscli.catalogue import catalogue_entries, find_entries
from losscli.declaration.equivalent import Equivalent
from losscli.declaration.grammar import parse_specs
from losscli.declaration.names import (
    bare_name,
    is_chinese,
    match_squashed,
    names_by_squashed,
    normalize_name,
    squash_name,
)
from losscli.losses import COMMON_LOSSES
from losscli.losses._other_names import NAMES_ELSEWHERE, NO_LOSSES, is_no_loss, what_is_meant
from tests.conftest import Cli
from tests.registry_cases import LOSSES

NAMES = {name: loss for loss in LOSSES for name in registry.names_of(loss)}
BY_SQUASHED = names_by_squashed(NAMES)
ROWS = b"y_true,y_pred\n1,2\n3,5\n"


def camel(name: str) -> str:
    """`smooth_l1` as `SmoothL1`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_ -]", name))


def full_width(name: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else "\u3000" if c == " " else c for c in name)


def found(typed: str) -> list[str]:
    """The losses that a name means."""
    names = match_squashed(normalize_name(typed), BY_SQUASHED)
    return list(dict.fromkeys(NAMES[name].name for name in names))


SPELLINGS = {
    "upper case": str.upper,
    "spaces": lambda name: name.replace("_", " "),
    "dashes": lambda name: name.replace("_", "-"),
    "more spaces": lambda name: f"  {name.replace('_', '  ')} ",
    "camel case": camel,
    "no separators": lambda name: re.sub(r"[_ -]", "", name),
    "full width": full_width,
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_every_name_in_every_spelling_is_found(spell) -> None:
    for name, loss in NAMES.items():
        assert found(spell(name)) == [loss.name], spell(name)


@pytest.mark.parametrize("ending", ["_loss", " loss", "Loss", "-LOSS", " loss function", " 损失", "损失函数", "函数"])
def test_a_word_for_loss_at_the_end_does_not_matter(ending: str) -> None:
    for name, loss in NAMES.items():
        is_other = name == "l2" and ending.lower().strip("-_ ").startswith("loss")  # l2_loss is another, as in optax
        assert found(name + ending) == ["half_mse" if is_other else loss.name], name + ending


def test_no_two_losses_are_called_alike() -> None:
    squashed, bare = defaultdict(set), defaultdict(set)
    for name, loss in NAMES.items():
        squashed[squash_name(name)].add(loss.name)
        bare[bare_name(name)].add(loss.name)
    assert [names for names in squashed.values() if len(names) > 1] == []
    assert [names for names in bare.values() if len(names) > 1] == [{"mse", "half_mse"}]  # l2 and l2_loss


@pytest.mark.parametrize(
    ("typed", "labels"),
    {
        "mean squared error": "mse",
        "SmoothL1Loss": "smooth_l1",
        "KLDivLoss": "kl",
        "MeanSquaredLogarithmicError": "msle",
        "Huber Loss:delta=2,mse_loss": "huber:delta=2 mse",
        "均方误差": "mse",
        "均方误差，平均绝对误差": "mse mae",
        "均方误差、MAE": "mse mae",
        "huber：delta＝２": "huber:delta=2",
        "ｈｕｂｅｒ　损失函数": "huber",
        "KL散度,JS 散度": "kl js",
        "0-1 损失": "zero_one",
        "交叉熵损失函数": "cross_entropy",
        "ϵ不敏感损失": "epsilon_insensitive",
        "Renyi散度": "renyi",
        "smooth–L1": "smooth_l1",
    }.items(),
)
def test_losses_as_typed(typed: str, labels: str) -> None:
    assert [loss.label for loss in registry.resolve(parse_specs(typed))] == labels.split()


def test_most_losses_have_a_chinese_name_and_none_is_given_twice() -> None:
    named = [loss for loss in LOSSES if any(map(is_chinese, loss.aliases))]
    assert len(named) > 0.85 * len(LOSSES)
    chinese = [squash_name(name) for name in NAMES if is_chinese(name)]
    assert len(set(chinese)) == len(chinese)


@pytest.mark.parametrize(
    ("typed", "plain"),
    {
        "“mse，mae” data.csv": "mse,mae data.csv",
        "mse；mae data.csv": "mse,mae data.csv",
        "mse y_true＝data.csv y_pred＝data.csv": "mse data.csv",
        "mse data.csv --column y_true＝真实值 --column y_pred＝预测值": "mse data.csv",
        "mse data.csv --group-by 城市，编号": "mse data.csv --group-by 城市,编号",
        "huber -P ｄｅｌｔａ＝２。５ data.csv": "huber:delta=2.5 data.csv",
        "mse data.csv --ci ０．９ --resamples １００": "mse data.csv --ci 0.9 --resamples 100",
    }.items(),
)
def test_full_width_is_read_as_ascii(typed: str, plain: str, cli: Cli, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("编号,城市,真实值,预测值\n1,北京,1,2\n2,上海,3,5\n", encoding="utf-8")
    found, expected = cli("compute", *typed.split()), cli("compute", *plain.split())
    assert (found.status, found.out) == (0, expected.out), found.err


# ------------------------------------------------------------------------------------------------- everywhere


def test_names_are_loose_wherever_a_loss_is_named(cli: Cli) -> None:
    table = cli("compute", "MSELoss,均方根误差", stdin=ROWS).out
    assert [line.split("\t")[0] for line in table.splitlines()] == ["loss", "mse", "rmse"]
    for gate in ("mean squared error>1", "MSELoss>1", "均方误差>1", "均方误差＞１", "Mean-Squared-Error.max≥4"):
        assert cli("compute", "mse,mae", "--fail-if", gate, stdin=ROWS).status == 1, gate
    assert cli("compute", "mse", "--fail-if", "MAE>1", stdin=ROWS).status == 2
    assert cli("compute", "half_mse,mse", "--fail-if", "l2 loss>2", stdin=ROWS).status == 0  # 1.25, mse is 2.5
    models = b"y_true,a,b\n1,2,1\n3,5,3\n4,4,5\n6,5,5\n"
    board = ("compare", "--losses", "mse,mae", "--pred", "a", "--pred", "b", "--leaderboard", "-f", "value")
    for order in ("MSELoss", "-MSELoss"):
        assert cli(*board, "--sort", order, stdin=models).status == 0, order
    result = losscli.compute(["mse", "huber:delta=2"], y_true=[1, 2], y_pred=[2, 4])
    assert result["Mean Squared Error"] == result["mse"]
    assert result["Huber损失"] == result["huber:delta=2"]
    assert losscli.get_loss("SmoothL1Loss", Beta=2).bound.label == "smooth_l1:beta=2"


def test_names_of_own_losses_are_loose_and_come_first(cli: Cli) -> None:
    from pathlib import Path

    source = (
        "import losscli\nfrom losscli.declaration.domains import Real\n"
        "def declare(name, **more):\n"
        "    @losscli.loss(name=name, family='regression', formula='e', **more)\n"
        "    def kernel(y_true: Real, y_pred: Real):\n"
        "        return y_true * 0\n"
        "declare('my_own', aliases=('我的损失',)), declare('mse_loss'), declare('ab_c'), declare('a_bc')\n"
    )
    Path("mine.py").write_text(source, encoding="utf-8")
    for typed, label in {
        "MyOwnLoss": "my_own",
        "我的": "my_own",
        "MSE Loss": "mse_loss",
        "mseloss": "mse_loss",
    }.items():
        assert cli("compute", typed, "--plugin", "mine.py", stdin=ROWS).out.split("\n")[1].startswith(f"{label}\t"), (
            typed
        )
    refused = cli("compute", "ABC", "--plugin", "mine.py", stdin=ROWS)
    assert refused.status == 2
    assert refused.err == "losscli: error: 'abc' may be ab_c or a_bc: give the name of one\n"


# ------------------------------------------------------------------------------------------ names of other libraries

STATEMENTS = [(loss.name, one) for loss in LOSSES for one in loss.statements if isinstance(one, Equivalent)]
OWN = {name: loss.name for loss in LOSSES for name in (loss.name, *loss.aliases)}


def told(name: str) -> str:
    """The label of the loss that a name is, or what is said of it."""
    names = [] if is_no_loss(name) else found(name)
    return " ".join(names) or what_is_meant(normalize_name(name), OWN, STATEMENTS)


@pytest.mark.parametrize("prefix", ["", "torch.nn."])
def test_functions_and_classes_that_losses_state_are_found_or_suggested(prefix: str) -> None:
    called = {(squash_name(one.called), loss) for loss, one in STATEMENTS if one.called and one.is_direct}
    assert len(called) > 100
    not_far = {"diceloss", "brierscore"}  # of optax and sksurv, which are tversky and ipcw_brier: dice, brier
    for name in {name for name, _ in called} - not_far:
        losses = {loss for other, loss in called if other == name}
        assert losses & set(re.findall(r"\w+", told(prefix + name))), name


def test_names_that_are_listed_suggest_losses_that_there_are() -> None:
    assert len(set(map(squash_name, NAMES_ELSEWHERE))) == len(NAMES_ELSEWHERE)
    for name, template in NAMES_ELSEWHERE.items():
        suggested = template.replace("{}", "1")
        assert registry.resolve(parse_specs(suggested)), name
        assert found(name) == []
        assert told(name + "1" * name.endswith("@")) == f" (did you mean {suggested}?)", name


def test_names_of_scores_are_explained_honestly() -> None:
    for note, names in NO_LOSSES.items():
        for name in names.split():
            assert told(name) == f" ({note})", name
        for loss in re.findall(r"\b(?:mse|mae|bce|brier|rps|dice|quantile|\w+_\w+)\b", note):
            assert registry.is_known(loss), note


@pytest.mark.parametrize(
    ("typed", "suggested"),
    {
        "mphe": "pseudo_huber",
        "mlogloss": "cross_entropy",
        "reg:squarederror": "mse",
        "tweedie-nloglik@1.7": "tweedie_deviance:power=1.7",
        "neg_mean_squared_error": "mse",
        "BCEWithLogitsLoss": "bce:from_logits=true",
        "softmax_cross_entropy_with_integer_labels": "sparse_cross_entropy:from_logits=true",
        "TripletMarginLoss": "triplet:distance=euclidean",
        "均方差": "均方误差 (mse)",
        "绞链损失": "铰链损失 (hinge)",
        "hubr": "huber",
        "ndcg@10": "ndcg_loss:k=10",
        "MAP@5": "map_loss:k=5",
        "mrr@3": "mrr_loss:k=3",
        "me": "bias",
        "mase:period=7": "m?)",
        "mase:seasonality=7": "m?)",
    }.items(),
)
def test_suggestions(cli: Cli, typed: str, suggested: str) -> None:
    result = cli("compute", typed, stdin=ROWS)
    assert result.status == 2
    assert f"(did you mean {suggested}" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("typed", "loss"),
    {
        "f1": "f1_loss",
        "F1": "f1_loss",
        "macro F1": "f1_loss",
        "kappa": "cohen_kappa_loss",
        "mcc": "matthews_loss",
        "mIoU": "jaccard",
        "JaccardIndex": "jaccard",
        "dice_coef": "dice",
        "pixel_accuracy": "hamming",
    }.items(),
)
def test_a_score_is_refused_where_a_loss_is_1_minus_it(typed: str, loss: str, cli: Cli) -> None:
    assert cli("compute", loss, "--fail-if", f"{typed}>0.5", stdin=ROWS).status == 2
    for arguments in (("compute", typed), ("explain", typed)):
        refused = cli(*arguments, stdin=ROWS)
        assert refused.status == 2
        assert f"it is not a loss: {loss} is 1 minus it" in refused.err, arguments


def test_names_that_losses_declare_are_found_though_they_are_scores() -> None:
    for name in ("ndcg", "map", "mrr", "roc_auc", "c_index", "qwk"):
        assert not is_no_loss(name)
        assert len(registry.losses_called(name)) == 1


def test_nothing_is_suggested_for_what_is_like_nothing() -> None:
    assert what_is_meant("qqqq", {"mse": "mse"}) == ""
    for name in ("none", "get_scorer", "loss", "test", "custom", "StochasticFilter", "LogLinQuantile", "data.csv"):
        assert told(name) == "", name  # infonce, brier_score, l2_loss, ntxent, ... are not like these


def test_scores_of_several_classes_are_those_of_two() -> None:
    assert told("f1_score_weighted") == told("f1_score")
    assert told("roc_auc_ovo_weighted") == " (did you mean auc_loss?)"
    assert told("jaccard_macro") == " (did you mean jaccard?)"


# --------------------------------------------------------------------------------------------------------- list


ENTRIES = catalogue_entries()


def listed(cli: Cli, *arguments: str) -> list[str]:
    return cli("list", *arguments, "-f", "value").out.split()


def test_the_list_is_by_family_with_common_losses_first(cli: Cli) -> None:
    families = list(dict.fromkeys(loss.family for loss in LOSSES))
    assert families == list(COMMON_LOSSES)
    assert [loss.family for loss in LOSSES] == sorted((loss.family for loss in LOSSES), key=families.index)
    assert listed(cli) == [loss.name for loss in LOSSES]
    assert listed(cli)[:4] == ["mse", "mae", "rmse", "huber"]
    assert [listed(cli, family)[0] for family in ("binary", "multiclass", "divergence")] == [
        "bce",
        "cross_entropy",
        "kl",
    ]


@pytest.mark.parametrize(
    ("text", "some", "others"),
    [
        ("BOXES", "iou giou diou ciou eiou", "mse"),
        ("交叉熵", "bce cross_entropy generalized_cross_entropy", "mse"),
        ("交叉熵 损失函数", "cross_entropy", "mse"),
        ("kl散度", "kl", "mse"),
        ("cross entropy", "bce cross_entropy", "mse huber"),
        ("Smooth L1", "smooth_l1", "mse"),
        ("focal loss", "focal categorical_focal", "bce"),
        ("KLDivLoss", "kl", "mse"),
        ("mlogloss", "cross_entropy", "bce"),
        ("embedding class center", "center", "mse"),
        ("log cosh e", "log_cosh", "mse"),
    ],
)
def test_text_filters_the_list(text: str, some: str, others: str) -> None:
    names = {entry["name"] for entry in find_entries(ENTRIES, text)}
    assert set(some.split()) <= names
    assert not set(others.split()) & names


def test_the_filter_is_the_same_in_python(cli: Cli) -> None:
    names = listed(cli, "Cross", "Entropy")
    assert names == [loss.name for loss in losscli.list_losses("cross entropy")]
    assert names == [entry["name"] for entry in find_entries(ENTRIES, "cross entropy")]


def test_names_in_the_list_are_whole_at_80_columns(cli: Cli) -> None:
    for arguments in (["entropy"], ["误差"], []):
        out = cli("list", *arguments, "-f", "table").out
        words = set(out.replace(",", "").split())
        rows = {line.split()[0] for line in out.splitlines() if line.strip()}
        shown = [entry for entry in ENTRIES if entry["name"] in rows]
        names = {word for entry in shown for name in (entry["name"], *entry["aliases"]) for word in name.split()}
        assert len(shown) > 5
        assert names <= words
        assert max(len(re.sub("[\u4e00-\u9fff]", "##", line)) for line in out.splitlines()) <= 80


def test_what_is_not_found_in_the_list_is_one_line(cli: Cli) -> None:
    for text, words in {
        "regresion": "(did you mean regression?)",
        "均方差": "均方误差 (mse)",
        "qqqq": "families are",
    }.items():
        result = cli("list", text)
        assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
        assert words in result.err


def test_chinese_names_are_shown(cli: Cli) -> None:
    for command in (("list", "huber"), ("list", "huber", "-f", "table"), ("list",), ("list", "-f", "json")):
        assert "胡贝尔损失" in cli(*command).out, command
    for format_ in ("table", "markdown", "html", "json"):
        assert "胡贝尔损失" in cli("explain", "huber", "-f", format_).out, format_
    assert cli("explain", "huber").out.startswith("huber\n")
