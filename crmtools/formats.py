"""Numbers, money, dates, intervals and differences as readers of each language write them.

Values are in the unit's own terms (shares as fractions, see :class:`crmtools.indicators.units.Unit`). Whatever is missing
(None, NaN, infinite) is written as an en dash. Minus is the typographic one.
"""

import math
import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import SupportsFloat

from babel.dates import format_date
from babel.numbers import get_currency_precision, get_currency_symbol, get_decimal_symbol, get_group_symbol

from crmtools.indicators.units import Unit
from crmtools.words import Language, bracketed, word

MISSING = "–"
MINUS = "\u2212"
SPACE = "\u00a0"
"""No line break between a number and its unit."""

SYMBOLS: dict[str, str] = {"CNY": "¥", "JPY": "JP¥"}
"""Both editions use the sign that Chinese readers know; Babel has it for one of the two languages only."""

_LARGE: dict[Language, tuple[tuple[float, float, str], ...]] = {
    # (from, divided by, word); in Chinese 10 万 is where grouping by thousands stops being readable
    "zh": ((1e8, 1e8, "亿"), (1e5, 1e4, "万")),
    "en": ((1e9, 1e9, "billion"), (1e6, 1e6, "million")),
}
_CENTS_BELOW, _CENTS_BELOW_CHANGE = 100, 10
_MORE_DIGITS, _MORE_DIGITS_CHANGE = 3, 1


def number(x: SupportsFloat | None, language: Language, digits: int | None = None, *, signed: bool = False) -> str:
    """A number with grouping: ``1,204``, ``−0.25``; without ``digits`` about three significant ones, integers whole."""
    value = _finite(x)
    if value is None:
        return MISSING
    if digits is None:
        whole = value == int(value)
        digits = 0 if whole else _seen(abs(value), max(0, min(2, 2 - math.floor(math.log10(abs(value))))))
    written = _grouped(abs(value), digits, language)
    return _sign(value, written, signed) + written


def percent(x: SupportsFloat | None, language: Language, digits: int = 1, *, signed: bool = False) -> str:
    """A share as per cent: 0.046 is ``4.6 %`` in English and ``4.6%`` in Chinese."""
    value = _finite(x)
    if value is None:
        return MISSING
    shown = round(100 * value, 10)
    return number(shown, language, _seen(abs(shown), digits), signed=signed) + _per_cent(language)


def money(
    x: SupportsFloat | None,
    currency: str,
    language: Language,
    digits: int = 0,
    *,
    full: bool = False,
    signed: bool = False,
) -> str:
    """An amount with its currency's symbol: ``¥412``, ``−¥36``, ``¥12.35 万``, ``$1.23 million``.

    Amounts below 100 that are not whole get the currency's small unit. ``full`` writes large amounts out. An empty
    ``currency`` writes no symbol.
    """
    value = _finite(x)
    if value is None:
        return MISSING
    divisor, large = (1.0, "") if full else _scale(abs(value), language)
    places = _money_digits([value], digits, currency) if divisor == 1 else _large_digits(abs(value) / divisor)
    written = _grouped(abs(value) / divisor, places, language)
    body = f"{symbol(currency, language)}{written}{SPACE + large if large else ''}"
    return _sign(value, written, signed) + body


def day(when: date | None, language: Language, *, short: bool = False) -> str:
    """A day: ``31 December 2025``, ``2025 年 12 月 31 日``; short ``31 Dec 2025``, ``2025-12-31``."""
    found = _date(when)
    if found is None:
        return MISSING
    if language == "zh":
        return found.isoformat() if short else format_date(found, "y 年 M 月 d 日".replace(" ", SPACE), locale="zh")
    return format_date(found, f"d{SPACE}MMM y" if short else f"d{SPACE}MMMM y", locale="en")


def month(when: date | None, language: Language) -> str:
    """A month: ``Jun 2026``, ``2026 年 6 月``."""
    found = _date(when)
    if found is None:
        return MISSING
    pattern = "y 年 M 月" if language == "zh" else "MMM y"
    return format_date(found, pattern.replace(" ", SPACE), locale=language)


def quantity(
    value: SupportsFloat | None,
    unit: Unit,
    language: Language,
    currency: str = "",
    *,
    bare: bool = False,
    trim: bool = False,
) -> str:
    """A value in its unit: ``4.6 %``, ``+31``, ``5.8 h``, ``¥412``.

    ``bare`` leaves out what a heading says already ("a month", "per 100 customer-months"); ``trim`` drops a fraction that
    is zero, as people write targets (``82 %``).
    """
    shown = _finite(value)
    if shown is None:
        return MISSING
    shown = round(shown * unit.scale, 10)
    if unit.form == "money":
        return money(shown, currency, language, unit.decimals)
    digits = _digits([shown], unit)
    if trim and round(shown, digits) == round(shown):
        digits = 0
    written = number(shown, language, digits, signed=unit.signed)
    return written + _tail(unit, language, bare=bare, one=written.lstrip("+") == "1")


