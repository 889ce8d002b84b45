"""The reports of a run: progress, FLOPs and the dry run."""
