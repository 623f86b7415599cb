"""Build the HTML book of a run: one Jupyter Book per language, side by side.

The build runs in a process of its own (Sphinx keeps global state), never touches the network, and treats
every warning as an error. A publication is always a clean build: an incremental one may keep an old number.
"""

import contextlib
import html
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from crmtools.errors import Problem, RunError
from crmtools.lean import SELDOM
from crmtools.report.accessible import mended
from crmtools.report.bindery import Bindery, ended_with
from crmtools.report.blocks import Html
from crmtools.report.downloads import offered
from crmtools.report.folders import BOOK
from crmtools.report.press import PRELOADED
from crmtools.report.project import Page, write_project
from crmtools.report.slim import SEARCH_PAGE, light, slim
from crmtools.words import Language

__all__ = ["Built", "Edition", "Page", "build_book", "build_books"]

WARNING = re.compile(r"^(?:(?P<place>[^:\n]+?(?::\d+)?):\s+)?(?:WARNING|ERROR|CRITICAL|SEVERE):\s*(?P<message>.+)$")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# as in crmtools/lean.py: few searches for garbage, and no grammar of internationalised addresses, which the check of _config.yml does without
BUILD = """
import gc, importlib, os, sys
gc.set_threshold(*{seldom})
sys.modules["rfc3987_syntax"] = None
from jupyter_book.cli.main import main
for name in {needed!r}:
    importlib.import_module(name)
if sys.stdin.readline():  # else whoever would have said when to begin has ended
    os.chdir(sys.argv[2])
    main()
"""
"""Jupyter Book, which begins when it is told."""
NAMES: Mapping[Language, str] = {"en": "English", "zh": "中文"}
TAGS: Mapping[Language, str] = {"en": "en", "zh": "zh-CN"}


@dataclass(frozen=True, slots=True)
class Edition:
    """One language of a report: its title, its pages, and the pieces of the line above each page's heading.

    ``meta`` is ready to print, in the language of the edition: period, data as of. ``made`` follows it as HTML: when the book
    was made and by which run.
    """

    language: Language
    title: str
    pages: tuple[Page, ...]
    meta: tuple[str, ...] = ()
    made: tuple[Html, ...] = ()


@dataclass(frozen=True, slots=True)
class Built:
    """A finished book: where it is, how many pages, how long it took."""

    language: Language
    out: Path
    pages: int
    seconds: float


def build_book(
    staging: Path,
    *,
    language: Language,
    title: str,
    pages: Sequence[Page],
    out: Path,
    log: Path,
    meta: Sequence[str] = (),
    made: Sequence[Html] = (),
    others: Mapping[Language, Collection[str]] | None = None,
    extra: Path | None = None,
    assets: Path = BOOK,
    timeout: float = 600,
    bench: Bindery | None = None,
    begun: "Setting | None" = None,
) -> Built:
    """Write the Jupyter Book project of one edition into ``staging`` and build it into ``out``.

    Both folders are replaced; ``log`` receives what Jupyter Book says. ``others`` maps each other language to
    the slugs of its pages: the switch in the header leads to ``../LANGUAGE/SLUG.html``. ``extra`` is a folder
    of files to offer beside the pages, ``bench`` the process that finishes the pages, by default this one, ``begun`` the one that sets them, where it has begun. Raises RunError with one problem per warning; ``out`` is then left as
    it was.
    """
    started = time.perf_counter()
    write_project(
        staging,
        language=language,
        title=title,
        pages=pages,
        meta=meta,
        made=made,
        others=others,
        extra=extra,
        assets=assets,
    )
    log.parent.mkdir(parents=True, exist_ok=True)
    with begun or Setting(staging) as setting:
        output = setting.run(timeout=timeout)
    log.write_text(output.text, encoding="utf8")
    problems = complaints(output.text, staging)
    built = staging / "_build" / "html"
    if output.code or problems or not (built / "index.html").is_file():
        if not problems:
            last = "\n".join(output.text.strip().splitlines()[-5:])
            problems = [Problem("jupyter-book", last or f"ended with code {output.code} and said nothing")]
        raise RunError.of(f"The {language} book could not be built.", problems, footer=f"Full log: {log}")
    prune(built)
    if bench is None:
        finish(built, language)
    else:
        bench.ask("finish", built=str(built.absolute()), language=language)
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(built, out)
    return Built(language=language, out=out, pages=len(pages), seconds=time.perf_counter() - started)


