"""Pages that set indicators side by side: the indicators of a dimension, and the lists of the source articles."""

from collections.abc import Mapping

from crmtools.indicators import CATALOGUE, Indicator
from crmtools.measuring import Trend
from crmtools.report.blocks import Html, chip, flat, link, table
from crmtools.report.notebooks import escape as markdown
from crmtools.report.numbers import Numbers
from crmtools.report.plan import Entry, Plan, chosen
from crmtools.report.reading_lists import READING_LISTS, Item
from crmtools.show import sentences
from crmtools.show.card_views import indicator_card, plain_card
from crmtools.show.display import tag
from crmtools.show.readiness_views import state_chip
from crmtools.words import Language, Text, word

ASKED, ANSWERED = Text("文章所列", "The article's item"), Text("本报告中的数字", "Numbers of this report")
NOT_CHOSEN = Text("不在本报告范围内", "not part of this report")
UNKNOWN = Text("目录中没有这项指标", "the catalogue has no such indicator")
NO_PAGE = Text("本报告没有“{title}”一章：{why}", "This report has no chapter “{title}”: {why}")
SEE = Text("另见：{page}", "See {page}")
RAN = ("ok", "cached")


def dimension_page(entry: Entry, plan: Plan, numbers: Numbers, states: Mapping[str, str], language: Language) -> str:
    """The indicators of one dimension side by side; those that cannot be computed are dimmed and say what they lack."""
    wanted = chosen(plan.settings)
    cards = [
        _card(item, plan, numbers, states, language)
        for item in CATALOGUE.values()
        if item.dimension == entry.dimension and item.id in wanted
    ]
    return f"# {markdown(entry.title.to(language))}\n\n" + tag("div", "\n".join(cards), class_="crm-cards") + "\n"


def _card(item: Indicator, plan: Plan, numbers: Numbers, states: Mapping[str, str], language: Language) -> str:
    ready, href = plan.readiness[item.id], plan.links.get(item.id, "")
    if ready.why is not None:
        return plain_card(
            item, state_chip(ready.state, language), ready.why.to(language), language, href=href, dimmed=True
        )
    state = states.get(item.id, "skipped")
    failed = "" if state in RAN else chip(state, language).code
    own = numbers.of(item.id)
    if not own:
        return plain_card(item, failed, "", language, href=href)
    shown = indicator_card(
        item, own.now, own.year_ago, Trend(item, own.trend), language, href=href, below=item.meaning, chip_before=failed
    )
    return shown.html


def reading_list_page(entry: Entry, plan: Plan, numbers: Numbers, states: Mapping[str, str], language: Language) -> str:
    """A list of an article: every item, what it asks, and the numbers or pages that answer it."""
    reading_list = READING_LISTS[entry.slug]
    rows = [
        [_asked(place, item, language), _answers(item, plan, numbers, states, language)]
        for place, item in enumerate(reading_list.items, start=1)
    ]
    head = [ASKED.to(language), ANSWERED.to(language)]
    return (
        f"# {markdown(reading_list.title.to(language))}\n\n{markdown(reading_list.intro.to(language))}\n\n"
        f"{table(head, rows)}\n"
    )


def _asked(place: int, item: Item, language: Language) -> Html:
    name = f"{place}{'．' if language == 'zh' else '. '}{item.name.to(language)}"
    return Html(f"<b>{flat(name)}</b>{tag('small', flat(item.asks.to(language)))}")


def _answers(item: Item, plan: Plan, numbers: Numbers, states: Mapping[str, str], language: Language) -> Html:
    lines = [_indicator(name, plan, numbers, states, language) for name in item.indicators]
    lines += [_page(slug, plan, language) for slug in item.pages]
    return Html("".join(tag("div", line) for line in lines if line))


def _indicator(name: str, plan: Plan, numbers: Numbers, states: Mapping[str, str], language: Language) -> str:
    """An indicator with its value and interval, or the reason why it has none."""
    if name not in CATALOGUE:
        return tag("code", flat(name)) + tag("small", flat(UNKNOWN.to(language)))
    label, why = CATALOGUE[name].name.to(language), plan.readiness[name].why
    shown = link(name, label).code if name in plan.links else flat(label)
    if why is not None:
        return shown + tag("small", flat(why.to(language)))
    if name not in plan.links:
        return shown + tag("small", flat(NOT_CHOSEN.to(language)))
    now = numbers.headline(name)
    state = states.get(name, "skipped")
    failed = "" if state in RAN else f" {chip(state, language).code}"
    if now is None:
        return shown + failed
    if sentences.known(now.value) is None:
        return shown + failed + tag("small", flat(sentences.why(now, language)))
    value, sure = sentences.value_of(now, language), sentences.certainty(now, language)
    return f"{shown}{word('colon', language)}<b>{flat(value)}</b>{failed}{tag('small', flat(sure))}"


def _page(slug: str, plan: Plan, language: Language) -> str:
    """A page of the book that answers an item, or why this report lacks it."""
    for entry in plan.entries:
        if entry.slug == slug:
            return SEE.to(language, page=link(slug, entry.title.to(language)).code)
    left = next((entry for entry in plan.left_out if entry.slug == slug and entry.skipped), None)
    if left is None or left.skipped is None:
        return ""
    said = NO_PAGE.to(language, title=left.title.to(language), why=left.skipped.to(language))
    return tag("small", flat(said))
