"""Tables, definitions and the quality of the data."""

import json
import re
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

import crmtools as crm
from crmtools import show
from crmtools.errors import SettingsError
from crmtools.indicators import CATALOGUE
from crmtools.measuring import measure
from crmtools.show.definitions import formula
from crmtools.show.quality import LEFT_OUT
from crmtools.tables import TABLES
from crmtools.tables.answers import Answers
from crmtools.words import LANGUAGES, Text

from .pages import HOSTILE, cells_of

# ibis 12 asks pandas 3 for an option that it has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option:DeprecationWarning")


FRAME = pd.DataFrame(
    {
        "name": ["a", None], "n": [1204, 3], "value": [0.046, float("nan")], "when": pd.to_datetime(["2025-12-31", None]),
        "flag": [True, False], "paid": [2_345_678.0, 12.5], "text": [Text("中", "en"), date(2025, 1, 2)],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en",
            [
                ["a", "1,204", "4.6 %", "31 Dec 2025", "yes", "¥2.35 million", "en"],
                ["–", "3", "–", "–", "no", "¥12.50", "2 Jan 2025"],
            ],
        ),
        (
            "zh",
            [
                ["a", "1,204", "4.6%", "2025-12-31", "是", "¥234.6 万", "中"],
                ["–", "3", "–", "–", "否", "¥12.50", "2025-01-02"],
            ],
        ),
    ],
)
def test_a_frame_is_written_in_its_language(language, expected, read):
    shown = show.table(
        FRAME, language=language, formats={"value": "percent", "paid": "money"}, currency="CNY", caption="<b>"
    )
    page = read(shown.to_html())
    assert [[cell.replace("\u00a0", " ") for cell in row] for row in cells_of(shown.html)] == expected
    assert "b" not in {name for name, _ in page.tags}
    right = [a.get("class") for a in page.all("th")][: len(FRAME.columns)]
    assert right == [None, "num", "num", None, None, "num", None]


def test_headings_come_from_labels_words_and_the_dictionary(read):
    frame = pd.DataFrame({"a_b": [1], "value": [2], "region": ["x"], "extra": [1]})
    page = read(show.table(frame, language="zh", labels={"a_b": Text("甲", "A"), "extra": "乙"}).to_html())
    assert page.text.split()[:1] == ["甲数值地区乙1"] or [t for t in page.texts if t.strip()][:4] == [
        "甲",
        "数值",
        "地区",
        "乙",
    ]


def test_long_frames_are_cut_and_say_so():
    frame = pd.DataFrame({"value": range(1300)})
    shown = show.table(frame, rows=10)
    assert len(cells_of(shown.html)) == 10
    assert "The first 10 of 1,300 rows." in shown.html


def test_a_named_index_is_shown_and_the_frame_is_left_alone():
    frame = FRAME.set_index("name")[["n"]]
    before = frame.copy()
    assert [row[0] for row in cells_of(show.table(frame).html)] == ["a", "–"]
    pd.testing.assert_frame_equal(frame, before)


def test_functions_units_and_mistakes():
    frame = pd.DataFrame({"x": [1.5]})
    assert "«1.5»" in show.table(frame, formats={"x": lambda value: f"«{value}»"}).html
    with pytest.raises(SettingsError, match="Did you mean 'x'"):
        show.table(frame, formats={"X": "percent"})
    with pytest.raises(SettingsError, match="percent"):
        show.table(frame, formats={"x": "percnt"})


def test_an_empty_frame_is_a_table_with_headings(read):
    assert "Value" in read(show.table(FRAME[["value"]].head(0)).to_html()).text


def test_hostile_cells_headings_and_captions_stay_text(read):
    frame = pd.DataFrame({HOSTILE: [HOSTILE]}, index=pd.Index([HOSTILE], name=HOSTILE + "i"))
    shown = show.table(frame, caption=HOSTILE)
    assert "<script" not in shown.html
    assert read(shown.to_html()).text.count("<script>") == 5


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("indicator", sorted(CATALOGUE))
def test_every_definition(tiny, indicator, language, read):
    item = CATALOGUE[indicator]
    shown = show.definition(indicator, tiny, language=language)
    page = read(shown.to_html())
    assert item.meaning.to(language) in page.text
    assert next(page.all("math"))["alttext"] == item.formula
    assert item.source not in page.text  # a name that readers know, not the key of the bibliography
    for name, words in item.assumption_words.items():
        assert name in page.text
        assert words.to(language) in page.text
    assert ("SELECT" in page.text) == (item.waits_for is None)
    for reason, rows in measure(item, tiny).excluded:
        assert reason in item.excludes
        assert re.search(rf"[：:]\s?(?:本期 )?{rows}\b", page.text)
    assert not re.search(r"None|nan\b", str(shown))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_definition_marks_what_the_parameters_file_changed(tiny, language):
    settings = tiny.settings.model_copy(update={"definitions": {"nps": {"promoter_from": 8}}})
    shown = show.definition("nps", replace(tiny, settings=settings), language=language)
    assert {"en": "(by default 9)", "zh": "（默认值 9）"}[language] in shown.html


