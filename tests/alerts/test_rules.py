"""From a run in its folder to alerts, and who is told when."""

import json
from dataclasses import replace
from datetime import date

import pytest
from servers import Hooks, serving

from crmtools.alert_settings import KEYS, AlertRule, Sink
from crmtools.alerts import after_unchanged, evaluate
from crmtools.alerts.state import file_of, read_state
from crmtools.errors import RunError, SettingsError
from crmtools.estimate import Estimate
from crmtools.parameters import load
from crmtools.period import Period
from crmtools.report.results import Results
from crmtools.settings import Settings

DAY = date(2025, 12, 31)
READING = {"goal": "nps", "name": {"zh": "净推荐值", "en": "NPS"}, "evidence": "at_risk", "status": "behind", "chance": 0.2,
           "breached": []}  # fmt: skip
MANIFEST = {
    "run_id": "20260105T000000-abcdef", "report": "small", "started": "2026-01-05T20:00:00Z", "ended": "published",
    "jobs": [{"page": "nps", "language": "en", "state": "ok"}], "problems": [],
    "data": {"rows": {"orders": {"read": 100, "kept": 97}, "tickets": {"read": 0, "kept": 0}},
             "last": {"orders": "2025-12-30 10:00:00", "tickets": "2025-11-30"}},
}  # fmt: skip


def months(indicator, points, *, group=()):
    """Estimates of months up to December 2025; a point is (numerator, denominator, value)."""
    first = Period.parse("2025-12").shift(1 - len(points))
    return tuple(
        Estimate(indicator, first.shift(n), DAY, value, n=500, numerator=a, denominator=b, group=group)
        for n, (a, b, value) in enumerate(points)
    )


def complaints(last, before=24):
    """A rate per 100 customer-months: 2.0 and 2.4 in turn, and the last one."""
    counts = [*[40 + 8 * (n % 2) for n in range(before)], last]
    return months("complaint_rate", [(100.0 * c, 2000.0, c / 20) for c in counts])


class Company:
    """A report whose runs are written by hand."""

    def __init__(self, root, *rules, sinks=None, **manifest):
        self.root, self.manifest = root, {**MANIFEST, **manifest}
        self.settings = Settings(
            report={"title": {"en": "Small", "zh": "小公司"}, "as_of": DAY, "period": "2025-Q4", "trend": "month"},
            source={"folder": "."},
            alerts=tuple(AlertRule.model_validate(rule) for rule in rules),
            sinks={name: Sink.model_validate(sink) for name, sink in (sinks or {}).items()},
            path=root / "parameters" / "small.yml",
        )  # fmt: skip

    def evaluate(self, *, send=True, readings=(READING,), estimates=(), **manifest):
        folder = self.root / "runs" / self.manifest["run_id"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "manifest.json").write_text(json.dumps(self.manifest | manifest))
        Results("r", "small", "2025-Q4", str(DAY), "CNY", tuple(estimates), tuple(readings), {}, {}).write(
            folder / "results.json"
        )
        return evaluate(self.settings, folder, send=send)

    def keys(self, **given):
        return [one.key for one in self.evaluate(send=False, **given).alerts]


def test_a_goal_that_turns(tmp_path):
    watch = Company(tmp_path, {"watch": "goal"})
    found = watch.evaluate()
    assert [one.key for one in found.alerts] == ["goal:nps:at_risk"]
    assert found.alerts[0].text.en == "Goal NPS: At risk"
    assert found.alerts[0].text.zh == "目标“净推荐值”：确有风险"
    assert watch.keys(readings=[READING | {"evidence": "on_track"}]) == []
    assert watch.keys(readings=[READING | {"evidence": "met", "breached": ["csat_mean"]}]) == ["goal:nps:breached"]
    assert Company(tmp_path, {"watch": "goal", "turns": ["behind"]}).keys() == ["goal:nps:behind"]
    other = Company(tmp_path, {"watch": "goal", "goal": "churn_rate"})
    assert other.keys() == []


