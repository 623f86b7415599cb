"""Work begun before its result is needed, while this process waits for others."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def ahead(work: Callable[[], T]) -> "Future[T]":
    """Begin work in a thread of its own; ``result()`` waits for it and raises what it raised.

    Nobody waits for it who does not ask: a run that is stopped ends at once.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - for whoever asks for the result
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done
