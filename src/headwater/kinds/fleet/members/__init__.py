"""Fleets whose members are objects in this process, of any kind, and their file."""
