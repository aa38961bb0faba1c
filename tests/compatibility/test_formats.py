"""Each version of a format that is written or read has a page that names it and a frozen file that is loaded for ever."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.errors import HeadwaterError
from headwater.store.service import RetentionPolicy
from support.frozen import formats
from support.frozen.cases import LEARNERS
from support.frozen.using import learned, predicted, teach

ARCHIVES = sorted(path.name.removesuffix(".tar.xz") for path in formats.FOLDER.glob("*.tar.xz"))
FOR_EVER = RetentionPolicy(keep_pending_s=1e10)


@pytest.fixture(params=ARCHIVES)
def archive(request, tmp_path) -> tuple[Path, dict[str, Any]]:
    """The unpacked files of one archive, and what they said when they were frozen."""
    with tarfile.open(formats.FOLDER / f"{request.param}.tar.xz") as tar:
        tar.extractall(tmp_path, **formats.SAFELY)
    return tmp_path, json.loads((formats.FOLDER / f"{request.param}.json").read_text(encoding="utf-8"))


def test_the_page_names_the_versions_of_the_code():
    code = {name: (versions, formats.READ_TOO.get(name, set())) for name, versions in formats.WRITTEN.items()}
    assert formats.listed() == code


def test_every_version_that_is_written_or_read_has_a_frozen_file(tmp_path):
    assert formats.lacking(formats.listed(), formats.frozen(tmp_path)) == []


def test_a_new_version_without_a_frozen_file_is_refused():
    versions = {"store": ({"5"}, {"3", "4"}), "mark": ({"hwmark01"}, set())}
    found = {("store", "3"), ("store", "4"), ("mark", "hwmark01")}
    (sentence,) = formats.lacking(versions, found)
    assert sentence.startswith(
        "store 5 has no frozen file: run `PYTHONPATH=tests:src:. python -m support.frozen.formats`"
    )
    assert sentence.endswith("or give headwater migrate a step")


def model_in(said):
    """The model file of an archive."""
    return next(file for file in formats.MODELS if file in said)


def test_a_frozen_model_predicts_what_it_did_and_learns_on(archive):
    folder, said = archive
    file = model_in(said)
    model = hw.load(folder / file)
    assert {"learned": learned(model), "predicted": json.loads(json.dumps(predicted(model)))} == said[file]
    teach(model, LEARNERS[formats.MODELS[file]][1])
    assert model.n_learned == 100


def test_a_frozen_store_has_its_events_and_takes_a_label_that_was_waiting(archive):
    folder, said = archive
    with hw.open(folder / "store.db", policy=FOR_EVER) as store:
        assert json.loads(json.dumps(predicted(store.learner))) == said["store.db"]["predicted"]
        assert store.seq == said["store.db"]["seq"] == 12
        assert store.label(said["store.db"]["waiting"], "yes")["seq"] == 13


def test_a_frozen_fleet_predicts_what_it_did(archive):
    folder, said = archive
    assert json.loads(json.dumps(predicted(hw.load(folder / "fleet.db")))) == said["fleet.db"]["predicted"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 1}, "expected a model of format 2, got format 1 — .* headwater 0.1 reads it"),
        ({"format": 3}, "expected a model of format 2, got format 3 — .* Update headwater"),
        ({"core": 6}, "expected a learner of core 5 or earlier, got core 6 — .* Update headwater"),
    ],
)
def test_other_versions_of_a_model_file_are_refused_in_the_sentences_of_the_page(archive, tmp_path, change, sentence):
    from support.frozen.reading import resealed

    path = tmp_path / "other.hw"
    path.write_bytes(resealed((archive[0] / model_in(archive[1])).read_bytes(), change))
    with pytest.raises(HeadwaterError, match=sentence):
        hw.load(path)


@pytest.mark.parametrize(
    ("format_", "sentence"), [(2, "Export it with the version that wrote it"), (5, "Update headwater")]
)
def test_other_versions_of_a_store_are_refused_in_the_sentences_of_the_page(archive, tmp_path, format_, sentence):
    import sqlite3

    path = tmp_path / "other.db"
    shutil.copy(archive[0] / "store.db", path)
    base = sqlite3.connect(path)
    with base:
        base.execute("UPDATE meta SET value = ? WHERE key = 'format'", (format_,))
    base.close()
    with pytest.raises(HeadwaterError, match=f"expected a store of format 4, got format {format_} — .*{sentence}"):
        hw.open(path)
