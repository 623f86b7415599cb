"""One page of a report, looked at while it is written: its notebook is run and its page is set as a run does it, nothing else is.

What is made lies in ``.crmtools/preview/REPORT/``, and only there::

    LANGUAGE/    the book to open: the published one (hard links), with the pages that were previewed in the place of its own
    notebooks/   executed notebooks, and logs/ beside them
    project/     per language the project of Jupyter Book, with a heading in the place of every other page
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat

from crmtools.errors import RunError, nearest
from crmtools.report.accessible import mended
from crmtools.report.book import COLOUR, complaints, prune
from crmtools.report.downloads import FOLDER, offered
from crmtools.report.editions import data_line, made_for_preview, write_notebook
from crmtools.report.engine import Outcome, run_jobs
from crmtools.report.folders import BOOK
from crmtools.report.lock import take
from crmtools.report.made_of import files_mark, libraries_mark, mark, press_mark
from crmtools.report.naming import names_for
from crmtools.report.plan import Entry, Job, Plan, plan
from crmtools.report.press_client import Press
from crmtools.report.project import HERE, Page, write_project
from crmtools.report.slim import NAMES, light, slim
from crmtools.report.warm import Warm
from crmtools.settings import Settings
from crmtools.tables.source import open_settings
from crmtools.whole_files import write_whole
from crmtools.words import Language

MADE_OF = "made_of"
"""What a project, the styles or the copy of the published book were made of: while it is the same, they stay."""
CITES = "{cite"


@dataclass(frozen=True, slots=True)
class Previewed:
    """A page that was made: where it is, its notebook, the seconds of each step, whether a published book surrounds it."""

    page: Path
    notebook: Path
    seconds: Mapping[str, float]
    surrounded: bool

    @property
    def said(self) -> str:
        """A few lines for a terminal: what was made, how long each step took, the address to open."""
        steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items())
        lines = [f"Open {self.page.as_uri()}", f"     {sum(self.seconds.values()):.1f} s: {steps}"]
        if not self.surrounded:
            lines.append("     Nothing is published yet: links to other pages lead nowhere.")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of the previews of a report."""

    root: Path

    @classmethod
    def of(cls, settings: Settings) -> "Places":
        """Beside what runs of this report remember."""
        return cls(settings.root / ".crmtools" / "preview" / settings.name)

    def book(self, language: Language) -> Path:
        """The edition to open."""
        return self.root / language

    def project(self, language: Language) -> Path:
        """The project that pages are set from."""
        return self.root / "project" / language

    def made_of(self, language: Language) -> Path:
        """What that project was made of."""
        return self.root / "project" / f"{language}.{MADE_OF}"

    def cache(self, language: Language) -> Path:
        """What Jupyter Book need not read again."""
        return self.root / "cache" / language


def preview(
    settings: Settings,
    page: str,
    *,
    language: Language | None = None,
    press: Press,
    warm: Warm | None = None,
    notebooks: Path | None = None,
    published: Path | None = None,
    assets: Path = BOOK,
) -> Previewed:
    """Run the notebook of one page and make that page.

    Parameters
    ----------
    settings
        The report, as :func:`crmtools.asked.read_settings` gives it.
    page
        An indicator, a goal or a chapter by its name, or the name of a page of the book.
    language
        One of the report's languages, by default its first.
    press, warm
        The processes that set pages and that kernels are forked from; without the latter the kernel starts by itself.
    notebooks, published, assets
        The folders of notebooks, of published reports and of the hand-written pages; by default those of the project.

    Raises
    ------
    RunError
        For a page that there is not, a notebook that ends with an error, a page that a run would not publish.
    """
    clock, seconds = time.perf_counter(), {}
    language = language or settings.report.languages[0]
    if language not in settings.report.languages:
        raise RunError(f"{settings.path.name} has no edition in '{language}': report.languages names the languages.")
    data = open_settings(settings)
    made = plan(settings, data, notebooks=notebooks)
    data.backend.disconnect()
    job = job_of(made, page, language)
    seconds["plan"], clock = time.perf_counter() - clock, time.perf_counter()
    places = Places.of(settings)
    edition = (published or settings.root / "published") / settings.name
    with _alone(places):
        (outcome,) = run_jobs(
            [job],
            folder=places.root,
            facts=lambda one: names_for(one, settings),
            warm=warm,
            at_once=1,
            limits=settings.run,
            alone=True,
        )
        if not outcome.ok:
            raise RunError(_failure(outcome))
        seconds["notebook"], clock = time.perf_counter() - clock, time.perf_counter()
        _set(made, outcome, places, press, assets)
        seconds["page"], clock = time.perf_counter() - clock, time.perf_counter()
        surrounded = _copy_published(edition, places)
        file = _take_over(job, places)
    seconds["book"] = time.perf_counter() - clock
    return Previewed(file, job.notebook, seconds, surrounded)


