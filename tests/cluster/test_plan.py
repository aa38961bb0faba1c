"""The cost model of rounds, and that the guide's figures are what the benchmark wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headwater.cluster.merge import FAN_IN, in_tree
from headwater.cluster.plan import Sync
from support.packages.imports import when_used

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["en", "zh"])
def guide(request) -> tuple[str, str, dict]:
    """A guide's language and text, and the file of results."""
    when_used("river", reason="the streams of the benchmarks need the extra dev")
    from benchmarks.cluster import GUIDES, RESULTS

    text = (ROOT / GUIDES[request.param]).read_text(encoding="utf-8")
    return request.param, text, json.loads(RESULTS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("workers", [1, 8, 9, 20, 64, 65, 512, 513, 1000])
def test_the_model_knows_how_many_states_and_levels_the_merges_have(workers):
    depth: list[int] = []

    def merge_some(states: list[int]) -> int:
        assert len(states) <= FAN_IN
        depth.append(1 + max(states))
        return depth[-1]

    tops = in_tree([(i, 0) for i in range(workers)], merge_some)
    assert len(tops) == Sync.tops(workers)
    assert max([0, *depth]) == Sync.levels(workers)


def test_the_seconds_of_a_row_at_the_coordinator_bound_what_any_number_of_workers_can_do():
    sync = Sync(fixed=0.003, each=0.001, level=0.01, call=0.0003, row=1e-6)
    rates = [sync.rows_per_s(workers=k, rows=10_000, seconds_a_row=1e-4) for k in (1, 10, 100, 1000, 10_000)]
    assert rates == sorted(rates)
    assert 0.9e6 < rates[-1] < 1e6


def test_the_table_of_the_guide_is_what_the_benchmark_wrote(guide):
    from benchmarks.cluster import filled

    language, text, found = guide
    assert filled(text, found["model"], language) == text


def test_the_guide_says_what_rounds_lose_as_the_benchmark_wrote_it(guide):
    from benchmarks.cluster import ACCURACY_GUIDES, accuracy_table

    language, _, found = guide
    page = (Path(__file__).parents[2] / ACCURACY_GUIDES[language]).read_text(encoding="utf-8")
    table = accuracy_table(found, language)
    assert f"<!-- bench:accuracy of rounds -->\n{table}\n<!-- /bench:accuracy of rounds -->" in page


def test_the_checks_of_the_guide_are_what_the_benchmark_measured(guide):
    _, text, found = guide
    checks = found["model"]["checks"]
    assert [one["workers"] for one in checks] == [1, 2, 4]
    for name in ("ms", "model_ms"):
        figures = [f"{one[name]:.1f}" for one in checks]
        assert (
            f"{figures[0]}, {figures[1]} and {figures[2]}" in text
            or f"{figures[0]}、{figures[1]} 和 {figures[2]}" in text
        )
    assert all(0.8 < one["model_ms"] / one["ms"] < 1.25 for one in checks)
    speed = found["speed"]
    for value in (
        f"{found['model']['by_ray_us'] / 1000:.1f} ms",
        f"{speed['call_ms']:.1f} ms",
        f"{speed['level_ms']:.0f} ms",
    ):
        assert value in text
    assert f"{speed['by_processors']:.2f}" in text
