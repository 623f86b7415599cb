"""The process that sets single pages (:mod:`crmtools.report.press`), from here."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import IO

from crmtools.errors import RunError

SCRIPT = Path(__file__).with_name("press.py")


class Press:
    """It is started at once and asked when it is ready; use it as a context manager."""

    def __init__(self, streams: tuple[IO[str], IO[str]] | None = None) -> None:
        """Start it, or ask one that another process has started through its ``streams``."""
        self._process: subprocess.Popen[str] | None = None
        if streams is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(SCRIPT)],
                env={**os.environ, "PYTHONHASHSEED": "0", "NO_COLOR": "1", "PYTHONUTF8": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C is for who asks
            )
            assert self._process.stdin
            assert self._process.stdout
            streams = self._process.stdin, self._process.stdout
        self._asked, self._answers = streams

    @property
    def descriptors(self) -> tuple[int, int]:
        """The open files to ask through and to hear from, for another process."""
        return self._asked.fileno(), self._answers.fileno()

    def set_page(self, project: Path, page: str, *, cache: Path, log: Path) -> int:
        """Set one page of a project; 0 where all is well. ``cache/html`` then holds it, ``log`` what was said."""
        log.parent.mkdir(parents=True, exist_ok=True)
        name = secrets.token_hex(4)
        request = {"name": name, "project": str(project), "page": page, "cache": str(cache), "log": str(log)}
        answer = ""
        try:
            self._asked.write(json.dumps(request) + "\n")
            self._asked.flush()
            while (answer := self._answers.readline()) and not answer.startswith(name):
                pass  # for somebody who was ended before it came
        except OSError:
            pass
        if not answer:
            raise RunError("The process that sets pages has ended. Start the preview again.")
        return int(answer.split()[1])

    def close(self) -> None:
        """End it, if it was started here."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._asked, self._answers):
                with contextlib.suppress(OSError):
                    stream.close()

    def __enter__(self) -> "Press":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
