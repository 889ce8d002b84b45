"""The parts of experiments/replicate.py and experiments/replicate_report.py."""
