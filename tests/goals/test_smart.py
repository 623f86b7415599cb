"""SMART before a goal starts: every question at its edge, by hand and against other libraries, and nothing from later."""

import math
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

import crmtools as crm
from crmtools.goals.detectable import customers_needed, smallest_change
from crmtools.goals.goal import goal_from
from crmtools.goals.smart import Smart, smart, smart_goals
from crmtools.goals.smart_checks import LETTERS
from crmtools.goals.smart_facts import facts_of
from crmtools.settings import GoalSettings
from crmtools.simulate import simulate_frames

# ibis 12 asks pandas 3 for an option that it has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")

TABLES = ("customers", "survey_answers", "survey_items", "tickets", "orders", "subscriptions", "spend", "fx_rates")


def goal(**settings):
    usual = {"indicator": "csat_top2", "baseline": "2024-12", "from": "2025-01-01", "by": "2025-12-31"}
    if settings.get("kind") in ("establish_baseline", "stay_above", "stay_below", "range"):
        usual["baseline"] = None
    return goal_from(GoalSettings.model_validate(usual | settings))


def answered(months, *, last="2024-12", south=0) -> crm.Data:
    """Customers asked once: (satisfied, asked) of each month up to the last one; csat of 1 to 5. So many live in the south."""
    return _answered(tuple(months), last, south)


@cache
def _answered(months, last, south):
    firsts = pd.period_range(end=last, periods=len(months), freq="M")
    rows = [
        (f"{month}-{n}", month.start_time + pd.Timedelta(days=9), 5.0 if n < good else 1.0, n)
        for month, (good, size) in zip(firsts, months, strict=True)
        for n in range(size)
    ]
    answers = pd.DataFrame(rows, columns=["customer_id", "answered_at", "value", "n"])
    people = answers[["customer_id", "n"]].drop_duplicates("customer_id")
    people["region"] = np.where(people.pop("n") < south, "south", "north")
    return crm.open(
        customers=people,
        survey_answers=answers.drop(columns="n").assign(response_id=range(len(answers)), item_id="q"),
        survey_items=pd.DataFrame([{"item_id": "q", "metric": "csat", "scale_min": 1, "scale_max": 5}]),
        as_of=firsts[-1].end_time.date(),
    )


def waiting(counts, *, last="2024-12") -> crm.Data:
    """Tickets that are open over the end of a month, so many at the end of each."""
    firsts = pd.period_range(end=last, periods=len(counts), freq="M")
    opened = [month.start_time + pd.Timedelta(days=4) for month, count in zip(firsts, counts) for _ in range(count)]
    tickets = pd.DataFrame({"created_at": opened, "ticket_id": range(len(opened)), "type": "question"})
    tickets["resolved_at"] = (tickets.created_at + pd.DateOffset(months=1)).where(
        tickets.created_at < firsts[-1].start_time
    )
    return crm.open(tickets=tickets.assign(customer_id="k1"), as_of=firsts[-1].end_time.date())


def check(found: Smart, key: str):
    return next(one for one in found.checks if one.key == key)


def passed(found: Smart) -> dict[str, bool | None]:
    return {one.key: one.passed for one in found.checks}


@pytest.fixture(scope="module")
def frames():
    return simulate_frames(seed=7, customers=400, months=36, as_of=date(2025, 12, 31), tables=TABLES)


@pytest.fixture(scope="module")
def company(frames) -> crm.Data:
    return crm.open(**frames)


@pytest.fixture(scope="module")
def steady() -> crm.Data:
    """Three years in which 100 customers a month were asked and about 60 were satisfied."""
    return answered([(58 + (7 * n) % 5, 100) for n in range(36)])


# Specific


