"""The chapters: every function in both languages on three sources; its numbers are those of the objects behind it."""

import dataclasses
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import crmtools as crm
from crmtools import formats, show
from crmtools.cohorts import Cohorts, project, retention
from crmtools.goals.evidence import EVIDENCE
from crmtools.goals.judgement import Judgement
from crmtools.goals.reading import Scorecard, scorecard
from crmtools.lifetime import ShiftedBetaGeo, count_renewals
from crmtools.lifetime.fitted import NOT_IDENTIFIED
from crmtools.lifetime.occasions import fetch
from crmtools.lifetime.study import Study, study
from crmtools.lifetime.value import Total
from crmtools.period import Period
from crmtools.questions import missing_columns
from crmtools.rfm import Rfm, rfm
from crmtools.rfm import Study as Segments
from crmtools.rfm import study as segments
from crmtools.settings import Publish
from crmtools.show.cohort_halves import compared_halves
from crmtools.show.display import Display, plain
from crmtools.show.heat import STRONGEST
from crmtools.show.scorecards import CANNOT_TELL, TWO_STATUSES
from crmtools.show.sentences import undecided
from crmtools.suppression import small_ones
from crmtools.tables.source import Data
from crmtools.words import LANGUAGES, Text

SOURCES = ("tiny", "demo", "cdnow")
HOSTILE = """<script>alert("x")</script>&'北区"""
CHINESE = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Chapter:
    """Everything the notebooks hand to the functions, for one source."""

    data: Data
    cohorts: Cohorts
    rfm: Rfm
    segments: Segments
    study: Study
    goals: Scorecard


@cache
def chapter(name: str) -> Chapter:
    data = crm.open(name)
    made = retention(data.orders, as_of=data.as_of), rfm(data.orders, as_of=data.as_of), segments(data)
    return Chapter(data, *made, study(data), scorecard(data))


FUNCTIONS: dict[str, Callable[[Chapter, str], Display]] = {
    "cohort_answer": lambda c, lang: show.cohort_answer(c.cohorts, language=lang),
    "cohort_curve": lambda c, lang: show.cohort_curve(c.cohorts, c.data, language=lang),
    "cohort_map": lambda c, lang: show.cohort_map(c.cohorts, c.data, language=lang),
    "cohort_curve_ahead": lambda c, lang: show.cohort_curve(
        c.cohorts, c.data, language=lang, projection=project(c.data.orders, c.cohorts)
    ),
    "contract_survival": lambda c, lang: show.contract_survival(c.data, language=lang),
    "cohort_map_value": lambda c, lang: show.cohort_map(c.cohorts, c.data, language=lang, what="value"),
    "cohort_map_revenue": lambda c, lang: show.cohort_map(c.cohorts, c.data, language=lang, what="revenue"),
    "cohort_cells": lambda c, lang: show.cohort_cells(c.cohorts, c.data, language=lang),
    "cohort_cells_value": lambda c, lang: show.cohort_cells(c.cohorts, c.data, language=lang, what="value"),
    "rfm_answer": lambda c, lang: show.rfm_answer(c.rfm, c.data, language=lang),
    "rfm_segments": lambda c, lang: show.rfm_segments(c.rfm, c.data, language=lang),
    "rfm_bands": lambda c, lang: show.rfm_bands(c.rfm, c.data, language=lang),
    "rfm_moves": lambda c, lang: show.rfm_moves(c.segments, c.data, language=lang),
    "rfm_next": lambda c, lang: show.rfm_next(c.segments, c.data, language=lang),
    "lifetime_answer": lambda c, lang: show.lifetime_answer(c.study, c.data, language=lang),
    "lifetime_counts": lambda c, lang: show.lifetime_counts(c.study, language=lang),
    "lifetime_parameters": lambda c, lang: show.lifetime_parameters(c.study, language=lang),
    "lifetime_check": lambda c, lang: show.lifetime_check(c.study, language=lang),
    "lifetime_tracking": lambda c, lang: show.lifetime_tracking(c.study, c.data, language=lang),
    "lifetime_trust": lambda c, lang: show.lifetime_trust(c.study, language=lang),
    "lifetime_choice": lambda c, lang: show.lifetime_choice(c.study, language=lang),
    "lifetime_frequencies": lambda c, lang: show.lifetime_frequencies(c.study, language=lang),
    "lifetime_histories": lambda c, lang: show.lifetime_histories(c.study, c.data, language=lang),
    "lifetime_alive": lambda c, lang: show.lifetime_alive(c.study, c.data, language=lang),
    "lifetime_value": lambda c, lang: show.lifetime_value(c.study, c.data, language=lang),
    "gaps": lambda c, lang: show.gaps(c.goals, language=lang),
    "paths": lambda c, lang: show.paths(c.goals, language=lang),
    "not_computable": lambda c, lang: show.not_computable(c.data, language=lang),
    "notes": lambda c, lang: show.notes(c.study.notes, language=lang),
}


