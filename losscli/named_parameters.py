"""Parameters that nobody set and that names of columns say: the levels of quantiles, the share outside an interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from losscli.data.role_columns import RoleColumns
from losscli.data.said_columns import said_levels, said_parameters, said_times
from losscli.declaration.domains.levels import LEVEL_TOLERANCE, TAUS, TIMES
from losscli.declaration.loss import BoundLoss


def set_by_names(
    losses: Sequence[BoundLoss], found: Mapping[str, RoleColumns], note: Callable[[str], None]
) -> list[BoundLoss]:
    """Return the losses with the parameters that the names of their columns say, unless these were set.

    Args:
        losses: The losses.
        found: Role -> its columns.
        note: Receives what was read in the names, once for all losses.

    Raises:
        UsageError: A loss does not take what the names say.
    """
    notes: dict[str, None] = {}
    read = [_set_by_names(loss, found, notes) for loss in losses]
    for text in notes:
        note(text)
    return read


def _set_by_names(loss: BoundLoss, found: Mapping[str, RoleColumns], notes: dict[str, None]) -> BoundLoss:
    """Return a loss with what the names of its columns say, and add what is said of it to the notes."""
    said: dict[str, object] = {}
    for form in loss.loss.forms:
        domains = {role.name: role.domain for role in form.roles if role.domain.said_by_names}
        if not domains or not all(role in found for role in domains):
            continue
        names = {role: [column.name for column in found[role].columns] for role in domains}
        said = said_parameters(domains, names)
        label = found[next(iter(domains))].table.label
        for name in [name for name in said if name not in loss.params]:
            del said[name]
        _note_others(loss, names, label, notes)
        if said:
            break
    taken = {name: value for name, value in said.items() if name not in loss.given and loss.params[name] != value}
    if not taken:
        return loss
    texts = {p.name: p.domain.text(said[p.name]) for p in loss.loss.parameters if p.name in taken}
    columns = [name for several in names.values() for name in several]
    shown = " and ".join(map(repr, columns)) if len(columns) < 3 else f"{columns[0]!r} to {columns[-1]!r}"
    for name, text in texts.items():
        notes[f"{label}{name}={text}, as the names of the columns {shown} say"] = None
    return loss.loss.bind({name: loss.params[name] for name in loss.given} | taken)


def _note_others(loss: BoundLoss, names: Mapping[str, Sequence[str]], label: str, notes: dict[str, None]) -> None:
    """Note a column whose name says another level or time than the one that was set."""
    for parameter, read, what in (
        (TAUS, said_levels, "the quantile of level"),
        (TIMES, said_times, "the probability to survive"),
    ):
        for several in names.values() if parameter in loss.given else ():
            pairs = zip(read(several) or (), loss.params[parameter], strict=False)
            odd = next(((i, b) for i, (a, b) in enumerate(pairs) if abs(a - b) > LEVEL_TOLERANCE), None)
            if odd is not None:
                place, value = odd
                notes[f"{label}column {several[place]!r} is read as {what} {value:g}, as {parameter} says"] = None
