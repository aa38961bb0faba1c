"""What an older version saved is loaded, predicts what it did, and goes on learning to the same bits. ``support.frozen`` made the files."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.cli import main
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.service import RetentionPolicy
from headwater.store.service.maintenance.commands import check
from headwater.store.web import export
from support.frozen import archive
from support.frozen.around import BROKER_NAMES, of_followed, of_kept, of_manifest, run_cluster, teach_shards
from support.frozen.cases import ASKED, GOES_ON, LEARNED, LEARNERS, NETWORKS, WEB, rows_of
from support.frozen.using import as_text, digest, learned, predicted, state, teach

HERE = Path(__file__).parent
VERSIONS = ("0.2", "1.0.0rc1")
FROZEN = {"0.2": "bbdf7430c327a36d", "1.0.0rc1": "8ec9bd21de252526"}
"""Hashes of the files of each version and of what it said."""
FOR_EVER = RetentionPolicy(keep_pending_s=1e10)
"""So that predictions wait for their answers however old the files become."""


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory):
    """A function that gives the files of a version."""
    folders: dict[str, Path] = {}

    def of(version: str) -> Path:
        if version not in folders:
            folders[version] = archive.unpack(tmp_path_factory.mktemp("frozen"), version)
        return folders[version]

    return of


def expected(version: str, part: str) -> dict[str, Any]:
    found: dict[str, Any] = whole(version)[part]
    return found


@cache
def whole(version: str) -> dict[str, Any]:
    """What a version has said of all its files."""
    found: dict[str, Any] = json.loads(archive.read(version, "expected.json"))
    return found


def frozen(part: str) -> list[tuple[str, str]]:
    """Each version with the name of each of its files of a part."""
    return [(version, name) for version in VERSIONS for name in expected(version, part)]


def digests(version: str, part: str, name: str) -> Any:
    return json.loads((HERE / version / "digests.json").read_text(encoding="utf-8"))[part][name]


def copied(path: Path, folder: Path) -> Path:
    """A copy of a store with all that stands beside it."""
    for one in path.parent.glob(f"{path.name}*"):
        shutil.copy(one, folder / one.name)
    return folder / path.name


def as_read(value: Any) -> Any:
    """A state as it is read from JSON."""
    return json.loads(json.dumps(value))


EMPTY = hashlib.sha256().hexdigest()[:12]
NEW = (
    "units",
    "unit_slots",
    "succession",
    "succession_rows",
    "succession_slots",
    "succession_x",
    "successor",
    "relevance",
    "relevance_slots",
)
"""Arrays that learners have which a store makes anew, from a journal without a snapshot."""


def as_it_was(value: Any, said: Any) -> Any:
    """What is said of learners as it is read from JSON, without arrays that its version did not have."""
    return without_new(as_read(value), said)


def without_new(found: Any, said: Any) -> Any:
    if isinstance(found, dict) and isinstance(said, dict):
        return {
            k: without_new(v, said.get(k))
            for k, v in found.items()
            if k in said or (v != EMPTY and not k.endswith(NEW))
        }
    if isinstance(found, list) and isinstance(said, list):
        return [without_new(*pair) for pair in zip(found, said, strict=False)] if len(found) == len(said) else found
    return found


def begun_anew(learner: Any) -> bool:
    """Whether it was made from a journal alone; then it has what is new, besides the same bits in all that is old."""
    return any(v != EMPTY for k, v in state(learner)["arrays"].items() if k.endswith(NEW))


def goes_on(model: Any, answers: Any, said: dict[str, Any], shape: tuple[int, ...] = ()) -> list[Any]:
    """Compare a learner with what was said of it, let it learn on, compare again; return its digests."""
    assert as_it_was(state(model, shape), said["now"]) == said["now"]
    first = digest(model)
    teach(model, answers, shape=shape)
    if not getattr(model, "secret", ()):  # no file has the key of a private learner's noise, which is drawn anew
        assert as_it_was(state(model, shape), said["then"]) == said["then"]
    return [first, digest(model)]


@pytest.mark.parametrize(("version", "name"), frozen("models"))
def test_a_saved_learner_predicts_what_it_did_and_goes_on_to_the_same_bits(unpacked, version, name):
    model = hw.load(unpacked(version) / "models" / f"{name}.hw")
    found = goes_on(model, LEARNERS[name][1], expected(version, "models")[name])
    assert found == digests(version, "models", name)


@pytest.mark.parametrize(("version", "name"), frozen("networks"))
def test_a_saved_network_predicts_what_it_did_and_goes_on_to_the_same_bits(unpacked, version, name):
    net = hw.load(unpacked(version) / "networks" / f"{name}.hw", hw.nn.Network)
    found = goes_on(net, None, expected(version, "networks")[name], NETWORKS[name][1])
    assert found == digests(version, "networks", name)


@pytest.mark.parametrize(("version", "file"), frozen("stores"))
def test_a_store_has_all_that_was_acknowledged_and_goes_on_to_the_same_bits(unpacked, tmp_path, version, file):
    path = copied(unpacked(version) / "stores" / f"{file}.db", tmp_path)
    said, (_, answers) = expected(version, "stores")[file], LEARNERS[file.rpartition("-")[0]]
    with hw.open(path, policy=FOR_EVER) as model:
        assert (model.seq, as_it_was(state(model.learner), said["now"])) == (said["seq"], said["now"])
        assert learned(model.as_of(model.seq // 2)) > 0
        assert [event.x for event in model.service.events("default")] == rows_of(model.learner, 0, model.seq)
        first = digest(model.learner)
        X, y = rows_of(model.learner, LEARNED, GOES_ON), [answers(i) for i in range(LEARNED, LEARNED + GOES_ON)]
        model.teach(X, y)
        assert as_it_was(state(model.learner), said["then"]) == said["then"]
        if not begun_anew(model.learner):
            assert [first, digest(model.learner)] == digests(version, "stores", file)
        if said["waiting"] is not None:
            answer = model.reward if model.task == "decide" else model.label
            assert answer(said["waiting"], 1.0 if model.task != "classify" else "yes")["seq"] == model.seq
    assert check(path, LEARNER_FORMAT).problems == []


@pytest.mark.parametrize(("version", "file"), frozen("fleets"))
def test_a_fleets_store_has_all_that_was_committed_and_goes_on_to_the_same_bits(unpacked, tmp_path, version, file):
    path = copied(unpacked(version) / "fleets" / f"{file}.db", tmp_path)
    said, name = expected(version, "fleets")[file], file.rpartition("-")[0]
    make, answers = LEARNERS[name]
    goes_on(hw.load(path), answers, said)
    whole = make()
    with hw.Fleet(whole.first, key=whole.key, store=path, resident=2) as fleet:
        assert as_it_was(predicted(fleet), said["now"]["predicted"]) == said["now"]["predicted"]
        teach(fleet, answers)
        fleet.commit()
    goes_on(
        hw.load(path), answers, {"now": said["then"], "then": as_it_was(state(_taught_twice(said, name)), said["then"])}
    )


def _taught_twice(said: dict[str, Any], name: str) -> Any:
    """A fleet that learned all rows, and those that it went on with once more."""
    make, answers = LEARNERS[name]
    fleet = make()
    teach(fleet, answers, 0, LEARNED)
    teach(fleet, answers)
    assert as_it_was(state(fleet), said["then"]) == said["then"]
    teach(fleet, answers)
    return fleet


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_the_javascript_module_saved_is_loaded_and_goes_on_to_the_same_bits(unpacked, version, kind, dtype):
    name = f"{kind}-{dtype}"
    model = hw.load(unpacked(version) / "javascript" / f"{name}.hw")
    found = goes_on(model, LEARNERS[f"{kind}-net"][1], expected(version, "javascript")[name])
    assert found == digests(version, "javascript", name)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", WEB)
def test_the_model_of_an_exported_page_is_loaded_and_a_new_page_is_written_over_the_old(
    unpacked, tmp_path, monkeypatch, version, name
):
    model = hw.load(unpacked(version) / "pages" / f"{name}.hw")
    now = expected(version, "models")[name]["now"]
    assert as_it_was(state(model), now) == now
    built, page = tmp_path / "module", tmp_path / "page"
    for folder, files in ((built, {*export.NAMES, *export.CORES.values()}), (page, expected(version, "pages")[name])):
        folder.mkdir()
        for file in files:
            (folder / file).write_text("old")
    monkeypatch.setattr(export, "module_folder", lambda: built)
    model.save(tmp_path / "m.hw")
    assert main(["export", "--web", str(tmp_path / "m.hw"), str(page)]) == 0
    (tmp_path / "page.hw").write_bytes(gzip.decompress((page / export.MODEL).read_bytes()))
    assert as_it_was(state(hw.load(tmp_path / "page.hw")), now) == now
    assert not (page / export.EARLIER).exists()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_coordinator_goes_on_from_an_older_manifest_and_learns_no_row_twice(unpacked, tmp_path, version):
    said, ends = expected(version, "cluster")["manifest"], []
    for path in (tmp_path / "m.hw", tmp_path / "again.hw"):
        shutil.copy(unpacked(version) / "cluster" / "manifest.hw", path)
        assert as_it_was(of_manifest(path), said["now"]) == said["now"]
        ends.append(run_cluster(path, LEARNED + GOES_ON))
    assert ends[0] == ends[1], "rounds are merged as the version does that goes on"
    assert [ends[0][name] for name in ("learned", "row")] == [said["then"][name] for name in ("learned", "row")]


@pytest.mark.parametrize("version", VERSIONS)
def test_shards_go_on_from_an_older_folder_that_a_crash_left_to_the_same_bits(unpacked, tmp_path, version):
    folder, said = tmp_path / "shards", expected(version, "cluster")["shards"]
    shutil.copytree(unpacked(version) / "cluster" / "shards", folder)
    assert as_it_was(teach_shards(folder, LEARNED, 0), said["now"]) == said["now"]
    assert as_it_was(teach_shards(folder, LEARNED, GOES_ON), said["then"]) == said["then"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", BROKER_NAMES)
def test_a_store_knows_how_far_an_older_version_had_followed_a_broker(unpacked, tmp_path, version, name):
    path, said = copied(unpacked(version) / "followed" / f"{name}.db", tmp_path), expected(version, "followed")[name]
    with hw.open(path) as model:
        assert as_it_was(of_followed(model, name), said["now"]) == said["now"]
    if "kept" in said:
        assert as_it_was(of_kept(unpacked(version) / "followed" / f"{name}.hw"), said["kept"]) == said["kept"]


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node; apt-get install nodejs")
@pytest.mark.skipif(
    find_spec("ziglang") is None, reason="no ziglang, which builds the WebAssembly; pip install ziglang"
)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_javascript_module_loads_older_files_and_learns_on_to_the_same_bits(unpacked, tmp_path, version):
    from tools.build.targets import NODE, wasm

    folder, tasks, names = unpacked(version), [], []
    for path in sorted([*(folder / "javascript").iterdir(), *(folder / "pages").iterdir()]):
        model, kind = hw.load(path), path.stem.split("-")[0]
        answers = LEARNERS[f"{kind}-net"][1]
        rows = tmp_path / f"{path.parent.name}-{path.stem}.jsonl"
        lines = [{"x": x, "y": answers(LEARNED + i)} for i, x in enumerate(rows_of(model, LEARNED, GOES_ON))]
        rows.write_text("\n".join(map(json.dumps, lines)) + "\n")
        task = {"do": "learn", "from": str(path), "rows": str(rows), "start": 0, "stop": GOES_ON}
        tasks.append(task | {"to": str(tmp_path / f"{path.parent.name}-{path.stem}.hw")})
        names.append((path.parent.name, path.stem))
    script, built = HERE.parent / "js" / "tasks.mjs", wasm(tmp_path / "built", "headwater64.wasm")
    run = subprocess.run([*NODE, script, built], input=json.dumps(tasks), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    for part, name in names:
        then = expected(version, part.replace("pages", "models"))[name]["then"]
        now = as_read(state(hw.load(tmp_path / f"{part}-{name}.hw")))
        assert (name, now["learned"], now["predicted"]) == (name, then["learned"], then["predicted"])


def test_the_folders_of_the_versions_stay_small():
    assert archive.versions() == [*VERSIONS]
    assert archive.ARCHIVE.stat().st_size < 500_000 * len(VERSIONS)
    for version in VERSIONS:
        assert sum(path.stat().st_size for path in (HERE / version).iterdir()) < 50_000
        assert len(expected(version, "models")["classifier"]["now"]["predicted"]) == ASKED


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_version_saved_and_said_is_never_made_again(tmp_path, version):
    text = archive.read(version, "expected.json")
    assert as_text(json.loads(text)) == text
    folder = archive.unpack(tmp_path, version)
    files = [path for path in folder.rglob("*") if path.is_file()]
    every = [f"{path.relative_to(folder).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    assert hashlib.sha256("\n".join([*sorted(every), text]).encode()).hexdigest()[:16] == FROZEN[version]


def test_a_version_is_added_to_the_archive_beside_the_others_and_once(tmp_path):
    for version in ("1", "2"):
        (tmp_path / version / "models").mkdir(parents=True)
        (tmp_path / version / "models" / "a.hw").write_bytes(version.encode())
        archive.add(version, tmp_path / version, tmp_path / "files.tar.xz")
    found = [archive.unpack(tmp_path / "out", version, tmp_path / "files.tar.xz") for version in ("1", "2")]
    assert [(folder / "models" / "a.hw").read_bytes() for folder in found] == [b"1", b"2"]
    with pytest.raises(AssertionError, match="2 is frozen"):
        archive.add("2", tmp_path / "2", tmp_path / "files.tar.xz")
