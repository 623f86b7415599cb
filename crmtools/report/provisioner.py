"""A Jupyter kernel provisioner whose kernels are forked from a warm process (:mod:`crmtools.report.warm`).

It is installed under the name ``crmtools``, and is used by whatever starts kernels through Jupyter's own client
(Papermill, nbval, JupyterLab) when ``JUPYTER_DEFAULT_PROVISIONER_NAME=crmtools`` says so. Where nothing can be forked, or
``CRMTOOLS_ENGINE=kernel`` asks for it, kernels start as usual; both give the same outputs.
"""

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner

import crmtools
from crmtools.report.warm import AVAILABLE, Forked, Warm

NAME = "crmtools"
LAUNCHER = ("-m", "ipykernel_launcher")


class ForkedKernel(LocalProvisioner):
    """Jupyter's provisioner of local kernels, with a warm process in the place of a new one.

    ``warm`` is the process to fork from, by default one that all kernels of this process share. Kernels of another
    interpreter, or with other switches, start as usual.
    """

    warm: Warm | None = None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Fork it; where that is not possible, start it as usual."""
        environment = options.get("env") or dict(os.environ)
        cwd = Path(options.get("cwd") or Path.cwd())
        arguments, said = _arguments(cmd), _said(options)
        if arguments is None or said is None or not AVAILABLE or _plain_engine(environment):
            return await super().launch_kernel(cmd, **options)
        try:
            warm = self.warm or _SHARED.get(environment)
            process = warm.fork("kernel", arguments, environment=environment, cwd=cwd, said=said)
        except OSError as error:
            os.write(said[1], f"no forked kernel ({error}), an ordinary one is started\n".encode())
            return await super().launch_kernel(cmd, **options)
        self._is_now(process, cwd)
        return self.connection_info

    def _is_now(self, process: Forked, cwd: Path) -> None:
        self.process = process  # type: ignore[assignment]  # it answers as a Popen does
        self.pid, self.pgid, self.cwd = process.pid, process.pid, cwd


def _plain_engine(environment: Mapping[str, str]) -> bool:
    return environment.get("CRMTOOLS_ENGINE") == "kernel"


def _arguments(command: Sequence[str]) -> list[str] | None:
    """What a command says to ipykernel, if it starts the kernel of this interpreter."""
    interpreter, *rest = command
    rest = [one for one in rest if one != "-Xfrozen_modules=off"]  # for debuggers only
    same = Path(interpreter).resolve() == Path(sys.executable).resolve() or interpreter in ("python", "python3")
    return rest[2:] if same and tuple(rest[:2]) == LAUNCHER else None


def _said(options: Mapping[str, Any]) -> tuple[int, int] | None:
    """The open files that a kernel writes to; None where somebody wants to read from pipes."""
    found = []
    for number, name in enumerate(("stdout", "stderr"), 1):
        given = options.get(name)
        if given in (subprocess.PIPE, subprocess.STDOUT):
            return None
        if given == subprocess.DEVNULL:
            given = _nowhere()
        found.append(number if given is None else given if isinstance(given, int) else given.fileno())
    return found[0], found[1]


_NOWHERE: list[int] = []


def _nowhere() -> int:
    if not _NOWHERE:
        _NOWHERE.append(os.open(os.devnull, os.O_WRONLY))
    return _NOWHERE[0]


class _Shared:
    """The warm process of this process, one as long as neither the package nor what Python is started with changes.

    One that has grown stale makes no more kernels; it ends when the last that it made has ended.
    """

    def __init__(self) -> None:
        self._warm: Warm | None = None
        self._made_of: object = None
        self._stale: list[Warm] = []
        self._lock = threading.Lock()

    def get(self, environment: Mapping[str, str]) -> Warm:
        """The warm process, started if need be."""
        made_of = (package_mark(), sorted((n, v) for n, v in environment.items() if n.startswith("PYTHON")))
        with self._lock:
            if self._warm is not None and (self._warm.given_up or self._made_of != made_of):
                self._stale.append(self._warm)
                self._warm = None
            for old in [one for one in self._stale if one.idle]:
                old.close()
                self._stale.remove(old)
            if self._warm is None:
                self._warm, self._made_of = Warm(environment), made_of
            return self._warm

    def close(self) -> None:
        """End it, and every kernel with it."""
        with self._lock:
            for one in (*self._stale, *([self._warm] if self._warm else [])):
                one.close()
            self._stale, self._warm = [], None


_SHARED = _Shared()
atexit.register(_SHARED.close)


def package_mark() -> tuple[int, int]:
    """Changes whenever a file of the package is edited, added or removed: how many there are, and when the last was written."""
    package = Path(crmtools.__file__).parent
    written = [file.stat().st_mtime_ns for file in package.rglob("*.py")]
    return len(written), max(written)
