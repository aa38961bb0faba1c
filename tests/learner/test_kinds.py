"""What holds for a learner of every kind: one list of kinds drives the tests, so a new one has the guarantees of all."""

import copy
import json
import math
import pickle
import threading

import numpy as np
import pandas as pd
import pytest
from river import anomaly, metrics, preprocessing

import headwater as hw
from headwater.errors import ConfigError, DataError, HeadwaterError, ModelFileError
from headwater.kinds import KINDS
from headwater.learner.kind import ABILITIES, check_can, kind_named, kind_of, kind_with
from headwater.learner.settings.limits import Limits
from headwater.route.drift import DriftWatch
from headwater.route.policies import StepUp
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint, to_bytes
from headwater.store.model_file.saved import SavedModel

EVERY = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.task)
ALONE = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if "answers" not in kind.can], ids=lambda kind: kind.task
)

ROWS = [{"a": float(i * 37 % 101) / 10, "b": i * 53 % 97, "c": "xyz"[i % 3]} for i in range(400)]
POISON = [
    {"a": math.nan, "b": None, "c": "x"},
    {"a": math.inf, "b": -math.inf},
    {"a": 1e300, "b": -1e300, "c": "y" * 10_000},
    {"a": object(), "b": [1.0, math.nan], "new": {"deep": math.inf}},
    {},
    {"a": 10**400},
]


def answers(kind, rows):
    """Answers of the kind's own sort for some rows; None where there are none."""
    if "answers" not in kind.can:
        return None
    values = [row.get("a", 0.0) for row in rows]
    values = [value if isinstance(value, float) and math.isfinite(value) else 0.0 for value in values]
    if kind.answer.decode is None:  # what each field may be
        return [[max(value, field.least) for field in kind.answer.fields] for value in values]
    if "outputs" in kind.can:
        return [{"size": ("low", "high")[value > 5], "twice": 2 * value} for value in values]
    if kind.can & {"acts", "routes"}:
        return [["low" if value % 1 < 0.5 else "high", float(value > 5), 0.5] for value in values]
    if "environment" in kind.can:  # what was done, what it brought, and the state that followed
        return [
            {
                "action": int(value) % 2,
                "reward": float(value > 5),
                "next": {"a": value, "b": 7},
                "terminated": value > 9,
            }
            for value in values
        ]
    return [("low", "high")[value > 5] for value in values] if "classes" in kind.can else values


def taught(kind, rows=ROWS[:300], **settings):
    model = kind.make({"seed": 1, **settings})
    model.step_many(rows, answers(kind, rows))
    return model


def said(model, rows=ROWS):
    forecast = model.predict_batch(rows)
    if model.task == "multioutput":
        return np.array(
            [[float(v in ("high", True)) if isinstance(v, str) else v for v in y.values()] for y in forecast.y_pred]
        )
    return forecast.y_pred if forecast.proba is None else forecast.proba


def goes_on_alike(one, other, kind):
    for model in (one, other):
        model.step_many(ROWS[300:], answers(kind, ROWS[300:]))
    return fingerprint(one) == fingerprint(other) and np.array_equal(said(one), said(other))


# ---- the list ---------------------------------------------------------------------------------------------------------


def test_every_task_stands_once_and_has_scores_for_a_session_and_for_a_service():
    tasks = [kind.task for kind in KINDS]
    assert len(set(tasks)) == len(tasks)
    for kind in KINDS:
        assert kind_with(kind.task) is kind_named(kind.name) is kind_of(kind.cls()) is kind
        assert (kind.name, kind.task) == (kind.cls.__name__, kind.cls.task)
        assert kind.can <= set(ABILITIES)
        assert kind.score.value.needs_labels == ("answers" in kind.can)
        assert kind.score(history=True).report()["n"] == 0


def test_another_task_or_setting_is_refused_with_the_ones_there_are():
    with pytest.raises(ConfigError, match=f"{KINDS[-1].task}, got 'cluster'"):
        kind_with("cluster")
    with pytest.raises(ConfigError, match="settings of Classifier, got depth=3"):
        kind_with("classify").make({"depth": 3})


@EVERY
@pytest.mark.parametrize("ability", ABILITIES)
def test_what_a_kind_can_not_do_is_refused_in_one_sentence_with_the_kinds_that_can(kind, ability):
    model = kind.cls()
    if ability in kind.can:
        check_can(model, ability, at="here")
        return
    with pytest.raises(ConfigError, match=ABILITIES[ability]) as refused:
        check_can(model, ability, at="here")
    assert refused.value.code == "kind"
    assert kind.name in refused.value.got


