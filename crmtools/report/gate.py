"""The gate: what a finished book must not contain before anybody may read it.

It looks at the files as a browser would. A page passes when it asks no host for anything, leads nowhere that
does not exist, shows no personal value of the source and no path of the machine, hides no traceback, and can
be listened to.
"""

import re
import sys
import tempfile
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from crmtools.errors import Problem
from crmtools.report.leaks import Forbidden, own_words
from crmtools.report.reading import Reading, read_page
from crmtools.words import Language

TAGS = {"en": "en", "zh": "zh-CN"}
HOST = r"""\s*["'`]?\s*((?:https?:)?//[^"'`)\s]+)"""
CSS_REQUEST = re.compile(rf"(?:url\(|@import)\s*(?:url\()?{HOST}", re.IGNORECASE)
CALLS = r"""\bfetch\(|\bimport\(|\bimportScripts\(|\.open\(\s*["'][A-Z]+["'],|\.src\s*=|\bsrc=\\?"""
SCRIPT_REQUEST = re.compile(rf"(?:{CALLS}){HOST}")
# folders below which a reader's machine, never a website, keeps its files
FOLDERS = "home|Users|root|tmp|var/folders|private|mnt|srv|workspace|opt"
START, REST = r"(?<![\w.:/-])", r"""[^\s"'<>]*"""
MACHINE = rf"{START}(?:file:/+|/(?:{FOLDERS})/|[A-Za-z]:\\+Users\\+){REST}"
BOLD = re.compile(r"\*\*[^*\s][^*]{0,80}\*\*|(?<!\w)\*\*[^\s*]")
TEXT_FILES = {".csv", ".json", ".md", ".svg", ".txt", ".xml", ".yml", ".yaml", ".ipynb", ".tsv"}


def gate(
    book: Path,
    *,
    forbidden: Iterable[str] = (),
    languages: Sequence[Language] = ("en", "zh"),
    machine: Collection[str] | None = None,
) -> list[Problem]:
    """Everything that keeps the book in ``book/en``, ``book/zh`` from being published; empty when it may be.

    ``forbidden`` are raw values of the source that no reader may see (ids before they were replaced, names,
    addresses, telephone numbers); see :class:`crmtools.report.leaks.Forbidden` for what counts as the same
    value.
    ``machine`` are folders of this machine in addition to the usual ones; by default the working, home and
    temporary folders and the interpreter's. Places read ``en/churn.html:120``.
    """
    leaks = Forbidden(forbidden, own_words())
    paths = _machine_paths(machine)
    problems: list[Problem] = []
    pages: dict[Path, Reading] = {}
    for language in languages:
        folder = book / language
        if not (folder / "index.html").is_file():
            problems.append(Problem(f"{language}/index.html", "this page is missing; a reader starts here"))
            continue
        for path in sorted(folder.rglob("*.html")):
            if "_static" not in path.relative_to(folder).parts:
                pages[path] = read_page(path.read_text(encoding="utf8"))
                problems += _page_problems(path, pages[path], book, TAGS[language], leaks, paths)
        problems += _asset_problems(folder, book, leaks, paths)
    return problems + _link_problems(pages, book)


