"""Building and writing questions in a fifth less time: the arguments of Ibis's nodes are bound by a loop.

Ibis checks the arguments of every node that it makes or rewrites, a hundred or more per question, and first binds them with Python's
``inspect``, which is made for any function there is. Most nodes are given plain arguments in order. These are bound here; all
others, and whatever does not fit, by Ibis, whose errors say what is wrong. A process that runs a report does so, and its kernels; those
of analysts have Ibis as it is.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import ibis
from ibis.common.annotations import EMPTY, Signature
from ibis.common.patterns import NoMatch

KNOWN = "12.0."
"""The versions whose way of binding this is; in another everything stays as it is."""
Plain = tuple[tuple[str, Callable[[Any, Mapping[str, Any]], Any], Any], ...]
_WHOLE = Signature.validate
_SEEN: dict[int, tuple[Signature, Plain | None]] = {}
"""By identity: to compare signatures takes longer than to bind by them. One that is here stays, so that no other gets its number."""


def bind_plainly() -> None:
    """Have plain arguments of nodes bound here, in this process, from now on."""
    if ibis.__version__.startswith(KNOWN):
        Signature.validate = _validate


def _validate(self: Signature, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What ``Signature.validate`` returns: each argument as its pattern lets it through, by name."""
    known = _SEEN.get(id(self))
    if known is None:
        known = _SEEN[id(self)] = (self, _plain(self))
    bound = _bound(known[1], args, kwargs)
    return _WHOLE(self, func, args, kwargs) if bound is None else bound


def _plain(signature: Signature) -> Plain | None:
    """Name, pattern and default of each parameter, in order; None where one takes more than one argument."""
    parameters = signature.parameters.values()
    if any(one.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD for one in parameters):
        return None
    return tuple((one.name, one.annotation.pattern.match, one.default) for one in parameters)


def _bound(plain: Plain | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any] | None:
    if plain is None or len(args) > len(plain):
        return None
    given, named = len(args), 0
    bound: dict[str, Any] = {}
    for number, (name, match, default) in enumerate(plain):
        if number < given:
            value = args[number]
        elif name in kwargs:
            value, named = kwargs[name], named + 1
        else:
            value = default
        if value is EMPTY or (found := match(value, bound)) is NoMatch:
            return None
        bound[name] = found
    return bound if named == len(kwargs) else None
