"""How figures that matplotlib draws look: colours, lines, fonts. Set for a drawing, never for the whole program."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import matplotlib as mpl
from cycler import cycler
from matplotlib import font_manager

from crmtools.show.look import HEX

LATIN, LAST = "DejaVu Sans", "Last Resort High-Efficiency"
"""matplotlib's own fonts: one for Latin text, one that has a box for every letter there is, so that none is ever missing."""


@contextmanager
def styled() -> Iterator[None]:
    """matplotlib in the look of the book, for as long as the block lasts."""
    with mpl.rc_context(rc()):  # type: ignore[arg-type]  # the stubs list every key as a literal
        yield


def rc() -> dict[str, object]:
    """The settings as matplotlib (and seaborn's ``set_theme(rc=…)``) reads them."""
    return {
        # named one by one: a generic family would stop at the first font, Chinese or not
        "font.family": [LATIN, chinese_font(), LAST],
        "font.size": 9.0,
        "axes.unicode_minus": True,
        "axes.edgecolor": HEX["line"], "axes.labelcolor": HEX["muted"], "axes.titlecolor": HEX["ink"], "text.color": HEX["ink"],
        "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none",
        "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
        "axes.grid": True, "axes.grid.axis": "y", "grid.color": HEX["line"], "grid.linewidth": 0.8, "axes.axisbelow": True,
        "axes.titlelocation": "left", "axes.titlesize": 10.0,
        "axes.prop_cycle": cycler(color=[HEX["accent"], HEX["risk"], HEX["good"], HEX["wait"], HEX["none"]]),
        "xtick.color": HEX["line"], "ytick.color": HEX["line"], "xtick.labelcolor": HEX["muted"], "ytick.labelcolor": HEX["muted"],
        "ytick.left": False, "lines.linewidth": 1.8, "patch.edgecolor": HEX["bg"], "legend.frameon": False,
        "legend.labelcolor": HEX["ink"], "image.cmap": "Blues",
        "svg.fonttype": "none", "svg.hashsalt": "crmtools",
    }  # fmt: skip


@cache
def chinese_font() -> str:
    """The Chinese font that texts are measured with: the one zhplot carries, so that a figure is the same on every machine.

    It is registered with matplotlib, nothing else is changed; zhplot itself is not imported, because that sets its font for
    every figure of the program.
    """
    package = find_spec("zhplot")
    if package is None or package.origin is None:
        return LATIN
    file = next(Path(package.origin).parent.glob("fonts/*.ttf"))
    font_manager.fontManager.addfont(file)
    return str(font_manager.FontProperties(fname=file).get_name())
