"""Scores of headwater are measured again without the rivals: times and rivals stay, and tables say of which version times are."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks import control, coverage, forecast, report, results
from benchmarks.again import NotScoredError, merged, noted, scored
from benchmarks.anomaly import __main__ as anomaly
from benchmarks.anomaly.sets import SETS
from benchmarks.images import __main__ as images
from benchmarks.report import bold, in_chinese
from benchmarks.results import entries_in, keep_entries, keep_entry, lines, written_by

import headwater as hw

ROOT = Path(__file__).resolve().parents[3]
OLD = {
    "version": "0.5",
    "date": "2026-01-01",
    "entries": {
        "headwater/a": {"auc": 90.0, "us_per_row": 3.0, "auc_by_seed": [89.0, 91.0]},
        "river/a": {"auc": 80.0, "us_per_row": 9.0},
    },
}


def test_what_is_scored_again_keeps_its_time_and_says_of_which_version_it_is():
    whole = scored(OLD, {"headwater/a": {"auc": 91.0, "us_per_row": 99.0}})
    assert whole["entries"]["headwater/a"] == {"auc": 91.0, "us_per_row": 3.0, "timed": "0.5"}
    assert whole["entries"]["river/a"] == OLD["entries"]["river/a"]
    assert (whole["version"], whole["date"]) == (hw.__version__, "2026-01-01")
    assert noted(whole) == (
        f" headwater was scored on {whole['scored']}. Its times are those of 0.5, measured beside the rivals."
    )


def test_times_stay_those_of_the_first_version_when_scores_are_measured_twice():
    once = scored(OLD, {"headwater/a": {"auc": 91.0, "us_per_row": 99.0}})
    twice = scored(once, {"headwater/a": {"auc": 92.0, "us_per_row": 98.0}})
    assert twice["entries"]["headwater/a"] == {"auc": 92.0, "us_per_row": 3.0, "timed": "0.5"}


def test_entries_at_any_depth_are_scored_again():
    old = {"tasks": {"copy": {"rows": 9, "memory": {"last": 0.9, "us": 7.0}, "deep-river": {"last": 0.4, "us": 1e3}}}}
    found = merged(old, {"tasks": {"copy": {"rows": 9, "memory": {"last": 0.95, "us": 5.0}}}}, "0.5")
    assert found["tasks"]["copy"]["memory"] == {"last": 0.95, "us": 7.0, "timed": "0.5"}
    assert found["tasks"]["copy"]["deep-river"] == {"last": 0.4, "us": 1e3}


def test_an_entry_that_was_never_timed_keeps_the_time_that_it_comes_with():
    assert merged({}, {"b": {"auc": 1.0, "us": 2.0}}, "0.5") == {"b": {"auc": 1.0, "us": 2.0}}


def test_a_table_measured_at_once_has_no_note():
    assert noted(OLD) == ""


def test_the_note_is_in_chinese_on_a_chinese_page():
    note = in_chinese(noted(scored(OLD, {"headwater/a": {"auc": 91.0, "us_per_row": 99.0}})))
    assert "scored" not in note
    assert "times" not in note
    assert "0.5" in note


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A file of anomalies, learners that take no time, and no page."""
    path = tmp_path / "anomaly.json"
    entries = {f"{who}/{name}": {"auc": 50.0, "us_per_row": 3.0} for who in ("headwater", "river-hst") for name in SETS}
    path.write_text(json.dumps(OLD | {"entries": entries}))
    monkeypatch.setattr(anomaly, "RESULTS", path)
    monkeypatch.setattr(anomaly, "PAGES", ())
    return path


def test_the_command_measures_headwater_alone(kept, monkeypatch):
    asked = []
    monkeypatch.setattr(
        anomaly, "over_seeds", lambda rival, _: asked.append(rival.name) or {"auc": 60.0, "us_per_row": 9.0}
    )
    assert anomaly.main(["--scores"]) == 0
    found = json.loads(kept.read_text())["entries"]
    assert asked == ["headwater"] * len(SETS)
    assert found["headwater/smtp"] == {"auc": 60.0, "us_per_row": 3.0, "timed": "0.5"}
    assert found["river-hst/smtp"] == {"auc": 50.0, "us_per_row": 3.0}


