"""The gate: what a finished book must not contain before anybody may read it.

It looks at the files as a browser would. A page passes when it asks no host for anything, leads nowhere that
does not exist, shows no personal value of the source, no secret and no path of the machine, holds no markup that came in with
the data, hides no traceback, and can be listened to. With the results of its run, no number may tell about too few people
(:mod:`crmtools.report.disclosure`), and those of the first page must be the stored ones (:mod:`crmtools.report.first_page`).
"""

import csv
import re
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import lru_cache
from html import unescape
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from crmtools.errors import Problem
from crmtools.report.bindery import Bindery, ended_with
from crmtools.report.disclosure import disclosures, said_small
from crmtools.report.downloads import FORMULA
from crmtools.report.giveaways import PLACEHOLDER, Giveaways, giveaways, usual_folders
from crmtools.report.leaks import own_words
from crmtools.report.markup import is_own_script, is_remote
from crmtools.report.reading import Reading, read_page
from crmtools.report.results import Results
from crmtools.words import Language

TAGS = {"en": "en", "zh": "zh-CN"}
HOST = r"""\s*["'`]?\s*((?:https?:)?//[^"'`)\s]+)"""
CSS_REQUEST = re.compile(rf"(?:url\(|@import)\s*(?:url\()?{HOST}", re.IGNORECASE)
CALLS = r"""\bfetch\(|\bimport\(|\bimportScripts\(|\.open\(\s*["'][A-Z]+["'],|\.src\s*=|\bsrc=\\?"""
SCRIPT_REQUEST = re.compile(rf"(?:{CALLS}){HOST}")
BOLD = re.compile(r"\*\*[^*\s][^*]{0,80}\*\*|(?<!\w)\*\*[^\s*]")
TRACE = re.compile(
    r"Traceback \(most recent call last\)|\bFile \"[^\"\n]+\", line \d+, in |\bCell In ?\[\d+\], line \d+"
)
TEXT_FILES = {".csv", ".json", ".md", ".svg", ".txt", ".xml", ".yml", ".yaml", ".ipynb", ".tsv"}
SHEETS = {".csv": ",", ".tsv": "\t"}
STRINGS, STRING = re.compile(r"xl/(?:sharedStrings|worksheets/.*)\.xml"), re.compile(r"<t(?: [^>]*)?>([^<]*)</t>")
"""Where a workbook has the texts of its cells."""

