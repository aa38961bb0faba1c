"""Every example runs offline, is short, and prints the number that makes its point."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import runpy
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from headwater import nn

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
LINES = 60


@cache
def output_of(name: str) -> dict[str, str]:
    """Run an example; return what it printed, as {beginning of a line: rest} split at two spaces or a colon."""
    with contextlib.redirect_stdout(io.StringIO()) as said, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [f"{name}.py"])  # or it reads pytest's own options
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    lines = [re.split(r": +| {2,}", line.strip(), maxsplit=1) for line in said.getvalue().splitlines()]
    return {line[0]: line[1] if len(line) > 1 else "" for line in lines}


def numbers(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"-?\d[\d,]*\.?\d*(?:e-?\d+)?", text.replace(",", ""))]


def test_every_example_is_tested_here():
    source = Path(__file__).read_text(encoding="utf-8")
    assert [path.stem for path in SCRIPTS if f'output_of("{path.stem}")' not in source] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_what_it_shows(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) < LINES
    assert source.startswith('"""')


def test_the_textbook_weight_comes_out_to_the_digit():
    said = output_of("01_textbook")
    assert said["weight after 1,000 steps"] == said["12/55"] == "0.218181818181818"
    assert numbers(said["the line at 6 … 10"]) == pytest.approx([x * 12 / 55 for x in range(6, 11)], abs=1e-6)
    assert said["as classes"] == "0 0 0 1 1 1"
    assert said["as classes at 6 … 10"] == "1 1 1 1 1"


def test_the_four_steps_by_hand_and_by_the_net_agree():
    said = output_of("02_four_steps")
    steps = ("forward", "loss", "by nudging", "update W1", "update b1", "update W2", "update b2")
    apart = {step: numbers(said[step])[0] for step in steps}
    assert apart.pop("by nudging") < 1e-8
    assert max(apart.values()) < 1e-14


def test_the_stream_is_learned_as_it_comes():
    said = output_of("03_online_stream")
    share = [numbers(rest)[-1] for line, rest in said.items() if line.startswith("parcels")]
    assert len(share) == 4
    assert 85 < share[0] < share[-1]
    assert share[-1] > 95
    heavy = next(line for line in said if line.startswith("a heavy parcel"))
    assert numbers(heavy)[0] > 0.9


def test_growth_leaves_old_outputs_bit_identical():
    said = output_of("04_growth")
    assert said["old outputs bit-identical"] == "True"
    stages = ("two classes", "a new feature, price", "a new category, green", "a new class, lime")
    old = [said[stage].split()[:4] for stage in stages]
    assert [len(said[stage].split()) for stage in stages] == [4, 4, 4, 6]
    assert old[0] == old[1] == old[2] == old[3]
    assert all(bits.startswith(("0x", "-0x")) for bits in old[0][1::2])
    assert numbers(said["after 500 more fruits of three kinds"])[0] > 95


def test_poison_is_counted_and_leaves_every_prediction_finite():
    said = output_of("05_survives")
    assert said["every prediction finite"] == "True"
    rejected = ast.literal_eval(said["rejected"])
    assert (rejected.pop("far"), rejected.pop("far_target")) == (12, 3)
    at_poison, poisoned, clean = numbers(said["steps undone"])
    assert at_poison <= 10
    assert (
        rejected.pop("diverged") == poisoned < clean + 10
    )  # most are of a rule that oscillates where nothing is left to learn
    assert rejected == {"huge": 4, "infinite": 4, "target": 12, "type": 3}
    assert numbers(said["mean error, clean"])[0] < 0.1
    assert numbers(said["mean error, poisoned"])[0] < 0.3  # the answers' deviation is 5


def test_every_update_rule_resumes_exactly():
    said = output_of("06_resume")
    assert [said[name] for name in nn.OPTIMIZERS] == ["same bytes"] * 12
    assert "12 of 12 update rules resume exactly" in said


def test_more_steps_an_epoch_bring_the_loss_further_down():
    said = output_of("07_gradient_descents")
    table = {name: numbers(said[name]) for name in ("batch", "mini-batch", "stochastic", "online")}
    assert {name: row[:2] for name, row in table.items()} == {
        "batch": [1000, 20],
        "mini-batch": [50, 400],
        "stochastic": [1, 20_000],
        "online": [1, 1000],
    }
    loss = {name: row[2] for name, row in table.items()}
    assert loss["batch"] == pytest.approx(1.376, rel=0.01)
    assert loss["mini-batch"] == pytest.approx(1.212, rel=0.01)
    assert loss["stochastic"] == pytest.approx(0.108, rel=0.1)
    assert numbers(said["online, its predictions while it learned"])[0] == pytest.approx(1.468, rel=0.01)
    assert numbers(said["largest difference to one stochastic epoch in the same order"])[0] < 1e-12


def test_every_remedy_helps_against_overfitting():
    said = output_of("08_regularisation")
    remedies = ("L1", "L2", "dropout", "early stopping", "a smaller net")
    learned, fresh = np.array([numbers(said[name]) for name in ("nothing", *remedies)]).T
    assert learned[0] < 0.01
    assert fresh[0] == pytest.approx(2.17, abs=0.1)
    assert all(fresh[1:] < 1.6)
    assert all(learned[1:] > 0.3)