@pytest.mark.parametrize(
    ("month", "enough", "said"),
    [
        ((15, 30), True, "30 customers, 15 events"),
        ((15, 29), False, "29 customers, 14 events"),
        ((5, 40), True, "40 customers, 5 events"),
        ((4, 40), False, "40 customers, 4 events"),
        ((36, 40), False, "40 customers, 4 events"),
    ],
)
def test_thirty_customers_and_five_events_of_either_kind(month, enough, said):
    found = check(smart(goal(target={"points": 1}), answered([month])), "customers")
    assert (found.passed, found.found.en) == (enough, said)
    assert (found.remedy is None) is enough


def test_events_of_a_rate_are_counted_not_its_numerator(company):
    """Complaints per 100 customer-months: the numerator holds a hundred for each."""
    settings = {"indicator": "complaint_rate", "target": {"to": 1.0}}
    base = crm.measure("complaint_rate", company, period="2024-12")
    complaints = company.ask(company.tickets)
    inside = complaints.created_at.between("2024-12-01", "2025-01-01", inclusive="left")
    count = int((inside & (complaints.type == "complaint")).sum())
    assert base.numerator == 100 * count
    assert check(smart(goal(**settings), company), "customers").found.en.endswith(f", {count} events")


def test_what_is_declared(steady):
    bare = passed(smart(goal(target={"to": "70%"}), steady))
    assert [bare[key] for key in ("owner", "action", "outcome")] == [False, False, False]
    owner = {"department": {"en": "Service", "zh": "客服部"}}
    full = goal(target={"to": "70%"}, owner=owner, action={"en": "none", "zh": "无"}, outcome="nps")
    told = smart(full, steady)
    assert [passed(told)[key] for key in ("owner", "action", "outcome")] == [True, True, True]
    assert check(told, "owner").found.en == "Service"
    assert told.letters == sum(map(told.passes, LETTERS))
    assert told.passes("S")
    assert not smart(goal(target={"to": "70%"}), steady).passes("S")


# Measurable


def test_columns_must_be_filled_in_nineteen_of_twenty_rows_before_the_start():
    def with_empty(share: float, later: float) -> crm.Data:
        tickets = pd.DataFrame({"created_at": pd.date_range("2024-12-01", periods=400, freq="12h")})
        before = tickets.created_at < "2025-01-01"
        number = before.cumsum() / before.sum()
        kind = np.where(before, np.where(number <= share, None, "question"), np.where(later, None, "question"))
        frame = tickets.assign(ticket_id=range(400), customer_id=[f"k{n}" for n in range(400)], type=kind)
        return crm.open(
            tickets=frame,
            orders=pd.DataFrame(
                {"order_id": range(60), "customer_id": [f"k{n}" for n in range(60)], "ordered_at": "2024-06-05", "net_amount": 1.0}
            ),
            customers=pd.DataFrame({"customer_id": [f"k{n}" for n in range(400)], "acquired_at": "2024-01-05"}),
            as_of=date(2025, 6, 30),
        )  # fmt: skip

    settings = {"indicator": "complaint_rate", "baseline": 2.0, "target": {"to": 1.0}}
    three = check(smart(goal(**settings), with_empty(3 / 62, 1)), "filled")
    assert three.passed, "what is empty later does not count"
    assert three.found.en == "95\u00a0% tickets.type"
    four = check(smart(goal(**settings), with_empty(4 / 62, 0)), "filled")
    assert four.passed is False
    assert four.remedy.en == "Have tickets.type filled in"


def test_what_cannot_be_computed_is_not_measurable(steady):
    found = smart(goal(indicator="churn_rate", target={"to": "3%"}, baseline="4%"), steady)
    assert check(found, "filled").passed is False
    assert "subscriptions" in check(found, "filled").found.en
    assert not found.passes("M")
    assert found.reach == "unknown"


