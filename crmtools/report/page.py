"""What happens inside a kernel before each page: it becomes what it was before the last one."""

import gc
import warnings
from itertools import count

from IPython import get_ipython
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import pyplot as plt

from crmtools import shown
from crmtools.indicators import CATALOGUE
from crmtools.lifetime import beta_geo_formulas
from crmtools.tables.source import keep_open

SWEEP = 8
"""Every so many pages what is left of the pages before, and refers to itself, is looked for."""
_BEGUN = count(1)


def begin() -> None:
    """Forget what the page before has named, drawn, and said; raises RuntimeError in a kernel that cannot be made new.

    Data that it had open stay open for a page that opens the same.
    """
    if foreign := [name for name, item in CATALOGUE.items() if not item.facts.__module__.startswith("crmtools.")]:
        raise RuntimeError(f"the page before declared {', '.join(foreign)}")
    _reset(get_ipython())
    plt.close("all")
    shown.forget()
    shown.speak("en")
    with warnings.catch_warnings():
        pass  # leaving it makes Python forget which warnings it has given
    beta_geo_formulas.forget()
    keep_open()
    if next(_BEGUN) % SWEEP == 0:
        gc.collect()


def _reset(shell: InteractiveShell) -> None:
    """What ``%reset`` does, all but its search for garbage, which takes as long as the rest of a small page."""
    hook = shell.displayhook
    hook._ = hook.__ = hook.___ = ""
    caching, hook.do_full_cache = hook.do_full_cache, False
    try:
        shell.reset(new_session=True)
    finally:
        hook.do_full_cache = caching