def interval(
    low: SupportsFloat | None,
    high: SupportsFloat | None,
    unit: Unit,
    language: Language,
    currency: str = "",
    *,
    bare: bool = False,
) -> str:
    """An interval: ``4.3–4.9 %`` (``4.3%–4.9%``), ``+27 to +35``, ``¥388–437``; open above ``from 4.3 h`` (``4.3 小时以上``)."""
    ends = [_finite(low), _finite(high)]
    if ends[0] is None and ends[1] is None:
        return MISSING
    if ends[1] is None:
        only = quantity(ends[0], unit, language, currency, bare=bare)
        return f"{only}{before_han(only)}以上" if language == "zh" else f"from {only}"
    if ends[0] is None:
        only = quantity(ends[1], unit, language, currency, bare=bare)
        return f"{only}{before_han(only)}以下" if language == "zh" else f"up to {only}"
    shown = [round(end * unit.scale, 10) for end in ends if end is not None]
    if unit.form == "money":
        return _money_interval(shown, unit, language, currency)
    digits = _digits(shown, unit)
    first, last = (number(end, language, digits, signed=unit.signed) for end in shown)
    tail = _tail(unit, language, bare=bare)
    if unit.form == "percent" and language == "zh":
        first += "%"
    return f"{first}{_between(shown, unit, language)}{last}{tail}"


def with_interval(
    value: float | None, low: float | None, high: float | None, unit: Unit, language: Language, currency: str = ""
) -> str:
    """A value with its interval in brackets, where it has one: ``3.8 % (3.2–4.6 %)``."""
    said = quantity(value, unit, language, currency)
    if low is None and high is None:
        return said
    return said + bracketed(interval(low, high, unit, language, currency), language)


def difference(
    value: SupportsFloat | None,
    unit: Unit,
    language: Language,
    currency: str = "",
    *,
    signed: bool = True,
    named: bool = True,
    beside: SupportsFloat | None = None,
) -> str:
    """A difference with its sign and what it is called: ``+0.7 percentage points``, ``+3 points``, ``−¥36``, ``−1.2 h``.

    ``signed=False`` leaves out a plus (for amounts that are missing or gained); ``named=False`` leaves out the name.
    ``beside`` is the value that the difference stands by: an amount of money then has its small unit where that value has it.
    """
    shown = _finite(value)
    if shown is None:
        return MISSING
    shown = round(shown * unit.scale, 10)
    if unit.form == "money":
        next_to = _finite(beside)
        fine = next_to is not None and abs(next_to) < _CENTS_BELOW
        if abs(shown) >= _CENTS_BELOW_CHANGE and not fine:
            shown = float(round(shown))
        return money(shown, currency, language, unit.decimals, signed=signed)
    digits = _seen(abs(shown), _digits([shown], unit, more=0), _MORE_DIGITS_CHANGE)
    written = number(shown, language, digits, signed=signed)
    name = change_name(unit, language, one=written.lstrip(f"+{MINUS}") == "1")
    return f"{written}{SPACE}{name}" if named and name else written


def change_name(unit: Unit, language: Language, *, one: bool = False) -> str:
    """What a difference in this unit is called: ``percentage points``, ``分``; empty for money and bare ratios."""
    name = unit.change.to(language)
    return _singular(name) if one and language == "en" else name


def axis(value: float, step: float, unit: Unit, language: Language, currency: str = "") -> str:
    """A value on an axis whose ticks are ``step`` apart: just the digits that tell the ticks apart."""
    shown, apart = round(value * unit.scale, 10), abs(step * unit.scale)
    digits = max(0, math.ceil(-math.log10(apart) - 1e-9)) if apart else 0
    if digits < _MORE_DIGITS and apart and abs(round(apart, digits) - apart) > 1e-9 * apart:
        digits += 1  # steps of 2.5
    if unit.form == "money":
        divisor, large = _scale(abs(shown), language)
        if large:
            written = _grouped(abs(shown) / divisor, 2, language).rstrip("0").rstrip(".")
            return f"{MINUS if shown < 0 else ''}{symbol(currency, language)}{written}{SPACE}{large}"
        return f"{MINUS if shown < 0 else ''}{symbol(currency, language)}{_grouped(abs(shown), digits, language)}"
    tail = _per_cent(language) if unit.form == "percent" else ""
    return number(shown, language, digits, signed=unit.signed) + tail


