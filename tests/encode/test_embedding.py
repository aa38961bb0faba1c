"""Columns of embeddings: one dense block, the same from every source, with the guarantees that all learners have."""

import json
import warnings

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import headwater as hw
from headwater.cli.model.export import export
from headwater.cluster.merge import merge
from headwater.errors import ConfigError, DataError, LimitError
from headwater.learner.settings.limits import Limits
from headwater.nn import inspect
from headwater.plain.inputs.embedding import PlainEmbedding
from headwater.serve.app import build
from headwater.serve.http.limits import ServerLimits
from headwater.serve.run import make_state
from headwater.store.learner_file import fingerprint, from_bytes, to_bytes
from headwater.store.onnx import export_onnx

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

SIZE = 70
LEVELS = (1, 3, 4)


def stream(n, seed=0, classes=3):
    """Rows with an embedding and a number, and the class whose direction the embedding has, half of it noise."""
    rng = np.random.default_rng(seed)
    directions = np.random.default_rng(99).normal(size=(classes, SIZE))
    y = rng.integers(0, classes, n)
    X = (directions[y] + rng.normal(size=(n, SIZE))).round(3)
    return [{"e": x.tolist(), "n": float(i % 5)} for i, x in enumerate(X)], [f"class {j}" for j in y]


ROWS, LABELS = stream(120)


def taught(rows=ROWS, labels=LABELS, **settings):
    model = hw.Classifier(seed=1, **settings)
    model.learn_many(rows, labels)
    return model


def with_value(value):
    return {"e": value, "n": 1.0}


@pytest.mark.parametrize("kind", ["cosine", "raw"])
def test_what_is_learned_is_that_of_the_plain_one_to_the_bit(kind):
    rng = np.random.default_rng(1)
    model = hw.Classifier(seed=1, dtype="float64", text={"e": kind})
    for label in "abc":
        model.learn_one({}, label, 0.0)
    plain, p = PlainEmbedding(size=SIZE, outputs=3, raw=kind == "raw"), np.empty(3)
    for i in range(80):
        x, y = rng.normal(size=SIZE) * np.exp(rng.normal(0, 2)) * (i != 40), i * 7 % 3
        model.engine.learn_row({"e": x}, float(y), p)
        plain.learn(x, p - np.eye(3)[y])
        assert np.array_equal(model.engine.core.array("text_weights")[2:, :3], plain.weights)
        assert np.array_equal(model.engine.core.array("text_seen"), [plain.samples, plain.lengths, *plain.sums])
        if plain.samples and x.any():
            added = inspect.texts(model.engine.core, {"e": x})[1].sum(0)
            assert np.allclose(added, plain.logits(x), rtol=0, atol=1e-12)
    assert plain.samples == 79


def test_every_way_to_write_an_embedding_gives_the_same_bits():
    forms = [
        list,
        tuple,
        np.array,
        lambda e: np.repeat(e, 2)[::2],
        lambda e: np.array(e, object).astype(float),
    ]
    assert len({fingerprint(taught([{**x, "e": form(x["e"])} for x in ROWS])) for form in forms}) == 1
    whole = [{**x, "e": [round(v) for v in x["e"]]} for x in ROWS]
    forms = [list, lambda e: np.array(e, np.float32), lambda e: np.array(e, np.int8), lambda e: np.array(e, np.float16)]
    assert len({fingerprint(taught([{**x, "e": form(x["e"])} for x in whole])) for form in forms}) == 1


