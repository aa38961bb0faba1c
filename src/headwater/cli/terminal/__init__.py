"""What a terminal is shown: the line that moves, and what is said before and after a run."""
