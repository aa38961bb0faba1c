"""Rounds of SIGKILLs at random system calls: the file of their results, and what documents quote of it.

python -m benchmarks.serve.kills        # writes the table and its sentences into the documents; see `PAGES`

``results/kills.json`` maps a broker to its rounds, oldest first. A round goes on with the stores and seeds of those before.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import report

RESULTS = Path(__file__).parents[1] / "results" / "kills.json"
PAGES = {  # page → what stands between its markers
    "benchmarks/serve/README.md": "table",
    "docs/how-to/brokers.md": "en",
    "docs/zh/how-to/brokers.md": "zh",
}
NAMES = {
    "redis": "Redis",
    "nats": "NATS",
    "postgres": "PostgreSQL",
    "mqtt": "MQTT (Mosquitto)",
    "kafka": "Kafka (Tansu)",
}
# What the number of a system call means on this machine, where its headers are installed.
CALLS = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
SUMS = ("kills", "inside", "stores", "rows", "again")


class Round:
    """One round of kills over a broker, in the file from its first store on.

    Parameters
    ----------
    name
        The broker.
    commit
        What was measured.
    to
        The result file.
    """

    def __init__(self, name: str, commit: str, to: Path) -> None:
        self._name, self._commit, self._to = name, commit, to
        self._began = time.perf_counter()
        self._before: list[dict[str, Any]] = read(to).get(name, [])

    @property
    def first(self) -> int:
        """Return how many stores the rounds before had."""
        return int(sum(one["stores"] for one in self._before))

    def keep(self, done: Any) -> None:
        """Write what this round has found so far."""
        entry = {"headwater": version("headwater"), "commit": self._commit, "date": time.strftime("%Y-%m-%d")}
        entry |= {"python": platform.python_version(), "kills": done.total} | asdict(done)
        entry |= {"calls": {named(number): count for number, count in done.calls.most_common()}}
        entry |= {"seconds": round(time.perf_counter() - self._began), "cores": os.cpu_count()}
        whole = read(self._to) | {self._name: [*self._before, entry]}
        self._to.write_text(json.dumps(whole, indent=1) + "\n")


def read(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rounds of each broker."""
    whole: dict[str, list[dict[str, Any]]] = json.loads(path.read_text()) if path.exists() else {}
    return whole


def named(number: int) -> str:
    """Return the name of a system call; its number where nothing knows it."""
    if CALLS.exists():
        for line in CALLS.read_text().splitlines():
            words = line.split()
            if len(words) == 3 and words[2] == str(number):
                return words[1].removeprefix("__NR_")
    return str(number)


def summed(rounds: list[dict[str, Any]]) -> dict[str, int]:
    """Return the sums over rounds."""
    return {name: sum(one[name] for one in rounds) for name in SUMS}


def table(whole: dict[str, list[dict[str, Any]]]) -> str:
    """Return all rounds as a table, and where their kills hit."""
    lines = [
        "| broker | round | kills | inside a transaction | stores | rows | messages that a sink got again |",
        "|---" * 7 + "|",
    ]
    for name, title in NAMES.items():
        for one in whole.get(name, []):
            when = f"{one['date']}, {one['commit']}" if one["commit"] else one["date"]
            shares = f"{one['inside']:,} ({one['inside'] / one['kills']:.0%})"
            rest = " | ".join(f"{one[what]:,}" for what in SUMS[2:])
            lines.append(f"| {title} | {when} | {one['kills']:,} | {shares} | {rest} |")
    rounds = [one for some in whole.values() for one in some]
    calls: Counter[str] = Counter()
    for one in rounds:
        calls.update(one["calls"])
    often = ", ".join(f"{name} {count:,}" for name, count in calls.most_common(8))
    return "\n".join([*lines, "", f"{_english(rounds)} They stood most often at {often}."])


def _english(rounds: list[dict[str, Any]]) -> str:
    all_ = summed(rounds)
    return (
        f"{all_['kills']:,} kills in all, {all_['inside']:,} of them ({all_['inside'] / all_['kills']:.0%}) inside a transaction; "
        f"all {all_['stores']} stores were equal to the bit to a learner that was never ended."
    )


def _chinese(rounds: list[dict[str, Any]]) -> str:
    all_ = summed(rounds)
    return (
        f"一共杀了 {all_['kills']:,} 次，其中 {all_['inside']:,} 次（{all_['inside'] / all_['kills']:.0%}）在事务之中；"
        f"全部 {all_['stores']} 个存储都与从未中断的学习器逐位相同。"
    )


def texts(whole: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Return what stands between the markers of each kind of page."""
    rounds = [one for some in whole.values() for one in some]
    return {"table": table(whole), "en": _english(rounds), "zh": _chinese(rounds)}


def main() -> None:
    """Write the results into the documents that quote them."""
    found = texts(read(RESULTS))
    for page, kind in PAGES.items():
        report.write(report.ROOT / page, "kills", found[kind])


if __name__ == "__main__":
    main()
