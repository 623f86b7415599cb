"""The pages that a run writes itself, as Markdown: definitions, what can be computed, provenance, failures.

Text that comes from data or from an error goes into HTML blocks, where only HTML's own signs mean something, or is
escaped sign by sign; nothing a source holds can become a link, a formula or a script.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from babel.dates import format_date

from crmtools.errors import CRMError
from crmtools.indicators import CATALOGUE, DIMENSIONS, OWNERS, Indicator
from crmtools.report.engine import Outcome
from crmtools.report.manifest import Manifest
from crmtools.report.notebooks import escape
from crmtools.report.plan import APPENDIX_ORDER, Entry, Plan
from crmtools.words import Language, Text, word

STATES: dict[str, Text] = {
    "ok": Text("正常", "ok"),
    "cached": Text("沿用", "unchanged"),
    "failed": Text("运行失败", "failed"),
    "timed_out": Text("超时", "timed out"),
    "killed": Text("被终止", "killed"),
    "skipped": Text("未运行", "not run"),
}
CHIPS = {
    "ok": "good",
    "cached": "good",
    "failed": "risk",
    "timed_out": "risk",
    "killed": "risk",
    "skipped": "none",
}
PLAIN_WORDS: dict[str, Text] = {
    "failed": Text(
        "计算本页时出错，因此本页没有数字。",
        "The calculation of this page ended with an error, so it has no numbers.",
    ),
    "timed_out": Text(
        "计算本页用时超过允许的时间，已停止，因此本页没有数字。",
        "The calculation of this page took longer than it may and was stopped, so it has no numbers.",
    ),
    "killed": Text(
        "计算本页的进程意外结束（例如内存不足），因此本页没有数字。",
        "The process that calculated this page ended unexpectedly (for example for lack of memory), so it has no numbers.",
    ),
}
NOTEBOOK = Text("笔记本", "Notebook")
CELL = Text("第 {cell} 个单元格", "cell {cell}")
LOG = Text("完整记录见运行文件夹中的 {file}。", "The full record is in {file} in the folder of the run.")
OTHERS_HOLD = Text("其他页面不受影响。", "The other pages are not affected.")
SOME_FAILED = Text("以下页面没有得到结果：", "These pages have no results in this run:")
NOT_COMPUTABLE = Text(
    "该指标无法计算：数据缺少 {what}。", "This indicator cannot be computed: the data lack {what}."
)
COMPUTABLE = Text("可计算", "Computable")
LACKS = Text("缺少", "Missing")
UNIT, BETTER, OWNER, KIND = (
    Text("单位", "Unit"),
    Text("方向", "Better"),
    Text("负责部门", "Owner"),
    Text("类型", "Kind"),
)
TABLES_USED = Text("数据", "Data")
WITHOUT = Text("（无）", "none")

Cell = tuple[str, bool]
"""The content of a cell of a table, and whether it is HTML already."""


def text(value: object) -> Cell:
    """A cell of plain text."""
    return str(value), False


def day(moment: date, language: Language) -> str:
    """A day as the language writes it."""
    return format_date(moment, "long", locale="zh_CN" if language == "zh" else "en_GB")


def _flat(value: str) -> str:
    """Text for an HTML block: a blank line would end the block."""
    return "<br>".join(html.escape(line) for line in value.split("\n") if line.strip())


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], *, caption: str = "") -> str:
    """A table as one HTML block."""
    lines = ['<div class="crm-scroll"><table class="crm-table">']
    if caption:
        lines.append(f"<caption>{_flat(caption)}</caption>")
    cells = "".join(f'<th scope="col">{_flat(name)}</th>' for name in head)
    lines.append(f"<thead><tr>{cells}</tr></thead><tbody>")
    for row in rows:
        done = "".join(f"<td>{value if ready else _flat(value)}</td>" for value, ready in row)
        lines.append(f"<tr>{done}</tr>")
    return "\n".join([*lines, "</tbody></table></div>"])


def link(slug: str, label: str) -> Cell:
    """A cell that leads to another page."""
    return f'<a href="{slug}.html">{html.escape(label)}</a>', True


def chip(state: str, language: Language) -> Cell:
    """The state of a page as a coloured word."""
    return f'<span class="crm-chip {CHIPS[state]}">{STATES[state].to(language)}</span>', True


def failure_page(entry: Entry, outcome: Outcome, language: Language) -> str:
    """The page of a notebook that failed: what and why in plain words, no traceback."""
    lines = [f'<div class="crm-failed">\n<p><strong>{PLAIN_WORDS[outcome.state].to(language)}</strong>']
    lines.append(f"{OTHERS_HOLD.to(language)}</p>")
    if failure := outcome.failure:
        where = f"{NOTEBOOK.to(language)} {outcome.job.notebook.name}"
        if failure.cell:
            where += f"{word('comma', language)}{CELL.to(language, cell=failure.cell)}"
        lines.append(f"<p>{_flat(where)}</p>")
        lines.append(f"<p><code>{_flat(_shortened(f'{failure.name}: {failure.message}'))}</code></p>")
    lines.append(f"<p>{_flat(LOG.to(language, file=f'logs/{outcome.log.name}'))}</p>\n</div>")
    return f"# {escape(entry.title.to(language))}\n\n" + "\n".join(lines) + "\n"


def _shortened(message: str, longest: int = 1200) -> str:
    return message if len(message) <= longest else f"{message[:longest]} …"


def banner(failed: Sequence[tuple[Entry, Outcome]], language: Language) -> str:
    """What the first page says when pages have no results."""
    items = "".join(
        f'<li><a href="{entry.slug}.html">{html.escape(entry.title.to(language))}</a>: '
        f"{STATES[outcome.state].to(language)}</li>"
        for entry, outcome in failed
    )
    said = SOME_FAILED.to(language)
    return f'<div class="crm-failed">\n<p><strong>{said}</strong></p>\n<ul>{items}</ul>\n</div>\n'


def unavailable_page(entry: Entry, lacks: Sequence[str], language: Language) -> str:
    """The page of a goal's indicator that cannot be computed."""
    item = CATALOGUE[entry.indicator]
    said = NOT_COMPUTABLE.to(language, what=", ".join(lacks))
    return "\n\n".join(
        [
            f"# {escape(entry.title.to(language))}",
            escape(item.meaning.to(language)),
            f"<p>{_flat(said)}</p>",
            "",
        ]
    )


