"""Properties that every indicator of the catalogue has."""

import ast
import operator
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import crmtools as crm
from crmtools import CATALOGUE, CRMError, Estimate, Period, Text
from crmtools.estimating import estimates
from crmtools.indicators.catalogue import EXCLUSIONS, Indicator
from crmtools.indicators.kinds import Duration, Model, Total
from crmtools.measuring import measure
from crmtools.questions import attributes, missing_columns
from crmtools.simulate import simulate_frames
from crmtools.tables import TABLES
from crmtools.tables.answers import Answers

Frames = dict[str, pd.DataFrame]
AS_OF, Q4 = date(2025, 12, 31), Period.parse("2025-Q4")
CUSTOMERS = 160
every_indicator = pytest.mark.parametrize("name", [item.id for item in CATALOGUE.values() if item.waits_for is None])


@pytest.fixture(scope="module")
def tiny() -> crm.Data:
    return crm.open("tiny")


@pytest.fixture(scope="module")
def frames() -> Frames:
    """A simulated company of all tables, with people without a region."""
    made = simulate_frames(seed=11, customers=CUSTOMERS, months=30, as_of=AS_OF)
    made["customers"].loc[made["customers"].index % 7 == 3, "region"] = None
    return made


@pytest.fixture(scope="module")
def data(frames) -> crm.Data:
    return crm.open(**frames, as_of=AS_OF)


def same(one: Estimate, other: Estimate, *, group: bool = True) -> bool:
    """Whether two estimates say the same, up to the order in which sums were added."""
    for name in ("value", "low", "high", "se", "numerator", "denominator"):
        a, b = getattr(one, name), getattr(other, name)
        if (a is None) != (b is None) or (a is not None and a != pytest.approx(b, rel=1e-6, abs=1e-9)):
            return False
    told = ("n", "rows", "method", "excluded", "why", "period", *(("group",) if group else ()))
    return all(getattr(one, name) == getattr(other, name) for name in told)


def cut_off(frames: Frames, day: date) -> Frames:
    """What was known at the end of a day, cut out with pandas."""
    end, made = pd.Timestamp(day) + pd.Timedelta(days=1), {}
    for name, frame in frames.items():
        table = TABLES[name]
        known = frame[~(frame[table.time] >= end)].copy() if table.time in frame else frame.copy()
        for column in table.columns:
            if column.later and column.name in known:
                known[column.name] = known[column.name].where(~(known[column.name] >= end))
        made[name] = known
    for name, frame in made.items():  # what hangs on a row that is not there yet
        for column in TABLES[name].columns:
            if column.refers in made and column.name in frame:
                parents = made[column.refers][TABLES[column.refers].key[0]]
                lost = frame[column.name].notna() & ~frame[column.name].isin(parents)
                if column.required:
                    made[name] = frame = frame[~lost].copy()
                else:
                    frame[column.name] = frame[column.name].where(~lost)
    return made


def only_declared(frames: Frames, item: Indicator, *, optional: bool) -> Frames:
    """The tables and columns that an indicator declares, and what the door cannot do without."""
    made = {}
    for table in item.tables:
        wanted = [name for name, needed in item.columns(table) if needed or optional]
        door = [*TABLES[table].required, "currency"]
        made[table] = frames[table][[c for c in frames[table] if c in wanted or c in door]]
    if any("currency" in frame for frame in made.values()):
        made["fx_rates"] = frames["fx_rates"]
    return made


# ---- the worked example


