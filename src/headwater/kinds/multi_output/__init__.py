"""The kind of several labels a row."""
