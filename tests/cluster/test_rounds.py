"""Rounds in this process: how rows are dealt, that the bits depend on state and rows alone, and that a crash loses nothing."""

from __future__ import annotations

import copy
import dataclasses
from itertools import pairwise

import numpy as np
import pytest

import headwater as hw
from headwater.cluster import Cluster, learn
from headwater.cluster.delta import apply
from headwater.cluster.local import LocalWorkers
from headwater.cluster.merge import in_tree, merge
from headwater.cluster.plan import in_blocks
from headwater.cluster.published.manifest import read_manifest
from headwater.cluster.worker import WEIGHT, after_block, learn_block, merge_group, pack, unpack, warmed
from headwater.errors import ConfigError
from headwater.store.model_file import SavedModel
from support.processes.rounds import Crash, Forgetful, Mortal, stream

ROWS = stream(6000)
LONGER = stream(14_000)  # whose last rounds have four blocks


def digest(cluster: Cluster) -> tuple[int, list]:
    return cluster.learner.engine.core.digest(), cluster.learner.known_classes


def run(rows=ROWS, **options) -> tuple[Cluster, object]:
    options = {"workers": 4, "block": 100, "engine": "local", **options}
    with Cluster(hw.Classifier(seed=1), **options) as cluster:
        return cluster, cluster.run(rows)


def test_every_row_is_learned_once_and_scored_with_what_its_worker_predicted():
    cluster, record = run()
    assert cluster.learner.n_learned == record.rows == 6000
    assert record.scored + record.unscored == 6000
    assert record.scores["accuracy"] > record.baselines["no-change"]["accuracy"] + 0.1
    assert cluster.position.row == 6000


def test_learning_in_rounds_comes_close_to_learning_row_by_row():
    _, record = run()
    serial = hw.Classifier(seed=1)
    right = serial.learn_many([x for x, _ in ROWS], [y for _, y in ROWS]) == np.array([y for _, y in ROWS])
    assert record.scores["accuracy"] > right.mean() - 0.02


def test_workers_that_lost_their_state_and_answer_in_another_order_change_no_bit():
    assert digest(run()[0]) == digest(run(engine=Forgetful())[0])


def test_how_the_stream_was_cut_into_blocks_changes_no_bit():
    X, y = [x for x, _ in ROWS], [y for _, y in ROWS]
    assert digest(run((X, y))[0]) == digest(run(iter(ROWS))[0])


@pytest.mark.parametrize("dies_in", [1, 2, 9])
def test_a_coordinator_that_dies_goes_on_from_its_manifest_to_the_same_bits(tmp_path, dies_in):
    path = tmp_path / "m.hw"
    with (
        pytest.raises(Crash),
        Cluster(hw.Classifier(seed=1), workers=4, block=100, engine=Mortal(dies_in), manifest=path) as cluster,
    ):
        cluster.run(ROWS)
    again, record = run(manifest=path)
    whole, undisturbed = run(manifest=tmp_path / "whole.hw")
    assert digest(again) == digest(whole)
    assert hw.load(path).n_learned == 6000
    assert as_one(record) == as_one(undisturbed), "the record is that of the whole run"
    assert [getattr(again.progress, name) for name in ("round", "rows", "received")] == [
        getattr(whole.progress, name) for name in ("round", "rows", "received")
    ]


def as_one(record) -> dict:
    """A record without the rows per second, which are another each time."""
    return {name: value for name, value in record.as_dict().items() if name != "rows_per_s"}


def test_a_restarted_coordinator_counts_each_rejected_row_of_the_run_once(tmp_path):
    path, table = tmp_path / "m.hw", tmp_path / "rows.csv"
    odd = {50: "1,2", 1800: "5,0.5,s1,"}
    lines = (odd.get(i) or f"{x['hour']},{x['load']!r},{x['site']},{y}" for i, (x, y) in enumerate(ROWS))
    table.write_text("hour,load,site,answer\n" + "\n".join([*lines, "1,2"]) + "\n", encoding="utf-8")

    def learned(engine, path) -> tuple:
        with Cluster(hw.Classifier(seed=1), workers=4, block=100, engine=engine, manifest=path) as cluster:
            return as_one(cluster.run(table, target="answer")), digest(cluster)

    undisturbed = learned("local", tmp_path / "whole.hw")
    assert sum(undisturbed[0]["rejected"].values()) == 3
    with pytest.raises(Crash):
        learned(Mortal(12), path)
    assert learned("local", path) == undisturbed
    assert learned("local", path) == undisturbed, "nor again behind the end"


