"""Working out estimates: from an indicator and some periods to values with intervals, by group where groups are asked for.

All measurements take this one way; what of it may be told is settled in :mod:`crmtools.publishable`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import ibis.expr.types as ir
import pandas as pd

from crmtools import formats, questions, sums
from crmtools.errors import CRMError, nearest
from crmtools.estimate import Estimate
from crmtools.indicators.catalogue import EXCLUSIONS, Indicator, find
from crmtools.indicators.kinds import CENSUS, NO_DATA, Total
from crmtools.indicators.moments import Figures, Key, Request
from crmtools.period import Period
from crmtools.questions import UNKNOWN, attributes, missing_columns, usable
from crmtools.tables.how_far import data_until, first_day
from crmtools.tables.source import Data
from crmtools.words import LANGUAGES, Text

Where = Mapping[str, str | Sequence[str] | None]
AND = " + "
"""Between the values of a group that several make."""
QUIET = 7
"""Days without a row that a table may begin with: a small shop does not sell on every day."""
NOT_OVER = Text("该期间在数据截止日尚未结束", "the period is not over on the day that the data reach")


def not_computable(indicator: str | Indicator, data: Data) -> Text | None:
    """Why an indicator cannot be computed from these data; None where it can."""
    item = find(indicator)
    if item.waits_for is not None:
        return Text(f"暂不可计算：{item.waits_for.zh}", f"not computable yet: {item.waits_for.en}")
    if uncut := questions.uncut(item, data):
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


MEANING = ("report", "definitions", "lifetime")
"""The parts of a parameters file that say what a measurement means; what is made of measurements is remembered by them."""


def resolve(item: Indicator, data: Data, given: Mapping[str, object]) -> dict[str, object]:
    """The assumptions in force: declaration, then the parameters file's terms of lifetime value and definitions, then those given.

    One that names which of several tables is used names the one that is there.
    """
    settings = data.settings
    terms = settings.lifetime.terms
    if not terms.keys() <= item.assumptions.keys():
        terms = {}
    in_force = item.with_assumptions({**terms, **settings.definitions.get(item.id, {}), **given})
    for name, group in item.choosing.items():
        there = [table for table in group if usable(item, data, table)]
        if there and in_force[name] not in there:
            in_force[name] = there[0]
    return in_force


def tables_read(item: Indicator, data: Data, given: Mapping[str, object]) -> tuple[str, ...]:
    """The tables that an indicator is made of with these assumptions: of those it can do without the ones that are there. All that
    it could read where it is not computable."""
    if not_computable(item, data):
        return item.tables
    return _tables(item, data, resolve(item, data, given))


def _tables(item: Indicator, data: Data, in_force: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(table for table in item.tables_with(in_force) if usable(item, data, table))


def estimates(
    indicator: str | Indicator,
    data: Data,
    periods: Sequence[Period],
    *,
    by: str | None = None,
    where: Where | None = None,
    assumptions: Mapping[str, object] | None = None,
    resample: bool = True,
) -> tuple[Estimate, ...]:
    """Estimates for several periods, by group when ``by`` is given: the one way all measurements take.

    What was asked before, here or by another notebook, is not worked out again: a period of a trend is known by itself too.
    Without ``resample`` the limits may be those of a formula that is not trusted with so few customers; value, n and standard
    error are the same, and are all that the asker may look at.
    """
    item = find(indicator)
    in_force = resolve(item, data, assumptions or {})
    asked = _question(item, data, by, where or {}, in_force)
    if not asked:
        return _worked_out(item, data, periods, by, where or {}, in_force, resample=resample)
    found = {one: known for one in periods if (known := _known(data, asked, one, resample=resample)) is not None}
    if new := [one for one in dict.fromkeys(periods) if one not in found]:
        worked_out = _worked_out(item, data, new, by, where or {}, in_force, resample=resample)
        for one in new:
            found[one] = tuple(estimate for estimate in worked_out if estimate.period == one)
            plain = [estimate.to_dict() for estimate in found[one]]
            data.answers.keep_text(_name(asked, one, resample=resample), json.dumps(plain, ensure_ascii=False))
    return tuple(estimate for one in periods for estimate in found[one])


def _known(data: Data, asked: str, period: Period, *, resample: bool) -> tuple[Estimate, ...] | None:
    """What was answered before; limits that were looked for are there for those who do not look at them, too."""
    for looked in (True,) if resample else (True, False):
        if (text := data.answers.text(_name(asked, period, resample=looked))) is not None:
            return tuple(Estimate.from_dict(plain) for plain in json.loads(text))
    return None


def _name(asked: str, period: Period, *, resample: bool) -> str:
    return f"{asked}|{period.start}|{period.end}|{resample}"


def _question(item: Indicator, data: Data, by: str | None, where: Where, in_force: Mapping[str, object]) -> str:
    """What estimates depend on besides data and periods; empty where they may depend on more: on code of the asker's own."""
    if not questions.declared_here(item):
        return ""
    report = data.settings.report
    asked = [by, sorted(where.items()), sorted(in_force.items()), report.confidence, report.currency]
    return f"estimates|{item.id}|{asked!r}|{sums.made_by()}"


