"""Load figures of the server; see load.py."""
