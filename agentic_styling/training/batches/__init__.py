"""Batches: which examples a step takes, how they are packed, and their iterator."""
