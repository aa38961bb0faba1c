"""A bandit explores, learns from the reward of one action alone, takes new actions at any time, and says what a policy is worth."""

import math

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError, LimitError, RefusedRow
from headwater.kinds.bandit.decision import Decision, as_decision
from headwater.kinds.bandit.scores.score import BanditScore
from headwater.learner.settings.limits import Limits
from headwater.route.drift import DriftWatch
from headwater.store.learner_file import fingerprint

ACTIONS = ["a", "b", "c"]


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    return [{"u": float(u), "v": float(v), "w": "xyz"[i % 3]} for i, (u, v) in enumerate(rng.normal(size=(n, 2)))]


def earned(x, action):
    right = "a" if x["u"] > 0.3 else "b" if x["v"] > 0 else "c"
    return float(action == right)


def played(model, n=1_500, actions=ACTIONS, seed=0):
    """The mean reward of the last third of some rows."""
    earned_last = []
    for x in rows(n, seed):
        action, p = model.act(x, actions)
        r = earned(x, action)
        model.learn(x, action, r, p)
        earned_last.append(r)
    return np.mean(earned_last[-n // 3 :])


@pytest.mark.parametrize(
    ("explore", "least"), [("squarecb", 0.85), ("softmax", 0.8), ("epsilon", 0.7), ("linucb", 0.6)]
)
def test_it_earns_far_more_than_chance(explore, least):
    assert played(hw.Bandit(explore=explore, seed=1)) > least


def test_a_new_action_changes_no_bit_of_what_is_expected_of_the_others_and_is_tried_at_once():
    model, alone = hw.Bandit(seed=1), hw.Bandit(seed=1)
    played(model, 400, ["a", "b"]), played(alone, 400, ["a", "b"])
    before = [model.expected_rewards(x, ["a", "b"]) for x in rows(50, 5)]
    assert model.probabilities(rows(1)[0], ["a", "b", "new"])["new"] == 1 / 3
    model._add_action("new")
    assert [model.expected_rewards(x, ["a", "b"]) for x in rows(50, 5)] == before
    for i in range(60):  # beyond the room for eight outputs
        model._add_action(f"more {i}")
    assert [model.expected_rewards(x, ["a", "b"]) for x in rows(50, 5)] == before
    assert [alone.expected_rewards(x, ["a", "b"]) for x in rows(50, 5)] == before


def test_an_action_that_appears_late_and_is_better_is_found():
    model = hw.Bandit(seed=2)
    played(model, 2_000, ["a", "b"])
    drawn = []
    for x in rows(300, 3):
        action, p = model.act(x, ["a", "b", "best"])
        model.learn(x, action, 1.0 if action == "best" else earned(x, action), p)
        drawn.append(action)
    assert drawn[-100:].count("best") > 50


def test_two_actions_whose_rows_say_nothing_are_soon_told_apart_by_their_means():
    earned = []
    for seed in range(6):
        rng, model = np.random.default_rng(seed), hw.Bandit(seed=seed, hidden=16)
        for _ in range(800):
            x = {"task": "abcdefgh"[rng.integers(8)], "length": float(rng.lognormal())}
            action, p = model.act(x, ["first", "second"])
            earned.append(float(rng.random() < (0.52 if action == "first" else 0.69)))
            model.learn(x, action, earned[-1], p)
        assert (
            model.engine.core.array("bandit_stack")[5] < 0.6
        )  # the share of the row that is believed, which begins at 1
    assert np.mean(earned) > 0.665


def test_greedy_takes_each_action_once_before_it_judges():
    model, taken = hw.Bandit("greedy", hidden=4), []
    for _ in range(3):
        action, p = model.act({"u": 1.0}, ACTIONS)
        model.learn({"u": 1.0}, action, 0.9, p)
        taken.append(action)
    assert taken == ACTIONS


def test_it_follows_a_world_that_changes():
    model, earned_last = hw.Bandit(seed=1, hidden=16), []
    for i, x in enumerate(rows(3_000)):
        action, p = model.act(x, ACTIONS)
        r = earned(x, action) if i < 2_000 else earned({"u": -x["u"], "v": -x["v"]}, action)
        model.learn(x, action, r, p)
        earned_last.append(r)
    assert np.mean(earned_last[-300:]) > 0.75


def test_what_is_asked_changes_nothing_and_a_draw_its_number_alone():
    model = hw.Bandit(seed=1)
    played(model, 200)
    before = fingerprint(model)
    model.probabilities({"new": 1.0}, ["never", "seen"]), model.expected_rewards({"u": math.inf}), model.predict_one({})
    assert fingerprint(model) == before
    x = rows(1)[0]
    values, p = model.expected_rewards(x), model.probabilities(x)
    model.act(x, ACTIONS)
    assert fingerprint(model) != before
    assert (model.expected_rewards(x), model.probabilities(x)) == (values, p)


def test_it_goes_on_to_the_bit_from_a_file_draws_too(tmp_path):
    model = hw.Bandit(seed=1)
    played(model, 300)
    model.save(tmp_path / "m.hw")
    other = hw.load(tmp_path / "m.hw", hw.Bandit)
    assert (other.actions, other.taken) == (model.actions, model.taken)
    assert played(other, 100, [*ACTIONS, "d"], seed=4) == played(model, 100, [*ACTIONS, "d"], seed=4)
    assert fingerprint(other) == fingerprint(model)


def test_rewards_lie_where_they_were_declared_and_beyond_count_as_the_nearest():
    dollars, plain = hw.Bandit(rewards=(-10, 30), seed=1), hw.Bandit(seed=1)
    for i, x in enumerate(rows(200)):
        action = ACTIONS[i % 3]
        dollars.learn(x, action, -10 + 40 * earned(x, action), 0.5)
        plain.learn(x, action, earned(x, action), 0.5)
    x = rows(1, 9)[0]
    assert dollars.probabilities(x) == plain.probabilities(x)
    for action, value in plain.expected_rewards(x).items():
        assert dollars.expected_rewards(x)[action] == pytest.approx(-10 + 40 * value, abs=1e-9)
    far, nearest = dollars.clone(include_attributes=True), dollars.clone(include_attributes=True)
    far.learn(x, "a", 1e9, 0.5), nearest.learn(x, "a", 30.0, 0.5)
    assert far.expected_rewards(x) == nearest.expected_rewards(x)
    assert far.rejected["reward"] == 1


@pytest.mark.parametrize(
    "given", [("a", math.nan), ("a", math.inf), ("a", 1e31), ("a", "1"), ("a", 1.0, 0.0), ("a", 1.0, 1.5), (None, 1.0),
              ([], 1.0), ("a", 1.0, math.nan), ("a", 1.0, 0.5, "ab"), ("a",), "a", None]
)  # fmt: skip
def test_what_is_no_decision_is_refused_counted_and_changes_nothing(given):
    model = hw.Bandit(seed=1)
    played(model, 50)
    before = model.engine.core.digest()
    with pytest.warns(RefusedRow, match="action"):
        model.learn_many([{"u": 1.0}], [given])
    assert model.engine.core.digest() == before
    assert model.rejected["decision"] == 1
    assert as_decision(given) is None


def test_actions_are_bounded_as_classes_are():
    model = hw.Bandit()
    model.limits = Limits(classes=2)
    model.learn({"x": 1.0}, "a", 1.0)
    model.learn({"x": 1.0}, "b", 1.0)
    with pytest.raises(LimitError, match="2 classes"):
        model.learn({"x": 1.0}, "c", 1.0)
    assert model.actions == ["a", "b"]
    assert model.check_limits([{"x": 1.0}], [("b", 1.0, 1.0)]).classes == 0


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"explore": "most"}, "one of squarecb"),
        ({"amount": -1.0}, "a number from 0"),
        ({"explore": "epsilon", "amount": 1.5}, "from 0 to 1"),
        ({"rewards": (1.0, 1.0)}, "the lower one first"),
        ({"rewards": (0.0, math.inf)}, "the lowest and the highest"),
        ({"hidden": 0}, "whole number"),
        ({"dtype": "float16"}, "float32"),
    ],
)
def test_settings_that_can_not_be_are_refused(settings, match):
    with pytest.raises(ConfigError, match=match):
        hw.Bandit(**settings)


