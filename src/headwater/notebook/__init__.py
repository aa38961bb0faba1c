"""Notebooks: what learners and results look like there, and a learning curve that grows while a stream is learned."""

from headwater.notebook.live import LiveCurve
from headwater.notebook.representation import html

__all__ = ["LiveCurve", "html"]
