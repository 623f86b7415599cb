"""Two real runs of the small report beside each other: a function, a command, a page, and what the summary says."""

import json
import shutil
from datetime import date

import pytest
import yaml
from click.testing import CliRunner
from earlier_runs import change_line, make
from small_report import write_notebooks, write_report

from crmtools import show
from crmtools.cli import main
from crmtools.errors import RunError
from crmtools.report.changes_page import changes_page
from crmtools.report.compare import compare
from crmtools.report.history import append_history, folder_of
from crmtools.report.ran import find_run, read_run

# pyarrow asks pandas for an option that pandas 3 has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")

OLD, NEW = "20251003T060000-aaaaaa", "20260105T060000-bbbbbb"
Q3 = {"as_of": date(2025, 9, 30), "period": "2025-Q3"}
Q4 = {"as_of": date(2025, 12, 31), "period": "2025-Q4"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The report of Q3; then an answer of Q3 is corrected and a target raised; then the report of Q4, not yet in the history."""
    folder = tmp_path_factory.mktemp("compare")
    write_notebooks(folder / "notebooks")
    file = write_report(folder, indicators=("nps", "churn_rate"))
    old = make(file, OLD, "2025-10-03T06:00:00+00:00", **Q3)
    change_line(folder, "survey_answers", "R12,C10,relationship,2025-Q3,2025-09-30 23:50,recommend,2,", "R12,C10,relationship,2025-Q3,2025-09-30 23:50,recommend,8,")  # fmt: skip
    written = yaml.safe_load(file.read_text("utf-8"))
    written["goals"][0]["target"] = {"to": 35}
    file.write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
    new = make(file, NEW, "2026-01-05T06:00:00+00:00", into_history=False, **Q4)
    return folder, old, new


def headline(found, indicator):
    return next(one for one in found.moved if one.indicator == indicator and not one.group)


def test_every_difference_of_two_real_runs_is_laid_to_what_made_it(made):
    """The only answer of Q3 was 2 (−100) and is 8 now (0); Q4 has (4 − 2) / 9."""
    folder, *_ = made
    found = compare(find_run(folder, OLD), find_run(folder, NEW))
    nps = headline(found, "nps")
    assert nps.why.causes == ("reality", "data")
    assert (nps.before, nps.again, nps.now) == pytest.approx((-100, 0, 100 * 2 / 9))
    assert (nps.by_revision, nps.by_reality) == pytest.approx((100, 100 * 2 / 9))
    churn = headline(found, "churn_rate")
    assert churn.why.causes == ("reality",)
    assert churn.now == pytest.approx(3 / 17)
    assert [one.goal for one in found.goals] == ["nps", "churn_rate"]
    assert {"target", "value"} <= {*found.goals[0].changed}
    assert "definition" in found.goals[0].why.causes
    assert not found.goals[0].why.apart
    assert found.goals[1].why.causes == ("reality",)
    assert found.files.keys() == {"survey_answers"}
    assert found.parameters.keys() == {"report.as_of", "report.period", "goals.nps"}
    assert found.code == {}
    assert not found.is_empty


def test_a_run_beside_itself_and_beside_a_run_of_the_same_has_no_difference(made):
    folder, _, new = made
    twin = folder / "runs" / "20260106T060000-cccccc"
    shutil.copytree(new.folder, twin)
    for name in ("manifest.json", "results.json"):
        (twin / name).write_text((twin / name).read_text("utf-8").replace(NEW, twin.name), encoding="utf-8")
    for other in (new.folder, twin):
        found = compare(read_run(new.folder), read_run(other))
        assert found.is_empty
        assert found.differences == ()
        assert found.to_dict()["same"] == len(found.moved) > 0
    shutil.rmtree(twin)


def test_a_run_whose_folder_is_gone_is_compared_from_the_history(made):
    folder, old, _ = made
    old.folder.rename(folder / "away")
    try:
        found = compare(find_run(folder, OLD), find_run(folder, NEW))
    finally:
        (folder / "away").rename(old.folder)
    assert found.not_kept == (OLD,)
    assert headline(found, "nps").why.causes == ("reality", "data")
    assert found.parameters == {}


def test_runs_that_cannot_be_compared_say_why(made, tmp_path):
    folder, _, new = made
    with pytest.raises(RunError, match="There is no run '2026'"):
        find_run(folder, "2026")
    other = tmp_path / "other"
    shutil.copytree(new.folder, other)
    results = json.loads((other / "results.json").read_text("utf-8"))
    (other / "results.json").write_text(json.dumps(results | {"report": "another"}), encoding="utf-8")
    with pytest.raises(RunError, match="only runs of one report compare"):
        compare(read_run(new.folder), read_run(other))
    (other / "results.json").unlink()
    with pytest.raises(RunError, match="ended before it had results"):
        read_run(other)


def invoke(folder, monkeypatch, *arguments):
    monkeypatch.chdir(folder)
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["−100", "+22", "reality, data revision", "+100 points revision", "Data files", "goals.nps"]),
        ("zh", ["−100", "+22", "实际变化、数据修订", "修订 +100", "数据文件", "净推荐值"]),
    ],
)
def test_the_command_says_it_in_words(made, monkeypatch, language, words):
    result = invoke(made[0], monkeypatch, "compare", OLD, f"runs/{NEW}", "--language", language)
    assert result.exit_code == 0, result.output
    for word in words:
        assert word in result.output.replace("\u00a0", " ")


def test_the_command_says_it_in_json_without_counts_of_customers(made, monkeypatch):
    result = invoke(made[0], monkeypatch, "compare", OLD, NEW, "--json")
    plain = json.loads(result.stdout)
    assert plain["causes"]["data"] == 1
    assert plain["parameters"]["report.period"]["cause"] == "reality"
    assert plain["parameters"]["goals.nps"]["cause"] == "definition"
    assert plain["files"]["survey_answers"]["cause"] == "data"
    assert all("n" not in one for one in plain["values"])


def test_a_run_that_is_not_there_is_exit_code_1(made, monkeypatch):
    result = invoke(made[0], monkeypatch, "compare", OLD, "nothing")
    assert result.exit_code == 1
    assert "There is no run 'nothing'" in result.output


# ---- the page


def page(one, language="en"):
    return changes_page(one.plan, one.numbers, one.manifest, one.in_force, language)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Q3 2025, data as of 30 September 2025, made on 3 October 2025", "reality, data revision", "the source files", "this report", "−100 (3 Oct 2025)"]),
        ("zh", ["2025 年第三季度，数据截至 2025 年 9 月 30 日", "实际变化、数据修订", "源数据文件", "本报告", "净推荐值"]),
    ],
)  # fmt: skip
def test_the_page_tells_what_moved_and_what_was_revised(made, language, words):
    _, _, new = made
    text = page(new, language).replace("\u00a0", " ")
    for word in words:
        assert word in text, word
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert len(headings) == 4
    assert page(new, language) == page(new, language)


def test_the_page_of_a_first_report_says_that_there_is_nothing_to_compare(made):
    _, old, _ = made
    for language, said in (("en", "no earlier report"), ("zh", "没有更早的报告")):
        text = page(old, language)
        assert said in text
        assert "<table" not in text, "nothing was revised either: its own run is no earlier one"


def test_the_page_says_when_the_history_cannot_be_read(made):
    folder, _, new = made
    damaged = folder_of(folder, "small") / "torn.parquet"
    damaged.write_bytes(b"PAR1")
    try:
        text = page(new)
        assert "torn.parquet of the history cannot be read" in text
        assert 'class="crm-failed"' in text
        assert "torn.parquet" in show.since_last(new.data, ["nps"]).text
    finally:
        damaged.unlink()


def test_a_rerun_that_says_the_same_has_the_same_page_whenever_it_is_made(made):
    """After the run itself is in the history, and made again on another day."""
    folder, _, new = made
    before = {language: page(new, language) for language in ("en", "zh")}
    shown = show.since_last(new.data, ["nps", "churn_rate"]).html
    file = append_history(
        folder, "small", run_id=NEW, run_at=new.manifest.started, estimates=new.numbers.estimates,
        definitions=new.in_force, marks=new.manifest.marks,
    )  # fmt: skip
    try:
        again = make(new.plan.settings.path, "20260109T060000-dddddd", "2026-01-09T06:00:00+00:00", into_history=False)
        assert {language: page(again, language) for language in ("en", "zh")} == before
        assert show.since_last(again.data, ["nps", "churn_rate"]).html == shown
    finally:
        file.unlink()
        shutil.rmtree(folder / "runs" / "20260109T060000-dddddd")


# ---- the summary


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Since the report of 3 October 2025 (Q3 2025): no change can be told from chance. 1 number of then is revised."),
        ("zh", "与 2025 年 10 月 3 日的报告（2025 年第三季度）相比：没有能与偶然波动区分的变化。当时的 1 个数值现已修订。"),
    ],
)  # fmt: skip
def test_the_summary_has_one_sentence_and_a_small_table(made, language, said):
    _, _, new = made
    found = show.since_last(new.data, ["nps", "churn_rate", "nps"], language=language)
    sentence, *rows = found.text.replace("\u00a0", " ").splitlines()
    assert sentence == said
    assert len(rows) == 2
    assert {"−100", "+22"} <= {*rows[0].split("\t")}
    assert found.html.count("<tr>") == 3
    assert "<svg" in found.html, "the values of both reports"
    assert [one["indicator"] for one in found.result["moved"]] == ["nps", "churn_rate"]


def test_the_summary_says_nothing_where_there_is_no_earlier_report(tmp_path):
    write_notebooks(tmp_path / "notebooks")
    first = make(write_report(tmp_path), "20260105T060000-eeeeee", "2026-01-05T06:00:00+00:00", into_history=False)
    assert show.since_last(first.data, ["nps"]).html == ""
