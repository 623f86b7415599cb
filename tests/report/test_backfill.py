"""Earlier days in the history: what a report would have said then."""

import json
from datetime import date

import pytest
from click.testing import CliRunner
from small_report import write_report

import crmtools as crm
from crmtools.cli import main
from crmtools.errors import SettingsError
from crmtools.parameters import load
from crmtools.period import Period
from crmtools.report import backfill as module
from crmtools.report.backfill import backfill
from crmtools.report.history import folder_of, read_goals, read_history
from crmtools.tables.source import open_settings

pytestmark = pytest.mark.usefixtures("light_book")


@pytest.fixture
def report(tmp_path):
    """The file of a report of three indicators."""
    return write_report(tmp_path, indicators=("nps", "churn_rate", "csat_mean"))


def opened(report):
    return open_settings(load(report))


def fill(report, start, end=None, **options):
    return backfill(opened(report), start=Period.parse(start), end=Period.parse(end) if end else None, **options)


def files(report):
    return {file.name: file.read_bytes() for file in folder_of(report.parent.parent, "small").rglob("*.parquet")}


def test_each_period_is_as_it_was_known_on_its_last_day(report):
    """R12, the only answer of Q3, came on 30 September; on 31 August the month of August had none."""
    found = fill(report, "2025-Q2", step="quarter")
    assert [(one.period.id, one.as_of, one.state) for one in found] == [
        ("2025-Q2", date(2025, 6, 30), "added"),
        ("2025-Q3", date(2025, 9, 30), "added"),
    ]
    frame = read_history(report.parent.parent, "small")
    assert frame["backfilled"].all()
    assert set(frame["report_period"]) == {"2025-Q2", "2025-Q3"}
    assert (frame["period"] == frame["report_period"]).all()
    assert {(row.period, str(row.as_of.date())) for row in frame.itertuples()} == {
        ("2025-Q2", "2025-06-30"), ("2025-Q3", "2025-09-30"),
    }  # fmt: skip
    nps = frame[(frame.indicator == "nps") & (frame.group == "") & (frame.period == "2025-Q3")]
    assert nps["value"].tolist() == [-100.0]
    churn = frame[(frame.indicator == "churn_rate") & (frame.group == "") & (frame.period == "2025-Q3")]
    then = crm.measure("churn_rate", opened(report).at(date(2025, 9, 30)), period="2025-Q3")
    assert churn["value"].tolist() == [pytest.approx(then.value)]
    assert set(frame["group"]) > {"", "region=north"}
    goals = read_goals(report.parent.parent, "small")
    assert set(goals["goal"]) == {"nps", "churn_rate"}
    assert goals["evidence"].eq("").all(), "what was to come is not judged"


def test_again_it_computes_nothing_and_a_new_definition_it_computes(report, monkeypatch):
    fill(report, "2025-Q2")
    before = files(report)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_numbers", lambda data: pytest.fail("computed again"))
        assert [one.state for one in fill(report, "2025-Q2")] == ["there", "there"]
    assert files(report) == before
    text = report.read_text("utf-8")
    report.write_text(text + "definitions: {nps: {promoter_from: 10}}\n", encoding="utf-8")
    assert [one.state for one in fill(report, "2025-Q3")] == ["added"]
    after = files(report)
    assert len(after) > len(before)
    assert {name: after[name] for name in before} == before, "what was there stays as it was"


def test_one_that_was_stopped_goes_on_where_it_ended(report):
    def stop(one):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(report, "2025-Q1", done=stop)
    assert [one.state for one in fill(report, "2025-Q1")] == ["there", "added", "added"]


def test_days_before_the_data_begin_are_said_and_not_filled(report, monkeypatch):
    begin = date.fromisoformat(opened(report).door.first)
    start = Period.containing(begin, "quarter").shift(-6)
    monkeypatch.chdir(report.parent.parent)
    result = CliRunner().invoke(main, ["backfill", "small", "--from", start.id, "--to", start.shift(6).id])
    assert result.exit_code == 0, result.output
    assert result.output.count("before the data begin") == 2
    assert f"2 left out: the data begin on {begin}" in result.output
    assert "1 added, 0 there already" in result.output
    plain = CliRunner().invoke(
        main, ["backfill", "small", "--from", start.id, "--to", start.shift(6).id, "--json"]
    )  # fmt: skip
    assert json.loads(plain.stdout) == {
        "report": "small", "data_begin": str(begin), "added": 0, "there": 1, "before_data": 2,
    }  # fmt: skip


def test_a_period_that_is_not_over_or_not_before_is_refused(report):
    with pytest.raises(SettingsError, match=r"The data reach 2025-12-31, and 2026-Q1 is over on 2026-03-31 only"):
        fill(report, "2025-Q3", "2026-Q1")
    with pytest.raises(SettingsError, match="There is no quarter from 2025-Q4 to 2025-Q3"):
        fill(report, "2025-Q4")
    assert not folder_of(report.parent.parent, "small").exists()


def test_backfilled_days_are_no_earlier_report(report):
    from crmtools import show

    fill(report, "2025-Q2")
    assert show.since_last(opened(report), ["nps"]).html == ""
