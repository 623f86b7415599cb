"""Estimates that may be told: those about few people are hidden, and those from which something about few would follow."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np

from crmtools.estimate import Estimate
from crmtools.estimating import Where, conditions, estimates
from crmtools.indicators.catalogue import Indicator
from crmtools.period import Period
from crmtools.questions import UNKNOWN
from crmtools.suppression import hidden_cells, people, suppressed
from crmtools.tables.source import Data


def shown(
    indicator: str | Indicator,
    data: Data,
    periods: Sequence[Period],
    *,
    where: Where | None = None,
    assumptions: Mapping[str, object] | None = None,
) -> tuple[Estimate, ...]:
    """Estimates for several periods without those that tell about few people.

    Few may be those that are asked about, or those that are not: taken from the total, or from what is told of a group that some
    of the conditions make, what some customers have tells what the rest has. And values of an attribute are told where they follow from a
    table by that attribute and its total, or not at all: together with the table they would tell what it hides.
    """
    smallest = data.settings.publish.smallest_group
    found = estimates(indicator, data, periods, where=where, assumptions=assumptions)
    few = [False] * len(found)
    for other in _told_besides(where or {}) if smallest > 1 else ():
        of_it = estimates(indicator, data, periods, where=other, assumptions=assumptions, resample=False)
        apart = [abs(people(one) - people(some)) for one, some in zip(of_it, found, strict=True)]
        few = [before or 0 < left < smallest for before, left in zip(few, apart, strict=True)]
    for name, values in conditions(where).items() if smallest > 1 else ():
        others = {key: allowed for key, allowed in (where or {}).items() if key != name}
        tables = hidden_values(indicator, data, periods, by=name, where=others, assumptions=assumptions)
        few = [
            before or (bool(hidden & {*values}) and not hidden <= {*values})
            for before, hidden in zip(few, tables, strict=True)
        ]
    secret = given_away(
        data, lambda part: estimates(indicator, part, periods, where=where, assumptions=assumptions, resample=False)
    )
    return tuple(
        one.hidden() if 0 < people(one) < smallest or (one.value is not None and (little or place in secret)) else one
        for place, (one, little) in enumerate(zip(found, few, strict=True))
    )


def _told_besides(where: Where) -> list[Where]:
    """What a report may tell besides the customers that conditions let through: those that some of the conditions do, or none."""
    return [{name: where[name] for name in names} for size in range(len(where)) for names in combinations(where, size)]


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
    found = estimates(indicator, data, periods, by=by, where=where, assumptions=assumptions, resample=False)
    sums = shown(indicator, data, periods, where=where, assumptions=assumptions) if data.part else ()
    hidden = []
    for place, (period, secret) in enumerate(
        zip(periods, _secret(indicator, data, periods, by, where, assumptions), strict=True)
    ):
        groups = [one for one in found if one.period == period]
        if sums and sums[place].suppressed:  # the sum of them is what must not be told
            hidden.append({_value(one, by) for one in groups})
            continue
        told = [one.hidden() if one.group in secret else one for one in groups]
        after = suppressed(told, data.settings.publish.smallest_group)
        hidden.append({_value(one, by) for one in after if one.suppressed})
    return hidden


def _value(one: Estimate, by: str) -> str:
    return dict(one.group).get(by, UNKNOWN)


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
    hidden = hidden_cells(counts, data.settings.publish.smallest_group, columns=groups)
    return {place for place, hide in zip(places, hidden[:, data.part.number], strict=True) if hide}


def _in_order(place: object) -> tuple[bool, object]:
    """Groups by their values, the unknown last; periods by their place."""
    return (place[0][1] == UNKNOWN, place) if isinstance(place, tuple) and place else (False, place)


def told_by_parts(
    item: Indicator,
    data: Data,
    periods: Sequence[Period],
    *,
    by: str,
    where: Where | None = None,
    assumptions: Mapping[str, object] | None = None,
) -> set[str]:
    """The values of an attribute that a part of the customers must not tell apart in any of these periods, besides its small groups:
    taken from what the whole tells, they would say something about few people in another part.
    """
    told = _secret(item, data, periods, by, where, assumptions)
    return {group[0][1] for secret in told for group in secret if isinstance(group, tuple) and group}


def _secret(
    indicator: str | Indicator,
    data: Data,
    periods: Sequence[Period],
    by: str,
    where: Where | None,
    assumptions: Mapping[str, object] | None,
) -> list[set[object]]:
    """The groups of an attribute that a part of the customers must not tell, for each period."""

    def ask(part: Data, wanted: Sequence[Period]) -> tuple[Estimate, ...]:
        return estimates(indicator, part, wanted, by=by, where=where, assumptions=assumptions, resample=False)

    if data.part is not None:
        for part in data.parts():  # all periods at once; each by itself is remembered then
            ask(part, periods)
    return [given_away(data, lambda part, one=period: ask(part, (one,)), groups=True) for period in periods]  # type: ignore[misc]


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
