"""One run of a report, from the parameters file to the published book.

Everything is built in ``runs/RUN/``; readers see nothing of it until the book is whole and has passed the
gate. A page that fails does not keep the others from being published; a book that is wrong does.
"""

import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from crmtools import faults
from crmtools.alerts import NOTHING, Evaluation, after_run, after_unchanged, when_not_published
from crmtools.errors import CRMError, Problem, RunError, SettingsError
from crmtools.indicators import CATALOGUE
from crmtools.measure import resolve
from crmtools.report import manifest as manifests
from crmtools.report.book import build_books
from crmtools.report.cache import PageCache
from crmtools.report.editions import Made, edition
from crmtools.report.engine import Outcome, page_files, run_jobs
from crmtools.report.history import append_history
from crmtools.report.inspection import edition_before, inspect
from crmtools.report.kernel import warm_process
from crmtools.report.lock import only_run
from crmtools.report.marks import keep_terms
from crmtools.report.naming import names_for
from crmtools.report.numbers import Numbers, read_all, ready_jobs
from crmtools.report.plan import Job, Plan, plan
from crmtools.report.project import BOOK
from crmtools.report.publish import publish
from crmtools.report.results import Results, collect, readings_of, results_of, told_by
from crmtools.report.results_files import ARCHIVE, pack
from crmtools.report.retention import sweep
from crmtools.report.seal import seal
from crmtools.report.warm import Warm
from crmtools.settings import Settings
from crmtools.tables.source import Data, fingerprint_of, open_settings


class Progress(Protocol):
    """Who is told how a run goes on."""

    def stage(self, name: str, jobs: int = 0) -> None:
        """A stage begins (a key of ``provenance.STAGES``); ``jobs`` notebooks will be run in it."""

    def job(self, outcome: Outcome) -> None:
        """A notebook has ended."""

    def note(self, message: str) -> None:
        """Something a person should know that does not stop the run."""


class Silent:
    """Tells nobody."""

    def stage(self, name: str, jobs: int = 0) -> None:
        """Say nothing."""

    def job(self, outcome: Outcome) -> None:
        """Say nothing."""

    def note(self, message: str) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A published run: book and run folder, what became of each notebook, seconds per stage.

    ``problems`` are numbers that do not agree between the pages of two languages, and what went wrong after the
    publication. ``unchanged`` says that nothing had to be run: book and folder are those of the run before.
    """

    run_id: str
    book: Path
    folder: Path
    outcomes: tuple[Outcome, ...]
    stages: Mapping[str, float]
    problems: tuple[Problem, ...] = ()
    unchanged: bool = False
    alerts: Evaluation = NOTHING

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The notebooks that have no results."""
        return tuple(outcome for outcome in self.outcomes if not outcome.ok)

    @property
    def exit_code(self) -> int:
        """0 when every page has its numbers, they agree and the run is in the history, 3 when an alert fired besides, else 2."""
        return 2 if self.failed or self.problems else 3 if self.alerts.fired else 0


@when_not_published
def run_report(
    settings: Settings,
    *,
    out: Progress | None = None,
    published: Path | None = None,
    notebooks: Path | None = None,
    assets: Path | None = None,
    fresh: bool = False,
    forked: bool = True,
    warm: Warm | None = None,
) -> RunResult:
    """Run a report and publish it.

    Pages that depend on nothing that has changed since an earlier run are taken from it, and if that is all of them, and the
    published book is the one they made, nothing is done at all.

    Parameters
    ----------
    settings
        What :func:`crmtools.parameters.load` returned.
    out
        Who is told how the run goes on.
    published
        The folder of all published reports, by default ``published`` beside the parameters folder.
    notebooks, assets
        The folders of the notebooks and of the hand-written pages; by default those of the project.
    fresh
        Run every page, whatever earlier runs left.
    forked
        Fork the kernels from a process that has imported everything, where the system can; else each starts by itself.
    warm
        That process, where the caller has one for several runs.

    Raises
    ------
    SettingsError, DataError
        Before anything is written.
    RunError
        When another run of this report goes on, a notebook is not as it must be, the book does not build or
        does not pass the gate, or something happens that nobody thought of (a log has its traceback). What was
        published before stays as it was.
    """
    out = out or Silent()
    _own_name(settings)
    with only_run(settings.root, settings.name), contextlib.ExitStack() as ending:
        started = datetime.now(UTC)
        stages: dict[str, float] = {}
        with _stage("data", stages, out):
            data = open_settings(settings)
        with _stage("plan", stages, out):
            made = plan(settings, data, notebooks=notebooks)
            assets, published = assets or BOOK, published or settings.root / "published"
            cached = PageCache.of(settings, data)
            cached.tidy()
            mark = cached.mark(made.jobs, assets)
            before = None if fresh or not mark else _same(settings, published, mark)
        if before is not None:
            return _unchanged(settings, published, before, stages, out)
        if warm is None and forked:
            warm = ending.enter_context(warm_process())
        run_id = manifests.new_run_id(started)
        manifest = manifests.start(settings, data, run_id=run_id, now=started, stages=stages)
        manifest.inputs = mark
        folder = settings.root / "runs" / run_id
        folder.mkdir(parents=True)
        try:
            manifest.write(folder / "manifest.json")
            run = _Run(settings, data, made, manifest, folder, out, warm, cached, fresh)
            return run.to_the_end(published, assets)
        except KeyboardInterrupt:
            if not manifest.is_published:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        except CRMError as error:
            _leave_failed(manifest, folder, str(error))
            raise
        except Exception as error:
            message = faults.said(error, faults.keep(error, folder / "logs"))
            _leave_failed(manifest, folder, message)
            state = "The report was published." if manifest.is_published else "What was published before is untouched."
            raise RunError(f"{message}\n{state}") from error


