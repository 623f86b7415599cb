"""A run that is killed before a step of the file system, each in its turn: what a moment drawn at random seldom meets."""

import pytest
from killed_runs import check_killed, check_resumed, copy_of, prepared_project

TURNING = ("replace .link-", "symlink ", "rename html", "link .*.parquet")
"""Steps that are tried in the short form too: the book is turned, the history gets its file."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    with prepared_project(tmp_path_factory.mktemp("steps")) as found:
        yield found


def step_of(steps, number):
    """A step by its name, and which of that name it is: how often hashes are remembered differs from run to run."""
    return steps[number], steps[: number + 1].count(steps[number])


def tried(steps):
    """The numbers of the steps before which a run is killed."""
    return [number for number, step in enumerate(steps) if "hashes.json" not in step]


def killed_before(prepared, number, target):
    """Kill a run before a step, look, run again, look."""
    stepper, steps, left = prepared.stepper, prepared.steps, prepared.left
    project = copy_of(prepared.project, target)
    try:
        assert stepper.run(project, *step_of(steps, number))["code"] == -9
        check_killed(project, left, had_book=True)
        again = stepper.run(project)
        assert again["code"] == 0, again["said"]
        check_resumed(project, left, killed=set())
    except BaseException as error:
        error.add_note(f"killed before step {number} of {len(steps)}: {steps[number]}")
        raise


def test_killed_around_the_publication(prepared, tmp_path):
    steps = prepared.steps
    turning = [number for number in tried(steps) if steps[number].startswith(TURNING)]
    assert len(turning) == len(TURNING), steps
    for number in turning:
        killed_before(prepared, number, tmp_path / f"{number}")


@pytest.mark.slow
def test_killed_before_every_step(prepared, tmp_path):
    for number in tried(prepared.steps):
        killed_before(prepared, number, tmp_path / f"{number}")