def test_a_score_that_is_missing_leaves_the_file_as_it_was(kept, monkeypatch, capsys):
    before = kept.read_text()
    failing = {"error": "no data"}
    monkeypatch.setattr(
        anomaly, "over_seeds", lambda _, name: failing if name == "smtp" else {"auc": 60.0, "us_per_row": 9.0}
    )
    assert anomaly.main(["--scores"]) == 1
    assert kept.read_text() == before
    assert "headwater/smtp: no data" in capsys.readouterr().err
    with pytest.raises(NotScoredError, match="nothing was written"):
        scored(OLD, {"headwater/a": failing})


def test_a_result_file_takes_a_line_for_an_innermost_object():
    whole = {"date": "today", "entries": {"a": {"curve": [1.0, 2.0], "us": 3}, "b {c}": {"of": "x  y"}}}
    text = lines(whole)
    assert '  "a": { "curve": [ 1.0, 2.0 ], "us": 3 },\n' in text
    assert json.loads(text) == whole


def test_returns_of_a_new_version_stand_beside_the_times_of_the_last_that_was_timed(tmp_path, monkeypatch):
    monkeypatch.setattr(control, "RESULTS", tmp_path / "control.json")
    about = {"machine": {"cpu": "a processor"}, "gymnasium": "1"}
    old = about | {"date": "2026-01-01", "returns": {}, "speed": {"32": {"core": 1.5, "act and learn": 6.0}}}
    new = about | {"date": "2026-02-02", "returns": {"CartPole-v1": {"q": {"1": {"curve": [9.0, 480.0]}}}}}
    control.RESULTS.write_text(json.dumps({"0.5": old, "0.6": new}))
    assert "| CartPole-v1 | 475 | **480.0** (480, 480) 1 seeds |" in control.table()
    assert "| 32 units, 8 inputs, 4 actions | 1.50 | 6.00 |" in control.table()
    assert control.table().endswith(
        "headwater 0.6, gymnasium 1. Mean of five seeds (worst, best). Times are those of 0.5, 2026-01-01."
    )
    control.RESULTS.write_text(json.dumps({"0.5": old}))
    assert "Times are" not in control.table()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("control", control.table),
        ("forecast", forecast.table),
        ("images", images.table),
        ("coverage", lambda: coverage.table(json.loads(coverage.RESULTS.read_text(encoding="utf-8")))),
    ],
)
def test_the_table_of_a_benchmark_with_a_file_of_its_own_form_is_what_the_file_says(name, text):
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert f"<!-- bench:{name} -->\n{text()}\n<!-- /bench:{name} -->" in page


def test_forecasts_scored_again_keep_the_rivals_and_all_times(tmp_path, monkeypatch):
    path = tmp_path / "forecast.json"
    rivals = {"rows": 9, "headwater": {"mae": 2.0, "us": 5.0}, "season": {"mae": 3.0, "us": 1.0}}
    cells = {"ETTh1 1": {"headwater": 0.2, "last value": 0.4, "us": 7.0}}
    path.write_text(json.dumps({"0.5": {"date": "2026-01-01", "ett": cells, "river": {"water-flow": rivals}}}))
    monkeypatch.setattr(forecast, "RESULTS", path)
    monkeypatch.setattr(forecast, "run_ett", lambda: {"ETTh1 1": {"headwater": 0.1, "last value": 0.4, "us": 70.0}})
    monkeypatch.setattr(forecast, "run_river", lambda only: {"water-flow": {"rows": 9, only: {"mae": 1.0, "us": 50.0}}})
    forecast.score_again()
    ((version, run),) = json.loads(path.read_text()).items()
    assert version == hw.__version__
    assert run["date"] == "2026-01-01"
    assert run["ett"]["ETTh1 1"] == {"headwater": 0.1, "last value": 0.4, "us": 7.0, "timed": "0.5"}
    assert run["river"]["water-flow"]["headwater"] == {"mae": 1.0, "us": 5.0, "timed": "0.5"}
    assert run["river"]["water-flow"]["season"] == {"mae": 3.0, "us": 1.0}


