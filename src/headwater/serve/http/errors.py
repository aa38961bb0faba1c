"""Errors of the server, and their HTTP status."""

from __future__ import annotations

from headwater.errors import ConfigError, DataError, HeadwaterError, MissingExtra, StoreError
from headwater.store.journal.requests import ConflictingId, ExpiredId, UnknownId
from headwater.store.service.models import NameTaken, UnknownModel


class Unauthorized(HeadwaterError):
    """Raised for a request without a valid token."""

    code = "token"


class Forbidden(HeadwaterError):
    """Raised for a request that its token or origin doesn't allow."""

    code = "forbidden"


class RateLimited(HeadwaterError):
    """Raised for a client that exceeds its request rate."""

    code = "rate_limited"


class Busy(HeadwaterError):
    """Raised when a queue is full."""

    code = "busy"


class Paused(HeadwaterError):
    """Raised for examples to a paused model."""

    code = "paused"


class LearnsElsewhere(HeadwaterError):
    """Raised for examples to a model that a cluster run learns."""

    code = "learns_elsewhere"


class TooOld(HeadwaterError):
    """Raised when no state is recent enough to predict from."""

    code = "too_old"


class Stopping(HeadwaterError):
    """Raised while a server ends."""

    code = "stopping"


class TooLarge(DataError):
    """Raised for a body beyond the limit."""

    code = "too_large"


class TooSlow(DataError):
    """Raised for headers or a body that did not arrive in time."""

    code = "too_slow"


class HeadTooLarge(DataError):
    """Raised for headers beyond the limit."""

    code = "head_too_large"


class NotFound(DataError):
    """Raised for something that doesn't exist."""

    code = "not_found"


# The first match wins, so subclasses come before their bases.
STATUS: tuple[tuple[type[HeadwaterError], int], ...] = (
    (TooLarge, 413),
    (HeadTooLarge, 431),
    (TooSlow, 408),
    (NotFound, 404),
    (UnknownId, 404),
    (ExpiredId, 410),
    (ConflictingId, 409),
    (UnknownModel, 404),
    (NameTaken, 409),
    (Unauthorized, 401),
    (Forbidden, 403),
    (RateLimited, 429),
    (Busy, 429),
    (Paused, 503),
    (LearnsElsewhere, 409),
    (TooOld, 503),
    (Stopping, 503),
    (MissingExtra, 404),
    (StoreError, 503),
    (DataError, 400),
    (ConfigError, 400),
)


def status_of(error: HeadwaterError) -> int:
    """Return the HTTP status of an error."""
    return next((number for kind, number in STATUS if isinstance(error, kind)), 500)


__all__ = [
    "STATUS",
    "Busy",
    "Forbidden",
    "HeadTooLarge",
    "LearnsElsewhere",
    "NotFound",
    "Paused",
    "RateLimited",
    "Stopping",
    "TooLarge",
    "TooOld",
    "TooSlow",
    "Unauthorized",
    "status_of",
]
