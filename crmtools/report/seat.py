"""Where one notebook after another is run: a kernel that goes on with the next page as long as nothing is left of the one before.

Starting a kernel, opening the data and drawing a first figure take longer than most pages. A kernel therefore serves page after
page where the notebooks leave no trace (:mod:`crmtools.report.reach`) and all goes well. What it says outside of cells stands in the
log of its first page. Whatever does not go well in such a kernel is run once more, cell by cell in a kernel of its own, so that no page
is judged by what another did; and a notebook that may do anything has a kernel to itself from the start.
"""

import asyncio
import contextlib
from types import TracebackType
from typing import IO

from jupyter_core.utils import ensure_event_loop

from crmtools.report.kernel import Kernels, PageKernel
from crmtools.report.limits import Ended, memory_of
from crmtools.report.places import new_place, remove_place

ROOM = 2
"""Kernels go on while all that may be there use less than the limit of one, divided by this."""
NO_MORE = Ended("killed", "Ended", "the kernel was not needed any more")


class Seat:
    """The kernel of one thread, kept between pages; a context manager. Not to be shared: a talk belongs to a thread's loop."""

    def __init__(self, kernels: Kernels, memory: int) -> None:
        """``memory`` is what one notebook may use, in bytes."""
        self._kernels, self._memory = kernels, memory
        self._kept: PageKernel | None = None

    @property
    def keeps(self) -> bool:
        """Whether it keeps kernels at all: those that are not forked start each by itself."""
        return self._kernels.warm is not None

    def take(self, log: IO[str], *, alone: bool) -> PageKernel:
        """A kernel for a notebook: the one that was kept, or a new one. One that shall be ``alone`` gets a new one."""
        if self._kept is not None:
            kept, self._kept = self._kept, None
            if not alone and kept.why is None:
                kept.begin()
                return kept
            self.end(kept)
        return PageKernel(place=new_place(self._kernels.home), log=log, kernels=self._kernels)

    def give_back(self, kernel: PageKernel, *, good: bool) -> None:
        """Keep a kernel in which all went well for the next page; end any other."""
        if good and memory_of(kernel.pid) * self._kernels.at_once * ROOM < self._memory:
            kernel.rest()
            self._kept = kernel
        else:
            self.end(kernel)

    def end(self, kernel: PageKernel) -> None:
        """End a kernel, and what is left of the talk with it. Never raises: the page that was run is what it is."""
        try:
            ensure_event_loop().run_until_complete(kernel.finish())
        except Exception:  # noqa: BLE001 - what is left goes with the warm process, and with the folder of the run
            kernel.end(NO_MORE)
        finally:
            with contextlib.suppress(Exception):
                _close_loop()
            remove_place(kernel.place)

    def __enter__(self) -> "Seat":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._kept is not None:
            kept, self._kept = self._kept, None
            self.end(kept)


def _close_loop() -> None:
    """End what the client left waiting in this thread, and the loop it waited in."""
    loop = ensure_event_loop()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()
    asyncio.set_event_loop(None)
