"""Poison messages: whatever a message holds, and whoever is to learn it, the stream goes on, and the message is counted and kept."""

from __future__ import annotations

import json
import math

import msgspec
import pytest

import headwater as hw
from headwater.store.learner_file import fingerprint
from headwater.store.sources.follower import _BLOCK_BYTES

pytest.importorskip("redis", reason="no client: pip install 'headwater[redis]' brings it")

NOT_ROWS = [
    b"{",
    b"",
    b"null",
    b"5",
    b'"text"',
    b"[1]",
    b'[{"a": 1.0}]',
    b"\xff\xfe\x00",
    b'{"a": "\xff"}',
    b'{"a": NaN, "y": NaN}',
]
"""Not JSON, of the wrong type, not UTF-8."""
TOO_MUCH = [
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    json.dumps({"a": "x" * 2_000_000, "y": 1}).encode(),
    json.dumps({f"name {i}": 1.0 for i in range(20_000)} | {"y": 1}).encode(),
    b'{"y": 1, "a": "' + b" " * 17_000_000 + b'"}',
    json.dumps({"a": 10**30, "y": 1}).encode(),
]
"""Nested too deeply, too large, with too many names, too large to be decoded, beyond 64 bits."""
LONG, HUGE = "x" * 1_001, 1e31


def transition(**changes):
    return {"action": 1, "reward": 1.0, "next": {"a": 0.5}, "terminated": False} | changes


# By kind: what makes a learner, the answer of row i, and answers that none can learn.
KINDS = {
    "Classifier": (lambda: hw.Classifier(hidden=(4,), seed=1), lambda i: "ab"[i % 2], [None, [1], {"a": 1}, LONG]),
    "Regressor": (lambda: hw.Regressor(hidden=(4,), seed=1), lambda i: i % 5, [None, "two", [1.0], {}, HUGE, -HUGE, 10**400]),
    "Forecaster": (lambda: hw.Forecaster(horizon=2, season=3, seed=1), lambda i: i % 5, ["two", [1.0], {}, HUGE]),
    "Anomaly": (lambda: hw.Anomaly(seed=1), lambda i: i % 2, ["bad", 7, [1], {}]),
    "Bandit": (
        lambda: hw.Bandit(seed=1),
        lambda i: ["ab"[i % 2], i % 3, 0.5],
        [
            *(None, "a", [], ["a"], {"action": "a"}, ["a", 1.0, 0.5, "ab"], ["a", 1.0, 0.5, [LONG]]),
            *(["a", reward, 0.5] for reward in ("much", None, HUGE, [1.0])),
            *(["a", 1.0, p] for p in (0.0, 2.0, -0.5, "half")),
            *([action, 1.0, 0.5] for action in (None, ["a"], {"a": 1}, LONG)),
        ],
    ),
    "Agent": (
        lambda: hw.Agent(2, hidden=4, seed=1),
        lambda i: transition(action=i % 2, reward=float(i % 3)),
        [
            *(None, 1, [1], {}),
            *(transition(action=action) for action in (2, -1, "go", None, [1], {})),
            *(transition(reward=reward) for reward in ("much", None, HUGE, [1.0])),
            *(transition(next=state) for state in (None, "there", [None], [{}])),
            *(transition(terminated="false"), transition(truncated=[])),
        ],
    ),
    "MultiOutput": (
        lambda: hw.MultiOutput(seed=1),
        lambda i: {"label": "ab"[i % 2], "price": i % 5},
        [None, "a", [1], {}, {"label": [1]}, {"label": {}}, {"price": HUGE}, {"label": LONG}, {LONG: 1}],
    ),
    "Fleet": (
        lambda: hw.Fleet(lambda: hw.Classifier(hidden=(4,), seed=1), key="k"),
        lambda i: "ab"[i % 2],
        [None, [1], {"a": 1}, LONG],
    ),
}  # fmt: skip
NO_KEYS = [
    {"a": 1.0, "y": "a"},
    {"a": 1.0, "y": "a", "k": None},
    {"a": 1.0, "y": "a", "k": [1]},
    {"a": 1.0, "y": "a", "k": {}},
]


