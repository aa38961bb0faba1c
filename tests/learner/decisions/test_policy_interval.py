"""The interval of a policy's mean reward on another's log, and of how much better it is: they hold, and say when nothing can be told."""

import msgspec
import numpy as np
import pytest

import headwater as hw
from headwater.kinds.bandit.scores.score import BanditScore
from headwater.kinds.bandit.scores.spread import OffPolicySums, PolicySpread
from headwater.kinds.bandit.scores.sums import ScoredDecision
from headwater.plain.kinds.policy_value import enough, explored, plausible, plausible_gain
from headwater.route.score import score_of
from headwater.route.verdict.leads import Lead, lead_sentences
from headwater.route.verdict.numbers import figure
from headwater.route.verdict.verdict import compare_baselines

PLACES, ACTIONS = 4, 3


def logged(rng, n, eps, *, smooth=False):
    """Return a log of an ε-greedy champion scored for another policy, that policy's value, and the champion's."""
    mean = rng.uniform(0.1, 0.9, (PLACES, ACTIONS))
    champion, other = ((mean + rng.normal(0, s, mean.shape)).argmax(1) for s in (0.25, 0.15))
    x, varied = rng.integers(0, PLACES, n), rng.random(n) < eps
    a = np.where(varied, rng.integers(0, ACTIONS, n), champion[x])
    policy = np.full((PLACES, ACTIONS), 0.1 / ACTIONS)
    policy[np.arange(PLACES), other] += 0.9
    if smooth:
        policy = rng.dirichlet(np.full(ACTIONS, 0.7), PLACES)
    taken = np.full((PLACES, ACTIONS), eps / ACTIONS)
    taken[np.arange(PLACES), champion] += 1 - eps
    r = rng.beta(2 * mean[x, a], 2 - 2 * mean[x, a]) if smooth else (rng.random(n) < mean[x, a]).astype(float)
    rows, total, count = [], np.full((PLACES, ACTIONS), 0.5), np.ones((PLACES, ACTIONS))
    for i in range(n):
        f = total[x[i]] / count[x[i]]
        numbers = (r[i], taken[x[i], a[i]], policy[x[i], a[i]], float(policy[x[i]] @ f))
        rows.append(ScoredDecision(int(a[i]), *map(float, numbers), {int(a[i]): float(f[a[i]])}))
        total[x[i], a[i]] += r[i]
        count[x[i], a[i]] += 1
    return rows, float((policy * mean).sum(1).mean()), float((taken * mean).sum(1).mean())


def summed(rows):
    sums = OffPolicySums()
    for row in rows:
        sums.add(row)
    return sums


@pytest.mark.parametrize("eps", [0.6, 0.2, 0.05])
@pytest.mark.parametrize("n", [300, 1_000])
def test_intervals_hold_the_mean_and_the_difference_however_little_the_champion_explores(n, eps):
    rng, held, false = np.random.default_rng(round(100 * eps) + n), [], 0
    for _ in range(40):
        rows, value, champion = logged(rng, n, eps)
        spread = PolicySpread(rows)
        low, high = spread.interval()
        lead = spread.lead()
        held.append((low <= value <= high, lead.low <= value - champion <= lead.high))
        false += lead.state == "better" and value <= champion
    assert np.mean(held, axis=0).min() >= 0.9  # 36 of 40: of an interval that holds in 95 % this fails once in 20
    assert np.mean(held) >= 0.93
    assert false <= 1


def test_of_a_champion_that_hardly_explored_nothing_is_said_but_how_to_explore_more():
    rng, states = np.random.default_rng(3), []
    for _ in range(20):
        rows, value, champion = logged(rng, 300, 0.01)
        spread = PolicySpread(rows)
        low, high = spread.interval()
        assert low <= value <= high
        lead = spread.lead()
        states.append(lead.state)
        assert not lead.explored
        assert lead.state != "better" or value > champion
    assert states.count("unexplored") >= 17
    said = {"recent": lead, "overall": lead}
    (english,) = lead_sentences(said, "champion", "decisions", BanditScore.exploration)
    assert english.startswith(
        "All 300 decisions: “champion” explored too little to tell (95 % interval of the difference: -"
    )
    assert 'Let it explore more, for example with explore="epsilon", amount=0.2' in english
    (chinese,) = lead_sentences(said, "champion", "decisions", BanditScore.exploration, "zh")
    assert chinese.startswith("全部 300 次决策：“champion”探索得太少，无法判断")
    assert '请让它多探索，例如设置 explore="epsilon", amount=0.2' in chinese


def test_where_the_log_explored_the_interval_is_that_of_doubly_robust_errors():
    rows, *_ = logged(np.random.default_rng(5), 400, 0.6)
    w = np.array([row.share / row.p for row in rows])
    r, f = np.array([row.reward for row in rows]), np.array([row.rewards[row.action] for row in rows])
    terms = np.array([row.expected for row in rows]) + w * (r - f)
    for spread in (PolicySpread(rows), PolicySpread(summed(rows))):
        assert spread.explored
        error = 1.96 * terms.std(ddof=1) / 20
        assert spread.interval() == pytest.approx((terms.mean() - error, terms.mean() + error))
        gains, lead = terms - r, spread.lead()
        error = 1.96 * gains.std(ddof=1) / 20
        assert (lead.low, lead.value, lead.high) == pytest.approx(
            (gains.mean() - error, gains.mean(), gains.mean() + error)
        )