def test_frames_files_and_live_rows_give_the_same_bits(tmp_path):
    pq.write_table(
        pa.Table.from_pylist([{**x, "y": y} for x, y in zip(ROWS, LABELS, strict=True)]), tmp_path / "rows.parquet"
    )
    lines = [json.dumps({**x, "y": y}) for x, y in zip(ROWS, LABELS, strict=True)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    array = pl.Array(pl.Float64, SIZE)
    found = {
        fingerprint(taught()),
        fingerprint(taught(pl.DataFrame(ROWS))),
        fingerprint(taught(pl.DataFrame(ROWS, schema_overrides={"e": array}))),
        fingerprint(taught(pa.Table.from_pylist(ROWS))),
        fingerprint(taught(pl.DataFrame(ROWS).to_pandas())),
    }
    one = hw.Classifier(seed=1)
    for x, y in zip(ROWS, LABELS, strict=True):
        one.predict_one(x)
        one.learn_one(x, y)
    assert found == {fingerprint(one)}
    for name in ("rows.parquet", "rows.jsonl"):
        session = hw.Session(hw.Classifier(seed=1))
        with hw.read(tmp_path / name, target="y") as rows:
            session.run(rows)
        assert session.learner.engine.core.digest() == one.engine.core.digest(), name


def test_a_processor_of_any_level_gives_the_same_bits(monkeypatch):
    found = set()
    for level in LEVELS:
        monkeypatch.setenv("HEADWATER_LEVEL", str(level))
        found.add(fingerprint(taught()))
    assert len(found) == 1


def test_a_file_and_a_store_go_on_to_the_bit(tmp_path):
    whole = taught()
    half = from_bytes(to_bytes(taught(ROWS[:60], LABELS[:60])), "x")
    half.learn_many(ROWS[60:], LABELS[60:])
    assert fingerprint(half) == fingerprint(whole)
    for part in (slice(0, 60), slice(60, None)):
        with hw.open(tmp_path / "store.db", hw.Classifier(seed=1)) as model:
            for x, y in zip(ROWS[part], LABELS[part], strict=True):
                model.learn_one(x, y)
            digest = fingerprint(model.learner)
    assert digest == fingerprint(whole)


def test_a_server_reads_embeddings_and_refuses_those_that_cannot_be(tmp_path):
    state = make_state(tmp_path / "a.db", limits=ServerLimits())
    state.service.change(state.service.models.create, "default", hw.Classifier(seed=1))
    with TestClient(build(state), raise_server_exceptions=True) as client:
        client.post("/learn", json=[{"x": x, "y": y} for x, y in zip(ROWS, LABELS, strict=True)])
        assert client.get("/models/default").json()["state"] == fingerprint(taught())
        short = client.post("/learn", json={"x": with_value([0.5] * 3), "y": "class 1"})
        assert short.status_code == 400
        assert short.json()["error"] == f"expected {SIZE} finite numbers, got 3 values"
        assert client.get("/models/default").json()["state"] == fingerprint(taught())
    state.close()


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ([0.5] * (SIZE - 1), "69 values"),
        ([0.5] * (SIZE + 1), "71 values"),
        ([], "0 values"),
        ([0.5] * (SIZE - 1) + [float("nan")], r"nan at \[69\]"),
        ([0.5] * (SIZE - 1) + [None], r"None at \[69\]"),
        ([float("inf")] * SIZE, r"inf at \[0\]"),
        (["0.5"] * SIZE, r"'0.5' at \[0\]"),
        ([[0.5] * SIZE], "1 value"),
        (np.ones((1, SIZE)), r"an array of shape \(1, 70\)"),
        (3.5, "3.5"),
        ("a text", "'a text'"),
    ],
)
def test_what_is_no_embedding_is_refused_in_a_sentence_and_changes_nothing(value, got):
    model = taught()
    before = fingerprint(model)
    with pytest.raises(
        DataError, match=rf"expected 70 finite numbers, got {got} — at column 'e' of embeddings\. Embed"
    ):
        model.learn_one(with_value(value), LABELS[0])
    with pytest.raises(DataError, match="finite numbers"):
        model.predict_one(with_value(value))
    assert fingerprint(model) == before


@pytest.mark.parametrize("value", [None, float("nan"), [0.0] * SIZE])
def test_a_gap_and_an_embedding_without_direction_say_nothing(value):
    model = taught()
    assert model.predict_proba_one(with_value(value)) == model.predict_proba_one({"n": 1.0})
    before = model.engine.core.array("text_weights").copy()
    model.learn_one(with_value(value), LABELS[0])
    assert np.array_equal(model.engine.core.array("text_weights"), before)


@pytest.mark.parametrize(
    "value", [[0.5] * 63, [0.5] * 4097, ["a"] * 80, [[0.5] * 80] * 2, np.ones((8, 10)), [0.5] * 79 + [None]]
)
def test_other_lists_become_numbered_columns(value):
    model = taught([{"e": value}], ["a"])
    assert "e" not in model.engine.columns
    assert len(model.engine.columns) > 60


def test_a_learner_whose_lists_were_numbered_columns_goes_on_with_them():
    model = taught([{f"e[{i}]": v for i, v in enumerate(x["e"])} for x in ROWS[:60]], LABELS[:60])
    same = from_bytes(to_bytes(model), "x")
    for x, y in zip(ROWS[60:], LABELS[60:], strict=True):
        model.learn_one({f"e[{i}]": v for i, v in enumerate(x["e"])}, y)
        same.learn_one({"e": x["e"]}, y)
    assert same.engine.core.digest() == model.engine.core.digest()


@pytest.mark.parametrize("settings", [{"text": None}, {"hidden": 4}])
def test_learners_without_text_make_numbered_columns_of_lists(settings):
    assert len(taught(**settings).engine.columns) == SIZE + 1


def test_a_column_is_declared_by_the_setting_text():
    short = [{"e": x["e"][:5]} for x in ROWS]
    model = taught(short, LABELS, text={"e": "raw"})
    assert model.engine.columns["e"].kind == "raw"
    with pytest.raises(DataError, match="expected 5 finite numbers, got 70 values"):
        model.learn_one(ROWS[0], LABELS[0])
    with pytest.raises(ConfigError, match="'cosine' or 'raw' for each column"):
        hw.Classifier(text={"e": "euclid"})
    model = hw.Classifier(text={"e": "raw"})
    model.learn_one({"n": 1.0}, "a")
    with pytest.raises(DataError, match="expected 1 to 4,096 finite numbers, got 0 values"):
        model.learn_one({"e": []}, "a")


