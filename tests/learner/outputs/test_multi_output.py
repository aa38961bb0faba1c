"""Several answers a row: what each output is, when it appears, what it reads of others, and what is refused."""

import math

import numpy as np
import pandas as pd
import pytest
from river import datasets, metrics

import headwater as hw
from headwater.errors import ConfigError, DataError, LimitError, ModelFileError, RefusedRow
from headwater.learner.settings.limits import Limits
from headwater.route.drift import DriftWatch
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.model_file.saved import SavedModel

ROWS = [{"a": float(i * 37 % 101) / 10, "c": "xyz"[i % 3]} for i in range(400)]
ANSWERS = [{"size": ("low", "high")[x["a"] > 5], "twice": 2 * x["a"], "odd": x["c"] == "x"} for x in ROWS]


def taught(answers=ANSWERS, **settings):
    model = hw.MultiOutput(seed=1, **settings)
    model.learn_many(ROWS, answers)
    return model


def test_classes_and_numbers_are_learned_side_by_side():
    model = taught()
    y, p = model.predict_one({"a": 9.0, "c": "x"}), model.predict_proba_one({"a": 9.0, "c": "x"})
    assert (list(y), y["size"], y["odd"]) == (["size", "twice", "odd"], "high", True)
    assert y["twice"] == pytest.approx(18, abs=1.5)
    assert set(p) == {"size", "odd"}
    assert p["size"]["high"] > 0.8
    assert sum(p["odd"].values()) == pytest.approx(1)
    assert {name: member.task for name, member in model.members.items()} == {
        "size": "classify",
        "twice": "regress",
        "odd": "classify",
    }
    assert model.predict_many(ROWS[:2])[0] == model.predict_one(ROWS[0])


def test_without_the_chain_each_output_is_a_learner_alone_to_the_bit():
    model = taught(chain=False)
    alone = hw.Classifier(seed=1)
    alone.learn_many(ROWS, [y["size"] for y in ANSWERS])
    assert fingerprint(model.members["size"]) == fingerprint(alone)
    second = hw.Regressor(seed=2)
    second.learn_many(ROWS, [y["twice"] for y in ANSWERS])
    assert fingerprint(model.members["twice"]) == fingerprint(second)


def test_in_a_chain_an_output_reads_what_is_predicted_of_those_before_it():
    names = [column.name for column in taught().members["odd"].engine.columns.values()]
    assert names[:2] == ["a", "c"]
    assert set(names[2:]) == {("predicted", "twice"), ("predicted", "size", "high")}
    assert [f["name"] for f in taught().describe()["features"]] == ["a", "c"]


def test_a_chain_helps_where_one_answer_says_much_of_the_next():
    rng = np.random.default_rng(0)
    X = [{f"x{j}": float(v) for j, v in enumerate(row)} for row in rng.normal(size=(1_500, 2))]
    sign = [bool(x["x0"] * x["x1"] > 0) for x in X]
    y = [{"sign": s, "level": 5.0 * s + x["x0"]} for s, x in zip(sign, X, strict=True)]
    found = {
        c: hw.evaluate(hw.MultiOutput(seed=1, chain=c, effort="fast"), list(zip(X, y, strict=True)))
        for c in (True, False)
    }
    assert found[True].record.window_scores["mae"] < found[False].record.window_scores["mae"]


def test_an_output_that_appears_later_changes_no_bit_of_the_others():
    late = [{**y, **({"late": i % 2 == 0} if i >= 200 else {})} for i, y in enumerate(ANSWERS)]
    one, other = taught(), taught(late)
    assert list(other.members) == ["size", "twice", "odd", "late"]
    for name in one.members:
        assert fingerprint(one.members[name]) == fingerprint(other.members[name])
    before = hw.MultiOutput(seed=1)
    said = before.learn_many(ROWS, late)
    assert "late" not in said[200]
    assert "late" in said[201]
    assert said[0] == {}


@pytest.mark.parametrize("missing", [None, math.nan, "left out"])
def test_a_missing_output_is_not_learned_in_that_row_and_nothing_is_counted_as_refused(missing):
    some = [
        {k: v for k, v in y.items() if k != "odd" or i % 2}
        | ({} if missing == "left out" or i % 2 else {"odd": missing})
        for i, y in enumerate(ANSWERS)
    ]
    model = taught(some)
    assert (model.n_learned, model.members["odd"].n_learned, model.members["size"].n_learned) == (400, 200, 400)
    assert "target" not in model.rejected
    rows = hw.MultiOutput(seed=1)
    for x, y in zip(ROWS, some, strict=True):
        rows.learn_one(x, y)
    assert fingerprint(rows) == fingerprint(model)