def with_smallest(data: Data, smallest: int) -> Data:
    settings = data.settings.model_copy(update={"publish": Publish(smallest_group=smallest)})
    return replace(data, settings=settings)


def numbers(result: object) -> object:
    """A result without its texts, for comparison between languages."""
    if isinstance(result, dict):
        return {key: numbers(value) for key, value in result.items() if key not in ("zh", "en")}
    return [numbers(value) for value in result] if isinstance(result, list) else result


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_speaks_both_languages_and_shows_the_same_numbers(function, source, read):
    c = chapter(source)
    shown = {language: FUNCTIONS[function](c, language) for language in LANGUAGES}
    for language, display in shown.items():
        page = read(display.to_html())
        assert page.text.strip()
        assert display.text.strip()
        for text in (page.text, display.text):
            assert not re.search(r"\b(None|nan|NaN|NaT|inf|Text\()", text), text
            assert not re.search(r"[{}]", text), text
        assert bool(CHINESE.search(page.text)) is (language == "zh"), page.text
    one, other = (numbers(plain(display.result)) for display in shown.values())
    assert one == other


@pytest.mark.parametrize("source", SOURCES)
def test_nobody_is_named(source):
    c = chapter(source)
    people = set(map(str, c.study.summary.frame.index))
    for function in FUNCTIONS.values():
        display = function(c, "en")
        words = set(re.findall(r"[\w.@-]+", display.html)) - set(re.findall(r"[\d.]+", display.html))
        assert not words & people


# Cohorts


def test_retention_in_the_answer_is_that_of_the_orders():
    c = chapter("demo")
    orders = fetch(c.data.orders)
    orders = orders[orders["status"] == "completed"].assign(month=orders["ordered_at"].dt.to_period("M"))
    paid = orders.groupby(["customer_id", orders["ordered_at"].dt.date, "month"])[["net_amount", "refund_amount"]].sum()
    bought = paid[paid["net_amount"] - paid["refund_amount"].fillna(0) > 0.005].reset_index()
    first = bought.groupby("customer_id")["month"].min()
    age = (bought["month"] - bought["customer_id"].map(first)).map(lambda step: step.n)
    known = first[first <= pd.Period(c.data.as_of, "M") - 3]
    back = bought.loc[(age == 3) & bought["customer_id"].isin(known.index), "customer_id"].nunique()
    said = show.cohort_answer(c.cohorts, language="en").text
    assert f"{100 * back / len(known):.1f}\u00a0% in the third" in said
    assert f"n\u00a0=\u00a0{len(known):,}" in said


def test_cells_of_the_map_are_those_of_the_matrix(read):
    c = chapter("cdnow")
    html = show.cohort_map(c.cohorts, c.data, language="en").html
    rows = re.findall(r"<tr>(.*?)</tr>", html.split("<tbody>")[1])
    matrix = c.cohorts.matrix().drop(columns=0).dropna(how="all", axis=1)
    assert len(rows) == len(matrix) == 3
    for row, (_, shares) in zip(rows, matrix.iterrows(), strict=True):
        written = [float(cell) for cell in re.findall(r"<b>([\d.]+)</b>", row)]
        assert written == pytest.approx(list(100 * shares.dropna()), abs=0.5)


@pytest.mark.parametrize("what", ["revenue", "value"])
def test_amounts_that_few_brought_are_hidden_and_so_is_their_difference(what):
    c = chapter("demo")
    html = show.cohort_map(c.cohorts, c.data, language="en", what=what).html
    rows = re.findall(r"<tr>(.*?)</tr>", html.split("<tbody>")[1])
    column = {"revenue": "revenue_per_customer", "value": "cumulative_revenue_per_customer"}[what]
    hidden = 0
    for row, label in zip(rows, c.cohorts.matrix().index, strict=True):
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row)[1:]
        own = c.cohorts.cells[(c.cohorts.cells["label"] == label) & c.cohorts.cells["mature"]]
        untold = 0
        for cell, active, value in zip(cells, own["active"], own[column], strict=False):
            small = active if 0 < active < 10 else 0
            untold = small + (untold if what == "value" else 0)
            if cell == "…":
                assert 0 < untold < 10
                hidden += 1
            else:
                assert untold == 0 or untold >= 10
                untold = 0
                written = re.sub("<[^>]+>", "", cell).replace(",", "")
                assert float(written) == pytest.approx(value, abs=0.51)
    assert hidden


