"""Columns of embeddings of bandits and anomaly models: one block, the same from every source, refused in one sentence."""

import json
import warnings

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError, LimitError
from headwater.plain.inputs.embedding import PlainEmbedding
from headwater.serve.app import build
from headwater.serve.http.limits import ServerLimits
from headwater.serve.run import make_state
from headwater.store.learner_file import fingerprint, from_bytes, to_bytes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

SIZE = 70
ACTIONS = ["a", "b", "c"]
KINDS = {"decide": hw.Bandit, "anomaly": hw.Anomaly}


def stream(n, seed=0):
    """Rows with an embedding and a number, and decisions whose reward depends on the embedding's direction."""
    rng = np.random.default_rng(seed)
    directions = np.random.default_rng(99).normal(size=(3, SIZE))
    best, taken = rng.integers(0, 3, n), rng.integers(0, 3, n)
    X = (directions[best] + rng.normal(size=(n, SIZE))).round(3)
    rows = [{"e": x.tolist(), "n": float(i % 5)} for i, x in enumerate(X)]
    decisions = [(ACTIONS[a], float(a == b), 1 / 3, ACTIONS) for a, b in zip(taken, best, strict=True)]
    return rows, decisions


ROWS, DECISIONS = stream(120)


def learn(model, rows=ROWS, decisions=DECISIONS):
    if isinstance(model, hw.Bandit):
        model.learn_many(rows, decisions)
    else:
        model.learn_many(rows)
    return model


def ask(model, x):
    return model.predict_one(x) if isinstance(model, hw.Bandit) else model.score_one(x)


@pytest.fixture(params=list(KINDS))
def kind(request):
    return KINDS[request.param]


def test_lists_arrays_frames_and_single_rows_give_the_same_bits(kind):
    whole = fingerprint(learn(kind(seed=1)))
    forms = [tuple, np.array, lambda e: np.repeat(e, 2)[::2]]
    assert {fingerprint(learn(kind(seed=1), [{**x, "e": form(x["e"])} for x in ROWS])) for form in forms} == {whole}
    array = pl.Array(pl.Float64, SIZE)
    frames = [pl.DataFrame(ROWS), pl.DataFrame(ROWS, schema_overrides={"e": array}), pa.Table.from_pylist(ROWS)]
    frames.append(pl.DataFrame(ROWS).to_pandas())
    assert {fingerprint(learn(kind(seed=1), frame)) for frame in frames} == {whole}
    one = kind(seed=1)
    for x, decision in zip(ROWS, DECISIONS, strict=True):
        ask(one, x)
        one.learn(x, *decision) if isinstance(one, hw.Bandit) else one.learn_one(x)
    assert fingerprint(one) == whole


def test_a_parquet_file_and_lines_of_json_give_the_same_bits(tmp_path):
    digest = learn(hw.Anomaly(seed=1), [{"e": x["e"]} for x in ROWS]).engine.core.digest()
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    for name in ("rows.parquet", "rows.jsonl"):
        session = hw.Session(hw.Anomaly(seed=1))
        with hw.read(tmp_path / name, target="n") as rows:
            session.run(rows)
        assert session.learner.engine.core.digest() == digest, name


def test_a_processor_of_any_level_gives_the_same_bits(kind, monkeypatch):
    found = set()
    for level in (1, 3, 4):
        monkeypatch.setenv("HEADWATER_LEVEL", str(level))
        found.add(fingerprint(learn(kind(seed=1))))
    assert len(found) == 1


def test_an_embedding_is_one_column(kind):
    model = learn(kind(seed=1))
    assert [column.kind for column in model.engine.columns.values()] == ["cosine", "number"]
    assert set(model.explain_one(ROWS[0]).contributions) == {"e", "n"}
    assert model.importance()["e"] > model.importance()["n"]


