"""Scores of an edit, from pixels on the device."""

from agentic_styling.rewards.probes import probes as probes
from agentic_styling.rewards.score import PARTS as PARTS
from agentic_styling.rewards.score import Scores as Scores
from agentic_styling.rewards.score import score as score
