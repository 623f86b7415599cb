"""A comparison of two runs as lines for a terminal."""

from collections.abc import Iterator, Mapping

from rich.cells import cell_len

from crmtools.report import change_words as words
from crmtools.report.compare import Changed, Comparison
from crmtools.report.differences import CAUSES, all_causes
from crmtools.words import Language, Text, word

RUNS = Text("{run}：{period}，数据截至 {day}", "{run}: {period}, data as of {day}")
SAME = Text("两次运行没有差异。", "The runs do not differ.")
ONLY_HISTORY = Text(
    "{runs} 的运行文件夹已不在：只比较历史记录中的数值与目标。",
    "The folder of {runs} is gone: only numbers and goals of the history are compared.",
)
COUNTS = Text("{n} 个数值有差异（{causes}），{same} 个相同", "{n} numbers differ ({causes}), {same} are the same")
HIDDEN = Text("{n} 个客户群人数过少，未显示", "{n} groups are too small to be shown")
CAME, WENT = Text("新增指标", "Only in the later run"), Text("不再有的指标", "Only in the earlier run")
OF_WHICH = Text("其中实际变化 {reality}，修订 {revision}", "{reality} reality, {revision} revision")
VALUES, GOALS = Text("数值", "Values"), Text("目标", "Goals")
PARTS: Mapping[str, Text] = {
    "states": Text("页面状态", "States of pages"),
    "parameters": Text(
        "参数（归因：定义变化；期间与截止日：实际变化）", "Parameters (definition; period and as_of: reality)"
    ),
    "files": Text("数据文件", "Data files"),
    "code": Text("代码与软件", "Code and software"),
}
LONGEST = 70


def lines(found: Comparison, language: Language) -> Iterator[str]:
    """What differs, one difference a line."""
    for one in (found.before, found.now):
        yield RUNS.to(language, run=one.run_id, period=one.period, day=one.as_of)
    if found.not_kept:
        yield ONLY_HISTORY.to(language, runs=word("list", language).join(found.not_kept))
    if found.is_empty:
        yield SAME.to(language)
        return
    yield from _values(found, language)
    for title, names in ((CAME, found.came), (WENT, found.went)):
        if names:
            yield f"{title.to(language)}{word('colon', language)}{word('list', language).join(names)}"
    if found.goals:
        yield f"\n{GOALS.to(language)}"
        for goal in found.goals:
            then, now = (words.standing(goal, language, before=before) for before in (True, False))
            yield f"  {goal.goal}  {then} → {now}  [{words.due_to(goal.why, language)}]"
    for name, title in PARTS.items():
        changed: Changed = getattr(found, name)
        if changed:
            yield f"\n{title.to(language)}"
            yield from _table([[key, _short(one), "→", _short(other)] for key, (one, other) in changed.items()])


def _values(found: Comparison, language: Language) -> Iterator[str]:
    hidden = sum(one.hidden for one in found.moved)
    if found.differences:
        colon = word("colon", language)
        counts = (f"{CAUSES[cause].to(language)}{colon}{n}" for cause, n in all_causes(found.moved).items())
        same = len(found.moved) - len(found.differences) - hidden
        causes = word("comma", language).join(counts)
        yield f"\n{VALUES.to(language)}: {COUNTS.to(language, n=len(found.differences), causes=causes, same=same)}"
    rows = []
    for one in found.differences:
        then, now = (words.value(one.indicator, each, language, one.currency) for each in (one.before, one.now))
        parts = ""
        if one.period != one.period_before and one.by_revision is not None and one.by_reality is not None:
            amounts = (words.amount(one, each, language) for each in (one.by_reality, one.by_revision))
            parts = OF_WHICH.to(language, **dict(zip(("reality", "revision"), amounts)))
        change = words.amount(one, one.change, language)
        why = words.due_to(one.why, language, matured=one.matured)
        rows.append([words.name_of(one.indicator, one.group, language), then, "→", now, change, f"[{why}]", parts])
    yield from _table(rows)
    if hidden:
        yield f"  {HIDDEN.to(language, n=hidden)}"


def _short(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"


def _table(rows: list[list[str]]) -> Iterator[str]:
    """Columns side by side; Chinese characters are two columns wide."""
    widths = [max(cell_len(row[n]) for row in rows) for n in range(len(rows[0]) if rows else 0)]
    for row in rows:
        yield "  " + "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths)).rstrip()
