"""What it costs to keep and serve customers."""

from typing import Literal

import ibis
import ibis.expr.types as ir

from crmtools.indicators.buying import gaps, per_period
from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods, day_table
from crmtools.indicators.kinds import Ratio, Scenario
from crmtools.indicators.requests import done_at, is_spam
from crmtools.indicators.spending import KEY_WORDS, KEYS, Key, spent
from crmtools.words import Text

YEAR = 365.25
SPEND = ("period", "category", "amount")


@indicator(
    name=Text("客户维系成本（每活跃客户）", "Retention cost per active customer"),
    meaning=Text("期内维系与服务费用（折算为一年）除以平均活跃客户数；公共费用按分摊规则计入。", "What was spent on retention and service in the period, put on a year, divided by the average number of active customers; shared cost by the key in force."),
    kind=Scenario(), unit="money", better="range", owner="retention", source="blattberg1996",
    formula=r"\frac{365.25}{D}\,\frac{C_R + C_S + k\,C_0}{\frac{1}{M} \sum_m A_m}",
    worked="(2500 + 3000 * 2500 / (2500 + 1100 + 50 * 7.1 + 700 + 500 - 150 + 1300)) * 365.25 / 92 / ((9 + 8 + 9) / 3)",
    uses={
        "spend": SPEND, "subscriptions?": ("customer_id", "started_at", "ended_at"),
        "orders?": ("customer_id", "ordered_at", "status?"),
    },
    one_of=(("subscriptions", "orders"),), by_customer=False,
    caveat=Text(
        "口径差异大于任何变化：请公布计入的科目。不含商品成本与获客费用；费用下降若伴随服务变差，并非好事。区间来自公共费用的分摊，不是抽样误差。",
        "Definitions differ more than any change: publish the list of accounts. Neither the cost of goods nor acquisition is in "
        "it, and falling is not good where service falls. The band comes from the shared cost, not from sampling.",
    ),
    assumption_words={
        "shared": KEY_WORDS,
        "active_days": Text("多少天内有已完成订单算活跃；有效订阅一律算活跃", "days within which a completed order makes a customer active; a running subscription always does"),
    },
    defensible={"shared": KEYS, "active_days": (180, 365, 730)},
)  # fmt: skip
def retention_cost(
    spend: ir.Table,
    subscriptions: ir.Table | None,
    orders: ir.Table | None,
    periods: Periods,
    *,
    shared: Key = "direct",
    active_days: int = 365,
) -> ir.Table:
    """Spend belongs to nobody; customers carry the part of the period's month ends at which they were active."""
    paid = spent(spend, periods, ("retention", "service"), shared)
    a_year = YEAR / paid.end_day.delta(paid.first_day, unit="day")
    ends = _month_ends(periods)
    found = []
    if subscriptions is not None:
        last_day = ends.end_day - ibis.interval(days=1)
        runs_on = subscriptions.ended_at.isnull() | (subscriptions.ended_at >= last_day)
        found.append(subscriptions.inner_join(ends, [subscriptions.started_at < ends.end_day, runs_on]))
    if orders is not None:
        bought = gaps(orders)
        far = bought.day + ibis.interval(days=active_days)
        until = ibis.least(far, bought.next_day.fill_null(far))
        found.append(bought.inner_join(ends, [bought.day < ends.end_day, until >= ends.end_day]))
    columns = ["period", "end_day", "customer_id", "weight"]
    active = ibis.union(*(rows.select(columns) for rows in found)).distinct()
    return ibis.union(
        paid.select(
            "period", customer_id=ibis.null("string"), weight=ibis.literal(0.0), records=paid.records,
            **{name: paid[name] * a_year for name in ("value", "least", "most")},
        ),
        active.select(
            "period", "customer_id", "weight", records=ibis.literal(1, "int64"),
            **{name: ibis.literal(0.0) for name in ("value", "least", "most")},
        ),
    )  # fmt: skip


def _month_ends(periods: Periods) -> ir.Table:
    """The ends of the calendar months in a period, its own end where it holds none: ``end_day`` (exclusive), ``weight`` 1 / their number."""
    rows = []
    for number, period in enumerate(periods.periods):
        ends = [month.end for month in period.split("month") if month.end <= period.end] or [period.end]
        rows += [(number, period.start, end) for end in ends]
    ends = day_table(periods.backend, rows)
    return ends.mutate(weight=1.0 / ends.end_day.count().over(ibis.window(group_by="period")))


