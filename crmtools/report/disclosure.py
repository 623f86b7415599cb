"""Whether the finished numbers of a run tell about too few people: a second look, at what is written and not at how it was made.

Everything is checked against ``publish.smallest_group``, as :mod:`crmtools.suppression` means it:

- *primary*: no figure rests on fewer people;
- *secondary*: no hidden group can be worked out. Where all groups of a whole are told but one, that one is the rest of the
  total; where several are hidden, the rest of the total must be large enough; and of a group that is told, what the total has
  beside it;
- *elsewhere*: what one list hides no page shows;
- *by difference* with the edition before: a figure about the same period that rests on a few customers more or fewer than it did
  then. That happens whenever rows come late, so it is noted and keeps no book from being published: only a person can say
  whether readers could know whose rows they were.

Limits: sizes of hidden groups are unknown here, so only the rest of a total tells about them; wholes that overlap (a customer may
have tickets of several kinds) have no rest; what a chart or a table of a page says beside its recorded figures is seen where it
is written as ``n = 7``.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from crmtools.errors import Problem
from crmtools.estimate import Estimate
from crmtools.report.reading import Reading
from crmtools.report.results import Results
from crmtools.suppression import people

STORE = "results.json"
NAMED = 3
"""Figures named in a note."""
SAID_N = re.compile(r"(?<![\w.])[nN]\s*=\s*(\d[\d,]*)(?![\d.]*\w)")

Whole = tuple[str, str, tuple[str, ...], tuple[tuple[str, str], ...]]
"""What the groups of a whole share: indicator, period, attributes, and what holds for all of them."""


def disclosures(results: Results, smallest: int) -> list[Problem]:
    """Every recorded figure that tells about fewer than ``smallest`` people, or gives away one that is hidden."""
    if smallest <= 1:
        return []
    found = [Problem(STORE, said) for said in _few(results.estimates, smallest)]
    found += [Problem(STORE, said) for said in _worked_out(results.estimates, smallest, results.estimates)]
    hidden = {_key(one) for one in results.estimates if one.suppressed}
    read = [Estimate.from_dict(reading[name]) for reading in results.readings for name in ("baseline", "now")]
    found += [Problem(f"{STORE} · readings", said) for said in _few(read, smallest)]
    wholes = {key: {one.group for one in parts} for key, parts in _wholes(results.estimates).items()}
    for page, items in results.pages.items():
        place = f"page {page}"
        found += [Problem(place, said) for said in _few(items, smallest)]
        found += [
            Problem(place, f"shows {_name(one)}, which {STORE} hides because it tells about too few")
            for one in dict.fromkeys(items)
            if one.value is not None and _key(one) in hidden
        ]
        found += [Problem(place, said) for said in _only_one_hidden(items, wholes)]
    return list(dict.fromkeys(found))


def said_small(reading: Reading, smallest: int) -> Iterator[tuple[int, str]]:
    """Where a page says that something rests on fewer people (``n = 7``)."""
    if smallest <= 1:
        return
    for text, line in reading.texts.items():
        if "=" not in text:
            continue
        for match in SAID_N.finditer(text):
            if 0 < int(match[1].replace(",", "")) < smallest:
                yield line, f"tells about fewer than {smallest} people: '{match[0]}'"


def by_difference(now: Results, before: Results, smallest: int) -> list[str]:
    """What both editions tell of the same period, and what few customers moved: a note for the person who publishes."""
    if smallest <= 1:
        return []
    then = {_key(one): one for one in before.estimates if one.value is not None}
    moved = []
    for one in {_key(one): one for one in now.estimates}.values():
        earlier = then.get(_key(one))
        if one.value is None or earlier is None or earlier.value == one.value:
            continue
        if 0 < abs(people(one) - people(earlier)) < smallest:
            moved.append(f"{_name(one)}: n {earlier.n} → {one.n}")
    if not moved:
        return []
    more = f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
    single = len(moved) == 1
    return [
        (
            f"{len(moved)} figure{'' if single else 's'} of periods that run {before.run_id} told of too rest{'s' * single} on fewer "
            f"than {smallest} customers more or fewer than then: {'; '.join(moved[:NAMED])}{more}. Whoever has both editions "
            "can subtract them."
        )
    ]


def _few(items: Iterable[Estimate], smallest: int) -> Iterator[str]:
    for one in dict.fromkeys(items):
        if one.value is not None and not one.suppressed and 0 < people(one) < smallest:
            yield f"{_name(one)} rests on {people(one)}, fewer than {smallest}, and is not hidden"
        if one.suppressed and (one.value is not None or one.n or one.low is not None or one.high is not None):
            yield f"{_name(one)} is hidden, and yet its numbers are written down"


def _worked_out(items: Iterable[Estimate], smallest: int, all_of: Sequence[Estimate]) -> Iterator[str]:
    """Groups that what is told gives away. These wholes are cut by attributes of customers, so that their groups add up."""
    totals = {(one.indicator, one.period.id): one for one in all_of if not one.group and one.value is not None}
    for (indicator, period, attributes, _), parts in _wholes(items).items():
        shown = [one for one in parts if not one.suppressed and one.n]
        hidden = [one for one in parts if one.suppressed]
        total = totals.get((indicator, period))
        what = f"{indicator} of {period} by {', '.join(attributes)}"
        if len(hidden) == 1 and shown:
            yield f"{what}: only {_group(hidden[0])} is hidden, and it can be worked out as the rest"
        elif hidden and total is not None and 0 < total.n - sum(one.n for one in shown) < smallest:
            rest = total.n - sum(one.n for one in shown)
            yield f"{what}: the hidden groups are {rest} people together, fewer than {smallest}"
        if total is not None:
            for one in shown:
                if 0 < total.n - one.n < smallest:
                    yield f"{what}: beside {_group(one)} there are {total.n - one.n} people, fewer than {smallest}"


def _only_one_hidden(
    items: Iterable[Estimate], wholes: Mapping[Whole, set[tuple[tuple[str, str], ...]]]
) -> Iterator[str]:
    """Of a page, which may show some groups only: the same where it shows all that there are."""
    for key, parts in _wholes(items).items():
        if key in wholes and not {one.group for one in parts} >= wholes[key]:
            continue
        hidden = [one for one in parts if one.suppressed]
        if len(hidden) == 1 and any(not one.suppressed and one.n for one in parts):
            yield f"{key[0]} of {key[1]} by {', '.join(key[2])}: only {_group(hidden[0])} is hidden, and it can be worked out as the rest"


def _wholes(items: Iterable[Estimate]) -> dict[Whole, list[Estimate]]:
    found: dict[Whole, dict[tuple[tuple[str, str], ...], Estimate]] = defaultdict(dict)
    for one in items:
        if one.group:
            names = (one.group[0][0],)
            found[one.indicator, one.period.id, names, one.group[1:]][one.group] = one
    return {key: list(parts.values()) for key, parts in found.items()}


def _key(one: Estimate) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return one.indicator, one.period.id, one.group


def _name(one: Estimate) -> str:
    group = f" of {_group(one)}" if one.group else ""
    return f"{one.indicator}{group} in {one.period.id}"


def _group(one: Estimate) -> str:
    return ", ".join(f"{name} '{value}'" for name, value in one.group)