Place = tuple[str, int]
"""A page within the book, and a line; 0 stands for a file as a whole."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a book may give away nothing of, as plain values: see :func:`gate`."""

    forbidden: Sequence[str]
    declared: str
    secrets: Sequence[str]
    machine: Sequence[str]

    def to_plain(self) -> dict[str, object]:
        """As values for JSON, not copied: there may be a million of them."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def ready(self) -> Giveaways:
        """The same, ready to be looked for."""
        return giveaways(
            forbidden=self.forbidden,
            own=own_words(),
            declared=self.declared,
            secrets=self.secrets,
            machine=self.machine,
        )


@dataclass(frozen=True, slots=True)
class Leads:
    """Where a page leads, each link and each file once per line, and the places of it that links may lead to."""

    links: Sequence[tuple[int, str]]
    anchors: Collection[str]

    @classmethod
    def of(cls, reading: Reading) -> "Leads":
        """Those of a page that was read."""
        return cls(tuple(dict.fromkeys((*reading.links, *reading.requests))), reading.anchors)


@dataclass(frozen=True, slots=True)
class Looked:
    """One edition, looked over: what is wrong with it by itself, and its pages by their place in the book."""

    problems: Sequence[Problem]
    pages: Mapping[str, Leads]

    def to_plain(self) -> dict[str, object]:
        """As values for JSON."""
        return {
            "problems": [[one.place, one.message] for one in self.problems],
            "pages": {place: [list(leads.links), sorted(leads.anchors)] for place, leads in self.pages.items()},
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Looked":
        """What :meth:`to_plain` returned."""
        pages = {
            place: Leads([(line, url) for line, url in links], frozenset(anchors))
            for place, (links, anchors) in plain["pages"].items()
        }
        return cls([Problem(*one) for one in plain["problems"]], pages)


def gate(
    book: Path,
    *,
    forbidden: Iterable[str] = (),
    languages: Sequence[Language] = ("en", "zh"),
    machine: Collection[str] | None = None,
    secrets: Iterable[str] = (),
    declared: str = "",
    results: Results | None = None,
    smallest: int = 1,
    beside: Path | None = None,
    benches: Mapping[Language, Bindery] = MappingProxyType({}),
) -> list[Problem]:
    """Everything that keeps the book in ``book/en``, ``book/zh`` from being published; empty when it may be.

    Places read ``en/churn.html:120``.

    Parameters
    ----------
    book
        The folder with one folder per language.
    forbidden
        Raw values of the source that no reader may see (ids before they were replaced, names, addresses, telephone numbers);
        see :class:`crmtools.report.leaks.Forbidden` for what counts as the same value.
    languages
        The editions there must be.
    machine
        Folders of this machine in addition to the usual ones; by default the working, home and temporary folders and the
        interpreter's.
    secrets
        Words that let somebody in: what the variables hold that the parameters file names.
    declared
        Text by the authors of the report: an address or a telephone number that stands in it is meant to be read.
    results
        What ``results.json`` of the run holds. Without it no numbers are compared.
    smallest
        ``publish.smallest_group``.
    beside
        The folder of the books that links may lead to beside this one; by default they may lead to none.
    benches
        Processes that look editions over side by side; those without one are looked over here.

    Raises RunError when such a process ends before it has answered.
    """
    wanted = Wanted(
        tuple(forbidden), declared, tuple(secrets), tuple(sorted(usual_folders() if machine is None else machine))
    )
    looked = _looked_over(book, languages, wanted, smallest, benches)
    problems = [problem for one in looked for problem in one.problems]
    pages = {page: leads for one in looked for page, leads in one.pages.items()}
    problems += _link_problems(pages, book, beside)
    if results is not None:
        problems += disclosures(results, smallest)
    return sorted(problems, key=_in_order)


def _looked_over(
    book: Path, languages: Sequence[Language], wanted: Wanted, smallest: int, benches: Mapping[Language, Bindery]
) -> list[Looked]:
    """Every edition looked over, side by side where there are processes for it."""
    given = {"book": str(book.absolute()), "wanted": wanted.to_plain(), "smallest": smallest}
    with ThreadPoolExecutor(max_workers=max(len(benches), 1)) as pool:
        asked = {
            one: pool.submit(benches[one].ask, "look", language=one, door=one == languages[0], **given)
            for one in languages
            if one in benches
        }
        ready = wanted.ready() if len(asked) < len(languages) else None
        with ended_with(benches.values()):
            return [
                look_over(book, one, ready, smallest, door=one == languages[0])
                if ready is not None and one not in asked
                else Looked.from_plain(asked[one].result())
                for one in languages
            ]


def look_over(book: Path, language: Language, wanted: Giveaways, smallest: int, *, door: bool = False) -> Looked:
    """What is wrong with one edition by itself, and where its pages lead; with the ``door`` above all editions, if it is there."""
    folder = book / language
    problems: list[Problem] = []
    pages: dict[Path, Reading] = {}
    texts: dict[str, list[Place]] = defaultdict(list)
    if (folder / "index.html").is_file():
        pages = _pages(folder)
        problems += _asset_problems(folder, book, texts)
    else:
        problems.append(Problem(f"{language}/index.html", "this page is missing; a reader starts here"))
    if door and (book / "index.html").is_file():
        pages[book / "index.html"] = read_page((book / "index.html").read_text(encoding="utf8"))
    for path, reading in pages.items():
        problems += _page_problems(path, reading, book, TAGS[language], texts, smallest)
    problems += _given_away(texts, wanted)
    return Looked(problems, {path.relative_to(book).as_posix(): Leads.of(read) for path, read in pages.items()})


def _in_order(problem: Problem) -> tuple[str, int]:
    page, _, line = problem.place.partition(":")
    return page, int(line or 0)


def _pages(folder: Path) -> dict[Path, Reading]:
    """Every page of an edition, read."""
    paths = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.relative_to(folder).parts]
    return {path: read_page(path.read_text(encoding="utf8")) for path in paths}


def _page_problems(
    path: Path, reading: Reading, book: Path, tag: str, texts: Mapping[str, list[Place]], smallest: int
) -> list[Problem]:
    """What is wrong with one page by itself; its ``texts`` are kept to be looked through with those of all others."""
    place = path.relative_to(book).as_posix()
    found: list[tuple[int, str]] = []
    if reading.language != tag:
        found.append((1, f'the page says lang="{reading.language}"; it must be "{tag}"'))
    for line, url in reading.requests:
        if is_remote(url):
            found.append((line, f"asks a host for {url}; put the file into the book"))
    for line, css in reading.styles:
        found += [(line, f"a style asks a host for {url}") for url in CSS_REQUEST.findall(css)]
    for line, script in reading.scripts:
        found += [(line, f"a script asks a host for {url}") for url in SCRIPT_REQUEST.findall(script)]
        if not is_own_script(script):
            begun = " ".join(script.split())[:40]
            found.append(
                (line, f"runs a script that is not the book's own, '{begun}': text from data that was not escaped?")
            )
    for text, line in reading.texts.items():
        texts[text].append((place, line))
    for line, text in reading.scripts:
        texts[text].append((place, line))
    for text, line in reading.prose.items():
        if ("line " in text or "Traceback" in text) and TRACE.search(text):
            found.append((line, "shows a traceback outside a box of class crm-failed"))
        if "**" in text and (match := BOLD.search(text)):
            remedy = "Markdown does not read it as bold: put the punctuation outside of the marks"
            found.append((line, f"shows '{match[0]}'; {remedy}"))
        if "{{" in text and (match := PLACEHOLDER.search(text)):
            found.append((line, f"shows '{match[0]}', which nothing was put in the place of"))
    found += reading.wrong
    found += said_small(reading, smallest)
    found += [(line, f"{what} has no text for people who cannot see it") for line, what in reading.unnamed]
    return [Problem(f"{place}:{line}", message) for line, message in dict.fromkeys(found)]


def _asset_problems(folder: Path, book: Path, texts: Mapping[str, list[Place]]) -> list[Problem]:
    """What is wrong with the files beside the pages: styles, scripts, downloads, the search index."""
    problems = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix == ".html":
            continue
        place = path.relative_to(book).as_posix()
        theme = "_static" in path.relative_to(folder).parts
        if path.suffix in (".css", ".js"):
            text = path.read_text(encoding="utf8", errors="replace")
            problems += [Problem(place, f"asks a host for {url}") for url in _requests(text, path.suffix)]
            if theme or path.name == "searchindex.js":  # the index holds words of pages already looked at
                continue
        elif theme:
            continue
        for inner, text in _texts_of(path):
            where = f"{place} · {inner}" if inner else place
            if separator := SHEETS.get(Path(inner or path.name).suffix):
                problems += _sheet_problems(text, separator, where, texts)
            else:
                texts[text].append((where, 0))
    return problems


def _texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """The texts of a file to download, those in an archive or a workbook too, each with its name inside of it."""
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as workbook:
            strings = [name for name in workbook.namelist() if STRINGS.fullmatch(name)]
            for text in STRING.findall("".join(workbook.read(name).decode("utf-8") for name in strings)):
                yield "", unescape(text)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if Path(name).suffix in TEXT_FILES:
                    yield name, archive.read(name).decode("utf-8", "replace")
    elif path.suffix in TEXT_FILES or path.suffix in (".css", ".js"):
        yield "", path.read_text(encoding="utf8", errors="replace")


@lru_cache(maxsize=100)
def _requests(text: str, suffix: str) -> tuple[str, ...]:
    """Hosts that a style or a script asks; the theme's files are the same in every edition, and looked at once."""
    return tuple((CSS_REQUEST if suffix == ".css" else SCRIPT_REQUEST).findall(text))


