"""A mark of how an indicator is made: where it differs, two values are not of the same thing."""

import hashlib
import inspect
import json
import re
from collections.abc import Mapping
from functools import cache
from types import FunctionType

from crmtools.indicators import Indicator

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
"""Where a function lies in memory, in its name: another place in every process."""


def definition_hash(indicator: Indicator, in_force: Mapping[str, object]) -> str:
    """What a number depends on besides the data: the code of its facts, kind (and of what it fits), unit, columns and
    assumptions in force.
    """
    parts = [
        indicator.id,
        _source(indicator.facts, indicator.formula),
        ADDRESS.sub("", repr(indicator.kind)),
        *(_source(getattr(indicator.kind, name), "") for name in getattr(indicator.kind, "__dataclass_fields__", ())),
        indicator.unit.id,
        dict(indicator.uses),
        dict(in_force),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _source(thing: object, otherwise: str) -> str:
    """The source of a function; of anything else, and where it is not kept, something else."""
    return (_source_of(thing) if inspect.isfunction(thing) else None) or otherwise


@cache
def _source_of(function: FunctionType) -> str | None:
    """Kept, for a run asks for the marks of all definitions more than once; None where there is no source."""
    try:
        return inspect.getsource(function)
    except OSError:
        return None
