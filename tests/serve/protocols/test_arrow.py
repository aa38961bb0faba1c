"""Rows as an Arrow IPC stream: the same answers as for JSON, to the bit, and no more than JSON may hold."""

import io
import math
import re
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import headwater as hw
from headwater.serve.http import arrow
from headwater.serve.http.limits import ServerLimits
from headwater.serve.run import make_state
from serve.protocols.made import MADE

pa = pytest.importorskip("pyarrow")

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADERS = {"content-type": "application/vnd.apache.arrow.stream"}
LIMITS = ServerLimits(body_bytes=200_000, rows=1000, cells=20_000)
LEARNERS = MADE | {
    "classes that are numbers": (lambda: hw.Classifier(hidden=(4,), seed=1), lambda i: i % 3),
    "fleet": (lambda: hw.Fleet(hw.Classifier(hidden=(4,), seed=1), key="c"), lambda i: ["no", "yes"][i % 7 > 3]),
}


@pytest.fixture
def state(tmp_path, request):
    make, _ = LEARNERS[getattr(request, "param", "classify")]
    state = make_state(tmp_path / "a.db", limits=LIMITS)
    for name in ("default", "by_json"):
        state.service.change(state.service.models.create, name, make())
    yield state
    state.close()


def row(i):
    return {"a": i % 7 / 3 if i % 5 else None, "n": i % 4, "c": "xyz"[i % 3], "late": i % 2 == 0, "many": [i % 2, 1.5]}


def stream(table, *, rows=16, **how):
    table = pa.Table.from_pylist(table) if isinstance(table, list) else table
    with io.BytesIO() as file:
        with pa.ipc.new_stream(file, table.schema, **how) as writer:
            writer.write_table(table, max_chunksize=rows)
        return file.getvalue()


def rows_of(answer):
    assert (answer.status_code, answer.headers["content-type"]) == (200, HEADERS["content-type"]), answer.text
    return without_gaps(pa.ipc.open_stream(answer.content).read_all().to_pylist())


def without_gaps(value):
    """Return rows without nulls: Arrow has one where a row of JSON lacks the name."""
    if isinstance(value, dict):
        return {name: without_gaps(one) for name, one in value.items() if one is not None}
    return [without_gaps(one) for one in value] if isinstance(value, list) else value


def refused(client, table, path="/predict", **how):
    body = table if isinstance(table, bytes) else stream(table, **how)
    answer = client.post(path, content=body, headers=HEADERS)
    assert answer.status_code in (400, 413), answer.text
    return answer.json()


@pytest.mark.parametrize(("state", "kind"), [(kind, kind) for kind in LEARNERS], indirect=["state"])
def test_a_stream_is_learned_and_predicted_as_the_same_rows_in_json(client, kind):
    _, label = LEARNERS[kind]
    rows, labels = [row(i) for i in range(80)], [{} if label is None else {"y": label(i)} for i in range(80)]
    learned = client.post(
        "/models/by_json/learn", json=[{"x": x} | y for x, y in zip(rows, labels, strict=True)]
    ).json()
    table = stream([x | y for x, y in zip(rows, labels, strict=True)])
    expected = [one | {"seq": one["seq"] + 80} for one in without_gaps(learned)]
    assert rows_of(client.post("/learn", content=table, headers=HEADERS)) == expected
    states = [
        client.get(f"/models/{name}").json().get("state") for name in ("default", "by_json")
    ]  # a fleet tells none
    assert states[0] == states[1]
    said = client.post("/models/by_json/predict", json=[{"x": x, "keep": False} for x in rows]).json()
    expected = [one | {"seq": one["seq"] + 80} for one in without_gaps(said)]
    assert rows_of(client.post("/predict", content=stream(rows), headers=HEADERS)) == expected


def test_columns_of_label_weight_and_id_are_named_in_the_query(client):
    rows = [{"a": i % 7, "truth": ["no", "yes"][i % 7 > 3], "weight": 1 + i % 2, "order": f"o{i}"} for i in range(20)]
    as_json = [{"x": {"a": r["a"]}, "y": r["truth"], "w": r["weight"], "id": r["order"]} for r in rows]
    assert client.post("/models/by_json/learn", json=as_json).status_code == 200
    answer = client.post("/learn?y=truth&w=weight&id=order", content=stream(rows), headers=HEADERS)
    assert len(rows_of(answer)) == 20
    assert client.get("/models/default").json()["state"] == client.get("/models/by_json").json()["state"]
    again = client.post("/learn?y=truth&w=weight&id=order", content=stream(rows), headers=HEADERS)
    assert all(one["repeated"] for one in rows_of(again))
    wrong = client.post("/learn?label=truth", content=stream(rows), headers=HEADERS)
    assert (wrong.status_code, "label" in wrong.json()["error"]) == (400, True)


def test_what_is_predicted_is_kept_and_bounded_where_the_query_says_so(client):
    client.post("/learn", json=[{"x": row(i), "y": ["no", "yes"][i % 7 > 3]} for i in range(40)])
    body = stream([row(i) for i in range(3)])
    assert not any("id" in one for one in rows_of(client.post("/predict", content=body, headers=HEADERS)))
    kept = rows_of(client.post("/predict?keep=true&coverage=0.9", content=body, headers=HEADERS))
    assert all(one["id"] and one["set"] for one in kept)
    assert client.post("/label", json={"id": kept[0]["id"], "y": "no"}).status_code == 200


