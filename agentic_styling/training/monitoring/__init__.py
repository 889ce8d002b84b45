"""The reports of a run: metrics, progress, FLOPs and the dry run."""
