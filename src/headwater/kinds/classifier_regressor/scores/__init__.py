"""Metrics of classifiers and regressors, compared with simple baselines."""
