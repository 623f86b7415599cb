"""One run of a report, from the parameters file to the published book.

Everything is built in ``runs/RUN/``; readers see nothing of it until the book is whole and has passed the
gate. A page that fails does not keep the others from being published; a book that is wrong does.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crmtools.alerts import NOTHING, Evaluation, after_unchanged, when_not_published
from crmtools.errors import Problem, SettingsError
from crmtools.report.folders import BOOK, notebooks_folder
from crmtools.report.lock import only_run
from crmtools.report.stages import Progress, Silent, stage
from crmtools.report.unchanged import inputs_of, same_as
from crmtools.report.warm import Warm, warm_process
from crmtools.settings import Settings

if TYPE_CHECKING:
    from crmtools.report.engine import Outcome


@dataclass(frozen=True, slots=True)
class RunResult:
    """A published run: book and run folder, what became of each notebook, seconds per stage.

    ``problems`` are numbers that do not agree between the pages of two languages, and what went wrong after the
    publication. ``unchanged`` says that nothing had to be run: book and folder are those of the run before.
    """

    run_id: str
    book: Path
    folder: Path
    outcomes: "tuple[Outcome, ...]"
    stages: Mapping[str, float]
    problems: tuple[Problem, ...] = ()
    unchanged: bool = False
    alerts: Evaluation = NOTHING

    @property
    def failed(self) -> "tuple[Outcome, ...]":
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
    with only_run(settings.root, settings.name):
        started = datetime.now(UTC)
        stages: dict[str, float] = {}
        notebooks, assets = notebooks or notebooks_folder(settings.root), assets or BOOK
        published = published or settings.root / "published"
        with stage("look", stages, out):
            inputs = inputs_of(settings, notebooks=notebooks, assets=assets)
            before = None if fresh else same_as(settings, published, inputs)
        if before is not None:
            return _unchanged(settings, published, before, stages, out)
        with contextlib.ExitStack() as ending:
            if forked and (
                warm is None or warm.given_up
            ):  # first: it imports while this process does, and reads the data
                warm = ending.enter_context(warm_process())
            from crmtools.report.making import make  # what makes a book takes seconds to import
            from crmtools.tables.rewriting import write_sooner

            write_sooner()
            return make(
                settings, inputs, notebooks=notebooks, assets=assets, published=published, out=out, started=started,
                stages=stages, fresh=fresh, warm=warm,
            )  # fmt: skip


def _own_name(settings: Settings) -> None:
    """Raise SettingsError where a parameters file has the name under which the report of a part would be kept."""
    other = settings.path.with_name(f"{settings.name}{settings.path.suffix}")
    if settings.report.part and other.is_file():
        raise SettingsError(
            f"The report of {settings.path.stem} for these customers is called {settings.name}, and so is that of {other.name}. "
            "Rename that file, or one book would take the other's place."
        )


def _unchanged(
    settings: Settings, published: Path, before: Path, stages: Mapping[str, float], out: Progress
) -> RunResult:
    """What there is to say when the published book is what would be built; alerts may fire even so, for data grow old."""
    told = after_unchanged(settings, before)
    for message in (*told.remarks, *(one.text.en for one in told.new), *told.problems):
        out.note(str(message))
    book = published / settings.name
    return RunResult(before.name, book, before, (), dict(stages), told.problems, unchanged=True, alerts=told)
