"""Running a report on a schedule: recipes for the usual schedulers, and catching up with what was missed."""
