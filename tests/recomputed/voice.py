"""Surveys, ratings and feedback, respondent by respondent and item by item."""

import itertools

import numpy as np
import pandas as pd

Frames = dict[str, pd.DataFrame]
Answer = tuple[float | None, float | None, float, int]
DAY = pd.Timedelta(days=1)
DIMENSIONS = ("tangibles", "reliability", "empathy")
EDGES = pd.to_datetime(
    ["2025-09-30 23:59:59", "2025-10-01", "2025-10-31 23:59:59", "2025-11-01", "2025-12-31 23:59:59", "2026-01-04"],
    format="ISO8601",
)


# ---- what is drawn


def draw(frames: Frames, rng: np.random.Generator) -> Frames:
    """Questionnaires of many questions, feedback with codes, rated tickets."""
    people = frames["customers"].customer_id.to_numpy()
    items = [
        ("simple", "ces", None, None, 1, 7, None, None), ("effort", "ces", None, None, 1, 7, "bad", None),
        ("ease5", "ces", None, None, 1, 5, "good", None),
        ("e_other", "servqual", "tangibles", "E", 1, 5, None, None), ("e_none", "servqual", None, "E", 1, 7, None, None),
    ]  # fmt: skip
    for place, dimension in enumerate(DIMENSIONS):
        for role, number in itertools.product("EP", range(1 + place)):
            turned = "bad" if dimension == "empathy" and number == 0 else "good"
            items.append((f"{role}{place}{number}", "servqual", dimension, role, 1, 7, turned, None))
        items.append((f"W{place}", "servqual", dimension, "W", 0, 100, None, None))
    weights = (0.4, 0.3, 0.2, 0.1, None, 0.0)
    items += [(f"i{n}", "index", None, None, 1, (10, 10, 5, 5, 10, 10)[n], None, weights[n]) for n in range(6)]
    items += [("i_bad", "index", None, None, 1, 10, "bad", 0.5), ("i_flat", "index", None, None, 3, 3, None, None)]
    items += [(f"b{n}", "brand", None, None, 1, 7, "good", None) for n in range(4)]
    columns = ["item_id", "metric", "dimension", "role", "scale_min", "scale_max", "direction", "weight"]
    drawn = pd.DataFrame(items, columns=columns)

    asked = drawn[["item_id", "metric"]].to_dict("records")
    rows = []
    for response in range(420):
        customer = people[int(len(people) * rng.random() ** 2)]
        when = pd.Timestamp("2025-08-01") + pd.Timedelta(seconds=int(rng.integers(0, 155 * 86400)))
        if rng.random() < 0.1:
            when = EDGES[rng.integers(0, len(EDGES))]
        metrics = rng.choice(["ces", "servqual", "index", "brand"], rng.integers(1, 4), replace=False)
        weight = rng.choice([np.nan, 1.0, 0.5, 2.0])
        left_out = rng.choice([0.0, 0.0, 0.0, 0.1, 0.3])
        for item in asked:
            if item["metric"] in metrics and rng.random() >= left_out:
                high = 5 if item["item_id"] in ("i2", "i3", "ease5", "e_other") else 7
                value = rng.integers(1, high + 1) if rng.random() < 0.99 else 99
                if item["item_id"].startswith("W"):
                    value = rng.choice([0, 0, 20, 50, 30, 101], p=[0.1, 0.1, 0.28, 0.25, 0.25, 0.02])
                rows.append((f"long{response}", customer, when, item["item_id"], float(value), weight))
    columns = ["response_id", "customer_id", "answered_at", "item_id", "value", "weight"]
    answers = pd.DataFrame(rows, columns=columns)

    size = 500
    received = pd.Timestamp("2025-07-01") + pd.to_timedelta(rng.integers(0, 188 * 86400, size), unit="s")
    received = pd.Series(received).where(rng.random(size) > 0.1, pd.Series(EDGES[rng.integers(0, len(EDGES), size)]))
    feedback = pd.DataFrame(
        {
            "feedback_id": [f"f{n}" for n in rng.permutation(size)],
            "customer_id": np.where(rng.random(size) < 0.8, rng.choice(people, size), None),
            "at": received,
            "source": rng.choice(np.array(["mail", "social", None], dtype=object), size),
            "topic": rng.choice(np.array(["price", "speed", None], dtype=object), size),
            "sentiment": rng.choice(np.array(["positive", "neutral", "negative", None], dtype=object), size),
        }
    )
    for column, kept in (("acknowledged_at", 0.8), ("actioned_at", 0.7)):
        days = pd.to_timedelta(rng.choice([0, 3, 29, 30, 31, 60], size), unit="D")
        on_the_day = received.dt.normalize() + days + pd.to_timedelta(rng.integers(0, 86399, size), unit="s")
        then = on_the_day.where(on_the_day > received, received)
        feedback[column] = then.where(rng.random(size) < kept)
    codes = [
        (item, f"c{coder}", rng.choice(["a", "a", "b", "c"]))
        for item in feedback.feedback_id
        if rng.random() < 0.5
        for coder in rng.choice(5, rng.integers(1, 5), replace=False)
    ]
    rated = [
        (case, f"c{rater}", criterion, float(rng.choice([0, 35.5, 70, 100, 101])), day)
        for case in rng.choice(frames["tickets"].ticket_id, 150, replace=False)
        for rater in rng.choice(4, rng.integers(1, 3), replace=False)
        for day in [pd.Timestamp("2025-08-01") + int(rng.integers(0, 155)) * DAY]
        for criterion in rng.choice(["speed", "tone", "skill"], rng.integers(1, 4), replace=False)
    ]  # fmt: skip
    return {
        "survey_items": pd.concat([frames["survey_items"], drawn], ignore_index=True),
        "survey_answers": pd.concat([frames["survey_answers"], answers], ignore_index=True),
        "feedback": feedback,
        "feedback_codes": pd.DataFrame(codes, columns=["feedback_id", "coder_id", "code"]),
        "ratings": pd.DataFrame(rated, columns=["case_id", "rater_id", "item_id", "value", "at"]),
    }


