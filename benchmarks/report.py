"""The demo report: its notebooks through our engine, and the same ones through plain ``papermill`` one after another.

Prints seconds of one run of each side, their ratio, how long the whole report takes from nothing to the published book in both
languages, and how long running it again does when nothing has changed. Each side has a copy of the project of its own, so
that neither finds what the other worked out. ``python benchmarks/report.py 8`` runs every eighth notebook on the plain side
and multiplies: the plain side of all of them takes half an hour; ``python benchmarks/report.py 0`` runs none and measures the whole
report only. Machines that are shared change their speed from minute to minute: the seconds of a fixed piece of work, on every core
at once, before and after the report say at which speed it was measured.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from crmtools.parameters import load
from crmtools.report.plan import Job, plan
from crmtools.tables.source import open_settings

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("book", "data", "notebooks", "parameters")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
OURS = ("JUPYTER_DEFAULT_PROVISIONER_NAME", "CRMTOOLS_ENGINE")
"""Variables that would give the plain side kernels of ours."""


def project(folder: Path) -> Path:
    """A copy of what a report is made of, without anything that was worked out before."""
    told = subprocess.run(["git", "ls-files", *PARTS], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in told.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def ours(folder: Path) -> tuple[dict[str, float], float, float]:
    """Seconds per stage, of the whole command, and of the same command again."""
    walls = []
    for _ in range(2):
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "crmtools", "report", "demo"], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        walls.append(time.perf_counter() - begin)
    (run,) = (folder / "runs").glob("2*/manifest.json")
    return json.loads(run.read_text("utf-8"))["stage_seconds"], walls[0], walls[1]


def pace() -> float:
    """Seconds of a fixed piece of work, done on every core at once: the mean of all cores."""
    work = "import time; t = time.perf_counter(); [sorted(map(str, range(400_000))) for _ in range(8)]; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", work]
    side_by_side = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in os.sched_getaffinity(0)]
    return statistics.mean(float(one.communicate()[0]) for one in side_by_side)


def plain(folder: Path, jobs: list[Job]) -> float:
    """Seconds of a shell script's way: one command per notebook, each in a new process with a new kernel."""
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    begin = time.perf_counter()
    for job in jobs:
        given = [part for name, value in job.parameters.items() for part in ("-p", name, str(value))]
        target = folder / "out" / job.language / f"{job.slug}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(job.notebook), str(target), *given]
        done = subprocess.run(command, cwd=folder / "notebooks", env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{job.slug}: {COLOUR.sub('', done.stderr)[-2000:]}")
    return time.perf_counter() - begin


def main() -> None:
    """Print what was measured."""
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory() as place:
        before = pace()
        stages, whole, again = ours(project(Path(place) / "ours"))
        after = pace()
        folder = project(Path(place) / "plain")
        settings = load(folder / "parameters" / "demo.yml")
        jobs = plan(settings, open_settings(settings), notebooks=folder / "notebooks").jobs
        some = jobs[::every] if every else ()
        seconds = plain(folder, list(some)) * len(jobs) / len(some) if some else 0.0
    mine = stages["notebooks"]
    print(f"{len(jobs)} notebooks on {len(os.sched_getaffinity(0))} cores")
    print(f"a fixed piece of work         {before:8.2f} s before the report, {after:.2f} s after it")
    if some:
        said = f"{len(some)} of them, multiplied" if every > 1 else "all of them"
        print(f"papermill, one by one         {seconds:8.1f} s ({said})")
        print(f"our engine                    {mine:8.1f} s, ratio {seconds / mine:.1f}")
    print(f"the whole report, from cold   {whole:8.1f} s " + ", ".join(f"{k} {v:.1f}" for k, v in stages.items()))
    print(f"the same again, unchanged     {again:8.1f} s")


if __name__ == "__main__":
    main()