def test_a_plain_network_can_be_stepped_through_from_the_forward_pass_to_the_update():
    said = output_of("09_debug_plain")
    entered = list(said)
    order = [
        *("PlainNetwork.learn_many", "PlainNetwork.learn_row", "PlainNetwork.forward", "DenseLayer.forward"),
        *("ActivationLayer.forward", "tanh", "mse", "mse_gradient", "PlainNetwork._step_row", "PlainNetwork.backward"),
        *("DenseLayer.backward", "ActivationLayer.backward", "tanh_derivative", "PlainNetwork._updated", "momentum"),
    ]
    assert [entered.index(name) for name in order] == sorted(entered.index(name) for name in order)
    assert said["momentum"] == "(rules.py)"
    assert numbers(said["largest difference to the core"])[0] < 1e-12


def test_late_answers_are_scored_with_what_was_given_out():
    said = output_of("10_late_labels")
    assert [numbers(said[f"row {i}"])[-1] for i in range(1, 6)] == [0, 0, 0, 1, 2]
    assert said["at the end the last ones arrive"] == "1 scored"
    right = [numbers(said[f"delay {delay:,}"])[0] for delay in (0, 100, 1_000)]
    assert right == sorted(right, reverse=True)
    assert right[0] > 97
    assert 70 < right[2] < 90


def test_a_client_gets_the_same_from_raw_columns_in_onnx():
    said = output_of("11_onnx_export")
    assert said["inputs"] == "km rain when"
    assert said["same labels"] == "500 of 500"
    assert numbers(said["largest difference of a probability"])[0] < 1e-5


def test_a_pytorch_module_goes_on_learning_row_by_row():
    pytest.importorskip("torch", reason="PyTorch is not installed")
    said = output_of("12_torch_bridge")
    assert numbers(said["there and here, largest difference"])[0] < 1e-12
    assert numbers(said["and back in PyTorch, largest difference"])[0] < 1e-12
    names = ("before the change", "after the change, not learning", "after the change, learning row by row")
    before, still, learning = (numbers(said[f"right {name}"])[0] for name in names)
    assert before > 95
    assert still < 60
    assert learning > 95


def test_a_badly_made_model_is_told_what_is_wrong():
    said = output_of("diagnose")
    assert numbers(said["the default"])[0] > 85 > numbers(said["inputs as they are"])[0]
    assert {"- serious, unscaled inputs", "- warning, step too small", "- serious, step too large"} <= set(said)


def test_an_explanation_names_the_features_and_what_changed():
    said = output_of("explain")
    assert said["what matters before"].startswith("area")
    assert said["what matters now"].startswith("city")
    assert [6_000 < numbers(line)[0] < 6_200 for line in said if line.startswith("row ")] == [True, True]


def test_a_net_is_at_home_in_a_river_pipeline():
    said = output_of("13_river_pipeline")
    at_once, late = (numbers(said[f"right with labels {when}"])[0] for when in ("at once", "two hours late"))
    assert 90 < late < at_once
    assert 2_000 < numbers(said["the price turns round at row 2,000; ADWIN sees it at row"])[0] < 2_300


def test_the_same_learner_is_at_home_in_scikit_learn():
    said = output_of("14_sklearn_pipeline")
    assert numbers(said["digits, one pass, five folds"])[0] > 85
    assert said["the better update rule"].startswith("Adam")
    assert said["classes at first"] == "0 1 2 3 4"
    assert said["and after the rest has come"] == "0 1 2 3 4 5 6 7 8 9"
    assert numbers(said["texts, dates and gaps without an encoder"])[0] > 95
    assert numbers(said["sparse counts of words, unseen texts"])[0] > 95


def test_frames_of_all_libraries_teach_the_same_model_as_dicts():
    said = output_of("15_data_frames")
    assert said["models that differ"] == "0"
    assert len({said[name].split(",")[0] for name in ("dicts", "pandas", "polars", "pyarrow")}) == 1


def test_mlflow_follows_keeps_and_serves_a_learner():
    pytest.importorskip("mlflow", reason="MLflow is not installed")
    said = output_of("16_mlflow_model")
    assert numbers(said["row 1,250"])[0] > 85
    assert said["lines of JSON"] == "5"
    assert said["served as the learner predicts"] == said["goes on to the bit"] == "True"


def test_change_events_of_a_database_are_read_as_examples():
    said = output_of("17_debezium_changes")
    assert (said["change events"], said["examples"]) == ("6,000", "2,000")
    assert numbers(said["minutes for A with 60 words (truth 15)"])[0] == pytest.approx(15, abs=1)
    assert numbers(said["minutes for C with 60 words (truth 35)"])[0] == pytest.approx(35, abs=1)


def test_one_model_for_all_keys_is_better_where_they_are_alike():
    said = output_of("18_fleet")
    one, each = (numbers(said[name])[0] for name in said if name.startswith("one "))
    assert one > each > 60


