"""What a value may be: the domains of the arrays that a loss reads and of its parameters.

A domain checks, describes itself for help and messages, and draws samples for tests, so that what the
documentation promises, what is refused and what is tested are one thing. Losses name their domains as
annotations (`y_pred: Real`, `delta: Positive`); the aliases at the end of this file are those names.

Domains are not changed once made. They are plain dataclasses all the same, without generated comparisons: the methods
that a frozen one gets would be a tenth of what a small command takes to start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from losscli.errors import DataError, UsageError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Params = Mapping[str, Any]

FULL = 1 << 16
"""Rows of a batch that others may follow."""

SUM_SILENT = 1e-6
SUM_WARN = 1e-3


def number_text(value: float) -> str:
    """Shortest text that reads back as `value`, without a trailing `.0`."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


# ------------------------------------------------------------------------------------------------- intervals


@dataclass(eq=False, repr=False)
class Interval:
    """An interval of the real line; ends are included unless said to be open."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return above and below

    def outside(self, values: Array) -> Mask | None:
        """Mask of the values outside, or None when there are none (the common case, without a temporary)."""
        if not values.size or (float(values.min()) in self and float(values.max()) in self):
            return None
        below = values <= self.low if self.low_open else values < self.low
        above = values >= self.high if self.high_open else values > self.high
        return below | above

    def describe(self) -> str:
        if math.isinf(self.low) and math.isinf(self.high):
            return "any real number"
        if math.isinf(self.high):
            finite = " and finite" if self.high_open else ""
            return f"{'>' if self.low_open else '>='} {number_text(self.low)}{finite}"
        if math.isinf(self.low):
            return f"{'<' if self.high_open else '<='} {number_text(self.high)}"
        left, right = "(" if self.low_open else "[", ")" if self.high_open else "]"
        return f"in {left}{number_text(self.low)}, {number_text(self.high)}{right}"


REALS, NOT_NEGATIVE, UNIT, MINUS_ONE_TO_ONE = Interval(), Interval(0), Interval(0, 1), Interval(-1, 1)
OPEN = Interval(low_open=True, high_open=True)


# ------------------------------------------------------------------------------------- where a value was read


@dataclass
class Place:
    """Where the values of one role come from: makes errors that name file, column and row.

    `rows` holds the 1-based row numbers of the values as they stand in the data. `memory` lives through
    all batches of a role, for checks that one batch alone cannot make.
    """

    role: str
    source: str = ""
    columns: tuple[str, ...] = ()
    rows: NDArray[np.int64] | None = None
    memory: dict[str, Any] = field(default_factory=dict)
    note: Callable[[str], None] = lambda text: None

    def at(self, rows: NDArray[np.int64]) -> Place:
        return replace(self, rows=rows)

    def name(self, index: Sequence[int] = ()) -> str:
        column = self.columns[index[1]] if len(index) > 1 and len(self.columns) > index[1] else None
        column = column or (self.columns[0] if len(self.columns) == 1 else None)
        text = f"column {column!r}" if column else self.role
        if column and self.role != column:
            text += f" ({self.role})"
        if not column and len(index) > 1:
            text += f"[{', '.join(str(int(i)) for i in index[1:])}]"
        return f"{self.source}: {text}" if self.source else text

    def row(self, i: int) -> int:
        return int(self.rows[i]) if self.rows is not None else i + 1

    def fail(self, wrong: Mask, values: NDArray[Any], what: str, mend: str = "") -> DataError:
        """The error for the first wrong value; `what` follows the value, `mend` says what to do."""
        index = [int(i) for i in np.argwhere(wrong)[0]]
        rows = int(np.count_nonzero(wrong.reshape(len(wrong), -1).any(axis=1)))
        value = values[tuple(index)] if values.ndim == wrong.ndim else values[index[0]]
        least = "at least " if len(wrong) >= FULL else ""  # there may be more in what has not been read yet
        others = f" (and {least}{rows - 1} more row{'s' if rows > 2 else ''} like it)" if rows > 1 else ""
        tail = f"; {mend}" if mend else ""
        shown = number_text(float(value)) if np.ndim(value) == 0 and not isinstance(value, str) else repr(value)
        return DataError(f"{self.name(index)}, row {self.row(index[0])}: {shown} {what}{others}{tail}")


# --------------------------------------------------------------------------------------------- role domains


@dataclass(eq=False, repr=False)
class Domain:
    """What an array may hold, and its shapes: alternatives like `N`, `N*`, `N,C`, `N,D`, `C,D`.

    N is the number of rows; `*` any trailing axes, the same for all roles of a loss; a letter is one size,
    the same wherever it stands. A domain without an N is a table: it has no rows and is read whole.
    """

    shapes: tuple[str, ...] = ("N*",)

    one_row = False
    """Whether a column of numbers is one row: all rows of the data are then one sample."""

    is_label = False
    """Whether text may stand for a number here, by way of class names."""

    def shape_text(self) -> str:
        """The shapes for people: `(N,) or (N, D)`."""
        spelled = [s.replace("*", "") for s in self.shapes] + ["N,..." for s in self.shapes if s.endswith("*")]
        return " or ".join(f"({', '.join(s.split(','))}{'' if ',' in s else ','})" for s in spelled)

    @property
    def by_row(self) -> bool:
        return self.shapes[0].startswith("N")

    @property
    def scalar(self) -> bool:
        """Whether one number a row (of a table: a class) is one of the shapes."""
        return any(shape in ("N", "N*", "C") for shape in self.shapes)

    @property
    def vector(self) -> bool:
        """Whether several numbers a row are one of the shapes."""
        return any(shape not in ("N", "C") for shape in self.shapes)

    def given(self, params: Params) -> Domain:
        """The domain under these parameters (`from_logits` makes probabilities scores)."""
        return self

    def check(self, values: Array, place: Place, dims: Mapping[str, Any]) -> NDArray[Any]:
        """The values as the kernel wants them, or a DataError that names file, column and row."""
        return values

    def describe(self) -> str:
        return "any real number"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        """Random values of the first shape, for tests."""
        return rng.normal(size=self.size(dims)) * 2

    def size(self, dims: Mapping[str, int]) -> tuple[int, ...]:
        return tuple(dims[letter] for letter in self.shapes[0].replace("*", "").split(","))


@dataclass(eq=False, repr=False)
class Numbers(Domain):
    """Real numbers of an interval, one or more a row."""

    interval: Interval = REALS
    mend: str = ""

    def check(self, values: Array, place: Place, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = self.interval.outside(values)
        if wrong is not None:
            raise place.fail(wrong, values, f"is not {self.interval.describe()}", self.mend)
        return values

    def describe(self) -> str:
        return self.interval.describe()

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        low, high = self.interval.low, self.interval.high
        if math.isinf(low) and math.isinf(high):
            return rng.normal(size=self.size(dims)) * 2
        if math.isinf(high):
            return low + rng.gamma(2.0, 1.0, size=self.size(dims)) + 1e-3
        if math.isinf(low):
            return high - rng.gamma(2.0, 1.0, size=self.size(dims)) - 1e-3
        return rng.uniform(low, high, size=self.size(dims))


@dataclass(eq=False, repr=False)
class Nonzero(Numbers):
    """Numbers to divide by: not zero, unless `eps` stands in for it."""

    mend: str = "give -P eps=... to divide by at least that much, or use wape or smape"

    def given(self, params: Params) -> Domain:
        return Numbers(self.shapes) if params.get("eps") else self

    def check(self, values: Array, place: Place, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = values == 0
        if wrong.any():
            raise place.fail(wrong, values, "cannot be divided by", self.mend)
        return values

    def describe(self) -> str:
        return "any real number but 0 (0 too where eps > 0)"


@dataclass(eq=False, repr=False)
class Rates(Numbers):
    """Expected counts, or with `log_input` their logarithms."""

    interval: Interval = NOT_NEGATIVE
    mend: str = "if these are logarithms of rates, add -P log_input=true"

    def given(self, params: Params) -> Domain:
        return Numbers(self.shapes) if params.get("log_input") else self

    def describe(self) -> str:
        return ">= 0 (any real number with log_input)"


@dataclass(eq=False, repr=False)
class TweedieTargets(Numbers):
    """What a Tweedie distribution of this power can give: any number to power 0, then counts and amounts."""

    def given(self, params: Params) -> Domain:
        power = params.get("power", 0)
        if power < 1:
            return Numbers(self.shapes)
        return Numbers(
            self.shapes, Interval(0, low_open=power >= 2), f"targets must be, for power={number_text(power)}"
        )

    def describe(self) -> str:
        return "any real number where power <= 0, >= 0 where power < 2, else > 0"


@dataclass(eq=False, repr=False)
class TweedieMeans(Numbers):
    """What the mean of a Tweedie distribution of this power can be."""

    def given(self, params: Params) -> Domain:
        power = params.get("power", 0)
        if power == 0:
            return Numbers(self.shapes)
        return Numbers(self.shapes, Interval(0, low_open=True), f"means must be, for power={number_text(power)}")

    def describe(self) -> str:
        return "> 0 (any real number where power=0)"


@dataclass(eq=False, repr=False)
class Probabilities(Numbers):
    """Probabilities of a label, each on its own; any number with `from_logits`."""

    interval: Interval = UNIT
    mend: str = "if these are logits, add --from-logits"

    def given(self, params: Params) -> Domain:
        return Numbers(self.shapes) if params.get("from_logits") else self

    def describe(self) -> str:
        return "a probability in [0, 1] (any number with from_logits)"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.uniform(0.02, 0.98, size=self.size(dims))


@dataclass(eq=False, repr=False)
class BinaryLabels(Domain):
    """Labels of two classes: {0, 1}, {-1, 1} or booleans; given to the kernel as 0/1, or as -1/+1.

    With `soft`, numbers in [0, 1] are probabilities of the label.
    """

    soft: bool = False
    signs: bool = False

    is_label = True

    def check(self, values: Array, place: Place, dims: Mapping[str, Any]) -> NDArray[Any]:
        inside = (values >= 0) & (values <= 1) if self.soft else (values == 0) | (values == 1)
        wrong = ~(inside | (values == -1))
        if wrong.any():
            raise place.fail(wrong, values, f"is not {self.describe()}")
        self._refuse_three(values, place)
        if self.signs:
            return np.where(values == 0, -1.0, values)
        return np.where(values == -1, 0.0, values)

    def _refuse_three(self, values: Array, place: Place) -> None:
        zero, minus = place.memory.get("labels", (False, False))
        zero, minus = zero or bool((values == 0).any()), minus or bool((values == -1).any())
        place.memory["labels"] = zero, minus
        if zero and minus:
            raise place.fail(values == -1, values, "stands beside 0: labels are {0, 1} or {-1, 1}, not both")

    def describe(self) -> str:
        return "a label 0 or 1 (or -1 and 1)" + (", or a probability in [0, 1]" if self.soft else "")

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.integers(0, 2, size=self.size(dims)).astype(float)


@dataclass(eq=False, repr=False)
class ClassTargets(Domain):
    """Class labels 0..C-1, one a row; or, with the shape `N,C` too, one-hot or soft rows that sum to 1."""

    shapes: tuple[str, ...] = ("N", "N,C")
    ignore_index: int | None = None
    told_by: str = "y_pred has as many columns as there are classes"

    is_label = True

    def given(self, params: Params) -> Domain:
        return replace(self, ignore_index=params.get("ignore_index"))

    def check(self, values: Array, place: Place, dims: Mapping[str, Any]) -> NDArray[Any]:
        if values.ndim == 2:
            return Simplex().check(values, place, dims)
        classes = int(dims["C"])
        wrong = (values < 0) | (values >= classes) | (values != np.floor(values))
        if self.ignore_index is not None:
            wrong &= values != self.ignore_index
        if wrong.any():
            raise place.fail(wrong, values, f"is not a class label 0..{classes - 1}", self._mend(values, classes))
        return values.astype(np.int64)

    def _mend(self, values: Array, classes: int) -> str:
        if values.min() == 1 and values.max() == classes:
            return "labels start at 0: subtract 1, or name the classes with --classes"
        return self.told_by

    def describe(self) -> str:
        return "a class label 0..C-1" + (", or a row of C target probabilities" if "N,C" in self.shapes else "")

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.integers(0, dims["C"], size=dims["N"])


@dataclass(eq=False, repr=False)
class GroupLabels(ClassTargets):
    """Labels of classes of which nothing else is known: they say which rows belong together."""

    shapes: tuple[str, ...] = ("N",)

    def check(self, values: Array, place: Place, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = (values < 0) | (values != np.floor(values)) | np.isinf(values)
        if wrong.any():
            raise place.fail(wrong, values, f"is not {self.describe()}")
        return values.astype(np.int64)

    def describe(self) -> str:
        return "a class label: an integer >= 0"


@dataclass(eq=False, repr=False)
class Simplex(Domain):
    """Rows of probabilities that sum to 1: within 1e-6 silently, within 1e-3 with a note.

    With `normalize` the rows need only be non-negative; with `from_logits` they are any numbers, but only where
    `logits` says that the parameter is about this role.
    """

    shapes: tuple[str, ...] = ("N,C",)
    logits: bool = True
    normalize: bool = False

    def given(self, params: Params) -> Domain:
        if self.logits and params.get("from_logits"):
            return Numbers(self.shapes)
        return replace(self, normalize=bool(params.get("normalize")))

    def check(self, values: Array, place: Place, dims: Mapping[str, Any]) -> NDArray[Any]:
        mend = "if these are logits, add --from-logits" if self.logits else ""
        allowed = Interval(0) if self.normalize else Interval(0, 1 + SUM_WARN)
        wrong = allowed.outside(values)
        if wrong is not None:
            raise place.fail(wrong, values, "is not a probability" if not self.normalize else "is negative", mend)
        sums = values.sum(axis=-1)
        if self.normalize:
            if (sums == 0).any():
                raise place.fail(sums == 0, sums, "is the sum of the row: it cannot be normalised")
            return values
        off = np.abs(sums - 1)
        if float(off.max(initial=0.0)) > SUM_WARN:
            logits = ", or --from-logits if these are logits" if self.logits else ""
            raise place.fail(
                off > SUM_WARN, sums, "is the sum of the row, not 1", f"-P normalize=true divides by it{logits}"
            )
        if float(off.max(initial=0.0)) > SUM_SILENT and not place.memory.get("sum"):
            place.memory["sum"] = True
            place.note(f"{place.name()}: rows sum to 1 only within 1e-3 (row {place.row(int(off.argmax()))} to "
                       f"{number_text(float(sums[off.argmax()]))}); -P normalize=true divides by the sum")  # fmt: skip
        return values

    def describe(self) -> str:
        return "a row of C probabilities that sums to 1"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.dirichlet(np.full(dims["C"], 2.0), size=dims["N"])


@dataclass(eq=False, repr=False)
class Distribution(Simplex):
    """As Simplex, and one column of numbers is one distribution: its N rows are the classes."""

    shapes: tuple[str, ...] = ("N,C", "N")

    one_row = True

    def describe(self) -> str:
        return "a row of C probabilities that sums to 1, or one column that is one distribution"


@dataclass(eq=False, repr=False)
class Rows(Numbers):
    """A row of C numbers of an interval; one column of numbers is one such row."""

    shapes: tuple[str, ...] = ("N,C", "N")

    one_row = True

    def describe(self) -> str:
        return f"a row of C numbers {self.interval.describe()}, or one column that is one such row"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.gamma(2.0, 1.0, size=self.size(dims)) + 1e-3


@dataclass(eq=False, repr=False)
class Vectors(Domain):
    """A vector a row: an embedding, a point."""

    shapes: tuple[str, ...] = ("N,D",)

    def describe(self) -> str:
        return "a vector of D real numbers"


@dataclass(eq=False, repr=False)
class ClassScores(Domain):
    """A row of C scores (logits), one a class."""

    shapes: tuple[str, ...] = ("N,C",)

    def describe(self) -> str:
        return "a row of C real numbers"


@dataclass(eq=False, repr=False)
class Cosines(ClassScores):
    """A row of C cosines; the kernel clips what lies outside [-1, 1]."""

    interval: Interval = MINUS_ONE_TO_ONE

    def check(self, values: Array, place: Place, dims: Mapping[str, Any]) -> NDArray[Any]:
        far = np.abs(values) > 1 + SUM_SILENT  # nearer by, it is rounding
        if far.any() and not place.memory.get("cosines"):
            place.memory["cosines"] = True
            i, j = (int(k) for k in np.argwhere(far)[0])
            place.note(f"{place.name((i, j))}, row {place.row(i)}: {number_text(float(values[i, j]))} is no cosine: "
                       "all beyond -1 and 1 are clipped")  # fmt: skip
        return values

    def describe(self) -> str:
        return "a row of C cosines, one a class, clipped to [-1, 1]"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        return rng.uniform(-0.98, 0.98, size=self.size(dims))


@dataclass(eq=False, repr=False)
class ClassTable(Domain):
    """A table with a row a class: prototypes, centers; or one number a class."""

    shapes: tuple[str, ...] = ("C,D",)

    def check(self, values: Array, place: Place, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = ~np.isfinite(values)
        if wrong.any():
            raise place.fail(wrong, values, "is not a finite number")
        return values

    def describe(self) -> str:
        return "any real number, one a class" if self.scalar else "a vector of D real numbers, one a class"


@dataclass(eq=False, repr=False)
class Boxes(Domain):
    """An axis-aligned box a row, of two corners or of a point and a size."""

    shapes: tuple[str, ...] = ("N,4",)
    box_format: str = "xyxy"

    def given(self, params: Params) -> Domain:
        return replace(self, box_format=params["box_format"])

    def check(self, values: Array, place: Place, dims: Mapping[str, Any]) -> NDArray[Any]:
        wrong = ~np.isfinite(values)
        if wrong.any():
            raise place.fail(wrong, values, "is not a finite number")
        if self.box_format == "xyxy":
            wrong[:, 2:] = values[:, 2:] < values[:, :2]
            what = "comes before {}1: boxes are x1, y1, x2, y2 with x1 <= x2 and y1 <= y2"
            mend = "if these are sizes, -P box_format=xywh or cxcywh"
        else:
            wrong[:, 2:] = values[:, 2:] < 0
            what, mend = "is a size below 0", "if these are corners, -P box_format=xyxy"
        if wrong.any():
            axis = "xy"[int(np.argwhere(wrong)[0][1]) % 2]
            raise place.fail(wrong, values, what.format(axis), mend)
        return values

    def describe(self) -> str:
        return "a box of four numbers, as box_format says"

    def sample(self, rng: np.random.Generator, dims: Mapping[str, int]) -> NDArray[Any]:
        # any two of these overlap
        corner, size = rng.uniform(-0.2, 0.2, size=(dims["N"], 2)), rng.uniform(0.5, 2, size=(dims["N"], 2))
        return np.hstack([corner, corner + size if self.box_format == "xyxy" else size])


# ----------------------------------------------------------------------------------------- parameter domains


class ParameterDomain:
    """What a parameter may be. `parse` reads what was typed; `check` returns the value or raises ValueError."""

    def parse(self, text: str) -> Any:
        raise NotImplementedError

    def check(self, value: Any) -> Any:
        raise NotImplementedError

    def describe(self) -> str:
        raise NotImplementedError

    def text(self, value: Any) -> str:
        """The value as it is typed."""
        return str(value)

    def sample(self, rng: np.random.Generator) -> Any:
        raise NotImplementedError


@dataclass(eq=False, repr=False)
class Number(ParameterDomain):
    """A number of an interval, an integer if asked; `zero=False` leaves zero out.

    `usual` are the ends between which samples are drawn, where the interval alone would not tell.
    """

    interval: Interval = REALS
    integer: bool = False
    zero: bool = True
    usual: tuple[float, float] | None = None

    def parse(self, text: str) -> Any:
        try:
            number = float(text)
        except ValueError:
            raise ValueError(f"must be a number, {self.describe()}") from None
        return self.check(number)

    def check(self, value: Any) -> Any:
        if isinstance(value, (bool, str)) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise ValueError(f"must be a number, {self.describe()}")
        value = float(value)
        if not math.isfinite(value) and not (math.isinf(value) and self._infinite_end(value)):
            raise ValueError(f"must be {self.describe()}")
        if value not in self.interval or (self.integer and value != int(value)) or (not self.zero and value == 0):
            raise ValueError(f"must be {self.describe()}")
        return int(value) if self.integer else value

    def _infinite_end(self, value: float) -> bool:
        low, high = self.interval.low, self.interval.high
        return (value < 0 and low == value and not self.interval.low_open) or (
            value > 0 and high == value and not self.interval.high_open
        )

    def describe(self) -> str:
        text = self.interval.describe()
        if self.integer:
            text = f"an integer {text}" if text != "any real number" else "an integer"
        return text if self.zero else f"{text} but 0"

    def text(self, value: Any) -> str:
        return number_text(value)

    def sample(self, rng: np.random.Generator) -> Any:
        low = self.interval.low if math.isfinite(self.interval.low) else self.interval.high - 3
        low = low if math.isfinite(low) else -1.5
        high = self.interval.high if math.isfinite(self.interval.high) else low + 3
        low, high = self.usual or (low, high)
        drawn = rng.uniform(low + 0.1 * (high - low), high - 0.1 * (high - low))
        return round(drawn) if self.integer else round(float(drawn), 3) or 0.5


@dataclass(eq=False, repr=False)
class TweediePower(Number):
    """The power of a Tweedie distribution's variance function; there is none between 0 and 1."""

    interval: Interval = OPEN

    def check(self, value: Any) -> Any:
        power = super().check(value)
        if 0 < power < 1:
            raise ValueError(f"must be {self.describe()}: no distribution has a power between 0 and 1")
        return power

    def describe(self) -> str:
        return "<= 0 or >= 1"

    def sample(self, rng: np.random.Generator) -> Any:
        return float(rng.choice((-1.0, 0.0, 1.0, 1.5, 2.0, 3.0)))


