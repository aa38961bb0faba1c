"""A state carried from row to row, measured: ``python -m benchmarks.memory``."""