def dimension_page(entry: Entry, plan: Plan, outcomes: Mapping[str, Outcome], language: Language) -> str:
    """The indicators of one dimension, each with its meaning."""
    rows = [
        [
            link(page.slug, page.title.to(language)),
            text(CATALOGUE[page.indicator].meaning.to(language)),
            chip(outcomes[page.slug].state if page.slug in outcomes else "skipped", language),
        ]
        for page in plan.entries
        if page.indicator and page.dimension == entry.dimension
    ]
    head = [word("indicator", language), word("definition", language), word("status", language)]
    return f"# {escape(entry.title.to(language))}\n\n{table(head, rows)}\n"


def definitions_page(
    plan: Plan, in_force: Mapping[str, Mapping[str, object]], sources: Mapping[str, str], language: Language
) -> str:
    """Every indicator of the catalogue: name, meaning, formula, and how it is made."""
    title = next(e.title for e in plan.entries if e.slug == "definitions")
    lines = [f"# {title.to(language)}"]
    for dimension, name in DIMENSIONS.items():
        items = [item for item in CATALOGUE.values() if item.dimension == dimension]
        if items:
            lines.append(f"## {escape(name.to(language))}")
            lines += [_definition(item, in_force[item.id], sources, language) for item in items]
    return "\n\n".join(lines) + "\n"


