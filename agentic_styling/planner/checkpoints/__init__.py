"""Hugging Face directories both ways, adapters, and placement on a mesh."""
