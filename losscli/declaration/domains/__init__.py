"""What a value may be: the domains of the arrays that a loss reads and of its parameters.

A domain checks, describes itself for help and messages, and draws samples for tests, so that what the
documentation promises, what is refused and what is tested are one thing. Losses name their domains as
annotations (`y_pred: Real`, `delta: Positive`); the aliases below are those names.

Domains are not changed once made. They are plain dataclasses all the same, without generated comparisons: the methods
that a frozen one gets would be a tenth of what a small command takes to start.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from numpy.typing import NDArray

from losscli.declaration.domains.arrays import (
    Counts,
    LogProbabilityRows,
    Nonzero,
    Numbers,
    Probabilities,
    Rates,
    Sequences,
    TweedieMeans,
    TweedieTargets,
)
from losscli.declaration.domains.arrays import Domain as Domain
from losscli.declaration.domains.intervals import MINUS_ONE_TO_ONE
from losscli.declaration.domains.intervals import Array as Array
from losscli.declaration.domains.intervals import Interval as Interval
from losscli.declaration.domains.intervals import Mask as Mask
from losscli.declaration.domains.intervals import number_text as number_text
from losscli.declaration.domains.labels import BinaryLabels, GroupLabels
from losscli.declaration.domains.labels import ClassTargets as ClassTargets
from losscli.declaration.domains.origin import ValueOrigin as ValueOrigin
from losscli.declaration.domains.parameters import Choice, ExceptOne, Flag, TweediePower
from losscli.declaration.domains.parameters import Number as Number
from losscli.declaration.domains.parameters import OrNone as OrNone
from losscli.declaration.domains.parameters import ParameterDomain as ParameterDomain
from losscli.declaration.domains.parameters import PerClass as PerClass
from losscli.declaration.domains.parameters import per_class as per_class
from losscli.declaration.domains.rows import Boxes as Boxes
from losscli.declaration.domains.rows import ClassScores, ClassTable, Cosines, Distribution, Rows, Vectors
from losscli.declaration.domains.rows import Simplex as Simplex

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
PrototypeLabel = Annotated[
    NDArray[Any], ClassTargets(("N",), class_count_hint="weights has as many rows as there are classes")
]
CenterLabel = Annotated[
    NDArray[Any], ClassTargets(("N",), class_count_hint="centers has as many rows as there are classes")
]
GroupLabel = Annotated[NDArray[Any], GroupLabels()]
ClassProbabilities = Annotated[Array, Simplex()]
LabelRow = Annotated[Array, BinaryLabels(("N,C",))]
Relevance = Annotated[Array, Numbers(("N,C",), Interval(0), "relevances are >= 0")]
LogProbabilities = Annotated[Array, LogProbabilityRows(("N,C",), hint="y_pred must hold log-probabilities")]
Scores = Annotated[Array, ClassScores()]
TrueDistribution = Annotated[Array, Distribution(logits=False)]
NonNegativeRow = Annotated[Array, Rows(interval=Interval(0))]
PositiveRow = Annotated[Array, Rows(interval=Interval(0, low_open=True))]
PredictedDistribution = Annotated[Array, Distribution()]
Vector = Annotated[Array, Vectors()]
Frames = Annotated[Array, LogProbabilityRows(("N,T,C",), hint="log_probs must hold log-probabilities: log_softmax")]
Symbols = Annotated[NDArray[Any], Sequences(("N,S",))]
FrameCounts = Annotated[NDArray[Any], Counts(("N",), of="T")]
SymbolCounts = Annotated[NDArray[Any], Counts(("N",), of="S")]
CosineRow = Annotated[Array, Cosines()]
Prototypes = Annotated[Array, ClassTable()]
Bias = Annotated[Array, ClassTable(("C",))]
Box = Annotated[Array, Boxes()]

Positive = Annotated[float, Number(Interval(0, low_open=True))]
FinitePositive = Annotated[float, Number(Interval(0, low_open=True, high_open=True))]
Position = Annotated[int, Number(Interval(0), integer=True)]
FiniteNonNegative = Annotated[float, Number(Interval(0, high_open=True))]
FiniteNonZero = Annotated[float, Number(Interval(low_open=True, high_open=True), zero=False)]
AnyOrInfinite = Annotated[float, Number()]
Count = Annotated[int, Number(Interval(1), integer=True)]
Power = Annotated[float, TweediePower()]
NonNegativeNumber = Annotated[float, Number(Interval(0))]
UnitInterval = Annotated[float, Number(Interval(0, 1))]
Epsilon = Annotated[float, Number(Interval(0, 1, high_open=True))]
Boolean = Annotated[bool, Flag()]
Distance = Annotated[Literal["sqeuclidean", "euclidean", "cosine"], Choice(("sqeuclidean", "euclidean", "cosine"))]
Mining = Annotated[Literal["semihard", "hard", "all"], Choice(("semihard", "hard", "all"))]
BoxFormat = Annotated[Literal["xyxy", "xywh", "cxcywh"], Choice(("xyxy", "xywh", "cxcywh"))]
Weights = Annotated[tuple[float, ...] | None, OrNone(PerClass(Number(Interval(0))))]
Alpha = Annotated[float | None, OrNone(Number(Interval(0, 1)))]
IgnoreIndex = Annotated[int | None, OrNone(Number(integer=True))]
Cosine = Annotated[float, Number(MINUS_ONE_TO_ONE)]
Angle = Annotated[float, Number(Interval(0, math.pi))]
Order = Annotated[float, ExceptOne(Interval(0, low_open=True, high_open=True))]
EPS = 2.220446049250313e-16
