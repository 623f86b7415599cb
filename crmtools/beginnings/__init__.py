"""Working starts: an indicator, a chapter, a report, each complete and valid as it is written, with what is to be replaced marked."""
