"""Two groups of one period compared."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import crmtools as crm
from crmtools.goals.contrasted import VERDICTS

SOUTH, NORTH = {"region": "south"}, {"region": "north"}


@pytest.fixture(scope="module")
def demo() -> crm.Data:
    return crm.open("demo")


def tickets(shared: bool, seed: int = 5, customers: int = 400) -> crm.Data:
    """Tickets by phone and by mail, of the same customers or of others; a customer's tickets tend to come out alike."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        luck = random.beta(0.6, 0.6)
        for channel in ("phone", "email") if shared else (("phone", "email")[number % 2],):
            for _ in range(2 if shared else 4):
                rows.append((number, channel, random.random() < luck))
    frame = pd.DataFrame(rows, columns=["customer", "channel", "reopened"])
    opened = pd.Timestamp("2025-02-01") + pd.to_timedelta(random.integers(0, 40, len(frame)), unit="D")
    made = pd.DataFrame(
        {
            "ticket_id": [f"t{number}" for number in range(len(frame))],
            "customer_id": [f"c{number}" for number in frame.customer],
            "created_at": opened,
            "resolved_at": opened + pd.Timedelta(hours=5),
            "channel": frame.channel,
            "reopened_count": frame.reopened.astype(int),
        }
    )
    return crm.open(tickets=made, as_of="2025-06-30")


def test_it_is_the_difference_of_the_two_values(demo) -> None:
    made = crm.contrast("churn_rate", demo, NORTH, SOUTH)
    one, other = (crm.measure("churn_rate", demo, where=group) for group in (NORTH, SOUTH))
    assert (made.one, made.other) == (one, other)
    assert made.difference == pytest.approx(one.value - other.value)
    # Newcombe (1998), method 10: from the two intervals
    low = made.difference - np.hypot(one.value - one.low, other.high - other.value)
    high = made.difference + np.hypot(one.high - one.value, other.value - other.low)
    assert (made.low, made.high) == (pytest.approx(low), pytest.approx(high))
    assert made.verdict == "higher"
    assert made.correlation == 0.0


@pytest.mark.parametrize("name", ["churn_rate", "nps", "revenue_per_customer", "complaint_rate", "resolution_time"])
def test_the_other_way_round_it_is_the_same_turned_over(demo, name) -> None:
    made, turned = crm.contrast(name, demo, NORTH, SOUTH), crm.contrast(name, demo, SOUTH, NORTH)
    assert made.difference == pytest.approx(-turned.difference)
    assert (made.low, made.high) == (pytest.approx(-turned.high), pytest.approx(-turned.low))
    assert made.p == pytest.approx(turned.p)
    words = {"higher": "lower", "lower": "higher"}
    assert turned.verdict == words.get(made.verdict, made.verdict)


def test_by_default_a_group_is_held_against_all_others(demo) -> None:
    rest = {"region": ["north", "east", "west"]}
    assert crm.contrast("nps", demo, SOUTH).difference == crm.contrast("nps", demo, SOUTH, rest).difference
    both = {"customer_type": "business"} | SOUTH
    made = crm.contrast("nps", demo, both, period="2025-Q3")
    assert made.one == crm.measure("nps", demo, where=both, period="2025-Q3")
    others = {"customer_type": "business", "region": ["west", "east", "north"]}
    assert made.other.value == crm.measure("nps", demo, where=others, period="2025-Q3").value


def test_customers_of_both_groups_are_taken_into_account() -> None:
    """The error of the difference against one by resampling whole customers."""
    data = tickets(shared=True)
    made = crm.contrast("reopen_rate", data, {"channel": "phone"}, {"channel": "email"}, period="2025-Q1")
    assert made.correlation > 0.4
    frame = data.tickets.to_pandas()
    sums = frame.pivot_table(index="customer_id", columns="channel", values="reopened_count", aggfunc=["sum", "size"])
    random = np.random.default_rng(1)
    drawn = []
    for _ in range(2000):
        total = sums.to_numpy(float)[random.integers(0, len(sums), len(sums))].sum(axis=0)
        email, phone, mails, calls = total
        drawn.append(phone / calls - email / mails)
    assert (made.high - made.low) / (2 * 1.96) == pytest.approx(np.std(drawn), rel=0.08)


def test_customers_of_one_group_only_have_nothing_in_common() -> None:
    made = crm.contrast("reopen_rate", tickets(shared=False), {"channel": "phone"}, period="2025-Q1")
    assert made.correlation == 0.0
    assert dict(made.other.group) == {"channel": "email"}


