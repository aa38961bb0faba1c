"""Neural networks that learn online."""
