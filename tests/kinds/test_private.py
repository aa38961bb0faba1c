"""Private learners: the noise that is promised is there, in every state that anyone can see, and secrets stay in the store."""

from __future__ import annotations

import copy
import itertools
import math
import warnings

import numpy as np
import pytest

import headwater as hw
from headwater import Privacy, _core, privacy
from headwater.cli import main
from headwater.errors import ConfigError, DataError, TargetError, UnlikelyData
from headwater.kinds.private.engine import SECRET
from headwater.kinds.private.entries import Entries, Rows
from headwater.privacy.accountant import HORIZON, OMEGA, THETA, coefficients, delta_of, noise_multiplier, sensitivity
from headwater.store.model_file import read, unseal

ROWS = [{"age": float(i * 37 % 100), "job": "abc"[i % 3]} for i in range(3_000)]
LABELS = ["yes" if row["age"] > 45 else "no" for row in ROWS]
BOUNDS = {"age": (0, 100)}


def private(**settings):
    return hw.Classifier(privacy=Privacy(**{"bounds": BOUNDS, "classes": ("no", "yes"), **settings}))


# ---- the noise -----------------------------------------------------------------------------------------------------------


def test_the_cipher_is_chacha20():
    out = np.zeros(64, np.uint8)
    _core.secret_block(bytes(32), 0, out)  # draft-agl-tls-chacha20poly1305, test vector 1
    assert bytes(out).hex() == (
        "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
        "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
    )
    _core.secret_block(bytes(31) + b"\x01", 0, out)  # test vector 2
    assert bytes(out).hex().startswith("4540f05a9f1fb296d7736e7b208e3c96eb4fe1834688d2604f450952ed432d41")


def test_the_noise_is_normal_on_a_grid_and_the_same_from_any_block_on():
    z = np.empty(800_000)
    _core.secret_normals(bytes(range(32)), 0, z)
    assert np.array_equal(z * 2**20, np.rint(z * 2**20))
    assert abs(z.mean()) < 0.005
    assert abs(z.std() - 1) < 0.003
    assert abs((z**4).mean() - 3) < 0.05
    tails = [(np.abs(z) > end).mean() / math.erfc(end / math.sqrt(2)) for end in (1, 2, 3)]
    assert all(0.93 < ratio < 1.07 for ratio in tails)
    later = np.empty(16)
    _core.secret_normals(bytes(range(32)), 100, later)
    assert np.array_equal(later, z[800:816])


def test_what_is_computed_in_a_stream_is_the_inverse_of_the_matrix_whose_sensitivity_is_promised():
    n, c = 300, np.array(coefficients(300))
    model = private(buckets=1, bounds={}, intercept=False)
    x = np.array([model.engine.next_noise()[0, 0] for _ in range(n)])
    z = np.empty((n, 8))
    for i in range(n):
        _core.secret_normals(model.engine._key, i, z[i])
    matrix = np.array([[c[i - j] if i >= j else 0.0 for j in range(n)] for i in range(n)])
    assert np.allclose(matrix @ x, z[:, 0], atol=1e-9)
    assert sensitivity(n) == pytest.approx(np.linalg.norm(c), rel=1e-12)
    assert len(THETA) == len(OMEGA) == 3


@pytest.mark.parametrize(("epsilon", "sigma"), [(0.5, 8.0576), (1, 4.2247), (3, 1.5439), (8, 0.6529)])
def test_the_noise_multiplier_is_that_of_the_analytic_gaussian_mechanism(epsilon, sigma):
    assert noise_multiplier(epsilon, 1e-6) == pytest.approx(sigma, abs=1e-4)
    assert delta_of(epsilon, noise_multiplier(epsilon, 1e-6)) == pytest.approx(1e-6, rel=1e-6)


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 3.0, 8.0])
def test_dp_accounting_finds_the_same_epsilon(epsilon):
    dp = pytest.importorskip("dp_accounting")
    accountant = dp.pld.PLDAccountant(dp.NeighboringRelation.REPLACE_SPECIAL)
    accountant.compose(dp.GaussianDpEvent(noise_multiplier(epsilon, 1e-6)))
    assert accountant.get_epsilon(1e-6) == pytest.approx(epsilon, rel=2e-3)