def build_books(
    staging: Path,
    *,
    editions: Sequence[Edition],
    out: Path,
    log: Path,
    extra: Path | None = None,
    assets: Path = BOOK,
    benches: Mapping[Language, Bindery] = MappingProxyType({}),
    begun: "Mapping[Language, Setting]" = MappingProxyType({}),
) -> tuple[Built, ...]:
    """Build every edition at once, one process each: ``out/en``, ``out/zh`` and a page that offers both.

    ``log`` is a folder (``book-en.log``, ``book-zh.log``), ``benches`` the processes that finish pages, ``begun`` those that set them. Raises RunError with the
    problems of all editions.
    """
    slugs = {edition.language: [page.slug for page in edition.pages] for edition in editions}

    def build(edition: Edition) -> Built | RunError:
        try:
            return build_book(
                staging / edition.language,
                language=edition.language,
                title=edition.title,
                pages=edition.pages,
                out=out / edition.language,
                log=log / f"book-{edition.language}.log",
                meta=edition.meta,
                made=edition.made,
                others={name: found for name, found in slugs.items() if name != edition.language},
                extra=extra,
                assets=assets,
                bench=benches.get(edition.language),
                begun=begun.get(edition.language),
            )
        except RunError as error:
            return error

    with ThreadPoolExecutor(max_workers=len(editions)) as pool, ended_with([*benches.values(), *begun.values()]):
        results = list(pool.map(build, editions))
    failed = [result for result in results if isinstance(result, RunError)]
    if len(failed) == 1:
        raise failed[0]
    if failed:
        problems = [problem for error in failed for problem in error.problems]
        footer = "\n".join(str(error).splitlines()[-1] for error in failed)
        raise RunError.of("The book could not be built.", problems, footer)
    (out / "index.html").write_text(_front_door(editions), encoding="utf8")
    return tuple(result for result in results if isinstance(result, Built))


@dataclass(frozen=True, slots=True)
class _Output:
    code: int
    text: str


class Setting:
    """Jupyter Book of the running interpreter on one project, in a process that imports all it needs at once and waits to be told
    that the project is there; a context manager that ends it.
    """

    def __init__(self, staging: Path) -> None:
        command = [
            sys.executable,
            "-c",
            BUILD.format(needed=PRELOADED, seldom=SELDOM),
            "build",
            str(staging),
            "-W",
            "--keep-going",
        ]
        # a fixed hash seed keeps the order of sets, and so the book, the same from run to run
        environment = {**os.environ, "PYTHONHASHSEED": "0", "NO_COLOR": "1", "PYTHONUTF8": "1", "PYTHONSAFEPATH": "1"}
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.PIPE,
            text=True,
            encoding="utf8",
            errors="replace",
        )

    def run(self, *, timeout: float) -> "_Output":
        """Build the project; its two streams as one text."""
        try:
            said, _ = self._process.communicate("now\n", timeout)
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            self._process.wait()  # not for its output to end: what it has started may hold it open
            given = error.output or b""
            said = given.decode("utf8", "replace") if isinstance(given, bytes) else given
            return _Output(code=1, text=f"{said}\nERROR: not finished after {timeout:.0f} s\n")
        return _Output(code=self._process.returncode, text=COLOUR.sub("", said))

    def kill(self) -> None:
        """End the process; whoever waits for it is told."""
        self._process.kill()

    def __enter__(self) -> "Setting":
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # it has ended, and cannot be told any more
                stream.close()  # type: ignore[union-attr]


@contextlib.contextmanager
def settings_begun(staging: Path, languages: Sequence[Language]) -> Iterator[dict[Language, Setting]]:
    """The processes that will set the editions in ``staging/LANGUAGE``, begun while one core has nothing to do."""
    with contextlib.ExitStack() as ending:
        yield {one: ending.enter_context(Setting(staging / one)) for one in languages}


def complaints(text: str, staging: Path) -> list[Problem]:
    """The warnings of a build, each with the page and line it is about."""
    found = []
    for line in text.splitlines():
        if match := WARNING.match(line):
            place = (match["place"] or "book").removeprefix(f"{staging.resolve()}{os.sep}")
            found.append(Problem(place.removeprefix(f"{staging}{os.sep}"), match["message"]))
    return list(dict.fromkeys(found))


def prune(built: Path) -> None:
    """Drop what no reader needs: build records, source maps and the sources."""
    for name in (".buildinfo", "objects.inv", "_sources"):
        path = built / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.rmtree(built / "_static" / "locales", ignore_errors=True)
    for path in (built / "_static").rglob("*.map"):
        path.unlink()


def finish(built: Path, language: Language) -> None:
    """Make the theme's pages light and accessible, and offer their tables as files."""
    pages = {file.stem: file.read_text(encoding="utf8") for file in sorted(built.glob("*.html"))}
    slim(built / "_static", pages)
    for slug, text in pages.items():
        made = mended(light(text, searches=slug == SEARCH_PAGE), language)
        (built / f"{slug}.html").write_text(offered(made, slug, built, language), encoding="utf8")


def _front_door(editions: Sequence[Edition]) -> str:
    """A page above the editions that leads to the first of them and offers the others."""
    first = editions[0]
    links = "".join(
        f'<p><a href="{edition.language}/index.html" lang="{TAGS[edition.language]}">'
        f"{html.escape(edition.title)} ({NAMES[edition.language]})</a></p>"
        for edition in editions
    )
    return (
        f'<!doctype html><html lang="{TAGS[first.language]}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(first.title)}</title>"
        f'<meta http-equiv="refresh" content="0;url={first.language}/index.html">'
        f"</head><body>{links}</body></html>\n"
    )
