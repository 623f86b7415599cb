"""Running notebooks side by side, with one true state for each.

Papermill's own record is not enough: it stores a cell that ran out of time, or whose kernel died, as
completed, and lets ``sys.exit(0)`` pass. The state here comes from what was raised and from what the notebook
holds afterwards.
"""

import contextlib
import re
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TextIO

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import raise_for_execution_errors

from crmtools.errors import CRMError
from crmtools.report import kernel
from crmtools.report.kernel import NotWell, PageKernel
from crmtools.report.limits import MEGABYTE, Ended, Watch, megabytes_of
from crmtools.report.notebooks import prepare, read_notebook
from crmtools.report.places import places
from crmtools.report.plan import Job
from crmtools.report.project import State
from crmtools.report.reach import leaves_no_trace
from crmtools.report.seat import Seat
from crmtools.report.warm import Warm
from crmtools.settings import Run

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
START_SECONDS = 60
OUTSIDE = Ended(
    "killed", "DeadKernelError", "the kernel ended while a cell was running: out of memory, or ended from outside"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a notebook has no page: the error's name and message, and the cell of the executed notebook (from
    1).
    """

    name: str
    message: str
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job. ``notebook`` is the executed file, as far as it got; ``log`` is always there."""

    job: Job
    state: State
    seconds: float
    notebook: Path
    log: Path
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a page with numbers."""
        return self.state in ("ok", "cached")


def run_jobs(
    jobs: Iterable[Job],
    *,
    folder: Path,
    facts: Callable[[Job], dict[str, str]],
    warm: Warm | None = None,
    at_once: int = 2,
    limits: Run = Run(),
    alone: bool = False,
    done: Callable[[Outcome], None] = lambda outcome: None,
) -> tuple[Outcome, ...]:
    """Run every job and say what became of it, in the order of the jobs.

    Executed notebooks go to ``folder/notebooks/LANGUAGE/SLUG.ipynb``, what they said to ``folder/logs``. ``jobs`` may
    be a generator that makes each job ready while the ones before are running. ``facts`` gives what a notebook's
    Markdown may name. Kernels are forked from ``warm`` where it is given. ``alone`` runs each cell by cell in a kernel
    of its own, for whoever wants to see at once what fails. ``done`` is called in this thread after each.
    What uses more than the ``limits`` is ended, and its page says so.
    No job stops another one; an interrupt ends all kernels and is raised again.
    """
    kernel.register()
    outcomes: dict[int, Outcome] = {}
    todo: SimpleQueue[_Task | None] = SimpleQueue()
    ended: SimpleQueue[tuple[int, Outcome]] = SimpleQueue()
    count = 0

    def gather(seconds: float) -> None:
        with contextlib.suppress(Empty):
            while True:
                number, outcome = ended.get(timeout=seconds)
                outcomes[number] = outcome
                done(outcome)
                seconds = 0.0
        for one in serving:
            if one.done():
                one.result()  # what no page can be blamed for ends the run

    with places() as home:
        kernels = kernel.Kernels(home, warm, at_once=at_once)
        pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="notebook")
        with Watch(limits, lambda: kernels.alive, kernels.stop), pool:
            serving: list[Future[None]] = []
            try:
                serving.extend(
                    pool.submit(_serve, todo, ended, folder, kernels, limits, alone=alone) for _ in range(at_once)
                )
                for count, job in enumerate(jobs, 1):
                    todo.put(_Task(count, job, facts(job)))
                    gather(0.0)
                for _ in serving:
                    todo.put(None)
                while not all(one.done() for one in serving):
                    gather(0.2)
                gather(0.0)
            except BaseException:  # an interrupt above all
                try:
                    with contextlib.suppress(Empty):
                        while True:
                            todo.get_nowait()
                finally:
                    for _ in range(at_once):
                        todo.put(None)
                    kernels.stop()
                raise
    return tuple(outcomes[number] for number in range(1, count + 1))


@dataclass(frozen=True, slots=True)
class _Task:
    number: int
    job: Job
    facts: dict[str, str]


def _serve(
    todo: "SimpleQueue[_Task | None]",
    ended: "SimpleQueue[tuple[int, Outcome]]",
    folder: Path,
    kernels: kernel.Kernels,
    limits: Run,
    *,
    alone: bool,
) -> None:
    """Run one notebook after another until there are no more: the work of one thread, which has a kernel of its own."""
    with Seat(kernels, megabytes_of(limits) * MEGABYTE) as seat:
        while task := todo.get():
            asked = alone or not seat.keeps or not leaves_no_trace(task.job.notebook)
            ended.put(
                (task.number, _run(task, folder=folder, cell_seconds=limits.cell_seconds, seat=seat, alone=asked))
            )


def page_files(folder: Path, job: Job) -> tuple[Path, Path]:
    """Where the executed notebook of a page lies in a run's folder, and its log."""
    return folder / "notebooks" / job.language / f"{job.slug}.ipynb", folder / "logs" / f"{job.slug}.{job.language}.log"


