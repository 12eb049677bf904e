"""Which column is which role."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from losscli.data import column_groups as parts
from losscli.data.sources import Sources
from losscli.data.table import Column, Kind, Table
from losscli.declaration.domains import Domain
from losscli.errors import DataError

USUAL = {
    "y_true": ("target", "label", "actual", "y", "truth", "true", "labels", "targets", "ground_truth", "gt"),
    "y_pred": ("prediction", "predicted", "score", "yhat", "prob", "pred", "y_hat", "y_score", "y_prob",
               "probability", "logit", "predictions", "scores", "probs", "logits", "det", "detection"),
    "labels": ("label", "class", "target", "y"),
    "embeddings": ("embedding", "emb", "features"),
    "weights": ("class_weights", "prototypes"),
    "centers": ("centroids", "class_means"),
    "labels1": ("label1", "label_1"),
    "labels2": ("label2", "label_2"),
    "embeddings1": ("embedding1", "embedding_1", "emb1", "emb_1"),
    "embeddings2": ("embedding2", "embedding_2", "emb2", "emb_2"),
    "distance": ("dist", "distances"),
}  # fmt: skip
"""Role -> the other names it is usually found under."""

OPTIONS = {"y_true": "--true COL", "y_pred": "--pred COL", "weight": "--weight COL"}
KEYS = ("", "id", "index", "unnamed: 0")
"""Names of columns that count or name rows: never part of a vector that nobody named."""
WEIGHT_NAMES = ("weight", "weights", "sample_weight")
_NUMBERED = re.compile(r"_?\[?(\d+)\]?")


class RoleColumns(NamedTuple):
    """A role's columns in a table; `names` are the parts of them that tell them apart."""

    role: str
    table: Table
    columns: tuple[Column, ...]
    names: tuple[str, ...] = ()

    @property
    def several(self) -> bool:
        return len(self.columns) > 1

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the role's array; where its length is not known yet, that is -1."""
        length = -1 if self.table.length is None else self.table.length
        return (length, len(self.columns)) if self.several else (length, *self.columns[0].trailing)


# --------------------------------------------------------------------------------------------- finding columns