def test_the_length_of_an_embedding_counts_only_where_it_is_raw():
    scaled = [{**x, "e": [v * (1 + i % 4) for v in x["e"]]} for i, x in enumerate(ROWS)]
    assert np.allclose(
        taught().engine.core.array("text_weights"), taught(scaled).engine.core.array("text_weights"), atol=1e-5
    )
    rng = np.random.default_rng(3)
    raw, cosine = (hw.Regressor(seed=1, text={"e": kind}) for kind in ("raw", "cosine"))
    direction, errors = rng.normal(size=SIZE), {"raw": [], "cosine": []}
    for _ in range(1500):
        x = rng.normal(size=SIZE) * rng.uniform(0.2, 2)
        y = float(direction @ x)
        for model, name in ((raw, "raw"), (cosine, "cosine")):
            errors[name].append(abs(model.predict_one({"e": x}) - y))
            model.learn_one({"e": x}, y)
    assert np.mean(errors["raw"][-500:]) < 0.6 * np.mean(errors["cosine"][-500:])


def test_most_classes_are_found_as_by_a_softmax_regression_however_unlike_the_numbers_are_scaled():
    scale = np.exp(np.random.default_rng(4).normal(0, 0.7, SIZE))
    rows, labels = stream(3000, seed=5, classes=6)
    for factor in (1.0, scale):
        model, right = hw.Classifier(seed=1), []
        for x, y in zip(rows, labels, strict=True):
            e = {"e": np.array(x["e"]) * factor}
            right.append(model.predict_one(e) == y)
            model.learn_one(e, y)
        assert np.mean(right[1000:]) > 0.985


def test_a_class_that_appears_later_leaves_what_was_predicted():
    model = taught()
    before = model.predict_proba_one(ROWS[0])
    model.learn_one(ROWS[1], "class 9")
    after = model.predict_proba_one(ROWS[0])
    assert set(after) - set(before) == {"class 9"}
    for _ in range(20):
        model.learn_one(ROWS[1], "class 9")
    assert model.predict_one(ROWS[1]) == "class 9"


def test_a_label_that_comes_late_is_learned_as_one_that_was_asked():
    session = hw.Session(hw.Classifier(seed=1), delay=7)
    session.run(zip(ROWS, LABELS, strict=True))
    assert session.learner.engine.core.array("text_seen")[0] == len(ROWS)
    right = [session.learner.predict_one(x) == y for x, y in zip(ROWS, LABELS, strict=True)]
    assert np.mean(right) > 0.95


def test_workers_merge_to_what_both_have_learned():
    base = taught(ROWS[:10], LABELS[:10])
    workers = [from_bytes(to_bytes(base), "x") for _ in range(2)]
    for worker, part in zip(workers, (slice(10, 60), slice(60, None)), strict=True):
        worker.learn_many(ROWS[part], LABELS[part])
        worker.learn_many([{"new": x["e"]} for x in ROWS[part]], LABELS[part])
    merged = merge(base, workers)
    assert fingerprint(merged) == fingerprint(merge(base, workers))
    assert merged.engine.columns["new"].kind == "cosine"
    assert merged.engine.core.array("text_seen")[0] == len(ROWS)
    rows, labels = stream(200, seed=8)
    assert np.mean([merged.predict_one(x) == y for x, y in zip(rows, labels, strict=True)]) > 0.95
    merged.learn_one({"new": ROWS[0]["e"]}, LABELS[0])
    with pytest.raises(DataError, match="got 3 values"):
        merged.predict_one({"new": [1.0] * 3})


def test_a_limit_refuses_an_embedding_before_anything_is_changed():
    model = taught(ROWS[:1], LABELS[:1], max_rows=64)
    assert "e" not in model.engine.columns
    assert model.rejected == {"type": 1}
    with pytest.raises(LimitError, match="at most 64 rows of words and numbers of embeddings, got 72"):
        model.learn_one(ROWS[0], LABELS[0])
    model = taught()
    model.limits = Limits(entries=50)
    before = fingerprint(model)
    with pytest.raises(LimitError, match="entries"):
        model.learn_one(ROWS[0], LABELS[0])
    assert fingerprint(model) == before


def test_an_explanation_names_an_embedding_as_one_column():
    model = taught()
    for i in (0, 5, 9):
        explained = model.explain_one(ROWS[i], target=LABELS[i])
        assert set(explained.contributions) == {"e", "n"}
        assert explained.contributions["e"] > abs(explained.contributions["n"])
        assert explained.prediction - explained.baseline == pytest.approx(
            sum(explained.contributions.values()), abs=0.02
        )
        assert explained.values["e"] == ROWS[i]["e"]
    assert model.diagnose() is not None


def test_doors_without_embeddings_refuse_them_in_a_sentence(tmp_path):
    model = taught()
    model.save(tmp_path / "model.hw")
    with pytest.raises(ConfigError, match="which is an embedding"):
        export_onnx(model, tmp_path / "model.onnx")
    with pytest.raises(ConfigError, match="expected a model without embeddings, got column 'e'"):
        export(tmp_path / "model.hw", tmp_path / "page", web=True)
    with pytest.raises(ConfigError, match="got the embedding column 'e'"):
        hw.Fleet(model, key="colour")
