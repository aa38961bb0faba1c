"""Metrics and a learning curve that update in place while a session runs."""

from __future__ import annotations

import time
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from headwater.errors import counted
from headwater.interop.notebook.representation import html
from headwater.route.evaluate import Evaluation
from headwater.types import Metrics

__all__ = ["LiveCurve"]


class LiveCurve:
    """Show the metrics and the learning curve of a running session in a notebook.

    Pass an instance as ``on_record`` to a session or to `evaluate`.

    Parameters
    ----------
    least_s
        Minimum seconds between two updates. The evaluation itself always shows the last record.

    Notes
    -----
    Without IPython nothing is displayed, but the records are still collected. The curve needs matplotlib (extra ``plot``).

    Examples
    --------
    >>> import headwater as hw
    >>> live = LiveCurve()
    >>> rows = [({"a": i % 7}, i % 7 > 3) for i in range(400)]
    >>> _ = hw.evaluate(hw.Classifier(seed=1), rows, every=100, on_record=live)
    >>> [record.rows for record in live.records]
    [100, 200, 300, 400]
    """

    def __init__(self, *, least_s: float = 0.5) -> None:
        self.records: list[Metrics] = []
        self._least_s, self._at = least_s, float("-inf")
        self._handle: Any = None

    def __call__(self, record: Metrics) -> None:
        """Store a record, and update the display unless it was updated less than ``least_s`` ago."""
        self.records.append(record)
        if time.monotonic() - self._at < self._least_s:
            return
        self._at = time.monotonic()
        self._show()

    def _repr_html_(self) -> str:
        if not self.records:
            return "<p>Nothing learned yet.</p>"
        last = self.records[-1]
        return (
            f"<p>{counted(last.rows, 'row')}, {last.rows_per_s:,.0f} rows/s</p>{html(Evaluation(last, self.records))}"
        )

    def _show(self) -> None:
        if self._handle is not None:
            self._handle.update(self)
        elif find_spec("IPython") is not None:
            # Outside a notebook, IPython's display prints plain text. Only a kernel can update a display in place.
            ipython = import_module("IPython")
            if ipython.get_ipython() is not None:
                self._handle = import_module("IPython.display").display(self, display_id=True)
