"""Readiness as readers see it: every indicator once, what it lacks, the cheapest gains, in both languages."""

from dataclasses import replace

import pytest

from crmtools import show
from crmtools.indicators import CATALOGUE
from crmtools.readiness import STATES, gains, readiness
from crmtools.show.readiness_views import advice, ready_of
from crmtools.words import LANGUAGES, Text

from .pages import HOSTILE

# ibis 12 asks pandas 3 for an option that it has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


@pytest.fixture(scope="module")
def poor(tiny):
    """The tiny company without tickets."""
    return replace(tiny, tables={name: table for name, table in tiny.tables.items() if name != "tickets"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_indicator_has_a_row_with_what_it_lacks(poor, language, read):
    found = readiness(poor)
    shown = show.ready(poor, language=language)
    page = read(shown.to_html())
    lacking = [one for one in found.values() if one.state == "missing"]
    assert lacking
    assert len(list(page.all("details"))) == len(lacking)
    assert all(one.indicator.name.to(language) in page.text for one in found.values())
    assert page.text.count(f"✔ {STATES['computable'].to(language)}") == sum(
        one.state == "computable" for one in found.values()
    )
    can = sum(one.state == "computable" for one in found.values())
    assert str(can) in shown.text.splitlines()[0]
    assert str(len(CATALOGUE)) in shown.text.splitlines()[0]
    assert len(shown.text.splitlines()) == 1 + len(gains(found)) + len(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_cheapest_gains_come_first(poor, language, read):
    step = gains(readiness(poor))[0]
    shown = show.ready(poor, language=language)
    assert shown.text.splitlines()[1].split("tickets")[1].strip("：: ").startswith(("新增 ", str(len(step.indicators))))
    first_table = shown.html[: shown.html.index("</table>")]
    assert "<code>tickets</code>" in first_table
    assert all(item.name.to(language) in first_table for item in step.indicators)
    assert shown.html.count('class="crm-scroll"') == shown.html.count("<table") == 2, "tables scroll on a phone"


def test_with_everything_there_is_nothing_to_gain(tiny):
    found = {name: one for name, one in readiness(tiny).items() if one.state == "computable"}
    shown = ready_of(found, language="en")
    assert shown.html.count("<table") == 1
    assert "Cheapest" not in shown.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_advice_is_a_sentence_that_counts_the_others(poor, language):
    found = readiness(poor)
    lacking = [one for one in found.values() if one.state == "missing"]
    for one in lacking:
        said = advice(one, language)
        assert said.startswith({"en": "Export the table tickets", "zh": "导出数据表 tickets"}[language])
        assert str(len(lacking) - 1) in said
        assert said.endswith({"en": ".", "zh": "。"}[language])
    assert all(not advice(one, language) for one in found.values() if one.state != "missing")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_waits_says_for_what(tiny, language, read):
    waiting = replace(CATALOGUE["nps"], waits_for=Text(HOSTILE, HOSTILE))
    shown = ready_of(readiness(tiny, [waiting]), language=language, links={"nps": "nps.html"})
    page = read(shown.to_html())
    assert STATES["waits"].to(language) in page.text
    assert HOSTILE in page.text
    assert [attributes["href"] for attributes in page.all("a")] == ["nps.html"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_gaps_of_needed_columns_are_shown(tiny, language, read):
    reports = tuple(
        replace(item, filled={**item.filled, "amount": 0.99999, "due_at": 0.25}) if item.table == "invoices" else item
        for item in tiny.door.tables
    )
    gappy = replace(tiny, door=replace(tiny.door, tables=reports))
    page = read(ready_of(readiness(gappy, [CATALOGUE["overdue_ratio"]]), language=language).to_html())
    text = page.text.replace("\u00a0", "").replace(" ", "")
    assert text.index("invoices.due_at25.0%") < text.index("invoices.amount99.9%"), "emptiest first, never 100 %"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_definition_says_how_to_get_what_is_missing(poor, language, read):
    page = read(show.definition("backlog", poor, language=language).to_html())
    assert advice(readiness(poor)["backlog"], language) in page.text
    assert "details" not in {name for name, _ in page.tags}, "there is no query"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_definition_of_what_waits_has_no_query(tiny, language, read):
    waiting = replace(CATALOGUE["nps"], waits_for=Text("尚无名单", "no list is kept"), excludes=())
    page = read(show.definition(waiting, tiny, language=language).to_html())
    assert waiting.waits_for.to(language) in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_definition_tells_tier_and_closed_choices(tiny, language, read):
    item = replace(
        CATALOGUE["churn_rate"],
        tier="extension",
        assumptions={"grace_days": 30, "base": "start"},
        choices={"base": ("start", "mean")},
        assumption_words={**CATALOGUE["churn_rate"].assumption_words, "base": Text("分母", "whom to divide by")},
        facts=lambda subscriptions, periods, *, grace_days, base: CATALOGUE["churn_rate"].facts(
            subscriptions, periods, grace_days=grace_days
        ),
    )
    page = read(show.definition(item, tiny, language=language).to_html())
    assert {"en": "; one of start, mean", "zh": "；可选：start、mean"}[language] in page.text
    assert {"en": "beyond the two source articles", "zh": "源文章之外"}[language] in page.text
    core = read(show.definition("churn_rate", tiny, language=language).to_html()).text
    assert {"en": "named in the two", "zh": "两篇源文章所列"}[language] in core
