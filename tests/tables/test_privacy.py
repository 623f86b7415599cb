"""Nothing personal and no raw id passes the door; pseudonyms are what they say they are."""

import hashlib
import hmac
import json
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import crmtools as crm
from crmtools import CATALOGUE, DataError
from crmtools.questions import attributes
from crmtools.tables import TABLES
from crmtools.tables.privacy import key_mark, pseudonym, pseudonym_key, pseudonym_sql

SECRETS = {
    "customers": {"customer_id": "CUST-7f3a91", "name": "Wilhelmine Überraschung", "email": "wilhelmine@example.org",
                  "phone": "+49 30 901820", "address": "Unter den Linden 77"},
    "orders": {"order_id": "ORD-55-81-aa"},
    "subscriptions": {"subscription_id": "SUBS-9-9-9-1"},
    "invoices": {"invoice_id": "INV-2025-000123"},
    "payments": {"payment_id": "PAY-00000042"},
    "survey_answers": {"response_id": "RESP-987654"},
    "survey_invites": {"invite_id": "INVITE-31337"},
    "feedback": {"feedback_id": "FEED-424242", "text": "ganz persönliche Worte"},
    "tickets": {"ticket_id": "TICK-77-XY", "agent_id": "AGENT-Müller"},
    "interactions": {"interaction_id": "INTER-1-2-3", "owner_id": "OWNER-Schmidt"},
    "leads": {"lead_id": "LEAD-0815-4711", "name": "Zacharias Geheim", "email": "zacharias@example.org", "phone": "+86 1391234"},
}  # fmt: skip


def with_secrets(project) -> None:
    """Put an unmistakable value into the first row of every id and personal column."""
    for table, cells in SECRETS.items():
        before = project.rows(table)[0]
        project.change(table, 1, **cells)
        key = TABLES[table].key[0]
        if key not in cells or table in ("survey_answers",):
            continue
        for other in {path.stem for path in project.data.glob("*.csv")}:
            rows = project.rows(other)
            names = {key, *(column.name for column in TABLES[other].columns if column.refers == table)}
            for row in rows:
                for name in names & set(row):
                    if row[name] == before[key]:
                        row[name] = cells[key]
            project.save(other, rows)


def secret_values() -> set[str]:
    return {value for cells in SECRETS.values() for value in cells.values()}


def everything_written(project) -> dict[str, list[str]]:
    """Every cell of every file under .crmtools but the key, as text."""
    found = {}
    for path in (project.root / ".crmtools").rglob("*"):
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
            found[path.name] = [str(cell) for column in frame for cell in frame[column]]
        elif path.is_file() and path.name != "pseudonym.key":
            found[path.name] = path.read_text(encoding="utf-8").split("\n")
    return found


def test_no_raw_id_and_nothing_personal_is_written(whole) -> None:
    project = whole
    with_secrets(project)
    originals = {row["customer_id"] for row in project.rows("customers")}
    data = project.open()
    for name in CATALOGUE:
        crm.measure(name, data)
        if "region" in attributes(CATALOGUE[name], data):
            crm.breakdown(name, data, by="region")
    written = everything_written(project)
    assert any(name == "orders.parquet" for name in written)
    assert len(written) > 20
    for name, cells in written.items():
        assert not originals & set(cells), name
        text = "\n".join(cells)
        assert [secret for secret in secret_values() if secret in text] == [], name
    for path in (project.root / ".crmtools").rglob("*"):
        if path.is_file() and path.name != "pseudonym.key":
            raw = path.read_bytes()
            assert [secret for secret in secret_values() if secret.encode() in raw] == [], path.name


def test_the_search_above_would_find_them(whole) -> None:
    project = whole
    with_secrets(project)
    project.settings["source"] |= {"pseudonyms": False, "keep_personal": {"customers.email": "they are mailed"}}
    project.open()
    text = "\n".join(cell for cells in everything_written(project).values() for cell in cells)
    found = {secret for secret in secret_values() if secret in text}
    assert "wilhelmine@example.org" in found
    assert "CUST-7f3a91" in found
    assert "Wilhelmine Überraschung" not in found


def test_every_id_is_the_hash_that_python_makes(whole) -> None:
    project = whole
    data = project.open()
    key = pseudonym_key(project.root)
    for name in data:
        frame = data.execute(data[name])
        for column in TABLES[name].columns:
            if column.type != "id" or column.name not in frame or column.name not in project.rows(name)[0]:
                continue
            raw = {row[column.name].strip() for row in project.rows(name)} - {""}
            made = {
                hmac.new(key, f"{column.names}:{value}".encode(), hashlib.sha256).hexdigest()[:20]: value
                for value in raw
            }
            found = set(frame[column.name].dropna())
            assert found
            assert found <= set(made), (name, column.name)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    key=st.binary(min_size=1, max_size=200),
    text=st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=40),
)
def test_the_engines_hash_is_pythons(key, text) -> None:
    import duckdb

    query = f"SELECT {pseudonym_sql(key, 'customer', 'x')} FROM (SELECT ?::VARCHAR AS x)"
    assert duckdb.execute(query, [text]).fetchone()[0] == pseudonym(key, "customer", text)


def test_no_id_stays_no_id() -> None:
    import duckdb

    assert duckdb.sql(f"SELECT {pseudonym_sql(b'k' * 20, 'customer', 'NULL')}").fetchone() == (None,)


