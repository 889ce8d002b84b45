"""What a run reports: metrics, progress, FLOPs, and the dry run."""
