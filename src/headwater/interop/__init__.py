"""Adapters between headwater and other libraries."""
