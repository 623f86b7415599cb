"""The pages that a run writes itself, as Markdown: definitions, what can be computed, failures."""

from collections.abc import Mapping, Sequence

from crmtools import formats
from crmtools.errors import RunError
from crmtools.indicators import CATALOGUE, DIMENSIONS, OWNERS, Indicator
from crmtools.readiness import Readiness
from crmtools.report.blocks import STATES, box, facts, flat, link
from crmtools.report.changes_page import changes_page
from crmtools.report.engine import Outcome
from crmtools.report.last_good import LastGood
from crmtools.report.manifest import Manifest
from crmtools.report.notebooks import escape
from crmtools.report.numbers import Numbers
from crmtools.report.plan import GENERATED, Entry, Plan
from crmtools.report.provenance import provenance_page
from crmtools.report.reading_lists import READING_LISTS
from crmtools.report.reading_pages import dimension_page, reading_list_page
from crmtools.report.stamps import stamp
from crmtools.show.readiness_views import advice, ready_of
from crmtools.words import Language, Text, word

PLAIN_WORDS: dict[str, Text] = {
    "failed": Text(
        "计算本页时出错，因此本页没有结果。",
        "The calculation of this page ended with an error, so it has no results.",
    ),
    "timed_out": Text(
        "计算本页用时超过允许的时间，已停止，因此本页没有结果。",
        "The calculation of this page took longer than it may and was stopped, so it has no results.",
    ),
    "killed": Text(
        "计算本页的进程意外结束（例如内存不足），因此本页没有结果。",
        "The process that calculated this page ended unexpectedly, for lack of memory perhaps, so it has no results.",
    ),
}
OTHERS_HOLD = Text("其他页面不受影响。", "The other pages are not affected.")
WHERE = Text("出错位置：笔记本 {file}", "Where: notebook {file}")
WHERE_CELL = Text("出错位置：笔记本 {file}，第 {cell} 个单元格", "Where: notebook {file}, cell {cell}")
LOG = Text("完整记录：运行 {run} 的 {file}。", "The full record is in {file} of run {run}.")
STILL = Text("该数值本身已算出：{value}。", "The number itself could be computed: {value}.")
SOME_FAILED = Text("本次运行中，以下页面没有结果：", "These pages have no results in this run:")
CANNOT = Text("该指标无法计算：{why}。", "This indicator cannot be computed: {why}.")
NONE = Text("（无）", "none")
LONGEST = 1200


def failure_page(
    entry: Entry,
    outcome: Outcome,
    numbers: Numbers,
    manifest: Manifest,
    language: Language,
    before: LastGood | None = None,
) -> str:
    """The page of a notebook that failed: what and why in plain words, where, no traceback, and what it had ``before``."""
    said = [f"<p><strong>{PLAIN_WORDS[outcome.state].to(language)}</strong> {OTHERS_HOLD.to(language)}</p>"]
    if (now := numbers.headline(entry.indicator)) and now.value is not None:
        unit, currency = CATALOGUE[now.indicator].unit, str(manifest.data["currency"])
        value = formats.with_interval(now.value, now.low, now.high, unit, language, currency)
        said.append(f"<p>{flat(STILL.to(language, value=value))}</p>")
    elif before:
        said.append(f"<p>{flat(before.said(language))}</p>")
    if failure := outcome.failure:
        where = WHERE_CELL if failure.cell else WHERE
        said.append(f"<p>{flat(where.to(language, file=outcome.job.notebook.name, cell=failure.cell))}</p>")
        message = f"{failure.name}: {failure.message}"
        shortened = message if len(message) <= LONGEST else f"{message[:LONGEST]} …"
        said.append(f"<p><code>{flat(shortened)}</code></p>")
    log = flat(f"logs/{outcome.log.name}")
    said.append(f"<p>{LOG.to(language, file=log, run=stamp('run', manifest.run_id).code)}</p>")
    return f"# {escape(entry.title.to(language))}\n\n{box(*said)}"


