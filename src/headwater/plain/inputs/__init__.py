"""What becomes of a sample's values before the first layer."""
