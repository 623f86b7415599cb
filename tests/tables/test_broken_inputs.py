"""Inputs that are broken: each stops the run with one error that says where, what was found and what to do."""

import gzip
import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from crmtools import CRMError, DataError, SettingsError
from crmtools.tables.source import open_settings

Break = Callable[[Any], object]
CASES: list[Any] = []


def broken(*words: str, error: type[CRMError] = DataError) -> Callable[[Break], Break]:
    """A case: the function breaks a project, ``words`` must stand in the message."""

    def add(breaks: Break) -> Break:
        CASES.append(pytest.param(breaks, words, error, id=breaks.__name__))
        return breaks

    return add


@pytest.mark.parametrize(("breaks", "words", "error"), CASES)
def test_one_clear_error_and_nothing_left_behind(project, breaks, words, error) -> None:
    (project.root / ".crmtools" / "snapshots" / "earlier").mkdir(parents=True)
    project.only("customers", "orders", "spend", "fx_rates", "tickets", "survey_answers")
    breaks(project)
    with pytest.raises(CRMError) as caught:
        project.open()
    message = str(caught.value)
    assert type(caught.value) is error
    assert [word for word in words if word not in message] == [], message
    assert project.snapshots == {"earlier"}
    assert "Traceback" not in message
    assert "None" not in message
    assert str(project.root) not in message.replace(str(project.parameters), "mine.yml"), "an absolute path"
    if problems := caught.value.problems:
        assert all(problem.place and problem.message.endswith((".", "?", "}", "]")) for problem in problems), message
        assert len({str(problem) for problem in problems}) == len(problems), "said twice"


# ---- files


@broken("data", "there is no such folder", "source.folder")
def folder_that_is_not_there(p):
    p.settings["source"]["folder"] = "dat"
    p.data.rename(p.root / "elsewhere")


@broken("there is no file 'orders_2025.csv'", "Did you mean 'orders.csv'?")
def file_that_is_not_there(p):
    p.how("orders", file="orders_2025.csv")


@broken("several files could be meant", "'orders.csv', 'orders.xlsx'", "source.tables.orders.file")
def two_files_for_one_table(p):
    p.write("orders.xlsx", b"")


@broken("no table was found", "'sales.dat'", "Name files after tables")
def folder_without_tables(p):
    p.only()
    p.write("sales.dat", "x")


@broken("data · orders", "'Orders.csv' is all but the name of this table", "Rename it to orders.csv")
def file_in_capitals(p):
    (p.data / "orders.csv").rename(p.data / "x")
    (p.data / "x").rename(p.data / "Orders.csv")


@broken("data · tickets", "'ticket.csv'", "source.tables.tickets.file: ticket.csv")
def file_with_a_letter_missing(p):
    (p.data / "tickets.csv").rename(p.data / "ticket.csv")


@broken("orders.csv", "the file is empty", "every table is optional")
def empty_file(p):
    p.write("orders.csv", "")


@broken("orders.csv", "the file is empty")
def file_of_blank_lines(p):
    p.write("orders.csv", "\n \n\n")


@broken("orders.csv", "a header but no rows", "source.tables.orders.leave_out: [empty]")
def only_a_header(p):
    p.write("orders.csv", p.text("orders").splitlines()[0] + "\n")


@broken("customers.csv", "not text in the encoding", "source.tables.customers.encoding: gb18030")
def gbk_read_as_utf8(p):
    p.write("customers.csv", p.text("customers").encode("gb18030"))


@broken("customers.csv", "not text in the encoding")
def gbk_header_read_as_utf8(p):
    p.rename("customers", name="姓名")
    p.write("customers.csv", p.text("customers").encode("gb18030"))


@broken("orders.csv", "there is no encoding 'utf-9'", "gb18030")
def encoding_that_is_not_there(p):
    p.how("orders", encoding="utf-9")


@broken("orders.csv", "not text in the encoding")
def utf16_read_as_utf8(p):
    p.write("orders.csv", p.text("orders").encode("utf-16"))


