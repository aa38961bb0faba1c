"""Limit the rows of a stream by skip, limit and the allowed share of rejected rows."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.errors import ConfigError, DataError
from headwater.streams.block import Block
from headwater.streams.files.rejects import Rejects

__all__ = ["ALLOWED", "check_limits", "from_row", "stop_where_unusable"]

ALLOWED = 0.2  # maximum share of unusable rows
_FIRST = 1_000  # rows before the share is checked, unless the stream ends earlier


def check_limits(skip: int, limit: int | None, share: float, skip_lines: int | None = None) -> None:
    """Validate the limits.

    Raises
    ------
    ConfigError
        Naming the option.
    """
    if skip < 0 or (limit is not None and limit < 1):
        name, value = ("--skip", skip) if skip < 0 else ("--limit", limit)
        raise ConfigError(
            expected="at least 1 row" if name == "--limit" else "at least 0 rows",
            got=str(value),
            at=name,
            help="Give a whole number.",
        )
    if skip_lines is not None and skip_lines < 0:
        raise ConfigError(
            expected="0 lines or more", got=str(skip_lines), at="--skip-lines", help="Give a whole number."
        )
    if not 0 <= share <= 1:
        raise ConfigError(
            expected="a share between 0 and 1", got=f"{share:g}", at="--allow-rejects", help="Give 0.5 for a half."
        )


def from_row(blocks: Iterator[Block], skip: int, limit: int | None) -> Iterator[Block]:
    """Yield the rows after the first `skip`, at most `limit` of them.

    Examples
    --------
    >>> block = Block(X=[{"a": 1}, {"a": 2}, {"a": 3}], y=[1, 2, 3], rows=range(1, 4))
    >>> [block.y for block in from_row(iter([block]), 1, 1)]
    [[2]]
    """
    last = None if limit is None else skip + limit
    for block in blocks:
        kept = [i for i, row in enumerate(block.rows) if row > skip and (last is None or row <= last)]
        if len(kept) == len(block):
            yield block
        elif kept:
            yield block.picked(kept)
        if last is not None and len(block) and block.rows[-1] >= last:
            return


def stop_where_unusable(
    blocks: Iterator[Block],
    rejects: Rejects,
    share: float,
    *,
    target: str | None,
    at: str,
    live: bool = False,
    gaps: bool = False,
) -> Iterator[Block]:
    """Yield blocks, and stop if too many of all rows or of the first thousand are unusable.

    A row is unusable if it can't be read, or its label is of another kind, or unknown where that is no gap of a series.

    Raises
    ------
    DataError
        With the most frequent reason, its column and its first line.
    """
    used = unknown = first = 0
    held: list[
        Block
    ] = []  # unless they trickle in, none of the first thousand rows is handed on before all are looked at
    for block in blocks:
        labeled = target is not None and not gaps
        missing = [i for i, y in enumerate(block.y) if y is None or y != y] if labeled else ()
        first = first or (block.line(missing[0]) if missing else 0)
        used, unknown = used + len(block) - len(missing), unknown + len(missing)
        if used + unknown + rejects.total >= _FIRST:
            _check(used, unknown, first, rejects, share, target=target, at=at)
            yield from held
            held = []
            yield block
        elif live:
            yield block
        else:
            held.append(block)
    _check(used, unknown, first, rejects, share, target=target, at=at)
    yield from held


def _check(used: int, unknown: int, first: int, rejects: Rejects, share: float, *, target: str | None, at: str) -> None:
    lost = unknown + rejects.total
    if not lost or lost <= share * (used + lost):
        return
    reasons = dict(rejects.counts)
    places: dict[str, list[int | str]] = dict(rejects.places)
    if unknown:
        reasons["the answer is missing"], places["the answer is missing"] = unknown, [first]
    reason = max(reasons, key=lambda name: reasons[name])
    column = f", column {target}" if target is not None and ("target" in reason or "answer" in reason) else ""
    raise DataError(
        expected=f"at most {share:.0%} of the rows left out".replace("%", " %"),
        got=f"{lost:,} of {used + lost:,} ({reasons[reason]:,} × {reason})",
        at=f"{at}{column}, first in line {places[reason][0]}",
        help="Look at them with --rejects FILE; --allow-rejects 1 goes on without them.",
        code="too_many_rejects",
    )
