"""One small indicator per kind, which works on the tables that it names: what a new one of that kind begins as.

``%(name)s`` is the new name. Texts that are to be replaced are marked; formula, unit, direction, owner, source and the worked example are true
of the pattern and change with it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pattern:
    """A beginning: the class of its kind, the dimension it fits, what it measures, its declaration and its function.

    ``needs`` lists what its code uses beyond ``Text``, ``indicator``, the kind and ``Periods``: module → names.
    """

    kind: str
    dimension: str
    measures: str
    declared: str
    body: str
    needs: tuple[tuple[str, str], ...] = ()


REQUESTS = "crmtools.indicators.requests"
FACTS = "crmtools.indicators.facts"

TICKETS = '''def %(name)s(tickets: ir.Table, periods: Periods) -> ir.Table:
    """One row per ticket opened in the period: '''
ORDERS = '''def %(name)s(orders: ir.Table, periods: Periods) -> ir.Table:
    """One row per '''

PATTERNS: dict[str, Pattern] = {
    "share": Pattern(
        "Share", "service", "the share of tickets that are complaints",
        r'''kind=Share(), unit="percent", better="lower", owner="service", source="iso18295",
    formula=r"\frac{\#\{j : c_j\}}{\#\{j\}}", worked="3 / 6",
    uses={"tickets": ("customer_id", "created_at", "type", "channel?")},
    splits=("channel",), excludes=("spam",),''',
        TICKETS + '''1 where it is a complaint, else 0."""
    rows = periods.rows(tickets, "created_at")
    applies = (rows.type == "complaint").fill_null(False)
    return rows.select("period", "customer_id", "channel", value=applies.cast("float64"), excluded=is_spam(rows))
''',
        ((REQUESTS, "is_spam"),),
    ),
    "net_share": Pattern(
        "NetShare", "service", "tickets that are done with minus those that are not, of 100",
        r'''kind=NetShare(), unit="points", better="higher", owner="service", source="iso18295",
    formula=r"100\,\frac{P - D}{n}", worked="100 * (3 - 3) / 6",
    uses={"tickets": ("customer_id", "created_at", "resolved_at", "closed_at?", "type?", "channel?")},
    splits=("channel",), excludes=("spam",),''',
        TICKETS + '''+1 where it was resolved, else −1."""
    rows = periods.rows(tickets, "created_at")
    sign = done_at(rows).notnull().ifelse(1.0, -1.0)
    return rows.select("period", "customer_id", "channel", value=sign, excluded=is_spam(rows))
''',
        ((REQUESTS, "done_at"), (REQUESTS, "is_spam")),
    ),
    "mean": Pattern(
        "Mean", "value", "the mean amount of an order",
        r'''kind=Mean(), unit="money", better="higher", owner="marketing", source="farris2010",
    formula=r"\frac{\sum_j a_j}{\#\{j\}}", worked="(300 + 450 + 1200 + 200 * 7.1 + 80 + 120 + 250) / 7",
    uses={"orders": ("customer_id", "ordered_at", "net_amount", "status?", "refund_amount?", "channel?")},
    splits=("channel",),''',
        ORDERS + '''completed order of the period: what it brought."""
    rows = periods.rows(completed(orders), "ordered_at")
    return rows.select("period", "customer_id", "channel", value=net_of_refunds(rows))
