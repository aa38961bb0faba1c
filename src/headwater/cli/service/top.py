"""``headwater top`` shows in the terminal how a running server stands, from its ``/metrics``."""

from __future__ import annotations

import os
import time
import urllib.request
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.error import URLError

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from headwater.errors import ConfigError, MissingExtra

__all__ = ["Sample", "drawn", "read_sample", "top"]

_TIMEOUT_S = 10.0
_STANDING = {1.0: "ahead", 0.0: "even", -1.0: "behind"}
Labels = tuple[tuple[str, str], ...]


@dataclass
class Sample:
    """The metrics of a server at one moment, by name and labels."""

    at: float
    values: dict[str, dict[Labels, float]] = field(default_factory=lambda: defaultdict(dict))

    def of(self, name: str, **labels: str) -> float | None:
        """Return the sum of the values that have these labels, or None if there is none."""
        wanted = set(labels.items())
        found = [value for own, value in self.values.get(name, {}).items() if wanted <= set(own)]
        return sum(found) if found else None

    def labels(self, name: str, *wanted: str) -> list[tuple[str, ...]]:
        """Return the values of some labels, each combination once, in order."""
        return sorted({tuple(dict(own)[label] for label in wanted) for own in self.values.get(name, {})})


def top(address: str = "http://127.0.0.1:8080", /, *, every: float = 2.0, once: bool = False, token: str = "") -> int:
    """Show how a running server stands, until Ctrl-C.

    Parameters
    ----------
    address
        Of the server.
    every
        Seconds between two looks.
    once
        Look once, and print what is there.
    token
        A token of scope read, for a server that asks for one; better in HEADWATER_TOKEN, where other users can't read it.
    """
    own, console = token or os.environ.get("HEADWATER_TOKEN", ""), Console()
    before = read_sample(address, own)
    if once or not console.is_terminal:
        console.print(drawn(before, before))
        return 0
    with Live(drawn(before, before), console=console, auto_refresh=False, screen=True) as live:
        while True:
            time.sleep(every)
            now = read_sample(address, own)
            live.update(drawn(now, before), refresh=True)
            before = now


def read_sample(address: str, token: str = "") -> Sample:
    """Return the current metrics of a server.

    Raises
    ------
    ConfigError
        If there is no such server, or it refuses.
    """
    try:
        from prometheus_client.parser import text_string_to_metric_families
    except ImportError as error:
        raise MissingExtra(package="prometheus-client", extra="serve", at="headwater top") from error
    if not address.startswith(("http://", "https://")):
        raise ConfigError(
            expected="http:// or https://", got=address, at="headwater top", help="Try http://localhost:8080."
        )
    request = urllib.request.Request(f"{address.rstrip('/')}/metrics")
    if token:
        request.add_header("authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            text = response.read().decode()
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)  # of an answer a text, of a connection an OSError
        why = str(getattr(reason, "strerror", None) or reason).lower()
        help_ = "Is headwater serve running there? With tokens, set HEADWATER_TOKEN."
        raise ConfigError(expected="a server's metrics", got=why, at=address, help=help_) from error
    sample = Sample(time.monotonic())
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            sample.values[one.name][tuple(sorted(one.labels.items()))] = one.value
    return sample


def drawn(now: Sample, before: Sample) -> Group:
    """Return tables of the server, its models and its sources, with rates since the sample before."""
    tables = [_server(now, before), _models(now, before)]
    if now.labels("headwater_source_read_total", "source"):
        tables.append(_sources(now, before))
    return Group(*tables)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for i, name in enumerate(columns):
        table.add_column(name, justify="right" if i else "left")
    return table


