"""Forecasters of a series."""