def test_a_bandit_learns_structs_and_answers_of_two_types_become_texts(client, state):
    for name in ("bandit", "bandit_by_json"):
        state.service.change(state.service.models.create, name, hw.Bandit(seed=1))
    ys = [{"action": "ab"[i % 2], "reward": i % 2 * 1.0, "p": 0.5} for i in range(10)]
    table = stream([row(i) | {"y": y} for i, y in enumerate(ys)])
    assert len(rows_of(client.post("/models/bandit/learn", content=table, headers=HEADERS))) == 10
    as_json = [{"x": row(i), "y": list(y.values())} for i, y in enumerate(ys)]
    assert client.post("/models/bandit_by_json/learn", json=as_json).status_code == 200
    assert client.get("/models/bandit").json()["state"] == client.get("/models/bandit_by_json").json()["state"]


@pytest.mark.parametrize("kind", ["large_string", "string_view", "dictionary"])
def test_texts_of_each_layout_and_numbers_of_each_width_are_read_alike(client, kind):
    own = pa.dictionary(pa.int8(), pa.string()) if kind == "dictionary" else getattr(pa, kind)()
    texts, numbers = ["x", None, "a longer text that is in no view", "x"], [1, 2, None, 4]
    expected = [{"x": {"c": c, "n": n, "f": f}} for c, n, f in zip(texts, numbers, [0.5, None, None, 2.0], strict=True)]
    client.post("/learn", json=[{"x": {"c": "x", "n": i, "f": 0.5 * i}, "y": "ab"[i % 2]} for i in range(20)])
    c = pa.array(texts).dictionary_encode().cast(own) if kind == "dictionary" else pa.array(texts).cast(own)
    f = pa.array([0.5, math.nan, math.inf, 2.0], pa.float32())
    table = pa.table({"c": c, "n": pa.array(numbers, pa.uint8()), "f": f})
    said = client.post("/predict", json=[one | {"keep": False} for one in expected]).json()
    assert rows_of(client.post("/predict", content=stream(table), headers=HEADERS)) == without_gaps(said)


N = 120
COLUMNS = {
    "floats with gaps": pa.array([None if i % 5 == 0 else (math.inf, math.nan, i / 7, -0.0)[i % 4] for i in range(N)]),
    "narrow floats": pa.array([i / 7 for i in range(N)], pa.float32()),
    "halves": pa.array(np.array([i / 7 for i in range(N)], np.float16)),
    "whole": pa.array([i - 40 for i in range(N)], pa.int8()),
    "whole with gaps": pa.array([2**53 + i if i % 3 else None for i in range(N)], pa.uint64()),
    "truths": pa.array([i % 2 == 0 for i in range(N)]),
    "truths with gaps": pa.array([None if i % 4 == 0 else i % 3 == 0 for i in range(N)]),
    "nothing": pa.nulls(N),
    "texts": pa.array([None if i % 6 == 0 else f"t{i % 4}" for i in range(N)]),
    "long texts": pa.array([f"t{i % 4}" for i in range(N)], pa.large_string()),
    "texts that are numbers": pa.array([str(i % 4) for i in range(N)]),
    "views": pa.array([f"t{i % 4}" for i in range(N)], pa.string_view()),
    "listed texts": pa.array([None if i % 6 == 0 else f"t{i % 4}" for i in range(N)]).dictionary_encode(),
    "listed numbers": pa.array([i % 4 for i in range(N)]).dictionary_encode(),
    "embeddings": pa.array([[i / 7, 1.0] for i in range(N)]),
}
BY_ROWS = {"nothing", "views", "listed numbers", "embeddings"}


@pytest.mark.parametrize("state", ["classify", "classes that are numbers", "regress"], indirect=True)
@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_is_predicted_as_json_without_rows_where_it_can_be(client, monkeypatch, name):
    table = pa.table({name: COLUMNS[name], "a": [i % 7 / 3 for i in range(N)], "c": ["xyz"[i % 3] for i in range(N)]})
    rows = [{one: finite_or_none(value) for one, value in row.items()} for row in table.to_pylist()]
    body, asked = stream(table, rows=50), [{"x": x, "keep": False} for x in rows]
    monkeypatch.setattr("headwater.serve.api.predicting._PART_S", 0.0004)

    def both():
        with monkeypatch.context() as patch:
            if name not in BY_ROWS:
                patch.setattr(
                    arrow,
                    "_rows",
                    lambda table, start, stop: pytest.fail("rows") if stop > start + 1 else own(table, start, stop),
                )
            told = client.post("/predict", content=body, headers=HEADERS)
        assert rows_of(told) == without_gaps(client.post("/predict", json=asked).json())

    own = arrow._rows
    learned = client.post("/learn", json=[{"x": x, "y": i % 3} for i, x in enumerate(rows)])
    assert learned.status_code == 200, learned.text
    both()
    for kind in (1.5, "text", True, None):  # the column has begun with another kind of value
        client.post("/learn", json=[{"x": {name: kind}, "y": i % 3} for i in range(4)])
    both()


