"""Conformal intervals and prediction sets."""
