"""Data sets in other forms: the published one, read and written, and conversations for trainers."""
