"""What the server refuses, and the HTTP status of each error."""

from __future__ import annotations

from headwater.errors import ConfigError, DataError, HeadwaterError, MissingExtra, StoreError
from headwater.store.journal.requests import ConflictingId, ExpiredId, UnknownId
from headwater.store.service.models import NameTaken, UnknownModel


class Unauthorized(HeadwaterError):
    """Report a request without a valid token."""

    code = "token"


class Forbidden(HeadwaterError):
    """Report a request that its token, or its origin, does not allow."""

    code = "forbidden"


class RateLimited(HeadwaterError):
    """Report a client that sends more requests than it may."""

    code = "rate_limited"


class Busy(HeadwaterError):
    """Report a queue that is full."""

    code = "busy"


class Paused(HeadwaterError):
    """Report a model that takes no examples for now."""

    code = "paused"


class LearnsElsewhere(HeadwaterError):
    """Report examples for a model that a cluster run learns."""

    code = "learns_elsewhere"


class TooOld(HeadwaterError):
    """Report that no state is new enough to predict from."""

    code = "too_old"


class TooLarge(DataError):
    """Report a body beyond the limit."""

    code = "too_large"


class TooSlow(DataError):
    """Report a body that did not come in time."""

    code = "too_slow"


class HeadTooLarge(DataError):
    """Report a request line with headers beyond the limit."""

    code = "head_too_large"


class NotFound(DataError):
    """Report something that is not there."""

    code = "not_found"


# The first that fits counts, so a subclass stands before its base.
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
    "TooLarge",
    "TooOld",
    "TooSlow",
    "Unauthorized",
    "status_of",
]
