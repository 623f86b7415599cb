"""What the pieces of a change are in customers or cases, and in money where somebody says what one is worth."""

import math
from dataclasses import dataclass

from crmtools.errors import CRMError
from crmtools.goals.terms import Decomposition, Piece, Term
from crmtools.indicators.kinds import Census, Rate, Share
from crmtools.words import Text

CUSTOMERS = Text("客户", "customers")
CASES = Text("例", "cases")
EVENTS = Text("事件", "events")
NO_COUNT = Text(
    "该指标不是占比或发生率，差距不能折算为个数", "neither a share nor a rate: a gap of it is no number of anything"
)


@dataclass(frozen=True, slots=True)
class Stake:
    """A piece of the change as a number of ``counted``, and as money.

    ``units`` is the piece times the base of the period now (:attr:`Stakes.base`), which is taken as it is; ``low`` and ``high``
    likewise. ``money`` is ``units`` times the value of one. ``segment`` is None for the pieces of all.
    """

    piece: Piece
    segment: Text | None
    units: float
    low: float | None
    high: float | None
    money: float | None


@dataclass(frozen=True, slots=True)
class Stakes:
    """All pieces of a change in numbers; none, with the reason in ``why``, where they would be numbers of nothing."""

    counted: Text
    base: float | None
    stakes: tuple[Stake, ...]
    why: Text | None = None
    currency: str = ""


def stakes(found: Decomposition, *, value_per_unit: float | None = None) -> Stakes:
    """The pieces of a change in customers, cases or events: the piece times what the indicator is a share of now.

    For a share the base is its denominator (customers where each counts once), for a rate the exposure divided by what the rate
    is written for. ``value_per_unit`` is what one of them is worth, in the report's currency; without it no money is told.
    """
    if value_per_unit is not None and not math.isfinite(value_per_unit):
        raise CRMError(f"A value per unit must be a number, found {value_per_unit!r}.")
    kind, now = found.indicator.kind, found.now
    if not isinstance(kind, Share | Rate | Census):
        return Stakes(CASES, None, (), why=NO_COUNT)
    if now.denominator is None or found.change is None:
        return Stakes(CASES, None, (), why=found.why)
    rate = isinstance(kind, Rate)
    base = now.denominator / (kind.per if isinstance(kind, Rate) else 1.0)
    each_once = abs(now.denominator - now.n) <= 1e-9 * now.denominator
    parts: list[tuple[Text | None, Term]] = [(line.name, term) for line in found.lines for term in line.terms]
    of_all = (found.mix, found.rate, found.entered, found.left, found.change, found.remaining)
    parts += [(None, term) for term in of_all if term is not None]
    return Stakes(
        EVENTS if rate else CUSTOMERS if each_once else CASES,
        base,
        tuple(_stake(segment, term, base, value_per_unit) for segment, term in parts),
        currency="" if value_per_unit is None else found.currency,
    )


def _stake(segment: Text | None, term: Term, base: float, value_per_unit: float | None) -> Stake:
    low, high = (None if limit is None else limit * base for limit in (term.low, term.high))
    units = term.value * base
    return Stake(term.piece, segment, units, low, high, None if value_per_unit is None else units * value_per_unit)
