"""Numbers, money, dates and intervals as both languages write them."""

import re
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest
from babel.numbers import parse_decimal
from hypothesis import given
from hypothesis import strategies as st

from crmtools import formats
from crmtools.indicators.units import UNITS
from crmtools.words import LANGUAGES

NB = "\u00a0"


def spaced(text: str) -> str:
    """Expected texts are written with plain spaces."""
    return text.replace(NB, " ")


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (1204, None, "1,204"), (1234567.0, None, "1,234,567"), (0, None, "0"), (-0.25, 2, "−0.25"), (12.3456, None, "12.3"),
        (0.00042, None, "0.0004"), (-1e-9, 2, "0.00"), (2.5, 0, "2"), (np.int64(7), None, "7"), (1e-12, None, "0.00"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("language", LANGUAGES)
def test_number(value, digits, expected, language):
    assert formats.number(value, language, digits) == expected


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf"), -np.inf, pd.NA, pd.NaT, "n/a"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_missing_is_a_dash(missing, language):
    unit = UNITS["percent"]
    written = [
        formats.number(missing, language), formats.percent(missing, language), formats.money(missing, "CNY", language),
        formats.quantity(missing, unit, language), formats.difference(missing, unit, language),
        formats.interval(missing, missing, unit, language), formats.day(None, language), formats.month(None, language),
        formats.day(pd.NaT, language),
    ]  # fmt: skip
    assert set(written) == {"–"}


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [
        (0.046, "4.6 %", "4.6%"),
        (1, "100.0 %", "100.0%"),
        (0.285, "28.5 %", "28.5%"),
        (0.00004, "0.004 %", "0.004%"),
        (-0.02, "−2.0 %", "−2.0%"),
    ],
)
def test_percent(value, english, chinese):
    assert spaced(formats.percent(value, "en")) == english
    assert formats.percent(value, "zh") == chinese


@pytest.mark.parametrize(
    ("amount", "currency", "english", "chinese"),
    [
        (412, "CNY", "¥412", "¥412"),
        (-36, "CNY", "−¥36", "−¥36"),
        (37.2, "USD", "$37.20", "US$37.20"),
        (99_999, "CNY", "¥99,999", "¥99,999"),
        (123_456, "CNY", "¥123,456", "¥12.35 万"),
        (2_345_678, "CNY", "¥2.35 million", "¥234.6 万"),
        (-250_000_000, "EUR", "−€250.0 million", "−€2.50 亿"),
        (1.5e9, "CNY", "¥1.50 billion", "¥15.00 亿"),
        (412, "CHF", "CHF 412", "CHF 412"),
        (41.5, "JPY", "JP¥42", "JP¥42"),
        (412, "", "412", "412"),
        (0, "CNY", "¥0", "¥0"),
    ],
)
def test_money(amount, currency, english, chinese):
    assert spaced(formats.money(amount, currency, "en")) == english
    assert spaced(formats.money(amount, currency, "zh")) == chinese


def test_money_in_full():
    assert formats.money(2_345_678, "CNY", "zh", full=True) == "¥2,345,678"


def test_days_and_months():
    day = date(2025, 12, 3)
    assert spaced(formats.day(day, "en")) == "3 December 2025"
    assert spaced(formats.day(day, "en", short=True)) == "3 Dec 2025"
    assert spaced(formats.day(day, "zh")) == "2025 年 12 月 3 日"
    assert formats.day(datetime(2025, 12, 3, 9, 30), "zh", short=True) == "2025-12-03"
    assert (spaced(formats.month(day, "en")), spaced(formats.month(day, "zh"))) == ("Dec 2025", "2025 年 12 月")


@pytest.mark.parametrize(
    ("unit", "value", "english", "chinese"),
    [
        ("percent", 0.0463, "4.6 %", "4.6%"),
        ("percent_a_month", 0.0463, "4.6 % a month", "4.6%/月"),
        ("points", 31.2, "+31", "+31"),
        ("points", -5, "−5", "−5"),
        ("points", 0, "0", "0"),
        ("score", 4.214, "4.21", "4.21"),
        ("index", 82.44, "82.4", "82.4"),
        ("gap", 0.4, "+0.40", "+0.40"),
        ("hours", 5.84, "5.8 h", "5.8 小时"),
        ("days", 1234.5, "1,234 days", "1,234 天"),
        ("tickets", 1, "1 ticket", "1 张"),
        ("tickets", 4, "4 tickets", "4 张"),
        ("per_100_customer_months", 10.376, "10.38 per 100 customer-months", "10.38 次/百客户月"),
        ("per_customer_month", 123.456, "123.5 per customer-month", "123.5 次/客户月"),
        ("money", 411.7, "¥412", "¥412"),
        ("ratio", 1.5, "1.50", "1.50"),
        ("coefficient", -0.333, "−0.33", "−0.33"),
    ],
)
def test_quantity(unit, value, english, chinese):
    assert spaced(formats.quantity(value, UNITS[unit], "en", "CNY")) == english
    assert spaced(formats.quantity(value, UNITS[unit], "zh", "CNY")) == chinese


def test_a_target_has_no_empty_fraction_and_a_heading_spares_the_suffix():
    unit = UNITS["percent_a_month"]
    assert spaced(formats.quantity(0.82, unit, "en", bare=True, trim=True)) == "82 %"
    assert spaced(formats.quantity(0.039, unit, "en", bare=True, trim=True)) == "3.9 %"
    assert formats.quantity(0.039, unit, "zh", bare=True) == "3.9%"


