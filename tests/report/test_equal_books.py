"""The same inputs in two clean projects give the same book, byte for byte, but for what is declared to differ."""

import pytest
from killed_runs import Run, book, environment, history, results, shown_run, write_project
from small_report import write_report

from crmtools.parameters import load
from crmtools.report import warm
from crmtools.report.stamps import stamp, without_stamps
from crmtools.tables.privacy import KEY_VARIABLE
from crmtools.tables.snapshot import fingerprint_of

needs_warm = pytest.mark.skipif(not warm.AVAILABLE, reason="a key of their own is handed to the runs on Linux only")


def both_run(one, other):
    """Run two projects at the same time, with other seeds for the order of sets."""
    runs = [Run(folder, variables={"PYTHONHASHSEED": seed}) for folder, seed in ((one, "1"), (other, "2"))]
    for run in runs:
        assert run.wait() == 0, run.said


def differing(one, other):
    """The files of two books that are not the same, with the first place where they differ."""
    left, right = book(one), book(other)
    found = dict.fromkeys(left.keys() ^ right.keys(), "only in one")
    for name in left.keys() & right.keys():
        if left[name] != right[name]:
            place = next((n for n, (a, b) in enumerate(zip(left[name], right[name])) if a != b), -1)
            found[name] = left[name][max(place - 80, 0) : place + 80], right[name][max(place - 80, 0) : place + 80]
    return found


def equal(one, other):
    assert differing(one, other) == {}
    assert results(shown_run(one)) == results(shown_run(other))
    assert list(history(one).values()) == list(history(other).values())
    for folder in (one, other):
        run = shown_run(folder).name
        said = (page if isinstance(page, str) else page.decode("utf-8", "replace") for page in book(folder).values())
        assert not [text for text in said if run in text or str(folder) in text]


@needs_warm
def test_two_clean_runs_give_the_same_book(tmp_path):
    one, other = tmp_path / "one", tmp_path / "farther away" / "other"
    for folder in (one, other):
        write_project(folder)
    both_run(one, other)
    equal(one, other)
    page = (one / "published" / "small" / "en" / "provenance.html").read_text("utf-8")
    assert shown_run(one).name in page, "a reader sees it all the same"
    assert page.count('class="crm-stamp"') > 10


@needs_warm
@pytest.mark.slow
def test_two_clean_runs_of_every_chapter_give_the_same_book(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        write_report(
            folder, own=True, indicators=("nps", "churn_rate", "csat_mean", "revenue_per_customer", "cost_per_ticket")
        )
        (folder / "t").mkdir()
    both_run(one, other)
    equal(one, other)


def test_only_what_is_declared_is_taken_away():
    page = f"<p>{stamp('run', '2026<1>').code} stays {stamp('taken', 'ok', also='crm-chip good').code}</p>"
    assert without_stamps(page) == (
        '<p><span class="crm-stamp"></span> stays <span class="crm-chip good crm-stamp"></span></p>'
    )
    with pytest.raises(ValueError, match="may not differ"):
        stamp("value", 3)


def test_where_a_project_lies_is_not_in_the_fingerprint_of_its_data(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, environment(tmp_path)[KEY_VARIABLE])
    marks = set()
    for name in ("one", "other"):
        file = write_report(tmp_path / name, own=True, source={"folder": str(tmp_path / name / "data" / "tiny")})
        marks.add(fingerprint_of(load(file)))
    assert len(marks) == 1
