"""The history is only added to, by any number of writers."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from crmtools.errors import RunError
from crmtools.estimate import Estimate
from crmtools.indicators import CATALOGUE
from crmtools.period import Period
from crmtools.report.definition_mark import definition_hash
from crmtools.report.history import COLUMNS, append_history, folder_of, read_history

NOW = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
NPS = Estimate(
    "nps", Period.parse("2025-Q4"), date(2025, 12, 31), value=22.2, low=-30.0, high=60.0, n=9, method="adjusted_wald"
)


def append(root, run_id, estimates, run_at=NOW):
    names = {item.indicator for item in estimates}
    definitions = {name: dict(CATALOGUE[name].assumptions) for name in names}
    return append_history(root, "small", run_id=run_id, run_at=run_at, estimates=estimates, definitions=definitions)


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
