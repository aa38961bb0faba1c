"""What a learner follows while it learns: coverage of its sets and intervals, units of its columns, and sudden changes."""
