"""What `list` says of every loss; of the catalogue from a file, so that neither it nor NumPy is imported."""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from losscli import losses
from losscli.declaration.names import bare_name, half_width, squash_name
from losscli.errors import UsageError

if TYPE_CHECKING:
    from losscli.declaration.loss import Loss

CatalogueEntry = dict[str, Any]
"""What a loss declares, as it is in JSON."""

CALLS_AND_CONSTANTS = r"[A-Za-z_]\w*(?:\.\w+)+(?=\()|(?<=')[\w:-]+(?=')"
"""Names in statements on other libraries: of functions and classes that are called, and of losses as text."""


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
        entries.sort(key=lambda entry: losses.place_in_list(entry["name"], entry["family"]))
    return entries


def find_entries(entries: Sequence[CatalogueEntry], text: str) -> list[CatalogueEntry]:
    """Return the entries of a family, or else those that have a text.

    All words of it are in the name or aliases, the summary, the formula or the names that other libraries have; case,
    spaces, dashes and underscores do not matter.

    Raises:
        UsageError: There are none.
    """
    family = [entry for entry in entries if squash_name(entry["family"]) == squash_name(text)]
    found = family or [entry for entry in entries if _has_text(entry, text)]
    if not found:
        from losscli.losses._other_names import what_is_meant

        own = {name: entry["name"] for entry in entries for name in (entry["name"], *entry["aliases"])}
        families = {entry["family"]: entry["family"] for entry in entries}
        meant = what_is_meant(text, own | families) or f"; the families are {', '.join(families)}"
        raise UsageError(f"no loss matches {text!r}{meant}")
    return found


def _has_text(entry: CatalogueEntry, text: str) -> bool:
    elsewhere = [
        *re.findall(CALLS_AND_CONSTANTS, " ".join(entry["equivalents"].values())),
        *_listed_names(entry["name"]),
    ]
    names = [entry["name"], *entry["aliases"], *elsewhere]
    squashed = " ".join(map(squash_name, names))
    if bare_name(text) in squashed:
        return True
    said = _with_spaces(" ".join([entry["family"], *names, entry["summary"], entry["formula"]]))
    return all(squash_name(word) in squashed or _with_spaces(word) in said for word in half_width(text).split())


def _with_spaces(text: str) -> str:
    return re.sub(r"[-_]", " ", half_width(text).lower())


def _listed_names(name: str) -> list[str]:
    """Return the further names of a loss in other libraries."""
    from losscli.losses._other_names import NAMES_ELSEWHERE

    return [other for other, text in NAMES_ELSEWHERE.items() if name in re.split(r"[ ,:]+", text)]


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
