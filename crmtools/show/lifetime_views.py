"""The chapter on lifetime value: what customers are expected to buy, what that is worth, and whom it rests on."""

from datetime import timedelta
from html import escape

import numpy as np
import pandas as pd

from crmtools import formats
from crmtools.estimating import computable, resolve
from crmtools.indicators.catalogue import find
from crmtools.lifetime.occasions import REASONS
from crmtools.lifetime.study import Study
from crmtools.lifetime.value import CustomerValue
from crmtools.measuring import measure
from crmtools.show import sentences
from crmtools.show.blocks import figure_cell, grid, lead, named, note
from crmtools.show.display import Display, tag
from crmtools.show.findings import in_sentence
from crmtools.show.sentences import known, say
from crmtools.tables.source import Data
from crmtools.words import Language, Text, word

MISSED_BY = 0.1
"""A held-back total that was missed by more than this is pointed out."""


def lifetime_answer(study: Study, data: Data, *, language: Language) -> Display:
    """How many purchases and what value the coming months bring, and how well the held-back time was foreseen."""
    n = formats.number(study.customers, language)
    if study.why is not None or study.value is None:
        why = study.why.to(language) if study.why else formats.MISSING
        return lead(say(_NO_MODEL, language, why=why), language=language, result=_result(study))
    value = study.value
    first = say(
        _EXPECTED, language, n=n, months=value.horizon_months,
        purchases=formats.number(round(float(value.frame["expected_purchases"].sum())), language),
        day=formats.day(data.as_of, language), worth=worth(value, data.currency, language),
    )  # fmt: skip
    rest = [_terms(value, data, language), foreseen(study, language), _care(study, language)]
    return lead(first, *rest, language=language, result=_result(study))


def lifetime_counts(study: Study, *, language: Language) -> Display:
    """What became of every order read, and whose purchases the model is about."""
    counts = study.counts
    lines = [(_READ, counts.rows, "")]
    lines += [(REASONS[reason], -rows, "") for reason, rows in counts.dropped]
    merged, occasions = _ONE_PURCHASE[study.settings.resolution]
    lines += [(merged, -counts.merged, ""), (occasions, counts.occasions, ""), (_CUSTOMERS, counts.customers, "")]
    shown = [(_capital(text.to(language)), formats.number(rows, language)) for text, rows, _ in lines]
    rows = [[named(name), figure_cell(number)] for name, number in shown]
    chosen = _chosen(study, language)
    table = grid([_FATE.to(language), _ROWS.to(language)], rows)
    text = "\n".join([*(f"{name} {number}" for name, number in shown), chosen])
    result = {
        "kind": "lifetime", "part": "counts", "rows": counts.rows, "merged": counts.merged,
        "dropped": dict(counts.dropped), "occasions": counts.occasions, "customers": counts.customers,
        "chosen": study.customers, "resolution": study.settings.resolution, "where": {name: _groups(value) for name, value in study.settings.where.items()},
    }  # fmt: skip
    return Display(table + tag("p", escape(chosen)), text, result)


def lifetime_value(study: Study, data: Data, *, language: Language) -> Display:
    """The value of all customers with its interval, and how unevenly it lies: nobody is named, groups are shown.

    Customers are ordered by value and cut into equal groups, as many (ten, five or two) as keep every group at
    ``publish.smallest_group`` or above.
    """
    if study.why is not None or study.value is None:
        return note(say(_NO_MODEL, language, why=study.why.to(language) if study.why else formats.MISSING))
    value = study.value
    said = say(
        _WORTH, language, n=formats.number(len(value.frame), language), months=value.horizon_months,
        worth=worth(value, data.currency, language),
    )  # fmt: skip
    groups = _groups_by_value(value, data.settings.publish.smallest_group)
    result: dict[str, object] = {"kind": "lifetime", "part": "value", **_total(value), "groups": []}
    if groups.empty:
        text = f"{said} {_NO_GROUPS.to(language)}" if language == "en" else said + _NO_GROUPS.to(language)
        return Display(tag("p", escape(text)), text, result)
    top = say(_TOP[len(groups)], language, share=formats.percent(groups["share"].iloc[0], language))
    rows = [_value_row(int(place), row, data.currency, language) for place, row in groups.iterrows()]
    heads = [text.to(language) for text in _VALUE_HEADS]
    text = said + ("" if language == "zh" else " ") + top
    result["groups"] = groups.reset_index(names="group").to_dict("records")
    caption = say(_VALUE_CAPTION, language, day=formats.day(data.as_of, language))
    beside = _beside(study, data, language)
    html = tag("p", escape(text)) + grid(heads, rows, caption=caption) + (tag("p", escape(beside)) if beside else "")
    return Display(html, "\n".join(filter(None, [text, beside])), result)


