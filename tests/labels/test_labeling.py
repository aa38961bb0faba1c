"""Rows of a store that wait for a person's label: each is handed to one person, and none is lost."""

import random

import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError
from headwater.store.service import labeling

R = random.Random(1)
ROWS = [{"a": R.random(), "b": R.random()} for _ in range(400)]


def label_of(x):
    return "yes" if x["a"] > x["b"] else "no"


@pytest.fixture
def store(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(seed=1, effort="fast")) as model:
        yield model


def test_asked_rows_wait_and_are_handed_out_once_oldest_first(store):
    asked = [x for x in ROWS[:200] if store.should_label(x, 0.1)]
    assert store.labels_waiting == len(asked) == store.label_budget.asked
    assert store.label_budget.seen == 200
    tasks = [store.next_label() for _ in asked]
    assert [task.x for task in tasks] == asked
    assert len({task.id for task in tasks}) == len(asked)
    assert store.next_label() is None
    assert store.labels_waiting == len(asked)


def test_a_label_is_learned_and_proposed_from_then_on(store):
    for x in ROWS[:300]:
        store.ask_label(x, 0.5)
    first = store.next_label()
    assert (first.y_pred, first.proba) == (None, {})
    while first is not None:
        store.label(first.id, label_of(first.x))
        first = store.next_label()
    assert store.labels_waiting == 0
    name = store.ask_label(ROWS[300], 1.0)
    task = store.next_label()
    assert (task.id, task.p, task.waiting) == (name, 1.0, 1)
    assert task.y_pred == label_of(task.x)
    assert sum(task.proba.values()) == pytest.approx(1.0)


def test_a_released_row_comes_again_after_the_others(store):
    names = [store.ask_label(x, 1.0) for x in ROWS[:3]]
    assert store.next_label().id == names[0]
    store.release_label(names[0])
    assert [store.next_label().id for _ in names] == [names[1], names[2], names[0]]
    for name in ("p99", "x", names[0] + "0"):
        with pytest.raises(DataError, match="a row that was handed out"):
            store.release_label(name)


def test_a_lease_ends_by_itself(store, monkeypatch):
    name = store.ask_label(ROWS[0], 1.0)
    monkeypatch.setattr(labeling, "LEASE_S", -1.0)
    assert store.next_label().id == name
    assert store.next_label().id == name


def test_a_row_that_was_labeled_otherwise_or_forgotten_is_not_handed_out(store):
    names = [store.ask_label(x, 1.0) for x in ROWS[:4]]
    store.label(names[0], "no")
    store.forget(ids=[names[1]])
    held = store.next_label()
    assert held.id == names[2]
    store.label(held.id, "yes")
    assert store.labels_waiting == 1
    assert store.next_label().id == names[3]


def test_waiting_rows_the_budget_and_the_weighted_score_survive_a_restart(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(seed=1, effort="fast")) as model:
        for x in ROWS:
            if model.should_label(x, 0.2) and (task := model.next_label()).id != "p3":
                model.label(task.id, label_of(task.x))
        asked, scores = model.label_budget.asked, model.scores["labeled"]
    with hw.open(tmp_path / "a.db") as model:
        assert model.label_budget.asked == asked
        assert model.next_label().id == "p3"
        assert model.scores["labeled"] == scores
        assert scores["n"] == asked - 1
        assert 0 < scores["error"] < 0.2


def test_predictions_that_wait_for_other_reasons_are_nobodys_task(store):
    store.predict_with_id(ROWS[0])
    assert store.labels_waiting == 0
    assert store.next_label() is None
    assert "labeled" not in store.scores


def test_a_regressor_refuses_in_one_sentence(tmp_path):
    with (
        hw.open(tmp_path / "a.db", hw.Regressor()) as model,
        pytest.raises(ConfigError, match="asks for labels within a budget: Classifier"),
    ):
        model.should_label({"a": 1.0})
