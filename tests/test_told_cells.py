"""What follows from all that is told of customers by two attributes: an attack by linear algebra on figures, tables, and goals."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmtools as crm
from crmtools.goals.decomposition import decompose
from crmtools.suppression import hidden_groups
from crmtools.told_cells import told_cells

REVENUE = "revenue_per_customer"
REGIONS, TIERS = ("north", "south", "west"), ("basic", "gold", "silver")
CELLS = tuple(itertools.product(REGIONS, TIERS))
SMALLEST = 10


def company(sizes: dict[tuple[str, str], int]) -> crm.Data:
    """So many customers of each region and tier, each with an order in either quarter; figures about fewer than ten are not told."""
    people = pd.DataFrame([cell for cell, count in sizes.items() for _ in range(count)], columns=["region", "tier"])
    people["customer_id"] = [f"c{n}" for n in range(len(people))]
    orders = pd.concat([people[["customer_id"]].assign(ordered_at=day) for day in ("2025-08-15", "2025-11-15")])
    orders = orders.assign(order_id=[f"o{n}" for n in range(len(orders))])
    orders["net_amount"] = 10 + np.arange(len(orders)) % 7
    opened = crm.open(customers=people.assign(acquired_at="2024-01-01"), orders=orders, as_of="2025-12-31")
    publish = opened.settings.publish.model_copy(update={"smallest_group": SMALLEST})
    report = opened.settings.report.model_copy(
        update={"segments": ("region", "tier"), "period": crm.Period.parse("2025-Q4")}
    )
    return replace(opened, settings=opened.settings.model_copy(update={"publish": publish, "report": report}))


def parts_of(values):
    return [list(some) for size in range(1, len(values) + 1) for some in itertools.combinations(values, size)]


def marked(regions, tiers) -> np.ndarray:
    return np.array([region in regions and tier in tiers for region, tier in CELLS], dtype=float)


def told_by(data: crm.Data) -> list[tuple[np.ndarray, int]]:
    """Everything that can be asked about the customers of some regions and tiers, and is told: their cells, and how many they are."""
    found = []

    def note(value, n, regions, tiers) -> None:
        if value is not None:
            found.append((marked(regions, tiers), n))

    for regions, tiers in itertools.product([None, *parts_of(REGIONS)], [None, *parts_of(TIERS)]):
        where = {name: some for name, some in (("region", regions), ("tier", tiers)) if some}
        (one,) = crm.trend(REVENUE, data, periods=1, by="quarter", where=where or None).estimates
        note(one.value, one.n, regions or REGIONS, tiers or TIERS)
        for by, values in (("region", REGIONS), ("tier", TIERS)):
            for group in crm.breakdown(REVENUE, data, by=by, where=where or None).estimates:
                own = {"region": regions or REGIONS, "tier": tiers or TIERS} | {by: [dict(group.group)[by]]}
                note(group.value, group.n, own["region"], own["tier"])
            if len(values) > 1 and where.get(by) is None:
                split = decompose(REVENUE, data, by=by, baseline="2025-Q3", where=where or None)
                for line in split.lines:
                    if line.segment is not None:
                        own = {"region": regions or REGIONS, "tier": tiers or TIERS} | {by: [line.segment]}
                        note(line.rate_now, line.n_now, own["region"], own["tier"])
    return found


@pytest.mark.parametrize("seed", range(2))
def test_no_small_group_follows_from_all_that_is_told(seed) -> None:
    random = np.random.default_rng(seed)
    sizes = {cell: int(random.choice([0, 3, 7, 12, 25, 40, 60])) for cell in CELLS}
    told = told_by(company(sizes))
    matrix = np.array([cells for cells, _ in told] + [np.eye(9)[n] for n, cell in enumerate(CELLS) if not sizes[cell]])
    for cells, n in told:
        assert n == sum(size for size, there in zip(sizes.values(), cells, strict=True) if there)
    rank = np.linalg.matrix_rank(matrix)
    for regions, tiers in itertools.product(parts_of(REGIONS), parts_of(TIERS)):
        wanted = marked(regions, tiers)
        size = sum(size for size, there in zip(sizes.values(), wanted, strict=True) if there)
        if 0 < size < SMALLEST and (len(regions), len(tiers)) in ((1, 1), (1, 3), (3, 1)):
            assert np.linalg.matrix_rank(np.vstack([matrix, wanted])) > rank, f"{regions} {tiers}: {size} people follow"


def test_where_nobody_is_few_all_is_told() -> None:
    data = company(dict.fromkeys(CELLS, 12))
    for cell in CELLS:
        assert crm.measure(REVENUE, data, where=dict(zip(("region", "tier"), cell, strict=True))).n == 12
    for by, where in (
        ("region", {"tier": "gold"}),
        ("tier", {"region": ["north", "west"]}),
        ("region", {"region": ["north", "west"]}),
    ):
        groups = crm.breakdown(REVENUE, data, by=by, where=where).estimates
        assert not any(one.suppressed for one in groups)
        assert len(groups) == 3 - (by in where)


def test_a_goals_page_tells_no_more_than_a_table() -> None:
    """Silver customers by region, less all customers by region, were three people's figures."""
    data = company({("north", "gold"): 3, ("north", "silver"): 40, ("south", "gold"): 40, ("south", "silver"): 50,
                    ("west", "gold"): 60, ("west", "silver"): 70})  # fmt: skip
    lines = decompose(REVENUE, data, by="region", baseline="2025-Q3", where={"tier": "silver"}).lines
    table = crm.breakdown(REVENUE, data, by="region", where={"tier": "silver"}).estimates
    shown = {dict(one.group)["region"] for one in table if not one.suppressed}
    assert {line.segment for line in lines} - {None} == shown == {"west"}


