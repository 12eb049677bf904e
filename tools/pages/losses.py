"""A page for each loss, made from what it declares, and the page that lists them all."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from losscli import registry
from losscli.declaration.equivalent import Equivalent
from losscli.declaration.loss import Loss
from losscli.declaration.names import is_chinese
from losscli.explain import LIBRARIES, Explanation, Section, explain
from losscli.losses import COMMON_LOSSES
from losscli.losses._other_names import NAMES_ELSEWHERE
from tools.pages.curves import Curve
from tools.pages.loss_examples import example_of
from tools.pages.text import block, code, front_matter, plain, sentence, table, with_links

MEANINGS = {
    "convex": "A line between two points of the curve is never below it: training finds no false minimum.",
    "differentiable": "The curve has no kink: the gradient changes without jumps.",
    "bounded value": "No row can make the number arbitrarily large.",
    "bounded gradient": "No row can pull arbitrarily hard.",
    "symmetric": "Predictions that are too high and too low by the same amount cost the same.",
    "translation invariant": "Only the difference y_pred - y_true counts: adding 5 to both changes nothing.",
    "breakdown point": "The smallest share of wild rows that can move the best constant without limit.",
    "influence function": "How far one wild row can move the best constant.",
    "unit": "The unit of the value; y is the unit of the target.",
    "aims at": "The prediction that has the least loss on average: what a model learns from it.",
    "reduced by": "How the losses of all rows become one number.",
    "needs": "What the loss needs beyond single rows.",
    "gives": "What there is beside, or in place of, a loss of each row.",
}
"""Row of the section Properties -> what it means."""

THIS_FILE = "tools/pages/losses.py"

WORD = re.compile(r"\w+")
WORDS_OF_ENGLISH = (
    "asymmetric",
    "center",
    "circle",
    "contrastive",
    "exponential",
    "fair",
    "quantile",
    "triplet",
    "wing",
)
"""Names of losses that texts use in another sense."""

HEADERS = {"Formula": ("symbol", "stands for"), "Reads": ("role", "shape and values"), "Gradient": ("by", "gradient")}


def loss_page(loss: Loss, curve: Curve, family: Sequence[Loss]) -> str:
    """Return the page of a loss; `family` are the losses listed with it."""
    explanation = explain(loss)
    sections = {section.title: section for section in explanation.sections if section.title != "In Chinese"}
    parts = [
        front_matter(
            title=loss.name,
            description=loss.summary,
            source=loss.module.replace(".", "/") + ".py",
            boost=2 if loss.name in COMMON_LOSSES.get(loss.family, "").split() else 1,
        ),
        f"# {loss.name}\n",
        f"{plain(loss.summary)}\n",
        names(loss),
    ]
    for title in ("Formula", "What it does", "When to use it", "When not", "Pitfalls"):
        if title in sections:
            parts.append(section_text(sections.pop(title), explanation))
        if title == "Formula":
            parts.append(curve_text(curve))
    plot = f", and `losscli plot {loss.name}` draws the curve" if curve.svg else ""
    parts.append(f"## Try it\n\n{example_of(loss)}\n`losscli explain {loss.name}` prints this page{plot}.\n")
    parts += [section_text(section, explanation) for section in sections.values()]
    parts.append(related(loss, family))
    return "\n".join(part for part in parts if part)


def names(loss: Loss) -> str:
    """Return the other names of a loss: its aliases, in Chinese, and what other libraries call it."""
    lists = {
        "Also called": [alias for alias in loss.aliases if not is_chinese(alias)],
        "In Chinese": [alias for alias in loss.aliases if is_chinese(alias)],
        "In other libraries": names_elsewhere(loss),
    }
    shown = {title: ", ".join(map(plain if title == "In Chinese" else code, found)) for title, found in lists.items()}
    return "".join(f"- {title}: {text}\n" for title, text in shown.items() if text)


def names_elsewhere(loss: Loss) -> list[str]:
    """Return what other libraries call a loss: functions that it states to be the same, and further names."""
    called = [one.called for one in loss.statements if isinstance(one, Equivalent) and one.is_direct and one.called]
    listed = [
        other
        for other, meant in NAMES_ELSEWHERE.items()
        if not other.endswith("@") and loss.name in [spec.partition(":")[0] for spec in meant.split(", ")]
    ]
    return [name for name in dict.fromkeys(called + listed) if name not in (loss.name, *loss.aliases)]


def section_text(section: Section, explanation: Explanation) -> str:
    """Return a section of an explanation."""
    write = WRITERS.get(section.title, write_section)
    return f"## {section.title}\n\n{write(section, explanation.loss)}"


def write_section(section: Section, loss: Loss) -> str:
    """Return paragraphs, and rows as a table."""
    text = "\n".join(f"{plain(paragraph)}\n" for paragraph in section.paragraphs)
    rows = table(HEADERS[section.title], ((term(a), plain(b)) for a, b in section.rows)) if section.rows else ""
    return "\n".join(filter(None, [text, rows]))


def term(text: str) -> str:
    """Return a term of a table as code, without the word that joins it to the row before."""
    name = text.removeprefix("or ")
    return code(name) if name == text else f"or {code(name)}"


def write_formula(section: Section, loss: Loss) -> str:
    """Return the formula as a block, and its symbols."""
    return "\n".join([block(loss.formula, "{ .text .formula }"), write_section(section._replace(paragraphs=()), loss)])


def write_parameters(section: Section, loss: Loss) -> str:
    """Return the parameters with their defaults and ranges, and what they must fulfil together."""
    texts = dict(section.rows)
    rows = []
    for parameter in loss.parameters:
        default = "..." if parameter.required else parameter.domain.text(parameter.default)
        shown = "" if parameter.required else code(default)
        rows.append([code(parameter.name), shown, plain(texts[f"{parameter.name}={default}"])])
    either = [
        f"One of `{role}` (a number a row) and `{name}` (one for all) must be given."
        for role, name in loss.alternatives
    ]
    together = [plain(texts["together"])] if "together" in texts else []
    return table(["parameter", "default", "range"], rows) + "".join(f"\n{text}\n" for text in either + together)


def write_properties(section: Section, loss: Loss) -> str:
    """Return the properties with what each means."""
    return table(
        ["property", f"of {loss.name}", "what it means"],
        ([plain(name), plain(answer), plain(MEANINGS[name])] for name, answer in section.rows),
    )


def write_elsewhere(section: Section, loss: Loss) -> str:
    """Return what other libraries call the loss, as code that can be copied."""
    parts = [f"{plain(paragraph)}\n" for paragraph in section.paragraphs]
    for library, statements in itertools.groupby(loss.statements, library_of):
        parts.append(f"**{plain(LIBRARIES.get(library, library))}**\n")
        for statement in statements:
            if isinstance(statement, Equivalent):
                before, _, after = statement.head.partition(statement.call)
                where = " ".join(f"{before}{after}".split())
                parts.append(f"{plain(capital(where))}:\n" if where else "")
                parts.append(block(statement.call, "python"))
                parts.append("".join(f"- Another number: {plain(one.text)}\n" for one in statement.differences))
            else:
                parts.append(f"{plain(capital(statement[1]))}\n")
    return "\n".join(filter(None, parts))


def capital(text: str) -> str:
    """Return a sentence with a capital."""
    return text[:1].upper() + text[1:]


def library_of(statement: Equivalent | tuple[str, str]) -> str:
    """Return the library that a statement is about."""
    return statement.library if isinstance(statement, Equivalent) else statement[0]


def write_references(section: Section, loss: Loss) -> str:
    """Return the references as a list with links."""
    return "".join(f"{i}. {with_links(text)}\n" for i, text in enumerate(loss.references, 1))


WRITERS: Mapping[str, Callable[[Section, Loss], str]] = {
    "Formula": write_formula,
    "Parameters": write_parameters,
    "Properties": write_properties,
    "Elsewhere": write_elsewhere,
    "References": write_references,
}


def curve_text(curve: Curve) -> str:
    """Return the picture with the sentence below it, or why there is none."""
    if not curve.svg:
        return f"No curve: {plain(curve.sentence)}.\n"
    caption = f"<figcaption>{sentence(curve.sentence)}</figcaption>" if curve.sentence else ""
    return f'<figure class="curve" data-search-exclude>\n{curve.svg}\n{caption}\n</figure>\n'


def related(loss: Loss, family: Iterable[Loss]) -> str:
    """Return the losses that the texts of a loss name, and the others of its family."""
    advice = " ".join([loss.summary, loss.documentation.details, *loss.documentation.advice.values()])
    words = {*WORD.findall(advice)} - {loss.name, *WORDS_OF_ENGLISH}
    named = [one for one in registry.all_losses() if one.name in words and one.in_catalogue]
    others = [one for one in family if one is not loss and one not in named]
    parts = ["## Related losses { data-search-exclude }\n"]
    if named:
        parts.append(table(["loss", "what it is"], ([link_to(one), plain(one.summary)] for one in named)))
    if others:
        more = "Others" if named else "Losses"
        parts.append(f"{more} of the family {loss.family}: {', '.join(map(link_to, others))}.\n")
    return "\n".join(parts)


def link_to(loss: Loss) -> str:
    """Return a link to the page of a loss."""
    return f"[{loss.name}]({loss.name}.md)"


# ------------------------------------------------------------------------------------------------ all the losses


def families() -> dict[str, list[Loss]]:
    """Return the losses by family, in the order of `list`."""
    found: dict[str, list[Loss]] = {}
    for loss in registry.all_losses():
        if loss.in_catalogue:
            found.setdefault(loss.family, []).append(loss)
    return found


def family_title(family: str) -> str:
    """Return the name of a family as a heading."""
    return family.capitalize()


def losses_page() -> str:
    """Return the page that lists the losses."""
    found = families()
    count = sum(map(len, found.values()))
    parts = [
        front_matter(title="Losses", description=f"All {count} losses of losscli, by family", source=THIS_FILE),
        "# Losses\n",
        f"losscli has {count} losses. Each page has the formula, the curve, when to use the loss and when not, and "
        "what other libraries call it. On the command line, `losscli list` prints this table, and `losscli explain "
        "LOSS` a page. [Which loss](../concepts/which-loss.md) helps to choose.\n",
        '<div id="loss-filter" class="loss-filter"></div>\n',
    ]
    for family, losses in found.items():
        rows = ([loss_cell(loss), code(loss.formula), plain(loss.summary)] for loss in losses)
        parts.append(f"## {family_title(family)}\n\n{table(['loss', 'formula', 'what it is'], rows)}")
    return "\n".join(parts)


def loss_cell(loss: Loss) -> str:
    """Return the name of a loss with a link, and its other names."""
    return link_to(loss) + (f"<br>{plain(', '.join(loss.aliases))}" if loss.aliases else "")


def loss_pages(curves: Mapping[str, Curve]) -> Iterator[tuple[str, str]]:
    """Yield the path below docs/ and the text of each page about losses."""
    yield "losses/index.md", losses_page()
    for losses in families().values():
        for loss in losses:
            yield f"losses/{loss.name}.md", loss_page(loss, curves[loss.name], losses)


def navigation() -> list[str]:
    """Return the lines of the navigation that list the losses."""
    lines = []
    for family, losses in families().items():
        lines.append(f"- {family_title(family)}:")
        lines += [f"    - losses/{loss.name}.md" for loss in losses]
    return lines