def test_the_learner_in_memory_is_the_file_of_the_run_also_behind_a_crash(tmp_path):
    asked = [x for x, _ in ROWS[:200]]

    def whole(learner) -> tuple:
        core = learner.engine.core
        return repr(learner), core.digest(), learner.known_classes, len(learner.sample.rows), learner.refused

    for dies_in in (None, 9):
        path = tmp_path / f"{dies_in}.hw"
        if dies_in is not None:
            with pytest.raises(Crash):
                run(engine=Mortal(dies_in), manifest=path)
        cluster, _ = run(manifest=path)
        filed = hw.load(path)
        assert whole(filed) == whole(cluster.learner)
        assert np.array_equal(filed.predict_many(asked), cluster.learner.predict_many(asked))
        given = hw.Classifier(seed=1)
        learn(given, ROWS, workers=4, block=100, engine="local", manifest=path)
        assert whole(given) == whole(filed)
        assert np.array_equal(filed.predict_many(asked), given.predict_many(asked))


def test_a_learner_of_other_settings_than_the_manifests_is_refused_and_stays_as_it_was(tmp_path):
    path = tmp_path / "m.hw"
    run(manifest=path)
    for other, said in ((hw.Classifier(seed=2), "another seed"), (hw.Regressor(seed=1), "a Regressor")):
        with pytest.raises(ConfigError, match=said):
            learn(other, ROWS, workers=4, block=100, engine="local", manifest=path)
        assert other.n_learned == 0


def test_a_manifest_without_totals_is_gone_on_from_as_before(tmp_path):
    path = tmp_path / "m.hw"
    with pytest.raises(Crash):
        run(engine=Mortal(9), manifest=path)
    model = hw.load(path)
    del model.notes["cluster"]["totals"]
    done = model.n_learned
    model.save(path)
    again, record = run(manifest=path)
    assert record.rows == 6000 - done
    assert digest(again) == digest(run()[0])


def test_a_manifest_is_a_model_and_going_on_from_its_end_learns_nothing_twice(tmp_path):
    path = tmp_path / "m.hw"
    first, _ = run(manifest=path)
    model, position = read_manifest(path)
    assert position.row == 6000
    assert model.engine.core.digest() == digest(first)[0]
    again, record = run(manifest=path)
    assert record.rows == 6000
    assert again.progress.round == first.progress.round
    assert digest(again) == digest(first)


def test_a_model_that_no_coordinator_wrote_is_no_manifest(tmp_path):
    path = tmp_path / "m.hw"
    hw.Classifier().save(path)
    with pytest.raises(ConfigError, match="manifest of a cluster"):
        Cluster(hw.Classifier(), engine="local", manifest=path)


def test_a_block_is_chosen_so_that_syncing_takes_a_fifth_of_the_time_and_the_manifest_knows_it(tmp_path):
    path = tmp_path / "m.hw"
    with Cluster(hw.Classifier(seed=1, hidden=()), workers=2, engine="local", manifest=path) as cluster:
        cluster.run(stream(14_000))
    assert cluster.position.block > 300, "a row takes microseconds, and a merge milliseconds"
    assert read_manifest(path)[1].block == cluster.position.block
    with Cluster(hw.Classifier(), workers=2, engine="local", manifest=path) as again:
        assert again.position.block == cluster.position.block

    with Cluster(hw.Classifier(seed=1, hidden=()), workers=2, engine="local", sync=0.9999) as patient:
        patient.run(ROWS)
    assert patient.position.block == 100, "where syncing may take all of the time, blocks stay short"


def test_stragglers_are_left_out_and_their_rows_come_next_and_survive_a_crash(tmp_path):
    def slow(version: int, block) -> bool:
        return version % 3 == 2 and block.index == 1

    cluster, record = run(LONGER, engine=LocalWorkers(slow), deadline=1.0)
    assert cluster.progress.rewound > 300
    assert cluster.learner.n_learned == record.rows == 14_000
    assert cluster.position.waiting == ()

    class MortalAndSlow(LocalWorkers):
        def learn(self, updates, blocks, deadline):
            if updates[1]().version == 36:
                raise Crash
            return super().learn(updates, blocks, deadline)

    path = tmp_path / "m.hw"
    options = {"workers": 4, "block": 100, "deadline": 1.0, "manifest": path}
    with pytest.raises(Crash), Cluster(hw.Classifier(seed=1), engine=MortalAndSlow(slow), **options) as broken:
        broken.run(LONGER)
    assert read_manifest(path)[1].waiting != ()
    again, _ = run(LONGER, engine=LocalWorkers(slow), deadline=1.0, manifest=path)
    assert digest(again) == digest(cluster)


