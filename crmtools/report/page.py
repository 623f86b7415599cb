"""What happens inside a kernel that serves page after page: it becomes what it was, and runs the cells of a page in one go.

A kernel that is asked cell by cell spends as much on messages as on a small page: five are sent for each cell, and each wakes
both sides. Here one is sent for a page, and what its cells say is written to a file as the messages that they would have been.
"""

import contextlib
import gc
import io
import json
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, TextIO

from IPython import get_ipython
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.session import Session
from matplotlib import pyplot as plt

from crmtools import shown
from crmtools.indicators import CATALOGUE
from crmtools.lifetime import beta_geo_formulas
from crmtools.tables.source import keep_open

SWEEP = 8
"""Every so many pages what is left of the pages before, and refers to itself, is looked for."""
_BEGUN = count(1)
Told = dict[str, Any]
"""What became of a cell: ``count``, its number; ``began`` and ``ended``; ``messages``, each with ``msg_type`` and ``content``; of one
that failed ``failed``, the error's name and message.
"""
Message = dict[str, Any]
"""A message of Jupyter's: ``msg_type`` and ``content``."""


def run(asked: str, said: str, now: str, seconds: int) -> None:
    """Begin anew and run the cells whose sources the file ``asked`` has, up to one that fails; what each said goes to ``said``.

    The file ``now`` tells which cell is running (from 0), and since when on the clock that all processes have. A cell that takes
    longer than ``seconds`` ends the kernel.
    """
    begin()
    found: list[Told] = []
    with _heard(get_ipython()) as heard, Path(now).open("wb", buffering=0) as running:
        for number, source in enumerate(json.loads(Path(asked).read_text("utf-8"))):
            # in one place of the file, and of one length: a reader finds the one or the other, whenever this process ends
            running.seek(0)
            running.write(f"{number:6} {time.monotonic():24.6f}".encode())
            found.append(_cell(source, seconds, heard))
            if "failed" in found[-1]:
                break
    Path(said).write_text(json.dumps(found, allow_nan=False), encoding="utf-8")


def _cell(source: str, seconds: int, heard: "_Heard") -> Told:
    shell = get_ipython()
    messages = heard.messages = []
    cell: Told = {"count": shell.execution_count, "began": _now(), "messages": messages}
    with _at_most(seconds):
        result = shell.run_cell(source, store_history=True)
    cell["ended"] = _now()
    if error := result.error_before_exec or result.error_in_exec:
        cell["failed"] = [type(error).__name__, str(error)]
    return cell


class _Heard:
    """What is displayed and printed while a page is run, as the messages that would have been sent: of the cell that is running."""

    def __init__(self, session: Session) -> None:
        self.messages: list[Message] | None = None
        self._session = session

    def display(self, message: Message) -> None:
        """Keep a message as it is now; whoever displayed something may change it afterwards."""
        if self.messages is not None:
            content = self._session.unpack(self._session.pack(message["content"]))
            self.messages.append({"msg_type": message["msg_type"], "content": content})

    def print(self, name: str, text: str) -> bool:
        """Keep what is printed; whether somebody listens."""
        if self.messages is None:
            return False
        last = self.messages[-1] if self.messages else None
        if last is not None and last["msg_type"] == "stream" and last["content"]["name"] == name:
            last["content"]["text"] += text
        elif text:
            self.messages.append({"msg_type": "stream", "content": {"name": name, "text": text}})
        return True


class _Stream(io.TextIOBase):
    """What is printed, heard in its place among what is displayed; said by the kernel itself when nobody listens any more."""

    encoding = "utf-8"

    def __init__(self, name: str, heard: _Heard, kernels: TextIO) -> None:
        self._name, self._heard, self._kernels = name, heard, kernels

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not self._heard.print(self._name, text):
            self._kernels.write(text)
        return len(text)


@contextlib.contextmanager
def _heard(shell: InteractiveShell) -> Iterator[_Heard]:
    """Hear what is displayed and printed instead of sending it."""
    senders: tuple[Any, ...] = (shell.display_pub, shell.displayhook)
    heard = _Heard(senders[0].session)
    out, err = _Stream("stdout", heard, sys.stdout), _Stream("stderr", heard, sys.stderr)
    for sender in senders:
        sender.register_hook(heard.display)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield heard
    finally:
        heard.messages = None
        for sender in senders:
            sender.unregister_hook(heard.display)


@contextlib.contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """End this process when the time is over, whatever it does and whatever it was told by its parents to do then."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def begin() -> None:
    """Forget what the page before has named, drawn, and said; raises RuntimeError in a kernel that cannot be made new.

    Data that it had open stay open for a page that opens the same.
    """
    if foreign := [name for name, item in CATALOGUE.items() if not item.facts.__module__.startswith("crmtools.")]:
        raise RuntimeError(f"the page before declared {', '.join(foreign)}")
    _reset(get_ipython())
    plt.close("all")
    shown.forget()
    shown.speak("en")
    with warnings.catch_warnings():
        pass  # leaving it makes Python forget which warnings it has given
    beta_geo_formulas.forget()
    keep_open()
    if next(_BEGUN) % SWEEP == 0:
        gc.collect()


def _reset(shell: InteractiveShell) -> None:
    """What ``%reset`` does, all but its search for garbage, which takes as long as the rest of a small page."""
    hook = shell.displayhook
    hook._ = hook.__ = hook.___ = ""
    caching, hook.do_full_cache = hook.do_full_cache, False
    try:
        shell.reset(new_session=True)
    finally:
        hook.do_full_cache = caching
