"""Metrics of a bandit, and the off-policy value of policies on a log."""
