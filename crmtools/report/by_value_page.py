"""The page that sets the books of all values of an attribute side by side: goals by what the data say, and a few numbers.

It is static HTML in the look of the books, one per language, and asks for nothing but its own style sheet.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

from crmtools import formats
from crmtools.estimate import Estimate
from crmtools.goals.evidence import EVIDENCE
from crmtools.indicators.catalogue import CATALOGUE
from crmtools.part_of_customers import attribute_name
from crmtools.report.book import NAMES, TAGS
from crmtools.report.editions import PUBLISHED
from crmtools.report.results import Results
from crmtools.report.stamps import stamp
from crmtools.settings import Settings
from crmtools.show import sentences
from crmtools.show.display import tag
from crmtools.show.evidence_words import EVIDENCE_ICONS
from crmtools.show.look import chip
from crmtools.tables.parts import Values
from crmtools.words import Language, Text, word

MOST_NUMBERS = 4
"""Indicators that are set side by side."""
WITHOUT_GOALS = ("nps", "csat_mean", "churn_rate", "repeat_purchase_rate", "revenue_per_customer")
"""Those where no goal names any."""
SHEET = "crmtools.css"
DARK = re.compile(r'html\[data-theme="dark"\] (\{[^{}]*--crm-bg[^{}]*\})')


@dataclass(frozen=True, slots=True)
class Book:
    """The report of one value: the name of its folder, what stands in it (None where this run could not publish it).

    ``there`` says whether a book can be opened at all, of an earlier run perhaps, ``whole`` whether all of its pages have numbers.
    """

    value: str
    name: str
    results: Results | None
    there: bool
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that the page tells: the settings of the whole, the values, their books, when it was made.

    ``has_whole`` says whether the report of all customers is published beside them.
    """

    settings: Settings
    values: Values
    books: tuple[Book, ...]
    made: datetime
    has_whole: bool