# ---- the file, copies, pickles ----------------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("rows", [0, 1, 300])
def test_a_saved_learner_goes_on_to_the_bit(kind, rows, tmp_path):
    model = taught(kind, ROWS[:rows]) if rows else kind.make({"seed": 1})
    model.notes = {"target": "a"}
    model.save(tmp_path / "m.hw")
    other = hw.load(tmp_path / "m.hw", kind.cls)
    assert (type(other), repr(other), other.notes) == (kind.cls, repr(model), model.notes)
    assert other.n_learned == model.n_learned == rows
    assert other.describe() == model.describe()
    if kind.cls.secret and rows:  # its file lacks the secret noise, and it goes on with other noise
        assert np.array_equal(said(other), said(model))
        return
    assert goes_on_alike(model, other, kind)


@EVERY
@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model)), lambda model: model.clone(None, True)],
    ids=["deepcopy", "copy", "pickle", "clone"],
)
def test_a_copy_shares_nothing_and_goes_on_to_the_bit(kind, copied):
    model = taught(kind)
    before = fingerprint(model)
    other = copied(model)
    other.step_many(ROWS[:10], answers(kind, ROWS[:10]))
    assert fingerprint(model) == before != fingerprint(other)
    assert goes_on_alike(model, copied(model), kind)


@EVERY
def test_a_clone_has_the_settings_and_has_learned_nothing(kind):
    model = taught(kind)
    clone = model.clone({"seed": 7})
    assert (clone.seed, clone.n_learned, clone.rejected) == (7, 0, {})
    assert repr(clone) == f"{kind.name}(seed=7)"


