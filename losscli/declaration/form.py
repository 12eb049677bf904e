"""The forms of a loss: its roles, its parameters, its kernel and the hooks of the kernel."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any, Literal, NamedTuple, get_type_hints

from losscli.declaration.domains import Domain, ParameterDomain
from losscli.declaration.properties import Claim, Property
from losscli.errors import UsageError

Kernel = Callable[..., Any]
Hook = Literal["gradient", "row_mask", "denominator", "clipped", "frequency", "tally", "validate", "warn"]
Coupling = bool | Callable[..., bool]
WEIGHT = "weight"
GRADIENT_ROLES = (
    *("y_pred", "x1", "anchor", "embeddings", "embeddings1", "distance", "log_probs"),
    *("log_prob", "student", "policy_chosen", "positive"),
)


class Role(NamedTuple):
    """A named array that a loss reads."""

    name: str
    domain: Domain
    optional: bool = False


class Parameter(NamedTuple):
    """A named setting of a loss."""

    name: str
    domain: ParameterDomain
    default: Any

    @property
    def required(self) -> bool:
        """Whether it has no default: the loss cannot be evaluated without it."""
        return self.default is inspect.Parameter.empty


class Signature(NamedTuple):
    """What the annotations of a kernel declare."""

    roles: tuple[Role, ...]
    parameters: tuple[Parameter, ...]


def unwrap(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function inside of `functools.partial` objects and `functools.wraps` decorators."""
    while True:
        inner = function.func if isinstance(function, partial) else getattr(function, "__wrapped__", None)
        if inner is None:
            return function
        function = inner


def argument_names(function: Callable[..., Any]) -> tuple[list[str], tuple[str, ...]]:
    """Return the names of the positional and of the keyword-only arguments, also of wrapped and partial functions."""
    code = getattr(function, "__code__", None)
    if code is not None and not hasattr(function, "__wrapped__"):  # 0.3 µs instead of 24: a file has up to 100
        count = code.co_argcount
        return list(code.co_varnames[:count]), code.co_varnames[count : count + code.co_kwonlyargcount]
    parameters = inspect.signature(function).parameters.values()
    keywords = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)], keywords


def array_names(function: Callable[..., Any]) -> tuple[list[str], tuple[str, ...], bool]:
    """Return the roles and the parameters that a kernel or hook takes, and whether it takes the weights of rows."""
    names, keywords = argument_names(function)
    is_weighted = names[-1:] == [WEIGHT]
    return (names[:-1] if is_weighted else names), keywords, is_weighted


class Form:
    """One way to call a loss: its roles, its kernel and the hooks of the kernel.

    A `coupled` form couples rows: its kernel gets the whole dataset at once. A function of parameters says for which
    of them it does; `coupled` is then True, and `couples` answers. The samples of a form `by_query` are queries.
    `properties` are true of this form, beyond those of all forms, and `claims` for some parameters. `names` are those
    of the roles; `keywords` maps the kernel and each hook to the parameters that it takes. Annotations are read on
    first use: most losses of the catalogue are only names to most commands.

    A kernel or hook whose last array is called `weight` gets the weights of the rows (N,), or None; `weighted` holds
    those that do.

    Hooks take the same arrays as the kernel:
        gradient: The derivative with respect to the gradient role, element by element.
        row_mask: A mask of the rows that count.
        denominator: What each row adds to the divisor of the mean, instead of 1. Its docstring says what the sum is,
            and when it is 0.
        clipped: A mask of the elements whose probability was clipped.
        frequency: How many samples each one counts as, instead of 1; None if all count once.
        tally: A mask of the samples that a note counts; its docstring says what is so of them.
        validate: An iterator of Refusals and Conflicts: values that contradict those of another role or row.
        warn: An iterator of Remarks: rows that are worth a note.
    """

    def __init__(self, kernel: Kernel, coupled: Coupling = False, by_query: bool = False) -> None:
        self.kernel = kernel
        self.by_query = by_query
        self.coupling = coupled
        self.coupled = bool(coupled)
        self.hooks: dict[Hook, Kernel] = {}
        self.keywords: dict[Kernel, tuple[str, ...]] = {}
        self.weighted: set[Kernel] = set()
        self.names, keywords, is_weighted = array_names(kernel)
        self.keep(kernel, keywords, is_weighted)
        self.gradient_role = next((name for name in GRADIENT_ROLES if name in self.names), "")
        self.properties = Property.NONE
        self.claims: tuple[Claim, ...] = ()

    @property
    def unit_of_samples(self) -> str:
        """What a sample is: `row` or `query`."""
        return "query" if self.by_query else "row"

    def keep(self, kernel: Kernel, keywords: tuple[str, ...], is_weighted: bool) -> None:
        """Keep what the kernel or a hook takes beside the arrays of the roles."""
        self.keywords[kernel] = keywords
        if is_weighted:
            self.weighted.add(kernel)

    def couples(self, params: Mapping[str, Any]) -> bool:
        """Tell whether the form couples rows with these parameters."""
        if callable(self.coupling):
            return self.coupling(**{name: params[name] for name in argument_names(self.coupling)[1]})
        return self.coupling

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        return self.signature.roles

    @cached_property
    def signature(self) -> Signature:
        """The roles and parameters.

        Raises:
            UsageError: One is not annotated with a domain.
        """
        hints = get_type_hints(unwrap(self.kernel), include_extras=True)
        roles, parameters = [], []
        for p in inspect.signature(self.kernel).parameters.values():
            if p.name == WEIGHT:
                continue
            hint = hints.get(p.name)
            marks = [m for item in (hint, *getattr(hint, "__args__", ())) for m in getattr(item, "__metadata__", ())]
            domain = next((mark for mark in marks if isinstance(mark, (Domain, ParameterDomain))), None)
            if p.kind is p.KEYWORD_ONLY and isinstance(domain, ParameterDomain):
                parameters.append(Parameter(p.name, domain, p.default))
            elif isinstance(domain, Domain):
                roles.append(Role(p.name, domain, optional=p.default is None))
            else:
                name = unwrap(self.kernel).__name__
                raise UsageError(f"the loss {name}: {p.name} must be annotated with a domain of losscli.domains")
        return Signature(tuple(roles), tuple(parameters))
