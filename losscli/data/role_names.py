"""Usual names of the columns of roles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from losscli.data.labels import SEPARATORS, find_endings

OTHER_NAMES = {
    "y_true": (
        *("target", "label", "labels", "label_ids", "actual", "y", "truth", "true", "targets", "ground_truth", "gt"),
        *("真实值", "真值", "实际值", "观测值", "目标值", "标签", "真实标签"),
    ),
    "y_pred": (
        *("prediction", "predicted", "score", "yhat", "prob", "pred", "y_hat", "y_score", "y_prob"),
        *("probability", "logit", "predictions", "scores", "probs", "logits", "det", "detection", ".pred"),
        *("预测值", "预测", "预测概率", "概率", "得分"),
    ),
    "labels": ("label", "class", "target", "y"),
    "embeddings": ("embedding", "emb", "features"),
    "weights": ("class_weights", "prototypes"),
    "centers": ("centroids", "class_means"),
    "proxies": ("proxy", "prototypes"),
    "labels1": ("label1", "label_1"),
    "labels2": ("label2", "label_2"),
    "embeddings1": ("embedding1", "embedding_1", "emb1", "emb_1"),
    "embeddings2": ("embedding2", "embedding_2", "emb2", "emb_2"),
    "distance": ("dist", "distances"),
    "query": ("query_id", "qid", "group"),
    "scale": ("sigma", "sd", "std", "stddev"),
    "baseline": ("naive", "naive_forecast", "seasonal_naive", "benchmark", "y_baseline", "y_pred_benchmark", "基线"),
    "lower": (
        *("lo", "lwr", "lower_bound", "y_lower", "yhat_lower", "y_pred_lower", "pred_lower", "pi_lower", "lower_pi"),
        *("obs_ci_lower", "下限", "下界"),
    ),
    "upper": (
        *("hi", "upr", "upper_bound", "y_upper", "yhat_upper", "y_pred_upper", "pred_upper", "pi_upper", "upper_pi"),
        *("obs_ci_upper", "上限", "上界"),
    ),
    "series": ("unique_id", "series_id", "ts_id", "timeseries_id", "item_id", "序列"),
    "time": (
        *("duration", "durations", "t", "survival_time", "time_to_event", "follow_up", "followup", "futime"),
        *("生存时间", "随访时间"),
    ),
    "event": ("status", "event_observed", "events", "e", "died", "death", "dead", "fustat", "事件", "结局"),
    "log_prob": (
        *("logprob", "log_probability", "log_probs", "logprobs", "logp", "log_p", "token_logprob", "token_logprobs"),
        *("log_likelihood", "loglik", "对数概率"),
    ),
    "policy_chosen": ("policy_chosen_logps", "policy_chosen_logp", "chosen_logps", "chosen_logp"),
    "policy_rejected": ("policy_rejected_logps", "policy_rejected_logp", "rejected_logps", "rejected_logp"),
    "reference_chosen": (
        *("reference_chosen_logps", "reference_chosen_logp", "ref_chosen_logps", "ref_chosen_logp", "ref_chosen"),
    ),
    "reference_rejected": (
        *("reference_rejected_logps", "reference_rejected_logp", "ref_rejected_logps", "ref_rejected_logp"),
        *("ref_rejected",),
    ),
    "teacher": ("teacher_logits", "teacher_logit"),
    "student": ("student_logits", "student_logit"),
    "positive": (
        *("positive_score", "pos_score", "score_pos", "chosen", "chosen_score", "chosen_reward", "chosen_rewards"),
        *("score_chosen", "reward_chosen", "rewards_chosen", "正样本得分"),
    ),
    "negative": (
        *("negative_score", "neg_score", "score_neg", "rejected", "rejected_score", "rejected_reward"),
        *("rejected_rewards", "score_rejected", "reward_rejected", "rewards_rejected", "负样本得分"),
    ),
    "bytes": ("n_bytes", "num_bytes", "byte_count", "byte_length", "utf8_bytes", "字节数"),
}
"""Role -> other names of its columns."""

SAYING_LITTLE = ("time", "event", "query", "series")
"""Roles whose names other columns have, too: event_id is a key, and status may be a target."""

WEIGHT_NAMES = ("weight", "weights", "sample_weight", "权重", "样本权重")

CLASS_PREFIXES = tuple(name for role in ("y_true", "y_pred") for name in OTHER_NAMES[role] if len(name) > 3)
"""Usual starts of the columns of classes, long enough to be told from the start of a class name."""

UNLIKE_CLASSES = {
    "y_true": ("y_pred", "prediction", "predictions", "predicted", "weight", "sample_weight"),
    "y_pred": ("y_true", "label", "labels", "label_ids", "target", "targets", "actual", "weight", "sample_weight"),
}
"""Role -> names of columns that its file may hold besides, and that are no part of it."""

LABEL_ENDINGS = ("label", "labels", "class", "classes")
"""What names of columns of predicted labels have where those of scores have the class: .pred_class beside .pred_cat."""


_OF_ROWS = r"(?i:(?:cv_?)?folds?|split|subset|groups?|clusters?|timestamp|date|date_?time|epoch|seed|(?:.+_)?weights?)"
"""Names of columns that say what rows belong to, when they were made or what they weigh."""

_NO_PREDICTION = (
    r"(?i:w|time|year|month|day|hour|week|step|errors?|resid|residuals?|variance|sigma|stderr|anchor|positive|negative"
    r"|.+[_. ](?:std|stdev|sd|se|stderr|var|variance|sigma|errors?|resid|residuals?))"
)
"""Names of numbers beside a target or a prediction that are neither."""


_WORDS = {
    "y_true": r"true|truth|actuals?|targets?|labels?|obs|observed|observations?|measured|reference|gt",
    "y_pred": r"pred\w*|y?hat|forecast\w*|estimate[ds]?|fitted|modell?ed|simulated|sim|prob|proba|probability|logits?",
}
"""Words in a name that say which of the two a column is."""


SUMMARY_ENDINGS = ("max", "argmax", "idx", "std")
"""Endings of columns beside those of classes that say something of all: the largest score, its class."""


def usual_names(role: str, *more: str) -> tuple[str, ...]:
    """Return the names that columns of a role may have: its own, these, and the other usual ones."""
    return (role, *more, *OTHER_NAMES.get(role, ()))


def roles_usually_called(name: str) -> list[str]:
    """Return the roles whose columns are usually called so, other than the role of that name."""
    return [role for role, others in OTHER_NAMES.items() if name.lower() in others]


@cache
def _role_name_pattern() -> re.Pattern[str]:
    roles = {role: several for role, several in OTHER_NAMES.items() if role not in SAYING_LITTLE}
    names = {*roles, *(usual for several in roles.values() for usual in several), *WEIGHT_NAMES}
    prefixes = "|".join(re.escape(name) for name in names if len(name) > 1)
    return re.compile(rf"y|(?:{prefixes})(?:[{re.escape(SEPARATORS)}].*)?", re.IGNORECASE | re.DOTALL)


def is_role_name(name: str) -> bool:
    """Tell whether a column has a usual name of a role, or starts with one."""
    return _role_name_pattern().fullmatch(name) is not None


def is_of_rows(name: str) -> bool:
    """Tell whether a column describes rows by its name: fold, timestamp, sample_weight."""
    return re.fullmatch(_OF_ROWS, name.strip()) is not None


def means_another(name: str, role: str) -> bool:
    """Tell whether a column says by its name that it is no such role: it is of another one, or describes rows."""
    if is_of_rows(name) or re.fullmatch(_NO_PREDICTION, name.strip()):
        return True
    words = re.split(r"[\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    said = {which for which, known in _WORDS.items() if any(re.fullmatch(known, word) for word in words)}
    if said and role in _WORDS and role not in said:
        return True
    mine = usual_names(role, role.removeprefix("y_"))
    return is_role_name(name) and not any(name.lower() == one or has_prefix(name, one) for one in mine)


def has_prefix(name: str, prefix: str) -> bool:
    """Tell whether a name is the prefix and an ending: `_cat`, `_0`, `[0]`, `:Class=cat`."""
    return name[: len(prefix)].lower() == prefix and name[len(prefix) :].startswith(tuple(SEPARATORS))


def is_of_another(name: str, prefix: str) -> bool:
    """Tell whether a name says more of another role: y_pred_0 is no ending of the prefix y."""
    names = [one for role in ("y_true", "y_pred") for one in usual_names(role) if len(one) > len(prefix)]
    return any(name.lower() == one or has_prefix(name, one) for one in names)


def without_labels(role: str, names: Sequence[str]) -> list[str]:
    """Return the names of columns of scores without those of the labels that the scores mean."""
    endings = find_endings(names).names if role == "y_pred" and len(names) > 1 else names
    labels = tuple(separator + ending for separator in "_-. " for ending in LABEL_ENDINGS)
    pairs = zip(names, endings, strict=True)
    return [name for name, ending in pairs if ending.lower() not in LABEL_ENDINGS or not name.lower().endswith(labels)]
