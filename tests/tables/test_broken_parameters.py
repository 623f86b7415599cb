"""Parameters files and keys that are broken; and everything that is wrong said together."""

import pytest

import crmtools as crm
from crmtools import DataError, SettingsError
from crmtools.tables.source import open_settings

from .breaking import Cases, assert_one_clear_error

CASES = Cases()
broken = CASES.broken


# ---- the parameters file


@broken("mine.yml is not valid YAML", "line 5", error=SettingsError)
def yaml_that_is_none(p):
    p.written = "report:\n  title: x\n  as_of: [\nsource:\n"


@broken("mine.yml must hold keys", "found str", error=SettingsError)
def yaml_that_holds_only_a_text(p):
    p.written = "report"


@broken("cannot be read as UTF-8", error=SettingsError)
def parameters_in_gbk(p):
    p.open()
    for folder in (p.root / ".crmtools" / "snapshots").iterdir():
        if folder.name != "earlier":
            folder.rename(p.root / folder.name)
    p.open = lambda: crm.open(p.parameters)
    p.parameters.write_bytes("report: {title: 我的}".encode("gb18030"))


@broken("mine.yml:7 · report.segmnts", "unknown key", "Did you mean 'segments'?", error=SettingsError)
def unknown_key(p):
    p.report(segmnts=p.settings["report"].pop("segments"))


@broken("report.period" * 0 + "report", "2025-Q4 ends on 2025-12-31, after as_of 2025-11-30", error=SettingsError)
def period_that_is_not_over(p):
    p.report(as_of="2025-11-30")


@broken("report.time_zone", "Asia/Peking", "no such time zone", "Asia/Shanghai", error=SettingsError)
def unknown_time_zone(p):
    p.report(time_zone="Asia/Peking")


@broken("report.currency", "'RMB¥'", "ISO 4217", error=SettingsError)
def unknown_currency(p):
    p.report(currency="RMB¥")


@broken("report.segments · regoin", "customers have no column 'regoin'", "region")
def unknown_segment(p):
    p.report(segments=["regoin"])


@broken("report.segments · email", "'email' is personal")
def personal_segment(p):
    p.report(segments=["email"])


@broken("report.segments · acquired_at", "no category")
def day_as_segment(p):
    p.report(segments=["acquired_at"])


@broken("report.segments · region", "no table customers that could have it")
def segment_without_customers(p):
    p.only("orders", "fx_rates")


@broken("source.tables.customers.derive", "no orders to derive customers from")
def customers_derived_from_nothing(p):
    p.only("fx_rates")
    p.report(segments=[])
    p.how("customers", derive="orders")


@broken("source.tables.customers.lists.vip", "there is no file 'data/vip.txt'")
def list_that_is_not_there(p):
    p.how("customers", lists={"vip": {"file": "data/vip.txt"}})


@broken("source.tables.customers.lists.region", "have a column 'region' already")
def list_named_like_a_column(p):
    p.write("vip.txt", "C01\n")
    p.how("customers", lists={"region": {"file": "data/vip.txt"}})


@broken("source.tables.customers.lists.VIP", "have a column 'VIP' already")
def lists_of_the_same_name_but_for_case(p):
    p.write("vip.txt", "C01\n")
    p.how("customers", lists={"vip": {"file": "data/vip.txt"}, "VIP": {"file": "data/vip.txt"}})


@broken("source.tables.customers.lists.vip", "'data/vip.txt' is not text in the encoding", "encoding: gb18030")
def gbk_list_read_as_utf8(p):
    p.write("vip.txt", "C01 王小明\n".encode("gb18030"))
    p.how("customers", lists={"vip": {"file": "data/vip.txt"}})


@broken("source.tables.customers.lists.vip", "there is no encoding 'utf-9'", "gb18030")
def list_in_an_encoding_that_is_not_there(p):
    p.write("vip.txt", "C01\n")
    p.how("customers", lists={"vip": {"file": "data/vip.txt", "encoding": "utf-9"}})


@broken("goals[0].target", "points the wrong way", "nps is better when higher", error=SettingsError)
def goal_in_the_wrong_direction(p):
    p.goal(target={"points": -5})


@broken("goals[0].indicator", "no indicator 'npss'", "Did you mean 'nps'?", error=SettingsError)
def goal_of_an_unknown_indicator(p):
    p.goal(indicator="npss")


@broken("definitions.churn_rate.grace", "no assumption 'grace'", "Did you mean 'grace_days'?", error=SettingsError)
def unknown_assumption(p):
    p.settings["definitions"] = {"churn_rate": {"grace": 30}}


@broken("definitions.churn_rate.grace_days", "must be a", "30", "'thirty'", error=SettingsError)
def assumption_of_the_wrong_type(p):
    p.settings["definitions"] = {"churn_rate": {"grace_days": "thirty"}}


@broken("keep_personal", "no personal column", "customers.email", error=SettingsError)
def personal_column_that_is_none(p):
    p.settings["source"]["keep_personal"] = {"customers.emails": "we mail them"}


@broken(
    "tables.orders.columns", "'orderd_at' is no column of orders", "Did you mean 'ordered_at'?", error=SettingsError
)
def map_to_a_column_that_is_not_there(p):
    p.how("orders", columns={"channel": "orderd_at"})


# ---- the key


@broken("pseudonym.key cannot be read", "CRMTOOLS_PSEUDONYM_KEY", "another pseudonym")
def key_that_is_a_folder(p):
    (p.root / ".crmtools" / "pseudonym.key").mkdir()


@broken("pseudonym.key cannot be read", "it is no text")
def key_that_is_no_text(p):
    (p.root / ".crmtools" / "pseudonym.key").write_bytes(b"\xff" * 64)


@broken("pseudonym.key holds no key", "pseudonyms will then change")
def key_that_is_empty(p):
    (p.root / ".crmtools" / "pseudonym.key").write_text("\n")


@pytest.mark.parametrize(("breaks", "words", "error"), CASES)
def test_one_clear_error_and_nothing_left_behind(project, breaks, words, error) -> None:
    assert_one_clear_error(project, breaks, words, error)


def test_everything_is_said_at_once(whole) -> None:
    project = whole
    project.write("tickets.csv", "")
    project.change("orders", 1, net_amount="much")
    project.change("orders", 2, customer_id="C99")
    project.rename("spend", category="kategorie")
    project.change("invoices", 1, due_at="soon")
    project.report(segments=["regoin"])
    with pytest.raises(DataError) as caught:
        project.open()
    assert {problem.place for problem in caught.value.problems} == {
        "tickets.csv", "orders.csv · net_amount", "orders.csv · customer_id", "spend.csv · category",
        "invoices.csv · due_at", "report.segments · regoin",
    }  # fmt: skip
    assert str(caught.value).count("Nothing was run") == 1


def test_a_broken_parent_does_not_make_orphans_of_its_children(project) -> None:
    project.write("customers.csv", "")
    with pytest.raises(DataError) as caught:
        project.open()
    assert [problem.place for problem in caught.value.problems] == ["customers.csv"]


def test_a_broken_rate_table_does_not_accuse_the_amounts(project) -> None:
    project.write("fx_rates.csv", "")
    with pytest.raises(DataError) as caught:
        project.open()
    assert [problem.place for problem in caught.value.problems] == ["fx_rates.csv"]


def test_after_mending_it_opens(project) -> None:
    whole = project.text("orders")
    project.change("orders", 1, net_amount="much")
    with pytest.raises(DataError):
        project.open()
    project.write("orders.csv", whole)
    data = project.open()
    assert len(project.snapshots) == 1
    assert open_settings(data.settings).fingerprint == data.fingerprint
