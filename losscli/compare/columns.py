"""The columns of a comparison, and what each says."""

from __future__ import annotations

COMPARISON_COLUMNS = {
    "rank": "1 = least sensitive: by pull, ties by inflation; by inflation where a loss has no pull",
    "value": "the loss over all rows",
    "inflation": "of the number: value / value without the outlier rows",
    "pull": "deletion influence (DFBETA) of outliers on a fitted constant, in robust sd",
    "stress": "contamination: inflation if 1 in 100 other rows were 10 robust sd off",
    "effective_n": "Kish's effective sample size; of n normal errors mse has n/3",
    "top_share": "share of the number that its largest 1 % of rows carry",
    "skill": "1 = perfect, 0 = no better than its best constant prediction",
    "bounded_value": "no = one row can make the number arbitrarily large",
    "bounded_gradient": "bounded influence: no = one row can pull a fit without limit",
}
"""Column -> what it says."""

MODEL_COLUMNS = {
    "difference": "value minus the value of the reference, by default the best model",
    "diff_low": "lower end of the difference's interval; all intervals hold at once",
    "diff_high": "upper end of that interval",
    "relative": "difference / value of the reference",
    "p": "of no difference, adjusted for the number of models (Holm)",
    "verdict": "best, worse, or undecided: the rows do not tell it from the best",
    "flip": "fewest rows whose removal would make another model the best",
}
"""The columns that several models add."""
