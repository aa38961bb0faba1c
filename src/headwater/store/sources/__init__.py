"""Learn from brokers, committing rows, read positions and waiting labels in one transaction."""
