"""What a loss is: roles, parameters, forms; the decorator that declares one; the grammar it is typed in.

A loss is one decorated function. Its positional parameters are the roles, its keyword-only ones the
parameters, the annotations their domains; help, checks, `list`, `explain` and test data are read from that.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

from losscli.declaration.domains import Domain, ParameterDomain
from losscli.declaration.grammar import RawValue
from losscli.errors import UsageError

Kernel = Callable[..., Any]
Hook = Literal["gradient", "row_mask", "denominator", "clipped", "validate", "warn"]
GRADIENT_ROLES = ("y_pred", "x1", "anchor", "embeddings", "embeddings1", "distance", "log_probs")


class Property(enum.Flag):
    """What is true of a loss as a function of its prediction; tests try each claim, and bounds that are not claimed.

    The prediction is meant inside of its domain and where nothing is clipped. Bounds hold whatever a row holds, its
    targets too: no row can make the number (the gradient) as large as it likes.
    """

    NONE = 0
    CONVEX = enum.auto()
    DIFFERENTIABLE = enum.auto()
    BOUNDED_VALUE = enum.auto()
    BOUNDED_GRADIENT = enum.auto()
    SYMMETRIC = enum.auto()
    TRANSLATION_INVARIANT = enum.auto()


class Claim(NamedTuple):
    """Properties that a loss has for some values of its parameters: where `holds`, which `condition` says in words."""

    properties: Property
    condition: str
    holds: Callable[..., bool]


def given(properties: Property, **values: Any) -> Claim:
    """A claim where parameters have these values."""
    texts = [f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in values.items()]
    return Claim(properties, " and ".join(texts), lambda **params: all(params[k] == v for k, v in values.items()))


class Reduction(enum.StrEnum):
    """How per-sample losses become one number when nothing else is asked for."""

    MEAN = "mean"
    ROOT_MEAN = "root_mean"
    MEDIAN = "median"
    MAX = "max"


class Functional(NamedTuple):
    """What of the targets minimises a loss of `y_pred - y_true` as a constant prediction: `mean`, `midrange`, or a
    `quantile` with its level."""

    name: str
    level: float = 0.5


class Role(NamedTuple):
    """A named array that a loss reads."""

    name: str
    domain: Domain
    optional: bool = False


class Refusal(NamedTuple):
    """Values of a role that may not be; `what` follows the value in the message."""

    role: str
    wrong: Any
    what: str


class Remark(NamedTuple):
    """Rows of which a loss may say less than it seems to; `what` follows the first of them in the note."""

    role: str
    odd: Any
    what: str


class Parameter(NamedTuple):
    """A named setting of a loss."""

    name: str
    domain: ParameterDomain
    default: Any


class Form:
    """One way to call a loss: its roles, its kernel and what hangs on it.

    `gradient` differentiates the kernel by the gradient role, element by element; `counted` masks the rows
    that count; `denominator` is what a row adds to the divisor of the mean (1 where there is none); `clipped`
    masks the elements whose probability was clipped; `refused` are values that go against those of another role, as
    Refusals; `noted` are rows that are worth a note, as Remarks. A form that is `whole` couples rows and gets the
    whole dataset at once. `properties` are true of it, beyond those of all forms. Annotations are read when they are
    first asked for: most losses of the registry are only names to most commands.
    """

    def __init__(self, kernel: Kernel, coupled: bool = False) -> None:
        self.kernel = kernel
        self.coupled = coupled
        self.hooks: dict[Hook, Kernel] = {}
        self.names = _positional(kernel)
        self.properties = Property.NONE

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        return self._signature[0]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self._signature[1]

    @cached_property
    def _signature(self) -> tuple[tuple[Role, ...], tuple[Parameter, ...]]:
        return _signature(self.kernel)

    @property
    def gradient_role(self) -> str:
        return next(name for name in GRADIENT_ROLES if name in self.names)


ADVICE = ("Use", "Avoid", "Pitfalls")
PARAGRAPH_BREAK = rf"\n\n|\n(?=(?:{'|'.join(ADVICE)}): )"
"""Paragraphs of a kernel's docstring that start with one of these words and a colon are its advice."""


