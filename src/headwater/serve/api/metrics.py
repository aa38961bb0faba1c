"""``/metrics`` for Prometheus: what the server counts, its models' scores, and its process, gathered when it is asked."""

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
    """Show everything that is counted, in Prometheus' text format."""
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
    """What is counted of one server."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Yield each metric."""
        state, service = self._state, self._state.service
        yield CounterMetricFamily("headwater_commits", "Group commits since the start.", service.commits)
        for name, what, value in [
            ("headwater_sequence", "The number of the last journaled event.", service.journal.seq),
            ("headwater_queue_events", "Events that wait for a commit.", state.writer.waiting),
            ("headwater_group_seconds", "How long the last group took.", state.writer.learn_s),
            ("headwater_ready", "1 while examples are acknowledged.", service.failure is None),
            ("headwater_pages", "Pages that watch.", state.streams.total()),
            ("headwater_connections", "Open connections.", len(state.connections.open)),
            ("headwater_body_bytes", "Bytes of the bodies of requests at work.", state.bytes_at_work),
        ]:
            yield GaugeMetricFamily(name, what, float(value))
        closed = CounterMetricFamily(
            "headwater_connections_closed", "Connections that the server closed, and why.", labels=["reason"]
        )
        for reason in ("slow", "idle", "evicted", "refused"):
            closed.add_metric([reason], state.connections.closed[reason])
        yield closed
        if state.replicas is not None:
            age, here = state.replicas.age, state.replicas.here
            yield GaugeMetricFamily("headwater_replica_age_seconds", "Age of the state that last predicted.", age)
            yield CounterMetricFamily("headwater_predicted_here", "Requests that no replica could answer.", here)
        yield from _requests(state)
        yield from _models(state)
        if state.following is not None:
            yield from _source(state.following)


def _requests(state: ServerState) -> Iterator[Metric]:
    requests = CounterMetricFamily("headwater_requests", "Requests.", labels=["endpoint", "status"])
    for (name, status), count in sorted(state.measures.requests.items()):
        requests.add_metric([name, str(status)], count)
    seconds = HistogramMetricFamily("headwater_request_seconds", "Seconds that requests took.", labels=["endpoint"])
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
        "Prequential scores over the last thousand rows, and the baselines'.",
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
    """Yield how a followed source goes, from what its follower published last: nobody waits for it."""
    status, names = following.status, [following.model, following.name]
    labels = ["model", "source"]
    state = GaugeMetricFamily("headwater_source_state", "1 for what following does now.", labels=[*labels, "state"])
    for one in State:
        state.add_metric([*names, one], float(one is status.state))
    yield state
    retries = CounterMetricFamily(
        "headwater_source_retries", "Tries in vain: of the source, of a sink, and restarts.", labels=[*labels, "of"]
    )
    for of in RETRIED:
        retries.add_metric([*names, of], status.retries.get(of, 0))
    yield retries
    if status.lag is not None:
        lag = GaugeMetricFamily("headwater_source_lag", "Messages that the source has, not read yet.", labels=labels)
        lag.add_metric(names, status.lag)
        yield lag
    if status.followed is not None:
        yield from _followed(status.followed, names)


def _followed(followed: Followed, names: list[str]) -> Iterator[Metric]:
    labels = ["model", "source"]
    for name, what, value in [
        ("headwater_source_read", "Messages read.", followed.read),
        ("headwater_source_learned", "Rows learned.", followed.learned),
        ("headwater_source_predictions", "Predictions written to be sent.", followed.predictions),
        ("headwater_source_dead_letters", "Refused messages written to be sent.", followed.dead_letters),
    ]:
        counter = CounterMetricFamily(name, what, labels=labels)
        counter.add_metric(names, value)
        yield counter
    for name, what, value in [
        ("headwater_source_unsent", "Predictions and dead letters that their brokers don't have yet.", followed.unsent),
        ("headwater_source_waiting_rows", "Rows that wait for their answer.", followed.waiting),
        ("headwater_source_waiting_answers", "Answers that wait for their row.", followed.early),
    ]:
        gauge = GaugeMetricFamily(name, what, labels=labels)
        gauge.add_metric(names, value)
        yield gauge
    rejects = CounterMetricFamily(
        "headwater_source_rejects", "Messages that were not learned, and why.", labels=[*labels, "reason"]
    )
    for reason, count in followed.counts.items():
        rejects.add_metric([*names, reason], count)
    yield rejects


def _defined(window: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """Yield the scores that are defined by now: whose, which, how much."""
    for who, values in window.items():
        scores: dict[str, float | None] = {} if who == "n" else values
        for name, value in scores.items():
            number = math.nan if value is None else float(value)
            if math.isfinite(number):
                yield who, name, number


__all__ = ["metrics"]
