"""Teach a fleet of one process on a cluster: its members go to the shards of their keys, and come back in the end."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from headwater.errors import ConfigError
from headwater.types import Metrics

from .folder import BLOCK
from .run import FleetRun, check_whole, noted_in
from .sharded import ShardedFleet

__all__ = ["learn_fleet"]


def learn_fleet(
    fleet: Any,
    stream: Any,
    target: str | None = None,
    *,
    workers: int = 2,
    block: int | str = "auto",
    engine: str = "ray",
    address: str | None = None,
    manifest: str | Path | None = None,
    window: int = 1000,
    every: int | None = None,
    on_record: Callable[[Metrics], object] | Sequence[Callable[[Metrics], object]] = (),
    **more: Any,
) -> Metrics:
    """Teach a fleet with its keys spread over workers, each of which has the members of its keys.

    No member is merged, so that each is to the bit what one process learns. Options are those of `cluster.Cluster`, without those
    on merging.

    Parameters
    ----------
    fleet : Fleet
        A fleet whose members the core holds. It has all members in the end.
    manifest : path, optional
        Folder of the run, which all nodes reach, to go on from after a crash, also with another number of workers. Without it
        a folder of this machine is used, and removed in the end.

    Returns
    -------
    Metrics
        Metrics at the end.

    Raises
    ------
    ConfigError
        If an option has no meaning for a fleet, or the core can't hold its members.
    """
    rows: Any = BLOCK if block == "auto" else block
    check_whole(workers=workers, block=rows, window=window, every=1 if every is None else every)
    _check(more, engine, address, manifest)
    with ExitStack() as opened_here:
        folder = manifest if manifest is not None else opened_here.enter_context(tempfile.TemporaryDirectory())
        where: Any = False if engine == "local" else address
        sharded = ShardedFleet(fleet.first, fleet.key, folder, shards=workers, address=where, max_keys=fleet.max_keys)
        opened_here.callback(sharded.close)
        if len(sharded.names) != workers:
            sharded.resize(workers)
        if noted_in(sharded) is None:
            sharded.take_members(fleet)
        began = {"refused": fleet.refused, "counts": fleet.counts()}
        run = FleetRun(sharded, block=rows, window=window, began=began)
        calls = (on_record,) if callable(on_record) else tuple(on_record)
        record = run.learn(stream, target, every, calls)
        sharded.fill(fleet, [*fleet.keys(), *run.keys], run.labels, began=run.began)
    return record


def _check(more: Any, engine: Any, address: Any, manifest: Any) -> None:
    """Validate the options of a run."""
    for name, value in more.items():
        raise ConfigError(
            expected="options of a fleet's run: workers, block, engine, address, manifest, window, every or on_record",
            got=f"{name}={value!r}",
            at=f"{name} of cluster.learn",
            help="Leave it out: a key belongs to one worker, and nothing is merged.",
        )
    if engine not in ("local", "ray"):
        raise ConfigError(expected='"ray" or "local"', got=repr(engine), at="engine", help="Choose one of these.")
    if address is not None and manifest is None and engine == "ray":
        raise ConfigError(
            expected="a folder that all nodes reach, where a worker that dies is started again from",
            got="none",
            at="manifest",
            help="Give manifest=FOLDER.",
        )