def test_rows_of_one_key_go_to_one_worker_in_their_order():
    seen: dict[str, list[list[int]]] = {}

    class Watching(LocalWorkers):
        def learn(self, updates, blocks, deadline):
            for block in blocks if len(blocks) > 1 else []:
                for x, row in zip(block.X, block.rows, strict=True):
                    seen.setdefault(x["site"], []).append([block.index, row])
            return super().learn(updates, blocks, deadline)

    cluster, _ = run(LONGER, engine=Watching(), key="site")
    assert cluster.learner.n_learned == 14_000
    assert len(seen) == 40
    for visits in seen.values():
        assert visits == sorted(visits, key=lambda visit: visit[1])
    by_worker = [{site for site, visits in seen.items() if visits[-1][0] == i} for i in range(4)]
    assert all(by_worker)


def test_round_robin_is_refused_with_what_it_costs():
    with pytest.raises(ConfigError, match=r"5\.6 points"):
        Cluster(hw.Classifier(), engine="local", partition="round-robin")


def test_rows_without_an_answer_are_left_out_and_counted():
    rows = [(x, None if i % 10 == 0 else y) for i, (x, y) in enumerate(ROWS)]
    cluster, record = run(rows)
    assert record.rejected["answer unknown"] == 600
    assert cluster.learner.n_learned == 5400


def test_a_file_is_learned_as_its_rows_are(tmp_path):
    path = tmp_path / "rows.csv"
    lines = ["hour,load,site,answer", *(f"{x['hour']},{x['load']!r},{x['site']},{y}" for x, y in ROWS)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with Cluster(hw.Classifier(seed=1), workers=4, block=100, engine="local", manifest=tmp_path / "m.hw") as cluster:
        record = cluster.run(path, target="answer")
    assert record.rows == 6000
    assert cluster.learner.known_classes == digest(run()[0])[1]


def test_arrays_and_numbers_are_learned_too():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(3000, 4))
    y = X @ [1.0, -2.0, 0.0, 3.0]
    model = hw.Regressor()
    record = learn(model, (X, y), workers=3, engine="local", block=100)
    assert model.n_learned == 3000
    assert record.window_scores["mae"] < 0.5 * record.window_baselines["mean"]["mae"]


def test_what_a_diagnosis_needs_is_kept_by_the_coordinator():
    cluster, _ = run()
    assert len(cluster.learner.sample.rows) > 50
    assert cluster.learner.diagnose() is not None


