"""What people type from habit: what other tools call commands and options."""

from __future__ import annotations

OTHER_COMMANDS = {
    "?": "losscli --help",
    "/?": "losscli --help",
    "docs": "losscli --help",
    "losses": "losscli list",
    "ls": "losscli list",
    "usage": "losscli --help",
    "version": "losscli --version",
}
"""What other tools call a command -> how it is typed."""

_WORDS_FOR_COMMANDS = {
    "compute": "evaluate eval calculate calc run score loss measure test metric",
    "compare": "benchmark diff rank versus vs",
    "recommend": "suggest advise choose select which",
    "list": "listlosses catalogue catalog metrics search find showlosses",
    "explain": "describe doc info show details",
    "plot": "graph draw curve curves chart",
    "report": "html page",
    "completion": "complete autocomplete installcompletion",
    "help": "man manual",
}

SAME_COMMANDS = {word: name for name, words in _WORDS_FOR_COMMANDS.items() for word in words.split()}
"""Another word for a command, without dashes -> the command."""

WORDS_FOR_DATA = ("data", "dataset", "file", "files", "input", "input-file", "path", "paths")
"""What other tools call the option of files, which need none here."""

WORDS_FOR_HELP = ("?", "h", "help", "man", "usage")

OTHER_OPTIONS = {
    "agg": "reduction",
    "aggregate": "reduction",
    "average": "reduction",
    "bootstrap": "ci",
    "by": "group-by",
    "confidence": "ci",
    "csv": "format csv",
    "dropna": "nan omit",
    "fail-under": "fail-if",
    "fail-on": "fail-if",
    "fmt": "format",
    "groups": "group-by",
    "head": "top",
    "index": "id",
    "json": "format json",
    "k": "top",
    "key": "id",
    "label": "true",
    "labels": "true",
    "limit": "top",
    "metric": "losses",
    "metrics": "losses",
    "n-boot": "resamples",
    "n-jobs": "jobs",
    "no-color": "color never",
    "out": "output",
    "output-file": "output",
    "output-format": "format",
    "prediction": "pred",
    "predictions": "pred",
    "random-state": "seed",
    "reduce": "reduction",
    "sample-weight": "weight",
    "save": "output",
    "sep": "delimiter",
    "silent": "quiet",
    "skipna": "nan omit",
    "target": "true",
    "threads": "jobs",
    "threshold": "fail-if",
    "weights": "weight",
    "workers": "jobs",
    "worst": "top",
    "y-pred": "pred",
    "y-true": "true",
}
"""What other tools call an option -> the option, and its value."""
