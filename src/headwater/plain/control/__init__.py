"""Streaming reinforcement learning: values and policies learned from one transition at a time, with traces."""
