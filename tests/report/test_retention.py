"""Old runs and snapshots go; nothing goes that anybody may still want."""

import json
import os
import time

import pytest

from crmtools.report.retention import sweep

OLD = time.time() - 3 * 86_400


def age(path):
    for inside in [*path.rglob("*"), path]:
        os.utime(inside, (OLD, OLD))


@pytest.fixture
def project(tmp_path):
    class Project:
        root = tmp_path
        count = 0

        def run(self, report="mine", ended="published", snapshot="a", *, old=True):
            self.count += 1
            name = f"20250101T0000{self.count:02}-abcdef"
            folder = tmp_path / "runs" / name
            folder.mkdir(parents=True)
            record = {"run_id": name, "report": report, "ended": ended, "data": {"fingerprint": snapshot * 20}}
            (folder / "manifest.json").write_text(json.dumps(record))
            if old:
                age(folder)
            return name

        def snapshot(self, letter, *, old=True, name=""):
            folder = tmp_path / ".crmtools" / "snapshots" / (name or letter * 20)
            (folder / "answers").mkdir(parents=True)
            (folder / "door.json").write_text("{}")
            if old:
                age(folder)

        def sweep(self, present, keep):
            sweep(tmp_path, report="mine", present=present, keep=keep)

        @property
        def runs(self):
            return {path.name for path in (tmp_path / "runs").iterdir()}

        @property
        def snapshots(self):
            return {path.name[:1] for path in (tmp_path / ".crmtools" / "snapshots").iterdir()}

    return Project()


def test_the_newest_runs_of_the_report_stay_and_the_present_one(project):
    old = [project.run() for _ in range(3)]
    other = [project.run("another") for _ in range(4)]
    present = project.run()
    project.sweep(present, 2)
    assert project.runs == {old[2], *other, present}
    project.sweep(present, 1)
    assert project.runs == {*other, present}


def test_failed_runs_do_not_push_out_published_ones(project):
    published = project.run()
    failed = [project.run(ended="not_published") for _ in range(4)]
    present = project.run()
    project.sweep(present, 2)
    assert project.runs == {published, *failed[2:], present}


def test_what_runs_or_is_no_run_of_the_report_stays(project):
    killed = project.run(ended="running")
    running = project.run(ended="running", old=False)
    strange = project.run()
    (project.root / "runs" / strange / "manifest.json").write_text("[]")
    moved = project.run()
    (project.root / "runs" / moved).rename(project.root / "runs" / "20240101T000000-abcdef")
    for name in ("history", "notes"):
        (project.root / "runs" / name).mkdir()
    (project.root / "elsewhere").mkdir()
    (project.root / "runs" / "20230101T000000-abcdef").symlink_to(project.root / "elsewhere")
    failed = project.run(ended="not_published")
    present = project.run()
    project.sweep(present, 1)
    assert killed not in project.runs
    assert project.runs == {
        running, strange, "20240101T000000-abcdef", "20230101T000000-abcdef", "history", "notes", failed, present,
    }  # fmt: skip


def test_a_run_that_was_killed_before_it_had_its_manifest_goes_after_a_day(project):
    folders = [project.root / "runs" / f"2025010{day}T000000-abcdef" for day in (1, 2, 3)]
    for folder in folders:
        folder.mkdir(parents=True)
    (folders[0] / ".manifest.json.part").write_text("{")
    (folders[2] / "results.json").write_text("{}")
    for folder in (folders[0], folders[2]):
        age(folder)
    present = project.run()
    project.sweep(present, 3)
    assert project.runs == {folders[1].name, folders[2].name, present}, "young, and not empty"


def test_snapshots_go_that_no_run_uses_and_nobody_has_opened_for_a_day(project):
    dropped, other = project.run(snapshot="b"), project.run("another", snapshot="c")
    present = project.run(snapshot="a")
    for letter in "abcd":
        project.snapshot(letter)
    project.snapshot("e", old=False)
    project.snapshot("f", name="f" * 20 + ".0123abcd.part")
    project.snapshot("m", name="mine")
    project.sweep(present, 1)
    assert project.runs == {other, present}
    assert dropped not in project.runs
    assert project.snapshots == {"a", "c", "e", "m"}


def test_a_snapshot_that_was_asked_something_today_stays(project):
    present = project.run()
    project.snapshot("b")
    os.utime(project.root / ".crmtools" / "snapshots" / ("b" * 20) / "answers")
    project.sweep(present, 1)
    assert project.snapshots == {"b"}


def test_while_another_report_is_run_no_snapshot_goes(project):
    present = project.run()
    project.snapshot("b")
    locks = project.root / ".crmtools" / "locks"
    locks.mkdir()
    (locks / "another.lock").write_text("")
    project.sweep(present, 1)
    assert project.snapshots == {"b"}
    (locks / "another.lock").rename(locks / "mine.lock")
    project.sweep(present, 1)
    assert project.snapshots == set()
