"""The goals: every number on the page is that of a reading."""

import re
from dataclasses import replace

import pytest

from crmtools import formats, show
from crmtools.goal_settings import Target
from crmtools.goals.change import change
from crmtools.goals.evidence import EVIDENCE
from crmtools.goals.judgement import Judgement
from crmtools.goals.outlook import Forecast
from crmtools.goals.reading import Scorecard
from crmtools.goals.status import STATUS
from crmtools.indicators.kinds import NO_DATA, NO_UPPER
from crmtools.period import Period
from crmtools.show.display import RESULT
from crmtools.show.evidence_words import EVIDENCE_ICONS, chance_words
from crmtools.show.scorecards import ICONS
from crmtools.show.sparks import bullet, sparkline
from crmtools.words import LANGUAGES, Text

from .pages import HOSTILE, cells_of

# ibis 12 asks pandas 3 for an option that it has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


def judgement(evidence, reading, *, chance=None, why=None):
    ahead = None if chance is None else Forecast(30.0, "higher", 2, 12, "drift", chance)
    return Judgement(evidence, reading.trend, ahead, why=why)


START, TARGET, END = 8.0, 119.7, 147.0


def blank(reading):
    return replace(
        reading, now=replace(reading.now, value=None, low=None, high=None, se=None, why=NO_DATA), target=None, gap=None, gap_low=None,
        gap_high=None, progress=None, progress_se=None, expected=None, status="no_evidence",
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_headline_says_what_moved_since_the_baseline(goals, tiny, language):
    """By the verdict that stands among all goals: what fell among many comparisons is not claimed, though its own test did."""
    nps = goals["nps"]
    before = replace(nps.baseline, value=17.0, low=14.0, high=20.0, se=1.5, n=500, method="adjusted_wald", why=None,
                     period=Period.parse("2024-Q4"))  # fmt: skip
    now = replace(nps.now, value=28.0, low=25.0, high=31.0, se=1.5, n=500, method="adjusted_wald")
    made = change(before, now, nps.goal.indicator.kind, better="higher")
    moved = replace(judgement("on_track", nps, chance=0.8), change=made, verdict="improved")
    relative = nps.goal.settings.model_copy(update={"target": Target(relative="+50%")})
    share = replace(nps, baseline=before, goal=replace(nps.goal, settings=relative))
    better, worse = {"en": ("Improved since", "Worse than"), "zh": ("有改善", "恶化")}[language]

    def said(reading, one):
        return str(show.headline(Scorecard((reading,)), tiny, language=language, judgements=[one])).replace(
            "\u00a0", " "
        )

    assert {"en": "Net Promoter Score (+11 points)", "zh": "净推荐值（+11 分）"}[language] in said(nps, moved)
    assert {"en": "(+11 points, +65 %)", "zh": "（+11 分，+65%）"}[language] in said(share, moved)
    assert better in said(nps, moved)
    assert worse in said(nps, replace(moved, verdict="worsened"))
    fallen = said(nps, replace(moved, verdict="no_detectable_change"))
    assert better not in fallen
    assert worse not in fallen
    many = Scorecard((nps,) * 6)
    six = str(show.headline(many, tiny, language=language, judgements=[moved] * 6))
    assert six.count({"en": "Net Promoter Score (", "zh": "净推荐值（"}[language]) >= 4
    assert {"en": "and 2 more", "zh": "另有 2 个"}[language] in six.replace("\u00a0", " ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_of_the_table_is_that_of_its_reading(goals, language, read):
    shown = show.scorecard(goals, language=language)
    read(shown.to_html())
    rows = cells_of(shown.html)
    assert len(rows) == len(goals)
    for row, reading in zip(rows, goals, strict=True):
        unit = reading.goal.indicator.unit
        parts = [[part for part in cell.split("|") if part] for cell in row]
        assert parts[0][0] == reading.goal.name.to(language)
        limits = formats.interval(reading.now.low, reading.now.high, unit, language, bare=True)
        assert parts[1] == [
            formats.quantity(reading.now.value, unit, language, bare=True),
            limits,
            f"n = {reading.now.n}",
        ]
        assert parts[2] == [
            formats.quantity(reading.target, unit, language, bare=True, trim=True),
            formats.month(reading.goal.deadline, language),
        ]
        open_ = reading.gap_low < 0 < reading.gap_high
        mark = {"en": "◐ Cannot tell", "zh": "◐ 尚难判断"}[language]
        assert parts[5] == [f"{ICONS[reading.status][0]} {STATUS[reading.status].to(language)}", *[mark] * open_]
        gap = parts[6][0].removeprefix("尚差 ") if language == "zh" else parts[6][0]
        assert (gap != parts[6][0]) == (language == "zh")
        assert gap.split("\u00a0")[0] == formats.difference(reading.gap, unit, language, signed=False, named=False)
        assert parts[7][0] == reading.goal.department.to(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_status_that_the_data_leave_open_says_so(goals, language):
    """The chip stands in the cell of the status, and a note below the table says what it means."""
    reading, words = goals["nps"], {"en": "Cannot tell", "zh": "尚难判断"}[language]
    for low, high, count in ((-1.0, 2.0, 2), (0.0, 2.0, 0), (1.0, 2.0, 0), (None, 2.0, 0)):
        html = show.scorecard(Scorecard((replace(reading, gap_low=low, gap_high=high),)), language=language).html
        assert html.count(words) == count
        assert len(cells_of(html)[0]) == 8


def test_the_numbers_of_the_table_written_out(goals):
    """By hand, from data/tiny: −27…+60 around 22.2 with 9 answers; 3 of 17 customer-months lost by 8 customers."""
    rows = [[cell.split("|")[0] for cell in row] for row in cells_of(show.scorecard(goals).html)]
    assert [row[1] for row in rows] == ["+22", "17.6\u00a0%"]
    assert [row[2] for row in rows] == ["+30", "16\u00a0%"]
    assert [row[6] for row in rows] == ["8\u00a0points", "1.6"]


def test_the_record_holds_every_reading(goals):
    record = show.scorecard(goals)._repr_mimebundle_()[RESULT]
    assert [row["goal"] for row in record["goals"]] == [r.id for r in goals]
    assert [(row["now"]["value"], row["gap"], row["status"]) for row in record["goals"]] == [
        (r.now.value, r.gap, r.status) for r in goals
    ]


def places(picture: str) -> dict[str, list[float]]:
    """Where things lie in a bullet."""
    number = r"(-?[\d.]+)"
    return {
        "bars": [float(w) + float(x) for x, w in re.findall(rf'<rect x="{number}" y="8" width="{number}"', picture)],
        "plan": [float(x) + 4 for x in re.findall(rf'd="M{number} 2h8l-4 5z"', picture)],
        "whisker": [float(x) for pair in re.findall(rf'd="M{number} 11H{number}', picture) for x in pair],
        "caps": [float(x) for x in re.findall(rf"M{number} 8V14", picture)],
    }


def test_a_bullet_is_drawn_to_scale(goals):
    """Read back from the drawing: bar, whisker and mark as shares of the way from baseline to target."""
    reading = replace(goals["nps"], now=replace(goals["nps"].now, low=12.0, high=28.0))
    drawn = places(bullet(reading, alt=""))

    def share(x: float) -> float:
        return (x - START) / (TARGET - START)

    way = reading.target - reading.baseline.value
    assert share(drawn["bars"][1]) == pytest.approx(reading.progress, abs=0.002)
    assert share(drawn["plan"][0]) == pytest.approx((reading.expected - reading.baseline.value) / way, abs=0.002)
    assert [share(x) for x in drawn["whisker"]] == pytest.approx([2 / way, 18 / way], abs=0.002)
    assert drawn["caps"] == drawn["whisker"]


def test_a_whisker_beyond_the_picture_has_no_cap(goals):
    drawn = places(bullet(goals["nps"], alt=""))
    assert drawn["whisker"] == [2.0, END]
    assert drawn["caps"] == []


def test_an_open_limit_reaches_the_worse_end(goals):
    reading = goals["churn_rate"]  # lower is better: an unknown upper limit lies on the left
    drawn = places(bullet(replace(reading, now=replace(reading.now, low=0.19, high=None, why=NO_UPPER)), alt=""))
    assert drawn["whisker"][0] == 2.0
    assert drawn["caps"] == drawn["whisker"][1:]


def test_a_goal_that_went_backwards_has_its_bar_on_the_left(goals):
    reading = replace(goals["nps"], now=replace(goals["nps"].now, value=5.0))
    assert '<rect x="2.0"' in bullet(reading, alt="")


def test_sparklines_bridge_gaps_and_keep_the_target_inside():
    drawn = sparkline([1.0, None, 3.0, 4.0], alt="a<b", target=10.0)
    assert 'stroke-opacity=".4"' in drawn
    assert "a&lt;b" in drawn
    heights = [float(y) for y in re.findall(r'(?:cy|y1)="([\d.]+)"', drawn)]
    assert all(0 <= y <= 28 for y in heights)
    assert sparkline([None, None], alt="") == ""
    assert "stroke-opacity" not in sparkline([1.0, 1.0], alt="")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", STATUS)
def test_every_status_has_icon_word_and_colour(goals, status, language, read):
    changed = replace(goals["nps"], status=status) if status != "no_evidence" else blank(goals["nps"])
    board = Scorecard((changed,))
    shown = show.scorecard(board, language=language)
    page = read(shown.to_html())
    icon, tone = ICONS[status]
    assert f'class="crm-chip {tone}">{icon} {STATUS[status].to(language)}' in shown.html
    assert not re.search(r"None|nan", page.text)
    assert len({icon for icon, _ in ICONS.values()}) == len(ICONS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_lead_to_the_page_of_the_goal_or_its_indicator(goals, language, read):
    page = read(show.scorecard(goals, language=language, links={"nps": 'a.html?x="1"'}).to_html())
    assert [a["href"] for a in page.all("a")] == ['a.html?x="1"']


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_goals_stay_text(goals, tiny, language, read):
    bad = Text(HOSTILE, HOSTILE)
    settings = goals["nps"].goal.settings.model_copy(update={"where": {HOSTILE: [HOSTILE]}})
    goal = replace(goals["nps"].goal, name=bad, department=bad, person=HOSTILE, settings=settings)
    board = Scorecard((replace(goals["nps"], goal=goal), blank(replace(goals["churn_rate"], goal=goal))))
    told = [judgement("at_risk", board[0], chance=0.2), judgement("no_evidence", board[1], why=bad)]
    for shown in (
        show.scorecard(board, language=language),
        show.scorecard(board, language=language, judgements=told),
        show.headline(board, tiny, language=language, judgements=told),
    ):
        assert "<script" not in shown.to_html()
        assert HOSTILE in read(shown.to_html()).text


def test_no_goals_is_a_sentence(tiny):
    empty = Scorecard(())
    assert str(show.scorecard(empty, language="zh")) == "参数文件中没有设定目标。"
    assert str(show.headline(empty, tiny, language="en")) == "The parameters file names no goals."


@pytest.mark.parametrize(
    ("statuses", "english", "chinese"),
    [
        (["met"], "The only goal is met.", "唯一的目标已确认达成。"),
        (["not_started"], "The only goal has not started.", "唯一的目标尚未开始。"),
        (["on_track", "on_track"], "Both goals are likely to be met.", "两个目标均很可能达成。"),
        (
            ["met", "on_track", "on_track", "undecided", "at_risk", "missed", "missed_within_error", "not_started", "no_evidence"],
            "Of nine goals, one is met, two are likely to be met, one cannot be told yet, one is at risk, one is missed, one is missed within the error, one has not started and one has no evidence.",
            "九个目标中，一个已确认达成，两个很可能达成，一个尚难判断，一个确有风险，一个确认未达成，一个未达成，但在误差范围内，一个尚未开始，一个数据不足。",
        ),
        (["at_risk"] * 12, "All 12 goals are at risk.", "12 个目标均确有风险。"),
    ],
)  # fmt: skip
def test_the_headline_counts_the_evidence(goals, tiny, statuses, english, chinese):
    board = Scorecard(tuple(goals["nps"] for _ in statuses))
    told = [judgement(status, goals["nps"]) for status in statuses]
    assert str(show.headline(board, tiny, language="en", judgements=told)).startswith(english)
    assert str(show.headline(board, tiny, language="zh", judgements=told)).startswith(chinese)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_headline_says_nothing_firm_where_the_data_do_not(goals, tiny, language):
    """Nine and eight customers: the plan calls both on track, the first sentence says that there is no evidence."""
    said = str(show.headline(goals, tiny, language=language))
    first = said.split({"en": ".", "zh": "。"}[language])[0]
    assert first == {"en": "Both goals have no evidence", "zh": "两个目标均数据不足"}[language]
    assert all(reading.status == "on_track" for reading in goals)
    assert {"en": "plan", "zh": "计划"}[language] not in said, "nothing is left open by the plan alone"


def test_the_plan_comes_second_and_counts_what_is_open(goals, tiny):
    statuses = [("on_track", "behind"), ("undecided", "reached"), ("undecided", "reached"), ("met", "reached")]
    board = Scorecard(tuple(replace(goals["nps"], status=plan) for _, plan in statuses))
    told = [judgement(evidence, goals["nps"], chance=0.4) for evidence, _ in statuses]
    en, zh = (str(show.headline(board, tiny, language=language, judgements=told)) for language in ("en", "zh"))
    assert ". Of those still open, by the plan alone: two reached, one behind plan." in en.replace("Behind", "behind")
    assert "仍在进行的目标只按数值与计划比较：两个已达到目标值，一个落后于计划。" in zh
    assert "Chance of reaching it: about 4 in 10." in en
    assert "达成可能性：约四成。" in zh


def test_the_headline_names_what_could_not_be_judged(goals, tiny):
    board = Scorecard((goals["churn_rate"], blank(goals["nps"])))
    said = str(show.headline(board, tiny, language="en"))
    assert said.endswith(
        "Could not be judged: Customer churn rate (fewer than 30 customers), Net Promoter Score (nothing to count in this period)."
    )
    only = Scorecard((blank(goals["nps"]),))
    assert "The only goal has no evidence" in str(show.headline(only, tiny, language="en"))
    assert "无法判断" in str(show.headline(only, tiny, language="zh"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_goal_to_stay_that_is_lost_is_named(goals, tiny, language):
    """It has no way and no progress; before one that is halfway it is the furthest, behind one that went back it is not."""
    held = replace(goals["nps"], progress=None, progress_se=None, gap=4.0, status="at_risk")
    halfway, back = (replace(goals["churn_rate"], progress=done) for done in (0.5, -0.2))

    def headline(*readings):
        told = [judgement("undecided", reading) for reading in readings]
        return str(show.headline(Scorecard(readings), tiny, language=language, judgements=told))

    for others, named in (((), held), ((halfway,), held), ((back,), back)):
        said = headline(held, *others)
        assert named.goal.name.to(language) in said
        assert {"en": f"its target is {named.goal.name.en}", "zh": f"差距最大的是{named.goal.name.zh}"}[
            language
        ] in said or not others
    assert held.goal.name.to(language) not in headline(replace(held, gap=-1.0, status="reached"))


def test_the_headline_has_two_to_four_sentences(goals, tiny):
    for board in (goals, Scorecard((goals["nps"], blank(goals["churn_rate"])))):
        said = str(show.headline(board, tiny, language="zh"))
        assert 2 <= said.count("。") <= 4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("evidence", EVIDENCE)
def test_the_evidence_stands_beside_the_plan_status(goals, evidence, language, read):
    """Icon, word and tone; the chance where something is left to it; no second opinion on the same figure."""
    reading = goals["nps"]
    told = judgement(evidence, reading, chance=0.31)
    shown = show.scorecard(Scorecard((reading,)), language=language, judgements=[told])
    read(shown.to_html())
    cells = [[part for part in cell.split("|") if part] for cell in cells_of(shown.html)[0]]
    icon, tone = EVIDENCE_ICONS[evidence]
    assert len(cells) == 8
    assert cells[5][0] == f"{icon} {EVIDENCE[evidence].to(language)}"
    assert f'class="crm-chip {tone}">{icon}' in shown.html
    words = {"en": "chance about 3 in 10", "zh": "可能性：约三成"}[language]
    by_plan = {"en": "plan: ", "zh": "按计划："}[language] + STATUS[reading.status].to(language)
    assert cells[5][1:] == [*([words] if evidence in ("on_track", "undecided", "at_risk") else []), by_plan]
    assert {"en": "Cannot tell", "zh": "尚难判断：差距"}[language] not in shown.html
    plain = shown._repr_mimebundle_()[RESULT]["goals"][0]
    assert (plain["evidence"], plain["chance"]) == (evidence, 0.31)


@pytest.mark.parametrize(
    ("chance", "english", "chinese"),
    [
        (0.0, "less than 1 in 20", "不到 5%"), (0.049, "less than 1 in 20", "不到 5%"), (0.05, "about 1 in 10", "约一成"),
        (0.25, "about 3 in 10", "约三成"), (0.34, "about 3 in 10", "约三成"), (0.35, "about 4 in 10", "约四成"),
        (0.95, "about 9 in 10", "约九成"), (0.951, "more than 19 in 20", "超过 95%"), (1.0, "more than 19 in 20", "超过 95%"),
    ],
)  # fmt: skip
def test_chances_as_people_say_them(chance, english, chinese):
    assert (chance_words(chance, "en"), chance_words(chance, "zh")) == (english, chinese)
