"""A badge of a gate as SVG: the loss at the left, and at the right whether its number passes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from losscli.gates import VALUE, GateVerdict
from losscli.messages import escape_controls
from losscli.page.gate_words import NOT_JUDGED, failed_gates, is_of_value, tally, verdict_text
from losscli.plot.scales import human_number
from losscli.results import LossResult

HEIGHT, FONT_SIZE, BADGE_MARGIN = 20, 11, 6
NAME_COLOUR, GREEN, RED = "#444444", "#006d4f", "#b8410b"
"""Green and red differ in lightness, too, and white text on either has a contrast above 5."""

PASSED, FAILED = "✓", "✗"
MAX_BADGE_NAME = 40

_WIDTHS = (
    "32 40 46 84 64 95 78 27 39 39 50 84 32 36 32 34 64 64 64 64 64 64 64 64 64 64 34 34 84 84 84 53 100 68 69 70 77 "
    "63 58 77 75 29 29 66 56 86 75 79 60 79 69 63 61 73 68 99 69 61 69 39 34 39 84 50 50 61 63 55 63 62 35 63 63 28 "
    "28 58 28 97 63 61 63 63 41 52 39 63 59 82 59 59 52 64 34 64 84"
)
WIDTHS = dict(zip(map(chr, range(32, 127)), map(int, _WIDTHS.split()), strict=True)) | {"\u00a0": 32}
"""Hundredths of the font size that a character of DejaVu Sans takes; Verdana's are nearly the same."""

WIDE = 100
"""That of characters without an entry: signs and Chinese take at most the font size."""


class Badge(NamedTuple):
    """What a badge says: the left and the right text, whether all is well, and the long text for screen readers."""

    name: str
    text: str
    is_passed: bool
    title: str


def badge_of(verdicts: Sequence[GateVerdict], results: Sequence[LossResult]) -> Badge:
    """Return the badge of the first gate that failed, or of the first gate; a value that is not finite is no pass."""
    shown = next((verdict for verdict in verdicts if verdict.failed), verdicts[0])
    bad = next((one for one in results if one.status != "ok"), None)
    texts = [(PASSED if not v.failed else FAILED, verdict_text(v), v) for v in verdicts]
    title = "; ".join(
        [
            f"losscli: {tally(*failed_gates(verdicts))}",
            *(
                f"{sign} {subject_of(v)} {said.value} (limit {said.comparison} {said.limit})"
                for sign, said, v in texts[:10]
            ),
        ]
    )
    if bad is not None and not shown.failed:
        return Badge(bad.full_name, f"is {bad.value}", False, f"{title}; {bad.full_name} is {bad.value}")
    said = verdict_text(shown)
    if said.value == NOT_JUDGED:
        return Badge(subject_of(shown), NOT_JUDGED, False, title)
    if shown.failed:
        return Badge(subject_of(shown), f"{said.value} {said.comparison} {said.limit}", False, title)
    result = next((one for one in results if one.key == (shown.gate.label, shown.group)), None)
    text = said.value
    if is_of_value(shown.gate) and result is not None:
        text = human_number(result.value)
        if result.ci is not None and result.ci.low is not None and result.ci.high is not None:
            text += f" [{human_number(result.ci.low)}, {human_number(result.ci.high)}]"
    return Badge(subject_of(shown), text, True, title)


def subject_of(verdict: GateVerdict) -> str:
    """Return what a verdict is about: the loss, the statistic where the number does not say it, group and model."""
    gate = verdict.gate
    says_all = gate.statistic in (VALUE, "change") or (is_of_value(gate) and not verdict.failed)
    statistic = "" if says_all else f" {gate.statistic}"
    return gate.label + statistic + "".join(f" ({column} {value})" for column, value in verdict.group)


def badge_svg(badge: Badge) -> str:
    """Return a badge as an SVG document, as wide as its texts, which stay text."""
    name = escape_controls(badge.name)
    name = name if len(name) <= MAX_BADGE_NAME else f"{name[: MAX_BADGE_NAME - 1]}…"
    text = f"{PASSED if badge.is_passed else FAILED} {escape_controls(badge.text)}"
    left, right = text_width(name), text_width(text)
    middle, width = left + 2 * BADGE_MARGIN, left + right + 4 * BADGE_MARGIN
    title = escape(escape_controls(badge.title))
    baseline = HEIGHT - BADGE_MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}" '
        f'role="img" aria-label="{title}">\n<title>{title}</title>\n'
        f'<rect width="{middle}" height="{HEIGHT}" fill="{NAME_COLOUR}"/>\n'
        f'<rect x="{middle}" width="{width - middle}" height="{HEIGHT}" fill="{GREEN if badge.is_passed else RED}"/>\n'
        f'<g fill="#ffffff" font-family="Verdana, \'DejaVu Sans\', Geneva, sans-serif" font-size="{FONT_SIZE}">\n'
        f'<text x="{BADGE_MARGIN}" y="{baseline}" textLength="{left}">{escape(name)}</text>\n'
        f'<text x="{middle + BADGE_MARGIN}" y="{baseline}" textLength="{right}">{escape(text)}</text>\n</g>\n</svg>\n'
    )


def text_width(text: str) -> int:
    """Return the width of a text, in pixels."""
    return round(sum(WIDTHS.get(character, WIDE) for character in text) * FONT_SIZE / 100)
