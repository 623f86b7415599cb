"""From a run to the pages of one language: executed notebooks, pages written by hand, pages written by the
run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import nbformat

from crmtools import formats
from crmtools.part_of_customers import part_label
from crmtools.report import pages
from crmtools.report.blocks import Html
from crmtools.report.book import Edition, Page
from crmtools.report.citations import citations
from crmtools.report.engine import Outcome
from crmtools.report.last_good import last_good
from crmtools.report.manifest import Manifest
from crmtools.report.notebooks import for_the_book
from crmtools.report.numbers import Numbers
from crmtools.report.plan import Entry, Plan
from crmtools.report.project import ROOT
from crmtools.report.stamps import stamp
from crmtools.settings import Settings
from crmtools.show.display import RESULT
from crmtools.words import Language, Text, word

PUBLISHED = Text("发布于 {day}", "Published {day}")
RUN = Text("运行 {run}", "Run {run}")
PREVIEW = (Text("预览", "Preview"), Text("尚未发布", "not published"))
"""What stands in the place of both above a page that is looked at while it is written."""


@dataclass(frozen=True, slots=True)
class Made:
    """All that the pages of a run are made from. ``in_force`` are the assumptions of every indicator."""

    plan: Plan
    manifest: Manifest
    numbers: Numbers
    outcomes: Sequence[Outcome]
    in_force: Mapping[str, Mapping[str, object]]


def edition(made: Made, language: Language, *, folder: Path, assets: Path) -> Edition:
    """The edition of one language; the sources of its pages are written into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    here = {one.job.slug: one for one in made.outcomes if one.job.language == language}
    entries = made.plan.entries
    failed = [(entry, here[entry.slug]) for entry in entries if entry.slug in here and not here[entry.slug].ok]
    sources = citations(assets / "references.bib")
    found = []
    for entry in entries:
        outcome = here.get(entry.slug)
        if entry.kind == "written":
            source = assets / language / f"{entry.slug}.md"
        elif outcome and outcome.ok:
            source = folder / f"{entry.slug}.ipynb"
            write_notebook(source, outcome, pages.banner(failed, language) if entry.slug == ROOT and failed else "")
        else:
            source = folder / f"{entry.slug}.md"
            text = (
                _failure(made, entry, outcome, failed, language)
                if outcome
                else _generated(made, entry, sources, language)
            )
            source.write_text(text, encoding="utf-8")
        state = outcome.state if outcome else "skipped" if entry.skipped else "ok"
        part = entry.part.to(language) if entry.part else None
        found.append(Page(entry.slug, entry.title.to(language), source, part, entry.parent, state))
    title = made.plan.settings.report.title.to(language)
    return Edition(language, title, tuple(found), data_line(made.plan.settings, language), _made(made, language))


def write_notebook(file: Path, outcome: Outcome, first: str = "") -> None:
    """An executed notebook as the book shows it, ``first`` below its heading."""
    # as it was written here: it need not be validated, neither now nor when it is written again
    shown = for_the_book(nbformat.v4.reads(outcome.notebook.read_text(encoding="utf-8")), hidden=(RESULT,))
    if first:
        shown.cells.insert(1, nbformat.v4.new_markdown_cell(first, id="failed-pages"))
    file.write_text(nbformat.v4.writes(shown) + "\n", encoding="utf-8")


def _failure(
    made: Made, entry: Entry, outcome: Outcome, failed: Sequence[tuple[Entry, Outcome]], language: Language
) -> str:
    before = last_good(made.plan.settings, entry)
    text = pages.failure_page(entry, outcome, made.numbers, made.manifest, language, before)
    others = [one for one in failed if one[0] is not entry]
    return f"{text}\n{pages.banner(others, language)}" if entry.slug == ROOT and others else text


def _generated(made: Made, entry: Entry, sources: Mapping[str, str], language: Language) -> str:
    return pages.generated_page(
        entry,
        made.plan,
        numbers=made.numbers,
        manifest=made.manifest,
        outcomes=made.outcomes,
        in_force=made.in_force,
        sources=sources,
        language=language,
    )


def data_line(settings: Settings, language: Language) -> tuple[str, ...]:
    """What the line above every heading says of the data."""
    report = settings.report
    part = (part_label(*report.part).to(language),) if report.part else ()
    return *part, report.period.label(language), word("as_of", language, day=formats.day(report.as_of, language))


def _made(made: Made, language: Language) -> tuple[Html, ...]:
    """What it says of the book."""
    began = made.manifest.started.astimezone(ZoneInfo(made.plan.settings.report.time_zone)).date()
    return (
        stamp("published", PUBLISHED.to(language, day=formats.day(began, language))),
        stamp("run", RUN.to(language, run=made.manifest.run_id)),
    )


def made_for_preview(language: Language) -> tuple[Html, ...]:
    """What it says of a page that no run has made."""
    published, run = PREVIEW
    return stamp("published", published.to(language)), stamp("run", run.to(language))
