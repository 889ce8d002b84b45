"""Themes, goals, teachers, trajectories and their loaders."""
