"""One kernel for page after page: nobody may notice it, and what goes wrong in it is tried again elsewhere."""

import math
import os
import signal
import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from small_report import ROOT, write_notebook, write_report

from crmtools.indicators import CATALOGUE
from crmtools.parameters import load
from crmtools.report import engine, kernel, page, seat, warm
from crmtools.report.engine import run_jobs
from crmtools.report.plan import Job
from crmtools.report.reach import leaves_no_trace
from crmtools.settings import Run
from crmtools.tables import source

forked = pytest.mark.skipif(not warm.AVAILABLE, reason="kernels are forked on Linux only")
TIDY = "import crmtools as crm\nmine = 1\nprint(language)"


@pytest.fixture(scope="module")
def process():
    with warm.warm_process() as made:
        yield made


@pytest.fixture
def kernels(monkeypatch):
    """The kernels that were forked, in order."""
    made = []
    fork = warm.Warm.fork

    def counted(self, *args, **options):
        made.append(fork(self, *args, **options))
        return made[-1]

    monkeypatch.setattr(warm.Warm, "fork", counted)
    return made


def jobs_of(folder, codes):
    for name, code in codes.items():
        notebook = write_notebook(folder / "notebooks", name, code)
        yield Job(name, "en", notebook, {"report": "tiny", "language": "en"})


def run(folder, codes, process, *, jobs=None, limits=Run()):
    found = run_jobs(
        jobs or jobs_of(folder, codes),
        folder=folder / ("ordinary" if process is None else "run"),
        facts=lambda job: {},
        warm=process,
        at_once=1,
        limits=limits,
    )
    return {one.job.slug: one for one in found}


def cells(outcome):
    return [cell for cell in nbformat.read(outcome.notebook, as_version=4).cells if cell.cell_type == "code"]


def printed(outcome):
    return "".join(out.text for cell in cells(outcome) for out in cell.outputs if out.get("name") == "stdout")


@forked
def test_pages_that_leave_no_trace_share_a_kernel_and_see_nothing_of_each_other(tmp_path, process, kernels):
    look = "print('mine' in dir(), [name for name in dir() if name[:2] == '_i' and name[2:3] in tuple('123456789')])"
    found = run(tmp_path, {"one": TIDY, "two": look, "three": look}, process)
    assert [one.state for one in found.values()] == ["ok"] * 3
    assert len(kernels) == 1
    assert printed(found["two"]) == printed(found["three"]) == "False ['_i1', '_i2', '_i3']\n"
    counts = [[cell.execution_count for cell in cells(one)] for one in found.values()]
    assert counts == [[1, 2, 3]] * 3


@forked
def test_what_a_page_says_is_the_same_in_a_kernel_of_its_own(tmp_path, process, kernels):
    """Figures and data too: the second page repeats the first, and both repeat ordinary kernels."""
    file = write_report(tmp_path, own=True)
    page = f"""
import crmtools as crm
from crmtools import show
data = crm.open({str(file)!r})
show.trend(crm.trend("nps", data), language=language)
"""
    codes = {"first": page, "again": page}
    kept, apart = run(tmp_path, codes, process), run(tmp_path, codes, None)
    assert len(kernels) == 1
    for name in codes:
        assert kept[name].state == "ok", kept[name].log.read_text("utf-8")
    assert [c.outputs for c in cells(kept["first"])] == [c.outputs for c in cells(kept["again"])]
    for name in codes:
        assert [c.outputs for c in cells(kept[name])] == [c.outputs for c in cells(apart[name])]


SAYING = """
import sys, warnings
from IPython.display import clear_output, display
from matplotlib import pyplot as plt
print("one"); print("two", end="")
display({"text/html": "<b>&</b>", "text/plain": "b"}, raw=True)
print("three"); print("four", file=sys.stderr)
shown = display("before", display_id="here")
shown.update("after")
bundle = {"text/plain": "as it was", "application/json": {"no number": float("nan"), "day": __import__("datetime").date(2026, 1, 1)}}
warnings.simplefilter("ignore")
display(bundle, raw=True)
bundle["text/plain"] = "changed"
display(bundle, raw=True)
kept = sys.stderr
print("five")
len("six")
""".strip()
FORGETTING = """
print("gone", file=kept)
clear_output()
display({"text/plain": "stays"}, raw=True)
""".strip()


