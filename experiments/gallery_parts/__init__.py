"""Modules of experiments/gallery.py."""
