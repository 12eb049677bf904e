"""The catalogue of losses, a file per kind of loss. Files whose names start with `_` declare no loss."""

from losscli.losses._index import NAMES_BY_MODULE

MODULES = tuple(NAMES_BY_MODULE)
"""The order in which the catalogue is listed. Files that are not in the index come last."""

ENTRY_POINT_GROUP = "losscli.losses"
"""The group of entry points by which installed packages declare further losses."""


def modules_found() -> list[str]:
    """Return the modules that declare losses, those that the index lacks included."""
    import pkgutil  # where all are wanted

    return [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