def _worked_out(
    item: Indicator,
    data: Data,
    periods: Sequence[Period],
    by: str | None,
    where: Where,
    in_force: Mapping[str, object],
    *,
    resample: bool,
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
    chosen = conditions(where)
    level = data.settings.report.confidence

    @cache
    def all_facts() -> ir.Table:
        wanted = tuple(dict.fromkeys([*keys[1:], *chosen]))
        return questions.facts(item, data, tuple(periods), in_force, wanted, chosen)

    def facts() -> ir.Table:
        return counting(all_facts())

    def customers(sizes: Mapping[Key, int]) -> dict[Key, pd.DataFrame] | None:
        return sums.small_groups(item, data, tuple(periods), in_force, keys[1:], chosen, sizes)

    frame = sums.cells(item, data, tuple(periods), in_force, keys[1:], chosen, all_facts)
    counted = sums.counted(frame)
    request = Request(facts, keys, data.ask, in_force, level, counted, item.unique, resample, customers)
    figures = item.kind.read(request)
    excluded = _excluded(item, frame, keys)
    read, unheard = _tables(item, data, in_force), unheard_of(item, data, in_force)
    blank = [
        replace(
            e,
            maturity=_maturity(item, data, in_force, e.period),
            data_until=data_until(data, read, e.period),
            why=unheard or too_early(item, data, in_force, e.period),
        )
        for e in blank
    ]
    made = []
    if not by:
        if where and not figures and (nobody := nobody_meant(where, data)):
            return tuple(replace(e, why=nobody) for e in blank)
        for number, empty in enumerate(blank):
            made.append(_estimate(item, empty, figures.get((number,)), excluded.get((number,), ())))
        return tuple(made)
    for key in sorted(figures, key=lambda key: (key[0], -figures[key].n, str(key[1]))):
        value = key[1] if isinstance(key[1], str) else UNKNOWN
        empty = replace(blank[int(str(key[0]))], group=((by, value), *group))
        made.append(_estimate(item, empty, figures[key], excluded.get(key, ())))
    return tuple(made)


def conditions(where: Where | None) -> dict[str, list[str]]:
    """Each condition with the values that it lets through; raises CRMError for what is neither a text nor a list of texts."""
    if not isinstance(where or {}, Mapping):
        raise CRMError(f'where names attributes and values, where={{"region": "south"}}; found {where!r}.')
    return {name: _allowed(name, value) for name, value in (where or {}).items()}


def _allowed(name: str, value: str | Sequence[str] | None) -> list[str]:
    """The values that a condition lets through; None stands for customers without one."""
    values = [UNKNOWN] if value is None else [value] if isinstance(value, str) else value
    if not (isinstance(values, (list, tuple)) and values and all(isinstance(item, str) for item in values)):
        raise CRMError(f"where: '{name}' must be a text or a list of texts such as ['south', 'east'], found {value!r}.")
    return list(values)


def nobody_meant(where: Where, data: Data) -> Text | None:
    """Why a condition lets nobody through: a value that no customer has."""
    customers = data["customers"] if data.has("customers") else None
    for name, value in where.items():
        if customers is None or name not in customers.columns:
            continue
        there = words_of(data, "customers", name)
        if not set(wanted := _allowed(name, value)) & {*there, UNKNOWN}:
            listed = ", ".join(wanted)
            return Text(
                f"没有客户的 {name} 为 {listed}",
                f"no customer has {name} '{listed}'. {_instead(name, wanted[0], there)}",
            )
    return None


def _instead(name: str, wanted: str, there: Sequence[str]) -> str:
    if wanted.casefold() in ("unknown", "未知", "none", "nan"):
        return f'Customers without a {name} are asked for by None: where={{"{name}": None}}.'
    return nearest(wanted, there)


def _said(name: str, value: str | Sequence[str] | None) -> str:
    return AND.join(_allowed(name, value))


def counting(facts: ir.Table) -> ir.Table:
    """The facts that count: without those that are left out for a reason."""
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


def unheard_of(item: Indicator, data: Data, in_force: Mapping[str, object]) -> Text | None:
    """Why nothing can be counted as what an assumption names: no row has that word; None where one has."""
    for name, place in item.word_of.items():
        table, _, column = place.partition(".")
        word = str(in_force[name])
        there = words_of(data.whole(), table, column) if word and data.has(table, column) else []
        if there and word not in there:
            said = f"definitions.{item.id}.{name}"
            return Text(
                f"数据表 {table} 的 {column} 没有“{word}”：若叫法不同，请在 {said} 写明",
                f"no row of {table} has the {column} '{word}': if it is called otherwise, say so under {said}",
            )
    return None


def words_of(data: Data, table: str, column: str) -> list[str]:
    """The words that stand in a column."""
    name = f"words of {table}.{column}"
    if (told := data.answers.text(name)) is None:
        found = data.ask(data[table].select(column).distinct().order_by(column))[column].dropna()
        told = json.dumps(found.astype(str).tolist(), ensure_ascii=False)
        data.answers.keep_text(name, told)
    return [str(word) for word in json.loads(told)]


def too_early(item: Indicator, data: Data, in_force: Mapping[str, object], period: Period) -> Text | None:
    """Why a period lies too early to look as far back as the indicator does; None where it does not."""
    for table, needed in item.first_needed(in_force, period).items():
        first: date | None = first_day(data, table)
        if first is not None and first > needed + timedelta(days=QUIET):
            days = {language: [formats.day(one, language) for one in (first, needed)] for language in LANGUAGES}
            return Text(
                "数据表 {} 始于 {}，本期需要 {}起的数据".format(table, *days["zh"]),
                "the table {} begins on {}, and this period needs it from {} on".format(table, *days["en"]),
            )
    return None


def _estimate(
    item: Indicator, empty: Estimate, figures: Figures | None, excluded: tuple[tuple[str, int], ...]
) -> Estimate:
    if empty.period.last_day > empty.as_of:
        return replace(empty, why=NOT_OVER)
    if empty.why is not None:
        return empty
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
