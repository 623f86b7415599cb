"""Goals: where they stand, and whether they are sound."""

import click

from crmtools.commands.printing import as_json, in_language, print_json, print_table
from crmtools.commands.project import settings_of
from crmtools.words import Language


@click.command()
@click.argument("parameters")
@in_language
@as_json
def goals(parameters: str, language: Language, wanted_json: bool) -> None:
    """Print where every goal of a PARAMETERS file stands, and what the data say about it."""
    from crmtools import formats
    from crmtools.goals.change import VERDICTS
    from crmtools.goals.evidence import EVIDENCE
    from crmtools.goals.judgement import judgements
    from crmtools.goals.reading import scorecard
    from crmtools.goals.status import STATUS
    from crmtools.goals.values import reading_values
    from crmtools.show.evidence_words import chance_of
    from crmtools.show.sentences import interval_of, value_of, why
    from crmtools.tables.source import open_settings

    data = open_settings(settings_of(parameters))
    readings = scorecard(data)
    told = judgements(readings, data)
    if wanted_json:
        print_json([reading_values(*pair) for pair in zip(readings, told, strict=True)])
        return
    head = {
        "en": ["goal", "now", "interval", "target", "by", "progress", "evidence", "chance", "since the baseline", "by the plan"],
        "zh": ["目标", "数值", "区间", "目标值", "截止", "进度", "证据状态", "达成的可能性", "与基线相比", "计划状态"],
    }  # fmt: skip
    rows = [
        [
            r.goal.name.to(language),
            value_of(r.now, language, data.currency),
            why(r.now, language) if r.now.value is None else interval_of(r.now, language, data.currency, bare=True),
            formats.quantity(r.target, r.goal.indicator.unit, language, data.currency, trim=True),
            str(r.goal.deadline),
            "" if r.progress is None else formats.percent(r.progress, language, 0),
            EVIDENCE[one.evidence].to(language),
            chance_of(one, language),
            "" if one.verdict is None else VERDICTS[one.verdict].to(language),
            STATUS[r.status].to(language),
        ]
        for r, one in zip(readings, told, strict=True)
    ]
    print_table([head[language], *rows])


@click.command()
@click.argument("parameters")
@in_language
@as_json
def smart(parameters: str, language: Language, wanted_json: bool) -> None:
    """Check the goals of a PARAMETERS file before they start: specific, measurable, achievable, relevant, timely."""
    from crmtools.goals.smart import smart_goals
    from crmtools.show.smart_views import record, tables
    from crmtools.tables.source import open_settings

    settings = settings_of(parameters)
    found = smart_goals(open_settings(settings))
    if wanted_json:
        print_json({"report": settings.name, "goals": [record(one, language) for one in found]})
        return
    for title, rows in tables(found, language):
        click.echo(title)
        print_table(rows)
