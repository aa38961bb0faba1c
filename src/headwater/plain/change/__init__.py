"""Rules of changes in a stream."""
