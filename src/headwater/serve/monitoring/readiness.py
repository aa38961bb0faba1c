"""Whether a server can do what its clients and sources ask of it now, for load balancers and metrics alike."""

from __future__ import annotations

from headwater.errors import HeadwaterError, StoreError
from headwater.serve.http.errors import Stopping, TooOld
from headwater.serve.state import ServerState

__all__ = ["problem"]


def problem(state: ServerState) -> HeadwaterError | None:
    """Return why a server isn't ready, or None if it acknowledges, learns and predicts.

    A store that can't be written or whose file is gone, a writer that ended, a server that stops, replicas whose state is too old, and
    a source that isn't learned from make it unready. A paused model doesn't, since it predicts.
    """
    service, replicas = state.service, state.replicas
    if service.failure is not None:
        return service.failure
    if state.ends():
        return Stopping(expected="a server that stays", got="one that stops", at="server", help="Ask another one.")
    if service.is_lost:
        help_ = "Move it back, or restart the server with a backup."
        return StoreError(expected="the file of the store", got="none", at=str(service.path), help=help_)
    if not state.writer.works:
        return StoreError(expected="a writer", got="none that runs", at=str(service.path), help="Restart the server.")
    if replicas is not None and state.rounds and replicas.newest_age > replicas.oldest:
        return TooOld(
            expected=f"a state of the cluster run that is at most {replicas.oldest:g} s old",
            got=f"one of {replicas.newest_age:.1f} s",
            at=state.rounds,
            help="Start the run again, or allow older states with --oldest.",
        )
    return next(filter(None, (following.problem() for following in state.followings)), None)
