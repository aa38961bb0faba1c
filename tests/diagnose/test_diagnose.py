"""Each illness is found on a stream made to provoke it, and healthy streams are left in peace."""

import copy
import json

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.diagnose import Diagnosis, diagnose
from headwater.diagnose.data import RULES as DATA_RULES
from headwater.diagnose.measures import LayerState, Measures
from headwater.diagnose.model import RULES as MODEL_RULES
from headwater.diagnose.model import overfitting
from headwater.errors import DataError
from headwater.session import Session

C, R = hw.Classifier, hw.Regressor


def healthy(n=4_000, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        x = {"a": rng.normal(), "b": rng.normal(), "c": "uvw"[rng.integers(3)], "d": rng.normal()}
        yield x, bool(x["a"] + x["b"] * (1 if x["c"] == "u" else -1) + 0.5 * rng.normal() > 0)


def numbers(n=4_000, seed=0):
    rng = np.random.default_rng(seed)
    for x, _ in healthy(n, seed):
        yield x, float(x["a"] + x["b"] ** 2 + rng.normal())


def changed(stream, change):
    rng = np.random.default_rng(9)
    for x, y in stream:
        yield change(dict(x), y, rng), y


def noise(n=1_500, d=200):
    rng = np.random.default_rng(0)
    for _ in range(n):
        yield {f"f{j}": v for j, v in enumerate(rng.normal(size=d).tolist())}, bool(rng.random() < 0.5)


def xor(n=2_000):
    rng = np.random.default_rng(0)
    for a, b in rng.normal(size=(n, 2)).tolist():
        yield {"a": a, "b": b}, a * b > 0


def tasks(n=16_000, every=500):
    rng = np.random.default_rng(0)
    for i in range(n):
        if i % every == 0:
            w = rng.normal(size=8)
        x = rng.normal(size=8)
        yield {f"f{j}": v for j, v in enumerate(x.tolist())}, bool(x @ w > 0)


def stretched(x, y, rng):
    return {name: value * 200 if isinstance(value, float) else value for name, value in x.items()}


def frauds(n=3_000):
    rng = np.random.default_rng(0)
    for x, _ in healthy(n):
        yield x, "fraud" if x["a"] > 2 and rng.random() < 0.5 else "ok"


def runs(n=2_000):
    rng = np.random.default_rng(0)
    for i in range(n):
        yield {"a": rng.normal()}, ["calm", "storm"][(i // 50) % 2]


def deep(kind, scale, layers):
    return [nn.Dense(32, kind, initializer=nn.Initializer("uniform", scale)) for _ in range(layers)]


def waves(n=1_000):
    return (({"a": 1.0 * (i % 7)}, float(np.sin(i / 100))) for i in range(n))


def few(change=None, stream=healthy):
    return lambda: stream(1_000) if change is None else changed(stream(1_000), change)


ILL = [
    ("underfitting", C(()), xor),
    ("overfitting", C((256,), optimizer=nn.Adam(3e-3)), noise),
    ("step_too_large", C((32,), optimizer=nn.SGD(3.0)), healthy),
    ("step_too_large", C((32,), optimizer=nn.Adam(2.0)), healthy),
    ("step_too_small", C((32,), optimizer=nn.SGD(1e-6)), healthy),
    ("saturated_units", C((32,), activation="tanh", scale=False), few(stretched)),
    ("saturated_units", C(layers=deep("sigmoid", 20.0, 1)), few()),
    ("dead_units", C((64, 64), optimizer=nn.Adam(0.1)), healthy),
    ("vanishing_gradients", C((16,) * 8, activation="sigmoid"), few()),
    ("exploding_gradients", C(layers=deep("identity", 3.0, 7), optimizer=nn.SGD(1e-9)), few()),
    ("plasticity_loss", C((32, 32), optimizer=nn.Adam(0.01)), tasks),
    ("unscaled_inputs", C((32,), scale=False), few(lambda x, y, g: x | {"pay": 5e4 + 1e4 * g.normal()})),
    ("unscaled_inputs", R((32,), scale=False), few(lambda x, y, g: x | {"tiny": 1e-4 * g.normal()}, numbers)),
    ("constant_features", C(), few(lambda x, y, g: x | {"site": "Rome"})),
    ("leaking_features", C(), few(lambda x, y, g: x | {"paid": str(y)})),
    ("leaking_features", R(), few(lambda x, y, g: x | {"tax": 0.2 * y}, numbers)),
    ("imbalanced_classes", C(), frauds),
    ("repeating_labels", C(), runs),
    ("repeating_labels", R(), waves),
    ("baseline_wins", C(), runs),
    ("baseline_wins", R(), waves),
]
WELL = [
    (lambda seed: C(seed=seed), healthy),
    (lambda seed: C(seed=seed, effort="fast"), healthy),
    (lambda seed: C((32,), seed=seed), healthy),
    (lambda seed: C((32, 16), activation="tanh", seed=seed), healthy),
    (lambda seed: C(seed=seed), lambda: healthy(600)),
    (lambda seed: R(seed=seed), numbers),
    (lambda seed: R((32,), seed=seed), numbers),
]


def learned(model, stream):
    Session(model).run(stream)
    return model


@pytest.mark.parametrize(("name", "model", "stream"), ILL, ids=[f"{name}{i}" for i, (name, *_) in enumerate(ILL)])
def test_an_illness_is_found_on_a_stream_that_provokes_it(name, model, stream):
    diagnosis = learned(copy.deepcopy(model), stream()).diagnose()
    finding = next((finding for finding in diagnosis if finding.name == name), None)
    assert finding is not None, str(diagnosis)
    assert finding.severity in ("serious", "warning", "note")
    assert finding.evidence
    assert any(char.isdigit() for char in finding.text)
    assert finding.remedy


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("make", "stream"), WELL, ids=range(len(WELL)))
def test_a_healthy_stream_has_no_finding(make, stream, seed):
    assert learned(make(seed), stream()).diagnose().names == []


def test_every_rule_has_a_stream_that_provokes_it():
    assert {name for name, *_ in ILL} == {rule.__name__ for rule in (*MODEL_RULES, *DATA_RULES)}


def test_rows_that_became_cheap_only_by_being_learned_are_overfitting():
    numbers = {"task": "classify", "rows": 5_000, "loss": 0.6, "base": 0.7, "before": 0.5, "after": 0.45, "worse": 0.2}
    assert overfitting(Measures(**numbers, then=0.6, now=0.2, error=0.02)).evidence["old_now"] == 0.2
    assert overfitting(Measures(**numbers, then=0.6, now=0.55, error=0.02)) is None
    assert overfitting(Measures(**numbers, then=0.6, now=0.2, error=0.2)) is None


def test_the_most_serious_finding_stands_first_and_it_reads_as_text_and_json():
    diagnosis = learned(
        C((32,), scale=False, seed=1), changed(healthy(1_000), lambda x, y, g: x | {"pay": 5e4, "k": 1})
    )
    diagnosis = diagnosis.diagnose()
    severities = [finding.severity for finding in diagnosis]
    assert severities == sorted(severities, key=("serious", "warning", "note").index)
    assert "serious, unscaled inputs: " in str(diagnosis)
    plain = json.loads(json.dumps(diagnosis.as_dict(), allow_nan=False))
    assert [finding["name"] for finding in plain["findings"]] == diagnosis.names


def test_a_diagnosis_changes_nothing():
    from headwater.store.format import to_bytes

    model = learned(C(seed=1), healthy(800))
    before = to_bytes(model)
    model.diagnose()
    assert to_bytes(model) == before


def test_watching_health_changes_no_prediction():
    X, y = zip(*healthy(1_500), strict=True)
    alone, watched = C(seed=1), C(seed=1)
    alone.learn_many(list(X), list(y))
    Session(watched).step(list(X), list(y))
    assert alone.predict_proba_one(X[0]) == watched.predict_proba_one(X[0])


def test_blocks_change_no_finding():
    def run(block):
        model = C((), seed=1)
        Session(model, block=block).run(xor())
        return model.diagnose()

    whole, pieces = run(1_024), run(37)
    assert whole.names == pieces.names
    assert "underfitting" in whole.names
    assert whole.measures.then == pytest.approx(pieces.measures.then, nan_ok=True)
    assert whole.measures.before == pytest.approx(pieces.measures.before)


def test_late_answers_and_arrays_are_diagnosed_too():
    X = np.random.default_rng(0).normal(size=(1_500, 3))
    X[:, 2] = 7
    model = C(seed=1)
    session = Session(model, delay=20)
    session.step(X, (X[:, 0] + X[:, 1] + np.random.default_rng(1).normal(size=1_500) > 0).tolist())
    session.finish()
    assert model.diagnose().names == ["constant_features"]


def test_without_a_session_there_is_nothing_to_judge():
    model = C()
    model.learn_one({"a": 1.0}, "yes")
    for learner in (C(), model):
        with pytest.raises(DataError, match="expected a model that learned through a session"):
            diagnose(learner)


def test_a_diagnosis_without_findings_says_so():
    state = LayerState("hidden layer 1 (relu)", "relu", 8, 0.5, 0.0)
    assert str(Diagnosis((), Measures("classify", 12_000, layers=(state,)))) == "Nothing found over 12,000 rows."
