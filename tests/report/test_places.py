"""The folders of kernels: those of a killed run go when the next one begins, those of a living one stay."""

import os
import subprocess
import sys
import tempfile
import time

import pytest

from crmtools.report.places import FORGOTTEN, LOCK, PREFIX, new_place, places

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
    """One may be about to get its lock; a link somebody else has put there is not followed."""
    young, old, mine = folder / f"{PREFIX}young", folder / f"{PREFIX}old", folder / "mine"
    for one in (young, old, mine):
        one.mkdir()
    (mine / LOCK).touch()
    os.utime(old, (time.time() - 2 * FORGOTTEN,) * 2)
    (folder / f"{PREFIX}link").symlink_to(mine)
    with places():
        pass
    assert {path.name for path in folder.iterdir()} == {f"{PREFIX}young", f"{PREFIX}link", "mine"}
    assert (mine / LOCK).exists()
