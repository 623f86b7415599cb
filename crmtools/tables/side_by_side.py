"""Statements about several tables at a time, each on a connection of its own.

The engine works on one table in as many threads as it has pieces of a hundred thousand rows; small ones keep one core busy.
"""

import contextlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import TypeVar

import duckdb

from crmtools.cores import cores

T = TypeVar("T")
R = TypeVar("R")

AGAIN = 0.05
"""Seconds until statements are interrupted again."""
SHOW_NO_PROGRESS = "SET enable_progress_bar = false"
"""DuckDB takes ``python -m crmtools`` for somebody typing and draws bars into standard output, amid the JSON of --json."""


def draw_no_bars(con: duckdb.DuckDBPyConnection) -> None:
    """Keep the engine from drawing progress bars amid what a command prints."""
    # in a notebook the engine asks for ipywidgets even to be told this; without them it draws nothing there
    with contextlib.suppress(duckdb.InvalidInputException):
        con.execute(SHOW_NO_PROGRESS)


def side_by_side(
    con: duckdb.DuckDBPyConnection, work: Callable[[duckdb.DuckDBPyConnection, T], R], things: Iterable[T]
) -> list[R]:
    """What ``work`` gives for each thing, in their order; it is given a connection to the same database.

    Raises what the first of the things raised, in their order. When it is interrupted, so are the statements that are under way.
    """
    free: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
    with contextlib.ExitStack() as closing:
        own = [closing.enter_context(con.cursor()) for _ in range(cores())]
        for one in own:
            draw_no_bars(one)
            free.put(one)

        def done(thing: T) -> R:
            taken = free.get()
            try:
                return work(taken, thing)
            finally:
                free.put(taken)

        with ThreadPoolExecutor(max_workers=len(own)) as pool:
            begun: list[Future[R]] = []
            try:
                begun.extend(pool.submit(done, thing) for thing in things)
                return [one.result() for one in begun]
            except BaseException:
                _end(pool, begun, own)
                raise


def _end(pool: ThreadPoolExecutor, begun: list[Future[R]], own: list[duckdb.DuckDBPyConnection]) -> None:
    """Begin nothing more and interrupt what is under way until it is over, even where somebody asks for the end again meanwhile."""
    pool.shutdown(wait=False, cancel_futures=True)
    while True:
        with contextlib.suppress(KeyboardInterrupt):
            # nobody ever says of what was cancelled that it is done
            if not wait([one for one in begun if not one.cancelled()], timeout=AGAIN).not_done:
                return
            for each in own:  # who is between two statements does not hear it
                each.interrupt()
