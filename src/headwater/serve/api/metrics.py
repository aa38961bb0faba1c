"""The ``/metrics`` address for Prometheus, with counters of the server, models and process."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from headwater.serve.background.following import Following
from headwater.serve.endpoint import Request, Response
from headwater.serve.http.measures import BUCKETS
from headwater.serve.state import ServerState
from headwater.store.sources.status import RETRIED, Followed, State

_KIND = b"text/plain; version=0.0.4; charset=utf-8"


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
        state, service = self._state, self._state.service
        yield CounterMetricFamily("headwater_commits", "Group commits since the start.", service.commits)
        for name, what, value in [
            ("headwater_sequence", "Number of the last journaled event.", service.journal.seq),
            ("headwater_queue_events", "Events that wait for a commit.", state.writer.waiting),
            ("headwater_group_seconds", "Duration of the last group commit.", state.writer.learn_s),
            ("headwater_ready", "1 while examples are acknowledged.", service.failure is None),
            ("headwater_pages", "Connected pages.", state.streams.total()),
            ("headwater_connections", "Open connections.", len(state.connections.open)),
            ("headwater_body_bytes", "Bytes of request bodies in progress.", state.bytes_at_work),
        ]:
            yield GaugeMetricFamily(name, what, float(value))
        closed = CounterMetricFamily(
            "headwater_connections_closed", "Connections closed by the server.", labels=["reason"]
        )
        for reason in ("slow", "idle", "evicted", "refused"):
            closed.add_metric([reason], state.connections.closed[reason])
        yield closed
        if state.replicas is not None:
            age, here = state.replicas.age, state.replicas.here
            yield GaugeMetricFamily("headwater_replica_age_seconds", "Age of the state that last predicted.", age)
            yield CounterMetricFamily("headwater_predicted_here", "Requests answered without a replica.", here)
        yield from _requests(state)
        yield from _models(state)
        if state.following is not None:
            yield from _source(state.following)


def _requests(state: ServerState) -> Iterator[Metric]:
    requests = CounterMetricFamily("headwater_requests", "Requests.", labels=["endpoint", "status"])
    for (name, status), count in sorted(state.measures.requests.items()):
        requests.add_metric([name, str(status)], count)
    seconds = HistogramMetricFamily("headwater_request_seconds", "Duration of requests.", labels=["endpoint"])
    for name, timed in sorted(state.measures.timed.items()):
        ends, below = [*map(str, BUCKETS), "+Inf"], 0
        buckets = []
        for end, count in zip(ends, timed.counts, strict=True):
            below += count
            buckets.append((end, float(below)))
        seconds.add_metric([name], buckets, timed.total)
    yield requests
    yield seconds


def _models(state: ServerState) -> Iterator[Metric]:
    learned = CounterMetricFamily("headwater_learned", "Rows learned by each learner.", labels=["model", "learner"])
    score = GaugeMetricFamily(
        "headwater_score",
        "Prequential metrics of model and baselines over the last thousand rows.",
        labels=["model", "learner", "of", "score"],
    )
    for model in list(state.service.models.by_name.values()):
        with model.lock:
            held = [(one.name, one.learner.n_learned, one.scores.report()) for one in model.learners]
        for name, n, report in held:
            learned.add_metric([model.name, name], n)
            for of, which, value in _defined(report["window"]):
                score.add_metric([model.name, name, of, which], value)
    yield learned
    yield score


def _source(following: Following) -> Iterator[Metric]:
    """Yield the status of a followed source as last published, without waiting."""
    status, names = following.status, [following.model, following.name]
    labels = ["model", "source"]
    state = GaugeMetricFamily("headwater_source_state", "1 for the current state.", labels=[*labels, "state"])
    for one in State:
        state.add_metric([*names, one], float(one is status.state))
    yield state
    retries = CounterMetricFamily(
        "headwater_source_retries", "Failed tries of source and sinks, and restarts.", labels=[*labels, "of"]
    )
    for of in RETRIED:
        retries.add_metric([*names, of], status.retries.get(of, 0))
    yield retries
    if status.lag is not None:
        lag = GaugeMetricFamily("headwater_source_lag", "Unread messages of the source.", labels=labels)
        lag.add_metric(names, status.lag)
        yield lag
    if status.followed is not None:
        yield from _followed(status.followed, names)


def _followed(followed: Followed, names: list[str]) -> Iterator[Metric]:
    labels = ["model", "source"]
    for name, what, value in [
        ("headwater_source_read", "Messages read.", followed.read),
        ("headwater_source_learned", "Rows learned.", followed.learned),
        ("headwater_source_predictions", "Predictions written to the outbox.", followed.predictions),
        ("headwater_source_dead_letters", "Rejected messages written to the outbox.", followed.dead_letters),
    ]:
        counter = CounterMetricFamily(name, what, labels=labels)
        counter.add_metric(names, value)
        yield counter
    for name, what, value in [
        ("headwater_source_unsent", "Predictions and dead letters not sent yet.", followed.unsent),
        ("headwater_source_waiting_rows", "Rows that wait for their label.", followed.waiting),
        ("headwater_source_waiting_answers", "Labels that wait for their row.", followed.early),
    ]:
        gauge = GaugeMetricFamily(name, what, labels=labels)
        gauge.add_metric(names, value)
        yield gauge
    rejects = CounterMetricFamily("headwater_source_rejects", "Messages not learned.", labels=[*labels, "reason"])
    for reason, count in followed.counts.items():
        rejects.add_metric([*names, reason], count)
    yield rejects


def _defined(window: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """Yield the defined metrics as predictor, name and value."""
    for who, values in window.items():
        scores: dict[str, float | None] = {} if who == "n" else values
        for name, value in scores.items():
            number = math.nan if value is None else float(value)
            if math.isfinite(number):
                yield who, name, number


__all__ = ["metrics"]
