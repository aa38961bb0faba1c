"""Routing between models: the budget holds, new models and prices are followed, and other policies can be valued."""

import math
import random
import subprocess
import sys
import threading
from collections import OrderedDict

import numpy as np
import pytest

import headwater as hw
from headwater._core import project, router_shares
from headwater.errors import ConfigError, DataError, UnlikelyData
from headwater.kinds.router import ask, learner
from headwater.kinds.router.prompts import row_of
from headwater.plain.kinds import router as plain
from headwater.store.learner_file import fingerprint
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


@pytest.mark.parametrize("quality", [7.0, -0.1])
def test_a_quality_beyond_its_range_is_neither_learned_nor_scored_at_any_door_of_a_log(quality):
    log = [({"task": "math"}, ["large", good, 0.5]) for good in (0.8, quality, 0.6)]
    clean, given = hw.Router(PRICES, seed=1), hw.Router(PRICES, seed=1)
    records = [hw.evaluate(router, rows).record for router, rows in ((clean, [log[0], log[2]]), (given, log))]
    assert [record.scores for record in records] == [records[0].scores] * 2
    assert [record.baselines["logged"]["mean_quality"] for record in records] == pytest.approx([0.7, 0.7])
    assert given.bandit.expected_rewards({"task": "math"}) == clean.bandit.expected_rewards({"task": "math"})
    assert given.n_learned == clean.n_learned == 2
    assert given.rejected == {"decision": 1}
    with pytest.raises(DataError, match="expected a quality from 0 to 1"):
        given.value(lambda x, models: "large", [(x, tuple(y)) for x, y in log])
    wide = hw.Router(PRICES, bandit=hw.Bandit(rewards=(0, 10)))
    wide.step_many([{"task": "math"}], [["large", 7.0, 0.5]])
    assert (wide.n_learned, wide.rejected) == (1, {})


def test_a_model_of_a_log_without_a_price_is_told_once_counted_and_learned():
    log = [({"task": "math"}, [model, 0.5, 0.5]) for model in ("large", "smal", "medium", "smal")]
    router = hw.Router(PRICES, seed=1)
    with pytest.warns(UnlikelyData) as told:
        record = hw.evaluate(router, log).record
    hw.evaluate(router, log)  # warnings are errors here
    assert len(told) == 1
    assert str(told[0].message).startswith(
        "expected models with a price: small, large, got 'smal', 'medium' — at the rows learned. Did you mean small? Give each one"
    )
    assert (record.rejected, router.rejected, router.n_learned) == ({"price": 3}, {"price": 6}, 8)
    policy = [(x, tuple(y)) for x, y in log]
    with pytest.warns(UnlikelyData, match=r"small, large, got 'smal', 'medium' — at log of value\."):
        hw.Router(PRICES, seed=1).value(lambda x, models: "large", policy)
    without = hw.Router(seed=1)  # which learns a log before it has prices
    hw.evaluate(without, log)
    assert without.rejected == {}


def test_an_outcome_of_a_model_whose_price_went_meanwhile_is_not_told(tmp_path):
    router = hw.Router(PRICES, seed=1)
    choices = [router.choose({"task": "math"}, tokens=10) for _ in range(8)]
    del router.models["small"]
    for choice in choices:
        router.reward(choice.id, quality=0.5)
    router.value(lambda x, models: "large")
    assert (router.rejected, router.n_learned) == ({}, 8)
    with hw.open(tmp_path / "a.db", hw.Router(PRICES, seed=1)) as store:
        store.learn_one({"task": "math"}, ["small", 0.5, 0.5])
        with pytest.raises(DataError, match=r"small, large, got 'medium' — at y\. Give it one first, by POST /prices"):
            store.learn_one({"task": "math"}, ["medium", 0.5, 0.5])
        store.models["medium"] = 1.0
        store.learn_one({"task": "math"}, ["medium", 0.5, 0.5])
        del store.models["medium"]
        store.value(lambda x, models: "large")
        assert store.n_learned == 2


