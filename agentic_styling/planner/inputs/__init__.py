"""Photographs and text as the model's input arrays."""
