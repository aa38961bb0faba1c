"""Notebooks: what learners and results look like there, and a learning curve that grows while a stream is learned."""

from headwater.interop.notebook.live import LiveCurve
from headwater.interop.notebook.representation import html

__all__ = ["LiveCurve", "html"]
