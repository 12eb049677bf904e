"""What the annotations of a loss may be: domains of arrays, of parameters, and what makes others.

The positional parameters of a loss are the arrays that it reads, the keyword-only ones its settings:

    from losscli import loss
    from losscli.domains import Positive, Real

    @loss(family="regression", formula="scale |e|^1.5")
    def three_halves(y_true: Real, y_pred: Real, *, scale: Positive = 1.0):
        "Between mae and mse."
        return scale * abs(y_pred - y_true) ** 1.5

A domain checks values before the kernel sees them: a message names the file, the column and the row of a wrong one, and
`explain`, help and `list` say what is allowed. An array reaches the kernel as float64 unless its domain says int64. N
is the number of rows, C of classes, D the length of a vector. Optional arrays have the default None.

What the names below do not say is said with the classes: `Annotated[float, Number(Interval(0, 5))]` is a parameter in
[0, 5], `Annotated[str, Choice(("a", "b"))]` one of two words, `Annotated[Array, Numbers(interval=Interval(0, 100))]` an
array of percentages. `OrNone(...)` also allows None, `PerClass(Number(...))` is one number a class.
"""

from __future__ import annotations

from losscli.declaration.domains import (
    Alpha,
    Angle,
    AnyLabel,
    Array,
    Bias,
    Boolean,
    Box,
    BoxFormat,
    CenterLabel,
    ClassLabel,
    ClassProbabilities,
    ClassTarget,
    Cosine,
    CosineRow,
    Count,
    Distance,
    Distances,
    Epsilon,
    ExtendedReal,
    FiniteNonNegative,
    FiniteNonZero,
    FinitePositive,
    FrameCounts,
    Frames,
    GroupLabel,
    IgnoreIndex,
    Interval,
    Label,
    LabelOrOneHot,
    LabelRow,
    LogProbabilities,
    Mask,
    Mining,
    NonNegative,
    NonNegativeReal,
    NonNegativeRow,
    NonZeroReal,
    Number,
    Order,
    OrNone,
    PairLabel,
    PerClass,
    Position,
    Positive,
    PositiveReal,
    PositiveRow,
    PositiveWeight,
    Power,
    PredictedDistribution,
    PredictedLabel,
    Probability,
    PrototypeLabel,
    Prototypes,
    Rate,
    Real,
    RealAboveMinusOne,
    Relevance,
    Score,
    Scores,
    SignLabel,
    SignPairLabel,
    SoftLabel,
    SymbolCounts,
    Symbols,
    TrueDistribution,
    TweedieMean,
    TweedieTarget,
    UnitInterval,
    Vector,
    Weights,
)
from losscli.declaration.domains.arrays import Numbers
from losscli.declaration.domains.parameters import Choice

__all__ = [  # arrays
    "AnyLabel",
    "Bias",
    "Box",
    "CenterLabel",
    "ClassLabel",
    "ClassProbabilities",
    "ClassTarget",
    "CosineRow",
    "Distances",
    "FrameCounts",
    "Frames",
    "GroupLabel",
    "Label",
    "LabelOrOneHot",
    "LabelRow",
    "LogProbabilities",
    "NonNegativeReal",
    "NonNegativeRow",
    "NonZeroReal",
    "PairLabel",
    "PositiveReal",
    "PositiveRow",
    "PredictedDistribution",
    "PredictedLabel",
    "Probability",
    "PrototypeLabel",
    "Prototypes",
    "Rate",
    "Real",
    "RealAboveMinusOne",
    "Relevance",
    "Score",
    "Scores",
    "SignLabel",
    "SignPairLabel",
    "SoftLabel",
    "SymbolCounts",
    "Symbols",
    "TrueDistribution",
    "TweedieMean",
    "TweedieTarget",
    "Vector",
]
__all__ += [  # parameters
    "Alpha",
    "Angle",
    "Boolean",
    "BoxFormat",
    "Cosine",
    "Count",
    "Distance",
    "Epsilon",
    "ExtendedReal",
    "FiniteNonNegative",
    "FiniteNonZero",
    "FinitePositive",
    "IgnoreIndex",
    "Mining",
    "NonNegative",
    "Order",
    "Position",
    "Positive",
    "PositiveWeight",
    "Power",
    "UnitInterval",
    "Weights",
]
__all__ += ["Array", "Choice", "Interval", "Mask", "Number", "Numbers", "OrNone", "PerClass"]  # what makes others