@pytest.mark.parametrize(
    ("told", "read_from", "not_from"),
    [
        ({}, "subscriptions or contracts", "orders"),
        ({"activity": "orders"}, "orders", "subscriptions or contracts"),
    ],
)
def test_what_an_indicator_was_not_made_of_is_not_named(tiny, told, read_from, not_from):
    """Of two tables that would do one is used: that of the parameters file, or the one that is there."""
    chosen = replace(tiny, settings=tiny.settings.model_copy(update={"definitions": {"retention_rate": told}}))
    _names(chosen, read_from, not_from)
    if told:
        without = {name: table for name, table in tiny.tables.items() if name != "subscriptions"}
        _names(replace(tiny, tables=without, answers=Answers("without subscriptions")), read_from, not_from)


def _names(data, read_from, not_from):
    trend, parts = crm.trend("retention_rate", data), crm.breakdown("retention_rate", data, by="region")
    captions = [
        re.findall(r"Source: [^.]*", shown.html)[-1]
        for shown in (show.trend(trend), show.breakdown(parts, total=crm.measure("retention_rate", data)))
    ]
    row = re.search(r"Data it reads: (.*)", show.definition("retention_rate", data).text)[1]
    for said in (*captions, row):
        assert read_from in said
        assert not_from not in said
    assert trend.tables == parts.tables


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_definition_of_what_cannot_be_computed_says_what_is_missing(tiny, language, read):
    poor = replace(tiny, tables={name: table for name, table in tiny.tables.items() if name != "survey_items"})
    page = read(show.definition("nps", poor, language=language).to_html())
    assert "survey_items" in page.text
    assert not list(page.all("details"))


def test_formulas_are_mathml_or_their_latex():
    assert "<mfrac>" in formula(r"\frac{a}{b}")
    assert 'alttext="\\frac{a}{b}"' in formula(r"\frac{a}{b}")
    assert formula(r"<\frac{a}") in ("<code>&lt;\\frac{a}</code>", formula(r"<\frac{a}"))
    assert "<script" not in formula("<script>")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_door_tells_every_row(tiny, language, read):
    shown = show.door(tiny, language=language)
    read(shown.to_html())
    for row, item in zip(cells_of(shown.html), tiny.door.tables, strict=True):
        assert row[1:3] == [str(item.read), str(item.kept)]
        assert sum(map(int, re.findall(r"\d+", row[3]))) == item.read - item.kept
        assert all(name in row[5] for name in item.dropped_personal)
        assert item.first in row[4]


def test_rows_after_the_day_of_the_data_are_counted(tiny):
    rows = cells_of(show.door(replace(tiny, cut={"orders": 7}), language="zh").html)
    row = next(row for row in rows if "orders.csv" in row[0])
    assert "7 行晚于 2025-12-31" in row[3]


def test_every_reason_of_the_door_has_words():
    from typing import get_args

    from crmtools.settings import Leniency

    assert set(LEFT_OUT) == {*get_args(Leniency), "test_account"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_filled_lists_every_column_with_gaps(tiny, language, read):
    page = read(show.filled(tiny, language=language).to_html())
    gaps = sum(share < 1 for item in tiny.door.tables for share in item.filled.values())
    assert len(list(page.all("svg"))) == gaps
    assert "100" not in "".join(cell[3] for cell in cells_of(show.filled(tiny, language=language).html))


def test_almost_full_is_not_full(tiny):
    table = replace(tiny.door.tables[0], filled={"region": 0.99999, "tier": 0.00001})
    shown = str(show.filled(replace(tiny, door=replace(tiny.door, tables=(table,))), language="zh"))
    assert "99.9%" in shown
    assert "0.1%" in shown


def test_hostile_names_at_the_door_stay_text(tiny, read):
    table = replace(
        tiny.door.tables[0],
        place=HOSTILE,
        unused=(HOSTILE,),
        dropped_personal=(HOSTILE,),
        left_out={HOSTILE: 1},
        filled={HOSTILE: 0.5},
    )
    data = replace(tiny, door=replace(tiny.door, tables=(table,), remarks=(HOSTILE,)))
    for shown in (show.door(data), show.filled(data)):
        assert "<script" not in shown.to_html()
        assert "<script>" in read(shown.to_html()).text


def test_every_display_can_be_stored_in_a_notebook(tiny, goals):
    """All mime bundles are JSON, and every public function returns a display."""
    now = measure("nps", tiny)
    for shown in (
        show.card(now),
        show.answer(now),
        show.scorecard(goals),
        show.headline(goals, tiny),
        show.door(tiny),
        show.ready(tiny),
    ):
        json.dumps(shown._repr_mimebundle_(), allow_nan=False)
        assert repr(shown)


def test_the_dictionary_of_tables_has_short_names():
    from crmtools.show.sentences import before_comma

    names = {before_comma(table.meaning.to(language)) for table in TABLES.values() for language in LANGUAGES}
    assert all(names)
    assert len(names) == 2 * len(TABLES)
