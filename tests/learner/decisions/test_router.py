"""Routing between models: the budget holds, new models and prices are followed, and other policies can be valued."""

import math
import threading

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError
from headwater.kinds.router.prompts import row_of
from headwater.store.onnx import export_onnx

PRICES = {"small": 0.25, "large": 3.0}
GOOD = {("small", "chat"): 0.9, ("small", "math"): 0.3, ("large", "chat"): 0.92, ("large", "math"): 0.9, ("new", "chat"): 0.92, ("new", "math"): 0.9}  # fmt: skip


def run(router, n, seed=1, spend=None, start=0):
    """Route prompts, reward each, and return the models chosen by task."""
    rng, chosen = np.random.default_rng(seed), []
    for i in range(start, start + n):
        task, tokens = ("chat", "math")[i % 2], float(np.exp(rng.normal(6, 0.5)))
        choice = router.choose({"task": task}, tokens=tokens)
        cost = None if spend is None else spend(choice.model, tokens) * float(np.exp(rng.normal(0, 0.2)))
        router.reward(choice.id, quality=float(rng.random() < GOOD[choice.model, task]), cost=cost)
        chosen.append((task, choice))
    return chosen


def share(chosen, task, model):
    own = [choice.model == model for one, choice in chosen if one == task]
    return sum(own) / len(own)


@pytest.mark.parametrize("budget", [0.00025, 0.0004, 0.0006, 0.0009])
def test_the_mean_cost_keeps_to_the_budget_although_answers_cost_more_than_their_tokens(budget):
    router = hw.Router(PRICES, budget=budget, seed=1)
    run(router, 1_500, spend=lambda model, tokens: 1.7 * PRICES[model] * tokens / 1e6)
    assert router.decisions == 1_500
    assert 0.9 * budget < router.spent / 1_500 < 1.004 * budget


def test_the_dear_model_is_kept_for_prompts_that_need_it():
    router = hw.Router(PRICES, budget=0.0008, seed=1)
    late = run(router, 1_500)[-400:]
    assert share(late, "math", "large") > 0.7
    assert share(late, "chat", "small") > 0.5
    assert router.price > 0


def test_without_a_budget_the_best_model_is_chosen_whatever_it_costs():
    router = hw.Router(PRICES, seed=1)
    assert share(run(router, 600)[-200:], "math", "large") > 0.9
    assert router.spent > 0


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_new_model_is_adopted_within_142_decisions(seed):
    router = hw.Router(PRICES, budget=0.0004, seed=seed)
    run(router, 800, seed)
    router.models["new"] = 0.3
    taken = [choice.model == "new" for _, choice in run(router, 142, seed + 100, start=800)]
    assert max(sum(taken[i : i + 50]) for i in range(93)) >= 25


def test_a_price_that_falls_is_followed_and_a_deleted_model_is_never_chosen_again():
    router = hw.Router(PRICES, budget=0.0003, seed=2)
    before = share(run(router, 800)[-300:], "math", "large")
    router.models["large"] = 0.3
    assert share(run(router, 300, 3)[-200:], "math", "large") > max(0.8, before + 0.2)
    del router.models["large"]
    assert {choice.model for _, choice in run(router, 50, 4)} == {"small"}


def test_prompts_that_tell_nothing_are_decided_as_by_thompson_sampling():
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        q, router = rng.random((809, 2)) < [0.523, 0.690], hw.Router({"a": 1.0, "b": 1.0}, seed=seed)
        rewards = []
        for row in q:
            choice = router.choose()
            rewards.append(float(row["ab".index(choice.model)]))
            router.reward(choice.id, quality=rewards[-1])
        found.append((np.mean(rewards[:200]), np.mean(rewards)))
    first, whole = np.mean(found, 0)
    assert first > 0.63  # Thompson 0.656 with an error of 0.008
    assert whole > 0.67  # 0.681, 0.005


def test_probabilities_are_those_of_the_draws_and_other_policies_are_valued_with_intervals():
    router = hw.Router(PRICES, budget=0.0008, seed=3)
    chosen = run(router, 1_500)
    assert all(0 < choice.p <= 1 for _, choice in chosen)
    expected = sum(1 / choice.p for _, choice in chosen if choice.model == "large")
    assert expected > 300
    always = router.value(lambda x, models: "small")
    assert always.dr.low < 0.6 < always.dr.high
    assert always.n == 1_500


def test_the_frontier_rises_with_cost_and_its_shares_sum_to_one():
    router = hw.Router(PRICES, budget=0.0008, seed=1)
    run(router, 1_000)
    points = router.frontier()
    assert len(points) > 3
    assert [point.cost for point in points] == sorted(point.cost for point in points)
    assert points[0].shares["small"] > 0.95
    assert points[-1].quality > points[0].quality + 0.12
    assert all(sum(point.shares.values()) == pytest.approx(1) for point in points)


def test_a_reward_may_come_late_or_never_but_only_once():
    router = hw.Router(PRICES, budget=0.001, seed=1)
    first, second, third = (router.choose({"task": "chat"}, tokens=100) for _ in range(3))
    router.reward(third.id, quality=1.0)
    router.reward(first.id, cost=0.0001)
    assert router.bandit.n_learned == 1
    assert router.spent == pytest.approx(0.0001 + second.cost + third.cost)
    for name in (first.id, "r99"):
        with pytest.raises(DataError, match="a choice that waits for its quality"):
            router.reward(name, quality=1.0)
    with pytest.raises(DataError, match="a cost of at least 0"):
        router.reward(second.id, cost=-1.0)
    router.reward(second.id, quality=0.0)


