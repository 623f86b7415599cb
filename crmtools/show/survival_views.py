"""How long customers under contract stay: the share left after every renewal, and what the fitted sBG expects ahead."""

from html import escape

import pandas as pd

from crmtools import formats
from crmtools.estimating import resolve
from crmtools.indicators.catalogue import find
from crmtools.indicators.units import UNITS, Unit
from crmtools.lifetime import ShiftedBetaGeo
from crmtools.lifetime.renewals import MONTHS, Per, Renewals, count_renewals
from crmtools.show.blocks import note, rests_on, sentence_list
from crmtools.show.chart import Series, Tick, line_chart, span_of
from crmtools.show.display import Display, tag
from crmtools.show.look import ACCENT, SECOND
from crmtools.show.paired_bars import legend
from crmtools.show.sentences import say
from crmtools.show.trends import figure
from crmtools.tables.source import Data
from crmtools.words import Language, Text, bracketed, word

AHEAD = 12
"""Renewals drawn beyond those observed."""
_SHARE, _ONE_PLACE = UNITS["percent"], UNITS["index"]


def contract_survival(
    data: Data, *, language: Language, per: Per = "month", renewals: Renewals | None = None
) -> Display:
    """Who is left of the customers with a subscription, renewal by renewal; a sentence where the data have none.

    Observed shares left with their intervals, the fitted curve dashed and carried on, and what the fit says in words.

    Renewals that fewer than ``publish.smallest_group`` customers faced are left out.
    """
    if renewals is None:
        if not data.has("subscriptions"):
            return note(_NO_CONTRACTS.to(language))
        grace = int(str(resolve(find("churn_rate"), data, {})["grace_days"]))
        renewals = count_renewals(data["subscriptions"], as_of=data.as_of, per=per, grace_days=grace)
    smallest, level = data.settings.publish.smallest_group, data.settings.report.confidence
    observed = renewals.survival(level=level)
    seen = observed[observed["at_risk"] >= smallest]
    if len(seen) < 2:
        return note(_NOBODY.to(language))
    model = ShiftedBetaGeo.fit(renewals.counts)
    last = int(seen.index.max())
    expected = model.survival(range(last + AHEAD + 1), level=level)
    title = say(_TITLE[renewals.per], language, t=last, share=formats.percent(seen["value"].loc[last], language))
    words = [_point(t, row, language) for t, row in seen.iterrows()]
    alt = (
        title
        + word("stop", language)
        + ("" if language == "zh" else " ")
        + word("semicolon", language).join(words[::6])
    )
    blank: list[float | None] = [None] * AHEAD
    values, lows, highs = ([*_list(seen[name]), *blank] for name in ("value", "low", "high"))
    lines = [
        Series(_list(expected["value"]), _list(expected["low"]), _list(expected["high"]), second=True, dots=False),
        Series(values, lows, highs, [*words, *[""] * AHEAD], last=formats.percent(seen["value"].loc[last], language)),
    ]
    span = span_of([*lines[0].values, 0.0, 1.0], [*lines[0].lows, *lines[0].highs], low=0.0, high=1.0)
    picture = line_chart(
        lines, [Tick(str(t)) for t in expected.index], span,
        written=lambda value: formats.axis(value, span.step, _SHARE, language), alt=alt,
    )  # fmt: skip
    names = (_OBSERVED.to(language), ACCENT, False), (_EXPECTED.to(language), SECOND, True)
    sentences = _sentences(renewals, model, expected, data, language)
    caption = [
        say(_KEY[renewals.per], language, level=formats.percent(level, language, 0)),
        say(_N, language, n=formats.number(renewals.customers, language), days=renewals.grace_days),
        *rests_on("subscriptions", renewals.as_of, language),
    ]
    html = "".join(tag("p", escape(sentence)) for sentence in sentences)
    html += figure(legend(*names) + picture, title, sentence_list(caption, language))
    return Display(html, "\n".join([title, *sentences]), _result(renewals, model, seen, expected))


def _sentences(
    renewals: Renewals, model: ShiftedBetaGeo, expected: pd.DataFrame, data: Data, language: Language
) -> list[str]:
    """Who is left later, how the rate of leaving changes with age, what that is worth in renewals; notes last."""
    notes = [text.to(language) for text in model.notes()]
    if not model.identified:
        return notes
    per, end, level = renewals.per, int(expected.index[-1]), data.settings.report.confidence
    sure = {"level": formats.percent(level, language, 0)}
    said = [_with_limits(_AHEAD[per], expected, end, _SHARE, language, renewals=end, **sure)]
    kept = model.retention([1, 12])["value"]
    said.append(
        say(
            _LEAVING,
            language,
            first=formats.percent(1 - kept.loc[1], language),
            twelfth=formats.percent(1 - kept.loc[12], language),
        )
    )
    yearly = data.settings.lifetime.annual_discount
    if yearly > 0:
        discount = (1 + yearly) ** (MONTHS[per] / 12) - 1
        rest = model.discounted_residual_lifetime([1, 13], discount=discount, level=level)
        words = [
            _with_limits(_COUNT, rest, t, _ONE_PLACE, language, **sure) for t in (1, 13)
        ]  # fmt: skip
        said.append(
            say(_RESIDUAL[per], language, rate=formats.percent(yearly, language, 0), first=words[0], later=words[1])
        )
    return [*said, *notes]