def _own_name(settings: Settings) -> None:
    """Raise SettingsError where a parameters file has the name under which the report of a part would be kept."""
    other = settings.path.with_name(f"{settings.name}{settings.path.suffix}")
    if settings.report.part and other.is_file():
        raise SettingsError(
            f"The report of {settings.path.stem} for these customers is called {settings.name}, and so is that of {other.name}. "
            "Rename that file, or one book would take the other's place."
        )


def _same(settings: Settings, published: Path, mark: str) -> Path | None:
    """The folder of the run whose book is published, where it was made of the very same, nothing in it failed and it came to
    its end.
    """
    edition = (published / settings.name).resolve()
    folder = settings.root / "runs" / edition.name
    try:
        record = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = isinstance(record, dict) and record.get("inputs") == mark and record.get("ended") == "published"
    # the seal is the last that a run does: one killed between publication and seal may not be in the history
    return folder if same and "files" in record and (edition / "index.html").is_file() else None


def _unchanged(
    settings: Settings, published: Path, before: Path, stages: Mapping[str, float], out: Progress
) -> RunResult:
    """What there is to say when the published book is what would be built; alerts may fire even so, for data grow old."""
    told = after_unchanged(settings, before)
    for message in (*told.remarks, *(one.text.en for one in told.new), *told.problems):
        out.note(str(message))
    book = published / settings.name
    return RunResult(before.name, book, before, (), dict(stages), told.problems, unchanged=True, alerts=told)


