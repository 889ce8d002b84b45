"""Scores of an edit, from pixels on the device."""

from agentic_styling.rewards.probes import probes as probes
from agentic_styling.rewards.score import score as score
from agentic_styling.rewards.scores import PARTS as PARTS
from agentic_styling.rewards.scores import Scores as Scores
