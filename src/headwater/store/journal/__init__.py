"""The one SQLite file of a durable learner: its lock, its tables, and what stands in them."""
