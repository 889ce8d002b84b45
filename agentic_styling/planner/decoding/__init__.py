"""Sampling plans: generation, the plan grammar, text forms."""
