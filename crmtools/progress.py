"""How a run is shown while it goes on: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from crmtools.report.stages import STAGES

if TYPE_CHECKING:
    from crmtools.report.engine import Outcome


class Lines:
    """One line per stage and per notebook that failed, with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._jobs = self._done = self._cached = 0

    def _say(self, message: str) -> None:
        click.echo(f"{time.perf_counter() - self._started:7.1f} s  {message}")

    def stage(self, name: str, jobs: int = 0) -> None:
        """A stage begins."""
        self._jobs, self._done, self._cached = jobs, 0, 0
        self._say(f"{STAGES[name].en} ({jobs})" if jobs else STAGES[name].en)

    def job(self, outcome: "Outcome") -> None:
        """A notebook has ended: a line when it failed, and every tenth one."""
        self._done += 1
        self._cached += outcome.state == "cached"
        if not outcome.ok:
            failure = outcome.failure
            said = f": {failure.name}: {failure.message.splitlines()[0]}" if failure else ""
            self._say(f"  {outcome.job.slug} ({outcome.job.language}) {outcome.state}{said}")
        elif self._done % 10 == 0 or self._done == self._jobs:
            cached = f", {self._cached} of them unchanged since an earlier run" if self._cached else ""
            self._say(f"  {self._done} of {self._jobs} notebooks{cached}")

    def note(self, message: str) -> None:
        """Something to know."""
        self._say(f"  note: {message}")


class _Count(MofNCompleteColumn):
    """How many of how many; nothing while nobody knows."""

    def render(self, task: Task) -> Text:
        """The text of one task."""
        return super().render(task) if task.total else Text("")


class Bar:
    """One bar that goes through the stages."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._task: TaskID = shown.add_task("", total=None)

    def stage(self, name: str, jobs: int = 0) -> None:
        """A stage begins."""
        self._shown.remove_task(self._task)  # a task that has a total cannot lose it again
        self._task = self._shown.add_task(STAGES[name].en, total=jobs or None)

    def job(self, outcome: "Outcome") -> None:
        """A notebook has ended."""
        self._shown.advance(self._task)
        if not outcome.ok:
            self._shown.console.print(
                f"{outcome.job.slug} ({outcome.job.language}) {outcome.state}", markup=False, style="red"
            )

    def note(self, message: str) -> None:
        """Something to know."""
        self._shown.console.print(f"note: {message}", markup=False, style="yellow")


@contextmanager
def progress() -> Iterator[Lines | Bar]:
    """What shows a run on this terminal, or in this log."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), _Count(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        yield Bar(shown)
