"""Runs of a small report in processes of their own that are killed, and what must be true afterwards.

Where the book itself is not the point, a light one is made in the place of Sphinx's: pages of a few lines that lead to each
other, each with the run in it and a mark of what it was made from.
"""

import contextlib
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import psutil
import pytest
import yaml
from light_books import STANDING_IN
from small_report import write_notebook, write_report

from crmtools.report.gate import gate
from crmtools.report.history import read_goals, read_history
from crmtools.report.lock import only_run
from crmtools.report.stages import STAGES
from crmtools.report.stamps import without_stamps
from crmtools.tables.privacy import KEY_VARIABLE

HERE = Path(__file__).resolve().parent
NAME = "small"
ONLY_OURS = "import crmtools as crm\nfrom crmtools import show\ndata = crm.open(report)\n"
# the grammar of internationalised addresses, which jsonschema would load for a second, is needed by nobody here
LIGHT = "import sys; sys.modules['rfc3987_syntax'] = None; from killed_runs import main; main()"
MARK = "CRMTOOLS_TEST_TREE"
RUN = re.compile(r"Run (\d{8}T\d{6}-[0-9a-f]{6})")
EARLIER, LATER = {"as_of": "2025-09-30", "period": "2025-Q3"}, {"as_of": "2025-12-31", "period": "2025-Q4"}


def write_project(folder, **changes):
    """The small report with pages that can be taken from earlier runs, one of which looks back at them."""
    notebooks = folder / "notebooks"
    write_notebook(notebooks, "summary", ONLY_OURS + 'show.since_last(data, ["nps"], language=language)')
    write_notebook(notebooks, "goals", ONLY_OURS + "show.gaps(crm.scorecard(data), language=language)")
    write_notebook(
        notebooks,
        "indicator",
        ONLY_OURS + "show.answer(crm.measure(indicator, data), language=language)\n"
        "show.trend(crm.trend(indicator, data), language=language)",
        parameters='report: str = "tiny"  # a file\nlanguage: str = "en"  # en or zh\nindicator: str = "nps"  # an id',
        title="{{ indicator.name }}",
    )
    (folder / "t").mkdir(exist_ok=True)
    return write_report(folder, own=True, **{"languages": ("en",)} | changes)


def report_on(folder, part):
    """Change the day and the period of the report."""
    file = folder / "parameters" / f"{NAME}.yml"
    plain = yaml.safe_load(file.read_text("utf-8"))
    plain["report"] |= part
    file.write_text(yaml.safe_dump(plain, allow_unicode=True), encoding="utf-8")


def environment(folder, **more):
    """What runs are started with: a folder for temporary files and a key of their own, and a mark that all they start inherits."""
    # as make does: without byte code every process would compile the package again
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
        "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]), "TMPDIR": str(folder / "t"), MARK: str(folder),
        KEY_VARIABLE: "one key for all of these tests", **more,
    }  # fmt: skip


@dataclass
class Run:
    """A report that was started in a process and session of its own; ``light`` is without Sphinx."""

    folder: Path
    light: bool = False
    lines: list = field(default_factory=list)
    begun: dict = field(default_factory=dict)
    variables: dict = field(default_factory=dict)

    def __post_init__(self):
        program = ["-c", LIGHT] if self.light else ["-m", "crmtools"]
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, *program, "report", f"parameters/{NAME}.yml"],
            cwd=self.folder, env=environment(self.folder, **self.variables), start_new_session=True, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        names = {text.en: name for name, text in STAGES.items()}
        for line in self.process.stdout:
            self.lines.append(line)
            said = re.sub(r" \(\d+\)$", "", re.sub(r"^ *\d+\.\d s  ", "", line.rstrip()))
            if said in names and said != line.rstrip():
                self.begun.setdefault(names[said], time.monotonic() - self.started)

    def wait(self):
        """Wait for the end; returns the exit code."""
        code = self.process.wait(timeout=300)
        self._reader.join()
        self.process.stdout.close()
        return code

    def kill_at(self, stage, seconds):
        """Kill all that belongs to it so long after a stage has begun; False where it ended before."""
        while stage and stage not in self.begun and self.process.poll() is None:
            time.sleep(0.005)
        until = self.started + self.begun.get(stage, 0.0) + seconds
        while time.monotonic() < until and self.process.poll() is None:
            time.sleep(0.005)
        cut = self.process.poll() is None
        kill_tree(self.folder)
        self.wait()
        return cut

    @property
    def said(self):
        return "".join(self.lines)


