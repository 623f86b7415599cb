"""What is remembered is what was answered, to the last digit, and only for as long as nothing it hangs on has changed."""

import dataclasses
from datetime import date, datetime, timedelta
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmtools as crm
from crmtools import remembered as module
from crmtools.errors import CRMError
from crmtools.plain import TAG, from_text, to_text
from crmtools.remembered import remembered
from crmtools.words import Text

SIMPLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
NESTED = st.recursive(
    SIMPLE | st.dates() | st.datetimes() | st.timedeltas(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text(), inner)
        | st.dictionaries(st.integers() | st.dates(), inner)
    ),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def tiny():
    return crm.open("tiny")


def again(thing):
    return from_text(to_text(thing))


@given(NESTED)
def test_whatever_is_written_is_read_again(thing):
    found = again(thing)
    assert found == thing
    assert type(found) is type(thing)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1.5, np.nan], "b": ["x", None]}),
        pd.DataFrame({1: [1], (2, 3): [2]}),
        pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["s", None])),
        pd.DataFrame({"a": pd.Categorical(["x", "y"], ["y", "x"])}, index=pd.DatetimeIndex(["2025-01-01", "2025-02-01"], name="day")),
        pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "index": [1, 2]}).rename_axis(columns="of"),
        pd.DataFrame({"a": []}),
        pd.DataFrame(index=pd.Index(["x"], name="only")),
    ],
)  # fmt: skip
def test_frames_come_back_with_their_labels(frame):
    pd.testing.assert_frame_equal(again(frame), frame, check_freq=False)
    for name in frame:
        pd.testing.assert_series_equal(again(frame[name]), frame[name], check_freq=False)


@pytest.mark.parametrize(
    "array", [np.array([[1.0, np.nan], [np.inf, -0.0]]), np.arange(3, dtype="int8"), np.array([], dtype="M8[ns]")]
)
def test_arrays_come_back_with_their_type(array):
    found = again(array)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)
    found[...] = 0  # as any other array


def test_what_has_a_meaning_of_its_own_keeps_it(tiny):
    for thing in (
        crm.measure("nps", tiny), frozenset({"a", "b"}), MappingProxyType({1: Text("一", "one")}), pd.Timestamp("2025-01-01 10:00"),
        date(2025, 1, 1), datetime(2025, 1, 1), timedelta(days=1, microseconds=3), tiny.settings.goals,
    ):  # fmt: skip
        assert again(thing) == thing
        assert type(again(thing)) is type(thing)
    assert again(crm.CATALOGUE["nps"]) is crm.CATALOGUE["nps"]


def test_what_is_none_of_ours_is_neither_written_nor_built():
    for thing in (object(), np.array([object()]), iter([1])):
        with pytest.raises(CRMError, match="cannot be written"):
            to_text(thing)
    other = dataclasses.replace(crm.CATALOGUE["nps"], formula="another")
    with pytest.raises(CRMError, match="nps"):
        to_text(other)
    for place in ("os:system", "crmtools.cli:main", "subprocess:Popen"):
        with pytest.raises(CRMError, match="no record"):
            from_text(f'{{"{TAG}": "{place}", "is": {{}}}}'.replace("\x00", "\\u0000"))


def asker(*parts):
    calls = []

    @remembered(*parts)
    def work(data, extra=1):
        calls.append(extra)
        return (data.settings.name, extra)

    return work, calls


def test_the_first_who_asks_works_and_the_others_find(tiny):
    work, calls = asker()
    data = dataclasses.replace(tiny, answers=type(tiny.answers)("state"))
    assert work(data) == work(data) == work(data, 1) == ("tiny", 1)
    assert work(data, extra=2) == ("tiny", 2)
    assert calls == [1, 2]


def test_another_process_finds_it_beside_the_snapshot(tiny, tmp_path):
    folder = tmp_path / "answers"
    first, second = (dataclasses.replace(tiny, answers=type(tiny.answers)("state", folder)) for _ in range(2))
    work, calls = asker()
    assert work(first) == work(second)
    assert calls == [1]


def test_another_state_another_code_and_other_settings_are_asked_anew(tiny, monkeypatch):
    work, calls = asker("report")
    data = dataclasses.replace(tiny, answers=type(tiny.answers)("state"))
    work(data)
    goals = data.settings.model_copy(update={"goals": ()})
    work(dataclasses.replace(data, settings=goals))
    assert len(calls) == 1  # it depends on the report alone
    report = data.settings.report.model_copy(update={"confidence": 0.9})
    work(dataclasses.replace(data, settings=data.settings.model_copy(update={"report": report})))
    assert len(calls) == 2
    work(dataclasses.replace(data, answers=type(tiny.answers)("another")))
    assert len(calls) == 3
    monkeypatch.setattr(module, "made_by", lambda: "another source")
    work(data)
    assert len(calls) == 4


def test_by_default_any_setting_that_may_matter_does(tiny):
    work, calls = asker()
    data = dataclasses.replace(tiny, answers=type(tiny.answers)("state"))
    work(data)
    work(dataclasses.replace(data, settings=data.settings.model_copy(update={"goals": ()})))
    assert len(calls) == 2


def test_an_indicator_of_the_analyst_is_worked_out_each_time(tiny, monkeypatch):
    work, calls = asker()
    data = dataclasses.replace(tiny, answers=type(tiny.answers)("state"))
    own = dataclasses.replace(crm.CATALOGUE["nps"], id="own")
    work(data, extra=own), work(data, extra=own)
    assert len(calls) == 2

    def facts(surveys):
        return surveys

    registered = dataclasses.replace(own, facts=facts)
    monkeypatch.setattr(module, "CATALOGUE", {**module.CATALOGUE, "own": registered})
    work(data), work(data)
    assert len(calls) == 4
