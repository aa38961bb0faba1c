"""Read CSV and TSV, JSON lines, Parquet and Arrow, and parse the text of cells."""
