"""Put a finished book where readers look, in one step.

::

    ROOT/
      REPORT -> .editions/REPORT/RUN      what readers open: ROOT/REPORT/en/index.html
      .editions/REPORT/
        RUN  OLDER-RUN  ...               the last editions, whole; each keeps its address

A new edition is complete in its own folder before the link is turned to it, and turning a link is one
operation of the file system: whoever opens the report, or pulls the plug, sees the old book or the new one,
never a part of each.
"""

import os
import re
import shutil
import time
from pathlib import Path

from crmtools.errors import Problem, RunError

EDITIONS = ".editions"
NOT_IN_PLACE = "The book is complete in '{edition}' but could not be put in place: {error}"
NAME = re.compile(r"\w[\w.-]*")


def publish(staging: Path, *, root: Path, report: str, run_id: str, keep: int = 12) -> Path:
    """Publish the book in ``staging`` (``en/index.html``, ``zh/index.html`` ...) as ``root/report``.

    ``staging`` is moved, not copied, when it lies on the same disk. The last ``keep`` editions stay under
    ``root/.editions/report``. Returns the edition's folder. Where the system allows no symbolic links, the
    folder itself is put in place by two renames, and :func:`recover` mends what a power cut between them may
    leave.

    One publication of a report at a time: the caller holds the lock. Raises RunError when a name cannot be a
    folder or the book is not complete.
    """
    _check(staging, report=report, run_id=run_id, keep=keep)
    home = root / EDITIONS / report
    home.mkdir(parents=True, exist_ok=True)
    recover(root, report=report)
    edition = _free(home / run_id)
    _move(staging, edition)
    os.utime(edition)  # editions are ordered by when they were published
    try:
        _turn_link(root / report, edition)
    except OSError as error:
        if not _links_forbidden(root):
            raise RunError(NOT_IN_PLACE.format(edition=edition, error=error)) from error
        edition = _swap_folder(root / report, edition)
    _drop_old(home, current=(root / report), keep=keep)
    return edition


def editions(root: Path, *, report: str) -> list[Path]:
    """The published editions of a report, newest first.

    Where links are not allowed the newest one is the report's own folder.
    """
    home = root / EDITIONS / report
    kept = [path for path in home.glob("[!.]*") if path.is_dir()]
    place = root / report
    if place.is_dir() and not place.is_symlink():
        kept.append(place)
    return sorted(kept, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)


def recover(root: Path, *, report: str) -> None:
    """Mend and tidy after a publication that was cut off: the report shows a whole book again."""
    home, place = root / EDITIONS / report, root / report
    if not home.is_dir():
        return
    for left in [*home.glob(".incoming-*"), *home.glob(".dropped-*")]:
        shutil.rmtree(left, ignore_errors=True)
    for left in home.glob(".link-*"):
        left.unlink(missing_ok=True)
    if not os.path.lexists(place) and (kept := editions(root, report=report)):
        try:
            _turn_link(place, kept[0])
        except OSError:
            kept[0].rename(place)


def _check(staging: Path, *, report: str, run_id: str, keep: int) -> None:
    problems = [
        Problem(f"{what} '{name}'", "cannot be a folder; use letters, digits, '-', '_' and '.', not '.' first")
        for what, name in (("report", report), ("run", run_id))
        if not NAME.fullmatch(name)
    ]
    if keep < 1:
        problems.append(Problem(f"keep = {keep}", "at least the edition just published is kept: 1 or more"))
    if not list(staging.glob("*/index.html")):
        problems.append(Problem(str(staging), "holds no LANGUAGE/index.html: this is not a finished book"))
    if problems:
        raise RunError.of("The book was not published.", problems)


def _free(edition: Path) -> Path:
    """The folder of a run, or ``RUN-2``, ``RUN-3`` when the same run is published again."""
    taken = edition
    count = 1
    while taken.exists():
        count += 1
        taken = edition.with_name(f"{edition.name}-{count}")
    return taken


def _move(staging: Path, edition: Path) -> None:
    """The book into its folder; the folder has its final name only when it is complete."""
    try:
        staging.rename(edition)
    except OSError:  # another disk
        incoming = edition.with_name(f".incoming-{edition.name}")
        shutil.rmtree(incoming, ignore_errors=True)
        shutil.copytree(staging, incoming)
        incoming.rename(edition)
        shutil.rmtree(staging, ignore_errors=True)


def _turn_link(place: Path, edition: Path) -> None:
    """Make ``place`` a relative link to the edition, in one step."""
    link = edition.with_name(f".link-{edition.name}")
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(edition, place.parent), target_is_directory=True)
    if place.is_dir() and not place.is_symlink():  # published without links so far
        place.rename(_free(edition.with_name(f"before-{edition.name}")))
    link.replace(place)


def _links_forbidden(root: Path) -> bool:
    """Whether this disk or this account may not make symbolic links."""
    probe = root / f".link-probe-{os.getpid()}"
    try:
        probe.symlink_to("nowhere")
    except OSError:
        return True
    probe.unlink(missing_ok=True)
    return False


def _swap_folder(place: Path, edition: Path) -> Path:
    """Put the edition itself in place; the one before moves among the editions. Undone when it fails."""
    before = None
    if place.exists():
        before = _free(edition.with_name(time.strftime("until-%Y%m%dT%H%M%S")))
        place.rename(before)
    try:
        edition.rename(place)
    except OSError as error:
        if before is not None:
            before.rename(place)
        raise RunError(NOT_IN_PLACE.format(edition=edition, error=error)) from error
    return place


def _drop_old(home: Path, *, current: Path, keep: int) -> None:
    """Remove all but the newest editions, never the one that readers see."""
    shown = current.resolve()
    others = [path for path in editions(home.parent.parent, report=home.name) if path.resolve() != shown]
    for path in others[keep - 1 :]:
        dropped = path.with_name(f".dropped-{path.name}")
        path.rename(dropped)  # half a deleted edition must not look like a whole one
        shutil.rmtree(dropped, ignore_errors=True)
