"""Any matplotlib Axes or Figure as a figure of the book: SVG with searchable text that follows light and dark.

The SVG of equal figures is equal, byte for byte: no dates, and ids that are made from the content, so that several figures on
one page never share one.
"""

import hashlib
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure, SubFigure
from matplotlib.text import Text

from crmtools.show.display import Display
from crmtools.show.look import HEX, colour
from crmtools.show.style import styled
from crmtools.show.trends import figure as framed
from crmtools.words import Language

_BY_HEX = {**{code: colour(name) for name, code in reversed(HEX.items())}, "#000000": colour("ink")}
"""What a colour of the palette becomes; black, which matplotlib uses by itself, becomes the colour of text."""
_FONT = re.compile(r"font-family: [^;\"]+")
_FONT_SHORT = re.compile(r"font: (?:(\w+) )?([\d.]+px) [^;\"]+")
_ID = re.compile(r'(?<= id=")([^"]+)|(?<=url\(#)([^)]+)|(?<=xlink:href="#)([^"]+)')


def figure(
    axes_or_figure: Axes | Figure | SubFigure,
    *,
    title: str = "",
    caption: str = "",
    alt: str = "",
    language: Language = "en",
) -> Display:
    """What matplotlib drew, as a figure with title and caption.

    ``title`` states the finding, ``caption`` the source and n, ``alt`` says in words what there is to see (the title stands in
    for it). The figure is closed afterwards where pyplot knows it, so that a notebook does not show it a second time.
    """
    drawn = axes_or_figure.get_figure(root=True)
    if drawn is None:
        raise ValueError("These axes belong to no figure any more.")
    picture = svg_of(drawn, alt=alt or title)
    _close(drawn)
    separator = "" if language == "zh" else "\n"
    picture = f'<div class="crm-scroll">{picture}</div>'
    return Display(framed(picture, title, caption), separator.join(part for part in (title, alt or caption) if part))


def svg_of(drawn: Figure, *, alt: str) -> str:
    """The figure as inline SVG."""
    canvas, written = drawn.canvas, io.StringIO()
    with styled(), _measurable(drawn):
        try:
            FigureCanvasSVG(drawn).print_svg(written)
        finally:
            drawn.set_canvas(canvas)
    return _inline(written.getvalue(), alt)


@contextmanager
def _measurable(drawn: Figure) -> Iterator[None]:
    """Texts of a figure that was begun outside our style get our fonts while it is drawn: theirs may lack Chinese."""
    fonts = mpl.rcParams["font.family"]
    before = [(text, text.get_fontfamily()) for text in drawn.findobj(Text)]
    try:
        for text, _ in before:
            text.set_fontfamily(fonts)
        yield
    finally:
        for text, family in before:
            text.set_fontfamily(family)


def _inline(written: str, alt: str) -> str:
    """matplotlib's SVG file as an element of a page."""
    body = written[written.index("<svg") :]
    # the metadata hold the time of drawing
    body = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", body, flags=re.DOTALL)
    # a style element would hold for the whole page
    body = re.sub(r"<style[^>]*>.*?</style>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]+>", lambda m: _restyled(m[0]), body)
    mark = hashlib.sha256(body.encode()).hexdigest()[:10]
    body = re.sub(r"<[^>]+>", lambda m: _ID.sub(lambda name: f"f{mark}-{name[0]}", m[0]), body)
    body = re.sub(r"\s*\n\s*", " ", body).strip()
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', body)
    width, height = (float(size[1]), float(size[2])) if size else (0.0, 0.0)
    root = (
        f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" role="img" aria-label="{escape(alt)}" '
        f'viewBox="0 0 {width:g} {height:g}" width="{width * 4 / 3:.0f}" height="{height * 4 / 3:.0f}" '
        f'style="min-width: min({width * 4 / 3:.0f}px, 30rem); font-family: var(--crm-font, sans-serif); stroke-linejoin: round; stroke-linecap: butt">'
    )
    return re.sub(r"^<svg[^>]*>", lambda _: root, body)


def _restyled(tag: str) -> str:
    """One tag with the page's font and colours; what stands between tags is the reader's text and stays as it is."""
    tag = _FONT.sub("font-family: inherit", tag)
    tag = _FONT_SHORT.sub(lambda m: f"font-size: {m[2]}; font-weight: {m[1] or 'normal'}; font-family: inherit", tag)
    tag = re.sub(r"(?<=: )#[0-9a-f]{6}", lambda m: _BY_HEX.get(m[0], m[0]), tag)
    if tag.startswith("<text ") and "fill:" not in tag:
        # matplotlib leaves black out
        tag = tag.replace('style="', f'style="fill: {colour("ink")}; ', 1)
    return tag


def _close(drawn: Figure) -> None:
    """Have pyplot forget the figure, if pyplot is in use and knows it."""
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(drawn)