def test_there_must_be_something_to_choose_from():
    model = hw.Bandit()
    for actions in (None, [], [None], [[1]], "ab"):
        with pytest.raises(DataError):
            model.act({"x": 1.0}, actions)
    assert model.predict_one({"x": 1.0}) is None
    record = hw.Session(model, delay=5).run([({"x": 1.0}, ("a", 1.0, 0.5))] * 20)
    assert (record.scored, record.unscored, model.n_learned) == (14, 6, 20)
    assert record.scores["mean_reward"] == pytest.approx(1.0)


# ---- what a policy is worth ---------------------------------------------------------------------------------------------


def logged(n, seed):
    rng = np.random.default_rng(seed)
    out = []
    for x in rows(n, seed):
        p = np.array([0.6, 0.3, 0.1]) if x["u"] > 0 else np.array([0.2, 0.2, 0.6])
        j = int(rng.choice(3, p=p))
        out.append((x, Decision(ACTIONS[j], earned(x, ACTIONS[j]), float(p[j]), tuple(ACTIONS))))
    return out


def test_estimates_hold_the_true_value_in_their_intervals_and_doubly_robust_ones_are_narrower():
    def policy(x, actions):
        return "a" if x["u"] > 0 else {"b": 0.5, "c": 0.5}

    truth = np.mean(
        [earned(x, "a") if x["u"] > 0 else (earned(x, "b") + earned(x, "c")) / 2 for x in rows(100_000, 99)]
    )
    held, widths = {"ips": 0, "snips": 0, "dr": 0}, {"ips": [], "dr": []}
    for seed in range(20):
        value = hw.Bandit(seed=1).value(policy, logged(400, seed))
        for name in held:
            one = getattr(value, name)
            held[name] += one.low <= truth <= one.high
        for name in widths:
            widths[name].append(getattr(value, name).high - getattr(value, name).low)
    assert min(held.values()) >= 16
    assert np.mean(widths["dr"]) < 0.85 * np.mean(widths["ips"])


