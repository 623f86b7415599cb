"""Opening: names, snapshots that are used again and made anew, frames, the day up to which something is known."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace

import pandas as pd
import pytest

import crmtools as crm
from crmtools import CRMError, DataError, Period, SettingsError
from crmtools.tables import reading, snapshot
from crmtools.tables.reading import content_hash

ROOT = Path(__file__).parents[2]


# ---- snapshots


@pytest.fixture
def doors(monkeypatch) -> list[str]:
    """Every passing of the door, counted."""
    passed = []
    real = snapshot.pass_the_door

    def counted(*args, **kwargs):
        passed.append("door")
        return real(*args, **kwargs)

    monkeypatch.setattr(snapshot, "pass_the_door", counted)
    return passed


def test_a_snapshot_is_used_again(project, doors) -> None:
    first = project.open()
    again = project.open()
    assert doors == ["door"]
    assert again.fingerprint == first.fingerprint
    assert project.snapshots == {first.fingerprint}
    assert again.door == first.door
    assert sorted(again) == sorted(first)
    assert crm.measure("nps", again) == crm.measure("nps", first)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.change("orders", 1, net_amount="401"),
        lambda p: p.how("orders", leave_out=["orphans"]),
        lambda p: p.report(segments=["region", "tier"]),
        lambda p: p.report(time_zone="Europe/Berlin"),
        lambda p: p.settings["source"].update(pseudonyms=False),
        lambda p: p.settings["source"].update(keep_personal={"customers.name": "x"}),
        lambda p: p.write("referrals.csv", "referral_id,customer_id,at\nX,C01,2025-12-01\n"),
        lambda p: p.remove("feedback"),
        lambda p: (p.root / ".crmtools" / "pseudonym.key").write_text("another key altogether"),
    ],
    ids=[
        "a cell",
        "leniency",
        "segments",
        "time zone",
        "pseudonyms",
        "kept column",
        "a new file",
        "a file gone",
        "the key",
    ],
)
def test_what_changes_the_data_makes_a_new_snapshot(project, doors, change) -> None:
    first = project.open()
    change(project)
    assert project.open().fingerprint != first.fingerprint
    assert len(doors) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.report(as_of="2025-12-30", period="2025-11"),
        lambda p: p.report(title="Another", trend_length=3),
        lambda p: p.settings.update(publish={"smallest_group": 3}),
        lambda p: p.goal(),
        lambda p: p.write("notes.md", "x"),
        lambda p: os.utime(p.data / "orders.csv"),
    ],
    ids=["as_of", "title", "publish", "goals", "other files", "time of change"],
)
def test_what_does_not_change_the_data_does_not(project, doors, change) -> None:
    first = project.open()
    change(project)
    assert project.open().fingerprint == first.fingerprint
    assert len(doors) == 1


def test_a_list_of_customers_is_part_of_the_data(project, doors) -> None:
    project.write("vip.txt", "C01\n")
    project.how("customers", lists={"vip": {"file": "data/vip.txt"}})
    project.open()
    project.write("vip.txt", "C02\n")
    project.open()
    assert len(doors) == 2


def test_a_file_written_twice_in_a_moment_is_read_twice(project) -> None:
    """The same size and, within the clock's tick, the same time of change: only the content differs."""
    path = project.data / "orders.csv"
    first = project.open().fingerprint
    stat = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace("O01,C01", "O01,C02"), encoding="utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert project.open().fingerprint != first


def test_hashes_of_older_files_are_remembered(tmp_path, monkeypatch) -> None:
    file, memory = tmp_path / "a.csv", tmp_path / "hashes.json"
    file.write_text("x", encoding="utf-8")
    found = content_hash(file, memory)
    assert not memory.exists(), "written just now: it may be written again"
    monkeypatch.setattr(reading, "JUST_NOW", -1)
    assert content_hash(file, memory) == found
    known = json.loads(memory.read_text(encoding="utf-8"))
    assert list(known.values()) == [found]
    memory.write_text(json.dumps(dict.fromkeys(known, "remembered")), encoding="utf-8")
    assert content_hash(file, memory) == "remembered"
    memory.write_text("{cut off", encoding="utf-8")
    assert content_hash(file, memory) == found
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_a_link_that_is_moved_on_leads_to_other_content(tmp_path, monkeypatch) -> None:
    """As ``data/current`` in an export: size and times may be the same, as a copying tool and a coarse clock leave them."""
    monkeypatch.setattr(reading, "JUST_NOW", -1)
    memory, link = tmp_path / "hashes.json", tmp_path / "current"
    for month, text in (("11", "x"), ("12", "y")):
        (tmp_path / month).mkdir()
        (tmp_path / month / "a.csv").write_text(text, encoding="utf-8")
    one, two = (tmp_path / month / "a.csv" for month in ("11", "12"))
    known = one.stat()

    class AsTheFirst(type(one)):
        """A path whose file has the size and the times of the first month's."""

        def stat(self, **how):
            found = super().stat(**how)
            return SimpleNamespace(
                st_dev=found.st_dev, st_ino=found.st_ino, st_size=known.st_size, st_mtime_ns=known.st_mtime_ns,
                st_ctime_ns=known.st_ctime_ns,
            )  # fmt: skip

    hashes = []
    for month in ("11", "12"):
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / month)
        hashes.append(content_hash(AsTheFirst(link / "a.csv"), memory))
    assert hashes == [hashlib.sha256(file.read_bytes()).hexdigest() for file in (one, two)]


