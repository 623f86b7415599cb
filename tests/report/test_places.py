"""The folders of kernels: those of a killed run go when the next one begins, those of a living one stay."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from crmtools.report.places import LOCK, PREFIX, new_place, places, sweep_places

HOLD = """
import time
from crmtools.report.places import new_place, places
with places() as home:
    print(new_place(home), flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_run_left_goes_with_the_next_one(folder):
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    other.stdout.readline()
    (theirs,) = folder.iterdir()
    with places() as home:
        assert new_place(home).parent == home
        assert set(folder.iterdir()) == {home, theirs}, "a run that lives keeps its own"
    assert list(folder.iterdir()) == [theirs]
    other.kill()
    other.wait()
    other.stdout.close()
    with places() as home:
        assert list(folder.iterdir()) == [home]


def test_a_folder_without_a_lock_and_what_is_no_folder(folder):
    """An empty one was left at its beginning or its end, another is not ours; a link somebody else has put there is not followed."""
    empty, full, mine = folder / f"{PREFIX}empty", folder / f"{PREFIX}full", folder / "mine"
    for one in (empty, full, mine):
        one.mkdir()
    (mine / LOCK).touch()
    (full / "letter").touch()
    (folder / f"{PREFIX}link").symlink_to(mine)
    with places():
        pass
    assert {path.name for path in folder.iterdir()} == {f"{PREFIX}full", f"{PREFIX}link", "mine"}
    assert (mine / LOCK).exists()
    assert (full / "letter").exists()


def test_a_run_whose_folder_is_swept_before_it_has_its_lock_makes_another(folder, monkeypatch):
    made = []

    def swept_at_once(**named):
        made.append(mkdtemp(**named))
        if len(made) == 1:
            sweep_places()
            assert not Path(made[0]).exists()
        return made[-1]

    mkdtemp = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", swept_at_once)
    with places() as home:
        assert str(home) == made[1]


def test_the_lock_is_removed_last(folder, monkeypatch):
    """Whatever a kill leaves of a folder, the next run finds."""
    left = []
    for call in ("rmdir", "unlink"):
        real = getattr(os, call)

        def seen(path, *given, real=real, **named):
            left.append({found.name for home in folder.glob(f"{PREFIX}*") for found in home.iterdir()})
            return real(path, *given, **named)

        monkeypatch.setattr(os, call, seen)
    with places() as home:
        (new_place(home) / "socket").touch()
        (home / "beside").touch()
    assert len(left) >= 4
    assert all(LOCK in names or not names for names in left)
    assert list(folder.iterdir()) == []
