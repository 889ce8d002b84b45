"""Scores of an edit, from pixels on the device."""
