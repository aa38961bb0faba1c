"""The kind of agents."""