def _beside(study: Study, data: Data, language: Language) -> str:
    """The mean of all, and why the indicator of value to come has another one; empty where the report has no such indicator."""
    item, value = find("clv_expected"), study.value
    if value is None or not isinstance(data, Data) or not computable(item, data):  # a value alone knows no report
        return ""
    report = data.settings.report
    if report.indicators is not None and item.id not in report.indicators:
        return ""
    mean = formats.money(float(value.frame["value"].mean()), data.currency, language)
    found = measure(item, data)
    if found.value is None:
        why = in_sentence(sentences.why(found, language), language)
        return say(_DECLINED, language, mean=mean, name=item.name.to(language), why=why)
    in_force = resolve(item, data, {})
    alike = all(in_force[name] == given for name, given in data.settings.lifetime.terms.items())
    return say(
        _BESIDE if alike else _BESIDE_OTHER, language,
        mean=mean, name=item.name.to(language), days=in_force["active_days"], day=formats.day(data.period.last_day, language),
    )  # fmt: skip


def worth(value: CustomerValue, currency: str, language: Language) -> str:
    """The total value with its interval, or why there is none."""
    total = value.total
    if known(total.value) is None:
        return _INFINITE.to(language)
    amount = formats.money(total.value, currency, language)
    if known(total.low) is None or known(total.high) is None:
        return say(_AMOUNT_ALONE, language, amount=amount)
    level = formats.percent(total.level, language, 0)
    limits = money_between(total.low, total.high, currency, language)
    return say(_AMOUNT, language, amount=amount, level=level, limits=limits)


def money_between(low: float, high: float, currency: str, language: Language) -> str:
    """An interval of money."""
    from crmtools.indicators.units import UNITS

    return formats.interval(low, high, UNITS["money"], language, currency)


def foreseen(study: Study, language: Language) -> str:
    """How the held-back purchases compare with what the model expected."""
    check, split = study.check, study.split
    if check is None or split is None:
        return _NOTHING_HELD_BACK.to(language)
    words = {
        "first": formats.day(split.calibration_until + timedelta(days=1), language),
        "last": formats.day(split.holdout_until, language),
        "expected": formats.number(round(check.expected_total), language),
        "actual": formats.number(check.actual_total, language),
    }
    if known(check.error) is None:
        return say(_NOBODY_BOUGHT, language, **words)
    words["error"] = formats.percent(abs(check.error), language)
    return say(_TOO_FEW if check.error < 0 else _TOO_MANY, language, **words)


def _care(study: Study, language: Language) -> str:
    """What must be believed with care."""
    said = []
    if study.check is not None and abs(known(study.check.error) or 0) > MISSED_BY:
        said.append(say(_MISSED, language, share=formats.percent(MISSED_BY, language, 0)))
    if study.model is not None:
        said += [text.to(language) for text in study.model.notes()]
    said += [text.to(language) for text in study.notes[:2]]
    return ("" if language == "zh" else " ").join(said)


def _terms(value: CustomerValue, data: Data, language: Language) -> str:
    """Discount and margin, without which the amount means nothing, and whether the margin was anybody's own."""
    parts = [say(_DISCOUNT, language, rate=formats.percent(value.annual_discount, language, 0))]
    if value.margin < 1:
        parts.append(say(_MARGIN, language, margin=formats.percent(value.margin, language, 0)))
    said = _TERMS.to(language, terms=word("comma", language).join(parts))
    assumed = isinstance(data, Data) and "margin" not in data.settings.lifetime.model_fields_set
    return said + ("" if language == "zh" else " ") + _ASSUMED.to(language) if assumed else said


