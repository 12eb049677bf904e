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

from losscli.declaration.domains import arrays, censoring, distributions
from losscli.declaration.domains.arrays import BETWEEN as BETWEEN
from losscli.declaration.domains.arrays import Domain as Domain
from losscli.declaration.domains.arrays import Probabilities as Probabilities
from losscli.declaration.domains.boxes import Boxes as Boxes
from losscli.declaration.domains.distributions import Simplex as Simplex
from losscli.declaration.domains.intervals import (
    FINITE_POSITIVE,
    MINUS_ONE_TO_ONE,
    NON_NEGATIVE,
    NON_POSITIVE,
    POSITIVE,
    UNIT,
)
from losscli.declaration.domains.intervals import Array as Array
from losscli.declaration.domains.intervals import Interval as Interval
from losscli.declaration.domains.intervals import Mask as Mask
from losscli.declaration.domains.labels import FIRST_NAME as FIRST_NAME
from losscli.declaration.domains.labels import NAMES as NAMES
from losscli.declaration.domains.labels import (
    BinaryLabels,
    ComparedLabels,
    GroupLabels,
    HardLabels,
    OneHotTargets,
    Qualities,
)
from losscli.declaration.domains.labels import ClassTargets as ClassTargets
from losscli.declaration.domains.labels import number_of_name as number_of_name
from losscli.declaration.domains.labels import places_of_names as places_of_names
from losscli.declaration.domains.masks import OneHotPixels, PixelProbabilities, PixelTargets
from losscli.declaration.domains.members import Members, VectorMembers, VectorOutcomes
from losscli.declaration.domains.origin import ValueOrigin as ValueOrigin
from losscli.declaration.domains.parameters import Choice as Choice
from losscli.declaration.domains.parameters import ExceptOne, Flag, NameList, TweediePower
from losscli.declaration.domains.parameters import Number as Number
from losscli.declaration.domains.parameters import OrNone as OrNone
from losscli.declaration.domains.parameters import ParameterDomain as ParameterDomain
from losscli.declaration.domains.parameters import PerClass as PerClass
from losscli.declaration.domains.parameters import expand_per_class as expand_per_class
from losscli.messages import Hint

# Arrays. Intervals include infinity unless the name says finite.
Real = Annotated[Array, Domain()]
"""Real numbers, infinities too: one a row, or a row of them whose losses are averaged."""

NonNegativeReal = Annotated[Array, arrays.Numbers(interval=NON_NEGATIVE)]
"""Numbers >= 0."""

PositiveReal = Annotated[Array, arrays.Numbers(interval=POSITIVE)]
"""Numbers > 0."""

PositiveNumber = Annotated[Array, arrays.Numbers(("N",), POSITIVE)]
"""Numbers > 0, shape (N,)."""

RealAboveMinusOne = Annotated[Array, arrays.Numbers(interval=Interval(-1, low_open=True))]
"""Numbers > -1."""

NonZeroReal = Annotated[Array, arrays.NonZeroNumbers()]
"""Numbers other than 0; any number where the parameter `eps` is above 0."""

Rate = Annotated[Array, arrays.Rates()]
"""Expected counts, >= 0; any number where the parameter `log_input` is true."""

TweedieTarget = Annotated[Array, arrays.TweedieTargets()]
"""Outcomes of the Tweedie distribution of the parameter `power`: real, >= 0 or > 0."""

TweedieMean = Annotated[Array, arrays.TweedieMeans()]
"""Means of the Tweedie distribution of the parameter `power`: > 0, or real where it is 0."""

Distances = Annotated[Array, arrays.Numbers(("N",), NON_NEGATIVE)]
"""Distances >= 0, shape (N,)."""

Probability = Annotated[Array, arrays.Probabilities()]
"""Probabilities in [0, 1], each of one label; any number where the parameter `from_logits` is true."""

Label = Annotated[Array, BinaryLabels()]
"""Labels {0, 1} or {-1, 1}; the kernel gets 0 and 1."""

SoftLabel = Annotated[Array, BinaryLabels(soft=True)]
"""Labels {0, 1} or {-1, 1}, or probabilities of the label 1; the kernel gets numbers in [0, 1]."""

Quality = Annotated[Array, Qualities()]
"""Numbers in [0, 1] that a probability is to reach, such as the overlap of a box; 0 is the background."""

SignLabel = Annotated[Array, BinaryLabels(signs=True)]
"""Labels {0, 1} or {-1, 1}; the kernel gets -1 and 1."""

AnyLabel = Annotated[Array, ComparedLabels()]
"""Labels that are compared as they are: integers or names."""

PredictedLabel = Annotated[Array, ComparedLabels(predicted=True)]
"""Predicted labels beside an `AnyLabel`, or probabilities of the label 1."""

