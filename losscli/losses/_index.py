"""The names of the losses that each module declares, so that a command imports one module and not all.

It only saves time: a name that is missing here is looked for in all modules. `python tools/regenerate.py index` writes
this file.
"""

from __future__ import annotations

NAMES_BY_MODULE: dict[str, str] = {
    "binary": "bce binary_cross_entropy binary_crossentropy log_loss 二元交叉熵 二分类交叉熵 二值交叉熵 "
    "对数损失 focal binary_focal sigmoid_focal 焦点损失 聚焦损失 brier brier_score 布里尔分数 "
    "brier_分数 布里尔评分 brier_评分 multilabel_soft_margin 多标签软间隔损失",
    "boxes": "iou 交并比损失 iou_损失 giou 广义交并比损失 giou_损失 diou 距离交并比损失 diou_损失 ciou "
    "完全交并比损失 完整交并比损失 ciou_损失 eiou eiou_损失 alpha_iou α_iou_损失 siou scylla_iou "
    "siou_损失",
    "contrastive": "info_nce 信息噪声对比估计 infonce_损失 ntxent 归一化温度缩放交叉熵 nt_xent_损失 supcon "
    "有监督对比损失 监督对比损失 n_pair n_对损失 n_pair_损失 多类_n_对损失 circle circle_损失 "
    "圆损失 multi_similarity 多重相似性损失 多相似性损失 triplet_mined 难样本三元组损失 center "
    "中心损失",
    "divergence": "kl kl_divergence kullback_leibler kl_div kl_散度 相对熵 kullback_leibler_散度 kl_距离 js "
    "jensen_shannon js_散度 詹森_香农散度 jensen_shannon_散度 wasserstein emd 推土机距离 "
    "wasserstein_距离 沃瑟斯坦距离 瓦瑟斯坦距离 em_距离 reverse_kl 反向_kl_散度 逆向_kl_散度 "
    "hellinger 海林格距离 hellinger_距离 赫林格距离 total_variation 总变差距离 全变差距离 总变差 "
    "全变差 全变分距离 generalized_kl 广义_kl_散度 jeffreys symmetric_kl 杰弗里斯散度 jeffreys_散度 "
    "对称_kl_散度 bhattacharyya 巴氏距离 巴塔恰里雅距离 bhattacharyya_距离 巴塔恰里亚距离 chi2 "
    "chi_square 卡方散度 卡方距离 renyi 雷尼散度 rényi_散度 瑞尼散度 itakura_saito 板仓_斋藤距离 "
    "板仓_斋藤散度 itakura_saito_散度",
    "angular_margin": "arcface 加性角度间隔损失 加性角间隔损失 cosface lmcl 大间隔余弦损失 sphereface a_softmax "
    "角度间隔_softmax_损失 linear_softmax 线性_softmax_损失 l2_softmax l2_约束_softmax_损失 "
    "normface normalized_softmax 归一化_softmax_损失 coco congenerous_cosine l_softmax "
    "large_margin_softmax 大间隔_softmax_损失 am_softmax additive_margin_softmax "
    "加性间隔_softmax_损失 deepid deepid2",
    "ghm": "ghm_r ghm_r_损失 ghm_c ghm ghm_c_损失",
    "likelihood": "poisson_nll poisson 泊松损失 泊松负对数似然 gaussian_nll 高斯负对数似然 tweedie_deviance "
    "tweedie_偏差 特威迪偏差 poisson_deviance 泊松偏差 gamma_deviance 伽马偏差 gamma_偏差 伽玛偏差 "
    "gamma_nll gamma_nloglik 伽马负对数似然 negative_binomial_nll nb_nll negbin_nll "
    "负二项负对数似然",
    "margin": "hinge 铰链损失 合页损失 折页损失 squared_hinge 平方铰链损失 平方合页损失 soft_margin logistic "
    "对率损失 逻辑损失 逻辑斯谛损失 软间隔损失 对数几率损失 exponential adaboost 指数损失 "
    "perceptron 感知机损失 感知器损失 modified_huber 修正_huber_损失",
    "metric": "cosine_similarity 余弦相似度 余弦相似性 cosine_distance 余弦距离 triplet 三元组损失 "
    "三元组间隔损失 三元组边际损失 contrastive 对比损失 cosine_embedding 余弦嵌入损失 "
    "hinge_embedding 铰链嵌入损失 合页嵌入损失 margin_ranking 间隔排序损失 边际排序损失",
    "multiclass": "cross_entropy ce categorical_crossentropy 交叉熵 多分类交叉熵 分类交叉熵 交叉熵误差 "
    "sparse_cross_entropy sparse_categorical_crossentropy 稀疏分类交叉熵 稀疏交叉熵 softmax_loss "
    "softmax_cross_entropy softmax_损失 softmax_交叉熵 nll 负对数似然",
    "regression": "mse l2 mean_squared_error squared_error 均方误差 平方误差 平方损失 均方损失 二次损失 mae l1 "
    "l1_loss mean_absolute_error 平均绝对误差 绝对误差 绝对损失 绝对值损失 rmse "
    "root_mean_squared_error 均方根误差 huber huber_损失 胡贝尔损失 胡伯损失 quantile pinball "
    "pinball_loss 分位数损失 弹球损失 分位损失 mape mean_absolute_percentage_error "
    "平均绝对百分比误差 平均绝对百分误差 smooth_l1 平滑_l1_损失 log_cosh logcosh 对数双曲余弦损失 "
    "smape symmetric_mape 对称平均绝对百分比误差 wape wmape 加权绝对百分比误差 "
    "加权平均绝对百分比误差 msle mean_squared_log_error mean_squared_logarithmic_error 均方对数误差 "
    "rmsle root_mean_squared_log_error 均方根对数误差 medae median_absolute_error 中位数绝对误差 "
    "绝对误差中位数 中值绝对误差 max_error 最大误差 最大绝对误差 half_mse l2_loss 半均方误差 "
    "expectile 期望分位数损失 epsilon_insensitive svr ε_不敏感损失 不敏感损失 epsilon_不敏感损失 "
    "squared_epsilon_insensitive 平方_ε_不敏感损失 平方_epsilon_不敏感损失",
    "robust": "pseudo_huber 伪_huber_损失 charbonnier charbonnier_损失 fair fair_损失 tukey biweight bisquare "
    "tukey_双权损失 双权损失 tukey_损失 图基双权损失 cauchy lorentzian 柯西损失 welsch leclerc "
    "welsch_损失 hampel hampel_损失 andrews andrew_wave andrews_损失 ramsay ramsay_e ramsay_损失 "
    "barron adaptive_robust 自适应鲁棒损失 自适应稳健损失 geman_mcclure geman_mcclure_损失 wing "
    "wing_损失 linex linex_损失 线性指数损失",
    "multiclass_margin": "multiclass_hinge crammer_singer 多分类铰链损失 多类铰链损失 多分类合页损失 多类合页损失 "
    "categorical_hinge 分类铰链损失 分类合页损失 multiclass_perceptron 多类感知机损失 "
    "多分类感知机损失 multi_margin 多分类间隔损失 多类间隔损失 multiclass_sparsemax sparsemax "
    "sparsemax_损失",
    "sequence": "ctc ctc_损失 连接时序分类 联结时序分类 连接主义时间分类",
    "overlap": "zero_one error_rate misclassification_rate 0_1_损失 零一损失 错误率 误分类率 dice dice_损失 "
    "dice_系数损失 tversky tversky_损失 hamming hamming_loss 汉明损失 海明损失 asymmetric asl "
    "非对称损失 不对称损失",
    "ranking": "rps ranked_probability_score 排序概率评分 排名概率评分 等级概率评分 multilabel_margin "
    "多标签间隔损失 ranking_softmax listnet_top1 排序_softmax_损失",
    "tempered": "categorical_focal softmax_focal 多分类焦点损失 多类焦点损失 generalized_cross_entropy gce "
    "广义交叉熵 泛化交叉熵 symmetric_cross_entropy sce 对称交叉熵 poly poly_loss 多项式损失 "
    "poly_损失",
    "detection": "balanced_l1 libra_l1 平衡_l1_损失 quality_focal qfl 质量焦点损失 varifocal vfl 变焦点损失 "
    "distribution_focal dfl 分布焦点损失",
    "location_scale": "crps_normal crps_gaussian crps_laplace crps_logistic laplace_nll 拉普拉斯负对数似然 "
    "logistic_nll lognormal_nll log_normal_nll 对数正态负对数似然 student_t_nll studentt_nll "
    "学生_t_负对数似然",
    "survival": "aft survival_aft aft_nloglik 加速失效时间损失 logistic_hazard_nll nnet_survival "
    "discrete_hazard 离散时间风险损失 weibull_nll wtte weibull_loglik 威布尔负对数似然",
    "masks": "jaccard soft_jaccard soft_iou iou_mask 杰卡德损失 focal_tversky ftl 焦点tversky损失 "
    "log_cosh_dice logcosh_dice 对数双曲余弦dice损失 lovasz_hinge lovasz lovász铰链损失",
    "adaptive_margin": "combined_margin combined 组合间隔损失 curricularface subcenter_arcface sub_center_arcface "
    "子中心_arcface magface adaface",
    "language": "perplexity ppl 困惑度 bits_per_token bpt bits_per_character bits_per_byte bpb dpo "
    "direct_preference_optimization 直接偏好优化 distillation kd knowledge_distillation 知识蒸馏",
    "cox": "cox cox_ph cox_nloglik partial_likelihood 偏似然 cox_偏似然",
    "brier_of_survival": "ipcw_brier graf_brier brier_survival 生存_brier_评分 integrated_brier ibs integrated_graf "
    "积分_brier_评分",
    "ensembles": "crps_ensemble crps crps_empirical continuous_ranked_probability_score 连续分级概率评分 "
    "energy_score es_ensemble 能量评分 dss dawid_sebastiani dawid_sebastiani_score "
    "dawid_sebastiani_评分",
    "class_masks": "multiclass_dice mc_dice 多类dice损失 generalized_dice gdl 广义dice损失 lovasz_softmax "
    "lovász_softmax损失",
    "dice_ce": "dice_ce dice_bce bce_dice",
    "item_ranking": "bpr bpr_loss bradley_terry reward_pairwise 贝叶斯个性化排序 label_ranking_loss ranking_loss "
    "排序损失 coverage_error coverage",
    "ranked_labels": "auc_loss one_minus_auc roc_auc average_precision_loss auprc_loss aucpr",
    "calibration_error": "expected_calibration_error ece 期望校准误差",
    "classification": "balanced_error balanced_error_rate ber 平衡错误率 f1_loss macro_f1_loss f_beta_loss f1_损失 "
    "cohen_kappa_loss kappa_loss 科恩卡帕损失 quadratic_weighted_kappa_loss qwk qwk_loss "
    "二次加权卡帕损失 matthews_loss mcc_loss phi_loss 马修斯相关系数",
    "spherical": "spherical_score spherical 球面评分",
    "concordance": "concordance_loss c_index cindex harrell_c 一致性指数 c_指数",
    "proxies": "proxy_nca 代理_nca_损失 proxy_anchor 代理锚损失",
    "two_views": "clip clip_loss siglip sigmoid_contrastive",
    "ranking_by_query": "ndcg_loss ndcg one_minus_ndcg 归一化折损累计增益 map_loss map mean_average_precision mrr_loss "
    "mrr reciprocal_rank 平均倒数排名 lambda_rank lambdarank lambdamart listnet list_net "
    "pairwise_logistic ranknet pair_logit pairwise_hinge ranksvm pair_hinge listmle list_mle "
    "plackett_luce",
    "relative_errors": "bias mean_error mean_bias_error mbe 平均偏差 mrae mean_relative_absolute_error "
    "平均相对绝对误差 rmae relative_mae relative_mean_absolute_error 相对平均绝对误差 mdape "
    "median_absolute_percentage_error 中位数绝对百分比误差",
    "quantiles": "multi_quantile quantile_set mqloss multi_quantile_loss 多分位数损失 crps_quantile "
    "quantile_crps qcrps wis weighted_interval_score 加权区间评分 wql weighted_quantile_loss "
    "mean_weighted_quantile_loss scaled_crps 加权分位数损失",
    "intervals": "interval_score winkler winkler_score 区间评分 interval_miss miscoverage 区间未覆盖率",
    "scaled_errors": "mase mean_absolute_scaled_error 平均绝对标度误差 msse mean_squared_scaled_error 均方标度误差 "
    "rmsse root_mean_squared_scaled_error 均方根标度误差",
}
