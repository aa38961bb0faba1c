"""Formats: CSV and TSV, JSON lines, Parquet and Arrow; and what the text of a cell means."""
