"""Datasets on disk and as training arrays."""