def test_a_baseline_without_data_and_a_given_one(steady):
    nothing = smart(goal(baseline="2021-12", target={"to": "70%"}), steady)
    assert passed(nothing)["baseline"] is False
    assert nothing.reach == "unknown"
    assert "establish a baseline" in nothing.rewritten.en
    given = smart(goal(baseline="61%", target={"to": "70%"}), steady)
    assert passed(given)["baseline"] is True
    assert check(given, "baseline").found.en == "61\u00a0%"
    new = smart(goal(kind="establish_baseline"), steady)
    assert "baseline" not in passed(new), "it is what the goal is for"
    assert "chance" not in passed(new)
    assert (new.detectable, new.needed, new.chance, new.reach) == (None, None, None, "unknown") or new.detectable


def test_no_data_before_the_start(steady):
    early = {"from": "2021-01-01", "by": "2025-12-31"}
    new = smart(goal(kind="establish_baseline", **early), steady)
    assert passed(new)["customers"] is None
    old = smart(goal(baseline="60%", target={"to": "70%"}, **early), steady)
    assert passed(old)["customers"] is False
    assert (old.detectable, old.needed, old.chance, old.reach) == (None, None, None, "unknown")
    bound = smart(goal(kind="stay_above", target={"to": "50%"}, **early), steady)
    assert passed(bound)["kept"] is None


def test_the_interval_must_be_half_as_wide_as_the_change():
    """Against the Wilson interval of statsmodels, with 60 of 100 satisfied; the customers' own variance costs one of them."""
    data = answered([(60, 100)])
    low, high = proportion_confint(0.6 * 99, 99, method="wilson")
    half = (high - low) / 2
    for change, enough in ((2 * half + 1e-6, True), (2 * half - 1e-6, False)):
        found = check(smart(goal(target={"points": 100 * change}), data), "interval")
        assert found.passed is enough


def fleiss(share, n_before, n_now):
    """The smallest detectable rise of a share, pooled error for the level and own errors for the power."""
    part = n_now / (n_now + n_before)

    def lacking(d):
        pooled = share + (d * part if math.isfinite(n_before) else 0.0)
        one = math.sqrt(pooled * (1 - pooled) * (1 / n_now + 1 / n_before))
        two = math.sqrt(share * (1 - share) / n_before + (share + d) * (1 - share - d) / n_now)
        return d - stats.norm.ppf(0.975) * one - stats.norm.ppf(0.8) * two

    return optimize.brentq(lacking, 1e-9, 1 - share)


@pytest.mark.parametrize("baseline", ["2024-12", "60%"])
def test_the_wanted_change_must_be_as_large_as_the_smallest_that_can_be_seen(baseline):
    """A baseline that was given has no error of its own: less is needed."""
    data = answered([(60, 100)])
    smallest = fleiss(0.6, math.inf if baseline == "60%" else 100 * 100 / 100, 100 * 99 / 99)
    for change, seen in ((1.02 * smallest, True), (0.98 * smallest, False)):
        found = smart(goal(baseline=baseline, target={"points": 100 * change}), data)
        assert check(found, "detectable").passed is seen
        # the customers' own variance has n − 1 below it
        assert found.detectable == pytest.approx(smallest, rel=0.02)


def test_a_change_that_no_reading_could_show_is_not_measurable():
    found = smart(goal(target={"points": 1}), answered([(9, 10)]))
    assert found.detectable is None
    assert check(found, "detectable").passed is False
    assert check(found, "detectable").found.en == "no change could be seen"


def test_so_many_customers_as_are_asked_for_show_the_change(company, steady):
    goals = [
        goal(target={"points": 9.5}), goal(target={"points": 10.5}),
        goal(indicator="nps", baseline="2024-Q4", target={"points": 28}), goal(indicator="csat_mean", baseline="2024-Q4", target={"points": 0.5}),
        goal(indicator="first_response_time", target={"relative": "-45%"}),
        goal(indicator="complaint_rate", baseline="2024", target={"relative": "-40%"}),
    ]  # fmt: skip
    asked = 0
    for one, data in zip(goals, [steady, steady, *[company] * 4], strict=True):
        found = smart(one, data)
        base = facts_of(one, data).base
        kind, better = one.indicator.kind, one.indicator.better
        wanted = abs(one.target(base.value) - base.value)
        assert found.detectable == pytest.approx(smallest_change(base, kind, better=better))
        assert found.needed == customers_needed(base, kind, wanted, better=better)
        if found.needed is None:
            continue
        asked += 1
        assert smallest_change(base, kind, n=found.needed, better=better) <= wanted
        fewer = smallest_change(base, kind, n=found.needed - 1, better=better)
        assert fewer is None or fewer > wanted
        assert (found.needed <= base.n) is bool(check(found, "detectable").passed)
    assert asked >= 4


