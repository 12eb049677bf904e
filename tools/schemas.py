"""The JSON Schema of each document that losscli writes, and the page that explains them.

A key is declared once, here, with its type and its meaning. `python tools/regenerate.py schemas` writes
`docs/schema/*.json` and the tables of `docs/reference/json-schema.md` from it; tests hold documents of many commands
against the schemas, which allow no key that is not declared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLACE = "https://losscli.github.io/losscli/schema/"

# ------------------------------------------------------------------------------------------------------- the types


def of_type(kind: str | list[str], text: str, **more: Any) -> Schema:
    """Return the schema of a value of a type, with its meaning."""
    return {"type": kind, "description": text, **more}


def number(text: str) -> Schema:
    """Return the schema of a number."""
    return of_type("number", text)


def number_or_null(text: str, why: str = "it is not a finite number") -> Schema:
    """Return the schema of a number that may be null, with the reason."""
    return of_type(["number", "null"], f"{text}; null if {why}")


def count(text: str) -> Schema:
    """Return the schema of a number of things."""
    return of_type("integer", text, minimum=0)


def text(meaning: str, *words: str) -> Schema:
    """Return the schema of a text, or of one of some words."""
    return of_type("string", meaning, **({"enum": list(words)} if words else {}))


def text_or_null(meaning: str, why: str, *words: str) -> Schema:
    """Return the schema of a text that may be null, with the reason."""
    return of_type(["string", "null"], f"{meaning}; null if {why}", **({"enum": [*words, None]} if words else {}))


def flag(meaning: str) -> Schema:
    """Return the schema of true or false."""
    return of_type("boolean", meaning)


def flag_or_null(meaning: str, why: str) -> Schema:
    """Return the schema of true or false that may be null, with the reason."""
    return of_type(["boolean", "null"], f"{meaning}; null if {why}")


def array(items: Schema, meaning: str) -> Schema:
    """Return the schema of a list."""
    return of_type("array", meaning, items=items)


def mapping(values: Schema, meaning: str) -> Schema:
    """Return the schema of an object whose keys come from the data or the command."""
    return of_type("object", meaning, additionalProperties=values)


def record(meaning: str, required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """Return the schema of an object with known keys: those that are always there, and those that may be."""
    more = {"required": list(required), "additionalProperties": False}
    return of_type("object", meaning, properties={**required, **(optional or {})}, **more)


def part(name: str) -> Schema:
    """Return a reference to a part that several documents have."""
    return {"$ref": f"#/$defs/{name}"}


NUMBER, NUMBER_OR_NULL, TEXT = {"type": "number"}, {"type": ["number", "null"]}, {"type": "string"}
SETTING: Schema = {"type": ["number", "boolean", "string", "array", "null"], "items": {"type": ["number", "null"]}}

# -------------------------------------------------------------------------------------- parts of several documents

GROUP = mapping(TEXT, "column -> value of the group; only with groups")
MODEL = text("name of the model; only with several models")
PARAMS = mapping(SETTING, "all parameters of the loss, defaults included; a number that is not finite is null")
LABEL = text("the loss as typed, with the parameters that are not defaults; a key for `--fail-if` and baselines")
HEADER = {
    "schema_version": of_type("integer", "version of the documents", const=1),
    "losscli": text("version of losscli that wrote the document"),
}

DRAWN = {
    "cluster": text("column whose values are resampled whole, with all their rows"),
    "block": of_type(["integer", "string"], "how many consecutive rows are resampled together, or auto"),
}

PARTS: dict[str, Schema] = {
    "data": record(
        "The data that was read.",
        {
            "paths": array(TEXT, "files as typed; standard input is `-`"),
            "format": text("format of the files, such as csv or parquet"),
            "n": count("rows of the data"),
            "n_used": count("rows that were evaluated"),
            "n_omitted": count("rows left out for a missing value, with `--nan omit`"),
            "weight_sum": number_or_null("sum of the weights; without weights the number of rows"),
        },
    ),
    "ci": record(
        "A confidence interval.",
        {
            "low": number_or_null("lower end, in the unit of the value", "there is no interval"),
            "high": number_or_null("upper end, in the unit of the value", "there is no interval"),
            "level": number("level, such as 0.95"),
            "method": text_or_null("studentized, bca, percentile, poisson", "there is no interval"),
            "resamples": count("how often rows were resampled; 0 without an interval"),
            "seed": of_type("integer", "seed of the resampling"),
        },
        {
            "why": text("why there is no interval, another method than the one asked for, or a warning"),
            "cluster": DRAWN["cluster"],
            "block": count("how many consecutive rows were resampled together"),
            "units": count("how many clusters or blocks a resample has"),
            "warning": text("why the interval is too short: few rows carry the value"),
            "effective_n": number("how many rows the value rests on, where there is such a warning"),
        },
    ),
    "intervals": record(
        "How the intervals were found; only with intervals.",
        {
            "level": number("level, such as 0.95"),
            "method": text_or_null("method of all intervals", "they have several"),
            "resamples": of_type(["integer", "null"], "how often rows were resampled; null if they were not"),
            "seed": of_type("integer", "seed of the resampling"),
        },
        DRAWN,
    ),
    "gate": record(
        "A condition of `--fail-if`, judged for one group or model.",
        {
            "condition": text("the condition as typed"),
            "value": number_or_null("the number that it tests", "there is none, which is a failure"),
            "failed": flag("whether the condition is true, or cannot be judged: the exit status is 1"),
        },
        {
            "group": mapping(TEXT, "column -> value of the group; the model as `model`"),
            "reason": text("why it failed; only if it did"),
            "warning": text("why a condition that holds is not to be trusted"),
        },
    ),
}

GATES = array(part("gate"), "verdicts on the conditions of `--fail-if`; only with such")

RESULT = {
    "loss": LABEL,
    "name": text("name of the loss in the catalogue"),
    "params": PARAMS,
    "value": number_or_null("the reduced loss, in its unit", "`status` is not ok"),
    "status": text("whether the value is a finite number", "ok", "inf", "nan"),
    "n": count("rows that the value is of"),
    "weight_sum": number_or_null("sum of their weights"),
}
ONLY_ASKED = {
    "group": GROUP,
    "model": MODEL,
    "ci_low": number_or_null("lower end of the interval; only with `--ci`", "there is no interval"),
    "ci_high": number_or_null("upper end of the interval; only with `--ci`", "there is no interval"),
    "ci": part("ci"),
    "penalty": number_or_null("the part of the value that is the penalty; only with `--penalty`"),
    "baseline": number_or_null("value in the file of `--baseline`", "it was not finite, or the file lacks the loss"),
    "change": number_or_null("(value - baseline) / |baseline|", "one of them is not finite, or only the baseline is 0"),
}
END = {
    "clipped": count("rows of which a probability was clipped, so that its logarithm is finite"),
    "signature": text("everything that the value depends on: equal signatures name the same number"),
}

# ------------------------------------------------------------------------------------------------------ documents

COMPUTE = record(
    "What `losscli compute -f json` prints. It is also what `--baseline` reads.",
    {
        **HEADER,
        "data": part("data"),
        "losses": array(
            record(
                "A loss, of all rows or of a group.",
                {
                    **RESULT,
                    "value": number_or_null("the reduced loss, in its unit, with its penalty", "`status` is not ok"),
                    "std": number_or_null("standard deviation of the per-sample losses; it divides by n"),
                    "min": number_or_null("smallest per-sample loss"),
                    "median": number_or_null("median of the per-sample losses"),
                    "p95": number_or_null("95th percentile of the per-sample losses"),
                    "max": number_or_null("largest per-sample loss"),
                    "sum": number_or_null("sum of the per-sample losses"),
                    "exact": flag("whether median and p95 are exact; they are within 0.1 % beyond a million rows"),
                    **END,
                },
                {key: schema for key, schema in ONLY_ASKED.items() if key != "model"},
            ),
            "one entry a loss; with groups, one a group and loss",
        ),
    },
    {
        "intervals": part("intervals"),
        "penalty": record(
            "The penalty that is part of every value; only with `--penalty`.",
            {
                "name": text("name of the penalty", "l1", "l2", "elastic_net"),
                "params": mapping(NUMBER, "its strength `lambda`, and `ratio` of an elastic net"),
                "value": number_or_null("the penalty"),
                "n": count("number of parameters"),
                "parameters": text("file of the parameters"),
            },
        ),
        "gates": GATES,
        "samples": array(
            mapping(
                {"type": ["number", "string", "boolean", "null"]},
                "`row`, the number of the row from 1, or the column of `--id`; the roles; each loss by its label; "
                "its gradients as `LOSS.gradient` or `LOSS.gradient_0`, ...; null if a number is not finite",
            ),
            "one entry a row; only with `--per-sample`, `--gradient` or `--top`",
        ),
    },
)

CONTEST_MODEL = {
    "difference": number_or_null("value minus that of the reference", "a value is not finite"),
    "diff_low": number_or_null("lower end of its interval; all intervals hold at once", "there is no interval"),
    "diff_high": number_or_null("upper end of its interval", "there is no interval"),
    "relative": number_or_null("difference / value of the reference", "that value is not above 0"),
    "relative_low": number_or_null("lower end of the interval of `relative`", "there is no interval"),
    "relative_high": number_or_null("upper end of the interval of `relative`", "there is no interval"),
    "p": number_or_null("p-value of no difference, adjusted by Holm", "it is the reference, or nothing was drawn"),
    "verdict": text_or_null("what the rows say of the model", "they say nothing", "best", "worse", "undecided"),
}
SENSITIVITY = {
    "inflation": number_or_null("value / value without the outlier rows", "no row is an inlier"),
    "pull": number_or_null("how far outliers move a fitted constant, in robust sd", "the loss has no such constant"),
    "stress": number_or_null("inflation if 1 in 100 other rows were 10 robust sd off", "it has no residual"),
    "effective_n": number_or_null("Kish's effective sample size of the shares of rows", "no row has a share"),
    "top_share": number_or_null("share of the value that its largest 1 % of rows carry", "no row has a share"),
    "skill": number_or_null("1 - value / value of the best constant prediction", "no constant is known"),
    "bounded_value": flag_or_null("false: one row can make the value as large as it likes", "it is not known"),
    "bounded_gradient": flag_or_null("false: one row can pull a fit without limit", "it is not known"),
    "effective_n_normal": number_or_null("what `effective_n` would be for normal errors", "it is not known"),
}
MODEL_COUNTS = {"type": "integer", "minimum": 0}
FLAGGED = record(
    "Outlier rows, of all data, or of a group and model.",
    {
        "rule": text("the rule that flags rows, such as mad:3.5"),
        "n": of_type(["integer", "null"], "rows that it flags; null if it has no answer"),
        "share": number_or_null("their share of the rows", "the rule has no answer"),
    },
    {
        "group": GROUP,
        "model": MODEL,
        "rows": array(
            {
                **record(
                    "A flagged row. Beside these keys it has the value of each role, such as `y_true`.",
                    {
                        "row": count("number of the row, from 1"),
                        "residual": number_or_null("y_pred - y_true", "the losses have none"),
                        "shares": mapping(NUMBER_OR_NULL, "loss -> share of its value that the row carries"),
                    },
                    {"id": text("name of the row; only with `--id`")},
                ),
                "additionalProperties": NUMBER_OR_NULL,
            },
            "the worst of them; only with `--show-outliers`",
        ),
    },
)
RANKS = record(
    "A test of the ranks of the models over the groups; null with too few groups.",
    {
        "groups": count("groups where each model has a value"),
        "mean_ranks": mapping(NUMBER, "model -> mean rank, 1 for the best"),
        "level": number("level of the test"),
        "critical_difference": number("mean ranks that are so far apart differ (Nemenyi)"),
        "kendall_w": number_or_null("1 if all groups rank the models alike", "all models tie in each group"),
        "f": number_or_null("Friedman's statistic, corrected by Iman and Davenport", "it is infinite, or all tie"),
        "p": number_or_null("p-value of equal ranks", "all models tie in each group"),
    },
)
RANKS["type"] = ["object", "null"]
LEADERBOARD = record(
    "A model, of all rows or of a group.",
    {
        "model": text("name of the model"),
        "n": count("rows"),
        "mean_rank": number_or_null("mean of its ranks under the losses", "none of them ranks anything"),
        "losses": mapping(
            record(
                "How it did under a loss.",
                {
                    "value": number_or_null("the loss"),
                    "rank": number_or_null(
                        "rank of the model, 1 for the smallest value; ties share the mean of their ranks",
                        "the loss ranks nothing",
                    ),
                    "best": flag_or_null("whether its value is the smallest", "the loss ranks nothing"),
                    "in_set": flag_or_null("whether it may be the best model", "there is no interval"),
                },
            ),
            "loss -> how the model did",
        ),
    },
    {"group": GROUP, "overall_rank": number_or_null("mean rank over the groups, too; only with groups", "it has none")},
)
FLIP = record(
    "The fewest rows without which another model would be the best.",
    {
        "n": count("how many rows"),
        "to": text("the model that would be the best"),
        "rows": array({"type": "integer"}, "numbers of these rows from 1, at most 100 of them"),
    },
    {"ids": array(TEXT, "names of these rows; only with `--id`")},
)
FLIP["type"] = ["object", "null"]
DOMINANCE = record(
    "Two models that losses disagree on, compared by all losses for a functional.",
    {
        "functional": text("the functional, such as mean or median"),
        "models": array(TEXT, "the two models"),
        "dominates": text_or_null("the model that every such loss prefers", "there is none"),
        "n_crossings": count("how often the curves of their elementary scores cross"),
        "crossing": of_type(
            ["array", "null"], "thresholds of the first and the last crossing; null without one", items=NUMBER_OR_NULL
        ),
        "lower": mapping(
            {"type": "array", "items": NUMBER_OR_NULL}, "model -> ends of the thresholds where it gains most"
        ),
    },
)

COMPARE = record(
    "What `losscli compare -f json` prints. `--baseline` reads it, too.",
    {
        **HEADER,
        "data": part("data"),
        "outliers": {
            "description": "the outlier rows: an object, or with groups or models a list of one entry each",
            "anyOf": [part("flagged"), {"type": "array", "items": part("flagged")}],
        },
        "losses": array(
            record(
                "A loss, of all rows, or of a group and model.",
                {
                    **{key: RESULT[key] for key in ("loss", "name", "params")},
                    "rank": of_type(["integer", "null"], "1 = least sensitive to outliers; null if nothing is known"),
                    **{key: RESULT[key] for key in ("value", "status", "n", "weight_sum")},
                    **SENSITIVITY,
                    **END,
                },
                {
                    **{key: schema for key, schema in ONLY_ASKED.items() if key != "penalty"},
                    **CONTEST_MODEL,
                    "flip": of_type(
                        ["integer", "null"],
                        "fewest rows whose removal would make another model the best; null if it is not the best",
                    ),
                    "mcb": number_or_null("miscalibration; only with `--decompose`", "the loss has no decomposition"),
                    "dsc": number_or_null("discrimination; value = mcb - dsc + unc", "it has no decomposition"),
                    "unc": number_or_null("uncertainty", "it has no decomposition"),
                    "bias": number_or_null("bias of the forecasts", "it has no decomposition"),
                    "bias_low": number_or_null("lower end of its interval", "there is none"),
                    "bias_high": number_or_null("upper end of its interval", "there is none"),
                    "bias_ci": part("ci"),
                },
            ),
            "one entry a loss; with groups or models, one a group, loss and model",
        ),
    },
    {
        "intervals": part("intervals"),
        "contests": array(
            record(
                "The models under one loss.",
                {
                    "loss": LABEL,
                    "best": text_or_null("model with the smallest value", "the loss ranks nothing"),
                    "reference": text("model that the others are compared with"),
                    "confidence_set": array(TEXT, "models that may be the best; empty where that cannot be said"),
                    "level": number("level of the intervals"),
                    "method": text_or_null("method of the intervals", "there is none"),
                    "resamples": of_type(["integer", "null"], "how often rows were resampled; null if they were not"),
                    "seed": of_type("integer", "seed of the resampling"),
                    "critical_value": number_or_null("standard errors to each side of a difference", "there is none"),
                    "models": array(
                        record(
                            "A model under this loss.",
                            {"model": text("name of the model"), "value": number_or_null("the loss"), **CONTEST_MODEL},
                        ),
                        "the models, the best first",
                    ),
                    "flip": FLIP,
                },
                {"group": GROUP, **DRAWN, "units": count("how many clusters or blocks a resample has")},
            ),
            "one entry a loss, or a group and loss; only with several models",
        ),
        "agreement": array(
            record(
                "Whether the losses agree on the models.",
                {
                    "kendall_w": number_or_null(
                        "1 if all losses rank the models alike, 0 if not at all", "there is one loss"
                    ),
                    "same_winner": flag_or_null(
                        "whether one model is the best under all losses", "the rows leave it open"
                    ),
                    "dominance": array(DOMINANCE, "pairs of models that losses disagree on"),
                },
                {"group": GROUP},
            ),
            "one entry, or one a group; only with several models",
        ),
        "wins": array(
            record(
                "In how many groups each model is the best under a loss.",
                {
                    "loss": LABEL,
                    "groups": count("number of groups"),
                    "best": mapping(MODEL_COUNTS, "model -> groups in which it alone may be the best"),
                    "undecided": count("groups in which several models may be the best"),
                    "untested": count("groups without an interval"),
                    "smallest": mapping(MODEL_COUNTS, "model -> groups in which its value is the smallest"),
                    "ranks": RANKS,
                },
            ),
            "one entry a loss; only with several models and groups",
        ),
        "leaderboard": array(LEADERBOARD, "one entry a model, or a group and model; only with `--leaderboard`"),
        "gates": GATES,
    },
)

RECOMMEND = record(
    "What `losscli recommend -f json` prints.",
    {
        **HEADER,
        "data": part("data"),
        "task": text("what the data is for, such as regression, binary or multiclass"),
        "facts": array(
            record(
                "A fact about the data.",
                {
                    "key": text("name of the fact"),
                    "value": {"description": "the fact as a number, text, list or object, depending on its key"},
                    "text": text("the fact in words"),
                },
            ),
            "what was found in the data",
        ),
        "losses": array(
            record(
                "Advice on a loss.",
                {
                    "verdict": text("what to do with it", "use", "consider", "avoid", "refused"),
                    "loss": LABEL,
                    "name": text("name of the loss in the catalogue"),
                    "params": PARAMS,
                    "aims_at": text_or_null("functional that minimises the loss, such as mean", "none is known"),
                    "column": text_or_null("column of the predictions", "they are y_pred"),
                    "reason": text("why"),
                },
            ),
            "advice on losses, the best first",
        ),
        "command": text_or_null("command that compares the losses to use", "the data is from no file, or none fits"),
        "commands": array(TEXT, "such commands; there are more if other columns are predictions, too"),
        "notes": array(TEXT, "what to look at in the data"),
    },
)

PARAMETERS = array(
    record(
        "A parameter.",
        {
            "name": text("name of the parameter"),
            "default": {**SETTING, "description": "its default; null for none, for infinity, and where it is required"},
            "range": text("what it can be, in words"),
            "required": flag("whether it has no default, so that the loss needs it"),
        },
    ),
    "its parameters",
)
ABOUT = {
    "name": text("name of the loss"),
    "aliases": array(TEXT, "other names, Chinese ones among them"),
    "family": text("family of the loss, such as regression"),
    "summary": text("the loss in one sentence"),
    "formula": text("formula of a row's loss"),
    "symbols": mapping(TEXT, "symbol of the formula -> what it stands for"),
    "params": PARAMETERS,
    "elicits": text_or_null("functional that minimises the loss, such as mean", "none is known"),
    "unit": text("unit of the value, y being that of the target"),
    "equivalents": mapping(TEXT, "library -> the same loss there, or how it differs"),
    "references": array(TEXT, "publications"),
}
PROPERTY_NAMES = ("convex", "differentiable", "bounded_value", "bounded_gradient", "symmetric", "translation_invariant")
ROLE = {
    "name": text("name of the role"),
    "shape": text("shape of the array"),
    "values": text("what the values can be"),
    "optional": flag("whether it can be left out"),
    "form": count("number of the set of roles that it belongs to; a loss may have several sets"),
}

CATALOGUE: Schema = array(
    record(
        "A loss.",
        {
            **ABOUT,
            "roles": array({"type": "array", "items": TEXT}, "names of its roles; a list for each set of roles"),
            "properties": array(text("a property", *PROPERTY_NAMES), "what holds whatever the parameters"),
        },
    ),
    "What `losscli list -f json` prints: one entry a loss, in the order of the table.",
)

EXPLANATION = record(
    "A loss and everything that is known of it.",
    {
        **ABOUT,
        "details": text("more about the loss; empty if there is no more"),
        "roles": array(record("An array that the loss reads.", ROLE), "its roles"),
        "requires": text_or_null("what the parameters must fulfil together", "nothing"),
        "gradient": of_type(
            ["array", "null"],
            "gradients of a row's loss; null if it has none",
            items=record(
                "A gradient.",
                {
                    "role": text("by which role"),
                    "formula": text("its formula"),
                    "form": count("number of the set of roles"),
                },
            ),
        ),
        "properties": record(
            "What holds for these parameters.", {name: flag("whether the loss is so") for name in PROPERTY_NAMES}
        ),
        "properties_where": mapping({"type": "array", "items": TEXT}, "property -> other parameters where it holds"),
        "breakdown_point": number_or_null("share of bad rows that a fit stands", "it is not known"),
        "reduction": text("how per-sample losses become one number, such as mean or root_mean"),
        "whole": flag("whether rows depend on each other, so that the loss is of all rows at once"),
        "advice": mapping(TEXT, "`use`, `avoid` and `pitfalls` -> advice"),
    },
    {
        "label": text("the loss with the parameters that are set; only if some are"),
        "values": mapping(SETTING, "all parameters; only if some are set"),
        "breakdown_note": text("under which condition the breakdown point holds"),
    },
)
EXPLAIN: Schema = {
    "description": "What `losscli explain -f json` prints: a loss, or with several losses an object of them.",
    "anyOf": [
        part("explanation"),
        record("Several losses.", {"losses": array(part("explanation"), "the losses, in the order typed")}),
    ],
}

STYLE = of_type("integer", "index of its colour and dash: the same for one loss or model in all panels", minimum=0)
POINTS = {"type": "array", "items": NUMBER_OR_NULL}


def mark(kind: str, meaning: str, **fields: Schema) -> Schema:
    """Return the schema of a mark of a picture."""
    label = text("what it is; empty if nothing is written beside it")
    return record(meaning, {"type": of_type("string", "kind of the mark", const=kind), "label": label, **fields})


def points(meaning: str) -> Schema:
    """Return the schema of coordinates."""
    return {**POINTS, "description": f"{meaning}; null is a gap"}


AXIS = record(
    "An axis.",
    {
        "label": text("its label, with the unit"),
        "low": number_or_null("lower end"),
        "high": number_or_null("upper end"),
        "is_log": flag("whether it is logarithmic"),
        "categories": array(TEXT, "names at 0, 1, ... of an axis of names; empty for one of numbers"),
    },
)
MARKS = [
    mark("line", "A curve.", x=points("places"), y=points("heights"), style=STYLE, is_reference=flag("thin and grey")),
    mark(
        "bars",
        "Bars.",
        edges=points("edges, one more than heights"),
        heights=points("heights"),
        style=STYLE,
        is_outline=flag("whether it is an outline only"),
        is_marked=array({"type": "boolean"}, "which bars stand out; empty if none do"),
        details=mapping({"type": "array", "items": TEXT}, "heading -> text beside each bar"),
    ),
    mark(
        "band",
        "The area between two curves.",
        x=points("places"),
        low=points("lower"),
        high=points("upper"),
        style=STYLE,
    ),
    mark(
        "interval",
        "A value with its interval.",
        category=count("its place on the axis of names"),
        value=number_or_null("the value"),
        low=number_or_null("lower end", "there is no interval"),
        high=number_or_null("upper end", "there is no interval"),
        text=text("the value for people"),
        remark=text("what is printed above it"),
        style=STYLE,
    ),
    mark("point", "A point.", x=number_or_null("place"), y=number_or_null("height"), style=STYLE),
    mark(
        "rule",
        "A straight line across the panel.",
        x=number_or_null("its place on the x axis", "it is horizontal"),
        y=number_or_null("its place on the y axis", "it is vertical"),
    ),
]
PICTURE = record(
    "What `losscli plot -f json` prints: the numbers of the picture.",
    {
        **HEADER,
        "kind": text("kind of the picture: curves, or a kind of `--kind`"),
        "title": text("its title"),
        "losses": array(TEXT, "the losses, as typed"),
        "sentence": text("what to see in it"),
        "remarks": array(TEXT, "how it was computed, where that needs a word"),
        "facts": of_type("object", "numbers of the sentence; they differ from kind to kind, and may change"),
        "panels": array(
            record(
                "A panel.",
                {
                    "title": text("its title"),
                    "x": part("axis"),
                    "y": part("axis"),
                    "notes": array(TEXT, "lines of text in a corner"),
                    "marks": array({"oneOf": MARKS}, "what is drawn"),
                },
            ),
            "the panels",
        ),
    },
    {"data": part("data"), "intervals": part("intervals")},
)

BASELINE: Schema = of_type(
    "object",
    "What `--baseline` reads: any document of compute or compare. Other keys are left alone.",
    required=["losses"],
    properties={
        "losses": array(
            of_type(
                "object",
                "A loss of the earlier result.",
                required=["loss", "value", "signature"],
                properties={
                    "loss": LABEL,
                    "value": number_or_null("its value"),
                    "signature": END["signature"],
                    "model": MODEL,
                    "group": GROUP,
                },
            ),
            "the losses; no two have the same loss, model and group",
        )
    },
)

DOCUMENTS: dict[str, tuple[str, Schema]] = {
    "compute": ("losscli compute", COMPUTE),
    "compare": ("losscli compare", COMPARE),
    "recommend": ("losscli recommend", RECOMMEND),
    "plot": ("losscli plot", PICTURE),
    "list": ("losscli list", CATALOGUE),
    "explain": ("losscli explain", EXPLAIN),
    "baseline": ("--baseline", BASELINE),
}
"""Name of a schema -> what it is of, and the schema without its parts."""

ALL_PARTS = PARTS | {"flagged": FLAGGED, "explanation": EXPLANATION, "axis": AXIS}


def schema(name: str) -> Schema:
    """Return a schema with all parts that it refers to."""
    title, body = DOCUMENTS[name]
    names: dict[str, None] = {}
    waiting = [body]
    while waiting:
        for found in re.findall(r'"#/\$defs/(\w+)"', json.dumps(waiting.pop())):
            if found not in names:
                names[found] = None
                waiting.append(ALL_PARTS[found])
    parts = {"$defs": {key: ALL_PARTS[key] for key in names}} if names else {}
    return {"$schema": DIALECT, "$id": f"{PLACE}{name}.json", "title": title, **body, **parts}


def make_schema(name: str, old: str = "") -> str:
    """Return the text of the file of a schema, whatever it was."""
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


# -------------------------------------------------------------------------------------------------------- the page

START_OF_TABLES = "<!-- The rest is written by: python tools/regenerate.py schemas -->\n"
HEADINGS_OF_PARTS = {
    "data": "data",
    "ci": "ci",
    "intervals": "intervals",
    "gate": "gates[]",
    "flagged": "outliers",
    "explanation": "a loss",
    "axis": "x and y",
}


def make_page(old: str) -> str:
    """Return the text of the page, with a table for each object of each document."""
    head = old.partition(START_OF_TABLES)[0]
    sections = ["".join(_document(name)) for name in DOCUMENTS]
    return head + START_OF_TABLES + "".join(sections) + "".join(_shared())


def _document(name: str) -> Iterator[str]:
    title, body = DOCUMENTS[name]
    where = f"[{name}.json](../schema/{name}.json)"
    yield f"\n## {title}\n\n{_sentence(body['description'])} Schema: {where}.\n"
    yield from _tables(body, "")


def _shared() -> Iterator[str]:
    yield "\n## Parts of several documents\n"
    for name, body in ALL_PARTS.items():
        yield f"\n### {HEADINGS_OF_PARTS[name]}\n\n{_sentence(body['description'])}\n"
        yield _table(body)
        yield from _inner(body, HEADINGS_OF_PARTS[name].removesuffix("[]") if name != "explanation" else "")


def _tables(body: Schema, path: str) -> Iterator[str]:
    """Yield the table of an object, then those of the objects in it."""
    if "anyOf" in body:
        for one in body["anyOf"]:
            yield from _tables(one, path)
        return
    if body.get("type") == "array":
        yield from _tables(body["items"], f"{path}[]")
        return
    if "oneOf" in body:
        for one in body["oneOf"]:
            kind = one["properties"]["type"]["const"]
            yield f"\n### `{path}` of type {kind}\n\n{_sentence(one['description'])}\n{_table(one)}"
        return
    if "properties" in body:
        if path:
            yield f"\n### `{path}`\n\n{_sentence(body['description'])}\n"
        yield _table(body)
        yield from _inner(body, path)
    elif isinstance(values := body.get("additionalProperties"), dict):
        yield from _tables(values, f"{path}.*")


def _inner(body: Schema, path: str) -> Iterator[str]:
    for key, value in body["properties"].items():
        yield from _tables(value, f"{path}.{key}" if path else key)


def _table(body: Schema) -> str:
    rows = ["\n| key | type | meaning |\n| --- | --- | --- |\n"]
    for key, value in body["properties"].items():
        rows.append(f"| `{key}` | {_type(value)} | {_meaning(value)} |\n")
    return "".join(rows)


def _type(value: Schema) -> str:
    if "$ref" in value:
        return "object"
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if "anyOf" in value:
        return "object or list"
    names = {"array": "list", "integer": "whole number", "boolean": "true, false", "string": "text"}
    kinds = value.get("type", "anything")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = [word for kind in kinds for word in names.get(kind, kind).split(", ")]
    return ", ".join(words[:-1]) + (" or " if words[:-1] else "") + words[-1]


def _meaning(value: Schema) -> str:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        anchor = re.sub(r"[^\w -]", "", HEADINGS_OF_PARTS[name]).replace(" ", "-")
        return f"{_lower(ALL_PARTS[name]['description'])}: [{HEADINGS_OF_PARTS[name]}](#{anchor})".replace(
            "gates[]", "gates"
        )
    words = f": {', '.join(f'`{word}`' for word in value['enum'] if word)}" if "enum" in value else ""
    meaning = value["description"]
    return ((_lower(meaning) if meaning.endswith(".") else meaning) + words).replace("|", "\\|")


def _lower(description: str) -> str:
    text_of_it = description.removesuffix(".")
    return text_of_it[:1].lower() + text_of_it[1:]


def _sentence(description: str) -> str:
    text_of_it = description.removesuffix(".")
    return f"{text_of_it[:1].upper()}{text_of_it[1:]}."
