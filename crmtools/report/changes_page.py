"""The page "Changes since the last report": every difference with what it is laid to, and numbers revised since."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from crmtools import formats
from crmtools.errors import RunError
from crmtools.indicators import CATALOGUE
from crmtools.report import change_words as words
from crmtools.report.blocks import Html, box, flat, link, table
from crmtools.report.changes import Changes, changes
from crmtools.report.collected import readings_of
from crmtools.report.differences import CAUSES, Moved, all_causes
from crmtools.report.manifest import Manifest
from crmtools.report.marks import definition_marks
from crmtools.report.notebooks import escape
from crmtools.report.numbers import Numbers
from crmtools.report.plan import GENERATED, Plan
from crmtools.report.revisions import Revision
from crmtools.words import Language, Text, word

FIRST = Text(
    "运行历史中没有更早的报告：没有可以比较的内容。",
    "The history holds no earlier report: there is nothing to compare with.",
)
BEFORE = Text(
    "上一份报告：{period}，数据截至 {day}，{made}运行（{run}）。",
    "The report before this one: {period}, data as of {day}, made on {made} ({run}).",
)
SAME_PERIOD = Text(
    "两份报告的期间相同，因此差异均非实际变化。",
    "Both are about the same period: no difference between them is reality.",
)
COUNTED = Text("有差异的数值，按原因：{counts}。", "Numbers that differ, by what they are laid to: {counts}.")
NONE_DIFFER = Text("两份报告的数值完全相同。", "All numbers of both reports are the same.")
HOW = Text(
    "“数据修订”“定义变化”“代码变化”指上一份报告的期间现在重新计算后与当时不同的部分；其余为实际变化。若几项同时改变，则无法区分。",
    "Data revision, definition and code are what the period of the report before is revised by, measured again now; the rest "
    "is reality. Where several of them changed at once they cannot be told apart.",
)
DIFFERS: dict[str, Text] = {
    "data": Text("源数据文件", "the source files"),
    "reading": Text("数据的读取方式（参数文件）", "how the source is read (parameters file)"),
    "code": Text("程序代码或所用软件库", "the code or its libraries"),
}
MADE_OF = Text("与上一份报告相比有变化：{what}。", "Changed since the report before: {what}.")
REDEFINED = Text("定义有变化的指标：{names}。", "Indicators that are defined otherwise: {names}.")
VALUES, GOALS, GROUPS = Text("指标", "Indicators"), Text("目标", "Goals"), Text("客户群", "Groups of customers")
REVISED = Text("首次发布后修订的数值", "Revised since first published")
FIRST_SAID = Text("首次发布", "First published")
CHANGE, BY_REALITY, BY_REVISION = (
    Text("变动", "Change"),
    Text("其中实际变化", "Reality"),
    Text("其中修订", "Revised by"),
)
DUE, REVISED_ON = Text("原因", "Laid to"), Text("修订于", "Revised on")
THIS_RUN = Text("本报告", "this report")
NOW, REPORT_BEFORE = Text("当前", "Now"), Text("上一份报告", "Report before")
HIDDEN = Text(
    "{n} 个客户群在其中一份报告中人数过少，不予比较。",
    "{n} groups are too small in one of the reports and are not compared.",
)
UNCHANGED = Text("{n} 个数值没有变动，未列出。", "{n} numbers did not move and are left out.")
NO_REVISION = Text("没有数值被修订。", "No number was revised.")
MOST = 60
CUT = Text("仅列出前 {most} 项，共 {n} 项。", "The first {most} of {n} are listed.")


def changes_page(
    plan: Plan,
    numbers: Numbers,
    manifest: Manifest,
    in_force: Mapping[str, Mapping[str, object]],
    language: Language,
) -> str:
    """The page in one language; says so where there is no earlier report, or where the history cannot be read."""
    title = f"# {escape(GENERATED['changes'].to(language))}"
    settings = plan.settings
    try:
        found = changes(
            settings.root,
            settings.name,
            run_id=manifest.run_id,
            run_at=manifest.started,
            estimates=numbers.estimates,
            readings=readings_of(numbers),
            definitions=definition_marks(in_force),
            marks=manifest.marks,
            smallest=settings.publish.smallest_group,
        )
    except RunError as error:
        return f"{title}\n\n{box(f'<p>{flat(str(error))}</p>')}"
    zone = ZoneInfo(settings.report.time_zone)
    parts = [
        title,
        *_since(found, plan, numbers, zone, language),
        *_revisions(found.revised, manifest.run_id, zone, language),
    ]
    return "\n\n".join(parts) + "\n"


def _since(found: Changes, plan: Plan, numbers: Numbers, zone: ZoneInfo, language: Language) -> list[str]:
    earlier = found.earlier
    if earlier is None or found.compared is None:
        return [_said(FIRST.to(language))]
    parts = [
        _said(
            BEFORE.to(
                language,
                period=words.period(earlier.period, language),
                day=formats.day(earlier.as_of, language),
                made=formats.day(earlier.run_at.astimezone(zone).date(), language),
                run=earlier.run_id,
            ),
            SAME_PERIOD.to(language) if earlier.period == plan.settings.report.period.id else "",
            _counts(earlier.moved, language),
            HOW.to(language),
        ),
        _said(*_made_of(found, language)),
        *_table(VALUES, found.headlines, plan, language),
        *_goals(found, numbers, plan.settings.report.currency, language),
        *_table(GROUPS, found.groups, plan, language),
    ]
    return [part for part in parts if part]


def _said(*sentences: str) -> str:
    """Paragraphs; what a source holds cannot become Markdown in them."""
    return "\n".join(f"<p>{flat(one)}</p>" for one in sentences if one)


def _counts(moved: Sequence[Moved], language: Language) -> str:
    counts = [
        f"{CAUSES[cause].to(language)}{word('colon', language)}{formats.number(n, language)}"
        for cause, n in all_causes(moved).items()
    ]
    return COUNTED.to(language, counts=word("comma", language).join(counts)) if counts else NONE_DIFFER.to(language)


def _made_of(found: Changes, language: Language) -> list[str]:
    said = []
    if found.differs:
        what = word("list", language).join(DIFFERS[name].to(language) for name in found.differs)
        said.append(MADE_OF.to(language, what=what))
    if found.redefined:
        names = (CATALOGUE[name].name.to(language) for name in found.redefined if name in CATALOGUE)
        said.append(REDEFINED.to(language, names=word("list", language).join(names)))
    return said


def _table(title: Text, moved: Sequence[Moved], plan: Plan, language: Language) -> list[str]:
    """The numbers that differ as a table with its heading; how many are hidden and how many did not move."""
    told = [one for one in moved if one.why.causes]
    hidden = sum(one.hidden for one in moved)
    same = len(moved) - len(told) - hidden
    rest = [HIDDEN.to(language, n=hidden)] if hidden else []
    rest += [UNCHANGED.to(language, n=same)] if same else []
    if not told:
        return [f"## {title.to(language)}", _said(*rest)] if rest else []
    heads = (CHANGE, BY_REALITY, BY_REVISION, DUE)
    before, now = (words.period(getattr(told[0], name), language) for name in ("period_before", "period"))
    if before == now:
        before, now = REPORT_BEFORE.to(language), NOW.to(language)
    head = [word("indicator", language), before, now, *(one.to(language) for one in heads)]
    if len(told) > MOST:
        rest.insert(0, CUT.to(language, most=MOST, n=len(told)))
    return [f"## {title.to(language)}", table(head, [_row(one, plan, language) for one in told[:MOST]]), _said(*rest)]


def _row(one: Moved, plan: Plan, language: Language) -> list[object]:
    name = words.name_of(one.indicator, one.group, language)
    shown: object = link(one.indicator, name) if one.indicator in plan.links else name
    values = [words.value(one.indicator, each, language, one.currency) for each in (one.before, one.now)]
    amounts = [words.amount(one, each, language) for each in (one.change, one.by_reality, one.by_revision)]
    if one.period == one.period_before:
        amounts = [amounts[0], formats.MISSING, amounts[0]]
    return [shown, *map(_number, (*values, *amounts)), words.due_to(one.why, language, matured=one.matured)]


def _number(text: str) -> Html:
    return Html(f'<span style="white-space:nowrap">{flat(text)}</span>')


def _goals(found: Changes, numbers: Numbers, currency: str, language: Language) -> list[str]:
    if found.compared is None or not found.compared.goals:
        return []
    names = {reading.id: reading.goal.name.to(language) for reading in numbers.goals}
    rows = [
        [
            names.get(one.goal, one.goal),
            words.standing(one, language, before=True, currency=currency),
            words.standing(one, language, before=False, currency=currency),
            words.due_to(one.why, language),
        ]
        for one in found.compared.goals
    ]
    head = [word("goal", language), REPORT_BEFORE.to(language), NOW.to(language), DUE.to(language)]
    return [f"## {GOALS.to(language)}", table(head, rows)]


def _revisions(revised: Sequence[Revision], present: str, zone: ZoneInfo, language: Language) -> list[str]:
    """What was first published otherwise than it is known now."""
    title = f"## {REVISED.to(language)}"
    if not revised:
        return [title, _said(NO_REVISION.to(language))]
    rows = []
    for one in revised[:MOST]:
        # the day of this run is no part of what it says: made again tomorrow, the page is the same
        days = dict.fromkeys(
            THIS_RUN.to(language)
            if step.run_id == present
            else formats.day(step.run_at.astimezone(zone).date(), language, short=True)
            for step in one.steps
        )
        first_on = formats.day(one.first_at.astimezone(zone).date(), language, short=True)
        first, now = (words.value(one.indicator, each, language, one.currency) for each in (one.first, one.now))
        matured = any(step.matured for step in one.steps)
        rows.append(
            [
                words.name_of(one.indicator, one.group, language),
                words.period(one.period, language),
                f"{first} ({first_on})" if language == "en" else f"{first}（{first_on}）",
                now,
                word("list", language).join(days),
                words.due_to(one.why, language, matured=matured),
            ]
        )
    heads = (FIRST_SAID, NOW, REVISED_ON, DUE)
    head = [word("indicator", language), word("period", language), *(one.to(language) for one in heads)]
    cut = [_said(CUT.to(language, most=MOST, n=len(revised)))] if len(revised) > MOST else []
    return [title, table(head, rows), *cut]