def test_choices_that_never_hear_of_an_outcome_go_the_oldest_first_and_cost_no_time(monkeypatch, tmp_path):
    monkeypatch.setattr(learner, "_WAITING", 3)
    router = hw.Router({"small": 1.0}, seed=1)
    ids = [router.choose({"task": "chat"}).id for _ in range(5)]
    router.save(tmp_path / "router.hw")
    for one in (router, hw.load(tmp_path / "router.hw")):
        assert type(one._waiting) is OrderedDict, (
            "the first entry of a dict from which many have gone takes long to find"
        )
        for gone in ids[:2]:
            with pytest.raises(DataError, match="the id of a choice that waits"):
                one.reward(gone, quality=1.0)
        for waits in ids[2:]:
            one.reward(waits, quality=1.0)


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
    for prompt, said in (
        (7, "a text, an embedding"),
        ([0.0] * 64, "finite numbers"),
        ([float("nan")] * 64, "finite"),
        ([1.0, "x"], "got .1.0, 'x'."),
        ([[1.0], [1.0, 2.0]], "finite numbers"),
    ):
        with pytest.raises(DataError, match=said):
            row_of(prompt, None)
    for tokens in (-1, "many"):
        with pytest.raises(DataError, match="tokens of at least 0"):
            hw.Router(PRICES).choose("hi", tokens=tokens)


@pytest.mark.parametrize("width", [1, 7, 32, 33, 64, 384, 1_537])
def test_an_embedding_is_projected_as_by_numpy_however_it_is_given(width):
    e = np.random.default_rng(width).normal(size=width).astype(np.float32)
    directions = np.eye(width)
    if width > 32:
        directions = np.random.default_rng(width).normal(0, 1 / math.sqrt(32), (32, width)).T
    expected = plain.project(e.astype(np.float64), directions)
    exact = e.astype(np.float64)
    given = [e, exact, e.tolist(), tuple(e.tolist()), list(e), e[None], np.repeat(e, 2)[::2], exact.astype(">f8")]
    rows = [row_of(one, None) for one in given]
    assert list(rows[0]) == [f"e{i}" for i in range(min(width, 32))]
    assert all(row == rows[0] for row in rows)
    assert np.allclose(list(rows[0].values()), expected, rtol=0, atol=1e-14)


def test_the_probability_of_each_model_is_that_of_the_formula():
    rng = np.random.default_rng(1)
    for k in (1, 2, 3, 10):
        for _ in range(200):
            quality, cost = rng.random(k).tolist(), rng.exponential(1, k).tolist()
            taken, left = rng.integers(0, 9, k).tolist(), float(rng.choice([0.0, 1.0, math.inf]))
            high, toll = float(rng.uniform(1, 3)), float(rng.exponential(0.2))
            found = router_shares(quality, taken, cost, 0.0, high, toll, left, 5.0, 0.4, 40.0)
            settings = {"toll": toll, "left": left, "hope": 5.0, "bonus": 0.4, "gamma": 40.0}
            expected = plain.shares(quality, taken, cost, rewards=(0.0, high), **settings)
            assert found == pytest.approx(expected, abs=1e-12)
            assert sum(found) == pytest.approx(1)
            assert all(p == 0 or c <= left or c == min(cost) for p, c in zip(found, cost, strict=True))


@pytest.mark.parametrize(
    "given",
    [
        ([], [], [], *[1.0] * 7),
        ([0.5], [1, 2], [1.0], *[1.0] * 7),
        ([0.5], ["x"], [1.0], *[1.0] * 7),
        ([0.5], (1,), [1.0], *[1.0] * 7),
        ([0.5], [1], [1.0], *[1.0] * 6),
        ([0.5], [1], [1.0], *[1.0] * 6, "x"),
    ],
)
def test_shares_of_what_is_no_list_of_models_are_refused(given):
    with pytest.raises(TypeError):
        router_shares(*given)


def test_a_projection_reads_only_what_fits_its_directions():
    blank, directions = dict.fromkeys(range(16), 0.0), np.ones((2, 16))
    assert project([1.0, 2.0], directions, blank)[3] == pytest.approx(3 / math.sqrt(5))
    wrong = ([1.0], [1.0, 2.0, 3.0], [1.0, "2"], np.ones((1, 2)), np.ones(2, np.int64), [0.0, 0.0], [math.inf, 1.0])
    assert [project(embedding, directions, blank) for embedding in wrong] == [None] * 7
    assert project([1.0, 2.0], np.ones((2, 15)), dict.fromkeys(range(15), 0.0)) is None
    for given in ((7, None, blank), ([1.0], 7, blank), ([1.0], None, [1.0]), ([1.0], None)):
        with pytest.raises(TypeError):
            project(*given)


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


def test_a_choice_that_waits_is_saved_with_the_router(tmp_path):
    router = hw.Router(PRICES, budget=0.0005, seed=4)
    run(router, 50)
    waiting = router.choose({"task": "math"}, tokens=300)
    router.save(tmp_path / "r.hw")
    again = hw.load(tmp_path / "r.hw")
    assert again.frontier() == router.frontier()
    for one in (router, again):
        one.reward(waiting.id, quality=0.5, cost=0.001)
    assert (again.spent, again.price) == (router.spent, router.price)
    assert fingerprint(again) == fingerprint(router)


