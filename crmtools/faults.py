"""What is said, and kept in a log, when something happens that nobody thought of."""

import os
import secrets
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

MACHINE = (OSError, MemoryError)
"""What the machine lacks (a disk that is full, a file that may not be written) is no fault of the program."""


def keep(error: BaseException, folder: Path) -> Path:
    """Write an error with its traceback into a log in ``folder``, or where that cannot be done in the folder for
    temporary files; returns the log.
    """
    name = f"fault-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}-{secrets.token_hex(2)}.log"
    text = "".join(traceback.format_exception(error))
    for place in (folder, Path(tempfile.gettempdir())):
        try:
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return place / name
    return folder / name


def said(error: BaseException, log: Path) -> str:
    """One line for people: what happened and where the rest stands."""
    first = (str(error).strip().splitlines() or ["no message"])[0]
    what = f"{type(error).__name__}: {first}"
    if isinstance(error, MACHINE):
        return f"The machine could not go on. {what} (the log: {log})"
    return f"Something unexpected happened, this is a fault of crmtools. {what} (the log: {log})"
