"""What moved between two runs and what it is laid to, from rows made by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from crmtools.estimate import Estimate
from crmtools.indicators import CATALOGUE
from crmtools.indicators.kinds import Concentration
from crmtools.period import Period
from crmtools.report.differences import moved_between
from crmtools.report.history import rows_of
from crmtools.report.marks import Marks
from crmtools.report.revisions import revisions, since_last

Q3, Q4 = "2025-Q3", "2025-Q4"
AS_OF = {Q3: "2025-09-30", Q4: "2025-12-31"}


def marks(period=Q4, *, data="d", reading="r", code="c", edition=None):
    return Marks(period, AS_OF[period], data, reading, code, edition or f"{period}{data}{reading}{code}")


def nps(value, period=Q4, *, as_of=None, group="", n=50, **more):
    pairs = tuple(tuple(pair.split("=")) for pair in group.split("; ")) if group else ()
    day = date.fromisoformat(as_of or AS_OF[Q4])
    return Estimate("nps", Period.parse(period), day, value=value, n=n, group=pairs, **more)


def run(name, made, estimates, *, definition="x", day=1, backfilled=False):
    at = datetime(2026, 1, day, 6, tzinfo=UTC)
    if made is not None:
        estimates = [replace(one, as_of=date.fromisoformat(made.as_of)) for one in estimates]
    return rows_of(
        estimates, run_id=name, run_at=at, definitions={"nps": definition}, marks=made, backfilled=backfilled
    )


def one_moved(before, now, smallest=10):
    (found,) = moved_between(before, now, smallest=smallest)
    return found


def test_a_new_period_is_reality_where_the_earlier_one_is_what_it_was():
    found = one_moved(run("a", marks(Q3), [nps(20.0, Q3)]), run("b", marks(Q4, data="new"), [nps(30.0), nps(20.0, Q3)]))
    assert found.why.causes == ("reality",)
    assert found.why.apart
    assert (found.change, found.by_reality, found.by_revision) == (10.0, 10.0, 0.0)
    assert (found.period_before, found.period) == (Q3, Q4)


@pytest.mark.parametrize(
    ("changed", "definition", "causes", "apart"),
    [
        ({"data": "corrected"}, "x", ("data",), True),
        ({"code": "newer"}, "x", ("code",), True),
        ({"reading": "otherwise"}, "x", ("definition",), True),
        ({}, "y", ("definition",), True),
        ({"code": "newer"}, "y", ("definition", "code"), False),
        ({"code": "newer", "data": "corrected"}, "x", ("code", "data"), False),
        ({"code": "newer", "data": "corrected"}, "y", ("definition", "code", "data"), False),
        ({}, "x", ("unknown",), True),
    ],
)
def test_a_revision_is_laid_to_what_the_marks_differ_in(changed, definition, causes, apart):
    before = run("a", marks(), [nps(20.0)])
    found = one_moved(before, run("b", marks(**changed), [nps(26.0)], definition=definition))
    assert found.why.causes == causes
    assert found.why.apart == apart
    assert found.by_revision == 6.0
    same = one_moved(before, run("b", marks(**changed), [nps(20.0 + 1e-12)], definition=definition))
    assert same.why.causes == (), "marks that differ without consequence are no difference"
    assert not same.is_different


def test_reality_and_revision_are_parted_exactly():
    """October was 20 when it was reported and is 26 by today's data; November is 30: 4 of the 10 are reality."""
    found = one_moved(run("a", marks(Q3), [nps(20.0, Q3)]), run("b", marks(Q4, data="new"), [nps(30.0), nps(26.0, Q3)]))
    assert found.why.causes == ("reality", "data")
    assert found.why.apart, "the amounts of both are known"
    assert (found.by_reality, found.by_revision, found.change) == (4.0, 6.0, 10.0)


def test_where_the_earlier_period_is_not_measured_again_causes_cannot_be_told_apart():
    before, now = run("a", marks(Q3), [nps(20.0, Q3)]), run("b", marks(Q4, code="newer"), [nps(30.0)])
    found = one_moved(before, now)
    assert found.why.causes == ("reality", "code")
    assert not found.why.apart
    assert found.by_reality is None
    assert "cannot be told apart" in found.why.words("en")
    assert "无法区分" in found.why.words("zh")
    assert one_moved(before, run("b", marks(Q4), [nps(30.0)])).why.apart


def test_a_later_day_of_the_same_files_is_a_revision_by_data():
    """More was known: the period is the same, the files are the same, the cut at as_of is not."""
    early, late = (Marks(Q3, day, "d", "r", "c", day) for day in ("2025-09-30", "2025-10-31"))
    before = run("a", early, [nps(20.0, Q3, maturity=0.8)])
    found = one_moved(before, run("b", late, [nps(21.0, Q3)]))
    assert found.why.causes == ("data",)
    assert found.matured


def test_runs_from_before_the_marks_are_not_laid_to_anything():
    found = one_moved(run("a", None, [nps(20.0)]), run("b", marks(), [nps(26.0)]))
    assert found.why.causes == ("unknown",)


# ---- who must stay hidden


def groups(**sizes):
    return [nps(float(10 + n), group=f"region={name}", n=n) for name, n in sizes.items()]


def shown(found):
    return {one.group.removeprefix("region=") for one in found if one.group and not one.hidden}