@EVERY
def test_a_truncated_or_altered_file_is_refused(kind, tmp_path):
    data = bytearray(to_bytes(taught(kind)))
    for at in (len(data) // 3, len(data) - 2):
        (tmp_path / "m.hw").write_bytes(data[:at])
        with pytest.raises(ModelFileError):
            hw.load(tmp_path / "m.hw")
    data[-3] ^= 0xFF
    (tmp_path / "m.hw").write_bytes(data)
    with pytest.raises(ModelFileError, match="truncated or altered"):
        hw.load(tmp_path / "m.hw")


@EVERY
@pytest.mark.parametrize("name", ["classes", "engine", "settings", "refused", "learner"])
@pytest.mark.parametrize("value", [None, 3, ["a", "a"], {"none": -1}, "Network2"])
def test_a_crafted_header_is_refused_or_read_as_it_stands_and_nothing_else_happens(kind, name, value):
    saved = LEARNER_FORMAT.pack(taught(kind))
    crafted = SavedModel(saved.header | {name: value}, saved.arrays)
    try:
        model = LEARNER_FORMAT.unpack(crafted, "here")
    except ModelFileError:
        return
    assert json.loads(json.dumps(crafted.header["notes"])) == model.written_notes
    said(model)


@ALONE
def test_a_file_with_classes_for_a_kind_that_has_none_is_refused(kind):
    saved = LEARNER_FORMAT.pack(taught(kind))
    with pytest.raises(ModelFileError, match="classes"):
        LEARNER_FORMAT.unpack(SavedModel(saved.header | {"classes": ["a"]}, saved.arrays), "here")


# ---- predicting, poison, limits, threads ------------------------------------------------------------------------------


@EVERY
def test_predicting_changes_nothing(kind):
    model = taught(kind)
    before, first = fingerprint(model), said(model)
    assert np.array_equal(said(model, [*ROWS, {"never": "seen", "a": math.nan}])[: len(ROWS)], first)
    said(model, np.array([[1.0, 2.0], [3.0, math.nan]]))
    said(model, POISON)
    assert fingerprint(model) == before


@EVERY
def test_how_rows_are_cut_into_blocks_changes_nothing(kind):
    whole, cut = taught(kind), kind.make({"seed": 1})
    for i in range(0, 300, 7):
        rows = ROWS[i : min(i + 7, 300)]
        cut.step_many(rows, answers(kind, rows))
    assert fingerprint(whole) == fingerprint(cut)


@EVERY
def test_poison_does_no_harm(kind):
    model = taught(kind)
    for row in POISON:
        model.step_many([row], answers(kind, [row]))
    model.step_many(ROWS[300:], answers(kind, ROWS[300:]))
    assert np.isfinite(np.asarray(said(model), np.float64)).all()
    clean = taught(kind, ROWS)
    assert np.abs(np.asarray(said(model, ROWS[:100]) - said(clean, ROWS[:100]), np.float64)).mean() < 2.0


@EVERY
@pytest.mark.parametrize("X", [3, "rows", [1, 2], np.zeros(3), None, [{"a": 1}, None]])
def test_what_are_no_rows_is_refused_and_nothing_is_learned(kind, X):
    model = taught(kind)
    before = fingerprint(model)
    n = len(X) if hasattr(X, "__len__") else 1
    with pytest.raises((HeadwaterError, TypeError)):
        model.step_many(X, None if "answers" not in kind.can else answers(kind, [{}] * n))
    if kind.task != "forecast" or not (X is None or isinstance(X, int)):  # there a number of times is a horizon
        with pytest.raises((HeadwaterError, TypeError)):
            model.predict_batch(X)
    assert fingerprint(model) == before


@EVERY
def test_limits_can_be_asked_before_anything_is_learned(kind):
    model = kind.make({})
    model.limits = Limits(entries=50)
    assert model.check_limits(ROWS[:5], answers(kind, ROWS[:5])).entries <= 50
    assert model.n_learned == 0


@EVERY
def test_threads_that_teach_and_ask_at_once_lose_no_row(kind):
    model = taught(kind)
    errors = []

    def teach(start):
        try:
            for i in range(start, start + 60):
                model.step_many([ROWS[i]], answers(kind, [ROWS[i]]))
                said(model, ROWS[:2])
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=teach, args=(60 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert model.n_learned == 300 + 240


# ---- the route, the journal -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "routes" not in kind.can], ids=lambda kind: kind.task)
def test_a_session_learns_what_the_learner_alone_would(kind, tmp_path):
    session = hw.Session(kind.make({"seed": 1}), keep=tmp_path / "m.hw")
    forecast = session.step(ROWS[:300], answers(kind, ROWS[:300]))
    assert len(forecast) == 300
    record = session.finish()
    assert (record.rows, record.scored + record.unscored) == (300, 300)
    assert record.names
    assert fingerprint(hw.load(tmp_path / "m.hw")) == fingerprint(session.learner)
    plain = taught(kind)
    assert np.array_equal(said(plain), said(session.learner))


@EVERY
def test_a_durable_learner_that_was_dropped_comes_back_to_the_bit_with_its_scores(kind, tmp_path):
    model, plain = hw.open(tmp_path / "a.db", kind.make({"seed": 1})), kind.make({"seed": 1})
    y = answers(kind, ROWS)
    for i in range(40):
        model.teach([ROWS[i]], None if y is None else [y[i]])
    model.teach(ROWS[40:300], None if y is None else y[40:300])
    plain.step_many(ROWS[:300], None if y is None else y[:300])
    scores = model.scores
    model.service._shut()  # as a killed process ends: no snapshot
    with hw.open(tmp_path / "a.db") as again:
        assert fingerprint(again.learner) == fingerprint(plain)
        assert again.scores == scores
        assert (again.task, again.seq, again.n_learned) == (kind.task, 300, 300)
        assert np.array_equal(said(again), said(plain))
        again.snapshot()
        assert fingerprint(again.as_of(300)) == fingerprint(plain)


# ---- kinds that need no answers ---------------------------------------------------------------------------------------


@ALONE
def test_a_session_takes_rows_alone_in_every_form(kind):
    numbers = [{"x0": float(i % 7), "x1": float(i % 5)} for i in range(200)]
    array = np.array([[row["x0"], row["x1"]] for row in numbers])
    forms = {"dicts": numbers, "iterator": iter(numbers), "array": array, "frame": pd.DataFrame(numbers)}
    found = {}
    for name, rows in forms.items():
        session = hw.Session(kind.make({"seed": 1}))
        record = session.run(rows)
        assert (record.rows, record.names) == (200, ("alarms", "mean_score"))
        found[name] = record.scores
    assert len({repr(scores) for scores in found.values()}) == 1


@ALONE
def test_labels_are_for_the_scores_alone_and_change_no_bit(kind):
    labels = [int(i % 50 == 0) for i in range(300)]
    with_labels, without = hw.Session(kind.make({"seed": 1})), hw.Session(kind.make({"seed": 1}))
    one, other = with_labels.step(ROWS[:300], labels), without.step(ROWS[:300])
    assert np.array_equal(one.y_pred, other.y_pred)
    assert fingerprint(with_labels.learner) == fingerprint(without.learner)
    record = with_labels.record()
    assert record.names == ("auc", "average_precision", "alarms", "mean_score")
    assert set(record.baselines) == {"z-norm"}
    assert without.record().names == ("alarms", "mean_score")


@ALONE
def test_a_rise_of_the_scores_is_told_as_drift(kind):
    session = hw.Session(kind.make({"seed": 1}), watch=DriftWatch("page_hinkley"))
    rng = np.random.default_rng(0)
    rows = [{"a": float(a), "b": float(b)} for a, b in rng.normal(size=(3_000, 2))]
    far = [{"a": 30.0 + i, "b": 30.0 + i, "c": f"new {i}"} for i in range(400)]
    session.step(rows)
    session.step(far)
    events = session.record().events
    assert [event.kind for event in events] == ["drift_detected"]
    assert 3_000 < events[0].row <= 3_400
    assert events[0].text.startswith("Scores rose: mean 0.")


@ALONE
def test_rooms_above_show_what_they_can_and_refuse_the_rest_in_one_sentence(kind, tmp_path):
    model = taught(kind)
    assert f"{model.n_learned:,} rows learned" in model._repr_html_()
    evaluation = hw.evaluate(kind.make({"seed": 1}), (ROWS, [None] * 200 + [0, 1] * 100), every=100)
    assert hw.plot.learning_curve(evaluation).axes[0].get_title(loc="left").startswith("auc over the last")
    assert "auc" in evaluation._repr_html_()
    assert json.loads(json.dumps(evaluation.as_dict()))["names"][0] == "auc"
    assert model.plot().axes
    for refused in (
        lambda: model.export_onnx(tmp_path / "m.onnx"),
        lambda: hw.explain.shape(model, "a"),
        lambda: hw.cluster.learn(model, zip(ROWS, [1] * 400, strict=True), engine="local"),
    ):
        with pytest.raises(ConfigError, match="expected a learner that ") as error:
            refused()
        assert error.value.code == "kind"


def test_rivers_detectors_are_scored_on_the_same_route():
    rows = [
        ({"a": float(i % 10), "b": 60.0 if i % 100 == 99 else float(i % 7)}, int(i % 100 == 99)) for i in range(2_000)
    ]
    detector = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=1)
    evaluation = hw.evaluate(detector, rows)
    alone, metric = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=1), metrics.ROCAUC(n_thresholds=1_000)
    for x, y in rows:
        score = alone.score_one(x)
        alone.learn_one(x)
        metric.update(y, score)
    assert evaluation.record.scores["auc"] == pytest.approx(metric.get(), abs=0.01)
    assert evaluation.record.baselines["z-norm"]["auc"] > 0.9


