"""Invented names, addresses and words, some of them hostile: no text is to be trusted because it is there.

Every e-mail address ends in ``example.com`` and every number is one that cannot be called.
"""

import numpy as np

FAMILY = tuple("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧")
GIVEN = (
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明",
    "超", "秀英", "霞", "平", "刚", "桂英", "文博", "子涵", "雨欣", "浩然",
    "思远", "佳怡", "梓萱", "宇轩", "晓明", "国强",
)  # fmt: skip
PLACES = ("华北", "江南", "东海", "西岭", "北辰", "南山", "长河", "金桥", "青云", "天元", "宏达", "瑞丰")
TRADES = ("贸易", "物流", "科技", "医疗", "教育", "制造", "零售", "软件")
STREETS = ("建国路", "人民路", "中山路", "解放街", "长江大道", "和平里", "学院路", "滨海大街")
HOSTILE = (
    "<script>alert('name')</script>",
    "=cmd|' /C calc'!A0",
    'O\'Neil, "Bob"',
    "李,\n娜",
    "Robert'); DROP TABLE customers;--",
    "{{ 7 * 7 }} ${7*7} `id`",
    "大漠|物流",
    "Null",
    "Zoë Müller-Lüdenscheidt",
    "<img src=x onerror=alert(1)>",
)


def text(values: list[str]) -> np.ndarray:
    """An array of Python strings."""
    return np.array(values, dtype=object)


PEOPLE = text([family + given for family in FAMILY for given in GIVEN])
COMPANIES = text([f"{place}{trade}有限公司" for place in PLACES for trade in TRADES])


def contacts(random: np.random.Generator, business: np.ndarray) -> tuple[np.ndarray, ...]:
    """Name, e-mail, telephone and address, one each; addresses hold commas."""
    size = len(business)
    names = np.where(business, COMPANIES[random.integers(0, len(COMPANIES), size)], invented(random, size))
    emails = text([f"customer{number}@example.com" for number in range(1, size + 1)])
    phones = text([f"+86 100 {number:08d}" for number in random.integers(0, 10**8, size)])
    streets = text(list(STREETS))[random.integers(0, len(STREETS), size)]
    addresses = text([f"{street} {n} 号, {n % 30 + 1} 单元" for street, n in zip(
        streets, random.integers(1, 400, size).tolist(), strict=True)])  # fmt: skip
    return names, emails, phones, addresses


def invented(random: np.random.Generator, size: int) -> np.ndarray:
    """Names of people."""
    return PEOPLE[random.integers(0, len(PEOPLE), size)]


def plant_hostile(values: np.ndarray, every: int = 97) -> np.ndarray:
    """The texts with a hostile one in every 97th place, from the fifth on."""
    planted = values.copy()
    places = np.arange(5, len(values), every)
    planted[places] = text(list(HOSTILE))[np.arange(len(places)) % len(HOSTILE)]
    return planted
