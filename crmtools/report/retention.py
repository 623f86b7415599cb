"""Which runs and snapshots are kept: the newest runs of each report, and the snapshots that a run or somebody still uses."""

import contextlib
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

from crmtools.report.seal import unseal
from crmtools.whole_files import sweep as sweep_parts

RUN = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}")
SNAPSHOT = re.compile(r"[0-9a-f]{20}(\.[0-9a-f]{8}\.part)?")
DAY = 86_400
DROPPED = ".dropped-"


def sweep(root: Path, *, report: str, present: str, keep: int) -> None:
    """Remove old runs of a report, then the snapshots that no run uses.

    Of the published runs the newest ``keep`` stay, the ``present`` one among them, and as many of those that were not
    published; a run that never ended counts as one of these after a day, and one that was killed before it had its manifest goes
    then. A snapshot goes when no run that is left was
    made of it and nobody has opened it for a day. Other reports' runs, and whatever is not a run, are not touched.
    The caller holds the report's lock.
    """
    runs, snapshots = root / "runs", root / ".crmtools" / "snapshots"
    _finish_dropping(runs)
    records = {folder: record for folder in _folders(runs, RUN) if (record := _record(folder))}
    ours = [folder for folder in sorted(records, reverse=True) if records[folder]["report"] == report]
    published = [
        folder for folder in ours if _ended(records[folder]).startswith("published") and folder.name != present
    ]
    others = [
        folder
        for folder in ours
        if _ended(records[folder]) == "not_published"
        or (_ended(records[folder]) == "running" and folder.name != present and _idle(folder))
    ]
    for folder in (*published[max(keep - 1, 0) :], *others[keep:]):
        if _drop(folder):
            del records[folder]
    for folder in _folders(runs, RUN):
        if folder not in records and _never_began(folder) and _idle(folder):
            _drop(folder)
    # another report that begins has opened its snapshot before it has a manifest
    locks = (root / ".crmtools" / "locks").glob("*.lock")
    if any(lock.stem != report and not _idle(lock) for lock in locks):
        return
    _finish_dropping(snapshots)
    used = {str(record["data"].get("fingerprint")) for record in records.values()}
    for folder in _folders(snapshots, SNAPSHOT):
        if folder.name not in used and all(map(_idle, (folder, folder / "answers", folder / "door.json"))):
            _drop(folder)
        else:
            sweep_parts(folder / "answers")  # too many are written for each writer to look for what another has left


def _folders(home: Path, name: re.Pattern[str]) -> list[Path]:
    if not home.is_dir():
        return []
    return [path for path in home.iterdir() if name.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]


def _record(folder: Path) -> dict[str, Any] | None:
    """The manifest of a run; None where it is not one of this very folder."""
    try:
        record = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(record, dict) and record.get("run_id") == folder.name and isinstance(record.get("data"), dict)
    return record if whole and "report" in record else None


def _never_began(folder: Path) -> bool:
    """Whether a run was killed before it had its manifest: its folder holds nothing but what was half written."""
    return all(path.name.startswith(".") for path in folder.iterdir())


def _ended(record: dict[str, Any]) -> str:
    return str(record.get("ended"))


def _idle(path: Path) -> bool:
    """Whether a file or folder was neither read nor changed for a day; what is not there is idle."""
    try:
        stat = path.stat()
    except OSError:
        return True
    read = stat.st_atime if path.is_file() else 0.0  # looking into a folder, as here, counts as reading it
    return time.time() - max(read, stat.st_mtime) > DAY


def _drop(folder: Path) -> bool:
    """Remove a folder; half a removed one must not look like a whole one. False where it is held open."""
    dropped = folder.with_name(f"{DROPPED}{folder.name}")
    try:
        folder.rename(dropped)
    except OSError:
        return False
    unseal(dropped)
    shutil.rmtree(dropped, ignore_errors=True)
    return True


def _finish_dropping(home: Path) -> None:
    with contextlib.suppress(OSError):
        for left in home.glob(f"{DROPPED}*"):
            unseal(left)
            shutil.rmtree(left, ignore_errors=True)
