"""``--fleet KEY``: one small model a key in place of one for all rows."""

from __future__ import annotations

from typing import Any

from headwater.errors import ConfigError, DataError, did_you_mean
from headwater.fleet import Fleet
from headwater.streams import Stream

__all__ = ["agree_on_key", "as_fleet", "check_key", "features_of", "member_of"]


def as_fleet(learner: Any, key: str | None) -> Any:
    """Return a fleet whose members begin as a learner, where one is asked for."""
    return learner if key is None else Fleet(learner, key)


def agree_on_key(known: Any, key: str | None, at: str) -> None:
    """Raise when ``--fleet`` says something else than the saved model.

    Raises
    ------
    ConfigError
        Saying what the model has.
    """
    has = known.key if isinstance(known, Fleet) else None
    if key is not None and key != has:
        holds = f"a model for all rows, as {at} holds" if has is None else f"--fleet {has}, as {at} was made with"
        raise ConfigError(
            expected=holds, got=f"--fleet {key}", at="--fleet", help="Leave the option out, or choose another --model."
        )


def check_key(learner: Any, stream: Stream) -> None:
    """Raise when a fleet is to read rows without its key.

    Raises
    ------
    DataError
        Naming the columns that there are.
    """
    if not isinstance(learner, Fleet):
        return
    stream.look()
    if learner.key == stream.target:
        raise ConfigError(
            expected="a key that is not the answer", got=f"{learner.key} as both", at="--fleet", help="Choose another."
        )
    if stream.columns and learner.key not in stream.columns:
        raise DataError(
            expected=f"the column {learner.key}, the fleet's key",
            got="no such column",
            at=stream.name,
            help=did_you_mean(learner.key, stream.columns),
        )


def member_of(learner: Any) -> Any:
    """Return the member of a fleet that was scored on most rows, or what members begin as; another learner itself."""
    if not isinstance(learner, Fleet):
        return learner
    key = learner.busiest()
    return learner.first if key is None else learner[key]


def features_of(learner: Any) -> list[str]:
    """Return the names of the features of a learner; of a fleet the key too."""
    own = [str(feature["name"]) for feature in member_of(learner).describe()["features"]]
    return [learner.key, *own] if own and isinstance(learner, Fleet) else own
