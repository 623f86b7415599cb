"""The sums of segments in two periods, those of few people put together; and the same by customer, for intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from crmtools import questions, sums
from crmtools.indicators.catalogue import Indicator
from crmtools.indicators.kinds import NetShare, Rate
from crmtools.indicators.moments import per_unit
from crmtools.intervals import Floats
from crmtools.period import Period
from crmtools.publishable import hidden_values
from crmtools.questions import UNKNOWN
from crmtools.suppression import hidden_groups
from crmtools.tables.source import Data

Ints = npt.NDArray[np.int64]
MOST_LINES = 20
"""Segments told one by one; the smallest beyond are put together. A waterfall of more steps is not read."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: an indicator for two periods, by an attribute, of some customers."""

    item: Indicator
    data: Data
    periods: tuple[Period, Period]
    in_force: Mapping[str, object]
    by: str
    where: Mapping[str, Sequence[str]]

    @property
    def scale(self) -> float:
        """What a numerator is multiplied with to be in the indicator's unit."""
        kind = self.item.kind
        return 100.0 if isinstance(kind, NetShare) else kind.per if isinstance(kind, Rate) else 1.0

    def units(self, members: Sequence[Sequence[str]]) -> ir.Table:
        """The customers: ``customer_id``, ``period`` (0 then, 1 now), ``line``, ``v`` and ``w``, one row for each of their lines.

        ``members`` holds the values of the attribute that each line stands for. The attribute is the one of the facts:
        customers have it once and for all; where facts carry their own (a ticket's channel), a customer has rows in several
        lines, each where and when it happened.
        """
        wanted = tuple(dict.fromkeys([self.by, *self.where]))
        facts = questions.facts(self.item, self.data, self.periods, self.in_force, wanted, self.where)
        facts = facts.filter(facts.excluded.isnull())
        segment = facts[self.by].fill_null(UNKNOWN)
        lines = [(segment.isin(list(values)), number) for number, values in enumerate(members)]
        facts = facts.mutate(line=ibis.cases(*lines, else_=len(members)))
        # a row is one customer: only where ids are numbers may it stand for several (``copies``), and tables of data have none
        units = per_unit(facts, ("period", "line"), unique=self.item.unique)
        return units.select(
            "customer_id", "period", "line", v=units.v.fill_null(0.0) * self.scale, w=units.w.fill_null(0.0)
        )


@dataclass(frozen=True, slots=True)
class Segments:
    """The lines that may be told, largest first, what was put together last.

    ``members`` holds the attribute's values in each of K lines, ``n`` (2, K) the customers then and now, ``sums`` (4, K)
    numerators and denominators in the order of :mod:`crmtools.goals.kitagawa`.
    """

    members: tuple[tuple[str, ...], ...]
    merged: bool
    n: Ints
    sums: Floats

    @property
    def size(self) -> int:
        """How many lines there are."""
        return len(self.members)


def segments(question: Question, *, smallest: int) -> Segments:
    """The sums by segment, so put together that no line, nor the rest of a total, is about fewer than ``smallest`` people.

    A segment that has few customers in one of the periods is small in both: a line tells about both.
    """
    item = question.item
    asked = sums.cells(item, question.data, question.periods, question.in_force, (question.by,), question.where)
    single = _by_segment(sums.counted(asked), question)
    hidden = not_told(single.n, smallest=smallest)
    # a line of one segment would tell what a breakdown hides
    secret = set[str]().union(
        *hidden_values(
            item, question.data, question.periods, by=question.by, where=question.where, assumptions=question.in_force
        )
    )
    hidden |= {place for place, members in enumerate(single.members) if members[0] in secret}
    found = _put_together(single, hidden)
    if not (hidden and question.by in item.splits):
        return found
    # whoever has rows in several segments would be counted several times in what is put together
    found = replace(found, n=_people(question, found))
    while found.size > 1 and any(0 < n < smallest for n in found.n[:, -1]):
        hidden.add(max(set(range(single.size)) - hidden))
        found = _put_together(single, hidden)
        found = replace(found, n=_people(question, found))
    return found