@dataclass(eq=False, repr=False)
class ExceptOne(Number):
    """A number of an interval but 1."""

    def check(self, value: Any) -> Any:
        number = super().check(value)
        if number == 1:
            raise ValueError(f"must be {self.describe()}")
        return number

    def describe(self) -> str:
        return f"{super().describe()}, but not 1"


@dataclass(eq=False, repr=False)
class Flag(ParameterDomain):
    """True or false."""

    _TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")

    def parse(self, text: str) -> bool:
        if text.lower() not in self._TRUE + self._FALSE:
            raise ValueError("must be true or false")
        return text.lower() in self._TRUE

    def check(self, value: Any) -> bool:
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError("must be true or false")
        return bool(value)

    def describe(self) -> str:
        return "true or false"

    def text(self, value: Any) -> str:
        return "true" if value else "false"

    def sample(self, rng: np.random.Generator) -> bool:
        return bool(rng.integers(2))


@dataclass(eq=False, repr=False)
class Choice(ParameterDomain):
    """One of a few words."""

    words: tuple[str, ...]

    def parse(self, text: str) -> str:
        return self.check(text.lower())

    def check(self, value: Any) -> str:
        if value not in self.words:
            raise ValueError(f"must be {self.describe()}")
        return str(value)

    def describe(self) -> str:
        return ", ".join(self.words[:-1]) + f" or {self.words[-1]}"

    def sample(self, rng: np.random.Generator) -> str:
        return str(rng.choice(self.words))