@forked
def test_cells_that_are_run_at_once_say_what_they_say_one_by_one(tmp_path, process, kernels, monkeypatch):
    """Whatever kind of thing it is, in the same order, with the same numbers."""
    monkeypatch.setattr(engine, "leaves_no_trace", lambda notebook: True)
    notebook = write_notebook(tmp_path / "notebooks", "saying", SAYING)
    written = nbformat.read(notebook, as_version=4)
    written.cells += [
        new_code_cell(FORGETTING),
        new_code_cell("1 / 0", metadata={"tags": ["skip-execution"]}),
        new_code_cell("  "),
        new_code_cell("_i1, _3"),
    ]
    nbformat.write(written, notebook)
    jobs = [Job("saying", "en", notebook, {"report": "tiny", "language": "en"})]
    kept, apart = run(tmp_path, {}, process, jobs=jobs), run(tmp_path, {}, None, jobs=jobs)
    assert len(kernels) == 1, kept["saying"].log.read_text("utf-8")
    one, other = cells(kept["saying"]), cells(apart["saying"])
    assert [cell.outputs for cell in one] == [cell.outputs for cell in other]
    assert [cell.execution_count for cell in one] == [cell.execution_count for cell in other]
    assert "stays" in str(one)
    assert "'gone" not in str([cell.outputs for cell in one])
    assert "'after'" in str(one)
    assert "as it was" in str(one)
    assert kept["saying"].log.read_text("utf-8").count("four") == 1
    ran = [cell.metadata.papermill for cell in one if cell.execution_count]
    assert all(cell.status == "completed" and cell.start_time <= cell.end_time and cell.duration >= 0 for cell in ran)


@forked
def test_what_no_cell_has_said_is_not_lost(tmp_path, process, kernels, monkeypatch):
    """A library that writes to the process's own output: the page is run where that is caught."""
    monkeypatch.setattr(engine, "leaves_no_trace", lambda notebook: True)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # where it is set, kernels leave the process's own output alone
    code = "import os, time\nos.write(2, b'from a library\\n')\ntime.sleep(1)"
    found = run(tmp_path, {"one": code}, process)["one"]
    assert found.state == "ok"
    assert len(kernels) == 2
    assert "SaidBesides" in found.log.read_text("utf-8")
    assert "from a library" in str([cell.outputs for cell in cells(found)])


@forked
def test_what_is_said_to_a_stream_of_an_earlier_page_is_not_lost(tmp_path, process, kernels, monkeypatch):
    """As by a handler of Python's own log."""
    monkeypatch.setattr(engine, "leaves_no_trace", lambda notebook: True)
    first = "import sys, crmtools\ncrmtools.kept = sys.stderr"
    found = run(tmp_path, {"one": first, "two": "import crmtools\nprint('said', file=crmtools.kept)"}, process)
    assert "SaidBesides" in found["two"].log.read_text("utf-8")
    assert found["two"].failure.name == "AttributeError", "in a kernel of its own there is no such stream"


@forked
def test_the_time_of_a_cell_is_that_of_each_cell_and_not_that_of_the_page(tmp_path, process, kernels, monkeypatch):
    monkeypatch.setattr(engine, "leaves_no_trace", lambda notebook: True)
    notebook = write_notebook(tmp_path / "notebooks", "long", "import time")
    written = nbformat.read(notebook, as_version=4)
    written.cells += [new_code_cell("time.sleep(1.5)") for _ in range(4)]
    nbformat.write(written, notebook)
    job = Job("long", "en", notebook, {"report": "tiny", "language": "en"})
    found = run(tmp_path, {}, process, jobs=[job], limits=Run(cell_seconds=4))["long"]
    assert found.state == "ok"
    assert len(kernels) == 1
    spent = [cell.metadata.papermill.duration for cell in cells(found)]
    assert sum(spent) >= 6 > 4 > max(spent)


@forked
@pytest.mark.parametrize("ignored", [False, True])
def test_an_endless_cell_of_a_first_page_is_known_at_once(tmp_path, kernels, ignored):
    """Whatever the processes that this one began in have said of its alarm."""
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN) if ignored else None
    try:
        with warm.warm_process() as process:
            endless = "x = sum(n for n in range(10**12))"
            found = run(tmp_path, {"late": endless, "next": TIDY}, process, limits=Run(cell_seconds=2))
    finally:
        if ignored:
            signal.signal(signal.SIGALRM, before)
    assert [one.state for one in found.values()] == ["timed_out", "ok"]
    assert (found["late"].failure.name, found["late"].failure.cell) == ("CellTimeoutError", 4)
    assert "longer than 2 s" in found["late"].failure.message
    assert "Run once more" not in found["late"].log.read_text("utf-8")
    assert len(kernels) == 2


@forked
def test_who_wants_to_see_what_fails_has_it_run_cell_by_cell_at_once(tmp_path, process, kernels):
    job = next(jobs_of(tmp_path, {"bad": "print('before')\n1 / 0"}))
    (found,) = run_jobs([job], folder=tmp_path / "run", facts=lambda job: {}, warm=process, alone=True)
    assert (found.failure.name, found.failure.cell) == ("ZeroDivisionError", 4)
    assert printed(found) == "before\n"
    assert "Run once more" not in found.log.read_text("utf-8")
    assert len(kernels) == 1


