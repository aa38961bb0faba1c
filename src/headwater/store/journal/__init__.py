"""The SQLite file of a durable learner and its tables."""