@pytest.mark.parametrize("explore", ["squarecb", "epsilon", "softmax"])
def test_intervals_hold_though_the_log_of_a_bandit_hardly_explored_and_it_says_so(explore):
    def choice(action):
        return lambda x, actions: action

    truth = {a: np.mean([earned(x, a) for x in rows(20_000, 99)]) for a in ACTIONS}
    held, said = [], []
    for seed in range(8):
        model, log = hw.Bandit(seed=seed, explore=explore), []
        for x in rows(400, seed):
            action, p = model.act(x, ACTIONS)
            log.append((x, Decision(action, earned(x, action), p, tuple(ACTIONS))))
            model.learn(x, *log[-1][1])
        for action in ACTIONS:
            value = hw.Bandit().value(choice(action), log)
            held += [one.low <= truth[action] <= one.high for one in (value.ips, value.snips, value.dr)]
            said.append(value.explored)
    assert np.mean(held) >= 0.93
    assert not any(said)
    assert "explored too little" in str(value)


def test_the_value_of_what_was_done_is_what_it_earned_and_a_bandit_is_a_policy():
    log = logged(300, 1)
    model = hw.Bandit(seed=1)

    def same(x, actions):
        p = (0.6, 0.3, 0.1) if x["u"] > 0 else (0.2, 0.2, 0.6)
        return dict(zip(ACTIONS, p, strict=True))

    value = model.value(same, log)
    assert value.ips.value == pytest.approx(value.logged.value) == pytest.approx(value.snips.value)
    assert value.matched == pytest.approx(300)
    assert str(value).startswith("mean reward over 300 rows")
    model.learn_many([x for x, _ in log], [decision for _, decision in log])
    before = fingerprint(model)
    assert model.value(model, logged(300, 2)).dr.value > value.logged.value
    assert fingerprint(model) == before


def test_a_policy_or_a_log_that_can_not_be_is_refused():
    log = logged(10, 1)
    for policy, error in (
        (3, "a function"),
        (lambda x, a: {"a": 0.7}, "sum to 1"),
        (lambda x, a: {"a": -1.0, "b": 2.0}, "sum"),
    ):
        with pytest.raises(ConfigError, match=error):
            hw.Bandit().value(policy, log)
    with pytest.raises(DataError, match="a log of decisions, got none"):
        hw.Bandit().value(lambda x, a: a[0], [])
    with pytest.raises(DataError, match="row 0 of the log"):
        hw.Bandit().value(lambda x, a: a[0], [({"x": 1.0}, "a")])


# ---- weights --------------------------------------------------------------------------------------------------------------


def weighed(w, n=200, **settings):
    model = hw.Bandit(seed=1, **settings)
    X = rows(n)
    decisions = [(ACTIONS[i % 3], earned(x, ACTIONS[i % 3]), 0.5) for i, x in enumerate(X)]
    model.learn_many(X, decisions, w)
    return model


