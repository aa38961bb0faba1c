"""Agents: what to do in a state, learned from what follows."""
