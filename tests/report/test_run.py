"""A report from its parameters file to what a reader opens, with pages that fail, and what must never be published."""

import json
import os
import shutil
import sys

import pytest
from click.testing import CliRunner
from small_report import write_notebook, write_notebooks, write_report

from crmtools.cli import main
from crmtools.errors import DataError, RunError
from crmtools.parameters import load
from crmtools.report.history import read_history
from crmtools.report.lock import only_run
from crmtools.report.results import Results
from crmtools.report.run import run_report

MARK = "crm-failed"
INDICATOR = """
from IPython.display import display
import crmtools as crm
data = crm.open(report)
if indicator == "churn_rate" and language == "zh":
    raise ValueError("`odd` <script>alert(1)</script> $x$ {y}")
estimate = crm.measure(indicator, data)
record = {"kind": "estimates", "estimates": [estimate.to_dict()]}
display({"application/vnd.crmtools.result+json": record, "text/html": f"<p>{estimate.value}</p>"}, raw=True)
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The report run through the command line, with one page that fails in one language."""
    folder = tmp_path_factory.mktemp("run")
    write_notebooks(folder / "notebooks", indicator=INDICATOR)
    file = write_report(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        result = CliRunner().invoke(main, ["report", "parameters/small.yml"])
    return folder, file, result


def page(folder, name):
    return (folder / "published" / "small" / name).read_text("utf-8")


def only_run_folder(folder):
    (found,) = [path for path in (folder / "runs").iterdir() if path.name.startswith("2")]
    return found


def everything(folder):
    """All that a reader can open, with its content."""
    root = folder / "published"
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_page_that_fails_makes_exit_code_2_and_the_file_to_open_is_named(published):
    _, _, result = published
    assert result.exit_code == 2, result.output
    assert "Open published/small/en/index.html" in result.stdout
    assert "failed     churn_rate (zh)  ValueError: `odd`" in result.stdout
    assert "Compute and run the notebooks" in result.stdout
    assert "\x1b" not in result.output, "plain lines where there is no terminal"


def test_the_failed_page_and_the_front_page_say_so_and_nothing_else_does(published):
    folder, _, _ = published
    failed = page(folder, "zh/churn_rate.html")
    assert MARK in failed
    assert "&lt;script&gt;alert(1)" in failed
    assert "<script>alert(1)" not in failed
    assert "Traceback" not in failed
    assert f'class="{MARK}"' in page(folder, "zh/index.html")
    assert 'href="churn_rate.html"' in page(folder, "zh/index.html")
    for name in ("en/index.html", "en/churn_rate.html", "zh/nps.html", "zh/goals.html"):
        assert f'class="{MARK}"' not in page(folder, name)
    assert "运行失败" in page(folder, "zh/provenance.html")


def test_pages_show_their_language_and_their_numbers(published):
    folder, _, _ = published
    assert "22.2" in page(folder, "en/nps.html")
    assert "In English." in page(folder, "en/nps.html")
    assert "用中文。" not in page(folder, "en/nps.html")
    assert "<h1>净推荐值 中文" in page(folder, "zh/nps.html")
    assert "injected" not in page(folder, "en/nps.html")
    assert str(folder) not in page(folder, "en/nps.html")


def test_results_and_manifest_tell_the_truth(published):
    folder, _, _ = published
    run = only_run_folder(folder)
    results = Results.read(run / "results.json")
    assert results.states["churn_rate"] == {"en": "ok", "zh": "failed"}
    assert results.pages["nps"][0].value == pytest.approx(100 * (4 - 2) / 9)
    manifest = json.loads((run / "manifest.json").read_text("utf-8"))
    assert manifest["ended"] == "published_with_failures"
    failed = [job for job in manifest["jobs"] if job["state"] != "ok"]
    assert [(job["page"], job["language"], job["error"], job["cell"]) for job in failed] == [
        ("churn_rate", "zh", "ValueError", 4)
    ]
    assert list(manifest["stage_seconds"]) == [
        "look",
        "data",
        "plan",
        "notebooks",
        "results",
        "book",
        "gate",
        "publish",
    ]
    assert len(manifest["data"]["files"]["orders"]["sha256"]) == 64
    assert manifest["libraries"]["papermill"]
    assert manifest["git"] is None
    assert (run / "logs" / "churn_rate.zh.log").is_file()


def test_the_history_has_what_was_published(published):
    folder, _, _ = published
    frame = read_history(folder, "small")
    now = frame[(frame.indicator == "nps") & (frame.period == "2025-Q4") & (frame.group == "")]
    assert now["value"].tolist() == pytest.approx([100 * (4 - 2) / 9])
    assert set(frame["run_id"]) == {only_run_folder(folder).name}


def test_wrong_data_stop_before_anything_is_written(published):
    folder, file, _ = published
    before, runs = everything(folder), sorted((folder / "runs").iterdir())
    orders = folder / "data" / "tiny" / "orders.csv"
    kept = orders.read_text("utf-8")
    orders.write_text(kept + "O99,C01,not a day,completed,1,0,1,0,1,CNY,web\n", encoding="utf-8")
    try:
        with pytest.raises(DataError, match=r"orders\.csv · ordered_at"):
            run_report(load(file))
    finally:
        orders.write_text(kept, encoding="utf-8")
    assert everything(folder) == before
    assert sorted((folder / "runs").iterdir()) == runs


def test_a_second_run_of_the_same_report_is_refused(published):
    folder, file, _ = published
    with only_run(folder, "small"), pytest.raises(RunError, match="being run already"):
        run_report(load(file))


def test_a_book_that_shows_a_person_is_not_published_not_even_in_an_error(published, monkeypatch):
    """The summary fails with a name in its message: the first page is the failure page, and the gate stops it."""
    folder, file, _ = published
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    before, runs = everything(folder), {*(folder / "runs").iterdir()}
    shutil.copytree(folder / "notebooks", folder / "others", dirs_exist_ok=True)
    write_notebook(folder / "others", "summary", "raise ValueError('no orders of 王小明')")
    with pytest.raises(RunError, match="did not pass the gate") as error:
        run_report(load(file), notebooks=folder / "others")
    assert {problem.place.split(":")[0] for problem in error.value.problems} == {"en/index.html", "zh/index.html"}
    assert "shows the source's own value '王小明'" in str(error.value)
    assert everything(folder) == before
    (run,) = {*(folder / "runs").iterdir()} - runs
    first = (run / "html" / "en" / "index.html").read_text("utf-8")
    assert f'class="{MARK}"' in first
    assert "ended with an error" in first
    assert json.loads((run / "manifest.json").read_text("utf-8"))["ended"] == "not_published"
    assert len(read_history(folder, "small")["run_id"].unique()) == 1, "the history has published runs only"


def test_nothing_is_published_when_no_notebook_runs(published, monkeypatch):
    folder, file, _ = published
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    before = everything(folder)
    write_notebooks(folder / "broken", indicator="import no_such_module", summary="import no_such_module")
    write_notebook(folder / "broken", "goals", "import no_such_module")
    with pytest.raises(RunError, match=r"Not one notebook could be run.*No module named 'no_such_module'"):
        run_report(load(file), notebooks=folder / "broken")
    assert everything(folder) == before
