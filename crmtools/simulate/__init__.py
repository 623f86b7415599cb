"""A seeded company whose truth is known: data to learn with, and to check every interval against."""

from crmtools.simulate.company import Company
from crmtools.simulate.demo import Truth, ensure_demo, simulate, simulate_frames
from crmtools.simulate.truth import true_value

__all__ = ["Company", "Truth", "ensure_demo", "simulate", "simulate_frames", "true_value"]
