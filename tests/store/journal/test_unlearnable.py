"""An event that no learner can learn stops the start with its number, and is left out on command alone."""

import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError, StoreError
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service import model, models
from headwater.store.service.maintenance.commands import check, skip
from headwater.store.service.models import UnlearnableEvent

SMALL = {"hidden": (4,), "seed": 1}


@pytest.fixture
def poison(monkeypatch):
    """Let every learner fail at samples that say so, as a learner without memory for them would."""
    learn = model.learn_events

    def learned(state, events):
        for event in events:
            if event.x.get("poison"):
                raise MemoryError("25 GB")
        return learn(state, events)

    for module in (model, models):
        monkeypatch.setattr(module, "learn_events", learned)


def rows(n, start=0):
    return [{"a": float(i), "c": "xyz"[i % 3]} for i in range(start, start + n)], [
        i % 2 for i in range(start, start + n)
    ]


def poisoned(path):
    """Return a store whose event 21 of 31 can't be learned."""
    store = hw.open(path, hw.Classifier(**SMALL))
    store.learn_many(*rows(20))
    X, y = rows(10, 20)
    with pytest.raises(
        StoreError, match="expected learners of model default that learn events 21 to 31, got MemoryError: 25 GB"
    ):
        store.learn_many([{"poison": True}, *X], [1, *y])
    with pytest.raises(StoreError, match="25 GB"):
        store.learn_one({"a": 1.0}, 1)
    store.close()  # the learner stands half way: no snapshot is made of it


def test_the_start_and_the_check_name_the_event_and_the_way_past_it(tmp_path, poison, capsys):
    poisoned(tmp_path / "a.db")
    sentence = (
        f"expected an event that default/champion can learn, got MemoryError: 25 GB — at event 21 of {tmp_path / 'a.db'}. "
        "`headwater store skip FILE 21` leaves it out of every replay. It stays in the journal."
    )
    for _ in range(2):
        with pytest.raises(UnlearnableEvent) as found:
            hw.open(tmp_path / "a.db")
        assert (str(found.value), found.value.seq) == (sentence, 21)
    assert check(tmp_path / "a.db", LEARNER_FORMAT).problems == [sentence]
    assert main(["store", "check", str(tmp_path / "a.db")]) == 1
    assert sentence in capsys.readouterr().out


def test_it_is_left_out_on_command_and_everything_else_is_learned(tmp_path, poison, capsys):
    poisoned(tmp_path / "a.db")
    assert main(["store", "skip", str(tmp_path / "a.db"), "21"]) == 0
    assert capsys.readouterr().out.endswith("event 21 is left out (MemoryError: 25 GB). It stays in the journal.\n")
    plain = hw.Classifier(**SMALL)
    plain.learn_many(*rows(30))
    with hw.open(tmp_path / "a.db") as model:
        assert model.seq == 31
        assert fingerprint(model.learner) == fingerprint(plain)
        assert fingerprint(model.as_of(31)) == fingerprint(plain)
        assert model.learn_one({"a": 1.0}, 1) == 32
    report = check(tmp_path / "a.db", LEARNER_FORMAT)
    assert (report.problems, report.skipped, report.events) == ([], [21], 32)


@pytest.mark.parametrize("event", [20, 22, 99])
def test_no_other_event_can_be_left_out(tmp_path, poison, event):
    poisoned(tmp_path / "a.db")
    with pytest.raises(ConfigError, match=f"got {event}, while the start stops at 21"):
        skip(tmp_path / "a.db", LEARNER_FORMAT, event)
    with pytest.raises(UnlearnableEvent):
        hw.open(tmp_path / "a.db")


def test_in_a_sound_store_nothing_can_be_left_out(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        model.learn_many(*rows(5))
    with pytest.raises(ConfigError, match="got 3, while all can be learned"):
        skip(tmp_path / "a.db", LEARNER_FORMAT, 3)