''',
        ((FACTS, "completed"), (FACTS, "net_of_refunds")),
    ),
    "ratio": Pattern(
        "Ratio", "value", "what was paid back, of what was paid",
        r'''kind=Ratio(), unit="percent", better="lower", owner="finance", source="farris2010",
    formula=r"\frac{\sum_j r_j}{\sum_j a_j}", worked="150 / (300 + 600 + 1200 + 200 * 7.1 + 80 + 120 + 250)",
    uses={"orders": ("customer_id", "ordered_at", "net_amount", "status?", "refund_amount?", "channel?")},
    splits=("channel",),''',
        ORDERS + '''completed order of the period: ``value`` stands above the line, ``weight`` below it."""
    rows = periods.rows(completed(orders), "ordered_at")
    paid_back = rows.refund_amount.fill_null(0.0)
    return rows.select("period", "customer_id", "channel", value=paid_back, weight=rows.net_amount)
''',
        ((FACTS, "completed"),),
    ),
    "rate": Pattern(
        "Rate", "service", "tickets opened per 100 customer-months",
        r'''kind=Rate(per=100), unit="per_100_customer_months", better="lower", owner="service", source="iso18295",
    formula=r"100\,\frac{\sum K_i}{\sum m_i}", worked="100 * 6 / ((8 * 92 + 91 + 22 + 31) / 30.4375)",
    uses={"tickets": ("customer_id", "created_at", "type?"), "customers": ("customer_id", "acquired_at")},
    excludes=("outside_base",), unique=True,''',
        '''def %(name)s(tickets: ir.Table, customers: ir.Table, periods: Periods) -> ir.Table:
    """Customers carry their months at risk, tickets other than spam the events."""
    events = periods.rows(tickets.filter(is_spam(tickets).isnull()), "created_at")
    return events_per_month(events, exposure_months(customers, periods))
''',
        ((FACTS, "events_per_month"), (FACTS, "exposure_months"), (REQUESTS, "is_spam")),
    ),
    "unit_cost": Pattern(
        "UnitCost", "acquisition", "what was spent per customer won",
        r'''kind=UnitCost(), unit="money", better="lower", owner="marketing", source="farris2010",
    formula=r"\frac{\sum S}{N}", worked="(1100 + 50 * 7.1 + 700 + 500 - 150 + 1300) / 3",
    uses={"spend": ("period", "category", "amount", "channel?"), "customers": ("customer_id", "acquired_at", "acquired_channel?")},
    splits=("acquired_channel",),''',
        '''def %(name)s(spend: ir.Table, customers: ir.Table, periods: Periods) -> ir.Table:
    """Spend stands above the line and belongs to nobody, every customer won counts one below it."""
    spent = spend.filter(spend.category == "acquisition").rename(spent_on="period")
    paid, won = periods.rows(spent, "spent_on"), periods.rows(customers, "acquired_at")
    nobody, nothing, one = ibis.null("string"), ibis.literal(0.0), ibis.literal(1.0)
    return ibis.union(
        paid.select("period", customer_id=nobody, value=paid.amount, weight=nothing, acquired_channel=paid.channel),
        won.select("period", "customer_id", value=nothing, weight=one, acquired_channel=won.acquired_channel),
    )
''',
    ),
    "total": Pattern(
        "Total", "service", "how many tickets were opened",
        r'''kind=Total(), unit="tickets", better="lower", owner="service", source="iso18295",
    formula=r"\#\{j\}", worked="6",
    uses={"tickets": ("customer_id", "created_at", "type?", "channel?")},
    splits=("channel",), excludes=("spam",),''',
        TICKETS + '''it counts one."""
    rows = periods.rows(tickets, "created_at")
    return rows.select("period", "customer_id", "channel", value=ibis.literal(1.0), excluded=is_spam(rows))
''',
        ((REQUESTS, "is_spam"),),
    ),
    "duration": Pattern(
        "Duration", "service", "hours until a ticket is answered",
        r'''kind=Duration(), unit="hours", better="lower", owner="service", source="kaplan1958",
    formula=r"\inf\{t : \hat S(t) \le 1 - q\}", worked="6",
    uses={"tickets": ("customer_id", "created_at", "first_response_at", "type?", "channel?")},
    splits=("channel",), excludes=("spam",),
    assumption_words={"quantile": Text("分位数：0.5 为中位数", "quantile: 0.5 is the median")},''',
        '''def %(name)s(tickets: ir.Table, periods: Periods, *, quantile: float = 0.5) -> ir.Table:
    """One row per ticket opened in the period: ``value`` is the wait so far, ``event`` says whether it is over."""
    rows = periods.rows(tickets, "created_at")
    over = rows.first_response_at.notnull()
    waited = hours_between(rows.created_at, ibis.coalesce(rows.first_response_at, periods.known_until))
    return rows.select("period", "customer_id", "channel", value=waited, event=over, excluded=is_spam(rows))
''',
        ((FACTS, "hours_between"), (REQUESTS, "is_spam")),
    ),
}  # fmt: skip
"""By what ``crmtools new indicator --kind`` calls them. A model has no pattern: it is code of its own, as in ``indicators/value.py``."""
