"""What customers are worth and what winning them takes, worked out from the CSV files of data/tiny."""

import csv
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

_TINY = Path(__file__).parents[2] / "data" / "tiny"
_START, _END = date(2025, 10, 1), date(2026, 1, 1)
_DAYS = timedelta(days=1)


def _rows(name: str) -> list[dict[str, str]]:
    """The rows of a table, without those of the test account or of what belongs to it."""
    with (_TINY / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    return [row for row in found if row.get("customer_id") != "C12" and row.get("opportunity_id") != "Q6"]


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _cny(row: dict[str, str], column: str, when: str) -> float:
    rate = 1.0
    if row["currency"] == "USD":
        rate = [float(x["rate"]) for x in _rows("fx_rates") if _day(x["date"]) <= _day(row[when])][-1]
    return float(row[column] or 0) * rate


def _orders() -> list[dict]:
    """Completed orders with net amount and margin in CNY."""
    return [
        {
            "who": row["customer_id"],
            "at": _time(row["ordered_at"]),
            "day": _day(row["ordered_at"]),
            "net": _cny(row, "net_amount", "ordered_at") - _cny(row, "refund_amount", "ordered_at"),
            "cogs": _cny(row, "cogs", "ordered_at"),
        }
        for row in _rows("orders")
        if row["status"] in ("completed", "")
    ]


def _of_period() -> list[dict]:
    return [order for order in _orders() if _START <= order["day"] < _END]


def aov() -> float:
    return sum(order["net"] for order in _of_period()) / len(_of_period())


def purchase_frequency() -> float:
    base = {order["who"] for order in _orders() if _END - 365 * _DAYS <= order["day"] < _END}
    won = {row["customer_id"]: _day(row["acquired_at"]) for row in _rows("customers")}
    years = sum((_END - max(won[who], _START)).days for who in base) / 365.25
    return len({(order["who"], order["day"]) for order in _of_period() if order["who"] in base}) / years


def usage_rate() -> float:
    days = [
        (min(int(row["active_users"]), int(row["entitled"])), int(row["entitled"]))
        for row in _rows("usage")
        if row["active_users"] and int(row["entitled"]) and _END - 28 * _DAYS <= _day(row["date"]) < _END
    ]
    return sum(active for active, _ in days) / sum(seats for _, seats in days)


def customer_margin() -> float:
    spent = sum(
        _cny(row, "amount", "period")
        for row in _rows("spend")
        if row["category"] in ("service", "retention") and _START <= _day(row["period"]) < _END
    )
    left = sum(order["net"] - order["cogs"] for order in _of_period()) - spent
    return left / len({order["who"] for order in _of_period()})


def clv_historic() -> float:
    firsts = {}
    for order in sorted(_orders(), key=lambda order: order["day"]):
        firsts.setdefault(order["who"], order["day"])
    cohort = {who: first for who, first in firsts.items() if date(2024, 10, 1) <= first < date(2025, 1, 1)}
    margin = sum(
        order["net"] - order["cogs"]
        for order in _orders()
        if order["who"] in cohort and order["day"] < cohort[order["who"]].replace(year=2025)
    )
    return margin / len(cohort)


def revenue_concentration() -> float:
    net = defaultdict(float)
    for order in _of_period():
        net[order["who"]] += order["net"]
    left, held = 0.1 * len(net), 0.0
    for amount in sorted(net.values(), reverse=True):
        held += min(left, 1) * amount
        left -= min(left, 1)
    return held / sum(net.values())


def stage_conversion_rate() -> float:
    deals = {row["opportunity_id"]: row for row in _rows("opportunities")}
    firsts = defaultdict(dict)
    for row in _rows("stage_history"):
        deal = deals[row["opportunity_id"]]
        if row["entered_at"] != deal["closed_at"]:
            firsts[row["opportunity_id"]].setdefault(row["stage"], _time(row["entered_at"]))
    window, entered, passed = 90 * _DAYS, 0, 0
    for name, stages in firsts.items():
        won = _time(deals[name]["closed_at"]) if deals[name]["is_won"] == "true" else datetime.max
        for at in stages.values():
            if _START - window <= at.date() < _END - window:
                entered += 1
                passed += any(at < other <= at + window for other in [*stages.values(), won])
    return passed / entered


def sales_cycle() -> float:
    """The Kaplan-Meier median of the days to a win; lost and open ones leave without one."""
    waits = []
    for row in _rows("opportunities"):
        if _END - 365 * _DAYS <= _day(row["created_at"]) < _END:
            closed = _time(row["closed_at"]) if row["closed_at"] else datetime(2026, 1, 1)
            waits.append(((closed - _time(row["created_at"])) / _DAYS, row["is_won"] == "true"))
    left = 1.0
    for time in sorted(days for days, won in waits if won):
        left *= 1 - 1 / sum(days >= time for days, _ in waits)
        if left <= 0.5:
            return time
    raise AssertionError("the median is never reached")


def campaign_roi() -> float:
    answers = sorted(
        (_time(row["responded_at"]), row["customer_id"], row["campaign_id"])
        for row in _rows("campaign_responses")
        if row["responded_at"]
    )
    reached = {row["campaign_id"] for row in _rows("campaign_responses") if row["group"] == "contacted"}
    window, cost, margin = 30 * _DAYS, 0.0, 0.0
    begun = {}
    for row in _rows("campaigns"):
        begun[row["campaign_id"]] = _time(row["started_at"])
        in_time = _START - 2 * window <= _day(row["started_at"]) < _END - 2 * window
        if in_time and row["actual_cost"] and row["campaign_id"] in reached:
            cost += _cny(row, "actual_cost", "started_at")
        else:
            reached -= {row["campaign_id"]}
    for order in _orders():
        before = [
            (at, campaign)
            for at, who, campaign in answers
            if who == order["who"] and at <= order["at"] and at <= begun[campaign] + window
        ]
        if before and order["at"] <= before[-1][0] + window and before[-1][1] in reached:
            margin += order["net"] - order["cogs"]
    return (margin - cost) / cost
