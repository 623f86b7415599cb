"""The catalogue of indicators, and the decorator that puts one in.

An indicator is a short function from tables to facts (see :mod:`crmtools.indicators.facts`). Its name is the id, its file
the dimension, its positional arguments the tables it needs, its keyword-only arguments the assumptions that a
parameters file may override. All else that is true of it everywhere stands in the decorator. A wrong declaration fails
at import and says what is allowed.
"""

import inspect
import itertools
import math
import numbers
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, get_args

import ibis.expr.types as ir

from crmtools.errors import CRMError, nearest
from crmtools.indicators.moments import Kind
from crmtools.indicators.units import UNITS, Unit
from crmtools.indicators.vocabulary import (
    DIMENSIONS as DIMENSIONS,
)
from crmtools.indicators.vocabulary import (
    EXCLUSIONS as EXCLUSIONS,
)
from crmtools.indicators.vocabulary import (
    MADE_ATTRIBUTES as MADE_ATTRIBUTES,
)
from crmtools.indicators.vocabulary import (
    OWNERS as OWNERS,
)
from crmtools.period import Period
from crmtools.words import Text

Better = Literal["higher", "lower", "range"]
Tier = Literal["core", "extension"]
Facts = Callable[..., ir.Table]
SPANS = ("_days", "_weeks", "_months", "months")
"""How the names of assumptions end that are stretches of time."""
LONGEST = 36_525
"""A century of days: more is a slip of the keyboard, and lies outside the calendar."""
MOST_SETS = 30
"""Sets of assumptions that an indicator may be put to the test under; more would be computed and read by nobody."""


@dataclass(frozen=True, slots=True)
class Around:
    """Values that are as defensible as the one in force: it, and what lies so far below and above it."""

    share: float

    def of(self, value: object) -> tuple[object, ...]:
        """The values, of the same type as the one in force."""
        low, high = (float(value) * (1 + side * self.share) for side in (-1, 1))  # type: ignore[arg-type]
        if isinstance(value, int):
            least = min(value, 1)  # half of one day is one day: a window is never empty
            return max(round(low), least), value, max(round(high), least)
        return low, value, high