def _leave_failed(manifest: manifests.Manifest, folder: Path, message: str) -> None:
    """Say in the manifest that the run failed and why, if need be at the cost of the unpublished book."""
    if not manifest.is_published:
        manifest.ended = "not_published"
    manifest.problems = [*manifest.problems, message]
    try:
        manifest.write(folder / "manifest.json")
    except OSError:  # a full disk, most likely
        for name in ("book", "html"):
            shutil.rmtree(folder / name, ignore_errors=True)
        with contextlib.suppress(OSError):
            manifest.write(folder / "manifest.json")
    seal(folder)


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
    warm: Warm | None
    pages: PageCache
    fresh: bool

    def to_the_end(self, published: Path, assets: Path) -> RunResult:
        """Numbers, notebooks, results, book, gate, publication."""
        stages, run_id, name = self.manifest.stages, self.manifest.run_id, self.settings.name
        numbers = Numbers()
        in_force = {item.id: resolve(item, self.data, {}) for item in CATALOGUE.values()}
        with _stage("notebooks", stages, self.out, len(self.plan.jobs)):
            outcomes = self._notebooks(numbers)
            read_all(self.plan, self.data, numbers)
            self._note(numbers.notes)
        with _stage("results", stages, self.out):
            shown, problems = collect(outcomes)
            results = results_of(self.plan, numbers, shown, outcomes, run_id, told_by(outcomes))
            results.write(self.folder / "results.json")
            pack(results, self.folder / "beside" / ARCHIVE)
            keep_terms(self.folder, self.settings, in_force)
            self.manifest.add(self.plan, outcomes)
            self.manifest.write(self.folder / "manifest.json")
            self._note(problems)
        built = self.folder / "html"
        with _stage("book", stages, self.out):
            source = Made(self.plan, self.manifest, numbers, outcomes, in_force)
            editions = [
                edition(source, language, folder=self.folder / "pages" / language, assets=assets)
                for language in self.settings.report.languages
            ]
            log = self.folder / "logs"
            build_books(
                self.folder / "book", editions=editions, out=built, log=log, extra=self.folder / "beside", assets=assets
            )
        with _stage("gate", stages, self.out):
            self._gate(built, results, published)
        with _stage("publish", stages, self.out):
            publish(built, root=published, report=name, run_id=run_id, keep=self.settings.publish.keep)
            whole = not problems and all(outcome.ok for outcome in outcomes)
            self.manifest.ended = "published" if whole else "published_with_failures"
            self.manifest.problems = [str(problem) for problem in problems]
            problems = [*problems, *self._after(numbers, in_force)]
            alerts = after_run(self.settings, self.folder)
            self._note([*alerts.remarks, *(one.text.en for one in alerts.new)])
            self._note([*alerts.problems])
            problems = [*problems, *alerts.problems]
        result = RunResult(
            run_id, published / name, self.folder, outcomes, dict(stages), tuple(problems), alerts=alerts
        )
        self.manifest.ended = "published_with_failures" if result.exit_code == 2 else "published"
        self.manifest.problems = [str(problem) for problem in problems]
        self.manifest.write(self.folder / "manifest.json")
        self._note(seal(self.folder))
        return result

    def _after(self, numbers: Numbers, in_force: Mapping[str, Mapping[str, object]]) -> list[Problem]:
        """What follows a publication, which nothing here can undo: record, history, tidying up."""
        name, run_id = self.settings.name, self.manifest.run_id
        try:
            self.manifest.write(self.folder / "manifest.json")
            append_history(
                self.settings.root, name, run_id=run_id, run_at=self.manifest.started,
                estimates=numbers.estimates, definitions=in_force, readings=readings_of(numbers), marks=self.manifest.marks,
            )  # fmt: skip
            sweep(self.settings.root, report=name, present=run_id, keep=self.settings.publish.keep)
        except Exception as error:  # noqa: BLE001 - the report is published, and that is what must be said
            log = faults.keep(error, self.folder / "logs")
            message = str(error) if isinstance(error, CRMError) else faults.said(error, log)
            found = [Problem("after the publication", message)]
            self._note(found)
            return found
        return []

    def _note(self, messages: list[str] | list[Problem]) -> None:
        for message in messages:
            self.out.note(str(message))

    def _notebooks(self, numbers: Numbers) -> tuple[Outcome, ...]:
        """Compute and run. Each notebook opens the report by itself, so it must be the same report at the end."""
        found: list[Outcome] = []

        def to_run() -> Iterator[Job]:
            """Those that are not there from an earlier run."""
            for job in ready_jobs(self.plan, self.data, numbers):
                outcome = self._taken(job)
                if outcome is None:
                    yield job
                else:
                    found.append(outcome)
                    self.out.job(outcome)

        run = run_jobs(
            to_run(),
            folder=self.folder,
            facts=lambda job: names_for(job, self.settings),
            warm=self.warm,
            at_once=self.settings.run.kernels,
            limits=self.settings.run,
            done=self._done,
        )
        of = {(one.job.slug, one.job.language): one for one in (*found, *run)}
        outcomes = tuple(of[job.slug, job.language] for job in self.plan.jobs)
        if outcomes and not any(outcome.ok for outcome in outcomes):
            first = outcomes[0].failure
            said = f"{first.name}: {first.message}" if first else outcomes[0].state
            raise RunError(f"Not one notebook could be run, the first one says: {said}\nLogs: {outcomes[0].log.parent}")
        if changed := self._changed():
            raise RunError(changed)
        return outcomes

    def _taken(self, job: Job) -> Outcome | None:
        """A page as an earlier run left it; None where it has to be run."""
        if self.fresh:
            return None
        started = time.perf_counter()
        notebook, log = page_files(self.folder, job)
        if not (run := self.pages.take(job, notebook)):
            return None
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"Taken from run {run}: nothing that this page depends on has changed.\n", encoding="utf-8")
        return Outcome(job, "cached", time.perf_counter() - started, notebook, log)

    def _done(self, outcome: Outcome) -> None:
        """Tell, and keep the page for later runs: at once, for a run may be ended at any moment."""
        self.out.job(outcome)
        # a page that was made while something changed would be kept as one of the state before
        if outcome.state == "ok" and not self._changed():
            with contextlib.suppress(OSError):  # a full disk: the page is in the run, and only made again next time
                self.pages.keep(outcome.job, outcome.notebook, self.manifest.run_id)

    def _changed(self) -> str:
        """What was changed since the run began, and must not have been."""
        digest = hashlib.sha256(self.settings.path.read_bytes()).hexdigest()
        if digest != self.manifest.parameters["sha256"]:
            return f"{self.settings.path.name} was changed while the report was run. Run it again."
        if fingerprint_of(self.settings) != self.data.fingerprint:
            return (
                "The data, or the code that reads them, were changed while the report was run: its pages may "
                "not agree. Run it again."
            )
        return ""

    def _gate(self, built: Path, results: Results, published: Path) -> None:
        settings, run_id = self.data.settings, self.manifest.run_id
        before = edition_before(settings.root, published, settings.name, run_id)
        found = inspect(built, settings, results=results, before=before)
        self._note([*found.notes])
        if found.problems:
            count = f"{len(found.problems)} problem{'s'[: len(found.problems) > 1]}"
            footer = f"The book is in {built} to be looked at; what was published before is untouched."
            raise RunError.of(f"The book did not pass the gate: {count}", found.problems, footer)
