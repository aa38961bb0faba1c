"""The kinds of columns, and the parts of a date-time."""

NUMBER, CATEGORY, TIME, WORDS, BIGRAMS, COSINE, RAW = "number", "category", "time", "words", "bigrams", "cosine", "raw"
KINDS = (NUMBER, CATEGORY, TIME, WORDS, BIGRAMS, COSINE, RAW)
"""Column kinds, indexed by the core's enum."""
PARTS = ("elapsed", "hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "yearday_sin", "yearday_cos")
"""The numeric features of a date-time."""
LEAST_ROWS = 16
"""Minimum rows of an embedding table, for a few names and the shared rows."""
