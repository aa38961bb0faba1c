"""Open durable learners, which lose no acknowledged example, however the process ends."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from headwater.errors import ConfigError, UnlikelyData
from headwater.learner.base import Learner
from headwater.learner.expiring import Expiring
from headwater.learner.kind import default_kind, kind_of, with_article
from headwater.learner.settings import settings_of
from headwater.store.forget.retention import Retention
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
    retention: Retention | None = None,
    publish_every: int | str | None = None,
) -> DurableLearner:
    """Open a durable learner that writes each example to disk before the call returns.

    After a restart its state is restored bit for bit.

    Parameters
    ----------
    path : str or Path
        The store, one SQLite file, created if missing.
    learner : Classifier or Regressor, optional
        Initial learner of a new store, by default a Classifier, about which a warning is given. A store that has a learner goes on
        with it, warns of settings that differ, and refuses one of another kind, or one that forgets otherwise (``hw.Expiring``).
    policy : RetentionPolicy, optional
        How much of the journal and the pending predictions is kept.
    limits : Limits, optional
        Limits of one call. A larger call is rejected before anything is written.
    retention : Retention, optional
        How old anything may be that the store holds or serves. The store keeps it for later openings. By default nothing expires.
    publish_every : int or str, optional
        Rows, or a time such as ``"10 minutes"``. Predictions, explanations, metrics and files then come from a state that changes only
        so often, so that nobody who asks between two rows reads the label of the row between. By default they come from the newest.

    Returns
    -------
    DurableLearner

    Raises
    ------
    StoreError
        If the file is in use by another process, damaged before its tail, or not a store.
    ConfigError
        If the store's learner is of another kind, or forgets otherwise.

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
    if learner is not None:
        kind_of(learner)  # what is no learner says so before there is a file
    service = Service(path, LEARNER_FORMAT, policy, limits=limits, retention=retention, publish_every=publish_every)
    new = NAME not in service.models.by_name
    if new:
        if learner is None:
            own = with_article(default_kind().name)
            said = f"{path} was not there: a new store with {own} was made. Give a learner if that is meant"
            warnings.warn(said, UnlikelyData, stacklevel=2)
        made = learner if learner is not None else default_kind().make({})
        try:
            service.create(NAME, made)
        except ConfigError:  # a learner that no store can hold
            service.close()
            raise
    model = service.models.by_name[NAME]
    kept = model.champion.learner
    if learner is not None and type(learner) is not type(kept) and kind_of(learner).task != kind_of(kept).task:
        service.close()
        raise ConfigError(
            expected=f"{kind_of(kept).one}, which the store holds",
            got=kind_of(learner).one,
            at=str(path),
            help="Open it without a learner, or choose another file.",
        )
    _check_age(service, learner, kept)
    if learner is not None and not new and (other := _unlike(learner, kept)):
        said = f"{path} goes on with its own learner, which has {other}. Leave the learner out, or choose another file"
        warnings.warn(said, UnlikelyData, stacklevel=2)
    opened: DurableLearner = kept.kind.durable(service, model)
    return opened


def _unlike(given: Any, kept: Any) -> str:
    """Return the settings of the store's learner that are others than those of the one given."""
    if type(given) is not type(kept) or not isinstance(given, Learner):
        return ""
    own, asked = settings_of(kept), settings_of(given)
    return ", ".join(
        f"{name}={own[name]!r}, not {asked[name]!r}" for name in own if repr(own[name]) != repr(asked.get(name))
    )


def _check_age(service: Service, learner: Any, kept: Any) -> None:
    """Close the service and raise ConfigError if a store's learner doesn't forget as the given one does."""
    if not isinstance(learner, Expiring) and (learner is None or not isinstance(kept, Expiring)):
        return
    if isinstance(kept, Expiring) and kept.expires_as(learner):
        return
    service.close()
    raise ConfigError(
        expected=f"{_expiry(kept)}, as the store's learner is",
        got=_expiry(learner),
        at=str(service.path),
        help="Open it without a learner, or let the new one learn in another file.",
    )


def _expiry(learner: Any) -> str:
    """Return how a learner forgets, for a message."""
    if not isinstance(learner, Expiring):
        return "a learner that never expires"
    time = "" if learner.time is None else f", time={learner.time!r}"
    return f"Expiring(max_age={learner.max_age!r}{time})"
