"""Everything that a loss declares, in reading order."""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from losscli.declaration.breakdown import breakdown_of
from losscli.declaration.equivalent import Equivalent, rows_of
from losscli.declaration.form import Form
from losscli.declaration.loss import BoundLoss, Loss
from losscli.declaration.names import is_chinese
from losscli.declaration.properties import Property, Reduction
from losscli.declaration.symbols import symbols_in
from losscli.messages import join_names
from losscli.result_base import draw_result

PROPERTIES = {claim: str(claim.name).lower().replace("_", " ") for claim in Property}
LIBRARIES = {
    "torch": "PyTorch",
    "keras": "Keras",
    "sklearn": "scikit-learn",
    "optax": "optax",
    "scipy": "SciPy",
    "pml": "pytorch-metric-learning",
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
    "numpy": "NumPy",
    "mmdet": "MMDetection",
    "open_clip": "OpenCLIP",
    "mmpose": "MMPose",
    "insightface": "InsightFace",
    "matlab": "MATLAB",
    "others": "Others",
    "paper": "The paper",
}


FILLER = "\0"


class Section(NamedTuple):
    """A heading with paragraphs, or with rows of a term and its meaning."""

    title: str
    paragraphs: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


class Explanation(NamedTuple):
    """A loss with its parameters, explained: `print` shows it as text."""

    bound: BoundLoss
    title: str
    summary: str
    sections: tuple[Section, ...]

    @property
    def loss(self) -> Loss:
        return self.bound.loss

    @property
    def label(self) -> str:
        """The name, with the parameters that are not at their defaults."""
        return self.bound.label

    def __str__(self) -> str:
        return "\n\n".join([f"{self.title}: {self.summary}", *map(_section_text, self.sections)])

    def __repr__(self) -> str:
        return f"<explanation of {self.label}>"

    def _repr_html_(self) -> str:
        """Return the explanation for a notebook."""
        return str(importlib.import_module("losscli.report.notebook").explanation_html(self))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return to_dict(self)

    def plot(self, ax: Any = None) -> Any:
        """Draw the curve of the loss and its gradient with matplotlib, and return the axes.

        Raises:
            UsageError: matplotlib is not installed, the loss has no curve, or `ax` has not an Axes for each panel.
        """
        return draw_result(self, ax)


def _section_text(section: Section) -> str:
    """Return a section as plain text."""
    lines = [section.title, *(f"  {paragraph}" for paragraph in section.paragraphs)]
    width = max((len(term) for term, _ in section.rows), default=0)
    return "\n".join([*lines, *(f"  {term:{width}}  {meaning}".rstrip() for term, meaning in section.rows)])


def explain(given: Loss | BoundLoss) -> Explanation:
    """Return everything that a loss declares, and what is true of it with its parameters."""
    bound = given if isinstance(given, BoundLoss) else given.bind({})
    loss = bound.loss
    documentation = loss.documentation
    details = tuple(documentation.details.split("\n\n")) if documentation.details else ()
    chinese = ", ".join(filter(is_chinese, loss.aliases))
    others = ", ".join(alias for alias in loss.aliases if not is_chinese(alias))
    sections = (
        Section("Formula", (loss.formula,), tuple(symbols_of(loss).items())),
        Section("What it does", details),
        Section("Reads", rows=_roles(bound)),
        Section("Parameters", rows=_parameters(bound)),
        _gradient(loss),
        Section("Properties", rows=_properties(bound)),
        *(
            Section({"Use": "When to use it", "Avoid": "When not"}.get(word, word), (_sentence(text, loss),))
            for word, text in documentation.advice.items()
        ),
        Section("In Chinese", (chinese,) if chinese else ()),
        _elsewhere(loss),
        Section("References", rows=tuple((f"[{i}]", text) for i, text in enumerate(loss.references, 1))),
    )
    filled = tuple(section for section in sections if section.paragraphs or section.rows)
    return Explanation(bound, bound.label + (f" ({others})" if others else ""), loss.summary, filled)


def _sentence(text: str, loss: Loss) -> str:
    """Return advice with a capital, unless it starts with the name of a role, a parameter or a loss."""
    from losscli import registry

    first = text.split(" ", 1)[0].rstrip(",:;")
    names = {role.name for form in loss.forms for role in form.roles} | {p.name for p in loss.parameters}
    return text if first in names or registry.is_known(first) else text[:1].upper() + text[1:]


def _roles(bound: BoundLoss) -> tuple[tuple[str, str], ...]:
    rows = []
    for i, form in enumerate(bound.loss.forms):
        for role in form.roles:
            optional = ", optional" if role.optional else ""
            instead = "or " if i and role is form.roles[0] else ""
            domain = role.domain.with_params(bound.params)
            rows.append((instead + role.name, f"{domain.shape_text()}: {domain.describe()}{optional}"))
    return tuple(rows)