def write_pages(shelf: Shelf, folder: Path, *, assets: Path) -> None:
    """Write ``en/index.html``, ``zh/index.html`` and the page above them that leads to the first, replacing what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    sheet = _sheet((assets / "static" / SHEET).read_text(encoding="utf-8"))
    languages = shelf.settings.report.languages
    for language in languages:
        (folder / language / "_static").mkdir(parents=True)
        (folder / language / "_static" / SHEET).write_text(sheet, encoding="utf-8")
        (folder / language / "index.html").write_text(page(shelf, language), encoding="utf-8")
    (folder / "index.html").write_text(_front_door(shelf, languages), encoding="utf-8")


def page(shelf: Shelf, language: Language) -> str:
    """The page in one language."""
    title = title_of(shelf, language)
    body = "\n".join(
        part
        for part in (
            _header(shelf, language),
            tag("h1", escape(title)),
            tag("p", escape(_WHAT.to(language, by=_by(shelf, language)))),
            _table(shelf, language),
            tag("p", escape(_READING.to(language)), class_="crm-note"),
            *(tag("p", escape(text), class_="crm-note") for text in _absent(shelf, language)),
            _whole(shelf, language),
        )
        if part
    )
    return _document(title, language, tag("main", tag("article", body, class_="bd-article"), class_="crm-parts"))


def title_of(shelf: Shelf, language: Language) -> str:
    """What the page is called."""
    return _TITLE.to(language, title=shelf.settings.report.title.to(language), by=_by(shelf, language))


def _by(shelf: Shelf, language: Language) -> str:
    name = attribute_name(shelf.values.attribute, language)
    return name if language == "zh" else name[:1].lower() + name[1:]


def _header(shelf: Shelf, language: Language) -> str:
    report = shelf.settings.report
    day = formats.day(shelf.made.astimezone(ZoneInfo(report.time_zone)).date(), language)
    said = [
        tag("span", escape(report.period.label(language))),
        tag("span", escape(word("as_of", language, day=formats.day(report.as_of, language)))),
        stamp("published", PUBLISHED.to(language, day=day)).code,
    ]
    others = [
        tag(
            "a",
            NAMES[other],
            class_="crm-language",
            href=f"../{other}/index.html",
            lang=TAGS[other],
            hreflang=TAGS[other],
        )
        for other in report.languages
        if other != language
    ]
    return tag(
        "header",
        tag("div", "".join(said), class_="crm-meta") + tag("nav", "".join(others), aria_label=_LANGUAGE.to(language)),
    )


# ---- the table


def _table(shelf: Shelf, language: Language) -> str:
    shown = _indicators(shelf)
    names = [attribute_name(shelf.values.attribute, language), _GOALS.to(language)]
    names += [CATALOGUE[name].name.to(language) for name in shown]
    head = "".join(
        tag("th", escape(name), scope="col", class_="num" if n > 1 else None) for n, name in enumerate(names)
    )
    rows = "".join(tag("tr", _row(book, shown, names, shelf, language)) for book in shelf.books)
    table = tag("table", tag("thead", tag("tr", head)) + tag("tbody", rows), class_="crm-table")
    return tag("div", table, class_="crm-scroll", tabindex=0, role="region", aria_label=title_of(shelf, language))


def _row(book: Book, shown: Sequence[str], names: Sequence[str], shelf: Shelf, language: Language) -> str:
    label = escape(book.value)
    if book.there:
        label = tag("a", label, href=f"../../{quote(book.name)}/{language}/index.html")
    if book.results is None:
        said = chip(f"✖ {escape(_FAILED.to(language))}", "risk")
        said += tag("small", escape((_BEFORE if book.there else _NO_BOOK).to(language)))
        return tag("th", label, scope="row") + tag("td", said, colspan=len(names) - 1)
    if not book.whole:
        label += tag("small", escape(_SOME_PAGES.to(language)))
    cells = [tag("td", _goals(book.results, language), data_name=names[1])]
    own = _own(book.results)
    for name, heading in zip(shown, names[2:], strict=True):
        cells.append(
            tag("td", _number(own.get(name), book.results.currency, language), class_="num", data_name=heading)
        )
    return tag("th", label, scope="row") + "".join(cells)


def _goals(results: Results, language: Language) -> str:
    """How many goals the data say what of, in the order of the statuses."""
    found = [str(reading["evidence"] or "no_evidence") for reading in results.readings]
    chips = []
    for evidence, text in EVIDENCE.items():
        if count := found.count(evidence):
            icon, tone = EVIDENCE_ICONS[evidence]
            chips.append(
                chip(
                    f"{icon} {escape(text.to(language))}{word('colon', language)}{formats.number(count, language)}",
                    tone,
                )
            )
    return tag("div", "".join(chips), class_="crm-chips") if chips else formats.MISSING


def _number(one: Estimate | None, currency: str, language: Language) -> str:
    if one is None or one.value is None:
        return formats.MISSING + (tag("small", escape(sentences.why(one, language))) if one else "")
    said = escape(sentences.value_of(one, language, currency))
    if one.low is None and one.high is None:
        return said
    return said + tag("small", escape(sentences.interval_of(one, language, currency, bare=True)))


def _own(results: Results) -> dict[str, Estimate]:
    """The numbers of the reported period that are about all customers of a book."""
    found: dict[str, Estimate] = {}
    for one in results.estimates:
        if one.period.id == results.period and not one.group:
            found.setdefault(one.indicator, one)
    return found


def _indicators(shelf: Shelf) -> list[str]:
    """What is set side by side: the indicators of the goals in their order, those that some book has a number of."""
    stores = [_own(book.results) for book in shelf.books if book.results is not None]
    goals = dict.fromkeys(goal.indicator for goal in shelf.settings.goals)
    wanted = [*(goals or dict.fromkeys(WITHOUT_GOALS))]
    there = [name for name in wanted if any(name in own and own[name].value is not None for own in stores)]
    return there[:MOST_NUMBERS]


# ---- below it


def _absent(shelf: Shelf, language: Language) -> Iterator[str]:
    """Which values have no book, as far as that may be told: neither how few they are, nor which of them is one of the few."""
    names = [*shelf.values.left_out]
    smallest = shelf.settings.publish.smallest_group
    if names:
        yield _LEFT_OUT.to(
            language, names=word("list", language).join(names), smallest=formats.number(smallest, language)
        )
    if shelf.values.unknown:
        yield _UNKNOWN.to(language, by=_by(shelf, language))


def _whole(shelf: Shelf, language: Language) -> str:
    if not shelf.has_whole:
        return ""
    name = shelf.settings.path.stem
    return tag("p", tag("a", escape(_ALL.to(language)), href=f"../../{quote(name)}/{language}/index.html"))


# ---- the document


def _document(title: str, language: Language, body: str, *, head: str = "") -> str:
    return (
        f'<!doctype html>\n<html lang="{TAGS[language]}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f'<title>{escape(title)}</title>\n<link rel="stylesheet" href="_static/{SHEET}">\n{head}</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _front_door(shelf: Shelf, languages: Sequence[Language]) -> str:
    """A page above the languages that leads to the first and offers the others."""
    links = "".join(
        tag(
            "p",
            tag(
                "a",
                escape(f"{title_of(shelf, language)} ({NAMES[language]})"),
                href=f"{language}/index.html",
                lang=TAGS[language],
            ),
        )
        for language in languages
    )
    first = languages[0]
    return (
        f'<!doctype html><html lang="{TAGS[first]}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title_of(shelf, first))}</title>"
        f'<meta http-equiv="refresh" content="0;url={first}/index.html"></head><body>{links}</body></html>\n'
    )


def _sheet(css: str) -> str:
    """The style sheet of the books for a page without their theme, which tells light from dark: here the reader's system does."""
    dark = DARK.search(css)
    return f"{css}\n@media screen and (prefers-color-scheme: dark) {{ html {dark[1]} }}\n" if dark else css


_TITLE = Text("{title} · 按{by}", "{title} · by {by}")
_WHAT = Text(
    "每个{by}各有一份报告：指标定义、目标与期间相同，只是客户不同。点击名称打开报告。",
    "One report for each {by}: definitions, goals and period are the same, only the customers differ. A name opens its report.",
)
_GOALS = Text("目标", "Goals")
_READING = Text(
    "目标按数据所能支持的结论计数；全公司的总量目标和针对其他客户的目标不计在内。数值下方为区间：区间大幅重叠时，差异可能出于偶然。",
    "Goals are counted by what the data say of them; those on amounts of the whole company, or about other customers, are in no "
    "count. Below a number stands its interval: where two overlap widely, the difference may be chance.",
)
_LEFT_OUT = Text(
    "没有单独的报告：{names}。其客户少于 {smallest} 位，或者一旦公布就能推算出更小客户群的人数。",
    "Without a report of their own: {names}. They have fewer than {smallest} customers, or a smaller group could be worked out from theirs.",
)
_UNKNOWN = Text("未填{by}的客户不在这些报告之中。", "Customers whose {by} is not known are in none of these reports.")
_ALL = Text("全体客户的报告", "The report of all customers")
_FAILED = Text("本次未能发布", "could not be published this time")
_BEFORE = Text("打开的是上一次的报告。", "Its name opens the report of before.")
_NO_BOOK = Text("尚无报告。", "There is no report of it yet.")
_SOME_PAGES = Text("部分页面没有结果", "some pages have no results")
_LANGUAGE = Text("语言", "Language")
