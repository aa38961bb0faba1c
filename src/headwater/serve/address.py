"""One address of the API: from the table of these the routes, the access rules and ``/openapi.json`` are made."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.serve.endpoint import Handler
from headwater.serve.http.costs import Cost


@dataclass(frozen=True, slots=True)
class Address:
    """One row of the table.

    Parameters
    ----------
    method, path, handler
        The HTTP method, the path, and the function that answers.
    cost
        What one request may take.
    scope
        The scope that a token must have; None for what anyone may see.
    takes
        The schema of the request's body.
    many
        Whether a list, or lines (NDJSON), may come in its place.
    gives
        The media type of the response.
    status
        Its status on success.
    query
        Parameters of the query.
    """

    method: str
    path: str
    handler: Handler
    cost: Cost
    scope: str | None = "read"
    takes: str = ""
    many: bool = False
    gives: str = "application/json"
    status: int = 200
    query: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The operation's name: of its handler and, where two share it, of its address."""
        where = "_model" if self.path.startswith("/models/{model}/") else ""
        return f"{self.handler.__module__.rpartition('.')[2]}_{self.handler.__name__}{where}"


__all__ = ["Address"]
