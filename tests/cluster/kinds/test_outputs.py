"""Several labels a row in rounds: each output is merged for itself, and what any process loses is learned again to the same bits."""

from __future__ import annotations

import copy
import dataclasses
import random
from contextlib import nullcontext

import numpy as np
import pytest

import headwater as hw
from headwater.cli import main
from headwater.cluster import Cluster, learn, merge
from headwater.cluster.local import LocalWorkers
from headwater.cluster.merge import in_tree
from headwater.cluster.published.manifest import read_manifest
from headwater.cluster.published.replicas import Replica
from headwater.cluster.worker import merge_group, pack, together
from headwater.errors import ConfigError, DataError
from headwater.store.learner_file import fingerprint
from headwater.store.model_file import SavedModel
from support.processes.rounds import Crash, Forgetful, Mortal


def stream(n: int, *, busy: int | None = None) -> list:
    """Rows with a class and a number that depends on it, and from row `busy` on a third label."""
    draw, rows = random.Random(5), []
    for i in range(n):
        x = {"hour": i % 24, "load": draw.gauss(0, 1), "site": f"s{draw.randrange(40)}"}
        state = f"c{(i // 500) % 3 if x['load'] < 0.4 else int(x['site'][1:]) % 3}"
        y = {"state": state, "cost": 2.0 * x["load"] + (x["hour"] > 12) + 0.5 * (state == "c1")}
        rows.append((x, y if busy is None or i < busy else {**y, "busy": x["hour"] > 8}))
    return rows


ROWS = stream(2500)
LATER = stream(3500, busy=2460)
"""Several blocks of one round find the third output."""


def make(**settings) -> hw.MultiOutput:
    return hw.MultiOutput(seed=1, effort="fast", **settings)


def run(rows=ROWS, learner=None, **options) -> tuple[Cluster, object]:
    options = {"workers": 4, "block": 25, "engine": "local", **options}
    with Cluster(learner or make(), **options) as cluster:
        return cluster, cluster.run(rows)


@pytest.fixture(scope="module")
def alone() -> tuple[hw.MultiOutput, object]:
    """A learner of one process, and its record."""
    model = make()
    return model, hw.evaluate(model, ROWS).record


@pytest.fixture(scope="module")
def whole() -> tuple[Cluster, object]:
    """A run that nobody disturbed."""
    return run()


@pytest.fixture(scope="module")
def later() -> tuple[Cluster, object, int]:
    """A run whose workers find a third output, and the number of the round in which several of them do."""
    found: list[int] = []
    cluster, record = run(LATER, on_round=lambda told: found.append(told.round) if told.rewound and not found else None)
    return cluster, record, found[0]


def as_one(record) -> dict:
    """A record without the rows per second, which are another each time."""
    return {name: value for name, value in record.as_dict().items() if name != "rows_per_s"}


def test_every_row_is_learned_once_by_each_output_and_comes_close_to_learning_row_by_row(whole, alone):
    (cluster, record), (_, serial) = whole, alone
    assert cluster.learner.n_learned == record.rows == 2500
    assert {name: member.n_learned for name, member in cluster.learner.members.items()} == {"state": 2500, "cost": 2500}
    assert record.scored + record.unscored == 2500
    assert record.scores["accuracy"] > serial.scores["accuracy"] - 0.02
    assert record.scores["mae"] < 1.1 * serial.scores["mae"]
    assert record.baselines == serial.baselines


def test_a_later_output_reads_what_an_earlier_one_predicts_as_when_it_learns_alone(whole, alone):
    for model in (whole[0].learner, alone[0]):
        assert list(model.members) == ["state", "cost"]
        read = {column["name"] for column in model.members["cost"].describe()["features"]}
        assert read == {"hour", "load", "site", ("predicted", "state", "c1"), ("predicted", "state", "c2")}


def test_workers_that_lost_their_state_and_answer_in_another_order_change_no_bit(later):
    one, record, _ = later
    other, again = run(LATER, engine=Forgetful())
    assert fingerprint(one.learner) == fingerprint(other.learner)
    assert as_one(record) == as_one(again)


@pytest.mark.parametrize("dies_in", [1, 2, 9])
def test_a_coordinator_that_dies_goes_on_from_its_manifest_to_the_same_bits(tmp_path, dies_in, whole):
    path = tmp_path / "m.hw"
    with pytest.raises(Crash):
        run(engine=Mortal(dies_in), manifest=path)
    again, record = run(manifest=path)
    filed = hw.load(path, hw.MultiOutput)
    assert fingerprint(again.learner) == fingerprint(whole[0].learner)
    assert as_one(record) == as_one(whole[1]), "the record is that of the whole run"
    assert [filed.predict_one(x) for x, _ in ROWS[:50]] == [again.learner.predict_one(x) for x, _ in ROWS[:50]]
    assert all(len(member.sample.rows) > 150 for member in filed.members.values())