def _parameters(bound: BoundLoss) -> tuple[tuple[str, str], ...]:
    rows = []
    for p in bound.loss.parameters:
        if p.required:
            is_set = p.name in bound.given
            value, default = p.domain.text(bound.params[p.name]) if is_set else "...", "; required"
        else:
            value, default = p.domain.text(bound.params[p.name]), p.domain.text(p.default)
            default = f"; {default} by default" if value != default else ""
        rows.append((f"{p.name}={value}", p.domain.describe() + default))
    rows += [(f"{role}, {name}", "one of them must be given") for role, name in bound.loss.alternatives]
    together = _requirement(bound.loss)
    return (*rows, ("together", together)) if together else tuple(rows)


def _requirement(loss: Loss) -> str:
    """Return what the parameters must fulfil together, or ''."""
    return (loss.requirement.__doc__ or "").strip() if loss.requirement is not None else ""


def symbols_of(loss: Loss, *, gradients: bool = True) -> dict[str, str]:
    """Return what the symbols of the formula, and of those of the gradients, stand for."""
    names = {role.name for form in loss.forms for role in form.roles} | {p.name for p in loss.parameters}
    formulas = [loss.formula, *(text for _, text in gradient_formulas(loss) if gradients)]
    return symbols_in("; ".join(formulas), names, loss.symbols)


def gradient_formulas(loss: Loss) -> list[tuple[str, str]]:
    """Return the gradient role of each form and the formula: the first paragraph of the hook's docstring."""
    docs = [form.hooks["gradient"].__doc__ or "" if "gradient" in form.hooks else "" for form in loss.forms]
    formulas = [" ".join(doc.partition("\n\n")[0].split()) for doc in docs]
    return [(form.gradient_role, formula) for form, formula in zip(loss.forms, formulas, strict=True)]


def _gradient(loss: Loss) -> Section:
    found = [(role, text) for role, text in gradient_formulas(loss) if text]
    if not loss.has_gradient:
        return Section("Gradient", ("None: there is no slope to follow.",))
    what = "number, without weights" if loss.dataset_wide else "sum of the per-sample losses"
    return Section("Gradient", (f"Derivatives of the {what}",), tuple(dict.fromkeys(found)))


def _properties(bound: BoundLoss) -> tuple[tuple[str, str], ...]:
    loss = bound.loss
    rows: list[tuple[str, str]] = [(text, _answer(bound, claim)) for claim, text in PROPERTIES.items()]
    if (breakdown := breakdown_of(bound)) is not None:
        condition = f" ({breakdown.condition})" if breakdown.condition else ""
        rows.append(("breakdown point", f"{breakdown.point:g}{condition}"))
        if loss.reduction is Reduction.MEAN or loss.reduction.function:
            is_bounded = Property.BOUNDED_GRADIENT in bound.properties
            rows.append(("influence function", "bounded (B-robust)" if is_bounded else "unbounded"))
    rows.append(("unit", loss.unit))
    rows.append(("aims at", loss.elicits or "none known"))
    if loss.reduction != "mean":
        rows.append(("reduced by", str(loss.reduction).replace("_", " ")))
    coupled = [form for form in loss.forms if form.couples(bound.params)]
    if loss.dataset_wide:
        rows.append(("gives", "one number for all rows, and no per-sample values"))
    if coupled:
        only = "" if len(coupled) == len(loss.forms) else f", given {' and '.join(coupled[0].names)} alone"
        rows.append(("needs", f"all rows at once{only}: they are coupled"))
    return tuple(rows)


def _elsewhere(loss: Loss) -> Section:
    rows = tuple((LIBRARIES.get(library, library), text) for s in loss.statements for library, text in rows_of(s))
    has_calls = any(isinstance(statement, Equivalent) for statement in loss.statements)
    hint = "The same number, with roles and lists of parameters as arrays or tensors:"
    return Section("Elsewhere", (hint,) if has_calls else (), rows)


def is_set(bound: BoundLoss) -> bool:
    """Return whether a parameter has another value than its default."""
    return bound.label != bound.loss.name


def _known_properties(bound: BoundLoss) -> Property:
    """Return what is true of a loss with its parameters; with those of the defaults, of all."""
    return bound.properties if is_set(bound) else bound.loss.properties


def _answer(bound: BoundLoss, claim: Property) -> str:
    """Return whether the loss has a property, or for which parameters."""
    if claim in _known_properties(bound):
        return "yes"
    if not bound.loss.declares_properties:
        return "not declared"
    where = conditions(bound, claim)
    return f"where {', or '.join(where)}" if where else "no"


