"""Who takes part: each file runs in an environment of its own and gives ``make(name, d)``, a function from a row to its score."""
