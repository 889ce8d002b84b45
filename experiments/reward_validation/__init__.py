"""Parts of experiments/validate_reward.py and fit_reward.py."""
