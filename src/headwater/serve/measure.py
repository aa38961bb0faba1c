"""``/metrics`` in Prometheus' text format, written from the server's counts when it is asked."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .endpoint import Answer, Call

if TYPE_CHECKING:
    from .hub import Hub

_KIND = b"text/plain; version=0.0.4; charset=utf-8"


async def metrics(call: Call) -> Answer:
    """Show everything that is counted."""
    return Answer("".join(f"{line}\n" for line in _lines(call.hub)).encode(), kind=_KIND)


def _lines(hub: Hub) -> Iterator[str]:
    service = hub.service
    yield from _one("headwater_up_seconds", "gauge", "Seconds since the start.", time.time() - hub.started)
    yield from _one("headwater_sequence", "gauge", "The number of the last journaled event.", service.journal.seq)
    yield from _one("headwater_commits", "gauge", "Group commits since the start.", service.commits)
    yield from _one("headwater_queue_events", "gauge", "Events that wait for a commit.", hub.writer.waiting)
    yield from _one("headwater_group_seconds", "gauge", "How long the last group took.", hub.writer.learn_s)
    yield from _one("headwater_ready", "gauge", "1 while examples are acknowledged.", int(service.failure is None))
    yield from _one("headwater_pages", "gauge", "Pages that watch.", hub.streams)
    yield from _head("headwater_requests_total", "counter", "Requests by endpoint and status.")
    for (name, status), count in sorted(hub.measures.requests.items()):
        yield f'headwater_requests_total{{endpoint="{name}",status="{status}"}} {count}'
    yield from _head("headwater_request_seconds_total", "counter", "Seconds spent in requests.")
    for name, seconds in sorted(hub.measures.seconds.items()):
        yield f'headwater_request_seconds_total{{endpoint="{name}"}} {seconds:.6f}'
    yield from _models(hub)


def _models(hub: Hub) -> Iterator[str]:
    yield from _head("headwater_learned_total", "counter", "Rows learned by each learner.")
    scores: list[tuple[str, dict[str, Any]]] = []
    for model in list(hub.service.models.by_name.values()):
        with model.turns.turn():
            for member in model.members:
                where = f'model="{model.name}",learner="{member.name}"'
                yield f"headwater_learned_total{{{where}}} {member.learner.n_learned}"
                scores.append((where, member.scores.report()))
    yield from _head("headwater_score", "gauge", "Prequential scores over the last thousand rows, and the baselines'.")
    for where, report in scores:
        for who, name, value in _defined(report["window"]):
            yield f'headwater_score{{{where},of="{who}",score="{name}"}} {value:.6g}'


def _defined(window: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """Yield the scores that are defined by now: whose, which, how much."""
    for who, values in window.items():
        scores: dict[str, float | None] = {} if who == "n" else values
        for name, value in scores.items():
            number = math.nan if value is None else float(value)
            if math.isfinite(number):
                yield who, name, number


def _one(name: str, kind: str, about: str, value: float) -> Iterator[str]:
    yield from _head(name, kind, about)
    yield f"{name} {float(value):.6f}"


def _head(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


__all__ = ["metrics"]