def test_customers_against_a_given_value_by_hand(company):
    """(z of level + z of power)² times the variance of one customer over the squared change."""
    one = goal(indicator="csat_mean", baseline=3.5, target={"to": 3.8})
    found, base = smart(one, company), facts_of(one, company).base
    variance = base.se**2 * base.n
    needed = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2 * variance / 0.3**2
    assert found.needed == math.ceil(needed)


def test_longer_periods_by_hand():
    """Twice the customers on both sides halve the variance; the smallest number of times that is enough."""
    data = answered([(60, 100)])
    facts = facts_of(goal(target={"points": 8}), data)
    size = 0.6 * 0.4 / facts.base.se**2
    enough = next(k for k in range(1, 60) if fleiss(0.6, k * size, k * size) <= 0.08)
    assert facts.longer == enough > 2
    assert f"about {enough} times as long" in check(smart(facts.goal, data), "detectable").remedy.en


def test_a_complete_count_has_no_error():
    found = smart(goal(indicator="backlog", target={"to": 2}), waiting([5, 6, 5, 7, 6, 5, 8, 5, 6, 7, 5, 6]))
    assert check(found, "interval").found.en == check(found, "detectable").found.en == "no sampling error"
    assert passed(found)["interval"] is passed(found)["detectable"] is True


@pytest.mark.parametrize(
    ("start", "by", "count"),
    [("2025-01-01", "2025-02-28", 2), ("2025-01-01", "2025-02-27", 1), ("2025-01-02", "2025-03-31", 2)],
)
def test_two_whole_periods_before_the_deadline(steady, start, by, count):
    found = check(smart(goal(target={"to": "70%"}, **{"from": start, "by": by}), steady), "readings")
    assert found.found.en == str(count)
    assert found.passed is (count >= 2)


# Achievable


def test_a_target_that_comes_by_itself_and_one_that_nobody_saw(steady):
    easy = smart(goal(baseline="44%", target={"to": "45%"}), steady)
    assert easy.chance > 0.9
    assert (easy.reach, check(easy, "chance").passed) == ("trivial", False)
    fair = smart(goal(target={"to": "60%"}), steady)
    assert 0.05 < fair.chance < 0.9
    assert (fair.reach, check(fair, "chance").passed) == ("fair", True)
    far = smart(goal(target={"to": "95%"}), steady)
    assert (far.reach, check(far, "past_changes").passed) == ("infeasible", False)
    assert "go in steps" in check(far, "past_changes").remedy.en
    beyond = smart(goal(target={"points": 60}), steady)
    assert beyond.chance is None, "no forecast is asked for what cannot be"
    assert (beyond.reach, check(beyond, "past_changes").passed) == ("infeasible", False)


def test_a_rewritten_easy_goal_is_one_chance_in_four(steady):
    easy = goal(baseline="44%", target={"to": "45%"})
    facts = facts_of(easy, steady)
    aim = facts.forecast.path[-1][3]
    assert smart(easy, steady).rewritten.en.startswith(
        f"Satisfaction rate (top two): from 44\u00a0% to {facts.said(aim).en}"
    )
    assert smart(goal(baseline="44%", target={"to": str(aim)}), steady).chance == pytest.approx(0.25, abs=0.01)


def test_a_target_that_the_baseline_has_reached_is_trivial(steady):
    found = smart(goal(target={"to": "40%"}), steady)
    assert found.reach == "trivial"
    assert check(found, "chance").passed is False
    assert check(found, "chance").found.en == "the baseline is there already"
    assert "detectable" not in passed(found)
    assert found.needed is None