def test_a_row_of_weight_one_is_one_without_a_weight_to_the_bit_and_one_of_weight_0_was_never_there():
    plain = fingerprint(weighed(None))
    assert fingerprint(weighed([1.0] * 200)) == fingerprint(weighed(1)) == plain
    model = weighed(None)
    model.learn(rows(1)[0], "unknown", 1.0, w=0)
    model.learn_many(rows(3), [("unknown", 1.0)] * 3, [0.0] * 3)
    assert (fingerprint(model), model.actions) == (plain, ACTIONS)
    assert fingerprint(weighed([2.0] * 200)) != plain


@pytest.mark.parametrize("weight", [(3.0, 1.0), (1.0, 3.0), (0.75, 0.25)])
def test_what_is_expected_of_an_action_is_the_weighted_mean_of_its_rewards(weight):
    model = hw.Bandit(seed=1)
    for i in range(1_200):
        model.learn({"u": 1.0}, "a", float(i % 2 == 0), w=weight[i % 2])
    share = weight[0] / sum(weight)
    assert model.expected_rewards({"u": 1.0})["a"] == pytest.approx(share, abs=0.06)


@pytest.mark.parametrize("w", [-1.0, math.nan, math.inf, 1e16])
def test_a_weight_that_is_none_is_refused_in_a_sentence_counted_and_changes_nothing(w):
    model = weighed(None)
    expected = model.expected_rewards(rows(1)[0])
    with pytest.warns(RefusedRow, match="the weight of the sample is negative, beyond 1e15, or not a number"):
        model.learn(rows(1)[0], "a", 1.0, w=w)
    model.learn_many(rows(1), [("a", 1.0)], [w])
    assert model.rejected["weight"] == 2
    assert (model.n_learned, model.expected_rewards(rows(1)[0])) == (200, expected)


def test_the_heaviest_and_the_lightest_rows_leave_numbers_that_a_file_holds(tmp_path):
    model = weighed([1e15, 5e-324, 1e15, 1.0] * 50)
    model.save(tmp_path / "m.hw")
    again = hw.load(tmp_path / "m.hw")
    assert fingerprint(again) == fingerprint(model)
    values = again.expected_rewards(rows(1)[0])
    assert all(0 <= value <= 1 for value in values.values())


def test_weights_of_decisions_with_features_and_of_late_rewards_are_learned(tmp_path):
    offer = {"x": {"price": 1.0}, "y": {"price": 2.0}}
    twins = [hw.Bandit(seed=1) for _ in range(3)]
    for i in range(60):
        for model, w in zip(twins, (1.0, 1.0, 1.0 + i % 3), strict=True):
            model.learn({"u": float(i % 5)}, "xy"[i % 2], float(i % 2), 0.5, offer, w)
    assert fingerprint(twins[0]) == fingerprint(twins[1]) != fingerprint(twins[2])
    plain = hw.Bandit(seed=1)
    with hw.open(tmp_path / "a.db", hw.Bandit(seed=1)) as store:
        for i, x in enumerate(rows(40)):
            name, action, p = store.act_with_id(x, ACTIONS)
            store.reward(name, earned(x, action), 0.5 + i % 3)
            plain.learn(x, action, earned(x, action), p, w=0.5 + i % 3)
        store.learn(rows(1)[0], "a", 1.0, 0.5, w=4.0)
        plain.learn(rows(1)[0], "a", 1.0, 0.5, w=4.0)
        store.service._shut()  # without a last snapshot, as if killed
    with hw.open(tmp_path / "a.db") as again:
        assert fingerprint(again.learner) == fingerprint(plain)


# ---- stored ---------------------------------------------------------------------------------------------------------------


def test_a_durable_bandit_keeps_actions_until_their_rewards_come_and_judges_policies_by_its_journal(tmp_path):
    plain, waiting = hw.Bandit(seed=1), []
    with hw.open(tmp_path / "a.db", hw.Bandit(seed=1)) as store:
        for x in rows(80):
            name, action, p = store.act_with_id(x, ACTIONS)
            waiting.append((name, x, action, p))
    with hw.open(tmp_path / "a.db") as store:
        for name, x, action, p in waiting[::-1]:
            told = store.reward(name, earned(x, action))
            assert told["y_pred"] == action
            plain.learn(x, action, earned(x, action), p)
        assert store.reward(waiting[0][0], earned(*waiting[0][1:3]))["repeated"] is True
        action, p = store.act(rows(1)[0])
        store.learn(rows(1)[0], action, 1.0, p, ACTIONS)
        plain.learn(rows(1)[0], action, 1.0, p, ACTIONS)
        assert fingerprint(store.learner) == fingerprint(plain)
        assert store.scores["logged"]["mean_reward"] > 0
        value = store.value(lambda x, actions: "a")
        assert value.n == 81
        assert 0 < value.snips.value < 1
        for refused in (lambda: store.reward("p999", 1.0), lambda: store.reward("p1", math.nan)):
            with pytest.raises(DataError):
                refused()
        for bad in ("a", ["a", 1.0, 0.0], [("a", 1), 1.0]):
            with pytest.raises(DataError):
                store.learn_one({"x": 1.0}, bad)
        seq = store.seq
        store.service._shut()
    with hw.open(tmp_path / "a.db") as again:
        assert (again.seq, fingerprint(again.learner)) == (seq, fingerprint(plain))


