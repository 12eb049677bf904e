"""Find the columns of each role: by request, by name, by the names of their parts, or by position."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from losscli.data.column_words import missing_columns_error, suggest_column
from losscli.data.identifiers import Identifiers
from losscli.data.labels import SEPARATORS, Endings, find_endings, order_by_number
from losscli.data.role_columns import RoleColumns
from losscli.data.role_names import (
    CLASS_PREFIXES,
    OTHER_NAMES,
    SUMMARY_ENDINGS,
    UNLIKE_CLASSES,
    WEIGHT_NAMES,
    has_prefix,
    is_of_another,
    is_of_rows,
    is_role_name,
    means_another,
    usual_names,
    without_labels,
)
from losscli.data.row_parts import choose_group, group_by_parts, unlike_setting
from losscli.data.said_columns import find_level_columns
from losscli.data.sources import Sources
from losscli.data.table import Column, Kind, Table
from losscli.declaration.domains import Domain
from losscli.errors import DataError
from losscli.messages import Hint, Message

OTHER_ROLE = {"y_true": "y_pred", "y_pred": "y_true"}

_NUMBER_SUFFIX = rf"[{re.escape(SEPARATORS)}]?\d+\]?"


class Binder:
    """Finds the columns of roles in tables.

    `requested` maps a role to a column name, comma list or pattern. `key` is the column that pairs files, which belongs
    to no role; nor do `groups`, columns that are carried along. `note` takes notes on choices that were not requested.
    """

    def __init__(
        self,
        sources: Sources,
        requested: Mapping[str, str],
        key: str | None,
        note: Callable[[str], None],
        groups: Sequence[str] = (),
    ) -> None:
        self.sources, self.requested, self.key, self.note, self.groups = sources, requested, key, note, groups
        self._choices: set[str] = set()

    @cached_property
    def identifiers(self) -> Identifiers:
        """Which columns name or number rows."""
        return Identifiers(self.sources.tables, self.key, self.groups, is_role_name)

    def find_all(self, domains: Mapping[str, Sequence[Domain]]) -> dict[str, RoleColumns]:
        """Return the columns of those roles that the data has; predictions of models that have files are none of it."""
        models = self.sources.models
        wanted = {role: d for role, d in domains.items() if not models or (role != "y_pred" and self._may_have(role))}
        return {role: found for role, several in wanted.items() if (found := self.find(role, several))}

    def _may_have(self, role: str) -> bool:
        """Tell whether the data has columns that were requested for a role: those of models may have them instead."""
        table = self.sources.table(role)
        return role == "y_true" or table is None or self.has_requested(role, table)

    def has_requested(self, role: str, table: Table) -> bool:
        """Tell whether a table has a column that was requested for a role, if one was."""
        import fnmatch

        named = self.requested.get(role)
        pieces = [] if named is None else [named, *named.replace("，", ",").split(",")]
        return named is None or any(fnmatch.fnmatchcase(c.name, piece) for c in table.columns for piece in pieces)

    def find(
        self, role: str, domains: Sequence[Domain], requested: str | None = None, of_model: Table | None = None
    ) -> RoleColumns | None:
        """Return the role's columns as the first of the domains finds them, None if no name fits.

        What is `requested` here replaces what was requested for the role. In the file `of_model`, which was given for
        its predictions, these are found as in a file of their own.

        Raises:
            DataError: A requested column does not exist, or several columns fit.
        """
        table = self.sources.table(role) if of_model is None else of_model
        if table is None:
            return None
        requested = self.requested.get(role) if requested is None else requested
        if requested is not None:
            bound = self._find_requested(role, table, requested, domains[0])
            self._check_whole(bound, domains[0])
            return bound
        is_own_file = role in self.sources.by_role if of_model is None else role == "y_pred"
        for domain in domains:
            found = (
                self._find_by_parts(role, domain, table, is_own_file)
                or self._find_by_levels(role, domain, table)
                or self._find_by_name(role, domain, table)
            )
            if found is None and is_own_file:
                found = self._find_like(role, domain, table) or self._take_whole_file(role, domain, table)
            if found is not None:
                return found
        return None

    def _find_requested(self, role: str, table: Table, requested: str, domain: Domain) -> RoleColumns:
        """Return the columns of a name, comma list or pattern."""
        if table.column(requested):
            return self._bind(role, table, [requested])
        import fnmatch

        names: list[str] = []
        for piece in (pieces := requested.replace("，", ",").split(",")):
            found = [c.name for c in table.columns if fnmatch.fnmatchcase(c.name, piece)]
            if found != [piece]:
                found = [name for name in found if not self._is_beside(role, table, name)] or found
                found = without_labels(role, found)
            if not found:
                raise DataError(f"{table.label}no column {piece!r}{suggest_column(piece, table)}")
            names += found
        if "*" in requested and len(names) > 2 and "N,C" in domain.shapes:
            names = self._without_summaries(role, table, names)
        start = re.split(r"[*?\[]", requested)[0] if len(pieces) == 1 else ""
        if names != pieces:
            self._check_numbered(role, domain, table, names)
        if names == pieces and domain.keeps_order:
            return RoleColumns(role, table, tuple(c for n in names if (c := table.column(n))), Endings(tuple(names)))
        bound = self._bind(role, table, names, start)
        if "*" in requested:  # the pattern gives no order: that of the parts, if they are named so
            for parts in next(iter(domain.parts().values()), ()):
                for columns in group_by_parts(bound.columns, parts).values():
                    if len(columns) == len(bound.columns):
                        return bound.take([bound.columns.index(column) for column in columns])
        return bound

    def _check_numbered(self, role: str, domain: Domain, table: Table, names: Sequence[str]) -> None:
        """Raise a DataError if columns of classes such as p0, p1 were found together with another, such as predict."""
        numbered = [name for name in names if re.fullmatch(r".*[^\W\d_]\d+", name)]
        odd = next((name for name in names if name not in numbered), None)
        if odd is not None and len(numbered) > 1 and "N,C" in domain.shapes:
            self._refuse_beside(role, table, odd, numbered)

    def _refuse_beside(self, role: str, table: Table, odd: str, names: Sequence[str]) -> None:
        """Raise the error for a column that stands beside those of a role, and may be none of them."""
        problem = f"{table.label}column {odd!r} stands beside {names[0]!r} and {names[-1]!r}"
        raise DataError(problem, Hint.NAME_COLUMNS, role=role)

    def _is_beside(self, role: str, table: Table, name: str) -> bool:
        """Tell whether a column is no part of all columns of a role, or of a pattern."""
        others = [names for other, names in self.requested.items() if other != role]
        return (table, name) in self.identifiers or name in others or name.lower() in UNLIKE_CLASSES.get(role, ())

    def _find_by_parts(self, role: str, domain: Domain, table: Table, is_own_file: bool) -> RoleColumns | None:
        """Return columns named like the parts of a row: x1, y1, x2, y2.

        Raises:
            DataError: They are named like the parts under another setting.
        """
        names, other_names = (usual_names(r, r.removeprefix("y_")) for r in (role, OTHER_ROLE.get(role, "")))
        found: dict[str, tuple[Column, ...]] = {}
        for setting, alternatives in domain.parts().items():
            for parts in alternatives:
                columns = choose_group(group_by_parts(table.columns, parts), names, other_names, is_own_file)
                if columns is not None:
                    found.setdefault(setting, columns)
        if not found:
            return None
        wanted = next(iter(domain.parts()))
        if wanted not in found:
            raise unlike_setting(role, table, next(iter(found.values())), wanted, [*found])
        columns = found[wanted]
        if len(columns) == 1:
            self._check_whole(RoleColumns(role, table, columns), domain)
            self._note_choice(table, f"{role} is column {columns[0].name!r}, read as {wanted}")
        if len(columns) > 1 and not is_own_file and not any(name in columns[0].name.lower() for name in names):
            shown = f"{table.quoted_name(columns[0].name)} to {table.quoted_name(columns[-1].name)}"
            self.note(f"{table.label}{role} is the columns {shown}")
        return RoleColumns(role, table, columns, Endings(tuple(column.name for column in columns)))

    def _find_by_levels(self, role: str, domain: Domain, table: Table) -> RoleColumns | None:
        """Return the columns whose names say that they are the quantiles of a role, or its end of an interval."""
        if not domain.said_by_names or not table.has_names:
            return None
        data = [c for c in self.identifiers.data_columns(table) if not self._is_beside(role, table, c.name)]
        free = [c.name for c in data if c.kind is Kind.NUMBER and not c.trailing]
        return find_level_columns(role, domain, table, free)

    def _check_whole(self, bound: RoleColumns, domain: Domain) -> None:
        """Raise a DataError if a column of whole rows, such as boxes, is read by a setting that nobody stated."""
        names = {parts[0] for parts in next(iter(domain.parts().values()), ()) if len(parts) == 1}
        if domain.is_stated or not any(group_by_parts(bound.columns, [name]) for name in names):
            return
        wanted = next(iter(domain.parts()))
        name = bound.columns[0].name
        certain = domain.setting_of(name.lower(), {c.name.lower() for c in bound.table.columns})
        if not certain:
            problem = f"{bound.table.label}column {name!r} ({bound.role}) does not say what its numbers are"
            raise DataError(problem, Hint.BOX_FORMAT)
        if certain != wanted:
            raise unlike_setting(bound.role, bound.table, bound.columns, wanted, [certain])

    def _find_by_name(self, role: str, domain: Domain, table: Table) -> RoleColumns | None:
        """Return the column named like the role, or by another usual name, or the columns that start with one."""
        columns = [c for c in table.columns if c.name != self.key]
        has_array = any(c.trailing and c.name.lower() == role for c in columns)
        for names in ((role,), OTHER_NAMES.get(role, ())):
            found = [c for c in columns if c.name.lower() in names]
            if domain.scalar or has_array:
                if len(found) > 1 and not domain.is_label:  # of a text and its score, the score
                    found = [c for c in found if c.kind is Kind.NUMBER] or found
                if len(found) > 1:
                    either = " and ".join(repr(c.name) for c in found)
                    problem = f"{table.label}columns {either} could both be {role}"
                    raise DataError(problem, Hint.CHOOSE_COLUMN, role=role)
                if found:
                    return self._bind(role, table, [found[0].name])
            elif domain.vector or not domain.per_row:
                arrays = [c.name for c in found if c.trailing]
                if len(arrays) == 1:
                    return self._bind(role, table, arrays)
        for prefix in usual_names(role) if domain.vector or not domain.per_row else ():
            numbered = [c.name for c in columns if has_prefix(c.name, prefix) and not is_of_another(c.name, prefix)]
            numbered = [name for name in numbered if name.rpartition(".")[0] not in table.repeated]
            numbered = without_labels(role, numbered)
            if domain.vector and len(numbered) > 2:
                numbered = self._without_summaries(role, table, numbered)
            if len(numbered) > 1 and (
                domain.shapes != ("N*",) or all(re.fullmatch(_NUMBER_SUFFIX, name[len(prefix) :]) for name in numbered)
            ):
                return self._bind(role, table, numbered)
        for prefix in domain.numbered_names:
            ending = re.compile(re.escape(prefix) + _NUMBER_SUFFIX)
            numbered = [c.name for c in columns if ending.fullmatch(c.name.lower()) and not c.trailing]
            if len(numbered) > 1:
                return self._bind(role, table, numbered)
        return None

    def _without_summaries(self, role: str, table: Table, names: list[str]) -> list[str]:
        """Return names of columns of classes without those of text that say something of all classes.

        Raises:
            DataError: A column of numbers may be a class or say something of all.
        """
        odd = [name for name in names if re.split(rf"[{re.escape(SEPARATORS)}]", name.lower())[-1] in SUMMARY_ENDINGS]
        others = [name for name in names if name not in odd]
        unclear = next((c.name for c in table.columns if c.name in odd and c.kind is Kind.NUMBER), None)
        if unclear is not None and len(others) > 1:
            self._refuse_beside(role, table, unclear, others)
        return others

    def check_pair(self, domains: Mapping[str, Sequence[Domain]]) -> None:
        """Raise a DataError if two files, given without roles, each hold both y_true and y_pred, or the other's."""
        roles = [role for role in ("y_true", "y_pred") if role in domains]
        if not self.sources.is_pair or len(roles) < 2:
            return
        first, second = (self.sources.by_role[role] for role in roles)
        held = [[self.holds(role, domains[role], table) for role in roles] for table in (first, second)]
        if held == [[True, True], [True, True]]:
            parts = "parts of one dataset are named by a folder or a quoted glob"
            each = f"y_true={first.name} y_pred={second.name} reads one from each"
            problem = f"{first.name} and {second.name} both hold y_true and y_pred: {parts}; {each}"
            raise DataError(problem, Hint.MODEL_FILES, pattern="FILE")
        both = next((role for role in roles if self._is_alone(role, second if role == "y_true" else first)), None)
        if both is not None and held[0] == held[1] == [both == "y_true", both == "y_pred"]:
            raise DataError(
                f"{first.name} and {second.name} both hold {both}, and neither holds the other role: "
                f"y_true={first.name} y_pred={second.name} compares them anyway"
            )
        if held == [[False, True], [True, False]]:
            raise DataError(f"{first.name} holds y_pred and {second.name} y_true, but the file of y_true comes first")

    def _is_alone(self, role: str, table: Table) -> bool:
        """Tell whether a table holds nothing but the column called like a role, and what describes rows."""
        names = {c.name.lower() for c in self.identifiers.data_columns(table) if not is_of_rows(c.name)}
        return names == {role}

    def holds(self, role: str, domains: Sequence[Domain], table: Table) -> bool:
        """Tell whether a table has columns named like a role."""
        try:
            return any(
                self._find_by_parts(role, domain, table, False) or self._find_by_name(role, domain, table)
                for domain in domains
            )
        except DataError:  # more than one
            return True

    def _find_like(self, role: str, domain: Domain, table: Table) -> RoleColumns | None:
        """Return the column that has the name of the role that this one holds other rows of."""
        if not domain.holds_rows_of:
            return None
        name = self.requested.get(domain.holds_rows_of)
        if name is not None and table.column(name):
            return self._bind(role, table, [name])
        like = self._find_by_name(domain.holds_rows_of, domain, table)
        return like and like._replace(role=role)

    def _take_whole_file(self, role: str, domain: Domain, table: Table) -> RoleColumns | None:
        """Return the only column of a file that was given for this role alone, or all its numbers."""
        others = self.identifiers.data_columns(table)
        if len(others) == 1:
            is_choice = self.sources.is_pair and is_of_rows(others[0].name)
            return None if is_choice else self._bind(role, table, [others[0].name])
        scores = without_labels(role, [c.name for c in others if not self._is_beside(role, table, c.name)])
        others = [c for c in others if c.name in scores]
        names = [c.name for c in others if c.kind is Kind.NUMBER]
        if len(names) == 1 and (domain.scalar or not domain.per_row):
            self._note_choice(table, f"{role} is column {names[0]!r}, the only one of numbers")
            return self._bind(role, table, names)
        if len(names) > 1 and domain.vector and len(names) == len(others):
            self._check_numbered(role, domain, table, names)
            odd = next((name for name in names if is_of_rows(name) or self.identifiers.may_be_key(table, name)), None)
            if odd is not None:
                self._refuse_beside(role, table, odd, [name for name in names if name != odd])
            self._note_choice(table, f"{role} is all {len(names)} columns, {names[0]!r} to {names[-1]!r}")
            return self._bind(role, table, names)
        return None

    def _note_choice(self, table: Table, choice: str) -> None:
        """Note what a file was taken for, once for the files of models; a frame for a role leaves no choice."""
        is_known = table in self.sources.models.values() and choice in self._choices
        self._choices.add(choice)
        if table.name and not is_known:
            self.note(f"{table.name}: {choice}")

    def positional_pair(self, roles: Sequence[str], found: Mapping[str, RoleColumns]) -> dict[str, RoleColumns]:
        """Return the roles that are still missing, in order, if the table has just two columns of numbers.

        None are bound if the name of such a column says that it is something else.
        """
        table = self.sources.common
        lacking = [role for role in roles if role not in found]
        if table is None or len(roles) != 2 or not lacking:
            return {}
        columns = self.identifiers.data_columns(table)
        numeric = [c.name for c in columns if c.kind is Kind.NUMBER and not c.trailing]
        taken = {c.name for bound in found.values() for c in bound.columns}
        free = [name for name in numeric if name not in taken]
        if len(numeric) != 2 or len(free) != len(lacking):
            return {}
        for role, name in zip(lacking, free, strict=True):
            if means_another(name, role) or self.identifiers.may_be_key(table, name):
                return {}
        named = " and ".join(f"{role} is column {name!r}" for role, name in zip(lacking, free, strict=True))
        self.note(f"{table.label}{named}, by position: the only columns of numbers")
        return {role: self._bind(role, table, [name]) for role, name in zip(lacking, free, strict=True)}

    def _bind(self, role: str, table: Table, names: Sequence[str], prefix: str = "") -> RoleColumns:
        """Return the role with columns by name, ordered by the numbers that they end in if all do.

        A `prefix` is known to come before what the names differ in.
        """
        columns = [column for name in names if (column := table.column(name)) is not None]
        for name in names:
            if name in table.repeated:
                raise DataError(f"{table.label}two columns are called {name!r}")
        if len(columns) < 2 or not table.has_names:
            return RoleColumns(role, table, tuple(columns))
        bound = RoleColumns(role, table, tuple(columns), find_endings(names, (*CLASS_PREFIXES, prefix)))
        return bound.take(order_by_number(bound.names))

    def missing_error(
        self, roles: Sequence[str], label: str, of_model: Table | None = None, others: Sequence[Sequence[str]] = ()
    ) -> DataError:
        """Return the error that says which roles have no column; `others` are lists of roles that would do, too."""
        table = self.sources.table(roles[0]) if of_model is None else of_model
        if table is None:
            return DataError(f"{label} needs {' and '.join(roles)}", Hint.GIVE_DATA, role=roles[0])
        return missing_columns_error(table, roles, label, others)

    def find_weight(self) -> RoleColumns | None:
        """Return the weights if they were requested; note a column that could be them."""
        if "weight" in self.sources.by_role or "weight" in self.requested:
            apart = [] if self.sources.table("weight") else [*self.sources.by_role.values()]  # such as y_true=truth.csv
            table = next((t for t in apart if self.has_requested("weight", t)), apart[0] if apart else None)
            found = self.find("weight", (Domain(("N",)),), of_model=table)
            if found is None:
                raise self.missing_error(["weight"], "weighting")
            return found
        models = self.sources.models.values()
        for table in self.sources.tables:
            if table in models and table is not self.sources.common:
                continue
            unused = next((c.name for c in table.columns if c.name.lower() in WEIGHT_NAMES and not c.trailing), None)
            if unused:
                problem = f"{table.label}column {unused!r} is not used"
                self.note(Message(problem, Hint.WEIGHT_ROWS, column=unused))
        return None