def test_small_cohorts_are_hidden_and_a_second_one_with_a_single_one():
    c = chapter("demo")
    sizes = c.cohorts.cells.drop_duplicates("label").set_index("label")["size"].sort_values()
    least = int(sizes.iloc[0]) + 1
    html = show.cohort_map(c.cohorts, with_smallest(c.data, least), language="en").html
    hidden = re.findall(r'<th scope="row">([^<]*)</th><td colspan', html)
    wanted = max(2, int((sizes < least).sum()))
    assert hidden == [formats.month(Period.parse(label).start, "en") for label in sorted(sizes.index[:wanted])]


def made_cohorts(shares: list[float], *, size: int = 400, months: int = 3) -> Cohorts:
    """Cohorts that were born a month apart; a share of each buys again in every later month up to June 2025."""
    rows = []
    for place, share in enumerate(shares):
        born = pd.Timestamp(2024, 1, 15) + pd.DateOffset(months=place)
        for number in range(size):
            rows.append((f"c{place}-{number}", born))
            if number < share * size:
                rows += [(f"c{place}-{number}", born + pd.DateOffset(months=age)) for age in range(1, months + 1)]
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at"]).assign(net_amount=10.0)
    last = date(2024, 1, 31) if len(shares) == 1 and months == 0 else date(2025, 6, 30)
    return retention(orders[orders["ordered_at"] <= pd.Timestamp(last)], as_of=last)


@pytest.mark.parametrize(
    ("shares", "verdict", "said"),
    [
        ([0.2] * 4 + [0.4] * 4, "better", "more often: in month 1, 40.0\u00a0% of those of"),
        ([0.4] * 4 + [0.2] * 4, "worse", "less often"),
        ([0.3] * 8, "alike", "can be told from chance"),
        ([0.30, 0.31] * 4, "alike", "can be told from chance"),
        ([0.3], "one", "one cohort only"),
    ],
)
def test_newer_cohorts_differ_only_where_the_data_say_so(shares, verdict, said):
    cohorts = made_cohorts(shares)
    assert compared_halves(cohorts, (1, 3)).verdict == verdict
    assert said in show.cohort_answer(cohorts, language="en").text


def test_nothing_mature_and_too_few_are_said():
    fresh = made_cohorts([0.0], months=0)
    data = chapter("tiny").data
    for language in LANGUAGES:
        for display in (
            show.cohort_answer(fresh, language=language),
            show.cohort_curve(fresh, data, language=language),
            show.cohort_map(fresh, data, language=language),
        ):
            assert (
                display.text == ("No cohort" if language == "en" else "还没有同期群") + display.text[9:]
                or language == "zh"
            )
            assert not re.search(r"\d\s?%", display.text)
    few = made_cohorts([0.5, 0.5], size=2)
    assert "Too few customers" in show.cohort_answer(few, language="en").text
    assert "50.0" in show.cohort_answer(few, language="en", smallest_group=1).text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_can_be_read_on_the_fullest_cell(theme):
    css = (Path(show.__file__).parents[2] / "book" / "static" / "crmtools.css").read_text(encoding="utf8")
    block = css[css.index("\nhtml {" if theme == "light" else '\nhtml[data-theme="dark"] {') :].split("}")[0]

    def token(name: str) -> np.ndarray:
        digits = re.search(rf"--crm-{name}: #([0-9a-f]+);", block)[1]
        digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
        return np.array([int(digits[at : at + 2], 16) for at in (0, 2, 4)]) / 255

    def light(colour: np.ndarray) -> float:
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    cell = STRONGEST * token("accent") + (1 - STRONGEST) * token("bg")
    low, high = sorted((light(cell), light(token("ink"))))
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_the_curve_of_contracts_shows_shares_left_and_the_fit():
    c = chapter("demo")
    display = show.contract_survival(c.data, language="en")
    rows = {row["t"]: row for row in display.result["observed"]}
    assert all(row["at_risk"] >= 10 for row in rows.values())
    last = max(rows)
    assert f"{100 * rows[last]['value']:.1f}\u00a0% of customers are left after {last} monthly renewals" in display.text
    model = ShiftedBetaGeo.fit(count_renewals(c.data["subscriptions"], as_of=c.data.as_of, grace_days=14).counts)
    assert display.result["parameters"] == {"alpha": model.alpha, "beta": model.beta}
    ahead = model.survival(last + 12)["value"].iloc[0]
    assert (
        f"expects {100 * ahead:.1f}\u00a0% of customers to be left after {last + 12} monthly renewals" in display.text
    )
    tight = with_smallest(c.data, 500)
    assert min(row["at_risk"] for row in show.contract_survival(tight, language="en").result["observed"]) >= 500
    assert "no subscriptions" in show.contract_survival(chapter("cdnow").data, language="en").text


