"""What moved between two runs, and what moved it: reality, data, definition or code.

A report of November beside one of October differs because November was different; what October was may be said otherwise too,
because rows came late, or the indicator is defined or computed otherwise. Where the later run measures the earlier period
again, both parts are known exactly: what the earlier period was revised by, and the change from there. A revision is laid to
what the marks of the two runs differ in (:class:`crmtools.report.marks.Marks`); where they differ in several things at once,
it cannot be told which it was, and that is said.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from crmtools.indicators import CATALOGUE
from crmtools.indicators.kinds import Concentration
from crmtools.suppression import hidden_groups
from crmtools.words import Language, Text, word

Cause = Literal["reality", "data", "definition", "code", "unknown"]
CAUSES: dict[Cause, Text] = {
    "reality": Text("实际变化", "reality"),
    "data": Text("数据修订", "data revision"),
    "definition": Text("定义变化", "definition"),
    "code": Text("代码变化", "code"),
    "unknown": Text("原因不明", "not known"),
}
NOT_APART = Text("{causes}（无法区分）", "{causes} (cannot be told apart)")
SAME = 1e-9
"""What two runs' numbers may differ by, relatively: an engine adds in the order in which its threads finish."""

Row = Mapping[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Why:
    """What a difference is laid to; ``apart`` is False where it may be any or several of the causes. Empty: no difference."""

    causes: tuple[Cause, ...] = ()
    apart: bool = True

    def words(self, language: Language) -> str:
        """The causes in words; empty where there is no difference."""
        named = word("list", language).join(CAUSES[cause].to(language) for cause in self.causes)
        return named if self.apart or len(self.causes) < 2 else NOT_APART.to(language, causes=named)


@dataclass(frozen=True, slots=True)
class Moved:
    """An indicator in two runs, each in the period that it reports.

    ``again`` is the earlier run's period as the later run measures it, None where it does not. Where either run hides the
    group, or the difference would give a hidden one away, it is ``hidden`` and no number is there. ``matured`` says that the
    earlier run's period was not mature when it was reported: its follow-up went on.
    """

    indicator: str
    group: str
    period_before: str
    period: str
    before: float | None
    now: float | None
    again: float | None
    why: Why
    currency: str = ""
    hidden: bool = False
    matured: bool = False

    @property
    def change(self) -> float | None:
        """Now minus before."""
        return None if self.now is None or self.before is None else self.now - self.before

    @property
    def by_revision(self) -> float | None:
        """How much the earlier period was revised by; None where it was not measured again."""
        return None if self.again is None or self.before is None else self.again - self.before

    @property
    def by_reality(self) -> float | None:
        """How much came with the new period; None where the earlier one was not measured again."""
        return None if self.again is None or self.now is None else self.now - self.again

    @property
    def is_different(self) -> bool:
        """Whether there is anything to tell."""
        return not self.hidden and (self.period != self.period_before or not same(self.before, self.now))

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        names = ("indicator", "group", "period_before", "period", "before", "now", "again", "change", "by_reality")
        plain = {name: getattr(self, name) for name in (*names, "by_revision", "currency", "hidden", "matured")}
        return {**plain, "causes": list(self.why.causes), "told_apart": self.why.apart}


def same(one: float | None, other: float | None) -> bool:
    """Whether two numbers are one, but for the order in which an engine adds; two that are missing are."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME)


def why_revised(before: Row, after: Row) -> Why:
    """What moved the value of one and the same period between two runs; rows of the history."""
    if same(number(before["value"]), number(after["value"])):
        return Why()
    causes: list[Cause] = []
    if _differ(before, after, "definition") or _differ(before, after, "reading"):
        causes.append("definition")
    if _differ(before, after, "code"):
        causes.append("code")
    # the same files as of a later day: more was known
    if _differ(before, after, "data") or before["as_of"] != after["as_of"]:
        causes.append("data")
    unmarked = any(not (before[name] and after[name]) for name in ("definition", "reading", "code", "data"))
    if unmarked or not causes:
        return Why((*causes, "unknown"), apart=not causes)
    return Why(tuple(causes), apart=len(causes) == 1)


def why_moved(before: Row, now: Row, again: Row | None) -> Why:
    """What moved a headline from one run to the next. ``again`` is the earlier period in the later run."""
    if before["period"] == now["period"]:
        return why_revised(before, now)
    if again is not None and number(again["value"]) is not None and number(before["value"]) is not None:
        revised = why_revised(before, again)
        moved: tuple[Cause, ...] = () if same(number(again["value"]), number(now["value"])) else ("reality",)
        # the amounts of both parts are known; within the revision the causes may still be mixed
        return Why((*moved, *revised.causes), revised.apart)
    causes: list[Cause] = ["reality"]
    if _differ(before, now, "definition") or _differ(before, now, "reading"):
        causes.append("definition")
    if _differ(before, now, "code"):
        causes.append("code")
    return Why(tuple(causes), apart=len(causes) == 1)


def _differ(one: Row, other: Row, mark: str) -> bool:
    return bool(one[mark]) and bool(other[mark]) and one[mark] != other[mark]


def number(value: object) -> float | None:
    """A number of a frame, or None."""
    return None if value is None or pd.isna(value) else float(value)  # type: ignore[arg-type]


def moved_between(before: pd.DataFrame, now: pd.DataFrame, *, smallest: int) -> list[Moved]:
    """What moved between two runs, each given as its rows of the history: the headlines first, then the groups.

    ``smallest`` is the size below which a group is hidden (``publish.smallest_group``).
    """
    old_period, new_period = reported(before), reported(now)
    old, new = _at(before, old_period), _at(now, new_period)
    again = new if old_period == new_period else _at(now, old_period)
    hidden = hidden_groups_of([old, new, again], smallest)
    found = []
    for key, row in new.items():
        if key not in old:
            continue
        then, meanwhile = old[key], again.get(key)
        if key in hidden:
            found.append(Moved(*key, old_period, new_period, None, None, None, Why(), hidden=True))
            continue
        maturity = number(then["maturity"])
        found.append(
            Moved(
                *key,
                period_before=old_period,
                period=new_period,
                before=number(then["value"]),
                now=number(row["value"]),
                again=None if meanwhile is None else number(meanwhile["value"]),
                why=why_moved(then, row, meanwhile),
                currency=row["currency"],
                matured=maturity is not None and maturity < 1,
            )
        )
    return sorted(found, key=lambda one: (one.group != "", list(CATALOGUE).index(one.indicator), one.group))


def reported(run: pd.DataFrame) -> str:
    """The period that a run reports; of a run from before it was kept, that of its first row."""
    if run.empty:
        return ""
    return str(run["report_period"].iloc[0] or run["period"].iloc[0])


def _at(run: pd.DataFrame, period: str) -> dict[Key, Row]:
    rows = records(run[run["period"] == period])
    return {(row["indicator"], row["group"]): row for row in rows if row["indicator"] in CATALOGUE}


def records(frame: pd.DataFrame) -> list[Row]:
    """The rows of a frame by the names of their columns."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def hidden_groups_of(runs: Iterable[Mapping[Key, Row]], smallest: int) -> set[Key]:
    """The groups of which no difference may be shown: those that any of the runs hides.

    A run that hid more because its rule was another one, or because its groups were smaller, must not be undone by one that
    shows them: what the others had then, taken from the total, would tell. So what one of them hides is hidden in all.
    """
    hidden: set[Key] = set()
    for run in runs:
        parts: dict[tuple[str, str], list[Key]] = {}
        for key, row in run.items():
            if row["suppressed"]:
                hidden.add(key)
            if key[1]:
                parts.setdefault((key[0], _attributes(key[1])), []).append(key)
        for keys in parts.values():
            sizes = [_people(key[0], int(run[key]["n"])) for key in keys]
            hidden |= {keys[place] for place in hidden_groups(sizes, smallest)}
    return hidden


def _attributes(group: str) -> str:
    return "; ".join(pair.split("=", 1)[0] for pair in group.split("; "))


def _people(indicator: str, n: int) -> int:
    """As :func:`crmtools.suppression.people`, of a row."""
    kind = CATALOGUE[indicator].kind
    return math.ceil(kind.top * n) if isinstance(kind, Concentration) else n


def all_causes(found: Sequence[Moved]) -> dict[Cause, int]:
    """How many of the differences are laid to what, alone or beside others."""
    return {cause: n for cause in CAUSES if (n := sum(cause in one.why.causes for one in found if not one.hidden))}
