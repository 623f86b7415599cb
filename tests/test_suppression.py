"""Cells of a table that is told both ways, and what the books of parts tell together."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmtools as crm
from crmtools.goals.decomposition import decompose
from crmtools.suppression import hidden_cells

SIZES = {
    ("north", "web"): 12, ("north", "store"): 60, ("north", "fax"): 45,
    ("south", "web"): 5, ("south", "store"): 50, ("south", "fax"): 55,
    ("west", "web"): 40, ("west", "store"): 48, ("west", "fax"): 47,
}  # fmt: skip
"""Customers by region and type: the web of the south is too small, and that of the north would give it away."""

squares = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 60), min_size=width, max_size=width), min_size=2, max_size=5)
)


def followed(counts: np.ndarray, unknown: np.ndarray) -> set[tuple[int, int]]:
    """Unknown cells that follow from the known ones and the sums of all lines: those that no free solution moves."""
    cells = [tuple(map(int, cell)) for cell in np.argwhere(unknown)]
    if not cells:
        return set()
    lines = [[float(cell[axis] == line) for cell in cells] for axis in (0, 1) for line in range(counts.shape[axis])]
    _, sizes, free = np.linalg.svd(np.array(lines))
    free = free[int((sizes > 1e-9).sum()) :]
    return {cell for place, cell in enumerate(cells) if (abs(free[:, place]) < 1e-9).all()}


@given(squares, st.integers(2, 15))
def test_no_small_cell_follows_from_all_lines_together(rows, smallest):
    counts = np.array(rows, dtype=float)
    hide = hidden_cells(counts, smallest)
    small = {cell for cell in followed(counts, hide) if counts[cell] < smallest}
    # what follows even where nothing but the sums is told cannot be kept
    assert small <= followed(counts, counts > 0)


@given(squares, st.integers(2, 15))
def test_what_is_hidden_is_the_same_whichever_side_is_told_first(rows, smallest):
    counts = np.array(rows, dtype=float)
    assert (hidden_cells(counts, smallest) == hidden_cells(counts.T, smallest).T).all()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Orders in two quarters of customers who are ``SIZES`` by region and type; nobody comes back for the first time."""
    folder = tmp_path_factory.mktemp("crossed")
    (folder / "data").mkdir()
    (folder / "parameters").mkdir()
    kinds = [kind for kind, count in SIZES.items() for _ in range(count)]
    people = pd.DataFrame(kinds, columns=["region", "customer_type"]).assign(acquired_at="2024-01-01")
    people.insert(0, "customer_id", [f"c{number:03}" for number in range(len(people))])
    people.to_csv(folder / "data" / "customers.csv", index=False)
    orders = pd.concat([people[["customer_id"]].assign(ordered_at=day) for day in ("2025-07-15", "2025-10-15")])
    orders.insert(0, "order_id", range(len(orders)))
    orders.assign(net_amount=10 + orders["order_id"] % 7).to_csv(folder / "data" / "orders.csv", index=False)
    file = folder / "parameters" / "crossed.yml"
    file.write_text(
        "report: {title: C, as_of: 2025-12-31, period: 2025-Q4, segments: [region, customer_type]}\nsource: {folder: data}\n"
    )
    return file


def told(company: Path, attribute: str, other: str) -> set[tuple[str, str]]:
    """The cells that the books by one attribute show when they are broken down by another."""
    found = set()
    for value in dict.fromkeys(kind[attribute == "customer_type"] for kind in SIZES):
        data = crm.open(f"{company}#{attribute}={value}")
        frame = crm.breakdown("revenue_per_customer", data, by=other).frame
        found |= {(value, group) for group in frame.loc[frame["value"].notna(), other]}
    return found


def test_books_by_two_attributes_hide_the_same(company):
    by_region = told(company, "region", "customer_type")
    assert by_region
    assert by_region == {(region, kind) for kind, region in told(company, "customer_type", "region")}


def test_the_pieces_of_a_change_tell_no_group_that_the_breakdown_hides(company):
    for region in ("north", "south", "west"):
        data = crm.open(f"{company}#region={region}")
        frame = crm.breakdown("revenue_per_customer", data, by="customer_type").frame
        found = decompose("revenue_per_customer", data, by="customer_type", baseline="2025-Q3")
        shown = {line.segment for line in found.lines} - {None}
        assert shown == set(frame.loc[frame["value"].notna(), "customer_type"])
        assert sum(line.n_now for line in found.lines) == found.now.n


def test_a_part_without_rows_of_an_indicator_has_an_empty_breakdown(company):
    data = crm.open(f"{company}#region=north")
    assert len(crm.breakdown("cohort_retention", data, by="customer_type", period="2024-Q3")) == 0
