"""Renderers of the artistic media: a family a file."""
