"""Asking an indicator: its value for a period, over time, by segment, and the query behind it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmtools import sums
from crmtools.errors import CRMError, nearest
from crmtools.estimate import Estimate
from crmtools.indicators.catalogue import CATALOGUE, EXCLUSIONS, Indicator, find
from crmtools.indicators.kinds import CENSUS, NO_DATA, Total
from crmtools.indicators.moments import Figures, Request
from crmtools.period import MONTHS_IN, Period, Step
from crmtools.remembered import remembered
from crmtools.shown import Shown
from crmtools.sums import UNKNOWN, attributes, missing_columns
from crmtools.suppression import hidden_cells, people, suppressed
from crmtools.tables.source import Data
from crmtools.words import Text

Where = Mapping[str, str | Sequence[str]]
NOT_OVER = Text("该期间在数据截止日尚未结束", "the period is not over on the day that the data reach")


@dataclass(frozen=True, slots=True)
class Trend(Shown):
    """An indicator over consecutive periods, earliest first."""

    indicator: Indicator
    estimates: tuple[Estimate, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """Columns period, start, value, low, high, n; one row per period."""
        return _frame(self.estimates, [("period", [e.period.id for e in self.estimates])]).assign(
            start=[pd.Timestamp(e.period.start) for e in self.estimates]
        )

    def plot(self, **options: object) -> object:
        """A line with its interval band; see :func:`crmtools.show.plots.trend`."""
        from crmtools.show.plots import trend as draw

        return draw(self, **options)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.estimates)


@dataclass(frozen=True, slots=True)
class Breakdown(Shown):
    """An indicator by the values of one attribute, largest group first; small groups are hidden."""

    indicator: Indicator
    by: str
    estimates: tuple[Estimate, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """One row per group: the attribute, value, low, high, n."""
        return _frame(self.estimates, [(self.by, [dict(e.group).get(self.by, UNKNOWN) for e in self.estimates])])

    def __len__(self) -> int:
        return len(self.estimates)


def _frame(estimates: Sequence[Estimate], first: list[tuple[str, list[str]]]) -> pd.DataFrame:
    columns: dict[str, object] = dict(first)
    for name in ("value", "low", "high"):
        columns[name] = pd.array([getattr(e, name) for e in estimates], dtype="Float64")
    columns["n"] = [e.n for e in estimates]
    return pd.DataFrame(columns)


def measure(
    indicator: str | Indicator,
    data: Data,
    *,
    period: Period | str | None = None,
    where: Where | None = None,
    **assumptions: object,
) -> Estimate:
    """The value of an indicator for one period, with its interval.

    Parameters
    ----------
    indicator
        An id from the catalogue.
    data
        What :func:`crmtools.open` returned.
    period
        By default the period that is reported: ``"2025-Q4"``, ``"2025-12"``, ``"2025"`` or a :class:`Period`.
    where
        Only these customers: ``{"region": "south"}`` or ``{"region": ["south", "east"]}``.
    assumptions
        The indicator's assumptions, where they shall differ from the parameters file and the declaration.

    Returns
    -------
    Estimate
        Where nothing can be computed its value is None and ``why`` says what is missing.
    """
    one = Period.parse(period) if period is not None else data.period
    return published(indicator, data, (one,), where=where, assumptions=assumptions)[0]


def trend(
    indicator: str | Indicator,
    data: Data,
    *,
    by: Step | None = None,
    periods: int | None = None,
    where: Where | None = None,
    **assumptions: object,
) -> Trend:
    """The indicator over the last months, quarters or years up to the period that is reported; one query for all."""
    report = data.settings.report
    if by is not None and by not in MONTHS_IN:
        raise CRMError(f"'{by}' is no step of a trend. Allowed: {', '.join(MONTHS_IN)}.")
    if periods is not None and periods < 1:
        raise CRMError(f"A trend needs at least one period, found {periods}.")
    spans = data.period.up_to(periods or report.trend_length, by or report.step)
    # a month with a handful of answers tells about people, and nothing about the indicator
    return Trend(find(indicator), shown(indicator, data, spans, where=where, assumptions=assumptions))


def shown(
    indicator: str | Indicator,
    data: Data,
    periods: Sequence[Period],
    *,
    where: Where | None = None,
    assumptions: Mapping[str, object] | None = None,
) -> tuple[Estimate, ...]:
    """Estimates for several periods without those that tell about few people.

    Few may be those that are asked about, or those that are not: taken from the total, what some customers have tells what
    the rest has.
    """
    smallest = data.settings.publish.smallest_group
    found = estimates(indicator, data, periods, where=where, assumptions=assumptions)
    rest = [0] * len(found)
    if where and smallest > 1:
        whole = estimates(indicator, data, periods, assumptions=assumptions)
        rest = [people(all_of) - people(some) for all_of, some in zip(whole, found, strict=True)]
    secret = _given_away(data, lambda part: estimates(indicator, part, periods, where=where, assumptions=assumptions))
    return tuple(
        one.hidden()
        if 0 < people(one) < smallest or (one.value is not None and (0 < left < smallest or place in secret))
        else one
        for place, (one, left) in enumerate(zip(found, rest, strict=True))
    )


def _given_away(data: Data, ask: Callable[[Data], Sequence[Estimate]], *, groups: bool = False) -> set[object]:
    """Of a part of the customers, the answers that would tell, taken from those of the whole, about few people in another part.

    What is ``ask``ed of every part makes a table, parts by answers, whose sums are told in the report of the whole, and of
    ``groups`` those of a part in its own; which of its cells must be hidden is the same whoever asks. An answer goes by its
    group, or by its place where it has none.
    """
    if data.part is None or data.settings.publish.smallest_group <= 1:
        return set()
    answers = [
        {one.group if groups else place: people(one) for place, one in enumerate(ask(part))} for part in data.parts()
    ]
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
    secret: set[str] = set()
    for period in periods:
        found = _given_away(
            data,
            lambda part, one=period: estimates(item, part, (one,), by=by, where=where, assumptions=assumptions),  # type: ignore[misc]
            groups=True,
        )
        secret |= {group[0][1] for group in found if isinstance(group, tuple) and group}
    return secret


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


def breakdown(
    indicator: str | Indicator,
    data: Data,
    *,
    by: str,
    period: Period | str | None = None,
    where: Where | None = None,
    **assumptions: object,
) -> Breakdown:
    """The indicator by the values of an attribute of the customers, or of one that its facts carry themselves.

    Groups smaller than ``publish.smallest_group`` are hidden; if that hides a single group, the next smallest is hidden
    too, because the one could be worked out from the total.
    """
    item = find(indicator)
    one = Period.parse(period) if period is not None else data.period

    def ask(of: Data) -> tuple[Estimate, ...]:
        return estimates(item, of, (one,), by=by, where=where, assumptions=assumptions)

    found = list(ask(data))
    if data.part and shown(item, data, (one,), where=where, assumptions=assumptions)[0].suppressed:
        found = [e.hidden() for e in found]  # their sum is what must not be told
    elif secret := _given_away(data, ask, groups=True):
        found = [e.hidden() if e.group in secret else e for e in found]
    return Breakdown(item, by, tuple(suppressed(found, data.settings.publish.smallest_group)))


@remembered("report", "definitions")
def sql(indicator: str | Indicator, data: Data, *, period: Period | str | None = None, **assumptions: object) -> str:
    """The query that the engine is asked for one period, readable."""
    item = find(indicator)
    if why := not_computable(item, data):
        raise CRMError(f"'{item.id}' is not computable: {why.en}.")
    one = Period.parse(period) if period is not None else data.period
    facts = _counting(sums.facts(item, data, (one,), resolve(item, data, assumptions)))
    return str(ibis.to_sql(item.kind.query(facts, ("period",), unique=item.unique), dialect="duckdb"))


def not_computable(indicator: str | Indicator, data: Data) -> Text | None:
    """Why an indicator cannot be computed from these data; None where it can."""
    item = find(indicator)
    if item.waits_for is not None:
        return Text(f"暂不可计算：{item.waits_for.zh}", f"not computable yet: {item.waits_for.en}")
    if uncut := sums.uncut(item, data):
        return _not_of_a_part(uncut, data)
    if missing := missing_columns(item, data):
        listed = ", ".join(missing)
        return Text(f"缺少 {listed}", f"{listed} missing")
    return None


def _not_of_a_part(tables: Sequence[str], data: Data) -> Text:
    """Why tables say nothing of some of the customers."""
    nobody = [name for name in tables if name in data.cut_to.whole]
    listed = Text("、".join(nobody or tables), ", ".join(nobody or tables))
    plural = len(nobody or tables) > 1
    if nobody:
        return Text(
            f"不能只对部分客户计算：数据表 {listed.zh} 不含客户",
            f"not computable for a part of the customers: table{'s'[:plural]} {listed.en} name{'s'[plural:]} no customer",
        )
    return Text(
        f"不能只对部分客户计算：数据表 {listed.zh} 并非每行都有客户",
        f"not computable for a part of the customers: not every row of {listed.en} names a customer",
    )


def computable(indicator: str | Indicator, data: Data) -> bool:
    """Whether an indicator can be computed from these data."""
    return not_computable(indicator, data) is None


def resolve(item: Indicator, data: Data, given: Mapping[str, object]) -> dict[str, object]:
    """The assumptions in force: declaration, then the parameters file's definitions, then those given."""
    return item.with_assumptions({**data.settings.definitions.get(item.id, {}), **given})