# RFM


def test_segments_show_the_shares_of_the_frame():
    c = chapter("demo")
    frame = c.rfm.frame
    best = frame[frame["segment"] == "champions"]
    said = show.rfm_answer(c.rfm, c.data, language="en").text
    share = best["monetary"].sum() / frame["monetary"].sum()
    assert f"{len(best):,} are champions ({100 * len(best) / len(frame):.1f}\u00a0%)" in said
    assert f"brought {100 * share:.1f}\u00a0% of the revenue" in said
    display = show.rfm_segments(c.rfm, c.data, language="en")
    rows = [re.sub("<[^>]+>", "|", row) for row in re.findall(r"<tr>(.*?)</tr>", display.html.split("<tbody>")[1])]
    assert len(rows) == 10
    for row, segment in zip(rows, display.result["segments"], strict=True):
        people = frame[frame["segment"] == segment["segment"]]
        assert f"|{len(people):,}|" in row
        assert formats.money(people["monetary"].sum(), "CNY", "en") in row
        assert segment["customers"] == len(people)


def test_small_segments_are_hidden_and_a_second_one_with_a_single_one(read):
    c = chapter("demo")
    counts = c.rfm.frame["segment"].value_counts().sort_values()
    least = int(counts.iloc[0]) + 1
    assert (counts < least).sum() == 1
    data = with_smallest(c.data, least)
    for display in (show.rfm_segments(c.rfm, data, language="en"), show.rfm_answer(c.rfm, data, language="en")):
        page, hidden = read(display.html), {s["segment"] for s in display.result["segments"] if s["suppressed"]}
        assert hidden == set(counts.index[:2])
        for segment in hidden:
            people = c.rfm.frame[c.rfm.frame["segment"] == segment]
            assert f"{people['monetary'].sum():.0f}" not in page.text.replace(",", "")
            assert not re.search(rf"(?<![\d,.]){len(people)}(?![\d,.%])", page.text.replace("\u00a0", " "))
        kept = [s for s in display.result["segments"] if s["suppressed"]]
        assert all(value is None for s in kept for key, value in s.items() if key not in ("segment", "suppressed"))


def test_a_sum_with_a_hidden_segment_is_not_said():
    c = chapter("cdnow")  # 35 customers "cannot be lost"
    data = with_smallest(c.data, 40)
    said = show.rfm_answer(c.rfm, data, language="en").text
    assert "Those of Can't Lose Them are too few to be shown" in said
    told = next(
        one for one in show.rfm_segments(c.rfm, data, language="en").result["segments"] if one["segment"] == "at_risk"
    )
    assert f"Good customers who are slipping away: At Risk, {int(told['customers']):,} (" in said, (
        "what the table below shows"
    )


def test_every_customer_lies_in_the_band_of_the_score():
    for source in SOURCES:
        c = chapter(source)
        display = show.rfm_bands(c.rfm, c.data, language="en")
        body = display.html.split("<tbody>")[1]
        for score, row in zip(range(5, 0, -1), re.findall(r"<tr>(.*?)</tr>", body), strict=True):
            days, times = re.findall(r'<td class="num">(.*?)<', row)[:2]
            for name, band, column in (("R", days, "recency_days"), ("F", times, "frequency")):
                people = c.rfm.frame[c.rfm.frame[name] == score]
                if band == formats.MISSING:
                    assert people.empty
                    continue
                low, *high = (int(part.replace(",", "")) for part in re.findall(r"[\d,]+", band))
                high = math.inf if "more" in band else high[0] if high else low
                assert people[column].between(low, high).all()
                assert f"customers: {len(people):,}" in row


def test_bands_leave_nothing_out_and_do_not_overlap():
    c = chapter("demo")
    body = show.rfm_bands(c.rfm, c.data, language="en").html.split("<tbody>")[1]
    rows = [re.findall(r'<td class="num">(.*?)<', row)[:2] for row in re.findall(r"<tr>(.*?)</tr>", body)]
    for column, first in ((0, 0), (1, 1)):  # days since the last purchase from 0, purchases from 1
        bands = [[int(part.replace(",", "")) for part in re.findall(r"[\d,]+", row[column])] for row in rows]
        bands = sorted(band for band in bands if band)
        assert bands[0][0] == first
        assert [band[0] for band in bands[1:]] == [band[-1] + 1 for band in bands[:-1]]


