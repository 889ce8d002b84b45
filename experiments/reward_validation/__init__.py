"""What experiments/validate_reward.py is made of."""
