"""Scores of classifiers and regressors, next to what simple guesses get."""