def test_a_poor_chance(tmp_path):
    watch = Company(tmp_path, {"watch": "chance", "below": "30%"})
    assert watch.keys() == ["chance:nps:0.3"]
    assert watch.keys(readings=[READING | {"chance": 0.3}]) == []
    assert watch.keys(readings=[READING | {"chance": None}]) == []


def test_rows_left_out_at_the_door(tmp_path):
    assert Company(tmp_path, {"watch": "rows_left_out", "above": "2%"}).keys() == ["rows_left_out:orders:0.02"]
    assert Company(tmp_path, {"watch": "rows_left_out", "above": "3%"}).keys() == []
    assert Company(tmp_path, {"watch": "rows_left_out", "above": 0, "table": "tickets"}).keys() == []


def test_old_data(tmp_path):
    """The run was started on the 6th in Shanghai, the 5th in UTC: orders end seven days before."""
    assert Company(tmp_path, {"watch": "data_age", "days": 6}).keys() == ["data_age:any:6"]
    assert Company(tmp_path, {"watch": "data_age", "days": 7}).keys() == []
    assert Company(tmp_path, {"watch": "data_age", "days": 36, "table": "tickets"}).keys() == ["data_age:tickets:36"]
    blind = Company(tmp_path, {"watch": "data_age", "days": 1, "table": "leads"}).evaluate(send=False)
    assert (blind.alerts, blind.remarks) == ((), ("data_age: leads has no dates",))


def test_a_run_that_fails(tmp_path):
    watch = Company(tmp_path, {"watch": "run"})
    assert watch.keys() == []
    for state in ("failed", "timed_out", "killed", "skipped"):
        jobs = [{"page": "nps", "language": "en", "state": state}, {"page": "nps", "language": "zh", "state": "cached"}]
        assert watch.keys(jobs=jobs) == [f"page:nps:en:{state}"]
    assert watch.keys(ended="running") == ["run:not_ended"]
    found = watch.evaluate(send=False, ended="not_published", problems=["The gate\nlong"])
    assert found.alerts[0].text.en == "The report was not published: The gate"


def test_control_limits_of_a_rate(tmp_path):
    watch = Company(tmp_path, {"watch": "limits", "indicator": "complaint_rate"})
    assert watch.keys(estimates=complaints(48)) == []
    found = watch.evaluate(send=False, estimates=complaints(90))
    assert [one.key for one in found.alerts] == ["limits:complaint_rate:u:above:2025-12"]
    said = found.alerts[0].text.en
    assert "4.5" in said  # 90 in 2,000 customer-months, per 100
    # 24 months: centre 2.2, every month 0.4 from the one before: 2.2 ± 3 · 0.4 / 1.128
    assert f"(limits {2.2 - 1.2 / 1.128:.2f} to {2.2 + 1.2 / 1.128:.2f}, " in said
    assert "above the upper control limit" in said
    assert "高于控制上限" in found.alerts[0].text.zh


@pytest.mark.parametrize(("chart", "kind"), [("auto", "u"), ("individuals", "individuals"), ("ewma", "ewma")])
def test_the_chart_may_be_chosen(tmp_path, chart, kind):
    watch = Company(tmp_path, {"watch": "limits", "indicator": "complaint_rate", "chart": chart})
    assert watch.keys(estimates=complaints(200)) == [f"limits:complaint_rate:{kind}:above:2025-12"]


def test_a_duration_is_charted_by_its_logarithm(tmp_path):
    hours = [4.0 if n % 2 else 5.0 for n in range(24)]
    watch = Company(tmp_path, {"watch": "limits", "indicator": "first_response_time"})
    found = watch.evaluate(
        send=False, estimates=months("first_response_time", [(None, None, h) for h in [*hours, 40.0]])
    )
    assert [one.key for one in found.alerts] == ["limits:first_response_time:individuals:above:2025-12"]
    assert "40" in found.alerts[0].text.en