def test_a_new_class_of_an_earlier_output_is_a_new_column_and_keeps_old_bits():
    model = taught(ANSWERS[:300] + [{**y, "size": "huge"} for y in ANSWERS[300:]])
    cut = hw.MultiOutput(seed=1)
    for i in range(0, 400, 7):
        cut.learn_many(
            ROWS[i : i + 7],
            [{**y, **({"size": "huge"} if i + j >= 300 else {})} for j, y in enumerate(ANSWERS[i : i + 7])],
        )
    assert fingerprint(cut) == fingerprint(model)
    assert ("predicted", "size", "huge") in model.members["odd"].engine.columns


def test_what_an_output_is_follows_from_its_first_answer_or_from_what_was_declared():
    model = hw.MultiOutput(outputs={"label": "classify"}, seed=1)
    model.learn_many(ROWS[:3], [{"label": 1, "n": 1, "b": True, "t": "x"}] * 3)
    assert [member.task for member in model.members.values()] == ["classify", "regress", "classify", "classify"]
    assert model.known_classes == [("label", 1), ("n",), ("b", True), ("t", "x")]
    with pytest.warns(RefusedRow, match="a row was not learned: the answer is missing"):
        model.learn_one({"a": 1.0}, {"n": "text"})
    assert model.rejected["target"] == 1
    model.learn_one({"a": 1.0}, {"label": [1], "n": 1e31})  # told once in a learner's life
    assert (model.rejected["target"], model.n_learned) == (3, 3)


def test_answers_may_stand_in_a_data_frame():
    model = hw.MultiOutput(seed=1)
    model.learn_many(pd.DataFrame(ROWS), pd.DataFrame(ANSWERS))
    assert model.predict_one(ROWS[0]).keys() == ANSWERS[0].keys()


@pytest.mark.parametrize("y", [3, "text", [1], [None, 3], np.zeros((1, 2))])
def test_answers_that_are_no_dicts_are_refused(y):
    with pytest.raises((DataError, TypeError)):
        hw.MultiOutput().learn_many([{"a": 1.0}], y)


@pytest.mark.parametrize(
    "settings",
    [{"outputs": {"a": "guess"}}, {"outputs": "a"}, {"chain": 1}, {"effort": "most"}, {"dtype": "int8"}, {"seed": -1}],
)
def test_settings_that_can_not_be_are_refused(settings):
    with pytest.raises(ConfigError):
        hw.MultiOutput(**settings)


def test_late_answers_are_learned_when_they_come_and_scored_with_what_was_said_before():
    session = hw.Session(hw.MultiOutput(seed=1), delay=3)
    session.step(ROWS[:40], ANSWERS[:40])
    assert session.learner.n_learned == 37
    record = session.finish()
    assert (record.scored + record.unscored, session.learner.n_learned) == (40, 40)
    own = hw.MultiOutput(seed=1)
    own.learn_many(ROWS[:40], ANSWERS[:40])
    assert fingerprint(session.learner) == fingerprint(own)


def test_a_row_of_weight_zero_adds_names_alone_and_a_weight_that_can_not_be_is_refused():
    model = hw.MultiOutput(seed=1)
    model.learn_many(ROWS[:20], ANSWERS[:20])
    before = model.predict_many(ROWS[:5])
    model.learn_many(ROWS[20:23], ANSWERS[20:23], [0.0, 0.0, 0.0])
    assert model.predict_many(ROWS[:5]) == before
    with pytest.warns(RefusedRow, match="weight"):
        model.learn_many(ROWS[20:21], ANSWERS[20:21], [-1.0])
    assert model.rejected["weight"] == 1


def test_sets_and_intervals_are_asked_by_output():
    model = hw.MultiOutput(seed=1)
    model.learn_many(ROWS, ANSWERS)
    (said,) = model.ask(ROWS[:1], coverage=0.8).rows()
    for name, member, row in model.chained(ROWS[0]):
        own = member.ask([row], coverage=0.8).rows()[0]
        assert {column: said[column][name] for column in own if column in ("set", "low", "high")} == {
            column: value for column, value in own.items() if column not in ("y_pred", "proba")
        }


