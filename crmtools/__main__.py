"""``python -m crmtools`` is the command ``crmtools``."""

from crmtools.cli import main

if __name__ == "__main__":
    main()
