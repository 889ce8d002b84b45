"""Renderers of the artistic media."""
