"""Supervised streams played as bandits, in coba's harness."""