def _page_problems(
    path: Path, reading: Reading, book: Path, tag: str, leaks: Forbidden, paths: re.Pattern[str]
) -> list[Problem]:
    """What is wrong with one page by itself."""
    found: list[tuple[int, str]] = []
    if reading.language != tag:
        found.append((1, f'the page says lang="{reading.language}"; it must be "{tag}"'))
    for line, url in reading.requests:
        if _is_remote(url):
            found.append((line, f"asks a host for {url}; put the file into the book"))
    for line, css in reading.styles:
        found += [(line, f"a style asks a host for {url}") for url in CSS_REQUEST.findall(css)]
    for line, script in reading.scripts:
        found += [(line, f"a script asks a host for {url}") for url in SCRIPT_REQUEST.findall(script)]
    for line, text in (*reading.texts, *reading.scripts):
        found += [(line, f"shows the source's own value '{value}'") for value in leaks.found_in(text)]
        found += [(line, f"shows the path {match[0]} of a machine") for match in paths.finditer(text)]
    for line, text in reading.prose:
        if "Traceback (most recent call last)" in text:
            found.append((line, "shows a traceback outside a box of class crm-failed"))
        if match := BOLD.search(text):
            remedy = "Markdown does not read it as bold: put the punctuation outside of the marks"
            found.append((line, f"shows '{match[0]}'; {remedy}"))
    found += [(line, f"{what} has no text for people who cannot see it") for line, what in reading.unnamed]
    place = path.relative_to(book).as_posix()
    return [Problem(f"{place}:{line}", message) for line, message in dict.fromkeys(found)]


def _asset_problems(folder: Path, book: Path, leaks: Forbidden, paths: re.Pattern[str]) -> list[Problem]:
    """What is wrong with the files beside the pages: styles, scripts, downloads, the search index."""
    problems = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix == ".html":
            continue
        place = path.relative_to(book).as_posix()
        theme = "_static" in path.relative_to(folder).parts
        if path.suffix in (".css", ".js"):
            text = path.read_text(encoding="utf8", errors="replace")
            pattern = CSS_REQUEST if path.suffix == ".css" else SCRIPT_REQUEST
            problems += [Problem(place, f"asks a host for {url}") for url in pattern.findall(text)]
            if theme or path.name == "searchindex.js":  # the index holds words of pages already looked at
                continue
        elif path.suffix not in TEXT_FILES or theme:
            continue
        text = path.read_text(encoding="utf8", errors="replace")
        said = [f"holds the source's own value '{value}'" for value in leaks.found_in(text)]
        said += [f"holds the path {match[0]} of a machine" for match in paths.finditer(text)]
        problems += [Problem(place, message) for message in dict.fromkeys(said)]
    return problems


def _link_problems(pages: dict[Path, Reading], book: Path) -> list[Problem]:
    """Links and files that lead nowhere; a target that many pages name is resolved once."""
    root = book.resolve()
    by_path = {path.resolve(): reading for path, reading in pages.items()}
    known: dict[tuple[Path, str], str] = {}
    problems = []
    for path, reading in pages.items():
        for line, url in dict.fromkeys((*reading.links, *reading.requests)):
            key = (path if url.startswith("#") else path.parent, url)
            if key not in known:
                known[key] = _wrong_with(url, path.resolve(), root, by_path)
            if known[key]:
                problems.append(Problem(f"{path.relative_to(book).as_posix()}:{line}", known[key]))
    return problems


def _wrong_with(url: str, page: Path, root: Path, pages: dict[Path, Reading]) -> str:
    """Why a link leads nowhere; empty when it leads somewhere, or out of the book on purpose."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "mailto", "tel", "data", "javascript") or url.startswith("//"):
        return ""
    if parts.scheme or parts.path.startswith("/"):
        return f"the link {url} works on one machine only; make it relative"
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_relative_to(root):
        return f"the link {url} leads out of the book"
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return f"the link {url} leads to a file that does not exist"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return f"the link {url} leads to a place that does not exist on that page"
    return ""


def _is_remote(url: str) -> bool:
    return url.startswith("//") or urlsplit(url).scheme in ("http", "https", "ftp", "ws", "wss")


def _machine_paths(machine: Collection[str] | None) -> re.Pattern[str]:
    """One pattern for the paths of this machine and of machines in general."""
    usual = (str(Path.cwd()), str(Path.home()), tempfile.gettempdir(), sys.prefix)
    own = usual if machine is None else machine
    exact = [re.escape(path) for path in own if len(path) > 3]
    return re.compile("|".join([MACHINE, *(rf"{START}{path}(?![\w-]){REST}" for path in exact)]))
