"""What a change of a product is made of: revenue = customers × orders per customer × revenue per order.

Two ways, both of which add up to the change:

* Shapley: a factor's part is what its change brings, averaged over all orders in which the factors may change one after the
  other (Shapley 1953; Shorrocks 2013). It takes any numbers.
* Logarithmic mean (LMDI): L(V1, V0)·ln(f1/f0), L(a, b) = (a − b) / ln(a/b) and L(a, a) = a (Ang 2005). It takes factors above
  zero only: the logarithm of nothing, or of less, does not exist, and the small number that is sometimes put in the place of a
  zero would be ours, not the company's. Shapley is then the answer.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from crmtools.errors import CRMError
from crmtools.estimate import Estimate
from crmtools.estimating import Where
from crmtools.period import Period
from crmtools.publishable import shown
from crmtools.shown import Shown
from crmtools.tables.source import Data
from crmtools.words import Text

MOST_FACTORS = 12
"""Above, the subsets that Shapley goes through are too many, and nobody reads them."""
SAME = 1e-9
"""Relative difference up to which two sums of the same orders are one."""

NOT_ABOVE_ZERO = Text(
    "有因子为零或为负，对数平均分解不存在；请用 Shapley 分解",
    "a factor is zero or negative: the logarithmic mean does not exist, Shapley's parts do",
)
NO_INTERVAL = Text(
    "对已登记的订单精确成立；未计算客户间的抽样误差",
    "exact for the orders on record; an error over customers is not computed",
)
CUSTOMERS = Text("下单客户数", "customers with an order")
ORDERS_EACH = Text("客均订单数", "orders per customer")
PER_ORDER = Text("单均净额", "net revenue per order")


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor then and now, and its part of the product's change by both ways; ``log_mean`` is None where it does not exist."""

    name: Text
    before: float
    now: float
    shapley: float
    log_mean: float | None


@dataclass(frozen=True, slots=True)
class Product(Shown):
    """The change of a product between two periods by factor.

    The parts add up to ``now`` − ``before``, in the product's unit. ``why_no_log_mean`` says why one way is missing,
    ``why_no_interval`` why the parts have no interval, ``why`` why there is nothing at all.
    """

    baseline: Period
    period: Period
    before: float | None = None
    now: float | None = None
    factors: tuple[Factor, ...] = ()
    why_no_log_mean: Text | None = None
    why_no_interval: Text = NO_INTERVAL
    why: Text | None = None
    currency: str = ""


def shapley(before: Sequence[float], now: Sequence[float]) -> tuple[float, ...]:
    """Each factor's part of Π now − Π before: its change times the others' mean product over all orders of change.

    A factor that changes after the set S of the others meets these as they are now and the rest as they were; of all n! orders,
    |S|!·(n − |S| − 1)! are so.
    """
    size = _matching(before, now)
    parts = []
    for own in range(size):
        others, met = [place for place in range(size) if place != own], list[float]()
        for changed in itertools.product((False, True), repeat=size - 1):
            count = sum(changed)
            chance = math.factorial(count) * math.factorial(size - 1 - count) / math.factorial(size)
            level = math.prod(now[k] if moved else before[k] for k, moved in zip(others, changed, strict=True))
            met.append(chance * level)
        parts.append((now[own] - before[own]) * math.fsum(met))
    return tuple(parts)


def log_mean(before: Sequence[float], now: Sequence[float]) -> tuple[float, ...] | Text:
    """Each factor's part by the logarithmic mean (LMDI-I, additive), or why there is none."""
    _matching(before, now)
    if min(*before, *now) <= 0:
        return NOT_ABOVE_ZERO
    steps = [math.log(after / first) for first, after in zip(before, now, strict=True)]
    whole = math.fsum(steps)
    # (V1 − V0)/ln(V1/V0) = V0·(eˣ − 1)/x, which keeps its digits where V1 and V0 are nearly the same
    mean = math.prod(before) * (math.expm1(whole) / whole if whole else 1.0)
    return tuple(mean * step for step in steps)


def _matching(before: Sequence[float], now: Sequence[float]) -> int:
    if not 0 < len(before) == len(now) <= MOST_FACTORS:
        raise CRMError(
            f"A product has from 1 to {MOST_FACTORS} factors, as many then as now; found {len(before)} and {len(now)}."
        )
    if not all(math.isfinite(x) for x in (*before, *now)):
        raise CRMError("A product is made of numbers; one of the factors is missing or infinite.")
    return len(before)


def revenue_factors(
    data: Data, *, baseline: Period | str, period: Period | str | None = None, where: Where | None = None
) -> Product:
    """The change of the net revenue of completed orders by customers, orders per customer and revenue per order.

    From the sums of ``revenue_per_customer`` (revenue over customers) and ``aov`` (revenue over orders), whose revenue must be
    the same.

    Raises
    ------
    CRMError
        Where the two rest on different orders, or the periods are one.
    """
    then, now = Period.parse(baseline), Period.parse(period) if period is not None else data.period
    if then == now:
        raise CRMError(f"Baseline and period are both {now.id}: there is no change. Name an earlier baseline.")
    per_customer = shown("revenue_per_customer", data, (then, now), where=where)
    per_order = shown("aov", data, (then, now), where=where)
    both: list[tuple[float, float, float]] = []
    for of_customers, of_orders in zip(per_customer, per_order, strict=True):
        estimate = of_orders if of_customers.value is not None else of_customers
        if estimate.value is None:
            zh, en = (estimate.period.label(language) for language in ("zh", "en"))
            reason = estimate.why or Text("没有订单", "no orders")
            return Product(then, now, why=Text(f"{zh}：{reason.zh}", f"{en}: {reason.en}"), currency=data.currency)
        both.append(_factors(of_customers, of_orders))
    before, after = both
    parts, by_logs = shapley(before, after), log_mean(before, after)
    no_logs = by_logs if isinstance(by_logs, Text) else None
    names = (CUSTOMERS, ORDERS_EACH, PER_ORDER)
    return Product(
        then, now, per_customer[0].numerator, per_customer[1].numerator,
        tuple(
            Factor(name, before[k], after[k], parts[k], None if isinstance(by_logs, Text) else by_logs[k])
            for k, name in enumerate(names)
        ),
        why_no_log_mean=no_logs, currency=data.currency,
    )  # fmt: skip


def _factors(of_customers: Estimate, of_orders: Estimate) -> tuple[float, float, float]:
    """Customers, orders per customer, revenue per order of one period."""
    customers, orders = of_customers.denominator or 0.0, of_orders.denominator or 0.0
    revenue, again = of_customers.numerator or 0.0, of_orders.numerator or 0.0
    if (
        abs(revenue - again) > SAME * max(abs(revenue), 1.0)
        or of_customers.n != of_orders.n
        or not orders >= customers > 0
    ):
        raise CRMError(
            f"revenue_per_customer and aov rest on different orders in {of_customers.period.id}: revenue {revenue:,.2f} and "
            f"{again:,.2f}, {customers:g} customers and {orders:g} orders. Their product is not the revenue."
        )
    return customers, orders / customers, revenue / orders