def conditions(bound: BoundLoss, claim: Property) -> list[str]:
    """Return the conditions for a property that does not hold always: on roles, and on parameters if none is set."""
    if claim in _known_properties(bound):
        return []
    loss = bound.loss
    found: dict[Form, list[str]] = {}
    for form in loss.forms:
        if claim in (bound.properties_of(form) if is_set(bound) else form.properties):
            found[form] = [""]
        elif not is_set(bound) and (limits := [c.condition for c in form.claims if claim in c.properties]):
            found[form] = [f" and {limit}" for limit in limits]
    forms = [_given(form, list(found), loss) + limit for form, limits in found.items() for limit in limits]
    return [c.condition for c in loss.claims if claim in c.properties and not is_set(bound)] + [*dict.fromkeys(forms)]


def _given(form: Form, having: Sequence[Form], loss: Loss) -> str:
    """Say which roles tell a form from those that lack a property; `having` are all forms that have it."""
    others = [each for each in loss.forms if each not in having] or [each for each in loss.forms if each is not form]
    own = [name for name in form.names if all(name not in each.names for each in others)]
    shared = [name for name in own if all(name in each.names for each in having)]
    names = shared or own
    if form.gradient_role in own or not own:
        names = [form.gradient_role]
    return f"{join_names(names)} {'is' if len(names) == 1 else 'are'} given"


def parameter_entries(loss: Loss) -> list[dict[str, Any]]:
    """Return the parameters as they are in JSON."""
    from losscli.results import jsonable  # not needed for text

    return [
        {
            "name": p.name,
            "default": None if p.required else jsonable(p.default),
            "range": p.domain.describe(),
            "required": p.required,
        }
        for p in loss.parameters
    ]


def to_dict(explanation: Explanation) -> dict[str, Any]:
    """Return the explanation as it is in JSON."""
    from losscli.results import jsonable

    bound, loss = explanation.bound, explanation.loss
    gradients = [
        {"role": role, "formula": text, "form": i} for i, (role, text) in enumerate(gradient_formulas(loss)) if text
    ]
    breakdown = breakdown_of(bound)
    keys = {claim: text.replace(" ", "_") for claim, text in PROPERTIES.items()}
    return {
        "name": loss.name,
        **({"label": bound.label, "values": jsonable(bound.params)} if is_set(bound) else {}),
        "aliases": list(loss.aliases),
        "family": loss.family,
        "summary": loss.summary,
        "details": loss.documentation.details,
        "formula": loss.formula,
        "symbols": symbols_of(loss),
        "roles": [
            {
                "name": r.name,
                "shape": r.domain.shape_text(),
                "values": r.domain.with_params(bound.params).describe(),
                "optional": r.optional,
                "form": i,
            }
            for i, form in enumerate(loss.forms)
            for r in form.roles
        ],
        "params": parameter_entries(loss),
        "requires": _requirement(loss) or None,
        "gradient": gradients if loss.has_gradient else None,
        "properties": {key: claim in _known_properties(bound) for claim, key in keys.items()},
        "properties_where": {key: where for claim, key in keys.items() if (where := conditions(bound, claim))},
        "breakdown_point": None if breakdown is None else breakdown.point,
        **({"breakdown_note": breakdown.condition} if breakdown is not None and breakdown.condition else {}),
        "elicits": loss.elicits or None,
        "unit": loss.unit,
        "reduction": str(loss.reduction),
        "whole": any(form.coupled for form in loss.forms),
        "advice": {word.lower(): text for word, text in loss.documentation.advice.items()},
        "equivalents": loss.equivalents,
        "references": list(loss.references),
    }


def wrap_text(text: str, width: int, indent: str, hanging: str | None = None) -> str:
    """Return text wrapped to a width, with an indent for the first line and one for the others."""
    hanging = indent if hanging is None else hanging
    filled = textwrap.fill(
        " ".join(piece for word in with_fillers(text).split(" ") for piece in pieces_of(word, width - len(hanging))),
        width,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace(FILLER, "")


def with_fillers(text: str) -> str:
    """Return text with a filler after each character that takes two columns of a terminal: its length is its width."""
    if text.isascii():
        return text
    from rich.cells import cell_len

    return "".join(character + FILLER * (cell_len(character) - 1) for character in text)


def pieces_of(word: str, room: int) -> Iterator[str]:
    """Yield a word, or if it is too long for a line, pieces that are not: it is broken behind punctuation."""
    while len(word) > room:
        cut = max(word.rfind(mark, 0, room) for mark in "([.,=") + 1 or room
        yield word[:cut]
        word = word[cut:]
    yield word
