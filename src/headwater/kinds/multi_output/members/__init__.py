"""The learner of each output: what holds them, and how those of several workers are merged."""
