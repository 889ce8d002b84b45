"""Online training."""