@pytest.mark.parametrize("name", ["text", "outputs", "memory", "anomaly", "decisions"])
def test_the_table_of_the_benchmarks_is_what_the_result_file_says(name):
    if name == "outputs":
        pytest.importorskip("river")
    module = importlib.import_module(f"benchmarks.{name}.__main__")
    whole = json.loads(module.RESULTS.read_text(encoding="utf-8"))
    if name in ("anomaly", "decisions"):
        text = module.render(whole, {rival.name: rival.title for rival in module.LEARNERS.values()})
    else:
        text = (module.rendered if name == "memory" else module.render)(whole)
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert f"<!-- bench:{name} -->\n{text}\n<!-- /bench:{name} -->" in page


@pytest.mark.parametrize("name", ["embeddings", "embedding_kinds", "rolling"])
def test_the_tables_of_embeddings_and_aggregates_are_what_the_result_files_say(name):
    module = importlib.import_module(f"benchmarks.{name}")
    whole = entries_in(module.RESULTS)
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert f"<!-- bench:{name} -->\n{module.render(whole)}\n<!-- /bench:{name} -->" in page


@pytest.mark.parametrize("name", ["privacy", "threads", "trials.fleet", "trials.related"])
def test_the_tables_of_guides_are_what_the_result_files_say(name, tmp_path, monkeypatch):
    module = importlib.import_module(f"benchmarks.{name}")
    table = module.table(entries_in(module.RESULTS))
    marked = f"<!-- bench:{name.split('.')[-1]} -->\n{{}}\n<!-- /bench:{name.split('.')[-1]} -->"
    others = "\n<!-- bench:audits -->\n<!-- /bench:audits -->" if name == "privacy" else ""
    english, chinese = module.PAGES
    assert marked.format(table) in (ROOT / english).read_text(encoding="utf-8")
    assert marked.format(in_chinese(table)) in (ROOT / chinese).read_text(encoding="utf-8")
    for page in module.PAGES:
        (tmp_path / page).parent.mkdir(parents=True)
        (tmp_path / page).write_text(marked.format("old") + others, encoding="utf-8")
    before = module.RESULTS.read_bytes()
    monkeypatch.setattr(report, "ROOT", tmp_path)
    module.main("table")
    assert (tmp_path / english).read_text(encoding="utf-8").startswith(marked.format(table))
    assert module.RESULTS.read_bytes() == before


@pytest.mark.parametrize("name", ["embeddings", "embedding_kinds", "rolling"])
def test_asking_for_the_table_measures_nothing(name, tmp_path, monkeypatch):
    module = importlib.import_module(f"benchmarks.{name}")
    page = tmp_path / "README.md"
    page.write_text(f"<!-- bench:{name} -->\nold\n<!-- /bench:{name} -->\n")
    monkeypatch.setattr(module, "HERE", tmp_path)
    before = module.RESULTS.read_bytes()
    module.main(["table"] if name == "rolling" else "table")
    assert module.render(entries_in(module.RESULTS)) in page.read_text()
    assert module.RESULTS.read_bytes() == before


def test_a_result_file_says_with_which_versions_of_others_it_was_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "machine", lambda: {"cpu": "a processor"})
    path = tmp_path / "kept.json"
    keep_entry(path, "a", {"us": 1.0})
    assert "versions" not in entries_in(path)
    keep_entries(path, {"b": {"us": 2.0}, "c": {"us": 3.0}}, "numpy")
    keep_entries(path, {"b": {"us": 4.0}})
    whole = entries_in(path)
    assert whole["entries"] == {"a": {"us": 1.0}, "b": {"us": 4.0}, "c": {"us": 3.0}}
    assert written_by("a command", whole) == (
        f"Written by `a command`: {whole['date']}, one core of a processor, processor time; "
        f"headwater {hw.__version__}, numpy {np.__version__}."
    )


def test_the_best_cells_are_bold_with_all_that_look_like_them():
    assert bold([99.91, 99.94, None, 12.0]) == ["**99.9**", "**99.9**", "–", "12.0"]
    assert bold([2.0, 1.0], ".0f", low=True) == ["2", "**1**"]
    assert bold([None]) == ["–"]
