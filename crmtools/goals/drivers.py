"""Where a change came from, and what else moved in the same groups.

A goal that improved in some groups of customers and not in the others says where to look. Where another goal's indicator moved in
exactly the same groups, the two may have to do with each other: that is a hint for people who know what was done there, no proof.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crmtools.estimating import computable
from crmtools.goals.change import Change, change
from crmtools.goals.reading import Reading
from crmtools.measure import breakdown
from crmtools.period import Period
from crmtools.questions import UNKNOWN, attributes
from crmtools.remembered import remembered
from crmtools.shown import Shown
from crmtools.tables.source import Data

FALSE = 0.05
"""The chance that any group is named although nothing moved there, over all groups of all attributes and goals (Holm): what is
said on a first page must not be one of a hundred comparisons."""


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
    compared = {(by, r.id): _compared(r, data, by) for by in data.segments for r in readings if _can(r, data, by)}
    moves = _moves(compared)
    found = []
    for reading in readings:
        possible = [one for by, of in moves.items() if (one := _driver(reading, by, of, readings)) is not None]
        if possible:
            # fewest groups stand for most: a third of the groups says more than two thirds
            found.append(
                min(possible, key=lambda one: (-len(one.alike), len(one.groups) / len(one.groups + one.still)))
            )
    return tuple(found)


def _can(reading: Reading, data: Data, by: str) -> bool:
    goal = reading.goal
    there = computable(goal.indicator, data) and by in attributes(goal.indicator, data)
    return there and isinstance(goal.baseline, Period) and by not in goal.where


def _compared(reading: Reading, data: Data, by: str) -> dict[str, Change]:
    """The change of each group that is there and shown in both periods."""
    goal = reading.goal
    spans = (goal.baseline, reading.now.period)
    then, now = (
        {dict(e.group)[by]: e for e in breakdown(goal.indicator, data, by=by, period=span, where=goal.where).estimates}
        for span in spans
        if isinstance(span, Period)
    )
    return {
        name: change(then[name], now[name], goal.indicator.kind, better=reading.better)
        for name in now
        if name in then and name != UNKNOWN and not (then[name].suppressed or now[name].suppressed)
    }


def _moves(compared: Mapping[tuple[str, str], Mapping[str, Change]]) -> dict[str, dict[str, dict[str, float]]]:
    """By attribute, goal and group: +1 where it improved, −1 where it got worse, 0 where nothing was seen."""
    tested = [
        (place, name, one.p, one.gain)
        for place, groups in compared.items()
        for name, one in groups.items()
        if one.p is not None and one.gain is not None
    ]
    from statsmodels.stats.multitest import multipletests  # two seconds, and not every command corrects

    sure = multipletests([p for _, _, p, _ in tested], alpha=FALSE, method="holm")[0] if tested else []
    moves: dict[str, dict[str, dict[str, float]]] = {by: {} for by, _ in compared}
    for ((by, goal), name, _, gain), seen in zip(tested, sure, strict=True):
        moves[by].setdefault(goal, {})[name] = (1.0 if gain > 0 else -1.0) if seen else 0.0
    return moves


def _driver(
    reading: Reading, by: str, moves: Mapping[str, Mapping[str, float]], readings: Sequence[Reading]
) -> Driver | None:
    own = moves.get(reading.id, {})
    sides = {side: tuple(sorted(name for name, value in own.items() if value == side)) for side in (1.0, -1.0, 0.0)}
    groups = sides[1.0] or sides[-1.0]
    if not groups or not sides[0.0] or (sides[1.0] and sides[-1.0]):
        return None
    alike = tuple(
        other
        for other in readings
        if other.id != reading.id
        and other.goal.indicator.id != reading.goal.indicator.id
        and {name for name, value in moves.get(other.id, {}).items() if value} == set(groups)
    )
    return Driver(reading, by, bool(sides[1.0]), groups, sides[0.0], alike)
