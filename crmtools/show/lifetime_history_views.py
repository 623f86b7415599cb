"""What a customer's history says: purchases expected by frequency and recency, and the chance of being active by both."""

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd

from crmtools import formats
from crmtools.lifetime.plots import history_matrix
from crmtools.lifetime.study import Study
from crmtools.lifetime.summary import DAYS_PER
from crmtools.lifetime.value import CustomerValue
from crmtools.show.blocks import TOO_FEW, note, rests_on, sentence_list
from crmtools.show.display import Display, tag
from crmtools.show.heat import heat_cell, heat_table
from crmtools.show.lifetime_fit import no_model
from crmtools.show.sentences import say
from crmtools.show.trends import figure
from crmtools.suppression import small_ones
from crmtools.tables.source import Data
from crmtools.words import Language, Text

REPEATS = (0, 1, 2, 3, 4, 6, 11, 21)
"""Where groups of repeat purchases begin."""
SILENT_DAYS = (0, 31, 91, 181, 366, 731)
"""Where groups of days since the last purchase begin."""
RECENT = 90
MONTHS_SILENT = (0, 1, 2, 3, 6, 9, 12, 18, 24, 36, 48, 60)
COUNTS = (0, 1, 2, 3, 4, 6, 8, 10, 15, 20, 30)
"""Months of silence, and repeat purchases, that the matrix of chances shows."""
USUAL = 6
"""Repeat purchases of the frequent buyer whom the title names: those of the matrix's last column are rare."""


def lifetime_histories(study: Study, data: Data, *, language: Language) -> Display:
    """Purchases expected of a customer by repeat purchases and days since the last one: means of the customers there are.

    Cells with fewer customers than ``publish.smallest_group`` are hidden, and a second one where the first could be worked out.
    """
    value = study.value
    if study.why is not None or value is None:
        return no_model(study, language)
    cells = _cells(study, value)
    hidden = small_ones(cells["customers"].to_dict(), data.settings.publish.smallest_group)
    if len(hidden) == len(cells):
        return note(TOO_FEW.to(language))
    shown = cells[[cell not in hidden for cell in cells.index]]
    top = max(float(shown["purchases"].max()), 1e-9)
    columns = sorted(cells.index.unique("repeats"))
    rows = []
    for silent in sorted(cells.index.unique("silent")):
        parts = [tag("th", escape(_days(silent, language)), scope="row")]
        for repeats in columns:
            if (silent, repeats) not in cells.index:
                parts.append("<td></td>")
            elif (silent, repeats) in hidden:
                parts.append(tag("td", "…", title=TOO_FEW.to(language)))
            else:
                cell = cells.loc[(silent, repeats)]
                parts.append(
                    heat_cell(
                        _amount(cell["purchases"], language), cell["purchases"] / top, below=_below(cell, language)
                    )
                )
        rows.append(tag("tr", "".join(parts)))
    title, share = _title(cells, value, study, data.settings.publish.smallest_group, language)
    heads = [_LAST_PURCHASE.to(language), *(_counts(repeats, REPEATS, language) for repeats in columns)]
    caption = [say(_CELLS, language, months=value.horizon_months), _ACROSS.to(language)]
    if hidden:
        caption.append(say(_HIDDEN, language, smallest=data.settings.publish.smallest_group))
    caption += rests_on("orders", data.as_of, language)
    result = {
        "kind": "lifetime", "part": "histories", "horizon_months": value.horizon_months, "recent_share": share,
        "cells": [
            {"silent_from": silent, "repeats_from": repeats, "suppressed": (silent, repeats) in hidden,
             **({} if (silent, repeats) in hidden else row)}
            for (silent, repeats), row in zip(cells.index, cells.to_dict("records"))
        ],
    }  # fmt: skip
    return Display(figure(heat_table(heads, rows, title), title, sentence_list(caption, language)), title, result)


