"""Which periods were missed, and a name with a period."""

import json
from datetime import date

import pytest
from click.testing import CliRunner

import crmtools
from crmtools.asked import for_period, last_over, read_settings
from crmtools.cli import main
from crmtools.commands import report as command
from crmtools.errors import CRMError, SettingsError
from crmtools.period import Period
from crmtools.report.plan import plan
from crmtools.schedule.catch_up import last_published, missed, reason_to_wait


@pytest.fixture(autouse=True)
def _at_the_root(project_root, monkeypatch):
    monkeypatch.chdir(project_root)


@pytest.fixture
def tiny(tmp_path):
    """Settings whose runs lie in an empty folder."""
    settings = read_settings("tiny")
    return settings.model_copy(update={"path": tmp_path / "parameters" / "tiny.yml"})


def published(root, number, period, *, report="tiny", ended="published"):
    folder = root / "runs" / f"2026010{number}T000000-abcdef"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"report": report, "ended": ended}))
    (folder / "results.json").write_text(json.dumps({"period": period}))


def ids(periods):
    return [period.id for period in periods]


def test_a_name_with_a_period():
    settings = read_settings("tiny@2025-Q2")
    assert (settings.report.period.id, settings.report.as_of) == ("2025-Q2", date(2025, 6, 30))
    assert settings.reference == f"{settings.path.resolve()}@2025-Q2"
    assert settings.name == "tiny"
    again = read_settings(settings.reference)
    assert again.report == settings.report
    assert read_settings("tiny@2025-Q4").reference == str(settings.path.resolve())
    assert read_settings("tiny").reference == str(settings.path.resolve())


def test_analysts_and_notebooks_open_the_same_period():
    data = crmtools.open("tiny@2025-Q3")
    assert (data.period.id, data.as_of) == ("2025-Q3", date(2025, 9, 30))
    assert crmtools.measure("nps", data).period.id == "2025-Q3"
    jobs = plan(data.settings, data).jobs
    assert {job.parameters["report"] for job in jobs} == {data.settings.reference}
    assert data.settings.reference.endswith("tiny.yml@2025-Q3")


@pytest.mark.parametrize(("name", "said"), [("tiny@2025-11", "a month"), ("tiny@2025", "a year"), ("tiny@soon", "not a period"),
                                            ("tinny@2025-Q1", "Did you mean 'tiny'")])  # fmt: skip
def test_a_period_that_does_not_fit(name, said):
    with pytest.raises(SettingsError, match=said):
        read_settings(name)


def test_what_is_known_later_stays_so(tiny):
    late = tiny.model_copy(update={"report": tiny.report.model_copy(update={"as_of": date(2026, 1, 10)})})
    assert for_period(late, Period.parse("2026-Q1")).report.as_of == date(2026, 4, 10)
    assert last_over(late, today=date(2026, 4, 10)).id == "2025-Q4"  # the day itself is not over
    assert last_over(late, today=date(2026, 4, 11)).id == "2026-Q1"


def test_missed_periods_in_order(tiny, tmp_path):
    today = date(2026, 10, 2)
    assert ids(missed(tiny, today=today)) == ["2025-Q4", "2026-Q1", "2026-Q2", "2026-Q3"]
    published(tmp_path, 1, "2026-Q1")
    published(tmp_path, 2, "2025-Q4")
    published(tmp_path, 3, "2026-Q2", ended="not_published")
    published(tmp_path, 4, "2026-Q3", report="other")
    published(tmp_path, 5, "2026-09")
    published(tmp_path, 6, "nonsense")
    (tmp_path / "runs" / "20260107T000000-abcdef").mkdir()
    assert last_published(tmp_path, "tiny", "quarter") == Period.parse("2026-Q1")
    assert ids(missed(tiny, today=today)) == ["2026-Q2", "2026-Q3"]
    assert missed(tiny, today=date(2026, 6, 30)) == ()
    assert ids(missed(tiny, today=date(2026, 7, 1))) == ["2026-Q2"]


def test_a_range_of_days_has_no_next_one(tiny):
    span = Period.parse("2025-10-01..2025-12-15")
    days = tiny.model_copy(update={"report": tiny.report.model_copy(update={"period": span})})
    with pytest.raises(CRMError, match="range of days"):
        missed(days)


def test_a_period_without_a_row_waits():
    data = crmtools.open("tiny")
    assert reason_to_wait(data.settings, data, Period.parse("2025-Q4")) == ""
    assert "the data end on 20" in reason_to_wait(data.settings, data, Period.parse("2027-Q1"))


@pytest.mark.parametrize(("codes", "code"), [([0, 0, 0], 0), ([0, 3, 0], 3), ([3, 2, 0], 2)])
def test_the_command_runs_one_after_the_other(monkeypatch, codes, code):
    ran = []

    def run(settings, made, *, only_plan):
        ran.append((settings.report.period.id, str(settings.report.as_of)))
        return codes[len(ran) - 1]

    monkeypatch.setattr(command, "_one", run)
    spans = tuple(map(Period.parse, ["2025-Q2", "2025-Q3", "2025-Q4", "2027-Q1"]))
    monkeypatch.setattr("crmtools.schedule.catch_up.missed", lambda _: spans)
    result = CliRunner().invoke(main, ["report", "tiny", "--catch-up"])
    assert result.exit_code == code, result.output
    assert ran == [("2025-Q2", "2025-06-30"), ("2025-Q3", "2025-09-30"), ("2025-Q4", "2025-12-31")]
    assert "2027-Q1 waits" in result.stdout


def test_one_that_fails_ends_it(monkeypatch):
    ran = []

    def run(settings, *_, **__):
        ran.append(settings.report.period.id)
        raise CRMError("no")

    monkeypatch.setattr(command, "_one", run)
    monkeypatch.setattr("crmtools.schedule.catch_up.missed", lambda _: tuple(map(Period.parse, ["2025-Q3", "2025-Q4"])))
    assert CliRunner().invoke(main, ["report", "tiny", "--catch-up"]).exit_code == 1
    assert ran == ["2025-Q3"]


def test_nothing_missed(monkeypatch):
    monkeypatch.setattr("crmtools.schedule.catch_up.missed", lambda _: ())
    result = CliRunner().invoke(main, ["report", "tiny", "--catch-up"])
    assert (result.exit_code, result.stdout) == (0, "tiny: nothing is missed.\n")
