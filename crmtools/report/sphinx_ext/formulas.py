"""Formulas as MathML, written while the book is built.

Browsers draw MathML themselves, so a page with formulas needs no script and no font file (MathJax is 2.3 MB).
"""

import html
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

CHILDREN = {
    "mfrac": 2,
    "mroot": 2,
    "msub": 2,
    "msup": 2,
    "mover": 2,
    "munder": 2,
    "msubsup": 3,
    "munderover": 3,
}
ALIGNED = re.compile(r"\{(?:aligned|split)\}")  # the converter knows them under this name only


def mathml(latex: str, *, block: bool = False) -> str:
    """One formula as a ``<math>`` element, with its LaTeX as the text for people who listen to the page.

    Raises ValueError when the formula holds a command that has no MathML.
    """
    latex = latex.strip()
    try:
        element = convert(ALIGNED.sub("{align*}", latex), display="block" if block else "inline")
    except Exception as error:  # latex2mathml raises some twenty unrelated classes
        raise ValueError(f"{type(error).__name__}: {error}") from error
    _check(element)
    return element.replace("<math ", f'<math alttext="{html.escape(latex)}" ', 1)


def _check(element: str) -> None:
    """Raise ValueError for what the converter lets pass: an unknown command, an argument that is missing."""
    try:
        tree = ElementTree.fromstring(element)
    except ElementTree.ParseError as error:
        raise ValueError(f"not a formula: {error}") from error
    for node in tree.iter():
        name = node.tag.rpartition("}")[2]
        if (node.text or "").startswith("\\") and len(node.text or "") > 1:
            raise ValueError(f"unknown command {node.text}")
        if len(node) != CHILDREN.get(name, len(node)):
            raise ValueError(f"{name} needs {CHILDREN[name]} arguments and has {len(node)}")


def _element(node: nodes.Element, *, block: bool) -> str:
    try:
        return mathml(node.astext(), block=block)
    except ValueError as error:
        logger.warning("formula %r: %s", node.astext(), error, location=node)
        return f"<code>{html.escape(node.astext())}</code>"


def visit_inline(translator: "HTML5Translator", node: nodes.math) -> None:
    """A formula inside a sentence."""
    translator.body.append(f'<span class="math notranslate">{_element(node, block=False)}</span>')
    raise nodes.SkipNode


def visit_block(translator: "HTML5Translator", node: nodes.math_block) -> None:
    """A formula on a line of its own, with its number when it has a label."""
    translator.body.append(translator.starttag(node, "div", CLASS="math crm-formula notranslate"))
    translator.body.append(_element(node, block=True))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "#")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: "Sphinx") -> None:
    """Offer the renderer ``crm_mathml``; the configuration selects it."""
    app.add_html_math_renderer("crm_mathml", (visit_inline, None), (visit_block, None))