HardLabel = Annotated[Array, HardLabels()]
"""Labels that are compared as they are, integers or names, shape (N,); their places among the parameter `classes`."""

OrderedLabel = Annotated[Array, HardLabels(ordered=True)]
"""The same, of classes in an order: integers, unless the parameter `classes` names them in order."""

PairLabel = Annotated[Array, BinaryLabels(("N",))]
"""Labels {0, 1} or {-1, 1} of pairs, shape (N,); the kernel gets 0 and 1."""

SignPairLabel = Annotated[Array, BinaryLabels(("N",), signs=True)]
"""Labels {0, 1} or {-1, 1} of pairs, shape (N,); the kernel gets -1 and 1."""

Score = Annotated[Array, Domain(("N",))]
"""Real numbers, shape (N,)."""

ClassLabel = Annotated[NDArray[Any], ClassTargets(("N",))]
"""Class labels 0..C-1 as int64, shape (N,); C is the number of columns of `y_pred`."""

ClassTarget = Annotated[NDArray[Any], ClassTargets()]
"""Class labels 0..C-1 as int64, shape (N,), or rows of target probabilities, shape (N, C)."""

LabelOrOneHot = Annotated[NDArray[Any], OneHotTargets()]
"""Class labels 0..C-1 or one-hot rows; the kernel gets labels as int64, shape (N,)."""

PrototypeLabel = Annotated[NDArray[Any], ClassTargets(("N",), counted_by=("weights", "rows"))]
"""Class labels as int64, shape (N,); there are as many classes as rows of `weights`."""

ProxyLabel = Annotated[NDArray[Any], ClassTargets(("N",), counted_by=("proxies", "rows"))]
"""Class labels as int64, shape (N,); there are as many classes as rows of `proxies`."""

CenterLabel = Annotated[NDArray[Any], ClassTargets(("N",), counted_by=("centers", "rows"))]
"""Class labels as int64, shape (N,); there are as many classes as rows of `centers`."""

GroupLabel = Annotated[NDArray[Any], GroupLabels(("N",))]
"""Labels that only say which rows belong together, as int64, shape (N,)."""

ClassProbabilities = Annotated[Array, Simplex()]
"""Rows of probabilities that sum to 1, shape (N, C); any numbers where `from_logits` is true."""

BinPosition = Annotated[Array, arrays.BinPositions(("N",))]
"""Numbers from 0 to C-1, between two of C bins, shape (N,)."""

BinPositionRow = Annotated[Array, arrays.BinPositions(("N,K",))]
"""Rows of numbers from 0 to C-1, each between two of C bins, shape (N, K)."""

DistributionRow = Annotated[Array, Simplex(("N,K,C",))]
"""Rows of K distributions over C bins, each of which sums to 1, shape (N, K, C); any where `from_logits` is true."""

LabelRow = Annotated[Array, BinaryLabels(("N,C",))]
"""Rows of labels {0, 1} or {-1, 1}, shape (N, C); the kernel gets 0 and 1."""

Relevance = Annotated[Array, arrays.Numbers(("N,C",), NON_NEGATIVE, noun="relevances")]
"""Rows of relevances >= 0, shape (N, C)."""

Relevances = Annotated[Array, arrays.RelevanceNumbers(("N", "N,K"), Interval(0, high_open=True), noun="relevances")]
"""Finite relevances >= 0: of the rows of queries, shape (N,), or of rows that are queries, shape (N, K)."""

ScoresOfRows = Annotated[Array, Domain(("N", "N,K"))]
"""Scores of the rows of queries, shape (N,), or of rows that are queries, shape (N, K)."""

Queries = Annotated[Any, arrays.QueryKeys(("N",))]
"""The query of each row, an integer or a name, shape (N,); the kernel gets where each query begins, as int64."""

LogProbabilities = Annotated[Array, arrays.LogProbabilityRows(("N,C",))]
"""Rows of logarithms of probabilities, <= 0, shape (N, C)."""

LogProbability = Annotated[
    Array, arrays.Numbers(("N",), NON_POSITIVE, Hint.NEGATE_LOG_PROBABILITIES, "logarithms of probabilities")
]
"""Logarithms of probabilities, <= 0, shape (N,)."""

ByteCount = Annotated[Array, arrays.Numbers(("N",), Interval(0, high_open=True), noun="numbers of bytes")]
"""Finite numbers of bytes >= 0, shape (N,)."""

Scores = Annotated[Array, distributions.ClassScores(("N,C",))]
"""Rows of scores (logits), one a class, shape (N, C)."""

TrueDistribution = Annotated[Array, distributions.Distribution(may_be_logits=False)]
"""Rows that sum to 1, shape (N, C), or one column that is one distribution; never logits."""

NonNegativeRow = Annotated[Array, distributions.NumberRows(interval=NON_NEGATIVE)]
"""Rows of numbers >= 0, shape (N, C), or one column that is one row."""

