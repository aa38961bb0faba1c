"""The kind of contextual bandits."""
