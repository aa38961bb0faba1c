"""Each fault is found on a stream that is made to have it, and nothing is found on healthy streams."""

import copy
import json
import re
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.diagnose import Diagnosis, diagnose
from headwater.errors import DataError
from headwater.kinds.classifier_regressor.data_rules import RULES as DATA_RULES
from headwater.kinds.classifier_regressor.measures import LayerState, Measures
from headwater.kinds.classifier_regressor.model_rules import RULES as MODEL_RULES
from headwater.kinds.classifier_regressor.model_rules import overfitting
from headwater.route.session import Session

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


def clear(n=3_000):
    rng = np.random.default_rng(0)
    for a, b, c in rng.normal(size=(n, 3)).tolist():
        yield {"a": a, "b": b, "c": c}, a + b > 0


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


def moved(n=3_000, at=1_500):
    """From row ``at`` on b is larger, a says the contrary, and there is a name that there was not."""
    rng = np.random.default_rng(0)
    for i in range(n):
        day = date(2026, 1, 1) + timedelta(hours=i)
        later = i >= at
        x = {
            "day": day.isoformat(),
            "a": rng.normal(),
            "b": rng.normal() + 2 * later,
            "c": "uvw"[rng.integers(2 + later)],
        }
        yield x, bool((x["a"] > 0) != later)


