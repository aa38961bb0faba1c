"""What becomes of outputs (intervals, prediction sets, quantiles, successors)."""