PERIOD = "period"
"""What stands for the length of the period among the days that an indicator looks back."""
PARTS_OF_ONE = {"margin", "default_margin", "annual_discount"}
"""Assumptions that are shares of an amount: 25 for 25 % would be taken for a hundred times as much."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """Everything that is true of an indicator, everywhere."""

    id: str
    dimension: str
    name: Text
    meaning: Text
    kind: Kind
    unit: Unit
    better: Better
    formula: str
    worked: str
    source: str
    owner: str
    uses: Mapping[str, tuple[str, ...]]
    assumptions: Mapping[str, object]
    splits: tuple[str, ...]
    by_customer: bool
    excludes: tuple[str, ...]
    caveat: Text
    assumption_words: Mapping[str, Text]
    facts: Facts
    tier: Tier = "core"
    optional: frozenset[str] = frozenset()
    one_of: tuple[tuple[str, ...], ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    defensible: Mapping[str, tuple[object, ...] | Around] = field(default_factory=dict)
    follow_up: str | int = 0
    unique: bool = False
    waits_for: Text | None = None
    only_with: Mapping[str, tuple[str, object]] = field(default_factory=dict)
    looks_back: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    word_of: Mapping[str, str] = field(default_factory=dict)

    def __reduce__(self) -> tuple[object, ...]:
        """One of the catalogue is pickled and copied as its id, so that whatever names it can be kept or sent to a worker."""
        if CATALOGUE.get(self.id) is self:
            return find, (self.id,)
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        plain: dict[str, Any] = {
            name: dict(value) if isinstance(value, MappingProxyType) else value for name, value in values.items()
        }
        return partial(type(self), **plain), ()

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables it reads."""
        return tuple(self.uses)

    @property
    def choosing(self) -> dict[str, tuple[str, ...]]:
        """The assumptions that name which of several tables is used, each with these tables."""
        return {name: group for group in self.one_of for name, told in self.choices.items() if {*told} == {*group}}

    def tables_with(self, in_force: Mapping[str, object]) -> tuple[str, ...]:
        """The tables it reads with certain assumptions: of several of which one is used, that one, and none that another would need."""
        passed_over = {table for name, group in self.choosing.items() for table in group if table != in_force[name]}
        passed_over |= {table for table in self.tables if not self.acts(table, in_force)}
        return tuple(table for table in self.tables if table not in passed_over)

    def sets(self, in_force: Mapping[str, object]) -> Iterator[dict[str, object]]:
        """Every defensible set of assumptions, those in force first."""
        names = list(self.defensible)
        choices = []
        for name in names:
            declared = self.defensible[name]
            values = declared.of(in_force[name]) if isinstance(declared, Around) else declared
            choices.append(tuple(dict.fromkeys([in_force[name], *values])))
        for values in itertools.product(*choices):
            yield {**in_force, **dict(zip(names, values, strict=True))}

    def acts(self, name: str, in_force: Mapping[str, object]) -> bool:
        """Whether an assumption makes a difference beside the others, or a table is read: some only where another has a certain value."""
        if name not in self.only_with:
            return True
        other, value = self.only_with[name]
        return in_force[other] == value

    def follow_up_days(self, in_force: Mapping[str, object]) -> int:
        """Days after a period for which what is counted in it may still change."""
        if isinstance(self.follow_up, str) and not self.acts(self.follow_up, in_force):
            return 0
        days = in_force[self.follow_up] if isinstance(self.follow_up, str) else self.follow_up
        return int(str(days))

    def first_needed(self, in_force: Mapping[str, object], period: Period) -> dict[str, date]:
        """The day from which on each table must have been kept for a period to be told of: see ``looks_back``."""
        needed = {}
        for table, spans in self.looks_back.items():
            if table in self.tables_with(in_force) and all(
                self.acts(name, in_force) for name in spans if name != PERIOD
            ):
                days = sum(period.days if name == PERIOD else int(str(in_force[name])) for name in spans)
                needed[table] = period.end - timedelta(days=days)
        return needed

    def columns(self, table: str) -> tuple[tuple[str, bool], ...]:
        """(column, needed) pairs of one table; what is not needed is empty where the source lacks it."""
        return tuple((column.rstrip("?"), not column.endswith("?")) for column in self.uses[table])

    def with_assumptions(self, given: Mapping[str, object]) -> dict[str, object]:
        """The assumptions with their defaults, after checking that the given ones exist and have the right type."""
        fitting = dict(self.assumptions)
        for key, value in given.items():
            if key not in self.assumptions:
                raise CRMError(f"'{self.id}' has no assumption '{key}'. {nearest(key, self.assumptions)}")
            default = self.assumptions[key]
            if isinstance(default, (bool, str)):
                fits, wanted = (
                    isinstance(value, type(default)),
                    "true or false" if isinstance(default, bool) else "a word",
                )
            else:
                fits = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
                wanted = "a number"
                if isinstance(default, int):
                    fits, wanted = fits and value == int(value), "a whole number"
            if fits and key in self.choices and value not in self.choices[key]:
                fits, wanted = False, f"one of {', '.join(self.choices[key])},"
            if fits and isinstance(default, int) and key.endswith(SPANS):
                least = 0 if self._may_be_nothing(key) else 1
                if not least <= value <= LONGEST:  # type: ignore[operator]
                    fits, wanted = False, f"a whole number from {least} to {LONGEST}"
            if fits and key in PARTS_OF_ONE and not 0 <= value <= 1:  # type: ignore[operator]
                fits, wanted = False, "a share from 0 to 1"
            if not fits:
                raise CRMError(f"'{self.id}.{key}' must be {wanted} such as {default!r}, found {value!r}.")
            # 30 and 30.0 are one question, and numpy's numbers are ours
            fitting[key] = type(default)(value)  # type: ignore[call-arg]
        return fitting

    def _may_be_nothing(self, key: str) -> bool:
        """Whether no time at all is an answer: a grace or a lag, or where the declaration says so."""
        declared = self.defensible.get(key, ())
        said = () if isinstance(declared, Around) else declared
        return key.startswith(("grace_", "lag_", "lead_")) or 0 in (self.assumptions[key], *said)


_registered: dict[str, Indicator] = {}
CATALOGUE: Mapping[str, Indicator] = MappingProxyType(_registered)
"""Every indicator by id, in the order of their files and declarations."""


def find(indicator: "str | Indicator") -> Indicator:
    """The indicator with this id; the error names the nearest one."""
    if isinstance(indicator, Indicator):
        return indicator
    if not isinstance(indicator, str):
        raise CRMError(
            f"An indicator comes first, by its id: crm.measure('nps', data); found {type(indicator).__name__}."
        )
    if indicator not in CATALOGUE:
        raise CRMError(f"There is no indicator '{indicator}'. {nearest(indicator, CATALOGUE)}")
    return CATALOGUE[indicator]