# ---- what is recomputed


def _weighted(values: list[tuple[float, float]], n: int) -> Answer:
    """(value, weight) pairs to a weighted mean."""
    above, below = sum(v * w for v, w in values), sum(w for _, w in values)
    return (above / below if below else None, above, below, n)


def _answers(c: Frames, start, end, metric: str) -> pd.DataFrame:
    """What was answered in the period on the scale of its question, earliest first."""
    items = c["survey_items"][c["survey_items"].metric == metric].rename(columns={"weight": "part"})
    answers = c["survey_answers"].merge(items, on="item_id")
    answers = answers[(answers.answered_at >= start) & (answers.answered_at < end)]
    answers["weight"] = answers.weight.fillna(1.0)
    return answers.sort_values(["answered_at", "value", "weight"])


def _on_scale(answers: pd.DataFrame) -> pd.DataFrame:
    return answers[(answers.value >= answers.scale_min) & (answers.value <= answers.scale_max)]


def _index(c: Frames, start, end, metric: str) -> Answer:
    answers = _answers(c, start, end, metric)
    answers["part"] = answers.part.fillna(1.0)
    answers = answers[(answers.direction != "bad") & (answers.part > 0) & (answers.scale_max > answers.scale_min)]
    asked, found = answers.item_id.nunique(), []
    if asked < 2:
        return None, None, np.nan, 0
    for _, own in _on_scale(answers).groupby("customer_id"):
        last = {row.item_id: row for row in own.itertuples()}
        if len(last) / asked < 0.8 - 1e-12:
            continue
        points = {k: 100 * (row.value - row.scale_min) / (row.scale_max - row.scale_min) for k, row in last.items()}
        # what is missing is put in as the mean of the person's own answers, then all are averaged
        mean = sum(last[k].part * x for k, x in points.items()) / sum(row.part for row in last.values())
        parts = answers.drop_duplicates("item_id").set_index("item_id").part
        whole = sum(part * points.get(k, mean) for k, part in parts.items()) / parts.sum()
        found.append((whole, np.mean([row.weight for row in last.values()])))
    return _weighted(found, len(found))


def csat_index(c, start, end) -> Answer:
    return _index(c, start, end, "index")


def brand_perception_index(c, start, end) -> Answer:
    return _index(c, start, end, "brand")


def ces_mean(c, start, end) -> Answer:
    answers = _on_scale(_answers(c, start, end, "ces"))
    answers = answers[(answers.direction != "bad") & (answers.scale_max == 7)]
    found = [(own.value.mean(), own.weight.mean()) for _, own in answers.groupby("response_id")]
    return _weighted(found, answers.customer_id.nunique())


