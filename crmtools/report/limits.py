"""What a notebook and a run may use: time and memory, watched from outside so that no cell can get around it."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import psutil

from crmtools.report.project import State
from crmtools.settings import Run

EVERY = 0.2
"""Seconds between two looks at the kernels."""
MEGABYTE = 2**20
SHARE_OF_MACHINE = 0.8
"""Of the machine's memory, what one notebook may have where the parameters file does not say."""


def megabytes_of(limits: Run) -> int:
    """The memory that a notebook may have."""
    return limits.memory_mb or int(psutil.virtual_memory().total * SHARE_OF_MACHINE / MEGABYTE)


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a kernel was ended, or never started: the state of its page, and the words for it."""

    state: State
    name: str
    message: str


class Watched(Protocol):
    """A kernel that can be looked at and ended."""

    started: float

    @property
    def pid(self) -> int | None:
        """Its process, as soon as there is one."""

    def end(self, why: Ended) -> None:
        """End it now, and remember why."""


class Watch:
    """A thread that ends kernels which use more than they may; a context manager."""

    def __init__(self, limits: Run, alive: Callable[[], Iterable[Watched]], over: Callable[[Ended], None]) -> None:
        """``alive`` gives the kernels to look at; ``over`` is told when the time of all notebooks is."""
        self._limits, self._alive, self._over = limits, alive, over
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        until = time.monotonic() + self._limits.run_seconds
        while not self._ended.wait(EVERY):
            for kernel in self._alive():
                if why := self._too_much(kernel):
                    kernel.end(why)
            if time.monotonic() > until:
                told = f"all notebooks together took longer than {self._limits.run_seconds} s (run.run_seconds in the parameters file)"
                self._over(Ended("skipped", "RunTimeLimit", told))
                return

    def _too_much(self, kernel: Watched) -> Ended | None:
        most = self._limits.notebook_seconds
        if time.monotonic() - kernel.started > most:
            message = f"the notebook took longer than {most} s (run.notebook_seconds in the parameters file)"
            return Ended("timed_out", "NotebookTimeLimit", message)
        used, most = memory_of(kernel.pid) // MEGABYTE, megabytes_of(self._limits)
        if used > most:
            message = (
                f"the notebook used {used:,} MB of memory, more than {most:,} MB (run.memory_mb in the parameters file)"
            )
            return Ended("killed", "MemoryLimit", message)
        return None


def memory_of(pid: int | None) -> int:
    """The resident memory of a process in bytes; 0 of one that there is not."""
    try:
        return int(psutil.Process(pid).memory_info().rss) if pid else 0
    except psutil.Error:
        return 0
