"""libFuzzer looks for declarations, states and events that do harm to the core, for seconds; benchmarks/trials/fuzz.py does for minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import fuzzing

SECONDS = 10


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The targets, built."""
    folder = tmp_path_factory.mktemp("fuzz")
    if missing := fuzzing.lacking(folder):
        pytest.skip(missing)
    return fuzzing.build_all(folder)


@pytest.mark.parametrize("name", fuzzing.NAMES)
def test_what_a_fuzzer_draws_does_no_harm(programs: dict[str, Path], tmp_path: Path, name: str) -> None:
    assert not fuzzing.fuzz(programs[name], SECONDS, tmp_path / name)