class Loss:
    """A loss as declared: immutable but for the hooks that its own file attaches under it.

    `summary` is the first line of the kernel's docstring, `details` its paragraphs, `advice` those that start with
    `Use:`, `Avoid:` or `Pitfalls:`.
    """

    def __init__(self, kernel: Kernel, declaration: Mapping[str, Any]) -> None:
        self.name: str = declaration.get("name") or kernel.__name__
        self.family: str = declaration["family"]
        self.formula: str = declaration["formula"]
        self.aliases: tuple[str, ...] = declaration["aliases"]
        self.unit: str = declaration["unit"]
        self.declares_properties = declaration["properties"] is not None
        self.properties: Property = declaration["properties"] or Property.NONE
        self.claims: tuple[Claim, ...] = declaration["claims"]
        self.elicits: str = declaration["elicits"]
        self.references: tuple[str, ...] = declaration["references"]
        self.equivalents: dict[str, str] = dict(declaration["equivalents"] or {})
        self.reduction: Reduction = declaration["reduction"]
        self.module: str = kernel.__module__
        self.forms = [Form(kernel, declaration["whole"])]
        self.requirement: Callable[..., str] | None = None
        self.minimizer: Callable[..., Functional] | None = None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.forms[0].parameters

    @property
    def summary(self) -> str:
        return self._documentation[0]

    @property
    def details(self) -> str:
        return self._documentation[1]

    @property
    def advice(self) -> dict[str, str]:
        return self._documentation[2]

    @property
    def slopes(self) -> tuple[str, ...]:
        """The gradient of each form as a formula: the hook's docstring's first paragraph; empty where there is none."""
        hooks = [form.hooks.get("gradient") for form in self.forms]
        return tuple(" ".join((getattr(hook, "__doc__", None) or "").partition("\n\n")[0].split()) for hook in hooks)

    @cached_property
    def _documentation(self) -> tuple[str, str, dict[str, str]]:
        return _documentation(self.forms[0].kernel)

    def form(self, kernel: Kernel) -> Kernel:
        """Declare another way to call this loss, by other roles; it couples rows if the first does."""
        self.forms.append(Form(kernel, self.forms[0].coupled))
        return kernel

    def coupled_form(self, kernel: Kernel) -> Kernel:
        """Declare another way to call this loss, one that couples rows though the first does not."""
        self.forms.append(Form(kernel, coupled=True))
        return kernel

    def form_properties(self, properties: Property) -> None:
        """Declare what is true of the form declared last, and not of all."""
        self.forms[-1].properties |= properties

    def gradient(self, kernel: Kernel) -> Kernel:
        """Declare the derivative by the gradient role, element by element."""
        return self._attach("gradient", kernel)

    def row_mask(self, kernel: Kernel) -> Kernel:
        """Declare which rows count: a mask; the docstring says in few words where."""
        return self._attach("row_mask", kernel)

    def denominator(self, kernel: Kernel) -> Kernel:
        """Declare what each row adds to the divisor of the mean."""
        return self._attach("denominator", kernel)

    def clipped(self, kernel: Kernel) -> Kernel:
        """Declare which elements had their probability clipped: a mask."""
        return self._attach("clipped", kernel)

    def validate(self, kernel: Kernel) -> Kernel:
        """Declare which values go against those of another role: an iterator of Refusals."""
        return self._attach("validate", kernel)

    def warn(self, kernel: Kernel) -> Kernel:
        """Declare which rows are worth a note: an iterator of Remarks."""
        return self._attach("warn", kernel)

    def requires(self, requirement: Callable[..., str]) -> Callable[..., str]:
        """Declare what the parameters must fulfil together: a function of them that says what is wrong, or nothing."""
        self.requirement = requirement
        return requirement

    def minimized_by(self, functional: Callable[..., Functional]) -> Callable[..., Functional]:
        """Declare, for a loss of `y_pred - y_true`, which constant minimises it: a function of the parameters."""
        self.minimizer = functional
        return functional

    def _attach(self, hook: Hook, kernel: Kernel) -> Kernel:
        names = _positional(kernel)
        for form in reversed(self.forms):  # of forms that differ by shapes alone, the one declared last
            if names == form.names:
                form.hooks[hook] = kernel
                return kernel
        raise TypeError(f"{self.name}.{hook}: no form takes the roles {', '.join(names)}")

    @property
    def has_gradient(self) -> bool:
        return all("gradient" in form.hooks for form in self.forms)

    @property
    def of_residual(self) -> bool:
        """Whether the loss is of `y_pred - y_true`, so that a residual's outliers are its outliers."""
        return self.family == "regression"

    def bind(self, params: Mapping[str, Any]) -> BoundLoss:
        """The loss with these parameters, the others at their defaults; UsageError where one is out of range."""
        known = {parameter.name: parameter for parameter in self.parameters}
        values = {name: parameter.default for name, parameter in known.items()}
        for name, value in params.items():
            values[name] = checked(self.name, known[name], value)
        if self.requirement is not None and (problem := self.requirement(**values)):
            raise UsageError(f"{self.name}: {problem}")
        return BoundLoss(self, values)

    @property
    def in_catalogue(self) -> bool:
        """Whether it is one of losscli's own."""
        return self.module.startswith("losscli.losses.")

    def __reduce__(self) -> str | tuple[Any, ...]:
        """A loss of the catalogue is sent by its name: its kernels go by names that are the losses'."""
        return (_of_catalogue, (self.name,)) if self.in_catalogue else super().__reduce__()

    def __repr__(self) -> str:
        return f"<loss {self.name}>"


def _of_catalogue(name: str) -> Loss:
    from losscli import registry

    return registry.find(name)


def checked(loss_name: str, parameter: Parameter, value: Any) -> Any:
    """A parameter's value, read from what was typed or checked as given; UsageError where it may not be."""
    domain = parameter.domain
    try:
        return domain.parse(value.text) if isinstance(value, RawValue) else domain.check(value)
    except ValueError as error:
        shown = value.text if isinstance(value, RawValue) else repr(value)
        raise UsageError(f"{loss_name}: {parameter.name}={shown} {error}") from None


