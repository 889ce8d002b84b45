"""Online RL: contexts, samples of the policy and their rewards, and the loop."""