def splits(indicator: str | Indicator, data: Data) -> tuple[str, ...]:
    """The attributes that the report cuts an indicator by: its declared segments, and what the facts carry themselves."""
    item = find(indicator)
    possible = attributes(item, data)
    chosen = [name for name in data.segments if name in possible]
    return (*chosen, *(name for name in item.splits if name in possible and name not in chosen))


def estimates(
    indicator: str | Indicator,
    data: Data,
    periods: Sequence[Period],
    *,
    by: str | None = None,
    where: Where | None = None,
    assumptions: Mapping[str, object] | None = None,
) -> tuple[Estimate, ...]:
    """Estimates for several periods, by group when ``by`` is given: the one way all measurements take.

    What was asked before, here or by another notebook, is not worked out again.
    """
    item = find(indicator)
    in_force = resolve(item, data, assumptions or {})
    name = _question(item, data, periods, by, where or {}, in_force)
    if name and (known := data.answers.text(name)) is not None:
        return tuple(Estimate.from_dict(plain) for plain in json.loads(known))
    found = _worked_out(item, data, periods, by, where or {}, in_force)
    if name:
        data.answers.keep_text(name, json.dumps([estimate.to_dict() for estimate in found], ensure_ascii=False))
    return found


def _question(
    item: Indicator, data: Data, periods: Sequence[Period], by: str | None, where: Where, in_force: Mapping[str, object]
) -> str:
    """What estimates depend on besides the data; empty where they may depend on more: on code of the asker's own."""
    if CATALOGUE.get(item.id) is not item or not getattr(item.facts, "__module__", "").startswith("crmtools."):
        return ""
    report = data.settings.report
    asked = [
        [(str(period.start), str(period.end)) for period in periods], by, sorted(where.items()), sorted(in_force.items()),
        report.confidence, report.currency,
    ]  # fmt: skip
    return f"estimates|{item.id}|{asked!r}|{sums.made_by()}"


