"""OpenTelemetry traces of requests, an extra (``pip install 'headwater[otel]'``).

A request's span continues the trace that its ``traceparent`` names (W3C Trace Context). The response carries the span's own, so
that both sides of a call are in one trace.
"""

from __future__ import annotations

from typing import Any

from headwater.errors import MissingExtra
from headwater.errors._version import own_version

__all__ = ["Traced", "provider_for"]

_NOT_TRACED = {"/health/live", "/health/ready", "/metrics", "/events"}
"""Addresses that are asked every few seconds, or never end."""
_ENDPOINT = "/v1/traces"


def provider_for(address: str) -> Any:
    """Return a provider of tracers that sends spans to an OTLP collector, such as ``http://localhost:4318``, or None for "".

    Raises
    ------
    MissingExtra
        If OpenTelemetry is not installed.
    """
    if not address:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingExtra(package="opentelemetry-sdk", extra="otel", at="--traces") from error
    about = {"service.name": "headwater", "service.version": own_version()}
    provider = TracerProvider(resource=Resource.create(about))
    endpoint = address if address.endswith(_ENDPOINT) else address.rstrip("/") + _ENDPOINT
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider


class Traced:
    """ASGI middleware that makes a span of each request.

    Parameters
    ----------
    app
        The application.
    provider
        An OpenTelemetry ``TracerProvider``. It is shut down, with what it holds sent, when the application ends.
    """

    def __init__(self, app: Any, provider: Any) -> None:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._app, self._provider, self._kind = app, provider, SpanKind.SERVER
        self._tracer, self._context = provider.get_tracer("headwater.serve"), TraceContextTextMapPropagator()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            self._provider.shutdown()
        elif scope["path"] in _NOT_TRACED:
            await self._app(scope, receive, send)
        else:
            await self._trace(scope, receive, send)

    async def _trace(self, scope: Any, receive: Any, send: Any) -> None:
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        about = {"http.request.method": scope["method"], "url.path": scope["path"]}
        how = {"context": self._context.extract(carrier), "kind": self._kind, "attributes": about}
        with self._tracer.start_as_current_span(scope["method"], **how) as span:

            async def sent(message: Any) -> None:
                if message["type"] == "http.response.start":
                    self._finish(span, scope, message)
                await send(message)

            await self._app(scope, receive, sent)

    def _finish(self, span: Any, scope: Any, message: Any) -> None:
        """Note the response in the span, and the span in the response."""
        span.set_attribute("http.response.status_code", message["status"])
        if message["status"] >= 500:
            span.set_attribute("error.type", str(message["status"]))
        route = _route(scope)
        span.set_attribute("http.route", route)
        span.update_name(f"{scope['method']} {route}")
        own: dict[str, str] = {}
        self._context.inject(own)
        message["headers"] = [*message["headers"], *((name.encode(), value.encode()) for name, value in own.items())]


def _route(scope: Any) -> str:
    """Return the path with the names of its parameters for their values."""
    route = str(scope["path"])
    for name, value in scope.get("path_params", {}).items():
        route = route.replace(f"/{value}", f"/{{{name}}}", 1)
    return route