def _server(now: Sample, before: Sample) -> Table:
    ready = "ready" if now.of("headwater_ready") else "NOT READY"
    names = "version", "requests/s", "errors/s", "refused/s", "commit ms", "snapshot age s", "memory MB", "store MB"
    table = _table(f"headwater · {ready}", *names)
    errors = [_rate(now, before, "headwater_requests_total", status=str(code)) for code in (500, 503)]
    mean = _ratio(now, before, "headwater_commit_seconds_sum", "headwater_commit_seconds_count")
    table.add_row(
        next((one for (one,) in now.labels("headwater_info", "version")), "–"),
        _number(_rate(now, before, "headwater_requests_total")),
        _number(sum(error or 0.0 for error in errors)),
        _number(_rate(now, before, "headwater_refused_total")),
        _number(None if mean is None else 1e3 * mean),
        _number(now.of("headwater_snapshot_age_seconds")),
        _number(_scaled(now.of("process_resident_memory_bytes"))),
        _number(_scaled(now.of("headwater_store_bytes"))),
    )
    return table


def _models(now: Sample, before: Sample) -> Table:
    led = bool(now.values.get("headwater_lead"))
    leads = ("lead (95 %)",) if led else ()
    names = "model", "learner", "rows", "rows/s", "score", "model", "baseline", *leads, "standing", "drift at"
    table = _table("models", *names)
    for model, learner in now.labels("headwater_learned_total", "model", "learner"):
        of = {"model": model, "learner": learner}
        name, own, best = _score(now, of)
        standing = now.of("headwater_standing", **of, output="")
        table.add_row(
            model + (" (paused)" if now.of("headwater_paused", model=model) else ""),
            learner,
            _number(now.of("headwater_learned_total", **of)),
            _number(_rate(now, before, "headwater_learned_total", **of)),
            name,
            _number(own),
            _number(best),
            *((_lead(now, of),) if led else ()),
            "–" if standing is None else _STANDING.get(standing, "–"),
            _number(now.of("headwater_drift_row", **of)),
        )
    return table


def _sources(now: Sample, before: Sample) -> Table:
    table = _table("sources", "source", "model", "state", "rows/s", "lag", "age s", "rejects", "dead letters", "unsent")
    for model, source in now.labels("headwater_source_read_total", "model", "source"):
        of = {"model": model, "source": source}
        states = now.values["headwater_source_state"].items()
        state = next((dict(own)["state"] for own, on in states if on and dict(own)["source"] == source), "–")
        table.add_row(
            source,
            model,
            state,
            _number(_rate(now, before, "headwater_source_read_total", **of)),
            _number(now.of("headwater_source_lag", **of)),
            _number(now.of("headwater_source_age_seconds", **of)),
            _number(now.of("headwater_source_rejects_total", **of)),
            _number(now.of("headwater_source_dead_letters_total", **of)),
            _number(now.of("headwater_source_unsent", **of)),
        )
    return table


def _score(now: Sample, of: Mapping[str, str]) -> tuple[str, float | None, float | None]:
    """Return the name of the first metric, the model's and the best baseline's."""
    for own in now.values.get("headwater_primary", {}):
        if of.items() <= (labels := dict(own)).items():
            model, best = (now.of("headwater_primary", **of, of=whose) for whose in ("model", "best baseline"))
            return labels["score"], model, best
    return "–", None, None


def _lead(now: Sample, of: Mapping[str, str]) -> str:
    """Return by how much a challenger is better than the champion, with its interval."""
    value, low, high = (now.of("headwater_lead", **of, of=name) for name in ("value", "low", "high"))
    return "–" if value is None else f"{_number(value)} ({_number(low)} to {_number(high)})"


def _rate(now: Sample, before: Sample, name: str, **labels: str) -> float | None:
    after, earlier = now.of(name, **labels), before.of(name, **labels)
    took = now.at - before.at
    return None if after is None or took <= 0 else max(after - (earlier or 0.0), 0.0) / took


def _ratio(now: Sample, before: Sample, above: str, below: str) -> float | None:
    """Return the mean since the sample before, or since the start where nothing came since."""
    sums, counts = [[sample.of(name) or 0.0 for sample in (now, before)] for name in (above, below)]
    if counts[0] > counts[1]:
        return (sums[0] - sums[1]) / (counts[0] - counts[1])
    return sums[0] / counts[0] if counts[0] else None


def _scaled(value: float | None) -> float | None:
    return None if value is None else value / 1e6


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"