# ---- what one row can do -------------------------------------------------------------------------------------------------


def test_a_row_has_norm_1_whatever_is_in_it():
    entries = Entries(Privacy(bounds={"a": (0, 10), "b": (1, 1e6, "log")}, buckets=2))
    for row in (
        {},
        {"a": 3, "b": 5.0},
        {"a": -1e40, "c": 1e300, "d": "x", "e": True, "f": [1, "x", None]},
        {"g": {"h": 2.5}},
    ):
        features, values = zip(*entries.of(row), strict=True)
        assert len(set(features)) == len(features)
        assert sum(value * value for value in values) == pytest.approx(1)


def test_a_row_adds_no_more_than_the_clip_to_a_step():
    engine = private(epsilon=8, clip=0.25).engine
    rows = Rows.of([engine.entries.of(row) for row in ROWS[:1]])
    for weight, y in ((1.0, 1.0), (1e9, 0.0), (0.0, 1.0)):
        sums = np.zeros_like(engine.weights)
        given = (rows.features, rows.values, rows.ends, np.array([y]), np.array([weight]), sums)
        _core.entries_gradient(engine.weights, 1, True, 0.25, *given)
        assert np.linalg.norm(sums) == pytest.approx(0.25 if weight else 0)


def test_gradients_are_those_of_the_cross_entropy():
    torch = pytest.importorskip("torch")
    engine = hw.Classifier(privacy=Privacy(bounds=BOUNDS, classes="abc", buckets=16)).engine
    rng = np.random.default_rng(1)
    engine.weights = rng.normal(size=engine.weights.shape)
    rows = Rows.of([engine.entries.of(row) for row in ROWS[:20]])
    y = rng.integers(0, 3, 20).astype(float)
    sums = np.zeros_like(engine.weights)
    _core.entries_gradient(engine.weights, 2, True, 1e9, rows.features, rows.values, rows.ends, y, np.ones(20), sums)
    dense = np.zeros((20, len(engine.weights)))
    for i, row in enumerate(ROWS[:20]):
        for feature, value in engine.entries.of(row):
            dense[i, feature] = value
    weights = torch.tensor(engine.weights, requires_grad=True)
    scores = torch.tensor(dense) @ weights
    padded = torch.cat([torch.zeros(20, 1, dtype=torch.float64), scores], 1)
    torch.nn.functional.cross_entropy(padded, torch.tensor(y).long(), reduction="sum").backward()
    assert np.allclose(sums, weights.grad.numpy(), atol=1e-12)
    out = np.zeros((20, 3))
    _core.entries_predict(engine.weights, 2, True, rows.features, rows.values, rows.ends, out)
    assert np.allclose(out, torch.softmax(padded, 1).detach().numpy(), atol=1e-12)


def test_nothing_that_can_be_asked_changes_between_two_steps():
    model = private()
    model.learn_many(ROWS[:640], LABELS[:640])
    before, importance = model.predict_proba_many(ROWS[:50]), model.importance()
    for x, y in zip(ROWS[640:703], LABELS[640:703], strict=True):
        model.learn_one(x, y)
        assert np.array_equal(model.predict_proba_many(ROWS[:50]), before)
    assert model.importance() == importance
    model.learn_one(ROWS[703], LABELS[703])
    assert not np.array_equal(model.predict_proba_many(ROWS[:50]), before)


@pytest.mark.random_keys
def test_two_that_learn_alike_differ_by_their_secret_noise():
    models = [private() for _ in range(2)]
    for model in models:
        model.learn_many(ROWS[:64], LABELS[:64])
    assert not np.array_equal(*(model.engine.weights for model in models))


def test_the_noise_of_the_first_step_is_as_large_as_promised():
    model = private(epsilon=1, buckets=4096)
    model.learn_many(ROWS[:64], LABELS[:64])
    moved = model.engine.weights[1 + 12 :, 0] / model.engine.rate  # buckets, nearly all of which no row reads
    sigma = noise_multiplier(1, 1e-6) * 0.3 * sensitivity()
    assert np.std(moved) == pytest.approx(sigma, rel=0.05)
    twice = private(epsilon=1, buckets=4096, adjacency="replace")
    of_users = private(epsilon=1, unit="user", user="u", rows_per_user=5)
    assert twice.engine.noise_scale == 2 * model.engine.noise_scale
    assert of_users.engine.noise_scale == 5 * model.engine.noise_scale


