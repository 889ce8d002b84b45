"""Judges: a vision-language model on the device or behind a chat endpoint."""
