"""Options for replicas, processes that predict for a server."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headwater.errors import ConfigError
from headwater.learner.kind import check_can

__all__ = ["ReplicaOptions", "start_replicas", "states_of_run"]


@dataclass(frozen=True, slots=True)
class ReplicaOptions:
    """Options for replicas.

    Parameters
    ----------
    replicas
        Processes that predict with the default model, on Ray Serve; this one learns. Worth it where a prediction is dear.
    oldest
        Seconds that the state of a replica may be old; beyond, this process predicts.
    address
        Of a Ray cluster that runs already; auto finds one. Without it Ray runs on this machine.
    rounds
        The model of a headwater cluster run, which learns in this server's place: predictions come from the state behind its last
        round, and examples are refused. The store is then FILE.db, unless it is named.
    """

    replicas: int = 0
    oldest: float = 10.0
    address: str | None = None
    rounds: Annotated[Path | None, Parameter(metavar="FILE")] = None

    @property
    def store(self) -> Path | None:
        """The store of a server that doesn't learn."""
        return None if self.rounds is None else Path(f"{self.rounds}.db")

    def check(self, *, learns: bool) -> None:
        """Reject options that conflict with a run that learns elsewhere.

        `learns` is True if the server itself was asked to learn.

        Raises
        ------
        ConfigError
            If a run is named without replicas, or with another source of rows.
        """
        if self.rounds is None or (self.replicas > 0 and not learns):
            return
        raise ConfigError(
            expected="--rounds FILE with --replicas, and nothing else that learns",
            got="--source or --demo" if learns else "no replicas",
            at="headwater serve",
            help="Leave it out." if learns else "Try --replicas 2.",
        )


def start_replicas(state: Any, options: ReplicaOptions) -> Any:
    """Start the replicas with the current default model."""
    if options.replicas < 1:
        return None
    check_can(state.service.models.named(state.default).champion.learner, "cluster", at="--replicas")
    from headwater.cluster.published.replicas import Replicas
    from headwater.cluster.ray import ReplicaPool
    from headwater.cluster.worker import pack

    if options.rounds is not None:
        source = states_of_run(state, options.rounds)
    else:

        def source(seq: int) -> tuple[int, float, Any]:
            model = state.service.models.named(state.default)
            with model.lock:
                return model.seq, time.monotonic(), pack(model.champion.learner) if model.seq != seq else None

    name = state.default
    state.service.note_export(name, state.service.journal.seq, "replicas", f"{options.replicas} of this server")
    pool = ReplicaPool(options.replicas, address=options.address)
    return Replicas(pool, source, oldest=options.oldest, keep=options.rounds is not None)


def states_of_run(state: Any, manifest: Path) -> Any:
    """Return the states of a cluster run for the replicas.

    The default model follows them and rejects examples.

    Raises
    ------
    SourceError
        If the run has written no model yet.
    ConfigError
        If the store's model is another one.
    """
    from headwater.cluster.published.published import RunStates

    states, model = RunStates(manifest), state.service.models.named(state.default)
    if model.task != states.learner.task or model.champion.scores.n:
        other = "has another task" if model.task != states.learner.task else "has learned rows by itself"
        raise ConfigError(
            expected="a store for the run alone",
            got=f"one whose model {model.name} {other}",
            at=str(state.service.path),
            help="Name a new file with --store.",
        )
    state.rounds = str(manifest)

    def source(seq: int) -> tuple[int, float, Any]:
        found = states.newest(seq)
        if model.champion.learner is not states.learner:
            with model.lock:
                model.champion.learner = states.learner
        return found

    return source
