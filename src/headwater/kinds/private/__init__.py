"""Linear models of numbers' curves and hashed names that learn with differential privacy."""
