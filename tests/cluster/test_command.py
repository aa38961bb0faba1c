"""``headwater cluster``: a run from files, how it stands, and its page."""

from __future__ import annotations

import json
import math
import urllib.request
from dataclasses import asdict
from pathlib import Path

import pytest

import headwater as hw
from headwater.cli import main
from headwater.cluster import Cluster
from headwater.cluster.progress.page import show
from headwater.cluster.progress.sampling import every
from headwater.cluster.progress.status import StatusFile, read_status, status_path
from support.processes.rounds import stream


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    lines = (f"{x['hour']},{x['load']!r},{x['site']},{y}" for x, y in stream(5000))
    path.write_text("hour,load,site,answer\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def learn(table: Path, model: Path, *more: str) -> int:
    shape = ["--workers", "4", "--block", "100", "--engine", "local"]
    return main(["cluster", "run", str(table), "--target", "answer", "--model", str(model), *shape, *more])


def test_a_file_is_learned_and_its_model_predicts_and_says_how_the_run_stood(table, tmp_path, capsys):
    model = tmp_path / "m.hw"
    assert learn(table, model) == 0
    assert "5,000 rows at " in capsys.readouterr().out
    assert hw.load(model).n_learned == 5000

    assert main(["cluster", "status", str(model)]) == 0
    said = capsys.readouterr().out
    assert "5,000 in " in said
    assert "the last one" in said
    assert main(["cluster", "status", str(model), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 5000


def test_a_run_that_is_started_again_learns_no_row_twice(table, tmp_path, capsys):
    model = tmp_path / "m.hw"
    learn(table, model, "--limit", "2500")
    assert hw.load(model).n_learned == 2500
    learn(table, model)
    assert hw.load(model).n_learned == 5000
    capsys.readouterr()
    learn(table, model)
    assert "had learned all rows" in capsys.readouterr().out


def test_a_status_that_is_not_there_is_said_in_one_sentence(tmp_path, capsys):
    assert main(["cluster", "status", str(tmp_path / "none.hw")]) == 2
    assert "expected the status of a run" in capsys.readouterr().err


def test_a_block_that_is_no_number_is_refused(table, tmp_path, capsys):
    assert main(["cluster", "run", str(table), "--model", str(tmp_path / "m.hw"), "--block", "many"]) == 2
    assert "--block" in capsys.readouterr().err


def test_the_page_shows_the_status_and_nothing_else(tmp_path):
    with Cluster(hw.Classifier(), workers=2, block=100, engine="local") as cluster:
        cluster.run(stream(3000))
    manifest = tmp_path / "m.hw"
    with show(manifest, 0) as address:
        before = json.loads(urllib.request.urlopen(f"{address}status").read())
        assert "expected" in before["error"]
        StatusFile(manifest).put(cluster.progress, cluster.standing, ended=True)
        found = json.loads(urllib.request.urlopen(f"{address}status").read())
        page = urllib.request.urlopen(address).read().decode()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}../m.hw")
    assert found["rows"] == 3000
    assert found["age"] >= 0
    assert '<dl id="numbers">' in page


def test_a_status_has_no_number_that_json_lacks(tmp_path):
    with Cluster(hw.Regressor(), workers=2, block=100, engine="local") as cluster:
        cluster.run([({"a": 1.0}, 2.0)] * 1500)
    assert math.isnan(asdict(cluster.progress)["merge_loss"])
    StatusFile(tmp_path / "m.hw").put(cluster.progress, cluster.standing, ended=True)
    assert "NaN" not in status_path(tmp_path / "m.hw").read_text()
    assert read_status(tmp_path / "m.hw")["merge_loss"] is None


def test_merging_is_measured_against_one_worker_alone_and_changes_no_bit():
    def run(sample: bool) -> Cluster:
        with Cluster(hw.Classifier(seed=2), workers=2, block=100, engine="local", serial_sample=sample) as cluster:
            cluster.run(stream(14_000))
        return cluster

    measured, plain = run(True), run(False)
    assert measured.learner.engine.core.digest() == plain.learner.engine.core.digest()
    assert measured.progress.round > every(2) // 2
    assert -20 < measured.progress.merge_loss < 20
    assert math.isnan(plain.progress.merge_loss)