PositiveRow = Annotated[Array, distributions.NumberRows(interval=POSITIVE)]
"""Rows of numbers > 0, shape (N, C), or one column that is one row."""

PredictedDistribution = Annotated[Array, distributions.Distribution()]
"""Rows that sum to 1, shape (N, C), or one column that is one distribution; any numbers where `from_logits` is true."""

Vector = Annotated[Array, distributions.Vectors(("N,D",))]
"""Vectors such as embeddings, shape (N, D)."""

Frames = Annotated[Array, arrays.LogProbabilityRows(("N,T,C",))]
"""Logarithms of the probabilities of C classes at T times, shape (N, T, C)."""

Symbols = Annotated[NDArray[Any], arrays.LabelSequences(("N,S",))]
"""Sequences of class labels as int64, shape (N, S), none of them the parameter `blank`."""

FrameCounts = Annotated[NDArray[Any], arrays.Lengths(("N",), of="T")]
"""How many of the T times count, as int64, shape (N,)."""

SymbolCounts = Annotated[NDArray[Any], arrays.Lengths(("N",), of="S")]
"""How many of the S symbols count, as int64, shape (N,)."""

CosineRow = Annotated[Array, distributions.Cosines(("N,C",))]
"""Rows of cosines, one a class, shape (N, C); a note says if some are outside of [-1, 1]."""

CosineTable = Annotated[Array, distributions.Cosines(("N,C,K",))]
"""Rows of cosines, K a class, shape (N, C, K); a note says if some are outside of [-1, 1]."""

SubPrototypes = Annotated[Array, distributions.ClassTable(("C,K,D",))]
"""A table of finite numbers that all rows share, K vectors a class, shape (C, K, D)."""
Ensemble = Annotated[Array, Members()]
"""Members of an ensemble, shape (N, M); a column of numbers is one member a row."""

VectorEnsemble = Annotated[Array, VectorMembers(("N,M,D",))]
"""Members of an ensemble that are vectors, shape (N, M, D)."""

VectorOutcome = Annotated[Array, VectorOutcomes(("N,D",))]
"""Vectors that came true, shape (N, D); a column of numbers is vectors of one number."""

Prototypes = Annotated[Array, distributions.ClassTable(("C,D",))]
"""A table of finite numbers that all rows share, one vector a class, shape (C, D)."""

Bias = Annotated[Array, distributions.ClassTable(("C",))]
"""Finite numbers that all rows share, one a class, shape (C,)."""

PixelTarget = Annotated[NDArray[Any], PixelTargets()]
"""Class labels 0..C-1 of pixels as int64, shape (N, P), or their target probabilities, shape (N, P, C)."""

PixelLabel = Annotated[NDArray[Any], OneHotPixels()]
"""Class labels 0..C-1 of pixels, or one-hot pixels; the kernel gets labels as int64, shape (N, P)."""

PixelClasses = Annotated[Array, PixelProbabilities()]
"""Class probabilities of pixels that sum to 1, shape (N, P, C); any numbers where `from_logits` is true."""

SoftMask = Annotated[Array, BinaryLabels(("N,P", "N"), soft=True)]
"""Pixels that are labels {0, 1} or {-1, 1}, or probabilities of the label 1, shape (N, P); the kernel gets [0, 1]."""

MaskProbability = Annotated[Array, arrays.Probabilities(("N,P", "N"))]
"""Probabilities of the pixels of a mask, shape (N, P); any number where `from_logits` is true."""

Box = Annotated[Array, Boxes()]
"""Boxes of four finite numbers, shape (N, 4), as the parameter `box_format` says."""

Time = Annotated[Array, censoring.SurvivalTimes()]
"""Times until an event or until the end of observation, > 0 and finite, shape (N,)."""

Event = Annotated[Array, censoring.Events()]
"""1 or true where the event was seen, 0 or false where the time is censored, shape (N,)."""

LowerTime = Annotated[Array, censoring.TimeBounds(interval=Interval(0, high_open=True), usual=(0.2, 1.0))]
"""The latest time at which the event was known not to have happened, >= 0 and finite, shape (N,)."""

UpperTime = Annotated[Array, censoring.TimeBounds(interval=POSITIVE, usual=(1.0, 3.0))]
"""The earliest time at which the event was known to have happened, > 0, infinite if it is not known, shape (N,)."""

TimeStep = Annotated[NDArray[Any], censoring.TimeSteps()]
"""An interval of time, 0..M-1 as int64, shape (N,); y_pred has M columns."""

Hazards = Annotated[Array, Probabilities(("N,M",))]
"""Rows of M conditional probabilities of the event, shape (N, M); any number where `from_logits` is true."""

