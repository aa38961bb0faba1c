"""Metrics of several labels per row, compared with simple baselines."""