class Binder:
    """Finds the columns of roles."""

    def __init__(
        self, sources: Sources, asked: Mapping[str, str], key: str | None, note: Callable[[str], None]
    ) -> None:  # fmt: skip
        """Look in `sources`, where `asked` says which columns a role is, and `key` is no role."""
        self._sources, self._columns, self._key, self._note = sources, asked, key, note

    def find_one(self, role: str, domains: Sequence[Domain]) -> RoleColumns | None:
        """The role's columns as the first of the domains finds them."""
        return next((bound for domain in domains if (bound := self.find(role, domain))), None)

    def asked(self, role: str, text: str, domains: Sequence[Domain]) -> RoleColumns | None:
        """The columns that some text asks for, whatever else was asked for the role.

        Raises:
            DataError: a column that is not there.
        """
        return Binder(self._sources, {**self._columns, role: text}, self._key, self._note).find_one(role, domains)

    def find(self, role: str, domain: Domain) -> RoleColumns | None:
        """The role's columns, or None where nothing in the data goes by its name.

        Raises:
            UsageError: a column that was asked for is not there.
            DataError: several columns could be meant.
        """
        table = self._sources.table(role)
        if table is None:
            return None
        asked = self._columns.get(role)
        if asked is not None:
            named = self._named_columns(role, table, asked)
            return _by_part(named, domain) if "*" in asked else named
        own = role in self._sources.by_role
        if (parted := self._parted(role, domain, table, own)) is not None:
            return parted
        return self._named(role, domain, table) or (self._whole_file(role, domain, table) if own else None)

    def _named_columns(self, role: str, table: Table, asked: str) -> RoleColumns:
        """Columns by name, comma list or pattern."""
        if table.column(asked):
            return self._bound(role, table, [asked])
        import fnmatch

        names: list[str] = []
        for piece in asked.split(","):
            found = [c.name for c in table.columns if fnmatch.fnmatchcase(c.name, piece)]
            if not found:
                raise DataError(f"{label_of(table)}no column {piece!r}{suggest(piece, table)}")
            names += found
        return self._bound(role, table, names, _start(asked, role, names))

    def _parted(self, role: str, domain: Domain, table: Table, own: bool) -> RoleColumns | None:
        """Columns that are called as the parts of a row are.

        Raises:
            DataError: they are called as the parts are under another setting.
        """
        names = (role, role.removeprefix("y_"), *USUAL.get(role, ()))
        at = 1 if role == "y_pred" else 0
        found: dict[str, tuple[Column, ...]] = {}
        for setting, alternatives in domain.parts().items():
            for several in alternatives:
                columns = parts.of_role(parts.groups(table.columns, several), names, at, own)
                if columns is not None:
                    found.setdefault(setting, columns)
        if not found:
            return None
        wanted = next(iter(domain.parts()))
        if wanted not in found:
            named = ", ".join(repr(column.name) for column in next(iter(found.values())))
            raise DataError(f"{label_of(table)}the columns of {role}, {named}, are not for {wanted}; give -P "
                            f"{' or '.join(found)}")  # fmt: skip
        columns = found[wanted]
        if not own and not any(name in columns[0].name.lower() for name in names):
            shown = f"{table.quoted_name(columns[0].name)} to {table.quoted_name(columns[-1].name)}"
            self._note(f"{label_of(table)}{role} is the columns {shown}, by position")
        return RoleColumns(role, table, columns, tuple(column.name for column in columns))

    def _named(self, role: str, domain: Domain, table: Table) -> RoleColumns | None:
        """The role's own name, else a usual other name, else numbered or named columns of such a prefix."""
        for group in ((role,), USUAL.get(role, ())):
            if domain.scalar or any(c.name.lower() == role and c.trailing for c in table.columns):
                found = [c.name for c in table.columns if c.name.lower() in group]
                if len(found) > 1:
                    raise DataError(
                        f"{label_of(table)}columns {' and '.join(map(repr, found))} could both be {role}; "
                        f"{_option(role)} says which"
                    )
                if found:
                    return self._bound(role, table, found)
            elif not domain.per_row or domain.vector:
                whole = [c.name for c in table.columns if c.name.lower() in group and c.trailing]
                if len(whole) == 1:
                    return self._bound(role, table, whole)
        return self._prefixed(role, domain, table) if domain.vector or not domain.per_row else None

    def _prefixed(self, role: str, domain: Domain, table: Table) -> RoleColumns | None:
        for prefix in (role, *USUAL.get(role, ())):
            names = [c.name for c in table.columns if _after(c.name, prefix)]
            if len(names) > 1 and (
                domain.shapes != ("N*",) or all(_NUMBERED.fullmatch(n[len(prefix) :]) for n in names)
            ):
                return self._bound(role, table, names, prefix)
        return None

    def _whole_file(self, role: str, domain: Domain, table: Table) -> RoleColumns | None:
        """A file that was given for this role alone: its only column, or all its numbers."""
        if len(table.columns) == 1:
            return self._bound(role, table, [table.columns[0].name])
        if self._key:
            rest = [c.name for c in table.columns if c.name != self._key]
            if len(rest) == 1:
                return self._bound(role, table, rest)
        keys = {self._key, *(c.name for c in table.columns if c.name.lower() in KEYS)}
        names = [c.name for c in table.columns if c.kind is Kind.NUMBER and c.name not in keys]
        if len(names) == 1 and (domain.scalar or not domain.per_row):
            self._note(f"{table.name}: {role} is column {names[0]!r}, the only one of numbers")
            return self._bound(role, table, names)
        if len(names) > 1 and domain.vector and len(names) == sum(c.name not in keys for c in table.columns):
            self._note(f"{table.name}: {role} is all {len(names)} columns, {names[0]!r} to {names[-1]!r}")
            return self._bound(role, table, names)
        return None

    def positional_pair(self, roles: Sequence[str], found: Mapping[str, RoleColumns | None]) -> dict[str, RoleColumns]:
        """Where a table has just two columns of numbers: the two roles in order, or the one still missing."""
        table = self._sources.common
        lacking = [role for role in roles if found.get(role) is None]
        if table is None or len(roles) != 2 or not lacking:
            return {}
        numeric = [c.name for c in table.columns if c.kind is Kind.NUMBER and not c.trailing]
        taken = {c.name for bound in found.values() if bound for c in bound.columns}
        free = [name for name in numeric if name not in taken]
        if len(numeric) != 2 or len(free) != len(lacking):
            return {}
        named = " and ".join(f"{role} is column {name!r}" for role, name in zip(lacking, free, strict=True))
        self._note(f"{label_of(table)}{named}, by position: the only columns of numbers")
        return {r: self._bound(r, table, [c]) for r, c in zip(lacking, free, strict=True)}

    def _bound(self, role: str, table: Table, names: Sequence[str], prefix: str = "") -> RoleColumns:
        columns = [column for name in names if (column := table.column(name)) is not None]
        for name in names:
            if name in table.repeated:
                raise DataError(f"{label_of(table)}two columns are called {name!r}")
        if len(columns) < 2:
            return RoleColumns(role, table, tuple(columns))
        tails = [_tail(column.name, prefix) for column in columns]
        if all(tail.isdigit() for tail in tails):
            order = sorted(range(len(tails)), key=lambda i: int(tails[i]))
            columns, tails = [columns[i] for i in order], [tails[i] for i in order]
        return RoleColumns(role, table, tuple(columns), tuple(tails))

    def missing(self, roles: Sequence[str], label: str) -> DataError:
        """The error that says which roles are not in the data, and what is."""
        role = roles[0]
        table = self._sources.table(role)
        if table is None:
            return DataError(f"{label} needs {' and '.join(roles)}: give a table or {role}=FILE")
        alone = next((c for c in table.columns if c.name.lower() == role), None)
        if alone is not None:  # it was not taken: one number a row is not what the role is
            at = f"{label_of(table)}{alone.name}"
            return DataError(f"{at}: shape (N,), one number a row, but {label} needs several: an array (N, D), columns "
                             f"such as {role}_0, {role}_1, or {_option(role)}")  # fmt: skip
        names = [c.name for c in table.columns]
        shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        what = f"no column for {' or '.join(roles)}" if len(roles) > 1 else f"no column for {role}"
        return DataError(
            f"{label_of(table)}{what}, which {label} needs; the columns are {shown}; {_option(role)} says which"
        )

    def weight(self) -> RoleColumns | None:
        """The weights: only where they are asked for."""
        table = self._sources.by_role.get("weight")
        if table is not None or "weight" in self._columns:
            found = self.find("weight", Domain(("N",)))
            if found is None:
                raise self.missing(["weight"], "weighting")
            return found
        for table in self._sources.tables:
            unused = next((c.name for c in table.columns if c.name.lower() in WEIGHT_NAMES and not c.trailing), None)
            if unused:
                self._note(f"{label_of(table)}column {unused!r} is not used; --weight {unused} weighs the rows by it")
        return None


