"""What a request may bring at most: beyond a limit it is refused with the limit's name, before the journal."""

import resource

import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError, TargetError
from headwater.store.journal.events import JournalEvent, PendingPrediction
from headwater.store.journal.requests import LearnRequest, PendingRequest
from headwater.store.service import Limits, OverLimit
from headwater.store.service.limits import entries_of

SMALL = {"hidden": (4,), "seed": 1}
WIDE = {f"c{i}": "v" for i in range(30)}
TOO_MUCH = [
    ("row_entries", Limits(row_entries=20), [WIDE], "expected at most 20 entries a row, got 30 — at row 0."),
    ("row_entries", Limits(row_entries=20), [{"a": 1.0}, {"a": [[1.0] * 11, {"b": [2.0] * 11}]}], "got 22 — at row 1."),
    ("row_bytes", Limits(row_bytes=100), [{"a": "x" * 200}], "expected at most 100 bytes a row, got 205 — at row 0."),
    (
        "request_names",
        Limits(request_names=20),
        [{"user": f"u{i}"} for i in range(25)],
        "expected at most 20 different names and texts a request, got more — at request.",
    ),
    ("classes", Limits(classes=3), None, "expected at most 3 classes, got 4 — at y."),
]


@pytest.mark.parametrize(("name", "limits", "X", "sentence"), TOO_MUCH, ids=[row[0] for row in TOO_MUCH])
def test_a_request_beyond_a_limit_is_refused_with_its_name_and_nothing_of_it_is_journaled(
    tmp_path, name, limits, X, sentence
):
    y = ["a", "b", "c", "d"] if X is None else ["a"] * len(X)
    X = [{"a": 1.0}] * 4 if X is None else X
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL), limits=limits) as model:
        model.learn_one({"a": 1.0}, "a")
        with pytest.raises(OverLimit) as refused:
            model.learn_many(X, y)
        assert sentence in str(refused.value)
        assert f"The limit {name} can be set." in str(refused.value)
        assert refused.value.code == "limit"
        assert (model.seq, model.n_learned, model.service.journal.seq) == (1, 1, 1)
        assert model.learn_one({"a": 2.0}, "a") == 2
    with hw.open(
        tmp_path / "a.db", limits=Limits(row_entries=1, classes=1)
    ) as again:  # limits are of new requests only
        assert again.seq == 2


def test_a_prediction_whose_row_could_not_be_learned_is_not_kept(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL), limits=Limits(row_entries=20)) as model:
        with pytest.raises(OverLimit, match="at most 20 entries"):
            model.predict_with_id(WIDE)
        assert model.service.ids.counts() == 0


def test_classes_that_come_with_several_requests_of_one_commit_are_counted_together(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL), limits=Limits(classes=3)) as model:
        requests = [LearnRequest(1, [JournalEvent({"a": 1.0}, label)]) for label in ("a", "b", "a", "c", "d", "b")]
        outcomes = model.service.commit(requests)
        assert [outcome is None for outcome in outcomes] == [True, True, True, True, False, True]
        assert str(outcomes[4]).startswith("expected at most 3 classes, got 4 — at y.")
        assert (model.classes, model.seq) == (["a", "b", "c"], 5)


def test_a_third_of_two_classes_is_refused_also_within_one_commit(tmp_path):
    two = hw.Classifier(loss="binary_cross_entropy", **SMALL)
    with hw.open(tmp_path / "a.db", two) as model:
        requests = [LearnRequest(1, [JournalEvent({"a": 1.0}, label)]) for label in ("a", "b", "c", "a")]
        outcomes = model.service.commit(requests)
        assert [type(outcome) for outcome in outcomes] == [type(None), type(None), TargetError, type(None)]
        assert (model.classes, model.seq) == (["a", "b"], 3)