def test_the_place_among_past_changes_by_hand(steady):
    """From December to December: the changes of a year, of 36 months with values 58, 60, 62, 59, 61 in turn."""
    values = [58 + (7 * n) % 5 for n in range(36)]
    changes = [b - a for a, b in zip(values, values[12:])]
    assert len(changes) == 24
    start = values[-1]
    for target in (start + 1.5, start + 2.5):
        below = 100 * sum(change < target - start for change in changes) / len(changes)
        found = check(smart(goal(target={"to": f"{target}%"}), steady), "past_changes")
        assert found.found.en == f"larger than {below:.0f} % of them"
    best = max(changes)
    assert smart(goal(target={"to": f"{start + 2 * best}%"}), steady).reach == "stretch"
    assert smart(goal(target={"to": f"{start + 2 * best + 0.1}%"}), steady).reach == "infeasible"


def test_a_goal_to_keep_a_bound_looks_at_the_periods_that_kept_it(steady):
    values = [58 + (7 * n) % 5 for n in range(36)]
    for bound in (62, 60, 63):
        kept = sum(value >= bound for value in values)
        found = smart(goal(kind="stay_above", target={"to": f"{bound}%"}), steady)
        assert check(found, "kept").found.en == f"{kept} of 36"
        assert check(found, "kept").passed is bool(kept)
        assert found.reach == ("fair" if kept else "infeasible")
        assert (found.chance, found.needed, found.detectable) == (None, None, None)
        assert "chance" not in passed(found)
    inside = smart(goal(kind="range", target={"between": ["59%", "61%"]}), steady)
    assert check(inside, "kept").found.en == f"{sum(59 <= v <= 61 for v in values)} of 36"


# Relevant


@pytest.mark.parametrize(("few", "enough"), [(5, True), (4, False)])
def test_a_twentieth_of_the_customers_is_worth_a_goal(few, enough):
    data = answered([(60, 100)], south=few)
    found = check(smart(goal(target={"to": "70%"}, where={"region": "south"}), data), "part")
    assert (found.passed, found.found.en) == (enough, f"{few}\u00a0%")


def test_goals_that_move_as_one_are_one(steady):
    one = goal(target={"to": "70%"})
    again, alike = goal(target={"to": "72%"}, id="again"), goal(indicator="csat_mean", target={"to": 4.0})
    assert check(smart(one, steady, [one]), "duplicate").passed
    assert check(smart(one, steady, [one, again]), "duplicate").passed is False
    # a mean of fives and ones is a line of the share of fives
    twin = check(smart(one, steady, [one, alike]), "duplicate")
    assert (twin.passed, twin.found) == (False, alike.name)
    assert alike.name.en in twin.remedy.en


def test_a_correlation_of_nine_tenths_makes_two_goals_one():
    """Two regions whose monthly shares have a correlation worked out by numpy."""
    rng = np.random.default_rng(5)
    first = rng.integers(20, 80, 12)
    for noise, alike in ((10, True), (22, False)):
        second = np.clip(first + rng.integers(-noise, noise + 1, 12), 1, 99)
        assert bool(np.corrcoef(first, second)[0, 1] >= 0.9) is alike
        months, rows = pd.period_range(end="2024-12", periods=12, freq="M"), []
        for month, south, north in zip(months, first, second):
            for region, good in (("south", south), ("north", north)):
                rows += [
                    (f"{region}{month}{n}", region, month.start_time, 5.0 if n < good else 1.0) for n in range(100)
                ]
        frame = pd.DataFrame(rows, columns=["customer_id", "region", "answered_at", "value"])
        data = crm.open(
            customers=frame[["customer_id", "region"]],
            survey_answers=frame.drop(columns="region").assign(response_id=range(len(frame)), item_id="q"),
            survey_items=pd.DataFrame([{"item_id": "q", "metric": "csat", "scale_min": 1, "scale_max": 5}]),
            as_of=date(2024, 12, 31),
        )
        south, north = (goal(target={"to": "90%"}, where={"region": r}, id=r) for r in ("south", "north"))
        assert check(smart(south, data, [south, north]), "duplicate").passed is not alike


