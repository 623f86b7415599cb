"""What the processes of the command line do without."""

import sys


def without_addresses() -> None:
    """Keep jsonschema from loading a grammar of internationalised addresses, a second that no notebook needs."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
