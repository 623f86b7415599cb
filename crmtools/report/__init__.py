"""From a run to a published book: plan, run, assemble, check, publish."""
