"""Pieces of generated pages. Text that is not ours goes into HTML blocks, where only HTML's own signs mean
something: nothing a source holds can become a link, a formula or a script.
"""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crmtools.words import Language, Text

STATES: dict[str, Text] = {
    "ok": Text("正常", "ok"),
    "cached": Text("沿用", "unchanged"),
    "failed": Text("运行失败", "failed"),
    "timed_out": Text("超时", "timed out"),
    "killed": Text("被终止", "killed"),
    "skipped": Text("未运行", "not run"),
}
CHIPS = {"ok": "good", "cached": "good", "skipped": "none"}


@dataclass(frozen=True, slots=True)
class Html:
    """Text that is HTML already; ``number`` says that it shows one."""

    code: str
    number: bool = False


def flat(value: str) -> str:
    """Text for an HTML block: its signs escaped, and no blank line, which would end the block."""
    return "<br>".join(html.escape(line) for line in value.splitlines() if line.strip())


def _content(value: object) -> str:
    if isinstance(value, Html):
        return value.code
    return f"{value:,}" if isinstance(value, int | float) else flat(str(value))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as one HTML block; a cell is :class:`Html`, a number or text. Columns of numbers are set to the right."""
    rows = list(rows)
    right = [bool(rows) and all(_is_number(row[n]) for row in rows) for n in range(len(head))]
    number = [' class="num"' if one else "" for one in right]
    names = "".join(f'<th scope="col"{where}>{flat(name)}</th>' for name, where in zip(head, number))
    body = "\n".join(
        "<tr>" + "".join(f"<td{where}>{_content(value)}</td>" for value, where in zip(row, number)) + "</tr>"
        for row in rows
    )
    return _scroll(f"<thead><tr>{names}</tr></thead>\n<tbody>\n{body}\n</tbody>")


def _is_number(value: object) -> bool:
    return value.number if isinstance(value, Html) else isinstance(value, int | float)


def facts(rows: Iterable[tuple[str, object]]) -> str:
    """Names on the left, what is true of them on the right; rows without content are left out."""
    body = "\n".join(
        f'<tr><th scope="row" style="white-space:nowrap">{flat(name)}</th><td>{_content(value)}</td></tr>'
        for name, value in rows
        if value != ""
    )
    return _scroll(f"<tbody>\n{body}\n</tbody>")


def _scroll(content: str) -> str:
    return f'<div class="crm-scroll"><table class="crm-table">\n{content}\n</table></div>'


def download(place: str) -> Html:
    """A link to a file of the book, named as the file is."""
    return Html(f'<a href="{flat(place)}" download>{flat(place.rsplit("/", 1)[-1])}</a>')


def link(slug: str, label: str) -> Html:
    """A link to another page of the book."""
    return Html(f'<a href="{slug}.html">{flat(label)}</a>')


def chip(state: str, language: Language) -> Html:
    """The state of a page as a word on a coloured ground."""
    return Html(f'<span class="crm-chip {CHIPS.get(state, "risk")}">{STATES[state].to(language)}</span>')


def box(*paragraphs: str) -> str:
    """The box in which a page says that something failed; its content is HTML."""
    return '<div class="crm-failed">\n' + "\n".join(paragraphs) + "\n</div>\n"
