"""Maintenance of a store, while it is served and while it is closed."""