def test_the_code_of_the_door_is_read_again_when_it_changes(tmp_path, monkeypatch) -> None:
    """A long session must not take a snapshot of older code for that of today's."""
    file = tmp_path / "door.py"
    file.write_text("x = 1", encoding="utf-8")
    monkeypatch.setattr(snapshot, "__file__", str(tmp_path / "snapshot.py"))
    first = snapshot._code()
    assert snapshot._code() == first
    file.write_text("x = 2", encoding="utf-8")
    assert (second := snapshot._code()) != first
    (tmp_path / "other.py").write_text("", encoding="utf-8")
    file.write_text("x = 1", encoding="utf-8")
    assert snapshot._code() == first != second


def test_hashes_remembered_by_many_at_once(tmp_path, monkeypatch) -> None:
    files, memory, start = [], tmp_path / "hashes.json", Barrier(8)
    monkeypatch.setattr(reading, "JUST_NOW", -1)
    for n in range(8):
        file = tmp_path / f"{n % 2}.csv"
        file.write_text("x" * (n % 2 + 1), encoding="utf-8")
        files.append(file)

    def ask(file: Path) -> str:
        start.wait()
        return content_hash(file, memory)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, files))
    assert len(set(found)) == 2
    assert json.loads(memory.read_text(encoding="utf-8"))


def test_what_a_killed_run_left_is_not_taken_for_a_snapshot(project) -> None:
    fingerprint = project.open().fingerprint
    folder = project.root / ".crmtools" / "snapshots" / fingerprint
    half = folder.with_name(f"{fingerprint}.{os.getpid()}.part")
    folder.rename(half)
    (half / "door.json").unlink()
    assert project.open().fingerprint == fingerprint
    assert (folder / "door.json").is_file()


def test_two_processes_open_a_new_company_at_once(project) -> None:
    """Both make key and snapshot: one of each stays, and both give the same answer."""
    project.open()
    shutil.rmtree(project.root / ".crmtools")
    code = (
        "import sys, time, crmtools as crm\n"
        "while time.time() < float(sys.argv[2]): pass\n"
        "data = crm.open(sys.argv[1])\n"
        "ids = sorted(data.execute(data['customers']).customer_id)\n"
        "print(data.fingerprint, crm.measure('nps', data).value, ids[0])\n"
    )
    start = str(time.time() + 4)
    command = [sys.executable, "-c", code, str(project.parameters), start]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1]
    assert project.snapshots == {said[0].split()[0]}
    left = {path.name for path in (project.root / ".crmtools").iterdir()}
    assert left <= {"pseudonym.key", "snapshots", "hashes.json"}


def test_threads_open_one_company_at_once(project) -> None:
    project.open()
    shutil.rmtree(project.root / ".crmtools" / "snapshots")
    start = Barrier(3)

    def open_it(_: int) -> str:
        start.wait()
        return crm.open(project.parameters).fingerprint

    with ThreadPoolExecutor(3) as pool:
        found = set(pool.map(open_it, range(3)))
    assert project.snapshots == found
    assert len(found) == 1


# ---- names


def test_open_by_name_from_below(project, monkeypatch) -> None:
    project.open()
    below = project.root / "notebooks" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert crm.open("mine").settings.name == "mine"
    assert crm.open("parameters/mine.yml").settings.root == project.root.resolve()
    assert crm.open("tiny").settings.root == ROOT


def test_names_that_are_none(project, monkeypatch) -> None:
    project.open()
    monkeypatch.chdir(project.root)
    with pytest.raises(SettingsError, match=r"There is no parameters file for 'mien'. Did you mean 'mine'"):
        crm.open("mien")
    with pytest.raises(CRMError, match="found neither"):
        crm.open()
    with pytest.raises(
        CRMError, match=r"found 'mine' and orders. A period is named with the report, open\('demo@2025-Q3'\)"
    ):
        crm.open("mine", orders=pd.DataFrame())


