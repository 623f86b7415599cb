"""A book on paper: all pages of an edition as one document with contents, outline and page numbers, printed by Chromium."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

from crmtools.errors import RunError
from crmtools.report.chromium import print_page
from crmtools.report.pdf_text import pages_of, with_real_characters
from crmtools.words import Text

ARTICLE = re.compile(r'<article class="bd-article"[^>]*>(.*?)</article>', re.DOTALL)
HEAD = re.compile(r"<head>(.*?)</head>", re.DOTALL)
SCRIPT = re.compile(r"<script\b.*?</script>|<link rel=\"preload\"[^>]*>", re.DOTALL)
NEXT = re.compile(r'<link rel="next"[^>]*href="([^"#]+)\.html"')
LANGUAGE = re.compile(r'<html lang="([^"]+)"')
HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
PERMALINK = re.compile(r'<a class="headerlink".*?</a>', re.DOTALL)
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
CHAPTER = re.compile(
    r'<span class="caption-text">(?P<part>.*?)</span>|<li class="toctree-l1[^"]*"><a class="[^"]*" href="(?P<slug>[^"#]*)(?:\.html)?"',
    re.DOTALL,
)
OWN = re.compile(r'\b(id|for|headers|aria-labelledby|aria-describedby|aria-controls)="([^"]+)"')
LINK = re.compile(r'href="(?:(?P<slug>[\w-]+)\.html)?(?:#(?P<anchor>[^"]*))?"')
WITHIN_PICTURE = re.compile(r"url\(#([^)]+)\)")
FOLD = re.compile(r"<details(?![^>]*\bopen\b)")
CONTENTS = Text("目录", "Contents")
NONE_YET: Mapping[str, int] = {}
PAPER = """
@page { size: A4; margin: 16mm 14mm 18mm;
  @bottom-center { content: counter(page) " / " counter(pages); font: 8pt sans-serif; color: #5b6b7b; } }
html, body { background: #fff !important; }
body { margin: 0; padding: 0; }
.crm-sheet { break-before: page; }
.crm-sheet:first-of-type { break-before: auto; }
.crm-contents + .crm-sheet { break-before: page; }
.crm-contents ol { list-style: none; padding: 0; columns: 2; column-gap: 2rem; font-size: 10pt; }
.crm-contents li { break-inside: avoid; padding: .1rem 0; display: flex; gap: .6rem; justify-content: space-between; }
.crm-contents li span { flex: none; min-width: 2rem; text-align: right; font-variant-numeric: tabular-nums; color: #5b6b7b; }
.crm-contents li.crm-part { font-weight: 600; margin-top: .6rem; break-after: avoid; }
.crm-contents li.crm-below { padding-left: 1rem; font-size: 9pt; }
.crm-contents a { text-decoration: none; }
figure, tr, .crm-card, .crm-answer { break-inside: avoid; }
h1, h2, h3 { break-after: avoid; }
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page of the book: its name, the heading as text, the HTML of its article."""

    slug: str
    title: str
    article: str


def print_book(edition: Path, out: Path) -> None:
    """Print all pages of a built edition (a folder with ``index.html``) into ``out``; raises RunError."""
    _print(edition, out, sheets_of(edition), with_contents=True)


def print_first_page(edition: Path, out: Path) -> None:
    """Print the first page alone, its links taken out of use."""
    _print(edition, out, sheets_of(edition)[:1], with_contents=False)


def _print(edition: Path, out: Path, sheets: Sequence[Sheet], *, with_contents: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        page, made = Path(place) / "book.html", Path(place) / out.name
        for folder in ("_static", "_images"):
            if (edition / folder).is_dir():
                (Path(place) / folder).symlink_to((edition / folder).resolve())
        page.write_text(document(edition, sheets, with_contents=with_contents), encoding="utf-8")
        print_page(page, made)
        if with_contents:
            # no browser can write a link's page number beside it (CSS target-counter), so it is printed once to learn them
            numbers = pages_of(made.read_bytes())
            page.write_text(document(edition, sheets, with_contents=True, numbers=numbers), encoding="utf-8")
            print_page(page, made)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(with_real_characters(made.read_bytes()))


def sheets_of(edition: Path) -> list[Sheet]:
    """The pages of an edition in the order in which the book leads from one to the next."""
    found: list[Sheet] = []
    slug: str | None = "index"
    while slug is not None and slug not in {sheet.slug for sheet in found}:
        file = edition / f"{slug}.html"
        if not file.is_file():
            raise RunError(f"{edition} is no edition of a book: {slug}.html is missing.")
        page = file.read_text(encoding="utf-8")
        article, heading = ARTICLE.search(page), HEADING.search(page)
        if article is None:
            raise RunError(f"{file} is no page of a book: it has no article.")
        title = unescape(re.sub(r"<[^>]+>", "", PERMALINK.sub("", heading[1]))).strip() if heading else slug
        found.append(Sheet(slug, title, article[1]))
        after = NEXT.search(page)
        slug = after[1] if after else None
    return found


def document(
    edition: Path, sheets: Sequence[Sheet], *, with_contents: bool, numbers: Mapping[str, int] = NONE_YET
) -> str:
    """All pages as one: their ids made unique, their links leading within it, their folds open.

    ``numbers`` gives the page on which each sheet begins; the contents keep room for those that are not known.
    """
    first = (edition / "index.html").read_text(encoding="utf-8")
    language, head = LANGUAGE.search(first), HEAD.search(first)
    if language is None or head is None:
        raise RunError(f"{edition / 'index.html'} is no page of a book: it has no head.")
    there = {sheet.slug for sheet in sheets}
    bodies = "\n".join(
        f'<section class="crm-sheet" id="{sheet.slug}">{as_part(sheet, there)}</section>' for sheet in sheets
    )
    contents = _contents(first, sheets, language[1], numbers) if with_contents else ""
    return (
        f'<!DOCTYPE html><html lang="{language[1]}" data-theme="light" data-mode="light"><head>{SCRIPT.sub("", head[1])}<style>{PAPER}</style></head>'
        f'<body><main class="bd-content"><div class="bd-article-container"><article class="bd-article">{contents}{bodies}</article></div></main></body></html>'
    )


def as_part(sheet: Sheet, there: set[str]) -> str:
    """The article of a page as a part of a document that holds the pages ``there``."""
    slug = sheet.slug

    def own(match: re.Match[str]) -> str:
        return f'{match[1]}="{" ".join(f"{slug}--{name}" for name in match[2].split())}"'

    def link(match: re.Match[str]) -> str:
        to, anchor = match["slug"] or slug, match["anchor"]
        if match["slug"] is None and anchor is None:
            return match[0]
        return (f'href="#{to}--{anchor}"' if anchor else f'href="#{to}"') if to in there else ""

    text = FOLD.sub("<details open", PERMALINK.sub("", sheet.article))
    text = WITHIN_PICTURE.sub(lambda match: f"url(#{slug}--{match[1]})", text)
    return LINK.sub(link, OWN.sub(own, text))


def _contents(first: str, sheets: Sequence[Sheet], language: str, numbers: Mapping[str, int]) -> str:
    """The list of all pages under the parts of the book; pages below a chapter are set in."""
    part_of: dict[str, str] = {}
    part = ""
    for match in CHAPTER.finditer(first):
        if match["part"] is not None:
            part = match["part"]
        else:
            part_of[match["slug"].removesuffix(".html").strip("#") or "index"] = part
    title = TITLE.search(first)
    lines, seen = [], ""
    for sheet in sheets:
        chapter = part_of.get(sheet.slug)
        if chapter and chapter != seen:
            lines.append(f'<li class="crm-part">{chapter}</li>')
            seen = chapter
        kind = ' class="crm-below"' if chapter is None and sheet.slug != "index" else ""
        number = numbers.get(sheet.slug, "")
        lines.append(f'<li{kind}><a href="#{sheet.slug}">{escape(sheet.title)}</a><span>{number}</span></li>')
    name = title[1].strip() if title else ""
    listed = CONTENTS.to("zh" if language.startswith("zh") else "en")
    return f'<nav class="crm-sheet crm-contents"><h1>{name}</h1><h2>{listed}</h2><ol>{"".join(lines)}</ol></nav>'
