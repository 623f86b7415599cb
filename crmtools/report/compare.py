"""Two runs of a report side by side: values, goals, states of pages, parameters, data and code.

Where the folder of a run is gone, only what the history has of it is compared, and that is said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crmtools.errors import RunError
from crmtools.report.differences import Cause, Moved, Why, all_causes, moved_between, number, records, same, why_moved
from crmtools.report.ran import Ran

GONE = "–"
"""What stands for a parameter, a file or a state that one of the runs does not have."""


@dataclass(frozen=True, slots=True)
class GoalMoved:
    """A goal in two runs. ``before`` and ``now`` hold value, target, status, evidence and so on; ``changed`` names what differs."""

    goal: str
    indicator: str
    before: Mapping[str, object]
    now: Mapping[str, object]
    changed: tuple[str, ...]
    why: Why

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        changes = {name: [self.before.get(name), self.now.get(name)] for name in self.changed}
        told = {"causes": list(self.why.causes), "told_apart": self.why.apart}
        return {"goal": self.goal, "indicator": self.indicator, "changed": changes, **told}


Changed = Mapping[str, tuple[str, str]]
"""Name → before and now."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two runs of one report. ``moved`` holds every number of both, those that did not move included.

    ``came`` and ``went`` are indicators that only one of the runs has. ``not_kept`` are runs of which only the history is left.
    """

    before: Ran
    now: Ran
    moved: tuple[Moved, ...]
    came: tuple[str, ...]
    went: tuple[str, ...]
    goals: tuple[GoalMoved, ...]
    states: Changed
    parameters: Changed
    files: Changed
    code: Changed

    @property
    def not_kept(self) -> tuple[str, ...]:
        """The runs whose folder is gone."""
        return tuple(one.run_id for one in (self.before, self.now) if not one.whole)

    @property
    def differences(self) -> tuple[Moved, ...]:
        """The numbers that differ."""
        return tuple(one for one in self.moved if one.why.causes)

    @property
    def is_empty(self) -> bool:
        """Whether the runs say the same and were made of the same."""
        parts = (
            self.differences,
            self.came,
            self.went,
            self.goals,
            self.states,
            self.parameters,
            self.files,
            self.code,
        )
        return not any(parts)

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON. How many customers a number rests on is not among them: few may lie between two such counts."""
        runs = {
            name: {"run": one.run_id, "at": one.run_at.isoformat(), "period": one.period, "as_of": one.as_of}
            for name, one in (("before", self.before), ("now", self.now))
        }
        return {
            "report": self.now.report,
            **runs,
            "only_history_of": list(self.not_kept),
            "causes": all_causes(self.moved),
            "values": [one.to_dict() for one in self.differences],
            "same": sum(not one.why.causes and not one.hidden for one in self.moved),
            "hidden": sum(one.hidden for one in self.moved),
            "indicators": {"came": list(self.came), "went": list(self.went)},
            "goals": [one.to_dict() for one in self.goals],
            **{part: _pairs(part, getattr(self, part)) for part in ("states", "parameters", "files", "code")},
        }


def compare(before: Ran, now: Ran, *, smallest: int = 0) -> Comparison:
    """What differs between two runs of a report; ``smallest`` hides groups beyond the rule the runs had themselves.

    Raises RunError when they are of two reports.
    """
    if before.report != now.report:
        raise RunError(
            f"Run {before.run_id} is of report '{before.report}', run {now.run_id} of '{now.report}': "
            "only runs of one report compare."
        )
    least = max(smallest, before.smallest, now.smallest)
    moved = tuple(moved_between(before.rows, now.rows, smallest=least))
    old, new = ({*one.rows["indicator"]} for one in (before, now))
    both = before.whole and now.whole
    parts = [
        _changed(getattr(before, name), getattr(now, name)) if both else {}
        for name in ("states", "parameters", "files", "code")
    ]
    came, went = tuple(sorted(new - old)), tuple(sorted(old - new))
    return Comparison(before, now, moved, came, went, tuple(_goals(before, now)), *parts)


COMPARED = ("value", "target", "baseline", "deadline", "status", "evidence", "verdict")


def _goals(before: Ran, now: Ran) -> list[GoalMoved]:
    """The goals that say something else, or that only one of the runs has."""
    old, new = ({row["goal"]: row for row in records(one.goals)} for one in (before, now))
    found = []
    for name in dict.fromkeys((*old, *new)):
        then, row = old.get(name), new.get(name)
        if then is None or row is None:
            only = then or row or {}
            first, last = ({"status": str(one["status"])} if one else {} for one in (then, row))
            found.append(GoalMoved(name, only["indicator"], first, last, ("status",), Why(("definition",))))
            continue
        one, other = ({key: _plain(r[key]) for key in COMPARED} for r in (then, row))
        changed = tuple(key for key in COMPARED if not _alike(one[key], other[key]))
        if changed:
            found.append(GoalMoved(name, row["indicator"], one, other, changed, _why_goal(before, now, then, row)))
    return found


def _why_goal(before: Ran, now: Ran, then: Mapping[str, Any], row: Mapping[str, Any]) -> Why:
    """What moved a goal: its own terms, and what moved its value and baseline."""
    old, new = ({**one, "definition": _definition(ran, one["indicator"])} for ran, one in ((before, then), (now, row)))
    causes = list(why_moved(old, new, None).causes)
    if old["period"] == new["period"] and not causes and not _alike(then["baseline"], row["baseline"]):
        causes = list(why_moved({**old, "value": old["baseline"]}, {**new, "value": new["baseline"]}, None).causes)
    named = f"goals.{row['goal']}"
    terms = before.parameters.get(named) != now.parameters.get(named) or then["deadline"] != row["deadline"]
    if (terms or not (causes or _alike(then["target"], row["target"]))) and "definition" not in causes:
        causes.append("definition")
    if not causes:  # the same numbers, judged otherwise
        differ = then["code"] and row["code"] and then["code"] != row["code"]
        causes = ["code"] if differ else ["data"] if then["data"] != row["data"] else ["unknown"]
    return Why(tuple(causes), apart=len(causes) == 1)


def _definition(ran: Ran, indicator: str) -> str:
    marks = ran.rows.loc[ran.rows["indicator"] == indicator, "definition"]
    return str(marks.iloc[0]) if len(marks) else ""


def _plain(value: object) -> object:
    return number(value) if not isinstance(value, str) else value


def _alike(one: object, other: object) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return same(number(one), number(other))


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    names = sorted({*before, *now})
    pairs = {name: (before.get(name, GONE), now.get(name, GONE)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def cause_of(part: str, name: str) -> Cause | None:
    """What a difference in parameters, files or code is laid to; a page's state to nothing but the page."""
    if part == "parameters":
        return "reality" if name in ("report.as_of", "report.period") else "definition"
    return {"files": "data", "code": "code"}.get(part)  # type: ignore[return-value]


def _pairs(part: str, changed: Changed) -> dict[str, dict[str, object]]:
    return {
        name: {"before": one, "now": other, "cause": cause_of(part, name)} for name, (one, other) in changed.items()
    }