# ---- the day


@pytest.mark.parametrize(
    "day", [date(2025, 11, 5), "2025-11-05", datetime(2025, 11, 5, 18), pd.Timestamp("2025-11-05 18:00")]
)
def test_open_as_of_an_earlier_day(project, day) -> None:
    project.open()
    data = crm.open(project.parameters, as_of=day)
    assert data.as_of == date(2025, 11, 5)
    whole = crm.open(project.parameters)
    assert crm.measure("nps", data, period="2025-10") == crm.measure(
        "nps", whole.at(date(2025, 11, 5)), period="2025-10"
    )
    assert data.cut["tickets"] == 4


def test_days_that_are_none(project) -> None:
    data = project.open()
    with pytest.raises(CRMError, match="known as of 2025-12-31; 2026-01-01 lies later"):
        data.at(date(2026, 1, 1))
    with pytest.raises(CRMError, match="'soon' is not a day"):
        data.at("soon")


def test_going_back_twice(project) -> None:
    data = project.open()
    once = data.at("2025-11-30").at("2025-10-31")
    assert crm.measure("backlog", once, period="2025-10") == crm.measure(
        "backlog", data.at("2025-10-31"), period="2025-10"
    )
    assert data.at("2025-12-31").as_of == data.as_of
    assert crm.measure("backlog", data).value == 4, "the later view is not disturbed"


# ---- frames


def orders(**changes) -> pd.DataFrame:
    usual = {"customer_id": ["a", "b"], "ordered_at": ["2025-11-30", "2025-12-20"], "net_amount": [1.0, 2.0]}
    return pd.DataFrame(usual | changes)


def test_frames_are_known_up_to_their_last_day() -> None:
    data = crm.open(orders=orders())
    assert data.as_of == date(2025, 12, 20)
    assert data.period == Period.parse("2025-11"), "the last month that is over"
    assert crm.open(orders=orders(), as_of="2025-12-31").period == Period.parse("2025-12")
    assert crm.open(orders=orders(), as_of="2025-12-01")["orders"].count().execute() == 1


def test_frames_with_other_content_have_another_fingerprint() -> None:
    first = crm.open(orders=orders())
    assert crm.open(orders=orders()).fingerprint == first.fingerprint
    assert crm.open(orders=orders(net_amount=[1.0, 3.0])).fingerprint != first.fingerprint
    assert crm.open(orders=orders(customer_id=["b", "a"])).fingerprint != first.fingerprint


def test_frames_may_have_types_of_all_kinds() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": pd.array([1, 2, None], dtype="Int64"),
            "ordered_at": pd.to_datetime(["2025-12-01T20:00Z", "2025-12-02T01:00Z", "2025-12-03T00:00Z"]),
            "net_amount": pd.array([1, 2, 3], dtype="float32"),
            "status": pd.Categorical(["completed", None, "completed"]),
            "order_id": [1.0, 2.0, 3.0],
        }
    ).iloc[:2]
    data = crm.open(orders=frame, as_of="2025-12-31")
    found = data.execute(data["orders"].order_by("order_id"))
    assert found.customer_id.tolist() == ["1", "2"]
    assert found.order_id.tolist() == ["1", "2"]
    assert found.ordered_at.dt.strftime("%d %H:%M").tolist() == ["02 04:00", "02 09:00"]


def test_ids_that_went_through_a_float_fit_those_that_did_not() -> None:
    people = pd.DataFrame({"customer_id": [1, 2], "region": ["n", "s"]})
    data = crm.open(customers=people, orders=orders(customer_id=[1.0, 2.0]), as_of="2025-12-31")
    assert crm.measure("revenue_per_customer", data, where={"region": "s"}).value == 2


