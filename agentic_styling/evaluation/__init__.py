"""Baselines, plan and image metrics, tables, the report."""