def _worked_out(
    item: Indicator, data: Data, periods: Sequence[Period], by: str | None, where: Where, in_force: Mapping[str, object]
) -> tuple[Estimate, ...]:
    group = tuple((key, _said(key, value)) for key, value in where.items() if key != by)
    currency = data.currency if item.unit.form == "money" else ""
    blank = [
        Estimate(item.id, period, data.as_of, group=group, level=data.settings.report.confidence, currency=currency)
        for period in periods
    ]
    if why := not_computable(item, data):
        return tuple(replace(e, why=why) for e in blank)
    for name in [*([by] if by else []), *where]:
        if name not in attributes(item, data):
            known = nearest(name, attributes(item, data))
            raise CRMError(f"'{item.id}' cannot be split by '{name}'. {known}")
    keys = ("period", by) if by else ("period",)
    chosen = {name: _allowed(name, value) for name, value in where.items()}
    frame = sums.cells(item, data, tuple(periods), in_force, keys[1:], chosen)
    level = data.settings.report.confidence

    def facts() -> ir.Table:
        wanted = tuple(dict.fromkeys([*keys[1:], *chosen]))
        return _counting(sums.facts(item, data, tuple(periods), in_force, wanted, chosen))

    request = Request(facts, keys, data.ask, in_force, level, sums.counted(item, frame), item.unique)
    figures = item.kind.read(request)
    excluded = _excluded(item, frame, keys)
    until = _data_until(item, data)
    blank = [replace(e, maturity=_maturity(item, data, in_force, e.period), data_until=until) for e in blank]
    made = []
    if not by:
        if where and not figures and (nobody := _nobody(where, data)):
            return tuple(replace(e, why=nobody) for e in blank)
        for number, empty in enumerate(blank):
            made.append(_estimate(item, empty, figures.get((number,)), excluded.get((number,), ())))
        return tuple(made)
    for key in sorted(figures, key=lambda key: (key[0], -figures[key].n, str(key[1]))):
        value = key[1] if isinstance(key[1], str) else UNKNOWN
        empty = replace(blank[int(str(key[0]))], group=((by, value), *group))
        made.append(_estimate(item, empty, figures[key], excluded.get(key, ())))
    return tuple(made)


