"""What other libraries call our losses, beyond what the losses state of them: for names that are looked up in vain.

They are no aliases: the names mean other defaults there, or are those of objectives, metrics and scores.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence

from losscli.declaration.equivalent import Equivalent, value_text
from losscli.declaration.names import bare_name, is_chinese, match_squashed, names_by_squashed, squash_name
from losscli.messages import close_names

NAMES_ELSEWHERE = {
    # XGBoost: objectives and metrics (https://xgboost.readthedocs.io/en/stable/parameter.html)
    "reg:squarederror": "mse",
    "reg:linear": "mse",
    "reg:squaredlogerror": "msle",
    "reg:absoluteerror": "mae",
    "reg:pseudohubererror": "pseudo_huber",
    "reg:quantileerror": "quantile",
    "reg:expectileerror": "expectile",
    "reg:gamma": "gamma_deviance",
    "reg:tweedie": "tweedie_deviance:power=1.5",
    "reg:logistic": "bce",
    "binary:logistic": "bce",
    "binary:logitraw": "bce:from_logits=true",
    "binary:hinge": "hinge",
    "count:poisson": "poisson_nll",
    "multi:softmax": "cross_entropy:from_logits=true",
    "multi:softprob": "cross_entropy",
    "survival:cox": "cox",
    "survival:aft": "aft",
    "mphe": "pseudo_huber",
    "mlogloss": "cross_entropy",
    "merror": "zero_one",
    "error": "zero_one",
    "error@": "zero_one:threshold={}",
    "poisson-nloglik": "poisson_nll:full=true",
    "tweedie-nloglik": "tweedie_deviance:power=1.5",
    "tweedie-nloglik@": "tweedie_deviance:power={}",
    # LightGBM: objectives, metrics and their aliases (https://lightgbm.readthedocs.io/en/stable/Parameters.html)
    "regression": "mse",
    "regression_l2": "mse",
    "regression_l1": "mae",
    "l2_root": "rmse",
    "binary": "bce",
    "binary_logloss": "bce",
    "binary_error": "zero_one",
    "multiclass": "cross_entropy",
    "multiclassova": "multilabel_soft_margin",
    "ova": "multilabel_soft_margin",
    "ovr": "multilabel_soft_margin",
    "multi_logloss": "cross_entropy, multilabel_soft_margin",  # the second is what CatBoost means
    "multi_error": "zero_one",
    "xentropy": "bce",
    "xentlambda": "bce",
    "cross_entropy_lambda": "bce",
    "gamma": "gamma_deviance",
    "tweedie": "tweedie_deviance:power=1.5",
    # CatBoost (https://catboost.ai/docs/en/concepts/loss-functions)
    "MultiClassOneVsAll": "multilabel_soft_margin",
    "MultiCrossEntropy": "multilabel_soft_margin",
    "MultiRMSE": "rmse",
    "RMSEWithUncertainty": "gaussian_nll",
    "NumErrors": "zero_one",
    "QuerySoftMax": "ranking_softmax, listnet",
    "ndcg@": "ndcg_loss:k={}",
    "map@": "map_loss:k={}",
    "mrr@": "mrr_loss:k={}",
    "ndcg_score": "ndcg_loss:gain=linear:no_relevant=1",
    "rank:ndcg": "lambda_rank",
    "rank:pairwise": "pairwise_logistic",
    "rank:map": "map_loss",
    # PyTorch, Keras and its predecessors, optax
    "binary_cross_entropy_with_logits": "bce:from_logits=true",
    "bce_with_logits": "bce:from_logits=true",
    "softmax_cross_entropy_with_logits": "cross_entropy:from_logits=true",
    "sigmoid_cross_entropy": "bce:from_logits=true",
    "sigmoid_cross_entropy_with_logits": "bce:from_logits=true",
    "SigmoidFocalCrossEntropy": "focal",
    "categorical_focal_crossentropy": "categorical_focal",
    "binary_focal_crossentropy": "focal",
    "TripletMarginWithDistanceLoss": "triplet",
    "TripletSemiHardLoss": "triplet_mined",
    "TripletHardLoss": "triplet_mined:mining=hard",
    "NpairsLoss": "n_pair",
    "npairs_multilabel": "supcon",
    "linear_cross_entropy": "cross_entropy:from_logits=true",
    "binary_logistic_loss": "bce:from_logits=true",
    "multiclass_logistic_loss": "cross_entropy:from_logits=true",
    "binary_hinge_loss": "hinge",
    "multiclass_generalized_dice_loss": "generalized_dice",
    "safe_softmax_cross_entropy": "cross_entropy:from_logits=true",
    "sigmoid_binary_cross_entropy": "bce:from_logits=true",
    "cosine_proximity": "cosine_similarity",
    "jaccard_score": "jaccard",
    "soft_dice": "dice",
    "sorensen_dice": "dice",
    "arc_margin": "arcface",
    "aam_softmax": "arcface",
    "InsightFace": "arcface",
    "SimCLR": "ntxent",
    # scikit-learn, statsmodels, R
    "neg_log_loss": "bce, cross_entropy",
    "neg_brier_score": "brier",
    "deviance": "bce, cross_entropy",
    "absolute_loss": "mae",
    "absolute_error": "mae",
    "least_absolute_deviation": "mae",
    "lad": "mae",
    "ols": "mse",
    "me": "bias",
    "least_squares": "mse, half_mse",  # the second is what statsmodels means
    "mad": "mae, medae",
    "mn_log_loss": "cross_entropy",
    "poisson_log_loss": "poisson_nll:full=true",
    "huber_loss_pseudo": "pseudo_huber",
    "check_loss": "quantile",
    "tilted_loss": "quantile",
    "misclassification": "zero_one",
    "classification_error": "zero_one",
    # Chinese textbooks: names that mean more than one
    "对数似然损失": "bce, nll",
}
"""A name of another library -> what it is here; with @ at its end, for `name@number`."""

_LACKING = "losscli does not have it"
_ONE_MINUS = "it is not a loss: {} is 1 minus it"
_RANKS = f"{_LACKING}: auc_loss and average_precision_loss score an order, brier and bce score probabilities"
_OVERLAP = "it is not a loss: jaccard is 1 minus it, for masks of two classes"
_PIXELS = "it is not a loss: hamming is 1 minus it, zero_one of a score per class"
_ACCURACY = "it is not a loss: zero_one is 1 - accuracy"
_COUNTS = f"{_LACKING}: zero_one counts errors, f1_loss is 1 minus the F score of precision and recall"
_SKILL = "it is not a loss of rows: compare shows it as the skill of {}"
_ORDERS = f"{_LACKING}; ndcg_loss, map_loss and pairwise_logistic are losses of orders"

NO_LOSSES = {
    _ACCURACY: "accuracy acc accuracy_score binary_accuracy categorical_accuracy sparse_categorical_accuracy "
    "准确率 精度 正确率",
    _ONE_MINUS.format("balanced_error"): "balanced_accuracy balanced_accuracy_score bal_accuracy",
    _ONE_MINUS.format("auc_loss"): "roc_auc_score auroc",
    _ONE_MINUS.format("average_precision_loss"): "pr_auc average_precision_score",
    _ONE_MINUS.format("f1_loss"): "f1_score f_score fbeta_score f1 macro_f1 f_beta total_f1 F值 F1值 F1分数 F1度量",
    _ONE_MINUS.format("matthews_loss"): "matthews_corrcoef mcc",
    _ONE_MINUS.format("cohen_kappa_loss"): "kappa cohen_kappa wkappa cohen_kappa_score",
    _ONE_MINUS.format("quadratic_weighted_kappa_loss"): "quadratic_weighted_kappa",
    _ONE_MINUS.format("dice"): "dice_score dice_coef dice_coefficient dice_similarity dsc",
    _OVERLAP: "miou mean_iou iou_score jaccard_index BinaryIoU OneHotIoU",
    _PIXELS: "pixel_accuracy",
    _RANKS: "auc_mu gini ks normalized_gini roc_curve det_curve precision_recall_curve",
    _COUNTS: "precision precision_score recall recall_score specificity sensitivity 精确率 "
    "召回率 查准率 查全率 灵敏度 特异度 FalseNegatives "
    "FalsePositives TrueNegatives TruePositives confusion_matrix multilabel_confusion_matrix "
    "precision_recall_fscore_support PrecisionAt RecallAt PrecisionAtRecall SensitivityAtSpecificity",
    f"{_LACKING}: it counts whether the class is among the first k; zero_one is 1 - accuracy": "top_k_accuracy "
    "top_k_accuracy_score TopKCategoricalAccuracy SparseTopKCategoricalAccuracy",
    f"{_LACKING}: it compares clusters": "adjusted_mutual_info_score adjusted_rand_score rand_score v_measure_score "
    "consensus_score completeness_score homogeneity_score fowlkes_mallows_score mutual_info_score silhouette_score "
    "normalized_mutual_info_score calinski_harabasz_score davies_bouldin_score pair_confusion_matrix",
    _SKILL.format("mse"): "r2 r2_score r_squared rsquared r² rsq nse nash_sutcliffe d2 决定系数 explained_variance "
    "explained_variance_score",
    _SKILL.format("mae"): "d2_absolute_error_score d2_absolute_error",
    _SKILL.format("quantile"): "d2_pinball_score d2_pinball",
    _SKILL.format("tweedie_deviance"): "d2_tweedie_score d2_tweedie",
    _SKILL.format("bce"): "d2_log_loss_score d2_log_loss",
    _SKILL.format("brier"): "d2_brier_score d2_brier",
    "it is not a loss: errors of both signs cancel": "mpe",
    f"{_LACKING}; mae is q = 1, mse is q = 2": "lq lp",
    f"{_LACKING}: it depends on mse alone": "psnr 峰值信噪比",
    f"{_LACKING}: it is not a loss of rows": "pearson pearsonr spearman kendall ccc corr correlation ssim "
    "相关系数 皮尔逊相关系数 结构相似性 ms_ssim lpips fid bleu rouge wer cer",
    _ORDERS: "dcg rank_xendcg yetirank "
    "pairlogitpairwise PairAccuracy queryrmse queryauc QueryCrossEntropy stochasticrank pfound YetiRankPairwise "
    "FilteredDCG dcg_score xendcg xe_ndcg xe_ndcg_mart xendcg_mart",
    f"{_LACKING}; label_ranking_loss is a loss of the same labels": "lrap label_ranking_average_precision_score "
    "label_ranking_average_precision",
    f"{_LACKING}: it sets the labels, and a loss compares them": "smooth_labels label_smoothing",
    f"{_LACKING}: it has weights to learn": "AdaptiveLogSoftmaxWithLoss",
    f"{_LACKING}: it is a distance, not a loss": "pairwise_distance pairwise_distances euclidean_distances "
    "nan_euclidean_distances",
    f"{_LACKING}: losses of generators": "gan wgan adversarial elbo vae",
}
"""What to say of names that are no losses, or of losses that losscli lacks -> these names."""

PARAMETERS_ELSEWHERE = {"period": "m", "seasonality": "m", "season_length": "m", "seasonal_period": "m", "sp": "m"}
"""What other libraries call a parameter -> what it is called here."""

USUAL_LIBRARIES = ("torch", "keras", "sklearn", "optax")

MOST_SUGGESTED = 3
"""How many losses a message suggests."""

LETTERS_OF_SHORT_NAME, CUTOFFS = 4, (0.75, 0.6)
"""How alike a typing error is to a name: `smooth_labels` is not meant for `smooth_l1`, but `mes` is for `mse`."""

AVERAGES = r"(?:_(?:macro|micro|samples|weighted|ov[or]))+$"
"""What scikit-learn adds to the names of scores for several classes."""

NameOf = Mapping[str, str]
"""Names and aliases -> the name of the loss."""


def what_is_meant(name: str, own: NameOf, statements: Sequence[tuple[str, Equivalent]] = ()) -> str:
    """Return what to say of an unknown name, in brackets: that it is not a loss, or which losses may be meant; or ''.

    Args:
        name: The name as typed.
        own: The names that are known.
        statements: The name of a loss, and what it states of a library.
    """
    last = name.rpartition(".")[2] or name  # of nn.MSELoss
    plain, at, number = (name if last.isdigit() else last).partition("@")
    plain = re.sub(AVERAGES, "", plain)
    squashed = squash_name(plain)
    if note := _notes_by_name().get(squashed) or _notes_by_name().get(squashed.removeprefix("neg")):
        return f" ({note})"
    is_ending = "." in name and len(plain) <= LETTERS_OF_SHORT_NAME  # as of data.csv
    close = _named_elsewhere(plain, at, number, own, statements) or _close_names(name if is_ending else plain, own)
    return f" (did you mean {', '.join(close[:MOST_SUGGESTED])}?)" if close else ""


def is_no_loss(name: str) -> bool:
    """Return whether a name is that of something that is no loss, such as a score of which a loss is 1 minus it."""
    return squash_name(name) in _notes_by_name()


@functools.cache
def _notes_by_name() -> dict[str, str]:
    """Return names, squashed, that are no losses -> what to say of them."""
    return {squash_name(name): note for note, names in NO_LOSSES.items() for name in names.split()}


def _named_elsewhere(
    name: str, at: str, number: str, own: NameOf, statements: Sequence[tuple[str, Equivalent]]
) -> list[str]:
    """Return the losses, with their parameters, that another library calls so."""
    by_squashed = names_by_squashed(own)
    listed, stated = {squash_name(other): text for other, text in NAMES_ELSEWHERE.items()}, stated_names(statements)
    for key in dict.fromkeys((squash_name(name), squash_name(name).removeprefix("neg"), bare_name(name))):
        if at and number and key + at in listed:
            return [listed[key + at].format(number)]
        if key in listed:
            return listed[key].split(", ")
        if found := match_squashed(key, by_squashed):
            return list(dict.fromkeys(own[one] for one in found))
        if key in stated:
            return stated[key]
    return []


def stated_names(statements: Iterable[tuple[str, Equivalent]]) -> dict[str, list[str]]:
    """Return the functions and classes, squashed, that losses state to be the same -> these losses.

    Those come first that a call names without arithmetic, and of libraries that most people use.
    """
    found: dict[str, dict[str, None]] = {}
    for name, one in sorted(
        statements, key=lambda pair: (not pair[1].is_direct, pair[1].library not in USUAL_LIBRARIES)
    ):
        settings = {} if one.data else one.params
        text = name + "".join(f":{key}={value_text(value)}" for key, value in settings.items())
        if one.called:
            found.setdefault(squash_name(one.called), {})[text] = None
    return {name: list(texts) for name, texts in found.items()}


def _close_names(name: str, own: NameOf) -> list[str]:
    """Return losses whose names are spelled much like a name, and those that start with it."""
    shown = {alias: loss for alias, loss in own.items() if not is_chinese(alias)}
    if is_chinese(name):
        shown |= {alias: f"{alias} ({loss})" for alias, loss in own.items() if is_chinese(alias)}
    bare, wanted = {bare_name(key): text for key, text in shown.items()}, bare_name(name)
    full = {squash_name(key): text for key, text in shown.items()}
    found = [text for key, text in bare.items() if len(wanted) > 2 and key.startswith(wanted)]
    for known, one in ((full, squash_name(name)), (bare, wanted)):
        is_short = len(one) <= LETTERS_OF_SHORT_NAME
        alike = [key for key in sorted(known) if not is_short or abs(len(key) - len(one)) <= 1]
        found += [known[key] for key in close_names(one, alike, MOST_SUGGESTED, CUTOFFS[is_short])]
    return list(dict.fromkeys(found))