@pytest.mark.parametrize("quality", [math.nan, 7, -0.1, "good", None])
def test_a_quality_or_cost_that_can_not_be_is_refused_and_the_choice_still_waits(quality):
    router = hw.Router({"small": 0.25, "large": 3.0}, budget=0.001, seed=1)
    choice, spent = router.choose("hello", tokens=10), router.spent
    with pytest.raises(DataError, match="a cost of at least 0" if quality is None else "a quality from 0 to 1"):
        router.reward(choice.id, quality=quality, cost=-1 if quality is None else 0.1)
    assert (router.spent, router.bandit.n_learned) == (spent, 0)
    router.reward(choice.id, quality=1)
    assert router.bandit.n_learned == 1


def test_a_saved_router_goes_on_to_the_bit(tmp_path):
    router = hw.Router(PRICES, budget=0.0005, seed=4)
    run(router, 300)
    router.save(tmp_path / "r.hw")
    again = hw.Router.load(tmp_path / "r.hw")
    assert (again.models, again.budget, again.decisions) == (PRICES, 0.0005, 300)
    assert [choice for _, choice in run(router, 100, 9)] == [choice for _, choice in run(again, 100, 9)]
    assert "router" not in router.bandit.notes
    hw.Bandit().save(tmp_path / "b.hw")
    with pytest.raises(ConfigError, match=r"a file that Router\.save wrote"):
        hw.Router.load(tmp_path / "b.hw")


def test_with_a_store_what_was_learned_of_quality_survives(tmp_path):
    with hw.open(tmp_path / "r.db", hw.Bandit(seed=1)) as store:
        router = hw.Router(PRICES, budget=0.0008, bandit=store)
        run(router, 400)
        assert store.n_learned == 400
    with hw.open(tmp_path / "r.db") as store:
        router = hw.Router(PRICES, budget=0.0008, bandit=store)
        assert share(run(router, 100, 5), "math", "large") > 0.5


@pytest.mark.parametrize(
    ("models", "budget", "said"),
    [
        ({}, None, "at least one model"),
        ({"a": 0}, None, "prices above 0, got 0 for a"),
        ({"a": "x"}, None, "prices above 0"),
        ({"a": 1.0}, 0, "a mean cost above 0"),
        ({"a": 1.0}, float("nan"), "a mean cost above 0"),
    ],
)
def test_models_and_budgets_that_can_not_be_are_refused(models, budget, said):
    with pytest.raises(ConfigError, match=said):
        hw.Router(models, budget=budget)


def test_a_price_that_became_impossible_is_refused_before_anything_is_counted():
    router = hw.Router(PRICES, budget=0.001)
    router.models["large"] = -1.0
    with pytest.raises(ConfigError, match="prices above 0"):
        router.choose()
    router.models.clear()
    with pytest.raises(ConfigError, match="at least one model"):
        router.choose()
    assert (router.decisions, router.spent) == (0, 0.0)


def test_prompts_may_be_texts_embeddings_features_or_nothing():
    assert row_of(None, None) == {}
    assert row_of({"task": "math"}, 0) == {"task": "math", "tokens": 0.0}
    assert row_of("def f():\n  return 1?", None)["code"] is True
    assert row_of("Wie geht es?", None)["question"] is True
    near, far = np.ones(384), np.arange(384.0) - 191.5
    a, b, c = (np.array(list(row_of(e, None).values())) for e in (near, 3 * near + 0.01, far))
    assert a.shape == (32,)
    assert np.allclose(a, b, atol=1e-6)  # length does not count
    assert a @ b > a @ c + 0.5
    assert list(row_of([3.0, 4.0], None).values()) == [0.6, 0.8]
    for prompt, said in ((7, "a text, an embedding"), ([0.0] * 64, "finite numbers"), ([float("nan")] * 64, "finite")):
        with pytest.raises(DataError, match=said):
            row_of(prompt, None)
    with pytest.raises(DataError, match="tokens of at least 0"):
        hw.Router(PRICES).choose("hi", tokens=-1)


def test_threads_may_share_a_router():
    router = hw.Router(PRICES, budget=0.001, seed=1)
    threads = [threading.Thread(target=run, args=(router, 200, seed)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (router.decisions, router.bandit.n_learned) == (800, 800)


def test_a_frontier_of_no_decisions_is_refused():
    with pytest.raises(DataError, match="some decisions"):
        hw.Router(PRICES).frontier()
    assert repr(hw.Router(PRICES, budget=0.1)) == "Router({'small': 0.25, 'large': 3.0}, budget=0.1, seed=0)"


def test_what_keeps_or_scores_a_learner_refuses_a_router_in_a_sentence_that_names_the_way(tmp_path):
    router = hw.Router({"small": 0.25, "large": 3.0})
    row = ([{"a": 1.0}], ["x"])
    doors = [
        lambda: hw.open(tmp_path / "a.db", router),
        lambda: hw.Session(router),
        lambda: hw.evaluate(router, row),
        lambda: hw.Fleet(router, key="k"),
        lambda: hw.Expiring(router, 400),
        lambda: export_onnx(router, tmp_path / "m.onnx"),
    ]
    for door in doors:
        with pytest.raises(ConfigError, match=r"got a Router, which learns by the ids of its choices.*bandit=hw\.open"):
            door()
    assert not (tmp_path / "a.db").exists()
    assert not hasattr(router, "task")  # as anybody may ask
