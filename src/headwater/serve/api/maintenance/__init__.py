"""Addresses for whoever looks after the store."""
