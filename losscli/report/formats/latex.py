r"""A table for LaTeX: a `tabular` with the rules of booktabs, the one package that it needs.

Numbers are in two columns that meet at the decimal point, `r@{}l`, so that the points are in line whatever the font.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from losscli.messages import escape_controls
from losscli.report.formats import Style, Write
from losscli.report.formats.numbers import SIGNIFICANT_DIGITS, cell_text
from losscli.report.tables import CellKind, Report, ReportColumn, without_legend_columns

WRAPPED = r"p{0.5\linewidth}"
"""The type of a last column of text, which would be wider than a page."""

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\`{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}
"""Characters that mean something to TeX, or that are others in its fonts."""

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "vartheta": "ϑ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μµ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "varrho": "ϱ", "sigma": "σ", "varsigma": "ς", "tau": "τ", "upsilon": "υ", "phi": "ϕ",
    "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ∆", "Theta": "Θ", "Lambda": "Λ",
    "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "ΩΩ",
}  # fmt: skip
_SIGNS = {
    "approx": "≈", "le": "≤", "ge": "≥", "ne": "≠", "times": "×", "cdot": "·⋅", "pm": "±", "infty": "∞", "sum": "∑",
    "prod": "∏", "in": "∈", "to": "→", "gets": "←", "partial": "∂", "nabla": "∇", "ell": "ℓ", "Vert": "‖", "div": "÷",
    "equiv": "≡", "propto": "∝", "cap": "∩", "cup": "∪", "langle": "⟨", "rangle": "⟩", "sqrt{}": "√", "forall": "∀",
}  # fmt: skip
AS_MATHEMATICS = {
    character: f"$\\{name}$" for names in (_GREEK, _SIGNS) for name, found in names.items() for character in found
}
AS_MATHEMATICS |= {"−": "$-$"}
AS_MATHEMATICS |= {character: f"$^{{{digit}}}$" for digit, character in zip("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True)}
AS_MATHEMATICS |= {character: f"$_{{{digit}}}$" for digit, character in zip("0123456789", "₀₁₂₃₄₅₆₇₈₉", strict=True)}
"""Characters that the text fonts of pdfLaTeX lack -> how mathematics spells them."""

_ESCAPES = str.maketrans(SPECIAL | AS_MATHEMATICS)
_SHOWN_NUMBER = re.compile(r"(≈?)([-+]?)(\d+)(\.\d+)?(?:e(-?\d+))?")


def latex(report: Report, write: Write, style: Style) -> None:
    """Write a `tabular`; what is above and below the table elsewhere is in comments, for the text around it."""
    report = without_legend_columns(report)
    lines = [report.title, *(f"{term}: {meaning}" for term, meaning in report.preface)]
    write("".join(comment(line) for line in lines if line))
    write("% \\usepackage{booktabs}\n")
    write(f"\\begin{{tabular}}{{{''.join(column_types(report.columns))}}}\n\\toprule\n")
    write(" & ".join(tabular_header(column) for column in report.columns) + " \\\\\n\\midrule\n")
    digits = style.precision or SIGNIFICANT_DIGITS
    for row in report.rows():
        write(tabular_row(row, report.columns, digits))
    write("\\bottomrule\n\\end{tabular}\n")
    write("".join(map(comment, report.legend)))
    if report.detail:
        write("\n")
        latex(report.detail, write, style)
    for line in report.closing.splitlines():
        write(comment(line))


def comment(text: str) -> str:
    """Return a line that TeX leaves out."""
    return f"% {escape_controls(text)}\n"


def column_types(columns: Sequence[ReportColumn]) -> list[str]:
    """Return the type of each column: a column of numbers is two that meet at the decimal point."""
    types = {CellKind.NUMBER: "r@{}l", CellKind.COUNT: "r", CellKind.NAME: "l", CellKind.TEXT: "l"}
    found = [types[column.kind] for column in columns]
    if len(columns) > 1 and columns[-1].kind is CellKind.TEXT:
        found[-1] = WRAPPED
    return found


def tabular_header(column: ReportColumn) -> str:
    """Return the name of a column, over both of its columns if there are two."""
    text = escape_latex(column.key)
    return f"\\multicolumn{{2}}{{c}}{{{text}}}" if column.kind is CellKind.NUMBER else text


def tabular_row(row: Sequence[Any], columns: Sequence[ReportColumn], digits: int) -> str:
    """Return cells as a row."""
    return " & ".join(tabular_cell(*found, digits) for found in zip(row, columns, strict=True)) + " \\\\\n"


def tabular_cell(cell: Any, column: ReportColumn, digits: int) -> str:
    """Return a cell; a number as two that meet at its decimal point, a missing one as a dash."""
    if cell is None:
        return "\\multicolumn{2}{c}{--}" if column.kind is CellKind.NUMBER else "--"
    text = cell_text(cell, column, digits)
    if column.kind is not CellKind.NUMBER:
        return escape_latex(text)
    found = _SHOWN_NUMBER.fullmatch(text)
    if found is None:  # nan or inf, or a name among numbers
        sign, name = ("$-$", text[1:]) if text == "-inf" else ("", text)
        return f"\\multicolumn{{2}}{{c}}{{{sign}{escape_latex(name)}}}"
    about, sign, whole, fraction, power = found.groups()
    before = ("$\\approx$" if about else "") + {"-": "$-$", "+": "+", "": ""}[sign]
    return f"{before}{whole} & {fraction or ''}" + (f"$\\cdot 10^{{{power}}}$" if power else "")


def escape_latex(text: str) -> str:
    """Return text in which no character has a meaning in LaTeX, and two hyphens make no dash.

    A first bracket or star would belong to the end of the row before. Signs and Greek letters become mathematics. Other
    writing stays: XeLaTeX and LuaLaTeX print it with a font for it.
    """
    text = re.sub(r"\r\n|[\r\n\t\u2028\u2029]", " ", text)
    text = re.sub("-(?=-)", "-{}", escape_controls(text).translate(_ESCAPES))
    return f"{{{text[0]}}}{text[1:]}" if text.startswith(("[", "*")) else text
