"""Messages that name options: the Python API and the command line each spell these in their own way.

A message says what is wrong. A hint says how to mend it, by options: `{nan:omit}` is `nan="omit"` in Python, and a
flag and its value in a shell.
"""

from __future__ import annotations

import enum
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

MAX_VALUE_LENGTH = 60
"""Most characters of a value that a message shows."""
MAX_LOSS_LENGTH = 120
"""Most characters of a loss with its parameters that a message shows."""
DIGITS_OF_DIGEST = 16

Spelling = Callable[[str, Any], str]
"""A function of an option's name and value that returns its text."""


class Hint(enum.Enum):
    """What to do about a problem. Names in braces are options, or fields that the message fills."""

    ADD_DECOMPOSITION = "{decompose:true} asks for it"
    ADD_ENGINE = "add {engine:dask}"
    ADD_INTERVAL = "{ci:0.95} asks for one"
    BOX_FORMAT = "{box_format:xyxy} says that they are corners, {box_format:xywh} or cxcywh that they are sizes"
    BOX_CORNERS = "if these are corners, {box_format:xyxy}"
    BOX_SIZES = "if these are sizes, {box_format:xywh} or cxcywh"
    CHOOSE_COLUMN = "{columns:{role}=COL} says which"
    CHOOSE_COLUMNS = "{columns:{role}=COL} and {columns:{other}=COL} say which"
    CHOOSE_PARAMETER = "set {param:{setting}}"
    CHOOSE_PARAMETERS = "set {param:{setting}} or {param:{other}}"
    CHOOSE_TARGET = "{target:mean} or {target:median} says which"
    CLASS_COUNT = "{array} has as many {axis} as there are classes"
    COLUMN_OF_DATA = "{columns:{role}={column}} takes a column of the data"
    COMMENT = "{comment:{sign}} leaves out lines that start with {sign}"
    DECIMAL_COMMA = "{decimal:,} reads decimal commas"
    DECIMAL_OR_TEXT = "{decimal:,} reads decimal commas, {decimal:.} takes them for text"
    DECIMAL_POINT = "leave out {decimal:,} if numbers have decimal points"
    DELIMITER = "{delimiter:{delimiter_name}} splits them"
    DIVIDE_BY_255 = "if these are pixels from 0 to 255, divide by 255"
    DIVIDE_BY_SUM = "{param:normalize=true} divides by the sum"
    DIVIDE_OR_FROM_LOGITS = "{param:normalize=true} divides by it, or add {from_logits:true} if these are logits"
    DIVIDE_OR_GIVE_SOFTMAX = "{param:normalize=true} divides by it, or give the softmax if these are logits"
    EVENT_CODES = "subtract 1 from codes 1 and 2"
    FILE_AS_MODEL = "{model:{path}} makes it one"
    FLATTEN_MASKS = "flatten the masks: labels y_true (N, P) of P pixels, and y_pred (N, P, C)"
    FLATTEN_ONE_HOT = "give labels y_true (N, H, W), or move the classes last and flatten both to (N, P, C)"
    FLATTEN_TARGETS = (
        "{reader} reads probabilities of classes along the last axis: dice, jaccard and dice_ce take masks of two "
        "classes, flattened to (N, P) for dice_ce"
    )
    FROM_LOGITS = "if these are logits, add {from_logits:true}"
    GIVE_DATA = "give a table or {data:{role}}"
    GIVE_HARD_LABELS = "give predicted labels: the class with the highest score, or those above a threshold"
    GIVE_LABELS = "y_pred must then hold labels, too, or one score per class"
    GIVE_LOG_PROBABILITIES = "{role} must hold log-probabilities, such as log_softmax gives"
    NEGATE_LOG_PROBABILITIES = "if these are negative log-likelihoods, change their signs"
    GIVE_NAMES = "leave out {classes:} to compare labels as they are"
    GIVE_SIGMOIDS = "if these are logits, give their sigmoids instead: the loss reads probabilities alone"
    GIVE_SOFTMAX = "if these are logits, give their softmax instead: the loss reads probabilities alone"
    GROUPS_AS_BLOCKS = "{group_by:COL} makes groups, which are such blocks"
    GROUP_BY_FILE_OR_MODEL = "{group_by:{column}} evaluates each, compare with {model:FILE} takes each for a model"
    GROUP_BY_FILE = "{group_by:{column}} takes several, and evaluates each"
    HEAVY_TAIL = "try a robust loss or more rows"
    HEAVY_TAIL_ROWS = "try a robust loss or more rows; see {top:5}"
    HAS_HEADER = "{header:false} if the data starts there, {header:true} if these are names"
    HAS_NAMES = "{header:true} takes the line, {header:false} neither"
    IGNORE_LABEL = "if such labels do not count, set {param:ignore_index={label}}"
    INPUT_FORMAT_OTHER = "{input_format:FORMAT} names another format"
    LABELS_FROM_0 = "labels start at 0: subtract 1, or name the classes with {classes:A,B}"
    LEAVE_OUT_255 = (
        "255 beside 0 and 1 looks like the label of pixels that do not count: leave them out, or take a loss of class "
        "masks, with {param:ignore_index=255}"
    )
    LIST_LOSSES = "{list_losses:} names them"
    LOG_INPUT = "if these are logarithms of rates, add {param:log_input=true}"
    MASK_OF_TWO_CLASSES = "dice, jaccard and dice_ce take masks of two classes, y_true and y_pred (N, P)"
    MORE_RESAMPLES = "{resamples:{count}} can"
    NAME_CLASSES = "{classes:A,B} names the classes in order"
    NAME_COLUMNS = "{columns:{role}=A,B} names them one by one"
    MODEL_FILES = "compare with {model:{pattern}} takes each for a model"
    NAME_MODEL = "{model:NAME=FILE} gives another name"
    NAME_ROLES = "name the role of each, as {data:y_true} {data:y_pred}"
    OMIT_KEYS = "{nan:omit} leaves out keys that one of the files lacks"
    OMIT_MISSING = "{nan:omit} leaves such rows out"
    OMIT_OR_PROPAGATE = "{nan:omit} leaves them out, {nan:propagate} keeps them as NaN"
    PAD_ROWS = "pad all rows to one length (input_lengths, target_lengths or ignore_index say what counts)"
    PAIR_BY_ID = "{id:{column}} pairs them by it"
    PAIR_BY_NAME = "give the column a name, and {id:NAME} pairs them by it"
    PAIR_IN_ORDER_OR_BY_ID = "rows are paired in order, or by a key with {id:COL}"
    PENALTY_EXAMPLE = "as in {penalty:l2:lambda=0.01} {parameters:w.npy}"
    PER_CLASS_COLUMNS = "columns such as {role}_0, {role}_1, or {columns:{role}=prob_*}"
    QUOTE_PATTERN = "quote a pattern of models, so that the shell leaves it as it is, or type {model:} before each"
    RESAMPLE_BLOCKS = "{block:auto} makes intervals that allow for it"
    RESAMPLE_CLUSTERS = "{cluster:{column}} makes intervals that allow for it"
    RESHAPE = "give the labels as one array (N,) and the scores as (N, C)"
    RELIABILITY = "plot with {kind:reliability} shows where"
    SECOND_POPULATION = "look at them by {group_by:COL} or {show_outliers:{count}}"
    ONE_OF_COLUMNS = "{columns:{role}=COL} takes one of them; losses that take all are evaluated apart"
    SECOND_COLUMN = "if these are the probabilities of two classes, give the second column as {role}"
    SET_BLANK = "{param:blank=K} says which class that is"
    SET_EPS = "set {param:eps=...} to divide by at least that much, or use wape or smape"
    SET_NORM_STD = "set {param:norm_std=...}"
    SET_EPS_ALONE = "set {param:eps=...} to divide by at least that much"
    SHOW_MURPHY = "plot them with {kind:murphy}"
    SHOW_OUTLIERS = "see {show_outliers:{count}}"
    SHOW_RELIABILITY = "plot it with {kind:reliability}"
    SPELL_LABELS = "give such labels as names, with a letter before the digits"
    SWAP_AXES = "{role} must be (N, T, C): swap the first two axes of (T, N, C), as torch has it"
    TEXT_WITH_COMMAS = "{decimal:.} takes them for text"
    TOP_BY_LOSS = "{outliers:top:1%} flags by losses"
    VECTOR_COLUMNS = "give an array (N, D), columns such as {role}_0, {role}_1, or {columns:{role}=COLS}"
    WEIGHT_ROWS = "{weight:{column}} weights the rows by it"
    WRITE_BASELINE = "a JSON result of 'losscli compute' is one"


