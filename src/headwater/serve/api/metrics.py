"""``/metrics`` for Prometheus: what the server counts, its models' scores, and its process, gathered when it is asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from headwater.serve.endpoint import Request, Response
from headwater.serve.http.measures import BUCKETS
from headwater.serve.state import ServerState

_KIND = b"text/plain; version=0.0.4; charset=utf-8"


async def metrics(request: Request) -> Response:
    """Show everything that is counted, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Server(request.state))
    ProcessCollector(registry=registry)
    return Response(generate_latest(registry), kind=_KIND)


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


def _defined(window: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """Yield the scores that are defined by now: whose, which, how much."""
    for who, values in window.items():
        scores: dict[str, float | None] = {} if who == "n" else values
        for name, value in scores.items():
            number = math.nan if value is None else float(value)
            if math.isfinite(number):
                yield who, name, number


__all__ = ["metrics"]
