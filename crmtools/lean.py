"""What the processes of the command line do without."""

import atexit
import gc
import sys


def without_addresses() -> None:
    """Keep jsonschema from loading a grammar of internationalised addresses, a second that no notebook needs."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def without_a_last_search() -> None:
    """Keep Python from looking for garbage as it ends: over a report's expressions that takes a second and a half, for nothing."""
    atexit.register(gc.freeze)