def job_of(made: Plan, page: str, language: Language) -> Job:
    """The notebook to run for a page, by the name of the indicator, goal or chapter, or of the page itself.

    An indicator comes before a goal of the same name, which is ``goal_NAME``. Raises RunError with the nearest names, or with the
    reason why the page has no notebook.
    """
    entries = (*made.entries, *made.left_out)
    named = {entry.slug: entry for entry in entries}
    for entry in entries:
        chapter = "" if entry.indicator or entry.goal or entry.notebook is None else entry.notebook.stem
        for name in (chapter, entry.goal):
            named.setdefault(name, entry)
    runs = [name for name, entry in named.items() if name and entry.notebook is not None]
    found = named.get(page) if page else None
    if found is None:
        why = made.missing.get(page)
        lacks = f" It cannot be computed: {', '.join(why)} is missing." if why else ""
        raise RunError(f"{made.settings.path.name} has no page '{page}'.{lacks} {nearest(page, runs)}")
    if found.notebook is None or found.skipped:
        why_not = f"it was {found.skipped.en}" if found.skipped else "the run writes it, from all others"
        raise RunError(f"There is no notebook to run for the page '{page}': {why_not}. {nearest(page, runs)}")
    return next(job for job in made.jobs if job.slug == found.slug and job.language == language)


def _failure(outcome: Outcome) -> str:
    """What a notebook that ended with an error said."""
    failure, notebook = outcome.failure, outcome.job.notebook.name
    if failure is None:
        return f"{notebook}: {outcome.state}"
    cell = f", cell {failure.cell}" if failure.cell else ""
    return f"{notebook}{cell}: {failure.name}: {failure.message}\nLog: {outcome.log}"


@contextmanager
def _alone(places: Places) -> Iterator[None]:
    """Two previews of one report, in two terminals, run and make their pages one after the other."""
    places.root.mkdir(parents=True, exist_ok=True)
    while (held := take(places.root / "lock")) is None:
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(held)


def _set(made: Plan, outcome: Outcome, places: Places, press: Press, assets: Path) -> None:
    """Have Jupyter Book make the page."""
    job = outcome.job
    text = outcome.notebook.read_text(encoding="utf-8")
    project = _project(made, job, places, assets, cites=CITES in text)
    with tempfile.TemporaryDirectory() as folder:
        shown = Path(folder) / "page.ipynb"
        write_notebook(shown, outcome)
        content = shown.read_bytes()
    page = project / f"{job.slug}.ipynb"
    if not page.is_file() or page.read_bytes() != content:
        write_whole(page, content, again=True, lasting=False)
    log = places.root / "logs" / f"page-{job.language}.log"
    done = press.set_page(project, page.name, cache=places.cache(job.language), log=log)
    said = COLOUR.sub("", log.read_text(encoding="utf-8"))
    problems = complaints(said, project)
    if done or problems:
        title = f"The page {job.slug} would not be published."
        raise RunError.of(title, problems, f"Log: {log}") if problems else RunError(f"{title}\n{said[-1000:]}")