def test_limits_count_the_classes_of_all_outputs_and_nothing_is_learned_beyond():
    model = hw.MultiOutput(seed=1)
    model.limits = Limits(classes=4)
    model.learn_many(ROWS[:2], ANSWERS[:2])
    before = fingerprint(model)
    with pytest.raises(LimitError):
        model.learn_many(ROWS[:4], [{"size": f"new {i}"} for i in range(4)])
    assert fingerprint(model) == before


def test_a_model_made_of_a_file_of_other_outputs_is_refused():
    saved = LEARNER_FORMAT.pack(taught())
    classes = saved.header["classes"]
    for crafted in (classes[:-1], [*classes, {"tuple": ["more"]}], classes[:-2], [{"tuple": []}], [3], [[]]):
        with pytest.raises(ModelFileError):
            LEARNER_FORMAT.unpack(SavedModel(saved.header | {"classes": crafted}, saved.arrays), "here")
    counts = saved.header["engine"]
    for crafted in ({}, counts | {"rows": 3}, counts | {"rows": "many"}, counts | {"0.unusable": None}):
        with pytest.raises(ModelFileError):
            LEARNER_FORMAT.unpack(SavedModel(saved.header | {"engine": crafted}, saved.arrays), "here")


def test_it_is_explained_and_diagnosed_by_output_also_from_a_file(tmp_path):
    model = taught()
    model.learn_many([{**x, "same": 1.0} for x in ROWS], ANSWERS)
    model.save(tmp_path / "m.hw")
    again = hw.load(tmp_path / "m.hw", hw.MultiOutput)
    why = again.explain_one(ROWS[3])
    assert list(why) == ["size", "twice", "odd"]
    assert why["twice"].prediction == pytest.approx(model.predict_one(ROWS[3])["twice"], rel=1e-4)
    assert ("predicted", "twice") in why["odd"].contributions
    one, other = model.diagnose(), again.diagnose()
    assert str(one) == str(other)
    assert all(finding.text.startswith("Output '") for finding in one.findings)
    with pytest.raises(DataError, match="no answer"):
        hw.MultiOutput().diagnose()


def test_scores_are_those_of_river():
    rows = [(x, y) for i, (x, y) in enumerate(datasets.Yeast()) if i < 250]
    model = hw.MultiOutput(seed=1, effort="fast")
    exact = metrics.multioutput.ExactMatch()
    micro = metrics.multioutput.MicroAverage(metrics.F1())
    macro = metrics.multioutput.MacroAverage(metrics.F1())
    jaccard = metrics.multioutput.MicroAverage(metrics.Jaccard())
    for x, y in rows:
        said = model.predict_one(x)
        model.learn_one(x, y)
        if said:
            for metric in (exact, micro, macro, jaccard):
                metric.update(y, said)
    record = hw.evaluate(hw.MultiOutput(seed=1, effort="fast"), rows).record
    assert record.names == ("exact_match", "accuracy", "micro_f1", "macro_f1", "micro_jaccard")
    assert record.unscored == 1
    for name, metric in (("exact_match", exact), ("micro_f1", micro), ("macro_f1", macro), ("micro_jaccard", jaccard)):
        assert record.scores[name] == pytest.approx(metric.get())
    assert record.scores["accuracy"] > record.baselines["no-change"]["accuracy"]


def test_drift_of_one_output_is_told():
    rows = [(x, {**y, "odd": y["odd"] ^ (i >= 2_000), "twice": y["twice"] * (1 if i < 2_000 else -3)})
            for i, (x, y) in enumerate(zip(ROWS * 6, ANSWERS * 6, strict=True))]  # fmt: skip
    session = hw.Session(hw.MultiOutput(seed=1, effort="fast"), watch=DriftWatch())
    events = session.run(rows).events
    assert [event.kind for event in events][:1] == ["drift_detected"]
    assert 2_000 < events[0].row < 2_200


def test_one_target_of_a_file_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="a label of several parts each: y, got one target, 'b'"):
        hw.evaluate(hw.MultiOutput(), str(tmp_path / "rows.csv"), "b")
