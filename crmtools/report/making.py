"""The making of a book: data, plan, numbers, notebooks, results, pages, gate, publication."""

import contextlib
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from crmtools import faults
from crmtools.alerts import NOTHING, Evaluation, after_run
from crmtools.errors import CRMError, Problem, RunError
from crmtools.estimating import resolve
from crmtools.indicators import CATALOGUE
from crmtools.report import manifest as manifests
from crmtools.report.ahead import ahead
from crmtools.report.bindery import Bindery, binderies
from crmtools.report.book import Setting, build_books, settings_begun
from crmtools.report.cache import PageCache
from crmtools.report.collected import collect, readings_of, results_of, told_by
from crmtools.report.editions import Made, edition
from crmtools.report.engine import Outcome, page_files, run_jobs
from crmtools.report.history import append_history
from crmtools.report.inspection import edition_before, inspect
from crmtools.report.marks import keep_terms
from crmtools.report.naming import names_for
from crmtools.report.numbers import Numbers, read_all, ready_jobs
from crmtools.report.plan import Job, Plan, plan
from crmtools.report.private import private_values
from crmtools.report.publish import publish
from crmtools.report.reach import only_ours
from crmtools.report.remarks import remarks
from crmtools.report.results import Results
from crmtools.report.results_files import ARCHIVE, pack
from crmtools.report.retention import sweep
from crmtools.report.run import RunResult
from crmtools.report.seal import seal
from crmtools.report.stages import Progress, stage
from crmtools.report.warm import Warm
from crmtools.settings import Settings
from crmtools.tables.snapshot import fingerprint_of
from crmtools.tables.source import Data, open_settings
from crmtools.words import Language


def make(
    settings: Settings,
    inputs: str,
    *,
    notebooks: Path,
    assets: Path,
    published: Path,
    out: Progress,
    started: datetime,
    stages: dict[str, float],
    fresh: bool,
    warm: Warm | None,
) -> RunResult:
    """Make the book of a report and publish it; the caller holds the report's lock.

    ``inputs`` is the mark of all that the book depends on, ``stages`` is filled as the run goes on. What is raised is what
    :func:`crmtools.report.run.run_report` says.
    """
    with stage("data", stages, out):
        data = open_settings(settings)
    with stage("plan", stages, out):
        made = plan(settings, data, notebooks=notebooks)
        cached = PageCache.of(settings, data)
        cached.tidy()
    for remark in remarks(data, made.jobs):
        out.note(remark)
    run_id = manifests.new_run_id(started)
    manifest = manifests.start(settings, data, run_id=run_id, now=started, stages=stages)
    # a notebook that reaches further may depend on more than the mark is made of
    manifest.inputs = inputs if all(only_ours(job.notebook) for job in made.jobs) else ""
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
        """Numbers and notebooks, then all that is made of them."""
        stages = self.manifest.stages
        numbers = Numbers()
        in_force = {item.id: resolve(item, self.data, {}) for item in CATALOGUE.values()}
        with stage("notebooks", stages, self.out, len(self.plan.jobs)):
            outcomes = self._notebooks(numbers)
            read_all(self.plan, self.data, numbers)
            self._note(numbers.notes)
        languages = self.settings.report.languages
        with binderies(languages, self.warm) as benches, settings_begun(self.folder / "book", languages) as begun:
            return self._bind(benches, begun, numbers, outcomes, in_force, published, assets)

    def _bind(
        self,
        benches: Mapping[Language, Bindery],
        begun: Mapping[Language, Setting],
        numbers: Numbers,
        outcomes: tuple[Outcome, ...],
        in_force: Mapping[str, Mapping[str, object]],
        published: Path,
        assets: Path,
    ) -> RunResult:
        """Results, book, gate, publication."""
        stages, run_id, name = self.manifest.stages, self.manifest.run_id, self.settings.name
        with stage("results", stages, self.out):
            shown, problems = collect(outcomes)
            results = results_of(self.plan, numbers, shown, outcomes, run_id, told_by(outcomes))
            results.write(self.folder / "results.json")
            pack(results, self.folder / "beside" / ARCHIVE)
            keep_terms(self.folder, self.settings, in_force)
            self.manifest.add(self.plan, outcomes)
            self.manifest.write(self.folder / "manifest.json")
            self._note(problems)
        built = self.folder / "html"
        con = duckdb.connect()
        with ahead(lambda: private_values(self.data.settings, con), stop=con.interrupt) as private:
            with stage("book", stages, self.out):
                source = Made(self.plan, self.manifest, numbers, outcomes, in_force)
                editions = [
                    edition(source, language, folder=self.folder / "pages" / language, assets=assets)
                    for language in self.settings.report.languages
                ]
                log = self.folder / "logs"
                build_books(
                    self.folder / "book",
                    editions=editions,
                    out=built,
                    log=log,
                    extra=self.folder / "beside",
                    assets=assets,
                    benches=benches,
                    begun=begun,
                )
            with stage("gate", stages, self.out):
                self._gate(built, results, published, private.result(), benches)
        with stage("publish", stages, self.out):
            publish(built, root=published, report=name, run_id=run_id, keep=self.settings.publish.keep)
            whole = not problems and all(outcome.ok for outcome in outcomes)
            self.manifest.ended = "published" if whole else "published_with_failures"
            self.manifest.problems = [str(problem) for problem in problems]
            problems = [*problems, *self._even_so(lambda: self._remember(numbers, in_force))]
            told: list[Evaluation] = []
            problems = [*problems, *self._even_so(lambda: told.append(after_run(self.settings, self.folder)))]
            alerts = told[0] if told else NOTHING
            self._note([*alerts.remarks, *(one.text.en for one in alerts.new)])
            self._note([*alerts.problems])
            problems = [*problems, *alerts.problems]
        book, found = published / name, tuple(problems)
        result = RunResult(run_id, book, self.folder, outcomes, dict(stages), found, alerts=alerts)
        self.manifest.ended = "published_with_failures" if result.exit_code == 2 else "published"
        self.manifest.problems = [str(problem) for problem in problems]
        if last := self._even_so(lambda: self.manifest.write(self.folder / "manifest.json")):
            return replace(result, problems=(*result.problems, *last))
        self._note(seal(self.folder))
        return result

    def _remember(self, numbers: Numbers, in_force: Mapping[str, Mapping[str, object]]) -> None:
        """Record, history, tidying up."""
        name, run_id = self.settings.name, self.manifest.run_id
        self.manifest.write(self.folder / "manifest.json")
        append_history(
            self.settings.root, name, run_id=run_id, run_at=self.manifest.started,
            estimates=numbers.estimates, definitions=in_force, readings=readings_of(numbers), marks=self.manifest.marks,
        )  # fmt: skip
        sweep(self.settings.root, report=name, present=run_id, keep=self.settings.publish.keep)

    def _even_so(self, work: Callable[[], object]) -> list[Problem]:
        """Do what follows a publication, which nothing here can undo; what cannot be done is a problem that is told."""
        try:
            work()
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

    def _gate(
        self, built: Path, results: Results, published: Path, private: set[str], benches: Mapping[Language, Bindery]
    ) -> None:
        settings, run_id = self.data.settings, self.manifest.run_id
        before = edition_before(settings.root, published, settings.name, run_id)
        found = inspect(built, settings, results=results, before=before, private=private, benches=benches)
        self._note([*found.notes])
        if found.problems:
            count = f"{len(found.problems)} problem{'s'[: len(found.problems) > 1]}"
            footer = f"The book is in {built} to be looked at; what was published before is untouched."
            raise RunError.of(f"The book did not pass the gate: {count}", found.problems, footer)