def test_faults_of_a_shuttle_are_found_without_labels():
    said = output_of("19_anomalies")
    assert numbers(said["area under the ROC curve"])[0] > 0.96
    assert numbers(said["rows that score above 0.95"])[1] > 70
    ordinary, broken = numbers(said["the last row"])[0], numbers(said["the same with f1 500 higher"])[0]
    assert ordinary < broken
    assert broken > 0.98
    assert said["blamed"].startswith("f1 = ")


def test_sets_and_intervals_hold_the_answer_as_often_as_asked():
    said = output_of("23_intervals_and_sets")
    assert abs(numbers(said["sets for 95 %"])[0] - 95) < 1
    assert abs(numbers(said["approval"])[0] - 90) < 2


def test_a_day_of_water_flow_is_forecast_better_than_by_the_day_before():
    said = output_of("20_forecasts")
    own, naive, _, held = numbers(said["1 h ahead"])
    assert own < 0.7 < 2.5 < naive
    assert 85 < held < 97


def test_digits_are_read_better_the_more_of_them_were_seen():
    said = output_of("26_images")
    first, last = numbers(said["right before they were learned"])[1::2]
    assert first < last
    assert last > 85


def test_kinds_of_surface_are_found_by_trying_and_policies_are_judged_by_a_log():
    said = output_of("21_decisions")
    assert numbers(said["first 2310"])[0] > 85
    for name in ("an even draw", "always path"):
        value, low, high, truth = numbers(said[name])
        assert low < truth < high
        assert abs(value - truth) < 0.03


def test_a_sentence_says_which_part_of_numpy_it_is_about():
    said = output_of("24_text")
    assert numbers(said["right in the second half"])[0] > 70
    assert said["read as"] == "bigrams"
    assert said["predicted"] == "random"
    assert "distribution" in said["because of"]


def test_polls_are_read_better_with_those_of_the_days_before():
    said = output_of("22_memory")
    without, own = (numbers(said[name])[0] for name in ("without memory", "with memory"))
    assert own < 0.95 * without


def test_a_pole_is_balanced_ever_longer_by_an_agent_that_was_saved_in_between():
    said = output_of("25_control")
    first, last = (numbers(said[f"{steps} steps"])[0] for steps in ("10,000", "80,000"))
    assert first < 60 < 300 < last


def test_flares_of_three_sizes_and_a_quiet_sun_are_predicted_in_one_answer():
    said = output_of("27_many_answers")
    own, usual = numbers(said["flares"])
    assert own < 0.8 * usual
    assert numbers(said["quiet or not"])[0] > 80
    assert said["outputs"].endswith("quiet, storm")


def test_a_person_is_forgotten_by_the_model_and_by_a_restored_backup():
    said = output_of("28_forget")
    assert said["beforehand"] == "2 rows found, 3,000 events to learn again"
    assert said["equal to a model that never saw her"] == "True"
    assert said["the backup forgets when it is opened"] == "2 rows"
    assert said["her address in the file"] == "2 times before, 0 after"


def test_rows_that_are_worth_a_label_teach_more_than_rows_by_chance_and_estimate_the_score():
    said = output_of("29_labels")
    (labels, chance), (asked, asking) = numbers(said["by chance"]), numbers(said["asking"])
    assert 450 < asked <= labels < 550
    assert asking > chance + 0.8
    value, error = numbers(said["estimated from the labels"])
    assert abs(value - asking) < error


def test_a_proxy_keeps_the_large_model_for_what_the_small_one_can_not_do():
    said = output_of("30_router")
    large, good = numbers(said["add"])
    assert large > 90
    assert good > 90
    assert numbers(said["hello"])[0] < 30
    assert numbers(said["mean cost / budget"])[0] <= 1


def test_a_frozen_model_is_left_alone_until_something_changes_and_then_corrected():
    said = output_of("31_correct")
    base, corrected = numbers(said["before the depot"])[:2]
    assert corrected < 1.01 * base
    base, corrected = numbers(said["after"])[:2]
    assert corrected < 0.35 * base


def test_a_model_that_knows_last_year_learns_only_what_is_new():
    said = output_of("34_warm_start")
    assert numbers(said["last year, at the end"])[0] < 2
    (warm, _, warm_later), (cold, _, cold_later) = numbers(said["from last year"]), numbers(said["from nothing"])
    assert warm < 0.85 * cold
    assert warm_later < 0.9 * cold_later


def test_fifty_clicks_teach_an_embedding_classifier_the_words_of_a_house():
    said = output_of("33_corrections")
    assert numbers(said["after 0 clicks"])[0] < 65
    assert numbers(said["after 30 clicks"])[0] > 90
    assert numbers(said["after 50 clicks"])[0] > 97


def test_the_last_hour_of_a_card_shows_what_a_payment_does_not():
    said = output_of("32_rolling")
    assert numbers(said["rows alone"])[0] < 0.85
    assert numbers(said["with the last hour"])[0] > 0.98
    assert numbers(said["what is kept"])[1] == 1000
