"""The catalogue: a file a family. Files whose names start with `_` declare no loss."""

MODULES = (
    "binary", "boxes", "contrastive", "divergence", "angular_margin", "ghm", "likelihood", "margin", "metric",
    "multiclass", "regression", "robust", "multiclass_margin", "sequence", "overlap", "tempered",
)  # fmt: skip
"""The order in which the catalogue is listed. A file that is not named here comes last."""