def test_a_user_teaches_only_so_many_rows():
    model = private(unit="user", user="u", rows_per_user=2, rows_per_step=100)
    for i in range(30):
        model.learn_one({**ROWS[i], "u": f"u{i % 3}"}, LABELS[i])
    weights = model.engine.state()["waiting_w"]
    assert weights.tolist() == [1.0] * 6 + [0.0] * 24
    assert model.engine.hidden_counts[1] == 24


def test_a_new_sequence_of_noise_begins_after_the_horizon():
    model = private(rows_per_step=1, buckets=1, bounds={})
    model.engine.numbers[1] = HORIZON - 1
    model.learn_one({}, "no")
    assert not model.engine.state()["secret_noise"].any()


# ---- learning ------------------------------------------------------------------------------------------------------------


def test_it_learns_what_a_learner_without_privacy_does():
    model = private(epsilon=3)
    said = model.learn_many(ROWS, LABELS)
    assert np.mean(said[1_000:] == np.array(LABELS[1_000:])) > 0.93
    p = model.predict_proba_one({"age": 90.0, "job": "a"})
    assert p["yes"] > 0.8
    assert sum(p.values()) == pytest.approx(1)


def test_one_by_one_and_in_a_block_it_learns_the_same():
    one, many = private(rows_per_step=7), private(rows_per_step=7)
    for x, y in zip(ROWS[:200], LABELS[:200], strict=True):
        one.learn_one(x, y)
    many.learn_many(ROWS[:200], LABELS[:200])
    assert np.array_equal(one.engine.weights, many.engine.weights)


def test_classes_that_are_not_declared_appear_and_those_that_are_stay_alone():
    model = hw.Classifier(privacy=Privacy(bounds=BOUNDS))
    assert model.predict_one(ROWS[0]) is None
    model.learn_many(ROWS[:300], [(LABELS[i] if i < 200 else "new") for i in range(300)])
    assert model.known_classes == ["no", "yes", "new"]
    assert "when each came first" in " ".join(model.privacy_.public)
    with pytest.raises(TargetError, match="declared classes"):
        private().learn_many(ROWS[:2], ["no", "perhaps"])


def test_a_regressor_learns_within_the_range_of_answers():
    model = hw.Regressor(privacy=Privacy(bounds=BOUNDS, target=(0, 200)))
    model.learn_many(ROWS, [2 * row["age"] for row in ROWS])
    off = [abs(model.predict_one(row) - 2 * row["age"]) for row in ROWS[:100]]
    assert np.mean(off) < 35 < np.mean([abs(100 - 2 * row["age"]) for row in ROWS[:100]])
    assert 0 <= model.predict_one({"age": 1e9}) <= 200


def test_a_block_is_predicted_with_the_classes_that_were_known_at_each_row():
    one, many = hw.Classifier(privacy=Privacy()), hw.Classifier(privacy=Privacy())
    labels = ["a", "a", "b", "c", "a"]
    said = []
    for x, y in zip(ROWS, labels, strict=False):
        said.append((one.predict_one(x), one.predict_proba_one(x)))
        one.learn_one(x, y)
    block = many.step_many(ROWS[:5], labels)
    assert list(block.y_pred) == [label for label, _ in said] == [None, "a", "a", *block.y_pred[3:]]
    for row, (_, shares) in zip(block.proba.tolist(), said, strict=True):
        assert dict(zip(block.classes, row, strict=True)) == {"a": 0.0, "b": 0.0, "c": 0.0} | shares


