"""Files and columns that are broken: each stops the run with one error that says where, what was found and what to do."""

import gzip

import duckdb
import pandas as pd
import pytest

from .breaking import Cases, assert_one_clear_error

CASES = Cases()
broken = CASES.broken


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
    with duckdb.connect(str(p.data / "shop.duckdb")) as con:
        con.execute("CREATE TABLE bestellungen (x INT)")
    p.settings["source"] = {"duckdb": "data/shop.duckdb", "tables": {"orders": {"file": "bestellung"}}}


@broken("holds none of the known tables", "'x'", "source.tables.NAME.file")
def duckdb_of_something_else(p):
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


@pytest.mark.parametrize(("breaks", "words", "error"), CASES)
def test_one_clear_error_and_nothing_left_behind(project, breaks, words, error) -> None:
    assert_one_clear_error(project, breaks, words, error)