@indicator(
    name=Text("服务成本率", "Cost-to-serve ratio"),
    meaning=Text("期内服务费用按处理工时分摊到客户，除以这些客户同期的净销售额。", "The service cost of the period, allocated to customers by the minutes of work on their tickets, divided by the net revenue of the same customers."),
    kind=Ratio(), unit="growth_percent", better="lower", owner="service", source="kaplan2004",
    formula=r"\frac{\sum_i r\,m_i}{\sum_i R_i}, \quad r = \frac{C_S}{\sum_i m_i}",
    worked="2000 / (15 + 40 + 90) * (15 + 40 + 90) / (300 + (600 - 150) + 1200 + 200 * 7.1 + (80 + 120) + 250)",
    uses={
        "orders": ("customer_id", "ordered_at", "net_amount", "status?", "refund_amount?", "cogs?"), "spend": SPEND,
        "tickets": ("customer_id", "resolved_at", "handle_minutes", "closed_at?", "type?"),
    },
    caveat=Text(
        "全部服务费用都分给了有工单的客户，闲置产能也不例外；未记录工时的工单按零计。总体数字与分摊依据无关，各组与区间则取决于它。只计期内办结的工单；公共费用不含在内。",
        "All service cost falls on customers with tickets, that of idle hours too; a ticket without minutes takes none of it. The "
        "total does not depend on the key, groups and interval do. Tickets done in the period count; shared cost is not in it.",
    ),
    assumption_words={"key": Text("分摊依据：minutes 处理工时，tickets 工单数", "what cost is allocated by: minutes of work, or number of tickets")},
    defensible={"key": ("minutes", "tickets")}, unique=True,
)  # fmt: skip
def cost_to_serve_ratio(
    orders: ir.Table,
    spend: ir.Table,
    tickets: ir.Table,
    periods: Periods,
    *,
    key: Literal["minutes", "tickets"] = "minutes",
) -> ir.Table:
    """One row per customer with revenue or tickets: the cost it is given, and what it brought."""
    done = _done(tickets, periods)
    done = done.filter(done.excluded.isnull())
    done = done.mutate(load=done.handle_minutes.fill_null(0.0) if key == "minutes" else ibis.literal(1.0))
    cost = spent(spend, periods, ("service",), "none").select("period", cost="value")
    whole = done.group_by("period").aggregate(load=done.load.sum()).inner_join(cost, "period")
    # without work, or without spend, there is no rate to charge
    rate = whole.filter(whole.load > 0, whole.cost > 0).select("period", rate=whole.cost / whole.load)
    bought = per_period(orders, periods)
    bought = bought.filter(bought.excluded.isnull())
    rows = ibis.union(
        bought.select("period", "customer_id", load=ibis.literal(0.0), net=bought.net, records=bought.orders),
        done.select("period", "customer_id", "load", net=ibis.literal(0.0), records=ibis.literal(1, "int64")),
    )
    own = rows.group_by(["period", "customer_id"]).aggregate(
        load=rows.load.sum(), net=rows.net.sum(), records=rows.records.sum()
    )
    charged = own.inner_join(rate, "period")
    return charged.select("period", "customer_id", "records", value=charged.load * charged.rate, weight=charged.net)


@indicator(
    name=Text("单张工单成本", "Cost per ticket"),
    meaning=Text("期内服务费用除以期内办结的工单数；公共费用按分摊规则计入。", "The service cost of the period divided by the tickets done in it; shared cost by the key in force."),
    kind=Scenario(), unit="money", better="lower", owner="service", source="kaplan2004", tier="extension",
    formula=r"\frac{C_S + k\,C_0}{\#\{j : r_j \in [t_0, t_1)\}}",
    worked="(2000 + 3000 * 2000 / (2500 + 1100 + 50 * 7.1 + 700 + 500 - 150 + 1300)) / 3",
    uses={"spend": SPEND, "tickets": ("customer_id", "resolved_at", "closed_at?", "type?")},
    by_customer=False, excludes=("spam",),
    caveat=Text("拆分工单会使该数字下降。区间来自公共费用的分摊，不是抽样误差。", "Splitting tickets makes it fall. The band comes from the shared cost, not from sampling."),
    assumption_words={"shared": KEY_WORDS}, defensible={"shared": KEYS},
)  # fmt: skip
def cost_per_ticket(spend: ir.Table, tickets: ir.Table, periods: Periods, *, shared: Key = "direct") -> ir.Table:
    """Spend belongs to nobody; every ticket done in the period counts once."""
    paid = spent(spend, periods, ("service",), shared)
    done = _done(tickets, periods)
    return ibis.union(
        paid.select(
            "period", "value", "least", "most", "records", customer_id=ibis.null("string"),
            weight=ibis.literal(0.0), excluded=ibis.null("string"),
        ),
        done.select(
            "period", **{name: ibis.literal(0.0) for name in ("value", "least", "most")}, records=ibis.literal(1, "int64"),
            customer_id=done.customer_id, weight=ibis.literal(1.0), excluded=done.excluded,
        ),
    )  # fmt: skip


def _done(tickets: ir.Table, periods: Periods) -> ir.Table:
    """The tickets resolved, else closed, in a period, with the exclusion ``spam`` or nothing."""
    rows = periods.rows(tickets.mutate(done_at=done_at(tickets)), "done_at")
    return rows.mutate(excluded=is_spam(rows))
