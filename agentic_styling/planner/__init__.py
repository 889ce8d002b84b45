"""Qwen3-VL in Flax: towers, weights, prompts, generation."""