def test_goals_that_save_money_or_time_need_a_guardrail(company):
    rail = [{"indicator": "csat_mean", "stay_above": 3}]
    for settings in (
        {"indicator": "first_response_time", "target": {"to": 4}},
        {"indicator": "cost_to_serve_ratio", "baseline": "9%", "target": {"to": "8%"}},
    ):
        assert passed(smart(goal(**settings), company))["guardrail"] is False
        assert passed(smart(goal(**settings, guardrails=rail), company))["guardrail"] is True
    assert "guardrail" not in passed(smart(goal(indicator="nps", target={"to": 90}), company))


# Timely


@pytest.mark.parametrize(("by", "enough"), [("2025-03-01", True), ("2025-02-28", False)])
def test_two_cycles_and_the_follow_up_must_fit(steady, by, enough):
    """60 days of two months; csat has no follow-up. 1 January to 1 March are 60 days."""
    found = check(smart(goal(target={"to": "70%"}, by=by), steady), "long_enough")
    assert (found.passed, found.asked.en) == (enough, "≥ 60 days")


SEASON = [10] * 11 + [16]
"""December has 16 where the year's mean is 10.5: an index of 1.52."""


def test_a_deadline_in_a_high_season_needs_a_seasonal_path():
    data, usual = waiting(SEASON * 2), {"indicator": "backlog", "target": {"to": 5}}
    found = check(smart(goal(**usual), data), "season")
    assert (found.passed, found.found.en) == (False, "index of that month 1.52 ± 0.00")
    assert passed(smart(goal(**usual, path="seasonal"), data))["season"]
    assert passed(smart(goal(**usual, by="2025-11-30"), data))["season"]
    assert passed(smart(goal(**usual), waiting([*[10] * 11, 12, *[10] * 11, 12])))["season"], "an index of 1.18"
    assert passed(smart(goal(**usual), waiting(SEASON * 2 + SEASON[:6], last="2024-06")))["season"] is False, (
        "what is known now"
    )
    assert passed(smart(goal(**usual), waiting(SEASON)))["season"] is None, "one year shows no season"


def test_a_high_month_that_may_be_chance_is_not_called_a_season():
    """Twice 15 of 20 where others have 10 of 20: the index is 1.44, its error larger than what is above 1."""
    few = answered([(10, 20)] * 11 + [(15, 20)] + [(10, 20)] * 11 + [(15, 20)])
    many = answered([(50, 100)] * 11 + [(75, 100)] + [(50, 100)] * 11 + [(75, 100)])
    assert passed(smart(goal(target={"to": "90%"}), answered([(7, 8), *[(5, 8)] * 11] * 2)))["season"]
    small, large = (check(smart(goal(target={"to": "90%"}), data), "season") for data in (few, many))
    assert small.found.en.startswith("index of that month 1.44 ± 0.2")
    assert large.passed is False
    rare = answered([(2, 20)] * 11 + [(4, 20)] + [(2, 20)] * 11 + [(4, 20)])
    assert check(smart(goal(target={"to": "90%"}), rare), "season").passed is None


# What was known then


