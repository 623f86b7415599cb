"""Words in both languages.

A text that belongs to one thing (an indicator, a column, a method) stands beside that thing as a :class:`Text`.
Only words that many pages share are kept here, in ``WORDS``.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from crmtools.shown import Shown

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


@dataclass(frozen=True, slots=True)
class Text(Shown):
    """The same text in Chinese and in English."""

    zh: str
    en: str

    def to(self, language: Language, **values: object) -> str:
        """The text in one language, its ``{placeholders}`` filled from ``values``."""
        text = self.zh if language == "zh" else self.en
        return text.format(**values) if values else text


WORDS: dict[str, Text] = {
    "value": Text("数值", "Value"),
    "interval": Text("区间", "Interval"),
    "target": Text("目标", "Target"),
    "baseline": Text("基线", "Baseline"),
    "gap": Text("差距", "Gap"),
    "progress": Text("进度", "Progress"),
    "status": Text("状态", "Status"),
    "owner": Text("负责部门", "Owner"),
    "deadline": Text("截止日期", "Deadline"),
    "period": Text("期间", "Period"),
    "indicator": Text("指标", "Indicator"),
    "goal": Text("目标", "Goal"),
    "trend": Text("趋势", "Trend"),
    "customers": Text("客户数", "Customers"),
    "unit": Text("单位", "Unit"),
    "formula": Text("公式", "Formula"),
    "definition": Text("定义", "Definition"),
    "source": Text("来源", "Source"),
    "method": Text("方法", "Method"),
    "assumptions": Text("口径", "Assumptions"),
    "excluded": Text("剔除", "Left out"),
    "reason": Text("原因", "Reason"),
    "not_computable": Text("无法计算", "Not computable"),
    "too_few": Text("样本过少，不予公布", "Too few to be shown"),
    "as_of": Text("数据截至 {day}", "Data as of {day}"),
    "n": Text("n = {n}", "n = {n}"),
    "to": Text("至", "to"),
    "colon": Text("：", ": "),
    "stop": Text("。", "."),
    "comma": Text("，", ", "),
    "list": Text("、", ", "),
    "semicolon": Text("；", "; "),
    "higher": Text("越高越好", "higher is better"),
    "lower": Text("越低越好", "lower is better"),
    "range": Text("宜在区间内", "best within a range"),
    "all": Text("全部", "All"),
    "unknown": Text("未知", "Unknown"),
    "others": Text("其他", "Others"),
}


def word(key: str, language: Language, **values: object) -> str:
    """A shared word in one language."""
    return WORDS[key].to(language, **values)


def bracketed(text: str, language: Language) -> str:
    """What stands in brackets behind a word or a number: ``（…）``, `` (…)``."""
    return f"（{text}）" if language == "zh" else f" ({text})"
