"""What happens inside a kernel before each page: it becomes what it was before the last one."""

import warnings

from IPython import get_ipython
from matplotlib import pyplot as plt

from crmtools import shown
from crmtools.indicators import CATALOGUE
from crmtools.lifetime import beta_geo_formulas
from crmtools.tables.source import keep_open


def begin() -> None:
    """Forget what the page before has named, drawn, and said; raises RuntimeError in a kernel that cannot be made new.

    Data that it had open stay open for a page that opens the same.
    """
    if foreign := [name for name, item in CATALOGUE.items() if not item.facts.__module__.startswith("crmtools.")]:
        raise RuntimeError(f"the page before declared {', '.join(foreign)}")
    get_ipython().reset(new_session=True)
    plt.close("all")
    shown.forget()
    shown.speak("en")
    with warnings.catch_warnings():
        pass  # leaving it makes Python forget which warnings it has given
    beta_geo_formulas.forget()
    keep_open()
