"""Log session metrics to a JSON Lines file or to TensorBoard.

Pass a logger as ``on_record``, as in ``Session(…, on_record=JsonLines("run.jsonl"))``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from headwater.errors import MissingExtra
from headwater.types import Metrics

__all__ = ["JsonLines", "TensorBoard", "metrics_of"]


def metrics_of(record: Metrics) -> dict[str, float]:
    """Return the finite metrics of a record as a flat dict.

    Parameters
    ----------
    record : Metrics
        Metrics of a session at one moment.

    Returns
    -------
    dict
        ``accuracy``, ``window/accuracy``, ``majority/accuracy``, ``window/majority/accuracy`` and so on, ``rows_per_s``,
        and ``rejected/REASON``. Where a score is an estimate also the ends of its 95 % interval, ``mean_reward/low`` and
        ``mean_reward/high``, and the lead with its ends, ``lead``, ``lead/low`` and ``lead/high``, each also of the window.

    Examples
    --------
    >>> metrics_of(Metrics(rows=2, scored=2, window=2, scores={"accuracy": 0.5, "kappa": float("nan")}))
    {'accuracy': 0.5, 'rows_per_s': 0.0}
    """
    return {name: value for name, value in _numbers(record) if math.isfinite(value)}


def _numbers(record: Metrics) -> Iterator[tuple[str, float]]:
    yield from record.scores.items()
    yield from ((f"window/{name}", value) for name, value in record.window_scores.items())
    for span, baselines in (("", record.baselines), ("window/", record.window_baselines)):
        for who, scores in baselines.items():
            yield from ((f"{span}{who}/{name}", value) for name, value in scores.items())
    for span, ends, lead in (("", record.interval, "overall"), ("window/", record.window_interval, "recent")):
        if ends is not None:
            yield from zip((f"{span}{record.names[0]}/low", f"{span}{record.names[0]}/high"), ends, strict=True)
        if (known := record.leads.get(lead)) is not None:
            yield from ((f"{span}lead", known.value), (f"{span}lead/low", known.low), (f"{span}lead/high", known.high))
    yield "rows_per_s", record.rows_per_s
    yield from ((f"rejected/{reason}", float(count)) for reason, count in record.rejected.items())


class JsonLines:
    """Append each record to a file as one line of JSON.

    Each line is flushed before learning continues.

    Parameters
    ----------
    path : str or Path
        The file. Existing lines are kept.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, JsonLines(Path(folder, "run.jsonl")) as log:
    ...     log(Metrics(rows=2, scored=2, window=2, scores={"accuracy": 0.5}))
    ...     msgspec.json.decode(log.path.read_bytes())["scores"]
    {'accuracy': 0.5}
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = self.path.open("ab")

    def __call__(self, record: Metrics) -> None:
        self._file.write(msgspec.json.encode(record.as_dict()) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class TensorBoard:
    """Write the metrics of each record as TensorBoard scalars, with the row count as the step.

    Requires tensorboardX.

    Parameters
    ----------
    folder : str or Path
        The run's folder, inside the one passed to ``tensorboard --logdir``.

    Raises
    ------
    MissingExtra
        When tensorboardX is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, TensorBoard(folder) as log:
    ...     log(Metrics(rows=2, scored=2, window=2, scores={"accuracy": 0.5}))
    ...     [path.name.split(".")[0] for path in Path(folder).iterdir()]
    ['events']
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            import tensorboardX
        except ImportError as error:
            raise MissingExtra(
                package="tensorboardX", extra="mlflow", at="headwater.interop.loggers.TensorBoard"
            ) from error
        self._writer: Any = tensorboardX.SummaryWriter(str(folder))

    def __call__(self, record: Metrics) -> None:
        for name, value in metrics_of(record).items():
            self._writer.add_scalar(name, value, record.rows)
        for event in record.events:
            self._writer.add_text(event.kind, event.text, event.row)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
