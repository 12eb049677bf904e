"""The pictures of the page, drawn from what the one pass over the data observed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from losscli.data.batch import MODEL_ROLE
from losscli.errors import LosscliError
from losscli.evaluation.row_sample import RowSample
from losscli.options import EvaluationOptions
from losscli.page.content import DrawnPicture
from losscli.page.findings import Findings, Observed, without_groups
from losscli.plot.kinds import PlotOptions, Request, kind_of, misfit, resampling_of
from losscli.plot.pictures import Picture

MAX_LOSSES_DRAWN = 7
"""Losses of a picture: as many as there are colours."""
