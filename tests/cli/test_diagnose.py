"""``headwater diagnose``, and the page of ``headwater learn --report``."""

import json

import numpy as np
import pytest

from headwater.cli import main


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["a,b,site,y"]
    for a, b, e in rng.normal(size=(1_500, 3)).tolist():
        lines.append(f"{a:.4f},{b:.4f},Rome,{'yes' if a + b + e / 2 > 0 else 'no'}")
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_findings_are_printed_with_their_remedy(table, capsys):
    assert main(["diagnose", str(table), "--target", "y"]) == 0
    out = capsys.readouterr().out
    assert "note: constant features" in out
    assert "site" in out
    assert "→ Leave them out (--drop)" in out


def test_a_healthy_stream_is_said_to_be_one(table, capsys):
    assert main(["diagnose", str(table), "--target", "y", "--drop", "site"]) == 0
    assert capsys.readouterr().out.strip() == "Nothing found over 1,500 rows."


def test_findings_can_be_had_as_json_and_options_shape_the_model(table, capsys):
    assert (
        main(["diagnose", str(table), "--target", "y", "--drop", "site", "--hidden", "8", "--lr", "1e-7", "--json"])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert "step_too_small" in [finding["name"] for finding in found["findings"]]


def test_a_saved_model_is_diagnosed_on_new_rows_and_stays_as_it_is(table, tmp_path, capsys):
    model = tmp_path / "m.hw"
    assert main(["learn", str(table), "--target", "y", "--model", str(model)]) == 0
    before = model.read_bytes()
    capsys.readouterr()
    assert main(["diagnose", str(table), "--target", "y", "--model", str(model)]) == 0
    assert "constant features" in capsys.readouterr().out
    assert model.read_bytes() == before


def test_a_saved_model_is_diagnosed_by_itself(table, tmp_path, capsys):
    model = tmp_path / "m.hw"
    assert main(["learn", str(table), "--target", "y", "--model", str(model)]) == 0
    before = model.read_bytes()
    capsys.readouterr()
    assert main(["diagnose", str(model)]) == 0
    assert "note: constant features" in capsys.readouterr().out
    assert main(["diagnose", str(model), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [finding["name"] for finding in found["findings"]] == ["constant_features"]
    assert model.read_bytes() == before
    assert main(["diagnose", str(model), "--target", "y"]) == 2
    assert "expected a model alone, or a stream and --target" in capsys.readouterr().err


@pytest.fixture
def drifting(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["a,b,y"]
    for i, (a, b) in enumerate(rng.normal(size=(4_000, 2)).tolist()):
        lines.append(f"{a:.4f},{b:.4f},{'yes' if (a if i < 2_000 else -a) > 0 else 'no'}")
    path = tmp_path / "drifting.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("detector", ["adwin", "kswin"])
def test_learn_tells_of_drift_and_reacts_where_it_is_asked_to(drifting, capsys, detector):
    assert main(["learn", str(drifting), "--target", "y", "--watch", detector, "--adapt", "step_up,replay"]) == 0
    out = capsys.readouterr().out
    assert "Predictions became dearer" in out
    assert "The step is 3 times as large for 1,000 rows." in out
    assert "The last 300 rows were learned once more." in out


def test_the_page_marks_the_drift_that_was_asked_for_and_json_lines_have_the_events(drifting, tmp_path, capsys):
    page = tmp_path / "report.html"
    command = ["learn", str(drifting), "--target", "y", "--watch", "adwin", "--report", str(page), "--json"]
    assert main([*command, "--every", "1000"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rows = [event["row"] for record in records for event in record["events"]]
    assert 2_000 < rows[0] < 2_300
    assert f"row {rows[0]:,}: Predictions became dearer" in page.read_text(encoding="utf-8")


def test_unknown_detectors_and_policies_are_said(drifting, capsys):
    assert main(["learn", str(drifting), "--target", "y", "--watch", "adwim"]) == 2
    assert "expected one of adwin, page_hinkley, kswin, got adwim — at --watch" in capsys.readouterr().err
    assert main(["learn", str(drifting), "--target", "y", "--adapt", "step_down"]) == 2
    assert "got step_down — at --adapt" in capsys.readouterr().err


def test_learn_writes_a_page(table, tmp_path, capsys):
    page = tmp_path / "report.html"
    assert main(["learn", str(table), "--target", "y", "--report", str(page)]) == 0
    html = page.read_text(encoding="utf-8")
    assert f"headwater learn {table}" in html
    assert "constant features" in html
    assert html.count("<svg") == 6


def test_a_page_that_cannot_be_written_is_said_before_learning(table, tmp_path, capsys):
    assert main(["learn", str(table), "--target", "y", "--report", str(tmp_path)]) == 2
    assert "--report" in capsys.readouterr().err
