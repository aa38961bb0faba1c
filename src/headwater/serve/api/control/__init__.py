"""Addresses of models that act."""
