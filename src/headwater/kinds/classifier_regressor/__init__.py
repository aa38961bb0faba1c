"""Classifiers and regressors, which predict one label per row."""
