"""In which groups of customers a goal's indicator moved since its baseline: one rule for every page that names such groups.

Each group that is there in both periods is compared with itself (:mod:`crmtools.goals.change`). A report looks at many: among a
hundred groups in which nothing happened, five come out significant at 5 %. So all groups, of all attributes and all goals of the
report, are judged together by the step-down procedure of Holm (1979), which holds whatever the groups have in common.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crmtools.estimating import computable
from crmtools.goals.change import Change, change
from crmtools.goals.evidence import unfit
from crmtools.goals.reading import Reading, scorecard
from crmtools.measuring import breakdown
from crmtools.period import Period
from crmtools.questions import UNKNOWN, attributes
from crmtools.remembered import remembered
from crmtools.tables.source import Data
from crmtools.words import Text

FALSE = 0.05
"""The chance that a report names any group although nothing moved anywhere."""

NOT_KEPT = Text("数据中没有这一维度", "the data do not hold this attribute for the indicator")
ONE_GROUP = Text("目标只涉及这一维度中的一个客户群", "the goal is about one of its groups only")


@dataclass(frozen=True, slots=True)
class Moves:
    """The groups of a goal by an attribute in which its indicator ``improved``, got ``worse``, or ``changed`` where neither way is better.

    ``still`` are those in which no change is seen, though each is looked at alone. Between them lie groups whose change would be
    seen alone and is not among so many: of these nothing is said. ``among`` is how many groups were judged together.
    """

    goal: str
    by: str
    improved: tuple[str, ...]
    worse: tuple[str, ...]
    changed: tuple[str, ...]
    still: tuple[str, ...]
    among: int

    @property
    def named(self) -> tuple[str, ...]:
        """The groups that moved, whichever way."""
        return (*self.improved, *self.worse, *self.changed)


@remembered()
def moves(readings: Sequence[Reading], data: Data) -> tuple[Moves, ...]:
    """What moved of every goal, by every attribute of the report by which a group can be compared with itself."""
    compared = {
        (reading.id, by): groups
        for by in data.segments
        for reading in readings
        if (groups := _compared(reading, data, by))
    }
    from statsmodels.stats.multitest import multipletests  # two seconds, and not every command corrects

    ps = [one.p for groups in compared.values() for one in groups.values()]
    clear = iter(multipletests(ps, alpha=FALSE, method="holm")[0] if ps else [])
    return tuple(
        _told(goal, by, groups, [next(clear) for _ in groups], len(ps)) for (goal, by), groups in compared.items()
    )


def moves_of(reading: Reading, data: Data) -> tuple[Moves, ...]:
    """What moved of one goal, by attribute, judged among the groups of all goals of the report: as on every other page."""
    report = scorecard(data).readings
    readings = report if reading in report else (reading, *(one for one in report if one.id != reading.id))
    return tuple(one for one in moves(readings, data) if one.goal == reading.id)


def not_split_by(by: str, reading: Reading, data: Data) -> Text | None:
    """Why an attribute cannot tell groups of a goal's customers apart; None where it can."""
    if by not in attributes(reading.goal.indicator, data):
        return NOT_KEPT
    groups = reading.goal.where.get(by)
    if groups is not None and (isinstance(groups, str) or len(groups) == 1):
        return ONE_GROUP
    return None


def _compared(reading: Reading, data: Data, by: str) -> dict[str, Change]:
    """The change of each group that is there and shown in both periods, where it can be tested."""
    goal = reading.goal
    hidden = reading.baseline.suppressed or reading.now.suppressed
    if hidden or not isinstance(goal.baseline, Period) or not computable(goal.indicator, data):
        return {}
    if unfit(reading.now, goal) is not None or not_split_by(by, reading, data) is not None:
        return {}
    then, now = (
        {dict(e.group)[by]: e for e in breakdown(goal.indicator, data, by=by, period=span, where=goal.where).estimates}
        for span in (goal.baseline, reading.now.period)
    )
    found = {
        name: change(then[name], now[name], goal.indicator.kind, better=reading.improves)
        for name in now
        if name in then
        and name != UNKNOWN
        and not then[name].suppressed
        and unfit(then[name], goal) is None is unfit(now[name], goal)
    }
    return {name: one for name, one in found.items() if one.p is not None}


def _told(goal: str, by: str, groups: Mapping[str, Change], clear: Sequence[bool], among: int) -> Moves:
    sides: dict[str, list[str]] = {"improved": [], "worse": [], "changed": [], "still": [], "": []}
    for (name, one), sure in sorted(zip(groups.items(), clear, strict=True), key=lambda pair: pair[0][0]):
        sides[_side(one, sure=sure)].append(name)
    return Moves(goal, by, among=among, **{side: tuple(sides[side]) for side in sides if side})


def _side(one: Change, *, sure: bool) -> str:
    if one.verdict == "no_detectable_change":
        return "still"
    if not sure:
        return ""
    return "changed" if one.gain is None else "improved" if one.gain > 0 else "worse"
