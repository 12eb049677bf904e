"""The catalogue of losses, a file per kind of loss. Files whose names start with `_` declare no loss."""

from losscli.losses._index import NAMES_BY_MODULE

MODULES = tuple(NAMES_BY_MODULE)
"""The order of losses that are equally common. Files that are not in the index come last."""

COMMON_LOSSES = {
    "regression": "mse mae rmse huber quantile mape smooth_l1 log_cosh pseudo_huber smape wape msle rmsle medae "
    "max_error poisson_nll gaussian_nll",
    "ensembles": "crps_ensemble energy_score dss",
    "quantiles": "multi_quantile crps_quantile wis wql interval_score interval_miss",
    "binary": "bce focal brier hinge zero_one dice tversky squared_hinge soft_margin exponential",
    "multiclass": "cross_entropy sparse_cross_entropy softmax_loss nll categorical_focal multiclass_hinge rps ctc",
    "divergence": "kl js wasserstein reverse_kl hellinger total_variation",
    "ranking": "ndcg_loss map_loss mrr_loss lambda_rank listnet bpr label_ranking_loss coverage_error",
    "survival": "cox concordance_loss ipcw_brier integrated_brier aft",
    "language": "perplexity bits_per_token bits_per_byte dpo distillation",
    "metric": "cosine_similarity cosine_distance triplet contrastive info_nce ntxent supcon",
    "boxes": "iou giou diou ciou",
    "detection": "quality_focal varifocal distribution_focal",
    "faces": "arcface cosface sphereface",
}
"""The families in the order in which they are listed, each with its common losses: the others come after these."""

ENTRY_POINT_GROUP = "losscli.losses"
"""The group of entry points by which installed packages declare further losses."""


def place_in_list(name: str, family: str) -> tuple[int, int]:
    """Return where a loss is listed, for sorting: by family, the common losses of a family first."""
    families = list(COMMON_LOSSES)
    common = COMMON_LOSSES.get(family, "").split()
    return (
        families.index(family) if family in COMMON_LOSSES else len(families),
        common.index(name) if name in common else len(common),
    )


def modules_found() -> list[str]:
    """Return the modules that declare losses, those that the index lacks included."""
    import pkgutil  # where all are wanted

    return [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