def test_nothing_from_after_the_start_enters(frames, company):
    """Later rows dropped, and later rows made absurd: the same checks to the last digit."""
    needed = ("customers", "survey_answers", "survey_items", "tickets")
    kept, absurd = ({name: frames[name].copy() for name in names} for names in (needed, TABLES))
    for name, time in (("survey_answers", "answered_at"), ("tickets", "created_at"), ("customers", "acquired_at")):
        kept[name] = kept[name][kept[name][time] < "2025-01-01"]
    for column in ("first_response_at", "resolved_at", "closed_at"):
        column_then = kept["tickets"][column]
        kept["tickets"][column] = column_then.where(column_then < "2025-01-01")
    later = absurd["survey_answers"].answered_at >= "2025-01-01"
    absurd["survey_answers"].loc[later, "value"] = absurd["survey_items"].scale_max.min()
    absurd["tickets"]["first_response_at"] = absurd["tickets"].first_response_at.where(
        absurd["tickets"].created_at < "2025-01-01"
    )
    goals = [
        goal(indicator="nps", baseline="2024-Q4", target={"to": 40}), goal(indicator="csat_mean", baseline=3.4, target={"to": 3.9}),
        goal(indicator="first_response_time", target={"to": 4}), goal(kind="stay_above", target={"to": "60%"}),
    ]  # fmt: skip
    for data in (crm.open(**kept, as_of=date(2025, 1, 31)), crm.open(**absurd)):
        for one in goals:
            assert smart(one, data, goals) == smart(one, company, goals), one.id


def test_a_goal_that_has_not_started_goes_by_what_is_known_now(company):
    one = goal(indicator="nps", baseline="2025-12", target={"to": 60}, **{"from": "2026-04-01", "by": "2027-03-31"})
    facts = facts_of(one, company)
    assert facts.data is company
    assert facts.past.estimates[-1].period.id == "2025-12"
    assert facts.horizon == 15, "from December to March of the year after next"
    assert len(facts.past.estimates) >= 24
    mid = facts_of(replace(one, start=date(2025, 6, 15)), company)
    assert (mid.past.estimates[-1].period.id, mid.data.as_of) == ("2025-05", date(2025, 6, 14))


def test_reports_by_year_and_goals_far_away_have_no_forecast_but_do_not_break(company):
    settings = company.settings
    year = settings.report.model_copy(update={"period": crm.Period.parse("2025")})
    yearly = replace(company, settings=settings.model_copy(update={"report": year}))
    found = smart(goal(indicator="nps", baseline="2024", target={"to": 40}, by="2027-12-31"), yearly)
    assert found.chance is None
    assert found.detectable == pytest.approx(
        smallest_change(
            crm.measure("nps", company, period="2024"), crm.CATALOGUE["nps"].kind, better="higher"
        )
    )  # fmt: skip
    assert smart(goal(indicator="nps", target={"to": 40}, by="2035-12-31"), company).chance is None


def test_all_goals_of_a_file_each_against_the_others(steady):
    written = [
        {"indicator": "csat_top2", "baseline": "2024-12", "from": "2025-01-01", "by": "2025-12-31", "target": {"to": t}, "id": t}
        for t in ("70%", "75%")
    ]  # fmt: skip
    goals = tuple(GoalSettings.model_validate(one) for one in written)
    data = replace(steady, settings=steady.settings.model_copy(update={"goals": goals}))
    found = smart_goals(data)
    assert [one.goal.id for one in found] == ["70%", "75%"]
    assert [passed(one)["duplicate"] for one in found] == [False, False]


def test_what_fails_has_a_remedy_what_passes_has_none_and_both_languages(company, steady):
    goals = [goal(target={"to": "95%"}), goal(kind="establish_baseline"), goal(kind="stay_above", target={"to": "99%"})]
    for found in [
        *(smart(one, steady, goals) for one in goals),
        smart(goal(indicator="nps", target={"to": 90}), company),
    ]:
        assert [letter for letter, _ in pairwise([c.letter for c in found.checks])] == sorted(
            [c.letter for c in found.checks][:-1], key="SMART".index
        )
        for one in found.checks:
            assert (one.remedy is not None) is (one.passed is False)
            for text in (one.name, one.found, one.asked, one.remedy or one.name):
                assert text.zh
                assert text.en
                assert "None" not in text.en
        assert set(found.proposal) == {c.remedy for c in found.checks if c.remedy}
        assert (found.rewritten is None) is (not found.proposal)
