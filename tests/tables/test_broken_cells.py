"""Cells that are broken, and money that cannot be converted."""

import re

import pytest

from .breaking import Cases, assert_one_clear_error

CASES = Cases()
broken = CASES.broken


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


@broken("source.tables.orders.formats.net_amount", "'%d' is no way to write numbers", "1.234,56")
def date_format_for_an_amount(p):
    p.how("orders", formats={"net_amount": "%d"})


@broken("source.tables.orders.formats.channel", "channel is no date or number", "Take it away")
def format_for_words(p):
    p.how("orders", formats={"channel": "%d"})


@broken("orders.csv · net_amount", "1 of 23 values are not numbers", "row 2 '12.5'", "numbers written as 1.234,56")
def decimal_points_among_decimal_commas(p):
    rows = p.rows("orders")
    for row in rows:
        row["net_amount"] = row["net_amount"].replace(".", ",")
    p.save("orders", rows)
    p.change("orders", 1, net_amount="12.5")
    p.how("orders", formats={"net_amount": "1.234,56"})


@broken("orders.csv · ordered_at", "row 2 '99999999999999999'")
def milliseconds_beyond_all_time(p):
    rows = p.rows("orders")
    for row in rows:
        row["ordered_at"] = "1767139200000"
    p.save("orders", rows)
    p.change("orders", 1, ordered_at="99999999999999999")
    p.how("orders", formats={"ordered_at": "epoch_ms"})


@broken(
    "orders.csv · net_amount",
    "2 of 23 values are not numbers",
    "row 2 '1,400.00'",
    "row 3 '¥350'",
    "formats: {net_amount: '1.234,56'}",
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


@broken(
    "orders.csv · status",
    "not among the known words",
    "'已完成' (2, first in row 2), '已退货' (1, first in row 4)",
    "values: {status: {WRITTEN: completed}}",
)
def status_in_the_companys_own_words(p):
    for row, word in ((1, "已完成"), (2, "已完成"), (3, "已退货")):
        p.change("orders", row, status=word)


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


@pytest.mark.parametrize(("breaks", "words", "error"), CASES)
def test_one_clear_error_and_nothing_left_behind(project, breaks, words, error) -> None:
    assert_one_clear_error(project, breaks, words, error)