def lifetime_alive(study: Study, data: Data, *, language: Language) -> Display:
    """The chance of being active by repeat purchases and months of silence, of a customer as old as half of them are.

    Only as many repeat purchases as ``publish.smallest_group`` customers made at least: nobody's own history is drawn.
    """
    value = study.value
    if study.why is not None or value is None:
        return no_model(study, language)
    frame, model = study.summary.frame, value.worth.purchases
    month = DAYS_PER["months"] / DAYS_PER[model.unit]
    months = int(np.floor(frame["T"].median() / month))
    made = np.sort(frame["frequency"].to_numpy())[::-1]
    smallest = min(max(data.settings.publish.smallest_group, 1), len(made))
    counts = [count for count in COUNTS if count <= made[smallest - 1]]
    if months < 2 or len(counts) < 3:
        return note(_TOO_SHORT.to(language))
    matrix = history_matrix(model, T=months * month, most=counts[-1], steps=months)
    found = matrix.to_numpy(float)[::-1]
    silences = [silent for silent in MONTHS_SILENT if silent < months]
    rows = []
    for silent in [*silences, months]:
        parts = [tag("th", escape(_months(silent, language)), scope="row")]
        for count in counts:
            chance = float(found[silent, count])
            words = say(_CHANCE, language, months=silent, count=count, chance=formats.percent(chance, language))
            parts.append(
                "<td></td>" if pd.isna(chance)
                else heat_cell(formats.number(100 * chance, language, 0), chance, below=words)
            )  # fmt: skip
        rows.append(tag("tr", "".join(parts)))
    silent = max(s for s in silences if s <= max(6, silences[min(1, len(silences) - 1)]))
    few, many = counts[1], max(count for count in counts if count <= USUAL)
    title = say(
        _ALIVE_TITLE[silent == 1], language, months=silent, few=few, many=many,
        first=formats.percent(found[silent, few], language, 0),
        second=formats.percent(found[silent, many], language, 0),
    )  # fmt: skip
    caption = [say(_ALIVE_CELLS, language, model=model.TITLE, months=months), _ACROSS.to(language)]
    caption.append((_ONCE_SURE if found[months, 0] == 1 else _ONCE).to(language))
    html = figure(
        heat_table([_SILENCE.to(language), *map(str, counts)], rows, title), title, sentence_list(caption, language)
    )
    result = {
        "kind": "lifetime", "part": "alive", "model": model.TITLE, "months": months,
        "cells": [
            {"silent_months": silent, "repeats": count, "probability_alive": float(found[silent, count])}
            for silent in [*silences, months] for count in counts if not np.isnan(found[silent, count])
        ],
    }  # fmt: skip
    return Display(html, title, result)


def _cells(study: Study, value: CustomerValue) -> pd.DataFrame:
    """Indexed by where groups begin (silent, repeats): customers, and means of purchases and alive."""
    summary = study.summary.frame
    keys = {
        "silent": _begins(summary["days_since_last"].to_numpy(), SILENT_DAYS),
        "repeats": _begins(summary["frequency"].to_numpy(), REPEATS),
    }
    frame = pd.DataFrame(
        {**keys, "purchases": value.frame["expected_purchases"], "alive": value.frame["probability_alive"]}
    )
    groups = frame.groupby(["silent", "repeats"])
    return groups[["purchases", "alive"]].mean().assign(customers=groups.size())[["customers", "purchases", "alive"]]


def _begins(values: np.ndarray, begins: Sequence[int]) -> np.ndarray:
    """The beginning of the group that each value is in."""
    return np.asarray(begins)[np.searchsorted(begins, values, side="right") - 1]


def _title(
    cells: pd.DataFrame, value: CustomerValue, study: Study, smallest: int, language: Language
) -> tuple[str, float | None]:
    """Which share of what is to come those bring who bought lately; a plain title where they, or the others, are few."""
    recent = study.summary.frame["days_since_last"] <= RECENT
    purchases = value.frame["expected_purchases"]
    if min(int(recent.sum()), int((~recent).sum())) < max(smallest, 1) or not purchases.sum() > 0:
        return say(_PLAIN, language, months=value.horizon_months), None
    share, people = float(purchases[recent].sum() / purchases.sum()), float(recent.mean())
    words = {"share": formats.percent(share, language, 0), "people": formats.percent(people, language, 0)}
    return say(_FINDING, language, days=RECENT, months=value.horizon_months, **words), share


