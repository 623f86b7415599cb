"""One run of a report, from the parameters file to the published book.

Everything is built in ``runs/RUN/``; readers see nothing of it until the book is whole and has passed the gate. A page
that fails does not keep the others from being published; a book that is wrong does.
"""

import hashlib
import shutil
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import nbformat

from crmtools.errors import CRMError, Problem, RunError
from crmtools.estimate import Estimate
from crmtools.goals.reading import Scorecard, scorecard
from crmtools.indicators import CATALOGUE, DIMENSIONS
from crmtools.measure import attributes, breakdown, measure, resolve, trend
from crmtools.report import manifest as manifests
from crmtools.report import pages
from crmtools.report.book import Edition, Page, build_books
from crmtools.report.citations import citations
from crmtools.report.engine import Outcome, run_jobs
from crmtools.report.gate import gate
from crmtools.report.history import append_history
from crmtools.report.lock import only_run
from crmtools.report.notebooks import for_the_book
from crmtools.report.plan import Job, Plan, plan
from crmtools.report.private import private_values
from crmtools.report.project import BOOK
from crmtools.report.publish import publish
from crmtools.report.results import MIME, Results, collect, finite, reading_values
from crmtools.settings import Settings
from crmtools.tables.source import Data, open_settings
from crmtools.words import Language, Text, word


class Progress(Protocol):
    """Who is told how a run goes on."""

    def stage(self, name: str, jobs: int = 0) -> None:
        """A stage begins (a key of ``pages.STAGES``); ``jobs`` notebooks will be run in it."""

    def job(self, outcome: Outcome) -> None:
        """A notebook has ended."""

    def note(self, message: str) -> None:
        """Something a person should know that does not stop the run."""


