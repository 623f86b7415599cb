"""Statements about several tables at a time."""

import os
import signal
import threading
import time

import duckdb
import pytest

from crmtools.tables.side_by_side import side_by_side

LONG = "SELECT count(*) FROM range(300_000) a JOIN range(300_000) b ON a.range % 7 = b.range % 7"
"""A minute of work."""


@pytest.fixture
def con():
    with duckdb.connect() as made:
        yield made


@pytest.fixture
def heard():
    """Ctrl-C is an interrupt: a shell leaves it ignored in what it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_all_is_done_in_one_database_and_told_in_order(con):
    def make(own, number):
        time.sleep((5 - number) / 100)
        own.execute(f"CREATE TABLE t{number} AS SELECT {number} AS x")
        return number

    assert side_by_side(con, make, range(6)) == [*range(6)]
    tables = con.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
    assert tables == [(f"t{number}",) for number in range(6)]
    assert side_by_side(con, make, []) == []


def test_two_are_done_at_once(con, monkeypatch):
    monkeypatch.setattr("crmtools.tables.side_by_side.cores", lambda: 2)
    both = threading.Barrier(2, timeout=30)
    side_by_side(con, lambda own, _: both.wait(), range(2))


def test_the_first_that_goes_wrong_is_told_and_what_is_under_way_is_stopped(con, monkeypatch):
    monkeypatch.setattr("crmtools.tables.side_by_side.cores", lambda: 2)
    began = time.monotonic()
    with pytest.raises(duckdb.CatalogException, match="nothing"):
        side_by_side(con, lambda own, text: own.execute(text).fetchall(), ["SELECT * FROM nothing", LONG])
    assert time.monotonic() - began < 60


def test_what_has_not_begun_when_one_goes_wrong_is_not_waited_for(con, monkeypatch):
    monkeypatch.setattr("crmtools.tables.side_by_side.cores", lambda: 2)
    told, did = [], []

    def work(_, number):
        did.append(number)
        if number == 0:
            raise ValueError("the first")
        time.sleep(0.2)

    def ask():
        try:
            side_by_side(con, work, range(20))
        except ValueError as error:
            told.append(str(error))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(30)
    assert not asking.is_alive(), "it waits for what nobody will do"
    assert told == ["the first"]
    assert len(did) < 20


@pytest.mark.usefixtures("heard")
def test_ctrl_c_stops_what_is_under_way(con):
    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(con, lambda own, text: own.execute(text).fetchall(), [LONG])
    assert time.monotonic() - began < 60
    assert con.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.usefixtures("heard")
def test_ctrl_c_is_heard_between_two_statements(con):
    """An interruption reaches only the statement that is running; whoever is between two must be told again."""

    def two(own, _):
        time.sleep(2)
        return own.execute(LONG).fetchall()

    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(con, two, [0])
    assert time.monotonic() - began < 30


def test_ctrl_c_while_work_is_handed_out_stops_what_has_begun(con):
    """Handing out starts threads and waits for each: a signal is as likely there as anywhere."""

    def things():
        yield LONG
        time.sleep(0.5)
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(con, lambda own, text: own.execute(text).fetchall(), things())
    assert time.monotonic() - began < 30


@pytest.mark.usefixtures("heard")
def test_a_second_ctrl_c_does_not_make_it_wait(con):
    def two(own, _):
        time.sleep(2)
        return own.execute(LONG).fetchall()

    for after in (0.5, 1):
        threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(con, two, [0])
    assert time.monotonic() - began < 30
