"""What a value may be: the domains of the arrays that a loss reads and of its parameters.

A domain checks, describes itself for help and messages, and draws samples for tests: documentation, refusals and tests
agree. Losses use domains as annotations (`y_pred: Real`, `delta: Positive`); the aliases below are their names.

Domains are immutable. They are plain dataclasses all the same, without generated comparisons: the methods that a frozen
one gets would be a tenth of the start-up time of a small command.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from numpy.typing import NDArray

from losscli.declaration.domains import arrays, distributions
from losscli.declaration.domains.arrays import BETWEEN as BETWEEN
from losscli.declaration.domains.arrays import Domain as Domain
from losscli.declaration.domains.arrays import Probabilities as Probabilities
from losscli.declaration.domains.boxes import Boxes as Boxes
from losscli.declaration.domains.distributions import Simplex as Simplex
from losscli.declaration.domains.intervals import FINITE_POSITIVE, MINUS_ONE_TO_ONE, NON_NEGATIVE, POSITIVE, UNIT
from losscli.declaration.domains.intervals import Array as Array
from losscli.declaration.domains.intervals import Interval as Interval
from losscli.declaration.domains.intervals import Mask as Mask
from losscli.declaration.domains.labels import FIRST_NAME as FIRST_NAME
from losscli.declaration.domains.labels import BinaryLabels, ComparedLabels, GroupLabels, OneHotTargets
from losscli.declaration.domains.labels import ClassTargets as ClassTargets
from losscli.declaration.domains.origin import ValueOrigin as ValueOrigin
from losscli.declaration.domains.parameters import Choice, ExceptOne, Flag, TweediePower
from losscli.declaration.domains.parameters import Number as Number
from losscli.declaration.domains.parameters import OrNone as OrNone
from losscli.declaration.domains.parameters import ParameterDomain as ParameterDomain
from losscli.declaration.domains.parameters import PerClass as PerClass
from losscli.declaration.domains.parameters import expand_per_class as expand_per_class

# Arrays. Intervals include infinity unless the name says finite.
Real = Annotated[Array, Domain()]
NonNegativeReal = Annotated[Array, arrays.Numbers(interval=NON_NEGATIVE)]
PositiveReal = Annotated[Array, arrays.Numbers(interval=POSITIVE)]
RealAboveMinusOne = Annotated[Array, arrays.Numbers(interval=Interval(-1, low_open=True))]
NonZeroReal = Annotated[Array, arrays.NonZeroNumbers()]
Rate = Annotated[Array, arrays.Rates()]
TweedieTarget = Annotated[Array, arrays.TweedieTargets()]
TweedieMean = Annotated[Array, arrays.TweedieMeans()]
Distances = Annotated[Array, arrays.Numbers(("N",), NON_NEGATIVE)]
Probability = Annotated[Array, arrays.Probabilities()]
Label = Annotated[Array, BinaryLabels()]
SoftLabel = Annotated[Array, BinaryLabels(soft=True)]
SignLabel = Annotated[Array, BinaryLabels(signs=True)]
AnyLabel = Annotated[Array, ComparedLabels()]
PredictedLabel = Annotated[Array, ComparedLabels(predicted=True)]
PairLabel = Annotated[Array, BinaryLabels(("N",))]
SignPairLabel = Annotated[Array, BinaryLabels(("N",), signs=True)]
Score = Annotated[Array, Domain(("N",))]
ClassLabel = Annotated[NDArray[Any], ClassTargets(("N",))]
ClassTarget = Annotated[NDArray[Any], ClassTargets()]
LabelOrOneHot = Annotated[NDArray[Any], OneHotTargets()]
PrototypeLabel = Annotated[NDArray[Any], ClassTargets(("N",), counted_by=("weights", "rows"))]
CenterLabel = Annotated[NDArray[Any], ClassTargets(("N",), counted_by=("centers", "rows"))]
GroupLabel = Annotated[NDArray[Any], GroupLabels(("N",))]
ClassProbabilities = Annotated[Array, Simplex()]
LabelRow = Annotated[Array, BinaryLabels(("N,C",))]
Relevance = Annotated[Array, arrays.Numbers(("N,C",), NON_NEGATIVE, noun="relevances")]
LogProbabilities = Annotated[Array, arrays.LogProbabilityRows(("N,C",))]
Scores = Annotated[Array, distributions.ClassScores(("N,C",))]
TrueDistribution = Annotated[Array, distributions.Distribution(may_be_logits=False)]
NonNegativeRow = Annotated[Array, distributions.NumberRows(interval=NON_NEGATIVE)]
PositiveRow = Annotated[Array, distributions.NumberRows(interval=POSITIVE)]
PredictedDistribution = Annotated[Array, distributions.Distribution()]
Vector = Annotated[Array, distributions.Vectors(("N,D",))]
Frames = Annotated[Array, arrays.LogProbabilityRows(("N,T,C",))]
Symbols = Annotated[NDArray[Any], arrays.LabelSequences(("N,S",))]
FrameCounts = Annotated[NDArray[Any], arrays.Lengths(("N",), of="T")]
SymbolCounts = Annotated[NDArray[Any], arrays.Lengths(("N",), of="S")]
CosineRow = Annotated[Array, distributions.Cosines(("N,C",))]
Prototypes = Annotated[Array, distributions.ClassTable(("C,D",))]
Bias = Annotated[Array, distributions.ClassTable(("C",))]
Box = Annotated[Array, Boxes()]

# Parameters
Positive = Annotated[float, Number(POSITIVE)]
FinitePositive = Annotated[float, Number(FINITE_POSITIVE)]
Position = Annotated[int, Number(NON_NEGATIVE, integer=True)]
FiniteNonNegative = Annotated[float, Number(Interval(0, high_open=True))]
FiniteNonZero = Annotated[float, Number(Interval(low_open=True, high_open=True), zero=False)]
ExtendedReal = Annotated[float, Number()]
Count = Annotated[int, Number(Interval(1), integer=True)]
Power = Annotated[float, TweediePower()]
NonNegative = Annotated[float, Number(NON_NEGATIVE)]
UnitInterval = Annotated[float, Number(UNIT)]
Epsilon = Annotated[float, Number(Interval(0, 1, high_open=True))]
Boolean = Annotated[bool, Flag()]
Distance = Annotated[Literal["sqeuclidean", "euclidean", "cosine"], Choice(("sqeuclidean", "euclidean", "cosine"))]
Mining = Annotated[Literal["semihard", "hard", "all"], Choice(("semihard", "hard", "all"))]
BoxFormat = Annotated[Literal["xyxy", "xywh", "cxcywh"], Choice(("xyxy", "xywh", "cxcywh"))]
Weights = Annotated[tuple[float, ...] | None, OrNone(PerClass(Number(NON_NEGATIVE)))]
PositiveWeight = Annotated[float | tuple[float, ...], PerClass(Number(POSITIVE), single=True, each="label")]
Alpha = Annotated[float | None, OrNone(Number(UNIT))]
IgnoreIndex = Annotated[int | None, OrNone(Number(integer=True))]
Cosine = Annotated[float, Number(MINUS_ONE_TO_ONE)]
Angle = Annotated[float, Number(Interval(0, math.pi))]
Order = Annotated[float, ExceptOne(FINITE_POSITIVE)]
EPS = 2.220446049250313e-16