def test_answers_beyond_a_range_that_nobody_gave_are_told_once():
    model = hw.Regressor(privacy=Privacy())
    with pytest.warns(UnlikelyData, match=r"target=\(lowest, highest\)"):
        model.learn_one({"a": 1.0}, 30.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.learn_one({"a": 1.0}, 30.0)
        hw.Regressor(privacy=Privacy(target=(0, 9))).learn_one({"a": 1.0}, 30.0)


def test_bounds_are_taken_by_name_and_what_is_none_is_refused_in_a_sentence():
    assert hw.PrivateClassifier(bounds=BOUNDS).privacy == hw.PrivateClassifier(bounds="age=0:100").privacy
    for wrong in ({"bounds": 5}, {"bounds": [("age", 0, 1)]}, {"within": (0, 1)}):
        with pytest.raises(ConfigError, match=f"at {next(iter(wrong))}"):
            hw.PrivateRegressor(**wrong)


def test_a_file_does_not_count_what_was_refused(tmp_path):
    model = private()
    model.learn_many(ROWS[:3], ["no", math.nan, "yes"])
    assert model.rejected["target"] == 1
    model.save(tmp_path / "m.hw")
    assert not hw.load(tmp_path / "m.hw").rejected.get("target")


def test_explanations_add_up_and_read_only_weights():
    model = private()
    model.learn_many(ROWS, LABELS)
    why = model.explain_one(ROWS[5], target="yes")
    assert why.rest == pytest.approx(0, abs=1e-12)
    p = model.predict_proba_one(ROWS[5])
    assert why.prediction == pytest.approx(math.log(p["yes"] / p["no"]))
    assert why.top(1)[0][0].startswith("age")
    assert next(iter(model.importance())) in ("age", "(columns without bounds)")


def test_before_a_class_is_known_an_explanation_says_that_nothing_was_learned():
    with pytest.raises(DataError, match="expected a model that has learned, got one that has seen no label"):
        private(classes=None).explain_one(ROWS[0])


# ---- secrets -------------------------------------------------------------------------------------------------------------


def test_a_file_holds_no_secret_and_a_learner_from_it_predicts_the_same(tmp_path):
    model = private()
    model.learn_many(ROWS[:700], LABELS[:700])
    model.save(tmp_path / "m.hw")
    saved = unseal(read(tmp_path / "m.hw"), "m.hw")
    assert set(saved.arrays) == {"weights", "numbers"}
    assert not set(saved.arrays) & set(SECRET)
    assert bytes(model.engine._key) not in (tmp_path / "m.hw").read_bytes()
    other = hw.load(tmp_path / "m.hw", hw.PrivateClassifier)
    assert other.privacy == model.privacy
    assert other.predict_proba_one(ROWS[3]) == model.predict_proba_one(ROWS[3])
    other.learn_many(ROWS[700:900], LABELS[700:900])


def test_the_command_shows_the_promise_of_a_file(tmp_path, capsys):
    private(epsilon=2).save(tmp_path / "m.hw")
    assert main(["show", str(tmp_path / "m.hw")]) == 0
    out = capsys.readouterr().out
    assert "Privacy: Whatever anyone sees of this model is at most e^2 = 7.4 times as likely" in out
    assert "values" not in out


def test_a_file_of_a_learner_of_users_predicts_and_does_not_learn_on(tmp_path):
    model = private(unit="user", user="u")
    model.learn_many([{**row, "u": i} for i, row in enumerate(ROWS[:200])], LABELS[:200])
    model.save(tmp_path / "m.hw")
    other = hw.load(tmp_path / "m.hw")
    assert other.predict_one(ROWS[0]) == model.predict_one(ROWS[0])
    with pytest.raises(ConfigError, match="how many rows of each user"):
        other.learn_one({**ROWS[0], "u": 1}, "no")


@pytest.mark.random_keys
def test_a_store_keeps_the_noise_and_goes_on_to_the_bit_after_a_kill(tmp_path):
    with hw.open(tmp_path / "p.db", private()) as store:
        store.teach(ROWS[:300], LABELS[:300])
        weights = store.learner.engine.weights.copy()
    with hw.open(tmp_path / "p.db") as store:
        assert np.array_equal(store.learner.engine.weights, weights)
        store.teach(ROWS[300:1_000], LABELS[300:1_000])
        after, promise = store.learner.engine.weights.copy(), store.privacy_
        store.service._shut()  # as a killed process ends
    with hw.open(tmp_path / "p.db") as store:
        assert np.array_equal(store.learner.engine.weights, after)
        assert store.privacy_ == promise


@pytest.mark.random_keys
def test_a_store_that_was_killed_before_its_first_row_keeps_its_key(tmp_path):
    store = hw.open(tmp_path / "p.db", private())
    key = bytes(store.learner.engine._key)
    store.service._shut()
    with hw.open(tmp_path / "p.db") as again:
        assert bytes(again.learner.engine._key) == key


def test_states_that_nobody_saved_are_refused(tmp_path):
    model = private()
    model.learn_many(ROWS[:100], LABELS[:100])
    state = model.engine.state()
    wrong = {
        "weights": state["weights"][:-1],
        "numbers": -state["numbers"],
        "secret_key": state["secret_key"][:5],
        "secret_noise": state["secret_noise"] * math.inf,
        "waiting_features": state["waiting_features"] + 10**6,
        "waiting_ends": state["waiting_ends"][::-1].copy(),
        "waiting_y": state["waiting_y"][:-1],
        "secret_counts": state["secret_counts"][:1],
    }
    for name, array in wrong.items():
        with pytest.raises(ValueError, match=name if name in ("weights", "numbers") else "secrets"):
            model.new_engine({**state, name: array})


# ---- what can't be -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"label_history": True}, "it shows the last labels"),
        ({"memory": 4}, "made of the last rows"),
        ({"effort": "accurate"}, "each expert would read each row"),
        ({"diagnosis": True}, "it keeps rows"),
        ({"lr": 0.1}, "the private model is linear"),
    ],
)
def test_what_can_not_be_private_is_refused_with_its_reason(settings, said):
    with pytest.raises(ConfigError, match=said):
        hw.Classifier(privacy=Privacy(), **settings)
    with pytest.raises(ConfigError, match="hidden"):
        hw.Regressor((8,), privacy=Privacy())
    assert isinstance(hw.Regressor(privacy=Privacy(), diagnosis=False, seed=3), hw.PrivateRegressor)
    assert isinstance(hw.Classifier(privacy=None), hw.Classifier)