def test_a_session_scores_a_log_beside_simple_policies():
    session = hw.Session(hw.Bandit(seed=1))
    log = logged(1_500, 3)
    record = session.run([(x, tuple(decision)) for x, decision in log])
    assert record.names == ("mean_reward",)
    assert record.scores["mean_reward"] > record.baselines["best fixed"]["mean_reward"] > 0.3
    assert record.baselines["uniform"]["mean_reward"] == pytest.approx(1 / 3, abs=0.05)
    assert record.baselines["logged"]["mean_reward"] == pytest.approx(np.mean([d.reward for _, d in log]))


def test_a_diagnosis_says_what_is_wrong_with_actions_and_rewards():
    model = hw.Bandit(seed=1)
    with pytest.raises(DataError):
        model.diagnose()
    played(model, 600)
    assert model.diagnose().names == []
    greedy = hw.Bandit(explore="greedy")
    for x in rows(400):
        greedy.learn(x, "a", 5.0)
    assert greedy.diagnose().names == ["one_action", "rewards_outside", "no_exploration"]
    narrow = hw.Bandit(rewards=(0, 1000))
    for i, x in enumerate(rows(400)):
        narrow.learn(x, ACTIONS[i % 2], float(i % 2), 0.5)
    assert narrow.diagnose().names == ["narrow_rewards"]
    same = hw.Bandit()
    for i, x in enumerate(rows(400)):
        same.learn(x, ACTIONS[i % 2], 1.0, 0.5)
    assert same.diagnose().names == ["same_rewards"]


def test_an_explanation_names_the_column_that_decides():
    model = hw.Bandit(seed=1)
    played(model, 1_500)
    why = model.explain_one({"u": 2.0, "v": 0.0, "w": "x"}, "a")
    assert next(iter(why.contributions)) == "u"
    assert str(why).startswith("reward(a) = ")
    with pytest.raises(ConfigError, match="an action that was learned"):
        model.explain_one({"u": 1.0}, "never")
    with pytest.raises(DataError):
        hw.Bandit().explain_one({"u": 1.0})


def test_rooms_above_show_it_and_tell_when_rewards_fall():
    session = hw.Session(hw.Bandit(seed=1), watch=DriftWatch("page_hinkley"))
    rng = np.random.default_rng(1)
    for i, x in enumerate(rows(3_000)):
        falls = i >= 2_000
        session.step([x], [(ACTIONS[i % 3], float(rng.random() < (0.05 if falls else 0.9)), 1 / 3)])
    events = session.record().events
    assert [event.text.partition(":")[0] for event in events] == ["Rewards fell"]
    assert 2_000 < events[0].row < 2_300
    model = session.learner
    assert "recursive least squares" in model._repr_html_()
    assert list(model.predict_many(rows(3))) == [model.predict_one(x) for x in rows(3)]
    assert model.predict_proba_many(rows(3)).sum(axis=1) == pytest.approx([1, 1, 1])
    assert set(model.importance()) == set(rows(1)[0])
    bars = model.plot().axes[0].patches
    assert sorted(bar.get_width() for bar in bars) == pytest.approx(sorted(mean for _, mean in model.taken.values()))


def offer_of(rng):
    return {
        f"ad {rng.integers(10**9)}": {"price": float(rng.normal()), "kind": "xyz"[rng.integers(3)]} for _ in range(4)
    }


def worth_of(x, features):
    return float(np.clip(0.5 + 0.25 * x["u"] * features["price"] + 0.2 * (features["kind"] == x["w"]), 0, 1))


def offered_log(model, n, seed=0):
    rng, log = np.random.default_rng(seed), []
    for x in rows(n, seed):
        offer = offer_of(rng)
        action, p = model.act(x, offer)
        log.append((x, (action, worth_of(x, offer[action]), p, offer)))
        model.learn(x, *log[-1][1])
    return log