def _run(task: _Task, *, folder: Path, cell_seconds: int, seat: Seat, alone: bool) -> Outcome:
    """One notebook from start to end. What goes wrong here belongs to this page alone; only where not even a log can be written is
    it raised.
    """
    started, job = time.perf_counter(), task.job
    target, log = page_files(folder, job)
    for path in (target, log):
        path.parent.mkdir(parents=True, exist_ok=True)
    before = ""
    while True:
        with log.open("w", encoding="utf-8") as said:
            said.write(before)
            said.flush()  # the kernel writes into the same file
            state, failure, again = _in_kernel(task, target, said, cell_seconds, seat, alone=alone)
            if failure:
                said.write(f"\n{state}: {failure.name}: {failure.message}\n")
        if not again:
            return Outcome(job, state, time.perf_counter() - started, target, log, failure)
        alone = True
        why = f"{failure.name}: {failure.message}" if failure else state
        before = f"Run once more, cell by cell in a kernel of its own. In one that serves page after page: {why}\n"


def _in_kernel(
    task: _Task, target: Path, said: TextIO, cell_seconds: int, seat: Seat, *, alone: bool
) -> tuple[State, Failure | None, bool]:
    """State and failure of a notebook, and whether to run it once more, ``alone``: what went wrong after other pages may be due to
    them, and what a cell that failed has said is told only by one that is asked by itself. That a notebook took too long, or ended its
    kernel, is known at once where no other page was there before.
    """
    own = seat.take(said, alone=alone)
    state: State = "failed"
    failure: Failure | None = None
    again = not alone
    try:
        failure = _execute(task, target, said, cell_seconds, own, at_once=not alone)
        state = "failed" if failure else "ok"
        again = again and state != "ok"
    except _Stopped as stop:
        state, failure = stop.state, stop.failure
        again = again and own.pages > 1
    except NotWell as tried:
        failure = Failure(tried.name, tried.message)
    except Exception as error:  # noqa: BLE001 - the other pages go on, and this one says what happened
        said.write(traceback.format_exc())
        failure = Failure(type(error).__name__, str(error) or "no message")
    seat.give_back(own, good=state == "ok" and not alone)
    return state, failure, again


class _Stopped(Exception):
    """A notebook that did not come to its end, with its state."""

    def __init__(self, state: State, failure: Failure) -> None:
        super().__init__(failure.message)
        self.state, self.failure = state, failure


def _execute(
    task: _Task, target: Path, said: TextIO, cell_seconds: int, own: PageKernel, *, at_once: bool
) -> Failure | None:
    """Execute a notebook and write it as far as it got; the failure of a cell is returned, everything else raised."""
    seen: list[NotebookNode] = []
    try:
        _through_papermill(task, said, cell_seconds, own, seen, at_once=at_once)
    except BaseException:
        if seen:
            with contextlib.suppress(OSError):  # what happened before is what the page tells
                _write(seen[0], target)
        raise
    if not seen:
        return Failure(CRMError.__name__, "nothing was run")
    _write(seen[0], target)
    return first_error(seen[0], said)


def _through_papermill(
    task: _Task, said: TextIO, cell_seconds: int, own: PageKernel, seen: list[NotebookNode], *, at_once: bool
) -> None:
    """Execute in a kernel; raises _Stopped where it did not come to its end, which is not said of a cell that failed."""
    ready = prepare(read_notebook(task.job.notebook), language=task.job.language, facts=task.facts)
    at = {"cell": 0}
    try:
        # in two steps: in one Papermill would also write the notebook with all that it says, to nowhere
        notebook = papermill.execute_notebook(
            ready, None, dict(task.job.parameters), engine_name=kernel.ENGINE, kernel_name="python3", prepare_only=True
        )
        notebook = papermill_engines.execute_notebook_with_engine(
            kernel.ENGINE,
            notebook,
            kernel_name="python3",
            output_path=None,
            progress_bar=False,
            start_timeout=START_SECONDS,
            stderr_file=said,
            cell_seconds=cell_seconds,
            kernel=own,
            at_once=at_once,
            seen=seen,
            on_cell_start=lambda cell, cell_index, **_: at.update(cell=cell_index + 1),
        )
        raise_for_execution_errors(notebook, None)
    except PapermillExecutionError:
        pass  # found again in the notebook, where sys.exit is found too
    except CellTimeoutError:
        message = f"a cell took longer than {cell_seconds} s (run.cell_seconds in the parameters file)"
        raise _Stopped("timed_out", Failure("CellTimeoutError", message, at["cell"])) from None
    except (DeadKernelError, RuntimeError) as error:  # the latter of a kernel that ends while it starts
        if own.why is None and not isinstance(error, DeadKernelError):
            raise
        why = own.why or OUTSIDE
        raise _Stopped(why.state, Failure(why.name, why.message, at["cell"] or None)) from None


def _write(notebook: NotebookNode, target: Path) -> None:
    """Write an executed notebook, whole or not at all: of a full disk its page tells, not one that is torn."""
    try:
        nbformat.write(notebook, target)
    except OSError:
        target.unlink(missing_ok=True)
        raise


def first_error(notebook: NotebookNode, said: Any) -> Failure | None:
    """The first error that an executed notebook holds, its traceback written to the log."""
    ran = [cell for cell in notebook.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])]
    for number, cell in enumerate(ran, 1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                said.write(COLOUR.sub("", "\n".join(output.traceback)) + "\n")
                message = output.evalue or (
                    "the notebook ended itself" if output.ename == "SystemExit" else "no message"
                )
                return Failure(output.ename, COLOUR.sub("", message), number)
    return None
