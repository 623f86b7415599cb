"""The colours of the book can be read, in light, in dark and on paper."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "book" / "static" / "crmtools.css").read_text(encoding="utf8")
TOKENS = {"ink", "muted", "line", "soft", "bg", "accent"}
TOKENS |= {f"{status}{part}" for status in ("good", "risk", "wait", "none") for part in ("", "-bg")}


def palette(block: str) -> dict[str, str]:
    """The tokens set in one block of the style sheet."""
    found = dict(re.findall(r"--crm-([a-z-]+): (#[0-9a-f]{3,6});", block))
    assert set(found) == TOKENS
    return found


def modes() -> dict[str, dict[str, str]]:
    light = CSS[CSS.index("\nhtml {") :].split("}")[0]
    dark = CSS[CSS.index('\nhtml[data-theme="dark"] {') :].split("}")[0]
    paper = CSS[CSS.index("@media print") :].split("}")[0]
    return {"light": palette(light), "dark": palette(dark), "paper": palette(paper)}


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark", "paper"])
def test_every_text_colour_has_contrast(mode):
    colours = modes()[mode]
    pairs = [(text, ground) for text in ("ink", "muted", "accent") for ground in ("bg", "soft")]
    pairs += [(status, f"{status}-bg") for status in ("good", "risk", "wait", "none")]
    pairs += [(status, "bg") for status in ("good", "risk", "wait", "none")]
    pairs += [("ink", "risk-bg")]
    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: round(value, 2) for pair, value in weak.items() if value < 4.5} == {}


def test_paper_has_the_light_colours():
    assert modes()["paper"] == modes()["light"]


def test_the_style_sheet_names_no_host():
    assert "url(" not in CSS
    assert "//" not in CSS
