"""Contextual bandits and off-policy evaluation."""
