"""Facts about the dozen customers of data/tiny: every right answer worked out once more, in plain Python."""

import csv
import re
from collections import defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tiny_answers import RECOMPUTED as FURTHER

TINY = Path(__file__).parents[1] / "data" / "tiny"
START, END = date(2025, 10, 1), date(2026, 1, 1)
DAYS_IN_MONTH = 30.4375


def rows(name: str) -> list[dict[str, str]]:
    with (TINY / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


TESTS = {row["customer_id"] for row in rows("customers") if row["is_test"] == "true"}


def real(name: str) -> list[dict[str, str]]:
    return [row for row in rows(name) if row.get("customer_id") not in TESTS]


def day(text: str) -> date:
    return date.fromisoformat(text[:10])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def in_period(text: str) -> bool:
    return START <= day(text) < END


def money(row: dict[str, str], amount: str, when: str) -> float:
    """The amount in CNY at the last rate that began on or before the day."""
    value = float(row[amount] or 0)
    if row["currency"] in ("", "CNY"):
        return value
    rates = {day(x["date"]): float(x["rate"]) for x in rows("fx_rates") if x["currency"] == row["currency"]}
    return value * rates[max(d for d in rates if d <= day(row[when]))]


def completed() -> list[dict[str, str]]:
    return [row for row in real("orders") if row["status"] in ("", "completed")]


def order_days() -> dict[str, set[date]]:
    days = defaultdict(set)
    for row in completed():
        days[row["customer_id"]].add(day(row["ordered_at"]))
    return days


def latest(metric: str) -> list[float]:
    items = {row["item_id"] for row in rows("survey_items") if row["metric"] == metric}
    answers = [row for row in real("survey_answers") if row["item_id"] in items and in_period(row["answered_at"])]
    last = {row["customer_id"]: float(row["value"]) for row in sorted(answers, key=lambda row: row["answered_at"])}
    return list(last.values())


def csat_mean() -> float:
    return sum(latest("csat")) / len(latest("csat"))


def csat_top2() -> float:
    return sum(x >= 4 for x in latest("csat")) / len(latest("csat"))


def nps() -> float:
    answers = latest("nps")
    return 100 * (sum(x >= 9 for x in answers) - sum(x <= 6 for x in answers)) / len(answers)


def repeat_purchase_rate() -> float:
    window = timedelta(days=90)
    cohort = [days for days in order_days().values() if START - window <= min(days) < END - window]
    return sum(any(timedelta(0) < d - min(days) <= window for d in days) for days in cohort) / len(cohort)


def churn_rate() -> float:
    firsts = [date(2025, 10, 1), date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)]
    held = defaultdict(list)
    for row in real("subscriptions"):
        held[row["customer_id"]].append((day(row["started_at"]), day(row["ended_at"]) if row["ended_at"] else date.max))
    lost = months = 0
    for first, following in pairwise(firsts):
        for spans in held.values():
            if not any(start <= first <= end for start, end in spans):
                continue
            months += 1
            stays = any(start <= following <= end for start, end in spans)
            returns = any(0 <= (start - following).days <= 30 for start, _ in spans)
            lost += not stays and not returns
    return lost / months


def inactivity_rate() -> float:
    edge = END - timedelta(days=90)
    base = [days for days in order_days().values() if any(edge - timedelta(days=365) <= d < edge for d in days)]
    return sum(not any(edge <= d < END for d in days) for days in base) / len(base)


def revenue_per_customer() -> float:
    orders = [row for row in completed() if in_period(row["ordered_at"])]
    total = sum(money(row, "net_amount", "ordered_at") - money(row, "refund_amount", "ordered_at") for row in orders)
    return total / len({row["customer_id"] for row in orders})


def customer_months() -> float:
    since = [max(day(row["acquired_at"]), START) for row in real("customers") if is_active(row)]
    return sum((END - first).days for first in since if first < END) / DAYS_IN_MONTH


def is_active(customer: dict[str, str]) -> bool:
    """Won or buying in the 365 days before the end, or subscribed on a day of the quarter."""
    who, since = customer["customer_id"], END - timedelta(days=365)
    days = [day(customer["acquired_at"]), *(d for d in order_days()[who])]
    spells = [row for row in real("subscriptions") if row["customer_id"] == who]
    subscribed = any(day(s["started_at"]) < END and not (s["ended_at"] and day(s["ended_at"]) < START) for s in spells)
    return subscribed or any(since <= d < END for d in days)