@dataclass(eq=False, repr=False)
class OrNone(ParameterDomain):
    """Another domain, or nothing: typed `none`."""

    inner: ParameterDomain

    def parse(self, text: str) -> Any:
        return None if text.lower() == "none" else self.inner.parse(text)

    def check(self, value: Any) -> Any:
        return None if value is None else self.inner.check(value)

    def describe(self) -> str:
        return f"{self.inner.describe()}, or none"

    def text(self, value: Any) -> str:
        return "none" if value is None else self.inner.text(value)

    def sample(self, rng: np.random.Generator) -> Any:
        return None if rng.integers(2) else self.inner.sample(rng)


@dataclass(eq=False, repr=False)
class PerClass(ParameterDomain):
    """A list of numbers, one a class, typed `2/4/6`; with `single`, one number for all of them too."""

    inner: Number
    single: bool = False

    def parse(self, text: str) -> Any:
        parts = text.replace(",", "/").split("/")
        if len(parts) == 1 and self.single:
            return self.inner.parse(parts[0])
        return tuple(self.inner.parse(part) for part in parts)

    def check(self, value: Any) -> Any:
        if np.ndim(value) == 0:
            if not self.single:
                raise ValueError(f"must be {self.describe()}")
            return self.inner.check(value)
        if np.ndim(value) != 1 or len(value) < 2:
            raise ValueError(f"must be {self.describe()}")
        return tuple(self.inner.check(item) for item in value)

    def describe(self) -> str:
        one = f"{self.inner.describe()}, or " if self.single else ""
        return f"{one}a list, one number {self.inner.describe()} a class, as 2/4/6"

    def text(self, value: Any) -> str:
        return self.inner.text(value) if np.ndim(value) == 0 else "/".join(self.inner.text(item) for item in value)

    def sample(self, rng: np.random.Generator) -> Any:
        return self.inner.sample(rng) if self.single else None


