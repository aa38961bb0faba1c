"""River's models, pipelines and metrics on the same route as our own."""

import pytest
from river import compose, datasets, dummy, evaluate, linear_model, metrics, neighbors, preprocessing

import headwater as hw
from headwater.errors import ConfigError


def logistic():
    return preprocessing.StandardScaler() | linear_model.LogisticRegression()


def rows(n=400):
    return [x_y for x_y, _ in zip(datasets.Phishing(), range(n), strict=False)]


def test_a_pipeline_of_rivers_is_scored_as_river_scores_it():
    found = hw.evaluate(logistic(), rows(), metric=[metrics.F1(), metrics.LogLoss()])
    for metric, own in zip((metrics.F1(), metrics.LogLoss()), found.metrics, strict=True):
        evaluate.progressive_val_score(rows(), logistic(), metric)
        assert own.get() == pytest.approx(
            metric.get(), rel=0.02
        )  # but for the first row, asked before any class was known
    accuracy = metrics.Accuracy()
    evaluate.progressive_val_score(rows(), logistic(), accuracy)
    assert found.record.scores["accuracy"] == pytest.approx(accuracy.get(), abs=1 / 400)


def test_a_regressor_of_rivers_is_scored_as_river_scores_it():
    stream = [({"a": float(i % 9)}, 3.0 * (i % 9)) for i in range(300)]
    found = hw.evaluate(preprocessing.StandardScaler() | linear_model.LinearRegression(), stream, metric=metrics.MAE())
    mae = evaluate.progressive_val_score(
        stream, preprocessing.StandardScaler() | linear_model.LinearRegression(), metrics.MAE()
    )
    assert found.metrics[0].get() == pytest.approx(mae.get())
    assert found.record.scores["mae"] == pytest.approx(mae.get())


@pytest.mark.parametrize("delay", [0, 25])
def test_models_without_probabilities_and_wrappers_are_taken_and_answers_may_come_late(delay):
    for model in (dummy.PriorClassifier(), neighbors.KNNClassifier(), compose.Pipeline(hw.Classifier((4,), seed=1))):
        record = hw.evaluate(model, rows(120), delay=delay).record
        assert record.scored + record.unscored == record.rows == 120
        assert record.scores["accuracy"] > 0.3


def test_a_pipeline_around_a_learner_scores_what_the_learner_alone_does():
    alone = hw.evaluate(hw.Classifier((4,), seed=1), rows()).record
    inside = hw.evaluate(compose.Pipeline(hw.Classifier((4,), seed=1)), rows()).record
    assert inside.scores["accuracy"] == alone.scores["accuracy"]
    assert inside.scores["log_loss"] == pytest.approx(alone.scores["log_loss"], rel=1e-5)


def test_a_metric_of_probabilities_gets_those_that_were_given_out():
    found = hw.evaluate(hw.Classifier((4,), seed=1), rows(), metric=metrics.ROCAUC())
    assert 0.8 < found.metrics[0].get() < 1
    with pytest.raises(ConfigError, match="expected probabilities of all classes, got labels"):
        hw.evaluate(hw.Classifier((4,), seed=1), rows(), metric=metrics.ROCAUC(), delay=3)


def test_what_can_not_predict_is_refused_with_a_sentence():
    for model, said in (
        (preprocessing.StandardScaler(), "expected a Classifier, a Regressor, or a River model that predicts"),
        (object(), "expected a model with learn_one and predict_one, predict_proba_one or score_one, got object"),
        (hw.Classifier, "expected a model, got the class Classifier"),
    ):
        with pytest.raises(ConfigError, match=said):
            hw.evaluate(model, rows(5))


def test_progress_is_told_on_request(capsys):
    hw.evaluate(hw.Classifier((4,), seed=1), rows(), every=200, progress=True)
    said = capsys.readouterr().err.splitlines()
    assert [line.split(" rows")[0] for line in said] == ["200", "400"]
    assert "accuracy 0." in said[0]
    hw.evaluate(hw.Classifier((4,), seed=1), rows())
    assert capsys.readouterr().err == ""
