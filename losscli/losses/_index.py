"""The names of the losses that each module declares, so that a command imports one module and not all.

It only saves time: a name that is missing here is looked for in all modules. `python tools/regenerate.py index` writes
this file.
"""

from __future__ import annotations

NAMES_BY_MODULE: dict[str, str] = {
    "binary": "bce binary_cross_entropy binary_crossentropy log_loss focal binary_focal sigmoid_focal "
    "multilabel_soft_margin brier brier_score",
    "boxes": "iou giou diou ciou eiou",
    "contrastive": "info_nce n_pair ntxent supcon circle multi_similarity triplet_mined center",
    "divergence": "kl kl_divergence kullback_leibler reverse_kl generalized_kl jeffreys symmetric_kl js "
    "jensen_shannon hellinger bhattacharyya total_variation chi2 chi_square renyi wasserstein emd "
    "itakura_saito",
    "angular_margin": "linear_softmax l2_softmax normface normalized_softmax coco congenerous_cosine l_softmax "
    "large_margin_softmax sphereface a_softmax am_softmax additive_margin_softmax cosface lmcl "
    "arcface deepid deepid2",
    "ghm": "ghm_c ghm ghm_r",
    "likelihood": "poisson_nll poisson gaussian_nll tweedie_deviance poisson_deviance gamma_deviance",
    "margin": "hinge squared_hinge perceptron soft_margin logistic exponential adaboost modified_huber",
    "metric": "cosine_similarity contrastive triplet cosine_distance cosine_embedding hinge_embedding margin_ranking",
    "multiclass": "cross_entropy ce categorical_crossentropy sparse_cross_entropy sparse_categorical_crossentropy "
    "softmax_loss softmax_cross_entropy nll",
    "regression": "mse l2 mean_squared_error squared_error rmse root_mean_squared_error half_mse l2_loss mae l1 "
    "l1_loss mean_absolute_error medae median_absolute_error max_error mape "
    "mean_absolute_percentage_error smape symmetric_mape wape wmape msle mean_squared_log_error "
    "rmsle root_mean_squared_log_error huber smooth_l1 log_cosh logcosh quantile pinball "
    "pinball_loss expectile epsilon_insensitive svr squared_epsilon_insensitive",
    "robust": "pseudo_huber charbonnier fair tukey biweight bisquare cauchy lorentzian welsch leclerc hampel "
    "andrews andrew_wave ramsay ramsay_e barron adaptive_robust geman_mcclure wing linex",
    "multiclass_margin": "categorical_hinge multiclass_hinge crammer_singer multiclass_perceptron multi_margin "
    "multiclass_sparsemax sparsemax",
    "sequence": "ctc",
    "overlap": "dice tversky hamming hamming_loss zero_one asymmetric asl",
    "ranking": "multilabel_margin rps ranked_probability_score ranking_softmax listnet_top1",
    "tempered": "categorical_focal softmax_focal generalized_cross_entropy gce symmetric_cross_entropy sce poly "
    "poly_loss",
}
