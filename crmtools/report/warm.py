"""Kernels and binderies forked from one process that has imported everything already.

An ordinary kernel spends two seconds on imports, for each notebook again. Here one process imports once, holds no
connection and runs no second thread of Python, and forks itself for every kernel; each child has its own memory, session and sockets,
and can be stopped or killed like any other. So do the processes that finish the pages of a book
(:mod:`crmtools.report.bindery`). Linux only: elsewhere both start as usual.

The two ends talk through a socket pair, and every forked process tells its pid through a pipe of its own. When the run ends,
however it ends, the socket closes, the warm process goes, and the kernels go with it.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Literal

import crmtools
from crmtools import lean

AVAILABLE = sys.platform == "linux"
PRELOADED = (
    "crmtools",
    "crmtools.show",
    "crmtools.lifetime",
    "crmtools.asked",
    "crmtools.report.book",
    "crmtools.report.gate",
    "crmtools.report.history",
    "crmtools.report.plan",
    "encodings.utf_8_sig",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "tornado.platform.asyncio",
)
"""Imported before the first fork, or every kernel would, or every bindery: of packages of ours every module, of others what a kernel loads late."""
Work = Literal["kernel", "bindery"]
"""What a forked process becomes."""
READY = b"+"
LONGEST_REQUEST = 1 << 18
"""Bytes; an environment of the usual length has some thousand."""
PATIENCE = 60.0
"""Seconds until a warm process that does not answer is given up."""
SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Several kernels share the cores; each linear-algebra library would otherwise start a thread per core in
every one.
"""
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


