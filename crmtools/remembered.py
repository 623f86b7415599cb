"""Work that many notebooks of a report ask for, done by the first of them.

A function of the data whose answer is a record of this package is marked :func:`remembered`. What it gives depends on the state
of the data, its other arguments, the parameters file and the code; by these it is kept, in the process and beside the snapshot,
as :class:`crmtools.tables.answers.Answers` keeps tables. What an analyst has added to the catalogue in his own notebook may hang
on more than that: then nothing is remembered.
"""

import functools
import hashlib
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from crmtools.errors import CRMError
from crmtools.indicators.catalogue import CATALOGUE
from crmtools.plain import from_text, to_text
from crmtools.settings import Settings
from crmtools.sums import made_by
from crmtools.tables.source import as_opened

P = ParamSpec("P")
R = TypeVar("R")
ELSEWHERE = {"path", "run", "source"}
"""Parts of a parameters file that no answer depends on beyond the data that they led to."""


def remembered(*parts: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Remember what a function answers; one of its parameters is ``data``, the others can be written as plain JSON.

    ``parts`` are the parts of the parameters file that it depends on, ``"report"``, ``"goals"``; by default all of it.
    """

    def marked(work: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(work)

        @functools.wraps(work)
        def asked(*args: P.args, **options: P.kwargs) -> R:
            given = signature.bind(*args, **options)
            given.apply_defaults()
            others = dict(given.arguments)
            data = as_opened(others.pop("data"))
            try:
                asked_for = to_text(others)
            except CRMError:  # an analyst's own indicator, or an iterator
                return work(*args, **options)
            if not _ours_only():
                return work(*args, **options)
            in_force = _settings(data.settings, parts)
            name = f"{work.__module__}.{work.__qualname__}|{asked_for}|{in_force}|{made_by()}"
            found = data.answers.thing(name, from_text)
            if found is None:
                found = data.answers.keep_thing(name, work(*args, **options), to_text)
            return cast(R, found)

        return asked

    return marked


def _ours_only() -> bool:
    return all(getattr(item.facts, "__module__", "").startswith("crmtools.") for item in CATALOGUE.values())


def _settings(settings: Settings, parts: tuple[str, ...]) -> str:
    plain = settings.model_dump_json(include=set(parts) or None, exclude=ELSEWHERE)
    return hashlib.sha256(plain.encode()).hexdigest()[:20]