@pytest.mark.parametrize(
    "settings",
    [
        {"epsilon": 0},
        {"epsilon": "3"},
        {"delta": 1},
        {"bounds": {"a": (1, 0)}},
        {"bounds": {"a": (0, 1, "lin")}},
        {"bounds": {"a": 3}},
        {"unit": "household"},
        {"unit": "user"},
        {"user": "u"},
        {"rows_per_user": 0},
        {"adjacency": "add"},
        {"classes": ("a", "a")},
        {"target": (0, math.inf)},
        {"knots": 1},
        {"clip": -1},
    ],
)
def test_a_setting_that_can_not_be_is_refused_in_a_sentence(settings):
    with pytest.raises(ConfigError, match="of Privacy"):
        Privacy(**settings)


def test_a_fleet_is_refused_with_its_reason():
    with pytest.raises(ConfigError, match="shows that it was learned"):
        hw.Fleet(private, key="job")


def test_two_learners_of_the_same_rows_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="promise less than one"):
        hw.Expiring(private(), max_age=500)
    with pytest.raises(ConfigError, match="promise less than one"):
        hw.open(tmp_path / "a.db", private(), retention=hw.Retention(500))
    with hw.open(tmp_path / "b.db", private()) as store:
        store.teach(ROWS[:300], LABELS[:300])
    with pytest.raises(ConfigError, match="promise less than one"):
        hw.open(tmp_path / "b.db", retention=hw.Retention(500))
    with hw.open(tmp_path / "b.db") as store:
        assert (store.n_learned, len(store.service.models.by_name["default"].live)) == (300, 1)


def test_a_row_that_is_forgotten_leaves_the_bits_of_a_learner_that_never_saw_it(tmp_path):
    with hw.open(tmp_path / "a.db", private(rows_per_step=10)) as store:
        store.teach([{**row, "who": f"u{i % 40}"} for i, row in enumerate(ROWS[:200])], LABELS[:200])
        assert store.forget(where={"who": "u7"}).rows == 5
        weights = store.learner.engine.weights
    plain = private(rows_per_step=10)
    kept = [i for i in range(200) if i % 40 != 7]
    plain.learn_many([{**ROWS[i], "who": f"u{i % 40}"} for i in kept], [LABELS[i] for i in kept])
    assert np.array_equal(weights, plain.engine.weights)


# ---- the audit -----------------------------------------------------------------------------------------------------------


