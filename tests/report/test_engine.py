"""Notebooks side by side: whatever happens to one, its state is the truth and the others go on."""

import os
import signal
import tempfile
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import nbformat
import pytest
from small_report import write_notebook

from crmtools.report import engine, warm
from crmtools.report.engine import run_jobs
from crmtools.report.plan import Job
from crmtools.settings import Run

CODES = {
    "good": "import warnings\nwarnings.warn('only for the log')\nprint(language)",
    "failed": "def deep():\n    raise ValueError('no <b>good</b>')\ndeep()",
    "late": "import time\nprint('began')\ntime.sleep(60)",
    "dead": "import os\nos._exit(0)",
    "left": "import sys\nsys.exit(0)",
    "figure": "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])",
    "greedy": "import time\nmuch = b'x' * 1_500_000_000\ntime.sleep(60)",
    "threads": "import os\nprint(os.environ['OMP_NUM_THREADS'], os.environ['OPENBLAS_NUM_THREADS'])",
}


def jobs_of(folder, codes):
    return [
        Job(name, "en", write_notebook(folder / "notebooks", name, code), {"report": "tiny", "language": "en"})
        for name, code in codes.items()
    ]


def printed(outcome):
    cells = nbformat.read(outcome.notebook, as_version=4).cells
    outputs = (output for cell in cells for output in cell.get("outputs", []))
    return "".join(output.text for output in outputs if output.get("name") == "stdout")


def run_all(folder, process, seen):
    return run_jobs(
        jobs_of(folder, CODES),
        folder=folder / "run",
        facts=lambda job: {},
        warm=process,
        at_once=2,
        limits=Run(cell_seconds=8, memory_mb=1_000),
        done=lambda outcome: seen.append(outcome.job.slug),
    )


@pytest.fixture(scope="module", params=["ordinary", "forked"])
def outcomes(request, tmp_path_factory):
    """All cases with ordinary kernels and with forked ones: nobody may notice a difference."""
    if request.param == "forked" and not warm.AVAILABLE:
        pytest.skip("kernels are forked on Linux only")
    folder = tmp_path_factory.mktemp("engine")
    seen = []
    make = warm.warm_process if request.param == "forked" else nullcontext
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLBACKEND", "Agg")
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("t")))
        with make() as process:
            found = run_all(folder, process, seen)
        assert list(Path(tempfile.gettempdir()).iterdir()) == [], "every kernel's folder is gone"
    assert sorted(seen) == sorted(CODES)
    assert not any("no forked kernel" in one.log.read_text("utf-8") for one in found)
    return {outcome.job.slug: outcome for outcome in found}


def test_each_state_is_the_truth(outcomes):
    assert {name: outcome.state for name, outcome in outcomes.items()} == {
        "good": "ok",
        "failed": "failed",
        "late": "timed_out",
        "dead": "killed",
        "left": "failed",
        "greedy": "killed",
        "figure": "ok",
        "threads": "ok",
    }


def test_a_failure_says_what_and_where_and_the_log_has_the_rest(outcomes):
    failure = outcomes["failed"].failure
    assert (failure.name, failure.message, failure.cell) == ("ValueError", "no <b>good</b>", 4)
    log = outcomes["failed"].log.read_text("utf-8")
    assert "in deep()" in log
    assert "\x1b[" not in log
    assert outcomes["left"].failure.name == "SystemExit"
    assert "longer than 8 s" in outcomes["late"].failure.message
    assert outcomes["dead"].failure.cell == 4
    assert outcomes["greedy"].failure.name == "MemoryLimit"
    assert "more than 1,000 MB (run.memory_mb" in outcomes["greedy"].failure.message
    assert outcomes["greedy"].failure.cell == 4


def test_what_was_printed_before_the_end_is_kept(outcomes):
    assert printed(outcomes["late"]) == "began\n"


def test_warnings_go_to_the_log(outcomes):
    assert "only for the log" in outcomes["good"].log.read_text("utf-8")
    assert outcomes["good"].failure is None
    assert printed(outcomes["good"]) == "en\n"


def test_figures_are_shown_whatever_the_back_end_of_the_caller(outcomes):
    cells = nbformat.read(outcomes["figure"].notebook, as_version=4).cells
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))


def test_every_kernel_has_one_thread(outcomes):
    assert printed(outcomes["threads"]) == "1 1\n"


@pytest.mark.parametrize(
    ("limits", "states", "words"),
    [
        (Run(notebook_seconds=2), ["timed_out", "ok"], "the notebook took longer than 2 s (run.notebook_seconds"),
        (Run(run_seconds=2), ["skipped", "skipped"], "all notebooks together took longer than 2 s (run.run_seconds"),
    ],
)
def test_a_notebook_and_a_run_have_their_time(tmp_path, limits, states, words):
    codes = {"slow": "import time\nfor _ in range(600):\n    time.sleep(0.1)", "next": "print('done')"}
    with warm.warm_process() as process:
        found = run_jobs(
            jobs_of(tmp_path, codes),
            folder=tmp_path / "run",
            facts=lambda job: {},
            warm=process,
            at_once=1,
            limits=limits,
        )
    assert [one.state for one in found] == states
    assert words in found[0].failure.message
    assert words in found[0].log.read_text("utf-8")


def test_an_interrupt_ends_every_kernel(tmp_path, monkeypatch):
    """As Ctrl-C does: the signal comes while two kernels work, nothing of them is left."""
    mark = tmp_path / "pids"
    code = f"import os, time\nopen({str(mark)!r}, 'a').write(f'{{os.getpid()}}\\n')\ntime.sleep(60)"
    (tmp_path / "t").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))

    def interrupt():
        while not mark.exists() or len(mark.read_text().split()) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=interrupt)
    started = time.monotonic()
    # a shell starts what runs in the background with the signal ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sender.start()
        with pytest.raises(KeyboardInterrupt):
            run_jobs(
                jobs_of(tmp_path, {"one": code, "two": code, "three": code}),
                folder=tmp_path / "run",
                facts=lambda job: {},
            )
    finally:
        signal.signal(signal.SIGINT, before)
    sender.join()
    assert time.monotonic() - started < 30
    for pid in map(int, mark.read_text().split()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert len(mark.read_text().split()) == 2, "the third was never started"
    assert list((tmp_path / "t").iterdir()) == []


def test_what_no_page_can_be_blamed_for_ends_the_run_at_once(tmp_path, monkeypatch):
    """A worker that cannot even write a log: the jobs that are still to come are not waited for."""

    def broken(task, **options):
        raise OSError("No space left on device")

    def jobs():
        yield from jobs_of(tmp_path, {"one": "1", "two": "2"})
        for _ in range(100):
            time.sleep(0.05)
            yield from jobs_of(tmp_path, {"late": "3"})
        raise AssertionError("every job was asked for")

    monkeypatch.setattr(engine, "_run", broken)
    with pytest.raises(OSError, match="No space"):
        run_jobs(jobs(), folder=tmp_path / "run", facts=lambda job: {}, at_once=1)
