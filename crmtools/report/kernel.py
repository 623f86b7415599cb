"""The kernel of one notebook: this interpreter, its own sockets and folder, one thread per calculation.

Kernels that run side by side must not meet. Over TCP Jupyter picks free ports and hopes that nobody takes them before
the kernel does ("Address already in use", when many start at once). Here every kernel talks through sockets in a folder
of its own, which is removed with it. Where a system has no such sockets, TCP is used.
"""

import math
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

from crmtools.report.limits import Ended
from crmtools.report.provisioner import ForkedKernel
from crmtools.report.warm import Warm, environment
from crmtools.settings import cores
from crmtools.tables.source import THREADS

ENGINE = "crmtools"
CONNECTION = "kernel.json"
LONGEST_SOCKET = 100
"""A socket's path may have 107 characters (104 on macOS); Jupyter appends a number to ours."""
NO_HISTORY = "--HistoryManager.enabled=False"
"""Nobody types into these kernels; what was typed would go to a database of each."""
STOPPED = Ended("killed", "Stopped", "the run was stopped")


class Kernels:
    """The kernels that are alive, so that they can be ended from another thread.

    With a ``warm`` process they are forked from it, else each starts as usual. Their folders lie in ``home``. ``at_once`` of them
    share the machine's cores.
    """

    def __init__(self, home: Path, warm: Warm | None = None, *, at_once: int = 1) -> None:
        self.home, self.warm, self.at_once = home, warm, at_once
        self.threads = max(cores() // at_once, 1)
        self._alive: set[PageKernel] = set()
        self._lock = threading.Lock()
        self._stopped: Ended | None = None

    @property
    def alive(self) -> list["PageKernel"]:
        """Those that have been started and not ended."""
        with self._lock:
            return list(self._alive)

    def add(self, kernel: "PageKernel") -> None:
        """Remember a kernel that is about to start; raises DeadKernelError, and tells the kernel why, when none may."""
        with self._lock:
            if self._stopped:
                kernel.why = self._stopped
                raise DeadKernelError(self._stopped.message)
            self._alive.add(kernel)

    def drop(self, kernel: "PageKernel") -> None:
        """Forget a kernel that has ended."""
        with self._lock:
            self._alive.discard(kernel)

    def stop(self, why: Ended = STOPPED) -> None:
        """End every kernel now, and let no other start."""
        with self._lock:
            self._stopped = why
        for kernel in self.alive:
            kernel.end(why)


class PageKernel(AsyncKernelManager):
    """A kernel of this interpreter whose files all lie in ``place``; what it says outside of cells goes to
    ``log``.

    ``pages`` counts the notebooks that were begun in it, ``talk`` is the client that talks to it, ``started`` when the clock of
    the present notebook began to run.
    """

    def __init__(self, *, place: Path, log: IO[str], kernels: Kernels) -> None:
        super().__init__(kernel_name="python3")
        made = LocalProvisioner if kernels.warm is None else ForkedKernel
        self.provisioner = made(kernel_id=place.name, kernel_spec=self.kernel_spec, parent=self)
        if isinstance(self.provisioner, ForkedKernel):
            self.provisioner.warm = kernels.warm
        self.place, self.log_file, self.kernels = place, log, kernels
        self.started = math.inf
        self.pages = 0
        self.talk: Any = None
        self.why: Ended | None = None
        self.connection_file = str(place / CONNECTION)
        if sys.platform != "win32" and len(str(place / "k")) < LONGEST_SOCKET:
            self.transport, self.ip = "ipc", str(place / "k")

    @property
    def kernel_spec(self) -> KernelSpec:
        """This interpreter, whatever a user has registered as python3."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", NO_HISTORY]
        return KernelSpec(argv=command, display_name="Python 3", language="python")

    async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
        """Start it with its own environment."""
        self.kernels.add(self)
        given = environment(self.place) | {THREADS: str(self.kernels.threads)}
        await super().start_kernel(**options, env=given, stdout=self.log_file, stderr=self.log_file)
        self.begin()
        if self.why:  # it was ended before it had a process
            self.end(self.why)

    async def cleanup_resources(self, restart: bool = False) -> None:  # type: ignore[override]
        """Forget it, after its process has ended."""
        await super().cleanup_resources(restart=restart)
        if not restart:
            self.kernels.drop(self)

    def begin(self) -> None:
        """Begin with a notebook: its time runs from now."""
        self.pages += 1
        self.started = time.monotonic()

    def rest(self) -> None:
        """Wait for the next notebook, for which there is time."""
        self.started = math.inf

    async def finish(self) -> None:
        """End it, whether or not it is still alive, and the talk with it."""
        try:
            if await self.is_alive():
                await self.shutdown_kernel(now=True)
        except RuntimeError:  # it ended in between
            pass
        finally:
            await self.cleanup_resources()
            if self.talk is not None:
                self.talk.stop_channels()
                self.talk = None

    @property
    def pid(self) -> int | None:
        """Its process, as soon as there is one."""
        return getattr(self.provisioner, "pid", None)

    def end(self, why: Ended) -> None:
        """End the process at once, and remember why; safe from any thread."""
        self.why = self.why or why
        process = getattr(self.provisioner, "process", None)
        if process is not None and process.poll() is None:
            process.kill()


class PageEngine(NBClientEngine):
    """Papermill's own engine on kernels of ours, which gives the notebook back whatever happened."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        kernel: PageKernel,
        prepared: str,
        seen: list[Any],
        cell_seconds: int,
        **options: Any,
    ) -> None:
        """Run the notebook in a kernel that whoever gave it ends; ``seen`` receives it before its first cell, so that what it got
        to is not lost. ``prepared`` is run before, without a trace in the notebook.
        """
        seen.append(nb_man.nb)
        client = _Client(
            nb_man,
            km=kernel,
            timeout=cell_seconds,
            startup_timeout=options["start_timeout"],
            stderr_file=options["stderr_file"],
            on_cell_start=options["on_cell_start"],
            shutdown_kernel="immediate",
        )
        client.execute_on(kernel, prepared)


class _Client(PapermillNotebookClient):
    def execute_on(self, kernel: PageKernel, prepared: str) -> None:
        """Execute the notebook on a kernel that is started if it is not there yet; it and the talk with it go on."""
        self.kc = kernel.talk
        self.setup(kernel, prepared)
        self.execute(cleanup_kc=False)

    def setup(self, kernel: PageKernel, prepared: str) -> None:
        """Start the kernel, or begin anew in it."""
        with self.setup_kernel(cleanup_kc=False):
            kernel.talk = self.kc
            if prepared:
                said = self.wait_for_reply(self.kc.execute(prepared, silent=True, store_history=False))
                if said is None or said["content"]["status"] != "ok":
                    raise NotPrepared(str(said and said["content"].get("evalue")))


class NotPrepared(Exception):
    """A kernel in which no further notebook may be run."""


def register() -> None:
    """Make the engine known to Papermill."""
    papermill_engines.register(ENGINE, PageEngine)
