"""Returns of the episodes of an agent, and the costs that drift is detected in."""
