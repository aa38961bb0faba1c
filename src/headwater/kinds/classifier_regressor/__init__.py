"""The kinds that predict one label of a row: a class, or a number."""