class Forked:
    """A forked process, as :class:`subprocess.Popen` would show it.

    It is the child of the warm process, not of this one. Its end shows in a pipe that only it holds open.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, alive: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._alive = alive
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """None while it lives, then -1: nobody here is told its exit code."""
        with self._lock:
            if self.returncode is None and select.select([self._alive], [], [], 0)[0]:
                self.returncode = -1
                os.close(self._alive)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; another thread may ask or end it meanwhile."""
        with self._lock:
            if self.returncode is not None:
                return self.returncode
            alive = os.dup(self._alive)
        try:
            if not select.select([alive], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a forked process", timeout or 0.0)
        finally:
            os.close(alive)
        return self.poll() or -1

    def send_signal(self, number: int) -> None:
        """Send a signal to it and what it started."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def kill(self) -> None:
        """End it now."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class Warm:
    """The warm process, from here. It is started at once and asked when it is ready; use it as a context manager."""

    def __init__(self, environment: Mapping[str, str], *, log: IO[str] | int = subprocess.DEVNULL) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __spec__.name, str(theirs.fileno())],
                env=dict(environment),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the run, which then stops its kernels in order
            )
        ours.settimeout(PATIENCE)
        self._socket = ours
        self._ready = self._given_up = False
        self._lock = threading.Lock()
        self._made: list[Forked] = []

    @property
    def given_up(self) -> bool:
        """Whether it has failed and makes no processes any more."""
        return self._given_up

    @property
    def ready(self) -> bool:
        """Whether it has imported everything: before, whoever asks it waits."""
        return self._ready or bool(select.select([self._socket], [], [], 0)[0])

    @property
    def idle(self) -> bool:
        """Whether every process that it has made has ended."""
        self._made = [made for made in self._made if made.poll() is None]
        return not self._made

    def fork(
        self,
        work: Work,
        arguments: Sequence[str] = (),
        *,
        environment: Mapping[str, str],
        cwd: Path | None = None,
        heard: int | None = None,
        said: tuple[int, int] = (1, 2),
    ) -> Forked:
        """A new kernel with the arguments of ipykernel, or a bindery; raises OSError when there can be none. Safe from any thread.

        ``environment`` is all of its environment, ``heard`` an open file that it reads (by default there is nothing to read),
        ``said`` are open files for what it writes. After a failure of the warm process
        itself it is never asked again, nor is anything read of it: every later call raises OSError at once. Processes that it has
        made go on.
        """
        request = {
            "work": work,
            "arguments": list(arguments),
            "environment": dict(environment),
            "cwd": str(cwd or Path.cwd()),
        }
        with contextlib.ExitStack() as ending:
            nothing = ending.enter_context(Path(os.devnull).open()).fileno()
            alive, theirs = os.pipe()
            try:
                try:
                    self._ask(request, (nothing if heard is None else heard, *said, theirs))
                finally:
                    os.close(theirs)
                made = Forked(self._told(alive), alive)
            except BaseException:
                os.close(alive)  # what is forked too late finds nobody to tell, and ends
                raise
        self._made.append(made)
        return made

    def _ask(self, request: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        with self._lock:
            if self._given_up:
                raise ConnectionAbortedError("the warm process did not answer before")
            try:
                if not self._ready and self._socket.recv(64) != READY:
                    raise ConnectionResetError("the warm process has ended")
                self._ready = True
                socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
            except BaseException:
                self._given_up = True
                if not self._ready:
                    self.close()  # it has made nothing that would go with it
                raise

    def _told(self, alive: int) -> int:
        """The pid that a process tells through its own pipe, so that no answer can be taken for another's."""
        try:
            if not select.select([alive], [], [], PATIENCE)[0]:
                raise TimeoutError(f"the warm process did not answer in {PATIENCE:.0f} s")
        except BaseException:
            self._given_up = True
            raise
        if not (told := os.read(alive, 64)):
            raise ConnectionResetError("the process ended before it began")
        return int(told)

    def close(self) -> None:
        """End the warm process and every kernel that it has made."""
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> "Warm":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@contextlib.contextmanager
def warm_process() -> Iterator[Warm | None]:
    """A process to fork from, importing while the caller does something else; None where there is no such
    thing.
    """
    if not AVAILABLE:
        yield None
        return
    with Warm(environment()) as warm:
        yield warm


def environment(place: Path | None = None) -> dict[str, str]:
    """The environment of a kernel or a bindery: the caller's, with one thread, this crmtools, and nothing of the user's IPython."""
    made = dict(os.environ) | dict.fromkeys(SINGLE_THREADED, "1")
    # with another back end, figures vanish without a word; a forked kernel cannot choose it later
    made |= {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    package = str(Path(crmtools.__file__).parent.parent)
    made["PYTHONPATH"] = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    return made | ({"IPYTHONDIR": str(place / "ipython")} if place else {})


def serve(control: socket.socket) -> None:
    """Import everything, then fork for every request until the other end closes."""
    _preload(lambda: _nobody_asks(control))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children here
    control.send(READY)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 4)
        if not message:
            return
        try:
            pid = os.fork()
        except OSError:
            traceback.print_exc()  # no memory for one more: that one is started elsewhere, the others go on
            pid = -1
        if pid == 0:
            control.close()
            _become(json.loads(message), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _nobody_asks(control: socket.socket) -> bool:
    """Whether the other end has closed."""
    try:
        return control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False


def _preload(in_vain: Callable[[], bool]) -> None:
    """Import all that is needed; ends this process between two modules where that is in vain."""
    lean.without_addresses()
    lean.without_many_searches()
    for _ in _imported():
        if in_vain():
            sys.exit()
    import duckdb

    from crmtools.tables.rewriting import write_sooner

    write_sooner()
    _rehearse()
    # importing duckdb opens a connection with a thread of its own; a fork would inherit the one without the other
    duckdb.default_connection().close()
    gc.collect()
    gc.freeze()  # the children share this memory as long as nobody writes to it


def _imported() -> Iterator[ModuleType]:
    """Import what is needed, one module after the other."""
    for name in PRELOADED:
        module = importlib.import_module(name)
        yield module
        if name.startswith("crmtools.") and hasattr(module, "__path__"):
            for found in pkgutil.iter_modules(module.__path__, f"{name}."):
                yield importlib.import_module(found.name)


def _rehearse() -> None:
    """Ask one question of two rows: much of the engine is imported, and its tables are built, on first use only."""
    import pandas as pd

    import crmtools as crm
    from crmtools import shown

    days = pd.to_datetime(["2025-01-01", "2025-03-01"])
    orders = pd.DataFrame(
        {"order_id": ["1", "2"], "customer_id": ["1", "2"], "ordered_at": days, "net_amount": [1.0, 2.0]}
    )
    data = crm.open(orders=orders)
    crm.measure("revenue_per_customer", data)
    data.backend.disconnect()
    shown.forget()  # a kernel's own data alone say in which currency results show themselves


def _become(request: Mapping[str, Any], heard: int, out: int, err: int, alive: int) -> None:
    """Turn the forked process into what is asked for; never returns."""
    code = 1
    try:
        os.setsid()
        if request["work"] == "kernel":  # a bindery goes with the run, not with the warm process: its input ends
            ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        for number, descriptor in enumerate((heard, out, err)):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.chdir(str(request["cwd"]))
        os.environ.clear()
        os.environ.update(request["environment"])
        os.environ["JPY_PARENT_PID"] = str(os.getppid())
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _as_new()
        os.write(alive, str(os.getpid()).encode())  # fails when nobody waits for it any more
        _WORKS[request["work"]](request["arguments"])
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:  # noqa: BLE001 - it must end here, or it would serve as a second warm process
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _kernel(arguments: list[str]) -> None:
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher", *arguments]
    IPKernelApp.launch_instance(argv=arguments)


def _bindery(_: list[str]) -> None:
    from crmtools.report.bindery import main

    main()


_WORKS: Mapping[Work, Callable[[list[str]], None]] = {"kernel": _kernel, "bindery": _bindery}


def _as_new() -> None:
    """What a new process would have of its own: random numbers, and DuckDB's default connection."""
    import duckdb
    import numpy as np

    random.seed()
    np.random.seed()  # noqa: NPY002 - the old global state, which scipy and statsmodels use
    duckdb.set_default_connection(duckdb.connect())


if __name__ == "__main__":
    if sys.path[0] in ("", str(Path.cwd())):  # a kernel adds the working directory itself
        del sys.path[0]
    serve(socket.socket(fileno=int(sys.argv[1])))
