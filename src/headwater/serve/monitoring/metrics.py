"""The ``/metrics`` address for Prometheus, with counters of the server, models and process."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from headwater.errors._version import own_version
from headwater.route.verdict.verdict import best_baseline, state_of
from headwater.serve.background.following import Following
from headwater.serve.endpoint import Request, Response
from headwater.serve.monitoring.guard import Guard
from headwater.serve.monitoring.measures import BUCKETS
from headwater.serve.monitoring.readiness import problem
from headwater.serve.state import ServerState
from headwater.store.service.model import LearnerState, Model
from headwater.store.service.price import bytes_held
from headwater.store.sources.status import RETRIED, State, Status
from headwater.types import Comparison, Scores, Span

_KIND = b"text/plain; version=0.0.4; charset=utf-8"
_STANDING = {"ahead": 1.0, "even": 0.0, "behind": -1.0}


async def metrics(request: Request) -> Response:
    """Return all metrics in Prometheus' text format."""
    state = request.state
    return Response(
        await state.published.once("metrics", lambda: state.lookers.run(partial(_written, state))), kind=_KIND
    )


def _written(state: ServerState) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Server(state))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Server(Collector):
    """Prometheus collector of one server."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Yield each metric."""
        state = self._state
        about = GaugeMetricFamily("headwater_info", "1, with the version as a label.", labels=["version"])
        about.add_metric([own_version()], 1.0)
        yield about
        yield from _server(state)
        yield from _store(state)
        yield from _requests(state)
        yield from _models(list(state.service.models.by_name.values()))
        if state.guard is not None:
            yield from _guard(state.guard, list(state.service.models.by_name.values()))
        if state.followings:
            yield from _sources(state.followings)


def _server(state: ServerState) -> Iterator[Metric]:
    for name, what, value in [
        (
            "headwater_ready",
            "1 while examples are acknowledged and learned, as /health/ready says.",
            not problem(state),
        ),
        ("headwater_queue_events", "Events that wait for a commit.", state.writer.waiting),
        ("headwater_pages", "Connected pages.", state.streams.total()),
        ("headwater_connections", "Open connections.", len(state.connections.open)),
        ("headwater_body_bytes", "Bytes of request bodies in progress.", state.bytes_at_work),
    ]:
        yield GaugeMetricFamily(name, what, float(value))
    closed = CounterMetricFamily("headwater_connections_closed", "Connections closed by the server.", labels=["reason"])
    for reason in ("slow", "idle", "evicted", "refused"):
        closed.add_metric([reason], state.connections.closed[reason])
    yield closed
    if state.replicas is not None:
        age, here = state.replicas.age, state.replicas.here
        yield GaugeMetricFamily("headwater_replica_age_seconds", "Age of the state that last predicted.", age)
        yield CounterMetricFamily("headwater_predicted_here", "Requests answered without a replica.", here)


def _store(state: ServerState) -> Iterator[Metric]:
    service = state.service
    yield CounterMetricFamily("headwater_commits", "Group commits since the start.", service.commits)
    seconds = HistogramMetricFamily("headwater_commit_seconds", "Duration of group commits, with learning.")
    seconds.add_metric([], _buckets(service.commit_counts), service.commit_s)
    yield seconds
    for name, what, value in [
        ("headwater_sequence", "Number of the last journaled event.", service.journal.seq),
        ("headwater_group_seconds", "Duration of the last group commit.", state.writer.learn_s),
        ("headwater_replay_events", "Events that a start after a crash would replay.", service.replayed),
        ("headwater_maintenance_failed", "1 after a failed snapshot or pruning.", service.snapshot_failure is not None),
    ]:
        yield GaugeMetricFamily(name, what, float(value))
    if service.snapshot_at:
        age = max(time.time() - service.snapshot_at, 0.0)
        yield GaugeMetricFamily("headwater_snapshot_age_seconds", "Time since the last snapshot.", age)
    size = GaugeMetricFamily("headwater_store_bytes", "Size of the store's files.", labels=["file"])
    for file, path in (("store", service.path), ("log", Path(f"{service.path}-wal"))):
        with suppress(OSError):  # it may be removed meanwhile
            size.add_metric([file], path.stat().st_size)
    yield size


