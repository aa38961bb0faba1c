"""Change events of a database: learning from a table whose rows Debezium puts into Kafka.

Debezium writes one event for each change of a row: what it was before, what it is after, and whether it was created (c, or r
for one that was there at the start), updated (u) or deleted (d). A row of a support desk is created when a ticket comes, and
updated once it is solved, which is when the answer is known. So an update to "solved" is an example, and all else is passed over.

    python examples/17_debezium_changes.py kafka://localhost:9092/desk.public.tickets

follows a topic, each change once whatever is killed. Without an address it takes the events below.
"""

import json
import sys
import tempfile
from pathlib import Path

import headwater as hw


def example_of(value):
    """Return the row that a change event teaches, or None for one that teaches nothing."""
    event = json.loads(value) if value else {}  # behind a deletion comes an empty message, for Kafka's compaction
    change = event.get("payload", event)  # the converter puts a schema beside it, unless told not to
    before, after = change.get("before") or {}, change.get("after") or {}
    if change.get("op") != "u" or after.get("state") != "solved" or before.get("state") == "solved":
        return None
    x = {name: after[name] for name in ("product", "words", "hour")}
    return x | {"minutes": after["minutes"]}


def ticket(i, state):
    product, words = "ABC"[i % 3], 20 + i * 7 % 80
    minutes = None if state == "open" else 10.0 * "ABC".index(product) + words / 4
    return {"id": i, "product": product, "words": words, "hour": i % 24, "state": state, "minutes": minutes}


def changes(n):
    for i in range(n):
        yield {"before": None, "after": ticket(i, "open"), "op": "c"}
        yield {"before": ticket(i, "open"), "after": ticket(i, "solved"), "op": "u"}
        yield {"before": ticket(i, "solved"), "after": None, "op": "d"}


with hw.open(Path(tempfile.mkdtemp()) / "desk.db", hw.Regressor(seed=1)) as model:
    if len(sys.argv) > 1 and "://" in sys.argv[1]:
        print(model.learn_from(sys.argv[1], "minutes", decode=example_of))
    else:
        read = [example_of(json.dumps({"payload": change}).encode()) for change in changes(2_000)]
        rows = [row for row in read if row is not None]
        answers = [row.pop("minutes") for row in rows]
        model.learn_many(rows, answers)
        print(f"change events: {len(read):,}")
        print(f"examples: {model.n_learned:,}")
        print(
            f"minutes for A with 60 words (truth 15): {model.predict_one({'product': 'A', 'words': 60, 'hour': 9}):.1f}"
        )
        print(
            f"minutes for C with 60 words (truth 35): {model.predict_one({'product': 'C', 'words': 60, 'hour': 9}):.1f}"
        )
