"""Pages that set indicators side by side: the lists of the source articles, and the indicators of a dimension."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from small_report import write_notebooks, write_report

from crmtools.indicators import CATALOGUE
from crmtools.parameters import load
from crmtools.readiness import STATES
from crmtools.report import pages
from crmtools.report.manifest import new_run_id, start
from crmtools.report.numbers import Numbers, compute
from crmtools.report.plan import CHAPTERS, GENERATED, WRITTEN, plan
from crmtools.report.reading_lists import READING_LISTS
from crmtools.report.reading_pages import dimension_page, reading_list_page
from crmtools.show import sentences
from crmtools.show.card_views import on_a_year_ago
from crmtools.tables.source import open_settings
from crmtools.words import LANGUAGES, Text

# pyarrow asks pandas for an option that pandas 3 has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")

NAMED = re.findall(r"\w+", """
    csat_mean csat_top2 csat_index ces_mean servqual_gap service_quality_expert brand_perception_index nps
    repeat_purchase_rate retention_rate cohort_retention repurchase_interval referral_rate loyalty_active_rate
    churn_rate inactivity_rate revenue_churn nrr expected_churn_share at_risk_share winback_rate
    warning_precision_at_k revenue_per_customer purchase_frequency usage_rate customer_margin clv_historic
    clv_expected relationship_value_index cac clv_cac_ratio lead_conversion_rate stage_conversion_rate
    sales_cycle campaign_roi retention_cost cost_to_serve_ratio first_response_time resolution_time
    sla_attainment first_contact_resolution overdue_open_share complaint_rate complaint_on_time
    interaction_frequency interaction_decline survey_response_rate feedback_closure_rate
    negative_feedback_share coding_agreement dso overdue_ratio roll_rate default_rate bad_debt_ratio
    expectation_met_rate aov revenue_concentration cac_payback cost_per_ticket reopen_rate backlog
    contact_coverage on_time_payment_rate segment_stability crm_data_quality
""")  # fmt: skip
"""The indicators that the two articles and their extensions call for."""
OK = dict.fromkeys(CATALOGUE, "ok")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The tiny company without tickets, with every indicator: plan and numbers."""
    folder = tmp_path_factory.mktemp("reading")
    write_notebooks(folder / "notebooks")
    settings = load(write_report(folder))
    settings = settings.model_copy(update={"report": settings.report.model_copy(update={"indicators": None})})
    (folder / "data" / "tiny" / "tickets.csv").unlink()
    data = open_settings(settings)
    planned = plan(settings, data)
    now = datetime(2026, 1, 5, 6, tzinfo=UTC)
    return planned, compute(planned, data), start(settings, data, run_id=new_run_id(now), now=now, stages={})


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.text, self.classes = {}, [], []
        self._href = None

    def handle_starttag(self, tag, attrs):
        self._href = dict(attrs).get("href")
        self.classes.append(dict(attrs).get("class"))

    def handle_endtag(self, tag):
        self._href = None

    def handle_data(self, data):
        self.text.append(data)
        if self._href:
            self.links[self._href] = data


def seen(page):
    parser = _Links()
    parser.feed(MarkdownIt("commonmark").render(page))
    return parser, "".join(parser.text)


def entry_of(planned, slug):
    return next(entry for entry in planned.entries if entry.slug == slug)


def test_every_list_has_the_items_of_its_article():
    assert {slug: len(one.items) for slug, one in READING_LISTS.items()} == {
        "core_three": 3, "ten_indicators": 10, "fifteen_risks": 15,
    }  # fmt: skip
    for one in READING_LISTS.values():
        for item in one.items:
            assert item.indicators or item.pages, item.name.en
            assert set(item.indicators) <= set(NAMED)
            assert set(item.pages) <= {*CHAPTERS, *WRITTEN, *GENERATED}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("slug", READING_LISTS)
def test_a_list_leads_to_every_indicator_that_has_a_page(made, slug, language):
    planned, numbers, _ = made
    page = reading_list_page(entry_of(planned, slug), planned, numbers, OK, language)
    parser, text = seen(page)
    for item in READING_LISTS[slug].items:
        assert item.name.to(language) in text
        assert item.asks.to(language) in text
        for name in item.indicators:
            if name in planned.links:
                assert parser.links[f"{name}.html"] == CATALOGUE[name].name.to(language)
                now = numbers.headline(name)
                assert (sentences.value_of(now, language) if now.value is not None else now.why.to(language)) in text
            elif name in CATALOGUE:
                assert planned.readiness[name].why.to(language) in text
            else:
                assert name in text
    assert "\n\n" not in page.split("\n\n", 2)[2].strip(), "a blank line would end the block"


