"""Infer the types of text columns, and parse their cells."""