def test_too_few_points_are_a_remark(tmp_path):
    watch = Company(tmp_path, {"watch": "limits", "indicator": "complaint_rate"})
    found = watch.evaluate(send=False, estimates=complaints(200, before=19))
    assert (found.alerts, found.remarks) == (
        (), ("limits: complaint_rate has 19 points before the last, 20 are needed",))  # fmt: skip
    assert watch.keys(estimates=complaints(200, before=20))


def test_parts_and_small_groups_are_not_charted(tmp_path):
    watch = Company(tmp_path, {"watch": "limits", "indicator": "complaint_rate"})
    few = [replace(one, n=9) for one in complaints(200)]
    assert watch.keys(estimates=few) == []
    parts = [replace(one, group=(("region", "south"),)) for one in complaints(200)]
    assert watch.keys(estimates=parts) == []
    unripe = [*complaints(200)[:-1], replace(complaints(200)[-1], maturity=0.5)]
    assert watch.keys(estimates=unripe) == []


def test_told_once_until_something_changes(tmp_path):
    with serving(Hooks()) as server:
        watch = Company(tmp_path, {"watch": "goal"}, sinks={"chat": {"webhook": server.address}})
        first, second = watch.evaluate(), watch.evaluate()
        assert (first.fired, first.told) == (True, ("chat",))
        assert (second.fired, second.told, len(second.alerts)) == (False, (), 1)
        third = watch.evaluate(readings=[READING | {"evidence": "on_track"}])
        assert (third.fired, third.told) == (False, ("chat",))
        assert watch.evaluate(readings=[READING | {"evidence": "on_track"}]).told == ()
        assert watch.evaluate().fired
    told = [json.loads(body) for _, _, body in server.taken]
    assert [[len(one[part]) for part in ("new", "still", "resolved")] for one in told] == [
        [1, 0, 0],
        [0, 0, 1],
        [1, 0, 0],
    ]


def test_looking_tells_nobody(tmp_path):
    watch = Company(tmp_path, {"watch": "goal"}, sinks={"log": {"file": "log.jsonl"}})
    assert watch.evaluate(send=False).fired
    assert not (tmp_path / "log.jsonl").exists()
    assert not file_of(tmp_path, "small").exists()


def test_a_sink_that_fails_keeps_no_other_from_being_told_and_is_tried_again(tmp_path):
    with serving(Hooks([404])) as server:
        sinks = {"chat": {"webhook": server.address}, "log": {"file": "log.jsonl"}}
        watch = Company(tmp_path, {"watch": "goal"}, sinks=sinks)
        found = watch.evaluate()
        assert found.told == ("log",)
        assert [problem.place for problem in found.problems] == ["alerts · chat"]
        again = watch.evaluate()
    assert (again.fired, again.told, again.problems) == (False, ("chat",), ())
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1


def test_rules_choose_their_sinks(tmp_path):
    sinks = {"a": {"file": "a.jsonl"}, "b": {"file": "b.jsonl"}}
    rules = ({"watch": "goal", "send": ["a"]}, {"watch": "chance", "below": 0.5, "send": ["b"]})
    Company(tmp_path, *rules, sinks=sinks).evaluate()
    for name, key in (("a", "goal:nps:at_risk"), ("b", "chance:nps:0.5")):
        (line,) = (tmp_path / f"{name}.jsonl").read_text("utf-8").splitlines()
        assert [one["key"] for one in json.loads(line)["new"]] == [key]


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"active": [{}], "told": {}}', '{"active": 3}'])
def test_a_damaged_state_tells_again(tmp_path, damaged):
    watch = Company(tmp_path, {"watch": "goal"}, sinks={"log": {"file": "log.jsonl"}})
    watch.evaluate()
    file_of(tmp_path, "small").write_text(damaged)
    assert watch.evaluate().fired
    assert list(read_state(tmp_path, "small").active) == ["goal:nps:at_risk"]
    assert [path.name for path in file_of(tmp_path, "small").parent.iterdir()] == ["small.json"]


