"""Mesh and sharding, state, step, checkpoints, the loop."""

from agentic_styling.training.loop import train
from agentic_styling.training.settings import default_config

__all__ = ["default_config", "train"]