def test_a_file_goes_on_to_the_bit_and_keeps_the_setting(kind):
    whole = learn(kind(seed=1))
    half = from_bytes(to_bytes(learn(kind(seed=1), ROWS[:60], DECISIONS[:60])), "x")
    assert half.text == "auto"
    assert fingerprint(learn(half, ROWS[60:], DECISIONS[60:])) == fingerprint(whole)
    raw = from_bytes(to_bytes(learn(kind(seed=1, text={"e": "raw"}))), "x")
    assert raw.text == {"e": "raw"}
    assert raw.engine.columns["e"].kind == "raw"


def test_a_store_goes_on_to_the_bit(tmp_path):
    for part in (slice(0, 60), slice(60, None)):
        with hw.open(tmp_path / "store.db", hw.Anomaly(seed=1)) as model:
            for x in ROWS[part]:
                model.learn_one(x)
            digest = fingerprint(model.learner)
    assert digest == fingerprint(learn(hw.Anomaly(seed=1)))


def test_a_store_of_a_bandit_keeps_the_embedding_of_a_decision_until_its_reward(tmp_path):
    with hw.open(tmp_path / "store.db", hw.Bandit(seed=1)) as model:
        name, _, _ = model.act_with_id(ROWS[0], ACTIONS)
    with hw.open(tmp_path / "store.db", hw.Bandit(seed=1)) as model:
        model.reward(name, 1.0)
        assert model.learner.engine.columns["e"].kind == "cosine"


def test_a_server_reads_embeddings_and_refuses_those_that_cannot_be(tmp_path, kind):
    state = make_state(tmp_path / "a.db", limits=ServerLimits())
    state.service.change(state.service.models.create, "default", kind(seed=1))
    events = [{"x": x} if kind is hw.Anomaly else {"x": x, "y": list(y)} for x, y in zip(ROWS, DECISIONS, strict=True)]
    with TestClient(build(state), raise_server_exceptions=True) as client:
        assert client.post("/learn", json=events).status_code == 200
        before = client.get("/models/default").json()["state"]
        assert before == fingerprint(learn(kind(seed=1)))
        short = client.post("/learn", json={**events[0], "x": {"e": [0.5] * 3}})
        assert short.status_code == 400
        assert short.json()["error"] == f"expected {SIZE} finite numbers, got 3 values"
        assert client.get("/models/default").json()["state"] == before
    state.close()


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ([0.5] * (SIZE - 1), "69 values"),
        ([0.5] * (SIZE - 1) + [float("nan")], r"nan at \[69\]"),
        (np.ones((1, SIZE)), r"an array of shape \(1, 70\)"),
        (3.5, "3.5"),
        ("a text", "'a text'"),
    ],
)
def test_what_is_no_embedding_is_refused_in_a_sentence_and_changes_nothing(kind, value, got):
    model = learn(kind(seed=1))
    before, x = fingerprint(model), {"e": value, "n": 1.0}
    sentence = rf"expected 70 finite numbers, got {got} — at column 'e' of embeddings\. Embed"
    with pytest.raises(DataError, match=sentence):
        learn(model, [x], DECISIONS[:1])
    with pytest.raises(DataError, match=sentence):
        ask(model, x)
    assert fingerprint(model) == before


def test_every_call_of_a_bandit_refuses_what_is_no_embedding():
    model = learn(hw.Bandit(seed=1))
    wrong = {"e": [0.5] * 3}
    for call in (model.act, model.probabilities, model.expected_rewards):
        with pytest.raises(DataError, match="got 3 values"):
            call(wrong, ACTIONS)
    with pytest.raises(DataError, match="got 3 values"):
        model.learn(wrong, "a", 1.0)


@pytest.mark.parametrize("value", [None, float("nan"), [0.0] * SIZE])
def test_a_gap_and_an_embedding_without_direction_say_nothing(kind, value):
    model = learn(kind(seed=1))
    assert ask(model, {"e": value, "n": 1.0}) == ask(model, {"n": 1.0})


def test_a_row_in_a_stream_that_is_no_embedding_is_counted_and_read_as_missing(kind):
    model = learn(kind(seed=1))
    model.step_many([{"e": [0.5] * 3, "n": 1.0}], DECISIONS[:1])
    assert model.rejected["type"] == 1


