"""Where a change came from, and what else moved in the same groups.

A goal that improved in some groups of customers and not in the others (:mod:`crmtools.goals.moved`) says where to look. Where
another goal's indicator moved in exactly the same groups, the two may have to do with each other: that is a hint for people who
know what was done there, no proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crmtools.goals.moved import Moves, moves
from crmtools.goals.reading import Reading
from crmtools.remembered import remembered
from crmtools.shown import Shown
from crmtools.tables.source import Data


@dataclass(frozen=True, slots=True)
class Driver(Shown):
    """A goal whose indicator moved in some groups of customers and not in the others.

    ``by`` is the attribute, ``groups`` are its values in which it ``improved`` (or got worse), ``still`` those in which no change
    was seen. ``alike`` are the other goals whose indicators moved in exactly these groups.
    """

    reading: Reading
    by: str
    improved: bool
    groups: tuple[str, ...]
    still: tuple[str, ...]
    alike: tuple[Reading, ...] = ()


@remembered()
def drivers(readings: Sequence[Reading], data: Data) -> tuple[Driver, ...]:
    """The goals that moved in some groups only, with the attribute that tells most; in the order of the readings."""
    moved = moves(readings, data)
    found = []
    for reading in readings:
        own = (one for one in moved if one.goal == reading.id)
        possible = [driver for one in own if (driver := _driver(reading, one, moved, readings)) is not None]
        if possible:
            # fewest groups stand for most: a third of the groups says more than two thirds
            found.append(
                min(possible, key=lambda one: (-len(one.alike), len(one.groups) / len(one.groups + one.still)))
            )
    return tuple(found)


def _driver(reading: Reading, own: Moves, moved: Sequence[Moves], readings: Sequence[Reading]) -> Driver | None:
    groups = own.improved or own.worse
    if not groups or not own.still or (own.improved and own.worse) or own.changed:
        return None
    same = {one.goal for one in moved if one.by == own.by and {*one.named} == {*groups}}
    alike = tuple(
        other
        for other in readings
        if other.id in same - {reading.id} and other.goal.indicator.id != reading.goal.indicator.id
    )
    return Driver(reading, own.by, bool(own.improved), groups, own.still, alike)