def _below(cell: pd.Series, language: Language) -> str:
    n = formats.number(int(cell["customers"]), language)
    alive = formats.percent(cell["alive"], language)
    return say(_BELOW, language, n=n, purchases=formats.number(cell["purchases"], language, 2), alive=alive)


def _amount(purchases: float, language: Language) -> str:
    return formats.number(purchases, language, 1 if purchases >= 0.095 else 2)


def _counts(begin: int, begins: Sequence[int], language: Language) -> str:
    """The numbers from where a group begins to where the next one does: 4–5, 21+."""
    place = begins.index(begin) + 1
    if place == len(begins):
        return f"{begin}+"
    last = begins[place] - 1
    return str(begin) if last == begin else f"{begin}–{last}"


def _days(begin: int, language: Language) -> str:
    place = SILENT_DAYS.index(begin) + 1
    if place == len(SILENT_DAYS):
        return say(_OVER, language, days=begin - 1)
    return say(_BETWEEN, language, days=f"{begin}–{SILENT_DAYS[place] - 1}")


def _months(silent: int, language: Language) -> str:
    return say(_ONE_MONTH if silent == 1 else _MONTHS, language, months=silent)


_LAST_PURCHASE = Text("距末次购买", "Last purchase")
_SILENCE = Text("无购买", "Silent for")
_BETWEEN, _OVER = Text("{days} 天", "{days} days ago"), Text("超过 {days} 天", "over {days} days ago")
_MONTHS, _ONE_MONTH = Text("{months} 个月", "{months} months"), Text("{months} 个月", "{months} month")
_FINDING = Text(
    "未来 {months} 个月的预期购买有 {share} 来自最近 {days} 天内购买过的客户（占客户的 {people}）",
    "{share} of the purchases expected in {months} months are those of the {people} of customers who bought in the last {days} days",
)
_PLAIN = Text("未来 {months} 个月的人均预期购买次数", "Purchases expected per customer in {months} months")
_CELLS = Text(
    "每格：该组客户未来 {months} 个月的人均预期购买次数；空白格没有客户",
    "Each cell: purchases expected per customer in {months} months, mean of the customers it holds; empty cells hold none",
)
_ACROSS = Text("各列为复购次数", "Across: repeat purchases so far")
_HIDDEN = Text(
    "…：客户少于 {smallest} 位的组，或可由此推出的组",
    "…: fewer than {smallest} customers, or what would give them away",
)
_BELOW = Text(
    "{n} 位客户，人均预期购买 {purchases} 次，平均活跃概率 {alive}",
    "{n} customers, {purchases} purchases expected of each, active with {alive} on average",
)
_CHANCE = Text(
    "复购 {count} 次、{months} 个月无购买：活跃概率 {chance}",
    "{count} repeat purchases, silent for {months} months: active with {chance}",
)
_ALIVE_TITLE = {
    False: Text(
        "静默 {months} 个月后，复购 {few} 次的客户仍活跃的概率为 {first}，复购 {many} 次的为 {second}",
        "After {months} months of silence a customer with {few} repeat purchase is still active with {first}, one with "
        "{many} with {second}",
    ),
    True: Text(
        "静默 {months} 个月后，复购 {few} 次的客户仍活跃的概率为 {first}，复购 {many} 次的为 {second}",
        "After a month of silence a customer with {few} repeat purchase is still active with {first}, one with {many} "
        "with {second}",
    ),
}  # fmt: skip
_ALIVE_CELLS = Text(
    "每格：按 {model}，{months} 个月前首购的客户仍活跃的概率（%）",
    "Each cell: the chance, in per cent, that a customer who came {months} months ago is still active, by {model}",
)
_ONCE = Text("只购买过一次的客户，静默时间与客龄相等", "Who bought once has been silent ever since")
_ONCE_SURE = Text(
    "只购买过一次的客户，静默时间与客龄相等；此模型视其全部仍活跃",
    "Who bought once has been silent ever since, and is active by the assumption of this model",
)
_TOO_SHORT = Text(
    "历史太短或复购太少，无法按历史列出活跃概率。",
    "Too short a history, or too few repeat purchases, for chances by history.",
)