def _requests(state: ServerState) -> Iterator[Metric]:
    requests = CounterMetricFamily("headwater_requests", "Requests.", labels=["endpoint", "status"])
    for (name, status), count in sorted(state.measures.requests.items()):
        requests.add_metric([name, str(status)], count)
    refused = CounterMetricFamily("headwater_refused", "Rejected requests.", labels=["endpoint", "code"])
    for (name, code), count in sorted(state.measures.codes.items()):
        refused.add_metric([name, code], count)
    seconds = HistogramMetricFamily("headwater_request_seconds", "Duration of requests.", labels=["endpoint"])
    for name, timed in sorted(state.measures.timed.items()):
        seconds.add_metric([name], _buckets(timed.counts), timed.total)
    yield requests
    yield refused
    yield seconds


def _buckets(counts: Sequence[int]) -> list[tuple[str, float]]:
    """Return the cumulative buckets of a histogram."""
    ends, below, out = [*map(str, BUCKETS), "+Inf"], 0, []
    for end, count in zip(ends, counts, strict=True):
        below += count
        out.append((end, float(below)))
    return out


def _models(models: list[Model]) -> Iterator[Metric]:
    of = ["model", "learner"]
    families: dict[str, Any] = {"learned": CounterMetricFamily("headwater_learned", "Rows learned.", labels=of)}
    for name, what, labels in [
        ("paused", "1 while a model takes no examples.", of[:1]),
        ("model_bytes", "Approximate memory of each learner.", of),
        ("drift_row", "Row of the last detected drift, 0 before the first.", of),
        ("score", "Metrics of model and baselines over the last thousand rows.", [*of, "of", "score"]),
        (
            "primary",
            "First metric over the last thousand rows, of the model and its best baseline.",
            [*of, "of", "score"],
        ),
        ("interval", "Ends of the 95 % interval of a metric over the last thousand rows.", [*of, "end", "score"]),
        ("lead", "How much a challenger is better than the champion lately, with its 95 % interval.", [*of, "of"]),
        ("standing", "1 if lately ahead of the best baseline, 0 if even, -1 if behind.", [*of, "output"]),
    ]:
        families[name] = GaugeMetricFamily(f"headwater_{name}", what, labels=labels)
    for model in models:
        families["paused"].add_metric([model.name], float(model.paused))
        for state in list(model.learners):
            _add(families, model, state)
    yield from families.values()


def _add(families: dict[str, Any], model: Model, state: LearnerState) -> None:
    """Add the metrics of one learner."""
    labels = [model.name, state.name]
    with model.lock:
        learned, size, drift, scores, compared = _read(state)
        spread, metric = state.scores.spread(window=True), next(iter(state.scores.names), "")
    families["learned"].add_metric(labels, learned)
    families["model_bytes"].add_metric(labels, size)
    families["drift_row"].add_metric(labels, drift)
    for who, name, value in _defined(scores):
        families["score"].add_metric([*labels, who, name], value)
    for one in compared:
        if found := state_of(one, one.recent):
            families["standing"].add_metric([*labels, one.output], _STANDING[found])
    for whose, value in _primary(metric, scores, compared):
        families["primary"].add_metric([*labels, whose, metric], value)
    if spread is not None:  # computed without the lock
        for end, value in zip(("low", "high"), spread.interval() or (), strict=False):
            families["interval"].add_metric([*labels, end, metric], value)
        lead = None if state.champion else spread.lead()
        for name in ("value", "low", "high") if lead is not None else ():
            families["lead"].add_metric([*labels, name], getattr(lead, name))


def _primary(metric: str, scores: dict[str, Scores], compared: Sequence[Comparison]) -> Iterator[tuple[str, float]]:
    """Yield the first metric of a model, and that of its best baseline, where they are known."""
    value = scores["model"].get(metric, math.nan)
    if not math.isfinite(value):
        return
    yield "model", value
    same = [one for one in compared if one.metric == metric]
    if same:
        guesses = {who: own[metric] for who, own in scores.items() if who != "model" and metric in own}
        span = same[0].recent if len(compared) == 1 else Span(same[0].recent.n, value, guesses)
        if best := best_baseline(same[0], span):
            yield "best baseline", span.guesses[best]


