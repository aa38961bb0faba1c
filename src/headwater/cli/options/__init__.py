"""What options mean: those that several commands share, and those about the model, drift and the report."""
