"""Files that appear whole or not at all, whenever their writer is killed and however many write."""

import contextlib
import os
import secrets
import time
from pathlib import Path

PART = ".part"
FORGOTTEN = 86_400
"""Seconds after which what a killed writer left is removed."""


def write_whole(file: Path, content: bytes, *, again: bool = False, lasting: bool = True) -> None:
    """Write a file in one step of the file system, on the disk before it has its name.

    Raises FileExistsError where the file is there already: of two writers of one name the first wins. ``again`` replaces it.
    What is only remembered and can be made again need not be ``lasting``: it is left to the system when it reaches the disk.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}-{secrets.token_hex(4)}{PART}")
    try:
        with part.open("xb") as out:
            out.write(content)
            if lasting:
                out.flush()
                os.fsync(out.fileno())
        if again:
            part.replace(file)
        else:
            _take_the_name(part, file)
        if lasting:
            _settle(file.parent)
    finally:
        part.unlink(missing_ok=True)
    if lasting:
        sweep(file.parent)


def _take_the_name(part: Path, file: Path) -> None:
    """Give the file its name unless somebody has it: a link, unlike a renaming, never replaces."""
    try:
        os.link(part, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if file.exists():
            raise FileExistsError(str(file)) from None
        part.rename(file)


def _settle(folder: Path) -> None:
    """Have the folder's list of names on the disk too, where the system knows how."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sweep(folder: Path, *, older_than: float = FORGOTTEN) -> None:
    """Remove what killed writers left in a folder; with less than a day ``older_than`` nobody else may write there."""
    for left in folder.glob(f".*{PART}"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > older_than:
                left.unlink()
