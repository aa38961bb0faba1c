"""Sources that workers read themselves: the bits depend on sources, block and seed alone, and a crash loses nothing."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

import headwater as hw
from headwater.cli import main
from headwater.cluster import Cluster, learn
from headwater.cluster.local import LocalWorkers
from headwater.cluster.published.manifest import read_manifest
from headwater.cluster.sources.partitions import Partitions
from headwater.cluster.sources.reader import Part, Place, Reader, Reading
from headwater.errors import ConfigError, DataError
from headwater.streams import Block as StreamBlock
from headwater.streams import Rejects, Stream
from support.processes.rounds import Crash, Forgetful, Mortal, stream, write

ROWS = stream(12_000)
LENGTHS = (5000, 3000, 3500, 500)


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    """Four files of unequal lengths, the last of which ends long before the others."""
    paths, at = [], 0
    for name, length in zip("abcd", LENGTHS, strict=True):
        paths.append(write(tmp_path / f"{name}.csv", ROWS[at : at + length]))
        at += length
    return paths


def run(sources, **options) -> tuple[Cluster, object]:
    options = {"workers": 2, "block": 100, "engine": "local", "partition": "sources", **options}
    with Cluster(hw.Classifier(seed=1), **options) as cluster:
        return cluster, cluster.run(sources, "answer")


def digest(cluster: Cluster) -> tuple[int, list]:
    return cluster.learner.engine.core.digest(), cluster.learner.known_classes


def as_one(record) -> dict:
    return {name: value for name, value in record.as_dict().items() if name != "rows_per_s"}


def test_each_worker_reads_and_learns_every_row_of_its_source_once(sources):
    cluster, record = run(sources)
    assert cluster.learner.n_learned == record.rows == sum(LENGTHS)
    assert record.scored + record.unscored == sum(LENGTHS)
    assert [place.learned for place in cluster.position.sources] == list(LENGTHS)
    assert record.scores["accuracy"] > record.baselines["no-change"]["accuracy"] + 0.1


def test_no_sample_passes_the_coordinator_and_rounds_have_a_block_of_each_source_that_has_not_ended(sources):
    seen = []

    class Watching(LocalWorkers):
        def learn(self, updates, blocks, deadline):
            assert all(len(block.X) == len(block.y) == 0 for block in blocks)
            seen.append([block.part.number for block in blocks])
            return super().learn(updates, blocks, deadline)

    run(sources, engine=Watching())
    assert seen[0] == [0], "one worker warms up, on the first source"
    assert seen[1:4] == [[1], [2], [3]], "early rounds have few blocks, of the sources read least"
    assert [0, 1, 2] in seen, "the last one has ended by then"
    assert seen[-1] == [0], "the longest source ends alone"


def test_a_source_that_another_worker_takes_over_is_read_on_from_its_place_to_the_same_bits(sources):
    assert digest(run(sources)[0]) == digest(run(sources, engine=Forgetful())[0])


def test_a_worker_keeps_its_source_open_between_rounds(sources, monkeypatch):
    opened, open_one = [], Reading.open
    monkeypatch.setattr(Reading, "open", lambda own, source, at: opened.append(source) or open_one(own, source, at))
    run(sources)
    assert sorted(opened) == sorted([sources[0], *sources]), "the first once more, for the dtypes"


@pytest.mark.parametrize("dies_in", [1, 2, 30])
def test_a_coordinator_that_dies_goes_on_from_the_place_in_each_source_to_the_same_bits(sources, tmp_path, dies_in):
    path = tmp_path / "m.hw"
    workers = Mortal(dies_in)
    with pytest.raises(Crash):
        run(sources, engine=workers, manifest=path)
    again, record = run(sources, manifest=path)
    whole, undisturbed = run(sources, manifest=tmp_path / "whole.hw")
    assert digest(again) == digest(whole)
    assert as_one(record) == as_one(undisturbed)
    assert hw.load(path).engine.core.digest() == digest(again)[0]
    assert read_manifest(path)[1].sources == whole.position.sources
    assert digest(run(sources, manifest=path)[0]) == digest(again), "behind the end nothing is learned twice"


def test_rows_that_are_rejected_or_have_no_answer_are_counted_once_whoever_reads_them(sources, tmp_path):
    write(sources[1], ROWS[5000:8000], odd={10: "1,2", 700: "5,0.5,s1,", 2999: "3"})

    def counted(path, engine="local") -> dict:
        return dict(run(sources, engine=engine, manifest=path)[1].rejected)

    expected = counted(tmp_path / "whole.hw")
    assert sum(expected.values()) == 3
    assert expected["answer unknown"] == 1
    assert counted(tmp_path / "other.hw", Forgetful()) == expected
    with pytest.raises(Crash):
        counted(tmp_path / "m.hw", Mortal(25))
    assert counted(tmp_path / "m.hw") == expected


def test_a_column_has_the_dtype_of_the_first_source_in_all_of_them(tmp_path):
    first = write(tmp_path / "a.csv", [({**x, "site": f"x{x['site']}"}, y) for x, y in ROWS[:1500]])
    digits = write(tmp_path / "b.csv", [({**x, "site": x["site"][1:]}, y) for x, y in ROWS[:1500]])
    seen = []

    class Watching(LocalWorkers):
        def learn(self, updates, blocks, deadline):
            for block in blocks:
                reader = self._worker._reader(block.part)
                seen.append((block.part.number, reader._stream.inference.readers["site"].kind))
            return super().learn(updates, blocks, deadline)

    run([first, digits], engine=Watching())
    assert {kind for _, kind in seen} == {"text"}


def test_stragglers_sources_come_next_from_the_same_place(sources):
    def slow(version: int, block) -> bool:
        return version % 3 == 2 and block.index == 1

    cluster, record = run(sources, engine=LocalWorkers(slow), deadline=1.0)
    assert cluster.progress.rewound > 300
    assert cluster.learner.n_learned == record.rows == sum(LENGTHS)


def test_too_many_unusable_rows_of_one_source_stop_the_run(sources):
    write(sources[2], ROWS[:1000], odd=dict.fromkeys(range(0, 1000, 2), "1,2"))
    with pytest.raises(DataError, match="rows left out"):
        run(sources)


def test_other_sources_than_the_manifests_are_refused(sources, tmp_path):
    path = tmp_path / "m.hw"
    run(sources, manifest=path)
    with pytest.raises(ConfigError, match="of which source 1 is"):
        run(sources[::-1], manifest=path)
    with pytest.raises(ConfigError, match="3 sources"):
        run(sources[:3], manifest=path)
    with pytest.raises(ConfigError, match="0 sources"):
        run(sources[0], manifest=path, partition="blocks")


def test_a_manifest_of_a_single_stream_is_not_gone_on_from_with_partitions(sources, tmp_path):
    path = tmp_path / "m.hw"
    run(sources[0], manifest=path, partition="blocks")
    with pytest.raises(ConfigError, match="one of a single stream"):
        run(sources, manifest=path)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("a.csv", "a list of files"),
        ([], "a list of files"),
        ([{"a": 1}], "a list of files"),
        (["a.csv", "-"], "read again"),
        (["kafka://host:9092/topic?from=end"], "read again"),
    ],
)
def test_sources_that_cannot_be_partitions_are_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        Partitions(given, "answer")


def test_options_that_need_the_rows_of_all_are_refused_with_partitions():
    for options in ({"key": "site"}, {"lead": 40}):
        with pytest.raises(ConfigError, match="neither key, lead nor rolling"):
            Cluster(hw.Classifier(), engine="local", partition="sources", **options)
    with pytest.raises(ConfigError, match="neither key, lead nor rolling"):
        Cluster(hw.Classifier(rolling=hw.Rolling("site", "hour")), engine="local", partition="sources")


def test_a_password_in_an_address_is_not_written_to_the_manifest():
    parts = Partitions(["https://ann:secret@host/a.csv?signature=1f"], "y")
    assert parts.places[0].source == "https://host/a.csv"


def test_the_command_learns_partitions_and_goes_on_from_their_places(sources, tmp_path, capsys):
    model = tmp_path / "m.hw"
    command = ["cluster", "run", *map(str, sources), "--target", "answer", "--model", str(model), "--block", "100"]
    command += ["--engine", "local", "--partition", "sources"]
    assert main(command) == 0
    assert "12,000 rows at " in capsys.readouterr().out
    assert hw.load(model).n_learned == sum(LENGTHS)
    assert main(command) == 0
    assert "had learned all rows" in capsys.readouterr().out
    assert main([*command, "--limit", "10"]) == 2
    assert "--limit 10" in capsys.readouterr().err
    assert main(["cluster", "status", str(model), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == sum(LENGTHS)


def test_a_learner_is_updated_in_place(sources):
    model = hw.Classifier(seed=1)
    learn(model, sources, "answer", workers=2, block=100, engine="local", partition="sources")
    assert model.engine.core.digest() == digest(run(sources)[0])[0]


def test_a_topic_is_read_on_from_its_place_however_its_messages_arrive(monkeypatch):
    """A broker gives as many messages as have arrived, some of which can't be decoded, and goes on behind a position."""
    draw = random.Random(1)

    def arrive(own, source, positions) -> Stream:
        rejects = Rejects()

        def blocks():
            at = int((positions or {"0": "0"})["0"])
            while at < 1000:
                end = min(at + draw.randrange(1, 40), 1000)
                numbers = [n for n in range(at, end) if n % 7]
                for n in range(at, end):
                    if not n % 7:
                        rejects.add("not JSON", line=n, row="")
                X, y = [{"n": n} for n in numbers], [None if n % 11 == 0 else "x" for n in numbers]
                yield StreamBlock(X, y, [n + 1 for n in numbers], position=("topic", {"0": str(end)}))
                at = end

        stream = Stream(blocks(), name="topic", rejects=rejects)
        stream.live = True
        return stream

    monkeypatch.setattr(Reading, "open", arrive)
    reading = Reading("y", "classify", None, {}, {}, lambda y: "" if y else "unknown")
    place, seen, opened = Place("kafka://host:9092/topic"), [], 0
    reader = Reader(Part(0, "kafka://host:9092/topic", place, 30, reading))
    while not place.ended:
        if draw.random() < 0.5:
            opened += 1
            reader = Reader(Part(0, "kafka://host:9092/topic", place, 30, reading))
        X, y, place = reader.take(30)
        seen += [x["n"] for x in X]
        assert len(y) == len(X)
    assert opened > 5
    assert seen == [n for n in range(1000) if n % 7 and n % 11]
    assert place.learned == len(seen)
    assert place.left_out == {"not JSON": 143, "unknown": 78}
    assert int(place.positions["0"]) > 900
