"""HTML views of learners and results for notebooks, and a learning curve that updates in place."""

from headwater.interop.notebook.live import LiveCurve
from headwater.interop.notebook.representation import html

__all__ = ["LiveCurve", "html"]
