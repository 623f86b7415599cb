"""The demo folder: the same seed gives the same bytes, it is made once, and never half."""

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from crmtools.errors import SettingsError
from crmtools.simulate import demo, ensure_demo, simulate, simulate_frames
from crmtools.tables import TABLES

SMALL = {"customers": 60, "months": 30}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_equal_seeds_give_equal_bytes_and_others_do_not(tmp_path) -> None:
    simulate(tmp_path / "one", **SMALL)
    simulate(tmp_path / "two", **SMALL)
    simulate(tmp_path / "other", seed=1, **SMALL)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    same = [n for n, raw in contents(tmp_path / "other").items() if raw == contents(tmp_path / "one")[n]]
    assert sorted(same) == [
        "fx_rates.parquet",
        "spend.parquet",
        "survey_items.parquet",
    ]  # nothing in them is drawn


def test_a_table_is_the_same_whatever_else_is_asked_for() -> None:
    everything = simulate_frames(**SMALL)
    few = simulate_frames(tables=["tickets", "orders"], **SMALL)
    assert list(few) == ["orders", "tickets"]
    for name, frame in few.items():
        pd.testing.assert_frame_equal(frame, everything[name])


def test_truth_file_holds_parameters_and_stories(tmp_path) -> None:
    truth = simulate(tmp_path, **SMALL)
    told = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert told["company"]["bgnbd_r"] == truth.company.bgnbd_r
    assert told["stories"]["faster_first_response"]["since"] == "2025-07-01"
    assert told["rows"] == {name: len(pd.read_parquet(tmp_path / f"{name}.parquet")) for name in TABLES}


def test_demo_is_made_on_first_use_only(tmp_path) -> None:
    folder = tmp_path / "data" / "demo"
    assert ensure_demo(folder, **SMALL) == folder
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    ensure_demo(folder, **SMALL)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize("changed", [{"seed": 5}, {"customers": 70}, {"months": 31}, {"as_of": date(2025, 11, 30)}])
def test_demo_is_made_again_when_the_arguments_change(tmp_path, changed) -> None:
    folder = tmp_path / "demo"
    ensure_demo(folder, **SMALL)
    before = contents(folder)
    ensure_demo(folder, **SMALL | changed)
    assert contents(folder)["orders.parquet"] != before["orders.parquet"]
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_demo_of_an_older_version_is_made_again(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "demo"
    ensure_demo(folder, **SMALL)
    before = (folder / demo.META).read_text()
    monkeypatch.setattr(demo, "VERSION", demo.VERSION + 1)
    ensure_demo(folder, **SMALL)
    assert (folder / demo.META).read_text() != before


def test_a_failure_leaves_the_old_demo_and_no_rest(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "demo"
    ensure_demo(folder, **SMALL)
    before = contents(folder)
    monkeypatch.setattr(demo, "write", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        ensure_demo(folder, **SMALL | {"seed": 2})
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_a_folder_with_something_else_is_left_alone(tmp_path) -> None:
    (tmp_path / "mine.csv").write_text("a,b\n")
    with pytest.raises(SettingsError, match="holds other files"):
        ensure_demo(tmp_path, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_no_customers_is_said_so(tmp_path) -> None:
    with pytest.raises(SettingsError, match="found 0 and 36"):
        simulate(tmp_path, customers=0)


def test_unknown_table_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="Did you mean 'orders'"):
        simulate_frames(tables=["order"], **SMALL)