class BoundLoss(NamedTuple):
    """A loss with all its parameters set."""

    loss: Loss
    params: dict[str, Any]

    @property
    def label(self) -> str:
        """The shortest text that names it: parameters at their defaults are left out."""
        return self._spec(parameter for parameter in self.loss.parameters if not self._is_default(parameter))

    @property
    def canonical(self) -> str:
        """The text with every parameter, for signatures."""
        return self._spec(self.loss.parameters)

    @property
    def functional(self) -> Functional | None:
        """Which constant minimises the loss, where that is declared."""
        kernel = self.loss.minimizer
        if kernel is None:
            return None
        code = kernel.__code__
        return kernel(**{name: self.params[name] for name in code.co_varnames[: code.co_kwonlyargcount]})

    @property
    def properties(self) -> Property:
        """What is true of the loss with these parameters."""
        found = self.loss.properties
        for claim in self.loss.claims:
            if claim.holds(**self.params):
                found |= claim.properties
        return found

    def _is_default(self, parameter: Parameter) -> bool:
        return bool(self.params[parameter.name] == parameter.default)

    def _spec(self, parameters: Iterable[Parameter]) -> str:
        shown = [f"{p.name}={p.domain.text(self.params[p.name])}" for p in parameters]
        return ":".join([self.loss.name, *shown])


# ------------------------------------------------------------------------------------------- declaring a loss


_pending: list[Loss] = []
"""Losses as they are declared, until the registry takes them up."""


def loss(
    *,
    family: str,
    formula: str,
    aliases: Sequence[str] = (),
    unit: str = "1",
    properties: Property | None = None,
    claims: Sequence[Claim] = (),
    elicits: str = "",
    references: Sequence[str] = (),
    equivalents: Mapping[str, str] | None = None,
    reduction: Reduction = Reduction.MEAN,
    coupled: bool = False,
    name: str = "",
) -> Callable[[Kernel], Loss]:
    """Declare the decorated kernel as a loss and add it to the registry.

    Args:
        family: the family it is listed under, such as `regression`.
        formula: one line of plain text.
        aliases: other names it answers to.
        unit: the value's unit, `y` being that of the target.
        properties: what is true of it for all values of its parameters, and proven by the tests; None: nothing is said.
        claims: what is true of it for some of them.
        elicits: the functional of the target that minimises its expectation (`mean`, `median`).
        references: papers, with DOI or arXiv number.
        equivalents: library -> the same thing there, and what differs.
        reduction: how it becomes one number.
        whole: the kernel couples rows and gets the whole dataset at once.
        name: its name, when that cannot be the function's.
    """
    declaration = {
        "family": family, "formula": formula, "aliases": tuple(aliases), "unit": unit, "properties": properties,
        "claims": tuple(claims),
        "elicits": elicits, "references": tuple(references), "equivalents": equivalents, "reduction": reduction,
        "whole": coupled, "name": name,
    }  # fmt: skip

    def declare(kernel: Kernel) -> Loss:
        _pending.append(Loss(kernel, declaration))
        return _pending[-1]

    return declare


def _documentation(kernel: Kernel) -> tuple[str, str, dict[str, str]]:
    import inspect
    import re

    parts = re.split(PARAGRAPH_BREAK, inspect.cleandoc(kernel.__doc__ or ""))
    paragraphs = [" ".join(part.split()) for part in parts]
    details, advice = [], {}
    for paragraph in paragraphs[1:]:
        word, colon, text = paragraph.partition(": ")
        if colon and word in ADVICE:
            advice[word] = text
        else:
            details.append(paragraph)
    return paragraphs[0], "\n\n".join(details), advice


def _positional(kernel: Kernel) -> list[str]:
    return list(kernel.__code__.co_varnames[: kernel.__code__.co_argcount])


def _signature(kernel: Kernel) -> tuple[tuple[Role, ...], tuple[Parameter, ...]]:
    import inspect
    from typing import get_type_hints

    hints = get_type_hints(kernel, include_extras=True)
    roles, parameters = [], []
    for p in inspect.signature(kernel).parameters.values():
        domain = _domain(kernel, p.name, hints.get(p.name))
        if p.kind is inspect.Parameter.KEYWORD_ONLY and isinstance(domain, ParameterDomain):
            parameters.append(Parameter(p.name, domain, p.default))
        elif isinstance(domain, Domain):
            roles.append(Role(p.name, domain, optional=p.default is None))
        else:
            raise UsageError(
                f"the loss {kernel.__name__}: {p.name} must be annotated with a domain of losscli.declaration.domains"
            )
    return tuple(roles), tuple(parameters)


def _domain(kernel: Kernel, name: str, hint: Any) -> object:
    for item in (hint, *getattr(hint, "__args__", ())):
        for mark in getattr(item, "__metadata__", ()):
            if isinstance(mark, (Domain, ParameterDomain)):
                return mark
    return None


# ---------------------------------------------------------------------------------------------- the grammar
