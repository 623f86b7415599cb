"""Runs that something unforeseen ends: the manifest says so, the person gets a line and a log, readers see nothing."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from small_report import write_notebooks, write_report

from crmtools.cli import main
from crmtools.cores import cores
from crmtools.errors import RunError
from crmtools.parameters import load
from crmtools.report import making
from crmtools.report.history import read_history
from crmtools.report.manifest import Manifest
from crmtools.report.run import run_report

pytestmark = pytest.mark.usefixtures("light_book")


@pytest.fixture
def project(tmp_path, monkeypatch):
    write_notebooks(tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    return write_report(tmp_path, languages=("en",))


def manifest_of(folder):
    (found,) = (folder / "runs").glob("2*/manifest.json")
    return json.loads(found.read_text("utf-8"))


def raising(error, seen=None):
    def stand_in(*_, **named):
        if seen is not None:
            seen.append(json.loads((named["folder"] / "manifest.json").read_text("utf-8"))["ended"])
        raise error

    return stand_in


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The machine could not go on. OSError: [Errno 28] No space"),
        (MemoryError(), "The machine could not go on. MemoryError: no message"),
        (duckdb.Error("of the engine"), "a fault of crmtools. Error: of the engine"),
        (TypeError("of ours"), "a fault of crmtools. TypeError: of ours"),
    ],
)
def test_whatever_ends_a_run_is_in_its_manifest_and_a_log(project, tmp_path, monkeypatch, error, words):
    seen = []
    monkeypatch.setattr(making, "run_jobs", raising(error, seen))
    result = CliRunner().invoke(main, ["report", str(project)])
    assert result.exit_code == 1
    assert seen == ["running"], "written at the start, for the case that the run is killed"
    assert words in result.stderr
    assert "What was published before is untouched." in result.stderr
    assert "Traceback" not in result.output
    record = manifest_of(tmp_path)
    assert record["ended"] == "not_published"
    assert words in record["problems"][0]
    log = Path(re.search(r"\(the log: (.*)\)", result.stderr)[1])
    assert log.parent.parent.parent == tmp_path / "runs"
    assert "Traceback" in log.read_text("utf-8")
    assert not (tmp_path / "published").exists()


def test_a_disk_without_room_for_the_manifest_gets_some(project, tmp_path, monkeypatch):
    write = Manifest.write

    def full(self, file):
        if (file.parent / "html").is_dir():
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, file)

    def fill(*_, folder, **__):
        (folder / "html").mkdir()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Manifest, "write", full)
    monkeypatch.setattr(making, "run_jobs", fill)
    with pytest.raises(RunError, match="No space left"):
        run_report(load(project))
    assert manifest_of(tmp_path)["ended"] == "not_published"


def test_what_fails_after_the_publication_is_told_and_the_report_is_published(project, tmp_path, monkeypatch):
    seen = []

    def fail(*_, **__):
        seen.append(manifest_of(tmp_path)["ended"])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(making, "append_history", fail)
    result = run_report(load(project))
    assert seen == ["published"]
    assert result.exit_code == 2
    assert [problem.place for problem in result.problems] == ["after the publication"]
    assert (tmp_path / "published" / "small" / "en" / "index.html").is_file()
    record = manifest_of(tmp_path)
    assert record["ended"] == "published_with_failures"
    assert "No space left" in record["problems"][0]
    assert read_history(tmp_path, "small").empty


def test_a_period_without_data_leaves_the_last_book_up(project, tmp_path):
    """A schedule whose export did not arrive: the last good book is about an earlier period, and still the best there is."""
    assert CliRunner().invoke(main, ["report", "small"]).exit_code == 0
    book = (tmp_path / "published" / "small").resolve()
    for command in (["report", "small@2026-Q3"], ["report", "small@2026-Q3", "--dry-run"], ["check", "small@2026-Q3"]):
        said = CliRunner().invoke(main, command)
        assert said.exit_code == 1, said.output
        assert "There is nothing to report" in said.output
        assert "and the period 2026-Q3 begins on 2026-07-01" in said.output
    assert (tmp_path / "published" / "small").resolve() == book
    assert len([*(tmp_path / "runs").glob("2*")]) == 1


def test_a_schedulers_signal_ends_a_run_as_ctrl_c_does(project, tmp_path):
    mark = tmp_path / "began"
    write_notebooks(
        tmp_path / "notebooks",
        summary=f"import time\nopen({str(mark)!r}, 'w').close()\ntime.sleep(60)",
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "crmtools", "report", str(project)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not mark.exists():
        assert time.monotonic() < until
        time.sleep(0.1)
    run.send_signal(signal.SIGTERM)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert said.endswith("Stopped.\n")
    assert list((tmp_path / "runs").glob("2*")) == []
    assert list((tmp_path / ".crmtools" / "locks").iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are found by what Linux tells of them")
@pytest.mark.skipif(cores() < 2, reason="on one core a run begins it when it knows what there is to do")
@pytest.mark.parametrize(
    ("number", "code", "patience"), [(signal.SIGTERM, 130, 2), (signal.SIGKILL, -signal.SIGKILL, 20)]
)
def test_what_is_begun_before_the_run_goes_with_it(project, number, code, patience):
    """The process that kernels are forked from imports for seconds; who is ended meanwhile leaves nothing behind."""
    run = subprocess.Popen(
        [sys.executable, "-m", "crmtools", "report", str(project)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 60
    while not (begun := Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()):
        assert time.monotonic() < until
        time.sleep(0.02)
    run.send_signal(number)
    run.communicate(timeout=60)
    assert run.returncode == code
    until = time.monotonic() + patience
    while Path(f"/proc/{begun[0]}").is_dir():
        assert time.monotonic() < until, "it is left behind"
        time.sleep(0.1)
