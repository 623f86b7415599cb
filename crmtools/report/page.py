"""What happens inside a kernel that serves page after page: it becomes what it was, and runs the cells of a page in one go.

A kernel that is asked cell by cell spends as much on messages as on a small page: five are sent for each cell, and each wakes
both sides. Here one is sent for a page, and what its cells say is written to a file as the messages that they would have been.
"""

import contextlib
import gc
import io
import json
import signal
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from IPython import get_ipython
from IPython.core.interactiveshell import InteractiveShell
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


def run(asked: str, said: str, seconds: int) -> None:
    """Begin anew and run the cells whose sources the file ``asked`` has, up to one that fails; what each said goes to ``said``.

    A cell that takes longer than ``seconds`` ends the kernel: whoever asked runs the page where it can be seen which cell it was.
    """
    begin()
    found: list[Told] = []
    for source in json.loads(Path(asked).read_text("utf-8")):
        found.append(_cell(source, seconds))
        if "failed" in found[-1]:
            break
    Path(said).write_text(json.dumps(found), encoding="utf-8")


def _cell(source: str, seconds: int) -> Told:
    shell = get_ipython()
    messages: list[Message] = []
    cell: Told = {"count": shell.execution_count, "began": _now(), "messages": messages}
    with _heard(shell, messages), _at_most(seconds):
        result = shell.run_cell(source, store_history=True)
    cell["ended"] = _now()
    if error := result.error_before_exec or result.error_in_exec:
        cell["failed"] = [type(error).__name__, str(error)]
    return cell


@contextlib.contextmanager
def _heard(shell: InteractiveShell, messages: list[Message]) -> Iterator[None]:
    """Add to ``messages`` what is displayed and printed, instead of sending it."""

    def hear(message: Message) -> None:
        messages.append({"msg_type": message["msg_type"], "content": message["content"]})

    senders: tuple[Any, ...] = (shell.display_pub, shell.displayhook)
    for sender in senders:
        sender.register_hook(hear)
    try:
        with (
            contextlib.redirect_stdout(_Stream("stdout", messages)),
            contextlib.redirect_stderr(_Stream("stderr", messages)),
        ):
            yield
    finally:
        for sender in senders:
            sender.unregister_hook(hear)


class _Stream(io.TextIOBase):
    """What is printed, as messages in their place among those of what is displayed."""

    encoding = "utf-8"

    def __init__(self, name: str, messages: list[Message]) -> None:
        self._name, self._messages = name, messages

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        last = self._messages[-1] if self._messages else None
        if last is not None and last["msg_type"] == "stream" and last["content"]["name"] == self._name:
            last["content"]["text"] += text
        elif text:
            self._messages.append({"msg_type": "stream", "content": {"name": self._name, "text": text}})
        return len(text)


@contextlib.contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """End this process when the time is over, whatever it does: nobody in here handles the alarm."""
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