@ALONE
def test_a_row_whose_label_is_odd_is_learned_and_counted(kind):
    session = hw.Session(kind.make({"seed": 1}))
    session.step(ROWS[:4], [0, "anomaly", None, 1])
    record = session.record()
    assert (record.scored, session.learner.n_learned) == (4, 4)
    assert record.rejected == {"label is neither 0 nor 1": 1}


@ALONE
def test_what_a_session_has_no_use_for_without_answers_is_refused(kind):
    with pytest.raises(ConfigError, match="no delay"):
        hw.Session(kind.cls(), delay=10)
    with pytest.raises(ConfigError, match="has a step size"):
        hw.Session(kind.cls(), adapt=StepUp())
    with pytest.raises(DataError, match=r"as many answers as rows \(2\)"):
        hw.Session(kind.cls()).step(ROWS[:2], [1])


def test_answers_that_are_missing_are_refused_where_they_are_needed(tmp_path):
    with pytest.raises(DataError, match="an answer for each row, got none"):
        hw.Session(hw.Classifier()).step(ROWS[:2])
    with hw.open(tmp_path / "a.db", hw.Regressor()) as model:
        for teach in (lambda: model.learn_one({"a": 1.0}), lambda: model.learn_many([{"a": 1.0}])):
            with pytest.raises(DataError, match="an answer, got none"):
                teach()
        assert model.seq == 0


@ALONE
def test_a_file_is_scored_without_a_target_and_with_labels(kind, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b,odd\n" + "".join(f"{i % 9},{i % 4},{int(i % 60 == 0)}\n" for i in range(600)))
    alone = hw.evaluate(kind.make({"seed": 1}), str(path))
    assert (alone.record.rows, alone.record.names) == (600, ("alarms", "mean_score"))
    labelled = kind.make({"seed": 1})
    evaluation = hw.evaluate(labelled, str(path), "odd")
    assert evaluation.record.names[0] == "auc"
    assert "odd" not in [feature["name"] for feature in labelled.describe()["features"]]
    assert "auc" in str(evaluation)


@ALONE
def test_a_durable_detector_scores_explains_and_refuses_what_needs_answers(kind, tmp_path):
    with hw.open(tmp_path / "a.db", kind.make({"seed": 1})) as model:
        model.learn_many(ROWS[:300], [int(i % 100 == 0) for i in range(300)])
        far = {"a": 1e6, "b": 3, "c": "x"}
        assert model.score_one(far) == model.learner.score_one(far) > 0.9
        assert model.score_many(ROWS[:3]).shape == (3,)
        assert isinstance(model.is_anomaly_one(far), bool)
        assert model.explain_one(far) == model.learner.explain_one(far)
        assert model.scores["window"]["model"]["auc"] >= 0
        with pytest.raises(AttributeError, match=r"DurableAnomaly has no 'predict_one'. It has .*score_one"):
            model.predict_one(far)
        for refused in (
            lambda: model.predict_with_id(far),
            lambda: model.label("p1", 1),
            lambda: model.set_step(2.0),
        ):
            with pytest.raises(ConfigError) as error:
                refused()
            assert error.value.code == "kind"
