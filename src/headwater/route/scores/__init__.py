"""Scores that kinds share, of numbers and of any cost a row."""