@forked
def test_nothing_that_a_page_said_is_left_beside_its_kernel(tmp_path, process, kernels, monkeypatch):
    left = []
    end = seat.Seat.end

    def looked(self, kernel):
        left.extend(file.name for file in kernel.place.iterdir())
        end(self, kernel)

    monkeypatch.setattr(seat.Seat, "end", looked)
    run(tmp_path, {"one": TIDY, "two": TIDY}, process)
    assert left
    assert not {"asked.json", "said.json", "now.txt"} & {*left}


@forked
def test_what_fails_after_another_page_is_tried_in_a_kernel_of_its_own(tmp_path, process, kernels):
    found = run(tmp_path, {"good": TIDY, "bad": "1 / 0", "next": TIDY, "last": TIDY}, process)
    assert [one.state for one in found.values()] == ["ok", "failed", "ok", "ok"]
    assert (found["bad"].failure.name, found["bad"].failure.cell) == ("ZeroDivisionError", 4)
    log = found["bad"].log.read_text("utf-8")
    assert log.startswith(
        "Run once more, cell by cell in a kernel of its own. In one that serves page after page: ZeroDivisionError: "
    )
    assert log.count("failed: ZeroDivisionError") == 1
    assert len(kernels) == 3, "that of the first page, one for the failure alone, and one for those after it"


@forked
def test_limits_hold_in_a_kernel_that_has_served_before_and_are_told_of_the_second_try(tmp_path, process, kernels):
    endless, greedy = "x = sum(n for n in range(10**12))", "x = list(range(10**9))"
    codes = {"good": TIDY, "late": endless, "between": TIDY, "greedy": greedy, "last": TIDY}
    found = run(tmp_path, codes, process, limits=Run(cell_seconds=3, memory_mb=1_000))
    assert [one.state for one in found.values()] == ["ok", "timed_out", "ok", "killed", "ok"]
    assert found["late"].failure.name == "CellTimeoutError"
    assert found["greedy"].failure.name == "MemoryLimit"
    for name, why in {"late": "CellTimeoutError: a cell took longer", "greedy": "MemoryLimit: "}.items():
        told = found[name].log.read_text("utf-8")
        assert told.startswith(
            "Run once more, cell by cell in a kernel of its own. In one that serves page after page: " + why
        )
    assert len(kernels) == 5


@forked
def test_a_notebook_that_may_do_anything_has_a_kernel_to_itself(tmp_path, process, kernels):
    found = run(tmp_path, {"one": TIDY, "free": "import sys\nprint(sys.argv[0] != '')", "two": TIDY}, process)
    assert [one.state for one in found.values()] == ["ok"] * 3
    assert len(kernels) == 3


def test_a_kernel_in_which_an_indicator_was_declared_serves_no_other_page(monkeypatch):
    class Own:
        facts = staticmethod(opened_elsewhere)

    monkeypatch.setattr(page, "CATALOGUE", {**CATALOGUE, "own": Own})
    with pytest.raises(RuntimeError, match="the page before declared own"):
        page.begin()


def opened_elsewhere():
    """Facts of an analyst's own."""


@forked
def test_a_kernel_that_dies_between_two_pages_is_replaced(tmp_path, process, kernels):
    """As the system does when memory is short."""

    def jobs():
        first, second = jobs_of(tmp_path, {"one": TIDY, "two": TIDY})
        yield first
        while not (tmp_path / "run" / "notebooks" / "en" / "one.ipynb").exists():
            pass
        os.killpg(kernels[0].pid, signal.SIGKILL)
        kernels[0].wait(20)
        yield second

    found = run(tmp_path, {}, process, jobs=jobs())
    assert [one.state for one in found.values()] == ["ok", "ok"]
    assert len(kernels) == 2


@forked
def test_a_kernel_that_uses_much_memory_is_not_kept(tmp_path, process, kernels, monkeypatch):
    monkeypatch.setattr(seat, "memory_of", lambda pid: 600 * 2**20)
    run(tmp_path, {"one": TIDY, "two": TIDY}, process, limits=Run(memory_mb=1_000))
    assert len(kernels) == 2


def test_each_page_has_its_own_time_and_waiting_takes_none(tmp_path, kernels):
    one = kernel.PageKernel(place=tmp_path, log=None, kernels=kernel.Kernels(tmp_path))
    assert one.started == math.inf
    before = time.monotonic()
    one.begin()
    assert before <= one.started <= time.monotonic()
    one.rest()
    assert (one.started, one.pages) == (math.inf, 1)


