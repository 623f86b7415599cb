"""The rules: from a run and what the parameters file watches to alerts."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from crmtools.alert_settings import AlertRule
from crmtools.alerts.alert import Alert, Found
from crmtools.alerts.limits import limits
from crmtools.alerts.record import RunRecord
from crmtools.goals.evidence import EVIDENCE
from crmtools.goals.status import STATUS
from crmtools.words import Text

GOOD = ("ok", "cached")
BREACHED = Text("护栏被突破", "a guardrail is breached")
Said = Iterator[Alert | str]
"""Alerts, and as bare texts what cannot be judged yet."""


def judge(run: RunRecord) -> Found:
    """Every rule on a run; the same thing found by two rules is one alert, told to the sinks of both."""
    alerts: dict[str, Alert] = {}
    remarks: list[str] = []
    for rule in run.settings.alerts:
        for one in RULES[rule.watch](rule, run):
            if isinstance(one, str):
                remarks.append(one)
            elif one.key in alerts:
                alerts[one.key] = _both(alerts[one.key], one)
            else:
                alerts[one.key] = one
    return Found(tuple(alerts.values()), tuple(dict.fromkeys(remarks)))


def _both(one: Alert, other: Alert) -> Alert:
    send = None if one.send is None or other.send is None else tuple(dict.fromkeys((*one.send, *other.send)))
    return Alert(one.key, one.text, send)


def _goal(rule: AlertRule, run: RunRecord) -> Said:
    for reading in _readings(rule, run):
        name = _name(reading)
        states: dict[Any, Any] = {reading.get("evidence"): EVIDENCE, reading.get("status"): STATUS}
        for state, words in states.items():
            if state in rule.turns and state is not None:
                said = words[state]
                text = Text(f"目标“{name.zh}”：{said.zh}", f"Goal {name.en}: {said.en}")
                yield Alert(f"goal:{reading['goal']}:{state}", text, rule.send)
        if "breached" in rule.turns and (broken := reading.get("breached")):
            names = ", ".join(broken)
            text = Text(
                f"目标“{name.zh}”：{BREACHED.zh}（{names}）", f"Goal {name.en}: {BREACHED.en} ({names})"
            )  # ids, as in the parameters file
            yield Alert(f"goal:{reading['goal']}:breached", text, rule.send)


def _chance(rule: AlertRule, run: RunRecord) -> Said:
    assert rule.below is not None
    for reading in _readings(rule, run):
        chance = reading.get("chance")
        if chance is None or chance >= rule.below:
            continue
        name = _name(reading)
        text = Text(
            f"目标“{name.zh}”达成的可能性为 {chance:.0%}，低于 {rule.below:.0%}",
            f"Goal {name.en}: the chance of attainment is {chance:.0%}, below {rule.below:.0%}",
        )
        yield Alert(f"chance:{reading['goal']}:{rule.below:g}", text, rule.send)


def _rows_left_out(rule: AlertRule, run: RunRecord) -> Said:
    assert rule.above is not None
    for table, rows in run.manifest.get("data", {}).get("rows", {}).items():
        lost = rows["read"] - rows["kept"]
        if rule.table in ("any", table) and rows["read"] and lost / rows["read"] > rule.above:
            share = f"{lost / rows['read']:.1%}"
            text = Text(
                f"表 {table}：{rows['read']:,} 行中剔除 {lost:,} 行（{share}），超过 {rule.above:.1%}",
                f"Table {table}: {lost:,} of {rows['read']:,} rows were left out ({share}), more than {rule.above:.1%}",
            )
            yield Alert(f"rows_left_out:{table}:{rule.above:g}", text, rule.send)


def _data_age(rule: AlertRule, run: RunRecord) -> Said:
    assert rule.days is not None
    last = run.manifest.get("data", {}).get("last", {})
    if rule.table == "any":
        newest = max(last.values(), default="")
        about, what = "any", Text("数据", "The data")
    else:
        newest = last.get(rule.table, "")
        about, what = rule.table, Text(f"表 {rule.table} ", f"Table {rule.table}")
    if not newest:
        yield f"data_age: {about} has no dates"
        return
    age = (run.day - date.fromisoformat(newest[:10])).days
    if age > rule.days:
        text = Text(
            f"{what.zh}止于 {newest[:10]}，距运行日 {age} 天，超过 {rule.days} 天",
            f"{what.en} ends on {newest[:10]}, {age} days before the run, more than {rule.days}",
        )
        yield Alert(f"data_age:{about}:{rule.days}", text, rule.send)


def _run(rule: AlertRule, run: RunRecord) -> Said:
    ended = run.manifest.get("ended", "running")
    if ended == "not_published":
        why = next((line for line in reversed(run.manifest.get("problems", [])) if line), "no reason was kept")
        text = Text(f"报告未发布：{why.splitlines()[0]}", f"The report was not published: {why.splitlines()[0]}")
        yield Alert("run:not_published", text, rule.send)
    elif ended == "running":
        yield Alert("run:not_ended", Text("上次运行没有结束", "The last run did not end"), rule.send)
    for job in run.manifest.get("jobs", []):
        state = job["state"]
        if state not in GOOD:
            page, said = f"{job['page']} ({job['language']})", STATE_WORDS.get(state, Text(state, state))
            text = Text(f"页面 {page}：{said.zh}", f"Page {page}: {said.en}")
            yield Alert(f"page:{job['page']}:{job['language']}:{state}", text, rule.send)


STATE_WORDS = {
    "failed": Text("失败", "failed"),
    "timed_out": Text("超时", "timed out"),
    "killed": Text("被终止", "was killed"),
    "skipped": Text("被跳过", "was skipped"),
}


def _limits(rule: AlertRule, run: RunRecord) -> Said:
    if run.results is not None:
        yield from limits(rule, run.results, run.settings)


RULES: dict[str, Callable[[AlertRule, RunRecord], Said]] = {
    "goal": _goal,
    "chance": _chance,
    "limits": _limits,
    "rows_left_out": _rows_left_out,
    "data_age": _data_age,
    "run": _run,
}


def _readings(rule: AlertRule, run: RunRecord) -> list[dict[str, Any]]:
    readings = [] if run.results is None else [dict(one) for one in run.results.readings]
    return [one for one in readings if rule.goal in ("any", one["goal"])]


def _name(reading: dict[str, Any]) -> Text:
    name = reading["name"]
    return Text(name["zh"], name["en"])
