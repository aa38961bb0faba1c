"""Learners that choose actions, and what a policy is worth."""