SurvivalProbability = Annotated[Array, Probabilities(("N",))]
"""Probabilities of no event by some time, shape (N,)."""

SurvivalCurve = Annotated[Array, censoring.SurvivalProbabilities(("N,M",))]
"""Rows of probabilities of no event by each of M times, shape (N, M)."""

# Parameters
Positive = Annotated[float, Number(POSITIVE)]
"""A number > 0; it may be infinite."""

FinitePositive = Annotated[float, Number(FINITE_POSITIVE)]
"""A finite number > 0."""

Position = Annotated[int, Number(NON_NEGATIVE, integer=True)]
"""An integer >= 0."""

FiniteNonNegative = Annotated[float, Number(Interval(0, high_open=True))]
"""A finite number >= 0."""

FiniteReal = Annotated[float, Number(Interval(low_open=True, high_open=True))]
"""A finite number."""

FiniteNonZero = Annotated[float, Number(Interval(low_open=True, high_open=True), zero=False)]
"""A finite number other than 0."""

ExtendedReal = Annotated[float, Number()]
"""Any number, -inf and inf too."""

Count = Annotated[int, Number(Interval(1), integer=True)]
"""An integer >= 1."""

BinCount = Annotated[int, Number(Interval(1, 1e6), integer=True, usual=(1, 4))]
"""How many bins there are: an integer from 1 to 1 000 000, as there is an array of them."""

Power = Annotated[float, TweediePower()]
"""The power of a Tweedie distribution: finite, not between 0 and 1."""

NonNegative = Annotated[float, Number(NON_NEGATIVE)]
"""A number >= 0; it may be infinite."""

UnitInterval = Annotated[float, Number(UNIT)]
"""A number in [0, 1]."""

Smoothing = Annotated[float, Number(Interval(0, 0.5, high_open=True))]
"""A number in [0, 0.5): the share of labels that are wrong."""

Epsilon = Annotated[float, Number(Interval(0, 1, high_open=True))]
"""A number in [0, 1), such as the margin by which probabilities are clipped."""

Boolean = Annotated[bool, Flag()]
"""True or false."""

Distance = Annotated[Literal["sqeuclidean", "euclidean", "cosine"], Choice(("sqeuclidean", "euclidean", "cosine"))]
"""The name of a distance: `sqeuclidean`, `euclidean` or `cosine`."""

Mining = Annotated[Literal["semihard", "hard", "all"], Choice(("semihard", "hard", "all"))]
"""How triplets are chosen: `semihard`, `hard` or `all`."""

ClassesCounted = Annotated[Literal["all", "present"], Choice(("all", "present"))]
"""The classes that count: `all`, or those `present` in the row's target."""

OverlapWeighting = Annotated[Literal["square", "simple", "uniform"], Choice(("square", "simple", "uniform"))]
"""The weight of a class: one over the square of its pixels, one over its pixels, or 1."""

BoxFormat = Annotated[Literal["xyxy", "xywh", "cxcywh"], Choice(("xyxy", "xywh", "cxcywh"))]
"""What the four numbers of a box are: `xyxy`, `xywh` or `cxcywh`."""

BoxPenalty = Annotated[Literal["giou", "diou", "ciou"] | None, OrNone(Choice(("giou", "diou", "ciou")))]
"""What is added to the overlap of boxes: `giou`, `diou`, `ciou`, or None."""

Weights = Annotated[tuple[float, ...] | None, OrNone(PerClass(Number(NON_NEGATIVE)))]
"""One number >= 0 a class, as `2/4/6`, or None."""

PositiveWeight = Annotated[float | tuple[float, ...], PerClass(Number(POSITIVE), single=True, each="label")]
"""A number > 0, or one a label."""

Alpha = Annotated[float | None, OrNone(Number(UNIT))]
"""A number in [0, 1], or None."""

PositiveOrNone = Annotated[float | None, OrNone(Number(FINITE_POSITIVE))]
"""A finite number > 0, or None."""

IgnoreIndex = Annotated[int | None, OrNone(Number(integer=True))]
"""The class label of rows that do not count, or None."""

ClassOrder = Annotated[tuple[str, ...] | None, OrNone(NameList())]
"""The names of the classes in order, as `low/mid/high`, or None."""

Cosine = Annotated[float, Number(MINUS_ONE_TO_ONE)]
"""A number in [-1, 1]."""

Angle = Annotated[float, Number(Interval(0, math.pi))]
"""An angle in radians, in [0, pi]."""

Times = Annotated[tuple[float, ...], censoring.IncreasingTimes(Number(FINITE_POSITIVE), each="time")]
"""Two or more finite times > 0, which increase, as `1/2.5/5`."""

Order = Annotated[float, ExceptOne(FINITE_POSITIVE)]
"""A finite number > 0 other than 1, such as the order of a Rényi divergence."""

EPS = 2.220446049250313e-16