def test_actions_that_are_new_in_every_row_are_told_apart_by_their_features():
    model = hw.Bandit(seed=1, hidden=16)
    log = offered_log(model, 600)[-200:]
    best = np.mean([max(worth_of(x, features) for features in offer.values()) for x, (_, _, _, offer) in log])
    even = np.mean([worth_of(x, features) for x, (_, _, _, offer) in log for features in offer.values()])
    assert np.mean([y[1] for _, y in log]) > even + 0.8 * (best - even)
    assert (model.with_features, model.known_classes) == (True, [])


def test_a_bandit_with_features_goes_on_to_the_bit_and_judges_policies(tmp_path):
    model = hw.Bandit(seed=1, hidden=8)
    log = offered_log(model, 200)
    model.save(tmp_path / "m.hw")
    other = hw.load(tmp_path / "m.hw", hw.Bandit)
    offered_log(model, 50, 3), offered_log(other, 50, 3)
    assert fingerprint(other) == fingerprint(model)
    value = model.value(lambda x, actions: next(iter(actions)), log)
    true = np.mean([worth_of(x, next(iter(offer.values()))) for x, (_, _, _, offer) in log])
    assert value.snips.low <= true <= value.snips.high


def test_a_durable_bandit_keeps_features_until_the_reward_comes_and_forgets_them(tmp_path):
    log = offered_log(hw.Bandit(seed=2, hidden=4), 20)
    x, (_, _, _, offer) = log[-1]
    with hw.open(tmp_path / "a.db", hw.Bandit(seed=1, hidden=4)) as store:
        kept, action, _ = store.act_with_id(x, offer)
    with hw.open(tmp_path / "a.db") as store:
        store.reward(kept, 1.0)
        store.teach([x for x, _ in log], [y for _, y in log])
        assert store.learner.n_learned == 21
        assert store.value(lambda x, actions: next(iter(actions))).n == 21
        with pytest.raises(DataError, match="actions with their features"):
            store.learn(x, action, 1.0, 0.5)
        store.forget(rows=[1])
        forgotten = store.learner.expected_rewards(x, offer)
    alone = hw.Bandit(seed=1, hidden=4)
    for row, y in log:
        alone.learn(row, *y)
    assert alone.expected_rewards(x, offer) == forgotten


def test_a_session_scores_offers_by_place():
    log = offered_log(hw.Bandit("epsilon", amount=1.0, seed=1, hidden=4), 60)
    session = hw.Session(hw.Bandit(seed=1, hidden=4))
    session.step([x for x, _ in log], [y for _, y in log])
    assert session.record().scored == 60
    score, y = BanditScore(), [y for _, y in log]
    score.score(y, hw.Bandit(seed=1, hidden=4).step_many([x for x, _ in log], y))
    assert set(score.report()["actions"]) == {"0", "1", "2", "3"}


@pytest.mark.parametrize("ask", [
    lambda m, x: m.act(x, ["a"]), lambda m, x: m.act(x), lambda m, x: m.predict_one(x), lambda m, x: m.learn(x, "a", 1.0),
    lambda m, x: m.importance(), lambda m, x: m.ask([x]), lambda m, x: m.explain_one(x), lambda m, x: m.act(x, {"a": 1.0}),
])  # fmt: skip
def test_what_needs_named_actions_says_so_where_they_have_features(ask):
    model = hw.Bandit(hidden=4)
    offered_log(model, 3)
    with pytest.raises((DataError, ConfigError), match="features"):
        ask(model, {"u": 1.0})


def test_decisions_of_the_other_form_are_refused_and_counted_in_a_log():
    featured, named = hw.Bandit(hidden=4), hw.Bandit(hidden=4)
    (x, y), *_ = offered_log(featured, 3)
    named.learn(x, "a", 1.0)
    for model, refused in ((featured, [("a", 1.0), ("b", 1.0, 0.5, y[3])]), (named, [y])):
        n = model.n_learned
        with pytest.warns(RefusedRow):
            model.learn_many([x] * len(refused), refused)
        assert (model.n_learned, model.rejected["decision"]) == (n, len(refused))


def test_actions_with_features_are_refused_by_a_bandit_that_learned_names():
    model = hw.Bandit(hidden=4)
    model.learn({"u": 1.0}, "a", 1.0)
    with pytest.raises(DataError, match="without features"):
        model.act({"u": 1.0}, {"a": {"price": 1.0}})
