"""Whether the records themselves, and the ways they are worked with, can be relied on."""
