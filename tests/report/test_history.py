"""The history is only added to, by any number of writers."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from crmtools.errors import RunError
from crmtools.estimate import Estimate
from crmtools.indicators import CATALOGUE
from crmtools.period import Period
from crmtools.report.definition_mark import definition_hash
from crmtools.report.history import (
    COLUMNS,
    GOAL_COLUMNS,
    append_history,
    folder_of,
    history_mark,
    read_goals,
    read_history,
)
from crmtools.report.marks import Marks

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
NOW = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
NPS = Estimate(
    "nps", Period.parse("2025-Q4"), date(2025, 12, 31), value=22.2, low=-30.0, high=60.0, n=9, method="adjusted_wald"
)


MARKS = Marks("2025-Q4", "2025-12-31", "files", "reading", "code", "edition")
GOAL = {
    "goal": "nps", "indicator": "nps", "deadline": "2026-06-30", "baseline": replace(NPS, value=10.0).to_dict(),
    "now": NPS.to_dict(), "target": 30.0, "gap": 7.8, "progress": 0.61, "expected": 25.0, "status": "behind",
    "evidence": "undecided", "chance": 0.4, "verdict": "no_detectable_change",
}  # fmt: skip


def append(root, run_id, estimates, run_at=NOW, **more):
    names = {item.indicator for item in estimates}
    definitions = {name: dict(CATALOGUE[name].assumptions) for name in names}
    return append_history(
        root, "small", run_id=run_id, run_at=run_at, estimates=estimates, definitions=definitions, **more
    )


WRITERS = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_history import GOAL, MARKS, NPS, append
root, pids = Path(sys.argv[1]), []
for line in sys.stdin:
    if line.strip() == "wait":
        print(" ".join(str(os.waitpid(pid, 0)[1]) for pid in pids), flush=True)
        pids = []
        continue
    name, count = line.split()
    pid = os.fork()
    if pid:
        pids.append(pid)
        print(pid, flush=True)
        continue
    refused = []
    for number in range(int(count)):
        try:
            append(root, f"{name}{number:03}", [NPS], readings=[GOAL], marks=MARKS)
        except Exception as error:
            refused.append(type(error).__name__)
    (root / f"refused-{os.getpid()}").write_text(" ".join(refused))
    os._exit(0)
"""


