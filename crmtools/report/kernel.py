"""The kernel of one notebook: this interpreter, its own sockets and folder, one thread per calculation.

Kernels that run side by side must not meet. Over TCP Jupyter picks free ports and hopes that nobody takes them before
the kernel does ("Address already in use", when many start at once). Here every kernel talks through sockets in a folder
of its own, which is removed with it. Where a system has no such sockets, TCP is used.
"""

import json
import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import ensure_async, run_sync
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

from crmtools.cores import cores
from crmtools.report.limits import Ended
from crmtools.report.notebooks import tags
from crmtools.report.provisioner import ForkedKernel
from crmtools.report.warm import Warm, environment
from crmtools.tables.source import THREADS

ENGINE = "crmtools"
CONNECTION = "kernel.json"
LONGEST_SOCKET = 100
"""A socket's path may have 107 characters (104 on macOS); Jupyter appends a number to ours."""
NO_HISTORY = "--HistoryManager.enabled=False"
"""Nobody types into these kernels; what was typed would go to a database of each."""
RUN = "from crmtools.report.page import run; run({asked!r}, {said!r}, {now!r}, {seconds})"
"""What a kernel is told that runs all cells of a page at once."""
ALIVE_SECONDS = 1
"""How often it is looked whether a kernel is still there that has been asked something."""
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

    ``pages`` counts the notebooks that were begun in it, ``talk`` is the client that talks to it, ``language`` what it
    has said of its own, ``started`` when the clock of
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
        self.language: dict[str, Any] = {}
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
        at_once: bool,
        seen: list[Any],
        cell_seconds: int,
        **options: Any,
    ) -> None:
        """Run the notebook in a kernel that whoever gave it ends; ``seen`` receives it before its first cell, so that what it got
        to is not lost. ``at_once`` runs all cells with one message, in a kernel that may have served other pages.
        """
        seen.append(nb_man.nb)
        client = _Client(
            nb_man,
            km=kernel,
            timeout=None if at_once else cell_seconds,
            startup_timeout=options["start_timeout"],
            stderr_file=options["stderr_file"],
            on_cell_start=options["on_cell_start"],
            shutdown_kernel="immediate",
            shell_timeout_interval=ALIVE_SECONDS,
        )
        with client.talking_to(kernel):
            if at_once:
                client.execute_at_once(kernel, cell_seconds)
            else:
                client.execute(cleanup_kc=False)


class _Client(PapermillNotebookClient):
    @contextmanager
    def talking_to(self, kernel: PageKernel) -> Iterator[None]:
        """Talk to a kernel that is started if it is not there yet; it and the talk with it go on."""
        self.kc = kernel.talk
        with self.setup_kernel(cleanup_kc=False):
            kernel.talk = self.kc
            yield

    def execute_at_once(self, kernel: PageKernel, cell_seconds: int) -> None:
        """All cells with one message; what they said is read as if they had been asked one by one. Raises NotWell where that cannot
        be told, above all where a cell failed; a kernel that has ended is told of as ever.
        """
        asked, said, now = (kernel.place / name for name in ("asked.json", "said.json", "now.txt"))
        cells = [(at, one) for at, one in enumerate(self.nb.cells) if self._is_run(one)]
        asked.write_text(json.dumps([cell.source for _, cell in cells]), encoding="utf-8")
        self.reset_execution_trackers()
        try:
            besides = self._ask(RUN.format(asked=str(asked), said=str(said), now=str(now), seconds=cell_seconds))
            told = json.loads(said.read_text("utf-8"))
        except DeadKernelError:
            if not (running := now.read_text("utf-8").split() if now.is_file() else []):
                raise
            number, begun = running
            at, cell = cells[int(number)]
            self.on_cell_start(cell=cell, cell_index=at)
            if kernel.why is None and time.monotonic() - float(begun) >= cell_seconds:
                raise CellTimeoutError(f"longer than {cell_seconds} s") from None
            raise
        finally:
            for file in (asked, said, now):  # they hold what the page says
                file.unlink(missing_ok=True)
        for (at, cell), one in zip(cells, told):
            if "failed" in one:
                raise NotWell(*one["failed"])
            self.clear_before_next_output = False
            for message in one["messages"]:
                self.process_message(
                    message | {"header": {"msg_type": message["msg_type"]}, "parent_header": {}}, cell, at
                )
            cell.execution_count = one["count"]
            began, ended = (datetime.fromisoformat(one[name]) for name in ("began", "ended"))
            cell.metadata.papermill.update(
                start_time=one["began"],
                end_time=one["ended"],
                duration=(ended - began).total_seconds(),
                status=self.nb_man.COMPLETED,
                exception=False,
            )
        if besides:
            raise NotWell("SaidBesides", f"something was said that no cell has said: {', '.join(besides)}")
        if not kernel.language:
            kernel.language = self.wait_for_reply(self.kc.kernel_info())["content"]["language_info"]
        self.nb.metadata["language_info"] = dict(kernel.language)

    def _is_run(self, cell: NotebookNode) -> bool:
        return cell.cell_type == "code" and bool(cell.source.strip()) and self.skip_cells_with_tag not in tags(cell)

    def _ask(self, code: str) -> list[str]:
        """Run code without a trace in the notebook; the kinds of messages that came of it."""
        asked = self.kc.execute(code, silent=True, store_history=False)
        reply = self.wait_for_reply(asked)["content"]
        if reply["status"] != "ok":
            raise NotWell(reply.get("ename", "error"), reply.get("evalue", ""))
        return self._said_besides(asked)

    async def _async_said_besides(self, asked: str) -> list[str]:
        """The kinds of messages that came of a question, beside those by which its end is known."""
        kinds = []
        while True:
            message = await ensure_async(self.kc.iopub_channel.get_msg(timeout=self.iopub_timeout))
            if message["parent_header"].get("msg_id") != asked:
                continue
            if message["msg_type"] != "status":
                kinds.append(message["msg_type"])
            elif message["content"]["execution_state"] == "idle":
                return kinds

    _said_besides = run_sync(_async_said_besides)


class NotWell(Exception):
    """A page that was to be run at once and was not, with the name and the message of what happened."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message = name, message


def register() -> None:
    """Make the engine known to Papermill."""
    papermill_engines.register(ENGINE, PageEngine)