def _chosen(study: Study, language: Language) -> str:
    """Which customers the model is about."""
    words = {
        "n": formats.number(study.customers, language),
        "all": formats.number(study.counts.customers, language),
    }
    if study.settings.where:
        conditions = [
            f"{sentences.attribute(name, language)} = {_OR.to(language).join(_groups(value))}"
            for name, value in study.settings.where.items()
        ]
        text = say(_WHERE, language, where=word("list", language).join(conditions), **words)
    else:
        text = say(_EVERYBODY, language, **words)
    if study.split is not None:
        until = formats.day(study.split.calibration_until, language)
        fitted = formats.number(len(study.split.calibration), language)
        text += ("" if language == "zh" else " ") + say(_FITTED_TO, language, fitted=fitted, until=until)
    return text


def _groups(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _groups_by_value(value: CustomerValue, smallest: int) -> pd.DataFrame:
    """Equal groups from the most to the least valuable: customers, purchases, value, mean, share; empty if too few."""
    frame = value.frame
    many = next((k for k in (10, 5, 2) if len(frame) // k >= max(smallest, 1)), 0)
    total = float(frame["value"].sum(skipna=False)) if len(frame) else float("nan")
    if not many or not total > 0:
        return pd.DataFrame()
    ordered = frame.sort_values("value", ascending=False, kind="stable")
    place = pd.Series(np.arange(len(ordered)) * many // len(ordered) + 1, index=ordered.index)
    groups = ordered.groupby(place.to_numpy()).agg(
        customers=("value", "size"),
        purchases=("expected_purchases", "sum"),
        value=("value", "sum"),
        mean=("value", "mean"),
    )
    return groups.assign(share=groups["value"] / total)


def _value_row(place: int, row: pd.Series, currency: str, language: Language) -> list[str]:
    cells = [
        formats.number(int(row["customers"]), language),
        formats.number(row["purchases"], language, 0 if row["purchases"] >= 100 else 1),
        formats.money(row["value"], currency, language),
        formats.percent(row["share"], language),
        formats.money(row["mean"], currency, language),
    ]
    return [named(str(place)), *map(figure_cell, cells)]


def _total(value: CustomerValue) -> dict[str, object]:
    total = value.total
    return {
        "value": total.value, "low": total.low, "high": total.high, "level": total.level,
        "expected_purchases": float(value.frame["expected_purchases"].sum()), "horizon_months": value.horizon_months,
        "annual_discount": value.annual_discount, "margin": value.margin,
    }  # fmt: skip


def _result(study: Study) -> dict[str, object]:
    """The answer as plain values."""
    result: dict[str, object] = {"kind": "lifetime", "part": "answer", "customers": study.customers}
    if study.value is not None:
        result |= _total(study.value)
    if study.check is not None:
        check = study.check
        result |= {
            "actual_total": check.actual_total, "expected_total": check.expected_total, "error": check.error,
        }  # fmt: skip
    return result


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_NO_MODEL = Text("没有拟合模型：{why}。", "No model was fitted: {why}.")
_EXPECTED = Text(
    "预计这 {n} 位客户在 {day}之后的 {months} 个月内购买 {purchases} 次，{worth}。",
    "In the {months} months after {day} these {n} customers are expected to make {purchases} purchases, {worth}.",
)
_AMOUNT = Text("价值 {amount}（{level} 区间 {limits}）", "worth {amount} ({level} interval {limits})")
_AMOUNT_ALONE = Text(
    "价值 {amount}（参数无法确定，不给出区间）",
    "worth {amount} (no interval: the data do not determine the parameters)",
)
_INFINITE = Text(
    "但无法给出金额：按拟合结果，一次性客户的平均消费为无穷大",
    "but no amount can be given: by the fitted model the mean spend of one-time buyers is infinite",
)
_TERMS = Text("金额{terms}。", "The amount is {terms}.")
_ASSUMED = Text(
    "参数文件未写明毛利率（lifetime.margin）：此为默认值，并非本公司的数字。",
    "The parameters file names no margin (lifetime.margin): this one is assumed, and not the company's own.",
)
_DISCOUNT = Text("按每年 {rate} 折现", "discounted at {rate} a year")
_MARGIN = Text("并按 {margin} 的毛利率计算", "and counts a margin of {margin}")
_TOO_FEW = Text(
    "在留作检验的 {first}至 {last}，模型预期 {expected} 次购买，实际为 {actual} 次：低估 {error}。",
    "For the time held back, {first} to {last}, the model expected {expected} purchases and {actual} were made: "
    "{error} too few.",
)
_TOO_MANY = Text(
    "在留作检验的 {first}至 {last}，模型预期 {expected} 次购买，实际为 {actual} 次：高估 {error}。",
    "For the time held back, {first} to {last}, the model expected {expected} purchases and {actual} were made: "
    "{error} too many.",
)
_NOBODY_BOUGHT = Text(
    "在留作检验的 {first}至 {last}，模型预期 {expected} 次购买，实际没有购买。",
    "For the time held back, {first} to {last}, the model expected {expected} purchases; none was made.",
)
_NOTHING_HELD_BACK = Text(
    "没有留出检验期（参数文件未设定 lifetime.calibration_until），无从得知模型预测得如何。",
    "No time was held back (lifetime.calibration_until is not set), so nothing says how well the model foresees.",
)
_MISSED = Text(
    "模型对留出期的偏差超过 {share}，金额须谨慎看待。",
    "Believe the amount with care: the model missed the held-back purchases by more than {share}.",
)
_FATE, _ROWS = Text("去向", "What became of them"), Text("数量", "Number")
_READ, _CUSTOMERS = Text("读入的行", "rows read"), Text("客户", "customers")
_ONE_PURCHASE = {
    "days": (Text("同日合并的行", "merged into the same day"), Text("购买次数（购买日）", "purchases (days with a purchase)")),
    "weeks": (Text("同周合并的行", "merged into the same week"), Text("购买次数（购买周）", "purchases (weeks with a purchase)")),
    "months": (Text("同月合并的行", "merged into the same month"), Text("购买次数（购买月）", "purchases (months with a purchase)")),
}  # fmt: skip
"""What was merged, and what is a purchase, by resolution."""
_OR = Text(" 或 ", " or ")
_WHERE = Text(
    "模型只用{where} 的客户：{all} 位中的 {n} 位。", "The model is about the customers with {where}: {n} of {all}."
)
_EVERYBODY = Text("模型使用全部 {n} 位客户。", "The model is about all {n} customers.")
_FITTED_TO = Text(
    "检验时用 {until}之前首购的 {fitted} 位客户拟合。",
    "For the check it is fitted to the {fitted} who had bought by {until}.",
)
_WORTH = Text(
    "{n} 位客户在未来 {months} 个月{worth}。", "Over the next {months} months these {n} customers are {worth}."
)
_TOP = {
    10: Text("价值最高的十分之一客户占 {share}。", "The most valuable tenth of them hold {share} of it."),
    5: Text("价值最高的五分之一客户占 {share}。", "The most valuable fifth of them hold {share} of it."),
    2: Text("价值较高的一半客户占 {share}。", "The more valuable half of them hold {share} of it."),
}
_NO_GROUPS = Text("无法按价值分组公布。", "It cannot be shown by groups of customers.")
_VALUE_HEADS = (
    Text("组（按价值由高到低）", "Group, most valuable first"), Text("客户数", "Customers"), Text("预期购买次数", "Expected purchases"),
    Text("价值", "Value"), Text("占比", "Share"), Text("人均价值", "Mean value"),
)  # fmt: skip
_BESIDE = Text(
    "此模型所涉客户的人均价值为 {mean}。指标“{name}”只计{day}前 {days} 天内买过的客户，并采用其页面所注明的模型，因而是另一个平均数。",
    "Over all customers of this model the mean is {mean}. The indicator “{name}” is over those customers who bought in the {days} days "
    "before the end of {day}, by the model that its page names: another mean.",
)
_BESIDE_OTHER = Text(
    "此模型所涉客户的人均价值为 {mean}。指标“{name}”另有展望期、折现率或毛利率（definitions），且只计{day}前 {days} 天内买过的客户，因而是另一个平均数。",
    "Over all customers of this model the mean is {mean}. The indicator “{name}” has a horizon, discount or margin of its own (definitions) "
    "and is over those customers who bought in the {days} days before the end of {day}: another mean.",
)
_DECLINED = Text(
    "此模型所涉客户的人均价值为 {mean}。指标“{name}”在这些数据上不给出数值（{why}）：此处的金额须同样谨慎看待。",
    "Over all customers of this model the mean is {mean}. The indicator “{name}” gives no value on these data ({why}): the amounts here ask "
    "for the same care.",
)
_VALUE_CAPTION = Text(
    "客户按预期价值排序后等分；{day}之后的预期",
    "Customers ordered by expected value and cut into equal groups; expected after {day}",
)
