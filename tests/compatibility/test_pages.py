"""What the pages of formats say is read from what is written now, by a reader that follows the pages alone."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.kinds import KINDS
from headwater.serve.app import ADDRESSES
from headwater.serve.openapi import document
from headwater.store.journal.snapshots import CHUNK
from headwater.store.model_file.settings import as_json
from headwater.streams.readers.dtypes.cells import Text
from support.frozen import reading


@pytest.fixture
def saved(tmp_path):
    model = hw.Regressor(hidden=[], optimizer="sgd", lr=0.05, seed=1)
    for i in range(200):
        model.learn_one({"a": float(i % 5), "b": "xy"[i % 2], ("k", 3): 1.5 * (i % 3)}, 3.0 * (i % 5) + i % 2)
    model.save(tmp_path / "m.hw")
    return model, (tmp_path / "m.hw").read_bytes()


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "s.db"
    with hw.open(path, hw.Classifier(hidden=[4], seed=1)) as model:
        row = {"a": 1.5, "b": "x", "c": Text("12"), "d": dt.date(2026, 1, 2)}
        model.learn_many([row, {"a": 2, "b": None}, {"l": [1, "z"]}], ["yes", "no", 3])
        waiting = model.predict_with_id({"a": 1.0})[0]
        model.label(waiting, "yes")
        model.predict_with_id({"a": 7.0})
    return path


def test_a_model_file_is_what_its_page_says(saved):
    data = saved[1]
    head, arrays = reading.model(data)
    fields = [re.findall(r"`(\w+)`", row[0])[0] for row in reading.table("model", "field | what it is")]
    assert [*head] == fields
    assert head["sha256"] == reading.digest(data)
    assert f"Version: **{head['format']}**" in reading.page("model")
    assert (head["learner"], head["core"], head["classes"]) == ("Regressor", 5, [])
    counts = {
        what: int(arrays["sizes"][int(i)]) for i, what in re.findall(r"`sizes\[(\d+)\]` ([\w ]+)", reading.page("core"))
    }
    assert counts == {
        "rows of the table": 5,
        "feature indices": 2,
        "names": 5,
        "columns": 3,
        "bytes of names": 19,
        "outputs": 1,
        "rows learned": 200,
    }
    assert len(data) == max(8 + int.from_bytes(data[:8], "little") + sum(a.nbytes for a in arrays.values()), 0)


def test_columns_lead_to_their_rows_as_the_page_says(saved):
    model, data = saved
    arrays = reading.model(data)[1]
    rows = reading.rows_by_name(arrays)
    assert rows == {"a": 1, "\0tuple ('k', 3)": 3, "b=x": 2, "b=y": 4}
    weights = arrays["weights"].reshape(5, -1)[:, 0]
    assert weights[rows["b=y"]] == model.engine.core.parameters.reshape(5, -1)[4, 0]
    assert arrays["slot_mean"][0] == 2.0
    assert arrays["touched"][rows["b=y"]] == 100


def test_a_linear_network_is_computed_from_its_file_by_the_page(tmp_path):
    net = nn.Network([nn.Dense(3)], inputs=2, loss="mse", optimizer="sgd", seed=4, dtype="float64")
    net.fit([[0.5, 1.0], [2.0, -1.0]], [[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]], epochs=5, batch_size=1)
    net.save(tmp_path / "n.hw")
    head, arrays = reading.model((tmp_path / "n.hw").read_bytes())
    assert [*head] == ["sha256", "format", "learner", "settings", "shuffle"]
    rows = arrays["weights"].reshape(3, 4)
    x = [0.25, -3.0]
    assert np.allclose(rows[0, :3] + x[0] * rows[1, :3] + x[1] * rows[2, :3], net.predict([x])[0], rtol=0, atol=1e-15)


def test_the_classes_that_the_page_names_are_all_that_are_saved():
    named = set(
        re.findall(
            r"`(\w+)`", next(row for row in reading.table("model", "field | what it is") if row[0] == "`learner`")[1]
        )
    )
    assert named == {kind.cls.__name__ for kind in KINDS} | {"Expiring", "Fleet", "Network"}


@pytest.mark.parametrize(
    "value",
    [None, True, 2**80, "é", 0.1, -0.0, float("inf"), (1, (2.5,)), [1, "a"], b"x\xff", {"a": 1.5, 7: None}],
    ids=repr,
)
def test_settings_are_read_as_the_page_says(value):
    found = reading.plain(as_json(value))
    assert (type(found), repr(found)) == (type(value), repr(value))


def test_classes_of_settings_are_a_name_and_fields():
    assert reading.plain(as_json(nn.SGD(0.5))) == ("SGD", {"lr": 0.5})


def test_the_declaration_is_what_its_page_says(saved):
    _, arrays = reading.model(saved[1])
    declared = arrays["declaration"]
    said = {row[0]: row[1] for row in reading.table("core", "number | what it is")}
    assert [*said] == ["0", *map(str, range(1, 10)), "10, 11", "12", "13", "14", "15, 16", "17"]
    assert (declared[0], declared[10], declared[13], declared[17]) == (5, 1, 1, 1)
    assert len(declared) == 18 + 19 + 8
    assert {"18", "19", "8"} <= set(re.findall(r"\d+", reading.page("core")))
    assert f"There are {len(hw.nn.core.blank_state())}." in reading.page("core")
    assert len(arrays["sizes"]) == 22


def test_the_journal_is_what_its_page_says(store):
    found = reading.events(store)
    assert [event[1] for event in found] == ["yes", "no", 3, "yes"]
    assert found[0][0] == {"a": 1.5, "b": "x", "c": (2, "12"), "d": (1, "2026-01-02")}
    assert found[2][0] == {"l": [1, "z"]}
    assert found[3][0] == {"a": 1.0}
    assert found[3][4]["champion"][0] in ("yes", "no", 3)
    assert [len(event) for event in found] == [6, 6, 6, 6]


def test_the_seal_and_the_mark_are_what_their_page_says(store):
    seal, fits = reading.seal(store)
    assert fits
    named = [name for row in reading.table("store", "field | what it is") for name in re.findall(r"`(\w+)`", row[0])]
    assert [*seal] == named
    assert (seal["seq"], seal["last_id"], seal["first"], seal["last"], seal["open"]) == (4, 2, 1, 4, False)
    assert reading.mark(store.with_name("s.db-mark").read_bytes()) == (4, 2)


def test_a_store_has_the_tables_of_its_page(store):
    with closing(sqlite3.connect(store)) as base:
        tables = {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        ((version,),) = base.execute("SELECT value FROM meta WHERE key = 'format'").fetchall()
        columns = [row[1] for row in base.execute("PRAGMA table_info(journal)")]
    named = {name for row in reading.table("store", "table | what a row is") for name in re.findall(r"`(\w+)`", row[0])}
    assert tables - {"sqlite_sequence"} == named
    assert f"Version: **{version}**" in reading.page("store")
    assert columns == [row[0].strip("`") for row in reading.table("journal", "column of `journal` | what it is")]


def test_a_snapshot_holds_the_learner_as_its_page_says(store):
    seq, head, arrays = reading.snapshot(store, 1)
    assert (seq, head["learner"]) == (4, "Classifier")
    assert head["classes"] == ["yes", "no", 3]
    assert arrays["sizes"][8] == 4
    assert f"{CHUNK:,} bytes" in reading.page("store")
    model = hw.load(store)
    assert np.array_equal(arrays["weights"], model.engine.core.parameters)


def test_the_store_of_a_fleet_is_what_its_page_says(tmp_path):
    path = tmp_path / "f.db"
    with hw.Fleet(lambda: hw.Regressor(hidden=[]), key="k", store=path) as fleet:
        for i in range(20):
            fleet.learn_one({"k": i % 2, "a": float(i)}, 2.0 * i)
        fleet.commit()
    assert path.read_bytes()[68:72] == b"hwf2"
    with closing(sqlite3.connect(path)) as base:
        about = dict(base.execute("SELECT name, value FROM about").fetchall())
        keys = base.execute("SELECT key FROM record ORDER BY number").fetchall()
    assert about["members"] == "2"
    assert keys == [("0",), ("1",)]


def test_the_server_describes_itself_as_its_page_says():
    api = document(ADDRESSES)
    assert f"**{api['openapi']}**" in reading.page("http")
    assert api["info"]["version"] == hw.__version__
    assert list(api["components"]["schemas"]["Problem"]["properties"]) == re.findall(
        r"`(\w+)`", next(row[1] for row in reading.table("http", "| what it is") if row[0] == "an error")
    )


def test_a_copy_of_the_pages_with_another_version_is_noticed(tmp_path, monkeypatch, saved):
    shutil.copytree(reading.PAGES, tmp_path / "pages")
    other = tmp_path / "pages" / "model.md"
    other.write_text(other.read_text(encoding="utf-8").replace("Version: **2**", "Version: **3**"), encoding="utf-8")
    monkeypatch.setattr(reading, "PAGES", tmp_path / "pages")
    with pytest.raises(AssertionError):
        test_a_model_file_is_what_its_page_says(saved)
