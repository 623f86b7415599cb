"""One run of a report at a time; a dead one blocks nobody."""

import json
import os
import signal
import subprocess
import sys

import pytest

from crmtools.errors import RunError
from crmtools.report.lock import only_run

HOLD = """
import sys, time
from pathlib import Path
from crmtools.report.lock import only_run
with only_run(Path(sys.argv[1]), "demo"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_run_is_told_who_holds_the_lock(holder, tmp_path):
    with (
        pytest.raises(RunError, match=rf"'demo' is being run already, by process {holder.pid}, since 20"),
        only_run(tmp_path, "demo"),
    ):
        pass
    with only_run(tmp_path, "another"):
        pass


def test_the_lock_of_a_killed_run_is_taken_over(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    file = tmp_path / ".crmtools" / "locks" / "demo.lock"
    assert json.loads(file.read_text())["pid"] == holder.pid
    with only_run(tmp_path, "demo"):
        assert json.loads(file.read_text())["pid"] == os.getpid()
    assert not file.exists()


def test_the_lock_goes_with_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), only_run(tmp_path, "demo"):
        raise ZeroDivisionError
    with only_run(tmp_path, "demo"):
        pass


def test_a_lock_file_that_says_nothing_blocks_nobody(tmp_path):
    file = tmp_path / ".crmtools" / "locks" / "demo.lock"
    file.parent.mkdir(parents=True)
    file.write_text("")
    with only_run(tmp_path, "demo"), pytest.raises(RunError, match="being run already"), only_run(tmp_path, "demo"):
        pass