def test_a_coordinator_that_dies_while_blocks_wait_that_found_an_output_beside_another_loses_none(tmp_path, later):
    path, (whole, record, found) = tmp_path / "m.hw", later
    assert whole.progress.rewound == 50, "the later two blocks of the round that found it came again"
    with pytest.raises(Crash):
        run(LATER, engine=Mortal(found + 1), manifest=path)
    assert read_manifest(path)[1].waiting != ()
    again, resumed = run(LATER, manifest=path)
    assert fingerprint(again.learner) == fingerprint(whole.learner)
    assert as_one(resumed) == as_one(record)


def test_an_output_that_several_workers_find_in_one_round_learns_every_row_that_has_it(later):
    cluster, record, _ = later
    counts = {name: member.n_learned for name, member in cluster.learner.members.items()}
    assert record.rows == 3500
    assert counts == {"state": 3500, "cost": 3500, "busy": 1040}
    right = [cluster.learner.predict_one(x)["busy"] == y["busy"] for x, y in LATER[2460:]]
    assert np.mean(right) > 0.95


def test_outputs_that_workers_find_in_one_round_come_in_the_order_of_the_rows():
    rows = [(x, {"state": y["state"]}) for x, y in LATER[:2500]]
    rows += [(x, {"state": y["state"], name: x["load"]}) for name in "zb" for x, y in LATER[2500:2525]]
    rows += [(x, {"state": y["state"], "a": y["busy"]}) for x, y in LATER[2525:3000]]
    cluster, record = run(rows)
    alone = make()
    alone.learn_many([x for x, _ in rows], [y for _, y in rows])
    assert record.rows == 3025
    counts = {name: member.n_learned for name, member in cluster.learner.members.items()}
    assert counts == {name: member.n_learned for name, member in alone.members.items()}
    assert list(counts) == ["state", "z", "b", "a"]
    assert [member.seed for member in cluster.learner.members.values()] == [1, 2, 3, 4]


def test_the_first_value_in_the_stream_decides_the_task_of_an_output_whoever_finds_it():
    odd = [(x, {"state": y["state"], "late": 1.0 if i < 25 else "yes"}) for i, (x, y) in enumerate(LATER[2500:2700])]
    rows = [(x, {"state": y["state"]}) for x, y in LATER[:2500]] + odd
    cluster, record = run(rows)
    assert cluster.learner.members["late"].task == "regress"
    assert cluster.learner.members["late"].n_learned == 25
    assert record.rejected["target"] == 175


def test_of_many_blocks_that_workers_merge_only_one_may_have_found_outputs():
    class Merging(LocalWorkers):
        """Workers that merge among themselves, as those of a cluster do."""

        def learn(self, updates, blocks, deadline):
            done = together(super().learn(updates, blocks, deadline))
            whole = updates[1]()
            saved = SavedModel(whole.header, whole.arrays)
            tops = dict(in_tree([(one.index, one) for one in done], lambda group: merge_group(saved, group)))
            return [
                dataclasses.replace(one, header=tops[one.index].header, delta=tops[one.index].delta)
                if one.index in tops
                else dataclasses.replace(one, header={}, delta={})
                for one in done
            ]

    many = {"workers": 20, "block": 5, "warm_up": 2400, "lead": 0}
    rows = stream(2800, busy=2410)
    here, record = run(rows, **many)
    there, again = run(rows, engine=Merging(), **many)
    assert fingerprint(here.learner) == fingerprint(there.learner)
    assert as_one(record) == as_one(again)
    assert here.learner.members["busy"].n_learned == 390
    assert here.progress.rewound == 50, "ten later blocks of the round that found it came again"


def test_what_a_diagnosis_and_an_importance_need_is_kept(whole):
    model = whole[0].learner
    assert model.diagnose() is not None
    assert max(model.importance(), key=model.importance().get) == ("cost", "load")
    assert model.members["cost"].sample.n == model.n_learned
    without, _ = run(learner=make(diagnosis=False))
    assert all(member.sample is None for member in without.learner.members.values())
    asked = [x for x, _ in ROWS[:100]]
    assert without.learner.predict_many(asked) == model.predict_many(asked), "samples change no prediction"


