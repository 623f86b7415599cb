"""The stages of a run, and who is told how it goes on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from crmtools.words import Text

if TYPE_CHECKING:
    from crmtools.report.engine import Outcome

STAGES: dict[str, Text] = {
    "look": Text("查看有无变化", "See what has changed"),
    "data": Text("打开并检查数据", "Open and check the data"),
    "plan": Text("计划", "Plan"),
    "notebooks": Text("计算并运行笔记本", "Compute and run the notebooks"),
    "results": Text("汇总结果", "Collect the results"),
    "book": Text("生成网页", "Build the book"),
    "gate": Text("发布前检查", "Check the book"),
    "publish": Text("发布", "Publish"),
}
"""The stages of a run, in their order."""


class Progress(Protocol):
    """Who is told how a run goes on."""

    def stage(self, name: str, jobs: int = 0) -> None:
        """A stage begins (a key of ``STAGES``); ``jobs`` notebooks will be run in it."""

    def job(self, outcome: "Outcome") -> None:
        """A notebook has ended."""

    def note(self, message: str) -> None:
        """Something a person should know that does not stop the run."""


class Silent:
    """Tells nobody."""

    def stage(self, name: str, jobs: int = 0) -> None:
        """Say nothing."""

    def job(self, outcome: "Outcome") -> None:
        """Say nothing."""

    def note(self, message: str) -> None:
        """Say nothing."""


@contextmanager
def stage(name: str, seconds: dict[str, float], out: Progress, jobs: int = 0) -> Iterator[None]:
    """Tell that a stage begins, and note the seconds it took."""
    out.stage(name, jobs)
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started
