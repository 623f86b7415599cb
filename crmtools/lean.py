"""What the processes of the command line do without."""

import atexit
import gc
import sys


def without_addresses() -> None:
    """Keep jsonschema from loading a grammar of internationalised addresses, a second that no notebook needs."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def without_a_last_search() -> None:
    """Keep Python from looking for garbage as it ends, which takes a second and a half over a report's expressions.

    What refers to itself then just goes with the process; nothing of ours waits for its end to be written.
    """
    atexit.register(gc.freeze)