@pytest.mark.parametrize("settings", [{"text": None}, {}])
def test_without_an_embedding_in_the_first_row_a_list_becomes_numbered_columns(kind, settings):
    first = ROWS if settings else [{"n": 1.0}, *ROWS[1:]]
    assert len(learn(kind(seed=1, **settings), first).engine.columns) == SIZE + 1


def test_learners_without_embeddings_keep_their_bits_whatever_the_setting(kind):
    rows = [{"n": x["n"], "m": x["e"][0]} for x in ROWS]
    found = {learn(kind(seed=1, text=text), rows).engine.core.digest() for text in ("auto", None)}
    assert len(found) == 1


def test_a_column_is_declared_by_the_setting_text(kind):
    short = [{"e": x["e"][:5]} for x in ROWS]
    model = learn(kind(seed=1, text={"e": "cosine"}), short)
    assert model.engine.columns["e"].kind == "cosine"
    with pytest.raises(DataError, match="expected 5 finite numbers, got 70 values"):
        ask(model, ROWS[0])
    for text in ("words", {"e": "bigrams"}, 3):
        with pytest.raises(ConfigError, match="a dict with 'cosine' or 'raw' for each column of embeddings"):
            kind(text=text)


def test_a_limit_refuses_an_embedding_that_has_no_room():
    model = hw.Anomaly(seed=1, max_rows=64)
    model.learn_one({"n": 1.0})
    model = hw.Anomaly(seed=1, max_rows=64, text={"e": "cosine"})
    model.learn_one({"n": 1.0})
    with pytest.raises(LimitError, match="max_rows"):
        model.score_one(ROWS[0])


def test_the_block_of_a_bandit_learns_as_the_plain_one_does():
    rng = np.random.default_rng(1)
    model = hw.Bandit(seed=1, dtype="float64", text={"e": "cosine"})
    model.learn({"n": 1.0}, "a", 0.5)
    model.learn({"n": 1.0}, "b", 0.5)
    plain, weights = PlainEmbedding(size=SIZE, outputs=2, rate=1.0), np.zeros((SIZE, 2))
    for i in range(60):
        e, own, other = rng.normal(size=SIZE), i % 2, 1 - i % 2
        model.learn({"e": e}, "ab"[own], float(i % 3 == 0))
        step = model.engine.core.array("text_weights")[2:, :2] - weights
        plain.weights[:] = 0
        plain.learn(e, np.eye(2)[own])  # the step of an error of 1
        miss = step[0, own] / plain.weights[0, own]
        assert np.allclose(step, miss * plain.weights, rtol=1e-9, atol=1e-12)
        assert abs(miss) < 1.001  # a value and a reward lie between 0 and 1
        assert not step[:, other].any()
        weights = weights + step


def test_a_bandit_finds_what_an_embedding_says():
    rng, model, rewards = np.random.default_rng(2), hw.Bandit(seed=1), []
    directions = rng.normal(size=(3, 384))
    for _ in range(900):
        best = int(rng.integers(3))
        x = {"e": directions[best] + 2 * rng.normal(size=384)}
        action, p = model.act(x, ACTIONS)
        model.learn(x, action, float(action == ACTIONS[best]), p)
        rewards.append(action == ACTIONS[best])
    assert np.mean(rewards[-300:]) > 0.85


def test_an_anomaly_model_finds_embeddings_from_elsewhere():
    rng, model = np.random.default_rng(3), hw.Anomaly(seed=1)
    directions = rng.normal(size=(4, 128))
    for i in range(600):
        model.learn_one({"e": directions[i % 4] + rng.normal(size=128)})
    usual = [model.score_one({"e": directions[i % 4] + rng.normal(size=128)}) for i in range(50)]
    strange = [model.score_one({"e": 1.4 * rng.normal(size=128)}) for _ in range(50)]
    assert np.median(strange) > 0.98 > np.median(usual)
