"""Rewards: scores of edited photographs from pixels, on the device."""

from agentic_styling.rewards.probes import probes
from agentic_styling.rewards.score import Reference, asks, render_reference, score, score_against
from agentic_styling.rewards.scores import PARTS, Scores
from agentic_styling.rewards.search import Best, Choice, best_plans, choose, cross_rewards

__all__ = [
    "PARTS", "Best", "Choice", "Reference", "Scores", "asks", "best_plans", "choose",
    "cross_rewards", "probes", "render_reference", "score", "score_against",
]  # fmt: skip
