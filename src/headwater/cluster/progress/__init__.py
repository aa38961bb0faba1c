"""How a cluster stands: what its rounds take, what merging costs, the status file and the page that shows it."""

from .clock import Clock, Progress

__all__ = ["Clock", "Progress"]
