"""What passes the door: leniency that is counted, test accounts, money, time zones, names and words of a company."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import crmtools as crm
from crmtools import CATALOGUE, show
from crmtools.errors import DataError
from crmtools.period import Period
from crmtools.tables import TABLES
from crmtools.tables.door_report import DoorReport, TableReport


def report_of(data: crm.Data, table: str):
    return next(item for item in data.door.tables if item.table == table)


def plain_ids(project) -> None:
    project.settings["source"]["pseudonyms"] = False


# ---- leniency


@pytest.mark.parametrize(
    ("kind", "table", "row", "cells"),
    [
        ("missing", "orders", 5, {"customer_id": ""}),
        ("unparsed", "orders", 5, {"net_amount": "much"}),
        ("unparsed", "tickets", 2, {"resolved_at": "later"}),
        ("values", "orders", 5, {"status": "paid"}),
        ("duplicates", "orders", 5, {"order_id": "O01"}),
        ("orphans", "orders", 5, {"customer_id": "C99"}),
        ("order", "tickets", 2, {"resolved_at": "2025-01-01 00:00"}),
        ("negative", "orders", 5, {"net_amount": "-1"}),
    ],
)
def test_rows_left_out_are_counted_and_gone(project, kind, table, row, cells) -> None:
    plain_ids(project)
    key = TABLES[table].key[0]
    gone = project.rows(table)[row - 1][key]
    project.change(table, row, **cells)
    project.how(table, leave_out=[kind])
    data = project.open()
    report = report_of(data, table)
    assert dict(report.left_out) == {kind: 1, "test_account": report.left_out["test_account"]}
    assert report.kept == report.read - sum(report.left_out.values())
    assert report.read == len(project.rows(table))
    kept = data.execute(data[table].select(key))[key].tolist()
    assert gone not in kept
    assert len(kept) == report.kept
    if kind == "duplicates":
        assert kept.count("O01") == 1


def test_the_first_of_rows_that_stand_twice_is_kept(project) -> None:
    plain_ids(project)
    rows = project.rows("orders")
    project.save("orders", [*rows, rows[0] | {"net_amount": "1"}, rows[0] | {"net_amount": "2"}])
    project.how("orders", leave_out=["duplicates"])
    data = project.open()
    assert dict(report_of(data, "orders").left_out) == {"duplicates": 2, "test_account": 2}
    first = data.execute(data["orders"].filter(data["orders"].order_id == "O01"))
    assert first.net_amount.tolist() == [400]


def test_a_row_with_two_faults_is_counted_once(project) -> None:
    project.change("orders", 5, net_amount="much", customer_id="C99")
    project.how("orders", leave_out=["orphans", "unparsed"])
    report = report_of(project.open(), "orders")
    assert sum(report.left_out.values()) == 1 + 2


def test_leniency_is_for_its_kind_and_table_only(project) -> None:
    project.change("orders", 5, net_amount="much", status="paid")
    project.change("tickets", 1, created_at="soon")
    project.how("orders", leave_out=["unparsed"])
    with pytest.raises(crm.DataError) as caught:
        project.open()
    assert [p.place for p in caught.value.problems] == ["orders.csv · status", "tickets.csv · created_at"]


def test_a_table_of_which_no_row_remains_is_an_error(project) -> None:
    for row in range(1, 24):
        project.change("orders", row, net_amount="12,50")
    project.how("orders", leave_out=["unparsed"])
    with pytest.raises(crm.DataError, match=r"nothing remains: all 23 rows would be left out \(23 unparsed\)"):
        project.open()


def test_rows_of_customers_that_were_left_out_belong_to_the_group_without_a_name(project) -> None:
    project.change("customers", 1, acquired_at="soon")
    project.how("customers", leave_out=["unparsed"])
    data = project.open()
    total, groups = crm.measure("nps", data), crm.breakdown("nps", data, by="region").estimates
    assert sum(e.n for e in groups) == total.n == 9
    assert {dict(e.group)["region"]: e.n for e in groups}[""] == 1


def test_an_empty_table_may_be_declared(project) -> None:
    project.write("orders.csv", project.text("orders").splitlines()[0] + "\n")
    project.how("orders", leave_out=["empty"])
    data = project.open()
    assert report_of(data, "orders").kept == 0
    assert crm.measure("revenue_per_customer", data).why.en == "nothing to count in this period"


# ---- test accounts


def test_test_accounts_are_gone_with_everything_that_hangs_on_them(whole) -> None:
    project = whole
    plain_ids(project)
    project.write("order_lines.csv", "line_id,order_id,quantity\nL1,O22,1\nL2,O01,2\n")
    project.write("feedback_codes.csv", "feedback_id,coder_id,code\nF05,A1,x\nF01,A1,y\n")
    project.write(
        "ratings.csv", "case_id,rater_id,item_id,value,at\nK09,A1,tone,50,2025-12-05\nK01,A1,tone,60,2025-10-06\n"
    )
    rows = project.rows("payments")
    rows.append(rows[0] | {"payment_id": "P99", "invoice_id": "V08", "customer_id": "C01"})
    project.save("payments", rows)
    data = project.open()
    for name in data:
        frame = data.execute(data[name])
        for column in ("customer_id", "order_id", "invoice_id", "feedback_id", "case_id"):
            if column in frame:
                assert not {"C12", "O22", "O23", "V08", "F05", "K09"} & set(frame[column]), (name, column)
    for name in ("order_lines", "feedback_codes", "ratings"):
        assert dict(report_of(data, name).left_out) == {"test_account": 1}, name
    assert dict(report_of(data, "payments").left_out) == {"test_account": 2}
    assert report_of(data, "customers").kept == 11


def test_without_the_flag_nobody_is_a_test(project) -> None:
    project.save("customers", [{k: v for k, v in row.items() if k != "is_test"} for row in project.rows("customers")])
    data = project.open()
    assert report_of(data, "customers").kept == 12
    assert not report_of(data, "orders").left_out


@pytest.mark.parametrize("word", ["true", "TRUE", "yes", "1", "是", "T"])
def test_words_for_yes(project, word) -> None:
    project.change("customers", 12, is_test=word)
    assert report_of(project.open(), "customers").kept == 11


# ---- money


def test_foreign_money_is_converted_at_the_last_rate_before_it(project, orders) -> None:
    """Rates of 1 January 2024 (7.2), 1 July (7.3) and 1 October 2025 (7.1)."""
    days = {"O01": "2024-03-05 10:00", "O05": "2025-06-30 23:59", "O06": "2025-07-01 00:00", "O12": "2025-09-30 12:00",
            "O16": "2025-10-01 00:00", "O19": "2025-12-31 23:59"}  # fmt: skip
    rows = project.rows("orders")
    for row in rows:
        if row["order_id"] in days:
            row |= {"ordered_at": days[row["order_id"]], "net_amount": "100", "gross_amount": "200", "refund_amount": "10",
                    "cogs": "50", "discount": "100", "currency": "USD", "status": "completed"}  # fmt: skip
    project.save("orders", rows)
    plain_ids(project)
    frame = orders(project.open()).set_index("order_id")
    rates = {"O01": 7.2, "O05": 7.2, "O06": 7.3, "O12": 7.3, "O16": 7.1, "O19": 7.1}
    for order, rate in rates.items():
        row = frame.loc[order]
        amounts = [row[c] for c in ("net_amount", "gross_amount", "refund_amount", "cogs", "discount")]
        assert amounts == pytest.approx([100 * rate, 200 * rate, 10 * rate, 50 * rate, 100 * rate])
    assert frame.loc["O07", "net_amount"] == 500
    assert set(frame.currency.dropna()) == {"CNY"}


def test_the_report_may_be_in_another_currency(project) -> None:
    project.report(currency="USD")
    project.write("fx_rates.csv", "date,currency,rate\n2020-01-01,CNY,0.14\n")
    data = project.open()
    found = crm.measure("revenue_per_customer", data)
    assert data.currency == "USD"
    # O19 says no currency: it is taken for the report's
    assert found.value == pytest.approx((0.14 * (300 + 450 + 1200 + 200) + 200 + 250) / 6)


def test_customers_have_no_amounts_to_convert(project) -> None:
    project.save("customers", [row | {"currency": "USD"} for row in project.rows("customers")])
    project.only("customers", "tickets")
    data = project.open()
    assert set(data.execute(data["customers"]).currency) == {"USD"}


def test_every_table_of_money_has_a_day_to_convert_at() -> None:
    for table in TABLES.values():
        if any(column.type == "money" for column in table.columns):
            assert table.time, table.name
            assert "currency" in table, table.name


# ---- times


STAMPS = {
    "2025-12-30T23:30:00Z": datetime(2025, 12, 30, 23, 30, tzinfo=UTC),
    "2025-12-30 23:30:00 UTC": datetime(2025, 12, 30, 23, 30, tzinfo=UTC),
    "2025-12-30 23:30Z": datetime(2025, 12, 30, 23, 30, tzinfo=UTC),
    "2025-12-30T18:30:00-05:00": datetime(2025, 12, 30, 18, 30, tzinfo=timezone(timedelta(hours=-5))),
    "2025-12-30 18:30:00.250 -0500": datetime(2025, 12, 30, 18, 30, 0, 250000, tzinfo=timezone(timedelta(hours=-5))),
    "2025-07-01T05:00+05:30": datetime(2025, 7, 1, 5, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    "2025-12-30 14:05": None,
    "2025-12-30T14:05:06": None,
    "2025/12/30 14:05": None,
    "2025-12-30": None,
}


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York"])
def test_stamps_with_an_offset_are_moved_into_the_reports_zone(project, zone) -> None:
    rows = project.rows("orders")[: len(STAMPS)]
    for row, written in zip(rows, STAMPS, strict=True):
        row["ordered_at"] = written
    project.only("customers", "orders", "fx_rates")
    project.save("orders", rows)
    project.report(time_zone=zone)
    plain_ids(project)
    data = project.open()
    found = data.execute(data["orders"].select("order_id", "ordered_at")).set_index("order_id").ordered_at
    for row, (written, instant) in zip(rows, STAMPS.items(), strict=True):
        plain = written.replace("/", "-")
        expected = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if instant else datetime.fromisoformat(plain)
        assert found[row["order_id"]] == expected, written


def test_a_day_is_the_day_of_the_reports_zone(project) -> None:
    project.change("customers", 1, acquired_at="2025-12-30T23:30:00Z")
    project.change("customers", 2, acquired_at="2025-12-30 23:30:00")
    plain_ids(project)
    data = project.open()
    found = data.execute(data["customers"]).set_index("customer_id").acquired_at.dt.date
    assert found["C01"] == date(2025, 12, 31)
    assert found["C02"] == date(2025, 12, 30)


def test_milliseconds_since_1970(project) -> None:
    rows = project.rows("orders")
    for row in rows:
        stamp = datetime.fromisoformat(row["ordered_at"]).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
        row["ordered_at"] = str(int(stamp.timestamp() * 1000))
    project.save("orders", rows)
    project.how("orders", formats={"ordered_at": "epoch_ms"})
    assert crm.measure("revenue_per_customer", project.open()).value == pytest.approx(
        crm.measure("revenue_per_customer", crm.open("tiny")).value
    )


@pytest.mark.parametrize(
    ("written", "form", "expected"),
    [
        ("05.11.2025 08:30", "%d.%m.%Y %H:%M", datetime(2025, 11, 5, 8, 30)),
        ("11/05/2025", "%m/%d/%Y", datetime(2025, 11, 5)),
        ("5 Nov 2025 08:30 +0000", "%d %b %Y %H:%M %z", datetime(2025, 11, 5, 16, 30)),
        ("20251105", "%Y%m%d", datetime(2025, 11, 5)),
    ],
)
def test_formats(project, written, form, expected) -> None:
    project.only("customers", "orders", "fx_rates")
    project.save("orders", [project.rows("orders")[0] | {"ordered_at": written}])
    project.how("orders", formats={"ordered_at": form})
    data = project.open()
    assert data.execute(data["orders"]).ordered_at.tolist() == [expected]


@pytest.mark.parametrize(
    ("form", "written", "expected"),
    [
        ("1.234,56", ["1.234,56", "+1234,5", "12", "1.234.567", "0.500"], [1234.56, 1234.5, 12.0, 1234567.0, None]),
        ("1,234.56", ["1,234.56", "+1234.5", "12", "1,234,567", ".5"], [1234.56, 1234.5, 12.0, 1234567.0, None]),
        ("1 234,56", ["1 234,56", "1\u202f234,5", "1\u00a0234", "12,5", "1.5"], [1234.56, 1234.5, 1234.0, 12.5, None]),
        ("1'234.56", ["1'234.56", "+1\u2019234", "12.5", "1'23", "1,5"], [1234.56, 1234.0, 12.5, None, None]),
    ],
)
def test_numbers_are_read_as_they_are_said_to_be_written_and_in_no_other_way(project, form, written, expected) -> None:
    project.only("customers", "orders", "fx_rates")
    amounts = [amount for amount, number in zip(written, expected) if number is not None]
    rows = [{**row, "net_amount": amount} for row, amount in zip(project.rows("orders"), amounts)]
    project.save("orders", rows)
    project.how("orders", formats={"net_amount": form})
    data = project.open()
    found = data.execute(data["orders"]).net_amount.tolist()
    assert sorted(found) == sorted(number for number in expected if number is not None)
    for amount in (amount for amount, number in zip(written, expected) if number is None):
        project.save("orders", [{**rows[0], "net_amount": amount}])
        with pytest.raises(DataError, match=re.escape(f"row 2 '{amount}'")):
            project.open()


def test_what_is_a_number_or_a_date_in_the_source_is_read_as_it_is(project) -> None:
    """A format says how texts are written; a workbook has both in one column, Parquet has none."""
    project.only("customers", "orders", "fx_rates")
    rows = project.rows("orders")[:3]
    project.remove("orders")
    frame = pd.DataFrame([{k: row[k] for k in ("order_id", "customer_id", "currency")} for row in rows])
    frame["ordered_at"] = ["05.11.2025", datetime(2025, 11, 6), "07.11.2025"]
    frame["net_amount"] = ["1.234,56", 12.345, 7]
    frame.to_excel(project.data / "orders.xlsx", index=False)
    project.how("orders", formats={"net_amount": "1.234,56", "ordered_at": "%d.%m.%Y"})
    data = project.open()
    found = data.execute(data["orders"])
    assert sorted(found.net_amount) == [7.0, 12.345, 1234.56]
    assert sorted(found.ordered_at) == [datetime(2025, 11, day) for day in (5, 6, 7)]
    (project.data / "orders.xlsx").unlink()
    amounts = pa.array([Decimal("12.345"), Decimal("1.500"), None], pa.decimal128(18, 3))
    table = pa.Table.from_pandas(frame.drop(columns=["net_amount", "ordered_at"])).append_column("net_amount", amounts)
    pq.write_table(table.append_column("ordered_at", pa.array(["05.11.2025"] * 3)), project.data / "orders.parquet")
    project.how("orders", formats={"net_amount": "1.234,56", "ordered_at": "%d.%m.%Y"}, leave_out=["missing"])
    data = project.open()
    assert sorted(data.execute(data["orders"]).net_amount) == [1.5, 12.345]


# ---- a company's own names and words


def test_chinese_headers_words_and_formats(project) -> None:
    headers = {"order_id": "订单号", "customer_id": "客户编号", "ordered_at": "下单时间", "status": "状态", "net_amount": "实付金额",
               "refund_amount": "退款", "currency": "币种", "channel": "渠道"}  # fmt: skip
    words = {"completed": "已完成", "cancelled": "已取消", "returned": "已退货", "": ""}
    rows = [
        {
            headers[k]: words[v] if k == "status" else v.replace("-", "/") if k == "ordered_at" else v
            for k, v in row.items()
            if k in headers
        }
        for row in project.rows("orders")
    ]
    project.remove("orders")
    project.save("orders", rows, name="销售订单.csv", encoding="gb18030")
    project.how(
        "orders", file="销售订单.csv", encoding="gb18030", columns={new: old for old, new in headers.items()},
        values={"status": {new: old for old, new in words.items() if new}}, formats={"ordered_at": "%Y/%m/%d %H:%M"},
    )  # fmt: skip
    found = crm.measure("revenue_per_customer", project.open())
    tiny = crm.measure("revenue_per_customer", crm.open("tiny"))
    assert (found.value, found.n, found.excluded) == (pytest.approx(tiny.value), tiny.n, tiny.excluded)


def test_words_that_nobody_translated_are_named(project) -> None:
    """One of the regions was misspelt: it would stand in every table in another language, or be one of its own."""
    german = {"north": "Nord", "south": "süd", "east": "Ost"}
    rows = [row | {"region": german.get(row["region"], row["region"])} for row in project.rows("customers")]
    south = sum(row["region"] == "süd" and row["is_test"] != "true" for row in rows)
    project.save("customers", rows)
    project.how("customers", values={"region": {"Nord": "north", "Süd": "south", "Ost": "east", "west": "west"}})
    data = project.open()
    assert report_of(data, "customers").unmapped == {"region": {"süd": south}}
    (remark,) = data.door.remarks
    assert remark == (
        "customers.csv: region: no line of source.tables.customers.values.region translates "
        f"süd ({south:,} rows); left as written"
    )
    for language, few in (("en", "region (1 rare)"), ("zh", "region (另有 1 个少见的词)")):
        assert "region (süd)" in show.door(data, language=language).html
        publish = data.settings.publish.model_copy(update={"smallest_group": south + 1})
        strict = replace(data, settings=data.settings.model_copy(update={"publish": publish}))
        shown = show.door(strict, language=language).html
        assert "süd" not in shown
        assert few in shown
    assert report_of(crm.open(f"{project.parameters}#region=north"), "customers").unmapped == {}
    project.how("customers", values={"region": {"Nord": "north", "süd": "south", "Ost": "east", "west": "west"}})
    assert report_of(project.open(), "customers").unmapped == {}


def test_headers_differ_in_case_blanks_and_dashes(project) -> None:
    project.write(
        "orders.csv",
        project.text("orders").replace("order_id,customer_id,ordered_at", "Order ID, CUSTOMER-ID ,Ordered At", 1),
    )
    assert report_of(project.open(), "orders").unused == ()


def test_columns_that_are_not_known_are_told_and_dropped(project) -> None:
    project.save("orders", [row | {"Bemerkung": "geheim", "x": "1"} for row in project.rows("orders")])
    project.how("orders", columns={"x": "ignore"})
    data = project.open()
    assert report_of(data, "orders").unused == ("Bemerkung",)
    assert data.door.remarks == ("orders.csv: columns not used: Bemerkung",)
    assert not {"Bemerkung", "x"} & set(data["orders"].columns)


def test_declared_segments_beyond_the_schema(project) -> None:
    project.save(
        "customers", [row | {"Kundenkreis": "a" if n % 2 else "b"} for n, row in enumerate(project.rows("customers"))]
    )
    project.report(segments=["Kundenkreis", "region"])
    found = crm.breakdown("nps", project.open(), by="Kundenkreis")
    assert {dict(e.group)["Kundenkreis"]: e.n for e in found.estimates} == {"a": 4, "b": 5}


def test_customers_derived_from_orders(project) -> None:
    project.only("orders", "fx_rates")
    project.report(segments=[])
    plain_ids(project)
    project.how("customers", derive="orders")
    data = project.open()
    found = data.execute(data["customers"]).set_index("customer_id").acquired_at.dt.strftime("%Y-%m-%d").to_dict()
    assert found == {
        "C01": "2024-03-05", "C02": "2025-08-12", "C03": "2025-07-20", "C04": "2025-09-05", "C05": "2025-08-01",
        "C06": "2025-05-15", "C07": "2025-10-02", "C08": "2025-12-10", "C10": "2024-12-01", "C12": "2025-11-01",
    }  # fmt: skip
    assert report_of(data, "customers").place == "derived from orders.csv"


def test_lists_of_customers_become_attributes(project) -> None:
    project.write("vip.txt", "  1 C01\n2 C05,x\n3 C99\n")
    project.how("customers", lists={"vip": {"file": "data/vip.txt", "column": 2}})
    project.report(segments=["vip"])
    data = project.open()
    found = crm.breakdown("nps", data, by="vip")
    assert {dict(e.group)["vip"]: e.n for e in found.estimates} == {"yes": 2, "no": 7}


# ---- the report of the door


def test_door_report_by_hand(project) -> None:
    report = report_of(project.open(), "orders")
    assert (report.read, report.kept, dict(report.left_out)) == (23, 21, {"test_account": 2})
    assert (report.first, report.last) == ("2024-03-05", "2025-12-31")
    assert report.filled["status"] == pytest.approx(20 / 21)
    assert report.filled["refund_amount"] == pytest.approx(3 / 21)
    assert report.place == "orders.csv"
    assert report.dropped_personal == ()


def test_door_report_survives_json(project) -> None:
    import json

    door = project.open().door
    assert DoorReport.from_dict(json.loads(json.dumps(door.to_dict()))) == door


def table_report(table: str, first: str, last: str) -> TableReport:
    return TableReport(table, f"{table}.csv", 1, 1, {}, {}, (), (), first, last)


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ([("orders", "2024-01-02", "2025-08-01"), ("tickets", "2025-01-01", "2025-09-30")],
         "the newest row of all tables is of 2025-09-30, and the period 2025-10 begins on 2025-10-01"),
        ([("orders", "2025-11-01", "2025-12-01")],
         "the oldest row of all tables is of 2025-11-01, and the period 2025-10 ends on 2025-10-31"),
        ([("orders", "2024-01-02", "2025-08-01"), ("tickets", "2025-01-01", "2025-10-01")], ""),
        ([("orders", "2025-10-31", "2025-12-31")], ""),
        ([("contacts", "", "")], ""),
        # when customers were won says nothing of what they did
        ([("customers", "2020-01-01", "2025-12-01"), ("orders", "2024-01-01", "2025-09-30")], "is of 2025-09-30"),
        ([("customers", "2020-01-01", "2025-09-01"), ("orders", "2025-11-01", "2025-12-01")], "is of 2025-11-01"),
        ([("customers", "2020-01-01", "2025-12-01")], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_a_period_without_a_row_is_missed(tables, words) -> None:
    found = DoorReport.of([table_report(*one) for one in tables], []).misses(Period.parse("2025-10"))
    assert words in found
    assert bool(words) == bool(found)


def test_a_row_of_a_month_reaches_to_its_end() -> None:
    (monthly,) = (name for name, table in TABLES.items() if table.monthly)
    door = DoorReport.of([table_report(monthly, "2025-01-01", "2025-10-01")], [])
    assert door.last == "2025-10-31"
    assert door.misses(Period.parse("2025-10-15..2025-10-31")) == ""


# ---- the cut


def test_what_began_later_is_not_there_and_what_was_filled_in_later_is_empty(whole) -> None:
    project = whole
    plain_ids(project)
    project.report(as_of="2025-11-05", period="2025-10")
    data = project.open()
    tickets = data.execute(data["tickets"]).set_index("ticket_id")
    assert sorted(tickets.index) == ["K01", "K02", "K03", "K08"]
    assert tickets.resolved_at.notna().to_dict() == {"K01": True, "K02": True, "K03": False, "K08": False}
    assert tickets.first_response_at.notna().all()
    assert tickets.due_at["K03"].date() == date(2025, 11, 5)
    assert data.cut["tickets"] == 4
    assert data.cut["customers"] == 2
    subscriptions = data.execute(data["subscriptions"]).set_index("subscription_id")
    assert subscriptions.ended_at.notna().sum() == 4
    assert data.execute(data["customers"]).acquired_at.max().date() <= date(2025, 11, 5)


def test_lines_begin_with_their_order(project) -> None:
    project.write("order_lines.csv", "line_id,order_id,quantity\nL1,O18,1\nL2,O01,2\n")
    project.report(as_of="2025-11-05", period="2025-10")
    data = project.open()
    assert data.execute(data["order_lines"]).quantity.tolist() == [2]
    assert data.cut["order_lines"] == 1


def test_an_indicator_of_each_dimension_is_computed(whole) -> None:
    project = whole
    data = project.open()
    computed = {CATALOGUE[name].dimension for name in CATALOGUE if crm.measure(name, data).value is not None}
    assert computed >= {
        "satisfaction",
        "loyalty",
        "churn",
        "value",
        "acquisition",
        "service",
        "interaction",
        "feedback",
        "credit",
    }