def test_a_router_of_before_that_was_the_file_of_its_bandit_is_read(tmp_path):
    router = hw.Router(PRICES, budget=0.0005, seed=4)
    run(router, 100)
    costs = {"small": [0.1, 0.2, 3.0]}
    old = {
        "models": PRICES,
        "budget": 0.0005,
        "seed": 4,
        "costs": costs,
        "all": [0.1, 0.2, 3.0],
        "price": 0.5,
        "debt": -0.25,
    }
    bandit = router.bandit.clone(include_attributes=True)
    bandit.notes = {"router": old | {"decisions": 100, "spent": 0.04}}
    bandit.save(tmp_path / "old.hw")
    again = hw.Router.load(tmp_path / "old.hw")
    assert (again.models, again.budget, again.decisions, again.spent) == (PRICES, 0.0005, 100, 0.04)
    assert again.price == pytest.approx(0.5 - 0.01 * 0.25)
    assert again.bandit.n_learned == 100
    run(again, 20)
    again.save(tmp_path / "new.hw")
    assert fingerprint(hw.Router.load(tmp_path / "new.hw")) == fingerprint(again)


# ---- in a store ---------------------------------------------------------------------------------------------------------


def spend(model, tokens):
    return 1.3 * PRICES.get(model, 0.4) * tokens / 1e6


@pytest.fixture
def drawn_alike(monkeypatch):
    """Draw by a seed what a store draws by the operating system's random numbers."""
    rng = random.Random(1)
    monkeypatch.setattr(ask, "drawn", lambda p: rng.choices([*p], [*p.values()])[0])


@pytest.mark.usefixtures("drawn_alike")
def test_in_a_store_it_decides_as_in_memory_and_comes_back_to_the_bit_after_an_end_without_notice(tmp_path):
    with_store = hw.open(tmp_path / "r.db", hw.Router(PRICES, budget=0.0008, seed=1))
    late = run(with_store, 400, spend=spend)[-150:]
    assert share(late, "math", "large") > 0.5
    waiting = with_store.choose({"task": "math"}, tokens=400)
    with_store.models["new"] = 0.4
    del with_store.models["small"]
    with_store.budget = 0.0009
    before = (
        fingerprint(with_store.learner),
        with_store.spent,
        with_store.price,
        with_store.frontier(),
        with_store.scores,
    )
    assert with_store.seq == 2 * 400 + 1 + 3
    with_store.service._shut()  # as a killed process ends
    with hw.open(tmp_path / "r.db") as again:
        assert (fingerprint(again.learner), again.spent, again.price, again.frontier(), again.scores) == before
        assert (dict(again.models), again.budget, again.decisions) == ({"large": 3.0, "new": 0.4}, 0.0009, 401)
        again.reward(waiting.id, quality=1.0, cost=0.002)
        assert again.spent == pytest.approx(before[1] + 0.002 - waiting.cost)
        assert again.reward(waiting.id, quality=1.0, cost=0.002)["repeated"]
        assert sum(again.chosen.values()) == 401
        always = again.value(lambda x, models: "large")
        assert (always.n, always.dr.low < 0.91 < always.dr.high) == (401, True)
    with hw.open(tmp_path / "r.db") as closed:
        assert closed.n_learned == 401


