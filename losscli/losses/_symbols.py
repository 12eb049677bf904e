"""What symbols of several formulas stand for."""

from __future__ import annotations

RESIDUAL = {"e": "y_pred - y_true"}

STANDARDIZED = RESIDUAL | {
    "z": "e / scale",
    "Phi": "the distribution function of the standard normal distribution",
    "phi": "the density of the standard normal distribution",
}
"""Of scores of distributions with a location and a scale."""

PROBABILITY = {
    "y": "y_true",
    "p": "y_pred, or sigmoid(s)",
    "s": "y_pred, the logit",
    "p_t": "p for label 1, else 1 - p",
}
"""Of losses of two classes."""

SIGN = {"y": "y_true, -1 or 1", "s": "y_pred"}
"""Of losses of a margin."""

CLASSES = {
    "t": "the class of y_true",
    "t_c": "y_true: 1 for its class, else 0, or a probability",
    "t_k": "t_c of class k",
    "p": "y_pred, or softmax(s)",
    "p_t": "the probability of the class of y_true",
    "s": "y_pred, scores or logits",
    "w": "class_weight, or 1",
    "c": "a class",
    "j": "any class",
    "k": "any class",
    "C": "the number of classes",
}
"""Of losses of one class out of several."""

DISTRIBUTIONS = {
    "p": "y_true",
    "q": "y_pred, or softmax(s)",
    "s": "y_pred, the logits",
    "P": "the distribution p",
    "Q": "the distribution q",
    "KL": "KL(P, Q) = sum_c p_c log(p_c / q_c), the loss kl",
    "m": "(p + q)/2",
    "c": "a class",
    "k": "any class",
    "C": "the number of classes",
}

PROTOTYPES = {
    "x": "a row of embeddings",
    "W": "weights; W_j is the row of class j",
    "b": "bias",
    "y": "its class, of labels",
    "j": "any class",
    "cos": "the cosine of x and W, or y_pred",
    "theta": "the angle of x and W",
    "p": "the softmax; p_j is the softmax of class j",
    "'": "the derivative",
}
"""Of losses of an embedding against a prototype for each class."""

TRIPLETS = {
    "d": "the distance",
    "a": "the anchor",
    "p": "the positive",
    "n": "the negative",
    "x": "positive or negative",
    "cos": "the cosine of a and x",
    "'": "the derivative by the anchor",
}

COSINE = {"cos": "the cosine of two vectors"}