def _definition(
    item: Indicator, in_force: Mapping[str, object], sources: Mapping[str, str], language: Language
) -> str:
    comma = word("comma", language)
    assumptions = [
        f"{key} = {value}{comma}{item.assumption_words[key].to(language)}" for key, value in in_force.items()
    ]
    used = [f"{name} ({', '.join(column for column, _ in item.columns(name))})" for name in item.tables]
    rows = [
        (UNIT, f"{item.unit.name.to(language)} {item.unit.suffix.to(language)}".strip()),
        (BETTER, word(item.better, language)),
        (KIND, item.kind.label.to(language)),
        (OWNER, OWNERS[item.owner].to(language)),
        (Text("口径", "Assumptions"), "\n".join(assumptions) or WITHOUT.to(language)),
        (TABLES_USED, "\n".join(used)),
        (Text("注意", "Caveat"), item.caveat.to(language)),
        (Text("来源", "Source"), sources.get(item.source, item.source)),
    ]
    body = "\n".join(
        f'<tr><th scope="row">{label.to(language)}</th><td>{_flat(said)}</td></tr>'
        for label, said in rows
        if said
    )
    return "\n\n".join(
        [
            f"### {escape(item.name.to(language))}",
            escape(item.meaning.to(language)),
            f"$$\n{item.formula}\n$$",
            f'<div class="crm-scroll"><table class="crm-table"><tbody>\n{body}\n</tbody></table></div>',
        ]
    )


def readiness_page(plan: Plan, language: Language) -> str:
    """Every indicator with what it lacks."""
    title = next(e.title for e in plan.entries if e.slug == "readiness")
    with_page = {e.indicator for e in plan.entries if e.indicator}
    rows = []
    for item in CATALOGUE.values():
        lacks = plan.missing[item.id]
        name = item.name.to(language)
        rows.append(
            [
                link(item.id, name) if item.id in with_page else text(name),
                text(DIMENSIONS[item.dimension].to(language)),
                text("")
                if lacks
                else (f'<span class="crm-chip good">✓ {COMPUTABLE.to(language)}</span>', True),
                text(", ".join(lacks)),
            ]
        )
    count = sum(not lacks for lacks in plan.missing.values())
    said = Text(
        "{all} 项指标中，{some} 项可以计算。", "{some} of {all} indicators can be computed from these data."
    )
    head = [
        word("indicator", language),
        Text("维度", "Dimension").to(language),
        COMPUTABLE.to(language),
        LACKS.to(language),
    ]
    intro = said.to(language, some=count, all=len(plan.missing))
    return f"# {title.to(language)}\n\n{intro}\n\n{table(head, rows)}\n"