def test_a_learner_that_is_given_gets_what_the_run_learned_and_goes_on_alone(tmp_path):
    model, rest = make(), stream(3000)[2500:]
    learn(model, ROWS, workers=4, block=25, engine="local", manifest=tmp_path / "m.hw")
    filed = hw.load(tmp_path / "m.hw")
    for x, y in rest:
        model.learn_one(x, y)
        filed.learn_one(x, y)
    assert model.n_learned == 3000
    assert model.predict_many([x for x, _ in rest]) == filed.predict_many([x for x, _ in rest])
    with pytest.raises(ConfigError, match="another chain"):
        learn(make(chain=False), ROWS, workers=4, engine="local", manifest=tmp_path / "m.hw")


def test_aggregates_of_earlier_rows_are_counted_in_the_order_of_the_stream(tmp_path):
    rolling = hw.Rolling("site", "hour", over=(50,))
    cluster, record = run(learner=make(rolling=rolling), manifest=tmp_path / "m.hw")
    alone = make(rolling=rolling)
    alone.learn_many([x for x, _ in ROWS], [y for _, y in ROWS])
    read = alone.as_read(ROWS[0][0])
    assert len(read) > len(ROWS[0][0])
    assert cluster.learner.as_read(ROWS[0][0]) == hw.load(tmp_path / "m.hw").as_read(ROWS[0][0]) == read
    assert record.rows == cluster.learner.n_learned == 2500


def test_the_cost_of_merging_is_measured_by_the_costs_of_the_outputs():
    cluster, _ = run(stream(5000), workers=2)
    assert cluster.progress.round > 70
    assert -5 < cluster.progress.merge_loss < 10
    assert cluster.standing()["loss"] == "cost"


def test_replicas_predict_every_output_as_the_learner_does():
    model = make()
    model.learn_many([x for x, _ in ROWS[:500]], [y for _, y in ROWS[:500]])
    replica = Replica()
    replica.take(500, 0.0, pack(model))
    rows, seq, _ = replica.predict([x for x, _ in ROWS[:3]])
    assert seq == 500
    assert [said for said, _ in rows] == [model.predict_one(x) for x, _ in ROWS[:3]]
    assert [shares for _, shares in rows] == [model.predict_proba_one(x) for x, _ in ROWS[:3]]


# ---- columns of files ----------------------------------------------------------------------------------------------------


def write(path, rows: list) -> str:
    lines = [f"{x['hour']},{x['load']!r},{x['site']},{y['state']},{y['cost']!r}" for x, y in rows]
    path.write_text("\n".join(["hour,load,site,state,cost", *lines, ""]), encoding="utf-8")
    return str(path)


def test_columns_of_a_file_are_learned_as_pairs_are_and_go_on_from_their_place(tmp_path, whole):
    table, path = write(tmp_path / "rows.csv", ROWS), tmp_path / "m.hw"

    def learned(engine: object = "local", **more) -> tuple:
        with Cluster(make(), workers=4, block=25, engine=engine, **more) as cluster:
            record = cluster.run(table, ["state", "cost"])
        return [cluster.learner.predict_one(x) for x, _ in ROWS[:50]], as_one(record)

    undisturbed = learned()
    assert undisturbed[0] == [whole[0].learner.predict_one(x) for x, _ in ROWS[:50]]
    assert undisturbed[1] == as_one(whole[1])
    with pytest.raises(Crash):
        learned(Mortal(9), manifest=path)
    assert learned(manifest=path) == undisturbed


def test_workers_read_the_columns_of_their_own_sources(tmp_path):
    parts = [write(tmp_path / f"{i}.csv", ROWS[at : at + 800]) for i, at in enumerate((0, 800, 1600))]
    found = []
    for engine in ("local", Forgetful(), Mortal(12)):
        path = tmp_path / f"{type(engine).__name__}.hw"
        how = {"workers": 3, "block": 25, "partition": "sources", "manifest": path}
        dies = isinstance(engine, Mortal)
        with pytest.raises(Crash) if dies else nullcontext(), Cluster(make(), engine=engine, **how) as cluster:
            cluster.run(parts, ["state", "cost"])
        model = make()
        record = learn(model, parts, ["state", "cost"], engine="local", **how)
        found.append((fingerprint(model), as_one(record)))
    assert found[0] == found[1] == found[2]
    assert {name: member.n_learned for name, member in model.members.items()} == {"state": 2400, "cost": 2400}


def test_labels_whose_columns_are_not_named_or_not_there_are_refused_in_a_sentence(tmp_path):
    table = write(tmp_path / "rows.csv", ROWS[:50])
    for source, target, said in (
        (table, None, r"target=\['late', 'delay'\]"),
        (table, ["state", "price"], "a column price"),
        (ROWS[:50], ["state"], "Leave target out"),
    ):
        with pytest.raises(ConfigError, match=said):
            learn(make(), source, target, engine="local")


