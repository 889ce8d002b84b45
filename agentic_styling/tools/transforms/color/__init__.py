"""Pointwise color: spaces, lookup tables, and the transform between two looks."""