def test_answers_that_look_like_a_regression_are_said_to_be(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        model.learn_many([{"a": 1.0}] * 60, [i + 0.5 for i in range(60)])
        with pytest.raises(OverLimit, match=r"got 120 — at y. This looks like a regression: use a Regressor"):
            model.learn_many([{"a": 1.0}] * 60, [i + 0.25 for i in range(60)])
        assert model.learn_one({"a": 1.0}, 3.0) == 61
    with hw.open(tmp_path / "b.db", hw.Classifier(**SMALL), limits=Limits(fractions=200)) as model:
        model.learn_many(
            [{"a": 1.0}] * 150, [i + 0.5 for i in range(150)]
        )  # the learner's own limit does not count here
    with hw.open(tmp_path / "b.db", limits=Limits(classes=1)) as model:
        assert model.n_learned == 150


def test_a_request_that_needs_too_much_memory_is_refused(tmp_path):
    X = [{f"c{i}": "v" for i in range(2000)}]
    with hw.open(tmp_path / "a.db", hw.Classifier(seed=1), limits=Limits(request_memory=1_000_000)) as model:
        with pytest.raises(
            OverLimit, match=r"needs at most 1,000,000 bytes of memory, got about [0-9,]{9,} — at request."
        ):
            model.learn_many(X, ["a"])
        model.learn_many([{f"c{i}": "v" for i in range(200)}], ["a"])
        assert model.seq == 1


def test_many_rows_of_known_names_need_little_memory(tmp_path):
    X, y = [{f"c{i}": float(j % 7) for i in range(10)} for j in range(4000)], [j % 2 for j in range(4000)]
    with hw.open(tmp_path / "a.db", hw.Classifier(seed=1), limits=Limits(request_memory=12_000_000)) as model:
        model.learn_many(X, y)
        assert model.n_learned == 4000


def test_a_row_that_is_journaled_needs_memory_in_proportion_to_its_entries(tmp_path):
    wide = {f"c{i}": "v" for i in range(10_000)}
    with hw.open(tmp_path / "a.db", hw.Classifier(seed=1)) as model:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        model.learn_one(wide, "a")
        model.learn_one({"a": 1.0}, "b")
        model.snapshot()
        assert model.service.snapshot_failure is None
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 400_000  # kB
    with hw.open(tmp_path / "a.db") as again:
        assert again.n_learned == 2


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        ({"a": "\ud800"}, "expected text that is Unicode, got half of a surrogate pair — at a sample."),
        ({"\udfff": 1.0}, "expected text that is Unicode, got half of a surrogate pair — at a sample."),
        ({"a": 2**70}, "expected whole numbers of up to 64 bits"),
    ],
)
def test_a_request_that_cannot_be_written_fails_alone(tmp_path, x, sentence):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        good, bad = JournalEvent({"a": 1.0}, "a"), JournalEvent(x, "b")
        requests = [
            LearnRequest(1, [good]),
            LearnRequest(1, [good, bad]),
            PendingRequest(1, [PendingPrediction(x, {"champion": (None, {})}, 0)]),
            LearnRequest(1, [JournalEvent(x, "a", id="once")]),
            LearnRequest(1, [good]),
        ]
        outcomes = model.service.commit(requests)
        assert [outcome if outcome is None else type(outcome) for outcome in outcomes] == [None, *[DataError] * 3, None]
        assert {str(outcome)[: len(sentence)] for outcome in outcomes[1:4]} == {sentence}
        assert (model.seq, model.n_learned, model.service.ids.counts()) == (2, 2, 0)
    with hw.open(tmp_path / "a.db") as again:
        assert again.n_learned == 2


@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_a_limit_is_a_whole_number_of_one_or_more(value):
    with pytest.raises(ConfigError, match="expected a whole number of 1 or more"):
        Limits(classes=value)


def test_entries_are_counted_however_deeply_they_are_nested():
    deep = 1.0
    for _ in range(100_000):
        deep = [deep]
    assert entries_of({"a": deep, "b": [], "c": {}}) == 3
    del deep
