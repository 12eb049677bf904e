"""What a loss is: roles, parameters, forms, and the decorator that declares one.

A loss is one decorated function. Its positional parameters are the roles, its keyword-only ones the parameters, the
annotations their domains. Help, checks, `list`, `explain` and test data are read from that.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, partialmethod
from typing import Any, NamedTuple

from losscli.declaration.equivalent import Equivalent, texts_by_library
from losscli.declaration.form import Coupling, Form, Hook, Kernel, Parameter, argument_names, array_names, unwrap
from losscli.declaration.grammar import RawValue
from losscli.declaration.properties import Claim, Functional, Ordering, Property, Reduction
from losscli.errors import DataError, UsageError
from losscli.messages import cut_text, one_line

ADVICE = ("Use", "Avoid", "Pitfalls")
"""Paragraphs of a kernel's docstring that start with one of these words and a colon are its advice."""

PARAGRAPH_BREAK = rf"\n\n|\n(?=(?:{'|'.join(ADVICE)}): )"


class Documentation(NamedTuple):
    """The parts of a kernel's docstring: the first line, paragraphs, and those that are advice, by their first word."""

    summary: str
    details: str
    advice: dict[str, str]


class Loss:
    """A loss as declared: immutable except for the forms and hooks that its own file attaches below it."""

    def __init__(self, kernel: Kernel, declaration: Mapping[str, Any]) -> None:
        function = unwrap(kernel)
        self.name: str = declaration["name"] or function.__name__
        self.family: str = declaration["family"]
        self.formula: str = declaration["formula"]
        self.symbols: dict[str, str] = dict(declaration["symbols"])
        self.aliases: tuple[str, ...] = tuple(declaration["aliases"])
        self.unit: str = declaration["unit"]
        self.declares_properties = declaration["properties"] is not None
        self.properties: Property = declaration["properties"] or Property.NONE
        self.claims: tuple[Claim, ...] = tuple(declaration["claims"])
        self.elicits: str = declaration["elicits"]
        self.references: tuple[str, ...] = tuple(declaration["references"])
        stated = declaration["equivalents"]
        self.statements: tuple[Equivalent | tuple[str, str], ...] = tuple(
            stated.items() if isinstance(stated, Mapping) else stated
        )
        self.reduction: Reduction = declaration["reduction"]
        self.module: str = function.__module__
        self.in_catalogue = self.module.startswith("losscli.losses.")
        self.of_residual = self.family == "regression"
        """Whether it is a loss of `y_pred - y_true`: outliers of that are its outliers."""
        self.dataset_wide: bool = declaration["dataset_wide"]
        self.undefined: str = declaration["undefined"]
        self.no_ranking: str = declaration["no_ranking"]
        self.arbitrary_zero: bool = declaration["arbitrary_zero"]
        self.has_ratios = not self.no_ranking and not self.arbitrary_zero
        """Whether ratios and shares of its values mean something."""
        self.no_interval: str = declaration["no_interval"]
        self.number_of_counts: Callable[..., float] | None = None
        self.forms = [Form(kernel, self.dataset_wide or declaration["coupled"], declaration["by_query"])]
        self.requirement: Callable[..., str] | None = None
        self.alternatives: list[tuple[str, str]] = []
        self.order: Callable[..., Ordering | None] | None = None
        self.minimizer: Callable[..., Functional] | None = None
        self.minimizer_keywords: tuple[str, ...] = ()
        self.__name__ = self.name
        self.__doc__ = function.__doc__

    def __call__(self, *arrays: Any, **roles: Any) -> Any:
        """Return the per-sample values (N,), with the parameters at their defaults, as `losscli.get_loss` gives them.

        Raises:
            LosscliError: The arrays do not fit the loss.
        """
        package = importlib.import_module("losscli")  # a declaration knows nothing of evaluation until it is called
        return package.LossFunction(self.bind({}))(*arrays, **roles)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.forms[0].signature.parameters

    @property
    def has_gradient(self) -> bool:
        """Whether it has a gradient in one of its forms."""
        return any("gradient" in form.hooks for form in self.forms)

    @property
    def equivalents(self) -> dict[str, str]:
        """What is stated of each library, in words."""
        return texts_by_library(self.statements)

    @property
    def summary(self) -> str:
        return self.documentation.summary

    @cached_property
    def documentation(self) -> Documentation:
        text = inspect.cleandoc(unwrap(self.forms[0].kernel).__doc__ or "")
        first, *others = [" ".join(part.split()) for part in re.split(PARAGRAPH_BREAK, text)]
        details, advice = [], {}
        for paragraph in others:
            word, colon, advised = paragraph.partition(": ")
            if colon and word in ADVICE:
                advice[word] = advised
            else:
                details.append(paragraph)
        return Documentation(first, "\n\n".join(details), advice)

    def form(self, kernel: Kernel) -> Kernel:
        """Declare another way to call this loss, by other roles; it couples rows if the first does."""
        self.forms.append(Form(kernel, self.forms[0].coupling))
        return kernel

    def coupled_form(self, kernel: Kernel) -> Kernel:
        """Declare another way to call this loss, one that couples rows though the first does not."""
        self.forms.append(Form(kernel, coupled=True))
        return kernel

    def form_properties(self, properties: Property, *claims: Claim) -> None:
        """Declare what is true of the form declared last and not of all, always or for some parameters."""
        self.forms[-1].properties |= properties
        self.forms[-1].claims += claims

    def from_counts(self, number: Callable[..., float]) -> Callable[..., float]:
        """Declare, for a dataset-wide loss whose kernel returns counts that merge, the number that is made of them.

        Rows are then counted part by part. `number` takes the counts and parameters.
        """
        self.number_of_counts = number
        for form in self.forms:
            form.coupling = form.coupled = False
            form.keep(number, argument_names(number)[1], False)
        return number

    def _attach(self, hook: Hook, kernel: Kernel) -> Kernel:
        names, keywords, is_weighted = array_names(kernel)
        for form in reversed(self.forms):  # of forms that differ by shapes alone, the one declared last
            if names == form.names:
                form.hooks[hook] = kernel
                form.keep(kernel, keywords, is_weighted)
                return kernel
        raise TypeError(f"{self.name}.{hook}: no form takes the roles {', '.join(names)}")

    gradient = partialmethod(_attach, "gradient")
    row_mask = partialmethod(_attach, "row_mask")
    denominator = partialmethod(_attach, "denominator")
    clipped = partialmethod(_attach, "clipped")
    frequency = partialmethod(_attach, "frequency")
    tally = partialmethod(_attach, "tally")
    validate = partialmethod(_attach, "validate")
    warn = partialmethod(_attach, "warn")

    def share_hooks(self, other: Loss, *hooks: Hook) -> None:
        """Attach hooks of another loss's first form: these, or all."""
        for hook in hooks or other.forms[0].hooks:
            self._attach(hook, other.forms[0].hooks[hook])

    def requires(self, requirement: Callable[..., str]) -> Callable[..., str]:
        """Declare what the parameters must fulfil together: a function of them that returns what is wrong, or ''."""
        self.requirement = requirement
        return requirement

    def takes_one_of(self, role: str, parameter: str) -> None:
        """Declare an optional role and a parameter, None by default, one of which must be given: a number a row or one
        for all.
        """
        self.alternatives.append((role, parameter))

    def orders_like(self, order: Callable[..., Ordering | None]) -> Callable[..., Ordering | None]:
        """Declare which loss orders all predictions alike, if one does: a function of the parameters."""
        self.order = order
        return order

    def minimized_by(self, functional: Callable[..., Functional]) -> Callable[..., Functional]:
        """Declare, for a loss of `y_pred - y_true`, which constant minimizes it: a function of the parameters."""
        self.minimizer, self.minimizer_keywords = functional, argument_names(functional)[1]
        return functional

    def bind(self, params: Mapping[str, Any]) -> BoundLoss:
        """Return the loss with these parameters, the others at their defaults.

        Raises:
            UsageError: A value is out of range, or the values do not go together.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        values = {name: None if parameter.required else parameter.default for name, parameter in known.items()}
        values |= {name: checked(self.name, known[name], value) for name, value in params.items()}
        is_complete = all(name in params or not parameter.required for name, parameter in known.items())
        if is_complete and self.requirement is not None and (problem := self.requirement(**values)):
            raise UsageError(f"{self.name}: {problem}")
        set_ones = {name: p for name, p in known.items() if name in params or not p.required}
        texts = {name: f":{name}={parameter.domain.text(values[name])}" for name, parameter in set_ones.items()}
        label = self.name + "".join(text for name, text in texts.items() if values[name] != known[name].default)
        return BoundLoss(self, values, label, self.name + "".join(texts.values()), frozenset(params))

    def __repr__(self) -> str:
        return f"<loss {self.name}>"


def checked(loss_name: str, parameter: Parameter, value: Any) -> Any:
    """Return the value of a parameter, parsed if it was typed.

    Raises:
        UsageError: It is out of range.
    """
    domain = parameter.domain
    try:
        return domain.parse(value.text) if isinstance(value, RawValue) else domain.check(value)
    except ValueError as error:
        shown = cut_text(value.text) if isinstance(value, RawValue) else one_line(value)
        raise UsageError(f"{loss_name}: {parameter.name}={shown} {error}") from None


class BoundLoss(NamedTuple):
    """A loss with all its parameters set.

    `label` is the shortest text that names it, without parameters at their defaults; `canonical` has all of them, for
    signatures. `given` are the parameters that were set, to whatever value.
    """

    loss: Loss
    params: dict[str, Any]
    label: str
    canonical: str
    given: frozenset[str] = frozenset()

    def check_complete(self) -> None:
        """Raise a UsageError if a required parameter is not set."""
        for parameter in self.loss.parameters:
            if parameter.required and parameter.name not in self.given:
                name = parameter.name
                raise UsageError(f"{self.loss.name} needs its parameter {name}, {parameter.domain.describe()}")

    def check_alternatives(self, roles: Collection[str]) -> None:
        """Raise a DataError if both of a role and a parameter are given, or neither, where one is needed."""
        for role, parameter in self.loss.alternatives:
            if (role in roles) == (self.params[parameter] is not None):
                found = "both are" if role in roles else "neither is"
                choice = f"a number for each row ({role}) or one for all (its parameter {parameter})"
                raise DataError(f"{self.label} takes {choice}: {found} given")

    def check_form(self, form: Form) -> None:
        """Raise a UsageError if a parameter has another value than its default and the form does not read it."""
        read = {name for names in form.keywords.values() for name in names}
        for parameter in self.loss.parameters:
            name = parameter.name
            if name not in read and self.params[name] != parameter.default and not parameter.required:
                value = cut_text(parameter.domain.text(self.params[name]))
                problem = f"{self.loss.name}: {name}={value} does nothing where it reads {', '.join(form.names)}"
                raise UsageError(f"{problem}: leave it out")

    @property
    def functional(self) -> Functional | None:
        """Which constant minimizes the loss, if that is declared."""
        if self.loss.minimizer is None:
            return None
        return self.loss.minimizer(**{name: self.params[name] for name in self.loss.minimizer_keywords})

    @property
    def ordering(self) -> str:
        """A text that losses share if they order all predictions of the same data alike."""
        other = None if self.loss.order is None else self.loss.order(**self.params)
        name, params = other or (self.loss.name, self.params)
        return f"{name} {sorted(params.items())}"

    @property
    def properties(self) -> Property:
        """What is true of the loss with these parameters."""
        return self._with_claims(self.loss.properties, self.loss.claims)

    def properties_of(self, form: Form) -> Property:
        """Return what is true of a form of the loss with these parameters."""
        return self.properties | self._with_claims(form.properties, form.claims)

    def _with_claims(self, properties: Property, claims: Sequence[Claim]) -> Property:
        """Return the properties with those of the claims that hold."""
        for claim in claims:
            if claim.holds(**self.params):
                properties |= claim.properties
        return properties


NO_SYMBOLS: Mapping[str, str] = {}

pending: list[Loss] = []
"""Losses that were declared and are not registered yet."""


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
    equivalents: Mapping[str, str] | Sequence[Equivalent | tuple[str, str]] = (),
    symbols: Mapping[str, str] = NO_SYMBOLS,
    reduction: Reduction = Reduction.MEAN,
    coupled: Coupling = False,
    dataset_wide: bool = False,
    undefined: str = "",
    no_ranking: str = "",
    no_interval: str = "",
    arbitrary_zero: bool = False,
    by_query: bool = False,
    name: str = "",
) -> Callable[[Kernel], Loss]:
    """Declare the decorated kernel as a loss and add it to the registry.

    Args:
        family: The family it is listed under, such as `regression`.
        formula: One line of plain text.
        aliases: Other names of the loss.
        unit: The unit of the value; `y` is that of the target.
        properties: What is true for all values of its parameters, proven by the tests; None declares nothing.
        claims: What is true for some of them.
        elicits: The functional of the target that minimizes its expectation (`mean`, `median`).
        references: Papers, with DOI or arXiv number.
        equivalents: The same thing in other libraries: calls that tests run, or library -> words.
        symbols: What the symbols of the formula and of the gradients stand for; it may define more than they use.
        reduction: How per-sample losses become one number.
        coupled: The kernel couples rows and gets the whole dataset at once; or a function of parameters that says so.
        dataset_wide: The loss is one number, no mean of rows: the kernel gets the whole dataset at once and returns
            that number, or counts that merge (see `Loss.from_counts`). Weights count repetitions of rows.
        undefined: When that number is NaN, as what follows "nan: "; of a coupled loss what its hook `warn` then says.
        no_ranking: Why a smaller value is not better, as what follows "it ranks nothing: "; empty where it is.
        no_interval: Why resamples of the rows give no interval of the value, as what follows "no interval: ".
        arbitrary_zero: A constant that the values do not need decides where they are 0, such as the unit of y in a log
            density: ratios and shares of them mean nothing, even where none is below 0.
        by_query: The sample is a query: the kernel gets the rows of many queries, one query after the other, and with
            the role `query` where each begins and the last ends; it returns one value per query.
        name: The name of the loss, if it is not the function's.

    Returns:
        A decorator, which turns the kernel into the loss: it can be called, and passed where a loss is asked for.

    Examples:
        >>> from losscli.domains import Positive, Real
        >>> @losscli.loss(family="regression", formula="scale |e|^1.5")
        ... def three_halves(y_true: Real, y_pred: Real, *, scale: Positive = 1.0):
        ...     '''Between mae and mse.'''
        ...     return scale * abs(y_pred - y_true) ** 1.5
        >>> three_halves([1, 2], [2, 6]).tolist()
        [1.0, 8.0]
        >>> losscli.compute("three_halves", scale=2, y_true=[1, 2], y_pred=[2, 6]).value
        9.0
    """
    declaration = dict(locals())

    def declare(kernel: Kernel) -> Loss:
        pending.append(Loss(kernel, declaration))
        return pending[-1]

    return declare
