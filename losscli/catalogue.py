"""What `list` says of every loss; of the catalogue from a file, so that neither it nor NumPy is imported."""

from __future__ import annotations

import json
import pkgutil
from typing import TYPE_CHECKING, Any

from losscli import losses

if TYPE_CHECKING:
    from losscli.declaration.loss import Loss

CatalogueEntry = dict[str, Any]
"""What a loss declares, as it is in JSON."""


def catalogue_entries(has_plugins: bool = False) -> list[CatalogueEntry]:
    """Return an entry for every loss: the catalogue in the order of its index, new modules, then those of plugins.

    Args:
        has_plugins: Whether plugins have been loaded, besides those that are installed.

    Raises:
        UsageError: A plugin that is installed cannot be loaded, or takes the name of another loss.
    """
    from importlib.metadata import entry_points

    entries: list[CatalogueEntry] = json.loads(pkgutil.get_data(losses.__name__, "_catalogue.json") or "[]")
    has_new_modules = not set(losses.MODULES).issuperset(losses.modules_found())
    if has_plugins or has_new_modules or entry_points(group=losses.ENTRY_POINT_GROUP):
        from losscli import registry

        known = {entry["name"] for entry in entries}
        entries += [entry_of(loss) for loss in registry.all_losses() if loss.name not in known]
    return entries


def entry_of(loss: Loss) -> CatalogueEntry:
    """Return the entry of a loss."""
    from losscli.explain import parameter_entries, symbols_of

    return {
        "name": loss.name,
        "aliases": list(loss.aliases),
        "family": loss.family,
        "roles": [[role.name for role in form.roles] for form in loss.forms],
        "params": parameter_entries(loss),
        "formula": loss.formula,
        "symbols": symbols_of(loss),
        "properties": [flag.name.lower() for flag in loss.properties if flag.name],
        "elicits": loss.elicits or None,
        "unit": loss.unit,
        "references": list(loss.references),
        "equivalents": loss.equivalents,
        "summary": loss.summary,
    }
