"""Errors that a person can act on.

::

    CRMError
    ├── SettingsError   a parameters file, or an argument given in its place, is wrong
    ├── DataError       the data are wrong
    └── RunError        a report could not be run, checked or published

Each says what is wrong, where, what was found, what is allowed and what to do; all problems of one kind are
reported together, never one at a time.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    ``place`` names it as the reader would look for it (``orders.csv · ordered_at``,
    ``parameters/demo.yml:31 · goals[2].target``), ``message`` says what was found, what is allowed, what to do.
    """

    place: str
    message: str

    def __str__(self) -> str:
        body = self.message.replace("\n", "\n    ")
        return f"{self.place}\n    {body}"


class CRMError(Exception):
    """Parent of every error that crmtools raises on purpose."""

    problems: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, title: str, problems: Sequence[Problem], footer: str = "") -> "CRMError":
        """One error that carries every problem: title, the problems one below the other, footer."""
        lines = [title, *(f"  {line}" for problem in problems for line in str(problem).splitlines())]
        error = cls("\n".join([*lines, *([footer] if footer else [])]))
        error.problems = tuple(problems)
        return error


class SettingsError(CRMError):
    """A parameters file, or an argument given in its place, is wrong."""


class DataError(CRMError):
    """The data cannot be used as they are."""


class RunError(CRMError):
    """A report could not be run, checked or published."""


UNTOUCHED = "Nothing was run; what was published before is untouched."
"""How an error ends that stops a report before anything is written."""
MOST_ALIKE = 4
"""Names that are proposed at once."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """A sentence that points to the nearest allowed names, or lists all that are allowed."""
    names = sorted(str(item) for item in allowed)
    lowered = {item.lower(): item for item in names}
    asked = str(name).lower()
    # a slip of the pen, else all that it is a part of, else what is most alike
    close = difflib.get_close_matches(asked, list(lowered), n=1, cutoff=0.8)
    close = close or [item for item in lowered if f"_{asked}_" in f"_{item}_"][:MOST_ALIKE]
    close = close or difflib.get_close_matches(asked, list(lowered), n=1, cutoff=0.6)
    if close:
        *others, last = (f"'{lowered[item]}'" for item in close)
        return f"Did you mean {', '.join(others)} or {last}?" if others else f"Did you mean {last}?"
    if not names:
        return "Nothing is allowed here."
    return "Allowed: " + ", ".join(names) + "."


def few(values: Iterable[object], count: int = 5) -> str:
    """The first values, quoted and comma-separated, with the number of those left out."""
    items = list(values)
    shown = ", ".join(f"'{item}'" for item in items[:count])
    return shown if len(items) <= count else f"{shown} and {len(items) - count} more"
