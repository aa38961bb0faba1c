"""A model that follows a broker: rows, positions and what waits for its answer, in one transaction."""
