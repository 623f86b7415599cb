"""What the processes of the command line do without."""

import atexit
import gc
import sys


def without_addresses() -> None:
    """Keep jsonschema from loading a grammar of internationalised addresses, a second that no notebook needs."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


SELDOM = (20_000, 20, 100)
"""Objects more than there were, searches for young garbage, and for older, after which Python searches; 700, 10 and 10 by itself."""


def without_many_searches() -> None:
    """Have Python look for garbage less often: what we import, and the expressions of a report, are many objects that stay.

    At each search of what is older all of them are gone through again, which is a seventh of importing them.
    """
    gc.set_threshold(*SELDOM)


def without_a_last_search() -> None:
    """Keep Python from looking for garbage as it ends, which takes a second and a half over a report's expressions.

    What refers to itself then just goes with the process; nothing of ours waits for its end to be written.
    """
    atexit.register(gc.freeze)