def test_kernels_that_are_not_forked_start_each_by_itself(tmp_path, kernels):
    found = run(tmp_path, {"one": "mine = 1", "two": "print('mine' in dir())"}, None)
    assert printed(found["two"]) == "False\n"
    assert kernels == []


@pytest.mark.parametrize(
    ("code", "tidy"),
    [
        ("import crmtools as crm\nx = crm.find('nps').name.en", True),
        ("import crmtools as crm\nx = crm.rfm.study(crm.open('tiny')).now", True),
        ("from crmtools import show\nx = [show.notes(one) for one in ()]", True),
        ("from crmtools.lifetime.study import study\nx = study(1)", True),
        ("import crmtools as crm\nx = crm.open('tiny').period", True),
        ("x = report.previous()", True),
        ("import crmtools as crm\ncrm.show.theme = 1", False),
        ("import crmtools as crm\ndel crm.show", False),
        ("x = {}\nx['a'] = 1", False),
        ("x = 1\nx += 1", False),
        ("def double(x):\n    return 2 * x", False),
        ("import crmtools as crm\ncrm.show.speak('zh')", False),
        ("from crmtools.show import speak\nspeak('zh')", False),
        ("from crmtools.show import speak as say\nsay('zh')", False),
        ("from crmtools.indicators.catalogue import indicator\n@indicator\ndef own(): ...", False),
        ("from crmtools.indicators.catalogue import indicator as i\ni(name=1)(print)", False),
        ("from crmtools.indicators.catalogue import _registered\n_registered.update(a=1)", False),
        ("from crmtools.show.style import *", False),
        ("from crmtools.tables.source import os\nos.chdir('/')", False),
        ("import crmtools as crm\ncrm.cohorts.np.random.seed(1)", False),
        ("import crmtools as crm\nd = crm.open('tiny')\nd.backend.raw_sql('DROP VIEW orders')", False),
        ("import crmtools as crm\nd = crm.open('tiny')\nrun = d.backend.raw_sql\nrun('DROP VIEW orders')", False),
        ("import crmtools as crm\nt = crm.trend('nps', 1).frame\nt.drop(t.index, inplace=True)", False),
        ("import crmtools as crm\nlist = crm.open('tiny').backend.raw_sql\nlist('DROP VIEW orders')", False),
        ("for crm in ():\n    pass\nimport crmtools as crm", False),
        ("with x: pass", False),
        ("setattr(print, 'a', 1)", False),
        ("import os", False),
        ("%time 1", False),
    ],
)
def test_traces(tmp_path, code, tidy):
    notebook = tmp_path / "one.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("x = 0"), new_code_cell(code)]), notebook)
    assert leaves_no_trace(notebook) is tidy


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda file: file.stem)
def test_every_notebook_of_the_project_leaves_no_trace(notebook):
    """Or a report takes twice as long."""
    assert leaves_no_trace(notebook)


def test_a_notebook_that_is_written_again_is_read_again(tmp_path):
    notebook = write_notebook(tmp_path, "one", "import crmtools as crm")
    assert leaves_no_trace(notebook)
    write_notebook(tmp_path, "one", "import os, sys")
    assert not leaves_no_trace(notebook)


def test_data_stay_open_only_where_asked_for_and_only_as_they_are(tmp_path, monkeypatch):
    file = write_report(tmp_path, own=True)
    monkeypatch.setattr(source, "_KEPT", None)
    assert source.open_settings(load(file)) is not source.open_settings(load(file))
    source.keep_open()
    first = source.open_settings(load(file))
    assert source.open_settings(load(file)) is first
    source.keep_open()
    assert source.open_settings(load(file)) is first
    write_report(tmp_path, own=True, indicators=("csat_mean",))
    other = source.open_settings(load(file))
    assert other is not first, "the parameters file has changed"
    answers = tmp_path / "data" / "tiny" / "survey_answers.csv"
    lines = answers.read_text("utf-8").splitlines()
    answers.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    assert source.open_settings(load(file)) is not other, "the data have changed"


@forked
def test_the_engines_of_kernels_that_share_the_cores_have_their_share_of_threads(tmp_path, process, monkeypatch):
    file = write_report(tmp_path, own=True)
    code = f"""
import crmtools as crm
data = crm.open({str(file)!r})
print(data.backend.con.execute("SELECT current_setting('threads')").fetchone()[0])
"""
    monkeypatch.setattr(kernel, "cores", lambda: 6)
    found = run_jobs(
        jobs_of(tmp_path, {"one": code}), folder=tmp_path / "run", facts=lambda job: {}, warm=process, at_once=2
    )
    assert printed(found[0]) == "3\n"