def counted(n: int, language: Language) -> str:
    """A number of things as a word up to ten: ``three``, ``三``, ``两`` (before 个); beyond, in figures."""
    words = _COUNTED[language]
    return words[n] if 0 <= n < len(words) else number(n, language)


_COUNTED: dict[Language, tuple[str, ...]] = {
    "en": ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    "zh": ("零", "一", "两", "三", "四", "五", "六", "七", "八", "九", "十"),
}


@cache
def symbol(currency: str, language: Language) -> str:
    """The sign of a currency; a code that has none keeps a space behind it (``CHF 412``)."""
    if not currency:
        return ""
    sign = SYMBOLS.get(currency) or str(get_currency_symbol(currency, locale=language))
    return sign + SPACE if sign.isalpha() else sign


def _finite(x: object) -> float | None:
    try:
        value = float(x)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _date(when: object) -> date | None:
    if isinstance(when, datetime):
        return when.date() if when == when else None  # NaT is a datetime that is not equal to itself
    return when if isinstance(when, date) else None


def _grouped(value: float, digits: int, language: Language) -> str:
    """A number with so many digits after the point, halves rounded to even as written: 2.675 is 2.68."""
    return f"{Decimal(str(value)):,.{digits}f}".translate(_marks(language))


@cache
def _marks(language: Language) -> dict[int, str]:
    """What stands between thousands and before the digits; Babel itself would take thirty times as long for a number."""
    return str.maketrans({",": get_group_symbol(language), ".": get_decimal_symbol(language)})


def _sign(value: float, written: str, signed: bool) -> str:
    """The sign of what is written: a number that rounds to zero has none."""
    if not re.search(r"[1-9]", written):
        return ""
    return MINUS if value < 0 else "+" if signed else ""


def _seen(value: float, digits: int, most: int = _MORE_DIGITS) -> int:
    """More digits for a number that would be written as zero but is not."""
    for more in range(most + 1):
        if not value or round(value, digits + more):
            return digits + more
    return digits


def _digits(shown: list[float], unit: Unit, *, more: int = _MORE_DIGITS) -> int:
    """Decimals for values that stand together: the unit's, fewer for large numbers, more for very small ones."""
    largest = max(map(abs, shown))
    digits = min(unit.decimals, 0 if largest >= 1000 else 1 if largest >= 100 else unit.decimals)
    return _seen(largest, digits, more)


def _money_digits(amounts: list[float], digits: int, currency: str) -> int:
    whole = all(amount == round(amount) for amount in amounts)
    if whole or max(map(abs, amounts)) >= _CENTS_BELOW:
        return digits
    return max(digits, get_currency_precision(currency) if currency else 2)


def _scale(amount: float, language: Language) -> tuple[float, str]:
    for least, divisor, name in _LARGE[language]:
        if amount >= least:
            return divisor, name
    return 1.0, ""


def _large_digits(value: float) -> int:
    return 0 if value >= 1000 else 1 if value >= 100 else 2


def _money_interval(shown: list[float], unit: Unit, language: Language, currency: str) -> str:
    largest = max(map(abs, shown))
    divisor, large = _scale(largest, language)
    digits = _money_digits(shown, unit.decimals, currency) if divisor == 1 else _large_digits(largest / divisor)
    sign = symbol(currency, language)
    tail = SPACE + large if large else ""
    parts = []
    for place, end in enumerate(shown):
        written = _grouped(abs(end) / divisor, digits, language)
        repeat = place == 0 or language == "zh" or end < 0 or shown[0] < 0
        parts.append(_sign(end, written, False) + (sign if repeat else "") + written)
    if language == "zh":
        parts[0] += tail
    return f"{parts[0]}{_between(shown, unit, language)}{parts[1]}{tail}"


def before_han(written: str) -> str:
    """The space between a number and a Chinese word; none where the number's unit is a word already."""
    return "" if "\u3400" <= written[-1:] <= "\u9fff" else SPACE


def _between(shown: list[float], unit: Unit, language: Language) -> str:
    """A dash, or a word where signs stand beside it."""
    if unit.signed or min(shown) < 0:
        return f" {word('to', language)} "
    return "–"


def _per_cent(language: Language) -> str:
    return "%" if language == "zh" else f"{SPACE}%"


def _tail(unit: Unit, language: Language, *, bare: bool, one: bool = False) -> str:
    """What stands behind the number: per cent sign and suffix."""
    sign = _per_cent(language) if unit.form == "percent" else ""
    suffix = unit.suffix.to(language)
    if not suffix or (bare and unit.form in ("percent", "rate")):
        return sign
    if one and language == "en":
        suffix = _singular(suffix)
    return f"{sign}{'' if suffix.startswith('/') else SPACE}{suffix}"


def _singular(name: str) -> str:
    return name[:-1] if name.endswith("s") and " " not in name else name