class Writers:
    """Processes that append runs to one history; forked, so that each begins at once."""

    def __init__(self, root):
        self.parent = subprocess.Popen(
            [sys.executable, "-c", WRITERS, str(root), str(Path(__file__).parent)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip

    def ask(self, line):
        self.parent.stdin.write(f"{line}\n")
        return [int(number) for number in self.parent.stdout.readline().split()]

    def begin(self, name, count):
        (pid,) = self.ask(f"{name} {count}")
        return pid


@pytest.fixture
def writers(tmp_path):
    made = Writers(tmp_path)
    yield made
    made.parent.stdin.close()
    assert made.parent.wait(timeout=60) == 0
    made.parent.stdout.close()


def test_no_history_is_an_empty_frame_with_its_columns(tmp_path):
    frame = read_history(tmp_path, "small")
    assert frame.empty
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == COLUMNS


def test_what_is_appended_comes_back_in_the_order_of_the_runs(tmp_path):
    north = replace(NPS, group=(("region", "north"),), value=None, low=None, high=None, n=0)
    append(tmp_path, "b", [NPS, north, NPS])
    append(tmp_path, "a", [replace(NPS, value=10.0)], run_at=datetime(2026, 2, 5, tzinfo=UTC))
    frame = read_history(tmp_path, "small")
    assert frame["run_id"].tolist() == ["b", "b", "a"], "the same estimate of a run stands once"
    assert frame["value"].tolist() == [22.2, pd.NA, 10.0]
    assert frame["group"].tolist() == ["", "region=north", ""]
    assert frame.loc[0, ["period", "n", "method"]].tolist() == ["2025-Q4", 9, "adjusted_wald"]
    assert len(set(frame["definition"])) == 1


def test_two_writers_at_once_lose_nothing(tmp_path):
    def write(name):
        for number in range(10):
            append(tmp_path, f"{name}{number}", [NPS])

    writers = [threading.Thread(target=write, args=(name,)) for name in ("left", "right")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert read_history(tmp_path, "small")["run_id"].nunique() == 20
    assert not list(folder_of(tmp_path, "small").glob("*.part")), "no half-written file is left"


def test_a_run_is_added_once_and_stays_as_it_was(tmp_path):
    append(tmp_path, "a", [NPS])
    with pytest.raises(RunError, match="in the history"):
        append(tmp_path, "a", [replace(NPS, value=99.0)])
    assert read_history(tmp_path, "small")["value"].tolist() == [22.2]


def test_a_half_written_file_of_a_killed_run_is_not_read(tmp_path):
    append(tmp_path, "a", [NPS])
    (folder_of(tmp_path, "small") / ".b.parquet.1.part").write_bytes(b"PAR1")
    assert len(read_history(tmp_path, "small")) == 1


def test_a_definition_changes_with_its_assumptions_only():
    item = CATALOGUE["csat_mean"]
    same, other = definition_hash(item, {"scale_max": 5}), definition_hash(item, {"scale_max": 7})
    assert same == definition_hash(item, {"scale_max": 5})
    assert same != other
    assert same != definition_hash(CATALOGUE["csat_top2"], {"scale_max": 5})


@needs_fork
def test_two_processes_with_the_same_runs_add_each_of_them_once(tmp_path, writers):
    """Both write the same fifteen names at the same time: the first wins, the second is told, nothing is torn."""
    for _ in range(2):
        writers.begin("run", 15)
    assert writers.ask("wait") == [0, 0]
    refused = [kind for file in tmp_path.glob("refused-*") for kind in file.read_text().split()]
    assert len(refused) == 15
    assert set(refused) == {"RunError"}
    frame, goals = read_history(tmp_path, "small"), read_goals(tmp_path, "small")
    assert sorted(frame["run_id"]) == sorted(goals["run_id"]) == [f"run{n:03}" for n in range(15)]
    assert not list(folder_of(tmp_path, "small").rglob("*.part"))


@needs_fork
def test_a_writer_killed_at_any_moment_leaves_whole_runs_only(tmp_path, writers):
    moments = random.Random(20251231)
    for number in range(12):
        pid = writers.begin(f"killed{number:02}-", 900)
        time.sleep(moments.uniform(0.0, 0.4))
        os.kill(pid, signal.SIGKILL)
        assert writers.ask("wait") == [signal.SIGKILL], "it was still writing"
    frame, goals = read_history(tmp_path, "small"), read_goals(tmp_path, "small")
    assert len(frame) > 2, "some were written before"
    assert not frame.duplicated(["run_id", "indicator", "group", "period"]).any()
    assert set(goals["run_id"]) == set(frame["run_id"]), "a run is there with its goals or not at all"
    append(tmp_path, "after", [NPS], readings=[GOAL])
    assert len(read_history(tmp_path, "small")) == len(frame) + 1


def test_goals_of_a_run_that_was_killed_before_its_numbers_do_not_count_and_are_replaced(tmp_path, monkeypatch):
    from crmtools.report import history

    whole = history.write_whole

    def killed(file, content, **options):
        if file.parent.name != "goals":
            raise KeyboardInterrupt
        whole(file, content, **options)

    monkeypatch.setattr(history, "write_whole", killed)
    with pytest.raises(KeyboardInterrupt):
        append(tmp_path, "a", [NPS], readings=[GOAL])
    assert (folder_of(tmp_path, "small") / "goals" / "a.parquet").is_file()
    assert read_goals(tmp_path, "small").empty
    assert read_history(tmp_path, "small").empty
    monkeypatch.undo()
    append(tmp_path, "a", [NPS], readings=[GOAL | {"target": 31.0}])
    assert read_goals(tmp_path, "small")["target"].tolist() == [31.0]


def test_marks_and_goals_come_back(tmp_path):
    append(tmp_path, "a", [replace(NPS, currency="CNY", maturity=0.5)], readings=[GOAL], marks=MARKS, backfilled=True)
    row = read_history(tmp_path, "small").iloc[0]
    assert row[["data", "reading", "code", "edition", "report_period"]].tolist() == [
        "files", "reading", "code", "edition", "2025-Q4",
    ]  # fmt: skip
    assert (row["backfilled"], row["suppressed"], row["currency"], row["maturity"]) == (True, False, "CNY", 0.5)
    goals = read_goals(tmp_path, "small")
    assert {name: str(kind) for name, kind in goals.dtypes.items()} == GOAL_COLUMNS
    one = goals.iloc[0]
    assert (one["value"], one["baseline"], one["target"], one["chance"]) == (22.2, 10.0, 30.0, 0.4)
    assert (one["status"], one["evidence"], one["period"]) == ("behind", "undecided", "2025-Q4")


def test_a_goal_about_few_people_is_in_the_history_without_its_numbers(tmp_path):
    append(tmp_path, "a", [NPS.hidden()], readings=[GOAL | {"now": NPS.hidden().to_dict()}])
    one = read_goals(tmp_path, "small").iloc[0]
    assert one["suppressed"]
    assert one[["value", "low", "gap", "progress", "baseline", "chance"]].isna().all()
    assert read_history(tmp_path, "small").iloc[0]["suppressed"]


def test_files_from_before_the_marks_are_read(tmp_path):
    file = append(tmp_path, "a", [NPS])
    old = pd.read_parquet(file).drop(columns=["data", "code", "edition", "backfilled", "suppressed", "maturity"])
    file.unlink()
    old.to_parquet(file.with_name("old.parquet"), index=False)
    frame = read_history(tmp_path, "small")
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == COLUMNS
    assert frame.loc[0, ["data", "code", "edition", "backfilled", "suppressed"]].tolist() == ["", "", "", False, False]


def test_a_damaged_file_is_named_with_what_to_do(tmp_path):
    append(tmp_path, "a", [NPS])
    (folder_of(tmp_path, "small") / "b.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(RunError, match=r"b\.parquet of the history cannot be read .* move it out of"):
        read_history(tmp_path, "small")


def test_the_mark_of_the_history_changes_with_every_other_run_and_not_with_one_that_says_the_same(tmp_path):
    empty = history_mark(tmp_path, "small")
    append(tmp_path, "a", [NPS], marks=MARKS)
    one, of_edition = history_mark(tmp_path, "small"), history_mark(tmp_path, "small", besides="edition")
    assert one != empty
    assert of_edition == empty, "a run that says the same as the one that asks is no history of it"
    append(tmp_path, "b", [NPS], marks=MARKS)
    assert history_mark(tmp_path, "small") != one
    assert history_mark(tmp_path, "small", besides="edition") == empty
    append(tmp_path, "c", [NPS], marks=replace(MARKS, edition="another"))
    assert history_mark(tmp_path, "small", besides="edition") != empty


def test_a_definition_has_one_mark_in_every_process():
    """Nine indicators name a function in their kind, whose repr says where it lies in memory."""
    code = (
        "from crmtools.indicators import CATALOGUE as c\n"
        "from crmtools.report.definition_mark import definition_hash as mark\n"
        "print('|'.join(mark(i, dict(i.assumptions)) for i in c.values()))"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout
    assert other.strip() == "|".join(definition_hash(item, dict(item.assumptions)) for item in CATALOGUE.values())
