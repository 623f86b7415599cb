"""Moves between segments, and what each segment did next: against plain pandas, and who must not be shown."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_rfm import plain_days, random_orders

import crmtools as crm
from crmtools import intervals
from crmtools.errors import SettingsError
from crmtools.parameters import load
from crmtools.rfm import QUIET, SEGMENTS, UNSEEN, Moves, moves, next_period, rfm, study
from crmtools.rfm.next_period import ALL, mean_interval
from crmtools.suppression import hidden_cells

EARLIER, LATER = date(2025, 2, 28), date(2025, 6, 30)


@pytest.fixture(scope="module")
def orders():
    return random_orders(seed=4, customers=900)


@pytest.fixture(scope="module")
def earlier(orders):
    return rfm(orders, as_of=EARLIER)


def test_moves_equal_plain_counting(orders, earlier):
    later = rfm(orders, as_of=LATER, like=earlier)
    found = moves(earlier, later)
    was, is_ = earlier.frame["segment"].to_dict(), later.frame["segment"].to_dict()
    expected: dict[tuple[str, str], int] = {}
    for customer in was.keys() | is_.keys():
        cell = was.get(customer, UNSEEN), is_.get(customer, QUIET)
        expected[cell] = expected.get(cell, 0) + 1
    for origin in (*SEGMENTS, UNSEEN):
        assert found.row(origin) == {end: expected.get((origin, end), 0) for end in (*SEGMENTS, QUIET)}
    assert found.counts.to_numpy().sum() == len(was.keys() | is_.keys())
    assert found.counts.loc[list(SEGMENTS)].sum(axis=1).to_dict() == {
        name: int((earlier.frame["segment"] == name).sum()) for name in SEGMENTS
    }


def test_customers_without_a_purchase_in_the_window_are_no_longer_scored(orders):
    window = timedelta(days=20)
    one = rfm(orders, as_of=EARLIER, since=EARLIER - window)
    two = rfm(orders, as_of=LATER, since=LATER - window, like=one)
    gone = set(one.frame.index) - set(two.frame.index)
    assert gone
    assert moves(one, two).counts[QUIET].sum() == len(gone)


def test_dates_and_cuts_must_fit(orders, earlier):
    with pytest.raises(SettingsError, match="like=earlier"):
        moves(earlier, rfm(orders, as_of=LATER))
    with pytest.raises(SettingsError, match="earlier date to a later"):
        moves(earlier, earlier)
    with pytest.raises(SettingsError, match="must be after"):
        next_period(earlier, orders, until=EARLIER)


def test_next_period_equals_plain_pandas(orders, earlier):
    found = next_period(earlier, orders, until=LATER)
    days = plain_days(orders, as_of=LATER)
    days = days[days["day"] > EARLIER]
    segments = earlier.frame["segment"]
    assert list(found.index) == [*SEGMENTS, ALL]
    for key, row in found.iterrows():
        members = segments.index if key == ALL else segments.index[segments == key]
        theirs = days[days["customer_id"].isin(members)]
        assert row["customers"] == len(members)
        if not len(members):
            assert np.isnan(row["bought"])
            continue
        assert row["buyers"] == theirs["customer_id"].nunique()
        assert row["bought"] == pytest.approx(theirs["customer_id"].nunique() / len(members))
        assert row["purchases"] == pytest.approx(len(theirs) / len(members))
        assert row["spend"] == pytest.approx(theirs["net"].sum() / len(members))
        assert row["revenue"] == pytest.approx(theirs["net"].sum())
        assert (row["bought_low"], row["bought_high"]) == intervals.wilson(row["bought"], len(members))
        if len(members) >= 30:
            assert row["spend_low"] < row["spend"] < row["spend_high"]
        else:
            assert np.isnan(row["spend_low"])


def test_what_comes_after_the_period_is_not_looked_at(orders, earlier):
    end = date(2025, 4, 30)
    seen = orders[orders["ordered_at"] < "2025-05-01"]
    pd.testing.assert_frame_equal(next_period(earlier, orders, until=end), next_period(earlier, seen, until=end))


@pytest.mark.slow
def test_intervals_of_heavy_tailed_means_cover(rng):
    """Many zeros and log-normal amounts: 95 % are claimed."""
    inside = []
    for _ in range(400):
        values = rng.lognormal(4, 1, 150) * (rng.random(150) < 0.4)
        low, high = mean_interval(values, 0.95)
        inside.append(low <= 0.4 * np.exp(4.5) <= high)
    assert 0.9 <= np.mean(inside) <= 0.98


def test_means_of_few_or_equal_customers_have_no_interval():
    assert np.isnan(mean_interval(np.arange(29.0), 0.95)).all()
    assert np.isnan(mean_interval(np.full(50, 3.0), 0.95)).all()
    below = mean_interval(np.append(np.arange(60.0), -50.0), 0.95)
    assert below[0] < below[1]


tables = st.lists(st.lists(st.integers(0, 40), min_size=4, max_size=4), min_size=2, max_size=5)


@given(tables, st.integers(1, 15), st.booleans())
def test_no_hidden_cell_can_be_worked_out_from_its_line(rows, smallest, columns):
    counts = np.array(rows, dtype=float)
    hide = hidden_cells(counts, smallest, columns=columns)
    assert hide[(counts > 0) & (counts < smallest)].all()
    assert not hide[counts == 0].any()
    lines = [*zip(counts, hide), *(zip(counts.T, hide.T) if columns else ())]
    for numbers, hiding in lines:
        if hiding.any() and not hiding[numbers > 0].all():
            assert hiding.sum() >= 2
            assert numbers[hiding].sum() >= smallest


def test_rows_too_small_to_be_shown_are_hidden_whole():
    counts = pd.DataFrame(0, index=[*SEGMENTS, UNSEEN], columns=[*SEGMENTS, QUIET])
    counts.loc["champions", "champions"] = 50
    counts.loc["loyal", ["loyal", "at_risk"]] = [3, 2]
    counts.loc["lost", "lost"] = 40
    found = Moves(counts, EARLIER, LATER).hidden(10, totals_known=False)
    # the sum of the small row follows from the total: a second row is hidden with it
    assert found == {("loyal", "loyal"), ("loyal", "at_risk"), ("lost", "lost")}


def test_the_study_takes_cuts_and_window_from_the_parameters_file(orders, tmp_path):
    data = crm.open(orders=orders, as_of=LATER)
    settings = data.settings.model_copy(
        update={"rfm": parameters(tmp_path, "rfm: {window_days: 120, cuts: {frequency: [1, 2, 3, 4]}}").rfm}
    )
    found = study(replace(data, settings=settings))
    assert found.now.given == ("frequency",)
    assert found.now.since == LATER - timedelta(days=119)
    plain = rfm(orders, as_of=LATER, since=found.now.since, cuts={"frequency": (1, 2, 3, 4)})
    assert found.now.frame["segment"].tolist() == plain.frame["segment"].tolist()
    assert found.earlier is not None
    assert found.earlier.as_of == found.period.start - timedelta(days=1)


def parameters(folder, lines: str):
    path = folder / "p.yml"
    path.write_text(f"report: {{title: T, as_of: 2025-06-30, period: 2025-Q2}}\nsource: {{folder: .}}\n{lines}\n")
    return load(path)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("rfm: {cuts: {recency: [1, 2, 3, 4]}}", r"rfm\.cuts\.recency\n.*unknown key. Did you mean 'recency_days'"),
        ("rfm: {cuts: {frequency: [1, 2, 2, 4]}}", r"rfm\.cuts\.frequency\n.*four increasing numbers"),
        ("rfm: {cuts: {frequency: [1, 2, 3]}}", r"four increasing numbers, such as \[30, 90, 180, 365\]"),
        ("rfm: {cuts: {frequency: often}}", "four increasing numbers"),
        ("rfm: {cuts: {recency_days: [1.5, 2, 3, 4]}}", "whole numbers"),
        ("rfm: {cuts: {frequency: [0, 2, 3, 4]}}", "under 1"),
        ("rfm: {window_days: 0}", "window_days"),
        ("rfm: {window_days: 100, cuts: {recency_days: [10, 20, 50, 200]}}", "nobody could lie above it"),
    ],
)
def test_wrong_cut_points_in_the_parameters_file_say_where_and_what_is_allowed(tmp_path, lines, said):
    with pytest.raises(SettingsError, match=said):
        parameters(tmp_path, lines)


def test_a_flow_leads_from_origins_to_ends():
    counts = pd.DataFrame(0, index=[*SEGMENTS, UNSEEN], columns=[*SEGMENTS, QUIET])
    one, other, third = list(SEGMENTS)[:3]
    counts.loc[one, other], counts.loc[other, one], counts.loc[one, third] = 7, 3, 2
    found = Moves(counts, date(2025, 6, 30), date(2025, 12, 31)).flow((one,), (other, third))
    assert found == {(one, other): 7, (one, third): 2}
