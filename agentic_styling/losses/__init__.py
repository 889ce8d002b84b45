"""Offline RL objectives: arrays in, arrays out."""