def test_two_classes_that_one_number_tells_are_both_known_before_workers_part():
    rows = [({"a": float(i % 3)}, "no" if i < 1500 else ("yes" if i % 3 else "no")) for i in range(4000)]
    model = hw.Classifier(loss="binary_cross_entropy")
    learn(model, rows, workers=4, block=100, engine="local")
    assert model.n_learned == 4000
    assert model.predict_one({"a": 1.0}) == "yes"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 0}, "workers"),
        ({"block": 0}, "block"),
        ({"sync": 1.5}, "sync"),
        ({"lead": -1}, "lead"),
        ({"lead": "many"}, "lead"),
        ({"engine": "spark"}, "engine"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(options, said):
    with pytest.raises(ConfigError, match=said):
        Cluster(hw.Classifier(), **{"engine": "local", **options})


def test_rows_in_front_of_a_block_move_weights_and_are_counted_and_kept_once():
    base = hw.Classifier(seed=1, diagnosis=False)
    base.learn_many([x for x, _ in ROWS[:2000]], [y for _, y in ROWS[:2000]])
    saved = pack(base)
    lead = [x for x, _ in ROWS[2000:2020]], [y for _, y in ROWS[2000:2020]]

    arrays = warmed(saved, *lead)

    changed = {name for name, array in arrays.items() if array.tobytes() != saved.arrays[name].tobytes()}
    assert "weights" in changed
    assert changed <= {"weights", "running", *(f"state_{k}" for k in range(5))}
    same = np.arange(arrays["running"].shape[1]) != WEIGHT
    assert (arrays["running"][:, same] == saved.arrays["running"][:, same]).all()
    weights = [expert["weight"] for expert in unpack(type(saved)(saved.header, arrays)).experts_]
    assert weights != [expert["weight"] for expert in base.experts_], "the mixture has moved too"
    assert unpack(type(saved)(saved.header, arrays)).n_learned == 2000


def test_rows_in_front_of_a_block_that_bring_a_name_leave_the_names_as_they_were():
    base = hw.Classifier(seed=1, diagnosis=False)
    base.learn_many([x for x, _ in ROWS[:2000]], [y for _, y in ROWS[:2000]])
    saved = pack(base)

    arrays = warmed(saved, [{**x, "new": "name"} for x, _ in ROWS[2000:2020]], [y for _, y in ROWS[2000:2020]])

    assert arrays["weights"].tobytes() != saved.arrays["weights"].tobytes()
    assert {name: array.shape for name, array in arrays.items()} == {n: a.shape for n, a in saved.arrays.items()}


def test_a_worker_sends_the_samples_of_its_block_and_rounds_keep_the_last_of_all():
    base = hw.Classifier(seed=1, diagnosis=False)
    base.learn_many([x for x, _ in ROWS[:1500]], [y for _, y in ROWS[:1500]])
    saved = pack(base)
    X, y = [x for x, _ in ROWS[1500:1800]], [y for _, y in ROWS[1500:1800]]

    outcomes = [learn_block(saved, block) for block in in_blocks(X, y, range(1501, 1801), 150, lead=40)]

    learners = [unpack(SavedModel(done.header, apply(saved.arrays, done.delta))) for done in outcomes]
    sent = [learner.engine.core.state() for learner in learners]
    assert [np.count_nonzero(state["sample_count"]) for state in sent] == [150, 150]
    kept = merge(base, learners).engine.core.state()
    alone = copy.deepcopy(base)
    alone.learn_many(X, y)
    expected = alone.engine.core.state()
    assert np.array_equal(kept["sample_y"], expected["sample_y"])
    assert kept["sizes"].reshape(-1)[12] == expected["sizes"].reshape(-1)[12] == 1800


WIDE = {"workers": 20, "block": 10, "warm_up": 4000, "lead": 0}
"""So that rounds have more blocks than are merged at once."""


@pytest.mark.parametrize(
    ("settings", "alike"),
    [({"hidden": (16,), "optimizer": hw.nn.AdaGrad(0.05)}, 0.98), ({}, 0.96)],
    ids=["a net", "pool"],
)
def test_states_merged_by_eights_are_those_merged_at_once_but_for_a_few_hundredths(settings, alike):
    base = hw.Classifier(seed=1, diagnosis=False, **settings)
    base.learn_many([x for x, _ in LONGER[:4000]], [y for _, y in LONGER[:4000]])
    saved = pack(base)
    X, y = [x for x, _ in LONGER[4000:8000]], [y for _, y in LONGER[4000:8000]]
    X[3900] = {**X[3900], "new": 1.0}
    y[3100] = "a new class"
    outcomes = [learn_block(saved, block) for block in in_blocks(X, y, range(4001, 8001), 200)]
    assert len(outcomes) == 20

    tops = in_tree([(done.index, done) for done in outcomes], lambda group: merge_group(saved, group))
    tree = merge(base, [after_block(saved, done) for _, done in tops])
    flat = merge(base, [after_block(saved, done) for done in outcomes])

    assert len(tops) == 3
    assert tree.n_learned == flat.n_learned == 8000
    assert tree.known_classes == flat.known_classes
    assert "a new class" in tree.known_classes
    one, other = tree.engine.core.state(), flat.engine.core.state()
    assert np.array_equal(one["sample_y"], other["sample_y"]), "the replay buffer has the last samples of all in turn"
    assert np.array_equal(one["names_bytes"], other["names_bytes"])
    if settings:  # a pool draws the knots of its columns anew at each merge
        before = base.engine.core.state()["weights"]
        moved = np.linalg.norm(other["weights"][: len(before)] - before)
        assert np.linalg.norm(one["weights"] - other["weights"]) < 0.05 * moved
    assert np.mean(tree.predict_many(X) == flat.predict_many(X)) >= alike


def test_a_round_of_many_blocks_has_the_same_bits_whoever_merges_them():
    class Merging(LocalWorkers):
        """Workers that merge among themselves, as those of a cluster do."""

        def learn(self, updates, blocks, deadline):
            done = {outcome.index: outcome for outcome in super().learn(updates, blocks, deadline)}
            whole = updates[1]()
            saved = SavedModel(whole.header, whole.arrays)
            tops = dict(in_tree(sorted(done.items()), lambda group: merge_group(saved, group)))
            seen.append(len(tops))
            return [
                dataclasses.replace(one, header=tops[i].header, delta=tops[i].delta)
                if i in tops
                else dataclasses.replace(one, header={}, delta={})
                for i, one in done.items()
            ]

    seen: list[int] = []
    here, record = run(**WIDE)
    there, again = run(engine=Merging(), **WIDE)
    assert digest(here) == digest(there)
    assert max(seen) == 2
    assert record.scores == again.scores
    assert there.progress.received < here.progress.received


class Seeing(LocalWorkers):
    """Workers that note the blocks of rounds with several."""

    def __init__(self, left_out=None):
        super().__init__(left_out)
        self.rounds: list[list] = []

    def learn(self, updates, blocks, deadline):
        if len(blocks) > 1:
            self.rounds.append(blocks)
        return super().learn(updates, blocks, deadline)


def in_front(block) -> list[int] | None:
    """Numbers of the rows that a block's worker learns first."""
    return None if block.lead is None else [x["number"] for x in block.lead[0]]


NUMBERED = [({**x, "number": float(i)}, y) for i, (x, y) in enumerate(ROWS, 1)]


@pytest.mark.parametrize("rows", [NUMBERED, iter(NUMBERED)], ids=["a list", "a stream"])
def test_the_first_block_of_a_round_has_the_rows_before_it_in_front_as_the_others_do(rows):
    seeing = Seeing()
    run(rows, engine=seeing)
    assert len(seeing.rounds) >= 10
    for blocks in seeing.rounds:
        for block in blocks:
            longest = 100 if block is blocks[0] else min(100, block.rows[0] - blocks[0].rows[0])
            assert in_front(block) == list(range(block.rows[0] - longest, block.rows[0]))


def test_the_first_block_has_as_many_rows_in_front_as_was_asked():
    seeing = Seeing()
    run(NUMBERED, engine=seeing, lead=7)
    assert {len(in_front(block)) for blocks in seeing.rounds for block in blocks} == {7}
    without = Seeing()
    run(NUMBERED, engine=without, lead=0)
    assert all(block.lead is None for blocks in without.rounds for block in blocks)


def test_arrays_in_front_of_the_first_block_stay_arrays():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(6000, 3))
    seeing = Seeing()
    learn(hw.Regressor(), (X, X[:, 0]), workers=4, block=100, engine=seeing)
    block = seeing.rounds[-1][0]
    assert np.array_equal(block.lead[0], X[block.rows[0] - 101 : block.rows[0] - 1])