def test_same_customer_same_pseudonym_in_every_table(whole) -> None:
    project = whole
    data = project.open()
    customers = set(data.execute(data["customers"]).customer_id)
    for name in ("orders", "tickets", "invoices", "survey_answers", "subscriptions"):
        assert set(data.execute(data[name]).customer_id) <= customers, name
    agents = set(data.execute(data["tickets"]).agent_id.dropna())
    assert agents <= set(data.execute(data["interactions"]).owner_id.dropna())
    assert not agents & customers


def ids(project) -> list[str]:
    data = project.open()
    return sorted(data.execute(data["customers"]).customer_id)


def test_stable_under_one_key_other_under_another(project, monkeypatch) -> None:
    first = ids(project)
    project.change("orders", 1, net_amount="401")  # another snapshot, the same key
    assert ids(project) == first
    monkeypatch.setenv("CRMTOOLS_PSEUDONYM_KEY", "a secret of the company")
    other = ids(project)
    assert not set(other) & set(first)
    assert other == sorted(pseudonym(b"a secret of the company", "customer", f"C{n:02d}") for n in range(1, 12))
    monkeypatch.delenv("CRMTOOLS_PSEUDONYM_KEY")
    assert ids(project) == first
    (project.root / ".crmtools" / "pseudonym.key").unlink()
    assert not set(ids(project)) & set(first)


def test_key_is_made_once_for_its_owner_alone(tmp_path) -> None:
    key = pseudonym_key(tmp_path)
    file = tmp_path / ".crmtools" / "pseudonym.key"
    assert re.fullmatch(r"[0-9a-f]{64}", key.decode())
    assert file.read_text(encoding="ascii") == key.decode()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert pseudonym_key(tmp_path) == key
    assert [path.name for path in file.parent.iterdir()] == ["pseudonym.key"]


def test_key_is_for_its_owner_alone_whatever_the_umask(tmp_path) -> None:
    before = os.umask(0)
    try:
        pseudonym_key(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / ".crmtools" / "pseudonym.key").stat().st_mode) == 0o600


def test_many_who_make_the_key_at_once_have_one(tmp_path) -> None:
    for attempt in range(5):
        root, start = tmp_path / str(attempt), Barrier(8)

        def make(root: Path = root, start: Barrier = start) -> bytes:
            start.wait()
            return pseudonym_key(root)

        with ThreadPoolExecutor(8) as pool:
            keys = {task.result() for task in [pool.submit(make) for _ in range(8)]}
        assert len(keys) == 1
        assert [path.name for path in (root / ".crmtools").iterdir()] == ["pseudonym.key"]


def test_key_from_the_environment_must_be_a_secret(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CRMTOOLS_PSEUDONYM_KEY", "short")
    with pytest.raises(DataError, match="too short to be a secret: 5 characters, at least 16"):
        pseudonym_key(tmp_path)
    assert not (tmp_path / ".crmtools").exists()
    monkeypatch.setenv("CRMTOOLS_PSEUDONYM_KEY", "sixteen letters.")
    assert pseudonym_key(tmp_path) == b"sixteen letters."


def test_the_key_is_in_no_file_and_no_message(project) -> None:
    data = project.open()
    key = pseudonym_key(project.root).decode()
    crm.measure("nps", data)
    text = "\n".join(cell for cells in everything_written(project).values() for cell in cells)
    assert key not in text
    assert key not in crm.sql("nps", data) + repr(data) + repr(data.settings)
    assert key_mark(key.encode()) != key_mark(b"other")
    project.change("orders", 1, net_amount="much")
    with pytest.raises(DataError) as caught:
        project.open()
    assert key not in str(caught.value)


# ---- what is kept on purpose


def test_a_personal_column_is_kept_with_a_reason(project) -> None:
    project.settings["source"]["keep_personal"] = {"customers.phone": "the call list of the service"}
    data = project.open()
    kept = set(data.execute(data["customers"]).columns)
    assert "phone" in kept
    assert not {"name", "email", "address"} & kept
    (report,) = (item for item in data.door.tables if item.table == "customers")
    assert report.dropped_personal == ("name", "email", "address")
    assert "13800000003" in set(data.execute(data["customers"]).phone)


def test_ids_stay_where_pseudonyms_are_off(project) -> None:
    project.settings["source"]["pseudonyms"] = False
    assert ids(project) == [f"C{n:02d}" for n in range(1, 12)]
    assert not (project.root / ".crmtools" / "pseudonym.key").exists()


def test_personal_columns_are_dropped_even_there(whole) -> None:
    project = whole
    project.settings["source"]["pseudonyms"] = False
    data = project.open()
    for name in data:
        assert not {c.name for c in TABLES[name].columns if c.personal} & set(data[name].columns)
    assert "text" not in data["feedback"].columns


def test_personal_columns_of_frames_are_dropped_too(project) -> None:
    frame = pd.DataFrame(project.rows("customers")).replace("", None)
    data = crm.open(customers=frame, as_of="2025-12-31")
    assert not {"name", "email", "phone", "address"} & set(data["customers"].columns)
    assert "C01" in set(data.execute(data["customers"]).customer_id)


def test_personal_columns_cannot_be_kept_by_another_name(project) -> None:
    """Mapping e-mail addresses to the segment is the analyst's doing; calling them a segment is refused."""
    project.report(segments=["email"])
    with pytest.raises(DataError, match="'email' is personal"):
        project.open()


def test_estimates_hold_nothing_of_single_customers(whole) -> None:
    project = whole
    data = project.open()
    raw = set(data.execute(data["customers"]).customer_id)
    for name in CATALOGUE:
        text = json.dumps(crm.measure(name, data).to_dict())
        assert not [one for one in raw if one in text]