def complaint_rate() -> float:
    complaints = [row for row in real("tickets") if row["type"] == "complaint" and in_period(row["created_at"])]
    return 100 * len(complaints) / customer_months()


def interaction_frequency() -> float:
    counted = [
        row
        for row in real("interactions")
        if in_period(row["at"]) and row["direction"] in ("inbound", "two_way") and row["type"] not in ("bulk", "auto")
    ]
    return len(counted) / customer_months()


def first_response_time() -> float:
    """The Kaplan-Meier median, by the definition: one factor (1 - answered / waiting) per distinct time."""
    end = datetime(2026, 1, 1)
    spells = [
        ((moment(row["first_response_at"] or str(end)) - moment(row["created_at"])).total_seconds() / 3600,
         bool(row["first_response_at"]))
        for row in real("tickets")
        if row["type"] != "spam" and in_period(row["created_at"])
    ]  # fmt: skip
    left = 1.0
    for time in sorted({hours for hours, answered in spells if answered}):
        left *= 1 - sum(h == time and answered for h, answered in spells) / sum(h >= time for h, _ in spells)
        if left <= 0.5:
            return time
    raise AssertionError("the median is never reached")


def cac() -> float:
    months = ("2025-09", "2025-10", "2025-11")
    spent = [r for r in real("spend") if r["category"] == "acquisition" and r["period"].startswith(months)]
    return sum(money(row, "amount", "period") for row in spent) / sum(
        in_period(row["acquired_at"]) for row in real("customers")
    )


def lead_conversion_rate() -> float:
    window = timedelta(days=90)
    leads = [
        row
        for row in real("leads")
        if row["status"] not in ("spam", "duplicate") and START - window <= day(row["created_at"]) < END - window
    ]
    won = [r for r in leads if r["converted_at"] and moment(r["converted_at"]) - moment(r["created_at"]) <= window]
    return len(won) / len(leads)


def overdue_ratio() -> float:
    paid = defaultdict(float)
    for row in real("payments"):
        if day(row["paid_at"]) < END:
            paid[row["invoice_id"]] += float(row["amount"])
    total = late = 0.0
    for row in real("invoices"):
        if day(row["issued_at"]) < END:
            written_off = row["written_off_at"] and day(row["written_off_at"]) < END
            open_amount = float(row["amount"]) - paid[row["invoice_id"]]
            open_amount -= float(row["written_off_amount"]) if written_off else 0
            open_amount = max(open_amount, 0.0)  # what is recovered after a write-off is owed to nobody
            total += open_amount
            late += open_amount * (day(row["due_at"]) < END)
    return late / total


def backlog() -> float:
    return sum(day(row["created_at"]) < END and not row["resolved_at"] for row in real("tickets"))


def answers() -> dict[str, str]:
    text = (TINY / "ANSWERS.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", text, flags=re.MULTILINE))


RECOMPUTED = (
    csat_mean, csat_top2, nps, repeat_purchase_rate, churn_rate, inactivity_rate, revenue_per_customer,
    complaint_rate, interaction_frequency, first_response_time, cac, lead_conversion_rate, overdue_ratio,
    backlog, *FURTHER,
)  # fmt: skip


def test_every_written_answer_is_worked_out_again() -> None:
    assert sorted(answers()) == sorted(function.__name__ for function in RECOMPUTED)


@pytest.mark.parametrize("recomputed", RECOMPUTED, ids=lambda function: function.__name__)
def test_answer_by_hand_is_what_the_rows_say(recomputed) -> None:
    expression = answers()[recomputed.__name__]
    assert re.fullmatch(r"[\d\s.+*/()-]+", expression)
    assert recomputed() == pytest.approx(eval(expression), rel=1e-12)


def test_answered_only_median_would_be_wrong() -> None:
    assert first_response_time() == 6 != (4 + 6) / 2


def test_files_are_plain_utf8_with_unix_line_ends() -> None:
    for path in sorted(TINY.glob("*.csv")):
        raw = path.read_bytes()
        assert not raw.startswith(b"\xef\xbb\xbf"), path.name
        assert b"\r" not in raw, path.name
        assert raw.endswith(b"\n"), path.name


def test_hostile_text_survives_reading() -> None:
    names = {row["customer_id"]: row["name"] for row in rows("customers")}
    assert names["C07"].startswith("<script>")
    assert names["C09"].startswith("=cmd|")
    assert "\n" in names["C03"]
    assert '"' in names["C02"]
    assert names["C11"] == "Null"