KILLED = """
import sys, headwater as hw
from headwater.store.learner_file import fingerprint
store = hw.open(sys.argv[1], hw.Router({"small": 0.25, "large": 3.0}, budget=0.0006, seed=1))
for i in range(100_000):
    choice = store.choose({"task": ["chat", "math"][i % 2]}, tokens=200 + i % 7)
    print("choice", store.seq, fingerprint(store.learner), choice.id, flush=True)
    if i % 5 == 4:
        store.models["large"] = 3.0 - i % 2
        print("price", store.seq, fingerprint(store.learner), choice.id, flush=True)
    if i % 3:
        store.reward(choice.id, quality=float(i % 4 > 0), cost=0.0002)
        print("reward", store.seq, fingerprint(store.learner), choice.id, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 7, 40, 163])
def test_a_process_killed_at_any_point_loses_nothing_that_was_answered(tmp_path, lines):
    path = tmp_path / "r.db"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    told = [child.stdout.readline() for _ in range(lines)]
    child.kill()
    told += [line for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    child.wait()
    child.stdout.close()
    said = [line.split() for line in told]
    what, seq, state, _ = said[-1]
    with hw.open(path) as again:
        assert again.seq in (int(seq), int(seq) + 1)  # the last one may be on disk and not answered
        assert fingerprint(again.learner if again.seq == int(seq) else again.as_of(int(seq))) == state
        rewarded = {one[3] for one in said if one[0] == "reward"}
        waiting = [one[3] for one in said if one[0] == "choice" and one[3] not in rewarded]
        for one in waiting[:-1] or waiting[: what != "reward" and again.seq == int(seq)]:
            assert "repeated" not in again.reward(one, quality=1.0)


def test_what_is_forgotten_of_a_store_is_as_if_it_had_never_been(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Router(PRICES, budget=0.0008, seed=1)) as store:
        kept = run(store, 20)
        gone = store.choose({"task": "math", "user": "ann"}, tokens=100)
        store.reward(gone.id, quality=1.0, cost=0.0003)
        spent = store.spent
        found = store.forget(where={"user": "ann"})
        assert found.rows == 2
        assert (store.decisions, store.n_learned) == (20, 20)
        assert store.spent == pytest.approx(spent - 0.0003)
        assert [choice.id for _, choice in kept]
        assert not any("user" in x for x, _ in store.learner._recent)


def test_a_store_refuses_what_can_not_be_and_counts_nothing(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Router(PRICES, budget=0.0008, seed=1)) as store:
        choice = store.choose("hello", tokens=10)
        for told, said in (({"quality": 7}, "a quality from 0 to 1"), ({"cost": -1.0}, "a cost of at least 0")):
            with pytest.raises(DataError, match=said):
                store.reward(choice.id, **told)
        with pytest.raises(DataError, match="the id of a prediction"):
            store.reward("p99", quality=1.0)
        with pytest.raises(ConfigError, match="prices above 0"):
            store.models["large"] = 0.0
        with pytest.raises(KeyError):
            del store.models["none"]
        with pytest.raises(ConfigError, match="a mean cost above 0"):
            store.budget = -1.0
        assert (store.seq, store.decisions, len(store.models)) == (1, 1, 2)
        store.learn_one({"task": "math"}, {"model": "large", "quality": 0.5, "p": 0.5})  # a decision of a log
        with pytest.raises(DataError, match=r"\[model, quality, p\]"):
            store.learn_one({"task": "math"}, "large")
        assert (store.n_learned, store.decisions) == (1, 1)
        store.budget = None
        assert store.budget is None
    with pytest.raises(ConfigError, match="a learner of which there can be two, got a router"):
        hw.open(tmp_path / "b.db", hw.Router(PRICES), retention=hw.Retention(max_age="1 day"))


def test_threads_may_share_a_store(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Router(PRICES, budget=0.001, seed=1)) as store:
        threads = [threading.Thread(target=run, args=(store, 40, seed)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (store.decisions, store.n_learned) == (160, 160)


def test_a_log_teaches_a_router_row_by_row_and_in_blocks_alike():
    draw = random.Random(0)
    log = [
        ({"task": task}, [model, 0.9 if model == "large" or task == "chat" else 0.3, 0.5])
        for task, model in ((draw.choice(["math", "chat"]), draw.choice(["small", "large"])) for _ in range(400))
    ]
    routers = [hw.Router(PRICES, seed=1) for _ in range(2)]
    said = str(hw.evaluate(routers[0], log))
    session = hw.Session(routers[1])
    for x, y in log:
        session.step([x], [y])
    assert "mean quality" in said
    assert "best fixed" in said
    row = {"task": "math"}
    assert routers[0].predict_one(row) == routers[1].predict_one(row) == "large"
    assert routers[0].bandit.expected_rewards(row) == routers[1].bandit.expected_rewards(row)
    assert (routers[0].n_learned, routers[0].decisions, routers[0].spent) == (400, 0, 0.0)


def test_what_would_need_a_second_budget_or_exports_rows_refuses_a_router_in_a_sentence_that_names_the_way(tmp_path):
    router = hw.Router({"small": 0.25, "large": 3.0})
    with pytest.raises(ConfigError, match=r"there can be two, got a router.*can't spend one budget"):
        hw.Expiring(router, 400)
    with pytest.raises(ConfigError, match=r"a learner that can be exported to ONNX.*got a Router.*headwater serve"):
        export_onnx(router, tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match=r"a learner that can be the member of a fleet.*got a Router.*as a feature"):
        hw.Fleet(router, key="k")
