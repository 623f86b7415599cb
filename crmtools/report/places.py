"""The folders of kernels: sockets and files that a kernel needs while it lives, below the folder for temporary files.

All folders of a run lie in one that the run holds locked. The lock ends with the run, however that ends: what a killed run
left is found by its lock being free, and goes when the next run begins, of whichever report.
"""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crmtools.report.lock import take

PREFIX = "crm-"
LOCK = "lock"
"""Made first in a folder and removed last: a folder without it holds nothing of ours."""


@contextmanager
def places() -> Iterator[Path]:
    """A folder with a short path for the kernels of one run; it goes at the end. Those of killed runs go first."""
    sweep_places()
    home, lock = _made()
    try:
        yield home
    finally:
        os.close(lock)  # first: some systems remove no file that is open
        with contextlib.suppress(OSError):
            _remove(home)


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
            if not _is_ours(home):
                continue
            if not (home / LOCK).exists():
                home.rmdir()  # its run was killed at once, or is about to look whether it is still there
            elif _is_left(home):
                _remove(home)


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
    if (held := take(home / LOCK)) is None:
        return False
    os.close(held)
    return True


def _remove(home: Path) -> None:
    """Remove a folder, its lock last: while anything else stays, the lock says that it was left. Raises OSError."""
    for path in home.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)
    if [path.name for path in home.iterdir()] == [LOCK]:
        (home / LOCK).unlink(missing_ok=True)
        home.rmdir()
