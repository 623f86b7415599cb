"""How much customers and the company are in touch."""

import ibis
import ibis.expr.types as ir

from crmtools.indicators.active import ACTIVE_DAYS, ACTIVITY, active, active_at_end
from crmtools.indicators.catalogue import Around, indicator
from crmtools.indicators.decline import PATTERN, share_in_decline
from crmtools.indicators.facts import Periods, events_per_month, exposure_months
from crmtools.indicators.kinds import Model, Rate, Share
from crmtools.words import Text


def meant(interactions: ir.Table) -> ir.Table:
    """The contacts that mean something: two-way or begun by the customer, neither bulk mail nor an automatic message."""
    in_touch = interactions.direction.isin(["inbound", "two_way"])
    by_hand = interactions.type.isnull() | interactions.type.notin(["bulk", "auto"])
    return interactions.filter(in_touch & by_hand)


@indicator(
    name=Text("客户互动频率", "Interaction frequency"),
    meaning=Text("活跃客户每客户月的有效互动次数：双向或由客户发起，不含群发与自动消息。", "Interactions per customer-month of those active in the period, two-way or begun by the customer; bulk and automatic messages do not count."),
    kind=Rate(), unit="per_customer_month", better="range", owner="retention", source="reinartz2003",
    formula=r"\frac{\sum I_i}{\sum m_i}", worked="5 / ((8 * 92 + 91 + 22 + 31) / 30.4375)",
    uses={"interactions": ("customer_id", "at", "direction", "type?"), "customers": ("customer_id", "acquired_at"), **ACTIVITY}, excludes=("outside_base",), unique=True,
    caveat=Text(
        "既无订单也无订阅数据时，凡已获得的客户都计入。并非越多越好；各负责人登记习惯不同。",
        "Without a table of orders or subscriptions everybody ever acquired counts. More is not always better, and people log with "
        "different discipline.",
    ),
    assumption_words={"active_days": ACTIVE_DAYS}, defensible={"active_days": Around(0.5)},
)  # fmt: skip
def interaction_frequency(
    interactions: ir.Table,
    customers: ir.Table,
    orders: ir.Table | None,
    subscriptions: ir.Table | None,
    periods: Periods,
    *,
    active_days: int = 365,
) -> ir.Table:
    """Active customers carry their months, interactions the events."""
    lively = active(customers, orders, subscriptions, periods, days=active_days)
    return events_per_month(periods.rows(meant(interactions), "at"), exposure_months(customers, periods, lively))


@indicator(
    name=Text("互动下降客户占比", "Share of customers in decline"),
    meaning=Text("往来足够多、可以检验的客户中，最近几周的有效互动显著低于其自身基线的占比。", "Of the customers with enough contacts to be tested, the share whose contacts of the last weeks lie below their own baseline by more than chance."),
    kind=Model(share_in_decline, PATTERN), unit="percent", better="lower", owner="retention", source="przyborowski1940",
    formula=r"\frac{1}{n}\,\#\{i : \Pr(X \le x_i \mid X \sim \mathrm{Bin}(x_i + b_i,\ \tfrac{m}{m + M})) \le p^{*}_{q}\}",
    uses={"interactions": ("customer_id", "at", "direction", "type?")}, unique=True,
    caveat=Text(
        "被标记的客户中，预计出于偶然的至多占“误报占比”所定的比例。未作季节调整：节假日后的回落也会被标记。互动少的客户检验不出：即使近期毫无往来，"
        "默认窗口下也要有 21 次以上才可能显著。",
        "Of those flagged, up to the share of false flags is expected to be chance. Seasons are not taken out: a lull after a holiday "
        "is flagged too. Few contacts cannot show a decline: with the default windows even complete silence takes 21 or more.",
    ),
    assumption_words={
        "recent_weeks": Text("最近多少周", "weeks before the period's end that are looked at"),
        "baseline_weeks": Text("再往前多少周为基线", "weeks before those that are the baseline"),
        "at_least": Text("基线内至少多少次才检验", "contacts in the baseline from which a customer is tested"),
        "false_share": Text("误报占比：标记客户中容许的误报比例", "share of false flags that is allowed among the flags"),
    },
    defensible={"recent_weeks": Around(0.5), "false_share": (0.05, 0.1)},
)  # fmt: skip
def interaction_decline(
    interactions: ir.Table,
    periods: Periods,
    *,
    recent_weeks: int = 4,
    baseline_weeks: int = 26,
    at_least: int = 5,
    false_share: float = 0.05,
) -> ir.Table:
    """One row per customer with a baseline: contacts in it, and in the recent weeks, which end with the period.

    A customer won during the baseline has had less time in it than the test supposes, and is flagged less readily.
    """
    rows = periods.ending(days=7 * (recent_weeks + baseline_weeks)).rows(meant(interactions), "at")
    lately = rows["at"] >= rows.end_day - ibis.interval(days=7 * recent_weeks)
    counts = rows.mutate(lately=lately.cast("int64")).group_by(["period", "customer_id"])
    both = counts.aggregate(recent=lambda t: t.lately.sum(), baseline=lambda t: (1 - t.lately).sum())
    return both.filter(both.baseline >= at_least)


@indicator(
    name=Text("客户触达覆盖率", "Contact coverage"),
    meaning=Text("期末活跃客户中，期末前规定天数内有过至少一次有效互动（双向或由客户发起）的占比。", "Of the customers active at the end of the period, the share with at least one contact, two-way or begun by the customer, in the days before."),
    kind=Share(), unit="percent", better="higher", owner="retention", source="reinartz2003",
    formula=r"\frac{\#\{i \in A_E : I_i(E - W, E) \ge 1\}}{\#A_E}", worked="4 / 10", tier="extension",
    uses={"interactions": ("customer_id", "at", "direction", "type?"), "customers": ("customer_id", "acquired_at"), **ACTIVITY}, unique=True,
    caveat=Text(
        "登记了不等于发生了，发生了也未必登记。既无订单也无订阅数据时，凡已获得的客户都算活跃。",
        "Logged is not the same as happened. Without a table of orders or subscriptions everybody ever acquired counts as active.",
    ),
    assumption_words={
        "within_days": Text("期末前多少天内的互动算触达", "days before the period's end in which a contact must lie"),
        "active_days": ACTIVE_DAYS,
    },
    defensible={"within_days": Around(0.5), "active_days": Around(0.5)},
)  # fmt: skip
def contact_coverage(
    interactions: ir.Table,
    customers: ir.Table,
    orders: ir.Table | None,
    subscriptions: ir.Table | None,
    periods: Periods,
    *,
    within_days: int = 90,
    active_days: int = 365,
) -> ir.Table:
    """One row per customer active at the period's end: 1 when there was a contact."""
    base = active_at_end(customers, orders, subscriptions, periods, days=active_days)
    contacts = periods.ending(days=within_days).rows(meant(interactions), "at")
    touched = contacts.select(span="period", reached="customer_id").distinct()
    rows = base.left_join(touched, [base.period == touched.span, base.customer_id == touched.reached])
    return rows.select("period", "customer_id", value=rows.reached.notnull().cast("float64"))
