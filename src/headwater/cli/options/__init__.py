"""Options that commands share, such as those for the model, drift and the report."""
