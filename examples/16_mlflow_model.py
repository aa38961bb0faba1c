"""A learner tracked by MLflow: metrics streamed while it learns, the model logged, served, and taken back to learn on.

The model is kept in headwater's own file inside MLflow's folder; nothing is pickled. Needs mlflow-skinny.
"""

import os
import tempfile
import warnings
from pathlib import Path

os.environ |= {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of its own type hints
    import mlflow
    import mlflow.pyfunc

import pandas as pd
from river import datasets

import headwater as hw
from headwater.interop.loggers import JsonLines
from headwater.route.session import Session

with tempfile.TemporaryDirectory() as folder:
    mlflow.set_tracking_uri(Path(folder, "runs").as_uri())
    model = hw.Classifier(seed=1)
    with mlflow.start_run() as run, JsonLines(Path(folder, "run.jsonl")) as lines:
        Session(model, every=250, on_record=(hw.mlflow.log_record, lines)).run(datasets.Phishing())
        info = hw.mlflow.log_model(model)

    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "window/accuracy")
    for point in history:
        print(f"row {point.step:,}: {point.value:.1%} right")
    print("lines of JSON:", len(lines.path.read_text().splitlines()))

    served = mlflow.pyfunc.load_model(info.model_uri)
    rows = pd.DataFrame([x for x, _ in datasets.Phishing().take(100)])
    same = (served.predict(rows) == model.predict_many(rows)).all()
    print("served as the learner predicts:", bool(same))

    back = hw.mlflow.load_model(info.model_uri)
    for x, y in datasets.Phishing().take(100):
        model.learn_one(x, y)
        back.learn_one(x, y)
    print("goes on to the bit:", back.predict_proba_many(rows).equals(model.predict_proba_many(rows)))