def per_class(value: Any, classes: int, name: str) -> Array:
    """A per-class parameter as an array of `classes` numbers; UsageError when it has another length."""
    if value is None or np.ndim(value) == 0:
        return np.full(classes, 1.0 if value is None else float(value))
    if len(value) != classes:
        raise UsageError(f"{name} has {len(value)} numbers, the data {classes} classes")
    return np.asarray(value, dtype=np.float64)


# ------------------------------------------------------------------------------- the names that losses use

Real = Annotated[Array, Domain()]
NonNegative = Annotated[Array, Numbers(interval=Interval(0))]
AboveZero = Annotated[Array, Numbers(interval=Interval(0, low_open=True))]
AboveMinusOne = Annotated[Array, Numbers(interval=Interval(-1, low_open=True))]
NonzeroReal = Annotated[Array, Nonzero()]
Rate = Annotated[Array, Rates()]
TweedieTarget = Annotated[Array, TweedieTargets()]
TweedieMean = Annotated[Array, TweedieMeans()]
Distances = Annotated[Array, Numbers(("N",), Interval(0))]
Probability = Annotated[Array, Probabilities()]
Label = Annotated[Array, BinaryLabels()]
SoftLabel = Annotated[Array, BinaryLabels(soft=True)]
SignLabel = Annotated[Array, BinaryLabels(signs=True)]
PairLabel = Annotated[Array, BinaryLabels(("N",))]
SignPairLabel = Annotated[Array, BinaryLabels(("N",), signs=True)]
Score = Annotated[Array, Domain(("N",))]
ClassLabel = Annotated[NDArray[Any], ClassTargets(("N",))]
ClassTarget = Annotated[NDArray[Any], ClassTargets()]
PrototypeLabel = Annotated[NDArray[Any], ClassTargets(("N",), told_by="weights has as many rows as there are classes")]
GroupLabel = Annotated[NDArray[Any], GroupLabels()]
ClassProbabilities = Annotated[Array, Simplex()]
LabelRow = Annotated[Array, BinaryLabels(("N,C",))]
Relevance = Annotated[Array, Numbers(("N,C",), Interval(0), "relevances are >= 0")]
LogProbabilities = Annotated[Array, Numbers(("N,C",), Interval(high=0), "y_pred must hold log-probabilities")]
Scores = Annotated[Array, ClassScores()]
TrueDistribution = Annotated[Array, Distribution(logits=False)]
NonNegativeRow = Annotated[Array, Rows(interval=Interval(0))]
PositiveRow = Annotated[Array, Rows(interval=Interval(0, low_open=True))]
PredictedDistribution = Annotated[Array, Distribution()]
Vector = Annotated[Array, Vectors()]
CosineRow = Annotated[Array, Cosines()]
Prototypes = Annotated[Array, ClassTable()]
Bias = Annotated[Array, ClassTable(("C",))]
Box = Annotated[Array, Boxes()]