def _with_limits(text: Text, table: pd.DataFrame, t: int, unit: Unit, language: Language, **words: object) -> str:
    row = {name: float(table[name].loc[t]) for name in ("value", "low", "high")}
    limits = ""
    if not pd.isna(row["low"]):
        limits = say(_LIMITS, language, limits=formats.interval(row["low"], row["high"], unit, language), **words)
    return say(text, language, value=formats.quantity(row["value"], unit, language), limits=limits, **words)


def _point(t: object, row: pd.Series, language: Language) -> str:
    limits = formats.interval(row["low"], row["high"], _SHARE, language)
    shown = "" if limits == formats.MISSING else limits + word("comma", language)
    shown += f"n = {formats.number(row['at_risk'], language)}"
    return f"{t}{word('colon', language)}{formats.percent(row['value'], language)}{bracketed(shown, language)}"


def _list(values: pd.Series) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in values]


def _result(renewals: Renewals, model: ShiftedBetaGeo, seen: pd.DataFrame, expected: pd.DataFrame) -> dict[str, object]:
    return {
        "kind": "contract_survival", "per": renewals.per, "as_of": str(renewals.as_of), "customers": renewals.customers,
        "parameters": {"alpha": model.alpha, "beta": model.beta}, "log_likelihood": model.log_likelihood,
        "identified": model.identified,
        "observed": [{"t": t, **row} for t, row in zip(seen.index, seen.drop(columns="lost").to_dict("records"))],
        "expected": [{"t": t, **row} for t, row in zip(expected.index, expected.to_dict("records"))],
    }  # fmt: skip


def _by_period(zh: str, en: str) -> dict[Per, Text]:
    """A text for renewals by month, quarter and year."""
    units: dict[Per, tuple[str, str]] = {
        "month": ("月", "monthly"),
        "quarter": ("季", "quarterly"),
        "year": ("年", "yearly"),
    }
    return {per: Text(zh.replace("〔期〕", unit), en.replace("[per]", name)) for per, (unit, name) in units.items()}


_NO_CONTRACTS = Text(
    "数据中没有订阅，客户没有合同；其离开的时间见上文的购买曲线。",
    "The data have no subscriptions: nobody is under contract, and who has left shows in the purchases above.",
)
_NOBODY = Text("合同客户过少，不予公布。", "Too few customers under contract to be shown.")
_TITLE = _by_period(
    "第 {t} 次按〔期〕续约后，{share} 的客户仍在", "{share} of customers are left after {t} [per] renewals"
)
_OBSERVED, _EXPECTED = Text("实际", "observed"), Text("sBG 预期", "expected by sBG")
_KEY = _by_period(
    "横轴为按〔期〕计的续约次数；纵轴为仍有合同的客户占比（Kaplan–Meier）；色带：{level} 区间",
    "Across: [per] renewals since the first day; up: share of customers still under contract (Kaplan–Meier); band: {level} interval",
)
_N = Text(
    "n = {n} 位客户；终止后 {days} 天内恢复的不算流失", "n = {n} customers; who is back within {days} days has not left"
)
_LIMITS = Text("（{level} 区间 {limits}）", " ({level} interval {limits})")
_AHEAD = _by_period(
    "模型（sBG）预期第 {renewals} 次按〔期〕续约后有 {value} 的客户仍在{limits}。",
    "The model (sBG) expects {value} of customers to be left after {renewals} [per] renewals{limits}.",
)
_LEAVING = Text(
    "每次续约时离开的比例：第 1 次为 {first}，第 12 次为 {twelfth}；容易离开的客户先走，留下的更稳定。",
    "Of those who face it, {first} leave at the first renewal and {twelfth} at the twelfth: those who leave easily go first.",
)
_COUNT = Text("{value} 次{limits}", "{value}{limits}")
_RESIDUAL = _by_period(
    "按每年 {rate} 折现，首次续约在即的客户预计还会续约 {first}，已续约 12 次的客户为 {later}（按〔期〕计）。",
    "Discounted at {rate} a year, a customer whose first renewal is due is expected to make {first} [per] renewals more, one who "
    "has made twelve {later}.",
)
