"""Progress of a cluster run, with its timing, merge cost, status file and status page."""

from .clock import Clock, Progress

__all__ = ["Clock", "Progress"]
