"""Streaming reinforcement learning with eligibility traces, without replay."""
