"""The evidence status as icon, word and colour, and a chance as people say it."""

import math
from html import escape

from crmtools.goals.evidence import EVIDENCE, Evidence
from crmtools.goals.judgement import Judgement
from crmtools.show.look import Tone, chip
from crmtools.words import Language, Text

EVIDENCE_ICONS: dict[Evidence, tuple[str, Tone]] = {
    "met": ("✔", "good"),
    "met_within_error": ("✔", "wait"),
    "on_track": ("●", "good"),
    "undecided": ("◐", "wait"),
    "at_risk": ("▲", "risk"),
    "missed": ("✖", "risk"),
    "missed_within_error": ("✖", "wait"),
    "not_started": ("○", "none"),
    "no_evidence": ("?", "none"),
}
"""Each status has its icon and its word beside the colour."""
NEARLY_NONE, NEARLY_SURE = 0.05, 0.95
TOLD: tuple[Evidence, ...] = ("on_track", "undecided", "at_risk")
"""The statuses that leave something to chance."""


def evidence_chip(evidence: Evidence, language: Language) -> str:
    """An evidence status as icon, word and colour."""
    icon, tone = EVIDENCE_ICONS[evidence]
    return chip(f"{icon} {escape(EVIDENCE[evidence].to(language))}", tone)


def chance_words(chance: float, language: Language) -> str:
    """A chance as people say it: about 3 in 10."""
    if chance < NEARLY_NONE or chance > NEARLY_SURE:
        return (_HARDLY if chance < NEARLY_NONE else _NEARLY).to(language)
    tenths = min(max(math.floor(10 * chance + 0.5), 1), 9)
    return f"约{'一两三四五六七八九'[tenths - 1]}成" if language == "zh" else f"about {tenths} in 10"


def chance_of(judgement: Judgement, language: Language) -> str:
    """The chance that belongs beside a status, in words; empty where there is none, or where nothing is left to chance."""
    if judgement.chance is None or judgement.evidence not in TOLD:
        return ""
    return chance_words(judgement.chance, language)


_HARDLY = Text("不到 5%", "less than 1 in 20")
_NEARLY = Text("超过 95%", "more than 19 in 20")
