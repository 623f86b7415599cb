"""A page without results says what it showed when it last had some."""

from datetime import date
from pathlib import Path

import pytest
from earlier_runs import make
from small_report import write_notebooks, write_report

from crmtools.report import pages
from crmtools.report.engine import Failure, Outcome
from crmtools.report.last_good import LastGood, last_good
from crmtools.report.numbers import Numbers
from crmtools.report.plan import Entry, Job
from crmtools.words import Text


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    """The third and the fourth quarter, reported one after the other."""
    root = tmp_path_factory.mktemp("runs")
    write_notebooks(root / "notebooks")
    file = write_report(root, indicators=("nps", "aov"))
    make(file, "20251001T200000-aaaaaa", "2025-10-01T20:00:00Z", as_of=date(2025, 9, 30), period="2025-Q3")
    made = make(file, "20260102T010000-bbbbbb", "2026-01-02T01:00:00Z", as_of=date(2025, 12, 31), period="2025-Q4")
    made.manifest.ended = "published"
    made.manifest.jobs = [{"page": "rfm", "language": one, "state": "ok"} for one in ("en", "zh")]
    made.manifest.jobs += [{"page": "index", "language": "en", "state": "failed"}]
    made.manifest.write(made.folder / "manifest.json")
    return made


def entry_of(made, slug):
    return next(one for one in made.plan.entries if one.slug == slug)


def test_the_value_of_the_latest_report(two_runs):
    found = last_good(two_runs.plan.settings, entry_of(two_runs, "nps"))
    now = two_runs.numbers.headline("nps")
    assert (found.value, found.low, found.high, found.period) == (now.value, now.low, now.high, "2025-Q4")
    assert found.day == date(2026, 1, 2), "nine in the morning where the company is"


def test_of_a_goal(two_runs):
    reading = next(one for one in two_runs.numbers.goals if one.now.value is not None)
    goal = Entry("goal_nps", Text("NPS", "NPS"), "notebook", goal=reading.goal.id)
    assert last_good(two_runs.plan.settings, goal).value == reading.now.value


def test_an_amount_is_in_the_currency_of_its_report(two_runs):
    settings = two_runs.plan.settings
    later = settings.model_copy(update={"report": settings.report.model_copy(update={"currency": "EUR"})})
    amount = Entry("aov", Text("aov", "aov"), "notebook", indicator="aov")
    assert last_good(settings, amount).currency == "CNY"
    assert last_good(later, amount).currency == "CNY", "it was told in yuan, and nothing has converted it since"


def test_a_chapter_has_no_value_but_a_day(two_runs):
    settings = two_runs.plan.settings
    chapter = Entry("rfm", Text("RFM", "RFM"), "notebook", notebook=Path("rfm.ipynb"))
    assert last_good(settings, chapter) == LastGood(date(2026, 1, 2))
    assert last_good(settings, entry_of(two_runs, "index")) is None, "it failed then too"


def test_where_there_was_none(two_runs, tmp_path):
    write_notebooks(tmp_path / "notebooks")
    alone = make(write_report(tmp_path), "20260102T010000-cccccc", "2026-01-02T01:00:00Z", into_history=False)
    assert last_good(alone.plan.settings, entry_of(alone, "nps")) is None


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "The last good value, of Q4 2025, in the report of 2 January 2026: "),
        ("zh", "2025 年第四季度，2026 年 1 月 2 日的报告"),
    ],
)
def test_the_page_says_so(two_runs, language, words):
    entry = entry_of(two_runs, "nps")
    job = Job("nps", language, Path("indicator.ipynb"), {}, "nps")
    outcome = Outcome(job, "failed", 1.0, Path("nps.ipynb"), Path("nps.en.log"), Failure("ZeroDivisionError", "x", 3))
    before = last_good(two_runs.plan.settings, entry)
    text = pages.failure_page(entry, outcome, Numbers(), two_runs.manifest, language, before)
    assert words in text.replace("\u00a0", " ").replace("\u202f", " ")
    assert f"{before.value:.0f}"[1:] in text
    here = pages.failure_page(entry, outcome, two_runs.numbers, two_runs.manifest, language, before)
    assert words not in here.replace("\u00a0", " ").replace("\u202f", " "), (
        "a number of this report is better than that of an earlier one"
    )
