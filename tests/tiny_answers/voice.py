"""Surveys, ratings and feedback of the dozen customers, counted once more."""

import csv
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from itertools import permutations
from pathlib import Path

_TINY = Path(__file__).parents[2] / "data" / "tiny"
_START, _END = date(2025, 10, 1), date(2026, 1, 1)


def _rows(name: str) -> list[dict[str, str]]:
    with (_TINY / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row.get("customer_id") != "C12"]


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _mean(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _answered(metric: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Answers of the period on the scale, each with its question, earliest first."""
    items = {row["item_id"]: row for row in _rows("survey_items") if row["metric"] == metric}
    found = [
        (row, items[row["item_id"]])
        for row in _rows("survey_answers")
        if row["item_id"] in items and _START <= _day(row["answered_at"]) < _END
    ]
    found = [(a, q) for a, q in found if float(q["scale_min"]) <= float(a["value"]) <= float(q["scale_max"])]
    return sorted(found, key=lambda pair: pair[0]["answered_at"])


def _index(metric: str) -> float:
    people: dict[str, dict[str, Fraction]] = defaultdict(dict)
    weights = {}
    for answer, question in _answered(metric):
        low, high = Fraction(question["scale_min"]), Fraction(question["scale_max"])
        people[answer["customer_id"]][answer["item_id"]] = 100 * (Fraction(answer["value"]) - low) / (high - low)
        weights[answer["item_id"]] = Fraction(question["weight"] or "1")
    enough = [own for own in people.values() if 5 * len(own) >= 4 * len(weights)]
    each = [sum(weights[k] * x for k, x in own.items()) / sum(weights[k] for k in own) for own in enough]
    return float(_mean(each))


def csat_index() -> float:
    return _index("index")


def brand_perception_index() -> float:
    return _index("brand")


def ces_mean() -> float:
    each = defaultdict(list)
    for answer, question in _answered("ces"):
        if question["direction"] != "bad":
            each[answer["response_id"]].append(Fraction(answer["value"]))
    return float(_mean([_mean(values) for values in each.values()]))


def _respondents() -> list[Fraction]:
    """The gap of everybody whose last questionnaire holds both dimensions in both roles."""
    filled: dict[str, dict[str, dict[tuple[str, str], list[Fraction]]]] = defaultdict(dict)
    for answer, question in _answered("servqual"):
        cell = filled[answer["customer_id"]].setdefault(answer["response_id"], defaultdict(list))
        cell[question["dimension"], question["role"]].append(Fraction(answer["value"]))
    gaps = []
    for questionnaires in filled.values():
        last = list(questionnaires.values())[-1]
        wanted = [(dimension, role) for dimension in ("tangibles", "reliability") for role in "PE"]
        if all(cell in last for cell in wanted):
            sides = [_mean(last[cell]) for cell in wanted]
            gaps.append((sides[0] - sides[1] + sides[2] - sides[3]) / 2)
    return gaps


def servqual_gap() -> float:
    return float(_mean(_respondents()))


def expectation_met_rate() -> float:
    gaps = _respondents()
    return sum(gap >= 0 for gap in gaps) / len(gaps)


def service_quality_expert() -> float:
    tests = {"K09"}
    cases: dict[str, dict[str, list[Fraction]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows("ratings"):
        if row["case_id"] not in tests and _START <= _day(row["at"]) < _END and float(row["value"]) <= 100:
            cases[row["case_id"]][row["item_id"]].append(Fraction(row["value"]))
    return float(_mean([_mean([_mean(scores) for scores in case.values()]) for case in cases.values()]))


def feedback_closure_rate() -> float:
    window, received, closed = timedelta(days=30), 0, 0
    for row in _rows("feedback"):
        if _START - window <= _day(row["at"]) < _END - window:
            received += 1
            steps = [row["acknowledged_at"], row["actioned_at"]]
            closed += all(step and _day(step) - _day(row["at"]) <= window for step in steps)
    return closed / received


def negative_feedback_share() -> float:
    coded = [r["sentiment"] for r in _rows("feedback") if r["sentiment"] and _START <= _day(r["at"]) < _END]
    return coded.count("negative") / len(coded)


def coding_agreement() -> float:
    """Krippendorff's alpha by the coincidences of ordered pairs."""
    counted = {row["feedback_id"] for row in _rows("feedback") if _START <= _day(row["at"]) < _END}
    given = defaultdict(list)
    for row in _rows("feedback_codes"):
        if row["feedback_id"] in counted:
            given[row["feedback_id"]].append(row["code"])
    pairable = [codes for codes in given.values() if len(codes) > 1]
    observed = sum(Fraction(sum(a != b for a, b in permutations(codes, 2)), len(codes) - 1) for codes in pairable)
    everything = [code for codes in pairable for code in codes]
    expected = Fraction(sum(a != b for a, b in permutations(everything, 2)), len(everything) - 1)
    return float(1 - observed / expected)
