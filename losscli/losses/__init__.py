"""The catalogue of losses, a file per kind of loss. Files whose names start with `_` declare no loss."""

from losscli.losses._index import NAMES_BY_MODULE

MODULES = tuple(NAMES_BY_MODULE)
"""The order in which the catalogue is listed. Files that are not in the index come last."""