def test_mechanisms_lead_to_chapters_or_say_why_there_is_none(made):
    planned, numbers, _ = made
    parser, text = seen(reading_list_page(entry_of(planned, "fifteen_risks"), planned, numbers, OK, "en"))
    assert parser.links["goals.html"] == "Goals"
    assert parser.links["readiness.html"] == "What can be computed"
    assert "no chapter “Data quality”: skipped because there is no notebook data_quality.ipynb" in text


def test_an_indicator_that_is_not_reported_or_unknown_is_named_without_a_link(made, monkeypatch):
    planned, numbers, _ = made
    entries = tuple(entry for entry in planned.entries if entry.indicator != "nps")
    few = replace(planned, entries=entries)
    parser, text = seen(reading_list_page(entry_of(few, "core_three"), few, numbers, OK, "en"))
    assert "nps.html" not in parser.links
    assert "Net Promoter Scorenot part of this report" in text
    core = READING_LISTS["core_three"]
    strange = replace(core, items=(replace(core.items[0], name=Text("甲<b>", "A<b>"), indicators=("no_such",)),))
    monkeypatch.setattr("crmtools.report.reading_pages.READING_LISTS", {"core_three": strange})
    _, text = seen(reading_list_page(entry_of(planned, "core_three"), planned, numbers, OK, "en"))
    assert "no_suchthe catalogue has no such indicator" in text
    assert "1. A<b>" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_dimension_sets_its_indicators_side_by_side(made, language):
    planned, numbers, _ = made
    page = dimension_page(entry_of(planned, "satisfaction"), planned, numbers, OK, language)
    parser, text = seen(page)
    names = [item.id for item in CATALOGUE.values() if item.dimension == "satisfaction"]
    assert parser.classes.count("crm-cards") == 1
    assert sum((one or "").startswith("crm-card ") or one == "crm-card" for one in parser.classes) == len(names)
    for name in names:
        if planned.readiness[name].why is None:
            own = numbers.of(name)
            assert parser.links[f"{name}.html"] == CATALOGUE[name].name.to(language)
            assert sentences.certainty(own.now, language) in text
            assert on_a_year_ago(own.now, own.year_ago, language)[0] in text
            assert "<svg" in page
    assert "\n\n" not in page.split("\n\n", 1)[1].strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cannot_be_computed_is_dimmed_and_says_why(made, language):
    planned, numbers, _ = made
    page = dimension_page(replace(entry_of(planned, "loyalty"), dimension="service"), planned, numbers, OK, language)
    parser, text = seen(page)
    lacking = [i for i in CATALOGUE.values() if i.dimension == "service" and planned.readiness[i.id].why is not None]
    assert "backlog" in {item.id for item in lacking}
    assert parser.classes.count("crm-card crm-dimmed") == len(lacking)
    for item in lacking:
        assert planned.readiness[item.id].why.to(language) in text
        assert f"{item.id}.html" not in parser.links
    assert STATES["missing"].to(language) in text


def test_a_page_that_failed_is_marked_and_keeps_its_number(made):
    planned, numbers, _ = made
    entry = entry_of(planned, "loyalty")
    _, text = seen(dimension_page(entry, planned, numbers, {**OK, "nps": "failed"}, "en"))
    assert "failed" in text
    assert "+22" in text
    _, text = seen(dimension_page(entry, planned, Numbers(), {**OK, "nps": "timed_out"}, "en"))
    assert "timed out" in text
    assert "+22" not in text


def test_numbers_of_an_indicator_are_told_apart(made):
    planned, numbers, _ = made
    own, period = numbers.of("nps"), planned.settings.report.period
    assert (own.now.period, own.previous.period, own.year_ago.period) == (period, period.previous(), period.year_ago())
    assert len(own.trend) == planned.settings.report.trend_length
    assert own.trend[-1] == own.now
    assert not any(estimate.group for estimate in own.trend)
    assert numbers.of("backlog") is None


@pytest.mark.parametrize("slug", READING_LISTS)
def test_a_run_writes_the_lists(made, slug):
    planned, numbers, manifest = made
    page = pages.generated_page(
        entry_of(planned, slug),
        planned,
        numbers=numbers,
        manifest=manifest,
        outcomes=(),
        in_force={},
        sources={},
        language="en",
    )
    assert page.startswith(f"# {READING_LISTS[slug].title.en}\n")
