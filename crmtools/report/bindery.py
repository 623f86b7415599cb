"""A process for each edition of a book: it finishes the pages that Sphinx has written, and looks them over for the gate.

Both are work of one core. The processes are started while one core has nothing to do and ask for nothing but what their last
request needs, so that the editions are finished and looked over side by side. Requests and answers are lines of JSON. When the
run ends, however it ends, their input closes and they end too.
"""

import contextlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol, TextIO, TypeAlias

from crmtools.cores import cores
from crmtools.errors import CRMError, Problem, RunError
from crmtools.report.warm import Forked, Warm, environment
from crmtools.words import Language

TASKS: Mapping[str, str] = {"finish": "finishes the pages", "look": "looks the pages over"}
"""What such a process does, and what is said of it when it does not."""


class Bindery:
    """The process of one edition, from here; use it as a context manager.

    It is forked from the ``warm`` process if that is ready, for that has imported all that it needs; else it starts by itself and
    imports while nothing is asked.
    """

    def __init__(self, language: Language, warm: Warm | None = None) -> None:
        self.language = language
        self._process, self._sent, self._got = _forked(warm) or _started(_by_itself)

    @property
    def pid(self) -> int:
        """Its number among the processes."""
        return self._process.pid

    def ask(self, task: str, **given: object) -> Any:
        """Have a task of ``TASKS`` done and wait for what comes of it; from one thread at a time.

        Raises RunError with the problems that the task found, or saying that the process has ended by itself. Whatever else
        happens there is raised as RuntimeError, with the traceback as its note.
        """
        try:
            self._sent.write(json.dumps([task, given]) + "\n")
            self._sent.flush()
            answer = self._got.readline()
        except BrokenPipeError:
            answer = ""
        if not answer.endswith("\n"):
            raise RunError(f"The process that {TASKS[task]} ({self.language}) {_end(self._process)}")
        state, found = json.loads(answer)
        if state == "wrong":
            error = RunError(found["message"])
            error.problems = tuple(Problem(*one) for one in found["problems"])
            raise error
        if state == "fault":
            fault = RuntimeError(f"{found['message']} (while it {TASKS[task]}, {self.language})")
            fault.add_note(found["traceback"])
            raise fault
        return found

    def kill(self) -> None:
        """End the process; whoever waits for its answer is told that it has ended."""
        self._process.kill()

    def close(self) -> None:
        """End the process, and the talk with it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._sent, self._got):
            with contextlib.suppress(OSError):  # something is left that it did not read
                stream.close()

    def __enter__(self) -> "Bindery":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Killed(Protocol):
    """Something that ends when it is told."""

    def kill(self) -> None:
        """End it."""


Process: TypeAlias = "subprocess.Popen[bytes] | Forked"
Start = Callable[[int, int, int], Process]
"""Starts a process that reads the first of three descriptors, answers on the second and says what goes wrong on the third."""


def _started(start: Start) -> tuple[Process, TextIO, TextIO]:
    """A process, and what it reads and answers through, of which nobody else has the other ends."""
    with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
        made = []
        for mode in ("w", "r"):
            pair = os.pipe()
            own, other = pair if mode == "r" else pair[::-1]
            theirs.callback(os.close, other)
            made.append((ours.enter_context(os.fdopen(own, mode, encoding="utf-8")), other))
        (sent, heard), (got, said) = made
        nowhere = theirs.enter_context(Path(os.devnull).open("w")).fileno()
        process = start(heard, said, nowhere)
        ours.pop_all()
        return process, sent, got


def _forked(warm: Warm | None) -> tuple[Process, TextIO, TextIO] | None:
    """A forked process; None where it must start by itself.

    The pipes that a warm process was offered are not used again: one that stands still may hold them open, and their end would never
    be seen.
    """
    if warm is None or warm.given_up or not warm.ready:
        return None
    with contextlib.suppress(OSError):
        return _started(
            lambda heard, said, nowhere: warm.fork(
                "bindery", environment=environment(), heard=heard, said=(said, nowhere)
            )
        )
    return None


def _by_itself(heard: int, said: int, nowhere: int) -> Process:
    return subprocess.Popen(
        [sys.executable, "-m", __spec__.name],
        stdin=heard,
        stdout=said,
        stderr=nowhere,
        env=environment(),
        start_new_session=True,  # Ctrl-C is for the run, which then ends this process
    )


def _end(process: Process) -> str:
    """What can be said of a process that ended before it had answered."""
    code = process.wait()
    if isinstance(process, Forked):
        return "ended and said nothing: perhaps it was killed because memory ran out. Run the report again."
    why = "it was killed, perhaps because memory ran out. Run the report again." if code < 0 else "it did not begin."
    return f"ended with code {code} and said nothing: {why}"


@contextlib.contextmanager
def binderies(languages: Sequence[Language], warm: Warm | None = None) -> Iterator[dict[Language, Bindery]]:
    """A process for each edition; none where they would have to share one core."""
    with contextlib.ExitStack() as ending:
        side_by_side = min(len(languages), cores()) > 1
        yield {one: ending.enter_context(Bindery(one, warm)) for one in languages if side_by_side}


@contextlib.contextmanager
def ended_with(processes: Iterable[Killed]) -> Iterator[None]:
    """End the processes when what waits for them is interrupted: a thread that reads an answer would otherwise wait on."""
    try:
        yield
    except BaseException:
        for one in processes:
            one.kill()
        raise


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Do what is asked for until the other end closes."""
    tasks = _tasks()
    for line in requests:
        task, given = json.loads(line)
        try:
            answer = ["done", tasks[task](**given)]
        except CRMError as error:
            problems = [[one.place, one.message] for one in error.problems]
            answer = ["wrong", {"message": str(error), "problems": problems}]
        except Exception as error:  # noqa: BLE001 - whoever asked is told, and keeps the traceback
            message = f"{type(error).__name__}: {error}"
            answer = ["fault", {"message": message, "traceback": traceback.format_exc()}]
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _tasks() -> Mapping[str, Callable[..., object]]:
    """The tasks by name; what they need is imported before the first is asked for."""
    from crmtools.report.book import finish
    from crmtools.report.gate import Wanted, look_over

    def look(book: str, language: Language, wanted: Mapping[str, Any], smallest: int, *, door: bool) -> object:
        return look_over(Path(book), language, Wanted(**wanted).ready(), smallest, door=door).to_plain()

    return {"finish": lambda built, language: finish(Path(built), language), "look": look}


def main() -> None:
    """Serve whoever started this process."""
    said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing but answers goes where answers are read
    with open(0, encoding="utf-8", closefd=False) as requests:
        serve(requests, said)


if __name__ == "__main__":
    if sys.path[0] in ("", str(Path.cwd())):  # what lies in the working directory is none of ours
        del sys.path[0]
    main()