OPERATIONS: dict[type, Callable[..., float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.USub: operator.neg,
}  # fmt: skip


def worked_out(expression: str) -> float:
    """The value of an expression of numbers; anything else is an error."""

    def of(node: ast.AST) -> float:
        match node:
            case ast.Expression(body=body):
                return of(body)
            case ast.Constant(value=int() | float() as number):
                return number
            case ast.BinOp(left=left, op=op, right=right):
                return OPERATIONS[type(op)](of(left), of(right))
            case ast.UnaryOp(op=op, operand=operand):
                return OPERATIONS[type(op)](of(operand))
        raise AssertionError(f"'{expression}' holds more than arithmetic")

    return of(ast.parse(expression, mode="eval"))


@pytest.mark.in_turns
@every_indicator
def test_worked_example_is_what_is_measured(name, tiny) -> None:
    item = CATALOGUE[name]
    if not item.worked:
        pytest.skip("has no example to work by hand")
    assert measure(name, tiny, period=Q4).value == pytest.approx(worked_out(item.worked), rel=1e-12)


def test_worked_examples_are_arithmetic_only() -> None:
    assert worked_out("100 * (4 - 2) / 9") == pytest.approx(200 / 9)
    with pytest.raises(AssertionError, match="more than arithmetic"):
        worked_out("__import__('os').getcwd()")


# ---- properties of every measurement


@pytest.mark.in_turns
@every_indicator
def test_value_interval_and_counts_fit_together(name, data) -> None:
    item = CATALOGUE[name]
    found = [*estimates(item, data, tuple(map(Period.parse, ("2025-Q4", "2025-12", "2025-06", "2025"))))]
    for by in attributes(item, data)[:2]:
        found += estimates(item, data, (Q4,), by=by)
    assert any(e.value is not None for e in found) or isinstance(item.kind, Model), "the company has data for it"
    for e in found:
        assert e.indicator == name
        assert e.level == 0.95
        if e.value is None:
            assert e.why is not None
            assert (e.low, e.high, e.se) == (None, None, None)
            continue
        assert np.isfinite(e.value)
        assert e.method != "none" or e.low is None
        if e.low is None and e.high is None:
            assert e.why is not None, "an interval is missing without a reason"
        for limit in (e.low, e.high):
            assert limit is None or np.isfinite(limit)
        if e.low is not None:
            assert e.low <= e.value + 1e-9 * abs(e.value)
        if e.high is not None:
            assert e.value <= e.high + 1e-9 * abs(e.value)
        assert e.se is None or e.se >= 0
        for number in (e.value, e.low, e.high):
            assert number is None or item.unit.low is None or number >= item.unit.low
            assert number is None or item.unit.high is None or number <= item.unit.high
        assert 0 <= e.n <= e.rows or isinstance(item.kind, Model)
        if e.numerator is not None and e.denominator and not isinstance(item.kind, (Duration, Model)):
            assert e.value == pytest.approx(e.numerator / e.denominator)


@pytest.mark.in_turns
@every_indicator
def test_order_of_rows_and_names_of_things_do_not_matter(name, data, frames, relabelled) -> None:
    assert same(measure(name, data, period=Q4), measure(name, relabelled, period=Q4))


@pytest.fixture(scope="module")
def relabelled(frames) -> crm.Data:
    """The same company, its rows shuffled and every identifier replaced by another one."""
    made = {}
    for name, frame in frames.items():
        shuffled = frame.sample(frac=1, random_state=5).reset_index(drop=True)
        for column in TABLES[name].columns:
            if column.type == "id" and column.name in shuffled:
                turned = shuffled[column.name].astype("string").map(lambda text: f"x{text[::-1]}", na_action="ignore")
                shuffled[column.name] = turned
        made[name] = shuffled
    return crm.open(**made, as_of=AS_OF)


def test_frames_of_the_asker_stay_as_they_were(frames) -> None:
    before = {name: frame.copy(deep=True) for name, frame in frames.items()}
    opened = crm.open(**frames, as_of=AS_OF)
    for name in CATALOGUE:
        measure(name, opened, period="2025-12")
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])


@pytest.fixture(
    scope="module",
    params=[pytest.param(date(2025, 9, 30), marks=pytest.mark.slow), date(2025, 11, 17)],
    ids=["2025-09-30", "2025-11-17"],
)
def earlier(request, frames, data) -> tuple[date, crm.Data, crm.Data]:
    """A day, the data cut off there with pandas, and the data as they say they were then."""
    day = request.param
    return day, crm.open(**cut_off(frames, day), as_of=day), data.at(day)


@pytest.mark.in_turns
@every_indicator
def test_nothing_later_is_looked_at(name, earlier) -> None:
    day, known, at = earlier
    for period in map(Period.parse, ("2025-08", "2025-10")):
        expected = measure(name, known, period=period)
        assert same(measure(name, at, period=period), expected)
        if period.last_day > day:
            assert expected.value is None


@pytest.fixture(scope="module")
def opened_early(frames, data) -> tuple[crm.Data, crm.Data]:
    day = date(2025, 9, 30)
    return crm.open(**frames, as_of=day), data.at(day)


@pytest.mark.in_turns
@every_indicator
def test_rows_after_the_day_change_nothing(name, opened_early) -> None:
    opened, at = opened_early
    assert same(measure(name, opened, period="2025-Q3"), measure(name, at, period="2025-Q3"))


@pytest.fixture(scope="module")
def nothing(frames) -> crm.Data:
    return crm.open(**{name: frame.iloc[:0] for name, frame in frames.items()}, as_of=AS_OF)


@pytest.mark.in_turns
@every_indicator
def test_empty_tables_give_nothing_to_count(name, nothing) -> None:
    item, found = CATALOGUE[name], measure(name, nothing, period=Q4)
    if isinstance(item.kind, Total):
        assert (found.value, found.n) == (0, 0)
    else:
        assert (found.value, found.low, found.high, found.n) == (None, None, None, 0)
        assert found.why.en == "nothing to count in this period"
    assert all(e.value in (None, 0) for e in crm.trend(name, nothing, periods=3).estimates)
    for by in attributes(item, nothing)[:2]:
        assert len(crm.breakdown(name, nothing, by=by)) == 0


@pytest.mark.in_turns
@every_indicator
def test_trend_is_the_measurement_of_each_period(name, data) -> None:
    spans, alone = (*Q4.up_to(2, "month"), Q4), replace(data, answers=Answers(""))
    for point, span in zip(estimates(name, data, spans), spans, strict=True):
        assert same(point, measure(name, alone, period=span)), span