ILL = [
    ("underfitting", C(()), xor),
    ("overfitting", C((256,), optimizer=nn.Adam(3e-3)), noise),
    ("step_too_large", C((32,), optimizer=nn.SGD(3.0)), healthy),
    ("step_too_large", C((32,), optimizer=nn.Adam(2.0)), healthy),
    ("step_too_small", C((32,), optimizer=nn.SGD(1e-6)), healthy),
    ("saturated_units", C((32,), activation="tanh", scale=False), few(stretched)),
    ("saturated_units", C(layers=deep("sigmoid", 20.0, 1)), few()),
    ("dead_units", C((64, 64), optimizer=nn.Adam(0.1)), healthy),
    ("vanishing_gradients", C((16,) * 8, activation="sigmoid", optimizer=nn.SGD(0.1)), few()),
    ("exploding_gradients", C(layers=deep("identity", 3.0, 7), optimizer=nn.SGD(1e-9)), few()),
    ("plasticity_loss", C((32, 32), optimizer=nn.Adam(0.01)), tasks),
    ("overconfidence", C((256,), optimizer=nn.Adam(3e-3)), lambda: noise(4_000, 50)),
    ("overconfidence", C((), optimizer=nn.SGD(1.0)), healthy),
    ("underconfidence", C((), l2=0.3), clear),
    ("unscaled_inputs", C((32,), scale=False), few(lambda x, y, g: x | {"pay": 5e4 + 1e4 * g.normal()})),
    ("unscaled_inputs", R((32,), scale=False), few(lambda x, y, g: x | {"tiny": 1e-4 * g.normal()}, numbers)),
    ("constant_features", C(), few(lambda x, y, g: x | {"site": "Rome"})),
    ("leaking_features", C(), few(lambda x, y, g: x | {"paid": str(y)})),
    ("leaking_features", R(), few(lambda x, y, g: x | {"tax": 0.2 * y}, numbers)),
    ("imbalanced_classes", C(), frauds),
    ("repeating_labels", C(), runs),
    ("repeating_labels", R(), waves),
    ("drift", C(), moved),
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
def test_asampley_stream_has_no_finding(make, stream, seed):
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
    from headwater.store.learner_file import to_bytes

    model = learned(C(seed=1), healthy(800))
    before = to_bytes(model)
    model.diagnose()
    assert to_bytes(model) == before


def test_watchingsample_changes_no_prediction():
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


def test_a_drift_is_dated_and_names_columns_names_and_what_says_the_contrary():
    model = C(seed=1)
    for x, y in moved():
        model.learn_one(x, y)
    found = next(one for one in model.diagnose() if one.name == "drift")
    assert 1_440 < found.evidence["row"] < 1_600
    assert re.match(r"From about row 1,\d+ \(2026-03-0\d\) on rows are others; most changed: ", found.text)
    assert "b (mean " in found.text
    assert "c (w 0% → " in found.text
    assert "what a says of the answer" in found.text
    assert "what the answers are" not in found.text


@pytest.mark.parametrize("seed", range(5))
def test_streams_that_stand_still_and_clocks_are_no_drift(seed):
    rng = np.random.default_rng(seed)
    model = hw.Regressor(hidden=(8,), seed=1)
    numbers = np.column_stack(
        [rng.normal(size=(1_000, 6)), np.exp(3 * rng.normal(size=(1_000, 2))), np.arange(1_000.0)]
    )
    names = rng.zipf(1.5, size=(1_000, 3)) % 50
    for x, own in zip(numbers.tolist(), names.tolist(), strict=True):
        model.learn_one(
            {**{f"x{j}": v for j, v in enumerate(x)}, **{f"n{j}": f"v{v}" for j, v in enumerate(own)}}, x[0]
        )
    assert "drift" not in model.diagnose().names


@pytest.mark.parametrize("form", [np.array, list, tuple], ids=lambda form: form.__name__)
def test_embeddings_are_no_names_and_a_clock_with_gaps_is_one(form):
    """An array has no truth value, and diagnose ended in a ValueError."""
    rng = np.random.default_rng(0)
    model = C(seed=1)
    for i in range(900):
        e = rng.normal(size=64)
        model.learn_one({"e": form(e.tolist()), "at": None if i % 3 else 60.0 * i}, bool(e[0] + rng.normal() > 0))
    assert not {"drift", "leaking_features"} & set(model.diagnose().names)


def test_late_answers_and_arrays_are_diagnosed_too():
    X = np.random.default_rng(0).normal(size=(1_500, 3))
    X[:, 2] = 7
    model = C(seed=1)
    session = Session(model, delay=20)
    session.step(X, (X[:, 0] + X[:, 1] + np.random.default_rng(1).normal(size=1_500) > 0).tolist())
    session.finish()
    assert model.diagnose().names == ["constant_features"]


@pytest.mark.parametrize("make", [lambda: C(seed=1), lambda: C((32,), seed=1), lambda: R((16,), seed=1)], ids="abc")
def test_rows_learned_one_by_one_in_blocks_or_in_a_session_leave_the_same_file(make):
    from headwater.store.learner_file import to_bytes

    stream = healthy if make().task == "classify" else numbers
    X, y = zip(*changed(stream(3_000), lambda x, y, g: {n: x[n] for n in ("a", "b", "d")}), strict=True)
    one, many, blocks = make(), make(), make()
    for x, label in zip(X, y, strict=True):
        one.predict_one(x)
        one.learn_one(x, label)
    many.learn_many(list(X), list(y))
    session = Session(blocks, block=77)
    session.step(list(X), list(y))
    blocks.sample.record, blocks.sample.recorded = None, 0
    assert to_bytes(one) == to_bytes(many)
    assert to_bytes(many) == to_bytes(blocks)


@pytest.mark.parametrize(("name", "model", "stream"), ILL, ids=[f"{name}{i}" for i, (name, *_) in enumerate(ILL)])
def test_a_saved_model_tells_the_same_without_its_stream(name, model, stream, tmp_path):
    model = learned(copy.deepcopy(model), stream())
    model.save(tmp_path / "m.hw")
    told, again = model.diagnose(), hw.load(tmp_path / "m.hw").diagnose()
    assert again.names == told.names
    assert [str(finding) for finding in again] == [str(finding) for finding in told]


@pytest.mark.parametrize(
    "name", ["leaking_features", "repeating_labels", "baseline_wins", "underfitting", "step_too_small", "dead_units"]
)
def test_a_model_that_learned_row_by_row_knows_its_illness_too(name):
    for model, stream in ((copy.deepcopy(model), stream) for found, model, stream in ILL if found == name):
        for x, y in stream():
            model.learn_one(x, y)
        assert name in model.diagnose().names


def test_what_is_not_a_plain_number_is_kept_as_it_is_read(tmp_path):
    import datetime as dt
    from fractions import Fraction

    model = R((), seed=1)
    for i in range(300):
        x = {"t": dt.datetime(2024, 1, 1 + i % 28), "v": [1.0, i], "in": {"k": i}, "f": Fraction(i, 3), ("a", 1): None}
        model.learn_one(x | {"b": i % 2 == 0, "o": object()}, float(i % 28))
    model.save(tmp_path / "m.hw")
    other = hw.load(tmp_path / "m.hw")
    rows, back = ([kept.x for kept in one.sample.rows] for one in (model, other))
    assert set(back[5]) == {"t", "v", "in", "f", "b"}
    for x, y in zip(rows[:40], back[:40], strict=True):
        assert other.predict_one(y) == pytest.approx(model.predict_one(x))


def test_a_loaded_model_goes_on_keeping(tmp_path):
    X, y = zip(*healthy(3_000), strict=True)
    whole, first = C((8,), seed=1), C((8,), seed=1)
    for x, label in zip(X, y, strict=True):
        whole.learn_one(x, label)
    for x, label in zip(X[:1_100], y[:1_100], strict=True):
        first.learn_one(x, label)
    first.save(tmp_path / "m.hw")
    second = hw.load(tmp_path / "m.hw")
    for x, label in zip(X[1_100:], y[1_100:], strict=True):
        second.learn_one(x, label)
    one, other = whole.diagnose().measures, second.diagnose().measures
    assert (one.rows, one.loss, one.before, one.after) == (other.rows, other.loss, other.before, other.after)
    assert one.record == other.record


def test_a_model_that_learned_nothing_has_nothing_to_judge():
    with pytest.raises(DataError, match="expected a model that has learned"):
        diagnose(C())


def test_a_diagnosis_without_findings_says_so():
    state = LayerState("hidden layer 1 (relu)", False, 8, 0.5, 0.0)
    assert str(Diagnosis((), Measures("classify", 12_000, layers=(state,)))) == "Nothing found over 12,000 rows."


MEASURED = {
    "rows": 5_000,
    "loss": 0.69,
    "loss_before": 0.69,
    "base": 0.69,
    "before": 0.69,
    "after": 0.69,
    "judged": 400,
}
ADVISED = {
    "underfitting": Measures("classify", **MEASURED | {"after": 0.5}),
    "overfitting": Measures("classify", **MEASURED | {"after": 0.1}),
    "step_too_large": Measures("classify", **MEASURED | {"undone": 900, "steps": 5_000}),
    "step_too_small": Measures("classify", **MEASURED),
    "saturated_units": Measures("classify", **MEASURED, layers=(LayerState("layer 1", True, 8, 0.9, 0.0),)),
    "dead_units": Measures("classify", **MEASURED, layers=(LayerState("layer 1", False, 8, 0.9, 0.8),)),
    "vanishing_gradients": Measures("classify", **MEASURED, gradients=((("1", 1e-9), ("2", 1.0), ("3", 1.0)),)),
    "exploding_gradients": Measures("classify", **MEASURED, gradients=((("1", 1e9), ("2", 1.0), ("3", 1.0)),)),
    "plasticity_loss": Measures("classify", **MEASURED, units=32, sizes=((128, 0.1, 30.0), (5_000, 1.0, 2.0))),
    "overconfidence": Measures("classify", **MEASURED | {"sure": 0.95, "right": 0.6, "ece": 0.35}),
    "underconfidence": Measures("classify", **MEASURED | {"loss": 0.3, "sure": 0.6, "right": 0.95, "ece": 0.35}),
}


@pytest.mark.parametrize("name", ADVISED)
def test_advice_fits_the_model_that_is_asked_about(name):
    """The default pool is never told to become the default pool, or to change settings that only a single net has."""
    (rule,) = [rule for rule in MODEL_RULES if rule.__name__ == name]
    net, pool = (rule(replace(ADVISED[name], pool=pool)) for pool in (False, True))
    assert net is not None
    assert pool is not None
    assert pool.remedy != net.remedy
    assert (pool.text, pool.evidence) == (net.text, net.evidence)
    for only_of_a_net in ("default pool", "hidden", "(lr)", "norm='layer'", "activation=", "dropout"):
        assert only_of_a_net not in pool.remedy


def test_only_the_default_pool_counts_as_the_default_pool():
    rows = list(healthy(700))
    for model, pool in ((C(seed=1), True), (C((8,), seed=1), False), (C(experts=[nn.Expert()] * 2, seed=1), False)):
        model.learn_many(*map(list, zip(*rows, strict=True)))
        assert diagnose(model).measures.pool is pool