@broken("orders.csv", "line 6 has more cells than the first line", "has 11", "source.tables.orders.delimiter")
def row_with_a_cell_too_many(p):
    p.write("orders.csv", p.text("orders").replace("O05,", "O05,again,"))


@broken("orders.csv", "line 6 has fewer cells than the first line", "Mend the line")
def row_with_a_cell_too_few(p):
    p.write("orders.csv", p.text("orders").replace("O05,C03,", "O05,"))


@broken("orders.csv", "line 2 has more cells than the first line, which must be the header")
def title_above_the_header(p):
    p.write("orders.csv", "Orders of the year\n" + p.text("orders"))


@broken("customers.csv", "line 3", "quotation mark")
def quotation_mark_that_is_not_closed(p):
    p.write("customers.csv", p.text("customers").replace('""Bob""', '"Bob'))


@broken("orders.csv · customer_id", "column missing", "<html>")
def login_page_instead_of_the_export(p):
    p.write("orders.csv", "<html>\n<body>\n</html>\n")


@broken("orders.csv · customer_id", "column missing", "order_id,customer_id")
def delimiter_that_is_not_used(p):
    p.how("orders", delimiter=";")


@broken("log.txt", "line 3 has 2 cells, the header has 3")
def whitespace_text_with_a_cell_missing(p):
    p.write("log.txt", "customer_id ordered_at net_amount\nC01 2025-01-01 3\nC01 2025-01-02\n")
    p.how("orders", file="log.txt", delimiter="whitespace")


@broken("log.csv", "its first line has 2 cells, but 'header' names 3")
def header_in_settings_that_does_not_fit(p):
    p.write("log.csv", "C01,2025-01-01\n")
    p.how("orders", file="log.csv", header=["customer_id", "ordered_at", "net_amount"])


