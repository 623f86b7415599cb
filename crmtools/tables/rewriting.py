"""Writing questions in a quarter less time: each node of a question is shown only to the rules that are about its kind.

To become SQL the graph of a question goes through Ibis's rules five times. Each time Ibis sorts the graph anew, and tries every rule on
every node; nearly all are about other kinds of nodes. Here a graph that was sorted last is not sorted again, and the rules of a kind
are looked up. What comes out is the same to the letter. As with :mod:`crmtools.tables.binding`, processes that run a report do so;
those of analysts have Ibis as it is.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ibis
from ibis.common import graph
from ibis.common.graph import Graph, Node
from ibis.common.patterns import AnyOf, InstanceOf, NoMatch, Object, Pattern, Replace

from crmtools.tables.binding import KNOWN, bind_plainly

_REPLACE, _MAP = Node.replace, Node.map
_RULES: dict[tuple[int, ...], "_Rules"] = {}
"""By identity of the rules, which Ibis puts together anew for each question; those that are here stay, so that no other gets their number."""
MOST = 64
"""Groups of rules that are kept; Ibis has four for DuckDB."""
_last: tuple[Node, Graph] | None = None
"""The graph that was sorted last, with its root; one step of the writing begins with what the one before gave back."""


def write_sooner() -> None:
    """Have questions built and written in less time, in this process, from now on."""
    bind_plainly()
    rewrite_by_kind()


def rewrite_by_kind() -> None:
    """Have nodes rewritten here, in this process, from now on."""
    if ibis.__version__.startswith(KNOWN):
        Node.replace, Node.map = _replace, _map


class _Rules:
    """Rules that are tried one after the other, and which of them can be about a kind of node."""

    def __init__(self, rules: tuple[Pattern, ...]) -> None:
        self._rules = [(one, _kinds(one)) for one in rules]
        self._about: dict[type, tuple[Pattern, ...]] = {}

    def about(self, kind: type) -> tuple[Pattern, ...]:
        """Those that may be about nodes of a kind, in their order."""
        found = self._about.get(kind)
        if found is None:
            found = tuple(rule for rule, kinds in self._rules if kinds is None or issubclass(kind, kinds))
            self._about[kind] = found
        return found


def _each(rule: Pattern) -> Iterator[Pattern]:
    if type(rule) is AnyOf:
        for one in rule.patterns:
            yield from _each(one)
    else:
        yield rule


def _kinds(rule: Pattern) -> tuple[type, ...] | None:
    """The kinds of nodes that a rule can be about; None where that cannot be told."""
    if type(rule) is Replace:
        return _kinds(rule.matcher)
    if type(rule) is Object:
        return _kinds(rule.type)
    if type(rule) is InstanceOf:
        return rule.type if isinstance(rule.type, tuple) else (rule.type,)
    if type(rule) is AnyOf:
        kinds = [_kinds(one) for one in rule.patterns]
        return None if None in kinds else tuple(kind for some in kinds for kind in some or ())
    return None


def _rules(rule: Pattern) -> _Rules:
    rules = tuple(_each(rule))
    known = tuple(map(id, rules))
    found = _RULES.get(known)
    if found is None:
        if len(_RULES) >= MOST:
            _RULES.clear()  # somebody makes rules of his own for each question
        found = _RULES[known] = _Rules(rules)
    return found


def _sorted(root: Node) -> Graph:
    """The graph of a node, every node after those that it is made of."""
    global _last
    last = _last
    if last is None or last[0] is not root:
        last = _last = (root, Graph.from_bfs(root).toposort()[0])
    return last[1]


def _replacer(given: Any, context: Mapping[str, Any] | None) -> Callable[[Node, dict[str, Any] | None], Any]:
    """What becomes of a node, given its arguments where some were replaced; a rule is shown the node that these make."""
    if not isinstance(given, Pattern):
        return graph._coerce_replacer(given, context)  # noqa: SLF001
    rules = _rules(given)

    def replaced(node: Node, arguments: dict[str, Any] | None) -> Any:
        new = node.__recreate__(arguments) if arguments else node
        for rule in rules.about(type(new)):
            if (found := rule.match(new, context or {})) is not NoMatch:
                return found
        return new

    return replaced


def _replace(
    self: Node,
    replacer: Any,
    filter: Any = None,  # noqa: A002 - Ibis's name
    context: Mapping[str, Any] | None = None,
) -> Any:
    """What ``Node.replace`` returns."""
    if filter is not None:
        return _REPLACE(self, replacer, filter=filter, context=context)
    replaced, looked_up = _replacer(replacer, context), graph._apply_replacements  # noqa: SLF001
    new: dict[Node, Any] = {}
    for node in _sorted(self):
        arguments: dict[str, Any] = {}
        changed = False
        if new:
            for name, value in zip(node.__argnames__, node.__args__, strict=True):
                arguments[name], one = looked_up(value, new)
                changed |= one
        if (found := replaced(node, arguments if changed else None)) is not node:
            new[node] = found
    return new.get(self, self)


def _map(self: Node, fn: Callable[..., Any], filter: Any = None) -> dict[Node, Any]:  # noqa: A002 - Ibis's name
    """What ``Node.map`` returns."""
    if filter is not None:
        return _MAP(self, fn, filter=filter)
    global _last
    results: dict[Node, Any] = {}
    looked_up, sorted_nodes = graph._recursive_lookup, _sorted(self)  # noqa: SLF001
    _last = None  # this is the last step of the writing, and a graph holds the database that it is a question to
    for node in sorted_nodes:
        pairs = zip(node.__argnames__, node.__args__, strict=True)
        told = {name: looked_up(value, results) for name, value in pairs}
        results[node] = fn(node, results, **told)
    return results
