"""Gradient clipping, penalties, update rules, learning-rate schedules, and the guard against harmful steps."""