def _by_part(bound: RoleColumns, domain: Domain) -> RoleColumns:
    """The columns that a pattern found, in the order of the parts that they are called by."""
    for several in next(iter(domain.parts().values()), ()):
        for columns in parts.groups(bound.columns, several).values():
            if len(columns) == len(bound.columns):
                return bound._replace(columns=columns)
    return bound


def label_of(table: Table) -> str:
    """The table's name in front of a message; arrays have none."""
    return f"{table.name}: " if table.name else ""


def _option(role: str) -> str:
    """The option that names the role's column."""
    return OPTIONS.get(role, f"--column {role}=COLS")


def suggest(name: str, table: Table) -> str:
    """What a column name may have been meant to be."""
    import difflib

    names = [c.name for c in table.columns]
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f" (did you mean {close[0]!r}?)"
    return f"; the columns are {', '.join(names[:12])}{'...' if len(names) > 12 else ''}"


def _after(name: str, prefix: str) -> str | None:
    """What follows the prefix: `_cat`, `_0`, `[0]`."""
    rest = name[len(prefix) :]
    if name[: len(prefix)].lower() != prefix or not rest or rest[0] not in "_[":
        return None
    return rest


def _start(asked: str, role: str, names: Sequence[str]) -> str:
    """What the names that were asked for start with: the pattern says, or the role's name, or the first word."""
    if "*" in asked:
        start = asked.partition("*")[0]
        return start[: start.rfind("_") + 1] or start
    file_offsets = [f"{prefix}_" for prefix in (role, *USUAL.get(role, ()))] + [f"{names[0].partition('_')[0]}_"]
    return next((start for start in file_offsets if all(name.startswith(start) for name in names)), "")


def _tail(name: str, prefix: str) -> str:
    tail = name[len(prefix) :] if prefix and name.lower().startswith(prefix.lower()) else name
    number = _NUMBERED.fullmatch(tail)
    return number.group(1) if number else tail.removeprefix("_")
