"""On a cluster the coordinator adds the aggregates in the order of the stream, so they are those of one process."""

from __future__ import annotations

import copy

import pytest

import headwater as hw
from headwater.cluster import Cluster, learn
from headwater.cluster.merge import merge
from headwater.errors import ConfigError
from headwater.learner.settings.rolling import ROLLING_STATE, Aggregates
from headwater.store.learner_file import LEARNER_FORMAT

from .test_learners import ROLLING, labels, made, rows

N = 3_000
SETTINGS = {"workers": 3, "block": 100, "engine": "local"}
KINDS = [hw.Classifier, hw.Regressor]


def stream(kind, X):
    return zip(X, labels(kind, rows(N)), strict=False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", [None, "card"])
def test_nets_learn_what_they_learn_from_rows_that_have_the_columns_already(kind, key):
    alone, model, given = Aggregates(ROLLING), made(kind), kind(seed=1)
    columns = [alone.enter(x) for x in rows(N)]
    record = learn(model, stream(kind, rows(N)), key=key, **SETTINGS)
    assert record.scores == learn(given, stream(kind, columns), key=key, **SETTINGS).scores
    found, expected = LEARNER_FORMAT.pack(model), LEARNER_FORMAT.pack(given)
    for name, array in (expected.arrays | alone.state()).items():
        assert found.arrays[name].tobytes() == array.tobytes(), name
    assert (model.rolling_counts_, model.rolling) == (alone.counts(), ROLLING)


@pytest.mark.parametrize("kind", KINDS)
def test_windows_do_not_depend_on_the_number_of_workers(kind):
    found = []
    for workers in (1, 2, 5):
        model = made(kind)
        learn(model, stream(kind, rows(N)), **SETTINGS | {"workers": workers})
        found.append((model.rolling_counts_, model.aggregates(rows(1, N)[0])))
    assert found[0] == found[1] == found[2]
    alone = Aggregates(ROLLING)
    for x in rows(N):
        alone.enter(x)
    assert found[0][0] == alone.counts()


@pytest.mark.parametrize("kind", KINDS)
def test_a_coordinator_that_died_goes_on_from_its_manifest_to_the_same_bits(kind, tmp_path):
    whole, model, again = (made(kind, diagnosis=False) for _ in range(3))
    learn(whole, stream(kind, rows(N)), **SETTINGS)
    rounds = []

    def dies(progress):
        rounds.append(progress.round)
        if len(rounds) == 5:
            raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        Cluster(model, manifest=tmp_path / "m.hw", on_round=dies, **SETTINGS) as cluster,
    ):
        cluster.run(stream(kind, rows(N)))
    kept = hw.load(tmp_path / "m.hw")
    assert 0 < kept.n_learned < N
    assert kept.rolling_counts_["events"] > 0
    learn(again, stream(kind, rows(N)), manifest=tmp_path / "m.hw", **SETTINGS)
    found, expected = (LEARNER_FORMAT.pack(one).arrays for one in (again, whole))
    assert {name for name in expected if found[name].tobytes() != expected[name].tobytes()} == set()
    assert set(ROLLING_STATE) <= set(expected)
    assert hw.load(tmp_path / "m.hw").aggregates(rows(1, N)[0]) == whole.aggregates(rows(1, N)[0])


def test_what_would_not_be_exact_is_refused():
    with pytest.raises(ConfigError, match="expected no deadline for a learner with rolling"):
        learn(made(hw.Classifier), stream(hw.Classifier, rows(N)), deadline=1.0, **SETTINGS)
    base = made(hw.Classifier)
    base.learn_many(rows(60), labels(hw.Classifier, rows(60)))
    with pytest.raises(ConfigError, match="expected workers without rolling, each of which would count its own rows"):
        merge(base, [copy.deepcopy(base), copy.deepcopy(base)])
