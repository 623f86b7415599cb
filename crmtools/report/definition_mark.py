"""A mark of how an indicator is made: where it differs, two values are not of the same thing."""

import hashlib
import inspect
import json
from collections.abc import Mapping

from crmtools.indicators import Indicator


def definition_hash(indicator: Indicator, in_force: Mapping[str, object]) -> str:
    """What a number depends on besides the data: the facts' code, kind, unit, columns and assumptions in
    force.
    """
    try:
        code = inspect.getsource(indicator.facts)
    except OSError:
        code = indicator.formula
    parts = [
        indicator.id,
        code,
        repr(indicator.kind),
        indicator.unit.id,
        dict(indicator.uses),
        dict(in_force),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]