def audited(epsilon, *, noise=1.0, replay=0, **how):
    buckets = 2048 if how.get("method", "one_run") == "one_run" else 4

    numbers = itertools.count(1)

    def make():
        promise = Privacy(
            epsilon=epsilon, clip=0.3, classes=("a", "b"), intercept=False, buckets=buckets, rows_per_step=1
        )
        model = hw.Classifier(privacy=promise)
        model.engine.noise_scale *= noise
        model.engine._key = np.random.default_rng(next(numbers)).integers(0, 256, 32, np.uint8)  # the same in each run
        take = model.engine.take
        if replay:
            model.engine.take = lambda *row: [take(*row) for _ in range(replay)]
        return model

    return privacy.audit(make, **how)


def test_one_run_passes_the_right_noise_and_refutes_half_of_it_and_an_uncounted_replay():
    right = audited(3.0)
    assert not right.refuted
    assert 0.4 < right.bound < 3
    assert audited(3.0, noise=0.5).refuted
    assert audited(3.0, replay=4).refuted
    assert "not refuted" in str(right)


def test_a_strict_promise_passes_with_the_right_noise_and_fails_with_a_quarter():
    assert not audited(1.0).refuted
    assert audited(1.0, noise=0.25).refuted


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", [3.0, 8.0])
def test_two_worlds_pass_the_right_noise_and_refute_two_fifths_of_it(epsilon):
    right = audited(epsilon, method="two_worlds", runs=400)
    assert not right.refuted
    assert right.bound > 0.5
    assert audited(epsilon, noise=0.4, method="two_worlds", runs=400).refuted


def test_only_what_can_be_audited_is():
    with pytest.raises(ConfigError, match="without intercept"):
        privacy.audit(private)
    with pytest.raises(ConfigError, match="buckets"):
        privacy.audit(lambda: private(intercept=False))


# ---- the attack ----------------------------------------------------------------------------------------------------------


def test_the_label_between_two_answers_is_read_from_a_learner_without_privacy_and_not_from_a_private_one():
    rng = np.random.default_rng(0)
    rows = [{"a": float(v), "b": "xyz"[i % 3]} for i, v in enumerate(rng.normal(size=700))]
    labels = ["yes" if rng.random() < 0.5 else "no" for _ in rows]  # nothing to learn but by heart
    parts = (rows[:400], labels[:400]), (rows[400:], labels[400:])
    plain = hw.Classifier(seed=1)
    plain.learn_many(*parts[0])
    hidden = hw.Classifier(privacy=Privacy(bounds={"a": (-3, 3)}, classes=("no", "yes")))
    hidden.learn_many(*parts[0])
    before = copy.deepcopy(plain.predict_proba_many(rows))
    found = privacy.attack(plain, *parts, shadows=4)
    assert found.label_between > 0.85
    assert 0.4 < found.loss_auc < 0.7
    assert np.array_equal(plain.predict_proba_many(rows), before)
    safe = privacy.attack(hidden, *parts, shadows=4)
    assert abs(safe.loss_auc - 0.5) < 0.08
    assert safe.label_between < 0.62
    assert "Label of the row between two answers" in str(safe)


class ByHeart:
    """Anybody's model, which knows the rows that it has learned."""

    def __init__(self):
        self.seen = {}

    def clone(self):
        return ByHeart()

    def learn_one(self, x, y):
        self.seen[tuple(x.items())] = y

    def predict_proba_one(self, x):
        p = 0.9 if self.seen.get(tuple(x.items())) == "yes" else 0.1 if tuple(x.items()) in self.seen else 0.5
        return {"yes": p, "no": 1 - p}


def test_rows_that_are_known_by_heart_are_recognised_by_loss_and_by_shadow_models():
    rows = [{"i": i} for i in range(200)]
    labels = ["yes" if i % 2 else "no" for i in range(200)]
    model = ByHeart()
    for x, y in zip(rows[:100], labels[:100], strict=True):
        model.learn_one(x, y)
    found = privacy.attack(model, (rows[:100], labels[:100]), (rows[100:], labels[100:]), shadows=8)
    assert found.loss_auc == 1
    assert found.lira_auc > 0.95
    assert found.lira_tpr > 0.9
    assert found.label_between == 1