def tree_of(folder):
    """The processes that belong to the runs of a project, whatever session they are in and whoever their parent is."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_tree(folder):
    """SIGKILL to all of them, and to what they started meanwhile."""
    while found := tree_of(folder):
        for process in found:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.Error:
                continue


def gone(folder, seconds=8.0):
    """Whether no process of a project is left after some seconds."""
    until = time.monotonic() + seconds
    while tree_of(folder) and time.monotonic() < until:
        time.sleep(0.1)
    return not tree_of(folder)


def moments(run, rng, count):
    """Moments of an undisturbed run, as stages and seconds after their beginning.

    Half are drawn over its whole time, half over its stages, for the last of them are short.
    """
    ends = [*run.begun.values(), run.seconds]
    lasting = {"": ends[0]} | {name: end - begun for (name, begun), end in zip(run.begun.items(), ends[1:])}
    found = []
    for number in range(count):
        if number % 2:
            name = list(lasting)[rng.integers(len(lasting))]
            found.append((name, float(rng.uniform(0, lasting[name]))))
        else:
            at = float(rng.uniform(0, run.seconds))
            name = [name for name, begun in {"": 0.0, **run.begun}.items() if begun <= at][-1]
            found.append((name, at - run.begun.get(name, 0.0)))
    return found


# ---- what a project holds


def book(folder):
    """The published book with its files, what may differ masked; nothing where there is none."""
    place = folder / "published" / NAME
    return {
        path.relative_to(place).as_posix(): without_stamps(path.read_text("utf-8")) if path.suffix == ".html" else path.read_bytes()
        for path in place.rglob("*") if path.is_file()
    }  # fmt: skip


def history(folder):
    """The rows of every run of the history, and those of its goals, without what names the run."""
    rows, goals = read_history(folder, NAME), read_goals(folder, NAME)
    own = ["run_id", "run_at"]
    return {
        run: [frame[frame.run_id == run].drop(columns=own).to_csv(index=False) for frame in (rows, goals)]
        for run in rows.run_id.unique()
    }


def shown_run(folder):
    """The folder of the run whose book is published."""
    return folder / "runs" / (folder / "published" / NAME).readlink().name


def results(run):
    """The results of a run without what names it; a page that was taken over counts as one that was run."""
    plain = json.loads((run / "results.json").read_text("utf-8"))
    plain.pop("run_id")
    for states in plain["states"].values():
        states |= {language: "ok" for language, state in states.items() if state == "cached"}
    return plain


def states(run):
    """The state of every page of a run."""
    return {job["page"]: job["state"] for job in json.loads((run / "manifest.json").read_text("utf-8"))["jobs"]}


@dataclass
class Left:
    """What undisturbed runs leave: their books by name, the rows of each in the history, the results of the last."""

    books: list
    rows: list
    results: dict

    @classmethod
    def by(cls, folder, before=None):
        """The state of a project after an undisturbed run; ``before`` is the one before it."""
        found = history(folder)
        last = found[shown_run(folder).name]
        return cls(
            [*(before.books if before else []), book(folder)], [*(before.rows if before else []), last],
            results(shown_run(folder)),
        )  # fmt: skip


def check_killed(folder, left, *, had_book):
    """What is true at once after a kill, whenever it came. ``left`` are the books and rows that may be there."""
    found = book(folder)
    assert found or not had_book, "a book that was there has gone"
    if found:
        assert found in left.books, "neither the old book nor the new one"
        place = folder / "published" / NAME
        assert gate(place, languages=("en",), machine=()) == []
        pages = [page.read_text("utf-8") for page in place.rglob("*.html") if page.parent != place]
        assert {run for page in pages for run in RUN.findall(page)} == {shown_run(folder).name}
    for rows in history(folder).values():
        assert rows in left.rows, "a torn run in the history"
    with only_run(folder, NAME):
        pass


def kept_pages(folder):
    """The pages that were kept for later runs, with the run that made them."""
    records = (folder / ".crmtools" / "pages" / NAME / "en").glob("[!.]*.json")
    return {file.stem: json.loads(file.read_text("utf-8"))["run"] for file in records}


def check_resumed(folder, left, *, killed):
    """What is true after the run that follows; ``killed`` are the pages that the killed one had kept."""
    shown = shown_run(folder)
    assert book(folder) == left.books[-1]
    assert results(shown) == left.results
    found = history(folder)
    assert found[shown.name] == left.rows[-1]
    assert [rows for rows in found.values() if rows not in left.rows] == []
    assert {page for page, state in states(shown).items() if state == "cached"} >= killed - {shown.name}
    parts = [path for path in folder.rglob(".*.part") if "history" not in path.parts]
    pages = [path for path in parts if "pages" in path.parts]
    assert pages == [], "half-written pages"
    assert list((folder / "t").iterdir()) == [], "folders for temporary files"
    manifest = json.loads((shown / "manifest.json").read_text("utf-8"))
    assert manifest["ended"] == "published"
    assert "files" in manifest, "it was sealed"


def copy_of(folder, target):
    """A project as it is, somewhere else."""
    return Path(shutil.copytree(folder, target, symlinks=True))


def main():
    """The command line with the light book."""
    from crmtools.cli import main as command
    from crmtools.report import making

    vars(making).update(STANDING_IN)
    command(prog_name="crmtools")


# ---- killed at a step


STEPS = ("replace", "rename", "link", "symlink", "unlink", "rmdir", "mkdir", "chmod", "fsync")
"""What changes names and rights on a disk: between two of these a file system stays as it is."""


RANDOM = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}|(?<=\.)(\d+-)?[0-9a-f]{8}(?=\.part)|(?<=crm-)\w+|\d{4,}")


def in_steps(folder, fatal, number):
    """Run the report of a project whose pages are all kept, and kill the process before the so-manieth step called ``fatal``.

    Returns the exit code, what was said and the names of the steps. No kernels are started, and the book is the light one.
    """
    from click.testing import CliRunner

    from crmtools.cli import main as command
    from crmtools.commands import report
    from crmtools.report import making, run

    done = []

    def watched(name, function):
        def step(*given, **named):
            done.append(f"{name} {'' if isinstance(given[0], int) else RANDOM.sub('*', Path(given[0]).name)}".strip())
            if done[-1] == fatal and done.count(fatal) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*given, **named)

        return step

    for name in STEPS:
        setattr(os, name, watched(name, getattr(os, name)))
    vars(making).update(STANDING_IN)
    run.warm_process = report.warm_process = contextlib.nullcontext
    os.chdir(folder)
    result = CliRunner().invoke(command, ["report", f"parameters/{NAME}.yml"])
    return {"code": result.exit_code, "said": result.stderr, "out": result.stdout, "steps": done}


def mount(how, place, *size):
    """Change what a folder is for all that follow: ``read_only``, or ``small``, a disk of its own with so many bytes."""
    if how == "small":
        options = ["-o", "remount"] if Path(place).is_mount() else ["-t", "tmpfs", "-o", "rw"]
        subprocess.run(["mount", *options[:-1], f"{options[-1]},size={size[0]}", "none", place], check=True)
    else:
        subprocess.run(["mount", "--bind", place, place], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)


def serve():
    """Answer every line of JSON: a mount, a copy, or a run in a process that is forked for it."""
    import duckdb

    from crmtools.report import making  # noqa: F401 - imported once for all

    duckdb.default_connection().close()  # it has a thread, which a fork would not inherit
    for line in sys.stdin:
        match json.loads(line):
            case ["mount", *given]:
                mount(*given)
                answer = {}
            case ["unmount", place]:
                subprocess.run(["umount", place], check=True)
                answer = {}
            case ["copy", folder, target]:
                shutil.copytree(folder, target, symlinks=True, dirs_exist_ok=True)
                answer = {}
            case ["run", folder, fatal, number]:
                answer = _forked(Path(folder), fatal, number)
                for name in answer.pop("modules", ()):  # imported on first use only: once for all that follow
                    with contextlib.suppress(ImportError):
                        importlib.import_module(name)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _forked(folder, fatal, number):
    """The answer of a process that runs a report; its exit code alone when it was killed."""
    ours, theirs = os.pipe()
    if not (child := os.fork()):
        try:
            import duckdb

            duckdb.set_default_connection(duckdb.connect())
            tempfile.tempdir = str(folder / "t")
            found = in_steps(folder, fatal, number) | {"modules": sorted(sys.modules)}
            with os.fdopen(theirs, "w") as told:
                json.dump(found, told)
        except BaseException:  # noqa: BLE001 - it must end here, or it would serve as a second server
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as told:
        answer = told.read()
    _, status = os.waitpid(child, 0)
    return json.loads(answer) if answer else {"code": os.waitstatus_to_exitcode(status), "steps": []}


class Stepper:
    """The process that forks, as a context; with ``mounts`` it may have folders of its own."""

    def __init__(self, folder, *, mounts=False):
        self.process = subprocess.Popen(
            [*(["unshare", "-rm"] if mounts else []), sys.executable, "-c", "from killed_runs import serve; serve()"],
            env=environment(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, *what):
        """Have something done there."""
        self.process.stdin.write(json.dumps([str(one) if isinstance(one, Path) else one for one in what]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def run(self, folder, fatal="", number=1):
        """Run a project."""
        return self.ask("run", folder, fatal, number)

    def seen(self, folder):
        """A folder as that process sees it."""
        return Path(f"/proc/{self.process.pid}/root{folder}")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def can_mount():
    """Whether this system lets its users mount folders of their own."""
    try:
        return not subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True
        ).returncode
    except OSError:
        return False


def keep_all_pages(folder):
    """Every page of a report as if an earlier run had made it."""
    from crmtools.parameters import load
    from crmtools.report.cache import PageCache
    from crmtools.report.plan import plan
    from crmtools.tables.source import open_settings

    settings = load(folder / "parameters" / f"{NAME}.yml")
    data = open_settings(settings)
    known, executed = PageCache.of(settings, data), folder / "executed.ipynb"
    for job in plan(settings, data).jobs:
        nbformat.write(
            nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# {job.slug}", id="a")]), executed
        )
        known.keep(job, executed, "before")


@dataclass(frozen=True)
class Prepared:
    """A project with an earlier report and a later one to run, the process that runs copies of it, the steps that an undisturbed run
    takes, and what that leaves.
    """

    project: Path
    stepper: Stepper
    steps: list[str]
    left: Left


@contextlib.contextmanager
def prepared_project(home, *, mounts=False):
    """Run the earlier report and, in a copy, the later one."""
    project = home / "project"
    write_project(project)
    with pytest.MonkeyPatch.context() as patch, Stepper(project, mounts=mounts) as stepper:
        patch.setenv(KEY_VARIABLE, environment(project)[KEY_VARIABLE])
        report_on(project, EARLIER)
        keep_all_pages(project)
        assert stepper.run(project)["code"] == 0
        before = Left.by(project)
        report_on(project, LATER)
        keep_all_pages(project)
        done = copy_of(project, home / "done")
        whole = stepper.run(done)
        assert whole["code"] == 0, whole["said"]
        yield Prepared(project, stepper, whole["steps"], Left.by(done, before))