def provenance_page(plan: Plan, manifest: Manifest, outcomes: Sequence[Outcome], language: Language) -> str:
    """Where the numbers come from and what became of every page."""
    title = next(e.title for e in plan.entries if e.slug == "provenance")
    say = {
        "run": Text("本次运行", "This run"), "data": Text("数据来源", "Sources"), "pages": Text("各页状态", "Pages"),
        "skipped": Text("未包含的章节", "Left out"), "stages": Text("各阶段用时", "Stages"), "software": Text("软件版本", "Software"),
    }  # fmt: skip
    titles = {e.slug: e.title for e in plan.entries}
    files = manifest.data["files"]
    one = next(iter(files.values())) if set(files) == {"all"} else None
    git = manifest.code["git"]
    commit = f"{git['commit'][:12]}{' +' if git['dirty'] else ''}" if git else WITHOUT.to(language)
    facts = [
        (Text("运行编号", "Run"), manifest.run_id),
        (Text("开始时间（UTC）", "Started (UTC)"), f"{manifest.started:%Y-%m-%d %H:%M:%S}"),
        (Text("数据截至", "Data as of"), manifest.data["as_of"]),
        (Text("数据指纹", "Data fingerprint"), manifest.data["fingerprint"]),
        (
            Text("参数文件", "Parameters file"),
            f"{manifest.parameters['file']} ({manifest.parameters['sha256'][:12]})",
        ),
        (Text("代码版本", "Code version"), commit),
    ]
    parts = [
        f"# {title.to(language)}",
        f"## {say['run'].to(language)}",
        table(["", word("value", language)], [[text(name.to(language)), text(value)] for name, value in facts]),
        f"## {say['data'].to(language)}",
        table(
            [Text("数据表", "Table").to(language), Text("文件", "File").to(language), Text("读入行数", "Rows read").to(language),
             Text("采用行数", "Rows kept").to(language), "SHA-256"],
            [
                [text(name), text(files.get(name, one or {"file": "", "sha256": ""})["file"]), text(f"{rows['read']:,}"),
                 text(f"{rows['kept']:,}"), text(files.get(name, one or {"file": "", "sha256": ""})["sha256"][:12])]
                for name, rows in manifest.data["rows"].items()
            ],
        ),
        f"## {say['pages'].to(language)}",
        table(
            [Text("页面", "Page").to(language), Text("语言", "Language").to(language), word("status", language),
             Text("用时（秒）", "Seconds").to(language)],
            [
                [link(o.job.slug, titles[o.job.slug].to(language)), text(o.job.language), chip(o.state, language), text(f"{o.seconds:.1f}")]
                for o in outcomes
            ],
        ),
    ]  # fmt: skip
    skipped = [e for e in (*plan.left_out, *plan.entries) if e.skipped]
    if skipped:
        rows = [
            [text(e.title.to(language)), text(e.skipped.to(language) if e.skipped else "")] for e in skipped
        ]
        parts += [
            f"## {say['skipped'].to(language)}",
            table([Text("页面", "Page").to(language), word("reason", language)], rows),
        ]
    seconds = [
        [text(STAGES[name].to(language)), text(f"{spent:.1f}")] for name, spent in manifest.stages.items()
    ]
    parts += [
        f"## {say['stages'].to(language)}",
        table([Text("阶段", "Stage").to(language), Text("用时（秒）", "Seconds").to(language)], seconds),
        f"## {say['software'].to(language)}",
        table(
            [Text("软件", "Software").to(language), Text("版本", "Version").to(language)],
            [[text(name), text(number)] for name, number in _versions(manifest).items()],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _versions(manifest: Manifest) -> dict[str, str]:
    code = manifest.code
    return {"crmtools": code["crmtools"], "Python": code["python"], **code["libraries"]}


STAGES: dict[str, Text] = {
    "data": Text("打开并检查数据", "Open and check the data"),
    "plan": Text("计划", "Plan"),
    "numbers": Text("计算", "Compute the numbers"),
    "notebooks": Text("运行笔记本", "Run the notebooks"),
    "results": Text("汇总结果", "Collect the results"),
    "book": Text("生成网页", "Build the book"),
    "gate": Text("发布前检查", "Check the book"),
    "publish": Text("发布", "Publish"),
}
"""The stages of a run, in their order."""


def generated_page(
    entry: Entry,
    plan: Plan,
    *,
    manifest: Manifest,
    outcomes: Sequence[Outcome],
    in_force: Mapping[str, Mapping[str, object]],
    sources: Mapping[str, str],
    language: Language,
) -> str:
    """The Markdown of a page that is neither a notebook nor written by hand."""
    here = {o.job.slug: o for o in outcomes if o.job.language == language}
    if entry.indicator:
        return unavailable_page(entry, plan.missing[entry.indicator], language)
    if entry.dimension:
        return dimension_page(entry, plan, here, language)
    match entry.slug:
        case "definitions":
            return definitions_page(plan, in_force, sources, language)
        case "readiness":
            return readiness_page(plan, language)
        case "provenance":
            return provenance_page(plan, manifest, outcomes, language)
    raise CRMError(f"No page is written for '{entry.slug}'; the appendix has {', '.join(APPENDIX_ORDER)}.")
