"""Runs that are killed at any moment: readers see the old book or the new one, and the next run ends what was begun."""

import time

import numpy as np
import pytest
from killed_runs import (
    EARLIER,
    LATER,
    Left,
    Run,
    check_killed,
    check_resumed,
    copy_of,
    gone,
    kept_pages,
    moments,
    report_on,
    shown_run,
    write_project,
)

from crmtools.report import warm

pytestmark = pytest.mark.skipif(not warm.AVAILABLE, reason="processes are found by what Linux tells of them")


def undisturbed(folder, *, light):
    run = Run(folder, light=light)
    assert run.wait() == 0, run.said
    run.seconds = time.monotonic() - run.started
    return run


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """Two projects, never run and with an earlier report, and what undisturbed runs of them leave."""
    return prepare(tmp_path_factory.mktemp("light"), light=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("whole"), light=False)


def prepare(home, *, light):
    new = home / "new"
    write_project(new)
    report_on(new, EARLIER)
    old = copy_of(new, home / "old")
    undisturbed(old, light=light)
    before = Left.by(old)
    for folder in (new, old):
        report_on(folder, LATER)
    found = {}
    for folder, earlier in ((new, None), (old, before)):
        done = copy_of(folder, home / f"{folder.name}-done")
        run = undisturbed(done, light=light)
        found[folder.name] = (folder, run, Left.by(done, earlier))
    return found


def killed_and_resumed(prepared, name, moment, target, *, light):
    """Kill a run at a moment, look, run again, look; returns the seconds that each took and whether the kill came in time."""
    folder, _, left = prepared[name]
    project = copy_of(folder, target)
    before = kept_pages(project)
    cut = Run(project, light=light).kill_at(*moment)
    assert gone(project), "processes are left"
    check_killed(project, left, had_book=name == "old")
    killed = {page for page, run in kept_pages(project).items() if run != before.get(page)}
    run = Run(project, light=light)
    assert run.wait() == 0, run.said
    check_resumed(project, left, killed=killed if "Nothing has changed" not in run.said else set())
    return cut


def test_a_run_that_is_killed_a_few_times_is_ended_by_the_next_one(light, tmp_path):
    """The short form: one project, killed again and again, each time a little later."""
    folder, run, left = light["old"]
    project = copy_of(folder, tmp_path / "project")
    rng = np.random.default_rng(20261127)
    before = kept_pages(project)
    for moment in sorted(moments(run, rng, 4), key=lambda one: [*run.begun, ""].index(one[0])):
        Run(project, light=True).kill_at(*moment)
        assert gone(project), f"processes are left after {moment}"
        check_killed(project, left, had_book=True)
    killed = {page for page, made in kept_pages(project).items() if made != before.get(page)}
    run = Run(project, light=True)
    assert run.wait() == 0, run.said
    check_resumed(project, left, killed=killed)


@pytest.mark.slow
def test_fifty_random_moments(whole, tmp_path, capsys):
    rng = np.random.default_rng(20261127)
    drawn = [(name, one) for name in whole for one in moments(whole[name][1], rng, 25)]
    stages = {}
    for number, (name, moment) in enumerate(drawn):
        try:
            cut = killed_and_resumed(whole, name, moment, tmp_path / f"{number}", light=False)
        except BaseException as error:
            error.add_note(f"number {number}, project {name}, killed {moment[1]:.3f} s after stage '{moment[0]}' began")
            raise
        stages.setdefault(moment[0] or "start", []).append(cut)
    with capsys.disabled():
        print("\nkills by stage (those that came in time):", {n: (len(c), sum(c)) for n, c in stages.items()})