class _Option:
    """An option in a template: its format specification is its value."""

    def __init__(self, spelling: Spelling, name: str) -> None:
        self._spelling, self._name = spelling, name

    def __format__(self, value: str) -> str:
        return self._spelling(self._name, value)


class _Fields(dict[str, Any]):
    """The fields of a message; any other name is an option."""

    def __init__(self, fields: dict[str, Any], spelling: Spelling) -> None:
        super().__init__(fields)
        self._spelling = spelling

    def __missing__(self, name: str) -> _Option:
        return _Option(self._spelling, name)


def number_of(text: str) -> float:
    """Return the number that a text spells; ValueError if it spells none. `1_000`, which Python takes, is none."""
    return float(text.replace("_", "?"))


def number_text(value: float) -> str:
    """Return the shortest text that reads back as `value`, without a trailing `.0`."""
    return repr(float(value)).removesuffix(".0")


def one_line(value: Any) -> str:
    """Return what `repr` says of a value on one line, cut where it is long: frames and arrays have several."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # an integer of more digits than Python writes
        text = f"of type {type(value).__name__}"
    return cut_text(text)


def cut_text(text: str, most: int = MAX_VALUE_LENGTH) -> str:
    """Return text without its end where it is long, such as a list of thousands of levels."""
    return text if len(text) <= most else f"{text[:most]}..."


def digest(data: bytes) -> str:
    """Return the start of the SHA-256 digest of bytes: enough to tell two sources or two sets of numbers apart."""
    import hashlib

    return hashlib.sha256(data).hexdigest()[:DIGITS_OF_DIGEST]


def python_option(name: str, value: Any = "") -> str:
    """Return an option as a keyword argument: `nan="omit"`, `columns={"y_pred": "prob_*"}`, `eps=1`."""
    if not isinstance(value, str):
        return f"{name}={one_line(value)}"
    value = escape_controls(value)
    if name == "list_losses":
        return "list_losses()"
    if name == "data":  # the data of one role
        return f"{value}=ARRAY"
    if name == "model":
        return 'models=dict(NAME="FILE")'
    if name == "top":
        return "per_sample"
    if name == "param":
        key, _, value = value.partition("=")
        if value in ("true", "false"):
            return f"{key}={value.capitalize()}"
        is_word = value.isalpha() and value.islower()
        return f'{key}="{value}"' if is_word else f"{key}={value}"
    if name in ("y_true", "y_pred", "weight"):
        name, value = "columns", f"{name}={value or 'COL'}"
    if name == "columns":
        role, _, columns = value.partition("=")
        return f'columns={{"{role}": "{columns or "COLS"}"}}'
    if name == "classes" and value:
        return f"classes={value.split(',')!r}".replace("'", '"')
    if not value:
        return name
    if value in ("true", "false"):
        return f"{name}={value.capitalize()}"
    is_number = value.replace(".", "", 1).isdigit()
    return f"{name}={value}" if is_number else f'{name}="{value}"'


class Message(str):
    """A text as the Python API words it, which the command line can word anew.

    `problem` is what is wrong and where. `option` is the name and value of the option that it is about, if any. `hint`
    says what to do, with `fields` for the names in its braces that are no options.
    """

    problem: str
    hint: Hint | None
    option: tuple[str, Any] | None
    fields: dict[str, Any]

    def __new__(
        cls, problem: str, hint: Hint | None = None, *, option: tuple[str, Any] | None = None, **fields: Any
    ) -> Message:
        message = super().__new__(cls, _word(problem, hint, option, fields, python_option))
        message.problem, message.hint, message.option, message.fields = problem, hint, option, fields
        return message

    def word(self, spelling: Spelling) -> str:
        """Return the text with options in another spelling."""
        return _word(self.problem, self.hint, self.option, self.fields, spelling)

    def after(self, prefix: str) -> Message:
        """Return the message with a text before its problem."""
        return Message(prefix + self.problem, self.hint, option=self.option, **self.fields)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.problem, self.hint), {"option": self.option, **self.fields}


def _word(
    problem: str, hint: Hint | None, option: tuple[str, Any] | None, fields: dict[str, Any], spelling: Spelling
) -> str:
    about = f"{spelling(*option)}: " if option else ""
    return about + problem + (f"; {hint.value.format_map(_Fields(fields, spelling))}" if hint else "")


def join_names(names: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def close_names(name: str, known: Iterable[str], count: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return the known names that are close to a name, the closest first; capitals make little difference."""
    import difflib

    by_text = {other.casefold(): other for other in known}
    return [by_text[text] for text in difflib.get_close_matches(name.casefold(), by_text, n=count, cutoff=cutoff)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the question whether the closest known name is meant; empty if none is close."""
    close = close_names(name, known)
    return f"did you mean {close[0]!r}?" if close else ""


def did_you_mean_path(path: str) -> str:
    """Return the question whether the closest name in the folder of a path is meant, in brackets; empty if none is."""
    folder = os.path.dirname(path)
    try:
        names = os.listdir(folder or ".")
    except (OSError, ValueError):
        return ""
    close = close_names(os.path.basename(path), names, cutoff=0.75)
    return f" (did you mean {os.path.join(folder, close[0])}?)" if close else ""


def in_units(text: str, unit: str) -> str:
    """Return a text about rows as one about samples of another kind, such as `query`; names are put in afterwards."""
    if unit == "row":
        return text
    return re.sub(r"\brow(s?)\b", lambda found: f"{unit[:-1]}ies" if found[1] else unit, text)


def word(text: str, spelling: Spelling) -> str:
    """Return a text with its options in a spelling; a plain text as it is."""
    return text.word(spelling) if isinstance(text, Message) else text


def warn_caller(text: str) -> None:
    """Warn, pointing at the line outside of losscli that called it."""
    package = os.path.dirname(__file__) + os.sep
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, UserWarning, stacklevel=level)


_CONTROLS = r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"


def escape_controls(text: str, keep: str = "") -> str:
    """Return text to be shown: control characters, and those that change the direction of text, as escapes.

    A name from the data must not move the cursor, change colours or hide what stands beside it; nor may it hold what
    XML refuses, or a byte order mark, for which matplotlib has no glyph. The characters in `keep` stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return re.sub(_CONTROLS, lambda found: found[0] if found[0] in keep else json_escape(found[0]), text)


def json_escape(character: str) -> str:
    """Return a character as JSON spells it in ASCII."""
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character, f"\\u{ord(character):04x}")