def good(kind, i):
    return {"a": i * 37 % 11 / 10, "k": "mn"[i % 2], "y": KINDS[kind][1](i)}


def poisons(kind):
    bad = [json.dumps({"a": 1.0, "k": "m", "y": y}).encode() for y in KINDS[kind][2]]
    return [*NOT_ROWS, *TOO_MUCH, *bad, *(json.dumps(row).encode() for row in NO_KEYS if kind == "Fleet")]


def address(server, rest):
    return f"redis://127.0.0.1:{server.port}/{rest}"


def add(base, name, bodies):
    for body in bodies:
        base.xadd(name, {"value": body})


def letters(base):
    return [json.loads(fields[b"value"]) for _, fields in base.xrange("dead")]


def followed(path, kind, where, **how):
    """Follow rows into a store; return what it knows of them, and the learner's digest after the store was opened again."""
    with hw.open(path, KINDS[kind][0]()) as model:
        state = model.learn_from(where, "y", **how)
    with hw.open(path) as again:
        return state, fingerprint(again.learner)


@pytest.mark.parametrize("kind", KINDS)
def test_a_poison_message_is_left_out_whoever_learns(kind, base, server, tmp_path):
    poison = poisons(kind)
    rows = [json.dumps(good(kind, i)).encode() for i in range(len(poison))]
    add(base, "clean", rows)
    add(base, "rows", [one for pair in zip(rows, poison, strict=True) for one in pair])
    _, expected = followed(tmp_path / "clean.db", kind, address(server, "clean?idle=0.1"))
    state, digest = followed(
        tmp_path / "a.db", kind, address(server, "rows?idle=0.1"), dead_letters=address(server, "dead")
    )
    assert digest == expected
    assert (state.read, state.learned) == (2 * len(rows), len(rows))
    assert (sum(state.counts.values()), state.dead_letters) == (len(poison), len(poison))
    places = [letter["position"].partition(" ")[2] for letter in letters(base)]
    assert places == [str(2 * i + 2) for i in range(len(poison))]


def test_a_dead_letter_says_where_it_was_why_it_is_there_and_what_it_held(base, server, tmp_path):
    bodies = [b"{", b"\xff\xfe", b'{"a": "\x00"}', b"\x00", b"[" + b" " * 800_000]
    add(base, "rows", bodies)
    with hw.open(tmp_path / "a.db", KINDS["Classifier"][0]()) as model:
        model.learn_from(address(server, "rows?idle=0.1"), "y", dead_letters=address(server, "dead"))
        store = model.service.id
    first, *unprintable, large = letters(base)
    assert first | {"position": ""} == {
        "source": "redis:rows",
        "partition": "0",
        "position": "",
        "store": store,
        "model": "default",
        "reason": "not a row in json",
        "detail": "expected a row in json, got DecodeError: Input data was truncated — at message.",
        "value": "{",
    }
    assert [(letter["value"], letter["encoding"]) for letter in unprintable] == [
        ("//4=", "base64"),
        ("eyJhIjogIgAifQ==", "base64"),
        ("AA==", "base64"),
    ]
    assert (large["size"], large["cut"], len(large["value"])) == (800_001, True, 700_000)


