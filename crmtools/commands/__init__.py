"""The commands of ``crmtools``, one file per group."""