def not_told(n: Ints, *, smallest: int) -> set[int]:
    """Which segments are put together, as positions, of customers then and now; shape (2, K), largest segment first.

    Those that a breakdown of either period would hide, and beyond ``MOST_LINES`` the smallest.
    """
    hidden = {place for sizes in n for place in hidden_groups(sizes.tolist(), smallest)}
    shown = [place for place in range(n.shape[1]) if place not in hidden]
    return hidden | set(shown[MOST_LINES - 1 :]) if len(shown) + bool(hidden) > MOST_LINES else hidden


def _by_segment(counted: pd.DataFrame, question: Question) -> Segments:
    by = question.by
    names = [value if isinstance(value, str) else UNKNOWN for value in counted[by]]
    cells = counted.assign(segment=names).groupby(["period", "segment"])[["n", "sv", "sw"]].sum()
    both = [cells.xs(number).reindex(sorted(set(names)), fill_value=0) if number in cells.index.get_level_values(0)
            else pd.DataFrame(0, index=sorted(set(names)), columns=["n", "sv", "sw"]) for number in (0, 1)]  # fmt: skip
    then, now = both
    kept = [name for name in then.index if any(frame.loc[name].any() for frame in both)]
    # largest first, as breakdowns are; the name only to be sure of one order
    kept.sort(key=lambda name: (-now.n[name], -then.n[name], name))
    n = np.array([[int(frame.n[name]) for name in kept] for frame in both], dtype=np.int64).reshape(2, len(kept))
    parts = [[float(frame[column][name]) * (question.scale if column == "sv" else 1.0) for name in kept]
             for frame in both for column in ("sv", "sw")]  # fmt: skip
    return Segments(tuple((name,) for name in kept), False, n, np.array(parts, float).reshape(4, len(kept)))


def _put_together(single: Segments, hidden: set[int]) -> Segments:
    if not hidden:
        return single
    shown = [place for place in range(single.size) if place not in hidden]
    rest = sorted(hidden)

    def added(of: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.column_stack([of[:, shown], of[:, rest].sum(axis=1)])

    members = (*(single.members[place] for place in shown), tuple(single.members[place][0] for place in rest))
    return Segments(members, True, added(single.n).astype(np.int64), added(single.sums).astype(float))


def _people(question: Question, found: Segments) -> Ints:
    """The customers of every line, each counted once in it; shape (2, K)."""
    units = question.units(found.members)
    counts = question.data.ask(units.group_by(["period", "line"]).aggregate(n=units.customer_id.nunique()))
    people = np.zeros((2, found.size), dtype=np.int64)
    people[counts["period"].to_numpy(int), counts["line"].to_numpy(int)] = counts["n"].to_numpy(int)
    return people


def fetched(question: Question, found: Segments) -> Floats:
    """Every customer's sums, one row each; 4·K columns as in :class:`Segments`. Rows that belong to nobody are one unit."""
    rows = question.data.ask(question.units(found.members))
    who, people = pd.factorize(rows["customer_id"], use_na_sentinel=False)
    period, line, width = rows["period"].to_numpy(int), rows["line"].to_numpy(int), 4 * found.size
    matrix = np.zeros(len(people) * width)
    for place, name in enumerate(("v", "w")):
        cell = who * width + (2 * period + place) * found.size + line
        matrix += np.bincount(cell, weights=rows[name].to_numpy(float), minlength=len(matrix))
    return matrix.reshape(len(people), width)


def products(question: Question, found: Segments) -> Floats:
    """Σ x·xᵀ over customers, x being a row of :func:`fetched`: added up on the engine; shape (4·K, 4·K)."""
    units = question.units(found.members)
    other = units.select(whose="customer_id", period_b="period", line_b="line", v_b="v", w_b="w")
    pairs = units.inner_join(other, [units.customer_id.identical_to(other.whose)])
    names = {"vv": pairs.v * pairs.v_b, "vw": pairs.v * pairs.w_b, "wv": pairs.w * pairs.v_b, "ww": pairs.w * pairs.w_b}
    keys = ["period", "line", "period_b", "line_b"]
    rows = question.data.ask(pairs.group_by(keys).aggregate(**{name: part.sum() for name, part in names.items()}))
    first, line, second, line_b = (rows[key].to_numpy(int) for key in keys)
    matrix = np.zeros((2, 2, found.size, 2, 2, found.size))
    for name in names:
        matrix[first, "vw".index(name[0]), line, second, "vw".index(name[1]), line_b] = rows[name].to_numpy(float)
    return matrix.reshape(4 * found.size, 4 * found.size)