@pytest.mark.in_turns
@every_indicator
def test_groups_add_up_and_are_what_the_condition_gives(name, data) -> None:
    item, total = CATALOGUE[name], measure(name, data, period=Q4)
    own = [by for by in attributes(item, data) if by in ("region", *item.splits)]
    for by in own if total.value is not None else ():
        groups = estimates(item, data, (Q4,), by=by)
        assert groups
        values = [dict(e.group)[by] for e in groups]
        assert len(set(values)) == len(values)
        if item.kind.adds and not isinstance(item.kind, Model):
            for part in ("numerator", "denominator", "rows"):
                whole = getattr(total, part)
                if whole is not None:
                    parts = [getattr(e, part) or 0 for e in groups]
                    assert sum(parts) == pytest.approx(whole, rel=1e-9, abs=1e-9), (by, part)
        if by in data["customers"].columns and by not in item.splits:
            assert sum(e.n for e in groups) == total.n
        for e in (groups[0], groups[-1]):
            assert same(measure(name, data, period=Q4, where={by: dict(e.group)[by]}), e), e.group


@pytest.mark.in_turns
@every_indicator
def test_declared_columns_are_all_that_is_read(name, data, frames) -> None:
    """The function is given nothing else; with only these tables in the house the answer is the same."""
    item = CATALOGUE[name]
    kept = only_declared(frames, item, optional=True)
    tests = frames["customers"].loc[frames["customers"].is_test, "customer_id"]
    for table, frame in kept.items():
        if "customer_id" in frame:  # the door can take test accounts out only where it is told
            kept[table] = frame[~frame.customer_id.isin(tests)]
    small = crm.open(**kept, as_of=AS_OF)
    found, expected = measure(name, small, period=Q4), measure(name, data, period=Q4)
    assert same(found, expected)


@pytest.mark.in_turns
@every_indicator
def test_optional_columns_may_be_missing(name, frames) -> None:
    item = CATALOGUE[name]
    bare = crm.open(**only_declared(frames, item, optional=False), as_of=AS_OF)
    assert missing_columns(item, bare) == []
    found = measure(name, bare, period=Q4)
    assert found.value is not None or found.why is not None
    for by in attributes(item, bare)[:2]:
        crm.breakdown(name, bare, by=by, period=Q4)


@pytest.mark.in_turns
@every_indicator
def test_what_is_missing_is_named(name, data) -> None:
    item = CATALOGUE[name]
    for group in item.one_of:
        without = replace(
            data, tables={key: t for key, t in data.tables.items() if key not in group}, answers=Answers("")
        )
        assert measure(name, without, period=Q4).why.en == f"{' / '.join(group)} missing"
    for table in item.tables:
        without = replace(data, tables={key: t for key, t in data.tables.items() if key != table}, answers=Answers(""))
        if table in item.optional:
            assert missing_columns(item, without) == []
            continue
        found = measure(name, without, period=Q4)
        assert (found.value, found.n) == (None, 0)
        assert found.why == Text(f"缺少 {table}", f"{table} missing")
        with pytest.raises(CRMError, match=f"not computable: .*{table}"):
            crm.sql(name, without)
        for column, needed in item.columns(table):
            lacking = replace(data, tables={**data.tables, table: data[table].drop(column)}, answers=Answers(""))
            if column not in data[table].columns:
                continue
            if needed:
                assert measure(name, lacking, period=Q4).why.en == f"{table}.{column} missing"
            else:
                assert missing_columns(item, lacking) == []
    for group in item.one_of:
        without = replace(
            data, tables={key: t for key, t in data.tables.items() if key not in group}, answers=Answers("")
        )
        assert measure(name, without, period=Q4).why.en == f"{' / '.join(group)} missing"


@pytest.mark.in_turns
@every_indicator
def test_query_can_be_run_as_it_is_printed(name, tiny) -> None:
    text = crm.sql(name, tiny, period=Q4)
    assert text.lstrip().upper().startswith(("SELECT", "WITH"))
    rows = tiny.backend.raw_sql(text).fetchall()
    found = measure(name, tiny, period=Q4)
    assert rows if found.value else True
    assert crm.sql(name, tiny, period=Q4) == text, "equal questions are equal text"


@pytest.mark.in_turns
@every_indicator
def test_asking_again_gives_the_same(name, frames, data) -> None:
    fresh = replace(data, answers=Answers(""))
    assert same(measure(name, fresh, period=Q4), measure(name, replace(data, answers=Answers("")), period=Q4))


@pytest.mark.in_turns
@every_indicator
def test_every_attribute_can_be_split_by(name, tiny) -> None:
    item = CATALOGUE[name]
    for by in attributes(item, tiny):
        found = crm.breakdown(name, tiny, by=by)
        assert found.frame.columns.tolist() == [by, "value", "low", "high", "n"]


@pytest.mark.in_turns
@every_indicator
def test_exclusions_are_declared(name, data) -> None:
    item = CATALOGUE[name]
    reasons = {reason for reason, _ in measure(name, data, period="2025").excluded}
    assert reasons <= set(item.excludes) <= set(EXCLUSIONS)