def test_the_command_learns_several_columns_and_knows_them_when_it_goes_on(tmp_path, capsys):
    table, path = write(tmp_path / "rows.csv", ROWS), tmp_path / "m.hw"
    command = ["cluster", "run", table, "--model", str(path), "--engine", "local", "--block", "25", "--workers", "4"]
    assert main([*command, "--targets", "state,cost", "--seed", "1"]) == 0
    assert "2,500 rows" in capsys.readouterr().out
    model = hw.load(path, hw.MultiOutput)
    assert {name: member.n_learned for name, member in model.members.items()} == {"state": 2500, "cost": 2500}
    assert main(command) == 0
    assert "had learned all rows" in capsys.readouterr().out
    assert main([*command, "--target", "state"]) == 2
    assert "--targets for a multi-output learner" in capsys.readouterr().err


# ---- merge -------------------------------------------------------------------------------------------------------------


def taught(base: hw.MultiOutput, rows: list) -> hw.MultiOutput:
    own = copy.deepcopy(base)
    own.learn_many([x for x, _ in rows], [y for _, y in rows])
    return own


BASE = [({"size": float(i % 5)}, {"how": "small" if i % 5 < 3 else "large", "twice": 2.0 * (i % 5)}) for i in range(60)]


def test_classes_columns_and_outputs_that_one_worker_saw_are_merged_by_name():
    base = taught(hw.MultiOutput(seed=3, diagnosis=False), BASE)
    huge, heavy = {"size": 9.0, "colour": "red"}, {"weight": 1.5}
    first = taught(base, [(huge, {"how": "huge", "twice": 18.0})] * 30)
    second = taught(base, [(heavy, {"how": "heavy", "ready": True})] * 30 + [({"size": 0.0}, {"ready": False})] * 30)
    before = [fingerprint(one) for one in (base, first, second)]

    both = merge(base, [first, second])

    assert both.known_classes == [
        *(("how", label) for label in ("small", "large", "huge", "heavy")),
        ("twice",),
        ("ready", True),
        ("ready", False),
    ]
    assert (both.n_learned, both.members["how"].n_learned, both.members["ready"].n_learned) == (150, 120, 60)
    assert both.predict_one(huge)["how"] == "huge"
    assert abs(both.predict_one(huge)["twice"] - 18.0) < 4.0
    assert [both.predict_one(x)["ready"] for x in (heavy, {"size": 0.0})] == [True, False]
    both.learn_one(heavy, {"how": "heavy", "ready": True})
    assert [fingerprint(one) for one in (base, first, second)] == before, "they stay as they were"
    assert fingerprint(merge(base, [first, second])) == fingerprint(merge(base, [first, second]))


def test_two_workers_with_outputs_of_their_own_and_a_base_that_learned_nothing_are_refused():
    base = taught(hw.MultiOutput(seed=3), BASE)
    rows = [({"size": 1.0}, {"how": "small", name: 1.0}) for name in ("one", "other")]
    with pytest.raises(ConfigError, match=r"\['one'\] and \['other'\]"):
        merge(base, [taught(base, rows[:1]), taught(base, rows[1:])])
    new = hw.MultiOutput()
    with pytest.raises(DataError, match="seen no label"):
        merge(new, [taught(new, BASE), taught(new, BASE)])
    assert merge(new, [taught(new, BASE)]).n_learned == 60


@pytest.mark.parametrize("other", [{"w": 1.0}, {"kind": 1.0}, None], ids=["another output", "another task", "nothing"])
def test_a_worker_that_was_no_copy_of_the_base_is_refused_in_a_sentence(other):
    base, worker = hw.MultiOutput(seed=1), hw.MultiOutput(seed=1)
    base.learn_one({"size": 1.0}, {"kind": "small"})
    if other is not None:
        worker.learn_one({"size": 1.0}, other)
    with pytest.raises(ConfigError, match="copies of the base, with a Classifier for 'kind'"):
        hw.cluster.merge(base, [worker])


def test_a_label_that_is_no_class_and_no_number_is_refused_and_stops_no_run():
    rows = [({"size": float(i % 3)}, {"kind": "ab"[i % 2]}) for i in range(40)]
    model = hw.MultiOutput(seed=1)
    record = hw.cluster.learn(model, [*rows, ({"size": 1.0}, {"kind": [1]})], engine="local", workers=2, block=10)
    assert (record.rejected.get("target"), model.members["kind"].n_learned) == (1, 40)
