"""``--fleet KEY`` learns one small model per key instead of one for all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.errors import ConfigError, DataError, did_you_mean
from headwater.learner.kind import is_fleet, kind_of
from headwater.streams.readers.dtypes.cells import LARGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.kinds.fleet.base import AnyFleet
    from headwater.streams import Stream
    from headwater.streams.block import Block

__all__ = [
    "AUTO",
    "agree_on_key",
    "as_fleet",
    "check_fleet",
    "check_key",
    "check_named",
    "features_of",
    "is_auto",
    "member_of",
    "watch_keys",
]

AUTO = "auto"
"""What ``--fleet`` says to compare on the first rows, alone or with the column: ``auto:machine``."""


def as_fleet(learner: Any, key: str | None) -> Any:
    """Return a fleet whose members begin as a learner, where a key is given.

    Raises
    ------
    ConfigError
        If the learner is one already, of related series.
    """
    if key is None:
        return learner
    if is_fleet(learner):
        raise ConfigError(
            expected="--key for series that are related, or --fleet for models that know nothing of each other",
            got=f"--key {learner.key} and --fleet {key}",
            at="--fleet",
            help="Leave one of the two out.",
        )
    from headwater.kinds.fleet import Fleet

    return Fleet(learner, key)


def is_auto(key: str) -> bool:
    """Say whether ``--fleet`` leaves it to the first rows whether there is to be a fleet."""
    return key.partition(":")[0] == AUTO


def check_named(key: str | None) -> None:
    """Raise if the key is to be found by comparing, which only files that are learned allow.

    Raises
    ------
    ConfigError
        Saying where it can be.
    """
    if key is not None and is_auto(key):
        raise ConfigError(
            expected="the column of a fleet's key",
            got=f"--fleet {key}",
            at="--fleet",
            help="headwater learn FILE --target COLUMN --fleet auto compares; name here what it has chosen.",
        )


def agree_on_key(known: Any, key: str | None, at: str) -> None:
    """Raise if ``--fleet`` differs from the key of the saved model, which goes on in its own form with ``auto``.

    Raises
    ------
    ConfigError
        Saying what the model has.
    """
    has = known.key if is_fleet(known) else None
    if key is not None and key != has and not is_auto(key):
        holds = f"a model for all rows, as {at} holds" if has is None else f"--fleet {has}, as {at} was made with"
        raise ConfigError(
            expected=holds, got=f"--fleet {key}", at="--fleet", help="Leave the option out, or choose another --model."
        )


def check_key(fleet: AnyFleet, stream: Stream) -> None:
    """Raise if a stream has no column for a fleet's key, or one of dates.

    Raises
    ------
    DataError
        Naming the columns that there are, or what to do.
    """
    stream.look()
    if stream.columns and fleet.key not in stream.columns:
        raise DataError(
            expected=f"the column {fleet.key}, the fleet's key",
            got="no such column",
            at=stream.name,
            help=did_you_mean(fleet.key, stream.columns),
        )
    if stream.reading().get(fleet.key, {}).get("kind") == "date":
        raise DataError(
            expected="keys that are texts or numbers",
            got=f"dates in {fleet.key}",
            at=stream.name,
            help=f"Name another column as the key, or read this one as texts: --text {fleet.key}",
        )


def check_fleet(fleet: AnyFleet, stream: Stream) -> None:
    """Raise if a fleet can't learn a stream.

    Raises
    ------
    ConfigError
        When the key is the answer.
    DataError
        When there is no column for the key.
    """
    if fleet.key == stream.target:
        raise ConfigError(
            expected="a key that is not the answer", got=f"{fleet.key} as both", at="the key", help="Choose another."
        )
    check_key(fleet, stream)
    watch_keys(stream, fleet.key, as_floats=False)
    if not fleet.n_learned:
        _check_zeros(fleet.key, stream)


def watch_keys(stream: Stream, column: str, *, as_floats: bool) -> None:
    """Let a stream refuse a key so long that another one may be the same number.

    Parameters
    ----------
    stream
        The stream, whose files give whole numbers up to 64 bits as int.
    column
        The column of keys.
    as_floats
        Whether the learner takes them as floats, as a memory does.

    Raises
    ------
    DataError
        While rows are read, naming the first such row.
    """

    def watched(blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            for number, x in zip(block.rows, block.X, strict=True):
                key = x.get(column)
                if type(key) in (int, float) and abs(key) > LARGE and _may_be_another(key, as_floats):
                    raise DataError(
                        expected=f"keys in {column} that no two numbers share",
                        got=f"{key}, of more digits than a number has",
                        at=f"row {number} of {stream.name}",
                        help=f"Read them as texts: --text {column}.",
                    )
            yield block

    stream.through(watched)


def _may_be_another(key: float, as_floats: bool) -> bool:
    return type(key) is float or (as_floats and float(key) != key)


def _check_zeros(key: str, stream: Stream) -> None:
    """Raise if keys of the first rows, read as numbers, differ in nothing but zeros in front, as 007 and 7 do.

    Raises
    ------
    DataError
        Naming two of them.
    """
    if stream.reading().get(key, {}).get("kind") != "number":
        return
    written = dict[str, str]()
    for block in stream.look():
        for (cell,) in block.written([key]) or ():
            text = cell.strip()
            other = written.setdefault(text.lstrip("0"), text) if text.isdecimal() else text
            if other != text:
                raise DataError(
                    expected="keys that differ in more than zeros in front",
                    got=f"{other} and {text}, which are one number",
                    at=f"{stream.name}, column {key}",
                    help=f"Read them as texts: --text {key}",
                )


def member_of(learner: Any) -> Any:
    """Return the member of a fleet with the most scored rows, or a new member.

    Other learners are returned as they are.
    """
    if not is_fleet(learner):
        return learner
    key = learner.busiest()
    return learner.first if key is None else learner[key]


def features_of(learner: Any) -> list[str]:
    """Return a learner's feature names as a file has them, with the key of a fleet."""
    member = member_of(learner)
    inner = kind_of(member).own_inputs
    names = [str(feature["name"]) for feature in member.describe()["features"]]
    rolling = getattr(member, "rolling", None)
    added = set(() if rolling is None else rolling.columns)
    own = [name for name in names if not (inner and name.startswith(inner)) and name not in added]
    return [learner.key, *own] if own and is_fleet(learner) else own