def test_the_matrix_shows_the_shares_of_its_rows_and_hides_small_cells():
    c = chapter("demo")
    display = show.rfm_moves(c.segments, c.data, language="en")
    body = display.html.split("<tbody>")[1]
    for row, line in zip(display.result["rows"], re.findall(r"<tr>(.*?)</tr>", body), strict=True):
        cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", line)]
        if cells == ["too few"]:
            assert all(count is None or count == 0 for count in row["to"].values())
            continue
        counts = [count for name, count in row["to"].items() if name != "no_longer"]
        for cell, count in zip(cells, counts, strict=True):
            if count is None:
                assert cell == "…"
            else:
                assert count == 0 or count >= c.data.settings.publish.smallest_group
                assert float(cell) == pytest.approx(100 * count / row["customers"], abs=0.5)


def test_sums_that_would_give_away_a_hidden_cell_are_not_said():
    c = chapter("demo")
    moves = c.segments.moves
    flow = moves.flow(("at_risk", "cant_lose_them"), ("champions", "loyal"))
    assert sum(flow[cell] for cell in flow if cell[0] == "cant_lose_them") < 10
    at_10 = show.rfm_moves(c.segments, c.data, language="en").text
    assert "are back among the champions" in at_10  # more than ten are hidden together
    at_40 = show.rfm_moves(c.segments, with_smallest(c.data, 40), language="en").text
    assert sum(flow.values()) < 40
    assert "are back" not in at_40


def test_amounts_of_few_buyers_are_hidden_though_their_segment_is_shown():
    c = chapter("demo")
    display = show.rfm_next(c.segments, c.data, language="en")
    by_key = {row["segment"]: row for row in display.result["segments"]}
    table = c.segments.behaviour
    few = table.index[(table["buyers"] > 0) & (table["buyers"] < 10)]
    assert len(few)
    for key in few:
        assert not {"spend", "purchases", "revenue"} & by_key[key].keys()
        assert by_key[key]["bought"] == table["bought"].loc[key]
    hidden = [key for key, row in by_key.items() if "spend" not in row]
    assert len(hidden) >= 2
    assert table["buyers"].loc[hidden].sum() >= 10
    best = table.loc["champions"]
    assert f"{100 * best['bought']:.1f}" in display.html
    assert formats.money(best["spend"], "CNY", "en") in display.html


def test_bands_say_where_they_are_cut_and_what_becomes_of_ties():
    c = chapter("demo")
    given = rfm(c.data.orders, as_of=c.data.as_of, cuts={"frequency": (1, 2, 4, 8)}, since=date(2025, 1, 1))
    said = show.rfm_bands(given, c.data, language="en").html
    assert "Purchases (F): cut where the parameters file says; the others at the fifths" in said
    assert "Only purchases from 1\u00a0January 2025 on count" in said
    assert "a value equal to a cut belongs with the smaller ones" in said
    assert "购买次数（F）按参数文件中的分界值" in show.rfm_bands(given, c.data, language="zh").html
    assert "Cut at the fifths" in show.rfm_bands(c.rfm, c.data, language="en").html


def test_bands_hide_small_counts():
    c = chapter("demo")
    counts = c.rfm.frame["F"].value_counts()
    data = with_smallest(c.data, int(counts.min()) + 1)
    result = show.rfm_bands(c.rfm, data, language="en").result["customers"]["frequency"]
    assert sum(count is None for count in result.values()) == 2


# Lifetime


