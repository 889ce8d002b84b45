"""The parts of experiments/replicate.py, and report.py, which reads its rows."""
