"""Forecasts of a series from its own past."""
