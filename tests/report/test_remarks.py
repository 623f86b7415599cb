"""What a person should know before a report is believed."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
from small_report import write_notebook

import crmtools as crm
from crmtools.indicators import CATALOGUE
from crmtools.parameters import load
from crmtools.period import Period
from crmtools.report import remarks
from crmtools.report.plan import Job
from crmtools.report.remarks import about_nobody, older_than_orders, unequal, unfinished, without_baseline
from crmtools.words import Text


def test_a_goal_about_nobody_is_told_of(tmp_path):
    """Its page would say so; whoever checks a file before its first report would not hear it."""
    data = crm.open("tiny")
    settings = data.settings
    misspelt = settings.goals[0].model_copy(update={"id": "theirs", "where": {"region": "Nrth"}})
    right = settings.goals[0].model_copy(update={"where": {"region": "north"}})
    assert about_nobody(replace(data, settings=settings.model_copy(update={"goals": (right,)}))) == []
    (said,) = about_nobody(replace(data, settings=settings.model_copy(update={"goals": (right, misspelt)})))
    assert said == "Beware: the goal theirs is about nobody: no customer has region 'Nrth'. Did you mean 'north'?"


def test_a_goal_from_a_period_that_the_data_do_not_reach_is_told_of():
    data = crm.open("tiny")
    one = data.settings.goals[1].model_copy(update={"where": {}})

    def told(indicator, baseline):
        goal = one.model_copy(update={"indicator": indicator, "baseline": Period.parse(baseline), "id": "mine"})
        settings = data.settings.model_copy(
            update={"goals": (goal,), "definitions": {"retention_rate": {"activity": "orders"}}}
        )
        return without_baseline(replace(data, settings=settings))

    assert told("aov", "2025-Q1") == told("retention_rate", "2025-Q3") == []
    (said,) = told("aov", "2023-Q4")
    assert said == "Beware: the goal mine has no baseline in 2023-Q4: its data begin on 5\u00a0March 2024."
    (said,) = told("retention_rate", "2024-Q4")
    assert (
        "has no baseline in 2024-Q4: the table orders begins on 5\u00a0March 2024, and this period needs it from"
        in said
    )


def test_customers_who_joined_before_the_orders_begin_are_told_of():
    people = pd.DataFrame({"customer_id": [f"c{n}" for n in range(100)], "acquired_at": pd.Timestamp("2024-06-01")})
    people.loc[:9, "acquired_at"] = pd.Timestamp("2022-01-01")
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(range(300), unit="D")
    orders = pd.DataFrame({"customer_id": [f"c{n % 100}" for n in range(300)], "ordered_at": days, "net_amount": 10.0})
    (said,) = older_than_orders(crm.open(customers=people, orders=orders))
    assert "10 of 100 customers joined before the orders begin (1\u00a0January 2024)" in said
    people.loc[4:, "acquired_at"] = pd.Timestamp("2024-06-01")
    assert (
        older_than_orders(crm.open(customers=people, orders=orders))
        == older_than_orders(crm.open(customers=people))
        == []
    )


def job(notebook, indicator=""):
    return Job(notebook.stem, "en", notebook, {}, indicator)


def test_texts_that_were_left_as_they_were_begun_are_told_of_by_their_places(tmp_path, monkeypatch):
    settings = load("parameters/tiny.yml")
    own = [job(file) for file in Path("notebooks").glob("*.ipynb")]
    assert unfinished(settings, [*own, *(replace(own[0], indicator=name) for name in CATALOGUE)]) == []
    title = replace(settings.report.title, en="REPLACE: mine")
    goals = (settings.goals[0].model_copy(update={"name": Text("请替换：名称", "name")}), *settings.goals[1:])
    left = settings.model_copy(update={"report": settings.report.model_copy(update={"title": title}), "goals": goals})
    late = job(write_notebook(tmp_path, "late", "pass", title="请替换：问题"))
    begun = replace(CATALOGUE["nps"], caveat=Text("小心", "REPLACE: beware"))
    monkeypatch.setattr(remarks, "CATALOGUE", {**CATALOGUE, "nps": begun})
    (said,) = unfinished(left, [late, late, replace(late, indicator="nps")])
    assert said.endswith("see them: report.title, goals[1].name, the indicator nps, notebooks/late.ipynb.")


def test_code_is_no_text(tmp_path):
    code = job(write_notebook(tmp_path, "view", "# CREATE OR REPLACE: the view"))
    assert unfinished(load("parameters/tiny.yml"), [code]) == []


def test_a_baseline_of_another_length_is_told_of():
    settings = load("parameters/tiny.yml")
    assert unequal(settings) == []
    year = settings.goals[0].model_copy(update={"baseline": Period.parse("2024")})
    (said,) = unequal(settings.model_copy(update={"goals": (year, *settings.goals[1:])}))
    assert "the period 2025-Q4: nps (baseline 2024)." in said
