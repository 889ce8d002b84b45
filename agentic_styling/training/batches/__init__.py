"""Batches: the examples of a step, packing, and the data iterator."""
