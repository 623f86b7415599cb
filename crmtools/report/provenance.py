"""The page that says where the numbers come from and what became of every page."""

from collections.abc import Sequence

from crmtools.report.blocks import CHIPS, STATES, Html, chip, download, facts, link, table
from crmtools.report.book import NAMES
from crmtools.report.engine import Outcome
from crmtools.report.manifest import Manifest
from crmtools.report.plan import GENERATED, Plan
from crmtools.report.results_files import ARCHIVE
from crmtools.report.stages import STAGES
from crmtools.report.stamps import stamp
from crmtools.words import Language, Text, word

RUN, DATA = Text("本次运行", "This run"), Text("数据来源", "Sources")
PAGES, LEFT_OUT = Text("各页状态", "Pages"), Text("未包含的页面", "Left out")
STEPS, SOFTWARE = Text("各阶段用时", "Stages"), Text("软件版本", "Software")
SECONDS, PAGE = Text("用时（秒）", "Seconds"), Text("页面", "Page")
UNCOMMITTED = Text("，另有未提交的改动", ", with changes that are not committed")
NO_GIT = Text("没有版本控制", "not under version control")


def provenance_page(plan: Plan, manifest: Manifest, outcomes: Sequence[Outcome], language: Language) -> str:
    """Run, sources, states of all pages, what was left out and why, seconds, versions."""
    sections = [
        (RUN, facts(_run(manifest, language))),
        (DATA, _sources(manifest, language)),
        (PAGES, _pages(plan, outcomes, language)),
        (LEFT_OUT, _left_out(plan, language)),
        (STEPS, _stages(manifest, language)),
        (SOFTWARE, _software(manifest, language)),
    ]
    parts = [f"# {GENERATED['provenance'].to(language)}"]
    for title, content in sections:
        if content:
            parts += [f"## {title.to(language)}", content]
    return "\n\n".join(parts) + "\n"


def _run(manifest: Manifest, language: Language) -> list[tuple[str, object]]:
    git = manifest.code["git"]
    commit = NO_GIT.to(language)
    if git:
        commit = git["commit"][:12] + (UNCOMMITTED.to(language) if git["dirty"] else "")
    parameters = f"{manifest.parameters['file']} ({manifest.parameters['sha256'][:12]})"
    return [
        (Text("运行编号", "Run").to(language), stamp("run", manifest.run_id)),
        (
            Text("开始时间（UTC）", "Started (UTC)").to(language),
            stamp("started", f"{manifest.started:%Y-%m-%d %H:%M:%S}"),
        ),
        (Text("数据截至", "Data as of").to(language), manifest.data["as_of"]),
        (Text("数据指纹", "Fingerprint of the data").to(language), manifest.data["fingerprint"]),
        (Text("参数文件", "Parameters file").to(language), parameters),
        (Text("代码版本", "Version of the code").to(language), commit),
        (Text("全部结果（CSV 与 JSON）", "All results (CSV and JSON)").to(language), download(ARCHIVE)),
    ]


def _sources(manifest: Manifest, language: Language) -> str:
    files = manifest.data["files"]
    names = (
        Text("数据表", "Table"),
        Text("文件", "File"),
        Text("读入行数", "Rows read"),
        Text("采用行数", "Rows kept"),
    )
    rows = []
    for name, counts in manifest.data["rows"].items():
        file = files.get(name) or files.get("all") or {"file": "", "sha256": ""}
        rows.append([name, file["file"], counts["read"], counts["kept"], file["sha256"][:12]])
    return table([*(name.to(language) for name in names), "SHA-256"], rows)


def _pages(plan: Plan, outcomes: Sequence[Outcome], language: Language) -> str:
    """One row per page, with its state and seconds in every language."""
    languages = plan.settings.report.languages
    found = {(one.job.slug, one.job.language): one for one in outcomes}
    rows: list[list[object]] = []
    for entry in plan.entries:
        ran = [found.get((entry.slug, name)) for name in languages]
        if any(ran):
            row: list[object] = [link(entry.slug, entry.title.to(language))]
            for one in ran:
                row += [_state(one, language), stamp("seconds", round(one.seconds, 1))] if one else ["", ""]
            rows.append(row)
    head = [PAGE.to(language)]
    for name in languages:
        head += [NAMES[name], SECONDS.to(language)]
    return table(head, rows)


def _state(outcome: Outcome, language: Language) -> Html:
    """The state of a page; whether a good one was run or taken from an earlier run says nothing of what is on it."""
    if not outcome.ok:
        return chip(outcome.state, language)
    return stamp("taken", STATES[outcome.state].to(language), also=f"crm-chip {CHIPS[outcome.state]}")


def _left_out(plan: Plan, language: Language) -> str:
    skipped = [(e.title, e.skipped) for e in (*plan.left_out, *plan.entries) if e.skipped]
    rows = [[title.to(language), STATES["skipped"].to(language), why.to(language)] for title, why in skipped]
    head = [PAGE.to(language), word("status", language), word("reason", language)]
    return table(head, rows) if rows else ""


def _stages(manifest: Manifest, language: Language) -> str:
    rows = [
        [STAGES[name].to(language), stamp("seconds", round(seconds, 1))] for name, seconds in manifest.stages.items()
    ]
    return table([Text("阶段", "Stage").to(language), SECONDS.to(language)], rows)


def _software(manifest: Manifest, language: Language) -> str:
    code = manifest.code
    versions = {"crmtools": code["crmtools"], "Python": code["python"], **code["libraries"]}
    head = [Text("软件", "Software").to(language), Text("版本", "Version").to(language)]
    return table(head, [[name, number] for name, number in versions.items()])
