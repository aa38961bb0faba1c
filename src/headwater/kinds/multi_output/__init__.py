"""Learners of several labels per row."""