def test_a_group_that_either_run_hides_stays_hidden_and_has_no_number():
    hidden = [one.hidden() if dict(one.group)["region"] in ("east", "west") else one for one in groups(east=4, west=12, south=40, north=60)]  # fmt: skip
    later = groups(east=11, west=12, south=40, north=60)
    for before, now in ((hidden, later), (later, hidden)):
        found = moved_between(run("a", marks(), before), run("b", marks(data="new"), now), smallest=10)
        assert shown(found) == {"south", "north"}
        for one in found:
            if one.hidden:
                plain = one.to_dict()
                assert all(plain[name] is None for name in ("before", "now", "again", "change", "by_revision"))


def test_a_stricter_rule_hides_what_earlier_runs_showed_and_what_would_give_it_away():
    before = run("a", marks(), groups(east=12, west=18, south=40, north=60))
    now = run("b", marks(data="new"), groups(east=13, west=30, south=41, north=61))
    assert shown(moved_between(before, now, smallest=10)) == {"east", "west", "south", "north"}
    assert shown(moved_between(before, now, smallest=15)) == {"south", "north"}, "east alone could be worked out"


def test_a_concentration_tells_about_few_of_many():
    name = next(name for name, item in CATALOGUE.items() if isinstance(item.kind, Concentration))
    made = [replace(one, indicator=name) for one in groups(east=50, west=60, south=4000)]
    found = moved_between(run("a", marks(), made), run("b", marks(data="new"), made), smallest=10)
    assert shown(found) == {"south"}, "a tenth of 50 is five people"


def test_revisions_leave_out_what_any_run_hides():
    """East was hidden once, and west with it, so that east could not be worked out: whatever others show of them stays away."""
    sizes = {"east": 12, "west": 14, "south": 40}
    first, last = groups(**sizes), [replace(one, value=one.value + 1) for one in groups(**sizes)]
    between = [one.hidden() for one in groups(east=4, west=14)] + groups(south=40)
    runs = [
        run(name, marks(data=name), made, day=day)
        for day, (name, made) in enumerate({"a": first, "b": between, "c": last}.items(), 1)
    ]
    assert [one.group for one in revisions(pd.concat(runs), smallest=10)] == ["region=south"]
    both_shown = pd.concat([runs[0], runs[2]])
    assert len(revisions(both_shown, smallest=10)) == 3
    assert [one.group for one in revisions(both_shown, smallest=14)] == ["region=south"], "a stricter rule today"


# ---- looking back


def history(*runs):
    return pd.concat(runs, ignore_index=True).sort_values(["run_at", "run_id"], kind="stable", ignore_index=True)


def test_june_was_2_1_when_first_published_and_is_2_6_now():
    """A late row in July, a new definition in August: both runs are named with what they changed."""
    past = history(
        run("june", marks(Q3), [nps(2.1, Q3)]),
        run("july", marks(Q4, data="late"), [nps(5.0), nps(2.4, Q3)], day=2),
        run("again", marks(Q4, data="late", edition="e"), [nps(5.0), nps(2.4, Q3)], day=3),
        run("filled", marks(Q3, edition="f"), [nps(9.9, Q3)], day=4, backfilled=True),
    )
    present = run("august", marks(Q4, data="late"), [nps(5.0), nps(2.6, Q3)], definition="y", day=5)
    (found,) = revisions(past, replace_edition(present), smallest=10)
    assert (found.indicator, found.period, found.first, found.now) == ("nps", Q3, 2.1, 2.6)
    assert (found.first_run, found.first_at.day) == ("june", 1)
    assert [(step.run_id, step.before, step.now, step.why.causes) for step in found.steps] == [
        ("july", 2.1, 2.4, ("data",)),
        ("august", 2.4, 2.6, ("definition",)),
    ]
    assert found.why.causes == ("data", "definition")
    assert found.why.apart, "each step has one cause"


def replace_edition(frame):
    return frame.assign(edition="present")


def test_a_number_that_came_back_to_what_it_was_is_no_revision():
    past = history(run("a", marks(), [nps(2.0)]), run("b", marks(data="wrong"), [nps(9.0)], day=2))
    present = run("c", marks(data="right"), [nps(2.0)], day=3)
    assert revisions(past, present, smallest=10) == ()


def test_the_report_before_this_one_is_the_newest_about_an_earlier_day():
    past = history(
        run("first", marks(Q3), [nps(20.0, Q3)]),
        run("corrected", marks(Q3, data="better"), [nps(21.0, Q3)], day=2),
        run("this month", marks(Q4, data="new"), [nps(30.0)], day=3),
        run("filled", marks(Q3, edition="f"), [nps(9.9, Q3)], day=4, backfilled=True),
    )
    present = run("rerun", marks(Q4, data="new", code="newer"), [nps(30.0), nps(21.0, Q3)], day=5)
    found = since_last(past, present, smallest=10)
    assert found.run_id == "corrected"
    assert (found.period, str(found.as_of)) == (Q3, "2025-09-30")
    assert [one.before for one in found.headlines] == [21.0]
    only_now = past[past["run_id"] == "this month"]
    assert since_last(only_now, present, smallest=10).run_id == "this month"


def test_a_run_that_says_the_same_is_no_earlier_report_and_the_first_has_none():
    present = run("b", marks(), [nps(20.0)], day=2)
    assert since_last(present.iloc[:0], present, smallest=10) is None
    assert since_last(run("a", marks(), [nps(20.0)]), present, smallest=10) is None
    later = run("c", Marks(Q4, "2026-03-31", "d", "r", "c", "later"), [nps(20.0)], day=1)
    assert since_last(later, present, smallest=10) is None, "a report about a later day is not before this one"
