"""The numbers of a run: written, read back, and the same in every language."""

import json
from dataclasses import replace
from datetime import date

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from small_report import write_notebooks, write_report

from crmtools.errors import CRMError
from crmtools.estimate import Estimate
from crmtools.goals.judgement import judgements
from crmtools.goals.reading import scorecard
from crmtools.goals.values import JUDGED
from crmtools.parameters import load
from crmtools.period import Period
from crmtools.report.collected import collect, results_of
from crmtools.report.engine import Outcome
from crmtools.report.numbers import compute, finite
from crmtools.report.plan import Job, plan
from crmtools.report.results import Results
from crmtools.show.display import RESULT
from crmtools.tables.source import open_settings
from crmtools.words import Text

# pyarrow asks pandas for an option that pandas 3 has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")

NPS = Estimate(
    "nps", Period.parse("2025-Q4"), date(2025, 12, 31), value=22.2, low=-30.0, high=60.0, n=9, method="adjusted_wald",
    excluded=(("earlier_answer", 2),), group=(("region", "north"),), why=Text("因为", "because"),
)  # fmt: skip


def executed(folder, language, *records, slug="nps", state="ok"):
    cell = new_code_cell("1", outputs=[new_output("display_data", {RESULT: record}) for record in records])
    file = folder / f"{slug}.{language}.ipynb"
    nbformat.write(new_notebook(cells=[cell]), file)
    return Outcome(Job(slug, language, file, {}), state, 1.0, file, file.with_suffix(".log"))


def record(*estimates, **more):
    return {"kind": "estimates", "estimates": [item.to_dict() for item in estimates], **more}


def test_estimates_are_found_wherever_a_record_holds_them(tmp_path):
    other = replace(NPS, indicator="churn_rate")
    shown, problems = collect(
        [
            executed(tmp_path, "en", record(NPS), {"kind": "parts", "parts": [record(other), {"rows": [1, 2]}]}),
            executed(tmp_path, "zh", record(NPS), {"kind": "parts", "parts": [record(other), {"rows": [1, 2]}]}),
        ]
    )
    assert shown == {"nps": (NPS, other)}
    assert problems == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (record(replace(NPS, low=-30.000001)), "low is -30.0 and -30.000001 in the editions en and zh."),
        (record(NPS, NPS), "numbers are shown in one language only"),
        (record(NPS, forecast=[1, 3]), "forecast[1] is 2.0 and 3.0"),
    ],
)
def test_a_number_that_differs_between_languages_is_a_problem(tmp_path, other, said):
    first = record(NPS, forecast=[1, 2]) if "forecast" in other else record(NPS)
    _, problems = collect([executed(tmp_path, "en", first), executed(tmp_path, "zh", other)])
    assert [problem.place for problem in problems] == ["page nps"]
    assert said in problems[0].message


def test_the_order_in_which_an_engine_adds_is_no_difference(tmp_path):
    other = replace(NPS, high=60.0 + 1e-13)
    assert collect([executed(tmp_path, "en", record(NPS)), executed(tmp_path, "zh", record(other))])[1] == []


def test_words_may_differ_between_languages(tmp_path):
    _, problems = collect(
        [executed(tmp_path, "en", record(NPS, title="Score")), executed(tmp_path, "zh", record(NPS, title="得分"))]
    )
    assert problems == []


def test_a_record_that_is_no_estimate_is_a_problem_and_a_failed_page_is_none(tmp_path):
    broken = NPS.to_dict() | {"surprise": 1}
    shown, problems = collect(
        [executed(tmp_path, "en", [broken]), executed(tmp_path, "en", record(NPS), slug="cac", state="failed")]
    )
    assert shown == {}
    assert "is no estimate" in problems[0].message


def test_results_come_back_as_they_were_written(tmp_path):
    write_notebooks(tmp_path / "notebooks")
    settings = load(write_report(tmp_path))
    data = open_settings(settings)
    made = plan(settings, data)
    numbers = compute(made, data)
    assert numbers.notes == []
    written = results_of(made, numbers, {"nps": (NPS,)}, [executed(tmp_path, "en", record(NPS))], "run-1")
    written.write(tmp_path / "results.json")
    read = Results.read(tmp_path / "results.json")
    assert read == written
    assert read.pages["nps"] == (NPS,)
    assert read.states == {"nps": {"en": "ok"}}
    assert read.estimates[0].value == pytest.approx(100 * (4 - 2) / 9)
    assert [reading["goal"] for reading in read.readings] == ["nps", "churn_rate"]
    assert read.readings[0]["target"] == 30
    told = judgements(scorecard(data), data)
    for reading, one in zip(read.readings, told, strict=True):
        assert [reading[name] for name in JUDGED] == [one.evidence, one.chance, one.verdict, one.p_adjusted]
    without = results_of(made, replace(numbers, judged=()), {}, [], "run-2")
    assert [reading["evidence"] for reading in without.readings] == [None, None], "goals that could not be judged"
    by_period = {e.period.id: e.value for e in read.estimates if e.indicator == "nps" and not e.group}
    assert set(by_period) > {"2025-Q4", "2025-Q3", "2024-Q4"}


def test_results_of_another_schema_are_refused(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps({"schema": 99}))
    with pytest.raises(CRMError, match="has schema 99, this crmtools reads 1"):
        Results.read(tmp_path / "results.json")


def test_no_file_holds_a_number_that_is_none():
    with pytest.raises(CRMError, match="'nps' has low = nan"):
        finite(replace(NPS, low=float("nan")))
