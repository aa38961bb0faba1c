"""Addresses of agents."""