def test_cdnow_shows_the_published_counts_and_parameters(read):
    c = chapter("cdnow")
    counts = read(show.lifetime_counts(c.study, language="en").html).text
    for number in ("69,659", "−2,068", "67,591", "23,570", "2,357"):
        assert number in counts
    html = show.lifetime_parameters(c.study, language="en").html
    rows = [re.sub("<[^>]+>", "|", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]
    parameters, total, measures = PUBLISHED[c.study.model.TITLE]
    for name, ours in parameters.items():
        row = next(row for row in rows if row.startswith(f"|{name}|"))
        assert row.count(f"|{ours}|") >= 1 + (name != "beta")  # ours and the second opinion, which stops early for beta
    for name, ours in (("p", "6.250"), ("q", "3.744"), ("v", "15.444")):
        assert f"|{ours}|" in next(row for row in rows if row.startswith(f"|{name}|"))
    answer = show.lifetime_answer(c.study, c.data, language="en")
    assert f"expected {total.partition('.')[0]} purchases and 1,882 were made" in answer.text.replace("1,577", "1,576")
    assert "$" in answer.text
    check = read(show.lifetime_check(c.study, language="zh").html).text
    for number in ("1,882", total, *measures):
        assert number in check


PUBLISHED = {
    "MBG/NBD": (
        {"r": "0.525", "alpha": "6.183", "a": "0.891", "b": "1.614", "Log-likelihood": "−9,582.1"},
        "1,576.7", ("0.765", "1.607", "0.627"),
    ),
    "Pareto/NBD": (
        {"r": "0.553", "alpha": "10.578", "s": "0.606", "beta": "11.669", "Log-likelihood": "−9,595.0"},
        "1,665.5", ("0.755", "1.603", "0.630"),
    ),
}  # fmt: skip
"""What the literature, or a recomputation, says of CDNOW: parameters, purchases expected of the holdout, MAE, RMSE, correlation."""


def test_the_choice_of_a_model_is_told_with_its_numbers(read):
    c = chapter("cdnow")
    comparison = c.study.comparison
    choice = show.lifetime_choice(c.study, language="en")
    page = read(choice.html).text
    for name, row in comparison.frame.iterrows():
        shown = next(model for model in choice.result["models"] if model["name"] == name)
        assert shown["rmse"] == row["rmse"]
        assert f"{row['rmse']:.3f}" in page
    trust = show.lifetime_trust(c.study, language="en")
    assert f"{comparison.winner.TITLE} was taken" in trust.text
    assert "guesses that need no model" in trust.text
    worse = replace(
        comparison, frame=comparison.frame.assign(rmse=comparison.frame["rmse"] + comparison.frame["model"])
    )
    said = show.lifetime_trust(replace(c.study, comparison=worse), language="en").text
    assert "does not earn its keep" in said
    table = show.lifetime_frequencies(c.study, language="en", smallest_group=30)
    assert [group["actual"] for group in table.result["groups"]] == [1411, 439, 214, 100, 62, None, None, 64]


def test_results_carry_the_numbers_of_the_study():
    c = chapter("demo")
    total, frame = c.study.value.total, c.study.value.frame
    answer = show.lifetime_answer(c.study, c.data, language="en").result
    assert (answer["value"], answer["low"], answer["high"]) == (total.value, total.low, total.high)
    assert answer["expected_purchases"] == pytest.approx(frame["expected_purchases"].sum())
    check = show.lifetime_check(c.study, language="en").result
    errors = (
        c.study.split.holdout["purchases"]
        - c.study.model.expected_purchases(c.study.split.calibration, horizon=c.study.split.duration)["value"]
    )
    assert check["mae"] == pytest.approx(errors.abs().mean())
    assert check["actual_total"] == c.study.split.holdout["purchases"].sum()
    tracking = show.lifetime_tracking(c.study, c.data, language="en").result
    assert tracking["actual_cumulative"] == c.study.track["actual"].sum()


def test_groups_by_value_hold_everybody_once():
    c = chapter("cdnow")
    groups = show.lifetime_value(c.study, c.data, language="en").result["groups"]
    values = np.sort(c.study.value.frame["value"])[::-1]
    assert sum(group["customers"] for group in groups) == len(values)
    assert sum(group["value"] for group in groups) == pytest.approx(values.sum())
    first = groups[0]["customers"]
    assert groups[0]["share"] == pytest.approx(values[:first].sum() / values.sum())
    wide = show.lifetime_value(c.study, with_smallest(c.data, 300), language="en").result["groups"]
    assert len(wide) == 5
    assert min(group["customers"] for group in wide) >= 300
    assert not show.lifetime_value(c.study, with_smallest(c.data, 2_000), language="en").result["groups"]


def test_small_groups_of_the_check_are_hidden(read):
    c = chapter("cdnow")
    display = show.lifetime_check(c.study, language="en", smallest_group=30)  # 29 bought six times again
    hidden = {group["frequency"] for group in display.result["by_frequency"] if group["suppressed"]}
    assert hidden == {"5", "6"}
    assert "too few" in read(display.html).text


def test_missing_intervals_and_infinite_values_are_said():
    c = chapter("cdnow")
    nothing = float("nan")
    unknown = replace(c.study, value=replace(c.study.value, total=Total(1000.0, nothing, nothing, 0.95)))
    infinite = replace(c.study, value=replace(c.study.value, total=Total(nothing, nothing, nothing, 0.95)))
    blank = c.study.value.frame.assign(value=nothing)
    infinite = replace(infinite, value=replace(infinite.value, frame=blank))
    for language in LANGUAGES:
        for one in (unknown, infinite):
            for function in (show.lifetime_answer, show.lifetime_value):
                said = function(one, c.data, language=language)
                assert "nan" not in said.text + said.html
    assert "no interval" in show.lifetime_answer(unknown, c.data, language="en").text
    loose = replace(c.study, model=replace(c.study.model, covariance=np.full_like(c.study.model.covariance, nothing)))
    for language in LANGUAGES:
        said = NOT_IDENTIFIED.to(language)
        assert said in show.lifetime_answer(loose, c.data, language=language).text
        assert said not in show.lifetime_answer(c.study, c.data, language=language).text
    assert "infinite" in show.lifetime_value(infinite, c.data, language="en").text


def test_without_a_held_back_time_that_is_said():
    c = chapter("cdnow")
    bare = replace(c.study, split=None, check=None, track=None)
    for language, words in (("en", "No time was held back"), ("zh", "没有留出检验期")):
        assert words in show.lifetime_answer(bare, c.data, language=language).text
        assert words in show.lifetime_check(bare, language=language).text
        assert words in show.lifetime_tracking(bare, c.data, language=language).text


def test_without_a_model_every_part_says_why():
    c = chapter("tiny")
    names = [name for name in FUNCTIONS if name.startswith("lifetime_") and name != "lifetime_counts"]
    assert len(names) == 10
    for name in names:
        assert "too few to fit a model" in FUNCTIONS[name](c, "en").text
        assert "不足以拟合模型" in FUNCTIONS[name](c, "zh").text


def test_customers_chosen_by_a_hostile_value_are_escaped(read):
    c = chapter("cdnow")
    settings = c.study.settings.model_copy(update={"where": {"sample": HOSTILE, "region": ["<b>", HOSTILE]}})
    page = read(show.lifetime_counts(replace(c.study, settings=settings), language="en").html)
    assert HOSTILE in page.text


# Goals


def renamed(goals: Scorecard, name: str) -> Scorecard:
    """The same goals under another name."""
    return Scorecard(tuple(replace(r, goal=replace(r.goal, name=Text(name, name))) for r in goals))


def test_hostile_names_of_goals_are_escaped(read):
    goals = renamed(chapter("demo").goals, HOSTILE)
    for function in (show.gaps, show.paths):
        assert HOSTILE in read(function(goals, language="en").to_html()).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_gaps_and_paths_say_what_the_first_page_says_where_goals_are_judged(language, read):
    """The evidence stands in the table and in the titles, the plan status only in the small print of the table."""
    goals = chapter("demo").goals
    states = ("met", "met_within_error", "on_track", "at_risk", "undecided", "missed")
    told = [Judgement(states[place % len(states)], r.trend) for place, r in enumerate(goals)]
    table, figures = (f(goals, language=language, judgements=told) for f in (show.gaps, show.paths))
    body = read(table.to_html()).text
    for r, one in zip(goals, told, strict=True):
        assert EVIDENCE[one.evidence].to(language) in body
        title = f"{r.goal.name.to(language)}{'：' if language == 'zh' else ': '}{EVIDENCE[one.evidence].to(language)}"
        assert title in read(figures.to_html()).text
    assert CANNOT_TELL.to(language) not in re.sub("|".join(EVIDENCE[s].to(language) for s in states), "", body)
    first = show.scorecard(goals, language=language, judgements=told)
    assert TWO_STATUSES.to(language) in read(first.to_html()).text
    assert TWO_STATUSES.to(language) in body


def test_gaps_mark_what_the_data_cannot_tell(read):
    goals = chapter("demo").goals
    body = show.gaps(goals, language="en", currency="CNY").html.split("<tbody>")[1]
    rows = re.findall(r"<tr>(.*?)</tr>", body)
    assert any(map(undecided, goals))
    assert not all(map(undecided, goals))
    for row, r in zip(rows, goals, strict=True):
        assert ("Cannot tell" in row) is bool(r.gap_low < 0 < r.gap_high)
        assert formats.difference(r.gap, r.goal.indicator.unit, "en", "CNY", signed=False) in row
        half = 1.959964 * r.progress_se
        assert f"{formats.percent(r.progress, 'en', 0)} ± {formats.percent(half, 'en', 0)}" in row
        assert formats.percent(r.elapsed, "en", 0) in row
        assert formats.quantity(r.expected, r.goal.indicator.unit, "en", "CNY", bare=True) in row


def test_the_path_is_straight_from_baseline_to_target():
    for r in chapter("demo").goals:
        first, last = r.goal.start, r.goal.deadline + timedelta(days=1)
        ends = [
            Period(first - timedelta(days=30), first),
            Period(first, first + (last - first) / 2),
            Period(first, last),
        ]
        start, middle, end = map(r.planned, ends)
        assert start == pytest.approx(r.baseline.value)
        assert middle == pytest.approx((r.baseline.value + r.target) / 2, rel=0.01)
        assert end == pytest.approx(r.target)
        outside = [
            Period(first - timedelta(days=60), first - timedelta(days=30)),
            Period(last, last + timedelta(days=30)),
        ]
        assert [r.planned(period) for period in outside] == [None, None]


def test_a_path_says_over_which_time_the_goal_is_judged():
    r = chapter("demo").goals[0]
    assert r.now.period.kind == "quarter"
    assert "judged over" not in show.paths(Scorecard((r,)), language="en").text
    months = replace(r.trend, estimates=(replace(r.now, period=Period.parse("2025-12")),))
    assert "is judged over Q4 2025" in show.paths(Scorecard((replace(r, trend=months),)), language="en").text


def test_goals_without_values_say_why():
    goals = chapter("demo").goals
    reason = Text("没有数据", "there are no data")
    r = goals[0]
    empty = replace(
        r, now=replace(r.now, value=None, low=None, high=None, se=None, why=reason), status="no_evidence",
        trend=replace(r.trend, estimates=tuple(replace(e, value=None, low=None, high=None) for e in r.trend.estimates)),
        **dict.fromkeys(("target", "gap", "gap_low", "gap_high", "progress", "progress_se", "expected")),
    )  # fmt: skip
    bare = replace(r, gap_low=None, gap_high=None, progress_se=None, now=replace(r.now, low=None, high=None, se=None))
    for one in (empty, bare):
        for function in (show.gaps, show.paths):
            for language in LANGUAGES:
                assert "None" not in function(Scorecard((one,)), language=language).to_html()
    assert "there are no data" in show.gaps(Scorecard((empty,)), language="en").html
    assert "no interval" in show.gaps(Scorecard((bare,)), language="en").html


def test_no_goals_no_notes():
    nothing = Scorecard(())
    assert show.gaps(nothing, language="en").text == show.paths(nothing, language="en").text
    assert "no goals" in show.gaps(nothing, language="en").text
    assert show.notes((), language="en").text == "Nothing to note."
    said = show.notes((Text("甲<b>", "one <b>"), Text("甲<b>", "one <b>")), language="en")
    assert said.html.count("one &lt;b&gt;") == 1


def test_what_cannot_be_computed_is_named_by_what_is_missing(read):
    c = chapter("cdnow")
    lacking = [item.id for item in crm.CATALOGUE.values() if missing_columns(item, c.data)]
    display = show.not_computable(c.data, language="en")
    assert sorted(display.result["lacking"]) == sorted(lacking)
    groups = {tuple(missing_columns(crm.CATALOGUE[name], c.data)) for name in lacking}
    assert len(display.text.splitlines()) <= 1 + len(groups) + len(display.result["empty"])
    assert "Missing survey answers" in display.text
    assert "缺少问卷答案" in show.not_computable(c.data, language="zh").text


@pytest.mark.parametrize(
    ("counts", "smallest", "hidden"),
    [
        ({"a": 50, "b": 20, "c": 3}, 10, {"b", "c"}),
        ({"a": 50, "b": 4, "c": 3}, 10, {"a", "b", "c"}),
        ({"a": 50, "b": 9, "c": 3}, 10, {"b", "c"}),
        ({"a": 50, "b": 20, "c": 0}, 10, set()),
        ({"a": 50, "b": 20, "c": 2, "d": 3}, 10, {"b", "c", "d"}),
        ({"a": 50, "b": 20, "c": 5, "d": 5}, 10, {"c", "d"}),
        ({"a": 5}, 10, {"a"}),
        ({}, 10, set()),
    ],
)
def test_which_groups_are_hidden(counts, smallest, hidden):
    assert small_ones(counts, smallest) == hidden


def test_displays_do_not_change_what_they_show():
    c = chapter("demo")
    before = c.rfm.frame.copy(), c.cohorts.cells.copy(), c.study.value.frame.copy(), dataclasses.astuple(c.goals[0].now)
    for function in FUNCTIONS.values():
        function(c, "zh")
    pd.testing.assert_frame_equal(before[0], c.rfm.frame)
    pd.testing.assert_frame_equal(before[1], c.cohorts.cells)
    pd.testing.assert_frame_equal(before[2], c.study.value.frame)
    assert before[3] == dataclasses.astuple(c.goals[0].now)