def banner(failed: Sequence[tuple[Entry, Outcome]], language: Language) -> str:
    """What the first page says when pages have no results."""
    colon = word("colon", language)
    items = "".join(
        f"<li>{link(entry.slug, entry.title.to(language)).code}{colon}{STATES[outcome.state].to(language)}</li>"
        for entry, outcome in failed
    )
    return box(f"<p><strong>{SOME_FAILED.to(language)}</strong></p>", f"<ul>{items}</ul>")


def unavailable_page(entry: Entry, ready: Readiness, language: Language) -> str:
    """The page of a goal's indicator that cannot be computed: why, and what to do."""
    meaning = CATALOGUE[entry.indicator].meaning.to(language)
    why = ready.why.to(language) if ready.why else ""
    said = [CANNOT.to(language, why=why), advice(ready, language)]
    paragraphs = "".join(f"<p>{flat(text)}</p>\n" for text in said if text)
    return f"# {escape(entry.title.to(language))}\n\n{escape(meaning)}\n\n{paragraphs}"


def definitions_page(
    in_force: Mapping[str, Mapping[str, object]], sources: Mapping[str, str], language: Language
) -> str:
    """Every indicator of the catalogue: name, meaning, formula, and how it is made."""
    lines = [f"# {GENERATED['definitions'].to(language)}"]
    for dimension, name in DIMENSIONS.items():
        items = [item for item in CATALOGUE.values() if item.dimension == dimension]
        if items:
            lines.append(f"## {escape(name.to(language))}")
            lines += [_definition(item, in_force[item.id], sources, language) for item in items]
    return "\n\n".join(lines) + "\n"


def _definition(item: Indicator, in_force: Mapping[str, object], sources: Mapping[str, str], language: Language) -> str:
    colon = word("colon", language)
    assumptions = [
        (key if value == "" else f"{key} = {value}") + colon + item.assumption_words[key].to(language)
        for key, value in in_force.items()
    ]
    tables = item.tables_with(in_force)
    used = [f"{name} ({', '.join(column for column, _ in item.columns(name))})" for name in tables]
    rows: list[tuple[str, object]] = [
        (word("unit", language), item.unit.name.to(language)),
        (Text("方向", "Direction").to(language), word(item.better, language)),
        (Text("类型", "Kind").to(language), item.kind.label.to(language)),
        (word("owner", language), OWNERS[item.owner].to(language)),
        (word("assumptions", language), "\n".join(assumptions) or NONE.to(language)),
        (Text("所用数据", "Data").to(language), "\n".join(used)),
        (Text("注意", "Caveat").to(language), item.caveat.to(language)),
        (word("source", language), sources.get(item.source, item.source)),
    ]
    name, meaning = escape(item.name.to(language)), escape(item.meaning.to(language))
    return f"### {name}\n\n{meaning}\n\n$$\n{item.formula}\n$$\n\n{facts(rows)}"


def readiness_page(plan: Plan, language: Language) -> str:
    """Every indicator with its state, what it lacks and how full its columns are; the cheapest gains first."""
    shown = ready_of(plan.readiness, language=language, links=plan.links)
    return f"# {GENERATED['readiness'].to(language)}\n\n{shown.html}\n"


def generated_page(
    entry: Entry,
    plan: Plan,
    *,
    numbers: Numbers,
    manifest: Manifest,
    outcomes: Sequence[Outcome],
    in_force: Mapping[str, Mapping[str, object]],
    sources: Mapping[str, str],
    language: Language,
) -> str:
    """The Markdown of a page that is neither a notebook nor written by hand."""
    if entry.indicator:
        return unavailable_page(entry, plan.readiness[entry.indicator], language)
    states = {one.job.slug: one.state for one in outcomes if one.job.language == language}
    if entry.dimension:
        return dimension_page(entry, plan, numbers, states, language)
    if entry.slug in READING_LISTS:
        return reading_list_page(entry, plan, numbers, states, language)
    match entry.slug:
        case "definitions":
            return definitions_page(in_force, sources, language)
        case "readiness":
            return readiness_page(plan, language)
        case "changes":
            return changes_page(plan, numbers, manifest, in_force, language)
        case "provenance":
            return provenance_page(plan, manifest, outcomes, language)
    raise RunError(f"The plan has a page '{entry.slug}' that nobody writes.")