def _guard(guard: Guard, models: list[Model]) -> Iterator[Metric]:
    labels = ["model", "action"]
    alarms = CounterMetricFamily("headwater_guard_alarms", "Alarms of the guard since the start.", labels=labels)
    tripped = GaugeMetricFamily("headwater_guard_tripped", "1 while a model is held to be behind.", labels=labels)
    evidence = GaugeMetricFamily(
        "headwater_guard_evidence", "Evidence that a model is behind, of which an alarm needs 1.", labels=["model"]
    )
    for model in models:
        watched = guard.by_model.get(model.id)
        if watched is not None:
            alarms.add_metric([model.name, guard.action], watched.alarms)
            tripped.add_metric([model.name, guard.action], float(watched.last is not None))
            evidence.add_metric([model.name], min(watched.behind.value / watched.behind.rows, 1.0))
    yield from (alarms, tripped, evidence)


def _read(state: LearnerState) -> tuple[int, int, float, dict[str, Scores], tuple[Comparison, ...]]:
    """Return rows learned, bytes held, the last drift, and the metrics of the window, whose model is locked."""
    scores = state.scores
    marks = scores.history().get("drift", [])
    found = state.learner.n_learned, bytes_held(state.learner), marks[-1] if marks else 0
    return (*found, scores.scores(window=True), scores.comparisons())


def _sources(followings: Sequence[Following]) -> Iterator[Metric]:
    """Yield the status of each followed source as last published, without waiting."""
    labels = ["model", "source"]
    states = GaugeMetricFamily("headwater_source_state", "1 for the current state.", labels=[*labels, "state"])
    retries = CounterMetricFamily(
        "headwater_source_retries", "Failed tries of source and sinks, and restarts.", labels=[*labels, "of"]
    )
    rejects = CounterMetricFamily("headwater_source_rejects", "Messages not learned.", labels=[*labels, "reason"])
    families: dict[str, Any] = {}
    for following in followings:
        status, names = following.status, [following.model, following.name]
        for one in State:
            states.add_metric([*names, one], float(one is status.state))
        for of in RETRIED:
            retries.add_metric([*names, of], status.retries.get(of, 0))
        for reason, count in ({} if status.followed is None else status.followed.counts).items():
            rejects.add_metric([*names, reason], count)
        for kind, name, what, value in _measured(status):
            if name not in families:
                families[name] = kind(name, what, labels=labels)
            families[name].add_metric(names, value)
    yield from (states, retries, *families.values(), rejects)


def _measured(status: Status) -> Iterator[tuple[Any, str, str, float]]:
    """Yield kind, name, meaning and value of each figure of a source that is known."""
    for name, what, value in [
        ("headwater_source_lag", "Unread messages of the source.", status.lag),
        ("headwater_source_age_seconds", "Time since the last learned message was sent.", _age(status.newest)),
    ]:
        if value is not None:
            yield GaugeMetricFamily, name, what, value
    followed = status.followed
    if followed is None:
        return
    for name, what, value in [
        ("headwater_source_read", "Messages read.", followed.read),
        ("headwater_source_learned", "Rows learned.", followed.learned),
        ("headwater_source_predictions", "Predictions written to the outbox.", followed.predictions),
        ("headwater_source_dead_letters", "Rejected messages written to the outbox.", followed.dead_letters),
    ]:
        yield CounterMetricFamily, name, what, value
    for name, what, value in [
        ("headwater_source_unsent", "Predictions and dead letters not sent yet.", followed.unsent),
        ("headwater_source_waiting_rows", "Rows that wait for their label.", followed.waiting),
        ("headwater_source_waiting_answers", "Labels that wait for their row.", followed.early),
    ]:
        yield GaugeMetricFamily, name, what, value


def _age(since: float) -> float | None:
    return max(time.time() - since, 0.0) if since else None


def _defined(window: dict[str, Scores]) -> Iterator[tuple[str, str, float]]:
    """Yield the defined metrics as predictor, name and value."""
    for who, values in window.items():
        for name, value in values.items():
            if math.isfinite(value):
                yield who, name, float(value)


__all__ = ["metrics"]
