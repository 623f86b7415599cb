"""The seal of a finished run: SHA-256 of every file of its folder in ``manifest.json``, and no file may be written any more.

It shows what was changed by mistake or afterwards. Who may write the folder may write the manifest too: for proof against
that, keep the digest that :func:`verify` prints somewhere else.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crmtools.errors import Problem, RunError
from crmtools.whole_files import write_whole

MANIFEST = "manifest.json"
WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Verified:
    """What differs between a run's folder and its seal; ``digest`` is that of the manifest itself."""

    files: int
    digest: str
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the folder is as it was when the run ended."""
        return not (self.missing or self.changed or self.added)


def seal(folder: Path) -> list[Problem]:
    """Write the hashes of all files into the manifest of a run that has ended and take away the right to write them.

    Never raises: a run is what it is, sealed or not. Returns why it could not be sealed.
    """
    manifest = folder / MANIFEST
    try:
        plain = json.loads(manifest.read_text(encoding="utf-8"))
        plain["files"] = {name: _hash(folder / name) for name in _files(folder)}
        text = json.dumps(plain, ensure_ascii=False, indent=1)
        write_whole(manifest, (text + "\n").encode(), again=True)
        for name in (*plain["files"], MANIFEST):
            _permit(folder / name, write=False)
    except (OSError, ValueError) as error:
        return [Problem("seal", f"The run's folder could not be sealed: {error}. What was published is not touched.")]
    return []


def unseal(folder: Path) -> None:
    """Give back the right to write the files of a folder, to go on with its run or to remove it."""
    for name in (*_files(folder), MANIFEST):
        file = folder / name
        if file.is_file() and not file.is_symlink():
            _permit(file, write=True)


def verify(folder: Path) -> Verified:
    """Compare a run's folder with its seal; raises RunError where it has none."""
    manifest = folder / MANIFEST
    try:
        written = manifest.read_bytes()
        plain = json.loads(written)
        sealed = plain["files"]
    except (OSError, ValueError) as error:
        raise RunError(f"{folder} is not the folder of a run: its {MANIFEST} cannot be read ({error}).") from None
    except (KeyError, TypeError):
        ended = plain.get("ended", "running") if isinstance(plain, dict) else "running"
        why = "it has not ended" if ended == "running" else "it was made before runs were sealed, or could not be"
        raise RunError(f"Run {folder.name} has no hashes to compare with: {why}.") from None
    found = set(_files(folder))
    changed = (name for name in sorted(found & sealed.keys()) if _hash(folder / name) != sealed[name])
    return Verified(
        len(sealed),
        hashlib.sha256(written).hexdigest(),
        tuple(sorted(sealed.keys() - found)),
        tuple(changed),
        tuple(sorted(found - sealed.keys())),
    )


def _files(folder: Path) -> Iterator[str]:
    """The files of a folder but for the manifest, as paths with ``/``, in order."""
    for home, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if (Path(home) / name).is_symlink()]
        for name in sorted([*names, *links]):
            path = (Path(home) / name).relative_to(folder).as_posix()
            if path != MANIFEST:
                yield path


def _hash(file: Path) -> str:
    """SHA-256 of what a file holds; of where it leads when it is a link."""
    if file.is_symlink():
        return "link:" + hashlib.sha256(os.readlink(file).encode()).hexdigest()  # noqa: PTH115 - as it is written
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except PermissionError:
        return "unreadable"


def _permit(file: Path, *, write: bool) -> None:
    if not file.is_symlink():
        mode = stat.S_IMODE(file.stat().st_mode)
        file.chmod(mode | stat.S_IWUSR if write else mode & ~WRITE)
