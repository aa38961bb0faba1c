"""Read a table of Delta Lake, such as ``delta://folder`` or ``delta://s3://bucket/table``, with deltalake."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import chain
from typing import Any
from urllib.parse import unquote

from headwater.errors import MissingExtra, SourceError
from headwater.streams.files.addresses import DELTA, shown

__all__ = ["read_delta"]


def read_delta(address: str) -> Any:
    """Return the rows of a table's newest version as an Arrow reader, in the order in which they were written.

    Parameters
    ----------
    address
        ``delta://`` and a folder, or ``delta://`` and an address such as ``s3://bucket/table``.

    Raises
    ------
    MissingExtra
        When deltalake or pyarrow is not installed.
    SourceError
        When there is no such table, or it can't be read.
    """
    at = shown(address)
    for package in ("deltalake", "pyarrow"):
        if not find_spec(package):
            raise MissingExtra(package=package, extra="delta", at=at)
    import pyarrow as pa
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        table = DeltaTable(address.removeprefix(DELTA))
        rows = table.to_pyarrow_dataset()
        # The log names the newest files first.
        times = pa.table(table.get_add_actions(flatten=True)).select(["path", "modification_time"]).to_pylist()
    except (DeltaError, OSError, ValueError) as error:
        reason = str(error).split("\n")[0].replace(address, at).rstrip(".")
        raise SourceError(
            expected="a table of Delta Lake",
            got=f"none that can be read ({reason})",
            at=at,
            help="Check its path and the login.",
        ) from error
    written = {unquote(action["path"]): action["modification_time"] for action in times}
    files = sorted(rows.get_fragments(), key=lambda file: written.get(unquote(file.path), 0))
    batches = chain.from_iterable(file.to_batches(schema=rows.schema) for file in files)
    return pa.RecordBatchReader.from_batches(rows.schema, batches)
