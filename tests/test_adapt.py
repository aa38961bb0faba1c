"""Policies are decided from a record, and a session carries them out at rows, not at blocks."""

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.errors import ConfigError
from headwater.nn.core import MIXED, weights
from headwater.route.drift import DriftWatch
from headwater.route.policies import Adaptation, Reinitialise, Replay, ShareUp, StepUp, decide
from headwater.route.session import Session
from headwater.types import Event, Metrics, ScoredRows

KINDS = {StepUp: "step_raised", Replay: "replayed", Reinitialise: "reinitialised", ShareUp: "share_raised"}
DRIFT = Event(100, "drift_detected", "The loss rose.")


def concept(n, flip_at=None, seed=0):
    rng = np.random.default_rng(seed)
    for i in range(n):
        x = {"a": rng.normal(), "b": rng.normal(), "c": "uv"[rng.integers(2)]}
        yield x, bool(x["a"] + x["b"] > 0) != (flip_at is not None and i >= flip_at)


def learned(n=400, **settings):
    model = hw.Classifier(seed=1, **settings)
    X, y = zip(*concept(n), strict=True)
    model.learn_many(X, y)
    return model


def shown(first, n=128):
    X, y = zip(*concept(n, seed=first), strict=True)
    return ScoredRows(first, list(X), list(y), list(y), [1.0] * n, "classify")


def step(model):
    factor, more = model._engine.core.array("step")
    return 0.1 * factor * more


def test_without_an_event_nothing_is_decided():
    assert decide(Metrics(rows=9, scored=9, window=9), [StepUp(), Replay(), Reinitialise()]) == ()


def test_an_event_asks_for_the_policies_that_wait_for_it_in_a_fixed_order():
    record = Metrics(rows=9, scored=9, window=9, events=(DRIFT,))
    policies = [Replay(), StepUp(on="input_drift_detected"), Reinitialise()]
    assert decide(record, policies) == (Reinitialise(), Replay())


def test_the_step_goes_up_and_comes_back_in_stages():
    model = learned(optimizer=nn.SGD(0.1))
    adaptation = Adaptation([StepUp(factor=16.0, rows=512)])
    steps = []
    for i in range(8):
        adaptation.see(shown(1 + 128 * i), [DRIFT] if i == 1 else [], model)
        steps.append(round(step(model) / 0.1, 6))
    assert steps == [1, 16, 8, 4, 2, 1, 1, 1]


def test_the_step_of_a_schedule_is_raised_too_and_the_optimizer_is_not_touched():
    model = learned(optimizer=nn.SGD(nn.ExponentialDecay(0.1, 0.99)) if "ExponentialDecay" in vars(nn) else nn.SGD(0.1))
    before = repr(model.optimizer)
    Adaptation([StepUp(factor=2.0)]).see(shown(1), [DRIFT], model)
    assert step(model) == pytest.approx(0.2)
    assert repr(model.optimizer) == before


def test_the_newest_rows_are_learned_once_more():
    model = learned()
    before = model.n_learned
    told = Adaptation([Replay(rows=50)]).see(shown(1), [DRIFT], model)
    assert model.n_learned == before + 50
    assert told == [Event(128, "replayed", "The last 50 rows were learned once more.")]


def states(core):
    return [core.array(f"state_{k}") for k in range(core.about["states"])]


def test_reinitialising_draws_all_weights_anew_and_keeps_names_and_classes():
    model = learned(hidden=(8, 4))
    core = model._engine.core
    old, features = core.parameters.copy(), model.describe()["features"]
    core.learner.reinitialise(0, 1)
    places = core.places()
    assert not np.allclose(weights(core, places[0]), 0)
    assert not np.any(weights(core, places[-1]))
    assert not np.array_equal(old, core.parameters)
    assert not any(state.any() for state in states(core))
    assert model.describe()["features"] == features
    assert set(model.predict_proba_one({"a": 1.0}).values()) == {0.5}
    once = core.parameters.copy()
    core.learner.reinitialise(0, 2)
    assert not np.array_equal(once, core.parameters)
    core.learner.reinitialise(0, 1)
    assert np.array_equal(once, core.parameters)


def test_only_the_worst_expert_of_a_pool_is_drawn_anew():
    model = learned(1_000)
    core = model._engine.core
    worst, before = int(np.argmin(core.mixture_weights)), core.parameters.copy()
    (event,) = Adaptation([Reinitialise()]).see(shown(1), [DRIFT], model)
    assert event.text == f"The weights of expert {worst + 1} were drawn anew."
    for place in core.places():
        same = np.array_equal(weights(core, place), weights(core, place, before))
        assert same == (place.expert != worst)


def test_each_reinitialisation_draws_other_weights():
    model = learned(hidden=(8,))
    core, adaptation = model._engine.core, Adaptation([Reinitialise()])
    drawn = []
    for first in (1, 129):
        adaptation.see(shown(first), [DRIFT], model)
        drawn.append(core.parameters.copy())
    assert not np.array_equal(*drawn)


def test_a_share_evens_out_the_weights_of_a_pool():
    model = learned(1_000)
    core = model._engine.core
    before = core.mixture_weights.copy()
    Adaptation([ShareUp(0.5)]).see(shown(1), [DRIFT], model)
    np.testing.assert_allclose(core.mixture_weights, 0.5 * before + 0.5 / len(before))
    assert core.running[0, MIXED] == 0, "the weights move in large steps again"
    model.learn_many(*zip(*concept(50, seed=3), strict=True))
    assert core.running[0, MIXED] == 50
    with pytest.raises(ConfigError, match="expected a share of at most 1"):
        ShareUp(1.5)
    with pytest.raises(ConfigError, match="expected worst or all"):
        Reinitialise("best")


def test_a_reinitialised_learner_learns_again():
    model = learned(hidden=(16,))
    model._engine.core.learner.reinitialise(0, 1)
    X, y = zip(*concept(1_500, seed=5), strict=True)
    said = model.learn_many(X, y)
    assert np.mean(said[-500:] == np.array(y)[-500:]) > 0.93


@pytest.mark.parametrize("policy", [StepUp(rows=512), Replay(rows=100), Reinitialise(), ShareUp()], ids=repr)
def test_a_session_adapts_at_rows_so_that_blocks_change_nothing(policy):
    def run(block):
        model, told = hw.Classifier(seed=1, effort="fast"), []  # the default pool follows too fast to be found out
        session = Session(model, watch=DriftWatch(), adapt=policy, block=block, every=500, on_record=told.append)
        session.run(concept(4_000, flip_at=2_500))
        events = [event for record in told for event in record.events]
        return model.predict_proba_one({"a": 0.3, "b": 0.1, "c": "u"}), events

    proba, events = run(1_024)
    kinds = [event.kind for event in events]
    assert kinds[0] == "drift_detected"
    assert set(kinds[1:]) - {"drift_detected"} == {KINDS[type(policy)]}
    assert run(70) == (proba, events)


def test_a_policy_needs_sensible_numbers():
    with pytest.raises(ConfigError, match="expected factor above 0"):
        StepUp(factor=0)
    with pytest.raises(ConfigError, match="expected rows above 0"):
        Replay(rows=-1)
