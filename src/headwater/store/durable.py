"""Open durable learners, which lose no acknowledged example, however the process ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headwater.learner.kind import kind_with
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.service import DurableLearner, Limits, RetentionPolicy, Service
from headwater.store.service.durable_learner import NAME

__all__ = ["open"]


def open(  # noqa: A001 - as gzip.open
    path: str | Path,
    learner: Any = None,
    *,
    policy: RetentionPolicy | None = None,
    limits: Limits | None = None,
) -> DurableLearner:
    """Open a durable learner that writes each example to disk before the call returns.

    After a restart its state is restored bit for bit.

    Parameters
    ----------
    path : str or Path
        The store, one SQLite file, created if missing.
    learner : Classifier or Regressor, optional
        Initial learner of a new store, by default a Classifier. Ignored when the store already has a learner.
    policy : RetentionPolicy, optional
        How much of the journal and the pending predictions is kept.
    limits : Limits, optional
        Limits of one call. A larger call is rejected before anything is written.

    Returns
    -------
    DurableLearner

    Raises
    ------
    StoreError
        If the file is in use by another process, damaged before its tail, or not a store.

    Examples
    --------
    >>> import headwater as hw, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "orders.db")
    >>> with hw.open(path, hw.Regressor()) as model:
    ...     _ = model.learn_one({"x": 1.0}, 2.0)
    >>> with hw.open(path) as model:
    ...     model.n_learned, model.seq
    (1, 1)
    """
    service = Service(path, LEARNER_FORMAT, policy, limits=limits)
    if NAME not in service.models.by_name:
        service.change(service.models.create, NAME, learner if learner is not None else kind_with("classify").make({}))
    model = service.models.named(NAME)
    opened: DurableLearner = model.champion.learner.kind.durable(service, model)
    return opened
