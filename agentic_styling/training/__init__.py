"""Mesh and sharding, state, step, checkpoints, the loop."""