@pytest.mark.parametrize("gain", [False, True])
def test_the_ends_of_empirical_likelihood_are_where_the_best_bet_has_won_half_of_the_quantile(gain):
    rng = np.random.default_rng(8)
    w = np.where(rng.random(60) < 0.1, 8.0, 0.25)
    r = (rng.random(60) < 0.6).astype(float)
    ends = (plausible_gain if gain else plausible)(w, r, 0.0, 1.0)
    far = [(0, 0), (0, 1), (1e6, 0), (1e6, 1)] if gain else [(0, 0), (1e6, 0), (1e6, 1)]
    pairs = np.concatenate([np.column_stack([w, r]), np.array(far, float)])
    counts = np.append(np.ones(60), np.full(len(far), 1e-3))
    for v in ends:
        d = (pairs[:, 0] - 1) * pairs[:, 1] - v if gain else pairs[:, 0] * pairs[:, 1] - v
        columns = np.column_stack([pairs[:, 0] - 1, d])
        assert best_bet(columns, counts) == pytest.approx(2.9957, abs=0.01)


def best_bet(columns, counts):
    """Return the wealth of the best bet, by a search that knows no derivatives."""
    scipy = pytest.importorskip("scipy.optimize")

    def lost(bet):
        left = 1 + columns @ bet
        return 1e9 if left.min() <= 0 else -float(counts @ np.log(left))

    found = [
        scipy.minimize(lost, start, method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-12, "maxiter": 20_000})
        for start in ([0.0, 0.0], [0.05, 0.0], [0.05, -0.04], [0.3, -0.2], [0.01, 0.1])
    ]
    return -min(one.fun for one in found)


def test_cells_over_all_rows_are_bounded_and_give_nearly_the_ends_of_each_row_by_itself():
    rng, off = np.random.default_rng(12), []
    for eps in (0.05, 0.2):
        for _ in range(4):
            rows = [row for _ in range(8) for row in logged(rng, 100, eps, smooth=True)[0]]
            whole, exact = summed(rows), PolicySpread(rows)
            assert len(whole.cells) <= 42 * 18
            assert len(exact.sums.cells) > 2 * len(whole.cells)
            kept = PolicySpread(whole)
            off += np.abs(np.subtract(kept.interval(), exact.interval())).tolist()
            mine, theirs = kept.lead(), exact.lead()
            off += [abs(mine.low - theirs.low), abs(mine.high - theirs.high)]
    assert 0 < max(off) < 0.002


def test_a_log_of_a_policy_that_was_never_tried_is_not_taken_for_one_that_explored():
    w, p = np.append(np.ones(280), np.zeros(40)), np.full(320, 0.99)
    assert enough(320, 0.5, 320.0, 640.0)
    assert not explored(w, p)  # an eighth of its choices were never taken
    assert explored(np.tile([2.0, 0.0], 160), np.full(320, 0.5))


def test_a_policy_that_is_the_champions_own_is_no_better_and_no_worse():
    rows = [ScoredDecision("a", float(i % 3 == 0), 0.5, 0.5, 0.4, {"a": 0.4}) for i in range(300)]
    lead = PolicySpread(rows).lead()
    assert (lead.value, lead.low, lead.high) == pytest.approx((0, 0, 0), abs=1e-12)
    assert lead.state == "open"


def test_rows_without_limits_have_no_interval_instead_of_a_wrong_one():
    score = BanditScore()
    assert score.looked().leads() == {"recent": None, "overall": None}
    for reward, p in ((1e200, 0.5), (-1e200, 5e-324), (0.0, 1.0)):
        score.update([("a", reward, p)], ["a"], [0.5])
    looked = score.looked()
    assert looked.scores()["interval"] is None
    assert looked.scores()["window"]["interval"] is None
    assert looked.leads() == {"recent": None, "overall": None}


def decisions(n, seed=2):
    rng = np.random.default_rng(seed)
    for i in range(n):
        action = "ab"[int(rng.random() < 0.4)]
        yield (
            {"hour": float(i % 24)},
            (action, float(rng.random() < (0.8 if action == "b" else 0.3)), 0.4 if action == "b" else 0.6),
        )


def scored(n):
    model = hw.Bandit(seed=1)
    score = score_of(model)
    for x, y in decisions(n):
        score.score([y], model.step_many([x], [y]))
    return model, score


