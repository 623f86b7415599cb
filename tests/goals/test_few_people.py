"""Nothing about few people is told by a decomposition, or can be worked out from it."""

import numpy as np
import pandas as pd
import pytest
from asked_customers import adds_up, asked, satisfied, told
from hypothesis import given
from hypothesis import strategies as st
from random_company import AS_OF

import crmtools as crm
from crmtools.goals.decomposition import decompose
from crmtools.goals.segment_sums import MOST_LINES, not_told
from crmtools.goals.stakes import stakes
from crmtools.suppression import hidden_groups


def sets_told(n: np.ndarray, smallest: int) -> list[set[int]]:
    """The sets of segments that somebody has a figure of: lines of the decomposition, and of the breakdown of each period."""
    together = not_told(n, smallest=smallest)
    everything = set(range(n.shape[1]))
    sets = [everything, together, *({place} for place in everything - together)]
    return [s for s in sets if s]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=7), st.sampled_from([2, 5, 10]))
def test_nothing_about_few_people_is_told_or_can_be_worked_out(sizes, smallest) -> None:
    n = np.array(sorted(sizes, reverse=True)).T
    if (n.sum(axis=1) < smallest).any():
        return  # decompose says that the total is about too few
    for period in range(2):
        known = {frozenset(s) for s in sets_told(n, smallest)}
        hidden = hidden_groups(n[period].tolist(), smallest)
        known |= {frozenset({place}) for place in range(n.shape[1]) if place not in hidden}
        # whatever lies inside something that is told can be taken from it
        grown = True
        while grown:
            more = {a - b for a in known for b in known if b < a} - known
            known, grown = known | more, bool(more)
        for s in known:
            assert not 0 < sum(n[period][list(s)]) < smallest


def test_regions_of_few_are_one_line_and_still_add_up() -> None:
    """Nine now are few in both periods; the next smallest joins them, or they could be taken from the total."""
    found = satisfied(asked({"a": ((40, 60), (50, 60)), "b": ((20, 40), (22, 45)), "c": ((9, 30), (5, 9))}))
    assert told(found) == [("a", "both", 60, 60), (None, "both", 70, 54)]
    others = found.lines[1]
    assert (others.name.en, others.merged) == ("Others", 2)
    assert others.rate_before == pytest.approx(29 / 70)
    assert others.rate_now == pytest.approx(27 / 54)
    adds_up(found)
    assert {"b", "c"}.isdisjoint(set(found.frame.segment))
    one = satisfied(asked({"a": ((40, 60), (50, 60)), "b": ((3, 9), (3, 9))}))
    assert told(one) == [(None, "both", 69, 69)]
    assert one.mix.value == pytest.approx(0, abs=1e-12)
    assert "one segment only" in one.mix.why.en


def test_totals_of_few_are_not_told() -> None:
    found = satisfied(asked({"a": ((2, 5), (30, 60)), "b": ((1, 4), (22, 45))}), target=0.9)
    assert (found.lines, found.change, found.mix, found.remaining) == ((), None, None, None)
    assert found.baseline.suppressed
    assert found.why.en == "November 2025: too few to be shown, or would give few away"
    assert found.steps == ()
    assert found.frame.empty
    assert stakes(found).why is found.why


def test_customers_in_several_segments_are_counted_once_before_they_are_told() -> None:
    """Six who write and call are six people, not twelve: the next channel joins them."""
    rows = [
        (f"{channel}{n}" if channel == "web" else f"few{n}", channel, month, n % 2)
        for channel, size in (("web", 40), ("app", 30), ("mail", 6), ("phone", 6))
        for n in range(size)
        for month in ("10", "11")
    ]
    tickets = pd.DataFrame(rows, columns=["customer_id", "channel", "month", "reopened_count"])
    # those of the app are others than those who write
    tickets["customer_id"] = np.where(tickets.channel == "app", "x" + tickets.customer_id, tickets.customer_id)
    when = pd.to_datetime("2025-" + tickets.pop("month") + "-10")
    data = crm.open(
        tickets=tickets.assign(ticket_id=range(len(tickets)), created_at=when, resolved_at=when, type="question"),
        as_of=AS_OF,
    )
    found = decompose("reopen_rate", data, by="channel", baseline="2025-10", period="2025-11")
    assert told(found) == [("web", "both", 40, 40), (None, "both", 36, 36)]
    assert found.lines[1].merged == 3
    adds_up(found)


def test_more_regions_than_anybody_reads_are_one_line() -> None:
    found = satisfied(asked({f"r{n:02d}": ((5 + n % 3, 12 + n), (4, 12 + n)) for n in range(24)}))
    assert len(found.lines) == MOST_LINES
    assert found.lines[-1].merged == 24 - MOST_LINES + 1
    adds_up(found)
