"""One report in which everything goes wrong that can go wrong with a page: each page has its true state, everywhere."""

import json
import os
import re
import sys

import pytest
from click.testing import CliRunner
from small_report import write_notebook, write_notebooks, write_report

from crmtools.cli import main
from crmtools.report.blocks import STATES
from crmtools.report.history import read_history
from crmtools.report.pages import PLAIN_WORDS

CODES = {
    "loops": ("while True:\n    pass", "timed_out", "CellTimeoutError"),
    "hungry": (
        "import os, signal\nhoard = bytearray(1 << 26)\nos.kill(os.getpid(), signal.SIGKILL)  # as a system without memory does",
        "killed", "DeadKernelError",
    ),
    "dies": ("import os\nos._exit(1)", "killed", "DeadKernelError"),
    "leaves": ("import sys\nsys.exit(0)", "failed", "SystemExit"),
    "misspelt": ("def (:", "failed", "SyntaxError"),
    "raises": ("1 / 0", "failed", "ZeroDivisionError"),
}  # fmt: skip
GOOD = {"index", "goals", "nps", "churn_rate"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("states")
    write_notebooks(folder / "notebooks", indicator="print(indicator)")
    for name, (code, _, _) in CODES.items():
        write_notebook(folder / "notebooks", name, code)
    write_report(folder, languages=("en",), run={"cell_seconds": 8, "chapters": ["goals", *CODES]})
    return folder


def report(folder, *more):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        return CliRunner().invoke(main, ["report", "parameters/small.yml", *more])


@pytest.fixture(scope="module")
def ran(project):
    return project, report(project)


def manifests(folder):
    """The records of all runs, the newest last."""
    return [json.loads(file.read_text("utf-8")) for file in sorted((folder / "runs").glob("2*/manifest.json"))]


def page(folder, name):
    return (folder / "published" / "small" / "en" / f"{name}.html").read_text("utf-8")


def test_the_manifest_and_the_exit_code(ran):
    folder, result = ran
    assert result.exit_code == 2, result.output
    (record,) = manifests(folder)
    assert record["ended"] == "published_with_failures"
    found = {job["page"]: (job["state"], job.get("error")) for job in record["jobs"]}
    assert found == {**dict.fromkeys(GOOD, ("ok", None)), **{name: tuple(rest) for name, (_, *rest) in CODES.items()}}
    for name, (_, state, error) in CODES.items():
        assert re.search(rf"^{state} +{name} \(en\)  {error}", result.stdout, re.MULTILINE), result.stdout


def test_the_front_page_and_the_list_of_pages(ran):
    folder, _ = ran
    front = page(folder, "index")
    (box,) = re.findall(r'<div class="crm-failed">.*?</div>', front, re.DOTALL)
    assert dict(re.findall(r'<a href="(\w+)\.html">[^<]*</a>: ([\w ]+)</li>', box)) == {
        name: STATES[state].en for name, (_, state, _) in CODES.items()
    }
    listed = re.findall(r'href="(\w+)\.html">\s*[^<]* · ([\w ]+)\s*</a>', front)
    assert dict(listed) == {name: STATES[state].en for name, (_, state, _) in CODES.items()}


@pytest.mark.parametrize("name", CODES)
def test_the_page_itself(ran, name):
    folder, _ = ran
    _, state, error = CODES[name]
    text = page(folder, name)
    assert PLAIN_WORDS[state].en in text
    assert f"<code>{error}: " in text
    assert "Traceback" not in text


def test_the_others_are_whole_and_in_the_history(ran):
    folder, _ = ran
    for name in GOOD - {"index"}:
        assert "crm-failed" not in page(folder, name)
    assert set(read_history(folder, "small")["run_id"]) == {manifests(folder)[0]["run_id"]}


def test_a_page_that_fails_the_gate(ran):
    """The book is not published: exit code 1, the page is named, and readers keep the book with the failures of the run before."""
    folder, _ = ran
    front = page(folder, "index")
    write_notebooks(folder / "others", indicator="print(indicator)")
    for name in CODES:
        write_notebook(folder / "others", name, "print('well again')")
    write_notebook(
        folder / "others", "goals", "from IPython.display import HTML\nHTML('<a href=\"nowhere.html\">more</a>')"
    )
    result = report(folder, "--notebooks", "others")
    assert result.exit_code == 1, result.output
    assert "did not pass the gate: 1 problem" in result.stderr
    assert re.search(r"en/goals\.html:\d+\n +the link nowhere\.html leads to a file that does not exist", result.stderr)
    assert page(folder, "index") == front
    record = manifests(folder)[-1]
    assert record["ended"] == "not_published"
    assert "en/goals.html" in record["problems"][0]
    assert {job["state"] for job in record["jobs"]} == {"ok"}
    assert read_history(folder, "small")["run_id"].nunique() == 1
