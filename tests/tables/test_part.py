"""The data of some customers: every table that knows its customers is cut, nothing else is, and nobody is given away."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import crmtools as crm
from crmtools.asked import read_settings
from crmtools.errors import SettingsError
from crmtools.estimating import not_computable
from crmtools.parameters import load
from crmtools.part_names import asked_part, index_name, part_asked, part_name
from crmtools.part_of_customers import for_part
from crmtools.readiness import readiness
from crmtools.tables import TABLES
from crmtools.tables.part import cut_to

from .little_company import Project

CUT = {  # the tables of the neutral schema, by the table that knows their customers
    "customers": ("orders", "subscriptions", "usage", "members", "referrals", "invoices", "payments", "tickets", "interactions", "leads",
                  "opportunities", "survey_answers", "survey_invites", "feedback", "campaign_responses"),
    "orders": ("order_lines",), "opportunities": ("stage_history",), "feedback": ("feedback_codes",), "tickets": ("ratings",),
}  # fmt: skip
KEYS = {
    "order_lines": "order_id",
    "stage_history": "opportunity_id",
    "feedback_codes": "feedback_id",
    "ratings": "case_id",
}
EVERY_TABLE = (
    "csat_mean", "nps", "churn_rate", "aov", "usage_rate", "first_response_time", "overdue_ratio", "interaction_frequency",
    "survey_response_rate", "negative_feedback_share", "service_quality_expert", "loyalty_active_rate", "backlog", "on_time_payment_rate",
)  # fmt: skip
"""Indicators that read, together, nearly every table that is cut."""
UNCUT = {"spend", "campaigns"}
SHARED = {"fx_rates", "survey_items"}


def north(project, part: str = "region=north") -> crm.tables.source.Data:
    return crm.open(f"{project.parameters}#{part}")


def filtered_by_hand(whole, folder: Path) -> Project:
    """The same company with a folder of files that hold the customers of the north, and what hangs on them, and nothing else."""
    other = Project(folder)
    other.settings = whole.settings
    kept = {"customers": {row["customer_id"] for row in whole.rows("customers") if row["region"] == "north"}}
    for parent, tables in {"": ("customers",), **CUT}.items():
        for table in tables:
            if not (whole.data / f"{table}.csv").is_file():
                continue
            column = KEYS.get(table, "customer_id")
            mine = [row for row in whole.rows(table) if row[column] in kept[parent or "customers"]]
            kept[table] = {row[key] for row in mine if (key := (TABLES[table].key or ("",))[0]) in row}
            if mine:
                other.save(table, mine)
            else:
                other.remove(table)
    other.remove(*UNCUT)
    return other


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    """The company, and the one that was filtered by hand; ids as they stand in the files, so that they can be compared."""
    whole = Project(tmp_path_factory.mktemp("whole"))
    whole.settings["source"]["pseudonyms"] = False
    whole.goal(indicator="churn_rate", baseline="20%", **{"from": "2025-07-01"}, target={"relative": "-20%"})
    whole.open()
    other = filtered_by_hand(whole, tmp_path_factory.mktemp("by-hand"))
    other.open()
    return whole, other


def test_every_table_of_the_schema_is_cut_whole_or_shared():
    columns = {name: {column.name: 1.0 for column in table.columns} for name, table in TABLES.items()}
    cut = cut_to("region", "north", columns)
    assert set(cut.conditions) == {"customers", *(name for names in CUT.values() for name in names)}
    assert set(cut.whole) == UNCUT
    assert set(TABLES) == {*cut.conditions, *cut.whole, *SHARED}
    assert cut.partial == ()


def test_without_its_column_a_table_knows_no_customers_and_what_hangs_on_it_neither():
    columns = {name: {column.name: 1.0 for column in table.columns} for name, table in TABLES.items()}
    del columns["opportunities"]["customer_id"]
    assert set(cut_to("region", "north", columns).whole) == {*UNCUT, "opportunities", "stage_history"}


def test_the_tables_are_those_of_the_folder_that_was_filtered_by_hand(both):
    whole, by_hand = both
    part, other, all_of = north(whole), by_hand.open(), whole.open()
    assert set(part) == set(other)
    for table in part:
        mine, theirs = (data.ask(data[table]).pipe(_sorted) for data in (part, other))
        # a number that the door gave to rows without one counts the rows of its own file
        own = [name for name in mine if not (TABLES[table].generated_key and (name,) == TABLES[table].key)]
        pd.testing.assert_frame_equal(mine[own].pipe(_sorted), theirs[own].pipe(_sorted), obj=table)
        assert len(mine) < len(all_of.ask(all_of[table])) or table in SHARED
    assert {item.table: item.kept for item in part.door.tables} == {item.table: item.kept for item in other.door.tables}
    assert {item.table: item.last for item in part.door.tables} == {item.table: item.last for item in other.door.tables}


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(list(frame), kind="stable").reset_index(drop=True)


def test_the_tables_of_an_earlier_day_are_cut_too(both):
    whole, by_hand = both
    part, other = north(whole).at("2025-06-30"), by_hand.open().at("2025-06-30")
    assert {name: len(part.ask(part[name])) for name in part} == {name: len(other.ask(other[name])) for name in other}


def test_the_numbers_are_those_of_the_folder_that_was_filtered_by_hand(both):
    whole, by_hand = both
    part, other = north(whole), by_hand.open()
    for name in EVERY_TABLE:
        mine, theirs = crm.measure(name, part), crm.measure(name, other)
        told = (mine.value, mine.low, mine.high, mine.n)
        assert told == pytest.approx((theirs.value, theirs.low, theirs.high, theirs.n)), name
        assert mine.value is not None, name
    mine, theirs = crm.goal("churn_rate", part), crm.goal("churn_rate", other)
    assert (mine.now.value, mine.progress, mine.gap, mine.status) == (
        theirs.now.value,
        theirs.progress,
        theirs.gap,
        theirs.status,
    )


def test_the_numbers_are_those_of_pandas(both):
    whole, _ = both
    part = north(whole)
    files = {
        table: pd.DataFrame(whole.rows(table)) for table in ("customers", "orders", "survey_answers", "survey_items")
    }
    here = set(files["customers"].query("region == 'north' and is_test != 'true'")["customer_id"])  # noqa: F841 - the queries below name it

    orders = files["orders"].query("customer_id in @here and '2025-10-01' <= ordered_at < '2026-01-01'")
    done = orders[orders["status"].isin(["", "completed"])]
    net = done["net_amount"].astype(float) - pd.to_numeric(done["refund_amount"]).fillna(0)
    assert crm.measure("aov", part).value == pytest.approx(net.sum() / len(done))
    assert crm.measure("revenue_per_customer", part).value == pytest.approx(net.sum() / done["customer_id"].nunique())

    asked = set(files["survey_items"].query("metric == 'nps'")["item_id"])  # noqa: F841
    answers = files["survey_answers"].query(
        "customer_id in @here and item_id in @asked and '2025-10-01' <= answered_at < '2026-01-01'"
    )
    last = answers.sort_values("answered_at").drop_duplicates("customer_id", keep="last")["value"].astype(float)
    assert crm.measure("nps", part).value == pytest.approx(100 * ((last >= 9).mean() - (last <= 6).mean()))


def test_what_needs_a_table_without_customers_says_so_in_both_languages(both):
    part = north(both[0])
    for name, zh, en in (
        ("cac", "不能只对部分客户计算：数据表 spend 不含客户", "not computable for a part of the customers: table spend names no customer"),
        ("campaign_roi", "不能只对部分客户计算：数据表 campaigns 不含客户", "not computable for a part of the customers: table campaigns names no customer"),
        ("lead_conversion_rate", "不能只对部分客户计算：数据表 leads 并非每行都有客户", "not computable for a part of the customers: not every row of leads names a customer"),
    ):  # fmt: skip
        why = not_computable(name, part)
        assert (why.zh, why.en) == (zh, en)
        assert crm.measure(name, part).why == why
    # spend is optional for it: without, the margin of a part would leave costs out that the margin of the whole has
    assert not crm.computable("customer_margin", part)
    found = readiness(part)
    assert (found["cac"].state, found["cac"].ways, found["nps"].state) == ("whole", (), "computable")
    assert crm.computable("cac", both[0].open())


def test_a_table_with_a_customer_in_every_row_can_be_cut_whatever_it_is_asked(project):
    project.only("customers", "feedback")
    rows = [row for row in project.rows("feedback") if row["customer_id"]]
    project.save("feedback", rows)
    project.open()
    assert north(project).cut_to.partial == ()


def test_an_unknown_attribute_or_value_is_one_error_that_names_the_allowed_ones(project):
    project.open()
    with pytest.raises(SettingsError) as error:
        north(project, "region=nroth")
    assert "report.only · region" in str(error.value)
    assert "no customer has region 'nroth'" in str(error.value)
    assert "Reported can be: east, north, south, west." in str(error.value)
    with pytest.raises(SettingsError) as error:
        north(project, "regio=north")
    assert "customers have no such attribute. Allowed: " in str(error.value)
    project.report(only={"region": "north", "tier": "gold"})
    with pytest.raises(SettingsError, match="name one attribute of the customers and one value"):
        project.open()
    del project.settings["report"]["only"]
    project.settings["set_aside"] = []
    with pytest.raises(SettingsError, match="unknown key"):
        project.open()


@pytest.mark.parametrize(("word", "named"), [("Unknown", "mine-region-Unknown"), ("未知", "mine-region-未知")])
def test_customers_without_a_value_are_asked_for_by_what_a_report_calls_them(project, word, named):
    rows = project.rows("customers")
    without = {row["customer_id"] for row in rows[:4]}
    project.save(
        "customers", [row | {"region": "" if row["customer_id"] in without else row["region"]} for row in rows]
    )
    project.settings["source"]["pseudonyms"] = False
    project.open()
    data = north(project, f"region={word}")
    assert data.settings.name == named
    customers = data.ask(data["customers"])
    assert set(customers["customer_id"]) <= without
    assert customers["region"].isna().all()
    assert crm.measure("csat_mean", data).n == crm.measure("csat_mean", project.open(), where={"region": None}).n > 0
    assert (data.settings.report.title.en, data.settings.report.title.zh) == (
        "Mine · Region Unknown",
        "我的 · 地区 未知",
    )


def test_a_value_of_that_very_name_is_meant_before_customers_without_one(project):
    rows = project.rows("customers")
    project.save("customers", [row | {"region": "" if place < 4 else "Unknown"} for place, row in enumerate(rows)])
    project.open()
    data, others = north(project, "region=Unknown"), north(project, "region=未知")
    assert set(data.ask(data["customers"])["region"]) == {"Unknown"}
    assert others.ask(others["customers"])["region"].isna().all()


def test_where_every_customer_has_a_value_it_is_said_whose_rows_are_called_unknown(project):
    project.open()
    with pytest.raises(
        SettingsError, match="every customer has a value of region: what a report calls 未知 there belongs to no"
    ):
        north(project, "region=未知")


def test_the_same_part_is_the_same_however_it_is_asked_for(both):
    whole, _ = both
    asked = read_settings(f"{whole.parameters}#region=north")
    whole.report(only={"region": "north"})
    written = whole.open()
    del whole.settings["report"]["only"]
    assert (written.settings.name, written.settings.reference) == (asked.name, asked.reference)
    assert written.settings.model_dump(exclude={"path"}) == asked.model_dump(exclude={"path"})
    assert asked.name == "mine-region-north"
    assert (asked.report.title.en, asked.report.title.zh) == ("Mine · Region north", "我的 · 地区 north")
    south = crm.open(f"{whole.parameters}#region=south")
    assert south.settings.name == "mine-region-south"  # what is asked for goes before what is written
    whole.open()
    assert north(whole).fingerprint == south.fingerprint
    assert {written.fingerprint} == whole.snapshots, "the snapshot is shared"


def test_whole_and_part_remember_their_own_answers(both):
    whole, _ = both
    for _ in range(2):  # the second time from what was remembered
        counts = [len(data.ask(data["customers"])) for data in (whole.open(), north(whole))]
        values = [
            crm.measure("csat_mean", data).n
            for data in (whole.open(), north(whole), crm.open(f"{whole.parameters}#region=south"))
        ]
        assert counts == [11, 3]
        assert values[0] > max(values[1:])


def test_a_part_that_did_nothing_lately_has_data_as_far_as_the_others(both):
    """Silence of some customers is a fact to be reported; that of all is an export that did not arrive."""
    whole, _ = both
    all_of_them, some = whole.open().door, north(whole, "region=south").door
    assert max(item.last for item in some.tables) < all_of_them.last
    assert (some.first, some.last) == (all_of_them.first, all_of_them.last)


def test_another_period_of_a_part(both, monkeypatch):
    whole, _ = both
    monkeypatch.chdir(whole.root)
    earlier = crm.open("mine@2025-Q3#region=north")
    assert (earlier.period.id, earlier.part.value, earlier.settings.name) == ("2025-Q3", "north", "mine-region-north")
    assert crm.open(earlier.settings.reference).period.id == "2025-Q3"


def test_a_report_is_found_by_the_name_it_is_kept_under(both, monkeypatch):
    whole, _ = both
    monkeypatch.chdir(whole.root)
    assert read_settings("mine-region-north").report.only == {"region": "north"}
    with pytest.raises(SettingsError, match="no parameters file for 'yours-region-north'"):
        read_settings("yours-region-north")


def test_names_are_folders_and_no_two_parts_share_one():
    assert part_name("demo", ("region", "north")) == "demo-region-north"
    assert part_name("demo", ("region", "华北")) == "demo-region-华北"
    assert index_name("demo", "region") == "demo-by-region"
    odd = [
        "a b",
        "a_b",
        "a/b",
        "a-b",
        "../x",
        "..",
        "#",
        "a#b=c",
        "50 %",
        "",
        "x" * 200,
        "x" * 201,
        "南" * 40,
        "南" * 41,
    ]
    names = [part_name("demo", ("tier", value)) for value in odd if value]
    assert len(set(names)) == len(names)
    assert all(len(name.encode()) < 90 and not {*name} & {"/", " "} for name in names)
    for value in odd:
        assert asked_part(f"demo@2025-Q3#{part_asked('a tier', value)}") == ("demo@2025-Q3", {"a tier": value})
    assert asked_part("c#/notes/demo.yml") == ("c#/notes/demo.yml", None)


def test_values_that_differ_in_capitals_only_are_refused(project):
    rows = project.rows("customers")
    rows[0]["region"] = "North"
    project.save("customers", rows)
    project.open()
    with pytest.raises(SettingsError, match=r"North, north differ in capitals only.*Give them one name under source"):
        north(project)


def test_goals_of_customers_without_a_value_are_those_of_their_book() -> None:
    """A report calls them Unknown, the ``where`` of a goal calls them by an empty text."""
    settings = load("parameters/tiny.yml")
    goals = [
        settings.goals[0].model_copy(update={"id": name, "where": {"region": [value]}})
        for name, value in (("theirs", ""), ("others", "north"))
    ]
    read = settings.model_copy(update={"goals": tuple(goals)})
    for word in ("Unknown", "未知"):
        part = for_part(read, {"region": word})
        assert [(goal.id, dict(goal.where)) for goal in part.goals] == [("theirs", {})]
        assert "north" in part.set_aside[0].why.en
    north = for_part(read, {"region": "north"})
    assert [goal.id for goal in north.goals] == ["others"]
    assert north.set_aside[0].why.en == "about other customers, region Unknown"


def test_goals_that_are_not_about_the_part_are_set_aside_and_told(project):
    for given in (
        {"indicator": "nps", "target": {"to": 30}},
        {"indicator": "csat_mean", "id": "south", "name": "Content in the south", "where": {"region": "south"}, "baseline": 3.0, "target": {"to": 4}},
        {"indicator": "csat_mean", "id": "here", "where": {"region": ["north", "south"]}, "baseline": 3.0, "target": {"to": 4}},
        {"indicator": "backlog", "id": "amount", "baseline": 9, "target": {"to": 5}},
        {"indicator": "backlog", "id": "share_of_an_amount", "baseline": 9, "target": {"relative": "-10%"}},
        {"indicator": "backlog", "id": "relative", "baseline": "2024-Q4", "target": {"relative": "-10%"}},
    ):  # fmt: skip
        project.goal(**given)
    project.open()
    settings = north(project).settings
    assert [goal.id or goal.indicator for goal in settings.goals] == ["nps", "here", "relative"]
    assert settings.goals[1].where == {}
    data = north(project)
    for language, words in (
        ("en", ("Region north", "Goals left out", "Content in the south (about other customers, region south)", "an amount of the whole company")),
        ("zh", ("地区 north", "未列入的目标", "Content in the south（针对其他客户，即地区 south）", "全公司的总量")),
    ):  # fmt: skip
        said = crm.show.headline(crm.scorecard(data), data, language=language)
        assert all(word in said.html and word in said.text for word in words)
    assert "crm-note" not in crm.show.headline(crm.scorecard(project.open()), project.open()).html


# ---- small groups


def shop(project, buyers: dict[str, tuple[int, int]], smallest: int = 10) -> None:
    """Customers per region, and how many of them bought in the period, an amount of their region."""
    project.only("customers", "orders")
    rows, orders = [], []
    for place, (region, (people, bought)) in enumerate(buyers.items()):
        for number in range(people):
            one = f"{region or 'none'}-{number}"
            rows.append(
                {
                    "customer_id": one,
                    "region": region,
                    "acquired_at": "2025-01-01",
                    "tier": "gold" if number % 2 else "basic",
                }
            )
            if number < bought:
                orders.append(
                    {"order_id": one, "customer_id": one, "ordered_at": "2025-11-01", "net_amount": str(100 + place)}
                )
    project.save("customers", rows)
    project.save("orders", orders)
    project.settings["publish"]["smallest_group"] = smallest
    project.report(segments=["region", "tier"])
    project.open()


def test_a_small_part_is_refused_and_so_is_the_next_that_would_give_it_away(project):
    shop(project, {"north": (40, 40), "south": (30, 30), "east": (20, 20), "west": (3, 3)})
    for region in ("west", "east"):
        with pytest.raises(SettingsError, match=f"region '{region}' has fewer than 10 customers") as error:
            north(project, f"region={region}")
        assert "Reported can be: north, south." in str(error.value)
        assert not any(count in str(error.value) for count in ("3 ", "20 ")), "no count is told"
    assert len(north(project).ask(north(project)["customers"])) == 40


def test_customers_without_a_value_are_hidden_as_a_group_of_few_is(project):
    shop(project, {"north": (40, 40), "south": (30, 30), "east": (20, 20), "": (3, 3)})
    for region in ("Unknown", "east"):
        with pytest.raises(SettingsError, match=f"region '{region}' has fewer than 10 customers"):
            north(project, f"region={region}")
    shop(project, {"north": (40, 40), "south": (30, 30), "": (20, 20), "west": (3, 3)})
    for region in ("未知", "west"):
        with pytest.raises(SettingsError, match=f"region '{region}' has fewer than 10 customers"):
            north(project, f"region={region}")


def test_an_attribute_of_very_many_values_is_no_attribute_to_report_by(project):
    shop(project, {f"region {number}": (1, 1) for number in range(61)}, smallest=1)
    with pytest.raises(SettingsError, match="more than 60 values"):
        north(project, "region=region 1")


def test_two_small_parts_hide_each_other(project):
    shop(project, {"north": (40, 40), "south": (30, 30), "east": (6, 6), "west": (5, 5), "": (12, 12)})
    assert north(project, "region=south").part.value == "south"
    assert [part.part.value for part in north(project).parts()] == ["east", "north", "south", "west", None]


def test_parts_keep_the_settings_that_they_are_asked_for_under(project):
    """The data of a day are one, whatever period is reported: what is hidden must be settled for the period that is asked for."""
    shop(project, {"north": (40, 40), "south": (30, 30), "east": (20, 20)})
    data = north(project)
    data.parts()
    report = data.settings.report.model_copy(update={"period": crm.Period.parse("2025")})
    other = replace(data, settings=data.settings.model_copy(update={"report": report}))
    assert {part.period.id for part in other.parts()} == {"2025"} != {data.period.id}
    assert {part.period.id for part in data.parts()} == {data.period.id}


def test_customers_without_a_value_are_a_group_like_any_other(project):
    shop(project, {"north": (40, 40), "south": (30, 30), "": (4, 4)})
    with pytest.raises(SettingsError, match="region 'south' has fewer"):
        north(project, "region=south")


def test_an_indicator_is_hidden_where_the_whole_would_give_a_small_group_away(project):
    shop(project, {"north": (40, 30), "south": (40, 20), "east": (40, 12), "west": (40, 4)})
    shown = {
        region: crm.measure("aov", north(project, f"region={region}")) for region in ("north", "south", "east", "west")
    }
    assert {region: one.n for region, one in shown.items()} == {"north": 30, "south": 20, "east": 0, "west": 0}
    assert (shown["east"].suppressed, shown["east"].value) == (True, None)
    told = crm.measure("aov", project.open()).n - sum(one.n for one in shown.values())
    assert told == 16, "what the books of all parts leave is none of the hidden groups"
    assert crm.trend("aov", north(project, "region=east"), by="quarter", periods=2).estimates[-1].suppressed


def test_groups_inside_of_a_part_are_hidden_together_with_those_of_other_parts(project):
    shop(project, {"north": (60, 60), "south": (60, 50), "east": (60, 40)})
    east = project.rows("orders")
    project.save(
        "orders",
        [
            row
            for row in east
            if not (
                row["customer_id"].startswith("east")
                and int(row["customer_id"].split("-")[1]) % 2
                and int(row["customer_id"].split("-")[1]) > 10
            )
        ],
    )
    project.open()
    groups = {
        region: {
            dict(one.group)["tier"]: one.n
            for one in crm.breakdown("aov", north(project, f"region={region}"), by="tier").estimates
        }
        for region in ("north", "south", "east")
    }
    assert groups["east"] == {"gold": 0, "basic": 0}, "few gold ones bought, and basic ones are the rest of the part"
    assert groups["south"] == {"gold": 0, "basic": 0}, "or the whole less north and south would tell of them"
    assert groups["north"] == {"gold": 30, "basic": 30}
    assert all("region" not in data.segments for data in (north(project),))


@pytest.mark.parametrize("nameless", [4, 40])
def test_rows_that_name_no_customer_are_not_what_the_parts_leave_of_the_whole(project, nameless):
    """They are in the whole and in no part: where they are few, a part is hidden, or the whole less all parts would tell of them."""
    shop(project, {"north": (60, 60), "south": (50, 50)})
    named = [row["customer_id"] for row in project.rows("customers")]
    rows = [
        {
            "feedback_id": f"f{place}",
            "customer_id": one,
            "at": "2025-11-01 10:00",
            "sentiment": "positive" if one and place % 3 else "negative",
        }
        for place, one in enumerate([*named, *[""] * nameless])
    ]
    project.save("feedback", rows)
    project.open()
    parts = [crm.measure("negative_feedback_share", north(project, f"region={name}")) for name in ("north", "south")]
    told = [one for one in parts if one.value is not None]
    assert len(told) == (1 if nameless < 10 else 2)