def _allowed(name: str, value: str | Sequence[str]) -> list[str]:
    """The values that a condition lets through."""
    values = [value] if isinstance(value, str) else value
    if not (isinstance(values, (list, tuple)) and values and all(isinstance(item, str) for item in values)):
        raise CRMError(f"where: '{name}' must be a text or a list of texts such as ['south', 'east'], found {value!r}.")
    return list(values)


def _nobody(where: Where, data: Data) -> Text | None:
    """Why a condition lets nobody through: a value that no customer has."""
    customers = data["customers"] if data.has("customers") else None
    for name, value in where.items():
        if customers is None or name not in customers.columns:
            continue
        there = data.ask(customers.select(name).distinct().order_by(name))[name].dropna().tolist()
        if not set(wanted := _allowed(name, value)) & {*there, UNKNOWN}:
            listed = ", ".join(wanted)
            return Text(
                f"没有客户的 {name} 为 {listed}", f"no customer has {name} '{listed}'. {nearest(wanted[0], there)}"
            )
    return None


def _said(name: str, value: str | Sequence[str]) -> str:
    return " + ".join(_allowed(name, value))


def _counting(facts: ir.Table) -> ir.Table:
    return facts.filter(facts.excluded.isnull()) if "excluded" in facts.columns else facts


def _excluded(
    item: Indicator, frame: pd.DataFrame, keys: tuple[str, ...]
) -> dict[tuple[object, ...], tuple[tuple[str, int], ...]]:
    """Rows left out per group and reason."""
    found = sums.left_out(frame, keys)
    unknown = {reason for pairs in found.values() for reason, _ in pairs} - set(item.excludes)
    if unknown:
        raise CRMError(
            f"'{item.id}' leaves rows out for {sorted(unknown)}, which it does not declare. {nearest('', EXCLUSIONS)}"
        )
    return found


def _maturity(item: Indicator, data: Data, in_force: Mapping[str, object], period: Period) -> float:
    """Which part of a period can no longer change."""
    settled = data.as_of + timedelta(days=1 - item.follow_up_days(in_force))
    return min(max((settled - period.start).days / period.days, 0.0), 1.0)


def _data_until(item: Indicator, data: Data) -> date | None:
    """How far the data behind an indicator reach: the last day of the table that ends first."""
    return min((day for table in item.tables if (day := data.last_day(table)) is not None), default=None)


def _estimate(
    item: Indicator, empty: Estimate, figures: Figures | None, excluded: tuple[tuple[str, int], ...]
) -> Estimate:
    if empty.period.last_day > empty.as_of:
        return replace(empty, why=NOT_OVER)
    if figures is None:
        if isinstance(item.kind, Total):
            return replace(empty, value=0.0, numerator=0.0, method="census", why=CENSUS, excluded=excluded)
        return replace(empty, why=NO_DATA, excluded=excluded)
    return replace(
        empty, value=figures.value, low=_legal(figures.low, item), high=_legal(figures.high, item), se=figures.se, n=figures.n, rows=figures.rows,
        numerator=figures.numerator, denominator=figures.denominator, method=figures.method, why=figures.why, excluded=excluded,
    )  # fmt: skip


def _legal(limit: float | None, item: Indicator) -> float | None:
    """A limit of an interval, kept inside what the unit can be: no share of receivables is above 100 %."""
    if limit is None:
        return None
    least, most = item.unit.low, item.unit.high
    limit = limit if least is None else max(limit, least)
    return limit if most is None else min(limit, most)