Positive = Annotated[float, Number(Interval(0, low_open=True))]
Scale = Annotated[float, Number(Interval(0, low_open=True, high_open=True))]
Width = Annotated[float, Number(Interval(0, high_open=True))]
Nonnull = Annotated[float, Number(Interval(low_open=True, high_open=True), zero=False)]
AnyOrInfinite = Annotated[float, Number()]
Count = Annotated[int, Number(Interval(1), integer=True)]
Power = Annotated[float, TweediePower()]
AtLeastZero = Annotated[float, Number(Interval(0))]
UnitInterval = Annotated[float, Number(Interval(0, 1))]
Epsilon = Annotated[float, Number(Interval(0, 1, high_open=True))]
Boolean = Annotated[bool, Flag()]
Distance = Annotated[Literal["sqeuclidean", "euclidean", "cosine"], Choice(("sqeuclidean", "euclidean", "cosine"))]
BoxFormat = Annotated[Literal["xyxy", "xywh", "cxcywh"], Choice(("xyxy", "xywh", "cxcywh"))]
Weights = Annotated[tuple[float, ...] | None, OrNone(PerClass(Number(Interval(0))))]
Alpha = Annotated[float | None, OrNone(Number(Interval(0, 1)))]
IgnoreIndex = Annotated[int | None, OrNone(Number(integer=True))]
Cosine = Annotated[float, Number(MINUS_ONE_TO_ONE)]
Angle = Annotated[float, Number(Interval(0, math.pi))]
Order = Annotated[float, ExceptOne(Interval(0, low_open=True, high_open=True))]
EPS = 2.220446049250313e-16
