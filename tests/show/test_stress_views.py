"""Definition risk: what is said against the values themselves, what is drawn, and what is carried."""

import json
import re
from dataclasses import replace

import pytest

import crmtools as crm
from crmtools import show
from crmtools.indicators import CATALOGUE
from crmtools.show.display import RESULT
from crmtools.show.stress_views import MOST, set_words, spoken
from crmtools.stressing import Stress
from crmtools.words import LANGUAGES, Text

from .pages import HOSTILE
from .test_answers import parsed

# ibis 12 asks pandas 3 for an option that it has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


@pytest.fixture
def stressed(make):
    """An inactivity rate in force, and others; ``changes`` vary the window."""

    def made(*values, low=None, high=None, method="wilson", **more):
        item = CATALOGUE["inactivity_rate"]
        estimates = [
            make(item.id, value=v, low=v - 0.01 if v is not None else None, high=v, n=50, method=method) for v in values
        ]
        estimates[0] = replace(estimates[0], low=low, high=high, **more)
        changes = [{}, *({"window_days": 10 * place} for place in range(1, len(values)))]
        return Stress(item, dict(item.assumptions), tuple(estimates), tuple(changes))

    return made


@pytest.mark.parametrize(
    ("values", "limits", "english", "chinese"),
    [
        ((0.2, 0.1, 0.5), (0.15, 0.25), "is 4 times the width of the sampling interval: the definition matters more", "4 倍：口径的影响大于"),
        ((0.2, 0.18, 0.22), (0.1, 0.3), "is 0.2 times the width of the sampling interval: chance matters more", "0.2 倍：偶然波动的影响大于"),
        ((0.2, 0.15, 0.25), (0.15, 0.25), "about the width of the sampling interval", "与抽样区间宽度相当"),
    ],
)  # fmt: skip
def test_definitions_are_weighed_against_chance(stressed, values, limits, english, chinese):
    made = stressed(*values, low=limits[0], high=limits[1])
    en, zh = (spoken(made, language).replace("\u00a0", " ") for language in LANGUAGES)
    assert en.startswith(
        f"Under three defensible sets of assumptions it lies between {100 * min(values):.1f} % and {100 * max(values):.1f} %"
    )
    assert zh.startswith(f"在三组站得住脚的口径下，数值介于 {100 * min(values):.1f}% 与 {100 * max(values):.1f}% 之间")
    assert english in en.replace(".00 times", " times").replace(".20 times", ".2 times")
    assert chinese in zh.replace(".00 倍", " 倍").replace(".20 倍", ".2 倍")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cannot_be_weighed_says_so(stressed, make, language):
    said = {
        "one": spoken(stressed(0.2), language),
        "same": spoken(stressed(0.2, 0.2), language),
        "alike": spoken(stressed(0.2, 0.20001, low=0.1, high=0.3), language),
        "count": spoken(stressed(0.2, 0.3, method="census"), language),
        "no interval": spoken(stressed(0.2, 0.3), language),
        "a band": spoken(stressed(0.2, 0.3, low=0.1, high=0.4, method="scenario"), language),
        "nothing": spoken(stressed(None, None, why=Text("没有数据", "no data")), language),
    }
    expected = {
        "one": ("No other set of assumptions", "没有声明其他口径"),
        "same": ("makes no difference", "不影响结果"),
        "alike": ("rounds to 20.0", "数值都约为 20.0"),
        "count": ("the definition alone moves it", "差异全部来自口径"),
        "no interval": ("cannot be compared with chance", "无法与偶然波动相比"),
        "a band": ("cannot be compared with chance", "无法与偶然波动相比"),
        "nothing": ("could not be computed: no data", "无法计算：没有数据"),
    }
    for case, (english, chinese) in expected.items():
        assert (english if language == "en" else chinese) in said[case], case


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sets_of_the_tiny_company(tiny, language, read):
    made = crm.stress("inactivity_rate", tiny)
    shown = show.stress(made, language=language)
    page = read(shown.to_html())
    values = [crm.measure("inactivity_rate", tiny, **{**made.in_force, **change}).value for change in made.changes]
    assert [one["value"] for one in shown.result["sets"]] == values
    known = [value for value in values if value is not None]
    assert 1 < len(known) < len(values), "the data do not reach back two years"
    assert {"en": "give no value", "zh": "得不出数值"}[language] in page.text
    drawn = parsed(shown.html)
    ticks = [(float(x["x"].rstrip("%")), float(t.rstrip("% \u00a0")) / 100) for x, t in drawn["ticks"]]
    (x0, v0), (x1, v1) = ticks[0], ticks[-1]
    dots = [v0 + (float(x.rstrip("%")) - x0) * (v1 - v0) / (x1 - x0) for x in drawn["dots"]]
    assert dots == pytest.approx([known[0], *sorted(known[1:])], abs=0.005), (
        "the set in force first, the others by value"
    )
    assert {"en": "in force", "zh": "现行口径"}[language] in page.text
    assert "window_days = 90" in page.text
    assert page.text.count("window_days = 45") >= 1
    assert next(page.all("table"))["aria-label"]
    body = shown.html[shown.html.index("<details>") :]
    assert body.count("<tr>") == 1 + len(made), "all sets stand in the table"
    assert 'class="crm-scroll"' in body
    assert all(made.indicator.assumption_words[name].to(language) in page.text for name in made.indicator.defensible)