@broken("orders.csv.gz", "cannot be read, or is cut off", "Export it again")
def gzip_that_is_cut_off(p):
    whole = gzip.compress(p.text("orders").encode() * 50)
    p.remove("orders")
    p.write("orders.csv.gz", whole[: len(whole) // 2])


@broken("orders.parquet", "cannot be read, or is cut off", "Export it again")
def parquet_that_is_cut_off(p):
    pd.DataFrame(p.rows("orders")).to_parquet(p.data / "orders.parquet")
    whole = (p.data / "orders.parquet").read_bytes()
    p.remove("orders")
    p.write("orders.parquet", whole[:-40])


@broken("orders.xlsx", "not an Excel workbook", "Save it as .xlsx again")
def csv_named_excel(p):
    p.write("orders.xlsx", p.text("orders"))
    p.remove("orders")


@broken("orders.xlsx", "not an Excel workbook, or a damaged one")
def excel_that_is_cut_off(p):
    pd.DataFrame(p.rows("orders")).to_excel(p.data / "orders.xlsx")
    whole = (p.data / "orders.xlsx").read_bytes()
    p.remove("orders")
    p.write("orders.xlsx", whole[: len(whole) // 2])


@broken("shop.xlsx", "there is no sheet 'Order'", "Did you mean 'Orders'?")
def excel_without_the_sheet(p):
    pd.DataFrame(p.rows("orders")).to_excel(p.data / "shop.xlsx", sheet_name="Orders", index=False)
    p.how("orders", file="shop.xlsx", sheet="Order")


@broken("There is no DuckDB file data/shop.duckdb", "source.duckdb")
def duckdb_that_is_not_there(p):
    p.settings["source"] = {"duckdb": "data/shop.duckdb"}


@broken("data/shop.duckdb cannot be opened as a DuckDB file")
def duckdb_that_is_none(p):
    p.write("shop.duckdb", "order_id,customer_id\n" * 1000)
    p.settings["source"] = {"duckdb": "data/shop.duckdb"}


@broken("data/shop.duckdb · orders", "there is no table 'bestellung'", "Did you mean 'bestellungen'?")
def duckdb_without_the_table(p):
    import duckdb

    with duckdb.connect(str(p.data / "shop.duckdb")) as con:
        con.execute("CREATE TABLE bestellungen (x INT)")
    p.settings["source"] = {"duckdb": "data/shop.duckdb", "tables": {"orders": {"file": "bestellung"}}}


@broken("holds none of the known tables", "'x'", "source.tables.NAME.file")
def duckdb_of_something_else(p):
    import duckdb

    with duckdb.connect(str(p.data / "shop.duckdb")) as con:
        con.execute("CREATE TABLE x (y INT)")
    p.settings["source"] = {"duckdb": "data/shop.duckdb"}


# ---- columns


@broken("orders.csv · net_amount", "column missing, and it is needed", "source.tables.orders.columns")
def needed_column_missing(p):
    p.save("orders", [{k: v for k, v in row.items() if k != "net_amount"} for row in p.rows("orders")])


@broken("orders.csv · net_amount", "Found 'net_amout': map it with columns: {net_amout: net_amount}")
def needed_column_misspelled(p):
    p.rename("orders", net_amount="net_amout")


@broken("customers.csv · acquired_at", "'aquired_at' is no column but close", "{aquired_at: ignore}")
def optional_column_misspelled(p):
    p.rename("customers", acquired_at="aquired_at")


@broken("orders.csv · net_amount", "two headers mean net_amount: 'net_amount' and 'net_amount (2)'", "ignore")
def header_that_stands_twice(p):
    p.write("orders.csv", p.text("orders").replace("refund_amount", "net_amount", 1))


@broken("orders.csv · net_amount", "two headers mean net_amount", "'Net_Amount (2)'")
def header_that_stands_twice_in_other_letters(p):
    p.write("orders.csv", p.text("orders").replace("refund_amount", "Net_Amount", 1))


@broken("orders.csv · net_amount", "two headers mean net_amount: 'gross_amount' and 'net_amount'")
def two_headers_mapped_to_one_column(p):
    p.how("orders", columns={"gross_amount": "net_amount"})


@broken("orders.csv · 下单时间", "the header to be mapped is not there", "Allowed: cancelled" * 0 + "Allowed")
def mapped_header_that_is_not_there(p):
    p.how("orders", columns={"下单时间": "ordered_at"})


@broken(
    "tables.orders.columns", "'orderd_at' is no column of orders", "Did you mean 'ordered_at'?", error=SettingsError
)
def map_to_a_column_that_is_not_there(p):
    p.how("orders", columns={"channel": "orderd_at"})


# ---- cells


@broken("orders.csv · ordered_at", "23 of 23 values are not dates", "row 2 '05.03.2024 10:00'", "formats: {ordered_at:")
def dates_in_another_format(p):
    rows = p.rows("orders")
    for row in rows:
        row["ordered_at"] = re.sub(r"(\d+)-(\d+)-(\d+)", r"\3.\2.\1", row["ordered_at"])
    p.save("orders", rows)


@broken("customers.csv · acquired_at", "not days", "row 2 '2024-03-05'")
def day_and_month_the_other_way_round(p):
    p.how("customers", formats={"acquired_at": "%Y-%d-%m"})
    p.change("customers", 1, acquired_at="2024-12-31")
    p.change("customers", 1, acquired_at="2024-03-05x")
    p.how("customers", formats={"acquired_at": "%d/%m/%Y"})
    p.change("customers", 1, acquired_at="2024-03-05")


@broken("orders.csv · ordered_at", "1 of 23 values are not dates", "row 4 '12/31/2025'")
def month_before_day_in_one_row(p):
    rows = p.rows("orders")
    for row in rows:
        row["ordered_at"] = re.sub(r"(\d+)-(\d+)-(\d+).*", r"\3/\2/\1", row["ordered_at"])
    rows[2]["ordered_at"] = "12/31/2025"
    p.save("orders", rows)
    p.how("orders", formats={"ordered_at": "%d/%m/%Y"})


@broken("orders.csv · ordered_at", "row 2 '0202-03-05'")
def date_in_the_year_202(p):
    p.change("orders", 1, ordered_at="0202-03-05")


@broken("orders.csv · ordered_at", "row 2 'epoch'", "row 3 '2025-02-30'", "row 4 '45291'")
def words_and_numbers_for_dates(p):
    p.change("orders", 1, ordered_at="epoch")
    p.change("orders", 2, ordered_at="2025-02-30")
    p.change("orders", 3, ordered_at="45291")


@broken("source.tables.orders.formats.ordered_at", "'dd.mm.yyyy' is no date format", "%d/%m/%Y")
def date_format_of_excel(p):
    p.how("orders", formats={"ordered_at": "dd.mm.yyyy"})


@broken("source.tables.orders.formats.ordered_at", "'%Q' is no date format")
def date_format_with_an_unknown_field(p):
    p.how("orders", formats={"ordered_at": "%Q"})


@broken("source.tables.orders.formats.net_amount", "is no date")
def date_format_for_an_amount(p):
    p.how("orders", formats={"net_amount": "%d"})


@broken("orders.csv · ordered_at", "row 2 '99999999999999999'")
def milliseconds_beyond_all_time(p):
    rows = p.rows("orders")
    for row in rows:
        row["ordered_at"] = "1767139200000"
    p.save("orders", rows)
    p.change("orders", 1, ordered_at="99999999999999999")
    p.how("orders", formats={"ordered_at": "epoch_ms"})


@broken(
    "orders.csv · net_amount", "2 of 23 values are not numbers", "row 2 '1,400.00'", "row 3 '¥350'", "without thousands"
)
def amounts_with_separators_and_signs(p):
    p.change("orders", 1, net_amount="1,400.00")
    p.change("orders", 2, net_amount="¥350")


@broken("orders.csv · net_amount", "not numbers", "'nan'", "'inf'")
def amounts_that_are_no_amounts(p):
    p.change("orders", 1, net_amount="nan")
    p.change("orders", 2, net_amount="inf")


@broken("tickets.csv · reopened_count", "not whole numbers", "row 2 '1.5'", "row 3 '1e300'")
def counts_that_are_not_whole(p):
    p.change("tickets", 1, reopened_count="1.5")
    p.change("tickets", 2, reopened_count="1e300")


@broken("customers.csv · is_test", "not yes or no", "row 2 'maybe'", "是 或 否" * 0 + "是")
def flag_that_is_neither(p):
    p.change("customers", 1, is_test="maybe")


@broken("orders.csv · customer_id", "1 of 23 values are empty, and it is needed", "row 6", "leave_out: [missing]")
def needed_cell_empty(p):
    p.change("orders", 5, customer_id="  ")


@broken(
    "orders.csv · order_id",
    "2 of 23 values stand more than once",
    "row 2 'O01', row 6 'O01'",
    "leave_out: [duplicates]",
)
def key_that_stands_twice(p):
    p.change("orders", 5, order_id="O01")


@broken("survey_answers.csv · response_id + item_id", "stand more than once", "'R01 · overall'")
def key_of_two_columns_that_stands_twice(p):
    rows = p.rows("survey_answers")
    p.save("survey_answers", [*rows, rows[1]])


@broken("orders.csv · customer_id", "belong to nothing in customers.csv", "row 6 'C99'", "leave_out: [orphans]")
def order_of_nobody(p):
    p.change("orders", 5, customer_id="C99")


@broken("tickets.csv · resolved_at", "lie before created_at", "2025-10-05 09:00:00 > 2025-10-04", "leave_out: [order]")
def ticket_resolved_before_it_was_opened(p):
    p.change("tickets", 1, resolved_at="2025-10-04 12:00")


@broken("orders.csv · net_amount", "are negative", "row 2 '-400'", "refund_amount", "leave_out: [negative]")
def negative_amount(p):
    p.change("orders", 1, net_amount="-400")


@broken("orders.csv · status", "not among the known words", "row 2 '已完成'", "values: {status: {WRITTEN: completed}}")
def status_in_the_companys_own_words(p):
    p.change("orders", 1, status="已完成")


@broken("orders.csv · currency", "spend.csv · currency", "'USD (1 rows)'", "report is in CNY", "no table fx_rates")
def foreign_money_without_rates(p):
    p.remove("fx_rates")


@broken("orders.csv · currency", "1 rows in EUR have no exchange rate; the first is of 2024-03-05", "fx_rates")
def currency_without_a_rate(p):
    p.change("orders", 1, currency="EUR")


@broken("orders.csv · currency", "1 rows in USD have no exchange rate; the first is of 2024-03-05")
def rate_that_begins_too_late(p):
    p.change("orders", 1, currency="USD")
    p.change("fx_rates", 1, date="2024-03-06")


@broken("orders.csv · currency", "1 rows in USD have no exchange rate")
def rate_that_was_left_out_as_unreadable(p):
    for row in (1, 2, 3):
        p.change("fx_rates", row, rate="?")
    p.how("fx_rates", leave_out=["unparsed"])


@broken("fx_rates.csv · rate", "are not above 0", "row 2 '0'")
def rate_of_nothing(p):
    p.change("fx_rates", 1, rate="0")


# ---- the parameters file


@broken("mine.yml is not valid YAML", "line 5", error=SettingsError)
def yaml_that_is_none(p):
    p.written = "report:\n  title: x\n  as_of: [\nsource:\n"


@broken("mine.yml must hold keys", "found str", error=SettingsError)
def yaml_that_holds_only_a_text(p):
    p.written = "report"


@broken("cannot be read as UTF-8", error=SettingsError)
def parameters_in_gbk(p):
    p.open()
    for folder in (p.root / ".crmtools" / "snapshots").iterdir():
        if folder.name != "earlier":
            folder.rename(p.root / folder.name)
    p.open = lambda: pytest.importorskip("crmtools").open(p.parameters)
    p.parameters.write_bytes("report: {title: 我的}".encode("gb18030"))


@broken("mine.yml:7 · report.segmnts", "unknown key", "Did you mean 'segments'?", error=SettingsError)
def unknown_key(p):
    p.report(segmnts=p.settings["report"].pop("segments"))


@broken("report.period" * 0 + "report", "2025-Q4 ends on 2025-12-31, after as_of 2025-11-30", error=SettingsError)
def period_that_is_not_over(p):
    p.report(as_of="2025-11-30")


@broken("report.time_zone", "Asia/Peking", "no such time zone", "Asia/Shanghai", error=SettingsError)
def unknown_time_zone(p):
    p.report(time_zone="Asia/Peking")


@broken("report.currency", "'RMB¥'", "ISO 4217", error=SettingsError)
def unknown_currency(p):
    p.report(currency="RMB¥")


@broken("report.segments · regoin", "customers have no column 'regoin'", "region")
def unknown_segment(p):
    p.report(segments=["regoin"])


@broken("report.segments · email", "'email' is personal")
def personal_segment(p):
    p.report(segments=["email"])


@broken("report.segments · acquired_at", "no category")
def day_as_segment(p):
    p.report(segments=["acquired_at"])


@broken("report.segments · region", "no table customers that could have it")
def segment_without_customers(p):
    p.only("orders", "fx_rates")


@broken("source.tables.customers.derive", "no orders to derive customers from")
def customers_derived_from_nothing(p):
    p.only("fx_rates")
    p.report(segments=[])
    p.how("customers", derive="orders")


@broken("source.tables.customers.lists.vip", "there is no file 'data/vip.txt'")
def list_that_is_not_there(p):
    p.how("customers", lists={"vip": {"file": "data/vip.txt"}})


@broken("source.tables.customers.lists.region", "have a column 'region' already")
def list_named_like_a_column(p):
    p.write("vip.txt", "C01\n")
    p.how("customers", lists={"region": {"file": "data/vip.txt"}})


@broken("source.tables.customers.lists.VIP", "have a column 'VIP' already")
def lists_of_the_same_name_but_for_case(p):
    p.write("vip.txt", "C01\n")
    p.how("customers", lists={"vip": {"file": "data/vip.txt"}, "VIP": {"file": "data/vip.txt"}})


@broken("source.tables.customers.lists.vip", "'data/vip.txt' is not text in the encoding", "encoding: gb18030")
def gbk_list_read_as_utf8(p):
    p.write("vip.txt", "C01 王小明\n".encode("gb18030"))
    p.how("customers", lists={"vip": {"file": "data/vip.txt"}})


@broken("source.tables.customers.lists.vip", "there is no encoding 'utf-9'", "gb18030")
def list_in_an_encoding_that_is_not_there(p):
    p.write("vip.txt", "C01\n")
    p.how("customers", lists={"vip": {"file": "data/vip.txt", "encoding": "utf-9"}})


@broken("goals[0].target", "points the wrong way", "nps is better when higher", error=SettingsError)
def goal_in_the_wrong_direction(p):
    p.goal(target={"points": -5})


@broken("goals[0].indicator", "no indicator 'npss'", "Did you mean 'nps'?", error=SettingsError)
def goal_of_an_unknown_indicator(p):
    p.goal(indicator="npss")


@broken("definitions.churn_rate.grace", "no assumption 'grace'", "Did you mean 'grace_days'?", error=SettingsError)
def unknown_assumption(p):
    p.settings["definitions"] = {"churn_rate": {"grace": 30}}


@broken("definitions.churn_rate.grace_days", "must be a", "30", "'thirty'", error=SettingsError)
def assumption_of_the_wrong_type(p):
    p.settings["definitions"] = {"churn_rate": {"grace_days": "thirty"}}


@broken("keep_personal", "no personal column", "customers.email", error=SettingsError)
def personal_column_that_is_none(p):
    p.settings["source"]["keep_personal"] = {"customers.emails": "we mail them"}


# ---- the key


@broken("pseudonym.key cannot be read", "CRMTOOLS_PSEUDONYM_KEY", "another pseudonym")
def key_that_is_a_folder(p):
    (p.root / ".crmtools" / "pseudonym.key").mkdir()


@broken("pseudonym.key cannot be read", "it is no text")
def key_that_is_no_text(p):
    (p.root / ".crmtools" / "pseudonym.key").write_bytes(b"\xff" * 64)


@broken("pseudonym.key holds no key", "pseudonyms will then change")
def key_that_is_empty(p):
    (p.root / ".crmtools" / "pseudonym.key").write_text("\n")


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 60


def test_everything_is_said_at_once(whole) -> None:
    project = whole
    project.write("tickets.csv", "")
    project.change("orders", 1, net_amount="much")
    project.change("orders", 2, customer_id="C99")
    project.rename("spend", category="kategorie")
    project.change("invoices", 1, due_at="soon")
    project.report(segments=["regoin"])
    with pytest.raises(DataError) as caught:
        project.open()
    assert {problem.place for problem in caught.value.problems} == {
        "tickets.csv", "orders.csv · net_amount", "orders.csv · customer_id", "spend.csv · category",
        "invoices.csv · due_at", "report.segments · regoin",
    }  # fmt: skip
    assert str(caught.value).count("Nothing was run") == 1


def test_a_broken_parent_does_not_make_orphans_of_its_children(project) -> None:
    project.write("customers.csv", "")
    with pytest.raises(DataError) as caught:
        project.open()
    assert [problem.place for problem in caught.value.problems] == ["customers.csv"]


def test_a_broken_rate_table_does_not_accuse_the_amounts(project) -> None:
    project.write("fx_rates.csv", "")
    with pytest.raises(DataError) as caught:
        project.open()
    assert [problem.place for problem in caught.value.problems] == ["fx_rates.csv"]


def test_after_mending_it_opens(project) -> None:
    whole = project.text("orders")
    project.change("orders", 1, net_amount="much")
    with pytest.raises(DataError):
        project.open()
    project.write("orders.csv", whole)
    data = project.open()
    assert len(project.snapshots) == 1
    assert open_settings(data.settings).fingerprint == data.fingerprint