def test_no_run_is_an_error(tmp_path):
    watch = Company(tmp_path, {"watch": "goal"})
    with pytest.raises(RunError, match="not the folder of a run"):
        evaluate(watch.settings, tmp_path)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"watch": "chance"}, "needs below"),
        ({"watch": "chance", "below": 1.5}, "less than or equal to 1"),
        ({"watch": "limits"}, "needs indicator"),
        ({"watch": "run", "days": 3}, "has no days"),
        ({"watch": "goal", "turns": ["mised"]}, "Did you mean 'missed'"),
        ({"watch": "goal", "turns": []}, "at least one state"),
        ({"watch": "limits", "indicator": "nps", "points": 3}, "greater than or equal to 8"),
        ({"watch": "chance", "days": 1}, "needs below; an alert on chance has no days"),
    ],
)
def test_a_wrong_rule_says_what_is_wrong(written, said):
    with pytest.raises(ValueError, match=said):
        AlertRule.model_validate(written)


def demo_with_alerts(project_root):
    """The demo's parameters with the commented example brought to life."""
    text = (project_root / "parameters" / "demo.yml").read_text("utf-8")
    before, example = text.split("\n# alerts:")
    return before + "\nalerts:" + example.replace("\n# ", "\n")


def test_the_example_of_the_demo_is_valid_and_complete(project_root, tmp_path):
    file = tmp_path / "demo.yml"
    file.write_text(demo_with_alerts(project_root), encoding="utf-8")
    settings = load(file)
    assert {rule.watch for rule in settings.alerts} == set(KEYS)
    for way in ("file", "webhook_env", "smtp", "command"):
        assert sum(getattr(sink, way) is not None for sink in settings.sinks.values()) == 1


def test_all_that_is_wrong_is_said_at_once_with_its_line(project_root, tmp_path):
    text = demo_with_alerts(project_root)
    for right, wrong in (
        ("goal: churn_rate, turns", "goal: churn, turns"),
        ("send: [desk]", "send: [dusk]"),
        ("indicator: complaint_rate, points: 11", "indicator: complaints_rate, points: 12"),
        ("table: orders}", "table: order}"),
        ("{watch: data_age, days: 10}", "{watch: data_age, day: 10}"),
        ("{file: runs/alerts.jsonl}", "{}"),
    ):
        assert right in text
        text = text.replace(right, wrong)
    file = tmp_path / "demo.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load(file)
    places = {problem.place.split(" · ")[1] for problem in error.value.problems}
    assert places == {
        "alerts[1].goal", "alerts[1].send", "alerts[3].indicator", "alerts[3].points", "alerts[4].table", "alerts[5].day",
        "sinks.log",
    }  # fmt: skip
    said = str(error.value)
    for hint in ("Did you mean 'churn_rate'", "Did you mean 'desk'", "Did you mean 'days'", "trend_length: 13"):
        assert hint in said


def test_where_nothing_had_to_be_run_data_still_grow_old(tmp_path):
    """The run was good on its day; years later nothing has changed but the age of the data. Its folder is not written."""
    watch = Company(tmp_path, {"watch": "data_age", "days": 30}, sinks={"log": {"file": "log.jsonl"}})
    assert watch.evaluate().alerts == ()
    folder = tmp_path / "runs" / MANIFEST["run_id"]
    before = sorted(path.name for path in folder.iterdir())
    found = after_unchanged(watch.settings, folder)
    assert [one.key for one in found.new] == ["data_age:any:30"]
    assert found.told == ("log",)
    assert sorted(path.name for path in folder.iterdir()) == before
    assert not after_unchanged(watch.settings, folder).fired
    (problem,) = after_unchanged(watch.settings, tmp_path / "nowhere").problems
    assert "not the folder of a run" in problem.message
