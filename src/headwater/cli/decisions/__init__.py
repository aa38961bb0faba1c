"""Logged decisions on the command line."""
