"""Runs that are killed at any moment: readers see the old book or the new one, and the next run ends what was begun."""

import sys
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
    """A project that was never run, an undisturbed run of it, and what that leaves."""
    home = tmp_path_factory.mktemp("light")
    write_project(home / "new")
    return measured(home / "new", None, light=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two such projects with real books: one that was never run, and one with an earlier report."""
    home = tmp_path_factory.mktemp("whole")
    write_project(home / "new")
    report_on(home / "new", EARLIER)
    copy_of(home / "new", home / "old")
    undisturbed(home / "old", light=False)
    before = Left.by(home / "old")
    for name in ("new", "old"):
        report_on(home / name, LATER)
    return {
        "new": measured(home / "new", None, light=False),
        "old": measured(home / "old", before, light=False),
    }


def measured(folder, before, *, light):
    done = copy_of(folder, folder.with_name(f"{folder.name}-done"))
    run = undisturbed(done, light=light)
    return folder, run, Left.by(done, before)


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
    folder, run, left = light
    project = copy_of(folder, tmp_path / "project")
    rng = np.random.default_rng(20261127)
    for moment in sorted(moments(run, rng, 4), key=lambda one: [*run.begun, ""].index(one[0])):
        Run(project, light=True).kill_at(*moment)
        assert gone(project), f"processes are left after {moment}"
        check_killed(project, left, had_book=False)
    killed = set(kept_pages(project))
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
        told = ", ".join(f"{name} {len(cut)} ({sum(cut)})" for name, cut in stages.items())
        sys.stdout.write(f"\nkills by stage (of them before the run ended): {told}\n")
