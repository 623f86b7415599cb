"""The simulated company and the tiny one keep every rule that the neutral schema declares."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from crmtools.simulate import simulate_frames
from crmtools.tables import TABLES, Table

TINY = Path(__file__).parents[2] / "data" / "tiny"
AS_OF = date(2025, 12, 31)
KINDS = {"category": "O", "text": "O", "id": "O", "number": "f", "money": "f", "count": "i", "flag": "b"}


def read_tiny() -> dict[str, pd.DataFrame]:
    frames = {}
    for path in sorted(TINY.glob("*.csv")):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8").replace("", None)
        for column in TABLES[path.stem].columns:
            if column.name not in frame:
                continue
            if column.type in ("day", "time"):
                frame[column.name] = pd.to_datetime(frame[column.name], format="ISO8601")
            elif column.type in ("number", "money", "count"):
                frame[column.name] = pd.to_numeric(frame[column.name])
        frames[path.stem] = frame
    return frames


@pytest.fixture(scope="module", params=["tiny", "demo", "another seed"])
def company(request) -> dict[str, pd.DataFrame]:
    if request.param == "tiny":
        return read_tiny()
    if request.param == "demo":
        return simulate_frames(customers=1500)
    return simulate_frames(customers=300, seed=7, months=19, as_of=AS_OF)


def each(company: dict[str, pd.DataFrame]):
    return ((TABLES[name], frame) for name, frame in company.items())


def test_columns_are_those_of_the_schema(company) -> None:
    for table, frame in each(company):
        assert set(frame) <= {column.name for column in table.columns}, table.name
        assert set(table.required) <= set(frame), table.name
        for name in table.required:
            assert frame[name].notna().all(), (table.name, name)


def test_keys_are_unique(company) -> None:
    for table, frame in each(company):
        if table.key:
            assert not frame.duplicated(list(table.key)).any(), table.name


def test_references_are_found(company) -> None:
    for table, frame in each(company):
        for column in table.columns:
            if column.name in frame and column.refers in company:
                target: Table = TABLES[column.refers]
                known = set(company[column.refers][target.key[0]])
                assert set(frame[column.name].dropna()) <= known, (table.name, column.name)


def test_values_are_legal(company) -> None:
    for table, frame in each(company):
        for column in table.columns:
            if column.values and column.name in frame:
                assert set(frame[column.name].dropna()) <= set(column.values), (table.name, column.name)
            if column.type in ("money", "number", "count") and not column.signed and column.name in frame:
                assert not (frame[column.name] < 0).any(), (table.name, column.name)


def test_times_are_in_order_and_nothing_is_known_ahead(company) -> None:
    end = pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
    for table, frame in each(company):
        for earlier, later in table.order:
            if {earlier, later} <= set(frame):
                assert not (frame[earlier] > frame[later]).any(), (table.name, earlier, later)
        for column in table.columns:
            if column.type in ("day", "time") and column.name in frame and not column.future:
                assert not (frame[column.name] >= end).any(), (table.name, column.name)


def test_nothing_happens_to_a_customer_before_the_acquisition(company) -> None:
    since = company["customers"].set_index("customer_id")["acquired_at"]
    for name in ("tickets", "interactions", "survey_answers", "subscriptions", "invoices"):
        frame, table = company[name], TABLES[name]
        if name == "invoices":
            frame = frame[frame["invoice_id"] != "V12"]  # on purpose: billed before the day of acquisition
        assert (frame[table.time] >= frame["customer_id"].map(since)).all(), name


def test_answers_lie_on_their_scale(company) -> None:
    answers = company["survey_answers"].merge(company["survey_items"], on="item_id")
    assert answers["value"].between(answers["scale_min"], answers["scale_max"]).all()


def test_no_invoice_is_paid_beyond_its_amount(company) -> None:
    invoices = company["invoices"].set_index("invoice_id")
    paid = company["payments"].groupby("invoice_id")["amount"].sum().reindex(invoices.index).fillna(0)
    assert (paid.round(2) <= invoices["amount"]).all()
    assert (invoices["written_off_amount"].fillna(0) <= invoices["amount"]).all()  # some of it may be recovered later


@pytest.fixture(scope="module")
def demo() -> dict[str, pd.DataFrame]:
    return simulate_frames(customers=800)


def test_every_table_and_every_column_is_there(demo) -> None:
    assert list(demo) == list(TABLES)
    for name, table in TABLES.items():
        assert list(demo[name]) == [column.name for column in table.columns]
        assert len(demo[name]) > 0, name


def test_columns_have_the_types_of_the_schema(demo) -> None:
    for name, table in TABLES.items():
        for column in table.columns:
            values = demo[name][column.name]
            if column.type in ("day", "time"):
                assert values.dtype.kind == "M", (name, column.name)
            elif values.notna().any():
                assert values.dtype.kind == KINDS[column.type], (name, column.name, values.dtype)


def test_days_carry_no_time_of_day(demo) -> None:
    for name, table in TABLES.items():
        for column in table.columns:
            if column.type == "day":
                days = demo[name][column.name].dropna()
                assert (days == days.dt.normalize()).all(), (name, column.name)


def test_lines_add_up_to_their_order(demo) -> None:
    lines = demo["order_lines"].groupby("order_id")["amount"].sum()
    orders = demo["orders"].set_index("order_id")["net_amount"]
    pd.testing.assert_series_equal(lines, orders.loc[lines.index], check_names=False)


def test_hard_cases_are_in_the_data(demo) -> None:
    names = demo["customers"]["name"]
    for piece in ("<script>", "=cmd|", "\n", '"', "DROP TABLE", "Null"):
        assert names.str.contains(piece, regex=False).any(), piece
    assert demo["customers"]["is_test"].any()
    orders = demo["orders"].assign(day=demo["orders"]["ordered_at"].dt.normalize())
    assert orders[orders["status"] == "completed"].duplicated(["customer_id", "day"]).any()
    assert set(orders["currency"]) == {"CNY", "USD"}
    assert {"completed", "cancelled", "returned"} == set(orders["status"])
    assert (demo["tickets"]["first_response_at"].isna() & (demo["tickets"]["type"] != "spam")).any()
    assert {"spam", "duplicate", "disqualified", "converted", "open"} == set(demo["leads"]["status"])