def test_both_languages_carry_the_same_and_no_estimates(tiny):
    """A value under other assumptions must not be taken for the indicator's own in the results of a run."""
    made = crm.stress("inactivity_rate", tiny)
    bundles = [show.stress(made, language=language)._repr_mimebundle_() for language in LANGUAGES]
    assert json.dumps(bundles[0][RESULT], allow_nan=False) == json.dumps(bundles[1][RESULT], allow_nan=False)
    assert "as_of" not in json.dumps(bundles[0][RESULT])


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_many_sets_the_extremes_are_drawn(stressed, language, read):
    values = [0.5, *(0.01 * place for place in range(1, 30))]
    shown = show.stress(stressed(*values, low=0.4, high=0.6), language=language)
    assert shown.html.count("<circle") == MOST
    assert str(len(values)) in read(shown.html).text
    drawn = shown.html[: shown.html.index("<details>")]
    extremes = [0.5, 0.01, 0.02, 0.03, 0.04, 0.26, 0.27, 0.28, 0.29]
    assert [float(x) for x in re.findall(r"<title>[^<]*?([\d.]+)[ \u00a0]?%</title>", drawn)] == pytest.approx(
        [100 * value for value in extremes]
    )
    assert "window_days = 150" not in shown.html[: shown.html.index("<details>")], "one in the middle"


def test_the_name_of_a_set_is_what_differs(stressed):
    made = stressed(0.2, 0.3)
    assert set_words(made, 0, "en") == "window_days = 90, base_days = 365"
    assert set_words(made, 1, "zh") == "window_days = 10"


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_assumptions_stay_text(stressed, language, read):
    made = stressed(0.2, 0.3, low=0.1, high=0.3)
    made = replace(made, changes=({}, {"window_days": HOSTILE}))
    shown = show.stress(made, language=language)
    assert "<script" not in shown.to_html()
    assert HOSTILE in read(shown.to_html()).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hidden_set_shows_no_number(stressed, language):
    made = stressed(0.2, 0.777, 0.3, low=0.1, high=0.3)
    made = replace(made, estimates=(made.estimates[0], made.estimates[1].hidden(), made.estimates[2]))
    shown = show.stress(made, language=language)
    assert "77" not in shown.html + json.dumps(shown.result)


def test_a_single_set_without_a_value_is_one(stressed):
    for values, words in (
        ((0.5, 0.4, None), "One more gives no value."),
        ((0.5, 0.4, None, None), "Two more give no value."),
    ):
        assert words in show.stress(stressed(*values, low=0.4, high=0.6), language="en").text


def test_last_digits_of_a_sum_move_nothing(stressed):
    """They hang on the order in which the engine adds: two runs of one report must not differ for them."""
    made = stressed(0.3, 0.1 + 0.2, 0.7, 0.3, low=0.2, high=0.4)
    other = stressed(0.3, 0.3, 0.7, 0.1 + 0.2, low=0.2, high=0.4)
    assert 0.1 + 0.2 != 0.3
    assert show.stress(made).html == show.stress(other).html
    assert stressed(0.3, 0.1 + 0.2).spread == 0
    assert spoken(stressed(0.3, 0.1 + 0.2, low=0.2, high=0.4), "en") == spoken(
        stressed(0.3, 0.3, low=0.2, high=0.4), "en"
    )
