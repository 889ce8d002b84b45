"""Offline RL objectives: arrays in, arrays out. Needs jax and chex only."""

from agentic_styling.losses.pairs import dpo
from agentic_styling.losses.scored import (
    reward_filtered,
    reward_weighted,
    standard,
    standardized_reward_weighted,
)
from agentic_styling.losses.table import LOSSES, Loss
from agentic_styling.losses.token_logps import token_logps

__all__ = [
    "LOSSES",
    "Loss",
    "dpo",
    "reward_filtered",
    "reward_weighted",
    "standard",
    "standardized_reward_weighted",
    "token_logps",
]