def test_headers_of_frames_as_people_write_them() -> None:
    people = pd.DataFrame({"Customer ID": ["a", "b"], "Region": ["n", "s"], "Own": ["x", "y"]})
    data = crm.open(customers=people, orders=orders(), as_of="2025-12-31")
    assert {"customer_id", "region", "Own"} == set(data["customers"].columns)
    assert crm.breakdown("revenue_per_customer", data, by="Own").estimates


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ({"order": orders()}, "'orders'?"),
        ({"orders": [1, 2]}, "orders must be a pandas DataFrame, found list"),
        ({"orders": pd.DataFrame()}, "has no columns"),
        ({"orders": orders().drop(columns="net_amount")}, "net_amount"),
        ({"orders": orders(ordered_at=["soon", "2025-12-01"])}, "row 0 'soon'"),
        ({"orders": orders(ordered_at=[None, "2025-12-01"])}, "are empty"),
        ({"orders": orders(net_amount=[float("inf"), 1])}, "not numbers"),
        ({"orders": orders(net_amount=[-1.0, 1])}, "are negative"),
        ({"orders": orders(order_id=["x", "x"])}, "stand more than once"),
        (
            {"orders": orders(), "customers": pd.DataFrame({"customer_id": ["a"]})},
            "belong to nothing in customers (frame)",
        ),
        ({"orders": orders(ordered_at=pd.period_range("2025-01", periods=2, freq="M"))}, "cannot be read"),
        ({"orders": pd.concat([orders(), orders()[["net_amount"]]], axis=1)}, "two headers mean net_amount"),
    ],
)
def test_frames_that_are_broken(frames, words) -> None:
    with pytest.raises(DataError) as caught:
        crm.open(**frames)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("broken", "advice"),
    [
        (
            orders().rename(columns={"net_amount": "net_amout"}),
            "Found 'net_amout': rename it: orders=frame.rename(columns={'net_amout': 'net_amount'}).",
        ),
        (
            orders().rename(columns={"net_amount": "sum"}),
            "Rename the right one: orders=frame.rename(columns={'YOURS': 'net_amount'}).",
        ),
        (
            orders(chanel=["web", "shop"]),
            (
                "If it is meant, rename it: orders=frame.rename(columns={'chanel': 'channel'}); "
                "if it is something else, drop it: orders=frame.drop(columns='chanel')."
            ),
        ),
        (
            pd.concat([orders(), orders()[["net_amount"]]], axis=1),
            "If one is something else, drop it: orders=frame.drop(columns=",
        ),
        (
            orders(status=["done", "done"]),
            "Replace yours: orders=frame.assign(**{'status': frame['status'].replace({'WRITTEN': 'completed'})}).",
        ),
        (
            orders(ordered_at=["31/12/2025", "2025-12-01"]),
            "or convert them: orders=frame.assign(**{'ordered_at': pd.to_datetime(frame['ordered_at'], format='%d/%m/%Y %H:%M')}).",
        ),
        (
            orders(net_amount=["1.234,50", "2,50"]),
            "convert them: orders=frame.assign(**{'net_amount': pd.to_numeric(frame['net_amount'].str.replace('.', '').str.replace(',', '.'))}).",
        ),
    ],
)
def test_what_is_wrong_with_a_frame_is_mended_in_the_frame(broken, advice) -> None:
    """Frames have no parameters file: its keys would be no help."""
    with pytest.raises(DataError) as caught:
        crm.open(orders=broken)
    assert advice in str(caught.value)
    assert not any(key in str(caught.value) for key in ("source.tables", "columns: ", "formats: ", "leave_out"))


def test_the_advice_mends_the_frame() -> None:
    misspelled = orders().rename(columns={"net_amount": "net_amout"})
    assert crm.open(orders=misspelled.rename(columns={"net_amout": "net_amount"})).has("orders")
    text = orders(net_amount=["1.234,50", "2,50"])
    mended = text.assign(net_amount=pd.to_numeric(text["net_amount"].str.replace(".", "").str.replace(",", ".")))
    assert crm.open(orders=mended)["orders"].net_amount.sum().execute() == 1237.0


def test_frames_without_a_day_need_one() -> None:
    with pytest.raises(CRMError, match="These frames hold no dates"):
        crm.open(customers=pd.DataFrame({"customer_id": ["a"]}))
    assert crm.open(customers=pd.DataFrame({"customer_id": ["a"]}), as_of="2025-01-01").has("customers")


# ---- asking Data


def test_data_tells_what_it_has(project) -> None:
    data = project.open()
    assert data.has("orders")
    assert data.has("orders", "channel")
    assert not data.has("orders", "colour")
    assert not data.has("usage")
    assert data.orders.equals(data["orders"])
    assert "orders" in dir(data)
    assert data.segments == ("region",)
    assert "orders 21" in repr(data)
    with pytest.raises(CRMError, match=r"have no table 'order'. Did you mean 'orders'"):
        data["order"]
    with pytest.raises(CRMError, match="have no table 'usage'"):
        _ = data.usage
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = data.colour


def test_answers_of_another_process_are_found(project) -> None:
    first = project.open()
    expected = crm.measure("nps", first)
    answers = sorted((first.snapshot / "answers").glob("*"))
    assert answers
    stamps = [path.stat().st_mtime_ns for path in answers]
    again = project.open()
    assert not again.answers.tables
    assert crm.measure("nps", again) == expected
    assert [path.stat().st_mtime_ns for path in answers] == stamps
