"""Address of the API, from which routes, access rules and ``/openapi.json`` are generated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headwater.serve.endpoint import Handler
from headwater.serve.http.costs import Cost


@dataclass(frozen=True, slots=True)
class Address:
    """One row of the table of addresses.

    Parameters
    ----------
    method, path, handler
        HTTP method, path, and handler function.
    cost
        Limits of one request.
    scope
        Required scope of the token, None for public addresses.
    takes
        Schema of the request body, by its name.
    bodies
        Types of the request body, of which it has any, where it has no schema by name.
    many
        Whether the body may also be a list or NDJSON.
    gives
        Media type of the response.
    status
        Status of a successful response.
    says
        Types of the JSON that it may answer, from which its schema is made, of an address whose answer follows from them.
    query
        Query parameters, of an address for many rows those of an Arrow stream.
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
    says: tuple[Any, ...] = ()
    bodies: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """Operation name from the handler, with a suffix where two addresses share it."""
        where = "_model" if self.path.startswith("/models/{model}/") else ""
        return f"{self.handler.__module__.rpartition('.')[2]}_{self.handler.__name__}{where}"


__all__ = ["Address"]
