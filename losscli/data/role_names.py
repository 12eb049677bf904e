"""Usual names of the columns of roles."""

from __future__ import annotations

import re
from functools import cache

from losscli.data.labels import SEPARATORS

OTHER_NAMES = {
    "y_true": (
        *("target", "label", "labels", "label_ids", "actual", "y", "truth", "true", "targets", "ground_truth", "gt"),
    ),
    "y_pred": (
        *("prediction", "predicted", "score", "yhat", "prob", "pred", "y_hat", "y_score", "y_prob"),
        *("probability", "logit", "predictions", "scores", "probs", "logits", "det", "detection"),
    ),
    "labels": ("label", "class", "target", "y"),
    "embeddings": ("embedding", "emb", "features"),
    "weights": ("class_weights", "prototypes"),
    "centers": ("centroids", "class_means"),
    "labels1": ("label1", "label_1"),
    "labels2": ("label2", "label_2"),
    "embeddings1": ("embedding1", "embedding_1", "emb1", "emb_1"),
    "embeddings2": ("embedding2", "embedding_2", "emb2", "emb_2"),
    "distance": ("dist", "distances"),
}
"""Role -> other names of its columns."""

WEIGHT_NAMES = ("weight", "weights", "sample_weight")

CLASS_PREFIXES = tuple(name for role in ("y_true", "y_pred") for name in OTHER_NAMES[role] if len(name) > 3)
"""Usual starts of the columns of classes, long enough to be told from the start of a class name."""

UNLIKE_CLASSES = {
    "y_true": ("y_pred", "prediction", "predictions", "predicted", "weight", "sample_weight"),
    "y_pred": ("y_true", "label", "labels", "label_ids", "target", "targets", "actual", "weight", "sample_weight"),
}
"""Role -> names of columns that its file may hold besides, and that are no part of it."""

LABEL_ENDINGS = ("label", "labels", "class", "classes")
"""What names of columns of predicted labels have where those of scores have the class: .pred_class beside .pred_cat."""


def usual_names(role: str, *more: str) -> tuple[str, ...]:
    """Return the names that columns of a role may have: its own, these, and the other usual ones."""
    return (role, *more, *OTHER_NAMES.get(role, ()))


@cache
def _role_name_pattern() -> re.Pattern[str]:
    names = {*OTHER_NAMES, *(usual for several in OTHER_NAMES.values() for usual in several), *WEIGHT_NAMES}
    prefixes = "|".join(re.escape(name) for name in names if len(name) > 1)
    return re.compile(rf"y|(?:{prefixes})(?:[{re.escape(SEPARATORS)}].*)?", re.IGNORECASE | re.DOTALL)


def is_role_name(name: str) -> bool:
    """Tell whether a column has a usual name of a role, or starts with one."""
    return _role_name_pattern().fullmatch(name) is not None


def has_prefix(name: str, prefix: str) -> bool:
    """Tell whether a name is the prefix and an ending: `_cat`, `_0`, `[0]`, `:Class=cat`."""
    return name[: len(prefix)].lower() == prefix and name[len(prefix) :].startswith(tuple(SEPARATORS))


def is_of_another(name: str, prefix: str) -> bool:
    """Tell whether a name says more of another role: y_pred_0 is no ending of the prefix y."""
    names = [one for role in ("y_true", "y_pred") for one in usual_names(role) if len(one) > len(prefix)]
    return any(name.lower() == one or has_prefix(name, one) for one in names)