counts = st.integers(2, 4).flatmap(
    lambda rows: st.integers(2, 4).flatmap(
        lambda columns: st.lists(st.sampled_from([0, 0, 1, 2, 3, 5, 8, 20]), min_size=rows * columns, max_size=rows * columns).map(
            lambda cells: np.array(cells, dtype=float).reshape(rows, columns)
        )
    )
)  # fmt: skip


@given(counts, st.booleans())
def test_what_is_told_of_a_table_is_no_small_cell_and_no_hidden_sum(table, turned) -> None:
    """With the sums hidden that tables by one attribute hide; the same whichever attribute is named first."""
    smallest = 5
    rows, columns = (sorted(hidden_groups([int(n) for n in table.sum(axis=axis)], smallest)) for axis in (1, 0))
    found = told_cells(table, smallest, hidden_rows=rows, hidden_columns=columns)
    if turned:
        found = told_cells(table.T, smallest, hidden_rows=columns, hidden_columns=rows)
        table, rows, columns = table.T, columns, rows
    height, width = (range(size) for size in table.shape)
    assert found.tells(height, width), "all customers are told"
    assert all(found.tells([row], width) for row in height if row not in rows)
    assert all(found.tells(height, [column]) for column in width if column not in columns)
    if found.hidden[table > 0].all():
        return  # no figure about both attributes is told at all
    for row, column in itertools.product(height, width):
        if 0 < table[row, column] < smallest:
            assert not found.tells([row], [column])
    assert not any(found.tells([row], width) for row in rows)
    assert not any(found.tells(height, [column]) for column in columns)


def test_by_three_attributes_nothing_is_told_where_any_group_is_small() -> None:
    """Each two within the third were safe, and all of them together told of four people."""
    sizes = np.array([[[12, 40], [12, 40], [60, 60]], [[60, 60], [40, 25], [60, 12]], [[12, 40], [25, 40], [12, 4]]])
    names = [(f"r{r}", f"t{t}", f"s{s}") for r, t, s in np.ndindex(sizes.shape) for _ in range(sizes[r, t, s])]
    people = pd.DataFrame(names, columns=["region", "tier", "segment"])
    people["customer_id"] = [f"c{n}" for n in range(len(people))]
    orders = people[["customer_id"]].assign(order_id=people["customer_id"], ordered_at="2025-11-15", net_amount=10.0)
    opened = crm.open(customers=people.assign(acquired_at="2024-01-01"), orders=orders, as_of="2025-12-31")
    report = opened.settings.report.model_copy(update={"period": crm.Period.parse("2025-Q4")})
    publish = opened.settings.publish.model_copy(update={"smallest_group": SMALLEST})
    data = replace(opened, settings=opened.settings.model_copy(update={"report": report, "publish": publish}))
    groups = crm.breakdown(REVENUE, data, by="segment", where={"region": "r0", "tier": "t0"}).estimates
    assert all(one.suppressed for one in groups)
    few = replace(
        data, settings=data.settings.model_copy(update={"publish": publish.model_copy(update={"smallest_group": 4})})
    )
    assert [
        one.n for one in crm.breakdown(REVENUE, few, by="segment", where={"region": "r0", "tier": "t0"}).estimates
    ] == [40, 12]


def test_what_is_left_of_several_values_is_not_few() -> None:
    """Of two regions all customers, less those with two of three tiers: eight people."""
    table = {("north", "basic"): 1, ("north", "gold"): 60, ("north", "silver"): 3, ("south", "basic"): 25, ("south", "gold"): 60,
             ("south", "silver"): 25, ("west", "basic"): 3, ("west", "gold"): 25, ("west", "silver"): 1}  # fmt: skip
    data = company(table)
    both = {"region": ["north", "west"]}
    (whole,) = crm.trend(REVENUE, data, periods=1, by="quarter", where=both).estimates
    (some,) = crm.trend(REVENUE, data, periods=1, by="quarter", where=both | {"tier": "gold"}).estimates
    assert whole.n == 0 or some.n == 0 or whole.n - some.n >= SMALLEST


def test_books_of_parts_tell_no_sum_that_the_whole_hides(tmp_path) -> None:
    """By tier two sums are hidden in the whole; the parts' tables, added up, told of six people."""
    sizes = np.array([[60, 0, 3, 40], [12, 60, 0, 12], [12, 12, 3, 60]])
    people = pd.DataFrame(
        [(f"r{r}", f"t{t}") for r, t in np.ndindex(sizes.shape) for _ in range(sizes[r, t])], columns=["region", "tier"]
    )
    people.insert(0, "customer_id", [f"c{n:03}" for n in range(len(people))])
    (tmp_path / "data").mkdir()
    people.assign(acquired_at="2024-01-01").to_csv(tmp_path / "data" / "customers.csv", index=False)
    orders = people[["customer_id"]].assign(order_id=people["customer_id"], ordered_at="2025-11-15", net_amount=10.0)
    orders.to_csv(tmp_path / "data" / "orders.csv", index=False)
    file = tmp_path / "mine.yml"
    file.write_text(
        "report: {title: C, as_of: 2025-12-31, period: 2025-Q4, segments: [region, tier]}\nsource: {folder: data}\n",
        "utf-8",
    )

    def told(reference: str) -> set[str]:
        table = crm.breakdown(REVENUE, crm.open(reference), by="tier").estimates
        return {dict(one.group)["tier"] for one in table if not one.suppressed}

    assert told(str(file)) == {"t0", "t3"}
    parts = [told(f"{file}#region=r{part}") for part in range(3)]
    assert not all("t1" in part or sizes[place, 1] == 0 for place, part in enumerate(parts)), "their sum is hidden"
