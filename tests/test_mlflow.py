"""Learners as MLflow models, and metrics streamed while learning."""

from __future__ import annotations

import importlib
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from river import datasets

import headwater as hw
import headwater.interop.mlflow
from headwater.errors import MissingExtra
from headwater.route.session import Session
from headwater.store.learner_file import to_bytes
from support.packages.imports import when_used

mlflow = when_used("mlflow", reason="MLflow is not installed")

ROWS = pd.DataFrame([x for x, _ in datasets.Phishing().take(20)])


@pytest.fixture(scope="module", autouse=True)
def imported():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of its own type hints when it is imported
        importlib.import_module("mlflow.pyfunc")


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A store of runs in a folder, that tells nobody."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("GIT_PYTHON_REFRESH", "quiet")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(before)


def learned():
    model = hw.Classifier(hidden=(8,))
    for x, y in datasets.Phishing().take(300):
        model.learn_one(x, y)
    return model


def test_metrics_stream_while_learning(runs):
    model = hw.Classifier(hidden=(8,))
    with mlflow.start_run() as run:
        record = Session(model, every=250, on_record=hw.mlflow.log_record).run(datasets.Phishing())
    history = runs.get_metric_history(run.info.run_id, "accuracy")
    assert [point.step for point in history] == [250, 500, 750, 1000, 1250]
    assert history[-1].value == record.scores["accuracy"]
    logged = runs.get_run(run.info.run_id).data.metrics
    assert logged["window/majority/accuracy"] == record.window_baselines["majority"]["accuracy"]


def test_a_logged_model_predicts_as_the_learner_does_and_learns_nothing(runs):
    model = learned()
    with mlflow.start_run():
        info = hw.mlflow.log_model(model)
    served = mlflow.pyfunc.load_model(info.model_uri)
    for rows in (ROWS, ROWS.to_dict("records")):
        assert served.predict(rows).tolist() == model.predict_many(ROWS).tolist()
    assert np.array_equal(served.predict(ROWS, params={"proba": True}), model.predict_proba_many(ROWS))
    assert served.predict(ROWS.assign(new="name")).tolist() == model.predict_many(ROWS).tolist()


def test_a_loaded_learner_goes_on_to_the_bit(runs):
    model = learned()
    with mlflow.start_run():
        back = hw.mlflow.load_model(hw.mlflow.log_model(model).model_uri)
    assert to_bytes(back) == to_bytes(model)
    for x, y in datasets.Phishing().take(20):
        model.learn_one(x, y)
        back.learn_one(x, y)
    assert to_bytes(back) == to_bytes(model)


def test_a_saved_model_holds_headwaters_own_file_and_no_pickle(tmp_path):
    model = hw.Regressor(hidden=(4,))
    model.learn_many([{"a": 1.0}, {"a": 2.0}], [1.0, 2.0])
    hw.mlflow.save_model(model, tmp_path / "saved", metadata={"by": "a test"})
    files = {path.name for path in (tmp_path / "saved").rglob("*") if path.is_file()}
    assert "model.hw" in files
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".joblib"))]
    assert to_bytes(hw.load(tmp_path / "saved" / "data" / "model.hw")) == to_bytes(model)
    assert "headwater==" in (tmp_path / "saved" / "requirements.txt").read_text()
    served = mlflow.pyfunc.load_model(str(tmp_path / "saved"))
    assert served.metadata.metadata == {"by": "a test"}
    assert served.predict([{"a": 3.0}]).tolist() == [model.predict_one({"a": 3.0})]


def test_without_mlflow_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'headwater\[mlflow\]'"):
        hw.mlflow.log_model(hw.Classifier())