def test_rows_that_no_restarted_coordinator_could_have_are_not_in_front_of_the_first_block():
    windows = Seeing()
    rolling = hw.Classifier(seed=1, rolling=hw.Rolling("site", "number", over=(50,)))
    with Cluster(rolling, workers=4, block=100, engine=windows) as cluster:
        cluster.run(NUMBERED)
    assert {blocks[0].lead for blocks in windows.rounds} == {None}
    assert all(block.lead for blocks in windows.rounds for block in blocks[1:])

    late = Seeing(lambda version, block: version % 3 == 2 and block.index == 1)
    run(NUMBERED, engine=late, deadline=1.0)
    again = [now for before, now in pairwise(late.rounds) if now[0].rows[0] <= before[-1].rows[-1]]
    assert len(again) > 1, "a straggler's rows come next"
    assert {blocks[0].lead for blocks in again} == {None}


def test_rows_in_front_of_a_block_that_bring_a_class_leave_everything_as_it_was():
    base = hw.Classifier(seed=1, diagnosis=False)
    base.learn_many([x for x, _ in ROWS[:1000]], [y for _, y in ROWS[:1000]])
    saved = pack(base)
    arrays = warmed(saved, [ROWS[0][0]], ["a class of its own"])
    assert all(array.tobytes() == saved.arrays[name].tobytes() for name, array in arrays.items())


def test_learning_the_rows_in_front_of_a_block_brings_rounds_closer_to_learning_row_by_row():
    accuracy = {lead: run(lead=lead)[1].scores["accuracy"] for lead in (0, 40)}
    assert accuracy[40] > accuracy[0]


def test_the_weights_of_experts_of_numbers_do_not_run_away_where_many_workers_learn_few_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3_000, 2))
    y = 3 * X[:, 0] - 2 * X[:, 1] + 0.1 * rng.normal(size=3_000)
    alone = np.abs(hw.Regressor(seed=0, diagnosis=False).learn_many(X, y) - y).mean()
    model = hw.Regressor(seed=0, diagnosis=False)
    with Cluster(model, workers=16, block=5, engine="local", serial_sample=False) as cluster:
        assert cluster.run((X, y)).scores["mae"] < 1.5 * alone
