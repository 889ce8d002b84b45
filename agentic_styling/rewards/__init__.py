"""Rewards: scores of edited photographs from pixels, on the device."""

from agentic_styling.rewards.probes import probes as probes
from agentic_styling.rewards.score import Reference as Reference
from agentic_styling.rewards.score import render_reference as render_reference
from agentic_styling.rewards.score import score as score
from agentic_styling.rewards.score import score_against as score_against
from agentic_styling.rewards.scores import PARTS as PARTS
from agentic_styling.rewards.scores import Scores as Scores
