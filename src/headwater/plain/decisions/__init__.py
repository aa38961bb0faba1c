"""Decisions: which action to take, and what a policy would have earned."""