def test_a_score_that_was_saved_goes_on_with_the_same_interval_and_one_of_an_earlier_version_with_that_of_its_window():
    model, score = scored(400)
    saved = score_of(model, saved=score.to_bytes())
    assert saved.looked().scores() == score.looked().scores()
    assert saved.looked().leads() == score.looked().leads()
    assert saved.to_bytes() == score.to_bytes()
    assert score.looked().leads()["overall"].state == "better"  # b is, and it was learned

    older = msgspec.msgpack.decode(score.to_bytes())
    del older["spread"]
    older = score_of(model, saved=msgspec.msgpack.encode(older)).looked()
    assert older.scores()["interval"] is None
    assert older.leads()["overall"] is None
    assert older.scores()["window"]["interval"] == score.looked().scores()["window"]["interval"]


def test_each_state_of_a_lead_has_its_sentence_in_both_languages():
    leads = [
        Lead(900, 0.1, 0.02, 0.18),
        Lead(900, -0.1, -0.18, -0.02),
        Lead(900, 0.1, -0.2, 0.4),
        Lead(1, 0, -1, 1, False, 1),
    ]
    assert [lead.state for lead in leads] == ["better", "worse", "open", "unexplored"]
    said = [lead_sentences({"recent": one, "overall": None}, "old", "decisions", "explore=1") for one in leads]
    assert [sentence for (sentence,) in said] == [
        "Last 900 decisions: better than “old” by 0.1 (95 % interval: 0.02 to 0.18).",
        "Last 900 decisions: worse than “old” by 0.1 (95 % interval: 0.02 to 0.18).",
        "Last 900 decisions: neither better nor worse than “old” for certain (95 % interval of the difference: -0.2 to 0.4).",
        (
            "Last 1 decision: “old” explored too little to tell (95 % interval of the difference: -1 to 1). "
            "Let it explore more, for example with explore=1, or wait for 1 more decision."
        ),
    ]
    both = {"recent": Lead(1000, 0.1, 0.02, 0.18), "overall": Lead(3000, 0.1, -0.01, 0.21)}
    assert lead_sentences(both, "旧", "decisions", language="zh") == [
        "最近 1,000 次决策：比“旧”好 0.1（95% 区间：0.02 至 0.18）。",
        "全部 3,000 次决策：还不能确定比“旧”好还是差（差值的 95% 区间：-0.01 至 0.21）。",
    ]


def test_no_interval_leaves_the_range_of_rewards():
    rows = [ScoredDecision("a", float(i % 100 != 0), 0.5, 0.5, 0.99, {"a": 0.99}) for i in range(300)]
    rewards = np.array([row.reward for row in rows])
    error = 1.96 * rewards.std(ddof=1) / 300**0.5
    assert rewards.mean() + error > 1
    assert PolicySpread(rows).interval() == (pytest.approx(rewards.mean() - error), 1.0)


@pytest.fixture(scope="module")
def evaluated():
    return hw.evaluate(hw.Bandit(seed=1), decisions(1500))


def test_the_record_of_an_evaluation_has_the_interval_and_the_lead_of_its_score(evaluated):
    model = hw.Bandit(seed=1)
    session = hw.Session(model, block=7)
    rows = list(decisions(1500))
    session.step([x for x, _ in rows], [y for _, y in rows])
    record, looked = session.record(), session._score.looked()
    assert record.leads == looked.leads()
    assert record.interval == looked.scores()["interval"]
    assert record.window_interval == looked.scores()["window"]["interval"]
    assert (record.interval, record.leads) == (evaluated.record.interval, evaluated.record.leads)
    assert record.interval[0] < record.scores["mean_reward"] < record.interval[1]
    overall = record.leads["overall"]
    assert overall.value == pytest.approx(record.scores["mean_reward"] - record.baselines["logged"]["mean_reward"])
    assert (overall.n, overall.state) == (1500, "better")
    plain = msgspec.json.decode(msgspec.json.encode(record.as_dict()))
    assert plain["interval"] == list(record.interval)
    assert plain["leads"]["overall"] == overall.as_dict()


def test_where_a_record_is_shown_its_lead_over_the_log_is_said(evaluated):
    record, lead = evaluated.record, evaluated.record.leads["overall"]
    said = f"All 1,500 decisions: better than “logged” by {figure(lead.value, 3)} (95 % interval: "
    assert record.sentences[-1].startswith(said)
    assert said in record.verdict
    assert said in record._repr_html_()
    assert said in str(evaluated)
    cells = {line[:9]: line.split() for line in str(evaluated).splitlines()}
    assert cells["95 % from"][3] == f"{record.interval[0]:.4f}"
    assert cells["95 % to  "][3] == f"{record.interval[1]:.4f}"
    assert compare_baselines(record, "zh").splitlines()[-1].startswith("最近 1,000 次决策：比“logged”好")


def test_a_learner_scored_on_its_own_choices_leads_nobody_and_other_kinds_have_no_interval():
    own = hw.evaluate(hw.Bandit(seed=1), [({}, ("a", float(i % 2), 1.0, ["a"])) for i in range(50)])
    assert "logged" not in own.record.verdict
    other = hw.evaluate(hw.Classifier(hidden=(4,), seed=1), [({"a": i % 2}, "ab"[i % 2]) for i in range(50)]).record
    assert (other.interval, other.window_interval, dict(other.leads)) == (None, None, {})
    assert not {"interval", "window_interval", "leads"} & other.as_dict().keys()
