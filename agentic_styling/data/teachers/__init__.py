"""Teachers, which write the plans of a dataset."""