def indicator(
    *,
    name: Text,
    meaning: Text,
    kind: Kind,
    unit: str,
    better: Better,
    formula: str,
    source: str,
    owner: str,
    uses: Mapping[str, tuple[str, ...]],
    worked: str = "",
    splits: tuple[str, ...] = (),
    by_customer: bool = True,
    excludes: tuple[str, ...] = (),
    caveat: Text = Text("", ""),
    assumption_words: Mapping[str, Text] = MappingProxyType({}),
    tier: Tier = "core",
    one_of: tuple[tuple[str, ...], ...] = (),
    defensible: Mapping[str, tuple[object, ...] | Around] = MappingProxyType({}),
    follow_up: str | int = 0,
    unique: bool = False,
    waits_for: Text | None = None,
    only_with: Mapping[str, tuple[str, object]] = MappingProxyType({}),
    looks_back: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    word_of: Mapping[str, str] = MappingProxyType({}),
) -> Callable[[Facts], Facts]:
    """Declare an indicator.

    Parameters
    ----------
    name, meaning
        What it is called and, in a sentence, what it says; both languages.
    kind
        How facts become a value and an interval (:mod:`crmtools.indicators.kinds`).
    unit, better, owner
        Keys of ``UNITS`` and ``OWNERS``; the direction that is an improvement.
    formula
        LaTeX symbols only, so that one formula serves both languages.
    worked
        The calculation by hand for the fourth quarter of 2025 on ``data/tiny``; the tests evaluate it.
    source
        Key of an entry in ``book/references.bib``.
    uses
        Table → columns. A column written with ``?`` is used where the source has it and empty where not. A table written
        with ``?`` may be missing, or lack a needed column: the function is then given None for it.
    splits
        Attributes that the facts carry themselves and may be split by.
    by_customer
        Whether it may be split by attributes of the customer.
    excludes
        Keys of ``EXCLUSIONS`` that the facts may give as reason.
    caveat, assumption_words
        What a reader must beware of, and what each assumption means. An assumption annotated ``Literal["a", "b"]`` is a
        closed choice.
    tier
        ``extension`` for what the two source articles do not name.
    one_of
        Groups of optional tables of which at least one must be there.
    defensible
        Assumption → the values that somebody could defend as well, or ``Around(0.5)`` for ± 50 %:
        :func:`crmtools.stress` computes them all.
    follow_up
        Days (a number, or the assumption that holds them) after the period for which its rows may still change: the
        estimate says which part of the period is mature.
    unique
        The facts hold one row per customer and period: nothing has to be summed per customer first.
    waits_for
        What does not exist yet, as the end of "not computable yet: …"; the function is then never called.
    only_with
        Assumption or table → another assumption and the value of it without which the first makes no difference, or is not read.
    looks_back
        Table → the assumptions whose days, taken together and from the end of a period, lead to the first day that it looks at;
        ``"period"`` stands for the length of the period. Where a source begins later there is no value: customers who bought earlier,
        the ones who may have left, would be missing, and all others would seem to stay.
    word_of
        Assumption → ``table.column`` of which it names a word. Where no row has that word there is no value: the company calls it
        something else, and nothing would be counted as that.
    """

    def register(facts: Facts) -> Facts:
        parameters = inspect.signature(facts, eval_str=True).parameters.values()
        tables = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "periods"]
        assumptions = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        choices = {
            p.name: get_args(p.annotation)
            for p in parameters
            if p.kind is p.KEYWORD_ONLY and isinstance(p.default, str) and get_args(p.annotation)
        }
        dimension = facts.__module__.rpartition(".")[2]
        columns = {table.rstrip("?"): wanted for table, wanted in uses.items()}
        optional = frozenset(table.rstrip("?") for table in uses if table.endswith("?"))
        declared = Indicator(
            facts.__name__, dimension, name, meaning, kind, UNITS.get(unit), better, formula, worked, source, owner,  # type: ignore[arg-type]
            MappingProxyType(columns), MappingProxyType(assumptions), splits, by_customer, excludes, caveat,
            MappingProxyType(dict(assumption_words)), facts, tier, optional, one_of, MappingProxyType(choices),
            MappingProxyType(dict(defensible)), follow_up, unique, waits_for, MappingProxyType(dict(only_with)),
            MappingProxyType(dict(looks_back)), MappingProxyType(dict(word_of)),
        )  # fmt: skip
        from crmtools.indicators.declared_wrongly import problems_of  # which knows what an indicator is

        problems = problems_of(declared, tables, unit, inspect.signature(facts), taken=_registered)
        if problems:
            raise CRMError(f"Indicator '{declared.id}' is declared wrongly:\n  " + "\n  ".join(problems))
        _registered[declared.id] = declared
        return facts

    return register
