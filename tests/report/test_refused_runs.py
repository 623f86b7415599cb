"""Runs that cannot be: two at once, data that cannot be read, disks that are full. Each says what and where, and leaves the book alone."""

import json
import os
from pathlib import Path

import pytest
from killed_runs import (
    NAME,
    Run,
    book,
    can_mount,
    copy_of,
    history,
    prepared_project,
    results,
    shown_run,
    write_project,
)

from crmtools.report import warm

pytestmark = pytest.mark.skipif(not warm.AVAILABLE, reason="processes are found by what Linux tells of them")


def test_of_two_runs_started_together_one_works_and_one_leaves(tmp_path):
    write_project(tmp_path)
    runs = [Run(tmp_path, light=True) for _ in range(2)]
    codes = [run.wait() for run in runs]
    assert sorted(codes) == [0, 1], [run.said for run in runs]
    worked, left = sorted(runs, key=lambda run: run.process.returncode)
    assert f"Report '{NAME}' is being run already, by process {worked.process.pid}, since 20" in left.said
    assert "Traceback" not in left.said
    assert [path.name for path in (tmp_path / "runs").glob("2*")] == [shown_run(tmp_path).name]
    assert list(history(tmp_path)) == [shown_run(tmp_path).name]
    assert list((tmp_path / "t").iterdir()) == []


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    with prepared_project(tmp_path_factory.mktemp("refused"), mounts=can_mount()) as found:
        yield found


def quickly(every, *quick):
    """All cases, those that are not among the ``quick`` ones marked as slow."""
    return [one if one in quick else pytest.param(one, marks=pytest.mark.slow) for one in every]


def half_written(folder):
    """What a run that failed must not leave."""
    parts = [
        path
        for path in folder.rglob("*")
        if path.name.endswith(".part") or path.name.startswith((".incoming-", ".link-"))
    ]
    logs = [
        path for path in (folder / "t").iterdir() if not path.name.startswith("fault-")
    ]  # said where a log could be written
    return [*parts, *logs, *(folder / ".crmtools" / "locks").glob("*.lock")]


def refused(answer, folder, left, *words):
    """Exit code 1, one paragraph that names what it is about, the old book and the old history, nothing half-written."""
    assert answer["code"] == 1, answer
    for word in words:
        assert word in answer["said"], answer["said"]
    assert "Traceback" not in answer["said"]
    assert "fault of crmtools" not in answer["said"]
    assert "\n\n" not in answer["said"].strip()
    assert book(folder) == left.books[0]
    assert list(history(folder).values()) == left.rows[:1]
    assert half_written(folder) == []


def ended(stepper, folder, left):
    """With the hindrance gone the report is run as if nothing had been."""
    answer = stepper.run(folder)
    assert answer["code"] == 0, answer
    seen = stepper.seen(folder)
    assert book(seen) == left.books[-1]
    assert results(shown_run(seen)) == left.results
    assert half_written(seen) == []


# ---- data that cannot be read


def replaced(file, make):
    file.unlink()
    make(file)


DATA = {
    "a folder": ("orders.csv", lambda file: file.mkdir()),
    "a dangling link": ("orders.csv", lambda file: file.symlink_to("nowhere.csv")),
    "nothing in it": ("orders.csv", lambda file: file.write_bytes(b"")),
    "garbage": ("orders.csv", lambda file: file.write_bytes(bytes(range(256)) * 40)),
    "a torn Parquet file": ("orders.parquet", lambda file: file.write_bytes(b"PAR1" + bytes(500))),
    "a Parquet file that is none": ("orders.parquet", lambda file: file.write_bytes(b"not at all" * 20)),
    "a workbook that is none": ("orders.xlsx", lambda file: file.write_bytes(b"PK\x03\x04" + bytes(500))),
    "another's": ("orders.csv", lambda file: (file.write_bytes(b"order_id\n1\n"), file.chmod(0))),
}


@pytest.mark.parametrize("what", quickly(DATA, "a folder", "garbage"))
def test_data_that_cannot_be_read(prepared, tmp_path, what):
    project, stepper, left = prepared.project, prepared.stepper, prepared.left
    if what == "another's" and not os.geteuid():
        pytest.skip("root may read every file")
    folder = copy_of(project, tmp_path / "project")
    tables, (name, make) = folder / "data" / "tiny", DATA[what]
    kept = (tables / "orders.csv").read_bytes()
    (tables / "orders.csv").unlink()
    make(tables / name)
    refused(stepper.run(folder), folder, left, name)
    if (tables / name).is_dir():
        (tables / name).rmdir()
    else:
        (tables / name).unlink()
    (tables / "orders.csv").write_bytes(kept)
    ended(stepper, folder, left)


