"""Blocks that chapters are built from: the answer, notes, lists, and tables whose cells are words already."""

from collections.abc import Mapping, Sequence
from html import escape

from crmtools import formats
from crmtools.show.chart import width
from crmtools.show.display import Display, tag
from crmtools.words import Language, Text, word


def lead(first: str, *rest: str, language: Language, result: Mapping[str, object] | None = None) -> Display:
    """The answer of a page: its first sentence stands out. Plain text; empty sentences are left out."""
    gap = "" if language == "zh" else " "
    others = [text for text in rest if text]
    html = tag("p", gap.join([tag("b", escape(first)), *map(escape, others)]), class_="crm-lead")
    return Display(html, gap.join([first, *others]), result)


def note(text: str) -> Display:
    """A remark, or the sentence that stands where there is nothing to show. Plain text."""
    return Display(tag("p", escape(text), class_="crm-note"), text)


def bullets(items: Sequence[str]) -> str:
    """A list; the items are HTML."""
    return tag("ul", "".join(tag("li", item) for item in items))


def named(text: str, below: str = "", *, href: str = "") -> str:
    """The first cell of a row: what the row is about, a smaller line below it; ``href`` leads to its own page."""
    name = tag("a", escape(text), href=href) if href else escape(text)
    return tag("th", name + _small(below), scope="row", style=f"font-weight:400;min-width:{_name_width(text, below)}em")


def _name_width(text: str, below: str) -> float:
    """Room for a name on a narrow page, where numbers never wrap and would leave it none."""
    return round(min(max(width(text, 1.0), width(below, 0.5)), 9.0), 1)


def figure_cell(text: str, below: str = "", *, wrap: bool = False) -> str:
    """A cell with a number, a smaller line below it; ``wrap`` for numbers with long units."""
    return tag(
        "td", escape(text) + _small(below), class_="num", style="white-space:normal;min-width:5.5em" if wrap else None
    )


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str = "", left: int = 1) -> str:
    """A table that scrolls sideways where it does not fit.

    ``heads`` are plain, the cells of ``rows`` HTML; all but the ``left`` first columns hold numbers.
    """
    head = "".join(
        tag("th", escape(text), scope="col", class_="num" if place >= left else None, style=_HEAD)
        for place, text in enumerate(heads)
    )
    body = "".join(tag("tr", "".join(cells)) for cells in rows)
    # outside of the table: a caption inside would scroll away with it
    above = tag("p", escape(caption), class_="crm-note", style="margin:1rem 0 0") if caption else ""
    table = tag("table", tag("thead", tag("tr", head)) + tag("tbody", body), class_="crm-table")
    return above + tag("div", table, class_="crm-scroll")


_HEAD = "white-space:normal;word-break:keep-all"
"""Long headings take several lines rather than push the table off the page."""


def sentence_list(parts: Sequence[str], language: Language) -> str:
    """Parts of a caption as sentences."""
    if language == "zh":
        return "".join(f"{part}。" for part in parts if part)
    return " ".join(f"{part}." for part in parts if part)


def rests_on(table: str, as_of: object, language: Language) -> list[str]:
    """Source and day of the data, as parts of a caption."""
    from crmtools.tables import TABLES

    source = TABLES[table].meaning.to(language).replace("，", ",").partition(",")[0]
    day = formats.day(as_of, language)  # type: ignore[arg-type]
    return [f"{word('source', language)}{word('colon', language)}{source}", word("as_of", language, day=day)]


def _small(text: str) -> str:
    return tag("small", escape(text)) if text else ""


TOO_FEW = Text("样本过少", "too few")
"""In the place of a number about a group that is too small to be shown."""