def test_a_function_that_decodes_may_raise_and_return_anything(base, server, tmp_path):
    def raising(error):
        raise error

    found = [
        lambda: raising(ValueError("no")),
        lambda: raising(KeyError("a")),
        lambda: raising(RecursionError()),
        lambda: raising(MemoryError()),
        lambda: raising(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")),
        lambda: "text",
        lambda: [1],
        lambda: {"a": object(), "y": "a"},
        lambda: {"a": 1.0, "y": object()},
        lambda: {"a": "\ud800", "y": "a"},
        lambda: {"a": 1.0, "y": "\ud800"},
        lambda: {"a": 1.0, "y": "a", "id": "\ud800"},
        lambda: {"a": 1.0, "y": "a", "id": "x" * 1_001},
        lambda: {"a": 1 << 70, "y": "a"},
        lambda: {"a": 1.0, "y": 1 << 70},
    ]
    calls = iter(range(1_000))

    def decode(value):
        number = next(calls) if value == b"bad" else -1
        return {"a": 1.0, "y": "a", "id": value.decode()} if number < 0 else found[number % len(found)]()

    add(base, "rows", [one for i in range(len(found)) for one in (b"%d" % i, b"bad")])
    with hw.open(tmp_path / "a.db", KINDS["Classifier"][0]()) as model:
        state = model.learn_from(address(server, "rows?id=id&block=1&idle=0.1"), "y", decode=decode)
        assert (state.read, state.learned, model.n_learned) == (30, 15, 15)
        assert sum(state.counts.values()) == 15
        assert state.counts["not a message that can be decoded"] >= 5
        details = [reason for _, _, reason, _ in model.rejects("redis:rows")]
    assert details[0] == "expected a message that can be decoded, got ValueError: no"


def test_numbers_that_are_none_are_missing_values_and_no_answers(base, server, tmp_path):
    rows = [
        {"a": 1.0, "y": 1.0},
        {"a": math.nan, "y": 2.0},
        {"a": 1.0, "y": math.nan},
        {"a": math.inf, "y": 1.0},
        {"a": 1.0, "y": math.inf},
    ]
    add(base, "rows", map(msgspec.msgpack.encode, rows))
    with hw.open(tmp_path / "a.db", KINDS["Regressor"][0]()) as model:
        state = model.learn_from(address(server, "rows?format=msgpack&idle=0.1"), "y")
        assert (state.learned, state.counts) == (3, {"not a number within ±1e+30": 1, "the answer is missing": 1})
        assert model.n_learned == 3


def test_rejects_take_little_room_however_large_the_messages(base, server, tmp_path):
    for _ in range(30):
        base.xadd("rows", {"value": b"[" + b" " * 2_000_000})
    with hw.open(tmp_path / "a.db", KINDS["Classifier"][0]()) as model:
        state = model.learn_from(address(server, "rows?idle=0.1"), "y")
        assert state.counts == {"not a row in json": 30}
        assert {len(body) for *_, body in model.rejects("redis:rows")} == {4096}
    assert (tmp_path / "a.db").stat().st_size < 1_000_000


def test_dead_letters_take_little_room_however_large_the_messages(base, server, tmp_path):
    for _ in range(30):
        base.xadd("rows", {"value": b"[" + b" " * 2_000_000})
    with hw.open(tmp_path / "a.db", KINDS["Classifier"][0]()) as model:
        model.learn_from(address(server, "rows?idle=0.1"), "y", dead_letters=address(server, "dead"))
    assert len(letters(base)) == 30
    assert (tmp_path / "a.db").stat().st_size < 2 * _BLOCK_BYTES


def test_classes_beyond_the_limit_are_left_out_one_by_one(base, server, tmp_path):
    add(base, "rows", [json.dumps({"a": 1.0, "y": f"class {i % 40}"}).encode() for i in range(80)])
    limits = hw.store.service.Limits(classes=30)
    with hw.open(tmp_path / "a.db", KINDS["Classifier"][0](), limits=limits) as model:
        state = model.learn_from(address(server, "rows?idle=0.1"), "y")
        assert (state.learned, state.counts) == (60, {"not at most 30 classes": 20})
        assert len(model.classes) == 30


def test_a_prediction_of_many_long_classes_still_fits_into_what_brokers_take(base, server, tmp_path):
    classes = [f"{i:04d}" + "x" * 996 for i in range(950)]
    known, new = classes[:860], classes[860:]  # those that are told are large, so few are
    add(base, "rows", [json.dumps({"a": 1.0, "y": one}).encode() for one in [*new, classes[0]]])
    with hw.open(tmp_path / "a.db", KINDS["Classifier"][0]()) as model:
        model.learn_many([{"a": 1.0}] * len(known), known)
        model.learn_from(address(server, "rows?block=30&idle=0.1"), "y", predictions=address(server, "said"))
    said = [fields[b"value"] for _, fields in base.xrange("said")]
    assert len(said) == 91
    assert max(map(len, said)) <= 900_000
    assert ["proba" in json.loads(one) for one in (said[0], said[-1])] == [True, False]
