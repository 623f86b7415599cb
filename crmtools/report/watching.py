"""Making a page again whenever what it is made of changes.

Two processes stay: one that has imported Jupyter Book, and one that has imported the package and forks the kernels. The latter is
started anew when the package changes, so that what is shown is always made by the code as it stands in the files.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

import crmtools
from crmtools.asked import read_settings
from crmtools.errors import SettingsError
from crmtools.part_names import asked_part
from crmtools.report.folders import BOOK, notebooks_folder
from crmtools.report.press_client import Press
from crmtools.settings import root_of
from crmtools.tables.source import find_parameters
from crmtools.words import Language

Part = Literal["notebook", "parameters", "package", "styles"]
EVERY = 0.25
"""Seconds between two looks at the files."""
SOURCES = (".py", ".html", ".json", ".css", ".js", ".yml")
Files = Mapping[str, tuple[int, int]]


def watch(
    parameters: str,
    page: str,
    *,
    language: Language | None = None,
    notebooks: Path | None = None,
    say: Callable[[str], object] = print,
    looks: Iterable[object] = iter(int, 1),
) -> None:
    """Make a page, and again after every change; errors are told, and watching goes on. Ctrl-C ends it.

    ``looks`` says how often to look at the files, by default without end.
    """
    file = _file_of(parameters)
    folder = notebooks or notebooks_folder(root_of(file))
    with Press() as press, contextlib.ExitStack() as ending:
        asked = {
            "parameters": parameters,
            "page": page,
            "language": language,
            "notebooks": notebooks and str(notebooks),
        }
        worker = ending.enter_context(_Worker(asked, press))
        seen: Mapping[Part, Files] = {}
        for _ in looks:
            now = _look(file, folder)
            changed = [part for part in now if seen.get(part) != now[part]] if seen else list(now)
            if seen and changed == ["notebook"] and not worker.concerned(seen["notebook"], now["notebook"]):
                changed = []
            seen = now
            if not changed:
                time.sleep(EVERY)
                continue
            if "package" in changed:
                worker.start()
            clock = time.perf_counter()
            said = worker.ask()
            say(f"{datetime.now():%H:%M:%S}  {said}")
            say(f"     {time.perf_counter() - clock:.1f} s after the change. Watching; Ctrl-C ends.")


def _file_of(parameters: str) -> Path:
    """The parameters file that a name means; what is wrong in the file itself is told by who makes the page."""
    try:
        return find_parameters(asked_part(parameters)[0].partition("@")[0])
    except SettingsError:  # the name that the report of some customers is kept under
        return read_settings(parameters).path


def _look(parameters: Path, notebooks: Path) -> dict[Part, Files]:
    """The state of everything that a page is made of."""
    package = Path(crmtools.__file__).parent
    return {
        "package": _state(path for path in package.rglob("*") if path.suffix in SOURCES),
        "parameters": _state([parameters]),
        "notebook": _state(notebooks.glob("*.ipynb")),
        "styles": _state(path for path in (BOOK / "static").rglob("*") if path.is_file()),
    }


def _state(files: Iterable[Path]) -> Files:
    found = {}
    for file in files:
        with contextlib.suppress(OSError):  # an editor has it between two names
            at = file.stat()
            found[str(file)] = (at.st_mtime_ns, at.st_size)
    return found


class _Worker:
    """The process that makes the page (:mod:`crmtools.report.preview_worker`), from here."""

    def __init__(self, asked: Mapping[str, object], press: Press) -> None:
        self._asked, self._press = asked, press
        self._process: subprocess.Popen[str] | None = None
        self._notebook = ""
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed with it

    def start(self) -> None:
        """Start it, with the package as it is now."""
        self.close()
        shared = self._press.descriptors if os.name == "posix" else ()
        self._said.seek(0)
        self._said.truncate()
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "crmtools.report.preview_worker",
                json.dumps({**self._asked, "press": shared}),
            ],
            env={**os.environ, "PYTHONPATH": _path()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            encoding="utf-8",
            pass_fds=shared,
            start_new_session=True,  # Ctrl-C ends the watching, and with it the worker
        )

    def ask(self) -> str:
        """Have the page made, and what there is to say of it."""
        process = self._process
        assert process is not None
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write("\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            answer = ""
        if not answer:
            self._said.seek(0)
            last = self._said.read()[-2000:].strip()
            return f"crmtools could not be loaded, or its process was ended.\n{last}"
        made = json.loads(answer)
        self._notebook = made["notebook"] or self._notebook
        return str(made["said"])

    def concerned(self, before: Files, now: Files) -> bool:
        """Whether a change of notebooks is one of the page's own; of any, as long as nobody knows which that is."""
        name = self._notebook
        return before.get(name) != now.get(name) if name else True

    def close(self) -> None:
        """End it, and its kernels with it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()
            self._process = None

    def __enter__(self) -> "_Worker":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
        self._said.close()


def _path() -> str:
    """Where the worker finds this package, ahead of everything else."""
    package = str(Path(crmtools.__file__).parent.parent)
    return os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
