"""What a row costs the processor of a server, as JSON and as an Arrow IPC stream.

python -m benchmarks.trials.arrow            # 1,000 rows of 20 columns a request, numbers and one text
"""

from __future__ import annotations

import http.client
import io
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.serve.load import server
from benchmarks.trials.fleet import processor_time

ROWS, COLUMNS, REQUESTS = 1000, 20, 60
ARROW = "application/vnd.apache.arrow.stream"


def rows_of(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return rows of numbers and one text, with gaps."""
    values = rng.normal(size=(ROWS, COLUMNS - 1))
    return [
        {**{f"x{j}": value for j, value in enumerate(row)}, "c": "abc"[i % 3]} for i, row in enumerate(values.tolist())
    ]


def as_arrow(rows: list[dict[str, Any]]) -> bytes:
    """Return rows as an Arrow stream."""
    table = pa.Table.from_pylist(rows)
    with io.BytesIO() as file:
        with pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
        return file.getvalue()


def cost(pid: int, send: Callable[[], None]) -> float:
    """Return the server's µs of processor a row."""
    for _ in range(5):
        send()
    before = processor_time(pid)
    for _ in range(REQUESTS):
        send()
    return (processor_time(pid) - before) / (REQUESTS * ROWS) * 1e6


def main() -> None:
    """Measure predictions and learning of each model, JSON and Arrow by turns."""
    rng = np.random.default_rng(0)
    for net in sys.argv[1:] or ["8", ""]:
        rows = rows_of(rng)
        labels = [bool(row["x0"] > 0) for row in rows]
        with server(net or None) as (port, pid):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

            def send(path: str, kind: str, body: bytes) -> None:
                connection.request("POST", path, body, {"content-type": kind})  # noqa: B023 - called at once
                reply = connection.getresponse()  # noqa: B023
                said = reply.read()
                assert reply.status == 200, said[:300]

            said = {
                "/learn": (
                    json.dumps([{"x": x, "y": y} for x, y in zip(rows, labels, strict=True)]).encode(),
                    as_arrow([{**x, "y": y} for x, y in zip(rows, labels, strict=True)]),
                ),
                "/predict": (json.dumps([{"x": x, "keep": False} for x in rows]).encode(), as_arrow(rows)),
            }
            for path, (text, stream) in said.items():
                for _ in range(2):
                    one = cost(pid, lambda: send(path, "application/json", text))  # noqa: B023
                    other = cost(pid, lambda: send(path, ARROW, stream))  # noqa: B023
                    print(
                        f"{'a net of ' + net + ' units' if net else 'the default pool'}, {path}: JSON {one:.1f} µs a row "
                        f"({len(text) / ROWS:.0f} bytes), Arrow {other:.1f} ({len(stream) / ROWS:.0f} bytes): {other / one:.2f}",
                        flush=True,
                    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
