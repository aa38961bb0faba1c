"""The sample of rows and predictions that a learner keeps for its diagnosis."""
