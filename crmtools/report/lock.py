"""One run of a report at a time.

The lock is the operating system's lock on ``.crmtools/locks/NAME.lock``: it ends with the process that holds
it, however that ends, so a dead run never blocks the next one. The file says who holds it.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from crmtools.errors import RunError

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # beyond the text: a locked region cannot be read by others there
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class BusyError(RunError):
    """Another process runs this report."""


@contextmanager
def only_run(root: Path, report: str) -> Iterator[None]:
    """Hold the lock of a report; raises RunError naming the holder when another process has it."""
    file = root / ".crmtools" / "locks" / f"{report}.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = take(file)
    if descriptor is None:
        raise BusyError(_held(file, report))
    try:
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        os.write(descriptor, json.dumps({"pid": os.getpid(), "started": started}).encode())
        yield
    finally:
        file.unlink(missing_ok=True)
        os.close(descriptor)


def take(file: Path) -> int | None:
    """A lock file, open and locked; None where another process has it. Closing the descriptor, or the process's end, frees it."""
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(descriptor)
        except OSError:
            os.close(descriptor)
            return None
        try:
            same = os.path.samestat(os.fstat(descriptor), file.stat())
        except FileNotFoundError:
            same = False
        if same:
            return descriptor
        os.close(descriptor)  # its last holder removed it after we had opened it


def _held(file: Path, report: str) -> str:
    try:
        holder = json.loads(file.read_text(encoding="utf-8"))
        who = f"process {holder['pid']}, since {holder['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return (
        f"Report '{report}' is being run already, by {who}. Wait until it has ended, or end that process; "
        f"the lock goes with it."
    )
