"""Agentic image styling by offline RL: a Qwen3-VL planner, tools, rewards and losses in JAX."""

__version__ = "0.1.0"