def finite_or_none(value):
    return None if isinstance(value, float) and not math.isfinite(value) else value


def test_columns_before_anything_is_learned_and_by_a_fallback_are_answered_as_rows_are(client, state):
    body = stream([row(i) | {"many": None} for i in range(60)])
    asked = [{"x": row(i) | {"many": None}, "keep": False} for i in range(60)]
    assert rows_of(client.post("/predict", content=body, headers=HEADERS)) == without_gaps(
        client.post("/predict", json=asked).json()
    )


def test_columns_beyond_a_limit_are_refused_as_their_rows_are(client):
    wide = {f"{'n' * 300}{j}": 1.0 for j in range(3)}
    by_json = client.post("/predict", json=[{"x": wide, "keep": False}] * 60)
    by_arrow = refused(client, [wide] * 60)
    assert by_json.status_code == 400
    assert "length <= 256" in by_arrow["error"]
    assert "length <= 256" in by_json.json()["error"]


def test_no_rows_are_answered_by_no_rows(client):
    empty = stream(pa.table({"a": pa.array([], pa.int64())}))
    assert rows_of(client.post("/predict", content=empty, headers=HEADERS)) == []


def test_what_is_no_stream_or_of_another_type_is_told_in_a_sentence(client):
    assert refused(client, b"rows")["error"].startswith("expected an Arrow IPC stream, got")
    assert refused(client, stream([row(0)])[:-200])["code"] == "not_arrow"
    when = refused(client, pa.table({"when": pa.array([0], pa.timestamp("us"))}))
    assert when["error"] == "expected columns of numbers, booleans, texts, or lists of these, got timestamp[us]"
    assert when["at"] == "column 'when'"
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert refused(client, twice)["error"] == "expected a name for each column, got one twice"
    missing = refused(client, [row(0)], "/learn")
    assert (missing["at"], "missing required field `y`" in missing["error"]) == ("row 0", True)
    null = refused(client, [row(0) | {"y": "a"}, row(1) | {"y": None}], "/learn")
    assert null["at"] == "row 1, the label"
    huge = refused(client, pa.table({"a": pa.array([2**64 - 1], pa.uint64())}))
    assert "Expected `int` <=" in huge["error"]
    assert client.get("/models/default").json()["seq"] == 0


def test_a_small_body_cannot_unfold_to_a_large_one(client):
    assert refused(client, [{"a": i} for i in range(1001)])["error"].startswith("expected at most 1,000 rows")
    assert "limit cells" in refused(client, [{f"a{j}": True for j in range(30)}] * 700, rows=700)["error"]
    assert client.post("/predict", content=b"0" * 200_001, headers=HEADERS).status_code == 413
    text = "t" * 100_000
    listed = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int16()), pa.array([text]))
    assert "limit body_bytes" in refused(client, pa.table({"c": listed}), rows=500)["error"]
    one = struct.pack("<i4sii", len(text), b"tttt", 0, 0)  # all views see the same bytes
    views = pa.Array.from_buffers(pa.string_view(), 500, [None, pa.py_buffer(one * 500), pa.py_buffer(text.encode())])
    assert "limit body_bytes" in refused(client, pa.table({"c": views}), rows=500)["error"]
    nothing = pa.FixedSizeListArray.from_arrays(pa.nulls(2**30), 2**30)
    assert "limit body_bytes" in refused(client, pa.table({"many": nothing}))["error"]


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_buffers_are_refused_before_they_unfold(client, codec):
    how = {"options": pa.ipc.IpcWriteOptions(compression=codec)}
    plain = pa.table({"a": [1.0] * 100})
    listed = pa.table({"c": pa.array(["a long text of many letters"] * 100).dictionary_encode()})
    for table in (plain, listed):
        error = refused(client, table, **how)
        assert error["error"] == "expected buffers that are not compressed, got compressed ones"
        assert client.post("/predict", content=stream(table), headers=HEADERS).status_code == 200


@pytest.mark.parametrize("page", ["docs/how-to/deploy.md", "docs/zh/how-to/deploy.md"])
def test_the_block_of_the_guide_scores_and_learns_a_table(client, monkeypatch, page):
    class Connection:  # the server's address on the page
        def __init__(self, host, port):
            assert (host, port) == ("localhost", 8080)

        def request(self, method, path, body, headers):
            self.reply = client.request(method, path, content=body, headers=headers)

        def getresponse(self):
            return SimpleNamespace(status=self.reply.status_code, read=lambda: self.reply.content)

    monkeypatch.setattr("http.client.HTTPConnection", Connection)
    names = {}
    exec(BLOCK.search((ROOT / page).read_text(encoding="utf-8"))[1], names)
    said = names["post"]("/predict", names["orders"].drop(["late"]))
    assert (said.column_names, said.num_rows) == (["y_pred", "proba", "seq"], 3)
    with pytest.raises(ValueError, match="missing required field"):
        names["post"]("/learn", names["orders"])
