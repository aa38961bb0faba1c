"""Many related series: a new one begins with a past that the others suggest."""
