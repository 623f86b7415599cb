"""The warm process: when it does not answer it is never asked again, and what comes late does no harm."""

import os
import signal
import time
from pathlib import Path

import pytest

from crmtools import shown
from crmtools.report import warm

pytestmark = pytest.mark.skipif(not warm.AVAILABLE, reason="kernels are forked on Linux only")


@pytest.fixture
def process():
    with warm.warm_process() as made:
        yield made


def fork(process, connection_file, log):
    return process.fork(
        "kernel", ["-f", str(connection_file)], environment=dict(os.environ), said=(log.fileno(), log.fileno())
    )


def command_line(pid):
    return Path(f"/proc/{pid}/stat").read_text("utf-8").split()


def test_every_kernel_is_told_by_its_own_pid(process, tmp_path):
    with (tmp_path / "log").open("w") as log:
        made = [fork(process, tmp_path / f"{n}.json", log) for n in range(2)]
    assert len({one.pid for one in made}) == 2
    for one in made:
        assert int(command_line(one.pid)[3]) == process._process.pid, "a child of the warm process"
        one.kill()
        assert one.wait(20) == -1


def test_after_a_late_answer_the_warm_process_is_given_up_and_its_kernels_go_on(process, tmp_path, monkeypatch):
    with (tmp_path / "log").open("w") as log:
        first = fork(process, tmp_path / "first.json", log)
        monkeypatch.setattr(warm, "PATIENCE", 0.5)
        os.kill(process._process.pid, signal.SIGSTOP)
        with pytest.raises(TimeoutError, match="did not answer"):
            fork(process, tmp_path / "late.json", log)
        os.kill(process._process.pid, signal.SIGCONT)
        with pytest.raises(OSError, match="did not answer before"):
            fork(process, tmp_path / "next.json", log)
    until = time.monotonic() + 20
    while not ((tmp_path / "first.json").exists() and "BrokenPipe" in (tmp_path / "log").read_text("utf-8")):
        assert time.monotonic() < until, (tmp_path / "log").read_text("utf-8")
        time.sleep(0.05)
    assert first.poll() is None
    assert not (tmp_path / "late.json").exists(), "the kernel that came late has ended before it took anything"


def test_a_warm_process_that_never_gets_ready_is_ended_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(warm, "PATIENCE", 0.01)
    with warm.warm_process() as process, (tmp_path / "log").open("w") as log:
        with pytest.raises(TimeoutError):
            fork(process, tmp_path / "k.json", log)
        assert process._process.poll() is not None
        with pytest.raises(OSError, match="did not answer before"):
            fork(process, tmp_path / "k.json", log)


def test_what_is_rehearsed_says_nothing_of_the_data_that_a_kernel_opens(monkeypatch):
    monkeypatch.setattr(shown, "_OPENED", set())
    warm._rehearse()
    shown.opened("EUR", 10)
    assert shown.terms() == ("EUR", 10)
