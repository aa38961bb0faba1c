"""What a series says of its next answers."""