@pytest.mark.parametrize(
    ("unit", "low", "high", "english", "chinese"),
    [
        ("percent", 0.043, 0.049, "4.3–4.9 %", "4.3%–4.9%"),
        ("points", 27, 35, "+27 to +35", "+27 至 +35"),
        ("points", -27, 3, "−27 to +3", "−27 至 +3"),
        ("score", 4.15, 4.27, "4.15–4.27", "4.15–4.27"),
        ("hours", 4.3, None, "from 4.3 h", "4.3 小时以上"),
        ("hours", None, 6, "up to 6.0 h", "6.0 小时以下"),
        ("hours", 5.3, 6.4, "5.3–6.4 h", "5.3–6.4 小时"),
        ("money", 388, 437, "¥388–437", "¥388–¥437"),
        ("money", -30, 20.5, "−¥30.00 to ¥20.50", "−¥30.00 至 ¥20.50"),
        ("money", 2_200_000, 2_500_000, "¥2.20–2.50 million", "¥220.0 万–¥250.0 万"),
        ("coefficient", -0.1, 0.3, "−0.10 to 0.30", "−0.10 至 0.30"),
        ("growth_percent", 12.5, float("nan"), "from 1,250 %", "1,250% 以上"),
    ],
)
def test_interval(unit, low, high, english, chinese):
    assert spaced(formats.interval(low, high, UNITS[unit], "en", "CNY")) == english
    assert spaced(formats.interval(low, high, UNITS[unit], "zh", "CNY")) == chinese


@pytest.mark.parametrize(
    ("unit", "value", "english", "chinese"),
    [
        ("percent", 0.007, "+0.7 percentage points", "+0.7 个百分点"),
        ("percent_a_month", -0.0071, "−0.7 percentage points", "−0.7 个百分点"),
        ("points", 3, "+3 points", "+3 分"),
        ("points", -1, "−1 point", "−1 分"),
        ("score", 0.123, "+0.12 points", "+0.12 分"),
        ("money", -36.4, "−¥36", "−¥36"),
        ("money", 0.31, "+¥0.31", "+¥0.31"),
        ("hours", -1.2, "−1.2 h", "−1.2 小时"),
        ("ratio", 0.12, "+0.12", "+0.12"),
        ("percent", 0.0, "0.0 percentage points", "0.0 个百分点"),
        ("percent", -0.0004, "−0.04 percentage points", "−0.04 个百分点"),
    ],
)
def test_difference(unit, value, english, chinese):
    assert spaced(formats.difference(value, UNITS[unit], "en", "CNY")) == english
    assert spaced(formats.difference(value, UNITS[unit], "zh", "CNY")) == chinese


def test_a_missing_amount_has_no_plus():
    assert spaced(formats.difference(0.007, UNITS["percent"], "en", signed=False)) == "0.7 percentage points"
    assert formats.difference(0.007, UNITS["percent"], "zh", signed=False, named=False) == "0.7"


def test_a_difference_has_cents_where_the_value_beside_it_has_them():
    assert formats.difference(11.43, UNITS["money"], "en", "USD", signed=False, beside=64.31) == "$11.43"
    assert formats.difference(11.43, UNITS["money"], "en", "USD", signed=False, beside=412) == "$11"


@pytest.mark.parametrize(
    ("unit", "value", "step", "expected"),
    [
        ("percent", 0.025, 0.005, "2.5%"), ("percent", 0.2, 0.1, "20%"), ("hours", 2.5, 2.5, "2.5"), ("points", -50, 25, "−50"),
        ("money", 0, 250, "¥0"), ("money", -500, 250, "−¥500"), ("money", 500_000, 250_000, "¥50 万"), ("score", 4.25, 0.25, "4.25"),
    ],
)  # fmt: skip
def test_axis_ticks_have_just_the_digits_that_tell_them_apart(unit, value, step, expected):
    assert spaced(formats.axis(value, step, UNITS[unit], "zh", "CNY")) == expected


@given(step=st.sampled_from([0.1, 0.2, 0.25, 0.5, 1, 2, 2.5, 5, 10, 25, 100]), first=st.integers(-20, 20))
def test_ticks_are_never_written_alike(step, first):
    for unit in ("percent", "hours", "score", "ratio"):
        scale = UNITS[unit].scale
        ticks = [(first + place) * step / scale for place in range(5)]
        assert len({formats.axis(tick, step / scale, UNITS[unit], "en") for tick in ticks}) == 5


@given(value=st.floats(-1e6, 1e6), digits=st.integers(0, 4), language=st.sampled_from(LANGUAGES))
def test_a_number_reads_back_as_it_was_rounded(value, digits, language):
    written = formats.number(value, language, digits)
    read = float(parse_decimal(written.replace("−", "-"), locale=language))
    assert read == pytest.approx(value, abs=0.5 * 10**-digits + 1e-9)


@given(value=st.floats(-1e7, 1e7), unit=st.sampled_from(sorted(UNITS)), language=st.sampled_from(LANGUAGES))
def test_every_unit_writes_every_value(value, unit, language):
    for written in (
        formats.quantity(value, UNITS[unit], language, "CNY"),
        formats.difference(value, UNITS[unit], language, "CNY"),
        formats.interval(value - 1, value + 1, UNITS[unit], language, "CNY"),
    ):
        assert any(letter.isdigit() for letter in written)
        # a hyphen is only part of a word, never a minus; nothing is minus zero
        assert not re.search(r"-\d|nan|None|inf|−[0.,]+(?![\d.,])", written), written


def test_counts_in_words():
    assert [formats.counted(n, "en") for n in (1, 2, 10, 11)] == ["one", "two", "ten", "11"]
    assert [formats.counted(n, "zh") for n in (1, 2, 10, 1204)] == ["一", "两", "十", "1,204"]