def _respondents(c: Frames, start, end, weights: str = "equal") -> list[tuple[float, float]]:
    """(gap, weight) of everybody whose last questionnaire is whole."""
    answers = _on_scale(_answers(c, start, end, "servqual"))
    answers = answers[answers.dimension.notna() & ((answers.scale_max == 7) | (answers.role == "W"))]
    if weights == "equal":
        answers = answers[answers.role != "W"]
    found = []
    for _, own in answers.groupby("customer_id"):
        last = own[own.answered_at == own.answered_at.max()]
        gaps, allotted = [], []
        for dimension in DIMENSIONS:
            sides = {"E": [], "P": [], "W": []}
            for row in last[last.dimension == dimension].itertuples():
                sides[row.role].append(8 - row.value if row.direction == "bad" else row.value)
            if sides["E"] and sides["P"]:
                gaps.append(np.mean(sides["P"]) - np.mean(sides["E"]))
                allotted += sides["W"] if weights == "stated" else [1.0]
        if len(gaps) == len(allotted) == len(DIMENSIONS) and sum(allotted) > 0:
            found.append((np.dot(gaps, allotted) / sum(allotted), last.weight.mean()))
    return found


def servqual_gap(c, start, end, **assumptions) -> Answer:
    found = _respondents(c, start, end, **assumptions)
    return _weighted(found, len(found))


def expectation_met_rate(c, start, end, **assumptions) -> Answer:
    found = _respondents(c, start, end, **assumptions)
    return _weighted([(float(gap > -1e-12), weight) for gap, weight in found], len(found))


def service_quality_expert(c, start, end) -> Answer:
    ratings = c["ratings"]
    ratings = ratings[(ratings["at"] >= start) & (ratings["at"] < end) & ratings.value.between(0, 100)]
    found = []
    for _, case in ratings.groupby("case_id"):
        found.append((np.mean([own.value.mean() for _, own in case.groupby("item_id")]), 1.0))
    return _weighted(found, len(found))


def _units(feedback: pd.DataFrame) -> int:
    return feedback.customer_id.nunique() + feedback.customer_id.isna().sum()


def feedback_closure_rate(c, start, end) -> Answer:
    received = [row for row in c["feedback"].itertuples() if start <= row.at + 30 * DAY < end]
    closed = 0
    for row in received:
        steps = [row.acknowledged_at, row.actioned_at]
        closed += all(pd.notna(t) and (t.normalize() - row.at.normalize()).days <= 30 for t in steps)
    of_them = c["feedback"].loc[[row.Index for row in received]]
    return closed / len(received), closed, len(received), _units(of_them)


def negative_feedback_share(c, start, end) -> Answer:
    feedback = c["feedback"]
    coded = feedback[(feedback["at"] >= start) & (feedback["at"] < end) & feedback.sentiment.notna()]
    negative = (coded.sentiment == "negative").sum()
    return negative / len(coded), negative, len(coded), _units(coded)


def coding_agreement(c, start, end) -> Answer:
    """Alpha from the matrix of coincidences (Krippendorff 2011)."""
    feedback = c["feedback"]
    received = feedback.feedback_id[(feedback["at"] >= start) & (feedback["at"] < end)]
    names, items = ["a", "b", "c"], 0
    pairs = pd.DataFrame(0.0, names, names)
    for _, own in c["feedback_codes"].groupby("feedback_id"):
        if own.feedback_id.iloc[0] not in set(received) or len(own) < 2:
            continue
        items += 1
        for one, other in itertools.permutations(own.code, 2):
            pairs.loc[one, other] += 1 / (len(own) - 1)
    sums, n = pairs.sum(axis=1), pairs.to_numpy().sum()
    off = n - np.trace(pairs)
    chance = sum(sums[a] * sums[b] for a, b in itertools.permutations(names, 2)) / (n - 1)
    return 1 - off / chance, None, np.nan, items


RECOMPUTED = {
    function.__name__: function
    for function in (
        csat_index, brand_perception_index, ces_mean, servqual_gap, expectation_met_rate, service_quality_expert,
        feedback_closure_rate, negative_feedback_share, coding_agreement,
    )
}  # fmt: skip
