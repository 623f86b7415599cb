"""matplotlib figures as inline SVG: searchable, the same every time, alone on their page, nothing left open."""

import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from crmtools import show
from crmtools.measuring import breakdown, measure, trend
from crmtools.show import plots
from crmtools.show.figures import svg_of
from crmtools.show.style import rc, styled
from crmtools.words import LANGUAGES

from .pages import HOSTILE

# ibis 12 asks pandas 3 for an option that it has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("indicator", ["nps", "churn_rate", "cac", "first_response_time", "backlog", "csat_mean"])
def test_a_trend_on_axes_draws_what_was_measured(tiny, indicator, language):
    line = trend(indicator, tiny)
    axes = plots.trend(line, language=language, currency="CNY")
    drawn = axes.lines[0].get_ydata()
    assert np.array_equal(drawn, [np.nan if e.value is None else e.value for e in line.estimates], equal_nan=True)
    assert line.indicator.name.to(language) in axes.get_title(loc="left").replace("\n", "")
    assert "<svg" in axes._repr_html_()


def test_the_goal_is_drawn_on_axes(goals):
    reading = goals["nps"]
    axes = plots.trend(reading.trend, reading=reading)
    levels = [line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1]
    assert reading.target in levels
    assert "Target +30" in [text.get_text() for text in axes.texts]


def test_given_axes_are_drawn_on_and_given_back(tiny):
    one, two = Figure().subplots(2)
    assert plots.trend(trend("nps", tiny), ax=one) is one
    parts, total = breakdown("churn_rate", tiny, by="region"), measure("churn_rate", tiny)
    assert plots.breakdown(parts, total=total, ax=two, language="zh") is two
    assert [label.get_text() for label in two.get_yticklabels()] == [dict(e.group)["region"] for e in parts.estimates]
    assert list(two.lines[0].get_xdata()) == [e.value for e in parts.estimates]


def test_trend_plot_takes_the_same_way(tiny):
    assert trend("nps", tiny).plot(language="zh", title=False).get_title(loc="left") == ""


def drawn(text: str = "客户 b") -> Figure:
    with styled():
        figure = Figure(figsize=(5, 3))
        axes = figure.subplots()
        axes.plot([1, 2, 3], label=text)
        axes.fill_between([0, 1], 0, 1, alpha=0.2)
        axes.set_title(text)
        axes.legend()
    return figure


def test_equal_figures_are_equal_and_different_ones_share_no_id():
    one, same, other = svg_of(drawn(), alt="a"), svg_of(drawn(), alt="a"), svg_of(drawn("c"), alt="a")
    assert one == same

    def ids(svg: str) -> set[str]:
        return set(re.findall(r' id="([^"]+)"', svg))

    assert ids(one)
    assert not ids(one) & ids(other)
    used = set(re.findall(r"url\(#([^)]+)\)", one)) | set(re.findall(r'href="#([^"]+)"', one))
    assert used
    assert used <= ids(one)


def test_text_stays_text_without_date_or_foreign_style():
    svg = svg_of(drawn(), alt="a")
    assert ">客户 b</text>" in svg
    assert not re.search(r"<metadata|<style|dc:date|<!--|<\?xml|DejaVu|20\d\d-\d\d", svg)


def test_colours_follow_the_page():
    svg = svg_of(drawn(), alt="a")
    assert "var(--crm-accent," in svg
    assert "var(--crm-ink," in svg
    assert not re.search(r": #(?:000000|1f5f8b|1f2933)\b", svg)


@pytest.mark.parametrize("text", ["中文标签：净推荐值", "emoji 😀", "हिन्दी العربية ไทย", "\ufffe\ue000"])
def test_no_letter_is_missing(text):
    """Warnings are errors here; a missing glyph would be one."""
    plain = Figure()  # begun outside our style
    plain.subplots().set_title(text)
    assert text.split()[0] in svg_of(plain, alt=text) or "\ufffe" in text


def test_a_figure_element_has_title_picture_and_caption(read):
    shown = show.figure(drawn(HOSTILE), title=HOSTILE, caption=HOSTILE, alt=HOSTILE)
    page = read(shown.to_html())
    assert page.text.count("<script>") >= 4  # title, caption, axes title, legend
    root = next(page.all("svg"))
    assert (root["role"], root["aria-label"]) == ("img", HOSTILE)
    assert root["viewbox"] == "0 0 360 216"


def test_nothing_outside_the_figure_is_changed():
    from matplotlib import pyplot

    before = dict(mpl.rcParams)
    figure, axes = pyplot.subplots()
    axes.set_title("标题")
    family, canvas = axes.title.get_fontfamily(), figure.canvas
    svg_of(figure, alt="t")
    assert figure.canvas is canvas
    show.figure(axes, title="t")
    assert pyplot.get_fignums() == []  # closed, or the notebook would show it twice
    assert axes.title.get_fontfamily() == family
    assert dict(mpl.rcParams) == before


def test_the_style_is_complete_and_known():
    assert set(rc()) <= set(mpl.rcParams)


def test_axes_without_a_figure_are_refused():
    axes = Figure().subplots()
    axes.remove()
    with pytest.raises(ValueError, match="no figure"):
        show.figure(axes)
