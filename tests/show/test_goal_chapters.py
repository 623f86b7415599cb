"""SMART, track record, scores: every figure on the page is one that was worked out, in both languages, never by colour alone."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from crmtools import formats, show
from crmtools.goals.backtest import TOO_LITTLE, Backtest, Bin, Case
from crmtools.goals.outlook import said
from crmtools.goals.scores import Score, Scores, scores
from crmtools.goals.smart import REACH, smart_goals
from crmtools.goals.smart_checks import LETTERS
from crmtools.show import record_views
from crmtools.show.display import RESULT
from crmtools.show.score_views import overlapping
from crmtools.show.smart_views import MARKS, tables
from crmtools.words import LANGUAGES, Text

from .pages import HOSTILE, cells_of

pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


@pytest.fixture(scope="module")
def found(tiny):
    return smart_goals(tiny)


# SMART


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_grid_has_a_mark_with_its_word_for_every_letter(found, language, read):
    display = show.smart(found, language=language)
    read(display.to_html())
    rows = cells_of(display.html)
    assert len(rows) == len(found)
    for row, one in zip(rows, found, strict=True):
        assert row[0] == one.goal.name.to(language)
        for cell, letter in zip(row[1:6], LETTERS, strict=True):
            icon, words, _ = MARKS[one.passes(letter)]
            assert cell.strip("|") == f"{icon} {words.to(language)}"
        assert row[6] == f"{one.letters} / 5"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_failed_stands_with_figure_threshold_and_remedy(found, language, read):
    text = read(show.smart(found, language=language).to_html()).text
    for one in found:
        assert REACH[one.reach].to(language) in text
        assert one.rewritten.to(language) in text
        for check in one.checks:
            assert check.found.to(language) in text
            assert check.asked.to(language) in text
            if check.remedy is not None:
                assert check.remedy.to(language) in text
    assert not re.search(r"None|nan", text)


def test_a_letter_without_any_answer_is_open(found):
    one = found[0]
    unknown = replace(one, checks=tuple(replace(c, passed=None) if c.letter == "A" else c for c in one.checks))
    assert unknown.passes("A") is None
    assert unknown.letters == one.letters - (one.passes("A") is True), "open is not passed"
    mixed = [c for c in one.checks if c.letter == "M"]
    half = replace(one, checks=(replace(mixed[0], passed=None), replace(mixed[1], passed=True)))
    assert half.passes("M") is True


def test_hostile_names_and_no_goals(found, read):
    goal = replace(found[0].goal, name=Text(HOSTILE, HOSTILE))
    page = read(show.smart([replace(found[0], goal=goal, rewritten=Text(HOSTILE, HOSTILE))], language="en").to_html())
    assert page.text.count(HOSTILE) >= 3
    assert str(show.smart([], language="zh")) == "参数文件中没有设定目标。"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_became_known_since_is_said_on_the_page_and_in_a_terminal(found, language, read):
    since = Text("此后所知", "known since")
    display = show.smart([replace(found[0], revised=since), *found[1:]], language=language)
    assert read(display.to_html()).text.count(since.to(language)) == 1
    assert display.text.splitlines()[0].endswith(since.to(language))
    assert [one["revised"] for one in display.result["goals"]] == [since.to(language), *(None for _ in found[1:])]
    titles = tables([replace(found[0], revised=since)], language)
    assert any([since.to(language)] in rows for _, rows in titles)


def test_the_record_of_smart_holds_every_question(found):
    plain = show.smart(found, language="en")._repr_mimebundle_()[RESULT]["goals"]
    assert [one["goal"] for one in plain] == [one.goal.id for one in found]
    for one, goal in zip(found, plain, strict=True):
        assert [c["passed"] for c in goal["checks"]] == [c.passed for c in one.checks]
        assert goal["letters"] == {letter: one.passes(letter) for letter in LETTERS}


# Track record


def backtested(seed=1, *, cases=2000, bias=0.0) -> Backtest:
    """Chances drawn evenly, outcomes drawn with them: a sound method, or one that is too bold by ``bias``."""
    rng = np.random.default_rng(seed)
    stated = rng.random(cases)
    happened = rng.random(cases) < np.clip(stated - bias, 0, 1)
    made = tuple(
        Case(0, n % 24, 1, 0, 0.0, float(s), bool(h), bool(s > 0.5)) for n, (s, h) in enumerate(zip(stated, happened))
    )
    place = np.minimum((10 * stated).astype(int), 9)
    bins = tuple(
        Bin(k / 10, (k + 1) / 10, int((place == k).sum()), float(stated[place == k].mean()), float(happened[place == k].mean()))
        for k in range(10)
    )  # fmt: skip
    brier, last = float(((stated - happened) ** 2).mean()), float((((stated > 0.5) - 1.0 * happened) ** 2).mean())
    return Backtest(made, 24, brier, last, 0.25, bins)


def test_the_sentence_counts_what_was_said_and_what_came():
    record = backtested()
    near = [case.happened for case in record.cases if 0.65 <= case.stated <= 0.75]
    en, zh = (show.track_record(record, language=language).text for language in ("en", "zh"))
    share = f"{100 * sum(near) / len(near):.0f}"
    assert en.startswith(
        f"When this report's method said 70\u00a0%, it happened {sum(near)} of {len(near)} times ({share}\u00a0%)."
    )
    assert zh.startswith(f"回测中给出约 70% 的可能性时，{len(near)} 次中有 {sum(near)} 次达成（{share}%）。")


def test_skills_in_words():
    record = backtested()
    smaller = formats.percent(record.skill_over_last_value, "en", 0)
    assert (
        f"Its error is {smaller} smaller than that of going by the last value."
        in show.track_record(record, language="en").text
    )
    worse = replace(record, of_last_value=record.brier / 1.5, of_coin=record.brier * 1.01)
    text = show.track_record(worse, language="en").text
    assert "Its error is 50\u00a0% larger than that of going by the last value." in text
    assert "Its error is about that of going by how often" in text
    assert "最近一期" not in show.track_record(replace(record, of_last_value=0.0), language="zh").text, (
        "a rule without error"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figure_and_the_table_hold_the_tenths(language, read):
    record = backtested()
    display = show.track_record(record, language=language)
    page = read(display.to_html())
    rows = cells_of(display.html)
    for row, one in zip(rows, record.reliability, strict=True):
        numbers = (
            formats.number(one.count, language),
            formats.percent(one.stated, language, 0),
            formats.percent(one.observed, language, 0),
        )
        assert tuple(row[1:]) == numbers
    heights = [float(dot["cy"].rstrip("%")) for dot in page.all("circle")]
    assert heights == pytest.approx([100 * (1 - one.observed) for one in record.reliability], abs=0.01)
    assert sum(name == "details" for name, _ in page.tags) == 1
    assert display._repr_mimebundle_()[RESULT]["reliability"][3]["count"] == record.reliability[3].count


def test_empty_tenths_are_gaps_and_a_rare_chance_is_not_told(read):
    record = backtested()
    bins = tuple(
        replace(b, count=0, stated=None, observed=None) if n == 6 else b for n, b in enumerate(record.reliability)
    )
    cases = tuple(case for case in record.cases if not 0.65 <= case.stated <= 0.75)
    few = replace(record, cases=cases, reliability=bins)
    display = show.track_record(few, language="en")
    assert display.text.startswith("A chance of about 70\u00a0% was stated only 0 times")
    assert len(list(read(display.to_html()).all("circle"))) == 9
    assert "None" not in display.to_html()


@pytest.mark.parametrize("language", LANGUAGES)
def test_too_little_past_is_one_sentence(language):
    display = show.track_record(Backtest((), 3, why=said(TOO_LITTLE, n=3, least=12)), language=language)
    assert "12" in display.text
    assert "<svg" not in display.html


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "When this report's method said 70 %, it happened 56 of 80 times (70 %)."),
        ("zh", "回测中给出约 70% 的可能性时，80 次中有 56 次达成（70%）。"),
    ],
)
def test_how_often_a_chance_came_true(language, words):
    cases = tuple(Case(0, i, 3, 0, 1.0, 0.66 + 0.001 * i, i % 10 < 7, False) for i in range(80))
    said = record_views.sentence(Backtest(cases, 80, 0.2, 0.3, 0.25), language)
    assert said.replace("\u00a0", " ") == words


# Scores

SERVICE, SALES, FINANCE = Text("客服", "Service"), Text("销售", "Sales"), Text("财务", "Finance")


def scored(name, value, low, high, rank=None, **more):
    usual = {"strict": min(value, 1.0), "uncapped": value, "geometric": value / 2}
    return Score(name, 3, 3, 1.0, value, low, high, rank=rank, **usual | more)


def some() -> Scores:
    departments = (
        scored(SERVICE, 0.9, 0.7, 1.1, (1, 2)), scored(SALES, 0.8, 0.6, 1.0, (1, 2)), scored(FINANCE, 0.2, 0.15, 0.25, (3, 3)),
        Score(Text("市场", "Marketing"), 1, 0, 0.0, why=Text("目标不足 3 项", "fewer than 3 goals")),
    )  # fmt: skip
    return Scores(scored(Text("全部目标", "All goals"), 0.65, 0.55, 0.83, geometric=0.33), departments, ())


@pytest.mark.parametrize("language", LANGUAGES)
def test_scores_with_interval_coverage_and_places(language, read):
    display = show.scores(some(), language=language)
    read(display.to_html())
    rows = cells_of(display.html)
    to = {"en": "to", "zh": "至"}[language]
    assert rows[0][2].split("|")[:2] == [
        formats.percent(0.65, language, 0),
        f"{formats.percent(0.55, language, 0)} {to} {formats.percent(0.83, language, 0)}",
    ]
    assert [row[4] for row in rows] == ["", "1–2", "1–2", "3", ""]
    assert {"en": "fewer than 3 goals", "zh": "目标不足 3 项"}[language] in rows[4][1]


def test_ranks_inside_each_others_interval_are_called_noise():
    display = show.scores(some(), language="en")
    assert (
        "Among departments, the order of Service, Sales lies within the error: to rank them is to rank noise."
        in display.text
    )
    assert [one.name.en for one in overlapping(some().departments)] == ["Service", "Sales"]
    apart = replace(some(), departments=(scored(SERVICE, 0.9, 0.8, 1.0, (1, 1)), scored(SALES, 0.2, 0.1, 0.3, (2, 2))))
    assert "noise" not in show.scores(apart, language="en").text


def test_the_bar_is_drawn_to_scale_and_the_variants_are_folded():
    html = show.scores(some(), language="en").html
    width = [float(w) for w in re.findall(r'<rect x="3.0" y="8" width="([\d.]+)"', html)][:2]
    assert width == pytest.approx([144 / 1.2, 0.65 * 144 / 1.2], abs=0.06)
    whisker = re.search(r"M([\d.]+) 11H([\d.]+)", html)
    assert [float(x) for x in whisker.groups()] == pytest.approx([3 + x * 120 for x in (0.55, 0.83)], abs=0.06)
    folded = html[html.index("<details>") :]
    assert "33\u00a0%" in folded, "the geometric mean"


def test_scores_of_the_tiny_company(goals, read):
    found = scores(goals)
    page = read(show.scores(found, language="en").to_html())
    assert "Place" not in page.text, "nobody has one"
    assert "fewer than 3 goals" in page.text
    assert "no goals" in show.scores(scores([]), language="en").text
    hostile = scores(
        [
            SimpleNamespace(
                goal=SimpleNamespace(kind="reach", weight=1, department=Text(HOSTILE, HOSTILE), person=""),
                now=goals[0].now,
                status="on_track",
                progress=0.5,
                progress_se=0.1,
                kept=None,
            )
        ]
    )
    assert HOSTILE in read(show.scores(hostile, language="en").to_html()).text