# ---- folders that cannot be written

IN_THE_WAY = [
    "published", "published/.editions", f"published/.editions/{NAME}", "runs", ".crmtools/locks", ".crmtools/snapshots",
]  # fmt: skip


@pytest.mark.parametrize("place", quickly(IN_THE_WAY, f"published/.editions/{NAME}"))
def test_a_file_in_the_place_of_a_folder(prepared, tmp_path, place):
    project, stepper, left = prepared.project, prepared.stepper, prepared.left
    folder = copy_of(project, tmp_path / "project")
    away = folder / "away"
    (folder / place).rename(away)
    (folder / place).write_text("mine")
    answer = stepper.run(folder)
    assert (folder / place).read_text() == "mine"
    (folder / place).unlink()
    away.rename(folder / place)
    refused(answer, folder, left, Path(place).name)
    ended(stepper, folder, left)


needs_mounts = pytest.mark.skipif(
    not can_mount(), reason="this system lets nobody mount a folder of his own (unshare -rm)"
)


@needs_mounts
@pytest.mark.parametrize("place", quickly(["published", "runs", ".crmtools", "runs/history"], "runs/history"))
def test_a_folder_that_may_only_be_read(prepared, tmp_path, place):
    project, stepper, left = prepared.project, prepared.stepper, prepared.left
    folder = copy_of(project, tmp_path / "project")
    stepper.ask("mount", "read_only", folder / place)
    answer = stepper.run(folder)
    stepper.ask("unmount", folder / place)
    if place == "runs/history":
        after_publication(answer, folder, place)
        assert book(folder) == left.books[-1]
        assert list(history(folder).values()) == left.rows[:1]
    else:
        refused(answer, folder, left, Path(place).name)
    ended(stepper, folder, left)


def after_publication(answer, folder, place):
    """The book is out and the history lacks it: exit code 2, the reason is said, and the next run makes it good."""
    assert answer["code"] == 2, answer
    assert Path(place).name in answer["out"], answer
    assert half_written(folder) == []
    manifest = json.loads((shown_run(folder) / "manifest.json").read_text("utf-8"))
    assert manifest["ended"] == "published_with_failures"
    assert Path(place).name in "".join(manifest["problems"])


@pytest.mark.slow
def test_a_history_that_cannot_be_added_to(prepared, tmp_path):
    """A file lies where the folder of goals would: it is made good by the next run once it is gone."""
    project, stepper, left = prepared.project, prepared.stepper, prepared.left
    folder = copy_of(project, tmp_path / "project")
    place, away = folder / "runs" / "history" / NAME / "goals", folder / "away"
    place.rename(away)
    place.write_text("mine")
    answer = stepper.run(folder)
    place.unlink()
    away.rename(place)
    after_publication(answer, folder, "goals")
    assert list(history(folder).values()) == left.rows[:1]
    ended(stepper, folder, left)


# ---- a disk that is full


@needs_mounts
@pytest.mark.parametrize("room", quickly([0, 16, 48, 96, 160, 240, 360, 440, 520], 240))
def test_a_disk_that_is_full(prepared, tmp_path, room):
    """So many kilobytes are left when the run begins; then the disk grows."""
    project, stepper, left = prepared.project, prepared.stepper, prepared.left
    disk = tmp_path / "disk"
    disk.mkdir()
    stepper.ask("mount", "small", disk, 1 << 28)
    stepper.ask("copy", project, disk)
    full = os.statvfs(stepper.seen(disk))
    taken = (full.f_blocks - full.f_bfree) * full.f_frsize
    stepper.ask("mount", "small", disk, taken + 1024 * room)
    answer = stepper.run(disk)
    if answer["code"] == 1:
        refused(answer, stepper.seen(disk), left, "No space left on device")
    elif answer["code"] == 2:
        after_publication(answer, stepper.seen(disk), "No space left on device")
    stepper.ask("mount", "small", disk, 1 << 28)
    ended(stepper, disk, left)
