"""One goal by its name, and what its page in the book is called."""

import hashlib
import re

from crmtools.errors import CRMError, nearest
from crmtools.goals.goal import goal_from
from crmtools.goals.reading import Reading, read
from crmtools.tables.source import Data

LONGEST = 60
"""Letters of an id that a page's name keeps: file systems allow some 250 bytes, readers far fewer."""


def goal(name: str, data: Data) -> Reading:
    """The reading of one goal of the parameters file, by its id (that of its indicator where it has none of its own).

    Raises
    ------
    CRMError
        Where there is no such goal.
    """
    written = {settings.id or settings.indicator: settings for settings in data.settings.goals}
    if name not in written:
        known = nearest(name, written) if written else "The parameters file names no goals."
        raise CRMError(f"There is no goal '{name}'. {known}")
    return read(goal_from(written[name]), data)


def goal_slug(name: str) -> str:
    """The name of a goal's page: ``goal_`` and its id, in letters that every file system takes.

    An id that cannot stand there as it is gets eight digits of its hash: two ids then never share a page, and a page keeps its
    name when goals are added or put into another order.
    """
    safe = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:LONGEST]
    if safe == name:
        return f"goal_{name}"
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"goal_{safe}-{mark}" if safe else f"goal_{mark}"