def _sheet_problems(text: str, separator: str, place: str, texts: Mapping[str, list[Place]]) -> list[Problem]:
    """Cells of a table to download that a spreadsheet would run, or that hold somebody's number."""
    problems = []
    rows = csv.reader(text.lstrip("\ufeff").splitlines(), delimiter=separator)
    for row in rows:
        # a name may stand in two cells
        texts[", ".join(row)].append((place, rows.line_num))
        for cell in row:
            texts[cell].append((place, rows.line_num))
            if FORMULA.match(cell):
                said = f"a spreadsheet takes the cell '{cell[:40]}' for a formula; put a ' before it"
                problems.append(Problem(f"{place}:{rows.line_num}", said))
    return problems


def _given_away(texts: Mapping[str, list[Place]], wanted: Giveaways) -> list[Problem]:
    """What the texts of all pages and files give away; each text is looked at once, whatever the number of its places."""
    found = []
    for text, what in dict.fromkeys(wanted.found_in(texts)):
        for place, line in dict.fromkeys(texts[text]):
            where = f"{place}:{line}" if line else place
            found.append(Problem(where, f"{'shows' if line else 'holds'} {what}"))
    return list(dict.fromkeys(found))


def _link_problems(pages: Mapping[str, Leads], book: Path, beside: Path | None) -> list[Problem]:
    """Links and files that lead nowhere; a target that many pages name is resolved once."""
    root = book.resolve()
    anchors = {(book / place).resolve(): leads.anchors for place, leads in pages.items()}
    known: dict[tuple[Path, str], str] = {}
    problems = []
    for place, leads in pages.items():
        path = book / place
        here = path.resolve()
        for line, url in leads.links:
            key = (path if url.startswith("#") else path.parent, url)
            if key not in known:
                known[key] = _wrong_with(url, here, root, anchors, beside)
            if known[key]:
                problems.append(Problem(f"{place}:{line}", known[key]))
    return problems


def _wrong_with(url: str, page: Path, root: Path, anchors: Mapping[Path, Collection[str]], beside: Path | None) -> str:
    """Why a link leads nowhere; empty when it leads somewhere, or out of the book on purpose."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "mailto", "tel", "data", "javascript") or url.startswith("//"):
        return ""
    if parts.scheme or parts.path.startswith("/"):
        return f"the link {url} works on one machine only; make it relative"
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if beside is not None and target.is_relative_to(root.parent) and not target.is_relative_to(root):
        # an edition lies elsewhere than where readers open it: one step above the book are the other books
        target = beside / target.relative_to(root.parent)
    elif not target.is_relative_to(root):
        return f"the link {url} leads out of the book"
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return f"the link {url} leads to a file that does not exist"
    anchor = unquote(parts.fragment)
    if anchor and target in anchors and anchor not in anchors[target]:
        return f"the link {url} leads to a place that does not exist on that page"
    return ""
