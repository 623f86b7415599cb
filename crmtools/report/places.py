"""The folders of kernels: sockets and files that a kernel needs while it lives, below the folder for temporary files.

All folders of a run lie in one that the run holds locked. The lock ends with the run, however that ends: what a killed run
left is found by its lock being free, and goes when the next run begins, of whichever report.
"""

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crmtools.report.lock import take

PREFIX = "crm-"
LOCK = "lock"
FORGOTTEN = 86_400
"""Seconds after which a folder without a lock, whose run was killed while it made it, is removed."""


@contextmanager
def places() -> Iterator[Path]:
    """A folder with a short path for the kernels of one run; it goes at the end. Those of killed runs go first."""
    sweep_places()
    home, lock = _made()
    try:
        yield home
    finally:
        os.close(lock)  # first: some systems remove no file that is open
        shutil.rmtree(home, ignore_errors=True)


def new_place(home: Path) -> Path:
    """A new folder for one kernel."""
    return Path(tempfile.mkdtemp(prefix="", dir=home))


def remove_place(place: Path) -> None:
    """Remove the folder of a kernel that has ended."""
    shutil.rmtree(place, ignore_errors=True)


def sweep_places() -> None:
    """Remove the folders of runs that have ended without doing so themselves."""
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if _is_ours(home) and _is_left(home):
                shutil.rmtree(home, ignore_errors=True)


def _made() -> tuple[Path, int]:
    """A new folder and its lock, held."""
    while True:
        home = Path(tempfile.mkdtemp(prefix=PREFIX))
        with contextlib.suppress(FileNotFoundError):  # between the two a sweep took the folder for one that was left
            if (lock := take(home / LOCK)) is not None:
                return home, lock


def _is_ours(home: Path) -> bool:
    """Whether it is a folder, no link, of this user: everybody may write beside it."""
    found = home.lstat()
    return stat.S_ISDIR(found.st_mode) and (os.name == "nt" or found.st_uid == os.geteuid())


def _is_left(home: Path) -> bool:
    lock = home / LOCK
    if not lock.exists():
        return time.time() - home.lstat().st_mtime > FORGOTTEN
    if (held := take(lock)) is None:
        return False
    os.close(held)
    return True