class Silent:
    """Tells nobody."""

    def stage(self, name: str, jobs: int = 0) -> None:
        """Nothing."""

    def job(self, outcome: Outcome) -> None:
        """Nothing."""

    def note(self, message: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A published run: where the book and the run's folder are, what became of each page, seconds per stage."""

    run_id: str
    book: Path
    folder: Path
    outcomes: tuple[Outcome, ...]
    stages: Mapping[str, float]
    problems: tuple[Problem, ...] = ()

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The pages without numbers."""
        return tuple(outcome for outcome in self.outcomes if not outcome.ok)

    @property
    def exit_code(self) -> int:
        """0 when every page has its numbers and they agree, else 2."""
        return 2 if self.failed or self.problems else 0


@dataclass(slots=True)
class Numbers:
    """What the run computed itself: estimates, the scorecard, and what went wrong with single indicators."""

    estimates: list[Estimate] = field(default_factory=list)
    goals: Scorecard = field(default_factory=lambda: Scorecard(()))
    notes: list[str] = field(default_factory=list)


def run_report(
    settings: Settings,
    *,
    out: Progress | None = None,
    published: Path | None = None,
    notebooks: Path | None = None,
    assets: Path | None = None,
    keep_runs: bool = True,
) -> RunResult:
    """Run a report and publish it.

    Parameters
    ----------
    settings
        What :func:`crmtools.parameters.load` returned.
    out
        Who is told how the run goes on.
    published
        The folder of all published reports, by default ``published`` beside the parameters folder.
    notebooks, assets
        The folder of the notebooks, and the one of the hand-written pages; by default those of the project.

    Raises
    ------
    SettingsError, DataError
        Before anything is written.
    RunError
        When another run of this report goes on, a notebook is not as it must be, the book does not build or does not pass
        the gate. What was published before stays as it was.
    """
    out = out or Silent()
    with only_run(settings.root, settings.name):
        started = datetime.now(UTC)
        stages: dict[str, float] = {}
        with _stage("data", stages, out):
            data = open_settings(settings)
        with _stage("plan", stages, out):
            made = plan(settings, data, notebooks=notebooks)
            record = manifests.start(settings, data, run_id=manifests.new_run_id(started), now=started)
        record.stages = stages
        folder = settings.root / "runs" / record.run_id
        folder.mkdir(parents=True)
        try:
            run = _Run(settings, data, made, record, folder, out, assets or BOOK)
            return run.to_the_end(published or settings.root / "published")
        except KeyboardInterrupt:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        except CRMError as error:
            record.ended, record.problems = "not_published", [str(error)]
            record.write(folder / "manifest.json")
            raise


@contextmanager
def _stage(name: str, stages: dict[str, float], out: Progress, jobs: int = 0) -> Iterator[None]:
    out.stage(name, jobs)
    started = time.perf_counter()
    yield
    stages[name] = time.perf_counter() - started


@dataclass(frozen=True, slots=True)
class _Run:
    settings: Settings
    data: Data
    plan: Plan
    manifest: manifests.Manifest
    folder: Path
    out: Progress
    assets: Path

    def to_the_end(self, published: Path) -> RunResult:
        """Numbers, notebooks, results, book, gate, publication."""
        stages, report = self.manifest.stages, self.settings.report
        with _stage("numbers", stages, self.out):
            numbers = compute(self.plan, self.data)
            for note in numbers.notes:
                self.out.note(note)
        jobs = self.plan.jobs
        with _stage("notebooks", stages, self.out, len(jobs)):
            outcomes = run_jobs(
                jobs,
                folder=self.folder,
                facts=self._facts,
                at_once=self.settings.run.at_once,
                cell_seconds=self.settings.run.cell_seconds,
                done=self.out.job,
            )
            self._unchanged()
        with _stage("results", stages, self.out):
            problems = self._store(numbers, outcomes)
        with _stage("book", stages, self.out):
            editions = [self._edition(language, outcomes) for language in report.languages]
            built = self.folder / "html"
            build_books(
                self.folder / "book",
                editions=editions,
                out=built,
                log=self.folder / "logs",
                assets=self.assets,
            )
        with _stage("gate", stages, self.out):
            found = gate(built, forbidden=private_values(self.data.settings), languages=report.languages)
            if found:
                footer = f"The book is in {built} for you to look at; what was published before is untouched."
                raise RunError.of(f"The book did not pass the gate: {len(found)} problems", found, footer)
        with _stage("publish", stages, self.out):
            publish(
                built,
                root=published,
                report=self.settings.name,
                run_id=self.manifest.run_id,
                keep=self.settings.publish.keep,
            )
            self._remember(numbers)
        result = RunResult(
            self.manifest.run_id,
            published / self.settings.name,
            self.folder,
            outcomes,
            dict(stages),
            tuple(problems),
        )
        self.manifest.ended = "published_with_failures" if result.exit_code else "published"
        self.manifest.problems = [str(problem) for problem in problems]
        self.manifest.write(self.folder / "manifest.json")
        return result

    def _facts(self, job: Job) -> dict[str, str]:
        """What a notebook's Markdown may name."""
        report = self.settings.report
        facts = {
            "report.title": report.title.to(job.language),
            "report.period": report.period.label(job.language),
            "report.as_of": pages.day(report.as_of, job.language),
        }
        if job.indicator:
            item = CATALOGUE[job.indicator]
            facts |= {
                "indicator.id": item.id,
                "indicator.name": item.name.to(job.language),
                "indicator.meaning": item.meaning.to(job.language),
                "indicator.formula": item.formula,
                "indicator.source": item.source,
                "indicator.dimension": DIMENSIONS[item.dimension].to(job.language),
                "indicator.caveat": item.caveat.to(job.language),
            }
        return facts

    def _unchanged(self) -> None:
        """Every notebook opened the report by itself: parameters and data must still be those of the start."""
        digest = hashlib.sha256(self.settings.path.read_bytes()).hexdigest()
        if digest != self.manifest.parameters["sha256"]:
            raise RunError(f"{self.settings.path.name} was changed while the report was run. Run it again.")
        if open_settings(self.settings).fingerprint != self.data.fingerprint:
            raise RunError(
                "The data were changed while the report was run, so its pages may not agree. Run it again."
            )

    def _store(self, numbers: Numbers, outcomes: Sequence[Outcome]) -> list[Problem]:
        """Write results and manifest; what is wrong with the numbers of the pages."""
        report = self.settings.report
        shown, problems = collect(outcomes)
        states: dict[str, dict[str, str]] = {}
        for outcome in outcomes:
            states.setdefault(outcome.job.slug, {})[outcome.job.language] = outcome.state
        self.manifest.add(outcomes)
        self.manifest.left_out.update({e.slug: e.skipped.en for e in self._skipped() if e.skipped})
        Results(
            self.manifest.run_id, self.settings.name, report.period.id, str(self.data.as_of), report.currency,
            tuple(numbers.estimates), tuple(reading_values(reading) for reading in numbers.goals), shown, states,
        ).write(self.folder / "results.json")  # fmt: skip
        self.manifest.write(self.folder / "manifest.json")
        for problem in problems:
            self.out.note(str(problem))
        return problems

    def _skipped(self) -> list:  # type: ignore[type-arg]
        return [entry for entry in (*self.plan.left_out, *self.plan.entries) if entry.skipped]

    def _in_force(self) -> dict[str, dict[str, object]]:
        return {item.id: resolve(item, self.data, {}) for item in CATALOGUE.values()}

    def _remember(self, numbers: Numbers) -> None:
        """Add what is now published to the history."""
        append_history(
            self.settings.root,
            self.settings.name,
            run_id=self.manifest.run_id,
            run_at=self.manifest.started,
            estimates=numbers.estimates,
            definitions=self._in_force(),
        )

    def _edition(self, language: Language, outcomes: Sequence[Outcome]) -> Edition:
        """The pages of one language: executed notebooks, pages written by hand, pages written here."""
        report = self.settings.report
        here = {outcome.job.slug: outcome for outcome in outcomes if outcome.job.language == language}
        failed = [
            (entry, here[entry.slug])
            for entry in self.plan.entries
            if entry.slug in here and not here[entry.slug].ok
        ]
        sources = citations(self.assets / "references.bib")
        folder = self.folder / "pages" / language
        folder.mkdir(parents=True)
        book: list[Page] = []
        for entry in self.plan.entries:
            state = here[entry.slug].state if entry.slug in here else "skipped" if entry.skipped else "ok"
            source = folder / f"{entry.slug}.md"
            if entry.kind == "written":
                source = self.assets / language / f"{entry.slug}.md"
            elif entry.slug in here and here[entry.slug].ok:
                source = folder / f"{entry.slug}.ipynb"
                shown = for_the_book(nbformat.read(here[entry.slug].notebook, as_version=4), hidden=(MIME,))
                if entry.slug == "index" and failed:
                    cell = nbformat.v4.new_markdown_cell(pages.banner(failed, language), id="failed-pages")
                    shown.cells.insert(1, cell)
                nbformat.write(shown, source)
            elif entry.slug in here:
                text = pages.failure_page(entry, here[entry.slug], language)
                others = [one for one in failed if one[0] is not entry]
                if entry.slug == "index" and others:
                    text += f"\n{pages.banner(others, language)}"
                source.write_text(text, encoding="utf-8")
            else:
                text = pages.generated_page(
                    entry,
                    self.plan,
                    manifest=self.manifest,
                    outcomes=outcomes,
                    in_force=self._in_force(),
                    sources=sources,
                    language=language,
                )
                source.write_text(text, encoding="utf-8")
            part = entry.part.to(language) if entry.part else None
            book.append(Page(entry.slug, entry.title.to(language), source, part, entry.parent, state))
        meta = (
            report.period.label(language),
            word("as_of", language, day=pages.day(report.as_of, language)),
            Text("发布于 {day}", "Published {day}").to(
                language, day=pages.day(self.manifest.started.date(), language)
            ),
            Text("运行 {run}", "Run {run}").to(language, run=self.manifest.run_id),
        )
        return Edition(language, report.title.to(language), tuple(book), meta)


def compute(made: Plan, data: Data) -> Numbers:
    """Ask for every number of the report once, here, so that the notebooks find the sums in the snapshot.

    An indicator that cannot be read is noted and left out; its page will say what is wrong.
    """
    numbers = Numbers()
    compare = (data.period.previous(), data.period.year_ago())
    for item in made.indicators:
        try:
            found = [measure(item, data), *(measure(item, data, period=period) for period in compare)]
            found += trend(item, data).estimates
            for by in (name for name in data.segments if name in attributes(item, data)):
                found += breakdown(item, data, by=by).estimates
            numbers.estimates += [finite(estimate) for estimate in found]
        except Exception as error:  # noqa: BLE001 - one indicator must not keep the others from the reader
            numbers.notes.append(f"{item.id}: {type(error).__name__}: {error}")
    try:
        numbers.goals = scorecard(data)
    except Exception as error:  # noqa: BLE001 - the pages about goals say what is wrong
        numbers.notes.append(f"goals: {''.join(traceback.format_exception_only(error)).strip()}")
    return numbers
