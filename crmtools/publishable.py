"""Estimates that may be told: those about few people are hidden, and those from which something about few would follow."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations, product

import numpy as np

from crmtools.estimate import Estimate
from crmtools.estimating import Where, conditions, estimates
from crmtools.indicators.catalogue import Indicator
from crmtools.period import Period
from crmtools.questions import UNKNOWN
from crmtools.suppression import Floats, hidden_cells, hidden_groups, people, small_ones
from crmtools.tables.source import Data
from crmtools.told_cells import ToldCells, told_cells

MOST_ASKED = 200
"""Groups by all but one of several attributes that are asked for to see whether any is small."""


def shown(
    indicator: str | Indicator,
    data: Data,
    periods: Sequence[Period],
    *,
    where: Where | None = None,
    assumptions: Mapping[str, object] | None = None,
) -> tuple[Estimate, ...]:
    """Estimates for several periods without those that tell about few people.

    Few may be those that are asked about, or others: what some customers have tells, taken from the total or from what a table shows, what
    the rest has. So customers are told apart by an attribute where that follows from a table by it and from its total, by two where it
    follows from a table by both and from the sums that are told of that one (:mod:`crmtools.told_cells`), or not at all.
    """
    smallest = data.settings.publish.smallest_group
    found = estimates(indicator, data, periods, where=where, assumptions=assumptions)
    secret = given_away(
        data, lambda part: estimates(indicator, part, periods, where=where, assumptions=assumptions, resample=False)
    )
    if where and smallest > 1:
        told = _Tables(indicator, data, tuple(periods), assumptions).tells(conditions(where))
        secret |= {place for place, may in enumerate(told) if not may}
    return tuple(
        one.hidden() if 0 < people(one) < smallest or (one.value is not None and place in secret) else one
        for place, one in enumerate(found)
    )


def hidden_values(
    indicator: str | Indicator,
    data: Data,
    periods: Sequence[Period],
    *,
    by: str,
    where: Where | None = None,
    assumptions: Mapping[str, object] | None = None,
) -> list[set[str]]:
    """The values of an attribute whose groups a table by it hides, for each period: few people, or those who would give few away."""
    tables = _Tables(indicator, data, tuple(periods), assumptions)
    chosen = conditions(where)
    groups = tables.groups(by, chosen)
    sums = shown(indicator, data, periods, where=where, assumptions=assumptions) if data.part else ()
    secrets = _secret(indicator, data, periods, by, where, assumptions) if data.part else [set()] * len(periods)
    hidden = []
    values = sorted({value for sizes in groups for value in sizes})
    told = {value: tables.tells({**chosen, by: [value]}) for value in values}
    for place, (sizes, secret) in enumerate(zip(groups, secrets, strict=True)):
        if sums and sums[place].suppressed:  # the sum of them is what must not be told
            hidden.append({*sizes})
        else:
            away = {group[0][1] for group in secret if isinstance(group, tuple) and group}
            few = {value for value, count in sizes.items() if 0 < count < tables.smallest or not told[value][place]}
            hidden.append(few | (away & {*sizes}))
    return hidden


@dataclass(slots=True)
class _Tables:
    """The tables by one and by two attributes that an indicator is told by, in several periods, and what follows from them."""

    indicator: str | Indicator
    data: Data
    periods: tuple[Period, ...]
    assumptions: Mapping[str, object] | None
    _sizes: dict[str, list[dict[str, int]]] = field(default_factory=dict)
    _cells: dict[str, list[tuple[list[str], list[str], Floats, ToldCells]]] = field(default_factory=dict)

    @property
    def smallest(self) -> int:
        """The fewest people that anything may be told of."""
        return self.data.settings.publish.smallest_group

    def tells(self, chosen: Mapping[str, list[str]]) -> list[bool]:
        """Whether a figure about the customers that conditions let through may be told, for each period.

        By three and more only where no group of all of them together has few people: then no difference of sums has.
        """
        names = [*chosen]
        found = self.none_small(names) if len(names) > 2 else [True] * len(self.periods)
        for one, other in combinations(names, 2) if len(names) > 1 else [(name, "") for name in names]:
            rest = {name: values for name, values in chosen.items() if name not in (one, other)}
            for place in range(len(self.periods)):
                if other:
                    rows, columns, counts, cells = self.by_two(one, other, rest)[place]
                    places = _places(rows, chosen[one]), _places(columns, chosen[other])
                    few = self.leaves_few(counts, *places)
                    found[place] = found[place] and cells.tells(*places) and not few
                else:
                    hidden, wanted = self.hidden(one, rest)[place], {*chosen[one]}
                    found[place] = found[place] and (not hidden & wanted or hidden <= wanted)
        return found

    def leaves_few(self, counts: Floats, rows: Sequence[int], columns: Sequence[int]) -> bool:
        """Whether few people are left where those of some rows and columns are taken from all of these rows, of these columns, or of all."""
        asked = counts[np.ix_(rows, columns)].sum()
        wholes = (counts[rows].sum(), counts[:, columns].sum(), counts.sum())
        return any(0 < whole - asked < self.smallest for whole in wholes)

    def none_small(self, names: Sequence[str]) -> list[bool]:
        """Whether no group by all of these attributes together has few people, for each period; not where there are too many to ask for."""
        values = {name: sorted({*chain(*self.groups(name, {}))}) for name in names}
        *others, last = sorted(names, key=lambda name: len(values[name]))
        if math.prod(len(values[name]) for name in others) > MOST_ASKED:
            return [False] * len(self.periods)
        found = [True] * len(self.periods)
        for group in product(*(values[name] for name in others)):
            sizes = self.groups(last, {name: [value] for name, value in zip(others, group, strict=True)})
            found = [
                so_far and not any(0 < n < self.smallest for n in own.values())
                for so_far, own in zip(found, sizes, strict=True)
            ]
        return found

    def groups(self, by: str, rest: Mapping[str, list[str]]) -> list[dict[str, int]]:
        """The people of each value of an attribute, for each period."""
        name = f"{by}|{sorted(rest.items())!r}"
        if name not in self._sizes:
            found = estimates(
                self.indicator, self.data, self.periods, by=by, where=rest, assumptions=self.assumptions, resample=False
            )
            self._sizes[name] = [
                {dict(one.group).get(by, UNKNOWN): people(one) for one in found if one.period == period}
                for period in self.periods
            ]
        return self._sizes[name]

    def hidden(self, by: str, rest: Mapping[str, list[str]]) -> list[set[str]]:
        """The values that a table by one attribute hides, by the number of people alone."""
        return [small_ones(sizes, self.smallest) for sizes in self.groups(by, rest)]

    def by_two(
        self, one: str, other: str, rest: Mapping[str, list[str]]
    ) -> list[tuple[list[str], list[str], Floats, ToldCells]]:
        """Rows, columns, people and what is told of the table by two attributes, for each period."""
        name = f"{one}|{other}|{sorted(rest.items())!r}"
        if name not in self._cells:
            rows, columns = self.groups(one, rest), self.groups(other, rest)
            hidden_rows, hidden_columns = self.hidden(one, rest), self.hidden(other, rest)
            # one question for each value of the attribute that has fewer
            fewer, more = sorted((one, other), key=lambda by: len({*chain(*self.groups(by, rest))}))
            within = {
                value: self.groups(more, {**rest, fewer: [value]})
                for value in sorted({*chain(*self.groups(fewer, rest))})
            }
            found = []
            for place in range(len(self.periods)):
                own, across = sorted(rows[place]), sorted(columns[place])
                counts = np.array(
                    [
                        [
                            within[row][place].get(column, 0) if fewer == one else within[column][place].get(row, 0)
                            for column in across
                        ]
                        for row in own
                    ],
                    dtype=np.float64,
                ).reshape(len(own), len(across))
                cells = told_cells(
                    counts, self.smallest,
                    hidden_rows=_places(own, hidden_rows[place]), hidden_columns=_places(across, hidden_columns[place]),
                )  # fmt: skip
                found.append((own, across, counts, cells))
            self._cells[name] = found
        return self._cells[name]


def _places(values: Sequence[str], chosen: Collection[str]) -> list[int]:
    return [place for place, value in enumerate(values) if value in chosen]


def given_away(data: Data, ask: Callable[[Data], Sequence[Estimate]], *, groups: bool = False) -> set[object]:
    """Of a part of the customers, the answers that would tell, taken from those of the whole, about few people in another part.

    What is ``ask``ed of every part makes a table, parts by answers, whose sums are told in the report of the whole, and of
    ``groups`` those of a part in its own; which of its cells must be hidden is the same whoever asks. An answer goes by its
    group, or by its place where it has none. Rows that name no customer are in the whole and in no part: what is left of it when
    all parts are taken away is one part more.
    """
    if data.part is None or data.settings.publish.smallest_group <= 1:
        return set()

    def counted(part: Data) -> dict[object, int]:
        return {one.group if groups else place: people(one) for place, one in enumerate(ask(part))}

    answers = [counted(part) for part in data.parts()]
    if data.cut_to.partial:
        whole = counted(data.whole())
        answers.append({place: max(n - sum(found.get(place, 0) for found in answers), 0) for place, n in whole.items()})
    # in the order in which the values are asked for where they tell the parts: of equally small cells both ways hide the same
    places: list[object] = sorted(dict.fromkeys(place for found in answers for place in found), key=_in_order)
    counts = np.array([[found.get(place, 0) for found in answers] for place in places], dtype=np.float64)
    if not places:
        return set()
    smallest = data.settings.publish.smallest_group
    if groups:  # the whole hides sums of this table, and none of them may follow from the books of the parts
        sums = [hidden_groups([int(n) for n in counts.sum(axis=axis)], smallest) for axis in (1, 0)]
        hidden = told_cells(counts, smallest, hidden_rows=sorted(sums[0]), hidden_columns=sorted(sums[1])).hidden
    else:
        hidden = hidden_cells(counts, smallest, columns=False)
    return {place for place, hide in zip(places, hidden[:, data.part.number], strict=True) if hide}


def _in_order(place: object) -> tuple[bool, object]:
    """Groups by their values, the unknown last; periods by their place."""
    return (place[0][1] == UNKNOWN, place) if isinstance(place, tuple) and place else (False, place)


def _secret(
    indicator: str | Indicator,
    data: Data,
    periods: Sequence[Period],
    by: str,
    where: Where | None,
    assumptions: Mapping[str, object] | None,
) -> list[set[object]]:
    """The groups of an attribute that a part of the customers must not tell, for each period."""
    known: dict[object, tuple[Estimate, ...]] = {}

    def ask(part: Data, period: Period) -> list[Estimate]:
        """Of one period; every part is asked for all of them at once."""
        if part.part not in known:
            known[part.part] = estimates(
                indicator, part, periods, by=by, where=where, assumptions=assumptions, resample=False
            )
        return [one for one in known[part.part] if one.period == period]

    return [given_away(data, lambda part, one=period: ask(part, one), groups=True) for period in periods]  # type: ignore[misc]


def published(
    indicator: str | Indicator,
    data: Data,
    periods: Sequence[Period],
    *,
    where: Where | None = None,
    assumptions: Mapping[str, object] | None = None,
) -> tuple[Estimate, ...]:
    """The same, but whole for an analyst's own frames: what comes from a parameters file is published, these are not."""
    ask = estimates if data.snapshot is None else shown
    return ask(indicator, data, periods, where=where, assumptions=assumptions)
