"""Rewards: scores of edited photographs from pixels, on the device."""

from agentic_styling.rewards.probes import probes
from agentic_styling.rewards.score import Reference, asks, render_reference, score, score_against
from agentic_styling.rewards.scores import PARTS, Scores

__all__ = [
    "PARTS",
    "Reference",
    "Scores",
    "asks",
    "probes",
    "render_reference",
    "score",
    "score_against",
]