def _project(made: Plan, job: Job, places: Places, assets: Path, *, cites: bool) -> Path:
    """The project of a language, written anew where it would be another one: with a heading for every page."""
    settings, language = made.settings, job.language
    project, cache = places.project(language), places.cache(language)
    slugs = [entry.slug for entry in made.entries]
    titles = [(e.slug, e.title.to(language), e.part.to(language) if e.part else "", e.parent) for e in made.entries]
    report = settings.report
    made_of = mark(
        titles, report.title.to(language), data_line(settings, language), list(report.languages), cites,
        files_mark(assets / "static"), files_mark(HERE / "sphinx_ext"), files_mark(HERE, "project.py"), libraries_mark(), press_mark(),
    )  # fmt: skip
    if _is_of(places.made_of(language), made_of):
        return project
    places.made_of(language).unlink(missing_ok=True)
    shutil.rmtree(cache, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        pages = tuple(_heading(Path(folder), entry, language, assets, cites=cites) for entry in made.entries)
        write_project(
            project, language=language, title=report.title.to(language), pages=pages, meta=data_line(settings, language),
            made=made_for_preview(language), others={one: slugs for one in report.languages if one != language}, assets=assets,
        )  # fmt: skip
    places.made_of(language).write_text(made_of, encoding="utf-8")
    return project


def _heading(folder: Path, entry: Entry, language: Language, assets: Path, *, cites: bool) -> Page:
    """A page that is only there to be named in the contents; the one of the sources is whole where the previewed page cites."""
    title, part = entry.title.to(language), entry.part.to(language) if entry.part else None
    if cites and entry.slug == "references":
        return Page(entry.slug, title, assets / language / "references.md", part, entry.parent)
    if entry.notebook is None:
        source = folder / f"{entry.slug}.md"
        source.write_text(f"# {title}\n", encoding="utf-8")
    else:  # it may be previewed later, and then comes in the place of this one
        source = folder / f"{entry.slug}.ipynb"
        heading = nbformat.v4.new_markdown_cell(f"# {title}", id="title")
        nbformat.write(nbformat.v4.new_notebook(cells=[heading]), source)
    return Page(entry.slug, title, source, part, entry.parent)


def _copy_published(edition: Path, places: Places) -> bool:
    """Surround the page by what is published, without a byte of it being copied; what is published anew comes in its place."""
    there = edition.resolve()
    if not (there / "index.html").is_file():
        return False
    record = places.root / f"published.{MADE_OF}"
    made_of = mark(str(there), (there / "index.html").stat().st_mtime_ns)
    if _is_of(record, made_of):
        return True
    record.unlink(missing_ok=True)
    for language in (folder.name for folder in there.iterdir() if (folder / "index.html").is_file()):
        shutil.rmtree(places.root / language, ignore_errors=True)
        shutil.copytree(
            there / language, places.root / language, copy_function=_link, ignore=shutil.ignore_patterns("_static")
        )
        # styles are made anew here, and may not be written into what is published
        shutil.copytree(there / language / "_static", places.root / language / "_static")
    record.write_text(made_of, encoding="utf-8")
    return True


def _link(source: str, target: str) -> str:
    """A second name for a file, or a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target


def _take_over(job: Job, places: Places) -> Path:
    """Finish the page as those of a book are, and put it and its tables into the book; files are replaced, never written into."""
    book, html = places.book(job.language), places.cache(job.language) / "html"
    text = (html / f"{job.slug}.html").read_text(encoding="utf-8")
    book.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=places.root) as folder:
        finished = offered(mended(light(text, searches=False), job.language), job.slug, Path(folder), job.language)
        (book / FOLDER).mkdir(exist_ok=True)
        for file in (Path(folder) / FOLDER).glob("*"):
            file.replace(book / FOLDER / file.name)
    _styles(finished, book, html / "_static", made_of=places.made_of(job.language).read_text(encoding="utf-8"))
    page = book / f"{job.slug}.html"
    write_whole(page, finished.encode(), again=True, lasting=False)
    return page


def _styles(page: str, book: Path, static: Path, *, made_of: str) -> None:
    """The styles of the book, made anew where they are of other sources or lack a class of the page."""
    record = book.with_name(f"{book.name}.styles.json")
    classes = {name for names in NAMES.findall(page) for name in names.split()}
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if known.get(MADE_OF) == made_of and classes <= {*known["classes"]} and (book / "_static").is_dir():
        return
    record.unlink(missing_ok=True)
    pages = {file.stem: file.read_text(encoding="utf-8") for file in book.glob("*.html")} | {"": page}
    with tempfile.TemporaryDirectory(dir=book.parent) as folder:
        made = Path(folder) / "_static"
        shutil.copytree(static, made)
        prune(Path(folder))
        slim(made, pages)
        shutil.rmtree(book / "_static", ignore_errors=True)
        made.replace(book / "_static")
    every = {name for text in pages.values() for names in NAMES.findall(text) for name in names.split()}
    record.write_text(json.dumps({MADE_OF: made_of, "classes": sorted(every)}), encoding="utf-8")


def _is_of(file: Path, made_of: str) -> bool:
    try:
        return file.read_text(encoding="utf-8") == made_of
    except OSError:
        return False
