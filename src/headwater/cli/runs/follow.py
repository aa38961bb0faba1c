"""``headwater learn ADDRESS --store FILE`` runs a durable learner that follows a broker."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from headwater.cli.options.declared import settings_of
from headwater.cli.options.fleet import agree_on_key, as_fleet, check_named
from headwater.cli.options.model import ModelOptions
from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import check_writable, followed_how, split_names, without_ids
from headwater.errors import ConfigError, counted
from headwater.learner.kind import Kind, default_kind

__all__ = ["FollowOptions", "learn_into_store"]


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """Options for following a broker with a store.

    Parameters
    ----------
    store
        A store that a broker is followed into, in place of --model: rows and position are on disk before a row is learned.
    predictions
        With --store: the address of a topic or table that predictions go to.
    dead_letters
        With --store: the address of a topic or table that messages go to which can't be used.
    accept_gap
        Go on where the broker no longer has messages that were not read yet; how many is noted.
    begin
        Begin a new follower at the first message at or after this time, such as 2026-11-01T00:00Z.
    """

    store: Path | None = None
    predictions: str | None = None
    dead_letters: str | None = None
    accept_gap: bool = False
    begin: Annotated[str | None, Parameter(metavar="TIME", name="--from")] = None

    @property
    def with_store(self) -> bool:
        """Whether any option needs a store."""
        return any(one is not None for one in (self.store, self.predictions, self.dead_letters))


def accepted(source: tuple[str, ...], follow: FollowOptions | None) -> tuple[str, ...]:
    """Return the sources, read over gaps in a broker's log with ``--accept-gap``, and from a time with ``--from``.

    Raises
    ------
    ConfigError
        If it says so of a file.
    """
    if follow is None:
        return source
    return tuple(followed_how(one, accept_gap=follow.accept_gap, begin=follow.begin) for one in source)


def learn_into_store(
    source: tuple[str, ...],
    follow: FollowOptions,
    besides: dict[str, Any],
    target: str | None,
    kind: Kind | None,
    reading: ReadingOptions,
    options: ModelOptions,
    settings: Any,
    fleet: str | None,
    *,
    as_json: bool,
) -> int:
    """Follow a broker until it is stopped, and print the status of the source and the scores.

    It stops at Ctrl-C, SIGTERM, ``--limit`` or after the silence of ``idle=``.
    """
    from headwater.store.durable import open as open_store

    source = accepted(source, follow)
    check_named(fleet)
    store = _checked(source, follow, besides, needs=target is None and (kind is None or kind.answer.needed))
    old = store.exists() and store.stat().st_size
    learner = None if old else as_fleet(_made(source, target, kind, reading, options, settings), fleet)
    with open_store(store, learner) as opened, _told_to_stop() as told:
        agree_on_key(opened.learner, fleet, at=str(store))
        how: dict[str, Any] = {
            "predictions": follow.predictions,
            "dead_letters": follow.dead_letters,
            "drop": split_names(reading.drop),
            "limit": reading.limit,
        }
        said = opened.learn_from(source[0], target, ends=lambda: bool(told), **how)
        about = {**msgspec.to_builtins(said), "n_learned": opened.n_learned, "scores": opened.scores}
    sys.stdout.write(msgspec.json.encode(about, enc_hook=str).decode() + "\n" if as_json else _sentences(about, store))
    return 130 if signal.SIGINT in told else 0


def _checked(source: tuple[str, ...], follow: FollowOptions, besides: dict[str, Any], *, needs: bool) -> Path:
    """Return the store, and reject options that it can't use."""
    from headwater.streams.brokers.address import is_address

    if follow.store is None:
        raise ConfigError(
            expected="--store FILE with --predictions and --dead-letters",
            got="none",
            at="--predictions" if follow.predictions is not None else "--dead-letters",
            help="Add --store FILE.",
        )
    check_writable(follow.store, "--store")
    if len(source) != 1 or not is_address(source[0]):
        raise ConfigError(
            expected="a broker's address, such as kafka://host/topic",
            got=" ".join(source),
            at="--store",
            help="For files give --model FILE.",
        )
    other = [name for name, value in besides.items() if value]
    if other or needs:
        raise ConfigError(
            expected="--target COLUMN, and none of " + ", ".join(besides),
            got=", ".join(other) or "no --target",
            at=source[0],
            help="headwater learn ADDRESS --target COLUMN --store FILE",
        )
    return follow.store


def _made(
    source: tuple[str, ...],
    target: str | None,
    kind: Kind | None,
    reading: ReadingOptions,
    options: ModelOptions,
    settings: Any,
) -> Any:
    """Return a new learner.

    Without a given task, the first rows decide it and are then read again.
    """
    if kind is not None:
        return options.make(kind.task, **({} if settings is None else settings_of(kind, settings)))
    notes = reading.notes(None, target=target)
    try:
        with reading.open(tuple(map(without_ids, source)), notes, task="auto") as stream:
            task = stream.goal.task if stream.goal else default_kind().task
    except ConfigError as error:
        if error.code != "needs_store":
            raise
        raise ConfigError(
            expected="--task classify or regress for this source",
            got="none",
            at=source[0],
            help="A new model has to know.",
        ) from error
    return options.make(task)


@contextmanager
def _told_to_stop() -> Iterator[list[int]]:
    """Yield a list that records Ctrl-C and SIGTERM, so that a run ends between two commits."""
    told: list[int] = []
    before = {number: signal.signal(number, lambda n, _: told.append(n)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _sentences(about: dict[str, Any], store: Path) -> str:
    from headwater.route.verdict.numbers import figure

    counts = "".join(f"\n  {n:,} × {what}" for what, n in about["counts"].items())
    waiting = f", {about['waiting']:,} rows wait for their answer" if about["waiting"] else ""
    scores = about["scores"]["model"]
    shown = "".join(f"  {name} {figure(value)}" for name, value in scores.items() if isinstance(value, float))
    line = (
        f"{about['source']}: {counted(about['read'], 'message')} read, {about['learned']:,} learned{waiting}.{counts}\n"
    )
    return (
        line
        + (shown.strip() + "\n" if shown else "")
        + f"Kept in {store}, which has learned {counted(about['n_learned'], 'row')}.\n"
    )