def test_what_is_counted_is_a_fact(demo) -> None:
    name = next(name for name, item in crm.CATALOGUE.items() if type(item.kind).__name__ == "Total")
    made = crm.contrast(name, demo, {"priority": "low"}, {"priority": "high"})
    assert made.method == "count"
    assert made.p is None
    assert made.verdict == ("higher" if made.difference > 0 else "lower")


def test_nobody_is_told_as_such(demo) -> None:
    nobody = crm.contrast("nps", demo, {"region": "Atlantis"}, SOUTH)
    assert nobody.verdict == "not_comparable"
    assert "Atlantis" in nobody.why.en
    assert nobody.difference is None
    with pytest.raises(crm.CRMError, match="2031-Q1 has no value at all"):
        crm.contrast("nps", demo, SOUTH, period="2031-Q1")


def test_what_a_table_hides_is_not_told_by_two_groups(demo) -> None:
    """The least group is hidden and the next one with it; neither may be held against a third, nor be among some of the others."""
    sizes = {dict(e.group)["region"]: e.n for e in crm.breakdown("nps", demo, by="region").estimates}
    *large, second, least = sorted(sizes, key=sizes.__getitem__, reverse=True)
    publish = demo.settings.publish.model_copy(update={"smallest_group": sizes[least] + 1})
    strict = replace(demo, settings=demo.settings.model_copy(update={"publish": publish}))
    hidden = {e.group[0][1] for e in crm.breakdown("nps", strict, by="region").estimates if e.suppressed}
    assert hidden == {second, least}
    for one, other in [
        ([second], [large[0]]), ([large[0]], [second]), ([least], [large[0]]), ([large[0]], [second, large[1]]),
        ([second, large[0]], [large[1]]), ([second], [least]),
    ]:  # fmt: skip
        made = crm.contrast("nps", strict, {"region": one}, {"region": other})
        assert made.verdict == "not_comparable"
        assert made.difference is None
        for values, found in ((one, made.one), (other, made.other)):
            assert (found.value is None) == bool(hidden & {*values}), "what a table shows may be shown here"
        assert f"{second} and {least} are hidden" in made.why.en
        assert "all of them, or none" in made.why.en
    for one, other in [([large[0]], [large[1]]), ([large[0]], None), ([second, least], [large[0]])]:
        against = None if other is None else {"region": other}
        assert crm.contrast("nps", strict, {"region": one}, against).difference is not None


def test_who_has_no_value_of_an_attribute_is_among_the_others_and_has_a_name() -> None:
    data = tickets(shared=False)
    frame = data.tickets.to_pandas()
    frame.loc[frame.index % 3 == 0, "channel"] = None
    made = crm.contrast(
        "reopen_rate", crm.open(tickets=frame, as_of="2025-06-30"), {"channel": "phone"}, period="2025-Q1"
    )
    assert made.difference is not None
    assert "Unknown, email: " in made.display(language="en").text


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({}, None, "at least one condition"),
        ("south", None, "found 'south'"),
        ({"regionn": "south"}, NORTH, "in one attribute"),
        ({"regionn": "south"}, {"regionn": "north"}, "region"),
        (SOUTH, SOUTH, "found none"),
        (SOUTH, {"customer_type": "business"}, "found region and customer_type"),
        (SOUTH, {"region": ["north", "south"]}, "'south' is in both"),
        ({"region": 3}, None, "found 3"),
        (SOUTH, {"region": []}, "found \\[\\]"),
        ({"region": ["south", "north", "east", "west"]}, None, "Nobody is left"),
    ],
)
def test_what_cannot_be_asked_is_told(demo, one, other, said) -> None:
    with pytest.raises(crm.CRMError, match=said):
        crm.contrast("nps", demo, one, other)


def test_it_shows_itself_in_both_languages(demo) -> None:
    made = crm.contrast("churn_rate", demo, NORTH, SOUTH)
    english = " ".join(made.display(language="en").text.split())
    chinese = made.display(language="zh").text
    assert "north: 6.1 % a month" in english
    assert "Smallest difference to be seen" in english
    assert VERDICTS[made.verdict].zh in chinese
    assert "nan" not in (english + chinese).lower()
    empty = crm.contrast("churn_rate", demo, {"region": "Atlantis"}, SOUTH).display(language="zh").text
    assert "不可比" in empty
