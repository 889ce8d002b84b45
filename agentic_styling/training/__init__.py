"""Mesh and sharding, state, step, checkpoints, the loop."""

from agentic_styling.training.loop import train

__all__ = ["train"]
