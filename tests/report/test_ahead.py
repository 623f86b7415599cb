"""Work begun before it is needed."""

import subprocess
import sys
import threading

import duckdb
import pytest

from crmtools.report.ahead import ahead


def test_the_result_is_there_and_what_went_wrong_is_raised_where_it_is_asked_for():
    with ahead(lambda: 3, stop=lambda: None) as found:
        assert found.result() == 3
    with ahead(lambda: 1 / 0, stop=lambda: None) as found, pytest.raises(ZeroDivisionError):
        found.result()


def test_what_is_not_needed_any_more_is_stopped_and_over():
    con = duckdb.connect()

    def work():
        for _ in range(1000):
            con.execute(
                "SELECT count(*) FROM range(300_000) a JOIN range(300_000) b ON a.range % 7 = b.range % 7"
            ).fetchall()

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="the book"), ahead(work, stop=con.interrupt) as found:
        raise RuntimeError("the book is wrong")
    assert isinstance(found.exception(), duckdb.InterruptException)
    assert threading.active_count() == before


def test_a_process_that_ends_meanwhile_keeps_its_exit_code():
    say = (
        "import duckdb, sys, time\nfrom crmtools.report.ahead import ahead\ncon = duckdb.connect()\n"
        "def work():\n"
        "    for _ in range(100000): con.execute('SELECT count(*) FROM range(2000000)').fetchall()\n"
        "with ahead(work, stop=con.interrupt):\n"
        "    time.sleep(0.5)\n"
        "    sys.exit(3)\n"
    )
    done = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (3, "")


def test_a_second_ctrl_c_does_not_leave_it_behind():
    told, ended = [], threading.Event()

    def stop():
        told.append(len(told))
        if len(told) == 1:
            raise KeyboardInterrupt
        ended.set()

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), ahead(lambda: ended.wait(60), stop=stop):
        raise KeyboardInterrupt
    assert told == [0, 1]
    assert threading.active_count() == before
