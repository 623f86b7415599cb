"""Work begun before its result is needed, while this process waits for others."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")
AGAIN = 0.05
"""Seconds until somebody who did not hear that he shall stop, being between two questions, is told again."""


@contextlib.contextmanager
def ahead(work: Callable[[], T], stop: Callable[[], object]) -> Iterator["Future[T]"]:
    """Work in a thread of its own; ``result()`` waits for it and raises what it raised.

    It is over when the block ends: where it is not needed any more ``stop`` is called until it has heard. A thread that went on inside
    of the engine would take the process down with it as that ends.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - for whoever asks for the result
            done.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield done
    finally:
        interrupted: KeyboardInterrupt | None = None
        while thread.is_alive():
            try:
                with contextlib.suppress(Exception):  # what would be stopped may be over by now
                    stop()
                thread.join(AGAIN)
            except KeyboardInterrupt as again:  # it must be over all the same
                interrupted = again
        if interrupted is not None:
            raise interrupted
